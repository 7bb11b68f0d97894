/*
 * ip.c - IPv4 and IPv6 headers: bytes <-> values, and what an address is by its bits alone.
 *
 * Nothing is read before its presence was checked, and no length from the wire is used before it
 * was compared with what is there. What a header claims beyond the received bytes is truncation;
 * what was received beyond its claim (padding of a short Ethernet frame) is ignored.
 *
 * IPv4 options are walked only to refuse malformed ones and source routes (RFC 7126 4.3, 4.4);
 * IPv6 extension headers are walked up to 8 headers and 256 bytes, each option by the action that
 * its type asks for (RFC 8200 4.2). Fragments end here: nothing is put together again, but a
 * fragment that is the whole packet is taken (RFC 6946).
 *
 * An IPv6 packet with an IPv4-mapped address is dropped before anyone could take it for the IPv4
 * host of that name (RFC 4942 2.2): above this file both are the same 16 bytes.
 *
 * A packet quoted in an ICMP error passes the same code with `quoted` set: what is there is all
 * that counts, since routers cut it anywhere and have changed its lengths and checksum.
 */
#include "wire/ip.h"
#include "base/key.h"
#include "wire/csum.h"
#include "wire/put.h"

#define EXTENSIONS_MAX 8
#define EXTENSION_BYTES_MAX 256

enum { OPTION_END = 0, OPTION_NOP = 1, OPTION_LSRR = 131, OPTION_SSRR = 137 };
enum { EXT_HOP_BY_HOP = 0, EXT_ROUTING = 43, EXT_FRAGMENT = 44, EXT_DESTINATION = 60 };

/* ------------------------------------------------------------------------------------------ */
/* Addresses                                                                                   */

struct tv_addr tv_addr_v4(uint8_t a, uint8_t b, uint8_t c, uint8_t d)
{
	struct tv_addr addr = {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d}};

	return addr;
}

bool tv_addr_in_prefix(const struct tv_addr *a, const struct tv_addr *prefix, unsigned bits)
{
	unsigned bytes = bits / 8;
	unsigned rest = bits % 8;

	TV_ASSERT(bits <= 128);
	if (memcmp(a->b, prefix->b, bytes) != 0) return false;
	return rest == 0 || (a->b[bytes] ^ prefix->b[bytes]) >> (8 - rest) == 0;
}

/* ------------------------------------------------------------------------------------------ */
/* IPv4                                                                                        */

/* May these options pass? Those that are not understood are ignored. */
static enum tv_verdict v4_options(const uint8_t *p, uint32_t n)
{
	for (uint32_t at = 0, length; at < n; at += length) {
		if (p[at] == OPTION_END) break;
		length = 1;
		if (p[at] == OPTION_NOP) continue;
		/* RFC 7126 4.3.5, 4.4.5: source-routed packets are dropped */
		if (p[at] == OPTION_LSRR || p[at] == OPTION_SSRR) return TV_V_IP_OPTION;
		if (at + 1 >= n) return TV_V_IP_OPTION;
		length = p[at + 1];
		if (length < 2 || length > n - at) return TV_V_IP_OPTION;
		/* RFC 9293 3.9.2 [MUST-50]: whatever else it is, TCP does not look at it */
	}
	return TV_V_OK;
}

/* The rest of a header whose lengths and checksum are right. */
static inline enum tv_verdict v4_values(struct tv_ip *ip, const uint8_t *p, uint32_t header, uint32_t total)
{
	if (tv_load16(p + 6) & 0x3fff) return TV_V_FRAGMENT; /* more fragments, or an offset */
	tv_addr_map(&ip->src, tv_native32(p + 12));
	tv_addr_map(&ip->dst, tv_native32(p + 16));
	ip->payload = p + header;
	ip->len = total - header;
	ip->header_len = (uint16_t)header;
	ip->protocol = p[9];
	ip->ttl = p[8];
	ip->tos = p[1];
	ip->v6 = false;
	return TV_V_OK;
}

static TV_RARE enum tv_verdict v4_with_options(struct tv_ip *ip, const uint8_t *p, uint32_t header,
	uint32_t total)
{
	enum tv_verdict v;

	if (!tv_csum_is_right(tv_csum_add(0, p, header))) return TV_V_BAD_IP_CHECKSUM;
	v = v4_options(p + 20, header - 20);
	return v != TV_V_OK ? v : v4_values(ip, p, header, total);
}

static inline enum tv_verdict v4_parse(struct tv_ip *ip, const uint8_t *p, size_t n, bool quoted)
{
	uint32_t header, total;
	uint64_t sum;

	if (n < 20) return TV_V_TRUNCATED;
	header = (p[0] & 15u) * 4;
	total = tv_load16(p + 2);
	if (header < 20 || total < header) return TV_V_BAD_IP_HEADER;
	if (header > n) return TV_V_TRUNCATED;
	if (total > n) {
		if (!quoted) return TV_V_TRUNCATED;
		total = (uint32_t)n;
	}
	if (quoted) return v4_values(ip, p, header, total);
	if (TV_UNLIKELY(header > 20)) return v4_with_options(ip, p, header, total);
	sum = (uint64_t)tv_native32(p) + tv_native32(p + 4) + tv_native32(p + 8);
	sum += (uint64_t)tv_native32(p + 12) + tv_native32(p + 16);
	if (!tv_csum_is_right(sum)) return TV_V_BAD_IP_CHECKSUM;
	return v4_values(ip, p, header, total);
}

