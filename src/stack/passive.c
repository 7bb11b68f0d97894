/*
 * passive.c - a handshake that was opened from outside is complete: into the accept queue of its listener,
 * from a half-open record or from a SYN cookie; or it need not be complete (Fast Open).
 *
 * The queue is a list through the connections. When it is full the final ACK is ignored: the peer, which
 * believes that the connection is there, sends text, and each segment is an ACK that may find a place;
 * of a record the SYN-ACK is said again. Or, by configuration, the ACK is answered with a RST. In no case
 * is text acknowledged that nobody may ever read.
 */
#include "stack/evict.h"
#include "tcp/open/begin.h"
#include "tcp/take.h"

void tv_accept_refuse(struct tv_core *c, const struct tv_segment *seg)
{
	c->cnt.accept_drops++;
	if (c->cfg.accept_full_reset) {
		c->cnt.accept_resets++;
		tv_reply_rst(c, seg);
	}
}

/* To the end of the accept queue of listener l. */
TV_INLINE void queue(struct tv_core *c, struct tv_listener *l, struct tv_tcb *t)
{
	uint32_t me = tv_conn_index(c, t);

	t->ready_next = 0;
	if (l->accept_tail != 0)
		tv_conn(c, l->accept_tail - 1)->ready_next = me + 1;
	else
		l->accept_head = me + 1;
	l->accept_tail = me + 1;
	l->waiting++;
	tv_listener_tell(c, l, t->listener - 1u, TV_EV_ACCEPT);
}

/* A connection in SYN-RECEIVED and the final ACK of its handshake. */
TV_INLINE int accept_take(struct tv_stack *s, struct tv_listener *l, struct tv_tcb *t, const struct tv_segment *seg)
{
	struct tv_core *c = &s->core;
	int v;

	t->flags |= TV_F_QUEUED;
	tv_establish(c, t, seg);
	queue(c, l, t);
	v = tv_take(c, t, seg, true);
	tv_settle(s, t);
	return v;
}

/* The record, in place i, of what the half-open record was. */
TV_INLINE struct tv_tcb *promoted(struct tv_core *c, const struct tv_half *h, const struct tv_listener *l, uint32_t i,
                                  const struct tv_key *k)
{
	struct tv_clocks clocks = tv_half_clocks(c, h, k);
	struct tv_tcb *t = tv_conn_write(c, i, k);

	tv_half_fill(c, h, l, t, &clocks);
	t->user = l->user;
	tv_profile_share(c, t->profile);
	return t;
}

/* The place of the connection that the index names now in place of the half-open record in this slot, which is free and
 * still as it was; TV_NONE: there is none. */
TV_INLINE uint32_t take_place(struct tv_stack *s, uint32_t slot, struct tv_half *h, struct tv_listener *l,
                              const struct tv_key *k, uint64_t hash)
{
	struct tv_core *c = &s->core;
	uint32_t i = tv_conn_place(s);

	if (TV_UNLIKELY(i == TV_NONE))
		return i;
	if (TV_UNLIKELY((h->flags & TV_H_REOPENS) != 0))
		tv_time_wait_end(s, k);
	hash = tv_index_hash(s, k, hash);
	tv_table_replace(&s->index, tv_region(c), hash, tv_index_old_hash(s, k, hash),
	                 (uint32_t)TV_KIND_HALF << TV_REF_SLOT_BITS | slot,
	                 (uint32_t)TV_KIND_CONN << TV_REF_SLOT_BITS | i);
	tv_half_drop(c, h, slot, l);
	return i;
}

struct tv_tcb *tv_promote(struct tv_stack *s, uint32_t slot, const struct tv_key *k, uint64_t hash)
{
	struct tv_half *h = tv_half_at(&s->core, slot);
	struct tv_listener *l = tv_listener_at(&s->core, h->listener - 1u);
	uint32_t i = take_place(s, slot, h, l, k, hash);

