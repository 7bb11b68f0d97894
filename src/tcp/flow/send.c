/*
 * send.c - what to send next, and when not to: the send window, the congestion window, Nagle, silly
 * windows, the persist timer (RFC 9293 3.8.6, 3.7.4).
 *
 * Asked again and again by out.c until it says that there is nothing. In this order: what is thought
 * lost, new text (FIN on its last segment), a window probe, a keepalive, a bare ACK. Whoever sends text
 * has acknowledged, so the bare ACK is last.
 *
 * The usable window is min(SND.WND edge, congestion window less the pipe). A full segment always goes;
 * a last small one goes unless Nagle holds it; one that the window makes small goes only when it is half
 * the largest window ever seen [MUST-38]. What is held so, with nothing in flight, waits for the override
 * timer (200 ms); with a closed window for the persist timer.
 */
#include "tcp/flow/send.h"

#define OVERRIDE_NS (200 * TV_MS)

void tv_send_window(struct tv_core *c, struct tv_tcb *t, const struct tv_segment *s)
{
	uint32_t wnd = (uint32_t)s->wnd << t->opt.snd_scale; /* [MUST-1] [REC-1] */
	bool was_closed = t->snd.wnd == 0;

	/* RFC 9293 3.10.7.4, fifth: not from an old segment [EV-27]. With SND.UNA =< SEG.ACK the test of SND.WL2,
	 * which is never above SND.UNA, is passed. */
	if (seq_lt(s->ack, t->snd.una) || seq_lt(s->seq, t->snd.wl1))
		return;
	t->snd.wnd = wnd;
	t->snd.wl1 = s->seq;
	t->snd.wl2 = s->ack;
	t->snd.max_wnd = tv_max32(t->snd.max_wnd, wnd);
	if (was_closed && wnd != 0 && (t->flags & TV_F_PERSIST) != 0) {
		t->flags &= ~(uint32_t)TV_F_PERSIST;
		t->timer.main = 0;
		t->rtt.backoff = 0;
		t->progress_ms = c->now_ms;
	} else if (was_closed && wnd != 0 && t->rtt.tries != 0 && t->snd.una != t->snd.nxt) {
		/* What was in flight met a closed window, not a bad path: it comes again soon. */
		t->rtt.backoff = 0;
		t->progress_ms = c->now_ms;
		tv_timer_main(c, t, tv_rtx_wait(c, t));
	}
	if (was_closed != (wnd == 0) || t->out.len != 0)
		tv_want(c, t, TV_WANT_SEND);
}

/* In flight before text that leaves before the final ACK (Fast Open): the SYN, which takes no octet of the
 * windows, and is no text for which a small piece would wait. */
static inline uint32_t syn_before(const struct tv_tcb *t)
{
	return t->state == TV_SYN_RECEIVED;
}

/* Octets that the peer's window still has room for: may be negative when it shrank [MUST-34]. */
static int32_t window_left(const struct tv_tcb *t)
{
	return (int32_t)(t->snd.una + syn_before(t) + t->snd.wnd - t->snd.nxt);
}

static inline uint32_t cwnd_left(const struct tv_core *c, const struct tv_tcb *t)
{
	uint32_t pipe = tv_rtx_pipe(c, t) - syn_before(t);

	return t->cc.cwnd > pipe ? t->cc.cwnd - pipe : 0;
}

static void set_text_flags(const struct tv_tcb *t, struct tv_xmit *x)
{
	uint32_t end = x->seq + x->len;

	x->flags = TV_ACK;
	if (x->len != 0 && end == tv_out_end(t))
		x->flags |= TV_PSH; /* RFC 9293 3.9.1.2 [MUST-61] [SHLD-27] */
	if ((t->flags & TV_F_URG_SND) != 0 && seq_gt(t->snd.up, x->seq) && t->snd.up - x->seq <= UINT16_MAX)
		x->flags |= TV_URG;
}

/* Something thought lost: at once for the first segment, be it beyond a shrunk
 * window [MAY-7], else as the windows let it [SHLD-16]. */
