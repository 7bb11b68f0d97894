/*
 * test_model.c - the model itself, held against the figures of RFC 9293 and sentences of 3.10.7
 * worked out by hand. Two models play the two peers of a figure; what one sends the other receives,
 * line by line, with the figure's numbers.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "grid.h"
#include "model.h"

static const struct model fresh = {.rcv_wnd = 1000};

static struct model_result feed(struct model *m, unsigned flags, uint32_t seq, uint32_t ack, uint32_t text)
{
	struct model_segment s = {.flags = flags, .seq = seq, .ack = ack, .text = text, .wnd = 1000};
	struct model_result r;

	model_arrives(m, &s, &r);
	return r;
}

static void expect_packet(const struct model_result *r, unsigned flags, uint32_t seq, uint32_t ack)
{
	assert_int_not_equal(r->reply, M_REPLY_NONE);
	assert_int_equal(r->packet.flags, flags);
	assert_int_equal(r->packet.seq, seq);
	if (flags & M_ACK)
		assert_int_equal(r->packet.ack, ack);
}

static void expect_silence(const struct model_result *r) { assert_int_equal(r->reply, M_REPLY_NONE); }

/* OPEN calls are not the model's work. */
static struct model listener(uint32_t iss)
{
	struct model m = fresh;

	m.state = M_LISTEN;
	m.next_iss = iss;
	return m;
}

static struct model caller(uint32_t iss)
{
	struct model m = fresh;

	m.state = M_SYN_SENT;
	m.iss = m.una = iss;
	m.nxt = iss + 1;
	return m;
}

/* "send 300, receive 100", nothing in flight. */
static struct model open_at(enum model_state state, uint32_t nxt, uint32_t rcv_nxt)
{
	struct model m = fresh;

	m.state = state;
	m.iss = nxt - 1;
	m.una = m.nxt = m.wl2 = nxt;
	m.irs = rcv_nxt - 1;
	m.rcv_nxt = m.wl1 = rcv_nxt;
	m.wnd = m.max_wnd = 1000;
	return m;
}

/* CLOSE: the FIN takes one number. */
static void close_send(struct model *m, enum model_state state)
{
	m->nxt++;
	m->state = state;
}

static void test_model_figure_6_handshake(void **state)
{
	struct model a = caller(100), b = listener(300);
	struct model_result r;

	(void)state;
	r = feed(&b, M_SYN, 100, 0, 0); /* line 2 */
	assert_int_equal(b.state, M_SYN_RECEIVED);
	expect_packet(&r, M_SYN | M_ACK, 300, 101);
	r = feed(&a, M_SYN | M_ACK, 300, 101, 0); /* line 3 */
	assert_int_equal(a.state, M_ESTABLISHED);
	assert_int_equal(r.events, M_EV_ESTABLISHED);
	expect_packet(&r, M_ACK, 101, 301); /* line 4 */
	r = feed(&b, M_ACK, 101, 301, 0);
	assert_int_equal(b.state, M_ESTABLISHED);
	expect_silence(&r);
	r = feed(&b, M_ACK, 101, 301, 10); /* line 5 */
	assert_int_equal(r.delivered, 10);
	expect_packet(&r, M_ACK, 301, 111);
}

static void test_model_figure_7_simultaneous_open(void **state)
{
	struct model a = caller(100), b = caller(300);
	struct model_result r;

	(void)state;
	r = feed(&a, M_SYN, 300, 0, 0); /* line 3 */
	assert_int_equal(a.state, M_SYN_RECEIVED);
	expect_packet(&r, M_SYN | M_ACK, 100, 301); /* line 5 */
	r = feed(&b, M_SYN, 100, 0, 0);             /* line 4 */
	assert_int_equal(b.state, M_SYN_RECEIVED);
	expect_packet(&r, M_SYN | M_ACK, 300, 101);
	feed(&a, M_SYN | M_ACK, 300, 101, 0); /* line 6 */
	assert_int_equal(a.state, M_ESTABLISHED);
	assert_int_equal(a.una, 101);
	feed(&b, M_SYN | M_ACK, 100, 301, 0); /* line 7 */
	assert_int_equal(b.state, M_ESTABLISHED);
}

