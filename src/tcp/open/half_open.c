/*
 * half_open.c - connections in SYN-RECEIVED as small records: 64 bytes, no wheel node.
 *
 * A record waits in the FIFO of its interval (1, 2, 4 ... times the first RTO): all of one FIFO wait
 * equally long, so the head ends first. When its interval is over the SYN-ACK is said again and the
 * record goes to the next FIFO; when its tries are used up it is handed to the stack to be freed. A held
 * SYN (a question) waits in a FIFO of its own and says nothing.
 *
 * A SYN becomes a record without a tcb in between; fill() makes the tcb of it that the SYN would have made
 * (tv_open_passive()): a connection, or a scratch one for in.c. Time-out and congestion window are not among
 * what it remembers: a scratch record has no use for them, and who makes a connection of it sets them.
 */
#include "tcp/open/open.h"

void tv_half_update(struct tv_core *c, uint32_t slot, const struct tv_tcb *t)
{
	struct tv_half *h = tv_half_at(c, slot);

	h->ts_recent = t->opt.ts_recent;
	if ((h->flags & TV_H_HELD) == 0)
		h->challenge_ms = t->challenge_ms;
}

void tv_half_open(struct tv_core *c, uint32_t slot, uint32_t index, const struct tv_segment *s)
{
	struct tv_half *h = tv_half_at(c, slot);
	struct tv_agreed a;

	tv_negotiate_listen(c, tv_listener_at(c, index)->profile, s, &a);
	memset(h, 0, sizeof *h);
	tv_key_store(&s->key, h->key, tv_region(c) + c->half_rest + (uint64_t)slot * TV_KEY_REST);
	h->gen = tv_gen_next(c);
	h->iss = tv_isn(c, &s->key);
	h->irs = s->seq; /* text on the SYN is not kept [EV-08] */
	h->ts_recent = (a.flags & TV_O_TS) != 0 ? s->opt.ts_val : 0;
	h->born_ms = c->now_ms;
	h->listener = (uint16_t)(index + 1);
	h->mss_peer = a.mss_peer;
	h->wnd = s->wnd; /* the window of a SYN is never scaled */
	h->zone = s->key.zone;
	h->link = s->link;
	h->scales = (uint8_t)(a.snd_scale | a.rcv_scale << 4);
	h->opt = (uint8_t)(a.flags | (s->key.v6 ? TV_H_V6 : 0));
	c->cnt.passive_opens++;
	tv_state_half(c); /* [EV-06] */
}

struct tv_reply *tv_half_say(struct tv_core *c, uint32_t slot)
{
	const struct tv_half *h = tv_half_at(c, slot);
	const struct tv_options *o = &tv_profile_at(c, tv_listener_at(c, h->listener - 1u)->profile)->o;
	struct tv_reply *r;
	struct tv_key k;

	tv_half_key(c, slot, &k);
	r = tv_reply_new(c, &k, h->link);
	if (r == NULL)
		return NULL;
	r->flags = TV_SYN | TV_ACK;
	r->seq = h->iss;
	r->ack = h->irs + 1;
	r->wnd = (uint16_t)tv_min32(o->rcv_buf, UINT16_MAX); /* RFC 7323 2.2: not scaled */
	r->ttl = o->ttl;
	r->tos = (uint8_t)(o->dscp << 2);
	r->mss = tv_mss_announced(c, o, h->link, k.v6); /* [MUST-14] [SHLD-5] [MAY-3] */
	r->wscale = h->scales >> 4;
	r->has = tv_offered(h->opt);
	if ((h->opt & TV_O_TS) != 0) {
		r->ts_val = c->now_ms + tv_pair(c, &k)->offset;
		r->ts_ecr = h->ts_recent;
	}
	return r;
}

void tv_half_unpack(struct tv_core *c, uint32_t slot, struct tv_tcb *t, struct tv_key *k)
{
	tv_half_key(c, slot, k);
	tv_zero(t, sizeof *t);
	t->flags = TV_F_SCRATCH;
	tv_half_fill(c, slot, t, k);
}

