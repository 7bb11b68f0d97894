/*
 * table.c - the grid as a person can review it: GRID.txt.
 *
 * For each start and window the cells (flags x SEQ x ACK x text and FIN) are covered by boxes: a box is one
 * set of values for each dimension, and all of its cells have the same outcome. Boxes may overlap,
 * so each line of the table is true by itself. A box grows from a cell that is not yet covered, in
 * several orders of the dimensions; the one that covers most new cells is printed.
 *
 * Dimensions: RST, SYN, URG, PSH (off, on), then SEQ, ACK, text with FIN. Sections with the same lines
 * are printed once.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cases.h"
#include "grid.h"

enum { BITS = 4, D_SEQ = BITS, D_ACK, D_TEXT, DIMS, OUTCOMES = 256 };
enum { CELLS = (1 << BITS) * SEQS * ACKS * TEXTS };
enum { LINES = 400, LINE = 160 };
#define LINE_FORMAT "  %-13s | %-24s | %-25s | %-16s | %s"

static const unsigned bit_of[BITS] = {M_RST, M_SYN, M_URG, M_PSH};
static const char *const name_of[BITS] = {"RST", "SYN", "URG", "PSH"};
static const unsigned sizes[DIMS] = {2, 2, 2, 2, SEQS, ACKS, TEXTS};

struct box {
	unsigned set[DIMS]; /* one bit for each value */
};

struct section {
	enum case_start start;
	enum case_wnd wnd;
	enum grid_part part;
	short outcome[CELLS]; /* number of its text; -1: there is no such case */
	bool covered[CELLS];
	char text[OUTCOMES][LINE];
	short outcomes;
	unsigned all[DIMS]; /* the values that exist */
	char lines[LINES][LINE];
	unsigned line_count;
};

static void add(char *text, size_t size, const char *format, ...)
{
	size_t n = strlen(text);
	va_list args;

	va_start(args, format);
	vsnprintf(text + n, size - n, format, args);
	va_end(args);
}

static unsigned cell_of(const unsigned v[DIMS])
{
	unsigned cell = 0;

	for (unsigned d = 0; d < DIMS; d++)
		cell = cell * sizes[d] + v[d];
	return cell;
}

static void values_of(unsigned cell, unsigned v[DIMS])
{
	for (unsigned d = DIMS; d-- > 0; cell /= sizes[d])
		v[d] = cell % sizes[d];
}

static struct grid_case case_of(const struct section *sec, const unsigned v[DIMS])
{
	struct grid_case c = {.start = sec->start, .wnd = sec->wnd, .seq = (enum case_seq)v[D_SEQ],
		.ack = (enum case_ack)v[D_ACK], .text = (enum case_text)v[D_TEXT]};

	for (unsigned d = 0; d < BITS; d++)
		c.flags |= v[d] ? bit_of[d] : 0;
	return c;
}

/* --- the outcome in words ---------------------------------------------------------------------- */

static const char *packet_name(const struct model_result *r)
{
	if (r->packet.flags == (M_SYN | M_ACK))
		return "SYN-ACK";
	if (r->packet.flags == M_RST)
		return "RST";
	if (r->packet.flags == (M_RST | M_ACK))
		return "RST,ACK";
	return r->challenge ? "challenge ACK" : "ACK";
}

static void events_in_words(unsigned events, char *text, size_t size)
{
	static const char *const names[] = {"established", "refused", "reset", "end of stream", "urgent",
		"gone"};

	for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++) {
		if (events & 1u << i)
			add(text, size, ", \"%s\"", names[i]);
	}
}

/* What is answered: the new state, the packet, the words about the connection, the 2 MSL timer. */
static void answered(const struct model *before, const struct model *after, const struct model_result *r,
	char *text, size_t size)
{
	static const char *const replies[] = {"nothing", "%s or nothing", "%s soon", "%s"};

	if (after->state != before->state)
		add(text, size, "-> %s, ", model_state_name(after->state));
	add(text, size, replies[r->reply], packet_name(r));
	events_in_words(r->events & ~(unsigned)M_EV_URGENT, text, size);
	if (r->restart_2msl)
		add(text, size, ", 2MSL");
}

