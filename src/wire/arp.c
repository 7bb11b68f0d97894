/*
 * arp.c - ARP messages, strictly: the one form that IPv4 over Ethernet has, and a sender that could
 * be a neighbour. An ARP message is believed by everyone who hears it, so nothing odd may enter the
 * neighbour table: no group address, no zero address, no IP address that is not one host's. Whether
 * the message is for us, and answers something that was asked, is for stack/neighbour.c to say.
 */
#include "wire/arp.h"
#include "wire/eth.h"
#include "wire/ip.h"
#include "base/bytes.h"

static struct tv_addr read_v4(const uint8_t *p)
{
	return tv_addr_v4(p[0], p[1], p[2], p[3]);
}

enum tv_verdict tv_arp_parse(struct tv_arp *a, const uint8_t *p, size_t n)
{
	if (n < TV_ARP_LEN) return TV_V_ARP_MALFORMED;
	/* hardware Ethernet, protocol IPv4, addresses of 6 and 4 bytes */
	if (tv_load32(p) != (1u << 16 | TV_ETH_IP4) || tv_load16(p + 4) != 0x0604)
		return TV_V_ARP_MALFORMED;
	a->op = tv_load16(p + 6);
	if (a->op != TV_ARP_REQUEST && a->op != TV_ARP_REPLY) return TV_V_ARP_MALFORMED;
	memcpy(a->sender_mac, p + 8, 6);
	a->sender = read_v4(p + 14);
	memcpy(a->target_mac, p + 18, 6);
	a->target = read_v4(p + 24);
	if (tv_mac_is_group(a->sender_mac) || tv_mac_is_zero(a->sender_mac))
		return TV_V_ARP_MALFORMED;
	if (tv_load32(p + 14) == 0 && a->op == TV_ARP_REQUEST) return TV_V_OK;
	return tv_addr_is_valid_source(&a->sender) ? TV_V_OK : TV_V_ARP_MALFORMED;
}

void tv_arp_build(uint8_t *p, const struct tv_arp *a)
{
	tv_store32(p, 1u << 16 | TV_ETH_IP4);
	tv_store16(p + 4, 0x0604);
	tv_store16(p + 6, a->op);
	memcpy(p + 8, a->sender_mac, 6);
	memcpy(p + 14, a->sender.b + 12, 4);
	memcpy(p + 18, a->target_mac, 6);
	memcpy(p + 24, a->target.b + 12, 4);
}
