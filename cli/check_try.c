/*
 * check_try.c - one attempt, from connect() to the last byte.
 *
 * WAITING until its turn, CONNECTING, TLS if asked for, ANSWER, OVER. Nothing here waits: the round polls
 * and calls. An attempt that loses the race goes on to its own end, since why it lost is what people want
 * to know. While a SYN is out, TCP_INFO tells when it was repeated.
 *
 * Where nothing is asked, the server may still speak first (SSH, SMTP); one that does not is let go
 * after QUIET, which is long enough to see a SYN,ACK repeated where packets are captured: a server that
 * did not take the final ACK.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "cli/check.h"
#include "posix/clock.h"

#define QUIET (1500 * TV_MS)
#define QUIET_DOUBTFUL (4 * TV_S)      /* it did repeat it: will it again, two seconds later? */
#define QUIET_BLIND (300 * TV_MS)      /* without packets there is nothing to see */
#define LOOK_EVERY (50 * TV_MS)
#define ANSWER_MOST (16u << 20)

bool try_begin(const struct check *c, struct try *t)
{
	struct tv_endpoint remote = t->at.remote;

	t->tls = c->tls ? tls_new(c->name) : NULL;
	if (c->tls && !t->tls)
		return false;
	t->begun = clock_now();
	t->phase = PHASE_CONNECTING;
	t->wants = POLLOUT;
	if (!host_attempt_start(&t->at, &remote, t->scope)) {
		t->over = clock_now();
		t->phase = PHASE_OVER;
	}
	return true;
}

static void look(struct try *t)
{
	struct host_attempt_info info;

	if (t->at.fd < 0 || host_attempt_info(&t->at, &info) < 0)
		return;
	t->info = info;
	if (!t->at.open)
		t->syn_repeats = info.repeats;
	t->heard = t->spoke && info.unacked == 0;
}

void try_end(struct try *t)
{
	look(t);
	if (t->phase == PHASE_WAITING)
		return;
	if (t->tls && t->opened) {
		t->tls_rounds = tls_rounds(t->tls);
		snprintf(t->tls_version, sizeof t->tls_version, "%s", t->secured ? tls_version(t->tls) : "");
	}
	host_attempt_close(&t->at);
	t->over = clock_now();
	t->phase = PHASE_OVER;
}

/* We have seen enough. What comes of hanging up (our RST, when the server goes on) is not its fault. */
static void leave(const struct check *c, struct try *t)
{
	if (t->opened && (t->received || !c->asks))
		t->left = clock_wall();
	try_end(t);
}

/* A call on the socket failed. */
static void broken(struct try *t, int err)
{
	(void)host_attempt_look(&t->at);
	if (!t->at.err)
		t->at.err = err;
	try_end(t);
}

/* ------------------------------------------------------------------------------------------ */
/* Sending and receiving, with TLS or without                                                  */

static enum tls_step plain_step(struct try *t, ssize_t n, size_t *len, bool reading)
{
	*len = n > 0 ? (size_t)n : 0;
	if (n > 0)
		return TLS_DONE;
	if (n == 0)
		return TLS_ENDED;
	if (errno == EAGAIN || errno == EINTR)
		return reading ? TLS_WANTS_READ : TLS_WANTS_WRITE;
	t->at.err = errno;
	return TLS_FAILED;
}

static enum tls_step get(struct try *t, void *bytes, size_t *len)
{
	if (t->tls)
		return tls_read(t->tls, bytes, len);
	return plain_step(t, recv(t->at.fd, bytes, *len, 0), len, true);
}

static enum tls_step put(struct try *t, const void *bytes, size_t *len)
{
	if (t->tls)
		return tls_write(t->tls, bytes, len);
	return plain_step(t, send(t->at.fd, bytes, *len, MSG_NOSIGNAL), len, false);
}

/* True: the attempt goes on, and waits for what the step wants. */
static bool goes_on(struct try *t, enum tls_step step)
{
	switch (step) {
	case TLS_DONE: return true;
	case TLS_WANTS_READ: t->wants = POLLIN; return true;
	case TLS_WANTS_WRITE: t->wants = POLLIN | POLLOUT; return true;
	case TLS_ENDED:
		t->ended = true;
		t->last = t->last ? t->last : clock_now();
		try_end(t);
		return false;
	case TLS_FAILED: break;
	}
	broken(t, t->tls ? tls_errno(t->tls) : t->at.err);
	return false;
}

