/*
 * test_tcp_timers.c - what happens when nobody answers, or nobody speaks: retransmission with R1 and R2,
 * SYN time-outs, zero-window probes, FIN-WAIT-2, TIME-WAIT, delayed ACKs.
 */
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

/* [MUST-20] [SHLD-9] [SHLD-10] [SHLD-11] [MUST-19] [MUST-47] [EV-44] */
static void test_timers_black_hole_tells_r1_then_ends_at_r2(void **state)
{
	struct lab *l = lab_new(NULL, false);
	tv_time start, gap = 200 * TV_MS, at;
	unsigned repeats = 0;

	(void)state;
	lab_active(l);
	lab_send(l, 100, 0);
	start = at = l->now;
	while (lab_info(l).state == TV_ESTABLISHED) {
		struct tv_info before = lab_info(l);

		lab_wait(l, gap + 3 * TICK);
		if (l->count == 0)
			break;
		lab_only(l, TV_ACK | TV_PSH);
		assert_int_equal(lab_last(l)->len, 100);
		assert_int_equal(l->heard[0].bytes[4] << 8 | l->heard[0].bytes[5], 0); /* the same ID [MAY-4] */
		assert_near(l->heard[0].at - at, gap, "gap between retransmissions");
		at = l->heard[0].at;
		l->now = at; /* what lab_wait went on beyond it */
		repeats++;
		assert_int_equal(lab_events(l, l->conn), repeats == 3 ? TV_EV_SOFT_ERROR : 0);
		assert_true(before.retransmits < lab_info(l).retransmits);
		gap = gap * 2 < 120 * TV_S ? gap * 2 : 120 * TV_S;
	}
	lab_wait(l, 200 * TV_S);
	assert_int_equal(l->total, 0);
	assert_int_equal(lab_events(l, l->conn), TV_EV_CLOSED);
	assert_int_equal(l->reason, TV_R_RETRANSMIT_TIMEOUT);
	assert_true(at - start >= 100 * TV_S && repeats >= 10);
	assert_int_equal(lab_info(l).bytes_queued, 0);
	assert_int_equal(lab_counters(l).pages_used + lab_counters(l).small_pages_used, 0);
	assert_silent(l);
	assert_int_equal(lab_events(l, l->conn), 0);
	lab_free(l);
}

/* R2 is the connection's own; without end it is none [MUST-21] */
static void test_timers_user_timeout_infinite_goes_on_for_a_day(void **state)
{
	struct lab *l = lab_new(NULL, false);

	(void)state;
	l->opts.user_timeout = TV_NEVER;
	lab_active(l);
	lab_send(l, 100, 0);
	lab_wait(l, 23 * HOUR);
	lab_wait(l, HOUR);
	assert_true(l->total >= 29); /* one every 120 s */
	assert_int_equal(lab_info(l).state, TV_ESTABLISHED);
	assert_int_equal(lab_info(l).retransmits, 255);
	lab_free(l);
}

/* [MUST-21] [EV-44]: whatever the state, once, with all queues flushed. */
static void test_timers_user_timeout_in_each_state_ends_once(void **state)
{
	static const enum tv_state states[] = {TV_ESTABLISHED, TV_CLOSE_WAIT, TV_FIN_WAIT_1, TV_CLOSING, TV_LAST_ACK};

	(void)state;
	for (unsigned i = 0; i < COUNT(states); i++) {
		struct lab *l = lab_new(NULL, i % 2 != 0);
		tv_time from;

		l->opts.user_timeout = 5 * TV_S;
		lab_state(l, states[i]);
		if (states[i] == TV_ESTABLISHED || states[i] == TV_CLOSE_WAIT)
			lab_send(l, 3000, 0);
		from = l->now;
		while (lab_info(l).state != TV_CLOSED && l->now < from + 20 * TV_S)
			lab_wait(l, 10 * TV_MS);
		assert_true(l->now - from >= 5 * TV_S && l->now - from <= 5 * TV_S + 20 * TV_MS);
		assert_int_equal(lab_events(l, l->conn), TV_EV_CLOSED | TV_EV_SOFT_ERROR);
		assert_int_equal(l->reason, TV_R_USER_TIMEOUT);
		assert_int_equal(lab_info(l).bytes_queued, 0);
		assert_silent(l);
		assert_int_equal(lab_events(l, l->conn), 0);
		lab_free(l);
	}
}

