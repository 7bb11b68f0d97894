/*
 * Time and events of a run.
 *
 * Time is virtual: it stands still while the stack works and jumps to the next moment at which
 * something happens, which is the stack's deadline, the end of a blocking call's patience, or the
 * next event. Everything is therefore exact and repeatable; the tolerance of the language (4 ms
 * unless the script says otherwise) is only for what scripts round.
 *
 * A packet that is expected is waited for until its time is over. Relative times count from the
 * moment at which the event before happened.
 */
#include "run.h"

#include "call_info.h"
#include "runner.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* `*` waits so long for a packet: far beyond every timer of TCP. */
#define FOR_EVER_NS ((int64_t)24 * 3600 * 1000000000)

#define REGION_ALIGNMENT 64

/* So often may the stack ask for attention at one moment without saying anything. */
#define IDLE_MAX 1000

tv_time runner_time(const struct runner *r)
{
	return TIME_BASE + (tv_time)r->now_ns;
}

bool runner_on_time(const struct runner *r, int64_t at, int64_t from, int64_t to)
{
	int64_t tolerance = r->setup.tolerance_ns;
	int64_t share = (from - r->previous_ns) / 1000 * r->setup.tolerance_permille;

	if (share > tolerance)
		tolerance = share;
	return at >= from - tolerance && at <= to + tolerance;
}

bool runner_settle(struct runner *r)
{
	bool progress;

	do {
		unsigned n = packets_collect(r);
		if (!call_continue(r, &progress))
			return false;
		progress = progress || n > 0;
	} while (progress);
	int broken = tv_stack_check(r->stack);
	if (broken != 0)
		return fail_with(r->f, "invariant %d of the stack is broken", broken);
	return true;
}

/* The next moment at which the stack or a blocking call wants something. */
static int64_t next_moment(const struct runner *r)
{
	tv_time deadline = tv_deadline(r->stack);

	if (r->pending != NULL) {
		tv_time patience = sockets_op_deadline(&r->pending->op);
		if (patience < deadline)
			deadline = patience;
	}
	if (deadline == TV_NEVER || deadline - TIME_BASE > (tv_time)INT64_MAX)
		return INT64_MAX;
	return deadline < TIME_BASE ? 0 : (int64_t)(deadline - TIME_BASE);
}

bool runner_step(struct runner *r, int64_t until_ns)
{
	for (int idle = 0; idle < IDLE_MAX; idle++) {
		int64_t next = next_moment(r);
		if (next > until_ns)
			return false;
		if (next > r->now_ns) {
			r->now_ns = next;
			return runner_settle(r);
		}
		unsigned long before = r->sent_count;
		const struct call *pending = r->pending;
		if (!runner_settle(r))
			return false;
		if (before != r->sent_count || pending != r->pending)
			return true;
	}
	return fail_with(r->f, "the stack's deadline stays at %.6f, which is past",
	            (double)r->now_ns / 1e9);
}

bool runner_advance(struct runner *r, int64_t until_ns)
{
	while (runner_step(r, until_ns))
		;
	if (r->f->failed)
		return false;
	if (until_ns > r->now_ns)
		r->now_ns = until_ns;
	return true;
}

/* ------------------------------------------------------------------------- events ------- */

struct moments {
	int64_t from;
	int64_t to;
	int64_t call_end;
};

/* Relative times become absolute ones. */
static struct moments moments_of(const struct runner *r, const struct event *e)
{
	bool relative = e->time == TIME_RELATIVE || e->time == TIME_RELATIVE_RANGE;
	int64_t base = relative ? r->now_ns : 0;
	struct moments m = {base + e->from_ns, base + e->to_ns, 0};

	if (e->time == TIME_ANY) {
		m.from = 0;
		m.to = r->now_ns + FOR_EVER_NS;
	}
	if (e->kind == EVENT_CALL && e->call->end_ns != NOT_BLOCKING)
		m.call_end = base + e->call->end_ns;
	return m;
}

/* Lets time pass until an event that happens at one moment. */
static bool come_to(struct runner *r, const struct moments *m)
{
	if (!runner_on_time(r, r->now_ns > m->from ? r->now_ns : m->from, m->from, m->from))
		return fail_with(r->f, "this event is due at %.6f, but it is already %.6f",
		            (double)m->from / 1e9, (double)r->now_ns / 1e9);
	return runner_advance(r, m->from);
}

static bool run_packet(struct runner *r, const struct event *e, const struct moments *m)
{
	if (e->packet->inbound)
		return come_to(r, m) && packets_deliver(r, e->packet) && runner_settle(r);
	if (e->time == TIME_ANY)
		return packets_expect(r, e->packet, 0, m->to);
	int64_t tolerance = r->setup.tolerance_ns;
	int64_t share = (m->from - r->previous_ns) / 1000 * r->setup.tolerance_permille;
	if (share > tolerance)
		tolerance = share;
	return packets_expect(r, e->packet, m->from - tolerance, m->to + tolerance);
}

static bool flush_paths(struct runner *r)
{
	struct tv_fastopen_path path = {.size = sizeof path};
	uint64_t cursor = 0;

	while (tv_fastopen_next(r->stack, &cursor, &path)) {
		path.cookie_len = path.failures = 0;
		if (tv_fastopen_put(r->stack, runner_time(r), &path) < 0)
			return fail_with(r->f, "the stack does not forget a destination");
		cursor = 0;
	}
	return true;
}

