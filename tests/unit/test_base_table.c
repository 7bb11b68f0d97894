/* The index: compared with an array of what is in it; growth, re-keying, hostile hashes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/check.h"
#include "base/key.h"
#include "base/siphash.h"

static uint64_t rng_state;

static uint64_t rng64(void)
{
	const struct tv_sipkey key = {.k0 = 1, .k1 = 2};

	rng_state++;
	return tv_siphash(&key, &rng_state, sizeof rng_state);
}

static uint32_t rng(uint32_t below)
{
	return (uint32_t)(rng64() % below);
}

static uint8_t *region_for(uint64_t bytes)
{
	uint8_t *region = calloc(1, bytes);

	assert_non_null(region);
	return region;
}

/* What is in the table: hash_of(key, ref) under the key of now and the one before. */
struct model {
	struct tv_table t;
	uint8_t *region;
	uint64_t key, old_key;
	uint32_t refs, entries;    /* refs run from 1; at most entries of them are present */
	uint32_t used;
	uint8_t *present;
	uint32_t *name;            /* a replaced reference keeps the hash of its first name */
	unsigned clash_bits;       /* so many bits of a hash vary */
};

static uint64_t hash_of(const struct model *m, uint64_t key, uint32_t ref)
{
	struct tv_sipkey k = {.k0 = key, .k1 = 5};
	uint64_t hash = tv_siphash(&k, &m->name[ref], 4);

	return m->clash_bits == 64 ? hash : hash << (64 - m->clash_bits) >> m->clash_bits;
}

static uint64_t rehash(void *user, uint32_t ref)
{
	const struct model *m = user;

	return hash_of(m, m->key, ref);
}

static void model_start(struct model *m, uint32_t entries, unsigned clash_bits, uint64_t seed)
{
	uint64_t end = 8;

	rng_state = seed << 32;
	memset(m, 0, sizeof *m);
	m->entries = entries;
	m->refs = entries + entries / 2 + 2;
	m->clash_bits = clash_bits;
	m->key = rng64();
	tv_table_plan(&m->t, entries, &end);
	m->region = region_for(end);
	m->present = calloc(1, m->refs + 1);
	m->name = calloc(m->refs + 1, sizeof *m->name);
	for (uint32_t i = 1; i <= m->refs; i++)
		m->name[i] = i;
}

static void model_end(struct model *m)
{
	free(m->region);
	free(m->present);
	free(m->name);
}

/* How often a look-up finds ref: in both areas as the stack does it. */
static unsigned times_found(const struct model *m, uint32_t ref)
{
	unsigned found = 0;

	for (unsigned turn = 0; turn < 2; turn++) {
		unsigned area = turn == 0 ? m->t.live : !m->t.live;
		struct tv_probe probe;
		uint32_t got;

		if (m->t.slots[area] == 0)
			continue;
		tv_probe_start(&probe, &m->t, m->region, area,
		               hash_of(m, turn == 1 && m->t.rekeying ? m->old_key : m->key, ref));
		while ((got = tv_probe_next(&probe)) != 0)
			found += got == ref;
	}
	return found;
}

static void model_insert(struct model *m, uint32_t ref)
{
	if (m->present[ref] || m->used == m->entries)
		return;
	tv_table_insert(&m->t, m->region, hash_of(m, m->key, ref), ref);
	m->present[ref] = 1;
	m->used++;
}

static void model_remove(struct model *m, uint32_t ref)
{
	if (!m->present[ref])
		return;
	tv_table_remove(&m->t, m->region, hash_of(m, m->key, ref), hash_of(m, m->old_key, ref), ref);
	m->present[ref] = 0;
	m->used--;
}

/* The entry of `ref` goes on under another number. */
static void model_replace(struct model *m, uint32_t ref, uint32_t other)
{
	uint32_t name = m->name[ref];

	if (!m->present[ref] || m->present[other])
		return;
	tv_table_replace(&m->t, m->region, hash_of(m, m->key, ref), hash_of(m, m->old_key, ref),
	                 ref, other);
	m->present[ref] = 0;
	m->present[other] = 1;
	m->name[ref] = m->name[other];
	m->name[other] = name;
}

