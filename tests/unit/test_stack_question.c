/* test_stack_question.c - a SYN is a question: held, answered later or never. */
#include "lab.h"

#include "wire/icmp.h"

static struct tv_listen_config on(uint16_t first, uint16_t last)
{
	struct tv_listen_config g;

	tv_listen_default(&g);
	g.port_first = first;
	g.port_last = last;
	return g;
}

static tv_handle listens(struct lab *l, const struct tv_listen_config *g)
{
	tv_handle h = 0;

	assert_int_equal(tv_listen(l->s, l->now, g, &h), TV_OK);
	return h;
}

static tv_handle asked(struct lab *l, struct tv_listen_config *g)
{
	struct tv_event e;
	tv_handle q;

	if (l->listener == 0) {
		g->hold = true;
		l->listener = listens(l, g);
	}
	assert_int_equal(SAY(l, .flags = TV_SYN), TV_V_OK);
	assert_int_equal(l->count, 0);
	assert_true(tv_event(l->s, &e));
	assert_int_equal(e.flags, TV_EV_QUESTION);
	assert_int_equal(e.user, g->user);
	q = e.handle;
	assert_false(tv_event(l->s, &e));
	return q;
}

/* The repeated SYN of a question changes nothing: not one byte of the stack but counters. */
static void test_question_repeated_syn_changes_nothing(void **state)
{
	struct lab *l = lab_new(NULL, false);
	struct tv_listen_config g = on(80, 80);
	uint8_t *before = malloc(l->bytes);
	struct tv_counters *cnt = &l->s->core.cnt, kept;
	struct tv_event e;

	(void)state;
	assert_non_null(before);
	l->syn.has |= TV_OPT_HAS_SACK_OK;
	l->listener = 0;
	g.hold = true;
	g.user = 3;
	l->listener = listens(l, &g);
	assert_int_equal(SAY(l, .flags = TV_SYN), TV_V_OK);
	kept = *cnt;
	memcpy(before, l->region, l->bytes);
	l->seq--;
	assert_int_equal(SAY(l, .flags = TV_SYN), TV_V_HELD_REPEAT);
	assert_int_equal(l->count, 0);
	*cnt = kept;
	assert_memory_equal(before, l->region, l->bytes);
	assert_true(tv_event(l->s, &e));
	assert_false(tv_event(l->s, &e));
	free(before);
	lab_free(l);
}

/* Accepted with options of its own: they decide what the SYN-ACK offers. */
static void test_question_accept_with_other_options(void **state)
{
	struct lab *l = lab_new(NULL, false);
	struct tv_listen_config g = on(80, 80);
	struct tv_answer a = {.size = sizeof a, .kind = TV_ANSWER_ACCEPT, .options = &l->opts, .user = 99};
	const struct tv_segment *s;
	tv_handle q;

	(void)state;
	l->syn.has |= TV_OPT_HAS_SACK_OK | TV_OPT_HAS_TS | TV_OPT_HAS_WSCALE;
	l->syn.wscale = 3;
	q = asked(l, &g);
	l->opts.no_sack = l->opts.no_timestamps = true;
	l->opts.mss_max = 700;
	l->opts.rcv_buf = 3000;
	l->opts.dscp = 9;
	l->opts.nodelay = true;
	assert_int_equal(tv_answer(l->s, l->now, q, &a, &l->conn), TV_OK);
	lab_hear(l);
	s = lab_only(l, TV_SYN | TV_ACK);
	assert_int_equal(s->opt.has, TV_OPT_HAS_MSS | TV_OPT_HAS_WSCALE);
	assert_int_equal(s->opt.mss, 700);
	assert_int_equal(s->opt.wscale, 0);
	assert_int_equal(s->wnd, 3000);
	assert_int_equal(l->heard[0].ip.tos, 9 << 2);
	assert_int_equal(lab_info(l).state, TV_SYN_RECEIVED);
	assert_int_equal(lab_info(l).user, 99);
	assert_int_equal(tv_answer(l->s, l->now, q, &a, &l->conn), TV_ESTALE);
	l->ack = s->seq + 1;
	SAY(l, .flags = TV_ACK);
	assert_int_equal(lab_events(l, l->conn), TV_EV_CONNECTED);
	assert_int_equal(lab_info(l).mss_snd, 700);
	assert_int_equal(lab_info(l).snd_scale, 3);
	lab_send(l, 10, 0);
	lab_send(l, 10, 0);
	assert_int_equal(l->count, 1);
	lab_free(l);
}

