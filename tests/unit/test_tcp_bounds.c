/*
 * test_tcp_bounds.c - equality: what happens when a number is exactly at its bound, in what is received
 * and offered, and while a connection is opened.
 */
#include "lab.h"

/* Text after the peer's FIN is no text; text that was there before our close is no reason to reset. */
static void test_bounds_text_after_fin_and_after_close(void **state)
{
	struct lab *l = lab_new(NULL, false);
	uint32_t from;

	(void)state;
	lab_state(l, TV_CLOSE_WAIT);
	assert_int_equal(SAY(l, .flags = TV_ACK, .len = 10, .stay = true), TV_V_AFTER_FIN);
	lab_only(l, TV_ACK);
	l->peer_port++;
	lab_active(l);
	from = l->seq;
	SAY(l, .flags = TV_ACK, .len = 100);
	lab_read(l, &from);
	tv_close(l->s, l->now, l->conn);
	lab_hear(l);
	SAY(l, .flags = TV_ACK, .off = -100, .len = 100); /* the same again, up to RCV.NXT */
	lab_only(l, TV_ACK);
	assert_int_equal(lab_info(l).state, TV_FIN_WAIT_1);
	assert_int_equal(SAY(l, .flags = TV_ACK, .off = -100, .len = 101), TV_V_AFTER_CLOSE);
	lab_free(l);
}

/* Text that ends exactly at the right edge is like any other: its ACK may wait; one octet more is cut. */
static void test_bounds_text_up_to_the_right_edge(void **state)
{
	(void)state;
	for (unsigned over = 0; over < 2; over++) {
		struct lab *l = lab_new(NULL, false);

		l->opts.rcv_buf = 1024;
		lab_active(l);
		lab_set(l, TV_OPT_QUICK_ACK, 0);
		SAY(l, .flags = TV_ACK, .len = 1024 + over);
		assert_int_equal(l->count, over);
		assert_int_equal(lab_info(l).bytes_unread, 1024);
		lab_free(l);
	}
}

/* [MUST-39]: the window opens by a full segment exactly, not by an octet less. */
static void test_bounds_window_update_by_one_segment(void **state)
{
	struct lab *l = lab_new(NULL, false);
	static uint8_t b[4096];

	(void)state;
	l->opts.rcv_buf = 4096;
	l->syn.has |= TV_OPT_HAS_WSCALE;
	lab_active(l);
	SAY(l, .flags = TV_ACK, .len = 4096);
	lab_wait(l, TV_S);
	assert_int_equal(lab_info(l).rcv_wnd, 0);
	assert_int_equal(tv_recv(l->s, l->now, l->conn, b, 1459, 0), 1459);
	lab_hear(l);
	assert_int_equal(l->count, 0);
	SAY(l, .flags = TV_ACK, .len = 1, .stay = true); /* a probe: still closed */
	assert_int_equal(lab_only(l, TV_ACK)->wnd, 0);
	assert_int_equal(tv_recv(l->s, l->now, l->conn, b, 1, 0), 1);
	lab_hear(l);
	assert_int_equal(lab_only(l, TV_ACK)->wnd, 1460);
	lab_free(l);
}

/* Told when what may come has doubled exactly. */
static void test_bounds_window_update_when_doubled(void **state)
{
	struct lab *l = lab_new(NULL, false);
	static uint8_t b[4096];

	(void)state;
	l->opts.rcv_buf = 4380;
	lab_active(l);
	SAY(l, .flags = TV_ACK, .len = 1460);
	SAY(l, .flags = TV_ACK, .len = 1460);
	lab_wait(l, TV_S);
	assert_int_equal(tv_recv(l->s, l->now, l->conn, b, 1459, 0), 1459);
	lab_hear(l);
	assert_int_equal(l->count, 0);
	assert_int_equal(tv_recv(l->s, l->now, l->conn, b, 1, 0), 1);
	lab_hear(l);
	assert_int_equal(lab_only(l, TV_ACK)->wnd, 2920);
	lab_free(l);
}

