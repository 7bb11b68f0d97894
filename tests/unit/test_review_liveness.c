/*
 * test_review_liveness.c - nothing may wait for ever: each of these cases once left something queued or
 * in flight without a timer, or ended a connection whose peer was alive.
 */
#include "lab.h"

#include "wire/arp.h"
#include "wire/eth.h"

#define MINUTE (60 * TV_S)

/* RFC 9293 3.8.6 [MUST-35] [MUST-37]: a window that shrinks to zero over text in flight is probed, and as
 * long as the peer answers the connection stays, however long. */
static void test_liveness_window_closed_over_flight_stays_while_answered(void **state)
{
	struct lab *l = lab_new(NULL, false);
	tv_time until;

	(void)state;
	lab_active(l);
	lab_send(l, 3000, 0);
	until = l->now + 40 * MINUTE;
	SAY(l, .flags = TV_ACK, .wnd_set = true, .wnd = 0);
	while (l->now < until) {
		tv_time next = tv_deadline(l->s);

		assert_true(next != TV_NEVER);
		assert_true(next <= l->now + 121 * TV_S);
		l->now = next > l->now ? next : l->now;
		if (lab_hear(l) != 0)
			SAY(l, .flags = TV_ACK, .wnd_set = true, .wnd = 0);
		assert_int_equal(lab_info(l).state, TV_ESTABLISHED);
	}
	assert_true(lab_counters(l).rto_events < 100);
	/* It opens: what was dropped comes again at once, not after the longest gap. */
	SAY(l, .flags = TV_ACK, .wnd_set = true, .wnd = 65535);
	if (l->count == 0)
		lab_wait(l, 4 * TV_S);
	assert_true(l->count != 0);
	assert_true(lab_last(l)->len != 0);
	lab_free(l);
}

/* The same window, and a peer that has gone: R2 ends it. */
static void test_liveness_window_closed_over_flight_silent_peer_ends(void **state)
{
	struct lab *l = lab_new(NULL, false);

	(void)state;
	lab_active(l);
	lab_send(l, 3000, 0);
	SAY(l, .flags = TV_ACK, .wnd_set = true, .wnd = 0);
	lab_wait(l, 20 * MINUTE);
	assert_int_equal(lab_info(l).state, TV_CLOSED);
	assert_int_equal(lab_info(l).reason, TV_R_RETRANSMIT_TIMEOUT);
	lab_free(l);
}

/* RFC 9293 3.8.6.1 [MUST-36]: the time-out counts from the first probe, not from the last word before. */
static void test_liveness_closed_window_after_long_silence_is_probed_patiently(void **state)
{
	struct lab *l = lab_new(NULL, false);

	(void)state;
	lab_active(l);
	SAY(l, .flags = TV_ACK, .wnd_set = true, .wnd = 0);
	lab_wait(l, 30 * MINUTE);
	lab_send(l, 100, 0);
	lab_wait(l, 10 * TV_S);
	assert_int_equal(lab_info(l).state, TV_ESTABLISHED);
	assert_true(l->total >= 2 && l->total < 20);
	SAY(l, .flags = TV_ACK, .wnd_set = true, .wnd = 1000);
	if (l->count == 0)
		lab_wait(l, TV_S);
	assert_int_equal(lab_last(l)->len, 100);
	lab_free(l);
}

/* An Ethernet beside the IP link of the lab; its number. */
static unsigned ethernet(struct lab *l, const struct tv_addr *addr)
{
	struct tv_link_config g = {.size = sizeof g, .kind = TV_LINK_ETHERNET, .mtu = 1500, .mac = {2, 0, 0, 0, 0, 1}};
	int link = tv_link_add(l->s, l->now, &g);

	assert_true(link > 0);
	assert_int_equal(tv_address_add(l->s, l->now, (unsigned)link, addr, 96 + 24), TV_OK);
	return (unsigned)link;
}

static const uint8_t mac[6] = {2, 0, 0, 0, 0, 1}, peer_mac[6] = {2, 0, 0, 0, 0, 2};

