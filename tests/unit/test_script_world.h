/*
 * One stack that reaches itself, its sockets, and a clock that moves only in the pump: what the tests
 * of the sockets-like calls stand on.
 */
#ifndef TEST_SCRIPT_WORLD_H
#define TEST_SCRIPT_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/time.h>

#include "posix/sockets.h"

struct world {
	struct tv_stack *stack;
	void *region;
	struct sockets *s;
	tv_time now;
	unsigned pumps;
};

static struct world world;

static inline tv_time clock_of(void *user)
{
	return ((struct world *)user)->now;
}

/* Lets the stack talk to itself; when it has nothing to say, time passes until it has. */
static inline bool pump(void *user, tv_time deadline)
{
	static uint8_t bytes[70000];
	struct world *w = user;
	struct tv_packet packet;
	bool said = false;

	if (++w->pumps > 100000) return false;
	do {
		memset(&packet, 0, sizeof packet);
		packet.data = bytes;
		packet.cap = sizeof bytes;
		said = true;
	} while (tv_output(w->stack, w->now, TV_ANY_LINK, &packet, 1) > 0);
	tv_time next = tv_deadline(w->stack);
	if (deadline < next) next = deadline;
	if (next == TV_NEVER) return said;
	if (next > w->now) w->now = next;
	return true;
}

/* Until nothing happens at this moment any more. */
static inline void settle(struct world *w)
{
	for (int i = 0; i < 50; i++) pump(w, w->now);
}

static inline void world_open(struct world *w)
{
	struct tv_config config;
	struct tv_link_config link = {.size = sizeof link, .kind = TV_LINK_IP, .mtu = 1500};
	struct tv_addr own = {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, 1}};

	memset(w, 0, sizeof *w);
	w->now = 10 * TV_S;
	tv_config_default(&config);
	memset(config.secret, 7, sizeof config.secret);
	config.connections = 64;
	config.half_opens = 64;
	config.time_waits = 64;
	config.side_records = 8;
	size_t size = tv_stack_size(&config);
	assert_true(size > 0);
	w->region = calloc(1, size + 64);
	assert_non_null(w->region);
	void *aligned = (void *)(((uintptr_t)w->region + 63) / 64 * 64);
	assert_int_equal(tv_stack_init(aligned, size, &config, w->now, &w->stack), TV_OK);
	int number = tv_link_add(w->stack, w->now, &link);
	assert_true(number >= 0);
	assert_int_equal(tv_address_add(w->stack, w->now, (unsigned)number, &own, 96 + 24), TV_OK);
	struct sockets_config sockets = {.stack = w->stack, .now = clock_of, .pump = pump, .user = w,
		.options = config.defaults, .side_records = true,
		.fastopen = SOCKETS_FASTOPEN_CLIENT | SOCKETS_FASTOPEN_SERVER};
	w->s = sockets_new(&sockets);
	assert_non_null(w->s);
}

static inline void world_close(struct world *w)
{
	sockets_free(w->s);
	assert_int_equal(tv_stack_check(w->stack), 0);
	free(w->region);
}

static inline int start(void **state)
{
	(void)state;
	world_open(&world);
	return 0;
}

static inline int end(void **state)
{
	(void)state;
	world_close(&world);
	return 0;
}

static inline struct sockaddr_in address(uint16_t port)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};

	in.sin_addr.s_addr = inet_addr("10.0.0.1");
	return in;
}

static inline int bind_to(int fd, uint16_t port)
{
	struct sockaddr_in in = address(port);

	return sockets_bind(world.s, fd, (struct sockaddr *)&in, sizeof in);
}

static inline int connect_to(int fd, uint16_t port)
{
	struct sockaddr_in in = address(port);

	return sockets_connect(world.s, fd, (struct sockaddr *)&in, sizeof in);
}

static inline int new_socket(void)
{
	int fd = sockets_socket(world.s, AF_INET, SOCK_STREAM, 0);

	assert_true(fd >= 0);
	return fd;
}

static inline int new_listener(uint16_t port)
{
	int fd = new_socket();

	assert_int_equal(bind_to(fd, port), 0);
	assert_int_equal(sockets_listen(world.s, fd, 8), 0);
	return fd;
}

/* A listener on port 80, a client, and the server's end of their connection. */
struct pair {
	int listener, client, server;
};

static inline struct pair new_pair(void)
{
	struct pair p = {new_listener(80), new_socket(), -1};

	assert_int_equal(connect_to(p.client, 80), 0);
	p.server = sockets_accept(world.s, p.listener, NULL, NULL);
	assert_true(p.server >= 0);
	return p;
}

static inline int set_int(int fd, int level, int name, int value)
{
	return sockets_setsockopt(world.s, fd, level, name, &value, sizeof value);
}

static inline int get_int(int fd, int level, int name)
{
	int value = -1;
	socklen_t len = sizeof value;
	int result = sockets_getsockopt(world.s, fd, level, name, &value, &len);

	return result < 0 ? result : value;
}

static inline void nonblocking(int fd)
{
	assert_int_equal(sockets_fcntl(world.s, fd, F_SETFL, O_RDWR | O_NONBLOCK), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, end)

#endif
