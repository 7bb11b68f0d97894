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
#define TV_COOKIE_GROUPS 8u        /* of lanes: a batch of packets has at most so many */
/* What a SYN-ACK with a cookie says whoever asked, and what follows from: SYNs with the same options to one
 * listener get the same. */
struct tv_cookie_form {
	uint32_t profile;          /* of the listener */
	uint32_t offered;          /* TV_OPT_HAS_ of the SYN, its MSS, window scale */
	uint16_t offered_mss;
	uint8_t offered_scale, link;
	bool v6, known;
	uint8_t has, wscale, ttl, tos; /* of the SYN-ACK */
	uint16_t mss, wnd;
	uint32_t what;             /* the cookie stands for, but for the zone */
};
struct tv_cookie_lanes {
	uint64_t words[TV_COOKIE_GROUPS][TV_COOKIE_WORDS][TV_SIP_LANES]; /* what is hashed, each input a column */
	uint32_t first;            /* place of the first SYN-ACK in the ring; the others follow */
	uint32_t count;            /* 0 between batches */
	bool v6;                   /* of all */
	bool stamps;               /* one of them has timestamps */
	struct tv_cookie_form form; /* of the last one in this batch */
};

#endif
