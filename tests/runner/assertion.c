/*
 * Assertions: see assertion.h.  A recursive descent over the text, one function for each level of
 * Python's precedence; numbers are doubles, which hold every 53-bit integer exactly.
 */
#include "assertion.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 64
#define NAME_MAX 64

struct evaluator {
	const char *at;
	struct assertion_memory *memory;
	assertion_lookup lookup;
	void *user;
	struct fail *f;
	int depth;       /* of parentheses and functions */
	char shown[800]; /* "tcpi_rtt = 30000, ..." */
};

static double disjunction(struct evaluator *e);

/* ------------------------------------------------------------------------- arithmetic --- */

#define WHOLE_MAX 9.0e18 /* doubles beyond are whole numbers, and would not fit an int64_t */

static double magnitude(double x)
{
	return x < 0 ? -x : x;
}

static double toward_zero(double x)
{
	return magnitude(x) > WHOLE_MAX ? x : (double)(int64_t)x;
}

static double round_down(double x)
{
	double t = toward_zero(x);

	return t > x ? t - 1 : t;
}

static int64_t whole_bits(double x)
{
	return magnitude(x) > WHOLE_MAX ? 0 : (int64_t)x;
}

/* 2 to the power of a number of bits; 1 for what is no sensible number of them. */
static double power_of_two(double bits)
{
	return bits < 0 || bits > 62 ? 1 : (double)((int64_t)1 << (int)bits);
}

/* ------------------------------------------------------------------------- lexical ------ */

static bool is_name_start(char b)
{
	return (b >= 'a' && b <= 'z') || (b >= 'A' && b <= 'Z') || b == '_';
}

static bool is_name_byte(char b)
{
	return is_name_start(b) || (b >= '0' && b <= '9');
}

/* Blanks; inside parentheses also line ends; a backslash always continues a line. */
static void skip(struct evaluator *e)
{
	for (;;) {
		if (*e->at == ' ' || *e->at == '\t' || *e->at == '\r' ||
		    (*e->at == '\n' && e->depth > 0)) {
			e->at++;
		} else if (*e->at == '\\' && (e->at[1] == '\n' || e->at[1] == '\r')) {
			e->at += 2;
		} else if (*e->at == '#') {
			while (*e->at != '\0' && *e->at != '\n')
				e->at++;
		} else {
			return;
		}
	}
}

static bool accept(struct evaluator *e, const char *literal)
{
	size_t n = strlen(literal);

	skip(e);
	if (strncmp(e->at, literal, n) != 0)
		return false;
	if (is_name_start(literal[0]) && is_name_byte(e->at[n]))
		return false;
	e->at += n;
	return true;
}

static double unsupported(struct evaluator *e, const char *what)
{
	int n = 0;

	while (e->at[n] != '\0' && e->at[n] != '\n' && n < 40)
		n++;
	fail_unsupported(e->f, "assertion: %s is not supported at `%.*s'", what, n, e->at);
	return 0;
}

/* ------------------------------------------------------------------------- operands ----- */

static void show(struct evaluator *e, const char *name, double value)
{
	char item[NAME_MAX + 40];

	snprintf(item, sizeof(item), "%s%s = %.15g", e->shown[0] == '\0' ? "" : ", ", name, value);
	if (strstr(e->shown, item) == NULL && strlen(e->shown) + strlen(item) < sizeof(e->shown))
		strcat(e->shown, item);
}

static double named(struct evaluator *e, const char *name)
{
	double value = 0;

	if (strcmp(name, "True") == 0 || strcmp(name, "False") == 0)
		return name[0] == 'T';
	for (unsigned i = 0; i < e->memory->count; i++) {
		if (strcmp(e->memory->names[i].name, name) == 0) {
			show(e, name, e->memory->names[i].value);
			return e->memory->names[i].value;
		}
	}
	int known = e->lookup(e->user, name, &value);
	if (known == 1) {
		show(e, name, value);
	} else if (known == 0) {
		fail_unsupported(e->f, "assertion: the name %s is not known", name);
	} else {
		fail_unsupported(e->f, "assertion: the value of %s cannot be told", name);
	}
	return value;
}

