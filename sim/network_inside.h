/*
 * network_inside.h - what the files of the simulated network share: its hosts, wires and flights.
 */
#ifndef TRIVET_SIM_NETWORK_INSIDE_H
#define TRIVET_SIM_NETWORK_INSIDE_H

#include "sim/network.h"
#include "sim/random.h"

enum { PACKET_MAX = 65535 + 64, BATCH_MAX = 32, SPIN_MAX = 1000 };

struct flight {
	tv_time when;
	uint64_t order, number;
	unsigned wire, to;         /* the side where it arrives */
	bool corrupted, copy;
	uint16_t flags, seg_size;
	uint32_t len;
	uint8_t bytes[];
};

struct way {
	struct network_way is;
	struct random luck;
	tv_time free_at;           /* when the rate lets the next packet begin */
	tv_time last;              /* arrival of the last packet that kept its place */
};

struct wire {
	struct network_wire is;
	struct way way[2];
	unsigned host[2], link[2];
	uint64_t entered;
	uint64_t *drops;
	size_t drop_count;
	network_box_fn box;
	void *box_user;
};

struct host {
	struct tv_stack *stack;    /* NULL: a puppet */
	struct tv_config config;   /* that the stack was made with */
	struct network_puppet puppet;
	void *allocated;           /* what free() wants; the region begins at the next multiple of 64 */
	void *memory;
	size_t bytes;
	unsigned spins;            /* turns in which it was due and silent, and nothing else happened to it */
};

struct network {
	struct random luck;
	tv_time now;
	struct host *hosts;
	struct wire *wires;
	size_t host_count, wire_count;
	struct flight **heap;
	size_t heap_count, heap_room;
	uint64_t order;
	unsigned batch;
	network_tap_fn tap;
	void *tap_user;
	uint8_t *buffers;          /* BATCH_MAX of PACKET_MAX bytes */
};

#endif
