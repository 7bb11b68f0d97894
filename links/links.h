/*
 * links.h - carry packets between a stack and the world.
 *
 * A link owns a descriptor (or a file, or nothing) and its receive buffers. All links have the same
 * few calls; what differs is how they are opened:
 *
 *   link_tun_open      a TUN device: the kernel's IP stack on the other side
 *   link_packet_open   AF_PACKET on an Ethernet interface, usually one end of a veth pair
 *   link_pcap_open     a capture file as a source of packets
 *   tap_open           not a link: writes what passes a link into a capture file
 *   loop_new           not a link: moves packets between two stacks in memory
 *
 * Nothing here knows a namespace, an address or a route (host/ does), and nothing here blocks.
 */
#ifndef TRIVET_LINKS_H
#define TRIVET_LINKS_H

#include <trivet/trivet.h>

/* ------------------------------------------------------------------------------------------ */
/* What went wrong when something was opened                                                   */

enum link_step {
	LINK_STEP_NONE,
	LINK_STEP_MEMORY,
	LINK_STEP_NODE,        /* open /dev/net/tun */
	LINK_STEP_ATTACH,      /* TUNSETIFF: make the device or attach to it */
	LINK_STEP_OFFLOAD,     /* header size, offloads, receive ring */
	LINK_STEP_SOCKET,      /* socket(AF_PACKET) */
	LINK_STEP_INTERFACE,   /* no such interface, no Ethernet, or it is down */
	LINK_STEP_FILE         /* a capture file */
};

/* host_rights() turns step and errno into a cure; `text` alone already names what failed. */
struct link_fault {
	enum link_step step;
	int err;               /* errno; 0: none fits */
	char text[256];
};

/* ------------------------------------------------------------------------------------------ */
/* A link                                                                                      */

struct link;
struct tap;

struct link_counts {
	uint64_t rx_packets, rx_bytes, rx_calls;
	uint64_t rx_bad;       /* offload header contradicts the packet: dropped */
	uint64_t rx_lost;      /* the kernel had no room in the ring */
	uint64_t tx_packets, tx_bytes;
	uint64_t tx_kept;      /* could not be written at once */
	uint64_t tx_lost;      /* refused by the kernel, or no memory to keep it */
};

struct link_ops {
	int (*rx)(struct link *l, struct tv_packet *packets, unsigned n);
	int (*send)(struct link *l, const struct tv_packet *packet);
	void (*close)(struct link *l);
};

struct link_kept;

/* Read it; only links/ writes it. `tap` and `limit` are the caller's to set. */
struct link {
	const struct link_ops *ops;
	int fd;                /* to poll; -1: none, always ready until `ended` */
	bool waiting;          /* holds packets: poll for POLLOUT, then link_flush(); link_tx() nothing */
	bool ended;            /* a file at its end */
	struct tv_link_config config; /* for tv_link_add(): kind, MAC, MTU, offloads */
	char name[16];
	struct tap *tap;       /* sees every packet; NULL: nobody does */
	uint32_t limit;        /* link_rx() stops after so many bytes, so that a batch stays in the cache */
	struct link_counts counts;
	struct link_kept *kept, **kept_end;
};

/*
 * Fills at most n packets from the link's own buffers, without waiting; returns how many (0: nothing
 * there), or a negative errno when the link is gone. data, len, flags, seg_size and time are set
 * (time is 0 but for files); the caller sets `link`. The buffers are valid, and may be written to,
 * until the next link_rx() on this link.
 */
int link_rx(struct link *l, struct tv_packet *packets, unsigned n);
/*
 * Writes n packets that tv_output() filled, gathering their pieces. All of them are taken: what the
 * kernel has no room for is copied and kept, and `waiting` is set. Returns 0, or a negative errno
 * when the link is gone.
 */
int link_tx(struct link *l, const struct tv_packet *packets, unsigned n);
/* Tries again to write what was kept; clears `waiting` when all is gone. As link_tx(). */
int link_flush(struct link *l);
/* NULL is allowed. Kept packets are dropped; the tap stays open. */
void link_close(struct link *l);

