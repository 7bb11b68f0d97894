/*
 * address.c - addresses as people write them.
 */
#include "cli/address.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "cli/options.h"

static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

bool address_is_v4(const struct tv_addr *addr)
{
	return memcmp(addr->b, mapped, 12) == 0;
}

bool address_is_zero(const struct tv_addr *addr)
{
	static const struct tv_addr zero;

	return memcmp(addr, &zero, sizeof zero) == 0;
}

bool address_read(const char *text, struct tv_addr *addr)
{
	memcpy(addr->b, mapped, 12);
	if (inet_pton(AF_INET, text, addr->b + 12) == 1)
		return true;
	return inet_pton(AF_INET6, text, addr->b) == 1;
}

bool prefix_read(const char *text, struct tv_addr *addr, unsigned *prefix)
{
	const char *slash = strchr(text, '/');
	char copy[ADDRESS_TEXT];
	uint64_t n;

	if (!slash || (size_t)(slash - text) >= sizeof copy)
		return false;
	memcpy(copy, text, (size_t)(slash - text));
	copy[slash - text] = 0;
	if (!address_read(copy, addr) || !number_read(slash + 1, 1, address_is_v4(addr) ? 32 : 128, &n))
		return false;
	*prefix = (unsigned)n;
	return true;
}

unsigned prefix_bits(const struct tv_addr *addr, unsigned prefix)
{
	return address_is_v4(addr) ? prefix + 96 : prefix;
}

bool address_in(const struct tv_addr *addr, const struct tv_addr *subnet, unsigned prefix)
{
	unsigned bits = prefix_bits(subnet, prefix);

	if (memcmp(addr->b, subnet->b, bits / 8) != 0)
		return false;
	return bits % 8 == 0 || (addr->b[bits / 8] ^ subnet->b[bits / 8]) >> (8 - bits % 8) == 0;
}

/* Adds 1 or 255 (which is -1) to the last byte of a 16-byte number, with carry. */
static struct tv_addr moved(const struct tv_addr *addr, int by)
{
	struct tv_addr to = *addr;

	for (int i = 15; i >= 0; i--) {
		to.b[i] = (uint8_t)(to.b[i] + by);
		if (to.b[i] != (by > 0 ? 0 : 0xff))
			break;
	}
	return to;
}

/* In IPv4 the last address of a subnet shorter than /31 is its broadcast address. */
static bool usable(const struct tv_addr *addr, const struct tv_addr *subnet, unsigned prefix)
{
	struct tv_addr above = moved(addr, 1);

	if (!address_in(addr, subnet, prefix))
		return false;
	return !address_is_v4(addr) || prefix > 30 || address_in(&above, subnet, prefix);
}

struct tv_addr address_next(const struct tv_addr *addr, unsigned prefix)
{
	struct tv_addr next = moved(addr, 1);

	return usable(&next, addr, prefix) ? next : moved(addr, -1);
}

const char *address_text(const struct tv_addr *addr, char text[ADDRESS_TEXT])
{
	if (address_is_v4(addr))
		inet_ntop(AF_INET, addr->b + 12, text, ADDRESS_TEXT);
	else
		inet_ntop(AF_INET6, addr->b, text, ADDRESS_TEXT);
	return text;
}

const char *endpoint_text(const struct tv_endpoint *endpoint, char text[ENDPOINT_TEXT])
{
	bool v4 = address_is_v4(&endpoint->addr);
	char addr[ADDRESS_TEXT];

	snprintf(text, ENDPOINT_TEXT, v4 ? "%s:%u" : "[%s]:%u", address_text(&endpoint->addr, addr),
		endpoint->port);
	return text;
}
