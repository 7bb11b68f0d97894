/*
 * tcb.h - the transmission control block: everything that a connection remembers.
 *
 * A full record is 256 bytes and holds no page while it is idle. What only a busy connection needs
 * (the map of what is in flight when that is more than one segment, what came out of order) is a struct
 * tv_busy, taken from a pool when it is first needed and given back when it is empty. Options that seldom
 * differ are a struct tv_profile, shared by all connections that have the same. Counters are a struct
 * tv_side, optional.
 *
 * Who writes what: state - state.c; snd.una - deliver/rtx.c, and open/negotiate.c past the SYN; snd.wnd,
 * wl1, wl2 - flow/send.c; snd.nxt - out.c; rcv - deliver/receive.c; opt - open/negotiate.c and accept/paws.c;
 * rtt - deliver/rtt.c; cc - flow/cc.c and its algorithms; timer - timers.c; stream out - user.c and
 * deliver/rtx.c; flags and want - wherever the fact arises. Everyone may read.
 *
 * Times inside are ticks of 2^16 ns modulo 2^32 (base/wheel.h) or milliseconds modulo 2^32.
 */
#ifndef TV_TCP_TCB_H
#define TV_TCP_TCB_H

#include "base/key.h"
#include "base/siphash.h"
#include "base/ranges.h"
#include "base/stream.h"
#include "base/wheel.h"
#include "wire/ip.h"
#include "wire/tcp_opt.h"

/* What output has to say for this connection. */
enum {
	TV_WANT_ACK = 1,           /* an ACK now */
	TV_WANT_SEND = 2,          /* there may be something to send */
	TV_WANT_SYN = 4,           /* SYN, or SYN-ACK in SYN-RECEIVED */
	TV_WANT_PROBE = 8,         /* a zero-window probe */
	TV_WANT_KEEPALIVE = 16,
	TV_WANT_PUSH = 128         /* send what is there, Nagle and silly windows aside (override timer) */
};

enum {
	TV_F_ACTIVE = 1u << 0,         /* opened by tv_connect */
	TV_F_FIN_QUEUED = 1u << 1,     /* the user sends no more: FIN follows the queued bytes */
	TV_F_FIN_RECEIVED = 1u << 2,   /* RCV.NXT is behind the peer's FIN */
	TV_F_CLOSED_BY_USER = 1u << 3, /* tv_close: nothing more is read */
	TV_F_RELEASED = 1u << 4,       /* no handle: freed as soon as it ends */
	TV_F_QUEUED = 1u << 5,         /* passive, waits in its listener's accept queue */
	TV_F_URG_SND = 1u << 6,        /* snd.up is ahead of snd.una */
	TV_F_URG_RCV = 1u << 7,        /* rcv.up is ahead of what was read */
	TV_F_NODELAY = 1u << 8,        /* copy of the profile's, for the hot path */
	TV_F_CORK = 1u << 9,
	TV_F_MORE = 1u << 10,          /* TV_SEND_MORE: a partial segment waits */
	TV_F_WRITE_BLOCKED = 1u << 11, /* tv_send could not take all */
	TV_F_PERSIST = 1u << 12,       /* the main timer is the persist timer */
	TV_F_OVERRIDE = 1u << 13,      /* the main timer is the silly-window override */
	TV_F_RECOVERY = 1u << 14,      /* fast recovery until cc.recover */
	TV_F_RTO_RECOVERY = 1u << 15,  /* after a time-out until cc.recover */
	TV_F_PINGPONG = 1u << 16,      /* answers follow questions: ACKs may wait for data */
	TV_F_IN_OUT_LIST = 1u << 17,
	TV_F_IN_READY_LIST = 1u << 18,
	TV_F_SCRATCH = 1u << 19,       /* not in the pool: a half-open or TIME-WAIT record unpacked */
	TV_F_COOKIE = 1u << 20,        /* came from a SYN cookie */
	TV_F_R1_TOLD = 1u << 21,
	TV_F_PARKED = 1u << 22,        /* waits for a neighbour */
	TV_F_FREED = 1u << 23,         /* to be freed by the stack when the call ends */
	TV_F_LIMITED = 1u << 24,       /* cwnd was the limit since the last ACK (RFC 7661) */
	TV_F_SYN_LOST = 1u << 25,      /* the SYN was repeated: first RTO 3 s (RFC 6298 5.7), IW 1 */
	TV_F_FIN_SENT = 1u << 26,      /* SND.NXT is behind our FIN */
	TV_F_TIMERS = 1u << 27,        /* a deadline is earlier than what the wheel knows */
	TV_F_ALONE = 1u << 28,         /* all that is in flight is one piece, sent once (deliver/rtx.c) */
	TV_F_FORWARD = 1u << 29,       /* new text was acknowledged since something was last sent: the way is good */
	TV_F_PENDING = 1u << 30,       /* passive, in SYN-RECEIVED by Fast Open: its listener counts it */
	TV_F_SMALL = 1u << 31          /* of what is in flight, a segment was not a full one (Nagle) */
};

