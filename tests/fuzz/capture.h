/*
 * capture.h - a capture from the input of a fuzz target.
 *
 * The first byte chooses how: as the bytes of a file (0), or as records of a link type that it tells, in
 * which case most of the input reaches what reads packets.
 */
#ifndef TRIVET_TESTS_FUZZ_CAPTURE_H
#define TRIVET_TESTS_FUZZ_CAPTURE_H

#include <stdlib.h>

#include "diagnose/packet.h"

#define MUST(condition) ((condition) ? (void)0 : abort())

enum { CAPTURE_MIN = 2, CAPTURE_MAX = 4096 };

typedef void (*capture_fn)(void *user, const struct packet_record *record);

/* Calls fn for each record; its bytes are a copy of exactly their length, so that a read beyond it is seen. */
void capture_records(const uint8_t *p, size_t n, capture_fn fn, void *user);
/* The same as a file; its path is written to path[]. The caller closes the descriptor. */
int capture_file(const uint8_t *p, size_t n, char path[64]);

#endif
