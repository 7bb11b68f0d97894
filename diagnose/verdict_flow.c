/*
 * verdict_flow.c - rules about a connection that was established: silence, resets, windows, ends.
 *
 * Each rule that speaks of one end is tried for both; `s` is the end that sends, `o` the other.
 */
#include "diagnose/verdict.h"

#include <stdio.h>

/* Nothing came from o since s first sent what is not acknowledged. */
static bool is_silent_since(const struct side *o, const struct mark *m)
{
	return !is_behind(&o->last, m) && !is_behind(&o->rst, m);
}

/* From how many bytes on a segment of s is full-size: nine tenths of what the other end allows. */
static uint32_t full_size(const struct side *s, const struct side *o)
{
	uint32_t mss = o->mss ? o->mss : 1460u;

	if (s->mss && s->mss < mss)
		mss = s->mss;
	return mss > 80 ? (mss - 40) * 9 / 10 : mss;
}

bool is_full_size(const struct side *s, const struct side *o)
{
	return seen(&s->out) && s->out_len >= full_size(s, o) && s->out_len >= FULL_SIZE;
}

/* ------------------------------------------------------------------------------------------ */
/* Windows                                                                                     */

/*
 * The window is closed at the end of the capture, and a probe confirmed it or enough time went by; or it
 * was closed for long before it opened. A short pause of the reader is none of these.
 */
static bool zero_window(const struct case_ *k, const struct side *s, struct finding *f)
{
	const struct side *o = s == k->a ? k->b : k->a;
	const struct mark *since_mark = &s->zero;
	tv_time time = 0;
	char text[24];

	if (seen(&s->zero) && !seen(&s->fin))
		time = k->end > mark_time(&s->zero) ? k->end - mark_time(&s->zero) : 0;
	if (!seen(&s->zero) || seen(&s->fin) ||
		!((s->zero_again && o->bytes) || time >= limit(LIMIT_ZERO_WINDOW_OPEN))) {
		time = s->zero_ms * TV_MS;
		since_mark = &s->zero_longest;
		if (time < limit(LIMIT_ZERO_WINDOW))
			return false;
	}
	finding_start(f, k->c, WORD_ZERO_WINDOW, CERTAIN);
	finding_cite(f, since_mark);
	if (since_mark == &s->zero)
		finding_cite(f, &s->last);
	finding_say(f, "The %s's window is 0 after %llu bytes, for %s.", s == k->a ? "client" : "server",
		(unsigned long long)o->bytes, time_text(time, text));
	return true;
}

bool rule_zero_window(const struct case_ *k, struct finding *f)
{
	return is_established(k->c) && (zero_window(k, k->b, f) || zero_window(k, k->a, f));
}

/*
 * The client offered a scale, the SYN,ACK as seen here has none, and the server's windows fall at once
 * to a small part of what the SYN,ACK announced, more than the bytes that arrived explain: it scales.
 */
bool rule_scale_stripped(const struct case_ *k, struct finding *f)
{
	const struct side *a = k->a, *b = k->b;
	bool padded = b->nops >= 3;
	bool shrank;

	if (!a->syn_seen || !b->syn_is_answer || !(a->has & TV_OPT_HAS_WSCALE) || a->options_cut || b->options_cut)
		return false;
	if (b->has & TV_OPT_HAS_WSCALE || !is_established(k->c))
		return false;
	shrank = seen(&b->wnd_first) && b->wnd_first_raw > 0 && b->syn_wnd > 4096 && b->wnd_max < b->syn_wnd / 16;
	if (!shrank)
		return false;
	finding_start(f, k->c, WORD_WINDOW_SCALE_STRIPPED, padded ? CERTAIN : LIKELY);
	finding_cite(f, &a->syn);
	finding_cite(f, &b->syn);
	finding_cite(f, &b->wnd_first);
	finding_say(f, "The SYN,ACK %s; it announces a window of %u, the next packet of the server one of %u.",
		padded ? "has NOPs where the option should be" : "lacks the option", b->syn_wnd, b->wnd_first_raw);
	return true;
}

