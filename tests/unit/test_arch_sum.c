/*
 * Every kernel of src/arch against a sum made byte by byte: all lengths 0..300, some large ones, all
 * alignments, runs that end at a page nobody may touch, and copies that must leave the bytes around
 * them alone. A kernel that this processor cannot run is left out and said so.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

#include "arch/kernel.h"
#include "arch/kernels.h"
#include "wire/csum.h"

static const enum tv_arch archs[] = {TV_ARCH_PORTABLE, TV_ARCH_AVX2, TV_ARCH_AVX512};
static const char *const arch_names[] = {"portable", "avx2", "avx512"};
static const size_t large[] = {511, 512, 513, 536, 1000, 1024, 1440, 1447, 1448, 1459, 1460, 1461,
	4096, 8191, 9000, 16384, 32767, 65495, 65535};

static int can_run(enum tv_arch arch)
{
#if defined(__x86_64__)
	__builtin_cpu_init();
	if (arch == TV_ARCH_AVX2) return __builtin_cpu_supports("avx2");
	if (arch == TV_ARCH_AVX512)
		return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
			__builtin_cpu_supports("avx512vl");
#endif
	(void)arch;
	return 1;
}

/* RFC 1071 4.1, in network order and 16 bits at every step: shares nothing with what it judges. */
static uint16_t naive(const uint8_t *p, size_t n)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < n; i++) {
		sum += i % 2 == 0 ? (uint32_t)p[i] << 8 : p[i];
		sum = (sum & 0xffff) + (sum >> 16);
	}
	return (uint16_t)sum;
}

/* What a kernel's sum is in network order. */
static uint16_t folded(uint64_t sum)
{
	uint16_t native = tv_csum_fold(sum);
	uint8_t b[2];

	memcpy(b, &native, 2);
	return (uint16_t)(b[0] << 8 | b[1]);
}

static uint64_t seed = 20261120;

static uint8_t next_byte(void)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (uint8_t)(seed >> 56);
}

/* One page of random bytes or 0xff after another, with a forbidden one behind the last. */
static uint8_t *guarded(size_t bytes)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t body = (bytes + page - 1) / page * page;
	uint8_t *p =
		mmap(NULL, body + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_true(p != MAP_FAILED);
	assert_int_equal(mprotect(p + body, page, PROT_NONE), 0);
	return p + body;
}

static void check_sum(enum tv_arch arch, const uint8_t *p, size_t n)
{
	uint64_t sum = tv_kernel_sum(arch, p, n, 0);

	if (folded(sum) != naive(p, n)) {
		fail_msg("%s: sum of %zu bytes at offset %zu: %04x, not %04x", arch_names[arch], n,
			(size_t)((uintptr_t)p % 64), folded(sum), naive(p, n));
	}
	assert_true(sum < 1ull << 38);
	assert_int_equal(tv_kernel_sum(arch, p, n, 12345), sum + 12345);
}

static void check_copy(enum tv_arch arch, const uint8_t *p, size_t n, size_t to)
{
	static uint8_t out[65536 + 256];
	uint64_t sum;

	memset(out, 0xa5, n + 192);
	sum = tv_kernel_copy_sum(arch, out + 64 + to, p, n, 7);
	if (folded(sum - 7) != naive(p, n) || memcmp(out + 64 + to, p, n) != 0)
		fail_msg("%s: copy of %zu bytes to offset %zu", arch_names[arch], n, to);
	for (size_t i = 0; i < 64; i++) {
		assert_int_equal(out[to + i], 0xa5);
		assert_int_equal(out[64 + to + n + i], 0xa5);
	}
}

static void each_kernel(void (*check)(enum tv_arch arch))
{
	for (size_t i = 0; i < sizeof archs / sizeof *archs; i++) {
		if (can_run(archs[i]))
			check(archs[i]);
		else
			print_message("not run: this processor has no %s\n", arch_names[i]);
	}
}

static void sum_everywhere(enum tv_arch arch)
{
	static uint8_t bytes[512];

	for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = next_byte();
	for (size_t offset = 0; offset < 64; offset++)
		for (size_t n = 0; n <= 300; n++) check_sum(arch, bytes + offset, n);
	memset(bytes, 0xff, sizeof bytes);
	for (size_t n = 0; n <= 300; n++) check_sum(arch, bytes + 1, n);
	memset(bytes, 0, sizeof bytes);
	for (size_t n = 0; n <= 300; n++) assert_int_equal(tv_kernel_sum(arch, bytes, n, 0), 0);
}

