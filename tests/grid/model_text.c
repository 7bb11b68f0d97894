/*
 * model_text.c - RFC 9293 3.10.7.4, sixth to eighth step: URG, text and FIN. See model.h.
 *
 * Text that arrives above a gap is held [SHLD-31] as a short list of ranges, in no order, and is
 * looked through again whenever RCV.NXT moves. The peer's FIN is held in the same way. The first
 * FIN that is believed fixes the end of the stream: nothing behind it counts.
 */
#include "model.h"

static bool may_receive(enum model_state state)
{
	return state == M_ESTABLISHED || state == M_FIN_WAIT_1 || state == M_FIN_WAIT_2;
}

/* sixth: "RCV.UP <- max(RCV.UP,SEG.UP)", SEG.UP being the number of the octet behind [MUST-62]. */
static void take_urg(struct model *m, const struct model_segment *s, struct model_result *r)
{
	uint32_t up = s->seq + s->up;

	if (!(s->flags & M_URG) || !may_receive(m->state))
		return; /* "This should not occur since a FIN has been received. Ignore the URG." */
	if (m->urgent && model_le(up, m->rcv_up))
		return;
	if (model_le(up, m->rcv_nxt))
		return; /* not "in advance of the data consumed" */
	m->urgent = true;
	m->rcv_up = up;
	r->events |= M_EV_URGENT; /* it appeared, or it advanced [MUST-32] */
}

/* How many octets of from..to are held already. */
static uint32_t overlap(const struct model *m, uint32_t from, uint32_t to)
{
	uint32_t n = 0, x;

	for (x = from; x != to; x++) {
		for (unsigned i = 0; i < m->held_count; i++)
			n += model_within(x, m->held[i].from, m->held[i].to - m->held[i].from);
	}
	return n;
}

/* Joins from..to with every range that it touches. */
static void hold(struct model *m, uint32_t from, uint32_t to)
{
	unsigned i = 0;

	while (i < m->held_count) {
		if (model_le(m->held[i].from, to) && model_le(from, m->held[i].to)) {
			from = model_lt(m->held[i].from, from) ? m->held[i].from : from;
			to = model_lt(to, m->held[i].to) ? m->held[i].to : to;
			m->held[i] = m->held[--m->held_count];
			i = 0;
		} else {
			i++;
		}
	}
	if (m->held_count < M_HELD_MAX) {
		m->held[m->held_count].from = from;
		m->held[m->held_count].to = to;
		m->held_count++;
	}
}

/* Moves RCV.NXT over what is held at it; the sum of RCV.NXT and RCV.WND stays. */
static void deliver(struct model *m, struct model_result *r)
{
	for (unsigned i = 0; i < m->held_count; i++) {
		if (m->held[i].from != m->rcv_nxt)
			continue;
		r->delivered += m->held[i].to - m->rcv_nxt;
		m->rcv_wnd -= m->held[i].to - m->rcv_nxt;
		m->rcv_nxt = m->held[i].to;
		m->held[i] = m->held[--m->held_count];
		return;
	}
}

/* seventh: "process the segment text". */
static void take_text(struct model *m, const struct model_segment *s, struct model_result *r)
{
	uint32_t from = s->seq + (s->flags & M_SYN ? 1 : 0), to = from + s->text;
	uint32_t edge = m->rcv_nxt + m->rcv_wnd, before = m->rcv_nxt, known;
	bool gap = m->held_count > 0;

	if (s->text == 0)
		return;
	/* "only the new parts are processed"; "trimming off any portions that lie outside the window" */
	if (model_lt(from, m->rcv_nxt))
		from = m->rcv_nxt;
	if (model_lt(edge, to))
		to = edge;
	if (m->fin_held && model_lt(m->fin_at, to))
		to = m->fin_at;
	if (model_lt(from, to)) {
		known = overlap(m, from, to);
		hold(m, from, to);
		deliver(m, r);
		if (m->rcv_nxt == before)
			r->held = to - from - known;
	}
	/* in order: may be delayed; a duplicate, above a gap or filling one: at once (RFC 5681 4.2) */
	model_ack(m, r, m->rcv_nxt != before && !gap ? M_REPLY_SOON : M_REPLY_NOW);
}

/* eighth: the state changes of a FIN whose turn has come. */
static void fin_in_order(struct model *m, struct model_result *r)
{
	m->rcv_nxt++; /* "advance RCV.NXT over the FIN" */
	if (m->rcv_wnd > 0)
		m->rcv_wnd--;
	m->fin_held = false;
	m->held_count = 0;
	r->events |= M_EV_END;
	switch (m->state) {
	case M_ESTABLISHED:
		m->state = M_CLOSE_WAIT;
		return;
	case M_FIN_WAIT_1:
		m->state = M_CLOSING; /* our FIN is not acknowledged, or this would be FIN-WAIT-2 */
		return;
	case M_FIN_WAIT_2:
		m->state = M_TIME_WAIT;
		r->restart_2msl = true;
		return;
	case M_SYN_RECEIVED: /* "enter the CLOSE-WAIT state", but the fifth step has left this one */
	case M_CLOSED:
	case M_LISTEN:
	case M_SYN_SENT:
	case M_CLOSE_WAIT:
	case M_CLOSING:
	case M_LAST_ACK:
	case M_TIME_WAIT:
	case M_STATES:
		return; /* "Remain in the ... state." */
	}
}

/* Nothing follows the FIN: what was held behind it was never part of the stream. */
static void forget_behind(struct model *m, uint32_t end)
{
	for (unsigned i = 0; i < m->held_count;) {
		if (model_le(end, m->held[i].from)) {
			m->held[i] = m->held[--m->held_count];
			continue;
		}
		if (model_lt(end, m->held[i].to))
			m->held[i].to = end;
		i++;
	}
}

/* eighth: "check the FIN bit". */
static void take_fin(struct model *m, const struct model_segment *s, struct model_result *r)
{
	uint32_t at = s->seq + (s->flags & M_SYN ? 1 : 0) + s->text;

	if (s->flags & M_FIN) {
		/* behind the right edge it is trimmed off; it needs a number inside the window */
		if (!m->fin_held && (model_within(at, m->rcv_nxt, m->rcv_wnd))) {
			m->fin_held = true;
			m->fin_at = at;
			forget_behind(m, at);
		}
		model_ack(m, r, m->fin_held && at == m->rcv_nxt ? M_REPLY_SOON : M_REPLY_NOW);
	}
	if (m->fin_held && m->fin_at == m->rcv_nxt)
		fin_in_order(m, r);
}

void model_urg_text_fin(struct model *m, const struct model_segment *s, struct model_result *r, bool take)
{
	take_urg(m, s, r);
	if (!may_receive(m->state)) {
		/* seventh: "Ignore the segment text"; eighth: "Remain in the ... state". What occupies
		 * sequence space is told where the stream ended. */
		if (s->text || s->flags & M_FIN) {
			r->dropped = s->text > 0;
			model_ack(m, r, M_REPLY_NOW);
			m->maybe_spent = !m->challenge_spent; /* */
			/* fifth, TIME-WAIT: "Acknowledge it, and restart the 2 MSL timeout." */
			r->restart_2msl = r->restart_2msl || m->state == M_TIME_WAIT;
		}
		return;
	}
	if (!take)
		return;
	take_text(m, s, r);
	take_fin(m, s, r);
	if (r->reply != M_REPLY_NONE)
		model_ack(m, r, M_REPLY_NONE); /* the numbers as they are after all of it */
}
