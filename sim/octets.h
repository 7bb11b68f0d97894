/*
 * octets.h - big-endian fields and the Internet checksum, for the hosts and boxes of the simulation that
 * are no stacks.
 */
#ifndef TRIVET_SIM_OCTETS_H
#define TRIVET_SIM_OCTETS_H

#include <stdint.h>

static inline void store16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static inline void store32(uint8_t *p, uint32_t v)
{
	store16(p, v >> 16);
	store16(p + 2, v);
}

static inline uint32_t load16(const uint8_t *p)
{
	return (uint32_t)p[0] << 8 | p[1];
}

static inline uint32_t load32(const uint8_t *p)
{
	return load16(p) << 16 | load16(p + 2);
}

/* The sum of RFC 1071, not yet folded. */
static inline uint32_t octets_sum(const uint8_t *p, uint32_t len, uint32_t start)
{
	for (uint32_t i = 0; i + 1 < len; i += 2)
		start += load16(p + i);
	return len & 1 ? start + ((uint32_t)p[len - 1] << 8) : start;
}

static inline uint32_t octets_fold(uint32_t s)
{
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	return ~s & 0xffff;
}

/* Makes the TCP checksum of an IPv4 packet whose header has no options. */
static inline void octets_tcp_checksum(uint8_t *ip, uint32_t len)
{
	store16(ip + 36, 0);
	store16(ip + 36, octets_fold(octets_sum(ip + 12, len - 12, 6 + len - 20)));
}

#endif
