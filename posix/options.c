/*
 * options.c - socket options, fcntl, ioctl.
 *
 * Options that belong to the connection are written into the slot's struct tv_options, which the
 * next connection starts with, and into the connection when there is one. An option that this
 * stack cannot honour is refused with ENOPROTOOPT, never taken silently; the few that change
 * nothing observable here (SO_PRIORITY, SO_MARK, ...) are refused too.
 *
 * Buffers: Linux doubles what SO_RCVBUF and SO_SNDBUF are told, because its records take as much
 * again, and tells the doubled number. The window it then offers is the number that was asked for,
 * which is what rcv_buf means here; the send buffer takes about the doubled number.
 */
#include "posix/slot.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/time.h>

#ifndef TCP_INQ
#define TCP_INQ 36
#endif

#define BUF_MIN 2304
#define BUF_MAX (1 << 29)

/* Writes one option to the connection, or to the listener for those to come, if there is one. Corking and quick ACKs
 * are no options of a listener's. */
static int push(struct sockets *s, const struct slot *slot, enum tv_option option, uint64_t value)
{
	bool live = slot->handle != 0 && slot->phase != PHASE_ENDED;
	bool own = option == TV_OPT_CORK || option == TV_OPT_QUICK_ACK;

	if (!live || (own && slot->phase == PHASE_LISTENING)) return 0;
	int result = tv_set(s->config.stack, sockets_now(s), slot->handle, option, value);
	return result == TV_ESTALE || result == TV_ECLOSED ? 0 : sockets_errno(result);
}

static int clamp(int value, int low, int high)
{
	return value < low ? low : value > high ? high : value;
}

/* ------------------------------------------------------------------------------------------ */
/* setsockopt                                                                                  */

static int set_buffer(struct sockets *s, struct slot *slot, int name, int value)
{
	uint32_t bytes = (uint32_t)clamp(value, BUF_MIN / 2, BUF_MAX);

	if (name == SO_RCVBUF) {
		slot->options.rcv_buf = bytes;
		slot->options.rcv_buf_max = 0; /* as in Linux, where a size that was asked for is not grown */
		return push(s, slot, TV_OPT_RCV_BUF, bytes);
	}
	slot->options.snd_buf = bytes * 2;
	return push(s, slot, TV_OPT_SND_BUF, bytes * 2);
}

static int set_keepalive(struct sockets *s, struct slot *slot, int value)
{
	slot->options.keepalive = value != 0;
	return push(s, slot, TV_OPT_KEEPALIVE, value != 0);
}

static int set_timeout(struct slot *slot, int name, const void *value, socklen_t len)
{
	struct timeval tv;

	if (len < sizeof tv) return -EINVAL;
	memcpy(&tv, value, sizeof tv);
	if (tv.tv_usec < 0 || tv.tv_usec >= 1000000) return -EDOM;
	if (tv.tv_sec < 0 || tv.tv_sec > INT32_MAX) tv.tv_sec = 0;
	tv_time t = (tv_time)tv.tv_sec * TV_S + (tv_time)tv.tv_usec * TV_US;
	*(name == SO_RCVTIMEO ? &slot->rcv_timeout : &slot->snd_timeout) = t;
	return 0;
}

static int set_linger(struct slot *slot, const void *value, socklen_t len)
{
	struct linger linger;

	if (len < sizeof linger) return -EINVAL;
	memcpy(&linger, value, sizeof linger);
	slot->linger = linger.l_onoff != 0;
	slot->linger_s = linger.l_linger < 0 ? 0 : linger.l_linger;
	return 0;
}

static int set_socket(struct sockets *s, struct slot *slot, int name, int value)
{
	switch (name) {
	case SO_REUSEADDR: slot->reuse_addr = value != 0; return 0;
	case SO_REUSEPORT: slot->reuse_port = value != 0; return 0;
	case SO_KEEPALIVE: return set_keepalive(s, slot, value);
	case SO_OOBINLINE: return value != 0 ? 0 : -ENOPROTOOPT;
	case SO_RCVLOWAT: slot->rcv_lowat = value < 1 ? 1 : value; return 0;
	case SO_SNDBUF:
	case SO_RCVBUF: return set_buffer(s, slot, name, value);
	default: return -ENOPROTOOPT;
	}
}

