/*
 * The parts of the parser, one function for each kind of thing that the grammar knows.  Each
 * starts at the cursor, takes what belongs to it, and leaves a failure in the cursor when the
 * text is wrong.  Only the files read_*.c include this.
 */
#ifndef RUNNER_READER_H
#define RUNNER_READER_H

#include "cursor.h"

/* `< S 0:0(0) ...`, from the direction on. */
struct packet_spec *read_packet(struct cursor *c);

/* `<mss 1460,nop,...>` into the header's bytes, from the `<` on. */
void read_tcp_options(struct cursor *c, struct packet_spec *p);

/* `name(arguments) = result ERRNO (note)`. */
struct call_spec *read_call(struct cursor *c);

/* One expression. */
struct expr *read_expr(struct cursor *c);

#endif
