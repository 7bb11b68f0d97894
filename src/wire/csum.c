/*
 * csum.c - the parts of the Internet checksum that are not loops over text: short runs, the
 * pseudo-header, and storing the result. Long runs go through arch/kernel.h.
 *
 * All sums are of words in native byte order, which gives the right bytes in memory on every
 * processor (RFC 1071 2(B)), and stay unfolded until somebody compares or stores them. A received
 * segment is right when the sum over everything, its checksum included, folds to 0xffff; this can
 * not be 0, because the pseudo-header is never all zero.
 */
#include "wire/csum.h"
#include "arch/kernels.h"

uint64_t tv_csum_add(uint64_t sum, const uint8_t *p, size_t n)
{
	return tv_sum_small(p, n, sum);
}

uint64_t tv_csum_pseudo(const struct tv_addr *src, const struct tv_addr *dst, bool v6,
	uint8_t protocol, uint32_t length)
{
	uint8_t tail[8] = {0, 0, 0, 0, 0, 0, 0, protocol};
	uint64_t sum;

	/* The IPv4 form has a length of 16 bits and other places; the sum comes out the same. */
	tv_store32(tail, length);
	sum = tv_sum_halves(tv_native64(tail));
	if (!v6) return sum + tv_native32(src->b + 12) + tv_native32(dst->b + 12);
	sum += tv_sum_halves(tv_native64(src->b)) + tv_sum_halves(tv_native64(src->b + 8));
	return sum + tv_sum_halves(tv_native64(dst->b)) + tv_sum_halves(tv_native64(dst->b + 8));
}

void tv_csum_store(uint8_t *p, uint64_t sum)
{
	uint16_t folded = (uint16_t)~tv_csum_fold(sum);

	memcpy(p, &folded, 2);
}
