/*
 * count.c - life-instructions: instructions for each cycle of life-64, counted by callgrind. The number
 * is the same on every run and on every machine with the same compiler, so it shows what a change costs
 * when the clock of a busy machine cannot.
 *
 * The program runs itself under valgrind with --count life-64; callgrind counts only inside
 * COUNT_FUNCTION, whose COUNT_CYCLES cycles begin when the TIME-WAIT table is full and each of them has
 * to evict an old record. valgrind knows no AVX-512, so the kernels of src/arch are those for AVX2.
 */
#define _GNU_SOURCE
#include "bench.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static _Noreturn void be_callgrind(const char *self, int report)
{
	char log[64];
	int null = open("/dev/null", O_RDWR);

	snprintf(log, sizeof log, "--log-fd=%d", report);
	dup2(null, STDOUT_FILENO);
	dup2(null, STDERR_FILENO);
	execlp("valgrind", "valgrind", "--tool=callgrind", "--toggle-collect=" COUNT_FUNCTION,
		"--callgrind-out-file=/dev/null", log, self, "--count", life_bench.name, (char *)NULL);
	_exit(127);
}

/* The number behind "Collected : " in callgrind's report; 0: there is none. */
static uint64_t collected(FILE *report)
{
	unsigned long long found = 0;
	char line[512];

	while (fgets(line, sizeof line, report) != NULL) {
		const char *at = strstr(line, "Collected : ");

		if (at != NULL)
			found = strtoull(at + strlen("Collected : "), NULL, 10);
	}
	return found;
}

static struct result failed(const char *why)
{
	struct result r = {0};

	snprintf(r.not_run, sizeof r.not_run, "%s", why);
	return r;
}

static struct result run(const struct options *o)
{
	struct result r = {0};
	char self[4096];
	ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
	uint64_t instructions;
	int fds[2], status;
	FILE *report;
	pid_t pid;

	(void)o;
	if (n < 0 || pipe(fds) < 0)
		return failed("this program cannot be run again");
	self[n] = 0;
	pid = fork();
	if (pid == 0)
		be_callgrind(self, fds[1]);
	close(fds[1]);
	report = pid < 0 ? NULL : fdopen(fds[0], "r");
	if (report == NULL)
		return failed("this program cannot be run again");
	instructions = collected(report);
	fclose(report);
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return failed("valgrind was interrupted");
	if (WEXITSTATUS(status) == 127)
		return failed("valgrind is not installed");
	/* The program below it has verified what it moved. */
	r.ok = WEXITSTATUS(status) == 0 && instructions != 0;
	r.value = (double)instructions / COUNT_CYCLES;
	snprintf(r.detail, sizeof r.detail, "\"cycles\": %d, \"counted_with\": \"avx2 at most\"", COUNT_CYCLES);
	return r;
}

const struct bench instructions_bench = {"life-instructions", "instructions/cycle", true, false, run};
