/* SipHash-2-4 against the 64 outputs that its authors published, and the subkeys of a secret. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/siphash.h"

/* Key 00 01 .. 0f; entry n is the output for the n bytes 00 01 .. n-1. */
static const uint64_t published[64] = {
	0x726fdb47dd0e0e31, 0x74f839c593dc67fd, 0x0d6c8009d9a94f5a, 0x85676696d7fb7e2d,
	0xcf2794e0277187b7, 0x18765564cd99a68d, 0xcbc9466e58fee3ce, 0xab0200f58b01d137,
	0x93f5f5799a932462, 0x9e0082df0ba9e4b0, 0x7a5dbbc594ddb9f3, 0xf4b32f46226bada7,
	0x751e8fbc860ee5fb, 0x14ea5627c0843d90, 0xf723ca908e7af2ee, 0xa129ca6149be45e5,
	0x3f2acc7f57c29bdb, 0x699ae9f52cbe4794, 0x4bc1b3f0968dd39c, 0xbb6dc91da77961bd,
	0xbed65cf21aa2ee98, 0xd0f2cbb02e3b67c7, 0x93536795e3a33e88, 0xa80c038ccd5ccec8,
	0xb8ad50c6f649af94, 0xbce192de8a85b8ea, 0x17d835b85bbb15f3, 0x2f2e6163076bcfad,
	0xde4daaaca71dc9a5, 0xa6a2506687956571, 0xad87a3535c49ef28, 0x32d892fad841c342,
	0x7127512f72f27cce, 0xa7f32346f95978e3, 0x12e0b01abb051238, 0x15e034d40fa197ae,
	0x314dffbe0815a3b4, 0x027990f029623981, 0xcadcd4e59ef40c4d, 0x9abfd8766a33735c,
	0x0e3ea96b5304a7d0, 0xad0c42d6fc585992, 0x187306c89bc215a9, 0xd4a60abcf3792b95,
	0xf935451de4f21df2, 0xa9538f0419755787, 0xdb9acddff56ca510, 0xd06c98cd5c0975eb,
	0xe612a3cb9ecba951, 0xc766e62cfcadaf96, 0xee64435a9752fe72, 0xa192d576b245165a,
	0x0a8787bf8ecb74b2, 0x81b3e73d20b49b6f, 0x7fa8220ba3b2ecea, 0x245731c13ca42499,
	0xb78dbfaf3a8d83bd, 0xea1ad565322a1a0b, 0x60e61c23a3795013, 0x6606d7e446282b93,
	0x6ca4ecb15c5f91e1, 0x9f626da15c9625f3, 0xe51b38608ef25f57, 0x958a324ceb064572,
};

static void test_siphash_published_inputs_give_published_outputs(void **state)
{
	const struct tv_sipkey key = {.k0 = 0x0706050403020100, .k1 = 0x0f0e0d0c0b0a0908};
	uint8_t input[64];

	(void)state;
	for (unsigned i = 0; i < 64; i++)
		input[i] = (uint8_t)i;
	for (unsigned i = 0; i < 64; i++)
		assert_int_equal(tv_siphash(&key, input, i), published[i]);
}

/* Neither the alignment of the input nor what lies behind it matters. */
static void test_siphash_unaligned_input_gives_the_same(void **state)
{
	const struct tv_sipkey key = {.k0 = 0x0706050403020100, .k1 = 0x0f0e0d0c0b0a0908};

	(void)state;
	for (unsigned shift = 0; shift < 8; shift++) {
		for (unsigned len = 0; len < 64; len++) {
			uint8_t *input = malloc(shift + len + 1);

			for (unsigned i = 0; i < len; i++)
				input[shift + i] = (uint8_t)i;
			input[shift + len] = (uint8_t)(0xa5 + shift);
			assert_int_equal(tv_siphash(&key, input + shift, len), published[len]);
			free(input);
		}
	}
}

