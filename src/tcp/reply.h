/*
 * reply.h - what is said without a connection: RST, the ACK or SYN-ACK of a small record, ICMP, ARP, as the
 * entries of a queue (reply.c).
 *
 * What a reply says whoever asked is sixteen bytes of it. In a flood one reply after the other says the
 * same; then the first makes a mould, and only ends, numbers and timestamps are filled in for each of them.
 */
#ifndef TV_TCP_REPLY_H
#define TV_TCP_REPLY_H

#include "base/key.h"

struct tv_core;
struct tv_segment;
struct tv_tcb;

/* A packet that no connection sends. */
struct tv_reply {
	struct tv_key key; /* of a packet that is not TCP: who it is for is the remote end */
	uint32_t seq, ack;
	uint32_t ts_val, ts_ecr;
	union {
		struct {
			uint16_t flags;            /* TCP flags; 0: not TCP */
			uint16_t wnd, mss;
			uint8_t has;               /* TV_OPT_HAS_ of what is sent */
			uint8_t wscale, ttl, tos, link;
			uint8_t kind;              /* TV_REPLY_ */
			bool v6;                   /* as in the key */
			bool limited;              /* an answer to a stranger: counts against rates */
			bool frame;                /* TV_REPLY_PACKET: begins with a link header */
			bool cookie_exp;           /* its Fast Open cookie goes in option kind 254 */
		};
		uint64_t said[2];
	};
	uint32_t page;             /* ICMP, ARP, ND: the packet's own bytes (base/pages.h); 0: none */
};
enum { TV_REPLY_TCP, TV_REPLY_PACKET };

/* Do both say the same, but for ends, numbers and timestamps? */
static inline bool tv_reply_is_like(const struct tv_reply *a, const struct tv_reply *b)
{
	return a->said[0] == b->said[0] && a->said[1] == b->said[1];
}

/* A packet that is ready but for what differs, and its sums without it (out.c). */
#define TV_MOULD_V4 64
#define TV_MOULD_V6 80
struct tv_mould {
	uint64_t ip_sum, tcp_sum;
	uint16_t len;
	uint8_t link;
	uint8_t stamps_at;         /* where in the TCP header the timestamps are; 0: none */
	bool v6;
	uint8_t bytes[TV_MOULD_V6];
};

/* Begins one for the ends of this key over this link. */
static inline void tv_reply_blank(struct tv_reply *r, const struct tv_key *key, uint8_t link)
{
	memset(r, 0, sizeof *r);
	tv_key_load(&r->key, key->b, key->b + TV_KEY_HEAD, key->v6, key->zone);
	r->link = link;
	r->v6 = key->v6;
}
/* The same in a place of the queue; NULL: no room. */
struct tv_reply *tv_reply_new(struct tv_core *c, const struct tv_key *key, uint8_t link);
/* RST in answer to a segment without a connection (RFC 9293 3.10.7.1), never to a RST. */
void tv_reply_rst(struct tv_core *c, const struct tv_segment *s);
/* The RST of an abort (RFC 9293 3.10.5). */
void tv_reply_abort(struct tv_core *c, const struct tv_tcb *t);
/* The ACK that a scratch record wants. */
void tv_reply_scratch(struct tv_core *c, const struct tv_tcb *t, const struct tv_key *key);

#endif
