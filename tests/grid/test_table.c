/*
 * test_table.c - the reviewed file GRID.txt is what the model says, and the model does not care
 * where in the sequence space a connection lies.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "grid.h"

static void test_grid_table_is_the_reviewed_file(void **state)
{
	FILE *file = fopen("tests/grid/GRID.txt", "r");
	char *table = grid_table(), *at = table, line[512];
	unsigned n = 1;

	(void)state;
	if (!file) {
		free(table);
		fail_msg("tests/grid/GRID.txt: not there (run this from the project's directory)");
	}
	for (; fgets(line, sizeof line, file); n++) {
		if (strncmp(at, line, strlen(line)) != 0)
			break;
		at += strlen(line);
	}
	if (!feof(file) || *at)
		print_error("GRID.txt line %u; the model says: %.*s\n", n, (int)strcspn(at, "\n"), at);
	assert_true(feof(file) && !*at);
	fclose(file);
	free(table);
}

static void test_grid_model_is_the_same_at_every_wrap(void **state)
{
	static const uint32_t isns[] = {0, 1, 0x7fffffff, 0x80000000u, -1u, -2u, -5u, -50u, -101u, -102u,
		-3000u};
	const unsigned last = sizeof isns / sizeof isns[0] - 1;

	(void)state;
	for (unsigned i = 0; i <= last; i++) {
		assert_int_equal(grid_wrap_differences(isns[i], isns[last - i]), 0);
		assert_int_equal(grid_wrap_differences(isns[i], isns[i]), 0);
	}
}

int grid_test_table(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_grid_table_is_the_reviewed_file),
		cmocka_unit_test(test_grid_model_is_the_same_at_every_wrap),
	};

	return cmocka_run_group_tests_name("grid: the table", tests, NULL, NULL);
}
