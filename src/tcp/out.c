/*
 * out.c - the one file that builds segments, for connections and for replies.
 *
 * flow/send.c says what; here it becomes bytes in the caller's buffer: IP header, TCP header, options,
 * text copied (and summed on the way, unless the link sums) or handed out as pieces of the stream's
 * pages. What was handed out counts as sent: SND.NXT, the map of what is in flight, the timers and the
 * state of the ACK follow from it here and nowhere else.
 *
 * Text may leave as a super-segment when the link cuts it up: one header, seg_size octets for each
 * segment. The checksum field then holds the sum of the pseudo-header, and the link does the rest.
 */
#include "tcp/deliver/alone.h"
#include "tcp/open/open.h"
#include "tcp/out.h"

#define UNTOLD 0x100u              /* added to the length of options: SACK blocks found no room */
#define SACK_ROOM 36u              /* what the blocks may take */
#define TEXT_MOST (65535u - 20 - 60) /* the length of an IPv4 packet has 16 bits */

uint64_t tv_out_head_v6(uint8_t *ip, const struct tv_build *b, uint32_t len)
{
	tv_ip6_build(ip, TV_PROTO_TCP, len, b->ttl, b->tos);
	return tv_key_put_v6(ip + 8, b->head, b->rest);
}

void tv_out_link_sums(struct tv_packet *packet, uint8_t *ip, bool v6)
{
	uint8_t *tcp = ip + tv_ip_header_len(v6);
	uint32_t addrs = v6 ? 32 : 8, len = packet->len - (uint32_t)(tcp - packet->data);
	uint64_t sum;
	uint16_t folded;

	for (unsigned i = 0; i < packet->piece_count; i++)
		len += packet->pieces[i].len;
	sum = (uint64_t)tv_wire32(TV_PROTO_TCP) + tv_wire32(len);
	folded = tv_csum_fold(tv_csum_words(sum, tcp - addrs, addrs));
	memcpy(tcp + TV_CSUM_AT, &folded, 2);
	packet->flags = TV_PKT_CSUM_PARTIAL;
	packet->csum_start = (uint16_t)(tcp - packet->data);
	packet->csum_offset = TV_CSUM_AT;
}

static inline uint8_t *ip_at(const struct tv_out *out)
{
	return out->packet->data + out->head;
}

static inline struct tv_cursor *cursor_of(const struct tv_core *c, const struct tv_tcb *t, const struct tv_xmit *x)
{
	struct tv_busy *b = tv_busy(c, t);

	return b == NULL ? NULL : x->kind == TV_X_REPEAT ? &b->repeat : &b->cursor;
}

/* The text as pieces in place: their number, and in *covered how much of it they hold. */
static TV_APART unsigned gather(struct tv_core *c, struct tv_tcb *t, const struct tv_xmit *x, const struct tv_out *out,
                       uint32_t *covered)
{
	struct tv_packet *p = out->packet;

	*covered = 0;
	if (!out->gather || !out->csum_partial)
		return 0;
	return tv_stream_pieces(&t->out, &c->pages, tv_region(c), x->seq - tv_out_seq(t), x->len, cursor_of(c, t, x),
	                        p->pieces, p->piece_cap, covered);
}

/* Is there room for it, copied, behind the longest headers that there are? True of all but super-segments. */
static inline bool fits(const struct tv_out *out, uint32_t len)
{
	return !out->gather && out->head + TV_HEADERS_MOST + len <= out->packet->cap;
}

/* Makes the text no longer than the caller's packet carries; returns in how many pieces, 0: copied. For what does not
 * fit into any packet (fits()). */
static TV_APART unsigned fit(struct tv_core *c, struct tv_tcb *t, const struct tv_out *out, struct tv_xmit *x)
{
	uint32_t head, blocks, room, covered;
	unsigned n;

	head = out->head + tv_ip_header_len(t->v6) + TV_TCP_HEADER + ((t->opt.flags & TV_O_TS) != 0 ? 12u : 0u);
	blocks = x->seg_size == 0 && x->len + SACK_ROOM <= t->opt.mss ? SACK_ROOM : 0;
	room = out->packet->cap - head;
	n = gather(c, t, x, out, &covered);
	if (n != 0 && covered == x->len)
		return n;
	if (TV_LIKELY(x->len + blocks <= room))
		return 0;
	x->len = tv_max32(room - SACK_ROOM, covered);
	if (x->seg_size != 0) /* whole segments, or what there is of one */
		x->len = tv_max32(x->len - x->len % x->seg_size, tv_min32(x->len, x->seg_size));
	if (x->len <= t->opt.mss)
		x->seg_size = 0;
	x->flags &= (uint16_t)~(TV_FIN | TV_PSH); /* more follows */
	t->want |= TV_WANT_SEND;
	n = gather(c, t, x, out, &covered);
	return covered == x->len ? n : 0;
}

