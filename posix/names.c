/*
 * names.c - between the addresses of programs and those of the stack.
 *
 * An AF_INET socket speaks only IPv4; an AF_INET6 socket speaks both, IPv4 as mapped addresses,
 * unless IPV6_V6ONLY is set. The zone of a link-local address is its sin6_scope_id.
 */
#include "posix/slot.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

static void from_v4(const struct sockaddr_in *in, struct tv_endpoint *out)
{
	if (in->sin_addr.s_addr != 0) {
		out->addr.b[10] = out->addr.b[11] = 0xff;
		memcpy(out->addr.b + 12, &in->sin_addr, 4);
	}
	out->port = ntohs(in->sin_port);
}

static bool is_v4(const struct tv_addr *a)
{
	static const uint8_t prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

	return memcmp(a->b, prefix, sizeof prefix) == 0;
}

static bool is_v4_any(const struct tv_addr *a)
{
	return is_v4(a) && (a->b[12] | a->b[13] | a->b[14] | a->b[15]) == 0;
}

int sockets_endpoint(const struct slot *slot, const struct sockaddr *addr, socklen_t len,
	struct tv_endpoint *out)
{
	memset(out, 0, sizeof *out);
	if (addr == NULL || len < sizeof(sa_family_t)) return -EINVAL;
	if (addr->sa_family == AF_INET && slot->domain == AF_INET) {
		struct sockaddr_in in;
		if (len < sizeof in) return -EINVAL;
		memcpy(&in, addr, sizeof in);
		from_v4(&in, out);
		return 0;
	}
	if (addr->sa_family == AF_INET6 && slot->domain == AF_INET6) {
		struct sockaddr_in6 in6;
		if (len < sizeof in6) return -EINVAL;
		memcpy(&in6, addr, sizeof in6);
		memcpy(out->addr.b, &in6.sin6_addr, 16);
		if (slot->only_v6 && is_v4(&out->addr)) return -EINVAL;
		if (is_v4_any(&out->addr)) memset(&out->addr, 0, sizeof out->addr);
		out->port = ntohs(in6.sin6_port);
		if (in6.sin6_scope_id > UINT8_MAX) return -EINVAL;
		out->zone = (uint8_t)in6.sin6_scope_id;
		return 0;
	}
	return -EAFNOSUPPORT;
}

/* Copies at most *len bytes and tells the full length, as the kernel does. */
static void give(const void *name, socklen_t size, struct sockaddr *addr, socklen_t *len)
{
	memcpy(addr, name, *len < size ? *len : size);
	*len = size;
}

void sockets_address(const struct slot *slot, const struct tv_endpoint *end, struct sockaddr *addr,
	socklen_t *len)
{
	if (addr == NULL || len == NULL) return;
	if (slot->domain == AF_INET) {
		struct sockaddr_in in;
		memset(&in, 0, sizeof in);
		in.sin_family = AF_INET;
		in.sin_port = htons(end->port);
		memcpy(&in.sin_addr, end->addr.b + 12, 4);
		give(&in, sizeof in, addr, len);
	} else {
		struct sockaddr_in6 in6;
		memset(&in6, 0, sizeof in6);
		in6.sin6_family = AF_INET6;
		in6.sin6_port = htons(end->port);
		in6.sin6_scope_id = end->zone;
		memcpy(&in6.sin6_addr, end->addr.b, 16);
		give(&in6, sizeof in6, addr, len);
	}
}

int sockets_getsockname(struct sockets *s, int fd, struct sockaddr *addr, socklen_t *len)
{
	struct slot *slot = sockets_slot(s, fd);
	struct tv_info info;

	if (slot == NULL) return -EBADF;
	bool known = slot->phase != PHASE_LISTENING && sockets_slot_info(s, slot, &info);
	sockets_address(slot, known ? &info.local : &slot->local, addr, len);
	return 0;
}

int sockets_getpeername(struct sockets *s, int fd, struct sockaddr *addr, socklen_t *len)
{
	struct slot *slot = sockets_slot(s, fd);
	struct tv_info info;

	if (slot == NULL) return -EBADF;
	sockets_pull(s);
	if (slot->phase != PHASE_CONNECTED || !sockets_slot_info(s, slot, &info)) return -ENOTCONN;
	sockets_address(slot, &info.remote, addr, len);
	return 0;
}
