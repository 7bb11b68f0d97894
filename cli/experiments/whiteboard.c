/*
 * whiteboard.c - the picture that everybody draws: two lines, three arrows, and who is in which state.
 *
 * The numbers on it are the real ones less an offset for each end, so that they begin where --isn says,
 * or as letters: the initial sequence numbers themselves are keyed and cannot be chosen (RFC 6528).
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "cli/experiments/lab.h"

/* The longest labels fit the board: ten digits, or eight letters, twice. */
enum { LETTERS = 8 };

/* What each end's numbers are called. */
struct names {
	char letter[2][16];    /* "x"; "" with a number */
	uint32_t first[2];     /* what its ISN is shown as */
	uint32_t isn[2];       /* what it really is */
};

static void number_text(const struct names *n, unsigned side, uint32_t number, char *out, size_t room)
{
	uint32_t off = number - n->isn[side];

	if (!n->letter[side][0])
		snprintf(out, room, "%u", n->first[side] + off);
	else if (off)
		snprintf(out, room, "%s+%u", n->letter[side], off);
	else
		snprintf(out, room, "%s", n->letter[side]);
}

static void label(void *user, const struct ladder_row *row, char *out, size_t room)
{
	const struct names *n = user;
	unsigned from = row->event->from & 1;
	char seq[32], ack[32];

	number_text(n, from, row->seq, seq, sizeof seq);
	number_text(n, !from, row->ack, ack, sizeof ack);
	snprintf(out, room, row->has_ack ? "%s seq=%s ack=%s" : "%s seq=%s", row->words, seq, ack);
}

/* "1000,2000", "x,y". */
static bool read_names(const char *text, struct names *n)
{
	const char *comma = strchr(text, ',');
	const char *part[2] = {text, comma ? comma + 1 : NULL};
	size_t len[2];

	if (!comma)
		return false;
	len[0] = (size_t)(comma - text);
	len[1] = strlen(part[1]);
	for (unsigned i = 0; i < 2; i++) {
		char copy[16];
		uint64_t number = 0;

		if (len[i] == 0 || len[i] >= sizeof copy)
			return false;
		memcpy(copy, part[i], len[i]);
		copy[len[i]] = 0;
		if (isdigit((unsigned char)copy[0])) {
			if (!number_read(copy, 0, UINT32_MAX, &number))
				return false;
			n->first[i] = (uint32_t)number;
			continue;
		}
		for (size_t k = 0; k < len[i]; k++)
			if (!isalpha((unsigned char)copy[k]) || k >= LETTERS)
				return false;
		memcpy(n->letter[i], copy, len[i] + 1);
	}
	return true;
}

/* ------------------------------------------------------------------------------------------ */
/* The board, in characters                                                                    */

enum { SIDE = 11, ZONE = 52, ROWS = 4 };

static void put_glyphs(char *line, unsigned n, const char *glyph)
{
	for (; n; n--)
		strcat(line, glyph);
}

/* One row: the state at the left line, what is between the lines, the state at the right one. */
static void put_row(const struct common *c, const char *left, const char *zone, const char *right)
{
	const char *dim = c->color ? "\033[1m" : "", *off = c->color ? "\033[m" : "", *bar = c->ascii ? "|" : "│";
	char line[1024];
	size_t n;

	snprintf(line, sizeof line, "%*s%s%s%s %s%s%s %s%s%s", (int)(SIDE - strlen(left)), "", dim, left, off, bar, zone,
		bar, dim, right, off);
	for (n = strlen(line); n && line[n - 1] == ' '; n--)
		line[n - 1] = 0;
	puts(line);
}

/* The r-th row of an arrow: each row is a quarter of the way. */
static void zone_row(const struct common *c, bool right, unsigned r, const char *text, char *out)
{
	unsigned quarter = ZONE / ROWS, before = right ? r * quarter : ZONE - (r + 1) * quarter;
	const char *flat = c->ascii ? "-" : "─", *fall = right ? (c->ascii ? "\\" : "╲") : (c->ascii ? "/" : "╱");
	const char *head = right ? (c->ascii ? ">" : "▶") : (c->ascii ? "<" : "◀");
	unsigned room = right ? ZONE - before - quarter : before, len = (unsigned)strlen(text);
	char shaft[256] = "", said[128] = "";

	if (r + 1 == ROWS && !right)
		strcat(shaft, head);
	if (r + 1 < ROWS && !right)
		strcat(shaft, fall);
	put_glyphs(shaft, quarter - 1, flat);
	if (right)
		strcat(shaft, r + 1 == ROWS ? head : fall);
	if (r == 0 && len + 2 <= room)
		snprintf(said, sizeof said, right ? "  %s" : "%s  ", text);
	if (right)
		snprintf(out, 512, "%*s%s%s%*s", (int)before, "", shaft, said, (int)(room - strlen(said)), "");
	else
		snprintf(out, 512, "%*s%s%s%*s", (int)(room - strlen(said)), "", said, shaft, (int)(ZONE - before - quarter), "");
}

