/*
 * passive.c - a handshake that was opened from outside is complete: into the accept queue of its listener,
 * from a half-open record or from a SYN cookie; or it need not be complete (Fast Open).
 *
 * The queue is a list through the connections. When it is full the final ACK is ignored: the peer, which
 * believes that the connection is there, sends text, and each segment is an ACK that may find a place;
 * of a record the SYN-ACK is said again. Or, by configuration, the ACK is answered with a RST. In no case
 * is text acknowledged that nobody may ever read.
 */
#include "stack/stack.h"
#include "tcp/open/open.h"

void tv_accept_refuse(struct tv_core *c, const struct tv_segment *seg)
{
	c->cnt.accept_drops++;
	if (c->cfg.accept_full_reset) {
		c->cnt.accept_resets++;
		tv_reply_rst(c, seg);
	}
}

/* To the end of the accept queue. */
TV_INLINE void queue(struct tv_core *c, struct tv_tcb *t)
{
	uint32_t index = t->listener - 1u, me = tv_conn_index(c, t);
	struct tv_listener *l = tv_listener_at(c, index);

	t->flags |= TV_F_QUEUED;
	t->ready_next = 0;
	if (l->accept_tail != 0)
		tv_conn(c, l->accept_tail - 1)->ready_next = me + 1;
	else
		l->accept_head = me + 1;
	l->accept_tail = me + 1;
	l->waiting++;
	tv_listener_tell(c, index, TV_EV_ACCEPT);
}

int tv_accept_take(struct tv_stack *s, struct tv_tcb *t, const struct tv_segment *seg)
{
	int v;

	queue(&s->core, t);
	v = tv_tcp_take(&s->core, t, seg);
	tv_settle(s, t);
	return v;
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
	return tv_accept_take(s, t, seg);
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
	queue(c, t);
	text.seq++; /* the SYN is behind us */
	text.len = tv_min32(text.len, t->rcv.adv - t->rcv.nxt);
	if (text.len != 0) /* RFC 7413 4.2.2, SYN-ACK, 4 */
		v = (int)tv_text_in_order(c, t, &text);
	tv_settle(s, t);
	return v;
}
