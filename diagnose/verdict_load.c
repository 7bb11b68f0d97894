/*
 * verdict_load.c - rules over all connections to one port: what a listener under load looks like.
 *
 * A filter hits all alike; a full queue hits some. So these rules need neighbours: other connections to
 * the same port, near in time, that fared differently.
 */
#include "diagnose/verdict_crowd.h"

/* ------------------------------------------------------------------------------------------ */
/* Floods                                                                                      */

/* Never completed, and its sender does not even repeat the SYN: nobody is there. */
static bool is_flood_like(const struct conn *c)
{
	const struct side *a = &c->side[0], *b = &c->side[1];

	if (!a->syn_seen || seen(&c->ack) || a->syn_count > 1 || seen(&b->rst) || c->icmp_count)
		return false;
	return a->bytes == 0 && a->packets <= 2;
}

struct flood {
	uint32_t syns, answered, once, sources;
	uint32_t first, last;          /* packets */
	bool tight;
};

static void look_at_flood(const struct crowd *w, const struct group *g, struct flood *d)
{
	const struct conn *window[FLOOD_SYNS] = {0};
	const struct conn *before = NULL;

	*d = (struct flood){0};
	for (size_t i = g->from; i < g->to; i++) {
		const struct conn *c = crowd_at(w, i);
		const struct conn **slot = &window[d->syns % FLOOD_SYNS];

		if (!is_flood_like(c))
			continue;
		if (*slot && since(&(*slot)->first, &c->first) <= limit(LIMIT_FLOOD_SPAN))
			d->tight = true;
		*slot = c;
		if (d->syns++ == 0)
			d->first = c->first.number;
		d->last = c->side[1].syn_seen ? c->side[1].syn.number : c->first.number;
		d->answered += c->side[1].syn_seen;
		d->once += c->side[1].syn_count == 1;
		d->sources += !before || !tv_addr_equal(&before->addr[0], &c->addr[0]);
		before = c;
	}
	d->tight |= d->syns == FLOOD_SYNS;
}

/* A client that tries more than once during the flood, and gets nothing. */
static bool is_denied(const struct conn *c, const struct flood *d)
{
	return c->side[0].syn_seen && c->side[0].syn_count > 1 && !c->side[1].syn_seen && !seen(&c->side[1].rst) &&
		c->icmp_count == 0 && c->side[0].syn_again[1].number > d->first;
}

