/*
 * sockets.h - sockets-like calls on a Trivet stack, over any link and any clock.
 *
 * An instance (struct sockets) turns descriptors, addresses and flags as programs know them into
 * calls of <trivet/trivet.h>, and what comes back into the results that Linux gives: a number >= 0,
 * or a negative errno (-EAGAIN), as the kernel's own calls return it. There is no global state:
 * each stack has an instance of its own, which takes all of that stack's events.
 *
 * Nothing here waits. A call that may take time is an operation: the caller fills in a struct
 * sockets_op, gives it to sockets_step(), and repeats that until the answer is not SOCKETS_WAIT.
 * Between two steps the caller moves packets and time. sockets_run() is that loop for callers who
 * have a pump: a function that carries packets until something may have changed or a moment has
 * come. A simulator steps many operations in turn; a program that owns a TUN device uses
 * sockets_run(). A non-blocking socket (O_NONBLOCK, MSG_DONTWAIT) never answers SOCKETS_WAIT.
 *
 * Differences from Linux, because the stack differs: urgent data always stays in the stream, as if
 * SO_OOBINLINE were set (RFC 6093), and unread data is gone after a RST, but for that of a SYN (Fast
 * Open).
 */
#ifndef POSIX_SOCKETS_H
#define POSIX_SOCKETS_H

#include <trivet/trivet.h>

#include <limits.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>

struct sockets;

/* Carries packets until something may have changed, at the latest until `deadline`. False: give up,
 * the call ends with -EINTR. */
typedef bool (*sockets_pump_fn)(void *user, tv_time deadline);
typedef tv_time (*sockets_clock_fn)(void *user);

struct sockets_config {
	struct tv_stack *stack;
	sockets_clock_fn now;
	sockets_pump_fn pump;      /* may be NULL: then sockets_run() must not be used */
	void *user;                /* given to both */
	struct tv_options options; /* what new sockets start with: tv_options_default() or changed */
	uint16_t mss_default;      /* what TCP_MAXSEG says before there is a connection; 0: 536 */
	bool side_records;         /* ask for one with each connection: TCP_INFO tells more */
	unsigned fastopen;         /* SOCKETS_FASTOPEN_ */
};

/* Who may use Fast Open (RFC 7413), as net.ipv4.tcp_fastopen says it; the client needs a stack with fastopen_paths. */
#define SOCKETS_FASTOPEN_CLIENT 1u
#define SOCKETS_FASTOPEN_SERVER 2u
#define SOCKETS_FASTOPEN_EVERY_LISTENER 0x400u /* also those that did not set TCP_FASTOPEN */

/* NULL when memory is short. The stack outlives the instance. */
struct sockets *sockets_new(const struct sockets_config *config);
/* Forgets every descriptor; connections that were open are aborted. */
void sockets_free(struct sockets *s);

/* ------------------------------------------------------------------ calls that never wait */

/* domain AF_INET or AF_INET6; type SOCK_STREAM, with SOCK_NONBLOCK and SOCK_CLOEXEC. */
int sockets_socket(struct sockets *s, int domain, int type, int protocol);
int sockets_bind(struct sockets *s, int fd, const struct sockaddr *addr, socklen_t len);
int sockets_listen(struct sockets *s, int fd, int backlog);
int sockets_shutdown(struct sockets *s, int fd, int how);
int sockets_getsockname(struct sockets *s, int fd, struct sockaddr *addr, socklen_t *len);
int sockets_getpeername(struct sockets *s, int fd, struct sockaddr *addr, socklen_t *len);
int sockets_setsockopt(struct sockets *s, int fd, int level, int name, const void *value, socklen_t len);
int sockets_getsockopt(struct sockets *s, int fd, int level, int name, void *value, socklen_t *len);
/* F_GETFL, F_SETFL (O_NONBLOCK), F_GETFD, F_SETFD. */
int sockets_fcntl(struct sockets *s, int fd, int command, int argument);
/* SIOCINQ (FIONREAD), SIOCOUTQ, SIOCOUTQNSD, SIOCATMARK, FIONBIO. */
int sockets_ioctl(struct sockets *s, int fd, unsigned long request, int *value);
int sockets_epoll_create(struct sockets *s, int flags);
int sockets_epoll_ctl(struct sockets *s, int epfd, int op, int fd, const struct epoll_event *event);
/* Which of POLLIN, POLLOUT, POLLRDHUP, POLLERR, POLLHUP hold now; POLLNVAL for no descriptor. */
int sockets_ready(struct sockets *s, int fd);
/* The stack's handle behind a descriptor; 0: none. */
tv_handle sockets_handle(const struct sockets *s, int fd);

