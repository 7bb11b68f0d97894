/*
 * Packets of the runner: bytes against the library's own reader, which was written apart from it;
 * text against the reader of scripts; numbers of the wire against numbers of the script; and what
 * counts as a difference.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "tests/runner/icmp.h"
#include "tests/runner/match.h"
#include "wire/segment.h"

static struct script script;
static uint8_t packet[WIRE_MAX];

static const struct packet_spec *spec_of(const char *text)
{
	struct script_error error;
	char all[400];

	snprintf(all, sizeof all, "0 %s", text);
	script_free(&script);
	if (!script_read(&script, "test", all, strlen(all), NULL, &error)) fail_msg("%s: %s", text, error.text);
	return script.events->packet;
}

static int end(void **state)
{
	(void)state;
	script_free(&script);
	return 0;
}

static void address(struct tv_addr *a, bool v6, uint8_t last)
{
	memset(a, 0, sizeof *a);
	if (v6) {
		a->b[0] = 0xfd;
	} else {
		a->b[10] = a->b[11] = 0xff;
		a->b[12] = 10;
	}
	a->b[15] = last;
}

static struct wire_packet sample(bool v6)
{
	static const uint8_t payload[] = "an odd number of bytes";
	struct wire_packet p;

	memset(&p, 0, sizeof p);
	p.ip.v6 = v6;
	address(&p.ip.src, v6, 1);
	address(&p.ip.dst, v6, 2);
	p.ip.tos = 0xb9;
	p.ip.ttl = 17;
	p.protocol = WIRE_TCP;
	p.src_port = 40001;
	p.dst_port = 8080;
	p.seq = 0xfffffff0u;
	p.ack = 0x01020304;
	p.flags = FLAG_PSH | FLAG_ACK | FLAG_URG | FLAG_AE;
	p.window = 65000;
	p.urgent = 3;
	p.options_length = 12;
	memcpy(p.options, (const uint8_t[]){1, 1, 8, 10, 0, 0, 0, 9, 0, 0, 0, 8}, 12);
	p.payload = payload;
	p.length = sizeof payload;
	return p;
}

static void test_packet_built_is_what_the_library_reads(void **state)
{
	(void)state;
	for (int v6 = 0; v6 < 2; v6++) {
		struct wire_packet p = sample(v6 != 0);
		uint32_t size = wire_build(&p, packet);
		struct tv_ip ip;
		struct tv_segment s;
		assert_int_equal(tv_ip_parse(&ip, packet, size), TV_V_OK);
		assert_int_equal(ip.tos, 0xb9);
		assert_int_equal(ip.ttl, 17);
		assert_memory_equal(&ip.src, &p.ip.src, 16);
		assert_memory_equal(&ip.dst, &p.ip.dst, 16);
		assert_int_equal(tv_segment_parse(&s, &ip, 0, 0, TV_ARCH_PORTABLE), TV_V_OK);
		assert_int_equal(s.seq, p.seq);
		assert_int_equal(s.ack, p.ack);
		assert_int_equal(s.flags, p.flags);
		assert_int_equal(s.wnd, p.window);
		assert_int_equal(s.urg, 3);
		assert_int_equal(s.opt.ts_val, 9);
		assert_int_equal(s.len, p.length);
		assert_memory_equal(s.text, p.payload, p.length);
	}
}

static void test_packet_read_back_is_what_was_built(void **state)
{
	(void)state;
	for (int v6 = 0; v6 < 2; v6++) {
		struct wire_packet p = sample(v6 != 0);
		struct wire_packet q;
		uint32_t size = wire_build(&p, packet);
		assert_null(wire_parse(&q, packet, size));
		assert_int_equal(q.ip.tos, p.ip.tos);
		assert_int_equal(q.src_port, p.src_port);
		assert_int_equal(q.flags, p.flags);
		assert_int_equal(q.options_length, 12);
		assert_memory_equal(q.payload, p.payload, p.length);
		assert_int_equal(q.reserved, 0);
	}
}

static void test_packet_with_any_flipped_bit_is_noticed(void **state)
{
	struct wire_packet q;

	(void)state;
	for (int v6 = 0; v6 < 2; v6++) {
		struct wire_packet p = sample(v6 != 0);
		uint32_t size = wire_build(&p, packet);
		for (uint32_t bit = 0; bit < size * 8; bit++) {
			/* IPv6 has no checksum of its own over class, label and hop limit. */
			bool open = v6 != 0 && ((bit >= 4 && bit < 32) || (bit >= 56 && bit < 64));
			packet[bit / 8] ^= (uint8_t)(0x80u >> bit % 8);
			bool noticed = wire_parse(&q, packet, size) != NULL;
			if (noticed == open) fail_msg("version %d bit %u", v6 ? 6 : 4, bit);
			packet[bit / 8] ^= (uint8_t)(0x80u >> bit % 8);
		}
		assert_null(wire_parse(&q, packet, size));
	}
}

