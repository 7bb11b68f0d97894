/*
 * control.c - the side of the stack: a listening socket, and at most READERS connections to it.
 *
 * A reader asks nothing: to connect is the question. It is sent a head, then one record for each of
 * tv_next(), at most BATCH of them at a time and only while its socket takes them, so that neither a
 * large stack nor a slow reader holds up the packets; the cursor of tv_next() survives what happens to
 * the stack in between. When one more reader comes than there is room for, the oldest is dropped: one
 * that never reads cannot shut the others out.
 *
 * The descriptor that the caller polls is an epoll of all of them, so that it never changes.
 *
 * The socket is made under a name that no reader looks at and renamed when it listens, because a
 * socket that nobody listens at is taken for the remains of a process that died.
 */
#include "posix/control_folder.h"

#include <ctype.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { READERS = 4, BATCH = 64 };

struct reader {
	int fd;                        /* -1: free */
	uint64_t began;                /* the oldest has the smallest */
	uint64_t cursor;
	bool ended;                    /* the end is in the buffer */
	size_t at, len;                /* of the buffer: sent, filled */
	uint8_t buffer[sizeof(struct control_head) + BATCH * sizeof(struct control_record)];
};

struct control {
	struct tv_stack *stack;
	struct run *run;               /* that watches; NULL */
	int epoll, listener;
	char name[CONTROL_NAME];
	char path[CONTROL_PATH];
	uint64_t readers_seen;
	struct reader readers[READERS];
};

/* ------------------------------------------------------------------------------------------ */
/* Opening                                                                                     */

static struct control *failed(struct control *c, char why[CONTROL_WHY], const char *what)
{
	if (what)
		snprintf(why, CONTROL_WHY, "%s: %s", what, strerror(errno));
	control_close(c);
	return NULL;
}

static bool add(struct control *c, int fd, uint32_t events, uint32_t number)
{
	struct epoll_event e = {.events = events, .data.u32 = number};

	return epoll_ctl(c->epoll, EPOLL_CTL_ADD, fd, &e) == 0;
}

/* A listening socket at c->path, whole from the moment on at which it has that name. */
static bool listen_there(struct control *c)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};

	if ((size_t)snprintf(at.sun_path, sizeof at.sun_path, "%.100s.new", c->path) >= sizeof at.sun_path) {
		errno = ENAMETOOLONG;
		return false;
	}
	(void)unlink(at.sun_path);
	if (bind(c->listener, (struct sockaddr *)&at, sizeof at) < 0)
		return false;
	if (chmod(at.sun_path, 0600) == 0 && listen(c->listener, READERS) == 0 && rename(at.sun_path, c->path) == 0)
		return true;
	(void)unlink(at.sun_path);
	return false;
}

static void take_name(struct control *c, const char *name)
{
	size_t n = 0;

	for (; *name && n + 1 < sizeof c->name; name++)
		if (isalnum((unsigned char)*name) || *name == '-')
			c->name[n++] = *name;
}

struct control *control_open(struct tv_stack *stack, const char *name, char why[CONTROL_WHY])
{
	static unsigned serial;        /* a process may run several stacks */
	char folder[CONTROL_PATH];
	struct control *c = calloc(1, sizeof *c);

	if (!c)
		return failed(NULL, why, "control socket");
	c->stack = stack;
	c->epoll = c->listener = -1;
	for (unsigned i = 0; i < READERS; i++)
		c->readers[i].fd = -1;
	take_name(c, name);
	if (control_folder(0, true, folder, why) < 0 && control_folder(1, true, folder, why) < 0)
		return failed(c, why, NULL);
	c->epoll = epoll_create1(EPOLL_CLOEXEC);
	c->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->epoll < 0 || c->listener < 0)
		return failed(c, why, "control socket");
	snprintf(c->path, sizeof c->path, "%.60s/%.20s-%ld-%u", folder, c->name, (long)getpid(),
		__atomic_fetch_add(&serial, 1, __ATOMIC_RELAXED));
	if (!listen_there(c)) {
		int err = errno;

		snprintf(why, CONTROL_WHY, "control socket %s: %s", c->path, strerror(err));
		c->path[0] = 0;
		return failed(c, why, NULL);
	}
	if (!add(c, c->listener, EPOLLIN, READERS))
		return failed(c, why, "control socket");
	return c;
}

