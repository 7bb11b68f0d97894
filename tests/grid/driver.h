/*
 * driver.h - a real stack, put where a case wants it, and one segment fed to it.
 *
 * A driver is one stack with one IP link and one peer, which is the test itself. It reaches every
 * start of cases.h with packets and user calls alone. Beside the stack stands a model that has seen
 * the same packets and calls, so that what a case begins with is as independent of the library as
 * what it ends with; where the two differ on the way, driver_new() says so and returns NULL.
 *
 * A stack is bytes in one region: driver_rewind() copies them back, and the next case begins.
 */
#ifndef GRID_DRIVER_H
#define GRID_DRIVER_H

#include <stdbool.h>
#include <stdint.h>

#include "cases.h"
#include "packet.h"

struct driver_setup {
	enum case_start start;
	enum case_wnd wnd;
	bool v6;
	bool timestamps;  /* both SYNs carry the option; the peer's clock stands at PEER_TSVAL */
	bool full_record; /* TIME-WAIT: the user has not closed, the connection keeps its record */
	uint32_t irs;     /* the peer's initial sequence number */
	uint32_t iss;     /* ours, met by choosing the time; 0: as it comes */
};
enum { PEER_TSVAL = 5000 };

enum { SEEN_PACKETS = 4 };
struct seen_packet {
	struct packet p;
	bool late;         /* not at once, but within the time of a delayed ACK */
	uint32_t text_len;
};

/* What the stack did with one segment. */
struct seen {
	struct seen_packet packet[SEEN_PACKETS];
	unsigned packets;
	bool bad_packet;   /* one could not be read, or its checksum was wrong */
	enum model_state state;
	bool has_numbers;  /* the record was there to be asked for what follows */
	uint32_t iss, irs, una, nxt, wnd, wl1, wl2, max_wnd, rcv_nxt, rcv_wnd;
	unsigned events;   /* M_EV_... */
	uint32_t delivered, held;
	const char *verdict;
	int check;         /* tv_stack_check() */
};

struct driver;

struct driver *driver_new(const struct driver_setup *setup);
void driver_free(struct driver *d);
/* The model at the start of the case. */
const struct model *driver_model(const struct driver *d);
/* Back to the start of the case. */
void driver_rewind(struct driver *d);
/* One segment arrives from the peer; what comes of it at once and within 45 ms. */
void driver_feed(struct driver *d, const struct model_segment *s, struct seen *seen);
/* The user reads: is all that can be read what the peer sent from this number on? */
bool driver_text_is_right(struct driver *d, uint32_t at);
/* The highest RCV.NXT + RCV.WND that the stack has offered. */
uint32_t driver_right_edge(const struct driver *d);
/* The peer's numbers have begun anew: it is this one. */
void driver_edge_begins(struct driver *d, uint32_t edge);
/* Time passes, and the stack says what it has to say; nothing is collected. */
void driver_wait(struct driver *d, uint64_t ns);
/* The state that the stack is in. */
enum model_state driver_state(struct driver *d);

#endif
