/*
 * IPv4 and IPv6 headers: what is read from good ones, which verdict each broken one gets, and that
 * no byte behind the packet is read. Attack rows PA-06, PA-07, PA-24, PA-25, PA-26 and PA-30.
 */
#include "wire_packet.h"
#include "wire/csum.h"

static uint8_t p[512];

static void test_ip_parse_v4_good_packet_gives_its_fields(void **state)
{
	struct tv_ip ip;
	struct tv_addr src = tv_addr_v4(192, 0, 2, 1), dst = tv_addr_v4(198, 51, 100, 2);

	(void)state;
	write_v4(p, TV_PROTO_TCP, 33);
	p[1] = 0xb8;
	p[8] = 7;
	seal_v4(p);
	assert_verdict(tv_ip_parse(&ip, p, 53), TV_V_OK, "good");
	assert_true(tv_addr_equal(&ip.src, &src) && tv_addr_equal(&ip.dst, &dst));
	assert_ptr_equal(ip.payload, p + 20);
	assert_int_equal(ip.len, 33);
	assert_int_equal(ip.header_len, 20);
	assert_int_equal(ip.protocol, TV_PROTO_TCP);
	assert_int_equal(ip.ttl, 7);
	assert_int_equal(ip.tos, 0xb8);
	assert_false(ip.v6);
}

static void test_ip_parse_v6_good_packet_gives_its_fields(void **state)
{
	struct tv_ip ip;

	(void)state;
	write_v6(p, TV_PROTO_TCP, 24);
	put32(p, 0x6b8fffff); /* traffic class 0xb8, flow label all ones */
	p[7] = 9;
	assert_verdict(tv_ip_parse(&ip, p, 64), TV_V_OK, "good");
	assert_memory_equal(ip.src.b, p + 8, 16);
	assert_memory_equal(ip.dst.b, p + 24, 16);
	assert_ptr_equal(ip.payload, p + 40);
	assert_int_equal(ip.len, 24);
	assert_int_equal(ip.header_len, 40);
	assert_int_equal(ip.protocol, TV_PROTO_TCP);
	assert_int_equal(ip.ttl, 9);
	assert_int_equal(ip.tos, 0xb8);
	assert_true(ip.v6);
}

static void test_ip_parse_cut_anywhere_is_truncated_and_reads_nothing_behind(void **state)
{
	struct tv_ip ip;

	(void)state;
	write_v4(p, TV_PROTO_TCP, 20);
	for (size_t n = 0; n < 40; n++)
		assert_verdict(tv_ip_parse(&ip, at_edge(p, n), n), TV_V_TRUNCATED, "v4");
	assert_verdict(tv_ip_parse(&ip, at_edge(p, 40), 40), TV_V_OK, "v4, whole");
	write_v6(p, TV_PROTO_TCP, 20);
	for (size_t n = 0; n < 60; n++)
		assert_verdict(tv_ip_parse(&ip, at_edge(p, n), n), TV_V_TRUNCATED, "v6");
	assert_verdict(tv_ip_parse(&ip, at_edge(p, 60), 60), TV_V_OK, "v6, whole");
}

static void test_ip_parse_version_other_is_bad_version(void **state)
{
	struct tv_ip ip;

	(void)state;
	write_v4(p, TV_PROTO_TCP, 20);
	for (unsigned version = 0; version < 16; version++) {
		if (version == 4 || version == 6) continue;
		p[0] = (uint8_t)(version << 4 | 5);
		assert_verdict(tv_ip_parse(&ip, p, 40), TV_V_BAD_VERSION, "version");
	}
}

/* PA-06: total length smaller than the headers, or larger than the packet */
static void test_ip_parse_v4_impossible_lengths_are_dropped(void **state)
{
	struct tv_ip ip;

	(void)state;
	for (unsigned words = 0; words < 16; words++) {
		for (unsigned total = 0; total <= 100; total++) {
			enum tv_verdict wanted = TV_V_OK;

			write_v4(p, TV_PROTO_TCP, 0);
			memset(p + 20, 1, 60); /* NOPs, if they are options */
			p[0] = (uint8_t)(0x40 | words);
			put16(p + 2, total);
			if (words >= 5) seal_v4(p);
			if (words < 5 || total < words * 4)
				wanted = TV_V_BAD_IP_HEADER;
			else if (total > 60)
				wanted = TV_V_TRUNCATED;
			assert_verdict(tv_ip_parse(&ip, at_edge(p, 60), 60), wanted, "lengths");
			if (wanted == TV_V_OK) assert_int_equal(ip.len, total - words * 4);
		}
	}
}

