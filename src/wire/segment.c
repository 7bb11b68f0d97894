/*
 * segment.c - a TCP segment read from an IP packet: the last place where header bytes are seen.
 *
 * The order is that of trust: the header must be there, then the checksum must be right, and only
 * then the rest is read. A checksum is not looked at where the link vouches for it (it verified it,
 * or the segment never left this machine and holds the pseudo-header's sum only).
 *
 * A super-segment (several segments merged by the link, up to 64 KB) is one segment with a long
 * text; `seg_size` remembers how long the merged ones were. Merging never touches a SYN or RST, so
 * metadata that says it did is not believed.
 *
 * No checks of flags, windows or states are made here: a segment that parses is a fact, and whether
 * it makes sense is for the connection to say.
 */
#include "wire/plain.h"

/* A sum over n bytes, added to that of a pseudo-header. */
static inline bool sum_is_right(const uint8_t *p, size_t n, uint64_t sum, enum tv_arch arch)
{
	if (n <= TV_KERNEL_SMALL) return tv_csum_is_whole(tv_sum_small(p, n, sum));
	return tv_csum_is_whole(tv_kernel_sum(arch, p, n, sum));
}

static bool checksum_is_right(const struct tv_ip *ip, enum tv_arch arch)
{
	uint64_t sum = tv_csum_pseudo(&ip->src, &ip->dst, ip->v6, TV_PROTO_TCP, ip->len);

	return sum_is_right(ip->payload, ip->len, sum, arch);
}

/* All fields of a header that is there (`header` bytes of `len`) but for the key. */
TV_INLINE enum tv_verdict read_fields(struct tv_segment *s, const uint8_t *p, uint32_t header,
	uint32_t len, uint16_t seg_size)
{
	/* RFC 9293 3.1: reserved bits are ignored */
	tv_segment_read_fixed(s, p, tv_load16(p + 12) & 0x1ff, p + header, len - header);
	s->link = 0;
	if (TV_UNLIKELY(seg_size != 0) && s->len > seg_size) {
		s->seg_size = seg_size;
		if (s->flags & (TV_SYN | TV_RST)) return TV_V_BAD_METADATA;
	}
	return tv_tcp_opt_parse(&s->opt, p + 20, header - 20, (s->flags & TV_SYN) != 0);
}

enum tv_verdict tv_segment_parse(struct tv_segment *s, const struct tv_ip *ip, uint16_t flags,
	uint16_t seg_size, enum tv_arch arch)
{
	const uint8_t *p = ip->payload;
	uint32_t header;

	if (ip->len < 20) return TV_V_TRUNCATED;
	header = (p[12] >> 4) * 4u;
	if (header < 20 || header > ip->len) return TV_V_BAD_TCP_HEADER;
	if (!(flags & (TV_PKT_CSUM_OK | TV_PKT_CSUM_PARTIAL)) && !checksum_is_right(ip, arch))
		return TV_V_BAD_TCP_CHECKSUM; /* RFC 9293 3.1 [MUST-3] */
	tv_key_addrs(&s->key, ip->v6, 0, &ip->dst, &ip->src);
	tv_key_ports(&s->key, tv_load16(p + 2), tv_load16(p));
	return read_fields(s, p, header, ip->len, seg_size);
}

/*
 * A segment without text whose header has its usual length, so that all lengths are known: an acknowledgment
 * with timestamps (32), a SYN with the options of Linux (40).
 */
TV_INLINE bool is_bare(const uint8_t *tcp, uint32_t header)
{
	if (tcp[12] >> 4 != header / 4) return false;
	if (header == 32) return tv_opt_is_only_ts(tcp + 20);
	return (tcp[13] & TV_SYN) != 0 && tv_opt_is_linux_syn(tcp + 20);
}

/* RFC 9293 3.1 [MUST-3]; sum: that of the addresses. */
TV_INLINE bool bare_sum_is_right(const uint8_t *tcp, uint32_t header, uint64_t sum)
{
	sum = tv_sum_four(sum, tcp);
	if (header == 40) sum = tv_sum_around(sum, tv_native64(tcp + 32));
	return tv_csum_is_whole(tv_sum_around(sum, (uint64_t)tv_wire32(TV_PROTO_TCP) + tv_wire32(header)));
}

TV_INLINE void read_bare(struct tv_segment *s, const uint8_t *tcp, uint32_t header)
{
	tv_segment_read_fixed(s, tcp, tv_load16(tcp + 12) & 0x1ff, tcp + header, 0);
	s->link = 0;
	if (header == 32)
		tv_opt_read_only_ts(&s->opt, tcp + 20);
	else
		tv_opt_read_linux_syn(&s->opt, tcp + 20);
}

