/*
 * io.c - packets in and out, and when to be called next.
 *
 * Input goes over a batch in three passes: read the headers and hash the tuples, fetching the index
 * slots; look the slots up, fetching the records; process in order. With many connections this is what
 * makes a look-up cost one memory access instead of a chain of them. A batch of long packets ends early, so
 * that what was summed in the first pass is still near when the third copies it.
 *
 * Output runs what is due (at most the timer budget), then fills packets: neighbour requests, replies
 * (at most half of the room while connections wait), connections in turn, 16 packets at most each. What
 * is for one of our own addresses is built into a buffer of the stack and taken in at once.
 */
#include "stack/evict.h"
#include "stack/predicted.h"
#include "tcp/open/open.h"
#include "tcp/out.h"
#include "wire/eth.h"
#include "wire/plain.h"

#define BATCH 32u
#define BATCH_BYTES 12288u         /* a part of what lies nearest to a processor */
#define TURN 16u

enum { IS_OTHER, IS_ARP, IS_TCP, IS_PLAIN };

struct parsed {
	struct tv_segment seg;
	uint64_t hash;
	struct tv_tcb *conn;       /* of what is IS_PLAIN: the record that the index named first; NULL: none */
	const uint8_t *l3;         /* of what is not IS_PLAIN: that fills its packet */
	uint32_t l3_len, ref;
	uint8_t what;              /* IS_ */
	uint8_t verdict;           /* of what is not TCP */
	struct tv_ip ip;           /* of what is not a plain segment */
};

/* What is not a plain segment (wire/segment.h), or is a bad one; false: not a good segment either. */
static TV_APART bool parse_any(const struct tv_stack *s, const struct tv_packet *p, struct parsed *r)
{
	enum tv_verdict v = tv_ip_parse(&r->ip, r->l3, r->l3_len);

	r->verdict = (uint8_t)v;
	if (v != TV_V_OK)
		return false;
	if (r->ip.protocol == TV_PROTO_TCP) {
		v = tv_segment_parse(&r->seg, &r->ip, p->flags, p->seg_size, s->core.cfg.arch);
		if (v == TV_V_OK)
			return true; /* tv_demux() looks at the addresses */
		r->verdict = (uint8_t)v;
	}
	v = tv_check_addresses(s, &r->ip.src, &r->ip.dst, r->ip.protocol, p->link);
	if (v != TV_V_OK)
		r->verdict = (uint8_t)v;
	return false;
}

/* Takes the header of a frame off; false: it is not for us, or no IP. */
static TV_APART bool unframe(const struct tv_link *l, const struct tv_packet *p, struct parsed *r)
{
	struct tv_eth e;
	enum tv_verdict v = tv_eth_parse(&e, p->data, p->len);

	r->verdict = (uint8_t)v;
	if (v != TV_V_OK)
		return false;
	r->l3 += e.header_len;
	r->l3_len -= e.header_len;
	if (e.type == TV_ETH_ARP) {
		r->what = IS_ARP;
		return false;
	}
	r->verdict = TV_V_NOT_OURS;
	return memcmp(e.dst, l->mac, 6) == 0 || tv_mac_is_group(e.dst);
}

/* The tuple of a segment as the index knows it; its slot there, from `area` on, is fetched. */
TV_INLINE void name(const struct tv_stack *s, struct parsed *r, const struct tv_probe *area)
{
	r->hash = tv_key_hash(&r->seg.key, &s->seed);
	__builtin_prefetch(tv_probe_home(area, r->hash));
}

/* What does not begin with a plain segment. */
static TV_APART void parse_other(struct tv_stack *s, const struct tv_link *l, const struct tv_packet *p,
                                 struct parsed *r, const struct tv_probe *area)
{
	r->l3 = p->data;
	r->l3_len = p->len;
	r->what = IS_OTHER;
	if (l->kind == TV_LINK_ETHERNET && !unframe(l, p, r))
		return;
	if (!tv_segment_parse_plain(&r->seg, r->l3, r->l3_len, p->flags, p->seg_size, s->core.cfg.arch) &&
	    !parse_any(s, p, r))
		return;
	r->seg.link = (uint8_t)p->link;
	if (r->seg.key.v6 && tv_key_from_link_local(&r->seg.key))
		r->seg.key.zone = l->zone;
	r->what = IS_TCP;
	name(s, r, area);
}

