/*
 * test_stack_pending.c - a connection that Fast Open has opened, before its final ACK (RFC 7413 4.2.2): what it
 * may say, what is repeated, and how it ends.
 */
#include "fastopen_server.h"

/* RFC 7413 4.2.2, SYN-ACK: text is acknowledged and can be read before the final ACK. */
static void test_fastopen_good_cookie_delivers_at_once(void **state)
{
	(void)state;
	for (unsigned v6 = 0; v6 < 2; v6++) {
		struct lab *l = server(v6 != 0);
		uint32_t from = 5000; /* as the lab numbers the text of a SYN */
		struct tv_info info;

		open_fast(l);
		lab_only(l, TV_SYN | TV_ACK);
		assert_true((lab_last(l)->opt.has & TV_OPT_HAS_FASTOPEN) == 0);
		assert_int_equal(lab_last(l)->wnd, 65535 - 10); /* the right edge is as if the text had come later */
		assert_int_equal(lab_events(l, l->listener), TV_EV_ACCEPT);
		accept_it(l);
		info = lab_info(l);
		assert_int_equal(info.state, TV_SYN_RECEIVED);
		assert_int_equal(info.fastopen, TV_FO_ACCEPTED);
		assert_int_equal(info.user, 7);
		assert_int_equal(lab_events(l, l->conn), TV_EV_READABLE);
		assert_int_equal(lab_read(l, &from), 10);
		assert_int_equal(SAY(l, .flags = TV_ACK), TV_V_OK);
		assert_int_equal(lab_info(l).state, TV_ESTABLISHED);
		assert_int_equal(lab_events(l, l->conn), TV_EV_CONNECTED);
		assert_int_equal(lab_counters(l).fastopen_passive, 1);
		assert_int_equal(lab_counters(l).passive_opens, 1);
		lab_free(l);
	}
}

/* Linux, basic-zero-payload.pkt: without text too it is a connection, and may be the first to speak. */
static void test_fastopen_without_text_the_server_may_speak(void **state)
{
	struct lab *l = server(false);

	(void)state;
	assert_int_equal(syn(l, linux_v4, 8, true, 0)->ack, 5001);
	accept_it(l);
	assert_int_equal(lab_events(l, l->conn), 0);
	lab_send(l, 100, 0);
	assert_int_equal(lab_only(l, TV_PSH | TV_ACK)->len, 100);
	assert_int_equal(lab_last(l)->ack, 5001);
	assert_int_equal(lab_last(l)->seq, lab_info(l).iss + 1);
	lab_free(l);
}

/* RFC 7413 4.2.2, SYN-ACK, 6: up to the initial window, and in the window of the SYN. */
static void test_fastopen_text_before_the_final_ack_is_limited(void **state)
{
	/* RFC 9293 3.8.6.2.1: what a window of 2000 leaves behind the first segment is too little to be sent. */
	static const uint32_t windows[] = {65535, 2920, 2000, 0};
	static const uint32_t expect[] = {14600, 2920, 1460, 0};

	(void)state;
	for (unsigned i = 0; i < COUNT(windows); i++) {
		struct lab *l = server(false);
		uint32_t sum = 0;

		l->wnd = (uint16_t)windows[i];
		l->syn.mss = 1460;
		l->syn.has = TV_OPT_HAS_MSS;
		open_fast(l);
		accept_it(l);
		lab_send(l, 30000, 0);
		for (unsigned k = 0; k < l->count; k++) {
			const struct tv_segment *s = &l->heard[k].seg;

			assert_int_equal(s->seq, l->ack + sum);
			for (uint32_t at = 0; at < s->len; at++)
				assert_int_equal(s->text[at], lab_octet(sum + at));
			sum += s->len;
		}
		assert_int_equal(sum, expect[i]);
		assert_int_equal(lab_info(l).bytes_in_flight, sum + 1); /* and the SYN */
		lab_free(l);
	}
}

static uint32_t heard_text(const struct lab *l)
{
	uint32_t sum = 0;

	for (unsigned k = 0; k < l->count; k++)
		sum += l->heard[k].seg.len;
	return sum;
}

