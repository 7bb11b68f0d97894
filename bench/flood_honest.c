/*
 * flood_honest.c - what honest peers see of a flood, and what it costs.
 *
 * flood-honest: a Trivet stack opens connections to another one, 64 at a time, while 99 SYNs from random
 * addresses come for each of them; then the same without the flood. The value is the packets that the
 * listening stack takes in for each second of CPU time that it uses, as a share of those without flood.
 * Each connection must be established with at most one SYN repeated, carry 64 bytes and answer them.
 *
 * flood-bytes: the pages of the stack's region that are in memory, before and after 10 million SYNs, once
 * the backlog is full and the first SYN-ACKs of its records have been repeated.
 */
#define _GNU_SOURCE
#include "flood.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PORT 80
#define ALIVE 64u
#define FLOOD_EACH 99u
#define BYTES 64
#define SETTLED (5 * TV_S) /* the first repetition is due after 1 s */

struct honest {
	struct side client, server;
	struct wire wire;
	struct flood flood;
	tv_handle listener;
	tv_time now;
	bool flooded;
	uint64_t opened, finished, late, failed, packets;
	double seconds; /* of the server */
	tv_time begun[ALIVE];
	uint8_t message[BYTES];
};

static void open_one(struct honest *h, uint32_t slot)
{
	struct tv_connect_config g;
	tv_handle conn;
	int error;

	tv_connect_default(&g);
	g.remote.addr = bench_addr(2);
	g.remote.port = PORT;
	g.user = slot;
	do
		error = tv_connect(h->client.stack, h->now, &g, &conn, NULL);
	while (error == TV_AGAIN);
	if (error != TV_OK)
		bench_die(tv_error_text(error));
	if (tv_send(h->client.stack, h->now, conn, h->message, BYTES, 0) != BYTES)
		bench_die("cannot send");
	h->begun[slot] = h->now;
	h->opened++;
}

static bool read_message(struct honest *h, struct tv_stack *s, tv_handle conn)
{
	uint8_t got[BYTES + 1];

	return tv_recv(s, h->now, conn, got, sizeof got, 0) == BYTES && memcmp(got, h->message, BYTES) == 0;
}

static void server_events(struct honest *h)
{
	struct tv_stack *s = h->server.stack;
	struct tv_event e;
	tv_handle conn;

	while (tv_event(s, &e)) {
		if ((e.flags & TV_EV_ACCEPT) != 0)
			while (tv_accept(s, h->now, e.handle, &conn) == TV_OK)
				;
		if ((e.flags & TV_EV_READABLE) != 0) {
			h->failed += !read_message(h, s, e.handle);
			tv_send(s, h->now, e.handle, h->message, BYTES, 0);
		}
		if ((e.flags & (TV_EV_CLOSED | TV_EV_PEER_CLOSED)) != 0)
			tv_release(s, h->now, e.handle);
	}
}

static void client_events(struct honest *h)
{
	struct tv_stack *s = h->client.stack;
	struct tv_event e;

	while (tv_event(s, &e)) {
		/* A repeated SYN leaves after 1 s, the next one after 2. */
		if ((e.flags & TV_EV_CONNECTED) != 0)
			h->late += h->now - h->begun[e.user] >= 1900 * TV_MS;
		h->failed += (e.flags & TV_EV_CLOSED) != 0;
		if ((e.flags & TV_EV_READABLE) == 0)
			continue;
		h->failed += !read_message(h, s, e.handle);
		h->finished++;
		tv_abort(s, h->now, e.handle);
		tv_release(s, h->now, e.handle);
		open_one(h, (uint32_t)e.user);
	}
}

/* What the server has to say goes to the client; nobody is where the flood comes from. */
static void server_out(struct honest *h)
{
	double start;
	unsigned n;

	do {
		start = cpu_seconds();
		n = tv_output(h->server.stack, h->now, TV_ANY_LINK, h->wire.packets, BENCH_BATCH);
		h->seconds += cpu_seconds() - start;
		tv_input(h->client.stack, h->now, h->wire.packets, n, NULL);
	} while (n == BENCH_BATCH);
}

static void server_in(struct honest *h, const struct tv_packet *packets, unsigned n)
{
	double start = cpu_seconds();

	tv_input(h->server.stack, h->now, packets, n, NULL);
	h->seconds += cpu_seconds() - start;
	h->packets += n;
	server_out(h);
}

static void turn(struct honest *h)
{
	uint64_t due = h->flooded ? h->opened * FLOOD_EACH : 0;
	unsigned n;

	do {
		n = tv_output(h->client.stack, h->now, TV_ANY_LINK, h->wire.packets, BENCH_BATCH);
		if (n != 0)
			server_in(h, h->wire.packets, n);
	} while (n == BENCH_BATCH);
	while (h->flood.sent + BENCH_BATCH <= due)
		server_in(h, flood_next(&h->flood, BENCH_BATCH), BENCH_BATCH);
	server_out(h);
	server_events(h);
	client_events(h);
	h->now += 100 * TV_US;
}