static void print_board(struct lab *lab)
{
	const struct common *c = &lab->show->demo->common;
	enum tv_state last[2] = {ladder_started(lab->ladder, 0), ladder_started(lab->ladder, 1)};
	struct ladder_reader reader;
	struct ladder_row row;
	char text[128], zone[512];

	printf("%*s%*s\n", SIDE + 4, "Client", ZONE + 3, "Server");
	snprintf(zone, sizeof zone, "%*s", ZONE, "");
	put_row(c, tv_state_name(last[0]), zone, tv_state_name(last[1]));
	ladder_read(&reader, lab->ladder);
	while (ladder_next(&reader, &row)) {
		const struct ladder_event *e = row.event;

		if (e->is_note)
			continue;
		label(lab->user, &row, text, sizeof text);
		for (unsigned r = 0; r < ROWS; r++) {
			unsigned end = r == 0 ? e->from : !e->from;
			bool changes = e->state[end] != LADDER_UNKNOWN && e->state[end] != last[end];
			const char *told = changes && (r == 0 || r + 1 == ROWS) ? tv_state_name(e->state[end]) : "";

			if (*told)
				last[end] = e->state[end];
			zone_row(c, e->from == 0, r, text, zone);
			put_row(c, end == 0 ? told : "", zone, end ? told : "");
		}
	}
}

/* ------------------------------------------------------------------------------------------ */
/* The experiment                                                                              */

static void to_file(void *user, const char *text, size_t len)
{
	fwrite(text, 1, len, user);
}

static void write_svg(struct lab *lab, const char *path)
{
	struct svg_style style = lab->style;
	FILE *out = fopen(path, "w");
	bool done;

	style.alone = true;
	ladder_end(lab->ladder, 0, "Client", "");
	ladder_end(lab->ladder, 1, "Server", "");
	done = out && svg_ladder(lab->ladder, &style, to_file, out);
	if (out && fclose(out) != 0)
		done = false;
	if (done)
		return;
	complain(&lab->show->demo->common, "%s could not be written: choose another place with --svg", path);
	lab->trouble = "the drawing could not be written";
}

/* What the ladder's rows say; the picture is drawn from the same. */
static void look(struct lab *lab, struct names *n)
{
	struct ladder_reader reader;
	struct ladder_row row[3];
	unsigned count = 0;

	ladder_read(&reader, lab->ladder);
	while (count < 3 && ladder_next(&reader, &row[count]))
		count += row[count].tcp;
	if (count < 3)
		return;
	n->isn[0] = row[0].seq;
	n->isn[1] = row[1].seq;
	lab_claim(lab, ladder_count(lab->ladder) == 3 && row[1].ack == n->isn[0] + 1 &&
			row[2].ack == n->isn[1] + 1 && row[2].seq == n->isn[0] + 1,
		"Three messages: each end says where its numbers begin, and each repeats the other's, plus one.");
	lab_claim(lab, n->isn[0] != n->first[0] && n->isn[1] != n->first[1],
		"The numbers of this picture are for reading: the real ISNs of this run are %u and %u, which nobody without "
		"the stack's key could have guessed (RFC 6528).", n->isn[0], n->isn[1]);
}

void show_whiteboard(struct show *show)
{
	const struct lab_setup setup = {.title = "The handshake, as on a whiteboard", .port = 8000};
	struct names names = {.first = {1000, 2000}};
	struct lab lab;

	if (show->demo->isn && !read_names(show->demo->isn, &names))
		usage_error("demo", "--isn: two numbers below 4294967296, or two words of at most %d letters, as 1000,2000 or x,y; "
			"not '%s'", LETTERS, show->demo->isn);
	if (!lab_begin(&lab, show, &setup))
		return;
	lab.user = &names;
	lab.print = print_board;
	lab.style = (struct svg_style){.bare = true, .label = label, .label_user = &names};
	lab_listen(&lab);
	if (lab_connect(&lab, 0) < 0)
		lab.trouble = "the connection could not be begun";
	lab_until(&lab, 1, TV_ESTABLISHED);
	look(&lab, &names);
	if (show->demo->svg)
		write_svg(&lab, show->demo->svg);
	lab_end(&lab);
}