	return i == TV_NONE ? NULL : promoted(&s->core, h, l, i, k);
}

int tv_complete_in(struct tv_stack *s, uint32_t slot, const struct tv_segment *seg, uint64_t hash)
{
	struct tv_core *c = &s->core;
	struct tv_half *h = tv_half_at(c, slot);
	struct tv_listener *l = tv_listener_at(c, h->listener - 1u);
	uint32_t i;

	if (tv_accept_full(c, l, seg)) {
		if (c->cfg.accept_full_reset)
			tv_half_free(s, slot);
		return TV_V_ACCEPT_FULL;
	}
	i = take_place(s, slot, h, l, &seg->key, hash);
	if (TV_UNLIKELY(i == TV_NONE))
		return TV_V_NO_RECORD;
	return accept_take(s, l, promoted(c, h, l, i, &seg->key), seg);
}

/* A record for the connection of this segment to a listener; NULL: none left. */
static struct tv_tcb *passive_new(struct tv_stack *s, uint32_t index, const struct tv_segment *seg,
                                  const struct tv_key *k)
{
	const struct tv_listener *l = tv_listener_at(&s->core, index);
	struct tv_tcb *t = tv_conn_new(s, k);

	if (t == NULL)
		return NULL;
	t->link = seg->link;
	t->listener = (uint16_t)(index + 1);
	t->profile = l->profile;
	t->user = l->user;
	tv_profile_share(&s->core, t->profile);
	return t;
}

int tv_cookie_in(struct tv_stack *s, uint32_t index, const struct tv_segment *seg, uint64_t hash)
{
	const struct tv_key *k = &seg->key;
	struct tv_core *c = &s->core;
	struct tv_listener *l = tv_listener_at(c, index);
	struct tv_tcp_options syn;
	struct tv_tcb *t;
	int v = tv_cookie_check(c, l, seg, k, &syn);

	if (v == TV_V_COOKIE_UNCHECKED)
		return v; /* it may be good: no RST */
	if (v != TV_V_OK) {
		tv_reply_rst(c, seg); /* RFC 9293 3.10.7.2, second [EV-05] */
		return v == TV_NEXT ? TV_V_LISTEN_ACK : v;
	}
	if (tv_accept_full(c, l, seg))
		return TV_V_ACCEPT_FULL;
	t = passive_new(s, index, seg, k);
	if (t == NULL)
		return TV_V_NO_RECORD;
	tv_open_cookie(c, t, seg, k, &syn);
	tv_index_add_hashed(s, tv_index_hash(s, k, hash),
	                    (uint32_t)TV_KIND_CONN << TV_REF_SLOT_BITS | tv_conn_index(c, t));
	l->flood.accepted += l->flood.on;
	c->cnt.cookies_accepted++;
	return accept_take(s, l, t, seg);
}

int tv_fastopen_in(struct tv_stack *s, uint32_t index, const struct tv_segment *seg, const struct tv_key *k,
                   enum tv_fo_answer how)
{
	struct tv_core *c = &s->core;
	struct tv_tcb *t = passive_new(s, index, seg, k);
	struct tv_segment text = *seg;
	int v = TV_V_OK;

	if (t == NULL)
		return TV_NEXT;
	tv_open_passive(c, t, seg, k);
	tv_fastopen_open(c, t, seg, how);
	tv_index_add(s, k, (uint32_t)TV_KIND_CONN << TV_REF_SLOT_BITS | tv_conn_index(c, t));
	t->flags |= TV_F_QUEUED;
	queue(c, tv_listener_at(c, index), t);
	text.seq++; /* the SYN is behind us */
	text.len = tv_min32(text.len, t->rcv.adv - t->rcv.nxt);
	if (text.len != 0) /* RFC 7413 4.2.2, SYN-ACK, 4 */
		v = (int)tv_text_in_order(c, t, text.text, text.len, tv_largest_text(&text));
	tv_settle(s, t);
	return v;
}
