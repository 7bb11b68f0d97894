/*
 * demux.c - to whom does a segment belong? Connection, half-open record, TIME-WAIT record, listener,
 * nobody: in this order. And the life of records: a SYN becomes a half-open record, that becomes a
 * connection, that a TIME-WAIT record, and each is in the index for as long as it lives.
 *
 * A tuple may be in the index twice for a while: a TIME-WAIT (record or connection) whose tuple a new SYN
 * may take over stays until that handshake completes (RFC 6191), so a look-up goes on past it.
 */
#include "stack/evict.h"
#include "tcp/open/open.h"
#include "tcp/timers.h"

static uint32_t slot_of(uint32_t ref)
{
	return ref & ((1u << TV_REF_SLOT_BITS) - 1);
}

static uint32_t ref_make(unsigned kind, uint32_t slot)
{
	return kind << TV_REF_SLOT_BITS | slot;
}

static bool ref_matches(const struct tv_stack *s, const struct tv_key *k, uint32_t ref)
{
	const struct tv_core *c = &s->core;
	uint32_t slot = slot_of(ref);
	uint8_t *region = tv_region(c);

	if (ref >> TV_REF_SLOT_BITS == TV_KIND_CONN) {
		const struct tv_tcb *t = tv_conn_at(c, slot);

		return tv_key_matches(k, t->key, tv_conn_rest(c, slot), t->v6, t->zone);
	}
	if (ref >> TV_REF_SLOT_BITS == TV_KIND_HALF) {
		const struct tv_half *h = tv_half_at(c, slot);

		return tv_key_matches(k, h->key, tv_half_rest(c, slot), (h->opt & TV_H_V6) != 0, h->zone);
	}
	const struct tv_wait *w = tv_wait_at(c, slot);

	return tv_key_matches(k, w->key, region + c->wait_rest + (uint64_t)slot * TV_KEY_REST,
	                      (w->flags & TV_H_V6) != 0, w->zone);
}

static bool is_time_wait(const struct tv_stack *s, uint32_t ref)
{
	if (ref >> TV_REF_SLOT_BITS == TV_KIND_WAIT)
		return true;
	if (ref >> TV_REF_SLOT_BITS != TV_KIND_CONN)
		return false;
	return ((const struct tv_tcb *)tv_pool_at(&s->core.conns, tv_region(&s->core), slot_of(ref)))->state ==
	       TV_TIME_WAIT;
}

/* The connection that the index named when a batch began, if a look-up would still find it; earlier segments
 * of the batch may have freed the record, or given it to another tuple. NULL: it has to be looked up. */
static inline struct tv_tcb *still_there(struct tv_core *c, const struct tv_key *k, uint32_t ref)
{
	struct tv_tcb *t = tv_conn(c, slot_of(ref));

	if (ref >> TV_REF_SLOT_BITS != TV_KIND_CONN || t->state == TV_CLOSED || t->state == TV_TIME_WAIT ||
	    !tv_key_matches(k, t->key, tv_conn_rest(c, slot_of(ref)), t->v6, t->zone))
		return NULL;
	return t;
}

/* The same of a half-open record. */
static inline bool half_still_there(const struct tv_core *c, const struct tv_key *k, uint32_t ref)
{
	const struct tv_half *h = tv_half_at(c, slot_of(ref));

	return h->gen != 0 &&
	       tv_key_matches(k, h->key, tv_half_rest(c, slot_of(ref)), (h->opt & TV_H_V6) != 0, h->zone);
}

static uint32_t find_in(struct tv_stack *s, unsigned area, const struct tv_key *k, uint64_t hash, uint32_t *waiting)
{
	struct tv_probe p;
	uint32_t ref;

	if (s->index.slots[area] == 0)
		return 0;
	tv_probe_start(&p, &s->index, tv_region(&s->core), area, hash);
	while ((ref = tv_probe_next(&p)) != 0) {
		if (!ref_matches(s, k, ref))
			continue;
		if (!is_time_wait(s, ref))
			return ref;
		*waiting = ref;
	}
	return 0;
}

uint32_t tv_index_find_any(struct tv_stack *s, const struct tv_key *k, uint64_t hash)
{
	unsigned live = s->index.live;
	uint32_t waiting = 0, ref = find_in(s, live, k, hash, &waiting);

	if (ref == 0 && tv_table_moving(&s->index))
		ref = find_in(s, !live, k, tv_index_old_hash(s, k, hash), &waiting);
	return ref != 0 ? ref : waiting;
}

