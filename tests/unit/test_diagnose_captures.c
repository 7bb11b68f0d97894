/*
 * test_diagnose_captures.c - the kept captures: each gets exactly the findings of its row in
 * tests/captures/verdicts.tsv (problems and unknowns no more and no less; the row's word in any case),
 * with its severity, certainty, proof and exit status. And docs/VERDICTS.md is the table's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "diagnose/verdict.h"
#include "links/records.h"

enum { COLUMNS = 8 };

struct row {
	char file[96], word[48], severity[16], certainty[16], proof[64];
	int exit;
};

static bool read_row(FILE *f, struct row *row)
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
	snprintf(row->file, sizeof row->file, "tests/captures/%s", cell[0]);
	snprintf(row->word, sizeof row->word, "%s", cell[3]);
	snprintf(row->severity, sizeof row->severity, "%s", cell[4]);
	snprintf(row->certainty, sizeof row->certainty, "%s", cell[5]);
	snprintf(row->proof, sizeof row->proof, "%s", cell[6]);
	row->exit = atoi(cell[7]);
	return true;
}

static void explain(const char *file, struct report *report)
{
	struct link_fault fault;
	struct records *records = records_open(file, NULL, &fault);
	struct tracker *tracker = tracker_new(0, NULL, NULL);
	struct records_packet r;

	assert_non_null(records);
	assert_non_null(tracker);
	while (records_next(records, &r)) {
		struct packet_record record = {.number = r.number, .time = r.time, .link_type = r.link_type,
			.len = r.len, .wire_len = r.wire_len, .data = r.data};
		struct packet p;

		(void)packet_read(&p, &record);
		tracker_count(tracker, &p, r.link_type);
		(void)tracker_take(tracker, &p);
	}
	verdict_all(tracker, report);
	tracker_free(tracker);
	records_close(records);
}

static bool cites(const struct finding *f, const char *proof)
{
	for (const char *p = proof; *p; p += strcspn(p, ","), p += *p == ',') {
		uint32_t number = (uint32_t)atoi(p);
		bool found = false;

		for (uint32_t i = 0; i < f->frame_count; i++)
			found |= f->frames[i].first <= number && number <= f->frames[i].last;
		if (!found)
			return false;
	}
	return true;
}

static bool meets(const struct row *row, const struct report *report)
{
	bool met = false;
	unsigned bad = 0;

	for (size_t i = 0; i < report->count; i++) {
		const struct finding *f = &report->list[i];
		const struct word_info *w = word_info(f->word);

		enum severity severity = finding_severity(f);

		bad += severity == SEVERITY_PROBLEM || severity == SEVERITY_UNKNOWN;
		met |= strcmp(w->name, row->word) == 0 && strcmp(severity_name(severity), row->severity) == 0 &&
			strcmp(certainty_name(f->certainty), row->certainty) == 0 && cites(f, row->proof) &&
			f->frame_count <= FRAMES_MAX;
	}
	if (strcmp(row->severity, "problem") == 0 || strcmp(row->severity, "unknown") == 0)
		return met && bad == 1 && report_status(report) == row->exit;
	return met && bad == 0 && report_status(report) == row->exit;
}

static void test_diagnose_captures_get_their_verdicts(void **state)
{
	FILE *f = fopen("tests/captures/verdicts.tsv", "r");
	unsigned rows = 0, met = 0;
	char header[256];
	struct row row;

	(void)state;
	assert_non_null(f);
	assert_non_null(fgets(header, sizeof header, f));
	while (read_row(f, &row)) {
		struct report report = {.keep_healthy = true};

		explain(row.file, &report);
		rows++;
		if (meets(&row, &report)) {
			met++;
		} else {
			print_message("%s: not %s:", row.file, row.word);
			for (size_t i = 0; i < report.count; i++)
				print_message(" %s", word_info(report.list[i].word)->name);
			print_message("\n");
		}
		report_free(&report);
	}
	fclose(f);
	assert_true(rows >= 57);
	assert_int_equal(met, rows);
}

struct compare {
	FILE *file;
	bool same;
};

static void compare(void *user, const char *text, size_t len)
{
	struct compare *c = user;

	for (size_t i = 0; i < len; i++)
		c->same &= fgetc(c->file) == (unsigned char)text[i];
}

static void test_diagnose_words_are_in_the_document(void **state)
{
	struct compare c = {fopen("docs/VERDICTS.md", "r"), true};

	(void)state;
	assert_non_null(c.file);
	words_markdown(compare, &c);
	assert_true(c.same);
	assert_int_equal(fgetc(c.file), EOF);
	fclose(c.file);
}

static void test_diagnose_words_have_a_row_each(void **state)
{
	(void)state;
	for (unsigned i = WORD_OK; i < WORD_COUNT; i++) {
		const struct word_info *w = word_info((enum word)i);

		assert_non_null(w->name);
		assert_true(strlen(w->sentence) > 20);
		if (w->severity == SEVERITY_PROBLEM)
			assert_true(strlen(w->next) > 0);
		for (unsigned j = i + 1; j < WORD_COUNT; j++)
			assert_string_not_equal(w->name, word_info((enum word)j)->name);
	}
}

/* The table of ICMP codes. */
static void test_diagnose_icmp_codes_map_to_words(void **state)
{
	static const struct {
		bool v6;
		uint8_t type, code;
		enum word word;
	} rows[] = {
		{false, 3, 0, WORD_ICMP_NET_UNREACHABLE}, {false, 3, 6, WORD_ICMP_NET_UNREACHABLE},
		{false, 3, 11, WORD_ICMP_NET_UNREACHABLE}, {true, 1, 0, WORD_ICMP_NET_UNREACHABLE},
		{false, 3, 1, WORD_ICMP_HOST_UNREACHABLE}, {false, 3, 7, WORD_ICMP_HOST_UNREACHABLE},
		{false, 3, 12, WORD_ICMP_HOST_UNREACHABLE}, {true, 1, 3, WORD_ICMP_HOST_UNREACHABLE},
		{false, 3, 8, WORD_ICMP_HOST_UNREACHABLE}, {false, 3, 9, WORD_ICMP_ADMIN_PROHIBITED},
		{false, 3, 10, WORD_ICMP_ADMIN_PROHIBITED}, {false, 3, 13, WORD_ICMP_ADMIN_PROHIBITED},
		{false, 3, 14, WORD_ICMP_ADMIN_PROHIBITED}, {false, 3, 15, WORD_ICMP_ADMIN_PROHIBITED},
		{true, 1, 1, WORD_ICMP_ADMIN_PROHIBITED}, {true, 1, 5, WORD_ICMP_ADMIN_PROHIBITED},
		{true, 1, 6, WORD_ICMP_ADMIN_PROHIBITED}, {false, 3, 3, WORD_ICMP_PORT_UNREACHABLE},
		{true, 1, 4, WORD_ICMP_PORT_UNREACHABLE}, {false, 3, 2, WORD_ICMP_PROTOCOL_UNREACHABLE},
		{true, 4, 1, WORD_ICMP_PROTOCOL_UNREACHABLE}, {false, 3, 5, WORD_ICMP_NET_UNREACHABLE},
		{true, 1, 2, WORD_ICMP_NET_UNREACHABLE}, {true, 1, 7, WORD_ICMP_NET_UNREACHABLE},
		{false, 11, 0, WORD_ICMP_TTL_EXCEEDED}, {true, 3, 0, WORD_ICMP_TTL_EXCEEDED},
		{false, 11, 1, WORD_ICMP_OTHER}, {false, 12, 0, WORD_ICMP_OTHER}, {true, 4, 0, WORD_ICMP_OTHER},
		{false, 3, 16, WORD_ICMP_OTHER}};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		assert_int_equal(word_of_icmp(tv_icmp_kind(rows[i].v6, rows[i].type, rows[i].code)), rows[i].word);
	assert_int_equal(tv_icmp_kind(false, 3, 4), TV_ICMP_TOO_BIG);
	assert_int_equal(tv_icmp_kind(true, 2, 0), TV_ICMP_TOO_BIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_diagnose_captures_get_their_verdicts),
		cmocka_unit_test(test_diagnose_words_are_in_the_document),
		cmocka_unit_test(test_diagnose_words_have_a_row_each),
		cmocka_unit_test(test_diagnose_icmp_codes_map_to_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