static void arp_reply(struct lab *l, unsigned link, const struct tv_addr *from, const struct tv_addr *to)
{
	struct tv_arp a = {.op = TV_ARP_REPLY, .sender = *from, .target = *to};
	uint8_t frame[TV_ETH_HEADER + TV_ARP_LEN];

	memcpy(a.sender_mac, peer_mac, 6);
	memcpy(a.target_mac, mac, 6);
	tv_eth_build(frame, mac, peer_mac, TV_ETH_ARP);
	tv_arp_build(frame + TV_ETH_HEADER, &a);
	lab_packet(l, link, frame, sizeof frame);
}

static void frame_in(struct lab *l, unsigned link, const struct say *say)
{
	uint8_t frame[2048];
	uint32_t n = lab_build(l, say, frame + TV_ETH_HEADER);

	tv_eth_build(frame, mac, peer_mac, TV_ETH_IP4);
	lab_packet(l, link, frame, TV_ETH_HEADER + n);
}

/* The connection of `l` over an Ethernet, established; the neighbour then falls silent and is forgotten. */
static unsigned established_then_forgotten(struct lab *l, struct tv_addr *us)
{
	unsigned link;

	*us = l->us = tv_addr_v4(198, 51, 100, 1);
	l->peer = tv_addr_v4(198, 51, 100, 2);
	link = ethernet(l, us);
	struct tv_connect_config g;

	tv_connect_default(&g);
	g.remote.addr = l->peer;
	g.remote.port = l->peer_port;
	assert_int_equal(tv_connect(l->s, l->now, &g, &l->conn, NULL), TV_OK);
	lab_hear(l);
	arp_reply(l, link, &l->peer, us);
	l->port = tv_key_remote_port(&lab_last(l)->key);
	l->ack = lab_last(l)->seq + 1;
	frame_in(l, link, &(struct say){.flags = TV_SYN | TV_ACK});
	l->seq++;
	assert_int_equal(lab_info(l).state, TV_ESTABLISHED);
	lab_wait(l, 31 * TV_S);         /* STALE */
	lab_send(l, 10, 0);             /* asked again meanwhile */
	l->ack += 10;
	frame_in(l, link, &(struct say){.flags = TV_ACK});
	lab_wait(l, 10 * TV_S);         /* no answer: forgotten */
	return link;
}

/* RFC 9293 3.8.1: text whose next hop was asleep for a while leaves when it wakes. */
static void test_liveness_text_waits_for_a_neighbour_that_slept(void **state)
{
	struct lab *l = lab_new(NULL, false);
	struct tv_addr us;
	unsigned link, asked = 0;

	(void)state;
	link = established_then_forgotten(l, &us);
	lab_send(l, 100, 0);
	lab_wait(l, 10 * TV_S);         /* three requests, no answer */
	assert_int_equal(lab_info(l).state, TV_ESTABLISHED);
	lab_wait(l, 10 * TV_S);
	for (unsigned i = 0; i < l->count; i++)
		asked += !l->heard[i].tcp;
	assert_true(asked != 0);        /* it still tries */
	for (unsigned i = 0; i < 100 && (l->count == 0 || !l->heard[l->count - 1].tcp); i++) {
		lab_wait(l, 100 * TV_MS);
		arp_reply(l, link, &l->peer, &us);
	}
	assert_int_equal(lab_last(l)->len, 100);
	lab_free(l);
}

/* RFC 6298 5.4, 5.6: text in flight whose next hop has vanished keeps its retransmission timer: it is repeated
 * when the hop is back. */
static void test_liveness_text_in_flight_outlives_a_neighbour(void **state)
{
	struct lab *l = lab_new(NULL, false);
	struct tv_addr us;
	unsigned link;

	(void)state;
	link = established_then_forgotten(l, &us);
	lab_send(l, 100, 0);
	arp_reply(l, link, &l->peer, &us);
	assert_int_equal(lab_last(l)->len, 100);
	lab_wait(l, 60 * TV_S); /* stale, asked, forgotten; the time-outs go on */
	assert_int_equal(lab_info(l).state, TV_ESTABLISHED);
	assert_true(lab_info(l).retransmits >= 5);
	assert_int_equal(lab_info(l).bytes_in_flight, 100);
	do
		lab_wait(l, 100 * TV_MS);
	while (l->count == 0);
	assert_false(l->heard[0].tcp); /* who has it? */
	arp_reply(l, link, &l->peer, &us);
	assert_int_equal(lab_last(l)->len, 100);
	l->ack += 100;
	frame_in(l, link, &(struct say){.flags = TV_ACK});
	assert_int_equal(lab_info(l).bytes_in_flight, 0);
	lab_free(l);
}

