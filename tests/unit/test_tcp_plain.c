/*
 * test_tcp_plain.c - the short ways of plain segments out, and of short texts in and out of the queues, against
 * the long ones: a connection is led through random talk, and whatever it has to say, SENDs and RECEIVEs is done
 * twice, once in a copy of the whole region without the short way. What comes of it and the regions have to be the
 * same to the last octet.
 */
#include "lab.h"

#include "tcp/out.h"
#include "tcp/user.h"

#define ROOM 3000u
#define PIECES 8u
#define TRAIN 6u

struct pair {
	struct lab *l;
	struct tv_core *copy;
	uint64_t seed;
	unsigned plain, acks, texts, fins, others;
	unsigned trains;           /* of two segments or more */
	unsigned sends, receives;  /* the short way */
	unsigned idle, restarts;   /* after an idle time, with a window that it leaves alone, or makes smaller */
};

struct built {
	struct tv_packet p;
	struct tv_piece pieces[PIECES];
	uint8_t bytes[ROOM];
};

static uint32_t chance(struct pair *p, uint32_t of)
{
	return lab_random(&p->seed) % of;
}

static struct tv_tcb *tcb(const struct pair *p)
{
	return tv_conn(&p->l->s->core, (uint32_t)p->l->conn);
}

static bool build(struct tv_core *c, uint32_t conn, struct built *b, struct tv_out out, bool any)
{
	b->p.data = b->bytes;
	b->p.pieces = b->pieces;
	b->p.piece_cap = PIECES;
	out.packet = &b->p;
	return (!any && out.head == 0 && !out.gather && tv_out_plain(c, tv_conn(c, conn), &b->p, &out.csum_partial)) ||
	       tv_tcp_out(c, tv_conn(c, conn), &out);
}

/* Pieces point into each one's own region. */
static void assert_same_packet(const struct built *a, const void *a_region, const struct built *b, const void *b_region)
{
	assert_int_equal(a->p.len, b->p.len);
	assert_int_equal(a->p.flags, b->p.flags);
	assert_int_equal(a->p.seg_size, b->p.seg_size);
	assert_int_equal(a->p.head_len, b->p.head_len);
	assert_int_equal(a->p.csum_start, b->p.csum_start);
	assert_int_equal(a->p.csum_offset, b->p.csum_offset);
	assert_int_equal(a->p.piece_count, b->p.piece_count);
	assert_memory_equal(a->bytes, b->bytes, a->p.len);
	for (unsigned i = 0; i < a->p.piece_count; i++) {
		assert_int_equal(a->pieces[i].data - (const uint8_t *)a_region,
		                 b->pieces[i].data - (const uint8_t *)b_region);
		assert_int_equal(a->pieces[i].len, b->pieces[i].len);
	}
}

/* Full segments in a row, and the same one by one; returns whether there were some. */
static bool train(struct pair *p, const struct tv_out *way, uint32_t cap)
{
	static struct built a, b[TRAIN];
	struct tv_packet packets[TRAIN];
	struct lab *l = p->l;
	struct tv_out out = *way;
	unsigned n;

	memset(b, 0, sizeof b);
	for (unsigned i = 0; i < TRAIN; i++)
		packets[i] = (struct tv_packet){.data = b[i].bytes, .cap = i == 3 ? cap : ROOM};
	n = tv_out_train(&l->s->core, tcb(p), &out, packets, 1 + chance(p, TRAIN));
	assert_true(n <= TRAIN);
	for (unsigned i = 0; i < n; i++) {
		memset(&a, 0, sizeof a);
		a.p.cap = packets[i].cap;
		assert_true(build(p->copy, (uint32_t)l->conn, &a, out, true));
		assert_int_equal(packets[i].link, tcb(p)->link);
		b[i].p = packets[i];
		assert_same_packet(&a, p->copy, &b[i], l->region);
	}
	p->trains += n > 1;
	return n != 0;
}

