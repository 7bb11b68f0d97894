/*
 * plain.h - what nearly every packet is, read in one go where it arrives: a whole TCP segment in an IPv4 packet
 * without options that fills the packet, with timestamps and no other option, or the SYN of Linux without text.
 *
 * It is recognised and summed first. Its fields are read where they are wanted: most are compared with what is expected
 * next, and are wanted in no other place. It is in a header because it is the first thing that happens to a packet: of
 * a function the caller would have to save what it knows.
 */
#ifndef TV_WIRE_PLAIN_H
#define TV_WIRE_PLAIN_H

#include "arch/kernel.h"
#include "arch/kernels.h"
#include "wire/segment.h"

#define TV_PLAIN_MIN 52u       /* both headers, with timestamps */
#define TV_PLAIN_SYN 60u       /* both headers of a SYN */

/* The fields of a header at p but for its options; the key is not among them. */
TV_INLINE void tv_segment_read_fixed(struct tv_segment *s, const uint8_t *p, uint32_t flags, const uint8_t *text,
	uint32_t len)
{
	s->seq = tv_load32(p + 4);
	s->ack = tv_load32(p + 8);
	s->flags = (uint16_t)flags;
	s->wnd = tv_load16(p + 14);
	s->urg = tv_load16(p + 18);
	s->text = text;
	s->len = len;
	s->seg_size = 0;
}

/* What an IPv4 header without options begins with, of a packet of n (at most 65535) bytes that is no fragment: as it
 * lies in memory, but for DSCP, ECN, identification and DF. */
TV_INLINE uint64_t tv_plain_v4_begin(size_t n)
{
	uint64_t begin = tv_wire32(0x45u << 24 | (uint32_t)n);

	return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? begin : begin << 32;
}

/* Does it begin so, and is TCP behind it? */
TV_INLINE bool tv_plain_begins(const uint8_t *p, size_t n)
{
	const uint8_t mask[8] = {0xff, 0, 0xff, 0xff, 0, 0, 0x3f, 0xff};

	return (tv_native64(p) & tv_native64(mask)) == tv_plain_v4_begin(n) && p[9] == TV_PROTO_TCP;
}

/*
 * The sum of a segment (RFC 9293 3.1 [MUST-3]): the addresses at p, the first 32 bytes of the header, what is behind
 * up to `end`, and the rest of the pseudo-header. That is protocol and length less the IPv4 header; 0x4500 and the
 * length are in `begin`, and what is too much of them is taken off (RFC 1624).
 */
TV_INLINE uint64_t tv_plain_sum(uint64_t begin, const uint8_t *p, const uint8_t *end, const enum tv_arch *arch)
{
	uint64_t sum = tv_sum_five(begin + tv_wire32((0xffffu - 0x4500 - 20 + TV_PROTO_TCP) << 16), p);

	p += 40;
	if (p == end) return sum;
	if (TV_UNLIKELY(end - p > TV_KERNEL_SMALL))
		return tv_sum_around(sum, tv_kernel_sum(*arch, p, (size_t)(end - p), 0));
	for (; end - p >= 32; p += 32) sum = tv_sum_four(sum, p);
	for (; end - p >= 8; p += 8) sum = tv_sum_around(sum, tv_native64(p));
	return p == end ? sum : tv_sum_around(sum, tv_sum_tail(p, (size_t)(end - p), 0));
}

/* ACK, perhaps PSH and FIN, no other flag; timestamps and no other option. */
TV_INLINE bool tv_plain_has_acks_header(const uint8_t *tcp)
{
	return tv_word_is(tcp + 12, 0xffff0000u & ~(uint32_t)(TV_PSH | TV_FIN) << 16, 0x80000000u | TV_ACK << 16) &&
		tv_opt_is_only_ts(tcp + 20);
}

/* SYN, whatever else, and the options of Linux. */
TV_INLINE bool tv_plain_has_syns_header(const uint8_t *tcp)
{
	return tcp[12] == 40 << 2 && (tcp[13] & TV_SYN) != 0 && tv_opt_is_linux_syn(tcp + 20);
}

/* Both sums, of the usual begin of a packet of n bytes. */
TV_INLINE bool tv_plain_is_whole(const uint8_t *p, size_t n, bool vouched, const enum tv_arch *arch)
{
	uint64_t ip = tv_sum_two(tv_native32(p + 16), p);

	if (TV_UNLIKELY(vouched)) return tv_csum_is_whole(ip);
	return tv_csum_are_whole(ip, tv_plain_sum(tv_plain_v4_begin(n), p + 12, p + n, arch));
}

/* Is it an acknowledgment, with or without text, with or without FIN? Of a packet that is not merged. vouched: the
 * checksum of TCP is not looked at. *arch is read where it counts. False: tv_segment_parse_whole() has to look. */
TV_INLINE bool tv_plain_is_ack(const uint8_t *p, size_t n, bool vouched, const enum tv_arch *arch)
{
	if (TV_UNLIKELY(n - TV_PLAIN_MIN > 65535 - TV_PLAIN_MIN)) return false;
	return tv_plain_begins(p, n) && tv_plain_has_acks_header(p + 20) && tv_plain_is_whole(p, n, vouched, arch);
}

/* The same of a SYN. */
TV_INLINE bool tv_plain_is_syn(const uint8_t *p, size_t n, bool vouched, const enum tv_arch *arch)
{
	return n == TV_PLAIN_SYN && tv_plain_begins(p, n) && tv_plain_has_syns_header(p + 20) &&
		tv_plain_is_whole(p, n, vouched, arch);
}

/* All but s->link of what tv_plain_is_ack(). */
TV_INLINE void tv_plain_read_ack(struct tv_segment *s, const uint8_t *p, size_t n)
{
	const uint8_t *tcp = p + 20;

	tv_key_arrived(&s->key, false, p + 12, tcp);
	tv_segment_read_fixed(s, tcp, tcp[13], tcp + 32, (uint32_t)n - TV_PLAIN_MIN);
	tv_opt_read_only_ts(&s->opt, tcp + 20);
}

/* The same of what tv_plain_is_syn(). */
TV_INLINE void tv_plain_read_syn(struct tv_segment *s, const uint8_t *p)
{
	const uint8_t *tcp = p + 20;

	tv_key_arrived(&s->key, false, p + 12, tcp);
	tv_segment_read_fixed(s, tcp, tcp[13], tcp + 40, 0);
	tv_opt_read_linux_syn(&s->opt, tcp + 20);
}

/* Both headers at once, as tv_segment_parse_whole(). */
static inline bool tv_segment_parse_plain(struct tv_segment *s, const uint8_t *p, size_t n, uint16_t flags,
	uint16_t seg_size, enum tv_arch arch)
{
	bool vouched = (flags & (TV_PKT_CSUM_OK | TV_PKT_CSUM_PARTIAL)) != 0;

	s->link = 0;
	if (seg_size == 0 && tv_plain_is_ack(p, n, vouched, &arch)) {
		tv_plain_read_ack(s, p, n);
		return true;
	}
	if (seg_size == 0 && tv_plain_is_syn(p, n, vouched, &arch)) {
		tv_plain_read_syn(s, p);
		return true;
	}
	return tv_segment_parse_whole(s, p, n, flags, seg_size, arch);
}

#endif
