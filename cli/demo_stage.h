/*
 * demo_stage.h - the live stage: this machine's kernel and a stack, joined by a link in a private
 * network namespace; and the loop that moves one packet at a time, so that each is seen with the
 * state that it led to.
 */
#ifndef TRIVET_CLI_DEMO_STAGE_H
#define TRIVET_CLI_DEMO_STAGE_H

#include "cli/demo.h"

struct stage {
	struct demo *demo;
	struct host_facts facts;   /* from before the namespace */
	struct link *link;
	unsigned number;           /* of the link in the stack */
	struct tv_stack *stack;
	struct tv_packet next;     /* from the kernel, not yet given to the stack */
	bool has_next;
	tv_time next_at;
	enum tv_state kernel_state; /* when that packet was fetched */
	struct tv_endpoint kernel, trivet; /* of the scene that plays */
	struct scene own, *scene;  /* scene: own, while one plays */
	unsigned trivet_end;       /* which end of the scene is the stack's: 0 or 1 */
	enum tv_reason reason;     /* of the last connection that ended */
	int error;                 /* negative errno: the link is gone */
};

/* Moves one packet, or waits until one comes, a deadline or `limit`. */
void stage_turn(struct stage *stage, tv_time limit);
/* Turns until done(user); false: it did not come to that within five seconds. */
bool stage_until(struct stage *stage, bool (*done)(void *user), void *user);
enum tv_state stage_kernel_state(const struct stage *stage);
enum tv_state stage_trivet_state(const struct stage *stage);

/* The three plays (demo_kernel.c). */
void demo_kernel_opens(struct stage *stage);
void demo_trivet_opens(struct stage *stage);
void demo_closed_port(struct stage *stage);

#endif