static double call(struct evaluator *e, const char *name)
{
	double a;
	double b;

	e->depth++;
	a = disjunction(e);
	b = accept(e, ",") ? disjunction(e) : a;
	e->depth--;
	if (!accept(e, ")"))
		return unsupported(e, "this call");
	if (strcmp(name, "abs") == 0)
		return magnitude(a);
	if (strcmp(name, "int") == 0)
		return toward_zero(a);
	if (strcmp(name, "min") == 0)
		return a < b ? a : b;
	if (strcmp(name, "max") == 0)
		return a > b ? a : b;
	fail_unsupported(e->f, "assertion: the function %s is not supported", name);
	return 0;
}

static double number(struct evaluator *e)
{
	char *end;
	/* A hexadecimal number is read as such; 1.5, 1e6 and 12 as decimal. */
	bool hex = e->at[0] == '0' && (e->at[1] == 'x' || e->at[1] == 'X');
	double value = hex ? (double)strtoull(e->at, &end, 16) : strtod(e->at, &end);

	if (end == e->at)
		return unsupported(e, "this number");
	e->at = end;
	return value;
}

static double operand(struct evaluator *e)
{
	double value;

	if (e->f->failed)
		return 0;
	if (e->depth > DEPTH_MAX)
		return unsupported(e, "such deep nesting");
	if (accept(e, "(")) {
		e->depth++;
		value = disjunction(e);
		e->depth--;
		return accept(e, ")") ? value : unsupported(e, "a missing parenthesis");
	}
	if (accept(e, "-") || accept(e, "+")) {
		bool minus = e->at[-1] == '-';
		e->depth++;
		value = operand(e);
		e->depth--;
		return minus ? -value : value;
	}
	skip(e);
	if ((*e->at >= '0' && *e->at <= '9') || *e->at == '.')
		return number(e);
	if (!is_name_start(*e->at))
		return unsupported(e, "this expression");
	char name[NAME_MAX];
	size_t n = 0;
	while (is_name_byte(*e->at) && n < sizeof(name) - 1)
		name[n++] = *e->at++;
	name[n] = '\0';
	return accept(e, "(") ? call(e, name) : named(e, name);
}

/* ------------------------------------------------------------------------- operators ---- */

static double product(struct evaluator *e)
{
	double value = operand(e);

	while (!e->f->failed) {
		bool whole = accept(e, "//");
		if (whole || accept(e, "/") || accept(e, "%")) {
			bool rest = e->at[-1] == '%';
			double by = operand(e);
			if (by == 0 && !e->f->failed)
				fail_with(e->f, "assertion: division by zero");
			double quotient = by == 0 ? 0 : value / by;
			if (rest)
				value -= by * round_down(quotient);
			else
				value = whole ? round_down(quotient) : quotient;
		} else if (accept(e, "*")) {
			value *= operand(e);
		} else {
			return value;
		}
	}
	return 0;
}

static double sum(struct evaluator *e)
{
	double value = product(e);

	for (;;) {
		if (accept(e, "+"))
			value += product(e);
		else if (accept(e, "-"))
			value -= product(e);
		else
			return value;
	}
}

static double shift(struct evaluator *e)
{
	double value = sum(e);

	for (;;) {
		if (accept(e, "<<"))
			value *= power_of_two(sum(e));
		else if (accept(e, ">>"))
			value = round_down(value / power_of_two(sum(e)));
		else
			return value;
	}
}

static double bits(struct evaluator *e)
{
	double value = shift(e);

	for (;;) {
		if (accept(e, "&"))
			value = (double)(whole_bits(value) & whole_bits(shift(e)));
		else if (accept(e, "|"))
			value = (double)(whole_bits(value) | whole_bits(shift(e)));
		else
			return value;
	}
}

enum comparison { NONE, EQ, NE, LE, LT, GE, GT };

static enum comparison comparison(struct evaluator *e)
{
	if (accept(e, "=="))
		return EQ;
	if (accept(e, "!="))
		return NE;
	if (accept(e, "<="))
		return LE;
	if (accept(e, ">="))
		return GE;
	if (accept(e, "<"))
		return LT;
	if (accept(e, ">"))
		return GT;
	return NONE;
}