/* PA-07: the padding of a short Ethernet frame is not payload */
static void test_ip_parse_bytes_behind_the_length_are_ignored(void **state)
{
	struct tv_ip ip;

	(void)state;
	write_v4(p, TV_PROTO_TCP, 20);
	memset(p + 40, 0xee, 20);
	assert_verdict(tv_ip_parse(&ip, p, 60), TV_V_OK, "v4");
	assert_int_equal(ip.len, 20);
	write_v6(p, TV_PROTO_TCP, 20);
	assert_verdict(tv_ip_parse(&ip, p, 100), TV_V_OK, "v6");
	assert_int_equal(ip.len, 20);
}

static void test_ip_parse_v4_every_wrong_checksum_is_dropped(void **state)
{
	struct tv_ip ip;
	unsigned right;

	(void)state;
	write_v4(p, TV_PROTO_TCP, 0);
	right = get16(p + 10);
	for (unsigned sum = 0; sum < 0x10000; sum++) {
		enum tv_verdict v;

		put16(p + 10, sum);
		v = tv_ip_parse(&ip, p, 20);
		assert_int_equal(v, sum == right ? TV_V_OK : TV_V_BAD_IP_CHECKSUM);
	}
}

/* PA-25, [MUST-50]: options that are not understood are skipped, source routes and broken ones drop */
static void test_ip_parse_v4_options_pass_or_drop_by_kind(void **state)
{
	static const struct {
		const char *what;
		uint8_t bytes[12];
		uint8_t words;
		enum tv_verdict wanted;
	} cases[] = {
		{"NOPs", {1, 1, 1, 1}, 1, TV_V_OK},
		{"router alert", {0x94, 4, 0, 0}, 1, TV_V_OK},
		{"unknown", {200, 8, 1, 2, 3, 4, 5, 6}, 2, TV_V_OK},
		{"record route", {7, 7, 4, 0, 0, 0, 0, 0}, 2, TV_V_OK},
		{"end, then what would be a source route", {0, 131, 3, 4}, 1, TV_V_OK},
		{"unknown, without data, last", {1, 1, 200, 2}, 1, TV_V_OK},
		{"LSRR", {131, 7, 4, 10, 0, 0, 1, 0}, 2, TV_V_IP_OPTION},
		{"SSRR behind NOPs", {1, 1, 1, 1, 137, 7, 4, 10, 0, 0, 1, 0}, 3, TV_V_IP_OPTION},
		{"LSRR with its pointer beyond", {131, 3, 200, 0}, 1, TV_V_IP_OPTION},
		{"LSRR as last byte", {1, 1, 1, 131}, 1, TV_V_IP_OPTION},
		{"length 0", {200, 0, 0, 0}, 1, TV_V_IP_OPTION},
		{"length 1", {200, 1, 0, 0}, 1, TV_V_IP_OPTION},
		{"length beyond the header", {200, 5, 0, 0}, 1, TV_V_IP_OPTION},
		{"length 255", {200, 255, 0, 0}, 1, TV_V_IP_OPTION},
		{"no length", {1, 1, 1, 200}, 1, TV_V_IP_OPTION},
	};
	struct tv_ip ip;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		size_t n = 20 + cases[i].words * 4u;

		write_v4(p, TV_PROTO_TCP, 0);
		p[0] = (uint8_t)(0x45 + cases[i].words);
		put16(p + 2, (unsigned)n);
		memcpy(p + 20, cases[i].bytes, cases[i].words * 4u);
		seal_v4(p);
		assert_verdict(tv_ip_parse(&ip, at_edge(p, n), n), cases[i].wanted, cases[i].what);
		if (cases[i].wanted == TV_V_OK) assert_int_equal(ip.header_len, n);
	}
}

