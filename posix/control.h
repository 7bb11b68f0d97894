/*
 * control.h - a control socket: tells who asks what the connections of a running stack are.
 *
 * A program that embeds a stack opens one with control_open() and calls control_serve() whenever
 * control_fd() is readable. Whoever runs as the same user (or as root) can then read all records of the
 * stack; `trivet ls` is that reader. Nothing can be changed through it, and no payload is told.
 *
 * The sockets of a user lie in $XDG_RUNTIME_DIR/trivet/, or where that is not set, not a directory or
 * not the user's own, in /tmp/trivet-UID/; both have mode 0700. One that somebody else owns is refused.
 */
#ifndef TRIVET_POSIX_CONTROL_H
#define TRIVET_POSIX_CONTROL_H

#include <sys/types.h>

#include "posix/run.h"

enum { CONTROL_NAME = 32, CONTROL_WHY = 256, CONTROL_PATH = 108 };

/* ------------------------------------------------------------------------------------------ */
/* The side of the stack                                                                       */

struct control;

/*
 * Opens the socket of this stack. The name ("serve") is shown to who reads; letters, digits and '-' of
 * it are kept. NULL: why[] says it in a sentence; the stack needs no control socket to work.
 */
struct control *control_open(struct tv_stack *stack, const char *name, char why[CONTROL_WHY]);
/* A descriptor that is readable when control_serve() has something to do. It stays the same. */
int control_fd(const struct control *c);
/* Does a bounded piece of work, without waiting: at most 64 records to each of at most 4 readers. */
void control_serve(struct control *c, tv_time now);
/* Has the loop call control_serve(). False: out of memory. */
bool control_watch(struct control *c, struct run *run);
/* Removes the socket; NULL is allowed. With a loop that watches it: before run_free(). */
void control_close(struct control *c);

/* ------------------------------------------------------------------------------------------ */
/* The side of who asks                                                                        */

struct control_stack {
	pid_t pid;
	char name[CONTROL_NAME];
	char path[CONTROL_PATH];
};

/* One record; now is the stack's time when it was read. The handle is 0 where tv_next() gives 0. */
typedef void (*control_record_fn)(void *user, const struct control_stack *stack, tv_time now, tv_handle handle,
	const struct tv_info *info);

struct control_list {
	unsigned stacks;               /* read to the end */
	unsigned stale;                /* sockets nobody listens at any more: removed */
	unsigned refused;              /* not this user's */
	unsigned failed;               /* did not answer, ended in the middle, or of another version */
	char why[CONTROL_WHY];         /* of the last one refused or failed; "" */
};

/*
 * Reads all stacks of this user, and calls fn for each record, in the order of tv_next(). Waits at most
 * two seconds for each answer. Returns the number of stacks, or a negative errno: a directory cannot be
 * read (list->why says which).
 */
int control_read(control_record_fn fn, void *user, struct control_list *list);

#endif
