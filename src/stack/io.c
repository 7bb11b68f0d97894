/*
 * io.c - packets out, and when to be called next; packets in are in input.c.
 *
 * Output runs what is due (at most the timer budget), then fills packets: neighbour requests, replies
 * (at most half of the room while connections wait), connections in turn, 16 packets at most each. What
 * is for one of our own addresses is built into a buffer of the stack and taken in at once.
 */
#include "stack/evict.h"
#include "tcp/out.h"
#include "wire/eth.h"

#define BATCH 32u                  /* timers */
#define TURN 16u

void tv_trace_out(const struct tv_stack *s, const struct tv_tcb *t, const struct tv_packet *p, uint32_t head)
{
	struct tv_trace trace = {
		.kind = TV_TRACE_OUT, .now = s->core.now, .ip = p->data + head, .len = p->len - head};

	if (t != NULL)
		trace.handle = tv_handle_make(TV_KIND_CONN, t->gen, tv_conn_index(&s->core, t));
	s->core.cfg.trace(s->core.cfg.trace_user, &trace);
}

/* Timers of all kinds, at most the budget. */
static void run_timers(struct tv_stack *s)
{
	struct tv_core *c = &s->core;
	uint32_t budget = c->cfg.timer_budget, i, due[BATCH];
	unsigned n;
	uint64_t tick = c->now >> TV_TICK_SHIFT;

	do {
		n = 0;
		while (n < BATCH && (i = tv_wheel_pop(&c->wheel, tv_region(c), tick, &budget)) != TV_NONE) {
			tv_conn_fetch(tv_conn(c, i));
			due[n++] = i;
		}
		for (unsigned k = 0; k < n; k++) {
			tv_timers_due(c, tv_conn(c, due[k]));
			tv_settle(s, tv_conn(c, due[k]));
		}
		c->cnt.timers_run += n;
	} while (n != 0);
	while ((i = tv_half_due(c, &budget)) != TV_NONE) {
		bool held = (tv_half_at(c, i)->flags & TV_H_HELD) != 0;

		c->cnt.reasons[held ? TV_R_QUESTION_TIMEOUT : TV_R_SYN_ACK_TIMEOUT]++;
		c->cnt.attempts_failed++;
		tv_half_free(s, i);
	}
	while (c->wait_fifo.head != 0 && budget != 0 &&
	       (int32_t)((uint32_t)tick - tv_wait_at(c, c->wait_fifo.head - 1)->at) >= 0) {
		budget--;
		c->cnt.timers_run++;
		c->cnt.reasons[TV_R_NORMAL]++;
		tv_wait_free(s, c->wait_fifo.head - 1);
	}
	tv_neighbour_due(s, &budget);
	tv_flood_due(c);
	tv_evict_for_pages(s);
}

/* How packets are built for this link. */
static struct tv_out way_out(const struct tv_stack *s, unsigned link)
{
	const struct tv_link *l = tv_link_at(s, link);

	return (struct tv_out){.head = l->kind == TV_LINK_ETHERNET ? TV_ETH_HEADER : 0, .gso_bytes = l->gso_bytes,
	                       .csum_partial = l->csum_offload, .gather = l->gather};
}

/* Writes the link header of a packet of a connection; false: not now. */
static TV_APART bool link_header(struct tv_stack *s, struct tv_tcb *t, struct tv_packet *p)
{
	struct tv_core *c = &s->core;
	struct tv_endpoint remote;
	enum tv_hop_result r;
	struct tv_key k;
	bool parked;

	tv_tcb_key(c, t, &k);
	tv_key_remote(&k, &remote);
	r = tv_hop_header(s, t->link, &remote.addr, p->data, (t->flags & TV_F_FORWARD) != 0, &parked);
	t->flags &= ~(uint32_t)TV_F_FORWARD;
	if (r == TV_HOP_WAIT) {
		uint16_t want = t->want;

		tv_want_drop(c, t);
		t->want = want;
		t->flags |= TV_F_PARKED;
		s->parked++;
	} else if (r == TV_HOP_NONE) {
		tv_send_later(c, t); /* no route any more, or no room to ask */
	}
	return r == TV_HOP_READY;
}

