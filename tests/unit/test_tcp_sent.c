/* test_tcp_sent.c - equality: when a number of what is sent, or in flight, is exactly at its bound. */
#include "lab.h"

#include "stack/handles.h"
#include "wire/icmp.h"

static struct tv_busy *busy_of(struct lab *l)
{
	return tv_busy(&l->s->core, tv_handle_conn(l->s, l->conn));
}

/* What leaves at one moment is one piece; at the limit the last piece grows. */
static void test_sent_pieces_in_flight_are_few(void **state)
{
	struct tv_config g;
	struct lab *l;

	(void)state;
	lab_config(&g);
	g.ranges_each = 2;
	l = lab_new(&g, false);
	l->syn.has |= TV_OPT_HAS_SACK_OK;
	l->opts.nodelay = true;
	lab_active(l);
	lab_send(l, 5000, 0);
	assert_true(l->count >= 4);
	assert_int_equal(busy_of(l)->flight.count, 1);
	for (unsigned i = 0; i < 3; i++) {
		l->now += TV_MS;
		lab_send(l, 100, 0);
		assert_int_equal(l->count, 1);
		assert_int_equal(lab_last(l)->len, 100);
		assert_int_equal(busy_of(l)->flight.count, 2);
	}
	lab_free(l);
}

/* At the limit a piece that was SACKed cannot grow: what follows it waits until there is room. */
static void test_sent_pieces_at_their_limit_new_text_waits(void **state)
{
	struct tv_tcp_options o = {.has = TV_OPT_HAS_SACK, .sack_count = 1};
	struct tv_config g;
	struct lab *l;

	(void)state;
	lab_config(&g);
	g.ranges_each = 2;
	l = lab_new(&g, false);
	l->syn.has |= TV_OPT_HAS_SACK_OK;
	l->opts.nodelay = true;
	lab_active(l);
	for (unsigned i = 0; i < 2; i++) {
		l->now += TV_MS;
		lab_send(l, 100, 0);
	}
	o.sack[0].left = l->ack + 100, o.sack[0].right = l->ack + 200;
	SAY(l, .flags = TV_ACK, .opt = &o);
	l->now += TV_MS;
	lab_send(l, 100, 0);
	assert_int_equal(l->count, 0);
	assert_int_equal(busy_of(l)->flight.count, 2);
	assert_int_equal(lab_counters(l).range_failures, 1);
	l->ack += 100;
	SAY(l, .flags = TV_ACK);
	assert_int_equal(lab_last(l)->len, 100);
	lab_free(l);
}

/* No piece left to remember what is sent: it is not sent; when one is there again, it is. */
static void test_sent_no_range_left_nothing_is_sent(void **state)
{
	struct tv_config g;
	struct lab *l;
	struct tv_tcb *t;

	(void)state;
	lab_config(&g);
	g.ranges = 1;
	l = lab_new(&g, false);
	lab_active(l);
	SAY(l, .flags = TV_ACK, .off = 100, .len = 100);
	lab_send(l, 100, 0);
	for (unsigned i = 0; i < l->count; i++)
		assert_int_equal(l->heard[i].seg.len, 0);
	SAY(l, .flags = TV_ACK, .len = 100);
	lab_wait(l, 500 * TV_MS);
	assert_int_equal(lab_last(l)->len, 100);
	t = tv_handle_conn(l->s, l->conn);
	tv_rtx_lose_all(&l->s->core, t); /* the last piece has a mark: it cannot grow */
	assert_false(tv_rtx_sent(&l->s->core, t, t->snd.nxt, 10));
	assert_true(lab_counters(l).range_failures >= 1);
	lab_free(l);
}

