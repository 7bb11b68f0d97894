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

/* The window, from what is left of the last one: more, if there is room for so much more that it is worth telling. */
uint32_t tv_rcv_edge(const struct tv_core *c, const struct tv_tcb *t, uint32_t window);

/* The window field; what it offers is remembered as the right edge. */
static inline uint32_t tv_rcv_window(const struct tv_core *c, struct tv_tcb *t)
{
	uint32_t buffer = tv_opts(c, t)->rcv_buf, window = t->rcv.adv - t->rcv.nxt, field;
	unsigned scale = t->opt.rcv_scale;

	/* Most often the edge could not move far enough, whatever room there is. */
	if (t->in.len + window + tv_worth_telling(t, buffer) <= buffer)
		window = tv_rcv_edge(c, t, window);
	/* What the scale cannot express is rounded up, so that the edge never moves left [SHLD-14]. */
	field = (window + (1u << scale) - 1) >> scale;
	/* Nor may rounding add up without end for a peer that sends octet by octet: from half a buffer too
	 * much on, the edge seems to move left by less than a unit (RFC 7323 2.4). */
	if (t->in.len + (field << scale) > buffer / 2 * 3)
		field = window >> scale;
	field = tv_min32(field, UINT16_MAX);
	t->rcv.adv = t->rcv.nxt + tv_max32(window, field << scale);
	return field;
}

/* The user has read, and less than half of the buffer is on offer: is a window update due? */
void tv_rcv_reopen(struct tv_core *c, struct tv_tcb *t);
static inline void tv_rcv_read(struct tv_core *c, struct tv_tcb *t)
{
	if (2 * (t->rcv.adv - t->rcv.nxt) <= tv_opts(c, t)->rcv_buf)
		tv_rcv_reopen(c, t);
}

#endif
