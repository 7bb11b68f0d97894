/*
 * test_tcp_flight.c - delivery under random conditions against naive models: what is in flight, what came
 * out of order; and congestion control in numbers.
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

	for (uint32_t i = b == NULL ? 0 : b->flight.first; i != 0; i = tv_ranges_next(&f->c->ranges, tv_region(f->c), i)) {
		const struct tv_range *r = tv_range_at(&f->c->ranges, tv_region(f->c), i);

		assert_int_equal(r->seq, at);
		for (uint32_t k = 0; k < r->len; k++)
			if (f->mark[r->seq - f->t->snd.una + k] != r->flags)
				fail_msg("octet %u: %u, not %u", r->seq - f->t->snd.una + k, r->flags,
				         f->mark[r->seq - f->t->snd.una + k]);
		at += r->len;
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

/* ---- Congestion control ---- */

/* RFC 6928 2 [MUST-19] */
static void test_cc_initial_window_by_segment_size(void **state)
{
	static const struct {
		uint16_t mss;
		uint32_t window;
	} cases[] = {{536, 5360}, {1460, 14600}, {2000, 14600}, {8960, 17920}, {7300, 14600}, {100, 1000}};

	(void)state;
	for (unsigned i = 0; i < COUNT(cases) * 2; i++) {
		struct lab *l = lab_new(NULL, false);

		assert_int_equal(tv_link_mtu(l->s, l->now, 0, 9000), TV_OK);
		l->syn.mss = cases[i / 2].mss;
		if (i % 2 != 0)
			lab_passive(l);
		else
			lab_active(l);
		assert_int_equal(lab_info(l).cwnd, cases[i / 2].window);
		lab_free(l);
	}
}

/* The peer acknowledges n octets more. */
static void acks(struct lab *l, uint32_t n)
{
	l->ack += n;
	SAY(l, .flags = TV_ACK);
}

static struct lab *bulk(bool sack)
{
	struct lab *l = lab_new(NULL, false);

	l->syn.mss = 1000;
	l->syn.has |= TV_OPT_HAS_WSCALE | (sack ? TV_OPT_HAS_SACK_OK : 0);
	l->syn.wscale = 7;
	lab_active(l);
	SAY(l, .flags = TV_ACK);
	lab_send(l, 500000, 0);
	assert_int_equal(lab_info(l).cwnd, 10000);
	assert_int_equal(lab_info(l).bytes_in_flight, 10000);
	assert_int_equal(l->count, 10);
	return l;
}

/* RFC 5681 3.1 with octets counted (RFC 3465): what was acknowledged, two segments at most [MUST-19] */
static void test_cc_slow_start_grows_by_what_is_acknowledged(void **state)
{
	static const struct {
		uint32_t acked, growth;
	} cases[] = {{1000, 1000}, {1, 1}, {2000, 2000}, {2001, 2000}, {5000, 2000}};
	struct lab *l = bulk(false);
	uint32_t cwnd = 10000;

	(void)state;
	for (unsigned i = 0; i < COUNT(cases); i++) {
		acks(l, cases[i].acked);
		cwnd += cases[i].growth;
		assert_int_equal(lab_info(l).cwnd, cwnd);
	}
	lab_free(l);
}

/* Nothing grows while the user, and not the window, is the limit (RFC 7661). */
static void test_cc_window_that_is_no_limit_does_not_grow(void **state)
{
	struct lab *l = lab_new(NULL, false);

	(void)state;
	lab_active(l);
	for (unsigned i = 0; i < 10; i++) {
		lab_send(l, 1460, 0);
		acks(l, 1460);
	}
	assert_int_equal(lab_info(l).cwnd, 14600);
	lab_free(l);
}

