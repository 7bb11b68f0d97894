/*
 * take.h - SEGMENT ARRIVES, the second half of the spine (in.c): what is taken of a segment that may be believed. It is
 * a part of in.c and of who completes handshakes, where nearly all of the questions have their answers already.
 */
#ifndef TV_TCP_TAKE_H
#define TV_TCP_TAKE_H

#include "tcp/accept/accept.h"
#include "tcp/close/close.h"

/* RFC 9293 3.10.7.4, fifth: what the ACK acknowledges, and the window that it carries. */
static inline int tv_take_ack(struct tv_core *c, struct tv_tcb *t, const struct tv_segment *s)
{
	bool had_text = t->out.len != 0;
	struct tv_acked a;

	tv_rtx_ack(c, t, s, &a);
	tv_send_window(c, t, s);
	tv_cc_ack(c, t, &a);
	if (had_text && t->out.len == 0)
		tv_tell(c, t, TV_EV_DRAINED);
	if (tv_fin_sent(t) && a.bytes != 0 && t->snd.una == t->snd.nxt)
		tv_fin_acked(c, t); /* [EV-28] [EV-29] [EV-30] */
	if (t->state == TV_CLOSED)
		return TV_V_OK;
	if (t->out.len != 0 || (t->flags & (TV_F_FIN_QUEUED | TV_F_FIN_SENT)) == TV_F_FIN_QUEUED)
		tv_want(c, t, TV_WANT_SEND);
	return TV_NEXT;
}

/* RFC 9293 3.10.7.4, sixth; RFC 6093: the pointer names the octet behind the urgent ones [MUST-62]. */
static inline void tv_take_urg(struct tv_core *c, struct tv_tcb *t, const struct tv_segment *s)
{
	uint32_t up = s->seq + s->urg;

	if ((s->flags & TV_URG) == 0 || !tv_state_may_receive((enum tv_state)t->state))
		return; /* [EV-33] */
	if (s->urg == 0 || seq_leq(up, t->rcv.nxt - t->in.len))
		return; /* points at what was read long ago */
	if ((t->flags & TV_F_URG_RCV) != 0 && seq_leq(up, t->rcv.up))
		return;
	t->flags |= TV_F_URG_RCV; /* [MUST-30] [MUST-31] */
	t->rcv.up = up;
	tv_tell(c, t, TV_EV_URGENT); /* RFC 9293 3.8.5 [MUST-32] */
}

/* Seventh: nearly all text is the next in order. */
static inline int tv_take_text(struct tv_core *c, struct tv_tcb *t, const struct tv_segment *s)
{
	enum tv_verdict v;

	if (s->len == 0)
		return TV_NEXT;
	if (TV_UNLIKELY(s->seq != t->rcv.nxt || s->len > t->rcv.adv - s->seq || t->state != TV_ESTABLISHED ||
	                (t->busy | t->side) != 0))
		return tv_take_text_any(c, t, s);
	v = tv_text_in_order(c, t, s->text, s->len, tv_largest_text(s));
	return v == TV_V_OK ? TV_NEXT : (int)v;
}

/* opens: the connection is established by this very segment. What tv_established() took of it, its window and that
 * our SYN has arrived, is all that its ACK can say unless more than the SYN was in flight. */
TV_INLINE int tv_take(struct tv_core *c, struct tv_tcb *t, const struct tv_segment *s, bool opens)
{
	int v;

	tv_take_timestamp(c, t, s);
	t->received_ms = c->now_ms;
	t->rtt.probes = 0;
	if (t->timer.keep != 0)
		tv_keepalive_restart(c, t);
	if (!opens || t->snd.una != t->snd.nxt) {
		if ((v = tv_take_ack(c, t, s)) != TV_NEXT)
			return v;
	}
	if (opens)
		t->cc.dup_acks = 0; /* the first ACK repeats none, whatever left before it (Fast Open) */
	tv_take_urg(c, t, s);                               /* sixth */
	if ((v = tv_take_text(c, t, s)) != TV_NEXT)      /* seventh: trimmed there, not before */
		return v;
	return tv_take_fin(c, t, s);                     /* eighth */
}

#endif