/* Negotiated options (opt.flags): the bits that a SYN which offers them has. */
enum {
	TV_O_TS = TV_OPT_HAS_TS,
	TV_O_SACK = TV_OPT_HAS_SACK_OK,
	TV_O_WSCALE = TV_OPT_HAS_WSCALE
};

/* opt.fastopen: enum tv_fastopen, and what our next SYN carries (open/fastopen.c). */
enum {
	TV_FO_WHAT = 31,
	TV_FO_EXP = 64,                /* in kind 254 */
	TV_FO_OPTION = 128             /* the option: a cookie, or a request for one */
};

/* Coarse time, in units of 2^26 ns (67 ms): it goes round once in nine years, milliseconds in 49 days. */
#define TV_COARSE_SHIFT 26

struct tv_tcb {
	uint8_t key[TV_KEY_HEAD];  /* base/key.h */
	uint32_t gen;              /* of the handle */
	uint8_t state;             /* enum tv_state */
	uint8_t v6, zone, link;
	uint32_t flags;            /* TV_F_ */

	struct {
		uint32_t nxt;          /* RCV.NXT */
		uint32_t adv;          /* right edge advertised: RCV.NXT + RCV.WND; never moves left */
		uint32_t irs;
		uint32_t acked;        /* Last.ACK.sent (RFC 7323) */
		uint32_t up;           /* RCV.UP: octet behind the urgent one */
	} rcv;
	struct {
		uint32_t una, nxt;
		uint32_t wnd;          /* SND.WND in bytes */
		uint32_t wl1, wl2;
		uint32_t iss;
		uint32_t max_wnd;      /* largest window seen */
		uint32_t up;           /* SND.UP: octet behind the urgent one */
	} snd;

	struct {
		uint32_t ts_recent;    /* TS.Recent */
		uint32_t ts_recent_at; /* when it was taken, for the 24-day rule: coarse time */
		uint32_t ts_offset;    /* added to the millisecond clock */
		uint16_t mss_peer;     /* what the peer announced, or the default */
		uint16_t mss;          /* payload of a full segment now, options accounted for [MUST-16] */
		uint16_t mss_rcv;      /* what we announced */
		uint16_t pmtu;
		uint8_t flags;         /* TV_O_ */
		uint8_t snd_scale, rcv_scale;
		uint8_t fastopen;      /* TV_FO_ */
	} opt;

	struct {
		uint32_t srtt_us;      /* times 8, as RFC 6298's shifts like it; 0: no sample yet */
		uint32_t var_us;       /* times 4 */
		uint32_t rto_us;       /* without backoff */
		uint32_t min_us;
		uint8_t backoff;       /* doublings */
		uint8_t tries;         /* retransmissions of the oldest unacknowledged octet */
		uint8_t probes;        /* unanswered zero-window or keepalive probes */
		uint8_t era;           /* of the ISN clock when it was opened; 0: not known (open/isn.c) */
	} rtt;

	struct {
		uint32_t cwnd, ssthresh; /* bytes */
		uint32_t recover;      /* CLOSED: octets that were sent and not acknowledged */
		uint32_t acked;        /* bytes acknowledged, counted for congestion avoidance; in slow start: most that
		                        * was in flight since nothing was; CLOSED: never sent */
		uint8_t dup_acks;
		uint8_t quick;         /* ACKs not to be delayed */
		uint16_t seg_rcv;      /* largest segment received: what a full-sized one of the peer is */
	} cc;

