/* The Internet checksum against RFC 1071's own example and against a sum made byte by byte. */
#include "wire_packet.h"
#include "wire/csum.h"

/* A native sum as the 16 bits of network order that the naive one gives. */
static unsigned shown(uint64_t sum)
{
	uint8_t b[2];

	tv_csum_store(b, sum);
	return ~get16(b) & 0xffff;
}

static void test_csum_rfc_1071_example_gives_its_sum(void **state)
{
	const uint8_t bytes[] = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};

	(void)state;
	assert_int_equal(shown(tv_csum_add(0, bytes, 8)), 0xddf2); /* RFC 1071 3 */
}

static void test_csum_add_every_short_length_equals_naive(void **state)
{
	uint8_t bytes[130];

	(void)state;
	for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t)next_random();
	for (size_t offset = 0; offset < 8; offset++) {
		for (size_t n = 1; n <= 120; n++)
			assert_int_equal(shown(tv_csum_add(0, bytes + offset, n)),
				naive_add(0, bytes + offset, n));
	}
}

static void test_csum_fold_any_sum_is_its_remainder(void **state)
{
	const uint64_t sums[] = {0, 1, 0xffff, 0x10000, 0x1ffff, 0xffff0000, 0xffffffff,
		0x1fffffffe, 0xffffffff00000000, 0xfffffffffffffffe, UINT64_MAX};

	(void)state;
	assert_int_equal(tv_csum_fold(0), 0);
	for (size_t i = 0; i < COUNT(sums); i++)
		assert_int_equal(tv_csum_fold(sums[i]) % 0xffff, sums[i] % 0xffff);
	for (int i = 0; i < 100000; i++) {
		uint64_t sum = (uint64_t)next_random() << 32 | next_random();
		uint64_t folded = sum;

		while (folded >> 16 != 0) folded = (folded & 0xffff) + (folded >> 16);
		assert_int_equal(tv_csum_fold(sum), folded);
		assert_int_equal(tv_csum_is_right(sum), folded == 0xffff);
	}
}

static void test_csum_is_right_zero_is_not(void **state)
{
	(void)state;
	assert_false(tv_csum_is_right(0));
	assert_true(tv_csum_is_right(0xffff));
	assert_true(tv_csum_is_right(0xffffull * 0x123456789));
	assert_false(tv_csum_is_right(0xfffe));
	assert_false(tv_csum_is_right(0x10000));
}

/* Both are, or it is not said; it is said of all below 2^64 - 2^48. */
static void test_csum_are_whole_no_wrong_one_passes(void **state)
{
	(void)state;
	for (int i = 0; i < 100000; i++) {
		uint64_t sum[2];
		bool whole = true, small = true;

		for (unsigned k = 0; k < 2; k++) {
			sum[k] = ((uint64_t)next_random() << 32 | next_random()) / 0xffff * 0xffff;
			if (i % 100 == 0) sum[k] = UINT64_MAX - 0xffffull * (next_random() % 0x20000);
			if (next_random() % 4 == 0) sum[k] += 1 + next_random() % 0xfffe;
			whole = whole && sum[k] % 0xffff == 0;
			small = small && sum[k] < UINT64_MAX - 0xffffffffffffull;
		}
		if (!whole) assert_false(tv_csum_are_whole(sum[0], sum[1]));
		if (whole && small) assert_true(tv_csum_are_whole(sum[0], sum[1]));
	}
	assert_true(tv_csum_are_whole(0xffff, 0xffff));
	assert_false(tv_csum_are_whole(0xffff, 0xfffe) || tv_csum_are_whole(0xfffe, 0xffff));
}

static void test_csum_odd_piece_at_odd_offset_sums_as_the_whole(void **state)
{
	uint8_t bytes[64];

	(void)state;
	for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t)next_random();
	for (size_t cut = 1; cut < sizeof bytes; cut += 2) {
		uint64_t sum = tv_csum_add(0, bytes, cut);

		sum += tv_csum_odd(tv_csum_add(0, bytes + cut, sizeof bytes - cut));
		assert_int_equal(shown(sum), naive_add(0, bytes, sizeof bytes));
	}
}

static void test_csum_pseudo_both_versions_equal_the_header_of_the_rfc(void **state)
{
	uint8_t p[40];
	struct tv_ip ip;
	const uint32_t lengths[] = {0, 20, 1460, 65515, 65535};

	(void)state;
	for (size_t i = 0; i < COUNT(lengths); i++) {
		write_v4(p, TV_PROTO_TCP, 0);
		assert_verdict(tv_ip_parse(&ip, p, 20), TV_V_OK, "v4");
		assert_int_equal(shown(tv_csum_pseudo(&ip.src, &ip.dst, false, 6, lengths[i])),
			naive_pseudo(p, 6, lengths[i]));
		write_v6(p, TV_PROTO_TCP, 0);
		assert_verdict(tv_ip_parse(&ip, p, 40), TV_V_OK, "v6");
		assert_int_equal(shown(tv_csum_pseudo(&ip.src, &ip.dst, true, 58, lengths[i])),
			naive_pseudo(p, 58, lengths[i]));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_csum_rfc_1071_example_gives_its_sum),
		cmocka_unit_test(test_csum_add_every_short_length_equals_naive),
		cmocka_unit_test(test_csum_fold_any_sum_is_its_remainder),
		cmocka_unit_test(test_csum_is_right_zero_is_not),
		cmocka_unit_test(test_csum_are_whole_no_wrong_one_passes),
		cmocka_unit_test(test_csum_odd_piece_at_odd_offset_sums_as_the_whole),
		cmocka_unit_test(test_csum_pseudo_both_versions_equal_the_header_of_the_rfc),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
