/*
 * The sockets-like calls that scripts are run with (posix/sockets.c), on a stack that reaches itself:
 * results and errno as Linux gives them. Time is virtual and moves only in the pump.
 */
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

static tv_time clock_of(void *user)
{
	return ((struct world *)user)->now;
}

/* Lets the stack talk to itself; when it has nothing to say, time passes until it has. */
static bool pump(void *user, tv_time deadline)
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
static void settle(struct world *w)
{
	for (int i = 0; i < 50; i++) pump(w, w->now);
}

static void world_open(struct world *w)
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
		.options = config.defaults, .side_records = true};
	w->s = sockets_new(&sockets);
	assert_non_null(w->s);
}

static void world_close(struct world *w)
{
	sockets_free(w->s);
	assert_int_equal(tv_stack_check(w->stack), 0);
	free(w->region);
}

static int start(void **state)
{
	(void)state;
	world_open(&world);
	return 0;
}

static int end(void **state)
{
	(void)state;
	world_close(&world);
	return 0;
}

static struct sockaddr_in address(uint16_t port)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};

	in.sin_addr.s_addr = inet_addr("10.0.0.1");
	return in;
}

static int bind_to(int fd, uint16_t port)
{
	struct sockaddr_in in = address(port);

	return sockets_bind(world.s, fd, (struct sockaddr *)&in, sizeof in);
}

static int connect_to(int fd, uint16_t port)
{
	struct sockaddr_in in = address(port);

	return sockets_connect(world.s, fd, (struct sockaddr *)&in, sizeof in);
}

static int new_socket(void)
{
	int fd = sockets_socket(world.s, AF_INET, SOCK_STREAM, 0);

	assert_true(fd >= 0);
	return fd;
}

static int new_listener(uint16_t port)
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

static struct pair new_pair(void)
{
	struct pair p = {new_listener(80), new_socket(), -1};

	assert_int_equal(connect_to(p.client, 80), 0);
	p.server = sockets_accept(world.s, p.listener, NULL, NULL);
	assert_true(p.server >= 0);
	return p;
}

static int set_int(int fd, int level, int name, int value)
{
	return sockets_setsockopt(world.s, fd, level, name, &value, sizeof value);
}

static int get_int(int fd, int level, int name)
{
	int value = -1;
	socklen_t len = sizeof value;
	int result = sockets_getsockopt(world.s, fd, level, name, &value, &len);

	return result < 0 ? result : value;
}

static void nonblocking(int fd)
{
	assert_int_equal(sockets_fcntl(world.s, fd, F_SETFL, O_RDWR | O_NONBLOCK), 0);
}

/* ------------------------------------------------------------------------------------------ */

