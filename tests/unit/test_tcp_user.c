/*
 * test_tcp_user.c - the user calls in every state (RFC 9293 3.10.1 to 3.10.6), DSCP and TTL, and
 * the events that tell of it.
 */
#include "lab.h"

static const enum tv_state all[] = {TV_SYN_SENT,   TV_SYN_RECEIVED, TV_ESTABLISHED, TV_FIN_WAIT_1, TV_FIN_WAIT_2,
                                    TV_CLOSE_WAIT, TV_CLOSING,      TV_LAST_ACK,    TV_TIME_WAIT};

/* [EV-43] [EV-56] [EV-53]: RST where RFC 9293 3.10.5 says so, and nothing afterwards. */
static void test_user_abort_in_each_state_resets_or_says_nothing(void **state)
{
	(void)state;
	for (unsigned i = 0; i < COUNT(all); i++) {
		struct lab *l = lab_new(NULL, i % 2 != 0);
		bool rst = all[i] >= TV_SYN_RECEIVED && all[i] <= TV_CLOSE_WAIT;
		uint32_t next;

		lab_state(l, all[i]);
		if (all[i] == TV_ESTABLISHED)
			lab_send(l, 3000, 0);
		next = lab_info(l).snd_nxt;
		assert_int_equal(tv_abort(l->s, l->now, l->conn), TV_OK);
		lab_hear(l);
		if (rst)
			assert_int_equal(lab_only(l, TV_RST | TV_ACK)->seq, next);
		else
			assert_int_equal(l->count, 0);
		assert_int_equal(lab_info(l).state, TV_CLOSED);
		assert_int_equal(lab_info(l).reason, TV_R_ABORTED);
		assert_int_equal(lab_info(l).bytes_queued + lab_info(l).bytes_unread, 0);
		assert_int_equal(lab_events(l, l->conn), TV_EV_CLOSED);
		assert_int_equal(lab_wait(l, 3600 * TV_S), 0);
		assert_true(tv_deadline(l->s) == TV_NEVER);
		assert_int_equal(tv_abort(l->s, l->now, l->conn), TV_OK);
		/* No record is left: what the peer still says is answered as for a stranger. */
		SAY(l, .flags = TV_ACK, .len = 5);
		assert_int_equal(lab_only(l, TV_RST)->seq, l->ack);
		assert_int_equal(tv_release(l->s, l->now, l->conn), TV_OK);
		assert_int_equal(tv_abort(l->s, l->now, l->conn), TV_ESTALE);
		assert_int_equal(lab_counters(l).connections, 0);
		lab_free(l);
	}
}

/* [EV-52] [EV-42]: what CLOSE does in each state; twice is harmless and never a second FIN. */
static void test_user_close_in_each_state_fin_once(void **state)
{
	static const struct {
		enum tv_state from, to;
		bool fin;
	} cases[] = {
		{TV_SYN_SENT, TV_CLOSED, false},        {TV_SYN_RECEIVED, TV_SYN_RECEIVED, false},
		{TV_ESTABLISHED, TV_FIN_WAIT_1, true},  {TV_FIN_WAIT_1, TV_FIN_WAIT_1, false},
		{TV_FIN_WAIT_2, TV_FIN_WAIT_2, false},  {TV_CLOSE_WAIT, TV_LAST_ACK, true},
		{TV_CLOSING, TV_CLOSING, false},        {TV_LAST_ACK, TV_LAST_ACK, false},
		{TV_TIME_WAIT, TV_TIME_WAIT, false},
	};

	(void)state;
	for (unsigned i = 0; i < COUNT(cases); i++) {
		struct lab *l = lab_new(NULL, false);

		lab_state(l, cases[i].from);
		for (unsigned twice = 0; twice < 2; twice++) {
			assert_int_equal(tv_close(l->s, l->now, l->conn), TV_OK);
			lab_hear(l);
			if (cases[i].fin && twice == 0)
				lab_only(l, TV_FIN | TV_ACK);
			else
				assert_int_equal(l->count, 0);
			assert_int_equal(lab_info(l).state, cases[i].to);
		}
		if (cases[i].from == TV_SYN_SENT)
			assert_int_equal(lab_events(l, l->conn), TV_EV_CLOSED);
		if (cases[i].from == TV_SYN_RECEIVED) {
			SAY(l, .flags = TV_ACK);
			lab_only(l, TV_FIN | TV_ACK);
			assert_int_equal(lab_info(l).state, TV_FIN_WAIT_1);
		}
		lab_free(l);
	}
}

