/*
 * TCP segments from IP packets and back: fields, lengths, checksums, offload metadata, and the few
 * bytes that an ICMP error quotes. Attack rows PA-05, PA-22 and PA-29; MUST-2, MUST-3 and MUST-64.
 */
#include "wire_packet.h"
#include "wire/csum.h"
#include "wire/plain.h"

static uint8_t p[70000];

/* A whole segment with n bytes behind its 20 byte header; returns the packet's length. */
static size_t write_segment(bool v6, size_t n)
{
	size_t head = v6 ? 40 : 20;

	if (v6)
		write_v6(p, TV_PROTO_TCP, 20 + n);
	else
		write_v4(p, TV_PROTO_TCP, 20 + n);
	memset(p + head, 0, 20);
	put16(p + head, 49152);
	put16(p + head + 2, 80);
	put32(p + head + 4, 0xfffffff0);
	put32(p + head + 8, 0x01020304);
	put16(p + head + 12, 5 << 12 | TV_ACK | TV_PSH);
	put16(p + head + 14, 64240);
	put16(p + head + 18, 7);
	for (size_t i = 0; i < n; i++) p[head + 20 + i] = (uint8_t)(i * 7 + 1);
	seal(p, TV_PROTO_TCP, p + head, 20 + n, 16);
	return head + 20 + n;
}

static enum tv_verdict parse(
	struct tv_segment *s, const uint8_t *packet, size_t n, uint16_t flags, uint16_t seg_size)
{
	struct tv_ip ip;

	assert_verdict(tv_ip_parse(&ip, packet, n), TV_V_OK, "IP header");
	return tv_segment_parse(s, &ip, flags, seg_size, TV_ARCH_PORTABLE);
}

static void test_segment_parse_good_segment_gives_its_fields(void **state)
{
	(void)state;
	for (int v6 = 0; v6 < 2; v6++) {
		size_t n = write_segment(v6 != 0, 10);
		struct tv_segment s;

		assert_verdict(parse(&s, at_edge(p, n), n, 0, 0), TV_V_OK, "good");
		assert_int_equal(tv_key_remote_port(&s.key), 49152);
		assert_int_equal(tv_key_local_port(&s.key), 80);
		assert_int_equal(s.seq, 0xfffffff0);
		assert_int_equal(s.ack, 0x01020304);
		assert_int_equal(s.flags, TV_ACK | TV_PSH);
		assert_int_equal(s.wnd, 64240);
		assert_int_equal(s.urg, 7);
		assert_int_equal(s.len, 10);
		assert_memory_equal(s.text, p + n - 10, 10);
		assert_int_equal(s.key.v6, v6);
		assert_int_equal(s.opt.has, 0);
		assert_int_equal(s.seg_size, 0);
		assert_true(s.key.zone == 0 && s.link == 0);
		assert_memory_equal(s.key.b, p + (v6 ? 24 : 16), v6 ? 16 : 4);
	}
}

static void test_segment_len_counts_text_syn_and_fin(void **state)
{
	struct tv_segment s = {.len = 5};

	(void)state;
	assert_int_equal(tv_segment_len(&s), 5);
	s.flags = TV_SYN | TV_ACK;
	assert_int_equal(tv_segment_len(&s), 6);
	s.flags = TV_SYN | TV_FIN;
	assert_int_equal(tv_segment_len(&s), 7);
}

/* The nine control bits; the three reserved ones are ignored. */
static void test_segment_parse_every_flag_word_keeps_nine_bits(void **state)
{
	(void)state;
	for (unsigned flags = 0; flags < 0x1000; flags++) {
		size_t n = write_segment(false, 0);
		struct tv_segment s;

		put16(p + 32, 5 << 12 | flags);
		seal(p, TV_PROTO_TCP, p + 20, 20, 16);
		assert_verdict(parse(&s, p, n, 0, 0), TV_V_OK, "flags");
		assert_int_equal(s.flags, flags & 0x1ff);
	}
}

static void test_segment_parse_shorter_than_a_header_is_truncated(void **state)
{
	struct tv_segment s;

	(void)state;
	write_segment(false, 0);
	for (size_t n = 0; n < 20; n++) {
		write_v4(p, TV_PROTO_TCP, n);
		assert_verdict(
			parse(&s, at_edge(p, 20 + n), 20 + n, 0, 0), TV_V_TRUNCATED, "short");
	}
}

