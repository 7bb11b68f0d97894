/*
 * check.h - what the files of trivet check share.
 *
 *   check.c            the verb: flags, rounds, exit status
 *   check_round.c      one round: look-up, attempts beside each other, until each has ended
 *   check_try.c        one attempt: handshake, TLS, request, answer
 *   check_capture.c    the packets of the attempts, and what they say
 *   check_text.c       the report for people;  check_json.c  the report for programs
 *
 * Times are those of clock_now(), in nanoseconds; 0: it did not come to that.
 */
#ifndef TRIVET_CLI_CHECK_H
#define TRIVET_CLI_CHECK_H

#include <jansson.h>

#include "cli/common.h"
#include "cli/tls.h"
#include "diagnose/verdict.h"
#include "host/attempt.h"
#include "links/live.h"

/* RFC 8305 section 5: the next attempt begins so much later, unless the one before has failed. */
#define CHECK_DELAY (250 * TV_MS)

enum { CHECK_FINDINGS = 4, CHECK_LINES = 256, CHECK_LINE = 200 };

enum phase { PHASE_WAITING, PHASE_CONNECTING, PHASE_TLS, PHASE_ANSWER, PHASE_OVER };

/* An attempt to one address. */
struct try {
	enum phase phase;
	uint32_t scope;
	bool begun_late;               /* after the delay; else at once */
	struct host_attempt at;
	struct host_attempt_info info; /* as it was last seen */
	tv_time begun, opened, secured, asked_at, first, last, over;
	uint32_t syn_repeats, told;
	struct tls *tls;
	unsigned tls_rounds;
	char tls_version[16];
	short wants;                   /* what to poll for */
	size_t asked;                  /* bytes of the request that were sent */
	bool spoke, heard;             /* something was sent; and all of it was acknowledged */
	uint64_t received;
	bool gave_up, ended, cut;      /* time was up; the server closed; there was more than we read */
	uint64_t left;                 /* wall time at which we hung up on a server that was not done */
	struct tracker *tracker;       /* its packets; NULL: none may be seen */
	struct finding findings[CHECK_FINDINGS];
	unsigned finding_count;
};

/* A packet that may be cited. */
struct check_line {
	uint32_t number;
	char text[CHECK_LINE];
};

struct capture {
	struct live *live;             /* NULL: there is none */
	struct link_fault fault;       /* why not */
	struct tap *tap;               /* -w */
	struct lines *printer;
	struct check_line lines[CHECK_LINES];
	unsigned line_count;
	uint64_t kept;                 /* packets of ours so far: their numbers, as in the file of -w */
	uint64_t dropped;
	tv_time last;                  /* wall time of the last one */
};

struct check {
	struct common common;
	const char *host;
	char name[256];                /* the host without the zone of a link-local address */
	uint16_t port;
	unsigned family;               /* 4, 6 or 0 */
	tv_time timeout;
	bool tls, budget, asks;
	char request[512];
	struct capture capture;
	/* of the round that runs */
	unsigned round;
	struct host_lookup lookup;
	struct try tries[HOST_ADDRESSES_MAX];
	unsigned count;
	int winner;                    /* -1: nobody */
	struct finding finding;        /* of the round as a whole; word NONE: nothing to say */
};

/* check_round.c: false: memory or descriptors are out, which was said. */
bool check_round(struct check *c);
/* Round trip of a connected attempt; 0: not known. */
tv_time try_rtt(const struct try *t);
/* Did it connect, and is there no problem among its findings? */
bool try_is_fine(const struct try *t);

/* check_try.c */
/* False: out of memory. */
bool try_begin(const struct check *c, struct try *t);
/* Something happened on its socket. */
void try_ready(const struct check *c, struct try *t);
/* Time passes; returns when to come again. */
tv_time try_tick(const struct check *c, struct try *t, tv_time now);
void try_end(struct try *t);

/* check_capture.c */
int capture_open(struct check *c);
void capture_take(struct check *c);
/* The findings of each attempt of the round, from its packets or from what the kernel told. */
void capture_judge(struct check *c);
const char *capture_line(const struct capture *capture, uint32_t number);
/* Forgets the packets of a round. */
void capture_forget(struct check *c);
bool capture_close(struct check *c);

/* check_text.c, check_json.c */
void check_print(const struct check *c);
void check_print_rights(const struct check *c);
json_t *check_json(const struct check *c);

#endif
