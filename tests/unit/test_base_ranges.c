/* Ordered ranges: compared with a sorted array; wrap of sequence numbers, exhaustion, hostile orders. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/check.h"
#include "base/siphash.h"

static uint64_t rng_state;

static uint64_t rng64(void)
{
	const struct tv_sipkey key = {.k0 = 7, .k1 = 8};

	rng_state++;
	return tv_siphash(&key, &rng_state, sizeof rng_state);
}

static uint32_t rng(uint32_t below)
{
	return (uint32_t)(rng64() % below);
}

/* One range as the model sees it: offset from the base instead of a sequence number. */
struct piece {
	uint32_t off, len, node;
	uint16_t flags;
	uint64_t first;
};

struct model {
	struct tv_ranges r;
	struct tv_range_pool pool;
	uint8_t *region;
	uint32_t base;
	uint32_t count, max;
	struct piece *pieces;      /* in order */
};

static void model_start(struct model *m, uint32_t max, uint32_t base, uint64_t seed)
{
	uint64_t end = 0;

	rng_state = seed << 32;
	memset(m, 0, sizeof *m);
	tv_pool_plan(&m->pool.pool, max, sizeof(struct tv_range), &end);
	m->pool.seed = rng64();
	m->region = calloc(1, end);
	m->pieces = malloc((max + 1) * sizeof *m->pieces);
	m->base = base;
	m->max = max;
	assert_non_null(m->region);
}

static void model_end(struct model *m)
{
	free(m->region);
	free(m->pieces);
}

/* Index of the first piece that ends behind off. */
static uint32_t model_find(const struct model *m, uint32_t off)
{
	uint32_t i = 0;

	while (i < m->count && m->pieces[i].off + m->pieces[i].len <= off)
		i++;
	return i;
}

static void model_put(struct model *m, uint32_t at, struct piece piece)
{
	memmove(m->pieces + at + 1, m->pieces + at, (m->count - at) * sizeof piece);
	m->pieces[at] = piece;
	m->count++;
}

static void model_drop(struct model *m, uint32_t at)
{
	m->count--;
	memmove(m->pieces + at, m->pieces + at + 1, (m->count - at) * sizeof *m->pieces);
}

static void model_insert(struct model *m, uint32_t off, uint32_t len)
{
	uint32_t at = model_find(m, off), node;
	struct piece piece = {.off = off, .len = len, .flags = (uint16_t)rng(65536), .first = rng64()};
	struct tv_range *n;

	if (at < m->count)
		piece.len = m->pieces[at].off <= off ? 0 : tv_min32(len, m->pieces[at].off - off);
	if (piece.len == 0)
		return;
	node = tv_ranges_insert(&m->r, &m->pool, m->region, m->base + off, piece.len);
	assert_int_equal(node == 0, m->count == m->max);
	if (node == 0)
		return;
	n = tv_range_at(&m->pool, m->region, node);
	assert_int_equal(n->flags, 0);
	assert_int_equal(n->sent, 0);
	assert_int_equal(n->u.time.first, 0);
	assert_int_equal(n->u.time.last, 0);
	n->flags = piece.flags;
	n->u.time.first = piece.first;
	piece.node = node;
	model_put(m, at, piece);
}

static void model_remove(struct model *m, uint32_t at)
{
	tv_ranges_remove(&m->r, &m->pool, m->region, m->pieces[at].node);
	model_drop(m, at);
}

static void model_split(struct model *m, uint32_t at)
{
	struct piece *left = m->pieces + at, right = *left;
	uint32_t cut;

	if (left->len < 2)
		return;
	cut = 1 + rng(left->len - 1);
	right.off += cut;
	right.len -= cut;
	right.node = tv_ranges_split(&m->r, &m->pool, m->region, left->node, m->base + right.off);
	assert_int_equal(right.node == 0, m->count == m->max);
	if (right.node == 0)
		return;
	left->len = cut;
	model_put(m, at + 1, right);
}

/* Two touching neighbours become one: the owner's merge. */
static void model_merge(struct model *m, uint32_t at)
{
	struct piece *left = m->pieces + at;

	if (at + 1 >= m->count || left->off + left->len != left[1].off)
		return;
	tv_range_at(&m->pool, m->region, left->node)->len += left[1].len;
	left->len += left[1].len;
	model_remove(m, at + 1);
}

/* What was acknowledged goes: whole ranges, and the front of one. */
static void model_advance(struct model *m, uint32_t n)
{
	for (uint32_t i = 0; i < m->count;) {
		struct piece *p = m->pieces + i;

		if (p->off + p->len <= n) {
			model_remove(m, i);
			continue;
		}
		if (p->off < n) {
			struct tv_range *node = tv_range_at(&m->pool, m->region, p->node);

			node->seq += n - p->off;
			node->len -= n - p->off;
			p->len -= n - p->off;
			p->off = n;
		}
		p->off -= n;
		i++;
	}
	m->base += n;
}

