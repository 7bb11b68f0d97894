/*
 * questions.c - passive OPEN: listeners, their accept queues, and SYNs that are held as questions.
 */
#include "stack/handles.h"
#include "tcp/close/orphan.h"

struct tv_listener *tv_handle_listener(const struct tv_stack *s, tv_handle h)
{
	const struct tv_core *c = &s->core;
	uint32_t slot = (uint32_t)h;
	struct tv_listener *l;

	if (h >> 60 != TV_KIND_LISTENER || slot >= c->listeners.count)
		return NULL;
	l = tv_listener_at(c, slot);
	return l->gen == (uint32_t)(h >> 32 & TV_GEN_MASK) && l->gen != 0 ? l : NULL;
}

uint32_t tv_handle_question(const struct tv_stack *s, tv_handle h)
{
	const struct tv_core *c = &s->core;
	uint32_t slot = (uint32_t)h;
	const struct tv_half *half;

	if (h >> 60 != TV_KIND_HALF || slot >= c->halves.count)
		return TV_NONE;
	half = tv_half_at(c, slot);
	if (half->gen != (uint32_t)(h >> 32 & TV_GEN_MASK) || half->gen == 0 || (half->flags & TV_H_HELD) == 0)
		return TV_NONE;
	return slot;
}

void tv_listen_default(struct tv_listen_config *config)
{
	memset(config, 0, sizeof *config);
	config->size = sizeof *config;
	config->backlog = 1024;
}

static int listen_valid(const struct tv_stack *s, const struct tv_listen_config *g)
{
	bool any_port = g->port_first == 0 && g->port_last == 0;

	if (g->size != sizeof *g || g->backlog == 0 || (g->only_v4 && g->only_v6))
		return TV_EINVAL;
	if (!any_port && (g->port_first == 0 || g->port_first > g->port_last))
		return TV_EINVAL;
	if (g->options != NULL && tv_options_valid(g->options) != TV_OK)
		return TV_EINVAL;
	if (!tv_addr_is_any(&g->addr) && !g->any_address && !tv_is_ours(s, &g->addr))
		return TV_EADDRNOTAVAIL;
	return TV_OK;
}

static void fill(struct tv_listener *l, const struct tv_listen_config *g)
{
	l->addr = g->addr;
	l->zone = g->zone;
	l->families = (uint8_t)((g->only_v6 ? 0 : 1) | (g->only_v4 ? 0 : 2));
	l->port_first = g->port_first;
	l->port_last = g->port_last == 0 ? UINT16_MAX : g->port_last;
	l->hold = g->hold;
	l->any_address = g->any_address;
	l->backlog = g->backlog;
	l->fastopen.max = g->fastopen;
	l->user = g->user;
}

int tv_listen(struct tv_stack *s, tv_time now, const struct tv_listen_config *g, tv_handle *listener)
{
	struct tv_core *c = &s->core;
	struct tv_listener *l;
	uint32_t i;
	int error;

	tv_stack_now(s, now);
	error = listen_valid(s, g);
	if (error != TV_OK)
		return error;
	i = tv_pool_take(&c->listeners, tv_region(c));
	if (i == TV_NONE)
		return TV_EFULL;
	l = tv_listener_at(c, i);
	memset(l, 0, sizeof *l);
	fill(l, g);
	error = tv_listen_add(c, i);
	l->profile = error == TV_OK ? tv_profile_take(c, g->options) : 0;
	if (error == TV_OK && l->profile == TV_NONE) {
		tv_listen_drop(c, i);
		error = TV_EFULL;
	}
	if (error != TV_OK) {
		tv_pool_give(&c->listeners, tv_region(c), i);
		return error;
	}
	l->gen = tv_gen_next(c);
	c->any_address_listeners += l->any_address;
	*listener = tv_handle_make(TV_KIND_LISTENER, l->gen, i);
	return TV_OK;
}

static struct tv_tcb *take_accepted(struct tv_core *c, struct tv_listener *l)
{
	struct tv_tcb *t;

	if (l->accept_head == 0)
		return NULL;
	t = tv_conn(c, l->accept_head - 1);
	l->accept_head = t->ready_next;
	if (l->accept_head == 0)
		l->accept_tail = 0;
	l->waiting--;
	t->flags &= ~(uint32_t)TV_F_QUEUED;
	t->ready_next = 0;
	return t;
}

int tv_accept(struct tv_stack *s, tv_time now, tv_handle h, tv_handle *connection)
{
	struct tv_core *c = &s->core;
	struct tv_listener *l = tv_handle_listener(s, h);
	struct tv_tcb *t;

	tv_stack_now(s, now);
	if (l == NULL)
		return TV_ESTALE;
	t = take_accepted(c, l);
	if (t == NULL)
		return TV_AGAIN;
	t->events &= (uint16_t)~TV_EV_CONNECTED; /* tv_accept() itself says so */
	tv_tell(c, t, 0);
	*connection = tv_handle_make(TV_KIND_CONN, t->gen, tv_conn_index(c, t));
	return TV_OK;
}

/* Its connections go on, and nobody counts those that were accepted before the final ACK; another listener may get
 * its slot. */
static void leave_connections(struct tv_core *c, uint32_t listener)
{
	for (uint32_t i = tv_pool_next(&c->conns, tv_region(c), 0); i != TV_NONE;
	     i = tv_pool_next(&c->conns, tv_region(c), i + 1)) {
		if (tv_conn_at(c, i)->listener != listener + 1)
			continue;
		tv_conn(c, i)->flags &= ~(uint32_t)TV_F_PENDING;
		tv_conn(c, i)->listener = 0;
	}
}

