/*
 * fuzz_page.c - a capture file from the input (capture.h), as trivet explain and trivet ladder show it: as
 * text, as a page, as ladders with their payload. Whatever the packets hold, no control character reaches
 * the terminal, and no element of theirs reaches the page.
 */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "capture.h"
#include "cli/explain_page.h"
#include "cli/findings.h"
#include "cli/reading.h"
#include "diagnose/verdict.h"

struct job {
	const char *path;
	struct tracker *tracker;
	struct report report;
	struct summary summary;
};

int LLVMFuzzerInitialize(int *argc, char ***argv);

/* What is printed is not wanted; libFuzzer speaks on the standard error. */
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	return freopen("/dev/null", "w", stdout) ? 0 : 1;
}

__attribute__((no_sanitize("coverage"))) static void must_be_plain(void *user, const char *text, size_t len)
{
	(void)user;
	for (size_t i = 0; i < len; i++)
		MUST(text[i] == '\n' || text[i] == '\t' || ((uint8_t)text[i] >= 0x20 && text[i] != 0x7f));
}

static unsigned count(const char *text, const char *word)
{
	unsigned n = 0;

	for (const char *at = text; (at = strstr(at, word)) != NULL; at++)
		n++;
	return n;
}

static void look_at_page(const struct job *job)
{
	const struct common common = {.quiet = true};
	const struct explain_page page = {&common, job->path, "", &job->report, &job->summary, true};
	int fd = memfd_create("page", 0);
	char path[64], *text;
	off_t len;

	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	MUST(fd >= 0 && explain_page(&page, path) == 0);
	len = lseek(fd, 0, SEEK_END);
	text = malloc((size_t)len + 1);
	MUST(text != NULL && pread(fd, text, (size_t)len, 0) == len);
	text[len] = 0;
	must_be_plain(NULL, text, (size_t)len);
	MUST(strlen(text) == (size_t)len && count(text, "<script") == 1 && count(text, "<h1") == 1);
	free(text);
	close(fd);
}

static void look_at_text(const struct job *job)
{
	const struct common common = {.quiet = false};
	char text[1024];

	for (size_t i = 0; i < job->report.count; i++) {
		finding_text(&job->report.list[i], text, sizeof text);
		must_be_plain(NULL, text, strlen(text));
		print_finding(&common, &job->report.list[i]);
		print_note(&common, &job->report.list[i]);
	}
}

/* The ladder of the first connection, with its payload. */
static void look_at_ladder(const struct job *job, bool ascii)
{
	const struct ladder_style style = {.ascii = ascii};
	struct tracker *tracker = tracker_new(64, NULL, NULL);
	struct ladder *ladder = ladder_new();
	struct link_fault fault;
	struct records *capture = records_open(job->path, "", &fault);
	struct packet p;
	uint16_t type;

	MUST(tracker && ladder);
	while (capture && reading_next(capture, &p, &type)) {
		const struct conn *c = tracker_take(tracker, &p);
		struct ladder_event event;

		if (!c || c->number != 1)
			continue;
		event = reading_event(c, &p, true);
		(void)ladder_packet(ladder, &event);
	}
	ladder_print(ladder, &style, must_be_plain, NULL);
	ladder_lines(ladder, must_be_plain, NULL);
	records_close(capture);
	ladder_free(ladder);
	tracker_free(tracker);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct job job = {.summary = {.damage = "", .unknown_link = "", .file = ""}};
	struct link_fault fault;
	struct records *capture;
	struct packet packet;
	char path[64];
	uint16_t type;
	int fd;

	if (n < CAPTURE_MIN || n > CAPTURE_MAX)
		return 0;
	fd = capture_file(p, n, path);
	job.path = path;
	job.tracker = tracker_new(0, NULL, NULL);
	job.report.keep_healthy = true;
	MUST(job.tracker != NULL);
	capture = records_open(path, "", &fault);
	while (capture && reading_next(capture, &packet, &type)) {
		tracker_count(job.tracker, &packet, type);
		(void)tracker_take(job.tracker, &packet);
	}
	verdict_all(job.tracker, &job.report);
	job.summary.counts = tracker_counts(job.tracker);
	if (capture) {
		job.summary.damage = records_damage(capture);
		job.summary.records = records_count(capture);
		look_at_page(&job);
	}
	look_at_text(&job);
	look_at_ladder(&job, (n & 1) != 0);
	records_close(capture);
	report_free(&job.report);
	tracker_free(job.tracker);
	close(fd);
	return 0;
}
