/*
 * offload.h - what a network card does for a stack, done here where no card will: finding the
 * transport header, filling its checksum, cutting a super-segment.
 */
#ifndef TRIVET_LINKS_OFFLOAD_H
#define TRIVET_LINKS_OFFLOAD_H

#include <trivet/trivet.h>

#define OFFLOAD_TCP 6
#define OFFLOAD_UDP 17
#define OFFLOAD_ICMP6 58

/* Where things are in a packet. All offsets count from its first byte and lie within it. */
struct offload_view {
	uint32_t ip;           /* the IP header */
	uint32_t l4;           /* the transport header */
	uint32_t end;          /* one past the last byte of the IP packet */
	uint32_t payload;      /* TCP: behind its header; otherwise l4 */
	uint8_t version;       /* 4 or 6 */
	uint8_t protocol;
	bool fragment;
};

/* False: not IP, or its headers do not fit. */
bool offload_view(enum tv_link_kind kind, const uint8_t *data, size_t len, struct offload_view *view);

/* Where in the transport header the checksum is; 0: this protocol's is not known here. */
uint32_t offload_csum_offset(uint8_t protocol);

/* Sums from `start` to `len` and stores the checksum at start + offset, which holds the pseudo
 * header's sum. The caller has checked that start + offset + 2 <= len. */
void offload_complete(uint8_t *data, size_t len, size_t start, size_t offset);

/* Makes the transport checksum from nothing. */
void offload_fill(uint8_t *data, const struct offload_view *view);

/*
 * Writes segment number i of a TCP super-segment, whole and with its checksums, to `out`, which has
 * room for `len` bytes. Returns its length; 0: there is no i-th one.
 */
size_t offload_cut(const uint8_t *data, const struct offload_view *view, uint32_t seg_size, uint32_t i, uint8_t *out);

#endif
