/*
 * bulk.c - one connection as fast as it goes, in memory: 1460-byte segments, every checksum made and
 * verified, bytes copied in by tv_send() and out by tv_recv(), all of them compared.
 */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PERIOD (64u * 61u)  /* of the pattern: misplaced bytes do not fall on their like, and chunks stay aligned */
#define CHUNK 8192u         /* what is written, and what is read at once */
#define STEP_NS (5 * TV_US) /* virtual time of one round */

struct bulk {
	struct side client, server;
	struct wire out, back;
	tv_handle sender, receiver;
	tv_time now;
	uint64_t sent, got;
	uint8_t *pattern; /* PERIOD + CHUNK bytes: a chunk can begin anywhere in it */
	bool wrong;
};

static void begin(struct bulk *b, const struct options *o)
{
	struct tv_config config;
	struct tv_listen_config listen;
	struct tv_connect_config connect;
	tv_handle listener;

	memset(b, 0, sizeof *b);
	b->now = TV_S;
	for (unsigned side = 1; side <= 2; side++) {
		bench_config(&config, (uint8_t)side);
		config.defaults.rcv_buf = config.defaults.snd_buf = 512 << 10;
		config.connections = 16;
		*(side == 1 ? &b->client : &b->server) = bench_stack(&config, (uint8_t)side, 1500);
	}
	wire_init(&b->out, o->self_test);
	wire_init(&b->back, false);
	b->pattern = malloc(PERIOD + CHUNK);
	if (b->pattern == NULL)
		bench_die("no memory");
	for (unsigned i = 0; i < PERIOD + CHUNK; i++)
		b->pattern[i] = (uint8_t)((i % PERIOD) * 2654435761u >> 24);
	tv_listen_default(&listen);
	listen.port_first = listen.port_last = 9;
	tv_connect_default(&connect);
	connect.remote.addr = bench_addr(2);
	connect.remote.port = 9;
	if (tv_listen(b->server.stack, b->now, &listen, &listener) != TV_OK ||
		tv_connect(b->client.stack, b->now, &connect, &b->sender, NULL) != TV_OK)
		bench_die("cannot connect");
	for (unsigned i = 0; i < 4; i++) {
		wire_carry(&b->out, &b->client, &b->server, b->now);
		wire_carry(&b->back, &b->server, &b->client, b->now);
	}
	if (tv_accept(b->server.stack, b->now, listener, &b->receiver) != TV_OK)
		bench_die("not accepted");
}

static void write_some(struct bulk *b)
{
	for (;;) {
		uint32_t at = (uint32_t)(b->sent % PERIOD);
		int64_t n = tv_send(b->client.stack, b->now, b->sender, b->pattern + at, CHUNK, 0);

		if (n <= 0)
			return;
		b->sent += (uint64_t)n;
	}
}

static void read_some(struct bulk *b)
{
	static uint8_t buffer[CHUNK];
	int64_t n;

	while ((n = tv_recv(b->server.stack, b->now, b->receiver, buffer, sizeof buffer, 0)) > 0) {
		b->wrong = b->wrong || memcmp(buffer, b->pattern + b->got % PERIOD, (size_t)n) != 0;
		b->got += (uint64_t)n;
	}
}

static void drain_events(struct tv_stack *s)
{
	struct tv_event e;

	while (tv_event(s, &e))
		;
}

static struct result run(const struct options *o)
{
	uint64_t warm = 32 << 20, want = o->quick ? 256ull << 20 : 4ull << 30;
	struct result r = {.ok = true};
	struct tv_counters a = {.size = sizeof a}, b_cnt = {.size = sizeof b_cnt};
	static struct bulk b;
	double start = 0, seconds;
	uint64_t from = 0;

	begin(&b, o);
	while (b.got < warm + want) {
		uint64_t before = b.got;

		write_some(&b);
		while (wire_carry(&b.out, &b.client, &b.server, b.now) == BENCH_BATCH)
			read_some(&b);
		read_some(&b);
		wire_carry(&b.back, &b.server, &b.client, b.now);
		drain_events(b.client.stack);
		drain_events(b.server.stack);
		b.now += STEP_NS;
		if (b.got == before) /* an ACK is being delayed, or something was lost */
			b.now += 50 * TV_MS;
		if (start == 0 && b.got >= warm) {
			start = cpu_seconds();
			from = b.got;
		}
	}
	seconds = cpu_seconds() - start;
	tv_counters(b.client.stack, &a);
	tv_counters(b.server.stack, &b_cnt);
	r.value = (double)(b.got - from) * 8 / seconds / 1e9;
	r.ok = !b.wrong && a.retransmissions == 0 && b_cnt.verdicts[TV_V_BAD_TCP_CHECKSUM] == 0;
	snprintf(r.detail, sizeof r.detail, "\"ns_per_segment\": %.1f, \"acks_per_segment\": %.3f",
		seconds * 1e9 / ((double)(b.got - from) / 1448), (double)b.back.carried / (double)b.out.carried);
	wire_free(&b.out);
	wire_free(&b.back);
	free(b.pattern);
	bench_stack_free(&b.client);
	bench_stack_free(&b.server);
	return r;
}

const struct bench bulk_bench = {"bulk-1460", "Gbit/s", false, true, run};
