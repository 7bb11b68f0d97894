/*
 * tcp_hdr.c - the 20 bytes that every TCP header begins with (RFC 9293 3.1), written.
 * The checksum is left zero: whoever knows all bytes of the segment, and whether the link fills it,
 * stores it at p + 16 [MUST-2]. Reserved bits are zero.
 */
#include "wire/segment.h"
#include "wire/put.h"

void tv_tcp_header_build(uint8_t *p, const struct tv_tcp_header *h)
{
	TV_ASSERT(h->header_len % 4 == 0 && h->header_len >= 20);
	TV_ASSERT(h->header_len <= 60);
	tv_put32(p, (uint32_t)h->sport << 16 | h->dport);
	tv_put32(p + 4, h->seq);
	tv_put32(p + 8, h->ack);
	tv_put32(p + 12, (uint32_t)h->header_len << 26 | (h->flags & 0x1ffu) << 16 | h->wnd);
	tv_put32(p + 16, h->urg);
}