/* ------------------------------------------------------------------ operations */

enum sockets_call {
	SOCKETS_ACCEPT,  /* fd, addr, addr_len, flags (SOCK_NONBLOCK) */
	SOCKETS_CONNECT, /* fd, to, to_len; AF_UNSPEC dissolves the association */
	SOCKETS_SEND,    /* fd, iov, iov_count, flags; to, to_len with MSG_FASTOPEN */
	SOCKETS_RECV,    /* fd, iov, iov_count, flags; msg_flags comes back */
	SOCKETS_CLOSE,   /* fd: waits only when SO_LINGER says so */
	SOCKETS_POLL,    /* fds, fd_count, timeout_ms */
	SOCKETS_EPOLL    /* fd, events, fd_count, timeout_ms */
};

struct sockets_op {
	enum sockets_call call;
	int fd;
	int flags;
	struct sockaddr *addr;
	socklen_t *addr_len;
	const struct sockaddr *to;
	socklen_t to_len;
	const struct iovec *iov;
	int iov_count;
	int msg_flags;             /* out: MSG_TRUNC ... of a receive */
	int64_t inq;               /* out: bytes left to read, for TCP_CM_INQ; -1: not asked for */
	struct pollfd *fds;
	struct epoll_event *events;
	int fd_count;
	int timeout_ms;            /* < 0: for ever */
	/* The rest belongs to sockets_step(); zero at the start. */
	bool begun, opened;
	size_t done;
	tv_time deadline;
};

#define SOCKETS_WAIT INT64_MIN

/* Goes on with an operation as far as it can: its result, or SOCKETS_WAIT. */
int64_t sockets_step(struct sockets *s, struct sockets_op *op);
/* When a waiting operation gives up: the caller steps it again not later than this; TV_NEVER. */
tv_time sockets_op_deadline(const struct sockets_op *op);
/* Steps and pumps until there is a result. */
int64_t sockets_run(struct sockets *s, struct sockets_op *op);

/* The usual calls, for callers with a pump. */
int sockets_accept(struct sockets *s, int fd, struct sockaddr *addr, socklen_t *len);
int sockets_connect(struct sockets *s, int fd, const struct sockaddr *addr, socklen_t len);
int64_t sockets_send(struct sockets *s, int fd, const void *data, size_t len, int flags);
int64_t sockets_recv(struct sockets *s, int fd, void *data, size_t len, int flags);
int sockets_poll(struct sockets *s, struct pollfd *fds, int count, int timeout_ms);
int sockets_close(struct sockets *s, int fd);

/* How often a SYN is repeated when Linux is told this number (TCP_SYNCNT, tcp_syn_retries). */
uint8_t sockets_syn_repeats(unsigned count);

/* Reads one Fast Open key, or two with a comma between them, as the sysctl net.ipv4.tcp_fastopen_key shows them: 32
 * hexadecimal digits each, with or without dashes. How many there were, 0 if the text is anything else; keys gets
 * them as TCP_FASTOPEN_KEY and tv_fastopen_keys() take them. */
#define SOCKETS_FASTOPEN_KEY 16u
unsigned sockets_fastopen_keys(const char *text, uint8_t keys[2 * SOCKETS_FASTOPEN_KEY]);

