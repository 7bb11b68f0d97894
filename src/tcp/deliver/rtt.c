/*
 * rtt.c - the round-trip time and the retransmission time-out (RFC 6298).
 *
 * SRTT is kept times 8 and RTTVAR times 4, in microseconds. The granularity G is the millisecond of
 * the timestamp clock when the sample comes from it; the floor of 200 ms (configuration) covers it.
 */
#include "tcp/core.h"

#define SAMPLE_MAX_US (1u << 28)   /* times 8 it still has room */

static void set_rto(struct tv_core *c, struct tv_tcb *t)
{
	/* RFC 6298 2.3: RTO = SRTT + max(G, 4 * RTTVAR); 2.4: a lower bound; 2.5: an upper one. */
	uint64_t rto = (uint64_t)(t->rtt.srtt_us >> 3) + tv_max32(t->rtt.var_us, 1000);

	rto = tv_max64(rto, c->rto_min_us);
	t->rtt.rto_us = (uint32_t)tv_min64(rto, c->rto_max_us);
}

void tv_rtt_init(struct tv_core *c, struct tv_tcb *t)
{
	/* RFC 6298 2.1: 1 s; 5.7: 3 s when the SYN had to be repeated. */
	uint64_t first = c->cfg.rto_first * ((t->flags & TV_F_SYN_LOST) != 0 && t->state >= TV_ESTABLISHED ? 3 : 1);

	t->rtt.rto_us = (uint32_t)(tv_min64(first, c->cfg.rto_max) / TV_US);
	t->rtt.srtt_us = t->rtt.var_us = t->rtt.min_us = 0;
}

void tv_rtt_sample(struct tv_core *c, struct tv_tcb *t, uint64_t sample_us)
{
	uint32_t us = (uint32_t)tv_min64(tv_max64(sample_us, 1), tv_min32(c->rto_max_us, SAMPLE_MAX_US));

	t->rtt.min_us = t->rtt.min_us == 0 ? us : tv_min32(us, t->rtt.min_us);
	if (t->rtt.srtt_us == 0) {
		t->rtt.srtt_us = us << 3; /* 2.2 */
		t->rtt.var_us = us << 1;
	} else {
		int64_t error = (int64_t)us - (t->rtt.srtt_us >> 3); /* 2.3: alpha 1/8, beta 1/4 */

		t->rtt.srtt_us = (uint32_t)((int64_t)t->rtt.srtt_us + error);
		error = error < 0 ? -error : error;
		t->rtt.var_us = (uint32_t)((int64_t)t->rtt.var_us + error - (t->rtt.var_us >> 2));
	}
	t->rtt.backoff = 0; /* Karn: only a clean sample ends the backoff [MUST-18] */
	set_rto(c, t);
}
