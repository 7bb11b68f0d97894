/*
 * syn.c - what comes to a listener; and SYNs as they come in a flood, one behind the other to one port.
 *
 * A SYN to a listener passes tv_backlog_ask() (tcp/open/backlog.c) and becomes a half-open record, or is
 * answered with a cookie.
 *
 * SYNs come from somebody else each, but many to one address of ours, in a flood and where many connect. Whether
 * it is ours and who listens at its ports is found out once in each batch (a door); the index has said already
 * that nobody has the tuple, and is asked once more when something was added to it since. What is left for each
 * SYN is to look at its source. ACKs of nobody's, as they come when cookies are returned, enter by the same door.
 * Whatever is not like that goes the way of all segments (demux.c), with the same result:
 * tests/unit/test_stack_syn.c compares the two.
 *
 * Where a listener answers all with cookies, a SYN like the one before it needs little more than to be written
 * down (tcp/open/cookie.h).
 */
#include "stack/stack.h"
#include "tcp/open/backlog.h"
#include "tcp/open/cookie.h"

/* A record for this SYN to l, which is listener number `index`, and its SYN-ACK, or a connection at once; old: the
 * incarnation in TIME-WAIT that has its tuple. */
TV_INLINE int half_open(struct tv_stack *s, struct tv_listener *l, uint32_t index, const struct tv_segment *seg,
                        uint64_t hash, const struct tv_tcb *old)
{
	struct tv_core *c = &s->core;
	enum tv_fo_answer fast = tv_fastopen_ask(c, l, seg);
	uint32_t offset = tv_pair(c, &seg->key)->offset, slot, iss;
	struct tv_reply *r;
	struct tv_half *h;
	int v;

	if (fast >= TV_FO_OPEN && old == NULL && (v = tv_fastopen_in(s, index, seg, &seg->key, fast)) != TV_NEXT)
		return v;
	/* Above what the old incarnation has used [MAY-2]; as Linux: 65537 beyond. */
	iss = TV_LIKELY(old == NULL) ? tv_isn_of_pair(c, &seg->key) : old->snd.nxt + 65537;
	slot = tv_pool_take(&c->halves, tv_region(c));
	tv_index_add_hashed(s, tv_index_hash(s, &seg->key, hash), (uint32_t)TV_KIND_HALF << TV_REF_SLOT_BITS | slot);
	h = tv_half_at(c, slot);
	tv_half_begin(c, h, slot, index, l->profile, seg, iss);
	h->flags = old != NULL ? TV_H_REOPENS : 0;
	tv_backlog_take(c, l, h, slot);
	if (TV_UNLIKELY(l->hold)) {
		h->flags |= TV_H_HELD | TV_H_READY;
		l->held++;
		tv_ready_push(c, TV_KIND_HALF, slot);
		tv_half_queue(c, &c->held_fifo, h, slot, c->cfg.question_timeout);
	} else {
		r = tv_half_answer(c, h, l, &seg->key, offset);
		if (r != NULL && fast != TV_FO_NO)
			tv_fastopen_grant(r, seg);
		tv_half_queue(c, &c->half_fifo[0], h, slot, c->cfg.rto_first);
	}
	tv_state_half(c); /* [EV-06] */
	return TV_V_OK;
}

/* A SYN, of which ACK, RST and FIN have been looked at. */
TV_INLINE int take_syn(struct tv_stack *s, uint32_t index, const struct tv_segment *seg, uint64_t hash,
                       const struct tv_tcb *old)
{
	struct tv_listener *l = tv_listener_at(&s->core, index);
	int v = tv_backlog_ask(&s->core, l, index, seg, old != NULL);

	return TV_LIKELY(v == TV_NEXT) ? half_open(s, l, index, seg, hash, old) : v;
}

/* Of one that comes by another way than a door. */
static TV_APART int take_syn_of(struct tv_stack *s, uint32_t index, const struct tv_segment *seg, uint64_t hash,
                                const struct tv_tcb *old)
{
	return take_syn(s, index, seg, hash, old);
}