/* A packet leaves. */
static inline void leaves(struct tv_core *c, struct tv_packet *p)
{
	c->cnt.bytes_out += p->len;
	for (unsigned i = 0; i < p->piece_count; i++) c->cnt.bytes_out += p->pieces[i].len;
	p->time = c->now;
}

/* Builds one packet of a connection that has wants; false: it has nothing to say, or has to wait. */
static TV_APART bool connection_out(struct tv_stack *s, struct tv_tcb *t, struct tv_out *out, struct tv_packet *p)
{
	struct tv_core *c = &s->core;

	if (TV_UNLIKELY(out->head != 0) && !link_header(s, t, p))
		return false;
	p->link = t->link;
	out->packet = p;
	if (!tv_tcp_out(c, t, out))
		return false;
	if (TV_UNLIKELY(c->cfg.trace != NULL))
		tv_trace_out(s, t, p, out->head);
	return true;
}

/* The same of a plain segment (tcp/out.h) over a link that it can be built for at once. */
TV_INLINE bool plain_out(struct tv_core *c, struct tv_tcb *t, const bool *csum_partial, struct tv_packet *p)
{
	if (!tv_out_plain(c, t, p, csum_partial))
		return false;
	p->link = t->link;
	p->time = c->now;
	c->cnt.bytes_out += p->len; /* there are no pieces */
	return true;
}

/* Is there one more packet to be filled? */
static inline bool room(const struct tv_packet *p, const struct tv_packet *end)
{
	return p != end && p->cap >= TV_PACKET_MIN;
}

/* The connection at the head of the list leaves it, its wants with it; at its end it goes if it has more to say. */
static inline struct tv_tcb *next_speaker(struct tv_core *c)
{
	struct tv_tcb *t = tv_conn(c, c->out_head - 1);

	c->out_head = t->out_next; /* whose link back is stale now (tv_want_drop) */
	if (t->out_next == 0)
		c->out_tail = 0;
	t->flags &= ~(uint32_t)TV_F_IN_OUT_LIST;
	return t;
}

static TV_APART bool loop_out(struct tv_stack *s, struct tv_tcb *t)
{
	struct tv_packet p = {.data = tv_region(&s->core) + s->loop_buffer, .cap = s->core.link_mtu[tv_loop_link(s)]};
	struct tv_out out = way_out(s, t->link);
	unsigned n = 0;

	while (n < TURN && t->want != 0 && connection_out(s, t, &out, &p)) {
		tv_loop_in(s, &p);
		n++;
	}
	return n == TURN;
}

/* A turn of speakers: which link the last one has spoken over, and how. */
struct turn {
	struct tv_out out;
	uint32_t over;             /* TV_NONE: none yet; never the pseudo-link */
	bool plain;                /* no link header, no pieces, and nobody observes */
	uint32_t passed;           /* number + 1 of the first that was passed by */
	const struct tv_packet *at; /* the packet that was to be filled when it was its turn last */
};

/* One whose link is not that of the one before. False: it has no turn now; it had it, within the stack, or its
 * link is not asked. */
static TV_APART bool other_link(struct tv_stack *s, struct tv_tcb *t, uint32_t link, struct turn *turn)
{
	bool loop = t->link == tv_loop_link(s);

	if (!loop && (link == TV_ANY_LINK || link == t->link)) {
		turn->out = way_out(s, turn->over = t->link);
		turn->plain = turn->out.head == 0 && !turn->out.gather && s->core.cfg.trace == NULL;
		return true;
	}
	if (!loop && (turn->passed == 0 || (tv_conn(&s->core, turn->passed - 1)->flags & TV_F_IN_OUT_LIST) == 0))
		turn->passed = tv_conn_index(&s->core, t) + 1; /* or the first has gone since */
	if ((!loop || loop_out(s, t)) && t->want != 0)
		tv_want(&s->core, t, 0);
	tv_settle(s, t);
	return false;
}

/* The connection that has just spoken has more to say: the rest of its turn. Returns the first packet not filled. */
static TV_APART struct tv_packet *speaks_on(struct tv_stack *s, struct tv_tcb *t, struct turn *turn,
                                            struct tv_packet *p, const struct tv_packet *end)
{
	const struct tv_packet *last = p + tv_min32(TURN - 1, (uint32_t)(end - p));
	bool more = true;

