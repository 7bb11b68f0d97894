/*
 * packet.c - from a captured record to a segment or an ICMP error, whatever link it was seen on.
 *
 * Captures are cut (a snap length), come from hosts that leave checksums and segmentation to the
 * card, and hold packets that no stack would take. So this is more tolerant than wire/segment.c: the
 * IP header is read as one that is quoted in an ICMP error would be, checksums are not looked at
 * (those of the capturing host's own packets are often not filled in yet), and a TCP header counts
 * from its first 14 bytes on. Options that were cut off are marked as such, so that nobody concludes
 * from an option that is missing.
 *
 * Lengths come from the IP header, not from what was captured; a length of 0 (a super-segment beyond
 * 64 KB) is taken from the record. The first fragment of a datagram is read for its header, with the
 * length of its own part; later fragments hold no ports and are only counted.
 *
 * Link types: Ethernet with any number of VLAN tags and PPPoE, PPP, Linux cooked 1 and 2, loopback
 * in either byte order, raw IP.
 */
#include "diagnose/packet.h"

#include <string.h>

#include "wire/eth.h"

enum {
	LINK_NULL = 0, LINK_ETHERNET = 1, LINK_PPP = 9, LINK_RAW_12 = 12, LINK_RAW_14 = 14,
	LINK_PPP_HDLC = 50, LINK_PPPOE = 51, LINK_RAW = 101, LINK_LOOP = 108, LINK_SLL = 113,
	LINK_IPV4 = 228, LINK_IPV6 = 229, LINK_SLL2 = 276
};
enum { TYPE_QINQ = 0x88a8, TYPE_QINQ_OLD = 0x9100, TYPE_PPPOE = 0x8864, TAGS_MAX = 8 };
enum { FLAGS_BEHIND = 14, OPTIONS_MAX = 40, FIRST_BYTES = 256 };

static uint16_t load16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static uint32_t load32(const uint8_t *p)
{
	return (uint32_t)load16(p) << 16 | load16(p + 2);
}

/* ------------------------------------------------------------------------------------------ */
/* The link                                                                                    */

/* PPP's protocol field at `at`; one byte when its first bit says so (RFC 1661 6.5). */
static uint32_t behind_ppp(const uint8_t *p, uint32_t n, uint32_t at)
{
	uint16_t protocol;

	if (n - at >= 2 && p[at] == 0xff && p[at + 1] == 0x03)
		at += 2;
	if (n < at + 2)
		return 0;
	if (p[at] & 1)
		return p[at] == 0x21 || p[at] == 0x57 ? at + 1 : 0;
	protocol = load16(p + at);
	return protocol == 0x0021 || protocol == 0x0057 ? at + 2 : 0;
}

/* What stands behind an Ethernet type at `at - 2`: tags and PPPoE are walked. 0: not IP. */
static uint32_t behind_type(const uint8_t *p, uint32_t n, uint32_t at, uint16_t type)
{
	for (unsigned tags = 0; tags < TAGS_MAX; tags++) {
		if (type == TV_ETH_IP4 || type == TV_ETH_IP6)
			return at;
		if (type == TYPE_PPPOE)
			return n >= at + 8 ? behind_ppp(p, n, at + 6) : 0;
		if (type != TV_ETH_VLAN && type != TYPE_QINQ && type != TYPE_QINQ_OLD)
			return 0;
		if (n < at + 4)
			return 0;
		type = load16(p + at + 2);
		at += 4;
	}
	return 0;
}

enum { NOT_IP = -1, NOT_KNOWN = -2 };

/* Where the IP header begins. */
static int64_t find_ip(const struct packet_record *r)
{
	const uint8_t *p = r->data;
	uint32_t n = r->len, at = 0;

	switch (r->link_type) {
	case LINK_RAW_12: case LINK_RAW_14: case LINK_RAW: case LINK_IPV4: case LINK_IPV6:
		return 0;
	case LINK_NULL: case LINK_LOOP:
		return n > 4 ? 4 : NOT_IP;
	case LINK_ETHERNET:
		at = n >= 14 ? behind_type(p, n, 14, load16(p + 12)) : 0;
		break;
	case LINK_SLL:
		at = n >= 16 ? behind_type(p, n, 16, load16(p + 14)) : 0;
		break;
	case LINK_SLL2:
		at = n >= 20 ? behind_type(p, n, 20, load16(p)) : 0;
		break;
	case LINK_PPP: case LINK_PPP_HDLC:
		at = n >= 2 ? behind_ppp(p, n, 0) : 0;
		break;
	case LINK_PPPOE:
		at = n >= 8 ? behind_ppp(p, n, 6) : 0;
		break;
	default:
		return NOT_KNOWN;
	}
	return at ? (int64_t)at : NOT_IP;
}

