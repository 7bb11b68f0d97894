/*
 * svg.c - draws a ladder as SVG.
 *
 * Every packet has two moments, when it left and when it arrived; all moments, and the notes, are put in
 * the order of time and given a height each: order is true, distances are not (a second would be a mile
 * beside a microsecond; the times stand beside the lines). So arrows that crossed on the wire cross in
 * the drawing. Where the arrival is not known (captures tell one moment), the arrow falls a little.
 *
 * The drawing is 428 units wide, which is a phone's width at the size of its text; it has no script, no
 * outside reference and no text from the wire that is not escaped.
 */
#include "diagnose/svg.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "diagnose/ladder_list.h"

enum {
	WIDTH = 428, LEFT = 90, RIGHT = WIDTH - 90, BAR = 8, TOP = 44,
	FLIGHT = 44,           /* least height of an arrow whose two moments are known */
	FALL = 10,             /* height of one whose arrival is not */
	GAP = 10,              /* between moments of different packets */
	APART = 39,            /* between two packets that leave the same end */
	ARRIVED_APART = 25,    /* and between two that reach the same end: their labels are not parallel */
	LINE = 13,             /* of a note */
	NOTE_COLUMNS = 66,
	COLUMNS = 38,          /* of the label of an arrow, and of one that is lost */
	COLUMNS_LOST = 27,
	LOST_AT = 72,          /* percent of the way between the bars: how far a lost packet comes, */
	MIDWAY = 55            /* and where a router stands */
};

enum kind { ARRIVES, NOTES, LEAVES };

struct moment {
	tv_time time;
	enum kind kind;
	size_t event;
	bool first;            /* of those in the same moment: what arrives comes before what it makes leave */
	int y;
};

struct pen {
	const struct ladder *ladder;
	const struct svg_style *style;
	ladder_sink_fn sink;
	void *user;
	struct moment *moments;
	size_t count;
	int *from_y, *to_y;    /* of each event */
	int bottom;
	bool seconds;
};

static const struct ladder_event *event_of(const struct pen *pen, size_t number)
{
	return &pen->ladder->events[number];
}

static void __attribute__((format(printf, 2, 3))) put(struct pen *pen, const char *format, ...)
{
	char text[512];
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(text, sizeof text, format, args);
	va_end(args);
	if (n > 0)
		pen->sink(pen->user, text, (size_t)n < sizeof text ? (size_t)n : sizeof text - 1);
}

void svg_escape(const char *text, ladder_sink_fn sink, void *user)
{
	for (; *text; text++) {
		char c[8];

		if (*text == '<' || *text == '>' || *text == '&' || *text == '"' || *text == '\'')
			snprintf(c, sizeof c, "&#%d;", *text);
		else
			snprintf(c, sizeof c, "%c", (unsigned char)*text < 32 || *text == 127 ? ' ' : *text);
		sink(user, c, strlen(c));
	}
}

static void put_text(struct pen *pen, const char *text)
{
	svg_escape(text, pen->sink, pen->user);
}

/* ------------------------------------------------------------------------------------------ */
/* Heights                                                                                     */

static int compare(const void *a, const void *b)
{
	const struct moment *x = a, *y = b;

	if (x->time != y->time)
		return x->time < y->time ? -1 : 1;
	if (x->first != y->first && x->event != y->event)
		return x->first ? -1 : 1;
	if (x->event != y->event)
		return x->event < y->event ? -1 : 1;
	return x->kind == LEAVES ? -1 : 1;
}

static unsigned note_lines(const char *text)
{
	unsigned lines = 1, column = 0;

	while (*text) {
		size_t n = strcspn(text, " ");

		if (column && column + 1 + n > NOTE_COLUMNS) {
			lines++;
			column = 0;
		}
		column += (unsigned)n + (column != 0);
		text += n + (text[n] == ' ');
	}
	return lines;
}

static void gather(struct pen *pen)
{
	const struct ladder *l = pen->ladder;

	for (size_t i = 0; i < ladder_count(l); i++) {
		const struct ladder_event *e = &l->events[i];

		pen->moments[pen->count++] = (struct moment){e->time, e->is_note ? NOTES : LEAVES, i, e->midway, 0};
		if (!e->is_note && e->arrived)
			pen->moments[pen->count++] = (struct moment){e->arrived, ARRIVES, i, true, 0};
	}
	qsort(pen->moments, pen->count, sizeof *pen->moments, compare);
}

