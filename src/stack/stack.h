/*
 * stack.h - many connections, one or more links: what surrounds the protocol. The core (tcp/core.h) is
 * the first part of a stack; behind it come the index, links, addresses, routes, neighbours, limits of
 * rates, and the areas of the region.
 *
 * Arrows: input.c and io.c (input, output) call demux.c, icmp_in.c, neighbour.c, replies.c; calls.c and
 * events.c are the public calls; ports.c and route.c answer questions of calls.c.
 */
#ifndef TV_STACK_STACK_H
#define TV_STACK_STACK_H

#include "tcp/close/close.h"
#include "tcp/open/half_open.h"
#include "tcp/profile.h"
#include "wire/icmp.h"

#define TV_NEIGHBOUR_TRIES 3
#define TV_RATE_BUCKETS 256

struct tv_link {
	enum tv_link_kind kind;
	uint8_t mac[6];
	uint8_t zone;
	bool csum_offload, gather;
	uint32_t mtu, gso_bytes;
};

struct tv_address {
	struct tv_addr addr;
	uint8_t broadcast[4];      /* of its subnet; 0: none (IPv6, /31, /32) */
	uint8_t bits, link;
};

struct tv_route {
	struct tv_addr dst, gateway;
	uint32_t metric;
	uint8_t bits, link;
	bool on_link;
};

enum { TV_NB_FREE, TV_NB_ASKING, TV_NB_KNOWN, TV_NB_STALE, TV_NB_PROBING };

/* Next hop -> MAC (RFC 826, RFC 4861 7.3, with the states that unreachability detection needs). */
struct tv_neighbour {
	struct tv_addr addr;
	uint8_t mac[6];
	uint8_t link, state, tries;
	bool parked;               /* connections wait for it */
	bool ask;                  /* a request is to be sent now */
	uint32_t at;               /* tick of the next step; 0: none */
	uint32_t used;             /* tick of the last use, for eviction */
};

struct tv_stack {
	struct tv_core core;
	struct tv_table index;
	struct tv_key_seed seed, old_seed;
	uint64_t index_adds;       /* how often something was added to the index */
	uint64_t hashed_at;        /* index.rekeys when the segments of this batch were hashed */
	uint64_t links, addresses, routes, neighbours, loop_buffer, queues[TV_WHEEL_QUEUES]; /* offsets */
	uint32_t link_count, address_count, route_count;
	uint32_t neighbour_count;  /* entries in use */
	uint64_t total;            /* bytes of the region */
	struct tv_bucket rate_all, rate_icmp, rate_rst[TV_RATE_BUCKETS];
	uint32_t port_table[16];
	struct { uint64_t tuple; uint32_t tried; } search; /* a port search that goes on */
	bool address_late;         /* an address was added while there were connections, or half-open ones */
	struct {
		struct tv_addr remote;
		struct tv_key ends;    /* its ports mean nothing */
		uint8_t link;
		bool known;
	} way;                     /* what route.c said of the last destination, until a table changes */
	uint32_t neighbour_asks;   /* how many want to ask now */
	uint32_t parked;           /* connections that wait for a neighbour */
	uint32_t hand;             /* evict.c: the place that was looked at last */
	uint32_t page_failures;    /* ... the refused pages that it knows of, */
	uint64_t in_vain;          /* ... and the millisecond, + 1, in which it found nobody */
};

/* The pseudo-link of our own addresses. */
static inline unsigned tv_loop_link(const struct tv_stack *s)
{
	return s->core.cfg.links;
}

static inline struct tv_link *tv_link_at(const struct tv_stack *s, unsigned i)
{
	return (struct tv_link *)(void *)(tv_region(&s->core) + s->links) + i;
}

static inline struct tv_address *tv_address_at(const struct tv_stack *s, unsigned i)
{
	return (struct tv_address *)(void *)(tv_region(&s->core) + s->addresses) + i;
}

static inline struct tv_route *tv_route_at(const struct tv_stack *s, unsigned i)
{
	return (struct tv_route *)(void *)(tv_region(&s->core) + s->routes) + i;
}