/* What the final ACK may acknowledge of it, and what comes again when it does not. */
static void test_fastopen_final_ack_and_text_that_left_before(void **state)
{
	static const uint32_t acked[] = {0, 1000, 3000};

	(void)state;
	for (unsigned sack = 0; sack < 2; sack++)
		for (unsigned i = 0; i < COUNT(acked); i++) {
			struct lab *l = server(false);
			struct tv_info info;

			l->syn.has = TV_OPT_HAS_MSS | (sack != 0 ? TV_OPT_HAS_SACK_OK : 0);
			l->syn.mss = 1000;
			open_fast(l);
			accept_it(l);
			lab_send(l, 3000, 0);
			assert_int_equal(heard_text(l), 3000);
			lab_wait(l, 100 * TV_MS);
			assert_int_equal(SAY(l, .flags = TV_ACK, .ack_off = (int32_t)acked[i]), TV_V_OK);
			info = lab_info(l);
			assert_int_equal(info.state, TV_ESTABLISHED);
			assert_int_equal(info.bytes_in_flight, 3000 - acked[i]);
			assert_int_equal(info.bytes_queued, 3000 - acked[i]);
			assert_int_equal(info.dup_acks, 0);
			assert_int_equal(info.srtt_us, 100000);
			assert_int_equal(lab_events(l, l->conn) & (TV_EV_CONNECTED | TV_EV_DRAINED),
			                 TV_EV_CONNECTED | (acked[i] == 3000 ? TV_EV_DRAINED : 0));
			if (acked[i] != 3000) {
				lab_wait(l, 2 * TV_S);
				assert_true(l->count != 0);
				assert_int_equal(l->heard[0].seg.seq, l->ack + acked[i]);
				assert_true(lab_counters(l).retransmissions != 0);
				assert_int_equal(lab_counters(l).syn_retransmissions, 0);
			} else {
				assert_int_equal(lab_wait(l, 10 * TV_S), 0);
			}
			lab_free(l);
		}
}

/* Linux: before the final ACK nothing but the SYN-ACK is sent again, without option; then it ends. */
static void test_fastopen_only_the_syn_ack_is_repeated(void **state)
{
	struct lab *l = server(false);
	unsigned again = 0;

	(void)state;
	open_fast(l);
	accept_it(l);
	lab_events(l, l->conn);
	lab_send(l, 1000, 0);
	lab_wait(l, TV_S - TV_MS);
	assert_int_equal(l->count, 0);
	lab_wait(l, 2 * TV_MS);
	assert_int_equal(lab_only(l, TV_SYN | TV_ACK)->ack, 5011);
	assert_int_equal(lab_last(l)->opt.has & TV_OPT_HAS_FASTOPEN, 0);
	assert_int_equal(lab_last(l)->len, 0);
	lab_wait(l, 200 * TV_S);
	for (unsigned k = 0; k < l->count; k++)
		again += l->heard[k].seg.flags == (TV_SYN | TV_ACK) && l->heard[k].seg.len == 0;
	assert_int_equal(again, l->count);
	assert_int_equal(again, 4); /* five in all */
	assert_int_equal(lab_events(l, l->conn), TV_EV_SOFT_ERROR | TV_EV_CLOSED);
	assert_int_equal(l->reason, TV_R_SYN_ACK_TIMEOUT);
	assert_int_equal(lab_counters(l).attempts_failed, 1);
	lab_free(l);
}

/* After a repeated SYN-ACK the window is one segment (RFC 5681 3.1), and the text comes again in its time. */
static void test_fastopen_late_final_ack_repeats_the_text(void **state)
{
	struct lab *l = server(false);

	(void)state;
	open_fast(l);
	accept_it(l);
	lab_send(l, 1000, 0);
	lab_wait(l, TV_S + TV_MS);
	assert_int_equal(SAY(l, .flags = TV_ACK), TV_V_OK);
	assert_int_equal(lab_info(l).state, TV_ESTABLISHED);
	assert_int_equal(l->count, 0);
	lab_wait(l, 4 * TV_S);
	assert_int_equal(heard_text(l) % 1000, 0);
	assert_true(l->count >= 1);
	assert_int_equal(l->heard[0].seg.seq, l->ack);
	SAY(l, .flags = TV_ACK, .ack_off = 1000);
	assert_int_equal(lab_info(l).bytes_queued, 0);
	lab_free(l);
}

