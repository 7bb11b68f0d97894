/*
 * test_stack_fastopen.c - Fast Open (RFC 7413), the server: who gets a cookie, whose cookie is good, and how many
 * connections may be pending.
 */
#include "fastopen_server.h"

static void test_fastopen_cookies_are_those_of_linux(void **state)
{
	(void)state;
	for (unsigned v6 = 0; v6 < 2; v6++)
		for (unsigned exp = 0; exp < 2; exp++) {
			struct lab *l = server(v6 != 0);
			const struct tv_segment *s = syn(l, NULL, 0, exp != 0, 0);

			assert_int_equal(s->flags, TV_SYN | TV_ACK);
			assert_true((s->opt.has & TV_OPT_HAS_FASTOPEN) != 0);
			assert_int_equal(s->opt.cookie_len, 8);
			assert_int_equal(s->opt.cookie_exp, exp);
			assert_memory_equal(s->opt.cookie, v6 != 0 ? linux_v6 : linux_v4, 8);
			assert_int_equal(lab_counters(l).fastopen_requests, 1);
			assert_int_equal(lab_counters(l).fastopen_passive_failed, 0);
			assert_int_equal(lab_counters(l).half_opens, 1);
			lab_free(l);
		}
}

/* What Linux takes as bad: another octet, another length; RFC 7413 4.2.2: an ordinary handshake with a new cookie. */
static void test_fastopen_bad_cookie_gets_a_good_one(void **state)
{
	static const uint8_t lengths[] = {4, 6, 8, 10, 16};

	(void)state;
	for (unsigned i = 0; i < COUNT(lengths) + 8; i++) {
		struct lab *l = server(false);
		uint8_t bad[16], len = i < COUNT(lengths) ? lengths[i] : 8;
		const struct tv_segment *s;

		memcpy(bad, linux_v4, 8);
		memcpy(bad + 8, linux_v4, 8);
		if (len == 8)
			bad[i < COUNT(lengths) ? 0 : i - COUNT(lengths)] ^= 1;
		s = syn(l, bad, len, false, 10);
		assert_int_equal(s->ack, 5001);
		assert_int_equal(s->opt.cookie_len, 8);
		assert_memory_equal(s->opt.cookie, linux_v4, 8);
		assert_int_equal(lab_counters(l).fastopen_passive_failed, 1);
		assert_int_equal(lab_counters(l).fastopen_passive, 0);
		assert_int_equal(lab_counters(l).fastopen_requests, 0);
		assert_int_equal(lab_counters(l).half_opens, 1);
		assert_int_equal(lab_counters(l).connections, 0);
		assert_int_equal(tv_accept(l->s, l->now, l->listener, &l->conn), TV_AGAIN);
		/* RFC 7413 4.2.2: a repeated SYN-ACK has no option. */
		lab_wait(l, TV_S + TV_MS);
		assert_int_equal(lab_only(l, TV_SYN | TV_ACK)->opt.has & TV_OPT_HAS_FASTOPEN, 0);
		lab_free(l);
	}
}

static void test_fastopen_backup_key_is_good_and_replaced(void **state)
{
	static const uint8_t primary[16] = {0x99, 1};
	struct lab *l = server(false);
	const struct tv_segment *s;
	uint8_t fresh[8];

	(void)state;
	for (unsigned exp = 0; exp < 2; exp++) {
		assert_int_equal(tv_fastopen_keys(l->s, l->now, primary, key), TV_OK);
		s = syn(l, linux_v4, 8, exp != 0, 10);
		assert_int_equal(s->ack, 5011);
		assert_int_equal(s->opt.cookie_len, 8);
		assert_int_equal(s->opt.cookie_exp, exp);
		assert_memory_not_equal(s->opt.cookie, linux_v4, 8);
		memcpy(fresh, s->opt.cookie, 8);
		assert_int_equal(lab_counters(l).fastopen_old_key, exp + 1);
	}
	lab_wait(l, TV_S + TV_MS); /* the repeated SYN-ACKs have no option */
	assert_int_equal(l->count, 2);
	assert_int_equal(lab_last(l)->opt.has & TV_OPT_HAS_FASTOPEN, 0);
	assert_int_equal(syn(l, fresh, 8, false, 10)->ack, 5011);
	assert_int_equal(lab_last(l)->opt.has & TV_OPT_HAS_FASTOPEN, 0);
	assert_int_equal(lab_counters(l).fastopen_old_key, 2);
	assert_int_equal(tv_fastopen_keys(l->s, l->now, primary, NULL), TV_OK);
	assert_int_equal(syn(l, linux_v4, 8, false, 10)->ack, 5001); /* no backup any more */
	assert_memory_equal(lab_last(l)->opt.cookie, fresh, 8);
	lab_free(l);
}

