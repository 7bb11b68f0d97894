/*
 * kernels.h - the kernels behind kernel.h, one by one, for the dispatch in each folder and for the
 * test that compares them. They take any length and any alignment; what they add to `sum` is below
 * 2^38 for up to 4 GB, so that many runs can be added before anybody folds.
 */
#ifndef TV_ARCH_KERNELS_H
#define TV_ARCH_KERNELS_H

#include "base/siphash.h"
#include "words.h" /* of the folder that the Makefile picks */

/* From here on a vector kernel is faster than the loop below, which needs no set-up. */
#define TV_KERNEL_SMALL 64

uint64_t tv_sum_portable(const uint8_t *p, size_t n, uint64_t sum);
uint64_t tv_copy_sum_portable(uint8_t *restrict dst, const uint8_t *restrict src, size_t n,
	uint64_t sum);

/* In src/arch/x86_64 only; they may be called only where the processor has the instructions. */
uint64_t tv_sum_avx2(const uint8_t *p, size_t n, uint64_t sum);
uint64_t tv_copy_sum_avx2(uint8_t *restrict dst, const uint8_t *restrict src, size_t n,
	uint64_t sum);
uint64_t tv_sum_avx512(const uint8_t *p, size_t n, uint64_t sum);
uint64_t tv_copy_sum_avx512(uint8_t *restrict dst, const uint8_t *restrict src, size_t n,
	uint64_t sum);

void tv_sip_avx2(const struct tv_sipkey *key, const uint64_t (*words)[TV_SIP_LANES], unsigned n,
	unsigned count, uint64_t out[TV_SIP_LANES]);

/* 2^32 is 1 modulo 2^16 - 1: both halves of a longer word count as two words of 16 bits do. */
static inline uint64_t tv_sum_halves(uint64_t w)
{
	return (w & 0xffffffffu) + (w >> 32);
}

/* The last 0..7 bytes of a run. */
static inline uint64_t tv_sum_tail(const uint8_t *p, size_t n, uint64_t sum)
{
	uint16_t half = 0, last = 0;

	if (n & 4) {
		sum += tv_native32(p);
		p += 4;
	}
	if (n & 2) {
		memcpy(&half, p, 2);
		p += 2;
	}
	if (n & 1) memcpy(&last, p, 1); /* the first byte in memory, in either byte order */
	return sum + half + last;
}

static inline uint64_t tv_copy_sum_tail(uint8_t *restrict dst, const uint8_t *restrict src,
	size_t n, uint64_t sum)
{
	uint16_t half = 0, last = 0;

	if (n & 4) {
		uint32_t w = tv_native32(src);

		memcpy(dst, &w, 4);
		sum += w;
		src += 4;
		dst += 4;
	}
	if (n & 2) {
		memcpy(&half, src, 2);
		memcpy(dst, &half, 2);
		src += 2;
		dst += 2;
	}
	if (n & 1) {
		memcpy(&last, src, 1);
		*dst = *src;
	}
	return sum + half + last;
}

static inline uint64_t tv_sum_small(const uint8_t *p, size_t n, uint64_t sum)
{
	uint64_t run = 0;

	for (; n >= 32; n -= 32, p += 32) run = tv_sum_four(run, p);
	for (; n >= 8; n -= 8, p += 8) run = tv_sum_around(run, tv_native64(p));
	sum += tv_sum_halves(run);
	return n == 0 ? sum : tv_sum_tail(p, n, sum);
}

static inline uint64_t tv_copy_sum_word(uint8_t *restrict dst, const uint8_t *restrict src, uint64_t run)
{
	uint64_t w = tv_native64(src);

	memcpy(dst, &w, 8);
	return tv_sum_around(run, w);
}

static inline uint64_t tv_copy_sum_small(uint8_t *restrict dst, const uint8_t *restrict src,
	size_t n, uint64_t sum)
{
	const uint8_t *end = src + (n & ~(size_t)31);
	uint64_t run = 0;

	for (; src != end; src += 32, dst += 32) {
		run = tv_sum_four(run, src);
		memcpy(dst, src, 32);
	}
	n &= 31;
	for (; n >= 8; n -= 8, src += 8, dst += 8) run = tv_copy_sum_word(dst, src, run);
	sum += tv_sum_halves(run);
	return n == 0 ? sum : tv_copy_sum_tail(dst, src, n, sum);
}

#endif
