/*
 * test_stack_config.c - the memory of a stack: sizes and limits, what init touches, that a copy behaves
 * as the original, that what can be given back can be; and what tv_info, tv_next, tv_counters and
 * tv_steer tell.
 */
#include "lab.h"

#include <sys/mman.h>
#include <unistd.h>

#include "stack/ports.h"
#include "wire/icmp.h"

static void spoil(struct tv_config *g, unsigned i)
{
	switch (i) {
	case 0: g->size--; break;
	case 1: g->connections = 0; break;
	case 2: g->connections = (1u << 26) + 1; break;
	case 3: g->half_opens = (1u << 26) + 1; break;
	case 4: g->time_waits = (1u << 26) + 1; break;
	case 5: g->busy = g->connections + 1; break;
	case 6: g->listeners = 0; break;
	case 7: g->listeners = 4097; break;
	case 8: g->links = 0; break;
	case 9: g->links = 64; break;
	case 10: g->addresses = 0; break;
	case 11: g->pages = 1; break;
	case 12: g->ranges = 0; break;
	case 13: g->ranges_each = 1; break;
	case 14: g->replies = 3; break;
	case 15: g->replies = 1; break;
	case 16: g->timer_budget = 0; break;
	case 17: g->rto_min = 0; break;
	case 18: g->rto_min = g->rto_first + 1; break;
	case 19: g->rto_first = g->rto_max + 1; break;
	case 20: g->delayed_ack = 500 * TV_MS + 1; break; /* [MUST-40] */
	case 21: g->port_first = 0; break;
	case 22: g->port_first = g->port_last, g->port_last--; break;
	case 23: g->stack_count = 0; break;
	case 24: g->stack_number = 1; break;
	case 25: g->initial_window = 0; break;
	case 26: g->r1 = 0; break;
	case 27: g->defaults.rcv_buf = 1023; break;
	case 28: g->defaults.keepalive_idle = 0; break;
	case 31: g->defaults.rcv_buf_max = (1u << 30) + 1; break;
	case 29: g->two_msl = 64801 * TV_S; break;
	case 30: g->question_timeout = 64801 * TV_S; break;
	default: g->defaults.fin_wait_2 = 64801 * TV_S; break;
	}
}

static void test_config_impossible_is_refused(void **state)
{
	struct tv_config g;
	struct tv_stack *s;
	void *region;
	size_t n;

	(void)state;
	lab_config(&g);
	n = tv_stack_size(&g);
	region = aligned_alloc(4096, n);
	assert_non_null(region);
	memset(region, 0, n);
	for (unsigned i = 0; i < 33; i++) {
		lab_config(&g);
		spoil(&g, i);
		if (tv_stack_size(&g) != 0)
			fail_msg("case %u has a size", i);
		assert_int_equal(tv_stack_init(region, n, &g, 0, &s), TV_EINVAL);
	}
	lab_config(&g);
	g.delayed_ack = 500 * TV_MS; /* [MUST-40] the most that is allowed */
	g.defaults.rcv_buf = g.defaults.snd_buf = g.defaults.rcv_buf_max = 1u << 30; /* as large as trivet.h says */
	assert_true(tv_stack_size(&g) != 0);
	lab_config(&g);
	assert_int_equal(tv_stack_init(region, n - 1, &g, 0, &s), TV_EINVAL);
	assert_int_equal(tv_stack_init((uint8_t *)region + 8, n, &g, 0, &s), TV_EINVAL);
	memset(g.secret, 0, sizeof g.secret); /* ID-02: never a fixed key instead [MUST-9] */
	assert_int_equal(tv_stack_init(region, n, &g, 0, &s), TV_ESECRET);
	g.secret[31] = 1;
	assert_int_equal(tv_stack_init(region, n, &g, 0, &s), TV_OK);
	free(region);
}

/* [SHLD-10] [SHLD-11] [MUST-25] [MUST-28] [MUST-49]: the defaults are what the rules ask for. */
static void test_config_defaults_are_within_the_rules(void **state)
{
	struct tv_config g;

	(void)state;
	tv_config_default(&g);
	assert_true(g.r1 >= 3);
	assert_true(g.defaults.user_timeout >= 100 * TV_S);
	assert_false(g.defaults.keepalive);
	assert_false(g.defaults.keepalive_octet);
	assert_true(g.defaults.keepalive_idle >= 7200 * TV_S);
	assert_true(g.delayed_ack < 500 * TV_MS);
	assert_int_equal(g.defaults.ttl, 64);
	assert_int_equal(g.defaults.dscp, 0);
	assert_true(g.defaults.soft_errors);
	assert_true(g.two_msl == 60 * TV_S);
	for (unsigned i = 0; i < 32; i++)
		assert_int_equal(g.secret[i], 0);
}

