/*
 * test_stack_neighbour.c - Ethernet: who is the next hop. ARP and neighbour discovery through one table:
 * asked, answered, not answered, stale, full, and what is not believed.
 */
#include "lab.h"

#include "wire/arp.h"
#include "wire/csum.h"
#include "wire/eth.h"
#include "wire/nd.h"

static const uint8_t our_mac[6] = {2, 0, 0, 0, 0, 1}, peer_mac[6] = {2, 0, 0, 0, 0, 2};
static const uint8_t evil_mac[6] = {2, 6, 6, 6, 6, 6};

/* A stack with an Ethernet (link 1, 10.0.0.1/8 or 2001:db8:0:1::1/64); l->peer is on it. */
static struct lab *ethernet(bool v6)
{
	static const struct tv_addr six = V6(0, 1, 1), peer_six = V6(0, 1, 2);
	struct lab *l = lab_new(NULL, v6);
	struct tv_link_config link = {.size = sizeof link, .kind = TV_LINK_ETHERNET, .mtu = 1500};
	struct tv_addr four = tv_addr_v4(10, 0, 0, 1);

	memcpy(link.mac, our_mac, 6);
	assert_int_equal(tv_link_add(l->s, l->now, &link), 1);
	l->us = v6 ? six : four;
	l->peer = v6 ? peer_six : tv_addr_v4(10, 0, 0, 2);
	assert_int_equal(tv_address_add(l->s, l->now, 1, &l->us, v6 ? 64 : 104), TV_OK);
	return l;
}

/* ARP or ND from the peer: a request for us, or an answer about itself. */
static enum tv_verdict announce(struct lab *l, bool answer, const uint8_t mac[6], const struct tv_addr *sender,
                                const struct tv_addr *target)
{
	uint8_t f[200];
	uint32_t n;

	if (!l->v6) {
		struct tv_arp a = {.op = answer ? TV_ARP_REPLY : TV_ARP_REQUEST, .sender = *sender, .target = *target};

		memcpy(a.sender_mac, mac, 6);
		memcpy(a.target_mac, our_mac, 6);
		tv_eth_build(f, our_mac, mac, TV_ETH_ARP);
		tv_arp_build(f + 14, &a);
		n = 14 + TV_ARP_LEN;
	} else {
		struct tv_nd d = {.advert = answer, .solicited = answer, .override = true, .has_mac = true,
		                  .target = answer ? *sender : *target};

		memcpy(d.mac, mac, 6);
		tv_eth_build(f, our_mac, mac, TV_ETH_IP6);
		n = 14 + tv_nd_build(f + 14, &d, sender, target);
	}
	return lab_packet(l, 1, f, n);
}

static bool is_request(const struct lab *l, const struct heard *h, const struct tv_addr *target)
{
	struct tv_arp a;
	struct tv_nd d;

	if (h->tcp || h->link != 1 || memcmp(h->bytes + 6, our_mac, 6) != 0)
		return false;
	if (!l->v6)
		return tv_arp_parse(&a, h->bytes + 14, h->len - 14) == TV_V_OK && a.op == TV_ARP_REQUEST &&
		       memcmp(&a.target, target, 16) == 0 && memcmp(&a.sender, &l->us, 16) == 0 &&
		       memcmp(a.sender_mac, our_mac, 6) == 0;
	return tv_nd_parse(&d, &h->ip) == TV_V_OK && !d.advert && memcmp(&d.target, target, 16) == 0 &&
	       memcmp(&h->ip.src, &l->us, 16) == 0 && d.has_mac && memcmp(d.mac, our_mac, 6) == 0;
}

static void connect_to_peer(struct lab *l)
{
	struct tv_connect_config g;

	tv_connect_default(&g);
	g.remote.addr = l->peer;
	g.remote.port = l->peer_port;
	assert_int_equal(tv_connect(l->s, l->now, &g, &l->conn, NULL), TV_OK);
}

/* The peer's frame of this segment. */
static enum tv_verdict frame(struct lab *l, const struct say *say)
{
	uint8_t f[1600];
	uint32_t n;

	tv_eth_build(f, our_mac, peer_mac, l->v6 ? TV_ETH_IP6 : TV_ETH_IP4);
	n = 14 + lab_build(l, say, f + 14);
	l->seq += ((say->flags & TV_SYN) != 0) + say->len;
	return lab_packet(l, 1, f, n);
}

