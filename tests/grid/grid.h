/*
 * grid.h - the parts of build/test_grid: each runs one group of tests and returns how many failed.
 */
#ifndef GRID_GRID_H
#define GRID_GRID_H

#include <stddef.h>
#include <stdint.h>

#include "model.h"

int grid_test_model(void);
int grid_test_table(void);
int grid_test_library(void);

/* table.c: the text of GRID.txt; the caller frees it. */
char *grid_table(void);
/* One outcome in the words of that table, or the part of it that one chapter of the table is about. */
enum grid_part { PART_ANSWER, PART_TEXT, PART_URGENT, PART_SEND, PART_ALL };
void grid_outcome(const struct model *before, const struct model *after, const struct model_result *r,
	enum grid_part part, char *text, size_t size);
/* How many cells of the grid end otherwise when the initial numbers are these. */
unsigned grid_wrap_differences(uint32_t iss, uint32_t irs);

#endif
