/*
 * flood.h - what a stack keeps against floods of SYNs, whatever their size: rates, shares of prefixes
 * (backlog.c), keys of cookies and those that wait for their hashes (cookie.c).
 */
#ifndef TV_TCP_OPEN_FLOOD_H
#define TV_TCP_OPEN_FLOOD_H

#include "base/siphash.h"
#include <trivet/trivet.h>

/* Tokens of a rate: refilled by time, at most one second's worth. */
struct tv_bucket {
	uint32_t tokens_milli;
	uint32_t at_ms;
};

#define TV_PREFIX_BITS 10

/* open/cookie.c: of a period of 64 s. */
struct tv_cookie_key {
	uint64_t period;           /* its number + 1; 0: none */
	struct tv_sipkey key;
};

/* open/cookie.c: cookies whose hashes are not made yet, because those of a batch are made at once. */
#define TV_COOKIE_WORDS 6          /* of a key, IRS, options */
/* What a SYN-ACK with a cookie says whoever asked, and what follows from: SYNs with the same options to one
 * listener get the same. */
struct tv_cookie_form {
	uint32_t profile;          /* of the listener */
	uint32_t offered;          /* TV_OPT_HAS_ of the SYN, + 1; 0: there is no form */
	uint32_t sizes, sizes_mask; /* its MSS and window scale, and which of them there are */
	uint32_t link;
	uint64_t said[2];          /* of the SYN-ACK (tcp/reply.h) */
	uint32_t what;             /* the cookie stands for, but for the zone */
};
struct tv_cookie_lanes {
	uint64_t words[TV_COOKIE_WORDS][TV_SIP_LANES]; /* what is hashed, each input a column */
	uint32_t places[TV_SIP_LANES]; /* of the SYN-ACKs in the ring */
	uint32_t count;            /* 0 between batches */
	bool v6;                   /* of all, and of the form */
	bool stamps;               /* one of them has timestamps */
	struct tv_cookie_form form; /* of the last one in this batch */
};

#endif
