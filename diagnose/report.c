/*
 * report.c - the list of findings.
 *
 * The same word about the same server and port is one finding, however many connections it was seen
 * on: the count says how many, the packets of the first ones prove it, and it is as certain as the most
 * certain of them. At most twelve packets or ranges are cited.
 */
#include "diagnose/report.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wire/text.h"

void finding_start(struct finding *f, const struct conn *c, enum word word, enum certainty certainty)
{
	memset(f, 0, sizeof *f);
	f->word = word;
	f->certainty = certainty;
	f->client = (struct tv_endpoint){.addr = c->addr[0], .port = c->port[0]};
	f->server = (struct tv_endpoint){.addr = c->addr[1], .port = c->port[1]};
	f->v6 = c->v6;
	f->count = 1;
	f->connection = c->number;
	f->lead = seen(&c->first) ? c->first.number : c->icmp[0].number;
}

void finding_cite_range(struct finding *f, uint32_t first, uint32_t last)
{
	for (uint32_t i = 0; i < f->frame_count; i++)
		if (f->frames[i].first <= first && f->frames[i].last >= last)
			return;
	if (f->frame_count == FRAMES_MAX || first == 0)
		return;
	f->frames[f->frame_count++] = (struct frame_range){first, last};
}

void finding_cite(struct finding *f, const struct mark *m)
{
	finding_cite_range(f, m->number, m->number);
}

void finding_say(struct finding *f, const char *format, ...)
{
	size_t at = strlen(f->detail);
	va_list args;

	if (at && at + 1 < sizeof f->detail) {
		f->detail[at++] = ' ';
		f->detail[at] = 0;
	}
	va_start(args, format);
	vsnprintf(f->detail + at, sizeof f->detail - at, format, args);
	va_end(args);
}

/* About the same thing? Words of one host's listener join over its clients. */
static bool joins(const struct finding *a, const struct finding *b)
{
	if (a->word != b->word || a->server.port != b->server.port || a->v6 != b->v6)
		return false;
	if (!tv_addr_equal(&a->server.addr, &b->server.addr) || a->word == WORD_OK)
		return false;
	return a->lost == b->lost && a->too_soon == b->too_soon;
}

static void join(struct finding *into, const struct finding *f)
{
	into->count += f->count;
	if (f->certainty < into->certainty)
		into->certainty = f->certainty;
	if (!tv_addr_equal(&into->client.addr, &f->client.addr))
		into->several_clients = true;
	for (uint32_t i = 0; i < f->frame_count; i++)
		finding_cite_range(into, f->frames[i].first, f->frames[i].last);
}

static uint32_t *place_of(struct report *r, const struct finding *f)
{
	uint32_t h = (uint32_t)f->word * 31 + f->server.port;

	for (unsigned i = 0; i < 16; i++)
		h = h * 31 + f->server.addr.b[i];
	return &r->places[(h ^ h >> 10) % (sizeof r->places / sizeof r->places[0])];
}

void report_add(struct report *r, const struct finding *f)
{
	enum { LOOK_BACK = 64 };
	size_t from = r->count > LOOK_BACK ? r->count - LOOK_BACK : 0;
	uint32_t *place = place_of(r, f);

	if (f->word == WORD_OK && !r->keep_healthy)
		return;
	if (*place && joins(&r->list[*place - 1], f)) {
		join(&r->list[*place - 1], f);
		return;
	}
	for (size_t i = r->count; i-- > from;)
		if (joins(&r->list[i], f)) {
			join(&r->list[i], f);
			return;
		}
	if (r->count == r->room) {
		size_t room = r->room ? 2 * r->room : 32;
		struct finding *list = realloc(r->list, room * sizeof *list);

		if (!list) {
			r->short_of_memory = true;
			return;
		}
		r->list = list;
		r->room = room;
	}
	r->list[r->count++] = *f;
	*place = (uint32_t)r->count;
}

static int rank(const struct finding *f)
{
	static const int ranks[] = {3, 2, 0, 1};

	return ranks[finding_severity(f)];
}

static int compare(const void *a, const void *b)
{
	const struct finding *x = a, *y = b;

	if (rank(x) != rank(y))
		return rank(x) < rank(y) ? -1 : 1;
	return x->lead < y->lead ? -1 : x->lead > y->lead;
}

static int compare_frames(const void *a, const void *b)
{
	const struct frame_range *x = a, *y = b;

	return x->first < y->first ? -1 : x->first > y->first;
}

void report_sort(struct report *r)
{
	if (!r->count)
		return;
	for (size_t i = 0; i < r->count; i++)
		qsort(r->list[i].frames, r->list[i].frame_count, sizeof r->list[i].frames[0], compare_frames);
	qsort(r->list, r->count, sizeof *r->list, compare);
}

void report_free(struct report *r)
{
	free(r->list);
	floods_free(r->floods);
	memset(r, 0, sizeof *r);
}

int report_status(const struct report *r)
{
	bool judged = r->healthy > 0;

	for (size_t i = 0; i < r->count; i++) {
		enum severity s = finding_severity(&r->list[i]);

		if (s == SEVERITY_PROBLEM)
			return 1;
		judged |= s != SEVERITY_UNKNOWN;
	}
	return judged ? 0 : 4;
}

enum severity finding_severity(const struct finding *f)
{
	return f->too_soon ? SEVERITY_UNKNOWN : word_info(f->word)->severity;
}

void finding_text(const struct finding *f, char *out, size_t room)
{
	const char *sentence = word_info(f->word)->sentence;

	snprintf(out, room, "%s%s%s", sentence, *sentence && f->detail[0] ? " " : "", f->detail);
}

void end_text(const struct tv_endpoint *e, char *out, size_t room)
{
	char addr[64];
	struct tv_text t = tv_text_start(addr, sizeof addr);

	tv_text_addr(&t, &e->addr);
	if (e->port == 0)
		snprintf(out, room, "%s", addr);
	else
		snprintf(out, room, tv_addr_is_v4(&e->addr) ? "%s:%u" : "[%s]:%u", addr, e->port);
}

const char *time_text(tv_time time, char out[24])
{
	if (time < 10 * TV_MS)
		snprintf(out, 24, "%.2f ms", (double)time / 1e6);
	else if (time < TV_S)
		snprintf(out, 24, "%.0f ms", (double)time / 1e6);
	else
		snprintf(out, 24, "%.2f s", (double)time / 1e9);
	return out;
}
