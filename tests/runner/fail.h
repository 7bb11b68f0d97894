/*
 * The reason why a script stopped.  Functions that can fail take one of these, fill it in with
 * fail_with(), and return what that returns.  The first reason stands.
 */
#ifndef RUNNER_FAIL_H
#define RUNNER_FAIL_H

#include <stdbool.h>

struct fail {
	bool failed;
	bool unsupported; /* not our stack's fault: the script wants what the runner cannot do */
	char text[2400];
};

/* Fills in the reason; always false. */
__attribute__((format(printf, 2, 3))) bool fail_with(struct fail *f, const char *format, ...);

/* The same for something that is not built. */
__attribute__((format(printf, 2, 3))) bool fail_unsupported(struct fail *f, const char *format, ...);

#endif
