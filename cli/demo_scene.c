/*
 * demo_scene.c - records a conversation, draws it, and says in one sentence what it was.
 *
 * The sentence is made from the ladder's rows, not from what the play knows: what it says was on the
 * wire. Only who sits in TIME-WAIT is asked from the two ends, since no packet shows it.
 */
#include <stdarg.h>
#include <string.h>

#include "cli/address.h"
#include "cli/demo.h"

/* ------------------------------------------------------------------------------------------ */
/* Recording                                                                                   */

bool scene_begin(struct scene *s, struct demo *demo, const char *title)
{
	memset(s, 0, sizeof *s);
	s->demo = demo;
	s->title = title;
	s->ladder = ladder_new();
	if (!s->ladder)
		complain(&demo->common, "out of memory");
	return s->ladder;
}

void scene_ends(struct scene *s, const char *left, const char *right)
{
	char text[ENDPOINT_TEXT];

	ladder_end(s->ladder, 0, left, endpoint_text(&s->end[0], text));
	ladder_end(s->ladder, 1, right, endpoint_text(&s->end[1], text));
}

/* Is this packet between the two addresses, and TCP or ICMP? */
static bool belongs(const struct scene *s, unsigned from, const uint8_t *ip, uint32_t len)
{
	bool v4 = address_is_v4(&s->end[0].addr);
	uint32_t size = v4 ? 4 : 16, at = v4 ? 12 : 8;
	const uint8_t *src = s->end[from].addr.b + 16 - size, *dst = s->end[!from].addr.b + 16 - size;
	uint8_t protocol;

	if (len < at + 2 * size || ip[0] >> 4 != (v4 ? 4 : 6))
		return false;
	protocol = v4 ? ip[9] : ip[6];
	/* Of ICMPv6 only errors: the rest is neighbour discovery. */
	if (protocol != 6 && !(v4 && protocol == 1) && !(!v4 && protocol == 58 && len > 40 && ip[40] < 128))
		return false;
	return memcmp(ip + at, src, size) == 0 && memcmp(ip + at + size, dst, size) == 0;
}

/* The listener's state is the connection's only before there is one. */
static enum tv_state seen(struct scene *s, unsigned end, enum tv_state state)
{
	if (state != TV_LISTEN && state != TV_CLOSED)
		s->lived[end] = true;
	if (state == TV_LISTEN && s->lived[end])
		state = TV_CLOSED;
	s->last[end] = state;
	return state;
}

size_t scene_packet(struct scene *s, tv_time time, unsigned from, const uint8_t *ip, uint32_t len,
	enum tv_state state)
{
	struct ladder_event e = {.time = time, .from = from, .ip = ip, .len = len};

	if (!belongs(s, from, ip, len))
		return LADDER_NONE;
	e.fate = LADDER_UNDER_WAY;
	e.state[from] = seen(s, from, state);
	e.state[!from] = LADDER_UNKNOWN;
	return ladder_packet(s->ladder, &e);
}

void scene_arrived(struct scene *s, size_t number, enum tv_state state, enum ladder_fate fate)
{
	struct ladder_event *e = ladder_at(s->ladder, number);

	if (!e)
		return;
	e->fate = fate;
	e->state[!e->from] = seen(s, !e->from, state);
}

void scene_last(struct scene *s, unsigned end, enum tv_state state)
{
	seen(s, end, state);
}

void scene_note(struct scene *s, tv_time time, unsigned about, const char *text)
{
	ladder_note(s->ladder, time, about, text);
}

/* ------------------------------------------------------------------------------------------ */
/* What happened, from the rows                                                                */

struct summary {
	unsigned syns;         /* how often the opener's SYN was sent */
	bool opened, reset, lost;
	tv_time first_syn_at, syn_at, answer_at; /* when they left; syn_at: the last before the answer */
	uint32_t isn[2];
	bool isn_known[2];
	struct ladder_row syn[2];
	uint32_t bytes[2];
	int first_fin;         /* which end closed first; -1: neither */
	unsigned packets, again;
};

static void summarise(const struct ladder *l, struct summary *sum)
{
	struct ladder_reader reader;
	struct ladder_row row;

	memset(sum, 0, sizeof *sum);
	sum->first_fin = -1;
	ladder_read(&reader, l);
	while (ladder_next(&reader, &row)) {
		unsigned from = row.event->from & 1;

		if (row.event->is_note || !row.tcp)
			continue;
		sum->packets++;
		sum->again += row.again;
		sum->lost |= row.event->fate == LADDER_LOST;
		if (row.syn && from == 0 && !sum->opened) {
			if (sum->syns++ == 0)
				sum->first_syn_at = row.event->time;
			sum->syn_at = row.event->time;
		}
		if (row.syn && !sum->isn_known[from]) {
			sum->isn_known[from] = true;
			sum->isn[from] = row.seq;
			sum->syn[from] = row;
		}
		if (from == 1 && !sum->opened && !sum->reset && row.event->fate == LADDER_CARRIED) {
			sum->opened = row.syn && row.has_ack;
			sum->reset = row.rst;
			sum->answer_at = row.event->time;
		}
		if (!row.again)
			sum->bytes[from] += row.len;
		if (row.fin && sum->first_fin < 0)
			sum->first_fin = (int)from;
	}
}