/* PA-05: data offset below five, or beyond the segment */
static void test_segment_parse_impossible_offset_is_bad_header(void **state)
{
	struct tv_segment s;

	(void)state;
	for (unsigned offset = 0; offset < 16; offset++) {
		for (size_t more = 0; more <= 44; more += 4) {
			size_t n = write_segment(false, more);
			bool good = offset >= 5 && offset * 4 <= 20 + more;

			memset(p + 40, 1, more);
			put16(p + 32, offset << 12 | TV_ACK);
			seal(p, TV_PROTO_TCP, p + 20, 20 + more, 16);
			assert_verdict(parse(&s, at_edge(p, n), n, 0, 0),
				good ? TV_V_OK : TV_V_BAD_TCP_HEADER, "offset");
			if (good) assert_int_equal(s.len, 20 + more - offset * 4);
		}
	}
}

/* PA-22 [MUST-3]: of all 65536 checksums only the right one passes, in both forms of zero */
static void test_segment_parse_every_wrong_checksum_is_dropped(void **state)
{
	static const size_t texts[] = {0, 1, 44, 45, 101};

	(void)state;
	for (size_t i = 0; i < COUNT(texts) * 2; i++) {
		bool v6 = i % 2 != 0;
		size_t n = write_segment(v6, texts[i / 2]), at = v6 ? 56 : 36;
		unsigned right = get16(p + at), passed = 0;
		struct tv_segment s;

		for (unsigned sum = 0; sum < 0x10000; sum++) {
			put16(p + at, sum);
			if (parse(&s, p, n, 0, 0) == TV_V_OK) {
				passed++;
				assert_int_equal(sum, right);
			}
		}
		assert_int_equal(passed, 1);
	}
}

/* PA-22: a segment whose checksum comes out as zero carries 0x0000, and 0xffff counts the same */
static void test_segment_parse_zero_checksum_passes_in_both_forms(void **state)
{
	size_t n = write_segment(false, 2);
	struct tv_segment s;

	(void)state;
	put16(p + 40, 0);
	put16(p + 36, 0);
	put16(p + 40, ~naive_add(naive_pseudo(p, 6, 22), p + 20, 22) & 0xffff);
	assert_verdict(parse(&s, p, n, 0, 0), TV_V_OK, "0x0000");
	put16(p + 36, 0xffff);
	assert_verdict(parse(&s, p, n, 0, 0), TV_V_OK, "0xffff");
	put16(p + 36, 1);
	assert_verdict(parse(&s, p, n, 0, 0), TV_V_BAD_TCP_CHECKSUM, "0x0001");
}

/* [MUST-3]: one bit anywhere, also in the addresses that the pseudo-header covers */
static void test_segment_parse_any_flipped_bit_is_noticed(void **state)
{
	(void)state;
	for (int v6 = 0; v6 < 2; v6++) {
		size_t n = write_segment(v6 != 0, 13);

		for (size_t bit = (v6 ? 8u : 12u) * 8; bit < n * 8; bit++) {
			struct tv_segment s;
			enum tv_verdict v;

			p[bit / 8] ^= (uint8_t)(1u << bit % 8);
			if (!v6) seal_v4(p);
			v = parse(&s, p, n, 0, 0);
			assert_true(v == TV_V_BAD_TCP_CHECKSUM || v == TV_V_BAD_TCP_HEADER);
			p[bit / 8] ^= (uint8_t)(1u << bit % 8);
			if (!v6) seal_v4(p);
		}
	}
}

/* PA-22: the link vouches for it */
static void test_segment_parse_checksum_is_not_looked_at_when_vouched_for(void **state)
{
	size_t n = write_segment(false, 5);
	struct tv_segment s;

	(void)state;
	p[36] ^= 0x55;
	assert_verdict(parse(&s, p, n, 0, 0), TV_V_BAD_TCP_CHECKSUM, "nobody");
	assert_verdict(parse(&s, p, n, TV_PKT_CSUM_OK, 0), TV_V_OK, "verified");
	assert_verdict(parse(&s, p, n, TV_PKT_CSUM_PARTIAL, 0), TV_V_OK, "partial");
}

