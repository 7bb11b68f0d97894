/*
 * TCP_INFO of the socket that a script is about, for assertions.
 */
#ifndef RUNNER_CALL_INFO_H
#define RUNNER_CALL_INFO_H

struct runner;

/* The descriptor of the sockets whose TCP_INFO assertions look at; -1: none. */
int call_info_fd(const struct runner *r);

/* The value of a name for an assertion: see assertion.h.  `user` is the runner. */
int call_info_lookup(void *user, const char *name, double *value);

#endif
