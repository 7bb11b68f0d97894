/*
 * tracker_state.c - the states of both ends, concluded from what passed between them.
 *
 * A capture shows packets, not states: whoever sent a FIN after ESTABLISHED is in FIN-WAIT-1, and
 * that it arrived is known when its acknowledgment passes. Each step is allowed only where the
 * stack's own table allows it; what the table does not allow is not concluded.
 */
#include "diagnose/tracker.h"
#include "tcp/state.h"

static void move(struct side *s, enum tv_state to)
{
	if (s->state != to && tv_state_legal((enum tv_state)s->state, to))
		s->state = (uint8_t)to;
}

static void move_on_ack_of_fin(struct side *s)
{
	switch ((enum tv_state)s->state) {
	case TV_FIN_WAIT_1: move(s, TV_FIN_WAIT_2); return;
	case TV_CLOSING: move(s, TV_TIME_WAIT); return;
	case TV_LAST_ACK: move(s, TV_CLOSED); return;
	case TV_CLOSED:
	case TV_LISTEN:
	case TV_SYN_SENT:
	case TV_SYN_RECEIVED:
	case TV_ESTABLISHED:
	case TV_FIN_WAIT_2:
	case TV_CLOSE_WAIT:
	case TV_TIME_WAIT:
	case TV_STATE_COUNT: return;
	}
}

/* What the receiver of a FIN becomes. */
static void move_on_fin(struct side *s)
{
	switch ((enum tv_state)s->state) {
	case TV_SYN_RECEIVED:
	case TV_ESTABLISHED: move(s, TV_CLOSE_WAIT); return;
	case TV_FIN_WAIT_1: move(s, TV_CLOSING); return;
	case TV_FIN_WAIT_2: move(s, TV_TIME_WAIT); return;
	case TV_CLOSED:
	case TV_LISTEN:
	case TV_SYN_SENT:
	case TV_CLOSE_WAIT:
	case TV_CLOSING:
	case TV_LAST_ACK:
	case TV_TIME_WAIT:
	case TV_STATE_COUNT: return;
	}
}

static void take_syn(struct conn *c, struct side *s, struct side *o, const struct packet *p)
{
	if (p->flags & TV_ACK) {
		move(s, TV_SYN_RECEIVED);
		return;
	}
	if (s->state == TV_CLOSED || (s->state == TV_LISTEN && c->simultaneous))
		s->state = TV_SYN_SENT;
	if (o->state == TV_LISTEN)
		return;
	if (c->simultaneous)
		move(o, TV_SYN_RECEIVED);
}

void state_take(struct conn *c, unsigned from, const struct packet *p)
{
	struct side *s = &c->side[from], *o = &c->side[!from];

	if (p->flags & TV_RST) {
		if (seen(&s->rst))
			s->state = o->state = TV_CLOSED;
		return;
	}
	if (p->flags & TV_SYN) {
		take_syn(c, s, o, p);
		if (!c->simultaneous || !(p->flags & TV_ACK))
			return;
	}
	if (c->late && s->state <= TV_LISTEN && !(p->flags & TV_SYN)) {
		s->state = TV_ESTABLISHED;
		if (o->state <= TV_LISTEN)
			o->state = TV_ESTABLISHED;
	}
	if (!(p->flags & TV_ACK))
		return;
	/* It acknowledges the other's SYN: this end is open, and so is the other when it arrives. */
	if (seen(&c->ack) || c->late) {
		if (s->state == TV_SYN_SENT || s->state == TV_SYN_RECEIVED)
			move(s, TV_ESTABLISHED);
		if (o->state == TV_SYN_RECEIVED)
			move(o, TV_ESTABLISHED);
	}
	if (seen(&o->fin_acked))
		move_on_ack_of_fin(o);
	if (p->flags & TV_FIN) {
		move(s, s->state == TV_CLOSE_WAIT ? TV_LAST_ACK : TV_FIN_WAIT_1);
		move_on_fin(o);
	}
}