/* The cookie that a request gets now. */
static uint64_t cookie_now(struct lab *l)
{
	uint64_t cookie;

	memcpy(&cookie, syn(l, NULL, 0, false, 0)->opt.cookie, sizeof cookie);
	return cookie;
}

static void test_fastopen_without_keys_the_secret_makes_one(void **state)
{
	static const uint8_t secret[32] = {7};
	struct lab *l = server(false), *same = server(false);
	uint64_t given = cookie_now(l), derived;

	(void)state;
	assert_int_equal(tv_reseed(l->s, l->now, secret), TV_OK);
	assert_true(cookie_now(l) == given); /* a key that was given stays */
	assert_int_equal(tv_fastopen_keys(l->s, l->now, NULL, NULL), TV_OK);
	derived = cookie_now(l);
	assert_true(derived != given);
	assert_int_equal(tv_fastopen_keys(same->s, same->now, NULL, NULL), TV_OK);
	assert_true(cookie_now(same) != derived);
	assert_int_equal(tv_reseed(same->s, same->now, secret), TV_OK);
	assert_true(cookie_now(same) == derived);
	lab_free(l);
	lab_free(same);
}

/* RFC 7413 4.2: off, the option is ignored; so it is by a listener that holds SYNs. */
static void test_fastopen_off_ignores_the_option(void **state)
{
	struct lab *l = server_with(NULL, false, 0);
	struct tv_listen_config g;
	const struct tv_segment *s = syn(l, linux_v4, 8, false, 10);

	(void)state;
	assert_int_equal(s->ack, 5001);
	assert_int_equal(s->opt.has & TV_OPT_HAS_FASTOPEN, 0);
	assert_int_equal(syn(l, NULL, 0, false, 0)->opt.has & TV_OPT_HAS_FASTOPEN, 0);
	assert_int_equal(lab_counters(l).fastopen_requests, 0);
	assert_int_equal(lab_counters(l).fastopen_overflow, 0);
	assert_int_equal(tv_set(l->s, l->now, l->listener, TV_OPT_FASTOPEN, (uint64_t)UINT32_MAX + 1), TV_EINVAL);
	assert_int_equal(tv_set(l->s, l->now, l->listener, TV_OPT_FASTOPEN, UINT32_MAX), TV_OK);
	open_fast(l);
	accept_it(l);
	assert_int_equal(tv_set(l->s, l->now, l->conn, TV_OPT_FASTOPEN, 1), TV_EINVAL);
	assert_int_equal(tv_release(l->s, l->now, l->listener), TV_OK);
	tv_listen_default(&g);
	assert_int_equal(g.fastopen, 0);
	g.port_first = g.port_last = l->port;
	g.fastopen = 5;
	g.hold = true;
	assert_int_equal(tv_listen(l->s, l->now, &g, &l->listener), TV_OK);
	l->peer_port++;
	l->seq = 5000;
	assert_int_equal(SAY(l, .flags = TV_SYN, .opt = &(struct tv_tcp_options){.has = TV_OPT_HAS_FASTOPEN}), TV_V_OK);
	assert_int_equal(l->count, 0);
	assert_int_equal(lab_events(l, l->listener), 0);
	assert_int_equal(lab_counters(l).fastopen_requests, 0);
	lab_free(l);
}

/* By the configuration of the listener, and a SYN without the option. */
static void test_fastopen_of_a_listener_takes_only_the_option(void **state)
{
	struct lab *l = lab_new(NULL, false);
	struct tv_listen_config g;

	(void)state;
	tv_listen_default(&g);
	g.port_first = g.port_last = l->port;
	g.fastopen = 1;
	assert_int_equal(tv_listen(l->s, l->now, &g, &l->listener), TV_OK);
	l->seq = 5000;
	assert_int_equal(SAY(l, .flags = TV_SYN, .len = 40), TV_V_OK); /* as Linux's pure-syn-data.pkt */
	assert_int_equal(lab_only(l, TV_SYN | TV_ACK)->ack, 5001);
	assert_int_equal(lab_last(l)->opt.has & TV_OPT_HAS_FASTOPEN, 0);
	assert_true((syn(l, NULL, 0, false, 0)->opt.has & TV_OPT_HAS_FASTOPEN) != 0);
	lab_free(l);
}

