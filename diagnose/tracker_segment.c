/*
 * tracker_segment.c - what one segment tells about its connection.
 *
 * Each end has a `next` (behind the last byte that it sent) and an `acked` (behind the last byte that
 * the other acknowledged). Text up to `next` is a repeat; text beyond `next` leaves a hole, which a
 * repeat fills, and which an acknowledgment turns into a gap of the capture: the packet arrived, it
 * was only not recorded. What is between `acked` and `next` is outstanding: of its oldest segment the
 * first sending and the repeats are kept, and forgotten as soon as it is acknowledged.
 *
 * A segment without text whose number is one below `next` is a probe: of a closed window if the other
 * has closed it, else a keepalive. Neither is a repeat. Anything that the other end sends answers it.
 */
#include "diagnose/tracker.h"

#include <string.h>

/* Bytes that the server may have sent unseen before the client's first ACK: a gap of the capture. */
enum { UNSEEN_MAX = 1 << 24 };
/* Timers that probe are longer (RFC 9293 3.8.4, 3.8.6.1; Linux: a second, and 200 ms if the window is closed). */
#define PROBE_AFTER (100 * TV_MS)

static uint16_t clamp16(uint32_t v)
{
	return v < UINT16_MAX ? (uint16_t)v : UINT16_MAX;
}

/* ------------------------------------------------------------------------------------------ */
/* SYN                                                                                         */

static void keep_options(struct side *s, const struct packet *p)
{
	s->has = (uint16_t)p->opt.has;
	s->options_cut = p->options_cut;
	s->nops = p->nops;
	s->mss = p->opt.has & TV_OPT_HAS_MSS ? p->opt.mss : 0;
	s->wscale = p->opt.has & TV_OPT_HAS_WSCALE ? p->opt.wscale : 0;
	if (s->wscale > 14)
		s->wscale = 14; /* RFC 7323 2.3: what is more counts as that */
	s->cookie_len = p->opt.has & TV_OPT_HAS_FASTOPEN ? p->opt.cookie_len : 0;
	s->syn_wnd = p->wnd;
	s->syn_len = clamp16(p->len);
	/* Scanners send the maximum segment size alone, or nothing. */
	s->syn_options_few = !p->options_cut && !(p->opt.has & ~TV_OPT_HAS_MSS);
}

/*
 * The SYN that is here already, recorded at another place on its way: its timestamp is the same, or it has none and
 * has come farther or less far. No timer of an opener is below a second (RFC 6298 2.1).
 */
static bool is_copy_of_syn(const struct conn *c, const struct side *s, const struct packet *p)
{
	bool answer = p->flags & TV_ACK;

	if (!(p->flags & TV_SYN) || p->flags & TV_RST || !s->syn_seen || p->seq != s->isn || s->syn_is_answer != answer)
		return false;
	if (p->time >= mark_time(&s->syn) + TV_S || seen(&c->challenge))
		return false;
	return s->has & p->opt.has & TV_OPT_HAS_TS ? p->opt.ts_val == s->syn_ts : p->ttl != s->ttl;
}

static void take_syn(struct conn *c, unsigned from, const struct packet *p)
{
	struct side *s = &c->side[from], *o = &c->side[!from];
	bool answer = p->flags & TV_ACK;

	if (answer && o->syn_seen && (p->ack == o->isn || seq_after(o->isn + 1, p->ack) ||
		seq_after(p->ack, o->isn + 1 + o->syn_len))) {
		/* Whoever has talked already does not open: that one belongs to another connection. */
		if (!seen(&c->wrong_synack) && !s->bytes && !seen(&s->fin))
			c->wrong_synack = mark_of(p);
		return;
	}
	if (s->syn_seen && p->seq != s->isn && s->syn_is_answer == answer) {
		/* An answer with another number: its sender forgot the first (or never kept it). */
		if (!answer || seen(&c->ack))
			return;
		s->syn_seen = false;
	}
	if (s->syn_seen && s->syn_is_answer == answer) {
		if (s->syn_count == 1) {
			s->syn_again[0] = mark_of(p);
			s->syn_again_len = clamp16(p->len);
		}
		s->syn_again[1] = mark_of(p);
	} else if (!s->syn_seen) {
		s->syn_seen = true;
		s->syn = mark_of(p);
		s->isn = p->seq;
		keep_options(s, p);
		if (!s->next_known || seq_after(p->seq + 1 + p->len, s->next))
			s->next = p->seq + 1 + p->len;
		s->next_known = true;
		if (!answer && (o->syn_is_answer || o->rst_count))
			c->late = false; /* its answer was recorded first */
		s->syn_echo = p->opt.has & TV_OPT_HAS_TS ? p->opt.ts_ecr : 0;
	}
	if (answer) {
		s->syn_ack = p->ack;
		if (!s->syn_is_answer && s->syn_count) {
			/* A SYN of its own, and now the answer to the other's: both opened. */
			c->simultaneous = true;
			s->syn_answer = mark_of(p);
			s->syn_count = 0;
		}
		s->syn_is_answer = true;
		o->acked = p->ack;
		o->acked_known = true;
	} else if (o->syn_seen && !o->syn_is_answer) {
		c->simultaneous = true;
	}
	if (s->syn_count == 0 && p->opt.has & TV_OPT_HAS_TS)
		s->syn_ts = p->opt.ts_val;
	if (s->syn_count < UINT16_MAX)
		s->syn_count++;
}

