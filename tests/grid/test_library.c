/*
 * test_library.c - the library answers every case of the grid as the model does.
 *
 * The whole grid runs over IPv4; IPv6, other places in the sequence space, timestamps and odd header
 * bits run over a part of the cases, chosen by a hash. Behind that come walks: several segments in a
 * row, so that a case begins where another has ended.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "compare.h"
#include "grid.h"

enum { GROUPS_SHOWN = 40, HIGH_BITS = 0xfc0 /* ECE, CWR and the four reserved bits */ };
static const uint64_t ms = 1000000, seconds = 1000000000;
static const struct driver_setup usual = {.irs = 2000000};

/* One run for each start and window; differences are printed and fail the test. */
static void run_all(const struct compare_run *like, enum case_start first)
{
	unsigned long cases = 0;
	long differ = 0;
	unsigned unreached = 0;

	for (enum case_start start = first; start < STARTS; start++) {
		for (enum case_wnd wnd = 0; wnd < WNDS; wnd++) {
			struct compare_run run = *like;
			long n;

			if (!case_wnd_exists(start, wnd))
				continue;
			run.setup.start = start;
			run.setup.wnd = wnd;
			n = compare_run(&run, &cases);
			if (n < 0)
				unreached++;
			else
				differ += n;
		}
	}
	compare_report(stdout, GROUPS_SHOWN);
	print_message("%lu cases, %ld differ, %u starts not reached\n", cases, differ, unreached);
	assert_true(cases > 0);
	assert_int_equal(differ, 0);
	assert_int_equal(unreached, 0);
}

static void test_grid_every_case_ends_as_the_model_says(void **state)
{
	const struct compare_run run = {.setup = usual, .every = 1};

	(void)state;
	run_all(&run, START_CLOSED);
}

static void test_grid_over_ipv6_ends_alike(void **state)
{
	struct compare_run run = {.setup = usual, .every = 16};

	(void)state;
	run.setup.v6 = true;
	run_all(&run, START_CLOSED);
}

/* EV-45: numbers that wrap inside the window, inside what is in flight, at the sign bit. */
static void test_grid_at_every_wrap_ends_alike(void **state)
{
	static const uint32_t numbers[][2] = {{0, 0xffffffff}, {0xffffffff, 0xffffffce},
		{0xfffffffe, 0xffffff9a}, {0xfffff000, 0x7fffffff}, {0x7fffffff, 0x7fffffce},
		{0xffffefff, 0x80000000}};

	(void)state;
	for (unsigned i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
		struct compare_run run = {.setup = usual, .every = 24};

		run.setup.irs = numbers[i][0];
		run.setup.iss = numbers[i][1];
		run_all(&run, START_SYN_SENT);
	}
}

static void test_grid_ignores_reserved_and_ecn_bits(void **state)
{
	const struct compare_run run = {.setup = usual, .every = 16, .high_flags = HIGH_BITS};

	(void)state;
	run_all(&run, START_CLOSED);
}

static void test_grid_with_timestamps_ends_as_rfc_7323_says(void **state)
{
	(void)state;
	for (enum case_ts ts = TS_NONE; ts < TSES; ts++) {
		struct compare_run run = {.setup = usual, .every = 12, .ts = ts};

		run.setup.timestamps = true;
		run_all(&run, START_SYN_RECEIVED);
	}
}

static void test_grid_time_wait_is_the_same_in_a_full_record(void **state)
{
	struct compare_run run = {.setup = usual, .every = 1};
	unsigned long cases = 0;
	long differ;

	(void)state;
	run.setup.start = START_TIME_WAIT;
	run.setup.full_record = true;
	differ = compare_run(&run, &cases);
	compare_report(stdout, GROUPS_SHOWN);
	assert_int_equal(differ, 0);
}

/* --- several segments -------------------------------------------------------------------------- */

static struct driver *at(enum case_start start)
{
	struct driver_setup setup = usual;
	struct driver *d;

	setup.start = start;
	d = driver_new(&setup);
	assert_non_null(d);
	return d;
}

static struct model_segment segment(unsigned flags, uint32_t seq, uint32_t ack, uint32_t text)
{
	struct model_segment s = {.flags = flags, .seq = seq, .ack = ack, .text = text, .wnd = 1000};

	return s;
}

/* DESIGN.md section 5: challenge ACKs 500 ms apart for each connection. */
static void test_grid_challenges_are_500_ms_apart(void **state)
{
	struct driver *d = at(START_ESTABLISHED);
	const struct model *m = driver_model(d);
	struct model_segment rst = segment(M_RST, m->rcv_nxt + 5, 0, 0);
	struct model_segment syn = segment(M_SYN, m->rcv_nxt, 0, 0);
	struct seen seen;

	(void)state;
	driver_feed(d, &rst, &seen);
	assert_int_equal(seen.packets, 1);
	driver_feed(d, &rst, &seen);
	assert_int_equal(seen.packets, 0);
	driver_feed(d, &syn, &seen);
	assert_int_equal(seen.packets, 0);
	driver_wait(d, 300 * ms);
	driver_feed(d, &syn, &seen);
	assert_int_equal(seen.packets, 0);
	driver_wait(d, 200 * ms);
	driver_feed(d, &syn, &seen);
	assert_int_equal(seen.packets, 1);
	driver_free(d);
}