/* Packets that the server took for each second; 0: something was wrong. */
static double play(const struct options *o, bool flooded, uint64_t want, char *detail, size_t room)
{
	static struct honest h;
	struct tv_counters c = {.size = sizeof c};
	struct tv_listen_config listen;
	struct tv_config config;
	double rate;

	memset(&h, 0, sizeof h);
	h.now = TV_S;
	h.flooded = flooded;
	for (unsigned side = 1; side <= 2; side++) {
		bench_config(&config, (uint8_t)side);
		config.connections = 4096;
		config.syn_cookies = TV_COOKIES_AUTO;
		*(side == 1 ? &h.client : &h.server) = bench_stack(&config, (uint8_t)side, 1500);
	}
	tv_listen_default(&listen);
	listen.port_first = listen.port_last = PORT;
	if (tv_listen(h.server.stack, h.now, &listen, &h.listener) != TV_OK)
		bench_die("cannot listen");
	flood_init(&h.flood, false, PORT, o->self_test && flooded);
	h.flood.fresh = true;
	wire_init(&h.wire, false);
	memset(h.message, 0x5a, BYTES);
	for (uint32_t i = 0; i < ALIVE; i++)
		open_one(&h, i);
	while (h.finished < want && h.now < 100000 * TV_S)
		turn(&h);
	tv_counters(h.server.stack, &c);
	rate = (double)h.packets / h.seconds;
	snprintf(detail, room, "\"opened\": %llu, \"within_one_retry\": %.4g, \"flood_syns\": %llu, \"cookies\": %llu",
		(unsigned long long)h.finished, 100.0 * (1.0 - (double)(h.late + h.failed) / (double)h.finished),
		(unsigned long long)h.flood.sent, (unsigned long long)c.cookies_sent);
	if (h.late + h.failed + c.verdicts[TV_V_BAD_TCP_CHECKSUM] != 0 || h.finished < want ||
		(flooded && h.flood.sent < 99 * (h.finished - ALIVE)))
		rate = 0;
	wire_free(&h.wire);
	bench_stack_free(&h.client);
	bench_stack_free(&h.server);
	return rate;
}

static struct result honest(const struct options *o)
{
	uint64_t want = o->quick ? 20000 : 100000;
	struct result r = {0};
	char unused[256];
	double without = play(o, false, want * 10, unused, sizeof unused);
	double with = play(o, true, want, r.detail, sizeof r.detail);

	r.ok = without > 0 && with > 0;
	r.value = r.ok ? with / without * 100 : 0;
	return r;
}

/* ---- flood-bytes ---- */
static uint64_t in_memory(const struct side *s)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), pages = (s->bytes + page - 1) / page;
	unsigned char *state = malloc(pages);
	uint64_t n = 0;

	if (state == NULL || mincore(s->region, s->bytes, state) < 0)
		bench_die("cannot see which pages are in memory");
	for (size_t i = 0; i < pages; i++)
		n += state[i] & 1;
	free(state);
	return n * page;
}

static struct result bytes(const struct options *o)
{
	uint64_t want = o->quick ? 1000000 : 10000000, filled = 0, before = 0, answers = 0;
	struct tv_counters c = {.size = sizeof c};
	struct tv_listen_config listen;
	static struct flood f;
	struct tv_config config;
	struct result r = {0};
	tv_time now = TV_S;
	tv_handle listener;
	struct wire w;
	struct side s;

	bench_config(&config, 2);
	s = bench_stack(&config, 2, 1500);
	tv_listen_default(&listen);
	listen.port_first = listen.port_last = PORT;
	if (tv_listen(s.stack, now, &listen, &listener) != TV_OK)
		bench_die("cannot listen");
	flood_init(&f, false, PORT, o->self_test);
	f.fresh = true;
	wire_init(&w, false);
	for (; before == 0 || f.sent < before + want; now += 320 * TV_US) {
		if (before == 0 && now >= SETTLED) {
			filled = in_memory(&s);
			before = f.sent;
		}
		tv_input(s.stack, now, flood_next(&f, BENCH_BATCH), BENCH_BATCH, NULL);
		for (unsigned n = BENCH_BATCH; n == BENCH_BATCH; answers += n)
			n = tv_output(s.stack, now, TV_ANY_LINK, w.packets, BENCH_BATCH);
	}
	tv_counters(s.stack, &c);
	r.value = (double)(in_memory(&s) - filled);
	r.ok = c.half_opens <= listen.backlog && c.cookies_sent > want / 2 && answers >= f.sent - listen.backlog &&
		c.verdicts[TV_V_BAD_TCP_CHECKSUM] == 0 && c.replies_dropped == 0;
	snprintf(r.detail, sizeof r.detail,
		"\"syns\": %llu, \"cookies\": %llu, \"half_opens\": %u, \"bytes_before\": %llu", (unsigned long long)f.sent,
		(unsigned long long)c.cookies_sent, c.half_opens, (unsigned long long)filled);
	wire_free(&w);
	bench_stack_free(&s);
	return r;
}

const struct bench flood_honest_bench = {"flood-honest", "%", false, true, honest};
const struct bench flood_bytes_bench = {"flood-bytes", "bytes", true, true, bytes};