/* ------------------------------------------------------------------------------------------ */
/* TUN                                                                                         */

#define LINK_TUN_MULTI_QUEUE 1u  /* one of several descriptors of the same device */
#define LINK_TUN_NO_OFFLOAD 2u   /* checksums and segmentation are the stack's work */
/*
 * Attaches to the TUN device `name`, or creates it when there is none and the right is there ("":
 * the kernel chooses; a %d in the name is a number). The device vanishes with the link unless it was
 * made persistent. Uses the network namespace of the calling process. NULL: see *fault.
 */
struct link *link_tun_open(const char *name, unsigned flags, struct link_fault *fault);
/* Makes the device outlive the link (or not). 0 or a negative errno. */
int link_tun_persist(struct link *l, bool on);

/* ------------------------------------------------------------------------------------------ */
/* AF_PACKET                                                                                   */

#define LINK_PACKET_NO_OFFLOAD 1u
/*
 * Ethernet frames on the interface `name`, which must exist and be up; config.mac is its address.
 * Needs CAP_NET_RAW. The kernel's own stack still sees what arrives: leave the interface without an
 * address. NULL: see *fault.
 */
struct link *link_packet_open(const char *name, unsigned flags, struct link_fault *fault);
/* Learns address and MTU of an Ethernet interface. 0 or a negative errno. */
int link_interface(const char *name, uint8_t mac[6], uint32_t *mtu);

/* ------------------------------------------------------------------------------------------ */
/* Capture files                                                                               */

/* A pcap or pcapng file as a source: packet.time is the capture's, in nanoseconds since 1970. What is
 * sent to it is dropped and counted. Link types RAW, IPV4, IPV6, EN10MB, NULL, LINUX_SLL, SLL2. */
struct link *link_pcap_open(const char *path, struct link_fault *fault);

enum tap_direction { TAP_IN, TAP_OUT };

#define TAP_CUT 1u     /* record super-segments as the segments that they stand for */
#define TAP_FLUSH 2u   /* every packet is in the file at once (for a reader that follows it) */
/*
 * A capture file with nanosecond times: LINKTYPE_RAW or LINKTYPE_ETHERNET. "-" is the standard
 * output. Checksums that a link would have filled are filled in the record. NULL: see *fault.
 */
struct tap *tap_open(const char *path, enum tv_link_kind kind, unsigned flags, struct link_fault *fault);
/* Records one packet at a wall time (nanoseconds since 1970; simulations may use any origin). */
void tap_write(struct tap *tap, uint64_t wall, enum tap_direction direction, const struct tv_packet *packet);
/* Packets recorded so far. */
uint64_t tap_count(const struct tap *tap);
/* Closes the file; NULL is allowed. False when any write failed, now or earlier: see *fault. */
bool tap_close(struct tap *tap, struct link_fault *fault);

/* ------------------------------------------------------------------------------------------ */
/* Two stacks in memory                                                                        */

struct loop;

#define LOOP_OFFLOAD 1u  /* super-segments, and checksums are neither made nor verified */
/* Adds a link to each stack (MTU mtu) and moves packets between them. NULL: out of memory, or the
 * stack has no room for a link. */
struct loop *loop_new(struct tv_stack *a, struct tv_stack *b, tv_time now, uint32_t mtu, unsigned flags);
/* The number of the loop's link in stack 0 or 1. */
unsigned loop_link(const struct loop *loop, unsigned side);
/* Moves packets both ways until neither stack has anything to say at `now`, but at most `most` of
 * them; returns how many were moved. */
uint64_t loop_run(struct loop *loop, tv_time now, uint64_t most);
/* Moves what one side says now, at most 32 packets; returns how many. */
unsigned loop_step(struct loop *loop, unsigned from, tv_time now);
/* Records what passes, with `now` as the time; NULL: nobody looks. */
void loop_tap(struct loop *loop, struct tap *tap);
void loop_free(struct loop *loop);

#endif