static int larger(int a, int b)
{
	return a > b ? a : b;
}

static void place(struct pen *pen)
{
	int y = TOP + 8, left_at[2] = {-1000, -1000}, taken_at[2] = {-1000, -1000};

	for (size_t i = 0; i < pen->count; i++) {
		struct moment *m = &pen->moments[i];
		const struct ladder_event *e = event_of(pen, m->event);
		unsigned from = e->from & 1;

		if (m->kind == NOTES) {
			m->y = y + GAP + LINE;
			y = m->y + LINE * ((int)note_lines(e->remark) - 1) + 10;
			pen->from_y[m->event] = m->y;
			left_at[0] = left_at[1] = y - APART + GAP;
			continue;
		}
		if (m->kind == ARRIVES) {
			y = larger(larger(y + 2, pen->from_y[m->event] + FLIGHT), taken_at[!from] + ARRIVED_APART);
			taken_at[!from] = y;
			pen->to_y[m->event] = y;
			m->y = y;
			continue;
		}
		/* Both ends spoke in the same moment: neither is the first. */
		if (i && pen->moments[i - 1].kind == LEAVES && pen->moments[i - 1].time == m->time &&
			(event_of(pen, pen->moments[i - 1].event)->from & 1) != from)
			y = larger(y, left_at[from] + APART);
		else
			y = larger(y + GAP, left_at[from] + APART);
		left_at[from] = y;
		pen->from_y[m->event] = m->y = y;
		pen->to_y[m->event] = y + (e->fate == LADDER_CARRIED ? FALL : FLIGHT * 6 / 10);
		if (!e->arrived)
			y = pen->to_y[m->event] + 22;
	}
	for (size_t i = 0; i < ladder_count(pen->ladder); i++)
		y = larger(y, pen->to_y[i]);
	pen->bottom = y + 16;
}

/* ------------------------------------------------------------------------------------------ */
/* States                                                                                      */

static const char *state_class(enum tv_state state)
{
	switch (state) {
	case TV_CLOSED:
	case TV_LISTEN: return "idle";
	case TV_SYN_SENT:
	case TV_SYN_RECEIVED: return "opening";
	case TV_ESTABLISHED: return "open";
	case TV_FIN_WAIT_1:
	case TV_FIN_WAIT_2:
	case TV_CLOSE_WAIT:
	case TV_CLOSING:
	case TV_LAST_ACK: return "closing";
	case TV_TIME_WAIT: return "waiting";
	case TV_STATE_COUNT: return "unknown";
	}
	return "unknown";
}

/* A piece of a bar: a state, and the event that led to it. */
static void put_bar(struct pen *pen, unsigned end, enum tv_state state, int from, int to, long event)
{
	if (to > from)
		put(pen, "<rect class=\"bar %s\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" data-n=\"%ld\"/>\n",
			state_class(state), (end ? RIGHT : LEFT) - BAR / 2, from, BAR, to - from, event);
}

static void time_text(const struct pen *pen, tv_time time, char out[32])
{
	tv_time first = event_of(pen, 0)->time;
	unsigned long long us = (time > first ? time - first : 0) / TV_US;

	if (pen->seconds)
		snprintf(out, 32, "%llu.%03llu s", us / 1000000, us / 1000 % 1000);
	else
		snprintf(out, 32, "%llu.%llu ms", us / 1000, us / 100 % 10);
}

/* A label beside a line; *free_at is where the next one has room. */
static void put_side(struct pen *pen, unsigned end, int y, const char *class, const char *text, long event)
{
	put(pen, "<text class=\"%s %s\" x=\"%d\" y=\"%d\" text-anchor=\"%s\" data-n=\"%ld\">", class, end ? "r" : "l",
		end ? RIGHT + BAR : LEFT - BAR, y, end ? "start" : "end", event);
	put_text(pen, text);
	put(pen, "</text>\n");
}

