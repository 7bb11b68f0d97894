/*
 * reset.c - RST and SYN on a connection that exists, and the challenge ACK (RFC 5961 as RFC 9293
 * 3.10.7.4 has it).
 *
 * A RST counts only at exactly RCV.NXT; elsewhere in the window it draws a challenge ACK, so that a
 * blind attacker needs 2^32 tries. A SYN never counts. A connection sends at most one challenge ACK in
 * a configured gap (500 ms); there is no counter shared by connections that a stranger could read.
 */
#include "tcp/accept/accept.h"

void tv_challenge(struct tv_core *c, struct tv_tcb *t)
{
	struct tv_side *side = tv_side(c, t);
	uint32_t gap_ms = (uint32_t)(c->cfg.challenge_gap / TV_MS);

	if (t->challenge_ms != 0 && c->now_ms - t->challenge_ms < gap_ms) {
		c->cnt.challenge_suppressed++;
		return;
	}
	t->challenge_ms = c->now_ms + (c->now_ms == 0);
	c->cnt.challenge_acks++;
	if (side != NULL)
		side->challenge_acks++;
	tv_want(c, t, TV_WANT_ACK);
}

int tv_rst_arrives(struct tv_core *c, struct tv_tcb *t, const struct tv_segment *s)
{
	if (t->state == TV_TIME_WAIT && !c->cfg.time_wait_rst)
		return TV_V_RST_TIME_WAIT; /* RFC 1337 3, fix (F1) [EV-32] */
	if (s->seq != t->rcv.nxt) {
		tv_challenge(c, t); /* RFC 9293 3.10.7.4, second, 3) [EV-20] */
		return TV_V_RST_INEXACT;
	}
	c->cnt.resets_in++;
	/* A RST may carry text; it is ignored [SHLD-2]. */
	if (t->state == TV_SYN_RECEIVED && (t->flags & TV_F_ACTIVE) != 0)
		tv_end(c, t, TV_R_REFUSED); /* RFC 9293 3.5.3 [MUST-11] */
	else
		tv_end(c, t, TV_R_RESET); /* passive SYN-RECEIVED: nobody was told, nor is now [EV-21] [EV-35] */
	return TV_V_OK;
}

int tv_syn_arrives(struct tv_core *c, struct tv_tcb *t)
{
	/* RFC 9293 3.10.7.4, fourth; RFC 5961 4. In SYN-RECEIVED too: a peer that has begun anew answers
	 * the challenge with a RST and finds us listening [EV-22] [EV-23] [EV-36]. */
	tv_challenge(c, t);
	return TV_V_SYN_CHALLENGED;
}
