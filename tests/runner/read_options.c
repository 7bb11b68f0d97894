/*
 * TCP options of a script, turned into the bytes of the header.
 *
 * They are encoded at once, in the order written, because order and padding are part of what a
 * script states.  Like the language's own tool, the list must fill whole 32-bit words: padding
 * is written out as nop or eol.
 *
 * Two words are ours: `opt KIND HEX` gives any option with a correct length byte, and
 * `raw HEX` gives bytes as they are, to say what no well-behaved peer would say.
 */
#include "reader.h"

#include <string.h>

enum kind {
	KIND_EOL = 0,
	KIND_NOP = 1,
	KIND_MSS = 2,
	KIND_WSCALE = 3,
	KIND_SACKOK = 4,
	KIND_SACK = 5,
	KIND_TIMESTAMP = 8,
	KIND_MD5 = 19,
	KIND_FASTOPEN = 34,
	KIND_ACCECN0 = 172,
	KIND_ACCECN1 = 174,
	KIND_EXPERIMENT = 254
};

#define FASTOPEN_MAGIC 0xf989u /* RFC 6994 experiment identifier of Fast Open */

static void put(struct cursor *c, struct packet_spec *p, uint32_t value, unsigned bytes)
{
	if (p->options_length + bytes > OPTIONS_MAX) {
		cursor_fail(c, "the TCP options take more than %d bytes", OPTIONS_MAX);
		return;
	}
	while (bytes-- > 0)
		p->options[p->options_length++] = (uint8_t)(value >> (8 * bytes));
}

static void put_head(struct cursor *c, struct packet_spec *p, uint8_t kind, unsigned length)
{
	put(c, p, kind, 1);
	put(c, p, length, 1);
}

static uint8_t hex_digit(char b)
{
	return (uint8_t)(b <= '9' ? b - '0' : (b | 0x20) - 'a' + 10);
}

/* Reads hexadecimal digits into `out`; returns the number of bytes. */
static unsigned read_hex(struct cursor *c, uint8_t *out, unsigned room)
{
	/* cursor_word knows the names that --define gives to cookies. */
	const char *text = cursor_at_word(c) ? cursor_word(c) : "";
	size_t n = strlen(text);

	if (strspn(text, "0123456789abcdefABCDEF") != n) {
		cursor_fail(c, "`%s' is neither hexadecimal digits nor defined as such", text);
		return 0;
	}
	if (n % 2 != 0 || n / 2 > room) {
		cursor_fail(c, "`%s' is not %s", text,
		            n % 2 != 0 ? "a whole number of bytes" : "short enough for an option");
		return 0;
	}
	for (size_t i = 0; i < n; i += 2)
		out[i / 2] = (uint8_t)(hex_digit(text[i]) << 4 | hex_digit(text[i + 1]));
	return (unsigned)(n / 2);
}

static void put_bytes(struct cursor *c, struct packet_spec *p, const uint8_t *bytes, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		put(c, p, bytes[i], 1);
}

static void read_sack(struct cursor *c, struct packet_spec *p)
{
	uint8_t start = p->options_length;

	put_head(c, p, KIND_SACK, 2);
	do {
		put(c, p, (uint32_t)cursor_integer(c, 0, UINT32_MAX, "a left edge"), 4);
		cursor_expect(c, ":");
		put(c, p, (uint32_t)cursor_integer(c, 0, UINT32_MAX, "a right edge"), 4);
	} while (!c->failed && cursor_peek(c) != ',' && cursor_peek(c) != '>');
	if (!c->failed)
		p->options[start + 1] = (uint8_t)(p->options_length - start);
}

static void read_timestamp(struct cursor *c, struct packet_spec *p)
{
	put_head(c, p, KIND_TIMESTAMP, 10);
	if (!cursor_accept_word(c, "val"))
		cursor_fail(c, "expected `val' in the timestamp option");
	put(c, p, (uint32_t)cursor_integer(c, 0, UINT32_MAX, "a timestamp"), 4);
	if (!cursor_accept_word(c, "ecr"))
		cursor_fail(c, "expected `ecr' in the timestamp option");
	put(c, p, (uint32_t)cursor_integer(c, 0, UINT32_MAX, "a timestamp"), 4);
}