/* First pass: bytes to values. */
static inline void parse(struct tv_stack *s, const struct tv_link *l, const struct tv_packet *p, struct parsed *r,
                         const struct tv_probe *area)
{
	if (TV_UNLIKELY(l->kind == TV_LINK_ETHERNET ||
	                !tv_segment_is_plain(&r->seg, p->data, p->len, p->flags, p->seg_size, &s->core.cfg.arch))) {
		parse_other(s, l, p, r, area);
		return;
	}
	r->what = IS_PLAIN;
	r->seg.link = (uint8_t)p->link;
	name(s, r, area);
}

/* Second pass: the record that the index names is fetched. */
static inline void fetch(struct tv_core *c, struct parsed *r, const struct tv_probe *area)
{
	uint32_t ref, slot;

	r->conn = NULL;
	if (TV_UNLIKELY(r->what < IS_TCP))
		return;
	r->ref = ref = tv_probe_first(area, r->hash);
	slot = ref & ((1u << TV_REF_SLOT_BITS) - 1);
	if (TV_LIKELY(ref >> TV_REF_SLOT_BITS == TV_KIND_CONN)) {
		tv_conn_fetch(tv_conn_at(c, slot));
		if (TV_LIKELY(r->what == IS_PLAIN))
			r->conn = tv_conn(c, slot);
	} else if (ref >> TV_REF_SLOT_BITS == TV_KIND_HALF) {
		__builtin_prefetch(tv_half_at(c, slot));
	} else if (ref >> TV_REF_SLOT_BITS == TV_KIND_WAIT) {
		__builtin_prefetch(tv_wait_at(c, slot));
	}
}

static TV_APART enum tv_verdict not_tcp(struct tv_stack *s, const struct tv_packet *p, const struct parsed *r)
{
	if (r->what == IS_ARP)
		return tv_arp_in(s, p->link, r->l3, r->l3_len);
	if (r->verdict != TV_V_OK)
		return (enum tv_verdict)r->verdict;
	if (r->ip.protocol == (r->ip.v6 ? TV_PROTO_ICMP6 : TV_PROTO_ICMP))
		return tv_icmp_in(s, p->link, &r->ip);
	if (r->ip.protocol == TV_PROTO_UDP)
		return tv_udp_in(s, p->link, &r->ip, r->l3, r->l3_len);
	return TV_V_UNKNOWN_PROTOCOL;
}

static TV_APART void trace_in(const struct tv_stack *s, const struct tv_packet *p, const struct parsed *r,
                              enum tv_verdict v)
{
	struct tv_trace trace = {
		.kind = TV_TRACE_IN, .now = s->core.now, .ip = p->data, .len = p->len, .verdict = v};

	if (r->what != IS_PLAIN) {
		trace.ip = r->l3;
		trace.len = r->l3_len;
	}
	s->core.cfg.trace(s->core.cfg.trace_user, &trace);
}

/* Passes one and two over the first of n; returns how many. inside: from tv_loop_in(), over the link that nobody
 * outside can name. */
static TV_APART unsigned look_up(struct tv_stack *s, const struct tv_packet *packets, unsigned n,
                                 struct parsed *parsed, bool inside)
{
	struct tv_counters *cnt = &s->core.cnt;
	const struct tv_packet *p = packets;
	const struct tv_link *l = NULL;
	struct parsed *r = parsed;
	uint32_t link = UINT32_MAX;
	struct tv_probe area;
	uint64_t bytes = 0;

	tv_probe_area(&area, &s->index, tv_region(&s->core), s->index.live);
	for (; p < packets + n && bytes < BATCH_BYTES; p++, r++) {
		bytes += p->len;
		if (TV_UNLIKELY(p->link != link)) {
			if (p->link >= s->link_count && !inside) {
				*r = (struct parsed){.l3 = p->data, .verdict = TV_V_BAD_METADATA};
				continue;
			}
			link = p->link;
			l = tv_link_at(s, link);
		}
		parse(s, l, p, r, &area);
	}
	n = (unsigned)(p - packets);
	cnt->bytes_in += bytes;
	cnt->packets_in += n;
	for (const struct parsed *end = r; parsed < end; parsed++)
		fetch(&s->core, parsed, &area);
	return n;
}

