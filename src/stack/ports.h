/* ports.h - local ports of active opens. */
#ifndef TV_STACK_PORTS_H
#define TV_STACK_PORTS_H

#include "stack/stack.h"

/* A tuple for a new connection. */
struct tv_tuple {
	struct tv_key key;
	uint64_t hash;             /* of the key, in the index */
	uint32_t reuse;            /* a TIME-WAIT record that the connection replaces; 0: none */
};
/* Chooses a local port for the key (local port 0) and fills the rest. TV_AGAIN: call again; TV_EPORTS fills
 * *full (may be NULL). */
int tv_port_choose(struct tv_stack *s, struct tv_tuple *t, struct tv_ports_full *full);
/* Is this tuple free, or its TIME-WAIT reusable? Fills the rest. */
bool tv_tuple_free(struct tv_stack *s, struct tv_tuple *t);
/* steer.c: which stack of `count` the answers to this key come to. */
uint32_t tv_steer_key(const struct tv_key *k, const uint8_t key[16], uint32_t count);

#endif
