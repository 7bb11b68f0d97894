/*
 * System calls that ask and tell: socket options, fcntl, ioctl, poll, epoll.
 */
#include "runner.h"

#include "value.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>

#define NUMBERS_MAX 16

/* ------------------------------------------------------------------------- options ------ */

/* {onoff=1, linger=0} or {sec, usec}, as the option wants it. */
static bool is_linger(const struct expr *e)
{
	return value_field(e, "onoff") != NULL;
}

static bool take_linger(struct runner *r, const struct expr *e, struct linger *out)
{
	return value_int(value_field(e, "onoff"), &out->l_onoff, r->f) &&
	       value_int(value_field(e, "linger"), &out->l_linger, r->f);
}

static bool is_timeout(int level, int name)
{
	return level == SOL_SOCKET && (name == SO_RCVTIMEO || name == SO_SNDTIMEO);
}

/* The bytes of an option's value; *size gets how many. */
static bool option_bytes(struct runner *r, struct call *c, int level, int name, socklen_t *size)
{
	const struct expr *e = call_argument(r, c, 3);
	int numbers[NUMBERS_MAX];
	int count;

	c->buffer = arena_take(r->arena, 512);
	if (e == NULL || value_is_ellipsis(e))
		return fail_with(r->f, "%s: a value is needed", c->spec->name);
	if (is_linger(e)) {
		struct linger linger;
		*size = sizeof(linger);
		if (!take_linger(r, e, &linger))
			return false;
		memcpy(c->buffer, &linger, sizeof(linger));
		return true;
	}
	if (e->kind == EXPR_STRING) {
		*size = (socklen_t)(e->length < 511 ? e->length : 511);
		memcpy(c->buffer, e->text, *size);
		return true;
	}
	if (!value_numbers(e, numbers, NUMBERS_MAX, &count, r->f))
		return false;
	if (is_timeout(level, name) && count == 2) {
		struct timeval tv = {numbers[0], numbers[1]};
		*size = sizeof(tv);
		memcpy(c->buffer, &tv, sizeof(tv));
		return true;
	}
	*size = (socklen_t)(sizeof(int) * (unsigned)count);
	memcpy(c->buffer, numbers, *size);
	return true;
}

static bool prepare_setsockopt(struct runner *r, struct call *c)
{
	int fd;
	int level;
	int name;
	int given;
	socklen_t size = 0;

	if (!call_count(r, c, 5) || !call_fd(r, c, 0, &fd) || !call_int(r, c, 1, &level) ||
	    !call_int(r, c, 2, &name) || !call_int(r, c, 4, &given) ||
	    !option_bytes(r, c, level, name, &size))
		return false;
	/* A length that the script gives too small is part of the test; a larger one is not. */
	if (given >= 0 && (socklen_t)given < size)
		size = (socklen_t)given;
	c->result = sockets_setsockopt(r->sockets, fd, level, name, c->buffer, size);
	return true;
}

static bool compare_linger(struct runner *r, const struct call *c)
{
	struct linger want;
	struct linger got;

	if (!take_linger(r, c->wanted, &want))
		return false;
	memcpy(&got, c->buffer, sizeof(got));
	if (want.l_onoff == got.l_onoff && want.l_linger == got.l_linger)
		return true;
	return fail_with(r->f, "%s: wrong value\n  expected {onoff=%d, linger=%d}\n"
	            "  actual   {onoff=%d, linger=%d}", c->spec->name, want.l_onoff, want.l_linger,
	            got.l_onoff, got.l_linger);
}

static bool compare_numbers(struct runner *r, const struct call *c)
{
	int want[NUMBERS_MAX];
	int count;

	if (!value_numbers(c->wanted, want, NUMBERS_MAX, &count, r->f))
		return false;
	for (int i = 0; i < count; i++) {
		int got;
		memcpy(&got, c->buffer + (size_t)i * sizeof(got), sizeof(got));
		if (got != want[i])
			return fail_with(r->f, "%s: wrong value\n  expected %d\n  actual   %d",
			            c->spec->name, want[i], got);
	}
	return true;
}