/* The same SYN again: the SYN-ACK again, the text not twice. */
static void test_fastopen_repeated_syn(void **state)
{
	struct tv_tcp_options o = {.has = TV_OPT_HAS_FASTOPEN, .cookie_len = 8};
	struct lab *l = server(false);
	uint32_t from = 5000;

	(void)state;
	memcpy(o.cookie, linux_v4, 8);
	open_fast(l);
	for (unsigned i = 0; i < 3; i++) {
		l->seq = 5000;
		assert_int_equal(SAY(l, .flags = TV_SYN, .opt = i == 0 ? &o : NULL, .len = i < 2 ? 10 : 0), TV_V_OK);
		assert_int_equal(lab_only(l, TV_SYN | TV_ACK)->ack, 5011);
		assert_int_equal(lab_last(l)->seq, l->ack - 1);
	}
	accept_it(l);
	assert_int_equal(lab_read(l, &from), 10);
	assert_int_equal(lab_counters(l).fastopen_passive, 1);
	l->seq = 5011;
	assert_int_equal(peer_ack(l), TV_V_OK);
	assert_int_equal(lab_info(l).state, TV_ESTABLISHED);
	lab_free(l);
}

/* Text may come with the final ACK, and instead of it. */
static void test_fastopen_text_as_final_ack(void **state)
{
	struct lab *l = server(false);
	uint32_t from = 5000;

	(void)state;
	open_fast(l);
	accept_it(l);
	lab_read(l, &from);
	from = 5111;
	assert_int_equal(SAY(l, .flags = TV_ACK, .off = 100, .len = 50), TV_V_OK); /* out of order */
	assert_int_equal(lab_info(l).state, TV_ESTABLISHED);
	assert_int_equal(lab_info(l).bytes_unread, 0);
	from = 5011;
	assert_int_equal(SAY(l, .flags = TV_ACK, .len = 100), TV_V_OK);
	assert_int_equal(lab_read(l, &from), 150);
	lab_free(l);
}

/* Linux, fin-close-socket.pkt: FIN with the final ACK. A SYN with FIN is dropped, as by Linux. */
static void test_fastopen_fin(void **state)
{
	struct tv_tcp_options o = {.has = TV_OPT_HAS_FASTOPEN, .cookie_len = 8};
	struct lab *l = server(false);
	uint32_t from = 5000;

	(void)state;
	open_fast(l);
	assert_int_equal(SAY(l, .flags = TV_FIN | TV_ACK), TV_V_OK);
	assert_int_equal(lab_only(l, TV_ACK)->ack, 5012);
	accept_it(l);
	assert_int_equal(lab_info(l).state, TV_CLOSE_WAIT);
	assert_int_equal(lab_read(l, &from), 10);
	assert_int_equal(tv_recv(l->s, l->now, l->conn, &from, 4, 0), 0);
	memcpy(o.cookie, linux_v4, 8);
	l->peer_port++;
	assert_int_equal(SAY(l, .flags = TV_SYN | TV_FIN, .opt = &o, .len = 10), TV_V_BAD_FLAGS);
	assert_int_equal(lab_counters(l).fastopen_passive, 1);
	lab_free(l);
}

/* Our own FIN, and text behind it, wait for the final ACK: the FIN comes after all of it. */
static void test_fastopen_close_waits_for_the_final_ack(void **state)
{
	struct lab *l = server(false);
	uint32_t from = 5000;

	(void)state;
	open_fast(l);
	accept_it(l);
	lab_read(l, &from);
	lab_send(l, 100, TV_SEND_FIN);
	assert_int_equal(lab_only(l, TV_PSH | TV_ACK)->len, 100);
	assert_int_equal(lab_info(l).state, TV_SYN_RECEIVED);
	assert_int_equal(SAY(l, .flags = TV_ACK), TV_V_OK);
	assert_int_equal(lab_only(l, TV_FIN | TV_ACK)->seq, l->ack + 100);
	assert_int_equal(lab_info(l).state, TV_FIN_WAIT_1);
	SAY(l, .flags = TV_ACK, .ack_off = 101);
	assert_int_equal(lab_info(l).state, TV_FIN_WAIT_2);
	lab_free(l);
}

