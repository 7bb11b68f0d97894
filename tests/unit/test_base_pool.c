/* Slots: always the lowest free one, compared with an array of flags; growth, exhaustion, reclaiming. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/check.h"

static uint64_t rng_state;

static uint32_t rng(uint32_t below)
{
	rng_state = rng_state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)((rng_state >> 33) % below);
}

static uint8_t *region_for(uint64_t bytes)
{
	uint8_t *region = calloc(1, bytes);

	assert_non_null(region);
	return region;
}

static uint32_t model_lowest(const uint8_t *taken, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		if (!taken[i])
			return i;
	return TV_NONE;
}

static uint32_t model_next(const uint8_t *taken, uint32_t count, uint32_t from)
{
	for (uint32_t i = from; i < count; i++)
		if (taken[i])
			return i;
	return TV_NONE;
}

/* Phases that fill and phases that empty, so that every level becomes full and stops being so. */
static void run_against_model(uint32_t count, uint32_t ops, uint64_t seed)
{
	struct tv_pool p;
	uint64_t end = 40;
	uint8_t *region, *taken = calloc(1, count + 1);
	uint32_t used = 0, filling = 1;

	rng_state = seed;
	tv_pool_plan(&p, count, 24, &end);
	region = region_for(end);
	for (uint32_t op = 0; op < ops; op++) {
		uint32_t slot;

		if (rng(2 * count + 8) == 0)
			filling = !filling;
		if (rng(4) != 0 ? filling : !filling) {
			slot = tv_pool_take(&p, region);
			assert_int_equal(slot, model_lowest(taken, count));
			if (slot != TV_NONE) {
				taken[slot] = 1;
				used++;
			}
		} else if (used > 0) {
			slot = tv_pool_next(&p, region, rng(count));
			if (slot == TV_NONE)
				slot = tv_pool_next(&p, region, 0);
			tv_pool_give(&p, region, slot);
			taken[slot] = 0;
			used--;
		}
		slot = rng(count + 70);
		assert_int_equal(tv_pool_taken(&p, region, slot), slot < count && taken[slot]);
		assert_int_equal(tv_pool_next(&p, region, slot), model_next(taken, count, slot));
		assert_int_equal(p.used, used);
		if (op % 64 == 0)
			assert_int_equal(tv_pool_check(&p, region), 0);
	}
	assert_int_equal(tv_pool_check(&p, region), 0);
	/* What lies before the pool is another's. */
	for (unsigned i = 0; i < 40; i++)
		assert_int_equal(region[i], 0);
	free(region);
	free(taken);
}

static void test_pool_random_use_agrees_with_model(void **state)
{
	static const uint32_t counts[] = {1, 2, 63, 64, 65, 128, 1000, 4096, 4097};

	(void)state;
	for (unsigned i = 0; i < sizeof counts / sizeof *counts; i++)
		run_against_model(counts[i], 60000, i + 1);
}

static void test_pool_of_nothing_gives_nothing(void **state)
{
	struct tv_pool p;
	uint64_t end = 0;
	uint8_t *region;

	(void)state;
	tv_pool_plan(&p, 0, 64, &end);
	region = region_for(end + 64);
	assert_int_equal(tv_pool_take(&p, region), TV_NONE);
	assert_int_equal(tv_pool_next(&p, region, 0), TV_NONE);
	assert_int_equal(tv_pool_check(&p, region), 0);
	free(region);
}

static void test_pool_four_levels_fill_and_refill_from_lowest(void **state)
{
	const uint32_t count = 64 * 64 * 64 + 5;
	static const uint32_t given[] = {64 * 64 * 64 + 4, 200000, 4096, 4095, 63, 0};
	struct tv_pool p;
	uint64_t end = 0;
	uint8_t *region;

	(void)state;
	tv_pool_plan(&p, count, 8, &end);
	assert_int_equal(p.levels, 4);
	region = region_for(end);
	for (uint32_t i = 0; i < count; i++)
		assert_int_equal(tv_pool_take(&p, region), i);
	assert_int_equal(tv_pool_take(&p, region), TV_NONE);
	assert_int_equal(tv_pool_check(&p, region), 0);
	for (unsigned i = 0; i < 6; i++)
		tv_pool_give(&p, region, given[i]);
	assert_int_equal(tv_pool_check(&p, region), 0);
	for (unsigned i = 6; i-- > 0;)
		assert_int_equal(tv_pool_take(&p, region), given[i]);
	assert_int_equal(tv_pool_take(&p, region), TV_NONE);
	free(region);
}

