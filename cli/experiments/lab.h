/*
 * lab.h - the table on which an experiment is set up: two hosts, a wire, a ladder that records.
 *
 *   struct lab lab;
 *   if (!lab_begin(&lab, show, &(struct lab_setup){.title = "1. ...", .port = 80}))
 *   	return;
 *   lab_listen(&lab);
 *   lab_connect(&lab, 0);
 *   lab_until(&lab, 0, TV_ESTABLISHED);
 *   lab_claim(&lab, it == so, "It is so.");
 *   lab_end(&lab);
 *
 * Side 0 is the left host, the client; side 1 the right one. While time passes the lab does what users
 * do: it accepts, reads what comes (unless told not to), and closes if told to. A call that could not do
 * its work is remembered as the scene's trouble; the calls after it do what they can.
 */
#ifndef TRIVET_CLI_EXPERIMENTS_LAB_H
#define TRIVET_CLI_EXPERIMENTS_LAB_H

#include "cli/experiments/experiments.h"
#include "diagnose/svg.h"
#include "sim/network.h"
#include "sim/two_step.h"

enum { LAB_DRAWN = 4096, LAB_TEXT = 2048, LAB_SENTENCES = 3072 };

/* A packet that is in the ladder. */
struct lab_drawn {
	uint64_t number;               /* on the wire */
	size_t row;                    /* of the ladder */
};

struct lab_setup {
	const char *title;
	const char *name[2];           /* NULL: "Client", "Server" */
	const struct tv_config *config[2]; /* NULL: lab_config() */
	struct two_step *two_step;     /* stands at the right end instead of a stack */
	uint16_t port;                 /* of the server */
	tv_time rtt;                   /* 0: what --rtt says */
	unsigned seen_from;            /* the capture is made beside this host */
};

struct lab {
	struct show *show;
	const struct lab_setup *setup;
	struct network *net;
	struct ladder *ladder;
	unsigned wire;
	tv_time rtt;
	struct tv_endpoint at[2];
	tv_handle listener, handle[2];
	struct two_step *two_step;
	/* users */
	bool keeps[2];                 /* does not read what came */
	bool closes[2];                /* as soon as the other end has closed */
	bool ended[2];                 /* the stream was read to its end */
	uint64_t got_len[2];
	char got[2][LAB_TEXT];         /* the beginning of what was read */
	struct tv_ports_full full;     /* what lab_connect() was told when no port was free */
	enum tv_reason reason[2];      /* why the last connection ended; NONE: it has not */
	/* recording */
	bool hidden;                   /* another scene is wanted: nothing is printed */
	bool nobody;                   /* at the left end: its states are not known */
	bool blind;                    /* packets are not drawn */
	bool fastopen;                 /* the server allows it, and the client asks for it */
	bool crowded;                  /* only packets between the two ends are drawn */
	bool lived[2];
	enum tv_state last[2];
	enum tv_verdict verdict[2];    /* what an end said of the last packet that it was given */
	const char *remark;            /* for the next packet */
	uint64_t entered;              /* packets that have entered the wire */
	struct lab_drawn drawn[LAB_DRAWN]; /* in the order in which they left */
	unsigned drawn_count;
	uint64_t packets[2];           /* that each end sent */
	/* results */
	const char *trouble;
	json_t *claims;
	json_t *table;                 /* for JSON: what this experiment has besides; NULL */
	char sentences[LAB_SENTENCES];
	struct svg_style style;        /* of the drawing */
	void (*print)(struct lab *lab); /* instead of the ladder, in text; NULL: the ladder */
	void (*below)(struct lab *lab); /* below the ladder, in text; NULL: nothing */
	void (*page)(struct lab *lab, struct html *page); /* adds to the scene of a page; NULL: nothing */
	void (*watch)(struct lab *lab, const struct network_sight *sight); /* is told every sight */
	void *user;
};

/* The configuration of a host: the defaults, and room for a few connections. */
void lab_config(struct tv_config *config);
/* False: out of memory, which was said. The setup must outlive the lab. */
bool lab_begin(struct lab *lab, struct show *show, const struct lab_setup *setup);
/* Prints ladder and sentences (or adds them to JSON and page), and frees everything. */
void lab_end(struct lab *lab);

struct tv_stack *lab_stack(const struct lab *lab, unsigned side);
tv_time lab_now(const struct lab *lab);
enum tv_state lab_state(const struct lab *lab, unsigned side);
/* The same as a ladder shows it: the listener's state is the connection's only before there is one. */
enum tv_state lab_shown(struct lab *lab, unsigned side);
/* What an end knows of its connection; all zero where it has none. */
struct tv_info lab_info(const struct lab *lab, unsigned side);

/* ------------------------------------------------------------------------------------------ */
/* Users                                                                                       */

void lab_listen(struct lab *lab);
/* From this port; 0: the stack chooses. Returns what tv_connect() said. */
int lab_connect(struct lab *lab, uint16_t port);
void lab_send(struct lab *lab, unsigned side, const void *data, size_t len);
void lab_say(struct lab *lab, unsigned side, const char *text);
/* Closes the direction; the other goes on. */
void lab_shut(struct lab *lab, unsigned side);
void lab_close(struct lab *lab, unsigned side);
void lab_set(struct lab *lab, unsigned side, enum tv_option option, uint64_t value);
/* Listens, connects, and waits until both ends are ESTABLISHED. False: it did not come to that. */
bool lab_open(struct lab *lab, uint16_t port);
void lab_abort(struct lab *lab, unsigned side);
/* The host loses its memory and starts again, with its address and, at the right, its listener. */
void lab_restart(struct lab *lab, unsigned side);

/* ------------------------------------------------------------------------------------------ */
/* Time                                                                                        */

/* Time passes. */
void lab_wait(struct lab *lab, tv_time span);
/* Until an end is in this state. False, and the scene's trouble: it did not come to that. */
bool lab_until(struct lab *lab, unsigned side, enum tv_state state);
/* Until an end has read so many bytes in all. */
bool lab_until_read(struct lab *lab, unsigned side, uint64_t bytes);
/* Until an end's connection has ended. */
bool lab_until_ended(struct lab *lab, unsigned side);

/* ------------------------------------------------------------------------------------------ */
/* The wire                                                                                    */

/* The next packet that enters it, from either side, is lost. */
void lab_lose_next(struct lab *lab);
/* The cable is cut, or joined again. */
void lab_cut(struct lab *lab, bool cut);
/* Puts an old packet of the ladder on the wire again, as it was. */
void lab_replay(struct lab *lab, size_t number, const char *remark);
/* The first packet of the ladder from this end with these flags (as letters, "S", "P."), at or behind
 * `from`; LADDER_NONE. */
size_t lab_find(const struct lab *lab, size_t from, unsigned side, const char *flags);

/* ------------------------------------------------------------------------------------------ */
/* Words                                                                                       */

/* A line between the arrows. */
void lab_note(struct lab *lab, unsigned about, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* A sentence below the ladder, that must hold. */
void lab_claim(struct lab *lab, bool holds, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* A sentence that claims nothing about this run. */
void lab_tell(struct lab *lab, const char *text);

#endif
