/*
 * test_stack_listen.c - passive OPEN: which listener answers, and its limits; our own addresses from inside.
 */
#include "lab.h"

static struct tv_listen_config on(uint16_t first, uint16_t last)
{
	struct tv_listen_config g;

	tv_listen_default(&g);
	g.port_first = first;
	g.port_last = last;
	return g;
}

/* A full backlog drops. */
static struct lab *lab_without_cookies(void)
{
	struct tv_config g;

	lab_config(&g);
	g.syn_cookies = TV_COOKIES_NEVER;
	return lab_new(&g, false);
}

static tv_handle listens(struct lab *l, const struct tv_listen_config *g)
{
	tv_handle h = 0;

	assert_int_equal(tv_listen(l->s, l->now, g, &h), TV_OK);
	return h;
}

/* The table of listeners stays three quarters full at most, so that looking up costs the same: 64 slots, four
 * for each of twelve ranges; the next is refused until one goes. */
static void test_listen_table_three_quarters_full_refuses(void **state)
{
	struct lab *l = lab_new(NULL, false);
	struct tv_listen_config g;
	tv_handle first = 0, h;

	(void)state;
	for (uint16_t i = 0; i < 12; i++) {
		g = on((uint16_t)(1000 * i + 1), (uint16_t)(1000 * i + 6)); /* 1, 2 to 3, 4 to 5, 6 */
		g.addr = l->us;
		h = listens(l, &g);
		first = i == 0 ? h : first;
	}
	g = on(20000, 20000);
	g.addr = l->us;
	assert_int_equal(tv_listen(l->s, l->now, &g, &h), TV_EFULL);
	assert_int_equal(tv_close(l->s, l->now, first), TV_OK);
	listens(l, &g);
	lab_free(l);
}

/* Exact address before any, one port before a range, the narrower block before any port. */
static void test_listen_lookup_most_exact_wins(void **state)
{
	struct lab *l = lab_new(NULL, false);
	struct tv_addr second = tv_addr_v4(192, 0, 2, 77);
	struct tv_listen_config g;
	static const struct {
		uint16_t port;
		bool second;
		uint64_t user;             /* 0: nobody */
	} cases[] = {
		{80, false, 3}, {80, true, 5}, {81, false, 2}, {81, true, 4}, {99, true, 4}, {100, true, 4},
		{2000, false, 2}, {1999, false, 1}, {2999, false, 2}, {3000, false, 1}, {65535, false, 1}, {1, true, 1},
		{150, false, 2}, {151, false, 1},
	};

	(void)state;
	assert_int_equal(tv_address_add(l->s, l->now, 0, &second, 96 + 24), TV_OK);
	g = on(0, 0);
	g.user = 1;
	listens(l, &g);
	g = on(81, 150);
	g.user = 2;
	listens(l, &g);
	g = on(2000, 2999);
	g.user = 2;
	listens(l, &g);
	g = on(80, 80);
	g.user = 3;
	listens(l, &g);
	g = on(79, 200);
	g.addr = second;
	g.user = 4;
	listens(l, &g);
	g = on(80, 80);
	g.addr = second;
	g.user = 5;
	listens(l, &g);
	for (unsigned i = 0; i < COUNT(cases); i++) {
		uint32_t found = tv_listen_find(&l->s->core, cases[i].second ? &second : &l->us, cases[i].port, 0);

		assert_true(found != 0);
		if (tv_listener_at(&l->s->core, found - 1)->user != cases[i].user)
			fail_msg("port %u: listener %u", cases[i].port,
			         (unsigned)tv_listener_at(&l->s->core, found - 1)->user);
	}
	lab_free(l);
}

