/*
 * csum.c - the Internet checksum of short runs; long ones go through arch/kernel.h.
 *
 * All sums are of words in native byte order, which gives the right bytes in memory on every
 * processor (RFC 1071 2(B)), and stay unfolded until somebody compares or stores them.
 *
 * Short runs are mostly headers that were written a moment ago in words of 32 bits. They are read
 * in the same words: a wider load would have to wait until the stores it spans have left the core.
 */
#include "wire/csum.h"
#include "arch/kernels.h"

uint64_t tv_csum_add(uint64_t sum, const uint8_t *p, size_t n)
{
	for (; n >= 16; n -= 16, p += 16) {
		sum += (uint64_t)tv_native32(p) + tv_native32(p + 4);
		sum += (uint64_t)tv_native32(p + 8) + tv_native32(p + 12);
	}
	for (; n >= 4; n -= 4, p += 4) sum += tv_native32(p);
	return n == 0 ? sum : tv_sum_tail(p, n, sum);
}
