/*
 * fastopen.c - Fast Open (RFC 7413) as programs ask for it: MSG_FASTOPEN, TCP_FASTOPEN_CONNECT, and a listener's
 * TCP_FASTOPEN and TCP_FASTOPEN_KEY.
 *
 * A send with MSG_FASTOPEN is connect and send in one. One that may wait hands all it has to the stack before the
 * SYN is made, and returns when the connection is open. One that may not wait hands over what fits on the SYN and
 * returns that number; without a cookie nothing fits, the SYN asks for one, and the call is no more than a connect.
 *
 * TCP_FASTOPEN_CONNECT puts the connect off: with a cookie, connect() only notes the address and succeeds, and the
 * first write is what opens the connection.
 *
 * Difference from Linux: TCP_FASTOPEN_KEY sets the keys of the whole stack, whichever socket it is told.
 */
#include "posix/slot.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#define PENDING_MAX 4096
#define HEADERS_V4 40u     /* of IP and TCP */
#define HEADERS_V6 60u
#define MSS_V4 536u        /* RFC 9293 3.7.1, of a peer that did not say [MUST-15] */
#define MSS_V6 1220u
#define OPTIONS_ROOM 40u

static bool client(const struct sockets *s)
{
	return (s->config.fastopen & SOCKETS_FASTOPEN_CLIENT) != 0;
}

/* The stack's memory of a destination to which it would send a cookie now. */
static bool find_cookie(const struct sockets *s, const struct tv_endpoint *remote, struct tv_fastopen_path *path)
{
	uint64_t cursor = 0;

	memset(path, 0, sizeof *path);
	path->size = sizeof *path;
	while (tv_fastopen_next(s->config.stack, &cursor, path))
		if (path->zone == remote->zone && memcmp(&path->addr, &remote->addr, sizeof path->addr) == 0)
			return path->cookie_len != 0 && path->backoff == 0;
	return false;
}

static bool is_v4(const struct tv_addr *a)
{
	static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

	return memcmp(a->b, mapped, sizeof mapped) == 0;
}

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* How much of what is written next the stack puts on the SYN (trivet.h, Fast Open); 0 without a cookie. */
static size_t syn_room(const struct sockets *s, const struct slot *slot, const struct tv_endpoint *remote)
{
	struct tv_fastopen_path path;
	struct tv_info info;
	bool v4 = is_v4(&remote->addr);

	if (!find_cookie(s, remote, &path) || !sockets_slot_info(s, slot, &info)) return 0;
	size_t mss = path.mss != 0 ? path.mss : v4 ? MSS_V4 : MSS_V6;
	mss = least(mss, info.pmtu - (v4 ? HEADERS_V4 : HEADERS_V6));
	if (slot->options.mss_max != 0) mss = least(mss, slot->options.mss_max);
	return mss > OPTIONS_ROOM ? mss - OPTIONS_ROOM : 0;
}

bool sockets_defers(const struct sockets *s, const struct slot *slot, const struct tv_endpoint *remote)
{
	struct tv_fastopen_path path;

	return slot->fastopen_connect && find_cookie(s, remote, &path);
}

/* ------------------------------------------------------------------------------------------ */
/* Connect and send in one                                                                     */

/* Writes what goes on the SYN, behind a tv_connect() that has not sent it yet. */
static int64_t fill_syn(struct sockets *s, const struct slot *slot, struct sockets_op *op, size_t room)
{
	for (int i = 0; i < op->iov_count && room > 0; i++) {
		size_t n = least(op->iov[i].iov_len, room);
		if (n == 0) continue;
		if (op->iov[i].iov_base == NULL) return -EFAULT;
		int64_t taken = tv_send(s->config.stack, sockets_now(s), slot->handle, op->iov[i].iov_base, n, 0);
		if (taken <= 0) return 0;
		op->done += (size_t)taken;
		room -= (size_t)taken;
	}
	return 0;
}

static int64_t open_with_text(struct sockets *s, struct slot *slot, struct sockets_op *op)
{
	struct tv_endpoint remote = slot->remote;

	if (!slot->deferred) {
		if (op->to == NULL) return -EINVAL;
		int result = sockets_endpoint(slot, op->to, op->to_len, &remote);
		if (result < 0) return result;
	}
	slot->deferred = false;
	int64_t result = sockets_start_connect(s, slot, op->fd, &remote, true);
	if (result < 0) return result;
	bool waits = !slot->nonblock && (op->flags & MSG_DONTWAIT) == 0;
	result = fill_syn(s, slot, op, waits ? SIZE_MAX : syn_room(s, slot, &remote));
	if (result < 0) sockets_dissolve(s, slot);
	sockets_pull(s);
	return result;
}

