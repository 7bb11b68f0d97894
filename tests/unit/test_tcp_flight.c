/*
 * test_tcp_flight.c - delivery under random conditions against naive models: what is in flight, what came
 * out of order.
 */
#include "lab.h"

#include "stack/handles.h"

/* ---- What is in flight, octet by octet ---- */
enum { LOST = 1, SACKED = 2, AGAIN = 4 };
#define MODEL 60000u

struct flight {
	struct lab *l;
	struct tv_core *c;
	struct tv_tcb *t;
	uint8_t mark[MODEL];       /* of una + i */
	uint64_t seed;
};

static uint32_t flying(const struct flight *f)
{
	return f->t->snd.nxt - f->t->snd.una;
}

static uint32_t marked(const struct flight *f, uint8_t mark)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < flying(f); i++)
		n += f->mark[i] == mark;
	return n;
}

static void compare(struct flight *f)
{
	const struct tv_busy *b = tv_busy(f->c, f->t);
	uint32_t at = f->t->snd.una, gone = marked(f, SACKED) + marked(f, LOST);

	for (uint32_t i = b == NULL ? 0 : b->flight.first; i != 0;
	     i = tv_ranges_next(&f->c->ranges, tv_region(f->c), i)) {
		const struct tv_range *r = tv_range_at(&f->c->ranges, tv_region(f->c), i);

		assert_int_equal(r->seq, at);
		for (uint32_t k = 0; k < r->len; k++)
			if (f->mark[r->seq - f->t->snd.una + k] != r->flags)
				fail_msg("octet %u: %u, not %u", r->seq - f->t->snd.una + k, r->flags,
				         f->mark[r->seq - f->t->snd.una + k]);
		at += r->len;
	}
	if ((f->t->flags & TV_F_ALONE) != 0) { /* one piece, sent once, without a map */
		assert_int_equal(at, f->t->snd.una);
		assert_int_equal(gone + marked(f, AGAIN), 0);
		at = f->t->snd.nxt;
	}
	assert_int_equal(at, f->t->snd.nxt);
	if (b != NULL) {
		assert_int_equal(b->lost, marked(f, LOST));
		assert_int_equal(b->sacked, marked(f, SACKED));
		assert_int_equal(b->again, marked(f, AGAIN));
	}
	assert_int_equal(tv_rtx_pipe(f->c, f->t), flying(f) - gone);
}

static void send_some(struct flight *f)
{
	uint32_t n = 1 + lab_random(&f->seed) % 3000;

	if (flying(f) + n > MODEL - 10)
		return;
	memset(f->mark + flying(f), 0, n);
	assert_true(tv_rtx_sent(f->c, f->t, f->t->snd.nxt, n));
	f->t->snd.nxt += n;
}

/* RFC 6675 4: what has more than two segments' worth SACKed above it. */
static void model_lost(struct flight *f)
{
	uint32_t above = 0;

	for (uint32_t i = flying(f); i-- > 0;) {
		if (f->mark[i] == SACKED)
			above++;
		else if (f->mark[i] == 0 && above > 2u * f->t->opt.mss)
			f->mark[i] = LOST;
	}
}

