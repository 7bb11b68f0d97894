/*
 * test_review_rules.c - rules that a conversation of a few segments shows: when the congestion window
 * counts, what a RST after a FIN leaves readable, what is told once, who answers for foreign addresses.
 */
#include "lab.h"

/* RFC 5681 4.1: idle is who has not sent for an RTO, however much was received meanwhile. */
static void test_rules_sender_idle_while_receiving_restarts_small(void **state)
{
	struct lab *l = lab_new(NULL, false);
	uint32_t before, from;

	(void)state;
	lab_active(l);
	for (unsigned i = 0; i < 8; i++) { /* grow */
		lab_send(l, 60000, 0);
		while (l->count != 0) {
			l->ack = lab_last(l)->seq + lab_last(l)->len;
			SAY(l, .flags = TV_ACK);
		}
	}
	assert_true(lab_info(l).cwnd > 20 * 1460);
	from = l->seq;
	for (unsigned i = 0; i < 100; i++) {
		lab_wait(l, 100 * TV_MS);
		SAY(l, .flags = TV_ACK, .len = 1000);
		lab_read(l, &from);
	}
	before = lab_info(l).cwnd;
	lab_send(l, 60000, 0);
	assert_true(before > 20 * 1460);
	assert_true(lab_info(l).bytes_in_flight <= 10 * 1460);
	lab_free(l);
}

/* RFC 7661 4.3, RFC 5681 3.1: a window that the peer's own limits is no proof that the path bears more. */
static void test_rules_window_of_the_peer_is_the_limit_cwnd_stays(void **state)
{
	struct lab *l = lab_new(NULL, false);

	(void)state;
	l->wnd = 20000;
	lab_active(l);
	for (unsigned i = 0; i < 200; i++) {
		lab_send(l, 50000, 0);
		for (unsigned k = 0; k < 200 && lab_info(l).bytes_queued != 0; k++) {
			l->ack += lab_info(l).bytes_in_flight;
			SAY(l, .flags = TV_ACK);
		}
	}
	assert_true(lab_info(l).cwnd <= 4 * 20000);
	lab_free(l);
}

/* RFC 6582 3.2, 2; 4.1: after a time-out, duplicates of exactly what it covered are echoes of what was
 * sent twice, and start no fast retransmit. */
static void test_rules_newreno_duplicates_at_recover_do_nothing(void **state)
{
	struct lab *l = lab_new(NULL, false);
	uint64_t before;

	(void)state;
	lab_active(l);
	lab_send(l, 6 * 1460, 0);
	lab_wait(l, 300 * TV_MS);      /* time-out: the first is sent again */
	l->ack += 6 * 1460;
	SAY(l, .flags = TV_ACK);       /* only the ACKs were late */
	lab_send(l, 1460, 0);
	before = lab_counters(l).retransmissions;
	for (unsigned i = 0; i < 5; i++)
		SAY(l, .flags = TV_ACK);
	assert_int_equal(lab_counters(l).retransmissions, before);
	assert_int_equal(lab_counters(l).fast_recoveries, 0);
	lab_free(l);
}

/* trivet.h, tv_recv(): what arrived before a FIN can be read in every later state, also after a RST. */
static void test_rules_reset_after_fin_leaves_the_whole_stream(void **state)
{
	struct lab *l = lab_new(NULL, false);
	uint32_t from;
	uint8_t octet;

	(void)state;
	lab_active(l);
	from = l->seq;
	SAY(l, .flags = TV_ACK, .len = 1000);
	SAY(l, .flags = TV_ACK | TV_FIN, .len = 500);
	assert_int_equal(SAY(l, .flags = TV_RST), TV_V_OK);
	assert_int_equal(lab_info(l).state, TV_CLOSED);
	assert_int_equal(lab_info(l).reason, TV_R_RESET);
	assert_int_equal(lab_read(l, &from), 1500);
	assert_int_equal(tv_recv(l->s, l->now, l->conn, &octet, 1, 0), 0);
	assert_int_equal(tv_release(l->s, l->now, l->conn), TV_OK);
	assert_int_equal(lab_counters(l).pages_used + lab_counters(l).small_pages_used, 0);
	lab_free(l);
}

