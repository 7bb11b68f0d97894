/*
 * tracker.h - follows every connection and attempt in a stream of captured packets.
 *
 * A connection holds facts, each with the packet that showed it; what they mean is for verdict.c.
 * Memory is bounded: a connection costs at most 1 KB, and there are at most so many at once; when one
 * more begins, the one that was silent for longest is handed to on_leave and forgotten.
 */
#ifndef TRIVET_DIAGNOSE_TRACKER_H
#define TRIVET_DIAGNOSE_TRACKER_H

#include "diagnose/packet.h"

/* A packet that showed something; number 0: it was never seen. */
struct mark {
	uint32_t time_low, time_high;  /* apart, so that it takes 12 bytes and not 16 */
	uint32_t number;
};

static inline bool seen(const struct mark *m)
{
	return m->number != 0;
}

static inline tv_time mark_time(const struct mark *m)
{
	return (tv_time)m->time_high << 32 | m->time_low;
}

static inline struct mark mark_at(tv_time time, uint64_t number)
{
	return (struct mark){(uint32_t)time, (uint32_t)(time >> 32), (uint32_t)number};
}

enum { REPEAT_MARKS = 2, ICMP_MARKS = 3 };

/* What one end sent. */
struct side {
	struct mark last;              /* its last packet */
	uint32_t packets;
	/* its SYN, or SYN,ACK */
	struct mark syn;
	struct mark syn_answer;        /* its SYN,ACK, if it had opened as well */
	struct mark syn_again[REPEAT_MARKS]; /* the first repeat, and the last one */
	uint16_t syn_count;
	uint32_t isn, syn_ack;         /* syn_ack: what its SYN,ACK acknowledged */
	uint32_t syn_ts, syn_echo; /* TSval of its first SYN; TSecr of its SYN,ACK or final ACK */
	uint16_t syn_len, syn_again_len; /* text in the first SYN, and in its first repeat */
	uint16_t has;                  /* TV_OPT_HAS_*, of the SYN */
	uint16_t syn_wnd;
	uint16_t mss;
	uint8_t wscale, nops, cookie_len;
	uint8_t crawls;                /* segments exactly as long as the other's window field says, unscaled */
	bool syn_seen : 1, syn_is_answer : 1, options_cut : 1, syn_options_few : 1;
	bool next_known : 1, acked_known : 1;
	uint32_t next;                 /* behind the last byte that it sent */
	uint32_t acked;                /* behind the last byte that the other acknowledged */
	uint32_t sent_ack;             /* the last acknowledgment number that it sent */
	/* text */
	uint64_t bytes;                /* new ones */
	struct mark data, data_last;   /* the first and the last new segment with text */
	struct mark data_acked;        /* the first packet of the other that acknowledged text of this one */
	uint32_t len_max;              /* longest segment */
	uint32_t acked_len_max;        /* longest of which the other had acknowledged the end */
	/* not acknowledged, the oldest of it */
	struct mark out;               /* when it was sent first */
	struct mark out_before;        /* the last packet of either end before that */
	struct mark out_again, out_again_last;
	uint32_t out_seq, out_len, out_again_count;
	bool out_shrunk;               /* a repeat was shorter than the first */
	uint32_t again_count;          /* repeats in all */
	/* a jump in its sequence numbers that nothing filled */
	struct mark hole, hole_before;
	uint32_t hole_from, hole_to;
	/* end */
	struct mark fin, fin_acked, rst;
	uint32_t fin_seq, rst_seq, rst_ack;
	uint16_t rst_count;
	bool rst_has_ack;
	uint8_t rst_ttl;
	uint8_t ttl;                   /* of its first packet that is no RST */
	/* keepalive */
	uint16_t probes, probes_answered, probes_open;
	struct mark probe, probe_open; /* the first, and the first since one was answered */
	/* its window */
	struct mark zero;              /* closed since; not seen: it is open */
	struct mark zero_longest;      /* where the longest time began that is over */
	uint32_t zero_ms;              /* how long that was */
	uint32_t zero_again;           /* packets that repeated the 0 when it was probed */
	struct mark wnd_first;         /* the first packet behind the SYN, and its window as on the wire */
	uint16_t wnd, wnd_first_raw;
	uint16_t wnd_max;              /* the largest as on the wire, without SYNs */
	uint8_t state;                 /* enum tv_state, inferred */
	bool zero_probed;              /* its closed window was probed */
};

