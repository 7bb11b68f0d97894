/*
 * run.c - the event loop: see run.h for what a turn does.
 *
 * A turn polls once and then works in rounds until there is nothing left to do, at most ROUNDS of
 * them: what one round writes often brings the answer at once (a TUN device hands our packet to the
 * kernel's TCP inside the write), and a read that finds nothing is cheaper than a poll. Each round
 * takes at most one batch from each link, so that acknowledgements leave while data still arrives.
 *
 * Watches live in an array beside the array for poll(). Forgetting one only marks it; the array is
 * packed before the next poll, so that functions may watch and forget while the array is walked.
 */
#include "posix/run.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "links/links.h"
#include "posix/clock.h"

#define BATCH 32
#define PIECES 64
#define LINKS 8
#define ROUNDS 16
#define OUTPUTS 8          /* batches that one link may be given in one round */
#define HEAD_MIN 2048u     /* an output buffer holds at least this much */

struct watch {
	int fd;            /* -1: forgotten */
	short events;
	run_fd_fn fn;
	void *user;
};

struct port {
	struct link *link;
	unsigned number;   /* in the stack */
	bool ready;        /* may have packets */
};

struct run {
	struct tv_stack *stack;
	struct port ports[LINKS];
	unsigned port_count;
	struct watch *watches;
	struct pollfd *polls; /* ports first, then watches */
	unsigned watch_count, watch_room;
	run_event_fn event_fn;
	void *event_user;
	run_alarm_fn alarm_fn;
	void *alarm_user;
	tv_time alarm;
	bool stopped;
	struct run_counts counts;
	char error[256];
	uint8_t *buffers;  /* BATCH times buffer_bytes */
	size_t buffer_bytes;
	struct tv_packet in[BATCH], out[BATCH];
	struct tv_piece pieces[BATCH][PIECES];
};

/* ------------------------------------------------------------------------------------------ */
/* Setting up                                                                                  */

struct run *run_new(struct tv_stack *stack)
{
	struct run *r = calloc(1, sizeof *r);

	if (!r)
		return NULL;
	r->stack = stack;
	r->alarm = TV_NEVER;
	r->polls = calloc(LINKS, sizeof *r->polls);
	if (!r->polls) {
		free(r);
		return NULL;
	}
	return r;
}

void run_free(struct run *r)
{
	if (!r)
		return;
	free(r->watches);
	free(r->polls);
	free(r->buffers);
	free(r);
}

/* An output buffer holds a whole packet, or with a link that gathers, all that is not gathered: the
 * headers, and replies that the stack makes itself, which keep to the MTU. */
static bool make_buffers(struct run *r, const struct tv_link_config *c)
{
	size_t need = (size_t)c->mtu + 64;
	uint8_t *buffers;

	if (!c->gather && c->gso_bytes > c->mtu)
		need = (size_t)c->gso_bytes + 64;
	need = need < HEAD_MIN ? HEAD_MIN : (need + 63) & ~(size_t)63;
	if (need <= r->buffer_bytes)
		return true;
	buffers = aligned_alloc(64, need * BATCH);
	if (!buffers)
		return false;
	free(r->buffers);
	r->buffers = buffers;
	r->buffer_bytes = need;
	return true;
}

int run_link(struct run *r, struct link *link)
{
	int number;

	if (r->port_count == LINKS || !make_buffers(r, &link->config))
		return TV_EFULL;
	number = tv_link_add(r->stack, clock_now(), &link->config);
	if (number < 0)
		return number;
	r->ports[r->port_count++] = (struct port){ .link = link, .number = (unsigned)number };
	return number;
}

void run_events(struct run *r, run_event_fn fn, void *user)
{
	r->event_fn = fn;
	r->event_user = user;
}

static struct watch *find_watch(struct run *r, int fd)
{
	for (unsigned i = 0; i < r->watch_count; i++)
		if (r->watches[i].fd == fd)
			return &r->watches[i];
	return NULL;
}

static bool grow_watches(struct run *r)
{
	unsigned room = r->watch_room ? r->watch_room * 2 : 8;
	struct watch *watches = realloc(r->watches, room * sizeof *watches);
	struct pollfd *polls;

	if (!watches)
		return false;
	r->watches = watches;
	polls = realloc(r->polls, (LINKS + room) * sizeof *polls);
	if (!polls)
		return false;
	r->polls = polls;
	r->watch_room = room;
	return true;
}