/* All that it has to say now, both ways. */
static void twice(struct pair *p)
{
	static struct built a, b;
	struct lab *l = p->l;
	struct tv_core *c = &l->s->core;
	struct tv_tcb *t = tcb(p);
	struct tv_out out = {.head = chance(p, 4) == 0 ? 14 : 0, .csum_partial = chance(p, 3) == 0};
	bool more = true;

	out.gather = out.csum_partial && chance(p, 2) == 0;
	out.gso_bytes = chance(p, 6) == 0 ? 2500 : 0;
	while (more && t->want != 0) {
		bool plain = tv_send_is_plain(c, t), restarts = t->cc.cwnd > tv_initial_window(c, t);
		bool idle = t->snd.nxt == t->snd.una && tv_send_after_idle(c, t);
		uint32_t text = t->out.len, fin = t->flags & TV_F_FIN_SENT;

		memset(&a, 0, sizeof a);
		memset(&b, 0, sizeof b);
		a.p.cap = b.p.cap = chance(p, 8) == 0 ? TV_PACKET_MIN + chance(p, 300) : ROOM;
		memcpy(p->copy, l->region, l->bytes);
		if (out.head == 0 && !out.gather && train(p, &out, a.p.cap)) {
			assert_memory_equal(p->copy, l->region, l->bytes);
			continue;
		}
		more = build(p->copy, (uint32_t)l->conn, &a, out, true);
		assert_int_equal(build(c, (uint32_t)l->conn, &b, out, false), more);
		assert_memory_equal(p->copy, l->region, l->bytes);
		if (more)
			assert_same_packet(&a, p->copy, &b, l->region);
		p->idle += plain && idle && t->snd.nxt != t->snd.una;
		p->restarts += idle && restarts && t->snd.nxt != t->snd.una;
		p->plain += plain;
		p->others += !plain;
		p->texts += plain && text != 0 && t->snd.nxt != t->snd.una;
		p->fins += plain && fin != (t->flags & TV_F_FIN_SENT);
		p->acks += plain && t->snd.nxt == t->snd.una;
	}
	tv_settle(l->s, t);
}

static void sends(struct pair *p, const uint8_t *text, uint32_t n, unsigned flags)
{
	struct lab *l = p->l;
	struct tv_core *c = &l->s->core;
	int64_t took;

	memcpy(p->copy, l->region, l->bytes);
	took = tv_user_send(p->copy, tv_conn(p->copy, (uint32_t)l->conn), text, n, flags);
	if (tv_user_send_short(c, tcb(p), text, n, flags)) {
		assert_int_equal(took, n);
		p->sends++;
	} else {
		assert_int_equal(tv_user_send(c, tcb(p), text, n, flags), took);
	}
	assert_memory_equal(p->copy, l->region, l->bytes);
	tv_settle(l->s, tcb(p));
}

static void receives(struct pair *p, uint32_t most, unsigned flags)
{
	struct lab *l = p->l;
	struct tv_core *c = &l->s->core;
	uint8_t a[600] = {0}, b[600] = {0};
	int64_t took;
	uint32_t n;

	memcpy(p->copy, l->region, l->bytes);
	took = tv_user_receive(p->copy, tv_conn(p->copy, (uint32_t)l->conn), a, most, flags);
	n = tv_user_receive_short(c, tcb(p), b, most, flags);
	p->receives += n != 0;
	assert_int_equal(n != 0 ? n : tv_user_receive(c, tcb(p), b, most, flags), took);
	assert_memory_equal(a, b, sizeof a);
	assert_memory_equal(p->copy, l->region, l->bytes);
}

static void hears(struct pair *p, uint16_t flags, uint32_t len, uint16_t wnd)
{
	struct lab *l = p->l;
	struct tv_tcb *t = tcb(p);
	struct say say = {.flags = TV_ACK | flags, .len = len, .wnd_set = true, .wnd = wnd, .urg = 50};
	uint8_t bytes[2000];
	struct tv_packet packet = {.data = bytes};

	l->seq = t->rcv.nxt + (chance(p, 30) == 0 ? 100 : 0); /* a hole is told with SACK blocks */
	l->ack = chance(p, 8) == 0 ? t->snd.una : t->snd.nxt;
	packet.len = lab_build(l, &say, bytes);
	tv_input(l->s, l->now, &packet, 1, NULL);
}

static void writes(struct pair *p)
{
	static const unsigned flags[] = {0, 0, 0, 0, 0, 0, 0, TV_SEND_FIN, TV_SEND_MORE, TV_SEND_URGENT};
	static uint8_t text[14000];
	const struct tv_tcb *t = tcb(p);
	uint32_t mss = t->opt.mss;
	const uint32_t sizes[] = {1 + chance(p, 200), 1 + chance(p, mss), mss, mss + 1, 7 * mss, 12 * mss,
	                          t->snd.wnd, t->cc.cwnd};
	uint32_t n = sizes[chance(p, COUNT(sizes))];

	text[chance(p, sizeof text)] ^= 0x55;
	sends(p, text, n == 0 || n > sizeof text ? 64 : n, flags[chance(p, COUNT(flags))]);
}

/* What seldom comes together by itself: the smallest congestion window, one larger than that after an idle time,
 * wants that a timer leaves. */
