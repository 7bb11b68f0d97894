/*
 * attempt.c - a connection of the kernel's TCP, opened without waiting.
 *
 * IP_RECVERR (IPV6_RECVERR) makes the kernel keep the ICMP error that it turns into an errno, so that
 * "No route to host" can be told apart: a router's host unreachable, a firewall's prohibition and a
 * port unreachable have different types, codes and senders, where errno is the same for all. The
 * switch also makes an ICMP error end an established connection at once, which otherwise is only
 * remembered (RFC 1122 4.2.3.9): who wants to know why gets to know it.
 */
#include "host/attempt.h"
#include "host/name.h"

#include <errno.h>
#include <linux/errqueue.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* The error queue: what ICMP said, and who. */
static void read_errors(struct host_attempt *a)
{
	union {
		struct cmsghdr align;
		uint8_t bytes[256];
	} control;
	struct iovec none = {.iov_base = NULL, .iov_len = 0};

	for (;;) {
		struct msghdr m = {.msg_iov = &none, .msg_iovlen = 1, .msg_control = &control,
			.msg_controllen = sizeof control};

		if (recvmsg(a->fd, &m, MSG_ERRQUEUE | MSG_DONTWAIT) < 0)
			return;
		for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
			struct sock_extended_err e;
			union name n;
			struct tv_endpoint from;

			if (c->cmsg_len < CMSG_LEN(sizeof e + sizeof n.in))
				continue;
			memcpy(&e, CMSG_DATA(c), sizeof e);
			if (e.ee_origin != SO_EE_ORIGIN_ICMP && e.ee_origin != SO_EE_ORIGIN_ICMP6)
				continue;
			memset(&n, 0, sizeof n);
			memcpy(&n, CMSG_DATA(c) + sizeof e, c->cmsg_len - CMSG_LEN(sizeof e) < sizeof n ?
				c->cmsg_len - CMSG_LEN(sizeof e) : sizeof n);
			name_read(&from, &n);
			a->reported = true;
			a->icmp_type = e.ee_type;
			a->icmp_code = e.ee_code;
			a->icmp_from = from.addr;
		}
	}
}

/* connect() itself failed. Over loopback even a refusal may be there before it returns. */
static bool failed(struct host_attempt *a, int err)
{
	a->err = err;
	if (a->fd >= 0)
		read_errors(a);
	a->at_once = err != ECONNREFUSED && !a->reported;
	host_attempt_close(a);
	return false;
}

bool host_attempt_start(struct host_attempt *a, const struct tv_endpoint *remote, uint32_t scope)
{
	bool v4 = name_is_v4(&remote->addr);
	union name n;
	socklen_t len = name_make(&n, &remote->addr, remote->port, scope), local_len = sizeof n;
	int on = 1, status;

	memset(a, 0, sizeof *a);
	a->remote = *remote;
	a->fd = socket(n.sa.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (a->fd < 0)
		return failed(a, errno);
	(void)setsockopt(a->fd, v4 ? IPPROTO_IP : IPPROTO_IPV6, v4 ? IP_RECVERR : IPV6_RECVERR, &on, sizeof on);
	do
		status = connect(a->fd, &n.sa, len);
	while (status < 0 && errno == EINTR);
	if (status < 0 && errno != EINPROGRESS)
		return failed(a, errno);
	if (getsockname(a->fd, &n.sa, &local_len) == 0)
		name_read(&a->local, &n);
	return true;
}

bool host_attempt_look(struct host_attempt *a)
{
	int err = 0;
	socklen_t len = sizeof err;
	union name n;

	if (getsockopt(a->fd, SOL_SOCKET, SO_ERROR, &err, &len) < 0)
		err = errno;
	read_errors(a);
	if (err) {
		a->err = err;
		return true;
	}
	if (a->open)
		return false;
	len = sizeof n;
	a->open = getpeername(a->fd, &n.sa, &len) == 0;
	return a->open;
}

int host_attempt_info(const struct host_attempt *a, struct host_attempt_info *info)
{
	struct tcp_info i;
	socklen_t len = sizeof i;

	memset(&i, 0, sizeof i);
	memset(info, 0, sizeof *info);
	if (getsockopt(a->fd, IPPROTO_TCP, TCP_INFO, &i, &len) < 0)
		return -errno;
	info->repeats = i.tcpi_retransmits;
	info->total_repeats = i.tcpi_total_retrans;
	info->rtt_us = a->open ? i.tcpi_rtt : 0;
	info->min_rtt_us = i.tcpi_min_rtt == UINT32_MAX ? 0 : i.tcpi_min_rtt;
	info->unacked = i.tcpi_unacked;
	info->snd_mss = i.tcpi_snd_mss;
	info->bytes_acked = i.tcpi_bytes_acked;
	info->bytes_received = i.tcpi_bytes_received;
	return 0;
}

void host_attempt_close(struct host_attempt *a)
{
	if (a->fd >= 0)
		close(a->fd);
	a->fd = -1;
}
