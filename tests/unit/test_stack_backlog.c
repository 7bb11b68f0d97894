/*
 * test_stack_backlog.c - limits of the half-open backlog: shares of prefixes, rates, floods told and over.
 */
#include "lab.h"

static struct lab *with(enum tv_cookies mode, uint32_t backlog)
{
	struct tv_listen_config listen;
	struct tv_config g;
	struct lab *l;

	lab_config(&g);
	g.syn_cookies = mode;
	g.half_opens = 128;
	l = lab_new(&g, false);
	tv_listen_default(&listen);
	listen.port_first = listen.port_last = l->port;
	listen.backlog = backlog;
	assert_int_equal(tv_listen(l->s, l->now, &listen, &l->listener), TV_OK);
	return l;
}

/* A SYN from 10.0.prefix.1, with another port each time. */
static enum tv_verdict syn_from(struct lab *l, uint8_t prefix)
{
	l->peer = tv_addr_v4(10, 0, prefix, 1);
	l->peer_port++;
	return SAY(l, .flags = TV_SYN, .stay = true);
}

/* One prefix gets four fifths of the backlog; somebody from another one still finds a place. */
static void test_backlog_one_prefix_cannot_fill_it(void **state)
{
	struct lab *l = with(TV_COOKIES_NEVER, 100);
	unsigned taken = 0;

	(void)state;
	while (syn_from(l, 1) == TV_V_OK)
		taken++;
	assert_int_equal(l->verdict, TV_V_PREFIX_FULL);
	assert_int_equal(taken, 80);
	assert_int_equal(lab_counters(l).half_opens, 80);
	taken = 0;
	while (syn_from(l, 2) == TV_V_OK)
		taken++;
	assert_int_equal(taken, 16);
	assert_int_equal(syn_from(l, 3), TV_V_OK);
	assert_int_equal(syn_from(l, 1), TV_V_PREFIX_FULL);
	lab_wait(l, 64 * TV_S); /* all are given up, and their places are free again */
	assert_int_equal(lab_counters(l).half_opens, 0);
	assert_int_equal(syn_from(l, 1), TV_V_OK);
	lab_free(l);
}

/* With cookies, who has no place gets a cookie, and who has one a record. */
static void test_backlog_full_is_answered_with_cookies(void **state)
{
	struct lab *l = with(TV_COOKIES_AUTO, 4);

	(void)state;
	for (uint8_t i = 0; i < 10; i++) {
		assert_int_equal(syn_from(l, i), TV_V_OK);
		lab_only(l, TV_SYN | TV_ACK);
	}
	assert_int_equal(lab_counters(l).half_opens, 4);
	assert_int_equal(lab_counters(l).cookies_sent, 6);
	assert_int_equal(lab_counters(l).backlog_drops, 0);
	l->ack = lab_last(l)->seq + 1;
	l->seq++;
	assert_int_equal(SAY(l, .flags = TV_ACK), TV_V_OK);
	assert_int_equal(tv_accept(l->s, l->now, l->listener, &l->conn), TV_OK);
	assert_true(lab_info(l).from_cookie);
	lab_free(l);
}

/* With no free record for any listener it is the same as with a full backlog. */
static void test_backlog_no_record_is_answered_with_cookies(void **state)
{
	struct lab *l = with(TV_COOKIES_AUTO, 1000);

	(void)state;
	for (unsigned i = 0; i < 130; i++)
		assert_int_equal(syn_from(l, (uint8_t)i), TV_V_OK);
	assert_int_equal(lab_counters(l).half_opens, 128);
	assert_int_equal(lab_counters(l).cookies_sent, 2);
	lab_free(l);
}

/* Rates: of all together, of each prefix. Tokens come back with time. */
static void test_backlog_syn_rate_of_each_prefix(void **state)
{
	struct tv_listen_config listen;
	struct tv_config g;
	struct lab *l;

	(void)state;
	lab_config(&g);
	g.syn_per_second = 3;
	g.syn_prefix_v4 = 24;
	l = lab_new(&g, false);
	tv_listen_default(&listen);
	listen.port_first = listen.port_last = l->port;
	assert_int_equal(tv_listen(l->s, l->now, &listen, &l->listener), TV_OK);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(syn_from(l, 1), TV_V_OK);
	assert_int_equal(syn_from(l, 1), TV_V_SYN_RATE);
	assert_int_equal(l->count, 0);
	assert_int_equal(syn_from(l, 2), TV_V_OK);
	lab_sleep(l, 334 * TV_MS);
	assert_int_equal(syn_from(l, 1), TV_V_OK);
	assert_int_equal(syn_from(l, 1), TV_V_SYN_RATE);
	lab_sleep(l, 100 * TV_S);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(syn_from(l, 1), i < 3 ? TV_V_OK : TV_V_SYN_RATE);
	assert_int_equal(lab_counters(l).syn_rate_drops, 3);
	lab_free(l);
}