/* Linux, unread-data-closed-trigger-rst.pkt and listener-closed-trigger-rst.pkt. */
static void test_fastopen_unread_text_is_reset(void **state)
{
	(void)state;
	for (unsigned listener = 0; listener < 2; listener++) {
		struct lab *l = server(false);

		open_fast(l);
		if (listener == 0)
			accept_it(l);
		assert_int_equal(tv_close(l->s, l->now, listener != 0 ? l->listener : l->conn), TV_OK);
		lab_hear(l);
		assert_int_equal(lab_only(l, TV_RST | TV_ACK)->ack, 5011);
		assert_int_equal(lab_last(l)->seq, l->ack);
		lab_free(l);
	}
}

/* What was accepted outlives its listener, and another listener in the same place does not count it. */
static void test_fastopen_listener_closes_before_the_final_ack(void **state)
{
	struct lab *l = server(false);
	tv_handle first, second;
	uint16_t port;

	(void)state;
	lab_passive(l); /* another one of this listener, established */
	second = l->conn;
	open_fast(l);
	accept_it(l);
	first = l->conn;
	port = l->peer_port;
	assert_int_equal(tv_release(l->s, l->now, l->listener), TV_OK);
	assert_int_equal(tv_stack_check(l->s), 0);
	lab_listen(l);
	assert_int_equal(tv_set(l->s, l->now, l->listener, TV_OPT_FASTOPEN, 1), TV_OK);
	open_fast(l);
	l->peer_port = port;
	l->conn = first;
	l->seq = 5011;
	l->ack = lab_info(l).iss + 1;
	assert_int_equal(peer_ack(l), TV_V_OK);
	assert_int_equal(lab_info(l).state, TV_ESTABLISHED);
	l->peer_port += 5;
	assert_int_equal(syn(l, linux_v4, 8, false, 10)->ack, 5001); /* one is pending still */
	l->conn = second;
	assert_int_equal(lab_info(l).state, TV_ESTABLISHED);
	lab_free(l);
}

/* Linux, reset-before-accept.pkt: the text of the SYN can be read, and then nothing. */
static void test_fastopen_reset_leaves_the_text(void **state)
{
	(void)state;
	for (unsigned accepted = 0; accepted < 2; accepted++) {
		struct lab *l = server(false);
		uint32_t from = 5000;
		uint8_t octet;

		open_fast(l);
		if (accepted != 0)
			accept_it(l);
		assert_int_equal(SAY(l, .flags = TV_RST | TV_ACK, .off = 1), TV_V_RST_INEXACT);
		assert_int_equal(SAY(l, .flags = TV_RST | TV_ACK), TV_V_OK);
		if (accepted == 0)
			accept_it(l);
		assert_true((lab_events(l, l->conn) & TV_EV_CLOSED) != 0);
		assert_int_equal(l->reason, TV_R_RESET);
		assert_int_equal(lab_read(l, &from), 10);
		assert_int_equal(tv_recv(l->s, l->now, l->conn, &octet, 1, 0), TV_ECLOSED);
		assert_int_equal(tv_send(l->s, l->now, l->conn, &octet, 1, 0), TV_ECLOSED);
		assert_int_equal(tv_release(l->s, l->now, l->conn), TV_OK);
		assert_int_equal(lab_counters(l).connections, 0);
		assert_int_equal(lab_counters(l).pages_used + lab_counters(l).small_pages_used, 0);
		lab_free(l);
	}
}

/* Nothing can be read of what the user has aborted itself. */
static void test_fastopen_aborted_text_is_gone(void **state)
{
	struct lab *l = server(false);
	uint8_t octet;

	(void)state;
	open_fast(l);
	accept_it(l);
	assert_int_equal(tv_abort(l->s, l->now, l->conn), TV_OK);
	assert_int_equal(tv_recv(l->s, l->now, l->conn, &octet, 1, 0), TV_ECLOSED);
	assert_int_equal(lab_counters(l).pages_used + lab_counters(l).small_pages_used, 0);
	lab_free(l);
}

