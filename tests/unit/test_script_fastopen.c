/*
 * Fast Open as programs ask for it (posix/fastopen.c): what Linux answers to each call, and when the SYN leaves.
 */
#include "test_script_world.h"

#define TEXT "GET / HTTP/1.0\r\n\r\n"
#define LEN ((int64_t)sizeof TEXT - 1)

/* Hexadecimal digits of the sysctl tcp_fastopen_key, in words whose lowest octet lies first. */
static void test_fastopen_keys_each_form_is_read(void **state)
{
	static const struct {
		const char *text;
		unsigned count;
	} cases[] = {
		{"01234567-89abcdef-fedcba98-76543210", 1}, {"0123456789ABCDEFfedcba9876543210", 1},
		{"01234567-89abcdeffedcba98-76543210", 1},
		{"01234567-89abcdef-fedcba98-76543210,01020304-05060708-090a0b0c-0d0e0f00", 2},
		{"", 0}, {"0123456789abcdeffedcba987654321", 0}, {"0123456789abcdeffedcba98765432100", 0},
		{"0123456g-89abcdef-fedcba98-76543210", 0}, {"01234567--89abcdef-fedcba98-76543210", 0},
		{"01234567-89abcdef-fedcba98-76543210,", 0}, {"01234567-89abcdef-fedcba98-76543210-", 0},
		{"-01234567-89abcdef-fedcba98-76543210", 0}, {" 01234567-89abcdef-fedcba98-76543210", 0},
		{"01234567-89abcdef-fedcba98-76543210,01020304-05060708-090a0b0c-0d0e0f00,", 0},
		{"0123-4567-89abcdef-fedcba98-76543210", 0},
	};
	static const uint8_t key[16] = {0x67, 0x45, 0x23, 0x01, 0xef, 0xcd, 0xab, 0x89, 0x98, 0xba, 0xdc, 0xfe,
		0x10, 0x32, 0x54, 0x76};
	static const uint8_t older[16] = {4, 3, 2, 1, 8, 7, 6, 5, 12, 11, 10, 9, 0, 15, 14, 13};
	uint8_t keys[32];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		unsigned count = sockets_fastopen_keys(cases[i].text, keys);
		if (count != cases[i].count) print_error("%s\n", cases[i].text);
		assert_int_equal(count, cases[i].count);
		if (count >= 1) assert_memory_equal(keys, key, 16);
		if (count == 2) assert_memory_equal(keys + 16, older, 16);
	}
}

static void test_fastopen_options_are_kept_and_told(void **state)
{
	int fd = new_socket();
	uint8_t keys[40] = {9, 8, 7};
	socklen_t len = sizeof keys;

	(void)state;
	assert_int_equal(get_int(fd, IPPROTO_TCP, TCP_FASTOPEN), 0);
	assert_int_equal(set_int(fd, IPPROTO_TCP, TCP_FASTOPEN, 5), 0);
	assert_int_equal(get_int(fd, IPPROTO_TCP, TCP_FASTOPEN), 5);
	assert_int_equal(set_int(fd, IPPROTO_TCP, TCP_FASTOPEN, -1), -EINVAL);
	assert_int_equal(set_int(fd, IPPROTO_TCP, TCP_FASTOPEN, 1 << 20), 0);
	assert_int_equal(get_int(fd, IPPROTO_TCP, TCP_FASTOPEN), 4096); /* somaxconn */
	assert_int_equal(set_int(fd, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, 2), -EINVAL);
	assert_int_equal(set_int(fd, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, 1), 0);
	assert_int_equal(get_int(fd, IPPROTO_TCP, TCP_FASTOPEN_CONNECT), 1);
	for (socklen_t n = 0; n <= 33; n++)
		assert_int_equal(sockets_setsockopt(world.s, fd, IPPROTO_TCP, TCP_FASTOPEN_KEY, keys, n),
			n == 16 || n == 32 ? 0 : -EINVAL);
	assert_int_equal(sockets_getsockopt(world.s, fd, IPPROTO_TCP, TCP_FASTOPEN_KEY, keys, &len), 0);
	assert_int_equal(len, 32);
	struct pair p = new_pair();
	assert_int_equal(set_int(p.client, IPPROTO_TCP, TCP_FASTOPEN, 5), -EINVAL);
	assert_int_equal(set_int(p.client, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, 1), -EINVAL);
}

