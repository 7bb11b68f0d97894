/*
 * orphan.h - connections that nobody holds any more, and all that a peer can hold on to by doing nothing.
 */
#ifndef TV_TCP_CLOSE_ORPHAN_H
#define TV_TCP_CLOSE_ORPHAN_H

#include "tcp/close/close.h"

/* What there is not enough of. */
enum tv_need { TV_NEED_ORPHAN, TV_NEED_RECORD, TV_NEED_PAGE };

/* Its user has let go of it. */
static inline void tv_orphan(struct tv_core *c, struct tv_tcb *t)
{
	t->flags |= TV_F_RELEASED;
	c->orphans++;
}
/* The record of a connection is free again. */
static inline void tv_orphan_gone(struct tv_core *c, const struct tv_tcb *t)
{
	if ((t->flags & TV_F_RELEASED) != 0)
		c->orphans--;
	else if (TV_UNLIKELY(t->reason == TV_R_EVICTED))
		c->evicted_held--;
}
/* How long may the peer owe an acknowledgment to it? */
tv_time tv_orphan_limit(const struct tv_core *c, const struct tv_tcb *t);
static inline tv_time tv_owing_limit(const struct tv_core *c, const struct tv_tcb *t)
{
	return (t->flags & TV_F_RELEASED) != 0 ? tv_orphan_limit(c, t) : tv_opts(c, t)->user_timeout;
}
/* How little is lost with it, and for how long nothing has come of it: the highest goes first. 0: it stays. */
uint64_t tv_stall_rank(const struct tv_core *c, const struct tv_tcb *t, enum tv_need need);
/* May what is written take more of the pages? */
static inline bool tv_may_write(const struct tv_core *c)
{
	return c->pages.big.used < c->cfg.send_pages;
}
/* How many octets? */
static inline uint64_t tv_write_bytes(const struct tv_core *c)
{
	uint32_t most = c->cfg.send_pages;

	return (uint64_t)(most - tv_min32(c->pages.big.used, most)) * TV_PAGE_BYTES;
}

#endif
