/*
 * open.c - how descriptors come to connections and lose them: bind, listen, accept, connect,
 * shutdown, close.
 *
 * The order of the checks is Linux's, because programs see it: connect() on a socket whose attempt
 * is under way says EALREADY, once it has succeeded it says 0 once and EISCONN from then on, and
 * after a failure it tells the error once and may be tried again.
 */
#include "posix/slot.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#define PORT_TRIES 4096 /* calls of tv_connect, 64 ports each: more than there are ports */

/* ------------------------------------------------------------------------------------------ */
/* bind and listen                                                                             */

static bool same_port(const struct slot *a, const struct tv_endpoint *local)
{
	static const struct tv_addr any;

	if (!a->bound || a->local.port != local->port || local->port == 0) return false;
	return memcmp(&a->local.addr, &local->addr, sizeof any) == 0 ||
	       memcmp(&a->local.addr, &any, sizeof any) == 0 ||
	       memcmp(&local->addr, &any, sizeof any) == 0;
}

/* Sharing a port needs SO_REUSEADDR on both and no listener, or SO_REUSEPORT on both. */
static bool port_taken(const struct sockets *s, const struct slot *slot,
	const struct tv_endpoint *local)
{
	for (int i = 0; i < s->slot_count; i++) {
		const struct slot *other = s->slots[i];
		if (other == NULL || other == slot || other->kind != SLOT_TCP) continue;
		if (!same_port(other, local)) continue;
		bool shared = other->reuse_addr && slot->reuse_addr &&
			other->phase != PHASE_LISTENING;
		if (!shared && !(other->reuse_port && slot->reuse_port)) return true;
	}
	return false;
}

/* A free port for a listener that did not name one. */
static int choose_port(const struct sockets *s, const struct slot *slot, struct tv_endpoint *local)
{
	for (uint32_t port = 32768; port <= 60999; port++) {
		local->port = (uint16_t)port;
		if (!port_taken(s, slot, local)) return 0;
	}
	return -EADDRINUSE;
}

int sockets_bind(struct sockets *s, int fd, const struct sockaddr *addr, socklen_t len)
{
	struct slot *slot = sockets_slot(s, fd);
	struct tv_endpoint local;

	if (slot == NULL) return -EBADF;
	int result = sockets_endpoint(slot, addr, len, &local);
	if (result < 0) return result;
	if (slot->bound || slot->phase != PHASE_NEW) return -EINVAL;
	if (local.port == 0)
		result = choose_port(s, slot, &local);
	else if (port_taken(s, slot, &local))
		result = -EADDRINUSE;
	if (result < 0) return result;
	slot->local = local;
	slot->bound = true;
	return 0;
}

int sockets_listen(struct sockets *s, int fd, int backlog)
{
	struct slot *slot = sockets_slot(s, fd);
	struct tv_listen_config config;

	if (slot == NULL) return -EBADF;
	sockets_pull(s);
	if (slot->phase == PHASE_LISTENING) return 0;
	if (slot->phase != PHASE_NEW) return -EINVAL;
	if (!slot->bound) {
		int result = choose_port(s, slot, &slot->local);
		if (result < 0) return result;
		slot->bound = true;
	}
	tv_listen_default(&config);
	config.addr = slot->local.addr;
	config.zone = slot->local.zone;
	config.only_v4 = slot->domain == AF_INET;
	config.only_v6 = slot->domain == AF_INET6 && slot->only_v6;
	config.port_first = config.port_last = slot->local.port;
	/* Linux admits one more than it is told; a negative number is a very large one. */
	config.backlog = backlog < 0 || backlog > 4095 ? 4096 : (uint32_t)backlog + 1;
	config.fastopen = sockets_fastopen_pending(s, slot, config.backlog);
	config.options = &slot->options;
	config.user = (uint64_t)fd;
	int result = tv_listen(s->config.stack, sockets_now(s), &config, &slot->handle);
	if (result < 0) return sockets_errno(result);
	slot->phase = PHASE_LISTENING;
	return 0;
}

/* ------------------------------------------------------------------------------------------ */
/* accept                                                                                      */