/* SACKed neighbours become one piece; a block from SND.UNA on (behind an old ACK) is possible. */
static void test_sent_sacked_neighbours_join(void **state)
{
	struct lab *l = lab_new(NULL, false);
	struct tv_tcp_options o = {.has = TV_OPT_HAS_SACK, .sack_count = 1};
	uint32_t una;

	(void)state;
	l->syn.mss = 1000;
	l->syn.has |= TV_OPT_HAS_SACK_OK;
	lab_active(l);
	lab_send(l, 8000, 0);
	l->ack += 1000;
	SAY(l, .flags = TV_ACK);
	una = l->ack;
	for (uint32_t i = 1; i <= 2; i++) {
		o.sack[0].left = una + i * 1000;
		o.sack[0].right = una + i * 1000 + 1000;
		SAY(l, .flags = TV_ACK, .opt = &o);
		assert_int_equal(busy_of(l)->sacked, i * 1000);
		assert_int_equal(busy_of(l)->flight.count, 3);
	}
	o.sack[0].left = una;
	o.sack[0].right = una + 500;
	SAY(l, .flags = TV_ACK, .ack_off = -1000, .opt = &o);
	assert_int_equal(busy_of(l)->sacked, 2500);
	o.sack[0].left = lab_info(l).snd_nxt - 300; /* up to SND.NXT exactly */
	o.sack[0].right = lab_info(l).snd_nxt;
	SAY(l, .flags = TV_ACK, .opt = &o);
	assert_int_equal(busy_of(l)->sacked, 2800);
	o.sack[0].right++;
	o.sack[0].left -= 300;
	SAY(l, .flags = TV_ACK, .opt = &o);
	assert_int_equal(busy_of(l)->sacked, 2800);
	lab_free(l);
}

/* RFC 6675 4: more than two segments' worth above, not two; RFC 2883: the same right end is inside. */
static void test_sent_lost_and_dsack_at_equality(void **state)
{
	struct lab *l = lab_new(NULL, false);
	struct tv_tcp_options o = {.has = TV_OPT_HAS_SACK, .sack_count = 2};
	uint32_t una;

	(void)state;
	l->syn.mss = 1000;
	l->syn.has |= TV_OPT_HAS_SACK_OK;
	lab_active(l);
	lab_send(l, 8000, 0);
	una = l->ack;
	o.sack[0].left = una + 3000, o.sack[0].right = una + 5000;
	o.sack[1].left = una + 1000, o.sack[1].right = una + 2000;
	SAY(l, .flags = TV_ACK, .opt = &o);
	assert_int_equal(lab_counters(l).retransmissions, 1); /* the first; the second has but two above */
	assert_int_equal(busy_of(l)->lost + busy_of(l)->again, 1000);
	o.sack[0].left = una + 4000, o.sack[0].right = una + 5000;
	o.sack[1].left = una + 3000, o.sack[1].right = una + 5000;
	SAY(l, .flags = TV_ACK, .opt = &o);
	assert_int_equal(lab_counters(l).dsacks_in, 1);
	lab_free(l);
}

/* Blocks mean nothing where the option was not agreed upon, nor about a SYN. */
static void test_sent_sack_without_agreement_is_nothing(void **state)
{
	struct lab *l = lab_new(NULL, false);
	struct tv_tcp_options o = {.has = TV_OPT_HAS_SACK, .sack_count = 1};
	struct tv_segment s = {.flags = TV_ACK};
	struct tv_acked a;

	(void)state;
	lab_active(l);
	lab_send(l, 3000, 0);
	o.sack[0].left = l->ack + 1000;
	o.sack[0].right = l->ack + 1460;
	SAY(l, .flags = TV_ACK, .opt = &o);
	assert_int_equal(lab_counters(l).sacks_in, 0);
	assert_int_equal(busy_of(l)->sacked, 0);
	l->peer_port++;
	lab_syn_sent(l);
	s.opt = o;
	s.ack = l->ack - 1;
	s.opt.sack[0].left = l->ack - 1;
	s.opt.sack[0].right = l->ack;
	tv_rtx_ack(&l->s->core, tv_handle_conn(l->s, l->conn), &s, &a);
	assert_int_equal(a.sacked, 0);
	lab_free(l);
}

/* RFC 2018 4: the last ACK of a handshake cannot tell of text; blocks about our SYN mean nothing. */
static void test_sent_sack_about_the_syn_in_the_last_ack_is_nothing(void **state)
{
	struct lab *l = lab_new(NULL, false);
	struct tv_tcp_options o = {.has = TV_OPT_HAS_SACK, .sack_count = 3};

	(void)state;
	lab_listen(l);
	l->syn.has |= TV_OPT_HAS_SACK_OK;
	SAY(l, .flags = TV_SYN);
	l->ack = lab_only(l, TV_SYN | TV_ACK)->seq + 1;
	for (unsigned i = 0; i < 3; i++)
		o.sack[i].left = l->ack - 1, o.sack[i].right = l->ack;
	assert_int_equal(SAY(l, .flags = TV_ACK, .opt = &o), TV_V_OK);
	assert_int_equal(tv_accept(l->s, l->now, l->listener, &l->conn), TV_OK);
	assert_int_equal(lab_info(l).state, TV_ESTABLISHED);
	assert_int_equal(lab_info(l).bytes_sacked, 0);
	lab_free(l);
}

