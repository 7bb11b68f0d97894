/*
 * flood.h - a flood of SYNs in memory: packets made beforehand, from random addresses and ports, with the
 * options that Linux sends.
 */
#ifndef TV_BENCH_FLOOD_H
#define TV_BENCH_FLOOD_H

#include "bench.h"

#define FLOOD_SYNS 4096u /* distinct ones; then again, or new ones */
#define FLOOD_ROOM 128u

struct flood {
	bool v6;
	bool fresh; /* new addresses each round */
	uint16_t port;
	uint64_t random;
	struct tv_packet packets[FLOOD_SYNS];
	uint8_t bytes[FLOOD_SYNS][FLOOD_ROOM];
	uint32_t at;
	uint64_t sent, flip_at;
};

/* The address of our end; v6: 2001:db8::2. */
struct tv_addr flood_target(bool v6);
/* flip: one bit of one packet is turned from the thousandth on. */
void flood_init(struct flood *f, bool v6, uint16_t port, bool flip);
/* The next n (at most BENCH_BATCH) packets. */
const struct tv_packet *flood_next(struct flood *f, unsigned n);

/* The reply to one of our packets, built without a stack: what a peer sends for a SYN-ACK. Returns its length;
 * 0: it is no SYN-ACK with right checksums. */
uint32_t flood_answer(const struct tv_packet *syn_ack, uint8_t *p);

#endif
