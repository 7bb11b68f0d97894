/*
 * tunnel.c - opens a TUN device and puts addresses at both of its ends.
 *
 * What the user has prepared (as root, with the printed commands) is taken as it is: an address that
 * is there is not added again, a device that is up is not brought up. Only what is missing is done,
 * and only where it may not be done is it told how.
 *
 * A device that this process made vanishes with it; one that was there before stays.
 */
#include "cli/tunnel.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "cli/address.h"
#include "posix/clock.h"

static bool take(struct tunnel *t, const struct tv_addr *addr, unsigned prefix, bool self)
{
	struct tv_addr next = address_next(addr, prefix);

	if (t->count == TUNNEL_ADDRESSES)
		return false;
	t->at[t->count].kernel = self ? next : *addr;
	t->at[t->count].self = self ? *addr : next;
	t->at[t->count++].prefix = prefix;
	return true;
}

void tunnel_addresses(struct tunnel *t, const struct common *common, const struct texts *addrs,
	bool self)
{
	struct tv_addr addr;
	unsigned prefix;

	for (unsigned i = 0; i < addrs->count; i++) {
		const char *text = addrs->list[i];

		if (!prefix_read(text, &addr, &prefix))
			usage_error(common->verb, "--addr: '%s' is not an address with a prefix length, "
						  "such as 10.9.0.1/24 or fd00:9::1/64", text);
		if (prefix == (address_is_v4(&addr) ? 32u : 128u))
			usage_error(common->verb, "--addr: in '%s' there is no room for two ends", text);
		if (!take(t, &addr, prefix, self))
			usage_error(common->verb, "--addr: more than %d of them", TUNNEL_ADDRESSES);
	}
}

/* ------------------------------------------------------------------------------------------ */
/* The kernel's end                                                                            */

static int cannot(const struct tunnel *t, const struct common *common, unsigned i, int error)
{
	struct host_obstacle obstacle = {.step = HOST_STEP_ADDRESS, .err = -error};
	char text[ADDRESS_TEXT], address[ADDRESS_TEXT + 4];
	struct host_wish wish = {.device = t->device, .address = address};
	struct host_facts facts;

	address[0] = 0;
	if (i < t->count)
		snprintf(address, sizeof address, "%s/%u", address_text(&t->at[i].kernel, text),
			t->at[i].prefix);
	else
		wish.address = NULL;
	host_facts(&facts);
	return complain_cure(common, &obstacle, &wish, &facts, NULL);
}

/* What the device has already. */
static unsigned known_addresses(int index, struct host_address *list, unsigned cap)
{
	struct host_address all[256];
	int n = host_addresses(all, 256);
	unsigned count = 0;

	for (int i = 0; i < n && i < 256 && count < cap; i++)
		if (all[i].index == index)
			list[count++] = all[i];
	return count;
}

static bool is_link_local(const struct tv_addr *a)
{
	return a->b[0] == 0xfe && (a->b[1] & 0xc0) == 0x80;
}

/* The kernel begins to answer for a new IPv6 address a moment after it was added: a SYN that comes
 * before is dropped, and costs a second. Loopback is interface 1 in every namespace. */
static void settle(const struct tunnel *t)
{
	const struct timespec pause = {.tv_nsec = 2000000};
	tv_time limit = clock_now() + 2 * TV_S;
	struct host_route route;

	for (unsigned i = 0; i < t->count; i++)
		while ((host_route_get(&t->at[i].kernel, &route) < 0 || route.index != 1) &&
			clock_now() < limit)
			nanosleep(&pause, NULL);
}

static int dress(struct tunnel *t, const struct common *common)
{
	struct host_address known[32];
	struct host_link device;
	unsigned n;
	int error = host_link_read(t->device, &device);

	if (error)
		return cannot(t, common, 0, error);
	n = known_addresses(device.index, known, 32);
	if (t->count == 0)
		for (unsigned i = 0; i < n; i++)
			if (!is_link_local(&known[i].addr))
				take(t, &known[i].addr, known[i].prefix, false);
	for (unsigned i = 0; i < t->count; i++) {
		bool there = false;

		for (unsigned k = 0; k < n; k++)
			there |= memcmp(&known[k].addr, &t->at[i].kernel, sizeof known[k].addr) == 0;
		error = there ? 0 : host_address_add(t->device, &t->at[i].kernel, t->at[i].prefix);
		if (error && error != -EEXIST)
			return cannot(t, common, i, error);
	}
	error = device.up ? 0 : host_link_up(t->device, true);
	if (error)
		return cannot(t, common, 0, error);
	settle(t);
	return 0;
}

int tunnel_open(struct tunnel *t, const struct common *common)
{
	char text[ADDRESS_TEXT], address[ADDRESS_TEXT + 4];
	struct host_wish wish = {.device = t->device};
	struct link_fault fault;

	if (t->count) {
		snprintf(address, sizeof address, "%s/%u", address_text(&t->at[0].kernel, text),
			t->at[0].prefix);
		wish.address = address;
	}
	t->link = link_tun_open(t->device, 0, &fault);
	if (!t->link)
		return complain_fault(common, &fault, &wish);
	return dress(t, common);
}

/* ------------------------------------------------------------------------------------------ */
/* Trivet's end                                                                                */

int tunnel_join(struct tunnel *t, const struct common *common, struct run *run, struct tv_stack *stack)
{
	int number = run_link(run, t->link), error = 0;
	struct tv_addr here = {{0}};

	if (number < 0) {
		complain(common, "the stack refused the link: %s", tv_error_text(number));
		return EXIT_FAILED;
	}
	for (unsigned i = 0; i < t->count && error >= 0; i++) {
		const struct tv_addr *self = &t->at[i].self;
		struct tv_addr zero = {{0}};
		unsigned bits = address_is_v4(self) ? 96 : 0;

		if (bits)
			address_read("0.0.0.0", &zero);
		error = tv_address_add(stack, run_now(run), (unsigned)number, self,
			prefix_bits(self, t->at[i].prefix));
		if (error >= 0)
			error = tv_route_add(stack, run_now(run), &zero, bits, &here, (unsigned)number, 0);
	}
	if (error < 0) {
		complain(common, "the stack refused an address: %s", tv_error_text(error));
		return EXIT_FAILED;
	}
	return 0;
}

void tunnel_close(struct tunnel *t)
{
	link_close(t->link);
	t->link = NULL;
}
