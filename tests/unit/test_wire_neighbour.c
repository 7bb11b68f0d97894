/*
 * Ethernet, ARP and neighbour discovery: good messages give their fields, and each rule of RFC 826,
 * RFC 5227 and RFC 4861 7.1 drops the message that breaks it.
 */
#include "wire_packet.h"
#include "wire/arp.h"
#include "wire/eth.h"
#include "wire/icmp.h"
#include "wire/nd.h"

static const uint8_t mac_a[6] = {2, 0, 0x5e, 0x10, 0, 1}, mac_b[6] = {2, 0, 0x5e, 0x10, 0, 2};
static uint8_t p[256];

/* ------------------------------------------------------------------------------------------ */

static void test_eth_parse_built_frame_gives_its_fields(void **state)
{
	struct tv_eth e;

	(void)state;
	assert_int_equal(tv_eth_build(p, mac_a, mac_b, TV_ETH_IP6), 14);
	for (size_t n = 0; n < 14; n++)
		assert_verdict(tv_eth_parse(&e, at_edge(p, n), n), TV_V_TRUNCATED, "short");
	assert_verdict(tv_eth_parse(&e, at_edge(p, 14), 14), TV_V_OK, "built");
	assert_memory_equal(e.dst, mac_a, 6);
	assert_memory_equal(e.src, mac_b, 6);
	assert_int_equal(e.type, TV_ETH_IP6);
	assert_int_equal(e.header_len, 14);
	assert_int_equal(e.vlan, 0);
	assert_false(e.tagged);
}

static void test_eth_parse_one_tag_is_reported(void **state)
{
	struct tv_eth e;

	(void)state;
	tv_eth_build(p, mac_a, mac_b, TV_ETH_VLAN);
	put16(p + 14, 0xa064); /* priority 5, VLAN 100 */
	put16(p + 16, TV_ETH_ARP);
	for (size_t n = 14; n < 18; n++)
		assert_verdict(tv_eth_parse(&e, at_edge(p, n), n), TV_V_TRUNCATED, "short");
	assert_verdict(tv_eth_parse(&e, p, 18), TV_V_OK, "tagged");
	assert_true(e.tagged);
	assert_int_equal(e.vlan, 100);
	assert_int_equal(e.type, TV_ETH_ARP);
	assert_int_equal(e.header_len, 18);
	put16(p + 16, TV_ETH_VLAN); /* a second tag is nobody's type */
	assert_verdict(tv_eth_parse(&e, p, 18), TV_V_OK, "two tags");
	assert_int_equal(e.type, TV_ETH_VLAN);
}

/* RFC 1112 6.4, RFC 2464 7 */
static void test_eth_mac_of_group_follows_the_address(void **state)
{
	static const uint8_t four[6] = {0x01, 0x00, 0x5e, 0x7f, 0x01, 0xfa},
			     six[6] = {0x33, 0x33, 0xff, 1, 2, 3};
	struct tv_addr a = tv_addr_v4(239, 255, 1, 250);
	uint8_t mac[6];

	(void)state;
	tv_mac_of_group(mac, &a);
	assert_memory_equal(mac, four, 6);
	a = (struct tv_addr){{0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, 1, 2, 3}};
	tv_mac_of_group(mac, &a);
	assert_memory_equal(mac, six, 6);
	assert_true(tv_mac_is_group(six) && !tv_mac_is_group(mac_a));
}

/* ------------------------------------------------------------------------------------------ */

static void write_arp(void)
{
	static const uint8_t bytes[28] = {0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0x5e, 0x10, 0, 1, 192, 0, 2,
		1, 0, 0, 0, 0, 0, 0, 192, 0, 2, 2};

	memcpy(p, bytes, 28);
}

static void test_arp_parse_request_gives_its_fields_and_builds_back(void **state)
{
	struct tv_addr from = tv_addr_v4(192, 0, 2, 1), to = tv_addr_v4(192, 0, 2, 2);
	struct tv_arp a;
	uint8_t out[28];

	(void)state;
	write_arp();
	assert_verdict(tv_arp_parse(&a, at_edge(p, 28), 28), TV_V_OK, "request");
	assert_int_equal(a.op, TV_ARP_REQUEST);
	assert_memory_equal(a.sender_mac, mac_a, 6);
	assert_true(tv_addr_equal(&a.sender, &from) && tv_addr_equal(&a.target, &to));
	tv_arp_build(out, &a);
	assert_memory_equal(out, p, 28);
	assert_verdict(tv_arp_parse(&a, p, 46), TV_V_OK, "padded");
}