int control_fd(const struct control *c)
{
	return c->epoll;
}

/* ------------------------------------------------------------------------------------------ */
/* Readers                                                                                     */

static void drop(struct reader *r)
{
	close(r->fd); /* which takes it out of the epoll */
	r->fd = -1;
}

/* A free place, or that of the oldest reader. */
static struct reader *place(struct control *c)
{
	struct reader *oldest = &c->readers[0];

	for (unsigned i = 0; i < READERS; i++) {
		if (c->readers[i].fd < 0)
			return &c->readers[i];
		if (c->readers[i].began < oldest->began)
			oldest = &c->readers[i];
	}
	drop(oldest);
	return oldest;
}

static void start_reader(struct control *c, struct reader *r, int fd)
{
	struct control_head head = {.head_bytes = sizeof head, .record_bytes = sizeof(struct control_record),
		.info_bytes = sizeof(struct tv_info), .pid = (int32_t)getpid()};

	memcpy(head.magic, CONTROL_MAGIC, sizeof head.magic);
	memcpy(head.name, c->name, sizeof head.name);
	r->fd = fd;
	r->began = ++c->readers_seen;
	r->cursor = 0;
	r->ended = false;
	r->at = 0;
	r->len = sizeof head;
	memcpy(r->buffer, &head, sizeof head);
}

static void take_readers(struct control *c)
{
	for (unsigned i = 0; i < READERS; i++) {
		int fd = accept4(c->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		struct reader *r;
		uid_t uid;
		pid_t pid;

		if (fd < 0)
			return;
		if (!control_peer(fd, &uid, &pid) || (uid != geteuid() && uid != 0)) {
			close(fd);
			continue;
		}
		r = place(c);
		if (add(c, fd, EPOLLOUT, (uint32_t)(r - c->readers)))
			start_reader(c, r, fd);
		else
			close(fd);
	}
}

static void fill(struct control *c, struct reader *r, tv_time now)
{
	struct control_record record;

	r->at = r->len = 0;
	for (unsigned i = 0; i < BATCH && !r->ended; i++) {
		memset(&record, 0, sizeof record);
		record.now = now;
		record.info.size = sizeof record.info;
		if (!tv_next(c->stack, &r->cursor, &record.handle, &record.info)) {
			record.end = 1;
			r->ended = true;
		}
		record.info.user = 0; /* often a pointer: nobody else's business */
		memcpy(r->buffer + r->len, &record, sizeof record);
		r->len += sizeof record;
	}
}

/* One batch. */
static void feed(struct control *c, struct reader *r, tv_time now)
{
	ssize_t n;

	if (r->at == r->len && r->ended) {
		drop(r);
		return;
	}
	if (r->at == r->len)
		fill(c, r, now);
	n = send(r->fd, r->buffer + r->at, r->len - r->at, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (n > 0)
		r->at += (size_t)n;
	else if (errno != EAGAIN && errno != EINTR)
		drop(r);
}

void control_serve(struct control *c, tv_time now)
{
	struct epoll_event ready[READERS + 1];
	int n = epoll_wait(c->epoll, ready, READERS + 1, 0);

	for (int i = 0; i < n; i++)
		if (ready[i].data.u32 < READERS && c->readers[ready[i].data.u32].fd >= 0)
			feed(c, &c->readers[ready[i].data.u32], now);
	for (int i = 0; i < n; i++)
		if (ready[i].data.u32 == READERS)
			take_readers(c);
}

static void on_ready(void *user, int fd, short ready)
{
	struct control *c = user;

	(void)fd;
	(void)ready;
	control_serve(c, run_now(c->run));
}

bool control_watch(struct control *c, struct run *run)
{
	c->run = run;
	return run_watch(run, c->epoll, POLLIN, on_ready, c);
}

void control_close(struct control *c)
{
	if (!c)
		return;
	if (c->run)
		run_unwatch(c->run, c->epoll);
	for (unsigned i = 0; i < READERS; i++)
		if (c->readers[i].fd >= 0)
			drop(&c->readers[i]);
	if (c->path[0])
		(void)unlink(c->path);
	if (c->listener >= 0)
		close(c->listener);
	if (c->epoll >= 0)
		close(c->epoll);
	free(c);
}