/*
 * Both carry the option, and yet the first window of one end is the very number of its SYN, which is
 * never scaled: it does not know that it should scale. Certain when it takes the other end's windows
 * unscaled, too, and sends segments of just that length; likely when its window, scaled, would be larger
 * than any end offers at its beginning. A number that only looks alike is announced by ends with large buffers.
 */
static bool disagrees(const struct case_ *k, const struct side *s, struct finding *f)
{
	uint32_t high = s->wnd_first_raw > s->syn_wnd ? s->wnd_first_raw : s->syn_wnd;
	uint32_t low = s->wnd_first_raw > s->syn_wnd ? s->syn_wnd : s->wnd_first_raw;
	bool crawls;

	if (s->wscale < 3 || !seen(&s->wnd_first) || high - low > s->syn_wnd / 16 || s->syn_wnd < 4096)
		return false;
	crawls = s->crawls >= SEGMENTS_CRAWL;
	/* The largest number that fits says little: a huge buffer is announced so as well. */
	if (!crawls && (s->wnd_first_raw == UINT16_MAX || (uint64_t)s->wnd_first_raw << s->wscale < SCALED_MAX))
		return false;
	finding_start(f, k->c, WORD_WINDOW_SCALE_DISAGREEMENT, crawls ? CERTAIN : LIKELY);
	finding_cite(f, &k->a->syn);
	finding_cite(f, &k->b->syn);
	finding_cite(f, &s->wnd_first);
	finding_say(f, "The %s announced a scale of %u, and then a window of %u, which would be %llu bytes.",
		s == k->a ? "client" : "server", s->wscale, s->wnd_first_raw,
		(unsigned long long)s->wnd_first_raw << s->wscale);
	return true;
}

bool rule_scale_disagreement(const struct case_ *k, struct finding *f)
{
	if (!k->a->syn_seen || !k->b->syn_is_answer || !is_established(k->c))
		return false;
	if (!(k->a->has & TV_OPT_HAS_WSCALE) || !(k->b->has & TV_OPT_HAS_WSCALE))
		return false;
	return disagrees(k, k->a, f) || disagrees(k, k->b, f);
}

/* ------------------------------------------------------------------------------------------ */
/* Silence                                                                                     */

/*
 * A full-size segment is repeated and never acknowledged, no full-size one ever was, and smaller packets
 * pass. Certain when the other end was heard after the first repeat: it lives, and lacks exactly this.
 */
static bool mtu_sender(const struct case_ *k, const struct side *s, struct finding *f)
{
	const struct side *o = s == k->a ? k->b : k->a;
	uint32_t full = full_size(s, o);
	bool alive = is_behind(&o->last, &s->out_again);

	if (s->out_again_count < REPEATS_LOST || !is_full_size(s, o))
		return false;
	if (s->acked_len_max >= full || seen(&o->rst) || s->out_shrunk)
		return false;
	/* What the other end sends must not be the handshake again: then it has not got anything. If it sends not
	 * even that, it got the final ACK. */
	if (o->packets == o->syn_count && (is_behind(&o->syn_again[1], &k->c->ack) ||
		since(&k->c->ack, &s->out_again_last) < limit(LIMIT_ACK_ARRIVED)))
		return false;
	if (!alive && s->data_acked.number && since(&s->out_before, &s->out) >= limit(LIMIT_IDLE))
		return false;
	finding_start(f, k->c, WORD_MTU_BLACKHOLE, alive ? CERTAIN : LIKELY);
	finding_cite(f, &s->out);
	finding_cite(f, &s->out_again);
	finding_cite(f, &s->out_again_last);
	if (alive)
		finding_cite(f, &o->last);
	finding_cite(f, &k->c->pmtu);
	finding_say(f, "A segment of %u bytes was sent %u times and never acknowledged%s.", s->out_len,
		s->out_again_count + 1, alive ? ", while the other end still sends" : "");
	return true;
}

