/*
 * verdict.h - what the facts about connections mean.
 */
#ifndef TRIVET_DIAGNOSE_VERDICT_H
#define TRIVET_DIAGNOSE_VERDICT_H

#include "diagnose/report.h"

/* Judges all connections of the tracker, one by one and together, into the report. */
void verdict_all(struct tracker *t, struct report *r);
/*
 * The main word of one connection as far as it is known now; NONE: there is nothing against it, and f is
 * its first note, or plain ok.
 */
enum word verdict_of(const struct tracker *t, const struct conn *c, struct finding *f);
/* Judges a connection that leaves the tracker; nothing is known of its neighbours any more. */
void verdict_leaving(struct tracker *t, struct report *r, struct conn *c);

/* ------------------------------------------------------------------------------------------ */
/* Rooms of the judgment                                                                       */

/* One connection, and what is known around it. */
struct case_ {
	const struct tracker *tracker;
	const struct conn *c;
	const struct side *a, *b;      /* who opened, and the other */
	tv_time end;                   /* of the capture */
};

/*
 * A rule: if the case satisfies it, f is filled and the result is true. Rules are tried in the order
 * of a table; the first that fits is what happened.
 */
typedef bool (*rule_fn)(const struct case_ *k, struct finding *f);

bool rule_icmp(const struct case_ *k, struct finding *f);
bool rule_refused(const struct case_ *k, struct finding *f);
bool rule_synack_wrong_ack(const struct case_ *k, struct finding *f);
bool rule_syn_unanswered(const struct case_ *k, struct finding *f);
bool rule_half_open_scan(const struct case_ *k, struct finding *f);
bool rule_synack_unanswered(const struct case_ *k, struct finding *f);
bool rule_one_direction(const struct case_ *k, struct finding *f);
bool rule_synack_blackhole(const struct case_ *k, struct finding *f);

bool rule_zero_window(const struct case_ *k, struct finding *f);
bool rule_mtu_sender(const struct case_ *k, struct finding *f);
bool rule_mtu_receiver(const struct case_ *k, struct finding *f);
bool rule_keepalive_gone(const struct case_ *k, struct finding *f);
bool rule_peer_gone(const struct case_ *k, struct finding *f);
bool rule_reset(const struct case_ *k, struct finding *f);
bool rule_scale_stripped(const struct case_ *k, struct finding *f);
bool rule_scale_disagreement(const struct case_ *k, struct finding *f);
bool rule_server_silent(const struct case_ *k, struct finding *f);
bool rule_close_wait(const struct case_ *k, struct finding *f);
bool rule_late(const struct case_ *k, struct finding *f);

/* Notes: any number of them fits a connection that went well. */
extern const rule_fn note_rules[];
extern const unsigned note_rule_count;

/* A connection among others of its group. */
struct place {
	uint64_t hash;
	uint32_t conn;
};

/* All connections together: taken[i] says that a finding of the whole explains connection i, whose own
 * word is words[i]. Ordered by number. */
struct crowd {
	struct tracker *tracker;
	struct report *report;
	struct conn **conns;
	uint8_t *words;
	bool *taken;
	struct place *order;           /* see crowd_sort() */
	int sorted_by;                 /* enum crowd_key; -1: by nothing */
	size_t count;
};
void crowd_floods(struct crowd *w);
/*
 * A connection that leaves, and its finding, or NULL: true if it may be part of a flood, and the finding is
 * held back until crowd_floods() knows.
 */
bool flood_left(struct report *r, const struct conn *c, const struct finding *f);
void crowd_scans(struct crowd *w);
void crowd_wrong_sources(struct crowd *w);
void crowd_fallbacks(struct crowd *w);
void crowd_queues(struct crowd *w);
void crowd_leaks(struct crowd *w);
void crowd_exhausted_ports(struct crowd *w);
void crowd_one_direction(struct crowd *w);

/* ------------------------------------------------------------------------------------------ */
/* What rules ask                                                                              */

/* 0 as well when one of them was never seen. */
static inline tv_time since(const struct mark *from, const struct mark *to)
{
	if (!seen(from) || !seen(to))
		return 0;
	return mark_time(to) > mark_time(from) ? mark_time(to) - mark_time(from) : 0;
}

/* Was m recorded behind n? An unseen m never was. */
static inline bool is_behind(const struct mark *m, const struct mark *n)
{
	return m->number > n->number;
}

static inline bool is_established(const struct conn *c)
{
	return seen(&c->ack) || (c->late && c->side[0].packets && c->side[1].packets);
}

/* Is the oldest segment of s that is not acknowledged as large as the path should carry? */
bool is_full_size(const struct side *s, const struct side *o);
/* Did the capturing machine see what the server itself sees? */
bool sees_server(const struct conn *c);
/* The time of a whole round trip by the handshake; 0: not known (something was repeated). */
tv_time handshake_rtt(const struct conn *c);
/* Does this RST come from a box on the way? */
bool rst_is_foreign(const struct case_ *k, const struct side *s, const struct host **host);

#endif