/* ------------------------------------------------------------------------------------------ */
/* IPv6                                                                                        */

/* Options of a hop-by-hop or destination header. */
static enum tv_verdict v6_options(const uint8_t *p, uint32_t n)
{
	for (uint32_t at = 0, length; at < n; at += length) {
		length = 1;
		if (p[at] == 0) continue; /* Pad1 */
		if (n - at < 2 || p[at + 1] > n - at - 2) return TV_V_BAD_EXTENSION;
		length = p[at + 1] + 2u;
		/* RFC 8200 4.2: an unknown option whose upper bits are 00 is skipped, others discard the
		 * packet; the jumbo payload of RFC 2675 is among those. RFC 9293 3.9.2 [MUST-50] */
		if (p[at] >> 6 != 0) return TV_V_BAD_EXTENSION;
	}
	return TV_V_OK;
}

/* One extension header of `length` bytes; all of them are there. */
static enum tv_verdict v6_extension(uint8_t kind, const uint8_t *p, uint32_t length, bool quoted)
{
	switch (kind) {
	case EXT_FRAGMENT:
		/* RFC 6946 4: offset 0 and nothing more to come is the whole packet */
		return (tv_load16(p + 2) & 0xfff9) == 0 ? TV_V_OK : TV_V_FRAGMENT;
	case EXT_ROUTING:
		/* RFC 8200 4.4: segments left mean that we are not the destination; RFC 5095: type 0
		 * is dropped in every case, as an attack by itself */
		return quoted || (p[2] != 0 && p[3] == 0) ? TV_V_OK : TV_V_BAD_EXTENSION;
	default:
		return quoted ? TV_V_OK : v6_options(p + 2, length - 2);
	}
}

static bool v6_is_extension(uint8_t kind)
{
	return kind == EXT_HOP_BY_HOP || kind == EXT_ROUTING || kind == EXT_FRAGMENT ||
		kind == EXT_DESTINATION;
}

/* Walks the extension headers; ip->payload, len, protocol and header_len move behind them. */
static enum tv_verdict v6_walk(struct tv_ip *ip, bool quoted)
{
	for (unsigned count = 0; v6_is_extension(ip->protocol); count++) {
		const uint8_t *p = ip->payload;
		uint8_t kind = ip->protocol;
		uint32_t length;
		enum tv_verdict v;

		if (count == EXTENSIONS_MAX || ip->len < 8) return TV_V_BAD_EXTENSION;
		if (kind == EXT_HOP_BY_HOP && count != 0)
			return TV_V_BAD_EXTENSION; /* RFC 8200 4.1 */
		length = kind == EXT_FRAGMENT ? 8 : (p[1] + 1u) * 8;
		if (length > ip->len) return TV_V_BAD_EXTENSION;
		if (ip->header_len - 40u + length > EXTENSION_BYTES_MAX) return TV_V_BAD_EXTENSION;
		if ((v = v6_extension(kind, p, length, quoted)) != TV_V_OK) return v;
		ip->protocol = p[0];
		ip->payload += length;
		ip->len -= length;
		ip->header_len = (uint16_t)(ip->header_len + length);
	}
	return TV_V_OK;
}

/* Out of line: reading an IPv4 header shall not pay for the registers it needs. */
static TV_APART enum tv_verdict v6_parse(struct tv_ip *ip, const uint8_t *p, size_t n, bool quoted)
{
	if (n < 40) return TV_V_TRUNCATED;
	ip->len = tv_load16(p + 4);
	if (ip->len > n - 40) {
		if (!quoted) return TV_V_TRUNCATED;
		ip->len = (uint32_t)(n - 40);
	}
	memcpy(ip->src.b, p + 8, 16);
	memcpy(ip->dst.b, p + 24, 16);
	if (tv_addr_is_v4(&ip->src) || tv_addr_is_v4(&ip->dst)) return TV_V_MAPPED_ADDRESS;
	ip->payload = p + 40;
	ip->header_len = 40;
	ip->protocol = p[6];
	ip->ttl = p[7];
	ip->tos = (uint8_t)(tv_load16(p) >> 4);
	ip->v6 = true;
	return v6_walk(ip, quoted);
}

/* ------------------------------------------------------------------------------------------ */

static inline enum tv_verdict parse(struct tv_ip *ip, const uint8_t *p, size_t n, bool quoted)
{
	if (n == 0) return TV_V_TRUNCATED;
	if (p[0] >> 4 == 4) return v4_parse(ip, p, n, quoted);
	if (p[0] >> 4 == 6) return v6_parse(ip, p, n, quoted);
	return TV_V_BAD_VERSION;
}

enum tv_verdict tv_ip_parse(struct tv_ip *ip, const uint8_t *p, size_t n)
{
	return parse(ip, p, n, false);
}

enum tv_verdict tv_ip_parse_quoted(struct tv_ip *ip, const uint8_t *p, size_t n)
{
	return parse(ip, p, n, true);
}
