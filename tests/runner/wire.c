/*
 * Packets as bytes: see wire.h.  Written from RFC 791, 8200, 9293, 792 and 4443.
 */
#include "wire.h"

#include <string.h>

uint32_t wire_load32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

void wire_store32(uint8_t *p, uint32_t value)
{
	p[0] = (uint8_t)(value >> 24);
	p[1] = (uint8_t)(value >> 16);
	p[2] = (uint8_t)(value >> 8);
	p[3] = (uint8_t)value;
}

static uint16_t load16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static void store16(uint8_t *p, uint32_t value)
{
	p[0] = (uint8_t)(value >> 8);
	p[1] = (uint8_t)value;
}

/* Adds bytes as big-endian 16-bit words; an odd last byte is the high half of a word. */
static uint32_t sum(uint32_t start, const uint8_t *p, size_t n)
{
	uint64_t total = start;

	for (size_t i = 0; i + 1 < n; i += 2)
		total += load16(p + i);
	if (n % 2 != 0)
		total += (uint32_t)p[n - 1] << 8;
	while (total > 0xffff)
		total = (total & 0xffff) + (total >> 16);
	return (uint32_t)total;
}

/* The addresses in network form: 4 or 16 bytes. */
static const uint8_t *address(const struct wire_ip *ip, const struct tv_addr *a)
{
	return ip->v6 ? a->b : a->b + 12;
}

static uint32_t pseudo_header(const struct wire_ip *ip, uint8_t protocol, uint32_t length)
{
	size_t n = ip->v6 ? 16 : 4;
	uint32_t total = sum(0, address(ip, &ip->src), n);

	total = sum(total, address(ip, &ip->dst), n);
	return total + protocol + (length >> 16) + (length & 0xffff);
}

/* ------------------------------------------------------------------------- building ----- */

static uint32_t ip_header(const struct wire_packet *p, uint32_t length, uint8_t *out)
{
	const struct wire_ip *ip = &p->ip;

	if (ip->v6) {
		wire_store32(out, 6u << 28 | (uint32_t)ip->tos << 20 | (ip->flow_label & 0xfffff));
		store16(out + 4, length);
		out[6] = p->protocol;
		out[7] = ip->ttl;
		memcpy(out + 8, ip->src.b, 16);
		memcpy(out + 24, ip->dst.b, 16);
		return 40;
	}
	memset(out, 0, 20);
	out[0] = 0x45;
	out[1] = ip->tos;
	store16(out + 2, length + 20);
	out[6] = 0x40; /* don't fragment */
	out[8] = ip->ttl;
	out[9] = p->protocol;
	memcpy(out + 12, ip->src.b + 12, 4);
	memcpy(out + 16, ip->dst.b + 12, 4);
	store16(out + 10, ~sum(0, out, 20));
	return 20;
}

static uint32_t tcp_header(const struct wire_packet *p, uint8_t *out)
{
	uint32_t size = 20u + p->options_length;

	store16(out, p->src_port);
	store16(out + 2, p->dst_port);
	wire_store32(out + 4, p->seq);
	wire_store32(out + 8, p->ack);
	out[12] = (uint8_t)((size / 4) << 4 | ((p->flags & FLAG_AE) != 0 ? 1 : 0));
	out[13] = (uint8_t)p->flags;
	store16(out + 14, p->window);
	store16(out + 16, 0);
	store16(out + 18, p->urgent);
	memcpy(out + 20, p->options, p->options_length);
	return size;
}

static uint32_t udp_header(const struct wire_packet *p, uint8_t *out)
{
	store16(out, p->src_port);
	store16(out + 2, p->dst_port);
	store16(out + 4, p->length + 8);
	store16(out + 6, 0);
	return 8;
}

static uint32_t icmp_header(const struct wire_packet *p, uint8_t *out)
{
	out[0] = p->icmp_type;
	out[1] = p->icmp_code;
	store16(out + 2, 0);
	wire_store32(out + 4, p->icmp_rest);
	return 8;
}

static uint32_t transport_header(const struct wire_packet *p, uint8_t *out)
{
	if (p->protocol == WIRE_TCP)
		return tcp_header(p, out);
	return p->protocol == WIRE_UDP ? udp_header(p, out) : icmp_header(p, out);
}

static uint32_t checksum_at(uint8_t protocol)
{
	return protocol == WIRE_TCP ? 16 : protocol == WIRE_UDP ? 6 : 2;
}

uint32_t wire_build(const struct wire_packet *p, uint8_t *out)
{
	uint8_t header[20 + OPTIONS_MAX];
	uint32_t header_size = transport_header(p, header);
	uint32_t length = header_size + p->length;

	if (length + (p->ip.v6 ? 0u : 20u) > WIRE_MAX)
		return 0;
	uint32_t at = ip_header(p, length, out);
	memcpy(out + at, header, header_size);
	if (p->length > 0)
		memcpy(out + at + header_size, p->payload, p->length);
	uint32_t total = p->protocol == WIRE_ICMP ? 0 : pseudo_header(&p->ip, p->protocol, length);
	uint32_t folded = ~sum(total, out + at, length) & 0xffff;
	if (p->protocol == WIRE_UDP && folded == 0)
		folded = 0xffff;
	store16(out + at + checksum_at(p->protocol), folded);
	return at + length;
}

