/*
 * talk.c - plays a conversation.
 *
 * Each end has a user (talk_users.c). What a user does next depends on the seed and on what it sees,
 * never on what the network does to packets.
 *
 * The play is over when nothing of it is left in either stack, TIME-WAIT included. It must come to
 * that within LIFE of virtual time.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "talk_inside.h"

#define LIFE (3600 * TV_S)
#define DAWN (1000 * TV_S)

enum { PORT = 4000, PREFIX4 = 96 + 24, PREFIX6 = 64 };

/* ------------------------------------------------------------------------------------------ */
/* Seeing                                                                                      */

static void hash_in(struct talk *t, const void *data, size_t len)
{
	const uint8_t *p = data;

	for (size_t i = 0; i < len; i++)
		t->result->hash = (t->result->hash ^ p[i]) * 0x100000001b3u;
}

static void sees(void *user, const struct network_sight *s)
{
	struct talk *t = user;
	struct ladder_event e = {.time = s->time, .from = s->side, .fate = LADDER_CARRIED};

	hash_in(t, &s->time, sizeof s->time);
	hash_in(t, &s->side, sizeof s->side);
	hash_in(t, &s->arrived, sizeof s->arrived);
	hash_in(t, s->packet->data, s->packet->len);
	if (!t->profile->ethernet || s->packet->data[12] != 8 || s->packet->data[13] != 6)
		check_sight(t->check, s);
	if (s->arrived)
		return;
	t->result->packets++;
	t->result->supers += s->packet->seg_size != 0;
	e.ip = s->packet->data + s->ip_offset;
	e.len = s->packet->len - s->ip_offset;
	e.fate = s->fate == NETWORK_CARRIED ? LADDER_CARRIED : LADDER_LOST;
	e.state[0] = e.state[1] = LADDER_UNKNOWN;
	if (t->ladder)
		ladder_packet(t->ladder, &e);
}

static void show(void *user, const char *text, size_t len)
{
	(void)user;
	fwrite(text, 1, len, stdout);
}

/* ------------------------------------------------------------------------------------------ */
/* Building                                                                                    */

static void make_config(struct talk *t, unsigned host)
{
	struct tv_config *c = &t->config[host];
	static const uint32_t buffers[] = {2048, 16384, 65536, 262144};

	tv_config_default(c);
	c->connections = c->busy = CONVERSATIONS;
	c->half_opens = c->time_waits = CONVERSATIONS;
	c->side_records = host ? CONVERSATIONS : 0;
	c->pages = t->profile->pages ? t->profile->pages : 4096;
	c->small_pages = t->profile->pages ? t->profile->pages : 4096;
	c->ranges = 8192;
	c->timestamps = random_below(&t->luck, 4) != 0;
	c->sack = random_below(&t->luck, 4) != 0;
	c->window_scale = random_below(&t->luck, 4) != 0;
	c->defaults.rcv_buf = buffers[random_below(&t->luck, 4)];
	c->defaults.snd_buf = buffers[random_below(&t->luck, 4)];
	c->defaults.nodelay = random_below(&t->luck, 2);
	/* Who is left alone by an abort whose RST was lost finds out by asking. */
	c->defaults.keepalive = true;
	c->defaults.keepalive_idle = 30 * TV_S;
	c->defaults.keepalive_interval = 5 * TV_S;
	c->trace = check_trace;
	c->trace_user = check_of_host(t->check, host);
}

static struct network_way make_way(struct talk *t)
{
	const struct talk_profile *p = t->profile;
	struct network_way w = {0};

	w.delay = random_between(&t->luck, TV_MS, p->delay);
	w.jitter = random_below(&t->luck, p->jitter + 1);
	w.loss = (uint32_t)random_below(&t->luck, p->loss + 1ull);
	w.duplicate = (uint32_t)random_below(&t->luck, p->duplicate + 1ull);
	w.corrupt = (uint32_t)random_below(&t->luck, p->corrupt + 1ull);
	w.reorder = (uint32_t)random_below(&t->luck, p->reorder + 1ull);
	if (p->rate) {
		w.rate = p->rate * random_between(&t->luck, 1, 10);
		w.queue_bytes = (uint32_t)random_between(&t->luck, 6000, 100000);
	}
	w.mtu = p->narrow ? (uint32_t)random_between(&t->luck, 1280, 1499) : 0;
	return w;
}