static void test_arp_parse_what_breaks_a_rule_is_malformed(void **state)
{
	static const struct {
		const char *what;
		uint8_t at, value;
		enum tv_verdict wanted;
	} cases[] = {{"hardware", 1, 6, TV_V_ARP_MALFORMED},
		{"protocol", 2, 0x86, TV_V_ARP_MALFORMED}, {"MAC length", 4, 8, TV_V_ARP_MALFORMED},
		{"address length", 5, 16, TV_V_ARP_MALFORMED},
		{"operation 0", 7, 0, TV_V_ARP_MALFORMED}, {"reply", 7, 2, TV_V_OK},
		{"operation 3", 7, 3, TV_V_ARP_MALFORMED},
		{"operation 258", 6, 1, TV_V_ARP_MALFORMED},
		{"group MAC", 8, 1, TV_V_ARP_MALFORMED},
		{"multicast sender", 14, 224, TV_V_ARP_MALFORMED},
		{"loopback sender", 14, 127, TV_V_ARP_MALFORMED},
		{"0/8 sender", 14, 0, TV_V_ARP_MALFORMED},
		{"broadcast sender", 14, 255, TV_V_ARP_MALFORMED},
		{"target of another", 27, 99, TV_V_OK}};
	struct tv_arp a;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		write_arp();
		p[cases[i].at] = cases[i].value;
		assert_verdict(tv_arp_parse(&a, p, 28), cases[i].wanted, cases[i].what);
	}
	write_arp();
	for (size_t n = 0; n < 28; n++)
		assert_verdict(tv_arp_parse(&a, at_edge(p, n), n), TV_V_ARP_MALFORMED, "short");
	memset(p + 8, 0, 6);
	assert_verdict(tv_arp_parse(&a, p, 28), TV_V_ARP_MALFORMED, "zero MAC");
	put32(p + 14, 0x7f000000);
	memcpy(p + 8, mac_a, 6);
	assert_verdict(tv_arp_parse(&a, p, 28), TV_V_ARP_MALFORMED, "127.0.0.0");
	write_arp();
	memset(p + 14, 0, 4);
	assert_verdict(tv_arp_parse(&a, p, 28), TV_V_OK, "probe (RFC 5227)");
	p[7] = TV_ARP_REPLY;
	assert_verdict(tv_arp_parse(&a, p, 28), TV_V_ARP_MALFORMED, "reply of nobody");
}

/* ------------------------------------------------------------------------------------------ */

static const struct tv_addr node = {{0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3}};
static const struct tv_addr other = {{0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9}};

static struct tv_nd message(bool advert)
{
	struct tv_nd d = {.advert = advert,
		.solicited = advert,
		.override = advert,
		.has_mac = true,
		.target = node};

	memcpy(d.mac, mac_a, 6);
	return d;
}

static enum tv_verdict parse_nd(struct tv_nd *d, size_t n)
{
	struct tv_ip ip;

	assert_verdict(tv_ip_parse(&ip, at_edge(p, n), n), TV_V_OK, "IP header");
	return tv_nd_parse(d, &ip);
}

static void test_nd_solicited_node_is_the_group_of_the_last_three_bytes(void **state)
{
	static const uint8_t wanted[16] = {0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, 1, 2, 3};
	struct tv_addr group = tv_nd_solicited_node(&node);

	(void)state;
	assert_memory_equal(group.b, wanted, 16);
}

/* The bytes that RFC 4861 4.4 shows */
static void test_nd_build_advertisement_has_its_bytes(void **state)
{
	static const uint8_t wanted[] = {0x60, 0, 0, 0, 0, 32, 58, 255};
	struct tv_nd d = message(true);

	(void)state;
	assert_int_equal(tv_nd_build(p, &d, &other, &node), 72);
	assert_memory_equal(p, wanted, sizeof wanted);
	assert_memory_equal(p + 8, other.b, 16);
	assert_memory_equal(p + 24, node.b, 16);
	assert_int_equal(get16(p + 40), 136 << 8);
	assert_int_equal(get16(p + 44), 0x6000); /* solicited, override */
	assert_int_equal(get16(p + 46), 0);
	assert_memory_equal(p + 48, node.b, 16);
	assert_int_equal(get16(p + 64), 2 << 8 | 1);
	assert_memory_equal(p + 66, mac_a, 6);
	d.solicited = d.override = false;
	tv_nd_build(p, &d, &other, &node);
	assert_int_equal(get16(p + 44), 0);
	d.advert = false;
	tv_nd_build(p, &d, &other, &node);
	assert_int_equal(get16(p + 40), 135 << 8);
	assert_int_equal(get16(p + 44), 0);
	assert_int_equal(get16(p + 46), 0);
	assert_int_equal(get16(p + 64), 1 << 8 | 1);
}

