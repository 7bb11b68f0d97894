/*
 * reading.h - packets of a capture for the verbs that look at one.
 */
#ifndef TRIVET_CLI_READING_H
#define TRIVET_CLI_READING_H

#include "diagnose/packet.h"
#include "links/records.h"

/* Reads a record of a file or of a live capture; its kind tells whether it is of use. */
void reading_packet(const struct records_packet *record, struct packet *p);
/* The next record, read; its kind tells whether it is of use. False at the end. */
bool reading_next(struct records *capture, struct packet *p, uint16_t *link_type);
/* Trailing words as one filter; the caller frees. NULL: out of memory. */
char *reading_filter(int count, char **words);

#endif
