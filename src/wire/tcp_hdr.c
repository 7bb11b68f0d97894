/*
 * tcp_hdr.c - the 20 bytes that every TCP header begins with (RFC 9293 3.1), written.
 * The checksum is left zero: whoever knows all bytes of the segment, and whether the link fills it,
 * stores it at p + 16 [MUST-2]. Reserved bits are zero.
 */
#include "wire/segment.h"
#include "base/bytes.h"

void tv_tcp_header_build(uint8_t *p, const struct tv_tcp_header *h)
{
	TV_ASSERT(h->header_len % 4 == 0 && h->header_len >= 20);
	TV_ASSERT(h->header_len <= 60);
	tv_store16(p, h->sport);
	tv_store16(p + 2, h->dport);
	tv_store32(p + 4, h->seq);
	tv_store32(p + 8, h->ack);
	tv_store16(p + 12, (uint16_t)(h->header_len << 10 | (h->flags & 0x1ff)));
	tv_store16(p + 14, h->wnd);
	tv_store16(p + 16, 0);
	tv_store16(p + 18, h->urg);
}
