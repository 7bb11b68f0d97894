/*
 * stack.c - the memory of a stack: what its region holds and where, how it begins, and what of it can
 * be given back.
 *
 * plan() walks through the region once and gives each pool, table and ring its place; tv_stack_size()
 * and tv_stack_init() both use it, so they cannot differ. Nothing but the first pages is touched by
 * init; zeroed memory is an empty pool, an empty ring, an empty index.
 */
#include "stack/handles.h"
#include "tcp/open/open.h"

#define LOOP_MTU 16384u
#define MOST_TICKS (1ull << 30)
#define QUEUE_MOST 65536u
#define RESERVE_SHARE 16u          /* one page of so many is kept for left edges */

static uint64_t area(uint64_t *end, uint64_t bytes)
{
	uint64_t at = (*end + 63) & ~(uint64_t)63;

	*end = at + bytes;
	return at;
}

/* Of each queue of the wheel: what finds no place goes to the wheel itself. */
static uint32_t queue_places(const struct tv_config *g)
{
	uint32_t places = 1;

	while (places < tv_min32(g->connections, QUEUE_MOST))
		places *= 2;
	return places;
}

/* Queues for deadlines this far ahead, seen from where tv_output() left the wheel, which may be a while ago. */
static void wheel_queue(struct tv_stack *s, unsigned q, tv_time wait)
{
	tv_wheel_queue(&s->core.wheel, q, s->queues[q], queue_places(&s->core.cfg), (uint32_t)(wait >> TV_TICK_SHIFT),
	               (uint32_t)tv_tick_up(wait + wait / 4));
}

static void plan(struct tv_stack *s)
{
	struct tv_core *c = &s->core;
	const struct tv_config *g = &c->cfg;
	uint64_t end = sizeof *s;

	s->links = area(&end, (uint64_t)(g->links + 1) * sizeof(struct tv_link));
	s->addresses = area(&end, (uint64_t)g->addresses * sizeof(struct tv_address));
	s->routes = area(&end, (uint64_t)g->routes * sizeof(struct tv_route));
	s->neighbours = area(&end, (uint64_t)g->neighbours * sizeof(struct tv_neighbour));
	s->loop_buffer = area(&end, LOOP_MTU + 64);
	c->reply_ring = area(&end, (uint64_t)g->replies * sizeof(struct tv_reply));
	tv_listen_plan(c, g->listeners, &end);
	tv_paths_plan(c, g->fastopen_paths, &end);
	tv_pool_plan(&c->listeners, g->listeners, sizeof(struct tv_listener), &end);
	tv_pool_plan(&c->profiles, g->connections + g->listeners + 1, sizeof(struct tv_profile), &end);
	tv_pool_plan(&c->conns, g->connections, TV_TCB_BYTES, &end);
	for (unsigned q = 0; q < TV_WHEEL_QUEUES; q++)
		s->queues[q] = area(&end, (uint64_t)queue_places(g) * sizeof(struct tv_wheel_entry));
	c->conn_rest = area(&end, (uint64_t)g->connections * TV_KEY_REST);
	tv_pool_plan(&c->halves, g->half_opens, sizeof(struct tv_half), &end);
	c->half_rest = area(&end, (uint64_t)g->half_opens * TV_KEY_REST);
	tv_pool_plan(&c->waits, g->time_waits, sizeof(struct tv_wait), &end);
	c->wait_rest = area(&end, (uint64_t)g->time_waits * TV_KEY_REST);
	tv_pool_plan(&c->busies, g->busy, sizeof(struct tv_busy), &end);
	tv_pool_plan(&c->sides, g->side_records, sizeof(struct tv_side), &end);
	tv_pool_plan(&c->ranges.pool, g->ranges, sizeof(struct tv_range), &end);
	tv_table_plan(&s->index, g->connections + g->half_opens + g->time_waits, &end);
	tv_pages_plan(&c->pages, g->pages, g->small_pages, g->pages / RESERVE_SHARE, &end);
	s->total = (end + 4095) & ~(uint64_t)4095;
}