/* Pages of a region that have been touched. */
static size_t touched(uint8_t *region, size_t bytes)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), pages = (bytes + page - 1) / page, n = 0;
	unsigned char *resident = malloc(pages);

	assert_non_null(resident);
	assert_int_equal(mincore(region, bytes, resident), 0);
	for (size_t i = 0; i < pages; i++)
		n += resident[i] & 1;
	free(resident);
	return n;
}

/* Init touches as many pages of a stack for a million connections as of one for a thousand. */
static void test_config_init_touches_a_constant_number_of_pages(void **state)
{
	size_t pages[2];

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct tv_config g;
		struct tv_stack *s;
		uint8_t *region;
		size_t n;

		lab_config(&g);
		g.connections = g.time_waits = g.half_opens = i == 0 ? 1000 : 1000000;
		g.pages = g.small_pages = g.ranges = g.connections;
		n = tv_stack_size(&g);
		region = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		assert_true(region != MAP_FAILED);
		madvise(region, n, MADV_NOHUGEPAGE);
		assert_int_equal(tv_stack_init(region, n, &g, TV_S, &s), TV_OK);
		pages[i] = touched(region, n);
		munmap(region, n);
	}
	assert_in_range(pages[1], 0, 32);
	assert_in_range(pages[1], 0, pages[0] + 4);
}

/* A little of everything, the same for both. */
static void exercise(struct lab *l, unsigned rounds)
{
	for (unsigned i = 0; i < rounds; i++) {
		uint32_t from;

		l->port = 80;
		l->seq = 5000 + i;
		l->peer_port = (uint16_t)(20000 + l->tsval++); /* never twice the same */
		lab_passive(l);
		from = l->seq;
		SAY(l, .flags = TV_ACK, .off = 3000, .len = 1000);
		SAY(l, .flags = TV_ACK, .len = 1460);
		lab_send(l, 5000, 0);
		lab_wait(l, 300 * TV_MS);
		l->ack += 5000;
		SAY(l, .flags = TV_ACK);
		lab_read(l, &from);
		if (i % 3 == 0)
			tv_abort(l->s, l->now, l->conn);
		else
			tv_close(l->s, l->now, l->conn);
		if (i % 2 == 0)
			tv_release(l->s, l->now, l->conn);
		lab_hear(l);
		lab_syn_sent(l);
		lab_wait(l, TV_S);
	}
}

/* DESIGN rule 2, 6: no pointer in the region; a copy of the bytes goes on exactly as the original. */
static void test_config_region_copied_goes_on_alike(void **state)
{
	struct lab *a = lab_new(NULL, false), copy;
	void *other;

	(void)state;
	exercise(a, 7);
	copy = *a;
	for (unsigned i = 0; i < HEARD_MAX; i++) {
		copy.heard[i].bytes = malloc(PACKET_ROOM);
		assert_non_null(copy.heard[i].bytes);
	}
	other = aligned_alloc(4096, a->bytes);
	assert_non_null(other);
	memcpy(other, a->region, a->bytes);
	copy.region = other;
	copy.s = other;
	for (unsigned i = 0; i < 5; i++) {
		exercise(a, 1 + i);
		exercise(&copy, 1 + i);
		assert_int_equal(a->count, copy.count);
		for (unsigned k = 0; k < a->count; k++) {
			assert_int_equal(a->heard[k].len, copy.heard[k].len);
			assert_memory_equal(a->heard[k].bytes, copy.heard[k].bytes, a->heard[k].len);
		}
		assert_memory_equal(a->region, copy.region, a->bytes);
	}
	for (unsigned i = 0; i < HEARD_MAX; i++)
		free(copy.heard[i].bytes);
	free(other);
	lab_free(a);
}

/* Zeroes all that can be given back; returns how much. */
static size_t give_back(struct lab *l)
{
	size_t given = 0, bytes;
	void *start;

	for (unsigned i = 0; tv_reclaimable(l->s, i, &start, &bytes); i++) {
		assert_true((uint8_t *)start >= (uint8_t *)l->region &&
		            (uint8_t *)start + bytes <= (uint8_t *)l->region + l->bytes);
		memset(start, 0, bytes);
		given += bytes;
		assert_int_equal(tv_stack_check(l->s), 0);
	}
	return given;
}

