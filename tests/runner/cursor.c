/*
 * The lexer: see cursor.h.  Nothing here trusts the text: it may end anywhere, and numbers may
 * be larger than any type.
 */
#include "cursor.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define NS_PER_S 1000000000

void cursor_start(struct cursor *c, struct script *script, const char *text, size_t length)
{
	memset(c, 0, sizeof(*c));
	c->at = text;
	c->end = text + length;
	c->line = 1;
	c->arena = &script->arena;
	c->defines = script->defines;
}

bool cursor_fail(struct cursor *c, const char *format, ...)
{
	if (c->failed)
		return false;
	c->failed = true;
	c->error->line = c->line;

	va_list arguments;
	va_start(arguments, format);
	vsnprintf(c->error->text, sizeof(c->error->text), format, arguments);
	va_end(arguments);
	return false;
}

static bool is_word_byte(char b)
{
	return (b >= 'a' && b <= 'z') || (b >= 'A' && b <= 'Z') || (b >= '0' && b <= '9') ||
	       b == '_';
}

static bool is_digit(char b)
{
	return b >= '0' && b <= '9';
}

static size_t left(const struct cursor *c)
{
	return (size_t)(c->end - c->at);
}

static bool starts_with(const struct cursor *c, const char *literal)
{
	size_t n = strlen(literal);

	return left(c) >= n && memcmp(c->at, literal, n) == 0;
}

static void step(struct cursor *c, size_t n)
{
	for (; n > 0 && c->at < c->end; n--, c->at++)
		if (*c->at == '\n')
			c->line++;
}

static void skip_block_comment(struct cursor *c)
{
	step(c, 2);
	while (c->at < c->end && !starts_with(c, "*/"))
		step(c, 1);
	if (c->at == c->end)
		cursor_fail(c, "a comment that begins with /* has no end");
	step(c, 2);
}

static void skip(struct cursor *c)
{
	while (!c->failed && c->at < c->end) {
		if (*c->at == ' ' || *c->at == '\t' || *c->at == '\n' || *c->at == '\r') {
			step(c, 1);
		} else if (starts_with(c, "//")) {
			while (c->at < c->end && *c->at != '\n')
				step(c, 1);
		} else if (starts_with(c, "/*")) {
			skip_block_comment(c);
		} else {
			return;
		}
	}
}

bool cursor_done(struct cursor *c)
{
	skip(c);
	return c->failed || c->at == c->end;
}

char cursor_peek(struct cursor *c)
{
	return cursor_done(c) ? '\0' : *c->at;
}

bool cursor_accept(struct cursor *c, const char *literal)
{
	if (cursor_done(c) || !starts_with(c, literal))
		return false;
	step(c, strlen(literal));
	return true;
}

/* What stands here, short enough for a message. */
static const char *describe(struct cursor *c)
{
	if (cursor_done(c))
		return "the end of the script";
	size_t n = 0;
	while (n < left(c) && n < 24 && c->at[n] != '\n')
		n++;
	const char *text = arena_text(c->arena, c->at, n);
	char *quoted = arena_take(c->arena, n + 3);
	snprintf(quoted, n + 3, "`%s'", text);
	return quoted;
}

bool cursor_expect(struct cursor *c, const char *literal)
{
	if (cursor_accept(c, literal))
		return true;
	return cursor_fail(c, "expected `%s' instead of %s", literal, describe(c));
}

bool cursor_at_word(struct cursor *c)
{
	return is_word_byte(cursor_peek(c));
}

static size_t word_length(const struct cursor *c)
{
	size_t n = 0;

	while (n < left(c) && is_word_byte(c->at[n]))
		n++;
	return n;
}

bool cursor_accept_word(struct cursor *c, const char *word)
{
	if (!cursor_at_word(c))
		return false;
	size_t n = word_length(c);
	if (n != strlen(word) || memcmp(c->at, word, n) != 0)
		return false;
	step(c, n);
	return true;
}

static const char *definition(const struct cursor *c, const char *name)
{
	for (const struct script_define *d = c->defines; d != NULL; d = d->next)
		if (strcmp(d->name, name) == 0)
			return d->value;
	return NULL;
}

const char *cursor_word(struct cursor *c)
{
	if (!cursor_at_word(c)) {
		cursor_fail(c, "expected a word instead of %s", describe(c));
		return NULL;
	}
	size_t n = word_length(c);
	const char *word = arena_text(c->arena, c->at, n);
	const char *value = definition(c, word);
	step(c, n);
	return value != NULL ? value : word;
}

const char *cursor_run(struct cursor *c, const char *set)
{
	if (cursor_done(c))
		return "";
	size_t n = 0;
	while (n < left(c) && c->at[n] != '\0' && strchr(set, c->at[n]) != NULL)
		n++;
	const char *text = arena_text(c->arena, c->at, n);
	step(c, n);
	return text;
}

const char *cursor_until(struct cursor *c, const char *set)
{
	if (cursor_done(c))
		return "";
	size_t n = 0;
	while (n < left(c) && c->at[n] != '\0' && c->at[n] != '\n' &&
	       strchr(set, c->at[n]) == NULL)
		n++;
	const char *text = arena_text(c->arena, c->at, n);
	step(c, n);
	return text;
}

static int digit_value(char b)
{
	if (is_digit(b))
		return b - '0';
	if (b >= 'a' && b <= 'f')
		return b - 'a' + 10;
	if (b >= 'A' && b <= 'F')
		return b - 'A' + 10;
	return 99;
}