static bool add_addresses(struct talk *t, unsigned host)
{
	unsigned link = network_link(t->net, t->wire, host);

	t->v4[host] = (struct tv_addr){{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 192, 0, 2}};
	t->v6[host] = (struct tv_addr){{0x20, 1, 0x0d, 0xb8}};
	t->v4[host].b[15] = t->v6[host].b[15] = (uint8_t)(1 + host);
	return tv_address_add(stack(t, host), now(t), link, &t->v4[host], PREFIX4) >= 0 &&
		tv_address_add(stack(t, host), now(t), link, &t->v6[host], PREFIX6) >= 0;
}

static bool build(struct talk *t, uint64_t seed)
{
	struct network_wire wire = {.kind = t->profile->ethernet ? TV_LINK_ETHERNET : TV_LINK_IP};
	struct tv_listen_config listen;
	int number;

	wire.super_segments = t->profile->super_segments;
	t->net = network_new(seed, DAWN);
	t->check = check_new();
	if (!t->net)
		return false;
	for (unsigned host = 0; host < 2; host++) {
		make_config(t, host);
		if (network_host(t->net, &t->config[host]) < 0)
			return false;
		wire.way[host] = make_way(t);
	}
	number = network_wire(t->net, 0, 1, &wire);
	if (number < 0)
		return false;
	t->wire = (unsigned)number;
	network_batch(t->net, (unsigned)random_between(&t->luck, 1, 8));
	network_tap(t->net, sees, t);
	tv_listen_default(&listen);
	listen.port_first = listen.port_last = PORT;
	listen.fastopen = t->profile->fastopen ? (uint32_t)random_between(&t->luck, 1, CONVERSATIONS) : 0;
	return add_addresses(t, 0) && add_addresses(t, 1) &&
		tv_listen(stack(t, 1), now(t), &listen, &t->listener) == 0;
}

static void make_user(struct talk *t, struct end *e, unsigned host)
{
	const struct talk_profile *p = t->profile;

	e->host = host;
	e->salt = random_next(&t->luck);
	e->to_send = random_below(&t->luck, 4) ? random_below(&t->luck, p->bytes + 1ull) : 0;
	e->piece = (uint32_t)random_between(&t->luck, 1, random_below(&t->luck, 2) ? 200 : CHUNK);
	if (p->slow_readers)
		e->piece += 500; /* slow, but not for ever */
	e->pause_ppm = p->slow_readers ? 300000 : random_below(&t->luck, 2) ? 10000 : 0;
	e->wake = now(t) + random_below(&t->luck, p->opening == TALK_SIMULTANEOUS ? TV_MS
		: p->fastopen ? TV_S : 50 * TV_MS);
	e->aborts = p->aborts && random_below(&t->luck, 3) == 0;
	e->abort_at = random_below(&t->luck, e->to_send + 1);
}

static void make_users(struct talk *t)
{
	t->count = t->profile->conversations ? t->profile->conversations : 1;
	for (unsigned i = 0; i < t->count; i++) {
		struct conversation *c = &t->c[i];

		c->v6 = random_next(&t->luck) & 1;
		make_user(t, &c->end[0], 0);
		make_user(t, &c->end[1], 1);
		/* At most one of them waits for the other to close first. */
		if (random_below(&t->luck, 2))
			c->end[random_below(&t->luck, 2)].waits_for_peer = true;
	}
}

/* ------------------------------------------------------------------------------------------ */
/* Opening                                                                                     */

