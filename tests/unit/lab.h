/*
 * lab.h - one stack on virtual time, and a peer whose every packet is made by hand.
 *
 * The stack has one IP link (1500 bytes) and one address; the peer is whatever the test says. What
 * the stack sends is kept in heard[] (emptied by each lab_ call that makes time or packets go on),
 * parsed, with every checksum verified [MUST-2]. tv_stack_check() runs after every such call.
 *
 * The peer keeps its own numbers: seq is what it sends next, ack what it expects next. SAY() sends one
 * segment; .off and .ack_off move its numbers away from these.
 */
#ifndef TEST_LAB_H
#define TEST_LAB_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "stack/stack.h"

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))
/* Initialisers of a struct tv_addr. */
#define V4(a, b, c, d) {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d}}
#define V6(a, b, last) {{0x20, 1, 0xd, 0xb8, a, b, [15] = last}}
#define LL(last) {{0xfe, 0x80, [15] = last}}
#define HEARD_MAX 300u
#define PACKET_ROOM 20000u

struct heard {
	tv_time at;
	uint32_t len;
	unsigned link;
	bool tcp;
	struct tv_ip ip;
	struct tv_segment seg;
	uint8_t *bytes;            /* the packet from its link header on */
};

struct lab {
	struct tv_config cfg;
	struct tv_stack *s;
	void *region;
	size_t bytes;
	tv_time now;
	bool v6;
	struct tv_addr us, peer;
	uint16_t port, peer_port;
	uint32_t seq, ack;         /* of the peer */
	uint16_t wnd;              /* what the peer announces, as on the wire */
	uint32_t tsval;            /* of the peer, when the connection has timestamps */
	bool ts;
	struct tv_tcp_options syn; /* options of the peer's SYN or SYN-ACK */
	struct tv_options opts;    /* of our connections */
	tv_handle listener, conn;
	struct heard heard[HEARD_MAX];
	unsigned count;            /* of heard[] */
	unsigned total;            /* heard since the last call, also beyond HEARD_MAX */
	uint8_t verdict;           /* of the last packet */
	enum tv_reason reason;     /* of the last event */
	uint32_t sent;             /* octets that lab_send() has written */
};

struct say {
	int32_t off, ack_off;      /* added to the peer's numbers */
	uint16_t flags;
	uint16_t urg;
	const void *text;
	uint32_t len;              /* text NULL and len not 0: octets of lab_octet() */
	bool wnd_set;
	uint16_t wnd;
	const struct tv_tcp_options *opt;
	bool stay;                 /* the peer's seq does not go on */
};

/* The configuration of the tests: small, with a secret. */
void lab_config(struct tv_config *g);
/* NULL: lab_config(). */
struct lab *lab_new(const struct tv_config *g, bool v6);
void lab_free(struct lab *l);

/* Gives the stack a packet from its link header on; its verdict. What is said comes into heard[]. */
enum tv_verdict lab_packet(struct lab *l, unsigned link, const void *bytes, uint32_t len);
enum tv_verdict lab_say(struct lab *l, const struct say *say);
#define SAY(l, ...) lab_say((l), &(struct say){__VA_ARGS__})
/* Writes that segment's packet; returns its length. */
uint32_t lab_build(const struct lab *l, const struct say *say, uint8_t *p);
/* Takes what the stack has to say now. */
unsigned lab_hear(struct lab *l);
/* Lets time go on, waking the stack when it asks for it. */
unsigned lab_wait(struct lab *l, tv_time ns);
/* The same without waking it: a caller that is late. */
void lab_sleep(struct lab *l, tv_time ns);

/* The last TCP segment heard; fails when there is none. */
const struct tv_segment *lab_last(const struct lab *l);
/* One single packet was heard: a segment with exactly these flags. */
const struct tv_segment *lab_only(const struct lab *l, uint16_t flags);

/* Listens on l->port with l->opts. */
void lab_listen(struct lab *l);
/* Listens if nobody does, and opens from the peer's side as far as the accepted connection. */
void lab_passive(struct lab *l);
/* The SYN of an active open is heard; the peer has not answered. */
void lab_syn_sent(struct lab *l);
void lab_active(struct lab *l);
/* Brings a new connection into this state. */
void lab_state(struct lab *l, enum tv_state state);

/* Flags of all events of this handle that are waiting; those of others are taken and forgotten. */
uint32_t lab_events(struct lab *l, tv_handle h);
struct tv_info lab_info(const struct lab *l);
struct tv_counters lab_counters(const struct lab *l);
/* Writes n octets of lab_octet(), as many as are taken at once. */
void lab_send(struct lab *l, uint32_t n, unsigned flags);
/* Reads all there is and compares it with lab_octet() from *from on; returns how much. */
uint32_t lab_read(struct lab *l, uint32_t *from);
uint8_t lab_octet(uint32_t at);
void lab_set(struct lab *l, enum tv_option option, uint64_t value);

/* An ICMP error to us that quotes `n` octets of the packet p, from this sender. */
enum tv_verdict lab_icmp(struct lab *l, uint8_t type, uint8_t code, uint32_t value, const uint8_t *p, uint32_t n);

struct tv_addr lab_v6(uint16_t last);
uint32_t lab_random(uint64_t *state);

#endif
