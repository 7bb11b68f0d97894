/* test_tcp_cc.c - congestion control in numbers: growth, reduction, recovery, idle times. */
#include "lab.h"

#include "stack/handles.h"

/* RFC 6928 2 [MUST-19] */
static void test_cc_initial_window_by_segment_size(void **state)
{
	static const struct {
		uint16_t mss;
		uint32_t window;
	} cases[] = {{536, 5360}, {1460, 14600}, {2000, 14600}, {8960, 17920}, {7300, 14600}, {100, 1000}};

	(void)state;
	for (unsigned i = 0; i < COUNT(cases) * 2; i++) {
		struct lab *l = lab_new(NULL, false);

		assert_int_equal(tv_link_mtu(l->s, l->now, 0, 9000), TV_OK);
		l->syn.mss = cases[i / 2].mss;
		if (i % 2 != 0)
			lab_passive(l);
		else
			lab_active(l);
		assert_int_equal(lab_info(l).cwnd, cases[i / 2].window);
		lab_free(l);
	}
}

/* The peer acknowledges n octets more. */
static void acks(struct lab *l, uint32_t n)
{
	l->ack += n;
	SAY(l, .flags = TV_ACK);
}

static struct lab *bulk(bool sack)
{
	struct lab *l = lab_new(NULL, false);

	l->syn.mss = 1000;
	l->syn.has |= TV_OPT_HAS_WSCALE | (sack ? TV_OPT_HAS_SACK_OK : 0);
	l->syn.wscale = 7;
	lab_active(l);
	SAY(l, .flags = TV_ACK);
	lab_send(l, 500000, 0);
	assert_int_equal(lab_info(l).cwnd, 10000);
	assert_int_equal(lab_info(l).bytes_in_flight, 10000);
	assert_int_equal(l->count, 10);
	return l;
}

/* RFC 5681 3.1 with octets counted (RFC 3465): what was acknowledged, two segments at most [MUST-19] */
static void test_cc_slow_start_grows_by_what_is_acknowledged(void **state)
{
	static const struct {
		uint32_t acked, growth;
	} cases[] = {{1000, 1000}, {1, 1}, {2000, 2000}, {2001, 2000}, {5000, 2000}};
	struct lab *l = bulk(false);
	uint32_t cwnd = 10000;

	(void)state;
	for (unsigned i = 0; i < COUNT(cases); i++) {
		acks(l, cases[i].acked);
		cwnd += cases[i].growth;
		assert_int_equal(lab_info(l).cwnd, cwnd);
	}
	lab_free(l);
}

/* Nothing grows while the user, and not the window, is the limit (RFC 7661). */
static void test_cc_window_that_is_no_limit_does_not_grow(void **state)
{
	struct lab *l = lab_new(NULL, false);

	(void)state;
	lab_active(l);
	for (unsigned i = 0; i < 10; i++) {
		lab_send(l, 1460, 0);
		acks(l, 1460);
	}
	assert_int_equal(lab_info(l).cwnd, 14600);
	lab_free(l);
}

/* Three duplicates: half of the flight; one segment again; then one segment for each window [MUST-19] */
static void test_cc_fast_recovery_and_avoidance_in_numbers(void **state)
{
	struct lab *l = bulk(false);
	uint32_t una = l->ack, window;

	(void)state;
	lab_set(l, TV_OPT_SIDE, 1);
	for (unsigned i = 1; i <= 2; i++) { /* limited transmit (RFC 3042) */
		acks(l, 0);
		assert_int_equal(lab_only(l, TV_ACK)->seq, una + 9000 + i * 1000);
		assert_int_equal(lab_info(l).cwnd, 10000);
	}
	acks(l, 0);
	assert_int_equal(lab_only(l, TV_ACK)->seq, una); /* fast retransmit */
	assert_int_equal(lab_info(l).ssthresh, 6000);    /* half of 12 segments in flight */
	assert_int_equal(lab_info(l).cwnd, 6000);
	assert_int_equal(lab_counters(l).fast_recoveries, 1);
	assert_int_equal(lab_info(l).recoveries, 1);
	assert_int_equal(lab_info(l).retransmitted_segs, 1);
	assert_int_equal(lab_info(l).bytes_retransmitted, 1000);
	for (unsigned i = 4; i <= 11; i++)
		acks(l, 0); /* the rest of the flight arrives */
	assert_int_equal(lab_info(l).cwnd, 6000);
	assert_int_equal(lab_counters(l).dup_acks_in, 11);
	acks(l, 12000); /* all that was sent before recovery */
	window = lab_info(l).cwnd;
	assert_in_range(window, 2000, 6000);
	assert_int_equal(lab_info(l).ssthresh, 6000);
	while (lab_info(l).cwnd < 6000)
		acks(l, lab_info(l).bytes_in_flight < 1000 ? lab_info(l).bytes_in_flight : 1000);
	window = lab_info(l).cwnd;
	assert_int_equal(window, 6000);
	for (unsigned i = 0; i < 5; i++) { /* congestion avoidance: one segment for each window's worth */
		uint32_t got = 0;

		while (lab_info(l).cwnd == window) {
			acks(l, 1000);
			got += 1000;
		}
		assert_int_equal(lab_info(l).cwnd, window + 1000);
		assert_in_range(got, window - 1000, window + 1000);
		window += 1000;
	}
	lab_free(l);
}

