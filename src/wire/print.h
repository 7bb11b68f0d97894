/*
 * print.h - packets as lines of text, as `tcpdump -n` writes them (4.99), without time and without
 * what it makes of the payload.
 */
#ifndef TV_WIRE_PRINT_H
#define TV_WIRE_PRINT_H

#include "wire/text.h"

/* What is subtracted before numbers are printed; all zero: absolute. */
struct tv_print_base {
	uint32_t seq, ack;
	uint32_t sack;             /* of the blocks in a SACK option, which count as `ack` does */
};

/* What is remembered of one conversation so that its numbers can be relative; begins all zero. */
struct tv_print_talk {
	bool known;
	uint32_t seq, ack;
};

/*
 * The base for a segment of this conversation, as tcpdump chooses it: the first segment with ACK, and
 * each SYN with ACK, is absolute and sets the numbers; what has no ACK is absolute. `reverse` as
 * tv_print_is_reverse() says: one talk serves both directions.
 */
struct tv_print_base tv_print_follow(struct tv_print_talk *talk, bool reverse, uint16_t flags,
	uint32_t seq, uint32_t ack);
bool tv_print_is_reverse(const struct tv_endpoint *src, const struct tv_endpoint *dst);

/* "S.", "P.", "none" */
void tv_print_flags(struct tv_text *t, uint16_t flags);
/* "SYN,ACK", "PSH,ACK", "none" */
void tv_print_flag_words(struct tv_text *t, uint16_t flags);
/* "mss 1460,sackOK,TS val 1 ecr 0,nop,wscale 7": n bytes of options, of which `there` can be read.
 * false: the list ends early, with "[bad opt]" or " [|tcp]". */
bool tv_print_options(struct tv_text *t, const uint8_t *p, size_t n, size_t there, uint32_t sack);

/* "Flags [S], seq 1, win 64240, options [...], length 0": a segment of n bytes, `there` readable. */
void tv_print_tcp(struct tv_text *t, const uint8_t *p, size_t n, size_t there,
	const struct tv_print_base *base);
/* "ICMP echo request, id 1, seq 1, length 64": a message of n bytes, `there` readable. */
void tv_print_icmp(struct tv_text *t, bool v6, const uint8_t *p, size_t n, size_t there);
/* "ARP, Request who-has 192.0.2.1 tell 192.0.2.2, length 28" */
void tv_print_arp(struct tv_text *t, const uint8_t *p, size_t n);

/*
 * "IP 192.0.2.1.1234 > 192.0.2.2.80: Flags ...": a packet from its IP header on, `there` readable
 * bytes of it. base may be NULL.
 */
void tv_print_packet(struct tv_text *t, const uint8_t *p, size_t there,
	const struct tv_print_base *base);

#endif
