/*
 * test_links_offload.c - headers found, checksums filled, super-segments cut; and the kernel's offload
 * header translated both ways.
 *
 * Packets are built here, and their sums are verified by a sum of this file's own that reads 16-bit
 * words one by one as RFC 1071 says, so that the code under test does not judge itself.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "links/offload.h"
#include "links/vnet.h"

#define ROOM (65535u + 14u)

static uint32_t seed = 20261120;

static uint32_t rnd(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 17;
	seed ^= seed << 5;
	return seed;
}

/* ------------------------------------------------------------------------------------------ */
/* Packets                                                                                     */

struct shape {
	enum tv_link_kind kind;
	int version;
	uint8_t protocol;
	uint32_t header;       /* of the transport */
	uint32_t payload;
	uint32_t fragment;     /* true: not the whole of it */
	uint32_t ip_options;   /* IPv4: bytes; IPv6: bytes of a destination options header */
};

struct made {
	uint8_t *data;
	uint32_t len, ip, l4;
};

static void put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static uint32_t get16(const uint8_t *p)
{
	return (uint32_t)p[0] << 8 | p[1];
}

static uint32_t get32(const uint8_t *p)
{
	return get16(p) << 16 | get16(p + 2);
}

/* RFC 1071, word by word, with the carry brought round at once. */
static uint32_t add(uint32_t sum, const uint8_t *p, uint32_t n)
{
	for (uint32_t i = 0; i < n; i += 2) {
		sum += i + 1 < n ? get16(p + i) : (uint32_t)p[i] << 8;
		if (sum > 0xffff)
			sum -= 0xffff;
	}
	return sum;
}

static uint32_t pseudo(const struct made *m, uint8_t protocol)
{
	const uint8_t *ip = m->data + m->ip;
	uint8_t rest[4] = { 0, protocol, (uint8_t)((m->len - m->l4) >> 8), (uint8_t)(m->len - m->l4) };
	uint32_t sum = ip[0] >> 4 == 4 ? add(0, ip + 12, 8) : add(0, ip + 8, 32);

	return add(sum, rest, 4);
}

/* All ones, or with the checksum right: zero's other form. */
static bool sum_is_right(const struct made *m, uint8_t protocol)
{
	return add(pseudo(m, protocol), m->data + m->l4, m->len - m->l4) == 0xffff;
}

static struct made make(const struct shape *s)
{
	uint32_t head = (s->version == 4 ? 20 : 40) + s->ip_options;
	uint32_t ip = s->kind == TV_LINK_ETHERNET ? 14 : 0;
	struct made m = { .len = ip + head + s->header + s->payload, .ip = ip, .l4 = ip + head };
	uint8_t *p;

	m.data = malloc(m.len);
	assert_non_null(m.data);
	for (uint32_t i = 0; i < m.len; i++)
		m.data[i] = (uint8_t)rnd();
	if (ip)
		put16(m.data + 12, s->version == 4 ? 0x0800 : 0x86dd);
	p = m.data + ip;
	if (s->version == 4) {
		p[0] = (uint8_t)(0x40 | head / 4);
		put16(p + 2, m.len - ip);
		put16(p + 6, s->fragment ? 0x2000 : 0x4000);
		p[9] = s->protocol;
		memset(p + 20, 1, s->ip_options);
		put16(p + 10, 0);
		put16(p + 10, ~add(0, p, head) & 0xffff);
	} else {
		p[0] = 0x60;
		put16(p + 4, m.len - ip - 40);
		p[6] = s->fragment ? 44 : s->ip_options ? 60 : s->protocol;
		if (s->ip_options) {
			p[40] = s->protocol;
			p[41] = (uint8_t)(s->ip_options / 8 - 1);
			put16(p + 42, s->fragment ? 1 : 0);
		}
	}
	if (s->protocol == OFFLOAD_TCP)
		m.data[m.l4 + 12] = (uint8_t)(s->header / 4 << 4);
	return m;
}

