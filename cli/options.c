/*
 * options.c - reads a command line by a table of flags, and prints help from the same table.
 *
 * Flags may stand anywhere before "--"; "--name value" and "--name=value" are the same, and so are
 * "-w value" and "-wvalue"; one-letter flags without a value may be joined. What is left are
 * operands. A flag that is given twice counts as given last, unless its kind collects.
 */
#include "cli/options.h"

#include <ctype.h>
#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ------------------------------------------------------------------------------------------ */
/* Values                                                                                      */

bool number_read(const char *text, uint64_t low, uint64_t high, uint64_t *number)
{
	char *end;
	unsigned long long n;

	if (!isdigit((unsigned char)*text))
		return false;
	errno = 0;
	n = strtoull(text, &end, 10);
	if (errno || *end || n < low || n > high)
		return false;
	*number = n;
	return true;
}

/* Digits with at most nine decimals, as units of 10^-9; *rest is what follows. */
static bool decimal_read(const char *text, uint64_t *nano, const char **rest)
{
	uint64_t whole = 0, part = 0, place = 1000000000;

	if (!isdigit((unsigned char)*text))
		return false;
	for (; isdigit((unsigned char)*text); text++) {
		whole = whole * 10 + (uint64_t)(*text - '0');
		if (whole > 1000000000)
			return false;
	}
	if (*text == '.') {
		if (!isdigit((unsigned char)*++text))
			return false;
		for (; isdigit((unsigned char)*text); text++)
			part += (uint64_t)(*text - '0') * (place /= 10);
	}
	*nano = whole * 1000000000 + part;
	*rest = text;
	return true;
}

bool duration_read(const char *text, tv_time *time)
{
	static const struct {
		const char *unit;
		uint64_t divisor;
	} units[] = {{"ns", 1000000000}, {"us", 1000000}, {"ms", 1000}, {"s", 1}};
	const char *unit;
	uint64_t nano;

	if (!decimal_read(text, &nano, &unit))
		return false;
	for (size_t i = 0; i < sizeof units / sizeof *units; i++)
		if (strcmp(unit, units[i].unit) == 0) {
			*time = nano / units[i].divisor;
			return true;
		}
	*time = 0;
	return *unit == 0 && nano == 0;
}

/* "2.5%" or "2.5", as parts of a million. */
static bool percent_read(const char *text, uint32_t *ppm)
{
	const char *rest;
	uint64_t nano;

	if (!decimal_read(text, &nano, &rest) || nano > 100000000000)
		return false;
	*ppm = (uint32_t)(nano / 100000);
	return *rest == 0 || strcmp(rest, "%") == 0;
}

/* "40k", "1.5M", "1234". */
static bool size_read(const char *text, uint64_t low, uint64_t high, uint64_t *bytes)
{
	const char *rest;
	uint64_t nano;

	if (!decimal_read(text, &nano, &rest))
		return false;
	if (strcmp(rest, "M") == 0)
		*bytes = nano / 1000;
	else if (strcmp(rest, "k") == 0)
		*bytes = nano / 1000000;
	else
		*bytes = nano / 1000000000;
	return (*rest == 0 || strcmp(rest, "M") == 0 || strcmp(rest, "k") == 0) && *bytes >= low && *bytes <= high;
}

/* ------------------------------------------------------------------------------------------ */
/* Mistakes                                                                                    */

_Noreturn void usage_error(const char *verb, const char *format, ...)
{
	va_list args;

	fprintf(stderr, "trivet%s%s: ", verb ? " " : "", verb ? verb : "");
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, "\nTry 'trivet%s%s --help'.\n", verb ? " " : "", verb ? verb : "");
	exit(EXIT_USAGE);
}

/* How many letters differ at least (Levenshtein), for words up to 31 letters. */
static unsigned distance(const char *a, const char *b)
{
	unsigned row[32], n = (unsigned)strlen(b);

	if (strlen(a) > 31 || n > 31)
		return 99;
	for (unsigned j = 0; j <= n; j++)
		row[j] = j;
	for (unsigned i = 0; a[i]; i++) {
		unsigned diagonal = row[0];

		row[0] = i + 1;
		for (unsigned j = 0; j < n; j++) {
			unsigned best = diagonal + (a[i] != b[j]);

			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j + 1] + 1 < best)
				best = row[j + 1] + 1;
			diagonal = row[j + 1];
			row[j + 1] = best;
		}
	}
	return row[n];
}

