/*
 * negotiate.c - what the options of the two SYNs mean for the connection.
 *
 * MSS: what a side announces is what it can receive, MTU - 40 or MTU - 60, options not subtracted
 * [MUST-14] [MUST-67]; without the option the peer can take 536 or 1220 bytes [MUST-15]. What is sent
 * is the smaller of the peer's MSS and what the path carries, less our options [MUST-16]. Each direction
 * has its own [EV-54]. An MSS below a floor is raised to it (a peer that asks for 1 byte a segment would
 * make us send 60 times what it gets).
 *
 * Window scale, SACK and timestamps are on only if both SYNs carry them (RFC 7323 2.2, 3.2; RFC 2018
 * 2). A scale above 14 counts as 14 (RFC 7323 2.3).
 */
#include "tcp/deliver/window.h"
#include "tcp/open/open.h"

void tv_mss_update(const struct tv_core *c, struct tv_tcb *t)
{
	tv_mss_agreed(tv_opts(c, t), t);
}

void tv_mss_announce(const struct tv_core *c, struct tv_tcb *t)
{
	tv_mss_own(c, tv_opts(c, t), t);
}

static inline void negotiate_anew(const struct tv_profile *p, struct tv_tcb *t)
{
	t->opt.mss_peer = tv_mss_default(t->v6);
	t->opt.flags = p->offers;
	t->opt.rcv_scale = p->rcv_scale;
}

void tv_negotiate_anew(struct tv_core *c, struct tv_tcb *t)
{
	negotiate_anew(tv_profile_at(c, t->profile), t);
}

/* What we announce and offer. */
static inline void prepare(struct tv_core *c, struct tv_tcb *t, const struct tv_key *k)
{
	const struct tv_profile *p = tv_profile_at(c, t->profile);

	tv_mss_own(c, &p->o, t);
	negotiate_anew(p, t);
	if ((t->opt.flags & TV_O_TS) != 0)
		t->opt.ts_offset = tv_pair(c, k)->offset;
	if (p->o.nodelay)
		t->flags |= TV_F_NODELAY;
}

void tv_negotiate_syn(struct tv_core *c, struct tv_tcb *t, const struct tv_tcp_options *o)
{
	if ((o->has & TV_OPT_HAS_MSS) != 0)
		t->opt.mss_peer = o->mss; /* [MUST-14] */
	t->opt.flags &= tv_mutual(o);
	if ((o->has & TV_OPT_HAS_WSCALE) == 0) {
		t->opt.rcv_scale = 0; /* RFC 7323 2.2: both or none */
		t->opt.snd_scale = 0;
	} else if ((t->opt.flags & TV_O_WSCALE) != 0) {
		t->opt.snd_scale = (uint8_t)tv_min32(o->wscale, TV_SCALE_MAX);
	}
	if ((t->opt.flags & TV_O_TS) != 0) {
		t->opt.ts_recent = o->ts_val;
		t->opt.ts_recent_at = c->coarse;
	}
	tv_mss_agreed(tv_opts(c, t), t);
}

void tv_negotiate_answer(struct tv_core *c, struct tv_tcb *t)
{
	const struct tv_options *o = tv_opts(c, t);

	if (o->no_timestamps)
		t->opt.flags &= (uint8_t)~TV_O_TS;
	if (o->no_sack)
		t->opt.flags &= (uint8_t)~TV_O_SACK;
	if (o->no_window_scale)
		t->opt.flags &= (uint8_t)~TV_O_WSCALE;
	t->opt.rcv_scale = (t->opt.flags & TV_O_WSCALE) != 0 ? tv_profile_at(c, t->profile)->rcv_scale : 0;
	if ((t->opt.flags & TV_O_WSCALE) == 0)
		t->opt.snd_scale = 0;
	t->rcv.adv = t->rcv.nxt + tv_min32(o->rcv_buf, UINT16_MAX);
	t->flags = o->nodelay ? t->flags | TV_F_NODELAY : t->flags & ~(uint32_t)TV_F_NODELAY;
	tv_mss_announce(c, t);
	tv_mss_update(c, t);
	tv_cc_init(c, t);
}

void tv_negotiate_offer(const struct tv_core *c, const struct tv_tcb *t, struct tv_tcp_options *o)
{
	o->has = TV_OPT_HAS_MSS; /* [MUST-14] [SHLD-5] [MAY-3] */
	o->mss = t->opt.mss_rcv;
	if ((t->opt.flags & TV_O_WSCALE) != 0) {
		o->has |= TV_OPT_HAS_WSCALE;
		o->wscale = t->opt.rcv_scale;
	}
	if ((t->opt.flags & TV_O_SACK) != 0)
		o->has |= TV_OPT_HAS_SACK_OK;
	if ((t->opt.flags & TV_O_TS) != 0) {
		o->has |= TV_OPT_HAS_TS;
		o->ts_val = c->now_ms + t->opt.ts_offset;
		o->ts_ecr = t->state == TV_SYN_SENT ? 0 : t->opt.ts_recent;
	}
}

