/*
 * early.c - text that arrived beyond RCV.NXT: kept in order of sequence, each contiguous piece with its
 * bytes on pages of its own, until the gap before it is filled [SHLD-31].
 *
 * Of overlapping text the bytes that were stored first win. Pieces are limited (64, or one for each 512
 * bytes of the receive buffer), because each costs a page at least, and so are the pages under them: twice
 * the window, so that a peer who sends little pieces cannot hold many times what he was offered. When
 * pages run short the pieces farthest from the left edge are given up first: the peer still has them (RFC 2018
 * 8 allows it).
 *
 * SACK blocks (RFC 2018 4): the first one holds the text that arrived last, so an octet of each of the
 * last four pieces that grew is remembered. A duplicate is told in front of them (RFC 2883).
 */
#include "tcp/core.h"

static struct tv_range *at(struct tv_core *c, uint32_t i)
{
	return tv_range_at(&c->ranges, tv_region(c), i);
}

static uint32_t pieces_max(const struct tv_core *c, const struct tv_tcb *t)
{
	return tv_min32(c->cfg.ranges_each, tv_max32(64, tv_opts(c, t)->rcv_buf / 512));
}

static void remember(struct tv_busy *b, uint32_t seq)
{
	memmove(&b->recent[1], &b->recent[0], (TV_SACK_MAX - 1) * sizeof b->recent[0]);
	b->recent[0] = seq;
}

/* Bytes of all pages that are in use, modulo 2^32. */
static uint32_t taken(const struct tv_core *c)
{
	return c->pages.big.used * TV_PAGE_BYTES + c->pages.small.used * TV_SMALL_BYTES;
}

/* What n octets more would take from the pages. */
static uint32_t cost(const struct tv_core *c, const struct tv_stream *s, uint32_t n)
{
	uint32_t room = tv_stream_room(s, &c->pages, tv_region(c)), rest = n - tv_min32(n, room);

	if (rest == 0)
		return 0;
	if (rest <= TV_SMALL_BYTES && s->len < 4 * TV_SMALL_BYTES && c->pages.small.used < c->pages.small.count)
		return TV_SMALL_BYTES;
	return (rest + TV_PAGE_BYTES - 1) / TV_PAGE_BYTES * TV_PAGE_BYTES;
}

static void drop_piece(struct tv_core *c, struct tv_busy *b, uint32_t i)
{
	uint32_t before = taken(c);

	b->early_bytes -= at(c, i)->len;
	tv_stream_clear(&at(c, i)->u.data.bytes, &c->pages, tv_region(c));
	b->early_held -= before - taken(c);
	tv_ranges_remove(&b->early, &c->ranges, tv_region(c), i);
}

bool tv_early_prune(struct tv_core *c, struct tv_tcb *t)
{
	struct tv_busy *b = tv_busy(c, t);

	if (b == NULL || b->early.count == 0)
		return false;
	drop_piece(c, b, b->early.last);
	b->fin_early = false;
	c->cnt.pruned_ranges++;
	return true;
}

void tv_early_clip(struct tv_core *c, struct tv_tcb *t, uint32_t end)
{
	struct tv_busy *b = tv_busy(c, t);

	while (b != NULL && b->early.count != 0) {
		struct tv_range *r = at(c, b->early.last);
		uint32_t before = taken(c);

		if (seq_leq(r->seq + r->len, end))
			return;
		if (seq_geq(r->seq, end)) {
			drop_piece(c, b, b->early.last);
			continue;
		}
		b->early_bytes -= r->seq + r->len - end;
		r->len = end - r->seq;
		tv_stream_cut(&r->u.data.bytes, &c->pages, tv_region(c), r->len);
		b->early_held -= before - taken(c);
	}
}

/* Joins piece i with its right neighbour, if they touch. */
static void join_next(struct tv_core *c, struct tv_busy *b, uint32_t i)
{
	uint32_t next = tv_ranges_next(&c->ranges, tv_region(c), i);

	if (next == 0 || at(c, i)->seq + at(c, i)->len != at(c, next)->seq)
		return;
	tv_stream_join(&at(c, i)->u.data.bytes, &at(c, next)->u.data.bytes, &c->pages, tv_region(c));
	at(c, i)->len += at(c, next)->len;
	tv_ranges_remove(&b->early, &c->ranges, tv_region(c), next);
}

/* Stores [seq, seq + len), which overlaps nothing: behind the piece `before` if it touches it. */
static enum tv_verdict store(struct tv_core *c, struct tv_tcb *t, uint32_t before, uint32_t seq, const uint8_t *text,
                             uint32_t len)
{
	struct tv_busy *b = tv_busy(c, t);
	bool touches = before != 0 && at(c, before)->seq + at(c, before)->len == seq;
	uint32_t i = before, n, pages = taken(c);

	if (b->early_held + cost(c, touches ? &at(c, i)->u.data.bytes : &(struct tv_stream){0}, len) >
	    2 * tv_max32(t->rcv.adv - t->rcv.nxt, TV_SMALL_BYTES))
		return TV_V_NO_RANGE;
	if (!touches) {
		if (b->early.count >= pieces_max(c, t))
			return TV_V_NO_RANGE;
		i = tv_ranges_insert(&b->early, &c->ranges, tv_region(c), seq, 0);
		if (i == 0) {
			c->cnt.range_failures++;
			return TV_V_NO_RANGE;
		}
	}
	n = tv_stream_append(&at(c, i)->u.data.bytes, &c->pages, tv_region(c), text, len, false);
	at(c, i)->len += n;
	b->early_bytes += n;
	if (at(c, i)->len == 0)
		tv_ranges_remove(&b->early, &c->ranges, tv_region(c), i);
	else if (n == len)
		join_next(c, b, i);
	b->early_held += taken(c) - pages;
	if (n == len)
		return TV_V_OK;
	c->cnt.page_failures++;
	return TV_V_NO_PAGE;
}

