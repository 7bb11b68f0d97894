/*
 * verdict_load.c - rules over all connections to one port: what a listener under load looks like.
 *
 * A filter hits all alike; a full queue hits some. So these rules need neighbours: other connections to
 * the same port, near in time, that fared differently.
 */
#include "diagnose/verdict_crowd.h"

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

/*
 * One of the neighbours was accepted by the same listener (its SYN,ACK looks alike) while this one was ignored, or
 * later: if all were over before, whatever hits all alike may have begun meanwhile.
 */
static const struct conn *served_beside(const struct crowd *w, const struct group *g, size_t at)
{
	enum { LOOK = 64 };
	const struct conn *c = crowd_at(w, at);
	size_t from = at - g->from > LOOK ? at - LOOK : g->from, to = g->to - at > LOOK ? at + LOOK : g->to;

	for (size_t i = from; i < to; i++) {
		const struct conn *n = crowd_at(w, i);
		const struct side *a = &n->side[0], *b = &n->side[1];
		const struct mark *last = is_behind(&a->last, &b->last) ? &a->last : &b->last;

		if (is_ignored(w, i) || !a->syn_seen || a->bytes == 0 || !seen(&a->data_acked) || !is_near(c, n))
			continue;
		if (b->ttl == c->side[1].ttl && b->mss == c->side[1].mss && mark_time(last) >= mark_time(&c->first))
			return n;
	}
	return NULL;
}

static void tell_ignored(struct crowd *w, const struct group *g)
{
	struct finding f;
	uint32_t ignored = 0, all = 0;

	for (size_t i = g->from; i < g->to; i++) {
		const struct conn *c = crowd_at(w, i);

		all += c->side[0].syn_seen;
		ignored += is_ignored(w, i);
	}
	for (size_t i = g->from; i < g->to; i++) {
		const struct conn *c = crowd_at(w, i), *served = is_ignored(w, i) ? served_beside(w, g, i) : NULL;
		const struct side *a = &c->side[0], *b = &c->side[1];

		if (!served)
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

/* The closer (a side) closed, the other acknowledged that and nothing more, with all that it said behind it. */
static bool is_left_open(const struct conn *c, unsigned closer)
{
	const struct side *a = &c->side[closer], *b = &c->side[!closer];

	return is_established(c) && seen(&a->fin) && seen(&a->fin_acked) && !seen(&b->fin) && !seen(&b->rst) &&
		!seen(&a->rst) && !is_behind(&b->data_last, &a->fin) && !c->gap && !seen(&b->out) && !seen(&b->hole);
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
			tracker_end(w->tracker, c) >= mark_time(&c->side[closer].fin_acked) + limit(LIMIT_IDLE));
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
		if (r->ports++ == 0 || mark_time(&c->first) < r->first)
			r->first = mark_time(&c->first);
		if (mark_time(&c->first) > r->last)
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
