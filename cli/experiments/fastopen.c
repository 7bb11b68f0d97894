/*
 * fastopen.c - Fast Open (RFC 7413): what the second visit saves, and that nothing is lost when it fails.
 *
 * Each scene is one visit: a request, an answer, a close. The cookie that the first visit was given is
 * carried to the others as a program would that keeps its cache in a file; the server has the same key in
 * all but the last. The second scene has both visits side by side below its ladder.
 */
#include <string.h>

#include "cli/experiments/lab.h"

#define REQUEST "GET /\n"
#define ANSWER "200 OK\n"

enum { EVENTS_MAX = 24, CELL = 30 };

/* A packet of a visit, for the two columns. */
struct step {
	tv_time left;
	char what[96];
};

struct visit {
	struct tv_fastopen_path path;  /* what the client remembers of the server */
	uint8_t key[16];               /* of the server */
	tv_time began, asked, answered; /* the request reached the server's program, the answer the client's */
	enum tv_fastopen outcome[2];
	struct step steps[EVENTS_MAX];
	unsigned step_count;
	const struct visit *other;     /* beside it */
};

static void carry_cookie(struct lab *lab, struct visit *v, bool in)
{
	uint64_t cursor = 0;

	if (!in)
		v->path = (struct tv_fastopen_path){.size = sizeof v->path};
	if (in ? tv_fastopen_put(lab_stack(lab, 0), lab_now(lab), &v->path) < 0 :
			!tv_fastopen_next(lab_stack(lab, 0), &cursor, &v->path))
		lab->trouble = "there is no cookie";
}

/* What the ladder holds until the answer is there, for the columns. */
static void note_steps(struct lab *lab, struct visit *v)
{
	struct ladder_reader reader;
	struct ladder_row row;

	ladder_read(&reader, lab->ladder);
	while (v->step_count < EVENTS_MAX - 1 && ladder_next(&reader, &row)) {
		struct step *s = &v->steps[v->step_count];

		if (row.event->is_note || row.event->time >= v->began + v->answered)
			continue;
		s->left = row.event->time - v->began;
		snprintf(s->what, sizeof s->what, "%s %s%s%.0u%s", row.event->from ? "<-" : "->", row.words,
			row.len ? " " : "", row.len, row.len ? " bytes" : "");
		if (*row.fastopen)
			snprintf(s->what + strlen(s->what), sizeof s->what - strlen(s->what), ", %s",
				strstr(row.fastopen, "cookiereq") ? "asks" : "cookie");
		v->step_count++;
	}
	v->steps[v->step_count++] = (struct step){v->answered, "the answer is there"};
}

/* One visit, with what is known from before (path.size not 0). */
static void visit(struct lab *lab, struct visit *v, bool lose)
{
	tv_fastopen_keys(lab_stack(lab, 1), lab_now(lab), v->key, NULL);
	if (v->path.size)
		carry_cookie(lab, v, true);
	lab->fastopen = true;
	lab_listen(lab);
	v->began = lab_now(lab);
	if (lose)
		lab_lose_next(lab);
	if (lab_connect(lab, 0) < 0)
		lab->trouble = "the connection could not be begun";
	lab_say(lab, 0, REQUEST);
	lab_until_read(lab, 1, strlen(REQUEST));
	v->asked = lab_now(lab) - v->began;
	lab_say(lab, 1, ANSWER);
	lab_until_read(lab, 0, strlen(ANSWER));
	v->answered = lab_now(lab) - v->began;
	for (unsigned side = 0; side < 2; side++)
		v->outcome[side] = lab_info(lab, side).fastopen;
	lab_wait(lab, lab->rtt + 50 * TV_MS);
	carry_cookie(lab, v, false);
	lab->closes[1] = true;
	lab_close(lab, 0);
	lab_until(lab, 1, TV_LISTEN);
	note_steps(lab, v);
}

/* ------------------------------------------------------------------------------------------ */
/* Side by side                                                                                */

/* Calls with each moment and what left then at either visit, "" where nothing did. */
static void each_moment(struct lab *lab, void (*fn)(struct html *page, double rtts, const char *a, const char *b),
	struct html *page)
{
	const struct visit *second = lab->user, *first = second->other;
	unsigned a = 0, b = 0, as = first->step_count, bs = second->step_count;

	while (a < as || b < bs) {
		tv_time in_first = a < as ? first->steps[a].left : TV_NEVER;
		tv_time in_second = b < bs ? second->steps[b].left : TV_NEVER;
		tv_time at = in_first < in_second ? in_first : in_second;
		const char *left = in_first == at ? first->steps[a++].what : "";
		const char *right = in_second == at ? second->steps[b++].what : "";

		fn(page, (double)at / (double)lab->rtt, left, right);
	}
}

