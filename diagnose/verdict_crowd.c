/*
 * verdict_crowd.c - rules over all connections of a capture: scans, floods, answers from elsewhere,
 * fallbacks between address families, captures of one direction.
 *
 * Connections are sorted so that those that belong together stand together; each rule walks over the
 * groups. A connection that a finding here explains is taken: it is not told again alone.
 */
#include "diagnose/verdict_crowd.h"

#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------------------------------------ */
/* Groups                                                                                      */

static bool same_group(const struct conn *x, const struct conn *y, enum crowd_key key)
{
	if (!tv_addr_equal(&x->addr[1], &y->addr[1]))
		return false;
	if (key == BY_SERVER_PORT)
		return x->port[1] == y->port[1];
	return tv_addr_equal(&x->addr[0], &y->addr[0]);
}

/* What all of a group have in common, as a number. */
static uint64_t group_hash(const struct conn *c, enum crowd_key key)
{
	uint64_t h = tracker_hash(&c->addr[1]);

	if (key == BY_SERVER_PORT)
		return (h ^ c->port[1]) * 0x9e3779b97f4a7c15u;
	return (h ^ tracker_hash(&c->addr[0]) >> 1) * 0x9e3779b97f4a7c15u;
}

static int compare_places(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	if (x->hash != y->hash)
		return x->hash < y->hash ? -1 : 1;
	return x->conn < y->conn ? -1 : x->conn > y->conn;
}

/* Two groups whose hashes are the same would be told apart, only as more groups than two. */
void crowd_sort(struct crowd *w, enum crowd_key key)
{
	if (w->sorted_by == (int)key)
		return;
	w->sorted_by = (int)key;
	for (size_t i = 0; i < w->count; i++)
		w->order[i] = (struct place){group_hash(w->conns[i], key), (uint32_t)i};
	qsort(w->order, w->count, sizeof *w->order, compare_places);
}

bool crowd_group(const struct crowd *w, enum crowd_key key, struct group *g)
{
	size_t i = g->to;

	if (i >= w->count)
		return false;
	g->from = i;
	while (i < w->count && same_group(crowd_at(w, g->from), crowd_at(w, i), key))
		i++;
	g->to = i;
	return true;
}

/* ------------------------------------------------------------------------------------------ */
/* One direction                                                                               */

/*
 * If all that is known of a client are connections of which one direction was captured, then its SYNs
 * without an answer say nothing either.
 */
void crowd_one_direction(struct crowd *w)
{
	struct group g = {0, 0};

	crowd_sort(w, BY_CLIENT_AND_SERVER);
	while (crowd_group(w, BY_CLIENT_AND_SERVER, &g)) {
		bool one = false, both = false;

		for (size_t i = g.from; i < g.to; i++) {
			const struct conn *c = crowd_at(w, i);

			one |= crowd_word(w, i) == WORD_ONE_DIRECTION_ONLY && !crowd_taken(w, i);
			both |= (c->side[0].packets && c->side[1].packets) || c->icmp_count;
		}
		for (size_t i = g.from; one && !both && i < g.to; i++) {
			const struct conn *c = crowd_at(w, i);
			struct finding f;

			if (crowd_word(w, i) != WORD_SYN_UNANSWERED || crowd_taken(w, i))
				continue;
			finding_start(&f, c, WORD_ONE_DIRECTION_ONLY, CERTAIN);
			finding_cite(&f, &c->first);
			report_add(w->report, &f);
			crowd_take(w, i);
		}
	}
}

/* ------------------------------------------------------------------------------------------ */
/* Answers from elsewhere                                                                      */

/* A SYN,ACK without a SYN of its own acknowledges the unanswered SYN of the same client and port. */
static bool answers(const struct conn *stray, const struct conn *c)
{
	const struct side *a = &c->side[0], *b = &stray->side[1];

	return stray->late && b->syn_is_answer && a->syn_seen && !c->side[1].syn_seen && stray->port[0] == c->port[0] &&
		b->syn_ack == a->isn + 1 && tv_addr_equal(&stray->addr[0], &c->addr[0]);
}

