/*
 * tracker.c - which connection a packet belongs to.
 *
 * Connections stand in chunks that never move, found by a hash of both ends (the same for both
 * directions) and chained by number. A list in the order of the last packet tells which one to give
 * up when there is no room. A tuple can be used again: then the newest connection is first in its
 * chain, and only it takes packets.
 *
 * A new SYN begins a new connection when the one on these ports is over (both FINs, an RST, an ICMP
 * error), and also when it is still open (its owner forgot it: half-open). The same SYN again is a
 * repeat. A SYN of the other side, crossing, is a simultaneous open.
 *
 * ICMP errors are joined by the tuple that they quote; a tuple that was never seen gets a connection
 * of its own, so that a capture of ICMP alone still tells what failed.
 *
 * Hosts stand in a second, smaller table: the TTLs with which an address's genuine packets arrive.
 *
 * Files are appended to each other, months apart. A jump in time begins an era: no connection lives in two
 * of them, and what one of them waited for is judged by the end of its own.
 *
 * A capture on all interfaces of a router or bridge holds each packet twice, a few microseconds apart.
 * No end repeats anything so soon, so the second copy is passed over.
 */
#include "diagnose/tracker.h"

#include "diagnose/words.h"

#include <stdlib.h>
#include <string.h>

#define MOST_DEFAULT 150000u
#define HOSTS_MAX 65536u
#define NONE 0u

#define TWICE_WITHIN (2 * TV_MS)

enum { CHUNK = 64, RECENT = 4096, RECENT_FEW = 64, ERAS = 64, GUESSES = 256 };

/* A packet that was just seen. */
struct recent {
	uint64_t sum;
	tv_time time;
};

struct tracker {
	struct recent *recent;
	struct conn **chunks;
	uint32_t chunk_count, count, most, free_chain;
	uint32_t *buckets;
	uint32_t bucket_mask, recent_mask;
	uint32_t newest, oldest;       /* by last packet */
	uint32_t started;
	struct host *hosts;
	uint32_t host_count;
	uint32_t *host_slots;
	uint32_t host_mask;
	tracker_leave_fn on_leave;
	void *user;
	tv_time ends[ERAS];            /* the latest time in each */
	bool timed;
	uint8_t era;
	struct tracker_counts counts;
};

/* ------------------------------------------------------------------------------------------ */
/* Memory                                                                                      */

static struct conn *at(const struct tracker *t, uint32_t i)
{
	return &t->chunks[(i - 1) / CHUNK][(i - 1) % CHUNK];
}

struct tracker *tracker_new(uint32_t most, tracker_leave_fn on_leave, void *user)
{
	struct tracker *t = calloc(1, sizeof *t);

	if (!t)
		return NULL;
	t->most = most ? most : MOST_DEFAULT;
	t->on_leave = on_leave;
	t->user = user;
	t->chunks = calloc(t->most / CHUNK + 1, sizeof *t->chunks);
	t->bucket_mask = 1023;
	t->buckets = calloc(t->bucket_mask + 1, sizeof *t->buckets);
	t->host_mask = 1023;
	t->host_slots = calloc(t->host_mask + 1, sizeof *t->host_slots);
	t->recent_mask = (t->most < RECENT_FEW ? RECENT_FEW : RECENT) - 1;
	t->recent = calloc(t->recent_mask + 1, sizeof *t->recent);
	if (t->recent && t->chunks && t->buckets && t->host_slots)
		return t;
	tracker_free(t);
	return NULL;
}

void tracker_free(struct tracker *t)
{
	if (!t)
		return;
	for (uint32_t i = 0; i < t->chunk_count; i++)
		free(t->chunks[i]);
	free(t->chunks);
	free(t->buckets);
	free(t->hosts);
	free(t->host_slots);
	free(t->recent);
	free(t);
}

static uint64_t mix(uint64_t h)
{
	h ^= h >> 32;
	h *= 0x9e3779b97f4a7c15u;
	return h ^ h >> 29;
}

uint64_t tracker_hash(const struct tv_addr *a)
{
	uint64_t w[2];

	memcpy(w, a->b, 16);
	return mix(w[0] * 0xff51afd7ed558ccdu + w[1]);
}

