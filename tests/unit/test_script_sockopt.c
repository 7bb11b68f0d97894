/*
 * What programs ask and tell about sockets (posix/options.c, poll.c, tcp_info.c): readiness, options,
 * counts and TCP_INFO, as Linux gives them.
 */
#include "test_script_world.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_sockets_poll_waits_and_counts),
		TEST(test_sockets_epoll_edge_reports_only_news),
		TEST(test_sockets_options_are_kept_and_told),
		TEST(test_sockets_options_out_of_range_are_refused),
		TEST(test_sockets_ioctl_counts_bytes),
		TEST(test_sockets_tcp_info_speaks_linux),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