/* The same from half of the buffer to all of it: Linux, too, tells when the window was half of what it may be. */
static void test_bounds_window_update_from_half_of_the_buffer(void **state)
{
	static uint8_t b[4096];

	(void)state;
	for (uint32_t less = 0; less < 2; less++) {
		struct lab *l = lab_new(NULL, false);

		l->opts.rcv_buf = 8192;
		lab_active(l);
		for (unsigned i = 0; i < 4; i++)
			SAY(l, .flags = TV_ACK, .len = i == 3 ? 1024 - less : 1024);
		lab_wait(l, TV_S);
		assert_int_equal(lab_info(l).rcv_wnd, 4096 + less);
		assert_int_equal(tv_recv(l->s, l->now, l->conn, b, 4096, 0), 4096 - less);
		lab_hear(l);
		assert_int_equal(l->count, 1 - less);
		lab_free(l);
	}
}

/* What was announced, rounded up to the scale, is taken to the last octet. */
static void test_bounds_announced_window_is_taken_whole(void **state)
{
	struct lab *l = lab_new(NULL, false);
	uint32_t edge, unread;

	(void)state;
	l->opts.rcv_buf = 100001;
	l->syn.has |= TV_OPT_HAS_WSCALE;
	lab_active(l);
	edge = l->seq + 10000;
	while (seq_lt(l->seq, edge)) {
		SAY(l, .flags = TV_ACK, .len = edge - l->seq < 1001 ? edge - l->seq : 1001);
		if (l->count != 0)
			edge = lab_last(l)->ack + ((uint32_t)lab_last(l)->wnd << lab_info(l).rcv_scale);
	}
	unread = lab_info(l).bytes_unread;
	assert_int_equal(lab_info(l).rcv_nxt, edge);
	assert_in_range(unread, 99999, 100001 + 32);
	lab_free(l);
}

/* After the peer's FIN no window is worth a word. */
static void test_bounds_reading_after_fin_says_nothing(void **state)
{
	struct lab *l = lab_new(NULL, false);
	uint32_t from;

	(void)state;
	l->opts.rcv_buf = 4096;
	lab_active(l);
	from = l->seq;
	SAY(l, .flags = TV_ACK | TV_FIN, .len = 4000);
	assert_int_equal(lab_info(l).state, TV_CLOSE_WAIT);
	lab_wait(l, TV_S);
	assert_int_equal(lab_read(l, &from), 4000);
	lab_hear(l);
	assert_int_equal(l->count, 0);
	lab_free(l);
}

/* RFC 9293 3.10.7.3: what becomes of each segment in SYN-SENT [EV-09] [EV-10] [EV-11] [EV-14] */
static void test_bounds_syn_sent_verdicts(void **state)
{
	static const struct {
		uint16_t flags;
		int32_t ack;
		enum tv_verdict verdict;
		uint16_t answer;
		enum tv_state then;
	} cases[] = {
		{TV_ACK, 1, TV_V_ACK_BAD_HANDSHAKE, TV_RST, TV_SYN_SENT},
		{TV_ACK, -1, TV_V_ACK_BAD_HANDSHAKE, TV_RST, TV_SYN_SENT},
		{TV_SYN | TV_ACK, -1, TV_V_ACK_BAD_HANDSHAKE, TV_RST, TV_SYN_SENT},
		{TV_RST | TV_ACK, 1, TV_V_RST_UNACCEPTABLE, 0, TV_SYN_SENT},
		{TV_RST, 0, TV_V_RST_UNACCEPTABLE, 0, TV_SYN_SENT},
		{TV_RST | TV_ACK, 0, TV_V_OK, 0, TV_CLOSED},
		{TV_ACK, 0, TV_V_SYN_SENT_OTHER, 0, TV_SYN_SENT},
		{0, 0, TV_V_SYN_SENT_OTHER, 0, TV_SYN_SENT},
		{TV_SYN, 0, TV_V_OK, TV_SYN | TV_ACK, TV_SYN_RECEIVED},
		{TV_SYN | TV_ACK, 0, TV_V_OK, TV_ACK, TV_ESTABLISHED},
	};

	(void)state;
	for (unsigned i = 0; i < COUNT(cases); i++) {
		struct lab *l = lab_new(NULL, false);

		lab_syn_sent(l);
		if (SAY(l, .flags = cases[i].flags, .ack_off = cases[i].ack) != cases[i].verdict)
			fail_msg("case %u: %s", i, tv_verdict_name((enum tv_verdict)l->verdict));
		if (cases[i].answer != 0)
			lab_only(l, cases[i].answer);
		else
			assert_int_equal(l->count, 0);
		assert_int_equal(lab_info(l).state, cases[i].then);
		if (cases[i].then == TV_CLOSED)
			assert_int_equal(lab_info(l).reason, TV_R_REFUSED);
		lab_free(l);
	}
}

