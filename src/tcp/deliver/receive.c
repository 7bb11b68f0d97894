/*
 * receive.c - the text of segments (RFC 9293 3.10.7.4, seventh), when to acknowledge it, and the window.
 *
 * Text is trimmed here to what is new and inside the window; what continues the stream is appended, what
 * is ahead is kept (early.c). What cannot be stored is not acknowledged. The urgent pointer leaves the
 * text in the stream (RFC 6093).
 *
 * An ACK is sent at once for every second full segment [SHLD-19], for text out of order or filling a gap
 * (RFC 5681 4.2), and while quick ACKs are left (the first of a connection, when its sender grows its
 * window by ACKs); else it waits at most the configured delay [SHLD-18] [MUST-40] for text to ride on.
 * Because input only notes that an ACK is wanted, all segments of a batch share one [MUST-58] [MUST-59].
 *
 * The right edge of the window never moves left [SHLD-14]; it moves right by a full segment or half the
 * buffer at least [MUST-39]. When pages run short, or nobody reads, it stays
 * where it is, for ever if need be [MAY-8].
 */
#include "tcp/deliver/window.h"

static inline void acknowledge(struct tv_core *c, struct tv_tcb *t, uint32_t size, bool gap)
{
	/* What is a full segment of this peer? The largest seen. */
	t->cc.seg_rcv = (uint16_t)tv_max32(t->cc.seg_rcv, tv_min32(size, t->opt.mss_rcv));
	if (gap || (t->cc.quick != 0 && (t->flags & TV_F_PINGPONG) == 0) ||
	    t->rcv.nxt - t->rcv.acked > tv_max32(t->cc.seg_rcv, 536)) {
		tv_want(c, t, TV_WANT_ACK);
		return;
	}
	if (t->timer.ack == 0 && (t->want & TV_WANT_ACK) == 0)
		tv_timer_ack(c, t, c->cfg.delayed_ack);
}

/* In order: into the stream, with the reserve of pages, early pieces given up first. */
static inline uint32_t append(struct tv_core *c, struct tv_tcb *t, const uint8_t *text, uint32_t len)
{
	uint32_t n = tv_stream_append(&t->in, &c->pages, tv_region(c), text, len, false);

	while (n < len) {
		uint32_t more = tv_stream_append(&t->in, &c->pages, tv_region(c), text + n, len - n, true);

		n += more;
		if (more == 0 && !tv_early_prune(c, t))
			break;
	}
	t->rcv.nxt += n;
	return n;
}

/* How much of len octets lies before what came early: of that the first copy stays (early.c). */
static uint32_t before_early(const struct tv_core *c, const struct tv_tcb *t, uint32_t len)
{
	const struct tv_busy *b = tv_busy(c, t);

	if (b == NULL || b->early.first == 0)
		return len;
	return tv_min32(len, tv_range_at(&c->ranges, tv_region(c), b->early.first)->seq - t->rcv.nxt);
}

static TV_APART enum tv_verdict no_page(struct tv_core *c, struct tv_tcb *t)
{
	c->cnt.page_failures++;
	tv_want(c, t, TV_WANT_ACK);
	return TV_V_NO_PAGE;
}

/* Returns whether all of it found room. */
static bool in_order(struct tv_core *c, struct tv_tcb *t, const struct tv_segment *s, const uint8_t *text,
                     uint32_t len)
{
	struct tv_side *side = tv_side(c, t);
	bool was_empty = t->in.len == 0, gap = false;
	uint32_t from = t->rcv.nxt;
	uint32_t n = 0, part, got;

	do {
		part = before_early(c, t, len - n);
		got = append(c, t, text + n, part);
		if (t->busy != 0 && tv_busy(c, t)->early.count != 0)
			gap |= tv_early_join(c, t);
		n = tv_min32(len, t->rcv.nxt - from);
	} while (n < len && got == part);
	if (side != NULL) {
		side->bytes_received += t->rcv.nxt - from;
		side->last_data_received = c->now;
	}
	if (was_empty && t->in.len != 0)
		tv_tell(c, t, TV_EV_READABLE);
	acknowledge(c, t, tv_largest_text(s), gap);
	return n == len;
}

