/*
 * nd.h - neighbour solicitations and advertisements (RFC 4861).
 */
#ifndef TV_WIRE_ND_H
#define TV_WIRE_ND_H

#include "wire/ip.h"

#define TV_ND_MAX 72               /* longest packet that tv_nd_build() writes, IPv6 header included */

struct tv_nd {
	bool advert;               /* else a solicitation */
	bool router, solicited, override; /* flags of an advertisement */
	bool has_mac;              /* the link-layer address option of its kind is there */
	uint8_t mac[6];            /* of the sender (solicitation) or of the target (advertisement) */
	struct tv_addr target;
};

/*
 * Reads the message in `ip`, ICMPv6 type 135 or 136. TV_V_OK, TV_V_ICMP_IGNORED (another type), or
 * TV_V_ARP_MALFORMED by any of the rules of RFC 4861 7.1.1 and 7.1.2. A solicitation from the
 * unspecified address looks for duplicates (RFC 4862): has_mac is false, and nobody is learnt.
 */
enum tv_verdict tv_nd_parse(struct tv_nd *d, const struct tv_ip *ip);
/* Writes IPv6 header (hop limit 255) and message; p has room for TV_ND_MAX. Returns the length. */
uint32_t tv_nd_build(uint8_t *p, const struct tv_nd *d, const struct tv_addr *src,
	const struct tv_addr *dst);
/* The group that everybody listens to who has this address: ff02::1:ffXX:XXXX (RFC 4291 2.7.1). */
struct tv_addr tv_nd_solicited_node(const struct tv_addr *a);

#endif