/* RFC 9293 3.10.7.2, LISTEN: first RST, second ACK, third SYN. */
int tv_listen_in(struct tv_stack *s, uint32_t index, const struct tv_segment *seg, uint64_t hash,
                 const struct tv_tcb *old)
{
	if ((seg->flags & TV_RST) != 0)
		return TV_V_LISTEN_RST; /* [EV-04] */
	if ((seg->flags & TV_ACK) != 0)
		return tv_cookie_in(s, index, seg, hash); /* [EV-05] */
	if ((seg->flags & TV_SYN) == 0)
		return TV_V_LISTEN_OTHER; /* [EV-07] */
	if ((seg->flags & TV_FIN) != 0)
		return TV_V_BAD_FLAGS;
	return take_syn_of(s, index, seg, hash, old);
}

void tv_door_begin(struct tv_stack *s, struct tv_door *d)
{
	d->ours = false;
	d->always = NULL;
	memset(d->at, 0, sizeof d->at);
	d->adds = tv_table_moving(&s->index) ? UINT64_MAX : s->index_adds;
	s->hashed_at = s->index.rekeys;
}

/* The door for this SYN: its end is an address of ours, and it came over a link from outside. */
static void find_door(struct tv_stack *s, struct tv_door *d, const struct tv_segment *seg,
                      const struct tv_addr *local)
{
	d->ours = seg->link != tv_loop_link(s) && tv_is_ours(s, local);
	d->key = seg->key;
	d->link = seg->link;
	memset(d->at, 0, sizeof d->at);
	d->near = 0;
	for (unsigned i = 0; i < s->address_count; i++) {
		const struct tv_address *own = tv_address_at(s, i);

		d->near |= (uint64_t)1 << own->addr.b[15] % 64 | (uint64_t)1 << own->broadcast[3] % 64;
	}
}

/* Could this be the source of a segment for us, had we no addresses? IPv6 addresses whose first half is zero, :: and
 * ::1 among them, are left to tv_check_addresses(). */
TV_INLINE bool is_source(const uint8_t *from, bool v6)
{
	return v6 ? from[0] != 0xff && tv_native64(from) != 0 : tv_v4_is_valid_source(from[0]);
}

/* Could an address with this last octet be one of ours, or of broadcast? */
static inline bool may_be_near(const struct tv_door *d, uint8_t last)
{
	return (d->near >> last % 64 & 1) != 0;
}

static TV_APART bool is_own(const struct tv_stack *s, const uint8_t *from, bool v6)
{
	for (unsigned i = 0; i < s->address_count; i++) {
		const struct tv_address *own = tv_address_at(s, i);

		if (v6) {
			if (tv_native64(own->addr.b) == tv_native64(from) &&
			    tv_native64(own->addr.b + 8) == tv_native64(from + 8))
				return true;
			continue;
		}
		if (tv_native32(own->broadcast) == tv_native32(from))
			return true;
		if (tv_native32(own->addr.b + 12) == tv_native32(from) && tv_addr_is_v4(&own->addr))
			return true;
	}
	return false;
}

/* May the source of this segment talk to us, coming from outside? As tv_check_addresses() has it. */
static inline bool from_stranger(const struct tv_stack *s, const struct tv_door *d, const struct tv_key *k)
{
	const uint8_t *from = k->b + (k->v6 ? 16 : 4);

	return is_source(from, k->v6) && (!may_be_near(d, from[k->v6 ? 15 : 3]) || !is_own(s, from, k->v6));
}