/* Every kernel in the place where segments meet it, below and above the size it begins at. */
static void test_segment_parse_all_lengths_pass_with_right_checksum(void **state)
{
	(void)state;
	for (size_t text = 0; text <= 1460; text += text < 150 ? 1 : 131) {
		for (int v6 = 0; v6 < 2; v6++) {
			size_t n = write_segment(v6 != 0, text);
			struct tv_segment s;

			assert_verdict(parse(&s, at_edge(p, n), n, 0, 0), TV_V_OK, "length");
			assert_int_equal(s.len, text);
		}
	}
}

/* PA-29: 64 KB merged by the link */
static void test_segment_parse_super_segment_keeps_its_text_and_size(void **state)
{
	size_t n = write_segment(false, 65495);
	struct tv_segment s;

	(void)state;
	assert_verdict(parse(&s, p, n, TV_PKT_CSUM_OK, 1448), TV_V_OK, "64 KB");
	assert_int_equal(s.len, 65495);
	assert_int_equal(s.seg_size, 1448);
	assert_verdict(parse(&s, p, n, 0, 1), TV_V_OK, "size 1");
}

static void test_segment_parse_metadata_that_contradicts_is_refused(void **state)
{
	static const struct {
		unsigned flags;
		uint16_t seg_size, kept;
		enum tv_verdict wanted;
	} cases[] = {{TV_ACK, 0, 0, TV_V_OK}, {TV_ACK, 99, 99, TV_V_OK}, {TV_ACK, 100, 0, TV_V_OK},
		{TV_ACK, 65535, 0, TV_V_OK}, {TV_ACK | TV_FIN | TV_PSH, 50, 50, TV_V_OK},
		{TV_SYN, 50, 0, TV_V_BAD_METADATA}, {TV_SYN, 100, 0, TV_V_OK},
		{TV_RST | TV_ACK, 1, 0, TV_V_BAD_METADATA}};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		size_t n = write_segment(false, 100);
		struct tv_segment s;

		put16(p + 32, 5 << 12 | cases[i].flags);
		assert_verdict(parse(&s, p, n, TV_PKT_CSUM_OK, cases[i].seg_size), cases[i].wanted,
			"metadata");
		if (cases[i].wanted == TV_V_OK) assert_int_equal(s.seg_size, cases[i].kept);
	}
}

/* [MUST-5, MUST-7]: options reach the parser with the right length and the right SYN bit */
static void test_segment_parse_options_are_read(void **state)
{
	static const uint8_t syn_options[20] = {
		2, 4, 5, 0xb4, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2, 1, 3, 3, 7};
	struct tv_segment s;

	(void)state;
	for (int syn = 0; syn < 2; syn++) {
		size_t n = write_segment(false, 23);

		memcpy(p + 40, syn_options, 20);
		put16(p + 32, 10 << 12 | (syn ? TV_SYN : TV_ACK));
		seal(p, TV_PROTO_TCP, p + 20, 43, 16);
		assert_verdict(parse(&s, at_edge(p, n), n, 0, 0), TV_V_OK, "options");
		assert_int_equal(s.len, 3);
		assert_int_equal(s.opt.has, syn ? 15 : TV_OPT_HAS_TS);
		p[41] = 0;
		seal(p, TV_PROTO_TCP, p + 20, 43, 16);
		assert_verdict(parse(&s, at_edge(p, n), n, 0, 0), TV_V_BAD_OPTION, "length 0");
		p[36] ^= 1;
		assert_verdict(parse(&s, at_edge(p, n), n, 0, 0), TV_V_BAD_TCP_CHECKSUM, "both");
	}
}

/* PA-23: 8 bytes are enough, 7 are not */
static void test_segment_parse_quoted_needs_eight_bytes(void **state)
{
	uint16_t sport, dport;
	uint32_t seq;

	(void)state;
	for (size_t there = 0; there <= 20; there++) {
		struct tv_ip ip;
		size_t n = 20 + there;

		write_segment(false, 0);
		assert_verdict(tv_ip_parse_quoted(&ip, at_edge(p, n), n), TV_V_OK, "quote");
		assert_int_equal(tv_segment_parse_quoted(&ip, &sport, &dport, &seq), there >= 8);
		if (there < 8) continue;
		assert_int_equal(sport, 49152);
		assert_int_equal(dport, 80);
		assert_int_equal(seq, 0xfffffff0);
		ip.protocol = TV_PROTO_UDP;
		assert_false(tv_segment_parse_quoted(&ip, &sport, &dport, &seq));
	}
}