/* [EV-50]: queued before ESTABLISHED and sent then; refused after our FIN and after the end. */
static void test_user_send_in_each_state_as_3_10_2_says(void **state)
{
	static const uint8_t text[10] = "0123456789";

	(void)state;
	for (unsigned i = 0; i < COUNT(all); i++) {
		struct lab *l = lab_new(NULL, false);
		bool queued = all[i] == TV_SYN_SENT || all[i] == TV_SYN_RECEIVED;
		bool sent = all[i] == TV_ESTABLISHED || all[i] == TV_CLOSE_WAIT;

		lab_state(l, all[i]);
		assert_int_equal(tv_send(l->s, l->now, l->conn, text, 10, 0), queued || sent ? 10 : TV_ECLOSING);
		assert_int_equal(tv_send(l->s, l->now, l->conn, text, 0, 0), TV_EINVAL);
		lab_hear(l);
		if (sent)
			assert_int_equal(lab_only(l, TV_ACK | TV_PSH)->len, 10);
		else
			assert_int_equal(l->count, 0);
		if (queued) {
			SAY(l, .flags = all[i] == TV_SYN_SENT ? TV_SYN | TV_ACK : TV_ACK);
			assert_int_equal(lab_last(l)->len, 10);
			assert_memory_equal(lab_last(l)->text, text, 10);
		}
		tv_abort(l->s, l->now, l->conn);
		assert_int_equal(tv_send(l->s, l->now, l->conn, text, 10, 0), TV_ECLOSED);
		tv_release(l->s, l->now, l->conn);
		assert_int_equal(tv_send(l->s, l->now, l->conn, text, 10, 0), TV_ESTALE);
		lab_free(l);
	}
}

/* [EV-51] [MUST-12]: what had arrived, then the end of the stream for ever. */
static void test_user_receive_in_each_state_text_then_end(void **state)
{
	uint8_t b[100];

	(void)state;
	for (unsigned i = 0; i < COUNT(all); i++) {
		struct lab *l = lab_new(NULL, false);
		bool ended = all[i] == TV_CLOSE_WAIT || all[i] == TV_CLOSING || all[i] == TV_LAST_ACK ||
		             all[i] == TV_TIME_WAIT;

		lab_state(l, all[i]);
		for (unsigned k = 0; k < 2; k++)
			assert_int_equal(tv_recv(l->s, l->now, l->conn, b, sizeof b, 0), ended ? 0 : TV_AGAIN);
		if (all[i] == TV_ESTABLISHED || all[i] == TV_FIN_WAIT_1 || all[i] == TV_FIN_WAIT_2) {
			uint32_t from = l->seq;

			SAY(l, .flags = TV_ACK | TV_FIN, .len = 20);
			assert_int_equal(lab_events(l, l->conn) & (TV_EV_READABLE | TV_EV_PEER_CLOSED),
			                 TV_EV_READABLE | TV_EV_PEER_CLOSED);
			assert_int_equal(tv_recv(l->s, l->now, l->conn, b, 5, TV_RECV_PEEK), 5);
			assert_int_equal(lab_read(l, &from), 20);
			assert_int_equal(tv_recv(l->s, l->now, l->conn, b, sizeof b, 0), 0);
			assert_int_equal(tv_recv(l->s, l->now, l->conn, b, sizeof b, 0), 0);
		}
		tv_abort(l->s, l->now, l->conn);
		assert_int_equal(tv_recv(l->s, l->now, l->conn, b, sizeof b, 0),
		                 all[i] < TV_ESTABLISHED ? TV_ECLOSED : 0);
		tv_release(l->s, l->now, l->conn);
		assert_int_equal(tv_recv(l->s, l->now, l->conn, b, sizeof b, 0), TV_ESTALE);
		lab_free(l);
	}
}

