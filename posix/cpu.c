/*
 * cpu.c - asks the processor.
 *
 * The compiler's own question also asks whether the kernel saves the wide registers: a processor
 * that has AVX-512 under a kernel that does not know it has none for us.
 */
#include "posix/cpu.h"

#include <stdlib.h>
#include <string.h>

static enum tv_arch best(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_cpu_init();
	if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
	    __builtin_cpu_supports("avx512vl"))
		return TV_ARCH_AVX512;
	if (__builtin_cpu_supports("avx2"))
		return TV_ARCH_AVX2;
#endif
	return TV_ARCH_PORTABLE;
}

enum tv_arch cpu_arch(void)
{
	enum tv_arch have = best();
	const char *wish = getenv("TRIVET_ARCH");
	enum tv_arch want = have;

	if (wish && strcmp(wish, "portable") == 0)
		want = TV_ARCH_PORTABLE;
	else if (wish && strcmp(wish, "avx2") == 0)
		want = TV_ARCH_AVX2;
	return want < have ? want : have;
}