/* RFC 7413 4.2, PendingFastOpenRequests. */
static void test_fastopen_limit_of_pending_connections(void **state)
{
	struct lab *l = server_with(NULL, false, 2);
	tv_handle h;

	(void)state;
	open_fast(l);
	open_fast(l);
	assert_int_equal(syn(l, linux_v4, 8, false, 10)->ack, 5001);
	assert_int_equal(lab_last(l)->opt.has & TV_OPT_HAS_FASTOPEN, 0);
	assert_int_equal(lab_counters(l).fastopen_overflow, 1);
	assert_int_equal(syn(l, NULL, 0, false, 0)->opt.has & TV_OPT_HAS_FASTOPEN, 0);
	assert_int_equal(lab_counters(l).fastopen_overflow, 2);
	assert_int_equal(lab_counters(l).fastopen_passive, 2);
	/* The final ACK of the second one makes place for one. */
	l->peer_port -= 2;
	accept_it(l);
	h = l->conn;
	accept_it(l);
	l->seq = 5011;
	l->ack = lab_info(l).iss + 1;
	assert_int_equal(peer_ack(l), TV_V_OK);
	l->peer_port += 2;
	open_fast(l);
	assert_int_equal(syn(l, linux_v4, 8, false, 10)->ack, 5001);
	/* So does our own end, which does not count on. */
	assert_int_equal(tv_abort(l->s, l->now, h), TV_OK);
	lab_hear(l);
	open_fast(l);
	assert_int_equal(syn(l, linux_v4, 8, false, 10)->ack, 5001);
	assert_int_equal(tv_set(l->s, l->now, l->listener, TV_OPT_FASTOPEN, 3), TV_OK);
	open_fast(l);
	lab_free(l);
}

/* RFC 7413 5.1, and Linux: what was reset counts for a minute. */
static void test_fastopen_reset_counts_for_a_minute(void **state)
{
	(void)state;
	for (unsigned accepted = 0; accepted < 2; accepted++) {
		struct lab *l = server_with(NULL, false, 1);

		open_fast(l);
		if (accepted != 0)
			accept_it(l);
		assert_int_equal(SAY(l, .flags = TV_RST), TV_V_OK);
		assert_int_equal(syn(l, linux_v4, 8, false, 10)->ack, 5001);
		lab_wait(l, 60 * TV_S);
		assert_int_equal(syn(l, linux_v4, 8, false, 10)->ack, 5001);
		assert_int_equal(lab_counters(l).fastopen_overflow, 2);
		lab_wait(l, 6 * TV_S);
		open_fast(l);
		lab_wait(l, 200 * TV_S); /* no answer to the SYN-ACK: that is not a reset */
		open_fast(l);
		lab_free(l);
	}
}

/* The minute begins with the RST, not with the SYN. */
static void test_fastopen_reset_long_after_the_syn(void **state)
{
	struct lab *l = server_with(NULL, false, 1);

	(void)state;
	open_fast(l);
	lab_wait(l, 20 * TV_S);
	assert_int_equal(SAY(l, .flags = TV_RST), TV_V_OK);
	lab_wait(l, 59 * TV_S);
	assert_int_equal(syn(l, linux_v4, 8, false, 10)->ack, 5001);
	lab_wait(l, 7 * TV_S);
	open_fast(l);
	lab_free(l);
}

/* Each reset counts, also those that come apart from each other, and an old one is forgotten alone. */
static void test_fastopen_resets_add_up(void **state)
{
	struct lab *l = server_with(NULL, false, 3);

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		open_fast(l);
		assert_int_equal(SAY(l, .flags = TV_RST), TV_V_OK);
		lab_wait(l, 20 * TV_S);
	}
	assert_int_equal(syn(l, linux_v4, 8, false, 10)->ack, 5001); /* 60 s after the first */
	lab_wait(l, 6 * TV_S);
	open_fast(l);
	assert_int_equal(syn(l, linux_v4, 8, false, 10)->ack, 5001);
	lab_wait(l, 20 * TV_S);
	open_fast(l);
	lab_wait(l, 4000 * TV_S);
	for (unsigned i = 0; i < 3; i++)
		open_fast(l);
	assert_int_equal(syn(l, linux_v4, 8, false, 10)->ack, 5001);
	lab_free(l);
}

