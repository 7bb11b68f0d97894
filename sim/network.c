/*
 * network.c - hosts, wires, and the events between them.
 *
 * The one ordered thing is a binary heap of flights: packets that are on a wire, by the time at
 * which they arrive and, for equal times, by the order in which they entered. Stacks say by
 * tv_deadline() when they want to be asked. A step either asks every stack that is due, or moves to
 * the earliest of the two kinds of moment and delivers what arrives then.
 *
 * What befalls a packet is decided when it enters the wire: chosen drop, loss, size, queue; then the
 * time of arrival from rate, delay and jitter; then corruption, duplication, reordering. Each
 * direction of each wire draws from a generator of its own, so that a change in one direction does
 * not shift the luck of the other.
 *
 * Order is kept by an arrival time that never goes back within a direction, but for packets that are
 * reordered on purpose, and for copies.
 *
 * A stack that wants to be asked "now" and says nothing would stop time: after SPIN_MAX such turns
 * the step reports it as a defect instead of going on for ever.
 */
#include "sim/network.h"

#include <stdlib.h>
#include <string.h>

#include "sim/network_inside.h"
#include "sim/too_big.h"

/* ------------------------------------------------------------------------------------------ */
/* The heap                                                                                    */

static bool earlier(const struct flight *a, const struct flight *b)
{
	return a->when != b->when ? a->when < b->when : a->order < b->order;
}

/* Out of memory: the packet is lost. */
static void heap_push(struct network *net, struct flight *f)
{
	size_t i = net->heap_count;

	if (i == net->heap_room) {
		size_t room = net->heap_room ? 2 * net->heap_room : 64;
		struct flight **more = realloc(net->heap, room * sizeof *more);

		if (!more) {
			free(f);
			return;
		}
		net->heap = more;
		net->heap_room = room;
	}
	net->heap_count++;
	for (; i > 0 && earlier(f, net->heap[(i - 1) / 2]); i = (i - 1) / 2)
		net->heap[i] = net->heap[(i - 1) / 2];
	net->heap[i] = f;
}

static struct flight *heap_pop(struct network *net)
{
	struct flight *first = net->heap[0], *last = net->heap[--net->heap_count];
	size_t n = net->heap_count, i = 0;

	while (2 * i + 1 < n) {
		size_t child = 2 * i + 1;

		if (child + 1 < n && earlier(net->heap[child + 1], net->heap[child]))
			child++;
		if (!earlier(net->heap[child], last))
			break;
		net->heap[i] = net->heap[child];
		i = child;
	}
	if (n)
		net->heap[i] = last;
	return first;
}

/* ------------------------------------------------------------------------------------------ */
/* Entering a wire                                                                             */

static uint32_t ip_offset(const struct wire *w)
{
	return w->is.kind == TV_LINK_ETHERNET ? 14 : 0;
}

static void see(struct network *net, struct network_sight *sight, const struct tv_packet *packet)
{
	if (!net->tap)
		return;
	sight->time = net->now;
	sight->packet = packet;
	sight->ip_offset = ip_offset(&net->wires[sight->wire]);
	net->tap(net->tap_user, sight);
}

/* Puts one copy of the packet on the wire, to arrive at `when`. */
static struct flight *launch(struct network *net, unsigned wire, unsigned to, const struct tv_packet *p,
	tv_time when)
{
	struct flight *f = malloc(sizeof *f + p->len);

	if (!f)
		return NULL;
	*f = (struct flight){.when = when, .order = net->order++, .wire = wire, .to = to, .len = p->len};
	f->number = net->wires[wire].entered;
	f->flags = p->flags & TV_PKT_CSUM_PARTIAL;
	f->seg_size = p->seg_size;
	memcpy(f->bytes, p->data, p->len);
	return f;
}

static bool chosen(const struct wire *w, uint64_t number)
{
	for (size_t i = 0; i < w->drop_count; i++)
		if (w->drops[i] == number)
			return true;
	return false;
}

static uint64_t waiting_bytes(const struct way *way, tv_time now)
{
	if (way->free_at <= now)
		return 0;
	return (way->free_at - now) / 1000 * (way->is.rate / 8) / 1000000;
}