/* Text of [seq, seq + len) behind the headers, however it was written [MAY-16]: copied, or as pieces.
 * Returns its sum. */
static uint64_t text(struct tv_core *c, struct tv_tcb *t, const struct tv_xmit *x, const struct tv_out *out)
{
	struct tv_packet *p = out->packet;
	struct tv_cursor *cursor = cursor_of(c, t, x);
	uint32_t off = x->kind == TV_X_SYN ? 0 : x->seq - tv_out_seq(t);
	uint8_t *dst = p->data + p->head_len;

	TV_ASSERT(p->head_len + x->len <= p->cap);
	p->len += x->len;
	if (!out->csum_partial)
		return tv_stream_copy_sum(&t->out, &c->pages, tv_region(c), off, x->len, cursor, dst, c->cfg.arch, 0);
	tv_stream_copy(&t->out, &c->pages, tv_region(c), off, x->len, cursor, dst);
	return 0; /* the link sums */
}

/* More than the timestamps that every segment carries: their length, plus UNTOLD if there was something
 * for SACK blocks to tell and no room for it. */
static TV_APART uint32_t odd_options(struct tv_core *c, struct tv_tcb *t, const struct tv_xmit *x, uint8_t *p)
{
	struct tv_tcp_options o = {.has = 0};

	if ((t->opt.flags & TV_O_TS) != 0) {
		o.has = TV_OPT_HAS_TS;
		o.ts_val = c->now_ms + t->opt.ts_offset;
		o.ts_ecr = t->opt.ts_recent;
	}
	if (x->seg_size == 0 && x->len + SACK_ROOM <= t->opt.mss)
		tv_sack_blocks(c, t, &o); /* with text too, where it leaves room */
	return tv_tcp_opt_build(p, &o) + ((o.has & TV_OPT_HAS_SACK) != 0 ? 0 : UNTOLD);
}

/* Those of a SYN; returns their length and their sum. */
TV_INLINE uint32_t syn_options(struct tv_core *c, struct tv_tcb *t, uint8_t *p, uint64_t *sum)
{
	struct tv_tcp_options o;
	uint32_t len;

	*sum = 0;
	tv_negotiate_offer(c, t, &o);
	if (TV_UNLIKELY((t->opt.fastopen & TV_FO_OPTION) != 0)) {
		tv_fastopen_option(c, t, &o);
		len = tv_tcp_opt_build(p, &o);
		*sum = tv_csum_words(0, p, len);
	} else {
		len = tv_tcp_opt_put_syn(p, &o, sum);
	}
	return len;
}

/* Writes the options; returns their length, as odd_options(), and their sum. */
TV_INLINE uint32_t options(struct tv_core *c, struct tv_tcb *t, const struct tv_xmit *x, uint8_t *p, uint64_t *sum)
{
	uint32_t len;

	*sum = 0;
	if (TV_UNLIKELY(tv_sack_pending(c, t))) {
		len = odd_options(c, t, x, p);
		*sum = tv_csum_words(0, p, len & ~UNTOLD);
		return len;
	}
	if ((t->opt.flags & TV_O_TS) == 0)
		return 0;
	*sum = tv_tcp_opt_put_ts(p, c->now_ms + t->opt.ts_offset, t->opt.ts_recent); /* RFC 7323 3.2 */
	return 12;
}

/* Text or FIN that was never sent before. */
static inline void sent_new(struct tv_core *c, struct tv_tcb *t, const struct tv_xmit *x)
{
	if (t->snd.una == t->snd.nxt) {
		t->progress_ms = c->now_ms;
		t->timer.main = 0;
		t->flags &= ~(uint32_t)(TV_F_OVERRIDE | TV_F_PERSIST);
	}
	t->snd.nxt += x->len;
	if ((x->flags & TV_FIN) != 0) {
		t->snd.nxt++;
		t->flags |= TV_F_FIN_SENT;
	}
	if (x->len != 0 && tv_takes_turns(c, t))
		t->flags |= TV_F_PINGPONG;
	if (t->timer.main == 0)
		tv_timer_main(c, t, tv_rtx_wait(c, t)); /* RFC 6298 5.1 */
}