bool rule_mtu_sender(const struct case_ *k, struct finding *f)
{
	return is_established(k->c) && (mtu_sender(k, k->b, f) || mtu_sender(k, k->a, f));
}

/* The largest window that this end can have meant. */
static uint32_t window_max(const struct side *o)
{
	uint32_t most = (uint32_t)o->wnd_max << (o->syn_seen ? o->wscale : 14);

	return most > o->syn_wnd ? most : o->syn_wnd;
}

/*
 * Seen at the receiver: the sender's numbers are ahead of what arrived by at least a large segment, for
 * long, and no full-size segment ever arrived. It is no gap of the capture, since the receiver does not
 * acknowledge what is missing, and did so with nothing else. Beyond the receiver's window nobody sends.
 */
static bool mtu_receiver(const struct case_ *k, const struct side *s, struct finding *f)
{
	const struct side *o = s == k->a ? k->b : k->a;
	uint32_t full = o->mss ? full_size(s, o) : FULL_SIZE;
	tv_time before, behind;

	if (!seen(&s->hole) || s->hole_to - s->hole_from < FULL_SIZE / 2)
		return false;
	if (!o->packets || s->len_max >= full || k->c->gap || s->hole_to - s->hole_from > window_max(o))
		return false;
	before = since(&s->hole_before, &s->hole);
	behind = k->end > mark_time(&s->hole) ? k->end - mark_time(&s->hole) : 0;
	if (before < limit(LIMIT_HOLE) && behind < limit(LIMIT_HOLE))
		return false;
	finding_start(f, k->c, WORD_MTU_BLACKHOLE, LIKELY);
	finding_cite(f, &s->hole_before);
	finding_cite(f, &s->hole);
	finding_say(f, "The %s's sequence number is %u bytes ahead of what arrived: it was sent and lost on the way.",
		s == k->a ? "client" : "server", s->hole_to - s->hole_from);
	return true;
}

/* The numbers of one end say that it sent what never arrived here. */
static void say_missing(const struct case_ *k, const struct side *s, tv_time waited, struct finding *f)
{
	char text[24];

	finding_start(f, k->c, WORD_PEER_GONE_DATA_UNACKED, LIKELY);
	finding_cite(f, &s->hole_before);
	finding_cite(f, &s->hole);
	finding_say(f, "The %s's sequence number is %u bytes ahead of what arrived, in %s: they were sent, and lost on the "
		"way.", s == k->a ? "client" : "server", s->hole_to - s->hole_from, time_text(waited, text));
}

/* The same, when what is missing is small; the receiver lives, and has waited for it so long that it must have been
 * sent again. */
static bool missing(const struct case_ *k, const struct side *s, struct finding *f)
{
	const struct side *o = s == k->a ? k->b : k->a;
	tv_time until = seen(&o->rst) ? mark_time(&o->rst) : k->end;

	if (!seen(&s->hole) || k->c->gap || !is_behind(&o->last, &s->hole) || s->hole_to - s->hole_from > window_max(o))
		return false;
	if (until < mark_time(&s->hole) + limit(LIMIT_ACK_ARRIVED))
		return false;
	say_missing(k, s, until - mark_time(&s->hole), f);
	return true;
}

bool rule_mtu_receiver(const struct case_ *k, struct finding *f)
{
	return is_established(k->c) && (mtu_receiver(k, k->b, f) || mtu_receiver(k, k->a, f) || missing(k, k->b, f) ||
		missing(k, k->a, f));
}