static void test_packet_cut_anywhere_is_noticed(void **state)
{
	struct wire_packet p = sample(true);
	struct wire_packet q;
	uint32_t size = wire_build(&p, packet);

	(void)state;
	for (uint32_t n = 0; n < size; n++) assert_non_null(wire_parse(&q, packet, n));
}

static void test_packet_icmp_by_name_follows_the_version(void **state)
{
	static const struct {
		const char *type, *code;
		struct icmp_name v4, v6;
	} cases[] = {
		{"unreachable", "port_unreachable", {3, 3}, {1, 4}},
		{"unreachable", "host_unreachable", {3, 1}, {1, 3}},
		{"unreachable", "net_unreachable", {3, 0}, {1, 0}},
		{"unreachable", "protocol_unreachable", {3, 2}, {4, 1}},
		{"unreachable", "frag_needed", {3, 4}, {2, 0}},
		{"unreachable", "packet_filtered", {3, 13}, {1, 1}},
		{"time_exceeded", NULL, {11, 0}, {3, 0}},
		{"echo_request", NULL, {8, 0}, {128, 0}},
		{"echo_reply", NULL, {0, 0}, {129, 0}},
		{"type_42", "code_7", {42, 7}, {42, 7}},
		{"unreachable", "code_14", {3, 14}, {1, 14}},
	};
	struct fail f = {0};
	struct icmp_name name;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		assert_true(icmp_by_name(cases[i].type, cases[i].code, false, &name, &f));
		assert_memory_equal(&name, &cases[i].v4, sizeof name);
		assert_true(icmp_by_name(cases[i].type, cases[i].code, true, &name, &f));
		assert_memory_equal(&name, &cases[i].v6, sizeof name);
	}
	assert_false(icmp_by_name("packet_too_big", NULL, false, &name, &f));
	assert_false(icmp_by_name("unreachable", "no_such", false, &(struct icmp_name){0, 0}, &f));
}

/* Text that the runner prints is text that it reads, and means the same. */
static void test_packet_text_reads_back_the_same(void **state)
{
	static const char *const texts[] = {
		"> S 0:0(0) win 65535 <mss 1460,sackOK,TS val 100 ecr 0,nop,wscale 8>",
		"> S. 0:0(0) ack 1 <...>", "> . 1:1(0) ack 1001 <nop,nop,sack 1:2 3:4>", "> R 1:1(0)",
		"> [ect0] PE. 1:101(100) ack 1 urg 5", "> 80>90 F. 1:1(0) ack 1", "> P.5 1:2(1) ack 1",
		"> - 5:5(0)", "> [tos 0xb8] . 1:1(0) ack 1", "> [ttl 9] . 1:1(0) ack 1",
		"> . 1:1(0) ack 1 <opt 253 0a0b,raw 02ffffff>", "> S 0:0(0) <FO 0011223344556677,nop,nop>",
		"> S 0:0(0) <ECN e1b 1 ceb 2 e0b 3,nop>", "> icmp unreachable frag_needed mtu 9 [1:2(1)]",
		"> icmp echo_reply id 7", "> udp (12)", "< S. 0:0(0) ack 1 win 0 <FOEXP aabbccdd>",
	};

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		struct packet_spec first = *spec_of(texts[i]);
		char text[TEXT_MAX];
		char again[TEXT_MAX];
		text_spec(&first, text);
		const struct packet_spec *second = spec_of(text);
		text_spec(second, again);
		assert_string_equal(text, again);
		assert_int_equal(first.options_length, second->options_length);
		assert_memory_equal(first.options, second->options, first.options_length);
		assert_int_equal(first.flags, second->flags);
	}
}

/* ------------------------------------------------------------------------------------------ */
/* Between the script and the wire                                                             */

static struct conn connection(void)
{
	struct conn c;

	memset(&c, 0, sizeof c);
	c.local_port = 8080;
	c.remote_port = 40001;
	c.local_known = c.remote_known = true;
	c.local_isn = 0xfffffffeu;
	c.remote_isn = 1000;
	return c;
}

static void test_packet_numbers_are_mapped_and_back(void **state)
{
	struct conn c = connection();
	struct wire_packet wire;
	struct packet_spec got;

	(void)state;
	memset(&wire, 0, sizeof wire);
	conn_to_wire(&c, spec_of("< . 11:21(10) ack 5 win 7 <nop,nop,sack 1:3>"), &wire);
	assert_int_equal(wire.seq, 1011);
	assert_int_equal(wire.ack, 3);              /* 0xfffffffe + 5, modulo 2^32 */
	assert_int_equal(wire.window, 7);
	assert_int_equal(wire_load32(wire.options + 4), 0xffffffffu);
	/* A SYN carries what is written. */
	conn_to_wire(&c, spec_of("< S 77:77(0) win 7"), &wire);
	assert_int_equal(wire.seq, 77);
	/* What we send counts the other way round. */
	memset(&wire, 0, sizeof wire);
	wire.flags = FLAG_ACK;
	wire.seq = 3;
	wire.ack = 1011;
	conn_to_script(&c, &wire, &got);
	assert_int_equal(got.seq, 5);
	assert_int_equal(got.ack, 11);
}

