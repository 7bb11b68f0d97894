/*
 * rtt.c - the round-trip time and the retransmission time-out (RFC 6298).
 *
 * SRTT is kept times 8 and RTTVAR times 4, in microseconds. The granularity G is the millisecond of
 * the timestamp clock when the sample comes from it; the floor of 200 ms (configuration) covers it.
 */
#include "tcp/deliver/rtt.h"

void tv_rtt_init(struct tv_core *c, struct tv_tcb *t)
{
	/* RFC 6298 2.1: 1 s; 5.7: 3 s when the SYN had to be repeated. */
	uint64_t first = c->cfg.rto_first * ((t->flags & TV_F_SYN_LOST) != 0 && t->state >= TV_ESTABLISHED ? 3 : 1);

	t->rtt.rto_us = (uint32_t)(tv_min64(first, c->cfg.rto_max) / TV_US);
	t->rtt.srtt_us = t->rtt.var_us = t->rtt.min_us = 0;
}

void tv_rtt_sample(struct tv_core *c, struct tv_tcb *t, uint32_t us)
{
	tv_rtt_take(c, t, us);
}