/* There was no door yet, or another one, or nobody has asked for this port: the number + 1 of its listener; 0: none. */
static TV_APART uint32_t listener_elsewhere(struct tv_stack *s, struct tv_door *d, const struct tv_segment *seg)
{
	struct tv_endpoint local;
	uint32_t listener = 0;

	tv_key_local(&seg->key, &local);
	if (!d->ours || d->link != seg->link || !tv_key_same_local_addr(&d->key, &seg->key))
		find_door(s, d, seg, &local.addr);
	if (d->ours)
		listener = tv_listen_find(&s->core, &local.addr, local.port, local.zone);
	if (listener != 0) {
		d->at[local.port % TV_DOOR_PORTS].port = local.port;
		d->at[local.port % TV_DOOR_PORTS].listener = (uint16_t)listener;
	}
	return listener;
}

/* Something was added to the index since the batch was looked up: this tuple? */
static TV_APART bool added_since(struct tv_stack *s, const struct tv_segment *seg, uint64_t hash)
{
	return tv_index_find(s, &seg->key, tv_index_hash(s, &seg->key, hash)) != 0;
}

TV_APART enum tv_verdict tv_door_in(struct tv_stack *s, struct tv_door *d, const struct tv_segment *seg, uint64_t hash)
{
	uint32_t port = tv_key_local_port(&seg->key), at = port % TV_DOOR_PORTS, listener = d->at[at].listener;
	const struct tv_listener *l;
	int v;

	d->always = NULL;
	if (TV_UNLIKELY(d->adds != s->index_adds) && added_since(s, seg, hash))
		return tv_demux(s, seg, hash, 0);
	if (TV_UNLIKELY(listener == 0 || d->at[at].port != port || d->link != seg->link ||
	                !tv_key_same_local_addr(&d->key, &seg->key)))
		listener = listener_elsewhere(s, d, seg);
	if (TV_UNLIKELY(listener == 0 || !from_stranger(s, d, &seg->key)))
		return tv_demux(s, seg, hash, 0);
	s->core.cnt.segments_in++;
	d->port = (uint16_t)port;
	if ((seg->flags & TV_SYN) != 0)
		v = take_syn(s, listener - 1, seg, hash, NULL);
	else
		v = tv_cookie_in(s, listener - 1, seg, hash);
	l = tv_listener_at(&s->core, listener - 1);
	d->always = tv_backlog_always(&s->core, l) ? l : NULL;
	TV_ASSERT(v >= 0);
	return (enum tv_verdict)v;
}

/* It gets a cookie as the last one did: through the same door, to a listener that answers all with cookies, from
 * none of our own addresses or the like of them, and with the same options. */
TV_INLINE bool goes_on(const struct tv_stack *s, const struct tv_door *d, const struct tv_segment *seg, bool v6)
{
	const uint8_t *from = seg->key.b + (v6 ? 16 : 4);
	const struct tv_listener *l = d->always;

	if (l == NULL || d->adds != s->index_adds || d->link != seg->link || d->port != tv_key_local_port(&seg->key) ||
	    !tv_key_same_local_addr(&d->key, &seg->key))
		return false;
	if (!is_source(from, v6) || may_be_near(d, from[v6 ? 15 : 3]))
		return false;
	return l->waiting < l->backlog && !l->flood.on && tv_cookie_fits(&s->core.cookies, l->profile, seg);
}

static TV_APART enum tv_verdict syn_v6(struct tv_stack *s, struct tv_door *d, const struct tv_segment *seg,
                                       uint64_t hash)
{
	if (TV_UNLIKELY(!goes_on(s, d, seg, true)))
		return tv_door_in(s, d, seg, hash);
	s->core.cnt.segments_in++;
	return tv_cookie_put(&s->core, seg, true);
}

enum tv_verdict tv_syn_in(struct tv_stack *s, struct tv_door *d, const struct tv_segment *seg, uint64_t hash)
{
	if (seg->key.v6)
		return syn_v6(s, d, seg, hash);
	if (TV_UNLIKELY(!goes_on(s, d, seg, false)))
		return tv_door_in(s, d, seg, hash);
	s->core.cnt.segments_in++;
	return tv_cookie_put(&s->core, seg, false);
}