/* Against a naive list: random ranges, listened to and closed, look-ups at random. */
static void test_listen_lookup_random_agrees_with_a_list(void **state)
{
	struct {
		tv_handle h;
		uint16_t first, last;
	} list[7];
	struct lab *l = lab_new(NULL, false);
	uint64_t seed = 5;
	unsigned n = 0, taken = 0;

	(void)state;
	for (unsigned i = 0; i < 4000; i++) {
		uint16_t a = (uint16_t)(1 + lab_random(&seed) % 60), b = (uint16_t)(a + lab_random(&seed) % 8);
		struct tv_listen_config g = on(a, b);
		uint32_t found, expected = 0;
		unsigned narrow = 0;

		g.only_v4 = true; /* so that the blocks of seven always find room */

		if (n < COUNT(list) && lab_random(&seed) % 3 != 0) {
			int r = tv_listen(l->s, l->now, &g, &list[n].h);

			taken += r == TV_EADDRINUSE;
			assert_true(r == TV_OK || r == TV_EADDRINUSE);
			if (r == TV_OK) {
				list[n].first = a;
				list[n++].last = b;
			}
		} else if (n != 0) {
			unsigned k = lab_random(&seed) % n;

			assert_int_equal(tv_close(l->s, l->now, list[k].h), TV_OK);
			assert_int_equal(tv_close(l->s, l->now, list[k].h), TV_ESTALE);
			list[k] = list[--n];
		}
		for (unsigned k = 0; k < n; k++)
			if (a >= list[k].first && a <= list[k].last)
				narrow++;
		found = tv_listen_find(&l->s->core, &l->us, a, 0);
		assert_int_equal(found != 0, narrow != 0);
		for (unsigned k = 0; k < n && found != 0; k++)
			if ((uint32_t)list[k].h + 1 == found)
				expected = a >= list[k].first && a <= list[k].last;
		assert_int_equal(expected, found != 0);
	}
	assert_true(taken > 10);
	lab_free(l);
}

static void test_listen_bad_arguments_are_refused(void **state)
{
	struct lab *l = lab_new(NULL, false);
	struct tv_listen_config g;
	tv_handle h;

	(void)state;
	g = on(80, 79);
	assert_int_equal(tv_listen(l->s, l->now, &g, &h), TV_EINVAL);
	g = on(0, 79);
	assert_int_equal(tv_listen(l->s, l->now, &g, &h), TV_EINVAL);
	g = on(80, 80);
	g.backlog = 0;
	assert_int_equal(tv_listen(l->s, l->now, &g, &h), TV_EINVAL);
	g = on(80, 80);
	g.only_v4 = g.only_v6 = true;
	assert_int_equal(tv_listen(l->s, l->now, &g, &h), TV_EINVAL);
	g = on(80, 80);
	g.size = 0;
	assert_int_equal(tv_listen(l->s, l->now, &g, &h), TV_EINVAL);
	g = on(80, 80);
	l->opts.keepalive_count = 0;
	g.options = &l->opts;
	assert_int_equal(tv_listen(l->s, l->now, &g, &h), TV_EINVAL);
	g = on(80, 80);
	g.addr = tv_addr_v4(192, 0, 2, 3);
	assert_int_equal(tv_listen(l->s, l->now, &g, &h), TV_EADDRNOTAVAIL);
	g.any_address = true;
	assert_int_equal(tv_listen(l->s, l->now, &g, &h), TV_OK);
	assert_int_equal(tv_listen(l->s, l->now, &g, &h), TV_EADDRINUSE);
	assert_int_equal(lab_counters(l).listeners, 1);
	for (uint16_t i = 1; i < 16; i++) {
		g = on(i, i);
		listens(l, &g);
	}
	g = on(99, 99);
	assert_int_equal(tv_listen(l->s, l->now, &g, &h), TV_EFULL);
	lab_free(l);
}

/* Families: any address listens for both, or one alone; then another may have the other. */
static void test_listen_families_share_a_port(void **state)
{
	struct lab *l = lab_new(NULL, false);
	struct tv_addr six = lab_v6(1), four = l->us;
	struct tv_listen_config g;
	tv_handle h, v4, v6;

	(void)state;
	assert_int_equal(tv_address_add(l->s, l->now, 0, &six, 64), TV_OK);
	g = on(80, 80);
	g.only_v4 = true;
	v4 = listens(l, &g);
	assert_int_equal(tv_listen_find(&l->s->core, &six, 80, 0), 0);
	g.only_v4 = false;
	assert_int_equal(tv_listen(l->s, l->now, &g, &h), TV_EADDRINUSE);
	g.only_v6 = true;
	v6 = listens(l, &g);
	assert_int_equal(tv_listen_find(&l->s->core, &six, 80, 0), (uint32_t)v6 + 1);
	assert_int_equal(tv_listen_find(&l->s->core, &four, 80, 0), (uint32_t)v4 + 1);
	assert_int_equal(tv_release(l->s, l->now, v4), TV_OK);
	assert_int_equal(tv_listen_find(&l->s->core, &four, 80, 0), 0);
	assert_int_equal(tv_listen_find(&l->s->core, &six, 80, 0), (uint32_t)v6 + 1);
	lab_free(l);
}

