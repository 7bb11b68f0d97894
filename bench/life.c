/*
 * life.c - the whole life of connections: open, 64 bytes each way, both closes, in seven packets, with
 * 64 alive at once. The opener closes first, so its TIME-WAIT table fills; reuse is off.
 *
 *   1 SYN   2 SYN,ACK   3 ACK with 64 bytes   4 64 bytes   5 FIN   6 FIN   7 ACK
 */
#include "bench.h"

#include <stdio.h>
#include <string.h>

#define ALIVE 64
#define BYTES 64
#define PORTS 4
#define FIRST_PORT 8000

struct life {
	struct side client, server;
	struct wire wire;
	tv_handle listeners[PORTS];
	tv_handle open[ALIVE];
	tv_time now;
	uint64_t cycles, started, wrong;
	uint8_t request[BYTES], answer[BYTES];
};

static void begin(struct life *l, const struct options *o)
{
	struct tv_config config;

	memset(l, 0, sizeof *l);
	for (unsigned side = 1; side <= 2; side++) {
		bench_config(&config, (uint8_t)side);
		config.connections = 1024;
		config.half_opens = 1024;
		config.time_waits = 65536;
		config.time_wait_reuse = TV_REUSE_OFF;
		*(side == 1 ? &l->client : &l->server) = bench_stack(&config, (uint8_t)side, 1500);
	}
	wire_init(&l->wire, o->self_test);
	l->now = TV_S;
	for (unsigned i = 0; i < PORTS; i++) {
		struct tv_listen_config listen;

		tv_listen_default(&listen);
		listen.port_first = listen.port_last = (uint16_t)(FIRST_PORT + i);
		if (tv_listen(l->server.stack, l->now, &listen, &l->listeners[i]) != TV_OK)
			bench_die("cannot listen");
	}
	for (unsigned i = 0; i < BYTES; i++) {
		l->request[i] = (uint8_t)(i * 7 + 1);
		l->answer[i] = (uint8_t)(i * 11 + 3);
	}
}

static void open_one(struct life *l, unsigned slot)
{
	struct tv_connect_config c;
	int error;

	tv_connect_default(&c);
	c.remote.addr = bench_addr(2);
	c.remote.port = (uint16_t)(FIRST_PORT + l->started % PORTS);
	c.user = slot;
	do
		error = tv_connect(l->client.stack, l->now, &c, &l->open[slot], NULL);
	while (error == TV_AGAIN);
	if (error != TV_OK)
		bench_die(tv_error_text(error));
	if (tv_send(l->client.stack, l->now, l->open[slot], l->request, BYTES, 0) != BYTES)
		bench_die("cannot send");
	l->started++;
}

/* Reads BYTES and compares; false: they are not what was sent. */
static bool read_all(struct tv_stack *s, tv_time now, tv_handle h, const uint8_t *want)
{
	uint8_t got[BYTES + 1];

	return tv_recv(s, now, h, got, sizeof got, 0) == BYTES && memcmp(got, want, BYTES) == 0;
}

static void server_events(struct life *l)
{
	struct tv_stack *s = l->server.stack;
	struct tv_event e;
	tv_handle h;

	while (tv_event(s, &e)) {
		if ((e.flags & TV_EV_ACCEPT) != 0)
			while (tv_accept(s, l->now, e.handle, &h) == TV_OK)
				;
		if ((e.flags & TV_EV_READABLE) != 0 && (e.flags & TV_EV_PEER_CLOSED) == 0) {
			l->wrong += !read_all(s, l->now, e.handle, l->request);
			if (tv_send(s, l->now, e.handle, l->answer, BYTES, 0) != BYTES)
				bench_die("cannot answer");
		}
		if ((e.flags & TV_EV_PEER_CLOSED) != 0 && (e.flags & TV_EV_CLOSED) == 0)
			tv_close(s, l->now, e.handle);
		if ((e.flags & TV_EV_CLOSED) != 0) {
			l->wrong += e.reason != TV_R_NORMAL;
			tv_release(s, l->now, e.handle);
		}
	}
}

static void client_events(struct life *l)
{
	struct tv_stack *s = l->client.stack;
	struct tv_event e;

	while (tv_event(s, &e)) {
		if ((e.flags & TV_EV_READABLE) != 0 && (e.flags & TV_EV_PEER_CLOSED) == 0) {
			l->wrong += !read_all(s, l->now, e.handle, l->answer);
			tv_close(s, l->now, e.handle);
		}
		if ((e.flags & TV_EV_CLOSED) != 0) {
			l->wrong += e.reason != TV_R_NORMAL;
			tv_release(s, l->now, e.handle);
			l->cycles++;
			l->now += TV_US;
			open_one(l, (unsigned)e.user);
		}
	}
}

/* Until so many cycles have ended. False: it stands still, which only a lost packet can cause. */
static bool live(struct life *l, uint64_t until)
{
	uint64_t idle = 0;

	while (l->cycles < until && idle < 1000) {
		uint64_t before = l->wire.carried;

		wire_carry(&l->wire, &l->client, &l->server, l->now);
		server_events(l);
		wire_carry(&l->wire, &l->server, &l->client, l->now);
		client_events(l);
		idle = l->wire.carried == before ? idle + 1 : 0;
	}
	return l->cycles >= until;
}

/* A function of its own, because callgrind is told to count inside it (COUNT_FUNCTION). */
bool life_measured(struct life *l, uint64_t until);
__attribute__((noinline)) bool life_measured(struct life *l, uint64_t until)
{
	bool all = live(l, until);

	__asm__ volatile(""
			 :
			 :
			 : "memory"); /* no tail call: it is the return that ends the count */
	return all;
}

static struct result run(const struct options *o)
{
	uint64_t want = o->count ? COUNT_CYCLES : o->quick ? 200000
							   : 1500000;
	uint64_t warm = o->count ? COUNT_WARM : 100000;
	struct result r = {.ok = true};
	struct tv_counters a = {.size = sizeof a}, b = {.size = sizeof b};
	static struct life l;
	uint64_t packets, counted;
	double start;

	begin(&l, o);
	for (unsigned i = 0; i < ALIVE; i++)
		open_one(&l, i);
	l.wrong += !live(&l, warm);
	start = cpu_seconds();
	packets = l.wire.carried;
	counted = l.cycles;
	l.wrong += !life_measured(&l, warm + want);
	r.value = (double)(l.cycles - counted) / (cpu_seconds() - start);
	tv_counters(l.client.stack, &a);
	tv_counters(l.server.stack, &b);
	packets = l.wire.carried - packets;
	r.ok = l.wrong == 0 && packets >= 7 * (l.cycles - counted) - 7 * ALIVE &&
		packets <= 7 * (l.cycles - counted) + 7 * ALIVE &&
		a.verdicts[TV_V_BAD_TCP_CHECKSUM] + b.verdicts[TV_V_BAD_TCP_CHECKSUM] == 0;
	snprintf(r.detail, sizeof r.detail,
		"\"packets_per_cycle\": %.3f, \"alive\": %d, \"time_waits\": %u, \"evictions\": %llu",
		(double)packets / (double)(l.cycles - counted), ALIVE, a.time_waits,
		(unsigned long long)a.time_wait_evicted);
	wire_free(&l.wire);
	bench_stack_free(&l.client);
	bench_stack_free(&l.server);
	return r;
}

const struct bench life_bench = {"life-64", "cycles/s", false, true, run};
