/*
 * test_stack_syn.c - SYNs in batches (stack/syn.c) against the way of all segments, one at a time: two stacks
 * with the same configuration are given the same packets, and must say the same, byte for byte, and be the
 * same afterwards.
 */
#include "lab.h"
#include "tcp/open/open.h"

#define BATCH_MOST 32u
#define ROOM 256u
#define HOLDS 81u
#define OTHER 82u /* has other options */
#define NOBODY 83u
#define SHARES (80u + TV_DOOR_PORTS) /* its place in a door with 80, and nobody listens */

struct batch {
	uint8_t bytes[BATCH_MOST][ROOM];
	struct tv_packet packets[BATCH_MOST];
	uint8_t verdicts[BATCH_MOST];
	unsigned n;
};

/* The SYN-ACKs that were heard last: some get their final ACK. */
struct answers {
	struct tv_segment said[64];
	unsigned n;
};

static uint64_t random_state;

static uint32_t dice(uint32_t sides)
{
	return lab_random(&random_state) % sides;
}

static struct lab *stack_with(enum tv_cookies mode, enum tv_arch arch)
{
	static const struct tv_addr more[] = {LL(9), V4(192, 0, 2, 1), V4(198, 51, 100, 1)};
	struct tv_link_config link = {.size = sizeof link, .kind = TV_LINK_IP, .mtu = 1280};
	struct tv_listen_config hold, other;
	tv_handle holder;
	struct tv_config g;
	struct lab *l;

	lab_config(&g);
	g.syn_cookies = mode;
	g.arch = arch;
	g.half_opens = 20;
	g.connections = 40;
	g.syn_per_second = mode == TV_COOKIES_AUTO ? 100 : 0;
	l = lab_new(&g, true);
	assert_int_equal(tv_link_add(l->s, l->now, &link), 1);
	for (unsigned i = 0; i < COUNT(more); i++)
		assert_int_equal(tv_address_add(l->s, l->now, 0, &more[i], i == 0 ? 64 : 96 + 24), TV_OK);
	lab_listen(l);
	tv_listener_at(&l->s->core, 0)->backlog = 30;
	tv_listen_default(&hold);
	hold.port_first = hold.port_last = HOLDS;
	hold.hold = true;
	assert_int_equal(tv_listen(l->s, l->now, &hold, &holder), TV_OK);
	tv_listen_default(&other);
	other.port_first = other.port_last = OTHER;
	other.options = &l->opts;
	l->opts.mss_max = 700;
	l->opts.ttl = 9;
	assert_int_equal(tv_listen(l->s, l->now, &other, &holder), TV_OK);
	return l;
}

/* Who talks to whom; some must not. Few ports, so that a tuple comes again. */
static void choose_ends(struct lab *l)
{
	static const struct tv_addr from_v4[] = {V4(192, 0, 2, 1), V4(192, 0, 2, 255), V4(127, 0, 0, 1),
	                                         V4(224, 0, 0, 1), V4(0, 1, 2, 3), V4(255, 255, 255, 255),
	                                         V4(198, 51, 100, 1)};
	static const struct tv_addr from_v6[] = {V6(0, 0, 1), {{[15] = 1}}, {{0}}, {{0xff, 2, [15] = 1}}, LL(9), LL(7)};
	static const struct tv_addr to_v4[] = {V4(198, 51, 100, 1), V4(192, 0, 2, 255), V4(192, 0, 2, 77),
	                                       V4(224, 0, 0, 1)};
	static const struct tv_addr to_v6[] = {LL(9), V6(0, 0, 77), {{0xff, 2, [15] = 1}}, LL(9)};

	l->us = l->v6 ? (struct tv_addr)V6(0, 0, 1) : tv_addr_v4(192, 0, 2, 1);
	l->v6 = dice(2) != 0;
	l->us = l->v6 ? lab_v6(1) : tv_addr_v4(192, 0, 2, 1);
	if (dice(8) == 0)
		l->us = l->v6 ? to_v6[dice(COUNT(to_v6))] : to_v4[dice(COUNT(to_v4))];
	l->peer = l->v6 ? lab_v6((uint16_t)(2 + dice(200))) : tv_addr_v4(192, 0, 2, (uint8_t)(2 + dice(200)));
	if (dice(8) == 0)
		l->peer = l->v6 ? from_v6[dice(COUNT(from_v6))] : from_v4[dice(COUNT(from_v4))];
	l->port = dice(8) != 0 ? 80 : (uint16_t)(HOLDS + dice(NOBODY - HOLDS + 1));
	l->port = dice(16) != 0 ? l->port : SHARES;
	l->peer_port = (uint16_t)(1000 + dice(4));
}