static void test_sockets_socket_refuses_what_it_has_not(void **state)
{
	(void)state;
	assert_int_equal(sockets_socket(world.s, AF_UNIX, SOCK_STREAM, 0), -EAFNOSUPPORT);
	assert_int_equal(sockets_socket(world.s, AF_INET, SOCK_STREAM, IPPROTO_UDP), -EPROTONOSUPPORT);
	assert_int_equal(sockets_socket(world.s, AF_INET, SOCK_DGRAM, 0), -ESOCKTNOSUPPORT);
	int fd = sockets_socket(world.s, AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
	assert_int_equal(fd, 3);
	assert_int_equal(sockets_fcntl(world.s, fd, F_GETFL, 0), O_RDWR | O_NONBLOCK);
	assert_int_equal(sockets_fcntl(world.s, fd, F_GETFD, 0), FD_CLOEXEC);
}

static void test_sockets_descriptor_lowest_free_is_taken(void **state)
{
	(void)state;
	for (int fd = 3; fd < 60; fd++) assert_int_equal(new_socket(), fd);
	assert_int_equal(sockets_close(world.s, 10), 0);
	assert_int_equal(sockets_close(world.s, 7), 0);
	assert_int_equal(new_socket(), 7);
	assert_int_equal(new_socket(), 10);
	assert_int_equal(new_socket(), 60);
}

static void test_sockets_bad_descriptor_every_call_says_so(void **state)
{
	char byte = 0;
	int value;
	socklen_t len = sizeof value;

	(void)state;
	for (int fd = -1; fd < 5; fd++) {
		assert_int_equal(bind_to(fd, 80), -EBADF);
		assert_int_equal(sockets_listen(world.s, fd, 1), -EBADF);
		assert_int_equal(sockets_accept(world.s, fd, NULL, NULL), -EBADF);
		assert_int_equal(connect_to(fd, 80), -EBADF);
		assert_int_equal(sockets_send(world.s, fd, &byte, 1, 0), -EBADF);
		assert_int_equal(sockets_recv(world.s, fd, &byte, 1, 0), -EBADF);
		assert_int_equal(sockets_shutdown(world.s, fd, SHUT_WR), -EBADF);
		assert_int_equal(sockets_close(world.s, fd), -EBADF);
		assert_int_equal(set_int(fd, SOL_SOCKET, SO_KEEPALIVE, 1), -EBADF);
		assert_int_equal(sockets_getsockopt(world.s, fd, SOL_SOCKET, SO_TYPE, &value, &len), -EBADF);
		assert_int_equal(sockets_fcntl(world.s, fd, F_GETFL, 0), -EBADF);
		assert_int_equal(sockets_ioctl(world.s, fd, SIOCINQ, &value), -EBADF);
		assert_int_equal(sockets_ready(world.s, fd), POLLNVAL);
	}
}

static void test_sockets_bind_port_in_use_is_refused(void **state)
{
	int a = new_socket();
	int b = new_socket();

	(void)state;
	assert_int_equal(bind_to(a, 80), 0);
	assert_int_equal(bind_to(a, 81), -EINVAL); /* bound already */
	assert_int_equal(bind_to(b, 80), -EADDRINUSE);
	set_int(a, SOL_SOCKET, SO_REUSEADDR, 1);
	assert_int_equal(bind_to(b, 80), -EADDRINUSE); /* both must ask for it */
	set_int(b, SOL_SOCKET, SO_REUSEADDR, 1);
	assert_int_equal(bind_to(b, 80), 0);
	assert_int_equal(sockets_listen(world.s, a, 1), 0);
	int c = new_socket();
	set_int(c, SOL_SOCKET, SO_REUSEADDR, 1);
	assert_int_equal(bind_to(c, 80), -EADDRINUSE); /* a listener does not share */
}

static void test_sockets_bind_port_zero_is_chosen(void **state)
{
	struct sockaddr_in in;
	socklen_t len = sizeof in;
	int fd = new_socket();

	(void)state;
	assert_int_equal(bind_to(fd, 0), 0);
	assert_int_equal(sockets_getsockname(world.s, fd, (struct sockaddr *)&in, &len), 0);
	assert_true(ntohs(in.sin_port) >= 32768);
	assert_int_equal(in.sin_addr.s_addr, inet_addr("10.0.0.1"));
}

static void test_sockets_without_connection_calls_fail_as_on_linux(void **state)
{
	char byte = 0;
	int fd = new_socket();

	(void)state;
	assert_int_equal(sockets_recv(world.s, fd, &byte, 1, 0), -ENOTCONN);
	assert_int_equal(sockets_send(world.s, fd, &byte, 1, 0), -EPIPE);
	assert_int_equal(sockets_shutdown(world.s, fd, SHUT_WR), -ENOTCONN);
	assert_int_equal(sockets_shutdown(world.s, fd, 7), -EINVAL);
	assert_int_equal(sockets_accept(world.s, fd, NULL, NULL), -EINVAL);
	assert_int_equal(sockets_getpeername(world.s, fd, NULL, NULL), -ENOTCONN);
	assert_int_equal(sockets_ready(world.s, fd), POLLOUT | POLLWRNORM | POLLHUP);
}

static void test_sockets_connect_nonblocking_tells_each_stage(void **state)
{
	int listener = new_listener(80);
	int fd = new_socket();

	(void)state;
	nonblocking(fd);
	assert_int_equal(connect_to(fd, 80), -EINPROGRESS);
	assert_int_equal(connect_to(fd, 80), -EALREADY);
	assert_int_equal(sockets_ready(world.s, fd), 0);
	settle(&world);
	assert_int_equal(sockets_ready(world.s, fd), POLLOUT | POLLWRNORM);
	assert_int_equal(get_int(fd, SOL_SOCKET, SO_ERROR), 0);
	assert_int_equal(connect_to(fd, 80), 0);
	assert_int_equal(connect_to(fd, 80), -EISCONN);
	assert_int_equal(sockets_ready(world.s, listener), POLLIN | POLLRDNORM);
	assert_int_equal(connect_to(listener, 80), -EISCONN);
}

static void test_sockets_connect_refused_is_told_once(void **state)
{
	int fd = new_socket();

	(void)state;
	assert_int_equal(connect_to(fd, 81), -ECONNREFUSED);
	/* The socket may be used again. */
	new_listener(81);
	assert_int_equal(connect_to(fd, 81), 0);
	int other = new_socket();
	nonblocking(other);
	assert_int_equal(connect_to(other, 82), -EINPROGRESS);
	settle(&world);
	int bits = POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM | POLLRDHUP | POLLERR | POLLHUP;
	assert_int_equal(sockets_ready(world.s, other), bits);
	assert_int_equal(get_int(other, SOL_SOCKET, SO_ERROR), ECONNREFUSED);
	assert_int_equal(get_int(other, SOL_SOCKET, SO_ERROR), 0);
}

static void test_sockets_accept_gives_the_peers_address(void **state)
{
	struct sockaddr_in peer;
	struct sockaddr_in own;
	socklen_t peer_len = sizeof peer;
	socklen_t own_len = sizeof own;
	int listener = new_listener(80);
	int client = new_socket();

	(void)state;
	nonblocking(listener);
	assert_int_equal(sockets_accept(world.s, listener, NULL, NULL), -EAGAIN);
	assert_int_equal(connect_to(client, 80), 0);
	settle(&world);
	int fd = sockets_accept(world.s, listener, (struct sockaddr *)&peer, &peer_len);
	assert_true(fd >= 0);
	assert_int_equal(peer_len, sizeof peer);
	assert_int_equal(sockets_getsockname(world.s, client, (struct sockaddr *)&own, &own_len), 0);
	assert_memory_equal(&peer, &own, sizeof own);
	assert_int_equal(sockets_fcntl(world.s, fd, F_GETFL, 0), O_RDWR); /* not inherited */
	assert_int_equal(get_int(listener, SOL_SOCKET, SO_ACCEPTCONN), 1);
	assert_int_equal(get_int(fd, SOL_SOCKET, SO_ACCEPTCONN), 0);
}

static void test_sockets_data_both_ways_arrives(void **state)
{
	struct pair p = new_pair();
	char buffer[100];

	(void)state;
	assert_int_equal(sockets_send(world.s, p.client, "question", 8, 0), 8);
	assert_int_equal(sockets_recv(world.s, p.server, buffer, sizeof buffer, MSG_PEEK), 8);
	assert_int_equal(sockets_recv(world.s, p.server, buffer, 3, 0), 3);
	assert_memory_equal(buffer, "que", 3);
	assert_int_equal(sockets_recv(world.s, p.server, NULL, 2, MSG_TRUNC), 2);
	assert_int_equal(sockets_recv(world.s, p.server, buffer, sizeof buffer, 0), 3);
	assert_memory_equal(buffer, "ion", 3);
	assert_int_equal(sockets_send(world.s, p.server, "answer", 6, MSG_NOSIGNAL), 6);
	assert_int_equal(sockets_recv(world.s, p.client, buffer, 6, MSG_WAITALL), 6);
	assert_memory_equal(buffer, "answer", 6);
	assert_int_equal(sockets_recv(world.s, p.client, buffer, 6, MSG_DONTWAIT), -EAGAIN);
	assert_int_equal(sockets_recv(world.s, p.client, buffer, 6, MSG_OOB), -EINVAL);
	assert_int_equal(sockets_recv(world.s, p.client, buffer, 6, MSG_ERRQUEUE), -EAGAIN);
	assert_int_equal(sockets_send(world.s, p.client, "x", 1, MSG_EOR), -EOPNOTSUPP);
}

static void test_sockets_send_full_buffer_waits_or_says_so(void **state)
{
	static char many[4 << 20];
	struct pair p = new_pair();
	int64_t sent;

	(void)state;
	nonblocking(p.client);
	sent = sockets_send(world.s, p.client, many, sizeof many, 0);
	assert_true(sent > 0 && sent < (int64_t)sizeof many);
	assert_int_equal(sockets_send(world.s, p.client, many, 1, 0), -EAGAIN);
	assert_int_equal(sockets_ready(world.s, p.client) & POLLOUT, 0);
	/* A blocking one with a time-out gives up with what it moved, then with nothing. */
	assert_int_equal(sockets_fcntl(world.s, p.client, F_SETFL, O_RDWR), 0);
	struct timeval tv = {1, 500000};
	assert_int_equal(sockets_setsockopt(world.s, p.client, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof tv), 0);
	tv_time before = world.now;
	int64_t more = sockets_send(world.s, p.client, many, sizeof many, 0);
	assert_true(more > 0 || more == -EAGAIN);
	assert_true(world.now - before >= 1500 * TV_MS);
	assert_int_equal(sockets_send(world.s, p.client, many, 1, 0), -EAGAIN);
}

static void test_sockets_receive_timeout_ends_a_wait(void **state)
{
	struct pair p = new_pair();
	struct timeval tv = {2, 0};
	char byte;

	(void)state;
	assert_int_equal(sockets_setsockopt(world.s, p.server, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv), 0);
	tv_time before = world.now;
	assert_int_equal(sockets_recv(world.s, p.server, &byte, 1, 0), -EAGAIN);
	assert_true(world.now - before == 2 * TV_S);
}

static void test_sockets_half_close_reads_on(void **state)
{
	struct pair p = new_pair();
	char buffer[10];

	(void)state;
	assert_int_equal(sockets_send(world.s, p.client, "abc", 3, 0), 3);
	assert_int_equal(sockets_shutdown(world.s, p.client, SHUT_WR), 0);
	assert_int_equal(sockets_shutdown(world.s, p.client, SHUT_WR), 0);
	assert_int_equal(sockets_send(world.s, p.client, "x", 1, 0), -EPIPE);
	settle(&world);
	assert_true((sockets_ready(world.s, p.server) & POLLRDHUP) != 0);
	assert_int_equal(sockets_recv(world.s, p.server, buffer, sizeof buffer, MSG_WAITALL), 3);
	assert_int_equal(sockets_recv(world.s, p.server, buffer, sizeof buffer, 0), 0);
	assert_int_equal(sockets_recv(world.s, p.server, buffer, sizeof buffer, 0), 0);
	assert_int_equal(sockets_send(world.s, p.server, "def", 3, 0), 3);
	assert_int_equal(sockets_recv(world.s, p.client, buffer, sizeof buffer, 0), 3);
	assert_int_equal(sockets_close(world.s, p.server), 0);
	assert_int_equal(sockets_recv(world.s, p.client, buffer, sizeof buffer, 0), 0);
	assert_true((sockets_ready(world.s, p.client) & POLLHUP) != 0);
}

static void test_sockets_reset_is_told_once_then_ends(void **state)
{
	struct pair p = new_pair();
	struct linger abrupt = {1, 0};
	char byte;

	(void)state;
	assert_int_equal(sockets_setsockopt(world.s, p.server, SOL_SOCKET, SO_LINGER, &abrupt, sizeof abrupt), 0);
	assert_int_equal(sockets_close(world.s, p.server), 0);
	settle(&world);
	assert_true((sockets_ready(world.s, p.client) & (POLLERR | POLLHUP)) == (POLLERR | POLLHUP));
	assert_int_equal(sockets_recv(world.s, p.client, &byte, 1, 0), -ECONNRESET);
	assert_int_equal(sockets_recv(world.s, p.client, &byte, 1, 0), 0);
	assert_int_equal(sockets_send(world.s, p.client, &byte, 1, 0), -EPIPE);
	assert_int_equal(connect_to(p.client, 80), -EISCONN);
	assert_int_equal(sockets_close(world.s, p.client), 0);
}

static void test_sockets_reset_before_send_is_the_error_of_the_send(void **state)
{
	struct pair p = new_pair();
	struct linger abrupt = {1, 0};

	(void)state;
	sockets_setsockopt(world.s, p.server, SOL_SOCKET, SO_LINGER, &abrupt, sizeof abrupt);
	sockets_close(world.s, p.server);
	settle(&world);
	assert_int_equal(sockets_send(world.s, p.client, "x", 1, 0), -ECONNRESET);
	assert_int_equal(sockets_send(world.s, p.client, "x", 1, 0), -EPIPE);
}

static void test_sockets_linger_waits_for_the_acknowledgment(void **state)
{
	struct pair p = new_pair();
	struct linger patient = {1, 30};
	tv_time before = world.now;

	(void)state;
	assert_int_equal(sockets_setsockopt(world.s, p.client, SOL_SOCKET, SO_LINGER, &patient, sizeof patient), 0);
	assert_int_equal(sockets_send(world.s, p.client, "abc", 3, 0), 3);
	assert_int_equal(sockets_close(world.s, p.client), 0);
	assert_true(world.now - before < 30 * TV_S);
	assert_int_equal(sockets_fcntl(world.s, p.client, F_GETFL, 0), -EBADF);
}

static void test_sockets_poll_waits_and_counts(void **state)
{
	struct pair p = new_pair();
	struct pollfd fds[3] = {{p.client, POLLIN, 0}, {-1, POLLIN, 9}, {p.server, POLLIN | POLLOUT, 0}};

	(void)state;
	assert_int_equal(sockets_poll(world.s, fds, 3, 0), 1);
	assert_int_equal(fds[0].revents, 0);
	assert_int_equal(fds[1].revents, 0);
	assert_int_equal(fds[2].revents, POLLOUT);
	tv_time before = world.now;
	assert_int_equal(sockets_poll(world.s, fds, 1, 250), 0);
	assert_true(world.now - before == 250 * TV_MS);
	assert_int_equal(sockets_send(world.s, p.server, "x", 1, 0), 1);
	assert_int_equal(sockets_poll(world.s, fds, 1, -1), 1);
	assert_int_equal(fds[0].revents, POLLIN);
	fds[0].fd = 77;
	assert_int_equal(sockets_poll(world.s, fds, 1, 0), 1);
	assert_int_equal(fds[0].revents, POLLNVAL);
}

static int64_t epoll_now(int epfd, struct epoll_event *event)
{
	struct sockets_op op = {.call = SOCKETS_EPOLL, .fd = epfd, .events = event, .fd_count = 1};

	return sockets_step(world.s, &op);
}

static void test_sockets_epoll_edge_reports_only_news(void **state)
{
	struct pair p = new_pair();
	struct epoll_event want = {EPOLLIN | EPOLLET, {.u64 = 42}};
	struct epoll_event got;
	char buffer[10];

	(void)state;
	int epfd = sockets_epoll_create(world.s, 0);
	assert_int_equal(sockets_epoll_ctl(world.s, epfd, EPOLL_CTL_ADD, p.server, &want), 0);
	assert_int_equal(sockets_epoll_ctl(world.s, epfd, EPOLL_CTL_ADD, p.server, &want), -EEXIST);
	assert_int_equal(sockets_epoll_ctl(world.s, epfd, EPOLL_CTL_MOD, p.client, &want), -ENOENT);
	assert_int_equal(sockets_epoll_ctl(world.s, epfd, EPOLL_CTL_ADD, epfd, &want), -EINVAL);
	assert_int_equal(epoll_now(epfd, &got), 0);
	for (int i = 0; i < 2; i++) { /* the second time with bytes still unread */
		assert_int_equal(sockets_send(world.s, p.client, "xy", 2, 0), 2);
		settle(&world);
		assert_int_equal(epoll_now(epfd, &got), 1);
		assert_int_equal(got.events, EPOLLIN);
		assert_int_equal(got.data.u64, 42);
		assert_int_equal(epoll_now(epfd, &got), 0);
	}
	assert_int_equal(sockets_recv(world.s, p.server, buffer, 1, 0), 1);
	assert_int_equal(epoll_now(epfd, &got), 0);
	/* Level-triggered, once only. */
	want.events = EPOLLIN | EPOLLONESHOT;
	assert_int_equal(sockets_epoll_ctl(world.s, epfd, EPOLL_CTL_MOD, p.server, &want), 0);
	assert_int_equal(epoll_now(epfd, &got), 1);
	assert_int_equal(epoll_now(epfd, &got), 0);
	want.events = EPOLLIN;
	assert_int_equal(sockets_epoll_ctl(world.s, epfd, EPOLL_CTL_MOD, p.server, &want), 0);
	assert_int_equal(epoll_now(epfd, &got), 1);
	assert_int_equal(epoll_now(epfd, &got), 1);
	assert_int_equal(sockets_epoll_ctl(world.s, epfd, EPOLL_CTL_DEL, p.server, NULL), 0);
	assert_int_equal(epoll_now(epfd, &got), 0);
}

static void test_sockets_options_are_kept_and_told(void **state)
{
	static const struct {
		int level, name, set, told;
	} cases[] = {
		{SOL_SOCKET, SO_KEEPALIVE, 1, 1}, {SOL_SOCKET, SO_REUSEADDR, 5, 1},
		{SOL_SOCKET, SO_RCVBUF, 10000, 20000}, {SOL_SOCKET, SO_SNDBUF, 10000, 20000},
		{SOL_SOCKET, SO_RCVLOWAT, 7, 7}, {IPPROTO_TCP, TCP_NODELAY, 1, 1},
		{IPPROTO_TCP, TCP_KEEPIDLE, 11, 11}, {IPPROTO_TCP, TCP_KEEPINTVL, 12, 12},
		{IPPROTO_TCP, TCP_KEEPCNT, 3, 3}, {IPPROTO_TCP, TCP_SYNCNT, 4, 4},
		{IPPROTO_TCP, TCP_USER_TIMEOUT, 5000, 5000}, {IPPROTO_TCP, TCP_MAXSEG, 1000, 1000},
		{IPPROTO_TCP, TCP_LINGER2, 10, 10}, {IPPROTO_IP, IP_TTL, 33, 33},
		{IPPROTO_IP, IP_TOS, 0xb8, 0xb8}, {IPPROTO_IP, IP_TOS, 0xbb, 0xb8},
	};
	int fd = new_socket();

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		assert_int_equal(set_int(fd, cases[i].level, cases[i].name, cases[i].set), 0);
		assert_int_equal(get_int(fd, cases[i].level, cases[i].name), cases[i].told);
	}
	assert_int_equal(get_int(fd, SOL_SOCKET, SO_TYPE), SOCK_STREAM);
	assert_int_equal(get_int(fd, SOL_SOCKET, SO_DOMAIN), AF_INET);
	assert_int_equal(get_int(fd, SOL_SOCKET, SO_PROTOCOL), IPPROTO_TCP);
}

