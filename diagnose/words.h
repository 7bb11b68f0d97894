/*
 * words.h - the words that a diagnosis speaks: one table, from which docs/VERDICTS.md is made.
 */
#ifndef TRIVET_DIAGNOSE_WORDS_H
#define TRIVET_DIAGNOSE_WORDS_H

#include <trivet/trivet.h>

enum severity { SEVERITY_OK, SEVERITY_NOTE, SEVERITY_PROBLEM, SEVERITY_UNKNOWN };
enum certainty { CERTAIN, LIKELY, OPEN };

enum word {
	WORD_NONE,
	/* healthy */
	WORD_OK,
	WORD_OK_TIME_WAIT_PORT_REUSE,
	WORD_OK_HALF_OPEN_RECOVERED,
	WORD_OK_KEEPALIVE,
	WORD_OK_PMTU_LOWERED,
	WORD_OK_SMALL_MSS,
	WORD_OK_NO_WINDOW_SCALING,
	WORD_OK_TFO,
	WORD_TFO_SYN_DATA_DROPPED,
	WORD_OK_HIGH_RTT,
	WORD_OK_SYN_LOST,
	WORD_OK_FINAL_ACK_LOST,
	WORD_OK_SIMULTANEOUS_OPEN,
	WORD_OK_FAMILY_FALLBACK,
	WORD_SYN_SCAN,
	WORD_SYN_FLOOD_SURVIVED,
	/* the attempt failed */
	WORD_REFUSED,
	WORD_REFUSED_AFTER_LOSS,
	WORD_RESET_BY_MIDDLEBOX,
	WORD_SYN_UNANSWERED,
	WORD_SYNACK_UNANSWERED,
	WORD_SYNACK_WRONG_SOURCE,
	WORD_SYNACK_WRONG_ACK,
	WORD_ICMP_NET_UNREACHABLE,
	WORD_ICMP_HOST_UNREACHABLE,
	WORD_ICMP_PROTOCOL_UNREACHABLE,
	WORD_ICMP_PORT_UNREACHABLE,
	WORD_ICMP_ADMIN_PROHIBITED,
	WORD_ICMP_TTL_EXCEEDED,
	WORD_ICMP_OTHER,
	WORD_SYNACK_THEN_BLACKHOLE,
	WORD_ACCEPT_QUEUE_OVERFLOW,
	WORD_ACCEPT_QUEUE_FULL_SYN_DROPPED,
	WORD_ACCEPT_QUEUE_OVERFLOW_RESET,
	WORD_SYN_FLOOD_DENIED,
	WORD_TIME_WAIT_PORT_EXHAUSTION,
	/* it was established, and then */
	WORD_RESET_AFTER_ACCEPT,
	WORD_RESET_MID_TRANSFER,
	WORD_RESET_STALE_CONNECTION,
	WORD_SERVER_SILENT,
	WORD_CLOSE_WAIT_LEAK,
	WORD_KEEPALIVE_PEER_GONE,
	WORD_PEER_GONE_DATA_UNACKED,
	WORD_IDLE_THEN_BLACKHOLE,
	WORD_MTU_BLACKHOLE,
	WORD_ZERO_WINDOW,
	WORD_WINDOW_SCALE_STRIPPED,
	WORD_WINDOW_SCALE_DISAGREEMENT,
	/* nothing can be judged */
	WORD_ONE_DIRECTION_ONLY,
	WORD_NO_HANDSHAKE_IN_CAPTURE,
	WORD_EMPTY,
	/* no capture shows it: trivet check alone finds it */
	WORD_NAME_NOT_FOUND,
	WORD_NAME_UNANSWERED,
	WORD_NO_ROUTE,
	WORD_FAILED_HERE,
	WORD_TLS_NOT_SPOKEN,
	WORD_TLS_REFUSED,
	WORD_TLS_CERTIFICATE,
	WORD_COUNT
};

enum { ALTERNATIVES_MAX = 3, REASONS_MAX = 3 };

