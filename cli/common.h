/*
 * common.h - what several verbs need: messages, cures, the memory of a stack, text for people.
 */
#ifndef TRIVET_CLI_COMMON_H
#define TRIVET_CLI_COMMON_H

#include <stdio.h>

#include "cli/options.h"
#include "host/host.h"
#include "links/links.h"
#include "posix/control.h"

/* "trivet VERB: ..." and a newline on the standard error. */
void complain(const struct common *common, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * Names an obstacle with its cure: the sentence (and what follows from it: NULL, nothing), then the
 * commands. Returns EXIT_RIGHTS. Facts are those of this process when it started: it may have entered
 * a namespace since.
 */
int complain_cure(const struct common *common, const struct host_obstacle *obstacle,
	const struct host_wish *wish, const struct host_facts *facts, const char *then);
/* Text with line breaks at spaces, so that lines have at most 80 columns. */
void print_wrapped(FILE *out, const char *text);
/* Which step an opened link failed at; NONE: no right was missing. */
enum host_step fault_step(const struct link_fault *fault);
/* The same when opening a link failed; a fault without a cure is only told (EXIT_FAILED). */
int complain_fault(const struct common *common, const struct link_fault *fault,
	const struct host_wish *wish);

/* Copies text that came from outside: what is not printable ASCII becomes \n, \xNN; cut to fit. */
const char *escaped(const char *text, size_t len, char *out, size_t room);
/* "0.058 ms", "1.2 s". */
const char *duration_text(tv_time time, char out[24]);
/* "1 packet", "2 packets". */
const char *counted(uint64_t n, const char *noun, char *out, size_t room);
/* "12 bytes", "1.5 MB". */
const char *bytes_text(uint64_t bytes, char out[24]);

/*
 * A stack in memory of its own (mapped, so that what is never used costs nothing), with a random
 * secret and the best kernels of this processor. NULL, and the reason is printed.
 */
struct tv_stack *stack_make(const struct common *common, struct tv_config *config, tv_time now);

/* Opens a control socket for `trivet ls`, named as the verb. NULL: it could not, which was said (not
 * with -q); the verb goes on without. */
struct control *control_offer(const struct common *common, struct run *run, struct tv_stack *stack);

/* The state of the connection local-remote in this stack, half-open and TIME-WAIT records included;
 * LISTEN if only a listener has the port, else CLOSED. Walks over everything: for small stacks. */
enum tv_state stack_state(const struct tv_stack *stack, const struct tv_endpoint *local,
	const struct tv_endpoint *remote);

/* -w: opens the capture file. False: it could not, which was said. *tap is NULL without -w. */
bool dump_open(const struct common *common, enum tv_link_kind kind, unsigned flags, struct tap **tap);
/* Closes it; false: something was not written, which was said. */
bool dump_close(const struct common *common, struct tap *tap);

#endif