static TV_APART void count_out(struct tv_core *c, struct tv_side *side, const struct tv_xmit *x, uint32_t segments)
{
	side->segs_out += segments;
	side->data_segs_out += x->len != 0 ? segments : 0;
	side->bytes_sent += x->len;
	if (x->len != 0)
		side->last_data_sent = c->now;
	if (x->kind == TV_X_REPEAT) {
		side->retransmitted_segs++;
		side->bytes_retransmitted += x->len;
	}
}

/* Notes what was handed out; untold: it had no room for SACK blocks. */
TV_INLINE void sent(struct tv_core *c, struct tv_tcb *t, const struct tv_xmit *x, bool untold)
{
	struct tv_side *side = tv_side(c, t);
	uint32_t segments = TV_UNLIKELY(x->seg_size != 0) ? (x->len + x->seg_size - 1u) / x->seg_size : 1;

	c->cnt.segments_out += segments;
	/* Text acknowledges too; where it had no room for SACK blocks, a bare ACK stays wanted. */
	if ((x->flags & TV_ACK) != 0 && (!untold || x->kind == TV_X_ACK))
		tv_ack_sent(t);
	if (side != NULL)
		count_out(c, side, x, segments);
	if (x->kind == TV_X_DATA) {
		sent_new(c, t, x);
	} else if (x->kind == TV_X_REPEAT) {
		tv_rtx_repeated(c, t, x->seq, x->len + ((x->flags & TV_FIN) != 0));
		c->cnt.retransmissions++;
	} else if (x->kind == TV_X_SYN && t->snd.nxt == t->snd.iss) {
		t->snd.nxt += 1 + x->len; /* RFC 7413 4.2.2, SYN, 2 */
	}
}

/* That of a SYN is not scaled (RFC 7323 2.2). */
static inline uint16_t syn_window(const struct tv_core *c, const struct tv_tcb *t)
{
	if (t->state == TV_SYN_RECEIVED) /* less what the text of a SYN takes of it (Fast Open) */
		return (uint16_t)(t->rcv.adv - t->rcv.nxt);
	return (uint16_t)tv_min32(tv_opts(c, t)->rcv_buf, UINT16_MAX);
}

/* After an idle time the congestion window says nothing about the path any more. */
static inline void restart_if_idle(struct tv_core *c, struct tv_tcb *t)
{
	if (t->snd.una == t->snd.nxt && t->state >= TV_ESTABLISHED && tv_send_after_idle(c, t))
		tv_cc_idle(c, t);
}

/* What goes out next, remembered as in flight; false: nothing now. */
static bool choose(struct tv_core *c, struct tv_tcb *t, const struct tv_out *out, struct tv_xmit *x, unsigned *n)
{
	*n = 0;
	if (!tv_send_next(c, t, tv_min32(out->gso_bytes, TEXT_MOST), x))
		return false;
	if ((x->kind == TV_X_DATA || x->kind == TV_X_REPEAT) && TV_UNLIKELY(!fits(out, x->len)))
		*n = fit(c, t, out, x);
	if (x->kind != TV_X_DATA || tv_rtx_sent(c, t, x->seq, x->len + ((x->flags & TV_FIN) != 0)))
		return true;
	/* No record to remember it: what is in flight has a timer, and each ACK asks again. An ACK that is
	 * wanted leaves all the same, or both sides might wait for the other's. */
	*n = 0;
	t->want &= (uint16_t)~(TV_WANT_SEND | TV_WANT_PUSH);
	return tv_send_next(c, t, 0, x);
}

