/*
 * core.h - what the protocol works on besides one connection: configuration, keys, pools, lists,
 * counters. It is the first part of every stack and lies at the start of its region; everything in
 * it is a number or an offset into the region, but for the observer of the configuration.
 *
 * Also here: the results that steps of the protocol return, and the functions that each room of
 * src/tcp offers to the others. Arrows: in.c, user.c, timers.c and out.c call the rooms; the rooms
 * call state.c, timers.c (arming) and each other only downward (open, accept, deliver, flow, close).
 */
#ifndef TV_TCP_CORE_H
#define TV_TCP_CORE_H

#include "base/table.h"
#include "tcp/open/flood.h"
#include "tcp/reply.h"
#include "tcp/state.h"
#include "tcp/tcb.h"
#include "wire/segment.h"

#define TV_PAIR_PORTS 8u

/* What the keys make of two addresses, those that were asked for last (open/isn.c). */
struct tv_pair {
	uint64_t addrs[4];
	uint32_t words;            /* of them; 0: none yet */
	uint32_t offset;           /* of timestamps */
	struct tv_sip isn, port;   /* both addresses have gone in, ports have not */
	bool isn_known, port_known;
	struct {
		uint64_t hash;         /* for ephemeral ports, */
		uint32_t remote;       /* of this remote port + 1; 0: none */
	} ports[TV_PAIR_PORTS];    /* by its last bits */
};

/* Kinds of a handle and of an index reference. */
enum { TV_KIND_CONN = 1, TV_KIND_HALF = 2, TV_KIND_WAIT = 3, TV_KIND_LISTENER = 4 };
#define TV_REF_SLOT_BITS 26
#define TV_GEN_MASK 0x0fffffffu

/* The longest wait of a deadline that is not asked again when it fires; it fits the ticks of timers.c. */
#define TV_WAIT_MOST (64800 * TV_S)

/* What a step says besides a verdict (enum tv_verdict, >= 0: this segment is done with). */
enum {
	TV_NEXT = -1,              /* go on with the next step */
	TV_PROMOTE = -2,           /* a half-open record has become a connection: make it a full one */
	TV_REOPEN = -3             /* a SYN that may take over this TIME-WAIT tuple (RFC 6191) */
};

/* A half-open record: 64 bytes for IPv4, 88 with the rest of an IPv6 key. */
struct tv_half {
	uint8_t key[TV_KEY_HEAD];
	uint32_t gen;
	uint32_t next, prev;       /* FIFO of its interval: slot + 1 */
	uint32_t at;               /* tick at which its interval ends */
	uint32_t iss, irs;
	uint32_t ts_recent;
	uint32_t born_ms;
	uint32_t challenge_ms;     /* of a held question: link back in the ready list */
	uint16_t listener;         /* number + 1 */
	uint16_t mss_peer;
	uint16_t wnd;              /* of the SYN */
	uint8_t flags;             /* TV_H_ */
	uint8_t zone, link;
	uint8_t scales;            /* of the peer's window (low 4 bits), of ours */
	uint8_t opt;               /* TV_O_, bit 7: IPv6 */
	uint8_t tries;
	union {
		uint32_t ready_next;   /* of a held question */
		uint32_t bucket;       /* of another: where its prefix is counted (open/half_open.h) */
	};
};
_Static_assert(sizeof(struct tv_half) <= 64, "a half-open record costs its budget");

enum {
	TV_H_HELD = 1,             /* a question: nothing is sent until tv_answer() */
	TV_H_READY = 8,            /* in the ready list */
	TV_H_REOPENS = 32          /* its tuple is also in TIME-WAIT, until the handshake is complete */
};
#define TV_H_V6 0x80

/* A TIME-WAIT record: 64 bytes for IPv4, 88 with the rest of an IPv6 key. */
struct tv_wait {
	uint8_t key[TV_KEY_HEAD];
	uint32_t next, prev;
	uint32_t at;               /* tick of its end */
	uint32_t snd_nxt, rcv_nxt, rcv_adv;
	uint32_t ts_recent, ts_recent_at, ts_offset;
	uint32_t challenge_ms;
	uint32_t max_wnd;          /* MAX.SND.WND: which old ACKs may be believed */
	uint8_t flags;             /* TV_O_, bit 7: IPv6 */
	uint8_t zone, link, rcv_scale;
	uint8_t snd_scale, active;
	uint16_t unused;
};
_Static_assert(sizeof(struct tv_wait) <= 64, "a TIME-WAIT record costs its budget");

