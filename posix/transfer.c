/*
 * transfer.c - send and receive.
 *
 * A blocking send returns when everything was taken, a blocking receive when there is something
 * (everything, with MSG_WAITALL). Errors follow Linux: a pending error is told once, before EPIPE
 * when sending; what was moved before an error is reported first and the error stays pending; after
 * the end of a connection a receive says 0.
 */
#include "posix/slot.h"

#include <errno.h>
#include <string.h>

#define SEND_FLAGS (MSG_DONTWAIT | MSG_MORE | MSG_OOB | MSG_NOSIGNAL | MSG_CONFIRM | MSG_FASTOPEN)
#define BAD_ADDRESS INT64_MIN
#define RECV_FLAGS (MSG_DONTWAIT | MSG_PEEK | MSG_WAITALL | MSG_TRUNC | MSG_CMSG_CLOEXEC)

static size_t total(const struct sockets_op *op)
{
	size_t sum = 0;

	for (int i = 0; i < op->iov_count; i++) sum += op->iov[i].iov_len;
	return sum;
}

/* The piece of the vector that begins after op->done bytes; false behind the end. */
static bool next_piece(const struct sockets_op *op, uint8_t **data, size_t *len)
{
	size_t skip = op->done;

	for (int i = 0; i < op->iov_count; i++) {
		if (skip < op->iov[i].iov_len) {
			*data = op->iov[i].iov_base == NULL ? NULL : (uint8_t *)op->iov[i].iov_base + skip;
			*len = op->iov[i].iov_len - skip;
			return true;
		}
		skip -= op->iov[i].iov_len;
	}
	return false;
}

/* ------------------------------------------------------------------------------------------ */
/* send                                                                                        */

/* A result that ends the call: what was moved counts more than the error. */
static int64_t moved_or(const struct sockets_op *op, int64_t error)
{
	return op->done > 0 ? (int64_t)op->done : error;
}

static int64_t broken(struct slot *slot, const struct sockets_op *op)
{
	if (op->done > 0) return (int64_t)op->done;
	int error = sockets_take_error(slot);
	return error != 0 ? error : -EPIPE;
}

static int64_t send_wait(struct sockets *s, struct slot *slot, struct sockets_op *op)
{
	int64_t result = sockets_wait(s, slot, op, slot->snd_timeout);

	return result == SOCKETS_WAIT ? result : moved_or(op, result);
}

static unsigned piece_flags(const struct sockets_op *op, size_t len, size_t all)
{
	bool last = op->done + len == all;

	if (!last || (op->flags & MSG_MORE) != 0) return TV_SEND_MORE;
	return (op->flags & MSG_OOB) != 0 ? TV_SEND_URGENT : 0;
}

/* How many more bytes TCP_NOTSENT_LOWAT lets in. Linux sends while it takes them, so that what can be
 * sent at once does not count. */
static size_t admitted(const struct sockets *s, const struct slot *slot, size_t len)
{
	struct tv_info info;

	if (slot->notsent_lowat == 0 || !sockets_slot_info(s, slot, &info)) return len;
	uint32_t unsent = info.bytes_queued - info.bytes_in_flight;
	uint32_t window = info.cwnd < info.snd_wnd ? info.cwnd : info.snd_wnd;
	uint64_t limit = slot->notsent_lowat;
	if (window > info.bytes_in_flight) limit += window - info.bytes_in_flight;
	uint64_t room = unsent < limit ? limit - unsent : 0;
	return len < room ? len : (size_t)room;
}

int64_t sockets_step_send(struct sockets *s, struct sockets_op *op)
{
	struct slot *slot = sockets_slot(s, op->fd);
	size_t all = total(op);
	uint8_t *data;
	size_t len;

	if (slot == NULL) return sockets_any_slot(s, op->fd) == NULL ? -EBADF : -EINVAL;
	if ((op->flags & ~SEND_FLAGS) != 0) return -EOPNOTSUPP;
	if ((op->flags & MSG_FASTOPEN) != 0 || slot->deferred || op->opened) {
		int64_t result = sockets_step_fastopen(s, slot, op);
		if (result != 0) return result;
	}
	if (slot->phase == PHASE_CONNECTING) return send_wait(s, slot, op);
	if (slot->phase != PHASE_CONNECTED || slot->shut_wr || slot->error != 0)
		return broken(slot, op);
	while (next_piece(op, &data, &len)) {
		if (data == NULL) return moved_or(op, -EFAULT);
		len = admitted(s, slot, len);
		if (len == 0) return send_wait(s, slot, op);
		int64_t n = tv_send(s->config.stack, sockets_now(s), slot->handle, data, len,
			piece_flags(op, len, all));
		if (n > 0) {
			op->done += (size_t)n;
			continue;
		}
		if (n == TV_AGAIN) return send_wait(s, slot, op);
		sockets_pull(s);
		if (n == TV_ECLOSING || n == TV_ECLOSED) return broken(slot, op);
		return moved_or(op, sockets_errno((int)n));
	}
	return (int64_t)op->done;
}