static void test_ip_parse_v4_fragments_are_dropped(void **state)
{
	static const struct {
		unsigned field;
		enum tv_verdict wanted;
	} cases[] = {{0x0000, TV_V_OK}, {0x4000, TV_V_OK}, {0x8000, TV_V_OK},
		{0x2000, TV_V_FRAGMENT}, {0x0001, TV_V_FRAGMENT}, {0x1fff, TV_V_FRAGMENT},
		{0x6000, TV_V_FRAGMENT}};
	struct tv_ip ip;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		write_v4(p, TV_PROTO_TCP, 0);
		put16(p + 6, cases[i].field);
		seal_v4(p);
		assert_verdict(tv_ip_parse(&ip, p, 20), cases[i].wanted, "fragment field");
	}
}

/* An IPv6 packet whose extension headers are `bytes`; the first is of kind `first`. */
static enum tv_verdict parse_extensions(
	struct tv_ip *ip, uint8_t first, const uint8_t *bytes, size_t n)
{
	write_v6(p, first, n + 20);
	memcpy(p + 40, bytes, n);
	memset(p + 40 + n, 0, 20);
	return tv_ip_parse(ip, at_edge(p, 60 + n), 60 + n);
}

/* PA-24: a bounded walk over IPv6 extension headers; routing header 0 and fragments drop */
static void test_ip_parse_v6_extensions_pass_or_drop_by_kind(void **state)
{
	static const struct {
		const char *what;
		uint8_t first, bytes[24], n;
		enum tv_verdict wanted;
	} cases[] = {
		{"hop-by-hop with PadN", 0, {6, 0, 1, 4, 0, 0, 0, 0}, 8, TV_V_OK},
		{"hop-by-hop, router alert", 0, {6, 0, 5, 2, 0, 0, 1, 0}, 8, TV_V_OK},
		{"destination options, Pad1s", 60, {6, 0, 0, 0, 0, 0, 0, 0}, 8, TV_V_OK},
		{"unknown option to skip [MUST-50]", 60, {6, 0, 0x3e, 4, 9, 9, 9, 9}, 8, TV_V_OK},
		{"unknown option that discards", 60, {6, 0, 0x7e, 4, 9, 9, 9, 9}, 8,
			TV_V_BAD_EXTENSION},
		{"unknown option that reports", 60, {6, 0, 0xbe, 4, 9, 9, 9, 9}, 8,
			TV_V_BAD_EXTENSION},
		{"Pad1, then one that discards", 60, {6, 0, 0, 0x7e, 3, 9, 9, 9}, 8,
			TV_V_BAD_EXTENSION},
		{"Pad1, then PadN", 60, {6, 0, 0, 1, 3, 9, 9, 9}, 8, TV_V_OK},
		{"PadN, then one that discards", 60, {6, 0, 1, 1, 9, 0x7e, 1, 9}, 8,
			TV_V_BAD_EXTENSION},
		{"header longer than the packet", 60, {6, 3, 1, 4, 0, 0, 0, 0}, 8,
			TV_V_BAD_EXTENSION},
		{"jumbo payload", 0, {6, 0, 0xc2, 4, 0, 1, 0, 0}, 8, TV_V_BAD_EXTENSION},
		{"option beyond its header", 60, {6, 0, 1, 5, 0, 0, 0, 0}, 8, TV_V_BAD_EXTENSION},
		{"option kind as last byte", 60, {6, 0, 1, 3, 0, 0, 0, 5}, 8, TV_V_BAD_EXTENSION},
		{"header length 255", 60, {6, 255, 1, 4, 0, 0, 0, 0}, 8, TV_V_BAD_EXTENSION},
		{"routing type 0", 43, {6, 0, 0, 0, 0, 0, 0, 0}, 8, TV_V_BAD_EXTENSION},
		{"routing type 0, segments left", 43, {6, 0, 0, 1, 0, 0, 0, 0}, 8,
			TV_V_BAD_EXTENSION},
		{"routing type 4, done", 43, {6, 0, 4, 0, 0, 0, 0, 0}, 8, TV_V_OK},
		{"routing type 4, segments left", 43, {6, 0, 4, 1, 0, 0, 0, 0}, 8,
			TV_V_BAD_EXTENSION},
		{"atomic fragment (RFC 6946)", 44, {6, 0, 0, 0, 1, 2, 3, 4}, 8, TV_V_OK},
		{"first fragment", 44, {6, 0, 0, 1, 1, 2, 3, 4}, 8, TV_V_FRAGMENT},
		{"later fragment", 44, {6, 0, 0, 8, 1, 2, 3, 4}, 8, TV_V_FRAGMENT},
		{"hop-by-hop not first", 60, {0, 0, 1, 4, 0, 0, 0, 0, 6, 0, 1, 4, 0, 0, 0, 0}, 16,
			TV_V_BAD_EXTENSION},
		{"three headers", 0,
			{60, 0, 1, 4, 0, 0, 0, 0, 44, 0, 1, 4, 0, 0, 0, 0, 6, 0, 0, 0, 1, 2, 3, 4},
			24, TV_V_OK},
	};
	struct tv_ip ip;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_verdict(parse_extensions(&ip, cases[i].first, cases[i].bytes, cases[i].n),
			cases[i].wanted, cases[i].what);
		if (cases[i].wanted != TV_V_OK) continue;
		assert_int_equal(ip.header_len, 40 + cases[i].n);
		assert_int_equal(ip.len, 20);
		assert_int_equal(ip.protocol, TV_PROTO_TCP);
	}
}

