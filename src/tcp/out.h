/*
 * out.h - the parts of out.c that stand in others as a part of themselves: the headers of all segments, and the
 * plain segment (flow/send.h) from the question whether it is one to what follows from its leaving. It is built
 * in the loop that gives connections their turns (stack/io.c), where most segments of most connections leave.
 *
 * A plain segment is of IPv4, its text lies on one page or more, and is copied; whatever else it may be, an ACK
 * alone, text, FIN or both, is data and not a case. A test builds each of them here and in out.c and compares.
 */
#ifndef TV_TCP_OUT_H
#define TV_TCP_OUT_H

#include "tcp/close/orphan.h"
#include "tcp/deliver/window.h"
#include "tcp/flow/send.h"
#include "tcp/timers.h"

#define TV_TCP_HEADER 20u
#define TV_CSUM_AT 16u
#define TV_HEADERS_MOST (40u + 60u) /* of IPv6, of TCP */

/* What both kinds of packets need. It is small, never handed to a function of its own, and so lives in
 * registers. The ends are those of a key (base/key.h): source and local end are one. */
struct tv_build {
	const uint8_t *head, *rest;
	struct tv_tcp_header h;
	uint8_t ttl, tos;
	uint32_t len;              /* of text */
	uint64_t opt_sum;          /* of the options, which are there */
};

/* The IPv6 header; returns the sum of its addresses. */
uint64_t tv_out_head_v6(uint8_t *ip, const struct tv_build *b, uint32_t len);

/* Writes all headers; returns the sum of the TCP segment without its text, pseudo-header included [MUST-2], to be
 * added with its carry. */
TV_INLINE uint64_t tv_out_headers(const struct tv_build *b, struct tv_packet *packet, uint32_t head, bool v6)
{
	uint32_t len = b->h.header_len + b->len, head_len = head + tv_ip_header_len(v6) + b->h.header_len;
	uint8_t *ip = packet->data + head;
	uint8_t *tcp = ip + tv_ip_header_len(v6);
	uint64_t sum = tv_csum_around(b->opt_sum, (uint64_t)tv_wire32(TV_PROTO_TCP) + tv_wire32(len));

	packet->flags = 0;
	packet->seg_size = 0;
	packet->head_len = (uint16_t)head_len;
	packet->len = head_len;
	packet->piece_count = 0;
	if (v6) {
		sum = tv_csum_around(sum, tv_out_head_v6(ip, b, len));
		sum = tv_csum_around(sum, tv_tcp_header_put(tcp, tv_key_ports_v6(b->rest), &b->h));
	} else {
		uint64_t ends = tv_key_ends_v4(b->head);

		tv_ip4_build(ip, ends, TV_PROTO_TCP, len, b->ttl, b->tos);
		sum = tv_csum_around(sum, ends);
		sum = tv_csum_around(sum, tv_tcp_header_put(tcp, tv_key_ports_v4(b->head), &b->h));
	}
	return sum;
}

/* The link sums: it finds the sum of the pseudo-header in the field, and is told where that is. */
void tv_out_link_sums(struct tv_packet *packet, uint8_t *ip, bool v6);

/* The checksum. */
TV_INLINE void tv_out_seal(struct tv_packet *packet, bool csum_partial, uint8_t *ip, bool v6, uint64_t sum)
{
	if (TV_UNLIKELY(csum_partial))
		tv_out_link_sums(packet, ip, v6);
	else
		tv_csum_store(ip + tv_ip_header_len(v6) + TV_CSUM_AT, sum);
}

/* Copies the text of a plain segment that does not lie on one small page, or is long; returns its sum, if the link
 * does not sum. */
uint64_t tv_plain_text_any(struct tv_core *c, struct tv_tcb *t, struct tv_packet *packet, bool csum_partial,
                           uint32_t len);

/* The text of a plain segment, to dst: most often short, and on one page. Returns its sum. */
TV_INLINE uint64_t tv_plain_text(struct tv_core *c, struct tv_tcb *t, struct tv_packet *packet, bool csum_partial,
                                 uint32_t len, uint8_t *dst)
{
	const uint8_t *src = tv_stream_short(&t->out, &c->pages, tv_region(c));

	if (TV_UNLIKELY(src == NULL))
		return tv_plain_text_any(c, t, packet, csum_partial, len);
	packet->len += len;
	return tv_stream_copy_sum_short(src, len, dst);
}

/* A TCP header with timestamps and no other option; returns `sum`, to which it is added, and the addresses before it.
 * It is written in the words that the sum reads, which begins with the addresses (wire/put.h). */
TV_INLINE uint64_t tv_plain_put_stamped(uint8_t *tcp, uint32_t ports, const struct tv_tcp_header *h, uint32_t val,
                                        uint32_t ecr, uint64_t sum)
{
	tv_put_words(tcp, ports, tv_wire32(h->seq));
	tv_put_pair(tcp + 8, h->ack, tv_tcp_flags_word(h));
	tv_put_pair(tcp + 16, 0, TV_OPT_ONLY_TS);
	tv_put_pair(tcp + 24, val, ecr);
	return tv_sum_five(sum, tcp - 8);
}

