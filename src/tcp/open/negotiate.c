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
#include "tcp/open/begin.h"

void tv_mss_update(const struct tv_core *c, struct tv_tcb *t)
{
	tv_mss_agreed(tv_profile_at(c, t->profile), t);
}

void tv_mss_announce(const struct tv_core *c, struct tv_tcb *t)
{
	tv_mss_own(c, tv_profile_at(c, t->profile), t);
}

void tv_negotiate_anew(struct tv_core *c, struct tv_tcb *t)
{
	tv_offer_anew(tv_profile_at(c, t->profile), t);
}

void tv_negotiate_syn(struct tv_core *c, struct tv_tcb *t, const struct tv_tcp_options *o)
{
	tv_agree(c, t, o);
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
	struct tv_clocks clocks = tv_clocks_now(c, k);

	tv_open_begin(c, t, k, tv_isn(c, k), &clocks);
	tv_negotiate_syn(c, t, &s->opt);
	t->snd.wnd = t->snd.max_wnd = s->wnd; /* the window of a SYN is never scaled */
	syn_received(c, t, s->seq);
	tv_want(c, t, TV_WANT_SYN);
}

void tv_open_cookie(struct tv_core *c, struct tv_tcb *t, const struct tv_segment *s, const struct tv_key *k,
                    const struct tv_tcp_options *syn)
{
	struct tv_clocks clocks = tv_clocks_now(c, k);

	clocks.era = 0; /* a cookie is no ISN of the clock */
	t->flags |= TV_F_COOKIE;
	tv_open_begin(c, t, k, s->ack - 1, &clocks);
	tv_negotiate_syn(c, t, syn);
	syn_received(c, t, s->seq - 1);
}

void tv_establish_more(struct tv_core *c, struct tv_tcb *t, const struct tv_options *o)
{
	if ((t->flags & TV_F_SYN_LOST) != 0)
		tv_rtt_begin(c, t); /* RFC 6298 5.7 */
	if (t->snd.una != t->snd.nxt)
		tv_timer_main(c, t, tv_rtx_wait(c, t)); /* text that left before, with Fast Open */
	if (t->opt.fastopen != 0)
		tv_rcv_read(c, t); /* what was read before may have opened the window */
	if (o->keepalive)
		tv_keepalive_restart(c, t);
	if ((t->flags & TV_F_WRITE_BLOCKED) != 0 && t->out.len == 0)
		tv_write_room(c, t);
	if ((t->flags & TV_F_FIN_QUEUED) != 0) {
		tv_state_set(c, t, TV_FIN_WAIT_1); /* RFC 9293 3.10.4: CLOSE was queued in SYN-RECEIVED [EV-52] */
		tv_want(c, t, TV_WANT_SEND);
	}
}

void tv_established(struct tv_core *c, struct tv_tcb *t, const struct tv_segment *s)
{
	tv_establish(c, t, s);
}
