/*
 * rtx.c - what is in flight: an ordered map of the ranges of [SND.UNA, SND.NXT), each with the times
 * it was sent, how often, and whether it was SACKed, is thought lost, or was sent again.
 *
 * Nothing here remembers how bytes were packed: what is sent behind the last range at the same moment
 * makes it longer, SACK and loss cut ranges where they must, and equal neighbours grow together again.
 * The number of ranges is limited; at the limit the last one grows whatever its time.
 *
 * One piece that was sent once needs no map: TV_F_ALONE says that [SND.UNA, SND.NXT) is such a piece,
 * t->sent_us when it went out. So whoever asks and answers in single segments needs no record beside the
 * connection's own. The map is made when a second piece follows, or something is lost or SACKed; when there is
 * no record for it then, what is lost waits for the next time-out.
 *
 * Loss is found here in two ways: by SACK (RFC 6675: more than two segments' worth SACKed above), and
 * by whoever calls lose_first (duplicate and partial ACKs) or lose_all (time-out). What to do about it
 * is decided in flow/.
 */
#include "tcp/deliver/alone.h"

enum { LOST = 1, SACKED = 2, AGAIN = 4 };

static struct tv_range *at(struct tv_core *c, uint32_t i)
{
	return tv_range_at(&c->ranges, tv_region(c), i);
}

/* Adds a piece that was sent once, `at_ns`; false: no range for it. */
static bool add(struct tv_core *c, struct tv_busy *b, uint32_t seq, uint32_t len, uint64_t at_ns)
{
	uint32_t i = tv_ranges_insert(&b->flight, &c->ranges, tv_region(c), seq, len);

	if (i == 0) {
		c->cnt.range_failures++;
		return false;
	}
	at(c, i)->sent = 1;
	at(c, i)->u.time.first = at(c, i)->u.time.last = at_ns;
	return true;
}

/* The record with the map of what is in flight; NULL: nothing is, or there is no record for it. */
static struct tv_busy *flight_map(struct tv_core *c, struct tv_tcb *t)
{
	uint64_t ago_us = (uint32_t)c->now_us - t->sent_us;
	struct tv_busy *b;

	if ((t->flags & TV_F_ALONE) == 0)
		return tv_busy(c, t);
	b = tv_busy_take(c, t);
	if (b == NULL || !add(c, b, t->snd.una, t->snd.nxt - t->snd.una, c->now - ago_us * TV_US))
		return NULL;
	t->flags &= ~(uint32_t)TV_F_ALONE;
	return b;
}

/* SYN and FIN are no octets of it. */
uint32_t tv_out_sent(const struct tv_tcb *t)
{
	uint32_t end = t->snd.nxt - (tv_fin_sent(t) ? 1 : 0);

	return seq_max(end, tv_out_seq(t)) - tv_out_seq(t);
}

struct tv_range *tv_rtx_growing(struct tv_core *c, struct tv_tcb *t)
{
	const struct tv_busy *b = tv_busy(c, t);
	struct tv_range *last;

	if (b == NULL || b->flight.count == 0 || b->lost != 0)
		return NULL;
	last = at(c, b->flight.last);
	return last->flags == 0 && last->u.time.last == c->now ? last : NULL;
}

bool tv_rtx_sent(struct tv_core *c, struct tv_tcb *t, uint32_t seq, uint32_t len)
{
	struct tv_busy *b;
	struct tv_range *last;

	if (t->busy == 0 && seq == t->snd.una) {
		t->flags |= TV_F_ALONE;
		t->sent_us = (uint32_t)c->now_us;
		return true;
	}
	b = (t->flags & TV_F_ALONE) != 0 ? flight_map(c, t) : tv_busy_take(c, t);
	TV_ASSERT(b != NULL); /* tv_rtx_room() has seen to it */
	if (b->flight.count != 0) {
		last = at(c, b->flight.last);
		if (last->flags == 0 && (last->u.time.last == c->now || b->flight.count >= c->cfg.ranges_each)) {
			last->len += len;
			return true;
		}
	}
	if (b->flight.count >= c->cfg.ranges_each) {
		c->cnt.range_failures++;
		return false;
	}
	return add(c, b, seq, len, c->now);
}

/* Changes the marks of a whole range and the sums that follow from them. */
static void mark(struct tv_busy *b, struct tv_range *r, uint16_t flags)
{
	b->lost -= (r->flags & LOST) != 0 ? r->len : 0;
	b->sacked -= (r->flags & SACKED) != 0 ? r->len : 0;
	b->again -= (r->flags & AGAIN) != 0 ? r->len : 0;
	r->flags = flags;
	b->lost += (flags & LOST) != 0 ? r->len : 0;
	b->sacked += (flags & SACKED) != 0 ? r->len : 0;
	b->again += (flags & AGAIN) != 0 ? r->len : 0;
}

