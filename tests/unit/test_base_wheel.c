/* The wheel: compared with an array of deadlines; wrap of ticks, budgets, a million timers in one tick. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/check.h"
#include "base/siphash.h"

#define IDLE UINT64_MAX

static uint64_t rng_state;

static uint64_t rng64(void)
{
	const struct tv_sipkey key = {.k0 = 3, .k1 = 4};

	rng_state++;
	return tv_siphash(&key, &rng_state, sizeof rng_state);
}

static uint32_t rng(uint32_t below)
{
	return (uint32_t)(rng64() % below);
}

#define MARK 0x5ca1ab1e

struct record {
	uint64_t before;
	struct tv_wheel_node node;
	uint32_t behind;
};

struct model {
	struct tv_wheel w;
	struct tv_pool pool;
	uint8_t *region;
	uint32_t count;
	uint64_t queues;           /* offset of their entries */
	uint64_t *due;             /* of each record, or IDLE */
};

#define PLACES 64u /* of a queue: fewer than there are records */

static void model_start(struct model *m, uint32_t count, uint64_t now, uint64_t seed)
{
	uint64_t end = 0, queues;

	rng_state = seed << 32;
	memset(m, 0xee, sizeof *m);
	m->count = count;
	tv_pool_plan(&m->pool, count, sizeof(struct record), &end);
	queues = end = (end + 7) & ~(uint64_t)7;
	end += TV_WHEEL_QUEUES * PLACES * sizeof(struct tv_wheel_entry);
	m->region = calloc(1, end);
	m->due = malloc(count * sizeof *m->due);
	assert_non_null(m->region);
	for (uint32_t i = 0; i < count; i++) {
		struct record *r = tv_pool_at(&m->pool, m->region, i);

		r->before = r->behind = MARK;
		m->due[i] = IDLE;
	}
	tv_wheel_init(&m->w, &m->pool, offsetof(struct record, node), now);
	m->queues = queues;
}

/* Deadlines 20..60 and 500..4000 ticks ahead may be queued. */
static void model_queues(struct model *m)
{
	tv_wheel_queue(&m->w, 0, m->queues, PLACES, 20, 60);
	tv_wheel_queue(&m->w, 1, m->queues + PLACES * sizeof(struct tv_wheel_entry), PLACES, 500, 4000);
}

/* The wheel wrote nothing beside its nodes. */
static void model_end(struct model *m)
{
	for (uint32_t i = 0; i < m->count; i++) {
		const struct record *r = tv_pool_at(&m->pool, m->region, i);

		assert_int_equal(r->before, MARK);
		assert_int_equal(r->behind, MARK);
	}
	free(m->region);
	free(m->due);
}

static void model_arm(struct model *m, uint32_t i, uint64_t tick)
{
	const struct record *r = tv_pool_at(&m->pool, m->region, i);

	tv_wheel_arm(&m->w, m->region, i, tick);
	m->due[i] = tick < m->w.now ? m->w.now : tick;
	assert_int_equal(r->node.at, (uint32_t)m->due[i]);
	assert_int_not_equal(r->node.where, 0);
}

static void model_cancel(struct model *m, uint32_t i)
{
	tv_wheel_cancel(&m->w, m->region, i);
	m->due[i] = IDLE;
}

static uint64_t model_earliest(const struct model *m)
{
	uint64_t earliest = IDLE;

	for (uint32_t i = 0; i < m->count; i++)
		if (m->due[i] < earliest)
			earliest = m->due[i];
	return earliest;
}

/* Pops what is due until `now`: earlier ticks first, nothing early, nothing forgotten. */
static void model_advance(struct model *m, uint64_t now)
{
	for (;;) {
		uint32_t budget = 1 + rng(20), given = budget;
		uint32_t i = tv_wheel_pop(&m->w, m->region, now, &budget);

		assert_true(budget <= given);
		assert_true(tv_wheel_next(&m->w, m->region) <= (i == TV_NONE ? model_earliest(m) : IDLE));
		if (i == TV_NONE) {
			if (budget == 0)
				continue;
			break;
		}
		assert_true(i < m->count);
		assert_true(m->due[i] <= now);
		assert_int_equal(m->due[i], model_earliest(m));
		assert_int_equal(m->w.now, m->due[i]);
		m->due[i] = IDLE;
	}
	assert_true(model_earliest(m) > now);
	assert_int_equal(m->w.now, now);
}

