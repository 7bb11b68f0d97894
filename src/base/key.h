/*
 * key.h - the tuple of a connection, packed. Only this file reads or writes a key.
 *
 * A key is 12 bytes for IPv4 and 36 for IPv6: local address, remote address, local port, remote
 * port, all as they are on the wire: what arrives is a key whose halves change places, and what is
 * sent begins with one. A record holds the first 12 bytes; the other 24 of an IPv6 key live in an array beside the
 * records (slot i of the one belongs to slot i of the other), whose pages an IPv4-only stack never
 * touches. The zone (0 for global addresses) and the version are kept by the record.
 *
 * The hash is keyed: NH (sums of products of 32-bit words with a random key, RFC 4418 5.2; the third word and the
 * zone by a key of 64 bits alone), whose upper half is spread by one more product: the index looks at the top bits
 * only (base/table.h). It guards the index, not a secret; where secrecy matters SipHash serves.
 */
#ifndef TV_BASE_KEY_H
#define TV_BASE_KEY_H

#include "base/bytes.h"
#include <trivet/trivet.h>

#define TV_KEY_HEAD 12
#define TV_KEY_REST 24

struct tv_key {
	uint8_t b[TV_KEY_HEAD + TV_KEY_REST];
	bool v6;
	uint8_t zone;
};

/* Key of the index hash: random words. */
struct tv_key_seed {
	uint32_t w[10];
	uint64_t finish;           /* odd */
};

/*
 * An IPv4 address, in network order, as a mapped one. Written in two words of 64 bits, because that is
 * how it is compared: a load that spans several younger stores has to wait until they have left the core.
 */
static inline void tv_addr_map(struct tv_addr *a, uint32_t v4)
{
	bool little = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__;
	uint64_t high = 0, low = little ? (uint64_t)v4 << 32 | 0xffff0000u : 0xffffull << 32 | v4;

	memcpy(a->b, &high, 8);
	memcpy(a->b + 8, &low, 8);
}

/* Of addresses alone; the ports follow. */
static inline void tv_key_addrs(struct tv_key *k, bool v6, uint8_t zone, const struct tv_addr *local,
                                const struct tv_addr *remote)
{
	k->v6 = v6;
	k->zone = zone;
	if (v6) {
		memcpy(k->b, local->b, 16);
		memcpy(k->b + 16, remote->b, 16);
	} else {
		memcpy(k->b, local->b + 12, 4);
		memcpy(k->b + 4, remote->b + 12, 4);
	}
}

/* Both in one store, because the hash reads both in one load (see tv_addr_map). */
static inline void tv_key_ports(struct tv_key *k, uint16_t local, uint16_t remote)
{
	uint32_t both = (uint32_t)local << 16 | remote;

	both = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? __builtin_bswap32(both) : both;
	memcpy(k->b + (k->v6 ? 32 : 8), &both, 4);
}

/* Of a packet that came in: its source is the remote end. addrs: both addresses, as in the IP header. */
static inline void tv_key_arrived(struct tv_key *k, bool v6, const uint8_t *addrs, const uint8_t *ports)
{
	uint32_t both = tv_native32(ports);

	both = both << 16 | both >> 16;
	k->v6 = v6;
	k->zone = 0;
	if (TV_LIKELY(!v6)) {
		uint64_t ends = tv_native64(addrs);

		ends = ends << 32 | ends >> 32;
		memcpy(k->b, &ends, 8);
		memcpy(k->b + 8, &both, 4);
		return;
	}
	memcpy(k->b, addrs + 16, 16);
	memcpy(k->b + 16, addrs, 16);
	memcpy(k->b + 32, &both, 4);
}

static inline uint16_t tv_key_local_port(const struct tv_key *k)
{
	return tv_load16(k->b + (k->v6 ? 32 : 8));
}

static inline uint16_t tv_key_remote_port(const struct tv_key *k)
{
	return tv_load16(k->b + (k->v6 ? 34 : 10));
}

static inline void tv_key_make(struct tv_key *k, bool v6, uint8_t zone, const struct tv_endpoint *local,
                               const struct tv_endpoint *remote)
{
	tv_key_addrs(k, v6, zone, &local->addr, &remote->addr);
	tv_key_ports(k, local->port, remote->port);
}

static inline void tv_key_addr(struct tv_addr *a, const uint8_t *p, bool v6)
{
	if (v6) {
		memcpy(a->b, p, 16);
		return;
	}
	tv_addr_map(a, tv_native32(p));
}

static inline void tv_key_local(const struct tv_key *k, struct tv_endpoint *e)
{
	tv_key_addr(&e->addr, k->b, k->v6);
	e->port = tv_key_local_port(k);
	e->zone = k->zone;
}

static inline void tv_key_remote(const struct tv_key *k, struct tv_endpoint *e)
{
	tv_key_addr(&e->addr, k->b + (k->v6 ? 16 : 4), k->v6);
	e->port = tv_key_remote_port(k);
	e->zone = k->zone;
}

/* Is the remote address of an IPv6 key in fe80::/10? */
static inline bool tv_key_from_link_local(const struct tv_key *k)
{
	return k->b[16] == 0xfe && (k->b[17] & 0xc0) == 0x80;
}

static inline void tv_key_set_local_port(struct tv_key *k, uint16_t port)
{
	tv_store16(k->b + (k->v6 ? 32 : 8), port);
}

/* Record (head of 12 bytes, rest of 24 or unused) <-> key. */
static inline void tv_key_load(struct tv_key *k, const uint8_t *head, const uint8_t *rest, bool v6,
                               uint8_t zone)
{
	memcpy(k->b, head, TV_KEY_HEAD);
	if (v6)
		memcpy(k->b + TV_KEY_HEAD, rest, TV_KEY_REST);
	k->v6 = v6;
	k->zone = zone;
}