/* A SYN more often than not; or any flags; or the final ACK of a handshake. */
static uint32_t make_packet(const struct lab *like, const struct answers *a, uint8_t *p)
{
	static const uint16_t odd[] = {TV_SYN | TV_ECE | TV_CWR, TV_SYN | TV_PSH | TV_URG, TV_SYN | TV_FIN,
	                               TV_SYN | TV_RST, TV_SYN | TV_ACK, TV_RST, TV_ACK, TV_FIN, TV_RST | TV_ACK, 0};
	struct tv_tcp_options o = {.has = dice(4) != 0 ? 15 : dice(16), .ts_val = lab_random(&random_state)};
	struct say say = {.flags = TV_SYN, .opt = &o};
	struct lab l = *like;

	o.mss = (uint16_t)(dice(2) != 0 ? 1460 : dice(10000));
	o.wscale = (uint8_t)(dice(4) != 0 ? 7 : dice(20));
	l.seq = lab_random(&random_state);
	l.ack = lab_random(&random_state);
	choose_ends(&l);
	if (dice(6) == 0)
		say.flags = odd[dice(COUNT(odd))];
	if (dice(12) == 0)
		say.len = dice(60);
	if (a->n != 0 && dice(5) == 0) {
		const struct tv_segment *s = &a->said[dice(a->n)];
		struct tv_endpoint ours, theirs;

		tv_key_remote(&s->key, &ours); /* from the SYN-ACK's point of view */
		tv_key_local(&s->key, &theirs);
		l.us = ours.addr;
		l.port = ours.port;
		l.peer = theirs.addr;
		l.peer_port = theirs.port;
		l.v6 = s->key.v6;
		l.seq = s->ack;
		l.ack = s->seq + 1;
		o.has = s->opt.has & TV_OPT_HAS_TS;
		o.ts_ecr = s->opt.ts_val;
		say.flags = TV_ACK;
	}
	return lab_build(&l, &say, p);
}

static void make_batch(const struct lab *like, const struct answers *a, struct batch *b)
{
	b->n = 1 + dice(BATCH_MOST);
	for (unsigned i = 0; i < b->n; i++) {
		b->packets[i] = (struct tv_packet){.data = b->bytes[i], .link = dice(4) == 0};
		b->packets[i].len = make_packet(like, a, b->bytes[i]);
	}
}

/* One at a time: who it belongs to is looked up when it is its turn, and its cookie made at once. */
static void in_turn(struct lab *l, const struct batch *b, uint8_t *verdicts)
{
	tv_stack_now(l->s, l->now);
	for (unsigned i = 0; i < b->n; i++) {
		struct tv_segment s;
		struct tv_ip ip;

		assert_int_equal(tv_ip_parse(&ip, b->packets[i].data, b->packets[i].len), TV_V_OK);
		assert_int_equal(tv_segment_parse(&s, &ip, 0, 0, TV_ARCH_PORTABLE), TV_V_OK);
		s.link = (uint8_t)b->packets[i].link;
		s.key.zone = ip.v6 && tv_addr_is_link_local(&ip.src) ? tv_link_at(l->s, s.link)->zone : 0;
		verdicts[i] = (uint8_t)tv_demux(l->s, &s, tv_key_hash(&s.key, &l->s->seed), 0);
		if (l->s->core.cookies.count != 0)
			tv_cookies_seal(&l->s->core);
	}
}