static void acknowledge(struct flight *f)
{
	struct tv_segment s = {.flags = TV_ACK, .wnd = 1000, .ack = f->t->snd.una};
	uint32_t fly = flying(f), ack = 0, fresh = 0, before = marked(f, LOST);
	struct tv_acked a;

	if (fly == 0)
		return;
	if (lab_random(&f->seed) % 3 == 0)
		ack = lab_random(&f->seed) % (fly + 1);
	s.ack += ack;
	s.opt.sack_count = (uint8_t)(lab_random(&f->seed) % 4);
	if (s.opt.sack_count != 0)
		s.opt.has = TV_OPT_HAS_SACK;
	for (unsigned k = 0; k < s.opt.sack_count; k++) {
		uint32_t left = ack + lab_random(&f->seed) % (fly - ack + 1), n = 1 + lab_random(&f->seed) % 4000;
		bool bad = lab_random(&f->seed) % 8 == 0;

		if (left + n > fly)
			n = fly - left;
		s.opt.sack[k].left = f->t->snd.una + left;
		s.opt.sack[k].right = s.opt.sack[k].left + n;
		if (bad) /* beyond what was sent, or backwards: nothing may change */
			s.opt.sack[k].right += lab_random(&f->seed) % 2 != 0 ? MODEL * 2 : (uint32_t)-9000;
		if (k == 0 && (seq_leq(s.opt.sack[0].right, s.ack)))
			s.opt.sack[0].right = s.opt.sack[0].left = f->t->snd.nxt; /* no D-SACK */
	}
	if (s.opt.sack_count > 1 && seq_geq(s.opt.sack[0].left, s.opt.sack[1].left) &&
	    seq_leq(s.opt.sack[0].right, s.opt.sack[1].right))
		s.opt.sack_count = 1; /* nor this form of it */
	for (unsigned k = 0; k < s.opt.sack_count; k++) {
		uint32_t left = s.opt.sack[k].left - f->t->snd.una, right = s.opt.sack[k].right - f->t->snd.una;

		if (left >= right || right > fly || left == ack)
			continue;
		for (uint32_t i = left; i < right; i++) {
			fresh += f->mark[i] != SACKED;
			f->mark[i] = SACKED;
		}
	}
	if (fresh != 0)
		model_lost(f);
	tv_rtx_ack(f->c, f->t, &s, &a);
	assert_int_equal(a.sacked, fresh);
	assert_int_equal(a.bytes, ack);
	assert_int_equal(a.prior_flight, fly);
	if (ack == 0)
		assert_int_equal(a.lost_more, fresh != 0 && marked(f, LOST) != before && a.lost_more);
	memmove(f->mark, f->mark + ack, fly - ack);
}

static void lose_and_repeat(struct flight *f)
{
	struct tv_busy *b = tv_busy(f->c, f->t);
	uint32_t kind = lab_random(&f->seed) % 12, seq, len, first = 0, max = 1 + lab_random(&f->seed) % 3000;

	if (kind == 0) {
		tv_rtx_lose_all(f->c, f->t);
		memset(f->mark, LOST, flying(f));
	} else if (kind < 4 && b != NULL && flying(f) != 0) {
		uint32_t before = b->lost, n;

		tv_rtx_lose_first(f->c, f->t);
		n = b->lost - before;
		assert_int_equal(n != 0, f->mark[0] == 0);
		assert_true(n <= f->t->opt.mss);
		for (uint32_t i = 0; i < n; i++) {
			assert_int_equal(f->mark[i], 0);
			f->mark[i] = LOST;
		}
	} else if (tv_rtx_next_lost(f->c, f->t, max, &seq, &len)) {
		while (f->mark[first] != LOST)
			first++;
		assert_int_equal(seq, f->t->snd.una + first);
		assert_in_range(len, 1, max);
		for (uint32_t i = 0; i < len; i++) {
			assert_int_equal(f->mark[first + i], LOST);
			f->mark[first + i] = AGAIN;
		}
		tv_rtx_repeated(f->c, f->t, seq, len);
	} else {
		assert_int_equal(marked(f, LOST), 0);
	}
}

static void test_flight_random_acks_and_losses_agree_with_model(void **state)
{
	static struct flight f;

	(void)state;
	for (unsigned round = 0; round < 4; round++) {
		memset(&f, 0, sizeof f);
		f.seed = 77 + round;
		f.l = lab_new(NULL, false);
		f.l->syn.has |= TV_OPT_HAS_SACK_OK;
		f.l->now += 1000000000ull * round * 5;
		lab_active(f.l);
		f.c = &f.l->s->core;
		f.t = tv_handle_conn(f.l->s, f.l->conn);
		f.t->snd.una = f.t->snd.nxt = round == 0 ? f.t->snd.una : 0xffff8000u; /* and across the wrap */
		for (unsigned i = 0; i < 700; i++) {
			uint32_t what = lab_random(&f.seed) % 10;

			f.c->now += lab_random(&f.seed) % 3 * TV_MS;
			if (what < 4)
				send_some(&f);
			else if (what < 7)
				acknowledge(&f);
			else
				lose_and_repeat(&f);
			compare(&f);
		}
		lab_free(f.l);
	}
}