static const struct shape SHAPES[] = {
	{ TV_LINK_IP, 4, OFFLOAD_TCP, 20, 0, false, 0 },
	{ TV_LINK_IP, 4, OFFLOAD_TCP, 32, 1, false, 0 },
	{ TV_LINK_IP, 4, OFFLOAD_TCP, 60, 1448, false, 40 },
	{ TV_LINK_IP, 4, OFFLOAD_TCP, 32, 65483, false, 0 },
	{ TV_LINK_IP, 6, OFFLOAD_TCP, 20, 1440, false, 0 },
	{ TV_LINK_IP, 6, OFFLOAD_TCP, 32, 65463, false, 0 },
	{ TV_LINK_IP, 6, OFFLOAD_TCP, 32, 77, false, 16 },
	{ TV_LINK_ETHERNET, 4, OFFLOAD_TCP, 32, 1447, false, 0 },
	{ TV_LINK_ETHERNET, 6, OFFLOAD_TCP, 20, 3, false, 0 },
	{ TV_LINK_IP, 4, OFFLOAD_UDP, 8, 100, false, 0 },
	{ TV_LINK_IP, 6, OFFLOAD_UDP, 8, 5, false, 0 },
	{ TV_LINK_IP, 6, OFFLOAD_ICMP6, 8, 64, false, 0 },
};

/* ------------------------------------------------------------------------------------------ */
/* View and checksum                                                                           */

static void test_offload_view_finds_the_transport_header(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof SHAPES / sizeof *SHAPES; i++) {
		const struct shape *s = &SHAPES[i];
		struct made m = make(s);
		struct offload_view v;

		assert_true(offload_view(s->kind, m.data, m.len, &v));
		assert_int_equal(v.ip, m.ip);
		assert_int_equal(v.l4, m.l4);
		assert_int_equal(v.end, m.len);
		assert_int_equal(v.payload, s->protocol == OFFLOAD_TCP ? m.l4 + s->header : m.l4);
		assert_int_equal(v.version, s->version);
		assert_int_equal(v.protocol, s->protocol);
		assert_false(v.fragment);
		/* A byte less than the IP header says is no packet. */
		assert_false(offload_view(s->kind, m.data, m.len - 1, &v));
		free(m.data);
	}
}

static void test_offload_view_ethernet_padding_is_not_part(void **state)
{
	struct shape s = { TV_LINK_ETHERNET, 4, OFFLOAD_TCP, 20, 0, false, 0 };
	struct made m = make(&s);
	struct offload_view v;
	uint8_t padded[60] = { 0 };

	(void)state;
	memcpy(padded, m.data, m.len);
	assert_true(offload_view(s.kind, padded, sizeof padded, &v));
	assert_int_equal(v.end, m.len);
	free(m.data);
}

static void test_offload_view_random_bytes_stay_inside(void **state)
{
	struct offload_view v;
	unsigned seen = 0;

	(void)state;
	for (int round = 0; round < 400000; round++) {
		uint32_t len = rnd() % 120;
		uint8_t *data = malloc(len + 1); /* its end is where a sanitizer looks */
		enum tv_link_kind kind = rnd() % 2 ? TV_LINK_ETHERNET : TV_LINK_IP;
		uint32_t at = kind == TV_LINK_ETHERNET ? 14 : 0;
		static const uint8_t protocols[] = { 0, 6, 6, 17, 43, 44, 58, 60 };

		assert_non_null(data);
		for (uint32_t i = 0; i < len; i++)
			data[i] = rnd() % 4 ? (uint8_t)(rnd() % 8) : (uint8_t)rnd();
		if (at && len >= 14)
			put16(data + 12, rnd() % 2 ? 0x0800 : 0x86dd);
		if (len > at + 10) {
			data[at] = rnd() % 2 ? (uint8_t)(0x45 + rnd() % 3) : 0x60;
			data[at + (data[at] == 0x60 ? 6 : 9)] = protocols[rnd() % 8];
			/* A length that is right, or one too many. */
			if (data[at] == 0x60)
				put16(data + at + 4, len - at < 40 ? rnd() : len - at - 40 + rnd() % 2);
			else
				put16(data + at + 2, len - at + rnd() % 2);
		}
		if (offload_view(kind, data, len, &v)) {
			seen++;
			assert_true(v.ip < v.l4 && v.l4 <= v.payload && v.payload <= v.end && v.end <= len);
			offload_fill(data, &v);
		}
		free(data);
	}
	assert_true(seen > 10000);
}

