/*
 * packet.h - a captured record as values: what a diagnosis needs to know of one packet.
 */
#ifndef TRIVET_DIAGNOSE_PACKET_H
#define TRIVET_DIAGNOSE_PACKET_H

#include "wire/icmp.h"
#include "wire/segment.h"

enum packet_kind {
	PACKET_NONE,           /* not IP, or not readable */
	PACKET_TCP,
	PACKET_ICMP,           /* an error that quotes TCP: src, dst are those of the error itself */
	PACKET_REST,           /* IP, but nothing that is judged here */
	PACKET_FRAGMENT,       /* a later fragment */
	PACKET_UNKNOWN_LINK    /* the link type is not understood */
};

/* A record of a capture file. */
struct packet_record {
	uint64_t number;
	tv_time time;
	uint16_t link_type;
	uint32_t len, wire_len;
	const uint8_t *data;
};

struct packet {
	enum packet_kind kind;
	uint64_t number;
	tv_time time;
	struct tv_addr src, dst;
	bool v6;
	bool cut;              /* captured in part */
	bool options_cut;      /* ... and some of the TCP options are among what is missing */
	bool window_cut;       /* ... and the window */
	bool seq_cut;          /* ICMP: of the quoted segment there are the ports alone */
	bool quote_cut;        /* ... or less: sport is known if it is not 0, and of quoted_dst the first bytes */
	uint8_t quoted_dst_have;
	bool dont_fragment;
	uint8_t ttl;
	bool cooked2;          /* Linux cooked 2, which tells the interface and the direction: */
	uint8_t cooked_type;   /* 0 to this host, 1 broadcast, 2 multicast, 3 to another host, 4 from this host */
	uint32_t cooked_index;
	const uint8_t *ip;     /* the packet from its IP header on, ip_have bytes of it */
	uint32_t ip_have;
	/* TCP; for ICMP, the ports and sequence number of the quoted segment */
	uint16_t sport, dport;
	uint16_t flags, wnd;
	uint32_t seq, ack, len;
	struct tv_tcp_options opt;
	uint8_t nops;          /* the longest run of NOPs among the options */
	/* ICMP */
	struct tv_addr quoted_src, quoted_dst;
	enum tv_icmp_kind icmp;
	uint8_t icmp_type, icmp_code;
	uint32_t mtu;
};

/* Reads a record. True: TCP, or an ICMP error about TCP. */
bool packet_read(struct packet *p, const struct packet_record *record);

/* How sequence numbers are compared: is a behind b on the circle? */
static inline bool seq_after(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) > 0;
}

#endif