static void model_rekey(struct model *m)
{
	bool moving = tv_table_moving(&m->t);
	uint64_t key = m->key;

	assert_int_equal(tv_table_rekey(&m->t), !moving);
	if (moving)
		return;
	m->old_key = key;
	m->key = rng64();
}

static void model_check(const struct model *m)
{
	assert_int_equal(tv_table_check(&m->t, m->region), 0);
	assert_int_equal(m->t.count[0] + m->t.count[1], m->used);
	for (uint32_t ref = 1; ref <= m->refs; ref++)
		assert_int_equal(times_found(m, ref), m->present[ref]);
}

static void run_against_model(uint32_t entries, unsigned clash_bits, uint32_t ops, uint64_t seed)
{
	struct model m;
	bool filling = true;

	model_start(&m, entries, clash_bits, seed);
	for (uint32_t op = 0; op < ops; op++) {
		uint64_t moves = m.t.moves;
		uint32_t ref = 1 + rng(m.refs);

		if (rng(entries * 2 + 8) == 0)
			filling = !filling;
		if (rng(2000) == 0 || (m.t.rekey_wanted && !tv_table_moving(&m.t)))
			model_rekey(&m);
		if (rng(16) == 0)
			model_replace(&m, ref, 1 + rng(m.refs));
		else if (rng(3) != 0 ? filling : !filling)
			model_insert(&m, ref);
		else
			model_remove(&m, ref);
		assert_true(m.t.moves - moves <= TV_TABLE_MOVES);
		if (m.t.rekeying)
			tv_table_move(&m.t, m.region, TV_TABLE_MOVES, rehash, &m);
		ref = 1 + rng(m.refs);
		assert_int_equal(times_found(&m, ref), m.present[ref]);
		if (op % (entries / 4 + 50) == 0)
			model_check(&m);
	}
	model_check(&m);
	model_end(&m);
}

static void test_table_random_use_agrees_with_model(void **state)
{
	(void)state;
	run_against_model(1, 64, 2000, 1);
	run_against_model(12, 64, 50000, 2);
	run_against_model(13, 64, 20000, 3);
	run_against_model(768, 64, 60000, 4);
	run_against_model(5000, 64, 100000, 5);
	run_against_model(1100, 64, 60000, 11);
	run_against_model(4600, 64, 100000, 12);
}

/* Hashes that agree in most bits: clusters, equal tags, clusters around the end. */
static void test_table_clashing_hashes_agree_with_model(void **state)
{
	(void)state;
	run_against_model(12, 2, 20000, 6);
	run_against_model(200, 6, 50000, 7);
	run_against_model(600, 12, 50000, 8);
	run_against_model(1100, 12, 50000, 13);
}

/* Everything hashes to the last slots and the first: the cluster runs around the end. */
static void test_table_clusters_across_the_end_are_moved_whole(void **state)
{
	struct model m;

	(void)state;
	model_start(&m, 3000, 64, 9);
	for (uint32_t first = 0; first < 700; first += 37) {
		for (uint32_t i = 1; i <= 60; i++)
			tv_table_insert(&m.t, m.region, ((uint64_t)(i % 3) * 5 - 7) << 54, first + i);
		assert_int_equal(tv_table_check(&m.t, m.region), 0);
		tv_table_rekey(&m.t);
		m.key = rng64();
		while (tv_table_move(&m.t, m.region, 3, rehash, &m))
			assert_int_equal(tv_table_check(&m.t, m.region), 0);
		for (uint32_t i = 1; i <= 60; i++) {
			m.present[first + i] = 1;
			assert_int_equal(times_found(&m, first + i), 1);
			tv_table_remove(&m.t, m.region, hash_of(&m, m.key, first + i), 0, first + i);
		}
		assert_int_equal(tv_table_check(&m.t, m.region), 0);
	}
	model_end(&m);
}

