/*
 * syn_sent.c - SEGMENT ARRIVES in SYN-SENT (RFC 9293 3.10.7.3), in the RFC's order: ACK, RST,
 * (security,) SYN, the rest. A SYN without an ACK is a simultaneous open.
 */
#include "tcp/open/begin.h"

/* First: an ACK that acknowledges anything but our SYN draws a RST and changes nothing [EV-09]. */
static bool ack_acceptable(const struct tv_tcb *t, const struct tv_segment *s)
{
	return seq_gt(s->ack, t->snd.iss) && seq_leq(s->ack, t->snd.nxt);
}

static void receive_begins(struct tv_tcb *t, const struct tv_segment *s, uint32_t window)
{
	t->rcv.irs = s->seq;
	t->rcv.nxt = s->seq + 1;
	t->rcv.acked = t->rcv.nxt;
	t->rcv.adv = t->rcv.nxt + tv_min32(window, UINT16_MAX); /* what our SYN announced, not scaled */
}

/* Fourth, SYN with an acceptable ACK: ESTABLISHED [EV-12]. */
static inline int established(struct tv_core *c, struct tv_tcb *t, const struct tv_segment *s)
{
	struct tv_segment rest;
	int v = TV_V_OK;

	tv_establish(c, t, s);
	tv_want(c, t, TV_WANT_ACK);
	if (TV_LIKELY(s->len == 0 && (s->flags & (TV_FIN | TV_URG)) == 0 && t->snd.una == t->snd.nxt)) {
		t->received_ms = c->now_ms; /* it says nothing else */
	} else {
		rest = *s;
		rest.seq++; /* the SYN is behind us; text and FIN of this segment follow */
		rest.flags &= (uint16_t)~TV_SYN;
		v = tv_tcp_take(c, t, &rest);
	}
	t->snd.wl1 = s->seq; /* RFC 9293 3.10.7.3, fourth: of the SYN, not of what follows it */
	t->snd.wnd = t->snd.max_wnd = s->wnd; /* RFC 7323 2.2: what stands in a SYN,ACK is not scaled */
	return v;
}

int tv_in_syn_sent(struct tv_core *c, struct tv_tcb *t, const struct tv_segment *s)
{
	bool ack = (s->flags & TV_ACK) != 0;

	if (ack && !ack_acceptable(t, s)) {
		tv_reply_rst(c, s); /* <SEQ=SEG.ACK><CTL=RST>, unless it is a RST itself */
		return (s->flags & TV_RST) != 0 ? TV_V_RST_UNACCEPTABLE : TV_V_ACK_BAD_HANDSHAKE;
	}
	if ((s->flags & TV_RST) != 0) { /* second */
		if (!ack)
			return TV_V_RST_UNACCEPTABLE; /* [EV-11] */
		c->cnt.resets_in++;
		tv_end(c, t, TV_R_REFUSED); /* "connection reset", with the reason told apart [EV-10] */
		return TV_V_OK;
	}
	if ((s->flags & TV_SYN) == 0)
		return TV_V_SYN_SENT_OTHER; /* fifth [EV-14] */
	receive_begins(t, s, tv_opts(c, t)->rcv_buf);
	tv_agree(c, t, &s->opt);
	if (ack)
		return established(c, t, s);
	/* Simultaneous open: SYN-RECEIVED, and our SYN again with an ACK and the same ISS [MUST-10] [EV-13]. */
	t->snd.wnd = t->snd.max_wnd = s->wnd;
	t->snd.wl1 = s->seq;
	tv_state_set(c, t, TV_SYN_RECEIVED);
	tv_want(c, t, TV_WANT_SYN);
	return TV_V_OK;
}