static void call(struct talk *t, unsigned i, unsigned side)
{
	struct conversation *c = &t->c[i];
	struct tv_connect_config config;
	struct tv_info info = {.size = sizeof info};
	int error;

	tv_connect_default(&config);
	config.fastopen = t->profile->fastopen;
	config.remote.addr = (c->v6 ? t->v6 : t->v4)[!side];
	config.remote.port = PORT;
	if (t->profile->opening == TALK_SIMULTANEOUS) {
		config.remote.port = (uint16_t)(2000 + i);
		config.local.port = (uint16_t)(2000 + i);
	}
	error = tv_connect(stack(t, side), now(t), &config, &c->end[side].handle, NULL);
	if (error == TV_AGAIN)
		return;
	if (error || tv_info(stack(t, side), c->end[side].handle, &info) < 0) {
		check_fail(t->check, "tv_connect(): %s", tv_error_text(error));
		return;
	}
	c->end[side].began = true;
	c->at[side] = info.local;
	c->at[!side] = info.remote;
}

/* Which conversation an accepted connection belongs to: the one whose client has its port. */
static void take(struct talk *t)
{
	struct tv_info info = {.size = sizeof info};
	tv_handle handle;

	while (tv_accept(stack(t, 1), now(t), t->listener, &handle) == 0) {
		bool found = false;

		if (tv_info(stack(t, 1), handle, &info) < 0)
			check_fail(t->check, "an accepted connection has no tv_info()");
		for (unsigned i = 0; i < t->count && !found; i++) {
			struct conversation *c = &t->c[i];

			found = c->end[0].began && !c->end[1].began && c->at[0].port == info.remote.port &&
				memcmp(&c->at[0].addr, &info.remote.addr, 16) == 0;
			if (found) {
				c->end[1].handle = handle;
				c->end[1].began = true;
			}
		}
		if (!found)
			check_fail(t->check, "accepted a connection that nobody opened");
	}
}

/* ------------------------------------------------------------------------------------------ */
/* Events                                                                                      */

/*
 * May it end so? RTO_MAX is longer than 2 MSL: when enough repeats of a FIN were lost, TIME-WAIT at
 * the other end is over before one arrives, and is answered with a reset. Nothing is lost then: both
 * streams have ended, and whether they are whole is looked at all the same.
 */
static bool may_end(const struct talk *t, const struct end *e, enum tv_reason reason)
{
	return reason == TV_R_NORMAL || t->profile->aborts ||
		(reason == TV_R_RESET && e->shut && e->saw_end);
}

static void told_end(struct talk *t, struct end *e, enum tv_reason reason)
{
	e->told_end = true;
	e->reason = reason;
	if (!may_end(t, e, reason))
		check_fail(t->check, "a connection ended: %s", tv_reason_text(reason));
}

static void pull_events(struct talk *t)
{
	struct tv_event event;

	for (unsigned host = 0; host < 2; host++)
		while (tv_event(stack(t, host), &event))
			for (unsigned i = 0; event.flags & TV_EV_CLOSED && i < t->count; i++) {
				struct end *e = &t->c[i].end[host];

				if (e->began && e->handle == event.handle)
					told_end(t, e, event.reason);
			}
}

/* Every user does what it can now; returns when the next of them wakes up. */
static tv_time work(struct talk *t)
{
	tv_time next = TV_NEVER;

	take(t);
	pull_events(t);
	for (unsigned i = 0; i < t->count; i++) {
		struct conversation *c = &t->c[i];

		for (unsigned side = 0; side < 2; side++) {
			struct end *e = &c->end[side];

			if (!e->began && now(t) >= e->wake &&
				(side == 0 || t->profile->opening == TALK_SIMULTANEOUS))
				call(t, i, side);
			talk_act(t, c, e);
			if (e->wake > now(t) && e->wake < next && !e->released)
				next = e->wake;
		}
	}
	return next;
}

/* ------------------------------------------------------------------------------------------ */
/* The play                                                                                    */

static bool is_over(const struct talk *t)
{
	for (unsigned i = 0; i < t->count; i++) {
		const struct conversation *c = &t->c[i];

		if (!c->end[0].released || (!c->end[1].released && !(c->aborted && !c->end[1].began)))
			return false;
	}
	return check_is_empty(stack(t, 0)) && check_is_empty(stack(t, 1)) && network_in_flight(t->net) == 0;
}

static void count(struct talk *t)
{
	struct tv_counters n = {.size = sizeof n};

	for (unsigned i = 0; i < t->count; i++) {
		t->result->bytes += t->c[i].end[0].received + t->c[i].end[1].received;
		t->result->aborted += t->c[i].aborted;
	}
	tv_counters(stack(t, 1), &n);
	t->result->early = n.fastopen_passive;
}