/* RFC 9293 3.10.4, CLOSED [EV-52]: closing what has ended says nothing to anybody, read or not. */
static void test_rules_close_after_the_end_says_nothing(void **state)
{
	struct lab *l = lab_new(NULL, false);

	(void)state;
	lab_active(l);
	SAY(l, .flags = TV_ACK | TV_FIN, .len = 500);
	assert_int_equal(SAY(l, .flags = TV_RST), TV_V_OK);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(tv_close(l->s, l->now, l->conn), TV_OK);
		assert_int_equal(lab_hear(l), 0);
		assert_int_equal(lab_info(l).reason, TV_R_RESET);
	}
	assert_int_equal(tv_abort(l->s, l->now, l->conn), TV_OK);
	assert_int_equal(lab_hear(l), 0);
	lab_free(l);
}

/* Each flag is told once per edge: the end of both directions is one, the end of TIME-WAIT is none. */
static void test_rules_closed_is_told_once(void **state)
{
	struct lab *l = lab_new(NULL, false);

	(void)state;
	lab_state(l, TV_FIN_WAIT_2);
	SAY(l, .flags = TV_FIN | TV_ACK);
	assert_int_equal(lab_events(l, l->conn) & TV_EV_CLOSED, TV_EV_CLOSED);
	lab_wait(l, 120 * TV_S);
	assert_int_equal(lab_info(l).state, TV_CLOSED);
	assert_int_equal(lab_events(l, l->conn), 0);
	lab_free(l);
}

static void listen_on(struct lab *l, uint16_t port, bool any_address, bool hold)
{
	struct tv_listen_config g;
	tv_handle h;

	tv_listen_default(&g);
	g.port_first = g.port_last = port;
	g.any_address = any_address;
	g.hold = hold;
	assert_int_equal(tv_listen(l->s, l->now, &g, &h), TV_OK);
}

/* trivet.h, any_address: one gateway listener does not make the others answer for foreign addresses. */
static void test_rules_foreign_address_only_to_listeners_that_want_it(void **state)
{
	struct lab *l = lab_new(NULL, false);

	(void)state;
	listen_on(l, 80, true, false);
	listen_on(l, 22, false, false);
	l->us = tv_addr_v4(203, 0, 113, 9);
	l->port = 22;
	assert_int_equal(SAY(l, .flags = TV_SYN), TV_V_NOT_OURS);
	assert_int_equal(l->count, 0);
	l->port = 80;
	assert_int_equal(SAY(l, .flags = TV_SYN), TV_V_OK);
	lab_only(l, TV_SYN | TV_ACK);
	lab_free(l);
}

/* What a failed tv_connect() found it leaves as it was: the TIME-WAIT that it might have reused. */
static void test_rules_connect_without_a_record_changes_nothing(void **state)
{
	struct tv_config g;
	struct tv_connect_config to;
	struct lab *l;
	tv_handle other;

	(void)state;
	lab_config(&g);
	g.connections = 1;
	g.time_wait_reuse = TV_REUSE_ALL;
	l = lab_new(&g, false);
	l->syn.has |= TV_OPT_HAS_TS;
	lab_state(l, TV_TIME_WAIT);
	assert_int_equal(tv_release(l->s, l->now, l->conn), TV_OK);
	lab_hear(l);
	assert_int_equal(lab_counters(l).time_waits, 1);
	lab_wait(l, 5 * TV_S);
	tv_connect_default(&to);
	to.remote.addr = l->peer;
	to.remote.port = 7;
	assert_int_equal(tv_connect(l->s, l->now, &to, &other, NULL), TV_OK);
	to.remote.port = l->peer_port;
	to.local.addr = l->us;
	to.local.port = l->port;
	assert_int_equal(tv_connect(l->s, l->now, &to, &other, NULL), TV_EFULL);
	assert_int_equal(lab_counters(l).time_waits, 1);
	lab_free(l);
}