/* RFC 9293 3.10.8, USER TIMEOUT [MUST-21]: also for text that could not leave at all. */
static void test_liveness_text_without_a_next_hop_ends_at_the_user_timeout(void **state)
{
	struct lab *l = lab_new(NULL, false);
	struct tv_addr us;

	(void)state;
	established_then_forgotten(l, &us);
	lab_set(l, TV_OPT_USER_TIMEOUT, 60 * TV_S);
	lab_send(l, 100, 0);
	lab_wait(l, 55 * TV_S);
	assert_int_equal(lab_info(l).state, TV_ESTABLISHED);
	lab_wait(l, 15 * TV_S);
	assert_int_equal(lab_info(l).state, TV_CLOSED);
	assert_int_equal(lab_info(l).reason, TV_R_USER_TIMEOUT);
	lab_free(l);
}

/* All entries of the table wait for an answer: whoever finds no room comes again. */
static void test_liveness_neighbour_table_full_text_leaves_later(void **state)
{
	struct tv_config g;
	struct lab *l;
	struct tv_addr us;
	tv_handle other;
	struct tv_connect_config to;
	unsigned link;

	(void)state;
	lab_config(&g);
	g.neighbours = 1;
	l = lab_new(&g, false);
	link = established_then_forgotten(l, &us);
	tv_connect_default(&to);
	to.remote.addr = tv_addr_v4(198, 51, 100, 77);
	to.remote.port = 9;
	assert_int_equal(tv_connect(l->s, l->now, &to, &other, NULL), TV_OK);
	lab_hear(l);                    /* the one entry is its */
	lab_send(l, 100, 0);
	lab_wait(l, 20 * TV_S);         /* until the other has failed, and beyond */
	arp_reply(l, link, &l->peer, &us);
	if (l->count == 0)
		lab_wait(l, 5 * TV_S);
	assert_int_equal(lab_last(l)->len, 100);
	lab_free(l);
}

/* While it waits for one router the route turns to another: nothing is left waiting for the first. */
static void test_liveness_parked_connection_follows_a_new_route(void **state)
{
	struct lab *l = lab_new(NULL, false);
	struct tv_addr us = tv_addr_v4(198, 51, 100, 1), any = tv_addr_v4(0, 0, 0, 0);
	struct tv_addr one = tv_addr_v4(198, 51, 100, 3), two = tv_addr_v4(198, 51, 100, 4);
	struct tv_connect_config g;
	unsigned link;

	(void)state;
	l->us = us;
	l->peer = tv_addr_v4(203, 0, 113, 5);
	link = ethernet(l, &us);
	assert_int_equal(tv_route_add(l->s, l->now, &any, 96, &one, link, 10), TV_OK);
	tv_connect_default(&g);
	g.remote.addr = l->peer;
	g.remote.port = l->peer_port;
	assert_int_equal(tv_connect(l->s, l->now, &g, &l->conn, NULL), TV_OK);
	lab_hear(l);
	assert_int_equal(tv_route_add(l->s, l->now, &any, 96, &two, link, 1), TV_OK);
	lab_wait(l, 2 * TV_S);
	arp_reply(l, link, &two, &us);
	if (l->count == 0)
		lab_wait(l, 2 * TV_S);
	assert_int_equal(lab_last(l)->flags, TV_SYN);
	lab_free(l);
}

/* A parked connection that ends is not waited for any more. */
static void test_liveness_parked_connection_that_ends_is_forgotten(void **state)
{
	struct lab *l = lab_new(NULL, false);
	struct tv_addr us = tv_addr_v4(198, 51, 100, 1);
	struct tv_connect_config g;

	(void)state;
	ethernet(l, &us);
	tv_connect_default(&g);
	g.remote.addr = tv_addr_v4(198, 51, 100, 9);
	g.remote.port = 9;
	assert_int_equal(tv_connect(l->s, l->now, &g, &l->conn, NULL), TV_OK);
	lab_hear(l);
	assert_int_equal(l->s->parked, 1);
	assert_int_equal(tv_release(l->s, l->now, l->conn), TV_OK);
	assert_int_equal(l->s->parked, 0);
	assert_int_equal(lab_counters(l).connections, 0);
	lab_free(l);
}

