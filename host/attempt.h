/*
 * attempt.h - connections of this machine's own TCP, and what the kernel tells of them.
 *
 * A name becomes addresses (lookup.c); an attempt is a socket that connects without waiting, and keeps
 * what ended it: errno, and the ICMP error behind it, by type, code and sender (the socket's error
 * queue, IP_RECVERR). No right is needed.
 */
#ifndef TRIVET_HOST_ATTEMPT_H
#define TRIVET_HOST_ATTEMPT_H

#include "host/host.h"

/* ------------------------------------------------------------------------------------------ */
/* Names                                                                                       */

enum { HOST_ADDRESSES_MAX = 8 };

enum host_lookup_result {
	HOST_LOOKUP_FOUND,
	HOST_LOOKUP_NOT_FOUND,         /* there is no such name, or it has no address of that family */
	HOST_LOOKUP_UNANSWERED         /* no name server answered, or the one that did failed */
};

struct host_lookup {
	enum host_lookup_result result;
	bool literal;                  /* the name was an address: nobody was asked */
	bool late;                     /* no answer within the limit */
	tv_time took;                  /* nanoseconds */
	unsigned count, left_out;      /* left_out: addresses beyond the room of the list */
	struct tv_addr list[HOST_ADDRESSES_MAX];
	uint32_t scope[HOST_ADDRESSES_MAX]; /* the interface of a link-local address, or 0 */
	char why[128];                 /* the resolver's own words when nothing was found */
};

/*
 * Looks a name up as every program of this machine does (getaddrinfo), for at most `limit`. family: 4,
 * 6, or 0 for both. The addresses are in the order in which RFC 8305 section 4 tries them: the
 * resolver's (RFC 6724), with the families taking turns. Never fails otherwise than by its result. A
 * look-up that is late goes on in a thread of its own until the resolver gives up.
 */
void host_lookup(const char *name, unsigned family, tv_time limit, struct host_lookup *found);

/* ------------------------------------------------------------------------------------------ */
/* Attempts                                                                                    */

struct host_attempt {
	int fd;                        /* -1: closed */
	bool open;                     /* connect() succeeded */
	bool at_once;                  /* connect() itself failed: no packet left this machine */
	int err;                       /* errno that ended it, or 0 */
	struct tv_endpoint local, remote;
	bool reported;                 /* an ICMP error came: the next three are known */
	uint8_t icmp_type, icmp_code;
	struct tv_addr icmp_from;
};

/* What TCP_INFO knows of it. */
struct host_attempt_info {
	uint8_t repeats;               /* of the packet whose timer runs: in SYN-SENT, of the SYN */
	uint32_t total_repeats;        /* since the first SYN */
	uint32_t rtt_us, min_rtt_us;   /* 0: not known */
	uint32_t unacked;              /* segments under way */
	uint32_t snd_mss;
	uint64_t bytes_acked, bytes_received;
};

/*
 * Begins. True: poll fd for POLLOUT, then call host_attempt_look(); false: it has ended already, see
 * err (the socket is closed). scope is the interface for a link-local address, or 0.
 */
bool host_attempt_start(struct host_attempt *a, const struct tv_endpoint *remote, uint32_t scope);
/* Takes what the kernel has to tell: sets open, or err and the ICMP error. True: one of them is set. */
bool host_attempt_look(struct host_attempt *a);
/* 0 or a negative errno. */
int host_attempt_info(const struct host_attempt *a, struct host_attempt_info *info);
/* Closes the socket, which ends the attempt or the connection. */
void host_attempt_close(struct host_attempt *a);

#endif
