/*
 * ICMP and ICMPv6: the table of types and codes, errors whose quote is cut anywhere (PA-23), what may
 * be reported, and what is written. MUST-54 to MUST-56, SHLD-25, SHLD-26.
 */
#include "wire_packet.h"
#include "wire/icmp.h"

static uint8_t p[2048];

/* A message of n bytes from `type` on; the body begins at body(v6). Returns the packet's length. */
static size_t write_icmp(bool v6, uint8_t type, uint8_t code, uint32_t value, size_t n)
{
	uint8_t *icmp = p + (v6 ? 40 : 20);

	if (v6)
		write_v6(p, TV_PROTO_ICMP6, n);
	else
		write_v4(p, TV_PROTO_ICMP, n);
	icmp[0] = type;
	icmp[1] = code;
	if (n >= 8) put32(icmp + 4, value);
	seal(p, v6 ? TV_PROTO_ICMP6 : TV_PROTO_ICMP, icmp, n, 2);
	return (v6 ? 40 : 20) + n;
}

/* The bytes behind the first 8, filled with a quoted TCP SYN from port 1111 to 80, sequence 7. */
static size_t quote_tcp(bool v6)
{
	uint8_t *quoted = p + (v6 ? 48 : 28);
	size_t head = v6 ? 40 : 20;

	if (v6)
		write_v6(quoted, TV_PROTO_TCP, 1440);
	else
		write_v4(quoted, TV_PROTO_TCP, 1460);
	memset(quoted + head, 0, 20);
	put16(quoted + head, 1111);
	put16(quoted + head + 2, 80);
	put32(quoted + head + 4, 7);
	return head + 8;
}

static enum tv_verdict parse(struct tv_icmp *m, size_t n)
{
	struct tv_ip ip;

	assert_verdict(tv_ip_parse(&ip, at_edge(p, n), n), TV_V_OK, "IP header");
	return tv_icmp_parse(m, &ip);
}

/* One row of the table: every code from `first` to `last` of a type. */
struct row {
	bool v6;
	uint8_t type, first, last;
	enum tv_icmp_kind kind;
	bool hard;
};

static const struct row rows[] = {
	/* issue 4: ICMP codes map by one table; RFC 9293 3.9.2.2 for hard and soft */
	{false, 3, 0, 0, TV_ICMP_NET, false},
	{false, 3, 1, 1, TV_ICMP_HOST, false},
	{false, 3, 2, 2, TV_ICMP_PROTOCOL, true},
	{false, 3, 3, 3, TV_ICMP_PORT, true},
	{false, 3, 4, 4, TV_ICMP_TOO_BIG, false},
	{false, 3, 5, 6, TV_ICMP_NET, false},
	{false, 3, 7, 8, TV_ICMP_HOST, false},
	{false, 3, 9, 10, TV_ICMP_ADMIN, true},
	{false, 3, 11, 11, TV_ICMP_NET, false},
	{false, 3, 12, 12, TV_ICMP_HOST, false},
	{false, 3, 13, 15, TV_ICMP_ADMIN, true},
	{false, 3, 16, 255, TV_ICMP_OTHER, false},
	{false, 11, 0, 0, TV_ICMP_TIME_EXCEEDED, false},
	{false, 11, 1, 255, TV_ICMP_OTHER, false},
	{false, 12, 0, 255, TV_ICMP_PARAMETER, false},
	{false, 4, 0, 255, TV_ICMP_IGNORED, false}, /* [MUST-55] */
	{false, 5, 0, 255, TV_ICMP_IGNORED, false},
	{false, 1, 0, 255, TV_ICMP_IGNORED, false},
	{false, 200, 0, 255, TV_ICMP_IGNORED, false},
	{false, 8, 0, 0, TV_ICMP_ECHO_REQUEST, false},
	{false, 0, 0, 0, TV_ICMP_ECHO_ANSWER, false},
	{true, 1, 0, 0, TV_ICMP_NET, false},
	{true, 1, 1, 1, TV_ICMP_ADMIN, true},
	{true, 1, 2, 2, TV_ICMP_NET, false},
	{true, 1, 3, 3, TV_ICMP_HOST, false},
	{true, 1, 4, 4, TV_ICMP_PORT, true},
	{true, 1, 5, 6, TV_ICMP_ADMIN, true},
	{true, 1, 7, 7, TV_ICMP_NET, false},
	{true, 1, 8, 255, TV_ICMP_OTHER, false},
	{true, 2, 0, 255, TV_ICMP_TOO_BIG, false},
	{true, 3, 0, 0, TV_ICMP_TIME_EXCEEDED, false},
	{true, 3, 1, 255, TV_ICMP_OTHER, false},
	{true, 4, 0, 0, TV_ICMP_PARAMETER, false},
	{true, 4, 1, 1, TV_ICMP_PROTOCOL, false}, /* [MUST-56] names parameter problem 1 as soft */
	{true, 4, 2, 255, TV_ICMP_PARAMETER, false},
	{true, 100, 0, 255, TV_ICMP_OTHER, false},
	{true, 128, 0, 0, TV_ICMP_ECHO_REQUEST, false},
	{true, 129, 0, 0, TV_ICMP_ECHO_ANSWER, false},
	{true, 133, 0, 255, TV_ICMP_IGNORED, false},
	{true, 134, 0, 255, TV_ICMP_IGNORED, false},
	{true, 135, 0, 0, TV_ICMP_NEIGHBOUR, false},
	{true, 136, 0, 0, TV_ICMP_NEIGHBOUR, false},
	{true, 137, 0, 255, TV_ICMP_IGNORED, false},
	{true, 200, 0, 255, TV_ICMP_IGNORED, false},
};

