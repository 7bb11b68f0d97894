/*
 * window.h - the window that the next segment offers (RFC 9293 3.8.6.2.2). All segments but SYNs ask for it, and
 * most often the right edge stays where it is; where it may move to is receive.c's to say.
 */
#ifndef TV_TCP_DELIVER_WINDOW_H
#define TV_TCP_DELIVER_WINDOW_H

#include "tcp/core.h"

/* What the right edge has to move by, to be worth telling [MUST-39]. */
static inline uint32_t tv_worth_telling(const struct tv_tcb *t, uint32_t buffer)
{
	return tv_min32(buffer / 2, t->opt.mss_rcv);
}

/* Octets that may arrive and find room: of the receive buffer, and of what pages are left. */
static inline uint32_t tv_rcv_room(const struct tv_core *c, const struct tv_tcb *t, uint32_t buffer)
{
	uint32_t room = buffer > t->in.len ? buffer - t->in.len : 0;

	room = tv_min32(room, (uint32_t)UINT16_MAX << t->opt.rcv_scale);
	return (uint32_t)tv_min64(room, tv_pages_free_bytes(&c->pages) / 2);
}

/* The window field; what it offers is remembered as the right edge. */
static inline uint32_t tv_rcv_window(const struct tv_core *c, struct tv_tcb *t, uint32_t buffer)
{
	uint32_t window = t->rcv.adv - t->rcv.nxt, units, up, room;
	uint32_t more = window + tv_worth_telling(t, buffer);
	unsigned scale = t->opt.rcv_scale;

	/* Most often the edge could not move far enough, whatever room there is. */
	if (t->in.len + more <= buffer && (room = tv_rcv_room(c, t, buffer)) >= more)
		window = room;
	/* What the scale cannot express is rounded up, so that the edge never moves left [SHLD-14]. */
	units = (window + ((1u << scale) - 1)) >> scale;
	up = units << scale;
	/* Nor may rounding add up without end for a peer that sends octet by octet: from half a buffer too
	 * much on, the edge seems to move left by less than a unit (RFC 7323 2.4). */
	if (TV_UNLIKELY(t->in.len + up > buffer / 2 * 3 || units > UINT16_MAX)) {
		t->rcv.adv = t->rcv.nxt + window;
		return tv_min32(window >> scale, UINT16_MAX);
	}
	t->rcv.adv = t->rcv.nxt + up;
	return units;
}

/* The user has read, and less than half of the buffer is on offer: is a window update due? */
void tv_rcv_reopen(struct tv_core *c, struct tv_tcb *t);
static inline void tv_rcv_read(struct tv_core *c, struct tv_tcb *t)
{
	if (2 * (t->rcv.adv - t->rcv.nxt) <= tv_opts(c, t)->rcv_buf)
		tv_rcv_reopen(c, t);
}

#endif
