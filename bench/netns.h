/*
 * netns.h - benchmarks over a TUN device in a network namespace of their own.
 */
#ifndef TV_BENCH_NETNS_H
#define TV_BENCH_NETNS_H

#include "bench.h"

#include "links/links.h"
#include "posix/run.h"

/* Runs play() in a child process in new namespaces. It fills *r, and returns NULL, or why it cannot run. Without
 * the right to make namespaces not_run says what is missing. */
struct result netns_run(const char *(*play)(void *user, struct result *r), void *user);

/* The device bench0 with the kernel at 10.0.0.1 on one side, and a stack at 10.0.0.2 on the other. */
struct netns {
	struct link *link;
	struct run *run;
	struct tv_stack *stack;
};
/* bits: prefix length of the network between them. NULL, or why not. */
const char *netns_stack(struct netns *n, const struct tv_config *config, unsigned bits);

#endif