/* A reset is told apart from a normal end [MUST-12]; nothing can be read after it. */
static void test_user_receive_after_reset_is_an_error(void **state)
{
	struct lab *l = lab_new(NULL, false);
	uint8_t b[10];

	(void)state;
	lab_active(l);
	SAY(l, .flags = TV_ACK, .len = 20);
	SAY(l, .flags = TV_RST);
	assert_int_equal(lab_events(l, l->conn) & TV_EV_CLOSED, TV_EV_CLOSED);
	assert_int_equal(l->reason, TV_R_RESET);
	assert_int_equal(lab_counters(l).resets_in, 1);
	assert_int_equal(tv_recv(l->s, l->now, l->conn, b, sizeof b, 0), TV_ECLOSED);
	assert_int_equal(lab_counters(l).pages_used + lab_counters(l).small_pages_used, 0);
	lab_free(l);
}

/* [SHLD-3] [MAY-1]: closing over unread text, and text after closing, are answered with a RST. */
static void test_user_close_with_unread_text_resets(void **state)
{
	struct lab *l = lab_new(NULL, false);
	uint8_t b[10];

	(void)state;
	lab_active(l);
	SAY(l, .flags = TV_ACK, .len = 20);
	assert_int_equal(tv_close(l->s, l->now, l->conn), TV_OK);
	lab_hear(l);
	assert_int_equal(lab_only(l, TV_RST | TV_ACK)->seq, l->ack);
	assert_int_equal(lab_info(l).reason, TV_R_ABORTED);
	assert_int_equal(tv_recv(l->s, l->now, l->conn, b, sizeof b, 0), TV_ECLOSED);
	l->peer_port++;
	lab_active(l);
	assert_int_equal(tv_close(l->s, l->now, l->conn), TV_OK);
	assert_int_equal(tv_recv(l->s, l->now, l->conn, b, sizeof b, 0), TV_ESTATE); /* half-duplex close */
	lab_hear(l);
	l->ack++;
	SAY(l, .flags = TV_ACK);
	assert_int_equal(SAY(l, .flags = TV_ACK, .len = 5), TV_V_AFTER_CLOSE);
	assert_int_equal(lab_only(l, TV_RST)->seq, l->ack);
	assert_int_equal(lab_events(l, l->conn) & TV_EV_CLOSED, TV_EV_CLOSED);
	assert_int_equal(l->reason, TV_R_DATA_AFTER_CLOSE);
	lab_free(l);
}

/* [EV-28] [EV-29] [EV-30] [EV-31] [EV-40]: every way to the end, with states and events. */
static void test_user_simultaneous_close_both_wait(void **state)
{
	struct lab *l = lab_new(NULL, false);

	(void)state;
	lab_state(l, TV_FIN_WAIT_1);
	l->ack--; /* the peer has not seen our FIN */
	assert_int_equal(SAY(l, .flags = TV_FIN | TV_ACK), TV_V_OK);
	assert_int_equal(lab_only(l, TV_ACK)->ack, l->seq);
	assert_int_equal(lab_info(l).state, TV_CLOSING);
	assert_int_equal(SAY(l, .flags = TV_ACK), TV_V_OK);
	assert_int_equal(lab_info(l).state, TV_CLOSING); /* not the ACK of our FIN: ignored */
	l->ack++;
	assert_int_equal(SAY(l, .flags = TV_ACK), TV_V_OK);
	assert_int_equal(lab_info(l).state, TV_TIME_WAIT);
	assert_int_equal(lab_events(l, l->conn) & TV_EV_CLOSED, TV_EV_CLOSED);
	assert_int_equal(l->reason, TV_R_NORMAL);
	lab_wait(l, 30 * TV_S);
	assert_int_equal(SAY(l, .flags = TV_FIN | TV_ACK, .off = -1), TV_V_OK); /* the FIN again */
	lab_only(l, TV_ACK);
	lab_wait(l, 59 * TV_S);
	assert_int_equal(lab_info(l).state, TV_TIME_WAIT);
	lab_wait(l, 2 * TV_S);
	assert_int_equal(lab_info(l).state, TV_CLOSED);
	lab_free(l);
}