/* [from, to) is held already: told as a duplicate (RFC 2883 4.2), unless one is waiting to be told. */
static void note_held(struct tv_busy *b, uint32_t from, uint32_t to)
{
	if (b->dsack_left != b->dsack_right)
		return;
	b->dsack_left = from;
	b->dsack_right = to;
}

enum tv_verdict tv_early_store(struct tv_core *c, struct tv_tcb *t, uint32_t seq, const uint8_t *text, uint32_t len)
{
	struct tv_busy *b = tv_busy_take(c, t);
	struct tv_side *side = tv_side(c, t);
	uint32_t left = seq, right = seq + len;
	enum tv_verdict v = TV_V_OK;

	if (b == NULL)
		return TV_V_NO_RANGE;
	if (side != NULL)
		side->out_of_order_segs++;
	while (v == TV_V_OK && seq_lt(left, right)) {
		uint32_t i = tv_ranges_find(&b->early, &c->ranges, tv_region(c), left), end, before;

		if (i != 0 && seq_leq(at(c, i)->seq, left)) {
			end = at(c, i)->seq + at(c, i)->len;
			note_held(b, left, seq_min(end, right));
		} else {
			end = i != 0 ? seq_min(right, at(c, i)->seq) : right;
			before = i != 0 ? tv_ranges_prev(&c->ranges, tv_region(c), i) : b->early.last;
			v = store(c, t, before, left, text + (left - seq), end - left);
		}
		left = end;
	}
	if (b->early.count != 0)
		remember(b, seq);
	return v;
}

/* Moves what has become contiguous with RCV.NXT into the stream; returns whether there was any. */
bool tv_early_join(struct tv_core *c, struct tv_tcb *t)
{
	struct tv_busy *b = tv_busy(c, t);
	bool any = false;

	while (b != NULL && b->early.first != 0) {
		uint32_t i = b->early.first;
		struct tv_range *r = at(c, i);
		uint32_t old;

		if (seq_gt(r->seq, t->rcv.nxt))
			break;
		b->early_held -= tv_stream_held(&r->u.data.bytes, &c->pages, tv_region(c));
		old = tv_min32(t->rcv.nxt - r->seq, r->len);
		if (old != 0)
			tv_stream_consume(&r->u.data.bytes, &c->pages, tv_region(c), old, NULL);
		t->rcv.nxt += r->len - old;
		b->early_bytes -= r->len;
		tv_stream_join(&t->in, &r->u.data.bytes, &c->pages, tv_region(c));
		tv_ranges_remove(&b->early, &c->ranges, tv_region(c), i);
		any = true;
	}
	return any;
}

void tv_duplicate_text(struct tv_core *c, struct tv_tcb *t, const struct tv_segment *s)
{
	struct tv_side *side = tv_side(c, t);
	uint32_t right = seq_min(s->seq + s->len, t->rcv.nxt);
	struct tv_busy *b;

	if (!seq_lt(s->seq, right))
		return;
	if (side != NULL)
		side->duplicate_segs++;
	if ((t->opt.flags & TV_O_SACK) == 0 || (t->flags & TV_F_SCRATCH) != 0)
		return;
	b = tv_busy_take(c, t);
	if (b == NULL)
		return;
	b->dsack_left = s->seq; /* RFC 2883 4 */
	b->dsack_right = right;
}

static void add_block(struct tv_tcp_options *o, uint32_t left, uint32_t right)
{
	for (unsigned i = 0; i < o->sack_count; i++)
		if (o->sack[i].left == left && o->sack[i].right == right)
			return;
	o->sack[o->sack_count].left = left;
	o->sack[o->sack_count].right = right;
	o->sack_count++;
}

void tv_sack_blocks(struct tv_core *c, struct tv_tcb *t, struct tv_tcp_options *o)
{
	struct tv_busy *b = tv_busy(c, t);

	o->sack_count = 0;
	if (b->dsack_left != b->dsack_right) {
		add_block(o, b->dsack_left, b->dsack_right);
		b->dsack_left = b->dsack_right = 0;
		c->cnt.dsacks_out++;
	}
	/* RFC 2018 3: four at most; three beside timestamps, which wire/tcp_opt.c sees to. */
	for (const uint32_t *octet = b->recent; octet != b->recent + TV_SACK_MAX && o->sack_count != TV_SACK_MAX;
	     octet++) {
		uint32_t i = tv_ranges_find(&b->early, &c->ranges, tv_region(c), *octet);

		if (i != 0 && seq_leq(at(c, i)->seq, *octet)) /* it is held still */
			add_block(o, at(c, i)->seq, at(c, i)->seq + at(c, i)->len);
	}
	if (o->sack_count != 0)
		o->has |= TV_OPT_HAS_SACK;
}