static void test_question_accept_without_window_scale(void **state)
{
	struct lab *l = lab_new(NULL, false);
	struct tv_listen_config g = on(80, 80);
	struct tv_answer a = {.size = sizeof a, .kind = TV_ANSWER_ACCEPT, .options = &l->opts};
	tv_handle q;

	(void)state;
	l->syn.has |= TV_OPT_HAS_WSCALE | TV_OPT_HAS_SACK_OK | TV_OPT_HAS_TS;
	l->syn.wscale = 7;
	q = asked(l, &g);
	l->opts.no_window_scale = true;
	assert_int_equal(tv_answer(l->s, l->now, q, &a, &l->conn), TV_OK);
	lab_hear(l);
	assert_int_equal(lab_only(l, TV_SYN | TV_ACK)->opt.has, TV_OPT_HAS_MSS | TV_OPT_HAS_SACK_OK | TV_OPT_HAS_TS);
	l->ack = lab_last(l)->seq + 1;
	l->ts = true;
	SAY(l, .flags = TV_ACK, .wnd_set = true, .wnd = 100);
	assert_int_equal(lab_info(l).snd_wnd, 100);
	assert_int_equal(lab_info(l).rcv_scale, 0);
	lab_free(l);
}

/* Refused: RST; unreachable: the ICMP error that was asked for, from whom was asked for; drop: silence. */
static void test_question_refused_unreachable_dropped(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 10; i++) {
		struct lab *l = lab_new(NULL, i % 2 != 0);
		struct tv_listen_config g = on(80, 80);
		struct tv_answer a = {.size = sizeof a, .kind = TV_ANSWER_REFUSE, .icmp_type = l->v6 ? 1 : 3,
		                      .icmp_code = 1};
		tv_handle q = asked(l, &g), h;
		struct tv_icmp m;

		if (i / 2 == 1 || i / 2 == 2)
			a.kind = TV_ANSWER_UNREACHABLE;
		if (i / 2 == 2)
			a.icmp_from = l->v6 ? lab_v6(0x55) : tv_addr_v4(192, 0, 2, 85);
		if (i / 2 == 3)
			a.kind = TV_ANSWER_DROP;
		if (i / 2 == 4) {
			a.kind = (enum tv_answer_kind)(TV_ANSWER_DROP + 1);
			assert_int_equal(tv_answer(l->s, l->now, q, &a, &h), TV_EINVAL);
			a.kind = TV_ANSWER_DROP;
			a.size = 0;
			assert_int_equal(tv_answer(l->s, l->now, q, &a, &h), TV_EINVAL);
			assert_int_equal(lab_counters(l).half_opens, 1);
			lab_free(l);
			continue;
		}
		assert_int_equal(tv_answer(l->s, l->now, q, &a, &h), TV_OK);
		lab_hear(l);
		if (i / 2 == 0) {
			assert_int_equal(lab_only(l, TV_RST | TV_ACK)->ack, l->seq);
			assert_int_equal(lab_last(l)->seq, 0);
		} else if (i / 2 < 3) {
			const struct tv_addr *from = i / 2 == 2 ? &a.icmp_from : &l->us;

			assert_int_equal(l->count, 1);
			assert_memory_equal(&l->heard[0].ip.src, from, 16);
			assert_memory_equal(&l->heard[0].ip.dst, &l->peer, 16);
			assert_int_equal(tv_icmp_parse(&m, &l->heard[0].ip), TV_V_OK);
			assert_int_equal(m.type, a.icmp_type);
			assert_int_equal(m.code, 1);
			assert_int_equal(m.seq, l->seq - 1);
			assert_int_equal(m.sport, l->peer_port);
			assert_int_equal(m.dport, 80);
			assert_memory_equal(&m.quoted.src, &l->peer, 16);
		} else {
			assert_int_equal(l->count, 0);
		}
		assert_int_equal(tv_answer(l->s, l->now, q, &a, &h), TV_ESTALE);
		assert_int_equal(lab_counters(l).half_opens, 0);
		lab_free(l);
	}
}

