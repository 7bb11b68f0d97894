/* handles.h - what the files of public calls share. */
#ifndef TV_STACK_HANDLES_H
#define TV_STACK_HANDLES_H

#include "stack/stack.h"

/* The record of a handle that its user still holds; NULL: stale. */
static inline struct tv_tcb *tv_handle_conn(const struct tv_stack *s, tv_handle h)
{
	const struct tv_core *c = &s->core;
	uint32_t slot = (uint32_t)h;
	struct tv_tcb *t = (struct tv_tcb *)(uintptr_t)tv_conn_at(c, slot);

	if (slot >= c->conns.count || h >> 32 != tv_handle_make(TV_KIND_CONN, t->gen, 0) >> 32 || t->gen == 0 ||
	    (t->flags & (TV_F_RELEASED | TV_F_QUEUED)) != 0)
		return NULL;
	return t;
}
struct tv_listener *tv_handle_listener(const struct tv_stack *s, tv_handle h);
/* TV_NONE: stale, or answered. */
uint32_t tv_handle_question(const struct tv_stack *s, tv_handle h);
int tv_listener_close(struct tv_stack *s, tv_handle h);

/* Gives a caller as much of a structure as the one that it was compiled with holds; what its own has
 * beyond ours is zeroed. `size` comes first in both and stays the caller's. */
static inline void tv_give(void *to, uint32_t size, const void *full, size_t known)
{
	uint32_t at = sizeof size, both = tv_min32(size, (uint32_t)known);

	memcpy((uint8_t *)to + at, (const uint8_t *)full + at, both - at);
	memset((uint8_t *)to + both, 0, size - both);
}

#endif
