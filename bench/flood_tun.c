/*
 * flood_tun.c - syn-cookie-tun: SYNs that reach Trivet through a TUN device, each answered with a cookie.
 *
 * In a network namespace of its own a second process writes SYNs from random addresses into a raw socket;
 * the kernel routes them into the device. The answers go back into the kernel, which has no route for
 * them and drops them. The value counts answers for each second of CPU time of the Trivet process, most of
 * which is the kernel's work inside the calls that read and write the device. "device_alone" is the same
 * without Trivet: every packet is written back with its addresses exchanged; "share" is how much of that is left.
 */
#define _GNU_SOURCE
#include "flood.h"
#include "netns.h"

#include "posix/clock.h"

#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define PORT 80
#define STALLED (5 * TV_S)

struct tun_flood {
	uint64_t want;
	bool flip;
	struct netns at;
};

static struct flood flood;

/* The injector: until it is killed. */
static _Noreturn void inject(bool flip)
{
	struct sockaddr_in to = {.sin_family = AF_INET};
	struct iovec parts[FLOOD_SYNS];
	struct mmsghdr messages[FLOOD_SYNS];
	int fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
	struct tv_addr ours = bench_addr(2);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	flood_init(&flood, false, PORT, false);
	if (flip)
		flood.bytes[7][flood.packets[7].len - 1] ^= 1;
	memcpy(&to.sin_addr, ours.b + 12, 4);
	memset(messages, 0, sizeof messages);
	for (unsigned i = 0; i < FLOOD_SYNS; i++) {
		parts[i] = (struct iovec){flood.bytes[i], flood.packets[i].len};
		messages[i].msg_hdr.msg_name = &to;
		messages[i].msg_hdr.msg_namelen = sizeof to;
		messages[i].msg_hdr.msg_iov = &parts[i];
		messages[i].msg_hdr.msg_iovlen = 1;
	}
	for (;;)
		for (unsigned i = 0; i < FLOOD_SYNS; i += 256)
			if (sendmmsg(fd, messages + i, 256, 0) < 0)
				_exit(1);
}

static const char *begin(struct tun_flood *t)
{
	struct tv_addr anywhere = {{[10] = 0xff, [11] = 0xff}}, none = {{0}};
	struct tv_listen_config listen;
	struct tv_config config;
	tv_handle listener;
	const char *why;

	bench_config(&config, 2);
	config.syn_cookies = TV_COOKIES_ALWAYS;
	config.connections = 16;
	if ((why = netns_stack(&t->at, &config, 30)) != NULL)
		return why;
	tv_listen_default(&listen);
	listen.port_first = listen.port_last = PORT;
	if (tv_route_add(t->at.stack, clock_now(), &anywhere, 96, &none, 0, 1) != TV_OK ||
		tv_listen(t->at.stack, clock_now(), &listen, &listener) != TV_OK)
		return "no stack";
	return NULL;
}

static void measure(const struct tun_flood *t, struct result *r)
{
	struct tv_counters c = {.size = sizeof c};
	uint64_t warm = t->want / 10, from = 0, seen = 0;
	tv_time last = clock_now();
	struct run_counts counts;
	double start = 0;

	while (c.cookies_sent < warm + t->want && clock_now() < last + STALLED) {
		if (run_once(t->at.run, clock_now() + 100 * TV_MS) < 0)
			break;
		tv_counters(t->at.stack, &c);
		if (c.cookies_sent != seen)
			last = clock_now();
		seen = c.cookies_sent;
		if (start == 0 && seen >= warm) {
			start = cpu_seconds();
			from = seen;
		}
	}
	r->value = (double)(c.cookies_sent - from) / (cpu_seconds() - start) / 1e6;
	run_counts(t->at.run, &counts);
	r->ok = c.cookies_sent >= warm + t->want && c.verdicts[TV_V_BAD_TCP_CHECKSUM] == 0 &&
		c.replies_dropped == 0 && c.half_opens + c.connections == 0 && c.packets_out == c.cookies_sent;
	snprintf(r->detail, sizeof r->detail, "\"answers\": %llu, \"packets_per_poll\": %.1f",
		(unsigned long long)c.cookies_sent, (double)counts.packets_in / (double)counts.polls);
}

/* Source and destination change places, which no checksum notices. */
static void turn_round(struct tv_packet *p)
{
	uint8_t source[4];

	memcpy(source, p->data + 12, 4);
	memmove(p->data + 12, p->data + 16, 4);
	memcpy(p->data + 16, source, 4);
	p->head_len = p->piece_count = 0;
}

/* What the device costs: every packet goes back as it came, without a stack in between. M/s; 0: it failed. */
static double device_alone(const struct tun_flood *t)
{
	struct pollfd readable = {.fd = t->at.link->fd, .events = POLLIN};
	struct tv_packet packets[BENCH_BATCH];
	uint64_t turned = 0;
	double start = cpu_seconds();

	while (turned < t->want / 4) {
		int n = link_rx(t->at.link, packets, BENCH_BATCH);

		for (int i = 0; i < n; i++)
			turn_round(&packets[i]);
		if (n < 0 || (n > 0 && link_tx(t->at.link, packets, (unsigned)n) < 0))
			return 0;
		if (n == 0 && poll(&readable, 1, (int)(STALLED / TV_MS)) <= 0)
			return 0;
		turned += (unsigned)n;
	}
	return (double)turned / (cpu_seconds() - start) / 1e6;
}

static const char *play(void *user, struct result *r)
{
	struct tun_flood *t = user;
	const char *why = begin(t);
	double alone;
	size_t used;
	pid_t injector;

	if (why != NULL)
		return why;
	injector = fork();
	if (injector == 0)
		inject(t->flip);
	if (injector < 0)
		return "no second process";
	measure(t, r);
	alone = device_alone(t);
	used = strlen(r->detail);
	snprintf(r->detail + used, sizeof r->detail - used, ", \"device_alone\": %.3g, \"share\": %.2g", alone,
		alone > 0 ? r->value / alone : 0);
	kill(injector, SIGKILL);
	waitpid(injector, NULL, 0);
	return NULL;
}

static struct result syn_cookie_tun(const struct options *o)
{
	struct tun_flood t = {.want = o->quick ? 300000 : 3000000, .flip = o->self_test};

	return netns_run(play, &t);
}

const struct bench syn_cookie_tun_bench = {"syn-cookie-tun", "M/s", false, true, syn_cookie_tun};
