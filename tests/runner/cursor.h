/*
 * The lexer: a place in the text of a script, and the small steps one can take from there.
 *
 * The language is easier to read by asking for what the grammar allows next than by cutting it
 * into tokens beforehand: `S.5`, `1:2`, `0...0.1` and `fd00::1` mean different things in
 * different places.  Every function first skips blanks and comments.  The first failure is
 * remembered, and from then on nothing moves and every answer is "no", so that callers need to
 * look only where they loop.
 */
#ifndef RUNNER_CURSOR_H
#define RUNNER_CURSOR_H

#include "script.h"

struct cursor {
	const char *at;
	const char *end;
	int line;
	struct arena *arena;
	const struct script_define *defines;
	bool failed;
	struct script_error *error;
};

void cursor_start(struct cursor *c, struct script *script, const char *text, size_t length);

/* Records "line N: message" unless an error is already known.  Always returns false. */
__attribute__((format(printf, 2, 3))) bool cursor_fail(struct cursor *c, const char *format, ...);

/* True at the end of the text, and after a failure. */
bool cursor_done(struct cursor *c);

/* The next byte that is neither blank nor comment; 0 when done. */
char cursor_peek(struct cursor *c);

/* Takes the punctuation `literal` if it comes next. */
bool cursor_accept(struct cursor *c, const char *literal);
bool cursor_expect(struct cursor *c, const char *literal);

/* Takes the word `word` if it comes next as a whole word. */
bool cursor_accept_word(struct cursor *c, const char *word);

/* True if a word ([A-Za-z0-9_]+) comes next. */
bool cursor_at_word(struct cursor *c);

/* Takes a word; a defined name gives its value.  NULL and a failure if there is none. */
const char *cursor_word(struct cursor *c);

/* Takes characters as long as they are in `set`; never fails, may return "". */
const char *cursor_run(struct cursor *c, const char *set);

/* Takes characters up to the first that is in `set` or the end of the line. */
const char *cursor_until(struct cursor *c, const char *set);

/* Takes 12, -12, 0x1f or a name defined as such; fails outside [low, high]. */
int64_t cursor_integer(struct cursor *c, int64_t low, int64_t high, const char *what);

/* Takes seconds such as 0, .1, 1.25 and returns nanoseconds. */
int64_t cursor_seconds(struct cursor *c);

/* Takes "text" with C escapes; *length gets its length (it may contain zeros). */
const char *cursor_string(struct cursor *c, size_t *length);

/* Takes the text between two marks, such as a pair of back quotes; no escapes. */
const char *cursor_between(struct cursor *c, const char *open, const char *close);

#endif
