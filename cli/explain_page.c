/*
 * explain_page.c - trivet explain --html: findings, each with the ladder of its first connection, the
 * packets that prove it linked to their arrows.
 *
 * The capture is read a second time: which connections are to be drawn is only known when all was judged.
 * A ladder shows the first packets of its connection and every cited one; what lies between is counted in
 * a note. What is cited from other connections stands in a list at the end. Text of the connections is
 * not on the page.
 */
#include "cli/explain_page.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/common.h"
#include "cli/reading.h"
#include "diagnose/html.h"
#include "diagnose/lines.h"
#include "diagnose/svg.h"

enum { DRAWN_MAX = 60, FIRST_EVENTS = 40, CITED_EVENTS = 80, CITED_MAX = 1000 };

/* A finding's ladder while it grows. */
struct drawn {
	const struct finding *finding;
	struct ladder *ladder;
	size_t left_out;
	tv_time last;
	uint64_t frames[CITED_EVENTS + FIRST_EVENTS]; /* of each event; 0: a note */
};

struct cited {
	uint64_t number;
	char *line;
};

struct work {
	const struct explain_page *from;
	struct drawn *drawn;
	size_t drawn_count;
	struct cited *cited;           /* packets of the findings, ascending */
	size_t cited_count;
};

/* ------------------------------------------------------------------------------------------ */
/* What is wanted                                                                              */

static bool is_shown(const struct explain_page *from, const struct finding *f)
{
	return from->all || finding_severity(f) != SEVERITY_OK;
}

static int compare_cited(const void *a, const void *b)
{
	const struct cited *x = a, *y = b;

	return x->number < y->number ? -1 : x->number > y->number;
}

static bool plan(struct work *w)
{
	const struct report *r = w->from->report;

	w->drawn = calloc(DRAWN_MAX, sizeof *w->drawn);
	w->cited = calloc(CITED_MAX, sizeof *w->cited);
	if (!w->drawn || !w->cited)
		return false;
	for (size_t i = 0; i < r->count; i++) {
		const struct finding *f = &r->list[i];

		if (!is_shown(w->from, f))
			continue;
		for (uint32_t k = 0; k < f->frame_count; k++)
			for (unsigned end = 0; end < 2 && w->cited_count < CITED_MAX; end++)
				w->cited[w->cited_count++].number = end ? f->frames[k].last : f->frames[k].first;
		if (f->connection == 0 || w->drawn_count == DRAWN_MAX)
			continue;
		w->drawn[w->drawn_count].finding = f;
		w->drawn[w->drawn_count].ladder = ladder_new();
		if (!w->drawn[w->drawn_count++].ladder)
			return false;
	}
	qsort(w->cited, w->cited_count, sizeof *w->cited, compare_cited);
	return true;
}

static struct cited *find_cited(struct work *w, uint64_t number)
{
	struct cited key = {.number = number};
	struct cited *c = bsearch(&key, w->cited, w->cited_count, sizeof *w->cited, compare_cited);

	while (c && c > w->cited && c[-1].number == number)
		c--;
	return c;
}

static bool cites(const struct finding *f, uint64_t number)
{
	for (uint32_t i = 0; i < f->frame_count; i++)
		if (f->frames[i].first == number || f->frames[i].last == number)
			return true;
	return false;
}

/* ------------------------------------------------------------------------------------------ */
/* The second reading                                                                          */

static void close_gap(struct drawn *d)
{
	char text[96];

	if (!d->left_out || ladder_count(d->ladder) >= FIRST_EVENTS + CITED_EVENTS)
		return;
	snprintf(text, sizeof text, "%zu packets of this connection are left out here.", d->left_out);
	(void)ladder_note(d->ladder, d->last, 2, text);
	d->left_out = 0;
}

static void name_ends(struct drawn *d, const struct conn *c)
{
	for (unsigned side = 0; side < 2; side++) {
		struct tv_endpoint e = {.addr = c->addr[side], .port = c->port[side]};
		char text[80];

		end_text(&e, text, sizeof text);
		ladder_end(d->ladder, side, side ? "server" : "client", text);
	}
}