/* ------------------------------------------------------------------------------------------ */
/* TCP                                                                                         */

/* Options as far as they are there: walked here to see where a cut falls and what is padding. */
static void read_options(struct packet *p, const uint8_t *o, uint32_t n, uint32_t have)
{
	uint32_t whole = 0, run = 0, length;

	p->options_cut = have < n;
	if (have > n)
		have = n;
	while (whole < have && o[whole] != 0) {
		length = 1;
		if (o[whole] == 1) {
			if (++run > p->nops)
				p->nops = (uint8_t)run;
		} else {
			run = 0;
			if (whole + 1 >= have)
				break;
			length = o[whole + 1];
		}
		if (length == 0 || length > have - whole)
			break;
		whole += length;
	}
	/* Everything before `whole` is well formed, so this only reads values. */
	if (tv_tcp_opt_parse(&p->opt, o, whole, (p->flags & TV_SYN) != 0) != TV_V_OK)
		p->opt.has = 0;
}

static bool read_tcp(struct packet *p, const struct tv_ip *ip, uint32_t total)
{
	const uint8_t *t = ip->payload;
	uint32_t header;

	if (ip->len < FLAGS_BEHIND)
		return false;
	header = (t[12] >> 4) * 4u;
	if (header < 20 || header > total)
		return false;
	p->kind = PACKET_TCP;
	p->sport = load16(t);
	p->dport = load16(t + 2);
	p->seq = load32(t + 4);
	p->ack = load32(t + 8);
	p->flags = load16(t + 12) & 0x1ff;
	p->len = total - header;
	if (ip->len >= 16)
		p->wnd = load16(t + 14);
	p->window_cut = ip->len < 16;
	if (header > 20 && ip->len >= 20)
		read_options(p, t + 20, header - 20, ip->len - 20);
	else
		p->options_cut = header > 20;
	return true;
}

/* ------------------------------------------------------------------------------------------ */
/* ICMP                                                                                        */

/*
 * What is there of the quoted packet when the capture ends before its ports: where it went, or a part of that, or
 * nothing. It came from where the error goes (RFC 792; RFC 4443 2.2).
 */
static bool read_short_quote(struct packet *p, bool v6, const uint8_t *q, uint32_t n)
{
	uint32_t header = v6 ? 40 : n ? (q[0] & 15) * 4u : 0, dst_at = v6 ? 24 : 16, addr = v6 ? 16 : 4;
	uint32_t protocol_at = v6 ? 6 : 9, have = n > dst_at ? n - dst_at : 0;

	if (!p->cut || n == 0 || q[0] >> 4 != (v6 ? 6 : 4) || (n > protocol_at && q[protocol_at] != TV_PROTO_TCP))
		return false;
	if (have > addr)
		have = addr;
	p->quoted_src = p->dst;
	p->quoted_dst = tv_addr_v4(0, 0, 0, 0);
	if (v6)
		memset(p->quoted_dst.b, 0, 16);
	memcpy(p->quoted_dst.b + (v6 ? 0 : 12), q + dst_at, have);
	p->quoted_dst_have = (uint8_t)(have + (v6 ? 0 : 12));
	if (header >= 20 && n >= header + 2)
		p->sport = load16(q + header);
	p->quote_cut = true;
	p->kind = PACKET_ICMP;
	return p->icmp != TV_ICMP_TOO_BIG;
}

static bool read_icmp(struct packet *p, const struct tv_ip *ip)
{
	const uint8_t *m = ip->payload;
	struct tv_ip quoted;

	if (ip->len < 8)
		return false;
	p->icmp_type = m[0];
	p->icmp_code = m[1];
	p->icmp = tv_icmp_kind(ip->v6, m[0], m[1]);
	if (p->icmp < TV_ICMP_NET)
		return false;
	if (tv_ip_parse_quoted(&quoted, m + 8, ip->len - 8) != TV_V_OK || quoted.v6 != ip->v6 ||
		(quoted.len < 4 && p->cut))
		return read_short_quote(p, ip->v6, m + 8, ip->len - 8);
	if (!tv_segment_parse_quoted(&quoted, &p->sport, &p->dport, &p->seq)) {
		/* Of a short capture the ports are enough. */
		if (quoted.protocol != TV_PROTO_TCP || quoted.len < 4 || !p->cut)
			return false;
		p->sport = load16(quoted.payload);
		p->dport = load16(quoted.payload + 2);
		p->seq_cut = true;
	}
	p->quoted_src = quoted.src;
	p->quoted_dst = quoted.dst;
	if (p->icmp == TV_ICMP_TOO_BIG)
		p->mtu = ip->v6 ? load32(m + 4) : load16(m + 6);
	p->kind = PACKET_ICMP;
	return true;
}