/* RFC 6582: a partial acknowledgment repeats the next hole, and recovery goes on. */
static void test_cc_partial_ack_repeats_the_next_hole(void **state)
{
	struct lab *l = bulk(false);
	uint32_t una = l->ack;

	(void)state;
	for (unsigned i = 0; i < 3; i++)
		acks(l, 0);
	assert_int_equal(lab_last(l)->seq, una);
	acks(l, 4000);
	assert_int_equal(l->heard[0].seg.seq, una + 4000);
	assert_int_equal(lab_info(l).ssthresh, 6000);
	assert_int_equal(lab_info(l).cwnd, 6000);
	acks(l, 3000);
	assert_int_equal(l->heard[0].seg.seq, una + 7000);
	assert_int_equal(lab_counters(l).fast_recoveries, 1);
	acks(l, 5000); /* exactly what was in flight when it began: RFC 6582 3.2, 2 asks for more */
	assert_int_equal(lab_counters(l).fast_recoveries, 1);
	for (unsigned i = 0; i < 3; i++)
		acks(l, 0);
	assert_int_equal(lab_counters(l).fast_recoveries, 1);
	acks(l, 1000);
	for (unsigned i = 0; i < 3; i++)
		acks(l, 0);
	assert_int_equal(lab_counters(l).fast_recoveries, 2);
	lab_free(l);
}

/* RFC 5681 3.1 (4), RFC 6298 5.4 to 5.6 [MUST-19]: one segment, half of the flight - once. */
static void test_cc_time_out_collapses_the_window(void **state)
{
	struct lab *l = bulk(false);
	uint32_t una = l->ack;

	(void)state;
	lab_set(l, TV_OPT_SIDE, 1);
	for (unsigned i = 0; i < 3; i++) {
		lab_wait(l, (210ull << i) * TV_MS);
		assert_int_equal(lab_only(l, TV_ACK)->seq, una);
		assert_int_equal(lab_last(l)->len, 1000);
		assert_int_equal(lab_info(l).cwnd, 1000);
		assert_int_equal(lab_info(l).ssthresh, 5000);
		assert_int_equal(lab_info(l).rto_events, i + 1);
	}
	acks(l, 1000); /* slow start again, over what is lost */
	assert_int_equal(lab_info(l).cwnd, 2000);
	assert_int_equal(l->count, 2);
	assert_int_equal(l->heard[0].seg.seq, una + 1000);
	assert_int_equal(l->heard[1].seg.seq, una + 2000);
	acks(l, 2000);
	assert_int_equal(lab_info(l).cwnd, 3000); /* RFC 3465 2.3: one segment for an ACK, whatever it acknowledges */
	acks(l, 0);
	acks(l, 0);
	acks(l, 0); /* duplicates of what was repeated start no recovery (RFC 6582 3.2, 2) */
	assert_int_equal(lab_counters(l).fast_recoveries, 0);
	acks(l, 7000);
	assert_int_equal(lab_info(l).cwnd, 4000);
	lab_free(l);
}

/* Two segments are the least that a loss leaves (RFC 5681 3.1, equation 4). */
static void test_cc_reduction_has_a_floor_of_two_segments(void **state)
{
	struct lab *l = lab_new(NULL, false);

	(void)state;
	lab_active(l);
	lab_send(l, 100, 0);
	lab_wait(l, 210 * TV_MS);
	assert_int_equal(lab_info(l).ssthresh, 2920);
	lab_free(l);
}

