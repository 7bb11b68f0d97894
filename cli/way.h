/*
 * way.h - is there a way from a TUN device to an address? The device leads to this machine's kernel, which
 * answers for its own addresses, and for others only if it forwards packets.
 */
#ifndef TRIVET_CLI_WAY_H
#define TRIVET_CLI_WAY_H

#include "cli/common.h"
#include "cli/tunnel.h"

/* False: there is none, which was said. */
bool check_way(const struct common *common, const struct tunnel *tunnel, const struct tv_endpoint *remote);
/* Says what this verb is for, and which one is for the machine's own connections; not with -q. */
void tell_purpose(const struct common *common, const struct tv_endpoint *remote);

#endif
