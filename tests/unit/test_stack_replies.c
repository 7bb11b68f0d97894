/*
 * test_stack_replies.c - replies that leave together (stack/replies.c, the moulds of tcp/out.c) against
 * replies that leave one at a time: two stacks with the same configuration are given the same SYNs, and must
 * say the same, byte for byte, with the same metadata.
 */
#include "lab.h"

#include "wire/arp.h"
#include "wire/eth.h"

#define BATCH_MOST 32u
#define ROOM 256u
#define SUMS 1u  /* the link that fills checksums in */
#define FAST 81u /* Fast Open */

struct batch {
	uint8_t bytes[BATCH_MOST][ROOM];
	struct tv_packet packets[BATCH_MOST];
	unsigned n;
};

static uint64_t random_state;

static uint32_t dice(uint32_t sides)
{
	return lab_random(&random_state) % sides;
}

static void note(void *user, const struct tv_trace *t)
{
	unsigned *told = user;

	*told += t->kind == TV_TRACE_OUT;
}

/* told: counts what the observer hears of; NULL: there is none. */
static struct lab *stack_with(enum tv_cookies mode, unsigned *told)
{
	static const uint8_t key[16] = {1, 2, 3};
	static const struct tv_addr four = V4(192, 0, 2, 1);
	struct tv_link_config link = {.size = sizeof link, .kind = TV_LINK_IP, .mtu = 1400, .csum_offload = true};
	struct tv_listen_config fast;
	struct tv_config g;
	tv_handle listener;
	struct lab *l;

	lab_config(&g);
	g.syn_cookies = mode;
	g.half_opens = 1000;
	g.rst_per_second = 40;
	g.trace = told != NULL ? note : NULL;
	g.trace_user = told;
	l = lab_new(&g, true);
	assert_int_equal(tv_link_add(l->s, l->now, &link), SUMS);
	assert_int_equal(tv_address_add(l->s, l->now, 0, &four, 96 + 24), TV_OK);
	assert_int_equal(tv_fastopen_keys(l->s, l->now, key, NULL), TV_OK);
	lab_listen(l);
	tv_listen_default(&fast);
	fast.port_first = fast.port_last = FAST;
	fast.fastopen = 10;
	assert_int_equal(tv_listen(l->s, l->now, &fast, &listener), TV_OK);
	return l;
}

/* SYNs of strangers; options, port, family and link are often those of the one before. */
static void make_batch(const struct lab *like, struct batch *b)
{
	struct tv_tcp_options o = {.has = 0};
	struct lab l = *like;
	unsigned link = 0;

	b->n = 1 + dice(BATCH_MOST);
	for (unsigned i = 0; i < b->n; i++) {
		if (i == 0 || dice(4) == 0) {
			o = (struct tv_tcp_options){.has = dice(2) != 0 ? 15 : dice(16), .wscale = 7};
			o.mss = (uint16_t)(500 + 500 * dice(2));
			l.port = (uint16_t)(dice(2) != 0 ? 80 : 80 + dice(3)); /* nobody listens at 82 */
			o.has |= l.port == FAST ? TV_OPT_HAS_FASTOPEN : 0;
			l.v6 = dice(2) != 0;
			link = dice(4) == 0 ? SUMS : 0;
		}
		l.us = l.v6 ? lab_v6(1) : tv_addr_v4(192, 0, 2, 1);
		l.peer = l.v6 ? lab_v6((uint16_t)(2 + dice(60000))) :
		                tv_addr_v4(10, (uint8_t)dice(256), (uint8_t)dice(256), (uint8_t)dice(256));
		l.peer_port = (uint16_t)(1 + dice(65535));
		l.seq = lab_random(&random_state) << 1;
		o.ts_val = lab_random(&random_state) << 1;
		b->packets[i] = (struct tv_packet){.data = b->bytes[i], .link = (uint16_t)link};
		b->packets[i].len = lab_build(&l, &(struct say){.flags = TV_SYN, .opt = &o}, b->bytes[i]);
	}
}

static void assert_same_packet(const struct tv_packet *a, const struct tv_packet *b)
{
	assert_int_equal(a->len, b->len);
	assert_memory_equal(a->data, b->data, a->len);
	assert_int_equal(a->link, b->link);
	assert_int_equal(a->flags, b->flags);
	assert_int_equal(a->seg_size, b->seg_size);
	assert_int_equal(a->head_len, b->head_len);
	assert_int_equal(a->piece_count, b->piece_count);
	assert_true(a->time == b->time);
	if ((a->flags & TV_PKT_CSUM_PARTIAL) != 0) {
		assert_int_equal(a->csum_start, b->csum_start);
		assert_int_equal(a->csum_offset, b->csum_offset);
	}
}

