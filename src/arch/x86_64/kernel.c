/*
 * kernel.c - which kernel runs on x86-64. The core cannot ask the processor; the configuration says
 * what it has, and each choice here must have been checked by whoever wrote the configuration.
 * Short runs never leave the general registers: setting up a vector costs more than they do.
 */
#include "arch/kernel.h"
#include "arch/kernels.h"

uint64_t tv_kernel_sum(enum tv_arch arch, const uint8_t *p, size_t n, uint64_t sum)
{
	if (n <= TV_KERNEL_SMALL) return tv_sum_small(p, n, sum);
	switch (arch) {
	case TV_ARCH_AVX512: return tv_sum_avx512(p, n, sum);
	case TV_ARCH_AVX2: return tv_sum_avx2(p, n, sum);
	case TV_ARCH_PORTABLE: break;
	}
	return tv_sum_portable(p, n, sum);
}

uint64_t tv_kernel_copy_sum(enum tv_arch arch, uint8_t *restrict dst, const uint8_t *restrict src,
	size_t n, uint64_t sum)
{
	if (n <= TV_KERNEL_SMALL) return tv_copy_sum_small(dst, src, n, sum);
	switch (arch) {
	case TV_ARCH_AVX512: return tv_copy_sum_avx512(dst, src, n, sum);
	case TV_ARCH_AVX2: return tv_copy_sum_avx2(dst, src, n, sum);
	case TV_ARCH_PORTABLE: break;
	}
	return tv_copy_sum_portable(dst, src, n, sum);
}

bool tv_kernel_sip(enum tv_arch arch, const struct tv_sipkey *key, const uint64_t (*words)[TV_SIP_LANES], unsigned n,
	unsigned count, uint64_t out[TV_SIP_LANES])
{
	if (arch == TV_ARCH_PORTABLE) return false;
	tv_sip_avx2(key, words, n, count, out); /* AVX-512 contains AVX2 */
	return true;
}
