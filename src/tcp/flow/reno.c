/*
 * reno.c - slow start and congestion avoidance (RFC 5681 3.1), counting octets (RFC 3465): in slow start
 * an ACK adds what it acknowledges, at most two segments, and at most one after a time-out, when it may
 * acknowledge what had arrived long before (RFC 3465 2.3); in avoidance each window's worth of acknowledged
 * octets adds one segment. Counting octets is what makes ACK division worthless.
 */
#include "tcp/flow/reno.h"

uint32_t tv_reno_grown(struct tv_tcb *t, uint32_t acked)
{
	uint32_t mss = t->opt.mss;

	if (t->cc.cwnd < t->cc.ssthresh)
		return t->cc.cwnd + tv_min32(acked, t->cc.ssthresh == TV_SSTHRESH_NONE ? 2 * mss : mss);
	t->cc.acked += acked;
	if (t->cc.acked < t->cc.cwnd)
		return t->cc.cwnd;
	t->cc.acked -= t->cc.cwnd;
	return t->cc.cwnd + mss;
}

uint32_t tv_reno_reduced(const struct tv_tcb *t, uint32_t flight)
{
	return tv_max32(flight / 2, 2u * t->opt.mss);
}
