/*
 * rtt.c - the round-trip time and the retransmission time-out (RFC 6298).
 *
 * SRTT is kept times 8 and RTTVAR times 4, in microseconds. The granularity G is the millisecond of
 * the timestamp clock when the sample comes from it; the floor of 200 ms (configuration) covers it.
 */
#include "tcp/deliver/rtt.h"

void tv_rtt_init(struct tv_core *c, struct tv_tcb *t)
{
	tv_rtt_begin(c, t);
}

void tv_rtt_sample(struct tv_core *c, struct tv_tcb *t, uint32_t us)
{
	tv_rtt_take(c, t, us);
}
