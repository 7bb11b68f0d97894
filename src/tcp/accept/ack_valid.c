/*
 * ack_valid.c - may the ACK of a segment be believed (RFC 9293 3.10.7.4, fifth; RFC 5961 5)?
 *
 * In SYN-RECEIVED it has to acknowledge our SYN, or it is answered with a RST. Elsewhere it has to lie
 * between what the peer may have acknowledged long ago (SND.UNA - MAX.SND.WND) and SND.NXT; what lies
 * outside is dropped whole and challenged, so that nobody can inject text without knowing both numbers.
 */
#include "tcp/accept/accept.h"

int tv_ack_fails(struct tv_core *c, struct tv_tcb *t, const struct tv_segment *s)
{
	if ((s->flags & TV_ACK) == 0)
		return TV_V_NO_ACK; /* [EV-24] */
	if (t->state == TV_SYN_RECEIVED) {
		tv_reply_rst(c, s); /* <SEQ=SEG.ACK><CTL=RST> [EV-25] */
		return TV_V_ACK_BAD_HANDSHAKE;
	}
	tv_challenge(c, t); /* [EV-26]; RFC 5961 5.2 [MAY-12] */
	return seq_gt(s->ack, t->snd.nxt) ? TV_V_ACK_TOO_NEW : TV_V_ACK_TOO_OLD;
}
