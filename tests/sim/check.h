/*
 * check.h - what must hold at every moment of a simulation, seen from outside the stacks.
 */
#ifndef TRIVET_TESTS_SIM_CHECK_H
#define TRIVET_TESTS_SIM_CHECK_H

#include "sim/network.h"

enum { CHECK_ERROR = 256 };

struct check;

/* A fresh one; there is only one at a time. */
struct check *check_new(void);
/* The first thing that was wrong, or "". */
const char *check_error(const struct check *c);
void check_fail(struct check *c, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* For tv_config.trace, with check_of_host() as user: transitions follow RFC 9293 figure 5. */
void *check_of_host(struct check *c, unsigned host);
void check_trace(void *user, const struct tv_trace *trace);
/* Each packet that a stack sends is well-formed, and takes back no window that it gave. */
void check_sight(struct check *c, const struct network_sight *sight);
/* tv_stack_check(), and no pool beyond its limit. */
void check_stack(struct check *c, const struct tv_stack *stack, const struct tv_config *config);
/* Nothing is left of any connection: no record, no page, no range. */
bool check_is_empty(const struct tv_stack *stack);

#endif