static void test_packet_timestamps_follow_the_first(void **state)
{
	struct conn c = connection();
	struct wire_packet wire;
	struct packet_spec got;
	uint32_t val;
	uint32_t ecr;

	(void)state;
	memset(&wire, 0, sizeof wire);
	wire.options_length = 12;
	memcpy(wire.options, (const uint8_t[]){1, 1, 8, 10, 0, 0, 0x27, 0x10, 0, 0, 0, 9}, 12);
	conn_learn(&c, spec_of("> . 1:1(0) ack 1 <nop,nop,TS val 100 ecr 9>"), &wire);
	conn_to_script(&c, &wire, &got);
	assert_true(options_timestamp(got.options, got.options_length, &val, &ecr));
	assert_int_equal(val, 100);
	assert_int_equal(ecr, 9);
	wire_store32(wire.options + 4, 10050);
	conn_to_script(&c, &wire, &got);
	assert_true(options_timestamp(got.options, got.options_length, &val, &ecr));
	assert_int_equal(val, 150);
	/* An echo of what was seen, and one of what was not. */
	conn_to_wire(&c, spec_of("< . 1:1(0) ack 1 win 9 <nop,nop,TS val 5 ecr 100>"), &wire);
	assert_int_equal(wire_load32(wire.options + 8), 10000);
	conn_to_wire(&c, spec_of("< . 1:1(0) ack 1 win 9 <nop,nop,TS val 5 ecr 90>"), &wire);
	assert_int_equal(wire_load32(wire.options + 8), 9990);
}

static void test_packet_each_difference_is_found(void **state)
{
	static const struct {
		const char *sent, *wanted, *what;
	} cases[] = {
		{"> . 1:11(10) ack 1 win 5", "> . 1:11(10) ack 1 win 5", NULL},
		{"> . 1:11(10) ack 1 win 5", "> . 1:11(10) ack 1", NULL},
		{"> P. 1:11(10) ack 1 win 5", "> . 1:11(10) ack 1", "flags"},
		{"> E. 1:11(10) ack 1 win 5", "> . 1:11(10) ack 1", "flags"},
		{"> A. 1:11(10) ack 1 win 5", "> .4 1:11(10) ack 1", NULL},
		{"> . 2:12(10) ack 1 win 5", "> . 1:11(10) ack 1", "sequence number"},
		{"> . 1:10(9) ack 1 win 5", "> . 1:11(10) ack 1", "length"},
		{"> . 1:11(10) ack 2 win 5", "> . 1:11(10) ack 1", "acknowledgment"},
		{"> . 1:11(10) ack 1 win 4", "> . 1:11(10) ack 1 win 5", "window"},
		{"> U. 1:11(10) ack 1 win 5 urg 2", "> U. 1:11(10) ack 1 urg 3", "urgent pointer"},
		{"> . 1:1(0) ack 1 win 5 <nop,nop,nop,nop>", "> . 1:1(0) ack 1", "TCP options"},
		{"> . 1:1(0) ack 1 win 5", "> . 1:1(0) ack 1 <nop,nop,nop,nop>", "TCP options"},
		{"> . 1:1(0) ack 1 win 5 <nop,nop,nop,nop>", "> . 1:1(0) ack 1 <...>", NULL},
		{"> . 1:1(0) ack 1 win 5 <mss 9>", "> . 1:1(0) ack 1 <mss 8>", "value of a TCP option"},
		{"> . 1:1(0) ack 1 win 5 <nop,wscale 7>", "> . 1:1(0) ack 1 <wscale 7,nop>", "TCP options"},
		{"> . 1:1(0) ack 1 win 5 <nop,nop,TS val 1 ecr 2>", "> . 1:1(0) ack 1 <nop,nop,TS val 9 ecr 2>",
			NULL},
		{"> . 1:1(0) ack 1 win 5 <nop,nop,TS val 1 ecr 2>", "> . 1:1(0) ack 1 <nop,nop,TS val 1 ecr 3>",
			"echoed timestamp"},
		{"> . 1:1(0) ack 1 win 5 <nop,nop,sack 1:2>", "> . 1:1(0) ack 1 <nop,nop,sack 1:3>",
			"value of a TCP option"},
		{"> . 1:1(0) ack 1 win 5 <raw 02ff0000>", "> . 1:1(0) ack 1 <raw 02ff0001>", "TCP options"},
		{"> [ect0] . 1:1(0) ack 1 win 5", "> [ect0] . 1:1(0) ack 1", NULL},
		{"> [ect0] . 1:1(0) ack 1 win 5", "> . 1:1(0) ack 1", NULL},
		{"> [ect0] . 1:1(0) ack 1 win 5", "> [ect01] . 1:1(0) ack 1", NULL},
		{"> [ce] . 1:1(0) ack 1 win 5", "> [ect01] . 1:1(0) ack 1", "ECN bits of the IP header"},
		{"> [ect1] . 1:1(0) ack 1 win 5", "> [noecn] . 1:1(0) ack 1", "ECN bits of the IP header"},
		{"> [tos 0xb8] . 1:1(0) ack 1 win 5", "> [tos 0xb9] . 1:1(0) ack 1", "TOS byte"},
		{"> [ttl 9] . 1:1(0) ack 1 win 5", "> [ttl 8] . 1:1(0) ack 1", "TTL"},
		{"> 8080>40001 . 1:1(0) ack 1 win 5", "> 8081>40001 . 1:1(0) ack 1", "source port"},
		{"> 8080>40001 . 1:1(0) ack 1 win 5", "> 8080>40002 . 1:1(0) ack 1", "destination port"},
	};
	struct setup setup;

	(void)state;
	memset(&setup, 0, sizeof setup);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct conn c = connection();
		struct wire_packet wire;
		struct packet_spec got;
		struct packet_spec sent = *spec_of(cases[i].sent);
		memset(&wire, 0, sizeof wire);
		conn_to_wire(&c, &sent, &wire);
		/* The packet goes the other way. */
		wire.seq = sent.seq + c.local_isn;
		wire.ack = sent.ack + c.remote_isn;
		wire.src_port = 8080;
		wire.dst_port = 40001;
		wire.length = sent.length;
		wire.ip.tos = sent.tos;
		wire.ip.ttl = sent.ttl;
		memcpy(wire.options, sent.options, sent.options_length);
		struct wire_option o;
		unsigned at = 0;
		while (wire_option_next(sent.options, sent.options_length, &at, &o)) {
			size_t where = (size_t)(o.data - sent.options);
			for (unsigned n = 0; o.kind == 5 && n < 8; n += 4)
				wire_store32(wire.options + where + n, wire_load32(o.data + n) + 1000);
		}
		const char *what = match_tcp(&c, spec_of(cases[i].wanted), &wire, &setup, &got);
		if (what == NULL || cases[i].what == NULL)
			assert_ptr_equal(what, cases[i].what);
		else
			assert_string_equal(what, cases[i].what);
	}
}

