/*
 * sockets.c - the instance: descriptors, the stack's events, and the loop of an operation.
 *
 * The stack tells each piece of news once, with the `user` value of its record; that value is the
 * descriptor. A connection that has not been accepted still carries its listener's value but its
 * own handle, so news is matched by handle, and accept() asks tv_info() what happened before.
 *
 * An operation that waits has no queue anywhere: it is simply tried again. Its deadline is fixed
 * when it first has to wait.
 */
#include "posix/slot.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#define FD_MAX 65536

struct sockets *sockets_new(const struct sockets_config *config)
{
	struct sockets *s = calloc(1, sizeof *s);

	if (s == NULL) return NULL;
	s->config = *config;
	return s;
}

void sockets_free(struct sockets *s)
{
	if (s == NULL) return;
	for (int i = 0; i < s->slot_count; i++) {
		struct slot *slot = s->slots[i];
		if (slot == NULL) continue;
		if (slot->kind != SLOT_FREE) sockets_free_fd(s, i + FIRST_FD);
		free(slot);
	}
	free(s->slots);
	free(s);
}

tv_time sockets_now(const struct sockets *s)
{
	return s->config.now(s->config.user);
}

struct slot *sockets_any_slot(const struct sockets *s, int fd)
{
	if (fd < FIRST_FD || fd - FIRST_FD >= s->slot_count) return NULL;
	struct slot *slot = s->slots[fd - FIRST_FD];
	return slot == NULL || slot->kind == SLOT_FREE ? NULL : slot;
}

struct slot *sockets_slot(const struct sockets *s, int fd)
{
	struct slot *slot = sockets_any_slot(s, fd);

	return slot == NULL || slot->kind != SLOT_TCP ? NULL : slot;
}

/* Doubles the table; the slots themselves do not move. */
static int grow(struct sockets *s)
{
	int count = s->slot_count == 0 ? 16 : s->slot_count * 2;

	if (count > FD_MAX) return -EMFILE;
	struct slot **more = realloc(s->slots, (size_t)count * sizeof *more);
	if (more == NULL) return -ENOMEM;
	memset(more + s->slot_count, 0, (size_t)(count - s->slot_count) * sizeof *more);
	s->slots = more;
	s->slot_count = count;
	return 0;
}

int sockets_new_fd(struct sockets *s, enum slot_kind kind)
{
	int i = 0;

	while (i < s->slot_count && s->slots[i] != NULL && s->slots[i]->kind != SLOT_FREE) i++;
	if (i == s->slot_count) {
		int result = grow(s);
		if (result < 0) return result;
	}
	if (s->slots[i] == NULL) s->slots[i] = calloc(1, sizeof *s->slots[i]);
	if (s->slots[i] == NULL) return -ENOMEM;
	memset(s->slots[i], 0, sizeof *s->slots[i]);
	s->slots[i]->kind = kind;
	s->slots[i]->born = ++s->births;
	return i + FIRST_FD;
}

/* Drops one handle: a connection that still lives is aborted. */
static void drop_handle(struct sockets *s, tv_handle handle, bool listener)
{
	if (handle == 0) return;
	if (listener)
		tv_close(s->config.stack, sockets_now(s), handle);
	else
		tv_abort(s->config.stack, sockets_now(s), handle);
	tv_release(s->config.stack, sockets_now(s), handle);
}

void sockets_dissolve(struct sockets *s, struct slot *slot)
{
	drop_handle(s, slot->ahead, false);
	drop_handle(s, slot->handle, slot->phase == PHASE_LISTENING);
	slot->ahead = 0;
	slot->handle = 0;
	slot->phase = PHASE_NEW;
	slot->deferred = false;
	slot->told = slot->peer_closed = slot->shut_rd = slot->shut_wr = false;
}

void sockets_free_fd(struct sockets *s, int fd)
{
	struct slot *slot = sockets_any_slot(s, fd);

	if (slot == NULL) return;
	if (slot->kind == SLOT_TCP) sockets_dissolve(s, slot);
	free(slot->watches);
	slot->watches = NULL;
	slot->kind = SLOT_FREE;
}

tv_handle sockets_handle(const struct sockets *s, int fd)
{
	struct slot *slot = sockets_slot(s, fd);

	return slot == NULL ? 0 : slot->handle;
}

int sockets_socket(struct sockets *s, int domain, int type, int protocol)
{
	int kind = type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (domain != AF_INET && domain != AF_INET6) return -EAFNOSUPPORT;
	if (kind != SOCK_STREAM) return -ESOCKTNOSUPPORT;
	if (protocol != 0 && protocol != IPPROTO_TCP) return -EPROTONOSUPPORT;
	int fd = sockets_new_fd(s, SLOT_TCP);
	if (fd < 0) return fd;
	struct slot *slot = sockets_slot(s, fd);
	slot->domain = domain;
	slot->nonblock = (type & SOCK_NONBLOCK) != 0;
	slot->cloexec = (type & SOCK_CLOEXEC) != 0;
	slot->options = s->config.options;
	slot->rcv_lowat = 1;
	slot->syn_count = 6; /* Linux's default */
	return fd;
}

