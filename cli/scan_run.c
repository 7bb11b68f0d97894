/*
 * scan_run.c - sends the probes, and waits for what comes of them.
 *
 * A probe leaves every 1/rate seconds, whether it is a port's first or a repeat; a port that said nothing
 * within the time-out is queued again until its tries are used up. Two queues of port numbers do it: those
 * that wait for a repeat, and those that are under way, in the order in which they were sent, which is
 * that of their time-outs. With the kernel's connect() at most SCAN_OPEN_MOST sockets are open at once.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "cli/scan.h"
#include "posix/clock.h"

#define SETTLE (100 * TV_MS)           /* for packets that are still being captured */
#define PROGRESS (10 * TV_S)
#define EARLY (50 * TV_MS)             /* so that the kernel's own repeat after a second is not sent */
#define BEHIND 5                       /* probes that may be made up for when we come late */

/* A port is in a queue once at most. */
struct queue {
	uint32_t *list, room, head, count;
};

struct run_state {
	struct scan *scan;
	struct queue again, under_way;
	uint32_t fresh;                /* probes from here on were never sent */
	tv_time interval, next, told;
	tv_time patience;              /* for each try */
	unsigned most;
	struct host_attempt *slots;
	struct host_attempt **idle;
	unsigned idle_count;
	struct pollfd fds[SCAN_OPEN_MOST + 1];
	uint32_t who[SCAN_OPEN_MOST];
};

static bool queue_new(struct queue *q, uint32_t room)
{
	q->list = calloc(room, sizeof *q->list);
	q->room = room;
	return q->list;
}

static void push(struct queue *q, uint32_t n)
{
	q->list[(q->head + q->count++) % q->room] = n;
}

static uint32_t pop(struct queue *q)
{
	uint32_t n = q->list[q->head];

	q->head = (q->head + 1) % q->room;
	q->count--;
	return n;
}

/* ------------------------------------------------------------------------------------------ */
/* One probe                                                                                   */

static void let_go(struct run_state *r, struct probe *p)
{
	struct host_attempt_info info;

	if (!p->at)
		return;
	if (p->at->fd >= 0 && host_attempt_info(p->at, &info) == 0)
		p->syns = (uint8_t)(p->syns + info.total_repeats);
	host_attempt_close(p->at);
	r->idle[r->idle_count++] = p->at;
	p->at = NULL;
}

static bool send_raw(struct scan *s, struct probe *p)
{
	int err = host_syn_send(&s->syn, p->port, scan_isn(s, p->port));

	p->local = s->syn.local.port;
	if (err == 0 || err == -ENOBUFS || err == -EAGAIN)
		return true;
	complain(&s->common, "a SYN could not be sent: %s", strerror(-err));
	return false;
}

static void send_connect(struct run_state *r, struct probe *p)
{
	struct scan *s = r->scan;
	struct tv_endpoint to = {.addr = s->remote, .port = p->port};

	p->at = r->idle[--r->idle_count];
	if (host_attempt_start(p->at, &to, s->lookup.scope[0])) {
		p->local = p->at->local.port;
		return;
	}
	scan_look(p);
	let_go(r, p);
}

static bool send_one(struct run_state *r, tv_time now)
{
	struct scan *s = r->scan;
	uint32_t n = r->again.count ? pop(&r->again) : r->fresh++;
	struct probe *p = &s->probes[n];

	if (p->state != PORT_UNKNOWN) /* a late answer */
		return true;
	p->tries++;
	p->syns++;
	p->sent = now;
	p->under_way = true;
	if (s->raw && !send_raw(s, p))
		return false;
	if (!s->raw)
		send_connect(r, p);
	push(&r->under_way, n);
	return true;
}

/* Ends what has waited long enough; returns when the next one has. */
static tv_time expire(struct run_state *r, tv_time now)
{
	while (r->under_way.count) {
		uint32_t n = r->under_way.list[r->under_way.head];
		struct probe *p = &r->scan->probes[n];

		if (p->under_way && now < p->sent + r->patience)
			return p->sent + r->patience;
		(void)pop(&r->under_way);
		let_go(r, p);
		if (!p->under_way)
			continue;
		p->under_way = false;
		if (p->tries < r->scan->tries)
			push(&r->again, n);
		else
			scan_silent(p);
	}
	return TV_NEVER;
}

