/*
 * fuzz_wire_neighbour.c - a frame from the input. Its first byte chooses: a whole Ethernet frame, an
 * ARP message, or a neighbour message for which IPv6 header, type and checksum are made right. What
 * is believed names one host and one station, and written again it reads the same.
 */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "wire/arp.h"
#include "wire/csum.h"
#include "wire/eth.h"
#include "wire/nd.h"

#define MUST(condition) ((condition) ? (void)0 : abort())

static void check_arp(const uint8_t *p, size_t n)
{
	struct tv_arp a;
	uint8_t out[TV_ARP_LEN];

	if (tv_arp_parse(&a, p, n) != TV_V_OK) return;
	MUST(!tv_mac_is_group(a.sender_mac) && !tv_mac_is_zero(a.sender_mac));
	MUST(tv_addr_is_v4(&a.sender) && tv_addr_is_v4(&a.target));
	tv_arp_build(out, &a);
	MUST(memcmp(out, p, TV_ARP_LEN) == 0);
}

static void check_nd(uint8_t *p, size_t n)
{
	struct tv_ip ip;
	struct tv_nd d, back;
	uint8_t out[TV_ND_MAX];
	uint32_t built;

	if (tv_ip_parse(&ip, p, n) != TV_V_OK || !ip.v6 || ip.len < 8) return;
	p[ip.header_len + 2] = p[ip.header_len + 3] = 0;
	tv_csum_store(p + ip.header_len + 2,
		tv_csum_add(tv_csum_pseudo(&ip.src, &ip.dst, true, TV_PROTO_ICMP6, ip.len),
			ip.payload, ip.len));
	if (tv_nd_parse(&d, &ip) != TV_V_OK) return;
	MUST(ip.ttl == 255 && !tv_addr_is_multicast(&d.target));
	if (d.has_mac) MUST(!tv_mac_is_group(d.mac) && !tv_mac_is_zero(d.mac));
	built = tv_nd_build(out, &d, &ip.src, &ip.dst);
	MUST(built <= sizeof out && tv_ip_parse(&ip, out, built) == TV_V_OK);
	MUST(tv_nd_parse(&back, &ip) == TV_V_OK);
	MUST(back.advert == d.advert && back.has_mac == d.has_mac && back.router == d.router);
	MUST(back.solicited == d.solicited && back.override == d.override);
	MUST(tv_addr_equal(&back.target, &d.target) && (!d.has_mac || memcmp(back.mac, d.mac, 6) == 0));
}

/* A header before the message at p + 40; bits of `choice`: the type, and who speaks to whom. */
static void check_message(uint8_t *p, size_t n, unsigned choice)
{
	struct tv_addr src = {{0xfe, 0x80, 9}}, dst = {{0xfe, 0x80, 8}};

	if (choice & 4) memset(&src, 0, sizeof src);
	if (choice & 8) dst = tv_nd_solicited_node(&dst);
	tv_ip_build(p, &src, &dst, TV_PROTO_ICMP6, (uint32_t)(n - 40), 255, 0);
	p[40] = choice & 16 ? 135 : 136;
	p[41] = 0;
	check_nd(p, n);
}

static void check_frame(uint8_t *p, size_t n)
{
	struct tv_eth e;

	if (tv_eth_parse(&e, p, n) != TV_V_OK) return;
	MUST(e.header_len <= n);
	if (e.type == TV_ETH_ARP) check_arp(p + e.header_len, n - e.header_len);
	if (e.type == TV_ETH_IP6) check_nd(p + e.header_len, n - e.header_len);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	uint8_t *copy;
	size_t before;

	if (n < 3 || n > 2000) return 0;
	before = (p[0] & 3) == 2 ? 40 : 0;
	n--;
	copy = malloc(before + n);
	MUST(copy != NULL);
	memcpy(copy + before, p + 1, n);
	switch (p[0] & 3) {
	case 0: check_frame(copy, n); break;
	case 2: check_message(copy, before + n, p[0]); break;
	default: check_arp(copy, n); break;
	}
	free(copy);
	return 0;
}
