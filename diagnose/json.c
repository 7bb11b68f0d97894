/*
 * json.c - the report as JSON; docs/EXPLAIN-JSON.md describes it. Everything that came from the wire
 * is a number, an address or one of our own words: nothing of a payload is in it.
 */
#include "diagnose/report.h"

#include <jansson.h>
#include <stdio.h>

enum { SCHEMA_VERSION = 1 };

static json_t *frames_of(const struct finding *f)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < f->frame_count; i++) {
		const struct frame_range *r = &f->frames[i];

		if (r->first == r->last)
			json_array_append_new(list, json_integer(r->first));
		else
			json_array_append_new(list, json_sprintf("%u-%u", r->first, r->last));
	}
	return list;
}

static json_t *end_of(const struct tv_endpoint *e, bool several)
{
	static const struct tv_addr nobody;
	char text[80];
	struct tv_endpoint end = *e;

	if (tv_addr_equal(&e->addr, &nobody) && e->port == 0)
		return json_null();
	if (several)
		end.port = 0;
	end_text(&end, text, sizeof text);
	return json_string(text);
}

static json_t *alternatives_of(const struct word_info *w)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < ALTERNATIVES_MAX && w->alternatives[i]; i++)
		json_array_append_new(list, json_string(w->alternatives[i]));
	return list;
}

static json_t *object_of(const struct finding *f)
{
	const struct word_info *w = word_info(f->word);
	json_t *o = json_object();
	char text[1024];

	finding_text(f, text, sizeof text);
	json_object_set_new(o, "verdict", json_string(w->name));
	json_object_set_new(o, "severity", json_string(severity_name(finding_severity(f))));
	json_object_set_new(o, "certainty", json_string(certainty_name(f->certainty)));
	if (f->word == WORD_EMPTY) {
		json_object_set_new(o, "client", json_null());
		json_object_set_new(o, "server", json_null());
	} else {
		json_object_set_new(o, "client", end_of(&f->client, f->count > 1));
		json_object_set_new(o, "server", end_of(&f->server, f->several_ports));
		json_object_set_new(o, "family", json_string(f->v6 ? "ipv6" : "ipv4"));
		json_object_set_new(o, "count", json_integer(f->count));
		json_object_set_new(o, "connection", json_integer(f->connection));
		if (!f->several_ports)
			json_object_set_new(o, "port", json_integer(f->server.port));
	}
	json_object_set_new(o, "frames", frames_of(f));
	json_object_set_new(o, "text", json_string(text));
	json_object_set_new(o, "next", json_string(w->next));
	if (f->lost)
		json_object_set_new(o, "lost", json_string(f->lost));
	if (f->certainty != CERTAIN && w->alternatives[0])
		json_object_set_new(o, "alternatives", alternatives_of(w));
	return o;
}

char *finding_json(const struct finding *f)
{
	json_t *o = object_of(f);
	char *text = o ? json_dumps(o, JSON_COMPACT) : NULL;

	json_decref(o);
	return text;
}

static json_t *summary_of(const struct report *r, const struct summary *s)
{
	const struct tracker_counts *n = s->counts;
	json_t *o = json_object(), *notes = json_array();

	json_object_set_new(o, "packets", json_integer((json_int_t)s->records));
	json_object_set_new(o, "tcp", json_integer((json_int_t)n->tcp));
	json_object_set_new(o, "icmp", json_integer((json_int_t)n->icmp));
	json_object_set_new(o, "connections", json_integer((json_int_t)n->connections));
	json_object_set_new(o, "healthy", json_integer((json_int_t)r->healthy));
	json_object_set_new(o, "duration_ns", json_integer((json_int_t)(mark_time(&n->last) - mark_time(&n->first))));
	if (s->damage[0])
		json_array_append_new(notes, json_string(s->damage));
	if (n->cut)
		json_array_append_new(notes, json_sprintf("%llu packets were captured in part",
			(unsigned long long)n->cut));
	if (n->options_cut)
		json_array_append_new(notes, json_sprintf("the TCP options of %llu packets are cut off",
			(unsigned long long)n->options_cut));
	if (n->unknown_link)
		json_array_append_new(notes, json_sprintf("%llu packets of link type %s were not understood",
			(unsigned long long)n->unknown_link, s->unknown_link));
	json_object_set_new(o, "notes", notes);
	return o;
}

char *report_json(const struct report *r, const struct summary *s, bool all)
{
	json_t *o = json_object(), *list = json_array();
	char *text;

	for (size_t i = 0; i < r->count; i++)
		if (all || r->list[i].word != WORD_OK)
			json_array_append_new(list, object_of(&r->list[i]));
	json_object_set_new(o, "schema", json_string("trivet-explain"));
	json_object_set_new(o, "version", json_integer(SCHEMA_VERSION));
	json_object_set_new(o, "summary", summary_of(r, s));
	json_object_set_new(o, "findings", list);
	json_object_set_new(o, "exit", json_integer(report_status(r)));
	text = json_dumps(o, JSON_INDENT(2));
	json_decref(o);
	return text;
}