/* A piece that was repeated, then declared lost with all: still no clean sample [MUST-18]. */
static void test_flight_repeated_then_timed_out_gives_no_sample(void **state)
{
	struct lab *l = lab_new(NULL, false);
	struct tv_tcb *t;
	struct tv_segment s = {.flags = TV_ACK, .wnd = 1000};
	struct tv_core *c;
	struct tv_acked a;
	uint32_t srtt, seq, len;

	(void)state;
	lab_active(l);
	c = &l->s->core;
	t = tv_handle_conn(l->s, l->conn);
	assert_true(tv_rtx_sent(c, t, t->snd.nxt, 3000));
	t->snd.nxt += 3000;
	srtt = t->rtt.srtt_us;
	tv_rtx_lose_all(c, t);
	while (tv_rtx_next_lost(c, t, 1000, &seq, &len))
		tv_rtx_repeated(c, t, seq, len);
	c->now += 5 * TV_S;
	tv_rtx_lose_all(c, t);
	s.ack = t->snd.una + 1000;
	tv_rtx_ack(c, t, &s, &a);
	assert_int_equal(t->rtt.srtt_us, srtt);
	lab_free(l);
}

/* ---- What came out of order ---- */

/* The 13 relations of Allen between the first and the second segment, in both orders (DI-01): of the
 * octets that two segments hold those that came first stay; never a mix within what one stored. */
static void test_early_overlap_first_copy_wins_in_all_allen_relations(void **state)
{
	static const uint8_t second[][2] = {{5, 10},  {10, 20}, {15, 25}, {20, 25}, {22, 28}, {25, 30}, {20, 30},
	                                    {35, 40}, {30, 40}, {25, 35}, {20, 35}, {15, 35}, {15, 30}};

	(void)state;
	for (unsigned i = 0; i < COUNT(second) * 2 * 3; i++) {
		struct lab *l = lab_new(NULL, i % 2 != 0);
		unsigned fill = i / 2 % 3;
		uint8_t one[2][2] = {{20, 30}, {0, 0}}, text[50], oracle[50], got[60];

		memcpy(one[1], second[i / 6], 2);
		lab_active(l);
		memset(oracle, 0, sizeof oracle);
		for (unsigned k = 0; k < 2; k++) {
			const uint8_t *r = one[(k + i) % 2];

			memset(text, 'A' + (int)k, sizeof text);
			SAY(l, .flags = TV_ACK, .off = r[0], .text = text, .len = r[1] - (uint32_t)r[0]);
			for (unsigned at = r[0]; at < r[1]; at++)
				if (oracle[at] == 0)
					oracle[at] = (uint8_t)('A' + k);
		}
		memset(text, 'F', sizeof text);
		for (unsigned at = 0; at < 50; at++)
			if (oracle[at] == 0)
				oracle[at] = 'F';
		if (fill == 0) { /* one segment over everything */
			SAY(l, .flags = TV_ACK, .text = text, .len = 50);
		} else if (fill == 1) { /* octet by octet */
			for (unsigned at = 0; at < 50; at++)
				SAY(l, .flags = TV_ACK, .text = text, .len = 1);
		} else { /* in the middle first, from the left last */
			SAY(l, .flags = TV_ACK, .off = 3, .text = text, .len = 47);
			SAY(l, .flags = TV_ACK, .text = text, .len = 50);
		}
		assert_int_equal(tv_recv(l->s, l->now, l->conn, got, sizeof got, 0), 50);
		if (memcmp(got, oracle, 50) != 0)
			fail_msg("relation %u, order %u, fill %u: %.50s, not %.50s", i / 6, i % 2, fill,
			         (const char *)got, (const char *)oracle);
		lab_free(l);
	}
}

/* Random segments of random content: each octet is its first copy; what SACK blocks tell is true, and
 * the first block holds what came last (RFC 2018 4). */