/* Its headers and its text. syn: of kind TV_X_SYN. */
TV_INLINE void build(struct tv_core *c, struct tv_tcb *t, const struct tv_out *out, const struct tv_xmit *x,
                     unsigned pieces, bool v6, bool syn)
{
	const struct tv_options *o = tv_opts(c, t);
	uint16_t wnd = syn ? syn_window(c, t) : (uint16_t)tv_rcv_window(c, t, o->rcv_buf);
	uint8_t *ip = ip_at(out), *p = ip + tv_ip_header_len(v6) + TV_TCP_HEADER;
	struct tv_build b;
	uint32_t opts = syn ? syn_options(c, t, p, &b.opt_sum) : options(c, t, x, p, &b.opt_sum);
	uint64_t sum;

	b.head = t->key; /* of the first SYN for ever [MUST-45] */
	b.rest = v6 ? tv_conn_rest(c, tv_conn_index(c, t)) : NULL;
	b.ttl = o->ttl;                       /* [MUST-49] */
	b.tos = (uint8_t)(o->dscp << 2);      /* [MUST-48] [SHLD-22] [SHLD-23] */
	b.h.seq = x->seq;
	b.h.ack = (x->flags & TV_ACK) != 0 ? t->rcv.nxt : 0;
	b.h.flags = x->flags;
	b.h.wnd = wnd;
	b.h.urg = (x->flags & TV_URG) != 0 ? (uint16_t)(t->snd.up - x->seq) : 0;
	b.h.header_len = (uint16_t)(TV_TCP_HEADER + (opts & ~UNTOLD));
	b.len = x->len;
	sum = tv_out_headers(&b, out->packet, out->head, v6);
	out->packet->seg_size = x->seg_size;
	if (x->len != 0) {
		if (TV_UNLIKELY(x->kind == TV_X_KEEPALIVE))
			out->packet->data[out->packet->len++] = 0; /* one garbage octet [MAY-6] */
		else if (pieces != 0)
			out->packet->piece_count = (uint16_t)pieces; /* gathered only where the link sums */
		else
			sum = tv_csum_around(sum, text(c, t, x, out));
	}
	tv_out_seal(out->packet, out->csum_partial, ip, v6, sum);
	sent(c, t, x, (opts & UNTOLD) != 0);
}

static TV_APART void build_v6(struct tv_core *c, struct tv_tcb *t, const struct tv_out *out, const struct tv_xmit *x,
                              unsigned pieces)
{
	build(c, t, out, x, pieces, true, false);
}

uint64_t tv_plain_text_any(struct tv_core *c, struct tv_tcb *t, struct tv_packet *packet, bool csum_partial,
                           uint32_t len)
{
	const struct tv_xmit x = {.kind = TV_X_DATA, .seq = t->snd.nxt, .len = len};
	const struct tv_out out = {.packet = packet, .csum_partial = csum_partial};

	return text(c, t, &x, &out);
}

void tv_plain_build_bare(struct tv_core *c, struct tv_tcb *t, struct tv_packet *packet, const bool *csum_partial,
                         uint32_t len, uint32_t fin)
{
	tv_plain_build(c, t, packet, csum_partial, tv_profile_at(c, t->profile), len, fin, false);
}

#define TRAIN_HEADERS (20u + TV_TCP_HEADER + 12u)

/* What the headers of full segments have in common: all but sequence number and checksum. Returns the sum so far. */
static uint64_t train_headers(struct tv_core *c, struct tv_tcb *t, uint8_t *ip)
{
	const struct tv_profile *profile = tv_profile_at(c, t->profile);
	uint16_t wnd = (uint16_t)tv_rcv_window(c, t, profile->o.rcv_buf);
	struct tv_tcp_header h = {.ack = t->rcv.nxt, .flags = TV_ACK, .wnd = wnd, .header_len = TV_TCP_HEADER + 12};
	uint32_t len = h.header_len + t->opt.mss;

	tv_ip4_cast(ip, profile->ip4, tv_key_ends_v4(t->key), 20 + len);
	return tv_plain_put_stamped(ip + 20, tv_key_ports_v4(t->key), &h, c->now_ms + t->opt.ts_offset,
	                            t->opt.ts_recent, tv_wire32(((uint32_t)TV_PROTO_TCP << 16) + len));
}

/* What follows from n full segments that have left: as sent(), behind others that are in flight. */
static void train_sent(struct tv_core *c, struct tv_tcb *t, unsigned n)
{
	c->cnt.segments_out += n;
	t->cc.quick = (uint8_t)(t->cc.quick - tv_min32(t->cc.quick, n - 1));
	tv_ack_sent(t); /* the last one's */
	t->snd.nxt += n * t->opt.mss;
	if (tv_takes_turns(c, t))
		t->flags |= TV_F_PINGPONG;
}

/* One of them: the headers, what differs in them, and the text from seq on. */
static inline void train_segment(struct tv_core *c, struct tv_tcb *t, struct tv_packet *p, const uint8_t *headers,
                                 uint32_t seq, uint64_t sum)
{
	struct tv_cursor *cursor = &tv_busy(c, t)->cursor;
	uint32_t mss = t->opt.mss;
	uint64_t text;

	p->flags = p->seg_size = p->piece_count = 0;
	p->link = t->link;
	p->head_len = TRAIN_HEADERS;
	p->len = TRAIN_HEADERS + mss;
	memcpy(p->data, headers, TRAIN_HEADERS);
	tv_put32(p->data + 24, seq);
	text = tv_stream_copy_sum(&t->out, &c->pages, tv_region(c), seq - t->snd.una, mss, cursor,
	                          p->data + TRAIN_HEADERS, c->cfg.arch, tv_wire32(seq));
	tv_csum_store(p->data + 20 + TV_CSUM_AT, tv_csum_around(sum, text));
}