/* Three duplicates: half of the flight; one segment again; then one segment for each window [MUST-19] */
static void test_cc_fast_recovery_and_avoidance_in_numbers(void **state)
{
	struct lab *l = bulk(false);
	uint32_t una = l->ack, window;

	(void)state;
	lab_set(l, TV_OPT_SIDE, 1);
	for (unsigned i = 1; i <= 2; i++) { /* limited transmit (RFC 3042) */
		acks(l, 0);
		assert_int_equal(lab_only(l, TV_ACK)->seq, una + 9000 + i * 1000);
		assert_int_equal(lab_info(l).cwnd, 10000);
	}
	acks(l, 0);
	assert_int_equal(lab_only(l, TV_ACK)->seq, una); /* fast retransmit */
	assert_int_equal(lab_info(l).ssthresh, 6000);    /* half of 12 segments in flight */
	assert_int_equal(lab_info(l).cwnd, 6000);
	assert_int_equal(lab_counters(l).fast_recoveries, 1);
	assert_int_equal(lab_info(l).recoveries, 1);
	assert_int_equal(lab_info(l).retransmitted_segs, 1);
	assert_int_equal(lab_info(l).bytes_retransmitted, 1000);
	for (unsigned i = 4; i <= 11; i++)
		acks(l, 0); /* the rest of the flight arrives */
	assert_int_equal(lab_info(l).cwnd, 6000);
	assert_int_equal(lab_counters(l).dup_acks_in, 11);
	acks(l, 12000); /* all that was sent before recovery */
	window = lab_info(l).cwnd;
	assert_in_range(window, 2000, 6000);
	assert_int_equal(lab_info(l).ssthresh, 6000);
	while (lab_info(l).cwnd < 6000)
		acks(l, lab_info(l).bytes_in_flight < 1000 ? lab_info(l).bytes_in_flight : 1000);
	window = lab_info(l).cwnd;
	assert_int_equal(window, 6000);
	for (unsigned i = 0; i < 5; i++) { /* congestion avoidance: one segment for each window's worth */
		uint32_t got = 0;

		while (lab_info(l).cwnd == window) {
			acks(l, 1000);
			got += 1000;
		}
		assert_int_equal(lab_info(l).cwnd, window + 1000);
		assert_in_range(got, window - 1000, window + 1000);
		window += 1000;
	}
	lab_free(l);
}

/* RFC 6582: a partial acknowledgment repeats the next hole, and recovery goes on. */
static void test_cc_partial_ack_repeats_the_next_hole(void **state)
{
	struct lab *l = bulk(false);
	uint32_t una = l->ack;

	(void)state;
	for (unsigned i = 0; i < 3; i++)
		acks(l, 0);
	assert_int_equal(lab_last(l)->seq, una);
	acks(l, 4000);
	assert_int_equal(l->heard[0].seg.seq, una + 4000);
	assert_int_equal(lab_info(l).ssthresh, 6000);
	assert_int_equal(lab_info(l).cwnd, 6000);
	acks(l, 3000);
	assert_int_equal(l->heard[0].seg.seq, una + 7000);
	assert_int_equal(lab_counters(l).fast_recoveries, 1);
	acks(l, 5000); /* exactly what was in flight when it began: RFC 6582 3.2, 2 asks for more */
	assert_int_equal(lab_counters(l).fast_recoveries, 1);
	for (unsigned i = 0; i < 3; i++)
		acks(l, 0);
	assert_int_equal(lab_counters(l).fast_recoveries, 1);
	acks(l, 1000);
	for (unsigned i = 0; i < 3; i++)
		acks(l, 0);
	assert_int_equal(lab_counters(l).fast_recoveries, 2);
	lab_free(l);
}

/* RFC 5681 3.1 (4), RFC 6298 5.4 to 5.6 [MUST-19]: one segment, half of the flight - once. */
static void test_cc_time_out_collapses_the_window(void **state)
{
	struct lab *l = bulk(false);
	uint32_t una = l->ack;

	(void)state;
	lab_set(l, TV_OPT_SIDE, 1);
	for (unsigned i = 0; i < 3; i++) {
		lab_wait(l, (210ull << i) * TV_MS);
		assert_int_equal(lab_only(l, TV_ACK)->seq, una);
		assert_int_equal(lab_last(l)->len, 1000);
		assert_int_equal(lab_info(l).cwnd, 1000);
		assert_int_equal(lab_info(l).ssthresh, 5000);
		assert_int_equal(lab_info(l).rto_events, i + 1);
	}
	acks(l, 1000); /* slow start again, over what is lost */
	assert_int_equal(lab_info(l).cwnd, 2000);
	assert_int_equal(l->count, 2);
	assert_int_equal(l->heard[0].seg.seq, una + 1000);
	assert_int_equal(l->heard[1].seg.seq, una + 2000);
	acks(l, 2000);
	assert_int_equal(lab_info(l).cwnd, 4000);
	acks(l, 0);
	acks(l, 0);
	acks(l, 0); /* duplicates of what was repeated start no recovery (RFC 6582 3.2, 2) */
	assert_int_equal(lab_counters(l).fast_recoveries, 0);
	acks(l, 7000);
	assert_int_equal(lab_info(l).cwnd, 6000); /* slow start up to ssthresh: two segments at most for an ACK */
	lab_free(l);
}

/* Two segments are the least that a loss leaves (RFC 5681 3.1, equation 4). */
static void test_cc_reduction_has_a_floor_of_two_segments(void **state)
{
	struct lab *l = lab_new(NULL, false);

	(void)state;
	lab_active(l);
	lab_send(l, 100, 0);
	lab_wait(l, 210 * TV_MS);
	assert_int_equal(lab_info(l).ssthresh, 2920);
	lab_free(l);
}

