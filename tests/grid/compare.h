/*
 * compare.h - the library against the model, case by case; what differs is grouped.
 */
#ifndef GRID_COMPARE_H
#define GRID_COMPARE_H

#include <stdio.h>

#include "driver.h"

/* What a case adds to its segment. */
enum case_ts { TS_NONE, TS_OLDER, TS_SAME, TS_NEWER, TSES };

struct compare_run {
	struct driver_setup setup;
	unsigned every;      /* 1: all cases; n: each n-th, as a hash of the case says */
	unsigned high_flags; /* ECE, CWR and reserved bits that every segment carries */
	enum case_ts ts;
};

/* Returns how many cases differ, or -1 when the start could not be reached; *cases counts all. */
long compare_run(const struct compare_run *run, unsigned long *cases);
/* Prints the groups that were found since the last time, and forgets them. */
void compare_report(FILE *to, unsigned most);

/* One segment to both. False: they differ, and what it is stands in why. */
bool compare_one(struct driver *d, struct model *m, const struct model_segment *s, char *why, size_t size);

#endif
