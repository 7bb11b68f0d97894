/*
 * Packets as text, in the notation of scripts, for messages and for -v.
 */
#ifndef RUNNER_TEXT_H
#define RUNNER_TEXT_H

#include "script.h"
#include "wire.h"

#define TEXT_MAX 640

/* A packet of a script: "> S. 0:0(0) ack 1 win 65535 <mss 1460>".  What is not checked is left out. */
void text_spec(const struct packet_spec *p, char out[TEXT_MAX]);

/* Options alone: "mss 1460,nop,wscale 7". */
void text_options(const uint8_t *options, unsigned size, char *out, size_t room);

#endif
