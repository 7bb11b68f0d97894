/*
 * backlog.h - may this SYN have a half-open record? The three limits of backlog.c, in turn, as a part of who takes SYNs
 * (stack/syn.c).
 */
#ifndef TV_TCP_OPEN_BACKLOG_H
#define TV_TCP_OPEN_BACKLOG_H

#include "tcp/open/half_open.h"

#define TV_BACKLOG_SHARE 4u        /* records of a prefix for each free place */

/* A SYN has no place, or its prefix is over its rate: counts, and tells of the flood. The former gets a cookie, if it
 * may. */
int tv_backlog_full(struct tv_core *c, uint32_t index, const struct tv_segment *s, enum tv_verdict v, bool cookies);
bool tv_backlog_over_rate(struct tv_core *c, uint32_t index, const struct tv_segment *s);
/* The same verdict, counted. */
int tv_backlog_dropped(struct tv_core *c, struct tv_listener *l, enum tv_verdict v);

/* Without a cookie: is there a place? TV_V_OK, or why not. */
static inline enum tv_verdict tv_backlog_place(struct tv_core *c, const struct tv_listener *l, uint32_t index,
                                               const struct tv_segment *s)
{
	const struct tv_key *k = &s->key;
	uint64_t top = tv_key_remote_top(k->b, k->b + TV_KEY_HEAD, k->v6);
	uint32_t free = l->backlog - l->half;
	bool crowded = TV_UNLIKELY(c->halves.used / TV_BACKLOG_SHARE >= free); /* nobody has more than there are */

	if (l->half >= l->backlog)
		return TV_V_BACKLOG_FULL;
	if (c->halves.used >= c->halves.count)
		return TV_V_NO_RECORD;
	crowded = crowded && *tv_prefix_share(c, top, k->v6, index + 1) / TV_BACKLOG_SHARE >= free;
	return crowded ? TV_V_PREFIX_FULL : TV_V_OK;
}

/* Of a SYN to l, which is listener number `index`: TV_NEXT; else it was answered with a cookie (TV_V_OK), or this is
 * why not. reopens: its tuple is in TIME-WAIT, which a cookie would not get past. */
TV_INLINE int tv_backlog_ask(struct tv_core *c, struct tv_listener *l, uint32_t index, const struct tv_segment *s,
                             bool reopens)
{
	bool cookies = c->cfg.syn_cookies != TV_COOKIES_NEVER && !reopens && !l->hold;
	enum tv_verdict v;

	l->flood.syns += l->flood.on;
	if (TV_UNLIKELY(c->cfg.syn_per_second != 0) && tv_backlog_over_rate(c, index, s))
		return TV_V_SYN_RATE;
	if (TV_UNLIKELY(l->waiting >= l->backlog))
		return tv_backlog_dropped(c, l, TV_V_ACCEPT_FULL); /* as Linux: no use in finishing more handshakes */
	if (cookies && c->cfg.syn_cookies != TV_COOKIES_AUTO)
		return tv_cookie_answer(c, l, s);
	v = tv_backlog_place(c, l, index, s);
	if (TV_UNLIKELY(v != TV_V_OK))
		return tv_backlog_full(c, index, s, v, cookies);
	if (TV_UNLIKELY(l->hold) && l->held >= c->cfg.held_max) {
		c->cnt.held_drops++;
		return TV_V_HELD_FULL;
	}
	return TV_NEXT;
}

#endif