/* Keepalive probes without an answer, and its sender gave up with RST, or several at the end. */
static bool keepalive_gone(const struct case_ *k, const struct side *s, struct finding *f)
{
	const struct side *o = s == k->a ? k->b : k->a;
	bool gave_up = is_behind(&s->rst, &s->probe_open);

	if (s->probes_open < REPEATS_LOST || !is_silent_since(o, &s->probe_open))
		return false;
	finding_start(f, k->c, WORD_KEEPALIVE_PEER_GONE, gave_up ? CERTAIN : LIKELY);
	finding_cite(f, &s->probe_open);
	finding_cite(f, gave_up ? &s->rst : &s->last);
	finding_cite(f, &s->last);
	finding_say(f, "%u probe%s answered, the last %u not%s.", s->probes_answered,
		s->probes_answered == 1 ? " was" : "s were", s->probes_open,
		gave_up ? "; then this end reset the connection" : "");
	return true;
}

bool rule_keepalive_gone(const struct case_ *k, struct finding *f)
{
	return is_established(k->c) && (keepalive_gone(k, k->a, f) || keepalive_gone(k, k->b, f));
}

/*
 * The same bytes again and again, and nothing back since they were first sent. After an idle time both
 * causes fit (a box forgot the connection; the peer vanished), and the first is likelier.
 */
static bool peer_gone(const struct case_ *k, const struct side *s, struct finding *f)
{
	const struct side *o = s == k->a ? k->b : k->a;
	tv_time idle;
	char text[24];

	if (!seen(&s->out) || s->out_again_count < REPEATS_LOST || !is_silent_since(o, &s->out))
		return false;
	/* Both have all that the other sent, and both have closed: only the very last ACK is missing. */
	if (seen(&o->fin) && seen(&o->fin_acked) && seen(&s->fin) && s->out_seq == s->fin_seq)
		return false;
	if (since(&s->out, &s->out_again_last) < 500 * TV_MS && s->out_again_count < 2 * REPEATS_LOST)
		return false;
	idle = since(&s->out_before, &s->out);
	if (idle >= limit(LIMIT_IDLE))
		finding_start(f, k->c, WORD_IDLE_THEN_BLACKHOLE, LIKELY);
	else
		finding_start(f, k->c, WORD_PEER_GONE_DATA_UNACKED, seen(&s->out_before) ? CERTAIN : LIKELY);
	finding_cite(f, &s->out);
	finding_cite(f, &s->out_again_last);
	finding_cite(f, &s->out_before);
	finding_cite(f, &o->last);
	if (idle >= limit(LIMIT_IDLE))
		finding_say(f, "It was idle for %s.", time_text(idle, text));
	time_text(since(&s->out, &s->out_again_last), text);
	if (seen(&s->fin) && s->out_seq == s->fin_seq)
		finding_say(f, "The FIN was sent %u times over %s, and nothing came back.", s->out_again_count + 1, text);
	else
		finding_say(f, "%u bytes were sent %u times over %s, and nothing came back.", s->out_len,
			s->out_again_count + 1, text);
	return true;
}

/*
 * The same bytes again and again, and the other end still sends, but not what would acknowledge them: they are lost
 * in this direction alone, or dropped for what they are.
 */
static bool unheard(const struct case_ *k, const struct side *s, struct finding *f)
{
	const struct side *o = s == k->a ? k->b : k->a;
	char text[24];

	if (!seen(&s->out) || s->out_again_count <= REPEATS_LOST || since(&s->out, &s->out_again_last) < TV_S)
		return false;
	/* The handshake again is another rule's. */
	if (seen(&o->rst) || !is_behind(&o->last, &s->out_again) || o->packets == o->syn_count)
		return false;
	finding_start(f, k->c, WORD_PEER_GONE_DATA_UNACKED, LIKELY);
	finding_cite(f, &s->out);
	finding_cite(f, &s->out_again);
	finding_cite(f, &s->out_again_last);
	finding_cite(f, &o->last);
	finding_say(f, "%u bytes were sent %u times over %s, while the other end still sends: only this direction is "
		"broken.", s->out_len, s->out_again_count + 1, time_text(since(&s->out, &s->out_again_last), text));
	return true;
}