/* No range is left to remember text in flight: the ACK that the peer waits for leaves all the same. */
static void test_rules_no_range_left_still_acknowledges(void **state)
{
	struct tv_config g;
	struct lab *l;

	(void)state;
	lab_config(&g);
	g.ranges = 2;
	g.ranges_each = 2;
	l = lab_new(&g, false);
	l->opts.nodelay = true;
	lab_active(l);
	for (unsigned i = 0; i < 3; i++) { /* two ranges, the second longer */
		lab_send(l, 100, 0);
		lab_wait(l, TV_MS);
	}
	lab_wait(l, 250 * TV_MS);      /* time-out: one lost range, its first part repeated */
	lab_send(l, 5000, 0);
	assert_int_equal(SAY(l, .flags = TV_ACK, .len = 1460), TV_V_OK);
	SAY(l, .flags = TV_ACK, .len = 1460);
	lab_wait(l, 50 * TV_MS);
	assert_int_equal(tv_conn(&l->s->core, (uint32_t)l->conn)->rcv.acked, l->seq);
	lab_free(l);
}

/* RFC 2883 4, 5: D-SACK is told by the first block against the ACK of the same segment, and counted. */
static void test_rules_dsacks_are_counted_for_their_connection(void **state)
{
	struct lab *l = lab_new(NULL, false);
	struct tv_tcp_options o = {.has = TV_OPT_HAS_SACK, .sack_count = 1};

	(void)state;
	l->syn.has |= TV_OPT_HAS_SACK_OK;
	lab_active(l);
	lab_set(l, TV_OPT_SIDE, 1);
	lab_send(l, 4 * 1460, 0);
	l->ack += 1460;
	SAY(l, .flags = TV_ACK);
	o.sack[0].left = l->ack - 1460;
	o.sack[0].right = l->ack;
	SAY(l, .flags = TV_ACK, .opt = &o);
	assert_int_equal(lab_counters(l).dsacks_in, 1);
	assert_int_equal(lab_info(l).dsacks_received, 1);
	/* An old ACK with a block that was no duplicate when it was written. */
	o.sack[0].left = l->ack - 730;
	o.sack[0].right = l->ack;
	SAY(l, .flags = TV_ACK, .ack_off = -1460, .opt = &o);
	assert_int_equal(lab_counters(l).dsacks_in, 1);
	lab_free(l);
}

/* RFC 4007 6, 11.2: a link-local address belongs to a zone; without one it is that of the link which the
 * route names, and the answers of that link find the connection. */
static void test_rules_link_local_remote_with_and_without_zone(void **state)
{
	(void)state;
	for (uint8_t zone = 0; zone < 3; zone++) {
		struct lab *l = lab_new(NULL, true);
		struct tv_addr us = {{0xfe, 0x80, [15] = 1}}, peer = {{0xfe, 0x80, [15] = 2}};
		struct tv_connect_config g;

		assert_int_equal(tv_address_add(l->s, l->now, 0, &us, 64), TV_OK);
		l->us = us;
		l->peer = peer;
		tv_connect_default(&g);
		g.remote.addr = peer;
		g.remote.port = l->peer_port;
		g.remote.zone = zone;
		if (zone == 2) { /* there is no such link */
			assert_int_equal(tv_connect(l->s, l->now, &g, &l->conn, NULL), TV_ENOROUTE);
			lab_free(l);
			continue;
		}
		assert_int_equal(tv_connect(l->s, l->now, &g, &l->conn, NULL), TV_OK);
		lab_hear(l);
		l->ack = lab_only(l, TV_SYN)->seq + 1;
		l->port = tv_key_remote_port(&lab_last(l)->key);
		assert_int_equal(SAY(l, .flags = TV_SYN | TV_ACK), TV_V_OK);
		assert_int_equal(lab_info(l).state, TV_ESTABLISHED);
		lab_free(l);
	}
}