static void test_backlog_syn_rate_of_all_together(void **state)
{
	struct tv_config g;
	struct lab *l;

	(void)state;
	lab_config(&g);
	g.syn_per_second = 2;
	l = lab_new(&g, true);
	lab_listen(l);
	for (uint8_t i = 0; i < 4; i++) {
		l->peer.b[0] = (uint8_t)(0x20 + i);
		assert_int_equal(SAY(l, .flags = TV_SYN), i < 2 ? TV_V_OK : TV_V_SYN_RATE);
	}
	lab_free(l);
}

static uint32_t told(struct lab *l, struct tv_flood *flood)
{
	struct tv_info info = {.size = sizeof info};
	uint32_t flags = lab_events(l, l->listener);

	assert_int_equal(tv_info(l->s, l->listener, &info), TV_OK);
	*flood = info.flood;
	return flags;
}

/* A flood is told when it begins and when it is over, with its numbers; the stack wakes for that. */
static void test_flood_is_told_with_its_numbers(void **state)
{
	struct lab *l = with(TV_COOKIES_AUTO, 4);
	tv_time began, last;
	struct tv_flood f;

	(void)state;
	for (uint8_t i = 0; i < 4; i++)
		syn_from(l, i);
	assert_int_equal(told(l, &f), 0);
	assert_false(f.on);
	began = l->now;
	for (uint8_t i = 4; i < 14; i++)
		syn_from(l, i);
	assert_int_equal(told(l, &f), TV_EV_FLOOD);
	assert_true(f.on);
	lab_wait(l, 5 * TV_S);
	last = l->now;
	syn_from(l, 99);
	l->ack = lab_last(l)->seq + 1;
	l->seq++;
	SAY(l, .flags = TV_ACK);
	lab_wait(l, 9900 * TV_MS);
	assert_int_equal(told(l, &f) & (TV_EV_FLOOD | TV_EV_FLOOD_OVER), 0);
	lab_wait(l, 200 * TV_MS);
	assert_int_equal(told(l, &f), TV_EV_FLOOD_OVER);
	assert_false(f.on);
	assert_true(f.began == began);
	assert_true(f.last == last);
	assert_int_equal(f.syns, 11);
	assert_int_equal(f.cookies, 11);
	assert_int_equal(f.accepted, 1);
	assert_int_equal(f.dropped, 0);
	assert_int_equal(lab_counters(l).floods, 1);
	lab_wait(l, 60 * TV_S);
	assert_true(tv_deadline(l->s) == TV_NEVER || lab_counters(l).connections != 0);
	lab_free(l);
}

/* Two listeners, each with its flood; one is closed in the middle of its own. */
static void test_flood_ends_with_its_listener(void **state)
{
	struct lab *l = with(TV_COOKIES_NEVER, 1);
	struct tv_listen_config listen;
	struct tv_flood f;
	tv_handle second;

	(void)state;
	tv_listen_default(&listen);
	listen.port_first = listen.port_last = 81;
	listen.backlog = 1;
	assert_int_equal(tv_listen(l->s, l->now, &listen, &second), TV_OK);
	for (unsigned i = 0; i < 6; i++) {
		l->port = (uint16_t)(80 + i % 2);
		syn_from(l, (uint8_t)i);
	}
	assert_int_equal(told(l, &f), TV_EV_FLOOD);
	assert_int_equal(f.dropped, 2);
	assert_int_equal(tv_close(l->s, l->now, second), TV_OK);
	lab_wait(l, 10 * TV_S);
	assert_int_equal(told(l, &f), TV_EV_FLOOD_OVER);
	assert_int_equal(lab_counters(l).floods, 2);
	lab_free(l);
}

/* Nobody floods the other listener: nothing of a flood is told there, neither that one began nor that it is over. */
static void test_flood_of_one_listener_is_not_told_at_another(void **state)
{
	struct lab *l = with(TV_COOKIES_NEVER, 1);
	struct tv_listen_config listen;
	tv_handle quiet;

	(void)state;
	tv_listen_default(&listen);
	listen.port_first = listen.port_last = 81;
	assert_int_equal(tv_listen(l->s, l->now, &listen, &quiet), TV_OK);
	lab_wait(l, 3600 * TV_S);
	for (uint8_t i = 0; i < 6; i++)
		syn_from(l, i);
	lab_wait(l, 60 * TV_S);
	assert_int_equal(lab_events(l, quiet), 0);
	for (uint8_t i = 0; i < 6; i++)
		syn_from(l, i);
	lab_wait(l, 60 * TV_S);
	assert_int_equal(lab_events(l, l->listener), TV_EV_FLOOD | TV_EV_FLOOD_OVER);
	lab_free(l);
}

