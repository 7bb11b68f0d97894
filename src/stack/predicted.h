/*
 * predicted.h - the segment that nearly every one is, of the connection that the index named when its batch began: what
 * demux.c would find and tcp/in.c would do, in one piece (tcp/predict.h).
 */
#ifndef TV_STACK_PREDICTED_H
#define TV_STACK_PREDICTED_H

#include "stack/stack.h"
#include "tcp/predict.h"
#include "tcp/timers.h"

/* Is this the record of a plain segment (wire/plain.h), which does what is expected next? A segment is predicted in few
 * states; a record that was freed, or is in TIME-WAIT, is in none of them. */
TV_INLINE bool tv_conn_expects(const struct tv_stack *s, const struct tv_tcb *t, const struct tv_segment *seg)
{
	return t->link == seg->link && tv_key_matches_v4(&seg->key, t->key, t->v6, t->zone) && !s->address_late &&
	       tv_is_predicted(t, seg, true);
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