static inline struct tv_neighbour *tv_neighbour_at(const struct tv_stack *s, unsigned i)
{
	return (struct tv_neighbour *)(void *)(tv_region(&s->core) + s->neighbours) + i;
}

/* Fetches all of a connection's record; whoever wants it next waits for it once. */
static inline void tv_conn_fetch(const struct tv_tcb *t)
{
	const uint8_t *line = (const uint8_t *)t;

	_Static_assert(TV_TCB_BYTES == 4 * 64, "four cache lines");
	__builtin_prefetch(line);
	__builtin_prefetch(line + 64);
	__builtin_prefetch(line + 128);
	__builtin_prefetch(line + 192);
}

/* ---- stack.c ---- */
/* now is later than what the stack knows. */
void tv_stack_later(struct tv_stack *s, tv_time now);
static inline void tv_stack_now(struct tv_stack *s, tv_time now)
{
	if (now > s->core.now) /* time never goes back */
		tv_stack_later(s, now);
}
void tv_keys_derive(struct tv_core *c, const uint8_t secret[32]);

/* ---- demux.c ---- */
/* A reference (kind << 26 | slot) to what this tuple belongs to, TIME-WAIT last; 0: nothing. */
uint32_t tv_index_find_any(struct tv_stack *s, const struct tv_key *k, uint64_t hash);
static inline uint32_t tv_index_find(struct tv_stack *s, const struct tv_key *k, uint64_t hash)
{
	/* Of what is new there is not even the tag. */
	return TV_LIKELY(tv_table_lacks(&s->index, tv_region(&s->core), hash)) ? 0 : tv_index_find_any(s, k, hash);
}
/* The hash of a key from the beginning of its batch, if the key of the index is still the same. */
static inline uint64_t tv_index_hash(const struct tv_stack *s, const struct tv_key *k, uint64_t hash)
{
	return TV_LIKELY(s->hashed_at == s->index.rekeys) ? hash : tv_key_hash(k, &s->seed);
}
/* The same by the key before, while the index is being re-keyed. */
static inline uint64_t tv_index_old_hash(const struct tv_stack *s, const struct tv_key *k, uint64_t hash)
{
	return TV_UNLIKELY(s->index.rekeying != 0) ? tv_key_hash(k, &s->old_seed) : hash;
}
void tv_index_add_hashed(struct tv_stack *s, uint64_t hash, uint32_t ref);
static inline void tv_index_add(struct tv_stack *s, const struct tv_key *k, uint32_t ref)
{
	tv_index_add_hashed(s, tv_key_hash(k, &s->seed), ref);
}
/* A slot of the index is moved, if a move is under way. */
void tv_index_move(struct tv_stack *s);
static inline void tv_index_step(struct tv_stack *s)
{
	if (TV_UNLIKELY(!tv_table_calm(&s->index)))
		tv_index_move(s);
}
/* hash: of the segment's key; ref: what the index named first for it when the batch began; 0: unknown. */
enum tv_verdict tv_demux(struct tv_stack *s, const struct tv_segment *seg, uint64_t hash, uint32_t ref);
/* After anything was done to a connection: frees it, makes it a TIME-WAIT record, arms its timers. */
void tv_settle_rare(struct tv_stack *s, struct tv_tcb *t);
static inline void tv_settle(struct tv_stack *s, struct tv_tcb *t)
{
	uint32_t flags = t->flags & (TV_F_FREED | TV_F_TIMERS | TV_F_RELEASED);

	if (flags != 0 && (flags != TV_F_RELEASED || t->state == TV_TIME_WAIT))
		tv_settle_rare(s, t);
}
void tv_half_free(struct tv_stack *s, uint32_t slot);
void tv_wait_free(struct tv_stack *s, uint32_t slot);
/* The handshake of a new incarnation is complete: what waits in TIME-WAIT under this tuple is over. */
void tv_time_wait_end(struct tv_stack *s, const struct tv_key *k);
/* A zeroed record with a key in the index; NULL: none left. */
struct tv_tcb *tv_conn_new(struct tv_stack *s, const struct tv_key *k);
void tv_conn_free(struct tv_stack *s, struct tv_tcb *t);