/* PA-24: at most 8 headers and 256 bytes are walked */
static void test_ip_parse_v6_too_many_or_too_long_extensions_drop(void **state)
{
	uint8_t chain[400];
	struct tv_ip ip;

	(void)state;
	for (unsigned count = 1; count <= 12; count++) {
		memset(chain, 0, sizeof chain);
		for (unsigned i = 0; i < count; i++) chain[i * 8] = i + 1 == count ? 6 : 60;
		assert_verdict(parse_extensions(&ip, 60, chain, count * 8),
			count <= 8 ? TV_V_OK : TV_V_BAD_EXTENSION, "count");
	}
	for (unsigned eights = 1; eights <= 40; eights++) {
		memset(chain, 0, sizeof chain);
		chain[0] = 6;
		chain[1] = (uint8_t)(eights - 1);
		assert_verdict(parse_extensions(&ip, 60, chain, eights * 8),
			eights <= 32 ? TV_V_OK : TV_V_BAD_EXTENSION, "bytes");
	}
}

/* PA-24: a chain that ends with the packet */
static void test_ip_parse_v6_extensions_cut_anywhere_never_pass(void **state)
{
	static const uint8_t chain[24] = {
		60, 0, 1, 4, 0, 0, 0, 0, 44, 0, 1, 4, 0, 0, 0, 0, 6, 0, 0, 0, 1, 2, 3, 4};
	struct tv_ip ip;

	(void)state;
	for (size_t n = 0; n < sizeof chain; n++) {
		write_v6(p, 0, n);
		memcpy(p + 40, chain, n);
		assert_verdict(
			tv_ip_parse(&ip, at_edge(p, 40 + n), 40 + n), TV_V_BAD_EXTENSION, "cut");
	}
}

static void test_ip_parse_v6_extensions_without_payload_give_none(void **state)
{
	static const uint8_t chain[8] = {6, 0, 1, 4, 0, 0, 0, 0};
	struct tv_ip ip;

	(void)state;
	write_v6(p, 60, 8);
	memcpy(p + 40, chain, 8);
	assert_verdict(tv_ip_parse(&ip, at_edge(p, 48), 48), TV_V_OK, "nothing behind it");
	assert_int_equal(ip.len, 0);
	assert_int_equal(ip.protocol, TV_PROTO_TCP);
}

/* PA-30: an IPv4-mapped address on an IPv6 packet never reaches a look-up */
static void test_ip_parse_v6_mapped_address_is_dropped(void **state)
{
	static const uint8_t mapped[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 1};
	struct tv_ip ip;

	(void)state;
	for (int at = 8; at <= 24; at += 16) {
		write_v6(p, TV_PROTO_TCP, 20);
		memcpy(p + at, mapped, 16);
		assert_verdict(tv_ip_parse(&ip, p, 60), TV_V_MAPPED_ADDRESS, "mapped");
		assert_verdict(
			tv_ip_parse_quoted(&ip, p, 60), TV_V_MAPPED_ADDRESS, "mapped, quoted");
	}
	write_v6(p, TV_PROTO_TCP, 20);
	memset(p + 8, 0, 16);
	p[18] = 0xff; /* ::ff00:0:0 is another address */
	assert_verdict(tv_ip_parse(&ip, p, 60), TV_V_OK, "not mapped");
}

