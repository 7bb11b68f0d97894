/*
 * in.c - SEGMENT ARRIVES: the spine. A segment goes through the steps of RFC 9293 3.10.7.4 in their
 * order; each step either says NEXT, or says what became of the segment (a verdict). Half-open and
 * TIME-WAIT records come here too, unpacked into a scratch record, so that there is one set of checks.
 *
 * Input builds no packet. What must be said is left as a want of the connection; a RST that belongs to
 * no connection goes to the queue of replies.
 */
#include "tcp/predict.h"
#include "tcp/take.h"

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

int tv_tcp_take(struct tv_core *c, struct tv_tcb *t, const struct tv_segment *s)
{
	return tv_take(c, t, s, true);
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
	return tv_take(c, t, s, opens);
}

int tv_tcp_steps(struct tv_core *c, struct tv_tcb *t, const struct tv_segment *s)
{
	count_in(c, t, s);
	return t->state == TV_SYN_SENT ? tv_in_syn_sent(c, t, s) : steps(c, t, s); /* RFC 9293 3.10.7.3 */
}