static int set_seconds(struct sockets *s, struct slot *slot, int name, int value)
{
	if (value < 1 || value > 32767) return -EINVAL;
	tv_time t = (unsigned)value * TV_S;
	if (name == TCP_KEEPIDLE) {
		slot->options.keepalive_idle = t;
		return push(s, slot, TV_OPT_KEEPALIVE_IDLE, t);
	}
	slot->options.keepalive_interval = t;
	return push(s, slot, TV_OPT_KEEPALIVE_INTERVAL, t);
}

/*
 * Linux (6.5 and later) takes the count for a time: as long as so many doublings of a second would
 * last. Into that time fall four repeats a second apart, then doubling gaps.
 */
uint8_t sockets_syn_repeats(unsigned count)
{
	const unsigned linear = 4;
	const unsigned gap_max = 120;
	unsigned limit = count > 10 ? UINT_MAX : (2u << count) - 1;
	unsigned at = 1; /* seconds after the SYN */
	unsigned repeats = 0;

	while (repeats < count + linear && (repeats == 0 || at < limit)) {
		repeats++;
		unsigned doublings = repeats < linear ? 0 : repeats - linear;
		unsigned gap = doublings > 7 ? gap_max : 1u << doublings;
		at += gap < gap_max ? gap : gap_max;
	}
	return (uint8_t)repeats;
}

static int set_counts(struct sockets *s, struct slot *slot, int name, int value)
{
	if (value < 1 || value > 127) return -EINVAL;
	if (name == TCP_KEEPCNT) {
		slot->options.keepalive_count = (uint8_t)value;
		return push(s, slot, TV_OPT_KEEPALIVE_COUNT, (uint64_t)value);
	}
	slot->syn_count = value;
	slot->options.syn_tries = sockets_syn_repeats((unsigned)value);
	return push(s, slot, TV_OPT_SYN_TRIES, slot->options.syn_tries);
}

static int set_maxseg(struct sockets *s, struct slot *slot, int value)
{
	if (value != 0 && (value < 88 || value > 32767)) return -EINVAL;
	slot->options.mss_max = (uint16_t)value;
	return push(s, slot, TV_OPT_MSS_MAX, (uint64_t)value);
}

static int set_user_timeout(struct sockets *s, struct slot *slot, int value)
{
	struct tv_options defaults;

	if (value < 0) return -EINVAL;
	tv_options_default(&defaults);
	slot->options.user_timeout = value == 0 ? defaults.user_timeout : (unsigned)value * TV_MS;
	return push(s, slot, TV_OPT_USER_TIMEOUT, slot->options.user_timeout);
}

static int set_linger2(struct sockets *s, struct slot *slot, int value)
{
	slot->options.fin_wait_2 = value < 0 ? 0 : (unsigned)clamp(value, 0, 120) * TV_S;
	return push(s, slot, TV_OPT_FIN_WAIT_2, slot->options.fin_wait_2);
}

static int set_tcp(struct sockets *s, struct slot *slot, int name, int value)
{
	switch (name) {
	case TCP_NODELAY:
		slot->options.nodelay = value != 0;
		return push(s, slot, TV_OPT_NODELAY, value != 0);
	case TCP_CORK: slot->cork = value != 0; return push(s, slot, TV_OPT_CORK, value != 0);
	case TCP_QUICKACK:
		slot->quickack_off = value == 0;
		return push(s, slot, TV_OPT_QUICK_ACK, value != 0);
	case TCP_MAXSEG: return set_maxseg(s, slot, value);
	case TCP_KEEPIDLE:
	case TCP_KEEPINTVL: return set_seconds(s, slot, name, value);
	case TCP_KEEPCNT:
	case TCP_SYNCNT: return set_counts(s, slot, name, value);
	case TCP_USER_TIMEOUT: return set_user_timeout(s, slot, value);
	case TCP_LINGER2: return set_linger2(s, slot, value);
	case TCP_FASTOPEN: return sockets_set_fastopen(s, slot, value);
	case TCP_FASTOPEN_CONNECT: return sockets_set_fastopen_connect(s, slot, value);
	case TCP_INQ:
		if (value < 0 || value > 1) return -EINVAL;
		slot->inq = value != 0;
		return 0;
	case TCP_NOTSENT_LOWAT:
		slot->notsent_lowat = (uint32_t)value;
		return 0;
	default: return -ENOPROTOOPT;
	}
}