static void model_check(struct model *m)
{
	uint32_t node = m->r.first;

	assert_int_equal(tv_ranges_check(&m->r, &m->pool, m->region), 0);
	assert_int_equal(m->r.count, m->count);
	assert_int_equal(m->pool.pool.used, m->count);
	for (uint32_t i = 0; i < m->count; i++) {
		const struct tv_range *n = tv_range_at(&m->pool, m->region, node);

		assert_int_equal(node, m->pieces[i].node);
		assert_int_equal(n->seq, m->base + m->pieces[i].off);
		assert_int_equal(n->len, m->pieces[i].len);
		assert_int_equal(n->flags, m->pieces[i].flags);
		assert_int_equal(n->u.time.first, m->pieces[i].first);
		node = tv_ranges_next(&m->pool, m->region, node);
	}
	assert_int_equal(node, 0);
}

static void run_against_model(uint32_t max, uint32_t base, uint32_t span, uint32_t ops, uint64_t seed)
{
	struct model m;

	model_start(&m, max, base, seed);
	for (uint32_t op = 0; op < ops; op++) {
		uint32_t off = rng(span), at = model_find(&m, off);
		uint32_t end = m.count == 0 ? 0 : m.pieces[m.count - 1].off + m.pieces[m.count - 1].len;

		switch (rng(10)) {
		case 0:
		case 1:
		case 2:
			model_insert(&m, off, 1 + rng(100));
			break;
		case 3:
			if (end < span)
				model_insert(&m, end + rng(3), 1 + rng(2000));
			break;
		case 4:
			if (at < m.count)
				model_split(&m, at);
			break;
		case 5:
			model_merge(&m, at);
			break;
		case 6:
			if (at < m.count)
				model_remove(&m, at);
			break;
		case 7:
			model_advance(&m, rng(span / 8));
			break;
		case 8:
			if (rng(500) == 0) {
				tv_ranges_clear(&m.r, &m.pool, m.region);
				m.count = 0;
			}
			break;
		default:
			assert_int_equal(tv_ranges_find(&m.r, &m.pool, m.region, m.base + off),
			                 at < m.count ? m.pieces[at].node : 0);
			break;
		}
		if (op % 8 == 0)
			model_check(&m);
	}
	model_check(&m);
	model_end(&m);
}

static void test_ranges_random_use_agrees_with_model(void **state)
{
	(void)state;
	run_against_model(300, 1000, 20000, 60000, 1);
	run_against_model(40, 1000, 1u << 30, 40000, 2);
	run_against_model(3, 0, 300, 20000, 3);
}

/* The base walks across 2^32 and 2^31 again and again. */
static void test_ranges_sequence_wrap_agrees_with_model(void **state)
{
	(void)state;
	run_against_model(100, 0u - 5000, 10000, 30000, 4);
	run_against_model(100, 0x80000000u - 5000, 10000, 30000, 5);
	run_against_model(60, 0x90000000u, 0x7fff0000u, 30000, 6);
}

static uint32_t log2_of(uint32_t n)
{
	return 32 - (uint32_t)__builtin_clz(n);
}

/* The order in which a peer could make n pieces arrive. */
static void make_order(uint32_t *order, uint32_t n, unsigned kind)
{
	for (uint32_t i = 0; i < n; i++) {
		uint32_t j;

		order[i] = i;
		switch (kind) {
		case 0: /* random: inside out */
			j = rng(i + 1);
			order[i] = order[j];
			order[j] = i;
			break;
		case 1: /* rising */
			break;
		case 2: /* falling */
			order[i] = n - 1 - i;
			break;
		default: /* from both ends */
			order[i] = i % 2 != 0 ? n - 1 - i / 2 : i / 2;
			break;
		}
	}
}

/* FL-18: single bytes at every other place come, are found again and go; the steps for each are
 * bounded by a multiple of the logarithm. */
static void test_ranges_hostile_orders_take_logarithmic_steps(void **state)
{
	const uint32_t n = 1u << 17;
	uint32_t *order = malloc(n * sizeof *order);

	(void)state;
	for (unsigned kind = 0; kind < 4; kind++) {
		struct model m;
		uint64_t worst = 0;

		model_start(&m, n, 0xfffff000u, 10 + kind);
		make_order(order, n, kind);
		for (unsigned phase = 0; phase < 3; phase++) {
			for (uint32_t i = 0; i < n; i++) {
				uint32_t seq = m.base + 2 * order[i], node;
				uint64_t before = m.pool.steps;

				if (phase == 0)
					node = tv_ranges_insert(&m.r, &m.pool, m.region, seq, 1);
				else
					node = tv_ranges_find(&m.r, &m.pool, m.region, seq);
				assert_int_not_equal(node, 0);
				if (phase == 2)
					tv_ranges_remove(&m.r, &m.pool, m.region, node);
				worst = tv_max64(worst, m.pool.steps - before);
			}
			if (phase < 2)
				assert_int_equal(tv_ranges_check(&m.r, &m.pool, m.region), 0);
		}
		assert_int_equal(m.r.count, 0);
		assert_true(worst <= 5 * log2_of(n));
		assert_true(m.pool.steps <= 6ull * n * log2_of(n));
		model_end(&m);
	}
	free(order);
}

