/*
 * test_cli_ls.c - trivet ls: which timer a connection waits for, what is odd, how rows are printed,
 * and how ages grow from round to round.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "cli/ls.h"

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))
#define V4(a, b, c, d) {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d}}
#define HERE(p) {.addr = V4(10, 9, 0, 2), .port = p}
#define THERE(p) {.addr = V4(10, 9, 0, 1), .port = p}

/* ------------------------------------------------------------------------------------------ */
/* Timers                                                                                      */

static void test_ls_timer_follows_from_what_is_told(void **state)
{
	const struct control_stack stack = {.pid = 7, .name = "serve"};
	const tv_time now = 100 * TV_S;
	const struct {
		struct tv_info info;
		enum ls_timer timer;
	} rows[] = {
		{{.state = TV_ESTABLISHED, .timer = TV_NEVER}, LS_NO_TIMER},
		{{.state = TV_ESTABLISHED, .timer = now + 7200 * TV_S}, LS_KEEPALIVE},
		{{.state = TV_ESTABLISHED, .timer = now + 30 * TV_MS, .snd_wnd = 1000}, LS_ACK},
		{{.state = TV_ESTABLISHED, .timer = now + TV_S, .bytes_in_flight = 1}, LS_RETRANSMIT},
		{{.state = TV_ESTABLISHED, .timer = now + TV_S, .snd_wnd = 0, .bytes_queued = 10}, LS_PERSIST},
		{{.state = TV_SYN_SENT, .timer = now + TV_S}, LS_RETRANSMIT},
		{{.state = TV_SYN_RECEIVED, .timer = now + TV_S}, LS_RETRANSMIT},
		{{.state = TV_FIN_WAIT_2, .timer = now + 60 * TV_S, .snd_wnd = 1000}, LS_LIMIT},
		{{.state = TV_TIME_WAIT, .timer = now + 60 * TV_S}, LS_TIME_WAIT},
	};

	(void)state;
	for (unsigned i = 0; i < COUNT(rows); i++) {
		struct ls_row r = ls_row_of(&stack, now, &rows[i].info);

		assert_int_equal(r.timer, rows[i].timer);
		assert_int_equal(r.pid, 7);
		if (r.timer != LS_NO_TIMER)
			assert_true(r.left == rows[i].info.timer - now);
	}
}

static void test_ls_age_is_exact_for_a_stack(void **state)
{
	const struct control_stack stack = {.pid = 7};
	struct tv_info info = {.state = TV_CLOSE_WAIT, .timer = TV_NEVER, .last_received = 3 * TV_S + 1};
	struct ls_row r = ls_row_of(&stack, 10 * TV_S + 1, &info);

	(void)state;
	assert_true(r.heard_known && r.heard == 7 * TV_S);
	assert_false(r.opened_known);
	info.opened = TV_S;
	r = ls_row_of(&stack, 10 * TV_S + 1, &info);
	assert_true(r.opened_known && r.opened == 9 * TV_S + 1);
	info.state = TV_SYN_SENT; /* nothing has ever come */
	assert_false(ls_row_of(&stack, 10 * TV_S, &info).heard_known);
}

/* ------------------------------------------------------------------------------------------ */
/* What is odd                                                                                 */

struct odd_case {
	const char *what;
	struct ls_row row;
	unsigned times;                /* rows like it, each with a port of its own */
	bool listens;                  /* the local port has a listener */
	const char *word;              /* NULL: nothing is odd */
	const char *text;
};