/* kind, length, perhaps the experiment's identifier, and a blob of bytes. */
static void read_blob(struct cursor *c, struct packet_spec *p, uint8_t kind, bool experiment)
{
	uint8_t bytes[OPTIONS_MAX] = {0};
	unsigned n = read_hex(c, bytes, OPTIONS_MAX - 2);

	put_head(c, p, kind, 2 + n + (experiment ? 2 : 0));
	if (experiment)
		put(c, p, FASTOPEN_MAGIC, 2);
	put_bytes(c, p, bytes, n);
}

/* ECN e0b N [ceb N [e1b N]], or with e1b first. */
static void read_accecn(struct cursor *c, struct packet_spec *p)
{
	uint8_t start = p->options_length;
	bool e1_first = !cursor_accept_word(c, "e0b");
	const char *const rest[2] = {"ceb", e1_first ? "e0b" : "e1b"};

	if (e1_first && !cursor_accept_word(c, "e1b"))
		cursor_fail(c, "expected e0b or e1b in the AccECN option");
	put_head(c, p, e1_first ? KIND_ACCECN1 : KIND_ACCECN0, 2);
	put(c, p, (uint32_t)cursor_integer(c, 0, 0xffffff, "a byte counter"), 3);
	for (int i = 0; i < 2 && cursor_accept_word(c, rest[i]); i++)
		put(c, p, (uint32_t)cursor_integer(c, 0, 0xffffff, "a byte counter"), 3);
	if (!c->failed)
		p->options[start + 1] = (uint8_t)(p->options_length - start);
}

static void read_generic(struct cursor *c, struct packet_spec *p)
{
	uint8_t kind = (uint8_t)cursor_integer(c, 2, 255, "an option kind");

	read_blob(c, p, kind, false);
}

static void read_raw(struct cursor *c, struct packet_spec *p)
{
	uint8_t bytes[OPTIONS_MAX] = {0};
	unsigned n = read_hex(c, bytes, OPTIONS_MAX);

	if (n == 0)
		cursor_fail(c, "expected hexadecimal digits after `raw'");
	put_bytes(c, p, bytes, n);
}

static void read_option(struct cursor *c, struct packet_spec *p)
{
	if (cursor_accept_word(c, "nop")) {
		put(c, p, KIND_NOP, 1);
	} else if (cursor_accept_word(c, "eol")) {
		put(c, p, KIND_EOL, 1);
	} else if (cursor_accept_word(c, "mss")) {
		put_head(c, p, KIND_MSS, 4);
		put(c, p, (uint32_t)cursor_integer(c, 0, 0xffff, "an MSS"), 2);
	} else if (cursor_accept_word(c, "wscale")) {
		put_head(c, p, KIND_WSCALE, 3);
		put(c, p, (uint32_t)cursor_integer(c, 0, 255, "a window shift"), 1);
	} else if (cursor_accept_word(c, "sackOK")) {
		put_head(c, p, KIND_SACKOK, 2);
	} else if (cursor_accept_word(c, "sack")) {
		read_sack(c, p);
	} else if (cursor_accept_word(c, "TS")) {
		read_timestamp(c, p);
	} else if (cursor_accept_word(c, "FO")) {
		read_blob(c, p, KIND_FASTOPEN, false);
	} else if (cursor_accept_word(c, "FOEXP")) {
		read_blob(c, p, KIND_EXPERIMENT, true);
	} else if (cursor_accept_word(c, "md5")) {
		read_blob(c, p, KIND_MD5, false);
	} else if (cursor_accept_word(c, "ECN")) {
		read_accecn(c, p);
	} else if (cursor_accept_word(c, "opt")) {
		read_generic(c, p);
	} else if (cursor_accept_word(c, "raw")) {
		read_raw(c, p);
	} else {
		const char *name = cursor_word(c);
		cursor_fail(c, "TCP option `%s' is not known", name != NULL ? name : "?");
	}
}

void read_tcp_options(struct cursor *c, struct packet_spec *p)
{
	cursor_expect(c, "<");
	if (cursor_accept(c, "...")) {
		p->options_any = true;
	} else {
		do
			read_option(c, p);
		while (cursor_accept(c, ","));
	}
	cursor_expect(c, ">");
	if (!c->failed && p->options_length % 4 != 0)
		cursor_fail(c, "the TCP options take %u bytes, not a multiple of 4: add nop or eol",
		            p->options_length);
}