/* What x has to say at once, y says in as many calls as there are packets; returns how many there were. */
static unsigned hear_the_same(struct lab *x, struct lab *y)
{
	static uint8_t bytes[2][BATCH_MOST][ROOM];
	struct tv_packet p[2][BATCH_MOST];
	unsigned n;

	for (unsigned i = 0; i < 2 * BATCH_MOST; i++)
		p[i % 2][i / 2] = (struct tv_packet){.data = bytes[i % 2][i / 2], .cap = ROOM,
		                                     .flags = 0xff, .seg_size = 77, .piece_count = 7};
	n = tv_output(x->s, x->now, TV_ANY_LINK, p[0], BATCH_MOST);
	for (unsigned i = 0; i < n; i++) {
		struct tv_segment s;
		struct tv_ip ip;

		assert_int_equal(tv_output(y->s, y->now, TV_ANY_LINK, &p[1][i], 1), 1);
		assert_same_packet(&p[0][i], &p[1][i]);
		assert_int_equal(tv_ip_parse(&ip, p[0][i].data, p[0][i].len), TV_V_OK);
		assert_int_equal(tv_segment_parse(&s, &ip, p[0][i].flags, 0, TV_ARCH_PORTABLE), TV_V_OK); /* [MUST-2] */
	}
	assert_int_equal(tv_output(y->s, y->now, TV_ANY_LINK, &p[1][0], 1), 0);
	return n;
}

static void compare(enum tv_cookies mode, bool observed)
{
	unsigned told[2] = {0, 0}, heard = 0;
	struct lab *x = stack_with(mode, observed ? &told[0] : NULL), *y = stack_with(mode, observed ? &told[1] : NULL);
	struct tv_counters c, d;
	static struct batch b;

	random_state = mode * 2u + observed;
	for (unsigned round = 0; round < 100; round++) {
		make_batch(x, &b);
		tv_input(x->s, x->now, b.packets, b.n, NULL);
		tv_input(y->s, y->now, b.packets, b.n, NULL);
		heard += hear_the_same(x, y);
		x->now = y->now = x->now + dice(3) * 5 * TV_MS;
	}
	c = lab_counters(x);
	d = lab_counters(y);
	assert_true(memcmp(&c, &d, sizeof c) == 0);
	assert_int_equal(c.segments_out, heard);
	assert_true(c.rate_limited > 10 && heard > 500);
	assert_int_equal(told[0], observed ? heard : 0);
	assert_int_equal(told[1], told[0]);
	lab_free(x);
	lab_free(y);
}

static void test_replies_together_are_as_one_at_a_time(void **state)
{
	(void)state;
	compare(TV_COOKIES_ALWAYS, false);
	compare(TV_COOKIES_NEVER, false);
	compare(TV_COOKIES_ALWAYS, true);
}

/* Two SYN-ACKs that say the same, over Ethernet: each has its link header. */
static void test_replies_over_ethernet_have_a_header_each(void **state)
{
	static const uint8_t ours[6] = {2, 0, 0, 0, 0, 1}, theirs[6] = {2, 0, 0, 0, 0, 2};
	struct tv_link_config link = {.size = sizeof link, .kind = TV_LINK_ETHERNET, .mtu = 1500};
	struct tv_addr four = tv_addr_v4(10, 0, 0, 1);
	struct lab *l = lab_new(NULL, false);
	struct tv_arp a = {.op = TV_ARP_REQUEST, .sender = tv_addr_v4(10, 0, 0, 2), .target = four};
	uint8_t bytes[4][ROOM] = {{0}};
	struct tv_packet p[4];

	(void)state;
	memcpy(link.mac, ours, 6);
	assert_int_equal(tv_link_add(l->s, l->now, &link), 1);
	assert_int_equal(tv_address_add(l->s, l->now, 1, &four, 96 + 8), TV_OK);
	lab_listen(l);
	memcpy(a.sender_mac, theirs, 6);
	tv_eth_build(bytes[0], ours, theirs, TV_ETH_ARP);
	tv_arp_build(bytes[0] + 14, &a);
	lab_packet(l, 1, bytes[0], 14 + TV_ARP_LEN);
	l->us = four;
	l->peer = a.sender;
	for (unsigned i = 0; i < 2; i++) {
		l->peer_port++;
		tv_eth_build(bytes[i], ours, theirs, TV_ETH_IP4);
		p[i] = (struct tv_packet){.data = bytes[i], .link = 1};
		p[i].len = 14 + lab_build(l, &(struct say){.flags = TV_SYN}, bytes[i] + 14);
	}
	tv_input(l->s, l->now, p, 2, NULL);
	for (unsigned i = 0; i < 4; i++)
		p[i] = (struct tv_packet){.data = bytes[i], .cap = ROOM};
	assert_int_equal(tv_output(l->s, l->now, TV_ANY_LINK, p, 4), 2);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(p[i].len, 14 + 20 + 24);
		assert_memory_equal(p[i].data, theirs, 6);
		assert_memory_equal(p[i].data + 6, ours, 6);
	}
	lab_free(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_replies_together_are_as_one_at_a_time),
		cmocka_unit_test(test_replies_over_ethernet_have_a_header_each),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
