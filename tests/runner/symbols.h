/*
 * The constants that scripts call by name (SOL_SOCKET, O_NONBLOCK, EAGAIN, ...), with the values of
 * the system that the runner was built on.
 */
#ifndef RUNNER_SYMBOLS_H
#define RUNNER_SYMBOLS_H

#include <stdbool.h>
#include <stdint.h>

/* True and *value if the name is known. */
bool symbol_value(const char *name, int64_t *value);

/* "EAGAIN" for 11; NULL for a number without a name. */
const char *symbol_errno(int number);

/* The names of TCP_INFO: states, congestion states, option bits. */
bool symbol_tcp_info(const char *name, int64_t *value);

#endif
