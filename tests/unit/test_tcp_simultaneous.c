/*
 * test_tcp_simultaneous.c - SYN-RECEIVED out of SYN-SENT: a simultaneous open, or somebody's SYN that looks like one.
 */
#include "lab.h"

/* A SYN that anybody may have sent, and then the SYN-ACK of the peer: RFC 9293 3.10.7.3, fourth, with what our SYN
 * offered, be it that the SYN-ACK to the other SYN has left or not; and not again. */
static void test_open_syn_ack_of_the_peer_prevails_over_another_syn(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		struct lab *l = lab_new(NULL, (i & 1) != 0);
		struct tv_tcp_options none = {0};
		static uint8_t p[2000];
		struct tv_packet packet = {.data = p};
		uint32_t irs;

		l->syn.has |= TV_OPT_HAS_TS | TV_OPT_HAS_SACK_OK | TV_OPT_HAS_WSCALE;
		l->syn.wscale = 6;
		lab_syn_sent(l);
		if ((i & 2) != 0) { /* both before we could say anything */
			packet.len = lab_build(l, &(struct say){.flags = TV_SYN, .off = 777777, .opt = &none}, p);
			tv_input(l->s, l->now, &packet, 1, NULL);
		} else {
			SAY(l, .flags = TV_SYN, .off = 777777, .opt = &none, .stay = true);
			assert_int_equal(lab_only(l, TV_SYN | TV_ACK)->opt.has, TV_OPT_HAS_MSS);
			SAY(l, .flags = TV_SYN | TV_ACK, .off = 1, .ack_off = -1, .stay = true); /* not of our SYN */
			assert_int_equal(l->verdict, TV_V_SYN_CHALLENGED);
			SAY(l, .flags = TV_SYN | TV_ACK, .off = 2, .ack_off = 1, .stay = true);
			assert_int_equal(l->verdict, TV_V_SYN_CHALLENGED);
		}
		irs = l->seq;
		assert_int_equal(lab_info(l).state, TV_SYN_RECEIVED);
		assert_int_equal(SAY(l, .flags = TV_SYN | TV_ACK), TV_V_OK);
		assert_int_equal(lab_info(l).state, TV_ESTABLISHED);
		assert_int_equal(lab_only(l, TV_ACK)->ack, irs + 1);
		assert_int_equal(lab_info(l).irs, irs);
		assert_true(lab_info(l).timestamps && lab_info(l).sack && lab_info(l).window_scale);
		assert_int_equal(lab_info(l).snd_scale, 6);
		assert_int_equal(lab_info(l).mss_peer, 1460);
		assert_int_equal(lab_info(l).rcv_nxt, irs + 1);
		assert_int_equal(lab_wait(l, 10 * TV_S), 0);
		lab_free(l);
	}
}

/* Without the acknowledgment it is nobody in particular: RFC 9293 3.10.7.4, fourth, a challenge ACK; and in a
 * passive SYN-RECEIVED there was no SYN of ours that it could answer. */
static void test_open_other_syns_in_syn_received_change_nothing(void **state)
{
	struct lab *l = lab_new(NULL, false);

	(void)state;
	lab_syn_sent(l);
	SAY(l, .flags = TV_SYN);
	SAY(l, .flags = TV_SYN, .off = 5000, .stay = true);
	lab_only(l, TV_ACK);
	assert_int_equal(l->verdict, TV_V_SYN_CHALLENGED);
	SAY(l, .flags = TV_SYN | TV_ACK | TV_RST, .off = 100000, .stay = true);
	assert_int_equal(l->verdict, TV_V_RST_OUT_OF_WINDOW);
	assert_int_equal(lab_info(l).state, TV_SYN_RECEIVED);
	assert_int_equal(lab_info(l).irs, l->seq - 1);
	SAY(l, .flags = TV_SYN | TV_ACK, .off = -1, .stay = true); /* the other half of a simultaneous open */
	assert_int_equal(lab_info(l).state, TV_ESTABLISHED);
	lab_free(l);
	l = lab_new(NULL, false);
	lab_listen(l);
	SAY(l, .flags = TV_SYN);
	l->ack = lab_last(l)->seq + 1;
	SAY(l, .flags = TV_SYN | TV_ACK, .off = 100, .stay = true);
	assert_int_equal(l->verdict, TV_V_SYN_CHALLENGED);
	assert_int_equal(lab_counters(l).half_opens, 1);
	lab_free(l);
}

/* RFC 9293 3.10.2, SYN-RECEIVED: text is queued for transmission after ESTABLISHED, also when the path turns out to be
 * narrow before (RFC 1191). */
static void test_open_text_waits_in_syn_received_when_the_path_mtu_shrinks(void **state)
{
	struct lab *l = lab_new(NULL, false);
	uint8_t quoted[40];

	(void)state;
	lab_syn_sent(l);
	memcpy(quoted, l->heard[0].bytes, sizeof quoted);
	lab_send(l, 2000, 0);
	SAY(l, .flags = TV_SYN);
	lab_only(l, TV_SYN | TV_ACK);
	assert_int_equal(lab_icmp(l, 3, 4, 1000, quoted, sizeof quoted), TV_V_OK);
	assert_int_equal(lab_info(l).pmtu, 1000);
	assert_int_equal(lab_info(l).state, TV_SYN_RECEIVED);
	for (unsigned i = 0; i < l->count; i++)
		assert_int_equal(l->heard[i].seg.len, 0);
	assert_int_equal(lab_info(l).bytes_in_flight, 1);
	assert_int_equal(SAY(l, .flags = TV_ACK), TV_V_OK);
	assert_int_equal(lab_info(l).state, TV_ESTABLISHED);
	assert_int_equal(l->heard[0].seg.len, 960);
	assert_int_equal(lab_info(l).bytes_in_flight, 2000);
	lab_free(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_open_syn_ack_of_the_peer_prevails_over_another_syn),
		cmocka_unit_test(test_open_other_syns_in_syn_received_change_nothing),
		cmocka_unit_test(test_open_text_waits_in_syn_received_when_the_path_mtu_shrinks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
