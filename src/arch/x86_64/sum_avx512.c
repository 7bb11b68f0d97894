/*
 * sum_avx512.c - the sums of kernel.h with 64-byte registers; how they work is told in
 * src/arch/portable/sum.c: `all` and `high` are eight numbers each here. Two vectors a turn. The
 * last bytes are loaded and stored under a mask: bytes beyond the run are neither read nor written,
 * so that a packet may end at the end of a page.
 *
 * Compiled with -mavx512f -mavx512bw -mavx512vl: nothing here may be called before the
 * configuration said TV_ARCH_AVX512.
 */
#include "arch/kernels.h"
#include <immintrin.h>

struct run {
	__m512i all, high;
};

static inline void run_add(struct run *r, __m512i w)
{
	r->all = _mm512_add_epi64(r->all, w);
	r->high = _mm512_add_epi64(r->high, _mm512_srli_epi64(w, 32));
}

static inline uint64_t run_end(const struct run *a, const struct run *b)
{
	uint64_t high = (uint64_t)_mm512_reduce_add_epi64(_mm512_add_epi64(a->high, b->high));
	uint64_t all = (uint64_t)_mm512_reduce_add_epi64(_mm512_add_epi64(a->all, b->all));

	return tv_sum_halves(all - (high << 32)) + tv_sum_halves(high);
}

/* The lowest n (0..63) bytes. */
static inline __mmask64 first_bytes(size_t n)
{
	return ((__mmask64)1 << n) - 1;
}

uint64_t tv_sum_avx512(const uint8_t *p, size_t n, uint64_t sum)
{
	struct run a = {_mm512_setzero_si512(), _mm512_setzero_si512()}, b = a;

	for (; n >= 128; n -= 128, p += 128) {
		run_add(&a, _mm512_loadu_si512(p));
		run_add(&b, _mm512_loadu_si512(p + 64));
	}
	if (n >= 64) {
		run_add(&a, _mm512_loadu_si512(p));
		n -= 64;
		p += 64;
	}
	run_add(&b, _mm512_maskz_loadu_epi8(first_bytes(n), p));
	return sum + run_end(&a, &b);
}

uint64_t tv_copy_sum_avx512(uint8_t *restrict dst, const uint8_t *restrict src, size_t n,
	uint64_t sum)
{
	struct run a = {_mm512_setzero_si512(), _mm512_setzero_si512()}, b = a;
	__m512i v, w;

	for (; n >= 128; n -= 128, src += 128, dst += 128) {
		v = _mm512_loadu_si512(src);
		w = _mm512_loadu_si512(src + 64);
		_mm512_storeu_si512(dst, v);
		_mm512_storeu_si512(dst + 64, w);
		run_add(&a, v);
		run_add(&b, w);
	}
	if (n >= 64) {
		v = _mm512_loadu_si512(src);
		_mm512_storeu_si512(dst, v);
		run_add(&a, v);
		n -= 64;
		src += 64;
		dst += 64;
	}
	w = _mm512_maskz_loadu_epi8(first_bytes(n), src);
	_mm512_mask_storeu_epi8(dst, first_bytes(n), w);
	run_add(&b, w);
	return sum + run_end(&a, &b);
}
