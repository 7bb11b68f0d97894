/*
 * The reader of scripts: one test for each construct that docs/SCRIPTS.md lists, and the texts that
 * must be refused with their line. What is expected comes from the language's documentation.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "tests/runner/script.h"

static struct script script;
static struct script_error error;

/* Reads a script that must be right; the events are in `script` until the next one. */
static const struct event *read_text(const char *text)
{
	script_free(&script);
	bool right = script_read(&script, "test", text, strlen(text), NULL, &error);
	if (!right) print_error("line %d: %s\n", error.line, error.text);
	assert_true(right);
	return script.events;
}

static const struct packet_spec *read_packet_text(const char *text)
{
	const struct event *e = read_text(text);

	assert_non_null(e);
	assert_int_equal(e->kind, EVENT_PACKET);
	assert_null(e->next);
	return e->packet;
}

static const struct call_spec *read_call_text(const char *text)
{
	const struct event *e = read_text(text);

	assert_non_null(e);
	assert_int_equal(e->kind, EVENT_CALL);
	assert_null(e->next);
	return e->call;
}

static const struct expr *read_arguments(const char *text)
{
	return read_call_text(text)->arguments;
}

static int end(void **state)
{
	(void)state;
	script_free(&script);
	return 0;
}

/* ------------------------------------------------------------------------------------------ */
/* Times                                                                                       */

static void test_script_time_each_form_is_read(void **state)
{
	static const struct {
		const char *text;
		enum time_kind kind;
		int64_t from, to;
	} cases[] = {
		{"0 > . 1:1(0) ack 1", TIME_ABSOLUTE, 0, 0},
		{"1.5 > . 1:1(0) ack 1", TIME_ABSOLUTE, 1500000000, 1500000000},
		{".000001 > . 1:1(0) ack 1", TIME_ABSOLUTE, 1000, 1000},
		{"0.123456789 > . 1:1(0) ack 1", TIME_ABSOLUTE, 123456789, 123456789},
		{"+0 > . 1:1(0) ack 1", TIME_RELATIVE, 0, 0},
		{"+.01 > . 1:1(0) ack 1", TIME_RELATIVE, 10000000, 10000000},
		{"+ 2 > . 1:1(0) ack 1", TIME_RELATIVE, 2000000000, 2000000000},
		{"* > . 1:1(0) ack 1", TIME_ANY, 0, 0},
		{"1~2.5 > . 1:1(0) ack 1", TIME_ABSOLUTE_RANGE, 1000000000, 2500000000},
		{"+.1~+.2 > . 1:1(0) ack 1", TIME_RELATIVE_RANGE, 100000000, 200000000},
		{"+0~+.2 > . 1:1(0) ack 1", TIME_RELATIVE_RANGE, 0, 200000000},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const struct event *e = read_text(cases[i].text);
		assert_int_equal(e->time, cases[i].kind);
		assert_int_equal(e->from_ns, cases[i].from);
		assert_int_equal(e->to_ns, cases[i].to);
	}
}

static void test_script_time_blocking_call_has_an_end(void **state)
{
	(void)state;
	const struct event *e = read_text("+.1...0.200 read(4, ..., 10) = 10");
	assert_int_equal(e->from_ns, 100000000);
	assert_int_equal(e->call->end_ns, 200000000);
	e = read_text("+.002 ... 0.004 connect(4, ..., ...) = 0");
	assert_int_equal(e->call->end_ns, 4000000);
	e = read_text("0...1 accept(3, ..., ...) = 4");
	assert_int_equal(e->from_ns, 0);
	assert_int_equal(e->call->end_ns, 1000000000);
	e = read_text("0 close(3) = 0");
	assert_int_equal(e->call->end_ns, NOT_BLOCKING);
}

/* ------------------------------------------------------------------------------------------ */
/* Packets                                                                                     */