/* A doubly linked FIFO of records with one interval: those at the head end first. */
struct tv_fifo {
	uint32_t head, tail;       /* slot + 1 */
	uint32_t count;
};

#define TV_SYN_ACK_INTERVALS 8
#define TV_LINKS_MAX 64

struct tv_listener {
	struct tv_addr addr;
	uint32_t gen;
	uint32_t profile;
	uint32_t backlog;
	uint32_t half;             /* half-open records of this listener */
	uint32_t waiting;          /* connections not yet accepted */
	uint32_t held;             /* questions */
	uint32_t accept_head, accept_tail; /* connections, record number + 1, through ready_next */
	uint32_t ready_next, ready_prev;
	uint16_t port_first, port_last;
	uint8_t zone;
	uint8_t families;          /* 1: IPv4, 2: IPv6 */
	bool hold, any_address, in_ready_list;
	uint16_t events;
	uint64_t user;
	tv_time cookie_at;         /* when it sent the last cookie, + 1; 0: never */
	struct tv_flood flood;
	struct tv_pending fastopen;
};

struct tv_core {
	struct tv_config cfg;
	tv_time now;               /* of the call that is being served */
	uint64_t now_us;
	uint32_t now_ms, coarse;   /* coarse: TV_COARSE_SHIFT */
	uint32_t rto_first_us, rto_min_us, rto_max_us; /* of the configuration, in the unit of deliver/rtt.c */
	uint32_t rtt_max_us;       /* a longer sample counts as this one */
	uint32_t gen;              /* last generation given out */
	struct tv_pair pair;
	tv_time era_began;             /* open/isn.c: the era of the ISN clock that was asked for last */
	uint8_t era;
	tv_time reseeded;              /* when the keys were made anew; 0: never */
	struct tv_sipkey key_isn, key_port, key_stamp, key_rate, key_cookie;
	struct tv_fastopen_keys fastopen;

	struct tv_pool conns, busies, sides, profiles, halves, waits, listeners;
	uint64_t conn_rest, half_rest, wait_rest; /* arrays of TV_KEY_REST bytes */
	struct tv_pages pages;
	struct tv_range_pool ranges;
	struct tv_wheel wheel;
	struct tv_fifo half_fifo[TV_SYN_ACK_INTERVALS]; /* by interval: 1, 2, 4 ... rto_first */
	struct tv_fifo held_fifo;
	struct tv_fifo wait_fifo;
	uint16_t link_mtu[TV_LINKS_MAX];

	uint32_t orphans, evicted_held;    /* released and not ended; given up (stack/evict.c) and not released */
	uint32_t out_head, out_tail;       /* connections with wants: record number + 1 */
	uint32_t ready_head, ready_tail;   /* refs (kind << 26 | slot): connections, questions, listeners with news */
	uint64_t ready_link;               /* the link that the next one is hung on, counted from ready_head */
	uint64_t listen_table;             /* open/listen.c: offset, slots, slots in use, blocks by length */
	uint64_t listen_seed;
	uint32_t listen_slots, listen_used;
	uint32_t listen_blocks[2][17], listen_masks[2]; /* on an address, on any */
	uint32_t any_address_listeners;
	uint64_t reply_ring;               /* offset of cfg.replies entries */
	uint32_t reply_head, reply_tail;   /* counted up, taken modulo cfg.replies */

	struct tv_counters cnt;

	/* open/backlog.c and open/cookie.c; prefixes are counted in buckets. */
	uint64_t prefix_seed;
	struct tv_cookie_key cookie_keys[2];
	struct tv_cookie_lanes cookies;
	struct tv_bucket cookie_budget;
	uint32_t floods;                   /* listeners with a flood */
	tv_time flood_at;                  /* when to look whether one is over */
	uint32_t half_share[1u << TV_PREFIX_BITS]; /* half-open records */
	struct tv_bucket syn_rate[1u << TV_PREFIX_BITS];
};