/* trivet.h, tv_send(): TV_EV_WRITABLE follows TV_AGAIN, also when the pages are another's. */
static void test_liveness_writer_without_pages_is_told_when_there_are(void **state)
{
	static uint8_t bytes[1 << 20];
	struct tv_config g;
	struct lab *l;
	tv_handle first, second;
	struct tv_info info;

	(void)state;
	lab_config(&g);
	g.pages = 16;
	g.small_pages = 1;
	g.defaults.snd_buf = 1 << 20;
	g.stall_min = TV_NEVER; /* the first one stalls, and is let */
	l = lab_new(&g, false);
	lab_active(l);
	first = l->conn;
	info = lab_info(l);
	uint32_t seq = l->seq, ack = l->ack;
	uint16_t port = l->port;

	l->peer_port++;
	l->seq = 77;
	lab_active(l);
	second = l->conn;
	SAY(l, .flags = TV_ACK, .wnd_set = true, .wnd = 0, .stay = true);
	assert_true(tv_send(l->s, l->now, first, bytes, sizeof bytes, 0) > 0);
	assert_int_equal(tv_send(l->s, l->now, second, bytes, 10, 0) > 0, true); /* the small page */
	while (tv_send(l->s, l->now, second, bytes, 300, 0) > 0)
		;
	tv_abort(l->s, l->now, second);
	lab_hear(l);
	/* A third one, with nothing queued at all and no page left. */
	l->peer_port++;
	l->seq = 99;
	lab_active(l);
	second = l->conn;
	while (tv_send(l->s, l->now, first, bytes, sizeof bytes, 0) > 0)
		;
	l->peer_port++;
	l->seq = 111;
	lab_active(l);                  /* a fourth one takes the small page */
	assert_int_equal(tv_send(l->s, l->now, l->conn, bytes, 10, 0), 10);
	assert_int_equal(tv_send(l->s, l->now, second, bytes, 5000, 0), TV_AGAIN);
	lab_wait(l, 3 * TV_S);
	assert_int_equal(lab_events(l, second) & TV_EV_WRITABLE, 0); /* not before there is room */
	/* The first one ends and gives everything back. */
	assert_int_equal(tv_abort(l->s, l->now, first), TV_OK);
	lab_events(l, first);
	lab_wait(l, 5 * TV_S);
	assert_int_equal(lab_events(l, second) & TV_EV_WRITABLE, TV_EV_WRITABLE);
	assert_true(tv_send(l->s, l->now, second, bytes, 5000, 0) > 0);
	(void)info;
	(void)seq;
	(void)ack;
	(void)port;
	lab_free(l);
}

/* A link that nobody asks keeps its replies; those of other links go on. */
static void test_liveness_replies_of_a_silent_link_do_not_stop_others(void **state)
{
	struct lab *l = lab_new(NULL, false);
	struct tv_link_config g = {.size = sizeof g, .kind = TV_LINK_IP, .mtu = 1500};
	struct tv_addr us = tv_addr_v4(198, 51, 100, 1), peer = tv_addr_v4(198, 51, 100, 2);
	struct tv_addr us0 = l->us, peer0 = l->peer;
	uint8_t p[256], data[2048];
	struct tv_packet in = {.data = p}, out = {.data = data, .cap = sizeof data};

	(void)state;
	assert_int_equal(tv_link_add(l->s, l->now, &g), 1);
	assert_int_equal(tv_address_add(l->s, l->now, 1, &us, 96 + 24), TV_OK);
	lab_listen(l);
	l->us = us;
	l->peer = peer;
	for (unsigned i = 0; i < 100; i++) { /* more than the ring holds is not needed to stop it */
		l->peer_port = (uint16_t)(2000 + i);
		in.len = lab_build(l, &(struct say){.flags = TV_SYN}, p);
		in.link = 1;
		if (i < 40)
			tv_input(l->s, l->now, &in, 1, NULL);
	}
	l->us = us0;
	l->peer = peer0;
	in.len = lab_build(l, &(struct say){.flags = TV_SYN}, p);
	in.link = 0;
	tv_input(l->s, l->now, &in, 1, NULL);
	assert_int_equal(tv_output(l->s, l->now, 0, &out, 1), 1);
	assert_int_equal(out.link, 0);
	for (unsigned i = 0; i < 40; i++)
		assert_int_equal(tv_output(l->s, l->now, 1, &out, 1), 1);
	assert_int_equal(tv_output(l->s, l->now, TV_ANY_LINK, &out, 1), 0);
	lab_free(l);
}