/* Makes range i begin at seq, if it begins earlier; the part that holds seq (0: no record for it). */
static uint32_t cut(struct tv_core *c, struct tv_busy *b, uint32_t i, uint32_t seq)
{
	if (at(c, i)->seq == seq)
		return i;
	return tv_ranges_split(&b->flight, &c->ranges, tv_region(c), i, seq);
}

/* Joins i with the range before it, if the two are alike. */
static void join(struct tv_core *c, struct tv_busy *b, uint32_t i)
{
	uint32_t before = tv_ranges_prev(&c->ranges, tv_region(c), i);
	struct tv_range *p, *r = at(c, i);

	if (before == 0)
		return;
	p = at(c, before);
	if (p->flags != r->flags || (r->flags & SACKED) == 0)
		return;
	p->len += r->len;
	p->u.time.last = tv_max64(p->u.time.last, r->u.time.last);
	tv_ranges_remove(&b->flight, &c->ranges, tv_region(c), i);
}

/* Marks what lies in [left, right) as SACKed; returns the bytes that were not before. */
static uint32_t sack(struct tv_core *c, struct tv_busy *b, uint32_t left, uint32_t right)
{
	uint32_t i = tv_ranges_find(&b->flight, &c->ranges, tv_region(c), left);
	uint32_t fresh = 0;

	while (i != 0 && seq_lt(at(c, i)->seq, right)) {
		uint32_t next = tv_ranges_next(&c->ranges, tv_region(c), i);

		if ((at(c, i)->flags & SACKED) == 0) {
			uint32_t begin = seq_max(left, at(c, i)->seq);
			uint32_t end = seq_min(right, at(c, i)->seq + at(c, i)->len);

			i = cut(c, b, i, begin);
			if (i == 0 || (end != at(c, i)->seq + at(c, i)->len && cut(c, b, i, end) == 0))
				break; /* no record: the block is heard again with the next ACK */
			mark(b, at(c, i), SACKED);
			fresh += at(c, i)->len;
			join(c, b, i);
		}
		i = next;
	}
	return fresh;
}

/* RFC 2883 4: a first block (there is one) below the ACK, or inside the second block, tells of a duplicate. */
static bool is_dsack(const struct tv_segment *s)
{
	const struct tv_tcp_options *o = &s->opt;

	if (seq_leq(o->sack[0].right, s->ack))
		return true;
	return o->sack_count > 1 && seq_geq(o->sack[0].left, o->sack[1].left) &&
	       seq_leq(o->sack[0].right, o->sack[1].right);
}

/* RFC 6675 4, IsLost: more than two full segments were SACKed above it. */
static bool find_lost(struct tv_core *c, struct tv_tcb *t, struct tv_busy *b)
{
	uint32_t above = 0, before = b->lost;

	if (b->sacked <= 2u * t->opt.mss)
		return false;
	for (uint32_t i = b->flight.last; i != 0; i = tv_ranges_prev(&c->ranges, tv_region(c), i)) {
		struct tv_range *r = at(c, i);

		if ((r->flags & SACKED) != 0)
			above += r->len;
		else if (r->flags == 0 && above > 2u * t->opt.mss)
			mark(b, r, LOST);
	}
	return b->lost != before;
}

static TV_APART void take_sacks(struct tv_core *c, struct tv_tcb *t, const struct tv_segment *s, struct tv_acked *a)
{
	struct tv_side *side = tv_side(c, t);
	struct tv_busy *b;
	unsigned first = 0;

	if ((t->opt.flags & TV_O_SACK) == 0)
		return;
	c->cnt.sacks_in++;
	if (is_dsack(s)) {
		c->cnt.dsacks_in++;
		if (side != NULL)
			side->dsacks_received++;
		a->dsack = true;
		first = 1;
	}
	if (first == s->opt.sack_count || (b = flight_map(c, t)) == NULL)
		return;
	for (unsigned i = first; i < s->opt.sack_count; i++) {
		uint32_t left = s->opt.sack[i].left, right = s->opt.sack[i].right;

		if (seq_lt(left, right) && seq_leq(right, t->snd.nxt) && seq_geq(left, t->snd.una) && left != s->ack)
			a->sacked += sack(c, b, left, right);
	}
	if (a->sacked != 0)
		a->lost_more = find_lost(c, t, b);
}

