/*
 * verdict_flood.c - floods: many SYNs to one port, none of which completes a handshake.
 *
 * A flood has more connections than the tracker keeps at once. Those that leave it are counted for their
 * server and port, and their findings are held back: when the capture is over, a flood takes them, and
 * whatever was none is told after all. FLOODS_MAX servers and ports are counted so at once; when there are
 * more, the one of which least has left makes room.
 */
#include <stdlib.h>

#include "diagnose/verdict_crowd.h"

enum { FLOODS_MAX = 16 };

struct flood {
	struct tv_endpoint server;
	uint32_t syns, answered, once, sources;
	uint32_t first, last;          /* packets */
	bool tight;
	struct mark window[FLOOD_SYNS]; /* when the last of them began */
	struct tv_addr before;         /* the source of the one before */
	/* of those that left the tracker */
	struct conn one, denied;       /* the first; a client that got nothing */
	bool has_one, has_denied, told;
};

struct floods {
	struct flood list[FLOODS_MAX];
	unsigned count;
	struct report held;
};

/* Never completed, and its sender does not even repeat the SYN: nobody is there. */
static bool is_flood_like(const struct conn *c)
{
	const struct side *a = &c->side[0], *b = &c->side[1];

	if (!a->syn_seen || seen(&c->ack) || a->syn_count > 1 || seen(&b->rst) || c->icmp_count)
		return false;
	return a->bytes == 0 && a->packets <= 2;
}

/* A client that tries more than once during the flood, and gets nothing. */
static bool is_denied(const struct conn *c, const struct flood *d)
{
	return c->side[0].syn_seen && c->side[0].syn_count > 1 && !c->side[1].syn_seen && !seen(&c->side[1].rst) &&
		c->icmp_count == 0 && c->side[0].syn_again[1].number > d->first;
}

static void count_one(struct flood *d, const struct conn *c)
{
	struct mark *slot = &d->window[d->syns % FLOOD_SYNS];
	uint32_t last = c->side[1].syn_seen ? c->side[1].syn.number : c->first.number;

	if (seen(slot) && since(slot, &c->first) <= limit(LIMIT_FLOOD_SPAN))
		d->tight = true;
	*slot = c->first;
	d->sources += d->syns == 0 || !tv_addr_equal(&d->before, &c->addr[0]);
	if (d->syns++ == 0 || c->first.number < d->first)
		d->first = c->first.number;
	d->last = last > d->last ? last : d->last;
	d->answered += c->side[1].syn_seen;
	d->once += c->side[1].syn_count == 1;
	d->before = c->addr[0];
}

static bool is_flood(const struct flood *d)
{
	return d->syns >= FLOOD_SYNS && (d->tight || d->syns == FLOOD_SYNS) &&
		(d->answered || d->sources >= FLOOD_SYNS / 2);
}

/* ------------------------------------------------------------------------------------------ */
/* Those that leave                                                                            */

static struct flood *find(struct report *r, const struct tv_endpoint *server)
{
	for (unsigned i = 0; r->floods && i < r->floods->count; i++) {
		struct flood *d = &r->floods->list[i];

		if (d->server.port == server->port && tv_addr_equal(&d->server.addr, &server->addr))
			return d;
	}
	return NULL;
}

static struct flood *find_or_make(struct report *r, const struct tv_endpoint *server)
{
	struct flood *d = find(r, server);

	if (d)
		return d;
	if (!r->floods)
		r->floods = calloc(1, sizeof *r->floods);
	if (!r->floods)
		return NULL;
	d = &r->floods->list[r->floods->count % FLOODS_MAX];
	for (unsigned i = 0; i < FLOODS_MAX && r->floods->count == FLOODS_MAX; i++)
		d = r->floods->list[i].syns < d->syns ? &r->floods->list[i] : d;
	r->floods->count += r->floods->count < FLOODS_MAX;
	*d = (struct flood){.server = *server};
	return d;
}

bool flood_left(struct report *r, const struct conn *c, const struct finding *f)
{
	const struct tv_endpoint server = {.addr = c->addr[1], .port = c->port[1]};
	bool like = is_flood_like(c);
	struct flood *d = like ? find_or_make(r, &server) : find(r, &server);

	if (!d || (!like && !is_denied(c, d)))
		return false;
	if (like) {
		count_one(d, c);
		d->one = d->has_one ? d->one : *c;
		d->has_one = true;
	} else {
		d->denied = d->has_denied ? d->denied : *c;
		d->has_denied = true;
	}
	if (f)
		report_add(&r->floods->held, f);
	return true;
}

