/*
 * Is the packet that we sent the one that the script expects?
 */
#ifndef RUNNER_MATCH_H
#define RUNNER_MATCH_H

#include "conn.h"
#include "setup.h"
#include "text.h"

/* NULL if the TCP packet `wire` is what `want` says, otherwise the first difference ("flags",
 * "window", ...).  `got` gets the packet in the script's numbers in both cases.  Call conn_learn
 * before. */
const char *match_tcp(struct conn *c, const struct packet_spec *want,
                      const struct wire_packet *wire, const struct setup *setup,
                      struct packet_spec *got);

/* The same for ICMP and UDP packets. */
const char *match_other(const struct packet_spec *want, const struct wire_packet *wire,
                        struct packet_spec *got, struct arena *arena);

#endif