void crowd_wrong_sources(struct crowd *w)
{
	enum { LOOK = 256 };

	for (size_t i = 0; i < w->count; i++) {
		const struct conn *stray = w->conns[i];

		if (!stray->late || !stray->side[1].syn_is_answer)
			continue;
		for (size_t j = i > LOOK ? i - LOOK : 0; j < i + LOOK && j < w->count; j++) {
			const struct conn *c = w->conns[j];
			struct finding f;
			char text[64];
			struct tv_endpoint from = {.addr = stray->addr[1], .port = stray->port[1]};

			if (j == i || !answers(stray, c))
				continue;
			if (!w->taken[j]) {
				finding_start(&f, c, WORD_SYNACK_WRONG_SOURCE, CERTAIN);
				finding_cite(&f, &c->side[0].syn);
				finding_cite(&f, &stray->side[1].syn);
				finding_cite(&f, &stray->side[0].rst);
				end_text(&from, text, sizeof text);
				finding_say(&f, "The SYN,ACK came from %s.", text);
				report_add(w->report, &f);
			}
			w->taken[i] = w->taken[j] = true;
		}
	}
}

/* ------------------------------------------------------------------------------------------ */
/* Scans                                                                                       */

/* An attempt without any conversation: closed, silent, reported, or hung up at once. */
static bool is_probe_of_port(const struct conn *c)
{
	return c->side[0].syn_seen && c->side[0].bytes == 0 && c->side[1].bytes == 0 && !seen(&c->side[0].fin) &&
		!seen(&c->side[1].fin);
}

/* One segment out of nowhere, or two, and no answer but RST: a FIN, a bare ACK, or no flags at all. */
static bool is_stray_probe(const struct conn *c)
{
	const struct side *a = &c->side[0], *b = &c->side[1];

	return c->late && !a->syn_seen && !b->syn_seen && a->packets > 0 && a->packets <= 2 && a->rst_count == 0 &&
		a->bytes == 0 && b->packets == b->rst_count;
}

struct scan {
	unsigned ports, probes, few, half_open, strays;
	tv_time first, last;
};

static void look_at_scan(const struct crowd *w, const struct group *g, struct scan *s)
{
	uint8_t known[8192] = {0};

	memset(s, 0, sizeof *s);
	for (size_t i = g->from; i < g->to; i++) {
		const struct conn *c = crowd_at(w, i);
		uint16_t port = c->port[1];

		if (!is_probe_of_port(c) && !is_stray_probe(c))
			continue;
		if (s->probes++ == 0 || mark_time(&c->first) < s->first)
			s->first = mark_time(&c->first);
		if (mark_time(&c->first) > s->last)
			s->last = mark_time(&c->first);
		s->strays += !c->side[0].syn_seen;
		s->few += c->side[0].syn_options_few;
		s->half_open += crowd_word(w, i) == WORD_SYN_SCAN;
		s->ports += !(known[port / 8] >> (port % 8) & 1);
		known[port / 8] |= (uint8_t)(1u << port % 8);
	}
}

static void tell_scan(struct crowd *w, const struct group *g, const struct scan *s, bool sure)
{
	unsigned open = 0, closed = 0, silent = 0;
	struct finding f;
	bool begun = false;

	for (size_t i = g->from; i < g->to; i++) {
		const struct conn *c = crowd_at(w, i);
		const struct side *a = &c->side[0], *b = &c->side[1];

		/* What is left of a connection that was over is taken already, and none of ours. */
		if (is_stray_probe(c) ? s->strays < SCAN_PORTS_PLAIN : !is_probe_of_port(c) || crowd_taken(w, i))
			continue;
		if (!begun)
			finding_start(&f, c, WORD_SYN_SCAN, sure ? CERTAIN : LIKELY);
		begun = true;
		open += b->syn_seen;
		closed += !b->syn_seen && seen(&b->rst);
		silent += !b->syn_seen && !seen(&b->rst);
		finding_cite(&f, a->syn_seen ? &a->syn : &c->first);
		finding_cite(&f, b->syn_seen ? &b->syn : &b->rst);
		finding_cite(&f, &c->icmp[0]);
		finding_cite(&f, &a->rst);
		crowd_take(w, i);
	}
	if (!begun)
		return;
	f.several_ports = true;
	f.server.port = 0;
	f.count = s->probes;
	finding_say(&f, "%u ports. Attempts that found an open one: %u; a closed one: %u; no answer of TCP: %u.%s", s->ports,
		open, closed, silent, s->strays == s->probes ? " The probes are no SYNs, but segments out of nowhere." : "");
	report_add(w->report, &f);
}

