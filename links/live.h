/*
 * live.h - packets of this machine's interfaces as they pass, for those who only look.
 *
 * Unlike link_packet_open(), which gives a stack an interface of its own, this takes part in nothing:
 * the machine's own traffic goes its way, and a copy of each packet comes here, sent and received.
 */
#ifndef TRIVET_LINKS_LIVE_H
#define TRIVET_LINKS_LIVE_H

#include "links/records.h"

struct live;

struct live_counts {
	uint64_t packets;      /* given out */
	uint64_t dropped;      /* passed the filter, and were lost: nobody read fast enough */
};

/*
 * Watches an interface, or all with "any", in the network namespace of the caller; never promiscuous.
 * `filter` is a pcap filter, "" for every packet; `snap` is how much of a packet is kept, in bytes (0:
 * all of it). Needs CAP_NET_RAW. NULL: see *fault: LINK_STEP_SOCKET with EPERM when the right is
 * missing, LINK_STEP_INTERFACE when there is no such interface, LINK_STEP_FILE with EINVAL when the
 * filter is wrong.
 */
struct live *live_open(const char *interface, const char *filter, uint32_t snap, struct link_fault *fault);
/* To poll for reading. */
int live_fd(const struct live *l);
/* The next packet, without waiting: 1, 0 (there is none now), or a negative errno: the interface is gone. */
int live_next(struct live *l, struct records_packet *packet);
/*
 * From now on writes what live_next() gives out into a capture file, whole in the file when live_next()
 * says that there is no more. Open it before rights are given up. False: see *fault.
 */
bool live_save(struct live *l, const char *path, struct link_fault *fault);
/* False: something could not be written. */
bool live_saved(struct live *l);
void live_counts(struct live *l, struct live_counts *counts);
/* NULL is allowed. */
void live_close(struct live *l);

#endif
