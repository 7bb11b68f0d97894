/*
 * cookie.h - one SYN-ACK with a cookie, of those that a batch of SYNs gets: what is done for each of them, inline
 * where SYNs come one behind the other (stack/syn.c). What a cookie is stands in cookie.c.
 *
 * What the SYN-ACK says is a form that SYNs with the same options to one listener share. Here it is filled in but
 * for sequence number and TSval; the words that they are the hashes of become a column of the batch's.
 */
#ifndef TV_TCP_OPEN_COOKIE_H
#define TV_TCP_OPEN_COOKIE_H

#include "tcp/core.h"

#define TV_COOKIE_TS 8u            /* of what a cookie stands for: both sides have timestamps */

/* Full words of a key; half a one is left over. */
static inline uint32_t tv_cookie_key_words(bool v6)
{
	return v6 ? (TV_KEY_HEAD + TV_KEY_REST) / 8 : TV_KEY_HEAD / 8;
}

static inline uint32_t tv_cookie_zone(const struct tv_key *k)
{
	return (uint32_t)k->zone << 16;
}

/* What the options of a SYN say besides which of them there are. */
static inline uint32_t tv_cookie_sizes(const struct tv_segment *s)
{
	return s->opt.mss | (uint32_t)s->opt.wscale << 16;
}

/* The form for this SYN, to a listener with this profile, is that of the last one in this batch. */
static inline bool tv_cookie_fits(const struct tv_cookie_lanes *w, uint32_t profile, const struct tv_segment *s)
{
	const struct tv_cookie_form *f = &w->form;

	return f->offered == s->opt.has + 1 && ((f->sizes ^ tv_cookie_sizes(s)) & f->sizes_mask) == 0 &&
	       f->profile == profile && f->link == s->link && w->v6 == s->key.v6;
}

/* What is hashed: the key, and behind it IRS and what. The first words are the key's, and with their length alone
 * they are what tv_ts_offset() hashes. */
TV_INLINE void tv_cookie_column(struct tv_cookie_lanes *w, uint32_t lane, const struct tv_segment *s, uint32_t what,
                                bool v6)
{
	uint32_t n = tv_cookie_key_words(v6);
	const uint8_t *key = s->key.b;

	for (uint32_t i = 0; i < n; i++)
		w->words[i][lane] = tv_native64(key + 8 * i);
	w->words[n][lane] = tv_native32(key + 8 * n) | (uint64_t)s->seq << 32;
	w->words[n + 1][lane] = what | (uint64_t)(8 * n + 12) << 56;
}

/* With the form that fits, to a SYN of this version of IP: TV_V_OK, or TV_V_REPLIES_FULL. */
TV_INLINE enum tv_verdict tv_cookie_put(struct tv_core *c, const struct tv_segment *s, bool v6)
{
	struct tv_cookie_lanes *w = &c->cookies;
	uint32_t what = w->form.what | tv_cookie_zone(&s->key), place = c->reply_tail, lane = w->count;
	struct tv_reply *r = tv_reply_take(c);

	if (TV_UNLIKELY(r == NULL))
		return TV_V_REPLIES_FULL;
	TV_ASSERT(lane < TV_SIP_LANES); /* a batch is not longer */
	w->count = lane + 1;
	w->places[lane] = place;
	tv_key_load(&r->key, s->key.b, s->key.b + TV_KEY_HEAD, v6, s->key.zone);
	r->ack = s->seq + 1;
	r->ts_ecr = (what & TV_COOKIE_TS) != 0 ? s->opt.ts_val : 0;
	r->said[0] = w->form.said[0];
	r->said[1] = w->form.said[1];
	r->page = 0;
	tv_cookie_column(w, lane, s, what, v6);
	return TV_V_OK;
}

#endif