	while (t->want != 0 && room(p, last) && more) {
		unsigned n = turn->plain ? tv_out_train(&s->core, t, &turn->out, p, (unsigned)(last - p)) : 0;

		if (n == 0)
			n = more = connection_out(s, t, &turn->out, p);
		for (; n != 0; n--) leaves(&s->core, p++);
	}
	if (t->want != 0 && more)
		tv_want(&s->core, t, 0);
	return p;
}

/* Connections in turn; returns how many packets were filled. */
static unsigned speakers_out(struct tv_stack *s, uint32_t link, struct tv_packet *packets, unsigned cap)
{
	struct tv_core *c = &s->core;
	struct turn turn = {.over = TV_NONE, .at = packets};
	struct tv_packet *p = packets, *end = packets + cap;

	while (c->out_head != 0 && room(p, end)) {
		struct tv_tcb *t;

		if (TV_UNLIKELY(c->out_head == turn.passed)) {
			if (p == turn.at)
				break; /* all that are left are for other links */
			turn.at = p;
		}
		t = next_speaker(c);
		if (TV_UNLIKELY(t->link != turn.over) && !other_link(s, t, link, &turn))
			continue;
		if (TV_LIKELY(turn.plain && t->want != 0) && plain_out(c, t, &turn.out.csum_partial, p)) {
			p++;
		} else if (t->want != 0 && connection_out(s, t, &turn.out, p)) {
			leaves(c, p++);
			if (t->want != 0)
				p = speaks_on(s, t, &turn, p, end);
		}
		tv_settle(s, t);
	}
	return (unsigned)(p - packets);
}

/* Replies, at most cap; returns how many. */
static TV_APART unsigned replies_out(struct tv_stack *s, uint32_t link, struct tv_packet *packets, unsigned cap)
{
	const struct tv_packet *p = packets, *end = p + tv_min32(cap, s->core.reply_tail - s->core.reply_head);
	unsigned n;

	while (room(p, end)) p++;
	n = tv_replies_out(s, link, packets, (unsigned)(p - packets));
	for (unsigned i = 0; i < n; i++) leaves(&s->core, &packets[i]);
	return n;
}

unsigned tv_output(struct tv_stack *s, tv_time now, uint32_t link, struct tv_packet *packets, unsigned cap)
{
	struct tv_core *c = &s->core;
	tv_time before;
	unsigned n = 0;

	do { /* a jump of hours is taken in steps (tv_stack_now) */
		before = c->now;
		tv_stack_now(s, now);
		run_timers(s);
	} while (TV_UNLIKELY(c->now < now) && c->now != before);
	while (room(packets + n, packets + cap) && tv_neighbour_out(s, link, &packets[n])) leaves(c, &packets[n++]);
	if (tv_replies_waiting(s))
		n += replies_out(s, link, packets + n, c->out_head != 0 ? (cap - n + 1) / 2 : cap - n);
	if (c->out_head != 0)
		n += speakers_out(s, link, packets + n, cap - n);
	if (n < cap && tv_replies_waiting(s))
		n += replies_out(s, link, packets + n, cap - n);
	c->cnt.packets_out += n;
	return n;
}

tv_time tv_deadline(const struct tv_stack *s)
{
	const struct tv_core *c = &s->core;
	uint64_t tick;
	tv_time next, at;

	if (c->out_head != 0 || tv_replies_waiting(s) || s->neighbour_asks != 0)
		return c->now;
	tick = tv_wheel_next(&c->wheel, tv_region(c));
	next = tick == UINT64_MAX ? TV_NEVER : tick << TV_TICK_SHIFT;
	next = tv_min64(next, tv_half_next(c));
	if (c->floods != 0)
		next = tv_min64(next, c->flood_at);
	if (c->wait_fifo.head != 0) {
		uint64_t now = c->now >> TV_TICK_SHIFT;
		int32_t wait = (int32_t)(tv_wait_at(c, c->wait_fifo.head - 1)->at - (uint32_t)now);

		at = (now + (uint64_t)(int64_t)wait) << TV_TICK_SHIFT;
		next = tv_min64(next, at);
	}
	return tv_min64(next, tv_neighbour_next(s));
}