static int set_ttl(struct sockets *s, struct slot *slot, int value)
{
	if (value != -1 && (value < 1 || value > 255)) return -EINVAL;
	slot->options.ttl = value == -1 ? 0 : (uint8_t)value;
	return push(s, slot, TV_OPT_TTL, slot->options.ttl);
}

/* The ECN bits belong to TCP and are left out, as Linux does for a stream socket. */
static int set_tos(struct sockets *s, struct slot *slot, int value)
{
	slot->options.dscp = (uint8_t)((value & 0xff) >> 2);
	return push(s, slot, TV_OPT_DSCP, slot->options.dscp);
}

static int set_ip(struct sockets *s, struct slot *slot, int level, int name, int value)
{
	if (level == IPPROTO_IP && name == IP_TOS) return set_tos(s, slot, value);
	if (level == IPPROTO_IP && name == IP_TTL) return set_ttl(s, slot, value);
	if (level == IPPROTO_IPV6 && name == IPV6_TCLASS) return set_tos(s, slot, value);
	if (level == IPPROTO_IPV6 && name == IPV6_UNICAST_HOPS) return set_ttl(s, slot, value);
	if (level == IPPROTO_IPV6 && name == IPV6_V6ONLY && slot->domain == AF_INET6) {
		if (slot->bound || slot->handle != 0) return -EINVAL;
		slot->only_v6 = value != 0;
		return 0;
	}
	return -ENOPROTOOPT;
}

int sockets_setsockopt(struct sockets *s, int fd, int level, int name, const void *value,
	socklen_t len)
{
	struct slot *slot = sockets_slot(s, fd);
	int number = 0;

	if (slot == NULL) return sockets_any_slot(s, fd) == NULL ? -EBADF : -ENOTSOCK;
	if (value == NULL) return -EFAULT;
	if (level == SOL_SOCKET && (name == SO_RCVTIMEO || name == SO_SNDTIMEO))
		return set_timeout(slot, name, value, len);
	if (level == SOL_SOCKET && name == SO_LINGER) return set_linger(slot, value, len);
	if (level == IPPROTO_TCP && name == TCP_FASTOPEN_KEY) return sockets_set_fastopen_key(s, value, len);
	/* IP options may be one byte long. */
	bool byte = (level == IPPROTO_IP || level == IPPROTO_IPV6) && len >= 1 && len < sizeof number;
	if (byte)
		number = *(const uint8_t *)value;
	else if (len < sizeof number)
		return -EINVAL;
	else
		memcpy(&number, value, sizeof number);
	sockets_pull(s);
	if (level == SOL_SOCKET) return set_socket(s, slot, name, number);
	if (level == IPPROTO_TCP) return set_tcp(s, slot, name, number);
	return set_ip(s, slot, level, name, number);
}

void sockets_inherit(struct sockets *s, const struct slot *slot)
{
	if (slot->cork) push(s, slot, TV_OPT_CORK, true);
}

/* ------------------------------------------------------------------------------------------ */
/* getsockopt                                                                                  */