/* A question waits for itself: others' SYN-ACKs are said again in time. */
static void test_bounds_question_does_not_delay_others(void **state)
{
	struct lab *l = lab_new(NULL, false);
	struct tv_listen_config g;
	tv_handle h;

	(void)state;
	tv_listen_default(&g);
	g.port_first = g.port_last = 81;
	g.hold = true;
	assert_int_equal(tv_listen(l->s, l->now, &g, &h), TV_OK);
	lab_listen(l);
	l->port = 81;
	SAY(l, .flags = TV_SYN);
	l->port = 80;
	l->now += TV_MS;
	SAY(l, .flags = TV_SYN);
	lab_only(l, TV_SYN | TV_ACK);
	lab_wait(l, 1100 * TV_MS);
	assert_int_equal(tv_key_remote_port(&lab_only(l, TV_SYN | TV_ACK)->key), 80);
	lab_wait(l, 8 * TV_S);
	assert_int_equal(l->count, 2); /* after 2 and 4 s */
	lab_free(l);
}

/* A range that needs more blocks than there is room for is refused whole. */
static void test_bounds_listener_that_finds_no_room_leaves_nothing(void **state)
{
	struct lab *l = lab_new(NULL, false);
	struct tv_listen_config g;
	tv_handle h;

	(void)state;
	lab_listen(l);
	tv_listen_default(&g);
	g.port_first = 1001;
	g.port_last = 65534;
	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(tv_listen(l->s, l->now, &g, &h), TV_EFULL);
	for (uint32_t port = 1; port < 65536; port += 7)
		assert_int_equal(tv_listen_find(&l->s->core, &l->us, (uint16_t)port, 0), 0);
	assert_int_equal(lab_counters(l).listeners, 1);
	lab_passive(l);
	lab_free(l);
}

static struct {
	enum tv_state from, to;
} steps[20];
static unsigned step_count;

static void observe(void *user, const struct tv_trace *t)
{
	(void)user;
	if (t->kind != TV_TRACE_STATE || step_count == COUNT(steps))
		return;
	steps[step_count].from = t->from;
	steps[step_count++].to = t->to;
}

/* What the observer is told of a passive connection, from LISTEN to its end (RFC 9293 figure 5): its SYN is stored, or
 * answered with a cookie. */
static void test_bounds_observer_sees_each_state(void **state)
{
	static const enum tv_state way[] = {TV_LISTEN, TV_SYN_RECEIVED, TV_ESTABLISHED, TV_CLOSE_WAIT, TV_LAST_ACK,
	                                    TV_CLOSED};
	static const enum tv_cookies modes[] = {TV_COOKIES_NEVER, TV_COOKIES_ALWAYS};
	struct tv_config g;
	struct lab *l;

	(void)state;
	for (unsigned m = 0; m < COUNT(modes); m++) {
		lab_config(&g);
		g.trace = observe;
		g.syn_cookies = modes[m];
		step_count = 0;
		l = lab_new(&g, false);
		lab_passive(l);
		SAY(l, .flags = TV_FIN | TV_ACK);
		tv_close(l->s, l->now, l->conn);
		lab_hear(l);
		l->ack++;
		SAY(l, .flags = TV_ACK);
		assert_int_equal(step_count, COUNT(way) - 1);
		for (unsigned i = 0; i < step_count; i++) {
			assert_int_equal(steps[i].from, way[i]);
			assert_int_equal(steps[i].to, way[i + 1]);
		}
		lab_free(l);
	}
}

static struct {
	unsigned in, out, ends;
	uint8_t flags[20];         /* of the segments that left, in order */
	enum tv_verdict verdict;   /* of the last that came */
	enum tv_reason reason;
	tv_handle handle;          /* whose was the last that left */
} seen;

static void observe_all(void *user, const struct tv_trace *t)
{
	(void)user;
	if (t->kind == TV_TRACE_IN || t->kind == TV_TRACE_OUT)
		assert_int_equal(t->len, t->ip[2] << 8 | t->ip[3]);
	if (t->kind == TV_TRACE_IN) {
		seen.in++;
		seen.verdict = t->verdict;
	} else if (t->kind == TV_TRACE_OUT && seen.out < COUNT(seen.flags)) {
		seen.flags[seen.out++] = t->ip[9] == TV_PROTO_TCP ? t->ip[20 + 13] : 0;
		seen.handle = t->handle;
	} else if (t->kind == TV_TRACE_END) {
		seen.ends++;
		seen.reason = t->reason;
	}
}

