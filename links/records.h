/*
 * records.h - capture files as they come: pcap and pcapng, plain or gzip, of any link type.
 *
 * Unlike link_pcap_open(), which is a source of packets for a stack, this gives every record with its
 * number, its link type and both of its lengths, and reads a damaged file as far as it goes.
 */
#ifndef TRIVET_LINKS_RECORDS_H
#define TRIVET_LINKS_RECORDS_H

#include "links/links.h"

struct records_packet {
	uint64_t number;       /* of the record in the file, from 1: what other tools call the frame */
	uint64_t time;         /* nanoseconds since 1970 */
	const uint8_t *data;   /* until the next call */
	uint32_t len;          /* captured */
	uint32_t wire_len;     /* before it was cut */
	uint16_t link_type;    /* LINKTYPE_* of the interface that saw it */
};

struct records;

/*
 * Opens a file; "-" is the standard input. `filter` is a pcap filter, or NULL or "": every packet.
 * NULL: see *fault (a wrong filter has err EINVAL).
 */
struct records *records_open(const char *path, const char *filter, struct link_fault *fault);
/* The next record that passes the filter; false at the end. */
bool records_next(struct records *c, struct records_packet *packet);
/* Records seen so far, those that the filter held back included. */
uint64_t records_count(const struct records *c);
/* Why the file ended before its end ("the file ends in the middle of a record"); "": it did not. */
const char *records_damage(const struct records *c);
/* The name of a link type: "EN10MB", or "type 276". Valid until the next call on this capture. */
const char *records_link_name(struct records *c, uint16_t link_type);
/* NULL is allowed. */
void records_close(struct records *c);

#endif
