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
#include "wire/segment.h"
#include "wire/csum.h"
#include "arch/kernel.h"
#include "arch/kernels.h"
#include "base/bytes.h"
#include "base/key.h"

static bool checksum_is_right(const struct tv_ip *ip, enum tv_arch arch)
{
	uint64_t sum = tv_csum_pseudo(&ip->src, &ip->dst, ip->v6, TV_PROTO_TCP, ip->len);

	if (ip->len <= TV_KERNEL_SMALL)
		return tv_csum_is_right(tv_sum_small(ip->payload, ip->len, sum));
	return tv_csum_is_right(tv_kernel_sum(arch, ip->payload, ip->len, sum));
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
	if (ip->v6) {
		s->src = ip->src;
		s->dst = ip->dst;
	} else {
		tv_addr_map(&s->src, tv_native32(ip->src.b + 12));
		tv_addr_map(&s->dst, tv_native32(ip->dst.b + 12));
	}
	s->sport = tv_load16(p);
	s->dport = tv_load16(p + 2);
	s->seq = tv_load32(p + 4);
	s->ack = tv_load32(p + 8);
	s->flags = tv_load16(p + 12) & 0x1ff; /* RFC 9293 3.1: reserved bits are ignored */
	s->wnd = tv_load16(p + 14);
	s->urg = tv_load16(p + 18);
	s->text = p + header;
	s->len = ip->len - header;
	s->ttl = ip->ttl;
	s->tos = ip->tos;
	s->zone = 0;
	s->link = 0;
	s->v6 = ip->v6;
	s->seg_size = s->len > seg_size ? seg_size : 0;
	if (s->seg_size != 0 && s->flags & (TV_SYN | TV_RST)) return TV_V_BAD_METADATA;
	return tv_tcp_opt_parse(&s->opt, p + 20, header - 20, (s->flags & TV_SYN) != 0);
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
