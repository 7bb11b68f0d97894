/*
 * segment.c - what one segment costs when it belongs to a random one of very many connections: 32
 * connections are drawn, each sends 64 bytes, the other end reads, compares and answers with 64 bytes,
 * and these are read. A segment is counted once, for being built at one end and taken in at the other;
 * so are the ACKs that are sent alone, because among very many connections none is drawn again in time
 * to carry them. It begins when the timers of the handshakes have passed.
 */
#include "crowd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BYTES 64

struct talk {
	struct crowd crowd;
	uint64_t random;
	uint64_t wrong, exchanged;
	uint8_t message[BYTES];
};

/* One of them, by its number. */
static uint32_t draw(struct talk *t)
{
	t->random ^= t->random << 13;
	t->random ^= t->random >> 7;
	t->random ^= t->random << 17;
	return (uint32_t)(t->random >> 20) % t->crowd.count;
}

/* The connections of a batch: different ones. */
static void draw_batch(struct talk *t, tv_handle *drawn)
{
	uint32_t number[BENCH_BATCH];

	for (unsigned n = 0; n < BENCH_BATCH;) {
		unsigned same = 0;

		number[n] = draw(t);
		while (number[same] != number[n])
			same++;
		if (same == n)
			n++;
	}
	for (unsigned n = 0; n < BENCH_BATCH; n++)
		drawn[n] = t->crowd.clients[number[n]];
}

/* Reads what has come at one end; answers, or not. */
static void read_events(struct talk *t, struct tv_stack *s, bool answer)
{
	uint8_t got[BYTES + 1];
	struct tv_event e;

	while (tv_event(s, &e)) {
		if ((e.flags & TV_EV_READABLE) == 0)
			continue;
		if (tv_recv(s, t->crowd.now, e.handle, got, sizeof got, 0) != BYTES ||
			memcmp(got, t->message, BYTES) != 0)
			t->wrong++;
		t->exchanged++;
		if (answer && tv_send(s, t->crowd.now, e.handle, t->message, BYTES, 0) != BYTES)
			t->wrong++;
	}
}

/* All that there is to carry one way. */
static unsigned carry(struct wire *w, struct side *from, struct side *to, tv_time now)
{
	unsigned n, all = 0;

	do {
		n = wire_carry(w, from, to, now);
		all += n;
	} while (n == BENCH_BATCH);
	return all;
}

static unsigned exchange(struct talk *t)
{
	struct crowd *c = &t->crowd;
	tv_handle drawn[BENCH_BATCH];
	unsigned n = 0;

	draw_batch(t, drawn);
	tv_fetch(c->client.stack, drawn, BENCH_BATCH);
	for (unsigned i = 0; i < BENCH_BATCH; i++)
		if (tv_send(c->client.stack, c->now, drawn[i], t->message, BYTES, 0) != BYTES)
			t->wrong++;
	n += carry(&c->out, &c->client, &c->server, c->now);
	read_events(t, c->server.stack, true);
	n += carry(&c->back, &c->server, &c->client, c->now);
	read_events(t, c->client.stack, false);
	c->now += 100 * TV_US;
	return n;
}

/* Until no timer of the handshakes is left: each call runs a part of those that are due. */
static void settle(struct crowd *c)
{
	c->now += 2 * TV_S;
	for (uint32_t i = 0; i < c->count / 64 + 16; i++) {
		carry(&c->out, &c->client, &c->server, c->now);
		carry(&c->back, &c->server, &c->client, c->now);
	}
}

static struct result run(const struct options *o, uint32_t count)
{
	uint64_t batches = o->quick ? 3000 : 40000, segments = 0;
	struct result r = {.ok = true};
	struct tv_counters a = {.size = sizeof a}, b = {.size = sizeof b};
	static struct talk t;
	double start;

	memset(&t, 0, sizeof t);
	r.ok = crowd_open(&t.crowd, count, true, false);
	settle(&t.crowd);
	wire_flip(&t.crowd.out, o->self_test);
	t.random = 88172645463325252ull;
	for (unsigned i = 0; i < BYTES; i++)
		t.message[i] = (uint8_t)(i * 5 + 9);
	for (uint64_t i = 0; i < batches / 4; i++)
		exchange(&t);
	t.exchanged = 0;
	start = cpu_seconds();
	for (uint64_t i = 0; i < batches; i++)
		segments += exchange(&t);
	r.value = (cpu_seconds() - start) * 1e9 / (double)segments;
	tv_counters(t.crowd.client.stack, &a);
	tv_counters(t.crowd.server.stack, &b);
	r.ok = r.ok && t.wrong == 0 && t.exchanged == batches * 2 * BENCH_BATCH &&
		a.verdicts[TV_V_BAD_TCP_CHECKSUM] + b.verdicts[TV_V_BAD_TCP_CHECKSUM] == 0;
	snprintf(r.detail, sizeof r.detail, "\"connections\": %u, \"segments\": %llu", count,
		(unsigned long long)segments);
	crowd_close(&t.crowd);
	return r;
}

static struct result run_1k(const struct options *o)
{
	return run(o, 1000);
}

static struct result run_100k(const struct options *o)
{
	return run(o, 100000);
}

static struct result run_1m(const struct options *o)
{
	return run(o, o->quick ? 200000 : 1000000);
}

const struct bench segment_1k_bench = {"segment-1k", "ns", false, true, run_1k};
const struct bench segment_100k_bench = {"segment-100k", "ns", false, true, run_100k};
const struct bench segment_1m_bench = {"segment-1m", "ns", false, true, run_1m};