static void draw(struct drawn *d, const struct conn *c, const struct packet *p)
{
	size_t count = ladder_count(d->ladder);
	struct ladder_event event;
	char remark[40];

	if (count == 0)
		name_ends(d, c);
	if ((count >= FIRST_EVENTS && !cites(d->finding, p->number)) || count + 1 >= FIRST_EVENTS + CITED_EVENTS) {
		d->left_out++;
		d->last = p->time;
		return;
	}
	close_gap(d);
	event = reading_event(c, p, false);
	snprintf(remark, sizeof remark, "packet %llu", (unsigned long long)p->number);
	event.remark = remark;
	count = ladder_packet(d->ladder, &event);
	if (count != LADDER_NONE)
		d->frames[count] = p->number;
}

static void read_again(struct work *w, struct records *capture, struct tracker *tracker, struct lines *lines)
{
	char line[2048];
	struct packet p;
	uint16_t type;

	while (reading_next(capture, &p, &type)) {
		const struct conn *c = tracker_take(tracker, &p);
		bool readable = lines_packet(lines, &p, line, sizeof line);
		struct cited *cited = find_cited(w, p.number);

		if (cited && readable && !cited->line)
			cited->line = strdup(line);
		for (size_t i = 0; c && i < w->drawn_count; i++)
			if (w->drawn[i].finding->connection == c->number)
				draw(&w->drawn[i], c, &p);
	}
	for (size_t i = 0; i < w->drawn_count; i++)
		close_gap(&w->drawn[i]);
}

/* ------------------------------------------------------------------------------------------ */
/* The page                                                                                    */

static const char *severity_class(enum severity severity)
{
	switch (severity) {
	case SEVERITY_OK: return "ok";
	case SEVERITY_NOTE: return "note-s";
	case SEVERITY_PROBLEM: return "problem";
	case SEVERITY_UNKNOWN: return "unknown";
	}
	return "unknown";
}

/* A packet, linked to its arrow if it is drawn here, else to the list at the end. */
static void put_frame(struct html *page, const struct drawn *d, uint64_t number)
{
	for (size_t i = 0; d && i < ladder_count(d->ladder); i++)
		if (d->frames[i] == number) {
			html_raw(page, "<a href=\"#s%ue%zu\">%llu</a>", page->scene + 1, i, (unsigned long long)number);
			return;
		}
	html_raw(page, "<a href=\"#p%llu\">%llu</a>", (unsigned long long)number, (unsigned long long)number);
}

static void put_proof(struct html *page, const struct finding *f, const struct drawn *d)
{
	if (!f->frame_count)
		return;
	html_raw(page, "<p>Proof: packets");
	for (uint32_t i = 0; i < f->frame_count; i++) {
		html_raw(page, i ? ", " : " ");
		put_frame(page, d, f->frames[i].first);
		if (f->frames[i].first != f->frames[i].last) {
			html_raw(page, "-");
			put_frame(page, d, f->frames[i].last);
		}
	}
	html_raw(page, ".</p>\n");
}

static void put_ends(struct html *page, const struct finding *f)
{
	struct tv_endpoint client = f->client, server = f->server;
	char a[80], b[80], text[256];

	if (f->count > 1)
		client.port = 0;
	end_text(&client, a, sizeof a);
	end_text(&server, b, sizeof b);
	snprintf(text, sizeof text, "%s%s to %s", a, f->several_clients ? " and others" : "", b);
	if (f->count > 1)
		snprintf(text + strlen(text), sizeof text - strlen(text), ", %u times", f->count);
	html_element(page, "h2", text);
}

static void put_alternatives(struct html *page, const struct finding *f, const struct word_info *w)
{
	if (f->certainty == CERTAIN || !w->alternatives[0])
		return;
	html_raw(page, "<p>Also possible: ");
	for (unsigned i = 0; i < ALTERNATIVES_MAX && w->alternatives[i]; i++) {
		html_raw(page, i ? "; " : "");
		html_text(page, w->alternatives[i]);
	}
	html_raw(page, ".</p>\n");
}

static void put_finding(struct html *page, struct work *w, const struct finding *f)
{
	const struct word_info *word = word_info(f->word);
	const struct svg_style style = {.bare = false};
	const struct drawn *d = NULL;
	char text[1024];

	for (size_t i = 0; i < w->drawn_count; i++)
		if (w->drawn[i].finding == f && ladder_count(w->drawn[i].ladder))
			d = &w->drawn[i];
	html_raw(page, "<section class=\"finding %s\">\n", severity_class(finding_severity(f)));
	if (f->word != WORD_EMPTY)
		put_ends(page, f);
	html_raw(page, "<p><span class=\"word\">%s: %s</span> (%s)</p>\n", severity_name(finding_severity(f)), word->name,
		certainty_name(f->certainty));
	finding_text(f, text, sizeof text);
	html_element(page, "p", text);
	put_alternatives(page, f, word);
	put_proof(page, f, d);
	if (*word->next) {
		snprintf(text, sizeof text, "Next: %s", word->next);
		html_element(page, "p", text);
	}
	if (d)
		html_scene(page, "", d->ladder, &style, "");
	html_raw(page, "</section>\n");
}