/* The region that a core lies at the start of. */
static inline uint8_t *tv_region(const struct tv_core *c)
{
	return (uint8_t *)(uintptr_t)c;
}

static inline uint32_t tv_conn_index(const struct tv_core *c, const struct tv_tcb *t)
{
	uint64_t offset = (uint64_t)((const uint8_t *)t - tv_region(c));

	return (uint32_t)((offset - c->conns.records) / TV_TCB_BYTES);
}

static inline const struct tv_tcb *tv_conn_at(const struct tv_core *c, uint32_t index)
{
	return (const struct tv_tcb *)(const void *)(tv_region(c) + c->conns.records + (uint64_t)index * TV_TCB_BYTES);
}

static inline struct tv_tcb *tv_conn(struct tv_core *c, uint32_t index)
{
	return (struct tv_tcb *)(void *)(tv_region(c) + c->conns.records + (uint64_t)index * TV_TCB_BYTES);
}

static inline struct tv_busy *tv_busy(const struct tv_core *c, const struct tv_tcb *t)
{
	uint64_t offset = c->busies.records + (uint64_t)(t->busy - 1) * sizeof(struct tv_busy);

	return t->busy == 0 ? NULL : (struct tv_busy *)(void *)(tv_region(c) + offset);
}

static inline struct tv_side *tv_side(const struct tv_core *c, const struct tv_tcb *t)
{
	if (TV_LIKELY(t->side == 0))
		return NULL;
	return (struct tv_side *)tv_pool_at(&c->sides, tv_region(c), t->side - 1);
}

static inline struct tv_profile *tv_profile_at(const struct tv_core *c, uint32_t index)
{
	return (struct tv_profile *)(void *)(tv_region(c) + c->profiles.records +
	                                     (uint64_t)index * sizeof(struct tv_profile));
}

static inline const struct tv_options *tv_opts(const struct tv_core *c, const struct tv_tcb *t)
{
	return &tv_profile_at(c, t->profile)->o;
}

static inline struct tv_listener *tv_listener_at(const struct tv_core *c, uint32_t index)
{
	return (struct tv_listener *)(void *)(tv_region(c) + c->listeners.records) + index;
}

static inline struct tv_half *tv_half_at(const struct tv_core *c, uint32_t slot)
{
	return (struct tv_half *)(void *)(tv_region(c) + c->halves.records + (uint64_t)slot * sizeof(struct tv_half));
}

static inline struct tv_wait *tv_wait_at(const struct tv_core *c, uint32_t slot)
{
	return (struct tv_wait *)(void *)(tv_region(c) + c->waits.records + (uint64_t)slot * sizeof(struct tv_wait));
}

static inline uint8_t *tv_conn_rest(const struct tv_core *c, uint32_t index)
{
	return tv_region(c) + c->conn_rest + (uint64_t)index * TV_KEY_REST;
}

static inline uint8_t *tv_half_rest(const struct tv_core *c, uint32_t slot)
{
	return tv_region(c) + c->half_rest + (uint64_t)slot * TV_KEY_REST;
}

static inline tv_handle tv_handle_make(unsigned kind, uint32_t gen, uint32_t slot)
{
	return (uint64_t)kind << 60 | (uint64_t)gen << 32 | slot; /* gen: of tv_gen_next() */
}

static inline uint32_t tv_gen_next(struct tv_core *c)
{
	c->gen = (c->gen + 1) & TV_GEN_MASK;
	return c->gen += c->gen == 0;
}

/* The key of a half-open record; of a record in the pool of connections. */
static inline void tv_half_key(const struct tv_core *c, uint32_t slot, struct tv_key *k)
{
	const struct tv_half *h = tv_half_at(c, slot);

	tv_key_load(k, h->key, tv_half_rest(c, slot), (h->opt & TV_H_V6) != 0, h->zone);
}