const char *nearest(const char *word, const char *const *names)
{
	const char *best = NULL;
	unsigned least = 3;

	for (; *names; names++) {
		unsigned d = distance(word, *names);

		if (d < least && d < strlen(*names)) {
			least = d;
			best = *names;
		}
	}
	return best;
}

/* ------------------------------------------------------------------------------------------ */
/* Tables                                                                                      */

struct reader {
	const struct usage *usage;
	struct option common[8];
	const char *color;
	bool help;
};

static void common_table(struct reader *r, struct common *c)
{
	const struct option table[] = {
		{"write", 'w', OPTION_TEXT, "FILE", "write every packet to a capture file (pcap)",
			&c->capture, 0, 0},
		{"json", 0, OPTION_FLAG, NULL, "print JSON", &c->json, 0, 0},
		{"quiet", 'q', OPTION_FLAG, NULL, "say only what is asked for, and errors", &c->quiet, 0, 0},
		{"ascii", 0, OPTION_FLAG, NULL, "draw with ASCII characters only", &c->ascii, 0, 0},
		{"color", 0, OPTION_TEXT, "WHEN",
			"auto (on a terminal, unless NO_COLOR is set), always, never", &r->color, 0, 0},
		{"help", 'h', OPTION_FLAG, NULL, "this text", &r->help, 0, 0},
		{0},
	};
	_Static_assert(sizeof table <= sizeof r->common, "the copy is large enough");

	memcpy(r->common, table, sizeof table);
}

static const struct option *find(const struct reader *r, const char *name, size_t len, char letter)
{
	const struct option *tables[] = {r->usage->options, r->common};

	for (unsigned t = 0; t < 2; t++)
		for (const struct option *o = tables[t]; o && o->name; o++)
			if (letter ? o->letter == letter :
				strlen(o->name) == len && memcmp(o->name, name, len) == 0)
				return o;
	return NULL;
}

_Noreturn static void unknown_flag(const struct reader *r, const char *argument)
{
	const struct option *tables[] = {r->usage->options, r->common};
	const char *names[64], *like;
	unsigned n = 0;
	char word[32];

	snprintf(word, sizeof word, "%s", argument + 2 * (argument[1] == '-'));
	word[strcspn(word, "=")] = 0;
	for (unsigned t = 0; t < 2; t++)
		for (const struct option *o = tables[t]; o && o->name && n < 63; o++)
			names[n++] = o->name;
	names[n] = NULL;
	like = argument[1] == '-' ? nearest(word, names) : NULL;
	if (like)
		usage_error(r->usage->verb, "unknown flag '%s' (did you mean '--%s'?)", argument, like);
	usage_error(r->usage->verb, "unknown flag '%s'", argument);
}

static void take_numbers(const struct reader *r, const struct option *o, const char *value)
{
	struct numbers *to = o->to;
	char *copy = strdup(value), *save, *word;

	for (word = copy ? strtok_r(copy, ",", &save) : NULL; word; word = strtok_r(NULL, ",", &save)) {
		if (to->count == OPTION_REPEATS)
			usage_error(r->usage->verb, "--%s: more than %d of them", o->name, OPTION_REPEATS);
		if (!number_read(word, o->low, o->high, &to->list[to->count++]))
			usage_error(r->usage->verb, "--%s: '%s' is not a number from %llu on", o->name, word,
				(unsigned long long)o->low);
	}
	free(copy);
}

static void take(const struct reader *r, const struct option *o, const char *value)
{
	const char *verb = r->usage->verb;
	struct texts *texts;

	switch (o->kind) {
	case OPTION_FLAG:
		*(bool *)o->to = true;
		return;
	case OPTION_TEXT:
		if (!*value)
			usage_error(verb, "--%s: %s is empty", o->name, o->value);
		*(const char **)o->to = value;
		return;
	case OPTION_TEXTS:
		texts = o->to;
		if (texts->count == OPTION_REPEATS)
			usage_error(verb, "--%s: more than %d of them", o->name, OPTION_REPEATS);
		texts->list[texts->count++] = value;
		return;
	case OPTION_NUMBER:
		if (!number_read(value, o->low, o->high, o->to))
			usage_error(verb, "--%s: '%s' is not a number from %llu to %llu", o->name, value,
				(unsigned long long)o->low, (unsigned long long)o->high);
		return;
	case OPTION_NUMBERS:
		take_numbers(r, o, value);
		return;
	case OPTION_DURATION:
		if (!duration_read(value, o->to))
			usage_error(verb, "--%s: '%s' is not a duration: a number with ns, us, ms or s, "
					  "such as 40ms", o->name, value);
		return;
	case OPTION_PERCENT:
		if (!percent_read(value, o->to))
			usage_error(verb, "--%s: '%s' is not a percentage from 0%% to 100%%", o->name, value);
		return;
	case OPTION_SIZE:
		if (!size_read(value, o->low, o->high, o->to))
			usage_error(verb, "--%s: '%s' is not a number of bytes from %llu to %llu, such as 40k", o->name, value,
				(unsigned long long)o->low, (unsigned long long)o->high);
		return;
	}
}