	struct tv_stream out, in;
	uint32_t busy;             /* record number + 1 of struct tv_busy; 0: idle */
	uint32_t side;             /* the same of struct tv_side */
	uint32_t profile;          /* record number of struct tv_profile */

	struct {
		struct tv_wheel_node node;
		uint32_t main;         /* retransmission, persist, override: tick; 0: off */
		uint32_t ack;          /* delayed ACK */
		uint32_t keep;         /* keepalive */
		uint32_t life;         /* 2 MSL, FIN-WAIT-2, SYN-RECEIVED */
	} timer;
	uint32_t progress_ms;      /* since when the oldest octet has been unacknowledged (R2) */
	uint32_t received_ms;      /* last acceptable segment */
	uint32_t challenge_ms;     /* last challenge ACK */

	uint32_t out_next, out_prev; /* list of those with wants: record number + 1 */
	uint32_t ready_next, ready_prev; /* list of those with news: references; also the accept queue */
	uint16_t want;             /* TV_WANT_ */
	uint16_t events;           /* TV_EV_ not yet told */
	uint16_t listener;         /* number + 1 of the listener it came from */
	uint8_t reason, soft_reason;
	uint32_t sent_us;          /* TV_F_ALONE: when, modulo 2^32 */
	uint64_t user;
};

#define TV_TCB_BYTES 256
_Static_assert(sizeof(struct tv_tcb) <= TV_TCB_BYTES, "an idle connection costs its budget");

/* What only a busy connection needs: two cache lines. */
struct tv_busy {
	_Alignas(64) struct tv_ranges flight;    /* deliver/rtx.c: [SND.UNA, SND.NXT), unless TV_F_ALONE */
	struct tv_ranges early;    /* deliver/receive.c: what arrived beyond RCV.NXT */
	uint32_t sacked, lost, again; /* bytes in flight: SACKed, thought lost, of those sent again */
	uint32_t early_bytes, early_held; /* of those that came early, and of the pages under them */
	struct tv_cursor cursor;   /* where the next new octet lies in `out` */
	struct tv_cursor repeat;   /* where the next repeated octet lies */
	uint32_t dsack_left, dsack_right;
	uint32_t recent[TV_SACK_MAX]; /* an octet of each of the pieces that grew last, the latest first */
	uint32_t fin;              /* sequence number of a FIN that came early */
	bool fin_early;
};
_Static_assert(sizeof(struct tv_busy) == 128, "a shift finds it");

/* Of a stack. */
struct tv_fastopen_keys {
	struct tv_sipkey derived, key[2]; /* from the secret; primary, backup */
	bool given, backup;        /* is the primary one the user's, and is there a backup? */
	uint64_t paths;            /* open/paths.c: offset of the destinations, how many sets of them, their hash, */
	uint32_t path_sets, path_ways;
	struct tv_sipkey path_key;
	uint64_t path_used;        /* and how often one was used */
};

/* Of a listener: Fast Open connections whose final ACK is not there (open/fastopen.c). */
#define TV_RESET_SLICES 16u
struct tv_pending {
	uint32_t max;              /* 0: Fast Open is off */
	uint32_t now;              /* connections with TV_F_PENDING */
	uint32_t slice;            /* of time: the last in which one was reset */
	uint32_t resets[TV_RESET_SLICES]; /* by slice */
};

#define TV_SCALE_MAX 14u           /* RFC 7323 2.3 */

/* Options that connections share; refs counts the connections and listeners that point here. */
struct tv_profile {
	uint32_t refs;
	uint8_t offers;            /* what follows from them for a SYN: TV_O_ */
	uint8_t rcv_scale;
	uint16_t mss_most;         /* o.mss_max; UINT16_MAX: there is none */
	struct tv_ip4_mould ip4;   /* and for the header of each segment */
	struct tv_options o;
};

struct tv_side {
	uint64_t bytes_sent, bytes_acked, bytes_received, bytes_retransmitted;
	uint64_t segs_out, segs_in, data_segs_out, data_segs_in, retransmitted_segs;
	uint64_t last_data_sent, last_data_received;
	uint32_t dsacks_received, out_of_order_segs, duplicate_segs, rto_events, recoveries, challenge_acks;
};

#endif
