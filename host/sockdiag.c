/*
 * sockdiag.c - the kernel's TCP sockets, as `ss -ti` sees them.
 *
 * The kernel lists them for each family; states, queues and the running timer come with every one,
 * struct tcp_info with those that are sockets (not with half-open and TIME-WAIT entries). Filters are
 * applied here: in the private namespaces that this serves there are few sockets.
 *
 * struct tcp_info grows with every kernel: what a kernel does not tell is zero.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <linux/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "host/host.h"
#include "host/netlink.h"

struct list {
	const struct host_socket_filter *filter;
	struct host_socket *list;
	unsigned cap;
	int before, count;     /* found in the families asked before; found in all */
};

/* The kernel's numbers (include/net/tcp_states.h). */
static const struct {
	enum tv_state state;
	bool known;
} STATES[] = {
	[1] = { TV_ESTABLISHED, true }, [2] = { TV_SYN_SENT, true }, [3] = { TV_SYN_RECEIVED, true },
	[4] = { TV_FIN_WAIT_1, true }, [5] = { TV_FIN_WAIT_2, true }, [6] = { TV_TIME_WAIT, true },
	[7] = { TV_CLOSED, true }, [8] = { TV_CLOSE_WAIT, true }, [9] = { TV_LAST_ACK, true },
	[10] = { TV_LISTEN, true }, [11] = { TV_CLOSING, true }, [12] = { TV_SYN_RECEIVED, true },
};

/* ------------------------------------------------------------------------------------------ */
/* Matching                                                                                    */

static const struct tv_addr ZERO;

static bool end_matches(const struct tv_endpoint *want, const struct tv_endpoint *is)
{
	return (want->port == 0 || want->port == is->port) &&
	       (memcmp(&want->addr, &ZERO, sizeof ZERO) == 0 ||
	        memcmp(&want->addr, &is->addr, sizeof ZERO) == 0);
}

static bool matches(const struct host_socket_filter *f, const struct host_socket *s)
{
	return !f || (end_matches(&f->local, &s->local) && end_matches(&f->remote, &s->remote) &&
	              (f->states == 0 || (f->states >> s->state & 1)));
}

/* ------------------------------------------------------------------------------------------ */
/* Reading one                                                                                 */

static void to_endpoint(struct tv_endpoint *to, uint8_t family, const __be32 addr[4], __be16 port)
{
	static const uint8_t mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

	memset(to, 0, sizeof *to);
	to->port = ntohs(port);
	if (family == AF_INET) {
		memcpy(to->addr.b, mapped, sizeof mapped);
		memcpy(to->addr.b + 12, addr, 4);
		/* Any address has one form for both families. */
		if (addr[0] == 0)
			memset(to->addr.b, 0, sizeof to->addr.b);
	} else {
		memcpy(to->addr.b, addr, 16);
	}
}

static void read_info(const void *data, size_t len, struct host_socket *s)
{
	size_t rcv_wnd = offsetof(struct tcp_info, tcpi_snd_wnd) + 4; /* since Linux 6.2 */
	struct tcp_info i;

	memset(&i, 0, sizeof i);
	memcpy(&i, data, len < sizeof i ? len : sizeof i);
	s->has_info = true;
	s->rtt_us = i.tcpi_rtt;
	s->rttvar_us = i.tcpi_rttvar;
	s->rto_us = i.tcpi_rto;
	s->min_rtt_us = i.tcpi_min_rtt == UINT32_MAX ? 0 : i.tcpi_min_rtt;
	s->cwnd = i.tcpi_snd_cwnd;
	s->ssthresh = i.tcpi_snd_ssthresh;
	s->snd_mss = i.tcpi_snd_mss;
	s->rcv_mss = i.tcpi_rcv_mss;
	s->pmtu = i.tcpi_pmtu;
	s->rcv_space = i.tcpi_rcv_space;
	s->snd_wnd = i.tcpi_snd_wnd;
	if (len >= rcv_wnd + 4)
		memcpy(&s->rcv_wnd, (const uint8_t *)data + rcv_wnd, 4);
	s->unacked = i.tcpi_unacked;
	s->lost = i.tcpi_lost;
	s->retrans = i.tcpi_retrans;
	s->total_retrans = i.tcpi_total_retrans;
	s->snd_scale = i.tcpi_snd_wscale;
	s->rcv_scale = i.tcpi_rcv_wscale;
	s->timestamps = i.tcpi_options & TCPI_OPT_TIMESTAMPS;
	s->sack = i.tcpi_options & TCPI_OPT_SACK;
	s->window_scale = i.tcpi_options & TCPI_OPT_WSCALE;
	s->ecn = i.tcpi_options & TCPI_OPT_ECN;
	/* Of an ACK without text, and of text: the later one. */
	s->received_ms = i.tcpi_last_ack_recv < i.tcpi_last_data_recv ? i.tcpi_last_ack_recv : i.tcpi_last_data_recv;
	s->bytes_acked = i.tcpi_bytes_acked;
	s->bytes_received = i.tcpi_bytes_received;
	s->bytes_sent = i.tcpi_bytes_sent;
	s->bytes_retransmitted = i.tcpi_bytes_retrans;
}

