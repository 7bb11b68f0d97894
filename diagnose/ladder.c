/*
 * ladder.c - draws a list of timed events.
 *
 *        ms  Linux                                                        Trivet
 *            10.9.0.1:40112                                           10.9.0.2:7
 *     0.000  SYN-SENT     ---------------- SYN [S] ---------------> SYN-RECEIVED
 *                         seq 0, win 64240
 *                         mss 1460, sackOK, TS val 1 ecr 0, wscale 7
 *
 * From left to right: when it was sent, the state of the left end, the packet as an arrow, the state
 * of the right end. A state is the one after this packet: the sender's after sending, the receiver's
 * after taking it. What does not fit on the arrow stands below it, dim. A lost packet's arrow ends
 * in a cross and says "lost". Notes stand between the packets.
 *
 * Colour only repeats: SYN is green, FIN yellow, RST and loss red, text cyan; a state that has just
 * changed is bold, the others are dim. Everything from the wire is printed escaped.
 *
 * A line is collected in a struct line, which counts columns apart from bytes, since a character
 * beyond ASCII is one column and several bytes. A full line is cut, never overrun.
 */
#include "diagnose/ladder.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "diagnose/ladder_list.h"

enum { TIME_WIDTH = 10, STATE_WIDTH = 12, WIDTH_MIN = 70, LINE_BYTES = 1024, ITEM_MAX = 16 };

struct line {
	char text[LINE_BYTES];
	size_t bytes;
	unsigned columns;
};

struct pen {
	const struct ladder *ladder;
	struct ladder_style style;
	ladder_sink_fn sink;
	void *user;
	tv_time start;
	bool seconds;          /* times are told in seconds, else in milliseconds */
	unsigned zone, zone_at; /* width of the arrows, and their first column */
	enum tv_state last[2];
	struct line line;
};

/* ------------------------------------------------------------------------------------------ */
/* Lines                                                                                       */

static void put_bytes(struct pen *pen, const char *text, size_t bytes, unsigned columns)
{
	struct line *l = &pen->line;

	if (l->bytes + bytes >= sizeof l->text)
		return;
	memcpy(l->text + l->bytes, text, bytes);
	l->bytes += bytes;
	l->columns += columns;
}

/* Text that is ASCII. */
static void put(struct pen *pen, const char *text)
{
	put_bytes(pen, text, strlen(text), (unsigned)strlen(text));
}

/* Text that may hold UTF-8 sequences: each is one column. */
static void put_utf8(struct pen *pen, const char *text)
{
	unsigned columns = 0;

	for (const char *p = text; *p; p++)
		columns += ((unsigned char)*p & 0xc0) != 0x80;
	put_bytes(pen, text, strlen(text), columns);
}

static void put_glyph(struct pen *pen, const char *utf8, char ascii)
{
	if (pen->style.ascii)
		put_bytes(pen, &ascii, 1, 1);
	else
		put_bytes(pen, utf8, strlen(utf8), 1);
}

/* A colour or weight: "1;31". "" ends it. */
static void put_style(struct pen *pen, const char *code)
{
	if (!pen->style.color)
		return;
	put_bytes(pen, "\033[", 2, 0);
	put_bytes(pen, code, strlen(code), 0);
	put_bytes(pen, "m", 1, 0);
}

static void put_to(struct pen *pen, unsigned column)
{
	while (pen->line.columns < column)
		put_bytes(pen, " ", 1, 1);
}

static void end_line(struct pen *pen)
{
	struct line *l = &pen->line;

	while (l->bytes && l->text[l->bytes - 1] == ' ')
		l->bytes--;
	l->text[l->bytes++] = '\n';
	pen->sink(pen->user, l->text, l->bytes);
	l->bytes = l->columns = 0;
}

static void put_time(struct pen *pen, tv_time time)
{
	tv_time since = time > pen->start ? time - pen->start : 0;
	tv_time thousandth = pen->seconds ? since / TV_MS : since / TV_US;
	char text[32];

	snprintf(text, sizeof text, "%6llu.%03llu  ", (unsigned long long)(thousandth / 1000),
		(unsigned long long)(thousandth % 1000));
	put_style(pen, "2");
	put(pen, text);
	put_style(pen, "");
}

static void put_state(struct pen *pen, unsigned end, enum tv_state state)
{
	bool changed = state != pen->last[end];

	if (state == LADDER_UNKNOWN)
		return;
	pen->last[end] = state;
	put_style(pen, changed ? "1" : "2");
	put(pen, tv_state_name(state));
	put_style(pen, "");
}

/* ------------------------------------------------------------------------------------------ */
/* Arrows                                                                                      */

static void put_shaft(struct pen *pen, unsigned columns, bool inferred)
{
	for (; columns; columns--)
		if (inferred)
			put_glyph(pen, "╌", '.');
		else
			put_glyph(pen, "─", '-');
}

static const char *arrow_color(const struct ladder_row *row)
{
	if (row->event->inferred)
		return "2";
	if (row->rst || !row->tcp || row->event->fate == LADDER_LOST || row->event->fate == LADDER_DAMAGED)
		return "31";
	if (row->syn)
		return "32";
	if (row->fin)
		return "33";
	return row->len ? "36" : "0";
}