/* ------------------------------------------------------------------------------------------ */
/* The sentence                                                                                */

static void add(char *out, size_t room, const char *format, ...) __attribute__((format(printf, 3, 4)));

static void add(char *out, size_t room, const char *format, ...)
{
	size_t at = strlen(out);
	va_list args;

	va_start(args, format);
	vsnprintf(out + at, room - at, format, args);
	va_end(args);
}

static void add_trips(char *out, size_t room, const struct summary *sum, tv_time rtt,
	tv_time way_back)
{
	char time[24];

	if (sum->syns > 1)
		add(out, room, "After %u SYNs, %s from the first,", sum->syns,
			duration_text(way_back + sum->answer_at - sum->first_syn_at, time));
	else if (rtt)
		add(out, room, "After one round trip (%s)", duration_text(rtt, time));
	else
		add(out, room, "After one round trip");
}

static void add_agreed(char *out, size_t room, const struct summary *sum)
{
	const struct ladder_row *a = &sum->syn[0], *b = &sum->syn[1];

	if (a->has_mss && b->has_mss && a->mss == b->mss)
		add(out, room, " with segments of at most %u bytes", a->mss);
	else if (a->has_mss && b->has_mss)
		add(out, room, " with segments of at most %u bytes one way and %u the other", b->mss,
			a->mss);
	else
		add(out, room, " with segments of the size that everybody must take");
	if (a->has_scale && b->has_scale)
		add(out, room, ", windows counted in units of %u and %u bytes", 1u << a->scale,
			1u << b->scale);
	if (a->sack_permitted && b->sack_permitted)
		add(out, room, ", selective acknowledgments");
	if (a->has_timestamps && b->has_timestamps)
		add(out, room, "%s timestamps", a->sack_permitted && b->sack_permitted ? " and" : ",");
}

static void add_time_wait(char *out, size_t room, const struct scene *s)
{
	bool waits[2] = {s->last[0] == TV_TIME_WAIT, s->last[1] == TV_TIME_WAIT};
	const char *names[2] = {ladder_end_name(s->ladder, 0), ladder_end_name(s->ladder, 1)};

	if (waits[0] && waits[1])
		add(out, room, "; both closed at once and sit in TIME-WAIT.");
	else if (waits[0] || waits[1])
		add(out, room, "; %s, which closed first, sits in TIME-WAIT, and %s has forgotten it all.",
			names[waits[1]], names[waits[0]]);
	else
		add(out, room, "; nobody sits in TIME-WAIT.");
}

/* A round trip; of it the answer's way back is not in answer_at if the wire is simulated. */
static tv_time measured(const struct scene *s, const struct summary *sum)
{
	return s->demo->sim ? s->demo->rtt : sum->answer_at - sum->syn_at;
}

static void sentence(const struct scene *s, const struct summary *sum, char *out, size_t room)
{
	const char *left = ladder_end_name(s->ladder, 0), *right = ladder_end_name(s->ladder, 1);

	*out = 0;
	if (!s->done && s->trouble)
		add(out, room, "This did not go as it should: %s.", s->trouble);
	if (!s->done)
		return;
	add_trips(out, room, sum, measured(s, sum), s->demo->sim ? s->demo->rtt / 2 : 0);
	if (s->closed_port) {
		add(out, room, " %s answered the SYN with a reset, for nobody listens on port %u: nothing "
			       "was negotiated, %s had begun with ISN %u and %s never chose one, and "
			       "nobody sits in TIME-WAIT.", right, s->end[1].port, left, sum->isn[0], right);
		return;
	}
	add(out, room, " the connection was open,");
	add_agreed(out, room, sum);
	add(out, room, "; %s counts its bytes from ISN %u, %s from ISN %u", left, sum->isn[0], right,
		sum->isn[1]);
	if (sum->again)
		add(out, room, "; %u of %u packets had to be sent again", sum->again, sum->packets);
	add_time_wait(out, room, s);
}

/* ------------------------------------------------------------------------------------------ */
/* Printing                                                                                    */

static void to_stdout(void *user, const char *text, size_t len)
{
	(void)user;
	fwrite(text, 1, len, stdout);
}