/* What holds nothing is listed, may become zero, and the stack does not notice. */
static void test_config_reclaimable_ranges_may_be_zeroed(void **state)
{
	struct tv_config g;
	struct lab *l;
	void *start;
	size_t bytes;

	(void)state;
	lab_config(&g);
	g.connections = 500;
	g.half_opens = g.time_waits = 500;
	l = lab_new(&g, false);
	assert_false(tv_reclaimable(l->s, 0, &start, &bytes)); /* nothing was ever used */
	exercise(l, 120);
	for (uint64_t cursor = 0;;) {
		struct tv_info info = {.size = sizeof info};
		tv_handle h;

		if (!tv_next(l->s, &cursor, &h, &info))
			break;
		if (h != 0 && h != l->listener) {
			tv_abort(l->s, l->now, h);
			tv_release(l->s, l->now, h);
		}
	}
	lab_wait(l, 1100 * TV_S); /* those that nobody holds give up */
	assert_int_equal(lab_counters(l).connections + lab_counters(l).time_waits, 0);
	assert_true(give_back(l) >= 100000);
	exercise(l, 30);
	assert_int_equal(lab_info(l).state, TV_SYN_SENT);
	lab_free(l);
}

/* The timers of what has just ended are still to come: its memory is offered when they have. */
static void test_config_reclaimable_when_timers_have_fired(void **state)
{
	struct lab *l = lab_new(NULL, false);
	size_t at_once, later;

	(void)state;
	for (unsigned i = 0; i < 64; i++) {
		l->peer_port++;
		lab_syn_sent(l);
	}
	for (uint64_t cursor = 0;;) {
		struct tv_info info = {.size = sizeof info};
		tv_handle h;

		if (!tv_next(l->s, &cursor, &h, &info))
			break;
		tv_abort(l->s, l->now, h);
		tv_release(l->s, l->now, h);
	}
	assert_int_equal(lab_counters(l).connections, 0);
	at_once = give_back(l);
	lab_wait(l, 2 * TV_S);
	later = give_back(l);
	assert_true(later >= at_once + 48 * 256); /* of 64 records those that fill whole pages */
	lab_free(l);
}

/* [MUST-33] and STATUS: each field after a little of everything. */
static void test_config_info_tells_what_happened(void **state)
{
	struct lab *l = lab_new(NULL, true);
	struct tv_info i;

	(void)state;
	l->syn.has |= TV_OPT_HAS_WSCALE | TV_OPT_HAS_SACK_OK;
	l->syn.wscale = 2;
	l->syn.mss = 1300;
	l->opts.nodelay = true;
	lab_active(l);
	lab_set(l, TV_OPT_SIDE, 1);
	SAY(l, .flags = TV_ACK, .len = 100);
	SAY(l, .flags = TV_ACK, .off = -50, .len = 50, .stay = true); /* a duplicate */
	SAY(l, .flags = TV_ACK, .off = 200, .len = 300);              /* out of order */
	lab_send(l, 3000, 0);
	SAY(l, .flags = TV_ACK, .ack_off = 1300);
	lab_wait(l, 10 * TV_MS);
	SAY(l, .flags = TV_SYN, .off = 77);
	i = lab_info(l);
	assert_int_equal(i.size, sizeof i);
	assert_int_equal(i.state, TV_ESTABLISHED);
	assert_memory_equal(&i.local.addr, &l->us, 16);
	assert_memory_equal(&i.remote.addr, &l->peer, 16);
	assert_int_equal(i.local.port, l->port);
	assert_int_equal(i.remote.port, l->peer_port);
	assert_true(i.active_open && i.has_side && i.sack && i.window_scale && !i.timestamps && !i.released);
	assert_int_equal(i.snd_scale, 2);
	assert_int_equal(i.rcv_scale, 5);
	assert_int_equal(i.iss, l->ack - 1);
	assert_int_equal(i.irs, l->seq - 101);
	assert_int_equal(i.snd_una, l->ack + 1300);
	assert_int_equal(i.snd_nxt, l->ack + 3000);
	assert_int_equal(i.bytes_in_flight, 1700);
	assert_int_equal(i.bytes_queued, 1700);
	assert_int_equal(i.snd_wnd, 65535u << 2);
	assert_int_equal(i.snd_max_wnd, 65535u << 2);
	assert_int_equal(i.rcv_nxt, l->seq);
	assert_int_equal(i.bytes_unread, 100);
	assert_int_equal(i.bytes_out_of_order, 300);
	assert_int_equal(i.mss_peer, 1300);
	assert_int_equal(i.mss_snd, 1300);
	assert_int_equal(i.mss_rcv, 1440);
	assert_int_equal(i.pmtu, 1500);
	assert_int_equal(i.bytes_sent, 3000);
	assert_int_equal(i.bytes_acked, 1300);
	assert_int_equal(i.bytes_received, 100);
	assert_int_equal(i.data_segs_out, 3);
	assert_int_equal(i.data_segs_in, 3);
	assert_int_equal(i.segs_in, 5);
	assert_int_equal(i.duplicate_segs, 1);
	assert_int_equal(i.out_of_order_segs, 1);
	assert_int_equal(i.challenge_acks, 1);
	assert_true(i.last_received <= l->now && i.last_received + 20 * TV_MS > l->now);
	assert_true(i.timer > l->now && i.timer <= l->now + 200 * TV_MS);
	assert_int_equal(i.user, 9);
	lab_free(l);
}