/* ---- syn.c ---- */
/* What comes to listener number `index`: a verdict. hash: of the segment's key; old: the incarnation in TIME-WAIT
 * that has the tuple. */
int tv_listen_in(struct tv_stack *s, uint32_t index, const struct tv_segment *seg, uint64_t hash,
                 const struct tv_tcb *old);
/* One address of ours, over one link, and who listens at some of its ports: for one batch. */
#define TV_DOOR_PORTS 8u
struct tv_door {
	struct tv_key key;         /* of the SYN that asked first; its local address counts */
	uint64_t adds;             /* index_adds when the batch was looked up; UINT64_MAX: the index was moving */
	bool ours;                 /* that address is one of ours, and the link leads outside */
	uint8_t link;
	struct {
		uint16_t port, listener; /* number + 1; 0: not known */
	} at[TV_DOOR_PORTS];       /* by the last bits of the port */
	uint64_t near;             /* last octets, modulo 64, of our addresses and those of broadcast */
	const struct tv_listener *always; /* who was asked last, if all that ask there get cookies */
	uint16_t port;             /* at which */
};
/* Before the tuples of a batch are looked up. */
void tv_door_begin(struct tv_stack *s, struct tv_door *d);
/* A SYN without ACK, RST and FIN, or an ACK without SYN and RST, of whose tuple the index knew nothing when the
 * batch was looked up. The same as tv_demux(). */
enum tv_verdict tv_door_in(struct tv_stack *s, struct tv_door *d, const struct tv_segment *seg, uint64_t hash);
/* The same of SYNs alone, that come one behind the other. */
enum tv_verdict tv_syn_in(struct tv_stack *s, struct tv_door *d, const struct tv_segment *seg, uint64_t hash);

/* ---- passive.c ---- */
/* Has the accept queue no place for the connection of this final ACK? Counts, and resets if configured. */
void tv_accept_refuse(struct tv_core *c, const struct tv_segment *seg);
static inline bool tv_accept_full(struct tv_core *c, const struct tv_listener *l, const struct tv_segment *seg)
{
	if (TV_LIKELY(l->waiting < l->backlog))
		return false;
	tv_accept_refuse(c, seg);
	return true;
}
/* A full record for the half-open one in this slot, of this key with this hash, which is freed; NULL: none left. */
struct tv_tcb *tv_promote(struct tv_stack *s, uint32_t slot, const struct tv_key *k, uint64_t hash);
/* The final ACK of its handshake: a connection in the queue of its listener, then the rest of the segment. */
int tv_complete_in(struct tv_stack *s, uint32_t slot, const struct tv_segment *seg, uint64_t hash);
/* A SYN with a good Fast Open cookie: a connection at once; TV_NEXT: no record for it. */
int tv_fastopen_in(struct tv_stack *s, uint32_t index, const struct tv_segment *seg, const struct tv_key *k,
                   enum tv_fo_answer how);
/* An ACK to a listener: a connection if it returns a SYN cookie, else a RST. hash: of its key. */
int tv_cookie_in(struct tv_stack *s, uint32_t index, const struct tv_segment *seg, uint64_t hash);