static inline void tv_tcb_key(const struct tv_core *c, const struct tv_tcb *t, struct tv_key *k)
{
	tv_key_load(k, t->key, tv_conn_rest(c, tv_conn_index(c, t)), t->v6, t->zone);
}

/* ---- state.c ---- */
/* Tells the observer, who is there. */
void tv_state_trace(const struct tv_core *c, const struct tv_tcb *t, enum tv_state from);
static inline void tv_state_set(struct tv_core *c, struct tv_tcb *t, enum tv_state to)
{
	enum tv_state from = (enum tv_state)t->state;

	TV_ASSERT((tv_state_follows[from] >> to & 1) != 0);
	t->state = (uint8_t)to;
	if (to == TV_ESTABLISHED)
		c->cnt.established++;
	if (TV_UNLIKELY(c->cfg.trace != NULL))
		tv_state_trace(c, t, from);
}
/* A half-open record begins: SYN-RECEIVED, from LISTEN. */
void tv_state_half_told(struct tv_core *c);
static inline void tv_state_half(struct tv_core *c)
{
	if (TV_UNLIKELY(c->cfg.trace != NULL))
		tv_state_half_told(c);
}
bool tv_state_synchronised(enum tv_state state);
/* May text still arrive? Also when we have closed our half [EV-41]. */
static inline bool tv_state_may_receive(enum tv_state state)
{
	return state == TV_ESTABLISHED || state == TV_FIN_WAIT_1 || state == TV_FIN_WAIT_2;
}
/* Gives back what its queues hold; what can still be read may be kept. */
void tv_flush(struct tv_core *c, struct tv_tcb *t, bool keep_input);
/* The connection ends: CLOSED, reason, queues flushed, timers off, event told. */
void tv_end(struct tv_core *c, struct tv_tcb *t, enum tv_reason reason);
/* Hangs it into the list of those with news. */
void tv_ready_connection(struct tv_core *c, struct tv_tcb *t);
static inline void tv_tell(struct tv_core *c, struct tv_tcb *t, uint16_t events)
{
	if ((t->flags & (TV_F_SCRATCH | TV_F_RELEASED)) != 0)
		return;
	t->events |= events;
	if ((t->flags & (TV_F_IN_READY_LIST | TV_F_QUEUED)) == 0 && t->events != 0)
		tv_ready_connection(c, t);
}
/* Takes a record that is in the ready list out of it. */
void tv_untell(struct tv_core *c, uint32_t ref);
/* The first one goes; next: the one behind it. */
static inline void tv_ready_pop(struct tv_core *c, uint32_t next)
{
	c->ready_head = next;
	if (next == 0)
		c->ready_link = c->ready_tail = 0;
}
void tv_ready_push(struct tv_core *c, unsigned kind, uint32_t slot);
/* Hangs it into the list of those with wants. */
void tv_out_connection(struct tv_core *c, struct tv_tcb *t);
static inline void tv_want(struct tv_core *c, struct tv_tcb *t, uint16_t want)
{
	t->want |= want;
	if ((t->flags & (TV_F_IN_OUT_LIST | TV_F_SCRATCH | TV_F_PARKED)) == 0)
		tv_out_connection(c, t);
}
/* Takes the connection out of the list of those with wants, if it is there; its wants are forgotten. */
void tv_out_leave(struct tv_core *c, struct tv_tcb *t);
static inline void tv_want_drop(struct tv_core *c, struct tv_tcb *t)
{
	t->want = 0;
	if ((t->flags & TV_F_IN_OUT_LIST) != 0)
		tv_out_leave(c, t);
}
struct tv_busy *tv_busy_new(struct tv_core *c, struct tv_tcb *t);
/* Its record of what is in flight or out of order, a new one if it has none; NULL: no room. */
static inline struct tv_busy *tv_busy_take(struct tv_core *c, struct tv_tcb *t)
{
	return t->busy != 0 ? tv_busy(c, t) : tv_busy_new(c, t);
}
void tv_busy_release(struct tv_core *c, struct tv_tcb *t);
/* All invariants of a connection: 0, or the number of the broken one. */
int tv_tcb_check(const struct tv_core *c, const struct tv_tcb *t);