/* Its headers and its text, in one go: as tv_out_headers(), from what its profile keeps. */
TV_INLINE void tv_plain_build(struct tv_core *c, struct tv_tcb *t, struct tv_packet *packet, const bool *csum_partial,
                              const struct tv_profile *profile, uint32_t len, uint32_t fin, bool ts)
{
	const uint16_t tcp_len = TV_TCP_HEADER + (ts ? 12 : 0), head_len = 20 + tcp_len;
	uint16_t wnd = (uint16_t)tv_rcv_window(c, t, profile->o.rcv_buf);
	uint16_t flags = (uint16_t)(TV_ACK | fin * TV_FIN);
	/* protocol and length of the pseudo-header, side by side */
	uint64_t sum = tv_wire32(((uint32_t)TV_PROTO_TCP << 16) + tcp_len + len), ends = tv_key_ends_v4(t->key);
	uint8_t *ip = packet->data, *tcp = ip + 20;
	struct tv_tcp_header h = {.seq = t->snd.nxt, .ack = t->rcv.nxt, .wnd = wnd, .header_len = tcp_len};

	packet->flags = 0;
	packet->seg_size = 0;
	packet->head_len = head_len;
	packet->len = head_len;
	packet->piece_count = 0;
	if (len != 0) {
		flags |= TV_PSH; /* RFC 9293 3.9.1.2 [MUST-61] [SHLD-27]; FIN is behind all that is queued [EV-42] */
		sum += tv_plain_text(c, t, packet, *csum_partial, len, ip + head_len);
	}
	h.flags = flags;
	tv_ip4_cast(ip, profile->ip4, ends, head_len + len);
	if (ts) { /* RFC 7323 3.2 */
		sum = tv_plain_put_stamped(tcp, tv_key_ports_v4(t->key), &h, c->now_ms + t->opt.ts_offset,
		                           t->opt.ts_recent, sum);
	} else {
		sum = tv_csum_around(sum, ends);
		sum = tv_csum_around(sum, tv_tcp_header_put(tcp, tv_key_ports_v4(t->key), &h));
	}
	tv_out_seal(packet, *csum_partial, ip, false, sum);
}

/* The same without timestamps. */
void tv_plain_build_bare(struct tv_core *c, struct tv_tcb *t, struct tv_packet *packet, const bool *csum_partial,
                         uint32_t len, uint32_t fin);

/* How long may the peer owe an acknowledgment? */
TV_INLINE tv_time tv_plain_limit(const struct tv_core *c, const struct tv_tcb *t, const struct tv_profile *profile)
{
	return TV_LIKELY((t->flags & TV_F_RELEASED) == 0) ? profile->o.user_timeout : tv_orphan_limit(c, t);
}

/* Does text that leaves now answer text? Then this connection takes turns, and its ACKs may wait for text. */
TV_INLINE bool tv_takes_turns(const struct tv_core *c, const struct tv_tcb *t)
{
	return (c->now_ms - t->received_ms) * TV_MS < c->cfg.delayed_ack;
}

/* What follows from its leaving, with text or FIN: as sent_new() and tv_rtx_sent(), with nothing in flight. */
TV_INLINE void tv_plain_sent(struct tv_core *c, struct tv_tcb *t, const struct tv_profile *profile, uint32_t len,
                             uint32_t fin)
{
	bool takes_turns = len != 0 && tv_takes_turns(c, t);

	t->flags = (t->flags & ~(uint32_t)(TV_F_OVERRIDE | TV_F_PERSIST | TV_F_SMALL)) | TV_F_ALONE |
	           fin * TV_F_FIN_SENT | takes_turns * TV_F_PINGPONG | (len < t->opt.mss) * TV_F_SMALL;
	t->snd.nxt += len + fin;
	t->sent_us = (uint32_t)c->now_us;
	t->progress_ms = c->now_ms;
	/* RFC 6298 5.1, as tv_rtx_wait() */
	tv_deadline_at(t, &t->timer.main, tv_tick_soon(c, tv_min64(tv_rto_ns(c, t), tv_plain_limit(c, t, profile))));
}

/* A plain segment leaves, with text or FIN if it says more than an ACK; *csum_partial is read where it counts. */
TV_INLINE void tv_plain_leaves(struct tv_core *c, struct tv_tcb *t, struct tv_packet *packet, const bool *csum_partial,
                               bool more)
{
	const struct tv_profile *profile = tv_profile_at(c, t->profile);
	uint32_t len = more ? t->out.len : 0, fin = more && (t->flags & TV_F_FIN_QUEUED) != 0;

	if (TV_LIKELY((t->opt.flags & TV_O_TS) != 0))
		tv_plain_build(c, t, packet, csum_partial, profile, len, fin, true);
	else
		tv_plain_build_bare(c, t, packet, csum_partial, len, fin);
	c->cnt.segments_out++;
	tv_ack_sent(t);
	t->want = 0;
	if (more)
		tv_plain_sent(c, t, profile, len, fin);
}

/* The next segment of a connection that has something to say, into a packet without link header. False: it is not
 * plain, or finds no room, and nothing was done. */
TV_INLINE bool tv_out_plain(struct tv_core *c, struct tv_tcb *t, struct tv_packet *packet, const bool *csum_partial)
{
	if (TV_UNLIKELY(!tv_send_is_plain(c, t) || TV_HEADERS_MOST + t->out.len > packet->cap))
		return false;
	if (t->want == TV_WANT_ACK)
		tv_plain_leaves(c, t, packet, csum_partial, false);
	else
		tv_plain_leaves(c, t, packet, csum_partial, true);
	return true;
}

/* A train: full segments of text, at most `most`, that follow on one which has just left, into packets without link
 * header. Returns how many; 0: it is asked for something else, or has to say it otherwise, and nothing was done that
 * tv_tcp_out() does not do. */
unsigned tv_out_train(struct tv_core *c, struct tv_tcb *t, const struct tv_out *out, struct tv_packet *packets,
                      unsigned most);

#endif
