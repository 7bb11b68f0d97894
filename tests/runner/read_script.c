/*
 * A whole script: options, a set-up command, events with their times, a clean-up command.
 *
 *     --tolerance_usecs=10000
 *     `sysctl -q net.ipv4.tcp_timestamps=0`
 *     0.000 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
 *     +.1~+.2 > S 0:0(0) <...>
 *     +0 %{ assert tcpi_snd_cwnd == 10 }%
 */
#include "reader.h"

#include <stdio.h>
#include <string.h>

static void add_define(struct cursor *c, struct script *script, const char *text)
{
	const char *equals = strchr(text, '=');

	if (equals == NULL) {
		cursor_fail(c, "--define needs NAME=value");
		return;
	}
	struct script_define *d = arena_take(c->arena, sizeof(*d));
	d->name = arena_text(c->arena, text, (size_t)(equals - text));
	d->value = equals + 1;
	/* The command line's definitions come first in the list and win. */
	struct script_define **tail = &script->defines;
	while (*tail != NULL)
		tail = &(*tail)->next;
	*tail = d;
	c->defines = script->defines;
}

/* The value of an option: up to a blank, except inside quotes. */
static const char *option_value(struct cursor *c)
{
	const char *text = cursor_until(c, " \t\r\"`");
	char next = c->at < c->end ? *c->at : '\0';

	if (next != '"' && next != '`')
		return text;
	const char *mark = next == '"' ? "\"" : "`";
	const char *quoted = cursor_between(c, mark, mark);
	size_t room = strlen(text) + strlen(quoted) + 3;
	char *all = arena_take(c->arena, room);
	snprintf(all, room, "%s%s%s%s", text, mark, quoted, mark);
	return all;
}

static void read_options(struct cursor *c, struct script *script)
{
	struct script_option **tail = &script->options;

	while (cursor_accept(c, "--")) {
		struct script_option *o = arena_take(c->arena, sizeof(*o));
		o->line = c->line;
		o->name = cursor_word(c);
		if (o->name == NULL)
			return;
		if (c->at < c->end && *c->at == '=') {
			cursor_accept(c, "=");
			o->value = option_value(c);
		}
		if (strcmp(o->name, "define") == 0)
			add_define(c, script, o->value != NULL ? o->value : "");
		*tail = o;
		tail = &o->next;
	}
}

static void read_time(struct cursor *c, struct event *e)
{
	if (cursor_accept(c, "*")) {
		e->time = TIME_ANY;
		return;
	}
	bool relative = cursor_accept(c, "+");
	e->time = relative ? TIME_RELATIVE : TIME_ABSOLUTE;
	e->from_ns = cursor_seconds(c);
	e->to_ns = e->from_ns;
	if (!cursor_accept(c, "~"))
		return;
	e->time = relative ? TIME_RELATIVE_RANGE : TIME_ABSOLUTE_RANGE;
	if (relative)
		cursor_expect(c, "+");
	e->to_ns = cursor_seconds(c);
	if (!c->failed && e->to_ns < e->from_ns)
		cursor_fail(c, "the time range runs backwards");
}

static void read_action(struct cursor *c, struct event *e)
{
	char next = cursor_peek(c);

	if (next == '<' || next == '>') {
		e->kind = EVENT_PACKET;
		e->packet = read_packet(c);
	} else if (next == '`') {
		e->kind = EVENT_COMMAND;
		e->text = cursor_between(c, "`", "`");
	} else if (next == '%') {
		e->kind = EVENT_CODE;
		e->text = cursor_between(c, "%{", "}%");
	} else {
		e->kind = EVENT_CALL;
		e->call = read_call(c);
	}
}

static bool outbound(const struct event *e)
{
	return e->kind == EVENT_PACKET && !e->packet->inbound;
}

static void read_event(struct cursor *c, struct event *e)
{
	cursor_peek(c);
	e->line = c->line;
	read_time(c, e);
	read_action(c, e);
	if (c->failed)
		return;
	if (e->time == TIME_ANY && !outbound(e))
		cursor_fail(c, "the time `*' is only for packets that we send");
	else if (e->time != TIME_ABSOLUTE && e->time != TIME_RELATIVE && !outbound(e))
		cursor_fail(c, "a time range is only for packets that we send");
}

static void read_events(struct cursor *c, struct script *script)
{
	struct event **tail = &script->events;

	while (!cursor_done(c)) {
		if (cursor_peek(c) == '`') {
			script->cleanup_command = cursor_between(c, "`", "`");
			if (!cursor_done(c))
				cursor_fail(c, "a command without a time stands only at the start "
				               "and at the end of a script");
			return;
		}
		struct event *e = arena_take(c->arena, sizeof(*e));
		read_event(c, e);
		*tail = e;
		tail = &e->next;
		script->event_count++;
	}
}

bool script_read(struct script *script, const char *path, const char *text, size_t length,
                 const struct script_define *defines, struct script_error *error)
{
	struct cursor c;

	memset(script, 0, sizeof(*script));
	memset(error, 0, sizeof(*error));
	script->path = path;
	cursor_start(&c, script, text, length);
	c.error = error;
	for (const struct script_define *d = defines; d != NULL; d = d->next) {
		struct script_define *copy = arena_take(&script->arena, sizeof(*copy));
		copy->name = d->name;
		copy->value = d->value;
		copy->next = script->defines;
		script->defines = copy;
	}
	c.defines = script->defines;
	read_options(&c, script);
	if (cursor_peek(&c) == '`') {
		script->init_line = c.line;
		script->init_command = cursor_between(&c, "`", "`");
	}
	read_events(&c, script);
	return !c.failed;
}

void script_free(struct script *script)
{
	arena_free(&script->arena);
	memset(script, 0, sizeof(*script));
}