static void test_model_figure_8_old_duplicate_syn(void **state)
{
	struct model a = caller(100), b = listener(300);
	struct model_result r;

	(void)state;
	r = feed(&b, M_SYN, 90, 0, 0); /* line 3 */
	expect_packet(&r, M_SYN | M_ACK, 300, 91);
	r = feed(&a, M_SYN | M_ACK, 300, 91, 0); /* line 4 */
	assert_int_equal(a.state, M_SYN_SENT);
	expect_packet(&r, M_RST, 91, 0); /* line 5 */
	r = feed(&b, M_RST, 91, 0, 0);
	assert_int_equal(b.state, M_LISTEN);
	assert_int_equal(r.events, 0);
	b.next_iss = 400;
	r = feed(&b, M_SYN, 100, 0, 0); /* line 6 */
	expect_packet(&r, M_SYN | M_ACK, 400, 101);
	r = feed(&a, M_SYN | M_ACK, 400, 101, 0); /* line 7 */
	expect_packet(&r, M_ACK, 101, 401);
	feed(&b, M_ACK, 101, 401, 0); /* line 8 */
	assert_int_equal(a.state, M_ESTABLISHED);
	assert_int_equal(b.state, M_ESTABLISHED);
}

static void test_model_figure_9_half_open_discovery(void **state)
{
	struct model a = caller(400), b = open_at(M_ESTABLISHED, 300, 100);
	struct model_result r;

	(void)state;
	r = feed(&b, M_SYN, 400, 0, 0); /* line 3 */
	expect_packet(&r, M_ACK, 300, 100);
	assert_int_equal(b.state, M_ESTABLISHED);
	r = feed(&a, M_ACK, 300, 100, 0); /* line 4 */
	expect_packet(&r, M_RST, 100, 0);
	assert_int_equal(a.state, M_SYN_SENT);
	r = feed(&b, M_RST, 100, 0, 0); /* line 5 */
	assert_int_equal(b.state, M_CLOSED);
	assert_int_equal(r.events, M_EV_RESET);
}

static void test_model_figure_10_active_side_discovers(void **state)
{
	struct model a = {.state = M_CLOSED}, b = open_at(M_ESTABLISHED, 310, 100);
	struct model_result r;

	(void)state;
	r = feed(&a, M_ACK, 300, 100, 10); /* line 2 */
	expect_packet(&r, M_RST, 100, 0);  /* line 3 */
	feed(&b, M_RST, 100, 0, 0);
	assert_int_equal(b.state, M_CLOSED);
}

static void test_model_figure_11_two_listeners(void **state)
{
	struct model a = listener(1), b = listener(700);
	struct model_result r;

	(void)state;
	r = feed(&b, M_SYN, 50, 0, 0); /* line 2 */
	expect_packet(&r, M_SYN | M_ACK, 700, 51);
	r = feed(&a, M_SYN | M_ACK, 700, 51, 0); /* line 3 */
	expect_packet(&r, M_RST, 51, 0);
	assert_int_equal(a.state, M_LISTEN);
	r = feed(&b, M_RST, 51, 0, 0); /* line 4 */
	assert_int_equal(b.state, M_LISTEN);
	expect_silence(&r);
}

static void test_model_figure_12_normal_close(void **state)
{
	struct model a = open_at(M_ESTABLISHED, 100, 300), b = open_at(M_ESTABLISHED, 300, 100);
	struct model_result r;

	(void)state;
	close_send(&a, M_FIN_WAIT_1);
	r = feed(&b, M_FIN | M_ACK, 100, 300, 0); /* line 2 */
	assert_int_equal(b.state, M_CLOSE_WAIT);
	assert_int_equal(r.events, M_EV_END);
	expect_packet(&r, M_ACK, 300, 101); /* line 3 */
	r = feed(&a, M_ACK, 300, 101, 0);
	assert_int_equal(a.state, M_FIN_WAIT_2);
	expect_silence(&r);
	close_send(&b, M_LAST_ACK); /* line 4 */
	r = feed(&a, M_FIN | M_ACK, 300, 101, 0);
	assert_int_equal(a.state, M_TIME_WAIT);
	expect_packet(&r, M_ACK, 101, 301); /* line 5 */
	r = feed(&b, M_ACK, 101, 301, 0);
	assert_int_equal(b.state, M_CLOSED);
	assert_int_equal(r.events, M_EV_GONE);
	expect_silence(&r);
	/* the last ACK is lost: the FIN again is acknowledged and begins 2 MSL anew */
	r = feed(&a, M_FIN | M_ACK, 300, 101, 0);
	assert_int_equal(a.state, M_TIME_WAIT);
	expect_packet(&r, M_ACK, 101, 301);
	assert_true(r.restart_2msl);
}