/* Forgets what lies below `ack`; tells the RTT if all of it was sent once (Karn) [MUST-18]. Returns when
 * some of it was repeated last; 0: nothing was. */
static uint64_t forget(struct tv_core *c, struct tv_tcb *t, struct tv_busy *b, uint32_t ack)
{
	uint64_t sent = 0, repeated = 0;

	while (b->flight.first != 0) {
		uint32_t i = b->flight.first;
		struct tv_range *r = at(c, i);
		uint16_t flags = r->flags;

		if (seq_geq(r->seq, ack))
			break;
		if (sent == 0)
			sent = r->u.time.first + 1;
		if (r->sent > 1)
			repeated = tv_max64(repeated, r->u.time.last);
		mark(b, r, 0);
		if (seq_leq(r->seq + r->len, ack)) {
			tv_ranges_remove(&b->flight, &c->ranges, tv_region(c), i);
			continue;
		}
		r->len -= ack - r->seq;
		r->seq = ack;
		mark(b, r, flags);
		break;
	}
	if (sent != 0 && repeated == 0)
		tv_rtt_sample(c, t, (uint32_t)tv_min64((c->now - (sent - 1)) / TV_US, TV_RTT_MAX_US));
	return repeated;
}

/*
 * RFC 7323 4.1: with timestamps a retransmission does not spoil the sample, if the echo is of the
 * retransmission. An echo of the original says that its ACK was late or that it was lost; the second
 * would make a time-out of a time-out, so it is no sample.
 */
static void sample_echo(struct tv_core *c, struct tv_tcb *t, const struct tv_segment *s, uint64_t repeated)
{
	uint32_t ms;

	if ((t->opt.flags & TV_O_TS) == 0 || seq_lt(s->opt.ts_ecr, (uint32_t)(repeated / TV_MS) + t->opt.ts_offset))
		return;
	ms = c->now_ms + t->opt.ts_offset - s->opt.ts_ecr;
	if (ms <= c->cfg.rto_max / TV_MS)
		tv_rtt_sample(c, t, tv_min32(ms, TV_RTT_MAX_US / 1000) * 1000);
}

/* What the map and its cursors lose with this ACK. */
static TV_APART void advance_map(struct tv_core *c, struct tv_tcb *t, const struct tv_segment *s, uint32_t text)
{
	struct tv_busy *b = tv_busy(c, t);
	uint64_t repeated = forget(c, t, b, s->ack);

	if (repeated != 0)
		sample_echo(c, t, s, repeated);
	b->repeat.page = 0;
	tv_stream_consume(&t->out, &c->pages, tv_region(c), text, &b->cursor);
}

static TV_APART void advance_urgent(struct tv_core *c, struct tv_tcb *t, const struct tv_segment *s)
{
	if ((t->flags & TV_F_URG_SND) != 0 && seq_geq(s->ack, t->snd.up))
		t->flags &= ~(uint32_t)TV_F_URG_SND;
	if ((t->flags & TV_F_WRITE_BLOCKED) != 0 && t->out.len <= tv_opts(c, t)->snd_buf / 2) {
		t->flags &= ~(uint32_t)TV_F_WRITE_BLOCKED;
		tv_tell(c, t, TV_EV_WRITABLE);
	}
}

static inline void advance(struct tv_core *c, struct tv_tcb *t, const struct tv_segment *s, struct tv_acked *a)
{
	uint32_t bytes = s->ack - t->snd.una, text = tv_min32(bytes, t->out.len);
	struct tv_side *side = tv_side(c, t);

	a->bytes = bytes;
	if ((t->flags & TV_F_ALONE) != 0) {
		if (!tv_fin_sent(t) || s->ack != t->snd.nxt) /* behind our FIN nothing is timed any more */
			tv_rtt_sample(c, t, (uint32_t)c->now_us - t->sent_us);
		if (s->ack == t->snd.nxt)
			t->flags &= ~(uint32_t)TV_F_ALONE;
	}
	if (t->busy != 0)
		advance_map(c, t, s, text);
	else if (text != 0)
		tv_stream_consume(&t->out, &c->pages, tv_region(c), text, NULL);
	tv_rtx_moved(c, t, s->ack);
	if (side != NULL)
		side->bytes_acked += text;
	if ((t->flags & (TV_F_URG_SND | TV_F_WRITE_BLOCKED)) != 0)
		advance_urgent(c, t, s);
	/* RFC 6298 5.2, 5.3: off when all is acknowledged, else anew. */
	if (t->snd.una == t->snd.nxt)
		t->timer.main = 0;
	else
		tv_timer_main(c, t, tv_rtx_wait(c, t));
}