/* RFC 5681 4.1: after an idle time longer than the RTO the window is the first one again. */
static void test_cc_idle_longer_than_rto_restarts(void **state)
{
	struct lab *l = bulk(false);
	struct tv_info info;

	(void)state;
	while ((info = lab_info(l)).bytes_in_flight != 0)
		acks(l, info.bytes_in_flight < 2000 ? info.bytes_in_flight : 2000);
	assert_true(info.cwnd > 50000 && info.bytes_queued == 0);
	lab_wait(l, 190 * TV_MS);
	lab_send(l, 1000, 0);
	assert_int_equal(lab_info(l).cwnd, info.cwnd);
	acks(l, 1000);
	lab_wait(l, 210 * TV_MS);
	lab_send(l, 1000, 0);
	assert_int_equal(lab_info(l).cwnd, 10000);
	lab_free(l);
}

/* RFC 6582 3.2, step 3; RFC 6675 5: an ACK of all that was sent when the loss was found ends recovery, to the
 * octet; with SACK the next loss begins another at once (without, RFC 6582 4.1 waits for something new). */
static void test_cc_recovery_ends_at_recover_exactly(void **state)
{
	(void)state;
	for (unsigned sack = 0; sack < 2; sack++) {
		struct lab *l = bulk(sack != 0);
		struct tv_tcp_options o = {.has = TV_OPT_HAS_SACK, .sack_count = 1};

		for (unsigned round = 1; round <= sack + 1; round++) {
			uint32_t recover = lab_info(l).snd_nxt;

			for (unsigned i = 1; i <= 3; i++) {
				o.sack[0].left = l->ack + 1000, o.sack[0].right = l->ack + 1000 + i * 1000;
				SAY(l, .flags = TV_ACK, .opt = sack != 0 ? &o : NULL);
				recover = i < 3 ? lab_info(l).snd_nxt : recover;
			}
			assert_int_equal(lab_info(l).recovery, 1);
			assert_int_equal(lab_counters(l).fast_recoveries, round);
			acks(l, recover - l->ack - 1);
			assert_int_equal(lab_info(l).recovery, 1);
			acks(l, 1);
			assert_int_equal(lab_info(l).recovery, 0);
			assert_int_equal(lab_info(l).bytes_lost + lab_info(l).bytes_repeated, 0);
		}
		lab_free(l);
	}
}

/* RFC 6582 3.2, RFC 5681 3.1: what was in flight at the time-out is acknowledged to the octet: no recovery
 * any more, and the window grows only where it is the limit (RFC 7661). */
static void test_cc_recovery_after_time_out_ends_exactly(void **state)
{
	struct lab *l = bulk(false);
	uint32_t end = lab_info(l).snd_nxt;

	(void)state;
	lab_wait(l, 1500 * TV_MS);
	assert_int_equal(lab_info(l).recovery, 2);
	acks(l, end - l->ack - 1);
	assert_int_equal(lab_info(l).recovery, 2);
	acks(l, 1);
	assert_int_equal(lab_info(l).recovery, 0);
	lab_free(l);
}

/* RFC 2018 4, RFC 2883: blocks that lie below the ACK of their segment tell of nothing that was lost. */
static void test_cc_sack_below_the_ack_starts_no_recovery(void **state)
{
	struct lab *l = bulk(true);
	struct tv_tcp_options o = {.has = TV_OPT_HAS_SACK, .sack_count = 2};
	uint32_t una = l->ack;

	(void)state;
	lab_set(l, TV_OPT_SIDE, 1);
	o.sack[0].left = una + 1000, o.sack[0].right = una + 10000;
	o.sack[1] = o.sack[0];
	SAY(l, .flags = TV_ACK, .ack_off = 10000, .opt = &o);
	assert_int_equal(lab_info(l).recoveries, 0);
	assert_int_equal(lab_info(l).recovery, 0);
	assert_int_equal(lab_counters(l).retransmissions, 0);
	assert_true(lab_info(l).cwnd >= 10000);
	lab_free(l);
}

