/*
 * tunnel.h - the TUN device that `serve` and `connect` stand on: the kernel at one end of a subnet,
 * Trivet at the other.
 */
#ifndef TRIVET_CLI_TUNNEL_H
#define TRIVET_CLI_TUNNEL_H

#include "cli/common.h"
#include "posix/run.h"

enum { TUNNEL_ADDRESSES = 8 };

struct tunnel {
	const char *device;
	struct link *link;
	struct {
		struct tv_addr kernel, self;
		unsigned prefix;
	} at[TUNNEL_ADDRESSES];
	unsigned count;
};

/*
 * Reads the --addr values (each an address with prefix length); with `self` they are Trivet's own
 * addresses and the kernel is the next one, else the other way round. Exits on a wrong one.
 */
void tunnel_addresses(struct tunnel *t, const struct common *common, const struct texts *addrs,
	bool self);
/*
 * Attaches to the device, or makes it; gives the kernel's end its addresses and brings it up, where
 * that was not done already. Returns 0, or an exit status: what was in the way was said, with the
 * commands that remove it. With no address given, takes those that the device has.
 */
int tunnel_open(struct tunnel *t, const struct common *common);
/* Adds the link, Trivet's addresses and a default route for each family to the stack. As above. */
int tunnel_join(struct tunnel *t, const struct common *common, struct run *run, struct tv_stack *stack);
void tunnel_close(struct tunnel *t);

#endif