/* What was held back and is not part of a flood. */
static void release(struct report *r)
{
	struct report *held = &r->floods->held;

	for (size_t i = 0; i < held->count; i++) {
		const struct flood *d = find(r, &held->list[i].server);

		if (!d || !d->told)
			report_add(r, &held->list[i]);
	}
	r->short_of_memory |= held->short_of_memory;
}

void floods_free(struct floods *floods)
{
	if (floods)
		report_free(&floods->held);
	free(floods);
}

/* ------------------------------------------------------------------------------------------ */
/* All together                                                                                */

/* The clients of a flood that mean it, in the group and among those that left. */
static void look_for_clients(struct crowd *w, const struct group *g, const struct flood *d, const struct conn **denied,
	const struct conn **served)
{
	*denied = d->has_denied ? &d->denied : NULL;
	*served = NULL;
	for (size_t i = g->from; i < g->to; i++) {
		const struct conn *c = crowd_at(w, i);

		if (!crowd_taken(w, i) && is_denied(c, d)) {
			*denied = *denied ? *denied : c;
			crowd_take(w, i);
		} else if (!*served && is_established(c) && c->first.number > d->first) {
			*served = c;
		} else if (is_flood_like(c)) {
			crowd_take(w, i);
		}
	}
}

static void tell_flood(struct crowd *w, const struct group *g, const struct flood *d)
{
	const struct conn *denied, *served;
	struct finding f;

	look_for_clients(w, g, d, &denied, &served);
	finding_start(&f, denied ? denied : d->has_one ? &d->one : crowd_at(w, g->from),
		denied ? WORD_SYN_FLOOD_DENIED : WORD_SYN_FLOOD_SURVIVED, CERTAIN);
	finding_cite_range(&f, d->first, d->first);
	finding_cite_range(&f, d->first + 1, d->last);
	if (denied) {
		finding_cite(&f, &denied->side[0].syn);
		finding_cite(&f, &denied->side[0].syn_again[0]);
		finding_cite(&f, &denied->side[0].syn_again[1]);
	} else if (served) {
		finding_cite(&f, &served->side[0].syn);
		finding_cite(&f, &served->side[1].syn);
		finding_cite(&f, &served->ack);
	}
	f.count = d->syns;
	f.several_clients = d->sources > 1;
	finding_say(&f, "%u SYNs from %u addresses; %u got a SYN,ACK, %u of them only once%s.", d->syns, d->sources,
		d->answered, d->once, d->answered == d->syns && d->once * 2 > d->syns ? " (SYN cookies)" : "");
	if (denied)
		finding_say(&f, "An honest client got no answer in %u tries.", denied->side[0].syn_count);
	report_add(w->report, &f);
}

/* A group, with what has left of it; either may be nothing. */
static void judge_group(struct crowd *w, const struct group *g, struct flood *left)
{
	struct flood d = {.syns = 0};

	if (left)
		d = *left;
	for (size_t i = g->from; i < g->to; i++)
		if (is_flood_like(crowd_at(w, i)))
			count_one(&d, crowd_at(w, i));
	if (!is_flood(&d))
		return;
	tell_flood(w, g, &d);
	if (left)
		left->told = true;
}

void crowd_floods(struct crowd *w)
{
	struct group g = {0, 0}, none = {0, 0};

	crowd_sort(w, BY_SERVER_PORT);
	while (crowd_group(w, BY_SERVER_PORT, &g)) {
		const struct conn *c = crowd_at(w, g.from);
		struct flood *left = find(w->report, &(struct tv_endpoint){.addr = c->addr[1], .port = c->port[1]});

		if (left || g.to - g.from >= FLOOD_SYNS)
			judge_group(w, &g, left);
	}
	for (unsigned i = 0; w->report->floods && i < w->report->floods->count; i++)
		if (!w->report->floods->list[i].told)
			judge_group(w, &none, &w->report->floods->list[i]);
	if (w->report->floods)
		release(w->report);
}
