/*
 * send.h - what most connections say most of the time: an ACK alone, or all that is queued in one segment, FIN
 * included, while nothing is in flight. What send.c would find out with one question after the other is known
 * at once then. A test sends each segment both ways, and both ends are the same to the last octet.
 */
#ifndef TV_TCP_FLOW_SEND_H
#define TV_TCP_FLOW_SEND_H

#include "tcp/core.h"

/* Text may have to wait, or its leaving changes more than SND.NXT; there is none any more. */
#define TV_F_UNPLAIN (TV_F_URG_SND | TV_F_CORK | TV_F_MORE | TV_F_LIMITED | TV_F_FIN_SENT)
/* The synchronised states. */
#define TV_PLAIN_STATES (((1u << TV_STATE_COUNT) - 1) & ~((1u << TV_ESTABLISHED) - 1))

/* Is all that has to be said said with a plain segment? */
static inline bool tv_send_is_plain(const struct tv_tcb *t)
{
	uint32_t room = tv_min32(tv_min32(t->snd.wnd, t->cc.cwnd), t->opt.mss + 1u), want = t->want;

	if ((TV_PLAIN_STATES >> t->state & 1) == 0 || (t->busy | t->side | t->v6) != 0)
		return false;
	return want == TV_WANT_ACK ||
	       ((want & ~(uint32_t)(TV_WANT_ACK | TV_WANT_SEND)) == 0 && (t->flags & TV_F_UNPLAIN) == 0 &&
	        (t->out.len | (t->flags & TV_F_FIN_QUEUED)) != 0 && t->snd.una == t->snd.nxt && t->out.len < room);
}

/* The flags of that segment, when there is more than an ACK to say: it is all that is queued, and FIN behind it
 * [EV-42]. */
static inline uint16_t tv_send_plain(const struct tv_tcb *t)
{
	uint32_t fin = (t->flags & TV_F_FIN_QUEUED) != 0;
	uint32_t push = t->out.len != 0; /* RFC 9293 3.9.1.2 [MUST-61] [SHLD-27] */

	return (uint16_t)(TV_ACK | push * TV_PSH | fin * TV_FIN);
}

#endif
