/*
 * TCP options: tables of single shapes, a second parser written straight from RFC 9293 3.1 that
 * random bytes are given to as well, and the bytes that Linux writes. Attack rows PA-01 to PA-04,
 * PA-12, PA-17, PA-18 and PA-20; requirements MUST-4 to MUST-7, MUST-64, MUST-65, MUST-68, MUST-69.
 */
#include "wire_packet.h"
#include "wire/tcp_opt.h"

/* ------------------------------------------------------------------------------------------ */
/* The second parser: finds the last well-formed option of a kind by walking from the start.    */

struct found {
	bool legal;
	uint32_t kinds;
	int at[256]; /* of the last option of this kind and of a length it may have; -1 */
};

static bool length_fits(unsigned kind, unsigned length)
{
	switch (kind) {
	case 2: return length == 4;
	case 3: return length == 3;
	case 4: return length == 2;
	case 5: return length == 10 || length == 18 || length == 26 || length == 34;
	case 8: return length == 10;
	case 34: return length == 2 || (length >= 6 && length <= 18 && length % 2 == 0);
	default: return false;
	}
}

static struct found model(const uint8_t *p, size_t n)
{
	struct found f = {.legal = true};
	size_t at = 0;

	for (int i = 0; i < 256; i++) f.at[i] = -1;
	while (at < n && p[at] != 0) {
		unsigned kind = p[at];

		if (kind < 32) f.kinds |= 1u << kind;
		if (kind == 1) {
			at++;
			continue;
		}
		if (at + 1 == n || p[at + 1] < 2 || at + p[at + 1] > n) {
			f.legal = false;
			return f;
		}
		if (length_fits(kind, p[at + 1])) f.at[kind] = (int)at;
		at += p[at + 1];
	}
	if (at < n) f.kinds |= 1;
	return f;
}

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)get16(p) << 16 | get16(p + 2);
}

static void check_against_model(const uint8_t *bytes, size_t n, bool syn)
{
	struct found f = model(bytes, n);
	const uint8_t *p = at_edge(bytes, n);
	struct tv_tcp_options o;
	enum tv_verdict v = tv_tcp_opt_parse(&o, p, n, syn);
	uint32_t has = 0;

	assert_verdict(v, f.legal ? TV_V_OK : TV_V_BAD_OPTION, "options");
	if (!f.legal) return;
	if (syn && f.at[2] >= 0) has |= TV_OPT_HAS_MSS;
	if (syn && f.at[3] >= 0) has |= TV_OPT_HAS_WSCALE;
	if (syn && f.at[4] >= 0) has |= TV_OPT_HAS_SACK_OK;
	if (f.at[5] >= 0) has |= TV_OPT_HAS_SACK;
	if (f.at[8] >= 0) has |= TV_OPT_HAS_TS;
	if (syn && f.at[34] >= 0) has |= TV_OPT_HAS_FASTOPEN;
	assert_int_equal(o.has, has);
	assert_int_equal(o.kinds, f.kinds);
	if (has & TV_OPT_HAS_MSS) assert_int_equal(o.mss, get16(p + f.at[2] + 2));
	if (has & TV_OPT_HAS_WSCALE) assert_int_equal(o.wscale, p[f.at[3] + 2]);
	if (has & TV_OPT_HAS_TS) {
		assert_int_equal(o.ts_val, get32(p + f.at[8] + 2));
		assert_int_equal(o.ts_ecr, get32(p + f.at[8] + 6));
	}
	if (has & TV_OPT_HAS_SACK) {
		assert_int_equal(o.sack_count, p[f.at[5] + 1] / 8);
		for (unsigned i = 0; i < o.sack_count; i++) {
			assert_int_equal(o.sack[i].left, get32(p + f.at[5] + 2 + i * 8));
			assert_int_equal(o.sack[i].right, get32(p + f.at[5] + 6 + i * 8));
		}
	}
	if (has & TV_OPT_HAS_FASTOPEN) {
		assert_int_equal(o.cookie_len, p[f.at[34] + 1] - 2);
		assert_memory_equal(o.cookie, p + f.at[34] + 2, o.cookie_len);
		assert_false(o.cookie_exp);
	}
}

