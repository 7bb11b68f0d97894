/*
 * check.c - every invariant of a stack: pools, index, wheel, lists, and each connection.
 */
#include "base/check.h"
#include "stack/stack.h"

#define MUST(condition)                                                                             \
	do {                                                                                        \
		if (!(condition))                                                                   \
			return __LINE__;                                                            \
	} while (0)

/* Each listener counts its pending connections. */
static int check_pending(const struct tv_core *c, uint32_t pending)
{
	for (uint32_t i = tv_pool_next(&c->listeners, tv_region(c), 0); i != TV_NONE;
	     i = tv_pool_next(&c->listeners, tv_region(c), i + 1))
		pending -= tv_listener_at(c, i)->fastopen.now;
	MUST(pending == 0);
	return 0;
}

static int check_conns(const struct tv_stack *s, uint32_t *indexed)
{
	const struct tv_core *c = &s->core;
	uint32_t pending = 0;
	struct tv_stack *mutable = (struct tv_stack *)(uintptr_t)s;
	uint32_t orphans = 0, held = 0;

	for (uint32_t i = tv_pool_next(&c->conns, tv_region(c), 0); i != TV_NONE;
	     i = tv_pool_next(&c->conns, tv_region(c), i + 1)) {
		const struct tv_tcb *t = tv_pool_at(&c->conns, tv_region(c), i);
		struct tv_key k;
		int line = tv_tcb_check(c, t);

		if (line != 0)
			return 10000 + line;
		pending += (t->flags & TV_F_PENDING) != 0;
		orphans += (t->flags & TV_F_RELEASED) != 0;
		held += (t->flags & TV_F_RELEASED) == 0 && t->reason == TV_R_EVICTED;
		if (t->state == TV_CLOSED)
			continue;
		(*indexed)++;
		tv_tcb_key(c, t, &k);
		MUST(tv_index_find(mutable, &k, tv_key_hash(&k, &s->seed)) != 0);
	}
	MUST(orphans == c->orphans && held == c->evicted_held);
	return check_pending(c, pending);
}

static int check_lists(const struct tv_core *c)
{
	uint32_t n = 0, prev = 0;

	for (uint32_t i = c->out_head; i != 0; n++) {
		const struct tv_tcb *t = tv_pool_at(&c->conns, tv_region(c), i - 1);

		MUST((t->flags & TV_F_IN_OUT_LIST) != 0 && n <= c->conns.used);
		MUST(prev == 0 || t->out_prev == prev); /* the first one's is stale (tv_want_drop) */
		prev = i;
		i = t->out_next;
	}
	MUST(c->out_tail == prev);
	MUST((c->ready_head == 0) == (c->ready_tail == 0) && (c->ready_tail == 0) == (c->ready_link == 0));
	MUST(c->reply_tail - c->reply_head <= c->cfg.replies);
	MUST(c->cookies.count == 0);
	return 0;
}

static int check_half(const struct tv_stack *s)
{
	const struct tv_core *c = &s->core;
	uint32_t queued = c->held_fifo.count, shares = 0;

	for (unsigned i = 0; i < TV_SYN_ACK_INTERVALS; i++)
		queued += c->half_fifo[i].count;
	for (unsigned i = 0; i < 1u << TV_PREFIX_BITS; i++)
		shares += c->half_share[i];
	MUST(queued == c->halves.used);
	MUST(shares == c->halves.used);
	for (uint32_t i = tv_pool_next(&c->halves, tv_region(c), 0); i != TV_NONE;
	     i = tv_pool_next(&c->halves, tv_region(c), i + 1)) {
		const struct tv_half *h = tv_half_at(c, i);

		MUST((h->flags & TV_H_HELD) != 0 || h->bucket == tv_half_bucket(c, h, i));
		MUST(c->half_share[tv_half_bucket(c, h, i)] != 0);
	}
	MUST(c->wait_fifo.count == c->waits.used);
	return 0;
}

int tv_stack_check(const struct tv_stack *s)
{
	const struct tv_core *c = &s->core;
	uint32_t indexed = 0;
	int line = check_conns(s, &indexed);

	if (line == 0)
		line = check_lists(c);
	if (line == 0)
		line = check_half(s);
	if (line != 0)
		return line;
	MUST(tv_pool_check(&c->conns, tv_region(c)) == 0);
	MUST(tv_pool_check(&c->halves, tv_region(c)) == 0);
	MUST(tv_pool_check(&c->waits, tv_region(c)) == 0);
	MUST(tv_pages_check(&c->pages, tv_region(c)) == 0);
	MUST(tv_table_check(&s->index, tv_region(c)) == 0);
	MUST(tv_wheel_check(&c->wheel, tv_region(c)) == 0);
	MUST(s->index.count[0] + s->index.count[1] == indexed + c->halves.used + c->waits.used);
	return 0;
}