/* PA-26: a packet inside a packet stays the payload of an unknown protocol */
static void test_ip_parse_ip_in_ip_is_not_entered(void **state)
{
	struct tv_ip ip;

	(void)state;
	write_v4(p + 20, TV_PROTO_TCP, 20);
	write_v4(p, 4, 40);
	assert_verdict(tv_ip_parse(&ip, p, 60), TV_V_OK, "4 in 4");
	assert_int_equal(ip.protocol, 4);
	assert_ptr_equal(ip.payload, p + 20);
	write_v6(p, 41, 60);
	assert_verdict(tv_ip_parse(&ip, p, 100), TV_V_OK, "6 in 6");
	assert_int_equal(ip.protocol, 41);
	assert_ptr_equal(ip.payload, p + 40);
}

static void test_ip_parse_quoted_cut_packet_gives_what_is_there(void **state)
{
	struct tv_ip ip;

	(void)state;
	write_v4(p, TV_PROTO_TCP, 1460);
	p[10] ^= 0xff; /* routers change the TTL and leave the checksum behind */
	for (size_t n = 20; n < 60; n++) {
		assert_verdict(tv_ip_parse_quoted(&ip, at_edge(p, n), n), TV_V_OK, "v4");
		assert_int_equal(ip.len, n - 20);
	}
	for (size_t n = 0; n < 20; n++)
		assert_verdict(
			tv_ip_parse_quoted(&ip, at_edge(p, n), n), TV_V_TRUNCATED, "v4, short");
	write_v6(p, TV_PROTO_TCP, 1440);
	for (size_t n = 40; n < 80; n++) {
		assert_verdict(tv_ip_parse_quoted(&ip, at_edge(p, n), n), TV_V_OK, "v6");
		assert_int_equal(ip.len, n - 40);
	}
	for (size_t n = 0; n < 40; n++)
		assert_verdict(
			tv_ip_parse_quoted(&ip, at_edge(p, n), n), TV_V_TRUNCATED, "v6, short");
	write_v4(p, TV_PROTO_TCP, 0);
	p[0] = 0x4f; /* PA-23: a quoted header length of 60 where 28 bytes are */
	put16(p + 2, 100);
	assert_verdict(tv_ip_parse_quoted(&ip, at_edge(p, 28), 28), TV_V_TRUNCATED, "IHL 15");
}

/* [SHLD-22] among the rest: what is built is read back the same */
static void test_ip_build_read_back_gives_the_same(void **state)
{
	struct tv_addr four[2] = {tv_addr_v4(10, 1, 2, 3), tv_addr_v4(10, 200, 0, 9)};
	struct tv_addr six[2] = {{{0x20, 1, 0x0d, 0xb8, 1}}, {{0xfe, 0x80, 2}}};
	struct tv_ip ip;

	(void)state;
	for (unsigned tos = 0; tos < 256; tos++) {
		for (int v6 = 0; v6 < 2; v6++) {
			struct tv_addr *a = v6 ? six : four;
			uint32_t n = tv_ip_build(p, &a[0], &a[1], TV_PROTO_TCP, tos,
				(uint8_t)(255 - tos), (uint8_t)tos);

			assert_int_equal(n, tv_ip_header_len(v6 != 0));
			assert_verdict(tv_ip_parse(&ip, p, n + tos), TV_V_OK, "built");
			assert_true(tv_addr_equal(&ip.src, &a[0]) && tv_addr_equal(&ip.dst, &a[1]));
			assert_int_equal(ip.len, tos);
			assert_int_equal(ip.tos, tos);
			assert_int_equal(ip.ttl, 255 - tos);
			assert_int_equal(ip.protocol, TV_PROTO_TCP);
			if (!v6) assert_int_equal(naive_add(0, p, 20), 0xffff);
			if (!v6) assert_int_equal(get16(p + 4) << 16 | get16(p + 6), 0x4000);
		}
	}
}

