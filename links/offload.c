/*
 * offload.c - what a network card does for a stack, where there is no card.
 *
 * The stack may hand out packets whose transport checksum holds only the sum of the pseudo header,
 * and super-segments of up to 64 KB. Devices of the kernel take both. A capture file does not: its
 * readers check sums and would call every packet of ours broken. And the kernel may give us a partial
 * checksum that the stack's metadata cannot express (in a fragment, in a tunnel); it is completed here.
 *
 * This is not the wire layer of the core and knows much less: enough of IP to find a TCP, UDP or
 * ICMPv6 header behind at most eight IPv6 extension headers. Everything is checked against the length
 * of the packet; nothing here is fast, and nothing here needs to be.
 */
#include "links/offload.h"

#include <string.h>

#define ETHERNET_BYTES 14u
#define EXTENSIONS_MAX 8

static uint32_t get16(const uint8_t *p)
{
	return (uint32_t)p[0] << 8 | p[1];
}

static uint32_t get32(const uint8_t *p)
{
	return get16(p) << 16 | get16(p + 2);
}

static void put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v);
}

/* ------------------------------------------------------------------------------------------ */
/* Finding the transport header                                                                */

static bool view_v4(const uint8_t *data, size_t len, struct offload_view *v)
{
	const uint8_t *ip = data + v->ip;
	size_t room = len - v->ip;
	uint32_t head, total;

	if (room < 20)
		return false;
	head = (uint32_t)(ip[0] & 15) * 4;
	total = get16(ip + 2);
	if (head < 20 || head > total || total > room)
		return false;
	v->l4 = v->ip + head;
	v->end = v->ip + total;
	v->protocol = ip[9];
	v->fragment = (get16(ip + 6) & 0x3fff) != 0;
	return true;
}

static bool view_v6(const uint8_t *data, size_t len, struct offload_view *v)
{
	const uint8_t *ip = data + v->ip;
	size_t room = len - v->ip;

	if (room < 40 || get16(ip + 4) > room - 40)
		return false;
	v->end = v->ip + 40 + get16(ip + 4);
	v->l4 = v->ip + 40;
	v->protocol = ip[6];
	for (int i = 0; i < EXTENSIONS_MAX; i++) {
		const uint8_t *h = data + v->l4;
		bool fragment = v->protocol == 44;
		uint32_t bytes;

		if (v->protocol != 0 && v->protocol != 43 && v->protocol != 60 && !fragment)
			return true;
		if (v->end - v->l4 < 8)
			return false;
		bytes = fragment ? 8 : ((uint32_t)h[1] + 1) * 8;
		if (v->end - v->l4 < bytes)
			return false;
		v->fragment = v->fragment || (fragment && (get16(h + 2) & 0xfff9) != 0);
		v->protocol = h[0];
		v->l4 += bytes;
	}
	return false;
}

bool offload_view(enum tv_link_kind kind, const uint8_t *data, size_t len, struct offload_view *v)
{
	uint32_t header;

	memset(v, 0, sizeof *v);
	if (kind == TV_LINK_ETHERNET) {
		if (len < ETHERNET_BYTES || (get16(data + 12) != 0x0800 && get16(data + 12) != 0x86dd))
			return false;
		v->ip = ETHERNET_BYTES;
	}
	if (len <= v->ip)
		return false;
	v->version = data[v->ip] >> 4;
	if (v->version == 4 ? !view_v4(data, len, v) : v->version != 6 || !view_v6(data, len, v))
		return false;
	v->payload = v->l4;
	if (v->protocol != OFFLOAD_TCP || v->fragment)
		return true;
	if (v->end - v->l4 < 20)
		return false;
	header = (uint32_t)(data[v->l4 + 12] >> 4) * 4;
	if (header < 20 || header > v->end - v->l4)
		return false;
	v->payload = v->l4 + header;
	return true;
}

/* ------------------------------------------------------------------------------------------ */
/* Checksums (RFC 1071)                                                                        */

static uint64_t sum_bytes(const uint8_t *p, size_t n, uint64_t sum)
{
	for (; n >= 2; p += 2, n -= 2)
		sum += get16(p);
	return n ? sum + ((uint32_t)p[0] << 8) : sum;
}

static uint16_t fold(uint64_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

uint32_t offload_csum_offset(uint8_t protocol)
{
	switch (protocol) {
	case OFFLOAD_TCP: return 16;
	case OFFLOAD_UDP: return 6;
	case OFFLOAD_ICMP6: return 2;
	default: return 0;
	}
}

void offload_complete(uint8_t *data, size_t len, size_t start, size_t offset)
{
	uint16_t csum = (uint16_t)~fold(sum_bytes(data + start, len - start, 0));

	/* In UDP zero means "no checksum" (RFC 768); its other form means the same to everyone else. */
	put16(data + start + offset, csum == 0 && offset == 6 ? 0xffff : csum);
}

void offload_fill(uint8_t *data, const struct offload_view *v)
{
	uint32_t offset = offload_csum_offset(v->protocol), bytes = v->end - v->l4;
	uint64_t sum;

	if (offset == 0 || v->fragment || bytes < offset + 2)
		return;
	sum = v->version == 4 ? sum_bytes(data + v->ip + 12, 8, 0) : sum_bytes(data + v->ip + 8, 32, 0);
	put16(data + v->l4 + offset, fold(sum + v->protocol + bytes));
	offload_complete(data, v->end, v->l4, offset);
}

/* ------------------------------------------------------------------------------------------ */
/* Cutting                                                                                     */

#define FIN_PSH 0x09
#define CWR 0x80

size_t offload_cut(const uint8_t *data, const struct offload_view *v, uint32_t seg_size, uint32_t i, uint8_t *out)
{
	uint32_t payload = v->end - v->payload;
	uint32_t from = i * seg_size;
	struct offload_view mine = *v;
	uint32_t n;

	if (v->protocol != OFFLOAD_TCP || seg_size == 0 || (i > 0 && from >= payload))
		return 0;
	n = payload - from < seg_size ? payload - from : seg_size;
	memcpy(out, data, v->payload);
	memcpy(out + v->payload, data + v->payload + from, n);
	mine.end = v->payload + n;
	put32(out + v->l4 + 4, get32(out + v->l4 + 4) + from);
	if (from + n < payload)
		out[v->l4 + 13] &= (uint8_t)~FIN_PSH;
	if (i > 0)
		out[v->l4 + 13] &= (uint8_t)~CWR; /* RFC 3168 6.1.2: once */
	if (v->version == 4) {
		uint8_t *ip = out + v->ip;

		put16(ip + 2, mine.end - mine.ip);
		put16(ip + 4, get16(ip + 4) + i);
		put16(ip + 10, 0);
		put16(ip + 10, (uint16_t)~fold(sum_bytes(ip, v->l4 - v->ip, 0)));
	} else {
		put16(out + v->ip + 4, mine.end - mine.ip - 40);
	}
	offload_fill(out, &mine);
	return mine.end;
}
