/*
 * One run of one script for one IP version: a stack, its sockets, virtual time, and what was sent.
 * Shared by run.c (time and events), packets.c (packets) and call_*.c (system calls).
 */
#ifndef RUNNER_RUNNER_H
#define RUNNER_RUNNER_H

#include "assertion.h"
#include "conn.h"
#include "match.h"
#include "setup.h"

#include "posix/sockets.h"

/* Virtual time begins here: not at 0, which some values take for "never". */
#define TIME_BASE (10 * TV_S)

#define FDS_MAX 256
#define IOV_MAX_HERE 64
#define POLL_MAX 32

/* A packet that the stack has sent and no event has taken yet. */
struct sent {
	struct sent *next;
	int64_t time_ns;
	struct conn *conn;       /* NULL: of none that the script knows */
	const char *malformed;   /* what is wrong with it, or NULL */
	struct wire_packet wire;
};

struct call;

struct runner {
	struct script *script;
	struct arena *arena;
	struct setup setup;
	struct fail *f;
	bool verbose;
	struct tv_stack *stack;
	void *region;
	struct sockets *sockets;
	unsigned link;
	int64_t now_ns;             /* since the start of the script */
	int64_t previous_ns;        /* when the event before this one happened */
	const struct event *event;  /* being run */
	struct conn *conns;
	struct conn *current;       /* the one that packets without ports are about */
	uint16_t next_port;
	int fds[FDS_MAX];           /* descriptor of the script -> of the sockets; 0: none */
	int last_fd;                /* of the script: the socket that was opened last */
	struct sent *sent;          /* oldest first */
	struct sent **sent_tail;
	unsigned long sent_count;   /* ever */
	struct call *pending;       /* a blocking call under way */
	struct assertion_memory memory;
};

/* ------------------------------------------------------------------------- run.c -------- */

tv_time runner_time(const struct runner *r);

/* Lets the stack say what it has to say now, and goes on with a blocking call. */
bool runner_settle(struct runner *r);

/* Lets time pass until `until_ns`. */
bool runner_advance(struct runner *r, int64_t until_ns);

/* One step: to the next moment at which something happens, if that is not after `until_ns`.  False
 * if there is none, or after a failure (see r->f). */
bool runner_step(struct runner *r, int64_t until_ns);

/* Is `at` between the two moments, give or take the tolerance? */
bool runner_on_time(const struct runner *r, int64_t at, int64_t from, int64_t to);

/* ------------------------------------------------------------------------- packets.c ---- */

/* Takes what the stack has sent; how many packets. */
unsigned packets_collect(struct runner *r);

/* Delivers the packet of an event. */
bool packets_deliver(struct runner *r, const struct packet_spec *spec);

/* Waits for the packet that an event expects, between two moments, and compares it. */
bool packets_expect(struct runner *r, const struct packet_spec *spec, int64_t from, int64_t to);

/* A connection that connect() opens on a descriptor of the script. */
struct conn *packets_connecting(struct runner *r, int script_fd, uint16_t port,
                                const struct tv_addr *remote);

/* The connection of a descriptor of the script; NULL. */
struct conn *packets_conn_of(struct runner *r, int script_fd);

/* Attaches a descriptor to the connection with these ports. */
void packets_attach(struct runner *r, int script_fd, uint16_t local_port, uint16_t remote_port);

/* True if no RST and nothing malformed is left that was sent before the last event and never
 * expected. */
bool packets_check_rest(struct runner *r);

/* ------------------------------------------------------------------------- call.c ------- */

/*
 * A system call under way.  `prepare` functions (one for each name) evaluate the arguments and
 * either have the result at once or set up an operation; `finish` looks at what came back.
 */
struct call {
	const struct call_spec *spec;
	const struct event *event;
	int64_t end_ns;            /* when a blocking call must return */
	bool is_op;
	struct sockets_op op;
	int64_t result;            /* >= 0, or a negative errno */
	bool (*finish)(struct runner *r, struct call *c);
	bool makes_fd;             /* the result is a descriptor */
	int script_fd;
	struct iovec iov[IOV_MAX_HERE];
	uint8_t *buffer;
	size_t length;
	size_t start;              /* where in the stream a write begins */
	struct conn *conn;
	struct pollfd fds[POLL_MAX];
	struct epoll_event events[POLL_MAX];
	struct sockaddr_storage address;
	socklen_t address_size;
	const struct expr *wanted; /* what `finish` compares with */
};

/* Starts the call of an event.  A blocking one may be left pending. */
bool call_start(struct runner *r, const struct event *event, int64_t end_ns);

/* Goes on with a pending call; *progress tells that it has ended. */
bool call_continue(struct runner *r, bool *progress);

/* Lets time pass until the pending call has ended. */
bool call_await(struct runner *r);

typedef bool (*call_prepare)(struct runner *r, struct call *c);

/* Looks a call up by name in the two rooms that implement them; NULL. */
call_prepare call_of_stream(const char *name);
call_prepare call_of_control(const char *name);

/* Argument n; NULL and a failure if it is missing. */
const struct expr *call_argument(struct runner *r, const struct call *c, int n);
bool call_count(struct runner *r, const struct call *c, int count);
bool call_int(struct runner *r, const struct call *c, int n, int *out);
/* Argument n as a descriptor of the script: *out gets that of the sockets (or -1: EBADF). */
bool call_fd(struct runner *r, struct call *c, int n, int *out);
/* The descriptor of the sockets for one of the script; -1 if there is none. */
int call_live_fd(const struct runner *r, int script_fd);

#endif