/* Over everything once, with or without a handle. */
static void test_config_next_visits_everything_once(void **state)
{
	struct lab *l = lab_new(NULL, false);
	unsigned seen[TV_STATE_COUNT] = {0}, handles = 0, all = 0;
	uint64_t cursor = 0;
	struct tv_info info = {.size = sizeof info};
	struct tv_listen_config g;
	tv_handle h;

	(void)state;
	lab_state(l, TV_TIME_WAIT);
	tv_release(l->s, l->now, l->conn);
	l->peer_port++;
	lab_state(l, TV_CLOSE_WAIT);
	l->port = 80;
	l->peer_port++;
	lab_passive(l);
	l->peer_port++;
	SAY(l, .flags = TV_SYN); /* half-open */
	tv_listen_default(&g);
	g.port_first = g.port_last = 81;
	g.hold = true;
	assert_int_equal(tv_listen(l->s, l->now, &g, &h), TV_OK);
	l->port = 81;
	SAY(l, .flags = TV_SYN); /* a question */
	while (tv_next(l->s, &cursor, &h, &info)) {
		struct tv_info again = {.size = sizeof again};

		all++;
		seen[info.state]++;
		handles += h != 0;
		if (h != 0) {
			assert_int_equal(tv_info(l->s, h, &again), TV_OK);
			assert_memory_equal(&again, &info, sizeof info);
		}
		if (info.state == TV_TIME_WAIT)
			assert_true(info.released && info.reason == TV_R_NORMAL && info.timer > l->now);
	}
	assert_int_equal(all, 7);
	assert_int_equal(handles, 5);
	assert_int_equal(seen[TV_LISTEN], 2);
	assert_int_equal(seen[TV_CLOSE_WAIT], 1);
	assert_int_equal(seen[TV_ESTABLISHED], 1);
	assert_int_equal(seen[TV_SYN_RECEIVED], 2);
	assert_int_equal(seen[TV_TIME_WAIT], 1);
	assert_int_equal(lab_counters(l).connections, 2);
	assert_int_equal(lab_counters(l).half_opens, 2);
	assert_int_equal(lab_counters(l).time_waits, 1);
	assert_int_equal(lab_counters(l).listeners, 2);
	lab_free(l);
}

/* A caller that was compiled with a smaller or a larger structure gets what both know, not a byte more. */
static void test_config_sizes_are_the_callers(void **state)
{
	struct { struct tv_info info; uint8_t more[16]; } large;
	struct tv_info whole = {.size = sizeof whole}, small;
	struct tv_counters counters, all;
	struct lab *l = lab_new(NULL, false);
	uint64_t cursor = 0;
	tv_handle h;

	(void)state;
	lab_passive(l);
	assert_int_equal(tv_info(l->s, l->conn, &whole), TV_OK);
	memset(&small, 0xa5, sizeof small);
	small.size = offsetof(struct tv_info, rcv_nxt);
	assert_int_equal(tv_info(l->s, l->conn, &small), TV_OK);
	assert_int_equal(small.snd_nxt, whole.snd_nxt);
	assert_int_equal(small.rcv_nxt, 0xa5a5a5a5);
	memset(&large, 0xa5, sizeof large);
	large.info.size = sizeof large;
	assert_int_equal(tv_info(l->s, l->conn, &large.info), TV_OK);
	assert_int_equal(large.info.size, sizeof large);
	assert_int_equal(large.more[0] | large.more[15], 0);
	small.size = 0;
	assert_int_equal(tv_info(l->s, l->conn, &small), TV_EINVAL);
	assert_false(tv_next(l->s, &cursor, &h, &small));
	all.size = sizeof all;
	tv_counters(l->s, &all);
	memset(&counters, 0xa5, sizeof counters);
	counters.size = offsetof(struct tv_counters, packets_out);
	tv_counters(l->s, &counters);
	assert_int_equal(counters.packets_in, all.packets_in);
	assert_int_equal(counters.packets_out, 0xa5a5a5a5a5a5a5a5);
	lab_free(l);
}