/* ---- in.c ---- */
int tv_tcp_in(struct tv_core *c, struct tv_tcb *t, const struct tv_segment *s);
/* The same without header prediction: all steps, one after the other. */
int tv_tcp_steps(struct tv_core *c, struct tv_tcb *t, const struct tv_segment *s);
/* The rest of the spine for a segment that has established the connection (tv_established()), of a record that was
 * promoted or in SYN-SENT: what the ACK acknowledges besides our SYN, text, FIN. */
int tv_tcp_take(struct tv_core *c, struct tv_tcb *t, const struct tv_segment *s);

/* ---- reply.c ---- (the rest of it: tcp/reply.h) */
static inline struct tv_reply *tv_reply_at(const struct tv_core *c, uint32_t place)
{
	return (struct tv_reply *)(void *)(tv_region(c) + c->reply_ring) + (place & (c->cfg.replies - 1));
}

/* The next place in the queue, as it was left by whoever had it; NULL: no room. */
static inline struct tv_reply *tv_reply_take(struct tv_core *c)
{
	if (TV_UNLIKELY(c->reply_tail - c->reply_head >= c->cfg.replies)) {
		c->cnt.replies_dropped++;
		return NULL;
	}
	return tv_reply_at(c, c->reply_tail++);
}

/* ---- timers.c ---- */
void tv_timer_main(struct tv_core *c, struct tv_tcb *t, tv_time after);
void tv_timer_ack(struct tv_core *c, struct tv_tcb *t, tv_time after);
void tv_timer_keep(struct tv_core *c, struct tv_tcb *t, tv_time after);
void tv_timer_life(struct tv_core *c, struct tv_tcb *t, tv_time after);
#define TV_TICKS_SOON (1 << 14)    /* a second */
static inline void tv_timers_off(struct tv_core *c, struct tv_tcb *t)
{
	t->timer.main = t->timer.ack = t->timer.keep = t->timer.life = 0;
	if (t->timer.node.where != 0 &&
	    (int32_t)(t->timer.node.at - (uint32_t)(c->now >> TV_TICK_SHIFT)) > TV_TICKS_SOON)
		tv_wheel_cancel(&c->wheel, tv_region(c), tv_conn_index(c, t));
}
/* Arms the wheel for the earliest deadline. */
void tv_timers_arm(struct tv_core *c, struct tv_tcb *t);
/* The same if it has to be earlier than the wheel knows; called when a call may have changed timers. */
static inline void tv_timers_sync(struct tv_core *c, struct tv_tcb *t)
{
	if (TV_UNLIKELY((t->flags & TV_F_TIMERS) != 0))
		tv_timers_arm(c, t);
}
void tv_timers_due(struct tv_core *c, struct tv_tcb *t);
tv_time tv_timers_next(const struct tv_core *c, const struct tv_tcb *t);
/* It cannot leave now (no next hop): its wants are forgotten, and a timer asks again. */
void tv_send_later(struct tv_core *c, struct tv_tcb *t);
/* How long to wait for an ACK: the time-out, but not beyond the user time-out. */
tv_time tv_rtx_wait(const struct tv_core *c, const struct tv_tcb *t);
/* RFC 6298 2.5, 5.5: the time-out in force, doubled for each repetition, at most the maximum. */
static inline uint64_t tv_rto_ns(const struct tv_core *c, const struct tv_tcb *t)
{
	uint64_t rto = (uint64_t)t->rtt.rto_us * TV_US;

	/* Not doubled it is at most the maximum, which is less than 2^42 ns; after 22 times it is more. */
	return TV_LIKELY(t->rtt.backoff == 0) ? rto : tv_min64(rto << tv_min32(t->rtt.backoff, 22), c->cfg.rto_max);
}
/* Restarts keepalive after something acceptable arrived, or option changes. */
void tv_keepalive_restart(struct tv_core *c, struct tv_tcb *t);