/* [MUST-55, MUST-56, SHLD-26] */
static void test_icmp_kind_every_row_of_the_table_holds(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		for (unsigned code = rows[i].first; code <= rows[i].last; code++) {
			enum tv_icmp_kind kind =
				tv_icmp_kind(rows[i].v6, rows[i].type, (uint8_t)code);
			bool hard = tv_icmp_is_hard(rows[i].v6, rows[i].type, (uint8_t)code);

			if (kind != rows[i].kind || hard != rows[i].hard)
				fail_msg("%s type %d code %u: kind %d, hard %d",
					rows[i].v6 ? "v6" : "v4", rows[i].type, code, kind, hard);
		}
	}
}

static void test_icmp_reason_each_kind_of_error_has_its_own(void **state)
{
	(void)state;
	assert_int_equal(tv_icmp_reason(TV_ICMP_NET), TV_R_NET_UNREACHABLE);
	assert_int_equal(tv_icmp_reason(TV_ICMP_HOST), TV_R_HOST_UNREACHABLE);
	assert_int_equal(tv_icmp_reason(TV_ICMP_PROTOCOL), TV_R_PROTOCOL_UNREACHABLE);
	assert_int_equal(tv_icmp_reason(TV_ICMP_PORT), TV_R_PORT_UNREACHABLE);
	assert_int_equal(tv_icmp_reason(TV_ICMP_ADMIN), TV_R_ADMIN_PROHIBITED);
	assert_int_equal(tv_icmp_reason(TV_ICMP_TIME_EXCEEDED), TV_R_ICMP_OTHER);
	assert_int_equal(tv_icmp_reason(TV_ICMP_PARAMETER), TV_R_ICMP_OTHER);
	assert_int_equal(tv_icmp_reason(TV_ICMP_ECHO_REQUEST), TV_R_NONE);
}

/* [MUST-54]: ports and sequence number come out of 8 quoted bytes */
static void test_icmp_parse_error_gives_the_quoted_segment(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		bool v6 = rows[i].v6;
		size_t quoted = quote_tcp(v6);
		size_t n = write_icmp(v6, rows[i].type, rows[i].first, 0x0001058c, 8 + quoted);
		struct tv_icmp m;

		if (rows[i].kind < TV_ICMP_NET) continue;
		assert_verdict(parse(&m, n), TV_V_OK, "error");
		assert_int_equal(m.kind, rows[i].kind);
		assert_int_equal(m.hard, rows[i].hard);
		assert_int_equal(m.type, rows[i].type);
		assert_int_equal(m.code, rows[i].first);
		assert_true(m.tcp);
		assert_int_equal(m.sport, 1111);
		assert_int_equal(m.dport, 80);
		assert_int_equal(m.seq, 7);
		assert_int_equal(m.quoted_length, v6 ? 1480 : 1480);
		assert_int_equal(m.quoted.v6, v6);
		if (m.kind == TV_ICMP_TOO_BIG) assert_int_equal(m.mtu, v6 ? 0x0001058c : 1420);
		if (m.kind != TV_ICMP_TOO_BIG) assert_int_equal(m.mtu, 0);
	}
}