/* [MUST-2]: header, options and text built piece by piece sum up and read back the same */
static void test_segment_build_read_back_gives_the_same(void **state)
{
	(void)state;
	for (unsigned round = 0; round < 2000; round++) {
		struct tv_tcp_header h = {.sport = (uint16_t)next_random(),
			.dport = (uint16_t)next_random(),
			.seq = next_random(),
			.ack = next_random(),
			.flags = next_random() & 0x1f9,
			.wnd = (uint16_t)next_random(),
			.urg = (uint16_t)next_random()};
		struct tv_tcp_options o = {
			.has = round & TV_OPT_HAS_TS, .ts_val = round, .ts_ecr = 9};
		struct tv_addr a = tv_addr_v4(10, 0, 0, 1), b = tv_addr_v4(10, 0, 0, 2);
		uint32_t text = next_random() % 200, total;
		struct tv_segment s;

		h.header_len = (uint16_t)(20 + tv_tcp_opt_build(p + 40, &o));
		total = h.header_len + text;
		tv_tcp_header_build(p + 20, &h);
		for (uint32_t i = 0; i < text; i++)
			p[20 + h.header_len + i] = (uint8_t)next_random();
		tv_csum_store(p + 36,
			tv_csum_add(
				tv_csum_pseudo(&a, &b, false, TV_PROTO_TCP, total), p + 20, total));
		tv_ip_build(p, &a, &b, TV_PROTO_TCP, total, 64, 0);
		assert_int_equal(naive_add(naive_pseudo(p, 6, total), p + 20, total), 0xffff);
		assert_verdict(parse(&s, p, 20 + total, 0, 0), TV_V_OK, "built");
		assert_true(tv_key_remote_port(&s.key) == h.sport && tv_key_local_port(&s.key) == h.dport);
		assert_true(s.seq == h.seq && s.ack == h.ack);
		assert_true(
			s.flags == h.flags && s.wnd == h.wnd && s.urg == h.urg && s.len == text);
		assert_int_equal(s.opt.has, o.has);
	}
}

static void assert_same(const struct tv_segment *a, const struct tv_segment *b)
{
	assert_memory_equal(a->key.b, b->key.b, a->key.v6 ? 36 : 12);
	assert_true(a->key.v6 == b->key.v6 && a->key.zone == b->key.zone && a->link == b->link);
	assert_true(a->flags == b->flags && a->wnd == b->wnd && a->seq == b->seq && a->ack == b->ack);
	assert_true(a->len == b->len && a->text == b->text && a->urg == b->urg && a->seg_size == b->seg_size);
	assert_true(a->opt.has == b->opt.has && a->opt.kinds == b->opt.kinds);
	if (a->opt.has & TV_OPT_HAS_TS)
		assert_true(a->opt.ts_val == b->opt.ts_val && a->opt.ts_ecr == b->opt.ts_ecr);
	if (a->opt.has & TV_OPT_HAS_MSS) assert_int_equal(a->opt.mss, b->opt.mss);
	if (a->opt.has & TV_OPT_HAS_WSCALE) assert_int_equal(a->opt.wscale, b->opt.wscale);
}

