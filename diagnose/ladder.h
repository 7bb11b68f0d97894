/*
 * ladder.h - one conversation between two ends, drawn as a ladder.
 *
 * A ladder is a list of timed events: packets and notes. Whoever watches a conversation (a stack's
 * link, a simulated wire, later a capture file) adds them in the order of time; one renderer draws
 * them, and one reader tells what each packet was, for sentences and JSON.
 *
 *   struct ladder *l = ladder_new();
 *   ladder_end(l, 0, "Linux", "10.9.0.1:40112");
 *   ladder_end(l, 1, "Trivet", "10.9.0.2:7");
 *   i = ladder_packet(l, &packet);
 *   ladder_at(l, i)->state[1] = TV_SYN_RECEIVED;      what is learned later is filled in later
 *   ladder_print(l, &style, sink, user);
 */
#ifndef TRIVET_DIAGNOSE_LADDER_H
#define TRIVET_DIAGNOSE_LADDER_H

#include <trivet/trivet.h>

/* As enum tv_state: nobody knows. */
#define LADDER_UNKNOWN ((enum tv_state)TV_STATE_COUNT)
/* As the result of ladder_packet() and ladder_note(): out of memory. */
#define LADDER_NONE SIZE_MAX

enum ladder_fate {
	LADDER_CARRIED,
	LADDER_LOST,           /* never arrived: its arrow ends in a cross */
	LADDER_DAMAGED,        /* arrived with wrong bits: dropped by the receiver */
	LADDER_UNDER_WAY       /* had not arrived when the list ended */
};

struct ladder_event {
	tv_time time;
	tv_time arrived;       /* when it arrived; 0: not known, or it did not */
	bool is_note;
	bool midway;           /* it began on the way: a message of a router about the other end's packet */
	bool inferred;         /* not seen, but concluded: drawn dim and marked */
	unsigned from;         /* 0: the left end sends (or the note is about it), 1: the right, 2: neither */
	enum tv_state state[2]; /* of either end, after it sent and after the other took it */
	enum ladder_fate fate;
	uint32_t len;          /* bytes kept, from the IP header on */
	const uint8_t *ip;
	const char *remark;    /* a note's text; with a packet, an addition, or "" */
};

struct ladder;

/* NULL: out of memory. */
struct ladder *ladder_new(void);
void ladder_free(struct ladder *l);
/* Names an end: who it is, and its address as people write it. Copied, cut to 63 bytes. */
void ladder_end(struct ladder *l, unsigned end, const char *name, const char *address);
const char *ladder_end_name(const struct ladder *l, unsigned end);
const char *ladder_end_address(const struct ladder *l, unsigned end);

/* The state of an end before the first event; LADDER_UNKNOWN at first. */
void ladder_start(struct ladder *l, unsigned end, enum tv_state state);
enum tv_state ladder_started(const struct ladder *l, unsigned end);

/* Adds an event; bytes and remark are copied. Returns its number, or LADDER_NONE. */
size_t ladder_packet(struct ladder *l, const struct ladder_event *packet);
size_t ladder_note(struct ladder *l, tv_time time, unsigned about, const char *text);
size_t ladder_count(const struct ladder *l);
/* Valid until the next one is added. */
struct ladder_event *ladder_at(struct ladder *l, size_t number);

/* ------------------------------------------------------------------------------------------ */
/* What each packet was                                                                        */

struct ladder_row {
	const struct ladder_event *event;
	bool tcp;
	char words[64];        /* "SYN,ACK", or what it is if it is not TCP */
	char flags[16];        /* as tcpdump writes them: "S." */
	uint32_t seq, ack;     /* as on the wire */
	uint32_t rel_seq, rel_ack; /* counted from the first sequence number of their side */
	bool has_ack, syn, fin, rst;
	uint32_t len;          /* bytes of text */
	uint32_t text_have;    /* how many of them were kept */
	const uint8_t *text;
	uint32_t window;       /* in bytes, where the scale is known */
	bool again;            /* nothing in it is new: a retransmission (or a probe) */
	bool has_mss, has_scale, has_timestamps, sack_permitted;
	uint16_t mss;
	uint8_t scale;
	char fastopen[48];     /* "tfo cookiereq", "tfo cookie 0011223344556677"; "": no such option */
	uint32_t ts_val, ts_ecr;
	bool ts_relative;      /* the next two are known: counted from the first of their side */
	uint32_t rel_ts_val, rel_ts_ecr;
	unsigned sack_count;
	uint32_t sack[4][2];   /* relative */
};

/* Goes through a ladder; knows of either side what earlier packets told. */
struct ladder_reader {
	const struct ladder *ladder;
	size_t next;
	struct {
		bool known, sent;  /* first is known; next_seq is */
		uint32_t first;    /* sequence number that counts as 0 */
		uint32_t next_seq; /* behind all that it has sent */
		uint8_t scale;
		bool scale_seen, ts_seen;
		uint32_t ts_first;
	} side[2];
};
void ladder_read(struct ladder_reader *reader, const struct ladder *l);
/* The next event, notes included; false at the end. */
bool ladder_next(struct ladder_reader *reader, struct ladder_row *row);

/* ------------------------------------------------------------------------------------------ */
/* Drawing                                                                                     */

struct ladder_style {
	bool ascii;            /* no character beyond ASCII */
	bool color;            /* colour repeats what the text says; it is never alone */
	bool absolute;         /* sequence numbers as on the wire */
	unsigned width;        /* columns; 0: 80 */
};
/* Is given pieces of text, lines ended by newline. */
typedef void (*ladder_sink_fn)(void *user, const char *text, size_t len);

void ladder_print(const struct ladder *l, const struct ladder_style *style, ladder_sink_fn sink,
	void *user);
/* The packets alone, one a line, as `tcpdump -n -ttttt` writes them (time since the first event). A
 * packet that did not arrive ends in "(lost)". */
void ladder_lines(const struct ladder *l, ladder_sink_fn sink, void *user);

#endif
