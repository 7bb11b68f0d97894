/*
 * Assertions of scripts: the part of Python that is evaluated, against what Python says.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "tests/runner/assertion.h"

/* x is 5, y is 12, hidden cannot be told, everything else is unknown. */
static int lookup(void *user, const char *name, double *value)
{
	(void)user;
	*value = strcmp(name, "x") == 0 ? 5 : 12;
	if (strcmp(name, "hidden") == 0) return -1;
	return strcmp(name, "x") == 0 || strcmp(name, "y") == 0;
}

static struct assertion_memory memory;
static struct fail reason;

static bool run(const char *text)
{
	memset(&memory, 0, sizeof memory);
	memset(&reason, 0, sizeof reason);
	bool passed = assertion_run(text, &memory, lookup, NULL, &reason);
	assert_int_equal(passed, !reason.failed);
	return passed;
}

static void test_assertion_true_passes(void **state)
{
	static const char *const texts[] = {
		"assert x == 5", "assert x == 5, x", " assert 5 == x ", "assert x != y", "assert x < y",
		"assert x <= 5 and y >= 12", "assert 4 <= x <= 6", "assert 4 < x < 6 < y",
		"assert not x == 6", "assert x == 6 or y == 12", "assert not (x == 6 or y == 11)",
		"assert x + y == 17", "assert x - y == -7", "assert x * y == 60", "assert y / x == 2.4",
		"assert y // x == 2", "assert y % x == 2", "assert -7 // 2 == -4", "assert -7 % 3 == 2",
		"assert 2 + 3 * 4 == 14", "assert (2 + 3) * 4 == 20", "assert x & 4 == 4", "assert x | 2 == 7",
		"assert 1 << 4 == 16", "assert 17 >> 2 == 4", "assert 0x10 == 16", "assert 1.5 * 2 == 3",
		"assert abs(x - y) == 7", "assert min(x, y) == 5", "assert max(x, y) == 12",
		"assert int(7.9) == 7", "assert True", "assert not False", "assert x", "pass", "",
		"assert x == 5, 'x is %d' % x", "assert x == 5, \"a, (b; c\"; assert y == 12",
		"\nassert x == 5, x\nassert y == 12, y\n", "assert x == 5;\\\n  assert y == 12; \\\n",
		"assert x == \\\n 5", "assert (x ==\n 5)", "assert x == 5 # and so on", "a = x + 1\nassert a == 6",
		"a = 1; a = a + 1; assert a == 2", "print(x)\nassert True", "assert x == 5, (x, y)",
	};

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		if (!run(texts[i])) print_error("%s: %s\n", texts[i], reason.text);
		assert_false(reason.failed);
	}
}

static void test_assertion_false_fails_and_shows_values(void **state)
{
	static const char *const texts[] = {
		"assert x == 6", "assert x == 5; assert y == 5", "assert 6 <= x <= 7", "assert not x",
		"assert x > y or x == y", "assert False, 'why'", "assert 4 < x < 5 < y", "a = x\nassert a == 4",
		"assert x == 6, x == 5", /* the message is no part of the test */
	};

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		assert_false(run(texts[i]));
		assert_false(reason.unsupported);
	}
	run("assert x + 1 == y, x");
	assert_string_equal(reason.text, "assertion failed: x + 1 == y\n    x = 5, y = 12");
}

/* Nothing is true because it was not understood. */
static void test_assertion_foreign_python_is_named(void **state)
{
	static const char *const texts[] = {
		"import os", "assert unknown == 1", "assert hidden == 0", "assert x in (5, 6)", "assert x is 5",
		"assert x == 5 if y else 0", "assert 'a' == 'a'", "assert x ** 2 == 25", "for i in x: pass",
		"assert", "assert x ==", "assert (x == 5", "assert x == 5)", "assert f(x)", "assert x == 5 y",
		"x[0] = 1", "assert x == 5 == ", "def f(): pass", "assert max(x, y, 3)",
		"very_long_name_that_does_not_fit_into_its_place = 1",
	};

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		if (run(texts[i]) || !reason.unsupported) print_error("%s\n", texts[i]);
		assert_true(reason.failed);
		assert_true(reason.unsupported);
	}
}

static void test_assertion_nesting_has_a_limit(void **state)
{
	char text[300] = "assert ";

	(void)state;
	memset(text + 7, '(', 100);
	text[107] = '1';
	memset(text + 108, ')', 100);
	assert_false(run(text));
	assert_true(reason.unsupported);
	memset(text + 7, ' ', 60);
	memset(text + 148, ' ', 60);
	assert_true(run(text));
}

static void test_assertion_division_by_zero_fails(void **state)
{
	(void)state;
	assert_false(run("assert x / 0 == 1"));
	assert_false(run("assert x % 0 == 1"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_assertion_true_passes),
		cmocka_unit_test(test_assertion_false_fails_and_shows_values),
		cmocka_unit_test(test_assertion_foreign_python_is_named),
		cmocka_unit_test(test_assertion_nesting_has_a_limit),
		cmocka_unit_test(test_assertion_division_by_zero_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
