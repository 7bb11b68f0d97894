/* test_tcp_keepalive.c - is a silent peer still there (RFC 9293 3.8.4)? */
#include "lab.h"

#define TICK (1ull << TV_TICK_SHIFT)
#define HOUR (3600 * TV_S)

static void assert_near(tv_time got, tv_time wanted, const char *what)
{
	if (got < wanted || got > wanted + 3 * TICK)
		fail_msg("%s: %.6f s, not %.6f s", what, (double)got / 1e9, (double)wanted / 1e9);
}

/* Nothing of an ended connection goes on: no packet, no deadline [EV-56]. */
static void assert_silent(struct lab *l)
{
	assert_int_equal(lab_wait(l, HOUR), 0);
	assert_true(tv_deadline(l->s) == TV_NEVER);
}

/* [MUST-24] [MUST-25]: off unless asked for, connection by connection [MAY-5]. */
static void test_keepalive_off_by_default_idle_is_silent(void **state)
{
	struct lab *l = lab_new(NULL, false);

	(void)state;
	lab_active(l);
	assert_int_equal(lab_wait(l, 24 * HOUR), 0);
	assert_true(tv_deadline(l->s) == TV_NEVER);
	assert_int_equal(lab_info(l).state, TV_ESTABLISHED);
	l->peer_port++;
	lab_active(l);
	lab_set(l, TV_OPT_KEEPALIVE, 1);
	lab_wait(l, 7201 * TV_S); /* the default is two hours [MUST-28] */
	lab_only(l, TV_ACK);
	assert_int_equal(tv_key_local_port(&lab_last(l)->key), l->peer_port);
	assert_near(l->now - l->heard[0].at, TV_S - 2 * TICK, "first probe after two hours");
	lab_set(l, TV_OPT_KEEPALIVE, 0);
	assert_int_equal(lab_wait(l, 24 * HOUR), 0);
	lab_free(l);
}

/* [MUST-26] [MUST-27] [MUST-29] [SHLD-12] [MAY-6] */
static void test_keepalive_unanswered_count_ends_the_connection(void **state)
{
	(void)state;
	for (unsigned octet = 0; octet < 2; octet++) {
		struct lab *l = lab_new(NULL, octet != 0);
		uint32_t next;

		l->opts.keepalive = true;
		l->opts.keepalive_octet = octet != 0;
		l->opts.keepalive_idle = 60 * TV_S;
		l->opts.keepalive_interval = 7 * TV_S;
		l->opts.keepalive_count = 3;
		lab_active(l);
		next = lab_info(l).snd_nxt;
		lab_wait(l, 50 * TV_S);
		SAY(l, .flags = TV_ACK); /* an ACK is enough */
		lab_wait(l, 60 * TV_S - TICK);
		assert_int_equal(l->total, 0);
		lab_wait(l, 3 * TICK);
		lab_only(l, TV_ACK);
		assert_int_equal(lab_last(l)->seq, next - 1);
		assert_int_equal(lab_last(l)->len, octet);
		SAY(l, .flags = TV_ACK); /* answered */
		for (unsigned i = 0; i < 3; i++) {
			lab_wait(l, (i == 0 ? 60 : 7) * TV_S + 3 * TICK);
			lab_only(l, TV_ACK);
			assert_int_equal(lab_info(l).state, TV_ESTABLISHED);
			assert_int_equal(lab_info(l).probes, i + 1);
		}
		lab_wait(l, 7 * TV_S + 3 * TICK);
		lab_only(l, TV_RST | TV_ACK);
		assert_int_equal(lab_last(l)->seq, next);
		assert_int_equal(lab_events(l, l->conn), TV_EV_CLOSED);
		assert_int_equal(l->reason, TV_R_KEEPALIVE_TIMEOUT);
		assert_int_equal(lab_counters(l).keepalive_probes, 4);
		assert_silent(l);
		lab_free(l);
	}
}

/* With a user timeout of its own, that decides instead of the count (as Linux). */
static void test_keepalive_user_timeout_replaces_the_count(void **state)
{
	struct lab *l = lab_new(NULL, false);

	(void)state;
	l->opts.keepalive = true;
	l->opts.keepalive_idle = 10 * TV_S;
	l->opts.keepalive_interval = TV_S;
	l->opts.keepalive_count = 1;
	l->opts.user_timeout = 15 * TV_S;
	lab_active(l);
	lab_wait(l, 14 * TV_S + TV_S / 2);
	assert_int_equal(l->total, 5);
	assert_int_equal(lab_info(l).state, TV_ESTABLISHED);
	lab_wait(l, TV_S);
	lab_only(l, TV_RST | TV_ACK);
	assert_int_equal(lab_info(l).state, TV_CLOSED);
	lab_free(l);
}

/* [MUST-26]: not while something is outstanding. */
static void test_keepalive_outstanding_data_no_probe(void **state)
{
	struct lab *l = lab_new(NULL, false);

	(void)state;
	l->opts.keepalive = true;
	l->opts.keepalive_idle = 2 * TV_S;
	lab_active(l);
	lab_send(l, 10, 0);
	lab_wait(l, 60 * TV_S);
	assert_true(l->total > 3);
	for (unsigned i = 0; i < l->count; i++)
		assert_int_equal(l->heard[i].seg.len, 10);
	assert_int_equal(lab_counters(l).keepalive_probes, 0);
	SAY(l, .flags = TV_ACK, .ack_off = 10);
	lab_wait(l, 5 * TV_S);
	assert_int_equal(lab_counters(l).keepalive_probes, 1);
	lab_free(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keepalive_off_by_default_idle_is_silent),
		cmocka_unit_test(test_keepalive_unanswered_count_ends_the_connection),
		cmocka_unit_test(test_keepalive_user_timeout_replaces_the_count),
		cmocka_unit_test(test_keepalive_outstanding_data_no_probe),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
