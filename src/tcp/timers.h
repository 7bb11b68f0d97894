/*
 * timers.h - how a deadline of a connection is set: a tick modulo 2^32, 0 meaning off (timers.c).
 */
#ifndef TV_TCP_TIMERS_H
#define TV_TCP_TIMERS_H

#include "tcp/core.h"

/* The tick that is so much later than now; after 2^30 ticks a connection looks again. */
#define TV_TICKS_FAR (1u << 30)
static inline uint32_t tv_tick_after(const struct tv_core *c, tv_time after)
{
	uint64_t tick = tv_tick_up(c->now + tv_min64(after, (uint64_t)TV_TICKS_FAR << TV_TICK_SHIFT));

	return (uint32_t)tick + ((uint32_t)tick == 0);
}
/* The same of at most a retransmission time-out, whose maximum is a fraction of that (stack.c). */
static inline uint32_t tv_tick_soon(const struct tv_core *c, tv_time after)
{
	uint32_t tick = (uint32_t)((c->now + after + (1u << TV_TICK_SHIFT) - 1) >> TV_TICK_SHIFT);

	return tick + (tick == 0);
}
/* Sets a deadline of this connection; the wheel has to know when it is earlier than what it knows. */
static inline void tv_deadline_at(struct tv_tcb *t, uint32_t *deadline, uint32_t tick)
{
	*deadline = tick;
	if (t->timer.node.where == 0 || (int32_t)(tick - t->timer.node.at) < 0)
		t->flags |= TV_F_TIMERS;
}

/* Nothing is waited for any more: does it leave its queue, or fire for nothing later? Among few connections, whose
 * records stay in the cache, the latter is cheaper: the next deadline then finds it armed. */
#define TV_TIMERS_FEW 4096u
static inline void tv_timers_rest(struct tv_core *c, const struct tv_tcb *t)
{
	if (c->conns.used > TV_TIMERS_FEW && tv_wheel_queued(&t->timer.node) && t->state != TV_CLOSED &&
	    (t->timer.main | t->timer.ack | t->timer.keep | t->timer.life | t->busy) == 0)
		tv_wheel_cancel(&c->wheel, tv_region(c), tv_conn_index(c, t));
}

#endif