static void test_user_fin_with_ack_of_ours_goes_to_time_wait(void **state)
{
	struct lab *l = lab_new(NULL, true);

	(void)state;
	lab_state(l, TV_FIN_WAIT_1);
	SAY(l, .flags = TV_FIN | TV_ACK); /* [EV-28] */
	assert_int_equal(lab_info(l).state, TV_TIME_WAIT);
	lab_only(l, TV_ACK);
	l->peer_port++;
	l->port = 80;
	lab_state(l, TV_LAST_ACK);
	l->ack--;
	SAY(l, .flags = TV_ACK); /* not ours: nothing */
	assert_int_equal(lab_info(l).state, TV_LAST_ACK);
	l->ack++;
	SAY(l, .flags = TV_ACK); /* [EV-30] */
	assert_int_equal(lab_info(l).state, TV_CLOSED);
	assert_int_equal(lab_events(l, l->conn), TV_EV_CLOSED);
	assert_int_equal(l->reason, TV_R_NORMAL);
	lab_free(l);
}

/* [EV-41]: a half-closed connection goes on receiving, in FIN-WAIT-1 and FIN-WAIT-2. */
static void test_user_half_close_still_receives(void **state)
{
	struct lab *l = lab_new(NULL, false);
	uint32_t from;

	(void)state;
	lab_active(l);
	from = l->seq;
	assert_int_equal(tv_shutdown(l->s, l->now, l->conn), TV_OK);
	assert_int_equal(tv_shutdown(l->s, l->now, l->conn), TV_ECLOSING);
	lab_hear(l);
	SAY(l, .flags = TV_ACK, .len = 1000);
	assert_int_equal(lab_read(l, &from), 1000);
	l->ack++;
	SAY(l, .flags = TV_ACK, .len = 1000);
	assert_int_equal(lab_info(l).state, TV_FIN_WAIT_2);
	assert_int_equal(lab_read(l, &from), 1000);
	assert_int_equal(lab_events(l, l->conn), TV_EV_READABLE);
	lab_free(l);
}

/* [MUST-48] [MUST-49] [SHLD-21] [SHLD-22] [SHLD-23]: on every segment; changed in between on request. */
static void test_user_dscp_and_ttl_on_every_segment(void **state)
{
	(void)state;
	for (unsigned v6 = 0; v6 < 2; v6++) {
		struct lab *l = lab_new(NULL, v6 != 0);

		l->opts.dscp = 46;
		l->opts.ttl = 5;
		lab_syn_sent(l);
		for (unsigned i = 0; i < 9; i++) {
			if (i == 0)
				lab_wait(l, 1001 * TV_MS); /* the SYN again */
			else if (i == 1)
				SAY(l, .flags = TV_SYN | TV_ACK);
			else if (i == 2)
				lab_send(l, 100, 0);
			else if (i == 3)
				lab_wait(l, 3100 * TV_MS); /* the text again */
			else if (i == 4)
				SAY(l, .flags = TV_ACK, .ack_off = 100, .off = 1, .len = 10), l->ack += 100;
			else if (i == 5)
				lab_set(l, TV_OPT_DSCP, 8), lab_set(l, TV_OPT_TTL, 200), lab_send(l, 1000, 0);
			else if (i == 6)
				tv_shutdown(l->s, l->now, l->conn), lab_hear(l);
			else if (i == 7)
				SAY(l, .flags = TV_RST, .off = 3); /* a challenge ACK */
			else
				tv_abort(l->s, l->now, l->conn), lab_hear(l);
			if (l->count == 0)
				fail_msg("nothing was said in step %u", i);
			for (unsigned k = 0; k < l->count; k++) {
				assert_int_equal(l->heard[k].ip.tos, i < 5 ? 46 << 2 : 8 << 2);
				assert_int_equal(l->heard[k].ip.ttl, i < 5 ? 5 : 200);
			}
		}
		lab_free(l);
	}
}