static void test_nd_build_read_back_gives_the_same(void **state)
{
	(void)state;
	for (unsigned bits = 0; bits < 32; bits++) {
		struct tv_nd d = message(bits & 1), back;
		uint32_t n;
		struct tv_ip ip;
		struct tv_icmp m;

		d.has_mac = (bits & 2) != 0;
		d.router = bits & 1 && bits & 4;
		d.solicited = bits & 1 && bits & 8;
		d.override = bits & 1 && bits & 16;
		memset(p, 0xa5, sizeof p);
		n = tv_nd_build(p, &d, &other, &node);
		assert_int_equal(n, d.has_mac ? TV_ND_MAX : 64);
		assert_int_equal(p[n], 0xa5);
		assert_int_equal(p[7], 255);
		assert_int_equal(naive_add(naive_pseudo(p, 58, n - 40), p + 40, n - 40), 0xffff);
		assert_verdict(parse_nd(&back, n), TV_V_OK, "built");
		assert_true(back.advert == d.advert && back.has_mac == d.has_mac &&
			back.router == d.router);
		assert_true(back.solicited == d.solicited && back.override == d.override);
		assert_true(tv_addr_equal(&back.target, &node));
		if (d.has_mac) assert_memory_equal(back.mac, mac_a, 6);
		assert_verdict(tv_ip_parse(&ip, p, n), TV_V_OK, "as ICMPv6");
		assert_verdict(tv_icmp_parse(&m, &ip), TV_V_OK, "as ICMPv6");
		assert_int_equal(m.kind, TV_ICMP_NEIGHBOUR);
	}
}

/* One byte of a good message changed; RFC 4861 7.1.1 and 7.1.2 */
static void test_nd_parse_what_breaks_a_rule_is_malformed(void **state)
{
	static const struct {
		const char *what;
		uint8_t at, value;
		enum tv_verdict wanted;
	} cases[] = {{"unchanged", 7, 255, TV_V_OK}, {"hop limit 254", 7, 254, TV_V_ARP_MALFORMED},
		{"hop limit 1", 7, 1, TV_V_ARP_MALFORMED}, {"code 1", 41, 1, TV_V_ARP_MALFORMED},
		{"multicast target", 48, 0xff, TV_V_ARP_MALFORMED},
		{"option length 0", 65, 0, TV_V_ARP_MALFORMED},
		{"option beyond the end", 65, 2, TV_V_ARP_MALFORMED},
		{"another option", 64, 5, TV_V_OK}, {"group MAC", 66, 3, TV_V_ARP_MALFORMED},
		{"reserved bits", 47, 0xff, TV_V_OK},
		{"router solicitation", 40, 133, TV_V_ICMP_IGNORED},
		{"router advertisement", 40, 134, TV_V_ICMP_IGNORED},
		{"redirect", 40, 137, TV_V_ICMP_IGNORED}};

	(void)state;
	for (int advert = 0; advert < 2; advert++) {
		for (size_t i = 0; i < COUNT(cases); i++) {
			struct tv_nd d = message(advert != 0), back;
			uint32_t n = tv_nd_build(p, &d, &other, &node);

			p[cases[i].at] = cases[i].value;
			seal(p, TV_PROTO_ICMP6, p + 40, n - 40, 2);
			assert_verdict(parse_nd(&back, n), cases[i].wanted, cases[i].what);
			if (cases[i].wanted != TV_V_OK) continue;
			assert_int_equal(back.has_mac, cases[i].at != 64);
		}
	}
}

/* The other message's option, and one of another length: skipped, not taken */
static void test_nd_parse_option_of_another_message_is_skipped(void **state)
{
	struct tv_nd d = message(true), back;
	uint32_t n = tv_nd_build(p, &d, &other, &node);

	(void)state;
	p[64] = 1;
	seal(p, TV_PROTO_ICMP6, p + 40, n - 40, 2);
	assert_verdict(parse_nd(&back, n), TV_V_OK, "source MAC in an advertisement");
	assert_false(back.has_mac);
	p[64] = 2;
	p[65] = 2;
	memset(p + 72, 7, 8);
	put16(p + 4, 40);
	seal(p, TV_PROTO_ICMP6, p + 40, 40, 2);
	assert_verdict(parse_nd(&back, 80), TV_V_OK, "option of 16 bytes");
	assert_false(back.has_mac);
}