static void tell_flood(struct crowd *w, const struct group *g, const struct flood *d)
{
	const struct conn *denied = NULL, *served = NULL;
	struct finding f;

	for (size_t i = g->from; i < g->to; i++) {
		const struct conn *c = crowd_at(w, i);

		if (!crowd_taken(w, i) && is_denied(c, d)) {
			denied = denied ? denied : c;
			crowd_take(w, i);
		} else if (!served && is_established(c) && c->first.number > d->first) {
			served = c;
		} else if (is_flood_like(c)) {
			crowd_take(w, i);
		}
	}
	finding_start(&f, denied ? denied : crowd_at(w, g->from),
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

void crowd_floods(struct crowd *w)
{
	struct group g = {0, 0};
	struct flood d;

	crowd_sort(w, BY_SERVER_PORT);
	while (crowd_group(w, BY_SERVER_PORT, &g)) {
		if (g.to - g.from < FLOOD_SYNS)
			continue;
		look_at_flood(w, &g, &d);
		if (d.syns >= FLOOD_SYNS && d.tight && (d.answered || d.sources >= FLOOD_SYNS / 2))
			tell_flood(w, &g, &d);
	}
}

/* ------------------------------------------------------------------------------------------ */
/* Queues                                                                                      */

struct queue {
	const struct conn *served;     /* one whose text was acknowledged, or that was answered at all */
	const struct conn *waiting;    /* established, and the application has not said a word */
	uint32_t ignored, dropped, reset;
};

static bool is_near(const struct conn *a, const struct conn *b)
{
	tv_time x = mark_time(&a->first), y = mark_time(&b->first);

	return (x > y ? x - y : y - x) <= limit(LIMIT_QUEUE_NEAR);
}

static bool is_ignored(const struct crowd *w, size_t i)
{
	return crowd_word(w, i) == WORD_SYNACK_THEN_BLACKHOLE || crowd_word(w, i) == WORD_ACCEPT_QUEUE_OVERFLOW;
}

/* Established, and nobody has accepted it as far as can be seen. */
static bool is_waiting(const struct conn *c)
{
	return seen(&c->ack) && c->side[0].syn_seen && c->side[1].bytes == 0 && !seen(&c->side[1].fin) &&
		!seen(&c->side[1].rst);
}

static void tell_ignored(struct crowd *w, const struct group *g)
{
	const struct conn *served = NULL;
	struct finding f;
	uint32_t ignored = 0, all = 0;

	for (size_t i = g->from; i < g->to; i++) {
		const struct conn *c = crowd_at(w, i);

		all += c->side[0].syn_seen;
		ignored += is_ignored(w, i);
		if (!served && c->side[0].syn_seen && seen(&c->side[0].data_acked))
			served = c;
	}
	for (size_t i = g->from; ignored && served && i < g->to; i++) {
		const struct conn *c = crowd_at(w, i);
		const struct side *a = &c->side[0], *b = &c->side[1];

		if (!is_ignored(w, i) || !is_near(c, served))
			continue;
		finding_start(&f, c, WORD_ACCEPT_QUEUE_OVERFLOW, LIKELY);
		finding_cite(&f, &served->side[0].data_acked);
		/* The SYN,ACK that came although it was acknowledged; with SYN cookies, the repeated request. */
		finding_cite(&f, b->syn_count > 1 ? &b->syn_again[0] : &a->out_again);
		finding_cite(&f, b->syn_count > 1 ? &b->syn_again[1] : &a->out_again_last);
		if (crowd_taken(w, i))
			continue;
		report_add(w->report, &f);
		crowd_take(w, i);
	}
	if (!served || !ignored)
		return;
	for (size_t i = w->report->count; i-- > 0;)
		if (w->report->list[i].word == WORD_ACCEPT_QUEUE_OVERFLOW && w->report->list[i].detail[0] == 0) {
			finding_say(&w->report->list[i], "%u of %u connections to this port were ignored.", ignored, all);
			break;
		}
}

/* SYNs without an answer, while established connections to the same port wait to be accepted. */
static void tell_dropped(struct crowd *w, const struct group *g, bool told)
{
	const struct conn *waiting = NULL;
	struct finding f;

	for (size_t i = g->from; i < g->to; i++) {
		const struct conn *c = crowd_at(w, i);

		if (is_waiting(c)) {
			waiting = c;
			continue;
		}
		if (crowd_word(w, i) != WORD_SYN_UNANSWERED || crowd_taken(w, i) || !waiting)
			continue;
		if (since(&waiting->side[1].syn, &c->first) > limit(LIMIT_QUEUE_NEAR))
			continue;
		crowd_take(w, i);
		if (told)
			continue;
		finding_start(&f, c, WORD_ACCEPT_QUEUE_FULL_SYN_DROPPED, LIKELY);
		finding_cite(&f, &waiting->side[1].syn);
		finding_cite(&f, &c->side[0].syn);
		finding_cite(&f, &c->side[0].syn_again[0]);
		report_add(w->report, &f);
	}
}

static bool has_word(const struct crowd *w, const struct group *g, enum word word)
{
	for (size_t i = g->from; i < g->to; i++)
		if (crowd_word(w, i) == word)
			return true;
	return false;
}

void crowd_queues(struct crowd *w)
{
	struct group g = {0, 0};

	crowd_sort(w, BY_SERVER_PORT);
	while (crowd_group(w, BY_SERVER_PORT, &g)) {
		size_t findings = w->report->count;
		bool full = has_word(w, &g, WORD_ACCEPT_QUEUE_OVERFLOW_RESET);

		/* A queue that resets what does not fit ignores some as well (SYN cookies): told by the resets. */
		for (size_t i = g.from; full && i < g.to; i++)
			if (is_ignored(w, i))
				crowd_take(w, i);
		if (!full && (has_word(w, &g, WORD_SYNACK_THEN_BLACKHOLE) ||
			has_word(w, &g, WORD_ACCEPT_QUEUE_OVERFLOW)))
			tell_ignored(w, &g);
		full |= w->report->count > findings;
		/* A queue that overflows also drops SYNs: one trouble, told once. */
		if (has_word(w, &g, WORD_SYN_UNANSWERED))
			tell_dropped(w, &g, full);
		/* Whoever got into the full queue waits in it: that is no second trouble. */
		full |= w->report->count > findings;
		for (size_t i = g.from; full && i < g.to; i++)
			if (crowd_word(w, i) == WORD_SERVER_SILENT || crowd_word(w, i) == WORD_CLOSE_WAIT_LEAK)
				crowd_take(w, i);
	}
}

/* ------------------------------------------------------------------------------------------ */
/* Leaks                                                                                       */

/* The closer (a side) closed, the other acknowledged that and nothing more. */
static bool is_left_open(const struct conn *c, unsigned closer)
{
	const struct side *a = &c->side[closer], *b = &c->side[!closer];

	return is_established(c) && seen(&a->fin) && seen(&a->fin_acked) && !seen(&b->fin) && !seen(&b->rst) &&
		!seen(&a->rst) && !is_behind(&b->data_last, &a->fin) && !c->gap;
}

static void tell_leaks(struct crowd *w, const struct group *g, unsigned closer)
{
	for (size_t i = g->from; i < g->to; i++) {
		const struct conn *c = crowd_at(w, i);
		struct finding f;

		if (crowd_taken(w, i) || !is_left_open(c, closer) || crowd_word(w, i) == WORD_SERVER_SILENT)
			continue;
		finding_start(&f, c, WORD_CLOSE_WAIT_LEAK, closer == 0 ? CERTAIN : LIKELY);
		finding_cite(&f, &c->side[closer].fin);
		finding_cite(&f, &c->side[closer].fin_acked);
		if (closer == 1)
			finding_say(&f, "It is the client that does not close.");
		report_add(w->report, &f);
		crowd_take(w, i);
	}
}

/*
 * Several connections to one port that one end left open, while newer ones came: who is only slow would have
 * closed the older ones by then. A server that closed most of them knows how to, and a client that closed one.
 */
static void look_for_leaks(struct crowd *w, const struct group *g, unsigned closer)
{
	tv_time newest = mark_time(&crowd_at(w, g->to - 1)->first);
	uint32_t open = 0, closed = 0;

	for (size_t i = g->from; i < g->to; i++) {
		const struct conn *c = crowd_at(w, i);

		if (crowd_taken(w, i))
			continue;
		open += is_left_open(c, closer) && (i + 1 == g->to || mark_time(&c->side[closer].fin_acked) < newest ||
			w->end >= mark_time(&c->side[closer].fin_acked) + limit(LIMIT_IDLE));
		closed += seen(&c->side[!closer].fin) || seen(&c->side[!closer].rst);
	}
	if (open >= LEAK_CONNECTIONS && closed <= (closer == 0 ? open : 0))
		tell_leaks(w, g, closer);
}

void crowd_leaks(struct crowd *w)
{
	struct group g = {0, 0};

	crowd_sort(w, BY_SERVER_PORT);
	while (crowd_group(w, BY_SERVER_PORT, &g)) {
		look_for_leaks(w, &g, 0);
		look_for_leaks(w, &g, 1);
	}
}

/* ------------------------------------------------------------------------------------------ */
/* Ports                                                                                       */

struct range {
	uint32_t ports, low, high;
	bool climbs, falls, repeats;
	tv_time first, last;
};

/* Closed in order, by the client first: its port is in TIME-WAIT. */
static bool leaves_time_wait(const struct conn *c)
{
	return c->side[0].syn_seen && seen(&c->side[0].fin) && seen(&c->side[1].fin) &&
		is_behind(&c->side[1].fin, &c->side[0].fin) && !seen(&c->side[0].rst) && !seen(&c->side[1].rst);
}

static bool look_at_range(const struct crowd *w, const struct group *g, struct range *r)
{
	uint32_t before = 0;

	*r = (struct range){.low = 65536, .climbs = true, .falls = true};
	for (size_t i = g->from; i < g->to; i++) {
		const struct conn *c = crowd_at(w, i);
		uint32_t port = c->port[0];

		if (!leaves_time_wait(c) || !tv_addr_equal(&c->addr[0], &crowd_at(w, g->from)->addr[0]))
			return false;
		if (r->ports++ == 0)
			r->first = mark_time(&c->first);
		r->last = mark_time(&c->first);
		r->climbs &= port > before;
		r->falls &= before == 0 || port < before;
		before = port;
		r->low = port < r->low ? port : r->low;
		r->high = port > r->high ? port : r->high;
		r->repeats |= c->over_closed;
	}
	return true;
}

/*
 * One client used every port between its lowest and its highest exactly once, in an order that does not
 * simply count (many systems do), all within the life of a TIME-WAIT: its range is used up.
 */
void crowd_exhausted_ports(struct crowd *w)
{
	struct group g = {0, 0};
	struct range r;

	crowd_sort(w, BY_SERVER_PORT);
	while (crowd_group(w, BY_SERVER_PORT, &g)) {
		struct finding f;

		if (g.to - g.from < EXHAUSTION_PORTS || !look_at_range(w, &g, &r))
			continue;
		if (r.high - r.low + 1 != r.ports || r.climbs || r.falls || r.repeats ||
			r.last - r.first > limit(LIMIT_TIME_WAIT) / 2)
			continue;
		finding_start(&f, crowd_at(w, g.from), WORD_TIME_WAIT_PORT_EXHAUSTION, LIKELY);
		for (size_t i = g.from; i < g.to; i++)
			finding_cite(&f, &crowd_at(w, i)->side[0].syn);
		f.count = r.ports;
		finding_say(&f, "%u connections, ports %u to %u once each.", r.ports, r.low, r.high);
		report_add(w->report, &f);
	}
}