/* [MUST-49] [MUST-48]: the default; the stack's own; a listener's on SYN-ACK and on its repetition. */
static void test_user_ttl_default_and_of_a_listener(void **state)
{
	struct lab *l = lab_new(NULL, false);

	(void)state;
	lab_active(l);
	assert_int_equal(l->heard[0].ip.ttl, 64);
	assert_int_equal(l->heard[0].ip.tos, 0);
	l->opts.ttl = 17;
	l->opts.dscp = 63;
	l->port = 80;
	lab_listen(l);
	SAY(l, .flags = TV_SYN);
	lab_only(l, TV_SYN | TV_ACK);
	assert_int_equal(l->heard[0].ip.ttl, 17);
	assert_int_equal(l->heard[0].ip.tos, 63 << 2);
	lab_wait(l, 1001 * TV_MS);
	lab_only(l, TV_SYN | TV_ACK);
	assert_int_equal(l->heard[0].ip.ttl, 17);
	assert_int_equal(l->heard[0].ip.tos, 63 << 2);
	lab_free(l);
}

/* Each option within its range and nothing else; what a set gave, get tells. */
static void test_user_options_ranges_are_held(void **state)
{
	static const struct {
		enum tv_option option;
		uint64_t low, high, below, above; /* below, above: refused; 0 and UINT64_MAX - 1: none is */
	} cases[] = {
		{TV_OPT_RCV_BUF, 1024, 1u << 30, 1023, (1u << 30) + 1},
		{TV_OPT_SND_BUF, 1024, 1u << 30, 1023, (1u << 30) + 1},
		{TV_OPT_MSS_MAX, 48, 65495, 47, 65496},
		{TV_OPT_MSS_MAX, 0, 65495, 1, 1ull << 32},
		{TV_OPT_DSCP, 0, 63, 64, 1ull << 40},
		{TV_OPT_TTL, 1, 255, 0, 256},
		{TV_OPT_SYN_TRIES, 0, 255, 256, 1ull << 32},
		{TV_OPT_SYN_ACK_TRIES, 0, 255, 256, 1ull << 32},
		{TV_OPT_KEEPALIVE_COUNT, 1, 255, 0, 256},
	};
	static const enum tv_option flags[] = {TV_OPT_NODELAY,     TV_OPT_KEEPALIVE, TV_OPT_KEEPALIVE_OCTET,
	                                       TV_OPT_SOFT_ERRORS, TV_OPT_CORK,      TV_OPT_SIDE, TV_OPT_QUICK_ACK};
	static const enum tv_option waits[] = {TV_OPT_KEEPALIVE_IDLE, TV_OPT_KEEPALIVE_INTERVAL, TV_OPT_USER_TIMEOUT,
	                                       TV_OPT_FIN_WAIT_2};
	struct lab *l = lab_new(NULL, false);
	uint64_t v;

	(void)state;
	lab_active(l);
	for (unsigned i = 0; i < COUNT(cases); i++) {
		const uint64_t good[] = {cases[i].low, cases[i].high}, bad[] = {cases[i].below, cases[i].above};

		for (unsigned k = 0; k < 2; k++) {
			lab_set(l, cases[i].option, good[k]);
			assert_int_equal(tv_get(l->s, l->conn, cases[i].option, &v), TV_OK);
			assert_true(v == good[k]);
			assert_int_equal(tv_set(l->s, l->now, l->conn, cases[i].option, bad[k]), TV_EINVAL);
			assert_int_equal(tv_get(l->s, l->conn, cases[i].option, &v), TV_OK);
			assert_true(v == good[k]);
		}
	}
	for (unsigned i = 0; i < COUNT(flags) * 3; i++) {
		lab_set(l, flags[i / 3], i % 3 == 1 ? 0 : 5);
		assert_int_equal(tv_get(l->s, l->conn, flags[i / 3], &v), TV_OK);
		assert_int_equal(v, i % 3 == 1 ? 0 : 1);
	}
	for (unsigned i = 0; i < COUNT(waits); i++) {
		lab_set(l, waits[i], TV_NEVER);
		assert_int_equal(tv_set(l->s, l->now, l->conn, waits[i], 0), TV_EINVAL);
		lab_set(l, waits[i], 5 * TV_S);
		assert_int_equal(tv_get(l->s, l->conn, waits[i], &v), TV_OK);
		assert_true(v == 5 * TV_S);
	}
	lab_set(l, TV_OPT_USER, 1234567890123u);
	assert_int_equal(tv_get(l->s, l->conn, TV_OPT_USER, &v), TV_OK);
	assert_true(v == 1234567890123u && lab_info(l).user == v);
	assert_int_equal(tv_set(l->s, l->now, l->conn, (enum tv_option)(TV_OPT_SIDE + 1), 0), TV_EINVAL);
	assert_int_equal(tv_get(l->s, l->conn, (enum tv_option)(TV_OPT_SIDE + 1), &v), TV_EINVAL);
	assert_int_equal(tv_set(l->s, l->now, l->listener, TV_OPT_TTL, 5), TV_ESTALE);
	lab_free(l);
}