/* Reads a number at `text`; returns how many bytes it has, 0 if there is none or it is too big. */
static size_t scan_integer(const char *text, size_t length, int64_t *value)
{
	size_t n = 0;
	bool negative = length > 0 && text[0] == '-';
	int base = 10;

	if (negative)
		n++;
	if (length - n > 2 && text[n] == '0' && (text[n + 1] == 'x' || text[n + 1] == 'X')) {
		base = 16;
		n += 2;
	}
	size_t first = n;
	uint64_t sum = 0;
	for (; n < length && digit_value(text[n]) < base; n++) {
		if (sum > (UINT64_MAX >> 5))
			return 0;
		sum = sum * (uint64_t)base + (uint64_t)digit_value(text[n]);
	}
	if (n == first || sum > INT64_MAX)
		return 0;
	*value = negative ? -(int64_t)sum : (int64_t)sum;
	return n;
}

static bool defined_integer(struct cursor *c, int64_t *value)
{
	const char *start = c->at;
	size_t n = word_length(c);
	const char *text = definition(c, arena_text(c->arena, start, n));

	if (text == NULL || scan_integer(text, strlen(text), value) != strlen(text))
		return false;
	step(c, n);
	return true;
}

int64_t cursor_integer(struct cursor *c, int64_t low, int64_t high, const char *what)
{
	int64_t value = 0;

	if (cursor_done(c)) {
		cursor_fail(c, "expected %s instead of the end of the script", what);
		return low;
	}
	size_t n = scan_integer(c->at, left(c), &value);
	if (n == 0 && !defined_integer(c, &value)) {
		cursor_fail(c, "expected %s instead of %s", what, describe(c));
		return low;
	}
	step(c, n);
	if (value < low || value > high) {
		cursor_fail(c, "%s is out of range: %lld is not in %lld to %lld", what,
		            (long long)value, (long long)low, (long long)high);
		return low;
	}
	return value;
}

/* The digits after the point; more than nine are cut off, as a nanosecond is our finest unit. */
static int64_t scan_fraction(struct cursor *c)
{
	int64_t fraction = 0;
	int64_t unit = NS_PER_S;

	for (; c->at < c->end && is_digit(*c->at); step(c, 1)) {
		unit /= 10;
		fraction += unit * (*c->at - '0');
	}
	return fraction;
}

int64_t cursor_seconds(struct cursor *c)
{
	int64_t whole = 0;
	bool digits = false;

	if (cursor_peek(c) == '-') {
		cursor_fail(c, "a time cannot be negative");
		return 0;
	}
	for (; !c->failed && c->at < c->end && is_digit(*c->at); step(c, 1)) {
		whole = whole * 10 + (*c->at - '0');
		digits = true;
		if (whole > INT64_MAX / NS_PER_S / 16) {
			cursor_fail(c, "a time is too large");
			return 0;
		}
	}
	int64_t fraction = 0;
	if (left(c) > 1 && c->at[0] == '.' && is_digit(c->at[1])) {
		step(c, 1);
		fraction = scan_fraction(c);
		digits = true;
	}
	if (!digits)
		cursor_fail(c, "expected a time in seconds instead of %s", describe(c));
	return whole * NS_PER_S + fraction;
}

static int hex_digit(char b)
{
	return is_digit(b) ? b - '0' : b >= 'a' && b <= 'f' ? b - 'a' + 10 : b >= 'A' && b <= 'F' ? b - 'A' + 10 : -1;
}

/* What stands behind a backslash; of \xNN the last digit is left to the caller. */
static char escaped(struct cursor *c)
{
	char b = *c->at;

	if (b == 'x' && left(c) > 2 && hex_digit(c->at[1]) >= 0 && hex_digit(c->at[2]) >= 0) {
		step(c, 2);
		return (char)(hex_digit(c->at[-1]) << 4 | hex_digit(c->at[0]));
	}
	switch (b) {
	case 'n': return '\n';
	case 'r': return '\r';
	case 't': return '\t';
	case '0': return '\0';
	default: return b;
	}
}

const char *cursor_string(struct cursor *c, size_t *length)
{
	*length = 0;
	if (!cursor_expect(c, "\""))
		return "";
	size_t room = 0;
	while (room < left(c) && (c->at[room] != '"' || (room > 0 && c->at[room - 1] == '\\')))
		room++;
	char *text = arena_take(c->arena, room + 1);
	size_t n = 0;
	while (c->at < c->end && *c->at != '"' && n < room) {
		if (*c->at == '\\' && left(c) > 1) {
			step(c, 1);
			text[n++] = escaped(c);
		} else {
			text[n++] = *c->at;
		}
		step(c, 1);
	}
	if (c->at == c->end || *c->at != '"')
		cursor_fail(c, "a string has no closing quote");
	step(c, 1);
	*length = n;
	return text;
}

const char *cursor_between(struct cursor *c, const char *open, const char *close)
{
	if (!cursor_expect(c, open))
		return "";
	const char *start = c->at;
	int line = c->line;
	while (c->at < c->end && !starts_with(c, close))
		step(c, 1);
	const char *text = arena_text(c->arena, start, (size_t)(c->at - start));
	if (c->at == c->end) {
		c->line = line;
		cursor_fail(c, "the text after `%s' has no closing `%s'", open, close);
	}
	step(c, strlen(close));
	return text;
}