/* The bar of one end, the names of its states, and when it sent. */
static void put_states(struct pen *pen, unsigned end)
{
	enum tv_state state = ladder_started(pen->ladder, end);
	int since = TOP, free_at = TOP + 6;
	long led = -1;
	char text[32];

	if (state != LADDER_UNKNOWN) {
		put_side(pen, end, free_at, "state", tv_state_name(state), -1);
		free_at += 12;
	}
	for (size_t i = 0; i < pen->count; i++) {
		const struct moment *m = &pen->moments[i];
		const struct ladder_event *e = event_of(pen, m->event);
		bool sends = m->kind == LEAVES && (e->from & 1) == end;
		bool takes = (m->kind == ARRIVES || (m->kind == LEAVES && !e->arrived)) && (e->from & 1) != end;
		int y = takes ? pen->to_y[m->event] : m->y;

		if (!sends && !takes)
			continue;
		if (e->state[end] != LADDER_UNKNOWN && e->state[end] != state) {
			put_bar(pen, end, state, since, y, led);
			since = y;
			led = (long)m->event;
			state = e->state[end];
			free_at = larger(free_at, y + 4);
			put_side(pen, end, free_at, "state", tv_state_name(state), (long)m->event);
			free_at += 12;
		}
		if (sends && !e->midway && !pen->style->bare && free_at <= y + 16) {
			time_text(pen, e->time, text);
			free_at = larger(free_at, y + 4);
			put_side(pen, end, free_at, "when", text, (long)m->event);
			free_at += 11;
		}
	}
	put_bar(pen, end, state, since, pen->bottom - 4, led);
}

/* ------------------------------------------------------------------------------------------ */
/* Arrows                                                                                      */

/* Adds a number where there is room for it: `columns` characters in all. */
static void add_number(char *out, size_t room, int columns, const char *what, uint32_t number)
{
	char text[24];
	int n = (int)strlen(out);

	if (n + snprintf(text, sizeof text, " %s %u", what, number) <= columns)
		snprintf(out + n, room - (size_t)n, "%s", text);
}

static void own_label(const struct pen *pen, const struct ladder_row *row, int columns, char *out, size_t room)
{
	int n = snprintf(out, room, "%s", row->words);

	if (!row->tcp)
		return;
	if (row->len)
		snprintf(out + n, room - (size_t)n, " %u byte%s", row->len, row->len == 1 ? "" : "s");
	add_number(out, room, columns, "seq", pen->style->absolute ? row->seq : row->rel_seq);
	if (row->has_ack)
		add_number(out, room, columns, "ack", pen->style->absolute ? row->ack : row->rel_ack);
}

/* How long "tfo cookie" is in "tfo cookie 0011223344556677". */
static int without_value(const char *option)
{
	size_t kind = strcspn(option, " ");

	return (int)(kind + 1 + strcspn(option + kind + 1, " "));
}

/* What stands below the arrow: options of a SYN, the first bytes of text, what was added. */
static void own_detail(const struct ladder_row *row, int columns, char *out, size_t room)
{
	const char *remark = row->event->remark;
	bool told = *remark && (int)strlen("sent again, ") + (int)strlen(remark) > columns;
	/* There is not room for everything: its arrow is short, or something is added. */
	bool brief = *row->fastopen && (row->event->fate == LADDER_LOST || *remark);
	int n = 0;

	*out = 0;
	if (row->again && !told)
		n = snprintf(out, room, "sent again%s", *remark ? ", " : "");
	if (row->event->fate == LADDER_DAMAGED)
		n += snprintf(out + n, room - (size_t)n, "damaged on the way%s", *remark ? ", " : "");
	if (*remark)
		n += snprintf(out + n, room - (size_t)n, "%s%s", remark, row->has_mss && !row->again ? ", " : "");
	if (n >= (int)room)
		return;
	if (row->syn && !row->again) {
		if (row->has_mss)
			n += snprintf(out + n, room - (size_t)n, "mss %u ", row->mss);
		if (row->sack_permitted && !brief)
			n += snprintf(out + n, room - (size_t)n, "sackOK ");
		if (row->has_timestamps && !brief)
			n += snprintf(out + n, room - (size_t)n, "TS ");
		if (row->has_scale && !brief)
			n += snprintf(out + n, room - (size_t)n, "wscale %u ", row->scale);
		if (*row->fastopen)
			snprintf(out + n, room - (size_t)n, "%.*s", without_value(row->fastopen), row->fastopen);
	} else if (row->text_have && n == 0) {
		n = snprintf(out, room, "\"");
		for (uint32_t i = 0; i < row->text_have && n < 34; i++) {
			uint8_t c = row->text[i];

			n += snprintf(out + n, room - (size_t)n, c == '\n' ? "\\n" : c >= 32 && c < 127 ? "%c" : ".", c);
		}
		snprintf(out + n, room - (size_t)n, row->text_have < row->len || n >= 34 ? "..." : "\"");
	}
}