static void test_model_figure_13_simultaneous_close(void **state)
{
	struct model a = open_at(M_ESTABLISHED, 100, 300), b = open_at(M_ESTABLISHED, 300, 100);
	struct model_result r;

	(void)state;
	close_send(&a, M_FIN_WAIT_1);
	close_send(&b, M_FIN_WAIT_1); /* line 2 */
	r = feed(&a, M_FIN | M_ACK, 300, 100, 0);
	assert_int_equal(a.state, M_CLOSING);
	expect_packet(&r, M_ACK, 101, 301); /* line 3 */
	r = feed(&b, M_FIN | M_ACK, 100, 300, 0);
	assert_int_equal(b.state, M_CLOSING);
	expect_packet(&r, M_ACK, 301, 101);
	r = feed(&a, M_ACK, 301, 101, 0);
	assert_int_equal(a.state, M_TIME_WAIT); /* line 4 */
	expect_silence(&r);
	feed(&b, M_ACK, 101, 301, 0);
	assert_int_equal(b.state, M_TIME_WAIT);
}

static void test_model_figure_5_fin_that_acknowledges_fin_skips_closing(void **state)
{
	struct model a = open_at(M_ESTABLISHED, 100, 300);
	struct model_result r;

	(void)state;
	close_send(&a, M_FIN_WAIT_1);
	r = feed(&a, M_FIN | M_ACK, 300, 101, 0); /* note 2 of the figure */
	assert_int_equal(a.state, M_TIME_WAIT);
	expect_packet(&r, M_ACK, 101, 301);
}

static void test_model_figure_5_reset_of_syn_received_depends_on_origin(void **state)
{
	struct model passive = listener(300), active = caller(300);
	struct model_result r;

	(void)state;
	feed(&passive, M_SYN, 99, 0, 0);
	r = feed(&passive, M_RST, 100, 0, 0); /* note 3 */
	assert_int_equal(passive.state, M_LISTEN);
	assert_int_equal(r.events, 0);
	feed(&active, M_SYN, 99, 0, 0);
	r = feed(&active, M_RST, 100, 0, 0);
	assert_int_equal(active.state, M_CLOSED);
	assert_int_equal(r.events, M_EV_REFUSED);
}

/* Table 6, window 10 at RCV.NXT 100: a row is acceptable if it draws no acknowledgment of the first
 * step; an ACK of 299 with SND.UNA 300 changes nothing else. */
static void test_model_table_6_acceptability(void **state)
{
	static const struct {
		uint32_t wnd, seq, text;
		bool dropped;
	} rows[] = {
		{0, 100, 0, false}, {0, 101, 0, true}, {0, 98, 0, true}, {0, 101, 1, true},
		{10, 99, 0, true}, {10, 100, 0, false}, {10, 109, 0, false}, {10, 110, 0, true},
		{10, 99, 1, true}, {10, 99, 2, false}, {10, 100, 1, false}, {10, 109, 1, false},
		{10, 109, 2, false}, {10, 110, 1, true}, {10, 95, 6, false}, {10, 95, 5, true},
		{10, 90, 40, true} /* both edges, R-7 */
	};

	(void)state;
	for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct model m = open_at(M_ESTABLISHED, 300, 100);
		struct model_result r;

		m.rcv_wnd = rows[i].wnd;
		r = feed(&m, M_ACK, rows[i].seq, 299, rows[i].text);
		if (r.dropped != rows[i].dropped)
			fail_msg("row %u", i);
		if (r.dropped)
			expect_packet(&r, M_ACK, 300, 100);
	}
}

static void test_model_reset_is_believed_at_rcv_nxt_only(void **state)
{
	struct model m = open_at(M_ESTABLISHED, 300, 100);
	struct model_result r;

	(void)state;
	r = feed(&m, M_RST, 99, 0, 0);
	expect_silence(&r);
	r = feed(&m, M_RST, 1100, 0, 0);
	expect_silence(&r);
	r = feed(&m, M_RST, 90, 0, 20); /* its text overlaps, its own number does not */
	expect_silence(&r);
	r = feed(&m, M_RST, 101, 0, 0);
	expect_packet(&r, M_ACK, 300, 100);
	assert_true(r.challenge);
	r = feed(&m, M_RST, 102, 0, 0); /* within the 500 ms */
	expect_silence(&r);
	assert_true(r.suppressed);
	assert_int_equal(m.state, M_ESTABLISHED);
	r = feed(&m, M_RST, 100, 0, 20); /* SHLD-2: a RST with text is a RST */
	assert_int_equal(m.state, M_CLOSED);
	assert_int_equal(r.delivered, 0);
}

