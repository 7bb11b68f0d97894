/*
 * watch.h - judges connections while they happen.
 *
 * The tracker and the rules are those of `trivet explain`; here they are asked again and again, and
 * what they say is told when it will not change any more: at once where the end is certain (a reset, an
 * ICMP error, both FINs), otherwise when it has lasted.
 */
#ifndef TRIVET_DIAGNOSE_WATCH_H
#define TRIVET_DIAGNOSE_WATCH_H

#include "diagnose/report.h"

enum watch_what {
	WATCH_OPENED,          /* the handshake is complete */
	WATCH_FAILED,          /* the attempt has failed, or the open connection was broken off */
	WATCH_STALLED,         /* it does not go on, and may yet */
	WATCH_RESUMED,         /* it goes on after all */
	WATCH_CLOSED           /* both ends have closed */
};

struct watch_event {
	enum watch_what what;
	tv_time time;
	const struct conn *c;
	const struct finding *finding; /* NULL: there is no verdict to tell */
};

typedef void (*watch_fn)(void *user, const struct watch_event *event);

struct watch_counts {
	uint64_t opened, failed, stalled, resumed, closed;
	uint32_t words[WORD_COUNT];    /* how often each verdict was told */
};

struct watch;

/* most: connections that are followed at once (a KB each); 0: 16,384. NULL: out of memory. */
struct watch *watch_new(uint32_t most, watch_fn fn, void *user);
/* A packet as packet_read() made it, whatever its kind; time must not go back by much. */
void watch_take(struct watch *w, const struct packet *p, uint16_t link_type);
/* No packet is waiting, and it is now: silences are looked at, at most every WATCH_TICK. */
void watch_tick(struct watch *w, tv_time now);
#define WATCH_TICK (250 * TV_MS)
/* The end: all connections that are still known, judged together, as `explain` does it. */
void watch_end(struct watch *w, struct report *r);
const struct tracker_counts *watch_tracker(const struct watch *w);
const struct watch_counts *watch_counts(const struct watch *w);
void watch_free(struct watch *w);

const char *watch_name(enum watch_what what);

#endif