static void test_nd_parse_not_icmp6_or_without_header_is_malformed(void **state)
{
	struct tv_nd d = message(true), back;
	struct tv_ip ip;

	(void)state;
	tv_ip_parse(&ip, p, tv_nd_build(p, &d, &other, &node));
	assert_verdict(tv_nd_parse(&back, &ip), TV_V_OK, "unchanged");
	ip.v6 = false;
	assert_verdict(tv_nd_parse(&back, &ip), TV_V_ARP_MALFORMED, "in IPv4");
	ip.v6 = true;
	ip.protocol = TV_PROTO_UDP;
	assert_verdict(tv_nd_parse(&back, &ip), TV_V_ARP_MALFORMED, "UDP");
	for (size_t n = 0; n <= 8; n++) {
		write_v6(p, TV_PROTO_ICMP6, n);
		memset(p + 40, 0, 8);
		p[40] = 133;
		assert_verdict(parse_nd(&back, 40 + n), n < 8 ? TV_V_ARP_MALFORMED : TV_V_ICMP_IGNORED,
			"short");
	}
}

static void test_nd_parse_wrong_checksum_is_malformed(void **state)
{
	struct tv_nd d = message(true), back;
	uint32_t n = tv_nd_build(p, &d, &other, &node);

	(void)state;
	for (size_t bit = 0; bit < 32 * 8; bit++) {
		p[40 + bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_int_not_equal(parse_nd(&back, n), TV_V_OK);
		p[40 + bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	assert_verdict(parse_nd(&back, n), TV_V_OK, "unchanged");
}

static void test_nd_parse_cut_anywhere_is_malformed(void **state)
{
	(void)state;
	for (uint32_t n = 8; n < 32; n++) {
		struct tv_nd d = message(true), back;

		tv_nd_build(p, &d, &other, &node);
		put16(p + 4, n);
		seal(p, TV_PROTO_ICMP6, p + 40, n, 2);
		assert_verdict(
			parse_nd(&back, 40 + n), n == 24 ? TV_V_OK : TV_V_ARP_MALFORMED, "cut");
	}
}

/* RFC 4861 7.1.1: a solicitation from :: goes to the solicited-node group and names no MAC */
static void test_nd_parse_duplicate_detection_has_its_own_rules(void **state)
{
	static const struct tv_addr any;
	struct tv_addr group = tv_nd_solicited_node(&node);
	struct tv_nd d = message(false), back;
	uint32_t n;

	(void)state;
	d.has_mac = false;
	n = tv_nd_build(p, &d, &any, &group);
	assert_verdict(parse_nd(&back, n), TV_V_OK, "probe");
	n = tv_nd_build(p, &d, &any, &node);
	assert_verdict(parse_nd(&back, n), TV_V_ARP_MALFORMED, "probe to one host");
	d.has_mac = true;
	n = tv_nd_build(p, &d, &any, &group);
	assert_verdict(parse_nd(&back, n), TV_V_ARP_MALFORMED, "probe with MAC");
}

/* RFC 4861 7.1.2: what was sent to a group answers nobody's question */
static void test_nd_parse_solicited_advertisement_to_a_group_is_malformed(void **state)
{
	static const struct tv_addr all = {{0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}};
	struct tv_nd d = message(true), back;
	uint32_t n = tv_nd_build(p, &d, &node, &all);

	(void)state;
	assert_verdict(parse_nd(&back, n), TV_V_ARP_MALFORMED, "solicited");
	d.solicited = false;
	n = tv_nd_build(p, &d, &node, &all);
	assert_verdict(parse_nd(&back, n), TV_V_OK, "unsolicited");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_eth_parse_built_frame_gives_its_fields),
		cmocka_unit_test(test_eth_parse_one_tag_is_reported),
		cmocka_unit_test(test_eth_mac_of_group_follows_the_address),
		cmocka_unit_test(test_arp_parse_request_gives_its_fields_and_builds_back),
		cmocka_unit_test(test_arp_parse_what_breaks_a_rule_is_malformed),
		cmocka_unit_test(test_nd_solicited_node_is_the_group_of_the_last_three_bytes),
		cmocka_unit_test(test_nd_build_advertisement_has_its_bytes),
		cmocka_unit_test(test_nd_build_read_back_gives_the_same),
		cmocka_unit_test(test_nd_parse_what_breaks_a_rule_is_malformed),
		cmocka_unit_test(test_nd_parse_option_of_another_message_is_skipped),
		cmocka_unit_test(test_nd_parse_not_icmp6_or_without_header_is_malformed),
		cmocka_unit_test(test_nd_parse_wrong_checksum_is_malformed),
		cmocka_unit_test(test_nd_parse_cut_anywhere_is_malformed),
		cmocka_unit_test(test_nd_parse_duplicate_detection_has_its_own_rules),
		cmocka_unit_test(test_nd_parse_solicited_advertisement_to_a_group_is_malformed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
