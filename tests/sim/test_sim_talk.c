/*
 * test_sim_talk.c - conversations on bad networks: the streams arrive whole, everything ends, every
 * transition is legal, no window is taken back, no pool overflows, and nothing is left.
 *
 *   TRIVET_SIM_SEEDS=1000   how many seeds of each profile (default: SEEDS)
 *   TRIVET_SIM_SEED=17      only this one, and its packets are printed
 *   TRIVET_SIM_PROFILE=all  only this profile
 */
#include <errno.h>
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "talk.h"

enum { SEEDS = 40 };

static const struct talk_profile profiles[] = {
	{.name = "clean", .delay = 20 * TV_MS, .bytes = 200000},
	{.name = "loss", .loss = 150000, .delay = 20 * TV_MS, .bytes = 100000},
	{.name = "reorder", .reorder = 300000, .delay = 20 * TV_MS, .jitter = 5 * TV_MS, .bytes = 100000},
	{.name = "duplicate", .duplicate = 300000, .delay = 20 * TV_MS, .bytes = 100000},
	{.name = "corrupt", .corrupt = 100000, .delay = 20 * TV_MS, .bytes = 100000},
	{.name = "all", .loss = 80000, .reorder = 100000, .duplicate = 100000, .corrupt = 50000,
		.delay = 40 * TV_MS, .jitter = 10 * TV_MS, .bytes = 60000},
	{.name = "rate", .rate = 1000000, .delay = 30 * TV_MS, .bytes = 200000},
	{.name = "slow", .loss = 50000, .delay = 20 * TV_MS, .bytes = 60000, .slow_readers = true},
	{.name = "together", .loss = 100000, .delay = 20 * TV_MS, .bytes = 20000, .closes_together = true},
	{.name = "simultaneous", .loss = 50000, .duplicate = 50000, .reorder = 50000, .delay = 100 * TV_MS,
		.bytes = 20000, .opening = TALK_SIMULTANEOUS},
	{.name = "abort", .loss = 100000, .duplicate = 50000, .reorder = 50000, .delay = 20 * TV_MS,
		.bytes = 50000, .aborts = true},
	{.name = "many", .loss = 30000, .reorder = 50000, .delay = 20 * TV_MS, .bytes = 20000,
		.conversations = 24},
	{.name = "memory", .loss = 30000, .reorder = 100000, .delay = 20 * TV_MS, .bytes = 30000,
		.conversations = 16, .pages = 64, .slow_readers = true},
	{.name = "ethernet", .loss = 50000, .duplicate = 50000, .delay = 20 * TV_MS, .bytes = 50000,
		.ethernet = true},
	{.name = "super", .loss = 50000, .reorder = 50000, .duplicate = 20000, .delay = 20 * TV_MS,
		.bytes = 400000, .super_segments = true},
	{.name = "fastopen", .loss = 80000, .duplicate = 50000, .reorder = 50000, .corrupt = 20000,
		.delay = 40 * TV_MS, .bytes = 20000, .conversations = 24, .fastopen = true},
	{.name = "narrow", .loss = 20000, .delay = 20 * TV_MS, .bytes = 100000, .narrow = true},
};

static uint64_t from_environment(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);

	return text ? strtoull(text, NULL, 0) : otherwise;
}

static void run(const struct talk_profile *p, uint64_t seed, unsigned flags)
{
	struct talk_result r;

	talk_run(p, seed, flags, &r);
	if (flags & TALK_SHOW)
		printf("%s, seed %llu: %llu packets, %llu bytes, %.3f s\n", p->name, (unsigned long long)seed,
			(unsigned long long)r.packets, (unsigned long long)r.bytes, (double)r.took / 1e9);
	if (r.error[0])
		fail_msg("%s, seed %llu, after %.6f s: %s\n"
			 "again: TRIVET_SIM_PROFILE=%s TRIVET_SIM_SEED=%llu %s",
			p->name, (unsigned long long)seed, (double)r.took / 1e9, r.error, p->name,
			(unsigned long long)seed, program_invocation_name);
}

/* Off by default; where they are on, they are used: else the profile would test nothing. */
static void test_talk_extras_only_where_asked(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof profiles / sizeof *profiles; i++) {
		uint64_t supers = 0, early = 0;
		struct talk_result r;

		for (uint64_t seed = 1; seed <= 5; seed++) {
			talk_run(&profiles[i], seed, 0, &r);
			supers += r.supers;
			early += r.early;
		}
		assert_int_equal(supers > 0, profiles[i].super_segments);
		assert_int_equal(early > 0, profiles[i].fastopen);
	}
}

static void talk_arrives_whole(void **state)
{
	const struct talk_profile *p = *state;
	const char *only = getenv("TRIVET_SIM_PROFILE");
	uint64_t seeds = from_environment("TRIVET_SIM_SEEDS", SEEDS);

	if (only && strcmp(only, p->name) != 0)
		skip();
	if (getenv("TRIVET_SIM_SEED")) {
		run(p, from_environment("TRIVET_SIM_SEED", 0), TALK_SHOW);
		return;
	}
	for (uint64_t seed = 1; seed <= seeds; seed++)
		run(p, seed, 0);
}

/* The same inputs give the same outputs, bit for bit and nanosecond for nanosecond, and leave the same
 * memory behind. */
static void test_talk_same_seed_same_packets_and_memory(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof profiles / sizeof *profiles; i++) {
		struct talk_result a, b, c;

		talk_run(&profiles[i], 99, TALK_REGIONS, &a);
		talk_run(&profiles[i], 99, TALK_REGIONS, &b);
		talk_run(&profiles[i], 98, TALK_REGIONS, &c);
		assert_string_equal(a.error, "");
		assert_true(a.hash == b.hash);
		assert_int_equal(a.packets, b.packets);
		assert_int_equal(a.took, b.took);
		assert_true(a.hash != c.hash);
	}
}

int main(void)
{
	enum { PROFILES = sizeof profiles / sizeof *profiles };
	struct CMUnitTest tests[PROFILES + 2];
	char names[PROFILES][64];

	/* Fixed: a stack's memory comes fresh from the kernel each time, and what is not used of it costs nothing. */
	mallopt(M_MMAP_THRESHOLD, 1 << 17);
	for (size_t i = 0; i < PROFILES; i++) {
		snprintf(names[i], sizeof names[i], "test_talk_%s_arrives_whole", profiles[i].name);
		tests[i] = (struct CMUnitTest){names[i], talk_arrives_whole, NULL, NULL,
			(void *)(uintptr_t)&profiles[i]};
	}
	tests[PROFILES] = (struct CMUnitTest)cmocka_unit_test(test_talk_same_seed_same_packets_and_memory);
	tests[PROFILES + 1] = (struct CMUnitTest)cmocka_unit_test(test_talk_extras_only_where_asked);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
