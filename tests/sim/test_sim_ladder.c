/*
 * test_sim_ladder.c - the ladder says what the packets say, in 80 columns, with and without colour.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "diagnose/ladder.h"
#include "sim/random.h"
#include "wire/segment.h"

struct page {
	char text[65536];
	size_t len;
};

static void take(void *user, const char *text, size_t len)
{
	struct page *p = user;

	assert_true(p->len + len < sizeof p->text);
	memcpy(p->text + p->len, text, len);
	p->len += len;
	p->text[p->len] = 0;
}

/* One segment of a conversation between 192.0.2.1:1000 (end 0) and 192.0.2.2:80. */
struct told {
	unsigned from;
	uint16_t flags, wnd;
	uint32_t seq, ack;
	const char *text;
	struct tv_tcp_options opt;
	enum ladder_fate fate;
};

static uint32_t make(uint8_t packet[2048], const struct told *s)
{
	struct tv_addr a = tv_addr_v4(192, 0, 2, 1), b = tv_addr_v4(192, 0, 2, 2);
	uint8_t *tcp = packet + 20;
	uint32_t opt = tv_tcp_opt_build(tcp + 20, &s->opt), text = s->text ? (uint32_t)strlen(s->text) : 0;
	struct tv_tcp_header h = {.seq = s->seq, .ack = s->ack, .flags = s->flags, .wnd = s->wnd};

	h.sport = s->from ? 80 : 1000;
	h.dport = s->from ? 1000 : 80;
	h.header_len = (uint16_t)(20 + opt);
	tv_ip_build(packet, s->from ? &b : &a, s->from ? &a : &b, TV_PROTO_TCP, 20 + opt + text, 64, 0);
	tv_tcp_header_build(tcp, &h);
	if (text)
		memcpy(tcp + 20 + opt, s->text, text);
	return 40 + opt + text;
}

#define SYN_OPTIONS {.has = TV_OPT_HAS_MSS | TV_OPT_HAS_SACK_OK | TV_OPT_HAS_TS | TV_OPT_HAS_WSCALE, \
	.mss = 1460, .wscale = 7, .ts_val = 1000}

#define REQUEST "GET /\r\n\x1b[31m \"quoted\" and much more text follows here"

static const struct told conversation[] = {
	{0, TV_SYN, 64240, 0xfffffff0, 0, NULL, SYN_OPTIONS, LADDER_CARRIED},
	{1, TV_SYN | TV_ACK, 65535, 5000, 0xfffffff1, NULL, SYN_OPTIONS, LADDER_CARRIED},
	{0, TV_ACK, 502, 0xfffffff1, 5001, NULL, {.has = 0}, LADDER_CARRIED},
	{0, TV_PSH | TV_ACK, 502, 0xfffffff1, 5001, REQUEST, {.has = 0}, LADDER_LOST},
	{0, TV_PSH | TV_ACK, 502, 0xfffffff1, 5001, REQUEST, {.has = 0}, LADDER_CARRIED},
	{1, TV_ACK, 512, 5001, 0x27, NULL,
		{.has = TV_OPT_HAS_SACK, .sack_count = 1, .sack = {{0x30, 0x40}}}, LADDER_LOST},
	{1, TV_FIN | TV_ACK, 512, 5001, 0x27, NULL, {.has = 0}, LADDER_DAMAGED},
	{0, TV_RST, 0, 0x27, 0, NULL, {.has = 0}, LADDER_UNDER_WAY},
};

static struct ladder *conversation_ladder(void)
{
	struct ladder *l = ladder_new();
	uint8_t packet[2048];

	assert_non_null(l);
	ladder_end(l, 0, "Linux", "192.0.2.1:1000");
	ladder_end(l, 1, "Trivet", "192.0.2.2:80");
	for (size_t i = 0; i < sizeof conversation / sizeof *conversation; i++) {
		struct ladder_event e = {.time = TV_S + i * 1500 * TV_US, .from = conversation[i].from};

		e.ip = packet;
		e.len = make(packet, &conversation[i]);
		e.fate = conversation[i].fate;
		e.state[0] = TV_SYN_RECEIVED;
		e.state[1] = i ? TV_ESTABLISHED : LADDER_UNKNOWN;
		assert_int_equal(ladder_packet(l, &e), i);
	}
	assert_int_equal(ladder_note(l, 2 * TV_S, 0, "A note that is longer than one line of eighty columns "
						     "must be wrapped between its words, not cut."),
		8);
	return l;
}

static void draw(const struct ladder *l, struct ladder_style style, struct page *page)
{
	page->len = 0;
	ladder_print(l, &style, take, page);
}

/* Columns of the widest line: UTF-8 sequences and colour codes count as they look. */
static unsigned width_of(const char *text)
{
	unsigned widest = 0, columns = 0;

	for (; *text; text++) {
		if (*text == '\033') {
			text += strcspn(text, "m");
			continue;
		}
		columns = *text == '\n' ? 0 : columns + (((unsigned char)*text & 0xc0) != 0x80);
		widest = columns > widest ? columns : widest;
	}
	return widest;
}