/* PA-23: 0 to 28 (48) quoted bytes; less than header and 8 bytes of TCP is nothing */
static void test_icmp_parse_quote_cut_anywhere_is_malformed(void **state)
{
	(void)state;
	for (int v6 = 0; v6 < 2; v6++) {
		size_t whole = quote_tcp(v6 != 0);

		for (size_t quoted = 0; quoted <= whole; quoted++) {
			size_t n = write_icmp(v6 != 0, v6 ? 1 : 3, v6 ? 4 : 3, 0, 8 + quoted);
			struct tv_icmp m;

			assert_verdict(parse(&m, n),
				quoted == whole ? TV_V_OK : TV_V_ICMP_MALFORMED, "cut");
		}
	}
}

/* PA-23: quoted header length 15, another version, another protocol, chained extension headers */
static void test_icmp_parse_strange_quotes_never_name_a_connection(void **state)
{
	struct tv_icmp m;
	size_t n;

	(void)state;
	n = quote_tcp(false);
	p[28] = 0x4f;
	assert_verdict(parse(&m, write_icmp(false, 3, 3, 0, 8 + n)), TV_V_ICMP_MALFORMED, "IHL 15");
	quote_tcp(false);
	p[28] = 0x65;
	assert_verdict(parse(&m, write_icmp(false, 3, 3, 0, 8 + n)), TV_V_ICMP_MALFORMED,
		"version 6 in v4");
	write_v6(p + 28, TV_PROTO_TCP, 8);
	assert_verdict(parse(&m, write_icmp(false, 3, 3, 0, 8 + 48)), TV_V_ICMP_MALFORMED,
		"a whole IPv6 packet in v4");
	quote_tcp(false);
	p[28 + 9] = TV_PROTO_UDP;
	assert_verdict(parse(&m, write_icmp(false, 3, 3, 0, 8 + n)), TV_V_OK, "UDP");
	assert_false(m.tcp);
	quote_tcp(false);
	put16(p + 28 + 6, 0x2001);
	assert_verdict(parse(&m, write_icmp(false, 3, 3, 0, 8 + n)), TV_V_ICMP_MALFORMED,
		"later fragment");
	n = quote_tcp(true);
	p[48 + 6] = 60; /* the ports are now taken for an extension header */
	p[88] = 6;
	p[89] = 0;
	assert_verdict(parse(&m, write_icmp(true, 1, 4, 0, 8 + n)), TV_V_ICMP_MALFORMED,
		"extension, no TCP");
	memset(p + 88, 0, 200);
	for (size_t at = 88; at < 88 + 20 * 8; at += 8) p[at] = 60;
	assert_verdict(parse(&m, write_icmp(true, 1, 4, 0, 8 + 40 + 170)), TV_V_ICMP_MALFORMED,
		"20 extensions");
}

static void test_icmp_parse_short_or_wrong_sum_is_malformed(void **state)
{
	struct tv_icmp m;

	(void)state;
	for (int v6 = 0; v6 < 2; v6++) {
		uint8_t type = v6 ? TV_ICMP6_ECHO : TV_ICMP4_ECHO;

		for (size_t n = 4; n < 8; n++)
			assert_verdict(parse(&m, write_icmp(v6 != 0, type, 0, 0, n)),
				TV_V_ICMP_MALFORMED, "short");
		for (size_t bit = 0; bit < 12 * 8; bit++) {
			size_t n = write_icmp(v6 != 0, type, 0, 0x12340007, 12);

			p[n - 12 + bit / 8] ^= (uint8_t)(1u << bit % 8);
			assert_verdict(parse(&m, n), TV_V_ICMP_MALFORMED, "one bit");
		}
	}
}

static void test_icmp_parse_protocol_of_the_other_version_is_malformed(void **state)
{
	struct tv_icmp m;
	size_t n = write_icmp(false, TV_ICMP4_ECHO, 0, 0, 16);

	(void)state;
	p[9] = TV_PROTO_ICMP6;
	seal_v4(p);
	assert_verdict(parse(&m, n), TV_V_ICMP_MALFORMED, "58 in IPv4");
	n = write_icmp(true, TV_ICMP6_ECHO, 0, 0, 16);
	p[6] = TV_PROTO_ICMP;
	assert_verdict(parse(&m, n), TV_V_ICMP_MALFORMED, "1 in IPv6");
}