/* ------------------------------------------------------------------------------------------ */
/* Errors                                                                                      */

int sockets_errno(int tv_error)
{
	switch ((enum tv_error)tv_error) {
	case TV_OK: return 0;
	case TV_AGAIN: return -EAGAIN;
	case TV_EINVAL: return -EINVAL;
	case TV_ESTALE: return -EBADF;
	case TV_EFULL: return -ENOBUFS;
	case TV_EADDRINUSE: return -EADDRINUSE;
	case TV_EADDRNOTAVAIL: return -EADDRNOTAVAIL;
	case TV_ENOROUTE: return -ENETUNREACH;
	case TV_EPORTS: return -EADDRNOTAVAIL;
	case TV_ESTATE: return -ENOTCONN;
	case TV_EISCONN: return -EISCONN;
	case TV_ECLOSING: return -EPIPE;
	case TV_ECLOSED: return -EPIPE;
	case TV_ESECRET: return -EINVAL;
	case TV_ENOTPERM: return -ENETUNREACH;
	}
	return -EIO;
}

int sockets_reason_errno(enum tv_reason reason)
{
	switch (reason) {
	case TV_R_NONE:
	case TV_R_NORMAL:
	case TV_R_ABORTED:
	case TV_R_FIN_TIMEOUT:
	case TV_R_REPLACED: return 0;
	case TV_R_EVICTED: return ECONNABORTED; /* it was the stack that gave it up */
	case TV_R_RESET:
	case TV_R_SIMULTANEOUS_RESET:
	case TV_R_LISTENER_CLOSED:
	case TV_R_DATA_AFTER_CLOSE: return ECONNRESET;
	case TV_R_REFUSED:
	case TV_R_PORT_UNREACHABLE: return ECONNREFUSED;
	case TV_R_SYN_TIMEOUT:
	case TV_R_SYN_ACK_TIMEOUT:
	case TV_R_RETRANSMIT_TIMEOUT:
	case TV_R_USER_TIMEOUT:
	case TV_R_KEEPALIVE_TIMEOUT:
	case TV_R_QUESTION_TIMEOUT: return ETIMEDOUT;
	case TV_R_NET_UNREACHABLE: return ENETUNREACH;
	case TV_R_HOST_UNREACHABLE:
	case TV_R_NEIGHBOUR_TIMEOUT:
	case TV_R_ADMIN_PROHIBITED: return EHOSTUNREACH;
	case TV_R_PROTOCOL_UNREACHABLE: return ENOPROTOOPT;
	case TV_R_ICMP_OTHER: return EPROTO;
	case TV_REASON_COUNT: break;
	}
	return EIO;
}

int sockets_take_error(struct slot *slot)
{
	int error = slot->error;

	slot->error = 0;
	return -error;
}

/* ------------------------------------------------------------------------------------------ */
/* Events                                                                                      */

static bool is_timeout(enum tv_reason reason)
{
	return sockets_reason_errno(reason) == ETIMEDOUT;
}

/*
 * The error of an ended connection. As in Linux, a time-out after ICMP errors tells what they said,
 * and a reset after the peer's FIN is a broken pipe.
 */
static int end_error(const struct sockets *s, const struct slot *slot, enum tv_reason reason)
{
	struct tv_info info;

	if (reason == TV_R_RESET && slot->peer_closed) return EPIPE;
	if (is_timeout(reason) && sockets_slot_info(s, slot, &info) && info.soft_reason != TV_R_NONE)
		return sockets_reason_errno(info.soft_reason);
	return sockets_reason_errno(reason);
}

static void take_event(struct sockets *s, const struct tv_event *event)
{
	struct tv_info info;

	if (event->user < FIRST_FD || event->user > FD_MAX) return;
	struct slot *slot = sockets_slot(s, (int)event->user);
	if (slot == NULL || slot->handle != event->handle) return;
	if ((event->flags & TV_EV_CONNECTED) != 0 && slot->phase == PHASE_CONNECTING)
		slot->phase = PHASE_CONNECTED;
	if ((event->flags & TV_EV_PEER_CLOSED) != 0) slot->peer_closed = true;
	if ((event->flags & TV_EV_SOFT_ERROR) != 0 && sockets_slot_info(s, slot, &info) &&
		info.soft_reason != TV_R_NONE)
		slot->soft_error = sockets_reason_errno(info.soft_reason);
	if ((event->flags & TV_EV_CLOSED) == 0) return;
	slot->error = end_error(s, slot, event->reason);
	slot->phase = PHASE_ENDED;
}