TV_INLINE void begin(struct tv_core *c, struct tv_tcb *t, const struct tv_key *k, uint32_t iss)
{
	t->v6 = k->v6;
	t->zone = k->zone;
	prepare(c, t, k);
	t->snd.iss = t->snd.una = t->snd.nxt = iss;
	t->progress_ms = t->received_ms = c->now_ms;
	tv_rtt_init(c, t);
	t->rtt.era = tv_isn_era(c, c->now);
}

void tv_open_active(struct tv_core *c, struct tv_tcb *t, const struct tv_key *k)
{
	t->flags |= TV_F_ACTIVE;
	begin(c, t, k, tv_isn(c, k));
	tv_mss_agreed(tv_opts(c, t), t);
	tv_cc_init(c, t);
	c->cnt.active_opens++;
	tv_state_set(c, t, TV_SYN_SENT);
	tv_want(c, t, TV_WANT_SYN);
	tv_timer_main(c, t, tv_rto_ns(c, t));
	tv_timers_sync(c, t);
}

/* RFC 9293 3.10.7.2, third. */
static void syn_received(struct tv_core *c, struct tv_tcb *t, uint32_t irs)
{
	t->state = TV_LISTEN;
	t->rcv.irs = irs;
	t->rcv.nxt = irs + 1; /* text on the SYN is not kept [EV-08] */
	t->rcv.acked = t->rcv.nxt;
	t->rcv.adv = t->rcv.nxt + tv_min32(tv_opts(c, t)->rcv_buf, UINT16_MAX); /* RFC 7323 2.2: not scaled */
	t->snd.nxt = t->snd.iss + 1;
	c->cnt.passive_opens++;
	tv_state_set(c, t, TV_SYN_RECEIVED); /* [EV-06] */
}

void tv_open_passive(struct tv_core *c, struct tv_tcb *t, const struct tv_segment *s, const struct tv_key *k)
{
	begin(c, t, k, tv_isn(c, k));
	tv_negotiate_syn(c, t, &s->opt);
	t->snd.wnd = t->snd.max_wnd = s->wnd; /* the window of a SYN is never scaled */
	syn_received(c, t, s->seq);
	tv_want(c, t, TV_WANT_SYN);
}

void tv_open_cookie(struct tv_core *c, struct tv_tcb *t, const struct tv_segment *s, const struct tv_key *k,
                    const struct tv_tcp_options *syn)
{
	t->flags |= TV_F_COOKIE;
	begin(c, t, k, s->ack - 1);
	t->rtt.era = 0; /* a cookie is no ISN of the clock */
	tv_negotiate_syn(c, t, syn);
	syn_received(c, t, s->seq - 1);
}

void tv_established(struct tv_core *c, struct tv_tcb *t, const struct tv_segment *s)
{
	/* RFC 9293 3.10.7.4, fifth, SYN-RECEIVED: the window of this segment is the first scaled one. */
	t->snd.wnd = (s->flags & TV_SYN) != 0 ? s->wnd : (uint32_t)s->wnd << t->opt.snd_scale;
	t->snd.max_wnd = tv_max32(t->snd.max_wnd, t->snd.wnd);
	t->snd.wl1 = s->seq;
	t->snd.wl2 = s->ack;
	t->timer.main = 0;
	t->want &= (uint16_t)~TV_WANT_SYN;
	if (t->opt.fastopen != 0)
		tv_fastopen_answered(c, t, s);
	t->snd.una = t->snd.iss + 1; /* here alone: after 2^32 octets ISS is a number like any other */
	t->flags |= TV_F_FORWARD;
	if ((t->flags & (TV_F_SYN_LOST | TV_F_COOKIE)) == 0) /* Karn: a repeated SYN is no sample [MUST-18] */
		tv_rtt_sample(c, t, tv_min32(c->now_ms - t->progress_ms, TV_RTT_MAX_US / 1000) * 1000);
	t->rtt.tries = t->rtt.backoff = 0;
	t->progress_ms = c->now_ms;
	tv_cc_init(c, t); /* the MSS is known only now */
	tv_state_set(c, t, TV_ESTABLISHED);
	if ((t->flags & TV_F_SYN_LOST) != 0)
		tv_rtt_init(c, t); /* RFC 6298 5.7 */
	if (t->snd.una != t->snd.nxt)
		tv_timer_main(c, t, tv_rtx_wait(c, t)); /* text that left before, with Fast Open */
	if (t->opt.fastopen != 0)
		tv_rcv_read(c, t); /* what was read before may have opened the window */
	if (tv_opts(c, t)->keepalive)
		tv_keepalive_restart(c, t);
	tv_tell(c, t, TV_EV_CONNECTED);
	if (TV_UNLIKELY((t->flags & TV_F_WRITE_BLOCKED) != 0) && t->out.len == 0)
		tv_write_room(c, t);
	if ((t->flags & TV_F_FIN_QUEUED) != 0)
		tv_state_set(c, t, TV_FIN_WAIT_1); /* RFC 9293 3.10.4: CLOSE was queued in SYN-RECEIVED [EV-52] */
	if (t->out.len != 0 || (t->flags & TV_F_FIN_QUEUED) != 0)
		tv_want(c, t, TV_WANT_SEND);
}
