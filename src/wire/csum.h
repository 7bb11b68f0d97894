/*
 * csum.h - the Internet checksum (RFC 1071, RFC 1624). Sums are native-order, unfolded, in 64 bits.
 */
#ifndef TV_WIRE_CSUM_H
#define TV_WIRE_CSUM_H

#include <trivet/trivet.h>

/* Folds to 16 bits in native order, not complemented. */
static inline uint16_t tv_csum_fold(uint64_t sum)
{
	sum = (sum & 0xffffffffu) + (sum >> 32);
	sum = (sum & 0xffffffffu) + (sum >> 32);
	sum = (sum & 0xffffu) + (sum >> 16);
	sum = (sum & 0xffffu) + (sum >> 16);
	return (uint16_t)sum;
}

/* A sum that was taken of bytes which begin at an odd offset, as it counts in the whole. */
static inline uint64_t tv_csum_odd(uint64_t sum)
{
	uint16_t s = tv_csum_fold(sum);

	return (uint64_t)(uint16_t)(s << 8 | s >> 8);
}

/* Short runs (headers): no kernel needed. */
uint64_t tv_csum_add(uint64_t sum, const uint8_t *p, size_t n);
/* Pseudo-header of TCP, UDP or ICMPv6 (RFC 9293 3.1, RFC 8200 8.1); v6 tells which of the two. */
uint64_t tv_csum_pseudo(const struct tv_addr *src, const struct tv_addr *dst, bool v6, uint8_t protocol,
                        uint32_t length);
/* Stores the complement of the folded sum at p (native order is right in memory). */
void tv_csum_store(uint8_t *p, uint64_t sum);

#endif