static void test_offload_fill_makes_the_sum_right(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof SHAPES / sizeof *SHAPES; i++) {
		struct made m = make(&SHAPES[i]);
		struct offload_view v;

		assert_true(offload_view(SHAPES[i].kind, m.data, m.len, &v));
		assert_false(sum_is_right(&m, v.protocol));
		offload_fill(m.data, &v);
		assert_true(sum_is_right(&m, v.protocol));
		free(m.data);
	}
}

static void test_offload_fill_udp_sum_of_zero_is_written_as_ones(void **state)
{
	struct shape s = { TV_LINK_IP, 4, OFFLOAD_UDP, 8, 2, false, 0 };
	struct made m = make(&s);
	struct offload_view v;

	(void)state;
	assert_true(offload_view(s.kind, m.data, m.len, &v));
	/* The last word makes everything else add up to all ones, whose complement is zero. */
	put16(m.data + m.l4 + 6, 0);
	put16(m.data + m.l4 + 8, 0);
	put16(m.data + m.l4 + 8, ~add(pseudo(&m, OFFLOAD_UDP), m.data + m.l4, m.len - m.l4) & 0xffff);
	offload_fill(m.data, &v);
	assert_int_equal(get16(m.data + m.l4 + 6), 0xffff);
	free(m.data);
}

/* ------------------------------------------------------------------------------------------ */
/* Cutting                                                                                     */

static void check_piece(const struct made *whole, const struct shape *s, uint32_t seg, uint32_t i,
	const struct made *piece)
{
	uint32_t head = whole->l4 + s->header, from = i * seg;
	bool last = from + seg >= s->payload;
	uint8_t was = whole->data[whole->l4 + 13], is = piece->data[piece->l4 + 13];

	assert_int_equal(piece->len, head + (last ? s->payload - from : seg));
	assert_memory_equal(piece->data + head, whole->data + head + from, piece->len - head);
	assert_int_equal(get32(piece->data + piece->l4 + 4), get32(whole->data + whole->l4 + 4) + from);
	/* FIN and PSH go with the last, CWR with the first, the rest with all. */
	assert_int_equal(is & 0x09, last ? was & 0x09 : 0);
	assert_int_equal(is & 0x80, i == 0 ? was & 0x80 : 0);
	assert_int_equal(is & 0x76, was & 0x76);
	assert_true(sum_is_right(piece, OFFLOAD_TCP));
	if (s->version == 4) {
		const uint8_t *ip = piece->data + piece->ip;

		assert_int_equal(get16(ip + 2), piece->len - piece->ip);
		assert_int_equal(get16(ip + 4), (get16(whole->data + whole->ip + 4) + i) & 0xffff);
		assert_int_equal(add(0, ip, piece->l4 - piece->ip), 0xffff);
	} else {
		assert_int_equal(get16(piece->data + piece->ip + 4), piece->len - piece->ip - 40);
	}
}

static void test_offload_cut_gives_the_segments_of_a_super_segment(void **state)
{
	static uint8_t out[ROOM];

	(void)state;
	for (int round = 0; round < 300; round++) {
		const struct shape *pick = &SHAPES[(uint32_t)round % 9];
		struct shape s = *pick;
		uint32_t most = 65535 - (s.version == 4 ? 20u : 0u) - s.ip_options - s.header, seg = 1 + rnd() % 9000,
			n = 0;
		struct made m;
		struct offload_view v;

		s.payload = round % 3 ? rnd() % 20000 : most;
		m = make(&s);
		assert_true(offload_view(s.kind, m.data, m.len, &v));
		if (s.payload / seg > 1000)
			seg = 1460;
		for (;; n++) {
			struct made piece = { out, (uint32_t)offload_cut(m.data, &v, seg, n, out), m.ip, m.l4 };

			if (piece.len == 0)
				break;
			check_piece(&m, &s, seg, n, &piece);
		}
		/* A packet without payload is one segment too. */
		assert_int_equal(n, s.payload ? (s.payload + seg - 1) / seg : 1);
		free(m.data);
	}
}

