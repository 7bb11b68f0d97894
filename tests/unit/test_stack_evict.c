/*
 * test_stack_evict.c - what is given up when connections, orphans or pages have run out: what has stalled, the
 * cheapest to lose first, with a RST and a reason of its own.
 */
#include "lab.h"

/* A connection from this port; its octets in flight, or queued behind a closed window, stay where they are. */
static tv_handle from_port(struct lab *l, uint16_t port, uint32_t text)
{
	l->peer_port = port;
	lab_passive(l);
	if (text != 0)
		lab_send(l, text, 0);
	return l->conn;
}

static struct tv_info info_of(const struct lab *l, tv_handle h)
{
	struct tv_info info = {.size = sizeof info};

	assert_int_equal(tv_info(l->s, h, &info), TV_OK);
	return info;
}

/* To which of our peers did a RST go? 0: none; fails when there is more than one. */
static uint16_t reset_to(const struct lab *l)
{
	uint16_t port = 0;

	for (unsigned i = 0; i < l->count; i++)
		if ((l->heard[i].seg.flags & TV_RST) != 0) {
			assert_int_equal(port, 0);
			port = tv_key_local_port(&l->heard[i].seg.key);
		}
	return port;
}

static struct lab *with(uint32_t connections, uint32_t orphans)
{
	struct tv_config g;

	lab_config(&g);
	g.connections = connections;
	g.orphans = orphans;
	return lab_new(&g, false);
}

/* Brings a connection to where it waits in this way, as an orphan. */
static void orphan(struct lab *l, uint16_t port, enum tv_state state)
{
	tv_handle h = from_port(l, port, state == TV_FIN_WAIT_1 ? 100 : 0);

	if (state == TV_LAST_ACK)
		SAY(l, .flags = TV_FIN | TV_ACK);
	tv_release(l->s, l->now, h);
	lab_hear(l);
	if (state == TV_FIN_WAIT_2) {
		l->ack++;
		SAY(l, .flags = TV_ACK);
	}
}

/* The limit holds at each moment, and the longest stalled goes. */
static void test_evict_one_orphan_too_many_ends_the_longest_stalled(void **state)
{
	struct lab *l = with(16, 3);

	(void)state;
	for (unsigned i = 0; i < 8; i++) {
		orphan(l, (uint16_t)(2000 + i), TV_FIN_WAIT_1);
		assert_int_equal(lab_counters(l).orphans, i < 3 ? i + 1 : 3);
		assert_int_equal(reset_to(l), i < 3 ? 0 : 2000 + i - 3);
		assert_int_equal(lab_counters(l).evicted, i < 3 ? 0 : i - 2);
		assert_int_equal(lab_counters(l).reasons[TV_R_EVICTED], i < 3 ? 0 : i - 2);
		lab_wait(l, 10 * TV_MS);
	}
	lab_free(l);
}

/* One that waits for the peer's FIN, then one with a FIN alone to say, then one with text; an owner's never. */
static void test_evict_cheapest_orphan_goes_first(void **state)
{
	static const uint16_t order[] = {2002, 2001, 2000, 2003};
	struct lab *l = with(16, 3);
	tv_handle owned;

	(void)state;
	owned = from_port(l, 1999, 100);
	orphan(l, 2000, TV_FIN_WAIT_1);
	lab_wait(l, 10 * TV_MS);
	orphan(l, 2001, TV_LAST_ACK);
	lab_wait(l, 10 * TV_MS);
	orphan(l, 2002, TV_FIN_WAIT_2);
	for (unsigned i = 0; i < COUNT(order); i++) {
		uint16_t port = i == 1 ? 0 : order[i]; /* from LAST-ACK: none (RFC 9293 3.10.5) */

		lab_wait(l, 10 * TV_MS);
		orphan(l, (uint16_t)(2003 + i), TV_FIN_WAIT_1);
		assert_int_equal(reset_to(l), port);
		assert_int_equal(lab_counters(l).evicted, i + 1);
	}
	assert_int_equal(info_of(l, owned).state, TV_ESTABLISHED);
	lab_free(l);
}

/* Whose handshake is not complete does not stall: timers of its own end it soon. */
static void test_evict_orphan_in_syn_received_stays(void **state)
{
	struct lab *l = with(16, 1);

	(void)state;
	lab_state(l, TV_SYN_RECEIVED);
	tv_release(l->s, l->now, l->conn);
	lab_hear(l);
	assert_int_equal(lab_counters(l).orphans, 1);
	l->port = 80;
	orphan(l, 2001, TV_FIN_WAIT_1);
	assert_int_equal(reset_to(l), 2001);
	assert_int_equal(lab_counters(l).orphans, 1);
	lab_free(l);
}

