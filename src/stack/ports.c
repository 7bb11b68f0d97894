/*
 * ports.c - ephemeral ports (RFC 6056, algorithm 4: double hash) and the search for a free one.
 *
 * The first port to try is a keyed hash of the two addresses and the remote port, plus a counter that
 * another keyed hash picks from a small table: an observer of one destination learns nothing about
 * another. At most 64 are tried in a call; then TV_AGAIN, and the next call for the same destination goes
 * on where this one stopped. In a farm only ports are chosen whose answers come home (tv_steer()).
 *
 * A tuple in TIME-WAIT of our own is in use, unless the configuration lets timestamps make it safe (RFC
 * 6191: ours go up, so the peer can tell the new SYN from the old connection).
 */
#include "stack/ports.h"

#define TRIES 64

/* May an own TIME-WAIT give its tuple to a new active open? */
static bool wait_reusable(const struct tv_stack *s, uint32_t ref, const struct tv_key *k)
{
	const struct tv_core *c = &s->core;
	const struct tv_wait *w;
	struct tv_endpoint remote;

	if (c->cfg.time_wait_reuse == TV_REUSE_OFF || ref >> TV_REF_SLOT_BITS != TV_KIND_WAIT)
		return false;
	tv_key_remote(k, &remote);
	if (c->cfg.time_wait_reuse == TV_REUSE_LOOPBACK && !tv_is_ours(s, &remote.addr))
		return false;
	w = tv_wait_at(c, ref & ((1u << TV_REF_SLOT_BITS) - 1));
	/* Our clock has moved on since the last segment of the old connection (Linux: one second). */
	return (w->flags & TV_O_TS) != 0 && c->coarse - w->ts_recent_at > (TV_S >> TV_COARSE_SHIFT) + 1;
}

TV_INLINE bool tuple_free(struct tv_stack *s, struct tv_tuple *t)
{
	uint32_t ref;

	t->hash = tv_key_hash(&t->key, &s->seed);
	t->reuse = 0;
	ref = tv_index_find(s, &t->key, t->hash);
	if (ref == 0)
		return true;
	if (!wait_reusable(s, ref, &t->key))
		return false;
	t->reuse = ref;
	return true;
}

bool tv_tuple_free(struct tv_stack *s, struct tv_tuple *t)
{
	return tuple_free(s, t);
}

static bool steers_home(const struct tv_stack *s, const struct tv_key *k)
{
	const struct tv_config *g = &s->core.cfg;

	return g->stack_count == 1 || tv_steer_key(k, g->steer_key, g->stack_count) == g->stack_number;
}

/* What is known when every port is taken. */
static void describe_full(struct tv_stack *s, struct tv_key *k, struct tv_ports_full *full)
{
	const struct tv_config *g = &s->core.cfg;
	struct tv_core *c = &s->core;

	full->time_waits = 0;
	full->first_free = TV_NEVER;
	for (uint32_t port = g->port_first; port <= g->port_last; port++) {
		uint64_t now = c->now >> TV_TICK_SHIFT;
		uint32_t ref;
		tv_time end;

		tv_key_set_local_port(k, (uint16_t)port);
		ref = tv_index_find(s, k, tv_key_hash(k, &s->seed));
		if (ref >> TV_REF_SLOT_BITS != TV_KIND_WAIT)
			continue;
		full->time_waits++;
		end = (now + (uint64_t)(int64_t)(int32_t)(
			tv_wait_at(c, ref & ((1u << TV_REF_SLOT_BITS) - 1))->at - (uint32_t)now)) << TV_TICK_SHIFT;
		full->first_free = tv_min64(full->first_free, end);
	}
}

/* The port that a search for this hash comes to next. */
static inline uint16_t next_port(const struct tv_stack *s, uint64_t hash)
{
	const struct tv_config *g = &s->core.cfg;
	uint32_t range = (uint32_t)g->port_last - g->port_first + 1;

	/* Two functions: the low and the high half. */
	return (uint16_t)(g->port_first + (uint32_t)(((uint64_t)(uint32_t)hash + s->port_table[hash >> 60]) % range));
}

/* Port by port. */
static TV_APART int search(struct tv_stack *s, struct tv_tuple *t, struct tv_ports_full *full)
{
	const struct tv_config *g = &s->core.cfg;
	uint32_t range = (uint32_t)g->port_last - g->port_first + 1;
	uint64_t hash = tv_isn_port(&s->core, &t->key);

	if (s->search.tuple != hash) {
		s->search.tuple = hash;
		s->search.tried = 0;
	}
	for (unsigned i = 0; i < TRIES && s->search.tried < range; i++) {
		tv_key_set_local_port(&t->key, next_port(s, hash));
		s->port_table[hash >> 60]++;
		s->search.tried++;
		if (steers_home(s, &t->key) && tuple_free(s, t)) {
			s->search.tuple = 0;
			return TV_OK;
		}
	}
	if (s->search.tried < range)
		return TV_AGAIN;
	s->search.tuple = 0;
	if (full != NULL)
		describe_full(s, &t->key, full);
	return TV_EPORTS;
}

int tv_port_choose(struct tv_stack *s, struct tv_tuple *t, struct tv_ports_full *full)
{
	uint64_t hash;

	if (TV_UNLIKELY(!tv_isn_port_known(&s->core, &t->key) || s->core.cfg.stack_count != 1 || s->search.tuple != 0))
		return search(s, t, full);
	/* Nearly always the first one is free. */
	hash = tv_isn_port(&s->core, &t->key);
	tv_key_set_local_port(&t->key, next_port(s, hash));
	t->hash = tv_key_hash(&t->key, &s->seed);
	t->reuse = 0;
	if (TV_UNLIKELY(!tv_table_lacks(&s->index, tv_region(&s->core), t->hash)))
		return search(s, t, full);
	s->port_table[hash >> 60]++;
	return TV_OK;
}