static void test_offload_cut_of_other_protocols_is_nothing(void **state)
{
	struct shape s = { TV_LINK_IP, 4, OFFLOAD_UDP, 8, 100, false, 0 };
	struct made m = make(&s);
	struct offload_view v;
	uint8_t out[256];

	(void)state;
	assert_true(offload_view(s.kind, m.data, m.len, &v));
	assert_int_equal(offload_cut(m.data, &v, 10, 0, out), 0);
	free(m.data);
}

/* ------------------------------------------------------------------------------------------ */
/* The offload header                                                                          */

#define NEEDS VIRTIO_NET_HDR_F_NEEDS_CSUM
#define VALID VIRTIO_NET_HDR_F_DATA_VALID
#define NONE VIRTIO_NET_HDR_GSO_NONE
#define TCP4 VIRTIO_NET_HDR_GSO_TCPV4
#define TCP6 VIRTIO_NET_HDR_GSO_TCPV6
#define ECN VIRTIO_NET_HDR_GSO_ECN

static const struct {
	const char *name;
	struct shape shape;
	struct virtio_net_hdr h;
	bool taken;
	uint16_t flags, seg_size;
} HEADERS[] = {
	{ "nothing said", { TV_LINK_IP, 4, 6, 20, 10, false, 0 }, { 0, NONE, 0, 0, 0, 0 }, true, 0, 0 },
	{ "verified", { TV_LINK_IP, 4, 6, 20, 10, false, 0 }, { VALID, NONE, 0, 0, 0, 0 }, true, TV_PKT_CSUM_OK, 0 },
	{ "partial", { TV_LINK_IP, 4, 6, 20, 10, false, 0 }, { NEEDS, NONE, 0, 0, 20, 16 }, true, TV_PKT_CSUM_PARTIAL,
	  0 },
	{ "partial wins over verified", { TV_LINK_IP, 4, 6, 20, 10, false, 0 }, { NEEDS | VALID, NONE, 0, 0, 20, 16 },
	  true,
	  TV_PKT_CSUM_PARTIAL, 0 },
	{ "partial on Ethernet", { TV_LINK_ETHERNET, 4, 6, 20, 10, false, 0 }, { NEEDS, NONE, 0, 0, 34, 16 }, true,
	  TV_PKT_CSUM_PARTIAL, 0 },
	{ "partial UDP", { TV_LINK_IP, 6, 17, 8, 10, false, 0 }, { NEEDS, NONE, 0, 0, 40, 6 }, true,
	  TV_PKT_CSUM_PARTIAL, 0 },
	{ "partial behind an extension header", { TV_LINK_IP, 6, 6, 20, 10, false, 8 }, { NEEDS, NONE, 0, 0, 48, 16 },
	  true,
	  TV_PKT_CSUM_PARTIAL, 0 },
	{ "checksum beyond the end", { TV_LINK_IP, 4, 6, 20, 10, false, 0 }, { NEEDS, NONE, 0, 0, 20, 29 }, false, 0,
	  0 },
	{ "start beyond the end", { TV_LINK_IP, 4, 6, 20, 10, false, 0 }, { NEEDS, NONE, 0, 0, 65535, 65535 }, false,
	  0, 0 },
	{ "merged", { TV_LINK_IP, 4, 6, 32, 60000, false, 0 }, { NEEDS, TCP4, 0, 1448, 20, 16 }, true,
	  TV_PKT_CSUM_PARTIAL, 1448 },
	{ "merged and verified", { TV_LINK_IP, 4, 6, 32, 3000, false, 0 }, { VALID, TCP4, 0, 1448, 0, 0 }, true,
	  TV_PKT_CSUM_OK, 1448 },
	{ "merged with ECN", { TV_LINK_IP, 4, 6, 32, 3000, false, 0 }, { NEEDS, TCP4 | ECN, 0, 1448, 20, 16 }, true,
	  TV_PKT_CSUM_PARTIAL, 1448 },
	{ "merged, IPv6", { TV_LINK_IP, 6, 6, 32, 60000, false, 0 }, { NEEDS, TCP6, 0, 1428, 40, 16 }, true,
	  TV_PKT_CSUM_PARTIAL, 1428 },
	{ "a header length that lies does not matter", { TV_LINK_IP, 4, 6, 32, 3000, false, 0 },
	  { NEEDS, TCP4, 65535, 1448, 20, 16 }, true, TV_PKT_CSUM_PARTIAL, 1448 },
	{ "merged, but one segment", { TV_LINK_IP, 4, 6, 32, 1448, false, 0 }, { NEEDS, TCP4, 0, 1448, 20, 16 }, true,
	  TV_PKT_CSUM_PARTIAL, 0 },
	{ "merged of size zero", { TV_LINK_IP, 4, 6, 32, 3000, false, 0 }, { NEEDS, TCP4, 0, 0, 20, 16 }, false, 0, 0 },
	{ "merged, wrong version", { TV_LINK_IP, 4, 6, 32, 3000, false, 0 }, { NEEDS, TCP6, 0, 1448, 20, 16 }, false,
	  0, 0 },
	{ "merged, wrong version 6", { TV_LINK_IP, 6, 6, 32, 3000, false, 0 }, { NEEDS, TCP4, 0, 1448, 40, 16 },
	  false, 0, 0 },
	{ "merged UDP called TCP", { TV_LINK_IP, 4, 17, 8, 3000, false, 0 }, { NEEDS, TCP4, 0, 1448, 20, 6 }, false,
	  0, 0 },
	{ "merged UDP, never asked for", { TV_LINK_IP, 4, 17, 8, 3000, false, 0 },
	  { NEEDS, 5 /* UDP_L4 */, 0, 1448, 20, 6 }, false, 0, 0 },
	{ "UDP fragmentation, never asked for", { TV_LINK_IP, 4, 17, 8, 3000, false, 0 },
	  { NEEDS, VIRTIO_NET_HDR_GSO_UDP, 0, 1448, 20, 6 }, false, 0, 0 },
	{ "merged of no known kind", { TV_LINK_IP, 4, 6, 32, 3000, false, 0 }, { NEEDS, 0x33, 0, 1448, 20, 16 },
	  false, 0, 0 },
	{ "merged, checksum of another header", { TV_LINK_IP, 4, 6, 32, 3000, false, 0 }, { NEEDS, TCP4, 0, 1448, 24,
	  16 },
	  false, 0, 0 },
	{ "merged fragment", { TV_LINK_IP, 4, 6, 32, 3000, true, 0 }, { VALID, TCP4, 0, 1448, 0, 0 }, false, 0, 0 },
};

