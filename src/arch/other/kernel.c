/*
 * kernel.c - a processor for which no kernels are written: the portable ones serve every `arch`.
 */
#include "arch/kernel.h"
#include "arch/kernels.h"

uint64_t tv_kernel_sum(enum tv_arch arch, const uint8_t *p, size_t n, uint64_t sum)
{
	(void)arch;
	return tv_sum_portable(p, n, sum);
}

uint64_t tv_kernel_copy_sum(enum tv_arch arch, uint8_t *restrict dst, const uint8_t *restrict src,
	size_t n, uint64_t sum)
{
	(void)arch;
	return tv_copy_sum_portable(dst, src, n, sum);
}

bool tv_kernel_sip(enum tv_arch arch, const struct tv_sipkey *key, const uint64_t (*words)[TV_SIP_LANES], unsigned n,
	unsigned count, uint64_t out[TV_SIP_LANES])
{
	(void)arch;
	(void)key;
	(void)words;
	(void)n;
	(void)count;
	(void)out;
	return false;
}