static void load_key(const struct tv_core *c, uint32_t ref, struct tv_key *k)
{
	uint32_t slot = slot_of(ref);
	uint8_t *region = tv_region(c);

	if (ref >> TV_REF_SLOT_BITS == TV_KIND_CONN) {
		tv_tcb_key(c, tv_pool_at(&c->conns, region, slot), k);
	} else if (ref >> TV_REF_SLOT_BITS == TV_KIND_HALF) {
		tv_half_key(c, slot, k);
	} else {
		const struct tv_wait *w = tv_wait_at(c, slot);

		tv_key_load(k, w->key, region + c->wait_rest + (uint64_t)slot * TV_KEY_REST,
		            (w->flags & TV_H_V6) != 0, w->zone);
	}
}

static uint64_t rehash(void *user, uint32_t ref)
{
	const struct tv_stack *s = user;
	struct tv_key k;

	load_key(&s->core, ref, &k);
	return tv_key_hash(&k, &s->seed);
}

void tv_index_move(struct tv_stack *s)
{
	if (tv_table_moving(&s->index))
		tv_table_move(&s->index, tv_region(&s->core), TV_TABLE_MOVES, rehash, s);
	else if (s->index.rekey_wanted != 0 && tv_table_rekey(&s->index)) {
		/* A probe became too long: somebody may have learnt the hash. New key from the old keys. */
		struct tv_sipkey k = {s->seed.finish, (uint64_t)s->seed.w[0] << 32 | s->seed.w[1]};
		uint64_t round = s->index.rekeys;

		s->old_seed = s->seed;
		for (unsigned i = 0; i < 10; i++) {
			uint64_t in[2] = {round, i};

			s->seed.w[i] = (uint32_t)tv_siphash(&k, in, sizeof in);
		}
		s->seed.finish = tv_siphash(&k, s->old_seed.w, sizeof s->old_seed.w) | 1;
	}
}

void tv_index_add_hashed(struct tv_stack *s, uint64_t hash, uint32_t ref)
{
	s->index_adds++;
	tv_table_insert(&s->index, tv_region(&s->core), hash, ref);
	tv_index_step(s);
}

static void drop_hashed(struct tv_stack *s, uint64_t hash, uint64_t old, uint32_t ref)
{
	tv_table_remove(&s->index, tv_region(&s->core), hash, old, ref);
	tv_index_step(s);
}

static void index_drop(struct tv_stack *s, const struct tv_key *k, uint32_t ref)
{
	uint64_t hash = tv_key_hash(k, &s->seed);

	drop_hashed(s, hash, tv_index_old_hash(s, k, hash), ref);
}

struct tv_tcb *tv_conn_new(struct tv_stack *s, const struct tv_key *k)
{
	return tv_conn_begin(s, k);
}

/* It does not wait for its neighbour any more. */
static void leave_park(struct tv_stack *s, struct tv_tcb *t)
{
	if ((t->flags & TV_F_PARKED) == 0)
		return;
	t->flags &= ~(uint32_t)TV_F_PARKED;
	s->parked--;
}

/* What a connection may have, and most have not any more when they end. */
static TV_APART void give_back(struct tv_stack *s, struct tv_tcb *t)
{
	struct tv_core *c = &s->core;

	leave_park(s, t);
	tv_flush(c, t, false);
	tv_want_drop(c, t);
	if ((t->flags & TV_F_IN_READY_LIST) != 0)
		tv_untell(c, ref_make(TV_KIND_CONN, tv_conn_index(c, t)));
	if (t->side != 0)
		tv_pool_give(&c->sides, tv_region(c), t->side - 1);
}

void tv_conn_free(struct tv_stack *s, struct tv_tcb *t)
{
	struct tv_core *c = &s->core;
	uint32_t i = tv_conn_index(c, t);

	if (TV_UNLIKELY((t->flags & (TV_F_PARKED | TV_F_IN_OUT_LIST | TV_F_IN_READY_LIST)) != 0 ||
	                (t->out.len | t->in.len | t->busy | t->side) != 0))
		give_back(s, t);
	tv_timers_off(c, t);
	tv_profile_drop(c, t->profile);
	tv_orphan_gone(c, t);
	t->gen = 0;
	t->state = TV_CLOSED;
	tv_pool_give(&c->conns, tv_region(c), i);
}

