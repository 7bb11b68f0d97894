/*
 * timewait.c - TIME-WAIT: two maximum segment lifetimes in which the last ACK can be said again and old
 * duplicates die (RFC 9293 3.6.1, MUST-13).
 *
 * A connection whose user is done with it becomes a record of 64 bytes in a FIFO (all wait equally
 * long). unpack() makes a scratch record for in.c; pack() is its inverse.
 *
 * A RST is ignored (RFC 1337), configurable. A SYN that is certainly new - its timestamp is later, or
 * its sequence number higher (RFC 6191, RFC 9293 3.6.1 MAY-2) - may open the tuple again; the record
 * stays until that handshake is complete.
 */
#include "tcp/close/close.h"

void tv_time_wait_enter(struct tv_core *c, struct tv_tcb *t)
{
	tv_state_set(c, t, TV_TIME_WAIT);
	t->timer.main = t->timer.keep = 0;
	tv_timer_life(c, t, c->cfg.two_msl); /* [MUST-13] */
	t->reason = TV_R_NORMAL;
	tv_tell(c, t, TV_EV_CLOSED);
}

/* RFC 6191 2; without timestamps RFC 9293 3.6.1: the sequence number is beyond the last one [MAY-2]. */
static bool may_reopen(const struct tv_tcb *t, const struct tv_segment *s)
{
	bool stamps = (t->opt.flags & TV_O_TS) != 0 && (s->opt.has & TV_OPT_HAS_TS) != 0;

	if ((s->flags & (TV_SYN | TV_ACK | TV_RST | TV_FIN)) != TV_SYN)
		return false;
	if (stamps && seq_gt(s->opt.ts_val, t->opt.ts_recent))
		return true; /* [SHLD-4] */
	if (stamps && s->opt.ts_val != t->opt.ts_recent)
		return false;
	return seq_geq(s->seq, t->rcv.nxt); /* beyond the number of the FIN */
}

int tv_in_time_wait(struct tv_core *c, struct tv_tcb *t, const struct tv_segment *s)
{
	struct tv_endpoint local;

	if (!may_reopen(t, s))
		return TV_NEXT;
	tv_key_local(&s->key, &local);
	/* Where nobody listens there is nothing that it could open: a SYN like any other. */
	return tv_listen_find(c, &local.addr, local.port, local.zone) != 0 ? TV_REOPEN : TV_NEXT;
}

int tv_fin_again(struct tv_core *c, struct tv_tcb *t, const struct tv_segment *s)
{
	/* The peer's FIN again: its ACK was lost. Said again, and 2 MSL begin anew [EV-31]. */
	if ((s->flags & (TV_FIN | TV_SYN | TV_RST)) == TV_FIN && (s->flags & TV_ACK) != 0 &&
	    s->seq + s->len + 1 == t->rcv.nxt) {
		tv_want(c, t, TV_WANT_ACK);
		tv_timer_life(c, t, c->cfg.two_msl);
		return TV_V_OK;
	}
	return TV_NEXT;
}

static uint8_t *rest_of(const struct tv_core *c, uint32_t slot)
{
	return tv_region(c) + c->wait_rest + (uint64_t)slot * TV_KEY_REST;
}

void tv_wait_pack(struct tv_core *c, uint32_t slot, const struct tv_tcb *t, const uint8_t *rest)
{
	struct tv_wait *w = tv_wait_at(c, slot);

	memcpy(w->key, t->key, TV_KEY_HEAD);
	if (t->v6)
		memcpy(rest_of(c, slot), rest, TV_KEY_REST);
	w->snd_nxt = t->snd.nxt;
	w->rcv_nxt = t->rcv.nxt;
	w->rcv_adv = t->rcv.adv;
	w->ts_recent = t->opt.ts_recent;
	w->ts_recent_at = t->opt.ts_recent_at;
	w->ts_offset = t->opt.ts_offset;
	w->challenge_ms = t->challenge_ms;
	w->max_wnd = t->snd.max_wnd;
	w->flags = (uint8_t)(t->opt.flags | (t->v6 ? TV_H_V6 : 0));
	w->zone = t->zone;
	w->link = t->link;
	w->rcv_scale = t->opt.rcv_scale;
	w->snd_scale = t->opt.snd_scale;
	w->active = t->flags & TV_F_ACTIVE;
	w->unused = 0;
}

void tv_wait_unpack(struct tv_core *c, uint32_t slot, struct tv_tcb *t, struct tv_key *k)
{
	const struct tv_wait *w = tv_wait_at(c, slot);

	tv_zero(t, sizeof *t);
	t->flags = TV_F_SCRATCH | (w->active != 0 ? TV_F_ACTIVE : 0);
	t->state = TV_TIME_WAIT;
	t->v6 = (w->flags & TV_H_V6) != 0;
	t->zone = w->zone;
	t->link = w->link;
	tv_key_load(k, w->key, rest_of(c, slot), t->v6, w->zone);
	t->snd.una = t->snd.nxt = w->snd_nxt;
	t->snd.max_wnd = w->max_wnd;
	t->rcv.nxt = t->rcv.acked = w->rcv_nxt;
	t->rcv.adv = w->rcv_adv;
	t->opt.ts_recent = w->ts_recent;
	t->opt.ts_recent_at = w->ts_recent_at;
	t->opt.ts_offset = w->ts_offset;
	t->opt.flags = (uint8_t)(w->flags & ~TV_H_V6);
	t->opt.rcv_scale = w->rcv_scale;
	t->opt.snd_scale = w->snd_scale;
	t->challenge_ms = w->challenge_ms;
}

static struct tv_wait *link_at(const struct tv_core *c, uint32_t number)
{
	return tv_wait_at(c, number - 1);
}

static void end_at(const struct tv_core *c, struct tv_wait *w)
{
	w->at = (uint32_t)tv_tick_up(c->now + c->cfg.two_msl);
}

/* Behind all others, which are there. */
static void append(struct tv_core *c, uint32_t number)
{
	struct tv_wait *w = link_at(c, number);
	struct tv_fifo *f = &c->wait_fifo;

	w->next = 0;
	w->prev = f->tail;
	link_at(c, f->tail)->next = number;
	f->tail = number;
}

void tv_wait_queue(struct tv_core *c, uint32_t slot)
{
	struct tv_wait *w = tv_wait_at(c, slot);
	struct tv_fifo *f = &c->wait_fifo;

	end_at(c, w);
	f->count++;
	if (f->tail != 0) {
		append(c, slot + 1);
	} else {
		w->next = w->prev = 0;
		f->head = f->tail = slot + 1;
	}
}

void tv_wait_requeue(struct tv_core *c, uint32_t slot)
{
	struct tv_wait *w = tv_wait_at(c, slot);
	struct tv_fifo *f = &c->wait_fifo;

	end_at(c, w);
	if (f->tail != slot + 1) {
		link_at(c, w->next)->prev = w->prev;
		if (f->head == slot + 1)
			f->head = w->next;
		else
			link_at(c, w->prev)->next = w->next;
		append(c, slot + 1);
	}
}

void tv_wait_unqueue(struct tv_core *c, uint32_t slot)
{
	struct tv_wait *w = tv_wait_at(c, slot);
	struct tv_fifo *f = &c->wait_fifo;

	if (w->prev != 0)
		tv_wait_at(c, w->prev - 1)->next = w->next;
	else
		f->head = w->next;
	if (w->next != 0)
		tv_wait_at(c, w->next - 1)->prev = w->prev;
	else
		f->tail = w->prev;
	f->count--;
}