static void test_script_packet_flags_each_notation_is_read(void **state)
{
	static const struct {
		const char *text;
		uint16_t flags;
		bool ace;
	} cases[] = {
		{"S", FLAG_SYN, false},
		{"S.", FLAG_SYN | FLAG_ACK, false},
		{".", FLAG_ACK, false},
		{"-", 0, false},
		{"F.", FLAG_FIN | FLAG_ACK, false},
		{"FP.", FLAG_FIN | FLAG_PSH | FLAG_ACK, false},
		{"P.", FLAG_PSH | FLAG_ACK, false},
		{"R", FLAG_RST, false},
		{"R.", FLAG_RST | FLAG_ACK, false},
		{"PU.", FLAG_PSH | FLAG_URG | FLAG_ACK, false},
		{"SEW", FLAG_SYN | FLAG_ECE | FLAG_CWR, false},
		{"SE.", FLAG_SYN | FLAG_ECE | FLAG_ACK, false},
		{"SEWA", FLAG_SYN | FLAG_ECE | FLAG_CWR | FLAG_AE, false},
		{"EAP.", FLAG_ECE | FLAG_AE | FLAG_PSH | FLAG_ACK, false},
		{".5", FLAG_ACK | FLAG_ECE | FLAG_AE, true},
		{"P.2", FLAG_PSH | FLAG_ACK | FLAG_CWR, true},
		{".0", FLAG_ACK, true},
		{"S.7", FLAG_SYN | FLAG_ACK | FLAG_ECE | FLAG_CWR | FLAG_AE, true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char text[64] = "0 < ";
		strcat(text, cases[i].text);
		strcat(text, " 1:1(0) ack 1 win 10");
		const struct packet_spec *p = read_packet_text(text);
		assert_int_equal(p->kind, PACKET_TCP);
		assert_int_equal(p->flags, cases[i].flags);
		assert_int_equal(p->ace, cases[i].ace);
		assert_true(p->inbound);
	}
}

static void test_script_packet_numbers_are_read(void **state)
{
	const struct packet_spec *p;

	(void)state;
	p = read_packet_text("0 < PU. 1001:3001(2000) ack 55 win 257 urg 7");
	assert_int_equal(p->seq, 1001);
	assert_int_equal(p->length, 2000);
	assert_int_equal(p->ack, 55);
	assert_int_equal(p->window, 257);
	assert_int_equal(p->urgent, 7);
	assert_false(p->options_any);
	p = read_packet_text("0 > P. 1:10001(10000) ack 1");
	assert_false(p->inbound);
	assert_int_equal(p->length, 10000);
	assert_int_equal(p->window, -1);
	p = read_packet_text("0 < . 4294967295:4(5) ack 4294967295 win 0");
	assert_int_equal(p->seq, 4294967295u);
	assert_int_equal(p->length, 5);
	assert_int_equal(p->ack, 4294967295u);
	assert_int_equal(p->window, 0);
}

static void test_script_packet_reset_needs_no_window(void **state)
{
	(void)state;
	assert_int_equal(read_packet_text("0 < R. 1:1(0) ack 1")->window, -1);
}

static void test_script_packet_ports_are_read(void **state)
{
	const struct packet_spec *p;

	(void)state;
	p = read_packet_text("0 < 60001 > 8080 S 0:0(0) win 1000");
	assert_int_equal(p->src_port, 60001);
	assert_int_equal(p->dst_port, 8080);
	assert_int_equal(p->flags, FLAG_SYN);
	p = read_packet_text("0 > 8080>60001 . 1:1(0) ack 1");
	assert_int_equal(p->src_port, 8080);
	assert_int_equal(p->dst_port, 60001);
	p = read_packet_text("0 < S 0:0(0) win 1000");
	assert_int_equal(p->src_port, 0);
}

static void test_script_packet_ip_fields_are_read(void **state)
{
	static const struct {
		const char *text;
		enum tos_check check;
		uint8_t tos;
	} cases[] = {
		{"0 > [noecn] . 1:1(0) ack 1", TOS_ECN, 0},
		{"0 > [ect1] . 1:1(0) ack 1", TOS_ECN, 1},
		{"0 > [ect0] . 1:1(0) ack 1", TOS_ECN, 2},
		{"0 > [ce] . 1:1(0) ack 1", TOS_ECN, 3},
		{"0 > [ect01] . 1:1(0) ack 1", TOS_ECT01, 0},
		{"0 > (ect0) . 1:1(0) ack 1", TOS_ECN, 2},
		{"0 > [tos 0xb8] . 1:1(0) ack 1", TOS_BYTE, 0xb8},
		{"0 > . 1:1(0) ack 1", TOS_UNCHECKED, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const struct packet_spec *p = read_packet_text(cases[i].text);
		assert_int_equal(p->tos_check, cases[i].check);
		assert_int_equal(p->tos, cases[i].tos);
	}
	assert_int_equal(read_packet_text("0 > [ttl 17] . 1:1(0) ack 1")->ttl, 17);
	assert_int_equal(read_packet_text("0 > [flowlabel 0x2] . 1:1(0) ack 1")->flow_label, 2);
	assert_int_equal(read_packet_text("0 > [ect0,flowlabel 0x3] . 1:1(0) ack 1")->flow_label, 3);
}

static void test_script_packet_icmp_is_read(void **state)
{
	const struct packet_spec *p;

	(void)state;
	p = read_packet_text("0 < icmp unreachable frag_needed mtu 1200 [1:1461(1460)]");
	assert_int_equal(p->kind, PACKET_ICMP);
	assert_string_equal(p->icmp_type, "unreachable");
	assert_string_equal(p->icmp_code, "frag_needed");
	assert_int_equal(p->icmp_mtu, 1200);
	assert_int_equal(p->quote, QUOTE_TCP);
	assert_int_equal(p->quote_seq, 1);
	assert_int_equal(p->quote_length, 1460);
	p = read_packet_text("0 < icmp packet_too_big mtu 1400 [0:10(10)]");
	assert_null(p->icmp_code);
	assert_int_equal(p->icmp_mtu, 1400);
	p = read_packet_text("0 < icmp unreachable host_unreachable");
	assert_int_equal(p->quote, QUOTE_NONE);
	assert_int_equal(p->icmp_mtu, -1);
	p = read_packet_text("0 > icmp unreachable port_unreachable [udp (100)]");
	assert_int_equal(p->quote, QUOTE_UDP);
	assert_int_equal(p->quote_length, 100);
	p = read_packet_text("0 < icmp echo_request id 77");
	assert_int_equal(p->icmp_id, 77);
	p = read_packet_text("0 < icmp unreachable code_9 [raw (8)]");
	assert_string_equal(p->icmp_code, "code_9");
	assert_int_equal(p->quote, QUOTE_RAW);
	/* The next event begins with a digit, not with a code. */
	const struct event *e = read_text("0 < icmp unreachable\n0 close(3) = 0");
	assert_null(e->packet->icmp_code);
	assert_int_equal(e->next->kind, EVENT_CALL);
}

static void test_script_packet_udp_is_read(void **state)
{
	const struct packet_spec *p;

	(void)state;
	p = read_packet_text("0 < udp 5000>9 (100)");
	assert_int_equal(p->kind, PACKET_UDP);
	assert_int_equal(p->length, 100);
	assert_int_equal(p->dst_port, 9);
	assert_int_equal(read_packet_text("0 > udp (0)")->length, 0);
}

static void test_script_packet_outer_headers_are_named(void **state)
{
	static const struct {
		const char *text, *name;
	} cases[] = {
		{"0 > ipv4 192.0.2.1 > 192.168.0.1: . 1:1(0) ack 1", "ipv4"},
		{"0 > ipv6 fd00::1 > fd00::2: . 1:1(0) ack 1", "ipv6"},
		{"0 > gre: . 1:1(0) ack 1", "gre"},
		{"0 > mpls (label 0, tc 0, [S], ttl 0): . 1:1(0) ack 1", "mpls"},
		{"0 > encap psp spi 0x1 . 1:1(0) ack 1", "psp"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		assert_string_equal(read_packet_text(cases[i].text)->encapsulation, cases[i].name);
}

static void test_script_options_become_bytes(void **state)
{
	static const struct {
		const char *text;
		uint8_t bytes[OPTIONS_MAX];
		uint8_t length;
	} cases[] = {
		{"mss 1460", {2, 4, 0x05, 0xb4}, 4},
		{"nop,nop,nop,eol", {1, 1, 1, 0}, 4},
		{"nop,wscale 7", {1, 3, 3, 7}, 4},
		{"nop,nop,sackOK", {1, 1, 4, 2}, 4},
		{"sackOK,TS val 1 ecr 4294967295", {4, 2, 8, 10, 0, 0, 0, 1, 255, 255, 255, 255}, 12},
		{"nop,nop,sack 1:2", {1, 1, 5, 10, 0, 0, 0, 1, 0, 0, 0, 2}, 12},
		{"nop,nop,sack 1:2 3:4", {1, 1, 5, 18, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4}, 20},
		{"FO,nop,nop", {34, 2, 1, 1}, 4},
		{"FO 0011223344556677,nop,nop", {34, 10, 0, 17, 34, 51, 68, 85, 102, 119, 1, 1}, 12},
		{"FOEXP", {254, 4, 0xf9, 0x89}, 4},
		{"FOEXP aabbccdd", {254, 8, 0xf9, 0x89, 0xaa, 0xbb, 0xcc, 0xdd}, 8},
		{"md5 000102030405060708090a0b0c0d0e0f,nop,nop",
			{19, 18, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 1, 1}, 20},
		{"ECN e0b 1 ceb 2 e1b 3,nop", {172, 11, 0, 0, 1, 0, 0, 2, 0, 0, 3, 1}, 12},
		{"ECN e1b 1 ceb 2,nop,nop,nop,nop", {174, 8, 0, 0, 1, 0, 0, 2, 1, 1, 1, 1}, 12},
		{"ECN e1b 65536,nop,nop,nop", {174, 5, 1, 0, 0, 1, 1, 1}, 8},
		{"opt 253 0a0b", {253, 4, 10, 11}, 4},
		{"raw 0204ffff", {2, 4, 255, 255}, 4},
		{"raw fe000000", {254, 0, 0, 0}, 4},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char text[200] = "0 > S 0:0(0) <";
		strcat(text, cases[i].text);
		strcat(text, ">");
		const struct packet_spec *p = read_packet_text(text);
		assert_int_equal(p->options_length, cases[i].length);
		assert_memory_equal(p->options, cases[i].bytes, cases[i].length);
	}
}

static void test_script_options_any_is_only_for_outbound(void **state)
{
	(void)state;
	assert_true(read_packet_text("0 > S 0:0(0) <...>")->options_any);
	assert_false(read_packet_text("0 > S 0:0(0)")->options_any);
}

/* ------------------------------------------------------------------------------------------ */
/* System calls                                                                                */

static void test_script_call_result_errno_and_note_are_read(void **state)
{
	const struct call_spec *c;

	(void)state;
	c = read_call_text("0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3");
	assert_string_equal(c->name, "socket");
	assert_int_equal(c->argument_count, 3);
	assert_int_equal(c->arguments->kind, EXPR_ELLIPSIS);
	assert_string_equal(c->arguments->next->text, "SOCK_STREAM");
	assert_int_equal(c->result->integer, 3);
	assert_null(c->error);
	c = read_call_text("0 read(4, ..., 10) = -1 EAGAIN (Resource temporarily unavailable)");
	assert_int_equal(c->result->integer, -1);
	assert_string_equal(c->error, "EAGAIN");
	assert_string_equal(c->note, "Resource temporarily unavailable");
	c = read_call_text("0 fcntl(3, F_GETFL) = 0x2 (flags O_RDWR|O_NONBLOCK)");
	assert_int_equal(c->result->integer, 2);
	assert_null(c->error);
	assert_non_null(c->note);
	c = read_call_text("0 read(4, ..., 10) = ...");
	assert_int_equal(c->result->kind, EXPR_ELLIPSIS);
	c = read_call_text("0 getpid() = 1");
	assert_int_equal(c->argument_count, 0);
	/* The word after a result is an errno only in capitals: here is no next event. */
	const struct event *e = read_text("0 close(3) = 0\n+0 close(4) = -1 EBADF\n+0 close(5) = 0");
	assert_string_equal(e->next->call->error, "EBADF");
	assert_int_equal(script.event_count, 3);
}

static void test_script_expression_each_form_is_read(void **state)
{
	const struct expr *e;

	(void)state;
	e = read_arguments("0 f(12) = 0");
	assert_int_equal(e->kind, EXPR_INTEGER);
	e = read_arguments("0 f(-12) = 0");
	assert_int_equal(e->integer, -12);
	e = read_arguments("0 f(0xff) = 0");
	assert_int_equal(e->integer, 255);
	e = read_arguments("0 f(\"ab\\n\") = 0");
	assert_int_equal(e->kind, EXPR_STRING);
	assert_int_equal(e->length, 3);
	assert_memory_equal(e->text, "ab\n", 3);
	e = read_arguments("0 f(\"\\xf7\\x00x\\xAb\") = 0");
	assert_memory_equal(e->text, "\xf7\0x\xab", 5);
	e = read_arguments("0 f(\"ab\" \"cd\") = 0");
	assert_int_equal(e->length, 4);
	e = read_arguments("0 f(\"ab\"...) = 0");
	assert_int_equal(e->kind, EXPR_STRING);
	e = read_arguments("0 f(A|B|3) = 0");
	assert_int_equal(e->kind, EXPR_OR);
	assert_int_equal(e->right->integer, 3);
	assert_int_equal(e->left->kind, EXPR_OR);
	e = read_arguments("0 f([]) = 0");
	assert_int_equal(e->kind, EXPR_LIST);
	assert_null(e->items);
	e = read_arguments("0 f([1, 2]) = 0");
	assert_int_equal(e->items->next->integer, 2);
	e = read_arguments("0 f({onoff=1, linger=0}) = 0");
	assert_int_equal(e->kind, EXPR_RECORD);
	assert_int_equal(e->items->kind, EXPR_SET);
	assert_string_equal(e->items->left->text, "onoff");
	assert_int_equal(e->items->right->integer, 1);
	e = read_arguments("0 f({..., 1000}) = 0");
	assert_int_equal(e->items->kind, EXPR_ELLIPSIS);
	assert_int_equal(e->items->next->integer, 1000);
}

static void test_script_expression_structures_are_read(void **state)
{
	const struct expr *e;

	(void)state;
	e = read_arguments("0 connect(3, {sa_family = AF_INET, sin_port = htons(80),"
			   " sin_addr = inet_addr(\"10.0.0.1\")}, ...) = 0");
	e = e->next;
	assert_int_equal(e->items->next->right->kind, EXPR_CALL);
	assert_string_equal(e->items->next->right->text, "htons");
	assert_int_equal(e->items->next->right->items->integer, 80);
	e = read_arguments("0 poll([{fd=4, events=POLLIN|POLLOUT, revents=POLLIN}], 1, 0) = 1");
	assert_string_equal(e->items->items->next->next->left->text, "revents");
	e = read_arguments("0 sendmsg(3, {msg_name(...)=..., msg_iov(2)=[{..., 10}, {..., 20}],"
			   " msg_flags=0}, 0) = 30");
	e = e->next;
	assert_int_equal(e->items->left->kind, EXPR_CALL);
	assert_string_equal(e->items->next->left->text, "msg_iov");
	assert_int_equal(e->items->next->right->items->next->items->next->integer, 20);
	e = read_arguments("0 recvmsg(3, {msg_name(...)=..., msg_iov(1)=[{..., 10}], msg_flags=0,"
			   " msg_control=[{cmsg_level=SOL_TCP, cmsg_type=TCP_CM_INQ, cmsg_data=9}]},"
			   " 0) = 10");
	e = e->next;
	assert_string_equal(e->items->next->next->next->left->text, "msg_control");
	e = read_arguments("0 epoll_ctl(5, EPOLL_CTL_ADD, 4, {events=EPOLLIN|EPOLLET, fd=4}) = 0");
	assert_int_equal(e->next->next->next->items->next->right->integer, 4);
}

/* ------------------------------------------------------------------------------------------ */
/* Commands, assertions, options, comments                                                     */

static void test_script_command_and_code_keep_their_text(void **state)
{
	const struct event *e;

	(void)state;
	e = read_text("`first\n second`\n+0 `ip link set dev tun0 mtu 1400`\n"
		      "+0 %{ assert tcpi_rtt == 1, tcpi_rtt }%\n`last`\n");
	assert_string_equal(script.init_command, "first\n second");
	assert_string_equal(script.cleanup_command, "last");
	assert_int_equal(e->kind, EVENT_COMMAND);
	assert_string_equal(e->text, "ip link set dev tun0 mtu 1400");
	assert_int_equal(e->next->kind, EVENT_CODE);
	assert_string_equal(e->next->text, " assert tcpi_rtt == 1, tcpi_rtt ");
	assert_int_equal(script.event_count, 2);
}

static void test_script_option_lines_are_read(void **state)
{
	const struct script_option *o;

	(void)state;
	read_text("--tolerance_usecs=10000\n--strict_segments // a remark\n"
		  "--local_ip=fd00::1\n--define=CC=\"reno\"\n--define=N=5\n0 f(CC, N) = 0");
	o = script.options;
	assert_string_equal(o->name, "tolerance_usecs");
	assert_string_equal(o->value, "10000");
	assert_string_equal(o->next->name, "strict_segments");
	assert_null(o->next->value);
	assert_string_equal(o->next->next->value, "fd00::1");
	assert_int_equal(script.events->call->arguments->kind, EXPR_STRING);
	assert_string_equal(script.events->call->arguments->text, "reno");
	assert_int_equal(script.events->call->arguments->next->integer, 5);
}

static void test_script_define_of_the_command_line_wins(void **state)
{
	struct script_define define = {NULL, "N", "7"};
	const char *text = "--define=N=5\n0 < . 1:1(0) ack 1 win N <mss N>";

	(void)state;
	script_free(&script);
	assert_true(script_read(&script, "test", text, strlen(text), &define, &error));
	assert_int_equal(script.events->packet->window, 7);
	assert_int_equal(script.events->packet->options[3], 7);
}

static void test_script_comments_and_lines_are_counted(void **state)
{
	const struct event *e;

	(void)state;
	e = read_text("// one\n/* two\n three */ 0 close(3) = 0 // rest\n\n\n+0\nclose(4) = 0");
	assert_int_equal(e->line, 3);
	assert_int_equal(e->next->line, 6);
	assert_null(read_text("")); /* an empty script has no events */
}

/* ------------------------------------------------------------------------------------------ */
/* What must be refused                                                                        */

static void test_script_wrong_text_is_refused_with_its_line(void **state)
{
	static const struct {
		const char *text;
		int line;
	} cases[] = {
		{"0 < S 0:0(0) win 65536", 1},                    /* 16 bits */
		{"0 < S 0:0(0)", 1},                              /* inbound without a window */
		{"0 < S 0:5(4) win 10", 1},                       /* numbers disagree */
		{"0 < SS 0:0(0) win 10", 1},
		{"0 < X 0:0(0) win 10", 1},
		{"0 < .8 0:0(0) win 10", 1},
		{"0 < S 4294967296:4294967296(0) win 10", 1},
		{"0 < S 99999999999999999999:0(0) win 10", 1},
		{"\n0 < S 0:0(0) win 10 <mss 70000>", 2},
		{"0 < S 0:0(0) win 10 <sackOK>", 1},              /* not whole words */
		{"0 < S 0:0(0) win 10 <...>", 1},
		{"0 < S 0:0(0) win 10 <nothing>", 1},
		{"0 < S 0:0(0) win 10 <FO 001,nop>", 1},          /* half a byte */
		{"0 < S 0:0(0) win 10 <mss 1", 1},
		{"0 > S 0:0(0) <md5 000102030405060708090a0b0c0d0e0f,"
		 "md5 000102030405060708090a0b0c0d0e0f,md5 000102030405060708090a0b0c0d0e0f>", 1},
		{"0 < [ect01] . 1:1(0) ack 1 win 10", 1},
		{"0 < [what] . 1:1(0) ack 1 win 10", 1},
		{"* < . 1:1(0) ack 1 win 10", 1},                 /* * is only for packets we send */
		{"* close(3) = 0", 1},
		{"+1~+2 close(3) = 0", 1},
		{"2~1 > . 1:1(0) ack 1", 1},                      /* backwards */
		{"-1 close(3) = 0", 1},
		{"0 close(3)", 1},
		{"0 close(3 = 0", 1},
		{"0 f(\"abc) = 0", 1},
		{"0 f([1, 2) = 0", 1},
		{"0 f({{{{{{{{{{{{{{{{{{{{1}}}}}}}}}}}}}}}}}}}}) = 0", 1},
		{"0 close(3) = 0\n`cleanup`\n0 close(4) = 0", 3}, /* events after the end */
		{"\n\n0 %{ assert x", 3},
		{"0 `command", 1},
		{"/* no end", 1},
		{"0", 1},
		{"close(3) = 0", 1},
		{"--define=N\n0 close(3) = 0", 1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		script_free(&script);
		bool right = script_read(&script, "test", cases[i].text, strlen(cases[i].text), NULL,
			&error);
		if (right || error.line != cases[i].line)
			print_error("%s: line %d %s\n", cases[i].text, error.line, error.text);
		assert_false(right);
		assert_int_equal(error.line, cases[i].line);
		assert_true(error.text[0] != '\0');
	}
}

/* Every beginning of a script is read or refused, and nothing behind its end is looked at. */
static void test_script_cut_anywhere_never_crashes(void **state)
{
	static const char text[] =
		"--mtu=1400 // a\n`sysctl -q x=1`\n0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n"
		"+.1...0.2 read(3, {a=[1, \"x\\\"\"...]}, A|0x1f) = -1 EAGAIN (no)\n"
		"+0 < [ect0] 1>2 S. 0:1(1) ack 1 win 5 urg 3 <mss 9,nop,nop,sack 1:2 3:4>\n"
		"* > .5 1:1(0) <...>\n+0 < icmp unreachable frag_needed mtu 9 [1:2(1)]\n"
		"+0 %{ assert 1 }% /* b */\n`end`";

	(void)state;
	for (size_t n = 0; n <= sizeof text - 1; n++) {
		/* A copy of exactly this size lets a sanitiser see a read behind it. */
		char *copy = test_malloc(n + 1);
		memcpy(copy, text, n);
		script_free(&script);
		script_read(&script, "test", copy, n, NULL, &error);
		script_free(&script);
		test_free(copy);
	}
	assert_non_null(read_text(text));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_script_time_each_form_is_read),
		cmocka_unit_test(test_script_time_blocking_call_has_an_end),
		cmocka_unit_test(test_script_packet_flags_each_notation_is_read),
		cmocka_unit_test(test_script_packet_numbers_are_read),
		cmocka_unit_test(test_script_packet_reset_needs_no_window),
		cmocka_unit_test(test_script_packet_ports_are_read),
		cmocka_unit_test(test_script_packet_ip_fields_are_read),
		cmocka_unit_test(test_script_packet_icmp_is_read),
		cmocka_unit_test(test_script_packet_udp_is_read),
		cmocka_unit_test(test_script_packet_outer_headers_are_named),
		cmocka_unit_test(test_script_options_become_bytes),
		cmocka_unit_test(test_script_options_any_is_only_for_outbound),
		cmocka_unit_test(test_script_call_result_errno_and_note_are_read),
		cmocka_unit_test(test_script_expression_each_form_is_read),
		cmocka_unit_test(test_script_expression_structures_are_read),
		cmocka_unit_test(test_script_command_and_code_keep_their_text),
		cmocka_unit_test(test_script_option_lines_are_read),
		cmocka_unit_test(test_script_define_of_the_command_line_wins),
		cmocka_unit_test(test_script_comments_and_lines_are_counted),
		cmocka_unit_test(test_script_wrong_text_is_refused_with_its_line),
		cmocka_unit_test(test_script_cut_anywhere_never_crashes),
	};

	return cmocka_run_group_tests(tests, NULL, end);
}