static uint64_t hash_tuple(const struct tv_addr *a, uint16_t ap, const struct tv_addr *b, uint16_t bp)
{
	return mix(mix(tracker_hash(a) + ap) + mix(tracker_hash(b) + bp));
}

static uint32_t *bucket_of(const struct tracker *t, const struct conn *c)
{
	return &t->buckets[hash_tuple(&c->addr[0], c->port[0], &c->addr[1], c->port[1]) & t->bucket_mask];
}

/* Twice as many buckets; if there is no memory the chains only get longer. */
static void grow_buckets(struct tracker *t)
{
	uint32_t mask = t->bucket_mask * 2 + 1, old = t->bucket_mask;
	uint32_t *from = t->buckets, *to = calloc(mask + 1, sizeof *to);

	if (!to)
		return;
	t->buckets = to;
	t->bucket_mask = mask;
	for (uint32_t b = 0; b <= old; b++) {
		uint32_t reversed = NONE;

		/* Order within a chain says which is newest: it is kept. */
		for (uint32_t i = from[b], next; i != NONE; i = next) {
			next = at(t, i)->chain;
			at(t, i)->chain = reversed;
			reversed = i;
		}
		for (uint32_t i = reversed, next; i != NONE; i = next) {
			uint32_t *bucket = bucket_of(t, at(t, i));

			next = at(t, i)->chain;
			at(t, i)->chain = *bucket;
			*bucket = i;
		}
	}
	free(from);
}

/* ------------------------------------------------------------------------------------------ */
/* The list by last packet                                                                     */

static void unlink_age(struct tracker *t, struct conn *c)
{
	if (c->newer != NONE)
		at(t, c->newer)->older = c->older;
	else
		t->newest = c->older;
	if (c->older != NONE)
		at(t, c->older)->newer = c->newer;
	else
		t->oldest = c->newer;
}

static void link_newest(struct tracker *t, struct conn *c, uint32_t i)
{
	c->older = t->newest;
	c->newer = NONE;
	if (t->newest != NONE)
		at(t, t->newest)->newer = i;
	t->newest = i;
	if (t->oldest == NONE)
		t->oldest = i;
}

static void leave(struct tracker *t, uint32_t i)
{
	struct conn *c = at(t, i);
	uint32_t *link = bucket_of(t, c);

	if (t->on_leave)
		t->on_leave(t->user, c);
	while (*link != i)
		link = &at(t, *link)->chain;
	*link = c->chain;
	unlink_age(t, c);
	c->number = 0;
	c->chain = t->free_chain;
	t->free_chain = i;
	t->counts.left++;
}

static uint32_t take_slot(struct tracker *t)
{
	uint32_t i;

	if (t->free_chain == NONE && t->count == t->most)
		leave(t, t->oldest);
	if (t->free_chain != NONE) {
		i = t->free_chain;
		t->free_chain = at(t, i)->chain;
		return i;
	}
	if (t->count == t->chunk_count * CHUNK) {
		t->chunks[t->chunk_count] = malloc((t->most < CHUNK ? t->most : CHUNK) * sizeof(struct conn));
		if (!t->chunks[t->chunk_count])
			return NONE;
		t->chunk_count++;
	}
	return ++t->count;
}

/* A connection from a to b. */
static struct conn *begin(struct tracker *t, const struct tv_addr *a, uint16_t ap, const struct tv_addr *b,
	uint16_t bp)
{
	uint32_t i = take_slot(t);
	uint32_t *bucket;
	struct conn *c;

	if (i == NONE)
		return NULL;
	c = at(t, i);
	memset(c, 0, sizeof *c);
	c->addr[0] = *a;
	c->addr[1] = *b;
	c->port[0] = ap;
	c->port[1] = bp;
	c->v6 = !tv_addr_is_v4(a);
	c->number = ++t->started;
	c->era = t->era;
	c->side[1].state = TV_LISTEN;
	t->counts.connections++;
	bucket = bucket_of(t, c);
	c->chain = *bucket;
	*bucket = i;
	link_newest(t, c, i);
	if (t->count > t->bucket_mask && t->bucket_mask < (1u << 20))
		grow_buckets(t);
	return c;
}