/*
 * Several ports of one host from one client: three if the SYNs are a scanner's (hardly any options), two if
 * it also hangs up half-way, more if they are ordinary.
 */
void crowd_scans(struct crowd *w)
{
	struct group g = {0, 0};
	struct scan s;

	crowd_sort(w, BY_CLIENT_AND_SERVER);
	while (crowd_group(w, BY_CLIENT_AND_SERVER, &g)) {
		if (g.to - g.from < 2)
			continue;
		look_at_scan(w, &g, &s);
		if (s.last - s.first > limit(LIMIT_SCAN_SPAN) * (1 + s.ports / 64))
			continue;
		if (s.few == s.probes && (s.ports >= SCAN_PORTS || (s.ports > 1 && s.half_open)))
			tell_scan(w, &g, &s, true);
		else if (s.ports >= SCAN_PORTS_PLAIN)
			tell_scan(w, &g, &s, false);
	}
}

/* ------------------------------------------------------------------------------------------ */
/* Fallbacks                                                                                   */

/* The client's attempt over one family failed, and it came up over the other just then. */
static bool falls_back(const struct crowd *w, size_t lost, const struct conn *won)
{
	const struct conn *c = w->conns[lost];
	/* Bad news goes on from here to the client, and the next SYN comes back: as SYN,ACK and ACK do. */
	tv_time at_once = limit(LIMIT_FALLBACK_AT_ONCE) + since(&won->side[1].syn, &won->ack) * 3 / 2;
	tv_time apart;

	if (c->v6 == won->v6 || c->port[1] != won->port[1] || !is_established(won) || !won->side[0].syn_seen)
		return false;
	if (!is_behind(&won->side[0].syn, &c->side[0].syn))
		return false;
	/* Whoever still tries after the other came up is another program. */
	if (c->side[0].syn_count > 1 && is_behind(&c->side[0].syn_again[1], &won->side[1].syn))
		return false;
	if (w->words[lost] == WORD_SYN_UNANSWERED || (w->words[lost] == WORD_NONE && c->side[1].packets == 0)) {
		apart = since(&c->side[0].syn, &won->side[0].syn);
		return apart <= limit(LIMIT_FALLBACK) && apart >= 10 * TV_MS;
	}
	if (w->words[lost] == WORD_REFUSED)
		return since(&c->side[1].rst, &won->side[0].syn) <= at_once &&
			is_behind(&won->side[0].syn, &c->side[1].rst);
	if (c->icmp_count && !is_established(c))
		return is_behind(&won->side[0].syn, &c->icmp[0]) &&
			since(&c->icmp[0], &won->side[0].syn) <= at_once;
	return false;
}

void crowd_fallbacks(struct crowd *w)
{
	enum { LOOK = 64 };

	for (size_t i = 0; i < w->count; i++) {
		const struct conn *c = w->conns[i];

		if (w->taken[i] || !c->side[0].syn_seen || is_established(c))
			continue;
		for (size_t j = i + 1; j < w->count && j < i + LOOK; j++) {
			const struct conn *won = w->conns[j];
			struct finding f;
			char text[24];

			if (!falls_back(w, i, won))
				continue;
			finding_start(&f, c, WORD_OK_FAMILY_FALLBACK, CERTAIN);
			finding_cite(&f, &c->side[0].syn);
			finding_cite(&f, &won->side[0].syn);
			finding_cite(&f, &won->side[1].syn);
			finding_cite(&f, seen(&c->side[1].rst) ? &c->side[1].rst : &c->icmp[0]);
			finding_say(&f, "%s failed; %s was tried after %s.", c->v6 ? "IPv6" : "IPv4",
				c->v6 ? "IPv4" : "IPv6", time_text(since(&c->side[0].syn, &won->side[0].syn), text));
			report_add(w->report, &f);
			w->taken[i] = true;
			break;
		}
	}
}
