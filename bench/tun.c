/*
 * tun.c - one connection between this machine's TCP and Trivet over a TUN device, in a network namespace
 * of its own: tun-in is the kernel sending to Trivet, tun-out the other way.
 *
 * Both ends are one process on one core, in turn: the kernel's end is a socket that never waits, ours is
 * the event loop of posix/run.h. What the kernel does for either end it does inside our system calls, so
 * the CPU time of the process is the cost of both. The device carries super-segments and unfinished
 * checksums. Every byte is compared with a pattern where it arrives; its period is a prime, so that
 * nothing that is lost, repeated or out of order falls on its like.
 */
#define _GNU_SOURCE
#include "netns.h"

#include "posix/clock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PERIOD 16381u
#define CHUNK 65536u            /* what is written or read at once */
#define BUFFER (512u << 10)     /* receive window and send buffer of our end */
#define KERNEL_BUFFER (1 << 20) /* of the kernel's; it takes twice that, for its own book-keeping */
#define PORT 9
#define STALLED (5 * TV_S)

struct tun_bench {
	bool out; /* Trivet sends */
	bool self_test;
	uint64_t warm, want;
	struct netns at;
	const struct link_ops *ops;
	tv_handle connection;
	int fd;
	uint64_t sent, got;
	int64_t flip_at; /* packets until the one whose bit is turned; < 0: none */
	bool wrong, ended;
	uint8_t *pattern;          /* PERIOD + CHUNK bytes */
	uint8_t *buffer;           /* CHUNK bytes */
};

/* ---- One bit of one packet, for the self-test ---- */
static struct tun_bench *flipping; /* the link's functions have no room for a pointer of ours */

static void flip(uint8_t *data, uint32_t len)
{
	if (len < 1000) /* an ACK: only text is compared */
		return;
	if (flipping->flip_at-- == 0)
		data[len - 1] ^= 1;
}

static int flip_rx(struct link *l, struct tv_packet *packets, unsigned n)
{
	int got = flipping->ops->rx(l, packets, n);

	for (int i = 0; i < got; i++)
		flip(packets[i].data, packets[i].len);
	return got;
}

static int flip_send(struct link *l, const struct tv_packet *packet)
{
	const struct tv_piece *last = packet->piece_count ? &packet->pieces[packet->piece_count - 1] : NULL;

	if (last != NULL)
		flip((uint8_t *)(uintptr_t)last->data, last->len);
	return flipping->ops->send(l, packet);
}

static void start_flipping(struct tun_bench *t)
{
	static struct link_ops ops;

	flipping = t;
	t->flip_at = 100;
	t->ops = t->at.link->ops;
	ops = *t->ops;
	ops.rx = flip_rx;
	ops.send = flip_send;
	t->at.link->ops = &ops;
}

/* ---- Our end ---- */
static void write_ours(struct tun_bench *t)
{
	int64_t n;

	do {
		n = tv_send(t->at.stack, run_now(t->at.run), t->connection, t->pattern + t->sent % PERIOD, CHUNK, 0);
		t->sent += n > 0 ? (uint64_t)n : 0;
	} while (n == CHUNK);
}

static void read_ours(struct tun_bench *t)
{
	struct tv_piece pieces[32];
	int n;

	while ((n = tv_peek(t->at.stack, t->connection, pieces, 32)) > 0) {
		uint64_t at = t->got;

		for (int i = 0; i < n; i++) {
			t->wrong = t->wrong || pieces[i].len > CHUNK ||
				memcmp(pieces[i].data, t->pattern + at % PERIOD, pieces[i].len) != 0;
			at += pieces[i].len;
		}
		tv_consume(t->at.stack, run_now(t->at.run), t->connection, (size_t)(at - t->got));
		t->got = at;
	}
}

static void on_event(void *user, const struct tv_event *event)
{
	struct tun_bench *t = user;

	if ((event->flags & TV_EV_ACCEPT) != 0)
		(void)tv_accept(t->at.stack, run_now(t->at.run), event->handle, &t->connection);
	else if ((event->flags & TV_EV_CLOSED) != 0)
		t->ended = true;
	if (t->connection == 0)
		return;
	if (t->out)
		write_ours(t);
	else
		read_ours(t);
}

/* ---- The kernel's end ---- */
static void write_kernel(struct tun_bench *t)
{
	ssize_t n;

	do {
		n = send(t->fd, t->pattern + t->sent % PERIOD, CHUNK, MSG_DONTWAIT | MSG_NOSIGNAL);
		t->sent += n > 0 ? (uint64_t)n : 0;
	} while (n == CHUNK);
	t->ended = t->ended || (n < 0 && errno != EAGAIN && errno != ENOTCONN);
}

