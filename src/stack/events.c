/*
 * events.c - what the user pulls: events, and STATUS (RFC 9293 3.10.6).
 *
 * Events are flags on records that hang in one list; taking one clears the flags. The list holds each
 * record at most once, so it cannot overflow.
 */
#include "stack/handles.h"
#include "tcp/open/open.h"

static uint32_t slot_of(uint32_t ref)
{
	return ref & ((1u << TV_REF_SLOT_BITS) - 1);
}

/* The news of a listener, or of a question. */
static void other_event(struct tv_core *c, uint32_t ref, struct tv_event *e)
{
	uint32_t slot = slot_of(ref);

	e->reason = TV_R_NONE;
	if (ref >> TV_REF_SLOT_BITS == TV_KIND_HALF) {
		struct tv_half *h = tv_half_at(c, slot);

		tv_ready_pop(c, h->ready_next);
		e->handle = tv_handle_make(TV_KIND_HALF, h->gen, slot);
		e->user = tv_listener_at(c, h->listener - 1u)->user;
		e->flags = TV_EV_QUESTION;
		h->flags &= (uint8_t)~TV_H_READY;
	} else {
		struct tv_listener *l = tv_listener_at(c, slot);

		tv_ready_pop(c, l->ready_next);
		e->handle = tv_handle_make(TV_KIND_LISTENER, l->gen, slot);
		e->user = l->user;
		e->flags = l->events;
		l->events = 0;
		l->in_ready_list = false;
	}
}

/* Something else has news, or nothing has. */
static TV_APART bool other_news(struct tv_core *c, struct tv_event *e)
{
	if (c->ready_head == 0)
		return false;
	other_event(c, c->ready_head, e);
	return true;
}

bool tv_event(struct tv_stack *s, struct tv_event *e)
{
	struct tv_core *c = &s->core;
	uint32_t slot = c->ready_head - (TV_KIND_CONN << TV_REF_SLOT_BITS);
	struct tv_tcb *t = tv_conn(c, slot);

	if (TV_UNLIKELY(slot >= 1u << TV_REF_SLOT_BITS)) /* not the reference of a connection */
		return other_news(c, e);
	tv_ready_pop(c, t->ready_next);
	e->handle = tv_handle_make(TV_KIND_CONN, t->gen, slot);
	e->user = t->user;
	e->flags = t->events;
	e->reason = (enum tv_reason)t->reason;
	t->events = 0;
	t->flags &= ~(uint32_t)TV_F_IN_READY_LIST;
	return true;
}

static void fill_ends(const struct tv_key *k, struct tv_info *info)
{
	tv_key_local(k, &info->local);
	tv_key_remote(k, &info->remote);
}

static tv_handle listener_handle(const struct tv_core *c, uint16_t number)
{
	if (number == 0)
		return 0;
	return tv_handle_make(TV_KIND_LISTENER, tv_listener_at(c, number - 1u)->gen, number - 1u);
}

static void info_conn(const struct tv_core *c, const struct tv_tcb *t, struct tv_info *info)
{
	struct tv_key k;

	tv_tcb_key(c, t, &k);
	fill_ends(&k, info);
	tv_user_info(c, t, info);
	info->opened = tv_isn_time(c, t, &k);
	info->listener = listener_handle(c, t->listener);
}

static tv_time tick_time(const struct tv_core *c, uint32_t at)
{
	uint64_t now = c->now >> TV_TICK_SHIFT;

	return (now + (uint64_t)(int64_t)(int32_t)(at - (uint32_t)now)) << TV_TICK_SHIFT;
}

static void info_half(const struct tv_core *c, uint32_t slot, struct tv_info *info)
{
	const struct tv_half *h = tv_half_at(c, slot);
	struct tv_tcb t;
	struct tv_key k;

	tv_half_unpack((struct tv_core *)(uintptr_t)c, slot, &t, &k);
	fill_ends(&k, info);
	tv_user_info(c, &t, info);
	info->opened = tv_isn_time(c, &t, &k);
	info->listener = listener_handle(c, h->listener);
	info->timer = tick_time(c, h->at);
	info->peer_syn_options = 1u << 2 | (info->window_scale ? 1u << 3 : 0) | (info->sack ? 1u << 4 : 0) |
	                         (info->timestamps ? 1u << 8 : 0);
}

static void info_wait(const struct tv_core *c, uint32_t slot, struct tv_info *info)
{
	struct tv_tcb t;
	struct tv_key k;

	tv_wait_unpack((struct tv_core *)(uintptr_t)c, slot, &t, &k);
	fill_ends(&k, info);
	tv_user_info(c, &t, info);
	info->reason = TV_R_NORMAL;
	info->released = info->user_closed = true;
	info->timer = tick_time(c, tv_wait_at(c, slot)->at);
}

static void info_listener(const struct tv_core *c, const struct tv_listener *l, struct tv_info *info)
{
	(void)c;
	info->state = TV_LISTEN;
	info->local.addr = l->addr;
	info->local.port = l->port_first;
	info->local.zone = l->zone;
	info->bytes_unread = l->waiting;   /* connections not yet accepted, as ss shows it */
	info->bytes_queued = l->backlog;
	info->user = l->user;
	info->flood = l->flood;
	info->timer = TV_NEVER;
}

int tv_info(const struct tv_stack *s, tv_handle h, struct tv_info *info)
{
	const struct tv_tcb *t = tv_handle_conn(s, h);
	const struct tv_listener *l = tv_handle_listener(s, h);
	uint32_t question = tv_handle_question(s, h);
	struct tv_info full = {0};

	if (info->size < sizeof info->size)
		return TV_EINVAL;
	if (t != NULL)
		info_conn(&s->core, t, &full);
	else if (l != NULL)
		info_listener(&s->core, l, &full);
	else if (question != TV_NONE)
		info_half(&s->core, question, &full);
	else
		return TV_ESTALE;
	tv_give(info, info->size, &full, sizeof full);
	return TV_OK;
}

bool tv_next(const struct tv_stack *s, uint64_t *cursor, tv_handle *handle, struct tv_info *info)
{
	const struct tv_core *c = &s->core;
	const struct tv_pool *pools[] = {&c->listeners, &c->conns, &c->halves, &c->waits};
	uint32_t kind = (uint32_t)(*cursor >> 32), from = (uint32_t)*cursor, slot = TV_NONE;
	struct tv_info full = {0};

	for (; kind < 4; kind++, from = 0) {
		slot = tv_pool_next(pools[kind], tv_region(c), from);
		if (slot != TV_NONE)
			break;
	}
	if (slot == TV_NONE || info->size < sizeof info->size)
		return false;
	*cursor = (uint64_t)kind << 32 | (slot + 1u);
	*handle = 0;
	if (kind == 0) {
		*handle = tv_handle_make(TV_KIND_LISTENER, tv_listener_at(c, slot)->gen, slot);
		info_listener(c, tv_listener_at(c, slot), &full);
	} else if (kind == 1) {
		const struct tv_tcb *t = tv_pool_at(&c->conns, tv_region(c), slot);

		if ((t->flags & (TV_F_RELEASED | TV_F_QUEUED)) == 0)
			*handle = tv_handle_make(TV_KIND_CONN, t->gen, slot);
		info_conn(c, t, &full);
	} else if (kind == 2) {
		if ((tv_half_at(c, slot)->flags & TV_H_HELD) != 0)
			*handle = tv_handle_make(TV_KIND_HALF, tv_half_at(c, slot)->gen, slot);
		info_half(c, slot, &full);
	} else {
		info_wait(c, slot, &full);
	}
	tv_give(info, info->size, &full, sizeof full);
	return true;
}
