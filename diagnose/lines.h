/*
 * lines.h - captured packets as lines of text.
 */
#ifndef TRIVET_DIAGNOSE_LINES_H
#define TRIVET_DIAGNOSE_LINES_H

#include "diagnose/packet.h"

struct lines;

/* NULL: out of memory. */
struct lines *lines_new(void);
void lines_free(struct lines *l);
/* The line of a packet, with the local time, without a newline. False: it holds no IP. */
bool lines_packet(struct lines *l, const struct packet *p, char *line, size_t room);

#endif
