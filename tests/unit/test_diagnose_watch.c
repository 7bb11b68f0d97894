/*
 * test_diagnose_watch.c - verdicts while it happens: the kept captures are played as if they were live,
 * with a look at silences every quarter of a second. What is told must agree with what `explain` says
 * when it knows the end, and of healthy connections no ill may be told.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "diagnose/verdict.h"
#include "diagnose/watch.h"
#include "links/records.h"

enum { COLUMNS = 8, EVENTS = 4096 };

/* What was told, in order. */
struct log {
	unsigned count, opened, ended, stalled, resumed;
	struct {
		enum watch_what what;
		enum word word;
		enum certainty certainty;
		uint32_t connection;
		tv_time time;
	} list[EVENTS];
	tv_time first;
};

static void on_event(void *user, const struct watch_event *e)
{
	struct log *log = user;

	assert_true(log->count < EVENTS);
	log->list[log->count].what = e->what;
	log->list[log->count].word = e->finding ? e->finding->word : WORD_NONE;
	log->list[log->count].certainty = e->finding ? e->finding->certainty : CERTAIN;
	log->list[log->count].connection = e->c->number;
	log->list[log->count++].time = e->time;
	log->opened += e->what == WATCH_OPENED;
	log->ended += e->what == WATCH_CLOSED || e->what == WATCH_FAILED;
	log->stalled += e->what == WATCH_STALLED;
	log->resumed += e->what == WATCH_RESUMED;
}

/* Plays a file, then lets `behind` pass without a packet. */
static struct watch *play(const char *file, struct log *log, tv_time behind, struct report *report)
{
	struct link_fault fault;
	struct records *records = records_open(file, NULL, &fault);
	struct watch *w = watch_new(0, on_event, log);
	struct records_packet r;
	tv_time now = 0;

	assert_non_null(records);
	assert_non_null(w);
	memset(log, 0, sizeof *log);
	while (records_next(records, &r)) {
		struct packet_record record = {.number = r.number, .time = r.time, .link_type = r.link_type,
			.len = r.len, .wire_len = r.wire_len, .data = r.data};
		struct packet p;

		if (!now)
			log->first = now = r.time;
		for (; now + WATCH_TICK < r.time; now += WATCH_TICK)
			watch_tick(w, now + WATCH_TICK);
		(void)packet_read(&p, &record);
		watch_take(w, &p, r.link_type);
	}
	for (tv_time end = now + behind; now < end; now += WATCH_TICK)
		watch_tick(w, now + WATCH_TICK);
	watch_end(w, report);
	records_close(records);
	return w;
}

static bool read_row(FILE *f, char *file, char *word, char *severity)
{
	char line[512], *cell[COLUMNS], *at = line;

	if (!fgets(line, sizeof line, f))
		return false;
	for (unsigned i = 0; i < COLUMNS; i++) {
		cell[i] = at;
		at += strcspn(at, "\t\n");
		if (*at)
			*at++ = 0;
	}
	snprintf(file, 128, "tests/captures/%s", cell[0]);
	snprintf(word, 64, "%s", cell[3]);
	snprintf(severity, 64, "%s", cell[4]);
	return true;
}

static bool has_problem(const struct log *log)
{
	for (unsigned i = 0; i < log->count; i++)
		if (log->list[i].word != WORD_NONE && word_info(log->list[i].word)->severity == SEVERITY_PROBLEM)
			return true;
	return false;
}

/* Each attempt of a scan or a flood that fails is told when it fails: that it was none to worry about is
 * seen in all of them together. */
static bool is_of_many(const char *word)
{
	return strcmp(word, "syn-scan") == 0 || strcmp(word, "syn-flood-survived") == 0;
}

/* What is told while it happens is told of the same capture at its end, too, or is part of a larger word. */
static bool is_told(const struct log *log, const struct report *report, const char *word)
{
	for (unsigned i = 0; i < log->count; i++)
		if (log->list[i].word != WORD_NONE && strcmp(word_info(log->list[i].word)->name, word) == 0)
			return true;
	for (size_t i = 0; i < report->count; i++)
		if (strcmp(word_info(report->list[i].word)->name, word) == 0)
			return true;
	return false;
}