/* A gateway's listener answers for addresses that are not ours - and only for TCP. */
static void test_listen_any_address_answers_for_foreign_destinations(void **state)
{
	struct lab *l = lab_new(NULL, false);
	struct tv_listen_config g = on(80, 80);
	tv_handle h;

	(void)state;
	l->us = tv_addr_v4(203, 0, 113, 5);
	assert_int_equal(SAY(l, .flags = TV_SYN), TV_V_NOT_OURS);
	assert_int_equal(l->count, 0);
	g.any_address = true;
	h = listens(l, &g);
	l->seq--;
	SAY(l, .flags = TV_SYN);
	lab_only(l, TV_SYN | TV_ACK);
	assert_memory_equal(&l->heard[0].ip.src, &l->us, 16);
	l->port = 81;
	assert_int_equal(SAY(l, .flags = TV_SYN), TV_V_NOT_OURS); /* no RST in another's name */
	assert_int_equal(l->count, 0);
	assert_int_equal(tv_close(l->s, l->now, h), TV_OK);
	l->port = 80;
	assert_int_equal(SAY(l, .flags = TV_SYN), TV_V_NOT_OURS);
	lab_free(l);
}

/* The backlog: half-open records, then connections nobody accepts; what is dropped is counted. */
static void test_listen_backlog_full_drops_syns(void **state)
{
	struct lab *l = lab_without_cookies();
	struct tv_listen_config g = on(80, 80);
	uint32_t seq = l->seq, ack[3];
	tv_handle h;

	(void)state;
	g.backlog = 3;
	l->listener = listens(l, &g);
	for (uint16_t i = 0; i < 3; i++) {
		l->seq = seq;
		l->peer_port = (uint16_t)(40000 + i);
		SAY(l, .flags = TV_SYN);
		ack[i] = lab_only(l, TV_SYN | TV_ACK)->seq + 1;
	}
	l->seq = seq;
	l->peer_port = 41000;
	assert_int_equal(SAY(l, .flags = TV_SYN), TV_V_BACKLOG_FULL);
	assert_int_equal(l->count, 0);
	for (uint16_t i = 0; i < 3; i++) {
		l->seq = seq + 1;
		l->ack = ack[i];
		l->peer_port = (uint16_t)(40000 + i);
		assert_int_equal(SAY(l, .flags = TV_ACK), TV_V_OK);
	}
	l->seq = seq;
	l->peer_port = 41000;
	assert_int_equal(SAY(l, .flags = TV_SYN), TV_V_ACCEPT_FULL);
	assert_int_equal(lab_counters(l).backlog_drops, 2);
	assert_int_equal(tv_accept(l->s, l->now, l->listener, &h), TV_OK);
	l->seq = seq;
	assert_int_equal(SAY(l, .flags = TV_SYN), TV_V_OK);
	l->ack = lab_only(l, TV_SYN | TV_ACK)->seq + 1;
	assert_int_equal(SAY(l, .flags = TV_ACK), TV_V_OK);
	for (uint16_t i = 0; i < 3; i++) { /* the oldest first */
		struct tv_info info = {.size = sizeof info};

		assert_int_equal(tv_accept(l->s, l->now, l->listener, &h), TV_OK);
		assert_int_equal(tv_info(l->s, h, &info), TV_OK);
		assert_int_equal(info.remote.port, i < 2 ? 40001 + i : 41000);
		assert_int_equal(info.listener, l->listener);
	}
	assert_int_equal(tv_accept(l->s, l->now, l->listener, &h), TV_AGAIN);
	lab_free(l);
}

