/*
 * findings.c - findings for people.
 */
#include "cli/findings.h"

#include <stdio.h>
#include <string.h>

#include "cli/common.h"

static const char *paint(const struct common *common, enum severity severity)
{
	static const char *const codes[] = {"\033[32m", "\033[36m", "\033[31m", "\033[33m"};

	return common->color ? codes[severity] : "";
}

static const char *paint_off(const struct common *common)
{
	return common->color ? "\033[0m" : "";
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

static bool is_nobody(const struct tv_endpoint *e)
{
	static const struct tv_addr zero;

	return tv_addr_equal(&e->addr, &zero) && e->port == 0;
}

static void print_ends(const struct finding *f)
{
	struct tv_endpoint client = f->client, server = f->server;
	char a[80], b[80];

	if (f->count > 1)
		client.port = 0;
	end_text(&client, a, sizeof a);
	end_text(&server, b, sizeof b);
	if (is_nobody(&server))
		return;
	printf("  %s%s%s%s", is_nobody(&f->client) ? "" : a, f->several_clients ? " and others" : "",
		is_nobody(&f->client) ? "to " : " -> ", b);
	if (f->count > 1)
		printf("  (%u times)", f->count);
	printf("\n");
}

void print_indented(const char *text)
{
	enum { COLUMNS = 80 };
	int column = 0;

	while (*text) {
		int n = (int)strcspn(text, " ");

		if (column == 0 || column + 1 + n > COLUMNS)
			column = printf("%s  %.*s", column ? "\n" : "", n, text) - (column > 0);
		else
			column += printf(" %.*s", n, text);
		text += n;
		text += strspn(text, " ");
	}
	printf("\n");
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

void print_finding(const struct common *common, const struct finding *f)
{
	const struct word_info *w = word_info(f->word);
	enum severity severity = finding_severity(f);
	char text[1024];

	finding_text(f, text, sizeof text);
	printf("\n%s%s%s: %s (%s)\n", paint(common, severity), severity_name(severity), paint_off(common), w->name,
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

static const char *lost_text(const char *lost)
{
	if (!lost)
		return "";
	return lost[0] == 'a' ? " (ACK lost)" : lost[3] ? " (SYN,ACK lost)" : " (SYN lost)";
}

void print_note(const struct common *common, const struct finding *f)
{
	const struct word_info *w = word_info(f->word);
	char a[80], text[1024];

	end_text(&f->server, a, sizeof a);
	finding_text(f, text, sizeof text);
	printf("%s%s%s: %s, %s%s: %s", paint(common, w->severity), severity_name(w->severity), paint_off(common),
		w->name, a, lost_text(f->lost), text);
	for (uint32_t i = 0; i < f->frame_count; i++)
		printf(i ? ",%u" : " Packets %u", f->frames[i].first);
	printf("\n");
}
