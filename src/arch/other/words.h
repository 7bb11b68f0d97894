/*
 * words.h - sums of a few words in plain C.
 */
#ifndef TV_ARCH_WORDS_H
#define TV_ARCH_WORDS_H

#include "arch/portable/words.h"

static inline uint64_t tv_sum_two(uint64_t run, const uint8_t *p)
{
	return tv_sum_two_portable(run, p);
}

static inline uint64_t tv_sum_four(uint64_t run, const uint8_t *p)
{
	return tv_sum_four_portable(run, p);
}

static inline uint64_t tv_sum_five(uint64_t run, const uint8_t *p)
{
	return tv_sum_five_portable(run, p);
}

#endif