static void test_sockets_options_out_of_range_are_refused(void **state)
{
	static const struct {
		int level, name, value, result;
	} cases[] = {
		{IPPROTO_TCP, TCP_KEEPIDLE, 0, -EINVAL}, {IPPROTO_TCP, TCP_KEEPIDLE, 32768, -EINVAL},
		{IPPROTO_TCP, TCP_KEEPCNT, 128, -EINVAL}, {IPPROTO_TCP, TCP_SYNCNT, 0, -EINVAL},
		{IPPROTO_TCP, TCP_MAXSEG, 87, -EINVAL}, {IPPROTO_TCP, TCP_MAXSEG, 32768, -EINVAL},
		{IPPROTO_TCP, TCP_USER_TIMEOUT, -1, -EINVAL}, {IPPROTO_IP, IP_TTL, 0, -EINVAL},
		{IPPROTO_IP, IP_TTL, 256, -EINVAL}, {SOL_SOCKET, SO_OOBINLINE, 0, -ENOPROTOOPT},
		{SOL_SOCKET, 9999, 1, -ENOPROTOOPT}, {IPPROTO_TCP, 9999, 1, -ENOPROTOOPT}, {9999, 1, 1, -ENOPROTOOPT},
	};
	int fd = new_socket();

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		assert_int_equal(set_int(fd, cases[i].level, cases[i].name, cases[i].value), cases[i].result);
	assert_int_equal(sockets_setsockopt(world.s, fd, IPPROTO_TCP, TCP_NODELAY, "", 1), -EINVAL);
	assert_int_equal(get_int(fd, IPPROTO_TCP, 9999), -ENOPROTOOPT);
}

