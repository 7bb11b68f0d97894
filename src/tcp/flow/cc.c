/*
 * cc.c - congestion control: when to grow, when to enter and leave recovery. The algorithm that says by
 * how much (today Reno, RFC 5681 with RFC 6582, RFC 6928 and RFC 3465) is reached through three
 * questions, so that another needs only a file of its own: growth, reduction, and idle.
 *
 * The window is counted in bytes and never exceeds 2^30. It grows only when it was used (RFC 7661). In fast
 * recovery the window is ssthresh, and what may be sent is that less the pipe (deliver/rtx.c): SACKed and lost
 * octets have left the network, and without SACK each duplicate ACK stands for a segment that has, which is the
 * "inflation" of RFC 5681 in other words; the same sum gives limited transmit (RFC 3042).
 */
#include "tcp/flow/cc.h"

#define DUP_THRESH 3

void tv_cc_init(struct tv_core *c, struct tv_tcb *t)
{
	tv_cc_begin(c, t);
}

static void enter_recovery(struct tv_core *c, struct tv_tcb *t, const struct tv_acked *a)
{
	struct tv_side *side = tv_side(c, t);

	t->cc.ssthresh = tv_reno_reduced(t, a->prior_flight);
	t->cc.cwnd = t->cc.ssthresh;
	t->cc.recover = t->snd.nxt;
	t->flags |= TV_F_RECOVERY;
	c->cnt.fast_recoveries++;
	if (side != NULL)
		side->recoveries++;
	tv_rtx_lose_first(c, t);
	tv_want(c, t, TV_WANT_SEND);
}

static void leave_recovery(struct tv_tcb *t)
{
	uint32_t flight = t->snd.nxt - t->snd.una;

	/* RFC 6582 3.2, 3 (full acknowledgment): no burst of what the window would let out at once. */
	t->cc.cwnd = tv_min32(t->cc.ssthresh, tv_max32(flight, t->opt.mss) + t->opt.mss);
	t->flags &= ~(uint32_t)TV_F_RECOVERY;
	t->cc.dup_acks = 0;
	t->cc.acked = 0;
}

/*
 * RFC 6582 3.2, 3 (partial acknowledgment): the next hole is lost too; deflate by what was acknowledged.
 * With SACK only if something above it was SACKed (RFC 6675 4, NextSeg 3): else it is merely on its way.
 */
static void partial_ack(struct tv_core *c, struct tv_tcb *t, const struct tv_acked *a)
{
	uint32_t segments = a->bytes / t->opt.mss;
	const struct tv_busy *b = tv_busy(c, t);

	t->cc.dup_acks = (uint8_t)(t->cc.dup_acks > segments ? t->cc.dup_acks - segments : 0);
	if ((t->opt.flags & TV_O_SACK) == 0 || (b != NULL && b->sacked != 0))
		tv_rtx_lose_first(c, t);
	tv_want(c, t, TV_WANT_SEND);
}

/*
 * RFC 9293 3.8.2 [MUST-19]. After a time-out the window is one segment, which was the limit. In slow start it grows as
 * long as it is less than twice what was in flight, that is, as it was used (RFC 7661 4.2; Linux): a flight that filled
 * it counts with all of its ACKs, though the user has nothing more to send while they arrive.
 */
static void grow(struct tv_tcb *t, const struct tv_acked *a)
{
	bool slow = t->cc.cwnd < t->cc.ssthresh;

	if (slow)
		t->cc.acked = tv_max32(t->cc.acked, a->prior_flight);
	if ((t->flags & (TV_F_LIMITED | TV_F_RTO_RECOVERY)) != 0 || (slow && t->cc.cwnd < 2 * t->cc.acked))
		t->cc.cwnd = tv_min32(tv_reno_grown(t, a->bytes), TV_SSTHRESH_NONE);
	if (slow && (t->snd.una == t->snd.nxt || t->cc.cwnd >= t->cc.ssthresh))
		t->cc.acked = 0;
}

static void forward_ack(struct tv_core *c, struct tv_tcb *t, const struct tv_acked *a)
{
	if ((t->flags & TV_F_RECOVERY) != 0) {
		if (seq_geq(t->snd.una, t->cc.recover))
			leave_recovery(t);
		else
			partial_ack(c, t, a);
		return;
	}
	t->cc.dup_acks = 0;
	grow(t, a);
	if ((t->flags & TV_F_RTO_RECOVERY) != 0 && seq_geq(t->snd.una, t->cc.recover))
		t->flags &= ~(uint32_t)TV_F_RTO_RECOVERY;
}

void tv_cc_all_acked(struct tv_tcb *t, uint32_t bytes)
{
	struct tv_acked a = {.prior_flight = bytes, .bytes = bytes};

	t->cc.dup_acks = 0;
	grow(t, &a);
}

/* RFC 6582 3.2, 2: not for duplicates of what an earlier recovery repeated. Without SACK these still come
 * when all of it is acknowledged, and nothing tells them apart until something new is (RFC 6582 4.1). */
static bool beyond_recover(const struct tv_tcb *t)
{
	if ((t->opt.flags & TV_O_SACK) != 0)
		return seq_geq(t->snd.una, t->cc.recover);
	return seq_gt(t->snd.una, t->cc.recover);
}

void tv_cc_news(struct tv_core *c, struct tv_tcb *t, const struct tv_acked *a)
{
	if (a->bytes != 0) {
		forward_ack(c, t, a);
	} else {
		tv_count8(&t->cc.dup_acks);
		tv_want(c, t, TV_WANT_SEND); /* limited transmit, or the next segment of recovery */
	}
	if ((t->flags & (TV_F_RECOVERY | TV_F_RTO_RECOVERY)) == 0 && seq_lt(t->snd.una, t->snd.nxt) &&
	    (t->cc.dup_acks >= DUP_THRESH || a->lost_more) && beyond_recover(t))
		enter_recovery(c, t, a);
}

void tv_cc_rto(struct tv_core *c, struct tv_tcb *t)
{
	(void)c;
	/* RFC 5681 3.1, equation 4; not again for the same octets. */
	if (t->rtt.tries <= 1)
		t->cc.ssthresh = tv_reno_reduced(t, t->snd.nxt - t->snd.una);
	t->cc.cwnd = t->opt.mss;
	t->cc.recover = t->snd.nxt;
	t->cc.dup_acks = 0;
	t->cc.acked = 0;
	t->flags = (t->flags & ~(uint32_t)TV_F_RECOVERY) | TV_F_RTO_RECOVERY;
}

void tv_cc_idle(struct tv_core *c, struct tv_tcb *t)
{
	t->cc.cwnd = tv_min32(t->cc.cwnd, tv_initial_window(c, t)); /* RFC 5681 4.1 */
}