/* ------------------------------------------------------------------------------------------ */
/* All of them                                                                                 */

static unsigned gather(struct run_state *r)
{
	unsigned n = 0;

	for (uint32_t i = 0; i < r->under_way.count && n < SCAN_OPEN_MOST; i++) {
		uint32_t at = r->under_way.list[(r->under_way.head + i) % r->under_way.room];
		const struct probe *p = &r->scan->probes[at];

		if (!p->under_way || !p->at)
			continue;
		r->who[n] = at;
		r->fds[n++] = (struct pollfd){.fd = p->at->fd, .events = POLLOUT};
	}
	r->fds[n] = (struct pollfd){.fd = r->scan->live ? live_fd(r->scan->live) : -1, .events = POLLIN};
	return n;
}

static void wait_until(struct run_state *r, tv_time until)
{
	unsigned n = gather(r);
	tv_time now = clock_now();
	int ms = until <= now ? 0 : until - now > TV_S ? 1000 : (int)((until - now + TV_MS - 1) / TV_MS);

	if (poll(r->fds, n + 1, ms) < 0)
		return;
	for (unsigned i = 0; i < n; i++) {
		struct probe *p = &r->scan->probes[r->who[i]];

		if (!r->fds[i].revents)
			continue;
		scan_look(p);
		if (!p->under_way)
			let_go(r, p);
	}
	scan_capture(r->scan);
}

static bool may_send(const struct run_state *r)
{
	if (!r->again.count && r->fresh == r->scan->count)
		return false;
	return r->under_way.count < r->under_way.room && (r->scan->raw || r->idle_count > 0);
}

static void tell_progress(struct run_state *r, tv_time now)
{
	if (now < r->told + PROGRESS)
		return;
	r->told = now;
	if (!r->scan->common.quiet && !r->scan->common.json)
		fprintf(stderr, "%u of %u ports tried\n", r->fresh, r->scan->count);
}

static bool work(struct run_state *r)
{
	tv_time now = clock_now(), until;

	r->next = r->told = now;
	while (r->fresh < r->scan->count || r->again.count || r->under_way.count) {
		now = clock_now();
		if (r->next + BEHIND * r->interval < now)
			r->next = now - BEHIND * r->interval;
		for (; may_send(r) && r->next <= now; r->next += r->interval)
			if (!send_one(r, now))
				return false;
		until = expire(r, now);
		if (may_send(r) && r->next < until)
			until = r->next;
		wait_until(r, until);
		tell_progress(r, now);
	}
	for (until = clock_now() + SETTLE; r->scan->live && clock_now() < until;)
		wait_until(r, until);
	return true;
}

/* Descriptors for the attempts that may be under way at once. */
static unsigned most_open(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur > SCAN_OPEN_MOST + 32)
		return SCAN_OPEN_MOST;
	return limit.rlim_cur > 48 ? (unsigned)limit.rlim_cur - 32 : 16;
}

bool scan_run(struct scan *s)
{
	struct run_state *r = calloc(1, sizeof *r);
	tv_time begun = clock_now();
	bool done = false;

	if (r) {
		r->scan = s;
		r->interval = TV_S / s->rate;
		r->patience = s->timeout - (!s->raw && s->timeout >= TV_S ? EARLY : 0);
		r->most = most_open();
		r->slots = calloc(r->most, sizeof *r->slots);
		r->idle = calloc(r->most, sizeof *r->idle);
	}
	if (r && r->slots && r->idle && queue_new(&r->again, s->count + 1) && queue_new(&r->under_way, s->count + 1)) {
		for (unsigned i = 0; i < r->most; i++)
			r->idle[r->idle_count++] = &r->slots[i];
		done = work(r);
		for (uint32_t i = 0; i < s->count; i++)
			let_go(r, &s->probes[i]);
	} else {
		complain(&s->common, "out of memory");
	}
	s->took = clock_now() - begun;
	if (r) {
		free(r->again.list);
		free(r->under_way.list);
		free(r->slots);
		free(r->idle);
	}
	free(r);
	return done;
}