static void test_config_counters_count(void **state)
{
	struct lab *l = lab_new(NULL, false);
	struct tv_counters c;

	(void)state;
	lab_passive(l);
	SAY(l, .flags = TV_ACK, .len = 10);
	SAY(l, .flags = TV_RST);
	c = lab_counters(l);
	assert_int_equal(c.size, sizeof c);
	assert_int_equal(c.packets_in, 4);
	assert_int_equal(c.segments_in, 4);
	assert_int_equal(c.packets_out, 2);
	assert_int_equal(c.segments_out, 2);
	assert_int_equal(c.bytes_in, 44 + 40 + 50 + 40);
	assert_int_equal(c.bytes_out, 44 + 40);
	assert_int_equal(c.passive_opens, 1);
	assert_int_equal(c.active_opens, 0);
	assert_int_equal(c.established, 1);
	assert_int_equal(c.resets_in, 1);
	assert_int_equal(c.verdicts[TV_V_OK], 4);
	assert_int_equal(c.reasons[TV_R_RESET], 1);
	assert_int_equal(c.attempts_failed, 0);
	lab_free(l);
}

/* [MUST-54]: both directions of a tuple, and an ICMP error that quotes it, go to the same stack. */
static void test_config_steer_is_symmetric_and_follows_quotes(void **state)
{
	static const uint8_t key[16] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
	unsigned hits[5] = {0};

	(void)state;
	for (unsigned v6 = 0; v6 < 2; v6++) {
		struct lab *l = lab_new(NULL, v6 != 0);

		for (unsigned i = 0; i < 1000; i++) {
			struct tv_icmp_error e = {.type = v6 != 0 ? 1 : 3, .code = 1, .ttl = 64};
			uint8_t there[100], back[100], error[300];
			uint32_t n, home;

			l->peer_port = (uint16_t)(1 + i * 61);
			n = lab_build(l, &(struct say){.flags = TV_ACK}, there);
			home = tv_steer(there, n, key, 5);
			hits[home]++;
			e.src = l->us;
			e.dst = l->peer;
			e.quoted = there;
			e.quoted_len = n;
			assert_int_equal(tv_steer(error, tv_icmp_build_error(error, sizeof error, &e), key, 5), home);
			memcpy(back, there, n);
			for (unsigned k = 0; k < (v6 != 0 ? 16u : 4u); k++) {
				unsigned at = v6 != 0 ? 8 : 12, gap = v6 != 0 ? 16 : 4;

				back[at + k] = there[at + gap + k];
				back[at + gap + k] = there[at + k];
			}
			memcpy(back + (v6 != 0 ? 40 : 20), there + (v6 != 0 ? 42 : 22), 2);
			memcpy(back + (v6 != 0 ? 42 : 22), there + (v6 != 0 ? 40 : 20), 2);
			assert_int_equal(tv_steer(back, n, key, 5), home);
			assert_int_equal(tv_steer(there, n, key, 1), 0);
			assert_int_equal(tv_steer(there, 10, key, 5), 0);
		}
		lab_free(l);
	}
	for (unsigned i = 0; i < 5; i++)
		assert_in_range(hits[i], 320, 480);
}

/* An active open of a farm's member takes only ports whose answers come home. */
static void test_config_farm_ports_steer_home(void **state)
{
	struct tv_config g;

	(void)state;
	for (uint32_t number = 0; number < 3; number++) {
		struct lab *l;

		lab_config(&g);
		g.stack_count = 3;
		g.stack_number = number;
		g.steer_key[3] = 9;
		l = lab_new(&g, number == 1);
		for (unsigned i = 0; i < 20; i++) {
			lab_syn_sent(l);
			assert_int_equal(tv_steer(l->heard[0].bytes, l->heard[0].len, g.steer_key, 3), number);
		}
		lab_free(l);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_config_impossible_is_refused),
		cmocka_unit_test(test_config_defaults_are_within_the_rules),
		cmocka_unit_test(test_config_init_touches_a_constant_number_of_pages),
		cmocka_unit_test(test_config_region_copied_goes_on_alike),
		cmocka_unit_test(test_config_reclaimable_ranges_may_be_zeroed),
		cmocka_unit_test(test_config_reclaimable_when_timers_have_fired),
		cmocka_unit_test(test_config_info_tells_what_happened),
		cmocka_unit_test(test_config_next_visits_everything_once),
		cmocka_unit_test(test_config_counters_count),
		cmocka_unit_test(test_config_sizes_are_the_callers),
		cmocka_unit_test(test_config_steer_is_symmetric_and_follows_quotes),
		cmocka_unit_test(test_config_farm_ports_steer_home),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