static void test_arch_sum_any_alignment_and_length_equals_naive(void **state)
{
	(void)state;
	each_kernel(sum_everywhere);
}

static void sum_large(enum tv_arch arch)
{
	static uint8_t bytes[65536 + 64];

	for (int ones = 0; ones < 2; ones++) {
		for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = ones ? 0xff : next_byte();
		for (size_t i = 0; i < sizeof large / sizeof *large; i++)
			for (size_t offset = 0; offset < 64; offset += 7)
				check_sum(arch, bytes + offset, large[i]);
	}
}

static void test_arch_sum_large_run_equals_naive(void **state)
{
	(void)state;
	each_kernel(sum_large);
}

static void sum_guarded(enum tv_arch arch)
{
	uint8_t *end = guarded(4096);

	for (size_t i = 1; i <= 4096; i++) end[-(ptrdiff_t)i] = next_byte();
	for (size_t n = 0; n <= 300; n++) check_sum(arch, end - n, n);
	check_sum(arch, end - 1461, 1461);
}

static void test_arch_sum_run_at_end_of_page_reads_nothing_behind_it(void **state)
{
	(void)state;
	each_kernel(sum_guarded);
}

static void copy_everywhere(enum tv_arch arch)
{
	static uint8_t bytes[65536 + 64];

	for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = next_byte();
	for (size_t offset = 0; offset < 64; offset += 3)
		for (size_t n = 0; n <= 300; n++)
			check_copy(arch, bytes + offset, n, (offset * 5 + n) % 64);
	for (size_t i = 0; i < sizeof large / sizeof *large; i++)
		for (size_t offset = 0; offset < 64; offset += 13)
			check_copy(arch, bytes + offset, large[i], 63 - offset);
}

static void test_arch_copy_sum_any_alignment_and_length_equals_copy_and_naive(void **state)
{
	(void)state;
	each_kernel(copy_everywhere);
}

static void copy_guarded(enum tv_arch arch)
{
	uint8_t *from = guarded(4096);
	uint8_t *to = guarded(4096);

	for (size_t i = 1; i <= 4096; i++) from[-(ptrdiff_t)i] = next_byte();
	for (size_t n = 0; n <= 300; n++) {
		uint64_t sum = tv_kernel_copy_sum(arch, to - n, from - n, n, 0);

		assert_int_equal(folded(sum), naive(from - n, n));
		assert_memory_equal(to - n, from - n, n);
	}
}

static void test_arch_copy_sum_run_at_end_of_page_touches_nothing_behind_it(void **state)
{
	(void)state;
	each_kernel(copy_guarded);
}

/* Words that carry seldom, always, or as it comes: this processor's steps are those of plain C to the last bit. */
static void test_arch_words_equal_their_portable_twins(void **state)
{
	static const uint64_t starts[] = {0, 1, UINT64_MAX, UINT64_MAX - 1, 0x0123456789abcdef};

	(void)state;
	for (unsigned round = 0; round < 20000; round++) {
		uint8_t bytes[48];
		uint64_t run = starts[round % 5];
		const uint8_t *p = bytes + round % 8;

		for (size_t i = 0; i < sizeof bytes; i++) {
			uint8_t any = next_byte();

			bytes[i] = round % 3 == 0 ? any : any % 4 != 0 ? 0xff : 0;
		}
		assert_true(tv_sum_two(run, p) == tv_sum_two_portable(run, p));
		assert_true(tv_sum_four(run, p) == tv_sum_four_portable(run, p));
		assert_true(tv_sum_five(run, p) == tv_sum_five_portable(run, p));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_arch_words_equal_their_portable_twins),
		cmocka_unit_test(test_arch_sum_any_alignment_and_length_equals_naive),
		cmocka_unit_test(test_arch_sum_large_run_equals_naive),
		cmocka_unit_test(test_arch_sum_run_at_end_of_page_reads_nothing_behind_it),
		cmocka_unit_test(test_arch_copy_sum_any_alignment_and_length_equals_copy_and_naive),
		cmocka_unit_test(test_arch_copy_sum_run_at_end_of_page_touches_nothing_behind_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