static enum network_fate judge(const struct wire *w, struct way *way, const struct tv_packet *p,
	tv_time now)
{
	uint32_t ip_len = p->len - ip_offset(w);

	if (chosen(w, w->entered))
		return NETWORK_DROPPED;
	if (random_chance(&way->luck, way->is.loss))
		return NETWORK_LOST;
	if (way->is.mtu && ip_len > way->is.mtu && p->seg_size == 0)
		return NETWORK_TOO_BIG;
	if (way->is.rate && way->is.queue_bytes &&
		waiting_bytes(way, now) + p->len > way->is.queue_bytes)
		return NETWORK_QUEUE_FULL;
	return NETWORK_CARRIED;
}

static tv_time held_back(struct way *way)
{
	tv_time most = way->is.reorder_by ? way->is.reorder_by : way->is.delay + way->is.jitter;

	return random_between(&way->luck, 1, most > TV_MS ? most : TV_MS);
}

/* When a packet that begins its way at `start` arrives, if nothing holds it back. */
static tv_time arrival(struct way *way, tv_time start, uint32_t bytes)
{
	tv_time when = start > way->free_at ? start : way->free_at;

	if (way->is.rate) {
		when += (uint64_t)bytes * 8 * 1000000 / way->is.rate * 1000 +
			(uint64_t)bytes * 8 * 1000000 % way->is.rate * 1000 / way->is.rate;
		way->free_at = when;
	}
	return when + way->is.delay + random_below(&way->luck, way->is.jitter + 1);
}

static void carry(struct network *net, unsigned wire, unsigned side, const struct tv_packet *p)
{
	struct way *way = &net->wires[wire].way[side];
	tv_time start = p->time > net->now ? p->time : net->now;
	tv_time when = arrival(way, start, p->len);
	struct flight *f;

	if (random_chance(&way->luck, way->is.reorder))
		when += held_back(way);
	else
		way->last = when = when > way->last ? when : way->last;
	f = launch(net, wire, !side, p, when);
	if (f && net->wires[wire].box)
		net->wires[wire].box(net->wires[wire].box_user, side, f->bytes + ip_offset(&net->wires[wire]),
			f->len - ip_offset(&net->wires[wire]));
	if (f && random_chance(&way->luck, way->is.corrupt)) {
		uint64_t bit = random_below(&way->luck, (uint64_t)p->len * 8);

		f->bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
		f->corrupted = true;
	}
	if (f)
		heap_push(net, f);
	if (!random_chance(&way->luck, way->is.duplicate))
		return;
	f = launch(net, wire, !side, p, when + held_back(way));
	if (f) {
		f->copy = true;
		heap_push(net, f);
	}
}

/* The narrow place tells the sender, after one delay each way. */
static void tell_too_big(struct network *net, unsigned wire, unsigned side, const struct tv_packet *p)
{
	struct wire *w = &net->wires[wire];
	uint32_t offset = ip_offset(w);
	uint8_t bytes[14 + TOO_BIG_MAX];
	struct tv_packet answer = {.data = bytes};
	struct flight *f;

	answer.len = too_big(bytes + offset, p->data + offset, p->len - offset, w->way[side].is.mtu);
	if (answer.len == 0)
		return;
	if (offset) {
		memcpy(bytes, p->data + 6, 6);
		memcpy(bytes + 6, p->data, 6);
		memcpy(bytes + 12, p->data + 12, 2);
	}
	answer.len += offset;
	f = launch(net, wire, side, &answer, net->now + w->way[side].is.delay + w->way[!side].is.delay);
	if (f) {
		f->number = 0;
		heap_push(net, f);
	}
}

static void enter(struct network *net, unsigned wire, unsigned side, const struct tv_packet *p)
{
	struct wire *w = &net->wires[wire];
	struct network_sight sight = {.wire = wire, .side = side};

	sight.number = ++w->entered;
	sight.fate = judge(w, &w->way[side], p, net->now);
	see(net, &sight, p);
	if (sight.fate == NETWORK_CARRIED)
		carry(net, wire, side, p);
	else if (sight.fate == NETWORK_TOO_BIG && !w->way[side].is.black_hole)
		tell_too_big(net, wire, side, p);
}

void network_inject(struct network *net, unsigned wire, unsigned side, const uint8_t *ip, uint32_t len)
{
	struct tv_packet packet = {.data = malloc(len), .len = len};

	if (!packet.data)
		return;
	memcpy(packet.data, ip, len);
	enter(net, wire, side, &packet);
	free(packet.data);
}

/* ------------------------------------------------------------------------------------------ */
/* Time                                                                                        */

