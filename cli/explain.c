/*
 * explain.c - trivet explain FILE [FILTER]: which handshake failed, where, and why.
 *
 * The records of a capture file go through diagnose/packet and diagnose/tracker; when the file ends,
 * diagnose/verdict judges, and this file prints. Nothing of a payload is printed.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/common.h"
#include "cli/explain_page.h"
#include "cli/findings.h"
#include "cli/reading.h"
#include "cli/verb.h"
#include "diagnose/verdict.h"

struct explain {
	struct common common;
	bool all, lines, words;
	const char *page;              /* --html */
	struct tracker *tracker;
	struct report report;
	struct summary summary;
	char unknown[32];
};

static void on_leave(void *user, struct conn *c)
{
	struct explain *e = user;

	verdict_leaving(e->tracker, &e->report, c);
}

/* ------------------------------------------------------------------------------------------ */
/* Text                                                                                        */

static void print_summary(const struct explain *e)
{
	const struct tracker_counts *n = e->summary.counts;
	char text[24];

	printf("%llu packet%s, %llu TCP, %llu ICMP error%s, %llu connection%s in %s; %llu went well.\n",
		(unsigned long long)e->summary.records, e->summary.records == 1 ? "" : "s",
		(unsigned long long)n->tcp, (unsigned long long)n->icmp, n->icmp == 1 ? "" : "s",
		(unsigned long long)n->connections, n->connections == 1 ? "" : "s",
		time_text(mark_time(&n->last) - mark_time(&n->first), text), (unsigned long long)e->report.healthy);
	if (e->summary.damage[0])
		printf("Mind: %s; what came before was read.\n", e->summary.damage);
	if (n->cut)
		printf("Mind: %llu packets were captured in part%s.\n", (unsigned long long)n->cut,
			n->options_cut ? ", and TCP options of some are cut off" : "");
	if (n->unknown_link)
		printf("Mind: %llu packets have the link type %s, which is not understood.\n",
			(unsigned long long)n->unknown_link, e->summary.unknown_link);
	if (e->report.short_of_memory)
		printf("Mind: there was not enough memory for all of it.\n");
}

static void print_text(const struct explain *e)
{
	bool notes = false;

	if (!e->common.quiet)
		print_summary(e);
	for (size_t i = 0; i < e->report.count; i++) {
		const struct finding *f = &e->report.list[i];
		enum severity s = finding_severity(f);

		if (s == SEVERITY_PROBLEM || s == SEVERITY_UNKNOWN) {
			print_finding(&e->common, f);
		} else if (s == SEVERITY_NOTE || e->all) {
			if (!notes)
				printf("\n");
			notes = true;
			print_note(&e->common, f);
		}
	}
}

/* ------------------------------------------------------------------------------------------ */
/* JSON                                                                                        */

static int print_json(const struct explain *e)
{
	char *text = report_json(&e->report, &e->summary, e->all);

	if (!text) {
		complain(&e->common, "out of memory");
		return EXIT_FAILED;
	}
	puts(text);
	free(text);
	return 0;
}

static int print_lines(const struct explain *e)
{
	for (size_t i = 0; i < e->report.count; i++) {
		char *text;

		if (!e->all && e->report.list[i].word == WORD_OK)
			continue;
		text = finding_json(&e->report.list[i]);
		if (!text)
			return EXIT_FAILED;
		puts(text);
		free(text);
	}
	return 0;
}

static void sink(void *user, const char *text, size_t len)
{
	fwrite(text, 1, len, user);
}

/* ------------------------------------------------------------------------------------------ */
/* The verb                                                                                    */

/* What was asked for, on the standard output or as a page. */
static int print_all(const struct explain *e, const char *path, const char *filter)
{
	const struct explain_page page = {&e->common, path, filter, &e->report, &e->summary, e->all};
	int status = e->page ? explain_page(&page, e->page) : 0;

	if (status)
		return status;
	if (e->common.json)
		return print_json(e);
	if (e->lines)
		return print_lines(e);
	print_text(e);
	return 0;
}

static int run(struct explain *e, const char *path, const char *filter)
{
	struct link_fault fault;
	struct records *capture = records_open(path, filter, &fault);
	struct packet p;
	uint16_t link_type;
	int status = 0;

	if (!capture) {
		complain(&e->common, "%s", fault.text);
		return fault.err == EINVAL && *filter ? EXIT_USAGE : EXIT_RIGHTS;
	}
	e->tracker = tracker_new(0, on_leave, e);
	if (!e->tracker) {
		records_close(capture);
		complain(&e->common, "out of memory");
		return EXIT_FAILED;
	}
	e->report.keep_healthy = e->all;
	while (reading_next(capture, &p, &link_type)) {
		tracker_count(e->tracker, &p, link_type);
		(void)tracker_take(e->tracker, &p);
	}
	verdict_all(e->tracker, &e->report);
	e->summary = (struct summary){.file = path, .counts = tracker_counts(e->tracker),
		.damage = records_damage(capture), .unknown_link = e->unknown, .records = records_count(capture)};
	snprintf(e->unknown, sizeof e->unknown, "%s",
		records_link_name(capture, e->summary.counts->unknown_link_type));
	status = print_all(e, path, filter);
	if (status == 0)
		status = report_status(&e->report);
	report_free(&e->report);
	tracker_free(e->tracker);
	records_close(capture);
	return status;
}

int verb_explain(int argc, char **argv)
{
	struct explain e = {.all = false};
	const struct option table[] = {
		{"all", 0, OPTION_FLAG, NULL, "show healthy connections too", &e.all, 0, 0},
		{"html", 0, OPTION_TEXT, "OUT", "write the report as a page too, with drawings", &e.page, 0, 0},
		{"jsonl", 0, OPTION_FLAG, NULL, "print JSON, one finding a line", &e.lines, 0, 0},
		{"words", 0, OPTION_FLAG, NULL, "print the table of words (docs/VERDICTS.md)", &e.words, 0, 0},
		{0},
	};
	const struct usage usage = {
		.verb = "explain",
		.synopsis = "FILE [FILTER]",
		.about = "Says of each connection in a capture file whether its handshake failed, where and why,\n"
			"which packets prove it, and what settles the rest. FILE may be -; FILTER is a pcap filter.\n"
			"Exit status: 1 if there is a problem, 4 if nothing can be judged, 0 otherwise.",
		.options = table,
		.examples = "  tcpdump -w try.pcap -i eth0 'tcp or icmp or icmp6' &\n"
			"  trivet explain try.pcap\n"
			"  trivet explain try.pcap port 443\n"
			"  trivet explain --json --all try.pcap\n"
			"  trivet explain --html report.html try.pcap",
	};
	int n = options_read(&usage, &e.common, argc, argv), status;
	char *filter, spool[40] = "";

	if (e.words) {
		words_markdown(sink, stdout);
		return EXIT_FINE;
	}
	if (n < 1)
		usage_error("explain", "which file?");
	filter = reading_filter(n - 1, argv + 2);
	if (!filter) {
		complain(&e.common, "out of memory");
		return EXIT_FAILED;
	}
	if (e.page && strcmp(argv[1], "-") == 0 && !explain_spool(&e.common, spool, sizeof spool)) {
		free(filter);
		return EXIT_RIGHTS;
	}
	status = run(&e, *spool ? spool : argv[1], filter);
	free(filter);
	return status;
}
