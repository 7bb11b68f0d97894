/*
 * eth.h - Ethernet headers: bytes <-> values.
 */
#ifndef TV_WIRE_ETH_H
#define TV_WIRE_ETH_H

#include <trivet/trivet.h>

enum { TV_ETH_IP4 = 0x0800, TV_ETH_ARP = 0x0806, TV_ETH_VLAN = 0x8100, TV_ETH_IP6 = 0x86dd };

#define TV_ETH_HEADER 14

struct tv_eth {
	uint8_t dst[6], src[6];
	uint16_t type;             /* behind the tag, if there is one */
	uint16_t header_len;       /* 14, or 18 with a tag */
	uint16_t vlan;             /* number of the VLAN; valid when tagged */
	bool tagged;
};

/* Reads a header with at most one 802.1Q tag. TV_V_OK or TV_V_TRUNCATED. */
enum tv_verdict tv_eth_parse(struct tv_eth *e, const uint8_t *p, size_t n);
/* Writes an untagged header; returns TV_ETH_HEADER. */
uint32_t tv_eth_build(uint8_t *p, const uint8_t dst[6], const uint8_t src[6], uint16_t type);

/* Broadcast or multicast; a station's own address is neither. */
static inline bool tv_mac_is_group(const uint8_t mac[6])
{
	return (mac[0] & 1) != 0;
}

bool tv_mac_is_zero(const uint8_t mac[6]);
/* The group address of a multicast IP address (RFC 1112 6.4, RFC 2464 7). */
void tv_mac_of_group(uint8_t mac[6], const struct tv_addr *group);

#endif
