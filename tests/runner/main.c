/*
 * trivet-script [OPTIONS] FILE...: runs scripts, prints a line for each, and a sum.
 *
 * Exit status: 0 all passed, 1 something failed, 2 usage, 3 a file could not be read.
 */
#include "run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
	"usage: trivet-script [OPTIONS] FILE...\n"
	"Runs scripts in the packetdrill language against the Trivet stack, in virtual time.\n"
	"\n"
	"  -v                  print every packet\n"
	"  -q                  print only what failed, and the sum\n"
	"  --check             read the scripts, do not run them\n"
	"  --ip_version=V      only ipv4, ipv6 or ipv4-mapped-ipv6\n"
	"  -D NAME=VALUE       NAME stands for VALUE in every script\n"
	"  -h, --help          print this\n"
	"\n"
	"docs/SCRIPTS.md describes the language.\n";

struct settings {
	bool verbose;
	bool quiet;
	bool check;
	unsigned versions; /* bit n: enum ip_version n */
	struct script_define *defines;
};

static const char *const version_names[] = {"ipv4", "ipv6", "ipv4-mapped-ipv6"};

/* ------------------------------------------------------------------------- one script --- */

/* Returns the whole file, or NULL with a message printed. */
static char *load(const char *path, size_t *length)
{
	FILE *file = fopen(path, "rb");
	char *text = NULL;
	size_t room = 0;

	if (file == NULL) {
		perror(path);
		return NULL;
	}
	*length = 0;
	do {
		room = room * 2 + 65536;
		char *more = realloc(text, room);
		if (more == NULL) {
			perror(path);
			exit(3);
		}
		text = more;
		*length += fread(text + *length, 1, room - *length, file);
	} while (*length == room);
	if (ferror(file)) {
		perror(path);
		free(text);
		text = NULL;
	}
	fclose(file);
	return text;
}

/* Prints text with every line indented. */
static void print_indented(const char *text)
{
	while (*text != '\0') {
		int n = (int)strcspn(text, "\n");
		printf("      %.*s\n", n, text);
		text += n + (text[n] == '\n');
	}
}

static void print_notes(const struct setup_note *note)
{
	if (note == NULL)
		return;
	printf("      not honoured:");
	for (; note != NULL; note = note->next)
		printf(" %s%s", note->text, note->next != NULL ? "," : "\n");
}

static bool run_version(const struct settings *settings, struct script *script,
                        enum ip_version version, bool notes)
{
	struct run_result result;

	if (settings->verbose)
		printf("%s %s\n", script->path, version_names[version]);
	run_script(script, version, settings->verbose, &result);
	if (result.outcome != RUN_PASSED) {
		printf("FAIL  %s:%d (%s)%s\n", script->path, result.line, version_names[version],
		       result.outcome == RUN_UNSUPPORTED ? ": not supported" : "");
		print_indented(result.fail.text);
	}
	if (notes || result.outcome != RUN_PASSED)
		print_notes(result.notes);
	return result.outcome == RUN_PASSED;
}

static bool run_versions(const struct settings *settings, struct script *script)
{
	struct fail f = {0};
	unsigned versions = setup_versions(script, &f);
	bool passed = true;
	bool notes = !settings->quiet;

	if (f.failed) {
		printf("FAIL  %s\n      %s\n", script->path, f.text);
		return false;
	}
	if (settings->versions != 0)
		versions = settings->versions;
	for (unsigned v = VERSION_IPV4; v <= VERSION_MAPPED; v++) {
		if ((versions & 1u << v) == 0)
			continue;
		passed = run_version(settings, script, (enum ip_version)v, notes && passed) &&
			passed;
		notes = false;
	}
	if (passed && !settings->quiet)
		printf("ok    %s\n", script->path);
	return passed;
}

/* 1 passed, 0 failed, -1 could not be read. */
static int run_file(const struct settings *settings, const char *path)
{
	struct script script;
	struct script_error error;
	size_t length;
	char *text = load(path, &length);
	bool passed;

	if (text == NULL)
		return -1;
	if (!script_read(&script, path, text, length, settings->defines, &error)) {
		printf("FAIL  %s:%d\n      %s\n", path, error.line, error.text);
		passed = false;
	} else {
		passed = settings->check || run_versions(settings, &script);
	}
	script_free(&script);
	free(text);
	return passed;
}

/* ------------------------------------------------------------------------- options ------ */

static int bad_usage(const char *what, const char *which)
{
	fprintf(stderr, "trivet-script: %s %s\n%s", what, which, usage);
	return 2;
}

static bool take_define(struct settings *settings, struct script_define *define, char *text)
{
	char *equals = strchr(text, '=');

	if (equals == NULL)
		return false;
	*equals = '\0';
	define->name = text;
	define->value = equals + 1;
	define->next = settings->defines;
	settings->defines = define;
	return true;
}

static bool take_version(struct settings *settings, const char *name)
{
	for (unsigned v = VERSION_IPV4; v <= VERSION_MAPPED; v++) {
		if (strcmp(name, version_names[v]) == 0) {
			settings->versions |= 1u << v;
			return true;
		}
	}
	return false;
}

/* Takes the options; returns the index of the first file, or a negative exit status. */
static int take_options(struct settings *settings, struct script_define *defines, int argc,
                        char **argv)
{
	static const char version[] = "--ip_version=";
	int i = 1;

	for (; i < argc && argv[i][0] == '-' && argv[i][1] != '\0'; i++) {
		if (strcmp(argv[i], "--") == 0)
			return i + 1;
		if (strcmp(argv[i], "-v") == 0)
			settings->verbose = true;
		else if (strcmp(argv[i], "-q") == 0)
			settings->quiet = true;
		else if (strcmp(argv[i], "--check") == 0)
			settings->check = true;
		else if (strcmp(argv[i], "-h") == 0 || strcmp(argv[i], "--help") == 0)
			return -1;
		else if (strncmp(argv[i], version, sizeof(version) - 1) == 0) {
			if (!take_version(settings, argv[i] + sizeof(version) - 1))
				return -bad_usage("unknown IP version:", argv[i]);
		} else if (strcmp(argv[i], "-D") == 0 && i + 1 < argc) {
			i++;
			if (!take_define(settings, &defines[i], argv[i]))
				return -bad_usage("-D needs NAME=VALUE, not", argv[i]);
		} else
			return -bad_usage("unknown option", argv[i]);
	}
	return i;
}

int main(int argc, char **argv)
{
	struct settings settings = {0};
	struct script_define *defines = calloc((size_t)argc + 1, sizeof(*defines));
	unsigned passed = 0;
	unsigned failed = 0;
	int status = 0;

	if (defines == NULL)
		return 3;
	int first = take_options(&settings, defines, argc, argv);
	if (first < 0 || first == argc) {
		if (first == -1)
			fputs(usage, stdout);
		else if (first == argc)
			bad_usage("no script given", "");
		free(defines);
		return first == -1 ? 0 : 2;
	}
	for (int i = first; i < argc; i++) {
		int outcome = run_file(&settings, argv[i]);
		passed += outcome == 1;
		failed += outcome == 0;
		if (outcome < 0)
			status = 3;
		fflush(stdout);
	}
	printf("%u passed, %u failed\n", passed, failed);
	free(defines);
	return status != 0 ? status : failed > 0 ? 1 : 0;
}