/* ------------------------------------------------------------------------------------------ */
/* RST                                                                                         */

static void take_rst(struct conn *c, unsigned from, const struct packet *p)
{
	struct side *s = &c->side[from];

	/* The answer to an answer that belongs to an older connection ends that one, not this. */
	if (!(p->flags & TV_ACK) && p->seq == c->challenge_ack && seen(&c->challenge) && from == 0)
		return;
	if (s->rst_count < UINT16_MAX)
		s->rst_count++;
	if (s->rst_count > 1)
		return;
	/* It stands behind all that its sender sent: what is missing was lost, if there was time for it. An
	 * RST that comes at once may have been invented on the way. */
	if (p->flags & TV_ACK && s->next_known && seq_after(p->seq, s->next) && !seen(&s->hole) &&
		p->time >= mark_time(&s->last) + TV_S) {
		s->hole = mark_of(p);
		s->hole_before = s->last;
		s->hole_from = s->next;
		s->hole_to = p->seq;
	}
	s->rst = mark_of(p);
	s->rst_seq = p->seq;
	s->rst_ack = p->ack;
	s->rst_has_ack = p->flags & TV_ACK;
	s->rst_ttl = p->ttl;
}

/* ------------------------------------------------------------------------------------------ */
/* Text                                                                                        */

static bool is_later(const struct mark *m, const struct mark *n)
{
	return m->number > n->number;
}

static bool window_is_closed(const struct side *other)
{
	return seen(&other->zero);
}

/*
 * One below the next number, with at most the byte that is there: a probe. It ends a silence of its sender: what looks
 * so and comes at once was overtaken, on the way or in the capture.
 */
static bool is_probe(const struct side *s, const struct packet *p)
{
	if (p->time < mark_time(&s->last) + PROBE_AFTER)
		return false;
	/* Behind its FIN nobody probes: what looks so is an older packet that came late. */
	return s->next_known && p->len <= 1 && p->seq == s->next - 1 && !(p->flags & (TV_SYN | TV_FIN | TV_RST)) &&
		(!s->acked_known || s->acked == s->next) && !seen(&s->fin);
}

static void take_probe(struct side *s, struct side *o, const struct packet *p)
{
	if (window_is_closed(o)) {
		o->zero_probed = true;
		return;
	}
	if (s->probes == UINT16_MAX)
		return;
	s->probes++;
	if (!seen(&s->probe))
		s->probe = mark_of(p);
	if (s->probes_open++ == 0)
		s->probe_open = mark_of(p);
}

static void take_repeat(struct side *s, const struct side *o, const struct packet *p)
{
	uint32_t end = p->seq + p->len + ((p->flags & TV_FIN) != 0);

	s->again_count++;
	if (seen(&s->hole) && !seq_after(p->seq, s->hole_from) && seq_after(end, s->hole_from)) {
		s->hole_from = end;
		if (!seq_after(s->hole_to, end))
			s->hole = (struct mark){0, 0, 0};
	}
	if (!seen(&s->out) || !seq_after(end, s->acked))
		return;
	if (seq_after(s->out_seq + s->out_len, p->seq) && !seq_after(s->out_seq, p->seq)) {
		if (s->out_again_count++ == 0)
			s->out_again = mark_of(p);
		s->out_again_last = mark_of(p);
		/* What the sending host's hardware would have cut (offload) is repeated as one of its segments. */
		if (o->mss && s->out_len > o->mss && p->len && p->len <= o->mss && p->seq == s->out_seq)
			s->out_len = p->len;
		else if (p->len < s->out_len && p->len && p->seq == s->out_seq && s->out_len > 600)
			s->out_shrunk = true;
	}
}