/* What both have to say; a: the SYN-ACKs among it. */
static void hear_the_same(struct lab *x, struct lab *y, struct answers *a)
{
	static uint8_t bytes[2][BATCH_MOST][2048];
	struct tv_packet p[2][BATCH_MOST];
	unsigned n;

	a->n = 0;
	do {
		for (unsigned i = 0; i < 2 * BATCH_MOST; i++)
			p[i % 2][i / 2] = (struct tv_packet){.data = bytes[i % 2][i / 2], .cap = sizeof bytes[0][0]};
		n = tv_output(x->s, x->now, TV_ANY_LINK, p[0], BATCH_MOST);
		assert_int_equal(tv_output(y->s, y->now, TV_ANY_LINK, p[1], BATCH_MOST), n);
		for (unsigned i = 0; i < n; i++) {
			struct tv_segment *s = &a->said[a->n];
			struct tv_ip ip;

			assert_int_equal(p[0][i].len, p[1][i].len);
			assert_memory_equal(p[0][i].data, p[1][i].data, p[0][i].len);
			assert_int_equal(tv_ip_parse(&ip, p[0][i].data, p[0][i].len), TV_V_OK);
			assert_int_equal(tv_segment_parse(s, &ip, 0, 0, TV_ARCH_PORTABLE), TV_V_OK);
			a->n += s->flags == (TV_SYN | TV_ACK) && a->n + 1 < COUNT(a->said);
		}
	} while (n != 0);
}

/* All that they remember; what was counted of packets, and their verdicts, only tv_input() counts. */
static void be_the_same(struct lab *x, struct lab *y)
{
	struct tv_counters *c = &y->s->core.cnt;

	c->packets_in = x->s->core.cnt.packets_in;
	c->bytes_in = x->s->core.cnt.bytes_in;
	memcpy(c->verdicts, x->s->core.cnt.verdicts, sizeof c->verdicts);
	y->s->core.cfg.arch = x->s->core.cfg.arch;
	memset(&x->s->core.cookies, 0, sizeof x->s->core.cookies); /* what was hashed is left behind */
	memset(&y->s->core.cookies, 0, sizeof y->s->core.cookies);
	assert_true(memcmp(x->region, y->region, x->bytes) == 0);
	y->s->core.cfg.arch = y->cfg.arch;
	assert_int_equal(tv_stack_check(x->s), 0);
}

/* Ends what was accepted, so that there is room again. */
static void end_some(struct lab *l)
{
	struct tv_event e;
	tv_handle h;

	while (tv_accept(l->s, l->now, l->listener, &h) == TV_OK) {
		tv_abort(l->s, l->now, h);
		tv_release(l->s, l->now, h);
	}
	while (tv_event(l->s, &e))
		;
}

static void compare(enum tv_cookies mode, uint64_t seed)
{
	struct lab *x = stack_with(mode, seed % 2 != 0 ? TV_ARCH_AVX2 : TV_ARCH_PORTABLE);
	struct lab *y = stack_with(mode, TV_ARCH_PORTABLE);
	struct answers a = {.n = 0};
	static struct batch b;
	uint8_t verdicts[BATCH_MOST];
	struct tv_counters c;

	random_state = seed + 1;
	for (unsigned round = 0; round < 320; round++) {
		make_batch(x, &a, &b);
		tv_input(x->s, x->now, b.packets, b.n, b.verdicts);
		in_turn(y, &b, verdicts);
		assert_memory_equal(b.verdicts, verdicts, b.n);
		if (round % 16 == 0)
			be_the_same(x, y);
		hear_the_same(x, y, &a);
		if (round % 16 == 15) {
			end_some(x);
			end_some(y);
			be_the_same(x, y);
		}
		x->now = y->now = x->now + dice(4) * dice(300) * TV_MS;
	}
	c = lab_counters(x);
	assert_true(mode == TV_COOKIES_NEVER || (c.cookies_sent > 300 && c.cookies_accepted > 30));
	assert_true(mode == TV_COOKIES_ALWAYS || c.passive_opens > 30);
	lab_free(x);
	lab_free(y);
}

static void test_syn_batches_are_as_one_at_a_time(void **state)
{
	bool avx2 = false;

	(void)state;
#if defined(__x86_64__)
	__builtin_cpu_init();
	avx2 = __builtin_cpu_supports("avx2");
#endif
	if (!avx2)
		print_message("not run: this processor has no avx2\n");
	for (uint64_t seed = 0; seed < 6; seed++) {
		if (seed % 2 != 0 && !avx2)
			continue;
		compare(TV_COOKIES_ALWAYS, seed);
		compare(TV_COOKIES_AUTO, seed);
		compare(TV_COOKIES_NEVER, seed);
	}
}

