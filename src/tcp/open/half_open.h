/*
 * half_open.h - what nearly every handshake needs of its half-open record: a SYN makes it, its SYN-ACK is said, the
 * final ACK makes a connection of it. Each of these has one place on the way of a segment (stack/syn.c, stack/demux.c)
 * and is a part of it; the rest is in half_open.c, and who may have a record in backlog.c.
 */
#ifndef TV_TCP_OPEN_HALF_OPEN_H
#define TV_TCP_OPEN_HALF_OPEN_H

#include "tcp/open/open.h"

#define TV_SHARE_BITS_V4 24u
#define TV_SHARE_BITS_V6 56u

/* Which of 2^10 buckets a prefix falls into: so many bits of p. NH (base/key.h) guards it: an attacker who does
 * not know the key cannot find prefixes that collide. */
static inline uint32_t tv_prefix_bucket(const struct tv_core *c, uint64_t p, unsigned bits, uint32_t listener)
{
	uint64_t h;

	p = bits == 0 ? 0 : p & ~(uint64_t)0 << (64 - bits);
	h = tv_key_nh((uint32_t)(p >> 32), (uint32_t)p, (uint32_t)c->prefix_seed, (uint32_t)(c->prefix_seed >> 32));
	h = (h ^ h >> 29 ^ listener) * 0xbf58476d1ce4e5b9u;
	return (uint32_t)(h >> (64 - TV_PREFIX_BITS));
}

static inline uint32_t tv_share_bucket(const struct tv_core *c, uint64_t top, bool v6, uint32_t listener)
{
	return v6 ? tv_prefix_bucket(c, top, TV_SHARE_BITS_V6, listener)
	          : tv_prefix_bucket(c, top, TV_SHARE_BITS_V4, listener);
}

/* How many records the prefix of a remote address has. */
static inline uint32_t *tv_prefix_share(struct tv_core *c, uint64_t top, bool v6, uint32_t listener)
{
	return &c->half_share[tv_share_bucket(c, top, v6, listener)];
}

/* Where the prefix of a record is counted. */
static inline uint32_t tv_half_bucket(const struct tv_core *c, const struct tv_half *h, uint32_t slot)
{
	bool v6 = (h->opt & TV_H_V6) != 0;

	return tv_share_bucket(c, tv_key_remote_top(h->key, tv_half_rest(c, slot), v6), v6, h->listener);
}

/* A half-open record of listener l, already filled, begins or ends to count. It remembers where, if it is not held. */
static inline void tv_backlog_take(struct tv_core *c, struct tv_listener *l, struct tv_half *h, uint32_t slot)
{
	l->half++;
	h->bucket = tv_half_bucket(c, h, slot);
	c->half_share[h->bucket]++;
}

static inline void tv_backlog_give(struct tv_core *c, struct tv_listener *l, const struct tv_half *h, uint32_t slot)
{
	bool held = TV_UNLIKELY((h->flags & TV_H_HELD) != 0);

	l->half--;
	c->half_share[held ? tv_half_bucket(c, h, slot) : h->bucket]--;
}

/* Fills the record of a SYN to listener number `index` (LISTEN, RFC 9293 3.10.7.2, third); h: the record in this slot;
 * iss: the number of our SYN. */
TV_INLINE void tv_half_begin(struct tv_core *c, struct tv_half *h, uint32_t slot, uint32_t index, uint32_t profile,
                             const struct tv_segment *s, uint32_t iss)
{
	struct tv_agreed a;

	tv_negotiate_listen(c, profile, s, &a);
	tv_key_store(&s->key, h->key, tv_half_rest(c, slot)); /* first: behind it compilers know what was zeroed */
	memset(h->key + TV_KEY_HEAD, 0, sizeof *h - TV_KEY_HEAD);
	h->gen = tv_gen_next(c);
	h->iss = iss;
	h->irs = s->seq; /* text on the SYN is not kept [EV-08] */
	h->ts_recent = (a.flags & TV_O_TS) != 0 ? s->opt.ts_val : 0;
	h->born_ms = c->now_ms;
	h->listener = (uint16_t)(index + 1);
	h->mss_peer = a.mss_peer;
	h->wnd = s->wnd; /* the window of a SYN is never scaled */
	h->zone = s->key.zone;
	h->link = s->link;
	h->scales = (uint8_t)(a.snd_scale | a.rcv_scale << 4);
	h->opt = (uint8_t)(a.flags | (s->key.v6 ? TV_H_V6 : 0));
	c->cnt.passive_opens++;
}
static inline void tv_half_open(struct tv_core *c, uint32_t slot, uint32_t index, const struct tv_segment *s)
{
	tv_half_begin(c, tv_half_at(c, slot), slot, index, tv_listener_at(c, index)->profile, s, tv_isn(c, &s->key));
}