static void test_ladder_says_what_the_packets_say(void **state)
{
	static const char *const must[] = {
		"Linux", "Trivet", "192.0.2.1:1000", "192.0.2.2:80",
		" SYN [S] -", "seq 0, win 64240\n", "mss 1460, sackOK, TS val 1000 ecr 0, wscale 7",
		" SYN,ACK [S.] -", "seq 0, ack 1, win 65535",
		"seq 1, ack 1, win 64256\n",        /* 502 << 7 */
		"seq 1:54, ack 1, win 64256\n", "seq 1:54, ack 1, win 64256, sent again\n",
		"\"GET /\\r\\n\\x1b[31m \\\"quoted\\\"", "-x lost", "lost x-", "sack 64:80",
		"damaged <--", "RST [R] ", "~ under way", "FIN,ACK [F.]", "     1.500  ",
	};
	struct ladder *l = conversation_ladder();
	static struct page page;

	(void)state;
	draw(l, (struct ladder_style){.ascii = true}, &page);
	for (size_t i = 0; i < sizeof must / sizeof *must; i++)
		if (!strstr(page.text, must[i]))
			fail_msg("'%s' is missing in\n%s", must[i], page.text);
	ladder_free(l);
}

static void test_ladder_fits_its_width_in_every_style(void **state)
{
	struct ladder *l = conversation_ladder();
	static struct page page;

	(void)state;
	for (unsigned i = 0; i < 8; i++) {
		struct ladder_style style = {.ascii = i & 1, .color = i & 2, .absolute = i & 4};

		draw(l, style, &page);
		assert_true(width_of(page.text) <= 80);
		assert_true(width_of(page.text) > 70);
		for (size_t k = 0; k < page.len; k++)
			if (style.ascii && (unsigned char)page.text[k] > 126)
				fail_msg("a character beyond ASCII");
		assert_int_equal(strstr(page.text, "\033[") != NULL, style.color);
	}
	ladder_free(l);
}

static void test_ladder_colour_only_repeats(void **state)
{
	struct ladder *l = conversation_ladder();
	static struct page plain, colored;
	size_t n = 0;

	(void)state;
	draw(l, (struct ladder_style){.ascii = true}, &plain);
	draw(l, (struct ladder_style){.ascii = true, .color = true}, &colored);
	for (size_t i = 0; i < colored.len; i++) {
		if (colored.text[i] == '\033')
			i += strcspn(colored.text + i, "m");
		else
			colored.text[n++] = colored.text[i];
	}
	colored.text[n] = 0;
	assert_string_equal(colored.text, plain.text);
	ladder_free(l);
}

static void test_ladder_lines_are_those_of_tcpdump(void **state)
{
	struct ladder *l = conversation_ladder();
	static struct page page;

	(void)state;
	ladder_lines(l, take, &page);
	assert_non_null(strstr(page.text,
		"00:00:00.000000 IP 192.0.2.1.1000 > 192.0.2.2.80: Flags [S], seq 4294967280, win 64240, "
		"options [mss 1460,sackOK,TS val 1000 ecr 0,nop,wscale 7], length 0\n"));
	assert_non_null(strstr(page.text,
		"00:00:00.003000 IP 192.0.2.1.1000 > 192.0.2.2.80: Flags [.], ack 1, win 502, length 0\n"));
	assert_non_null(strstr(page.text, "length 53 (lost)\n"));
	ladder_free(l);
}

/* Whatever bytes come: no crash, no line too wide, no control character printed. */
static void test_ladder_garbage_is_drawn_harmlessly(void **state)
{
	static struct page page;
	struct random luck;

	(void)state;
	random_seed(&luck, 7);
	for (int round = 0; round < 300; round++) {
		struct ladder *l = ladder_new();

		for (int i = 0; i < 20; i++) {
			uint8_t packet[2048];
			struct ladder_event e = {.time = (tv_time)i, .ip = packet};

			e.len = make(packet, &conversation[random_below(&luck, 8)]);
			for (uint64_t k = random_below(&luck, 12); k > 0; k--)
				packet[random_below(&luck, e.len)] = (uint8_t)random_next(&luck);
			e.len = (uint32_t)random_below(&luck, e.len + 1);
			e.from = random_next(&luck) & 1;
			e.state[0] = e.state[1] = LADDER_UNKNOWN;
			ladder_packet(l, &e);
		}
		draw(l, (struct ladder_style){.ascii = true}, &page);
		assert_true(width_of(page.text) <= 80);
		for (size_t i = 0; i < page.len; i++)
			assert_true(page.text[i] == '\n' || (page.text[i] >= 32 && page.text[i] < 127));
		page.len = 0;
		ladder_lines(l, take, &page);
		ladder_free(l);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ladder_says_what_the_packets_say),
		cmocka_unit_test(test_ladder_fits_its_width_in_every_style),
		cmocka_unit_test(test_ladder_colour_only_repeats),
		cmocka_unit_test(test_ladder_lines_are_those_of_tcpdump),
		cmocka_unit_test(test_ladder_garbage_is_drawn_harmlessly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