static void odd(struct pair *p)
{
	static const uint16_t wants[] = {TV_WANT_SEND, TV_WANT_ACK, TV_WANT_KEEPALIVE, TV_WANT_PROBE, TV_WANT_PUSH};
	static const enum tv_option options[] = {TV_OPT_CORK, TV_OPT_NODELAY, TV_OPT_QUICK_ACK, TV_OPT_DSCP};
	struct tv_tcb *t = tcb(p);

	if (chance(p, 3) == 0)
		t->cc.cwnd = chance(p, 2) == 0 ? t->opt.mss : tv_initial_window(&p->l->s->core, t) + chance(p, 3);
	else if (chance(p, 2) == 0)
		tv_want(&p->l->s->core, t, wants[chance(p, COUNT(wants))]);
	else
		(void)tv_set(p->l->s, p->l->now, p->l->conn, options[chance(p, COUNT(options))], chance(p, 2));
}

static void goes_on(struct pair *p)
{
	struct lab *l = p->l;
	const struct tv_tcb *t = tcb(p);
	if (t->snd.una != t->snd.nxt && chance(p, 4) != 0) {
		hears(p, 0, 0, 20000); /* or nothing would be plain for long */
		return;
	}
	if (t->busy != 0 && chance(p, 3) == 0) {
		lab_wait(l, 1000 * TV_MS);
		return;
	}
	switch (chance(p, 13)) {
	case 0: case 1: case 2: case 3:
		writes(p);
		break;
	case 4: case 5: case 6: case 7:
		hears(p, chance(p, 30) == 0 ? TV_URG : 0, chance(p, 3) * chance(p, 300),
		      (uint16_t)(chance(p, 4) == 0 ? chance(p, 1200) : 20000));
		break;
	case 8: case 9:
		receives(p, chance(p, 3) == 0 ? tv_min32(t->in.len, 600) : 1 + chance(p, 500),
		         chance(p, 6) == 0 ? TV_RECV_PEEK : 0);
		break;
	case 10:
		lab_sleep(l, chance(p, 3) * chance(p, 600) * TV_MS);
		break;
	case 11:
		odd(p);
		break;
	default:
		if (chance(p, 4) == 0)
			hears(p, TV_FIN, 0, 20000);
		else if (chance(p, 4) == 0)
			(void)tv_shutdown(l->s, l->now, l->conn);
		else if (chance(p, 6) == 0)
			(void)tv_close(l->s, l->now, l->conn);
		break;
	}
}

static bool alive(const struct lab *l)
{
	uint64_t user;

	return tv_get(l->s, l->conn, TV_OPT_USER, &user) == TV_OK &&
	       tv_conn(&l->s->core, (uint32_t)l->conn)->state != TV_CLOSED;
}

static void talk(struct pair *p, bool ts)
{
	struct tv_config g;
	struct lab *l;

	lab_config(&g);
	g.connections = 2;
	g.half_opens = g.time_waits = 4;
	g.pages = g.small_pages = g.ranges = 40; /* little to copy and compare */
	g.send_pages = chance(p, 6) == 0 ? 1 : 0;
	l = lab_new(&g, chance(p, 8) == 0);
	if (g.send_pages != 0) /* others have what may be written: a short text is taken, and the refusal counted */
		(void)tv_page_take_big(&l->s->core.pages, l->region, true);

	l->opts.no_timestamps = !ts;
	l->syn.has = TV_OPT_HAS_MSS | (ts ? TV_OPT_HAS_TS : 0) | (chance(p, 2) == 0 ? TV_OPT_HAS_SACK_OK : 0) |
	             (chance(p, 2) == 0 ? TV_OPT_HAS_WSCALE : 0);
	l->syn.mss = (uint16_t)(chance(p, 2) == 0 ? 1460 : 300);
	if (chance(p, 2) == 0)
		lab_passive(l);
	else
		lab_active(l);
	if (chance(p, 8) == 0)
		lab_set(l, TV_OPT_SIDE, 1);
	p->l = l;
	p->copy = aligned_alloc(4096, (l->bytes + 4095) / 4096 * 4096);
	assert_non_null(p->copy);
	for (unsigned i = 0; i < 60 && alive(l); i++) {
		goes_on(p);
		if (alive(l))
			twice(p);
		assert_int_equal(tv_stack_check(l->s), 0);
	}
	free(p->copy);
	lab_free(l);
}

static void test_short_ways_and_long_ones_do_the_same(void **state)
{
	struct pair p = {.seed = 20261121};

	(void)state;
	for (unsigned i = 0; i < 180; i++)
		talk(&p, i % 4 != 0);
	assert_true(p.acks > 100 && p.texts > 100 && p.fins > 10 && p.others > 100);
	assert_true(p.trains > 40);
	assert_true(p.sends > 100 && p.receives > 30);
	assert_true(p.idle > 10 && p.restarts > 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_short_ways_and_long_ones_do_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