/* No record is left: who has stalled for a second makes room for the final ACK of a handshake, not who is idle. */
static void test_evict_stalled_orphan_makes_room_for_a_connection(void **state)
{
	struct lab *l = with(3, 0);
	tv_handle idle;

	(void)state;
	idle = from_port(l, 2000, 0);
	orphan(l, 2001, TV_FIN_WAIT_1);
	orphan(l, 2002, TV_FIN_WAIT_1);
	l->peer_port = 2003;
	SAY(l, .flags = TV_SYN);
	l->ack = lab_last(l)->seq + 1;
	lab_wait(l, 900 * TV_MS);
	SAY(l, .flags = TV_ACK);
	assert_int_equal(l->verdict, TV_V_NO_RECORD);
	assert_int_equal(lab_counters(l).evicted, 0);
	lab_wait(l, 110 * TV_MS);
	SAY(l, .flags = TV_ACK);
	assert_int_equal(l->verdict, TV_V_OK);
	assert_int_equal(reset_to(l), 2001);
	assert_int_equal(lab_counters(l).orphans, 1);
	assert_int_equal(info_of(l, idle).state, TV_ESTABLISHED);
	lab_free(l);
}

/* One with an owner is told of; its record is free when the owner lets go, and until then no other one goes. */
static void test_evict_owner_is_told_and_only_one_at_a_time(void **state)
{
	struct lab *l = with(2, 0);
	struct tv_connect_config to;
	tv_handle held[2], h;

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		held[i] = from_port(l, (uint16_t)(2000 + i), 100);
		lab_wait(l, 10 * TV_MS);
	}
	while (lab_events(l, held[0]) != 0 || lab_events(l, held[1]) != 0)
		;
	lab_wait(l, 2 * TV_S);
	tv_connect_default(&to);
	to.remote.addr = l->peer;
	to.remote.port = 443;
	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(tv_connect(l->s, l->now, &to, &h, NULL), TV_EFULL);
	assert_int_equal(lab_counters(l).evicted, 1);
	assert_int_equal(info_of(l, held[0]).state, TV_CLOSED);
	assert_int_equal(info_of(l, held[0]).reason, TV_R_EVICTED);
	assert_int_equal(info_of(l, held[0]).bytes_unacked, 100);
	assert_true((lab_events(l, held[0]) & TV_EV_CLOSED) != 0);
	tv_release(l->s, l->now, held[0]);
	assert_int_equal(tv_connect(l->s, l->now, &to, &h, NULL), TV_OK);
	assert_int_equal(tv_connect(l->s, l->now, &to, &h, NULL), TV_EFULL);
	assert_int_equal(lab_counters(l).evicted, 1); /* nobody was found in this millisecond: nobody is looked for */
	l->now += TV_MS;
	assert_int_equal(tv_connect(l->s, l->now, &to, &h, NULL), TV_EFULL);
	assert_int_equal(lab_counters(l).evicted, 2); /* the other one of those that owe; the new one owes too little */
	lab_free(l);
}

/* stall_min TV_NEVER: whoever is there stays. */
static void test_evict_nothing_when_configured_so(void **state)
{
	struct tv_config g;
	struct tv_connect_config to;
	struct lab *l;
	tv_handle h;

	(void)state;
	lab_config(&g);
	g.connections = 2;
	g.stall_min = TV_NEVER;
	l = lab_new(&g, false);
	orphan(l, 2000, TV_FIN_WAIT_1);
	from_port(l, 2001, 100);
	lab_wait(l, 5 * TV_S);
	tv_connect_default(&to);
	to.remote.addr = l->peer;
	to.remote.port = 443;
	assert_int_equal(tv_connect(l->s, l->now, &to, &h, NULL), TV_EFULL);
	assert_int_equal(lab_counters(l).evicted, 0);
	lab_free(l);
}

static struct lab *few_pages(uint32_t send_pages, uint32_t small_pages)
{
	struct tv_config g;

	lab_config(&g);
	g.pages = 64;
	g.small_pages = small_pages;
	g.send_pages = send_pages;
	return lab_new(&g, false);
}