/* Linux, icmp-before-accept.pkt: a hard error ends what was not accepted; after that it is soft. */
static void test_fastopen_icmp(void **state)
{
	(void)state;
	for (unsigned accepted = 0; accepted < 2; accepted++) {
		struct lab *l = server(false);
		uint8_t quoted[60];
		uint32_t from = 5000;

		open_fast(l);
		memcpy(quoted, l->heard[0].bytes, 40);
		if (accepted != 0)
			accept_it(l);
		quoted[24] ^= 0x40; /* another sequence number (RFC 5927 4.1) */
		assert_int_equal(lab_icmp(l, 3, 2, 0, quoted, 40), TV_V_ICMP_UNVALIDATED);
		quoted[24] ^= 0x40;
		assert_int_equal(lab_icmp(l, 3, 2, 0, quoted, 40), TV_V_OK);
		assert_int_equal(lab_counters(l).icmp_hard, accepted == 0);
		assert_int_equal(lab_counters(l).icmp_soft, accepted);
		if (accepted == 0)
			accept_it(l);
		assert_int_equal(lab_info(l).state, accepted != 0 ? TV_SYN_RECEIVED : TV_CLOSED);
		assert_int_equal(lab_info(l).reason, accepted != 0 ? TV_R_NONE : TV_R_PROTOCOL_UNREACHABLE);
		assert_int_equal(lab_read(l, &from), 10);
		lab_free(l);
	}
}

/* A smaller path for text that left before the final ACK: it is cut anew, the SYN before it is not counted. */
static void test_fastopen_path_mtu_before_the_final_ack(void **state)
{
	struct lab *l = server(false);
	uint8_t quoted[60];

	(void)state;
	l->syn.has = TV_OPT_HAS_MSS;
	l->syn.mss = 1460;
	open_fast(l);
	accept_it(l);
	lab_send(l, 2920, 0);
	assert_int_equal(l->count, 2);
	memcpy(quoted, l->heard[0].bytes, 40);
	assert_int_equal(lab_icmp(l, 3, 4, 1000, quoted, 40), TV_V_OK);
	assert_int_equal(heard_text(l), 2920);
	assert_int_equal(l->heard[0].seg.seq, l->ack);
	assert_int_equal(l->heard[0].seg.len, 960);
	SAY(l, .flags = TV_ACK, .ack_off = 2920);
	assert_int_equal(lab_info(l).bytes_queued, 0);
	lab_free(l);
}

/* More text than the window that the SYN-ACK announces, or than there are pages: what fits is acknowledged. */
static void test_fastopen_text_that_does_not_fit(void **state)
{
	uint32_t took, from = 5000;
	struct tv_config g;
	struct lab *l;

	(void)state;
	lab_config(&g);
	g.defaults.rcv_buf = 1024;
	l = server_with(&g, false, 10);
	assert_int_equal(syn(l, linux_v4, 8, false, 1400)->ack, 5001 + 1024);
	assert_int_equal(lab_last(l)->wnd, 0);
	/* What was read before the final ACK opens the window with it. */
	accept_it(l);
	assert_int_equal(lab_read(l, &from), 1024);
	assert_int_equal(l->count, 1);
	l->seq = 5001 + 1024;
	assert_int_equal(SAY(l, .flags = TV_ACK), TV_V_OK);
	assert_int_equal(lab_only(l, TV_ACK)->wnd, 1024);
	lab_free(l);

	lab_config(&g);
	g.pages = 2;
	g.small_pages = 1;
	l = server_with(&g, false, 100);
	for (unsigned i = 0; i < 40; i++) {
		struct tv_tcp_options o = {.has = TV_OPT_HAS_FASTOPEN, .cookie_len = 8};
		enum tv_verdict v;

		memcpy(o.cookie, linux_v4, 8);
		l->peer_port++;
		l->seq = 5000;
		v = SAY(l, .flags = TV_SYN, .opt = &o, .len = 1000);
		took = lab_only(l, TV_SYN | TV_ACK)->ack - 5001;
		assert_int_equal(v, took == 1000 ? TV_V_OK : TV_V_NO_PAGE);
		accept_it(l);
		assert_int_equal(lab_info(l).bytes_unread, took);
	}
	assert_int_equal(took, 0);
	lab_free(l);
}