static const char *arrow_class(const struct ladder_row *row)
{
	if (row->event->fate == LADDER_LOST || row->event->fate == LADDER_DAMAGED)
		return "lost";
	if (row->rst || !row->tcp)
		return "rst";
	return row->syn ? "syn" : row->fin ? "fin" : row->len ? "text" : "ack";
}

/* Where an arrow's line begins and ends, in percent of the way between the bars. */
static void reach(const struct ladder_event *e, int *from, int *to)
{
	*from = e->midway ? MIDWAY : 0;
	*to = e->fate == LADDER_CARRIED || e->fate == LADDER_DAMAGED ? 100 : LOST_AT;
}

/* Where the label of an arrow stands. */
struct spot {
	int at;                /* percent of the line */
	const char *class;     /* "": the text is centred there; or it begins, or ends there */
	int columns;           /* how many characters have room */
};

/* How much of an arrow's way lies before the first line from the other end that it crosses, and behind the last,
 * in percent. False: it crosses none. */
static bool crosses(const struct pen *pen, size_t number, int *before, int *behind)
{
	const struct ladder_event *own = event_of(pen, number);
	int from, to, y = pen->from_y[number];
	bool any = false;

	reach(own, &from, &to);
	*before = *behind = 100;
	for (size_t i = 0; i < ladder_count(pen->ladder); i++) {
		const struct ladder_event *e = event_of(pen, i);
		int fall = (pen->to_y[number] - y) * 100 / to, other_fall, other_from, other_to, apart, at;

		if (e->is_note || (e->from & 1) == (own->from & 1))
			continue;
		reach(e, &other_from, &other_to);
		other_fall = (pen->to_y[i] - pen->from_y[i]) * 100 / other_to;
		apart = pen->from_y[i] + other_fall - y;
		at = apart * 100 / larger(fall + other_fall, 1);
		if (at < from || at > to || 100 - at < other_from || 100 - at > other_to)
			continue;
		any = true;
		*before = at - from < *before ? at - from : *before;
		*behind = to - at < *behind ? to - at : *behind;
	}
	return any;
}

/* In the middle; where another arrow crosses, at its own end, or at the other if there is clearly more room (less
 * what the other line takes, which falls through the label there); a router's before its arrow. */
static struct spot find_spot(const struct pen *pen, size_t number)
{
	const struct ladder_event *e = event_of(pen, number);
	bool right = (e->from & 1) == 0, whole = e->fate == LADDER_CARRIED || e->fate == LADDER_DAMAGED;
	int before, behind;

	if (e->midway)
		return (struct spot){-3, right ? " second" : " first", COLUMNS};
	if (!crosses(pen, number, &before, &behind))
		return (struct spot){50, "", whole ? COLUMNS : COLUMNS_LOST};
	if (behind > before + 20)
		return (struct spot){94, right ? " second" : " first", (behind - 14) * 42 / 100};
	return (struct spot){4, right ? " first" : " second", before * 42 / 100};
}

/* Text along the arrow, `off` above or below its line. */
static void put_along(struct pen *pen, const char *class, int x, int y, int slope, int off, const char *text)
{
	put(pen, "<text class=\"%s\" transform=\"matrix(1 %s%d.%03d 0 1 %d %d)\" y=\"%d\">", class,
		slope < 0 ? "-" : "", abs(slope) / 1000, abs(slope) % 1000, x, y, off);
	put_text(pen, text);
	put(pen, "</text>\n");
}

