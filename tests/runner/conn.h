/*
 * Connections as a script sees them, and the arithmetic between its numbers and those on the wire.
 *
 * A script counts both directions from the first byte: SYNs carry what is written (usually 0), and
 * everything behind them is relative to the two initial sequence numbers.  Ours is only known when
 * our SYN has been seen; the peer's is the number that the script gives its SYN.  Timestamps that
 * we send are mapped by example: the value written in the first expected packet stands for the
 * value that we really sent, and later ones follow from there.
 *
 * A connection also remembers what the program has written and how far it has read, because the
 * runner checks the content of both directions: the byte at stream position n that arrives from
 * the network is payload_byte(n), so that every byte misplaced by reassembly is noticed.
 */
#ifndef RUNNER_CONN_H
#define RUNNER_CONN_H

#include "script.h"
#include "wire.h"

#define TS_PAIRS 128

struct conn {
	struct conn *next;
	uint16_t local_port;  /* 0: an active open whose SYN has not been seen */
	uint16_t remote_port;
	struct tv_addr remote;
	int fd;               /* of the script; -1: none yet */
	bool awaits_syn;      /* connect() was called, the SYN is still to come */
	bool local_known;
	bool remote_known;
	uint32_t local_isn;
	uint32_t remote_isn;
	uint32_t script_isn;  /* what the script writes for ours */
	uint32_t last_syn;    /* sequence number of the last SYN that arrived */
	struct {
		uint32_t script;
		uint32_t live;
	} ts[TS_PAIRS];
	unsigned ts_count;
	uint32_t flow_script;
	uint32_t flow_live;
	uint8_t *written;     /* all that the program has written */
	size_t written_length;
	size_t written_room;
	size_t read;          /* how many bytes it has read */
	bool urgent;          /* urgent data arrived: the content is no longer checked */
};

/* Content of the stream from the network. */
uint8_t payload_byte(size_t position);

/* Remembers what the program wrote. */
void conn_wrote(struct conn *c, struct arena *arena, const uint8_t *data, size_t length);

/* Forgets the streams: a new connection with the same ports. */
void conn_restart(struct conn *c);

/* A packet of the script in numbers of the wire.  Ports and addresses are left alone. */
void conn_to_wire(const struct conn *c, const struct packet_spec *spec, struct wire_packet *out);

/* A packet of the wire in numbers of the script.  Flags, options and so on included. */
void conn_to_script(const struct conn *c, const struct wire_packet *wire, struct packet_spec *out);

/* Learns initial sequence numbers and timestamps from a packet that we sent where the script
 * expects `spec`. */
void conn_learn(struct conn *c, const struct packet_spec *spec, const struct wire_packet *wire);

/* Finds the timestamp option; false if there is none. */
bool options_timestamp(const uint8_t *options, unsigned size, uint32_t *val, uint32_t *ecr);

#endif
