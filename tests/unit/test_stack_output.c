/*
 * test_stack_output.c - tv_output() as trivet.h describes it: connections have their turn in the order in which
 * they had something to say, at most 16 packets each; a call for one link leaves what is for others to others;
 * a packet that is too small ends the batch.
 */
#include "lab.h"
#include "tcp/timers.h"

#define CONNS 5
#define MOST 64u
#define ROOM 1600u

struct talk {
	struct lab *l;
	tv_handle conns[CONNS];
	uint16_t ports[CONNS];
	struct tv_packet p[MOST];
	uint8_t bytes[MOST][ROOM];
};

/* Connections to peers on two links, in turn: the first and all others at even places are on link 0. */
static struct talk *begin(void)
{
	struct talk *k = calloc(1, sizeof *k);
	struct tv_link_config link = {.size = sizeof link, .kind = TV_LINK_IP, .mtu = 1500};
	struct tv_addr us = V4(198, 51, 100, 1), peers[2] = {V4(192, 0, 2, 2), V4(198, 51, 100, 2)};
	struct tv_addr ends[2] = {V4(192, 0, 2, 1), V4(198, 51, 100, 1)};
	struct tv_config g;

	assert_non_null(k);
	lab_config(&g);
	g.initial_window = 40;
	k->l = lab_new(&g, false);
	assert_int_equal(tv_link_add(k->l->s, k->l->now, &link), 1);
	assert_int_equal(tv_address_add(k->l->s, k->l->now, 1, &us, 96 + 24), TV_OK);
	for (unsigned i = 0; i < CONNS; i++) {
		k->l->us = ends[i % 2];
		k->l->peer = peers[i % 2];
		k->l->seq = 1000000;
		lab_active(k->l);
		k->conns[i] = k->l->conn;
		k->ports[i] = k->l->port;
	}
	for (unsigned i = 0; i < MOST; i++) {
		k->p[i].data = k->bytes[i];
		k->p[i].cap = ROOM;
	}
	return k;
}

static void end(struct talk *k)
{
	assert_int_equal(tv_stack_check(k->l->s), 0);
	lab_free(k->l);
	free(k);
}

static void writes(struct talk *k, unsigned i, uint32_t n)
{
	static const uint8_t text[20 * 1460];

	assert_int_equal(tv_send(k->l->s, k->l->now, k->conns[i], text, n, 0), n);
}

static unsigned output(struct talk *k, uint32_t link, unsigned cap)
{
	unsigned n = tv_output(k->l->s, k->l->now, link, k->p, cap);

	for (unsigned i = 0; i < n && link != TV_ANY_LINK; i++)
		assert_int_equal(k->p[i].link, link);
	return n;
}

/* Which connection has sent packet n? */
static unsigned whose(const struct talk *k, unsigned n)
{
	uint16_t port = tv_load16(k->bytes[n] + 20);

	for (unsigned i = 0; i < CONNS; i++)
		if (k->ports[i] == port)
			return i;
	fail();
	return CONNS;
}

static void test_output_for_one_link_leaves_what_is_for_another(void **state)
{
	for (uint32_t link = 0; link < 2; link++) {
		struct talk *k = begin();
		unsigned n;

		(void)state;
		for (unsigned i = 0; i < CONNS; i++)
			writes(k, i, 100);
		n = output(k, link, MOST);
		assert_int_equal(n, link == 0 ? 3 : 2);
		for (unsigned i = 0; i < n; i++)
			assert_int_equal(whose(k, i), 2 * i + link);
		assert_int_equal(output(k, link, MOST), 0);
		assert_int_equal(tv_deadline(k->l->s), k->l->now);
		n = output(k, 1 - link, MOST);
		assert_int_equal(n, link == 0 ? 2 : 3);
		for (unsigned i = 0; i < n; i++)
			assert_int_equal(whose(k, i), 2 * i + 1 - link);
		assert_true(tv_deadline(k->l->s) > k->l->now);
		end(k);
	}
}

static void test_output_for_any_link_is_in_order_of_writing(void **state)
{
	struct talk *k = begin();

	(void)state;
	for (unsigned i = CONNS; i-- > 0;)
		writes(k, i, 100);
	assert_int_equal(output(k, TV_ANY_LINK, MOST), CONNS);
	for (unsigned i = 0; i < CONNS; i++) {
		assert_int_equal(whose(k, i), CONNS - 1 - i);
		assert_int_equal(k->p[i].link, (CONNS - 1 - i) % 2);
	}
	end(k);
}

static void test_output_gives_each_a_turn_of_sixteen(void **state)
{
	/* Who speaks how often: the one for the other link is passed by, and costs the others nothing. */
	static const struct { unsigned conn, packets; } turns[] = {{0, 16}, {2, 16}, {0, 4}, {2, 4}};
	struct talk *k = begin();
	unsigned at = 0;

	(void)state;
	writes(k, 1, 100);
	writes(k, 0, 20 * 1460);
	writes(k, 2, 20 * 1460);
	assert_int_equal(output(k, 0, MOST), 40);
	for (unsigned i = 0; i < COUNT(turns); i++)
		for (unsigned n = 0; n < turns[i].packets; n++)
			assert_int_equal(whose(k, at++), turns[i].conn);
	assert_int_equal(output(k, 1, MOST), 1);
	assert_int_equal(whose(k, 0), 1);
	end(k);
}