/* The first of n, at least one; returns how many. */
static unsigned batch_in(struct tv_stack *s, const struct tv_packet *packets, unsigned n, uint8_t *verdicts,
                         bool inside)
{
	struct parsed parsed[BATCH], *r = parsed;
	bool traced = s->core.cfg.trace != NULL;
	struct tv_door door;

	tv_door_begin(s, &door);
	n = look_up(s, packets, tv_min32(n, BATCH), parsed, inside);
	for (unsigned i = 0; i < n; i++, r++) {
		enum tv_verdict v;

		if (TV_LIKELY(r->conn != NULL && tv_conn_expects(s, r->conn, &r->seg)))
			v = tv_conn_in(s, r->conn, &r->seg);
		else if (TV_UNLIKELY(r->what < IS_TCP))
			v = not_tcp(s, &packets[i], r);
		else if (r->ref == 0 && (r->seg.flags & (TV_SYN | TV_ACK | TV_RST | TV_FIN)) == TV_SYN)
			v = tv_syn_in(s, &door, &r->seg, r->hash);
		else if (r->ref == 0 && (r->seg.flags & (TV_SYN | TV_ACK | TV_RST)) == TV_ACK)
			v = tv_door_in(s, &door, &r->seg, r->hash);
		else
			v = tv_demux(s, &r->seg, r->hash, r->ref);
		s->core.cnt.verdicts[v]++;
		if (TV_UNLIKELY(traced))
			trace_in(s, &packets[i], r, v);
		if (verdicts != NULL)
			verdicts[i] = (uint8_t)v;
	}
	if (s->core.cookies.count != 0)
		tv_cookies_seal(&s->core);
	return n;
}

void tv_input(struct tv_stack *s, tv_time now, const struct tv_packet *packets, unsigned n, uint8_t *verdicts)
{
	tv_stack_now(s, now);
	tv_index_step(s); /* a move ends also where nothing is added any more */
	for (unsigned i = 0; i < n;)
		i += batch_in(s, packets + i, n - i, verdicts == NULL ? NULL : verdicts + i, false);
}

void tv_loop_in(struct tv_stack *s, const struct tv_packet *built)
{
	struct tv_packet p = *built;

	p.link = (uint16_t)tv_loop_link(s);
	p.seg_size = 0;
	p.flags = TV_PKT_CSUM_OK;
	s->core.cnt.looped++;
	batch_in(s, &p, 1, NULL, true);
}

void tv_trace_out(const struct tv_stack *s, const struct tv_tcb *t, const struct tv_packet *p, uint32_t head)
{
	struct tv_trace trace = {
		.kind = TV_TRACE_OUT, .now = s->core.now, .ip = p->data + head, .len = p->len - head};

	if (t != NULL)
		trace.handle = tv_handle_make(TV_KIND_CONN, t->gen, tv_conn_index(&s->core, t));
	s->core.cfg.trace(s->core.cfg.trace_user, &trace);
}

/* Timers of all kinds, at most the budget. */
static void run_timers(struct tv_stack *s)
{
	struct tv_core *c = &s->core;
	uint32_t budget = c->cfg.timer_budget, i, due[BATCH];
	unsigned n;
	uint64_t tick = c->now >> TV_TICK_SHIFT;

	do {
		n = 0;
		while (n < BATCH && (i = tv_wheel_pop(&c->wheel, tv_region(c), tick, &budget)) != TV_NONE) {
			tv_conn_fetch(tv_conn(c, i));
			due[n++] = i;
		}
		for (unsigned k = 0; k < n; k++) {
			tv_timers_due(c, tv_conn(c, due[k]));
			tv_settle(s, tv_conn(c, due[k]));
		}
		c->cnt.timers_run += n;
	} while (n != 0);
	while ((i = tv_half_due(c, &budget)) != TV_NONE) {
		bool held = (tv_half_at(c, i)->flags & TV_H_HELD) != 0;

		c->cnt.reasons[held ? TV_R_QUESTION_TIMEOUT : TV_R_SYN_ACK_TIMEOUT]++;
		c->cnt.attempts_failed++;
		tv_half_free(s, i);
	}
	while (c->wait_fifo.head != 0 && budget != 0 &&
	       (int32_t)((uint32_t)tick - tv_wait_at(c, c->wait_fifo.head - 1)->at) >= 0) {
		budget--;
		c->cnt.timers_run++;
		c->cnt.reasons[TV_R_NORMAL]++;
		tv_wait_free(s, c->wait_fifo.head - 1);
	}
	tv_neighbour_due(s, &budget);
	tv_flood_due(c);
	tv_evict_for_pages(s);
}

/* How packets are built for this link. */
static struct tv_out way_out(const struct tv_stack *s, unsigned link)
{
	const struct tv_link *l = tv_link_at(s, link);

	return (struct tv_out){.head = l->kind == TV_LINK_ETHERNET ? TV_ETH_HEADER : 0, .gso_bytes = l->gso_bytes,
	                       .csum_partial = l->csum_offload, .gather = l->gather};
}

