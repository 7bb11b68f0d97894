/*
 * test_tcp_account.c - what becomes of each octet that was written: acknowledged, unacknowledged, unsent; while the
 * connection lives, and when it has ended.
 */
#include "lab.h"

static void assert_account(const struct lab *l, uint32_t unacked, uint32_t unsent)
{
	assert_int_equal(lab_info(l).bytes_unacked, unacked);
	assert_int_equal(lab_info(l).bytes_unsent, unsent);
}

/* SYN-SENT: the SYN is no octet of the user. */
static void test_account_before_the_handshake_all_is_unsent(void **state)
{
	struct lab *l = lab_new(NULL, false);

	(void)state;
	lab_syn_sent(l);
	assert_account(l, 0, 0);
	lab_send(l, 700, 0);
	assert_account(l, 0, 700);
	SAY(l, .flags = TV_RST | TV_ACK, .stay = true);
	assert_int_equal(lab_info(l).state, TV_CLOSED);
	assert_account(l, 0, 700);
	lab_free(l);
}

/* A window of 3000 and 10000 octets, of which 1000 are acknowledged; then the connection ends in each way. */
static void test_account_is_kept_by_each_end(void **state)
{
	(void)state;
	for (unsigned how = 0; how < 4; how++) {
		struct lab *l = lab_new(NULL, false);

		l->wnd = 3000;
		l->opts.user_timeout = 5 * TV_S;
		lab_passive(l);
		lab_set(l, TV_OPT_USER_TIMEOUT, 5 * TV_S);
		lab_send(l, 10000, 0);
		assert_account(l, 2920, 7080); /* two segments of 1460, the rest of the window is too small */
		l->ack += 1000;
		l->wnd = 1920;
		SAY(l, .flags = TV_ACK);
		assert_account(l, 1920, 7080);
		if (how == 0)
			SAY(l, .flags = TV_RST);
		else if (how == 1)
			tv_abort(l->s, l->now, l->conn);
		else if (how == 2)
			lab_wait(l, 6 * TV_S);
		else
			SAY(l, .flags = TV_RST | TV_ACK, .ack_off = 1000); /* its ACK is not looked at */
		assert_int_equal(lab_info(l).state, TV_CLOSED);
		assert_int_equal(lab_info(l).bytes_queued, 0);
		assert_account(l, 1920, 7080);
		lab_free(l);
	}
}

/* A FIN is none either: neither waiting, nor in flight, nor acknowledged. */
static void test_account_fin_is_no_octet(void **state)
{
	struct lab *l = lab_new(NULL, false);

	(void)state;
	lab_passive(l);
	lab_send(l, 100, TV_SEND_FIN);
	assert_int_equal(lab_info(l).bytes_in_flight, 101);
	assert_account(l, 100, 0);
	l->ack += 100;
	SAY(l, .flags = TV_ACK);
	assert_account(l, 0, 0);
	tv_abort(l->s, l->now, l->conn);
	assert_account(l, 0, 0);
	lab_free(l);
	l = lab_new(NULL, false);
	l->wnd = 1000;
	lab_passive(l);
	lab_send(l, 1500, TV_SEND_FIN); /* the FIN waits behind text */
	assert_account(l, 1000, 500);
	l->ack += 1000;
	l->wnd = 600;
	SAY(l, .flags = TV_ACK);
	assert_account(l, 500, 0);
	l->ack += 501;
	SAY(l, .flags = TV_ACK);
	assert_int_equal(lab_info(l).state, TV_FIN_WAIT_2);
	assert_account(l, 0, 0);
	SAY(l, .flags = TV_RST);
	assert_account(l, 0, 0);
	lab_free(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_account_before_the_handshake_all_is_unsent),
		cmocka_unit_test(test_account_is_kept_by_each_end),
		cmocka_unit_test(test_account_fin_is_no_octet),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