struct conn {
	struct tv_addr addr[2];        /* 0: who opened it, as far as that is known */
	uint16_t port[2];
	bool v6 : 1;
	bool late : 1;                 /* it began before the capture did */
	bool simultaneous;
	bool replaced;                 /* a new SYN on the same ports followed while this one was open */
	bool over_open, over_closed;   /* began on the ports of one that was open, or closed in order */
	bool gap;                      /* the capture misses packets that were acknowledged */
	uint8_t era;                   /* the tracker's own: see tracker_end() */
	uint8_t icmp_type, icmp_code, icmp_kind, icmp_about; /* of the first ICMP error; about: a side */
	bool icmp_of_syn;              /* it quotes a SYN */
	bool icmp_cut;                 /* ... of which too little was captured to be sure that it is this one's */
	uint32_t number;               /* 1 for the first connection of the capture */
	struct mark first;             /* its first packet */
	uint32_t icmp_count;
	struct side side[2];
	struct mark icmp[ICMP_MARKS];
	struct tv_addr icmp_from;
	struct mark pmtu;              /* packet too big */
	uint32_t mtu;
	struct mark ack;               /* the opener's first packet that acknowledged the SYN,ACK */
	struct mark challenge;         /* an answer to the SYN that belongs to an older connection */
	uint32_t challenge_ack;
	struct mark wrong_synack;      /* a SYN,ACK that acknowledges something that was never sent */
	struct mark old_fin;           /* the end of the connection before this one on the same ports */
	uint32_t chain, newer, older;  /* the tracker's own links */
};

_Static_assert(sizeof(struct conn) <= 1024, "a connection stays small");

/* What the genuine packets of an address have in common. */
struct host {
	struct tv_addr addr;
	struct mark first;             /* a SYN,ACK where there is one */
	uint32_t packets;
	uint8_t ttl_min, ttl_max;
};

typedef void (*tracker_leave_fn)(void *user, struct conn *c);

struct tracker;

/* most: connections at once, 0: the default. NULL: out of memory. */
struct tracker *tracker_new(uint32_t most, tracker_leave_fn on_leave, void *user);
void tracker_free(struct tracker *t);
/* Takes what packet_read() made of a record. Returns the connection that it belongs to, or NULL (it is
 * not about TCP, or memory is out). */
struct conn *tracker_take(struct tracker *t, const struct packet *p);
/* The connections that are there, oldest first: begin with 0; NULL at the end. */
struct conn *tracker_next(struct tracker *t, uint32_t *cursor);
/* What is known of an address, or NULL. */
const struct host *tracker_host(const struct tracker *t, const struct tv_addr *addr);

/* A number for an address, the same for equal ones. */
uint64_t tracker_hash(const struct tv_addr *addr);

struct tracker_counts {
	uint64_t packets, tcp, icmp, rest, fragments, unreadable, unknown_link, cut, options_cut;
	uint64_t copies;               /* packets that were recorded twice */
	uint64_t connections, left;
	uint64_t gaps;                 /* connections of which the capture misses packets */
	struct mark first, last;       /* of all packets with IP in them */
	uint16_t unknown_link_type;
};
const struct tracker_counts *tracker_counts(const struct tracker *t);
/* When the capture ended that this connection is in: a file may hold several, one behind the other. */
tv_time tracker_end(const struct tracker *t, const struct conn *c);
/* Counts a record that holds nothing for tracker_take() too. */
void tracker_count(struct tracker *t, const struct packet *p, uint16_t link_type);
/* Whoever watches live says so: no packet came since the last one until then. */
void tracker_silence(struct tracker *t, tv_time until);

/* ------------------------------------------------------------------------------------------ */
/* The tracker's own rooms                                                                     */

/* tracker_segment.c: what a segment of side `from` tells. */
void segment_take(struct conn *c, unsigned from, const struct packet *p);
/* Is all that is known of a connection the RST to this SYN, recorded before it? */
bool segment_answers_first(const struct conn *c, const struct packet *p);
/* May a quotation that was captured in part be of this attempt, which has no answer yet? */
bool segment_may_be_quoted(const struct conn *c, const struct packet *p);
/* tracker_state.c: the states of both ends after it. */
void state_take(struct conn *c, unsigned from, const struct packet *p);

static inline struct mark mark_of(const struct packet *p)
{
	return mark_at(p->time, p->number);
}

#endif