/* What was not accepted is reset (RFC 9293 3.10.4, LISTEN; as Linux does it). */
int tv_listener_close(struct tv_stack *s, tv_handle h)
{
	struct tv_core *c = &s->core;
	struct tv_listener *l = tv_handle_listener(s, h);
	uint32_t me = (uint32_t)h;
	struct tv_tcb *t;

	if (l == NULL)
		return TV_ESTALE;
	while ((t = take_accepted(c, l)) != NULL) {
		tv_orphan(c, t);
		if (t->state == TV_CLOSED) {
			tv_conn_free(s, t);
			continue;
		}
		tv_user_abort(c, t, TV_R_LISTENER_CLOSED);
		tv_settle(s, t);
	}
	for (uint32_t i = tv_pool_next(&c->halves, tv_region(c), 0); i != TV_NONE && l->half != 0;
	     i = tv_pool_next(&c->halves, tv_region(c), i + 1))
		if (tv_half_at(c, i)->listener == me + 1)
			tv_half_free(s, i);
	leave_connections(c, me);
	if (l->in_ready_list)
		tv_untell(c, (uint32_t)TV_KIND_LISTENER << TV_REF_SLOT_BITS | me);
	tv_listen_drop(c, me);
	tv_profile_drop(c, l->profile);
	c->any_address_listeners -= l->any_address;
	c->floods -= l->flood.on;
	l->gen = 0;
	tv_pool_give(&c->listeners, tv_region(c), me);
	return TV_OK;
}

/* The record of a held SYN becomes a connection in SYN-RECEIVED with the caller's options. */
static int answer_accept(struct tv_stack *s, uint32_t slot, const struct tv_answer *a, tv_handle *connection)
{
	struct tv_core *c = &s->core;
	uint32_t profile = TV_NONE;
	struct tv_tcb *t;
	struct tv_key k;

	if (a->options != NULL) {
		profile = tv_profile_take(c, a->options);
		if (profile == TV_NONE)
			return TV_EFULL;
	}
	tv_half_key(c, slot, &k);
	t = tv_promote(s, slot, &k, tv_key_hash(&k, &s->seed));
	if (t == NULL) {
		if (profile != TV_NONE)
			tv_profile_drop(c, profile);
		return TV_EFULL;
	}
	if (profile != TV_NONE) {
		tv_profile_drop(c, t->profile);
		t->profile = profile;
	}
	t->user = a->user;
	t->progress_ms = c->now_ms;
	tv_negotiate_answer(c, t);
	tv_rtt_init(c, t);
	tv_want(c, t, TV_WANT_SYN);
	tv_timer_main(c, t, tv_rto_ns(c, t));
	tv_settle(s, t);
	*connection = tv_handle_make(TV_KIND_CONN, t->gen, tv_conn_index(c, t));
	return TV_OK;
}

/* The SYN as it would be quoted: IP header and TCP header without options. */
static uint32_t quote(const struct tv_tcb *t, const struct tv_endpoint *from, const struct tv_endpoint *to,
                      uint8_t *p)
{
	struct tv_tcp_header h = {.sport = from->port, .dport = to->port, .seq = t->rcv.irs, .flags = TV_SYN,
	                          .wnd = (uint16_t)t->snd.wnd, .header_len = 20};
	uint32_t ip = tv_ip_build(p, &from->addr, &to->addr, TV_PROTO_TCP, 20, 64, 0);

	tv_tcp_header_build(p + ip, &h);
	return ip + 20;
}

static void answer_no(struct tv_stack *s, uint32_t slot, const struct tv_answer *a)
{
	struct tv_core *c = &s->core;
	struct tv_endpoint local, remote;
	struct tv_reply *r;
	struct tv_tcb t;
	struct tv_key k;
	uint8_t quoted[64];

	tv_half_unpack(c, slot, &t, &k);
	tv_key_local(&k, &local);
	tv_key_remote(&k, &remote);
	if (a->kind == TV_ANSWER_REFUSE && (r = tv_reply_new(c, &k, t.link)) != NULL) {
		r->flags = TV_RST | TV_ACK;
		r->ack = t.rcv.nxt;
		c->cnt.resets_out++;
	} else if (a->kind == TV_ANSWER_UNREACHABLE) {
		struct tv_icmp_error e = {.src = tv_addr_is_any(&a->icmp_from) ? local.addr : a->icmp_from,
		                          .dst = remote.addr, .type = a->icmp_type, .code = a->icmp_code,
		                          .ttl = c->cfg.defaults.ttl, .quoted = quoted};

		e.quoted_len = quote(&t, &remote, &local, quoted);
		tv_icmp_report(s, t.link, &e);
	}
	tv_half_free(s, slot);
}

int tv_answer(struct tv_stack *s, tv_time now, tv_handle question, const struct tv_answer *a, tv_handle *connection)
{
	uint32_t slot = tv_handle_question(s, question);

	tv_stack_now(s, now);
	if (slot == TV_NONE)
		return TV_ESTALE;
	if (a->size != sizeof *a || a->kind > TV_ANSWER_DROP ||
	    (a->options != NULL && tv_options_valid(a->options) != TV_OK))
		return TV_EINVAL;
	if (a->kind == TV_ANSWER_UNREACHABLE && !tv_addr_is_any(&a->icmp_from) &&
	    tv_addr_is_v4(&a->icmp_from) == ((tv_half_at(&s->core, slot)->opt & TV_H_V6) != 0))
		return TV_EINVAL;
	if (a->kind == TV_ANSWER_ACCEPT)
		return answer_accept(s, slot, a, connection);
	answer_no(s, slot, a);
	return TV_OK;
}
