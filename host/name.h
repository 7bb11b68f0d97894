/*
 * name.h - the library's endpoints as the kernel's socket names, and back. Private to host/.
 */
#ifndef HOST_NAME_H
#define HOST_NAME_H

#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include <trivet/trivet.h>

static const uint8_t name_mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

union name {
	struct sockaddr sa;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

static inline bool name_is_v4(const struct tv_addr *addr)
{
	return memcmp(addr->b, name_mapped, sizeof name_mapped) == 0;
}

/* scope: index of the interface of a link-local address. Returns the length of *n. */
static inline socklen_t name_make(union name *n, const struct tv_addr *addr, uint16_t port, uint32_t scope)
{
	memset(n, 0, sizeof *n);
	if (name_is_v4(addr)) {
		n->in.sin_family = AF_INET;
		n->in.sin_port = htons(port);
		memcpy(&n->in.sin_addr, addr->b + 12, 4);
		return sizeof n->in;
	}
	n->in6.sin6_family = AF_INET6;
	n->in6.sin6_port = htons(port);
	n->in6.sin6_scope_id = scope;
	memcpy(&n->in6.sin6_addr, addr->b, 16);
	return sizeof n->in6;
}

/* Zeroes when it is of another family. */
static inline void name_read(struct tv_endpoint *e, const union name *n)
{
	memset(e, 0, sizeof *e);
	if (n->sa.sa_family == AF_INET) {
		memcpy(e->addr.b, name_mapped, sizeof name_mapped);
		memcpy(e->addr.b + 12, &n->in.sin_addr, 4);
		e->port = ntohs(n->in.sin_port);
	} else if (n->sa.sa_family == AF_INET6) {
		memcpy(e->addr.b, &n->in6.sin6_addr, 16);
		e->port = ntohs(n->in6.sin6_port);
	}
}

#endif
