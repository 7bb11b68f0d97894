/*
 * sum_avx2.c - the sums of kernel.h with 32-byte registers; how they work is told in
 * src/arch/portable/sum.c: `all` and `high` are four numbers each here. Two vectors a turn; what is
 * left below 32 bytes goes through the general registers.
 *
 * Written in the compilers' vector types instead of intrinsics, whose header would bring in libc's.
 * Compiled with -mavx2: nothing here may be called before the configuration said TV_ARCH_AVX2.
 */
#include "arch/kernels.h"

typedef uint64_t vector __attribute__((vector_size(32)));

struct run {
	vector all, high;
};

static inline vector load(const uint8_t *p)
{
	vector v;

	memcpy(&v, p, sizeof v);
	__asm__("" : "+x"(v)); /* loaded once: it is used twice, and may lie across two cache lines */
	return v;
}

static inline void run_add(struct run *r, vector w)
{
	r->all += w;
	r->high += w >> 32;
}

static inline uint64_t across(vector v)
{
	return (v[0] + v[2]) + (v[1] + v[3]);
}

static inline uint64_t run_end(const struct run *a, const struct run *b)
{
	vector high = a->high + b->high;

	return tv_sum_halves(across(a->all + b->all - (high << 32) + high));
}

uint64_t tv_sum_avx2(const uint8_t *p, size_t n, uint64_t sum)
{
	struct run a = {{0}, {0}}, b = {{0}, {0}};

	for (; n >= 64; n -= 64, p += 64) {
		run_add(&a, load(p));
		run_add(&b, load(p + 32));
	}
	if (n >= 32) {
		run_add(&a, load(p));
		n -= 32;
		p += 32;
	}
	return tv_sum_small(p, n, sum + run_end(&a, &b));
}

uint64_t tv_copy_sum_avx2(uint8_t *restrict dst, const uint8_t *restrict src, size_t n,
	uint64_t sum)
{
	struct run a = {{0}, {0}}, b = {{0}, {0}};

	for (; n >= 64; n -= 64, src += 64, dst += 64) {
		vector v = load(src), w = load(src + 32);

		memcpy(dst, &v, 32);
		memcpy(dst + 32, &w, 32);
		run_add(&a, v);
		run_add(&b, w);
	}
	if (n >= 32) {
		vector v = load(src);

		memcpy(dst, &v, 32);
		run_add(&a, v);
		n -= 32;
		src += 32;
		dst += 32;
	}
	return tv_copy_sum_small(dst, src, n, sum + run_end(&a, &b));
}
