/*
 * plain.h - what nearly every packet is, read in one go where it arrives: a whole TCP segment in an IPv4 packet
 * without options that fills the packet, with timestamps and no other option, or the SYN of Linux without text.
 *
 * It is in a header because it is the first thing that happens to a packet: of a function the caller would have to
 * save what it knows, and to read the tuple back to hash it.
 */
#ifndef TV_WIRE_PLAIN_H
#define TV_WIRE_PLAIN_H

#include "arch/kernel.h"
#include "arch/kernels.h"
#include "wire/segment.h"

#define TV_PLAIN_MIN 52u /* both headers, with timestamps */
#define TV_PLAIN_SYN 60u /* both headers of a SYN */

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

/* Version and length of the header are the usual ones, all of n (at most 65535) bytes are the packet's, no fragment. */
TV_INLINE bool tv_plain_v4_begins(uint64_t first, uint32_t n)
{
	const uint8_t mask[8] = {0xff, 0, 0xff, 0xff, 0, 0, 0x3f, 0xff};
	uint64_t plain = tv_wire32(0x45u << 24 | n);

	if (__BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__) plain <<= 32;
	return (first & tv_native64(mask)) == plain;
}

/* RFC 9293 3.1 [MUST-3]: the addresses at p, the first 32 bytes of the header, and what is behind up to `end`. */
TV_INLINE bool tv_plain_sum_is_right(const uint8_t *p, const uint8_t *end, const enum tv_arch *arch)
{
	/* protocol and length stand side by side here: the sum is that of the pseudo-header */
	uint64_t sum = tv_sum_five(tv_wire32((uint32_t)TV_PROTO_TCP << 16 | (uint32_t)(end - p - 8)), p);

	p += 40;
	if (TV_UNLIKELY(end - p > TV_KERNEL_SMALL)) {
		sum = tv_sum_around(sum, tv_kernel_sum(*arch, p, (size_t)(end - p), 0));
	} else if (p != end) {
		for (; end - p >= 32; p += 32) sum = tv_sum_four(sum, p);
		for (; end - p >= 8; p += 8) sum = tv_sum_around(sum, tv_native64(p));
		if (p != end) sum = tv_sum_around(sum, tv_sum_tail(p, (size_t)(end - p), 0));
	}
	return tv_csum_is_whole(sum);
}

/* Of a packet with n bytes, TV_PLAIN_MIN at least. */
TV_INLINE bool tv_plain_is_syn(const uint8_t *tcp, size_t n)
{
	return n == TV_PLAIN_SYN && tcp[12] == 40 << 2 && (tcp[13] & TV_SYN) != 0 && tv_opt_is_linux_syn(tcp + 20);
}

/* All but s->link; *arch is read where it counts. False: tv_segment_parse_whole() has to look. */
TV_INLINE bool tv_segment_is_plain(struct tv_segment *s, const uint8_t *p, size_t n, uint16_t flags, uint16_t seg_size,
	const enum tv_arch *arch)
{
	const uint8_t *tcp = p + 20;
	uint64_t sum;

	if (TV_UNLIKELY(n - TV_PLAIN_MIN > 65535 - TV_PLAIN_MIN || seg_size != 0)) return false;
	if (!tv_plain_v4_begins(tv_native64(p), (uint32_t)n) || p[9] != TV_PROTO_TCP) return false;
	if ((tcp[12] != 32 << 2 || !tv_opt_is_only_ts(tcp + 20)) && !tv_plain_is_syn(tcp, n)) return false;
	sum = tv_sum_around(tv_sum_around(tv_native64(p), tv_native64(p + 8)), tv_native32(p + 16));
	if (!tv_csum_is_whole(sum)) return false;
	if (!(flags & (TV_PKT_CSUM_OK | TV_PKT_CSUM_PARTIAL)) &&
		!tv_plain_sum_is_right(p + 12, p + n, arch))
		return false;
	tv_key_arrived(&s->key, false, p + 12, tcp);
	if (TV_LIKELY(tcp[12] == 32 << 2)) {
		tv_segment_read_fixed(s, tcp, tcp[13], tcp + 32, (uint32_t)n - TV_PLAIN_MIN);
		tv_opt_read_only_ts(&s->opt, tcp + 20);
	} else {
		tv_segment_read_fixed(s, tcp, tcp[13], tcp + 40, 0);
		tv_opt_read_linux_syn(&s->opt, tcp + 20);
	}
	return true;
}

/* Both headers at once, as tv_segment_parse_whole(). */
static inline bool tv_segment_parse_plain(struct tv_segment *s, const uint8_t *p, size_t n, uint16_t flags,
	uint16_t seg_size, enum tv_arch arch)
{
	s->link = 0;
	return tv_segment_is_plain(s, p, n, flags, seg_size, &arch) ||
		tv_segment_parse_whole(s, p, n, flags, seg_size, arch);
}

#endif