static int get_socket(const struct slot *slot, int name, int64_t *value)
{
	switch (name) {
	case SO_TYPE: *value = SOCK_STREAM; return 0;
	case SO_DOMAIN: *value = slot->domain; return 0;
	case SO_PROTOCOL: *value = IPPROTO_TCP; return 0;
	case SO_ACCEPTCONN: *value = slot->phase == PHASE_LISTENING; return 0;
	case SO_REUSEADDR: *value = slot->reuse_addr; return 0;
	case SO_REUSEPORT: *value = slot->reuse_port; return 0;
	case SO_KEEPALIVE: *value = slot->options.keepalive; return 0;
	case SO_OOBINLINE: *value = 1; return 0;
	case SO_RCVLOWAT: *value = slot->rcv_lowat; return 0;
	case SO_RCVBUF: *value = (int64_t)slot->options.rcv_buf * 2; return 0;
	case SO_SNDBUF: *value = slot->options.snd_buf; return 0;
	default: return -ENOPROTOOPT;
	}
}

static int64_t get_maxseg(struct sockets *s, const struct slot *slot)
{
	struct tv_info info;

	if (slot->phase != PHASE_LISTENING && sockets_slot_info(s, slot, &info) &&
	    info.mss_snd != 0)
		return info.mss_snd;
	if (slot->options.mss_max != 0) return slot->options.mss_max;
	return s->config.mss_default != 0 ? s->config.mss_default : 536;
}

static int get_tcp(struct sockets *s, const struct slot *slot, int name, int64_t *value)
{
	const struct tv_options *o = &slot->options;
	struct tv_options defaults;

	tv_options_default(&defaults);
	switch (name) {
	case TCP_NODELAY: *value = o->nodelay; return 0;
	case TCP_CORK: *value = slot->cork; return 0;
	case TCP_QUICKACK: *value = !slot->quickack_off; return 0;
	case TCP_MAXSEG: *value = get_maxseg(s, slot); return 0;
	case TCP_KEEPIDLE: *value = (int64_t)(o->keepalive_idle / TV_S); return 0;
	case TCP_KEEPINTVL: *value = (int64_t)(o->keepalive_interval / TV_S); return 0;
	case TCP_KEEPCNT: *value = o->keepalive_count; return 0;
	case TCP_SYNCNT: *value = slot->syn_count; return 0;
	case TCP_USER_TIMEOUT:
		*value = o->user_timeout == defaults.user_timeout ? 0
			: (int64_t)(o->user_timeout / TV_MS);
		return 0;
	case TCP_LINGER2: *value = (int64_t)(o->fin_wait_2 / TV_S); return 0;
	case TCP_FASTOPEN: *value = slot->fastopen_pending; return 0;
	case TCP_FASTOPEN_CONNECT: *value = slot->fastopen_connect; return 0;
	case TCP_INQ: *value = slot->inq; return 0;
	case TCP_NOTSENT_LOWAT: *value = slot->notsent_lowat; return 0;
	default: return -ENOPROTOOPT;
	}
}

static int get_ip(struct sockets *s, const struct slot *slot, int level, int name, int64_t *value)
{
	struct tv_info info;
	uint8_t ttl = slot->options.ttl != 0 ? slot->options.ttl : 64;

	if (level == IPPROTO_IP && name == IP_TOS)
		*value = slot->options.dscp << 2;
	else if (level == IPPROTO_IPV6 && name == IPV6_TCLASS)
		*value = slot->options.dscp << 2;
	else if (level == IPPROTO_IP && name == IP_TTL)
		*value = ttl;
	else if (level == IPPROTO_IPV6 && name == IPV6_UNICAST_HOPS)
		*value = ttl;
	else if (level == IPPROTO_IPV6 && name == IPV6_V6ONLY)
		*value = slot->only_v6;
	else if ((level == IPPROTO_IP && name == IP_MTU) ||
		 (level == IPPROTO_IPV6 && name == IPV6_MTU)) {
		if (slot->phase != PHASE_CONNECTED || !sockets_slot_info(s, slot, &info))
			return -ENOTCONN;
		*value = info.pmtu;
	} else {
		return -ENOPROTOOPT;
	}
	return 0;
}

/* At most *len bytes of the value, and how long it is. */
static int give(const void *from, size_t size, void *to, socklen_t *len)
{
	socklen_t n = *len < size ? *len : (socklen_t)size;

	memcpy(to, from, n);
	*len = n;
	return 0;
}

