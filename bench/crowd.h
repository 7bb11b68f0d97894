/* crowd.h - many established connections between two stacks in memory. */
#ifndef TV_BENCH_CROWD_H
#define TV_BENCH_CROWD_H

#include "bench.h"

struct crowd {
	struct side client, server;
	struct wire out, back;
	tv_handle *clients, *servers; /* servers[i] is the other end of clients[i] */
	uint32_t count, opened, accepted;
	tv_time now;
	double seconds; /* CPU time that opening took */
	uint64_t bytes; /* growth of resident memory */
};

/* huge: the stacks lie in huge pages. False: a connection did not come up; the crowd can be used and must be
 * closed all the same. */
bool crowd_open(struct crowd *c, uint32_t count, bool huge, bool flip);
void crowd_close(struct crowd *c);

#endif
