/*
 * evict.c - when something has run out: the connection with which least is lost is given up, with a RST
 * (tcp/close/orphan.c says which that is).
 *
 * Each call looks at 1,024 places of the pool at most, from where the last one stopped, so that its work is bounded
 * however many connections there are. With up to 1,024 the choice is exact; with more it is the best of 1,024, and
 * calls that find nobody come around to everybody. After one that found nobody none looks in the same
 * millisecond, but for the calls of tv_send(), so that packets which ask in vain cost next to nothing.
 *
 * Asked for: a record, by whoever opens a connection; a place, by an orphan too many; pages, by tv_send(), and by
 * tv_output() when somebody was refused since the last time.
 */
#include "stack/evict.h"

#define LOOKS 1024u

bool tv_evict(struct tv_stack *s, enum tv_need need, const struct tv_tcb *but)
{
	struct tv_core *c = &s->core;
	uint32_t looks = tv_min32(LOOKS, c->conns.high);
	struct tv_tcb *victim = NULL;
	uint64_t worst = 0;

	if (need != TV_NEED_ORPHAN && but == NULL && s->in_vain == c->now_us / 1000 + 1)
		return false;
	for (; looks != 0; looks--) {
		struct tv_tcb *t;
		uint64_t rank;

		s->hand = s->hand + 1 < c->conns.high ? s->hand + 1 : 0;
		t = tv_conn(c, s->hand);
		if (t->gen == 0 || t == but)
			continue;
		rank = tv_stall_rank(c, t, need);
		if (rank > worst) {
			worst = rank;
			victim = t;
		}
	}
	if (victim == NULL) {
		s->in_vain = but == NULL ? c->now_us / 1000 + 1 : s->in_vain;
		return false;
	}
	c->cnt.evicted++;
	c->evicted_held += (victim->flags & TV_F_RELEASED) == 0;
	tv_user_abort(c, victim, TV_R_EVICTED);
	tv_settle(s, victim);
	return true;
}

void tv_evict_for_pages(struct tv_stack *s)
{
	if (s->page_failures == s->core.pages.failures)
		return;
	s->page_failures = s->core.pages.failures;
	tv_evict(s, TV_NEED_PAGE, NULL);
}

uint32_t tv_conn_place_of_other(struct tv_stack *s)
{
	struct tv_core *c = &s->core;
	uint32_t i = tv_evict(s, TV_NEED_RECORD, NULL) ? tv_pool_take(&c->conns, tv_region(c)) : TV_NONE;

	c->cnt.record_failures += i == TV_NONE;
	return i;
}