static const struct odd_case odd_cases[] = {
	{"quiet connection", {.state = TV_ESTABLISHED, .heard_known = true, .heard = 3600 * TV_S}, 5, true, NULL, ""},
	{"full queue of a stack", {.state = TV_LISTEN, .recv_q = 8, .send_q = 8}, 1, false, "accept-queue-full", "(8 wait"},
	{"queue of a stack with room", {.state = TV_LISTEN, .recv_q = 7, .send_q = 8}, 1, false, NULL, ""},
	/* Linux completes backlog + 1 (sk_acceptq_is_full). */
	{"full queue of the kernel", {.state = TV_LISTEN, .kernel = true, .recv_q = 2, .send_q = 1}, 1, false,
		"accept-queue-full", "the backlog is 1"},
	{"queue of the kernel with room", {.state = TV_LISTEN, .kernel = true, .recv_q = 1, .send_q = 1}, 1, false, NULL, ""},
	{"one young CLOSE-WAIT", {.state = TV_CLOSE_WAIT, .heard_known = true, .heard = TV_S}, 1, true, NULL, ""},
	{"one old CLOSE-WAIT", {.state = TV_CLOSE_WAIT, .heard_known = true, .heard = 61 * TV_S}, 1, true, "close-wait",
		"nothing received for 61 s"},
	{"three young CLOSE-WAIT", {.state = TV_CLOSE_WAIT, .heard_known = true, .heard = TV_S}, 3, true, "close-wait",
		"10.9.0.2:80: 3 in CLOSE-WAIT"},
	{"TIME-WAIT of a server", {.state = TV_TIME_WAIT}, 20000, true, NULL, ""},
	{"TIME-WAIT towards one port", {.state = TV_TIME_WAIT}, 20000, false, "time-wait", "70 % of the 28232"},
	{"some TIME-WAIT towards one port", {.state = TV_TIME_WAIT}, 2000, false, NULL, ""},
	{"many half-open", {.state = TV_SYN_RECEIVED, .request = true}, 20, true, "half-open", "20 half-open"},
	{"a few half-open", {.state = TV_SYN_RECEIVED, .request = true}, 5, true, NULL, ""},
	{"SYN without an answer", {.state = TV_SYN_SENT, .timer = LS_RETRANSMIT, .tries = 2}, 1, false, "syn-unanswered",
		"repeated 2 times"},
	{"closed window", {.state = TV_ESTABLISHED, .timer = LS_PERSIST, .send_q = 500}, 1, true, "zero-window",
		"500 bytes wait"},
	{"text sent again and again", {.state = TV_ESTABLISHED, .timer = LS_RETRANSMIT, .tries = 4, .send_q = 9,
		.heard_known = true, .heard = 12 * TV_S}, 1, true, "unacknowledged", "nothing received for 12 s"},
	{"text that nobody reads", {.state = TV_ESTABLISHED, .recv_q = 77, .heard_known = true, .heard = 9 * TV_S}, 1, true,
		"unread", "77 bytes"},
	{"text that just came", {.state = TV_ESTABLISHED, .recv_q = 77, .heard_known = true, .heard = TV_S}, 1, true, NULL, ""},
};

static void fill(struct ls *l, const struct odd_case *k)
{
	const struct tv_endpoint here = HERE(80), there = THERE(8080);

	l->count = 0;
	l->ports = 28232;
	l->rows = calloc(k->times + 1, sizeof *l->rows);
	assert_non_null(l->rows);
	for (unsigned i = 0; i < k->times; i++) {
		struct ls_row *r = &l->rows[l->count++];
		uint16_t port = (uint16_t)(30000 + i);

		*r = k->row;
		r->local = here;
		if (k->row.state == TV_LISTEN)
			continue;
		r->remote = there;
		*(k->listens ? &r->remote.port : &r->local.port) = port;
	}
	if (k->listens)
		l->rows[l->count++] = (struct ls_row){.state = TV_LISTEN, .local = HERE(80), .send_q = 128};
}

static void test_ls_odd_is_told_and_nothing_else(void **state)
{
	static struct ls_odd odd[LS_ODD_MAX];

	(void)state;
	for (unsigned i = 0; i < COUNT(odd_cases); i++) {
		const struct odd_case *k = &odd_cases[i];
		struct ls l = {.count = 0};
		unsigned n;

		fill(&l, k);
		n = ls_odd(&l, odd);
		if (n != (k->word ? 1u : 0u))
			fail_msg("%s: %u odd: %s", k->what, n, n ? odd[0].text : "");
		if (k->word && (strcmp(odd[0].word, k->word) != 0 || !strstr(odd[0].text, k->text)))
			fail_msg("%s: %s: %s", k->what, odd[0].word, odd[0].text);
		free(l.rows);
	}
}

/* ------------------------------------------------------------------------------------------ */
/* Print                                                                                       */

static char *printed(const struct ls *l, bool ss)
{
	static char text[8192];
	FILE *f = fmemopen(text, sizeof text, "w");

	assert_non_null(f);
	if (ss)
		ls_print_ss(l, f);
	else
		ls_print(l, NULL, 0, f);
	fclose(f);
	return text;
}

static struct ls_row example[] = {
	{.state = TV_LISTEN, .local = {.port = 80}, .send_q = 128},
	{.state = TV_ESTABLISHED, .local = HERE(80), .remote = THERE(40000), .recv_q = 5, .timer = LS_KEEPALIVE,
		.left = 7200 * TV_S, .measured = true, .rtt_us = 1500, .cwnd = 10, .heard_known = true,
		.heard = 2 * TV_S},
	{.state = TV_CLOSE_WAIT, .kernel = true, .local = HERE(80), .remote = THERE(40001), .retransmitted = 3,
		.tries = 1, .heard_known = true, .heard = 30 * TV_S, .age_known = true, .age = 20 * TV_S},
};

