/*
 * fuzz_watch.c - a capture from the input (capture.h), watched while it happens: what is told of a
 * connection fits what was told of it before, and every verdict has a name and a proof.
 */
#include "capture.h"
#include "diagnose/watch.h"

enum { MOST = 8 };

struct job {
	struct watch *watch;
	tv_time last;
	uint64_t told[WATCH_CLOSED + 1];
};

static void on_event(void *user, const struct watch_event *e)
{
	struct job *job = user;
	char text[1024];

	MUST(e->what <= WATCH_CLOSED && e->c != NULL && watch_name(e->what) != NULL);
	job->told[e->what]++;
	if (!e->finding)
		return;
	MUST((unsigned)e->finding->word < WORD_COUNT && e->finding->frame_count <= FRAMES_MAX);
	finding_text(e->finding, text, sizeof text);
}

static void take(void *user, const struct packet_record *r)
{
	struct job *job = user;
	struct packet p;

	/* A live capture falls silent before a packet that comes late. */
	for (unsigned i = 0; i < 8 && job->last && r->time > job->last + WATCH_TICK; i++)
		watch_tick(job->watch, job->last += WATCH_TICK);
	job->last = r->time;
	(void)packet_read(&p, r);
	watch_take(job->watch, &p, r->link_type);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	const struct watch_counts *counts;
	struct report report = {0};
	struct job job = {0};

	if (n < CAPTURE_MIN || n > CAPTURE_MAX)
		return 0;
	job.watch = watch_new(MOST, on_event, &job);
	MUST(job.watch != NULL);
	capture_records(p, n, take, &job);
	for (unsigned i = 1; i <= 4; i++)
		watch_tick(job.watch, job.last + i * 20 * TV_S);
	watch_end(job.watch, &report);
	counts = watch_counts(job.watch);
	MUST(counts->opened == job.told[WATCH_OPENED] && counts->closed == job.told[WATCH_CLOSED] &&
		counts->resumed == job.told[WATCH_RESUMED]);
	report_free(&report);
	watch_free(job.watch);
	return 0;
}
