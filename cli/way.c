/*
 * way.c - is there a way from a TUN device to there?
 */
#include "cli/way.h"

#include <stdio.h>
#include <string.h>

#include "cli/address.h"
#include "host/host.h"

static const char purpose[] =
	"This verb speaks TCP from Trivet's own stack: it reaches the other end of a TUN device,\n"
	"and what this machine forwards packets to. To learn why a connection of this machine's\n"
	"own does not come up, use: trivet check %s %u\n";

void tell_purpose(const struct common *common, const struct tv_endpoint *remote)
{
	char text[ADDRESS_TEXT];

	if (!common->quiet)
		fprintf(stderr, purpose, address_text(&remote->addr, text), remote->port);
}

/* Is this one of the kernel's own addresses? */
static bool is_own(const struct tv_addr *addr)
{
	struct host_address list[256];
	int n = host_addresses(list, 256);

	for (int i = 0; i < n && i < 256; i++)
		if (memcmp(&list[i].addr, addr, sizeof *addr) == 0)
			return true;
	return false;
}

static bool reads_one(const char *sysctl)
{
	char value[16];

	return host_sysctl_read(sysctl, value, sizeof value) >= 0 && value[0] != '0';
}

/* NULL, or why the kernel will not carry packets from the device to there. */
static const char *obstruction(const struct tv_addr *remote, char *out, size_t room)
{
	bool v4 = address_is_v4(remote);
	const char *name = v4 ? "net/ipv4/ip_forward" : "net/ipv6/conf/all/forwarding";
	struct host_route route;

	if (is_own(remote))
		return NULL;
	if (host_route_get(remote, &route) < 0)
		return "this machine has no route to it";
	if (reads_one(name))
		return NULL;
	snprintf(out, room, "this machine does not forward packets (%s is 0)", name);
	return out;
}

bool check_way(const struct common *common, const struct tunnel *tunnel, const struct tv_endpoint *remote)
{
	char text[ADDRESS_TEXT], why[128];
	const char *what = NULL;
	bool family = false;

	for (unsigned i = 0; i < tunnel->count; i++) {
		const struct tv_addr *self = &tunnel->at[i].self;

		family |= address_is_v4(self) == address_is_v4(&remote->addr);
		if (memcmp(self, &remote->addr, sizeof *self) == 0)
			return true; /* Trivet itself, inside the stack */
	}
	if (!family)
		what = address_is_v4(&remote->addr) ? "the device has no IPv4 address" :
							"the device has no IPv6 address";
	if (!what)
		what = obstruction(&remote->addr, why, sizeof why);
	if (!what)
		return true;
	complain(common, "there is no way from %s to %s: %s", tunnel->device,
		address_text(&remote->addr, text), what);
	tell_purpose(common, remote);
	return false;
}
