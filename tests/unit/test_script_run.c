/*
 * The runner itself: scripts that must pass, and scripts that must fail at a line and for a reason. A
 * runner that lets a wrong packet, a wrong time or a wrong result pass would make every script worthless.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "tests/runner/run.h"

/* A connection is accepted as descriptor 4; seven lines. */
#define SERVER                                                                                      \
	"0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n"                                             \
	"+0 bind(3, ..., ...) = 0\n"                                                                \
	"+0 listen(3, 1) = 0\n"                                                                     \
	"+0 < S 0:0(0) win 65535 <mss 1000>\n"                                                      \
	"+0 > S. 0:0(0) ack 1 <mss 1460>\n"                                                         \
	"+.01 < . 1:1(0) ack 1 win 65535\n"                                                         \
	"+0 accept(3, ..., ...) = 4\n"

#define NODELAY "+0 setsockopt(4, SOL_TCP, TCP_NODELAY, [1], 4) = 0\n"

static struct run_result result;
static struct script script;

static void run(const char *text, enum ip_version version)
{
	struct script_error error;

	script_free(&script);
	if (!script_read(&script, "test", text, strlen(text), NULL, &error))
		fail_msg("line %d: %s\n%s", error.line, error.text, text);
	run_script(&script, version, false, &result);
}

static int end(void **state)
{
	(void)state;
	script_free(&script);
	return 0;
}

static const char *const passing[] = {
	"",
	SERVER,
	/* data both ways, checked byte by byte */
	SERVER "+0 < P. 1:1001(1000) ack 1 win 65535\n* > . 1:1(0) ack 1001\n+0 read(4, ..., 2000) = 1000\n"
	       "+0 write(4, ..., 100) = 100\n+0 > P. 1:101(100) ack 1001\n",
	/* segments are put together, and may be expected as pushed, as a super-segment of Linux is */
	SERVER NODELAY "+0 write(4, ..., 2500) = 2500\n+0 > P. 1:2501(2500) ack 1\n",
	SERVER NODELAY "+0 write(4, ..., 2500) = 2500\n+0 > P. 1:2001(2000) ack 1\n+0 > P. 2001:2501(500) ack 1\n",
	SERVER NODELAY "+0 write(4, ..., 2500) = 2500\n+0 > . 1:2001(2000) ack 1\n+0 > P. 2001:2501(500) ack 1\n",
	SERVER NODELAY "+0 write(4, ..., 2500) = 2500\n+0 > . 1:1001(1000) ack 1\n+0 > . 1001:2001(1000) ack 1\n"
	       "+0 > P. 2001:2501(500) ack 1\n",
	/* times: absolute, relative, ranges, any; timers run while time passes */
	SERVER "+0 write(4, ..., 10) = 10\n+0 > P. 1:11(10) ack 1\n+.1~+.4 > P. 1:11(10) ack 1\n"
	       "* > P. 1:11(10) ack 1\n0.5~2 > P. 1:11(10) ack 1\n",
	/* a blocking call goes on while packets come and go */
	SERVER "+0...0.100 read(4, ..., 100) = 10\n+.1 < P. 1:11(10) ack 1 win 65535\n* > . 1:1(0) ack 11\n",
	SERVER "+0...1.000 poll([{fd=4, events=POLLIN, revents=0}], 1, 1000) = 0\n+2 close(4) = 0\n",
	/* the other side of the language */
	SERVER "+0 getsockopt(4, SOL_SOCKET, SO_ERROR, [0], [4]) = 0\n"
	       "+0 setsockopt(4, SOL_SOCKET, SO_LINGER, {onoff=1, linger=0}, 8) = 0\n"
	       "+0 getsockopt(4, SOL_SOCKET, SO_LINGER, {onoff=1, linger=0}, [8]) = 0\n"
	       "+0 fcntl(4, F_SETFL, O_RDWR|O_NONBLOCK) = 0\n+0 read(4, ..., 1) = -1 EAGAIN (nothing)\n"
	       "+0 %{ assert tcpi_state == TCP_ESTABLISHED }%\n+0 close(4) = 0\n+0 > R. 1:1(0) ack 1\n",
	SERVER "+0 writev(4, [{..., 10}, {..., 20}], 2) = 30\n+0 > P. 1:31(30) ack 1\n"
	       "+0 sendmsg(4, {msg_name(...)=..., msg_iov(1)=[{..., 5}], msg_flags=0}, 0) = 5\n"
	       "+0 ioctl(4, SIOCOUTQ, [35]) = 0\n",
	"0 < udp 5000>9 (10)\n+0 > icmp unreachable port_unreachable\n",
	"0 < icmp echo_request id 7\n+0 > icmp echo_reply id 7\n",
	/* two connections, told apart by their ports */
	"0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0 bind(3, ..., ...) = 0\n+0 listen(3, 5) = 0\n"
	"+0 < 1000>8080 S 0:0(0) win 9 <mss 1000>\n+0 < 1001>8080 S 5:5(0) win 9 <mss 1000>\n"
	"+0 > 8080>1001 S. 0:0(0) ack 6 <...>\n+0 > 8080>1000 S. 0:0(0) ack 1 <...>\n",
	"0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0 fcntl(3, F_SETFL, O_NONBLOCK) = 0\n"
	"+0 connect(3, ..., ...) = -1 EINPROGRESS (under way)\n+0 > S 0:0(0) <...>\n"
	"+0 < icmp unreachable host_unreachable [0:0(0)]\n+0 < R. 0:0(0) ack 1\n"
	"+0 connect(3, ..., ...) = -1 ECONNREFUSED (refused)\n",
};