static void model_check_next(const struct model *m)
{
	uint64_t earliest = model_earliest(m), next = tv_wheel_next(&m->w, m->region);

	if (earliest == IDLE) {
		assert_int_equal(next, UINT64_MAX);
		return;
	}
	assert_true(next <= earliest);
	assert_true(next >= m->w.now);
	if (earliest >> 6 == m->w.now >> 6)
		assert_int_equal(next, earliest);
	/* Whoever waits until `next` makes progress: at most one step down for each level. */
	assert_true(next == earliest || next > m->w.now);
}

static void run_with(uint64_t start, unsigned spread_bits, uint32_t ops, uint64_t seed, bool queues)
{
	struct model m;

	model_start(&m, 150, start, seed);
	if (queues)
		model_queues(&m);
	for (uint32_t op = 0; op < ops; op++) {
		uint32_t i = rng(m.count);
		uint64_t ahead = rng64() >> (64 - 1 - rng(spread_bits));

		switch (rng(8)) {
		case 0:
			model_cancel(&m, i);
			break;
		case 1:
			model_arm(&m, i, m.w.now - tv_min64(m.w.now, rng(100)));
			break;
		case 2:
			model_advance(&m, m.w.now + ahead);
			break;
		case 3:
			if (model_earliest(&m) != IDLE)
				model_advance(&m, model_earliest(&m));
			break;
		default:
			model_arm(&m, i, m.w.now + ahead);
			break;
		}
		model_check_next(&m);
		if (op % 16 == 0)
			assert_int_equal(tv_wheel_check(&m.w, m.region), 0);
	}
	model_end(&m);
}

static void run_against_model(uint64_t start, unsigned spread_bits, uint32_t ops, uint64_t seed)
{
	run_with(start, spread_bits, ops, seed, false);
	run_with(start, spread_bits, ops, seed, true);
}

static void test_wheel_random_use_agrees_with_model(void **state)
{
	(void)state;
	run_against_model(0, 31, 30000, 1);
	run_against_model(12345, 8, 30000, 2);
	run_against_model(63, 14, 30000, 3);
}

/* Around 2^32 (deadlines wrap), 2^36 (the wheel's digits wrap) and far beyond. */
static void test_wheel_ticks_that_wrap_agree_with_model(void **state)
{
	(void)state;
	run_against_model((1ull << 32) - 3000, 13, 20000, 4);
	run_against_model((1ull << 36) - 3000, 13, 20000, 5);
	run_against_model((1ull << 36) - (1ull << 31), 31, 20000, 6);
	run_against_model((1ull << 47) - 100, 20, 20000, 7);
}

static void test_wheel_longest_deadline_is_kept(void **state)
{
	static const uint64_t starts[] = {
		0, 1, 63, (1ull << 30) - 1, (1ull << 31) + 77, (1ull << 36) - 1};
	struct model m;

	(void)state;
	for (unsigned s = 0; s < 6; s++) {
		uint64_t ahead = 1ull << 31;
		uint32_t budget = 100;

		model_start(&m, 2, starts[s], s);
		model_arm(&m, 1, starts[s] + ahead);
		assert_int_equal(tv_wheel_check(&m.w, m.region), 0);
		assert_int_equal(tv_wheel_pop(&m.w, m.region, starts[s] + ahead - 1, &budget), TV_NONE);
		assert_int_equal(tv_wheel_check(&m.w, m.region), 0);
		assert_int_equal(tv_wheel_pop(&m.w, m.region, starts[s] + ahead, &budget), 1);
		assert_true(100 - budget <= TV_WHEEL_LEVELS);
		model_end(&m);
	}
}

