/*
 * calls.c - the calls of trivet.h on connections: what a handle means, OPEN (active), and the passage to
 * tcp/user.c for the rest. A handle is good while its generation is that of the record.
 */
#include "stack/evict.h"
#include "stack/handles.h"
#include "stack/ports.h"
#include "tcp/open/begin.h"
#include "tcp/user.h"

void tv_connect_default(struct tv_connect_config *config)
{
	memset(config, 0, sizeof *config);
	config->size = sizeof *config;
}

/* RFC 9293 3.9.2.3, 3.10.1: addresses that nobody can be connected to [MUST-46]. */
static bool remote_valid(const struct tv_stack *s, const struct tv_addr *a)
{
	return !tv_addr_is_any(a) && !tv_addr_is_multicast(a) && !tv_is_broadcast(s, a) &&
	       (tv_addr_is_valid_source(a) || tv_is_ours(s, a));
}

/* Fills local address and link [MUST-43] [MUST-44]. */
static TV_APART int ask_tables(struct tv_stack *s, const struct tv_connect_config *g, struct tv_endpoint *local,
                      unsigned *link)
{
	bool zoned = !tv_addr_is_v4(&g->remote.addr) && tv_addr_is_link_local(&g->remote.addr);
	struct tv_hop hop;

	if (!remote_valid(s, &g->remote.addr))
		return TV_ENOTPERM;
	if (!tv_route_find(s, &g->remote.addr, zoned ? g->remote.zone : 0, &hop))
		return TV_ENOROUTE;
	*link = hop.link;
	local->zone = zoned ? tv_link_at(s, hop.link)->zone : 0; /* as that of its answers (RFC 4007 6) */
	if (!tv_addr_is_any(&g->local.addr)) {
		if (!tv_is_ours(s, &local->addr) || tv_addr_is_v4(&local->addr) != tv_addr_is_v4(&g->remote.addr))
			return TV_EADDRNOTAVAIL;
		return TV_OK;
	}
	if (!tv_source_for(s, &g->remote.addr, hop.link, &local->addr))
		return TV_EADDRNOTAVAIL;
	s->way.known = !zoned;
	s->way.remote = g->remote.addr;
	tv_key_addrs(&s->way.ends, !tv_addr_is_v4(&g->remote.addr), 0, &local->addr, &g->remote.addr);
	s->way.link = (uint8_t)hop.link;
	return TV_OK;
}

/* The key of the connection, and its link. Who opens connections opens most of them to where the last one went. */
static inline int choose_ends(struct tv_stack *s, const struct tv_connect_config *g, struct tv_key *k, unsigned *link)
{
	struct tv_endpoint local = g->local;
	int error;

	if (g->remote.port == 0)
		return TV_ENOTPERM;
	if (TV_LIKELY(s->way.known && tv_addr_equal(&s->way.remote, &g->remote.addr) &&
	              tv_addr_is_any(&g->local.addr))) {
		*k = s->way.ends;
		tv_key_ports(k, g->local.port, g->remote.port);
		*link = s->way.link;
		return TV_OK;
	}
	error = ask_tables(s, g, &local, link);
	if (error == TV_OK)
		tv_key_make(k, !tv_addr_is_v4(&g->remote.addr), local.zone, &local, &g->remote);
	return error;
}

static int choose_port(struct tv_stack *s, const struct tv_connect_config *g, struct tv_tuple *t,
                       struct tv_ports_full *full)
{
	if (g->local.port == 0)
		return tv_port_choose(s, t, full);
	return tv_tuple_free(s, t) ? TV_OK : TV_EISCONN; /* [EV-49] */
}

/* The number of its SYN: above what the incarnation in TIME-WAIT has used whose tuple it takes (RFC 6191). */
static inline uint32_t first_number(struct tv_stack *s, struct tv_tuple *tuple, struct tv_clocks *clocks)
{
	struct tv_core *c = &s->core;
	uint32_t slot = tuple->reuse & ((1u << TV_REF_SLOT_BITS) - 1), iss;

	if (TV_LIKELY(tuple->reuse == 0))
		return tv_isn_of_pair(c, &tuple->key); /* tv_clocks_now() has asked for it */
	iss = tv_wait_at(c, slot)->snd_nxt + 65537;
	clocks->era = 0;
	tv_wait_free(s, slot); /* may change the key of the index */
	tuple->hash = tv_key_hash(&tuple->key, &s->seed);
	c->cnt.time_wait_reused++;
	return iss;
}