static void take_new_text(struct side *s, const struct side *o, const struct packet *p)
{
	if (s->next_known && seq_after(p->seq, s->next) && !seen(&s->hole)) {
		s->hole = mark_of(p);
		s->hole_before = s->last;
		s->hole_from = s->next;
		s->hole_to = p->seq;
	}
	if (!seen(&s->out) && (p->len || p->flags & TV_FIN)) {
		s->out = mark_of(p);
		s->out_before = s->last.number > o->last.number ? s->last : o->last;
		s->out_seq = p->seq;
		s->out_len = p->len ? p->len : 1; /* a FIN alone */
		s->out_again_count = 0;
		s->out_shrunk = false;
	}
	if (p->len == 0)
		return;
	s->bytes += s->next_known && seq_after(s->next, p->seq) ? p->seq + p->len - s->next : p->len;
	if (!seen(&s->data))
		s->data = mark_of(p);
	if (o->wscale && p->len == o->wnd && s->crawls < UINT8_MAX)
		s->crawls++;
	s->data_last = mark_of(p);
	if (p->len > s->len_max)
		s->len_max = p->len;
}

static void take_text(struct conn *c, unsigned from, const struct packet *p)
{
	struct side *s = &c->side[from], *o = &c->side[!from];
	uint32_t end = p->seq + p->len + ((p->flags & TV_FIN) != 0);

	/* Some probe a closed window with the next byte. */
	if (p->len == 1 && window_is_closed(o) && s->next_known && p->seq == s->acked)
		o->zero_probed = true;
	if (p->flags & TV_FIN && !seen(&s->fin)) {
		s->fin = mark_of(p);
		s->fin_seq = p->seq + p->len;
	}
	if (is_probe(s, p)) {
		take_probe(s, o, p);
		return;
	}
	if (!s->next_known || seq_after(end, s->next)) {
		take_new_text(s, o, p);
		s->next = end;
		s->next_known = true;
	} else if (end != p->seq) {
		take_repeat(s, o, p);
	}
}

/* ------------------------------------------------------------------------------------------ */
/* Acknowledgment and window                                                                   */

/* Everything up to `ack` of side o arrived. */
static void acknowledge(struct conn *c, struct side *o, const struct packet *p)
{
	if (o->next_known && seq_after(p->ack, o->next)) {
		/* It acknowledges what was never seen: sent, arrived, not recorded. */
		if (p->ack - o->next < (1u << 30) && (o->packets || c->late))
			c->gap = true;
		if (o->packets)
			o->next = p->ack;
	}
	if (!o->next_known && o->packets == 0 && !o->acked_known) {
		o->acked = p->ack;
		o->acked_known = true;
		return;
	}
	if (o->acked_known && !seq_after(p->ack, o->acked))
		return;
	if (seen(&o->out) && seq_after(p->ack, o->out_seq)) {
		if (!seen(&o->data_acked))
			o->data_acked = mark_of(p);
		if (p->ack - o->out_seq >= o->out_len && o->out_len > o->acked_len_max && !o->out_shrunk)
			o->acked_len_max = o->out_len;
		o->out_again_count = 0;
		if (!seq_after(o->next, p->ack)) {
			o->out = (struct mark){0, 0, 0};
		} else {
			o->out = o->data_last;
			o->out_before = mark_of(p);
			o->out_seq = p->ack;
			o->out_len = o->next - p->ack < o->len_max ? o->next - p->ack : o->len_max;
			o->out_shrunk = false;
		}
	}
	if (seen(&o->hole) && seq_after(p->ack, o->hole_from)) {
		c->gap = true;
		o->hole = (struct mark){0, 0, 0};
	}
	if (seen(&o->fin) && !seen(&o->fin_acked) && seq_after(p->ack, o->fin_seq))
		o->fin_acked = mark_of(p);
	/* Text that its sender sent behind its RST arrived: nobody believed that RST (RFC 5961 3). */
	if (seen(&o->rst) && !(p->flags & TV_RST) && is_later(&o->data_last, &o->rst) && !seq_after(o->next, p->ack)) {
		o->rst = (struct mark){0, 0, 0};
		o->rst_count = 0;
	}
	o->acked = p->ack;
	o->acked_known = true;
}