/* Asked by broadcast or to the group; the connection waits; the answer wakes it, and no time is lost. */
static void test_neighbour_unknown_is_asked_then_segment_leaves(void **state)
{
	(void)state;
	for (unsigned v6 = 0; v6 < 2; v6++) {
		struct lab *l = ethernet(v6 != 0);
		static const uint8_t all[6] = {255, 255, 255, 255, 255, 255};

		connect_to_peer(l);
		lab_hear(l);
		assert_int_equal(l->count, 1);
		assert_true(is_request(l, &l->heard[0], &l->peer));
		if (!l->v6)
			assert_memory_equal(l->heard[0].bytes, all, 6);
		else
			assert_int_equal(l->heard[0].bytes[0] << 8 | l->heard[0].bytes[1], 0x3333);
		assert_int_equal(announce(l, true, peer_mac, &l->peer, &l->us), TV_V_DONE);
		lab_only(l, TV_SYN);
		assert_memory_equal(l->heard[0].bytes, peer_mac, 6);
		assert_memory_equal(l->heard[0].bytes + 6, our_mac, 6);
		l->port = tv_key_remote_port(&l->heard[0].seg.key);
		l->ack = l->heard[0].seg.seq + 1;
		frame(l, &(struct say){.flags = TV_SYN | TV_ACK});
		lab_only(l, TV_ACK);
		assert_int_equal(lab_info(l).state, TV_ESTABLISHED);
		lab_free(l);
	}
}

/* Three requests, a second apart; then the attempt ends with its reason, and a later one asks anew. */
static void test_neighbour_silent_attempt_fails_with_its_reason(void **state)
{
	(void)state;
	for (unsigned v6 = 0; v6 < 2; v6++) {
		struct lab *l = ethernet(v6 != 0);

		connect_to_peer(l);
		lab_wait(l, 2500 * TV_MS);
		assert_int_equal(l->count, 3);
		for (unsigned i = 0; i < 3; i++) {
			assert_true(is_request(l, &l->heard[i], &l->peer));
			assert_true(l->heard[i].at - l->heard[0].at >= i * TV_S);
		}
		assert_int_equal(lab_info(l).state, TV_SYN_SENT);
		lab_wait(l, 600 * TV_MS);
		assert_int_equal(l->total, 0);
		assert_int_equal(lab_events(l, l->conn) & TV_EV_CLOSED, TV_EV_CLOSED);
		assert_int_equal(l->reason, TV_R_NEIGHBOUR_TIMEOUT);
		assert_int_equal(lab_wait(l, 100 * TV_S), 0);
		connect_to_peer(l);
		lab_hear(l);
		assert_true(is_request(l, &l->heard[0], &l->peer));
		lab_free(l);
	}
}

/* A gateway is asked for, not the destination; of two prefixes the longer wins, then the metric. */
static void test_neighbour_gateway_by_longest_prefix_then_metric(void **state)
{
	struct lab *l = ethernet(false);
	struct tv_addr all = tv_addr_v4(0, 0, 0, 0), net = tv_addr_v4(203, 0, 0, 0);
	struct tv_addr a = tv_addr_v4(10, 0, 0, 50), b = tv_addr_v4(10, 0, 0, 51), c = tv_addr_v4(10, 0, 0, 52);

	(void)state;
	assert_int_equal(tv_route_add(l->s, l->now, &all, 96, &a, 1, 0), TV_OK);
	assert_int_equal(tv_route_add(l->s, l->now, &net, 104, &b, 1, 20), TV_OK);
	assert_int_equal(tv_route_add(l->s, l->now, &net, 104, &c, 1, 10), TV_OK);
	l->peer = tv_addr_v4(203, 9, 9, 9);
	connect_to_peer(l);
	lab_hear(l);
	assert_true(is_request(l, &l->heard[0], &c));
	l->peer = tv_addr_v4(8, 8, 8, 8);
	connect_to_peer(l);
	lab_hear(l);
	assert_true(is_request(l, &l->heard[0], &a));
	announce(l, true, peer_mac, &a, &l->us);
	lab_only(l, TV_SYN);
	assert_memory_equal(&l->heard[0].ip.dst, &l->peer, 16);
	assert_memory_equal(l->heard[0].bytes, peer_mac, 6);
	lab_free(l);
}