static void test_vnet_read_believes_only_what_the_packet_confirms(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof HEADERS / sizeof *HEADERS; i++) {
		struct made m = make(&HEADERS[i].shape);
		struct tv_packet p = { .data = m.data, .len = m.len, .flags = 0xffff, .seg_size = 0xffff };
		bool taken = vnet_read(&HEADERS[i].h, HEADERS[i].shape.kind, &p);

		if (taken != HEADERS[i].taken || (taken && (p.flags != HEADERS[i].flags ||
			p.seg_size != HEADERS[i].seg_size)))
			fail_msg("%s: taken %d, flags %u, seg_size %u", HEADERS[i].name, taken, p.flags, p.seg_size);
		free(m.data);
	}
}

/* The partial sum of a fragment (its checksum covers more than this packet) cannot be told to the
 * stack: it is completed as the header says, whatever lies there. */
static void test_vnet_read_foreign_partial_sum_is_completed(void **state)
{
	struct shape s = { TV_LINK_IP, 6, OFFLOAD_UDP, 8, 33, true, 8 };
	struct made m = make(&s);
	struct virtio_net_hdr h = { NEEDS, NONE, 0, 0, 48, 6 };
	struct tv_packet p = { .data = m.data, .len = m.len };
	uint32_t before = add(0, m.data + 48, m.len - 48);

	(void)state;
	assert_true(vnet_read(&h, TV_LINK_IP, &p));
	assert_int_equal(p.flags, 0);
	assert_int_equal(get16(m.data + 54), ~before & 0xffff);
	free(m.data);
}

