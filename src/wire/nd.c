/*
 * nd.c - the two messages of neighbour discovery that a host needs to find and keep a neighbour:
 * solicitation and advertisement. Router advertisements, redirects and router solicitations are
 * nobody's here: routes are given by the caller.
 *
 * A message counts only if it cannot have crossed a router (hop limit 255), its checksum is right,
 * and every option has a length; one broken option discards all of it. Options that do not belong
 * to the message are skipped.
 */
#include "wire/nd.h"
#include "wire/eth.h"
#include "wire/icmp.h"
#include "wire/csum.h"
#include "wire/put.h"

enum { OPTION_SOURCE_MAC = 1, OPTION_TARGET_MAC = 2 };
enum { FLAG_ROUTER = 0x80, FLAG_SOLICITED = 0x40, FLAG_OVERRIDE = 0x20 };

struct tv_addr tv_nd_solicited_node(const struct tv_addr *a)
{
	struct tv_addr group = {{0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x01, 0xff}};

	memcpy(group.b + 13, a->b + 13, 3);
	return group;
}

/* Is it ff02::1:ff00:0/104? */
static bool is_solicited_node(const struct tv_addr *a)
{
	struct tv_addr group = tv_nd_solicited_node(a);

	return tv_addr_equal(a, &group);
}

/* The n bytes of options at p; the last link-layer address of the right kind counts. */
static bool read_options(struct tv_nd *d, const uint8_t *p, uint32_t n)
{
	uint8_t wanted = d->advert ? OPTION_TARGET_MAC : OPTION_SOURCE_MAC;

	for (uint32_t at = 0, length; at < n; at += length) {
		if (n - at < 2) return false;
		length = p[at + 1] * 8u;
		if (length == 0 || length > n - at) return false; /* RFC 4861 7.1.1, 7.1.2 */
		if (p[at] != wanted || length != 8) continue;
		memcpy(d->mac, p + at + 2, 6);
		d->has_mac = true;
	}
	return true;
}

/* RFC 4861 7.1.1: what is required of a solicitation from the unspecified address */
static bool may_solicit(const struct tv_nd *d, const struct tv_ip *ip)
{
	if (!tv_addr_is_any(&ip->src)) return true;
	return is_solicited_node(&ip->dst) && !d->has_mac;
}

enum tv_verdict tv_nd_parse(struct tv_nd *d, const struct tv_ip *ip)
{
	const uint8_t *p = ip->payload;

	if (!ip->v6 || ip->protocol != TV_PROTO_ICMP6 || ip->len < 8) return TV_V_ARP_MALFORMED;
	if (p[0] != TV_ICMP6_SOLICIT && p[0] != TV_ICMP6_ADVERT) return TV_V_ICMP_IGNORED;
	if (ip->len < 24 || ip->ttl != 255 || p[1] != 0) return TV_V_ARP_MALFORMED;
	if (!tv_icmp_sum_is_right(ip)) return TV_V_ARP_MALFORMED;
	d->advert = p[0] == TV_ICMP6_ADVERT;
	d->router = d->advert && p[4] & FLAG_ROUTER;
	d->solicited = d->advert && p[4] & FLAG_SOLICITED;
	d->override = d->advert && p[4] & FLAG_OVERRIDE;
	d->has_mac = false;
	memcpy(d->target.b, p + 8, 16);
	if (tv_addr_is_multicast(&d->target) || tv_addr_is_v4(&d->target))
		return TV_V_ARP_MALFORMED;
	if (!read_options(d, p + 24, ip->len - 24)) return TV_V_ARP_MALFORMED;
	if (d->has_mac && (tv_mac_is_group(d->mac) || tv_mac_is_zero(d->mac)))
		return TV_V_ARP_MALFORMED;
	if (d->advert && d->solicited && tv_addr_is_multicast(&ip->dst)) return TV_V_ARP_MALFORMED;
	if (!d->advert && !may_solicit(d, ip)) return TV_V_ARP_MALFORMED;
	return TV_V_OK;
}

uint32_t tv_nd_build(uint8_t *p, const struct tv_nd *d, const struct tv_addr *src,
	const struct tv_addr *dst)
{
	uint32_t n = d->has_mac ? 32 : 24;
	uint8_t *icmp = p + tv_ip_build(p, src, dst, TV_PROTO_ICMP6, n, 255, 0);
	uint32_t type = d->advert ? TV_ICMP6_ADVERT : TV_ICMP6_SOLICIT;
	uint32_t flags = 0;

	if (d->advert) {
		flags = (d->router ? FLAG_ROUTER : 0u) | (d->solicited ? FLAG_SOLICITED : 0u) |
			(d->override ? FLAG_OVERRIDE : 0u);
	}
	tv_put32(icmp, type << 24);
	tv_put32(icmp + 4, flags << 24);
	memcpy(icmp + 8, d->target.b, 16);
	if (d->has_mac) {
		icmp[24] = d->advert ? OPTION_TARGET_MAC : OPTION_SOURCE_MAC;
		icmp[25] = 1;
		memcpy(icmp + 26, d->mac, 6);
	}
	tv_csum_store(icmp + 2,
		tv_csum_add(tv_csum_pseudo(src, dst, true, TV_PROTO_ICMP6, n), icmp, n));
	return 40 + n;
}
