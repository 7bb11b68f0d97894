/*
 * fastopen.c - Fast Open (RFC 7413): data on the SYN, for peers that bring a cookie from an earlier visit.
 *
 * Server. A cookie is a MAC of the peer's address and ours, the same 8 bytes that Linux makes of the same
 * key, so that servers of both kinds behind one address can share keys. With a good one the connection is a
 * full record at once, in SYN-RECEIVED (TV_F_PENDING), in the accept queue, and may send text up to the
 * initial window; its FIN, and whatever is to be sent again, waits for the final ACK. A bad cookie, and a
 * request, get a good one with an ordinary SYN-ACK, the first one only: a repeated SYN-ACK has no option.
 * How many are pending has a limit for each listener. One that was reset counts for a minute more, so that
 * RSTs do not help whoever spoofs SYNs; these are counted in slices of time, not remembered one by one.
 *
 * Client. The text on a SYN lies in [ISS + 1, SND.NXT) until the SYN-ACK says how much of it arrived; what
 * it does not acknowledge was never sent, as far as the rest of the protocol knows. So it leaves anew with
 * the final ACK, and neither the map of what is in flight nor congestion control hear of it. What is learnt
 * about the destination is kept in paths.c.
 */
#include "tcp/open/open.h"

#define SLICE_MS 4096u             /* 16 slices: a reset counts for 61 to 65 s */
#define OPTIONS_MOST 40u           /* room for options that somebody on the way may add (as Linux) */

static uint8_t what(const struct tv_tcb *t)
{
	return t->opt.fastopen & TV_FO_WHAT;
}

static void set_what(struct tv_tcb *t, enum tv_fastopen now)
{
	t->opt.fastopen = (uint8_t)now;
}

/* ---- Server ---- */
void tv_fastopen_key(struct tv_core *c, unsigned which, const uint8_t key[16])
{
	tv_sipkey_load(&c->fastopen.key[which], key);
}

void tv_fastopen_derive(struct tv_core *c, const uint8_t secret[32])
{
	tv_subkey(&c->fastopen.derived, secret, 8);
	if (!c->fastopen.given)
		c->fastopen.key[0] = c->fastopen.derived;
}

/* RFC 7413 4.1.2: a MAC tag of the source address; of the destination too, as Linux makes it. */
static void cookie_of(const struct tv_core *c, unsigned which, const struct tv_key *k, uint8_t cookie[TV_FO_COOKIE])
{
	size_t n = k->v6 ? 16 : 4;
	uint8_t ends[32];
	uint64_t mac;

	memcpy(ends, k->b + n, n); /* the peer's */
	memcpy(ends + n, k->b, n);
	mac = tv_siphash(&c->fastopen.key[which], ends, 2 * n);
	for (unsigned i = 0; i < TV_FO_COOKIE; i++)
		cookie[i] = (uint8_t)(mac >> 8 * i);
}

static bool good(const struct tv_core *c, unsigned which, const struct tv_segment *s)
{
	uint8_t cookie[TV_FO_COOKIE];

	cookie_of(c, which, &s->key, cookie);
	return s->opt.cookie_len == TV_FO_COOKIE && memcmp(cookie, s->opt.cookie, TV_FO_COOKIE) == 0;
}

/* Forgets the resets of slices that are a minute old. */
static void turn(const struct tv_core *c, struct tv_pending *p)
{
	uint32_t now = c->now_ms / SLICE_MS, gone = tv_min32(now - p->slice, TV_RESET_SLICES);

	for (uint32_t i = 0; i < gone; i++)
		p->resets[(now - i) % TV_RESET_SLICES] = 0;
	p->slice = now;
}

/* RFC 7413 4.2, PendingFastOpenRequests, and 5.1: those that were reset count as well. */
static bool at_limit(const struct tv_core *c, struct tv_pending *p)
{
	uint64_t count = p->now;

	turn(c, p);
	for (unsigned i = 0; i < TV_RESET_SLICES; i++)
		count += p->resets[i];
	return count >= p->max;
}

