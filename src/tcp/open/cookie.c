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
 * ACKs are looked at only within two periods of the last cookie that this listener has sent; in a farm
 * always, but after cfg.cookie_checks failures in a second no more in that second.
 */
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
	size_t n = k->v6 ? (TV_KEY_HEAD + TV_KEY_REST) / 8 : TV_KEY_HEAD / 8;
	struct tv_sip s;

	tv_sip_start(&s, key);
	for (size_t i = 0; i < n; i++)
		tv_sip_word(&s, tv_native64(k->b + 8 * i));
	tv_sip_word(&s, tv_native32(k->b + 8 * n) | (uint64_t)irs << 32);
	return (uint32_t)tv_sip_end(&s, what | (uint64_t)(8 * n + 12) << 56) & HASH_MASK;
}

/* What else the cookie stands for; bits: those in TSval, with timestamps. */
static uint32_t what_of(const struct tv_key *k, uint32_t profile, bool ts, uint32_t bits)
{
	return profile | (ts ? 8u | bits << 4 : 0) | (uint32_t)k->zone << 16;
}

/* What both SYNs have negotiated, as bits of TSval. */
static uint32_t bits_of(const struct tv_tcb *t)
{
	uint32_t bits = (t->opt.flags & TV_O_WSCALE) != 0 ? t->opt.snd_scale : TS_NO_SCALE;

	return bits | ((t->opt.flags & TV_O_SACK) != 0 ? TS_SACK : 0);
}

/* The last profile that is nowhere above what was negotiated; with timestamps only its MSS counts. */
static uint32_t profile_for(const struct tv_tcb *t)
{
	bool exact = (t->opt.flags & TV_O_TS) != 0, sack = (t->opt.flags & TV_O_SACK) != 0;
	uint32_t scale = (t->opt.flags & TV_O_WSCALE) != 0 ? t->opt.snd_scale + 1u : 0;
	uint32_t i = PROFILES - 1;

	while (i > 0 && (t->opt.mss_peer < profiles[i].mss ||
	                 (!exact && (scale < profiles[i].scale || (!sack && profiles[i].sack)))))
		i--;
	return i;
}

/* The SYN-ACK offers what the profile can remember. */
static void narrow(struct tv_tcb *t, const struct profile *p)
{
	if (p->scale == 0)
		t->opt.flags &= (uint8_t)~TV_O_WSCALE;
	if (!p->sack)
		t->opt.flags &= (uint8_t)~TV_O_SACK;
}

int tv_cookie_answer(struct tv_core *c, struct tv_listener *l, const struct tv_segment *s, const struct tv_key *k)
{
	uint32_t profile, bits, h, clock;
	struct tv_tcp_options o;
	struct tv_reply *r;
	struct tv_tcb t;

	tv_negotiate_listen(c, &t, l->profile, s, k);
	r = tv_reply_new(c, k, s->link);
	if (TV_UNLIKELY(r == NULL))
		return TV_V_REPLIES_FULL;
	profile = profile_for(&t);
	bits = bits_of(&t);
	if ((t.opt.flags & TV_O_TS) == 0)
		narrow(&t, &profiles[profile]);
	h = hash_of(key_of(c, c->now / PERIOD), k, s->seq, what_of(k, profile, (t.opt.flags & TV_O_TS) != 0, bits));
	tv_negotiate_offer(c, &t, &o);
	clock = (o.ts_val & ~TS_BITS) | bits;
	r->seq = (profile ^ (h & (PROFILES - 1))) << HASH_BITS | h;
	r->ack = s->seq + 1;
	r->flags = TV_SYN | TV_ACK;
	r->wnd = (uint16_t)tv_min32(tv_opts(c, &t)->rcv_buf, UINT16_MAX);
	r->has = (uint8_t)o.has;
	r->mss = o.mss;
	r->wscale = o.wscale;
	r->ts_val = seq_gt(clock, o.ts_val) ? clock - (TS_BITS + 1) : clock;
	r->ts_ecr = o.ts_ecr;
	r->ttl = tv_opts(c, &t)->ttl;
	r->tos = (uint8_t)(tv_opts(c, &t)->dscp << 2);
	l->cookie_at = c->now + 1;
	l->flood.cookies += l->flood.on;
	c->cnt.cookies_sent++;
	return TV_V_OK;
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
	uint32_t what = what_of(k, profile, ts, s->opt.ts_ecr & TS_BITS);
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