static TV_APART bool repeat_lost(struct tv_core *c, struct tv_tcb *t, struct tv_xmit *x)
{
	uint32_t seq, len, edge;

	if (!tv_rtx_next_lost(c, t, t->opt.mss, &seq, &len))
		return false;
	edge = t->snd.una + tv_max32(t->snd.wnd, t->opt.mss);
	if (seq != t->snd.una && (cwnd_left(c, t) < len || !seq_lt(seq, edge)))
		return false;
	x->kind = TV_X_REPEAT;
	x->seq = seq;
	x->len = len;
	x->flags = TV_ACK;
	if (seq + len == t->snd.nxt && tv_fin_sent(t)) {
		x->flags |= TV_FIN;
		x->len--;
	}
	if (t->out.len != 0 && x->len != 0 && x->seq + x->len == tv_out_end(t))
		x->flags |= TV_PSH;
	if ((t->flags & TV_F_URG_SND) != 0 && seq_gt(t->snd.up, seq) && t->snd.up - seq <= UINT16_MAX)
		x->flags |= TV_URG;
	return true;
}

/* RFC 9293 3.8.6.2.1: is a piece of n < MSS octets worth a segment? rest: it empties the queue. */
static inline bool small_one_goes(const struct tv_tcb *t, uint32_t n, bool rest)
{
	bool quiet = t->snd.una + syn_before(t) == t->snd.nxt;

	if ((t->want & TV_WANT_PUSH) != 0)
		return true;
	if (n >= t->snd.max_wnd / 2 && n != 0 && !rest)
		return true; /* Fs = 1/2 [MUST-38] */
	if (!rest)
		return false;
	if ((t->flags & (TV_F_FIN_QUEUED | TV_F_URG_SND)) != 0)
		return true; /* the last of all does not wait, nor what is urgent (as Linux) */
	if ((t->flags & (TV_F_CORK | TV_F_MORE)) != 0)
		return false;
	/* Nagle, RFC 9293 3.7.4 [MUST-17] [SHLD-7], with Minshall's modification (A.3): only a small one in flight
	 * holds another back, so that the rest of a longer text does not wait for a delayed ACK. */
	return quiet || (t->flags & TV_F_SMALL) == 0 || (t->flags & TV_F_NODELAY) != 0;
}

/* Nothing may be sent now: which timer will change that? */
static TV_APART void wait_for(struct tv_core *c, struct tv_tcb *t, bool window_closed)
{
	if (t->snd.una != t->snd.nxt || t->timer.main != 0)
		return; /* an ACK or the retransmission timer will */
	if (window_closed) {
		t->flags |= TV_F_PERSIST;
		t->rtt.backoff = 0;
		t->rtt.probes = 0;
		t->progress_ms = c->now_ms;
		tv_timer_main(c, t, tv_rto_ns(c, t)); /* RFC 9293 3.8.6.1 [MUST-35] [SHLD-29] */
	} else {
		t->flags |= TV_F_OVERRIDE;
		tv_timer_main(c, t, OVERRIDE_NS);
	}
}

/* The next segment, or super-segment, of n octets that the windows let out; `have` wait to be sent. */
static inline void take_text(struct tv_tcb *t, uint32_t n, uint32_t have, uint32_t gso_bytes, struct tv_xmit *x)
{
	uint32_t mss = t->opt.mss;

	if (t->snd.una == t->snd.nxt)
		t->flags &= ~(uint32_t)TV_F_SMALL;
	x->kind = TV_X_DATA;
	x->seq = t->snd.nxt;
	x->len = tv_min32(n, mss);
	if (tv_min32(n, gso_bytes) > mss && (t->flags & TV_F_URG_SND) == 0) {
		/* Of a super-segment only full ones [SHLD-28]; alone, one segment leaves at a time. */
		if (n < have || (n % mss != 0 && !small_one_goes(t, n % mss, true)))
			n -= n % mss;
		x->len = tv_min32(n, gso_bytes / mss * mss);
		x->seg_size = (uint16_t)(x->len > mss ? mss : 0);
	}
	if (x->len < mss || (x->seg_size != 0 && x->len % mss != 0))
		t->flags |= TV_F_SMALL;
	set_text_flags(t, x);
}

/* RFC 7661: with room for one more full segment the congestion window is not the limit; it is the user, or the
 * peer. */
static void still_limited(struct tv_tcb *t, uint32_t left)
{
	if (left >= t->opt.mss)
		t->flags &= ~(uint32_t)TV_F_LIMITED;
}

/* How many of so many octets do the windows let out? */
static inline uint32_t let_out(const struct tv_core *c, struct tv_tcb *t, uint32_t have, uint32_t window)
{
	uint32_t cwnd = cwnd_left(c, t), n = tv_min32(have, window);

	if (TV_UNLIKELY(cwnd <= n)) {
		t->flags |= TV_F_LIMITED;
		return cwnd;
	}
	still_limited(t, cwnd - n);
	return n;
}