/* ---- open/ ---- */
uint32_t tv_isn(struct tv_core *c, const struct tv_key *k);
uint32_t tv_ts_offset(struct tv_core *c, const struct tv_key *k);
/* Forgets what the options of a SYN have made of ours. */
void tv_negotiate_anew(struct tv_core *c, struct tv_tcb *t);
void tv_negotiate_syn(struct tv_core *c, struct tv_tcb *t, const struct tv_tcp_options *o);
/* Payload of a full segment after a change of path MTU, peer MSS or options. */
void tv_mss_announce(const struct tv_core *c, struct tv_tcb *t);
void tv_mss_update(const struct tv_core *c, struct tv_tcb *t);
void tv_established(struct tv_core *c, struct tv_tcb *t, const struct tv_segment *s);
int tv_in_syn_sent(struct tv_core *c, struct tv_tcb *t, const struct tv_segment *s);
/* Of a SYN to a listener (LISTEN, RFC 9293 3.10.7.2) that needs no half-open record (Fast Open): fills a zeroed record
 * whose link and profile (and flags) are set. */
void tv_open_passive(struct tv_core *c, struct tv_tcb *t, const struct tv_segment *s, const struct tv_key *k);
/* listen.c */
void tv_listen_plan(struct tv_core *c, uint32_t listeners, uint64_t *end);
/* The number + 1 of the listener for this local address and port; 0: none. */
uint32_t tv_listen_find(const struct tv_core *c, const struct tv_addr *addr, uint16_t port, uint8_t zone);
/* TV_EADDRINUSE, or TV_EFULL when the ranges of all listeners need too many blocks. */
int tv_listen_add(struct tv_core *c, uint32_t index);
void tv_listen_drop(struct tv_core *c, uint32_t index);
/* An accepted question: the options that were given narrow what was negotiated. */
void tv_negotiate_answer(struct tv_core *c, struct tv_tcb *t);

/* ---- accept/ ---- (the checks: accept/accept.h) */
void tv_challenge(struct tv_core *c, struct tv_tcb *t);

