/*
 * kernel.h - sums of bytes, copies that sum on the way, hashes of several inputs. One implementation
 * for each processor lives in a folder beside this file; the Makefile picks the folder, `arch`
 * (tv_config.arch) the kernel in it; a kernel that the folder does not have is served by the portable
 * one, or by the caller.
 *
 * Sums are one's-complement sums of 16-bit words in native byte order, kept in 64 bits unfolded
 * (RFC 1071); a last odd byte counts as if a zero byte followed it.
 */
#ifndef TV_ARCH_KERNEL_H
#define TV_ARCH_KERNEL_H

#include "base/siphash.h"
#include <trivet/trivet.h>

/* Sum of n bytes at p added to `sum`. */
uint64_t tv_kernel_sum(enum tv_arch arch, const uint8_t *p, size_t n, uint64_t sum);
/* The same over src while copying it to dst; the two do not overlap. */
uint64_t tv_kernel_copy_sum(enum tv_arch arch, uint8_t *restrict dst, const uint8_t *restrict src, size_t n,
                            uint64_t sum);

/* tv_sip_lanes() (base/siphash.h); false: there is no kernel for it. */
bool tv_kernel_sip(enum tv_arch arch, const struct tv_sipkey *key, const uint64_t (*words)[TV_SIP_LANES], unsigned n,
                   unsigned count, uint64_t out[TV_SIP_LANES]);

#endif
