/*
 * main.c - build/test_grid: every state against every event of RFC 9293 3.10.7. Run it from the
 * project's directory. --table prints the grid instead (tests/grid/GRID.txt).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "grid.h"

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "--table") == 0) {
		char *table = grid_table();

		fputs(table, stdout);
		free(table);
		return 0;
	}
	return grid_test_model() + grid_test_table() + grid_test_library() != 0;
}
