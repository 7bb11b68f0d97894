/*
 * test_links_loop.c - two stacks with a wire of no length between them: connections open, carry bytes
 * both ways and close, with and without offloads; what passes can be recorded.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "links/links.h"

#define BYTES 300000u

static const struct tv_addr ADDR[2] = {
	{ { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, 1 } },
	{ { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, 2 } },
};

struct talk {
	void *region[2];
	struct tv_stack *stack[2];
	struct loop *loop;
	tv_time now;
	tv_handle listener, end[2];
	uint32_t sent[2], got[2];
};

static uint8_t pattern(unsigned side, uint32_t i)
{
	return (uint8_t)(i * 31 + (i >> 8) + side);
}

static void make_stack(struct talk *t, unsigned side)
{
	struct tv_config c;
	size_t bytes;

	tv_config_default(&c);
	memset(c.secret, (int)side + 1, sizeof c.secret);
	c.connections = c.half_opens = c.time_waits = 16;
	c.busy = 0;
	c.pages = 512;
	c.small_pages = 64;
	bytes = tv_stack_size(&c);
	assert_true(bytes > 0);
	t->region[side] = aligned_alloc(64, (bytes + 63) / 64 * 64);
	assert_non_null(t->region[side]);
	memset(t->region[side], 0, bytes);
	assert_int_equal(tv_stack_init(t->region[side], bytes, &c, t->now, &t->stack[side]), 0);
}

static void set_up(struct talk *t, uint32_t mtu, unsigned flags)
{
	struct tv_listen_config listen;
	struct tv_connect_config connect;

	memset(t, 0, sizeof *t);
	t->now = TV_S;
	make_stack(t, 0);
	make_stack(t, 1);
	t->loop = loop_new(t->stack[0], t->stack[1], t->now, mtu, flags);
	assert_non_null(t->loop);
	for (unsigned side = 0; side < 2; side++)
		assert_int_equal(tv_address_add(t->stack[side], t->now, loop_link(t->loop, side), &ADDR[side],
			96 + 24), 0);
	tv_listen_default(&listen);
	listen.port_first = listen.port_last = 7;
	assert_int_equal(tv_listen(t->stack[1], t->now, &listen, &t->listener), 0);
	tv_connect_default(&connect);
	connect.remote.addr = ADDR[1];
	connect.remote.port = 7;
	assert_int_equal(tv_connect(t->stack[0], t->now, &connect, &t->end[0], NULL), 0);
}

/* Moves what there is to move, then time on to the next thing that a stack waits for. */
static void go_on(struct talk *t)
{
	tv_time next[2];

	if (loop_run(t->loop, t->now, 10000))
		return;
	next[0] = tv_deadline(t->stack[0]);
	next[1] = tv_deadline(t->stack[1]);
	next[0] = next[0] < next[1] ? next[0] : next[1];
	assert_true(next[0] != TV_NEVER);
	t->now = next[0] > t->now ? next[0] : t->now;
}

static void move_bytes(struct talk *t, unsigned side)
{
	uint8_t chunk[8000];
	uint32_t n = BYTES - t->sent[side] < sizeof chunk ? BYTES - t->sent[side] : (uint32_t)sizeof chunk;
	int64_t r;

	for (uint32_t i = 0; i < n; i++)
		chunk[i] = pattern(side, t->sent[side] + i);
	r = n ? tv_send(t->stack[side], t->now, t->end[side], chunk, n, 0) : 0;
	assert_true(r >= 0 || r == TV_AGAIN);
	t->sent[side] += r > 0 ? (uint32_t)r : 0;
	while ((r = tv_recv(t->stack[side], t->now, t->end[side], chunk, sizeof chunk, 0)) > 0) {
		for (uint32_t i = 0; i < (uint32_t)r; i++)
			if (chunk[i] != pattern(1 - side, t->got[side] + i))
				fail_msg("byte %u of side %u is wrong", t->got[side] + i, side);
		t->got[side] += (uint32_t)r;
	}
	assert_true(r == TV_AGAIN);
}

