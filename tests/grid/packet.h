/*
 * packet.h - the test's own TCP/IP packets: built, summed and read without a line of src/wire, so
 * that a mistake there cannot hide itself.
 */
#ifndef GRID_PACKET_H
#define GRID_PACKET_H

#include <stdbool.h>
#include <stdint.h>

enum { PACKET_MAX = 2048 };

struct packet {
	bool v6;
	uint8_t src[16], dst[16]; /* IPv4 as ::ffff:a.b.c.d */
	uint16_t sport, dport;
	uint32_t seq, ack;
	unsigned flags; /* the low six bits as M_FIN ... M_URG; higher ones: ECE, CWR, reserved */
	uint16_t wnd, up;
	uint16_t mss;   /* 0: no option */
	bool has_ts;
	uint32_t tsval, tsecr;
	const uint8_t *text;
	uint32_t text_len;
};

/* Writes the packet, with good checksums, from its IP header on; returns its length. */
uint32_t packet_build(uint8_t *out, const struct packet *p);
/* Reads one packet. False when it is not a TCP packet, its lengths contradict each other or a
 * checksum is wrong. p->text points into `in`. */
bool packet_parse(const uint8_t *in, uint32_t len, struct packet *p);

#endif