static TV_APART bool plain_v4(struct tv_segment *s, const uint8_t *p, size_t n, uint16_t flags,
	uint16_t seg_size, enum tv_arch arch)
{
	const uint8_t *tcp = p + 20;
	uint32_t total, header, len;
	uint64_t sum;

	if (p[0] != 0x45 || p[9] != TV_PROTO_TCP) return false;
	total = tv_load16(p + 2);
	header = (tcp[12] >> 4) * 4u;
	len = total - 20 - header;
	if (total > n || header < 20 || len > UINT16_MAX) return false;
	if ((tv_load16(p + 6) & 0x3fff) != 0) return false; /* more fragments, or an offset */
	sum = tv_sum_around(tv_native64(p), tv_native64(p + 8));
	if (!tv_csum_is_whole(tv_sum_around(sum, tv_native32(p + 16)))) return false;
	if (!(flags & (TV_PKT_CSUM_OK | TV_PKT_CSUM_PARTIAL))) {
		/* RFC 9293 3.1 [MUST-3]; the addresses of the pseudo-header stand before the TCP header */
		sum = (uint64_t)tv_wire32(TV_PROTO_TCP) + tv_wire32(total - 20);
		if (!tv_csum_is_whole(tv_kernel_sum(arch, p + 12, total - 12, sum))) return false;
	}
	tv_key_arrived(&s->key, false, p + 12, tcp);
	return read_fields(s, tcp, header, total - 20, seg_size) == TV_V_OK;
}

static bool is_mapped(const uint8_t *addr)
{
	static const uint8_t prefix[12] = {[10] = 0xff, [11] = 0xff};

	return __builtin_memcmp(addr, prefix, sizeof prefix) == 0;
}

static TV_APART bool plain_v6(struct tv_segment *s, const uint8_t *p, size_t n, uint16_t flags,
	uint16_t seg_size, enum tv_arch arch)
{
	const uint8_t *tcp = p + 40;
	uint32_t len, header;
	uint64_t sum;

	if (n < 60 || p[6] != TV_PROTO_TCP) return false;
	len = tv_load16(p + 4);
	header = (tcp[12] >> 4) * 4u;
	if (len > n - 40 || header < 20 || header > len) return false;
	if (is_mapped(p + 8) || is_mapped(p + 24)) return false;
	if (!(flags & (TV_PKT_CSUM_OK | TV_PKT_CSUM_PARTIAL))) {
		sum = (uint64_t)tv_wire32(TV_PROTO_TCP) + tv_wire32(len);
		sum = tv_sum_small(p + 8, 32, sum);
		if (!sum_is_right(tcp, len, sum, arch)) return false; /* RFC 9293 3.1 [MUST-3] */
	}
	tv_key_arrived(&s->key, true, p + 8, tcp);
	return read_fields(s, tcp, header, len, seg_size) == TV_V_OK;
}

/* In IPv6 without text; addresses that begin with zeros are left to those who look closer. */
TV_INLINE bool plain_bare_v6(struct tv_segment *s, const uint8_t *p, uint16_t flags, uint32_t header)
{
	uint64_t from = tv_native64(p + 8), to = tv_native64(p + 24), sum;

	if (!tv_word_is(p + 4, 0xffffff00, header << 16 | TV_PROTO_TCP << 8) || from == 0 || to == 0) return false;
	if (!is_bare(p + 40, header)) return false;
	sum = tv_sum_around(tv_sum_around(from, tv_native64(p + 16)), to);
	sum = tv_sum_around(sum, tv_native64(p + 32));
	if (!(flags & (TV_PKT_CSUM_OK | TV_PKT_CSUM_PARTIAL)) && !bare_sum_is_right(p + 40, header, sum)) return false;
	tv_key_arrived(&s->key, true, p + 8, p + 40);
	read_bare(s, p + 40, header);
	return true;
}

static TV_APART bool parse_v6(struct tv_segment *s, const uint8_t *p, size_t n, uint16_t flags,
	uint16_t seg_size, enum tv_arch arch)
{
	if (n == 72 && TV_LIKELY(plain_bare_v6(s, p, flags, 32))) return true;
	if (n == 80 && TV_LIKELY(plain_bare_v6(s, p, flags, 40))) return true;
	return plain_v6(s, p, n, flags, seg_size, arch);
}

bool tv_segment_parse_whole(struct tv_segment *s, const uint8_t *p, size_t n, uint16_t flags,
	uint16_t seg_size, enum tv_arch arch)
{
	if (n < 40) return false;
	if (p[0] >> 4 != 6) return plain_v4(s, p, n, flags, seg_size, arch);
	return parse_v6(s, p, n, flags, seg_size, arch);
}

bool tv_segment_parse_quoted(const struct tv_ip *ip, uint16_t *sport, uint16_t *dport,
	uint32_t *seq)
{
	if (ip->protocol != TV_PROTO_TCP || ip->len < 8) return false;
	*sport = tv_load16(ip->payload);
	*dport = tv_load16(ip->payload + 2);
	*seq = tv_load32(ip->payload + 4);
	return true;
}
