/* ports.h - local ports of active opens. */
#ifndef TV_STACK_PORTS_H
#define TV_STACK_PORTS_H

#include "stack/stack.h"

/* Chooses a local port for the key (local port 0). TV_AGAIN: call again; TV_EPORTS fills *full (may be
 * NULL). *reuse: a TIME-WAIT record that the new connection replaces, 0: none. */
int tv_port_choose(struct tv_stack *s, struct tv_key *k, uint32_t *reuse, struct tv_ports_full *full);
/* Is this tuple free, or its TIME-WAIT reusable? */
bool tv_tuple_free(struct tv_stack *s, const struct tv_key *k, uint32_t *reuse);
/* steer.c: which stack of `count` the answers to this key come to. */
uint32_t tv_steer_key(const struct tv_key *k, const uint8_t key[16], uint32_t count);

#endif