/* Karn: the next piece, which was repeated, does not spoil the sample of the one before [MUST-18]. */
static void test_sent_sample_up_to_a_repeated_piece(void **state)
{
	struct lab *l = lab_new(NULL, false);
	struct tv_segment s = {.flags = TV_ACK, .wnd = 1000};
	struct tv_core *c;
	struct tv_tcb *t;
	struct tv_acked a;
	uint32_t srtt;

	(void)state;
	lab_active(l);
	c = &l->s->core;
	t = tv_handle_conn(l->s, l->conn);
	for (unsigned i = 0; i < 2; i++) {
		tv_stack_now(l->s, c->now + TV_MS);
		assert_true(tv_rtx_sent(c, t, t->snd.nxt, 1000));
		t->snd.nxt += 1000;
	}
	tv_range_at(&c->ranges, tv_region(c), tv_busy(c, t)->flight.last)->sent = 2;
	srtt = t->rtt.srtt_us;
	tv_stack_now(l->s, c->now + 50 * TV_MS);
	s.ack = t->snd.una + 1000;
	tv_rtx_ack(c, t, &s, &a);
	assert_int_not_equal(t->rtt.srtt_us, srtt);
	srtt = t->rtt.srtt_us;
	s.ack = t->snd.una + 1000;
	tv_rtx_ack(c, t, &s, &a);
	assert_int_equal(t->rtt.srtt_us, srtt);
	lab_free(l);
}

/* RFC 9293 3.4: sequence numbers come round. After 2^32 octets an ACK may stand at ISS again; it is no SYN. */
static void test_sent_iss_comes_round(void **state)
{
	(void)state;
	for (unsigned delayed = 0; delayed < 2; delayed++) {
		struct lab *l = lab_new(NULL, delayed != 0);
		struct tv_tcb *t;

		lab_active(l);
		t = tv_handle_conn(l->s, l->conn);
		t->snd.iss = t->snd.nxt + 10; /* as if so many had gone before */
		lab_send(l, 10, 0);
		l->ack += 10;
		SAY(l, .flags = TV_ACK, .len = delayed); /* with text it is no bare ACK */
		assert_int_equal(lab_info(l).snd_una, lab_info(l).iss);
		for (unsigned i = 0; i < 3; i++) {
			lab_send(l, 10, 0);
			assert_int_equal(lab_last(l)->seq, l->ack);
			assert_int_equal(lab_last(l)->len, 10);
			for (uint32_t n = 0; n < 10; n++)
				assert_int_equal(lab_last(l)->text[n], lab_octet(10 + 10 * i + n));
			l->ack += 10;
			SAY(l, .flags = TV_ACK, .len = delayed);
			assert_int_equal(lab_info(l).snd_una, l->ack);
			assert_int_equal(lab_info(l).bytes_queued, 0);
		}
		lab_free(l);
	}
}

/* Segments that left one by one, each a piece of exactly one segment: the first is repeated whole. */
static void test_sent_first_piece_of_one_segment_is_repeated(void **state)
{
	struct lab *l = lab_new(NULL, false);

	(void)state;
	l->syn.mss = 1000;
	lab_active(l);
	for (unsigned i = 0; i < 5; i++) {
		l->now += TV_MS;
		lab_send(l, 1000, 0);
	}
	for (unsigned i = 0; i < 3; i++)
		SAY(l, .flags = TV_ACK);
	assert_int_equal(lab_last(l)->seq, l->ack);
	assert_int_equal(lab_last(l)->len, 1000);
	lab_free(l);
}

/* All is acknowledged: counted to the last octet, with and without a FIN. */
static void test_sent_bytes_acked_do_not_count_the_fin(void **state)
{
	(void)state;
	for (unsigned fin = 0; fin < 2; fin++) {
		struct lab *l = lab_new(NULL, false);

		lab_active(l);
		lab_set(l, TV_OPT_SIDE, 1);
		lab_send(l, 1000, fin != 0 ? TV_SEND_FIN : 0);
		SAY(l, .flags = TV_ACK, .ack_off = 1000 + (int32_t)fin);
		assert_int_equal(lab_info(l).bytes_acked, 1000);
		assert_int_equal(lab_info(l).state, fin != 0 ? TV_FIN_WAIT_2 : TV_ESTABLISHED);
		lab_free(l);
	}
}

