/*
 * state.c - the one file that changes the state of a connection, and the lists that follow from it.
 *
 * A change of state is checked against RFC 9293 figure 5 (with the RFC's own additions: simultaneous
 * open, RST and ABORT from anywhere), counted and told to the observer. When a connection ends, its
 * queues are flushed, its timers are off, its wants are forgotten, and its user is told once, with the
 * reason. The record itself is freed by the stack: at once when no handle points to it, else when the
 * user releases it.
 *
 * Three lists hang on a record: those with something to say (out_next), and those with news for the
 * user (ready_next, shared with the accept queue: what waits there has no handle yet, so no news).
 * A flag says whether a record is in a list, so that none is in it twice and none can overflow.
 */
#include "tcp/open/open.h"

bool tv_state_legal(enum tv_state from, enum tv_state to)
{
	return (tv_state_follows[from] >> to & 1) != 0;
}

bool tv_state_synchronised(enum tv_state state)
{
	return state >= TV_ESTABLISHED;
}

void tv_state_trace(const struct tv_core *c, const struct tv_tcb *t, enum tv_state from)
{
	struct tv_trace trace = {.kind = TV_TRACE_STATE, .now = c->now, .from = from, .to = (enum tv_state)t->state};

	if ((t->flags & TV_F_SCRATCH) == 0)
		trace.handle = tv_handle_make(TV_KIND_CONN, t->gen, tv_conn_index(c, t));
	c->cfg.trace(c->cfg.trace_user, &trace);
}

void tv_state_half_told(struct tv_core *c)
{
	struct tv_tcb scratch = {.flags = TV_F_SCRATCH, .state = TV_SYN_RECEIVED};

	tv_state_trace(c, &scratch, TV_LISTEN);
}

void tv_out_connection(struct tv_core *c, struct tv_tcb *t)
{
	uint32_t i = tv_conn_index(c, t);

	t->flags |= TV_F_IN_OUT_LIST;
	t->out_next = 0;
	t->out_prev = c->out_tail;
	if (c->out_tail != 0)
		tv_conn(c, c->out_tail - 1)->out_next = i + 1;
	else
		c->out_head = i + 1;
	c->out_tail = i + 1;
}

void tv_out_leave(struct tv_core *c, struct tv_tcb *t)
{
	uint32_t prev = c->out_head == tv_conn_index(c, t) + 1 ? 0 : t->out_prev; /* the first one's is stale */

	if (prev != 0)
		tv_conn(c, prev - 1)->out_next = t->out_next;
	else
		c->out_head = t->out_next;
	if (t->out_next != 0)
		tv_conn(c, t->out_next - 1)->out_prev = prev;
	else
		c->out_tail = prev;
	t->flags &= ~(uint32_t)TV_F_IN_OUT_LIST;
}

/* The links of a record in the ready list. */
struct ready_links {
	uint32_t *next, *prev;
};

static TV_APART struct ready_links other_links(struct tv_core *c, uint32_t ref)
{
	uint32_t slot = ref & ((1u << TV_REF_SLOT_BITS) - 1);
	uint32_t kind = ref >> TV_REF_SLOT_BITS;

	if (kind == TV_KIND_HALF)
		return (struct ready_links){&tv_half_at(c, slot)->ready_next, &tv_half_at(c, slot)->challenge_ms};
	TV_ASSERT(kind == TV_KIND_LISTENER);
	return (struct ready_links){&tv_listener_at(c, slot)->ready_next, &tv_listener_at(c, slot)->ready_prev};
}

static inline struct ready_links ready_links(struct tv_core *c, uint32_t ref)
{
	struct tv_tcb *t = tv_conn(c, ref & ((1u << TV_REF_SLOT_BITS) - 1));

	if (TV_LIKELY(ref >> TV_REF_SLOT_BITS == TV_KIND_CONN))
		return (struct ready_links){&t->ready_next, &t->ready_prev};
	return other_links(c, ref);
}

/* The list begins at ready_head; a link is told from there, so that an empty one needs no care. */
static inline uint8_t *ready_base(struct tv_core *c)
{
	return tv_region(c) + offsetof(struct tv_core, ready_head);
}

static inline void ready_append(struct tv_core *c, uint32_t ref, uint32_t *next, uint32_t *prev)
{
	*next = 0;
	*prev = c->ready_tail;
	c->ready_tail = ref;
	*(uint32_t *)(void *)(ready_base(c) + c->ready_link) = ref;
	c->ready_link = (uint64_t)((uint8_t *)next - ready_base(c));
}

void tv_ready_push(struct tv_core *c, unsigned kind, uint32_t slot)
{
	uint32_t ref = kind << TV_REF_SLOT_BITS | slot;
	struct ready_links me = ready_links(c, ref);

	ready_append(c, ref, me.next, me.prev);
}