static bool config_valid(const struct tv_config *g)
{
	const uint32_t most = 1u << TV_REF_SLOT_BITS;

	return g->size == sizeof *g && g->connections >= 1 && g->connections <= most && g->half_opens <= most &&
	       g->time_waits <= most && g->busy <= g->connections && g->listeners >= 1 && g->listeners <= 4096 &&
	       g->links >= 1 && g->links < TV_LINKS_MAX && g->addresses >= 1 && g->addresses <= 65536 &&
	       g->routes <= 65536 && g->neighbours <= 65536 && g->pages >= 2 && g->pages < 1u << 28 &&
	       g->small_pages < 1u << 28 && g->ranges >= 1 && g->ranges < 1u << 28 && g->ranges_each >= 2 &&
	       g->replies >= 2 && (g->replies & (g->replies - 1)) == 0 && g->timer_budget >= 1 &&
	       g->rto_min != 0 && g->rto_min <= g->rto_first && g->rto_first <= g->rto_max &&
	       g->rto_max < 4000 * TV_S && g->delayed_ack <= 500 * TV_MS && g->two_msl <= TV_WAIT_MOST &&
	       g->question_timeout <= TV_WAIT_MOST && g->port_first != 0 && g->port_first <= g->port_last &&
	       g->stack_count >= 1 && g->stack_number < g->stack_count && g->initial_window >= 1 && g->r1 >= 1 &&
	       (unsigned)g->syn_cookies <= TV_COOKIES_FARM && g->cookie_checks <= 4000000 &&
	       g->syn_per_second <= 4000000 && g->syn_prefix_v4 <= 32 && g->syn_prefix_v6 <= 64 &&
	       g->fastopen_paths <= 65536 && g->orphans <= g->connections && g->send_pages <= g->pages &&
	       g->orphan_timeout != 0 && g->flood_quiet >= TV_MS && g->flood_quiet < 86400 * TV_S &&
	       tv_options_valid(&g->defaults) == TV_OK;
}

void tv_options_default(struct tv_options *o)
{
	memset(o, 0, sizeof *o);
	o->size = sizeof *o;
	o->rcv_buf = 1u << 20;
	o->snd_buf = 1u << 20;
	o->ttl = 64;
	o->urgent_inline = true;
	o->soft_errors = true;
	o->keepalive_count = 9;
	o->keepalive_idle = 7200 * TV_S; /* [MUST-28] */
	o->keepalive_interval = 75 * TV_S;
	o->user_timeout = 924600 * TV_MS; /* R2, as Linux's tcp_retries2 15 comes out [SHLD-11] */
	o->fin_wait_2 = 60 * TV_S;
}

static void config_limits(struct tv_config *g)
{
	g->connections = 16384;
	g->half_opens = 4096;
	g->time_waits = 65536;
	g->listeners = 256;
	g->links = 4;
	g->addresses = 16;
	g->routes = 64;
	g->neighbours = 256;
	g->pages = 32768;
	g->small_pages = 32768;
	g->ranges = 65536;
	g->ranges_each = 1024;
	g->replies = 4096;
	g->held_max = 1024;
	g->fastopen_paths = 128;
	g->timer_budget = 1024;
}

void tv_config_default(struct tv_config *g)
{
	memset(g, 0, sizeof *g);
	g->size = sizeof *g;
	config_limits(g);
	tv_options_default(&g->defaults);
	g->rto_first = TV_S;
	g->rto_min = 200 * TV_MS;
	g->rto_max = 120 * TV_S;
	g->delayed_ack = 40 * TV_MS; /* [MUST-40] */
	g->two_msl = 60 * TV_S;
	g->challenge_gap = 500 * TV_MS;
	g->question_timeout = 10 * TV_S;
	g->persist_max = g->rto_max;
	g->syn_linear = 4;
	g->syn_tries = 10;
	g->syn_ack_tries = 5;
	g->r1 = 3; /* [SHLD-10] */
	g->orphan_tries = 8;
	g->orphan_timeout = 60 * TV_S;
	g->stall_min = TV_S;
	g->time_wait_reuse = TV_REUSE_LOOPBACK;
	g->timestamps = g->sack = g->window_scale = true;
	g->port_first = 32768;
	g->port_last = 60999;
	g->initial_window = 10;
	g->rst_per_second = 100;
	g->icmp_per_second = 50;
	g->replies_per_second = 1000;
	g->syn_cookies = TV_COOKIES_AUTO;
	g->cookie_checks = 10000;
	g->flood_quiet = 10 * TV_S;
	g->stack_count = 1;
}