static void read_kernel(struct tun_bench *t)
{
	ssize_t n;

	do {
		n = recv(t->fd, t->buffer, CHUNK, MSG_DONTWAIT);
		if (n <= 0)
			break;
		t->wrong = t->wrong || memcmp(t->buffer, t->pattern + t->got % PERIOD, (size_t)n) != 0;
		t->got += (uint64_t)n;
	} while (n == CHUNK);
	t->ended = t->ended || n == 0 || (n < 0 && errno != EAGAIN);
}

static int open_kernel(void)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(PORT), .sin_addr.s_addr = htonl(0x0a000002)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), size = KERNEL_BUFFER;

	if (fd < 0 || setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "cubic", 5) < 0)
		return -1;
	/* Beyond what the machine allows to others; refused, its own limit holds. */
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size) < 0 ||
		setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size) < 0) {
		(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
	}
	return connect(fd, (struct sockaddr *)&to, sizeof to) == 0 || errno == EINPROGRESS ? fd : -1;
}

/* ---- The run ---- */
static const char *begin(struct tun_bench *t)
{
	struct tv_listen_config listen;
	struct tv_config config;
	tv_handle listener;
	const char *why;

	bench_config(&config, 2);
	config.connections = 16;
	config.defaults.rcv_buf = config.defaults.snd_buf = BUFFER;
	if ((why = netns_stack(&t->at, &config, 24)) != NULL)
		return why;
	run_events(t->at.run, on_event, t);
	tv_listen_default(&listen);
	listen.port_first = listen.port_last = PORT;
	if (tv_listen(t->at.stack, clock_now(), &listen, &listener) != TV_OK)
		return "cannot listen";
	if ((t->fd = open_kernel()) < 0)
		return "the kernel cannot connect with cubic";
	if (t->self_test)
		start_flipping(t);
	return NULL;
}

/* Returns Gbit for each second of CPU time. */
static double carry(struct tun_bench *t)
{
	tv_time last = clock_now();
	uint64_t seen = 0, from = 0;
	double start = 0;

	while (t->got < t->warm + t->want && !t->ended) {
		if (t->out)
			read_kernel(t);
		else
			write_kernel(t);
		if (run_once(t->at.run, t->got == seen ? clock_now() + TV_MS : 0) < 0)
			break;
		if (t->got == seen && clock_now() > last + STALLED)
			break;
		if (t->got != seen)
			last = clock_now();
		seen = t->got;
		if (start == 0 && t->got >= t->warm) {
			start = cpu_seconds();
			from = t->got;
		}
	}
	return (double)(t->got - from) * 8 / (cpu_seconds() - start) / 1e9;
}

static const char *play(void *user, struct result *r)
{
	struct tun_bench *t = user;
	struct tv_counters c = {.size = sizeof c};
	const char *why = begin(t);
	struct run_counts counts;

	if (why != NULL)
		return why;
	r->value = carry(t);
	tv_counters(t->at.stack, &c);
	run_counts(t->at.run, &counts);
	r->ok = !t->wrong && !t->ended && t->got >= t->warm + t->want;
	snprintf(r->detail, sizeof r->detail,
		"\"bytes_per_packet\": %.0f, \"packets_per_poll\": %.1f, \"retransmissions\": %llu",
		(double)t->got / (double)(t->out ? counts.packets_out : counts.packets_in),
		(double)(counts.packets_in + counts.packets_out) / (double)counts.polls,
		(unsigned long long)c.retransmissions);
	return NULL;
}

static struct result run(const struct options *o, bool out)
{
	struct tun_bench t = {.out = out, .self_test = o->self_test, .flip_at = -1, .fd = -1};
	struct result r;

	t.warm = 256ull << 20;
	t.want = o->quick ? 512ull << 20 : 8ull << 30;
	t.pattern = malloc(PERIOD + CHUNK);
	t.buffer = malloc(CHUNK);
	if (t.pattern == NULL || t.buffer == NULL)
		bench_die("no memory");
	for (uint32_t i = 0; i < PERIOD + CHUNK; i++)
		t.pattern[i] = (uint8_t)((i % PERIOD) * 2654435761u >> 24);
	r = netns_run(play, &t);
	free(t.pattern);
	free(t.buffer);
	return r;
}

static struct result run_in(const struct options *o)
{
	return run(o, false);
}

static struct result run_out(const struct options *o)
{
	return run(o, true);
}

const struct bench tun_in_bench = {"tun-in", "Gbit/s", false, true, run_in};
const struct bench tun_out_bench = {"tun-out", "Gbit/s", false, true, run_out};