/* [MUST-22]: the gaps of Linux (four linear repeats, then doubling), R1, the reason. */
static void test_timers_syn_unanswered_ends_after_its_tries(void **state)
{
	static const unsigned gaps[] = {1, 1, 1, 1, 1, 2, 4, 8, 16, 32};
	struct lab *l = lab_new(NULL, false);
	tv_time at;

	(void)state;
	lab_syn_sent(l);
	at = l->now;
	for (unsigned i = 0; i < COUNT(gaps); i++) {
		lab_wait(l, gaps[i] * TV_S + 3 * TICK);
		lab_only(l, TV_SYN);
		assert_int_equal(lab_last(l)->seq + 1, l->ack);
		assert_near(l->heard[0].at - at, gaps[i] * TV_S, "gap between SYNs");
		at = l->now = l->heard[0].at;
		assert_int_equal(lab_events(l, l->conn), i == 2 ? TV_EV_SOFT_ERROR : 0);
	}
	lab_wait(l, 64 * TV_S - TICK);
	assert_int_equal(lab_info(l).state, TV_SYN_SENT);
	lab_wait(l, 4 * TICK);
	assert_int_equal(lab_events(l, l->conn), TV_EV_CLOSED);
	assert_int_equal(l->reason, TV_R_SYN_TIMEOUT);
	assert_int_equal(lab_counters(l).attempts_failed, 1);
	assert_int_equal(lab_counters(l).syn_retransmissions, 10);
	assert_silent(l);
	lab_free(l);
}

/* [MUST-23]: three minutes and more by configuration; the user may give up sooner. */
static void test_timers_syn_tries_and_user_timeout_bound_the_attempt(void **state)
{
	static const struct {
		uint8_t stack_tries, own_tries;
		tv_time limit;
		unsigned repeats, seconds;
		enum tv_reason reason;
	} cases[] = {
		{12, 0, 0, 12, 5 + 2 + 4 + 8 + 16 + 32 + 64 + 120 + 120, TV_R_SYN_TIMEOUT},
		{10, 2, 0, 2, 3, TV_R_SYN_TIMEOUT},
		{1, 0, 0, 1, 2, TV_R_SYN_TIMEOUT},
		{10, 0, 3 * TV_S, 2, 3, TV_R_USER_TIMEOUT},
		{10, 0, TV_NEVER, 10, 131, TV_R_SYN_TIMEOUT},
	};

	(void)state;
	for (unsigned i = 0; i < COUNT(cases); i++) {
		struct tv_config g;
		struct lab *l;
		tv_time from;

		lab_config(&g);
		g.syn_tries = cases[i].stack_tries;
		l = lab_new(&g, false);
		l->opts.syn_tries = cases[i].own_tries;
		if (cases[i].limit != 0)
			l->opts.user_timeout = cases[i].limit;
		lab_syn_sent(l);
		from = l->now;
		while (lab_info(l).state != TV_CLOSED && l->now - from < 1000 * TV_S)
			lab_wait(l, TV_S / 2);
		assert_int_equal((l->now - from) / TV_S, cases[i].seconds);
		assert_int_equal(lab_counters(l).syn_retransmissions, cases[i].repeats);
		lab_events(l, l->conn);
		assert_int_equal(l->reason, cases[i].reason);
		lab_free(l);
	}
}

/* The SYN-ACK of a half-open record, and that of an answered question: five repeats, doubling. */
static void test_timers_syn_ack_unanswered_record_is_freed(void **state)
{
	(void)state;
	for (unsigned held = 0; held < 2; held++) {
		struct lab *l = lab_new(NULL, held != 0);
		struct tv_answer a = {.size = sizeof a, .kind = TV_ANSWER_ACCEPT};
		struct tv_listen_config g;
		struct tv_event e;
		tv_time at;

		tv_listen_default(&g);
		g.port_first = g.port_last = l->port;
		g.hold = held != 0;
		assert_int_equal(tv_listen(l->s, l->now, &g, &l->listener), TV_OK);
		SAY(l, .flags = TV_SYN);
		if (held != 0) {
			assert_int_equal(l->count, 0);
			assert_true(tv_event(l->s, &e));
			assert_int_equal(tv_answer(l->s, l->now, e.handle, &a, &l->conn), TV_OK);
			lab_hear(l);
		}
		lab_only(l, TV_SYN | TV_ACK);
		at = l->now;
		for (unsigned i = 0; i < 5; i++) {
			lab_wait(l, (1u << i) * TV_S + 3 * TICK);
			lab_only(l, TV_SYN | TV_ACK);
			assert_near(l->heard[0].at - at, (1u << i) * TV_S, "gap between SYN-ACKs");
			at = l->now = l->heard[0].at;
		}
		lab_wait(l, 32 * TV_S - TICK);
		assert_int_equal(lab_counters(l).half_opens + lab_counters(l).connections, 1);
		lab_wait(l, 4 * TICK);
		assert_int_equal(lab_counters(l).half_opens, 0);
		assert_int_equal(lab_counters(l).reasons[TV_R_SYN_ACK_TIMEOUT], 1);
		if (held != 0) {
			assert_int_equal(lab_events(l, l->conn), TV_EV_SOFT_ERROR | TV_EV_CLOSED);
			assert_int_equal(l->reason, TV_R_SYN_ACK_TIMEOUT);
		} else {
			assert_false(tv_event(l->s, &e)); /* nobody was told of it */
		}
		assert_silent(l);
		lab_free(l);
	}
}