static void test_ip_address_kinds_are_told_apart(void **state)
{
	enum { MULTICAST = 1, LINK_LOCAL = 2, LOOPBACK = 4, SOURCE = 8, ANY = 16 };
	static const struct {
		struct tv_addr a;
		unsigned kinds;
	} cases[] = {
#define V4(a, b, c, d) {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d}}
		{V4(192, 0, 2, 1), SOURCE}, {V4(223, 255, 255, 255), SOURCE},
		{V4(1, 0, 0, 1), SOURCE}, {V4(0, 0, 0, 0), 0}, {V4(0, 1, 2, 3), 0},
		{V4(127, 0, 0, 1), LOOPBACK}, {V4(127, 255, 255, 254), LOOPBACK},
		{V4(224, 0, 0, 1), MULTICAST}, {V4(239, 255, 255, 255), MULTICAST},
		{V4(240, 0, 0, 1), 0}, {V4(255, 255, 255, 255), 0},
		{V4(169, 254, 3, 4), SOURCE | LINK_LOCAL}, {V4(169, 253, 3, 4), SOURCE},
#undef V4
		{{{0}}, ANY}, {{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}}, LOOPBACK},
		{{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2}}, SOURCE},
		{{{0x20, 1, 0x0d, 0xb8}}, SOURCE},
		{{{0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}}, MULTICAST},
		{{{0xfe, 0x80}}, SOURCE | LINK_LOCAL}, {{{0xfe, 0xbf}}, SOURCE | LINK_LOCAL},
		{{{0xfe, 0xc0}}, SOURCE}, {{{0xfe, 0x7f}}, SOURCE}};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct tv_addr *a = &cases[i].a;
		unsigned kinds = (tv_addr_is_multicast(a) ? MULTICAST : 0u) |
			(tv_addr_is_link_local(a) ? LINK_LOCAL : 0u) |
			(tv_addr_is_loopback(a) ? LOOPBACK : 0u) |
			(tv_addr_is_valid_source(a) ? SOURCE : 0u) | (tv_addr_is_any(a) ? ANY : 0u);

		if (kinds != cases[i].kinds)
			fail_msg("address %zu: kinds %u, not %u", i, kinds, cases[i].kinds);
	}
}

static void test_ip_in_prefix_equals_comparing_bit_by_bit(void **state)
{
	(void)state;
	for (int round = 0; round < 200; round++) {
		struct tv_addr a, b;
		unsigned differ = next_random() % 129;

		for (int i = 0; i < 16; i++) a.b[i] = (uint8_t)next_random();
		b = a;
		if (differ < 128) b.b[differ / 8] ^= (uint8_t)(0x80 >> differ % 8);
		for (unsigned bits = 0; bits <= 128; bits++)
			assert_int_equal(tv_addr_in_prefix(&a, &b, bits), bits <= differ);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ip_parse_v4_good_packet_gives_its_fields),
		cmocka_unit_test(test_ip_parse_v6_good_packet_gives_its_fields),
		cmocka_unit_test(test_ip_parse_cut_anywhere_is_truncated_and_reads_nothing_behind),
		cmocka_unit_test(test_ip_parse_version_other_is_bad_version),
		cmocka_unit_test(test_ip_parse_v4_impossible_lengths_are_dropped),
		cmocka_unit_test(test_ip_parse_bytes_behind_the_length_are_ignored),
		cmocka_unit_test(test_ip_parse_v4_every_wrong_checksum_is_dropped),
		cmocka_unit_test(test_ip_parse_v4_options_pass_or_drop_by_kind),
		cmocka_unit_test(test_ip_parse_v4_fragments_are_dropped),
		cmocka_unit_test(test_ip_parse_v6_extensions_pass_or_drop_by_kind),
		cmocka_unit_test(test_ip_parse_v6_too_many_or_too_long_extensions_drop),
		cmocka_unit_test(test_ip_parse_v6_extensions_cut_anywhere_never_pass),
		cmocka_unit_test(test_ip_parse_v6_extensions_without_payload_give_none),
		cmocka_unit_test(test_ip_parse_v6_mapped_address_is_dropped),
		cmocka_unit_test(test_ip_parse_ip_in_ip_is_not_entered),
		cmocka_unit_test(test_ip_parse_quoted_cut_packet_gives_what_is_there),
		cmocka_unit_test(test_ip_build_read_back_gives_the_same),
		cmocka_unit_test(test_ip_address_kinds_are_told_apart),
		cmocka_unit_test(test_ip_in_prefix_equals_comparing_bit_by_bit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
