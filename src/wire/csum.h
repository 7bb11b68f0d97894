/*
 * csum.h - the Internet checksum (RFC 1071, RFC 1624). Sums are native-order, unfolded, in 64 bits.
 */
#ifndef TV_WIRE_CSUM_H
#define TV_WIRE_CSUM_H

#include "wire/put.h"
#include <trivet/trivet.h>

/* Folds to 16 bits in native order, not complemented. */
static inline uint16_t tv_csum_fold(uint64_t sum)
{
	uint32_t half;

	sum += sum << 32 | sum >> 32; /* the upper half is now the sum of both, carry included */
	half = (uint32_t)(sum >> 32);
	half += half << 16 | half >> 16;
	return (uint16_t)(half >> 16);
}

/*
 * Is this the sum of a run that holds its own right checksum? Such a sum folds to 0xffff, which is
 * to say that 2^16 - 1 divides it: multiplied by the inverse of that modulo 2^64, it gives a quotient that is
 * not too large. A run of zeros is not right; `whole`: there is no need to ask, because something else than
 * zeros is known to be among it.
 */
static inline bool tv_csum_is_whole(uint64_t sum)
{
	return sum * 0xfffefffefffeffffull <= 0x0001000100010001ull;
}

/*
 * The same of two at once. What is not whole is never called so; of whole ones those from 2^64 - 2^48 on are not
 * either: whoever hears no asks of each.
 */
static inline bool tv_csum_are_whole(uint64_t a, uint64_t b)
{
	return (a * 0xfffefffefffeffffull | b * 0xfffefffefffeffffull) >> 48 == 0;
}

static inline bool tv_csum_is_right(uint64_t sum)
{
	return tv_csum_is_whole(sum) && sum != 0;
}

/* A sum that was taken of bytes which begin at an odd offset, as it counts in the whole. */
static inline uint64_t tv_csum_odd(uint64_t sum)
{
	uint16_t s = tv_csum_fold(sum);

	return (uint64_t)(uint16_t)(s << 8 | s >> 8);
}

/* Short runs (headers): no kernel needed. */
uint64_t tv_csum_add(uint64_t sum, const uint8_t *p, size_t n);
/* Headers that were just written in words of 32 bits: n is a multiple of 4. */
static inline uint64_t tv_csum_words(uint64_t sum, const uint8_t *p, size_t n)
{
	for (; n >= 12; n -= 12, p += 12)
		sum += (uint64_t)tv_native32(p) + tv_native32(p + 4) + tv_native32(p + 8);
	for (; n != 0; n -= 4, p += 4) sum += tv_native32(p);
	return sum;
}
/* The sum of a word of 64 bits, as of two of 32. */
static inline uint64_t tv_csum_pair(uint64_t w)
{
	return (w & 0xffffffffu) + (w >> 32);
}
/* Two words of 64 bits added, the carry at the other end. */
static inline uint64_t tv_csum_around(uint64_t a, uint64_t b)
{
	a += b;
	return a + (a < b);
}
/* Pseudo-header of TCP, UDP or ICMPv6 (RFC 9293 3.1, RFC 8200 8.1); v6 tells which of the two. */
static inline uint64_t tv_csum_pseudo(const struct tv_addr *src, const struct tv_addr *dst, bool v6,
	uint8_t protocol, uint32_t length)
{
	/* The IPv4 form has a length of 16 bits and other places; the sum comes out the same. */
	uint64_t sum = (uint64_t)tv_wire32(protocol) + tv_wire32(length);

	sum += (uint64_t)tv_native32(src->b + 12) + tv_native32(dst->b + 12);
	if (!v6) return sum;
	for (unsigned i = 0; i < 12; i += 4)
		sum += (uint64_t)tv_native32(src->b + i) + tv_native32(dst->b + i);
	return sum;
}
/* Stores the complement of the folded sum at p (native order is right in memory). */
static inline void tv_csum_store(uint8_t *p, uint64_t sum)
{
	uint16_t folded = (uint16_t)~tv_csum_fold(sum);

	memcpy(p, &folded, 2);
}

#endif