void tv_rtx_ack(struct tv_core *c, struct tv_tcb *t, const struct tv_segment *s, struct tv_acked *a)
{
	*a = (struct tv_acked){.prior_flight = t->snd.nxt - t->snd.una};
	if ((s->opt.has & TV_OPT_HAS_SACK) != 0)
		take_sacks(c, t, s, a);
	if (seq_gt(s->ack, t->snd.una)) {
		advance(c, t, s, a);
		return;
	}
	/* RFC 5681 2: outstanding data, no text, no SYN or FIN, same ACK, same window. */
	a->duplicate = a->prior_flight != 0 && s->len == 0 && (s->flags & (TV_SYN | TV_FIN)) == 0 &&
	               s->ack == t->snd.una && (uint32_t)s->wnd << t->opt.snd_scale == t->snd.wnd;
	if ((t->opt.flags & TV_O_SACK) != 0) /* RFC 6675 2: it has to tell of something that was not known */
		a->duplicate = a->duplicate && a->sacked != 0;
	c->cnt.dup_acks_in += a->duplicate;
}

void tv_rtx_lose_all(struct tv_core *c, struct tv_tcb *t)
{
	struct tv_busy *b = flight_map(c, t);
	uint64_t first;
	uint32_t i, from;

	if (b == NULL || b->flight.count == 0)
		return;
	from = at(c, b->flight.first)->seq; /* SND.UNA, but for a SYN before it (Fast Open) */
	/* RFC 2018 8: a time-out may mean that the peer has dropped what it had SACKed. */
	first = at(c, b->flight.first)->u.time.first;
	tv_ranges_clear(&b->flight, &c->ranges, tv_region(c));
	b->sacked = b->again = 0;
	b->repeat.page = 0;
	i = tv_ranges_insert(&b->flight, &c->ranges, tv_region(c), from, t->snd.nxt - from);
	TV_ASSERT(i != 0); /* at least one record was just given back */
	at(c, i)->sent = 2; /* some were sent again already, the others will be: no clean sample [MUST-18] */
	at(c, i)->u.time.first = at(c, i)->u.time.last = first;
	at(c, i)->flags = LOST;
	b->lost = at(c, i)->len;
}

void tv_rtx_lose_first(struct tv_core *c, struct tv_tcb *t)
{
	struct tv_busy *b = flight_map(c, t);
	struct tv_range *r;

	if (b == NULL)
		return;
	TV_ASSERT(b->flight.count != 0);
	r = at(c, b->flight.first);
	if (r->flags != 0)
		return;
	if (r->len > t->opt.mss && cut(c, b, b->flight.first, r->seq + t->opt.mss) == 0)
		return;
	mark(b, at(c, b->flight.first), LOST);
}

bool tv_rtx_next_lost(struct tv_core *c, struct tv_tcb *t, uint32_t max, uint32_t *seq, uint32_t *len)
{
	struct tv_busy *b = tv_busy(c, t);

	if (b == NULL || b->lost == 0)
		return false;
	for (uint32_t i = b->flight.first; i != 0; i = tv_ranges_next(&c->ranges, tv_region(c), i)) {
		if ((at(c, i)->flags & LOST) == 0)
			continue;
		*seq = at(c, i)->seq;
		*len = tv_min32(at(c, i)->len, max);
		return true;
	}
	return false;
}

void tv_rtx_repeated(struct tv_core *c, struct tv_tcb *t, uint32_t seq, uint32_t len)
{
	struct tv_busy *b = tv_busy(c, t);
	uint32_t i = tv_ranges_find(&b->flight, &c->ranges, tv_region(c), seq);
	struct tv_range *r, *p;
	uint32_t before;

	TV_ASSERT(i != 0 && at(c, i)->seq == seq && len <= at(c, i)->len);
	if (len < at(c, i)->len)
		(void)cut(c, b, i, seq + len); /* no record: the rest counts as sent again, until a time-out */
	r = at(c, i);
	mark(b, r, AGAIN);
	tv_count8(&r->sent);
	r->u.time.last = c->now;
	before = tv_ranges_prev(&c->ranges, tv_region(c), i);
	if (before == 0)
		return;
	p = at(c, before);
	if (p->flags != AGAIN || p->u.time.last != c->now || p->sent != r->sent)
		return;
	p->len += r->len;
	tv_ranges_remove(&b->flight, &c->ranges, tv_region(c), i);
}

bool tv_rtx_in_flight(const struct tv_tcb *t, uint32_t seq)
{
	return seq_in(seq, t->snd.una, t->snd.nxt);
}