/* ---- route.c ---- */
enum tv_whose { TV_SOMEONE, TV_OURS, TV_SUBNET_BROADCAST };
/* One of our addresses, the broadcast address of one of our subnets (RFC 1122 3.2.1.3), or neither? */
static inline enum tv_whose tv_whose(const struct tv_stack *s, const struct tv_addr *a)
{
	uint32_t host = tv_native32(a->b + 12);

	for (unsigned i = 0; i < s->address_count; i++) {
		const struct tv_address *own = tv_address_at(s, i);

		if (tv_addr_equal(&own->addr, a))
			return TV_OURS;
		if (tv_native32(own->broadcast) == host && host != 0 && tv_addr_is_v4(a))
			return TV_SUBNET_BROADCAST;
	}
	return TV_SOMEONE;
}
static inline bool tv_is_ours(const struct tv_stack *s, const struct tv_addr *a)
{
	for (unsigned i = 0; i < s->address_count; i++)
		if (tv_addr_equal(&tv_address_at(s, i)->addr, a))
			return true;
	return false;
}
/* The same, or the broadcast address of all networks. */
bool tv_is_broadcast(const struct tv_stack *s, const struct tv_addr *a);
/* May src talk to dst over this link? OK, NOT_OURS, NOT_UNICAST or MARTIAN. */
enum tv_verdict tv_check_addresses(const struct tv_stack *s, const struct tv_addr *src, const struct tv_addr *dst,
                                   uint8_t protocol, unsigned link);
struct tv_hop {
	unsigned link;
	struct tv_addr next;       /* whom to ask for its MAC */
};
bool tv_route_find(const struct tv_stack *s, const struct tv_addr *dst, uint8_t zone, struct tv_hop *hop);
/* RFC 6724: which of our addresses to use towards dst over this link. */
bool tv_source_for(const struct tv_stack *s, const struct tv_addr *dst, unsigned link, struct tv_addr *src);

/* ---- neighbour.c ---- */
/* Writes the link header for a packet to dst, or says to wait for a neighbour that is being asked; forward:
 * the peer has acknowledged something new, so the neighbour is there. */
enum tv_hop_result { TV_HOP_READY, TV_HOP_WAIT, TV_HOP_NONE };
enum tv_hop_result tv_hop_header(struct tv_stack *s, unsigned link, const struct tv_addr *dst, uint8_t *p,
                                 bool forward, bool *parked);
enum tv_verdict tv_arp_in(struct tv_stack *s, unsigned link, const uint8_t *p, size_t n);
enum tv_verdict tv_nd_in(struct tv_stack *s, unsigned link, const struct tv_ip *ip);
/* The next request to be sent on this link (or any); false: none. */
bool tv_neighbour_out(struct tv_stack *s, uint32_t link, struct tv_packet *p);
/* Routes have changed: whoever waits for a next hop asks again which one it is. */
void tv_unpark(struct tv_stack *s);
void tv_neighbour_due(struct tv_stack *s, uint32_t *budget);
tv_time tv_neighbour_next(const struct tv_stack *s);

/* ---- icmp_in.c ---- */
enum tv_verdict tv_icmp_in(struct tv_stack *s, unsigned link, const struct tv_ip *ip);
enum tv_verdict tv_udp_in(struct tv_stack *s, unsigned link, const struct tv_ip *ip, const uint8_t *packet,
                          uint32_t len);

/* ---- replies.c ---- */
/* Queues an ICMP error about the packet at `quoted`, if rates allow. from: all zero: our own address. */
void tv_icmp_report(struct tv_stack *s, unsigned link, const struct tv_icmp_error *e);
bool tv_replies_waiting(const struct tv_stack *s);
/* Hands out at most cap replies; returns how many. */
unsigned tv_replies_out(struct tv_stack *s, uint32_t link, struct tv_packet *packets, unsigned cap);
/* Queues an IP packet to dst, or a whole frame. */
bool tv_reply_packet(struct tv_stack *s, unsigned link, const struct tv_addr *dst, const uint8_t *p, uint32_t len);
void tv_reply_frame(struct tv_stack *s, unsigned link, const uint8_t *p, uint32_t len);

/* ---- input.c ---- */
/* A packet to one of our own addresses. */
void tv_loop_in(struct tv_stack *s, const struct tv_packet *p);

/* ---- io.c ---- */
/* Tells the observer, who is there, of a packet that leaves; t NULL: no record has sent it. */
void tv_trace_out(const struct tv_stack *s, const struct tv_tcb *t, const struct tv_packet *p, uint32_t head);

#endif
