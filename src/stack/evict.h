/* evict.h - a connection is given up because something has run out. */
#ifndef TV_STACK_EVICT_H
#define TV_STACK_EVICT_H

#include "stack/stack.h"
#include "tcp/close/orphan.h"

/* false: nobody has stalled, or none of those that were looked at. It is not `but`. */
bool tv_evict(struct tv_stack *s, enum tv_need need, const struct tv_tcb *but);
/* A place for a connection, if need be that of one that has stalled; TV_NONE: none. */
static inline uint32_t tv_conn_place(struct tv_stack *s)
{
	uint32_t i = tv_pool_take(&s->core.conns, tv_region(&s->core));

	if (TV_UNLIKELY(i == TV_NONE) && tv_evict(s, TV_NEED_RECORD, NULL))
		i = tv_pool_take(&s->core.conns, tv_region(&s->core));
	return i;
}
/* If a page was refused to anybody since the last time. */
void tv_evict_for_pages(struct tv_stack *s);

#endif