/* A TIME-WAIT record that nobody finds any more. */
static inline void wait_empty(struct tv_stack *s, uint32_t slot)
{
	const struct tv_core *c = &s->core;
	const struct tv_wait *w = tv_wait_at(c, slot);
	const uint8_t *rest = tv_region(c) + c->wait_rest + (uint64_t)slot * TV_KEY_REST;
	bool v6 = (w->flags & TV_H_V6) != 0;
	uint64_t hash = tv_key_hash_of(w->key, rest, v6, w->zone, &s->seed), old = hash;

	if (TV_UNLIKELY(s->index.rekeying != 0))
		old = tv_key_hash_of(w->key, rest, v6, w->zone, &s->old_seed);
	drop_hashed(s, hash, old, ref_make(TV_KIND_WAIT, slot));
}

void tv_wait_free(struct tv_stack *s, uint32_t slot)
{
	wait_empty(s, slot);
	tv_wait_unqueue(&s->core, slot);
	tv_pool_give(&s->core.waits, tv_region(&s->core), slot);
}

/* The user is done with a connection in TIME-WAIT: a small record takes its place. */
static TV_APART void shrink(struct tv_stack *s, struct tv_tcb *t)
{
	struct tv_core *c = &s->core;
	uint32_t i = tv_conn_index(c, t), slot;
	const uint8_t *rest = tv_conn_rest(c, i);
	uint64_t hash, old;

	if (c->waits.used == c->cfg.time_waits) {
		slot = c->wait_fifo.head - 1; /* the oldest has the least left to guard */
		wait_empty(s, slot);
		tv_wait_requeue(c, slot);
		c->cnt.time_wait_evicted++;
	} else {
		slot = tv_pool_take(&c->waits, tv_region(c));
		tv_wait_queue(c, slot);
	}
	tv_wait_pack(c, slot, t, rest);
	hash = old = tv_key_hash_of(t->key, rest, t->v6, t->zone, &s->seed);
	if (TV_UNLIKELY(s->index.rekeying != 0))
		old = tv_key_hash_of(t->key, rest, t->v6, t->zone, &s->old_seed);
	tv_table_replace(&s->index, tv_region(c), hash, old, ref_make(TV_KIND_CONN, i), ref_make(TV_KIND_WAIT, slot));
	tv_conn_free(s, t);
}

/* It has ended: nobody finds it any more, and if nobody holds it, it is free. */
static TV_APART void ended(struct tv_stack *s, struct tv_tcb *t)
{
	const struct tv_core *c = &s->core;
	uint32_t i = tv_conn_index(c, t);
	const uint8_t *rest = tv_conn_rest(c, i);
	uint64_t hash = tv_key_hash_of(t->key, rest, t->v6, t->zone, &s->seed), old = hash;

	t->flags &= ~(uint32_t)TV_F_FREED;
	leave_park(s, t);
	if (TV_UNLIKELY(s->index.rekeying != 0))
		old = tv_key_hash_of(t->key, rest, t->v6, t->zone, &s->old_seed);
	drop_hashed(s, hash, old, ref_make(TV_KIND_CONN, i));
	if ((t->flags & TV_F_RELEASED) != 0)
		tv_conn_free(s, t);
}

void tv_settle_rare(struct tv_stack *s, struct tv_tcb *t)
{
	if ((t->flags & TV_F_FREED) != 0)
		ended(s, t);
	else if (t->state == TV_TIME_WAIT && (t->flags & TV_F_RELEASED) != 0 && (t->want & TV_WANT_ACK) == 0 &&
	         s->core.cfg.time_waits != 0)
		shrink(s, t);
	else
		tv_timers_sync(&s->core, t);
}

void tv_half_free(struct tv_stack *s, uint32_t slot)
{
	struct tv_half *h = tv_half_at(&s->core, slot);
	struct tv_key k;

	load_key(&s->core, ref_make(TV_KIND_HALF, slot), &k);
	index_drop(s, &k, ref_make(TV_KIND_HALF, slot));
	tv_half_drop(&s->core, h, slot, tv_listener_at(&s->core, h->listener - 1u));
}