/* the answer to a retransmission is never withheld. */
static void test_grid_old_text_is_acknowledged_each_time(void **state)
{
	struct driver *d = at(START_ESTABLISHED);
	const struct model *m = driver_model(d);
	struct model_segment old = segment(M_ACK, m->rcv_nxt - 1, m->una, 1);
	struct seen seen;

	(void)state;
	for (unsigned i = 0; i < 5; i++) {
		driver_feed(d, &old, &seen);
		assert_int_equal(seen.packets, 1);
	}
	driver_free(d);
}

/* EV-31, R-9: 2 MSL is 60 s. */
static void test_grid_fin_again_restarts_time_wait(void **state)
{
	struct driver *d = at(START_TIME_WAIT);
	const struct model *m = driver_model(d);
	struct model_segment fin = segment(M_ACK | M_FIN, m->rcv_nxt - 1, m->nxt, 0);
	struct model_segment rst = segment(M_RST, m->rcv_nxt, 0, 0);
	struct seen seen;

	(void)state;
	driver_wait(d, 50 * seconds);
	driver_feed(d, &fin, &seen);
	assert_int_equal(seen.packets, 1);
	driver_wait(d, 50 * seconds);
	assert_int_equal(driver_state(d), M_TIME_WAIT);
	driver_feed(d, &rst, &seen); /* and a RST shortens nothing (RFC 1337) */
	assert_int_equal(driver_state(d), M_TIME_WAIT);
	driver_wait(d, 11 * seconds);
	assert_int_not_equal(driver_state(d), M_TIME_WAIT);
	driver_free(d);
}

/* --- walks ------------------------------------------------------------------------------------- */

struct walk_random {
	uint64_t x;
};

static unsigned below(struct walk_random *random, unsigned n)
{
	random->x ^= random->x << 13;
	random->x ^= random->x >> 7;
	random->x ^= random->x << 17;
	return (unsigned)((random->x >> 20) % n);
}

/* Places that keep a connection alive are more frequent, or every walk would be short. */
static struct grid_case random_case(struct walk_random *random, enum case_start start)
{
	struct grid_case c = {.start = start};

	c.seq = below(random, 2) ? SEQ_NXT : (enum case_seq)below(random, SEQS);
	c.ack = below(random, 2) ? ACK_NXT : (enum case_ack)below(random, ACKS);
	c.text = (enum case_text)below(random, TEXTS);
	if (c.text % 2 == 0 && c.text && below(random, 4))
		c.text = TEXT_10;
	if (below(random, 12) == 0)
		c.flags |= M_RST;
	if (below(random, 8) == 0)
		c.flags |= M_SYN;
	if (below(random, 8) == 0)
		c.flags |= M_URG;
	return c;
}

static bool walk(struct driver *d, struct walk_random *random, unsigned number)
{
	struct model m = *driver_model(d);
	char trail[2000] = "", why[400];

	driver_rewind(d);
	for (unsigned step = 0; step < 6 && m.state != M_CLOSED; step++) {
		struct grid_case c = random_case(random, START_ESTABLISHED);
		struct model_segment s = case_segment(&m, &c);
		enum model_state before = m.state;
		bool same = compare_one(d, &m, &s, why, sizeof why);

		snprintf(trail + strlen(trail), sizeof trail - strlen(trail),
			"    %s: flags %02x SEQ %s ACK %s text %s\n", model_state_name(before), s.flags,
			case_seq_name(c.seq), case_ack_name(c.ack), case_text_name(c.text));
		if (!same) {
			print_error("walk %u: %s\n%s", number, why, trail);
			return false;
		}
		if (before == M_TIME_WAIT && m.state == M_SYN_RECEIVED)
			return true; /* two records from here on */
	}
	if (!driver_text_is_right(d, m.irs + 1)) {
		print_error("walk %u: wrong octets\n%s", number, trail);
		return false;
	}
	return true;
}

static void test_grid_walks_stay_together(void **state)
{
	struct walk_random random = {0x9293};
	unsigned differ = 0;

	(void)state;
	for (enum case_start start = START_LISTEN; start < STARTS; start++) {
		struct driver *d = at(start);

		for (unsigned i = 0; i < 1500 && differ < 10; i++)
			differ += !walk(d, &random, i);
		driver_free(d);
	}
	assert_int_equal(differ, 0);
}

int grid_test_library(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_grid_every_case_ends_as_the_model_says),
		cmocka_unit_test(test_grid_over_ipv6_ends_alike),
		cmocka_unit_test(test_grid_at_every_wrap_ends_alike),
		cmocka_unit_test(test_grid_ignores_reserved_and_ecn_bits),
		cmocka_unit_test(test_grid_with_timestamps_ends_as_rfc_7323_says),
		cmocka_unit_test(test_grid_time_wait_is_the_same_in_a_full_record),
		cmocka_unit_test(test_grid_challenges_are_500_ms_apart),
		cmocka_unit_test(test_grid_old_text_is_acknowledged_each_time),
		cmocka_unit_test(test_grid_fin_again_restarts_time_wait),
		cmocka_unit_test(test_grid_walks_stay_together),
	};

	return cmocka_run_group_tests_name("grid: the library", tests, NULL, NULL);
}
