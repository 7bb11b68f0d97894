/*
 * timers.c - the deadlines of a connection and what happens when one has passed.
 *
 * A connection has four: `main` (retransmission, or zero-window probe, or the silly-window override:
 * never two of them at once), `ack` (delayed ACK), `keep` (keepalive) and `life` (2 MSL, FIN-WAIT-2).
 * They are ticks modulo 2^32, 0 meaning off (a deadline that would be 0 is made 1). Only the earliest
 * is armed on the wheel, and moving a deadline later does not touch the wheel: the wheel then fires
 * once for nothing and is armed again. What waits longer than 2^30 ticks (19 hours) looks again then.
 *
 * For the same reason a node outlives its connection: it belongs to the place in the pool. What ends leaves
 * it on the wheel, if it fires soon, and the next connection in that place finds it armed early enough for
 * most of its deadlines. So connections that come and go quickly hardly touch the wheel.
 *
 * Among many connections a record that fires for nothing has to be fetched from memory for it: there, who waits for
 * nothing any more when a segment has been taken leaves the wheel, if it is in one of its queues (tv_timers_rest()).
 *
 * Deadlines are never early and late by at most a tick. They run inside tv_output() only and build no
 * packet: they set wants.
 */
#include "tcp/close/orphan.h"
#include "tcp/open/open.h"
#include "tcp/timers.h"

#define LATER_NS TV_S

static void set(const struct tv_core *c, struct tv_tcb *t, uint32_t *deadline, tv_time after)
{
	if (after == TV_NEVER)
		*deadline = 0;
	else
		tv_deadline_at(t, deadline, tv_tick_after(c, after));
}

void tv_timer_main(struct tv_core *c, struct tv_tcb *t, tv_time after)
{
	set(c, t, &t->timer.main, after);
}

void tv_timer_ack(struct tv_core *c, struct tv_tcb *t, tv_time after)
{
	set(c, t, &t->timer.ack, after);
}

void tv_timer_keep(struct tv_core *c, struct tv_tcb *t, tv_time after)
{
	set(c, t, &t->timer.keep, after);
}

void tv_timer_life(struct tv_core *c, struct tv_tcb *t, tv_time after)
{
	set(c, t, &t->timer.life, after);
}

/* The earlier of two deadlines, 0 being none; both lie within 2^31 of now. */
static uint32_t earlier(uint32_t now, uint32_t a, uint32_t b)
{
	int32_t until_a = (int32_t)(a - now), until_b = (int32_t)(b - now);

	if (a == 0 || b == 0)
		return a | b;
	return now + (uint32_t)(until_a < until_b ? until_a : until_b);
}

static uint32_t earliest(const struct tv_tcb *t, uint32_t now)
{
	return earlier(now, earlier(now, t->timer.main, t->timer.ack), earlier(now, t->timer.keep, t->timer.life));
}

/* The wheel stands where tv_output() left it: if that was long ago it fires early, and we look again. */
static void arm(struct tv_core *c, struct tv_tcb *t, uint64_t tick)
{
	tv_wheel_arm(&c->wheel, tv_region(c), tv_conn_index(c, t), tv_min64(tick, c->wheel.now + INT32_MAX));
}

void tv_timers_arm(struct tv_core *c, struct tv_tcb *t)
{
	uint64_t now = c->now >> TV_TICK_SHIFT;
	uint32_t at;

	t->flags &= ~(uint32_t)TV_F_TIMERS;
	if ((t->timer.main | t->timer.ack | t->timer.keep | t->timer.life) == 0) {
		/* Idle, but for what it was busy with: the wheel looks once more and gives that back. */
		if (t->busy != 0 && t->timer.node.where == 0)
			arm(c, t, tv_tick_up(c->now + tv_rto_ns(c, t)));
		return;
	}
	at = earliest(t, (uint32_t)now);
	if (t->timer.node.where == 0 || (int32_t)(t->timer.node.at - at) > 0)
		arm(c, t, now + (uint64_t)(int64_t)(int32_t)(at - (uint32_t)now));
}

tv_time tv_timers_next(const struct tv_core *c, const struct tv_tcb *t)
{
	uint64_t now = c->now >> TV_TICK_SHIFT;
	uint32_t at = earliest(t, (uint32_t)now);

	return at == 0 ? TV_NEVER : (now + (uint64_t)(int64_t)(int32_t)(at - (uint32_t)now)) << TV_TICK_SHIFT;
}

