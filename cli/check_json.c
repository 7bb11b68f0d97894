/*
 * check_json.c - a round of trivet check as JSON; docs/CHECK-JSON.md describes it.
 */
#include <jansson.h>
#include <stdlib.h>

#include "cli/check.h"
#include "cli/check_phases.h"
#include "diagnose/budget.h"

static json_t *finding_of(const struct finding *f)
{
	char *text = finding_json(f);
	json_t *o = text ? json_loads(text, 0, NULL) : NULL;

	free(text);
	return o ? o : json_null();
}

static json_t *end_of(const struct tv_endpoint *e)
{
	char text[80];

	end_text(e, text, sizeof text);
	return json_string(text);
}

static json_t *phases_of(const struct check *c, const struct try *t)
{
	struct check_phase phases[CHECK_PHASES];
	unsigned n = check_phases(c, t, phases);
	json_t *o = json_object();

	for (unsigned i = 0; i < n; i++)
		json_object_set_new(o, phases[i].key, json_pack("{s:I,s:i}", "ns", (json_int_t)phases[i].took, "round_trips",
			(int)phases[i].rounds));
	return o;
}

static json_t *try_of(const struct check *c, const struct try *t)
{
	json_t *o = json_object(), *list = json_array();

	json_object_set_new(o, "server", end_of(&t->at.remote));
	json_object_set_new(o, "family", json_string(tv_addr_is_v4(&t->at.remote.addr) ? "ipv4" : "ipv6"));
	if (t->at.local.port)
		json_object_set_new(o, "client", end_of(&t->at.local));
	json_object_set_new(o, "begun_ns", json_integer((json_int_t)(t->begun - c->tries[0].begun)));
	json_object_set_new(o, "took_ns", json_integer((json_int_t)(t->over - t->begun)));
	json_object_set_new(o, "connected", json_boolean(t->opened != 0));
	json_object_set_new(o, "winner", json_boolean(t - c->tries == c->winner));
	json_object_set_new(o, "fine", json_boolean(try_is_fine(t)));
	json_object_set_new(o, "syns", json_integer(t->at.at_once ? 0 : t->syn_repeats + 1));
	if (try_rtt(t))
		json_object_set_new(o, "rtt_ns", json_integer((json_int_t)try_rtt(t)));
	if (t->secured)
		json_object_set_new(o, "tls", json_string(t->tls_version));
	json_object_set_new(o, "received", json_integer((json_int_t)t->received));
	json_object_set_new(o, "phases", phases_of(c, t));
	for (unsigned i = 0; i < t->finding_count; i++)
		json_array_append_new(list, finding_of(&t->findings[i]));
	json_object_set_new(o, "findings", list);
	return o;
}

static json_t *budget_of(const struct try *t)
{
	unsigned further = budget_further(t->received, t->info.snd_mss, 0);
	json_t *list = json_array();

	for (unsigned i = 0; i < BUDGET_WAYS; i++) {
		const struct budget_row *row = budget_row((enum budget_way)i);
		unsigned first = budget_first((enum budget_way)i);

		json_array_append_new(list, json_pack("{s:s,s:i,s:i,s:I,s:I,s:b,s:b,s:s}", "way", row->name, "first_round_trips",
			(int)first, "last_round_trips", (int)(first + further), "first_ns", (json_int_t)(first * try_rtt(t)),
			"last_ns", (json_int_t)((first + further) * try_rtt(t)), "again", (int)row->again, "arithmetic", 1,
			"basis", row->basis));
	}
	return list;
}

json_t *check_json(const struct check *c)
{
	json_t *o = json_object(), *list = json_array();

	json_object_set_new(o, "lookup_ns", json_integer((json_int_t)c->lookup.took));
	for (unsigned i = 0; i < c->count; i++)
		json_array_append_new(list, try_of(c, &c->tries[i]));
	json_object_set_new(o, "attempts", list);
	if (c->finding.word != WORD_NONE)
		json_object_set_new(o, "finding", finding_of(&c->finding));
	if (c->budget && c->winner >= 0 && try_rtt(&c->tries[c->winner]))
		json_object_set_new(o, "budget", budget_of(&c->tries[c->winner]));
	return o;
}
