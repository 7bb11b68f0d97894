/*
 * System calls of a script, and the expressions in them.
 *
 *     +0 setsockopt(4, SOL_SOCKET, SO_LINGER, {onoff=1, linger=0}, 8) = 0
 *     +0 read(4, ..., 1000) = -1 EAGAIN (Resource temporarily unavailable)
 *
 * One general grammar covers all structures: a record in braces holds expressions, of which
 * `name = value` and `name(n) = value` are two.  So a msghdr, a pollfd or an address needs no
 * grammar of its own, and what it means is left to the call that is given it.  A record nests at
 * most NESTING_MAX deep, because this reader calls itself.
 */
#include "reader.h"

#include <string.h>

#define NESTING_MAX 16

static struct expr *read_or(struct cursor *c, int depth);

static struct expr *new_expr(struct cursor *c, enum expr_kind kind)
{
	struct expr *e = arena_take(c->arena, sizeof(*e));

	e->kind = kind;
	e->line = c->line;
	return e;
}

/* Expressions separated by commas up to `close`; an empty list is allowed. */
static struct expr *read_list(struct cursor *c, const char *close, int depth)
{
	struct expr *first = NULL;
	struct expr **tail = &first;

	if (cursor_accept(c, close))
		return NULL;
	do {
		*tail = read_or(c, depth + 1);
		tail = &(*tail)->next;
	} while (cursor_accept(c, ","));
	cursor_expect(c, close);
	return first;
}

/* "abc", "abc" "def", "abc"... */
static struct expr *read_text(struct cursor *c)
{
	struct expr *e = new_expr(c, EXPR_STRING);

	e->text = cursor_string(c, &e->length);
	while (!c->failed && cursor_peek(c) == '"') {
		size_t more;
		const char *next = cursor_string(c, &more);
		char *both = arena_take(c->arena, e->length + more + 1);
		memcpy(both, e->text, e->length);
		memcpy(both + e->length, next, more);
		e->text = both;
		e->length += more;
	}
	cursor_accept(c, "...");
	return e;
}

static struct expr *read_word(struct cursor *c, int depth)
{
	struct expr *e = new_expr(c, EXPR_WORD);

	e->text = cursor_word(c);
	if (e->text == NULL)
		e->text = "";
	/* A name defined as "text" is a string, as if the quotes stood here. */
	size_t n = strlen(e->text);
	if (n >= 2 && e->text[0] == '"' && e->text[n - 1] == '"') {
		e->kind = EXPR_STRING;
		e->text = arena_text(c->arena, e->text + 1, n - 2);
		e->length = n - 2;
		return e;
	}
	if (cursor_accept(c, "(")) {
		e->kind = EXPR_CALL;
		e->items = read_list(c, ")", depth);
	}
	if (!cursor_accept(c, "="))
		return e;
	struct expr *set = new_expr(c, EXPR_SET);
	set->left = e;
	set->right = read_or(c, depth + 1);
	return set;
}

static bool defined_number(struct cursor *c)
{
	/* cursor_integer also accepts a name; ask without taking anything. */
	struct cursor copy = *c;
	struct script_error ignored;

	copy.error = &ignored;
	cursor_integer(&copy, INT64_MIN, INT64_MAX, "a number");
	return !copy.failed;
}

static struct expr *read_primary(struct cursor *c, int depth)
{
	char next = cursor_peek(c);
	struct expr *e;

	if (depth > NESTING_MAX) {
		cursor_fail(c, "expressions are nested more than %d deep", NESTING_MAX);
		return new_expr(c, EXPR_ELLIPSIS);
	}
	if (cursor_accept(c, "..."))
		return new_expr(c, EXPR_ELLIPSIS);
	if (next == '"')
		return read_text(c);
	if (next == '-' || (cursor_at_word(c) && defined_number(c))) {
		e = new_expr(c, EXPR_INTEGER);
		e->integer = cursor_integer(c, INT64_MIN, INT64_MAX, "a number");
		return e;
	}
	if (cursor_accept(c, "[")) {
		e = new_expr(c, EXPR_LIST);
		e->items = read_list(c, "]", depth);
		return e;
	}
	if (cursor_accept(c, "{")) {
		e = new_expr(c, EXPR_RECORD);
		e->items = read_list(c, "}", depth);
		return e;
	}
	return read_word(c, depth);
}

static struct expr *read_or(struct cursor *c, int depth)
{
	struct expr *e = read_primary(c, depth);

	while (cursor_accept(c, "|")) {
		struct expr *both = new_expr(c, EXPR_OR);
		both->left = e;
		both->right = read_primary(c, depth + 1);
		e = both;
	}
	return e;
}

struct expr *read_expr(struct cursor *c)
{
	return read_or(c, 0);
}

static const char *read_note(struct cursor *c)
{
	return cursor_peek(c) == '(' ? cursor_between(c, "(", ")") : NULL;
}

/* An errno is an upper-case word: the next event begins otherwise. */
static bool at_errno(struct cursor *c)
{
	char next = cursor_peek(c);

	return next >= 'A' && next <= 'Z';
}

struct call_spec *read_call(struct cursor *c)
{
	struct call_spec *call = arena_take(c->arena, sizeof(*call));

	call->end_ns = NOT_BLOCKING;
	if (cursor_accept(c, "..."))
		call->end_ns = cursor_seconds(c);
	call->name = cursor_word(c);
	if (!cursor_expect(c, "("))
		return call;
	call->arguments = read_list(c, ")", 0);
	for (struct expr *e = call->arguments; e != NULL; e = e->next)
		call->argument_count++;
	if (!cursor_expect(c, "="))
		return call;
	call->result = read_expr(c);
	if (at_errno(c))
		call->error = cursor_word(c);
	call->note = read_note(c);
	return call;
}
