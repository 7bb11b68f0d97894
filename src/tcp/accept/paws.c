/*
 * paws.c - protection against wrapped sequence numbers (RFC 7323 section 5) and TS.Recent.
 *
 * Once both sides have sent the timestamps option, a segment whose TSval is older than TS.Recent is an
 * old duplicate and is dropped, and one without the option too (RST is exempt from both). TS.Recent is
 * void when the connection was idle for 24 days, because the peer's clock may have gone half round.
 */
#include "tcp/accept/accept.h"

int tv_paws_fails(struct tv_core *c, struct tv_tcb *t, const struct tv_segment *s)
{
	if ((s->opt.has & TV_OPT_HAS_TS) == 0 && (s->flags & TV_SYN) != 0)
		return TV_NEXT; /* a peer that begins anew: the challenge is for it (RFC 5961 4) */
	if ((s->opt.has & TV_OPT_HAS_TS) == 0)
		return TV_V_MISSING_TIMESTAMP; /* RFC 7323 3.2: dropped silently */
	if (c->coarse - t->opt.ts_recent_at > TV_IDLE_24_DAYS)
		return TV_NEXT; /* RFC 7323 5.5 */
	/* RFC 7323 5.3 R1: an ACK in reply, and drop; for what takes no sequence number at most one in the
	 * challenge gap, so that two confused peers do not answer each other for ever. */
	if (tv_segment_len(s) != 0 && (s->flags & TV_SYN) == 0)
		tv_want(c, t, TV_WANT_ACK);
	else
		tv_challenge(c, t);
	return TV_V_PAWS;
}
