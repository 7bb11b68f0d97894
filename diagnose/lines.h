/*
 * lines.h - captured packets as lines of text.
 */
#ifndef TRIVET_DIAGNOSE_LINES_H
#define TRIVET_DIAGNOSE_LINES_H

#include "diagnose/packet.h"

struct lines;

/* NULL: out of memory. */
struct lines *lines_new(void);
/* Who knows the names of interfaces by number; without, they are "?". */
enum { LINES_NAME = 16 };
typedef bool (*lines_name_fn)(uint32_t index, char name[LINES_NAME]);
void lines_names(struct lines *l, lines_name_fn name);
void lines_free(struct lines *l);
/* The line of a packet, with the local time, without a newline. False: it holds no IP. */
bool lines_packet(struct lines *l, const struct packet *p, char *line, size_t room);

#endif
