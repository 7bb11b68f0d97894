/*
 * cookie.c - SYN cookies: a handshake of which nothing is stored (RFC 4987 3.6).
 *
 * The initial sequence number of the SYN-ACK is the cookie: 29 bits of a keyed hash over the tuple, the
 * peer's initial sequence number, the options that go with it and their profile; and 3 bits that name the
 * profile, masked with bits of the hash. A profile is an MSS, a window scale and SACK. When both sides
 * have timestamps, the low 6 bits of TSval carry scale, SACK and an ECN bit exactly, as Linux does it,
 * and the profile matters for its MSS alone; TSval is the latest clock value with these bits that is
 * not ahead. Without timestamps the profile tells all; it is the last one of the table that is nowhere
 * above what the peer offered, and the SYN-ACK offers no more than it says.
 *
 * The key of a period of 64 s is a function of the secret and the period's number. A cookie counts in
 * two periods, so that a guess is right with odds of 2 * 2^-29. The periods that count are those at one
 * second from now: members of a farm, whose clocks may be that far apart, know each other's.
 *
 * A batch of SYNs is a batch of hashes: they are made when the batch ends, several at once (base/siphash.h),
 * and by then what they are made of has reached the cache. Until then a SYN-ACK waits in the ring without its sequence
 * number and TSval; none leaves in between, since packets leave in tv_output() only.
 *
 * ACKs are looked at only within two periods of the last cookie that this listener has sent; in a farm
 * always, but after cfg.cookie_checks failures in a second no more in that second.
 */
#include "tcp/open/cookie.h"
#include "tcp/open/open.h"

#define PERIOD (64 * TV_S)
#define SKEW TV_S
#define HASH_BITS 29
#define HASH_MASK ((1u << HASH_BITS) - 1)
#define PROFILES 8u

/* The low bits of TSval; bit 5 is for ECN, and 0 until ECN is negotiated. */
#define TS_BITS 63u
#define TS_SCALE 15u
#define TS_NO_SCALE 15u
#define TS_SACK 16u

struct profile {
	uint16_t mss;
	uint8_t scale;             /* of the peer's window, + 1; 0: no option */
	bool sack;
};

/* Each serves peers that the ones below it would slow down: at the bottom the least that any MSS is raised
 * to; small stacks; simple ones on Ethernet; the smallest IPv6 path; tunnels; IPv6 and PPPoE; Ethernet;
 * jumbo frames. From 3 on the MSS goes up. */
static const struct profile profiles[PROFILES] = {
	{48, 0, false}, {536, 0, false}, {1460, 0, false}, {1220, 3, true},
	{1360, 8, true}, {1440, 9, true}, {1460, 9, true}, {8960, 9, true},
};

static const struct tv_sipkey *key_of(struct tv_core *c, uint64_t period)
{
	struct tv_cookie_key *k = &c->cookie_keys[period & 1];
	uint64_t in[2] = {period, 0};

	if (TV_LIKELY(k->period == period + 1))
		return &k->key;
	k->key.k0 = tv_siphash(&c->key_cookie, in, sizeof in);
	in[1] = 1;
	k->key.k1 = tv_siphash(&c->key_cookie, in, sizeof in);
	k->period = period + 1;
	return &k->key;
}

/* what: see what_of(). The key, irs and what, one behind the other. */
static uint32_t hash_of(const struct tv_sipkey *key, const struct tv_key *k, uint32_t irs, uint32_t what)
{
	uint32_t n = tv_cookie_key_words(k->v6);
	struct tv_sip s;

	tv_sip_start(&s, key);
	for (uint32_t i = 0; i < n; i++)
		tv_sip_word(&s, tv_native64(k->b + 8 * i));
	tv_sip_word(&s, tv_native32(k->b + 8 * n) | (uint64_t)irs << 32);
	return (uint32_t)tv_sip_end(&s, what | (uint64_t)(8 * n + 12) << 56) & HASH_MASK;
}

/* What else the cookie stands for; bits: those in TSval, with timestamps. */
static uint32_t what_of(uint32_t zone, uint32_t profile, bool ts, uint32_t bits)
{
	return profile | (ts ? TV_COOKIE_TS | bits << 4 : 0) | zone;
}

/* What both SYNs have negotiated, as bits of TSval. */
static uint32_t bits_of(const struct tv_agreed *a)
{
	uint32_t bits = (a->flags & TV_O_WSCALE) != 0 ? a->snd_scale : TS_NO_SCALE;

	return bits | ((a->flags & TV_O_SACK) != 0 ? TS_SACK : 0);
}

