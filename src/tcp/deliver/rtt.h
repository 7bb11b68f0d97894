/*
 * rtt.h - the retransmission time-out that a connection begins with, and a sample of the round-trip time (RFC 6298);
 * what is kept of them is told in rtt.c.
 */
#ifndef TV_TCP_DELIVER_RTT_H
#define TV_TCP_DELIVER_RTT_H

#include "tcp/core.h"

TV_INLINE void tv_rtt_begin(const struct tv_core *c, struct tv_tcb *t)
{
	/* RFC 6298 2.1: 1 s; 5.7: 3 s when the SYN had to be repeated. */
	uint64_t first = (t->flags & TV_F_SYN_LOST) != 0 && t->state >= TV_ESTABLISHED ? 3 * (uint64_t)c->rto_first_us
	                                                                               : c->rto_first_us;

	t->rtt.rto_us = (uint32_t)tv_min64(first, c->rto_max_us);
	t->rtt.srtt_us = t->rtt.var_us = t->rtt.min_us = 0;
}

/* RFC 6298 2.3: RTO = SRTT + max(G, 4 * RTTVAR); 2.4: a lower bound; 2.5: an upper one. */
static inline uint32_t tv_rtt_rto(const struct tv_core *c, uint32_t srtt, uint32_t var)
{
	return tv_min32(tv_max32((srtt >> 3) + tv_max32(var, 1000), c->rto_min_us), c->rto_max_us);
}

/* The first sample, after tv_rtt_begin(). */
TV_INLINE void tv_rtt_first(const struct tv_core *c, struct tv_tcb *t, uint32_t us)
{
	us += us == 0;
	us = tv_min32(us, c->rtt_max_us);
	t->rtt.min_us = us;
	t->rtt.srtt_us = us << 3; /* 2.2 */
	t->rtt.var_us = us << 1;
	t->rtt.rto_us = tv_rtt_rto(c, us << 3, us << 1);
	t->rtt.backoff = 0; /* Karn: only a clean sample ends the backoff [MUST-18] */
}

/* Another one. */
TV_INLINE void tv_rtt_next(const struct tv_core *c, struct tv_tcb *t, uint32_t us)
{
	uint32_t srtt = t->rtt.srtt_us, var = t->rtt.var_us;
	int32_t error;

	us += us == 0;
	us = tv_min32(us, c->rtt_max_us);
	t->rtt.min_us = tv_min32(us, t->rtt.min_us);
	error = (int32_t)us - (int32_t)(srtt >> 3); /* 2.3: alpha 1/8, beta 1/4 */
	srtt += (uint32_t)error;
	var += (uint32_t)(error < 0 ? -error : error) - (var >> 2);
	t->rtt.srtt_us = srtt;
	t->rtt.var_us = var;
	t->rtt.rto_us = tv_rtt_rto(c, srtt, var);
	t->rtt.backoff = 0; /* Karn: only a clean sample ends the backoff [MUST-18] */
}

TV_INLINE void tv_rtt_take(const struct tv_core *c, struct tv_tcb *t, uint32_t us)
{
	if (TV_LIKELY(t->rtt.srtt_us != 0))
		tv_rtt_next(c, t, us);
	else
		tv_rtt_first(c, t, us);
}

#endif