/* A segment as it may come: usual options or odd ones, a field or two turned, checksums right or not. */
static size_t write_any(void)
{
	static const uint8_t shapes[5][20] = {{0}, {1, 1, 8, 10, 1, 2, 3, 4, 5, 6, 7, 8},
		{2, 4, 5, 0xb4, 4, 2, 8, 10, 0xde, 0xad, 0xbe, 0xef, 0, 1, 2, 3, 1, 3, 3, 3},
		{1, 1, 8, 10, 9, 9, 9, 9, 8, 8, 8, 8, 1, 1, 1, 0}, {1, 1, 5, 10, 1, 2, 3, 4, 5, 6, 7, 8}};
	static const uint8_t lengths[5] = {0, 12, 20, 16, 12};
	uint32_t shape = next_random() % 5, text = next_random() % 4 * (next_random() % 60);
	size_t n = write_segment(next_random() % 2 == 0, lengths[shape] + text), head = n - 20 - lengths[shape] - text;
	uint8_t *mapped = next_random() % 16 == 0 ? p + 8 + next_random() % 2 * 16 : NULL;

	memcpy(p + head + 20, shapes[shape], lengths[shape]);
	put16(p + head + 12, (5u + lengths[shape] / 4) << 12 | (next_random() & 0xfff));
	if (mapped != NULL && head == 40) put32(mapped + 8, next_random() % 2 ? 0xffff : 0xfffe);
	if (mapped != NULL && head == 40) put32(mapped, next_random() % 2 ? 0 : 0x20010db8);
	if (next_random() % 2) p[next_random() % (head + 20)] ^= (uint8_t)(1u << next_random() % 8);
	if (next_random() % 4 == 0) p[next_random() % n] = (uint8_t)next_random();
	if (next_random() % 8) seal(p, TV_PROTO_TCP, p + head, n - head, 16);
	if (next_random() % 8 && head == 20) seal_v4(p);
	return n;
}

/* Both headers at once: the same segment, or none where the two parsers see anything else. */
static void test_segment_parse_plain_equals_the_two_parsers(void **state)
{
	const struct tv_key_seed seed = {.w = {1, 20, 300, 4000, 50000}, .finish = 0x9e3779b97f4a7c15};
	unsigned plain[2] = {0, 0}, other = 0;

	(void)state;
	for (unsigned round = 0; round < 200000; round++) {
		size_t n = write_any();
		uint16_t flags = next_random() % 4 == 0 ? TV_PKT_CSUM_OK : 0;
		uint16_t seg_size = (uint16_t)(next_random() % 8 == 0 ? next_random() % 100 : 0);
		const uint8_t *packet;
		struct tv_segment s, wanted;
		bool good, got;
		struct tv_ip ip;

		if (next_random() % 8 == 0) n = next_random() % (n + 1);
		packet = at_edge(p, n);
		good = tv_ip_parse(&ip, packet, n) == TV_V_OK && ip.header_len == tv_ip_header_len(ip.v6) &&
			ip.protocol == TV_PROTO_TCP &&
			tv_segment_parse(&wanted, &ip, flags, seg_size, TV_ARCH_PORTABLE) == TV_V_OK;
		got = tv_segment_parse_plain(&s, packet, n, flags, seg_size, TV_ARCH_PORTABLE);
		assert_int_equal(got, good);
		if (good) assert_same(&s, &wanted);
		if (good && !ip.v6)
			assert_true(tv_key_hash_arrived_v4(packet + 12, packet + 20, &seed) ==
				tv_key_hash(&wanted.key, &seed));
		plain[good && ip.v6] += good;
		other += !good;
	}
	assert_true(plain[0] > 10000 && plain[1] > 10000 && other > 10000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_segment_parse_plain_equals_the_two_parsers),
		cmocka_unit_test(test_segment_parse_good_segment_gives_its_fields),
		cmocka_unit_test(test_segment_len_counts_text_syn_and_fin),
		cmocka_unit_test(test_segment_parse_every_flag_word_keeps_nine_bits),
		cmocka_unit_test(test_segment_parse_shorter_than_a_header_is_truncated),
		cmocka_unit_test(test_segment_parse_impossible_offset_is_bad_header),
		cmocka_unit_test(test_segment_parse_every_wrong_checksum_is_dropped),
		cmocka_unit_test(test_segment_parse_zero_checksum_passes_in_both_forms),
		cmocka_unit_test(test_segment_parse_any_flipped_bit_is_noticed),
		cmocka_unit_test(test_segment_parse_checksum_is_not_looked_at_when_vouched_for),
		cmocka_unit_test(test_segment_parse_all_lengths_pass_with_right_checksum),
		cmocka_unit_test(test_segment_parse_super_segment_keeps_its_text_and_size),
		cmocka_unit_test(test_segment_parse_metadata_that_contradicts_is_refused),
		cmocka_unit_test(test_segment_parse_options_are_read),
		cmocka_unit_test(test_segment_parse_quoted_needs_eight_bytes),
		cmocka_unit_test(test_segment_build_read_back_gives_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