static void test_model_text_above_a_gap_is_held_until_it_is_filled(void **state)
{
	struct model m = open_at(M_ESTABLISHED, 300, 100);
	struct model_result r;

	(void)state;
	r = feed(&m, M_ACK, 110, 300, 10);
	assert_int_equal(r.held, 10);
	assert_int_equal(r.reply, M_REPLY_NOW);
	expect_packet(&r, M_ACK, 300, 100);
	r = feed(&m, M_ACK | M_FIN, 125, 300, 5);
	assert_int_equal(r.held, 5);
	assert_int_equal(r.events, 0);
	r = feed(&m, M_ACK, 95, 300, 20); /* old, new and known octets */
	assert_int_equal(r.delivered, 20);
	expect_packet(&r, M_ACK, 300, 120);
	r = feed(&m, M_ACK, 118, 300, 7);
	assert_int_equal(r.delivered, 10);
	assert_int_equal(r.events, M_EV_END);
	assert_int_equal(m.state, M_CLOSE_WAIT);
	expect_packet(&r, M_ACK, 300, 131);
}

static void test_model_right_edge_trims_text_and_fin(void **state)
{
	struct model m = open_at(M_ESTABLISHED, 300, 100);
	struct model_result r;

	(void)state;
	m.rcv_wnd = 8;
	r = feed(&m, M_ACK | M_FIN, 100, 300, 8); /* the FIN is the first number outside */
	assert_int_equal(r.delivered, 8);
	assert_int_equal(m.rcv_wnd, 0);
	assert_int_equal(m.state, M_ESTABLISHED);
	expect_packet(&r, M_ACK, 300, 108);
	r = feed(&m, M_ACK, 108, 301, 1); /* the window is closed: the ACK counts, here a bad one */
	expect_packet(&r, M_ACK, 300, 108);
	assert_int_equal(r.delivered, 0);
}

static void test_model_send_window_follows_wl1_and_wl2(void **state)
{
	struct model m = open_at(M_ESTABLISHED, 300, 100);
	struct model_segment s = {.flags = M_ACK, .seq = 100, .ack = 300, .wnd = 500};
	struct model_result r;

	(void)state;
	model_arrives(&m, &s, &r);
	assert_int_equal(m.wnd, 500);
	s.seq = 95;
	s.text = 10;
	s.wnd = 900; /* SND.WL1 > SEG.SEQ: an old segment */
	model_arrives(&m, &s, &r);
	assert_int_equal(r.delivered, 5);
	assert_int_equal(m.wnd, 500);
	s.seq = 105;
	s.ack = 299; /* SEG.ACK < SND.UNA: not looked at */
	model_arrives(&m, &s, &r);
	assert_int_equal(m.wnd, 500);
	assert_int_equal(m.max_wnd, 1000);
}

static void test_model_acknowledgment_range_of_rfc_5961(void **state)
{
	static const struct {
		uint32_t ack;
		bool taken;
	} rows[] = {{-701u, false}, {-700u, true}, {299, true}, {300, true}, {301, false},
		{0x80000000u, false}};

	(void)state;
	for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct model m = open_at(M_ESTABLISHED, 300, 100);
		struct model_result r = feed(&m, M_ACK, 100, rows[i].ack, 1);

		if ((r.delivered == 1) != rows[i].taken)
			fail_msg("row %u", i);
		expect_packet(&r, M_ACK, 300, rows[i].taken ? 101 : 100);
	}
}

static void test_model_syn_received_answers_bad_acknowledgments_with_reset(void **state)
{
	struct model m = listener(300);
	struct model_result r;

	(void)state;
	feed(&m, M_SYN, 99, 0, 0);
	r = feed(&m, M_ACK, 100, 302, 0); /* EV-25 */
	expect_packet(&r, M_RST, 302, 0);
	r = feed(&m, M_ACK, 100, 300, 0);
	expect_packet(&r, M_RST, 300, 0);
	assert_int_equal(m.state, M_SYN_RECEIVED);
	r = feed(&m, M_SYN, 99, 0, 0); /* EV-23, the same SYN */
	expect_packet(&r, M_SYN | M_ACK, 300, 100);
	r = feed(&m, M_SYN, 500, 0, 0); /* another one, in the window */
	expect_packet(&r, M_ACK, 301, 100);
	assert_true(r.challenge);
	assert_int_equal(m.state, M_SYN_RECEIVED);
	r = feed(&m, M_ACK | M_FIN, 100, 301, 5);
	assert_int_equal(m.state, M_CLOSE_WAIT);
	assert_int_equal(r.delivered, 5);
	assert_int_equal(r.events, M_EV_ESTABLISHED | M_EV_END);
	expect_packet(&r, M_ACK, 301, 106);
}

