/*
 * predicted.h - the segment that nearly every one is, of the connection that the index named when its batch began: what
 * demux.c would find and tcp/in.c would do, in one piece (tcp/predict.h).
 */
#ifndef TV_STACK_PREDICTED_H
#define TV_STACK_PREDICTED_H

#include "stack/stack.h"
#include "tcp/predict.h"

/* As tv_demux(), of a plain segment (wire/plain.h). */
TV_INLINE enum tv_verdict tv_demux_predicted(struct tv_stack *s, const struct tv_segment *seg, uint64_t hash,
                                             uint32_t ref)
{
	struct tv_core *c = &s->core;
	struct tv_tcb *t = tv_conn(c, ref & ((1u << TV_REF_SLOT_BITS) - 1));
	int v;

	/* A segment is predicted in few states; a record that was freed, or is in TIME-WAIT, is in none of them. */
	if (TV_UNLIKELY(ref >> TV_REF_SLOT_BITS != TV_KIND_CONN || t->link != seg->link ||
	                !tv_key_matches_v4(&seg->key, t->key, t->v6, t->zone) || s->address_late ||
	                !tv_is_predicted(t, seg, true)))
		return tv_demux(s, seg, hash, ref);
	c->cnt.segments_in++;
	v = tv_take_predicted(c, t, seg, true);
	tv_settle(s, t);
	TV_ASSERT(v >= 0);
	return (enum tv_verdict)v;
}

#endif