static void converse(struct talk *t)
{
	unsigned turns = 0;

	while (tv_accept(t->stack[1], t->now, t->listener, &t->end[1]) == TV_AGAIN) {
		go_on(t);
		assert_true(++turns < 100);
	}
	while (t->got[0] < BYTES || t->got[1] < BYTES) {
		move_bytes(t, 0);
		move_bytes(t, 1);
		go_on(t);
		assert_true(++turns < 100000);
	}
	assert_int_equal(tv_close(t->stack[0], t->now, t->end[0]), 0);
	assert_int_equal(tv_close(t->stack[1], t->now, t->end[1]), 0);
	for (turns = 0; turns < 1000; turns++) {
		struct tv_info info = { .size = sizeof info };

		assert_int_equal(tv_info(t->stack[0], t->end[0], &info), 0);
		if (info.state == TV_CLOSED || info.state == TV_TIME_WAIT)
			break;
		go_on(t);
	}
	assert_true(turns < 1000);
	assert_int_equal(tv_stack_check(t->stack[0]), 0);
	assert_int_equal(tv_stack_check(t->stack[1]), 0);
}

static void tear_down(struct talk *t)
{
	loop_free(t->loop);
	free(t->region[0]);
	free(t->region[1]);
}

static uint64_t packets_out(struct talk *t)
{
	struct tv_counters c = { .size = sizeof c };

	tv_counters(t->stack[0], &c);
	return c.packets_out;
}

static void test_loop_without_offload_carries_a_conversation(void **state)
{
	struct talk t;

	(void)state;
	set_up(&t, 1500, 0);
	converse(&t);
	assert_true(packets_out(&t) > BYTES / 1460);
	tear_down(&t);
}

static void test_loop_with_offload_carries_it_in_fewer_packets(void **state)
{
	struct talk t;

	(void)state;
	set_up(&t, 1500, LOOP_OFFLOAD);
	converse(&t);
	assert_true(packets_out(&t) < BYTES / 1460);
	tear_down(&t);
}

static void test_loop_tap_records_every_packet(void **state)
{
	char path[] = "/tmp/trivet-test-loop-XXXXXX";
	int fd = mkstemp(path);
	struct link_fault fault;
	struct tap *tap;
	struct talk t;
	struct tv_counters a = { .size = sizeof a }, b = { .size = sizeof b };

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	set_up(&t, 9000, 0);
	tap = tap_open(path, TV_LINK_IP, 0, &fault);
	assert_non_null(tap);
	loop_tap(t.loop, tap);
	converse(&t);
	tv_counters(t.stack[0], &a);
	tv_counters(t.stack[1], &b);
	assert_int_equal(tap_count(tap), a.packets_out + b.packets_out);
	assert_int_equal(a.packets_in, b.packets_out);
	assert_int_equal(b.packets_in, a.packets_out);
	assert_true(tap_close(tap, &fault));
	unlink(path);
	tear_down(&t);
}

static void test_loop_limit_of_packets_is_kept(void **state)
{
	struct talk t;

	(void)state;
	set_up(&t, 1500, 0);
	/* The SYN; then the SYN-ACK; each side speaks in turn. */
	assert_int_equal(loop_run(t.loop, t.now, 1), 1);
	assert_int_equal(loop_step(t.loop, 0, t.now), 0);
	assert_int_equal(loop_step(t.loop, 1, t.now), 1);
	assert_int_equal(loop_step(t.loop, 0, t.now), 1);
	assert_int_equal(loop_run(t.loop, t.now, 100), 0);
	tear_down(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_loop_without_offload_carries_a_conversation),
		cmocka_unit_test(test_loop_with_offload_carries_it_in_fewer_packets),
		cmocka_unit_test(test_loop_tap_records_every_packet),
		cmocka_unit_test(test_loop_limit_of_packets_is_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