static TV_APART enum tv_verdict text_in_order(struct tv_core *c, struct tv_tcb *t, const uint8_t *text, uint32_t len,
                                              uint32_t size)
{
	bool was_empty = t->in.len == 0;
	uint32_t n = append(c, t, text, len);

	if (was_empty && n != 0)
		tv_tell(c, t, TV_EV_READABLE);
	acknowledge(c, t, size, false);
	return n == len ? TV_V_OK : no_page(c, t);
}

/* Nothing waits to be read: if it is short, it has a page to itself. */
static TV_APART enum tv_verdict text_alone(struct tv_core *c, struct tv_tcb *t, const uint8_t *text, uint32_t len,
                                           uint32_t size)
{
	if (!tv_stream_begin(&t->in, &c->pages, tv_region(c), text, len))
		return text_in_order(c, t, text, len, size);
	t->rcv.nxt += len;
	tv_tell(c, t, TV_EV_READABLE);
	acknowledge(c, t, size, false);
	return TV_V_OK;
}

enum tv_verdict tv_text_in_order(struct tv_core *c, struct tv_tcb *t, const uint8_t *text, uint32_t len, uint32_t size)
{
	return t->in.len == 0 ? text_alone(c, t, text, len, size) : text_in_order(c, t, text, len, size);
}

int tv_take_text_any(struct tv_core *c, struct tv_tcb *t, const struct tv_segment *s)
{
	uint32_t seq = s->seq, len = s->len;
	const uint8_t *text = s->text;
	enum tv_verdict v;

	if (!tv_state_may_receive((enum tv_state)t->state)) {
		tv_want(c, t, TV_WANT_ACK);
		return TV_V_AFTER_FIN; /* [EV-33] */
	}
	if ((t->flags & TV_F_CLOSED_BY_USER) != 0 && seq_gt(seq + len, t->rcv.nxt)) {
		tv_reply_rst(c, s); /* RFC 9293 3.6.1: the user can no longer be told [SHLD-3] */
		tv_end(c, t, TV_R_DATA_AFTER_CLOSE);
		return TV_V_AFTER_CLOSE;
	}
	if (seq_lt(seq, t->rcv.nxt)) { /* only the new part [EV-18] */
		uint32_t old = tv_min32(t->rcv.nxt - seq, len);

		tv_duplicate_text(c, t, s);
		tv_want(c, t, TV_WANT_ACK);
		seq += old;
		text += old;
		len -= old;
	}
	if (seq_gt(seq + len, t->rcv.adv)) { /* beyond the right edge: not taken [EV-19] */
		len -= tv_min32(len, seq + len - t->rcv.adv);
		tv_want(c, t, TV_WANT_ACK);
	}
	if (t->busy != 0 && tv_busy(c, t)->fin_early) {
		uint32_t end = tv_busy(c, t)->fin;

		len = tv_min32(len, end - seq_min(seq, end)); /* nothing follows it */
		tv_want(c, t, TV_WANT_ACK); /* a gap is before it (RFC 5681 4.2) */
	}
	if (len == 0)
		return TV_NEXT;
	if (seq == t->rcv.nxt)
		return in_order(c, t, s, text, len) ? TV_NEXT : (int)no_page(c, t);
	v = tv_early_store(c, t, seq, text, len);
	tv_want(c, t, TV_WANT_ACK); /* RFC 5681 4.2 [MAY-13] */
	return v == TV_V_OK ? TV_NEXT : (int)v;
}

void tv_rcv_reopen(struct tv_core *c, struct tv_tcb *t)
{
	uint32_t buffer = tv_opts(c, t)->rcv_buf, left = t->rcv.adv - t->rcv.nxt, room;

	if (!tv_state_may_receive((enum tv_state)t->state))
		return;
	/* Tell the peer when what it may send has at least doubled, as Linux does. */
	room = tv_rcv_room(c, t, buffer);
	if (room >= 2 * left && room - left >= tv_worth_telling(t, buffer))
		tv_want(c, t, TV_WANT_ACK);
}
