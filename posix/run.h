/*
 * run.h - the event loop that the tool's live verbs stand on: one stack, its links, a few more
 * descriptors (stdin, sockets, a signalfd), one alarm.
 *
 * run_once() waits until a link has packets, a watched descriptor is ready, the stack's deadline or
 * the alarm is reached, or its own limit is; then it
 *
 *   1. calls the functions of the descriptors that are ready, and the alarm's;
 *   2. feeds what the links received to tv_input(), 32 packets at a time;
 *   3. tells the waiting events to the event function;
 *   4. moves what tv_output() has to say to the links, 32 packets at a time, until it says less;
 *
 * and repeats 2 to 4 while there is something to do, for a bounded number of rounds.
 *
 * A link that could not write everything keeps the rest, and is asked for nothing more until it has
 * written it: the stack's own windows then hold the sender back.
 *
 * Inside every function that the loop calls, the whole API of the stack may be used (but for
 * tv_input, tv_output and tv_event, which belong to the loop), with run_now() as the time; watches,
 * alarm and event function may be changed, and run_stop() called.
 */
#ifndef TRIVET_POSIX_RUN_H
#define TRIVET_POSIX_RUN_H

#include <trivet/trivet.h>

struct link;
struct run;

typedef void (*run_event_fn)(void *user, const struct tv_event *event);
/* `ready` has poll()'s bits: POLLIN, POLLOUT, POLLHUP, POLLERR, POLLNVAL. */
typedef void (*run_fd_fn)(void *user, int fd, short ready);
typedef void (*run_alarm_fn)(void *user);

/* A loop for this stack; NULL: out of memory. The stack stays the caller's. */
struct run *run_new(struct tv_stack *stack);
/* Frees the loop. The links stay the caller's: link_close() them afterwards. */
void run_free(struct run *run);

/*
 * Adds a link to the stack (tv_link_add() with link->config) and to the loop. Returns the stack's
 * number of the link, for tv_address_add() and tv_route_add(), or an enum tv_error; TV_EFULL also
 * when memory is short.
 */
int run_link(struct run *run, struct link *link);

/* Who is told the events. NULL: they stay in the stack. */
void run_events(struct run *run, run_event_fn fn, void *user);

/*
 * Calls fn when fd is ready for `events` (POLLIN, POLLOUT; 0: only for errors and hang-up, which are
 * always told). A second call for the same fd replaces the first. false: out of memory.
 */
bool run_watch(struct run *run, int fd, short events, run_fd_fn fn, void *user);
/* Forgets fd; call it before closing the descriptor. */
void run_unwatch(struct run *run, int fd);

/* Calls fn once, not before `when`; replaces the alarm that was set. TV_NEVER: no alarm. */
void run_alarm(struct run *run, tv_time when, run_alarm_fn fn, void *user);

/* The time for calls on the stack: CLOCK_BOOTTIME in nanoseconds, read now; never goes back. */
tv_time run_now(struct run *run);

/* Stops run_loop() after the current turn. */
void run_stop(struct run *run);

/*
 * One turn; waits at most until `limit` (TV_NEVER: as long as it takes). 0, or a negative errno when
 * a link failed (its interface was removed) or poll() did; run_error() then says it in a sentence.
 */
int run_once(struct run *run, tv_time limit);
/* Turns until run_stop(), `limit`, or a failure. 0, or as run_once(). */
int run_loop(struct run *run, tv_time limit);
/* What went wrong, for people; "" when nothing did. Valid until the next call of run_once(). */
const char *run_error(const struct run *run);

/* What the loop did, for benchmarks and -v. */
struct run_counts {
	uint64_t turns, polls;
	uint64_t packets_in, packets_out;
};
void run_counts(const struct run *run, struct run_counts *counts);

#endif