static int get_structure(struct sockets *s, struct slot *slot, int level, int name, void *value,
	socklen_t *len)
{
	if (level == SOL_SOCKET && name == SO_LINGER) {
		struct linger linger = {slot->linger, slot->linger_s};
		return give(&linger, sizeof linger, value, len);
	}
	if (level == SOL_SOCKET && (name == SO_RCVTIMEO || name == SO_SNDTIMEO)) {
		tv_time t = name == SO_RCVTIMEO ? slot->rcv_timeout : slot->snd_timeout;
		struct timeval tv = {(time_t)(t / TV_S), (suseconds_t)(t % TV_S / TV_US)};
		return give(&tv, sizeof tv, value, len);
	}
	if (level == IPPROTO_TCP && name == TCP_CONGESTION)
		return give("reno", 5, value, len);
	if (level == IPPROTO_TCP && name == TCP_FASTOPEN_KEY)
		return give(s->fastopen_keys, s->fastopen_keys_len, value, len);
	if (level == IPPROTO_TCP && name == TCP_INFO) {
		struct sockets_tcp_info info;
		sockets_tcp_info(s, slot, &info);
		return give(&info, sizeof info, value, len);
	}
	return 1;
}

int sockets_getsockopt(struct sockets *s, int fd, int level, int name, void *value, socklen_t *len)
{
	struct slot *slot = sockets_slot(s, fd);
	int64_t number = 0;
	int result;

	if (slot == NULL) return sockets_any_slot(s, fd) == NULL ? -EBADF : -ENOTSOCK;
	if (value == NULL || len == NULL) return -EFAULT;
	sockets_pull(s);
	result = get_structure(s, slot, level, name, value, len);
	if (result <= 0) return result;
	if (level == SOL_SOCKET && name == SO_ERROR) {
		number = -sockets_take_error(slot);
		if (number == 0) {
			number = slot->soft_error;
			slot->soft_error = 0;
		}
		result = 0;
	} else if (level == SOL_SOCKET) {
		result = get_socket(slot, name, &number);
	} else if (level == IPPROTO_TCP) {
		result = get_tcp(s, slot, name, &number);
	} else {
		result = get_ip(s, slot, level, name, &number);
	}
	if (result < 0) return result;
	int out = (int)number;
	return give(&out, sizeof out, value, len);
}

/* ------------------------------------------------------------------------------------------ */
/* fcntl and ioctl                                                                             */

int sockets_fcntl(struct sockets *s, int fd, int command, int argument)
{
	struct slot *slot = sockets_any_slot(s, fd);

	if (slot == NULL) return -EBADF;
	switch (command) {
	case F_GETFL: return O_RDWR | (slot->nonblock ? O_NONBLOCK : 0);
	case F_SETFL: slot->nonblock = (argument & O_NONBLOCK) != 0; return 0;
	case F_GETFD: return slot->cloexec ? FD_CLOEXEC : 0;
	case F_SETFD: slot->cloexec = (argument & FD_CLOEXEC) != 0; return 0;
	default: return -EINVAL;
	}
}

int sockets_ioctl(struct sockets *s, int fd, unsigned long request, int *value)
{
	struct slot *slot = sockets_slot(s, fd);
	struct tv_info info;

	if (slot == NULL) return sockets_any_slot(s, fd) == NULL ? -EBADF : -ENOTTY;
	if (request == FIONBIO) {
		slot->nonblock = *value != 0;
		return 0;
	}
	if (request != SIOCINQ && request != SIOCOUTQ && request != SIOCOUTQNSD &&
	    request != SIOCATMARK)
		return -ENOTTY;
	sockets_pull(s);
	if (slot->phase == PHASE_LISTENING) return -EINVAL;
	*value = 0;
	if (!sockets_slot_info(s, slot, &info)) return 0;
	if (request == SIOCINQ)
		*value = (int)info.bytes_unread;
	else if (request == SIOCOUTQ)
		*value = (int)info.bytes_queued;
	else if (request == SIOCOUTQNSD)
		*value = (int)(info.bytes_queued - info.bytes_in_flight);
	else
		*value = info.urgent_left == 1;
	return 0;
}