static void test_sockets_ioctl_counts_bytes(void **state)
{
	struct pair p = new_pair();
	int value = -1;

	(void)state;
	assert_int_equal(sockets_send(world.s, p.client, "hello", 5, 0), 5);
	assert_int_equal(sockets_ioctl(world.s, p.client, SIOCOUTQ, &value), 0);
	assert_int_equal(value, 5);
	settle(&world);
	assert_int_equal(sockets_ioctl(world.s, p.client, SIOCOUTQ, &value), 0);
	assert_int_equal(sockets_ioctl(world.s, p.server, SIOCINQ, &value), 0);
	assert_int_equal(value, 5);
	assert_int_equal(sockets_ioctl(world.s, p.listener, SIOCINQ, &value), -EINVAL);
	assert_int_equal(sockets_ioctl(world.s, p.server, 1, &value), -ENOTTY);
}

static void test_sockets_tcp_info_speaks_linux(void **state)
{
	struct pair p = new_pair();
	struct sockets_tcp_info info;
	socklen_t len = sizeof info;
	int fresh = new_socket();

	(void)state;
	assert_int_equal(sockets_getsockopt(world.s, p.server, IPPROTO_TCP, TCP_INFO, &info, &len), 0);
	assert_int_equal(info.tcpi_state, TCP_ESTABLISHED);
	assert_int_equal(info.tcpi_snd_cwnd, 2); /* RFC 6928 2, with the large MSS inside a stack */
	assert_int_equal(info.tcpi_options & 7, 7);
	sockets_getsockopt(world.s, p.listener, IPPROTO_TCP, TCP_INFO, &info, &len);
	assert_int_equal(info.tcpi_state, TCP_LISTEN);
	sockets_getsockopt(world.s, fresh, IPPROTO_TCP, TCP_INFO, &info, &len);
	assert_int_equal(info.tcpi_state, TCP_CLOSE);
	/* The first fields are where Linux's own structure has them. */
	assert_int_equal(offsetof(struct sockets_tcp_info, tcpi_rto), 8);
	assert_int_equal(offsetof(struct sockets_tcp_info, tcpi_rtt), 68);
	assert_int_equal(offsetof(struct sockets_tcp_info, tcpi_pacing_rate), 104);
	assert_int_equal(offsetof(struct sockets_tcp_info, tcpi_snd_wnd), 228);
}