struct word_info {
	const char *name;
	enum severity severity;
	const char *sentence;
	const char *next;                            /* the one command or step that settles it; "" */
	const char *alternatives[ALTERNATIVES_MAX];  /* what else fits, the likelier first; while not certain */
	enum tv_reason reasons[REASONS_MAX];         /* what the stack would call it; NONE: it has no word */
};

/* The row of a word; never NULL. */
const struct word_info *word_info(enum word word);
const char *severity_name(enum severity severity);
const char *certainty_name(enum certainty certainty);
/* The word for a kind of ICMP error (enum tv_icmp_kind). */
enum word word_of_icmp(unsigned kind);
/* Who told so, and why, as far as the address of the error says: that of the other end of the connection, or of the
 * very end whose packet it is about. */
const char *icmp_sender(enum word word, bool other_end, bool own);

typedef void (*words_sink_fn)(void *user, const char *text, size_t len);
/* docs/VERDICTS.md. */
void words_markdown(words_sink_fn sink, void *user);

/* ------------------------------------------------------------------------------------------ */
/* Thresholds: one table, told in docs/VERDICTS.md                                             */

#define THRESHOLDS(X)                                                                               \
	X(HIGH_RTT, 200 * TV_MS, "a handshake that takes longer is worth a note")                   \
	X(IDLE, 5 * TV_S, "silence after which a filter may have forgotten a connection")           \
	X(STALE, TV_S, "silence after which an RST without ACK means that the state was lost")      \
	X(SERVER_SILENT, 2 * TV_S, "how long a client waits for an answer before its giving up counts") \
	X(SERVER_SILENT_OPEN, 30 * TV_S, "the same while the client still waits")                   \
	X(UNANSWERED, TV_S, "how long one single SYN must stay without an answer")                  \
	X(CLOSE_WAIT, 60 * TV_S, "age from which one connection in CLOSE-WAIT is a leak")           \
	X(ZERO_WINDOW, 5 * TV_S, "how long a window must be closed that opened again")              \
	X(ZERO_WINDOW_OPEN, 2 * TV_S, "the same without a probe that was answered, at the end of the capture") \
	X(ACK_ARRIVED, 3 * TV_S, "how long a SYN,ACK stays away that would be repeated if its ACK were lost") \
	X(HOLE, TV_S, "how long sequence numbers may be missing")                                   \
	X(TIME_WAIT, 120 * TV_S, "how long a port can be in TIME-WAIT")                             \
	X(QUEUE_NEAR, 10 * TV_S, "how near in time other connections to a port tell of its queue")  \
	X(FALLBACK, 3 * TV_S, "how soon the other address family is tried")                         \
	X(FALLBACK_AT_ONCE, 30 * TV_MS, "the same after a refusal")                                  \
	X(FLOOD_SPAN, 10 * TV_S, "within which a flood's SYNs arrive")                              \
	X(SCAN_SPAN, 60 * TV_S, "within which a scan's SYNs are sent")                              \
	X(ANOTHER_CAPTURE, 7 * 24 * 3600 * TV_S, "a jump in time behind which another capture was appended")

enum {
	FLOOD_SYNS = 20,       /* attempts that never complete, to one port */
	SCAN_PORTS = 3,        /* ports of one host, with SYNs as scanners send them */
	SCAN_PORTS_PLAIN = 8,  /* the same with ordinary SYNs */
	LEAK_CONNECTIONS = 3,  /* in CLOSE-WAIT at once */
	EXHAUSTION_PORTS = 6,  /* a whole range of ports */
	REPEATS_LOST = 2,      /* repeats without an answer that are more than chance */
	SEGMENTS_CRAWL = 3,    /* segments as short as the number in the window field, which is not their window */
	SCALED_MAX = 4000000,  /* bytes; no end that scales offers more as soon as it opened */
	SMALL_MSS = 1220,      /* below what IPv6 guarantees */
	FULL_SIZE = 1000       /* bytes of text that a narrow path might not carry */
};

/* Their numbers, for limit(). */
enum limit {
#define X(name, value, why) LIMIT_##name,
	THRESHOLDS(X)
#undef X
	LIMIT_COUNT
};

tv_time limit(enum limit which);

#endif