/* A zone beside an address that belongs to none means nothing, as a sin6_scope_id does. */
static void test_rules_zone_of_a_global_address_is_ignored(void **state)
{
	struct lab *l = lab_new(NULL, false);
	struct tv_connect_config g;

	(void)state;
	tv_connect_default(&g);
	g.remote.addr = l->peer;
	g.remote.port = l->peer_port;
	g.remote.zone = 7;
	assert_int_equal(tv_connect(l->s, l->now, &g, &l->conn, NULL), TV_OK);
	lab_hear(l);
	l->ack = lab_only(l, TV_SYN)->seq + 1;
	l->port = tv_key_remote_port(&lab_last(l)->key);
	assert_int_equal(SAY(l, .flags = TV_SYN | TV_ACK), TV_V_OK);
	assert_int_equal(lab_info(l).state, TV_ESTABLISHED);
	lab_free(l);
}

/* trivet.h, struct tv_answer: the sender of an ICMP error is an address of the question's family. */
static void test_rules_answer_from_another_family_is_refused(void **state)
{
	(void)state;
	for (unsigned v6 = 0; v6 < 2; v6++) {
		struct lab *l = lab_new(NULL, v6 != 0);
		struct tv_answer a = {.size = sizeof a, .kind = TV_ANSWER_UNREACHABLE, .icmp_type = 1};
		struct tv_event e;

		listen_on(l, 80, false, true);
		SAY(l, .flags = TV_SYN);
		assert_true(tv_event(l->s, &e));
		a.icmp_from = v6 != 0 ? tv_addr_v4(10, 0, 0, 1) : lab_v6(9);
		assert_int_equal(tv_answer(l->s, l->now, e.handle, &a, NULL), TV_EINVAL);
		assert_int_equal(lab_hear(l), 0);
		a.icmp_from = v6 != 0 ? lab_v6(9) : tv_addr_v4(10, 0, 0, 1);
		assert_int_equal(tv_answer(l->s, l->now, e.handle, &a, NULL), TV_OK);
		assert_int_equal(lab_hear(l), 1);
		assert_int_equal(tv_answer(l->s, l->now, e.handle, &a, NULL), TV_ESTALE);
		lab_free(l);
	}
}

/* RFC 6298 2.4, 2.5: the largest sample that a configuration allows does not run over. */
static void test_rules_rtt_of_many_minutes_does_not_run_over(void **state)
{
	struct tv_config g;
	struct lab *l;

	(void)state;
	lab_config(&g);
	g.rto_max = g.rto_first = 3000 * TV_S;
	l = lab_new(&g, false);
	lab_syn_sent(l);
	lab_wait(l, 537 * TV_S);
	SAY(l, .flags = TV_SYN | TV_ACK);
	assert_int_equal(lab_info(l).state, TV_ESTABLISHED);
	assert_true(lab_info(l).srtt_us >= 200000000u);
	lab_free(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rules_sender_idle_while_receiving_restarts_small),
		cmocka_unit_test(test_rules_window_of_the_peer_is_the_limit_cwnd_stays),
		cmocka_unit_test(test_rules_newreno_duplicates_at_recover_do_nothing),
		cmocka_unit_test(test_rules_reset_after_fin_leaves_the_whole_stream),
		cmocka_unit_test(test_rules_close_after_the_end_says_nothing),
		cmocka_unit_test(test_rules_closed_is_told_once),
		cmocka_unit_test(test_rules_foreign_address_only_to_listeners_that_want_it),
		cmocka_unit_test(test_rules_connect_without_a_record_changes_nothing),
		cmocka_unit_test(test_rules_no_range_left_still_acknowledges),
		cmocka_unit_test(test_rules_dsacks_are_counted_for_their_connection),
		cmocka_unit_test(test_rules_link_local_remote_with_and_without_zone),
		cmocka_unit_test(test_rules_zone_of_a_global_address_is_ignored),
		cmocka_unit_test(test_rules_answer_from_another_family_is_refused),
		cmocka_unit_test(test_rules_rtt_of_many_minutes_does_not_run_over),
	};

	return cmocka_run_group_tests_name("review_rules", tests, NULL, NULL);
}