/* A place for it; TV_NONE: none left. */
static inline uint32_t take_place(struct tv_stack *s, struct tv_tuple *tuple)
{
	uint64_t evicted = s->core.cnt.evicted;
	uint32_t i = tv_conn_place(s);

	if (TV_UNLIKELY(s->core.cnt.evicted != evicted)) /* may have changed the key of the index */
		tuple->hash = tv_key_hash(&tuple->key, &s->seed);
	return i;
}

int tv_connect(struct tv_stack *s, tv_time now, const struct tv_connect_config *g, tv_handle *connection,
               struct tv_ports_full *full)
{
	struct tv_core *c = &s->core;
	struct tv_clocks clocks;
	uint32_t profile, i, iss;
	struct tv_tuple tuple;
	struct tv_tcb *t;
	unsigned link;
	int error;

	tv_stack_now(s, now);
	if (g->size != sizeof *g || (g->options != NULL && tv_options_valid(g->options) != TV_OK) ||
	    (g->fastopen && tv_paths_count(c) == 0))
		return TV_EINVAL;
	error = choose_ends(s, g, &tuple.key, &link);
	if (error != TV_OK)
		return error;
	error = choose_port(s, g, &tuple, full);
	if (error != TV_OK)
		return error;
	profile = tv_profile_take(c, g->options);
	if (profile == TV_NONE)
		return TV_EFULL;
	i = take_place(s, &tuple);
	if (TV_UNLIKELY(i == TV_NONE)) {
		tv_profile_drop(c, profile);
		return TV_EFULL;
	}
	clocks = tv_clocks_now(c, &tuple.key);
	iss = first_number(s, &tuple, &clocks);
	tv_index_add_hashed(s, tuple.hash, (uint32_t)TV_KIND_CONN << TV_REF_SLOT_BITS | i);
	t = tv_conn_write(c, i, &tuple.key);
	t->profile = profile;
	t->link = (uint8_t)link;
	t->user = g->user;
	t->opt.fastopen = g->fastopen ? TV_FO_PLANNED : TV_FO_NONE;
	*connection = tv_handle_make(TV_KIND_CONN, t->gen, i);
	tv_open_active(c, t, &tuple.key, iss, &clocks);
	return TV_OK;
}

void tv_fetch(const struct tv_stack *s, const tv_handle *connections, unsigned n)
{
	const struct tv_core *c = &s->core;

	for (unsigned i = 0; i < n; i++)
		if ((uint32_t)connections[i] < c->conns.count)
			tv_conn_fetch(tv_conn_at(c, (uint32_t)connections[i]));
}

/* A page was refused: somebody who stalls may have to go, and then once more. */
static TV_APART int64_t send_rest(struct tv_stack *s, struct tv_tcb *t, const uint8_t *data, size_t len,
                                  unsigned flags, int64_t took)
{
	size_t done = took > 0 ? (size_t)took : 0;
	int64_t more;

	s->page_failures = s->core.pages.failures;
	if (!tv_evict(s, TV_NEED_PAGE, t))
		return took;
	more = tv_user_send(&s->core, t, data + done, len - done, flags);
	return more > 0 ? (int64_t)done + more : took;
}

int64_t tv_send(struct tv_stack *s, tv_time now, tv_handle h, const void *data, size_t len, unsigned flags)
{
	struct tv_tcb *t = tv_handle_conn(s, h);
	int64_t took;

	tv_stack_now(s, now);
	if (t == NULL)
		return TV_ESTALE;
	if (TV_LIKELY(tv_user_send_short(&s->core, t, data, len, flags)))
		return (int64_t)len;
	if (len == 0)
		return TV_EINVAL;
	took = tv_user_send(&s->core, t, data, len, flags);
	if (TV_UNLIKELY(s->page_failures != s->core.pages.failures) && took < (int64_t)len)
		return send_rest(s, t, data, len, flags, took);
	return took;
}

