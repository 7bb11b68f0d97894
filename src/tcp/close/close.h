/*
 * close.h - how connections end: the FIN of either side, TIME-WAIT and its records, keepalive.
 */
#ifndef TV_TCP_CLOSE_CLOSE_H
#define TV_TCP_CLOSE_CLOSE_H

#include "tcp/core.h"

/* ---- fin.c ---- */
/* A FIN in this segment, or one that came early. */
int tv_fin_arrives(struct tv_core *c, struct tv_tcb *t, const struct tv_segment *s);
static inline int tv_take_fin(struct tv_core *c, struct tv_tcb *t, const struct tv_segment *s)
{
	if ((s->flags & TV_FIN) == 0 && (t->busy == 0 || !tv_busy(c, t)->fin_early))
		return TV_V_OK;
	return tv_fin_arrives(c, t, s);
}
/* The same of a FIN at RCV.NXT and inside the window, when nothing came early. */
void tv_fin_next(struct tv_core *c, struct tv_tcb *t);
/* Our FIN was acknowledged. */
void tv_fin_acked(struct tv_core *c, struct tv_tcb *t);
void tv_fin_wait_2_limit(struct tv_core *c, struct tv_tcb *t);
/* The user sends no more. */
void tv_close_send(struct tv_core *c, struct tv_tcb *t);

/* ---- timewait.c ---- */
/* TIME-WAIT: the peer's FIN once more? */
int tv_fin_again(struct tv_core *c, struct tv_tcb *t, const struct tv_segment *s);
int tv_in_time_wait(struct tv_core *c, struct tv_tcb *t, const struct tv_segment *s);
void tv_time_wait_enter(struct tv_core *c, struct tv_tcb *t);
/* All of a record but its place in the queue; rest: of the key, if it is IPv6. */
void tv_wait_pack(struct tv_core *c, uint32_t slot, const struct tv_tcb *t, const uint8_t *rest);
void tv_wait_unpack(struct tv_core *c, uint32_t slot, struct tv_tcb *t, struct tv_key *k);
void tv_wait_queue(struct tv_core *c, uint32_t slot);
void tv_wait_unqueue(struct tv_core *c, uint32_t slot);
/* 2 MSL begin anew: it is the last again. */
void tv_wait_requeue(struct tv_core *c, uint32_t slot);

/* ---- keepalive.c ---- */
void tv_keepalive_due(struct tv_core *c, struct tv_tcb *t);

#endif
