/*
 * segment.h - one received TCP segment as values. This is all that src/tcp ever sees of a packet.
 */
#ifndef TV_WIRE_SEGMENT_H
#define TV_WIRE_SEGMENT_H

#include "base/key.h"
#include "wire/csum.h"
#include "wire/ip.h"
#include "wire/tcp_opt.h"

/* Control bits as in the header; AE is the former NS bit. */
enum {
	TV_FIN = 1,
	TV_SYN = 2,
	TV_RST = 4,
	TV_PSH = 8,
	TV_ACK = 16,
	TV_URG = 32,
	TV_ECE = 64,
	TV_CWR = 128,
	TV_AE = 256
};

struct tv_segment {
	struct tv_key key;         /* its two ends: the source is the remote one; the zone is the stack's to fill */
	uint16_t flags;
	uint16_t wnd;              /* as on the wire, not scaled */
	uint32_t seq, ack;
	uint32_t len;              /* bytes of text */
	const uint8_t *text;
	uint16_t urg;              /* as on the wire */
	uint16_t seg_size;         /* GRO: payload of each merged segment; 0 or >= len: single */
	uint8_t link;              /* filled by the stack */
	struct tv_tcp_options opt;
};

/* SEG.LEN: text plus one for each of SYN and FIN (RFC 9293 3.4). */
static inline uint32_t tv_segment_len(const struct tv_segment *s)
{
	return s->len + ((s->flags & TV_SYN) != 0) + ((s->flags & TV_FIN) != 0);
}

/* How long the longest of the segments is that were merged, or the only one. */
static inline uint32_t tv_largest_text(const struct tv_segment *s)
{
	return s->seg_size != 0 && s->seg_size < s->len ? s->seg_size : s->len;
}

/*
 * Reads the TCP segment in `ip`. flags: TV_PKT_CSUM_OK or TV_PKT_CSUM_PARTIAL: the checksum is not
 * looked at. TV_V_OK, TRUNCATED, BAD_TCP_HEADER, BAD_TCP_CHECKSUM, BAD_OPTION, BAD_METADATA.
 */
enum tv_verdict tv_segment_parse(struct tv_segment *s, const struct tv_ip *ip, uint16_t flags,
                                 uint16_t seg_size, enum tv_arch arch);

/*
 * Both headers at once: a whole TCP segment in IPv4 without options, or in IPv6 without extension headers. What
 * nearly every packet is, is recognised before (wire/plain.h).
 * True: *s is what tv_ip_parse() and tv_segment_parse() would have made of it. False: it is something
 * else, or something is wrong with it, and those two say what.
 */
bool tv_segment_parse_whole(struct tv_segment *s, const uint8_t *p, size_t n, uint16_t flags, uint16_t seg_size,
                            enum tv_arch arch);

/* The TCP header that quoted bytes begin with: ports and sequence number are there, the rest not. */
bool tv_segment_parse_quoted(const struct tv_ip *ip, uint16_t *sport, uint16_t *dport, uint32_t *seq);

struct tv_tcp_header {
	uint16_t sport, dport;
	uint32_t seq, ack;
	uint16_t flags, wnd, urg;
	uint16_t header_len;       /* with options */
};

/* The word that says how long the header is, its flags and the window; reserved bits zero. */
static inline uint32_t tv_tcp_flags_word(const struct tv_tcp_header *h)
{
	return (uint32_t)h->header_len << 26 | (h->flags & 0x1ffu) << 16 | h->wnd;
}

/*
 * Writes the 20 bytes that every TCP header begins with (RFC 9293 3.1), reserved bits zero; options
 * follow at p + 20 (tv_tcp_opt_build). The checksum is left zero: whoever knows all bytes of the
 * segment, and whether the link fills it, stores it at p + 16 [MUST-2]. Returns the sum of the 20, to be added with
 * its carry (tv_csum_around).
 * Of the second form `ports` are both as they lie in memory, and not those of *h.
 */
static inline uint64_t tv_tcp_header_put(uint8_t *p, uint32_t ports, const struct tv_tcp_header *h)
{
	uint64_t numbers, rest;

	TV_ASSERT(h->header_len % 4 == 0 && h->header_len >= 20);
	TV_ASSERT(h->header_len <= 60);
	memcpy(p, &ports, 4);
	numbers = tv_put_pair(p + 4, h->seq, h->ack);
	rest = tv_put_pair(p + 12, tv_tcp_flags_word(h), h->urg);
	return tv_csum_around(tv_csum_around(numbers, rest), ports);
}

static inline uint64_t tv_tcp_header_build(uint8_t *p, const struct tv_tcp_header *h)
{
	return tv_tcp_header_put(p, tv_wire32((uint32_t)h->sport << 16 | h->dport), h);
}

#endif