int64_t tv_recv(struct tv_stack *s, tv_time now, tv_handle h, void *data, size_t len, unsigned flags)
{
	struct tv_tcb *t = tv_handle_conn(s, h);
	uint32_t n;

	tv_stack_now(s, now);
	if (t == NULL)
		return TV_ESTALE;
	n = tv_user_receive_short(&s->core, t, data, len, flags);
	return TV_LIKELY(n != 0) ? n : tv_user_receive(&s->core, t, data, len, flags);
}

int tv_peek(struct tv_stack *s, tv_handle h, struct tv_piece *pieces, unsigned n)
{
	const struct tv_tcb *t = tv_handle_conn(s, h);
	uint32_t covered;

	if (t == NULL)
		return TV_ESTALE;
	if (t->in.len == 0 || (t->flags & TV_F_CLOSED_BY_USER) != 0)
		return 0;
	return (int)tv_stream_pieces(&t->in, &s->core.pages, tv_region(&s->core), 0, t->in.len, NULL, pieces, n,
	                             &covered);
}

int64_t tv_consume(struct tv_stack *s, tv_time now, tv_handle h, size_t bytes)
{
	struct tv_tcb *t = tv_handle_conn(s, h);

	tv_stack_now(s, now);
	if (t == NULL)
		return TV_ESTALE;
	return tv_user_consume(&s->core, t, bytes);
}

int tv_shutdown(struct tv_stack *s, tv_time now, tv_handle h)
{
	struct tv_tcb *t = tv_handle_conn(s, h);

	tv_stack_now(s, now);
	return t == NULL ? TV_ESTALE : tv_user_shutdown(&s->core, t);
}

int tv_close(struct tv_stack *s, tv_time now, tv_handle h)
{
	struct tv_tcb *t = tv_handle_conn(s, h);
	int error;

	tv_stack_now(s, now);
	if (t == NULL)
		return h >> 60 == TV_KIND_LISTENER ? tv_listener_close(s, h) : TV_ESTALE;
	error = tv_user_close(&s->core, t);
	tv_settle(s, t);
	return error;
}

int tv_abort(struct tv_stack *s, tv_time now, tv_handle h)
{
	struct tv_tcb *t = tv_handle_conn(s, h);
	int error;

	tv_stack_now(s, now);
	if (t == NULL)
		return TV_ESTALE;
	error = tv_user_abort(&s->core, t, TV_R_ABORTED);
	tv_settle(s, t);
	return error;
}

int tv_release(struct tv_stack *s, tv_time now, tv_handle h)
{
	struct tv_core *c = &s->core;
	struct tv_tcb *t = tv_handle_conn(s, h);

	tv_stack_now(s, now);
	if (t == NULL)
		return h >> 60 == TV_KIND_LISTENER ? tv_listener_close(s, h) : TV_ESTALE;
	if (t->state == TV_CLOSED) {
		tv_conn_free(s, t);
		return TV_OK;
	}
	if ((t->flags & TV_F_CLOSED_BY_USER) == 0)
		tv_user_close(c, t);
	tv_orphan(c, t);
	t->events = 0;
	if ((t->flags & TV_F_IN_READY_LIST) != 0) {
		t->flags &= ~(uint32_t)TV_F_IN_READY_LIST;
		tv_untell(c, (uint32_t)TV_KIND_CONN << TV_REF_SLOT_BITS | tv_conn_index(c, t));
	}
	if (t->state == TV_FIN_WAIT_2)
		tv_fin_wait_2_limit(c, t);
	tv_settle(s, t);
	if (TV_UNLIKELY(c->orphans > c->cfg.orphans))
		tv_evict(s, TV_NEED_ORPHAN, NULL);
	return TV_OK;
}

int tv_set(struct tv_stack *s, tv_time now, tv_handle h, enum tv_option option, uint64_t value)
{
	struct tv_tcb *t = tv_handle_conn(s, h);

	tv_stack_now(s, now);
	if (tv_handle_listener(s, h) != NULL)
		return tv_option_inherit(&s->core, tv_handle_listener(s, h), option, value);
	return t == NULL ? TV_ESTALE : tv_option_set(&s->core, t, option, value);
}

int tv_get(const struct tv_stack *s, tv_handle h, enum tv_option option, uint64_t *value)
{
	const struct tv_tcb *t = tv_handle_conn(s, h);

	return t == NULL ? TV_ESTALE : tv_option_get(&s->core, t, option, value);
}
