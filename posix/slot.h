/*
 * slot.h - what one descriptor is. Shared by the files of this room and by nobody else.
 *
 * A slot holds what the program has said and not yet handed to the stack (a local address, options
 * before there is a connection) and what Linux would remember about a socket: the pending error,
 * which directions are shut, whether connect() has told its result. Everything else is asked of the
 * stack when it is needed, so that the two cannot disagree.
 */
#ifndef POSIX_SLOT_H
#define POSIX_SLOT_H

#include "posix/sockets.h"

#define FIRST_FD 3 /* as in a fresh program, where 0, 1 and 2 are taken */

enum slot_kind { SLOT_FREE, SLOT_TCP, SLOT_EPOLL };

enum slot_phase {
	PHASE_NEW,        /* no connection: never, or dissolved */
	PHASE_LISTENING,
	PHASE_CONNECTING, /* active open under way */
	PHASE_CONNECTED,  /* from ESTABLISHED on, whatever is shut */
	PHASE_ENDED       /* the stack has told TV_EV_CLOSED */
};

struct watch {
	int fd;
	uint32_t born;    /* of the watched slot: descriptors are reused */
	struct epoll_event event;
	uint32_t told;    /* what was ready when it was last looked at */
	uint32_t arrived; /* RCV.NXT then */
	bool off;         /* EPOLLONESHOT has fired */
};

struct slot {
	enum slot_kind kind;
	uint32_t born;    /* counts the slots ever opened */
	int domain;
	bool nonblock, cloexec, only_v6;
	bool reuse_addr, reuse_port;
	enum slot_phase phase;
	bool told;        /* connect() has told how it ended */
	bool shut_rd, shut_wr, peer_closed;
	bool closing;     /* close() lingers */
	int error;        /* pending, as SO_ERROR tells it; positive */
	int soft_error;   /* what ICMP said last; told by SO_ERROR alone */
	tv_handle handle; /* connection or listener; 0: none */
	tv_handle ahead;  /* listener: a connection that was taken to see whether there is one */
	bool bound;
	struct tv_endpoint local;
	struct tv_options options;
	bool linger;
	int linger_s;
	tv_time rcv_timeout, snd_timeout; /* 0: none */
	int rcv_lowat;
	uint32_t notsent_lowat; /* 0: no limit */
	int syn_count;    /* as TCP_SYNCNT was told */
	bool inq, cork, quickack_off;
	bool fastopen_connect; /* TCP_FASTOPEN_CONNECT */
	bool deferred;    /* connect() has said 0, and the first write opens the connection to `remote` */
	struct tv_endpoint remote;
	uint32_t fastopen_pending; /* TCP_FASTOPEN */
	struct watch *watches;
	int watch_count;
};

struct sockets {
	struct sockets_config config;
	struct slot **slots; /* index is fd - FIRST_FD; pointers stay put */
	int slot_count;
	uint32_t births;
	uint8_t fastopen_keys[2 * SOCKETS_FASTOPEN_KEY]; /* as TCP_FASTOPEN_KEY told them */
	socklen_t fastopen_keys_len;
};

/* The slot of a TCP descriptor, or NULL (the caller answers -EBADF, or -ENOTSOCK). */
struct slot *sockets_slot(const struct sockets *s, int fd);
struct slot *sockets_any_slot(const struct sockets *s, int fd);
/* Takes the lowest free descriptor; -EMFILE or -ENOMEM. */
int sockets_new_fd(struct sockets *s, enum slot_kind kind);
void sockets_free_fd(struct sockets *s, int fd);

/* Takes the stack's events and writes them into the slots. */
void sockets_pull(struct sockets *s);
tv_time sockets_now(const struct sockets *s);
/* Describes the slot's connection or listener; false without one. */
bool sockets_slot_info(const struct sockets *s, const struct slot *slot, struct tv_info *info);
/* Takes the pending error: negative errno, or 0. */
int sockets_take_error(struct slot *slot);
int sockets_errno(int tv_error);          /* of an enum tv_error: a negative errno */
int sockets_reason_errno(enum tv_reason); /* positive; 0: an orderly end */
/* Gives the connection up with a RST and makes the slot as new. */
void sockets_dissolve(struct sockets *s, struct slot *slot);
/* What an accepted or connected handle needs: events to this descriptor, a side record. */
void sockets_adopt(struct sockets *s, int fd, tv_handle handle);
void sockets_tcp_info(struct sockets *s, const struct slot *slot, struct sockets_tcp_info *out);
/* Hands an accepted connection what the stack's listener cannot. */
void sockets_inherit(struct sockets *s, const struct slot *slot);
/* A timeout of 0 means none. */
tv_time sockets_deadline(const struct sockets *s, tv_time timeout);

/* opening; the outcome of an active open is told once */
int sockets_start_connect(struct sockets *s, struct slot *slot, int fd, const struct tv_endpoint *remote,
                          bool fastopen);
int64_t sockets_connect_outcome(struct sockets *s, struct slot *slot);

/* fastopen.c: a send that opens the connection; 0: it is open, go on with what op->done leaves */
int64_t sockets_step_fastopen(struct sockets *s, struct slot *slot, struct sockets_op *op);
/* Does connect() to this destination wait for the first write? */
bool sockets_defers(const struct sockets *s, const struct slot *slot, const struct tv_endpoint *remote);
/* What a new listener's limit of pending connections is. */
uint32_t sockets_fastopen_pending(const struct sockets *s, struct slot *slot, uint32_t backlog);
int sockets_set_fastopen(struct sockets *s, struct slot *slot, int value);
int sockets_set_fastopen_connect(struct sockets *s, struct slot *slot, int value);
int sockets_set_fastopen_key(struct sockets *s, const void *value, socklen_t len);

/* addresses */
int sockets_endpoint(const struct slot *slot, const struct sockaddr *addr, socklen_t len,
                     struct tv_endpoint *out);
void sockets_address(const struct slot *slot, const struct tv_endpoint *end, struct sockaddr *addr,
                     socklen_t *len);

/* the operations, each in its file */
int64_t sockets_step_accept(struct sockets *s, struct sockets_op *op);
int64_t sockets_step_connect(struct sockets *s, struct sockets_op *op);
int64_t sockets_step_close(struct sockets *s, struct sockets_op *op);
int64_t sockets_step_send(struct sockets *s, struct sockets_op *op);
int64_t sockets_step_recv(struct sockets *s, struct sockets_op *op);
int64_t sockets_step_poll(struct sockets *s, struct sockets_op *op);
int64_t sockets_step_epoll(struct sockets *s, struct sockets_op *op);

/* WAIT, or -EAGAIN when the operation's time is over or the descriptor may not wait. */
int64_t sockets_wait(struct sockets *s, const struct slot *slot, struct sockets_op *op,
                     tv_time timeout);

#endif
