/*
 * syn.c - SYNs through a raw socket.
 *
 * The kernel writes the IP header. A raw socket also gets a copy of every TCP packet of the machine; a
 * filter that passes none keeps them away, since answers are looked at by a capture. The port is held by
 * a bound socket that neither listens nor connects.
 */
#include "host/syn.h"
#include "host/name.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { HEADER = 24, CHECKSUM_AT = 16, MSS = 1460, WINDOW = 64240 };

/* The source address that the kernel would take: a UDP socket that is connected sends nothing. */
static int find_source(struct host_syn *s, union name *source)
{
	union name to;
	socklen_t len = name_make(&to, &s->remote, 9, s->scope);
	int fd = socket(to.sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0), err = 0;

	if (fd < 0)
		return -errno;
	if (connect(fd, &to.sa, len) < 0 || (len = sizeof *source, getsockname(fd, &source->sa, &len)) < 0)
		err = -errno;
	close(fd);
	return err;
}

static int hold_port(struct host_syn *s)
{
	union name source;
	socklen_t len;
	int err = find_source(s, &source);

	if (err)
		return err;
	name_read(&s->local, &source);
	len = name_make(&source, &s->local.addr, 0, s->scope);
	s->holder = socket(source.sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (s->holder < 0 || bind(s->holder, &source.sa, len) < 0 ||
		getsockname(s->holder, &source.sa, &len) < 0)
		return -errno;
	name_read(&s->local, &source);
	return 0;
}

static int open_raw(struct host_syn *s)
{
	struct sock_filter none = {.code = BPF_RET | BPF_K, .k = 0};
	struct sock_fprog program = {.len = 1, .filter = &none};
	bool v4 = name_is_v4(&s->remote);
	int at = CHECKSUM_AT;

	s->fd = socket(v4 ? AF_INET : AF_INET6, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_TCP);
	if (s->fd < 0)
		return -errno;
	(void)setsockopt(s->fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program);
	if (!v4 && setsockopt(s->fd, IPPROTO_IPV6, IPV6_CHECKSUM, &at, sizeof at) < 0)
		return -errno;
	return 0;
}

int host_syn_open(struct host_syn *s, const struct tv_addr *remote, uint32_t scope)
{
	int err;

	*s = (struct host_syn){.fd = -1, .holder = -1, .remote = *remote, .scope = scope};
	err = open_raw(s);
	if (!err)
		err = hold_port(s);
	if (err)
		host_syn_close(s);
	return err;
}

/* RFC 1071, over big-endian words. */
static uint32_t add_words(uint32_t sum, const uint8_t *p, unsigned len)
{
	for (unsigned i = 0; i + 1 < len; i += 2)
		sum += (uint32_t)p[i] << 8 | p[i + 1];
	return sum;
}

static void put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

void host_syn_write(uint8_t h[24], const struct tv_endpoint *local, const struct tv_endpoint *remote, uint32_t seq)
{
	uint32_t sum;

	memset(h, 0, HEADER);
	put16(h, local->port);
	put16(h + 2, remote->port);
	put16(h + 4, seq >> 16);
	put16(h + 6, seq);
	h[12] = HEADER / 4 << 4;
	h[13] = 0x02; /* SYN */
	put16(h + 14, WINDOW);
	h[20] = 2; /* RFC 9293 3.7.1: maximum segment size */
	h[21] = 4;
	put16(h + 22, MSS);
	if (!name_is_v4(&remote->addr))
		return;
	sum = add_words(IPPROTO_TCP + HEADER, local->addr.b + 12, 4);
	sum = add_words(sum, remote->addr.b + 12, 4);
	sum = add_words(sum, h, HEADER);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	put16(h + CHECKSUM_AT, ~sum);
}

int host_syn_send(const struct host_syn *s, uint16_t port, uint32_t seq)
{
	struct tv_endpoint remote = {.addr = s->remote, .port = port};
	uint8_t header[HEADER];
	union name to;
	socklen_t len = name_make(&to, &s->remote, 0, s->scope);

	host_syn_write(header, &s->local, &remote, seq);
	return sendto(s->fd, header, sizeof header, 0, &to.sa, len) == HEADER ? 0 : -errno;
}

void host_syn_close(struct host_syn *s)
{
	if (s->fd >= 0)
		close(s->fd);
	if (s->holder >= 0)
		close(s->holder);
	s->fd = s->holder = -1;
}