/* RFC 826, RFC 4861 7.2.4: who asks for us is answered, and known from then on. */
static void test_neighbour_request_is_answered_and_learnt(void **state)
{
	(void)state;
	for (unsigned v6 = 0; v6 < 2; v6++) {
		struct lab *l = ethernet(v6 != 0);
		struct tv_addr other = l->us;

		assert_int_equal(announce(l, false, peer_mac, &l->peer, &l->us), TV_V_DONE);
		assert_int_equal(l->count, 1);
		assert_memory_equal(l->heard[0].bytes, peer_mac, 6);
		if (!l->v6) {
			struct tv_arp a;

			assert_int_equal(tv_arp_parse(&a, l->heard[0].bytes + 14, l->heard[0].len - 14), TV_V_OK);
			assert_int_equal(a.op, TV_ARP_REPLY);
			assert_memory_equal(a.sender_mac, our_mac, 6);
			assert_memory_equal(&a.sender, &l->us, 16);
			assert_memory_equal(&a.target, &l->peer, 16);
		} else {
			struct tv_nd d;

			assert_int_equal(tv_nd_parse(&d, &l->heard[0].ip), TV_V_OK);
			assert_true(d.advert && d.solicited && d.override && d.has_mac);
			assert_memory_equal(d.mac, our_mac, 6);
			assert_memory_equal(&d.target, &l->us, 16);
			assert_memory_equal(&l->heard[0].ip.dst, &l->peer, 16);
		}
		connect_to_peer(l);
		lab_hear(l);
		lab_only(l, TV_SYN); /* without asking */
		other.b[15] = 77;
		assert_int_not_equal(announce(l, false, peer_mac, &l->peer, &other), TV_V_DONE);
		assert_int_equal(l->count, 0); /* not for us */
		lab_free(l);
	}
}

/* Nobody can overwrite what is known, nor be learnt unasked (poisoning). */
static void test_neighbour_unasked_answers_are_not_believed(void **state)
{
	(void)state;
	for (unsigned v6 = 0; v6 < 2; v6++) {
		struct lab *l = ethernet(v6 != 0);

		announce(l, true, evil_mac, &l->peer, &l->us); /* nobody had asked */
		connect_to_peer(l);
		lab_hear(l);
		assert_true(is_request(l, &l->heard[0], &l->peer));
		announce(l, true, peer_mac, &l->peer, &l->us);
		lab_only(l, TV_SYN);
		announce(l, true, evil_mac, &l->peer, &l->us); /* a second answer */
		announce(l, false, evil_mac, &l->peer, &l->us); /* a question in its name */
		if (!l->v6)
			announce(l, false, evil_mac, &l->peer, &l->peer); /* gratuitous */
		lab_wait(l, 1100 * TV_MS);
		assert_true(l->count != 0);
		for (unsigned i = 0; i < l->count; i++)
			assert_memory_equal(l->heard[i].bytes, peer_mac, 6);
		lab_free(l);
	}
}

/* After 30 s it is used on, and asked again - itself; silence makes it unknown, an answer keeps it. */
static void test_neighbour_stale_is_probed_while_in_use(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		struct lab *l = ethernet(i % 2 != 0);
		bool answers = i / 2 != 0;
		unsigned syns = 0, requests = 0;

		announce(l, false, peer_mac, &l->peer, &l->us);
		lab_wait(l, 31 * TV_S);
		connect_to_peer(l);
		lab_hear(l);
		for (unsigned k = 0; k < l->count; k++) {
			syns += l->heard[k].tcp;
			if (is_request(l, &l->heard[k], &l->peer)) {
				requests++;
				assert_memory_equal(l->heard[k].bytes, peer_mac, 6); /* not broadcast */
			}
		}
		if (requests == 0) {
			lab_wait(l, TV_MS);
			requests += l->count != 0 && is_request(l, &l->heard[0], &l->peer);
		}
		assert_int_equal(syns, 1);
		assert_int_equal(requests, 1);
		if (answers) {
			announce(l, true, peer_mac, &l->peer, &l->us);
			lab_wait(l, 3500 * TV_MS);
			for (unsigned k = 0; k < l->count; k++)
				assert_true(l->heard[k].tcp);
		} else {
			lab_wait(l, 2500 * TV_MS);
			for (unsigned k = requests = 0; k < l->count; k++)
				requests += is_request(l, &l->heard[k], &l->peer);
			assert_int_equal(requests, 2);
			lab_wait(l, 2 * TV_S); /* unknown: asked of all */
			for (unsigned k = requests = 0; k < l->count; k++)
				requests += is_request(l, &l->heard[k], &l->peer) &&
				            memcmp(l->heard[k].bytes, peer_mac, 6) != 0;
			assert_true(requests >= 1);
		}
		lab_free(l);
	}
}

/* RFC 4861 7.3.1: what is acknowledged has arrived; the neighbour that carried it is not asked. Without
 * an ACK it is. */