static void arrow_label(const struct ladder_row *row, char *label, size_t size)
{
	int n = snprintf(label, size, "%s%s", row->event->inferred ? "(inferred) " : "", row->words);

	if (n > 0 && (size_t)n < size && row->tcp)
		n += snprintf(label + n, size - (size_t)n, " [%s]", row->flags);
	if (n > 0 && (size_t)n < size && row->len)
		snprintf(label + n, size - (size_t)n, " %u byte%s", row->len, row->len == 1 ? "" : "s");
}

/* The word behind an arrow that does not end well. */
static const char *arrow_end(enum ladder_fate fate)
{
	switch (fate) {
	case LADDER_CARRIED: return "";
	case LADDER_LOST: return "lost";
	case LADDER_DAMAGED: return "damaged";
	case LADDER_UNDER_WAY: return "under way";
	}
	return "";
}

static void put_head(struct pen *pen, bool right, enum ladder_fate fate)
{
	if (fate == LADDER_LOST)
		put_glyph(pen, "✗", 'x');
	else if (fate == LADDER_UNDER_WAY)
		put_glyph(pen, "…", '~');
	else if (right)
		put_glyph(pen, "▶", '>');
	else
		put_glyph(pen, "◀", '<');
}

/* One arrow fills the zone: shaft, label, shaft, head; a word behind a head that did not arrive. */
static void put_arrow(struct pen *pen, const struct ladder_row *row)
{
	bool right = row->event->from == 0;
	const char *word = arrow_end(row->event->fate);
	unsigned word_columns = *word ? (unsigned)strlen(word) + 1 : 0;
	unsigned room = pen->zone - 1 - word_columns, label_columns, before;
	char label[128];

	arrow_label(row, label, sizeof label);
	if (strlen(label) + 6 > room)
		label[room - 6] = 0;
	label_columns = (unsigned)strlen(label) + 2;
	before = (room - label_columns) / 2;
	put_style(pen, arrow_color(row));
	if (!right && word_columns) {
		put(pen, word);
		put(pen, " ");
	}
	if (!right)
		put_head(pen, right, row->event->fate);
	put_shaft(pen, before, row->event->inferred);
	put(pen, " ");
	put(pen, label);
	put(pen, " ");
	put_shaft(pen, room - label_columns - before, row->event->inferred);
	if (right)
		put_head(pen, right, row->event->fate);
	if (right && word_columns) {
		put(pen, " ");
		put(pen, word);
	}
	put_style(pen, "");
}

/* ------------------------------------------------------------------------------------------ */
/* Below the arrow                                                                             */

struct items {
	char text[ITEM_MAX][64];
	unsigned count;
};

static void __attribute__((format(printf, 2, 3))) item(struct items *items, const char *format, ...)
{
	va_list args;

	if (items->count == ITEM_MAX)
		return;
	va_start(args, format);
	vsnprintf(items->text[items->count++], sizeof items->text[0], format, args);
	va_end(args);
}

/* Items, separated by commas, on as many lines as they need. */
static void print_items(struct pen *pen, const struct items *items)
{
	unsigned edge = pen->style.width;

	for (unsigned i = 0; i < items->count; i++) {
		unsigned need = (unsigned)strlen(items->text[i]) + (i + 1 < items->count);

		if (pen->line.columns && pen->line.columns + 1 + need > edge) {
			put_style(pen, "");
			end_line(pen);
		}
		if (pen->line.columns == 0) {
			put_to(pen, pen->zone_at);
			put_style(pen, "2");
		} else {
			put(pen, " ");
		}
		put(pen, items->text[i]);
		if (i + 1 < items->count)
			put(pen, ",");
	}
	put_style(pen, "");
	if (items->count)
		end_line(pen);
}

static void print_numbers(struct pen *pen, const struct ladder_row *row)
{
	uint32_t seq = pen->style.absolute ? row->seq : row->rel_seq;
	struct items items = {.count = 0};

	if (row->len)
		item(&items, "seq %u:%u", seq, seq + row->len);
	else
		item(&items, "seq %u", seq);
	if (row->has_ack)
		item(&items, "ack %u", pen->style.absolute ? row->ack : row->rel_ack);
	if (!row->rst)
		item(&items, "win %u", row->window);
	for (unsigned i = 0; i < row->sack_count; i++)
		item(&items, "sack %u:%u", row->sack[i][0], row->sack[i][1]);
	if (row->again)
		item(&items, "sent again");
	if (*row->event->remark)
		item(&items, "%s", row->event->remark);
	if (row->syn) {
		print_items(pen, &items);
		items.count = 0;
	}
	if (row->has_mss)
		item(&items, "mss %u", row->mss);
	if (row->sack_permitted)
		item(&items, "sackOK");
	if (row->ts_relative && !pen->style.absolute && !row->syn)
		item(&items, "TS +%u ecr +%u", row->rel_ts_val, row->rel_ts_ecr);
	else if (row->has_timestamps)
		item(&items, "TS val %u ecr %u", row->ts_val, row->ts_ecr);
	if (row->has_scale)
		item(&items, "wscale %u", row->scale);
	if (*row->fastopen)
		item(&items, "%s", row->fastopen);
	print_items(pen, &items);
}

