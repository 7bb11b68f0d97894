/*
 * talk_users.c - the users of a conversation.
 *
 * A user writes a stream whose bytes follow from a salt and their offset, in pieces of random size;
 * reads in pieces of random size and compares each byte; pauses now and then; shuts down, closes or
 * aborts when its part is done.
 */
#include "talk_inside.h"

static uint8_t byte_at(uint64_t salt, uint64_t offset)
{
	return (uint8_t)((offset * 0x9e3779b97f4a7c15u + salt) >> 56);
}

static bool pauses(struct talk *t, struct end *e)
{
	if (!random_chance(&t->luck, e->pause_ppm))
		return false;
	e->wake = now(t) + random_below(&t->luck, t->profile->slow_readers ? TV_S : 20 * TV_MS);
	return true;
}

static void write_some(struct talk *t, struct end *e)
{
	uint8_t bytes[CHUNK + 500];

	while (e->sent < e->to_send && !pauses(t, e)) {
		uint64_t n = random_between(&t->luck, 1, e->piece);
		unsigned flags = random_below(&t->luck, 8) ? 0 : TV_SEND_MORE;
		int64_t took;

		n = n < e->to_send - e->sent ? n : e->to_send - e->sent;
		for (uint64_t i = 0; i < n; i++)
			bytes[i] = byte_at(e->salt, e->sent + i);
		took = tv_send(stack(t, e->host), now(t), e->handle, bytes, n, flags);
		if (took <= 0) {
			if (took != TV_AGAIN && took != TV_ECLOSED)
				check_fail(t->check, "tv_send(): %s", tv_error_text((int)took));
			return;
		}
		e->sent += (uint64_t)took;
	}
}

static void compare(struct talk *t, struct end *e, const struct end *peer, const uint8_t *bytes, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++) {
		unsigned long long at = e->received + i;

		if (bytes[i] != byte_at(peer->salt, at)) {
			check_fail(t->check, "byte %llu of the stream is wrong", at);
			return;
		}
	}
	e->received += n;
	if (e->received > peer->sent)
		check_fail(t->check, "received more than was sent");
}

/* Reads by copy, or by looking and consuming: the same bytes. */
static int64_t read_once(struct talk *t, struct end *e, const struct end *peer)
{
	uint64_t want = random_between(&t->luck, 1, e->piece);
	uint8_t bytes[CHUNK + 500];
	struct tv_piece pieces[2];
	int64_t n;

	if (random_below(&t->luck, 4) == 0 && tv_peek(stack(t, e->host), e->handle, pieces, 2) > 0) {
		n = (int64_t)(pieces[0].len < want ? pieces[0].len : want);
		compare(t, e, peer, pieces[0].data, (uint64_t)n);
		if (tv_consume(stack(t, e->host), now(t), e->handle, (size_t)n) != n)
			check_fail(t->check, "tv_consume() did not take what tv_peek() showed");
		return n;
	}
	n = tv_recv(stack(t, e->host), now(t), e->handle, bytes, want, 0);
	if (n > 0)
		compare(t, e, peer, bytes, (uint64_t)n);
	return n;
}

static void read_some(struct talk *t, struct end *e, const struct end *peer)
{
	int64_t n = 1;

	while (!e->saw_end && n > 0 && !pauses(t, e)) {
		n = read_once(t, e, peer);
		if (n == 0)
			e->saw_end = true;
		if (n < 0 && n != TV_AGAIN && n != TV_ECLOSED)
			check_fail(t->check, "tv_recv(): %s", tv_error_text((int)n));
	}
	if (e->saw_end && e->received != peer->to_send)
		check_fail(t->check, "the stream ended after %llu of %llu bytes",
			(unsigned long long)e->received, (unsigned long long)peer->to_send);
}

static void finish(struct talk *t, struct end *e, const struct end *peer)
{
	bool has_all = e->received == peer->to_send;
	int error = 0;

	if (e->sent == e->to_send && !e->shut && (!e->waits_for_peer || e->saw_end) &&
		(!t->profile->closes_together || has_all)) {
		error = tv_shutdown(stack(t, e->host), now(t), e->handle);
		e->shut = true;
	}
	if (error && error != TV_ECLOSED && error != TV_ESTATE)
		check_fail(t->check, "tv_shutdown(): %s", tv_error_text(error));
	if (error == TV_ESTATE)
		e->shut = false; /* not open yet */
	if (e->shut && e->saw_end && !e->closed) {
		error = tv_close(stack(t, e->host), now(t), e->handle);
		if (error)
			check_fail(t->check, "tv_close(): %s", tv_error_text(error));
		e->closed = true;
	}
}

static void release(struct talk *t, struct end *e)
{
	int error = tv_release(stack(t, e->host), now(t), e->handle);

	if (error)
		check_fail(t->check, "tv_release(): %s", tv_error_text(error));
	e->released = true;
}

void talk_act(struct talk *t, struct conversation *c, struct end *e)
{
	struct end *peer = &c->end[!e->host];

	if (!e->began || e->released || now(t) < e->wake)
		return;
	if (e->aborts && e->sent + e->received >= e->abort_at) {
		tv_abort(stack(t, e->host), now(t), e->handle);
		c->aborted = true;
		release(t, e);
		return;
	}
	if (!e->told_end) {
		write_some(t, e);
		read_some(t, e, peer);
		finish(t, e, peer);
	}
	/* Some users let go at once, others wait to be told the end. */
	if (e->closed && (e->told_end || e->salt & 1))
		release(t, e);
	else if (e->told_end && (e->saw_end || e->reason != TV_R_NORMAL))
		release(t, e);
	else if (e->told_end)
		read_some(t, e, peer);
}