/* Who follows tv_wheel_next is woken at most once for each level before the deadline. */
static void test_wheel_next_wakes_at_most_once_per_level(void **state)
{
	struct model m;

	(void)state;
	for (unsigned round = 0; round < 2000; round++) {
		uint64_t start = rng64() >> 20, due = start + (rng64() >> (33 + rng(30)));
		uint32_t budget = 1000, wakes = 0;

		model_start(&m, 1, start, round);
		model_arm(&m, 0, due);
		while (tv_wheel_pop(&m.w, m.region, tv_wheel_next(&m.w, m.region), &budget) == TV_NONE)
			wakes++;
		assert_int_equal(m.w.now, due);
		assert_true(wakes < TV_WHEEL_LEVELS);
		assert_int_equal(tv_wheel_next(&m.w, m.region), UINT64_MAX);
		model_end(&m);
	}
}

static void test_wheel_cancelled_and_moved_timers_do_not_fire(void **state)
{
	struct model m;
	uint32_t budget = 1000;

	(void)state;
	model_start(&m, 3, 1000, 1);
	tv_wheel_cancel(&m.w, m.region, 2);
	assert_int_equal(m.w.armed, 0);
	tv_wheel_arm(&m.w, m.region, 0, 1010);
	tv_wheel_arm(&m.w, m.region, 1, 1010);
	tv_wheel_arm(&m.w, m.region, 2, 5000);
	assert_int_equal(m.w.armed, 3);
	tv_wheel_cancel(&m.w, m.region, 0);
	tv_wheel_arm(&m.w, m.region, 1, 6000);
	tv_wheel_arm(&m.w, m.region, 2, 5001);
	assert_int_equal(m.w.armed, 2);
	assert_int_equal(tv_wheel_pop(&m.w, m.region, 5000, &budget), TV_NONE);
	assert_int_equal(tv_wheel_pop(&m.w, m.region, 9000, &budget), 2);
	assert_int_equal(tv_wheel_pop(&m.w, m.region, 9000, &budget), 1);
	assert_int_equal(tv_wheel_pop(&m.w, m.region, 9000, &budget), TV_NONE);
	assert_int_equal(m.w.armed, 0);
	assert_int_equal(m.w.now, 9000);
	model_end(&m);
}

/* FL-26: a million timers of one tick: each call stops at its budget, and the order is kept. */
static void test_wheel_million_due_timers_stop_at_the_budget(void **state)
{
	static const uint64_t aheads[] = {0, 5, 100000};
	const uint32_t count = 1000000;

	(void)state;
	for (unsigned a = 0; a < 3; a++) {
		struct model m;
		uint32_t expected = 0, calls = 0;

		model_start(&m, count, 777, a);
		for (uint32_t i = 0; i < count; i++)
			tv_wheel_arm(&m.w, m.region, i, 777 + aheads[a]);
		while (expected < count) {
			uint32_t budget = 1024, steps = 0, i;

			while ((i = tv_wheel_pop(&m.w, m.region, 777 + aheads[a] + 9, &budget)) !=
			       TV_NONE) {
				assert_int_equal(i, expected++);
				steps++;
			}
			assert_true(steps <= 1024);
			assert_true(budget == 0 || expected == count);
			if (expected < count)
				assert_true(tv_wheel_next(&m.w, m.region) <= 777 + aheads[a]);
			calls++;
		}
		assert_true(calls >= count / 1024);
		assert_true(calls <= TV_WHEEL_LEVELS * (count / 1024 + 1));
		assert_int_equal(tv_wheel_next(&m.w, m.region), UINT64_MAX);
		model_end(&m);
	}
}

/* A timer armed for a tick that is past while the budget is short comes behind those that wait. */
static void test_wheel_overdue_arm_waits_its_turn(void **state)
{
	struct model m;
	uint32_t budget = 1;

	(void)state;
	model_start(&m, 4, 100, 1);
	tv_wheel_arm(&m.w, m.region, 0, 110);
	tv_wheel_arm(&m.w, m.region, 1, 110);
	assert_int_equal(tv_wheel_pop(&m.w, m.region, 120, &budget), 0);
	tv_wheel_arm(&m.w, m.region, 2, 50);
	budget = 10;
	assert_int_equal(tv_wheel_pop(&m.w, m.region, 120, &budget), 1);
	assert_int_equal(tv_wheel_pop(&m.w, m.region, 120, &budget), 2);
	assert_int_equal(tv_wheel_pop(&m.w, m.region, 120, &budget), TV_NONE);
	model_end(&m);
}