/* Too big about a SYN: nothing is in flight but it; the attempt goes on [EV-48]. */
static void test_sent_too_big_about_a_syn(void **state)
{
	struct lab *l = lab_new(NULL, false);
	struct tv_icmp_error e = {.type = 3, .code = 4, .value = 1000};

	(void)state;
	lab_syn_sent(l);
	assert_int_equal(lab_icmp(l, e.type, e.code, e.value, l->heard[0].bytes, 28), TV_V_OK);
	assert_int_equal(lab_info(l).state, TV_SYN_SENT);
	SAY(l, .flags = TV_SYN | TV_ACK);
	assert_int_equal(lab_info(l).state, TV_ESTABLISHED);
	lab_free(l);
}

/* A segment that is repeated from the end of the urgent text on has no pointer. */
static void test_sent_urgent_pointer_ends_where_it_points(void **state)
{
	struct lab *l = lab_new(NULL, false);
	uint32_t una;

	(void)state;
	l->syn.mss = 1000;
	lab_active(l);
	una = l->ack;
	lab_send(l, 1000, TV_SEND_URGENT);
	l->now += TV_MS;
	lab_send(l, 1000, 0);
	assert_int_equal(lab_only(l, TV_ACK | TV_PSH)->seq, una + 1000);
	lab_wait(l, 250 * TV_MS);
	assert_true((lab_last(l)->flags & TV_URG) != 0);
	SAY(l, .flags = TV_ACK, .ack_off = 999);
	assert_int_equal(l->heard[l->count - 1].seg.seq, una + 1000);
	assert_int_equal(l->heard[l->count - 1].seg.flags & TV_URG, 0);
	assert_int_equal(l->heard[l->count - 1].seg.urg, 0);
	lab_free(l);
}

/* 65,535 is the farthest that the pointer can say, for new text and for repeated. */
static void test_sent_urgent_pointer_of_65535(void **state)
{
	struct lab *l = lab_new(NULL, false);

	(void)state;
	lab_active(l);
	lab_send(l, 65535, TV_SEND_URGENT);
	assert_int_equal(l->heard[0].seg.urg, 65535);
	assert_true((l->heard[0].seg.flags & TV_URG) != 0);
	lab_wait(l, 250 * TV_MS);
	assert_int_equal(lab_last(l)->urg, 65535);
	lab_free(l);
}

/* What was lost beyond a shrunk window is not repeated: up to its edge, not from it on [SHLD-16]. */
static void test_sent_repetition_ends_at_the_edge(void **state)
{
	struct lab *l = lab_new(NULL, false);
	struct tv_tcp_options o = {.has = TV_OPT_HAS_SACK, .sack_count = 1};
	uint32_t una;

	(void)state;
	l->syn.mss = 1000;
	l->syn.has |= TV_OPT_HAS_SACK_OK;
	lab_active(l);
	lab_send(l, 8000, 0);
	una = l->ack;
	o.sack[0].left = una + 3000, o.sack[0].right = una + 8000;
	SAY(l, .flags = TV_ACK, .opt = &o, .wnd_set = true, .wnd = 2000);
	assert_int_equal(l->count, 2);
	assert_int_equal(l->heard[0].seg.seq, una);
	assert_int_equal(l->heard[1].seg.seq, una + 1000);
	lab_free(l);
}

/* [MUST-38]: half of the largest window is worth a segment; an octet less waits for the override timer. */
static void test_sent_half_of_the_largest_window_is_sent(void **state)
{
	(void)state;
	for (unsigned less = 0; less < 2; less++) {
		struct lab *l = lab_new(NULL, false);

		l->wnd = 2000;
		lab_active(l);
		l->wnd = (uint16_t)(1000 - less);
		SAY(l, .flags = TV_ACK);
		lab_send(l, 5000, 0);
		assert_int_equal(l->count, 1 - less);
		lab_wait(l, 150 * TV_MS);
		assert_int_equal(l->count, 0);
		lab_wait(l, 60 * TV_MS);
		assert_int_equal(l->count, 1);
		assert_int_equal(lab_last(l)->len, 1000 - less);
		lab_free(l);
	}
}

/* A window that is used up to its last octet was the limit, and grows. */
static void test_sent_window_used_whole_grows(void **state)
{
	struct lab *l = lab_new(NULL, false);

	(void)state;
	l->syn.mss = 1000;
	lab_active(l);
	lab_send(l, 10000, 0);
	SAY(l, .flags = TV_ACK, .ack_off = 1000);
	assert_int_equal(lab_info(l).cwnd, 11000);
	lab_free(l);
}