static void test_run_right_script_passes_for_every_version(void **state)
{
	static const enum ip_version versions[] = {VERSION_IPV4, VERSION_IPV6, VERSION_MAPPED};

	(void)state;
	for (size_t i = 0; i < sizeof passing / sizeof passing[0]; i++) {
		for (int v = 0; v < 3; v++) {
			run(passing[i], versions[v]);
			if (result.outcome != RUN_PASSED)
				fail_msg("version %d, line %d: %s\n%s", v, result.line, result.fail.text, passing[i]);
		}
	}
}

static const struct {
	const char *text;
	int line;
	const char *reason;
} failing[] = {
	/* packets */
	{SERVER "+0 write(4, ..., 10) = 10\n+0 > . 1:11(10) ack 1\n", 9, "wrong packet: flags"},
	{SERVER "+0 write(4, ..., 10) = 10\n+0 > P. 2:12(10) ack 1\n", 9, "wrong packet: sequence number"},
	{SERVER "+0 write(4, ..., 10) = 10\n+0 > P. 1:21(20) ack 1\n", 9, "wrong packet: length"},
	{SERVER "+0 write(4, ..., 10) = 10\n+0 > P. 1:11(10) ack 2\n", 9, "wrong packet: acknowledgment"},
	{SERVER "+0 write(4, ..., 10) = 10\n+0 > P. 1:11(10) ack 1 win 1\n", 9, "wrong packet: window"},
	{SERVER "+0 write(4, ..., 10) = 10\n+0 > P. 1:11(10) ack 1 <nop,nop,nop,nop>\n", 9, "TCP options"},
	{SERVER "+0 > . 1:1(0) ack 1\n", 8, "no packet was sent"},
	{SERVER "* > . 1:1(0) ack 1\n", 8, "no packet was sent"},
	{"--strict_segments\n" SERVER "+0 write(4, ..., 2500) = 2500\n+0 > P. 1:2501(2500) ack 1\n", 10,
		"wrong packet: flags"},
	{SERVER "+0 write(4, ..., 2500) = 2500\n+0 > P. 1:2401(2400) ack 1\n", 9, "wrong packet: length"},
	/* a packet that nobody expects is in the way of the next, and a reset is noticed at the end */
	{SERVER "+0 write(4, ..., 10) = 10\n+.05 write(4, ..., 10) = 10\n+0 > P. 11:21(10) ack 1\n", 10,
		"wrong packet: sequence number"},
	{SERVER "+0 < R. 100000:100000(0) ack 70000\n+0 setsockopt(4, SOL_SOCKET, SO_LINGER, {onoff=1, linger=0},"
		" 8) = 0\n+0 close(4) = 0\n+0 close(3) = 0\n", 10, "a packet was sent that no event expects"},
	/* times */
	{SERVER "+0 write(4, ..., 10) = 10\n+.1 > P. 1:11(10) ack 1\n", 9, "wrong time"},
	{SERVER "+0 write(4, ..., 10) = 10\n+.1~+.2 > P. 1:11(10) ack 1\n", 9, "wrong time"},
	{SERVER "+0 write(4, ..., 10) = 10\n+0 > P. 1:11(10) ack 1\n+.01 > P. 1:11(10) ack 1\n", 10,
		"no packet was sent until"},
	{SERVER "0 close(4) = 0\n", 8, "due at 0.000000"},
	/* calls */
	{SERVER "+0 read(4, ..., 100) = 10\n", 8, "blocks"},
	{SERVER "+0...0.5 read(4, ..., 100) = 10\n+.1 < P. 1:11(10) ack 1 win 65535\n+1 close(4) = 0\n", 8,
		"returned at 0.11"},
	{SERVER "+0...0.1 read(4, ..., 100) = 10\n+.5 close(4) = 0\n", 8, "has not returned at"},
	{SERVER "+0...0.1 read(4, ..., 100) = 10\n", 8, "has not returned at"},
	{SERVER "+.1...0.5 write(4, ..., 10) = 10\n", 8, "returned at once"},
	{SERVER "+0...0.1 read(4, ..., 100) = 9\n+.09 < P. 1:11(10) ack 1 win 65535\n* > . 1:1(0) ack 11\n", 8,
		"wrong result"},
	{SERVER "+0 write(4, ..., 10) = 9\n", 8, "expected 9\n  actual   10"},
	{SERVER "+0 write(4, ..., 10) = -1 EPIPE (no)\n", 8, "expected -1 EPIPE\n  actual   10"},
	{SERVER "+0 bind(3, ..., ...) = -1 EADDRINUSE (no)\n", 8, "expected -1 EADDRINUSE\n  actual   -1 EINVAL"},
	{SERVER "+0 close(5) = 0\n", 8, "actual   -1 EBADF"},
	{SERVER "+0 getsockopt(4, SOL_SOCKET, SO_ERROR, [1], [4]) = 0\n", 8, "wrong value"},
	{SERVER "+0 getsockopt(4, SOL_SOCKET, SO_ERROR, [0], [8]) = 0\n", 8, "wrong length"},
	{SERVER "+0 poll([{fd=4, events=POLLOUT, revents=POLLIN}], 1, 0) = 1\n", 8, "wrong revents"},
	{SERVER "+0 ioctl(4, SIOCINQ, [3]) = 0\n", 8, "wrong value"},
	{SERVER "+0 accept(3, ..., ...) = 4\n", 8, "blocks"},
	{"0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n", 2,
		"still open"},
	/* assertions */
	{SERVER "+0 %{ assert tcpi_state == TCP_CLOSE, tcpi_state }%\n", 8, "tcpi_state = 1"},
	{"0 %{ assert tcpi_state == 1 }%\n", 1, "no socket"},
};

