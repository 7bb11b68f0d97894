/* cc.h - the congestion window that a connection begins with (cc.c). */
#ifndef TV_TCP_FLOW_CC_H
#define TV_TCP_FLOW_CC_H

#include "tcp/flow/reno.h"
#include "tcp/flow/send.h"

/* tv_cc_init(), as a part of who opens connections. */
TV_INLINE void tv_cc_begin(const struct tv_core *c, struct tv_tcb *t)
{
	t->cc.cwnd = tv_initial_window(c, t);
	t->cc.ssthresh = TV_SSTHRESH_NONE;
	t->cc.acked = 0;
	t->cc.dup_acks = 0;
	t->cc.recover = t->snd.iss;
	t->cc.quick = 16; /* Linux: TCP_MAX_QUICKACKS */
}

#endif
