/*
 * netns.c - benchmarks that need a network: each runs in a child process, in namespaces of its own, with one TUN
 * device, and says through memory that both share what it measured or what was in its way.
 */
#define _GNU_SOURCE
#include "netns.h"

#include "host/host.h"
#include "posix/clock.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

struct call {
	const char *(*play)(void *user, struct result *r);
	void *user;
	struct result *result;
};

static int inside(void *user)
{
	struct call *c = user;
	const char *why = c->play(c->user, c->result);

	if (why != NULL)
		snprintf(c->result->not_run, sizeof c->result->not_run, "%s", why);
	return why != NULL;
}

struct result netns_run(const char *(*play)(void *user, struct result *r), void *user)
{
	struct call c = {.play = play, .user = user};
	struct host_obstacle at;
	struct host_facts facts;
	struct host_cure cure;
	struct result r;

	c.result = mmap(NULL, sizeof r, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (c.result == MAP_FAILED)
		bench_die("no memory");
	if (host_netns_run(0, inside, &c, &at) < 0) {
		host_facts(&facts);
		host_rights(&at, &facts, NULL, &cure);
		snprintf(c.result->not_run, sizeof c.result->not_run, "%.250s", cure.why);
	}
	r = *c.result;
	munmap(c.result, sizeof r);
	return r;
}

const char *netns_stack(struct netns *n, const struct tv_config *config, unsigned bits)
{
	static struct link_fault fault;
	struct tv_addr kernel = bench_addr(1), ours = bench_addr(2);
	size_t bytes = tv_stack_size(config);
	void *region;

	n->link = link_tun_open("bench0", 0, &fault);
	if (n->link == NULL)
		return fault.text;
	if (host_link_quiet("bench0") < 0 || host_address_add("bench0", &kernel, bits) < 0 ||
		host_link_up("bench0", true) < 0)
		return "the device cannot be set up";
	region = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (bytes == 0 || region == MAP_FAILED ||
		tv_stack_init(region, bytes, config, clock_now(), &n->stack) != TV_OK)
		return "no stack";
	n->run = run_new(n->stack);
	if (n->run == NULL || run_link(n->run, n->link) != 0 ||
		tv_address_add(n->stack, clock_now(), 0, &ours, 96 + bits) != TV_OK)
		return "no stack";
	return NULL;
}