static void test_table_plan_is_the_smallest_size_at_three_quarters(void **state)
{
	static const uint32_t cases[][2] = {
		{0, 16}, {1, 16}, {12, 16}, {13, 24}, {18, 24}, {19, 32}, {24, 32}, {25, 48}, {768, 1024},
		{769, 1536}, {1152, 1536}, {1153, 2048}, {1000000, 3 << 19}, {1179648, 3 << 19}, {1179649, 1 << 21},
		{1572864, 1 << 21},
	};

	(void)state;
	for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct tv_table t;
		uint64_t end = 100;

		tv_table_plan(&t, cases[i][0], &end);
		assert_int_equal(t.slots_max, cases[i][1]);
		assert_true(cases[i][0] < 8 || 8ull * t.slots_max <= 16ull * cases[i][0]);
		assert_int_equal(t.slots[0], tv_min32(1024, cases[i][1]));
		assert_int_equal(t.area[0], 128);
		assert_int_equal(t.area[1], 128 + 8ull * t.slots_max);
		assert_int_equal(end, 128 + 16ull * t.slots_max);
	}
}

static void test_table_small_start_doubles_to_the_maximum(void **state)
{
	const uint32_t entries = 100000;
	struct model m;
	uint64_t offset, bytes, calls = 0;

	(void)state;
	model_start(&m, entries, 64, 10);
	assert_int_equal(m.t.slots[0], 1024);
	assert_int_equal(m.t.slots_max, 3 << 16);
	assert_false(tv_table_free_run(&m.t, &offset, &bytes));
	for (uint32_t ref = 1; ref <= entries; ref++) {
		uint64_t moves = m.t.moves;

		model_insert(&m, ref);
		assert_true(m.t.moves - moves <= TV_TABLE_MOVES);
		assert_true(m.t.count[m.t.live] <= m.t.slots[m.t.live] / 4 * 3);
		calls += tv_table_moving(&m.t);
	}
	assert_true(calls > 0);
	assert_int_equal(m.t.slots[m.t.live], 3 << 16);
	while (tv_table_move(&m.t, m.region, 1000, NULL, NULL))
		continue;
	model_check(&m);
	assert_true(tv_table_free_run(&m.t, &offset, &bytes));
	assert_int_equal(offset, m.t.area[!m.t.live]);
	for (uint64_t i = 0; i < bytes; i++)
		assert_int_equal(m.region[offset + i], 0);
	model_end(&m);
}

/* A million and a half tuples chosen so that usual unkeyed hashes make one value of them. */
struct tuples {
	const char *name;
	void (*make)(uint32_t i, uint32_t *address, uint32_t *ports);
};

static uint32_t crc_of(uint32_t word, uint32_t crc)
{
	for (unsigned i = 0; i < 32; i++, word >>= 1)
		crc = crc >> 1 ^ (((crc ^ word) & 1) != 0 ? 0xedb88320u : 0);
	return crc;
}

/* The word after which a CRC of `crc` becomes `want`: the register run backwards. */
static uint32_t crc_undo(uint32_t crc, uint32_t want)
{
	for (unsigned i = 0; i < 32; i++)
		want = (want >> 31) != 0 ? (want ^ 0xedb88320u) << 1 | 1 : want << 1;
	return want ^ crc;
}

static void equal_xor(uint32_t i, uint32_t *address, uint32_t *ports)
{
	*address = i * 2654435761u;
	*ports = *address ^ 0x12345678;
}

static void equal_sum(uint32_t i, uint32_t *address, uint32_t *ports)
{
	*address = i;
	*ports = 0x50001000u - i;
}

static void equal_crc(uint32_t i, uint32_t *address, uint32_t *ports)
{
	*address = i * 40503u;
	*ports = crc_undo(crc_of(*address, 0xffffffff), 0xdeadbeef);
}

/* Modulo any power of two up to 2^12 and any mask of low bits, one address and port. */
static void equal_low_bits(uint32_t i, uint32_t *address, uint32_t *ports)
{
	*address = i << 12;
	*ports = (i >> 20) << 28;
}

static void counting_up(uint32_t i, uint32_t *address, uint32_t *ports)
{
	*address = i >> 16;
	*ports = i << 16 | 80;
}

