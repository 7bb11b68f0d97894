/*
 * window.c - the sequence test (RFC 9293 3.10.7.4, first): does the segment lie in the receive window?
 *
 * Beside acceptable and not there is a third outcome: the text is not taken, but RST, URG and ACK are
 * processed. It is for a window of zero, and for a probe one octet left of the window: without it two
 * peers with closed windows would never learn that the other has opened [MUST-66] [EV-47].
 *
 * What is not acceptable is answered by an ACK (never a RST [EV-38]); one that takes no sequence number only once
 * in the challenge gap, so that an ACK storm dies out.
 */
#include "tcp/accept/accept.h"

int tv_seq_fails(struct tv_core *c, struct tv_tcb *t, const struct tv_segment *s)
{
	uint32_t len = tv_segment_len(s);
	bool closed = t->rcv.adv == t->rcv.nxt;

	if ((s->flags & TV_RST) != 0) { /* by its first octet alone, closed window or not [MUST-66] */
		if (s->seq == t->rcv.nxt || seq_in(s->seq, t->rcv.nxt, t->rcv.adv))
			return TV_NEXT;
		return TV_V_RST_OUT_OF_WINDOW; /* [EV-17] */
	}
	if ((s->flags & TV_SYN) != 0) {
		tv_challenge(c, t); /* RFC 9293 3.10.7.4, fourth: whatever the sequence number [EV-22] */
		return TV_V_SYN_CHALLENGED;
	}
	if (s->len != 0)
		tv_duplicate_text(c, t, s);
	if (len != 0)
		tv_want(c, t, TV_WANT_ACK);
	else
		tv_challenge(c, t); /* a keepalive, or an echo of our own answers [EV-46] */
	/* To a closed window, and one octet left of it: everything but the text counts. RFC 9293 3.10.7.4,
	 * first [MUST-66] [EV-47] */
	if (closed && (s->seq == t->rcv.nxt || s->seq == t->rcv.nxt - 1) && t->state != TV_SYN_RECEIVED)
		return TV_NEXT;
	return TV_V_OUT_OF_WINDOW;
}
