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
	uint64_t first = c->cfg.rto_first * ((t->flags & TV_F_SYN_LOST) != 0 && t->state >= TV_ESTABLISHED ? 3 : 1);

	t->rtt.rto_us = (uint32_t)(tv_min64(first, c->cfg.rto_max) / TV_US);
	t->rtt.srtt_us = t->rtt.var_us = t->rtt.min_us = 0;
}

TV_INLINE void tv_rtt_take(const struct tv_core *c, struct tv_tcb *t, uint32_t us)
{
	uint32_t srtt = t->rtt.srtt_us, var = t->rtt.var_us, rto;

	us += us == 0;
	us = tv_min32(us, c->rtt_max_us);
	t->rtt.min_us = tv_min32(us - 1, t->rtt.min_us - 1) + 1; /* 0: none yet */
	if (TV_UNLIKELY(srtt == 0)) {
		srtt = us << 3; /* 2.2 */
		var = us << 1;
	} else {
		int32_t error = (int32_t)us - (int32_t)(srtt >> 3); /* 2.3: alpha 1/8, beta 1/4 */

		srtt += (uint32_t)error;
		var += (uint32_t)(error < 0 ? -error : error) - (var >> 2);
	}
	/* RFC 6298 2.3: RTO = SRTT + max(G, 4 * RTTVAR); 2.4: a lower bound; 2.5: an upper one. */
	rto = (srtt >> 3) + tv_max32(var, 1000);
	t->rtt.srtt_us = srtt;
	t->rtt.var_us = var;
	t->rtt.rto_us = tv_min32(tv_max32(rto, c->rto_min_us), c->rto_max_us);
	t->rtt.backoff = 0; /* Karn: only a clean sample ends the backoff [MUST-18] */
}

#endif