/* Each packet of a connection, of a half-open record and of nobody, both ways, and the end. */
static void test_bounds_observer_sees_each_packet(void **state)
{
	struct tv_config g;
	struct lab *l;

	(void)state;
	lab_config(&g);
	g.trace = observe_all;
	memset(&seen, 0, sizeof seen);
	l = lab_new(&g, false);
	lab_passive(l); /* SYN; SYN,ACK; ACK */
	assert_int_equal(seen.in, 2);
	assert_int_equal(seen.out, 1);
	assert_int_equal(seen.flags[0], TV_SYN | TV_ACK);
	assert_int_equal(seen.handle, 0);
	lab_send(l, 10, 0);
	assert_int_equal(seen.out, 2);
	assert_int_equal(seen.flags[1], TV_PSH | TV_ACK);
	assert_int_equal(seen.handle, l->conn);
	assert_int_equal(SAY(l, .flags = TV_RST), TV_V_OK);
	assert_int_equal(seen.verdict, TV_V_OK);
	assert_int_equal(seen.ends, 1);
	assert_int_equal(seen.reason, TV_R_RESET);
	assert_int_equal(SAY(l, .flags = TV_ACK, .len = 10), TV_V_LISTEN_ACK);
	assert_int_equal(seen.in, 4);
	assert_int_equal(seen.verdict, TV_V_LISTEN_ACK);
	assert_int_equal(seen.out, 3);
	assert_int_equal(seen.flags[2], TV_RST);
	assert_int_equal(seen.handle, 0);
	lab_free(l);
}

/* A connection with the usual options has no set of its own, though they were given; one with others has. */
static void test_bounds_usual_options_are_shared(void **state)
{
	(void)state;
	for (unsigned other = 0; other < 2; other++) {
		struct lab *l = lab_new(NULL, false);

		l->opts = l->cfg.defaults;
		l->opts.dscp = (uint8_t)(l->opts.dscp + other);
		lab_active(l);
		assert_int_equal(l->s->core.profiles.used, 1 + other);
		lab_free(l);
	}
}

/* Every set of options in use: who has one of his own can still change it; a new one finds no room. */
static void test_bounds_option_sets_all_in_use(void **state)
{
	struct tv_config g;
	struct tv_connect_config to;
	struct lab *l;
	tv_handle h;

	(void)state;
	lab_config(&g);
	g.connections = 1;
	g.listeners = 1;
	l = lab_new(&g, false);
	l->opts.dscp = 1;
	lab_listen(l);
	l->port = 0;
	l->opts.dscp = 2;
	lab_active(l);
	for (unsigned i = 0; i < 5; i++)
		lab_set(l, TV_OPT_DSCP, 3 + i);
	assert_int_equal(lab_info(l).dscp, 7);
	tv_connect_default(&to);
	to.remote.addr = l->peer;
	to.remote.port = 9;
	l->opts.dscp = 9;
	to.options = &l->opts;
	assert_int_equal(tv_connect(l->s, l->now, &to, &h, NULL), TV_EFULL);
	assert_int_equal(lab_info(l).dscp, 7);
	lab_free(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bounds_text_after_fin_and_after_close),
		cmocka_unit_test(test_bounds_text_up_to_the_right_edge),
		cmocka_unit_test(test_bounds_window_update_by_one_segment),
		cmocka_unit_test(test_bounds_window_update_when_doubled),
		cmocka_unit_test(test_bounds_window_update_from_half_of_the_buffer),
		cmocka_unit_test(test_bounds_announced_window_is_taken_whole),
		cmocka_unit_test(test_bounds_reading_after_fin_says_nothing),
		cmocka_unit_test(test_bounds_syn_sent_verdicts),
		cmocka_unit_test(test_bounds_question_does_not_delay_others),
		cmocka_unit_test(test_bounds_listener_that_finds_no_room_leaves_nothing),
		cmocka_unit_test(test_bounds_observer_sees_each_state),
		cmocka_unit_test(test_bounds_observer_sees_each_packet),
		cmocka_unit_test(test_bounds_usual_options_are_shared),
		cmocka_unit_test(test_bounds_option_sets_all_in_use),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