/* PA-17, PA-20 [MUST-4, MUST-5, MUST-6, MUST-64]: every kind, order, length, alignment and repetition */
static void test_tcp_opt_parse_random_options_equal_the_model(void **state)
{
	static const uint8_t kinds[] = {
		0, 1, 1, 2, 3, 4, 5, 8, 8, 19, 28, 29, 30, 31, 32, 33, 34, 253, 172, 174};
	static const uint8_t usual[256] = {
		[2] = 4, [3] = 3, [4] = 2, [5] = 10, [8] = 10, [34] = 10};
	uint8_t bytes[64];

	(void)state;
	for (int round = 0; round < 200000; round++) {
		size_t n = 0, want = next_random() % 41;

		while (n < want) {
			uint8_t kind = kinds[next_random() % sizeof kinds];
			uint8_t length = (uint8_t)(next_random() % 20);

			if (usual[kind] != 0 && next_random() % 8 != 0) length = usual[kind];
			if (kind == 5) length = (uint8_t)(length + next_random() % 4 * 8);
			bytes[n++] = kind;
			if (kind < 2) continue;
			if (n < want) bytes[n++] = length;
			for (int i = 2; i < length && n < want; i++)
				bytes[n++] = (uint8_t)next_random();
		}
		check_against_model(bytes, want, round % 2 == 0);
	}
}

static void test_tcp_opt_parse_random_bytes_equal_the_model(void **state)
{
	uint8_t bytes[40];

	(void)state;
	for (int round = 0; round < 100000; round++) {
		size_t n = next_random() % 41;

		for (size_t i = 0; i < n; i++)
			bytes[i] = (uint8_t)(next_random() % (round % 3 == 0 ? 256 : 12));
		check_against_model(bytes, n, round % 2 == 0);
	}
}

/* PA-01 to PA-04 [MUST-7]: wherever they stand; [MUST-68] */
static void test_tcp_opt_parse_illegal_length_anywhere_is_bad_option(void **state)
{
	static const struct {
		const char *what;
		uint8_t bytes[4], n;
	} cases[] = {{"253 length 0", {253, 0}, 2}, {"253 length 1", {253, 1}, 2},
		{"MSS length 0", {2, 0}, 2}, {"MSS length 1", {2, 1}, 2},
		{"TS length 1", {8, 1}, 2}, {"SACK length 0", {5, 0}, 2},
		{"beyond by one", {253, 3}, 2}, {"MSS length 255", {2, 255}, 2},
		{"MSS length 4 in 3", {2, 4, 1}, 3}, {"kind alone", {2}, 1},
		{"unknown kind alone", {253}, 1}, {"TS in 4", {8, 10, 0, 0}, 4}};
	struct tv_tcp_options o;
	uint8_t bytes[40];

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		for (size_t nops = 0; nops + cases[i].n <= sizeof bytes; nops++) {
			size_t n = nops + cases[i].n;

			memset(bytes, 1, nops);
			memcpy(bytes + nops, cases[i].bytes, cases[i].n);
			assert_verdict(tv_tcp_opt_parse(&o, at_edge(bytes, n), n, true),
				TV_V_BAD_OPTION, cases[i].what);
			assert_verdict(tv_tcp_opt_parse(&o, at_edge(bytes, n), n, false),
				TV_V_BAD_OPTION, cases[i].what);
		}
	}
}

/* PA-12, PA-17 [MUST-6]: a known kind with another kind's length is skipped, the rest is read */
static void test_tcp_opt_parse_wrong_length_of_known_kind_is_skipped(void **state)
{
	static const struct {
		const char *what;
		uint8_t bytes[40], n;
		uint32_t has;
	} cases[] = {
		{"SACK 2", {5, 2, 1, 1}, 4, 0}, {"SACK 3", {5, 3, 0, 1}, 4, 0},
		{"SACK 9", {5, 9, 0, 0, 0, 0, 0, 0, 0}, 9, 0}, {"SACK 11", {5, 11}, 11, 0},
		{"TS 9", {8, 9}, 9, 0}, {"TS 11", {8, 11}, 11, 0}, {"MSS 3", {2, 3, 5}, 3, 0},
		{"MSS 5", {2, 5, 5, 5, 5}, 5, 0}, {"window scale 4", {3, 4, 7, 7}, 4, 0},
		{"SACK-permitted 3", {4, 3, 0}, 3, 0}, {"Fast Open 3", {34, 3, 0}, 3, 0},
		{"Fast Open 4", {34, 4, 0, 0}, 4, 0}, {"Fast Open 20", {34, 20}, 20, 0},
		{"experiment with another magic", {254, 4, 0xf9, 0x88}, 4, 0},
		{"experiment without magic", {254, 3, 0xf9}, 3, 0},
		{"TS 9, then MSS", {8, 9, 0, 0, 0, 0, 0, 0, 0, 2, 4, 5, 0xb4}, 13, TV_OPT_HAS_MSS},
		{"MSS, then MSS 5", {2, 4, 5, 0xb4, 2, 5, 1, 1, 1}, 9, TV_OPT_HAS_MSS},
	};
	struct tv_tcp_options o;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_verdict(
			tv_tcp_opt_parse(&o, at_edge(cases[i].bytes, cases[i].n), cases[i].n, true),
			TV_V_OK, cases[i].what);
		if (o.has != cases[i].has) fail_msg("%s: has %x", cases[i].what, o.has);
		if (o.has & TV_OPT_HAS_MSS) assert_int_equal(o.mss, 1460);
	}
}

