/*
 * steer.c - which stack of a farm a packet belongs to: a keyed hash of the tuple that is the same for
 * both directions, so that an active open can choose a port whose answers come home. An ICMP error goes
 * by the tuple that it quotes.
 */
#include "stack/ports.h"

/* The two ends in one order, whichever way the packet goes. */
static uint32_t steer_ends(const struct tv_endpoint *a, const struct tv_endpoint *b, const uint8_t key[16],
                           uint32_t count)
{
	uint8_t in[36];
	struct tv_sipkey k = {tv_native64(key), tv_native64(key + 8)};
	int order = memcmp(a->addr.b, b->addr.b, 16);
	const struct tv_endpoint *low = order < 0 || (order == 0 && a->port < b->port) ? a : b;
	const struct tv_endpoint *high = low == a ? b : a;

	memcpy(in, low->addr.b, 16);
	memcpy(in + 16, high->addr.b, 16);
	tv_store16(in + 32, low->port);
	tv_store16(in + 34, high->port);
	return (uint32_t)((tv_siphash(&k, in, sizeof in) >> 32) * count >> 32);
}

uint32_t tv_steer_key(const struct tv_key *k, const uint8_t key[16], uint32_t count)
{
	struct tv_endpoint local, remote;

	tv_key_local(k, &local);
	tv_key_remote(k, &remote);
	return steer_ends(&local, &remote, key, count);
}

uint32_t tv_steer(const uint8_t *packet, size_t len, const uint8_t key[16], uint32_t count)
{
	struct tv_endpoint src = {.port = 0}, dst = {.port = 0};
	struct tv_ip ip;
	struct tv_icmp icmp;

	if (count <= 1 || tv_ip_parse(&ip, packet, len) != TV_V_OK)
		return 0;
	src.addr = ip.src;
	dst.addr = ip.dst;
	if (ip.protocol == TV_PROTO_TCP && ip.len >= 4) {
		src.port = tv_load16(ip.payload);
		dst.port = tv_load16(ip.payload + 2);
	} else if ((ip.protocol == TV_PROTO_ICMP || ip.protocol == TV_PROTO_ICMP6) &&
	           tv_icmp_parse(&icmp, &ip) == TV_V_OK && icmp.tcp) {
		src.addr = icmp.quoted.src;
		dst.addr = icmp.quoted.dst;
		src.port = icmp.sport;
		dst.port = icmp.dport;
	} else {
		return 0;
	}
	return steer_ends(&src, &dst, key, count);
}