static bool holds(enum comparison how, double a, double b)
{
	switch (how) {
	case EQ: return a == b;
	case NE: return a != b;
	case LE: return a <= b;
	case LT: return a < b;
	case GE: return a >= b;
	case GT: return a > b;
	case NONE: break;
	}
	return false;
}

/* a < b <= c means a < b and b <= c. */
static double compare(struct evaluator *e)
{
	double value = bits(e);
	enum comparison how = comparison(e);

	if (how == NONE)
		return value;
	bool all = true;
	for (; how != NONE; how = comparison(e)) {
		double next = bits(e);
		all = holds(how, value, next) && all;
		value = next;
	}
	return all;
}

static double negation(struct evaluator *e)
{
	bool not = false;

	while (accept(e, "not"))
		not = !not;
	double value = compare(e);
	return not ? value == 0 : value;
}

static double conjunction(struct evaluator *e)
{
	double value = negation(e);

	while (accept(e, "and")) {
		double next = negation(e);
		value = value == 0 ? value : next;
	}
	return value;
}

static double disjunction(struct evaluator *e)
{
	double value = conjunction(e);

	while (accept(e, "or")) {
		double next = conjunction(e);
		value = value != 0 ? value : next;
	}
	return value;
}

/* ------------------------------------------------------------------------- statements --- */

/* Goes to the end of a statement: a line end or semicolon outside quotes and parentheses. */
static void pass_over(struct evaluator *e)
{
	int depth = 0;
	char quote = '\0';

	for (; *e->at != '\0'; e->at++) {
		char b = *e->at;
		if (b == '\\' && e->at[1] != '\0') {
			e->at++;
		} else if (quote != '\0') {
			quote = b == quote ? '\0' : quote;
		} else if (b == '"' || b == '\'') {
			quote = b;
		} else if (b == '(') {
			depth++;
		} else if (b == ')') {
			depth--;
		} else if ((b == '\n' || b == ';') && depth <= 0) {
			return;
		}
	}
}

static bool at_end(struct evaluator *e)
{
	skip(e);
	return *e->at == '\0' || *e->at == '\n' || *e->at == ';';
}

static void assert_statement(struct evaluator *e)
{
	skip(e);
	const char *start = e->at;

	e->shown[0] = '\0';
	double value = disjunction(e);
	if (e->f->failed)
		return;
	int length = (int)(e->at - start);
	if (accept(e, ","))
		pass_over(e);
	else if (!at_end(e))
		unsupported(e, "this");
	if (value == 0)
		fail_with(e->f, "assertion failed: %.*s\n    %s", length, start, e->shown);
}

static void assign(struct evaluator *e, const char *name)
{
	double value = disjunction(e);
	struct assertion_memory *m = e->memory;
	unsigned i = 0;

	if (!at_end(e))
		unsupported(e, "this");
	while (i < m->count && strcmp(m->names[i].name, name) != 0)
		i++;
	if (i == ASSERTION_NAMES_MAX || strlen(name) >= sizeof(m->names[i].name)) {
		fail_unsupported(e->f, "assertion: too many names, or too long ones");
		return;
	}
	strcpy(m->names[i].name, name);
	m->names[i].value = value;
	m->count += i == m->count;
}

static void statement(struct evaluator *e)
{
	char name[NAME_MAX];
	size_t n = 0;

	if (accept(e, "assert")) {
		assert_statement(e);
		return;
	}
	if (accept(e, "print")) {
		pass_over(e);
		return;
	}
	if (accept(e, "pass"))
		return;
	skip(e);
	const char *start = e->at;
	while (is_name_byte(*e->at) && n < sizeof(name) - 1)
		name[n++] = *e->at++;
	name[n] = '\0';
	if (n > 0 && !accept(e, "==") && accept(e, "=")) {
		assign(e, name);
		return;
	}
	e->at = start;
	unsupported(e, "this statement");
}

bool assertion_run(const char *text, struct assertion_memory *memory, assertion_lookup lookup,
                   void *user, struct fail *f)
{
	struct evaluator e = {.at = text, .memory = memory, .lookup = lookup, .user = user, .f = f};

	while (!f->failed) {
		while (at_end(&e) && *e.at != '\0')
			e.at++;
		if (*e.at == '\0')
			return true;
		statement(&e);
		if (!f->failed && !at_end(&e))
			unsupported(&e, "this");
	}
	return false;
}
