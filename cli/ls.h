/*
 * ls.h - the parts of `trivet ls`: rows are gathered (ls_gather.c) from Trivet's own stacks or the
 * kernel, looked at for what is odd (ls_odd.c), and printed (ls_print.c); ls.c is the verb.
 */
#ifndef TRIVET_CLI_LS_H
#define TRIVET_CLI_LS_H

#include <jansson.h>

#include "cli/address.h"
#include "cli/common.h"
#include "posix/control.h"

enum ls_timer { LS_NO_TIMER, LS_RETRANSMIT, LS_KEEPALIVE, LS_TIME_WAIT, LS_PERSIST, LS_ACK, LS_LIMIT };

/* One connection, listener or small record. */
struct ls_row {
	enum tv_state state;
	bool kernel;                   /* of this machine's TCP, not of a Trivet stack */
	bool request;                  /* half-open: there is no connection yet */
	bool v6, v6_only;              /* the kernel's socket is of that family, and takes no IPv4 */
	uint32_t interface;            /* that the kernel's socket is bound to, or 0 */
	struct tv_endpoint local, remote;
	uint32_t recv_q, send_q;       /* bytes; a listener's: connections not yet accepted, and its backlog */
	enum ls_timer timer;
	tv_time left;                  /* until the timer */
	uint32_t tries;                /* of what is being repeated, or probes without an answer */
	uint32_t retransmitted;        /* segments, in all */
	bool retransmitted_known;
	bool measured;                 /* the four below */
	uint32_t rtt_us, rttvar_us, cwnd, mss; /* cwnd in segments */
	bool heard_known;
	tv_time heard;                 /* nothing was received for so long; a half-open record's: its SYN */
	bool opened_known;
	tv_time opened;                /* its SYN was sent, or came, so long ago */
	bool age_known, age_exact;     /* with --watch; not exact: it was there when the watch began */
	tv_time age;                   /* in this state */
	pid_t pid;                     /* of the stack */
	char stack[CONTROL_NAME];
};

struct ls {
	struct common common;
	bool kernel, ss, all;
	tv_time every;                 /* --watch; 0: once */
	uint64_t rounds;               /* --count; 0: without end */
	struct ls_row *rows;
	size_t count, room;
	bool short_of_memory;
	struct control_list list;
	unsigned ports;                /* that this machine has for its own connections; 0: not known */
};

/* ls_gather.c: fills the rows. 0, or an exit status: what was in the way was said. */
int ls_gather(struct ls *l);
/* A row from what a stack tells. */
struct ls_row ls_row_of(const struct control_stack *stack, tv_time now, const struct tv_info *info);

/* ls_odd.c: what is odd, in plain words. */
struct ls_odd {
	const char *word;              /* "close-wait" */
	struct tv_endpoint at;         /* whom it is about; port 0: nobody in particular */
	uint64_t count;
	char text[400];
};
enum { LS_ODD_MAX = 64 };
/* Fills odd[]; returns how many. Sorts the rows by state and service. */
unsigned ls_odd(struct ls *l, struct ls_odd odd[LS_ODD_MAX]);

/* ls_print.c */
void ls_print(const struct ls *l, const struct ls_odd *odd, unsigned odd_count, FILE *out);
/* As `ss -tan` does. */
void ls_print_ss(const struct ls *l, FILE *out);
json_t *ls_json(const struct ls *l, const struct ls_odd *odd, unsigned odd_count);

/* ls_age.c: how long each has been in its state, as seen from round to round of --watch. */
struct ls_ages;
struct ls_ages *ls_ages_new(void);
/* Fills age of the rows. */
void ls_ages_take(struct ls_ages *a, struct ls *l, tv_time now);
void ls_ages_free(struct ls_ages *a);

#endif
