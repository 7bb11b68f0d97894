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
#include "tcp/core.h"
#include "wire/csum.h"

#define TCP_HEADER 20u
#define CSUM_AT 16u
#define SACK_ROOM 36u              /* what the blocks may take */
#define HEADERS_MOST (40u + 60u)   /* of IPv6, of TCP */
#define TEXT_MOST (65535u - 20 - 60) /* the length of an IPv4 packet has 16 bits */

/* What both kinds of packets need. */
struct build {
	struct tv_endpoint local, remote;
	struct tv_tcp_header h;
	struct tv_tcp_options o;
	uint8_t ttl, tos;
	bool v6;
	uint32_t len;              /* of text */
	unsigned pieces;           /* in which the text is handed out; 0: it is copied */
	uint64_t sum;              /* of the TCP header with its options */
};

/* Writes all headers but the TCP checksum; returns where the TCP header is. */
TV_INLINE uint8_t *headers(struct build *b, const struct tv_out *out)
{
	struct tv_packet *packet = out->packet;
	uint8_t *ip = packet->data + out->head, *tcp;
	uint32_t ip_len = tv_ip_header_len(b->v6), opt_len;

	tcp = ip + ip_len;
	opt_len = tv_tcp_opt_build(tcp + TCP_HEADER, &b->o);
	b->h.header_len = (uint16_t)(TCP_HEADER + opt_len);
	b->h.sport = b->local.port;
	b->h.dport = b->remote.port;
	b->sum = tv_csum_words(tv_tcp_header_build(tcp, &b->h), tcp + TCP_HEADER, opt_len);
	tv_ip_build(ip, &b->local.addr, &b->remote.addr, TV_PROTO_TCP, b->h.header_len + b->len, b->ttl, b->tos);
	packet->head_len = (uint16_t)(out->head + ip_len + b->h.header_len);
	packet->len = packet->head_len;
	packet->flags = 0;
	packet->seg_size = 0;
	packet->piece_count = 0;
	return tcp;
}