void tv_half_fill(struct tv_core *c, uint32_t slot, struct tv_tcb *t, const struct tv_key *k)
{
	const struct tv_half *h = tv_half_at(c, slot);
	const struct tv_options *o;

	t->state = TV_SYN_RECEIVED;
	t->v6 = (h->opt & TV_H_V6) != 0;
	t->zone = h->zone;
	t->link = h->link;
	t->listener = h->listener;
	t->profile = tv_listener_at(c, h->listener - 1u)->profile;
	o = tv_opts(c, t);
	t->rcv.irs = h->irs;
	t->rcv.nxt = t->rcv.acked = h->irs + 1;
	t->rcv.adv = t->rcv.nxt + tv_min32(o->rcv_buf, UINT16_MAX);
	t->snd.iss = t->snd.una = h->iss;
	t->snd.nxt = h->iss + 1;
	t->snd.wnd = t->snd.max_wnd = h->wnd;
	t->opt.flags = (uint8_t)(h->opt & ~TV_H_V6);
	t->opt.ts_recent = h->ts_recent;
	t->opt.ts_recent_ms = h->born_ms;
	t->opt.ts_offset = (t->opt.flags & TV_O_TS) != 0 ? tv_pair(c, k)->offset : 0;
	t->opt.mss_peer = h->mss_peer;
	t->opt.snd_scale = h->scales & 15;
	t->opt.rcv_scale = h->scales >> 4;
	t->progress_ms = t->received_ms = h->born_ms;
	t->challenge_ms = (h->flags & TV_H_HELD) != 0 ? 0 : h->challenge_ms;
	t->rtt.tries = h->tries;
	if (h->tries != 0)
		t->flags |= TV_F_SYN_LOST;
	if (o->nodelay)
		t->flags |= TV_F_NODELAY;
	tv_mss_own(c, o, t);
	tv_mss_agreed(o, t);
	if ((h->flags & TV_H_REOPENS) == 0)
		t->rtt.era = tv_isn_era(c, c->now - (tv_time)(c->now_ms - h->born_ms) * TV_MS);
}

static struct tv_fifo *fifo_of(struct tv_core *c, const struct tv_half *h)
{
	if ((h->flags & TV_H_HELD) != 0)
		return &c->held_fifo;
	return &c->half_fifo[tv_min32(h->tries, TV_SYN_ACK_INTERVALS - 1)];
}

void tv_half_queue(struct tv_core *c, uint32_t slot)
{
	struct tv_half *h = tv_half_at(c, slot);
	struct tv_fifo *f = fifo_of(c, h);
	uint64_t wait = c->cfg.rto_first << tv_min32(h->tries, TV_SYN_ACK_INTERVALS - 1);

	if ((h->flags & TV_H_HELD) != 0)
		wait = c->cfg.question_timeout;
	h->at = (uint32_t)tv_tick_up(c->now + tv_min64(wait, c->cfg.rto_max));
	h->next = 0;
	h->prev = f->tail;
	if (f->tail != 0)
		tv_half_at(c, f->tail - 1)->next = slot + 1;
	else
		f->head = slot + 1;
	f->tail = slot + 1;
	f->count++;
}

void tv_half_unqueue(struct tv_core *c, uint32_t slot)
{
	struct tv_half *h = tv_half_at(c, slot);
	struct tv_fifo *f = fifo_of(c, h);

	if (h->prev != 0)
		tv_half_at(c, h->prev - 1)->next = h->next;
	else
		f->head = h->next;
	if (h->next != 0)
		tv_half_at(c, h->next - 1)->prev = h->prev;
	else
		f->tail = h->prev;
	f->count--;
}

static uint32_t tries_of(const struct tv_core *c, const struct tv_half *h)
{
	uint32_t profile = tv_listener_at(c, h->listener - 1u)->profile;
	uint8_t own = tv_profile_at(c, profile)->o.syn_ack_tries;

	return own != 0 ? own : c->cfg.syn_ack_tries;
}

/* Says the SYN-ACK of a record again. */
static void say_again(struct tv_core *c, uint32_t slot)
{
	(void)tv_half_say(c, slot);
	c->cnt.syn_retransmissions++;
}

uint32_t tv_half_due(struct tv_core *c, uint32_t *budget)
{
	uint32_t now = (uint32_t)(c->now >> TV_TICK_SHIFT);

	for (unsigned i = 0; i <= TV_SYN_ACK_INTERVALS; i++) {
		struct tv_fifo *f = i == TV_SYN_ACK_INTERVALS ? &c->held_fifo : &c->half_fifo[i];

		while (f->head != 0 && *budget != 0) {
			uint32_t slot = f->head - 1;
			struct tv_half *h = tv_half_at(c, slot);

			if ((int32_t)(now - h->at) < 0)
				break;
			(*budget)--;
			c->cnt.timers_run++;
			if ((h->flags & TV_H_HELD) != 0 || h->tries >= tries_of(c, h))
				return slot;
			tv_half_unqueue(c, slot);
			h->tries++;
			tv_half_queue(c, slot);
			say_again(c, slot);
		}
	}
	return TV_NONE;
}

tv_time tv_half_next(const struct tv_core *c)
{
	uint64_t now = c->now >> TV_TICK_SHIFT;
	int32_t best = INT32_MAX;
	bool any = false;

	for (unsigned i = 0; i <= TV_SYN_ACK_INTERVALS; i++) {
		const struct tv_fifo *f = i == TV_SYN_ACK_INTERVALS ? &c->held_fifo : &c->half_fifo[i];
		int32_t wait;

		if (f->head == 0)
			continue;
		wait = (int32_t)(tv_half_at(c, f->head - 1)->at - (uint32_t)now);
		if (wait < best)
			best = wait;
		any = true;
	}
	return any ? (now + (uint64_t)(int64_t)best) << TV_TICK_SHIFT : TV_NEVER;
}