/* Only who has given the handle back is limited (Linux: tcp_fin_timeout of orphans). */
static void test_timers_fin_wait_2_limited_only_when_released(void **state)
{
	struct lab *l = lab_new(NULL, false);

	(void)state;
	lab_state(l, TV_FIN_WAIT_2);
	assert_int_equal(lab_wait(l, 24 * HOUR), 0);
	assert_int_equal(lab_info(l).state, TV_FIN_WAIT_2);
	assert_int_equal(tv_release(l->s, l->now, l->conn), TV_OK);
	lab_wait(l, 60 * TV_S - TICK);
	assert_int_equal(lab_counters(l).connections, 1);
	lab_wait(l, 4 * TICK);
	assert_int_equal(lab_counters(l).connections, 0);
	assert_int_equal(lab_counters(l).reasons[TV_R_FIN_TIMEOUT], 1);
	assert_int_equal(lab_counters(l).time_waits, 0);
	assert_silent(l);
	lab_free(l);
}

/* Released before FIN-WAIT-2: the limit begins when our FIN is acknowledged; a FIN of the peer ends it. */
static void test_timers_fin_wait_2_reached_after_release_has_the_limit(void **state)
{
	struct lab *l = lab_new(NULL, false);

	(void)state;
	l->opts.fin_wait_2 = 10 * TV_S;
	lab_active(l);
	assert_int_equal(tv_release(l->s, l->now, l->conn), TV_OK);
	lab_hear(l);
	lab_only(l, TV_FIN | TV_ACK);
	lab_wait(l, 50 * TV_MS);
	SAY(l, .flags = TV_ACK, .ack_off = 1);
	lab_wait(l, 9 * TV_S);
	assert_int_equal(lab_counters(l).connections, 1);
	l->ack++;
	SAY(l, .flags = TV_FIN | TV_ACK);
	lab_only(l, TV_ACK);
	assert_int_equal(lab_counters(l).time_waits, 1);
	lab_wait(l, 30 * TV_S);
	assert_int_equal(lab_counters(l).time_waits, 1);
	lab_free(l);
}

/* [MUST-13]: as a full record and as a small one, not a tick less than 2 MSL. */
static void test_timers_time_wait_lasts_two_msl(void **state)
{
	(void)state;
	for (unsigned released = 0; released < 2; released++) {
		struct lab *l = lab_new(NULL, released != 0);

		lab_state(l, TV_TIME_WAIT);
		if (released != 0)
			assert_int_equal(tv_release(l->s, l->now, l->conn), TV_OK);
		assert_int_equal(lab_counters(l).time_waits, released);
		lab_wait(l, 60 * TV_S - TICK);
		if (released != 0)
			assert_int_equal(lab_counters(l).time_waits, 1);
		else
			assert_int_equal(lab_info(l).state, TV_TIME_WAIT);
		lab_wait(l, 3 * TICK);
		assert_int_equal(lab_counters(l).time_waits, 0);
		if (released == 0)
			assert_int_equal(lab_info(l).state, TV_CLOSED);
		assert_int_equal(lab_counters(l).reasons[TV_R_NORMAL], 1);
		assert_silent(l);
		lab_free(l);
	}
}