static void put_packet(struct pen *pen, const struct ladder_row *row, size_t number)
{
	const struct ladder_event *e = row->event;
	bool right = (e->from & 1) == 0, whole = e->fate == LADDER_CARRIED || e->fate == LADDER_DAMAGED;
	const struct spot spot = find_spot(pen, number);
	int x1 = right ? LEFT + BAR / 2 : RIGHT - BAR / 2, x2 = right ? RIGHT - BAR / 2 : LEFT + BAR / 2;
	int y1 = pen->from_y[number], y2 = pen->to_y[number], x, y, slope;
	char label[128], detail[128] = "";

	if (!whole)
		x2 = x1 + (x2 - x1) * LOST_AT / 100;
	if (e->midway)
		x1 += (x2 - x1) * MIDWAY / 100;
	x = x1 + (x2 - x1) * spot.at / 100;
	y = y1 + (y2 - y1) * spot.at / 100;
	slope = (y2 - y1) * 1000 / (x2 - x1);
	if (pen->style->label)
		pen->style->label(pen->style->label_user, row, label, sizeof label);
	else
		own_label(pen, row, spot.columns, label, sizeof label);
	if (!pen->style->bare && !e->midway)
		own_detail(row, *spot.class ? spot.columns : spot.columns * 5 / 4, detail, sizeof detail);
	put(pen, "<g class=\"packet %s%s%s\" id=\"s%ue%zu\" data-n=\"%zu\">\n", arrow_class(row), e->inferred ? " inferred" : "",
		spot.class, pen->style->scene, number, number);
	put(pen, "<line x1=\"%d\" y1=\"%d\" x2=\"%d\" y2=\"%d\"/>\n", x1, y1, x2, y2);
	if (e->fate == LADDER_CARRIED || e->fate == LADDER_DAMAGED)
		put(pen, "<path class=\"head\" d=\"M%d %dl%d %dl%d 7z\"/>\n", x2, y2, right ? -8 : 8,
			-4 - abs(slope) * 8 / 1000, 0);
	else
		put(pen, "<path class=\"cross\" d=\"M%d %dl8 8m0 -8l-8 8\"/>\n", x2 - 4, y2 - 4);
	put_along(pen, "label", x, y, slope, -4, label);
	if (*detail)
		put_along(pen, "detail", x, y, slope, 10, detail);
	if (e->fate == LADDER_LOST || e->fate == LADDER_UNDER_WAY)
		put(pen, "<text class=\"fate\" x=\"%d\" y=\"%d\" text-anchor=\"%s\">%s</text>\n", x2 + (right ? 8 : -8), y2 + 4,
			right ? "start" : "end", e->fate == LADDER_LOST ? "lost" : "under way");
	put(pen, "</g>\n");
}

