/*
 * main.c - test_attacks [--quick] [ID...]: runs the cases of tests/attack/cases.tsv and prints a line for each:
 * what became of it, id, name, the limit that is asked, what was measured.
 *
 *   ok       held
 *   FAIL     did not; has no test; docs/SECURITY.md says something else of it
 *   owed     needs a part that is not built yet
 *   argued   answered in writing, in docs/SECURITY.md
 *
 * The last line counts them. Exit status 1 if a case failed.
 */
#include "attack.h"

#include <sys/wait.h>
#include <unistd.h>

#define CASES_MAX 200u

static const char *const owed[] = {
	"CC-02", "CC-04", "CC-05", "CC-06", "CC-10", "CC-11", "BL-08", "FL-21", "FL-22", "PA-13"};
static const char *const argued[] = {"DI-06"};
static const struct attack_case *const chapters[] = {
	attack_guess,
	attack_parse,
	attack_parse_more,
	attack_flood,
	attack_fastopen,
	attack_hold,
	attack_blind,
	attack_blind_more,
	attack_share,
	attack_stream,
	attack_more,
	attack_two,
	attack_stall,
	attack_flags,
	attack_pieces,
	attack_offload,
};

static unsigned passed, failures, owing, arguing;

static bool listed(const char *id, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(list[i], id) == 0)
			return true;
	return false;
}

static const struct attack_case *find(const char *id)
{
	for (size_t i = 0; i < COUNT(chapters); i++)
		for (const struct attack_case *c = chapters[i]; c->id != NULL; c++)
			if (strcmp(c->id, id) == 0)
				return c;
	return NULL;
}

/* In a child: a crash, or a broken invariant of the stack, ends that alone. */
static void run(const struct attack_case *c, struct attack *a)
{
	struct attack got;
	int fds[2], status;
	pid_t pid;

	if (pipe(fds) < 0 || (pid = fork()) < 0) {
		must(a, false, "a process of its own");
		return;
	}
	if (pid == 0) {
		dup2(STDERR_FILENO, STDOUT_FILENO);
		c->run(a);
		_exit(write(fds[1], a, sizeof *a) == (ssize_t)sizeof *a ? 0 : 1);
	}
	close(fds[1]);
	if (read(fds[0], &got, sizeof got) == (ssize_t)sizeof got)
		*a = got;
	else
		must(a, false, "the test came to its end");
	close(fds[0]);
	waitpid(pid, &status, 0);
}

/* Does the table of docs/SECURITY.md say of this case that it is `shown` so? */
static bool told(const char *id, const char *shown)
{
	FILE *f = fopen("docs/SECURITY.md", "r");
	char line[1000], start[20], end[20];
	bool yes = false;

	snprintf(start, sizeof start, "| %s |", id);
	snprintf(end, sizeof end, "| %s |\n", shown);
	while (f != NULL && !yes && fgets(line, sizeof line, f) != NULL)
		yes = strncmp(line, start, strlen(start)) == 0 && strlen(line) > strlen(end) &&
		      strcmp(line + strlen(line) - strlen(end), end) == 0;
	if (f != NULL)
		fclose(f);
	return yes;
}

static void one(char *line, bool quick)
{
	char *id = strtok(line, "\t"), *name = strtok(NULL, "\t"), *limit = strtok(NULL, "\n");
	const struct attack_case *c = find(id);
	bool owes = c == NULL && listed(id, owed, COUNT(owed)), argues = c == NULL && listed(id, argued, COUNT(argued));
	struct attack a = {.quick = quick};

	if (c != NULL)
		run(c, &a);
	must(&a, c != NULL || owes || argues, "there is a test");
	must(&a, told(id, owes ? "owed" : argues ? "argued" : "tested"), "docs/SECURITY.md says the same");
	if (a.failed || c != NULL) {
		*(a.failed ? &failures : &passed) += 1;
		printf("%s %s %s: asked: %s: measured: %s\n", a.failed ? "FAIL" : "ok", id, name, limit, a.measured);
	} else if (owes) {
		owing++;
		printf("owed %s %s: asked: %s: needs loss recovery of the sender\n", id, name, limit);
	} else {
		arguing++;
		printf("argued %s %s: see docs/SECURITY.md\n", id, name);
	}
	fflush(stdout);
}

static bool wanted(const char *line, char **ids, int n)
{
	for (int i = 0; i < n; i++)
		if (strncmp(line, ids[i], strlen(ids[i])) == 0 && line[strlen(ids[i])] == '\t')
			return true;
	return n == 0;
}

int main(int argc, char **argv)
{
	bool quick = false;
	char line[1000];
	FILE *f = fopen("tests/attack/cases.tsv", "r");

	for (argc--, argv++; argc > 0 && argv[0][0] == '-'; argc--, argv++)
		quick = quick || strcmp(argv[0], "--quick") == 0;
	if (f == NULL || fgets(line, sizeof line, f) == NULL) {
		fprintf(stderr, "test_attacks: tests/attack/cases.tsv: run it where that is\n");
		return 2;
	}
	while (fgets(line, sizeof line, f) != NULL)
		if (wanted(line, argv, argc))
			one(line, quick);
	fclose(f);
	printf("%u passed, %u failed, %u owed, %u argued\n", passed, failures, owing, arguing);
	return failures != 0;
}