static json_t *json_options(const struct ladder_row *row)
{
	json_t *o = json_object();

	if (row->has_mss)
		json_object_set_new(o, "mss", json_integer(row->mss));
	if (row->has_scale)
		json_object_set_new(o, "window_scale", json_integer(row->scale));
	if (row->sack_permitted)
		json_object_set_new(o, "sack_permitted", json_true());
	if (*row->fastopen)
		json_object_set_new(o, "fastopen", json_string(row->fastopen));
	if (row->has_timestamps)
		json_object_set_new(o, "timestamps",
			json_pack("{s:I,s:I}", "val", (json_int_t)row->ts_val, "ecr",
				(json_int_t)row->ts_ecr));
	return o;
}

static const char *fate_word(enum ladder_fate fate)
{
	switch (fate) {
	case LADDER_CARRIED: return "carried";
	case LADDER_LOST: return "lost";
	case LADDER_DAMAGED: return "damaged";
	case LADDER_UNDER_WAY: return "under way";
	}
	return "?";
}

static json_t *json_row(const struct ladder_row *row, tv_time start)
{
	const struct ladder_event *e = row->event;
	json_t *o = json_pack("{s:I}", "time_ns", (json_int_t)(e->time - start));

	if (e->is_note) {
		json_object_set_new(o, "note", json_string(e->remark));
		return o;
	}
	json_object_set_new(o, "from", json_integer((json_int_t)e->from));
	json_object_set_new(o, "what", json_string(row->words));
	json_object_set_new(o, "fate", json_string(fate_word(e->fate)));
	if (e->arrived)
		json_object_set_new(o, "arrived_ns", json_integer((json_int_t)(e->arrived - start)));
	if (*e->remark)
		json_object_set_new(o, "remark", json_string(e->remark));
	for (unsigned i = 0; i < 2; i++)
		if (e->state[i] != LADDER_UNKNOWN)
			json_object_set_new(o, i ? "right_state" : "left_state",
				json_string(tv_state_name(e->state[i])));
	if (!row->tcp)
		return o;
	json_object_set_new(o, "flags", json_string(row->flags));
	json_object_set_new(o, "seq", json_integer(row->seq));
	json_object_set_new(o, "relative_seq", json_integer(row->rel_seq));
	if (row->has_ack) {
		json_object_set_new(o, "ack", json_integer(row->ack));
		json_object_set_new(o, "relative_ack", json_integer(row->rel_ack));
	}
	json_object_set_new(o, "len", json_integer(row->len));
	json_object_set_new(o, "window", json_integer(row->window));
	json_object_set_new(o, "again", json_boolean(row->again));
	json_object_set_new(o, "options", json_options(row));
	return o;
}

json_t *events_json(const struct ladder *l)
{
	json_t *events = json_array();
	struct ladder_reader reader;
	struct ladder_row row;
	tv_time start = 0;

	ladder_read(&reader, l);
	for (bool first = true; ladder_next(&reader, &row); first = false) {
		start = first ? row.event->time : start;
		json_array_append_new(events, json_row(&row, start));
	}
	return events;
}

static void add_json(const struct scene *s, const struct summary *sum, const char *words)
{
	json_t *o = json_pack("{s:s,s:b,s:s}", "scene", s->title, "ok", s->done, "sentence", words);
	json_t *ends = json_array();

	for (unsigned i = 0; i < 2; i++) {
		json_t *end = json_pack("{s:s,s:s,s:s}", "name", ladder_end_name(s->ladder, i), "address",
			ladder_end_address(s->ladder, i), "state", tv_state_name(s->last[i]));

		if (sum->isn_known[i])
			json_object_set_new(end, "isn", json_integer(sum->isn[i]));
		json_array_append_new(ends, end);
	}
	json_object_set_new(o, "ends", ends);
	json_object_set_new(o, "events", events_json(s->ladder));
	json_array_append_new(s->demo->scenes, o);
}

void scene_end(struct scene *s)
{
	const struct common *c = &s->demo->common;
	struct ladder_style style = {.ascii = c->ascii, .color = c->color};
	struct summary sum;
	char words[1024];

	summarise(s->ladder, &sum);
	sentence(s, &sum, words, sizeof words);
	s->demo->failed |= !s->done;
	if (c->json) {
		add_json(s, &sum, words);
	} else if (s->demo->lines) {
		ladder_lines(s->ladder, to_stdout, NULL);
		if (!c->quiet)
			putchar('\n');
	} else {
		printf("%s%s%s\n\n", c->color ? "\033[1;4m" : "", s->title, c->color ? "\033[m" : "");
		ladder_print(s->ladder, &style, to_stdout, NULL);
		putchar('\n');
		print_wrapped(stdout, words);
		putchar('\n');
	}
	if (!s->done && (c->json || s->demo->lines))
		complain(c, "%s: %s", s->title, s->trouble ? s->trouble : "it did not end");
	ladder_free(s->ladder);
	s->ladder = NULL;
}
