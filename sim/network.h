/*
 * network.h - many stacks on simulated wires, on virtual time, from one seed.
 *
 * A network has hosts (a stack and its memory) and wires (between two hosts; a host may have
 * several). What a stack says is copied, as bytes, and spends its time on the wire; what may befall
 * it there is said by one struct network_way for each direction. Everything random comes from the
 * seed of the network, so the same calls give the same packets at the same nanosecond.
 *
 * Time moves only in network_step(). The caller works the stacks' users between the steps: it pulls
 * tv_event() and makes user calls with network_now().
 */
#ifndef TRIVET_SIM_NETWORK_H
#define TRIVET_SIM_NETWORK_H

#include <trivet/trivet.h>

struct network;

/* One direction of a wire. All zero: a perfect wire without delay. */
struct network_way {
	tv_time delay;
	tv_time jitter;            /* up to so much more; order is kept */
	uint64_t rate;             /* bits per second; 0: no limit */
	uint32_t queue_bytes;      /* with a rate: what may wait, else dropped; 0: no limit */
	uint32_t loss;             /* these four: of a million packets */
	uint32_t duplicate;        /* the copy comes later, as if reordered */
	uint32_t corrupt;          /* one bit is flipped: every checksum sees that */
	uint32_t reorder;          /* held back, so that later packets pass */
	tv_time reorder_by;        /* by up to this; 0: delay and jitter, at least 1 ms */
	uint32_t mtu;              /* longest IP packet; 0: no limit */
	bool black_hole;           /* longer ones vanish; else an ICMP message says "too big" */
};

struct network_wire {
	struct network_way way[2]; /* [0]: from the first host to the second */
	enum tv_link_kind kind;
	uint32_t link_mtu;         /* that the two stacks are told; 0: 1500 */
	bool super_segments;       /* the stacks may send them, and checksums are not made */
};

/* NULL: out of memory. Virtual time begins at `start`. */
struct network *network_new(uint64_t seed, tv_time start);
void network_free(struct network *net);

/*
 * Makes a stack of this configuration (the secret, if it is all zero, comes from the seed) and
 * returns the number of its host, 0..; or an enum tv_error: TV_EFULL (memory), or what
 * tv_stack_init() said.
 */
int network_host(struct network *net, const struct tv_config *config);
/* Lays a wire and adds a link to either stack. Returns the wire's number, 0.., or an enum tv_error. */
int network_wire(struct network *net, unsigned host_a, unsigned host_b, const struct network_wire *wire);
/* Changes one direction; packets under way keep what befell them. */
void network_way(struct network *net, unsigned wire, unsigned way, const struct network_way *to);
/* Drops the n-th packet (from 1) that enters the wire, counted over both directions. False: memory. */
bool network_drop(struct network *net, unsigned wire, uint64_t n);
/* How many packets one tv_output() or tv_input() may move, 1..32; 1 at first: every packet can then
 * be seen with the state that it led to. */
void network_batch(struct network *net, unsigned packets);

/* NULL: a puppet. */
struct tv_stack *network_stack(const struct network *net, unsigned host);
/* The region that the stack lives in, to compare and hash. */
const void *network_region(const struct network *net, unsigned host, size_t *bytes);
/* The number of the link that a host has to this wire (for addresses and routes). */
unsigned network_link(const struct network *net, unsigned wire, unsigned side);
tv_time network_now(const struct network *net);
/* Packets on the wires now. */
uint64_t network_in_flight(const struct network *net);

/* ------------------------------------------------------------------------------------------ */
/* What stacks alone would not do                                                              */

/* A host without a stack: take() is given every IP packet that arrives; when that has been seen,
 * speak() may answer by network_inject(). Returns the number of its host, or TV_EFULL. */
struct network_puppet {
	void (*take)(void *user, const uint8_t *ip, uint32_t len);
	void (*speak)(void *user);
	void *user;
};
int network_puppet(struct network *net, const struct network_puppet *puppet);
/* Puts an IP packet on a wire of kind TV_LINK_IP, as if the host on that side had sent it now. */
void network_inject(struct network *net, unsigned wire, unsigned side, const uint8_t *ip, uint32_t len);
/* A box in the middle of a wire: may change each packet that comes from `side`, not its length. What
 * leaves is seen as it was, what arrives as it is. NULL: none. */
typedef void (*network_box_fn)(void *user, unsigned side, uint8_t *ip, uint32_t len);
void network_box(struct network *net, unsigned wire, network_box_fn box, void *user);
/*
 * The host crashes and starts again: its stack has forgotten everything, and has a new secret. It has
 * its links, but no address, route or listener. 0, or TV_EFULL: nothing has changed. network_stack()
 * gives another pointer than before.
 */
int network_restart(struct network *net, unsigned host);

/* ------------------------------------------------------------------------------------------ */
/* Seeing                                                                                      */

enum network_fate {
	NETWORK_CARRIED,
	NETWORK_LOST,              /* by the rate of loss */
	NETWORK_DROPPED,           /* by network_drop() */
	NETWORK_QUEUE_FULL,
	NETWORK_TOO_BIG
};

/* What one end of a wire sees: a packet that leaves, or that has arrived (the stack has taken it). */
struct network_sight {
	tv_time time;
	unsigned wire, side;       /* side 0 is the first host of the wire */
	bool arrived;              /* else it leaves, and fate says what will become of it */
	enum network_fate fate;
	bool corrupted, copy;      /* arrived: with a flipped bit; a duplicate */
	uint64_t number;           /* of the packet on this wire, from 1; 0: made by the wire (ICMP) */
	const struct tv_packet *packet; /* its bytes, link header included */
	uint32_t ip_offset;        /* where the IP packet begins in them */
	enum tv_verdict verdict;   /* arrived: what the stack said */
};
typedef void (*network_tap_fn)(void *user, const struct network_sight *sight);
/* Tells everything to fn, between the stacks' calls: it may ask them (tv_info, tv_next). NULL: nobody. */
void network_tap(struct network *net, network_tap_fn fn, void *user);

/* ------------------------------------------------------------------------------------------ */
/* Time                                                                                        */

enum network_outcome {
	NETWORK_MOVED,             /* something was said or has arrived: look for events */
	NETWORK_LIMIT,             /* nothing will happen up to the limit, which is now */
	NETWORK_SPINNING           /* a defect: a stack wants to be asked now, and says nothing */
};
/*
 * Lets every stack say what it has to say now; if none has, moves to the next arrival or deadline.
 * Never goes beyond `limit`.
 */
enum network_outcome network_step(struct network *net, tv_time limit);
/* Steps until done(user) holds (it works the users and is called after each step), or `limit`. True:
 * done. */
bool network_run(struct network *net, tv_time limit, bool (*done)(void *user), void *user);

#endif