void sockets_pull(struct sockets *s)
{
	struct tv_event event;

	while (tv_event(s->config.stack, &event)) take_event(s, &event);
}

bool sockets_slot_info(const struct sockets *s, const struct slot *slot, struct tv_info *info)
{
	memset(info, 0, sizeof *info);
	info->size = sizeof *info;
	info->size = sizeof *info;
	return slot->handle != 0 && tv_info(s->config.stack, slot->handle, info) == TV_OK;
}

void sockets_adopt(struct sockets *s, int fd, tv_handle handle)
{
	struct slot *slot = sockets_slot(s, fd);
	tv_time now = sockets_now(s);

	slot->handle = handle;
	tv_set(s->config.stack, now, handle, TV_OPT_USER, (uint64_t)fd);
	if (s->config.side_records) tv_set(s->config.stack, now, handle, TV_OPT_SIDE, 1);
}

/* ------------------------------------------------------------------------------------------ */
/* Operations                                                                                  */

tv_time sockets_deadline(const struct sockets *s, tv_time timeout)
{
	return timeout == 0 ? TV_NEVER : sockets_now(s) + timeout;
}

int64_t sockets_wait(struct sockets *s, const struct slot *slot, struct sockets_op *op,
	tv_time timeout)
{
	if (slot->nonblock || (op->flags & MSG_DONTWAIT) != 0) return -EAGAIN;
	if (!op->begun) {
		op->begun = true;
		op->deadline = sockets_deadline(s, timeout);
	}
	return sockets_now(s) >= op->deadline ? -EAGAIN : SOCKETS_WAIT;
}

int64_t sockets_step(struct sockets *s, struct sockets_op *op)
{
	sockets_pull(s);
	switch (op->call) {
	case SOCKETS_ACCEPT: return sockets_step_accept(s, op);
	case SOCKETS_CONNECT: return sockets_step_connect(s, op);
	case SOCKETS_SEND: return sockets_step_send(s, op);
	case SOCKETS_RECV: return sockets_step_recv(s, op);
	case SOCKETS_CLOSE: return sockets_step_close(s, op);
	case SOCKETS_POLL: return sockets_step_poll(s, op);
	case SOCKETS_EPOLL: return sockets_step_epoll(s, op);
	}
	return -ENOSYS;
}

tv_time sockets_op_deadline(const struct sockets_op *op)
{
	return op->begun ? op->deadline : TV_NEVER;
}

int64_t sockets_run(struct sockets *s, struct sockets_op *op)
{
	for (;;) {
		int64_t result = sockets_step(s, op);
		if (result != SOCKETS_WAIT) return result;
		if (!s->config.pump(s->config.user, sockets_op_deadline(op)))
			return op->done > 0 ? (int64_t)op->done : -EINTR;
	}
}

int sockets_accept(struct sockets *s, int fd, struct sockaddr *addr, socklen_t *len)
{
	struct sockets_op op = {.call = SOCKETS_ACCEPT, .fd = fd, .addr = addr, .addr_len = len};

	return (int)sockets_run(s, &op);
}

int sockets_connect(struct sockets *s, int fd, const struct sockaddr *addr, socklen_t len)
{
	struct sockets_op op = {.call = SOCKETS_CONNECT, .fd = fd, .to = addr, .to_len = len};

	return (int)sockets_run(s, &op);
}

/* struct iovec is not const, but what is sent through it is only read. */
static void *writable(const void *data)
{
	union {
		const void *from;
		void *to;
	} cast = {.from = data};

	return cast.to;
}

int64_t sockets_send(struct sockets *s, int fd, const void *data, size_t len, int flags)
{
	struct iovec iov = {.iov_base = writable(data), .iov_len = len};
	struct sockets_op op = {.call = SOCKETS_SEND, .fd = fd, .iov = &iov, .iov_count = 1,
		.flags = flags};

	return sockets_run(s, &op);
}

int64_t sockets_recv(struct sockets *s, int fd, void *data, size_t len, int flags)
{
	struct iovec iov = {.iov_base = data, .iov_len = len};
	struct sockets_op op = {.call = SOCKETS_RECV, .fd = fd, .iov = &iov, .iov_count = 1,
		.flags = flags};

	return sockets_run(s, &op);
}

int sockets_poll(struct sockets *s, struct pollfd *fds, int count, int timeout_ms)
{
	struct sockets_op op = {.call = SOCKETS_POLL, .fds = fds, .fd_count = count,
		.timeout_ms = timeout_ms};

	return (int)sockets_run(s, &op);
}

int sockets_close(struct sockets *s, int fd)
{
	struct sockets_op op = {.call = SOCKETS_CLOSE, .fd = fd};

	return (int)sockets_run(s, &op);
}