void grid_outcome(const struct model *before, const struct model *after, const struct model_result *r,
	enum grid_part part, char *text, size_t size)
{
	text[0] = 0;
	if (part == PART_ANSWER || part == PART_ALL)
		answered(before, after, r, text, size);
	if (part == PART_TEXT || part == PART_ALL) {
		if (r->delivered)
			add(text, size, "%stakes %u", text[0] ? ", " : "", r->delivered);
		if (r->held)
			add(text, size, "%sholds %u", text[0] ? ", " : "", r->held);
		if (after->fin_held)
			add(text, size, "%sholds FIN", text[0] ? ", " : "");
	}
	if ((part == PART_URGENT || part == PART_ALL) && r->events & M_EV_URGENT)
		add(text, size, "%s\"urgent\"", text[0] ? ", " : "");
	if (part == PART_SEND || part == PART_ALL) {
		if (after->una != before->una && before->state >= M_SYN_RECEIVED)
			add(text, size, "%sSND.UNA", text[0] ? ", " : "");
		if (after->wnd != before->wnd && before->state >= M_SYN_RECEIVED && after->state != M_CLOSED)
			add(text, size, "%sSND.WND", text[0] ? ", " : "");
	}
}

static short outcome_number(struct section *sec, const char *text)
{
	short i;

	for (i = 0; i < sec->outcomes; i++) {
		if (strcmp(sec->text[i], text) == 0)
			return i;
	}
	if (sec->outcomes == OUTCOMES)
		abort();
	snprintf(sec->text[i], LINE, "%s", text);
	sec->outcomes++;
	return i;
}

static void fill(struct section *sec, uint32_t iss, uint32_t irs)
{
	const struct model start = case_model(sec->start, sec->wnd, iss, irs);

	memset(sec->all, 0, sizeof sec->all);
	for (unsigned cell = 0; cell < CELLS; cell++) {
		unsigned v[DIMS];
		struct model m = start;
		struct model_result r;
		struct grid_case c;
		struct model_segment s;
		char text[LINE];

		values_of(cell, v);
		c = case_of(sec, v);
		sec->covered[cell] = true;
		sec->outcome[cell] = -1;
		if (!case_seq_exists(c.start, c.wnd, c.seq) || !case_ack_exists(c.start, c.ack))
			continue;
		for (unsigned d = 0; d < DIMS; d++)
			sec->all[d] |= 1u << v[d];
		s = case_segment(&m, &c);
		model_arrives(&m, &s, &r);
		grid_outcome(&start, &m, &r, sec->part, text, sizeof text);
		sec->covered[cell] = !text[0]; /* what changes nothing is not printed */
		sec->outcome[cell] = outcome_number(sec, text);
	}
}

/* --- boxes ------------------------------------------------------------------------------------- */

/* How many cells of the box are not covered; -1 if one has another outcome. With mark: covers. */
static int box_count(struct section *sec, const struct box *b, short outcome, bool mark)
{
	unsigned v[DIMS] = {0};
	int n = 0;

	for (;;) {
		unsigned d;
		bool inside = true;

		for (d = 0; d < DIMS && inside; d++)
			inside = b->set[d] >> v[d] & 1;
		if (inside) {
			unsigned cell = cell_of(v);

			if (sec->outcome[cell] != outcome)
				return -1;
			n += !sec->covered[cell];
			sec->covered[cell] |= mark;
		}
		d = inside ? DIMS - 1 : d - 1; /* a value outside: skip all below it */
		memset(&v[d + 1], 0, (DIMS - 1 - d) * sizeof v[0]);
		while (++v[d] == sizes[d]) {
			v[d] = 0;
			if (d-- == 0)
				return n;
		}
	}
}

static void box_grow(struct section *sec, struct box *b, short outcome, const unsigned order[DIMS])
{
	for (unsigned i = 0; i < DIMS; i++) {
		unsigned d = order[i];

		for (unsigned v = 0; v < sizes[d]; v++) {
			struct box wider = *b;

			if (!(sec->all[d] >> v & 1) || b->set[d] >> v & 1)
				continue;
			memset(wider.set, 0, sizeof wider.set);
			for (unsigned e = 0; e < DIMS; e++)
				wider.set[e] = e == d ? 1u << v : b->set[e];
			if (box_count(sec, &wider, outcome, false) >= 0)
				b->set[d] |= 1u << v;
		}
	}
}

static struct box best_box(struct section *sec, unsigned cell)
{
	static const unsigned orders[][DIMS] = {{0, 1, 2, 3, 4, 5, 6}, {3, 2, 1, 0, 4, 5, 6},
		{3, 2, 1, 0, 4, 6, 5}, {3, 2, 1, 0, 5, 4, 6}, {3, 2, 1, 0, 5, 6, 4}, {3, 2, 1, 0, 6, 4, 5},
		{3, 2, 1, 0, 6, 5, 4}, {4, 5, 6, 3, 2, 1, 0}, {6, 5, 4, 3, 2, 1, 0}, {5, 6, 4, 3, 2, 1, 0}};
	struct box best = {{0}};
	int most = -1;
	unsigned v[DIMS];

