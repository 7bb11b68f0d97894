/*
 * too_big.c - "fragmentation needed" and "packet too big".
 *
 * A simulated router has no address of its own: the message is sent as if the destination had seen
 * the narrow link itself. RFC 5927 lets no stack judge an ICMP error by its sender, so this is as
 * good as any router.
 */
#include "sim/too_big.h"

#include <string.h>

#include "sim/octets.h"

static uint32_t needed_v4(uint8_t *out, const uint8_t *ip, uint32_t len, uint32_t mtu)
{
	uint32_t quote = len < 548 ? len : 548; /* 576 in all, RFC 1812 4.3.2.3 */
	uint32_t total = 28 + quote;

	memset(out, 0, 28);
	out[0] = 0x45;
	store16(out + 2, total);
	out[8] = 64;
	out[9] = 1;
	memcpy(out + 12, ip + 16, 4);
	memcpy(out + 16, ip + 12, 4);
	store16(out + 10, octets_fold(octets_sum(out, 20, 0)));
	out[20] = 3;
	out[21] = 4;
	store16(out + 26, mtu);
	memcpy(out + 28, ip, quote);
	store16(out + 22, octets_fold(octets_sum(out + 20, total - 20, 0)));
	return total;
}

static uint32_t needed_v6(uint8_t *out, const uint8_t *ip, uint32_t len, uint32_t mtu)
{
	uint32_t quote = len < TOO_BIG_MAX - 48 ? len : TOO_BIG_MAX - 48;
	uint32_t body = 8 + quote;

	memset(out, 0, 48);
	out[0] = 0x60;
	store16(out + 4, body);
	out[6] = 58;
	out[7] = 64;
	memcpy(out + 8, ip + 24, 16);
	memcpy(out + 24, ip + 8, 16);
	out[40] = 2;
	store16(out + 46, mtu);
	memcpy(out + 48, ip, quote);
	store16(out + 42, octets_fold(octets_sum(out + 8, 32 + body, body + 58)));
	return 40 + body;
}

uint32_t too_big(uint8_t out[TOO_BIG_MAX], const uint8_t *ip, uint32_t len, uint32_t mtu)
{
	if (len >= 28 && ip[0] >> 4 == 4 && ip[9] != 1)
		return needed_v4(out, ip, len, mtu);
	if (len >= 48 && ip[0] >> 4 == 6 && ip[6] != 58)
		return needed_v6(out, ip, len, mtu);
	return 0;
}