/* A whole batch of SYNs with timestamps, all of which get cookies: counted each, and the flood that they are has an
 * end like any other. */
static void test_flood_of_a_whole_batch_ends(void **state)
{
	enum { BATCH = 32 };
	static uint8_t bytes[BATCH][256];

	(void)state;
	for (unsigned v6 = 0; v6 < 2; v6++) {
		struct tv_packet packets[BATCH];
		struct lab *l = lab_new(NULL, v6 != 0);
		struct tv_flood f;

		lab_listen(l);
		tv_listener_at(&l->s->core, 0)->backlog = 1;
		l->syn.has |= TV_OPT_HAS_TS;
		SAY(l, .flags = TV_SYN, .stay = true);
		for (unsigned i = 0; i < BATCH; i++) {
			l->peer_port++;
			packets[i] = (struct tv_packet){.data = bytes[i]};
			packets[i].len = lab_build(l, &(struct say){.flags = TV_SYN}, bytes[i]);
		}
		tv_input(l->s, l->now, packets, BATCH, NULL);
		lab_hear(l);
		assert_int_equal(lab_counters(l).cookies_sent, BATCH);
		assert_int_equal(told(l, &f), TV_EV_FLOOD);
		assert_int_equal(f.cookies, BATCH);
		lab_wait(l, 60 * TV_S);
		assert_int_equal(told(l, &f), TV_EV_FLOOD_OVER);
		lab_free(l);
	}
}

/* Final ACK, accept queue full: reset by configuration, and the record is gone. */
static void test_backlog_accept_full_reset(void **state)
{
	struct tv_config g;
	struct lab *l;
	uint32_t ack;

	(void)state;
	lab_config(&g);
	g.accept_full_reset = true;
	l = lab_new(&g, false);
	lab_listen(l);
	SAY(l, .flags = TV_SYN);
	ack = lab_only(l, TV_SYN | TV_ACK)->seq + 1;
	l->peer_port++;
	l->seq--;
	SAY(l, .flags = TV_SYN);
	l->ack = lab_only(l, TV_SYN | TV_ACK)->seq + 1;
	tv_listener_at(&l->s->core, 0)->backlog = 1; /* as if its user had lowered it */
	assert_int_equal(SAY(l, .flags = TV_ACK), TV_V_OK);
	l->peer_port--;
	l->ack = ack;
	assert_int_equal(SAY(l, .flags = TV_ACK), TV_V_ACCEPT_FULL);
	assert_int_equal(lab_only(l, TV_RST)->seq, ack);
	assert_int_equal(lab_counters(l).half_opens, 0);
	assert_int_equal(lab_counters(l).accept_resets, 1);
	lab_free(l);
}

/* RFC 6298 2.1, 5.5: each half-open connection has a time of its own; one that waits longer holds up nobody. */
static void test_backlog_each_syn_ack_is_repeated_in_its_time(void **state)
{
	struct lab *l = lab_new(NULL, false);
	tv_time second;

	(void)state;
	lab_listen(l);
	SAY(l, .flags = TV_SYN);
	lab_wait(l, 1500 * TV_MS); /* repeated after 1 s; the next time is at 3 s */
	l->peer_port++;
	second = l->now;
	SAY(l, .flags = TV_SYN);
	lab_wait(l, 1100 * TV_MS);
	assert_int_equal(lab_only(l, TV_SYN | TV_ACK)->len, 0);
	assert_int_equal(tv_key_local_port(&lab_last(l)->key), l->peer_port);
	assert_in_range(l->heard[0].at - second, TV_S, 1001 * TV_MS);
	lab_free(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_backlog_each_syn_ack_is_repeated_in_its_time),
		cmocka_unit_test(test_backlog_one_prefix_cannot_fill_it),
		cmocka_unit_test(test_backlog_full_is_answered_with_cookies),
		cmocka_unit_test(test_backlog_no_record_is_answered_with_cookies),
		cmocka_unit_test(test_backlog_syn_rate_of_each_prefix),
		cmocka_unit_test(test_backlog_syn_rate_of_all_together),
		cmocka_unit_test(test_flood_is_told_with_its_numbers),
		cmocka_unit_test(test_flood_ends_with_its_listener),
		cmocka_unit_test(test_flood_of_one_listener_is_not_told_at_another),
		cmocka_unit_test(test_flood_of_a_whole_batch_ends),
		cmocka_unit_test(test_backlog_accept_full_reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
