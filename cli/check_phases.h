/*
 * check_phases.h - the latency budget of one attempt: where the time went.
 */
#ifndef TRIVET_CLI_CHECK_PHASES_H
#define TRIVET_CLI_CHECK_PHASES_H

#include "cli/check.h"

enum { CHECK_PHASES = 5 };

struct check_phase {
	const char *name, *key;        /* for people, and for JSON */
	tv_time took;
	unsigned rounds;               /* round trips of the path in it */
	const char *why;               /* what else to say, or NULL */
};

/* Name look-up, handshake, TLS, first byte, last byte: those that it came to. Returns how many. */
unsigned check_phases(const struct check *c, const struct try *t, struct check_phase phases[CHECK_PHASES]);

#endif
