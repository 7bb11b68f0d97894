/*
 * Assertions between %{ and }%: the part of Python that scripts use, evaluated here.
 *
 * A block is a list of statements, one a line or separated by semicolons: `assert TEST`,
 * `assert TEST, MESSAGE`, `name = VALUE`, `print(...)` and `pass`.  An expression has numbers,
 * names, comparisons (also chained, `990 <= x <= 1010`), and, or, not, + - * / // % & | << >>,
 * parentheses, and the functions abs, min, max and int.  A message is not evaluated: a failed
 * assertion shows the values of the names that it mentions instead.  Everything else is refused by
 * name; nothing is ever taken for true because it was not understood.
 */
#ifndef RUNNER_ASSERTION_H
#define RUNNER_ASSERTION_H

#include "fail.h"

#include <stddef.h>
#include <stdint.h>

#define ASSERTION_NAMES_MAX 32

/* Values that a script's statements gave to names; they live as long as the script runs. */
struct assertion_memory {
	struct {
		char name[32];
		double value;
	} names[ASSERTION_NAMES_MAX];
	unsigned count;
};

/* Looks a name up: 1 and *value if it has one, 0 if it is unknown, -1 if it cannot be told. */
typedef int (*assertion_lookup)(void *user, const char *name, double *value);

/* Runs a block.  False with the reason when an assertion fails or a statement is not supported. */
bool assertion_run(const char *text, struct assertion_memory *memory, assertion_lookup lookup,
                   void *user, struct fail *f);

#endif