static void test_pool_plan_places_records_apart_and_aligned(void **state)
{
	struct tv_pool a, b;
	uint64_t end = 1;

	(void)state;
	tv_pool_plan(&a, 1000, 88, &end);
	tv_pool_plan(&b, 10, 40, &end);
	assert_int_equal(a.records % 64, 0);
	assert_int_equal(b.records % 64, 0);
	for (uint32_t level = 0; level < a.levels; level++) {
		assert_true(a.bits[level] >= 1);
		assert_true(a.bits[level] < a.records);
	}
	assert_true(b.bits[0] >= a.records + 1000 * 88);
	assert_true(end >= b.records + 400);
}

/* A slot's bytes are left alone by taking and giving. */
static void test_pool_slot_keeps_its_bytes(void **state)
{
	struct tv_pool p;
	uint64_t end = 0;
	uint8_t *region;
	uint32_t slot;

	(void)state;
	tv_pool_plan(&p, 100, 32, &end);
	region = region_for(end);
	slot = tv_pool_take(&p, region);
	memset(tv_pool_at(&p, region, slot), 0x5a, 32);
	tv_pool_give(&p, region, slot);
	assert_int_equal(tv_pool_take(&p, region), slot);
	for (unsigned i = 0; i < 32; i++)
		assert_int_equal(((uint8_t *)tv_pool_at(&p, region, slot))[i], 0x5a);
	free(region);
}

/* Blocks told to be free hold no taken slot; blocks not told hold one, or were never touched. */
static void test_pool_free_runs_cover_exactly_the_empty_blocks(void **state)
{
	const uint32_t count = 600, stride = 88, grain = 512;
	struct tv_pool p;
	uint64_t end = 0, offset, bytes;
	uint8_t *region, *told;

	(void)state;
	tv_pool_plan(&p, count, stride, &end);
	region = region_for(end);
	told = calloc(1, end / grain + 2);
	rng_state = 77;
	for (unsigned round = 0; round < 200; round++) {
		uint64_t first = (p.records + grain - 1) / grain, behind;

		for (uint32_t i = 0; i < 500; i++)
			tv_pool_take(&p, region);
		for (uint32_t i = 0; i < count; i++)
			if (tv_pool_taken(&p, region, i) && rng(round % 20 + 2) != 0)
				tv_pool_give(&p, region, i);
		memset(told, 0, end / grain + 2);
		for (unsigned i = 0; tv_pool_free_run(&p, region, i, grain, &offset, &bytes); i++) {
			assert_int_equal(offset % grain, 0);
			assert_int_equal(bytes % grain, 0);
			assert_true(bytes > 0);
			for (uint64_t b = offset / grain; b < (offset + bytes) / grain; b++)
				told[b]++;
		}
		behind = (p.records + (uint64_t)p.high * stride) / grain;
		for (uint64_t b = 0; b < end / grain; b++) {
			bool empty = b >= first && b < behind;

			for (uint32_t i = 0; i < p.high; i++) {
				uint64_t at = p.records + (uint64_t)i * stride;

				if (tv_pool_taken(&p, region, i) && at < (b + 1) * grain &&
				    at + stride > b * grain)
					empty = false;
			}
			assert_int_equal(told[b], empty);
		}
	}
	free(told);
	free(region);
}

/* Only the pages with a bitmap word or a taken slot are ever written. */
static void test_pool_take_touches_only_low_memory(void **state)
{
	struct tv_pool p;
	uint64_t end = 0;
	uint8_t *region, *zero;

	(void)state;
	tv_pool_plan(&p, 100000, 64, &end);
	region = region_for(end);
	zero = region_for(end);
	for (unsigned i = 0; i < 1000; i++) {
		tv_pool_give(&p, region, tv_pool_take(&p, region));
		assert_int_not_equal(tv_pool_take(&p, region), TV_NONE);
	}
	assert_int_equal(p.high, 1000);
	assert_memory_equal(region + p.bits[0] + 128, zero, end - p.bits[0] - 128);
	free(zero);
	free(region);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pool_random_use_agrees_with_model),
		cmocka_unit_test(test_pool_of_nothing_gives_nothing),
		cmocka_unit_test(test_pool_four_levels_fill_and_refill_from_lowest),
		cmocka_unit_test(test_pool_plan_places_records_apart_and_aligned),
		cmocka_unit_test(test_pool_slot_keeps_its_bytes),
		cmocka_unit_test(test_pool_free_runs_cover_exactly_the_empty_blocks),
		cmocka_unit_test(test_pool_take_touches_only_low_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