/* FL-25: under the keyed hash such tuples probe no farther than 64 at a load of 0.75. */
static void test_table_tuples_of_one_unkeyed_hash_stay_short(void **state)
{
	static const struct tuples sets[] = {
		{"xor", equal_xor},   {"sum", equal_sum},         {"crc", equal_crc},
		{"low", equal_low_bits}, {"count", counting_up},
	};
	const uint32_t entries = 3u << 19;

	(void)state;
	for (unsigned s = 0; s < 5; s++) {
		struct tv_table t;
		struct tv_key_seed seed;
		uint64_t end = 0, *hashes = malloc(entries * sizeof *hashes);
		uint8_t *region;
		uint32_t longest = 0;

		rng_state = 1000 * s;
		for (unsigned i = 0; i < 10; i++)
			seed.w[i] = (uint32_t)rng64();
		seed.finish = rng64() | 1;
		tv_table_plan(&t, entries, &end);
		region = region_for(end);
		for (uint32_t i = 0; i < entries; i++) {
			struct tv_key k = {.v6 = false};
			uint32_t address, ports;

			sets[s].make(i, &address, &ports);
			if (s == 2)
				assert_int_equal(crc_of(ports, crc_of(address, 0xffffffff)),
				                 0xdeadbeef);
			memcpy(k.b + 4, &address, 4);
			memcpy(k.b + 8, &ports, 4);
			hashes[i] = tv_key_hash(&k, &seed);
			tv_table_insert(&t, region, hashes[i], i + 1);
		}
		assert_int_equal(t.slots[t.live], 1 << 21);
		assert_false(tv_table_moving(&t));
		for (uint32_t i = 0; i < entries; i++) {
			struct tv_probe probe;
			uint32_t ref;

			tv_probe_start(&probe, &t, region, t.live, hashes[i]);
			while ((ref = tv_probe_next(&probe)) != i + 1)
				assert_int_not_equal(ref, 0);
			longest = tv_max32(longest, probe.steps);
		}
		assert_true(longest <= TV_TABLE_PROBE_MAX);
		assert_false(t.rekey_wanted);
		free(region);
		free(hashes);
	}
}

/* A probe may see 64 slots; the 65th entry of one home asks for another key. */
static void test_table_probe_longer_than_the_limit_wants_another_key(void **state)
{
	struct model m;

	(void)state;
	model_start(&m, 700, 64, 12);
	for (uint32_t ref = 1; ref <= TV_TABLE_PROBE_MAX; ref++)
		tv_table_insert(&m.t, m.region, 0x8000000000000000u, ref);
	assert_int_equal(m.t.rekey_wanted, 0);
	tv_table_insert(&m.t, m.region, 0x8000000000000000u, TV_TABLE_PROBE_MAX + 1);
	assert_int_equal(m.t.rekey_wanted, 1);
	model_end(&m);
}

/* The same when an entry is pushed that far by one that is farther from home than it. */
static void test_table_entry_pushed_past_the_limit_wants_another_key(void **state)
{
	struct model m;

	(void)state;
	model_start(&m, 700, 64, 13);
	/* A run of 64, and two whose home is just before it: the second moves the run on. */
	for (uint32_t ref = 1; ref <= 64; ref++)
		tv_table_insert(&m.t, m.region, (uint64_t)2 << 54, ref);
	for (uint32_t ref = 65; ref <= 66; ref++) {
		assert_int_equal(m.t.rekey_wanted, 0);
		tv_table_insert(&m.t, m.region, (uint64_t)1 << 54, ref);
	}
	assert_int_equal(m.t.rekey_wanted, 1);
	assert_int_equal(tv_table_check(&m.t, m.region), 0);
	model_end(&m);
}