	values_of(cell, v);
	for (unsigned i = 0; i < sizeof orders / sizeof orders[0]; i++) {
		struct box b;
		int n;

		for (unsigned d = 0; d < DIMS; d++)
			b.set[d] = 1u << v[d];
		box_grow(sec, &b, sec->outcome[cell], orders[i]);
		n = box_count(sec, &b, sec->outcome[cell], false);
		if (n > most) {
			most = n;
			best = b;
		}
	}
	return best;
}

/* --- lines ------------------------------------------------------------------------------------- */

/* A set of one dimension: "any", or names, a run of three or more as "first..last". */
static void set_in_words(const struct section *sec, const struct box *b, unsigned d, char *text, size_t size)
{
	const char *comma = "";

	text[0] = 0;
	if (b->set[d] == sec->all[d]) {
		add(text, size, "any");
		return;
	}
	for (unsigned v = 0; v < sizes[d]; v++) {
		const char *names[2];
		unsigned last = v, n = 0;

		if (!(b->set[d] >> v & 1))
			continue;
		for (unsigned w = v; w < sizes[d] && (b->set[d] >> w & 1 || !(sec->all[d] >> w & 1)); w++) {
			if (b->set[d] >> w & 1) {
				last = w;
				n++;
			}
		}
		if (n < 3)
			last = v;
		for (unsigned k = 0; k < 2; k++) {
			unsigned w = k ? last : v;

			names[k] = d == D_SEQ ? case_seq_name((enum case_seq)w)
				: d == D_ACK ? case_ack_name((enum case_ack)w)
				: case_text_name((enum case_text)w);
		}
		add(text, size, last == v ? "%s%s" : "%s%s..%s", comma, names[0], names[1]);
		comma = ",";
		v = last;
	}
}

static void box_line(struct section *sec, const struct box *b, short outcome)
{
	char flags[64] = "", seq[64], ack[64], text[64];
	char *line = sec->lines[sec->line_count];

	if (sec->line_count++ == LINES)
		abort();
	for (unsigned d = 0; d < BITS; d++) {
		if (b->set[d] == 1 || b->set[d] == 2)
			add(flags, sizeof flags, "%s%s%s", flags[0] ? " " : "", b->set[d] == 1 ? "-" : "",
				name_of[d]);
	}
	set_in_words(sec, b, D_SEQ, seq, sizeof seq);
	set_in_words(sec, b, D_ACK, ack, sizeof ack);
	set_in_words(sec, b, D_TEXT, text, sizeof text);
	line[0] = 0;
	add(line, LINE, LINE_FORMAT, flags, seq, ack, text, sec->text[outcome]);
}

/* RST first, then SYN, then no ACK, then what the fifth step and those behind it see. */
static unsigned stage_of(const unsigned v[DIMS])
{
	if (v[0])
		return 0;
	if (v[1])
		return 1;
	return v[D_ACK] == ACK_NONE ? 2 : 3;
}

static void section_lines(struct section *sec)
{
	for (unsigned stage = 0; stage < 4; stage++) {
		for (unsigned cell = 0; cell < CELLS; cell++) {
			unsigned v[DIMS];
			struct box b;

			values_of(cell, v);
			if (sec->covered[cell] || stage_of(v) != stage)
				continue;
			b = best_box(sec, cell);
			box_count(sec, &b, sec->outcome[cell], true);
			box_line(sec, &b, sec->outcome[cell]);
		}
	}
}

static bool same_lines(const struct section *a, const struct section *b)
{
	if (a->line_count != b->line_count)
		return false;
	for (unsigned i = 0; i < a->line_count; i++) {
		if (strcmp(a->lines[i], b->lines[i]) != 0)
			return false;
	}
	return true;
}

static const char head[] =
	"The grid: every state x every event of RFC 9293 3.10.7, as tests/grid/model.c reads it.\n"
	"This file is reviewed; `build/test_grid --table` prints it, a test compares it.\n"
	"\n"
	"  flags    bits that are set, or clear with - before them; bits not named do not matter\n"
	"  SEQ      NXT = RCV.NXT, old = NXT-1000, edge = NXT+RCV.WND, last = edge-1, beyond = edge+1000\n"
	"  ACK      none: the bit is off; else the field: UNA = SND.UNA, NXT = SND.NXT, MAX = MAX.SND.WND,\n"
	"           far = SND.NXT+2^30. 100 octets are in flight where the state allows it, then our FIN\n"
	"  text     octets of text, and a FIN behind them\n"
	"Segments offer a window of 2000; before, SND.WND and MAX.SND.WND are 1000. Lines may overlap: each\n"
	"is true by itself. A place that a section does not name does not exist there. In the first chapter\n"
	"the windows of 4 and 0 are printed for ESTABLISHED only; FIN-WAIT-1 and FIN-WAIT-2 answer alike.\n";