/* No record for a connection: as with a bad cookie, and the peer may come again with the same. */
static void test_fastopen_without_a_record_falls_back(void **state)
{
	struct tv_config g;
	struct lab *l;

	(void)state;
	lab_config(&g);
	g.connections = 1;
	l = server_with(&g, false, 10);
	open_fast(l);
	assert_int_equal(syn(l, linux_v4, 8, false, 10)->ack, 5001);
	assert_memory_equal(lab_last(l)->opt.cookie, linux_v4, 8);
	assert_int_equal(lab_counters(l).fastopen_passive, 1);
	assert_int_equal(lab_counters(l).record_failures, 1);
	lab_free(l);
}

/* RFC 7413 5: where SYN cookies answer there is no Fast Open; nor with a full accept queue, or over the rate. */
static void test_fastopen_gives_way_to_the_other_defences(void **state)
{
	struct tv_listen_config listen;
	struct tv_config g;
	struct lab *l;

	(void)state;
	lab_config(&g);
	g.syn_cookies = TV_COOKIES_ALWAYS;
	l = server_with(&g, false, 10);
	assert_int_equal(syn(l, linux_v4, 8, false, 10)->ack, 5001);
	assert_int_equal(lab_last(l)->opt.has & TV_OPT_HAS_FASTOPEN, 0);
	assert_int_equal(lab_counters(l).cookies_sent, 1);
	lab_free(l);

	lab_config(&g);
	g.syn_per_second = 1;
	l = server_with(&g, false, 10);
	open_fast(l);
	l->peer_port++;
	assert_int_equal(SAY(l, .flags = TV_SYN, .opt = &(struct tv_tcp_options){.has = TV_OPT_HAS_FASTOPEN}),
	                 TV_V_SYN_RATE);
	lab_free(l);

	l = server(false);
	assert_int_equal(tv_release(l->s, l->now, l->listener), TV_OK);
	tv_listen_default(&listen);
	listen.port_first = listen.port_last = l->port;
	listen.fastopen = 10;
	listen.backlog = 1;
	assert_int_equal(tv_listen(l->s, l->now, &listen, &l->listener), TV_OK);
	open_fast(l); /* it fills the queue */
	l->peer_port++;
	assert_int_equal(SAY(l, .flags = TV_SYN, .opt = &(struct tv_tcp_options){.has = TV_OPT_HAS_FASTOPEN}),
	                 TV_V_ACCEPT_FULL);
	lab_free(l);
}

/* A SYN to a tuple in TIME-WAIT (RFC 6191) opens as without Fast Open. */
static void test_fastopen_in_time_wait_is_ordinary(void **state)
{
	struct tv_tcp_options o = {.has = TV_OPT_HAS_FASTOPEN, .cookie_len = 8};
	struct lab *l = server(false);

	(void)state;
	memcpy(o.cookie, linux_v4, 8);
	lab_passive(l);
	assert_int_equal(tv_shutdown(l->s, l->now, l->conn), TV_OK);
	lab_hear(l);
	l->ack++;
	assert_int_equal(SAY(l, .flags = TV_FIN | TV_ACK), TV_V_OK);
	assert_int_equal(lab_info(l).state, TV_TIME_WAIT);
	lab_wait(l, 2 * TV_S);
	l->seq += 100000;
	assert_int_equal(SAY(l, .flags = TV_SYN, .opt = &o, .len = 10), TV_V_OK);
	assert_int_equal(lab_only(l, TV_SYN | TV_ACK)->ack, l->seq - 10);
	assert_int_equal(lab_counters(l).half_opens, 1);
	lab_free(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fastopen_cookies_are_those_of_linux),
		cmocka_unit_test(test_fastopen_bad_cookie_gets_a_good_one),
		cmocka_unit_test(test_fastopen_backup_key_is_good_and_replaced),
		cmocka_unit_test(test_fastopen_without_keys_the_secret_makes_one),
		cmocka_unit_test(test_fastopen_off_ignores_the_option),
		cmocka_unit_test(test_fastopen_of_a_listener_takes_only_the_option),
		cmocka_unit_test(test_fastopen_limit_of_pending_connections),
		cmocka_unit_test(test_fastopen_reset_counts_for_a_minute),
		cmocka_unit_test(test_fastopen_reset_long_after_the_syn),
		cmocka_unit_test(test_fastopen_resets_add_up),
		cmocka_unit_test(test_fastopen_without_a_record_falls_back),
		cmocka_unit_test(test_fastopen_gives_way_to_the_other_defences),
		cmocka_unit_test(test_fastopen_in_time_wait_is_ordinary),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