/* The configuration with what it leaves to us filled in. */
static void settle_config(struct tv_config *g)
{
	if (g->busy == 0)
		g->busy = g->connections;
	if (g->orphans == 0)
		g->orphans = g->connections;
	if (g->send_pages == 0)
		g->send_pages = g->pages - g->pages / RESERVE_SHARE;
	if (g->defaults.ttl == 0)
		g->defaults.ttl = 64;
}

size_t tv_stack_size(const struct tv_config *config)
{
	struct tv_stack s;

	memset(&s, 0, sizeof s);
	if (config->size != sizeof *config)
		return 0;
	s.core.cfg = *config;
	settle_config(&s.core.cfg);
	if (!config_valid(&s.core.cfg))
		return 0;
	plan(&s);
	return s.total > SIZE_MAX ? 0 : (size_t)s.total;
}

/* Each use of the secret has a tag of its own. */
void tv_keys_derive(struct tv_core *c, const uint8_t secret[32])
{
	tv_subkey(&c->key_isn, secret, 1);
	tv_subkey(&c->key_port, secret, 2);
	tv_subkey(&c->key_stamp, secret, 3);
	tv_subkey(&c->key_rate, secret, 4);
	tv_subkey(&c->key_cookie, secret, 6);
	tv_fastopen_derive(c, secret);
	c->cookie_keys[0].period = c->cookie_keys[1].period = 0;
	c->pair.words = 0;
}

static bool all_zero(const uint8_t *p, size_t n)
{
	uint8_t any = 0;

	for (size_t i = 0; i < n; i++)
		any |= p[i];
	return any == 0;
}

static void seed_index(struct tv_stack *s, const uint8_t secret[32], uint64_t round)
{
	for (unsigned i = 0; i < 10; i += 2) {
		struct tv_sipkey k;

		tv_subkey(&k, secret, 0x100 + round * 16 + i);
		s->seed.w[i] = (uint32_t)k.k0;
		s->seed.w[i + 1] = (uint32_t)(k.k0 >> 32);
		s->seed.finish = k.k1 | 1;
	}
}

static void begin_loop(struct tv_stack *s)
{
	struct tv_link *l = tv_link_at(s, tv_loop_link(s));

	l->kind = TV_LINK_IP;
	l->mtu = LOOP_MTU;
	s->core.link_mtu[tv_loop_link(s)] = LOOP_MTU;
}

int tv_stack_init(void *region, size_t bytes, const struct tv_config *config, tv_time now, struct tv_stack **stack)
{
	struct tv_stack *s = region;
	struct tv_core *c = &s->core;
	struct tv_sipkey k;
	size_t need = tv_stack_size(config);

	if (need == 0 || bytes < need || ((uintptr_t)region & 63) != 0)
		return TV_EINVAL;
	if (all_zero(config->secret, sizeof config->secret))
		return TV_ESECRET;
	c->cfg = *config;
	settle_config(&c->cfg);
	c->rto_first_us = (uint32_t)(c->cfg.rto_first / TV_US);
	c->rto_min_us = (uint32_t)(c->cfg.rto_min / TV_US);
	c->rto_max_us = (uint32_t)(c->cfg.rto_max / TV_US);
	c->rtt_max_us = tv_min32(c->rto_max_us, TV_RTT_MAX_US);
	plan(s);
	memset(c->cfg.secret, 0, sizeof c->cfg.secret);
	tv_keys_derive(c, config->secret);
	seed_index(s, config->secret, 0);
	tv_subkey(&k, config->secret, 5);
	c->listen_seed = k.k0;
	c->ranges.seed = k.k1;
	tv_subkey(&c->fastopen.path_key, config->secret, 9);
	tv_subkey(&k, config->secret, 7);
	c->prefix_seed = k.k0;
	tv_wheel_init(&c->wheel, &c->conns, offsetof(struct tv_tcb, timer.node), now >> TV_TICK_SHIFT);
	wheel_queue(s, 0, c->cfg.delayed_ack);
	wheel_queue(s, 1, tv_min64(c->cfg.rto_min, TV_S));
	tv_pool_take(&c->profiles, region); /* number 0: the defaults, never freed */
	tv_profile_at(c, 0)->refs = 1;
	tv_profile_write(c, 0, &c->cfg.defaults);
	begin_loop(s);
	tv_stack_now(s, now);
	*stack = s;
	return TV_OK;
}

