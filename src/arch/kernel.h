/*
 * kernel.h - sums of bytes, and copies that sum on the way. One implementation for each processor
 * lives in a folder beside this file; the Makefile picks the folder, `arch` (tv_config.arch) the
 * kernel in it; a kernel that the folder does not have is served by the portable one.
 *
 * Sums are one's-complement sums of 16-bit words in native byte order, kept in 64 bits unfolded
 * (RFC 1071); a last odd byte counts as if a zero byte followed it.
 */
#ifndef TV_ARCH_KERNEL_H
#define TV_ARCH_KERNEL_H

#include <trivet/trivet.h>

/* Sum of n bytes at p added to `sum`. */
uint64_t tv_kernel_sum(enum tv_arch arch, const uint8_t *p, size_t n, uint64_t sum);
/* The same over src while copying it to dst; the two do not overlap. */
uint64_t tv_kernel_copy_sum(enum tv_arch arch, uint8_t *restrict dst, const uint8_t *restrict src, size_t n,
                            uint64_t sum);

#endif