/* ---- deliver/ ---- */
/* Notes that [seq, seq + len) was sent now; false: no room to remember it, so it must not be sent. */
bool tv_rtx_sent(struct tv_core *c, struct tv_tcb *t, uint32_t seq, uint32_t len);
/* Is there room to remember one more piece? */
static inline bool tv_rtx_room(struct tv_core *c, struct tv_tcb *t)
{
	struct tv_busy *b;

	if (t->busy == 0 && t->snd.una == t->snd.nxt)
		return true; /* one piece alone needs no record */
	b = tv_busy_take(c, t);
	return b != NULL && (b->flight.count != 0 || c->ranges.pool.used < c->ranges.pool.count);
}
/* Takes a cumulative ACK and SACK blocks; returns bytes newly acknowledged or SACKed. */
struct tv_acked {
	uint32_t bytes;            /* cumulatively */
	uint32_t sacked;           /* newly SACKed */
	uint32_t prior_flight;     /* bytes in flight before */
	bool dsack;                /* the peer reported a duplicate */
	bool duplicate;            /* RFC 5681's duplicate ACK */
	bool lost_more;            /* something was newly thought lost */
};
void tv_rtx_ack(struct tv_core *c, struct tv_tcb *t, const struct tv_segment *s, struct tv_acked *a);
/* Everything not SACKed is thought lost (after a time-out). */
void tv_rtx_lose_all(struct tv_core *c, struct tv_tcb *t);
/* The oldest piece is thought lost (duplicate ACKs, partial ACK). */
void tv_rtx_lose_first(struct tv_core *c, struct tv_tcb *t);
/* The next piece to be repeated: at most max bytes; false: none. */
bool tv_rtx_next_lost(struct tv_core *c, struct tv_tcb *t, uint32_t max, uint32_t *seq, uint32_t *len);
/* Notes that [seq, seq + len) was sent again now. */
void tv_rtx_repeated(struct tv_core *c, struct tv_tcb *t, uint32_t seq, uint32_t len);
/* Bytes believed to be in the network. */
static inline uint32_t tv_rtx_pipe(const struct tv_core *c, const struct tv_tcb *t)
{
	const struct tv_busy *b = tv_busy(c, t);
	uint32_t flight = t->snd.nxt - t->snd.una, gone = b != NULL ? b->sacked + b->lost : 0;

	/* Without SACK each duplicate ACK says that one segment has left the network (RFC 5681 3.2); after a
	 * time-out it may be an echo of what was sent before (RFC 6582 4.1). */
	if ((t->opt.flags & TV_O_SACK) == 0 && (t->flags & TV_F_RTO_RECOVERY) == 0)
		gone += (uint32_t)t->cc.dup_acks * t->opt.mss;
	return gone < flight ? flight - gone : 0;
}
/* Does [seq, seq + 1) lie in flight, and was nothing acknowledged since? (ICMP, RFC 5927) */
bool tv_rtx_in_flight(const struct tv_tcb *t, uint32_t seq);
/* Sequence number of the first octet of `out`. */
static inline uint32_t tv_out_seq(const struct tv_tcb *t)
{
	return t->state < TV_ESTABLISHED && t->snd.una == t->snd.iss ? t->snd.una + 1 : t->snd.una;
}
/* Sequence number behind the last octet that the user has written (where FIN goes). */
static inline uint32_t tv_out_end(const struct tv_tcb *t)
{
	return tv_out_seq(t) + t->out.len;
}
static inline bool tv_fin_sent(const struct tv_tcb *t)
{
	return (t->flags & TV_F_FIN_SENT) != 0;
}
uint32_t tv_out_sent(const struct tv_tcb *t); /* octets of `out` that were */
#define TV_RTT_MAX_US (1u << 28)  /* times 8, and with four times its variation, it still has room */
void tv_rtt_sample(struct tv_core *c, struct tv_tcb *t, uint32_t us);
void tv_rtt_init(struct tv_core *c, struct tv_tcb *t);
/* Notes text that we had already, for the next ACK (D-SACK, RFC 2883). */
void tv_duplicate_text(struct tv_core *c, struct tv_tcb *t, const struct tv_segment *s);
/* Text ahead of RCV.NXT: store, move what became contiguous into the stream, give up the last piece. */
enum tv_verdict tv_early_store(struct tv_core *c, struct tv_tcb *t, uint32_t seq, const uint8_t *text, uint32_t len);
bool tv_early_join(struct tv_core *c, struct tv_tcb *t);
/* Drops what is stored at and behind `end`, where the stream ends. */
void tv_early_clip(struct tv_core *c, struct tv_tcb *t, uint32_t end);
bool tv_early_prune(struct tv_core *c, struct tv_tcb *t);
/* RFC 9293 3.10.7.4, seventh, of some text (tcp/take.h). */
int tv_take_text_any(struct tv_core *c, struct tv_tcb *t, const struct tv_segment *s);
/* The same of text that begins at RCV.NXT and lies inside the window, of a connection without struct tv_busy and
 * struct tv_side; size: tv_largest_text(). */
enum tv_verdict tv_text_in_order(struct tv_core *c, struct tv_tcb *t, const uint8_t *text, uint32_t len, uint32_t size);
/* Fills SACK blocks (D-SACK first) for the next ACK; clears the D-SACK. */
void tv_sack_blocks(struct tv_core *c, struct tv_tcb *t, struct tv_tcp_options *o);
/* Is there anything for SACK blocks to tell? */
static inline bool tv_sack_pending(const struct tv_core *c, const struct tv_tcb *t)
{
	const struct tv_busy *b = tv_busy(c, t);

	return b != NULL && (t->opt.flags & TV_O_SACK) != 0 &&
	       (b->early.count != 0 || b->dsack_left != b->dsack_right);
}
/* What left said where we are. */
static inline void tv_ack_sent(struct tv_tcb *t)
{
	t->rcv.acked = t->rcv.nxt;
	t->timer.ack = 0;
	t->want &= (uint16_t)~TV_WANT_ACK;
	t->cc.quick = (uint8_t)(t->cc.quick - (t->cc.quick != 0));
}