static void test_neighbour_is_confirmed_by_progress(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		struct lab *l = ethernet(i % 2 != 0);
		bool acknowledges = i / 2 != 0;
		unsigned requests = 0;

		announce(l, false, peer_mac, &l->peer, &l->us);
		connect_to_peer(l);
		lab_hear(l);
		l->ack = l->heard[0].seg.seq + 1;
		l->port = tv_key_remote_port(&l->heard[0].seg.key);
		frame(l, &(struct say){.flags = TV_SYN | TV_ACK});
		for (unsigned k = 0; k < 12; k++) {
			lab_wait(l, 10 * TV_S);
			for (unsigned n = 0; n < l->count; n++)
				requests += is_request(l, &l->heard[n], &l->peer);
			if (acknowledges || k == 0)
				lab_send(l, 10, 0);
			if (acknowledges) {
				l->ack += 10;
				frame(l, &(struct say){.flags = TV_ACK});
			}
		}
		assert_int_equal(requests == 0, acknowledges);
		lab_free(l);
	}
}

/* A reply without a connection does not wait: it is dropped and counted, and the next one leaves. */
static void test_neighbour_unknown_reply_is_dropped_and_counted(void **state)
{
	struct lab *l = ethernet(false);

	(void)state;
	assert_int_equal(frame(l, &(struct say){.flags = TV_ACK}), TV_V_NO_CONNECTION);
	lab_wait(l, TV_MS);
	for (unsigned i = 0; i < l->count; i++)
		assert_true(is_request(l, &l->heard[i], &l->peer));
	assert_int_equal(lab_counters(l).parked_drops, 1);
	announce(l, true, peer_mac, &l->peer, &l->us);
	frame(l, &(struct say){.flags = TV_ACK});
	lab_only(l, TV_RST);
	assert_memory_equal(l->heard[0].bytes, peer_mac, 6);
	lab_free(l);
}

/* The table is full: who was used longest ago goes. */
static void test_neighbour_table_full_evicts_the_oldest(void **state)
{
	struct lab *l = ethernet(false);
	struct tv_addr a = l->peer;

	(void)state;
	for (uint8_t i = 0; i < 9; i++) { /* room for 8 */
		a.b[15] = (uint8_t)(10 + i);
		announce(l, false, peer_mac, &a, &l->us);
		lab_wait(l, 100 * TV_MS);
	}
	l->peer.b[15] = 11;
	connect_to_peer(l);
	lab_hear(l);
	lab_only(l, TV_SYN); /* still known */
	l->peer.b[15] = 10;
	connect_to_peer(l);
	lab_hear(l);
	assert_true(is_request(l, &l->heard[0], &l->peer));
	lab_free(l);
}

/* Frames for others, and what is malformed, are left alone. */
static void test_neighbour_frames_for_others_are_dropped(void **state)
{
	struct lab *l = ethernet(false);
	uint8_t f[200];
	uint32_t n;

	(void)state;
	lab_listen(l);
	tv_eth_build(f, evil_mac, peer_mac, TV_ETH_IP4);
	n = 14 + lab_build(l, &(struct say){.flags = TV_SYN}, f + 14);
	assert_int_equal(lab_packet(l, 1, f, n), TV_V_NOT_OURS);
	assert_int_equal(lab_packet(l, 1, f, 13), TV_V_TRUNCATED);
	tv_eth_build(f, our_mac, peer_mac, TV_ETH_ARP);
	assert_int_equal(lab_packet(l, 1, f, 20), TV_V_ARP_MALFORMED);
	assert_int_equal(lab_counters(l).half_opens, 0);
	lab_free(l);
}

/* A conflict: somebody else says our address. It is neither answered nor learnt. */
static void test_neighbour_our_own_address_claimed_is_ignored(void **state)
{
	struct lab *l = ethernet(false);

	(void)state;
	assert_int_equal(announce(l, false, evil_mac, &l->us, &l->us), TV_V_ARP_MALFORMED);
	assert_int_equal(l->count, 0);
	assert_int_equal(lab_counters(l).arp_in, 1);
	assert_int_equal(lab_counters(l).arp_out, 0);
	lab_free(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_neighbour_unknown_is_asked_then_segment_leaves),
		cmocka_unit_test(test_neighbour_silent_attempt_fails_with_its_reason),
		cmocka_unit_test(test_neighbour_gateway_by_longest_prefix_then_metric),
		cmocka_unit_test(test_neighbour_request_is_answered_and_learnt),
		cmocka_unit_test(test_neighbour_unasked_answers_are_not_believed),
		cmocka_unit_test(test_neighbour_stale_is_probed_while_in_use),
		cmocka_unit_test(test_neighbour_is_confirmed_by_progress),
		cmocka_unit_test(test_neighbour_unknown_reply_is_dropped_and_counted),
		cmocka_unit_test(test_neighbour_table_full_evicts_the_oldest),
		cmocka_unit_test(test_neighbour_frames_for_others_are_dropped),
		cmocka_unit_test(test_neighbour_our_own_address_claimed_is_ignored),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