/* [MUST-40] [SHLD-18] [SHLD-19] */
static void test_timers_delayed_ack_waits_but_not_for_two_full_segments(void **state)
{
	struct lab *l = lab_new(NULL, false);
	tv_time from;

	(void)state;
	lab_passive(l);
	lab_set(l, TV_OPT_QUICK_ACK, 0);
	SAY(l, .flags = TV_ACK, .len = 1460);
	lab_hear(l);
	from = l->now;
	lab_wait(l, 40 * TV_MS - TICK);
	assert_int_equal(l->total, 0);
	lab_wait(l, 3 * TICK);
	lab_only(l, TV_ACK);
	assert_near(l->heard[0].at - from, 40 * TV_MS, "delayed ACK");
	assert_int_equal(lab_last(l)->ack, l->seq);
	assert_int_equal(lab_counters(l).delayed_acks, 1);
	lab_set(l, TV_OPT_QUICK_ACK, 0);
	SAY(l, .flags = TV_ACK, .len = 1460);
	assert_int_equal(l->count, 0);
	SAY(l, .flags = TV_ACK, .len = 1460);
	lab_only(l, TV_ACK);
	assert_int_equal(lab_last(l)->ack, l->seq);
	assert_int_equal(lab_wait(l, TV_S), 0); /* it is not said twice */
	assert_int_equal(lab_counters(l).delayed_acks, 1);
	lab_free(l);
}

/* The first sixteen ACKs of a connection are not delayed (Linux: quick ACKs). */
static void test_timers_quick_acks_sixteen_then_delayed(void **state)
{
	struct lab *l = lab_new(NULL, false);
	unsigned quick = 0;

	(void)state;
	lab_passive(l);
	for (; quick < 40; quick++) {
		SAY(l, .flags = TV_ACK, .len = 10);
		if (l->count == 0)
			break;
		lab_only(l, TV_ACK);
	}
	assert_int_equal(quick, 16);
	lab_wait(l, 50 * TV_MS);
	lab_only(l, TV_ACK);
	lab_set(l, TV_OPT_QUICK_ACK, 1);
	SAY(l, .flags = TV_ACK, .len = 10);
	lab_only(l, TV_ACK);
	lab_free(l);
}

/* [MUST-58] [MUST-59]: one call, one ACK, and it covers all. */
static void test_timers_batch_of_segments_shares_one_ack(void **state)
{
	struct lab *l = lab_new(NULL, false);
	static uint8_t bytes[10][1600];
	struct tv_packet p[10];
	uint8_t verdicts[10];

	(void)state;
	lab_passive(l);
	memset(p, 0, sizeof p);
	for (unsigned i = 0; i < COUNT(p); i++) {
		p[i].data = bytes[i];
		p[i].len = lab_build(l, &(struct say){.flags = TV_ACK, .len = 1400}, bytes[i]);
		l->seq += 1400;
	}
	tv_input(l->s, l->now, p, COUNT(p), verdicts);
	lab_hear(l);
	assert_int_equal(lab_only(l, TV_ACK)->ack, l->seq);
	for (unsigned i = 0; i < COUNT(p); i++)
		assert_int_equal(verdicts[i], TV_V_OK);
	lab_free(l);
}

/* [MUST-36] [MUST-37] [MUST-35]: answered probes keep it open without limit; a window ends them. */
static void test_timers_persist_answered_probes_go_on_for_a_day(void **state)
{
	struct lab *l = lab_new(NULL, false);
	tv_time gap = 200 * TV_MS, end;

	(void)state;
	lab_active(l);
	SAY(l, .flags = TV_ACK, .wnd_set = true, .wnd = 0);
	lab_send(l, 100, 0);
	assert_int_equal(l->count, 0);
	end = l->now + 24 * HOUR;
	while (l->now < end) {
		tv_time at = l->now;

		lab_wait(l, gap + 3 * TICK);
		lab_only(l, TV_ACK);
		assert_int_equal(lab_last(l)->seq, l->ack - 1);
		assert_int_equal(lab_last(l)->len, 0);
		assert_near(l->heard[0].at - at, gap, "gap between probes");
		l->now = l->heard[0].at;
		SAY(l, .flags = TV_ACK, .wnd_set = true, .wnd = 0);
		assert_int_equal(l->count, 0);
		gap = gap * 2 < 120 * TV_S ? gap * 2 : 120 * TV_S;
	}
	assert_int_equal(lab_info(l).state, TV_ESTABLISHED);
	SAY(l, .flags = TV_ACK, .wnd_set = true, .wnd = 50);
	assert_int_equal(lab_info(l).backoff, 0);
	lab_wait(l, TV_S);
	assert_int_equal(lab_last(l)->seq, l->ack);
	lab_free(l);
}