/* A listener on port 80 with Fast Open, whose cookie an earlier visit has fetched. */
static int visited(void)
{
	int listener = new_listener(80);
	int client = new_socket();
	char buffer[100];

	nonblocking(listener);
	assert_int_equal(set_int(listener, IPPROTO_TCP, TCP_FASTOPEN, 5), 0);
	assert_int_equal(set_int(client, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, 1), 0);
	assert_int_equal(connect_to(client, 80), 0);
	settle(&world);
	int server = sockets_accept(world.s, listener, NULL, NULL);
	assert_true(server >= 0);
	assert_int_equal(sockets_close(world.s, client), 0);
	settle(&world);
	assert_int_equal(sockets_recv(world.s, server, buffer, sizeof buffer, 0), 0);
	assert_int_equal(sockets_close(world.s, server), 0);
	settle(&world);
	return listener;
}

static int64_t send_to(int fd, int flags)
{
	struct sockaddr_in in = address(80);
	char text[] = TEXT;
	struct iovec iov = {text, sizeof text - 1};
	struct sockets_op op = {.call = SOCKETS_SEND, .fd = fd, .iov = &iov, .iov_count = 1, .flags = flags,
		.to = (struct sockaddr *)&in, .to_len = sizeof in};

	return sockets_run(world.s, &op);
}

static uint8_t options_of(int fd)
{
	struct sockets_tcp_info info;
	socklen_t len = sizeof info;

	assert_int_equal(sockets_getsockopt(world.s, fd, IPPROTO_TCP, TCP_INFO, &info, &len), 0);
	return info.tcpi_options;
}

static void read_text(int fd)
{
	char buffer[100];

	assert_int_equal(sockets_recv(world.s, fd, buffer, sizeof buffer, 0), LEN);
	assert_memory_equal(buffer, TEXT, LEN);
}

static void test_fastopen_first_visit_connects_and_sends(void **state)
{
	int listener = new_listener(80);
	int client = new_socket();

	(void)state;
	assert_int_equal(set_int(listener, IPPROTO_TCP, TCP_FASTOPEN, 5), 0);
	assert_int_equal(send_to(client, MSG_FASTOPEN), LEN);
	int server = sockets_accept(world.s, listener, NULL, NULL);
	assert_true(server >= 0);
	read_text(server);
	assert_int_equal(options_of(client) & TCPI_OPT_SYN_DATA, 0);
	assert_int_equal(options_of(server) & TCPI_OPT_SYN_DATA, 0);
	assert_int_equal(send_to(client, MSG_FASTOPEN), -EISCONN);
}

static void test_fastopen_second_visit_sends_with_the_syn(void **state)
{
	int listener = visited();
	int client = new_socket();

	(void)state;
	nonblocking(client);
	assert_int_equal(send_to(client, MSG_FASTOPEN), LEN);
	assert_int_equal(send_to(client, MSG_FASTOPEN), -EALREADY);
	settle(&world);
	int server = sockets_accept(world.s, listener, NULL, NULL);
	assert_true(server >= 0);
	read_text(server);
	assert_int_equal(options_of(client) & TCPI_OPT_SYN_DATA, TCPI_OPT_SYN_DATA);
	assert_int_equal(options_of(server) & TCPI_OPT_SYN_DATA, TCPI_OPT_SYN_DATA);
	/* connect() tells the end of a connect, once; here the second send does. */
	assert_int_equal(send_to(client, MSG_FASTOPEN), LEN);
	assert_int_equal(send_to(client, MSG_FASTOPEN), -EISCONN);
}