static int64_t write_bytes(struct lab *l, tv_handle h, uint32_t n)
{
	static const uint8_t text[1u << 20];

	return tv_send(l->s, l->now, h, text, n, 0);
}

/* What is written may take so many pages, to the octet; what arrives has the others. */
static void test_evict_written_text_has_its_share_of_the_pages(void **state)
{
	struct lab *l = few_pages(10, 2);
	uint32_t from;
	tv_handle a, b;

	(void)state;
	l->wnd = 0;
	a = from_port(l, 2000, 0);
	assert_int_equal(write_bytes(l, a, 1u << 20), 10 * TV_PAGE_BYTES);
	assert_int_equal(write_bytes(l, a, 1), TV_AGAIN);
	assert_int_equal(lab_counters(l).pages_used, 10);
	b = from_port(l, 2001, 0);
	assert_int_equal(write_bytes(l, b, 300), TV_SMALL_BYTES); /* a small page */
	assert_int_equal(write_bytes(l, b, 1), TV_AGAIN);
	assert_int_equal(lab_counters(l).pages_used, 10);
	from = l->seq;
	for (unsigned i = 0; i < 20; i++)
		SAY(l, .flags = TV_ACK, .len = 1400);
	assert_int_equal(lab_read(l, &from), 28000);
	assert_int_equal(lab_counters(l).evicted, 0);
	lab_free(l);
}

/* Pages have run out: the longest stalled of those that hold some goes, when it has stalled for a second; who writes
 * is never the one. */
static void test_evict_stalled_sender_makes_room_for_text(void **state)
{
	struct lab *l = few_pages(10, 2);
	tv_handle idle, a, b, c;

	(void)state;
	idle = from_port(l, 1999, 0);
	l->wnd = 0;
	a = from_port(l, 2000, 0);
	assert_int_equal(write_bytes(l, a, 5 * TV_PAGE_BYTES), 5 * TV_PAGE_BYTES);
	lab_wait(l, 500 * TV_MS);
	b = from_port(l, 2001, 0);
	assert_int_equal(write_bytes(l, b, 5 * TV_PAGE_BYTES), 5 * TV_PAGE_BYTES);
	lab_hear(l);
	l->wnd = 65535;
	c = from_port(l, 2002, 0);
	assert_int_equal(write_bytes(l, c, 1000), TV_SMALL_BYTES);
	lab_wait(l, 490 * TV_MS);
	assert_int_equal(lab_counters(l).evicted, 0);
	lab_wait(l, 20 * TV_MS);
	assert_int_equal(write_bytes(l, a, 100), TV_AGAIN); /* b has not stalled long enough */
	assert_int_equal(write_bytes(l, c, 1000), 1000);
	lab_hear(l);
	assert_int_equal(reset_to(l), 2000);
	assert_int_equal(info_of(l, a).reason, TV_R_EVICTED);
	assert_int_equal(info_of(l, b).state, TV_ESTABLISHED);
	assert_int_equal(info_of(l, idle).state, TV_ESTABLISHED);
	lab_free(l);
}

/* Nobody calls tv_send() again: who waits for room is told within a second and the 200 ms after which it asks. */
static void test_evict_writer_that_waits_is_told_of_room(void **state)
{
	struct lab *l = few_pages(10, 0);
	uint32_t events = 0;
	tv_handle a, b;
	tv_time start;

	(void)state;
	l->wnd = 0;
	a = from_port(l, 2000, 0);
	l->wnd = 65535;
	b = from_port(l, 2001, 0);
	assert_int_equal(write_bytes(l, a, 1u << 20), 10 * TV_PAGE_BYTES);
	lab_events(l, b);
	start = l->now;
	assert_int_equal(write_bytes(l, b, 8000), TV_AGAIN);
	lab_hear(l);
	while ((events & TV_EV_WRITABLE) == 0 && l->now < start + 3 * TV_S) {
		lab_wait(l, 10 * TV_MS);
		events |= lab_events(l, b);
	}
	assert_int_equal(info_of(l, a).reason, TV_R_EVICTED);
	assert_true(l->now - start <= 1300 * TV_MS);
	assert_int_equal(write_bytes(l, b, 8000), 8000);
	lab_free(l);
}