static uint32_t find(const struct tracker *t, const struct tv_addr *a, uint16_t ap, const struct tv_addr *b,
	uint16_t bp, unsigned *from)
{
	uint32_t i = t->buckets[hash_tuple(a, ap, b, bp) & t->bucket_mask];

	for (; i != NONE; i = at(t, i)->chain) {
		const struct conn *c = at(t, i);

		if (c->port[0] == ap && c->port[1] == bp && tv_addr_equal(&c->addr[0], a) &&
			tv_addr_equal(&c->addr[1], b)) {
			*from = 0;
			return i;
		}
		if (c->port[1] == ap && c->port[0] == bp && tv_addr_equal(&c->addr[1], a) &&
			tv_addr_equal(&c->addr[0], b)) {
			*from = 1;
			return i;
		}
	}
	return NONE;
}

/* ------------------------------------------------------------------------------------------ */
/* Hosts                                                                                       */

static uint32_t *host_slot(const struct tracker *t, const struct tv_addr *addr)
{
	uint64_t h = tracker_hash(addr);
	uint32_t *slot;

	do
		slot = &t->host_slots[h++ & t->host_mask];
	while (*slot != NONE && !tv_addr_equal(&t->hosts[*slot - 1].addr, addr));
	return slot;
}

static bool grow_hosts(struct tracker *t)
{
	uint32_t mask = t->host_mask * 2 + 1;
	struct host *hosts = realloc(t->hosts, (mask + 1) / 2 * sizeof *hosts);
	uint32_t *slots;

	if (!hosts)
		return false;
	t->hosts = hosts;
	slots = calloc(mask + 1, sizeof *slots);
	if (!slots)
		return false;
	free(t->host_slots);
	t->host_slots = slots;
	t->host_mask = mask;
	for (uint32_t i = 0; i < t->host_count; i++)
		*host_slot(t, &t->hosts[i].addr) = i + 1;
	return true;
}

const struct host *tracker_host(const struct tracker *t, const struct tv_addr *addr)
{
	uint32_t slot = *host_slot(t, addr);

	return slot == NONE ? NULL : &t->hosts[slot - 1];
}

/* A SYN alone may be forged, and an RST may be anybody's: only what answers counts. */
static void learn_host(struct tracker *t, const struct packet *p)
{
	bool syn = p->flags & TV_SYN;
	uint32_t *slot;
	struct host *h;

	if (p->flags & TV_RST || !(p->flags & TV_ACK))
		return;
	slot = host_slot(t, &p->src);
	if (*slot == NONE) {
		if (t->host_count == HOSTS_MAX)
			return;
		if ((!t->hosts || t->host_count == (t->host_mask + 1) / 2) && !grow_hosts(t))
			return;
		slot = host_slot(t, &p->src);
		t->hosts[t->host_count] = (struct host){ .addr = p->src, .ttl_min = p->ttl, .ttl_max = p->ttl,
			.first = mark_of(p) };
		*slot = ++t->host_count;
	}
	h = &t->hosts[*slot - 1];
	if (syn && h->packets == 0)
		h->first = mark_of(p);
	h->packets++;
	if (p->ttl < h->ttl_min)
		h->ttl_min = p->ttl;
	if (p->ttl > h->ttl_max)
		h->ttl_max = p->ttl;
}

/* ------------------------------------------------------------------------------------------ */
/* Packets                                                                                     */

static bool is_over(const struct conn *c)
{
	const struct side *a = &c->side[0], *b = &c->side[1];

	if (seen(&a->rst) || seen(&b->rst) || (seen(&a->fin) && seen(&b->fin)))
		return true;
	/* An attempt that failed. */
	return !b->syn_seen && b->packets == 0;
}