/* What happened to a connection while it waited in the queue. */
static void catch_up(struct sockets *s, struct slot *slot)
{
	struct tv_info info;

	if (!sockets_slot_info(s, slot, &info)) return;
	slot->peer_closed = info.state == TV_CLOSE_WAIT || info.state == TV_LAST_ACK ||
		info.state == TV_CLOSING || info.state == TV_TIME_WAIT;
	if (info.reason != TV_R_NONE || info.state == TV_CLOSED) {
		slot->phase = PHASE_ENDED;
		slot->error = sockets_reason_errno(info.reason);
	}
}

/* The descriptor of an accepted connection: options are inherited, O_NONBLOCK is not. */
static int accepted(struct sockets *s, const struct slot *listener, tv_handle handle, int flags)
{
	int fd = sockets_new_fd(s, SLOT_TCP);

	if (fd < 0) {
		tv_abort(s->config.stack, sockets_now(s), handle);
		tv_release(s->config.stack, sockets_now(s), handle);
		return fd;
	}
	struct slot *slot = sockets_slot(s, fd);
	uint32_t born = slot->born;
	*slot = *listener;
	slot->born = born;
	slot->phase = PHASE_CONNECTED;
	slot->told = true;
	slot->error = 0;
	slot->ahead = 0;
	slot->nonblock = (flags & SOCK_NONBLOCK) != 0;
	slot->cloexec = (flags & SOCK_CLOEXEC) != 0;
	sockets_adopt(s, fd, handle);
	catch_up(s, slot);
	sockets_inherit(s, slot);
	return fd;
}

int64_t sockets_step_accept(struct sockets *s, struct sockets_op *op)
{
	struct slot *slot = sockets_slot(s, op->fd);
	tv_handle handle = 0;
	struct tv_info info;

	if (slot == NULL) return -EBADF;
	if (slot->phase != PHASE_LISTENING) return -EINVAL;
	if (slot->ahead != 0) {
		handle = slot->ahead;
		slot->ahead = 0;
	} else {
		int result = tv_accept(s->config.stack, sockets_now(s), slot->handle, &handle);
		if (result == TV_AGAIN) {
			struct sockets_op as_flagless = *op;
			as_flagless.flags = 0; /* SOCK_NONBLOCK is about the new descriptor */
			int64_t wait = sockets_wait(s, slot, &as_flagless, slot->rcv_timeout);
			op->begun = as_flagless.begun;
			op->deadline = as_flagless.deadline;
			return wait;
		}
		if (result < 0) return sockets_errno(result);
	}
	int fd = accepted(s, slot, handle, op->flags);
	if (fd < 0) return fd;
	struct slot *child = sockets_slot(s, fd);
	if (sockets_slot_info(s, child, &info)) {
		child->local = info.local;
		sockets_address(child, &info.remote, op->addr, op->addr_len);
	}
	return fd;
}

/* ------------------------------------------------------------------------------------------ */
/* connect                                                                                     */

int64_t sockets_connect_outcome(struct sockets *s, struct slot *slot)
{
	if (slot->phase == PHASE_CONNECTED) {
		int result = slot->told ? -EISCONN : 0;
		slot->told = true;
		return result;
	}
	if (slot->told) return -EISCONN; /* it was connected once and has ended since */
	int error = sockets_take_error(slot);
	sockets_dissolve(s, slot);
	return error != 0 ? error : -ECONNABORTED;
}

int sockets_start_connect(struct sockets *s, struct slot *slot, int fd, const struct tv_endpoint *remote,
	bool fastopen)
{
	struct tv_connect_config config;
	tv_handle handle = 0;
	int result = TV_AGAIN;

	tv_connect_default(&config);
	config.remote = *remote;
	config.local = slot->local;
	config.options = &slot->options;
	config.user = (uint64_t)fd;
	config.fastopen = fastopen;
	for (int i = 0; i < PORT_TRIES && result == TV_AGAIN; i++)
		result = tv_connect(s->config.stack, sockets_now(s), &config, &handle, NULL);
	if (result < 0) return sockets_errno(result);
	slot->error = 0;
	slot->phase = PHASE_CONNECTING;
	slot->told = false;
	sockets_adopt(s, fd, handle);
	return 0;
}

/* EINPROGRESS where other calls say EAGAIN. */
static int64_t await_connect(struct sockets *s, struct slot *slot, struct sockets_op *op)
{
	int64_t result = sockets_wait(s, slot, op, slot->snd_timeout);

	return result == -EAGAIN ? -EINPROGRESS : result;
}