/* Writes the link header of a packet of a connection; false: not now. */
static TV_APART bool link_header(struct tv_stack *s, struct tv_tcb *t, struct tv_packet *p)
{
	struct tv_core *c = &s->core;
	struct tv_endpoint remote;
	enum tv_hop_result r;
	struct tv_key k;
	bool parked;

	tv_tcb_key(c, t, &k);
	tv_key_remote(&k, &remote);
	r = tv_hop_header(s, t->link, &remote.addr, p->data, (t->flags & TV_F_FORWARD) != 0, &parked);
	t->flags &= ~(uint32_t)TV_F_FORWARD;
	if (r == TV_HOP_WAIT) {
		uint16_t want = t->want;

		tv_want_drop(c, t);
		t->want = want;
		t->flags |= TV_F_PARKED;
		s->parked++;
	} else if (r == TV_HOP_NONE) {
		tv_send_later(c, t); /* no route any more, or no room to ask */
	}
	return r == TV_HOP_READY;
}

/* A packet leaves. */
static inline void leaves(struct tv_core *c, struct tv_packet *p)
{
	c->cnt.bytes_out += p->len;
	for (unsigned i = 0; i < p->piece_count; i++) c->cnt.bytes_out += p->pieces[i].len;
	p->time = c->now;
}

/* Builds one packet of a connection that has wants; false: it has nothing to say, or has to wait. */
static TV_APART bool connection_out(struct tv_stack *s, struct tv_tcb *t, struct tv_out *out, struct tv_packet *p)
{
	struct tv_core *c = &s->core;

	if (TV_UNLIKELY(out->head != 0) && !link_header(s, t, p))
		return false;
	p->link = t->link;
	out->packet = p;
	if (!tv_tcp_out(c, t, out))
		return false;
	if (TV_UNLIKELY(c->cfg.trace != NULL))
		tv_trace_out(s, t, p, out->head);
	return true;
}

/* The same of a plain segment (tcp/out.h) over a link that it can be built for at once. */
TV_INLINE bool plain_out(struct tv_core *c, struct tv_tcb *t, bool csum_partial, struct tv_packet *p)
{
	if (!tv_out_plain(c, t, p, csum_partial))
		return false;
	p->link = t->link;
	p->time = c->now;
	c->cnt.bytes_out += p->len; /* there are no pieces */
	return true;
}

/* Is there one more packet to be filled? */
static inline bool room(const struct tv_packet *p, const struct tv_packet *end)
{
	return p != end && p->cap >= TV_PACKET_MIN;
}

/* The connection at the head of the list leaves it, its wants with it; at its end it goes if it has more to say. */
static inline struct tv_tcb *next_speaker(struct tv_core *c)
{
	struct tv_tcb *t = tv_conn(c, c->out_head - 1);

	c->out_head = t->out_next; /* whose link back is stale now (tv_want_drop) */
	if (t->out_next == 0)
		c->out_tail = 0;
	t->flags &= ~(uint32_t)TV_F_IN_OUT_LIST;
	return t;
}

static TV_APART bool loop_out(struct tv_stack *s, struct tv_tcb *t)
{
	struct tv_packet p = {.data = tv_region(&s->core) + s->loop_buffer, .cap = s->core.link_mtu[tv_loop_link(s)]};
	struct tv_out out = way_out(s, t->link);
	unsigned n = 0;

	while (n < TURN && t->want != 0 && connection_out(s, t, &out, &p)) {
		tv_loop_in(s, &p);
		n++;
	}
	return n == TURN;
}

/* A turn of speakers: which link the last one has spoken over, and how. */
struct turn {
	struct tv_out out;
	uint32_t over;             /* TV_NONE: none yet; never the pseudo-link */
	bool plain;                /* no link header, no pieces, and nobody observes */
	uint32_t passed;           /* number + 1 of the first that was passed by */
	const struct tv_packet *at; /* the packet that was to be filled when it was its turn last */
};

/* One whose link is not that of the one before. False: it has no turn now; it had it, within the stack, or its
 * link is not asked. */
static TV_APART bool other_link(struct tv_stack *s, struct tv_tcb *t, uint32_t link, struct turn *turn)
{
	bool loop = t->link == tv_loop_link(s);

	if (!loop && (link == TV_ANY_LINK || link == t->link)) {
		turn->out = way_out(s, turn->over = t->link);
		turn->plain = turn->out.head == 0 && !turn->out.gather && s->core.cfg.trace == NULL;
		return true;
	}
	if (!loop && (turn->passed == 0 || (tv_conn(&s->core, turn->passed - 1)->flags & TV_F_IN_OUT_LIST) == 0))
		turn->passed = tv_conn_index(&s->core, t) + 1; /* or the first has gone since */
	if ((!loop || loop_out(s, t)) && t->want != 0)
		tv_want(&s->core, t, 0);
	tv_settle(s, t);
	return false;
}