/* ------------------------------------------------------------------------------------------ */
/* IP                                                                                          */

/* Where the fragment field of an IPv6 packet stands; 0: none, or too far behind. */
static uint32_t fragment_header(const uint8_t *ip, uint32_t n)
{
	uint32_t at = 40;
	uint8_t next = ip[6];

	for (unsigned i = 0; i < 8 && at + 8 <= n; i++) {
		if (next == 44)
			return at;
		if (next != 0 && next != 43 && next != 60)
			return 0;
		next = ip[at];
		at += (ip[at + 1] + 1u) * 8;
	}
	return 0;
}

/*
 * The first fragment is read as if it were whole: a copy of its headers, with the fragment fields
 * cleared. True: ip holds it.
 */
static bool read_fragment(struct tv_ip *ip, const uint8_t *data, uint32_t n, uint8_t copy[FIRST_BYTES])
{
	uint32_t have = n < FIRST_BYTES ? n : FIRST_BYTES, at;

	memcpy(copy, data, have);
	if (copy[0] >> 4 == 4) {
		if (load16(copy + 6) & 0x1fff)
			return false;
		copy[6] &= 0xc0;
	} else {
		at = fragment_header(copy, have);
		if (at == 0 || load16(copy + at + 2) & 0xfff8)
			return false;
		copy[at + 2] = copy[at + 3] = 0;
	}
	return tv_ip_parse_quoted(ip, copy, have) == TV_V_OK;
}

static bool read_ip(struct packet *p, uint32_t wire)
{
	uint8_t copy[FIRST_BYTES];
	struct tv_ip ip;
	enum tv_verdict v = tv_ip_parse_quoted(&ip, p->ip, p->ip_have);
	uint32_t total;

	if (v == TV_V_FRAGMENT && !read_fragment(&ip, p->ip, p->ip_have, copy)) {
		p->kind = PACKET_FRAGMENT;
		return false;
	}
	if (v != TV_V_OK && v != TV_V_FRAGMENT)
		return false;
	p->kind = PACKET_REST;
	p->src = ip.src;
	p->dst = ip.dst;
	p->v6 = ip.v6;
	p->ttl = ip.ttl;
	p->dont_fragment = ip.v6 || (p->ip[6] & 0x40);
	total = ip.v6 ? load16(p->ip + 4) + 40u : load16(p->ip + 2);
	if (total == (ip.v6 ? 40u : 0u))
		total = wire;
	if (total < ip.header_len)
		return false;
	if (ip.protocol == TV_PROTO_TCP)
		return read_tcp(p, &ip, total - ip.header_len);
	if (ip.protocol == (ip.v6 ? TV_PROTO_ICMP6 : TV_PROTO_ICMP))
		return read_icmp(p, &ip);
	return false;
}

/* An IPv4 header with total length 0 is one of a super-segment: its length is the record's. */
static bool read_super(struct packet *p, uint32_t wire)
{
	uint8_t copy[FIRST_BYTES];
	const uint8_t *ip = p->ip;
	bool read;

	if (p->ip_have < 20 || ip[0] >> 4 != 4 || load16(ip + 2) != 0)
		return false;
	memcpy(copy, ip, p->ip_have < FIRST_BYTES ? p->ip_have : FIRST_BYTES);
	copy[2] = copy[3] = 0xff;
	p->ip = copy;
	if (p->ip_have > FIRST_BYTES)
		p->ip_have = FIRST_BYTES;
	read = read_ip(p, wire);
	p->ip = ip;
	if (read && p->kind == PACKET_TCP && wire > 0xffff)
		p->len += wire - 0xffff;
	else if (read && p->kind == PACKET_TCP)
		p->len -= p->len < 0xffff - wire ? p->len : 0xffff - wire;
	return read;
}

bool packet_read(struct packet *p, const struct packet_record *record)
{
	int64_t at = find_ip(record);
	uint32_t wire;

	memset(p, 0, sizeof *p);
	p->number = record->number;
	p->time = record->time;
	p->kind = at == NOT_KNOWN ? PACKET_UNKNOWN_LINK : PACKET_NONE;
	p->cut = record->len < record->wire_len;
	if (record->link_type == LINK_SLL2 && record->len >= 20) {
		p->cooked2 = true;
		p->cooked_type = record->data[10];
		p->cooked_index = load32(record->data + 4);
	}
	if (at < 0 || at >= record->len)
		return false;
	p->ip = record->data + at;
	p->ip_have = record->len - (uint32_t)at;
	wire = record->wire_len - (uint32_t)at;
	if (p->ip_have >= 20 && p->ip[0] >> 4 == 4 && load16(p->ip + 2) == 0)
		return read_super(p, wire);
	return read_ip(p, wire);
}
