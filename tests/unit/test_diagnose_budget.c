/*
 * test_diagnose_budget.c - the round trips that the protocols need, counted by hand.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "diagnose/budget.h"

/* Drawn as arrows on paper: one round trip is a message there and one back. */
static void test_diagnose_budget_counts_round_trips_to_the_first_byte(void **state)
{
	static const struct {
		enum budget_way way;
		unsigned first;
	} rows[] = {
		{BUDGET_TCP, 2},                 /* SYN / SYN,ACK; request / answer */
		{BUDGET_TCP_FASTOPEN, 1},        /* SYN with request / answer behind SYN,ACK */
		{BUDGET_TLS12, 4},               /* + ClientHello / ServerHello; Finished / Finished */
		{BUDGET_TLS13, 3},               /* + ClientHello / ServerHello, Finished */
		{BUDGET_TLS13_0RTT, 2},          /* early data with ClientHello */
		{BUDGET_TLS13_FASTOPEN, 2},
		{BUDGET_TLS13_0RTT_FASTOPEN, 1},
		{BUDGET_QUIC, 2},                /* Initial / Initial, Handshake; request / answer */
		{BUDGET_QUIC_0RTT, 1},
	};

	(void)state;
	assert_int_equal(sizeof rows / sizeof *rows, BUDGET_WAYS);
	for (unsigned i = 0; i < BUDGET_WAYS; i++) {
		const struct budget_row *r = budget_row(rows[i].way);

		assert_int_equal(budget_first(rows[i].way), rows[i].first);
		assert_int_equal(r->again, r->handshake + r->tls == 0 || rows[i].way == BUDGET_TLS13_0RTT ||
			rows[i].way == BUDGET_TLS13_FASTOPEN);
		assert_true(r->name[0] && r->basis[0]);
	}
}

/* RFC 6928: 10 segments; RFC 5681: doubled in each round: 10, 30, 70, 150 segments have come. */
static void test_diagnose_budget_counts_rounds_of_slow_start(void **state)
{
	(void)state;
	assert_int_equal(budget_further(0, 0, 0), 0);
	assert_int_equal(budget_further(14600, 0, 0), 0);
	assert_int_equal(budget_further(14601, 0, 0), 1);
	assert_int_equal(budget_further(30 * 1460, 1460, 10), 1);
	assert_int_equal(budget_further(30 * 1460 + 1, 1460, 10), 2);
	assert_int_equal(budget_further(70 * 1000 + 1, 1000, 10), 3);
	assert_int_equal(budget_further(3000, 1000, 1), 1);
	assert_int_equal(budget_further(UINT64_MAX / 4, 1, 1), 61);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_diagnose_budget_counts_round_trips_to_the_first_byte),
		cmocka_unit_test(test_diagnose_budget_counts_rounds_of_slow_start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
