/*
 * echo_tun.c - an echo server (RFC 862) behind a TUN device: Trivet in an event loop, with the programs
 * of this machine as its peers.
 *
 *     sudo build/examples/echo_tun &
 *     echo hello | nc -N 10.9.0.2 7
 *
 * posix/run.h is the loop that trivet(3) describes under "The loop"; links/links.h opens the device,
 * host/host.h gives its kernel's end an address.
 */
#include <stdio.h>
#include <sys/mman.h>

#include <trivet/trivet.h>

#include "host/host.h"
#include "links/links.h"
#include "posix/clock.h"
#include "posix/cpu.h"
#include "posix/run.h"

#define IPV4(a, b, c, d)                                                     \
	{                                                                    \
		{                                                            \
			0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d \
		}                                                            \
	}
#define DEVICE "echo0"
#define PORT 7

struct echo {
	struct tv_stack *stack;
	struct run *run;
};

/* Sends back what has come, as far as the send buffer has room; closes at the end of the stream. */
static void answer(struct echo *e, tv_handle connection)
{
	char bytes[4096];
	int64_t n, sent;

	while ((n = tv_recv(e->stack, run_now(e->run), connection, bytes, sizeof bytes, TV_RECV_PEEK)) > 0) {
		sent = tv_send(e->stack, run_now(e->run), connection, bytes, (size_t)n, 0);
		if (sent <= 0)
			return; /* TV_EV_WRITABLE will bring us here again */
		tv_consume(e->stack, run_now(e->run), connection, (size_t)sent);
	}
	if (n == 0)
		tv_close(e->stack, run_now(e->run), connection);
}

static void on_event(void *user, const struct tv_event *event)
{
	struct echo *e = user;
	tv_handle connection;

	if ((event->flags & TV_EV_ACCEPT) != 0) {
		while (tv_accept(e->stack, run_now(e->run), event->handle, &connection) == TV_OK)
			answer(e, connection);
	} else if ((event->flags & TV_EV_CLOSED) != 0) {
		printf("a connection ended: %s\n", tv_reason_text(event->reason));
		fflush(stdout);
		tv_release(e->stack, run_now(e->run), event->handle);
	} else {
		answer(e, event->handle);
	}
}

static int make_stack(struct tv_stack **stack)
{
	struct tv_config config;
	size_t bytes;
	void *region;

	tv_config_default(&config);
	config.arch = cpu_arch();
	if (!random_secret(config.secret))
		return TV_ESECRET;
	bytes = tv_stack_size(&config);
	/* Memory that is not used is not there: a region of hundreds of megabytes costs nothing. */
	region = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	return region == MAP_FAILED ? TV_EFULL : tv_stack_init(region, bytes, &config, clock_now(), stack);
}

int main(void)
{
	const struct tv_addr kernels = IPV4(10, 9, 0, 1), ours = IPV4(10, 9, 0, 2);
	struct tv_listen_config listen;
	struct link_fault fault;
	struct link *link = link_tun_open(DEVICE, 0, &fault);
	struct echo e = {NULL, NULL};
	tv_handle listener;
	int number;

	if (link == NULL) {
		fprintf(stderr, "echo_tun: %s\n", fault.text);
		return 1;
	}
	if (host_address_add(DEVICE, &kernels, 24) < 0 || host_link_up(DEVICE, true) < 0 ||
		make_stack(&e.stack) != TV_OK || (e.run = run_new(e.stack)) == NULL)
		return 1;
	number = run_link(e.run, link);
	tv_listen_default(&listen);
	listen.port_first = listen.port_last = PORT;
	if (number < 0 || tv_address_add(e.stack, run_now(e.run), (unsigned)number, &ours, 96 + 24) != TV_OK ||
		tv_listen(e.stack, run_now(e.run), &listen, &listener) != TV_OK)
		return 1;
	run_events(e.run, on_event, &e);
	puts("echo on 10.9.0.2, port 7");
	fflush(stdout);
	return run_loop(e.run, TV_NEVER) < 0;
}