/* The TIME-WAIT, record or connection, that has this tuple; 0: none. */
static uint32_t find_time_wait(const struct tv_stack *s, const struct tv_key *k)
{
	uint64_t hash = tv_key_hash(k, &s->seed);
	struct tv_probe p;
	uint32_t ref;

	for (unsigned area = 0; area < 2; area++) {
		if (s->index.slots[area] == 0)
			continue;
		tv_probe_start(&p, &s->index, tv_region(&s->core), area,
		               area == s->index.live ? hash : tv_index_old_hash(s, k, hash));
		while ((ref = tv_probe_next(&p)) != 0)
			if (is_time_wait(s, ref) && ref_matches(s, k, ref))
				return ref;
	}
	return 0;
}

void tv_time_wait_end(struct tv_stack *s, const struct tv_key *k)
{
	uint32_t ref = find_time_wait(s, k);
	struct tv_tcb *t;

	if (ref == 0)
		return;
	s->core.cnt.time_wait_reused++;
	if (ref >> TV_REF_SLOT_BITS == TV_KIND_WAIT) {
		tv_wait_free(s, slot_of(ref));
		return;
	}
	t = tv_conn(&s->core, slot_of(ref));
	tv_end(&s->core, t, TV_R_REPLACED);
	tv_settle(s, t);
}

/* Everything but a repeated SYN and a RST is wrong for a SYN that was not answered yet. */
static int in_held(struct tv_stack *s, uint32_t slot, const struct tv_segment *seg)
{
	struct tv_half *h = tv_half_at(&s->core, slot);

	if ((seg->flags & TV_RST) != 0) {
		if (seg->seq != h->irs + 1)
			return TV_V_RST_INEXACT;
		tv_half_free(s, slot);
		return TV_V_OK;
	}
	if ((seg->flags & TV_ACK) != 0) {
		tv_reply_rst(&s->core, seg);
		return TV_V_ACK_BAD_HANDSHAKE;
	}
	return (seg->flags & TV_SYN) != 0 ? TV_V_HELD_REPEAT : TV_V_LISTEN_OTHER;
}

/* What is not simply the final ACK of a handshake that was answered. */
static TV_APART int in_half_any(struct tv_stack *s, uint32_t slot, const struct tv_segment *seg, uint64_t hash)
{
	struct tv_core *c = &s->core;
	struct tv_tcb t;
	struct tv_key k;
	int v;

	if ((tv_half_at(c, slot)->flags & TV_H_HELD) != 0)
		return in_held(s, slot, seg);
	tv_half_unpack(c, slot, &t, &k);
	v = tv_tcp_in(c, &t, seg);
	if (v == TV_PROMOTE)
		return tv_complete_in(s, slot, seg, hash);
	if (t.state == TV_CLOSED) { /* RST: back to LISTEN, nobody is told [EV-21] [MUST-11] */
		tv_half_free(s, slot);
		return v;
	}
	tv_half_update(c, slot, &t);
	if ((t.want & TV_WANT_SYN) != 0)
		(void)tv_half_say(c, slot);
	else if (t.want != 0)
		tv_reply_scratch(c, &t, &k);
	return v;
}

static inline int in_half(struct tv_stack *s, uint32_t slot, const struct tv_segment *seg, uint64_t hash)
{
	const struct tv_half *h = tv_half_at(&s->core, slot);

	if (TV_LIKELY((h->flags & TV_H_HELD) == 0 && tv_half_completes(h, seg)))
		return tv_complete_in(s, slot, seg, hash);
	return in_half_any(s, slot, seg, hash);
}

static int in_nobody(struct tv_stack *s, const struct tv_segment *seg, uint64_t hash, const struct tv_tcb *old)
{
	struct tv_core *c = &s->core;
	struct tv_endpoint local;
	uint32_t listener;

	tv_key_local(&seg->key, &local);
	listener = tv_listen_find(c, &local.addr, local.port, local.zone);
	if (listener != 0 && (tv_listener_at(c, listener - 1)->any_address || tv_is_ours(s, &local.addr)))
		return tv_listen_in(s, listener - 1, seg, hash, old);
	/* RFC 9293 3.10.7.1, CLOSED. */
	if ((seg->flags & TV_RST) != 0)
		return TV_V_NO_LISTENER_RST; /* [EV-01] */
	if (!tv_is_ours(s, &local.addr))
		return TV_V_NOT_OURS;
	tv_reply_rst(c, seg); /* [EV-02] [EV-03] [EV-37] */
	return TV_V_NO_CONNECTION;
}