unsigned tv_out_train(struct tv_core *c, struct tv_tcb *t, const struct tv_out *out, struct tv_packet *packets,
                      unsigned most)
{
	struct tv_range *growing = tv_rtx_growing(c, t);
	uint32_t mss = t->opt.mss, n = 0;
	uint8_t headers[TRAIN_HEADERS];
	uint64_t sum;

	if (growing == NULL || t->v6 || t->side != 0 || (t->opt.flags & TV_O_TS) == 0 || tv_sack_pending(c, t) ||
	    t->timer.main == 0 || out->csum_partial || out->gso_bytes > mss)
		return 0;
	most = tv_min32(most, tv_send_train(c, t));
	while (n < most && TV_HEADERS_MOST + mss <= packets[n].cap) n++;
	if (n == 0)
		return 0;
	sum = train_headers(c, t, headers);
	for (uint32_t i = 0; i < n; i++) train_segment(c, t, &packets[i], headers, t->snd.nxt + i * mss, sum);
	growing->len += n * mss;
	train_sent(c, t, n);
	return n;
}

TV_INLINE bool syn(struct tv_core *c, struct tv_tcb *t, const struct tv_out *out, bool v6)
{
	struct tv_xmit x = {.kind = TV_X_SYN, .seq = t->snd.iss};

	t->want &= (uint16_t)~TV_WANT_SYN;
	x.flags = t->state == TV_SYN_SENT ? TV_SYN : TV_SYN | TV_ACK;
	if (TV_UNLIKELY(t->opt.fastopen != 0))
		x.len = tv_fastopen_syn(c, t, out->packet->cap - out->head - TV_HEADERS_MOST);
	build(c, t, out, &x, 0, v6, true);
	return true;
}

static TV_APART bool syn_v6(struct tv_core *c, struct tv_tcb *t, const struct tv_out *out)
{
	return syn(c, t, out, true);
}

/* SYN, or SYN-ACK in SYN-RECEIVED, first of all that it has to say. */
static TV_APART bool syn_out(struct tv_core *c, struct tv_tcb *t, const struct tv_out *out)
{
	return TV_UNLIKELY(t->v6) ? syn_v6(c, t, out) : syn(c, t, out, false);
}

bool tv_tcp_out(struct tv_core *c, struct tv_tcb *t, const struct tv_out *out)
{
	struct tv_xmit x;
	unsigned pieces;

	if ((t->want & TV_WANT_SYN) != 0)
		return syn_out(c, t, out);
	if ((t->want & TV_WANT_SEND) != 0)
		restart_if_idle(c, t);
	if (!choose(c, t, out, &x, &pieces))
		return false;
	if (TV_UNLIKELY(t->v6))
		build_v6(c, t, out, &x, pieces);
	else
		build(c, t, out, &x, pieces, false, false);
	return true;
}

/* The Fast Open cookie of a SYN-ACK: its length. */
static TV_APART uint32_t reply_cookie(const struct tv_core *c, const struct tv_reply *r, uint8_t *p)
{
	struct tv_tcp_options o = {.has = 0};

	tv_fastopen_cookie(c, &r->key, r->cookie_exp, &o);
	return tv_tcp_opt_build(p, &o);
}

TV_INLINE void reply_build(struct tv_core *c, const struct tv_reply *r, const struct tv_out *out, bool v6)
{
	struct tv_tcp_options o = {
		.has = r->has, .mss = r->mss, .wscale = r->wscale, .ts_val = r->ts_val, .ts_ecr = r->ts_ecr};
	uint8_t *ip = ip_at(out), *p = ip + tv_ip_header_len(v6) + TV_TCP_HEADER;
	uint64_t sum = 0;
	uint32_t opts = tv_tcp_opt_put_syn(p, &o, &sum), len;
	struct tv_build b;

	if (TV_UNLIKELY((r->has & TV_OPT_HAS_FASTOPEN) != 0)) {
		len = reply_cookie(c, r, p + opts);
		sum = tv_csum_words(sum, p + opts, len);
		opts += len;
	}
	b.head = r->key.b;
	b.rest = r->key.b + TV_KEY_HEAD;
	b.ttl = r->ttl != 0 ? r->ttl : c->cfg.defaults.ttl;
	b.tos = r->tos;
	b.h.seq = r->seq;
	b.h.ack = r->ack;
	b.h.flags = r->flags;
	b.h.wnd = r->wnd;
	b.h.urg = 0;
	b.len = 0;
	b.opt_sum = sum;
	b.h.header_len = (uint16_t)(TV_TCP_HEADER + opts);
	tv_out_seal(out->packet, out->csum_partial, ip, v6, tv_out_headers(&b, out->packet, out->head, v6));
	c->cnt.segments_out++;
}