/* Does this SYN begin another connection on the same ports? */
static bool begins_anew(const struct conn *c, unsigned from, const struct packet *p)
{
	const struct side *s = &c->side[from];

	if (!(p->flags & TV_SYN) || p->flags & TV_RST)
		return false;
	if (p->flags & TV_ACK) /* the SYN before it is missing */
		return seen(&c->side[0].fin) && seen(&c->side[1].fin) && (!s->syn_seen || p->seq != s->isn);
	if (s->syn_seen)
		return p->seq != s->isn;
	/* Its answer may have been recorded first. */
	if (c->late && from == 0 && segment_answers_first(c, p))
		return false;
	if (c->late)
		return from == 1 || !c->side[1].syn_is_answer || c->side[1].syn_ack != p->seq + 1 + p->len;
	return c->side[!from].syn_is_answer || seen(&c->side[!from].rst) || seen(&c->ack);
}

/* Who opened a connection whose beginning was not seen: who uses the higher port, most likely. */
static bool from_server(const struct packet *p)
{
	if (p->flags & TV_SYN)
		return p->flags & TV_ACK;
	return p->sport < p->dport;
}

static struct conn *begin_from(struct tracker *t, const struct packet *p, unsigned *from)
{
	struct conn *c;

	*from = from_server(p);
	if (*from)
		c = begin(t, &p->dst, p->dport, &p->src, p->sport);
	else
		c = begin(t, &p->src, p->sport, &p->dst, p->dport);
	if (c)
		c->late = !(p->flags & TV_SYN) || p->flags & TV_ACK;
	return c;
}

static struct conn *begin_again(struct tracker *t, struct conn *old, const struct packet *p, unsigned *from)
{
	struct mark end = {0, 0, 0};
	bool over = is_over(old);
	bool closed = seen(&old->side[0].fin) && seen(&old->side[1].fin) && !seen(&old->side[0].rst) &&
		!seen(&old->side[1].rst);
	bool open = !over && (old->late || seen(&old->ack));
	struct conn *c;

	if (closed)
		end = old->side[mark_time(&old->side[0].last) <= mark_time(&old->side[1].last)].last;
	if (open)
		old->replaced = true;
	c = begin_from(t, p, from);
	if (!c)
		return NULL;
	c->over_open = open;
	c->over_closed = closed;
	c->old_fin = end;
	return c;
}

/* The same packet again, recorded on another interface? All but its TTL is the same. */
static bool is_second_copy(struct tracker *t, const struct packet *p)
{
	uint64_t sum = tracker_hash(&p->src) + 3 * tracker_hash(&p->dst);
	uint32_t id = p->v6 || p->ip_have < 6 ? 0 : (uint32_t)p->ip[4] << 8 | p->ip[5];
	struct recent *r;
	bool same;

	sum = mix(sum + ((uint64_t)p->sport << 48 | (uint64_t)p->dport << 32 | p->seq));
	sum = mix(sum + ((uint64_t)p->ack << 32 | (uint32_t)p->flags << 16 | p->wnd));
	sum = mix(sum + ((uint64_t)p->len << 32) + id);
	if (p->opt.has & TV_OPT_HAS_TS)
		sum = mix(sum + ((uint64_t)p->opt.ts_val << 32 | p->opt.ts_ecr));
	r = &t->recent[sum & t->recent_mask];
	same = r->sum == sum && p->time >= r->time && p->time - r->time <= TWICE_WITHIN;
	*r = (struct recent){sum, p->time};
	return same;
}

static struct conn *take_tcp(struct tracker *t, const struct packet *p)
{
	unsigned from = 0;
	uint32_t i = find(t, &p->src, p->sport, &p->dst, p->dport, &from);
	struct conn *c = i == NONE ? NULL : at(t, i);

	learn_host(t, p);
	if (c && c->era != t->era) {
		c = begin_from(t, p, &from);
	} else if (c && begins_anew(c, from, p)) {
		c = begin_again(t, c, p, &from);
	} else if (c) {
		unlink_age(t, c);
		link_newest(t, c, i);
	} else {
		c = begin_from(t, p, &from);
	}
	if (!c)
		return NULL;
	t->counts.gaps -= c->gap;
	segment_take(c, from, p);
	t->counts.gaps += c->gap;
	state_take(c, from, p);
	return c;
}