static void test_fastopen_connect_is_put_off_until_the_write(void **state)
{
	int listener = visited();
	int client = new_socket();
	char buffer[10];

	(void)state;
	nonblocking(client);
	assert_int_equal(set_int(client, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, 1), 0);
	assert_int_equal(connect_to(client, 80), 0);
	assert_int_equal(connect_to(client, 80), -EISCONN);
	assert_int_equal(sockets_recv(world.s, client, buffer, sizeof buffer, 0), -EAGAIN);
	assert_int_equal(sockets_ready(world.s, client) & (POLLIN | POLLOUT), POLLOUT);
	settle(&world);
	assert_int_equal(sockets_accept(world.s, listener, NULL, NULL), -EAGAIN);
	assert_int_equal(sockets_send(world.s, client, TEXT, LEN, 0), LEN);
	settle(&world);
	int server = sockets_accept(world.s, listener, NULL, NULL);
	assert_true(server >= 0);
	read_text(server);
	assert_int_equal(options_of(client) & TCPI_OPT_SYN_DATA, TCPI_OPT_SYN_DATA);
}

static void test_fastopen_put_off_and_given_up_sends_nothing(void **state)
{
	int listener = visited();
	int client = new_socket();

	(void)state;
	assert_int_equal(set_int(client, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, 1), 0);
	assert_int_equal(connect_to(client, 80), 0);
	assert_int_equal(sockets_shutdown(world.s, client, SHUT_WR), 0);
	assert_int_equal(sockets_send(world.s, client, TEXT, LEN, 0), -EPIPE);
	assert_int_equal(connect_to(client, 80), 0);
	assert_int_equal(sockets_close(world.s, client), 0);
	settle(&world);
	assert_int_equal(sockets_accept(world.s, listener, NULL, NULL), -EAGAIN);
}

static void test_fastopen_refused_is_told_and_may_be_tried_again(void **state)
{
	int client = new_socket();
	char buffer[10];

	(void)state;
	assert_int_equal(send_to(client, MSG_FASTOPEN), -ECONNREFUSED);
	assert_int_equal(send_to(client, MSG_FASTOPEN), -ECONNREFUSED);
	nonblocking(client);
	assert_int_equal(send_to(client, MSG_FASTOPEN), -EINPROGRESS);
	settle(&world);
	assert_int_equal(sockets_recv(world.s, client, buffer, sizeof buffer, 0), -ECONNREFUSED);
}

static void test_fastopen_calls_that_cannot_be_are_refused(void **state)
{
	int fd = new_socket();
	struct sockaddr none = {.sa_family = AF_UNSPEC};
	struct sockets_op op = {.call = SOCKETS_SEND, .fd = fd, .flags = MSG_FASTOPEN, .to = &none,
		.to_len = sizeof none};

	(void)state;
	assert_int_equal(sockets_run(world.s, &op), -EOPNOTSUPP);
	op = (struct sockets_op){.call = SOCKETS_SEND, .fd = fd, .flags = MSG_FASTOPEN};
	assert_int_equal(sockets_run(world.s, &op), -EINVAL);
	assert_int_equal(send_to(new_listener(81), MSG_FASTOPEN), -EISCONN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_fastopen_keys_each_form_is_read),
		TEST(test_fastopen_options_are_kept_and_told),
		TEST(test_fastopen_first_visit_connects_and_sends),
		TEST(test_fastopen_second_visit_sends_with_the_syn),
		TEST(test_fastopen_connect_is_put_off_until_the_write),
		TEST(test_fastopen_put_off_and_given_up_sends_nothing),
		TEST(test_fastopen_refused_is_told_and_may_be_tried_again),
		TEST(test_fastopen_calls_that_cannot_be_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