/* FL-22: one large flight, split and merged again by hostile SACKs: each in logarithmic steps. */
static void test_ranges_splits_and_merges_take_logarithmic_steps(void **state)
{
	const uint32_t n = 10000, mss = 1448;
	struct model m;

	(void)state;
	model_start(&m, n + 1, 0xff000000u, 20);
	tv_ranges_insert(&m.r, &m.pool, m.region, m.base, n * mss);
	for (unsigned round = 0; round < 20; round++) {
		uint64_t steps = m.pool.steps;

		for (uint32_t i = 1; i < n; i++) {
			uint32_t cut = m.base + (1 + (i * 7919u) % (n - 1)) * mss, node;
			uint64_t before = m.pool.steps;

			node = tv_ranges_find(&m.r, &m.pool, m.region, cut);
			if (tv_range_at(&m.pool, m.region, node)->seq != cut)
				node = tv_ranges_split(&m.r, &m.pool, m.region, node, cut);
			assert_int_not_equal(node, 0);
			assert_true(m.pool.steps - before <= 6 * log2_of(n));
		}
		assert_int_equal(m.r.count, n);
		while (m.r.count > 1) {
			uint32_t node =
				tv_ranges_find(&m.r, &m.pool, m.region, m.base + rng(n - 1) * mss);
			uint32_t next = tv_ranges_next(&m.pool, m.region, node);

			if (next == 0) {
				next = node;
				node = tv_ranges_prev(&m.pool, m.region, node);
			}
			tv_range_at(&m.pool, m.region, node)->len +=
				tv_range_at(&m.pool, m.region, next)->len;
			tv_ranges_remove(&m.r, &m.pool, m.region, next);
		}
		assert_int_equal(tv_ranges_check(&m.r, &m.pool, m.region), 0);
		assert_true(m.pool.steps - steps <= 6ull * n * log2_of(n));
	}
	model_end(&m);
}

/* Sent behind the last, acknowledged at the first: no search, whatever the number in flight. */
static void test_ranges_append_and_remove_first_take_constant_steps(void **state)
{
	const uint32_t n = 4096, rounds = 200000;
	struct model m;

	(void)state;
	model_start(&m, n, 0xfff00000u, 30);
	for (uint32_t i = 0; i < n - 1; i++)
		tv_ranges_insert(&m.r, &m.pool, m.region, m.base + i * 1000, 1000);
	m.pool.steps = 0;
	for (uint32_t i = n - 1; i < rounds; i++) {
		assert_int_not_equal(
			tv_ranges_insert(&m.r, &m.pool, m.region, m.base + i * 1000, 1000), 0);
		tv_ranges_remove(&m.r, &m.pool, m.region, m.r.first);
	}
	assert_int_equal(m.r.count, n - 1);
	assert_true(m.pool.steps <= 5ull * rounds);
	assert_int_equal(tv_ranges_check(&m.r, &m.pool, m.region), 0);
	model_end(&m);
}

/* Many sets in one pool do not disturb each other, and clearing one returns just its nodes. */
static void test_ranges_sets_share_a_pool(void **state)
{
	struct model m;
	struct tv_ranges sets[50] = {{0}};

	(void)state;
	model_start(&m, 5000, 0, 40);
	for (uint32_t i = 0; i < 5000; i++)
		assert_int_not_equal(
			tv_ranges_insert(&sets[i % 50], &m.pool, m.region, i * 769 % 5000 * 8, 5),
			0);
	assert_int_equal(tv_ranges_insert(&sets[0], &m.pool, m.region, 4, 1), 0);
	for (unsigned s = 0; s < 50; s++) {
		assert_int_equal(sets[s].count, 100);
		assert_int_equal(tv_ranges_check(&sets[s], &m.pool, m.region), 0);
	}
	for (unsigned s = 0; s < 50; s++) {
		tv_ranges_clear(&sets[s], &m.pool, m.region);
		assert_int_equal(sets[s].root + sets[s].first + sets[s].last + sets[s].count, 0);
		assert_int_equal(m.pool.pool.used, 4900 - 100 * s);
		for (unsigned other = s; other < 50; other++)
			assert_int_equal(tv_ranges_check(&sets[other], &m.pool, m.region), 0);
	}
	model_end(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ranges_random_use_agrees_with_model),
		cmocka_unit_test(test_ranges_sequence_wrap_agrees_with_model),
		cmocka_unit_test(test_ranges_hostile_orders_take_logarithmic_steps),
		cmocka_unit_test(test_ranges_splits_and_merges_take_logarithmic_steps),
		cmocka_unit_test(test_ranges_append_and_remove_first_take_constant_steps),
		cmocka_unit_test(test_ranges_sets_share_a_pool),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
