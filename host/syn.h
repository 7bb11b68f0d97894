/*
 * syn.h - single SYNs, sent by hand: for who wants to know whether a port is open, and no connection.
 *
 * The kernel knows nothing of them: it answers a SYN,ACK to the port that is held here with RST, which
 * clears the half-open entry at the other end. Needs CAP_NET_RAW. The source is an address that this
 * machine has, and a port that nobody else gets meanwhile.
 */
#ifndef TRIVET_HOST_SYN_H
#define TRIVET_HOST_SYN_H

#include "host/host.h"

struct host_syn {
	int fd, holder;                /* the raw socket, and the one that holds the port; -1: closed */
	struct tv_endpoint local;
	struct tv_addr remote;
	uint32_t scope;
};

/* Prepares to send to one address (scope: as for host_attempt_start). 0 or a negative errno; EPERM and
 * EACCES: the right is missing. */
int host_syn_open(struct host_syn *s, const struct tv_addr *remote, uint32_t scope);
/* Sends a SYN with this sequence number to a port. 0 or a negative errno. */
int host_syn_send(const struct host_syn *s, uint16_t port, uint32_t seq);
/* Writes the 24 bytes of the TCP header (for IPv4 with its checksum, which over IPv6 the kernel fills). */
void host_syn_write(uint8_t header[24], const struct tv_endpoint *local, const struct tv_endpoint *remote,
	uint32_t seq);
void host_syn_close(struct host_syn *s);

#endif
