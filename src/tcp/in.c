/*
 * in.c - SEGMENT ARRIVES: the spine. A segment goes through the steps of RFC 9293 3.10.7.4 in their
 * order; each step either says NEXT, or says what became of the segment (a verdict). Half-open and
 * TIME-WAIT records come here too, unpacked into a scratch record, so that there is one set of checks.
 *
 * Input builds no packet. What must be said is left as a want of the connection; a RST that belongs to
 * no connection goes to the queue of replies.
 */
#include "tcp/predict.h"

/*
 * SYN-RECEIVED and a segment that begins with the SYN that we have seen: its sequence number is left
 * of the window, so it has to be recognised before the sequence test.
 * - The same SYN again: our SYN-ACK was lost or is late; say it again, as Linux does [EV-23].
 * - A SYN-ACK for our SYN: the other half of a simultaneous open (RFC 9293 3.5, figure 7) [MUST-10]; its
 *   SYN counts as seen and the rest is processed.
 *
 * A SYN-ACK for our SYN with another number is the answer of somebody who has seen our SYN; the SYN that
 * brought us here needed no more than the tuple, and anybody may have sent it. The SYN-ACK is processed as
 * in SYN-SENT, where the forged SYN found us.
 */
static int repeated_syn(struct tv_core *c, struct tv_tcb *t, const struct tv_segment *s, bool *strip)
{
	bool answers = (s->flags & TV_ACK) != 0 && seq_gt(s->ack, t->snd.iss) && seq_leq(s->ack, t->snd.nxt) &&
	               (t->flags & TV_F_ACTIVE) != 0;

	if ((s->flags & (TV_SYN | TV_RST)) != TV_SYN)
		return TV_NEXT;
	if (s->seq != t->rcv.irs) {
		if (!answers)
			return TV_NEXT;
		tv_negotiate_anew(c, t);
		return tv_in_syn_sent(c, t, s);
	}
	if ((s->flags & TV_ACK) == 0 && (t->flags & TV_F_ACTIVE) == 0) {
		tv_want(c, t, TV_WANT_SYN);
		return TV_V_OK;
	}
	*strip = answers;
	return TV_NEXT;
}

/* RFC 9293 3.10.7.4, fifth: what the ACK acknowledges, and the window that it carries. */
static inline int take_ack(struct tv_core *c, struct tv_tcb *t, const struct tv_segment *s)
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
static inline void take_urg(struct tv_core *c, struct tv_tcb *t, const struct tv_segment *s)
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

/* opens: the connection is established by this very segment. What tv_established() took of it, its window and that
 * our SYN has arrived, is all that its ACK can say unless more than the SYN was in flight. */
TV_INLINE int take(struct tv_core *c, struct tv_tcb *t, const struct tv_segment *s, bool opens)
{
	int v;

	tv_take_timestamp(c, t, s);
	t->received_ms = c->now_ms;
	t->rtt.probes = 0;
	if (t->timer.keep != 0)
		tv_keepalive_restart(c, t);
	if (!opens || t->snd.una != t->snd.nxt) {
		if ((v = take_ack(c, t, s)) != TV_NEXT)
			return v;
	}
	if (opens)
		t->cc.dup_acks = 0; /* the first ACK repeats none, whatever left before it (Fast Open) */
	take_urg(c, t, s);                               /* sixth */
	if ((v = tv_take_text(c, t, s)) != TV_NEXT)      /* seventh: trimmed there, not before */
		return v;
	return tv_take_fin(c, t, s);                     /* eighth */
}

int tv_tcp_take(struct tv_core *c, struct tv_tcb *t, const struct tv_segment *s)
{
	return take(c, t, s, true);
}

/*
 * The peer probes our closed window while its own was closed to us: the segment lies one octet left of
 * the window, so that RFC 9293's rule for window updates would call it old. Both sides would wait for
 * ever; its window counts as if it stood at RCV.NXT (RFC 9293 A.2) [EV-47].
 */
static bool window_probe(const struct tv_tcb *t, const struct tv_segment *s)
{
	return t->snd.wnd == 0 && s->seq == t->rcv.nxt - 1 && s->len <= 1 &&
	       (s->flags & (TV_SYN | TV_RST | TV_FIN)) == 0;
}

static void count_in(struct tv_core *c, const struct tv_tcb *t, const struct tv_segment *s)
{
	struct tv_side *side = tv_side(c, t);

	if (side == NULL)
		return;
	side->segs_in++;
	side->data_segs_in += s->len != 0;
}

int tv_tcp_in(struct tv_core *c, struct tv_tcb *t, const struct tv_segment *s)
{
	bool stamped = s->opt.has == TV_OPT_HAS_TS;

	if (TV_LIKELY((stamped || s->opt.has == 0) && tv_flags_are_predicted(s->flags) &&
	              tv_is_predicted(t, t->state, s, stamped)))
		return tv_take_predicted(c, t, s, stamped);
	return tv_tcp_steps(c, t, s);
}

/* RFC 9293 3.10.7.4. */
static TV_APART int steps(struct tv_core *c, struct tv_tcb *t, const struct tv_segment *s)
{
	struct tv_segment stripped;
	bool strip = false, opens;
	int v;

	if (t->state == TV_SYN_RECEIVED && (v = repeated_syn(c, t, s, &strip)) != TV_NEXT)
		return v;
	if (t->state == TV_TIME_WAIT && (v = tv_in_time_wait(c, t, s)) != TV_NEXT)
		return v;
	if (strip) {
		stripped = *s;
		stripped.seq++;
		stripped.flags &= (uint16_t)~TV_SYN;
		s = &stripped;
		tv_want(c, t, TV_WANT_ACK);
	}
	if ((v = tv_check_paws(c, t, s)) != TV_NEXT)     /* RFC 7323, before the sequence test; not for RST */
		return v;
	if (t->state == TV_TIME_WAIT && (v = tv_fin_again(c, t, s)) != TV_NEXT)
		return v;
	if ((v = tv_check_seq(c, t, s)) != TV_NEXT)      /* first */
		return v;
	if ((v = tv_check_rst(c, t, s)) != TV_NEXT)      /* second */
		return v;
	if ((v = tv_check_syn(c, t, s)) != TV_NEXT)      /* fourth (third, security, is not implemented) */
		return v;
	if ((v = tv_check_ack(c, t, s)) != TV_NEXT)      /* fifth: may we believe the ACK? */
		return v;
	if ((t->flags & TV_F_SCRATCH) != 0 && t->state == TV_SYN_RECEIVED)
		return TV_PROMOTE;
	if (t->state == TV_TIME_WAIT) {
		if (s->ack == t->snd.nxt && seq_geq(s->seq, t->rcv.nxt))
			t->snd.max_wnd = tv_max32(t->snd.max_wnd, (uint32_t)s->wnd << t->opt.snd_scale);
		if (tv_segment_len(s) != 0)
			tv_want(c, t, TV_WANT_ACK); /* it can only be old: say where we are */
		return TV_V_TIME_WAIT_OTHER;
	}
	if (window_probe(t, s)) {
		stripped = *s;
		stripped.seq = t->rcv.nxt;
		stripped.len = 0;
		s = &stripped;
	}
	opens = t->state == TV_SYN_RECEIVED;
	if (opens)
		tv_established(c, t, s);
	return take(c, t, s, opens);
}

int tv_tcp_steps(struct tv_core *c, struct tv_tcb *t, const struct tv_segment *s)
{
	count_in(c, t, s);
	return t->state == TV_SYN_SENT ? tv_in_syn_sent(c, t, s) : steps(c, t, s); /* RFC 9293 3.10.7.3 */
}