/* RFC 2018 3: a block has a left and a right edge; one without an octet between them tells nothing. */
static void test_cc_sack_empty_block_marks_nothing(void **state)
{
	struct lab *l = bulk(true);
	struct tv_tcp_options o = {.has = TV_OPT_HAS_SACK, .sack_count = 1};

	(void)state;
	o.sack[0].left = o.sack[0].right = l->ack + 5500;
	SAY(l, .flags = TV_ACK, .opt = &o);
	assert_int_equal(lab_info(l).bytes_sacked, 0);
	o.sack[0].left++;
	SAY(l, .flags = TV_ACK, .opt = &o);
	assert_int_equal(lab_info(l).bytes_sacked, 0);
	lab_free(l);
}

/* RFC 7661 4.2, RFC 5681 3.1; Linux, slow-start-app-limited.pkt and slow-start-ack-per-2pkt-send-6pkt.pkt: in slow
 * start the window grows to twice what was in flight, with every ACK of it, though nothing more is to be sent. */
static void test_cc_slow_start_grows_to_twice_the_flight(void **state)
{
	(void)state;
	for (unsigned segments = 5; segments <= 10; segments++) {
		struct lab *l = lab_new(NULL, false);
		uint32_t cwnd = 10000;

		l->syn.mss = 1000;
		lab_active(l);
		for (unsigned again = 0; again < 2; again++) {
			lab_send(l, segments * 1000, 0);
			for (unsigned k = 0; k < segments; k++) {
				acks(l, 1000);
				cwnd += cwnd < 2 * segments * 1000 ? 1000 : 0;
				assert_int_equal(lab_info(l).cwnd, cwnd);
			}
		}
		lab_send(l, 4000, 0); /* a smaller flight counts for itself */
		acks(l, 4000);
		assert_int_equal(lab_info(l).cwnd, cwnd);
		lab_free(l);
	}
}

/* RFC 5681 3.1, equation 4, and slow start up to ssthresh: a window of 5000 in congestion avoidance. */
static void into_avoidance(struct lab *l)
{
	lab_send(l, 10000, 0);
	lab_wait(l, 1500 * TV_MS);
	assert_int_equal(lab_info(l).cwnd, 1000);
	assert_int_equal(lab_info(l).ssthresh, 5000);
	acks(l, 10000);
	for (uint32_t cwnd = 2000; cwnd < 5000; cwnd += 1000) { /* RFC 3465 2.3 */
		assert_int_equal(lab_info(l).cwnd, cwnd);
		lab_send(l, cwnd, 0);
		acks(l, cwnd);
	}
	assert_int_equal(lab_info(l).cwnd, 5000);
}

/* RFC 5681 3.1: avoidance counts what is acknowledged from when it begins, in the middle of a flight too. */
static void test_cc_avoidance_begins_to_count_at_ssthresh(void **state)
{
	struct lab *l = lab_new(NULL, false);

	(void)state;
	l->syn.mss = 1000;
	lab_active(l);
	lab_send(l, 10000, 0);
	lab_wait(l, 1500 * TV_MS);
	acks(l, 10000);
	for (uint32_t cwnd = 2000; cwnd < 4000; cwnd += 1000) {
		lab_send(l, cwnd, 0);
		acks(l, cwnd);
	}
	assert_int_equal(lab_info(l).cwnd, 4000);
	lab_send(l, 9000, 0);
	acks(l, 1000);
	assert_int_equal(lab_info(l).cwnd, 5000); /* ssthresh */
	acks(l, 3000);
	assert_int_equal(lab_info(l).cwnd, 5000);
	acks(l, 2000);
	assert_int_equal(lab_info(l).cwnd, 6000);
	lab_free(l);
}

/* RFC 7661: in congestion avoidance a window into which one more full segment fits was not the limit, and does not
 * grow; whether the text is at its end, or the peer's window. */
static void test_cc_room_for_one_more_segment_is_no_limit(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		bool room = i != 1, closed = i == 2;
		struct lab *l = lab_new(NULL, false);
		uint32_t flight = room ? 4000 : 4500;

		l->syn.mss = 1000;
		l->opts.nodelay = true;
		lab_active(l);
		into_avoidance(l);
		l->wnd = closed ? (uint16_t)flight : l->wnd;
		SAY(l, .flags = TV_ACK);
		for (unsigned k = 0; k < 2; k++) {
			if (!closed || k == 0)
				lab_send(l, closed ? 2 * flight : flight, 0);
			assert_int_equal(lab_info(l).bytes_in_flight, flight);
			assert_int_equal(lab_info(l).cwnd, 5000);
			acks(l, flight);
		}
		assert_int_equal(lab_info(l).cwnd, room ? 5000 : 6000);
		lab_free(l);
	}
}