/* The first bytes of text, quoted and escaped, as far as one line goes. */
static void print_text(struct pen *pen, const struct ladder_row *row)
{
	unsigned edge = pen->style.width - 5;

	if (row->text_have == 0)
		return;
	put_to(pen, pen->zone_at);
	put_style(pen, "2;36");
	put(pen, "\"");
	for (uint32_t i = 0; i < row->text_have; i++) {
		uint8_t c = row->text[i];
		char escape[8];

		if (pen->line.columns + 4 > edge) {
			put(pen, "\" ...");
			put_style(pen, "");
			end_line(pen);
			return;
		}
		if (c == '\n' || c == '\r' || c == '\t')
			snprintf(escape, sizeof escape, "\\%c", c == '\n' ? 'n' : c == '\r' ? 'r' : 't');
		else if (c == '"' || c == '\\')
			snprintf(escape, sizeof escape, "\\%c", c);
		else
			snprintf(escape, sizeof escape, c >= 32 && c < 127 ? "%c" : "\\x%02x", c);
		put(pen, escape);
	}
	put(pen, "\"");
	put_style(pen, "");
	end_line(pen);
}

/* ------------------------------------------------------------------------------------------ */
/* Rows                                                                                        */

static void print_packet(struct pen *pen, const struct ladder_row *row)
{
	put_time(pen, row->event->time);
	put_state(pen, 0, row->event->state[0]);
	put_to(pen, pen->zone_at);
	put_arrow(pen, row);
	if (row->event->state[1] != LADDER_UNKNOWN)
		put_to(pen, pen->style.width - (unsigned)strlen(tv_state_name(row->event->state[1])));
	put_state(pen, 1, row->event->state[1]);
	end_line(pen);
	if (row->tcp) {
		print_numbers(pen, row);
		print_text(pen, row);
	} else if (*row->event->remark) {
		put_to(pen, pen->zone_at);
		put(pen, row->event->remark);
		end_line(pen);
	}
}

/* A note: words are kept whole, further lines begin under the first. */
static void print_note(struct pen *pen, const struct ladder_row *row)
{
	const char *p = row->event->remark;
	bool first = true;

	put_time(pen, row->event->time);
	put_glyph(pen, "·", '*');
	while (*p) {
		size_t n = strcspn(p, " ");

		if (!first && pen->line.columns + 1 + n > pen->style.width) {
			end_line(pen);
			put_to(pen, TIME_WIDTH + 3);
		}
		put(pen, " ");
		if (first && row->event->inferred)
			put(pen, "(inferred) ");
		first = false;
		for (size_t i = 0; i < n; i++) {
			char c[2] = {p[i], 0};

			put_utf8(pen, c);
		}
		p += n + (p[n] == ' ');
	}
	end_line(pen);
}

static void print_header(struct pen *pen)
{
	const struct ladder *l = pen->ladder;

	put_to(pen, TIME_WIDTH - (pen->seconds ? 1 : 2));
	put_style(pen, "2");
	put(pen, pen->seconds ? "s" : "ms");
	put_style(pen, "");
	put_to(pen, TIME_WIDTH + 2);
	put_style(pen, "1");
	put_utf8(pen, l->name[0]);
	put_to(pen, pen->style.width - (unsigned)strlen(l->name[1]));
	put_utf8(pen, l->name[1]);
	put_style(pen, "");
	end_line(pen);
	if (!l->address[0][0] && !l->address[1][0])
		return;
	put_to(pen, TIME_WIDTH + 2);
	put(pen, l->address[0]);
	if (pen->line.columns + 2 + strlen(l->address[1]) > pen->style.width)
		end_line(pen);
	put_to(pen, pen->style.width - (unsigned)strlen(l->address[1]));
	put(pen, l->address[1]);
	end_line(pen);
}

void ladder_print(const struct ladder *l, const struct ladder_style *style, ladder_sink_fn sink,
	void *user)
{
	struct pen pen = {.ladder = l, .style = *style, .sink = sink, .user = user};
	struct ladder_reader reader;
	struct ladder_row row;

	if (pen.style.width == 0)
		pen.style.width = 80;
	if (pen.style.width < WIDTH_MIN)
		pen.style.width = WIDTH_MIN;
	pen.zone_at = TIME_WIDTH + 2 + STATE_WIDTH + 1;
	pen.zone = pen.style.width - STATE_WIDTH - 1 - pen.zone_at;
	pen.last[0] = pen.last[1] = LADDER_UNKNOWN;
	pen.start = l->count ? l->events[0].time : 0;
	pen.seconds = l->count && l->events[l->count - 1].time - pen.start >= 100 * TV_S;
	print_header(&pen);
	ladder_read(&reader, l);
	while (ladder_next(&reader, &row))
		if (row.event->is_note)
			print_note(&pen, &row);
		else
			print_packet(&pen, &row);
}
