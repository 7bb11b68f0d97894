/*
 * fuzz_diagnose.c - a capture file from the input (capture.h): the reader of records, of packets, the
 * tracker, the rules, and the JSON of the report. A small limit on connections makes them leave.
 */
#include "capture.h"
#include "diagnose/verdict.h"

struct job {
	struct tracker *tracker;
	struct report report;
};

static void on_leave(void *user, struct conn *c)
{
	struct job *job = user;

	verdict_leaving(job->tracker, &job->report, c);
}

static void take(void *user, const struct packet_record *r)
{
	struct job *job = user;
	struct packet p;

	(void)packet_read(&p, r);
	tracker_count(job->tracker, &p, r->link_type);
	(void)tracker_take(job->tracker, &p);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct job job = {0};
	struct summary summary = {.damage = "", .unknown_link = "", .file = ""};
	char *text;

	if (n < CAPTURE_MIN || n > CAPTURE_MAX)
		return 0;
	job.tracker = tracker_new(8, on_leave, &job);
	MUST(job.tracker != NULL);
	capture_records(p, n, take, &job);
	verdict_all(job.tracker, &job.report);
	summary.counts = tracker_counts(job.tracker);
	text = report_json(&job.report, &summary, true);
	MUST(text != NULL);
	free(text);
	for (size_t i = 0; i < job.report.count; i++)
		MUST(job.report.list[i].frame_count <= FRAMES_MAX);
	report_free(&job.report);
	tracker_free(job.tracker);
	return 0;
}