bool rule_peer_gone(const struct case_ *k, struct finding *f)
{
	if (!is_established(k->c) && !k->c->late)
		return false;
	return peer_gone(k, k->a, f) || peer_gone(k, k->b, f) || unheard(k, k->b, f) || unheard(k, k->a, f);
}

/* ------------------------------------------------------------------------------------------ */
/* Resets                                                                                      */

static void say_reset(const struct case_ *k, const struct side *s, struct finding *f)
{
	const struct side *o = s == k->a ? k->b : k->a;

	finding_say(f, "Reset by the %s; it had sent %llu bytes and received %llu.", s == k->a ? "client" : "server",
		(unsigned long long)s->bytes, (unsigned long long)o->bytes);
}

/* An RST without ACK answers a packet for which there is no connection. */
static bool reset_unknown(const struct case_ *k, struct finding *f)
{
	const struct side *a = k->a, *b = k->b;
	bool fits = b->rst_seq == a->sent_ack;
	tv_time silence = since(&b->last, &b->rst);
	char text[24];

	if (b->syn_is_answer && b->packets <= (uint32_t)b->syn_count + b->rst_count && b->rst_seq == b->isn + 1 &&
		since(&k->c->ack, &b->rst) < 2 * since(&a->syn, &k->c->ack) + limit(LIMIT_STALE)) {
		finding_start(f, k->c, WORD_ACCEPT_QUEUE_OVERFLOW_RESET, LIKELY);
		finding_cite(f, &b->rst);
		finding_cite(f, &k->c->ack);
		return true;
	}
	if (!fits || silence < limit(LIMIT_STALE))
		return false;
	finding_start(f, k->c, WORD_RESET_STALE_CONNECTION, LIKELY);
	finding_cite(f, &a->last);
	finding_cite(f, &b->rst);
	finding_say(f, "The RST answers a packet after %s of silence.", time_text(silence, text));
	return true;
}

/*
 * The client had closed when the RST came, and its request was answered: all that it wanted is there, unless
 * the answer was still coming. Only its FIN may be without an acknowledgment.
 */
static bool has_enough(const struct side *a, const struct side *b)
{
	if (!seen(&a->fin) || is_behind(&a->fin, &b->rst))
		return false;
	if (a->bytes == 0)
		return true;
	return b->bytes && !is_behind(&b->data_last, &a->fin) && (!seen(&a->out) || a->out_seq == a->fin_seq);
}

static bool reset_by_server(const struct case_ *k, struct finding *f)
{
	const struct side *a = k->a, *b = k->b;
	const struct host *host;

	/* It had closed before it got the request, which it resets: the client has nothing. */
	if (seen(&b->fin) && b->bytes == 0 && a->bytes && !seen(&a->data_acked) && !k->c->late) {
		finding_start(f, k->c, WORD_RESET_AFTER_ACCEPT, LIKELY);
		finding_cite(f, &b->fin);
		finding_cite(f, &b->rst);
		return true;
	}
	if (seen(&b->fin) || has_enough(a, b))
		return false;
	if (rst_is_foreign(k, b, &host) && b->ttl == host->ttl_min) {
		finding_start(f, k->c, WORD_RESET_BY_MIDDLEBOX, LIKELY);
		finding_cite(f, &host->first);
		finding_cite(f, &b->rst);
		finding_say(f, "The RST came with TTL %u, the packets of the same host with %u.", b->rst_ttl, host->ttl_min);
		return true;
	}
	if (!b->rst_has_ack && reset_unknown(k, f))
		return true;
	if (b->bytes == 0 && k->c->late)
		return false;
	finding_start(f, k->c, b->bytes ? WORD_RESET_MID_TRANSFER : WORD_RESET_AFTER_ACCEPT, CERTAIN);
	finding_cite(f, &b->rst);
	if (b->bytes == 0) {
		finding_cite(f, &b->syn);
		finding_cite(f, &k->c->ack);
	}
	say_reset(k, b, f);
	return true;
}

/*
 * The client had closed, and resets what still comes. An answer that comes when it had given up is late, which
 * is another rule's; a few bytes are a farewell; more are a transfer that was broken off.
 */
