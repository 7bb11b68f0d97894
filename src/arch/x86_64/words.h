/*
 * words.h - sums of a few words on x86-64, which adds a word, where it lies, and the carry of the one before in one
 * instruction. Sanitizers see no loads of assembly: the Makefile gives them src/arch/other.
 */
#ifndef TV_ARCH_WORDS_H
#define TV_ARCH_WORDS_H

#include "arch/portable/words.h"

typedef uint64_t tv_word_at __attribute__((may_alias, aligned(1)));

/* 16 bytes. */
static inline uint64_t tv_sum_two(uint64_t run, const uint8_t *p)
{
	const tv_word_at *w = (const tv_word_at *)(const void *)p;

	__asm__("addq %1, %0\n\tadcq %2, %0\n\tadcq $0, %0" : "+&r"(run) : "m"(w[0]), "m"(w[1]) : "cc");
	return run;
}

/* 32 bytes. */
static inline uint64_t tv_sum_four(uint64_t run, const uint8_t *p)
{
	const tv_word_at *w = (const tv_word_at *)(const void *)p;

	__asm__("addq %1, %0\n\tadcq %2, %0\n\tadcq %3, %0\n\tadcq %4, %0\n\tadcq $0, %0"
		: "+&r"(run)
		: "m"(w[0]), "m"(w[1]), "m"(w[2]), "m"(w[3])
		: "cc");
	return run;
}

/* 40 bytes. */
static inline uint64_t tv_sum_five(uint64_t run, const uint8_t *p)
{
	const tv_word_at *w = (const tv_word_at *)(const void *)p;

	__asm__("addq %1, %0\n\tadcq %2, %0\n\tadcq %3, %0\n\tadcq %4, %0\n\tadcq %5, %0\n\tadcq $0, %0"
		: "+&r"(run)
		: "m"(w[0]), "m"(w[1]), "m"(w[2]), "m"(w[3]), "m"(w[4])
		: "cc");
	return run;
}

#endif