/* Linux: tcp_orphan_retries. RFC 9293 3.8.3 asks for R2 of 100 s at least, which eight repeats come to. */
static void test_evict_orphan_repeats_itself_so_often(void **state)
{
	(void)state;
	for (unsigned tries = 0; tries < 3; tries++) {
		struct tv_config g;
		struct lab *l;
		tv_time start;

		lab_config(&g);
		if (tries != 0)
			g.orphan_tries = tries == 1 ? 3 : 0;
		l = lab_new(&g, false);
		from_port(l, 2000, 100);
		tv_release(l->s, l->now, l->conn);
		lab_hear(l);
		start = l->now;
		while (lab_counters(l).connections != 0 && l->now < start + 1000 * TV_S)
			lab_wait(l, TV_S);
		if (tries == 0)
			assert_true(l->now - start >= 100 * TV_S && l->now - start <= 520 * TV_S);
		assert_int_equal(lab_counters(l).retransmissions, tries == 0 ? 8 : tries == 1 ? 3 : 15);
		assert_int_equal(lab_counters(l).reasons[TV_R_RETRANSMIT_TIMEOUT], 1);
		assert_int_equal(lab_counters(l).evicted, 0);
		lab_free(l);
	}
}

/* Three quarters of the orphans are there: who has said nothing for orphan_timeout is gone, an owner's is not. */
static void test_evict_orphans_go_sooner_when_there_are_many(void **state)
{
	(void)state;
	for (uint32_t n = 2; n < 5; n++) {
		struct tv_config g;
		struct lab *l;
		tv_time start;

		lab_config(&g);
		g.orphans = 4;
		g.orphan_timeout = 5 * TV_S;
		l = lab_new(&g, false);
		from_port(l, 1999, 100);
		for (uint32_t i = 0; i < n; i++)
			orphan(l, (uint16_t)(2000 + i), TV_FIN_WAIT_1);
		start = l->now;
		while (lab_counters(l).orphans == n && l->now < start + 1000 * TV_S)
			lab_wait(l, 10 * TV_MS);
		if (n == 2)
			assert_true(l->now - start > 100 * TV_S);
		else
			assert_true(l->now - start >= 4900 * TV_MS && l->now - start <= 5100 * TV_MS);
		assert_int_equal(lab_counters(l).reasons[TV_R_EVICTED] == 0, n == 2);
		assert_int_equal(lab_counters(l).reasons[TV_R_EVICTED], lab_counters(l).evicted);
		lab_free(l);
	}
}

/* Limits of the configuration, and that a count of orphans comes back to nothing. */
static void test_evict_configuration_and_count(void **state)
{
	struct tv_config g;
	struct lab *l = with(8, 0);

	(void)state;
	lab_config(&g);
	g.orphans = g.connections + 1;
	assert_int_equal(tv_stack_size(&g), 0);
	g.orphans = g.connections;
	g.send_pages = g.pages + 1;
	assert_int_equal(tv_stack_size(&g), 0);
	g.send_pages = g.pages;
	g.orphan_timeout = 0;
	assert_int_equal(tv_stack_size(&g), 0);
	g.orphan_timeout = 1;
	assert_true(tv_stack_size(&g) != 0);
	for (unsigned i = 0; i < 8; i++) {
		from_port(l, (uint16_t)(2000 + i), 10);
		tv_release(l->s, l->now, l->conn);
		lab_hear(l);
		assert_int_equal(lab_counters(l).orphans, i + 1);
	}
	assert_int_equal(lab_counters(l).evicted, 0);
	lab_wait(l, 1000 * TV_S);
	assert_int_equal(lab_counters(l).orphans, 0);
	assert_int_equal(lab_counters(l).connections, 0);
	lab_free(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_evict_one_orphan_too_many_ends_the_longest_stalled),
		cmocka_unit_test(test_evict_cheapest_orphan_goes_first),
		cmocka_unit_test(test_evict_orphan_in_syn_received_stays),
		cmocka_unit_test(test_evict_stalled_orphan_makes_room_for_a_connection),
		cmocka_unit_test(test_evict_owner_is_told_and_only_one_at_a_time),
		cmocka_unit_test(test_evict_nothing_when_configured_so),
		cmocka_unit_test(test_evict_written_text_has_its_share_of_the_pages),
		cmocka_unit_test(test_evict_stalled_sender_makes_room_for_text),
		cmocka_unit_test(test_evict_writer_that_waits_is_told_of_room),
		cmocka_unit_test(test_evict_orphan_repeats_itself_so_often),
		cmocka_unit_test(test_evict_orphans_go_sooner_when_there_are_many),
		cmocka_unit_test(test_evict_configuration_and_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