/* Jumps of time: whatever the length, what was due is done. */
static void test_liveness_time_jumps_any_distance(void **state)
{
	static const tv_time hours[] = {1, 20, 30, 40, 50, 60, 70, 79, 80, 100, 150, 24 * 60};

	(void)state;
	for (unsigned i = 0; i < COUNT(hours); i++) {
		struct lab *l = lab_new(NULL, false);

		l->opts.user_timeout = TV_NEVER;
		lab_active(l);
		lab_send(l, 100, 0);
		lab_sleep(l, hours[i] * 60 * MINUTE);
		lab_hear(l);
		if (l->count == 0)
			lab_wait(l, 121 * TV_S);
		assert_true(l->count != 0);
		assert_int_equal(lab_last(l)->len, 100);
		lab_free(l);
		l = lab_new(NULL, false);
		lab_state(l, TV_TIME_WAIT);
		assert_int_equal(tv_release(l->s, l->now, l->conn), TV_OK);
		lab_hear(l);
		assert_int_equal(lab_counters(l).time_waits, 1);
		lab_sleep(l, hours[i] * 60 * MINUTE);
		lab_wait(l, MINUTE);
		assert_int_equal(lab_counters(l).time_waits, 0);
		lab_free(l);
	}
}

/* Released, and the peer keeps its window shut for ever: nobody is left to decide, so R2 does (RFC 6429). */
static void test_liveness_released_behind_a_closed_window_ends(void **state)
{
	struct lab *l = lab_new(NULL, false);
	tv_time until;

	(void)state;
	lab_active(l);
	SAY(l, .flags = TV_ACK, .wnd_set = true, .wnd = 0);
	lab_send(l, 100, 0);
	assert_int_equal(tv_release(l->s, l->now, l->conn), TV_OK);
	until = l->now + 60 * MINUTE;
	while (l->now < until && lab_counters(l).connections != 0) {
		tv_time next = tv_deadline(l->s);

		assert_true(next != TV_NEVER);
		l->now = next > l->now ? next : l->now;
		if (lab_hear(l) != 0)
			SAY(l, .flags = TV_ACK, .wnd_set = true, .wnd = 0);
	}
	assert_int_equal(lab_counters(l).connections, 0);
	lab_free(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_liveness_window_closed_over_flight_stays_while_answered),
		cmocka_unit_test(test_liveness_window_closed_over_flight_silent_peer_ends),
		cmocka_unit_test(test_liveness_closed_window_after_long_silence_is_probed_patiently),
		cmocka_unit_test(test_liveness_text_waits_for_a_neighbour_that_slept),
		cmocka_unit_test(test_liveness_text_in_flight_outlives_a_neighbour),
		cmocka_unit_test(test_liveness_text_without_a_next_hop_ends_at_the_user_timeout),
		cmocka_unit_test(test_liveness_neighbour_table_full_text_leaves_later),
		cmocka_unit_test(test_liveness_parked_connection_follows_a_new_route),
		cmocka_unit_test(test_liveness_parked_connection_that_ends_is_forgotten),
		cmocka_unit_test(test_liveness_writer_without_pages_is_told_when_there_are),
		cmocka_unit_test(test_liveness_replies_of_a_silent_link_do_not_stop_others),
		cmocka_unit_test(test_liveness_time_jumps_any_distance),
		cmocka_unit_test(test_liveness_released_behind_a_closed_window_ends),
	};

	return cmocka_run_group_tests_name("review_liveness", tests, NULL, NULL);
}
