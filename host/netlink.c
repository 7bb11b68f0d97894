/*
 * netlink.c - the few lines of netlink that are needed here, instead of a library.
 *
 * Each request opens a socket, asks and closes it: these calls are made a handful of times in the life
 * of a program, and a socket belongs to the namespace in which it was opened, so that none kept from
 * before can talk to the wrong one. A change is asked for with NLM_F_ACK, a list with NLM_F_DUMP; a
 * question about one object is answered by one message and its ACK.
 *
 * A dump that was interrupted by a change is asked for again, a few times. Answers come from the
 * kernel (a sender with port 0) or are ignored.
 */
#include "host/netlink.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ANSWER_BYTES 65536
#define TRIES 5

#define ALIGN(n) (((n) + 3u) & ~(size_t)3)

/* ------------------------------------------------------------------------------------------ */
/* Writing                                                                                     */

void nl_put_raw(struct nl_request *r, const void *data, size_t len)
{
	size_t at = ALIGN(r->u.h.nlmsg_len);

	if (r->full || at > NL_BYTES || len > NL_BYTES - at) {
		r->full = true;
		return;
	}
	memset(r->u.bytes + r->u.h.nlmsg_len, 0, at - r->u.h.nlmsg_len);
	if (len)
		memcpy(r->u.bytes + at, data, len);
	r->u.h.nlmsg_len = (uint32_t)(at + len);
}

void nl_start(struct nl_request *r, uint16_t type, uint16_t flags, const void *fixed, size_t len)
{
	memset(r, 0, sizeof *r);
	r->u.h.nlmsg_len = sizeof r->u.h;
	r->u.h.nlmsg_type = type;
	r->u.h.nlmsg_flags = flags | NLM_F_REQUEST;
	r->u.h.nlmsg_seq = 1;
	nl_put_raw(r, fixed, len);
}

void nl_put(struct nl_request *r, uint16_t type, const void *data, size_t len)
{
	struct nlattr a = { .nla_len = (uint16_t)(sizeof a + len), .nla_type = type };

	if (len > NL_BYTES) {
		r->full = true;
		return;
	}
	nl_put_raw(r, &a, sizeof a);
	nl_put_raw(r, data, len);
}

void nl_put_string(struct nl_request *r, uint16_t type, const char *text)
{
	nl_put(r, type, text, strlen(text) + 1);
}

void nl_put_u32(struct nl_request *r, uint16_t type, uint32_t value)
{
	nl_put(r, type, &value, sizeof value);
}

size_t nl_open(struct nl_request *r, uint16_t type)
{
	size_t at = ALIGN(r->u.h.nlmsg_len);

	nl_put(r, type | NLA_F_NESTED, NULL, 0);
	return at;
}

void nl_close(struct nl_request *r, size_t at)
{
	uint16_t len;

	if (r->full)
		return;
	len = (uint16_t)(r->u.h.nlmsg_len - at);
	memcpy(r->u.bytes + at + offsetof(struct nlattr, nla_len), &len, sizeof len);
}

/* ------------------------------------------------------------------------------------------ */
/* Reading                                                                                     */

const void *nl_find_in(const void *attributes, size_t bytes, uint16_t type, size_t least, size_t *len)
{
	const uint8_t *p = attributes;
	struct nlattr a;

	while (bytes >= sizeof a) {
		memcpy(&a, p, sizeof a);
		if (a.nla_len < sizeof a || a.nla_len > bytes)
			return NULL;
		if ((a.nla_type & NLA_TYPE_MASK) == type && a.nla_len - sizeof a >= least) {
			if (len)
				*len = a.nla_len - sizeof a;
			return p + sizeof a;
		}
		if (ALIGN(a.nla_len) >= bytes)
			return NULL;
		p += ALIGN(a.nla_len);
		bytes -= ALIGN(a.nla_len);
	}
	return NULL;
}

const void *nl_find(const struct nlmsghdr *h, size_t fixed, uint16_t type, size_t least, size_t *len)
{
	size_t skip = sizeof *h + ALIGN(fixed);

	if (h->nlmsg_len < skip)
		return NULL;
	return nl_find_in((const uint8_t *)h + skip, h->nlmsg_len - skip, type, least, len);
}

struct answer {
	nl_fn fn;
	void *user;
	bool interrupted, done;
	int err;
};

static void take_message(struct answer *a, const struct nlmsghdr *h)
{
	a->interrupted = a->interrupted || (h->nlmsg_flags & NLM_F_DUMP_INTR);
	if (h->nlmsg_type == NLMSG_DONE || h->nlmsg_type == NLMSG_ERROR) {
		int err = 0;

		a->done = true;
		if (h->nlmsg_len >= sizeof *h + sizeof err)
			memcpy(&err, (const uint8_t *)h + sizeof *h, sizeof err);
		a->err = err <= 0 ? err : -EPROTO;
	} else if (h->nlmsg_type >= NLMSG_MIN_TYPE && a->fn) {
		a->fn(a->user, h);
	}
}

static int read_answer(int fd, struct answer *a)
{
	static _Thread_local union {
		struct nlmsghdr h;
		uint8_t bytes[ANSWER_BYTES];
	} buffer;

	while (!a->done) {
		struct sockaddr_nl from = { 0 };
		socklen_t from_len = sizeof from;
		ssize_t got = recvfrom(fd, buffer.bytes, sizeof buffer.bytes, MSG_TRUNC, (struct sockaddr *)&from,
			&from_len);
		size_t at = 0, bytes = got < 0 ? 0 : (size_t)got;

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (bytes > sizeof buffer.bytes)
			return -EPROTO;
		while (from.nl_pid == 0 && bytes - at >= sizeof(struct nlmsghdr) && !a->done) {
			const struct nlmsghdr *h = (const struct nlmsghdr *)(const void *)(buffer.bytes + at);

			if (h->nlmsg_len < sizeof *h || h->nlmsg_len > bytes - at)
				return -EPROTO;
			take_message(a, h);
			at += ALIGN(h->nlmsg_len) < bytes - at ? ALIGN(h->nlmsg_len) : bytes - at;
		}
	}
	return a->err;
}

static int talk_once(int protocol, struct nl_request *r, struct answer *a)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
	ssize_t w;
	int err;

	if (fd < 0)
		return -errno;
	w = sendto(fd, r->u.bytes, r->u.h.nlmsg_len, 0, (struct sockaddr *)&kernel, sizeof kernel);
	err = w < 0 ? -errno : read_answer(fd, a);
	close(fd);
	return err;
}

int nl_talk(int protocol, struct nl_request *r, nl_fn fn, void *user)
{
	int err = -EINTR;

	if (r->full)
		return -EMSGSIZE;
	/* Both bits: one of them alone means something else in a change. */
	if ((r->u.h.nlmsg_flags & NLM_F_DUMP) != NLM_F_DUMP)
		r->u.h.nlmsg_flags |= NLM_F_ACK;
	for (int i = 0; i < TRIES; i++) {
		struct answer a = { .fn = fn, .user = user };

		if (fn)
			fn(user, NULL);
		err = talk_once(protocol, r, &a);
		if (!a.interrupted)
			break;
		err = -EINTR;
	}
	return err;
}