/* ------------------------------------------------------------------------------------------ */
/* Help                                                                                        */

static void print_table(const struct option *o)
{
	for (; o && o->name; o++) {
		char left[64];

		snprintf(left, sizeof left, "%c%c%s--%s%s%s", o->letter ? '-' : ' ',
			o->letter ? o->letter : ' ', o->letter ? ", " : "  ", o->name,
			o->value ? " " : "", o->value ? o->value : "");
		printf("  %-26s %s\n", left, o->help);
	}
}

static void print_help(const struct reader *r)
{
	const struct usage *u = r->usage;
	const char *line = u->synopsis;

	for (bool first = true; *line; first = false) {
		size_t n = strcspn(line, "\n");

		printf("%s trivet %s %.*s\n", first ? "Usage:" : "      ", u->verb, (int)n, line);
		line += n + (line[n] == '\n');
	}
	printf("\n%s\n", u->about);
	if (u->options && u->options->name)
		printf("\nFlags:\n");
	print_table(u->options);
	printf("\nFlags of all verbs:\n");
	print_table(r->common);
	if (u->examples)
		printf("\nExamples:\n%s", u->examples);
	printf("\nExit status: 0 fine, 1 something failed, 2 usage, 3 unreadable or missing rights,\n"
	       "4 nothing to judge.\n");
}

/* ------------------------------------------------------------------------------------------ */
/* The command line                                                                            */

/* Reads argv[i], a flag, and returns how many arguments it took. */
static int read_flag(const struct reader *r, int i, int argc, char **argv)
{
	const char *a = argv[i], *value = NULL;
	const struct option *o;

	if (a[1] == '-') {
		size_t n = strcspn(a + 2, "=");

		o = find(r, a + 2, n, 0);
		if (!o)
			unknown_flag(r, a);
		value = a[2 + n] ? a + 3 + n : NULL;
		if (value && o->kind == OPTION_FLAG)
			usage_error(r->usage->verb, "--%s takes no value", o->name);
	} else {
		const char *p = a + 1;

		for (o = find(r, NULL, 0, *p); o && o->kind == OPTION_FLAG && p[1];) {
			take(r, o, NULL);
			o = find(r, NULL, 0, *++p);
		}
		if (!o)
			unknown_flag(r, a);
		value = p[1] ? p + 1 : NULL;
	}
	if (o->kind == OPTION_FLAG || value) {
		take(r, o, value);
		return 1;
	}
	if (i + 1 == argc)
		usage_error(r->usage->verb, "--%s needs a value: --%s %s", o->name, o->name, o->value);
	take(r, o, argv[i + 1]);
	return 2;
}

static void decide_looks(const struct reader *r, struct common *c)
{
	const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");
	const char *when = r->color ? r->color : "auto";

	if (strcmp(when, "always") == 0)
		c->color = true;
	else if (strcmp(when, "auto") == 0)
		c->color = isatty(1) && !(no_color && *no_color) && !(term && strcmp(term, "dumb") == 0);
	else if (strcmp(when, "never") != 0)
		usage_error(r->usage->verb, "--color: '%s' is neither auto, always nor never", when);
	if (setlocale(LC_CTYPE, "") == NULL || strcmp(nl_langinfo(CODESET), "UTF-8") != 0)
		c->ascii = true;
}

int options_read(const struct usage *usage, struct common *common, int argc, char **argv)
{
	struct reader reader = {.usage = usage};
	int operands = 0;

	common->verb = usage->verb;
	common_table(&reader, common);
	for (int i = 1; i < argc;) {
		if (strcmp(argv[i], "--") == 0) {
			while (++i < argc)
				argv[1 + operands++] = argv[i];
		} else if (argv[i][0] == '-' && argv[i][1]) {
			i += read_flag(&reader, i, argc, argv);
		} else {
			argv[1 + operands++] = argv[i++];
		}
	}
	if (reader.help) {
		print_help(&reader);
		exit(fflush(stdout) ? EXIT_FAILED : EXIT_FINE);
	}
	decide_looks(&reader, common);
	return operands;
}