bool run_watch(struct run *r, int fd, short events, run_fd_fn fn, void *user)
{
	struct watch *w;

	if (fd < 0)
		return false;
	w = find_watch(r, fd);
	if (!w) {
		if (r->watch_count == r->watch_room && !grow_watches(r))
			return false;
		w = &r->watches[r->watch_count++];
	}
	*w = (struct watch){ .fd = fd, .events = events, .fn = fn, .user = user };
	return true;
}

void run_unwatch(struct run *r, int fd)
{
	struct watch *w = fd < 0 ? NULL : find_watch(r, fd);

	if (w)
		w->fd = -1;
}

void run_alarm(struct run *r, tv_time when, run_alarm_fn fn, void *user)
{
	r->alarm = fn ? when : TV_NEVER;
	r->alarm_fn = fn;
	r->alarm_user = user;
}

tv_time run_now(struct run *r)
{
	(void)r;
	return clock_now();
}

void run_stop(struct run *r)
{
	r->stopped = true;
}

const char *run_error(const struct run *r)
{
	return r->error;
}

void run_counts(const struct run *r, struct run_counts *counts)
{
	*counts = r->counts;
}

/* ------------------------------------------------------------------------------------------ */
/* Waiting                                                                                     */

static tv_time earlier(tv_time a, tv_time b)
{
	return a < b ? a : b;
}

/* When the loop must wake even if no descriptor does. */
static tv_time wake_time(const struct run *r, tv_time now, tv_time limit)
{
	tv_time wake = tv_deadline(r->stack);
	unsigned waiting = 0;

	for (unsigned i = 0; i < r->port_count; i++) {
		const struct link *l = r->ports[i].link;

		if (l->fd < 0 && !l->ended)
			return now;
		waiting += l->waiting;
	}
	/* What the stack wants to say may be for a link that cannot take it: its POLLOUT wakes us. With
	 * other links beside it, look again soon, but do not spin. */
	if (waiting && waiting == r->port_count)
		wake = TV_NEVER;
	else if (waiting && wake < now + TV_MS)
		wake = now + TV_MS;
	return earlier(earlier(wake, r->alarm), limit);
}

static unsigned fill_polls(struct run *r)
{
	unsigned kept = 0, n = 0;

	for (unsigned i = 0; i < r->port_count; i++) {
		const struct link *l = r->ports[i].link;

		r->polls[n].fd = l->fd;
		r->polls[n].events = l->waiting ? POLLIN | POLLOUT : POLLIN;
		r->polls[n++].revents = 0;
	}
	for (unsigned i = 0; i < r->watch_count; i++)
		if (r->watches[i].fd >= 0)
			r->watches[kept++] = r->watches[i];
	r->watch_count = kept;
	for (unsigned i = 0; i < kept; i++) {
		r->polls[n].fd = r->watches[i].fd;
		r->polls[n].events = r->watches[i].events;
		r->polls[n++].revents = 0;
	}
	return n;
}

static int wait_ready(struct run *r, tv_time limit)
{
	unsigned n = fill_polls(r);
	tv_time now = clock_now();
	tv_time wake = wake_time(r, now, limit);
	struct timespec t = { 0, 0 };
	int ready;

	if (wake > now && wake != TV_NEVER) {
		t.tv_sec = (time_t)((wake - now) / TV_S);
		t.tv_nsec = (long)((wake - now) % TV_S);
	}
	r->counts.polls++;
	ready = ppoll(r->polls, n, wake == TV_NEVER ? NULL : &t, NULL);
	if (ready >= 0)
		return 0;
	for (unsigned i = 0; i < n; i++)
		r->polls[i].revents = 0;
	if (errno == EINTR)
		return 0;
	snprintf(r->error, sizeof r->error, "poll: %s", strerror(errno));
	return -errno;
}

/* ------------------------------------------------------------------------------------------ */
/* One turn                                                                                    */

static int link_failed(struct run *r, const struct port *p, int err)
{
	snprintf(r->error, sizeof r->error, "link %s: %s", p->link->name, strerror(-err));
	return err;
}

