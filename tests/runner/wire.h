/*
 * Packets as bytes: the runner's own, independent of the library's, so that a mistake there is seen
 * here.  Everything that the stack sends is taken apart and its checksums are verified; everything
 * that the network delivers is put together from values.
 */
#ifndef RUNNER_WIRE_H
#define RUNNER_WIRE_H

#include "script.h"

#include <trivet/trivet.h>

#define WIRE_MAX 65535u

enum { WIRE_ICMP = 1, WIRE_TCP = 6, WIRE_UDP = 17, WIRE_ICMP6 = 58 };

/* The IP header of a packet to be built. */
struct wire_ip {
	bool v6;
	struct tv_addr src;
	struct tv_addr dst;
	uint8_t tos;
	uint8_t ttl;
	uint32_t flow_label;
};

/* One packet in values: sequence numbers as on the wire. */
struct wire_packet {
	struct wire_ip ip;
	uint8_t protocol;
	uint16_t src_port;
	uint16_t dst_port;
	uint32_t seq;
	uint32_t ack;
	uint16_t flags; /* enum tcp_flag */
	uint16_t reserved;
	uint16_t window;
	uint16_t urgent;
	uint8_t options[OPTIONS_MAX];
	uint8_t options_length;
	uint8_t icmp_type;
	uint8_t icmp_code;
	uint32_t icmp_rest; /* the four bytes behind the checksum */
	const uint8_t *payload;
	uint32_t length;
};

/* Writes the packet to `out`; its size, or 0 if it does not fit WIRE_MAX. */
uint32_t wire_build(const struct wire_packet *p, uint8_t *out);

/* Takes a packet apart.  NULL, or what is wrong with it ("bad TCP checksum"). */
const char *wire_parse(struct wire_packet *p, const uint8_t *bytes, size_t size);

/* Writes the first bytes of a TCP or UDP packet as an ICMP error quotes it: IP header, then `keep`
 * bytes of what follows.  `p->length` may be larger than what is there.  Its size. */
uint32_t wire_quote(const struct wire_packet *p, unsigned keep, uint8_t *out);

/* Where options are, one after the other.  False at the end, or if the rest is malformed. */
struct wire_option {
	uint8_t kind;
	uint8_t length; /* with kind and length bytes; 1 for EOL and NOP */
	const uint8_t *data;
};
bool wire_option_next(const uint8_t *options, unsigned size, unsigned *at,
                      struct wire_option *option);

uint32_t wire_load32(const uint8_t *p);
void wire_store32(uint8_t *p, uint32_t value);

#endif