enum tv_fo_answer tv_fastopen_asked(struct tv_core *c, struct tv_listener *l, const struct tv_segment *s)
{
	if (l->fastopen.max == 0 || l->hold)
		return TV_FO_NO; /* RFC 7413 4.2: off, so that the option is ignored */
	c->cnt.fastopen_requests += s->opt.cookie_len == 0;
	if (at_limit(c, &l->fastopen)) {
		c->cnt.fastopen_overflow++;
		return TV_FO_NO;
	}
	if (s->opt.cookie_len == 0)
		return TV_FO_GRANT;
	if (good(c, 0, s))
		return TV_FO_OPEN;
	if (c->fastopen.backup && good(c, 1, s))
		return TV_FO_OPEN_OLD;
	c->cnt.fastopen_passive_failed++;
	return TV_FO_GRANT;
}

void tv_fastopen_open(struct tv_core *c, struct tv_tcb *t, const struct tv_segment *s, enum tv_fo_answer how)
{
	t->flags |= TV_F_PENDING;
	set_what(t, TV_FO_ACCEPTED);
	if (how == TV_FO_OPEN_OLD) {
		/* The next visit brings one of the new key. */
		t->opt.fastopen |= (uint8_t)(TV_FO_OPTION | (s->opt.cookie_exp ? TV_FO_EXP : 0));
		c->cnt.fastopen_old_key++;
	}
	tv_listener_at(c, t->listener - 1u)->fastopen.now++;
	c->cnt.fastopen_passive++;
	tv_cc_init(c, t); /* RFC 7413 4.2.2, 6: the usual initial window */
	tv_timer_main(c, t, tv_rto_ns(c, t));
}

/* It is pending no more. */
static void settled(struct tv_core *c, struct tv_tcb *t, bool reset)
{
	struct tv_pending *p = &tv_listener_at(c, t->listener - 1u)->fastopen;

	t->flags &= ~(uint32_t)TV_F_PENDING;
	p->now--;
	if (!reset)
		return;
	turn(c, p);
	p->resets[p->slice % TV_RESET_SLICES]++;
}

void tv_fastopen_cookie(const struct tv_core *c, const struct tv_key *k, bool exp, struct tv_tcp_options *o)
{
	o->has |= TV_OPT_HAS_FASTOPEN;
	o->cookie_exp = exp;
	o->cookie_len = TV_FO_COOKIE;
	cookie_of(c, 0, k, o->cookie);
}

/* ---- Client ---- */
/* How much text fits on the SYN (RFC 7413 4.1.3): by the MSS that was cached, and by our own path. */
static uint32_t room_on_syn(const struct tv_core *c, const struct tv_tcb *t, const struct tv_path *p)
{
	uint32_t own = t->opt.pmtu - tv_ip_header_len(t->v6) - 20, clamp = tv_opts(c, t)->mss_max;
	uint32_t mss = tv_min32(own, p->mss != 0 ? p->mss : t->opt.mss_peer);

	if (clamp != 0)
		mss = tv_min32(mss, clamp);
	return mss > OPTIONS_MOST ? mss - OPTIONS_MOST : 0;
}

uint32_t tv_fastopen_syn(struct tv_core *c, struct tv_tcb *t, uint32_t room)
{
	struct tv_path *p;

	if (what(t) != TV_FO_PLANNED || t->state != TV_SYN_SENT)
		return 0;
	p = tv_path_of(c, t);
	if (p != NULL && p->until > c->now) {
		set_what(t, TV_FO_BACKED_OFF);
		return 0;
	}
	set_what(t, p != NULL && p->cookie_len != 0 ? TV_FO_SENT : TV_FO_REQUESTED);
	t->opt.fastopen |= (uint8_t)(TV_FO_OPTION | (p != NULL && p->exp ? TV_FO_EXP : 0));
	return what(t) == TV_FO_SENT ? tv_min32(room_on_syn(c, t, p), tv_min32(room, t->out.len)) : 0;
}

void tv_fastopen_option(struct tv_core *c, struct tv_tcb *t, struct tv_tcp_options *o)
{
	bool exp = (t->opt.fastopen & TV_FO_EXP) != 0;
	const struct tv_path *p;
	struct tv_key k;

	TV_ASSERT((t->opt.fastopen & TV_FO_OPTION) != 0);
	t->opt.fastopen &= TV_FO_WHAT; /* once: a repeated SYN, or SYN-ACK, goes without (RFC 7413 4.2.1) */
	if ((t->flags & TV_F_ACTIVE) == 0) {
		tv_tcb_key(c, t, &k);
		tv_fastopen_cookie(c, &k, exp, o);
		return;
	}
	o->has |= TV_OPT_HAS_FASTOPEN;
	o->cookie_exp = exp;
	o->cookie_len = 0;
	if (what(t) != TV_FO_SENT)
		return;
	p = tv_path_of(c, t);
	o->cookie_len = p->cookie_len;
	memcpy(o->cookie, p->cookie, p->cookie_len);
}