static void test_output_stops_at_a_packet_that_is_too_small(void **state)
{
	struct talk *k = begin();

	(void)state;
	writes(k, 0, 3 * 1460);
	writes(k, 2, 100);
	k->p[2].cap = TV_PACKET_MIN - 1;
	assert_int_equal(output(k, TV_ANY_LINK, MOST), 2);
	assert_int_equal(output(k, TV_ANY_LINK, 1), 1);
	assert_int_equal(whose(k, 0), 2); /* its turn came before the rest of the other's */
	assert_int_equal(output(k, TV_ANY_LINK, MOST), 1);
	assert_int_equal(whose(k, 0), 0);
	end(k);
}

/* What two ends within the stack say to each other is not seen outside, whoever speaks before and after. */
static void test_output_goes_round_inside_for_own_addresses(void **state)
{
	struct talk *k = begin();
	struct lab *l = k->l;
	struct tv_connect_config g;
	tv_handle near, far;
	char got[8] = "";

	(void)state;
	l->port = 80;
	lab_listen(l);
	tv_connect_default(&g);
	g.remote.addr = (struct tv_addr)V4(198, 51, 100, 1);
	g.remote.port = 80;
	assert_int_equal(tv_connect(l->s, l->now, &g, &near, NULL), TV_OK);
	while (tv_deadline(l->s) <= l->now)
		assert_int_equal(output(k, TV_ANY_LINK, MOST), 0);
	assert_int_equal(tv_accept(l->s, l->now, l->listener, &far), TV_OK);
	for (uint32_t link = 0; link < 2; link++) {
		writes(k, 0, 100);
		assert_int_equal(tv_send(l->s, l->now, near, "hello", 5, 0), 5);
		writes(k, 1, 100);
		assert_int_equal(output(k, link, MOST), 1);
		assert_int_equal(whose(k, 0), link);
		assert_int_equal(tv_recv(l->s, l->now, far, got, sizeof got, 0), 5);
		assert_memory_equal(got, "hello", 5);
		assert_int_equal(output(k, 1 - link, MOST), 1);
		for (unsigned i = 0; i < 2; i++) { /* others, for which nothing is in flight */
			tv_abort(l->s, l->now, k->conns[i]);
			k->conns[i] = k->conns[i + 2];
			k->ports[i] = k->ports[i + 2];
		}
		while (output(k, TV_ANY_LINK, MOST) != 0)
			;
	}
	end(k);
}

/* Connections whose text is acknowledged have nothing to wait for. Among many none of them fires for that. */
static void idle_among_many(bool ts)
{
	struct tv_config g;
	struct lab *l;

	lab_config(&g);
	g.connections = TV_TIMERS_FEW + 1;
	l = lab_new(&g, false);
	l->syn.has = TV_OPT_HAS_MSS | (ts ? TV_OPT_HAS_TS : 0);
	l->syn.mss = 1460;
	for (uint32_t i = 0; i < TV_TIMERS_FEW + 1; i++) {
		l->seq = 1000000;
		lab_active(l);
	}
	assert_int_equal(lab_wait(l, 10 * TV_S), 0);
	assert_true(tv_deadline(l->s) == TV_NEVER);
	lab_send(l, 100, 0);
	assert_int_equal(l->count, 1);
	assert_true(tv_deadline(l->s) <= l->now + TV_S);
	l->ack += 100;
	assert_int_equal(SAY(l, .flags = TV_ACK), TV_V_OK);
	assert_true(tv_deadline(l->s) == TV_NEVER);
	lab_send(l, 100, 0);
	assert_true(tv_deadline(l->s) <= l->now + TV_S);
	assert_int_equal(lab_wait(l, 300 * TV_MS), 1); /* it is repeated: what is not acknowledged is waited for */
	assert_int_equal(tv_stack_check(l->s), 0);
	lab_free(l);
}

/* Without timestamps, and with them: then the ACK is a plain segment, which nobody has to look up. */
static void test_output_idle_among_many_wakes_nobody(void **state)
{
	(void)state;
	idle_among_many(false);
	idle_among_many(true);
}

/*
 * The index grows while connections open, and moves a few slots with each. Opening may end in the middle of that;
 * then what comes in moves the rest, or every look-up would ask two tables from then on.
 */
static void test_output_index_comes_to_rest_without_new_connections(void **state)
{
	struct tv_config g;
	struct lab *l;
	unsigned calls = 0;

	(void)state;
	lab_config(&g);
	g.connections = 4096;
	l = lab_new(&g, false);
	for (uint32_t i = 0; i < 4096 && !tv_table_moving(&l->s->index); i++) {
		l->seq = 1000000;
		lab_active(l);
	}
	assert_true(tv_table_moving(&l->s->index));
	for (; calls < 4096 && tv_table_moving(&l->s->index); calls++)
		tv_input(l->s, l->now, NULL, 0, NULL);
	assert_in_range(calls, 1, 4095);
	assert_int_equal(tv_stack_check(l->s), 0);
	lab_free(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_output_idle_among_many_wakes_nobody),
		cmocka_unit_test(test_output_index_comes_to_rest_without_new_connections),
		cmocka_unit_test(test_output_for_one_link_leaves_what_is_for_another),
		cmocka_unit_test(test_output_for_any_link_is_in_order_of_writing),
		cmocka_unit_test(test_output_gives_each_a_turn_of_sixteen),
		cmocka_unit_test(test_output_stops_at_a_packet_that_is_too_small),
		cmocka_unit_test(test_output_goes_round_inside_for_own_addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