/* Both ends, from a record. */
static inline void tv_key_ends(struct tv_endpoint *local, struct tv_endpoint *remote, const uint8_t *head,
                               const uint8_t *rest, bool v6, uint8_t zone)
{
	struct tv_key k;

	if (v6) {
		tv_key_load(&k, head, rest, v6, zone);
		tv_key_local(&k, local);
		tv_key_remote(&k, remote);
		return;
	}
	tv_key_addr(&local->addr, head, false);
	tv_key_addr(&remote->addr, head + 4, false);
	local->port = tv_load16(head + 8);
	remote->port = tv_load16(head + 10);
	local->zone = remote->zone = zone;
}

/* The first 8 octets of the remote address as a number; an IPv4 address stands on top. */
static inline uint64_t tv_key_remote_top(const uint8_t *head, const uint8_t *rest, bool v6)
{
	if (v6)
		return (uint64_t)tv_load32(rest + 4) << 32 | tv_load32(rest + 8);
	return (uint64_t)tv_load32(head + 4) << 32;
}

/* Have both the same local address? */
static inline bool tv_key_same_local_addr(const struct tv_key *a, const struct tv_key *b)
{
	if (a->v6 != b->v6 || a->zone != b->zone)
		return false;
	if (!a->v6)
		return tv_native32(a->b) == tv_native32(b->b);
	return __builtin_memcmp(a->b, b->b, 16) == 0;
}

/* What a header begins with, as it lies in memory: of IPv4 both addresses, both ports; ports of IPv6. */
static inline uint64_t tv_key_ends_v4(const uint8_t *head)
{
	return tv_native64(head);
}

static inline uint32_t tv_key_ports_v4(const uint8_t *head)
{
	return tv_native32(head + 8);
}

/* Both addresses of an IPv6 key, as the header has them behind each other; returns their sum (wire/csum.h). */
static inline uint64_t tv_key_put_v6(uint8_t *p, const uint8_t *head, const uint8_t *rest)
{
	uint64_t a = tv_native64(head), b = tv_native64(rest), c = tv_native64(rest + 8);
	uint32_t d = tv_native32(head + 8), e = tv_native32(rest + 16);

	memcpy(p, &a, 8);
	memcpy(p + 8, &d, 4);
	memcpy(p + 12, &b, 8);
	memcpy(p + 20, &c, 8);
	memcpy(p + 28, &e, 4);
	return (a & 0xffffffffu) + (a >> 32) + (b & 0xffffffffu) + (b >> 32) + (c & 0xffffffffu) + (c >> 32) + d + e;
}

static inline uint32_t tv_key_ports_v6(const uint8_t *rest)
{
	return tv_native32(rest + TV_KEY_REST - 4);
}

static inline void tv_key_store(const struct tv_key *k, uint8_t *head, uint8_t *rest)
{
	memcpy(head, k->b, TV_KEY_HEAD);
	if (k->v6)
		memcpy(rest, k->b + TV_KEY_HEAD, TV_KEY_REST);
}

static inline bool tv_key_matches(const struct tv_key *k, const uint8_t *head, const uint8_t *rest,
                                  bool v6, uint8_t zone)
{
	if (k->v6 != v6 || k->zone != zone || __builtin_memcmp(k->b, head, TV_KEY_HEAD) != 0)
		return false;
	return !v6 || __builtin_memcmp(k->b + TV_KEY_HEAD, rest, TV_KEY_REST) == 0;
}

/* The same of two IPv4 keys without a zone, read in words. */
static inline bool tv_key_same_v4(const struct tv_key *k, const uint8_t *head)
{
	return tv_native64(k->b) == tv_native64(head) && tv_native32(k->b + 8) == tv_native32(head + 8);
}

static inline uint64_t tv_key_nh(uint32_t a, uint32_t b, uint32_t ka, uint32_t kb)
{
	return (uint64_t)(a + ka) * (b + kb);
}

/* The first three words of a key, the zone above the third. */
static inline uint64_t tv_key_nh_head(uint32_t a, uint32_t b, uint64_t c, const struct tv_key_seed *s)
{
	return tv_key_nh(a, b, s->w[0], s->w[1]) + c * tv_native64(&s->w[2]);
}

static inline uint64_t tv_key_spread(uint64_t h, const struct tv_key_seed *s)
{
	return (h ^ h >> 32) * s->finish;
}

/* Of the key of a record. */
static inline uint64_t tv_key_hash_of(const uint8_t *head, const uint8_t *rest, bool v6, uint8_t zone,
                                      const struct tv_key_seed *s)
{
	uint64_t h = tv_key_nh_head(tv_native32(head), tv_native32(head + 4),
	                            tv_native32(head + 8) | (uint64_t)zone << 32, s);

	if (v6)
		for (unsigned i = 0; i < 3; i++)
			h += tv_key_nh(tv_native32(rest + 8 * i), tv_native32(rest + 4 + 8 * i), s->w[4 + 2 * i],
			               s->w[5 + 2 * i]);
	return tv_key_spread(h, s);
}

/* Of the IPv4 key that tv_key_arrived() would make of this. */
static inline uint64_t tv_key_hash_arrived_v4(const uint8_t *addrs, const uint8_t *ports, const struct tv_key_seed *s)
{
	uint32_t both = tv_native32(ports);

	both = both << 16 | both >> 16;
	return tv_key_spread(tv_key_nh_head(tv_native32(addrs + 4), tv_native32(addrs), both, s), s);
}

static inline uint64_t tv_key_hash(const struct tv_key *k, const struct tv_key_seed *s)
{
	return tv_key_hash_of(k->b, k->b + TV_KEY_HEAD, k->v6, k->zone, s);
}

#endif