/* ---- flow/ ---- */
/* What out.c shall build next. */
enum tv_xmit_kind { TV_X_NONE, TV_X_SYN, TV_X_DATA, TV_X_REPEAT, TV_X_PROBE, TV_X_KEEPALIVE, TV_X_ACK };
struct tv_xmit {
	enum tv_xmit_kind kind;
	uint32_t seq, len;         /* of text */
	uint16_t flags;
	uint16_t seg_size;         /* super-segment: payload of each; 0: one segment */
};
bool tv_send_next(struct tv_core *c, struct tv_tcb *t, uint32_t gso_bytes, struct tv_xmit *x);
void tv_send_window(struct tv_core *c, struct tv_tcb *t, const struct tv_segment *s);
void tv_cc_init(struct tv_core *c, struct tv_tcb *t);
/* An ACK that tells of progress or of trouble. */
void tv_cc_news(struct tv_core *c, struct tv_tcb *t, const struct tv_acked *a);
static inline void tv_cc_ack(struct tv_core *c, struct tv_tcb *t, const struct tv_acked *a)
{
	if (a->bytes != 0 || a->duplicate || a->sacked != 0)
		tv_cc_news(c, t, a);
}
/* The same of the ACK of all these bytes that were in flight, in no recovery. */
void tv_cc_all_acked(struct tv_tcb *t, uint32_t bytes);
/* In slow start the window grows only if it was used: so few bytes change nothing. */
TV_INLINE bool tv_cc_is_unused(const struct tv_tcb *t, uint32_t bytes)
{
	return (t->flags & TV_F_LIMITED) == 0 && t->cc.cwnd < t->cc.ssthresh &&
	       t->cc.cwnd >= 2 * tv_max32(t->cc.acked, bytes);
}
void tv_cc_rto(struct tv_core *c, struct tv_tcb *t);
/* After an idle time longer than the RTO (RFC 5681 4.1). */
void tv_cc_idle(struct tv_core *c, struct tv_tcb *t);

/* ---- path/ ---- */
void tv_pmtu_reduce(struct tv_core *c, struct tv_tcb *t, uint32_t mtu, uint32_t quoted_seq);
void tv_pmtu_set(struct tv_core *c, struct tv_tcb *t, uint32_t mtu);

/* ---- out.c ---- */
struct tv_out {
	struct tv_packet *packet;  /* its data, cap, pieces are the caller's */
	uint32_t head;             /* bytes of link header to leave free */
	uint32_t gso_bytes;
	bool csum_partial, gather;
};
/* Builds the next segment of this connection; false: nothing to say now. */
bool tv_tcp_out(struct tv_core *c, struct tv_tcb *t, const struct tv_out *o);
void tv_reply_build(struct tv_core *c, const struct tv_reply *r, const struct tv_out *o);
/* The mould of what this reply says, which has no Fast Open cookie. */
void tv_mould_make(struct tv_core *c, const struct tv_reply *r, struct tv_mould *m);
/* The replies at the head of the queue that say what the mould of the first says, at most `most` (at least 1) of
 * those that are there: the same packets as tv_reply_build() makes, without link header, with their checksums.
 * Returns how many, which have left the queue. */
unsigned tv_mould_cast(struct tv_core *c, const struct tv_mould *m, struct tv_packet *packets, unsigned most);

/* ---- user.c ---- (the calls of trivet.h on one connection) */
int64_t tv_user_send(struct tv_core *c, struct tv_tcb *t, const uint8_t *data, size_t len, unsigned flags);
int64_t tv_user_receive(struct tv_core *c, struct tv_tcb *t, uint8_t *data, size_t len, unsigned flags);
int64_t tv_user_consume(struct tv_core *c, struct tv_tcb *t, size_t bytes);
/* tv_send() could not take all: tells when there is room, or looks again soon when there are no pages. */
void tv_write_room(struct tv_core *c, struct tv_tcb *t);
int tv_user_shutdown(struct tv_core *c, struct tv_tcb *t);
int tv_user_close(struct tv_core *c, struct tv_tcb *t);
int tv_user_abort(struct tv_core *c, struct tv_tcb *t, enum tv_reason reason);
void tv_user_info(const struct tv_core *c, const struct tv_tcb *t, struct tv_info *info);

#endif
