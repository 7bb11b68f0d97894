/*
 * sum.c - the sums of kernel.h in plain C, for every processor.
 *
 * A one's-complement sum does not care how wide the words are that are added (RFC 1071 2(C)), so
 * eight bytes are taken at once. Two running numbers replace the carry that C does not show:
 *     all   the words themselves, modulo 2^64
 *     high  their upper halves; exact, since fewer than 2^32 of them are added
 * The lower halves are then `all` minus `high` shifted back up: exact again, because their true sum
 * is below 2^64. That is two additions and a shift for eight bytes, and no step waits for a carry.
 * Four words a turn in two pairs of numbers keep several independent chains of additions going.
 *
 * The vector kernels in the folders beside this one do the same with wider registers.
 */
#include "arch/kernels.h"

struct run {
	uint64_t all, high;
};

static inline void run_add(struct run *r, uint64_t w)
{
	r->all += w;
	r->high += w >> 32;
}

static inline uint64_t run_end(const struct run *a, const struct run *b)
{
	uint64_t high = a->high + b->high;

	return tv_sum_halves(a->all + b->all - (high << 32) + high);
}

uint64_t tv_sum_portable(const uint8_t *p, size_t n, uint64_t sum)
{
	struct run a = {0, 0}, b = {0, 0};

	for (; n >= 32; n -= 32, p += 32) {
		run_add(&a, tv_native64(p));
		run_add(&b, tv_native64(p + 8));
		run_add(&a, tv_native64(p + 16));
		run_add(&b, tv_native64(p + 24));
	}
	return tv_sum_small(p, n, sum + run_end(&a, &b));
}

uint64_t tv_copy_sum_portable(uint8_t *restrict dst, const uint8_t *restrict src, size_t n,
	uint64_t sum)
{
	struct run a = {0, 0}, b = {0, 0};

	for (; n >= 32; n -= 32, src += 32, dst += 32) {
		uint64_t w[4];

		memcpy(w, src, 32);
		memcpy(dst, w, 32);
		run_add(&a, w[0]);
		run_add(&b, w[1]);
		run_add(&a, w[2]);
		run_add(&b, w[3]);
	}
	return tv_copy_sum_small(dst, src, n, sum + run_end(&a, &b));
}