/* No record for a map of what is in flight: text waits for the final ACK. */
static void test_fastopen_text_waits_for_a_record(void **state)
{
	struct tv_config g;
	struct lab *l;
	tv_handle first;

	(void)state;
	lab_config(&g);
	g.busy = 1;
	l = server_with(&g, false, 10);
	open_fast(l);
	accept_it(l);
	first = l->conn;
	lab_send(l, 100, 0);
	lab_only(l, TV_PSH | TV_ACK);
	open_fast(l);
	accept_it(l);
	l->sent = 0;
	lab_send(l, 100, 0);
	assert_int_equal(l->count, 0);
	assert_int_equal(peer_ack(l), TV_V_OK);
	assert_int_equal(lab_only(l, TV_PSH | TV_ACK)->len, 100);
	l->conn = first;
	assert_int_equal(lab_info(l).bytes_in_flight, 101);
	lab_free(l);
}

/* Small pieces are not held for the SYN that is in flight (as Linux), but for each other (Nagle). */
static void test_fastopen_nagle_before_the_final_ack(void **state)
{
	struct lab *l = server(false);

	(void)state;
	open_fast(l);
	accept_it(l);
	lab_send(l, 10, 0);
	assert_int_equal(lab_only(l, TV_PSH | TV_ACK)->len, 10);
	lab_send(l, 10, 0);
	assert_int_equal(l->count, 0);
	assert_int_equal(SAY(l, .flags = TV_ACK, .ack_off = 10), TV_V_OK);
	assert_int_equal(lab_only(l, TV_PSH | TV_ACK)->len, 10);
	lab_free(l);
}

/* The same calls and packets, the same octets: and the ordinary SYN-RECEIVED says no text early. */
static void test_fastopen_accepted_question_does_not_speak_early(void **state)
{
	struct lab *l = lab_new(NULL, false);
	struct tv_answer a = {.size = sizeof a, .kind = TV_ANSWER_ACCEPT};
	struct tv_listen_config g;
	struct tv_event e;

	(void)state;
	tv_listen_default(&g);
	g.port_first = g.port_last = l->port;
	g.hold = true;
	assert_int_equal(tv_listen(l->s, l->now, &g, &l->listener), TV_OK);
	SAY(l, .flags = TV_SYN);
	assert_true(tv_event(l->s, &e));
	assert_int_equal(tv_answer(l->s, l->now, e.handle, &a, &l->conn), TV_OK);
	lab_hear(l);
	lab_only(l, TV_SYN | TV_ACK);
	assert_int_equal(lab_info(l).fastopen, TV_FO_NONE);
	lab_send(l, 100, 0);
	assert_int_equal(l->count, 0);
	lab_free(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fastopen_good_cookie_delivers_at_once),
		cmocka_unit_test(test_fastopen_without_text_the_server_may_speak),
		cmocka_unit_test(test_fastopen_text_before_the_final_ack_is_limited),
		cmocka_unit_test(test_fastopen_final_ack_and_text_that_left_before),
		cmocka_unit_test(test_fastopen_only_the_syn_ack_is_repeated),
		cmocka_unit_test(test_fastopen_late_final_ack_repeats_the_text),
		cmocka_unit_test(test_fastopen_repeated_syn),
		cmocka_unit_test(test_fastopen_text_as_final_ack),
		cmocka_unit_test(test_fastopen_fin),
		cmocka_unit_test(test_fastopen_close_waits_for_the_final_ack),
		cmocka_unit_test(test_fastopen_unread_text_is_reset),
		cmocka_unit_test(test_fastopen_listener_closes_before_the_final_ack),
		cmocka_unit_test(test_fastopen_reset_leaves_the_text),
		cmocka_unit_test(test_fastopen_aborted_text_is_gone),
		cmocka_unit_test(test_fastopen_icmp),
		cmocka_unit_test(test_fastopen_path_mtu_before_the_final_ack),
		cmocka_unit_test(test_fastopen_text_that_does_not_fit),
		cmocka_unit_test(test_fastopen_text_waits_for_a_record),
		cmocka_unit_test(test_fastopen_nagle_before_the_final_ack),
		cmocka_unit_test(test_fastopen_accepted_question_does_not_speak_early),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