/* The last profile that is nowhere above what was negotiated; with timestamps only its MSS counts. */
static uint32_t profile_for(const struct tv_agreed *a)
{
	bool exact = (a->flags & TV_O_TS) != 0, sack = (a->flags & TV_O_SACK) != 0;
	uint32_t scale = (a->flags & TV_O_WSCALE) != 0 ? a->snd_scale + 1u : 0;
	uint32_t i = PROFILES - 1;

	while (i > 0 && (a->mss_peer < profiles[i].mss ||
	                 (!exact && (scale < profiles[i].scale || (!sack && profiles[i].sack)))))
		i--;
	return i;
}

/* Sequence number and TSval of a SYN-ACK; what: what its cookie stands for, of which h is the hash. */
static inline void seal(struct tv_reply *r, uint32_t what, uint32_t h, uint32_t now)
{
	h &= HASH_MASK;
	r->seq = ((what ^ h) & (PROFILES - 1)) << HASH_BITS | h;
	if ((what & TV_COOKIE_TS) != 0)
		r->ts_val = now - ((now - (what >> 4)) & TS_BITS);
}

void tv_cookies_seal(struct tv_core *c)
{
	struct tv_cookie_lanes *w = &c->cookies;
	uint32_t n = tv_cookie_key_words(w->v6), pair = w->v6 ? 4 : 1;
	uint64_t hashes[TV_SIP_LANES], stamps[TV_SIP_LANES] = {0};

	w->form.offered = 0; /* options and links may be other ones when the next batch comes */
	tv_sip_lanes(c->cfg.arch, key_of(c, c->now / PERIOD), w->words, n + 2, w->count, hashes);
	if (w->stamps) {
		for (uint32_t i = 0; i < TV_SIP_LANES; i++)
			w->words[pair][i] = (uint64_t)(8 * pair) << 56;
		tv_sip_lanes(c->cfg.arch, &c->key_stamp, w->words, pair + 1, w->count, stamps);
	}
	for (uint32_t i = 0; i < w->count; i++)
		seal(tv_reply_at(c, w->places[i]), (uint32_t)w->words[n + 1][i], (uint32_t)hashes[i],
		     c->now_ms + (uint32_t)stamps[i]);
	c->cnt.cookies_sent += w->count;
	w->count = 0;
	w->stamps = false;
}

/* What a SYN-ACK with a cookie of this profile says. */
static void form_say(const struct tv_options *o, const struct tv_agreed *a, const struct tv_segment *s,
                     struct tv_cookie_form *f)
{
	struct tv_reply r = {.flags = TV_SYN | TV_ACK, .link = s->link, .v6 = s->key.v6};

	r.has = (uint8_t)(TV_OPT_HAS_MSS | ((a->flags & TV_O_TS) != 0 ? TV_OPT_HAS_TS : 0) |
	                  ((a->flags & TV_O_SACK) != 0 ? TV_OPT_HAS_SACK_OK : 0) |
	                  ((a->flags & TV_O_WSCALE) != 0 ? TV_OPT_HAS_WSCALE : 0));
	r.wscale = a->rcv_scale;
	r.ttl = o->ttl;
	r.tos = (uint8_t)(o->dscp << 2);
	r.mss = a->mss_rcv;
	r.wnd = (uint16_t)tv_min32(o->rcv_buf, UINT16_MAX);
	f->said[0] = r.said[0];
	f->said[1] = r.said[1];
}

static void form_make(const struct tv_core *c, uint32_t profile, const struct tv_segment *s, struct tv_cookie_form *f)
{
	struct tv_agreed a;
	uint32_t p;
	bool ts;

	tv_negotiate_listen(c, profile, s, &a);
	p = profile_for(&a);
	ts = (a.flags & TV_O_TS) != 0;
	if (!ts) /* the SYN-ACK offers what the profile can remember */
		a.flags &= (uint8_t)((profiles[p].scale != 0 ? TV_O_WSCALE : 0) | (profiles[p].sack ? TV_O_SACK : 0));
	*f = (struct tv_cookie_form){.profile = profile, .offered = s->opt.has + 1, .link = s->link};
	f->sizes_mask = ((s->opt.has & TV_OPT_HAS_MSS) != 0 ? 0xffffu : 0) |
	                ((s->opt.has & TV_OPT_HAS_WSCALE) != 0 ? 0xff0000u : 0);
	f->sizes = tv_cookie_sizes(s) & f->sizes_mask;
	f->what = what_of(0, p, ts, ts ? bits_of(&a) : 0);
	form_say(&tv_profile_at(c, profile)->o, &a, s, f);
}

