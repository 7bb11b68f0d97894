/*
 * ip.h - IPv4 and IPv6 headers. Above this file an address is 16 bytes and the version is one bit.
 */
#ifndef TV_WIRE_IP_H
#define TV_WIRE_IP_H

#include "wire/csum.h"
#include <trivet/trivet.h>

enum { TV_PROTO_ICMP = 1, TV_PROTO_TCP = 6, TV_PROTO_UDP = 17, TV_PROTO_ICMP6 = 58 };

struct tv_ip {
	struct tv_addr src, dst;
	const uint8_t *payload;    /* behind all headers */
	uint32_t len;              /* of the payload, bytes */
	uint16_t header_len;       /* all IP headers, extension headers included */
	uint8_t protocol, ttl, tos;
	bool v6;
};

static inline bool tv_addr_is_v4(const struct tv_addr *a)
{
	static const uint8_t prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

	return __builtin_memcmp(a->b, prefix, 12) == 0;
}

static inline bool tv_addr_is_any(const struct tv_addr *a)
{
	static const struct tv_addr zero;

	return __builtin_memcmp(a->b, zero.b, 16) == 0;
}

static inline bool tv_addr_equal(const struct tv_addr *a, const struct tv_addr *b)
{
	return __builtin_memcmp(a->b, b->b, 16) == 0;
}

struct tv_addr tv_addr_v4(uint8_t a, uint8_t b, uint8_t c, uint8_t d);

/* 224/4, ff00::/8 */
static inline bool tv_addr_is_multicast(const struct tv_addr *a)
{
	return tv_addr_is_v4(a) ? (a->b[12] & 0xf0) == 0xe0 : a->b[0] == 0xff;
}

/* 169.254/16, fe80::/10 */
static inline bool tv_addr_is_link_local(const struct tv_addr *a)
{
	if (tv_addr_is_v4(a)) return a->b[12] == 169 && a->b[13] == 254;
	return a->b[0] == 0xfe && (a->b[1] & 0xc0) == 0x80;
}

/* 127/8, ::1 */
static inline bool tv_addr_is_loopback(const struct tv_addr *a)
{
	static const struct tv_addr one = {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}};

	return tv_addr_is_v4(a) ? a->b[12] == 127 : tv_addr_equal(a, &one);
}

/* Of an IPv4 address with this first octet: RFC 1122 3.2.1.3 [MUST-63] */
static inline bool tv_v4_is_valid_source(uint8_t first)
{
	return first != 0 && first < 224 && first != 127;
}

/* May this be the source of a unicast packet: not any, 0/8, 127/8, multicast, 240/4, broadcast, ::1. */
static inline bool tv_addr_is_valid_source(const struct tv_addr *a)
{
	if (tv_addr_is_v4(a))
		return tv_v4_is_valid_source(a->b[12]);
	/* RFC 4291 2.5.2, 2.7 */
	return !tv_addr_is_loopback(a) && !tv_addr_is_any(a) && !tv_addr_is_multicast(a);
}

/* Do the first bits (0..128, of the 16-byte form) agree? */
bool tv_addr_in_prefix(const struct tv_addr *a, const struct tv_addr *prefix, unsigned bits);

/*
 * Reads the IP header(s) at p. TV_V_OK, or TRUNCATED, BAD_VERSION, BAD_IP_HEADER, BAD_IP_CHECKSUM,
 * IP_OPTION (source route or malformed, RFC 7126), FRAGMENT, BAD_EXTENSION (more than 8 headers or
 * 256 bytes), MAPPED_ADDRESS. Bytes behind the IP length are ignored. Atomic fragments are taken.
 */
enum tv_verdict tv_ip_parse(struct tv_ip *ip, const uint8_t *p, size_t n);
/* The same for a packet quoted in an ICMP error: it may be cut anywhere behind the addresses and
 * ports, lengths may be larger than what is there, and checksums are not looked at (RFC 5927). */
enum tv_verdict tv_ip_parse_quoted(struct tv_ip *ip, const uint8_t *p, size_t n);

/* Length of the header that tv_ip_build() writes: 20 or 40. */
static inline uint32_t tv_ip_header_len(bool v6)
{
	return v6 ? 40 : 20;
}

/* What packets with the same `tos`, protocol and TTL have in common. */
struct tv_ip4_mould {
	uint32_t first;            /* the first word, for a packet of no octet */
	uint32_t third;            /* the third, without the checksum, as it lies in memory */
};

static inline struct tv_ip4_mould tv_ip4_mould(uint8_t protocol, uint8_t ttl, uint8_t tos)
{
	/* RFC 9293 3.9.2 [SHLD-22]: `tos` goes out as it came */
	return (struct tv_ip4_mould){.first = 0x45u << 24 | (uint32_t)tos << 16,
	                             .third = tv_wire_octet(ttl, 0) | tv_wire_octet(protocol, 1)};
}

/* A header (no options) for a packet of so many octets, itself among them, which 16 bits can say; ends: source and
 * destination, as they lie in memory side by side. */
static inline void tv_ip4_cast(uint8_t *p, struct tv_ip4_mould m, uint64_t ends, uint32_t octets)
{
	/* RFC 6864 4.1: an atomic datagram (DF is set), whose ID means nothing [MAY-4] */
	uint64_t begin = tv_put_pair(p, m.first + octets, 0x4000);

	memcpy(p + 8, &m.third, 4);
	memcpy(p + 12, &ends, 8);
	/* the inner sum has no carry: of the first word of 64 bits both the first octet and the last are small */
	tv_csum_store(p + 10, tv_csum_around(begin + m.third, ends));
}

/* The IPv4 form of tv_ip_build(). */
static inline void tv_ip4_build(uint8_t *p, uint64_t ends, uint8_t protocol, uint32_t len, uint8_t ttl, uint8_t tos)
{
	TV_ASSERT(len <= 65535 - 20);
	tv_ip4_cast(p, tv_ip4_mould(protocol, ttl, tos), ends, 20 + len);
}

/* The IPv6 form, without the addresses, which follow at p + 8. */
static inline void tv_ip6_build(uint8_t *p, uint8_t protocol, uint32_t len, uint8_t ttl, uint8_t tos)
{
	TV_ASSERT(len <= 65535);
	tv_put32(p, 6u << 28 | (uint32_t)tos << 20); /* RFC 9293 3.9.2 [SHLD-22]: `tos` goes out as it came */
	tv_put32(p + 4, len << 16 | (uint32_t)protocol << 8 | ttl);
}

/*
 * Writes a header (no options, DF set, ID 0 as RFC 6864 allows for atomic datagrams) for `len` bytes
 * of payload; for a super-segment beyond 65535 the caller splits first. Returns its length.
 */
static inline uint32_t tv_ip_build(uint8_t *p, const struct tv_addr *src, const struct tv_addr *dst,
	uint8_t protocol, uint32_t len, uint8_t ttl, uint8_t tos)
{
	uint64_t ends;

	if (!tv_addr_is_v4(dst)) {
		tv_ip6_build(p, protocol, len, ttl, tos);
		memcpy(p + 8, src->b, 16);
		memcpy(p + 24, dst->b, 16);
		return 40;
	}
	memcpy(&ends, src->b + 12, 4);
	memcpy((uint8_t *)&ends + 4, dst->b + 12, 4);
	tv_ip4_build(p, ends, protocol, len, ttl, tos);
	return 20;
}

#endif
