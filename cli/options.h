/*
 * options.h - the flags of a verb as a table: read, checked and told by --help from one place.
 */
#ifndef TRIVET_CLI_OPTIONS_H
#define TRIVET_CLI_OPTIONS_H

#include <trivet/trivet.h>

enum option_kind {
	OPTION_FLAG,           /* to: bool */
	OPTION_TEXT,           /* to: const char *; must not be empty */
	OPTION_TEXTS,          /* to: struct texts; may be repeated */
	OPTION_NUMBER,         /* to: uint64_t; low..high */
	OPTION_NUMBERS,        /* to: struct numbers; may be repeated, or separated by commas */
	OPTION_DURATION,       /* to: tv_time; with a unit ns, us, ms or s */
	OPTION_PERCENT,        /* to: uint32_t, of a million */
	OPTION_SIZE            /* to: uint64_t bytes, with k (1000) or M; low..high */
};

enum { OPTION_REPEATS = 16 };

struct texts {
	const char *list[OPTION_REPEATS];
	unsigned count;
};

struct numbers {
	uint64_t list[OPTION_REPEATS];
	unsigned count;
};

struct option {
	const char *name;      /* "tun"; NULL ends a table */
	char letter;           /* 'w', or 0 */
	enum option_kind kind;
	const char *value;     /* what --help calls it: "NAME" */
	const char *help;
	void *to;
	uint64_t low, high;
};

struct usage {
	const char *verb;      /* "demo" */
	const char *synopsis;  /* one or more lines behind "trivet demo " */
	const char *about;     /* a paragraph or two */
	const struct option *options; /* of this verb; those of all verbs are added */
	const char *examples;  /* lines, or NULL */
};

/* What all verbs have. */
struct common {
	const char *verb;
	const char *capture;   /* -w */
	bool json, quiet, ascii;
	bool color;            /* decided, for the standard output */
};

enum { EXIT_FINE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_RIGHTS = 3, EXIT_NOTHING = 4 };

/*
 * Reads argv[1..argc) by the tables. Operands are moved to argv[1..]; returns how many there are. On
 * --help, and on any mistake, it prints what is to be said and exits (0 or EXIT_USAGE).
 */
int options_read(const struct usage *usage, struct common *common, int argc, char **argv);

/* Says what is wrong with the command line, where help is, and exits with EXIT_USAGE. */
_Noreturn void usage_error(const char *verb, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* A whole number in low..high; false: it is none. */
bool number_read(const char *text, uint64_t low, uint64_t high, uint64_t *number);
/* "40ms", "1.5s", "250us", "80ns"; a bare 0 needs no unit. */
bool duration_read(const char *text, tv_time *time);

/* The name in the list (ended by NULL) that is most like the word, or NULL: none is near. */
const char *nearest(const char *word, const char *const *names);

#endif
