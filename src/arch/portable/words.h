/*
 * words.h - the steps that short sums are made of (arch/kernels.h): words of 64 bits added to a run, the carry of
 * each at the other end. C does not show a carry, so each costs a comparison here; a processor that can add with
 * the carry of the word before has a file of the same name in its folder, which the Makefile picks, and a test
 * compares the two.
 */
#ifndef TV_ARCH_PORTABLE_WORDS_H
#define TV_ARCH_PORTABLE_WORDS_H

#include "base/bytes.h"

/* Adds a word and, at the other end, its carry. */
static inline uint64_t tv_sum_around(uint64_t sum, uint64_t w)
{
	sum += w;
	return sum + (sum < w);
}

/* 16 bytes; 32; 40. */
static inline uint64_t tv_sum_two_portable(uint64_t run, const uint8_t *p)
{
	return tv_sum_around(tv_sum_around(run, tv_native64(p)), tv_native64(p + 8));
}

static inline uint64_t tv_sum_four_portable(uint64_t run, const uint8_t *p)
{
	run = tv_sum_around(run, tv_native64(p));
	run = tv_sum_around(run, tv_native64(p + 8));
	run = tv_sum_around(run, tv_native64(p + 16));
	return tv_sum_around(run, tv_native64(p + 24));
}

static inline uint64_t tv_sum_five_portable(uint64_t run, const uint8_t *p)
{
	return tv_sum_four_portable(tv_sum_around(run, tv_native64(p)), p + 8);
}

#endif
