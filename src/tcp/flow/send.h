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

/* Does it begin anew after an idle time? Since the last of its text was acknowledged; what was received says nothing
 * (RFC 5681 4.1). */
static inline bool tv_send_after_idle(const struct tv_core *c, const struct tv_tcb *t)
{
	uint32_t idle_ms = c->now_ms - t->progress_ms;

	return idle_ms != 0 && idle_ms * TV_MS > tv_rto_ns(c, t);
}

/* RFC 6928 2: min(10 * MSS, max(2 * MSS, 14600)); one segment when the SYN was repeated (RFC 5681 3.1). */
static inline uint32_t tv_initial_window(const struct tv_core *c, const struct tv_tcb *t)
{
	uint32_t mss = t->opt.mss;

	if ((t->flags & TV_F_SYN_LOST) != 0)
		return mss;
	return tv_min32(c->cfg.initial_window * mss, tv_max32(2 * mss, 1460u * c->cfg.initial_window));
}

/* Does it have to begin anew, with a smaller window? */
static inline bool tv_send_restarts(const struct tv_core *c, const struct tv_tcb *t)
{
	return tv_send_after_idle(c, t) && t->cc.cwnd > tv_initial_window(c, t);
}

/* Is all that has to be said said with a plain segment? Something has. */
static inline bool tv_send_is_plain(const struct tv_core *c, const struct tv_tcb *t)
{
	uint32_t family_state = (uint32_t)t->v6 << 8 | t->state, want = t->want, len = t->out.len;

	/* of IPv4, synchronised */
	if (family_state - TV_ESTABLISHED > (uint32_t)TV_STATE_COUNT - 1 - TV_ESTABLISHED || (t->busy | t->side) != 0)
		return false;
	if (want == TV_WANT_ACK)
		return true;
	return (want & ~(uint32_t)(TV_WANT_ACK | TV_WANT_SEND)) == 0 && (t->flags & TV_F_UNPLAIN) == 0 &&
	       (len | (t->flags & TV_F_FIN_QUEUED)) != 0 && t->snd.una == t->snd.nxt && len < t->snd.wnd &&
	       len < t->cc.cwnd && len <= t->opt.mss && !tv_send_restarts(c, t);
}

/* How many full segments are next, and wait for nothing, before the one that ends what is queued? Notes what limits
 * them, as tv_send_next() does. */
uint32_t tv_send_train(const struct tv_core *c, struct tv_tcb *t);

#endif