/* One batch from each link that may have one. How many packets, or a negative errno. */
static int take_input(struct run *r)
{
	int total = 0;

	for (unsigned i = 0; i < r->port_count; i++) {
		struct port *p = &r->ports[i];
		int got;

		if (!p->ready)
			continue;
		got = link_rx(p->link, r->in, BATCH);
		if (got < 0)
			return link_failed(r, p, got);
		p->ready = got > 0;
		if (got == 0)
			continue;
		for (int k = 0; k < got; k++) {
			r->in[k].link = (uint16_t)p->number;
			r->in[k].time = 0;
		}
		tv_input(r->stack, clock_now(), r->in, (unsigned)got, NULL);
		r->counts.packets_in += (unsigned)got;
		total += got;
	}
	return total;
}

static void tell_events(struct run *r)
{
	struct tv_event event;

	while (r->event_fn && tv_event(r->stack, &event))
		r->event_fn(r->event_user, &event);
}

static void prepare_output(struct run *r, bool gather)
{
	for (unsigned i = 0; i < BATCH; i++) {
		r->out[i] = (struct tv_packet){
			.data = r->buffers + i * r->buffer_bytes,
			.cap = (uint32_t)r->buffer_bytes,
			.pieces = gather ? r->pieces[i] : NULL,
			.piece_cap = gather ? PIECES : 0,
		};
	}
}

/* What the stack has to say to each link that can hear. How many packets, or a negative errno. */
static int give_output(struct run *r)
{
	int total = 0;

	for (unsigned i = 0; i < r->port_count; i++) {
		struct port *p = &r->ports[i];

		for (unsigned k = 0; k < OUTPUTS && !p->link->waiting; k++) {
			unsigned n;
			int err;

			prepare_output(r, p->link->config.gather);
			n = tv_output(r->stack, clock_now(), p->number, r->out, BATCH);
			if (n == 0)
				break;
			err = link_tx(p->link, r->out, n);
			if (err < 0)
				return link_failed(r, p, err);
			/* On a TUN device the answer may be there already. */
			p->ready = true;
			r->counts.packets_out += n;
			total += (int)n;
			if (n < BATCH)
				break;
		}
	}
	return total;
}

/* Links that can write again, watches that are ready, and the alarm. */
static int serve_descriptors(struct run *r)
{
	unsigned ports = r->port_count, watches = r->watch_count; /* those that were polled */

	for (unsigned i = 0; i < ports; i++) {
		struct port *p = &r->ports[i];
		short ready = r->polls[i].revents;
		int err = 0;

		p->ready = p->link->fd < 0 ? !p->link->ended : (ready & ~POLLOUT) != 0;
		if (p->link->waiting && (ready & POLLOUT))
			err = link_flush(p->link);
		if (err < 0)
			return link_failed(r, p, err);
	}
	for (unsigned i = 0; i < watches; i++) {
		struct watch w = r->watches[i];
		short ready = r->polls[ports + i].revents;

		ready &= (short)(w.events | POLLERR | POLLHUP | POLLNVAL);
		if (w.fd >= 0 && ready)
			w.fn(w.user, w.fd, ready);
	}
	if (r->alarm_fn && r->alarm <= clock_now()) {
		run_alarm_fn fn = r->alarm_fn;

		r->alarm_fn = NULL;
		r->alarm = TV_NEVER;
		fn(r->alarm_user);
	}
	return 0;
}

int run_once(struct run *r, tv_time limit)
{
	int err;

	r->error[0] = 0;
	tell_events(r);
	r->counts.turns++;
	if ((err = wait_ready(r, limit)) < 0 || (err = serve_descriptors(r)) < 0)
		return err;
	for (unsigned round = 0; round < ROUNDS; round++) {
		int got = take_input(r), said;

		if (got < 0)
			return got;
		tell_events(r);
		if ((said = give_output(r)) < 0)
			return said;
		tell_events(r); /* timers that ran inside tv_output() may have ended a connection */
		if ((got == 0 && said == 0) || r->stopped)
			break;
	}
	return 0;
}

int run_loop(struct run *r, tv_time limit)
{
	int err = 0;

	while (err == 0 && !r->stopped && clock_now() < limit)
		err = run_once(r, limit);
	r->stopped = false;
	return err;
}