static TV_APART void reply_build_v6(struct tv_core *c, const struct tv_reply *r, const struct tv_out *out)
{
	reply_build(c, r, out, true);
}

void tv_reply_build(struct tv_core *c, const struct tv_reply *r, const struct tv_out *out)
{
	if (TV_UNLIKELY(r->key.v6))
		reply_build_v6(c, r, out);
	else
		reply_build(c, r, out, false);
}

/* Built of nothing but what it says: the checksums are those of the words that stay. */
void tv_mould_make(struct tv_core *c, const struct tv_reply *r, struct tv_mould *m)
{
	struct tv_reply blank = {.key = {.v6 = r->v6}, .said = {r->said[0], r->said[1]}};
	struct tv_packet p = {0};
	uint16_t ip, tcp;

	*m = (struct tv_mould){.link = r->link, .v6 = r->v6};
	p.data = m->bytes;
	tv_reply_build(c, &blank, &(struct tv_out){.packet = &p});
	c->cnt.segments_out--;
	memcpy(&ip, m->bytes + 10, 2);
	memcpy(&tcp, m->bytes + tv_ip_header_len(r->v6) + TV_CSUM_AT, 2);
	m->ip_sum = (uint16_t)~ip;
	m->tcp_sum = (uint16_t)~tcp;
	m->len = (uint16_t)p.len;
	if ((r->has & TV_OPT_HAS_TS) != 0)
		m->stamps_at = (uint8_t)(TV_TCP_HEADER + 4 + ((r->has & TV_OPT_HAS_MSS) != 0 ? 4 : 0));
}

/* What differs in a TCP header; sum: that of the addresses. */
static inline void cast_tcp(const struct tv_mould *m, const struct tv_reply *r, uint8_t *tcp, uint32_t ports,
                            uint64_t sum)
{
	memcpy(tcp, &ports, 4);
	sum = tv_csum_around(sum, tv_put_pair(tcp + 4, r->seq, r->ack));
	if (TV_LIKELY(m->stamps_at != 0))
		sum = tv_csum_around(sum, tv_put_pair(tcp + m->stamps_at, r->ts_val, r->ts_ecr));
	tv_csum_store(tcp + TV_CSUM_AT, m->tcp_sum + ports + tv_csum_pair(sum));
}

static inline void cast(const struct tv_mould *m, const struct tv_reply *r, struct tv_packet *p)
{
	uint8_t *ip = p->data;
	uint64_t ends;

	p->len = p->head_len = m->len;
	p->link = m->link;
	p->flags = p->seg_size = p->piece_count = 0;
	if (m->v6) {
		memcpy(ip, m->bytes, TV_MOULD_V6);
		ends = tv_key_put_v6(ip + 8, r->key.b, r->key.b + TV_KEY_HEAD);
		cast_tcp(m, r, ip + 40, tv_key_ports_v6(r->key.b + TV_KEY_HEAD), ends);
		return;
	}
	memcpy(ip, m->bytes, TV_MOULD_V4);
	ends = tv_key_ends_v4(r->key.b);
	memcpy(ip + 12, &ends, 8);
	tv_csum_store(ip + 10, m->ip_sum + tv_csum_pair(ends));
	cast_tcp(m, r, ip + 20, tv_key_ports_v4(r->key.b), ends);
}

unsigned tv_mould_cast(struct tv_core *c, const struct tv_mould *m, struct tv_packet *packets, unsigned most)
{
	const struct tv_reply *first = tv_reply_at(c, c->reply_head), *r = first;
	unsigned n = 0;

	do {
		cast(m, r, &packets[n++]);
		r = tv_reply_at(c, c->reply_head + n);
	} while (n < most && tv_reply_is_like(first, r));
	c->reply_head += n;
	c->cnt.segments_out += n;
	return n;
}