/* SACK: what lies below more than two SACKed segments is lost, and nothing else is sent again. */
static void test_cc_sack_repeats_the_holes_only(void **state)
{
	struct lab *l = bulk(true);
	struct tv_tcp_options o = {.has = TV_OPT_HAS_SACK, .sack_count = 2};
	uint32_t una = l->ack;

	(void)state;
	o.sack[0].left = una + 1000, o.sack[0].right = una + 2000;
	o.sack_count = 1;
	SAY(l, .flags = TV_ACK, .opt = &o);
	o.sack[0].left = una + 3000, o.sack[0].right = una + 4000;
	o.sack[1].left = una + 1000, o.sack[1].right = una + 2000;
	o.sack_count = 2;
	SAY(l, .flags = TV_ACK, .opt = &o);
	assert_int_equal(lab_counters(l).retransmissions, 0); /* two segments' worth: not more */
	o.sack[0].right = una + 5000;
	SAY(l, .flags = TV_ACK, .opt = &o);
	assert_int_equal(lab_counters(l).fast_recoveries, 1);
	assert_int_equal(l->heard[0].seg.seq, una);
	assert_int_equal(lab_info(l).ssthresh, 6000);
	o.sack[0].right = una + 7000;
	SAY(l, .flags = TV_ACK, .opt = &o);
	assert_int_equal(l->count, 0); /* as much is in the network as the window allows */
	o.sack[0].right = una + 8000;
	SAY(l, .flags = TV_ACK, .opt = &o);
	assert_int_equal(l->heard[0].seg.seq, una + 2000);
	assert_int_equal(lab_counters(l).retransmissions, 2);
	acks(l, 8000);
	assert_int_equal(lab_counters(l).retransmissions, 2);
	lab_free(l);
}

/* A D-SACK tells of a duplicate and marks nothing (RFC 2883). */
static void test_cc_dsack_is_counted_and_marks_nothing(void **state)
{
	struct lab *l = bulk(true);
	struct tv_tcp_options o = {.has = TV_OPT_HAS_SACK, .sack_count = 1};

	(void)state;
	l->ack += 2000;
	o.sack[0].left = l->ack - 1000, o.sack[0].right = l->ack;
	SAY(l, .flags = TV_ACK, .opt = &o);
	assert_int_equal(lab_counters(l).dsacks_in, 1);
	assert_int_equal(lab_counters(l).sacks_in, 1);
	o.sack_count = 2; /* inside the second block */
	o.sack[0].left = l->ack + 3000, o.sack[0].right = l->ack + 4000;
	o.sack[1].left = l->ack + 3000, o.sack[1].right = l->ack + 5000;
	SAY(l, .flags = TV_ACK, .opt = &o);
	assert_int_equal(lab_counters(l).dsacks_in, 2);
	assert_int_equal(tv_busy(&l->s->core, tv_handle_conn(l->s, l->conn))->sacked, 2000);
	lab_free(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cc_initial_window_by_segment_size),
		cmocka_unit_test(test_cc_slow_start_grows_by_what_is_acknowledged),
		cmocka_unit_test(test_cc_window_that_is_no_limit_does_not_grow),
		cmocka_unit_test(test_cc_fast_recovery_and_avoidance_in_numbers),
		cmocka_unit_test(test_cc_partial_ack_repeats_the_next_hole),
		cmocka_unit_test(test_cc_time_out_collapses_the_window),
		cmocka_unit_test(test_cc_reduction_has_a_floor_of_two_segments),
		cmocka_unit_test(test_cc_idle_longer_than_rto_restarts),
		cmocka_unit_test(test_cc_recovery_ends_at_recover_exactly),
		cmocka_unit_test(test_cc_recovery_after_time_out_ends_exactly),
		cmocka_unit_test(test_cc_sack_below_the_ack_starts_no_recovery),
		cmocka_unit_test(test_cc_sack_empty_block_marks_nothing),
		cmocka_unit_test(test_cc_slow_start_grows_to_twice_the_flight),
		cmocka_unit_test(test_cc_avoidance_begins_to_count_at_ssthresh),
		cmocka_unit_test(test_cc_room_for_one_more_segment_is_no_limit),
		cmocka_unit_test(test_cc_sack_repeats_the_holes_only),
		cmocka_unit_test(test_cc_dsack_is_counted_and_marks_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