/* [MUST-55] and all that is not ours: without reading more than the type */
static void test_icmp_parse_ignored_types_are_ignored(void **state)
{
	static const uint8_t four[] = {4, 5, 9, 10, 13, 14, 17, 255};
	static const uint8_t six[] = {130, 133, 134, 137, 143, 255};
	struct tv_icmp m;

	(void)state;
	for (size_t i = 0; i < sizeof four; i++)
		assert_verdict(
			parse(&m, write_icmp(false, four[i], 0, 0, 8)), TV_V_ICMP_IGNORED, "v4");
	for (size_t i = 0; i < sizeof six; i++)
		assert_verdict(
			parse(&m, write_icmp(true, six[i], 0, 0, 8)), TV_V_ICMP_IGNORED, "v6");
}

/* RFC 792: data comes back unchanged; RFC 4443 4.2 */
static void test_icmp_echo_answer_carries_the_request(void **state)
{
	(void)state;
	for (int v6 = 0; v6 < 2; v6++) {
		for (size_t data = 0; data <= 57; data++) {
			uint8_t *icmp = p + (v6 ? 40 : 20), out[200];
			size_t n;
			uint32_t built;
			struct tv_ip ip, back;
			struct tv_icmp m;

			for (size_t i = 0; i < data; i++) icmp[8 + i] = (uint8_t)(i * 3);
			n = write_icmp(v6 != 0, v6 ? TV_ICMP6_ECHO : TV_ICMP4_ECHO, 0, 0xabcd0102,
				8 + data);
			assert_verdict(tv_ip_parse(&ip, p, n), TV_V_OK, "request");
			assert_verdict(tv_icmp_parse(&m, &ip), TV_V_OK, "request");
			assert_true(m.id == 0xabcd && m.sequence == 0x0102);
			assert_int_equal(tv_icmp_build_echo(out, (uint32_t)n - 1, &ip, 64), 0);
			built = tv_icmp_build_echo(out, (uint32_t)n, &ip, 64);
			assert_int_equal(built, n);
			assert_verdict(tv_ip_parse(&back, out, built), TV_V_OK, "answer");
			assert_true(tv_addr_equal(&back.src, &ip.dst) &&
				tv_addr_equal(&back.dst, &ip.src));
			assert_verdict(tv_icmp_parse(&m, &back), TV_V_OK, "answer");
			assert_int_equal(m.kind, TV_ICMP_ECHO_ANSWER);
			assert_memory_equal(back.payload + 4, icmp + 4, 4 + data);
			assert_int_equal(back.ttl, 64);
		}
	}
}

/* RFC 1812 4.3.2.3: at most 576 bytes; RFC 4443 2.4 (c): as much as fits into 1280 */
static void test_icmp_build_error_quotes_as_much_as_may_be(void **state)
{
	static uint8_t quoted[1500];

	(void)state;
	for (int v6 = 0; v6 < 2; v6++) {
		uint32_t head = v6 ? 48 : 28, most = v6 ? 1280 : 576;

		for (uint32_t there = v6 ? 48 : 28; there <= sizeof quoted; there += 61) {
			struct tv_icmp_error e = {.type = v6 ? 1 : 3, .code = v6 ? 4 : 3, .ttl = 64,
				.value = 0, .quoted = quoted, .quoted_len = there};
			uint32_t wanted = head + there < most ? head + there : most;
			struct tv_ip ip;
			struct tv_icmp m;

			if (v6)
				write_v6(quoted, TV_PROTO_TCP, sizeof quoted - 40);
			else
				write_v4(quoted, TV_PROTO_TCP, sizeof quoted - 20);
			memset(p, 0xa5, sizeof p);
			e.src = v6 ? (struct tv_addr){{0x20, 1, 9}} : tv_addr_v4(10, 0, 0, 1);
			e.dst = v6 ? (struct tv_addr){{0x20, 1, 8}} : tv_addr_v4(10, 0, 0, 2);
			assert_int_equal(tv_icmp_build_error(p, sizeof p, &e), wanted);
			assert_int_equal(p[wanted], 0xa5);
			assert_memory_equal(p + head, quoted, wanted - head);
			assert_verdict(tv_ip_parse(&ip, p, wanted), TV_V_OK, "error");
			assert_verdict(tv_icmp_parse(&m, &ip), TV_V_OK, "error");
			assert_int_equal(m.kind, TV_ICMP_PORT);
			assert_int_equal(ip.tos, v6 ? 0 : 0xc0); /* RFC 1812 4.3.2.5 */
			assert_int_equal(ip.ttl, 64);
			assert_int_equal(tv_icmp_build_error(p, head + 7, &e), 0);
			assert_int_equal(tv_icmp_build_error(p, head + 8, &e), head + 8);
		}
	}
}