/* Its SYN-ACK; l: its listener, k: its key, offset: of its tv_pair(). NULL: no room for it. */
TV_INLINE struct tv_reply *tv_half_answer(struct tv_core *c, const struct tv_half *h, const struct tv_listener *l,
                                          const struct tv_key *k, uint32_t offset)
{
	const struct tv_profile *p = tv_profile_at(c, l->profile);
	struct tv_reply *r = tv_reply_take(c);

	if (TV_UNLIKELY(r == NULL))
		return NULL;
	tv_reply_blank(r, k, h->link);
	r->flags = TV_SYN | TV_ACK;
	r->seq = h->iss;
	r->ack = h->irs + 1;
	r->wnd = (uint16_t)tv_min32(p->o.rcv_buf, UINT16_MAX); /* RFC 7323 2.2: not scaled */
	r->ttl = p->o.ttl;
	r->tos = (uint8_t)(p->o.dscp << 2);
	r->mss = tv_mss_announced(c, p, h->link, k->v6); /* [MUST-14] [SHLD-5] [MAY-3] */
	r->wscale = h->scales >> 4;
	r->has = tv_offered(h->opt);
	if ((h->opt & TV_O_TS) != 0) {
		r->ts_val = c->now_ms + offset;
		r->ts_ecr = h->ts_recent;
	}
	return r;
}

/* Those of its connection. */
TV_INLINE struct tv_clocks tv_half_clocks(struct tv_core *c, const struct tv_half *h, const struct tv_key *k)
{
	struct tv_clocks clocks = {.offset = 0};

	if ((h->opt & TV_O_TS) != 0)
		clocks.offset = tv_pair(c, k)->offset;
	if ((h->flags & TV_H_REOPENS) == 0)
		clocks.era = tv_isn_era(c, c->now - (tv_time)(c->now_ms - h->born_ms) * TV_MS);
	return clocks;
}

/* Fills a zeroed record, of the connection with this key, from a half-open one, whose listener is l; or a
 * scratch record. */
TV_INLINE void tv_half_fill(const struct tv_core *c, const struct tv_half *h, const struct tv_listener *l,
                            struct tv_tcb *t, const struct tv_clocks *clocks)
{
	const struct tv_profile *p = tv_profile_at(c, l->profile);

	t->state = TV_SYN_RECEIVED;
	t->v6 = (h->opt & TV_H_V6) != 0;
	t->zone = h->zone;
	t->link = h->link;
	t->listener = h->listener;
	t->profile = l->profile;
	t->rcv.irs = h->irs;
	t->rcv.nxt = t->rcv.acked = h->irs + 1;
	t->rcv.adv = t->rcv.nxt + tv_min32(p->o.rcv_buf, UINT16_MAX);
	t->snd.iss = t->snd.una = h->iss;
	t->snd.nxt = h->iss + 1;
	t->snd.wnd = t->snd.max_wnd = h->wnd;
	t->opt.flags = (uint8_t)(h->opt & ~TV_H_V6);
	t->opt.ts_recent = h->ts_recent;
	t->opt.ts_recent_at = c->coarse;
	t->opt.ts_offset = clocks->offset;
	t->opt.mss_peer = h->mss_peer;
	t->opt.snd_scale = h->scales & 15;
	t->opt.rcv_scale = h->scales >> 4;
	t->progress_ms = t->received_ms = h->born_ms;
	t->challenge_ms = (h->flags & TV_H_HELD) != 0 ? 0 : h->challenge_ms;
	t->rtt.tries = h->tries;
	if (h->tries != 0)
		t->flags |= TV_F_SYN_LOST;
	if (p->o.nodelay)
		t->flags |= TV_F_NODELAY;
	tv_mss_own(c, p, t);
	tv_mss_agreed(p, t);
	t->rtt.era = clocks->era;
}

static inline struct tv_fifo *tv_half_fifo(struct tv_core *c, const struct tv_half *h)
{
	if ((h->flags & TV_H_HELD) != 0)
		return &c->held_fifo;
	return &c->half_fifo[tv_min32(h->tries, TV_SYN_ACK_INTERVALS - 1)];
}

/* To the end of a FIFO, whose records wait so long; h: the record in this slot. */
static inline void tv_half_queue(struct tv_core *c, struct tv_fifo *f, struct tv_half *h, uint32_t slot, uint64_t wait)
{
	h->at = (uint32_t)tv_tick_up(c->now + tv_min64(wait, c->cfg.rto_max));
	h->next = 0;
	h->prev = f->tail;
	if (f->tail != 0)
		tv_half_at(c, f->tail - 1)->next = slot + 1;
	else
		f->head = slot + 1;
	f->tail = slot + 1;
	f->count++;
}

/* Out of its FIFO. */
static inline void tv_half_unqueue(struct tv_core *c, const struct tv_half *h)
{
	struct tv_fifo *f = tv_half_fifo(c, h);

	if (h->prev != 0)
		tv_half_at(c, h->prev - 1)->next = h->next;
	else
		f->head = h->next;
	if (h->next != 0)
		tv_half_at(c, h->next - 1)->prev = h->prev;
	else
		f->tail = h->prev;
	f->count--;
}

/* The record in this slot, of listener l, which the index no longer names, is free. */
TV_INLINE void tv_half_drop(struct tv_core *c, struct tv_half *h, uint32_t slot, struct tv_listener *l)
{
	tv_half_unqueue(c, h);
	if (TV_UNLIKELY((h->flags & TV_H_READY) != 0))
		tv_untell(c, (uint32_t)TV_KIND_HALF << TV_REF_SLOT_BITS | slot);
	tv_backlog_give(c, l, h, slot);
	l->held -= (h->flags & TV_H_HELD) != 0;
	h->gen = 0;
	tv_pool_give(&c->halves, tv_region(c), slot);
}

#endif
