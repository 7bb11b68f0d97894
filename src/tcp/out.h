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

static inline uint8_t *tv_out_ip(const struct tv_out *out)
{
	return out->packet->data + out->head;
}

/* The IPv6 header; returns the sum of its addresses. */
uint64_t tv_out_head_v6(uint8_t *ip, const struct tv_build *b, uint32_t len);

/* Writes all headers; returns the sum of the TCP segment without its text, pseudo-header included [MUST-2]. */
TV_INLINE uint64_t tv_out_headers(const struct tv_build *b, const struct tv_out *out, uint8_t *ip, bool v6)
{
	struct tv_packet *packet = out->packet;
	uint32_t len = b->h.header_len + b->len, head_len = out->head + tv_ip_header_len(v6) + b->h.header_len;
	uint8_t *tcp = ip + tv_ip_header_len(v6);
	uint64_t sum = (uint64_t)tv_wire32(TV_PROTO_TCP) + tv_wire32(len) + b->opt_sum;

	packet->flags = 0;
	packet->seg_size = 0;
	packet->head_len = (uint16_t)head_len;
	packet->len = head_len;
	packet->piece_count = 0;
	if (v6) {
		sum += tv_out_head_v6(ip, b, len);
		sum += tv_tcp_header_put(tcp, tv_key_ports_v6(b->rest), &b->h);
	} else {
		uint64_t ends = tv_key_ends_v4(b->head);

		tv_ip4_build(ip, ends, TV_PROTO_TCP, len, b->ttl, b->tos);
		sum += tv_csum_pair(ends);
		sum += tv_tcp_header_put(tcp, tv_key_ports_v4(b->head), &b->h);
	}
	return sum;
}

/* The link sums: it finds the sum of the pseudo-header in the field, and is told where that is. */
void tv_out_link_sums(const struct tv_out *out, uint8_t *ip, bool v6);

/* The checksum. */
TV_INLINE void tv_out_seal(const struct tv_out *out, uint8_t *ip, bool v6, uint64_t sum)
{
	if (TV_UNLIKELY(out->csum_partial))
		tv_out_link_sums(out, ip, v6);
	else
		tv_csum_store(ip + tv_ip_header_len(v6) + TV_CSUM_AT, sum);
}

/* Is there room for it, copied, behind the longest headers that there are? True of all but super-segments. */
static inline bool tv_out_fits(const struct tv_out *out, uint32_t len)
{
	return !out->gather && out->head + TV_HEADERS_MOST + len <= out->packet->cap;
}

/* Copies the text of a plain segment that does not lie on one small page, or is long; returns its sum. */
uint64_t tv_out_text(struct tv_core *c, struct tv_tcb *t, const struct tv_out *out, uint32_t len);

/* The text of a plain segment: most often short, and on one page. Returns its sum. */
TV_INLINE uint64_t tv_plain_text(struct tv_core *c, struct tv_tcb *t, const struct tv_out *out, uint32_t len)
{
	const uint8_t *src = tv_stream_short(&t->out, &c->pages, tv_region(c));
	struct tv_packet *p = out->packet;

	if (TV_UNLIKELY(src == NULL))
		return tv_out_text(c, t, out, len);
	p->len += len;
	return tv_stream_copy_sum_short(src, len, p->data + p->head_len);
}

/* Its headers and its text, in one go. */
TV_INLINE void tv_plain_build(struct tv_core *c, struct tv_tcb *t, const struct tv_out *out, uint32_t len,
                              uint16_t flags, bool ts)
{
	uint16_t wnd = (uint16_t)tv_rcv_window(c, t);
	const struct tv_options *o = tv_opts(c, t);
	uint8_t *ip = tv_out_ip(out);
	struct tv_build b = {.head = t->key, .ttl = o->ttl, .tos = (uint8_t)(o->dscp << 2), .len = len};
	uint64_t sum;

	if (ts) /* RFC 7323 3.2 */
		b.opt_sum = tv_tcp_opt_put_ts(ip + 20 + TV_TCP_HEADER, c->now_ms + t->opt.ts_offset, t->opt.ts_recent);
	b.h = (struct tv_tcp_header){.seq = t->snd.nxt, .ack = t->rcv.nxt, .flags = flags, .wnd = wnd};
	b.h.header_len = (uint16_t)(TV_TCP_HEADER + (ts ? 12 : 0));
	sum = tv_out_headers(&b, out, ip, false);
	if (len != 0)
		sum += tv_plain_text(c, t, out, len);
	tv_out_seal(out, ip, false, sum);
}

/* The same without timestamps. */
void tv_plain_build_bare(struct tv_core *c, struct tv_tcb *t, const struct tv_out *out, uint32_t len, uint16_t flags);

/* What follows from its leaving, with text or FIN: as sent_new() and tv_rtx_sent(), with nothing in flight. */
static inline void tv_plain_sent(struct tv_core *c, struct tv_tcb *t, uint32_t len)
{
	uint32_t fin = (t->flags & TV_F_FIN_QUEUED) != 0;
	bool takes_turns = len != 0 && (c->now_ms - t->received_ms) * TV_MS < c->cfg.delayed_ack;

	t->flags = (t->flags & ~(uint32_t)(TV_F_OVERRIDE | TV_F_PERSIST | TV_F_SMALL)) | TV_F_ALONE |
	           fin * TV_F_FIN_SENT | takes_turns * TV_F_PINGPONG | (len < t->opt.mss) * TV_F_SMALL;
	t->snd.nxt += len + fin;
	t->sent_us = (uint32_t)c->now_us;
	t->progress_ms = c->now_ms;
	/* RFC 6298 5.1, as tv_rtx_wait() */
	tv_deadline_at(t, &t->timer.main, tv_tick_after(c, tv_min64(tv_rto_ns(c, t), tv_owing_limit(c, t))));
}

/* The next segment of a connection that has something to say. False: it is not plain, and nothing was done. */
TV_INLINE bool tv_out_plain(struct tv_core *c, struct tv_tcb *t, const struct tv_out *out)
{
	bool more = t->want != TV_WANT_ACK;
	uint32_t len = more ? t->out.len : 0;
	uint16_t flags = more ? tv_send_plain(t) : TV_ACK;

	if (TV_UNLIKELY(!tv_send_is_plain(c, t) || !tv_out_fits(out, len)))
		return false;
	if (TV_LIKELY((t->opt.flags & TV_O_TS) != 0))
		tv_plain_build(c, t, out, len, flags, true);
	else
		tv_plain_build_bare(c, t, out, len, flags);
	c->cnt.segments_out++;
	tv_ack_sent(t);
	t->want = 0;
	if (more)
		tv_plain_sent(c, t, len);
	return true;
}

#endif