static void test_tcp_opt_parse_fast_open_forms_are_read(void **state)
{
	static const uint8_t request[] = {34, 2, 1, 1};
	static const uint8_t cookie[] = {34, 10, 1, 2, 3, 4, 5, 6, 7, 8, 1, 1};
	static const uint8_t exp_request[] = {254, 4, 0xf9, 0x89};
	static const uint8_t exp_cookie[] = {254, 8, 0xf9, 0x89, 9, 8, 7, 6};
	struct tv_tcp_options o;

	(void)state;
	assert_verdict(tv_tcp_opt_parse(&o, request, 4, true), TV_V_OK, "request");
	assert_int_equal(o.has, TV_OPT_HAS_FASTOPEN);
	assert_int_equal(o.cookie_len, 0);
	assert_false(o.cookie_exp);
	assert_verdict(tv_tcp_opt_parse(&o, cookie, 12, true), TV_V_OK, "cookie");
	assert_int_equal(o.cookie_len, 8);
	assert_memory_equal(o.cookie, cookie + 2, 8);
	assert_verdict(
		tv_tcp_opt_parse(&o, exp_request, 4, true), TV_V_OK, "request, experimental");
	assert_true(o.cookie_exp && o.cookie_len == 0);
	assert_verdict(tv_tcp_opt_parse(&o, exp_cookie, 8, true), TV_V_OK, "cookie, experimental");
	assert_true(o.cookie_exp && o.cookie_len == 4);
	assert_memory_equal(o.cookie, exp_cookie + 4, 4);
	assert_verdict(tv_tcp_opt_parse(&o, cookie, 12, false), TV_V_OK, "not a SYN");
	assert_int_equal(o.has, 0);
}

/* [MUST-69]: whatever stands behind the end of the list */
static void test_tcp_opt_parse_bytes_behind_the_end_are_ignored(void **state)
{
	static const uint8_t bytes[] = {2, 4, 5, 0xb4, 0, 2, 0, 253, 1, 3, 3, 7};
	struct tv_tcp_options o;

	(void)state;
	assert_verdict(tv_tcp_opt_parse(&o, bytes, sizeof bytes, true), TV_V_OK, "end");
	assert_int_equal(o.has, TV_OPT_HAS_MSS);
	assert_int_equal(o.kinds, 1u << 2 | 1u << 0);
}

/* The two short cuts give what the walk gives for the same options one NOP word later. */
static void test_tcp_opt_parse_short_cuts_equal_the_walk(void **state)
{
	static const uint8_t shapes[2][20] = {
		{1, 1, 8, 10, 0xde, 0xad, 0xbe, 0xef, 0, 1, 2, 3},
		{2, 4, 5, 0xb4, 4, 2, 8, 10, 0xde, 0xad, 0xbe, 0xef, 0, 1, 2, 3, 1, 3, 3, 3}};
	static const size_t lengths[2] = {12, 20};

	(void)state;
	for (int shape = 0; shape < 2; shape++) {
		for (int change = -1; change < (int)lengths[shape] * 256; change++) {
			uint8_t bytes[24] = {1, 1, 1, 1};
			size_t n = lengths[shape];
			struct tv_tcp_options fast, slow;
			bool syn = change % 3 != 0;

			memset(&fast, 0, sizeof fast);
			memset(&slow, 0, sizeof slow);
			memcpy(bytes + 4, shapes[shape], n);
			if (change >= 0) bytes[4 + change / 256] = (uint8_t)change;
			assert_int_equal(tv_tcp_opt_parse(&fast, bytes + 4, n, syn),
				tv_tcp_opt_parse(&slow, bytes, n + 4, syn));
			fast.kinds |= 1u << 1;
			assert_memory_equal(&fast, &slow, sizeof fast);
			check_against_model(bytes + 4, n, syn);
		}
	}
}