int64_t sockets_step_fastopen(struct sockets *s, struct slot *slot, struct sockets_op *op)
{
	bool ours = op->opened;

	if (!client(s) || (op->to != NULL && op->to_len >= sizeof(sa_family_t) && op->to->sa_family == AF_UNSPEC))
		return -EOPNOTSUPP;
	if (slot->phase == PHASE_LISTENING) return -EISCONN;
	if (slot->phase == PHASE_NEW && !ours) {
		int64_t result = open_with_text(s, slot, op);
		if (result < 0) return result;
		op->opened = ours = true;
	}
	if (slot->phase == PHASE_CONNECTING) {
		if (!ours && slot->nonblock) return -EALREADY;
		op->opened = true;
		int64_t result = sockets_wait(s, slot, op, slot->snd_timeout);
		if (result != -EAGAIN) return result;
		return op->done > 0 ? (int64_t)op->done : -EINPROGRESS;
	}
	/* Once it is open the rest is an ordinary send; op->begun is for the patience of that one. */
	if (ours && slot->told) return 0;
	return sockets_connect_outcome(s, slot);
}

/* ------------------------------------------------------------------------------------------ */
/* Options                                                                                     */

/* What the stack's listener is told: nothing without the server's half of the host's switch. */
static uint32_t pending_max(const struct sockets *s, const struct slot *slot)
{
	return (s->config.fastopen & SOCKETS_FASTOPEN_SERVER) == 0 ? 0 : slot->fastopen_pending;
}

uint32_t sockets_fastopen_pending(const struct sockets *s, struct slot *slot, uint32_t backlog)
{
	if (slot->fastopen_pending == 0 && (s->config.fastopen & SOCKETS_FASTOPEN_EVERY_LISTENER) != 0)
		slot->fastopen_pending = (uint32_t)least(backlog, PENDING_MAX);
	return pending_max(s, slot);
}

int sockets_set_fastopen(struct sockets *s, struct slot *slot, int value)
{
	if (value < 0 || (slot->phase != PHASE_NEW && slot->phase != PHASE_LISTENING)) return -EINVAL;
	slot->fastopen_pending = (uint32_t)least((size_t)value, PENDING_MAX);
	if (slot->phase != PHASE_LISTENING) return 0;
	return sockets_errno(tv_set(s->config.stack, sockets_now(s), slot->handle, TV_OPT_FASTOPEN,
		pending_max(s, slot)));
}

int sockets_set_fastopen_connect(struct sockets *s, struct slot *slot, int value)
{
	if (value < 0 || value > 1) return -EINVAL;
	if (!client(s)) return -EOPNOTSUPP;
	if (slot->phase != PHASE_NEW || slot->deferred) return -EINVAL;
	slot->fastopen_connect = value != 0;
	return 0;
}

int sockets_set_fastopen_key(struct sockets *s, const void *value, socklen_t len)
{
	if (len != SOCKETS_FASTOPEN_KEY && len != 2 * SOCKETS_FASTOPEN_KEY) return -EINVAL;
	memcpy(s->fastopen_keys, value, len);
	s->fastopen_keys_len = len;
	return sockets_errno(tv_fastopen_keys(s->config.stack, sockets_now(s), s->fastopen_keys,
		len == SOCKETS_FASTOPEN_KEY ? NULL : s->fastopen_keys + SOCKETS_FASTOPEN_KEY));
}

/* ------------------------------------------------------------------------------------------ */
/* Keys as text                                                                                */

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9') return c - '0';
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* 32 digits; a dash may stand behind each eight. The first digits of a word are its highest, its bytes lie lowest
 * first. */
static const char *read_key(const char *at, uint8_t key[SOCKETS_FASTOPEN_KEY])
{
	for (unsigned word = 0; word < 4; word++) {
		if (word > 0 && *at == '-') at++;
		for (unsigned i = 0; i < 4; i++, at += 2) {
			int high = hex_digit(at[0]);
			int low = high < 0 ? -1 : hex_digit(at[1]);
			if (low < 0) return NULL;
			key[4 * word + 3 - i] = (uint8_t)(high << 4 | low);
		}
	}
	return at;
}

unsigned sockets_fastopen_keys(const char *text, uint8_t keys[2 * SOCKETS_FASTOPEN_KEY])
{
	const char *at = read_key(text, keys);
	unsigned count = 1;

	if (at != NULL && *at == ',') {
		at = read_key(at + 1, keys + SOCKETS_FASTOPEN_KEY);
		count = 2;
	}
	return at != NULL && *at == '\0' ? count : 0;
}