/* Which wire a link of a host belongs to; the link was made by network_wire(). */
static bool find_wire(const struct network *net, unsigned host, unsigned link, unsigned *wire,
	unsigned *side)
{
	for (unsigned i = 0; i < net->wire_count; i++)
		for (unsigned s = 0; s < 2; s++)
			if (net->wires[i].host[s] == host && net->wires[i].link[s] == link) {
				*wire = i;
				*side = s;
				return true;
			}
	return false;
}

/* Asks one host what it has to say; returns how many packets it said. */
static unsigned ask(struct network *net, unsigned host)
{
	struct tv_packet packets[BATCH_MAX];
	unsigned n, wire, side;

	memset(packets, 0, sizeof packets);
	for (unsigned i = 0; i < net->batch; i++) {
		packets[i].data = net->buffers + (size_t)i * PACKET_MAX;
		packets[i].cap = PACKET_MAX;
	}
	n = tv_output(net->hosts[host].stack, net->now, TV_ANY_LINK, packets, net->batch);
	for (unsigned i = 0; i < n; i++)
		if (find_wire(net, host, packets[i].link, &wire, &side))
			enter(net, wire, side, &packets[i]);
	return n;
}

/* Delivers what arrives first, and what arrives with it at the same host and moment. */
static void deliver(struct network *net)
{
	struct flight *flights[BATCH_MAX];
	struct tv_packet packets[BATCH_MAX];
	uint8_t verdicts[BATCH_MAX] = {0};
	const struct network_puppet *puppet;
	unsigned n = 0, host = 0;

	memset(packets, 0, sizeof packets);
	while (n < net->batch && net->heap_count && net->heap[0]->when <= net->now) {
		const struct wire *w = &net->wires[net->heap[0]->wire];
		struct flight *f = net->heap[0];

		if (n > 0 && w->host[f->to] != host)
			break;
		host = w->host[f->to];
		flights[n] = heap_pop(net);
		packets[n].data = f->bytes;
		packets[n].len = f->len;
		packets[n].link = (uint16_t)w->link[f->to];
		packets[n].flags = f->flags;
		packets[n++].seg_size = f->seg_size;
	}
	puppet = &net->hosts[host].puppet;
	net->hosts[host].spins = 0;
	if (net->hosts[host].stack)
		tv_input(net->hosts[host].stack, net->now, packets, n, verdicts);
	for (unsigned i = 0; i < n; i++) {
		struct network_sight sight = {.wire = flights[i]->wire, .arrived = true};

		sight.side = flights[i]->to;
		sight.corrupted = flights[i]->corrupted;
		sight.copy = flights[i]->copy;
		sight.number = flights[i]->number;
		sight.verdict = (enum tv_verdict)verdicts[i];
		if (!net->hosts[host].stack)
			puppet->take(puppet->user, packets[i].data + ip_offset(&net->wires[sight.wire]),
				packets[i].len - ip_offset(&net->wires[sight.wire]));
		see(net, &sight, &packets[i]);
		if (!net->hosts[host].stack)
			puppet->speak(puppet->user);
		free(flights[i]);
	}
}

enum network_outcome network_step(struct network *net, tv_time limit)
{
	tv_time next = net->heap_count ? net->heap[0]->when : TV_NEVER;
	bool asked = false;

	for (unsigned i = 0; i < net->host_count; i++) {
		struct host *h = &net->hosts[i];
		tv_time due = h->stack ? tv_deadline(h->stack) : TV_NEVER;

		if (due <= net->now) {
			asked = true;
			h->spins = ask(net, i) ? 0 : h->spins + 1;
			if (h->spins > SPIN_MAX)
				return NETWORK_SPINNING;
		} else if (due < next) {
			next = due;
		}
	}
	if (asked)
		return NETWORK_MOVED;
	if (next > limit) {
		net->now = limit > net->now ? limit : net->now;
		return NETWORK_LIMIT;
	}
	if (next > net->now) {
		net->now = next;
		for (unsigned i = 0; i < net->host_count; i++)
			net->hosts[i].spins = 0;
	}
	if (net->heap_count && net->heap[0]->when <= net->now)
		deliver(net);
	return NETWORK_MOVED;
}

bool network_run(struct network *net, tv_time limit, bool (*done)(void *user), void *user)
{
	for (;;) {
		if (done(user))
			return true;
		if (net->now > limit || network_step(net, limit) != NETWORK_MOVED)
			return done(user);
	}
}