static void test_siphash_each_input_and_key_bit_matters(void **state)
{
	struct tv_sipkey key = {.k0 = 1, .k1 = 2};
	uint8_t input[36] = {0};
	uint64_t plain = tv_siphash(&key, input, sizeof input);

	(void)state;
	for (unsigned bit = 0; bit < 8 * sizeof input; bit++) {
		input[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_int_not_equal(tv_siphash(&key, input, sizeof input), plain);
		input[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	for (unsigned bit = 0; bit < 64; bit++) {
		key.k0 ^= 1ull << bit;
		assert_int_not_equal(tv_siphash(&key, input, sizeof input), plain);
		key.k0 ^= 1ull << bit;
		key.k1 ^= 1ull << bit;
		assert_int_not_equal(tv_siphash(&key, input, sizeof input), plain);
		key.k1 ^= 1ull << bit;
	}
}

static bool can_run(enum tv_arch arch)
{
#if defined(__x86_64__)
	__builtin_cpu_init();
	if (arch == TV_ARCH_AVX2)
		return __builtin_cpu_supports("avx2");
	if (arch == TV_ARCH_AVX512)
		return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
		       __builtin_cpu_supports("avx512vl");
#endif
	(void)arch;
	return true;
}

static uint64_t next_word(void)
{
	static uint64_t state = 20261121;

	state = state * 6364136223846793005u + 1442695040888963407u;
	return state ^ state >> 29;
}

/* Each lane is the hash of its own column, whatever stands in those that are not asked for. */
static void check_lanes(enum tv_arch arch, unsigned n, unsigned count)
{
	struct tv_sipkey key = {.k0 = next_word(), .k1 = next_word()};
	uint64_t words[8][TV_SIP_LANES], out[TV_SIP_LANES];

	for (unsigned i = 0; i < n; i++)
		for (unsigned lane = 0; lane < TV_SIP_LANES; lane++)
			words[i][lane] = i + 1 < n ? next_word() : next_word() >> 8 | (uint64_t)(8 * n - 1) << 56;
	tv_sip_lanes(arch, &key, words, n, count, out);
	for (unsigned lane = 0; lane < count; lane++) {
		uint8_t bytes[64];

		for (unsigned i = 0; i < 8 * n; i++)
			bytes[i] = (uint8_t)(words[i / 8][lane] >> i % 8 * 8);
		assert_true(out[lane] == tv_siphash(&key, bytes, 8 * n - 1));
	}
}

static void test_siphash_lanes_give_the_hashes_of_their_columns(void **state)
{
	static const enum tv_arch archs[] = {TV_ARCH_PORTABLE, TV_ARCH_AVX2, TV_ARCH_AVX512};
	static const char *const names[] = {"portable", "avx2", "avx512"};

	(void)state;
	for (unsigned a = 0; a < 3; a++) {
		if (!can_run(archs[a])) {
			print_message("not run: this processor has no %s\n", names[a]);
			continue;
		}
		for (unsigned round = 0; round < 20; round++)
			for (unsigned n = 1; n <= 8; n++)
				for (unsigned count = 1; count <= TV_SIP_LANES; count++)
					check_lanes(archs[a], n, count);
	}
}

/* ID-07: subkeys of different tags, and what they make of one input, differ pairwise. */
static void test_subkey_tags_give_different_outputs_for_one_input(void **state)
{
	uint8_t secret[32];
	struct tv_sipkey keys[64];
	uint64_t outputs[64];

	(void)state;
	for (unsigned i = 0; i < 32; i++)
		secret[i] = (uint8_t)(7 * i + 1);
	for (unsigned tag = 0; tag < 64; tag++) {
		tv_subkey(&keys[tag], secret, tag < 32 ? tag : 1ull << tag);
		outputs[tag] = tv_siphash(&keys[tag], secret, 12);
		assert_int_not_equal(keys[tag].k0, keys[tag].k1);
		for (unsigned other = 0; other < tag; other++) {
			assert_int_not_equal(keys[tag].k0, keys[other].k0);
			assert_int_not_equal(keys[tag].k1, keys[other].k1);
			assert_int_not_equal(keys[tag].k0, keys[other].k1);
			assert_int_not_equal(outputs[tag], outputs[other]);
			assert_int_not_equal((uint32_t)outputs[tag], (uint32_t)outputs[other]);
		}
	}
}

static void test_subkey_each_secret_bit_matters(void **state)
{
	uint8_t secret[32] = {1};
	struct tv_sipkey plain, other;

	(void)state;
	tv_subkey(&plain, secret, 3);
	tv_subkey(&other, secret, 3);
	assert_int_equal(plain.k0, other.k0);
	assert_int_equal(plain.k1, other.k1);
	for (unsigned bit = 0; bit < 256; bit++) {
		secret[bit / 8] ^= (uint8_t)(1u << bit % 8);
		tv_subkey(&other, secret, 3);
		assert_int_not_equal(plain.k0, other.k0);
		assert_int_not_equal(plain.k1, other.k1);
		secret[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_siphash_published_inputs_give_published_outputs),
		cmocka_unit_test(test_siphash_unaligned_input_gives_the_same),
		cmocka_unit_test(test_siphash_each_input_and_key_bit_matters),
		cmocka_unit_test(test_siphash_lanes_give_the_hashes_of_their_columns),
		cmocka_unit_test(test_subkey_tags_give_different_outputs_for_one_input),
		cmocka_unit_test(test_subkey_each_secret_bit_matters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
