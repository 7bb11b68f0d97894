/*
 * icmp.h - ICMP and ICMPv6: errors about our packets, echo, and the errors that we send.
 */
#ifndef TV_WIRE_ICMP_H
#define TV_WIRE_ICMP_H

#include "wire/ip.h"

enum {
	TV_ICMP4_ECHO_REPLY = 0,
	TV_ICMP4_UNREACHABLE = 3,
	TV_ICMP4_SOURCE_QUENCH = 4,
	TV_ICMP4_ECHO = 8,
	TV_ICMP4_TIME_EXCEEDED = 11,
	TV_ICMP4_PARAMETER = 12,
	TV_ICMP6_UNREACHABLE = 1,
	TV_ICMP6_TOO_BIG = 2,
	TV_ICMP6_TIME_EXCEEDED = 3,
	TV_ICMP6_PARAMETER = 4,
	TV_ICMP6_ECHO = 128,
	TV_ICMP6_ECHO_REPLY = 129,
	TV_ICMP6_SOLICIT = 135,
	TV_ICMP6_ADVERT = 136
};

/* What a message is about, for both versions; the numbers of type and code stay beside it. */
enum tv_icmp_kind {
	TV_ICMP_IGNORED,           /* source quench [MUST-55], redirects, routers, whatever is unknown */
	TV_ICMP_ECHO_REQUEST,
	TV_ICMP_ECHO_ANSWER,
	TV_ICMP_NEIGHBOUR,         /* ICMPv6 135 and 136: see nd.h */
	/* errors: they quote a packet */
	TV_ICMP_NET,
	TV_ICMP_HOST,
	TV_ICMP_PROTOCOL,
	TV_ICMP_PORT,
	TV_ICMP_ADMIN,             /* administratively prohibited */
	TV_ICMP_TOO_BIG,           /* never a failure by itself */
	TV_ICMP_TIME_EXCEEDED,     /* in transit */
	TV_ICMP_PARAMETER,
	TV_ICMP_OTHER
};

struct tv_icmp {
	enum tv_icmp_kind kind;
	uint8_t type, code;
	bool hard;                 /* an error that ends an attempt to connect; see tv_icmp_is_hard() */
	bool tcp;                  /* the quoted packet is TCP: sport, dport and seq are its own */
	uint16_t sport, dport;
	uint32_t seq;
	uint32_t mtu;              /* TV_ICMP_TOO_BIG: of the next hop; 0: an old router did not say */
	uint16_t id, sequence;     /* echo */
	struct tv_ip quoted;       /* errors: the packet that it is about; payload is what is there */
	uint32_t quoted_length;    /* ... and its length by its own header, bytes (RFC 1191 5) */
};

/* The table of types and codes. */
enum tv_icmp_kind tv_icmp_kind(bool v6, uint8_t type, uint8_t code);
/*
 * Does this error end a connection that is being opened? IPv4: protocol and port unreachable (RFC
 * 9293 3.9.2.2) and administratively prohibited; IPv6: port unreachable and prohibited. All others
 * are soft and only told [MUST-56, SHLD-25]; so is every error in a synchronised state (RFC 5927).
 */
bool tv_icmp_is_hard(bool v6, uint8_t type, uint8_t code);
/* The reason that a connection ends with when this kind of error ended it. */
enum tv_reason tv_icmp_reason(enum tv_icmp_kind kind);

/*
 * Reads the message in `ip` (protocol 1 in IPv4, 58 in IPv6). TV_V_OK with a kind that is not
 * TV_ICMP_IGNORED, TV_V_ICMP_IGNORED, or TV_V_ICMP_MALFORMED: too short, wrong checksum, or an error
 * that quotes no header of its own IP version, or less than 8 bytes of TCP.
 */
enum tv_verdict tv_icmp_parse(struct tv_icmp *m, const struct tv_ip *ip);
/* Is the checksum right? */
bool tv_icmp_sum_is_right(const struct tv_ip *ip);

/*
 * May an ICMP error be sent about this packet (RFC 1122 3.2.2, RFC 4443 2.4 (e))? Not about an ICMP
 * error, and not when source or destination is not one single host.
 */
bool tv_icmp_may_report(const struct tv_ip *ip);

/* An error to be sent; `quoted` is the packet that it is about, from its IP header on. */
struct tv_icmp_error {
	struct tv_addr src, dst;
	uint8_t type, code, ttl;
	uint32_t value;            /* the second 32 bits: a MTU, a pointer, or 0 */
	const uint8_t *quoted;
	uint32_t quoted_len;
};
/*
 * Writes IP header and error, quoting as much as fits into cap and into 576 (IPv4, RFC 1812 4.3.2.3)
 * or 1280 bytes (IPv6, RFC 4443 2.4 (c)). Returns the length; 0: cap is below headers plus 8 bytes.
 */
uint32_t tv_icmp_build_error(uint8_t *p, uint32_t cap, const struct tv_icmp_error *e);
/*
 * Writes the answer to the echo request in `ip` (verified by tv_icmp_parse). Returns the length; 0: it
 * does not fit into cap, and nothing is sent, since a shortened echo would be a wrong one.
 */
uint32_t tv_icmp_build_echo(uint8_t *p, uint32_t cap, const struct tv_ip *request, uint8_t ttl);

#endif