static int in_wait(struct tv_stack *s, uint32_t slot, const struct tv_segment *seg, uint64_t hash)
{
	struct tv_core *c = &s->core;
	struct tv_tcb t;
	struct tv_key k;
	int v;

	tv_wait_unpack(c, slot, &t, &k);
	v = tv_tcp_in(c, &t, seg);
	if (v == TV_REOPEN)
		return in_nobody(s, seg, hash, &t);
	if (t.state == TV_CLOSED) {
		tv_wait_free(s, slot);
		return v;
	}
	tv_wait_at(c, slot)->challenge_ms = t.challenge_ms;
	tv_wait_at(c, slot)->max_wnd = t.snd.max_wnd;
	if (t.timer.life != 0)
		tv_wait_requeue(c, slot);
	if (t.want != 0)
		tv_reply_scratch(c, &t, &k);
	return v;
}

/* What the index has to be asked for, or whose ends are to be looked at. */
static TV_APART int demux_any(struct tv_stack *s, const struct tv_segment *seg, uint64_t hash)
{
	const struct tv_key *k = &seg->key;
	struct tv_core *c = &s->core;
	struct tv_endpoint local, remote;
	struct tv_tcb *t;
	uint32_t ref;
	int v;

	hash = tv_index_hash(s, k, hash);
	ref = tv_index_find(s, k, hash);
	tv_key_local(k, &local);
	tv_key_remote(k, &remote);
	v = (int)tv_check_addresses(s, &remote.addr, &local.addr, TV_PROTO_TCP, seg->link);
	if (v != TV_V_OK)
		return v;
	c->cnt.segments_in++;
	switch (ref >> TV_REF_SLOT_BITS) {
	case TV_KIND_CONN:
		t = tv_conn(c, slot_of(ref));
		v = tv_tcp_in(c, t, seg);
		if (v == TV_REOPEN)
			return in_nobody(s, seg, hash, t);
		tv_timers_rest(c, t);
		tv_settle(s, t);
		return v;
	case TV_KIND_HALF:
		return in_half(s, slot_of(ref), seg, hash);
	case TV_KIND_WAIT:
		return in_wait(s, slot_of(ref), seg, hash);
	default:
		return in_nobody(s, seg, hash, NULL);
	}
}

/* Of a half-open record, if it is still there; nearly always the final ACK of its handshake. */
static inline int demux_half(struct tv_stack *s, const struct tv_segment *seg, uint64_t hash, uint32_t ref)
{
	struct tv_core *c = &s->core;
	const struct tv_half *h = tv_half_at(c, slot_of(ref));

	if (TV_UNLIKELY(!half_still_there(c, &seg->key, ref) || h->link != seg->link || s->address_late))
		return demux_any(s, seg, hash);
	c->cnt.segments_in++;
	return in_half(s, slot_of(ref), seg, hash);
}

/* What no connection takes at once. */
static TV_APART enum tv_verdict demux_other(struct tv_stack *s, const struct tv_segment *seg, uint64_t hash,
                                            uint32_t ref)
{
	int v = ref >> TV_REF_SLOT_BITS == TV_KIND_HALF ? demux_half(s, seg, hash, ref) : demux_any(s, seg, hash);

	TV_ASSERT(v >= 0);
	return (enum tv_verdict)v;
}

/* Of a connection that may get it. */
static TV_APART enum tv_verdict in_connection(struct tv_stack *s, struct tv_tcb *t, const struct tv_segment *seg)
{
	struct tv_core *c = &s->core;
	int v;

	c->cnt.segments_in++;
	v = tv_tcp_in(c, t, seg);
	tv_timers_rest(c, t);
	tv_settle(s, t);
	TV_ASSERT(v >= 0);
	return (enum tv_verdict)v;
}

enum tv_verdict tv_demux(struct tv_stack *s, const struct tv_segment *seg, uint64_t hash, uint32_t ref)
{
	struct tv_tcb *t = still_there(&s->core, &seg->key, ref);

	/* Who may talk to us over this link? A record answers that for all of its segments: its ends were
	 * looked at when it was made, and no address was added since. */
	if (TV_UNLIKELY(t == NULL || t->link != seg->link || s->address_late))
		return demux_other(s, seg, hash, ref);
	return in_connection(s, t, seg);
}