static bool got_option(struct runner *r, struct call *c)
{
	const struct expr *length = value_item(c->spec->arguments, 4);
	int want;
	int count;

	if (c->result < 0 || value_is_ellipsis(c->wanted))
		return true;
	if (!value_is_ellipsis(length)) {
		if (!value_numbers(length, &want, 1, &count, r->f))
			return false;
		if (count == 1 && (socklen_t)want != c->address_size)
			return fail_with(r->f, "%s: wrong length\n  expected %d\n  actual   %u",
			            c->spec->name, want, c->address_size);
	}
	if (is_linger(c->wanted))
		return compare_linger(r, c);
	if (c->wanted->kind != EXPR_STRING)
		return compare_numbers(r, c);
	if (strncmp((const char *)c->buffer, c->wanted->text, c->address_size) == 0)
		return true;
	return fail_with(r->f, "%s: wrong value\n  expected \"%s\"\n  actual   \"%.*s\"", c->spec->name,
	            c->wanted->text, (int)c->address_size, (const char *)c->buffer);
}

static bool prepare_getsockopt(struct runner *r, struct call *c)
{
	int fd;
	int level;
	int name;

	if (!call_count(r, c, 5) || !call_fd(r, c, 0, &fd) || !call_int(r, c, 1, &level) ||
	    !call_int(r, c, 2, &name))
		return false;
	c->wanted = call_argument(r, c, 3);
	c->buffer = arena_take(r->arena, 512);
	c->address_size = 512;
	c->result = sockets_getsockopt(r->sockets, fd, level, name, c->buffer, &c->address_size);
	c->finish = got_option;
	return true;
}

/* ------------------------------------------------------------------------- fcntl, ioctl - */

static bool prepare_fcntl(struct runner *r, struct call *c)
{
	int fd;
	int command;
	int argument = 0;

	if (!call_fd(r, c, 0, &fd) || !call_int(r, c, 1, &command))
		return false;
	if (c->spec->argument_count > 2 && !call_int(r, c, 2, &argument))
		return false;
	c->result = sockets_fcntl(r->sockets, fd, command, argument);
	return true;
}

static bool got_ioctl(struct runner *r, struct call *c)
{
	if (c->result < 0 || value_is_ellipsis(c->wanted))
		return true;
	return compare_numbers(r, c);
}

static bool prepare_ioctl(struct runner *r, struct call *c)
{
	int fd;
	int64_t request;
	int value = 0;
	int count;

	c->wanted = call_argument(r, c, 2);
	if (c->wanted == NULL || !call_fd(r, c, 0, &fd) ||
	    !value_integer(call_argument(r, c, 1), &request, r->f))
		return false;
	if (!value_is_ellipsis(c->wanted) && !value_numbers(c->wanted, &value, 1, &count, r->f))
		return false;
	c->result = sockets_ioctl(r->sockets, fd, (unsigned long)request, &value);
	c->buffer = arena_take(r->arena, sizeof(value));
	memcpy(c->buffer, &value, sizeof(value));
	c->finish = got_ioctl;
	return true;
}

/* ------------------------------------------------------------------------- poll --------- */

static bool polled(struct runner *r, struct call *c)
{
	const struct expr *e = c->wanted->items;

	for (int i = 0; i < c->op.fd_count; i++, e = e->next) {
		const struct expr *revents = value_field(e, "revents");
		int want = 0;
		if (value_is_ellipsis(revents))
			continue;
		if (revents != NULL && !value_int(revents, &want, r->f))
			return false;
		if ((short)want != c->fds[i].revents)
			return fail_with(r->f, "poll: wrong revents of entry %d\n  expected 0x%x\n"
			            "  actual   0x%x", i, (unsigned)want,
			            (unsigned)c->fds[i].revents);
	}
	return true;
}

static bool prepare_poll(struct runner *r, struct call *c)
{
	c->wanted = call_argument(r, c, 0);
	if (c->wanted == NULL || !call_int(r, c, 2, &c->op.timeout_ms))
		return false;
	if (c->wanted->kind != EXPR_LIST)
		return fail_with(r->f, "poll: a list of {fd=, events=, revents=} is needed");
	for (const struct expr *e = c->wanted->items; e != NULL; e = e->next) {
		int fd;
		int events;
		if (c->op.fd_count == POLL_MAX)
			return fail_unsupported(r->f, "poll: more than %d descriptors", POLL_MAX);
		if (!value_int(value_field(e, "fd"), &fd, r->f) ||
		    !value_int(value_field(e, "events"), &events, r->f))
			return false;
		/* One that is not open keeps a number that is not open here either. */
		int live = call_live_fd(r, fd);
		c->fds[c->op.fd_count].fd = fd < 0 ? fd : live >= 0 ? live : FDS_MAX * FDS_MAX;
		c->fds[c->op.fd_count++].events = (short)events;
	}
	c->is_op = true;
	c->op.call = SOCKETS_POLL;
	c->op.fds = c->fds;
	c->finish = polled;
	return true;
}

