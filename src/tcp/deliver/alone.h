/*
 * alone.h - all that is in flight is one piece that was sent once (TV_F_ALONE, rtx.c), and it is acknowledged: what
 * happens to most of what whoever asks and answers in single segments sends.
 */
#ifndef TV_TCP_DELIVER_ALONE_H
#define TV_TCP_DELIVER_ALONE_H

#include "tcp/core.h"

/* SND.UNA moves on: the peer is there, whatever was wrong before. */
TV_INLINE void tv_rtx_moved(const struct tv_core *c, struct tv_tcb *t, uint32_t ack)
{
	t->snd.una = ack;
	t->rtt.tries = 0;
	t->flags = (t->flags & ~(uint32_t)(TV_F_R1_TOLD | TV_F_PERSIST | TV_F_OVERRIDE)) | TV_F_FORWARD;
	t->soft_reason = TV_R_NONE;
	t->progress_ms = c->now_ms;
}

/* So many octets; there is no SYN and no urgent one among them. */
TV_INLINE void tv_rtx_ack_alone(struct tv_core *c, struct tv_tcb *t, uint32_t bytes)
{
	if (!tv_fin_sent(t)) /* behind our FIN nothing is timed any more */
		tv_rtt_sample(c, t, (uint32_t)c->now_us - t->sent_us);
	if (t->out.len != 0) {
		tv_stream_consume(&t->out, &c->pages, tv_region(c), tv_min32(bytes, t->out.len), NULL);
		if (t->out.len == 0)
			tv_tell(c, t, TV_EV_DRAINED);
	}
	tv_rtx_moved(c, t, t->snd.nxt);
	t->flags &= ~(uint32_t)TV_F_ALONE;
	t->timer.main = 0;
}

/* The last piece in flight, if it is not alone, what is sent now only makes it longer, and nothing has to be sent again
 * before; NULL: not so. */
struct tv_range *tv_rtx_growing(struct tv_core *c, struct tv_tcb *t);

#endif
