/*
 * watch.h - what `trivet watch` knows while it runs.
 */
#ifndef TRIVET_CLI_WATCH_H
#define TRIVET_CLI_WATCH_H

#include "cli/address.h"
#include "cli/common.h"
#include "diagnose/watch.h"

struct live;
struct lines;

struct watcher {
	struct common common;
	const char *interface;
	bool verbose;
	tv_time limit, until;          /* --for; until: by clock_now(), 0: no end */
	uint64_t most, told;           /* lines of --count, and told so far */
	struct live *live;
	struct watch *watch;
	struct lines *lines;
	tv_time last;                  /* of the last packet */
	uint64_t dropped;              /* by the capture, as told */
	uint64_t second, lines_in_second, left_out;
	bool problem;
};

#endif