/* The connection that has just spoken has more to say: the rest of its turn. Returns the first packet not filled. */
static TV_APART struct tv_packet *speaks_on(struct tv_stack *s, struct tv_tcb *t, struct tv_out *out,
                                            struct tv_packet *p, const struct tv_packet *end)
{
	const struct tv_packet *last = p + TURN - 1;
	bool more = true;

	while (t->want != 0 && p != last && room(p, end) && (more = connection_out(s, t, out, p)))
		leaves(&s->core, p++);
	if (t->want != 0 && more)
		tv_want(&s->core, t, 0);
	return p;
}

/* Connections in turn; returns how many packets were filled. */
static unsigned speakers_out(struct tv_stack *s, uint32_t link, struct tv_packet *packets, unsigned cap)
{
	struct tv_core *c = &s->core;
	struct turn turn = {.over = TV_NONE, .at = packets};
	struct tv_packet *p = packets, *end = packets + cap;

	while (c->out_head != 0 && room(p, end)) {
		struct tv_tcb *t;

		if (TV_UNLIKELY(c->out_head == turn.passed)) {
			if (p == turn.at)
				break; /* all that are left are for other links */
			turn.at = p;
		}
		t = next_speaker(c);
		if (TV_UNLIKELY(t->link != turn.over) && !other_link(s, t, link, &turn))
			continue;
		if (TV_LIKELY(turn.plain && t->want != 0) && plain_out(c, t, turn.out.csum_partial, p)) {
			p++;
		} else if (t->want != 0 && connection_out(s, t, &turn.out, p)) {
			leaves(c, p++);
			if (t->want != 0)
				p = speaks_on(s, t, &turn.out, p, end);
		}
		tv_settle(s, t);
	}
	return (unsigned)(p - packets);
}

/* Replies, at most cap; returns how many. */
static TV_APART unsigned replies_out(struct tv_stack *s, uint32_t link, struct tv_packet *packets, unsigned cap)
{
	const struct tv_packet *p = packets, *end = p + tv_min32(cap, s->core.reply_tail - s->core.reply_head);
	unsigned n;

	while (room(p, end)) p++;
	n = tv_replies_out(s, link, packets, (unsigned)(p - packets));
	for (unsigned i = 0; i < n; i++) leaves(&s->core, &packets[i]);
	return n;
}

unsigned tv_output(struct tv_stack *s, tv_time now, uint32_t link, struct tv_packet *packets, unsigned cap)
{
	struct tv_core *c = &s->core;
	tv_time before;
	unsigned n = 0;

	do { /* a jump of hours is taken in steps (tv_stack_now) */
		before = c->now;
		tv_stack_now(s, now);
		run_timers(s);
	} while (TV_UNLIKELY(c->now < now) && c->now != before);
	while (room(packets + n, packets + cap) && tv_neighbour_out(s, link, &packets[n])) leaves(c, &packets[n++]);
	if (tv_replies_waiting(s))
		n += replies_out(s, link, packets + n, c->out_head != 0 ? (cap - n + 1) / 2 : cap - n);
	if (c->out_head != 0)
		n += speakers_out(s, link, packets + n, cap - n);
	if (n < cap && tv_replies_waiting(s))
		n += replies_out(s, link, packets + n, cap - n);
	c->cnt.packets_out += n;
	return n;
}

tv_time tv_deadline(const struct tv_stack *s)
{
	const struct tv_core *c = &s->core;
	uint64_t tick;
	tv_time next, at;

	if (c->out_head != 0 || tv_replies_waiting(s) || s->neighbour_asks != 0)
		return c->now;
	tick = tv_wheel_next(&c->wheel, tv_region(c));
	next = tick == UINT64_MAX ? TV_NEVER : tick << TV_TICK_SHIFT;
	next = tv_min64(next, tv_half_next(c));
	if (c->floods != 0)
		next = tv_min64(next, c->flood_at);
	if (c->wait_fifo.head != 0) {
		uint64_t now = c->now >> TV_TICK_SHIFT;
		int32_t wait = (int32_t)(tv_wait_at(c, c->wait_fifo.head - 1)->at - (uint32_t)now);

		at = (now + (uint64_t)(int64_t)wait) << TV_TICK_SHIFT;
		next = tv_min64(next, at);
	}
	return tv_min64(next, tv_neighbour_next(s));
}
