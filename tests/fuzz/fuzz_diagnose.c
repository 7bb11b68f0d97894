/*
 * fuzz_diagnose.c - a capture file from the input: the reader of records, of packets, the tracker, the
 * rules, and the JSON of the report. The first byte chooses how: as a file (0), or as records of a link
 * type that the input tells, in which case most of the input reaches the tracker. A small limit on
 * connections makes them leave.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "diagnose/verdict.h"
#include "links/records.h"

#define MUST(condition) ((condition) ? (void)0 : abort())

struct job {
	struct tracker *tracker;
	struct report report;
};

static void on_leave(void *user, struct conn *c)
{
	struct job *job = user;

	verdict_leaving(job->tracker, &job->report, c);
}

static void take(struct job *job, const struct packet_record *r)
{
	uint8_t *copy = malloc(r->len ? r->len : 1);
	struct packet_record exact = *r;
	struct packet p;

	/* A copy of exactly the length that is there, so that a read beyond it is seen. */
	MUST(copy != NULL);
	memcpy(copy, r->data, r->len);
	exact.data = copy;
	(void)packet_read(&p, &exact);
	tracker_count(job->tracker, &p, r->link_type);
	(void)tracker_take(job->tracker, &p);
	free(copy);
}

static void as_file(struct job *job, const uint8_t *p, size_t n)
{
	struct link_fault fault;
	struct records_packet r;
	struct records *records;
	char path[64];
	int fd = memfd_create("capture", 0);

	MUST(fd >= 0 && write(fd, p, n) == (ssize_t)n);
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	records = records_open(path, NULL, &fault);
	while (records && records_next(records, &r))
		take(job, &(struct packet_record){.number = r.number, .time = r.time, .link_type = r.link_type,
			.len = r.len, .wire_len = r.wire_len, .data = r.data});
	records_close(records);
	close(fd);
}

/* Records of: milliseconds since the last (1), length (1), bytes. */
static void as_records(struct job *job, uint16_t link_type, const uint8_t *p, size_t n)
{
	struct packet_record r = {.link_type = link_type, .time = 1700000000 * TV_S};

	while (n >= 2) {
		r.number++;
		r.time += (uint64_t)p[0] * p[0] * TV_MS;
		r.len = p[1] < n - 2 ? p[1] : (uint32_t)(n - 2);
		r.wire_len = p[1];
		r.data = p + 2;
		take(job, &r);
		p += 2 + r.len;
		n -= 2 + r.len;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const uint16_t types[] = {1, 101, 113, 276, 0, 51, 9};
	struct job job = {0};
	struct summary summary = {.damage = "", .unknown_link = "", .file = ""};
	char *text;

	if (n < 2 || n > 4096)
		return 0;
	job.tracker = tracker_new(8, on_leave, &job);
	MUST(job.tracker != NULL);
	if (p[0] == 0)
		as_file(&job, p + 1, n - 1);
	else
		as_records(&job, types[p[0] % (sizeof types / sizeof *types)], p + 1, n - 1);
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
