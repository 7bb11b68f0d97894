/*
 * trivet.h - TCP you can hold in your hand: the whole public interface of the library.
 *
 * A stack (struct tv_stack) is a complete TCP/IP endpoint inside one region of memory that the
 * caller provides. It makes no system call, reads no clock, owns no thread and calls nobody back.
 * The caller moves three things across this border:
 *
 *   packets   tv_input() takes what a link received, tv_output() fills what a link shall send;
 *   time      every call that needs it is told `now` (nanoseconds); tv_deadline() says when the
 *             stack next wants tv_output() to be called;
 *   events    tv_event() is pulled until it says that there are none.
 *
 * Rules that hold for every call:
 *   - A stack is single-threaded: the caller serialises its calls. Stacks share nothing.
 *   - `now` never goes back, neither for one stack nor for one secret across restarts.
 *   - Results: 0 or a positive number is success; a negative one is an enum tv_error. TV_AGAIN
 *     means that nothing changed and that the same call may succeed later.
 *   - Addresses are 16 bytes; IPv4 is written as IPv4-mapped IPv6 (::ffff:a.b.c.d). Ports are in
 *     host byte order.
 *   - Structures given by the caller begin with `size`, which is sizeof of the structure that the
 *     caller was compiled with; the tv_*_default() functions fill it in.
 *   - Handles are never reused while the caller holds them; a handle that was released, or whose
 *     question was answered, is refused with TV_ESTALE.
 */
#ifndef TRIVET_H
#define TRIVET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "names.h"

