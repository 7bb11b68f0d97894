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
#include "tcp/open/half_open.h"

void tv_half_update(struct tv_core *c, uint32_t slot, const struct tv_tcb *t)
{
	struct tv_half *h = tv_half_at(c, slot);

	h->ts_recent = t->opt.ts_recent;
	if ((h->flags & TV_H_HELD) == 0)
		h->challenge_ms = t->challenge_ms;
}

struct tv_reply *tv_half_say(struct tv_core *c, uint32_t slot)
{
	const struct tv_half *h = tv_half_at(c, slot);
	struct tv_key k;

	tv_half_key(c, slot, &k);
	return tv_half_answer(c, h, tv_listener_at(c, h->listener - 1u), &k, tv_pair(c, &k)->offset);
}

void tv_half_unpack(struct tv_core *c, uint32_t slot, struct tv_tcb *t, struct tv_key *k)
{
	const struct tv_half *h = tv_half_at(c, slot);
	struct tv_clocks clocks;

	tv_half_key(c, slot, k);
	clocks = tv_half_clocks(c, h, k);
	tv_zero(t, sizeof *t);
	t->flags = TV_F_SCRATCH;
	tv_half_fill(c, h, tv_listener_at(c, h->listener - 1u), t, &clocks);
}

/* Its SYN-ACK is said again after a longer time. */
static void queue_again(struct tv_core *c, uint32_t slot)
{
	struct tv_half *h = tv_half_at(c, slot);
	uint32_t i = tv_min32(h->tries, TV_SYN_ACK_INTERVALS - 1);

	tv_half_queue(c, &c->half_fifo[i], h, slot, c->cfg.rto_first << i);
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
			tv_half_unqueue(c, h);
			h->tries++;
			queue_again(c, slot);
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
