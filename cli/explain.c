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
#include "cli/reading.h"
#include "cli/verb.h"
#include "diagnose/verdict.h"

struct explain {
	struct common common;
	bool all, lines, words;
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

static const char *paint(const struct explain *e, enum severity severity)
{
	static const char *const codes[] = {"\033[32m", "\033[36m", "\033[31m", "\033[33m"};

	return e->common.color ? codes[severity] : "";
}

static const char *paint_off(const struct explain *e)
{
	return e->common.color ? "\033[0m" : "";
}

static void print_frames(const struct finding *f)
{
	printf("  packets");
	for (uint32_t i = 0; i < f->frame_count; i++)
		if (f->frames[i].first == f->frames[i].last)
			printf("%s %u", i ? "," : "", f->frames[i].first);
		else
			printf("%s %u-%u", i ? "," : "", f->frames[i].first, f->frames[i].last);
	printf("\n");
}

static void print_ends(const struct finding *f)
{
	struct tv_endpoint client = f->client, server = f->server;
	char a[80], b[80];

	if (f->count > 1)
		client.port = 0;
	end_text(&client, a, sizeof a);
	end_text(&server, b, sizeof b);
	printf("  %s%s -> %s", a, f->several_clients ? " and others" : "", b);
	if (f->count > 1)
		printf("  (%u times)", f->count);
	printf("\n");
}

static void print_indented(const char *text)
{
	char copy[1200];

	snprintf(copy, sizeof copy, "  %s", text);
	print_wrapped(stdout, copy);
}

static void print_alternatives(const struct finding *f, const struct word_info *w)
{
	char line[512] = "Also possible: ";

	if (f->certainty == CERTAIN || !w->alternatives[0])
		return;
	for (unsigned i = 0; i < ALTERNATIVES_MAX && w->alternatives[i]; i++)
		snprintf(line + strlen(line), sizeof line - strlen(line), "%s%s", i ? "; " : "", w->alternatives[i]);
	print_indented(line);
}

static void print_finding(const struct explain *e, const struct finding *f)
{
	const struct word_info *w = word_info(f->word);
	char text[1024];

	finding_text(f, text, sizeof text);
	printf("\n%s%s%s: %s (%s)\n", paint(e, w->severity), severity_name(w->severity), paint_off(e), w->name,
		certainty_name(f->certainty));
	if (f->word != WORD_EMPTY)
		print_ends(f);
	print_indented(text);
	print_alternatives(f, w);
	if (f->frame_count)
		print_frames(f);
	if (*w->next) {
		snprintf(text, sizeof text, "Next: %s", w->next);
		print_indented(text);
	}
}

/* One line: what worked, and is worth a word. */
static void print_note(const struct explain *e, const struct finding *f)
{
	const struct word_info *w = word_info(f->word);
	char a[80], text[1024];

	end_text(&f->server, a, sizeof a);
	finding_text(f, text, sizeof text);
	printf("%s%s%s: %s, %s%s: %s", paint(e, w->severity), severity_name(w->severity), paint_off(e), w->name, a,
		f->lost ? (f->lost[0] == 'a' ? " (ACK lost)" : f->lost[3] ? " (SYN,ACK lost)" : " (SYN lost)") : "", text);
	for (uint32_t i = 0; i < f->frame_count; i++)
		printf(i ? ",%u" : " Packets %u", f->frames[i].first);
	printf("\n");
}

static void print_summary(const struct explain *e)
{
	const struct tracker_counts *n = e->summary.counts;
	char text[24];

	printf("%llu packets, %llu TCP, %llu ICMP errors, %llu connection%s in %s; %llu went well.\n",
		(unsigned long long)e->summary.records, (unsigned long long)n->tcp, (unsigned long long)n->icmp,
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
		enum severity s = word_info(f->word)->severity;

		if (s == SEVERITY_PROBLEM || s == SEVERITY_UNKNOWN) {
			print_finding(e, f);
		} else if (s == SEVERITY_NOTE || e->all) {
			if (!notes)
				printf("\n");
			notes = true;
			print_note(e, f);
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

static int run(struct explain *e, const char *path, const char *filter)
{
	struct link_fault fault;
	struct records *capture = records_open(path, filter, &fault);
	struct packet p;
	uint16_t link_type;
	int status = 0;

	if (!capture) {
		complain(&e->common, "%s", fault.text);
		return fault.err == EINVAL && filter ? EXIT_USAGE : EXIT_FAILED + 1;
	}
	e->tracker = tracker_new(0, on_leave, e);
	if (!e->tracker) {
		records_close(capture);
		complain(&e->common, "out of memory");
		return EXIT_USAGE;
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
	if (e->common.json)
		status = print_json(e);
	else if (e->lines)
		status = print_lines(e);
	else
		print_text(e);
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
			"  trivet explain --json --all try.pcap",
	};
	int n = options_read(&usage, &e.common, argc, argv), status;
	char *filter;

	if (e.words) {
		words_markdown(sink, stdout);
		return EXIT_FINE;
	}
	if (n < 1)
		usage_error("explain", "which file?");
	filter = reading_filter(n - 1, argv + 2);
	if (!filter) {
		complain(&e.common, "out of memory");
		return EXIT_USAGE;
	}
	status = run(&e, argv[1], filter);
	free(filter);
	return status;
}