/* ------------------------------------------------------------------------- epoll -------- */

static bool prepare_epoll_create(struct runner *r, struct call *c)
{
	int argument;

	if (!call_count(r, c, 1) || !call_int(r, c, 0, &argument))
		return false;
	bool one = strcmp(c->spec->name, "epoll_create1") == 0;
	c->result = !one && argument <= 0 ? -EINVAL
	                                  : sockets_epoll_create(r->sockets, one ? argument : 0);
	c->makes_fd = true;
	return true;
}

/* The data of an event: fd, ptr, u32 or u64. */
static bool event_data(struct runner *r, const struct expr *e, int64_t *out)
{
	static const char *const names[] = {"fd", "ptr", "u32", "u64"};

	*out = 0;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const struct expr *value = value_field(e, names[i]);
		if (value != NULL)
			return value_integer(value, out, r->f);
	}
	return true;
}

static bool prepare_epoll_ctl(struct runner *r, struct call *c)
{
	struct epoll_event event = {0};
	const struct expr *e = call_argument(r, c, 3);
	int epfd;
	int op;
	int fd;
	int events = 0;
	int64_t data;

	if (e == NULL || !call_fd(r, c, 2, &fd) || !call_fd(r, c, 0, &epfd) ||
	    !call_int(r, c, 1, &op) || !event_data(r, e, &data))
		return false;
	if (value_field(e, "events") != NULL && !value_int(value_field(e, "events"), &events, r->f))
		return false;
	event.events = (uint32_t)events;
	event.data.u64 = (uint64_t)data;
	c->result = sockets_epoll_ctl(r->sockets, epfd, op, fd, &event);
	return true;
}

static bool epoll_waited(struct runner *r, struct call *c)
{
	const struct expr *e = c->wanted->kind == EXPR_LIST ? c->wanted->items : c->wanted;

	for (int64_t i = 0; i < c->result && e != NULL; i++, e = e->next) {
		int events;
		int64_t data;
		if (!value_int(value_field(e, "events"), &events, r->f) || !event_data(r, e, &data))
			return false;
		if ((uint32_t)events == c->events[i].events &&
		    (uint64_t)data == c->events[i].data.u64)
			continue;
		return fail_with(r->f, "%s: wrong event %lld\n  expected {events=0x%x, fd=%lld}\n"
		            "  actual   {events=0x%x, fd=%llu}", c->spec->name, (long long)i,
		            (unsigned)events, (long long)data, c->events[i].events,
		            (unsigned long long)c->events[i].data.u64);
	}
	return true;
}

static bool prepare_epoll_wait(struct runner *r, struct call *c)
{
	c->wanted = call_argument(r, c, 1);
	if (c->wanted == NULL || !call_fd(r, c, 0, &c->op.fd) ||
	    !call_int(r, c, 2, &c->op.fd_count) || !call_int(r, c, 3, &c->op.timeout_ms))
		return false;
	if (c->op.fd_count > POLL_MAX)
		return fail_unsupported(r->f, "%s: more than %d events", c->spec->name, POLL_MAX);
	c->is_op = true;
	c->op.call = SOCKETS_EPOLL;
	c->op.events = c->events;
	c->finish = epoll_waited;
	return true;
}

call_prepare call_of_control(const char *name)
{
	static const struct {
		const char *name;
		call_prepare prepare;
	} calls[] = {
		{"setsockopt", prepare_setsockopt}, {"getsockopt", prepare_getsockopt},
		{"fcntl", prepare_fcntl},           {"ioctl", prepare_ioctl},
		{"poll", prepare_poll},             {"epoll_create", prepare_epoll_create},
		{"epoll_create1", prepare_epoll_create}, {"epoll_ctl", prepare_epoll_ctl},
		{"epoll_wait", prepare_epoll_wait}, {"epoll_pwait", prepare_epoll_wait},
	};

	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		if (strcmp(calls[i].name, name) == 0)
			return calls[i].prepare;
	return NULL;
}