static bool reset_late_text(const struct case_ *k, struct finding *f)
{
	const struct side *a = k->a, *b = k->b;

	if (!seen(&b->out) || !is_behind(&b->data_last, &a->fin) || b->next - b->acked < FULL_SIZE)
		return false;
	if (is_behind(&b->data, &a->fin) && since(&a->data_last, &a->fin) >= limit(LIMIT_SERVER_SILENT))
		return false;
	finding_start(f, k->c, WORD_RESET_MID_TRANSFER, LIKELY);
	finding_cite(f, &a->fin);
	finding_cite(f, &a->rst);
	finding_say(f, "The client had closed, and %u bytes more came.", b->next - b->acked);
	return true;
}

/* A client that hangs up with RST when it has what it wanted is healthy; in the middle it is not. */
static bool reset_by_client(const struct case_ *k, struct finding *f)
{
	const struct side *a = k->a, *b = k->b;
	const struct host *host;

	if (seen(&a->fin) && !seen(&b->fin))
		return reset_late_text(k, f);
	if (seen(&b->fin) || seen(&a->fin))
		return false;
	/* It no longer had the connection, whose end is older than the capture. */
	if (k->c->late && !a->rst_has_ack && a->packets == a->rst_count)
		return false;
	if (rst_is_foreign(k, a, &host) && a->ttl == host->ttl_min) {
		finding_start(f, k->c, WORD_RESET_BY_MIDDLEBOX, LIKELY);
		finding_cite(f, &host->first);
		finding_cite(f, &a->rst);
		finding_say(f, "The RST came with TTL %u, the packets of the same host with %u.", a->rst_ttl, host->ttl_min);
		return true;
	}
	if (!a->rst_has_ack && since(&a->last, &a->rst) >= limit(LIMIT_STALE) && a->rst_seq == b->sent_ack &&
		b->bytes) {
		finding_start(f, k->c, WORD_RESET_STALE_CONNECTION, LIKELY);
		finding_cite(f, &b->last);
		finding_cite(f, &a->rst);
		return true;
	}
	if ((a->bytes == 0 && b->bytes == 0) || (!seen(&a->out) && !seen(&b->out)))
		return false;
	finding_start(f, k->c, WORD_RESET_MID_TRANSFER, CERTAIN);
	finding_cite(f, &a->rst);
	say_reset(k, a, f);
	return true;
}

bool rule_reset(const struct case_ *k, struct finding *f)
{
	const struct side *a = k->a, *b = k->b;

	/* An RST before the SYN,ACK refused an earlier copy of the SYN. */
	if (!is_established(k->c) || (seen(&b->rst) && is_behind(&b->syn, &b->rst)))
		return false;
	if (seen(&b->rst) && (!seen(&a->rst) || is_behind(&a->rst, &b->rst)))
		return reset_by_server(k, f);
	if (seen(&a->rst))
		return reset_by_client(k, f);
	return false;
}

/* ------------------------------------------------------------------------------------------ */
/* Ends                                                                                        */

/* The server did answer, and nothing of it arrived. */
static bool answer_lost(const struct case_ *k, tv_time waited, struct finding *f)
{
	if (k->b->hole_to - k->b->hole_from > window_max(k->a))
		return false;
	say_missing(k, k->b, waited, f);
	return true;
}

/*
 * Nobody said a word, until the client gave up: it may have waited for the server to begin. A server whose
 * application lives closes in turn.
 */
static bool no_banner(const struct case_ *k, struct finding *f)
{
	const struct side *a = k->a, *b = k->b;
	tv_time waited = since(&k->c->ack, &a->fin);
	char text[24];

	if (b->bytes || !seen(&a->fin_acked) || seen(&b->fin) || seen(&b->rst) || k->c->gap)
		return false;
	if (waited < limit(LIMIT_SERVER_SILENT))
		return false;
	if (seen(&b->hole))
		return answer_lost(k, waited, f);
	finding_start(f, k->c, WORD_SERVER_SILENT, LIKELY);
	finding_cite(f, &k->c->ack);
	finding_cite(f, &a->fin);
	finding_cite(f, &a->fin_acked);
	finding_say(f, "Neither end said a word in %s; then the client gave up.", time_text(waited, text));
	return true;
}

