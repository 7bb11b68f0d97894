/*
 * pair.h - two stacks of our own on virtual time, and the way between them, on which somebody may put packets.
 */
#ifndef TEST_ATTACK_PAIR_H
#define TEST_ATTACK_PAIR_H

#include "attack.h"

#define PAIR_FLYING 64u

struct flying {
	tv_time at;
	uint32_t len;
	uint8_t bytes[1600];
};

struct pair {
	struct tv_stack *s[2];     /* 0: the client, 1: the server, which listens at port 80 */
	void *region[2];
	struct tv_addr addr[2];
	tv_handle conn[2], listener;
	tv_time now, delay;
	struct flying way[2][PAIR_FLYING]; /* towards stack 0, towards stack 1; in order of arrival */
	unsigned count[2];
	uint64_t delivered;        /* packets that a stack was given */
};

/* One way takes `delay`; with or without the option, which a forger would have to know. */
struct pair *pair_new(tv_time delay, bool timestamps);
void pair_free(struct pair *p);
/* The client calls the server: a SYN leaves with the next pair_run(). */
void pair_connect(struct pair *p);
/* A packet for this stack arrives at that moment, behind those that arrive before. */
void pair_put(struct pair *p, unsigned to, const void *bytes, uint32_t len, tv_time at);
/* A segment of the connection as its other end might send it; o: NULL or its options. */
void pair_forge(struct pair *p, unsigned to, const struct tv_tcp_header *h, const struct tv_tcp_options *o,
	uint32_t text, tv_time at);
/* Lets time go on until this moment. */
void pair_run(struct pair *p, tv_time until);
struct tv_info pair_info(const struct pair *p, unsigned which);

#endif
