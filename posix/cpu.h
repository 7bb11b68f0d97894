/*
 * cpu.h - which kernels of src/arch this processor, and the kernel's saving of its registers, allow.
 */
#ifndef TRIVET_POSIX_CPU_H
#define TRIVET_POSIX_CPU_H

#include <trivet/trivet.h>

/* The best one, for tv_config.arch. TRIVET_ARCH=portable|avx2|avx512 in the environment asks for a
 * lesser one, never for more than there is. */
enum tv_arch cpu_arch(void);

#endif
