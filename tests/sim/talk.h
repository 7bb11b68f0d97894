/*
 * talk.h - whole conversations between two stacks on a bad network, from one seed.
 *
 * A profile says how bad the network may be and what the users may do; the seed decides how bad it
 * is and what they do. talk_run() plays it to the end, checks everything after every step, and
 * returns what was wrong first.
 */
#ifndef TRIVET_TESTS_SIM_TALK_H
#define TRIVET_TESTS_SIM_TALK_H

#include <trivet/trivet.h>

enum talk_opening { TALK_CLIENT_SERVER, TALK_SIMULTANEOUS };

struct talk_profile {
	const char *name;
	uint32_t loss, duplicate, corrupt, reorder; /* at most so many of a million */
	tv_time delay, jitter; /* at most */
	uint64_t rate;         /* bits per second, at least; 0: no limit */
	uint32_t bytes;        /* of each stream, at most */
	unsigned conversations; /* at once */
	enum talk_opening opening;
	bool aborts;           /* some users abort */
	bool closes_together;  /* both users shut down when both have everything */
	bool slow_readers;
	bool ethernet;
	bool super_segments;   /* and no checksums, as on a link that does both */
	bool fastopen;         /* text on the SYN, once a cookie is known */
	bool narrow;           /* a path with a smaller MTU than the links, which says so */
	uint32_t pages;        /* of each stack; 0: plenty */
};

struct talk_result {
	char error[256];       /* "" when all was right */
	tv_time took;          /* virtual */
	uint64_t steps, packets, bytes, supers; /* supers: packets that stand for several */
	uint64_t early;        /* connections that a cookie on the SYN has opened */
	uint64_t hash;         /* of every packet at every end, with its time */
	unsigned aborted;      /* conversations that a user ended early */
};

enum {
	TALK_SHOW = 1,         /* print each packet */
	TALK_REGIONS = 2       /* the hash covers all memory of both stacks, as it is at the end */
};
void talk_run(const struct talk_profile *profile, uint64_t seed, unsigned flags, struct talk_result *result);

#endif
