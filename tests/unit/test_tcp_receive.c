/*
 * test_tcp_receive.c - the receiver: what counts as text, as a duplicate, as the last octet of a stream; and the
 * edge of the window that it announces.
 */
#include "lab.h"

/* RFC 9293 3.8.6.1, 3.10.7.4: text sent into a closed window is not taken; it is no duplicate of anything, and
 * nothing was received by it. */
static void test_receive_text_into_a_closed_window_counts_for_nothing(void **state)
{
	struct lab *l = lab_new(NULL, false);
	tv_time received;

	(void)state;
	l->opts.rcv_buf = 4096;
	l->syn.has |= TV_OPT_HAS_SACK_OK;
	lab_active(l);
	lab_set(l, TV_OPT_SIDE, 1);
	for (unsigned i = 0; i < 4; i++)
		SAY(l, .flags = TV_ACK, .len = 1024);
	lab_wait(l, TV_S);
	assert_int_equal(lab_info(l).rcv_wnd, 0);
	received = lab_info(l).last_data_received;
	SAY(l, .flags = TV_ACK, .len = 1, .stay = true);
	assert_int_equal(lab_only(l, TV_ACK)->ack, l->seq);
	assert_int_equal(lab_last(l)->wnd, 0);
	assert_int_equal(lab_last(l)->opt.sack_count, 0);
	assert_int_equal(lab_info(l).duplicate_segs, 0);
	assert_int_equal(lab_info(l).last_data_received, received);
	assert_int_equal(lab_info(l).bytes_received, 4096);
	lab_free(l);
}

/* RFC 9293 3.8.6.3 [SHLD-18]: an ACK may wait for a second full segment, also that of the text which fills the
 * window to its last octet, whether our half is closed or not: nothing of it was refused. What lies beyond that octet
 * was, which is told at once. */
static void test_receive_text_that_fills_the_window_is_acknowledged_in_time(void **state)
{
	(void)state;
	for (unsigned k = 0; k < 4; k++) {
		struct lab *l = lab_new(NULL, false);
		uint32_t beyond = k & 1;

		l->opts.rcv_buf = 4096;
		lab_state(l, (k & 2) != 0 ? TV_FIN_WAIT_2 : TV_ESTABLISHED);
		lab_set(l, TV_OPT_QUICK_ACK, 0);
		for (unsigned i = 0; i < 3; i++)
			SAY(l, .flags = TV_ACK, .len = 1024);
		lab_wait(l, TV_S);
		assert_int_equal(lab_info(l).rcv_wnd, 1024);
		SAY(l, .flags = TV_ACK, .len = 1024 + beyond);
		assert_int_equal(l->count, beyond);
		lab_wait(l, TV_S);
		assert_int_equal(l->count, 1 - beyond);
		assert_int_equal(lab_info(l).rcv_wnd, 0);
		assert_int_equal(lab_info(l).bytes_unread, 4096);
		lab_free(l);
	}
}

/* RFC 9293 3.6.1: only text that is new after CLOSE draws a RST; what was read before, said again together with
 * the FIN, does not. */
static void test_receive_old_text_with_fin_after_close_is_no_reason_to_reset(void **state)
{
	(void)state;
	for (uint32_t fresh = 0; fresh < 2; fresh++) {
		struct lab *l = lab_new(NULL, false);
		uint32_t from = l->seq + 1;

		lab_active(l);
		SAY(l, .flags = TV_ACK, .len = 100);
		assert_int_equal(lab_read(l, &from), 100);
		assert_int_equal(tv_close(l->s, l->now, l->conn), TV_OK);
		lab_hear(l);
		l->ack++;
		SAY(l, .flags = TV_ACK);
		assert_int_equal(lab_info(l).state, TV_FIN_WAIT_2);
		SAY(l, .flags = TV_FIN | TV_ACK, .off = -100, .len = 100 + fresh);
		assert_int_equal(lab_info(l).state, fresh != 0 ? TV_CLOSED : TV_TIME_WAIT);
		assert_int_equal(lab_last(l)->flags & TV_RST, fresh != 0 ? TV_RST : 0);
		lab_free(l);
	}
}

/* RFC 9293 3.8.6.2.2, RFC 7323 2.4 [SHLD-14]: for a sender of single octets the right edge, rounded up to the
 * scale, does not move left as long as one and a half buffers bear it; never does it go beyond them. */
static void test_receive_window_edge_stays_within_one_and_a_half_buffers(void **state)
{
	struct lab *l = lab_new(NULL, false);
	uint32_t edge = 0, unit, limit, last;
	bool back = false;

	(void)state;
	l->opts.rcv_buf = 131072;
	limit = l->opts.rcv_buf / 2 * 3;
	l->syn.has |= TV_OPT_HAS_WSCALE;
	lab_active(l);
	lab_set(l, TV_OPT_QUICK_ACK, 1);
	unit = 1u << lab_info(l).rcv_scale;
	last = l->seq + limit;
	while (lab_info(l).rcv_wnd >= 1001)
		SAY(l, .flags = TV_ACK, .len = 1001);
	for (unsigned i = 0; i < 2 * limit && lab_info(l).rcv_wnd != 0; i++) {
		const struct tv_segment *s;
		uint32_t up;

		SAY(l, .flags = TV_ACK, .len = 1);
		if (l->count == 0)
			lab_set(l, TV_OPT_QUICK_ACK, 1), lab_hear(l);
		s = lab_only(l, TV_ACK);
		up = s->ack + ((edge - s->ack + unit - 1) / unit) * unit;
		if (edge != 0 && seq_leq(up, last))
			assert_true(seq_geq(s->ack + s->wnd * unit, edge));
		else
			back = back || edge != 0;
		edge = s->ack + s->wnd * unit;
		assert_true(seq_leq(edge, last));
	}
	assert_true(back);
	lab_free(l);
}

/* RFC 7323 2.2: the scale is told once, in the SYN; a buffer that grows later is told whole only if the scale
 * allowed for it. Linux's scale, too, is that of the largest buffer that it could come to (tcp_rmem). */
static void test_receive_buffer_that_grows_is_announced_whole(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct lab *l = lab_new(NULL, false);
		const uint32_t most = 131072;

		l->opts.rcv_buf = 65535;
		l->opts.rcv_buf_max = i == 0 ? most : 0;
		l->syn.has |= TV_OPT_HAS_WSCALE;
		lab_active(l);
		assert_int_equal(lab_info(l).rcv_scale, i == 0 ? 2 : 0);
		lab_set(l, TV_OPT_RCV_BUF, most);
		lab_set(l, TV_OPT_QUICK_ACK, 1);
		SAY(l, .flags = TV_ACK, .len = 1000);
		assert_int_equal(lab_info(l).rcv_wnd, i == 0 ? most - 1000 : 65535 - 1000);
		lab_free(l);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_receive_text_into_a_closed_window_counts_for_nothing),
		cmocka_unit_test(test_receive_text_that_fills_the_window_is_acknowledged_in_time),
		cmocka_unit_test(test_receive_old_text_with_fin_after_close_is_no_reason_to_reset),
		cmocka_unit_test(test_receive_window_edge_stays_within_one_and_a_half_buffers),
		cmocka_unit_test(test_receive_buffer_that_grows_is_announced_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