/* FL-25: who knows the key makes all collide; the table asks for another key and recovers with it. */
static void test_table_known_key_is_noticed_and_replaced(void **state)
{
	struct model m;
	uint32_t before = 0;

	(void)state;
	model_start(&m, 20000, 64, 11);
	for (uint32_t ref = 1; ref <= 10000; ref++)
		model_insert(&m, ref);
	while (tv_table_move(&m.t, m.region, 100, NULL, NULL))
		continue;
	assert_false(m.t.rekey_wanted);
	/* Chosen under the key: one home for all. */
	for (uint32_t ref = 10001; !m.t.rekey_wanted; ref++) {
		tv_table_insert(&m.t, m.region, 0x123456789abcdef0u, ref);
		m.present[ref] = 2;
		m.used++;
		before++;
	}
	assert_true(before > TV_TABLE_PROBE_MAX - 40);
	assert_true(before <= TV_TABLE_PROBE_MAX + 1);
	model_rekey(&m);
	assert_false(m.t.rekey_wanted);
	for (uint64_t calls = 0, moves; tv_table_moving(&m.t); calls++) {
		bool more;

		moves = m.t.moves;
		more = tv_table_move(&m.t, m.region, TV_TABLE_MOVES, rehash, &m);
		assert_int_equal(more, tv_table_moving(&m.t));
		assert_true(m.t.moves - moves <= TV_TABLE_MOVES);
		assert_true(calls <= (1u << 15) / TV_TABLE_MOVES);
	}
	for (uint32_t ref = 1; ref <= m.refs; ref++)
		m.present[ref] = m.present[ref] != 0;
	model_check(&m);
	assert_false(m.t.rekey_wanted);
	model_end(&m);
}

/* While an area is emptied nothing can be given back; removals alone empty it in the end. */
static void test_table_removals_end_the_move(void **state)
{
	struct model m;
	uint64_t offset, bytes;
	uint32_t ref = 1;

	(void)state;
	model_start(&m, 2000, 64, 14);
	while (!tv_table_moving(&m.t))
		model_insert(&m, ref++);
	assert_int_equal(m.used, 769);
	for (ref = 1; ref <= 1024 / TV_TABLE_MOVES; ref++) {
		assert_true(tv_table_moving(&m.t));
		assert_false(tv_table_free_run(&m.t, &offset, &bytes));
		model_remove(&m, ref);
	}
	assert_false(tv_table_moving(&m.t));
	assert_true(tv_table_free_run(&m.t, &offset, &bytes));
	assert_true(bytes >= 8 << 10);
	assert_int_equal(m.t.rekeys, 0);
	model_rekey(&m);
	assert_int_equal(m.t.rekeys, 1);
	assert_int_equal(m.t.slots[m.t.live], 2048);
	model_end(&m);
}

/* Re-keying while entries come as fast as slots are moved: no area overfills. */
static void test_table_insertions_during_rekeying_find_room(void **state)
{
	(void)state;
	for (uint32_t fill = 1; fill < 3000; fill += 61) {
		struct model m;
		uint32_t ref = 1;

		model_start(&m, 6000, 64, fill);
		while (ref <= fill)
			model_insert(&m, ref++);
		while (tv_table_move(&m.t, m.region, 100, NULL, NULL))
			continue;
		model_rekey(&m);
		while (tv_table_moving(&m.t)) {
			model_insert(&m, ref++);
			tv_table_move(&m.t, m.region, TV_TABLE_MOVES, rehash, &m);
			assert_true(m.t.count[m.t.live] <= m.t.slots[m.t.live] / 4 * 3);
		}
		model_check(&m);
		model_end(&m);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table_random_use_agrees_with_model),
		cmocka_unit_test(test_table_clashing_hashes_agree_with_model),
		cmocka_unit_test(test_table_clusters_across_the_end_are_moved_whole),
		cmocka_unit_test(test_table_plan_is_the_smallest_size_at_three_quarters),
		cmocka_unit_test(test_table_small_start_doubles_to_the_maximum),
		cmocka_unit_test(test_table_tuples_of_one_unkeyed_hash_stay_short),
		cmocka_unit_test(test_table_probe_longer_than_the_limit_wants_another_key),
		cmocka_unit_test(test_table_entry_pushed_past_the_limit_wants_another_key),
		cmocka_unit_test(test_table_known_key_is_noticed_and_replaced),
		cmocka_unit_test(test_table_removals_end_the_move),
		cmocka_unit_test(test_table_insertions_during_rekeying_find_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