static void test_early_random_order_agrees_with_oracle(void **state)
{
	enum { SPAN = 12000 };
	static uint8_t oracle[SPAN], held[SPAN], got[SPAN + 1], text[2000];

	(void)state;
	for (unsigned round = 0; round < 6; round++) {
		struct lab *l = lab_new(NULL, false);
		uint64_t seed = 900 + round;
		uint32_t base, next = 0;

		l->syn.has |= TV_OPT_HAS_SACK_OK;
		lab_active(l);
		l->seq = base = lab_info(l).rcv_nxt;
		memset(held, 0, sizeof held);
		for (unsigned i = 0; next < SPAN; i++) {
			uint32_t from = i > 400 ? next : lab_random(&seed) % SPAN, n = 1 + lab_random(&seed) % 1400;

			if (from + n > SPAN)
				n = SPAN - from;
			for (uint32_t k = 0; k < n; k++) {
				text[k] = (uint8_t)lab_random(&seed);
				if (held[from + k] == 0) {
					held[from + k] = 1;
					oracle[from + k] = text[k];
				}
			}
			SAY(l, .flags = TV_ACK, .off = (int32_t)from, .text = text, .len = n, .stay = true);
			while (next < SPAN && held[next] != 0)
				next++;
			lab_wait(l, 50 * TV_MS);
			assert_int_equal(lab_info(l).rcv_nxt, base + next);
		}
		assert_int_equal(tv_recv(l->s, l->now, l->conn, got, sizeof got, 0), SPAN);
		assert_memory_equal(got, oracle, SPAN);
		assert_int_equal(lab_counters(l).ranges_used, 0);
		lab_free(l);
	}
}

static void test_early_sack_blocks_name_the_latest_first(void **state)
{
	struct lab *l = lab_new(NULL, false);
	const struct tv_segment *s;
	static const int32_t pieces[] = {1000, 3000, 5000, 7000, 9000};

	(void)state;
	l->syn.has |= TV_OPT_HAS_SACK_OK;
	lab_active(l);
	for (unsigned i = 0; i < COUNT(pieces); i++) {
		SAY(l, .flags = TV_ACK, .off = pieces[i], .len = 500);
		s = lab_only(l, TV_ACK);
		assert_int_equal(s->opt.sack_count, i < 4 ? i + 1 : 4);
		for (unsigned k = 0; k < s->opt.sack_count; k++) {
			assert_int_equal(s->opt.sack[k].left, l->seq + (uint32_t)pieces[i - k]);
			assert_int_equal(s->opt.sack[k].right, l->seq + (uint32_t)pieces[i - k] + 500);
		}
	}
	SAY(l, .flags = TV_ACK, .off = 3500, .len = 500); /* a piece grows */
	s = lab_only(l, TV_ACK);
	assert_int_equal(s->opt.sack[0].left, l->seq + 3000);
	assert_int_equal(s->opt.sack[0].right, l->seq + 4000);
	assert_int_equal(s->opt.sack[1].left, l->seq + 9000);
	SAY(l, .flags = TV_ACK, .off = 7100, .len = 100); /* held already: told as a duplicate (RFC 2883 4.2) */
	s = lab_only(l, TV_ACK);
	assert_int_equal(s->opt.sack[0].left, l->seq + 7100);
	assert_int_equal(s->opt.sack[0].right, l->seq + 7200);
	assert_int_equal(s->opt.sack[1].left, l->seq + 7000);
	assert_int_equal(s->opt.sack[1].right, l->seq + 7500);
	assert_int_equal(lab_counters(l).dsacks_out, 1);
	lab_free(l);
}

/* RFC 2018 4: what is held is told, whatever the caller's structure held before. */
static void test_early_sack_blocks_in_a_used_structure(void **state)
{
	struct lab *l = lab_new(NULL, false);
	struct tv_tcp_options o = {0};

	(void)state;
	l->syn.has |= TV_OPT_HAS_SACK_OK;
	lab_active(l);
	SAY(l, .flags = TV_ACK, .off = 1000, .len = 500);
	for (unsigned i = 0; i < TV_SACK_MAX; i++) {
		o.sack[i].left = l->seq + 1000;
		o.sack[i].right = l->seq + 1500;
	}
	tv_sack_blocks(&l->s->core, tv_handle_conn(l->s, l->conn), &o);
	assert_int_equal(o.has, TV_OPT_HAS_SACK);
	assert_int_equal(o.sack_count, 1);
	assert_int_equal(o.sack[0].left, l->seq + 1000);
	assert_int_equal(o.sack[0].right, l->seq + 1500);
	lab_free(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_flight_random_acks_and_losses_agree_with_model),
		cmocka_unit_test(test_flight_repeated_then_timed_out_gives_no_sample),
		cmocka_unit_test(test_early_overlap_first_copy_wins_in_all_allen_relations),
		cmocka_unit_test(test_early_random_order_agrees_with_oracle),
		cmocka_unit_test(test_early_sack_blocks_name_the_latest_first),
		cmocka_unit_test(test_early_sack_blocks_in_a_used_structure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