uint32_t tv_send_train(const struct tv_core *c, struct tv_tcb *t)
{
	uint32_t have = tv_out_end(t) - t->snd.nxt;
	int32_t window = window_left(t);

	if (t->want != TV_WANT_SEND || t->state < TV_ESTABLISHED || (t->flags & (TV_F_URG_SND | TV_F_FIN_SENT)) != 0 ||
	    have <= t->opt.mss || window <= 0)
		return 0;
	return tv_min32(let_out(c, t, have, (uint32_t)window), have - 1) / t->opt.mss;
}

static bool new_text(struct tv_core *c, struct tv_tcb *t, uint32_t gso_bytes, struct tv_xmit *x)
{
	bool fin = (t->flags & TV_F_FIN_QUEUED) != 0 && !tv_fin_sent(t) && t->state > TV_SYN_RECEIVED;
	uint32_t have = tv_fin_sent(t) ? 0 : tv_out_end(t) - t->snd.nxt, n;
	int32_t window = window_left(t);

	if (have == 0 && !fin) {
		still_limited(t, cwnd_left(c, t));
		return false;
	}
	if (!tv_rtx_room(c, t)) {
		wait_for(c, t, false);
		return false;
	}
	if (window <= 0) {
		still_limited(t, cwnd_left(c, t));
		wait_for(c, t, true); /* no new text into a shrunk or closed window [SHLD-15] */
		return false;
	}
	n = let_out(c, t, have, (uint32_t)window);
	if (n < t->opt.mss && have != 0 && !(n != 0 && small_one_goes(t, n, n == have))) {
		wait_for(c, t, false);
		return false;
	}
	take_text(t, n, have, gso_bytes, x);
	if (fin && x->len == have && (uint32_t)window > have)
		x->flags |= TV_FIN; /* behind all queued text [EV-42] */
	if (x->len == have && fin == ((x->flags & TV_FIN) != 0))
		t->want &= (uint16_t)~(TV_WANT_SEND | TV_WANT_PUSH); /* that was all */
	return x->len != 0 || (x->flags & TV_FIN) != 0;
}

/* Text before the final ACK: after a Fast Open (RFC 7413 4.2.2), and only with a map of what is in flight,
 * for the SYN is in flight as well. */
static TV_APART bool speaks_early(struct tv_core *c, struct tv_tcb *t)
{
	return (t->flags & TV_F_PENDING) != 0 && tv_busy_take(c, t) != NULL;
}

static bool text_next(struct tv_core *c, struct tv_tcb *t, uint32_t gso_bytes, struct tv_xmit *x)
{
	if ((t->state < TV_ESTABLISHED && !speaks_early(c, t)) || t->state == TV_TIME_WAIT)
		return false;
	if (TV_UNLIKELY(t->busy != 0 && tv_busy(c, t)->lost != 0) && repeat_lost(c, t, x))
		return true;
	if (new_text(c, t, gso_bytes, x))
		return true;
	t->want &= (uint16_t)~(TV_WANT_SEND | TV_WANT_PUSH);
	return false;
}

static bool take_want(struct tv_tcb *t, uint16_t want)
{
	bool wanted = (t->want & want) != 0;

	t->want &= (uint16_t)~want;
	return wanted;
}

/* A segment without text that is meant to be answered. */
static TV_APART bool ask(struct tv_core *c, struct tv_tcb *t, struct tv_xmit *x)
{
	if (take_want(t, TV_WANT_PROBE)) {
		/* As Linux: no text, one octet left of the window, so that it has to be answered [MUST-36]. */
		x->kind = TV_X_PROBE;
		x->seq = t->snd.una - 1;
		return true;
	}
	(void)take_want(t, TV_WANT_KEEPALIVE);
	x->kind = TV_X_KEEPALIVE;
	x->seq = t->snd.nxt - 1; /* RFC 9293 3.8.4 [SHLD-12] */
	x->len = tv_opts(c, t)->keepalive_octet ? 1 : 0; /* [MAY-6] */
	return true;
}

bool tv_send_next(struct tv_core *c, struct tv_tcb *t, uint32_t gso_bytes, struct tv_xmit *x)
{
	x->len = 0;
	x->seg_size = 0;
	x->flags = TV_ACK;
	if ((t->want & (TV_WANT_SEND | TV_WANT_PUSH)) != 0 && text_next(c, t, gso_bytes, x))
		return true;
	if (TV_UNLIKELY((t->want & (TV_WANT_PROBE | TV_WANT_KEEPALIVE)) != 0))
		return ask(c, t, x);
	x->kind = TV_X_ACK;
	x->seq = t->snd.nxt;
	return take_want(t, TV_WANT_ACK);
}
