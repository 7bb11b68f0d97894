/*
 * model.h - a second, independent reading of RFC 9293 section 3.10.7, SEGMENT ARRIVES.
 *
 * One TCP endpoint, one connection, one segment at a time. The model is written to be compared with
 * the text of the RFC, paragraph by paragraph, and for nothing else: it has no timers, no buffers
 * and no speed. It includes no header of the library; that the library and the model agree is the
 * point of the grid. Where the text can be read in two ways, READINGS.md says which way is taken
 * here and why (the comments name the reading: ...).
 *
 * What is counted, not stored: text is a number of octets, its contents do not matter.
 */
#ifndef GRID_MODEL_H
#define GRID_MODEL_H

#include <stdbool.h>
#include <stdint.h>

/* The six control bits of RFC 9293 3.1; the reserved bits, CWR and ECE are ignored. */
enum { M_FIN = 1, M_SYN = 2, M_RST = 4, M_PSH = 8, M_ACK = 16, M_URG = 32 };

enum model_state {
	M_CLOSED,
	M_LISTEN,
	M_SYN_SENT,
	M_SYN_RECEIVED,
	M_ESTABLISHED,
	M_FIN_WAIT_1,
	M_FIN_WAIT_2,
	M_CLOSE_WAIT,
	M_CLOSING,
	M_LAST_ACK,
	M_TIME_WAIT,
	M_STATES
};

/* What the user is told. */
enum {
	M_EV_ESTABLISHED = 1, /* the connection is open */
	M_EV_REFUSED = 2,     /* the attempt was answered with RST */
	M_EV_RESET = 4,       /* "connection reset" */
	M_EV_END = 8,         /* "connection closing": the peer's FIN, in order */
	M_EV_URGENT = 16,     /* urgent data is ahead */
	M_EV_GONE = 32        /* CLOSED without any of the errors above */
};

struct model_segment {
	unsigned flags;
	uint32_t seq, ack;
	uint32_t wnd;  /* already scaled */
	uint32_t text; /* octets of text; SEG.LEN is this and one each for SYN and FIN */
	uint16_t up;   /* urgent pointer, as an offset */
	bool has_ts;
	uint32_t tsval;
};

enum { M_HELD_MAX = 8 };

struct model {
	enum model_state state;
	bool passive;       /* SYN-RECEIVED was entered from LISTEN (else from SYN-SENT) [MUST-11] */
	bool listener;      /* somebody listens on the local port: TIME-WAIT may give way to a SYN */
	uint32_t next_iss;  /* what ISS will be if LISTEN (or TIME-WAIT) has to choose one */

	uint32_t iss, una, nxt, wnd, wl1, wl2, max_wnd; /* SND.* */

	uint32_t irs, rcv_nxt, rcv_wnd; /* RCV.*; rcv_wnd before SYN is what our SYN will offer */
	uint32_t rcv_up;
	bool urgent;        /* RCV.UP means something */
	struct {
		uint32_t from, to;
	} held[M_HELD_MAX]; /* text above a gap, disjoint, in no order [SHLD-31] */
	unsigned held_count;
	bool fin_held;      /* the peer's FIN is known to be at fin_at, above a gap */
	uint32_t fin_at;

	bool ts_on;         /* RFC 7323: both SYNs had the timestamps option */
	uint32_t ts_recent, last_ack_sent;

	bool challenge_spent; /* a challenge ACK went out less than 500 ms ago */
	bool maybe_spent;     /* an ACK that may share that limit went out */
};

/* In the order of their strength. */
enum model_reply {
	M_REPLY_NONE, /* nothing may be sent */
	M_REPLY_MAY,  /* this packet or nothing */
	M_REPLY_SOON, /* this packet, at once or delayed by less than 500 ms [MUST-40] */
	M_REPLY_NOW   /* this packet, at once */
};

struct model_result {
	enum model_reply reply; /* one segment never draws two packets [MUST-58] */
	struct {
		unsigned flags;
		uint32_t seq, ack;
	} packet;
	bool challenge;     /* the packet is one of RFC 5961's challenge ACKs */
	bool suppressed;    /* it would have been sent but for the 500 ms */
	bool dropped;       /* the segment was discarded before its text could count */
	unsigned events;
	uint32_t delivered; /* octets that the user can read now and could not before */
	uint32_t held;      /* octets newly held above a gap */
	bool restart_2msl;
};

/* RFC 9293 3.10.7: one segment arrives. Changes *m and fills *r. */
void model_arrives(struct model *m, const struct model_segment *s, struct model_result *r);

/* RFC 9293 3.10.7.4, sixth to eighth: URG, text, FIN (model_text.c). `take` is false when the
 * window is closed and only URG counts. */
void model_urg_text_fin(struct model *m, const struct model_segment *s, struct model_result *r, bool take);

const char *model_state_name(enum model_state state);

/* Sequence numbers, RFC 9293 3.4: comparisons modulo 2^32. */
bool model_lt(uint32_t a, uint32_t b);
bool model_le(uint32_t a, uint32_t b);
/* from =< x < from + length */
bool model_within(uint32_t x, uint32_t from, uint32_t length);
/* SEG.LEN: "the number of octets occupied by the data in the segment (counting SYN and FIN)". */
uint32_t model_len(const struct model_segment *s);
/* <SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>; the strongest reply kind asked for wins. */
void model_ack(const struct model *m, struct model_result *r, enum model_reply kind);

#endif