/* ------------------------------------------------------------------ TCP_INFO */

/*
 * Linux's struct tcp_info, field by field, with the same layout. X(type, name, known): known is 1
 * when the stack can tell the value, 0 when it is always zero.
 */
#define SOCKETS_TCP_INFO(X)                                                                         \
	X(uint8_t, tcpi_state, 1) X(uint8_t, tcpi_ca_state, 1) X(uint8_t, tcpi_retransmits, 1)      \
	X(uint8_t, tcpi_probes, 1) X(uint8_t, tcpi_backoff, 1) X(uint8_t, tcpi_options, 1)          \
	X(uint8_t, tcpi_wscales, 1) X(uint8_t, tcpi_bits, 1)                                        \
	X(uint32_t, tcpi_rto, 1) X(uint32_t, tcpi_ato, 0) X(uint32_t, tcpi_snd_mss, 1)              \
	X(uint32_t, tcpi_rcv_mss, 0) X(uint32_t, tcpi_unacked, 1) X(uint32_t, tcpi_sacked, 1)       \
	X(uint32_t, tcpi_lost, 1) X(uint32_t, tcpi_retrans, 1) X(uint32_t, tcpi_fackets, 0)         \
	X(uint32_t, tcpi_last_data_sent, 0) X(uint32_t, tcpi_last_ack_sent, 0)                      \
	X(uint32_t, tcpi_last_data_recv, 0) X(uint32_t, tcpi_last_ack_recv, 1)                      \
	X(uint32_t, tcpi_pmtu, 1) X(uint32_t, tcpi_rcv_ssthresh, 0) X(uint32_t, tcpi_rtt, 1)        \
	X(uint32_t, tcpi_rttvar, 1) X(uint32_t, tcpi_snd_ssthresh, 1) X(uint32_t, tcpi_snd_cwnd, 1) \
	X(uint32_t, tcpi_advmss, 1) X(uint32_t, tcpi_reordering, 0) X(uint32_t, tcpi_rcv_rtt, 0)    \
	X(uint32_t, tcpi_rcv_space, 0) X(uint32_t, tcpi_total_retrans, 1)                           \
	X(uint64_t, tcpi_pacing_rate, 0) X(uint64_t, tcpi_max_pacing_rate, 0)                       \
	X(uint64_t, tcpi_bytes_acked, 1) X(uint64_t, tcpi_bytes_received, 1)                        \
	X(uint32_t, tcpi_segs_out, 1) X(uint32_t, tcpi_segs_in, 1) X(uint32_t, tcpi_notsent_bytes, 1) \
	X(uint32_t, tcpi_min_rtt, 1) X(uint32_t, tcpi_data_segs_in, 1)                              \
	X(uint32_t, tcpi_data_segs_out, 1) X(uint64_t, tcpi_delivery_rate, 0)                       \
	X(uint64_t, tcpi_busy_time, 0) X(uint64_t, tcpi_rwnd_limited, 0)                            \
	X(uint64_t, tcpi_sndbuf_limited, 0) X(uint32_t, tcpi_delivered, 0)                          \
	X(uint32_t, tcpi_delivered_ce, 0) X(uint64_t, tcpi_bytes_sent, 1)                           \
	X(uint64_t, tcpi_bytes_retrans, 1) X(uint32_t, tcpi_dsack_dups, 1)                          \
	X(uint32_t, tcpi_reord_seen, 0) X(uint32_t, tcpi_rcv_ooopack, 1) X(uint32_t, tcpi_snd_wnd, 1) \
	X(uint32_t, tcpi_rcv_wnd, 1) X(uint32_t, tcpi_rehash, 0) X(uint16_t, tcpi_total_rto, 1)     \
	X(uint16_t, tcpi_total_rto_recoveries, 1) X(uint32_t, tcpi_total_rto_time, 0)

struct sockets_tcp_info {
#define X(type, name, known) type name;
	SOCKETS_TCP_INFO(X)
#undef X
};

#endif