void tv_fastopen_late(struct tv_tcb *t)
{
	if (what(t) == TV_FO_REQUESTED || what(t) == TV_FO_SENT)
		set_what(t, TV_FO_LOST); /* RFC 7413 4.2.2: the next one without data and option */
}

static bool granted(const struct tv_segment *s)
{
	return (s->opt.has & TV_OPT_HAS_FASTOPEN) != 0 && s->opt.cookie_len != 0;
}

/* What the destination is remembered for after its SYN-ACK; refused: it took none of our text. */
static void learn(struct tv_core *c, const struct tv_tcb *t, const struct tv_segment *s, bool acked, bool refused)
{
	if (granted(s))
		tv_path_granted(c, t, &s->opt); /* RFC 7413 4.2.2, SYN-ACK, 1 */
	else if (acked)
		tv_path_worked(c, t, &s->opt);
	else if ((s->flags & TV_SYN) == 0)
		return; /* a simultaneous open: the peer is a client too */
	else if (what(t) == TV_FO_LOST)
		tv_path_failed(c, t); /* presumably this answers the SYN without (RFC 7413 4.2.2) */
	else if (what(t) == TV_FO_REQUESTED)
		tv_path_ignored(c, t);
	else if (refused)
		tv_path_refused(c, t);
	else
		tv_path_worked(c, t, &s->opt);
}

static enum tv_fastopen outcome(const struct tv_tcb *t, const struct tv_segment *s, bool whole)
{
	if (whole)
		return TV_FO_ACCEPTED;
	if (what(t) == TV_FO_SENT)
		return TV_FO_NOT_ACCEPTED;
	if (what(t) == TV_FO_REQUESTED)
		return granted(s) ? TV_FO_GRANTED : TV_FO_IGNORED;
	return TV_FO_LOST;
}

static void client_answered(struct tv_core *c, struct tv_tcb *t, const struct tv_segment *s)
{
	uint32_t text = t->snd.nxt - t->snd.iss - 1, acked = s->ack - t->snd.iss - 1;
	bool whole = text != 0 && acked == text;

	t->snd.nxt = s->ack; /* the rest of the SYN's text leaves anew, with the final ACK (RFC 7413 4.2.2) [EV-15] */
	if (what(t) == TV_FO_PLANNED)
		set_what(t, TV_FO_NONE); /* the peer's SYN came first */
	if (what(t) == TV_FO_BACKED_OFF || what(t) == TV_FO_NONE)
		return;
	learn(c, t, s, acked != 0, text != 0);
	c->cnt.fastopen_active += whole;
	c->cnt.fastopen_active_failed += text != 0 && !whole;
	set_what(t, outcome(t, s, whole));
}

/* ---- Both ---- */
void tv_fastopen_answered(struct tv_core *c, struct tv_tcb *t, const struct tv_segment *s)
{
	if ((t->flags & TV_F_PENDING) != 0)
		settled(c, t, false);
	else if ((t->flags & TV_F_ACTIVE) != 0)
		client_answered(c, t, s);
}

/* RFC 7413 4.1.3.1: no answer at all, or an ICMP error, is a negative one. */
static bool negative(enum tv_reason reason)
{
	return reason == TV_R_SYN_TIMEOUT || reason == TV_R_USER_TIMEOUT ||
	       (reason >= TV_R_NET_UNREACHABLE && reason <= TV_R_ICMP_OTHER);
}

void tv_fastopen_ended(struct tv_core *c, struct tv_tcb *t, enum tv_reason reason)
{
	if ((t->flags & TV_F_PENDING) != 0)
		settled(c, t, reason == TV_R_RESET);
	else if (what(t) >= TV_FO_REQUESTED && what(t) != TV_FO_BACKED_OFF && negative(reason))
		tv_path_failed(c, t);
}