/*
 * The last thing that the client said was acknowledged, and no byte answered it, until the client gave up
 * (and the server does not even close then), or for very long. A server that closes in turn was only told
 * something that wants no answer.
 */
bool rule_server_silent(const struct case_ *k, struct finding *f)
{
	const struct side *a = k->a, *b = k->b;
	const struct mark *up = seen(&a->fin) ? &a->fin : &a->rst;
	tv_time waited;
	char text[24];
	bool late;

	/* An answer that came when the client had given up, and that it reset, is none. */
	late = seen(&a->fin) && is_behind(&b->data, &a->fin) && is_behind(&a->rst, &b->data);
	if (!is_established(k->c) || k->c->late)
		return false;
	if (!a->bytes)
		return no_banner(k, f);
	if (!seen(&a->data_acked))
		return false;
	if (!late && (seen(&b->fin) || seen(&b->rst) || is_behind(&b->data_last, &a->data_last)))
		return false;
	if (k->c->gap)
		return false;
	if (seen(up)) {
		waited = since(&a->data_last, up);
		if (waited < limit(LIMIT_SERVER_SILENT))
			return false;
	} else {
		waited = k->end > mark_time(&a->data_last) ? k->end - mark_time(&a->data_last) : 0;
		if (waited < limit(LIMIT_SERVER_SILENT_OPEN) || seen(&a->out) || b->bytes || a->probes_answered)
			return false;
	}
	if (seen(&b->hole))
		return answer_lost(k, waited, f);
	finding_start(f, k->c, WORD_SERVER_SILENT, seen(up) && !b->bytes ? CERTAIN : LIKELY);
	finding_cite(f, &a->data_last);
	finding_cite(f, &a->data_acked);
	finding_cite(f, up);
	finding_say(f, "The client waited %s%s%s.", time_text(waited, text), seen(up) ? " and gave up" : "",
		late ? "; the answer came later" : "");
	return true;
}

/* One end closed and the other did not for very long, and does not send either. */
static bool close_wait(const struct case_ *k, const struct side *s, struct finding *f)
{
	const struct side *o = s == k->a ? k->b : k->a;
	tv_time age;
	char text[24];

	if (!seen(&o->fin) || !seen(&o->fin_acked) || seen(&s->fin) || seen(&s->rst) || seen(&o->rst))
		return false;
	if (is_behind(&s->data_last, &o->fin) || seen(&s->out) || seen(&s->hole))
		return false;
	age = k->end > mark_time(&o->fin_acked) ? k->end - mark_time(&o->fin_acked) : 0;
	if (age < limit(LIMIT_CLOSE_WAIT))
		return false;
	finding_start(f, k->c, WORD_CLOSE_WAIT_LEAK, LIKELY);
	finding_cite(f, &o->fin);
	finding_cite(f, &o->fin_acked);
	finding_say(f, "The %s is in CLOSE-WAIT since %s.", s == k->a ? "client" : "server", time_text(age, text));
	return true;
}

bool rule_close_wait(const struct case_ *k, struct finding *f)
{
	return is_established(k->c) && !k->c->late && (close_wait(k, k->b, f) || close_wait(k, k->a, f));
}

/* Both ends talk, and neither SYN was captured. */
bool rule_late(const struct case_ *k, struct finding *f)
{
	if (!k->c->late || k->a->syn_seen || !seen(&k->c->first))
		return false;
	finding_start(f, k->c, WORD_NO_HANDSHAKE_IN_CAPTURE, CERTAIN);
	finding_cite(f, &k->c->first);
	return true;
}