static void test_ls_table_says_states_as_the_rfc_and_ages_in_words(void **state)
{
	struct ls l = {.rows = example, .count = COUNT(example), .list.stacks = 1};

	(void)state;
	assert_string_equal(printed(&l, false),
		"STATE        LOCAL        PEER            RECV-Q  SEND-Q  TIMER             RTT       CWND\n"
		"LISTEN       *:80         -                    0     128\n"
		"ESTABLISHED  10.9.0.2:80  10.9.0.1:40000       5       0  keepalive 7200 s  1.500 ms  10    "
		"received 2.0 s ago\n"
		"CLOSE-WAIT   10.9.0.2:80  10.9.0.1:40001       0       0                                    "
		"repeated 1 time, 3 retransmitted, nothing received for 30 s, CLOSE-WAIT for at least 20 s\n"
		"1 Trivet stack: 1 LISTEN, 1 ESTABLISHED, 1 CLOSE-WAIT.\n");
}

static void test_ls_ss_prints_as_ss_does(void **state)
{
	struct ls_row rows[] = {
		{.state = TV_LISTEN, .kernel = true, .v6 = true, .local = {.port = 22}, .send_q = 128},
		{.state = TV_LISTEN, .kernel = true, .v6 = true, .v6_only = true, .local = {.port = 23}, .send_q = 128},
		{.state = TV_SYN_RECEIVED, .kernel = true, .local = HERE(80), .remote = THERE(40000)},
		{.state = TV_ESTABLISHED, .kernel = true, .v6 = true, .local = HERE(80), .remote = THERE(40001)},
	};
	struct ls l = {.rows = rows, .count = COUNT(rows), .kernel = true};

	(void)state;
	assert_string_equal(printed(&l, true),
		"State      Recv-Q Send-Q     Local Address:Port       Peer Address:Port \n"
		"LISTEN     0      128                    *:22                    *:*    \n"
		"LISTEN     0      128                 [::]:23                 [::]:*    \n"
		"SYN-RECV   0      0               10.9.0.2:80             10.9.0.1:40000\n"
		"ESTAB      0      0      [::ffff:10.9.0.2]:80    [::ffff:10.9.0.1]:40001\n");
}

static void test_ls_many_time_waits_are_counted_not_listed(void **state)
{
	struct odd_case k = {.row = {.state = TV_TIME_WAIT}, .times = 50};
	struct ls l = {.kernel = true};
	const char *text;

	(void)state;
	fill(&l, &k);
	text = printed(&l, false);
	assert_null(strstr(text, "10.9.0.1"));
	assert_non_null(strstr(text, "50 TIME-WAIT"));
	assert_non_null(strstr(text, "--all"));
	l.all = true;
	assert_non_null(strstr(printed(&l, false), "10.9.0.1"));
	free(l.rows);
}

static void test_ls_ages_are_exact_for_what_came_during_the_watch(void **state)
{
	struct ls_row old = {.state = TV_ESTABLISHED, .local = HERE(80), .remote = THERE(1)};
	struct ls_row new = {.state = TV_ESTABLISHED, .local = HERE(80), .remote = THERE(2)};
	struct ls_row rows[2];
	struct ls l = {.rows = rows, .count = 1};
	struct ls_ages *a = ls_ages_new();

	(void)state;
	assert_non_null(a);
	rows[0] = old;
	ls_ages_take(a, &l, 100 * TV_S);
	assert_true(rows[0].age_known && !rows[0].age_exact && rows[0].age == 0);
	rows[0] = new;
	rows[1] = old;
	l.count = 2;
	ls_ages_take(a, &l, 101 * TV_S);
	assert_true(rows[0].age_exact && rows[0].age == 0);
	assert_true(!rows[1].age_exact && rows[1].age == TV_S);
	rows[1].state = TV_CLOSE_WAIT; /* another state: its age begins anew, and is exact */
	ls_ages_take(a, &l, 103 * TV_S);
	assert_true(rows[0].age_exact && rows[0].age == 2 * TV_S);
	assert_true(rows[1].age_exact && rows[1].age == 0);
	ls_ages_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ls_timer_follows_from_what_is_told),
		cmocka_unit_test(test_ls_age_is_exact_for_a_stack),
		cmocka_unit_test(test_ls_odd_is_told_and_nothing_else),
		cmocka_unit_test(test_ls_table_says_states_as_the_rfc_and_ages_in_words),
		cmocka_unit_test(test_ls_ss_prints_as_ss_does),
		cmocka_unit_test(test_ls_many_time_waits_are_counted_not_listed),
		cmocka_unit_test(test_ls_ages_are_exact_for_what_came_during_the_watch),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
