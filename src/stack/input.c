/*
 * input.c - packets in.
 *
 * Input goes over a batch in three passes: recognise and sum the headers and hash the tuples, fetching the index
 * slots; look the slots up, fetching the records; process in order. With many connections this is what
 * makes a look-up cost one memory access instead of a chain of them. A batch of long packets ends early, so
 * that what was summed in the first pass is still near when the third copies it.
 *
 * Of a plain acknowledgment (wire/plain.h), which most packets are, the first pass keeps no more than the hash: when it
 * is its turn, its fields are read and compared with what its connection expects next (stack/predicted.h).
 */
#include "stack/predicted.h"
#include "tcp/open/open.h"
#include "wire/eth.h"
#include "wire/plain.h"

#define BATCH 32u
#define BATCH_BYTES 12288u         /* a part of what lies nearest to a processor */

enum { IS_OTHER, IS_ARP, IS_TCP, IS_SYN, IS_PLAIN };

struct parsed {
	uint64_t hash;
	struct tv_tcb *conn;       /* of what is IS_PLAIN: the record that the index named first; NULL: none */
	uint32_t ref, l3_len;
	const uint8_t *l3;         /* of what is neither IS_PLAIN nor IS_SYN: these fill their packets */
	uint8_t what;              /* IS_ */
	uint8_t verdict;           /* of what is not TCP */
	struct tv_segment seg;     /* of what is TCP, but for IS_PLAIN, whose packet is read when it is its turn */
	struct tv_ip ip;           /* of what is not TCP, or not plain */
};

/* Over this link, with these flags, plain segments come as they are. */
struct way_in {
	uint64_t of;               /* link and flags; UINT64_MAX: none yet */
	const struct tv_link *link;
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

/* The hash of its tuple is how the index knows a segment; its slot there, from `area` on, is fetched. */
TV_INLINE void name(struct parsed *r, uint64_t hash, const struct tv_probe *area)
{
	r->hash = hash;
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
	name(r, tv_key_hash(&r->seg.key, &s->seed), area);
}

static inline uint32_t link_and_flags(const struct tv_packet *p)
{
	return (uint32_t)p->flags << 16 | p->link;
}

/* A packet over another link than the one before, or with other flags. False: it was read, and plain segments are not
 * looked for: it has a link header, its checksum is vouched for, or a new address has to be asked for. */
static TV_APART bool comes_anew(struct tv_stack *s, struct way_in *in, const struct tv_packet *p, struct parsed *r,
                                const struct tv_probe *area, bool inside)
{
	in->of = UINT64_MAX;
	if (p->link >= s->link_count && !inside) {
		*r = (struct parsed){.l3 = p->data, .verdict = TV_V_BAD_METADATA};
		return false;
	}
	in->link = tv_link_at(s, p->link);
	if (in->link->kind == TV_LINK_ETHERNET || p->flags != 0 || s->address_late) {
		parse_other(s, in->link, p, r, area);
		return false;
	}
	in->of = link_and_flags(p);
	return true;
}

/* What is no plain acknowledgment, over a link where that is possible. */
static TV_APART void parse_rare(struct tv_stack *s, const struct way_in *in, const struct tv_packet *p,
                                struct parsed *r, const struct tv_probe *area)
{
	if (p->seg_size != 0 || !tv_plain_is_syn(p->data, p->len, false, &s->core.cfg.arch)) {
		parse_other(s, in->link, p, r, area);
		return;
	}
	r->what = IS_SYN;
	tv_plain_read_syn(&r->seg, p->data);
	r->seg.link = (uint8_t)p->link;
	name(r, tv_key_hash(&r->seg.key, &s->seed), area);
}

/* First pass: bytes to values, or at least to a hash. */
static inline void parse(struct tv_stack *s, const struct way_in *in, const struct tv_packet *p, struct parsed *r,
                         const struct tv_probe *area)
{
	const uint8_t *data = p->data;

	if (TV_UNLIKELY(p->seg_size != 0 || !tv_plain_is_ack(data, p->len, false, &s->core.cfg.arch))) {
		parse_rare(s, in, p, r, area);
		return;
	}
	name(r, tv_key_hash_arrived_v4(data + 12, data + 20, &s->seed), area);
	r->what = IS_PLAIN;
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

	if (r->what < IS_SYN) {
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
	struct way_in in = {.of = UINT64_MAX};
	struct parsed *r = parsed;
	struct tv_probe area;
	uint64_t bytes = 0;

	tv_probe_area(&area, &s->index, tv_region(&s->core), s->index.live);
	for (; p < packets + n && bytes < BATCH_BYTES; p++, r++) {
		bytes += p->len;
		if (TV_UNLIKELY(link_and_flags(p) != in.of) && !comes_anew(s, &in, p, r, &area, inside))
			continue;
		parse(s, &in, p, r, &area);
	}
	n = (unsigned)(p - packets);
	cnt->bytes_in += bytes;
	cnt->packets_in += n;
	for (const struct parsed *end = r; parsed < end; parsed++)
		fetch(&s->core, parsed, &area);
	return n;
}

/* What plain segments are most often; false: nothing was done. */
TV_INLINE bool expected_in(struct tv_stack *s, const struct tv_packet *p, struct tv_tcb *t, enum tv_verdict *v)
{
	struct tv_segment seg;

	tv_plain_read_ack(&seg, p->data, p->len);
	seg.link = (uint8_t)p->link;
	if (!tv_conn_expects(t, &seg))
		return false;
	*v = tv_conn_in(s, t, &seg);
	return true;
}

/* Third pass. */
TV_INLINE enum tv_verdict process(struct tv_stack *s, struct tv_door *door, const struct tv_packet *p, struct parsed *r)
{
	enum tv_verdict v;

	if (TV_LIKELY(r->conn != NULL && expected_in(s, p, r->conn, &v)))
		return v;
	if (TV_UNLIKELY(r->what < IS_TCP))
		return not_tcp(s, p, r);
	if (r->what == IS_PLAIN) {
		tv_plain_read_ack(&r->seg, p->data, p->len);
		r->seg.link = (uint8_t)p->link;
	}
	if (r->ref == 0 && (r->seg.flags & (TV_SYN | TV_ACK | TV_RST | TV_FIN)) == TV_SYN)
		return tv_syn_in(s, door, &r->seg, r->hash);
	if (r->ref == 0 && (r->seg.flags & (TV_SYN | TV_ACK | TV_RST)) == TV_ACK)
		return tv_door_in(s, door, &r->seg, r->hash);
	return tv_demux(s, &r->seg, r->hash, r->ref);
}

/* The first of n, at least one; returns how many. */
static unsigned batch_in(struct tv_stack *s, const struct tv_packet *packets, unsigned n, uint8_t *verdicts,
                         bool inside)
{
	bool traced = s->core.cfg.trace != NULL, told = traced || verdicts != NULL;
	struct parsed parsed[BATCH], *r = parsed;
	struct tv_door door;

	tv_door_begin(s, &door);
	n = look_up(s, packets, tv_min32(n, BATCH), parsed, inside);
	for (const struct tv_packet *p = packets, *end = p + n; p < end; p++, r++) {
		enum tv_verdict v = process(s, &door, p, r);

		s->core.cnt.verdicts[v]++;
		if (TV_LIKELY(!told))
			continue;
		if (traced)
			trace_in(s, p, r, v);
		if (verdicts != NULL)
			verdicts[p - packets] = (uint8_t)v;
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
