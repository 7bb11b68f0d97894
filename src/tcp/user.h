/*
 * user.h - SEND and RECEIVE as most calls of them are: a short text where none is queued, all of a short text that
 * has come. Nothing is refused then, and user.c would do no more than this; a test does both and compares.
 */
#ifndef TV_TCP_USER_H
#define TV_TCP_USER_H

#include "tcp/close/orphan.h"
#include "tcp/deliver/window.h"

/* May SEND queue text in this state? (RFC 9293 3.10.2) [EV-50] */
static inline int tv_send_allowed(const struct tv_tcb *t)
{
	if (t->state == TV_CLOSED)
		return TV_ECLOSED;
	return (t->flags & TV_F_FIN_QUEUED) != 0 ? TV_ECLOSING : TV_OK;
}

/* After text was queued. */
static inline void tv_send_want(struct tv_core *c, struct tv_tcb *t)
{
	if (t->state >= TV_ESTABLISHED || (t->flags & TV_F_PENDING) != 0)
		tv_want(c, t, TV_WANT_SEND);
	tv_timers_sync(c, t);
}

/* True: all was taken, as tv_user_send() would have. False: nothing was done. */
static inline bool tv_user_send_short(struct tv_core *c, struct tv_tcb *t, const uint8_t *data, size_t len,
                                      unsigned flags)
{
	if (flags != 0 || tv_send_allowed(t) != TV_OK || !tv_may_write(c) ||
	    !tv_stream_begin(&t->out, &c->pages, tv_region(c), data, len))
		return false;
	t->flags &= ~(uint32_t)TV_F_MORE;
	tv_send_want(c, t);
	return true;
}

/* How much was read: all, as tv_user_receive() would have. 0: nothing was done. */
static inline uint32_t tv_user_receive_short(struct tv_core *c, struct tv_tcb *t, uint8_t *data, size_t len,
                                             unsigned flags)
{
	const uint8_t *at = tv_stream_single(&t->in, &c->pages, tv_region(c));
	uint32_t n = t->in.len;

	if (at == NULL || tv_min64(len, n) != n || flags != 0 || (t->flags & (TV_F_CLOSED_BY_USER | TV_F_URG_RCV)) != 0)
		return 0;
	tv_copy_few(data, at, n);
	tv_stream_drop_single(&t->in, &c->pages, tv_region(c));
	tv_rcv_read(c, t);
	return n;
}

#endif