static void put_note(struct pen *pen, const struct ladder_row *row, size_t number)
{
	const char *text = row->event->remark;
	int y = pen->from_y[number], lines = (int)note_lines(text);

	put(pen, "<g class=\"note%s\" id=\"s%ue%zu\" data-n=\"%zu\">\n<rect x=\"4\" y=\"%d\" width=\"%d\" height=\"%d\"/>\n",
		row->event->inferred ? " inferred" : "", pen->style->scene, number, number, y - LINE + 1, WIDTH - 8,
		LINE * lines + 5);
	for (int line = 0; line < lines; line++) {
		char piece[NOTE_COLUMNS + 64];
		size_t used = 0;

		while (*text) {
			size_t n = strcspn(text, " ");

			if (used && used + 1 + n > NOTE_COLUMNS)
				break;
			n = n < sizeof piece - used - 2 ? n : sizeof piece - used - 2;
			if (used)
				piece[used++] = ' ';
			memcpy(piece + used, text, n);
			used += n;
			text += n + (text[n] == ' ');
		}
		piece[used] = 0;
		put(pen, "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">", WIDTH / 2, y + LINE * line);
		put_text(pen, piece);
		put(pen, "</text>\n");
	}
	put(pen, "</g>\n");
}

/* ------------------------------------------------------------------------------------------ */
/* The drawing                                                                                 */

const char *svg_css(void)
{
	return "svg.ladder{--ink:#1b1f24;--dim:#59636e;--paper:#fff;--syn:#1a7f37;--fin:#8a5a00;--rst:#c4232f;"
		"--text:#0a5fb0;--open:#2da44e;--opening:#d4a72c;--closing:#4a8fd4;--waiting:#9a6fd0;--idle:#b8c0c8;"
		"font:11px system-ui,-apple-system,'Segoe UI',sans-serif;background:var(--paper)}\n"
		"@media (prefers-color-scheme:dark){svg.ladder{--ink:#e6edf3;--dim:#9da7b1;--paper:#0d1117;"
		"--syn:#4ac26b;--fin:#e0b040;--rst:#ff7b72;--text:#6cb6ff;--open:#2ea043;--opening:#bb8009;"
		"--closing:#388bfd;--waiting:#a371f7;--idle:#484f58}}\n"
		"@media print{svg.ladder{--ink:#000;--dim:#333;--paper:#fff;--syn:#0a5c22;--fin:#6b4500;--rst:#a00;"
		"--text:#00458a}}\n"
		"svg.ladder text{fill:var(--ink)}svg.ladder .name{font-weight:600;font-size:13px}"
		"svg.ladder .address,svg.ladder .when,svg.ladder .detail{fill:var(--dim);font-size:9.5px}"
		"svg.ladder .label,svg.ladder .detail{text-anchor:middle}svg.ladder .first text{text-anchor:start}"
		"svg.ladder .second text{text-anchor:end}svg.ladder .first .label,svg.ladder .second .label{font-size:9.5px}"
		"svg.ladder .state{font-size:9.5px;font-weight:600}svg.ladder .note rect{fill:var(--paper);opacity:.88}"
		"svg.ladder .note text{fill:var(--dim);font-size:10.5px;font-style:italic}\n"
		"svg.ladder line,svg.ladder .cross{stroke:var(--c);stroke-width:1.4;fill:none}"
		"svg.ladder .head{fill:var(--c)}svg.ladder .label,svg.ladder .fate{fill:var(--c)}svg.ladder .packet{--c:var(--ink)}"
		"svg.ladder .packet.syn{--c:var(--syn)}svg.ladder .packet.fin{--c:var(--fin)}"
		"svg.ladder .packet.rst,svg.ladder .packet.lost{--c:var(--rst)}svg.ladder .packet.text{--c:var(--text)}"
		"svg.ladder .inferred{opacity:.6}svg.ladder .inferred line{stroke-dasharray:3 3}\n"
		"svg.ladder .lost line{stroke-dasharray:5 3}"
		"svg.ladder .bar{fill:var(--idle)}svg.ladder .bar.opening{fill:var(--opening)}"
		"svg.ladder .bar.open{fill:var(--open)}svg.ladder .bar.closing{fill:var(--closing)}"
		"svg.ladder .bar.waiting{fill:var(--waiting)}svg.ladder .bar.unknown{fill:var(--idle);opacity:.4}\n";
}

static void put_heads(struct pen *pen)
{
	for (unsigned end = 0; end < 2; end++) {
		put(pen, "<text class=\"name\" x=\"%d\" y=\"16\" text-anchor=\"middle\">", end ? RIGHT : LEFT);
		put_text(pen, ladder_end_name(pen->ladder, end));
		put(pen, "</text>\n<text class=\"address\" x=\"%d\" y=\"29\" text-anchor=\"middle\">", end ? RIGHT : LEFT);
		put_text(pen, ladder_end_address(pen->ladder, end));
		put(pen, "</text>\n");
	}
}

static void draw(struct pen *pen)
{
	struct ladder_reader reader;
	struct ladder_row row;
	size_t n;

	put(pen, "<svg class=\"ladder\" xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\"", WIDTH, pen->bottom);
	if (pen->style->alone)
		put(pen, " width=\"%d\" height=\"%d\"", WIDTH * 2, pen->bottom * 2);
	put(pen, " role=\"img\" aria-label=\"");
	put_text(pen, ladder_end_name(pen->ladder, 0));
	put(pen, " and ");
	put_text(pen, ladder_end_name(pen->ladder, 1));
	put(pen, "\">\n");
	if (pen->style->alone) {
		put(pen, "<style>");
		pen->sink(pen->user, svg_css(), strlen(svg_css()));
		put(pen, "</style>\n<rect width=\"%d\" height=\"%d\" fill=\"var(--paper)\"/>\n", WIDTH, pen->bottom);
	}
	put_heads(pen);
	put_states(pen, 0);
	put_states(pen, 1);
	ladder_read(&reader, pen->ladder);
	for (n = 0; ladder_next(&reader, &row); n++)
		if (!row.event->is_note)
			put_packet(pen, &row, n);
	ladder_read(&reader, pen->ladder);
	for (n = 0; ladder_next(&reader, &row); n++)
		if (row.event->is_note)
			put_note(pen, &row, n);
	put(pen, "</svg>\n");
}

bool svg_ladder(const struct ladder *l, const struct svg_style *style, ladder_sink_fn sink, void *user)
{
	struct pen pen = {.ladder = l, .style = style, .sink = sink, .user = user, .bottom = TOP + 20};
	size_t n = ladder_count(l);

	pen.moments = calloc(2 * n + 1, sizeof *pen.moments);
	pen.from_y = calloc(n + 1, sizeof *pen.from_y);
	pen.to_y = calloc(n + 1, sizeof *pen.to_y);
	if (pen.moments && pen.from_y && pen.to_y) {
		gather(&pen);
		if (pen.count)
			pen.seconds = pen.moments[pen.count - 1].time - pen.moments[0].time >= 10 * TV_S;
		place(&pen);
		draw(&pen);
	}
	n = pen.moments && pen.from_y && pen.to_y;
	free(pen.moments);
	free(pen.from_y);
	free(pen.to_y);
	return n;
}