static void take_socket(void *user, const struct nlmsghdr *h)
{
	struct list *to = user;
	struct host_socket s;
	struct inet_diag_msg m;
	const void *data;
	size_t len;

	if (!h) {
		to->count = to->before;
		return;
	}
	if (h->nlmsg_type != SOCK_DIAG_BY_FAMILY || h->nlmsg_len < sizeof *h + sizeof m)
		return;
	memcpy(&m, (const uint8_t *)h + sizeof *h, sizeof m);
	if (m.idiag_state >= sizeof STATES / sizeof *STATES || !STATES[m.idiag_state].known)
		return;
	memset(&s, 0, sizeof s);
	s.state = STATES[m.idiag_state].state;
	s.v6 = m.idiag_family == AF_INET6;
	to_endpoint(&s.local, m.idiag_family, m.id.idiag_src, m.id.idiag_sport);
	to_endpoint(&s.remote, m.idiag_family, m.id.idiag_dst, m.id.idiag_dport);
	s.rqueue = m.idiag_rqueue;
	s.wqueue = m.idiag_wqueue;
	s.timer = m.idiag_timer;
	s.timer_ms = m.idiag_expires;
	s.retransmits = m.idiag_retrans;
	s.uid = m.idiag_uid;
	s.inode = m.idiag_inode;
	s.interface = m.id.idiag_if;
	s.request = s.state == TV_SYN_RECEIVED && m.idiag_inode == 0;
	if (!matches(to->filter, &s))
		return;
	data = nl_find(h, sizeof m, INET_DIAG_INFO, 1, &len);
	if (data)
		read_info(data, len, &s);
	data = nl_find(h, sizeof m, INET_DIAG_SKV6ONLY, 1, &len);
	s.v6_only = data && *(const uint8_t *)data != 0;
	data = nl_find(h, sizeof m, INET_DIAG_CONG, 1, &len);
	if (data)
		snprintf(s.congestion, sizeof s.congestion, "%.*s", (int)strnlen(data, len), (const char *)data);
	if ((unsigned)to->count < to->cap)
		to->list[to->count] = s;
	to->count++;
}

/* ------------------------------------------------------------------------------------------ */
/* Asking                                                                                      */

static int ask(struct list *to, uint8_t family)
{
	struct inet_diag_req_v2 q = {
		.sdiag_family = family,
		.sdiag_protocol = IPPROTO_TCP,
		.idiag_ext = 1 << (INET_DIAG_INFO - 1) | 1 << (INET_DIAG_CONG - 1),
		.idiag_states = UINT32_MAX,
	};
	struct nl_request r;

	to->before = to->count;
	nl_start(&r, SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, &q, sizeof q);
	return nl_talk(NETLINK_SOCK_DIAG, &r, take_socket, to);
}

int host_sockets(const struct host_socket_filter *filter, struct host_socket *list, unsigned cap)
{
	struct list to = { .filter = filter, .list = list, .cap = cap };
	int err = ask(&to, AF_INET);

	if (err < 0)
		return err;
	err = ask(&to, AF_INET6);
	/* A kernel without IPv6 has no such sockets. */
	if (err < 0 && err != -ENOENT && err != -EAFNOSUPPORT)
		return err;
	return to.count;
}