static const char *const part_heads[PART_ALL] = {
	"\n==== What is answered\n\n"
	"-> new state, the packet, \"what the user is told\", 2MSL: the timer is started (again).\n"
	"ACK: <SND.NXT><RCV.NXT>; RST: <SEG.ACK>; RST,ACK: <0><SEG.SEQ+SEG.LEN>; SYN-ACK: <ISS><RCV.NXT>;\n"
	"soon: may be delayed by less than 500 ms.\n",
	"\n==== What is taken of text and FIN\n\n"
	"takes: octets given to the user; holds: kept above a gap. What is not listed takes nothing.\n",
	"\n==== When the user hears of urgent data\n\n"
	"The urgent pointer is 12.\n",
	"\n==== What becomes of SND.UNA and SND.WND\n\n"
	"SND.UNA: moves to SEG.ACK; SND.WND: is set from the segment, WL1 and WL2 with it.\n",
};

static struct section *all_sections(enum grid_part part, unsigned *count)
{
	struct section *list = calloc(STARTS * WNDS, sizeof *list);

	*count = 0;
	if (!list)
		abort();
	for (enum case_start start = 0; start < STARTS; start++) {
		for (enum case_wnd wnd = 0; wnd < WNDS; wnd++) {
			if (!case_wnd_exists(start, wnd))
				continue;
			if (part == PART_ANSWER && wnd != WND_OPEN && start != START_ESTABLISHED)
				continue;
			list[*count].start = start;
			list[*count].wnd = wnd;
			list[*count].part = part;
			fill(&list[*count], 1000000, 2000000);
			section_lines(&list[*count]);
			*count += list[*count].line_count > 0;
		}
	}
	return list;
}

static void print_part(enum grid_part part, char *text, size_t size)
{
	unsigned count;
	struct section *list = all_sections(part, &count);

	add(text, size, "%s", part_heads[part]);
	for (unsigned i = 0; i < count; i++) {
		bool printed = false;

		for (unsigned j = 0; j < i; j++)
			printed = printed || same_lines(&list[i], &list[j]);
		if (printed)
			continue;
		add(text, size, "\n");
		for (unsigned j = i; j < count; j++) {
			if (same_lines(&list[i], &list[j]))
				add(text, size, "%s, %s\n", case_start_name(list[j].start),
					case_wnd_name(list[j].wnd));
		}
		add(text, size, LINE_FORMAT, "flags", "SEQ", "ACK", "text", "outcome");
		add(text, size, "\n");
		for (unsigned k = 0; k < list[i].line_count; k++)
			add(text, size, "%s\n", list[i].lines[k]);
	}
	free(list);
}

char *grid_table(void)
{
	enum { SIZE = 1 << 18 };
	char *text = calloc(1, SIZE);

	if (!text)
		abort();
	add(text, SIZE, "%s", head);
	for (enum grid_part part = 0; part < PART_ALL; part++)
		print_part(part, text, SIZE);
	return text;
}

/* EV-45: the same outcomes wherever the numbers lie. Returns the number of cells that differ. */
unsigned grid_wrap_differences(uint32_t iss, uint32_t irs)
{
	struct section *here = calloc(2, sizeof *here), *there = here + 1;
	unsigned differ = 0;

	if (!here)
		abort();
	for (enum case_start start = 0; start < STARTS; start++) {
		for (enum case_wnd wnd = 0; wnd < WNDS; wnd++) {
			if (!case_wnd_exists(start, wnd))
				continue;
			here->start = there->start = start;
			here->wnd = there->wnd = wnd;
			here->part = there->part = PART_ALL;
			here->outcomes = there->outcomes = 0;
			fill(here, 1000000, 2000000);
			fill(there, iss, irs);
			for (unsigned cell = 0; cell < CELLS; cell++)
				differ += here->outcome[cell] != there->outcome[cell]
					|| (here->outcome[cell] >= 0
						&& strcmp(here->text[here->outcome[cell]],
							   there->text[there->outcome[cell]]) != 0);
		}
	}
	free(here);
	return differ;
}
