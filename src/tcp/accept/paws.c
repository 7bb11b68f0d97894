/*
 * paws.c - protection against wrapped sequence numbers (RFC 7323 section 5) and TS.Recent.
 *
 * Once both sides have sent the timestamps option, a segment whose TSval is older than TS.Recent is an
 * old duplicate and is dropped, and one without the option too (RST is exempt from both). TS.Recent is
 * void when the connection was idle for 24 days, because the peer's clock may have gone half round.
 */
#include "tcp/core.h"

#define IDLE_24_DAYS_MS (24u * 24u * 3600u * 1000u)

int tv_check_paws(struct tv_core *c, struct tv_tcb *t, const struct tv_segment *s)
{
	if ((t->opt.flags & TV_O_TS) == 0 || (s->flags & TV_RST) != 0)
		return TV_NEXT;
	if ((s->opt.has & TV_OPT_HAS_TS) == 0 && (s->flags & TV_SYN) != 0)
		return TV_NEXT; /* a peer that begins anew: the challenge is for it (RFC 5961 4) */
	if ((s->opt.has & TV_OPT_HAS_TS) == 0)
		return TV_V_MISSING_TIMESTAMP; /* RFC 7323 3.2: dropped silently */
	if (seq_geq(s->opt.ts_val, t->opt.ts_recent))
		return TV_NEXT;
	if (c->now_ms - t->opt.ts_recent_ms > IDLE_24_DAYS_MS)
		return TV_NEXT; /* RFC 7323 5.5 */
	/* RFC 7323 5.3 R1: an ACK in reply, and drop; for what takes no sequence number at most one in the
	 * challenge gap, so that two confused peers do not answer each other for ever. */
	if (tv_segment_len(s) != 0 && (s->flags & TV_SYN) == 0)
		tv_want(c, t, TV_WANT_ACK);
	else
		tv_challenge(c, t);
	return TV_V_PAWS;
}

/* RFC 7323 4.3 (2): the segment is acceptable, its TSval not older, and it covers Last.ACK.sent. */
void tv_take_timestamp(struct tv_core *c, struct tv_tcb *t, const struct tv_segment *s)
{
	if ((t->opt.flags & TV_O_TS) == 0 || (s->opt.has & TV_OPT_HAS_TS) == 0)
		return;
	if (seq_leq(s->seq, t->rcv.acked) &&
	    (seq_geq(s->opt.ts_val, t->opt.ts_recent) || c->now_ms - t->opt.ts_recent_ms > IDLE_24_DAYS_MS)) {
		t->opt.ts_recent = s->opt.ts_val;
		t->opt.ts_recent_ms = c->now_ms;
	}
}
