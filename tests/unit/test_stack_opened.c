/*
 * test_stack_opened.c - when a connection was opened: told exactly, for every way to open one, however long
 * ago, wherever the clock stood, and not at all where it cannot be known.
 */
#include "lab.h"

/* The ISN clock ticks every 4 us and comes round after 2^32 ticks (RFC 9293 3.4.1, MUST-8). */
#define ROUND ((tv_time)4000 << 32)
#define EXACT (4 * TV_US)

/* Some segment, so that the stack knows what time it is. */
static void lives(struct lab *l)
{
	SAY(l, .flags = TV_ACK);
}

static void must_be(struct lab *l, tv_time opened)
{
	tv_time told = lab_info(l).opened;

	if (told > opened || opened - told >= EXACT)
		fail_msg("opened at %llu ns, told %llu", (unsigned long long)opened, (unsigned long long)told);
}

/* Sleeps that add up to 24 days; the third round of the clock begins within the first. */
static const tv_time sleeps[] = {TV_US, TV_MS, 10 * TV_S, 3600 * TV_S, ROUND / 2, ROUND / 2, ROUND - TV_S, 7 * ROUND,
	86400 * TV_S, 20 * 86400 * TV_S};

static void opened_is_exact(bool v6, bool active)
{
	static const tv_time clocks[] = {0, TV_S, ROUND / 2 - 2 * TV_S, ROUND / 2 - 1, ROUND - 10 * TV_MS, ROUND - 1,
		ROUND, 40 * ROUND + ROUND / 3, 127 * ROUND + ROUND / 2, 128 * ROUND, 1000 * 86400 * TV_S};

	for (size_t i = 0; i < COUNT(clocks); i++) {
		struct lab *l = lab_new(NULL, v6);
		tv_time opened;

		lab_wait(l, clocks[i]);
		opened = l->now;
		if (active)
			lab_active(l);
		else
			lab_passive(l);
		must_be(l, opened);
		for (size_t k = 0; k < COUNT(sleeps); k++) {
			lab_wait(l, sleeps[k]);
			lives(l);
			must_be(l, opened);
		}
		lab_free(l);
	}
}

static void test_opened_of_a_passive_open_is_exact(void **state)
{
	(void)state;
	opened_is_exact(false, false);
	opened_is_exact(true, false);
}

static void test_opened_of_an_active_open_is_exact(void **state)
{
	(void)state;
	opened_is_exact(false, true);
	opened_is_exact(true, true);
}

/* The SYN counts, not the moment at which the handshake was complete, in whichever era that falls. */
static void test_opened_is_when_the_syn_came(void **state)
{
	struct lab *l = lab_new(NULL, false);
	tv_time opened;

	(void)state;
	lab_listen(l);
	lab_wait(l, ROUND / 2 - l->now % (ROUND / 2) - 500 * TV_MS);
	opened = l->now;
	SAY(l, .flags = TV_SYN);
	l->ack = lab_last(l)->seq + 1;
	lab_wait(l, 20 * TV_S);
	SAY(l, .flags = TV_ACK);
	assert_int_equal(tv_accept(l->s, l->now, l->listener, &l->conn), TV_OK);
	must_be(l, opened);
	lab_free(l);
}

/* A cookie is no ISN of the clock. */
static void test_opened_is_not_known_where_no_clock_was(void **state)
{
	struct tv_config g;
	struct lab *l;

	(void)state;
	lab_config(&g);
	g.syn_cookies = TV_COOKIES_ALWAYS;
	for (tv_time at = 0; at <= 2 * ROUND; at += ROUND) {
		l = lab_new(&g, false);
		lab_wait(l, at);
		lab_passive(l);
		assert_true(lab_info(l).from_cookie);
		assert_int_equal(lab_info(l).opened, 0);
		lab_free(l);
	}
}

/* With a new secret an old ISN cannot be read any more: rather nothing than something wrong. */
static void test_opened_is_forgotten_with_the_secret(void **state)
{
	struct lab *l = lab_new(NULL, false);
	uint8_t secret[32] = {7};
	tv_time opened;

	(void)state;
	lab_passive(l);
	assert_int_equal(tv_reseed(l->s, l->now, secret), TV_OK);
	assert_int_equal(lab_info(l).opened, 0);
	lab_wait(l, 2 * ROUND);
	lives(l);
	assert_int_equal(lab_info(l).opened, 0);
	tv_abort(l->s, l->now, l->conn);
	tv_release(l->s, l->now, l->conn);
	lab_hear(l);
	opened = l->now;
	l->peer_port++;
	lab_passive(l);
	must_be(l, opened);
	lab_free(l);
}

/* RFC 6528 3: F is SipHash of the whole tuple, whoever was asked for before; so is the offset of the addresses
 * (RFC 7323 5.4), and the hash that a port comes from leaves out the local port (RFC 6056 3.3.4). */
static void test_opened_isn_is_the_hash_of_the_tuple(void **state)
{
	struct lab *l = lab_new(NULL, false);
	struct tv_core *c = &l->s->core;
	uint64_t seed = 4;

	(void)state;
	for (unsigned i = 0; i < 4000; i++) {
		struct tv_key k = {.v6 = lab_random(&seed) % 3 != 0};
		size_t n = k.v6 ? 36 : 12;
		uint8_t b[36];

		if (lab_random(&seed) % 4 != 0) /* few pairs, some that differ in one word alone */
			k.b[8 * (lab_random(&seed) % 4)] = (uint8_t)(lab_random(&seed) % 2);
		for (size_t at = n - 4; at < n; at++)
			k.b[at] = (uint8_t)lab_random(&seed);
		if (lab_random(&seed) % 3 != 0) {
			memcpy(b, k.b, n);
			b[n - 4] = b[n - 3] = 0;
			assert_int_equal(tv_isn_port(c, &k), tv_siphash(&c->key_port, b, n));
		}
		if (lab_random(&seed) % 3 != 0)
			assert_int_equal(tv_isn(c, &k), (uint32_t)(c->now / 4000 + tv_siphash(&c->key_isn, k.b, n)));
		if (lab_random(&seed) % 3 != 0)
			assert_int_equal(tv_ts_offset(c, &k), (uint32_t)tv_siphash(&c->key_stamp, k.b, n - 4));
		if (lab_random(&seed) % 100 == 0) {
			uint8_t secret[32] = {(uint8_t)(i + 1), (uint8_t)(i >> 8), 1};

			assert_int_equal(tv_reseed(l->s, l->now, secret), TV_OK);
		}
	}
	lab_free(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_opened_isn_is_the_hash_of_the_tuple),
		cmocka_unit_test(test_opened_of_a_passive_open_is_exact),
		cmocka_unit_test(test_opened_of_an_active_open_is_exact),
		cmocka_unit_test(test_opened_is_when_the_syn_came),
		cmocka_unit_test(test_opened_is_not_known_where_no_clock_was),
		cmocka_unit_test(test_opened_is_forgotten_with_the_secret),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