static bool run_command(struct runner *r, const struct event *e, const struct moments *m)
{
	if (!come_to(r, m))
		return false;
	if (!setup_command(&r->setup, e->text, e->line, true))
		return true;
	if (r->setup.flush_paths && !flush_paths(r))
		return false;
	if (tv_link_mtu(r->stack, runner_time(r), r->link, r->setup.mtu) < 0)
		return fail_with(r->f, "the stack refuses an MTU of %u", r->setup.mtu);
	return runner_settle(r);
}

static bool run_code(struct runner *r, const struct event *e, const struct moments *m)
{
	if (!come_to(r, m))
		return false;
	if (strstr(e->text, "tcpi_") != NULL && call_info_fd(r) < 0)
		return fail_with(r->f, "there is no socket whose TCP_INFO could be looked at");
	return assertion_run(e->text, &r->memory, call_info_lookup, r, r->f);
}

static bool run_event(struct runner *r, const struct event *e)
{
	/* One call at a time: the next one waits for the end of a blocking one. */
	if (e->kind == EVENT_CALL && !call_await(r))
		return false;
	struct moments m = moments_of(r, e);
	r->event = e;
	switch (e->kind) {
	case EVENT_PACKET: return run_packet(r, e, &m);
	case EVENT_CALL: return come_to(r, &m) && call_start(r, e, m.call_end);
	case EVENT_COMMAND: return run_command(r, e, &m);
	case EVENT_CODE: return run_code(r, e, &m);
	}
	return false;
}

static bool run_events(struct runner *r)
{
	for (const struct event *e = r->script->events; e != NULL; e = e->next) {
		/* A RST that was sent before the last event must have been expected; what the last
		 * event itself causes may remain. */
		bool expects = e->kind == EVENT_PACKET && !e->packet->inbound;
		if (e->next == NULL && !expects && !packets_check_rest(r))
			return false;
		if (!run_event(r, e))
			return false;
		r->previous_ns = r->now_ns;
	}
	return call_await(r);
}

/* ------------------------------------------------------------------------- start -------- */

static tv_time clock_of(void *user)
{
	return runner_time(user);
}

static unsigned prefix_bits(const struct runner *r)
{
	return r->setup.version == VERSION_IPV6 ? 64 : 96 + 24;
}

static bool make_network(struct runner *r)
{
	static const struct tv_addr none;
	struct tv_link_config link = {.size = sizeof(link), .kind = TV_LINK_IP};
	struct tv_addr any;

	link.mtu = r->setup.mtu;
	int number = tv_link_add(r->stack, runner_time(r), &link);
	if (number < 0)
		return fail_with(r->f, "the stack refuses a link with MTU %u: %s", r->setup.mtu,
		            tv_error_text(number));
	r->link = (unsigned)number;
	int result = tv_address_add(r->stack, runner_time(r), r->link, &r->setup.local,
	                            prefix_bits(r));
	if (result < 0)
		return fail_with(r->f, "the stack refuses the local address: %s", tv_error_text(result));
	memset(&any, 0, sizeof(any));
	if (r->setup.version != VERSION_IPV6)
		any.b[10] = any.b[11] = 0xff;
	result = tv_route_add(r->stack, runner_time(r), &any,
	                      r->setup.version == VERSION_IPV6 ? 0 : 96, &none, r->link, 0);
	if (result < 0)
		return fail_with(r->f, "the stack refuses a default route: %s", tv_error_text(result));
	return true;
}

static bool make_stack(struct runner *r)
{
	size_t bytes = tv_stack_size(&r->setup.config);

	if (bytes == 0)
		return fail_with(r->f, "the configuration of this script is impossible");
	/* calloc gives zero pages that cost nothing until they are touched. */
	r->region = calloc(1, bytes + REGION_ALIGNMENT);
	if (r->region == NULL)
		return fail_with(r->f, "no memory for a stack of %zu bytes", bytes);
	uintptr_t start = (uintptr_t)r->region + REGION_ALIGNMENT - 1;
	void *aligned = (void *)(start / REGION_ALIGNMENT * REGION_ALIGNMENT);
	int result = tv_stack_init(aligned, bytes, &r->setup.config, runner_time(r), &r->stack);
	if (result < 0)
		return fail_with(r->f, "the stack refuses its configuration: %s",
		            tv_error_text(result));
	struct sockets_config config = {
		.stack = r->stack,
		.now = clock_of,
		.user = r,
		.options = r->setup.config.defaults,
		.side_records = true,
		.fastopen = r->setup.fastopen,
	};
	const uint8_t *keys = r->setup.fastopen_keys;
	if (r->setup.fastopen_key_count > 0)
		tv_fastopen_keys(r->stack, runner_time(r), keys,
		                 r->setup.fastopen_key_count > 1 ? keys + SOCKETS_FASTOPEN_KEY : NULL);
	r->sockets = sockets_new(&config);
	return r->sockets != NULL || fail_with(r->f, "no memory for the sockets");
}

void run_script(struct script *script, enum ip_version version, bool verbose,
                struct run_result *result)
{
	struct tv_config defaults;
	struct runner r;

	memset(result, 0, sizeof(*result));
	memset(&r, 0, sizeof(r));
	r.script = script;
	r.arena = &script->arena;
	r.verbose = verbose;
	r.f = &result->fail;
	r.next_port = 40001;
	r.last_fd = -1;
	r.sent_tail = &r.sent;
	tv_config_default(&defaults);
	if (setup_start(&r.setup, script, version, &defaults, r.f) && make_stack(&r) &&
	    make_network(&r))
		run_events(&r);
	sockets_free(r.sockets);
	free(r.region);
	result->notes = r.setup.notes;
	result->line = r.event != NULL ? r.event->line : 0;
	result->outcome = !r.f->failed ? RUN_PASSED
		: r.f->unsupported ? RUN_UNSUPPORTED : RUN_FAILED;
}
