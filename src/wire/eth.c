/*
 * eth.c - Ethernet II headers. One 802.1Q tag is read and reported, so that a link can tell packets
 * of another VLAN apart; none is ever written. Frames of IEEE 802.3 with a length in place of the
 * type come out with that length as their type, which is below 0x0600 and nobody's.
 */
#include "wire/eth.h"
#include "base/bytes.h"

enum tv_verdict tv_eth_parse(struct tv_eth *e, const uint8_t *p, size_t n)
{
	if (n < TV_ETH_HEADER) return TV_V_TRUNCATED;
	memcpy(e->dst, p, 6);
	memcpy(e->src, p + 6, 6);
	e->type = tv_load16(p + 12);
	e->header_len = TV_ETH_HEADER;
	e->vlan = 0;
	e->tagged = e->type == TV_ETH_VLAN;
	if (!e->tagged) return TV_V_OK;
	if (n < TV_ETH_HEADER + 4) return TV_V_TRUNCATED;
	e->vlan = tv_load16(p + 14) & 0xfff;
	e->type = tv_load16(p + 16);
	e->header_len = TV_ETH_HEADER + 4;
	return TV_V_OK;
}

uint32_t tv_eth_build(uint8_t *p, const uint8_t dst[6], const uint8_t src[6], uint16_t type)
{
	memcpy(p, dst, 6);
	memcpy(p + 6, src, 6);
	tv_store16(p + 12, type);
	return TV_ETH_HEADER;
}

bool tv_mac_is_zero(const uint8_t mac[6])
{
	static const uint8_t zero[6];

	return memcmp(mac, zero, 6) == 0;
}

void tv_mac_of_group(uint8_t mac[6], const struct tv_addr *group)
{
	if (group->b[0] == 0xff) {
		mac[0] = mac[1] = 0x33;
		memcpy(mac + 2, group->b + 12, 4);
		return;
	}
	mac[0] = 0x01;
	mac[1] = 0x00;
	mac[2] = 0x5e;
	mac[3] = group->b[13] & 0x7f;
	memcpy(mac + 4, group->b + 14, 2);
}
