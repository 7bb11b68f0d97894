/*
 * fin.c - the end of the stream in both directions: the peer's FIN (RFC 9293 3.10.7.4, eighth), ours
 * (3.10.4), and the acknowledgment of ours.
 *
 * A FIN counts when all text before it has arrived; one that comes early waits with the text that came
 * early [EV-34]. Our FIN takes a sequence number behind the last queued octet and is repeated like text.
 */
#include "tcp/close/close.h"

static void fin_received(struct tv_core *c, struct tv_tcb *t)
{
	t->flags |= TV_F_FIN_RECEIVED;
	t->rcv.nxt++;
	t->rcv.adv = seq_max(t->rcv.adv, t->rcv.nxt);
	tv_want(c, t, TV_WANT_ACK);
	tv_tell(c, t, TV_EV_PEER_CLOSED | TV_EV_READABLE); /* RFC 9293 3.9.1.5 [MUST-12] */
	switch ((enum tv_state)t->state) {
	case TV_ESTABLISHED:
		tv_state_set(c, t, TV_CLOSE_WAIT);
		break;
	case TV_FIN_WAIT_1: /* our FIN is not acknowledged, or the state would be FIN-WAIT-2 [EV-28] [EV-40] */
		tv_state_set(c, t, TV_CLOSING);
		break;
	case TV_FIN_WAIT_2:
		tv_time_wait_enter(c, t);
		break;
	case TV_CLOSED:
	case TV_LISTEN:
	case TV_SYN_SENT:
	case TV_SYN_RECEIVED:
	case TV_CLOSE_WAIT:
	case TV_CLOSING:
	case TV_LAST_ACK:
	case TV_TIME_WAIT:
	case TV_STATE_COUNT:
		TV_ASSERT(false);
	}
}

void tv_fin_next(struct tv_core *c, struct tv_tcb *t)
{
	if (tv_state_may_receive((enum tv_state)t->state))
		fin_received(c, t);
	else
		tv_want(c, t, TV_WANT_ACK); /* a retransmitted FIN */
}

int tv_fin_arrives(struct tv_core *c, struct tv_tcb *t, const struct tv_segment *s)
{
	struct tv_busy *b = tv_busy(c, t);
	uint32_t seq = s->seq + s->len;
	bool here = (s->flags & TV_FIN) != 0;

	if (!tv_state_may_receive((enum tv_state)t->state)) {
		if (here)
			tv_want(c, t, TV_WANT_ACK); /* a retransmitted FIN */
		return TV_V_OK;
	}
	if (b != NULL && b->fin_early && b->fin == t->rcv.nxt) {
		b->fin_early = false;
		fin_received(c, t);
		return TV_V_OK;
	}
	if (!here)
		return TV_V_OK;
	tv_want(c, t, TV_WANT_ACK);
	if ((b != NULL && b->fin_early) || !seq_in(seq, t->rcv.nxt, t->rcv.adv))
		return TV_V_OK; /* the first FIN fixes the end; one beyond the window comes again [EV-19] */
	if (seq == t->rcv.nxt) {
		tv_early_clip(c, t, seq);
		fin_received(c, t);
	} else if ((b = tv_busy_take(c, t)) != NULL) {
		b->fin_early = true;
		b->fin = seq;
		tv_early_clip(c, t, seq);
	}
	return TV_V_OK;
}

void tv_fin_acked(struct tv_core *c, struct tv_tcb *t)
{
	switch ((enum tv_state)t->state) {
	case TV_FIN_WAIT_1:
		tv_state_set(c, t, TV_FIN_WAIT_2);
		tv_fin_wait_2_limit(c, t);
		break;
	case TV_CLOSING:
		tv_time_wait_enter(c, t);
		break;
	case TV_LAST_ACK:
		tv_end(c, t, TV_R_NORMAL); /* [EV-30] */
		break;
	case TV_CLOSED:
	case TV_LISTEN:
	case TV_SYN_SENT:
	case TV_SYN_RECEIVED:
	case TV_ESTABLISHED:
	case TV_FIN_WAIT_2:
	case TV_CLOSE_WAIT:
	case TV_TIME_WAIT:
	case TV_STATE_COUNT:
		break;
	}
}

/* Nobody will read what comes: the peer has only so long to send its FIN (Linux: tcp_fin_timeout). */
void tv_fin_wait_2_limit(struct tv_core *c, struct tv_tcb *t)
{
	if (t->state == TV_FIN_WAIT_2 && (t->flags & TV_F_RELEASED) != 0)
		tv_timer_life(c, t, tv_opts(c, t)->fin_wait_2);
}

void tv_close_send(struct tv_core *c, struct tv_tcb *t)
{
	t->flags |= TV_F_FIN_QUEUED;
	if (t->state == TV_ESTABLISHED)
		tv_state_set(c, t, TV_FIN_WAIT_1);
	else if (t->state == TV_CLOSE_WAIT)
		tv_state_set(c, t, TV_LAST_ACK);
	else
		return; /* SYN-SENT, SYN-RECEIVED: when ESTABLISHED (RFC 9293 3.10.4) */
	tv_want(c, t, TV_WANT_SEND);
}
