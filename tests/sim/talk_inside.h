/*
 * talk_inside.h - what talk.c (the play) and talk_users.c (its users) share.
 */
#ifndef TRIVET_TESTS_SIM_TALK_INSIDE_H
#define TRIVET_TESTS_SIM_TALK_INSIDE_H

#include "talk.h"

#include "check.h"
#include "diagnose/ladder.h"
#include "sim/network.h"
#include "sim/random.h"

enum { CONVERSATIONS = 64, CHUNK = 16384 };

struct talk;

/* One end of a conversation, and its user. */
struct end {
	unsigned host;
	tv_handle handle;
	bool began, shut, saw_end, closed, released, told_end;
	bool waits_for_peer;   /* shuts down only when the peer has, or with it */
	bool aborts;
	uint64_t abort_at;     /* bytes moved, when it does */
	enum tv_reason reason;
	uint64_t salt, to_send, sent, received;
	uint32_t piece;        /* longest write and read */
	uint32_t pause_ppm;
	tv_time wake;          /* sleeps until then */
};

struct conversation {
	struct end end[2];
	struct tv_endpoint at[2];
	bool v6, aborted;
};

struct talk {
	const struct talk_profile *profile;
	struct talk_result *result;
	struct random luck;
	struct network *net;
	struct check *check;
	struct ladder *ladder;  /* when the packets are to be shown */
	struct tv_config config[2];
	struct tv_addr v4[2], v6[2];
	tv_handle listener;
	unsigned wire, count;
	struct conversation c[CONVERSATIONS];
};

static inline struct tv_stack *stack(const struct talk *t, unsigned host)
{
	return network_stack(t->net, host);
}

static inline tv_time now(const struct talk *t)
{
	return network_now(t->net);
}

/* A user does what it can now. */
void talk_act(struct talk *t, struct conversation *c, struct end *e);

#endif