static void put_cited(struct html *page, const struct work *w)
{
	if (!w->cited_count)
		return;
	html_raw(page, "<h2>The packets that are cited</h2>\n<ol class=\"packets\">\n");
	for (size_t i = 0; i < w->cited_count; i++) {
		if (i && w->cited[i].number == w->cited[i - 1].number)
			continue;
		html_raw(page, "<li id=\"p%llu\">%llu: ", (unsigned long long)w->cited[i].number,
			(unsigned long long)w->cited[i].number);
		html_text(page, w->cited[i].line ? w->cited[i].line : "not readable");
		html_raw(page, "</li>\n");
	}
	html_raw(page, "</ol>\n");
}

static void put_page(struct html *page, struct work *w)
{
	const struct explain_page *from = w->from;
	const struct tracker_counts *n = from->summary->counts;
	char about[512], text[24];

	snprintf(about, sizeof about, "%llu packet%s, %llu TCP, %llu ICMP error%s, %llu connection%s in %s; "
		"%llu went well.",
		(unsigned long long)from->summary->records, from->summary->records == 1 ? "" : "s",
		(unsigned long long)n->tcp, (unsigned long long)n->icmp, n->icmp == 1 ? "" : "s",
		(unsigned long long)n->connections, n->connections == 1 ? "" : "s",
		time_text(mark_time(&n->last) - mark_time(&n->first), text), (unsigned long long)from->report->healthy);
	html_begin(page, "What happened to these connections", about);
	if (from->summary->damage[0])
		html_element(page, "p", from->summary->damage);
	html_raw(page, "<p class=\"dim\">Drawn below is what the capture shows: times are those of the capture, and "
		       "states are concluded from the packets.</p>\n");
	for (size_t i = 0; i < from->report->count; i++)
		if (is_shown(from, &from->report->list[i]))
			put_finding(page, w, &from->report->list[i]);
	put_cited(page, w);
}

static void end_work(struct work *w)
{
	for (size_t i = 0; i < w->drawn_count; i++)
		ladder_free(w->drawn[i].ladder);
	for (size_t i = 0; i < w->cited_count; i++)
		free(w->cited[i].line);
	free(w->drawn);
	free(w->cited);
}

static int write_page(struct work *w, const char *out)
{
	const struct common *c = w->from->common;
	struct html page = {.out = fopen(out, "w")};
	bool whole;

	if (!page.out) {
		complain(c, "%s: %s: choose another place with --html", out, strerror(errno));
		return EXIT_RIGHTS;
	}
	put_page(&page, w);
	whole = html_end(&page);
	if (fclose(page.out) == 0 && whole)
		return 0;
	complain(c, "%s could not be written to its end", out);
	return EXIT_FAILED;
}

int explain_page(const struct explain_page *from, const char *out)
{
	struct work w = {.from = from};
	struct link_fault fault;
	struct records *capture = records_open(from->path, from->filter, &fault);
	struct tracker *tracker = tracker_new(0, NULL, NULL);
	struct lines *lines = lines_new();
	int status = EXIT_RIGHTS;

	if (!capture) {
		complain(from->common, "%s", fault.text);
	} else if (!tracker || !lines || !plan(&w)) {
		complain(from->common, "out of memory");
	} else {
		read_again(&w, capture, tracker, lines);
		status = write_page(&w, out);
	}
	end_work(&w);
	lines_free(lines);
	tracker_free(tracker);
	records_close(capture);
	return status;
}

bool explain_spool(const struct common *common, char *path, size_t room)
{
	FILE *file = tmpfile();
	char bytes[65536];
	size_t n;

	while (file && (n = fread(bytes, 1, sizeof bytes, stdin)) > 0)
		if (fwrite(bytes, 1, n, file) != n)
			break;
	if (!file || ferror(file) || ferror(stdin) || fflush(file) != 0 || fseek(file, 0, SEEK_SET) != 0) {
		complain(common, "the standard input could not be kept to be read twice: give a file");
		if (file)
			fclose(file);
		return false;
	}
	snprintf(path, room, "/dev/fd/%d", fileno(file));
	return true;
}
