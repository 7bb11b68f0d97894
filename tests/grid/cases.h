/*
 * cases.h - every state x every event: where a connection stands, and which segment arrives.
 *
 * A case names its numbers by their place ("one below RCV.NXT", "the last number in the window"),
 * so that the same case means the same for the model, whose numbers are free, and for the library,
 * whose numbers are what they are. DESIGN.md section 6 lists the places.
 */
#ifndef GRID_CASES_H
#define GRID_CASES_H

#include "model.h"

/* Where the connection stands. */
enum case_start {
	START_CLOSED,
	START_LISTEN,
	START_SYN_SENT,
	START_SYN_RECEIVED,        /* from LISTEN */
	START_SYN_RECEIVED_ACTIVE, /* from SYN-SENT: a simultaneous open */
	START_ESTABLISHED,
	START_FIN_WAIT_1,
	START_FIN_WAIT_2,
	START_CLOSE_WAIT,
	START_CLOSING,
	START_LAST_ACK,
	START_TIME_WAIT,
	STARTS
};

/* The receive window that we offer. */
enum case_wnd { WND_OPEN, WND_SMALL, WND_ZERO, WNDS };
enum { SMALL_WINDOW = 4 };

enum case_seq {
	SEQ_OLD,    /* RCV.NXT - 1000: a duplicate from long ago */
	SEQ_OVER,   /* RCV.NXT - 3: with enough text it overlaps the left edge */
	SEQ_BELOW,  /* RCV.NXT - 1: a keep-alive, the FIN again, the SYN again */
	SEQ_NXT,    /* RCV.NXT */
	SEQ_IN,     /* RCV.NXT + 2 */
	SEQ_LAST,   /* RCV.NXT + RCV.WND - 1 */
	SEQ_EDGE,   /* RCV.NXT + RCV.WND */
	SEQ_BEYOND, /* RCV.NXT + RCV.WND + 1000 */
	SEQS
};

enum case_ack {
	ACK_NONE,    /* the ACK bit is off; the field holds SND.NXT + 1, which nobody may look at */
	ACK_TOO_OLD, /* SND.UNA - MAX.SND.WND - 1 */
	ACK_OLDEST,  /* SND.UNA - MAX.SND.WND */
	ACK_OLD,     /* SND.UNA - 1 */
	ACK_UNA,     /* SND.UNA */
	ACK_PART,    /* SND.UNA + 50 of 100 octets in flight */
	ACK_DATA,    /* SND.NXT - 1: everything but our FIN */
	ACK_NXT,     /* SND.NXT */
	ACK_ABOVE,   /* SND.NXT + 1 */
	ACK_FAR,     /* SND.NXT + 2^30 */
	ACKS
};

/* What occupies sequence space behind the header, the FIN included. */
enum case_text { TEXT_0, TEXT_1, TEXT_FIN, TEXT_1_FIN, TEXT_10, TEXT_10_FIN, TEXTS };
enum { SOME_TEXT = 10, IN_FLIGHT = 100, SEGMENT_WINDOW = 2000, URGENT_OFFSET = 12 };

struct grid_case {
	enum case_start start;
	enum case_wnd wnd;
	unsigned flags; /* RST, SYN, URG, PSH: the others are in ack and text */
	enum case_seq seq;
	enum case_ack ack;
	enum case_text text;
};

/* Does this window, sequence or ACK place exist for this start, and is it a place of its own? */
bool case_wnd_exists(enum case_start start, enum case_wnd wnd);
bool case_seq_exists(enum case_start start, enum case_wnd wnd, enum case_seq seq);
bool case_ack_exists(enum case_start start, enum case_ack ack);

/* The model of a connection that stands at `start`, with free choice of both initial numbers. */
struct model case_model(enum case_start start, enum case_wnd wnd, uint32_t iss, uint32_t irs);

/* The segment of a case, for a connection with the numbers of *m. */
struct model_segment case_segment(const struct model *m, const struct grid_case *c);

const char *case_start_name(enum case_start start);
const char *case_wnd_name(enum case_wnd wnd);
const char *case_seq_name(enum case_seq seq);
const char *case_ack_name(enum case_ack ack);
const char *case_text_name(enum case_text text);

#endif