#ifdef __cplusplus
extern "C" {
#endif
#define TV_API __attribute__((visibility("default")))

#define TV_VERSION_MAJOR 0
#define TV_VERSION_MINOR 1
/* Nanoseconds since any fixed moment. TV_NEVER as a deadline: nothing is waiting. */
typedef uint64_t tv_time;
#define TV_NEVER UINT64_MAX
#define TV_US 1000ull
#define TV_MS 1000000ull
#define TV_S 1000000000ull

/* A connection, question or listener: kind (4 bits), generation (28) and slot (32). 0 is none. */
typedef uint64_t tv_handle;

struct tv_stack;
struct tv_addr {
	uint8_t b[16];
};

/* An address and a port (host byte order); zone is 0 but for link-local addresses. */
struct tv_endpoint {
	struct tv_addr addr;
	uint16_t port;
	uint8_t zone;
};

/* ---- Names ---- */
/* Names for people: "ESTABLISHED" (the RFC's spelling, "SYN-SENT"), "RST_INEXACT", "out of ..." */
TV_API const char *tv_state_name(enum tv_state state);
TV_API const char *tv_verdict_name(enum tv_verdict verdict);
TV_API const char *tv_verdict_text(enum tv_verdict verdict);
TV_API const char *tv_reason_name(enum tv_reason reason);
TV_API const char *tv_reason_text(enum tv_reason reason);
TV_API const char *tv_fastopen_name(enum tv_fastopen fastopen);
TV_API const char *tv_fastopen_text(enum tv_fastopen fastopen);
TV_API const char *tv_error_text(int error);

/* ---- Options of a connection ---- */
/* One set of options; a listener's is inherited by its connections. Durations are not 0. */
struct tv_options {
	uint32_t size;
	uint32_t rcv_buf;          /* bytes the peer may have sent and the user not read; 1024..2^30 */
	uint32_t snd_buf;          /* bytes the user may have written and the peer not acknowledged; 1024..2^30 */
	uint16_t mss_max;          /* clamp of the MSS announced and used; 0: from the path MTU; else 48..65495 */
	uint8_t dscp;              /* 0..63 [MUST-48] */
	uint8_t ttl;               /* TTL or hop limit 1..255; 0: 64 [MUST-49] */
	bool nodelay;              /* Nagle off [MUST-17] */
	bool keepalive;            /* off by default [MUST-24, MUST-25] */
	bool keepalive_octet;      /* the probe carries one garbage octet [MAY-6] */
	bool urgent_inline;        /* reserved, must be true: urgent data stays in the stream (RFC 6093) */
	bool soft_errors;          /* tell TV_EV_SOFT_ERROR [MUST-47, SHLD-20]; on by default */
	bool no_timestamps;        /* do not offer or accept this option on this connection */
	bool no_sack;
	bool no_window_scale;
	uint8_t syn_tries;         /* repeats of a SYN before TV_R_SYN_TIMEOUT; 0: the configuration's */
	uint8_t syn_ack_tries;     /* repeats of a SYN-ACK; 0: the configuration's */
	uint8_t keepalive_count;   /* unanswered probes until the end; default 9 */
	uint8_t window_clamp_log;  /* reserved, 0 */
	uint32_t rcv_buf_max;      /* the largest rcv_buf that it may be given while it is open: the window scale, which
	                            * is announced once, allows for it (RFC 7323 2.2); 0 (default): rcv_buf; ..2^30 */
	tv_time keepalive_idle;    /* default 7200 s [MUST-28] */
	tv_time keepalive_interval; /* default 75 s */
	tv_time user_timeout;      /* R2: data unacknowledged; default 924.6 s; TV_NEVER: no end [MUST-21] */
	tv_time fin_wait_2;        /* limit in FIN-WAIT-2 after release; default 60 s; at most 18 h or TV_NEVER */
	tv_time linger;            /* reserved, 0 */
};

/* For tv_set() and tv_get(): one option each, with the range of its field above. */
enum tv_option {
	TV_OPT_RCV_BUF, TV_OPT_SND_BUF, TV_OPT_MSS_MAX, TV_OPT_DSCP, TV_OPT_TTL, TV_OPT_NODELAY, TV_OPT_KEEPALIVE,
	TV_OPT_KEEPALIVE_OCTET, TV_OPT_SOFT_ERRORS, TV_OPT_SYN_TRIES, TV_OPT_SYN_ACK_TRIES, TV_OPT_KEEPALIVE_COUNT,
	TV_OPT_KEEPALIVE_IDLE, TV_OPT_KEEPALIVE_INTERVAL, TV_OPT_USER_TIMEOUT, TV_OPT_FIN_WAIT_2,
	TV_OPT_CORK,               /* hold partial segments until it is cleared (at most 200 ms) */
	TV_OPT_QUICK_ACK,          /* the next ACKs are not delayed */
	TV_OPT_USER,               /* the caller's own 64 bits, told with each event */
	TV_OPT_SIDE,               /* 1: give this connection a side record (more counters in tv_info) */
	TV_OPT_FASTOPEN            /* tv_set() of a listener only: struct tv_listen_config, fastopen */
};

/* ---- The stack and its memory ---- */
/* May an active open take a local port whose TIME-WAIT to the same peer is not over (RFC 6191)? */
enum tv_reuse { TV_REUSE_OFF, TV_REUSE_LOOPBACK, TV_REUSE_ALL };

/* Kernels that copy and sum bytes; the caller says what its processor can do (posix/cpu.h asks it). */
enum tv_arch { TV_ARCH_PORTABLE, TV_ARCH_AVX2, TV_ARCH_AVX512 };

/* Is a SYN answered with a cookie, for which nothing is stored? NEVER; AUTO: when the backlog is full, or the
 * prefix holds its share of it; ALWAYS; FARM: always, and cookies of other stacks with this secret count. */
enum tv_cookies { TV_COOKIES_NEVER, TV_COOKIES_AUTO, TV_COOKIES_ALWAYS, TV_COOKIES_FARM };

struct tv_trace;
/* The observer: is told what happens; must not call into the stack. */
typedef void (*tv_trace_fn)(void *user, const struct tv_trace *trace);

struct tv_config {
	uint32_t size;
	uint8_t secret[32];        /* from a good random source; all zero is refused with TV_ESECRET */
	/* Limits: how many of each may exist; memory is reserved for them, and touched when first used. */
	uint32_t connections;      /* full records; 1..2^26 */
	uint32_t half_opens;       /* half-open records; 1..2^26 */
	uint32_t time_waits;       /* TIME-WAIT records; when full the oldest is evicted and counted */
	uint32_t busy;             /* connections with several segments in flight, or text out of order; 0: as many */
	uint32_t side_records;     /* optional counters; 0: none */
	uint32_t listeners;        /* 1..4096 */
	uint32_t links, addresses, routes, neighbours;
	uint32_t pages;            /* big pages (TV_PAGE_BYTES) for all streams together */
	uint32_t small_pages;      /* small pages (TV_SMALL_BYTES) */
	uint32_t send_pages;       /* big pages that may be in use when written text takes one; 0 (default): all but
	                            * those that are kept for the text that each peer has to send next */
	uint32_t ranges;           /* pieces in flight and out of order, all connections together */
	uint32_t ranges_each;      /* the same for one connection; default 1024 */
	uint32_t replies;          /* stateless replies that wait for tv_output(); a power of two */
	uint32_t held_max;         /* questions held by listeners with hold */
	uint32_t fastopen_paths;   /* destinations whose Fast Open cookies are remembered; ..65536; default 128 */
	uint32_t timer_budget;     /* timers run by one tv_output() call; default 1024 */
	/* What new connections get unless told otherwise. */
	struct tv_options defaults;
	/* Protocol constants: times in nanoseconds. */
	tv_time rto_first, rto_min, rto_max;
	tv_time delayed_ack;       /* at most 500 ms [MUST-40]; default 40 ms */
	tv_time two_msl;           /* default 60 s, at most 18 h [MUST-13] */
	tv_time challenge_gap;     /* between two challenge ACKs of one connection; default 500 ms */
	tv_time question_timeout;  /* how long a held SYN waits for tv_answer(); default 10 s, at most 18 h */
	tv_time persist_max;       /* longest gap between zero-window probes; default rto_max */
	uint8_t syn_linear;        /* SYN repeats before the gap doubles; default 4 */
	uint8_t syn_tries;         /* default 10 */
	uint8_t syn_ack_tries;     /* default 5 */
	uint8_t r1;                /* retransmissions until the soft event [SHLD-9, SHLD-10]; default 3 */
	/* What a peer can hold on to by doing nothing (docs/SECURITY.md). An orphan was released and has not ended. */
	uint8_t orphan_tries;      /* repeats of an orphan's text or FIN until it ends; default 8; 0: only R2 ends it */
	uint32_t orphans;          /* one more: an orphan is given up; 0 (default): as many as connections */
	tv_time orphan_timeout;    /* R2 of orphans while connections, orphans or pages are scarce; default 60 s */
	tv_time stall_min;         /* what has stalled for so long may be given up when records or pages have run
	                            * out; default 1 s; TV_NEVER: nothing is */
	enum tv_reuse time_wait_reuse;
	bool timestamps, sack, window_scale;
	bool time_wait_rst;        /* a RST ends TIME-WAIT, as RFC 9293 says; default false (RFC 1337) */
	uint16_t port_first, port_last; /* ephemeral ports; default 32768..60999 */
	uint16_t initial_window;   /* segments, RFC 6928; default 10 */
	uint32_t rst_per_second;   /* per /24 or /56; default 100 */
	uint32_t icmp_per_second;  /* default 50 */
	uint32_t replies_per_second; /* all stateless replies; default 1000; 0: no limit */
	/* Floods of SYNs (docs/SECURITY.md); listeners with hold never answer with a cookie. */
	enum tv_cookies syn_cookies; /* default TV_COOKIES_AUTO */
	uint32_t cookie_checks;    /* TV_COOKIES_FARM: failed checks per second until none is made; default 10000 */
	uint32_t syn_per_second;   /* SYNs from each prefix; more are dropped; 0 (default): no limit; ..4000000 */
	uint8_t syn_prefix_v4, syn_prefix_v6; /* bits of that prefix, ..32 and ..64; 0 (default): all together */
	bool accept_full_reset;    /* RST for a final ACK that finds the accept queue full; default: ignored */
	tv_time flood_quiet;       /* a flood is over when no SYN was too many for so long; default 10 s; 1 ms.. */
	/* Which part of a farm this stack is (see tv_steer()). */
	uint32_t stack_number, stack_count; /* 0 of 1 by default */
	uint8_t steer_key[16];
	enum tv_arch arch;
	tv_trace_fn trace;         /* NULL: none */
	void *trace_user;
};

#define TV_PAGE_BYTES 4096u
#define TV_SMALL_BYTES 256u

/* Fills in every default but the secret. */
TV_API void tv_config_default(struct tv_config *config);
TV_API void tv_options_default(struct tv_options *options);

/* Bytes that a stack with this configuration needs; 0 when the configuration is impossible. */
TV_API size_t tv_stack_size(const struct tv_config *config);

/*
 * Makes a stack in `region`, which is zeroed memory of at least tv_stack_size() bytes, aligned to
 * 64. Touches a constant number of pages. The region belongs to the stack until the caller stops
 * using it; there is nothing to tear down. TV_EINVAL, TV_ESECRET.
 */
TV_API int tv_stack_init(void *region, size_t bytes, const struct tv_config *config, tv_time now,
                         struct tv_stack **stack);

/* Replaces the secret: for ISNs, ports, timestamps of connections opened from now on. TV_ESECRET. */
TV_API int tv_reseed(struct tv_stack *stack, tv_time now, const uint8_t secret[32]);

/* The i-th range of the region that holds nothing now and may be given back to the system as zero
 * pages; false when there is no i-th one. */
TV_API bool tv_reclaimable(const struct tv_stack *stack, unsigned i, void **start, size_t *bytes);

/* Checks every invariant of the stack and of each connection; 0, or the number of the first one
 * that is broken. Slow: for tests, simulation and fuzzing. */
TV_API int tv_stack_check(const struct tv_stack *stack);

/* ---- Links, addresses, routes ---- */
enum tv_link_kind { TV_LINK_IP, TV_LINK_ETHERNET };

struct tv_link_config {
	uint32_t size;
	enum tv_link_kind kind;
	uint8_t mac[6];            /* Ethernet only */
	bool csum_offload;         /* the link fills TCP checksums (TV_PKT_CSUM_PARTIAL) */
	bool gather;               /* tv_output() may give payload as pieces (struct tv_packet) */
	uint32_t mtu;              /* largest IP packet, 576 (1280 for IPv6)..65535 */
	uint32_t gso_bytes;        /* largest super-segment that the link cuts up; 0: none; at most 65535 */
	uint8_t zone;              /* of its link-local addresses; 0: chosen by the stack */
};

/* Returns the link's number (0..), used in packets and below. TV_EINVAL, TV_EFULL. */
TV_API int tv_link_add(struct tv_stack *stack, tv_time now, const struct tv_link_config *link);
/* Changes the MTU of a link; connections follow. TV_EINVAL. */
TV_API int tv_link_mtu(struct tv_stack *stack, tv_time now, unsigned link, uint32_t mtu);
/* Gives the stack an address with its on-link prefix. TV_EINVAL, TV_EFULL, TV_EADDRINUSE. */
TV_API int tv_address_add(struct tv_stack *stack, tv_time now, unsigned link, const struct tv_addr *addr,
                          unsigned prefix_bits);
/* A route: gateway all zero means on-link. prefix_bits counts in the 16-byte form (IPv4 /0 = 96).
 * The longest prefix wins, then the lower metric. TV_EINVAL, TV_EFULL. */
TV_API int tv_route_add(struct tv_stack *stack, tv_time now, const struct tv_addr *dst,
                        unsigned prefix_bits, const struct tv_addr *gateway, unsigned link, uint32_t metric);

/* ---- Packets in and out ---- */
#define TV_PKT_CSUM_OK 1u       /* in: the link has verified the transport checksum */
#define TV_PKT_CSUM_PARTIAL 2u  /* in and out: the checksum field holds the pseudo-header's sum */

struct tv_piece {
	const uint8_t *data;
	uint32_t len;
};

/*
 * One packet: from its link header (Ethernet) or IP header (TV_LINK_IP) on.
 * Input: data, len, link, flags, seg_size (payload of each merged segment, 0: not merged), time.
 * Output: the caller sets data and cap (and pieces, piece_cap if the link gathers); the stack sets
 * the rest. With pieces, data holds the headers (len bytes), and the payload is pieces[0..piece_count),
 * valid until the next call on this stack.
 */
struct tv_packet {
	uint8_t *data;
	uint32_t len;
	uint32_t cap;
	tv_time time;              /* in: arrival (0: now); out: not to leave before */
	uint16_t link;
	uint16_t flags;
	uint16_t seg_size;         /* payload bytes of each segment of a super-segment; 0: a single one */
	uint16_t head_len;         /* out: bytes of all headers, link header included */
	uint16_t csum_start;       /* out, with TV_PKT_CSUM_PARTIAL: where the transport header begins */
	uint16_t csum_offset;      /* ... and where in it the checksum is */
	uint16_t piece_cap, piece_count;
	struct tv_piece *pieces;
};

/*
 * Takes n packets; looks at them only during the call. Afterwards events may be waiting and
 * tv_output() may have something to say. verdicts, if not NULL, gets what became of each packet.
 */
TV_API void tv_input(struct tv_stack *stack, tv_time now, const struct tv_packet *packets, unsigned n,
                     uint8_t *verdicts);

/*
 * Runs due timers and fills at most cap packets; returns how many. A packet handed out counts as
 * sent. Call again while it returns cap. `link` restricts it to one link; TV_ANY_LINK: all, and
 * packet.link says which. A packet's own cap should hold the link's MTU (or gso_bytes) and 64; with
 * less room segments are shorter. From the first one below TV_PACKET_MIN on nothing is filled.
 */
#define TV_PACKET_MIN 128u
#define TV_ANY_LINK UINT32_MAX
TV_API unsigned tv_output(struct tv_stack *stack, tv_time now, uint32_t link, struct tv_packet *packets,
                          unsigned cap);

/* The latest moment at which tv_output() should next be called; may be in the past; TV_NEVER. It is now while
 * packets wait, also for a link that cannot take any: then wait until that link can. */
TV_API tv_time tv_deadline(const struct tv_stack *stack);

/* Which stack of `count` a packet (from its IP header on) belongs to: a symmetric keyed hash of the
 * tuple; an ICMP error goes by the tuple that it quotes. 0 for what has no tuple. Pure. */
TV_API uint32_t tv_steer(const uint8_t *ip, size_t len, const uint8_t key[16], uint32_t count);

/* ---- User calls (RFC 9293 3.9.1) ---- */
struct tv_listen_config {
	uint32_t size;
	struct tv_addr addr;       /* all zero: any address of this stack (both families) */
	uint8_t zone;
	bool only_v4, only_v6;     /* with any address: only this family */
	uint16_t port_first, port_last; /* a range; 0..0: any port */
	bool hold;                 /* each SYN is held as a question until tv_answer() */
	bool any_address;          /* answer for every destination that arrives, ours or not (gateways) */
	uint32_t backlog;          /* half-open records, and unaccepted connections, at most; 1..; default 1024 */
	uint32_t fastopen;         /* Fast Open (see there): pending connections, at most; 0 (default): off */
	const struct tv_options *options; /* NULL: the stack's defaults; copied */
	uint64_t user;             /* inherited by its connections */
};
TV_API void tv_listen_default(struct tv_listen_config *config);

/* Passive OPEN. TV_EINVAL, TV_EFULL, TV_EADDRINUSE (same address and range), TV_EADDRNOTAVAIL. */
TV_API int tv_listen(struct tv_stack *stack, tv_time now, const struct tv_listen_config *config,
                     tv_handle *listener);
/* Takes the oldest established connection of a listener. TV_AGAIN when there is none. */
TV_API int tv_accept(struct tv_stack *stack, tv_time now, tv_handle listener, tv_handle *connection);

enum tv_answer_kind { TV_ANSWER_ACCEPT, TV_ANSWER_REFUSE, TV_ANSWER_UNREACHABLE, TV_ANSWER_DROP };
struct tv_answer {
	uint32_t size;
	enum tv_answer_kind kind;
	uint8_t icmp_type, icmp_code;     /* TV_ANSWER_UNREACHABLE */
	struct tv_addr icmp_from;         /* its sender, of the SYN's family; all zero: the SYN's destination */
	const struct tv_options *options; /* TV_ANSWER_ACCEPT: the connection's; NULL: the listener's */
	uint64_t user;
};
/*
 * Answers a held SYN. With TV_ANSWER_ACCEPT *connection is the handle of the connection (now in
 * SYN-RECEIVED); the question's handle is stale afterwards in every case. TV_ESTALE: too late.
 */
TV_API int tv_answer(struct tv_stack *stack, tv_time now, tv_handle question, const struct tv_answer *answer,
                     tv_handle *connection);

struct tv_connect_config {
	uint32_t size;
	struct tv_endpoint remote;
	struct tv_endpoint local;         /* all zero: chosen (RFC 6724, RFC 6056) [MUST-43, MUST-44] */
	const struct tv_options *options; /* NULL: the stack's defaults; copied */
	uint64_t user;
	bool fastopen;                    /* Fast Open (see there): what tv_send() takes at once goes on the SYN */
};
TV_API void tv_connect_default(struct tv_connect_config *config);
/* What TV_EPORTS means in numbers; filled by tv_connect() when it returns that. */
struct tv_ports_full {
	uint32_t time_waits;       /* of the ports towards this destination, how many are in TIME-WAIT */
	tv_time first_free;        /* when the first of them ends; TV_NEVER: none is */
};
/*
 * Active OPEN. At most 64 ports are tried in a call; TV_AGAIN: call again, the search goes on where
 * it stopped. TV_EPORTS fills *full (may be NULL). TV_ENOTPERM, TV_ENOROUTE, TV_EADDRNOTAVAIL,
 * TV_EADDRINUSE, TV_EISCONN (explicit local port whose tuple exists), TV_EFULL, TV_EINVAL (also for
 * fastopen in a stack without fastopen_paths).
 */
TV_API int tv_connect(struct tv_stack *stack, tv_time now, const struct tv_connect_config *config,
                      tv_handle *connection, struct tv_ports_full *full);

/*
 * Calls on these connections follow at once: their records (256 bytes each) are fetched into the processor's cache side
 * by side, where each of the calls would wait for its own. It is worth it among so many connections that the records do
 * not fit there, for some dozens at a time. Changes nothing; a stale handle does no harm.
 */
TV_API void tv_fetch(const struct tv_stack *stack, const tv_handle *connections, unsigned n);

#define TV_SEND_MORE 1u    /* more follows at once: a partial segment may wait (at most 200 ms) */
#define TV_SEND_URGENT 2u  /* the last byte is the last urgent one (RFC 6093: for old protocols only) */
#define TV_SEND_FIN 4u     /* shut down sending behind these bytes, if all of them were taken */
/*
 * SEND. Copies up to len bytes; returns how many (>= 1), TV_AGAIN when the send buffer or the pages
 * are full (TV_EV_WRITABLE follows), TV_ECLOSING after shutdown or close, TV_ECLOSED, TV_ESTALE.
 */
TV_API int64_t tv_send(struct tv_stack *stack, tv_time now, tv_handle connection, const void *data, size_t len,
                       unsigned flags);
#define TV_RECV_PEEK 1u    /* leave the bytes where they are */
/*
 * RECEIVE. Copies up to len bytes; returns how many, 0 at the end of the stream (FIN) [MUST-12],
 * TV_AGAIN when there is nothing yet, TV_ECLOSED after a reset or time-out, TV_ESTALE. What arrived
 * before a FIN can be read in every later state.
 */
TV_API int64_t tv_recv(struct tv_stack *stack, tv_time now, tv_handle connection, void *data, size_t len,
                       unsigned flags);
/* Looks at up to n pieces of what tv_recv() would give, without copying; returns how many pieces.
 * Valid until the next call on this stack. tv_consume() then drops bytes (at most what is there). */
TV_API int tv_peek(struct tv_stack *stack, tv_handle connection, struct tv_piece *pieces, unsigned n);
TV_API int64_t tv_consume(struct tv_stack *stack, tv_time now, tv_handle connection, size_t bytes);

/* Half-close: sends FIN behind all queued data; receiving goes on. TV_ECLOSING twice, TV_ESTATE. */
TV_API int tv_shutdown(struct tv_stack *stack, tv_time now, tv_handle connection);
/*
 * CLOSE. A listener: its questions and unaccepted connections are reset (a walk over all records). A
 * connection: FIN behind all queued data, or RST if unread data is there [SHLD-3]; nothing more can be
 * read. The handle stays valid until released. Calling it twice is harmless.
 */
TV_API int tv_close(struct tv_stack *stack, tv_time now, tv_handle handle);
/* ABORT: RST where RFC 9293 3.10.5 says so, then CLOSED with TV_R_ABORTED. */
TV_API int tv_abort(struct tv_stack *stack, tv_time now, tv_handle connection);
/* Gives the handle back. A connection that has not ended is closed and goes on by itself. */
TV_API int tv_release(struct tv_stack *stack, tv_time now, tv_handle handle);

TV_API int tv_set(struct tv_stack *stack, tv_time now, tv_handle handle, enum tv_option option, uint64_t value);
TV_API int tv_get(const struct tv_stack *stack, tv_handle handle, enum tv_option option, uint64_t *value);

/*
 * ---- Fast Open (RFC 7413): data on the SYN ----
 *
 * THE DATA ON A SYN MAY BE DELIVERED TWICE, to two connections: when the network duplicates the SYN, and when
 * the first connection is forgotten before the second copy comes (RFC 7413 2.1, 6.1). Off by default; turn it on
 * only for a service to which a repeated request does no harm, on both sides.
 *
 * Client: tv_connect() with fastopen, and then tv_send() before the next tv_output(), which builds the SYN. If a
 * cookie of the destination is known, the SYN carries it with as much of the data as fits (the smaller of the MSS
 * that the destination announced last and of the path's, less 40); the rest follows after the handshake. If none
 * is known the SYN asks for one. In every other case, too, the connection opens as if Fast Open had not been
 * tried; tv_info() tells what became of it (enum tv_fastopen). A SYN is repeated without option and data. A
 * destination with which it failed is left alone for 60 s, and for twice as long each time in a row (RFC 7413
 * 4.1.3.1): no answer to a SYN with cookie or request, an ICMP error, or two requests (of kind 34, then of kind
 * 254) that were answered without a cookie.
 *
 * Server: tv_listen_config.fastopen, or TV_OPT_FASTOPEN, says how many connections may be pending: opened by a
 * cookie, and the final ACK not there. Above it handshakes are ordinary ones and no cookie is given; one that was
 * reset counts for another minute (RFC 7413 5.1), and its data can still be read. A connection is told by
 * TV_EV_ACCEPT at once, with the data to be read, in SYN-RECEIVED; tv_send() sends up to the initial window, and
 * FIN waits for the final ACK, which is told by TV_EV_CONNECTED if the connection was accepted before. What a SYN
 * cookie answers, what a listener with hold is asked, and a SYN to a tuple in TIME-WAIT open without it.
 */
#define TV_FASTOPEN_PENDING 128u   /* the usual limit */
/*
 * The keys of the server's cookies, which are those that Linux makes of the same 16 bytes (its socket option
 * TCP_FASTOPEN_KEY; the sysctl net.ipv4.tcp_fastopen_key shows them as four words, each of them little-endian).
 * A cookie is SipHash-2-4 of the client's and our address. Cookies of the backup key are good too, and answered with
 * one of the primary: to change keys, make the old one the backup. primary NULL (the default): a key derived from
 * the secret; backup NULL: none. Copied. TV_OK.
 */
TV_API int tv_fastopen_keys(struct tv_stack *stack, tv_time now, const uint8_t primary[16], const uint8_t backup[16]);

/* What the client remembers of a destination; when there are too many the one not used for longest goes. */
struct tv_fastopen_path {
	uint32_t size;
	struct tv_addr addr;
	uint8_t zone;              /* of a link-local address, else 0 */
	uint8_t cookie_len;        /* 4..16 and even; 0: no cookie */
	bool experimental;         /* option kind 254 (magic 0xF989), not 34 */
	uint8_t failures;          /* in a row */
	uint16_t mss;              /* that it announced; 0: not known */
	uint8_t cookie[16];
	tv_time backoff;           /* how long from now on Fast Open is not tried; 0: it is; ..30720 s */
};
/* Iterates, for a file: start with *cursor 0; path->size says how much is filled in. false at the end. */
TV_API bool tv_fastopen_next(const struct tv_stack *stack, uint64_t *cursor, struct tv_fastopen_path *path);
/* Remembers a destination, as if it had answered so; with neither cookie nor failures: forgets it. Copied.
 * TV_EINVAL; TV_EFULL: fastopen_paths is 0. */
TV_API int tv_fastopen_put(struct tv_stack *stack, tv_time now, const struct tv_fastopen_path *path);

/* ---- Events ---- */
#define TV_EV_QUESTION 1u      /* handle is a held SYN: tv_info() describes it, tv_answer() answers */
#define TV_EV_ACCEPT 2u        /* handle is a listener: tv_accept() has something */
#define TV_EV_CONNECTED 4u     /* active open, accepted question or pending Fast Open: ESTABLISHED */
#define TV_EV_READABLE 8u      /* new bytes where there were none */
#define TV_EV_WRITABLE 16u     /* room again after tv_send() could not take all */
#define TV_EV_PEER_CLOSED 32u  /* FIN: the stream ends behind what can be read */
#define TV_EV_URGENT 64u       /* the peer's urgent pointer appeared or moved [MUST-32] */
#define TV_EV_SOFT_ERROR 128u  /* see tv_info: soft_reason, or retransmissions reached R1 */
#define TV_EV_DRAINED 256u     /* everything written was acknowledged */
#define TV_EV_CLOSED 512u      /* the end of both directions (TIME-WAIT may go on); reason says why */
#define TV_EV_FLOOD 1024u      /* handle is a listener: more SYNs than its limits allow; tv_info: flood */
#define TV_EV_FLOOD_OVER 2048u /* handle is a listener: none were for flood_quiet */

struct tv_event {
	tv_handle handle;
	uint64_t user;
	uint32_t flags;
	enum tv_reason reason;
};
/* Takes the next record with news; false when there is none. Each flag is told once per edge. */
TV_API bool tv_event(struct tv_stack *stack, struct tv_event *event);

/* ---- STATUS ---- */
/* A flood of SYNs at a listener: the one that goes on, or the last. */
struct tv_flood {
	bool on;
	tv_time began, last;               /* last: the last SYN that was too many */
	uint64_t syns, cookies, accepted, dropped; /* since it began: SYNs; cookies sent, accepted; SYNs dropped */
};

/* What tv_info() tells; fields from `bytes_sent` on are zero without a side record (has_side). */
struct tv_info {
	uint32_t size;
	enum tv_state state;
	enum tv_reason reason, soft_reason;
	enum tv_fastopen fastopen;
	struct tv_endpoint local, remote;
	bool active_open, released, user_closed, has_side, from_cookie;
	bool timestamps, sack, window_scale;
	uint8_t snd_scale, rcv_scale;      /* of the peer's and of our window */
	uint8_t retransmits, backoff, probes, dup_acks;
	uint8_t recovery;                  /* 0: none, 1: fast recovery, 2: after a time-out */
	uint8_t dscp, ttl, soft_icmp_type, soft_icmp_code;
	uint32_t iss, irs;
	uint32_t snd_una, snd_nxt, snd_wnd, snd_wl1, snd_wl2, snd_max_wnd;
	uint32_t rcv_nxt, rcv_wnd;
	uint32_t mss_snd, mss_rcv, mss_peer, pmtu; /* in use; announced by us; announced by the peer */
	uint32_t cwnd, ssthresh;           /* bytes; ssthresh 2^30: nothing was lost yet */
	uint32_t srtt_us, rttvar_us, min_rtt_us, rto_us;
	uint32_t bytes_unread, bytes_queued, bytes_in_flight, bytes_out_of_order;
	/* Of what was written: sent and not acknowledged; never sent. Both also tell of a connection that has ended
	 * what became of the rest: each octet is acknowledged, unacknowledged or unsent. */
	uint32_t bytes_unacked, bytes_unsent;
	uint32_t bytes_sacked, bytes_lost, bytes_repeated; /* of those in flight */
	uint32_t urgent_left;              /* unread, up to and with the urgent octet; 0: none [MUST-33] */
	uint32_t peer_syn_options;         /* of a question: bit n is option kind n, n < 32 */
	tv_time timer;                     /* when this connection next wants something; TV_NEVER */
	tv_time last_received;             /* when something acceptable last arrived */
	/* When its SYN was first sent, or came, to 4 us. 0: not known: it came from a SYN cookie, took over from a
	 * TIME-WAIT record, or is about as old as the last tv_reseed(). From 25 days on, 25 days too late. */
	tv_time opened;
	uint64_t user;
	tv_handle listener;                /* that it came to; 0: none, or closed since */
	struct tv_flood flood;             /* of a listener */
	/* side record */
	uint64_t bytes_sent, bytes_acked, bytes_received, bytes_retransmitted;
	uint64_t segs_out, segs_in, data_segs_out, data_segs_in, retransmitted_segs;
	tv_time last_data_sent, last_data_received; /* 0: never */
	uint32_t dsacks_received, out_of_order_segs, duplicate_segs, rto_events, recoveries, challenge_acks;
};
/* Describes a connection, a question or a listener; info->size says how much of it. TV_ESTALE;
 * TV_EINVAL: no size. */
TV_API int tv_info(const struct tv_stack *stack, tv_handle handle, struct tv_info *info);

/* Iterates over everything: start with *cursor 0; half-open and TIME-WAIT records have handle 0 and
 * only the fields that they know; info->size says how much. false at the end. Other calls may come in
 * between: a record that is there all the time is told once. */
TV_API bool tv_next(const struct tv_stack *stack, uint64_t *cursor, tv_handle *handle, struct tv_info *info);

/* Counters of the stack; names.h lists them. */
struct tv_counters {
	uint32_t size;
	uint32_t connections, half_opens, time_waits, listeners; /* in use now */
	uint32_t orphans;          /* of these connections */
	uint32_t pages_used, small_pages_used, ranges_used;
#define X(name) uint64_t name;
	TV_COUNTERS(X)
#undef X
	uint64_t verdicts[TV_VERDICT_COUNT];
	uint64_t reasons[TV_REASON_COUNT];
};
/* Fills as much as counters->size says. */
TV_API void tv_counters(const struct tv_stack *stack, struct tv_counters *counters);

enum tv_trace_kind { TV_TRACE_IN, TV_TRACE_OUT, TV_TRACE_STATE, TV_TRACE_END };
struct tv_trace {
	enum tv_trace_kind kind;
	tv_time now;
	tv_handle handle;          /* 0: none, or none any more: RST, ICMP and what half-open records send */
	const uint8_t *ip;         /* IN, OUT: the packet from its IP header on (headers only when gathered) */
	uint32_t len;
	enum tv_verdict verdict;   /* IN */
	enum tv_state from, to;    /* STATE */
	enum tv_reason reason;     /* END */
};

#ifdef __cplusplus
}
#endif
#endif
