/*
 * System calls of a script: starting them, waiting for them, judging what they return.
 *
 * A call without `...` must return at once.  A call with a start and an end time is begun at the
 * first, goes on whenever the stack has moved, and must return at the second.  There is one such
 * call at a time; the next call event waits for it.
 */
#include "runner.h"

#include "symbols.h"
#include "value.h"

#include <stdio.h>
#include <string.h>

const struct expr *call_argument(struct runner *r, const struct call *c, int n)
{
	const struct expr *e = value_item(c->spec->arguments, n);

	if (e == NULL)
		fail_with(r->f, "%s: argument %d is missing", c->spec->name, n + 1);
	return e;
}

bool call_count(struct runner *r, const struct call *c, int count)
{
	if (c->spec->argument_count == count)
		return true;
	return fail_with(r->f, "%s: %d arguments, not %d", c->spec->name, c->spec->argument_count,
	            count);
}

bool call_int(struct runner *r, const struct call *c, int n, int *out)
{
	const struct expr *e = call_argument(r, c, n);

	return e != NULL && value_int(e, out, r->f);
}

int call_live_fd(const struct runner *r, int script_fd)
{
	if (script_fd < 0 || script_fd >= FDS_MAX || r->fds[script_fd] == 0)
		return -1;
	return r->fds[script_fd];
}

bool call_fd(struct runner *r, struct call *c, int n, int *out)
{
	if (!call_int(r, c, n, &c->script_fd))
		return false;
	*out = call_live_fd(r, c->script_fd);
	return true;
}

/* "-1 EAGAIN" or "1000". */
static void result_text(int64_t result, char *out, size_t room)
{
	const char *name = result < 0 ? symbol_errno((int)-result) : NULL;

	if (result >= 0)
		snprintf(out, room, "%lld", (long long)result);
	else if (name != NULL)
		snprintf(out, room, "-1 %s", name);
	else
		snprintf(out, room, "-1 errno %lld", (long long)-result);
}

static bool wrong_result(struct runner *r, const struct call *c, const char *expected)
{
	char actual[64];

	result_text(c->result, actual, sizeof(actual));
	return fail_with(r->f, "%s: wrong result\n  expected %s\n  actual   %s", c->spec->name, expected,
	            actual);
}

static bool take_fd(struct runner *r, struct call *c, int64_t script_fd)
{
	if (script_fd >= FDS_MAX)
		return fail_with(r->f, "%s: descriptor %lld is too large", c->spec->name,
		            (long long)script_fd);
	if (r->fds[script_fd] != 0)
		return fail_with(r->f, "%s: descriptor %lld is still open in the script", c->spec->name,
		            (long long)script_fd);
	r->fds[script_fd] = (int)c->result;
	c->script_fd = (int)script_fd;
	return true;
}

static bool judge(struct runner *r, struct call *c)
{
	const struct expr *want = c->spec->result;
	char text[64];
	int64_t expected = 0;
	int64_t error = 0;

	if (!value_is_ellipsis(want)) {
		if (!value_integer(want, &expected, r->f))
			return false;
		if (c->spec->error != NULL && !symbol_value(c->spec->error, &error))
			return fail_with(r->f, "the error %s is not known", c->spec->error);
		bool fails = c->result < 0;
		result_text(expected < 0 && error != 0 ? -error : expected, text, sizeof(text));
		if (expected < 0 && error == 0)
			snprintf(text, sizeof(text), "%lld", (long long)expected);
		if (fails != (expected < 0) || (fails && expected != -1) ||
		    (fails && error != 0 && error != -c->result) ||
		    (!fails && !c->makes_fd && expected != c->result))
			return wrong_result(r, c, text);
	}
	if (c->makes_fd && c->result >= 0 && !take_fd(r, c, expected))
		return false;
	return c->finish == NULL || c->finish(r, c);
}

static call_prepare find(const char *name)
{
	call_prepare prepare = call_of_stream(name);

	return prepare != NULL ? prepare : call_of_control(name);
}

bool call_start(struct runner *r, const struct event *event, int64_t end_ns)
{
	struct call *c = arena_take(r->arena, sizeof(*c));
	call_prepare prepare = find(event->call->name);

	c->spec = event->call;
	c->event = event;
	c->end_ns = end_ns;
	c->script_fd = -1;
	if (prepare == NULL)
		return fail_unsupported(r->f, "the system call %s is not supported",
		                        event->call->name);
	if (!prepare(r, c))
		return false;
	if (c->is_op) {
		c->result = sockets_step(r->sockets, &c->op);
		if (c->result == SOCKETS_WAIT) {
			if (event->call->end_ns == NOT_BLOCKING)
				return fail_with(r->f, "%s: blocks, but must return at once",
				            event->call->name);
			r->pending = c;
			return runner_settle(r);
		}
	}
	if (!judge(r, c))
		return false;
	if (event->call->end_ns != NOT_BLOCKING &&
	    !runner_on_time(r, r->now_ns, end_ns, end_ns))
		return fail_with(r->f, "%s: returned at once, not at %.6f", event->call->name,
		            (double)end_ns / 1e9);
	return runner_settle(r);
}

bool call_continue(struct runner *r, bool *progress)
{
	struct call *c = r->pending;

	*progress = false;
	if (c == NULL)
		return true;
	size_t done = c->op.done;
	c->result = sockets_step(r->sockets, &c->op);
	*progress = c->result != SOCKETS_WAIT || c->op.done != done;
	if (c->result == SOCKETS_WAIT)
		return true;
	r->pending = NULL;
	const struct event *now = r->event;
	r->event = c->event;
	if (!judge(r, c))
		return false;
	if (!runner_on_time(r, r->now_ns, c->end_ns, c->end_ns))
		return fail_with(r->f, "%s: returned at %.6f, not at %.6f", c->spec->name,
		            (double)r->now_ns / 1e9, (double)c->end_ns / 1e9);
	r->event = now;
	return true;
}

bool call_await(struct runner *r)
{
	while (r->pending != NULL) {
		const struct call *c = r->pending;
		if (runner_step(r, c->end_ns + r->setup.tolerance_ns))
			continue;
		if (r->f->failed)
			return false;
		r->event = c->event;
		return fail_with(r->f, "%s: has not returned at %.6f", c->spec->name,
		            (double)c->end_ns / 1e9);
	}
	return true;
}
