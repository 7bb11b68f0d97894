/*
 * test_sim_cli.c - what the tool reads from the command line and prints for people.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/address.h"
#include "cli/common.h"

static void test_duration_units_are_read_exactly(void **state)
{
	static const struct {
		const char *text;
		bool ok;
		tv_time time;
	} cases[] = {
		{"40ms", true, 40 * TV_MS}, {"1.5s", true, 1500 * TV_MS}, {"250us", true, 250 * TV_US},
		{"7ns", true, 7}, {"0", true, 0}, {"0.000000001s", true, 1}, {"0s", true, 0},
		{"1000000000s", true, 1000000000 * TV_S}, {"40", false, 0}, {"ms", false, 0}, {"", false, 0},
		{"-1s", false, 0}, {"1 s", false, 0}, {"1m", false, 0}, {"1.s", false, 0}, {"1e3s", false, 0},
		{"99999999999s", false, 0}, {"1sx", false, 0}, {" 1s", false, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		tv_time time = 12345;

		if (duration_read(cases[i].text, &time) != cases[i].ok)
			fail_msg("'%s'", cases[i].text);
		if (cases[i].ok)
			assert_int_equal(time, cases[i].time);
	}
}

static void test_number_outside_its_range_is_refused(void **state)
{
	uint64_t n;

	(void)state;
	assert_true(number_read("1", 1, 65535, &n) && n == 1);
	assert_true(number_read("65535", 1, 65535, &n) && n == 65535);
	assert_true(number_read("18446744073709551615", 0, UINT64_MAX, &n) && n == UINT64_MAX);
	assert_false(number_read("0", 1, 65535, &n));
	assert_false(number_read("65536", 1, 65535, &n));
	assert_false(number_read("18446744073709551616", 0, UINT64_MAX, &n));
	assert_false(number_read("-1", 0, UINT64_MAX, &n));
	assert_false(number_read("+1", 0, 10, &n));
	assert_false(number_read(" 1", 0, 10, &n));
	assert_false(number_read("1x", 0, 10, &n));
	assert_false(number_read("", 0, 10, &n));
}

static void test_nearest_finds_small_slips_only(void **state)
{
	static const char *const names[] = {"loss", "lines", "seed", NULL};

	(void)state;
	assert_string_equal(nearest("los", names), "loss");
	assert_string_equal(nearest("line", names), "lines");
	assert_string_equal(nearest("sede", names), "seed");
	assert_null(nearest("bandwidth", names));
	assert_null(nearest("a word that is longer than thirty-one letters", names));
}

static void test_address_next_stays_in_the_subnet(void **state)
{
	static const struct {
		const char *text, *next;
	} cases[] = {
		{"10.9.0.1/24", "10.9.0.2"}, {"10.9.0.254/24", "10.9.0.253"}, {"10.9.0.255/23", "10.9.1.0"},
		{"10.9.0.0/31", "10.9.0.1"}, {"10.9.0.1/31", "10.9.0.0"}, {"10.9.0.2/30", "10.9.0.1"},
		{"fd00:9::1/64", "fd00:9::2"}, {"fd00::ffff/112", "fd00::fffe"},
		{"fd00::ffff/64", "fd00::1:0"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char text[ADDRESS_TEXT];
		struct tv_addr addr, next;
		unsigned prefix;

		assert_true(prefix_read(cases[i].text, &addr, &prefix));
		next = address_next(&addr, prefix);
		assert_string_equal(address_text(&next, text), cases[i].next);
		assert_true(address_in(&next, &addr, prefix));
	}
}

static void test_prefix_malformed_is_refused(void **state)
{
	static const char *const cases[] = {"10.9.0.1", "10.9.0.1/", "10.9.0.1/33", "10.9.0.1/0", "10.9.0/24",
		"fd00::1/129", "x/24", "10.9.0.1/24x", "/24", "", "10.9.0.1/-1",
		"1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa/64"};
	struct tv_addr addr;
	unsigned prefix;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		if (prefix_read(cases[i], &addr, &prefix))
			fail_msg("'%s' was taken", cases[i]);
}

static void test_endpoint_text_brackets_only_ipv6(void **state)
{
	struct tv_endpoint e = {.port = 80};
	char text[ENDPOINT_TEXT];

	(void)state;
	assert_true(address_read("192.0.2.1", &e.addr));
	assert_string_equal(endpoint_text(&e, text), "192.0.2.1:80");
	assert_true(address_read("2001:db8::1", &e.addr));
	assert_string_equal(endpoint_text(&e, text), "[2001:db8::1]:80");
}

/* A terminal must never be moved by what came over the wire. */
static void test_escaped_leaves_only_printable_ascii(void **state)
{
	char in[256], out[2048];

	(void)state;
	for (unsigned i = 0; i < 256; i++)
		in[i] = (char)i;
	escaped(in, sizeof in, out, sizeof out);
	for (const char *p = out; *p; p++)
		assert_in_range(*p, 32, 126);
	assert_string_equal(escaped("a\r\n\t\"\\\x1b[2J", 10, out, sizeof out), "a\\r\\n\\t\\\"\\\\\\x1b[2J");
	assert_true(strlen(escaped(in, sizeof in, out, 16)) < 16);
}

static void test_text_counts_and_sizes(void **state)
{
	char text[40];

	(void)state;
	assert_string_equal(counted(1, "byte", text, sizeof text), "1 byte");
	assert_string_equal(counted(0, "byte", text, sizeof text), "0 bytes");
	assert_string_equal(bytes_text(999, text), "999 bytes");
	assert_string_equal(bytes_text(104857600, text), "104.9 MB");
	assert_string_equal(duration_text(58 * TV_US, text), "0.058 ms");
	assert_string_equal(duration_text(40 * TV_MS, text), "40.0 ms");
	assert_string_equal(duration_text(131 * TV_S, text), "131 s");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_duration_units_are_read_exactly),
		cmocka_unit_test(test_number_outside_its_range_is_refused),
		cmocka_unit_test(test_nearest_finds_small_slips_only),
		cmocka_unit_test(test_address_next_stays_in_the_subnet),
		cmocka_unit_test(test_prefix_malformed_is_refused),
		cmocka_unit_test(test_endpoint_text_brackets_only_ipv6),
		cmocka_unit_test(test_escaped_leaves_only_printable_ascii),
		cmocka_unit_test(test_text_counts_and_sizes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