static void test_timers_persist_unanswered_ends_at_r2(void **state)
{
	static const struct {
		tv_time limit;
		enum tv_reason reason;
	} cases[] = {{20 * TV_S, TV_R_USER_TIMEOUT}, {0, TV_R_RETRANSMIT_TIMEOUT}, {TV_NEVER, TV_R_NONE}};

	(void)state;
	for (unsigned i = 0; i < COUNT(cases); i++) {
		struct lab *l = lab_new(NULL, false);

		if (cases[i].limit != 0)
			l->opts.user_timeout = cases[i].limit;
		lab_active(l);
		SAY(l, .flags = TV_ACK, .wnd_set = true, .wnd = 0);
		lab_send(l, 100, 0);
		lab_wait(l, (cases[i].limit == 0 ? 900 : 19) * TV_S);
		assert_int_equal(lab_info(l).state, TV_ESTABLISHED);
		lab_wait(l, 200 * TV_S);
		lab_events(l, l->conn);
		assert_int_equal(lab_info(l).reason, cases[i].reason);
		if (cases[i].reason != TV_R_NONE)
			assert_silent(l);
		lab_free(l);
	}
}

static void test_timers_persist_max_caps_the_gap(void **state)
{
	struct tv_config g;
	struct lab *l;

	(void)state;
	lab_config(&g);
	g.persist_max = 5 * TV_S;
	l = lab_new(&g, false);
	lab_active(l);
	SAY(l, .flags = TV_ACK, .wnd_set = true, .wnd = 0);
	lab_send(l, 100, 0);
	lab_wait(l, 60 * TV_S);
	lab_wait(l, 50 * TV_S);
	assert_int_equal(l->total, 10);
	lab_free(l);
}

/* [MUST-18]: Karn; a sample only from what was sent once, and only a sample ends the backoff. */
static void test_timers_karn_repeated_segment_gives_no_sample(void **state)
{
	struct lab *l = lab_new(NULL, false);
	struct tv_info before;

	(void)state;
	lab_active(l);
	lab_send(l, 100, 0);
	lab_wait(l, 30 * TV_MS);
	SAY(l, .flags = TV_ACK, .ack_off = 100);
	l->ack += 100;
	before = lab_info(l);
	assert_true(before.srtt_us >= 3000 && before.srtt_us <= 30000);
	assert_int_equal(before.rto_us, 200000);
	lab_send(l, 100, 0);
	lab_wait(l, 210 * TV_MS);
	lab_only(l, TV_ACK | TV_PSH);
	assert_int_equal(lab_info(l).rto_us, 400000);
	SAY(l, .flags = TV_ACK, .ack_off = 100);
	l->ack += 100;
	assert_int_equal(lab_info(l).srtt_us, before.srtt_us);
	assert_int_equal(lab_info(l).rttvar_us, before.rttvar_us);
	assert_int_equal(lab_info(l).rto_us, 400000);
	lab_send(l, 100, 0);
	lab_wait(l, 40 * TV_MS);
	SAY(l, .flags = TV_ACK, .ack_off = 100);
	assert_int_not_equal(lab_info(l).srtt_us, before.srtt_us);
	assert_int_equal(lab_info(l).rto_us, 200000);
	assert_int_equal(lab_info(l).backoff, 0);
	lab_free(l);
}

/* With timestamps the echo says which copy arrived (RFC 7323 4.1) [MUST-18]. */
static void test_timers_timestamp_echo_gives_a_sample_after_repetition(void **state)
{
	struct lab *l = lab_new(NULL, false);
	struct tv_tcp_options o = {.has = TV_OPT_HAS_TS};

	(void)state;
	l->syn.has |= TV_OPT_HAS_TS;
	lab_active(l);
	lab_send(l, 100, 0);
	lab_wait(l, 210 * TV_MS);
	o.ts_val = ++l->tsval;
	o.ts_ecr = lab_only(l, TV_ACK | TV_PSH)->opt.ts_val;
	l->now = l->heard[0].at;
	lab_wait(l, 20 * TV_MS);
	SAY(l, .flags = TV_ACK, .ack_off = 100, .opt = &o);
	assert_int_equal(lab_info(l).backoff, 0);
	assert_true(lab_info(l).srtt_us >= 2400 && lab_info(l).srtt_us <= 2700); /* an eighth of 20 ms, from 1 us */
	lab_free(l);
}

