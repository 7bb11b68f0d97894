/*
 * flood_tun.c - syn-cookie-tun: SYNs that reach Trivet through a TUN device, each answered with a cookie.
 *
 * In a network namespace of its own a second process writes SYNs from random addresses into a raw socket;
 * the kernel routes them into the device. The answers go back into the kernel, which has no route for
 * them and drops them. The value counts answers for each second of CPU time of the Trivet process.
 */
#define _GNU_SOURCE
#include "flood.h"

#include "host/host.h"
#include "links/links.h"
#include "posix/clock.h"
#include "posix/run.h"

#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define PORT 80
#define STALLED (5 * TV_S)

struct outcome {
	double rate;
	bool ok;
	char detail[256];
	char why[256]; /* not run: the obstacle */
};

struct tun_flood {
	uint64_t want;
	bool flip;
	struct outcome *out;
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

static const char *begin(struct run **run, struct tv_stack **stack)
{
	static struct link_fault fault;
	struct tv_addr kernel = bench_addr(1), ours = bench_addr(2);
	struct tv_addr anywhere = {{[10] = 0xff, [11] = 0xff}}, none = {{0}};
	struct link *link = link_tun_open("bench0", 0, &fault);
	struct tv_listen_config listen;
	struct tv_config config;
	tv_handle listener;
	size_t bytes;
	void *region;

	if (link == NULL)
		return fault.text;
	if (host_link_quiet("bench0") < 0 || host_address_add("bench0", &kernel, 30) < 0 ||
		host_link_up("bench0", true) < 0)
		return "the device cannot be set up";
	bench_config(&config, 2);
	config.syn_cookies = TV_COOKIES_ALWAYS;
	config.connections = 16;
	bytes = tv_stack_size(&config);
	region = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (bytes == 0 || region == MAP_FAILED || tv_stack_init(region, bytes, &config, clock_now(), stack) != TV_OK)
		return "no stack";
	*run = run_new(*stack);
	tv_listen_default(&listen);
	listen.port_first = listen.port_last = PORT;
	if (*run == NULL || run_link(*run, link) != 0 ||
		tv_address_add(*stack, clock_now(), 0, &ours, 96 + 30) != TV_OK ||
		tv_route_add(*stack, clock_now(), &anywhere, 96, &none, 0, 1) != TV_OK ||
		tv_listen(*stack, clock_now(), &listen, &listener) != TV_OK)
		return "no stack";
	return NULL;
}

static void measure(struct tun_flood *t, struct run *run, const struct tv_stack *stack)
{
	struct tv_counters c = {.size = sizeof c};
	uint64_t warm = t->want / 10, from = 0, seen = 0;
	tv_time last = clock_now();
	struct run_counts counts;
	double start = 0;

	while (c.cookies_sent < warm + t->want && clock_now() < last + STALLED) {
		if (run_once(run, clock_now() + 100 * TV_MS) < 0)
			break;
		tv_counters(stack, &c);
		if (c.cookies_sent != seen)
			last = clock_now();
		seen = c.cookies_sent;
		if (start == 0 && seen >= warm) {
			start = cpu_seconds();
			from = seen;
		}
	}
	t->out->rate = (double)(c.cookies_sent - from) / (cpu_seconds() - start) / 1e6;
	run_counts(run, &counts);
	t->out->ok = c.cookies_sent >= warm + t->want && c.verdicts[TV_V_BAD_TCP_CHECKSUM] == 0 &&
		c.replies_dropped == 0 && c.half_opens + c.connections == 0 && c.packets_out == c.cookies_sent;
	snprintf(t->out->detail, sizeof t->out->detail, "\"answers\": %llu, \"packets_per_poll\": %.1f",
		(unsigned long long)c.cookies_sent, (double)counts.packets_in / (double)counts.polls);
}

static int play(void *user)
{
	struct tun_flood *t = user;
	struct tv_stack *stack = NULL;
	struct run *run = NULL;
	const char *why = begin(&run, &stack);
	pid_t injector;

	if (why != NULL) {
		snprintf(t->out->why, sizeof t->out->why, "%s", why);
		return 1;
	}
	injector = fork();
	if (injector == 0)
		inject(t->flip);
	if (injector < 0) {
		snprintf(t->out->why, sizeof t->out->why, "no second process");
		return 1;
	}
	measure(t, run, stack);
	kill(injector, SIGKILL);
	waitpid(injector, NULL, 0);
	return 0;
}

static struct result syn_cookie_tun(const struct options *o)
{
	struct tun_flood t = {.want = o->quick ? 300000 : 3000000, .flip = o->self_test};
	struct result r = {0};
	struct host_obstacle at;
	struct host_facts facts;
	struct host_cure cure;

	t.out = mmap(NULL, sizeof *t.out, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (t.out == MAP_FAILED)
		bench_die("no memory");
	if (host_netns_run(0, play, &t, &at) < 0) {
		host_facts(&facts);
		host_rights(&at, &facts, NULL, &cure);
		snprintf(t.out->why, sizeof t.out->why, "%.250s", cure.why);
	}
	r.value = t.out->rate;
	r.ok = t.out->ok;
	memcpy(r.detail, t.out->detail, sizeof r.detail);
	memcpy(r.not_run, t.out->why, sizeof r.not_run);
	munmap(t.out, sizeof *t.out);
	return r;
}

const struct bench syn_cookie_tun_bench = {"syn-cookie-tun", "M/s", false, true, syn_cookie_tun};
