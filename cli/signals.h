/*
 * signals.h - SIGINT and SIGTERM end a loop instead of the process, so that what is open can be reset.
 */
#ifndef TRIVET_CLI_SIGNALS_H
#define TRIVET_CLI_SIGNALS_H

#include "posix/run.h"

struct signals {
	struct run *run;
	int fd;
	bool came;             /* the loop was stopped by one of them */
};

/* A descriptor that is readable as soon as one of the two has come, which then does nothing else; for a
 * loop of one's own. -1: errno says why not. */
int signals_open(void);
/* From now on the two signals call run_stop(). False: errno says why not. */
bool signals_watch(struct signals *s, struct run *run);
/* Stops watching; what comes now is held back until the process ends. */
void signals_end(struct signals *s);

#endif