/* ------------------------------------------------------------------------------------------ */
/* receive                                                                                     */

static int64_t take(struct sockets *s, const struct slot *slot, const struct sockets_op *op,
	uint8_t *data, size_t len)
{
	if ((op->flags & MSG_TRUNC) != 0) {
		struct tv_info info;
		if (!sockets_slot_info(s, slot, &info)) return TV_ECLOSED;
		if (info.bytes_unread > 0)
			return tv_consume(s->config.stack, sockets_now(s), slot->handle,
				len < info.bytes_unread ? len : info.bytes_unread);
		len = 1; /* finds out whether the stream has ended; nothing is there to be lost */
	}
	/* A bad address is noticed only when there is something to copy. */
	uint8_t spare;
	if (data == NULL) {
		int64_t n = tv_recv(s->config.stack, sockets_now(s), slot->handle, &spare, 1, TV_RECV_PEEK);
		return n > 0 ? BAD_ADDRESS : n;
	}
	return tv_recv(s->config.stack, sockets_now(s), slot->handle, data, len,
		(op->flags & MSG_PEEK) != 0 ? TV_RECV_PEEK : 0);
}

/* There is nothing to read: why, and what does the program get? */
static int64_t nothing(struct sockets *s, struct slot *slot, struct sockets_op *op)
{
	bool over = slot->shut_rd || slot->phase == PHASE_ENDED;

	if (op->done > 0 && (over || slot->error != 0)) return 0;
	if (slot->peer_closed && slot->phase == PHASE_ENDED) return 0;
	if (slot->error != 0) return sockets_take_error(slot);
	if (over) return 0;
	return sockets_wait(s, slot, op, slot->rcv_timeout);
}

static void note_left(const struct sockets *s, const struct slot *slot, struct sockets_op *op)
{
	struct tv_info info;

	op->inq = -1;
	if (!slot->inq || !sockets_slot_info(s, slot, &info)) return;
	/* Unlike SIOCINQ: at the end of the stream a byte that is not there makes programs read on. */
	op->inq = info.bytes_unread == 0 && slot->peer_closed ? 1 : (int64_t)info.bytes_unread;
}

int64_t sockets_step_recv(struct sockets *s, struct sockets_op *op)
{
	struct slot *slot = sockets_slot(s, op->fd);
	uint8_t *data;
	size_t len;

	if (slot == NULL) return sockets_any_slot(s, op->fd) == NULL ? -EBADF : -EINVAL;
	op->msg_flags = 0;
	op->inq = -1;
	if ((op->flags & MSG_ERRQUEUE) != 0) return -EAGAIN; /* it is always empty */
	if ((op->flags & MSG_OOB) != 0) return -EINVAL;      /* as with SO_OOBINLINE */
	if ((op->flags & ~RECV_FLAGS) != 0) return -EOPNOTSUPP;
	if (slot->deferred) return sockets_wait(s, slot, op, slot->rcv_timeout);
	if (slot->phase == PHASE_NEW || slot->phase == PHASE_LISTENING) return -ENOTCONN;
	if (slot->phase == PHASE_CONNECTING) return sockets_wait(s, slot, op, slot->rcv_timeout);
	while (next_piece(op, &data, &len)) {
		int64_t n = take(s, slot, op, data, len);
		if (n > 0) {
			op->done += (size_t)n;
			if ((op->flags & MSG_PEEK) != 0) break;
			continue;
		}
		if (n == 0) break;
		if (n == BAD_ADDRESS) return moved_or(op, -EFAULT);
		bool enough = op->done > 0 && (op->flags & MSG_WAITALL) == 0;
		if (enough) break;
		sockets_pull(s);
		int64_t result = n == TV_AGAIN || n == TV_ECLOSED ? nothing(s, slot, op)
			: sockets_errno((int)n);
		if (result == SOCKETS_WAIT) return result;
		if (op->done == 0) return result;
		break;
	}
	note_left(s, slot, op);
	return (int64_t)op->done;
}