/* The same tuple twice in one batch: the second SYN finds the record of the first. */
static void test_syn_twice_in_a_batch_has_one_record(void **state)
{
	struct lab *l = lab_new(NULL, false);
	uint8_t bytes[2][ROOM], verdicts[2];
	struct tv_packet p[2];

	(void)state;
	lab_listen(l);
	for (unsigned i = 0; i < 2; i++) {
		p[i] = (struct tv_packet){.data = bytes[i]};
		p[i].len = lab_build(l, &(struct say){.flags = TV_SYN}, bytes[i]);
	}
	tv_input(l->s, l->now, p, 2, verdicts);
	assert_int_equal(lab_counters(l).half_opens, 1);
	assert_int_equal(lab_counters(l).passive_opens, 1);
	assert_int_equal(tv_stack_check(l->s), 0);
	lab_free(l);
}

/* The index gets a new key in the middle of a batch: what is added after that is found by the rest of the batch. */
static void test_syn_twice_in_a_batch_while_the_index_is_keyed_anew(void **state)
{
	struct lab *l = lab_new(NULL, false);
	static const uint16_t ports[] = {2000, 2001, 2001, 2002, 2002};
	uint8_t bytes[5][ROOM], verdicts[5];
	struct tv_packet p[5];

	(void)state;
	lab_listen(l);
	for (unsigned i = 0; i < 5; i++) {
		uint16_t flags = i == 4 ? TV_RST : TV_SYN;

		l->peer_port = ports[i];
		p[i] = (struct tv_packet){.data = bytes[i]};
		p[i].len = lab_build(l, &(struct say){.flags = flags}, bytes[i]);
	}
	tv_table_want_rekey(&l->s->index); /* by the first SYN */
	tv_input(l->s, l->now, p, 5, verdicts);
	assert_int_equal(l->s->index.rekeys, 1);
	assert_int_equal(lab_counters(l).half_opens, 3);
	assert_int_equal(lab_counters(l).passive_opens, 3);
	assert_int_equal(verdicts[4], TV_V_RST_OUT_OF_WINDOW); /* of a half-open record, not of a listener */
	assert_int_equal(tv_stack_check(l->s), 0);
	lab_free(l);
}

/* The address of a key that is ours, its zone, and of which family it is. */
static void test_syn_door_is_one_local_address(void **state)
{
	struct tv_endpoint far = {.addr = V6(0, 0, 7), .port = 5};
	struct tv_endpoint four = {.addr = V4(192, 0, 2, 1), .port = 80};
	struct tv_endpoint ends[] = {{.addr = V6(0, 0, 1), .port = 80}, {.addr = V6(0, 0, 1), .port = 81},
	                             {.addr = V6(0, 0, 2), .port = 80}, {.addr = V6(1, 0, 1), .port = 80}};
	struct tv_key a, b;

	(void)state;
	for (unsigned i = 0; i < COUNT(ends); i++)
		for (unsigned k = 0; k < COUNT(ends); k++) {
			tv_key_make(&a, true, 0, &ends[i], &far);
			tv_key_make(&b, true, 0, &ends[k], &ends[i]);
			assert_int_equal(tv_key_same_local_addr(&a, &b), i == k || i + k == 1);
			tv_key_make(&b, true, 1, &ends[k], &far);
			assert_false(tv_key_same_local_addr(&a, &b));
		}
	tv_key_make(&a, false, 0, &four, &four);
	for (unsigned at = 0; at < 12; at++) {
		b = a;
		b.b[at] ^= 0x80;
		assert_int_equal(tv_key_same_local_addr(&a, &b), at >= 4);
	}
	b = a;
	b.v6 = true; /* the same octets, of another family */
	assert_false(tv_key_same_local_addr(&a, &b));
	assert_false(tv_key_same_local_addr(&b, &a));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_syn_batches_are_as_one_at_a_time),
		cmocka_unit_test(test_syn_twice_in_a_batch_has_one_record),
		cmocka_unit_test(test_syn_twice_in_a_batch_while_the_index_is_keyed_anew),
		cmocka_unit_test(test_syn_door_is_one_local_address),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