/* A final ACK for a full accept queue is ignored; the SYN-ACK comes again, and then it is taken. */
static void test_listen_accept_queue_full_ack_ignored(void **state)
{
	struct lab *l = lab_new(NULL, false);
	struct tv_listen_config g = on(80, 80);
	uint32_t ack[2], seq = l->seq;
	tv_handle h;

	(void)state;
	g.backlog = 2;
	l->listener = listens(l, &g);
	lab_passive(l);
	l->peer_port++;
	l->seq = seq;
	SAY(l, .flags = TV_SYN);
	ack[0] = lab_last(l)->seq + 1;
	l->peer_port++;
	l->seq = seq;
	SAY(l, .flags = TV_SYN);
	ack[1] = lab_last(l)->seq + 1;
	tv_listener_at(&l->s->core, 0)->backlog = 1; /* as if its user had lowered it */
	l->ack = ack[1];
	assert_int_equal(SAY(l, .flags = TV_ACK), TV_V_OK);
	l->peer_port--;
	l->ack = ack[0];
	assert_int_equal(SAY(l, .flags = TV_ACK), TV_V_ACCEPT_FULL);
	assert_int_equal(lab_counters(l).accept_drops, 1);
	assert_int_equal(tv_accept(l->s, l->now, l->listener, &h), TV_OK);
	lab_wait(l, TV_S + TV_MS);
	lab_only(l, TV_SYN | TV_ACK);
	assert_int_equal(SAY(l, .flags = TV_ACK), TV_V_OK);
	assert_int_equal(tv_accept(l->s, l->now, l->listener, &h), TV_OK);
	lab_free(l);
}

/* Records run out: half-open ones, full ones. */
static void test_listen_no_record_drops_and_counts(void **state)
{
	struct tv_config g;
	struct lab *l;

	(void)state;
	lab_config(&g);
	g.syn_cookies = TV_COOKIES_NEVER;
	g.half_opens = 2;
	g.connections = 1;
	l = lab_new(&g, false);
	lab_passive(l);
	for (unsigned i = 0; i < 3; i++) {
		l->peer_port++;
		l->seq = 500;
		assert_int_equal(SAY(l, .flags = TV_SYN), i < 2 ? TV_V_OK : TV_V_NO_RECORD);
	}
	l->peer_port--;
	l->ack = tv_half_at(&l->s->core, 1)->iss + 1;
	assert_int_equal(SAY(l, .flags = TV_ACK), TV_V_NO_RECORD);
	assert_int_equal(lab_counters(l).record_failures, 2);
	assert_int_equal(lab_counters(l).half_opens, 2);
	lab_free(l);
}

/* [MUST-41]: another listener on a port in use leaves the connection as it was. */
static void test_listen_again_leaves_connections_alone(void **state)
{
	struct lab *l = lab_new(NULL, false);
	struct tv_listen_config g = on(80, 80);
	struct tv_info before, after;
	tv_handle h;

	(void)state;
	lab_passive(l);
	before = lab_info(l);
	assert_int_equal(tv_listen(l->s, l->now, &g, &h), TV_EADDRINUSE);
	g.addr = l->us;
	h = listens(l, &g);
	after = lab_info(l);
	assert_memory_equal(&before, &after, sizeof before);
	assert_int_equal(tv_close(l->s, l->now, h), TV_OK);
	assert_int_equal(tv_close(l->s, l->now, l->listener), TV_OK);
	g.addr = (struct tv_addr){{0}};
	listens(l, &g); /* takes the place of one that is gone, and has no part in what came to that one */
	after = lab_info(l);
	before.listener = 0;
	assert_memory_equal(&before, &after, sizeof before);
	assert_int_equal(SAY(l, .flags = TV_ACK, .len = 10), TV_V_OK);
	lab_free(l);
}

/* [MUST-42]: listening on a port from which a connection is being opened. */
static void test_listen_on_port_of_an_attempt_answers_others(void **state)
{
	static const enum tv_state states[] = {TV_SYN_SENT, TV_SYN_RECEIVED};

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct lab *l = lab_new(NULL, false);
		tv_handle attempt;
		uint32_t seq, ack;

		lab_state(l, states[i]);
		attempt = l->conn;
		seq = l->seq;
		ack = l->ack;
		lab_listen(l);
		l->peer_port++;
		lab_passive(l); /* a third party is answered */
		l->peer_port--;
		l->conn = attempt;
		l->seq = seq;
		l->ack = ack;
		SAY(l, .flags = i == 0 ? TV_SYN | TV_ACK : TV_ACK);
		assert_int_equal(lab_info(l).state, TV_ESTABLISHED);
		lab_free(l);
	}
}

