/* evict.h - a connection is given up because something has run out. */
#ifndef TV_STACK_EVICT_H
#define TV_STACK_EVICT_H

#include "stack/stack.h"
#include "tcp/close/orphan.h"

/* false: nobody has stalled, or none of those that were looked at. It is not `but`. */
bool tv_evict(struct tv_stack *s, enum tv_need need, const struct tv_tcb *but);
/* There is no place left: that of one that has stalled, or none, which is counted. */
uint32_t tv_conn_place_of_other(struct tv_stack *s);
/* A place for a connection, if need be that of one that has stalled; TV_NONE: none. */
static inline uint32_t tv_conn_place(struct tv_stack *s)
{
	uint32_t i = tv_pool_take(&s->core.conns, tv_region(&s->core));

	return TV_LIKELY(i != TV_NONE) ? i : tv_conn_place_of_other(s);
}
/* Zeroes a record behind its key, but for its node, which may be on the wheel (tcp/timers.c). Compilers make stores of
 * pieces so small, of larger ones a call. */
static inline void tv_conn_clear(struct tv_tcb *t)
{
	const size_t node = offsetof(struct tv_tcb, timer.node), behind = node + sizeof t->timer.node;
	uint8_t *p = (uint8_t *)t;

	_Static_assert(offsetof(struct tv_tcb, timer.node) >= 128 && sizeof *t <= 256, "in four pieces");
	memset(p + TV_KEY_HEAD, 0, 64 - TV_KEY_HEAD);
	memset(p + 64, 0, 64);
	memset(p + 128, 0, node - 128);
	memset(p + behind, 0, sizeof *t - behind);
}
/* The record of a connection with this key in a place that was taken for it. */
TV_INLINE struct tv_tcb *tv_conn_write(struct tv_core *c, uint32_t i, const struct tv_key *k)
{
	struct tv_tcb *t = tv_conn(c, i);

	tv_key_store(k, t->key, tv_conn_rest(c, i)); /* first: behind it compilers know what was zeroed */
	tv_conn_clear(t);
	t->gen = tv_gen_next(c);
	t->v6 = k->v6;
	t->zone = k->zone;
	return t;
}
/* tv_conn_new(), as a part of who opens connections. */
TV_INLINE struct tv_tcb *tv_conn_begin(struct tv_stack *s, const struct tv_key *k)
{
	uint32_t i = tv_conn_place(s);

	return TV_UNLIKELY(i == TV_NONE) ? NULL : tv_conn_write(&s->core, i, k);
}
/* If a page was refused to anybody since the last time. */
void tv_evict_for_pages(struct tv_stack *s);

#endif