/* With the form that fits. */
static inline int answer(struct tv_core *c, struct tv_listener *l, const struct tv_segment *s)
{
	enum tv_verdict v = s->key.v6 ? tv_cookie_put(c, s, true) : tv_cookie_put(c, s, false);

	if (TV_UNLIKELY(v != TV_V_OK))
		return (int)v;
	l->cookie_at = c->now + 1;
	l->flood.cookies += l->flood.on;
	return TV_V_OK;
}

static TV_APART int answer_anew(struct tv_core *c, struct tv_listener *l, const struct tv_segment *s)
{
	if (c->cookies.v6 != s->key.v6)
		tv_cookies_seal(c);
	c->cookies.v6 = s->key.v6;
	form_make(c, l->profile, s, &c->cookies.form);
	c->cookies.stamps |= (c->cookies.form.what & TV_COOKIE_TS) != 0;
	return answer(c, l, s);
}

int tv_cookie_answer(struct tv_core *c, struct tv_listener *l, const struct tv_segment *s)
{
	if (TV_UNLIKELY(!tv_cookie_fits(&c->cookies, l->profile, s)))
		return answer_anew(c, l, s);
	return answer(c, l, s);
}

/* The options of the SYN, as far as the cookie tells. */
static void recall(const struct tv_segment *s, const struct profile *p, struct tv_tcp_options *o)
{
	uint32_t bits;

	o->has = TV_OPT_HAS_MSS;
	o->mss = p->mss;
	if ((s->opt.has & TV_OPT_HAS_TS) == 0) {
		o->has |= (p->scale != 0 ? TV_OPT_HAS_WSCALE : 0) | (p->sack ? TV_OPT_HAS_SACK_OK : 0);
		o->wscale = (uint8_t)(p->scale - 1);
		return;
	}
	bits = s->opt.ts_ecr & TS_BITS;
	o->has |= TV_OPT_HAS_TS;
	o->ts_val = s->opt.ts_val;
	o->has |= (bits & TS_SCALE) != TS_NO_SCALE ? TV_OPT_HAS_WSCALE : 0;
	o->has |= (bits & TS_SACK) != 0 ? TV_OPT_HAS_SACK_OK : 0;
	o->wscale = (uint8_t)(bits & TS_SCALE);
}

static bool check(struct tv_core *c, const struct tv_segment *s, const struct tv_key *k, struct tv_tcp_options *o)
{
	bool ts = (s->opt.has & TV_OPT_HAS_TS) != 0;
	uint32_t h = (s->ack - 1) & HASH_MASK, profile = ((s->ack - 1) >> HASH_BITS) ^ (h & (PROFILES - 1));
	uint32_t what = what_of(tv_cookie_zone(k), profile, ts, s->opt.ts_ecr & TS_BITS);
	uint64_t newest = (c->now + SKEW) / PERIOD;

	if (hash_of(key_of(c, newest), k, s->seq - 1, what) != h &&
	    (newest == 0 || hash_of(key_of(c, newest - 1), k, s->seq - 1, what) != h))
		return false;
	recall(s, &profiles[profile], o);
	return true;
}

int tv_cookie_check(struct tv_core *c, struct tv_listener *l, const struct tv_segment *s, const struct tv_key *k,
                    struct tv_tcp_options *o)
{
	bool farm = c->cfg.syn_cookies == TV_COOKIES_FARM;

	if (l->hold || c->cfg.syn_cookies == TV_COOKIES_NEVER || (s->flags & TV_SYN) != 0)
		return TV_NEXT;
	if (!farm && (l->cookie_at == 0 || c->now + 1 - l->cookie_at >= 2 * PERIOD))
		return TV_NEXT; /* none of ours can be under way */
	if (farm && !tv_bucket_has(&c->cookie_budget, c->cfg.cookie_checks, c->now_ms)) {
		c->cnt.cookies_unchecked++;
		return TV_V_COOKIE_UNCHECKED;
	}
	if (check(c, s, k, o))
		return TV_V_OK;
	if (farm)
		tv_bucket_take(&c->cookie_budget);
	c->cnt.cookies_refused++;
	return TV_V_COOKIE_BAD;
}