static void test_tick_up_is_never_early_and_late_by_less_than_a_tick(void **state)
{
	(void)state;
	assert_int_equal(tv_tick_up(0), 0);
	assert_int_equal(tv_tick_up(1), 1);
	assert_int_equal(tv_tick_up(65536), 1);
	assert_int_equal(tv_tick_up(65537), 2);
	for (unsigned i = 0; i < 10000; i++) {
		uint64_t ns = rng64() >> 1 >> rng(62), at = tv_tick_up(ns) << TV_TICK_SHIFT;

		assert_true(at >= ns);
		assert_true(at - ns < 1u << TV_TICK_SHIFT);
	}
}

static uint16_t where(const struct model *m, uint32_t i)
{
	return ((const struct record *)tv_pool_at(&m->pool, m->region, i))->node.where;
}

/* Who finds a place, who goes to the wheel itself, and that who leaves makes room when all before him have gone. */
static void test_wheel_queue_takes_what_is_in_order_and_as_far_ahead(void **state)
{
	struct model m;

	(void)state;
	model_start(&m, PLACES + 10, 1000, 11);
	model_queues(&m);
	model_arm(&m, 0, 1030);
	assert_int_equal(where(&m, 0), TV_WHEEL_QUEUED);
	model_arm(&m, 1, 1029); /* before the last one */
	assert_true(where(&m, 1) < TV_WHEEL_QUEUED);
	model_arm(&m, 2, 1019); /* not far enough */
	assert_true(where(&m, 2) < TV_WHEEL_QUEUED);
	model_arm(&m, 3, 1061); /* too far for the one queue, not far enough for the other */
	assert_true(where(&m, 3) < TV_WHEEL_QUEUED);
	model_arm(&m, 4, 1500);
	assert_int_equal(where(&m, 4), TV_WHEEL_QUEUED + 1);
	model_arm(&m, 4, 1031); /* from one queue to the other */
	assert_int_equal(where(&m, 4), TV_WHEEL_QUEUED);
	for (uint32_t i = 5; i < PLACES + 3; i++)
		model_arm(&m, i, 1040);
	assert_int_equal(where(&m, PLACES + 2), TV_WHEEL_QUEUED);
	model_arm(&m, PLACES + 3, 1040); /* no place is left */
	assert_true(where(&m, PLACES + 3) < TV_WHEEL_QUEUED);
	model_cancel(&m, 4);
	model_arm(&m, PLACES + 4, 1040);
	assert_true(where(&m, PLACES + 4) < TV_WHEEL_QUEUED);
	model_cancel(&m, 0); /* both places are free now */
	model_arm(&m, PLACES + 5, 1040);
	model_arm(&m, PLACES + 6, 1040);
	assert_int_equal(where(&m, PLACES + 6), TV_WHEEL_QUEUED);
	assert_int_equal(tv_wheel_check(&m.w, m.region), 0);
	model_advance(&m, 1039);
	model_advance(&m, 5000);
	assert_int_equal(m.w.armed, 0);
	model_end(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wheel_random_use_agrees_with_model),
		cmocka_unit_test(test_wheel_ticks_that_wrap_agree_with_model),
		cmocka_unit_test(test_wheel_longest_deadline_is_kept),
		cmocka_unit_test(test_wheel_queue_takes_what_is_in_order_and_as_far_ahead),
		cmocka_unit_test(test_wheel_next_wakes_at_most_once_per_level),
		cmocka_unit_test(test_wheel_cancelled_and_moved_timers_do_not_fire),
		cmocka_unit_test(test_wheel_million_due_timers_stop_at_the_budget),
		cmocka_unit_test(test_wheel_overdue_arm_waits_its_turn),
		cmocka_unit_test(test_tick_up_is_never_early_and_late_by_less_than_a_tick),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