/* Nobody answers: freed after its own time; too late is stale. held_max: dropped with a verdict. */
static void test_question_timeout_and_limit(void **state)
{
	struct tv_config c;
	struct tv_listen_config g = on(80, 80);
	struct tv_answer a = {.size = sizeof a, .kind = TV_ANSWER_ACCEPT};
	struct lab *l;
	tv_handle q;

	(void)state;
	lab_config(&c);
	c.held_max = 2;
	c.question_timeout = 4 * TV_S;
	l = lab_new(&c, false);
	q = asked(l, &g);
	l->peer_port++;
	asked(l, &g);
	l->peer_port++;
	assert_int_equal(SAY(l, .flags = TV_SYN), TV_V_HELD_FULL);
	assert_int_equal(lab_counters(l).held_drops, 1);
	lab_wait(l, 4 * TV_S - TV_MS);
	assert_int_equal(lab_counters(l).half_opens, 2);
	assert_int_equal(l->total, 0);
	lab_wait(l, 2 * TV_MS);
	assert_int_equal(lab_counters(l).half_opens, 0);
	assert_int_equal(lab_counters(l).reasons[TV_R_QUESTION_TIMEOUT], 2);
	assert_int_equal(tv_answer(l->s, l->now, q, &a, &l->conn), TV_ESTALE);
	assert_int_equal(SAY(l, .flags = TV_SYN), TV_V_OK); /* room again */
	lab_free(l);
}

/* The peer gives up: its RST takes the question back; only the exact one. An ACK is answered by a RST. */
static void test_question_reset_by_the_peer(void **state)
{
	struct lab *l = lab_new(NULL, false);
	struct tv_listen_config g = on(80, 80);
	struct tv_answer a = {.size = sizeof a, .kind = TV_ANSWER_ACCEPT};
	tv_handle q = asked(l, &g);

	(void)state;
	assert_int_equal(SAY(l, .flags = TV_RST, .off = 1), TV_V_RST_INEXACT);
	assert_int_equal(SAY(l, .flags = TV_ACK), TV_V_ACK_BAD_HANDSHAKE);
	lab_only(l, TV_RST);
	assert_int_equal(SAY(l, .flags = TV_FIN, .stay = true), TV_V_LISTEN_OTHER);
	assert_int_equal(lab_counters(l).half_opens, 1);
	assert_int_equal(SAY(l, .flags = TV_RST), TV_V_OK);
	assert_int_equal(lab_counters(l).half_opens, 0);
	assert_int_equal(tv_answer(l->s, l->now, q, &a, &l->conn), TV_ESTALE);
	lab_free(l);
}

/* What tv_info() tells of a question. */
static void test_question_info_describes_the_syn(void **state)
{
	struct lab *l = lab_new(NULL, true);
	struct tv_listen_config g = on(80, 80);
	struct tv_info info = {.size = sizeof info};
	tv_handle q;

	(void)state;
	l->syn.has |= TV_OPT_HAS_SACK_OK | TV_OPT_HAS_WSCALE;
	l->syn.mss = 1333;
	l->wnd = 4321;
	q = asked(l, &g);
	assert_int_equal(tv_info(l->s, q, &info), TV_OK);
	assert_int_equal(info.state, TV_SYN_RECEIVED);
	assert_int_equal(info.mss_peer, 1333);
	assert_int_equal(info.snd_wnd, 4321);
	assert_int_equal(info.irs, l->seq - 1);
	assert_int_equal(info.remote.port, l->peer_port);
	assert_memory_equal(&info.remote.addr, &l->peer, 16);
	assert_memory_equal(&info.local.addr, &l->us, 16);
	assert_int_equal(info.peer_syn_options, 1u << 2 | 1u << 3 | 1u << 4);
	assert_int_equal(info.listener, l->listener);
	assert_true(info.timer >= l->now + 10 * TV_S && info.timer <= l->now + 10 * TV_S + TV_MS);
	lab_free(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_question_repeated_syn_changes_nothing),
		cmocka_unit_test(test_question_accept_with_other_options),
		cmocka_unit_test(test_question_accept_without_window_scale),
		cmocka_unit_test(test_question_refused_unreachable_dropped),
		cmocka_unit_test(test_question_timeout_and_limit),
		cmocka_unit_test(test_question_reset_by_the_peer),
		cmocka_unit_test(test_question_info_describes_the_syn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