/* The checksum [MUST-2]; text: the sum of what follows the headers. */
TV_INLINE void checksum(const struct build *b, const struct tv_out *out, uint8_t *tcp, uint64_t text)
{
	uint64_t sum = tv_csum_pseudo(&b->local.addr, &b->remote.addr, b->v6, TV_PROTO_TCP, b->h.header_len + b->len);

	if (out->csum_partial) {
		uint16_t folded = tv_csum_fold(sum);

		memcpy(tcp + CSUM_AT, &folded, 2);
		out->packet->flags |= TV_PKT_CSUM_PARTIAL;
		out->packet->csum_start = (uint16_t)(tcp - out->packet->data);
		out->packet->csum_offset = CSUM_AT;
		return;
	}
	tv_csum_store(tcp + CSUM_AT, sum + text + b->sum);
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

/* Makes the text no longer than the caller's packet carries; returns in how many pieces, 0: copied. */
static inline unsigned fit(struct tv_core *c, struct tv_tcb *t, const struct tv_out *out, struct tv_xmit *x)
{
	uint32_t head, blocks, room, covered;
	unsigned n;

	/* With the longest headers that there are: true of all but super-segments. */
	if (TV_LIKELY(!out->gather && out->head + HEADERS_MOST + x->len <= out->packet->cap))
		return 0;
	head = out->head + tv_ip_header_len(t->v6) + TCP_HEADER + ((t->opt.flags & TV_O_TS) != 0 ? 12u : 0u);
	blocks = x->seg_size == 0 && x->len + SACK_ROOM <= t->opt.mss ? SACK_ROOM : 0;
	room = out->packet->cap - head;
	n = gather(c, t, x, out, &covered);
	if (n != 0 && covered == x->len)
		return n;
	if (TV_LIKELY(x->len + blocks <= room))
		return 0;
	x->len = tv_max32(room - SACK_ROOM, covered);
	if (x->len > t->opt.mss) {
		TV_ASSERT(x->seg_size != 0); /* only a super-segment is longer */
		x->len -= x->len % x->seg_size;
	}
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
	uint32_t off = x->seq - tv_out_seq(t);
	uint8_t *dst = p->data + p->head_len;

	TV_ASSERT(p->head_len + x->len <= p->cap);
	p->len += x->len;
	if (out->csum_partial) {
		tv_stream_copy(&t->out, &c->pages, tv_region(c), off, x->len, cursor, dst);
		return 0;
	}
	return tv_stream_copy_sum(&t->out, &c->pages, tv_region(c), off, x->len, cursor, dst, c->cfg.arch, 0);
}

/* pending: there is something for SACK blocks to tell. */
static inline void fill_options(struct tv_core *c, struct tv_tcb *t, const struct tv_xmit *x, bool pending,
                                struct tv_tcp_options *o)
{
	o->has = 0;
	if (x->kind == TV_X_SYN) {
		tv_negotiate_offer(c, t, o);
		return;
	}
	if ((t->opt.flags & TV_O_TS) != 0) { /* RFC 7323 3.2: in every segment but RST */
		o->has = TV_OPT_HAS_TS;
		o->ts_val = c->now_ms + t->opt.ts_offset;
		o->ts_ecr = t->opt.ts_recent;
	}
	if (pending && x->seg_size == 0 && x->len + SACK_ROOM <= t->opt.mss)
		tv_sack_blocks(c, t, o); /* with text too, where it leaves room */
}

/* Notes what was handed out. */
static void sent(struct tv_core *c, struct tv_tcb *t, const struct tv_xmit *x, bool told)
{
	uint32_t seq_len = x->len + ((x->flags & TV_FIN) != 0);
	struct tv_side *side = tv_side(c, t);
	uint32_t segments = x->seg_size != 0 ? (x->len + x->seg_size - 1u) / x->seg_size : 1;

	c->cnt.segments_out += segments;
	/* Text acknowledges too; where it had no room for SACK blocks, a bare ACK stays wanted. */
	if ((x->flags & TV_ACK) != 0 && (x->kind == TV_X_ACK || told))
		tv_ack_sent(c, t);
	if (side != NULL) {
		side->segs_out += segments;
		side->data_segs_out += x->len != 0 ? segments : 0;
		side->bytes_sent += x->len;
		if (x->len != 0)
			side->last_data_sent = c->now;
	}
	if (x->kind == TV_X_REPEAT) {
		tv_rtx_repeated(c, t, x->seq, seq_len);
		c->cnt.retransmissions++;
		if (side != NULL) {
			side->retransmitted_segs++;
			side->bytes_retransmitted += x->len;
		}
	} else if (x->kind == TV_X_DATA) {
		if (t->snd.una == t->snd.nxt) {
			t->progress_ms = c->now_ms;
			t->timer.main = 0;
			t->flags &= ~(uint32_t)(TV_F_OVERRIDE | TV_F_PERSIST);
		}
		t->snd.nxt += seq_len;
		if ((x->flags & TV_FIN) != 0)
			t->flags |= TV_F_FIN_SENT;
		/* Text that answers text: this connection takes turns, its ACKs may wait for text. */
		if (x->len != 0 && (c->now_ms - t->received_ms) * TV_MS < c->cfg.delayed_ack)
			t->flags |= TV_F_PINGPONG;
		if (t->timer.main == 0)
			tv_timer_main(c, t, tv_rtx_wait(c, t)); /* RFC 6298 5.1 */
	} else if (x->kind == TV_X_SYN && t->snd.nxt == t->snd.iss) {
		t->snd.nxt++;
	}
}

static uint16_t window_field(struct tv_core *c, struct tv_tcb *t, const struct tv_xmit *x)
{
	uint32_t offer;

	if (x->kind != TV_X_SYN)
		return (uint16_t)tv_rcv_window(c, t);
	offer = tv_min32(tv_opts(c, t)->rcv_buf, UINT16_MAX); /* RFC 7323 2.2: the window of a SYN is not scaled */
	return (uint16_t)offer;
}

/* After an idle time the congestion window says nothing about the path any more. */
static inline void restart_if_idle(struct tv_core *c, struct tv_tcb *t)
{
	uint32_t idle_ms;

	if (t->snd.una != t->snd.nxt || t->progress_ms == c->now_ms || t->state < TV_ESTABLISHED)
		return;
	/* Since the last of its text was acknowledged; what was received says nothing (RFC 5681 4.1). */
	idle_ms = c->now_ms - t->progress_ms;
	if (idle_ms * TV_MS > tv_rto_ns(c, t))
		tv_cc_idle(c, t);
}

/* What goes out next, remembered as in flight; false: nothing now. */
static bool choose(struct tv_core *c, struct tv_tcb *t, const struct tv_out *out, struct tv_xmit *x, unsigned *n)
{
	*n = 0;
	if (!tv_send_next(c, t, tv_min32(out->gso_bytes, TEXT_MOST), x))
		return false;
	if (x->kind == TV_X_DATA || x->kind == TV_X_REPEAT)
		*n = fit(c, t, out, x);
	if (x->kind != TV_X_DATA || tv_rtx_sent(c, t, x->seq, x->len + ((x->flags & TV_FIN) != 0)))
		return true;
	/* No record to remember it: what is in flight has a timer, and each ACK asks again. An ACK that is
	 * wanted leaves all the same, or both sides might wait for the other's. */
	*n = 0;
	t->want &= (uint16_t)~(TV_WANT_SEND | TV_WANT_PUSH);
	return tv_send_next(c, t, 0, x);
}

bool tv_tcp_out(struct tv_core *c, struct tv_tcb *t, const struct tv_out *out)
{
	struct tv_xmit x;
	const struct tv_options *o = tv_opts(c, t);
	struct build b;
	uint8_t *tcp;
	uint64_t sum;
	bool pending;

	if ((t->want & TV_WANT_SEND) != 0)
		restart_if_idle(c, t);
	if (!choose(c, t, out, &x, &b.pieces))
		return false;
	tv_tcb_ends(c, t, &b.local, &b.remote); /* of the first SYN for ever [MUST-45] */
	b.v6 = t->v6;
	b.ttl = o->ttl;                       /* [MUST-49] */
	b.tos = (uint8_t)(o->dscp << 2);      /* [MUST-48] [SHLD-22] [SHLD-23] */
	b.h.seq = x.seq;
	b.h.ack = (x.flags & TV_ACK) != 0 ? t->rcv.nxt : 0;
	b.h.flags = x.flags;
	b.h.wnd = window_field(c, t, &x);
	b.h.urg = (x.flags & TV_URG) != 0 ? (uint16_t)(t->snd.up - x.seq) : 0;
	b.len = x.len;
	pending = tv_sack_pending(c, t);
	fill_options(c, t, &x, pending, &b.o);
	tcp = headers(&b, out);
	if (x.kind == TV_X_KEEPALIVE && x.len != 0) {
		out->packet->data[out->packet->len++] = 0; /* one garbage octet [MAY-6] */
		sum = 0;
	} else if (b.pieces != 0) {
		out->packet->piece_count = (uint16_t)b.pieces;
		sum = 0; /* gathered only where the link sums */
	} else {
		sum = x.len != 0 ? text(c, t, &x, out) : 0;
	}
	checksum(&b, out, tcp, sum);
	out->packet->seg_size = x.seg_size;
	sent(c, t, &x, !pending || (b.o.has & TV_OPT_HAS_SACK) != 0);
	return true;
}

void tv_reply_build(struct tv_core *c, const struct tv_reply *r, const struct tv_out *out)
{
	struct build b;
	uint8_t *tcp;

	b.local = r->local;
	b.remote = r->remote;
	b.v6 = !tv_addr_is_v4(&r->remote.addr);
	b.ttl = r->ttl != 0 ? r->ttl : c->cfg.defaults.ttl;
	b.tos = r->tos;
	b.h.seq = r->seq;
	b.h.ack = r->ack;
	b.h.flags = r->flags;
	b.h.wnd = r->wnd;
	b.h.urg = 0;
	b.len = 0;
	b.o.has = r->has;
	b.o.mss = r->mss;
	b.o.wscale = r->wscale;
	b.o.ts_val = r->ts_val;
	b.o.ts_ecr = r->ts_ecr;
	b.o.sack_count = 0;
	tcp = headers(&b, out);
	checksum(&b, out, tcp, 0);
	c->cnt.segments_out++;
}