static void test_watch_agrees_with_explain_on_the_captures(void **state)
{
	FILE *f = fopen("tests/captures/verdicts.tsv", "r");
	char line[256], file[128], word[64], severity[64];
	static struct log log;
	unsigned wrong = 0;

	(void)state;
	assert_non_null(f);
	assert_non_null(fgets(line, sizeof line, f));
	while (read_row(f, file, word, severity)) {
		struct report report = {.keep_healthy = true};
		struct watch *w = play(file, &log, 0, &report);
		bool problem = strcmp(severity, "problem") == 0;

		if (!is_told(&log, &report, word) || (!problem && has_problem(&log) && !is_of_many(word))) {
			print_message("%s: not %s, but:", file, word);
			for (unsigned i = 0; i < log.count; i++)
				print_message(" %s %s", watch_name(log.list[i].what), word_info(log.list[i].word)->name);
			print_message("\n");
			wrong++;
		}
		/* What has ended has not ended twice, and nothing goes on that did not stop. */
		assert_true(log.resumed <= log.stalled);
		report_free(&report);
		watch_free(w);
	}
	fclose(f);
	assert_int_equal(wrong, 0);
}

/* The n-th thing that is told. */
static void expect(const struct log *log, unsigned n, enum watch_what what, enum word word)
{
	if (n >= log->count)
		fail_msg("only %u events", log->count);
	assert_string_equal(watch_name(log->list[n].what), watch_name(what));
	assert_string_equal(word_info(log->list[n].word)->name, word_info(word)->name);
}

static void run(const char *file, struct log *log, tv_time behind)
{
	struct report report = {.keep_healthy = false};
	struct watch *w = play(file, log, behind, &report);

	report_free(&report);
	watch_free(w);
}

static void test_watch_refusal_is_told_at_once(void **state)
{
	static struct log log;

	(void)state;
	run("tests/captures/02-refused-closed-port.pcap", &log, 0);
	expect(&log, 0, WATCH_FAILED, WORD_REFUSED);
	run("tests/captures/04-icmp-admin-prohibited.pcap", &log, 0);
	expect(&log, 0, WATCH_FAILED, WORD_ICMP_ADMIN_PROHIBITED);
	assert_int_equal(log.list[0].certainty, CERTAIN);
}

static void test_watch_healthy_connection_opens_and_closes(void **state)
{
	static struct log log;

	(void)state;
	run("tests/captures/01-success-http.pcap", &log, 60 * TV_S);
	assert_int_equal(log.count, 2);
	expect(&log, 0, WATCH_OPENED, WORD_NONE);
	expect(&log, 1, WATCH_CLOSED, WORD_NONE);
}

/* A stall as soon as a SYN was repeated; a failure when the next repeat does not come. */
static void test_watch_unanswered_syn_stalls_and_then_fails(void **state)
{
	static struct log log;

	(void)state;
	run("tests/captures/03-filtered-syn-dropped.pcap", &log, 0);
	expect(&log, 0, WATCH_STALLED, WORD_SYN_UNANSWERED);
	assert_true(log.list[0].time - log.first < 2 * TV_S); /* Linux repeats it after one second */
	assert_int_equal(log.ended, 0);
	run("tests/captures/03-filtered-syn-dropped.pcap", &log, 300 * TV_S);
	expect(&log, log.count - 1, WATCH_FAILED, WORD_SYN_UNANSWERED);
	assert_int_equal(log.ended, 1);
}

/* So many connections at once that the first must be forgotten: each is told of all the same. */
static void test_watch_forgets_the_silent_and_tells_of_them(void **state)
{
	static struct log log;
	struct watch *w = watch_new(8, on_event, &log);
	uint8_t ip[40] = {0x45, 0, 0, 40, 0, 0, 0x40, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, 0, 0, 0, 80,
		[32] = 0x50, [33] = TV_SYN, 0xff, 0xff};
	uint64_t number = 0;

	(void)state;
	memset(&log, 0, sizeof log);
	assert_non_null(w);
	for (unsigned i = 0; i < 1000; i++)
		for (unsigned again = 0; again < 2; again++) {
			tv_time time = TV_S + i * TV_S + again * 500 * TV_MS;
			struct packet_record record = {.number = ++number, .time = time, .link_type = 101,
				.len = sizeof ip, .wire_len = sizeof ip, .data = ip};
			struct packet p;

			ip[20] = (uint8_t)(i >> 8);
			ip[21] = (uint8_t)i;
			assert_true(packet_read(&p, &record));
			watch_take(w, &p, 101);
		}
	/* No look at silences came between: those that had to go were judged when they went. */
	assert_int_equal(log.stalled, 1000 - 8);
	assert_int_equal(watch_tracker(w)->connections, 1000);
	for (unsigned i = 0; i < log.count; i++) {
		assert_int_equal(log.list[i].word, WORD_SYN_UNANSWERED);
		assert_int_equal(log.list[i].connection, i + 1);
	}
	watch_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_watch_agrees_with_explain_on_the_captures),
		cmocka_unit_test(test_watch_refusal_is_told_at_once),
		cmocka_unit_test(test_watch_healthy_connection_opens_and_closes),
		cmocka_unit_test(test_watch_unanswered_syn_stalls_and_then_fails),
		cmocka_unit_test(test_watch_forgets_the_silent_and_tells_of_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