/* Connections inherit what their listener has; the stack's defaults otherwise. */
static void test_listen_options_and_user_are_inherited(void **state)
{
	struct lab *l = lab_new(NULL, false);

	(void)state;
	l->opts.dscp = 12;
	l->opts.nodelay = true;
	l->opts.rcv_buf = 5000;
	l->opts.keepalive = true;
	l->opts.keepalive_idle = 3 * TV_S;
	lab_listen(l);
	l->opts.dscp = 13; /* they were copied */
	lab_passive(l);
	assert_int_equal(lab_info(l).dscp, 12);
	assert_int_equal(lab_info(l).user, 7);
	assert_int_equal(lab_info(l).rcv_wnd, 5000);
	assert_false(lab_info(l).active_open);
	lab_send(l, 10, 0);
	lab_send(l, 10, 0);
	assert_int_equal(l->count, 1); /* no Nagle */
	l->ack += 20;
	SAY(l, .flags = TV_ACK);
	lab_wait(l, 3100 * TV_MS);
	assert_int_equal(lab_counters(l).keepalive_probes, 1);
	lab_free(l);
}

/* Closing: half-open records vanish, waiting connections are reset, those accepted live on. */
static void test_listen_close_resets_what_waits(void **state)
{
	struct lab *l = lab_new(NULL, false);
	tv_handle accepted, h;

	(void)state;
	lab_passive(l);
	accepted = l->conn;
	l->peer_port++;
	l->seq = 700;
	SAY(l, .flags = TV_SYN);
	l->ack = lab_last(l)->seq + 1;
	SAY(l, .flags = TV_ACK, .len = 5);
	l->peer_port++;
	l->seq = 700;
	SAY(l, .flags = TV_SYN);
	assert_int_equal(tv_close(l->s, l->now, l->listener), TV_OK);
	lab_hear(l);
	assert_int_equal(tv_key_local_port(&lab_only(l, TV_RST | TV_ACK)->key), l->peer_port - 1);
	assert_int_equal(lab_counters(l).half_opens, 0);
	assert_int_equal(lab_counters(l).connections, 1);
	assert_int_equal(lab_counters(l).listeners, 0);
	assert_int_equal(lab_counters(l).reasons[TV_R_LISTENER_CLOSED], 1);
	assert_int_equal(tv_accept(l->s, l->now, l->listener, &h), TV_ESTALE);
	l->conn = accepted;
	assert_int_equal(lab_info(l).state, TV_ESTABLISHED);
	SAY(l, .flags = TV_ACK);
	lab_only(l, TV_RST);
	lab_free(l);
}

/* A connection that was reset while it waited is handed over as closed, and leaves when released. */
static void test_listen_accept_gives_also_what_has_ended(void **state)
{
	struct lab *l = lab_new(NULL, false);

	(void)state;
	lab_listen(l);
	SAY(l, .flags = TV_SYN);
	l->ack = lab_last(l)->seq + 1;
	SAY(l, .flags = TV_ACK);
	SAY(l, .flags = TV_RST);
	assert_int_equal(tv_accept(l->s, l->now, l->listener, &l->conn), TV_OK);
	assert_int_equal(lab_info(l).state, TV_CLOSED);
	assert_int_equal(lab_events(l, l->conn), TV_EV_CLOSED);
	assert_int_equal(l->reason, TV_R_RESET);
	assert_int_equal(tv_release(l->s, l->now, l->conn), TV_OK);
	assert_int_equal(lab_counters(l).connections, 0);
	lab_free(l);
}

/* Our own addresses are reached inside; nothing of it leaves. From a link they are forged (LAND). */
static void test_listen_own_address_is_reached_inside(void **state)
{
	(void)state;
	for (unsigned v6 = 0; v6 < 2; v6++) {
		struct lab *l = lab_new(NULL, v6 != 0);
		struct tv_connect_config g;
		tv_handle a, b;
		uint8_t text[100];
		struct tv_addr peer = l->peer;

		lab_listen(l);
		l->peer = l->us;
		assert_int_equal(SAY(l, .flags = TV_SYN), TV_V_MARTIAN);
		tv_connect_default(&g);
		g.remote.addr = l->us;
		g.remote.port = 80;
		assert_int_equal(tv_connect(l->s, l->now, &g, &a, NULL), TV_OK);
		lab_wait(l, TV_MS);
		assert_int_equal(tv_accept(l->s, l->now, l->listener, &b), TV_OK);
		assert_int_equal(tv_send(l->s, l->now, a, "hello", 5, 0), 5);
		lab_wait(l, TV_MS);
		assert_int_equal(tv_recv(l->s, l->now, b, text, sizeof text, 0), 5);
		assert_memory_equal(text, "hello", 5);
		tv_close(l->s, l->now, a);
		tv_close(l->s, l->now, b);
		lab_wait(l, 100 * TV_MS);
		assert_int_equal(lab_counters(l).packets_out, 0);
		assert_true(lab_counters(l).looped >= 7);
		g.remote.port = 81; /* nobody there: refused, inside */
		assert_int_equal(tv_connect(l->s, l->now, &g, &l->conn, NULL), TV_OK);
		lab_wait(l, TV_MS);
		assert_int_equal(lab_info(l).reason, TV_R_REFUSED);
		assert_int_equal(lab_counters(l).packets_out, 0);
		l->peer = peer;
		lab_free(l);
	}
}