void tv_untell(struct tv_core *c, uint32_t ref)
{
	struct ready_links me = ready_links(c, ref);
	uint32_t next = *me.next, prev = c->ready_head == ref ? 0 : *me.prev; /* the first one's is stale */
	uint32_t *link = prev != 0 ? ready_links(c, prev).next : &c->ready_head;

	*link = next;
	if (next != 0) {
		*ready_links(c, next).prev = prev;
	} else {
		c->ready_tail = prev;
		c->ready_link = (uint64_t)((uint8_t *)link - ready_base(c));
	}
}

void tv_ready_connection(struct tv_core *c, struct tv_tcb *t)
{
	t->flags |= TV_F_IN_READY_LIST;
	ready_append(c, TV_KIND_CONN << TV_REF_SLOT_BITS | tv_conn_index(c, t), &t->ready_next, &t->ready_prev);
}

/* Taken when something is in flight or out of order; given back by the timer that finds nothing left, so
 * that an exchange of questions and answers does not take and give one for each. */
struct tv_busy *tv_busy_new(struct tv_core *c, struct tv_tcb *t)
{
	uint32_t i = tv_pool_take(&c->busies, tv_region(c));

	if (i == TV_NONE) {
		c->cnt.record_failures++;
		return NULL;
	}
	t->busy = i + 1;
	t->flags |= TV_F_TIMERS; /* the wheel looks after it even when no deadline is set */
	tv_zero(tv_busy(c, t), sizeof(struct tv_busy));
	return tv_busy(c, t);
}

void tv_busy_release(struct tv_core *c, struct tv_tcb *t)
{
	struct tv_busy *b = tv_busy(c, t);

	if (b == NULL || b->flight.count != 0 || b->early.count != 0 || b->fin_early || b->dsack_left != b->dsack_right)
		return;
	tv_pool_give(&c->busies, tv_region(c), t->busy - 1);
	t->busy = 0;
}

void tv_flush(struct tv_core *c, struct tv_tcb *t, bool keep_input)
{
	uint8_t *region = tv_region(c);
	struct tv_busy *b = tv_busy(c, t);

	tv_stream_clear(&t->out, &c->pages, region);
	if (!keep_input)
		tv_stream_clear(&t->in, &c->pages, region);
	if (b == NULL)
		return;
	tv_ranges_clear(&b->flight, &c->ranges, region);
	for (uint32_t i = b->early.first; i != 0; i = tv_ranges_next(&c->ranges, region, i))
		tv_stream_clear(&tv_range_at(&c->ranges, region, i)->u.data.bytes, &c->pages, region);
	tv_ranges_clear(&b->early, &c->ranges, region);
	tv_pool_give(&c->busies, region, t->busy - 1);
	t->busy = 0;
}

static void trace_end(struct tv_core *c, const struct tv_tcb *t, enum tv_reason reason)
{
	struct tv_trace trace = {.kind = TV_TRACE_END, .now = c->now, .reason = reason};

	if ((t->flags & TV_F_SCRATCH) == 0)
		trace.handle = tv_handle_make(TV_KIND_CONN, t->gen, tv_conn_index(c, t));
	c->cfg.trace(c->cfg.trace_user, &trace);
}

/* What becomes of what was written is told after the end too, where nothing else is needed any more. */
static void keep_account(struct tv_tcb *t)
{
	t->cc.recover = t->out.len != 0 ? tv_out_sent(t) : 0;
	t->cc.acked = t->out.len - t->cc.recover;
}

void tv_end(struct tv_core *c, struct tv_tcb *t, enum tv_reason reason)
{
	bool failed = t->state == TV_SYN_SENT || (t->state == TV_SYN_RECEIVED && reason != TV_R_NORMAL);
	bool told = t->state == TV_TIME_WAIT && reason == TV_R_NORMAL; /* when TIME-WAIT began */

	TV_ASSERT(t->state != TV_CLOSED); /* it ends once */
	t->reason = (uint8_t)reason;
	keep_account(t);
	c->cnt.reasons[reason]++;
	if (failed)
		c->cnt.attempts_failed++;
	if (failed && t->opt.fastopen != 0)
		tv_fastopen_ended(c, t, reason);
	tv_state_set(c, t, TV_CLOSED);
	if ((t->flags & TV_F_SCRATCH) == 0) {
		/* RFC 9293 3.10.7.4: all segment queues are flushed; a stream that is complete can still be read.
		 * So can what came on the SYN (Fast Open, as Linux). */
		bool early = failed && (t->opt.fastopen & TV_FO_WHAT) == TV_FO_ACCEPTED;
		bool fin = (t->flags & TV_F_FIN_RECEIVED) != 0;
		bool whole = reason == TV_R_NORMAL || (reason != TV_R_ABORTED && (fin || early));

		t->flags &= ~(uint32_t)TV_F_ALONE;
		if ((t->out.len | t->in.len | t->busy) != 0)
			tv_flush(c, t, whole && (t->flags & TV_F_CLOSED_BY_USER) == 0);
		tv_want_drop(c, t);
		tv_timers_off(c, t); /* [EV-56] */
		t->flags |= TV_F_FREED;
	}
	if (TV_UNLIKELY(c->cfg.trace != NULL))
		trace_end(c, t, reason);
	if (!told)
		tv_tell(c, t, TV_EV_CLOSED);
}