/* One connection's options are its own, also when it shared its set with others. */
static void test_user_options_of_one_leave_others_alone(void **state)
{
	struct lab *l = lab_new(NULL, false);
	tv_handle first;
	uint64_t v;

	(void)state;
	lab_active(l);
	first = l->conn;
	l->peer_port++;
	lab_active(l);
	lab_set(l, TV_OPT_DSCP, 10);
	lab_set(l, TV_OPT_DSCP, 11);
	assert_int_equal(tv_get(l->s, first, TV_OPT_DSCP, &v), TV_OK);
	assert_int_equal(v, 0);
	assert_int_equal(tv_get(l->s, l->conn, TV_OPT_DSCP, &v), TV_OK);
	assert_int_equal(v, 11);
	lab_free(l);
}

/* Side records are counted out: the ninth is refused, one given back serves again. */
static void test_user_side_records_run_out_and_come_back(void **state)
{
	struct lab *l = lab_new(NULL, false);
	tv_handle h[9];

	(void)state;
	for (unsigned i = 0; i < 9; i++) {
		l->peer_port++;
		lab_active(l);
		h[i] = l->conn;
		assert_int_equal(tv_set(l->s, l->now, h[i], TV_OPT_SIDE, 1), i < 8 ? TV_OK : TV_EFULL);
	}
	assert_int_equal(tv_set(l->s, l->now, h[3], TV_OPT_SIDE, 0), TV_OK);
	assert_int_equal(tv_set(l->s, l->now, h[3], TV_OPT_SIDE, 0), TV_OK);
	assert_int_equal(tv_set(l->s, l->now, h[8], TV_OPT_SIDE, 1), TV_OK);
	assert_int_equal(tv_set(l->s, l->now, h[8], TV_OPT_SIDE, 1), TV_OK);
	assert_true(lab_info(l).has_side);
	l->conn = h[3];
	assert_false(lab_info(l).has_side);
	lab_free(l);
}

/* Each event once for each edge: readable, writable, drained [MUST-32]. */
static void test_user_events_once_for_each_edge(void **state)
{
	struct lab *l = lab_new(NULL, false);
	uint32_t from;
	static uint8_t text[5000];

	(void)state;
	l->opts.snd_buf = 4000;
	l->opts.nodelay = true;
	lab_active(l);
	from = l->seq;
	for (unsigned i = 0; i < 3; i++) {
		SAY(l, .flags = TV_ACK, .len = 10);
		assert_int_equal(lab_events(l, l->conn), i == 0 ? TV_EV_READABLE : 0);
	}
	lab_read(l, &from);
	SAY(l, .flags = TV_ACK, .len = 10);
	assert_int_equal(lab_events(l, l->conn), TV_EV_READABLE);
	assert_int_equal(tv_send(l->s, l->now, l->conn, text, 5000, 0), 4000);
	assert_int_equal(tv_send(l->s, l->now, l->conn, text, 5000, 0), TV_AGAIN);
	lab_hear(l);
	SAY(l, .flags = TV_ACK, .ack_off = 1999);
	assert_int_equal(lab_events(l, l->conn), 0);
	SAY(l, .flags = TV_ACK, .ack_off = 2000);
	assert_int_equal(lab_events(l, l->conn), TV_EV_WRITABLE); /* when half of the buffer is free */
	SAY(l, .flags = TV_ACK, .ack_off = 3999);
	assert_int_equal(lab_events(l, l->conn), 0);
	SAY(l, .flags = TV_ACK, .ack_off = 4000);
	assert_int_equal(lab_events(l, l->conn), TV_EV_DRAINED);
	SAY(l, .flags = TV_ACK, .ack_off = 4000);
	assert_int_equal(lab_events(l, l->conn), 0);
	assert_int_equal(tv_send(l->s, l->now, l->conn, text, 4000, 0), 4000); /* all was taken: no room is owed */
	lab_hear(l);
	SAY(l, .flags = TV_ACK, .ack_off = 8000);
	assert_int_equal(lab_events(l, l->conn), TV_EV_DRAINED);
	lab_free(l);
}