/* RFC 5681 4.1: after an idle time longer than the RTO the window is the first one again. */
static void test_cc_idle_longer_than_rto_restarts(void **state)
{
	struct lab *l = bulk(false);
	struct tv_info info;

	(void)state;
	while ((info = lab_info(l)).bytes_in_flight != 0)
		acks(l, info.bytes_in_flight < 2000 ? info.bytes_in_flight : 2000);
	assert_true(info.cwnd > 50000 && info.bytes_queued == 0);
	lab_wait(l, 190 * TV_MS);
	lab_send(l, 1000, 0);
	assert_int_equal(lab_info(l).cwnd, info.cwnd);
	acks(l, 1000);
	lab_wait(l, 210 * TV_MS);
	lab_send(l, 1000, 0);
	assert_int_equal(lab_info(l).cwnd, 10000);
	lab_free(l);
}

/* SACK: what lies below more than two SACKed segments is lost, and nothing else is sent again. */
static void test_cc_sack_repeats_the_holes_only(void **state)
{
	struct lab *l = bulk(true);
	struct tv_tcp_options o = {.has = TV_OPT_HAS_SACK, .sack_count = 2};
	uint32_t una = l->ack;

	(void)state;
	o.sack[0].left = una + 1000, o.sack[0].right = una + 2000;
	o.sack_count = 1;
	SAY(l, .flags = TV_ACK, .opt = &o);
	o.sack[0].left = una + 3000, o.sack[0].right = una + 4000;
	o.sack[1].left = una + 1000, o.sack[1].right = una + 2000;
	o.sack_count = 2;
	SAY(l, .flags = TV_ACK, .opt = &o);
	assert_int_equal(lab_counters(l).retransmissions, 0); /* two segments' worth: not more */
	o.sack[0].right = una + 5000;
	SAY(l, .flags = TV_ACK, .opt = &o);
	assert_int_equal(lab_counters(l).fast_recoveries, 1);
	assert_int_equal(l->heard[0].seg.seq, una);
	assert_int_equal(lab_info(l).ssthresh, 6000);
	o.sack[0].right = una + 7000;
	SAY(l, .flags = TV_ACK, .opt = &o);
	assert_int_equal(l->count, 0); /* as much is in the network as the window allows */
	o.sack[0].right = una + 8000;
	SAY(l, .flags = TV_ACK, .opt = &o);
	assert_int_equal(l->heard[0].seg.seq, una + 2000);
	assert_int_equal(lab_counters(l).retransmissions, 2);
	acks(l, 8000);
	assert_int_equal(lab_counters(l).retransmissions, 2);
	lab_free(l);
}

/* A D-SACK tells of a duplicate and marks nothing (RFC 2883). */
static void test_cc_dsack_is_counted_and_marks_nothing(void **state)
{
	struct lab *l = bulk(true);
	struct tv_tcp_options o = {.has = TV_OPT_HAS_SACK, .sack_count = 1};

	(void)state;
	l->ack += 2000;
	o.sack[0].left = l->ack - 1000, o.sack[0].right = l->ack;
	SAY(l, .flags = TV_ACK, .opt = &o);
	assert_int_equal(lab_counters(l).dsacks_in, 1);
	assert_int_equal(lab_counters(l).sacks_in, 1);
	o.sack_count = 2; /* inside the second block */
	o.sack[0].left = l->ack + 3000, o.sack[0].right = l->ack + 4000;
	o.sack[1].left = l->ack + 3000, o.sack[1].right = l->ack + 5000;
	SAY(l, .flags = TV_ACK, .opt = &o);
	assert_int_equal(lab_counters(l).dsacks_in, 2);
	assert_int_equal(tv_busy(&l->s->core, tv_handle_conn(l->s, l->conn))->sacked, 2000);
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
		cmocka_unit_test(test_cc_initial_window_by_segment_size),
		cmocka_unit_test(test_cc_slow_start_grows_by_what_is_acknowledged),
		cmocka_unit_test(test_cc_window_that_is_no_limit_does_not_grow),
		cmocka_unit_test(test_cc_fast_recovery_and_avoidance_in_numbers),
		cmocka_unit_test(test_cc_partial_ack_repeats_the_next_hole),
		cmocka_unit_test(test_cc_time_out_collapses_the_window),
		cmocka_unit_test(test_cc_reduction_has_a_floor_of_two_segments),
		cmocka_unit_test(test_cc_idle_longer_than_rto_restarts),
		cmocka_unit_test(test_cc_sack_repeats_the_holes_only),
		cmocka_unit_test(test_cc_dsack_is_counted_and_marks_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