/* The bytes that Linux 6 puts on the wire (tcpdump -x of its own SYN, SYN-ACK, ACK and SACK). */
static void test_tcp_opt_build_known_sets_give_the_bytes_of_linux(void **state)
{
	enum {
		MSS = TV_OPT_HAS_MSS,
		WS = TV_OPT_HAS_WSCALE,
		OK = TV_OPT_HAS_SACK_OK,
		TS = TV_OPT_HAS_TS,
		SACK = TV_OPT_HAS_SACK,
		TFO = TV_OPT_HAS_FASTOPEN
	};
	static const struct {
		uint32_t has;
		uint8_t blocks, cookie_len, n;
		bool exp;
		uint8_t bytes[40];
	} cases[] = {
		{0, 0, 0, 0, false, {0}},
		{MSS, 0, 0, 4, false, {2, 4, 5, 0xb4}},
		{MSS | OK | TS | WS, 0, 0, 20, false,
			{2, 4, 5, 0xb4, 4, 2, 8, 10, 1, 2, 3, 4, 5, 6, 7, 8, 1, 3, 3, 7}},
		{MSS | TS | WS, 0, 0, 20, false,
			{2, 4, 5, 0xb4, 1, 1, 8, 10, 1, 2, 3, 4, 5, 6, 7, 8, 1, 3, 3, 7}},
		{MSS | OK | WS, 0, 0, 12, false, {2, 4, 5, 0xb4, 1, 1, 4, 2, 1, 3, 3, 7}},
		{MSS | OK, 0, 0, 8, false, {2, 4, 5, 0xb4, 1, 1, 4, 2}},
		{MSS | WS, 0, 0, 8, false, {2, 4, 5, 0xb4, 1, 3, 3, 7}},
		{TS, 0, 0, 12, false, {1, 1, 8, 10, 1, 2, 3, 4, 5, 6, 7, 8}},
		{SACK, 1, 0, 12, false, {1, 1, 5, 10, 0, 0, 0, 0, 0, 0, 0, 9}},
		{TS | SACK, 1, 0, 24, false,
			{1, 1, 8, 10, 1, 2, 3, 4, 5, 6, 7, 8, 1, 1, 5, 10, 0, 0, 0, 0, 0, 0, 0, 9}},
		{MSS | TFO, 0, 0, 8, false, {2, 4, 5, 0xb4, 34, 2, 1, 1}},
		{MSS | TFO, 0, 8, 16, false,
			{2, 4, 5, 0xb4, 34, 10, 0xc0, 0xc1, 0xc2, 0xc3, 0xc4, 0xc5, 0xc6, 0xc7, 1,
				1}},
		{MSS | TFO, 0, 4, 12, true,
			{2, 4, 5, 0xb4, 254, 8, 0xf9, 0x89, 0xc0, 0xc1, 0xc2, 0xc3}},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct tv_tcp_options o = {.has = cases[i].has,
			.ts_val = 0x01020304,
			.ts_ecr = 0x05060708,
			.mss = 1460,
			.wscale = 7,
			.sack_count = cases[i].blocks,
			.cookie_len = cases[i].cookie_len,
			.cookie_exp = cases[i].exp};
		uint8_t out[40];

		for (uint32_t j = 0; j < TV_SACK_MAX; j++) {
			o.sack[j].left = j * 10;
			o.sack[j].right = j * 10 + 9;
		}
		for (unsigned j = 0; j < 16; j++) o.cookie[j] = (uint8_t)(0xc0 + j);
		assert_int_equal(tv_tcp_opt_build(out, &o), cases[i].n);
		assert_memory_equal(out, cases[i].bytes, cases[i].n);
	}
}

