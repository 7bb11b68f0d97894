/*
 * orphan.c - what a peer can hold on to by doing nothing: a closed window, a FIN that it does not acknowledge,
 * one that it does not send. The other end of the bargain is memory and records that others need.
 *
 * An orphan is a connection whose user has released it: nobody will read what comes, nobody waits for what
 * was written. It may repeat what it has to say orphan_tries times (Linux: tcp_orphan_retries); there may be
 * cfg.orphans of them (tcp_max_orphans); and when connections, orphans or pages are three quarters used, one whose
 * peer has acknowledged nothing for orphan_timeout is given up.
 *
 * When something has run out, the connection is given up with which least is lost: an orphan that waits for
 * the peer's FIN alone, then one that has only its own FIN to say, then one with text, at last one with an owner.
 * Of equals the one that has stalled longest. One that has stalled for less than stall_min stays, but for an
 * orphan too many. Who looks for it is stack/evict.c.
 */
#include "tcp/close/orphan.h"

/* Three quarters of it are used. */
static bool scarce(uint64_t used, uint64_t count)
{
	return 4 * used >= 3 * count;
}

static bool pressed(const struct tv_core *c)
{
	return scarce(c->orphans, c->cfg.orphans) || scarce(c->conns.used, c->conns.count) ||
	       scarce(c->pages.big.used, c->cfg.send_pages);
}

tv_time tv_orphan_limit(const struct tv_core *c, const struct tv_tcb *t)
{
	tv_time limit = tv_opts(c, t)->user_timeout;

	return pressed(c) ? tv_min64(limit, c->cfg.orphan_timeout) : limit;
}

static bool owes(const struct tv_tcb *t)
{
	return t->snd.una != t->snd.nxt || (t->out.len != 0 && t->snd.wnd == 0);
}

uint64_t tv_stall_rank(const struct tv_core *c, const struct tv_tcb *t, enum tv_need need)
{
	bool orphan = (t->flags & TV_F_RELEASED) != 0, waits = t->state == TV_FIN_WAIT_2;
	uint32_t ms = c->now_ms - (waits ? t->received_ms : t->progress_ms);
	uint64_t kind = !orphan ? 1 : waits ? 4 : t->out.len == 0 ? 3 : 2;

	if (t->state < TV_ESTABLISHED || t->state == TV_TIME_WAIT || (t->flags & TV_F_QUEUED) != 0)
		return 0;
	if (need == TV_NEED_ORPHAN)
		return orphan ? kind << 32 | ms : 0;
	if (!orphan && (!owes(t) || (need == TV_NEED_RECORD && c->evicted_held != 0)))
		return 0; /* of those that were given up one still waits for its owner to release it */
	if ((need == TV_NEED_PAGE && t->out.len == 0) || c->cfg.stall_min == TV_NEVER ||
	    (tv_time)ms * TV_MS < c->cfg.stall_min)
		return 0;
	return kind << 32 | ms;
}