static void test_packet_timestamp_ticks_are_compared_when_asked(void **state)
{
	struct conn c = connection();
	struct setup setup;
	struct wire_packet wire;
	struct packet_spec got;

	(void)state;
	memset(&setup, 0, sizeof setup);
	setup.ts_tick_us = 1000;
	setup.tolerance_ns = 4000000;
	memset(&wire, 0, sizeof wire);
	wire.flags = FLAG_ACK;
	wire.seq = c.local_isn;
	wire.ack = c.remote_isn;
	wire.options_length = 12;
	memcpy(wire.options, (const uint8_t[]){1, 1, 8, 10, 0, 0, 0, 100, 0, 0, 0, 0}, 12);
	c.ts_count = 1; /* 0 stands for 0 */
	assert_null(match_tcp(&c, spec_of("> . 0:0(0) ack 0 <nop,nop,TS val 104 ecr 0>"), &wire, &setup, &got));
	assert_null(match_tcp(&c, spec_of("> . 0:0(0) ack 0 <nop,nop,TS val 96 ecr 0>"), &wire, &setup, &got));
	assert_string_equal(match_tcp(&c, spec_of("> . 0:0(0) ack 0 <nop,nop,TS val 105 ecr 0>"), &wire, &setup,
		&got), "timestamp value");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_packet_built_is_what_the_library_reads),
		cmocka_unit_test(test_packet_read_back_is_what_was_built),
		cmocka_unit_test(test_packet_with_any_flipped_bit_is_noticed),
		cmocka_unit_test(test_packet_cut_anywhere_is_noticed),
		cmocka_unit_test(test_packet_icmp_by_name_follows_the_version),
		cmocka_unit_test(test_packet_text_reads_back_the_same),
		cmocka_unit_test(test_packet_numbers_are_mapped_and_back),
		cmocka_unit_test(test_packet_timestamps_follow_the_first),
		cmocka_unit_test(test_packet_each_difference_is_found),
		cmocka_unit_test(test_packet_timestamp_ticks_are_compared_when_asked),
	};

	return cmocka_run_group_tests(tests, NULL, end);
}