static void test_vnet_read_random_headers_never_leave_the_packet(void **state)
{
	unsigned taken = 0;

	(void)state;
	for (int round = 0; round < 200000; round++) {
		struct shape s = SHAPES[rnd() % (sizeof SHAPES / sizeof *SHAPES)];
		struct virtio_net_hdr h;
		struct made m;
		struct tv_packet p;

		s.payload %= 100;
		m = make(&s);
		h = (struct virtio_net_hdr){ (uint8_t)(rnd() % 4), (uint8_t)(rnd() % 8), (uint16_t)rnd(),
			(uint16_t)(rnd() % 64),
			(uint16_t)(rnd() % 80), (uint16_t)(rnd() % 40) };
		if (rnd() % 8 == 0)
			h.csum_start = (uint16_t)rnd();
		if (rnd() % 4 == 0) {
			h.csum_start = (uint16_t)m.l4;
			h.csum_offset = 16;
		}
		p = (struct tv_packet){ .data = m.data, .len = m.len };
		if (vnet_read(&h, s.kind, &p)) {
			taken++;
			/* What is merged has more than one segment of a size that was given. */
			assert_true(p.seg_size == 0 || (p.seg_size == h.gso_size && p.seg_size < s.payload));
			assert_true(p.flags == 0 || p.flags == TV_PKT_CSUM_OK || p.flags == TV_PKT_CSUM_PARTIAL);
			if (p.flags == TV_PKT_CSUM_PARTIAL)
				assert_int_equal(h.csum_start, m.l4);
		}
		free(m.data);
	}
	assert_true(taken > 20000);
}

static void test_vnet_write_says_what_the_kernel_must_do(void **state)
{
	struct shape s = { TV_LINK_ETHERNET, 6, OFFLOAD_TCP, 32, 0, false, 0 };
	struct made m = make(&s);
	struct tv_packet p = { .data = m.data, .len = m.len };
	struct virtio_net_hdr h, zero = { 0 };

	(void)state;
	m.data[m.l4 + 13] = 0x10;
	vnet_write(&h, s.kind, &p);
	assert_memory_equal(&h, &zero, sizeof h);
	p.flags = TV_PKT_CSUM_PARTIAL;
	p.csum_start = 54;
	p.csum_offset = 16;
	p.head_len = 86;
	vnet_write(&h, s.kind, &p);
	assert_int_equal(h.flags, NEEDS);
	assert_int_equal(h.gso_type, NONE);
	assert_int_equal(h.csum_start, 54);
	assert_int_equal(h.csum_offset, 16);
	p.seg_size = 1428;
	vnet_write(&h, s.kind, &p);
	assert_int_equal(h.gso_type, TCP6);
	assert_int_equal(h.gso_size, 1428);
	assert_int_equal(h.hdr_len, 86);
	m.data[m.l4 + 13] |= 0x80; /* CWR: the kernel must set it in the first segment only */
	vnet_write(&h, s.kind, &p);
	assert_int_equal(h.gso_type, TCP6 | ECN);
	m.data[14] = 0x45;
	vnet_write(&h, s.kind, &p);
	assert_int_equal(h.gso_type, TCP4 | ECN);
	free(m.data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_offload_view_finds_the_transport_header),
		cmocka_unit_test(test_offload_view_ethernet_padding_is_not_part),
		cmocka_unit_test(test_offload_view_random_bytes_stay_inside),
		cmocka_unit_test(test_offload_fill_makes_the_sum_right),
		cmocka_unit_test(test_offload_fill_udp_sum_of_zero_is_written_as_ones),
		cmocka_unit_test(test_offload_cut_gives_the_segments_of_a_super_segment),
		cmocka_unit_test(test_offload_cut_of_other_protocols_is_nothing),
		cmocka_unit_test(test_vnet_read_believes_only_what_the_packet_confirms),
		cmocka_unit_test(test_vnet_read_foreign_partial_sum_is_completed),
		cmocka_unit_test(test_vnet_read_random_headers_never_leave_the_packet),
		cmocka_unit_test(test_vnet_write_says_what_the_kernel_must_do),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