int tv_reseed(struct tv_stack *s, tv_time now, const uint8_t secret[32])
{
	if (all_zero(secret, 32))
		return TV_ESECRET;
	tv_stack_now(s, now);
	tv_keys_derive(&s->core, secret);
	s->core.reseeded = s->core.now;
	return TV_OK;
}

/* Deadlines are compared modulo 2^32 ticks (78 hours): while anything waits, time goes on by a quarter of
 * that at most before tv_output() has run what is due; it then goes on in such steps. */
static tv_time most_now(struct tv_stack *s, tv_time now)
{
	struct tv_core *c = &s->core;
	bool waiting = c->wheel.armed != 0 || c->halves.used != 0 || c->waits.used != 0 || s->neighbour_count != 0;
	uint32_t budget = 1;

	if (!waiting) { /* the wheel is empty and merely looks up */
		tv_wheel_pop(&c->wheel, tv_region(c), now >> TV_TICK_SHIFT, &budget);
		return now;
	}
	return tv_min64(now, (c->wheel.now + MOST_TICKS) << TV_TICK_SHIFT);
}

void tv_stack_later(struct tv_stack *s, tv_time now)
{
	struct tv_core *c = &s->core;

	if (TV_UNLIKELY((now >> TV_TICK_SHIFT) - c->wheel.now > MOST_TICKS)) {
		now = most_now(s, now);
		if (now <= c->now)
			return;
	}
	c->now = now;
	c->now_us = now / TV_US;
	c->now_ms = (uint32_t)(c->now_us / 1000);
	c->coarse = (uint32_t)(now >> TV_COARSE_SHIFT);
}

/* Is one of the free connections in these bytes still on the wheel? (tcp/timers.c: for a second at most) */
static bool on_wheel(const struct tv_core *c, uint64_t offset, uint64_t bytes)
{
	uint32_t first = (uint32_t)((offset - c->conns.records) / TV_TCB_BYTES);
	uint32_t last = (uint32_t)((offset + bytes - 1 - c->conns.records) / TV_TCB_BYTES);

	for (uint32_t i = first; i <= last && i < c->conns.high; i++)
		if (tv_conn_at(c, i)->timer.node.where != 0)
			return true;
	return false;
}

/* The i-th run of free blocks of a pool; counts i down by those that it has. */
static bool free_run(const struct tv_core *c, const struct tv_pool *p, unsigned *i, uint64_t *offset, uint64_t *bytes)
{
	for (unsigned run = 0; tv_pool_free_run(p, tv_region(c), run, 4096, offset, bytes); run++)
		if ((p != &c->conns || !on_wheel(c, *offset, *bytes)) && (*i)-- == 0)
			return true;
	return false;
}

bool tv_reclaimable(const struct tv_stack *s, unsigned i, void **start, size_t *bytes)
{
	const struct tv_core *c = &s->core;
	const struct tv_pool *pools[] = {&c->pages.big, &c->pages.small, &c->conns,  &c->halves,
	                                 &c->waits,     &c->busies,      &c->ranges.pool, &c->sides};
	uint64_t offset, length;
	bool found = false;

	for (unsigned k = 0; k < sizeof pools / sizeof pools[0] && !found; k++)
		found = free_run(c, pools[k], &i, &offset, &length);
	if (!found && (i != 0 || !tv_table_free_run(&s->index, &offset, &length)))
		return false;
	*start = tv_region(c) + offset;
	*bytes = (size_t)length;
	return true;
}

void tv_counters(const struct tv_stack *s, struct tv_counters *counters)
{
	const struct tv_core *c = &s->core;
	struct tv_counters full = c->cnt;

	full.connections = c->conns.used;
	full.orphans = c->orphans;
	full.half_opens = c->halves.used;
	full.time_waits = c->waits.used;
	full.listeners = c->listeners.used;
	full.pages_used = c->pages.big.used;
	full.small_pages_used = c->pages.small.used;
	full.ranges_used = c->ranges.pool.used;
	full.index_moves = s->index.moves;
	full.index_rekeys = s->index.rekeys;
	if (counters->size >= sizeof counters->size)
		tv_give(counters, counters->size, &full, sizeof full);
}