/* As many blocks as fit: four without timestamps, three with (RFC 2018 3). */
static void test_tcp_opt_build_sack_blocks_are_cut_to_the_room(void **state)
{
	struct tv_tcp_options o = {.has = TV_OPT_HAS_SACK, .sack_count = 4};
	uint8_t out[40];

	(void)state;
	assert_int_equal(tv_tcp_opt_build(out, &o), 36);
	assert_int_equal(out[3], 34);
	o.has |= TV_OPT_HAS_TS;
	assert_int_equal(tv_tcp_opt_build(out, &o), 40);
	assert_int_equal(out[15], 26);
	o.sack_count = 0;
	assert_int_equal(tv_tcp_opt_build(out, &o), 12);
}

/* What has no room is left out: 40 bytes are never passed. */
static void test_tcp_opt_build_cookie_without_room_is_left_out(void **state)
{
	struct tv_tcp_options o = {.has = TV_OPT_HAS_TS | TV_OPT_HAS_SACK | TV_OPT_HAS_FASTOPEN};
	uint8_t out[64];

	(void)state;
	for (uint8_t blocks = 0; blocks <= 4; blocks++) {
		for (uint8_t cookie = 0; cookie <= 16; cookie = (uint8_t)(cookie + 2)) {
			uint32_t before = blocks == 0 ? 12 : blocks < 3 ? 16 + blocks * 8u : 40;
			uint32_t words = (2u + cookie + 3) / 4 * 4;

			o.sack_count = blocks;
			o.cookie_len = cookie;
			memset(out, 0xa5, sizeof out);
			assert_int_equal(tv_tcp_opt_build(out, &o),
				before + words <= 40 ? before + words : before);
			assert_int_equal(out[40], 0xa5);
		}
	}
}

/* [MUST-65, MUST-68, MUST-69]: what is built is a list that the parser reads back, in whole words */
static void test_tcp_opt_build_every_set_reads_back_the_same(void **state)
{
	(void)state;
	for (uint32_t has = 0; has < 64; has++) {
		struct tv_tcp_options o = {.has = has,
			.ts_val = 77,
			.ts_ecr = 88,
			.mss = 536,
			.wscale = 14,
			.sack_count = 3,
			.cookie_len = 16};
		struct tv_tcp_options back;
		uint8_t out[41];
		uint32_t n;
		bool syn = (has &
				   (TV_OPT_HAS_MSS | TV_OPT_HAS_WSCALE | TV_OPT_HAS_SACK_OK |
					   TV_OPT_HAS_FASTOPEN)) != 0;

		if (syn && has & TV_OPT_HAS_SACK) continue;
		memset(out, 0xa5, sizeof out);
		n = tv_tcp_opt_build(out, &o);
		assert_true(n % 4 == 0 && n <= 40);
		assert_int_equal(out[n], 0xa5);
		assert_verdict(tv_tcp_opt_parse(&back, out, n, syn), TV_V_OK, "built");
		assert_int_equal(back.has, has);
		assert_int_equal(back.kinds & 1, 0); /* no end of list is needed */
		if (has & TV_OPT_HAS_MSS) assert_int_equal(back.mss, 536);
		if (has & TV_OPT_HAS_WSCALE) assert_int_equal(back.wscale, 14);
		if (has & TV_OPT_HAS_TS) assert_true(back.ts_val == 77 && back.ts_ecr == 88);
		if (has & TV_OPT_HAS_SACK) assert_int_equal(back.sack_count, 3);
		if (has & TV_OPT_HAS_FASTOPEN) assert_int_equal(back.cookie_len, 16);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tcp_opt_parse_random_options_equal_the_model),
		cmocka_unit_test(test_tcp_opt_parse_random_bytes_equal_the_model),
		cmocka_unit_test(test_tcp_opt_parse_illegal_length_anywhere_is_bad_option),
		cmocka_unit_test(test_tcp_opt_parse_wrong_length_of_known_kind_is_skipped),
		cmocka_unit_test(test_tcp_opt_parse_fast_open_forms_are_read),
		cmocka_unit_test(test_tcp_opt_parse_bytes_behind_the_end_are_ignored),
		cmocka_unit_test(test_tcp_opt_parse_short_cuts_equal_the_walk),
		cmocka_unit_test(test_tcp_opt_build_known_sets_give_the_bytes_of_linux),
		cmocka_unit_test(test_tcp_opt_build_sack_blocks_are_cut_to_the_room),
		cmocka_unit_test(test_tcp_opt_build_cookie_without_room_is_left_out),
		cmocka_unit_test(test_tcp_opt_build_every_set_reads_back_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