static void test_icmp_build_error_carries_its_value(void **state)
{
	uint8_t quoted[60];
	struct tv_icmp_error e = {.src = tv_addr_v4(10, 0, 0, 1), .dst = tv_addr_v4(10, 0, 0, 2),
		.type = 3, .code = 4, .ttl = 1, .value = 1400, .quoted = quoted, .quoted_len = 28};
	struct tv_icmp m;

	(void)state;
	write_v4(quoted, TV_PROTO_UDP, 40);
	assert_verdict(parse(&m, tv_icmp_build_error(p, sizeof p, &e)), TV_V_OK, "too big");
	assert_int_equal(m.kind, TV_ICMP_TOO_BIG);
	assert_int_equal(m.mtu, 1400);
	assert_false(m.tcp);
}

/* RFC 1122 3.2.2, RFC 4443 2.4 (e) */
static void test_icmp_may_report_never_about_errors_or_groups(void **state)
{
	static const struct {
		bool v6;
		uint8_t protocol, type;
		bool wanted;
	} cases[] = {{false, 17, 3, true}, {false, 6, 5, true}, {false, 1, 8, true},
		{false, 1, 0, true}, {false, 1, 3, false}, {false, 1, 11, false},
		{false, 1, 5, false}, {true, 17, 1, true}, {true, 58, 128, true},
		{true, 58, 1, false}, {true, 58, 127, false}, {true, 58, 137, false}};
	struct tv_ip ip;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		if (cases[i].v6)
			write_v6(p, cases[i].protocol, 8);
		else
			write_v4(p, cases[i].protocol, 8);
		p[cases[i].v6 ? 40 : 20] = cases[i].type;
		assert_verdict(tv_ip_parse(&ip, p, 64), TV_V_OK, "packet");
		assert_int_equal(tv_icmp_may_report(&ip), cases[i].wanted);
	}
	write_v4(p, TV_PROTO_UDP, 8);
	tv_ip_parse(&ip, p, 28);
	ip.dst = tv_addr_v4(224, 0, 0, 1);
	assert_false(tv_icmp_may_report(&ip));
	ip.dst = tv_addr_v4(255, 255, 255, 255);
	assert_false(tv_icmp_may_report(&ip));
	ip.dst = tv_addr_v4(240, 0, 0, 1);
	assert_false(tv_icmp_may_report(&ip));
	ip.dst = tv_addr_v4(0, 0, 0, 0);
	assert_false(tv_icmp_may_report(&ip));
	ip.dst = tv_addr_v4(10, 250, 250, 1);
	assert_true(tv_icmp_may_report(&ip));
	ip.src = tv_addr_v4(0, 0, 0, 0);
	assert_false(tv_icmp_may_report(&ip));
	for (unsigned n = 0; n < 2; n++) { /* without a type, nothing is known about it */
		write_v4(p, TV_PROTO_ICMP, n);
		p[20] = TV_ICMP4_ECHO;
		tv_ip_parse(&ip, at_edge(p, 20 + n), 20 + n);
		assert_int_equal(tv_icmp_may_report(&ip), n == 1);
		write_v6(p, TV_PROTO_ICMP6, n);
		p[40] = TV_ICMP6_ECHO;
		tv_ip_parse(&ip, at_edge(p, 40 + n), 40 + n);
		assert_int_equal(tv_icmp_may_report(&ip), n == 1);
	}
	write_v6(p, TV_PROTO_UDP, 8);
	tv_ip_parse(&ip, p, 48);
	ip.dst.b[0] = 0xff;
	assert_false(tv_icmp_may_report(&ip));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_icmp_kind_every_row_of_the_table_holds),
		cmocka_unit_test(test_icmp_reason_each_kind_of_error_has_its_own),
		cmocka_unit_test(test_icmp_parse_error_gives_the_quoted_segment),
		cmocka_unit_test(test_icmp_parse_quote_cut_anywhere_is_malformed),
		cmocka_unit_test(test_icmp_parse_strange_quotes_never_name_a_connection),
		cmocka_unit_test(test_icmp_parse_short_or_wrong_sum_is_malformed),
		cmocka_unit_test(test_icmp_parse_protocol_of_the_other_version_is_malformed),
		cmocka_unit_test(test_icmp_parse_ignored_types_are_ignored),
		cmocka_unit_test(test_icmp_echo_answer_carries_the_request),
		cmocka_unit_test(test_icmp_build_error_quotes_as_much_as_may_be),
		cmocka_unit_test(test_icmp_build_error_carries_its_value),
		cmocka_unit_test(test_icmp_may_report_never_about_errors_or_groups),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
