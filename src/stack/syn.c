/*
 * syn.c - what comes to a listener; and SYNs as they come in a flood, one behind the other to one port.
 *
 * A SYN to a listener passes tv_backlog_ask() (tcp/open/backlog.c) and becomes a half-open record, or is
 * answered with a cookie.
 *
 * SYNs come from somebody else each, but many to one end of ours, in a flood and where many connect. Whether
 * that end is ours and who listens there is found out once in each batch (a door); the index has said already
 * that nobody has the tuple, and is asked once more when something was added to it since. What is left for
 * each SYN is to look at its source. Whatever is not like that goes the way of all segments
 * (demux.c), with the same result: tests/unit/test_stack_syn.c compares the two.
 */
#include "stack/stack.h"
#include "tcp/open/open.h"

/* A record for this SYN, and its SYN-ACK, or a connection at once; old: the incarnation in TIME-WAIT that has
 * its tuple. */
static TV_APART int half_open(struct tv_stack *s, uint32_t index, const struct tv_segment *seg,
                              const struct tv_key *k, const struct tv_tcb *old)
{
	struct tv_core *c = &s->core;
	struct tv_listener *l = tv_listener_at(c, index);
	enum tv_fo_answer fast = tv_fastopen_ask(c, l, seg);
	struct tv_reply *r;
	struct tv_half *h;
	uint32_t slot;
	int v;

	if (fast >= TV_FO_OPEN && old == NULL && (v = tv_fastopen_in(s, index, seg, k, fast)) != TV_NEXT)
		return v;
	slot = tv_pool_take(&c->halves, tv_region(c));
	h = tv_half_at(c, slot);
	tv_half_open(c, slot, index, seg);
	if (old != NULL) { /* above what the old incarnation has used [MAY-2]; as Linux: 65537 beyond */
		h->iss = old->snd.nxt + 65537;
		h->flags = TV_H_REOPENS;
	}
	tv_index_add(s, k, (uint32_t)TV_KIND_HALF << TV_REF_SLOT_BITS | slot);
	tv_backlog_take(c, slot);
	if (l->hold) {
		h->flags |= TV_H_HELD | TV_H_READY;
		l->held++;
		tv_ready_push(c, TV_KIND_HALF, slot);
	} else if ((r = tv_half_say(c, slot)) != NULL && fast != TV_FO_NO) {
		tv_fastopen_grant(r, seg);
	}
	tv_half_queue(c, slot);
	return TV_V_OK;
}

/* A SYN, of which ACK, RST and FIN have been looked at. */
static inline int take_syn(struct tv_stack *s, uint32_t index, const struct tv_segment *seg, const struct tv_key *k,
                           const struct tv_tcb *old)
{
	int v = tv_backlog_ask(&s->core, index, seg, k, old != NULL);

	return TV_UNLIKELY(v == TV_NEXT) ? half_open(s, index, seg, k, old) : v;
}

/* RFC 9293 3.10.7.2, LISTEN: first RST, second ACK, third SYN. */
int tv_listen_in(struct tv_stack *s, uint32_t index, const struct tv_segment *seg, const struct tv_key *k,
                 const struct tv_tcb *old)
{
	if ((seg->flags & TV_RST) != 0)
		return TV_V_LISTEN_RST; /* [EV-04] */
	if ((seg->flags & TV_ACK) != 0)
		return tv_cookie_in(s, index, seg, k); /* [EV-05] */
	if ((seg->flags & TV_SYN) == 0)
		return TV_V_LISTEN_OTHER; /* [EV-07] */
	if ((seg->flags & TV_FIN) != 0)
		return TV_V_BAD_FLAGS;
	return take_syn(s, index, seg, k, old);
}

void tv_door_begin(const struct tv_stack *s, struct tv_door *d)
{
	d->listener = 0;
	d->adds = tv_table_moving(&s->index) ? UINT64_MAX : s->index_adds;
}

/* The door for this SYN: its end is an address of ours, it came over a link from outside, somebody listens. */
static bool find_door(struct tv_stack *s, struct tv_door *d, const struct tv_segment *seg)
{
	struct tv_endpoint local;

	d->listener = 0;
	tv_key_local(&seg->key, &local);
	if (seg->link == tv_loop_link(s) || !tv_is_ours(s, &local.addr))
		return false;
	d->key = seg->key;
	d->link = seg->link;
	d->listener = tv_listen_find(&s->core, &local.addr, local.port, local.zone);
	return d->listener != 0;
}

/* May the source of this segment talk to us, coming from outside? As tv_check_addresses() has it, but that IPv6
 * addresses whose first half is zero, :: and ::1 among them, are left to it. */
TV_INLINE bool from_stranger(const struct tv_stack *s, const struct tv_key *k)
{
	const uint8_t *from = k->b + (k->v6 ? 16 : 4);

	if (k->v6 ? from[0] == 0xff || tv_native64(from) == 0 : !tv_v4_is_valid_source(from[0]))
		return false;
	for (unsigned i = 0; i < s->address_count; i++) {
		const struct tv_address *own = tv_address_at(s, i);

		if (k->v6) {
			if (tv_native64(own->addr.b) == tv_native64(from) &&
			    tv_native64(own->addr.b + 8) == tv_native64(from + 8))
				return false;
			continue;
		}
		if (tv_native32(own->broadcast) == tv_native32(from))
			return false;
		if (tv_native32(own->addr.b + 12) == tv_native32(from) && tv_addr_is_v4(&own->addr))
			return false;
	}
	return true;
}

/* The door is that of this SYN. */
TV_INLINE int enter(struct tv_stack *s, const struct tv_door *d, const struct tv_segment *seg, uint64_t hash)
{
	if (TV_UNLIKELY(!from_stranger(s, &seg->key)))
		return (int)tv_demux(s, seg, hash, 0);
	s->core.cnt.segments_in++;
	return take_syn(s, d->listener - 1, seg, &seg->key, NULL);
}

/* There was no door yet, or another one. */
static TV_APART int enter_elsewhere(struct tv_stack *s, struct tv_door *d, const struct tv_segment *seg, uint64_t hash)
{
	return find_door(s, d, seg) ? enter(s, d, seg, hash) : (int)tv_demux(s, seg, hash, 0);
}

enum tv_verdict tv_syn_in(struct tv_stack *s, struct tv_door *d, const struct tv_segment *seg, uint64_t hash)
{
	int v;

	if (TV_UNLIKELY(d->adds != s->index_adds))
		return tv_demux(s, seg, hash, 0);
	if (TV_LIKELY(d->listener != 0 && d->link == seg->link && tv_key_same_local(&d->key, &seg->key)))
		v = enter(s, d, seg, hash);
	else
		v = enter_elsewhere(s, d, seg, hash);
	TV_ASSERT(v >= 0);
	return (enum tv_verdict)v;
}
