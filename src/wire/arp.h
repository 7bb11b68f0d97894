/*
 * arp.h - ARP for IPv4 over Ethernet (RFC 826, RFC 5227).
 */
#ifndef TV_WIRE_ARP_H
#define TV_WIRE_ARP_H

#include <trivet/trivet.h>

enum { TV_ARP_REQUEST = 1, TV_ARP_REPLY = 2 };

#define TV_ARP_LEN 28

struct tv_arp {
	uint16_t op;
	uint8_t sender_mac[6], target_mac[6];
	struct tv_addr sender, target; /* sender 0.0.0.0: a probe (RFC 5227 1.1), nothing is learnt from it */
};

/*
 * Reads a message behind its Ethernet header; bytes behind it are padding. TV_V_OK or
 * TV_V_ARP_MALFORMED: short, not IPv4 over Ethernet, neither request nor reply, a sender whose
 * addresses cannot be one host's.
 */
enum tv_verdict tv_arp_parse(struct tv_arp *a, const uint8_t *p, size_t n);
/* Writes TV_ARP_LEN bytes. */
void tv_arp_build(uint8_t *p, const struct tv_arp *a);

#endif