uint32_t wire_quote(const struct wire_packet *p, unsigned keep, uint8_t *out)
{
	uint8_t header[20 + OPTIONS_MAX] = {0};
	uint32_t header_size = transport_header(p, header);
	uint32_t at = ip_header(p, header_size + p->length, out);

	if (keep > header_size)
		keep = header_size;
	memcpy(out + at, header, keep);
	return at + keep;
}

/* ------------------------------------------------------------------------- parsing ------ */

static void v4_address(struct tv_addr *a, const uint8_t *p)
{
	memset(a, 0, sizeof(*a));
	a->b[10] = a->b[11] = 0xff;
	memcpy(a->b + 12, p, 4);
}

static const char *parse_v4(struct wire_packet *p, const uint8_t *b, size_t size, size_t *header)
{
	if (size < 20 || (b[0] & 15) < 5)
		return "a truncated IPv4 header";
	*header = (size_t)(b[0] & 15) * 4;
	if (size < *header || load16(b + 2) != size)
		return "an IPv4 length that is not the packet's";
	if (sum(0, b, *header) != 0xffff)
		return "a bad IPv4 header checksum";
	p->ip.tos = b[1];
	p->ip.ttl = b[8];
	p->protocol = b[9];
	v4_address(&p->ip.src, b + 12);
	v4_address(&p->ip.dst, b + 16);
	return NULL;
}

static const char *parse_v6(struct wire_packet *p, const uint8_t *b, size_t size, size_t *header)
{
	if (size < 40)
		return "a truncated IPv6 header";
	*header = 40;
	if (load16(b + 4) != size - 40)
		return "an IPv6 length that is not the packet's";
	p->ip.v6 = true;
	p->ip.tos = (uint8_t)(load16(b) >> 4);
	p->ip.flow_label = wire_load32(b) & 0xfffff;
	p->protocol = b[6];
	p->ip.ttl = b[7];
	memcpy(p->ip.src.b, b + 8, 16);
	memcpy(p->ip.dst.b, b + 24, 16);
	return NULL;
}

static const char *parse_tcp(struct wire_packet *p, const uint8_t *b, size_t size)
{
	if (size < 20)
		return "a truncated TCP header";
	size_t header = (size_t)(b[12] >> 4) * 4;
	if (header < 20 || header > size)
		return "a TCP data offset that cannot be";
	p->src_port = load16(b);
	p->dst_port = load16(b + 2);
	p->seq = wire_load32(b + 4);
	p->ack = wire_load32(b + 8);
	p->reserved = (b[12] >> 1) & 7;
	p->flags = (uint16_t)((b[12] & 1) << 8 | b[13]);
	p->window = load16(b + 14);
	p->urgent = load16(b + 18);
	p->options_length = (uint8_t)(header - 20);
	memcpy(p->options, b + 20, p->options_length);
	p->payload = b + header;
	p->length = (uint32_t)(size - header);
	return NULL;
}

static const char *parse_transport(struct wire_packet *p, const uint8_t *b, size_t size)
{
	if (p->protocol == WIRE_TCP)
		return parse_tcp(p, b, size);
	if (size < 8)
		return "a truncated header";
	p->payload = b + 8;
	p->length = (uint32_t)(size - 8);
	if (p->protocol == WIRE_UDP) {
		p->src_port = load16(b);
		p->dst_port = load16(b + 2);
		return load16(b + 4) == size ? NULL : "a UDP length that is not the packet's";
	}
	p->icmp_type = b[0];
	p->icmp_code = b[1];
	p->icmp_rest = wire_load32(b + 4);
	return NULL;
}

const char *wire_parse(struct wire_packet *p, const uint8_t *bytes, size_t size)
{
	size_t header = 0;
	const char *wrong;

	memset(p, 0, sizeof(*p));
	if (size < 1 || (bytes[0] >> 4 != 4 && bytes[0] >> 4 != 6))
		return "no IP version";
	wrong = bytes[0] >> 4 == 4 ? parse_v4(p, bytes, size, &header)
	                           : parse_v6(p, bytes, size, &header);
	if (wrong != NULL)
		return wrong;
	if (p->protocol != WIRE_TCP && p->protocol != WIRE_UDP &&
	    p->protocol != (p->ip.v6 ? WIRE_ICMP6 : WIRE_ICMP))
		return "an unknown protocol";
	size_t length = size - header;
	uint32_t total = p->protocol == WIRE_ICMP
		? 0 : pseudo_header(&p->ip, p->protocol, (uint32_t)length);
	if (sum(total, bytes + header, length) != 0xffff)
		return "a bad checksum";
	return parse_transport(p, bytes + header, length);
}

bool wire_option_next(const uint8_t *options, unsigned size, unsigned *at,
                      struct wire_option *option)
{
	if (*at >= size)
		return false;
	option->kind = options[*at];
	option->length = 1;
	option->data = options + *at + 1;
	if (option->kind > 1) {
		if (size - *at < 2 || options[*at + 1] < 2 || options[*at + 1] > size - *at)
			return false;
		option->length = options[*at + 1];
		option->data = options + *at + 2;
	}
	*at += option->length;
	return true;
}
