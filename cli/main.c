/*
 * main.c - the command trivet: a table of verbs.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/options.h"
#include "cli/verb.h"

static const struct verb {
	const char *name;
	const char *line;
	int (*run)(int argc, char **argv);
} verbs[] = {
	{"demo", "show a connection between this machine's TCP and Trivet, packet by packet", verb_demo},
	{"serve", "listen behind a TUN device: echo, discard, or the files of a directory", verb_serve},
	{"explain", "say which handshake in a capture file failed, where, and why", verb_explain},
	{"ladder", "draw a connection of a capture file, packet by packet", verb_ladder},
	{"watch", "tell of each connection that opens, fails, stalls or closes, as it happens", verb_watch},
	{"ls", "list the connections of running Trivet stacks, or of this machine's TCP", verb_ls},
	{"check", "try to connect to a host, and say what happened and where the time went", verb_check},
	{"scan", "say which ports of a host are open, closed, filtered, and what tells", verb_scan},
	{"connect", "open a connection through a TUN device, and copy it to the terminal", verb_connect},
};

enum { VERBS = sizeof verbs / sizeof *verbs };

static void print_help(void)
{
	printf("Trivet is TCP you can hold in your hand.\n\n"
	       "Usage: trivet VERB [FLAGS] [OPERANDS]\n\n");
	for (int i = 0; i < VERBS; i++)
		printf("  %-10s %s\n", verbs[i].name, verbs[i].line);
	printf("\n'trivet VERB --help' tells the flags of a verb; trivet(1) has examples.\n"
	       "Begin with: trivet demo\n");
}

_Noreturn static void unknown_verb(const char *word)
{
	const char *names[VERBS + 1] = {0}, *like;

	for (int i = 0; i < VERBS; i++)
		names[i] = verbs[i].name;
	like = nearest(word, names);
	if (word[0] == '-')
		usage_error(NULL, "unknown flag '%s'", word);
	if (like)
		usage_error(NULL, "unknown verb '%s' (did you mean '%s'?)", word, like);
	usage_error(NULL, "unknown verb '%s'", word);
}

/* What was printed counts only if it arrived (a full disk, a closed pipe). */
static int finish(int status)
{
	if (fflush(stdout) != 0 || ferror(stdout)) {
		perror("trivet: standard output");
		return status ? status : EXIT_FAILED;
	}
	return status;
}

/* Whoever starts us with the standard input closed shall not have a TUN device read as input. */
static void fill_standard_files(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= 2);
	if (fd > 2)
		close(fd);
}

int main(int argc, char **argv)
{
	const char *word = argc > 1 ? argv[1] : NULL;

	fill_standard_files();
	if (!word) {
		print_help();
		finish(EXIT_FINE);
		return EXIT_USAGE;
	}
	if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0) {
		print_help();
		return finish(EXIT_FINE);
	}
	if (strcmp(word, "--version") == 0) {
		printf("trivet %d.%d\n", TV_VERSION_MAJOR, TV_VERSION_MINOR);
		return finish(EXIT_FINE);
	}
	for (int i = 0; i < VERBS; i++)
		if (strcmp(word, verbs[i].name) == 0)
			return finish(verbs[i].run(argc - 1, argv + 1));
	unknown_verb(word);
}