/* The attempt that an ICMP error is about of which the capture holds too little: the last that fits. */
static uint32_t guess(const struct tracker *t, const struct packet *p)
{
	uint32_t i = t->newest;

	for (unsigned n = 0; i != NONE && !segment_may_be_quoted(at(t, i), p); i = at(t, i)->older)
		if (++n == GUESSES)
			return NONE;
	return i;
}

static struct conn *take_icmp(struct tracker *t, const struct packet *p)
{
	unsigned about = 0;
	uint32_t i = p->quote_cut ? guess(t, p) : find(t, &p->quoted_src, p->sport, &p->quoted_dst, p->dport, &about);
	struct conn *c;

	if (p->quote_cut && i == NONE)
		return NULL;

	if (i != NONE && at(t, i)->era != t->era)
		i = NONE;
	c = i == NONE ? begin(t, &p->quoted_src, p->sport, &p->quoted_dst, p->dport) : at(t, i);
	if (!c)
		return NULL;
	if (i == NONE)
		c->late = true;
	if (p->icmp == TV_ICMP_TOO_BIG) {
		if (!seen(&c->pmtu)) {
			c->pmtu = mark_of(p);
			c->mtu = p->mtu;
		}
		return c;
	}
	if (c->icmp_count == 0) {
		c->icmp_type = p->icmp_type;
		c->icmp_code = p->icmp_code;
		c->icmp_kind = (uint8_t)p->icmp;
		c->icmp_about = (uint8_t)about;
		c->icmp_from = p->src;
		c->icmp_cut = p->quote_cut;
		c->icmp_of_syn = i == NONE || (c->side[about].syn_seen &&
			(p->seq_cut || p->quote_cut ? !seen(&c->side[about].data) : p->seq == c->side[about].isn));
	}
	if (c->icmp_count < ICMP_MARKS)
		c->icmp[c->icmp_count] = mark_of(p);
	c->icmp_count++;
	return c;
}

static void pass_time(struct tracker *t, tv_time time)
{
	tv_time *end = &t->ends[t->era], jump = limit(LIMIT_ANOTHER_CAPTURE);

	if (t->timed && t->era + 1 < ERAS && (time > *end + jump || time + jump < *end))
		end = &t->ends[++t->era];
	t->timed = true;
	if (time > *end)
		*end = time;
}

tv_time tracker_end(const struct tracker *t, const struct conn *c)
{
	return t->ends[c->era];
}

void tracker_count(struct tracker *t, const struct packet *p, uint16_t link_type)
{
	struct tracker_counts *n = &t->counts;

	n->packets++;
	n->cut += p->cut;
	n->options_cut += p->options_cut;
	switch (p->kind) {
	case PACKET_TCP: n->tcp++; break;
	case PACKET_ICMP: n->icmp++; break;
	case PACKET_REST: n->rest++; break;
	case PACKET_FRAGMENT: n->fragments++; break;
	case PACKET_NONE: n->unreadable++; break;
	case PACKET_UNKNOWN_LINK:
		n->unknown_link++;
		n->unknown_link_type = link_type;
		break;
	}
	if (!seen(&n->first))
		n->first = mark_of(p);
	if (p->time >= mark_time(&n->last))
		n->last = mark_of(p);
	pass_time(t, p->time);
}

void tracker_silence(struct tracker *t, tv_time until)
{
	struct mark *last = &t->counts.last;

	if (until > mark_time(last))
		*last = mark_at(until, last->number);
	pass_time(t, until);
}

struct conn *tracker_take(struct tracker *t, const struct packet *p)
{
	pass_time(t, p->time);
	if (p->kind == PACKET_TCP) {
		if (!is_second_copy(t, p))
			return take_tcp(t, p);
		t->counts.copies++;
		return NULL;
	}
	if (p->kind == PACKET_ICMP)
		return take_icmp(t, p);
	return NULL;
}

struct conn *tracker_next(struct tracker *t, uint32_t *cursor)
{
	while (*cursor < t->count) {
		struct conn *c = at(t, ++*cursor);

		if (c->number)
			return c;
	}
	return NULL;
}

const struct tracker_counts *tracker_counts(const struct tracker *t)
{
	return &t->counts;
}