/* Nothing is shared: two instances at once do not see each other. */
static void test_sockets_two_instances_are_apart(void **state)
{
	static struct world second;

	(void)state;
	world_open(&second);
	int listener = new_listener(80);
	struct sockaddr_in in = address(80);
	int fd = sockets_socket(second.s, AF_INET, SOCK_STREAM, 0);
	assert_int_equal(fd, listener); /* the same number, of another instance */
	assert_int_equal(sockets_connect(second.s, fd, (struct sockaddr *)&in, sizeof in), -ECONNREFUSED);
	world_close(&second);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_sockets_socket_refuses_what_it_has_not),
		TEST(test_sockets_descriptor_lowest_free_is_taken),
		TEST(test_sockets_bad_descriptor_every_call_says_so),
		TEST(test_sockets_bind_port_in_use_is_refused),
		TEST(test_sockets_bind_port_zero_is_chosen),
		TEST(test_sockets_without_connection_calls_fail_as_on_linux),
		TEST(test_sockets_connect_nonblocking_tells_each_stage),
		TEST(test_sockets_connect_refused_is_told_once),
		TEST(test_sockets_accept_gives_the_peers_address),
		TEST(test_sockets_data_both_ways_arrives),
		TEST(test_sockets_send_full_buffer_waits_or_says_so),
		TEST(test_sockets_receive_timeout_ends_a_wait),
		TEST(test_sockets_half_close_reads_on),
		TEST(test_sockets_reset_is_told_once_then_ends),
		TEST(test_sockets_reset_before_send_is_the_error_of_the_send),
		TEST(test_sockets_linger_waits_for_the_acknowledgment),
		TEST(test_sockets_poll_waits_and_counts),
		TEST(test_sockets_epoll_edge_reports_only_news),
		TEST(test_sockets_options_are_kept_and_told),
		TEST(test_sockets_options_out_of_range_are_refused),
		TEST(test_sockets_ioctl_counts_bytes),
		TEST(test_sockets_tcp_info_speaks_linux),
		TEST(test_sockets_two_instances_are_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
