/*
 * What the expressions in a system call mean.
 */
#ifndef RUNNER_VALUE_H
#define RUNNER_VALUE_H

#include "fail.h"
#include "script.h"

#include <sys/socket.h>

bool value_is_ellipsis(const struct expr *e);

/* A number, a constant by name, a union of such, htons(n), inet_addr("a.b.c.d"). */
bool value_integer(const struct expr *e, int64_t *out, struct fail *f);
bool value_int(const struct expr *e, int *out, struct fail *f);

/* The n-th expression of a list (0 is the first); NULL if there are fewer. */
const struct expr *value_item(const struct expr *items, int n);

/* The value of `name = value` in a record; NULL if the record has none. */
const struct expr *value_field(const struct expr *record, const char *name);

/* A list of at most `max` numbers, or one number without brackets.  *count gets how many. */
bool value_numbers(const struct expr *e, int *out, int max, int *count, struct fail *f);

/* {sa_family = AF_INET, sin_port = htons(80), sin_addr = inet_addr("10.0.0.1")}, or with
 * inet6_addr; its length goes to *size. */
bool value_address(const struct expr *e, struct sockaddr_storage *out, socklen_t *size,
                   struct fail *f);

#endif
