/*
 * poll.c - which descriptors are ready: poll and epoll.
 *
 * Readiness is computed from the connection each time, by Linux's rules: the end of a stream makes
 * a descriptor readable, a socket without a connection hangs up, and room to write means that at
 * least a third of the send buffer is free. An edge-triggered watch reports again when something
 * became ready that was not, or when more bytes arrived.
 */
#include "posix/slot.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define IN_BITS (POLLIN | POLLRDNORM)
#define OUT_BITS (POLLOUT | POLLWRNORM)

static int listener_ready(struct sockets *s, struct slot *slot)
{
	/* The only way to ask is to take one; accept() gets it from here. */
	if (slot->ahead == 0)
		tv_accept(s->config.stack, sockets_now(s), slot->handle, &slot->ahead);
	return slot->ahead != 0 ? IN_BITS : 0;
}

static bool may_write(const struct slot *slot, const struct tv_info *info)
{
	uint64_t room = slot->options.snd_buf > info->bytes_queued
		? slot->options.snd_buf - info->bytes_queued : 0;

	uint32_t unsent = info->bytes_queued - info->bytes_in_flight;
	bool low = slot->notsent_lowat == 0 || unsent < slot->notsent_lowat;

	return room >= info->bytes_queued / 2 && low;
}

static int stream_ready(const struct slot *slot, const struct tv_info *info)
{
	bool ended = slot->phase == PHASE_ENDED || slot->phase == PHASE_NEW;
	bool no_more_in = slot->peer_closed || slot->shut_rd || slot->phase == PHASE_ENDED;
	bool no_more_out = slot->shut_wr || slot->phase == PHASE_ENDED;
	int mask = 0;

	if (ended || (no_more_in && no_more_out)) mask |= POLLHUP;
	if (no_more_in) mask |= IN_BITS | POLLRDHUP;
	if (info->bytes_unread >= (uint32_t)slot->rcv_lowat) mask |= IN_BITS;
	if (no_more_out || may_write(slot, info)) mask |= OUT_BITS;
	if (info->urgent_left > 0) mask |= POLLPRI;
	return mask;
}

static int slot_ready(struct sockets *s, struct slot *slot)
{
	struct tv_info info;

	if (slot->kind == SLOT_EPOLL) return 0;
	if (slot->phase == PHASE_LISTENING) return listener_ready(s, slot);
	if (slot->deferred) return OUT_BITS;
	if (slot->phase == PHASE_CONNECTING) return 0;
	sockets_slot_info(s, slot, &info);
	return stream_ready(slot, &info) | (slot->error != 0 ? POLLERR : 0);
}

int sockets_ready(struct sockets *s, int fd)
{
	struct slot *slot = sockets_any_slot(s, fd);

	if (slot == NULL) return POLLNVAL;
	sockets_pull(s);
	return slot_ready(s, slot);
}

/* Waits at most timeout_ms; when it is over the answer is that nothing was ready. */
static int64_t none_ready(struct sockets *s, struct sockets_op *op)
{
	if (!op->begun) {
		op->begun = true;
		op->deadline = op->timeout_ms < 0 ? TV_NEVER
			: sockets_now(s) + (unsigned)op->timeout_ms * TV_MS;
	}
	return sockets_now(s) >= op->deadline ? 0 : SOCKETS_WAIT;
}

int64_t sockets_step_poll(struct sockets *s, struct sockets_op *op)
{
	int count = 0;

	for (int i = 0; i < op->fd_count; i++) {
		struct pollfd *p = &op->fds[i];
		p->revents = 0;
		if (p->fd < 0) continue;
		int always = POLLERR | POLLHUP | POLLNVAL;
		p->revents = (short)(sockets_ready(s, p->fd) & (p->events | always));
		if (p->revents != 0) count++;
	}
	return count > 0 ? count : none_ready(s, op);
}

/* ------------------------------------------------------------------------------------------ */
/* epoll                                                                                       */

int sockets_epoll_create(struct sockets *s, int flags)
{
	if ((flags & ~EPOLL_CLOEXEC) != 0) return -EINVAL;
	int fd = sockets_new_fd(s, SLOT_EPOLL);
	if (fd >= 0) sockets_any_slot(s, fd)->cloexec = (flags & EPOLL_CLOEXEC) != 0;
	return fd;
}

static struct watch *find_watch(struct slot *poller, int fd, uint32_t born)
{
	for (int i = 0; i < poller->watch_count; i++) {
		struct watch *w = &poller->watches[i];
		if (w->fd == fd && w->born == born) return w;
	}
	return NULL;
}

static int add_watch(struct slot *poller, int fd, uint32_t born, const struct epoll_event *event)
{
	size_t count = (size_t)poller->watch_count + 1;
	struct watch *more = realloc(poller->watches, count * sizeof *more);

	if (more == NULL) return -ENOMEM;
	poller->watches = more;
	more[count - 1] = (struct watch){.fd = fd, .born = born, .event = *event};
	poller->watch_count++;
	return 0;
}

int sockets_epoll_ctl(struct sockets *s, int epfd, int op, int fd, const struct epoll_event *event)
{
	struct slot *poller = sockets_any_slot(s, epfd);
	struct slot *slot = sockets_any_slot(s, fd);

	if (poller == NULL || slot == NULL) return -EBADF;
	if (poller->kind != SLOT_EPOLL || epfd == fd) return -EINVAL;
	if (slot->kind != SLOT_TCP) return -EPERM;
	if (op != EPOLL_CTL_DEL && event == NULL) return -EFAULT;
	struct watch *w = find_watch(poller, fd, slot->born);
	switch (op) {
	case EPOLL_CTL_ADD:
		return w != NULL ? -EEXIST : add_watch(poller, fd, slot->born, event);
	case EPOLL_CTL_MOD:
		if (w == NULL) return -ENOENT;
		*w = (struct watch){.fd = fd, .born = slot->born, .event = *event};
		return 0;
	case EPOLL_CTL_DEL:
		if (w == NULL) return -ENOENT;
		*w = poller->watches[--poller->watch_count];
		return 0;
	default: return -EINVAL;
	}
}

/* What this watch reports now; 0: nothing. */
static uint32_t watch_ready(struct sockets *s, struct watch *w)
{
	struct slot *slot = sockets_slot(s, w->fd);
	struct tv_info info;

	if (slot == NULL || slot->born != w->born || w->off) return 0;
	uint32_t mask = (uint32_t)slot_ready(s, slot) &
		(w->event.events | (uint32_t)(EPOLLERR | EPOLLHUP));
	uint32_t arrived = sockets_slot_info(s, slot, &info) ? info.rcv_nxt : 0;
	bool news = (mask & ~w->told) != 0 || ((mask & EPOLLIN) != 0 && arrived != w->arrived);
	w->told = mask;
	w->arrived = arrived;
	return (w->event.events & EPOLLET) != 0 && !news ? 0 : mask;
}

int64_t sockets_step_epoll(struct sockets *s, struct sockets_op *op)
{
	struct slot *poller = sockets_any_slot(s, op->fd);
	int count = 0;

	if (poller == NULL) return -EBADF;
	if (poller->kind != SLOT_EPOLL || op->fd_count <= 0) return -EINVAL;
	for (int i = 0; i < poller->watch_count && count < op->fd_count; i++) {
		struct watch *w = &poller->watches[i];
		uint32_t mask = watch_ready(s, w);
		if (mask == 0) continue;
		op->events[count] = w->event;
		op->events[count++].events = mask;
		w->off = (w->event.events & EPOLLONESHOT) != 0;
	}
	return count > 0 ? count : none_ready(s, op);
}