/* How long has the peer owed an answer? To text in flight since it went out; while its window is closed
 * it owes one to each probe and no more [MUST-37] [SHLD-17], unless the user has let go: then the closed window
 * itself may last so long and no longer (RFC 6429). */
static tv_time silence(const struct tv_core *c, const struct tv_tcb *t)
{
	uint32_t ms = c->now_ms - t->progress_ms;

	if (t->snd.wnd == 0 && (t->flags & TV_F_RELEASED) == 0)
		ms = tv_min32(ms, c->now_ms - t->received_ms);
	return (tv_time)ms * TV_MS;
}

/* What is left of the user time-out; without one, longer than any other wait. */
static tv_time left_of_limit(const struct tv_core *c, const struct tv_tcb *t)
{
	tv_time limit = tv_owing_limit(c, t);

	return limit - tv_min64(silence(c, t), limit);
}

tv_time tv_rtx_wait(const struct tv_core *c, const struct tv_tcb *t)
{
	return tv_min64(tv_rto_ns(c, t), left_of_limit(c, t));
}

void tv_keepalive_restart(struct tv_core *c, struct tv_tcb *t)
{
	const struct tv_options *o = tv_opts(c, t);

	if (!o->keepalive || !tv_state_synchronised((enum tv_state)t->state) || t->state == TV_TIME_WAIT) {
		t->timer.keep = 0;
		return;
	}
	tv_timer_keep(c, t, o->keepalive_idle); /* RFC 9293 3.8.4 [MUST-26] [MUST-27] */
}

static uint32_t syn_tries(const struct tv_core *c, const struct tv_tcb *t)
{
	const struct tv_options *o = tv_opts(c, t);

	if ((t->flags & TV_F_ACTIVE) != 0)
		return o->syn_tries != 0 ? o->syn_tries : c->cfg.syn_tries;
	return o->syn_ack_tries != 0 ? o->syn_ack_tries : c->cfg.syn_ack_tries;
}

/* The SYN (or the SYN-ACK of a full record) was not answered: the same R1 and R2 as for data, with
 * tries as the measure (RFC 9293 3.8.3 [MUST-22] [MUST-23]). */
static void syn_due(struct tv_core *c, struct tv_tcb *t)
{
	uint64_t silent_ms = (uint32_t)(c->now_ms - t->progress_ms);
	tv_time limit = tv_opts(c, t)->user_timeout;
	bool user_limit = limit != c->cfg.defaults.user_timeout && limit != TV_NEVER && silent_ms * TV_MS >= limit;

	if (t->rtt.tries >= syn_tries(c, t) || user_limit) {
		enum tv_reason reason = t->soft_reason != TV_R_NONE ? (enum tv_reason)t->soft_reason
		                        : t->state == TV_SYN_SENT   ? TV_R_SYN_TIMEOUT
		                                                    : TV_R_SYN_ACK_TIMEOUT;
		tv_end(c, t, user_limit ? TV_R_USER_TIMEOUT : reason);
		return;
	}
	tv_count8(&t->rtt.tries);
	if (t->rtt.tries > c->cfg.syn_linear || (t->flags & TV_F_ACTIVE) == 0)
		tv_count8(&t->rtt.backoff);
	t->flags |= TV_F_SYN_LOST;
	tv_fastopen_late(t);
	if (t->rtt.tries == c->cfg.r1)
		tv_tell(c, t, tv_opts(c, t)->soft_errors ? TV_EV_SOFT_ERROR : 0);
	c->cnt.syn_retransmissions++;
	tv_want(c, t, TV_WANT_SYN);
	tv_timer_main(c, t, tv_rto_ns(c, t));
}

/* R2 (RFC 9293 3.8.3 [MUST-20] [MUST-21]): how long may the oldest octet stay unacknowledged? */
static bool gave_up(struct tv_core *c, struct tv_tcb *t)
{
	tv_time limit = tv_owing_limit(c, t), own = tv_opts(c, t)->user_timeout;
	bool tried = (t->flags & TV_F_RELEASED) != 0 && c->cfg.orphan_tries != 0 && t->rtt.tries >= c->cfg.orphan_tries;

	if (!tried && (limit == TV_NEVER || silence(c, t) < limit))
		return false;
	if (limit != own && !tried) {
		c->cnt.evicted++;
		tv_end(c, t, TV_R_EVICTED);
	} else {
		tried = tried || own == c->cfg.defaults.user_timeout;
		tv_end(c, t, tried ? TV_R_RETRANSMIT_TIMEOUT : TV_R_USER_TIMEOUT);
	}
	return true;
}

