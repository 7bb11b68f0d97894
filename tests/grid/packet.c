/*
 * packet.c - see packet.h.
 */
#include "packet.h"

#include <string.h>

static void put16(uint8_t *at, uint32_t v)
{
	at[0] = (uint8_t)(v >> 8);
	at[1] = (uint8_t)v;
}

static void put32(uint8_t *at, uint32_t v)
{
	put16(at, v >> 16);
	put16(at + 2, v & 0xffff);
}

static uint32_t get16(const uint8_t *at) { return (uint32_t)at[0] << 8 | at[1]; }
static uint32_t get32(const uint8_t *at) { return get16(at) << 16 | get16(at + 2); }

/* RFC 1071, as slow as it is short. */
static uint32_t sum(const uint8_t *at, uint32_t len, uint32_t start)
{
	for (uint32_t i = 0; i < len; i++)
		start += i & 1 ? at[i] : (uint32_t)at[i] << 8;
	while (start >> 16)
		start = (start & 0xffff) + (start >> 16);
	return start;
}

/* Addresses, length and protocol number: the same sum for both versions. */
static uint32_t tcp_sum(const struct packet *p, const uint8_t *tcp, uint32_t len)
{
	uint32_t from = p->v6 ? 0 : 12, s;

	s = sum(p->src + from, 16 - from, 6 + len);
	s = sum(p->dst + from, 16 - from, s);
	return sum(tcp, len, s);
}

static uint32_t put_options(uint8_t *at, const struct packet *p)
{
	uint32_t n = 0;

	if (p->mss) {
		put16(at, 0x0204);
		put16(at + 2, p->mss);
		n = 4;
	}
	if (p->has_ts) {
		put32(at + n, 0x0101080au);
		put32(at + n + 4, p->tsval);
		put32(at + n + 8, p->tsecr);
		n += 12;
	}
	return n;
}

uint32_t packet_build(uint8_t *out, const struct packet *p)
{
	uint32_t ip = p->v6 ? 40 : 20, options, len;
	uint8_t *tcp = out + ip;

	memset(out, 0, ip + 20);
	options = put_options(tcp + 20, p);
	len = 20 + options + p->text_len;
	put16(tcp, p->sport);
	put16(tcp + 2, p->dport);
	put32(tcp + 4, p->seq);
	put32(tcp + 8, p->ack);
	put16(tcp + 12, (20 + options) / 4 << 12 | (p->flags & 0xfff));
	put16(tcp + 14, p->wnd);
	put16(tcp + 18, p->up);
	if (p->text_len)
		memcpy(tcp + 20 + options, p->text, p->text_len);
	put16(tcp + 16, ~tcp_sum(p, tcp, len) & 0xffff);
	if (p->v6) {
		out[0] = 0x60;
		put16(out + 4, len);
		out[6] = 6;
		out[7] = 64;
		memcpy(out + 8, p->src, 16);
		memcpy(out + 24, p->dst, 16);
	} else {
		out[0] = 0x45;
		put16(out + 2, ip + len);
		put16(out + 6, 0x4000);
		out[8] = 64;
		out[9] = 6;
		memcpy(out + 12, p->src + 12, 4);
		memcpy(out + 16, p->dst + 12, 4);
		put16(out + 10, ~sum(out, 20, 0) & 0xffff);
	}
	return ip + len;
}

static void get_options(const uint8_t *at, uint32_t n, struct packet *p)
{
	uint32_t i = 0;

	while (i < n && at[i] != 0) {
		if (at[i] == 1) {
			i++;
			continue;
		}
		if (i + 1 >= n || at[i + 1] < 2 || i + at[i + 1] > n)
			return;
		if (at[i] == 2 && at[i + 1] == 4)
			p->mss = (uint16_t)get16(at + i + 2);
		if (at[i] == 8 && at[i + 1] == 10) {
			p->has_ts = true;
			p->tsval = get32(at + i + 2);
			p->tsecr = get32(at + i + 6);
		}
		i += at[i + 1];
	}
}

static bool get_ip(const uint8_t *in, uint32_t len, struct packet *p)
{
	if (len >= 40 && in[0] >> 4 == 6) {
		p->v6 = true;
		memcpy(p->src, in + 8, 16);
		memcpy(p->dst, in + 24, 16);
		return in[6] == 6 && get16(in + 4) == len - 40;
	}
	if (len < 20 || in[0] != 0x45 || in[9] != 6 || get16(in + 2) != len)
		return false;
	memcpy(p->src, "\0\0\0\0\0\0\0\0\0\0\xff\xff", 12);
	memcpy(p->dst, p->src, 12);
	memcpy(p->src + 12, in + 12, 4);
	memcpy(p->dst + 12, in + 16, 4);
	return sum(in, 20, 0) == 0xffff;
}

bool packet_parse(const uint8_t *in, uint32_t len, struct packet *p)
{
	const uint8_t *tcp;
	uint32_t head;

	memset(p, 0, sizeof *p);
	if (!get_ip(in, len, p))
		return false;
	tcp = in + (p->v6 ? 40 : 20);
	len -= p->v6 ? 40 : 20;
	if (len < 20 || tcp_sum(p, tcp, len) != 0xffff)
		return false;
	head = (uint32_t)tcp[12] >> 4 << 2;
	if (head < 20 || head > len)
		return false;
	p->sport = (uint16_t)get16(tcp);
	p->dport = (uint16_t)get16(tcp + 2);
	p->seq = get32(tcp + 4);
	p->ack = get32(tcp + 8);
	p->flags = get16(tcp + 12) & 0xfff;
	p->wnd = (uint16_t)get16(tcp + 14);
	p->up = (uint16_t)get16(tcp + 18);
	get_options(tcp + 20, head - 20, p);
	p->text = tcp + head;
	p->text_len = len - head;
	return true;
}
