/*
 * predict.h - the segments that nearly all are, recognised before the spine (in.c) is asked. It is in a header because
 * whoever finds the connection (stack/demux.c) has it at hand.
 */
#ifndef TV_TCP_PREDICT_H
#define TV_TCP_PREDICT_H

#include "tcp/accept/accept.h"
#include "tcp/close/close.h"
#include "tcp/deliver/alone.h"

/* What makes more of a segment than header prediction says. */
#define TV_F_UNPREDICTED \
	(TV_F_URG_SND | TV_F_WRITE_BLOCKED | TV_F_PERSIST | TV_F_OVERRIDE | TV_F_RECOVERY | TV_F_RTO_RECOVERY)

/* No flag is set that asks for more, and ACK is. */
static inline bool tv_flags_are_predicted(uint16_t flags)
{
	return (flags & ~(TV_PSH | TV_FIN)) == TV_ACK;
}

/*
 * Header prediction: the next text in order, or none, in ESTABLISHED, with an ACK that says nothing new or
 * that all has arrived, and perhaps the FIN behind it; none when our half is closed (FIN-WAIT-1, LAST-ACK). Each
 * of the steps would say NEXT to it, and what they would do is done at once. A test walks both ways with the same
 * segments, and both ends are the same to the last octet. The flags of the segment are predicted; state: that of t.
 * stamped: the segment has timestamps and no other option, else it has none.
 */
TV_INLINE bool tv_is_predicted(const struct tv_tcb *t, uint32_t state, const struct tv_segment *s, bool stamped)
{
	if (state != TV_ESTABLISHED && (s->len != 0 || (state != TV_FIN_WAIT_1 && state != TV_LAST_ACK)))
		return false;
	if ((t->flags & TV_F_UNPREDICTED) != 0 || (t->busy | t->side) != 0)
		return false;
	if (((t->opt.flags & TV_O_TS) != 0) != stamped || (stamped && seq_lt(s->opt.ts_val, t->opt.ts_recent)))
		return false;
	if (s->seq != t->rcv.nxt || s->len + (s->flags & TV_FIN) > t->rcv.adv - t->rcv.nxt)
		return false;
	if (seq_lt(s->seq, t->snd.wl1))
		return false;
	if (s->wnd == 0 || t->snd.wnd == 0)
		return false;
	return s->ack == t->snd.una ? s->len != 0 || t->snd.una == t->snd.nxt /* it is no duplicate ACK */
	                            : s->ack == t->snd.nxt && (t->flags & TV_F_ALONE) != 0;
}

/* The ACK of all that was in flight. */
TV_INLINE void tv_take_predicted_ack(struct tv_core *c, struct tv_tcb *t)
{
	uint32_t bytes = t->snd.nxt - t->snd.una;

	tv_rtx_ack_alone(c, t, bytes);
	t->cc.dup_acks = 0;
	if (TV_LIKELY(tv_cc_is_unused(t, bytes)))
		t->cc.acked = 0;
	else
		tv_cc_all_acked(t, bytes);
}

TV_INLINE int tv_take_predicted(struct tv_core *c, struct tv_tcb *t, const struct tv_segment *s, bool stamped)
{
	enum tv_verdict v = TV_V_OK;

	if (stamped)
		tv_take_timestamp_of(c, t, s);
	t->received_ms = c->now_ms;
	t->rtt.probes = 0;
	if (t->timer.keep != 0)
		tv_keepalive_restart(c, t);
	t->snd.wnd = (uint32_t)s->wnd << t->opt.snd_scale;
	t->snd.max_wnd = tv_max32(t->snd.max_wnd, t->snd.wnd);
	t->snd.wl1 = s->seq;
	t->snd.wl2 = s->ack;
	if (s->ack != t->snd.una) {
		tv_take_predicted_ack(c, t);
		if (tv_fin_sent(t))
			tv_fin_acked(c, t); /* [EV-28] [EV-30] */
		if (t->state == TV_CLOSED)
			return TV_V_OK;
	}
	if (t->out.len != 0 || (t->flags & (TV_F_FIN_QUEUED | TV_F_FIN_SENT)) == TV_F_FIN_QUEUED)
		tv_want(c, t, TV_WANT_SEND);
	if (s->len != 0)
		v = tv_text_in_order(c, t, s->text, s->len, tv_largest_text(s));
	if (v == TV_V_OK && (s->flags & TV_FIN) != 0)
		tv_fin_next(c, t);
	return (int)v;
}

#endif