/* From a link even the segment that fits a connection to ourselves is forged (RFC 1122 3.2.1.3). */
static void test_listen_connection_inside_is_out_of_reach_from_a_link(void **state)
{
	(void)state;
	for (unsigned v6 = 0; v6 < 2; v6++) {
		struct lab *l = lab_new(NULL, v6 != 0);
		struct tv_connect_config g;
		struct tv_info info = {.size = sizeof info};
		tv_handle a, b;

		lab_listen(l);
		tv_connect_default(&g);
		g.remote.addr = l->us;
		g.remote.port = 80;
		assert_int_equal(tv_connect(l->s, l->now, &g, &a, NULL), TV_OK);
		lab_wait(l, TV_MS);
		assert_int_equal(tv_accept(l->s, l->now, l->listener, &b), TV_OK);
		assert_int_equal(tv_info(l->s, b, &info), TV_OK);
		l->peer = l->us;
		l->peer_port = info.remote.port;
		l->seq = tv_conn(&l->s->core, (uint32_t)b)->rcv.nxt;
		assert_int_equal(SAY(l, .flags = TV_RST), TV_V_MARTIAN);
		assert_int_equal(tv_info(l->s, b, &info), TV_OK);
		assert_int_equal(info.state, TV_ESTABLISHED);
		lab_free(l);
	}
}

/* An address that becomes ours later is no longer a peer's, whoever was connected with it. */
static void test_listen_address_added_later_is_forged_from_a_link(void **state)
{
	(void)state;
	for (unsigned v6 = 0; v6 < 2; v6++) {
		struct lab *l = lab_new(NULL, v6 != 0);
		uint64_t segments;

		lab_passive(l);
		assert_int_equal(SAY(l, .flags = TV_ACK), TV_V_OK);
		segments = lab_counters(l).segments_in;
		assert_int_equal(tv_address_add(l->s, l->now, 0, &l->peer, 128), TV_OK);
		assert_int_equal(SAY(l, .flags = TV_ACK), TV_V_MARTIAN);
		assert_int_equal(lab_counters(l).segments_in, segments);
		lab_free(l);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_listen_table_three_quarters_full_refuses),
		cmocka_unit_test(test_listen_lookup_most_exact_wins),
		cmocka_unit_test(test_listen_lookup_random_agrees_with_a_list),
		cmocka_unit_test(test_listen_bad_arguments_are_refused),
		cmocka_unit_test(test_listen_families_share_a_port),
		cmocka_unit_test(test_listen_any_address_answers_for_foreign_destinations),
		cmocka_unit_test(test_listen_backlog_full_drops_syns),
		cmocka_unit_test(test_listen_accept_queue_full_ack_ignored),
		cmocka_unit_test(test_listen_no_record_drops_and_counts),
		cmocka_unit_test(test_listen_again_leaves_connections_alone),
		cmocka_unit_test(test_listen_on_port_of_an_attempt_answers_others),
		cmocka_unit_test(test_listen_options_and_user_are_inherited),
		cmocka_unit_test(test_listen_close_resets_what_waits),
		cmocka_unit_test(test_listen_accept_gives_also_what_has_ended),
		cmocka_unit_test(test_listen_own_address_is_reached_inside),
		cmocka_unit_test(test_listen_connection_inside_is_out_of_reach_from_a_link),
		cmocka_unit_test(test_listen_address_added_later_is_forged_from_a_link),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
