/*
 * sum_avx2.c - the sums of kernel.h with 32-byte registers; how they work is told in
 * src/arch/portable/sum.c: `all` and `high` are four numbers each here. Two vectors a turn; what is
 * left below 32 bytes goes through the general registers.
 *
 * The shift takes the upper half of each 8 bytes; adding the whole vector needs no mask. Compiled
 * with -mavx2: nothing here may be called before the configuration said TV_ARCH_AVX2.
 */
#include "arch/kernels.h"
#include <immintrin.h>

struct run {
	__m256i all, high;
};

static inline void run_add(struct run *r, __m256i w)
{
	r->all = _mm256_add_epi64(r->all, w);
	r->high = _mm256_add_epi64(r->high, _mm256_srli_epi64(w, 32));
}

/* Adds the four numbers of v; fewer than 2^30 words of 32 bits each went in, so this is exact. */
static inline uint64_t across(__m256i v)
{
	__m128i two = _mm_add_epi64(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));

	return (uint64_t)_mm_cvtsi128_si64(two) + (uint64_t)_mm_extract_epi64(two, 1);
}

static inline uint64_t run_end(const struct run *a, const struct run *b)
{
	uint64_t high = across(_mm256_add_epi64(a->high, b->high));
	uint64_t low = across(_mm256_add_epi64(a->all, b->all)) - (high << 32);

	return tv_sum_halves(low) + tv_sum_halves(high);
}

uint64_t tv_sum_avx2(const uint8_t *p, size_t n, uint64_t sum)
{
	struct run a = {_mm256_setzero_si256(), _mm256_setzero_si256()}, b = a;

	for (; n >= 64; n -= 64, p += 64) {
		run_add(&a, _mm256_loadu_si256((const void *)p));
		run_add(&b, _mm256_loadu_si256((const void *)(p + 32)));
	}
	if (n >= 32) {
		run_add(&a, _mm256_loadu_si256((const void *)p));
		n -= 32;
		p += 32;
	}
	return tv_sum_small(p, n, sum + run_end(&a, &b));
}

uint64_t tv_copy_sum_avx2(uint8_t *restrict dst, const uint8_t *restrict src, size_t n,
	uint64_t sum)
{
	struct run a = {_mm256_setzero_si256(), _mm256_setzero_si256()}, b = a;

	for (; n >= 64; n -= 64, src += 64, dst += 64) {
		__m256i v = _mm256_loadu_si256((const void *)src);
		__m256i w = _mm256_loadu_si256((const void *)(src + 32));

		_mm256_storeu_si256((void *)dst, v);
		_mm256_storeu_si256((void *)(dst + 32), w);
		run_add(&a, v);
		run_add(&b, w);
	}
	if (n >= 32) {
		__m256i v = _mm256_loadu_si256((const void *)src);

		_mm256_storeu_si256((void *)dst, v);
		run_add(&a, v);
		n -= 32;
		src += 32;
		dst += 32;
	}
	return tv_copy_sum_small(dst, src, n, sum + run_end(&a, &b));
}
