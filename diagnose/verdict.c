/*
 * verdict.c - from facts to findings.
 *
 * Each connection gets one main word: the first rule of the table that fits it. If none does, it went
 * well, and notes may be added. Then all connections are looked at together: neighbours turn a silence
 * into a full accept queue, a dozen refusals into a scan. What a finding of the whole explains is not
 * told again one by one.
 *
 * The order of the rules is the order of trust: what was said aloud (ICMP, RST to a SYN) before what is
 * concluded from silence, and silence before the resets and ends that follow from it.
 */
#include "diagnose/verdict.h"

#include <stdlib.h>

static const rule_fn rules[] = {
	rule_icmp,
	rule_refused,
	rule_synack_wrong_ack,
	rule_one_direction,
	rule_syn_unanswered,
	rule_half_open_scan,
	rule_synack_unanswered,
	rule_scale_stripped,
	rule_scale_disagreement,
	rule_zero_window,
	rule_synack_blackhole,
	rule_mtu_sender,
	rule_keepalive_gone,
	rule_peer_gone,
	rule_mtu_receiver,
	rule_reset,
	rule_server_silent,
	rule_close_wait,
	rule_late,
};

static struct case_ case_of(const struct tracker *t, const struct conn *c)
{
	return (struct case_){.tracker = t, .c = c, .a = &c->side[0], .b = &c->side[1],
		.end = tracker_end(t, c)};
}

/* The main word, or NONE. */
static enum word judge(const struct case_ *k, struct finding *f)
{
	for (unsigned i = 0; i < sizeof rules / sizeof *rules; i++)
		if (rules[i](k, f))
			return f->word;
	return WORD_NONE;
}

static void say_handshake(const struct case_ *k, struct finding *f)
{
	const struct side *a = k->a, *b = k->b;
	tv_time rtt = handshake_rtt(k->c);
	char text[24];

	if (rtt)
		finding_say(f, "The handshake took %s.", time_text(rtt, text));
	if (a->mss && b->mss)
		finding_say(f, "MSS %u/%u.", a->mss, b->mss);
	if (a->has & b->has & TV_OPT_HAS_WSCALE)
		finding_say(f, "Window scale %u/%u.", a->wscale, b->wscale);
	if (a->has & b->has & TV_OPT_HAS_SACK_OK)
		finding_say(f, "SACK.");
	if (a->has & b->has & TV_OPT_HAS_TS)
		finding_say(f, "Timestamps.");
	if (seen(&a->fin) && seen(&b->fin))
		finding_say(f, "Closed in order, by the %s first.", is_behind(&b->fin, &a->fin) ? "client" : "server");
}

static void say_ok(const struct case_ *k, struct finding *f)
{
	const struct side *a = k->a, *b = k->b;

	finding_start(f, k->c, WORD_OK, CERTAIN);
	finding_cite(f, &a->syn);
	finding_cite(f, &b->syn);
	finding_cite(f, &k->c->ack);
	finding_cite(f, &a->data);
	finding_cite(f, &b->data);
	finding_cite(f, &a->fin);
	finding_cite(f, &b->fin);
	say_handshake(k, f);
}

static void add_healthy(const struct case_ *k, struct report *r)
{
	struct finding f;
	bool noted = false;

	if (!is_established(k->c))
		return;
	r->healthy++;
	if (k->a->syn_seen)
		for (unsigned i = 0; i < note_rule_count; i++)
			if (note_rules[i](k, &f)) {
				report_add(r, &f);
				noted = true;
			}
	if (noted || !r->keep_healthy)
		return;
	say_ok(k, &f);
	report_add(r, &f);
}

enum word verdict_of(const struct tracker *t, const struct conn *c, struct finding *f)
{
	struct case_ k = case_of(t, c);
	enum word word = judge(&k, f);

	if (word != WORD_NONE)
		return word;
	for (unsigned i = 0; i < note_rule_count && k.a->syn_seen; i++)
		if (note_rules[i](&k, f))
			return WORD_NONE;
	say_ok(&k, f);
	return WORD_NONE;
}

void verdict_leaving(struct tracker *t, struct report *r, struct conn *c)
{
	struct case_ k = case_of(t, c);
	struct finding f;
	bool told = judge(&k, &f) != WORD_NONE;

	if (flood_left(r, c, told ? &f : NULL))
		return;
	if (told)
		report_add(r, &f);
	else
		add_healthy(&k, r);
}

/* The tail of a connection that was over: a few packets without text say nothing, not even that. */
static bool is_remnant(const struct crowd *w, size_t i)
{
	const struct conn *c = w->conns[i];

	return w->count > 1 && w->words[i] == WORD_NO_HANDSHAKE_IN_CAPTURE && c->side[0].bytes + c->side[1].bytes == 0;
}

static int compare_number(const void *a, const void *b)
{
	const struct conn *x = *(struct conn *const *)a, *y = *(struct conn *const *)b;

	return x->number < y->number ? -1 : x->number > y->number;
}

static bool gather(struct crowd *w)
{
	const struct tracker_counts *n = tracker_counts(w->tracker);
	size_t most = (size_t)(n->connections - n->left);
	uint32_t cursor = 0;
	struct conn *c;

	w->conns = calloc(most + 1, sizeof *w->conns);
	w->words = calloc(most + 1, sizeof *w->words);
	w->taken = calloc(most + 1, sizeof *w->taken);
	w->order = calloc(most + 1, sizeof *w->order);
	if (!w->conns || !w->words || !w->taken || !w->order)
		return false;
	while (w->count < most && (c = tracker_next(w->tracker, &cursor)) != NULL)
		w->conns[w->count++] = c;
	qsort(w->conns, w->count, sizeof *w->conns, compare_number);
	return true;
}

static void judge_all(struct crowd *w)
{
	struct finding f;

	for (size_t i = 0; i < w->count; i++) {
		struct case_ k = case_of(w->tracker, w->conns[i]);

		w->words[i] = (uint8_t)judge(&k, &f);
		w->taken[i] = is_remnant(w, i);
	}
	crowd_wrong_sources(w);
	crowd_one_direction(w);
	crowd_scans(w);
	crowd_floods(w);
	crowd_fallbacks(w);
	crowd_queues(w);
	crowd_leaks(w);
	crowd_exhausted_ports(w);
	for (size_t i = 0; i < w->count; i++) {
		struct case_ k = case_of(w->tracker, w->conns[i]);
		bool last = i + 1 == w->count && w->report->count == 0 && w->report->healthy == 0;

		/* Nothing but remnants: that is told. */
		if (w->taken[i] && !last)
			continue;
		if (judge(&k, &f) != WORD_NONE)
			report_add(w->report, &f);
		else
			add_healthy(&k, w->report);
	}
}

void verdict_all(struct tracker *t, struct report *r)
{
	struct crowd w = {.tracker = t, .report = r, .sorted_by = -1};
	struct finding f = {.word = WORD_EMPTY};

	if (tracker_counts(t)->cut)
		finding_say(&f, "Packets were captured in part, which may be why: take more of each (tcpdump -s 0).");
	if (tracker_counts(t)->connections == 0)
		report_add(r, &f);
	else if (gather(&w))
		judge_all(&w);
	else
		r->short_of_memory = true;
	free(w.conns);
	free(w.words);
	free(w.taken);
	free(w.order);
	report_sort(r);
}