/* A FIN takes a number, and that has to lie in the window, too. */
static void test_sent_fin_waits_for_its_place_in_the_window(void **state)
{
	struct lab *l = lab_new(NULL, false);

	(void)state;
	l->wnd = 1000;
	lab_active(l);
	lab_send(l, 1000, TV_SEND_FIN);
	assert_int_equal(lab_only(l, TV_ACK | TV_PSH)->len, 1000);
	l->ack += 1000;
	SAY(l, .flags = TV_ACK);
	assert_int_equal(lab_only(l, TV_FIN | TV_ACK)->len, 0);
	l->peer_port++;
	lab_active(l);
	lab_send(l, 999, TV_SEND_FIN);
	lab_only(l, TV_FIN | TV_ACK | TV_PSH);
	lab_free(l);
}

/* An urgent pointer that ends where was read is no news. */
static void test_sent_urgent_pointer_at_what_was_read(void **state)
{
	struct lab *l = lab_new(NULL, false);
	uint32_t from;

	(void)state;
	lab_active(l);
	from = l->seq;
	SAY(l, .flags = TV_ACK, .len = 10);
	lab_read(l, &from);
	lab_events(l, l->conn);
	SAY(l, .flags = TV_ACK | TV_URG, .urg = 4, .off = -4, .len = 5);
	assert_int_equal(lab_events(l, l->conn), TV_EV_READABLE);
	SAY(l, .flags = TV_ACK | TV_URG, .urg = 6, .off = -4, .len = 6);
	assert_int_equal(lab_events(l, l->conn), TV_EV_URGENT);
	assert_int_equal(lab_info(l).urgent_left, 2);
	lab_free(l);
}

/* [MUST-66] [EV-47]: both windows closed; the peer's probe, with an octet or without, opens ours. */
static void test_sent_probe_with_an_octet_opens_the_window(void **state)
{
	(void)state;
	for (uint32_t len = 0; len < 2; len++) {
		struct lab *l = lab_new(NULL, false);

		l->opts.rcv_buf = 1024;
		lab_active(l);
		SAY(l, .flags = TV_ACK, .len = 1024, .wnd_set = true, .wnd = 0);
		lab_send(l, 100, 0);
		SAY(l, .flags = TV_ACK, .wnd_set = true, .wnd = 0); /* so that the probe lies left of SND.WL1 */
		assert_int_equal(lab_info(l).snd_wnd, 0);
		SAY(l, .flags = TV_ACK, .off = -1, .len = len, .wnd_set = true, .wnd = 1000);
		assert_int_equal(lab_info(l).snd_wnd, 1000);
		assert_int_equal(lab_info(l).bytes_in_flight, 100);
		lab_free(l);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sent_pieces_in_flight_are_few),
		cmocka_unit_test(test_sent_pieces_at_their_limit_new_text_waits),
		cmocka_unit_test(test_sent_no_range_left_nothing_is_sent),
		cmocka_unit_test(test_sent_sacked_neighbours_join),
		cmocka_unit_test(test_sent_lost_and_dsack_at_equality),
		cmocka_unit_test(test_sent_sack_without_agreement_is_nothing),
		cmocka_unit_test(test_sent_sack_about_the_syn_in_the_last_ack_is_nothing),
		cmocka_unit_test(test_sent_sample_up_to_a_repeated_piece),
		cmocka_unit_test(test_sent_iss_comes_round),
		cmocka_unit_test(test_sent_first_piece_of_one_segment_is_repeated),
		cmocka_unit_test(test_sent_bytes_acked_do_not_count_the_fin),
		cmocka_unit_test(test_sent_too_big_about_a_syn),
		cmocka_unit_test(test_sent_urgent_pointer_ends_where_it_points),
		cmocka_unit_test(test_sent_urgent_pointer_of_65535),
		cmocka_unit_test(test_sent_repetition_ends_at_the_edge),
		cmocka_unit_test(test_sent_half_of_the_largest_window_is_sent),
		cmocka_unit_test(test_sent_window_used_whole_grows),
		cmocka_unit_test(test_sent_fin_waits_for_its_place_in_the_window),
		cmocka_unit_test(test_sent_urgent_pointer_at_what_was_read),
		cmocka_unit_test(test_sent_probe_with_an_octet_opens_the_window),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