static void print_moment(struct html *page, double rtts, const char *a, const char *b)
{
	char line[128];
	size_t n;

	(void)page;
	n = (size_t)snprintf(line, sizeof line, "  %4.1f  %-*s %s", rtts, CELL, a, b);
	while (n && line[n - 1] == ' ')
		line[--n] = 0;
	puts(line);
}

static void page_moment(struct html *page, double rtts, const char *a, const char *b)
{
	html_raw(page, "<tr><td>%.1f</td><td>", rtts);
	html_text(page, a);
	html_raw(page, "</td><td>");
	html_text(page, b);
	html_raw(page, "</td></tr>\n");
}

static void print_columns(struct lab *lab)
{
	printf("  RTTs  %-*s %s\n", CELL, "the first visit", "the second visit");
	each_moment(lab, print_moment, NULL);
}

static void page_columns(struct lab *lab, struct html *page)
{
	html_raw(page, "<table>\n<tr><th>RTTs</th><th>the first visit</th><th>the second visit</th></tr>\n");
	each_moment(lab, page_moment, page);
	html_raw(page, "</table>\n");
}

static json_t *json_visit(const struct visit *v)
{
	return json_pack("{s:I,s:I,s:s,s:s}", "request_ns", (json_int_t)v->asked, "answer_ns", (json_int_t)v->answered,
		"client", tv_fastopen_name(v->outcome[0]), "server", tv_fastopen_name(v->outcome[1]));
}

/* ------------------------------------------------------------------------------------------ */
/* The scenes                                                                                  */

static void claim_first(struct lab *lab, const struct visit *v)
{
	lab_claim(lab, v->outcome[0] == TV_FO_GRANTED && v->path.cookie_len >= 4 && v->answered == 2 * lab->rtt,
		"The client asks for a cookie, and is given one: a keyed checksum of its address, which nobody can make who does "
		"not get packets there. This visit is an ordinary one, and its answer is there after two round trips.");
}

static void claim_second(struct lab *lab, const struct visit *v)
{
	char time[24];

	lab_claim(lab, v->outcome[0] == TV_FO_ACCEPTED && v->outcome[1] == TV_FO_ACCEPTED && v->answered == lab->rtt &&
			v->asked == lab->rtt / 2,
		"The request rides on the SYN, beside the cookie. The server's program has it before the handshake is complete, "
		"and its answer is there after one round trip: %s are saved.", duration_text(lab->rtt, time));
	lab_tell(lab, "A SYN that the network repeats may be delivered twice, so this is for requests to which that does no "
		"harm.");
}

static void claim_lost(struct lab *lab, const struct visit *v)
{
	char time[24];

	lab_claim(lab, v->outcome[0] == TV_FO_LOST && v->path.failures > 0 && lab->got_len[1] == strlen(REQUEST),
		"There are boxes that drop a SYN with text on it. It is repeated bare, after a second, and the request follows "
		"in its usual place: the visit took %s. The client remembers that, and leaves this server alone for a minute.",
		duration_text(v->answered, time));
}

static void claim_new_key(struct lab *lab, const struct visit *v)
{
	lab_claim(lab, v->outcome[0] == TV_FO_NOT_ACCEPTED && v->answered == 2 * lab->rtt &&
			lab->got_len[1] == strlen(REQUEST),
		"The server has another key, and does not know its own cookie. It acknowledges the SYN alone, and says which "
		"cookie would have been right; the request is sent again at once. The visit costs what one without Fast Open "
		"would cost, and the request arrived once.");
}

static void play(struct show *show, struct visit *v, const struct lab_setup *setup, bool lose,
	void (*claim)(struct lab *lab, const struct visit *v))
{
	struct lab lab;

	if (!lab_begin(&lab, show, setup))
		return;
	lab.user = v;
	visit(&lab, v, lose);
	lab.table = json_visit(v);
	if (v->other) {
		lab.below = print_columns;
		lab.page = page_columns;
	}
	claim(&lab, v);
	lab_end(&lab);
}

void show_fastopen(struct show *show)
{
	static const struct lab_setup setups[] = {
		{.title = "1. The first visit: a cookie is asked for", .port = 9101},
		{.title = "2. The second visit: the request rides on the SYN", .port = 9102},
		{.title = "3. A SYN with text on it is lost on the way", .port = 9103},
		{.title = "4. The server has another key by now", .port = 9104}};
	struct visit first = {.key = {1}}, second = first, lost, key;

	if (show->demo->rtt == 0)
		usage_error("demo", "--fastopen counts round trips: --rtt must be more than 0");
	play(show, &first, &setups[0], false, claim_first);
	second.path = first.path;
	second.other = &first;
	lost = key = second;
	lost.other = key.other = NULL;
	key.key[0] = 2;
	play(show, &second, &setups[1], false, claim_second);
	play(show, &lost, &setups[2], true, claim_lost);
	play(show, &key, &setups[3], false, claim_new_key);
}