static void retransmission_due(struct tv_core *c, struct tv_tcb *t)
{
	struct tv_side *side = tv_side(c, t);

	if (t->state == TV_SYN_SENT || t->state == TV_SYN_RECEIVED) {
		syn_due(c, t);
		return;
	}
	TV_ASSERT(t->snd.una != t->snd.nxt); /* RFC 6298 5.2: it was off, else */
	if (gave_up(c, t)) /* [EV-44] */
		return;
	tv_count8(&t->rtt.tries);
	tv_count8(&t->rtt.backoff); /* RFC 6298 5.5 [MUST-19] */
	c->cnt.rto_events++;
	if (side != NULL)
		side->rto_events++;
	if (t->rtt.tries >= c->cfg.r1 && (t->flags & TV_F_R1_TOLD) == 0) {
		t->flags |= TV_F_R1_TOLD; /* R1: RFC 9293 3.8.3 [MUST-20] [SHLD-9] [SHLD-10] */
		if (tv_opts(c, t)->soft_errors)
			tv_tell(c, t, TV_EV_SOFT_ERROR);
	}
	tv_cc_rto(c, t);
	tv_rtx_lose_all(c, t);
	tv_want(c, t, TV_WANT_SEND);
	tv_timer_main(c, t, tv_rtx_wait(c, t));
}

/* RFC 9293 3.8.6.1: probes go on for as long as the peer answers them [MUST-36] [MUST-37]. */
static void persist_due(struct tv_core *c, struct tv_tcb *t)
{
	if (gave_up(c, t))
		return;
	tv_count8(&t->rtt.probes);
	c->cnt.zero_window_probes++;
	tv_count8(&t->rtt.backoff); /* [SHLD-30] */
	tv_want(c, t, TV_WANT_PROBE);
	tv_timer_main(c, t, tv_min64(tv_min64(tv_rto_ns(c, t), c->cfg.persist_max), left_of_limit(c, t)));
}

void tv_send_later(struct tv_core *c, struct tv_tcb *t)
{
	t->want = 0;
	if (t->state < TV_ESTABLISHED || t->timer.main != 0 || t->snd.una != t->snd.nxt ||
	    (t->out.len == 0 && (t->flags & TV_F_FIN_QUEUED) == 0))
		return; /* nothing new to send, or a timer that asks again */
	if (t->rtt.probes == 0)
		t->progress_ms = c->now_ms;
	else if (gave_up(c, t))
		return;
	tv_count8(&t->rtt.probes);
	t->flags |= TV_F_OVERRIDE;
	tv_timer_main(c, t, LATER_NS);
}

static void main_due(struct tv_core *c, struct tv_tcb *t)
{
	t->timer.main = 0;
	if ((t->flags & TV_F_OVERRIDE) != 0) {
		t->flags &= ~(uint32_t)(TV_F_OVERRIDE | TV_F_MORE);
		if (t->out.len == 0)
			tv_write_room(c, t);
		tv_want(c, t, TV_WANT_SEND | TV_WANT_PUSH); /* RFC 9293 3.8.6.2.1 [MUST-38] [MUST-60] */
	} else if ((t->flags & TV_F_PERSIST) != 0) {
		persist_due(c, t);
	} else {
		retransmission_due(c, t);
	}
}

static void life_due(struct tv_core *c, struct tv_tcb *t)
{
	t->timer.life = 0;
	if (t->state == TV_TIME_WAIT)
		tv_end(c, t, TV_R_NORMAL); /* RFC 9293 3.10.8, TIME-WAIT timeout [MUST-13] */
	else if (t->state == TV_FIN_WAIT_2)
		tv_end(c, t, TV_R_FIN_TIMEOUT);
}

void tv_timers_due(struct tv_core *c, struct tv_tcb *t)
{
	uint32_t now = (uint32_t)(c->now >> TV_TICK_SHIFT);

	if (t->timer.ack != 0 && (int32_t)(now - t->timer.ack) >= 0) {
		t->timer.ack = 0;
		c->cnt.delayed_acks++;
		t->flags &= ~(uint32_t)TV_F_PINGPONG;
		tv_want(c, t, TV_WANT_ACK);
	}
	if (t->timer.main != 0 && (int32_t)(now - t->timer.main) >= 0)
		main_due(c, t);
	if (t->timer.keep != 0 && (int32_t)(now - t->timer.keep) >= 0)
		tv_keepalive_due(c, t);
	if (t->timer.life != 0 && (int32_t)(now - t->timer.life) >= 0)
		life_due(c, t);
	tv_busy_release(c, t);
	tv_timers_arm(c, t);
}