int64_t sockets_step_connect(struct sockets *s, struct sockets_op *op)
{
	struct slot *slot = sockets_slot(s, op->fd);
	struct tv_endpoint remote;

	if (slot == NULL) return -EBADF;
	if (!op->begun && op->to_len >= sizeof(sa_family_t) && op->to->sa_family == AF_UNSPEC) {
		sockets_dissolve(s, slot);
		return 0;
	}
	if (slot->phase == PHASE_CONNECTING) {
		if (!op->begun && slot->nonblock) return -EALREADY;
		return await_connect(s, slot, op);
	}
	if (slot->phase == PHASE_LISTENING || slot->deferred) return -EISCONN;
	if (slot->phase != PHASE_NEW) return sockets_connect_outcome(s, slot);
	int result = sockets_endpoint(slot, op->to, op->to_len, &remote);
	if (result < 0) return result;
	if (sockets_defers(s, slot, &remote)) {
		slot->deferred = true;
		slot->remote = remote;
		return 0;
	}
	result = sockets_start_connect(s, slot, op->fd, &remote, slot->fastopen_connect);
	if (result < 0) return result;
	/* A stack that reaches itself may have the answer at once. */
	sockets_pull(s);
	if (slot->phase != PHASE_CONNECTING) return sockets_connect_outcome(s, slot);
	return await_connect(s, slot, op);
}

/* ------------------------------------------------------------------------------------------ */
/* shutdown and close                                                                          */

int sockets_shutdown(struct sockets *s, int fd, int how)
{
	struct slot *slot = sockets_slot(s, fd);

	if (slot == NULL) return -EBADF;
	if (how != SHUT_RD && how != SHUT_WR && how != SHUT_RDWR) return -EINVAL;
	sockets_pull(s);
	bool reading = how != SHUT_WR;
	bool writing = how != SHUT_RD;
	if (slot->phase == PHASE_LISTENING || slot->phase == PHASE_CONNECTING || slot->deferred) {
		if (slot->phase != PHASE_LISTENING || reading) sockets_dissolve(s, slot);
		return 0;
	}
	if (slot->phase != PHASE_CONNECTED) return -ENOTCONN;
	if (reading) slot->shut_rd = true;
	if (!writing || slot->shut_wr) return 0;
	slot->shut_wr = true;
	int result = tv_shutdown(s->config.stack, sockets_now(s), slot->handle);
	/* Linux lets a second shutdown, and one after the peer's reset, pass. */
	if (result == TV_ECLOSING || result == TV_ECLOSED || result >= 0) return 0;
	return sockets_errno(result);
}

/* SO_LINGER waits until the FIN is acknowledged. */
static bool fin_is_out(struct sockets *s, const struct slot *slot)
{
	struct tv_info info;

	if (slot->phase == PHASE_ENDED || !sockets_slot_info(s, slot, &info)) return false;
	return info.state == TV_FIN_WAIT_1 || info.state == TV_CLOSING ||
	       info.state == TV_LAST_ACK;
}

static void let_go(struct sockets *s, struct slot *slot, int fd)
{
	tv_release(s->config.stack, sockets_now(s), slot->handle);
	slot->handle = 0;
	slot->phase = PHASE_NEW;
	sockets_free_fd(s, fd);
}

int64_t sockets_step_close(struct sockets *s, struct sockets_op *op)
{
	struct slot *any = sockets_any_slot(s, op->fd);
	struct slot *slot = sockets_slot(s, op->fd);

	if (any == NULL) return -EBADF;
	bool abrupt = slot != NULL && slot->linger && slot->linger_s == 0;
	if (slot == NULL || slot->handle == 0 || slot->phase == PHASE_LISTENING || abrupt) {
		sockets_free_fd(s, op->fd);
		return 0;
	}
	if (!slot->closing) {
		slot->closing = true;
		tv_close(s->config.stack, sockets_now(s), slot->handle);
	}
	if (slot->linger && fin_is_out(s, slot) &&
	    sockets_wait(s, slot, op, (unsigned)slot->linger_s * TV_S) == SOCKETS_WAIT)
		return SOCKETS_WAIT;
	let_go(s, slot, op->fd);
	return 0;
}
