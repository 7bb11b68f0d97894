/*
 * test_cli_scan.c - the SYN that trivet scan sends, and the state of a port by what the kernel tells.
 */
#include "wire_packet.h"

#include <errno.h>

#include "cli/scan.h"
#include "host/syn.h"
#include "wire/segment.h"

static const struct tv_addr FOUR[2] = {
	{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 1}},
	{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 198, 51, 100, 2}}};
static const struct tv_addr SIX[2] = {
	{{0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}},
	{{0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2}}};

/* What a receiver reads, its checksum verified, is the SYN that was meant. */
static void test_scan_syn_is_read_as_it_was_meant(void **state)
{
	static const uint32_t numbers[] = {0, 1, 0xffff, 0x10000, 0x80000000, 0xdeadbeef, UINT32_MAX};

	(void)state;
	for (unsigned v6 = 0; v6 < 2; v6++)
		for (unsigned i = 0; i < COUNT(numbers) * 100; i++) {
			const struct tv_addr *addr = v6 ? SIX : FOUR;
			struct tv_endpoint from = {.addr = addr[0], .port = (uint16_t)(1024 + 611 * i)};
			struct tv_endpoint to = {.addr = addr[1], .port = (uint16_t)(1 + 97 * i)};
			uint32_t seq = numbers[i % COUNT(numbers)] + i;
			uint8_t packet[64];
			struct tv_segment s;
			struct tv_ip ip;
			size_t at = v6 ? 40 : 20;

			if (v6)
				write_v6(packet, TV_PROTO_TCP, 24);
			else
				write_v4(packet, TV_PROTO_TCP, 24);
			host_syn_write(packet + at, &from, &to, seq);
			if (v6) /* the kernel does it */
				seal(packet, TV_PROTO_TCP, packet + at, 24, 16);
			assert_verdict(tv_ip_parse(&ip, packet, at + 24), TV_V_OK, "IP");
			assert_verdict(tv_segment_parse(&s, &ip, 0, 0, TV_ARCH_PORTABLE), TV_V_OK, "TCP");
			assert_int_equal(tv_key_remote_port(&s.key), from.port);
			assert_int_equal(tv_key_local_port(&s.key), to.port);
			assert_int_equal(s.seq, seq);
			assert_int_equal(s.flags, TV_SYN);
			assert_int_equal(s.opt.mss, 1460);
			assert_int_equal(s.len, 0);
		}
}

static void test_scan_state_follows_from_what_the_kernel_tells(void **state)
{
	static const struct {
		struct host_attempt at;
		uint8_t ttl;           /* of a packet that was seen */
		enum port_state state;
		enum witness witness;
	} rows[] = {
		{{.open = true}, 0, PORT_OPEN, WITNESS_CONNECTED},
		{{.open = true}, 63, PORT_OPEN, WITNESS_SYNACK},
		{{.err = ECONNREFUSED}, 0, PORT_CLOSED, WITNESS_REFUSED},
		{{.err = ECONNREFUSED}, 63, PORT_CLOSED, WITNESS_RST},
		{{.err = ECONNREFUSED, .reported = true, .icmp_type = 3, .icmp_code = 3}, 0,
			PORT_FILTERED, WITNESS_ICMP},
		{{.err = EHOSTUNREACH, .reported = true, .icmp_type = 3, .icmp_code = 13}, 0,
			PORT_FILTERED, WITNESS_ICMP},
		{{.err = EHOSTUNREACH}, 0, PORT_FILTERED, WITNESS_ERRNO},
		{{.err = EACCES}, 0, PORT_FILTERED, WITNESS_ERRNO},
		{{.err = ETIMEDOUT}, 0, PORT_FILTERED, WITNESS_SILENCE},
		{{.err = ENETUNREACH, .at_once = true}, 0, PORT_UNTRIED, WITNESS_ERRNO},
		{{.err = EMFILE, .at_once = true}, 0, PORT_UNTRIED, WITNESS_ERRNO},
	};

	(void)state;
	for (unsigned i = 0; i < COUNT(rows); i++) {
		struct host_attempt at = rows[i].at;
		struct probe p = {.port = 80, .ttl = rows[i].ttl, .tries = 1, .syns = 1, .under_way = true, .at = &at};

		at.fd = -1;
		scan_look(&p);
		assert_int_equal(p.state, rows[i].state);
		assert_int_equal(p.witness, rows[i].witness);
		assert_false(p.under_way);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scan_syn_is_read_as_it_was_meant),
		cmocka_unit_test(test_scan_state_follows_from_what_the_kernel_tells),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
