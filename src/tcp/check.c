/*
 * check.c - every invariant of a connection, for tests, simulation and fuzzing: it runs after each call
 * there. Returns 0, or the line of the condition that does not hold.
 */
#include "base/check.h"
#include "tcp/core.h"

#define MUST(condition)                                                                             \
	do {                                                                                        \
		if (!(condition))                                                                   \
			return __LINE__;                                                            \
	} while (0)

static int check_flight(const struct tv_core *c, const struct tv_tcb *t, const struct tv_busy *b)
{
	uint32_t seq = tv_out_seq(t), sacked = 0, lost = 0, again = 0;

	MUST(tv_ranges_check(&b->flight, &c->ranges, tv_region(c)) == 0);
	MUST(b->flight.count <= c->cfg.ranges_each + 8);
	for (uint32_t i = b->flight.first; i != 0; i = tv_ranges_next(&c->ranges, tv_region(c), i)) {
		const struct tv_range *r = tv_range_at(&c->ranges, tv_region(c), i);

		MUST(r->seq == seq && r->len != 0 && r->flags < 8 && r->sent != 0);
		seq += r->len;
		lost += (r->flags & 1) != 0 ? r->len : 0;
		sacked += (r->flags & 2) != 0 ? r->len : 0;
		again += (r->flags & 4) != 0 ? r->len : 0;
	}
	MUST((t->flags & TV_F_ALONE) == 0 || b->flight.count == 0);
	MUST(seq == t->snd.nxt || b->flight.count == 0);
	MUST(b->flight.count != 0 || t->snd.una == t->snd.nxt || t->state <= TV_SYN_RECEIVED ||
	     (t->flags & TV_F_ALONE) != 0);
	MUST(sacked == b->sacked && lost == b->lost && again == b->again);
	MUST(sacked + lost + again <= t->snd.nxt - t->snd.una);
	return 0;
}

static int check_early(const struct tv_core *c, const struct tv_tcb *t, const struct tv_busy *b)
{
	uint32_t bytes = 0, held = 0, end = t->rcv.nxt;

	MUST(tv_ranges_check(&b->early, &c->ranges, tv_region(c)) == 0);
	for (uint32_t i = b->early.first; i != 0; i = tv_ranges_next(&c->ranges, tv_region(c), i)) {
		const struct tv_range *r = tv_range_at(&c->ranges, tv_region(c), i);

		MUST(seq_gt(r->seq, end)); /* a gap before each piece */
		MUST(r->u.data.bytes.len == r->len);
		MUST(tv_stream_check(&r->u.data.bytes, &c->pages, tv_region(c)) == 0);
		end = r->seq + r->len;
		bytes += r->len;
		held += tv_stream_held(&r->u.data.bytes, &c->pages, tv_region(c));
	}
	MUST(bytes == b->early_bytes && held == b->early_held);
	MUST(seq_leq(end, t->rcv.adv)); /* nothing beyond what was offered */
	return 0;
}

static int check_state(const struct tv_tcb *t)
{
	bool fin_sent_state = t->state == TV_FIN_WAIT_2 || t->state == TV_CLOSING || t->state == TV_TIME_WAIT;
	bool fin_seen = t->state == TV_CLOSE_WAIT || t->state == TV_CLOSING || t->state == TV_LAST_ACK ||
	                t->state == TV_TIME_WAIT;

	MUST(t->state < TV_STATE_COUNT && t->state != TV_LISTEN);
	MUST(!fin_seen || (t->flags & TV_F_FIN_RECEIVED) != 0);
	MUST(!fin_sent_state || (t->flags & TV_F_FIN_QUEUED) != 0);
	MUST(t->state != TV_FIN_WAIT_2 || t->snd.una == t->snd.nxt);
	MUST(t->state < TV_ESTABLISHED || seq_leq(t->rcv.nxt, t->rcv.adv));
	MUST(seq_leq(t->snd.una, t->snd.nxt));
	MUST(t->state == TV_CLOSED || t->snd.nxt - t->snd.una <= t->out.len + 2);
	MUST(t->snd.wnd <= (uint32_t)UINT16_MAX << 14 && t->opt.snd_scale <= 14 && t->opt.rcv_scale <= 14);
	MUST(t->state == TV_CLOSED || (t->opt.mss >= 36 && t->cc.cwnd >= 1));
	return 0;
}

static int check_fastopen(const struct tv_core *c, const struct tv_tcb *t)
{
	unsigned what = t->opt.fastopen & TV_FO_WHAT;
	bool client = what != TV_FO_NONE && what != TV_FO_ACCEPTED;

	MUST(what < TV_FASTOPEN_COUNT);
	MUST(!client || (t->flags & TV_F_ACTIVE) != 0);
	MUST((what != TV_FO_PLANNED && what != TV_FO_REQUESTED && what != TV_FO_SENT) || t->state <= TV_SYN_RECEIVED);
	if ((t->flags & TV_F_PENDING) == 0)
		return 0;
	MUST(t->state == TV_SYN_RECEIVED && what == TV_FO_ACCEPTED && (t->flags & TV_F_ACTIVE) == 0);
	MUST(t->listener != 0 && tv_listener_at(c, t->listener - 1u)->fastopen.now != 0);
	return 0;
}

int tv_tcb_check(const struct tv_core *c, const struct tv_tcb *t)
{
	const struct tv_busy *b = tv_busy(c, t);
	int line = check_state(t);

	if (line == 0)
		line = check_fastopen(c, t);
	if (line != 0)
		return line;
	MUST(tv_stream_check(&t->out, &c->pages, tv_region(c)) == 0);
	MUST(tv_stream_check(&t->in, &c->pages, tv_region(c)) == 0);
	MUST(t->state != TV_CLOSED || (t->out.len == 0 && t->busy == 0 && t->timer.main == 0));
	/* Liveness: what is in flight has a timer, and so has what waits for a window. */
	MUST(t->state == TV_CLOSED || t->state == TV_TIME_WAIT || t->snd.una == t->snd.nxt || t->timer.main != 0);
	MUST(t->state < TV_ESTABLISHED || t->state == TV_TIME_WAIT || t->out.len == 0 || t->timer.main != 0 ||
	     (t->want & (TV_WANT_SEND | TV_WANT_PUSH)) != 0 || (t->flags & (TV_F_CORK | TV_F_MORE)) != 0);
	/* Nothing but a SYN is said before there is somebody who has answered, and nothing after the end. */
	MUST((t->state != TV_SYN_SENT && t->state != TV_CLOSED) ||
	     (t->want & (TV_WANT_ACK | TV_WANT_PROBE | TV_WANT_KEEPALIVE)) == 0);
	MUST(t->timer.main == 0 || t->timer.node.where != 0 || (t->flags & TV_F_SCRATCH) != 0);
	MUST((t->flags & TV_F_ALONE) == 0 || t->snd.una != t->snd.nxt);
	if (b == NULL) {
		MUST(t->state < TV_ESTABLISHED || t->snd.una == t->snd.nxt || (t->flags & TV_F_ALONE) != 0);
		return 0;
	}
	line = check_flight(c, t, b);
	return line != 0 ? line : check_early(c, t, b);
}