/* TV_SEND_MORE and CORK hold a partial segment, 200 ms at most; FIN goes with the last text. */
static void test_user_more_and_cork_hold_partial_segments(void **state)
{
	struct lab *l = lab_new(NULL, false);

	(void)state;
	lab_active(l);
	lab_send(l, 100, TV_SEND_MORE);
	assert_int_equal(l->count, 0);
	lab_send(l, 50, 0);
	assert_int_equal(lab_only(l, TV_ACK | TV_PSH)->len, 150);
	l->ack += 150;
	SAY(l, .flags = TV_ACK);
	lab_set(l, TV_OPT_CORK, 1);
	lab_send(l, 1560, 0);
	assert_int_equal(lab_only(l, TV_ACK)->len, 1460);
	l->ack += 1460;
	SAY(l, .flags = TV_ACK);
	assert_int_equal(l->count, 0);
	lab_wait(l, 199 * TV_MS);
	assert_int_equal(l->total, 0);
	lab_wait(l, 2 * TV_MS);
	assert_int_equal(lab_only(l, TV_ACK | TV_PSH)->len, 100);
	l->ack += 100;
	SAY(l, .flags = TV_ACK);
	lab_send(l, 100, 0);
	assert_int_equal(l->count, 0);
	lab_set(l, TV_OPT_CORK, 0);
	lab_hear(l);
	assert_int_equal(lab_only(l, TV_ACK | TV_PSH)->len, 100);
	l->ack += 100;
	SAY(l, .flags = TV_ACK);
	lab_send(l, 100, TV_SEND_FIN);
	assert_int_equal(lab_only(l, TV_ACK | TV_PSH | TV_FIN)->len, 100);
	lab_free(l);
}

/* tv_fetch() is a hint: whatever it is given, nothing changes. */
static void test_user_fetch_changes_nothing(void **state)
{
	struct lab *l = lab_new(NULL, false);
	uint8_t *before = malloc(l->bytes);
	tv_handle handles[5];

	(void)state;
	lab_active(l);
	handles[0] = l->conn;
	l->seq = 1000000;
	lab_active(l);
	handles[1] = l->conn;
	assert_int_equal(tv_abort(l->s, l->now, l->conn), TV_OK);
	assert_int_equal(tv_release(l->s, l->now, l->conn), TV_OK); /* stale now */
	handles[2] = handles[0] | UINT32_MAX; /* beyond all records */
	handles[3] = 0;
	handles[4] = UINT64_MAX;
	assert_non_null(before);
	memcpy(before, l->region, l->bytes);
	tv_fetch(l->s, handles, 5);
	tv_fetch(l->s, NULL, 0);
	assert_memory_equal(before, l->region, l->bytes);
	free(before);
	lab_free(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_user_fetch_changes_nothing),
		cmocka_unit_test(test_user_abort_in_each_state_resets_or_says_nothing),
		cmocka_unit_test(test_user_close_in_each_state_fin_once),
		cmocka_unit_test(test_user_send_in_each_state_as_3_10_2_says),
		cmocka_unit_test(test_user_receive_in_each_state_text_then_end),
		cmocka_unit_test(test_user_receive_after_reset_is_an_error),
		cmocka_unit_test(test_user_close_with_unread_text_resets),
		cmocka_unit_test(test_user_simultaneous_close_both_wait),
		cmocka_unit_test(test_user_fin_with_ack_of_ours_goes_to_time_wait),
		cmocka_unit_test(test_user_half_close_still_receives),
		cmocka_unit_test(test_user_dscp_and_ttl_on_every_segment),
		cmocka_unit_test(test_user_ttl_default_and_of_a_listener),
		cmocka_unit_test(test_user_options_ranges_are_held),
		cmocka_unit_test(test_user_options_of_one_leave_others_alone),
		cmocka_unit_test(test_user_side_records_run_out_and_come_back),
		cmocka_unit_test(test_user_events_once_for_each_edge),
		cmocka_unit_test(test_user_more_and_cork_hold_partial_segments),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