static void test_run_wrong_script_fails_where_it_is_wrong(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof failing / sizeof failing[0]; i++) {
		for (int v6 = 0; v6 < 2; v6++) {
			run(failing[i].text, v6 ? VERSION_IPV6 : VERSION_IPV4);
			bool right = result.outcome == RUN_FAILED && result.line == failing[i].line &&
				strstr(result.fail.text, failing[i].reason) != NULL;
			if (!right)
				fail_msg("outcome %d, line %d: %s\n%s", result.outcome, result.line,
					result.fail.text, failing[i].text);
		}
	}
}

static void test_run_what_is_not_built_is_named(void **state)
{
	static const struct {
		const char *text;
		int line;
		const char *reason;
	} cases[] = {
		{"0 open(\"x\", O_RDWR) = 3\n", 1, "open"},
		{"0 socket(..., SOCK_STREAM, NO_SUCH_CONSTANT) = 3\n", 1, "NO_SUCH_CONSTANT"},
		{"0 > gre: . 1:1(0) ack 1\n", 1, "gre"},
		{"0 < ipv4 1.2.3.4 > 5.6.7.8: . 1:1(0) ack 1 win 9\n", 1, "ipv4"},
		{SERVER "+0 %{ import os }%\n", 8, "import os"},
		{SERVER "+0 %{ assert tcpi_delivered == 0 }%\n", 8, "tcpi_delivered"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		run(cases[i].text, VERSION_IPV4);
		assert_int_equal(result.outcome, RUN_UNSUPPORTED);
		assert_int_equal(result.line, cases[i].line);
		assert_non_null(strstr(result.fail.text, cases[i].reason));
	}
}

static void test_run_settings_reach_the_stack(void **state)
{
	(void)state;
	run("`sysctl -q net.ipv4.tcp_timestamps=0 net.ipv4.tcp_sack=0 net.ipv4.tcp_window_scaling=0`\n"
	    "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0 fcntl(3, F_SETFL, O_NONBLOCK) = 0\n"
	    "+0 connect(3, ..., ...) = -1 EINPROGRESS (under way)\n+0 > S 0:0(0) <mss 1460>\n", VERSION_IPV4);
	assert_int_equal(result.outcome, RUN_PASSED);
	assert_null(result.notes);
	run("--mtu=1400\n`ip route change x mtu 5`\n0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n"
	    "+0 fcntl(3, F_SETFL, O_NONBLOCK) = 0\n+0 connect(3, ..., ...) = -1 EINPROGRESS (under way)\n"
	    "+0 > S 0:0(0) <mss 1360,sackOK,TS val 1 ecr 0,nop,wscale 3>\n", VERSION_IPV6);
	assert_non_null(result.notes);
	assert_string_equal(result.notes->text, "ip route change x mtu 5");
}

/* The same script gives the same run: virtual time has no noise. */
static void test_run_twice_gives_the_same_failure(void **state)
{
	char first[sizeof result.fail.text];

	(void)state;
	const char *text = SERVER "+0 write(4, ..., 10) = 10\n* > P. 1:11(10) ack 1\n* > P. 1:11(10) ack 9\n";
	run(text, VERSION_IPV4);
	assert_int_equal(result.outcome, RUN_FAILED);
	memcpy(first, result.fail.text, sizeof first);
	run(text, VERSION_IPV4);
	assert_string_equal(first, result.fail.text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_run_right_script_passes_for_every_version),
		cmocka_unit_test(test_run_wrong_script_fails_where_it_is_wrong),
		cmocka_unit_test(test_run_what_is_not_built_is_named),
		cmocka_unit_test(test_run_settings_reach_the_stack),
		cmocka_unit_test(test_run_twice_gives_the_same_failure),
	};

	return cmocka_run_group_tests(tests, NULL, end);
}
