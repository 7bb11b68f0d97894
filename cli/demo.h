/*
 * demo.h - the parts of `trivet demo`.
 *
 * A demo is a few scenes; each is one conversation, recorded as a ladder while it happens, then
 * printed with one sentence. demo.c reads the flags and chooses the stage: live (demo_live.c is the
 * stage, demo_kernel.c the plays) or simulated (demo_sim.c). demo_scene.c records and prints.
 */
#ifndef TRIVET_CLI_DEMO_H
#define TRIVET_CLI_DEMO_H

#include <jansson.h>

#include "cli/common.h"
#include "diagnose/ladder.h"

struct demo {
	struct common common;
	bool sim;              /* asked for with --sim */
	bool lines;            /* print packets as tcpdump -n does */
	tv_time rtt;
	uint32_t loss;         /* of a million */
	struct numbers drops;
	uint64_t seed;
	const char *isn;       /* --isn: what the whiteboard shows instead of the real numbers */
	const char *svg, *html; /* files to write, or NULL */
	bool all;              /* --all: nobody is asked for anything */
	uint64_t bytes;        /* --bytes, --tls: of the budget */
	const char *tls;
	bool fastopen;         /* of the budget: only what begins with Fast Open */
	uint64_t scene;        /* --scene: only this one; 0: all */
	uint64_t ports;        /* --ports: how many the client has; 0: not asked for */
	json_t *scenes;        /* with --json */
	struct tap *tap;
	bool failed;           /* a scene did not end as it should */
};

/* What the scenes say, and answer. */
#define DEMO_REQUEST "Hello, is this TCP?\n"
#define DEMO_ANSWER "It is. SYN, SYN-ACK, ACK.\n"
#define DEMO_PORT 7
#define DEMO_CLOSED_PORT 9

/* ------------------------------------------------------------------------------------------ */
/* A scene                                                                                     */

struct scene {
	struct demo *demo;
	const char *title;
	struct ladder *ladder;
	struct tv_endpoint end[2]; /* left, right */
	enum tv_state last[2]; /* at the end */
	bool lived[2];         /* the connection has existed at this end: then LISTEN is another's */
	bool closed_port;      /* nobody listens: a reset is what should come */
	bool done;             /* all happened that should */
	const char *trouble;   /* what did not, if not done */
};

/* The left end is who opens. False: out of memory. */
bool scene_begin(struct scene *s, struct demo *demo, const char *title);
/* Names the ends, once their ports are known. */
void scene_ends(struct scene *s, const char *left, const char *right);
/*
 * Records an IP packet that an end (0, 1) sends, if it belongs to this conversation. Returns its
 * number in the ladder, or LADDER_NONE. State `from` is the sender's, the receiver's comes later.
 */
size_t scene_packet(struct scene *s, tv_time time, unsigned from, const uint8_t *ip, uint32_t len,
	enum tv_state state);
/* The packet has arrived, and led the receiver to this state. */
void scene_arrived(struct scene *s, size_t number, enum tv_state state, enum ladder_fate fate);
/* What an end is in when all is over. */
void scene_last(struct scene *s, unsigned end, enum tv_state state);
void scene_note(struct scene *s, tv_time time, unsigned about, const char *text);
/* Prints ladder and sentence (or adds to the JSON), and frees the ladder. */
void scene_end(struct scene *s);

/* The events of a ladder. */
json_t *events_json(const struct ladder *l);

/* Prints the JSON, if that was asked for. */
void demo_finish(struct demo *demo);

/* ------------------------------------------------------------------------------------------ */
/* The stages                                                                                  */

/* Returns the exit status. */
int demo_sim(struct demo *demo);
/* The same, or -1: this machine does not allow it, which was said with its cure. */
int demo_live(struct demo *demo);

#endif
