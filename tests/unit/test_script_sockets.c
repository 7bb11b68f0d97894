/*
 * The sockets-like calls that scripts are run with (posix/sockets.c), on a stack that reaches itself:
 * results and errno as Linux gives them when connections are opened, used and closed.
 */
#include "test_script_world.h"

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
		TEST(test_sockets_two_instances_are_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
