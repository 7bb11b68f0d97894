/*
 * crowd.c - opens very many connections between two stacks in memory and measures what that takes. The
 * listener takes any port: 20,000 connections go to each, so that tuples never run out.
 */
#define _GNU_SOURCE
#include "crowd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EACH_PORT 20000u
#define AT_ONCE 1024u

static uint64_t resident(void)
{
	unsigned long long total = 0, in_memory = 0;
	FILE *f = fopen("/proc/self/statm", "r");

	if (f == NULL || fscanf(f, "%llu %llu", &total, &in_memory) != 2)
		bench_die("cannot read the size of this process");
	fclose(f);
	return in_memory * (uint64_t)sysconf(_SC_PAGESIZE);
}

static void accept_all(struct crowd *c)
{
	struct tv_event e;
	tv_handle h;

	while (tv_event(c->server.stack, &e)) {
		if ((e.flags & TV_EV_ACCEPT) == 0)
			continue;
		while (tv_accept(c->server.stack, c->now, e.handle, &h) == TV_OK)
			c->servers[c->accepted++] = h;
	}
	while (tv_event(c->client.stack, &e))
		;
}

static void open_some(struct crowd *c, uint32_t n)
{
	struct tv_connect_config g;

	tv_connect_default(&g);
	g.remote.addr = bench_addr(2);
	for (uint32_t i = 0; i < n; i++) {
		int error;

		g.remote.port = (uint16_t)(1000 + c->opened / EACH_PORT);
		g.user = c->opened;
		do
			error = tv_connect(c->client.stack, c->now, &g, &c->clients[c->opened], NULL);
		while (error == TV_AGAIN);
		if (error != TV_OK)
			bench_die(tv_error_text(error));
		c->opened++;
	}
}

static void carry_all(struct crowd *c)
{
	unsigned moved;

	do {
		moved = wire_carry(&c->out, &c->client, &c->server, c->now);
		moved += wire_carry(&c->back, &c->server, &c->client, c->now);
	} while (moved != 0);
}

bool crowd_open(struct crowd *c, uint32_t count, bool huge, bool flip)
{
	struct tv_config config;
	struct tv_listen_config listen;
	tv_handle listener;
	uint64_t before;
	double start;

	memset(c, 0, sizeof *c);
	c->count = count;
	c->now = TV_S;
	c->clients = calloc(count, sizeof *c->clients);
	c->servers = calloc(count, sizeof *c->servers);
	if (c->clients == NULL || c->servers == NULL)
		bench_die("no memory");
	memset(c->clients, 1, count * sizeof *c->clients); /* ours, not the stacks' */
	memset(c->servers, 1, count * sizeof *c->servers);
	wire_init(&c->out, flip);
	wire_init(&c->back, false);
	memset(c->out.memory, 0, BENCH_BATCH * BENCH_BUF);
	memset(c->back.memory, 0, BENCH_BATCH * BENCH_BUF);
	before = resident();
	start = cpu_seconds();
	for (unsigned side = 1; side <= 2; side++) {
		bench_config(&config, (uint8_t)side);
		config.connections = count + 16;
		config.half_opens = 2 * AT_ONCE;
		config.time_waits = 1024;
		*(side == 1 ? &c->client : &c->server) = bench_stack(&config, (uint8_t)side, 1500);
	}
	if (huge) {
		bench_huge_pages(&c->client);
		bench_huge_pages(&c->server);
	}
	tv_listen_default(&listen);
	listen.backlog = 2 * AT_ONCE;
	if (tv_listen(c->server.stack, c->now, &listen, &listener) != TV_OK)
		bench_die("cannot listen");
	while (c->opened < count) {
		open_some(c, count - c->opened < AT_ONCE ? count - c->opened : AT_ONCE);
		carry_all(c);
		accept_all(c);
		c->now += TV_MS;
	}
	c->seconds = cpu_seconds() - start;
	c->bytes = resident() - before;
	return c->accepted == count;
}

void crowd_close(struct crowd *c)
{
	wire_free(&c->out);
	wire_free(&c->back);
	free(c->clients);
	free(c->servers);
	bench_stack_free(&c->client);
	bench_stack_free(&c->server);
}

/* Are all of them ESTABLISHED, at both ends? */
static bool all_established(const struct crowd *c)
{
	struct tv_counters a = {.size = sizeof a}, b = {.size = sizeof b};
	struct tv_info info = {.size = sizeof info};

	tv_counters(c->client.stack, &a);
	tv_counters(c->server.stack, &b);
	for (uint32_t i = 0; i < c->count; i += 997)
		if (tv_info(c->client.stack, c->clients[i], &info) != TV_OK || info.state != TV_ESTABLISHED ||
			tv_info(c->server.stack, c->servers[i], &info) != TV_OK || info.state != TV_ESTABLISHED)
			return false;
	return a.connections == c->count && b.connections == c->count && a.established == c->count &&
		b.established == c->count;
}

static struct result million(const struct options *o, bool bytes)
{
	static struct crowd c;
	struct result r = {0};

	r.ok = crowd_open(&c, o->quick ? 100000 : 1000000, false, o->self_test) && all_established(&c);
	r.value = bytes ? (double)c.bytes / 1e9 : c.seconds;
	snprintf(r.detail, sizeof r.detail, "\"connections\": %u, \"bytes_per_connection\": %.1f", c.count,
		(double)c.bytes / c.count);
	crowd_close(&c);
	return r;
}

static struct result million_seconds(const struct options *o)
{
	return million(o, false);
}

static struct result million_bytes(const struct options *o)
{
	return million(o, true);
}

const struct bench million_seconds_bench = {"million-seconds", "s", false, true, million_seconds};
const struct bench million_bytes_bench = {"million-bytes", "GB", false, true, million_bytes};