/* ------------------------------------------------------------------------------------------ */
/* Phases                                                                                      */

static void answer_ready(const struct check *c, struct try *t)
{
	enum tls_step step = TLS_DONE;
	uint8_t bytes[16384];
	size_t len;

	while (c->asks && step == TLS_DONE && t->asked < strlen(c->request)) {
		len = strlen(c->request) - t->asked;
		step = put(t, c->request + t->asked, &len);
		t->asked += len;
		t->spoke |= len != 0;
		t->asked_at = clock_now();
		if (!goes_on(t, step))
			return;
	}
	for (step = TLS_DONE; step == TLS_DONE;) {
		len = sizeof bytes;
		step = get(t, bytes, &len);
		if (len) {
			t->last = clock_now();
			t->first = t->first ? t->first : t->last;
			t->received += len;
		}
		if (t->received > ANSWER_MOST) {
			t->cut = true;
			leave(c, t);
			return;
		}
		if (!goes_on(t, step))
			return;
	}
	t->wants = c->asks && t->asked < strlen(c->request) ? POLLIN | POLLOUT : POLLIN;
}

static void tls_ready(const struct check *c, struct try *t)
{
	enum tls_step step;

	t->spoke = true;
	step = tls_handshake(t->tls);
	if (!goes_on(t, step) || step != TLS_DONE)
		return;
	t->secured = clock_now();
	t->phase = PHASE_ANSWER;
	answer_ready(c, t);
}

static void connect_ready(const struct check *c, struct try *t)
{
	if (!host_attempt_look(&t->at))
		return;
	if (!t->at.open) {
		try_end(t);
		return;
	}
	t->opened = clock_now();
	look(t);
	t->syn_repeats = t->info.total_repeats;
	t->wants = POLLIN;
	t->phase = c->tls ? PHASE_TLS : PHASE_ANSWER;
	if (!c->tls)
		answer_ready(c, t);
	else if (tls_attach(t->tls, t->at.fd))
		tls_ready(c, t);
	else
		broken(t, ENOMEM);
}

void try_ready(const struct check *c, struct try *t)
{
	switch (t->phase) {
	case PHASE_CONNECTING: connect_ready(c, t); break;
	case PHASE_TLS: tls_ready(c, t); break;
	case PHASE_ANSWER: answer_ready(c, t); break;
	case PHASE_WAITING:
	case PHASE_OVER: break;
	}
}

/* ------------------------------------------------------------------------------------------ */
/* Time                                                                                        */

static void tell_repeat(const struct check *c, struct try *t, tv_time now)
{
	char to[80], after[24];

	if (t->syn_repeats <= t->told)
		return;
	t->told = t->syn_repeats;
	if (c->common.quiet || c->common.json)
		return;
	end_text(&t->at.remote, to, sizeof to);
	fprintf(stderr, "%s: no answer from %s; SYN sent %u times\n", duration_text(now - t->begun, after), to,
		t->syn_repeats + 1);
}

/* Did the SYN,ACK come more than once? */
static bool is_doubtful(const struct try *t)
{
	uint32_t cursor = 0;
	const struct conn *n = t->tracker ? tracker_next(t->tracker, &cursor) : NULL;

	return n && n->side[1].syn_count > 1;
}

/* How long a server may be silent that was asked nothing. */
static tv_time quiet_for(const struct check *c, const struct try *t)
{
	tv_time quiet = c->capture.live ? QUIET : QUIET_BLIND;

	return (is_doubtful(t) ? QUIET_DOUBTFUL : quiet) + 2 * try_rtt(t);
}

tv_time try_tick(const struct check *c, struct try *t, tv_time now)
{
	tv_time end = t->begun + c->timeout;

	if (t->phase == PHASE_WAITING || t->phase == PHASE_OVER)
		return TV_NEVER;
	look(t);
	if (t->phase == PHASE_CONNECTING)
		tell_repeat(c, t, now);
	if (t->phase == PHASE_ANSWER && !c->asks) {
		tv_time quiet = (t->last ? t->last : t->secured ? t->secured : t->opened) +
			(t->last ? QUIET_BLIND : quiet_for(c, t));

		end = quiet < end ? quiet : end;
	}
	if (now >= end) {
		t->gave_up = now >= t->begun + c->timeout;
		leave(c, t);
		return TV_NEVER;
	}
	return now + LOOK_EVERY < end ? now + LOOK_EVERY : end;
}