/* RFC 6298 2.2, 2.3 in numbers: first sample R: SRTT R, RTTVAR R/2; then 7/8 and 3/4 of the old. */
static void test_timers_rtt_samples_follow_rfc_6298(void **state)
{
	static const unsigned ms[] = {1000, 1200, 400, 3000, 3000};
	struct lab *l = lab_new(NULL, false);
	double srtt = 0, var = 0;

	(void)state;
	lab_syn_sent(l);
	lab_wait(l, 600 * TV_MS);
	SAY(l, .flags = TV_SYN | TV_ACK);
	srtt = 600, var = 300;
	for (unsigned i = 0; i <= COUNT(ms); i++) {
		struct tv_info info = lab_info(l);
		double rto = srtt + 4 * var, error;

		assert_true(info.srtt_us / 1000.0 > srtt - 1 && info.srtt_us / 1000.0 < srtt + 1);
		assert_true(info.rttvar_us / 1000.0 > var - 1 && info.rttvar_us / 1000.0 < var + 1);
		assert_true(info.rto_us / 1000.0 > rto - 5 && info.rto_us / 1000.0 < rto + 5);
		assert_true(info.min_rtt_us <= 600000 && info.min_rtt_us >= (i < 3 ? 599000 : 399000));
		if (i == COUNT(ms))
			break;
		lab_send(l, 10, 0);
		lab_sleep(l, ms[i] * TV_MS); /* the stack is not asked, so nothing is sent again */
		SAY(l, .flags = TV_ACK, .ack_off = 10);
		l->ack += 10;
		error = ms[i] > srtt ? ms[i] - srtt : srtt - ms[i];
		var = 0.75 * var + 0.25 * error;
		srtt = 0.875 * srtt + 0.125 * ms[i];
	}
	lab_free(l);
}

/* RFC 6298 5.7: 3 s when the SYN had to be repeated (and no sample is taken); one segment to begin with. */
static void test_timers_syn_repeated_first_rto_is_three_seconds(void **state)
{
	(void)state;
	for (unsigned passive = 0; passive < 2; passive++) {
		struct lab *l = lab_new(NULL, false);

		if (passive != 0) {
			lab_listen(l);
			SAY(l, .flags = TV_SYN);
			l->ack = lab_only(l, TV_SYN | TV_ACK)->seq + 1;
			lab_wait(l, TV_S + 3 * TICK);
			SAY(l, .flags = TV_ACK);
			assert_int_equal(tv_accept(l->s, l->now, l->listener, &l->conn), TV_OK);
		} else {
			lab_syn_sent(l);
			lab_wait(l, TV_S + 3 * TICK);
			SAY(l, .flags = TV_SYN | TV_ACK);
		}
		assert_int_equal(lab_info(l).rto_us, 3000000);
		assert_int_equal(lab_info(l).srtt_us, 0);
		assert_int_equal(lab_info(l).cwnd, 1460);
		lab_send(l, 5000, 0);
		assert_int_equal(l->count, 1);
		lab_free(l);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_timers_black_hole_tells_r1_then_ends_at_r2),
		cmocka_unit_test(test_timers_user_timeout_infinite_goes_on_for_a_day),
		cmocka_unit_test(test_timers_user_timeout_in_each_state_ends_once),
		cmocka_unit_test(test_timers_syn_unanswered_ends_after_its_tries),
		cmocka_unit_test(test_timers_syn_tries_and_user_timeout_bound_the_attempt),
		cmocka_unit_test(test_timers_syn_ack_unanswered_record_is_freed),
		cmocka_unit_test(test_timers_fin_wait_2_limited_only_when_released),
		cmocka_unit_test(test_timers_fin_wait_2_reached_after_release_has_the_limit),
		cmocka_unit_test(test_timers_time_wait_lasts_two_msl),
		cmocka_unit_test(test_timers_delayed_ack_waits_but_not_for_two_full_segments),
		cmocka_unit_test(test_timers_quick_acks_sixteen_then_delayed),
		cmocka_unit_test(test_timers_batch_of_segments_shares_one_ack),
		cmocka_unit_test(test_timers_persist_answered_probes_go_on_for_a_day),
		cmocka_unit_test(test_timers_persist_unanswered_ends_at_r2),
		cmocka_unit_test(test_timers_persist_max_caps_the_gap),
		cmocka_unit_test(test_timers_karn_repeated_segment_gives_no_sample),
		cmocka_unit_test(test_timers_timestamp_echo_gives_a_sample_after_repetition),
		cmocka_unit_test(test_timers_rtt_samples_follow_rfc_6298),
		cmocka_unit_test(test_timers_syn_repeated_first_rto_is_three_seconds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
