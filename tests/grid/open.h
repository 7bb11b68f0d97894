/*
 * open.h - differences that were judged, in which the library is wrong and not mended yet.
 *
 * Each has a row in READINGS.md. A case that one of them covers may differ; it is counted and
 * printed, and does not fail the test. A difference that no case shows any more fails it: then it
 * was mended, and its line here and its row there have to go.
 */
#ifndef GRID_OPEN_H
#define GRID_OPEN_H

#include "driver.h"

/* The number of the open difference that this case may show; -1: none. */
int open_case(const struct driver_setup *setup, const struct grid_case *c, bool has_ts);
/* The same for a segment in the middle of a walk. */
int open_step(const struct model *m, const struct grid_case *c, const struct model_segment *s);
void open_count(int number);
/* Prints what was counted; returns how many were not seen. */
unsigned open_report(void);

#endif
