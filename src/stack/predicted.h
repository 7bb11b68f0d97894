/*
 * predicted.h - the segment that nearly every one is, of the connection that the index named when its batch began: what
 * demux.c would find and tcp/in.c would do, in one piece (tcp/predict.h).
 */
#ifndef TV_STACK_PREDICTED_H
#define TV_STACK_PREDICTED_H

#include "stack/stack.h"
#include "tcp/predict.h"
#include "tcp/timers.h"

/* The state of a record of IPv4, without a zone, over this link; of any other, none that there is. */
TV_INLINE uint32_t tv_conn_state_v4(const struct tv_tcb *t, uint8_t link)
{
	uint32_t is = t->state | (uint32_t)t->v6 << 8 | (uint32_t)t->zone << 16 | (uint32_t)t->link << 24;

	return is ^ (uint32_t)link << 24;
}

/* Is this the record of a segment that is a plain ACK (wire/plain.h), which does what is expected next? No address was
 * added late. A segment is predicted in few states; a record that was freed, or is in TIME-WAIT, is in none of them. */
TV_INLINE bool tv_conn_expects(const struct tv_tcb *t, const struct tv_segment *seg)
{
	return tv_key_same_v4(&seg->key, t->key) && tv_is_predicted(t, tv_conn_state_v4(t, seg->link), seg, true);
}

/* What tv_demux() would do then. */
TV_INLINE enum tv_verdict tv_conn_in(struct tv_stack *s, struct tv_tcb *t, const struct tv_segment *seg)
{
	struct tv_core *c = &s->core;
	int v;

	c->cnt.segments_in++;
	v = tv_take_predicted(c, t, seg, true);
	tv_timers_rest(c, t);
	tv_settle(s, t);
	TV_ASSERT(v >= 0);
	return (enum tv_verdict)v;
}

#endif
