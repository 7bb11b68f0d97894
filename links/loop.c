/*
 * loop.c - two stacks in memory, with nothing between them: no delay, no loss, no clock.
 *
 * For benchmarks and examples; sim/ has the network with time and faults. A packet is written by one
 * stack into a buffer of the loop and read by the other from there: payload is copied twice in all,
 * once by each stack. Buffers are reused at each step, so that they stay in the cache.
 *
 * Without LOOP_OFFLOAD the stacks make and verify every checksum and cut at the MSS, as on a wire.
 */
#include <stdlib.h>
#include <string.h>

#include "links/links.h"

#define BATCH 32u

struct side {
	struct tv_stack *stack;
	unsigned link;
};

struct loop {
	struct side sides[2];
	struct tap *tap;
	uint8_t *buffers;
	uint32_t buffer_bytes;
	unsigned used;         /* packets that the last step filled */
	struct tv_packet packets[BATCH];
};

static struct tv_packet empty_packet(const struct loop *loop, unsigned i)
{
	return (struct tv_packet){
		.data = loop->buffers + (size_t)i * loop->buffer_bytes,
		.cap = loop->buffer_bytes,
	};
}

struct loop *loop_new(struct tv_stack *a, struct tv_stack *b, tv_time now, uint32_t mtu, unsigned flags)
{
	struct tv_link_config config = {
		.size = sizeof config,
		.kind = TV_LINK_IP,
		.csum_offload = flags & LOOP_OFFLOAD,
		.mtu = mtu,
		.gso_bytes = flags & LOOP_OFFLOAD ? 65535 : 0,
	};
	struct loop *loop = calloc(1, sizeof *loop);
	uint32_t most = config.gso_bytes > mtu ? config.gso_bytes : mtu;
	int link_a, link_b;

	if (!loop)
		return NULL;
	loop->buffer_bytes = (most + 64 + 63) / 64 * 64;
	loop->buffers = aligned_alloc(64, (size_t)loop->buffer_bytes * BATCH);
	link_a = loop->buffers ? tv_link_add(a, now, &config) : -1;
	link_b = link_a < 0 ? -1 : tv_link_add(b, now, &config);
	if (link_b < 0) {
		loop_free(loop);
		return NULL;
	}
	for (unsigned i = 0; i < BATCH; i++)
		loop->packets[i] = empty_packet(loop, i);
	loop->sides[0] = (struct side){ a, (unsigned)link_a };
	loop->sides[1] = (struct side){ b, (unsigned)link_b };
	return loop;
}

unsigned loop_link(const struct loop *loop, unsigned side)
{
	return loop->sides[side & 1].link;
}

void loop_tap(struct loop *loop, struct tap *tap)
{
	loop->tap = tap;
}

unsigned loop_step(struct loop *loop, unsigned from, tv_time now)
{
	const struct side *out = &loop->sides[from & 1], *in = &loop->sides[~from & 1];
	unsigned n;

	for (unsigned i = 0; i < loop->used; i++)
		loop->packets[i] = empty_packet(loop, i);
	n = tv_output(out->stack, now, out->link, loop->packets, BATCH);
	for (unsigned i = 0; i < n; i++) {
		struct tv_packet *p = &loop->packets[i];

		if (loop->tap)
			tap_write(loop->tap, now, TAP_OUT, p);
		p->link = (uint16_t)in->link;
		p->time = 0;
	}
	loop->used = n;
	if (n)
		tv_input(in->stack, now, loop->packets, n, NULL);
	return n;
}

uint64_t loop_run(struct loop *loop, tv_time now, uint64_t most)
{
	uint64_t moved = 0;
	unsigned quiet = 0;

	for (unsigned from = 0; quiet < 2 && moved < most; from ^= 1) {
		unsigned n = loop_step(loop, from, now);

		moved += n;
		quiet = n ? 0 : quiet + 1;
	}
	return moved;
}

void loop_free(struct loop *loop)
{
	if (!loop)
		return;
	free(loop->buffers);
	free(loop);
}