static void test_model_time_wait_gives_way_to_a_newer_syn_only(void **state)
{
	struct model m = open_at(M_TIME_WAIT, 300, 100), n;
	struct model_result r;

	(void)state;
	m.next_iss = 9000;
	n = m;
	r = feed(&n, M_SYN, 5000, 0, 0); /* nobody listens */
	expect_packet(&r, M_ACK, 300, 100);
	m.listener = true;
	n = m;
	r = feed(&n, M_SYN, 5000, 0, 0);
	expect_packet(&r, M_SYN | M_ACK, 9000, 5001);
	n = m;
	r = feed(&n, M_SYN, 98, 0, 0);
	expect_packet(&r, M_ACK, 300, 100);
	assert_int_equal(n.state, M_TIME_WAIT);
	r = feed(&n, M_RST, 100, 0, 0); /* EV-32 */
	expect_silence(&r);
	assert_int_equal(n.state, M_TIME_WAIT);
}

static void test_model_paws_discards_old_timestamps(void **state)
{
	struct model m = open_at(M_ESTABLISHED, 300, 100);
	struct model_segment s = {.flags = M_ACK, .seq = 100, .ack = 300, .text = 1, .has_ts = true,
		.tsval = 49};
	struct model_result r;

	(void)state;
	m.ts_on = true;
	m.ts_recent = 50;
	m.last_ack_sent = 100;
	model_arrives(&m, &s, &r);
	assert_int_equal(r.delivered, 0);
	expect_packet(&r, M_ACK, 300, 100);
	s.tsval = 51;
	model_arrives(&m, &s, &r);
	assert_int_equal(r.delivered, 1);
	assert_int_equal(m.ts_recent, 51);
	s.has_ts = false;
	s.seq = 101;
	model_arrives(&m, &s, &r);
	expect_silence(&r);
	s.flags = M_RST;
	model_arrives(&m, &s, &r); /* "MUST NOT be subjected to the PAWS check" */
	assert_int_equal(m.state, M_CLOSED);
}

static void test_model_closed_answers_as_3_10_7_1_says(void **state)
{
	struct model m = {.state = M_CLOSED};
	struct model_result r;

	(void)state;
	r = feed(&m, M_SYN, 1000, 5, 10);
	expect_packet(&r, M_RST | M_ACK, 0, 1011);
	r = feed(&m, M_FIN, 1000, 5, 0);
	expect_packet(&r, M_RST | M_ACK, 0, 1001);
	r = feed(&m, M_ACK, 1000, 5000, 0);
	expect_packet(&r, M_RST, 5000, 0);
	r = feed(&m, M_RST | M_ACK, 1000, 5000, 0);
	expect_silence(&r);
}

int grid_test_model(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_model_figure_6_handshake),
		cmocka_unit_test(test_model_figure_7_simultaneous_open),
		cmocka_unit_test(test_model_figure_8_old_duplicate_syn),
		cmocka_unit_test(test_model_figure_9_half_open_discovery),
		cmocka_unit_test(test_model_figure_10_active_side_discovers),
		cmocka_unit_test(test_model_figure_11_two_listeners),
		cmocka_unit_test(test_model_figure_12_normal_close),
		cmocka_unit_test(test_model_figure_13_simultaneous_close),
		cmocka_unit_test(test_model_figure_5_fin_that_acknowledges_fin_skips_closing),
		cmocka_unit_test(test_model_figure_5_reset_of_syn_received_depends_on_origin),
		cmocka_unit_test(test_model_table_6_acceptability),
		cmocka_unit_test(test_model_reset_is_believed_at_rcv_nxt_only),
		cmocka_unit_test(test_model_text_above_a_gap_is_held_until_it_is_filled),
		cmocka_unit_test(test_model_right_edge_trims_text_and_fin),
		cmocka_unit_test(test_model_send_window_follows_wl1_and_wl2),
		cmocka_unit_test(test_model_acknowledgment_range_of_rfc_5961),
		cmocka_unit_test(test_model_syn_received_answers_bad_acknowledgments_with_reset),
		cmocka_unit_test(test_model_time_wait_gives_way_to_a_newer_syn_only),
		cmocka_unit_test(test_model_paws_discards_old_timestamps),
		cmocka_unit_test(test_model_closed_answers_as_3_10_7_1_says),
	};

	return cmocka_run_group_tests_name("grid: the model", tests, NULL, NULL);
}