static void play(struct talk *t)
{
	while (!check_error(t->check)[0] && !is_over(t)) {
		tv_time wake = work(t), limit = wake < DAWN + LIFE ? wake : DAWN + LIFE;

		if (is_over(t))
			break;
		switch (network_step(t->net, limit)) {
		case NETWORK_MOVED: break;
		case NETWORK_LIMIT:
			if (now(t) >= DAWN + LIFE)
				check_fail(t->check, "it has not ended after %llu s", LIFE / TV_S);
			break;
		case NETWORK_SPINNING:
			check_fail(t->check, "a stack wants to be asked and says nothing");
			break;
		}
		t->result->steps++;
		check_stack(t->check, stack(t, 0), &t->config[0]);
		check_stack(t->check, stack(t, 1), &t->config[1]);
	}
	for (unsigned i = 0; i < t->count; i++) {
		const struct conversation *c = &t->c[i];

		if (!c->aborted && (c->end[0].received != c->end[1].to_send ||
					   c->end[1].received != c->end[0].to_send))
			check_fail(t->check, "a stream is incomplete at the end");
	}
}

/* For whoever looks for the mistake: what is left. */
static void show_ends(const struct talk *t)
{
	struct tv_info info = {.size = sizeof info};
	struct tv_counters n = {.size = sizeof n};

	for (unsigned i = 0; i < t->count; i++)
		for (unsigned side = 0; side < 2; side++) {
			const struct end *e = &t->c[i].end[side];

			info.state = TV_STATE_COUNT;
			tv_info(stack(t, side), e->handle, &info);
			printf("conversation %u, side %u:%s%s%s%s%s%s sent %llu/%llu received %llu, %s, %s\n",
				i, side, e->began ? " began" : "", e->shut ? " shut" : "",
				e->saw_end ? " saw-end" : "", e->closed ? " closed" : "",
				e->released ? " released" : "", e->told_end ? " told-end" : "",
				(unsigned long long)e->sent, (unsigned long long)e->to_send,
				(unsigned long long)e->received, tv_state_name(info.state),
				tv_reason_text(e->reason));
		}
	for (unsigned host = 0; host < 2; host++) {
		tv_counters(stack(t, host), &n);
		printf("host %u: %u connections, %u half-open, %u TIME-WAIT, %u + %u pages, %u ranges\n",
			host, n.connections, n.half_opens, n.time_waits, n.pages_used, n.small_pages_used,
			n.ranges_used);
	}
}

/* A stack is bytes: nothing in its region depends on where it lies. */
static void hash_regions(struct talk *t)
{
	for (unsigned host = 0; host < 2; host++) {
		size_t bytes;
		const uint64_t *p = network_region(t->net, host, &bytes);

		for (size_t i = 0; i < bytes / 8; i++)
			t->result->hash = (t->result->hash ^ p[i]) * 0x100000001b3u;
	}
}

void talk_run(const struct talk_profile *profile, uint64_t seed, unsigned flags, struct talk_result *result)
{
	struct talk *t = calloc(1, sizeof *t);

	memset(result, 0, sizeof *result);
	result->hash = 0xcbf29ce484222325u;
	if (!t) {
		snprintf(result->error, sizeof result->error, "out of memory");
		return;
	}
	t->profile = profile;
	t->result = result;
	random_seed(&t->luck, seed ^ 0x7461 /* other numbers than the network's */);
	t->ladder = flags & TALK_SHOW ? ladder_new() : NULL;
	if (build(t, seed)) {
		make_users(t);
		play(t);
		count(t);
		result->took = now(t) - DAWN;
		if (flags & TALK_REGIONS)
			hash_regions(t);
	} else {
		snprintf(result->error, sizeof result->error, "the network could not be built");
	}
	if (t->check && !result->error[0])
		snprintf(result->error, sizeof result->error, "%s", check_error(t->check));
	if (t->ladder) {
		ladder_lines(t->ladder, show, NULL);
		show_ends(t);
	}
	ladder_free(t->ladder);
	network_free(t->net);
	free(t);
}
