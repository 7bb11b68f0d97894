/*
 * reading.h - packets of a capture for the verbs that look at one.
 */
#ifndef TRIVET_CLI_READING_H
#define TRIVET_CLI_READING_H

#include "diagnose/ladder.h"
#include "diagnose/tracker.h"
#include "links/records.h"

/* Reads a record of a file or of a live capture; its kind tells whether it is of use. */
void reading_packet(const struct records_packet *record, struct packet *p);
/* The next record, read; its kind tells whether it is of use. False at the end. */
bool reading_next(struct records *capture, struct packet *p, uint16_t *link_type);
/* The packet as an event of its connection's ladder, with the states that the tracker infers after it.
 * Without `payload` it is cut behind its headers. The bytes are the packet's own. */
struct ladder_event reading_event(const struct conn *c, const struct packet *p, bool payload);
/* Trailing words as one filter; the caller frees. NULL: out of memory. */
char *reading_filter(int count, char **words);

#endif