/* The first acknowledgment behind the handshake's second packet: it completes it, or belongs elsewhere. */
static bool take_handshake(struct conn *c, unsigned from, const struct packet *p)
{
	struct side *a = &c->side[0], *b = &c->side[1];

	if (from == 1 && a->syn_seen && !b->syn_seen && p->ack != a->isn + 1 && !c->late &&
		(!seq_after(p->ack, a->isn) || seq_after(p->ack, a->next))) {
		if (!seen(&c->challenge)) {
			c->challenge = mark_of(p);
			c->challenge_ack = p->ack;
		}
		return false;
	}
	/* Far ahead of the SYN,ACK it acknowledges something that was never sent (RFC 9293 3.10.7.4, fifth). */
	if (from == 0 && b->syn_seen && !seen(&c->ack) && !(p->flags & TV_SYN) && seq_after(p->ack, b->isn) &&
		p->ack - b->isn <= UNSEEN_MAX) {
		c->ack = mark_of(p);
		if (!c->simultaneous)
			a->syn_echo = p->opt.has & TV_OPT_HAS_TS ? p->opt.ts_ecr : 0;
	}
	if (from == 0 && c->simultaneous && !seen(&c->ack) && p->flags & TV_SYN)
		c->ack = mark_of(p);
	return true;
}

static void take_window(struct side *s, const struct packet *p)
{
	if (p->window_cut)
		return;
	s->wnd = p->wnd;
	if (p->wnd > s->wnd_max)
		s->wnd_max = p->wnd;
	if (!seen(&s->wnd_first)) {
		s->wnd_first = mark_of(p);
		s->wnd_first_raw = p->wnd;
	}
	if (p->wnd == 0) {
		if (!seen(&s->zero))
			s->zero = mark_of(p);
		else if (s->zero_probed)
			s->zero_again++;
		return;
	}
	if (seen(&s->zero)) {
		tv_time ms = p->time > mark_time(&s->zero) ? (p->time - mark_time(&s->zero)) / TV_MS : 0;

		if (ms >= s->zero_ms) {
			s->zero_ms = ms < UINT32_MAX ? (uint32_t)ms : UINT32_MAX;
			s->zero_longest = s->zero;
		}
	}
	s->zero = (struct mark){0, 0, 0};
	s->zero_again = 0;
	s->zero_probed = false;
}

void segment_take(struct conn *c, unsigned from, const struct packet *p)
{
	struct side *s = &c->side[from], *o = &c->side[!from];
	bool ours = true;

	if (!seen(&c->first))
		c->first = mark_of(p);
	if (is_copy_of_syn(c, s, p))
		return;
	if (p->flags & TV_RST) {
		take_rst(c, from, p);
		/* Its sender had got so much when it gave up. */
		if (p->flags & TV_ACK && s->rst_count == 1 && o->acked_known && o->next_known &&
			!seq_after(p->ack, o->next) && seen(&c->ack))
			acknowledge(c, o, p);
	} else {
		if (p->flags & TV_SYN)
			take_syn(c, from, p);
		else if (p->flags & TV_ACK)
			ours = take_handshake(c, from, p);
		if (ours && !(p->flags & TV_SYN)) {
			take_text(c, from, p);
			take_window(s, p);
		}
		if (ours && p->flags & TV_ACK && !(p->flags & TV_SYN)) {
			acknowledge(c, o, p);
			s->sent_ack = p->ack;
		}
		if (c->simultaneous && from == 0 && p->flags & TV_SYN && p->flags & TV_ACK)
			(void)take_handshake(c, from, p);
		if (s->ttl == 0)
			s->ttl = p->ttl;
	}
	/* Whatever it is, its sender lives: a probe is answered, a silence is over. */
	if (o->probes_open && ours) {
		o->probes_open = 0;
		if (!(p->flags & TV_RST))
			o->probes_answered++;
	}
	if (!(p->flags & TV_RST))
		s->last = mark_of(p);
	s->packets++;
}

bool segment_may_be_quoted(const struct conn *c, const struct packet *p)
{
	return c->side[0].syn_seen && c->side[1].packets == 0 && (!p->sport || p->sport == c->port[0]) &&
		tv_addr_equal(&c->addr[0], &p->quoted_src) &&
		memcmp(c->addr[1].b, p->quoted_dst.b, p->quoted_dst_have) == 0;
}

bool segment_answers_first(const struct conn *c, const struct packet *p)
{
	const struct side *b = &c->side[1];

	return c->side[0].packets == 0 && b->packets == 1 && b->rst_count == 1 && b->rst_has_ack &&
		b->rst_ack == p->seq + 1 + p->len && p->time < mark_time(&b->rst) + TV_MS;
}
