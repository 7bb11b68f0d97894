/*
 * fuzz_wire_segment.c - a packet from the input. Its first byte makes the IPv4 checksum right and vouches
 * for TCP's, so that the fuzzer gets behind the checksums; two more are the size of merged segments.
 * Whatever passes lies within the packet.
 */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "wire/csum.h"
#include "wire/plain.h"

#define MUST(condition) ((condition) ? (void)0 : abort())

static void check_ip(const struct tv_ip *ip, const uint8_t *p, size_t n)
{
	MUST(ip->payload == p + ip->header_len);
	MUST(ip->len <= n - ip->header_len);
	MUST(ip->header_len >= 20 && ip->header_len <= 40 + 256);
	MUST(ip->v6 == (p[0] >> 4 == 6));
	MUST(tv_addr_is_v4(&ip->src) == !ip->v6 && tv_addr_is_v4(&ip->dst) == !ip->v6);
}

static void check_quoted(const uint8_t *p, size_t n)
{
	struct tv_ip ip;
	uint16_t sport, dport;
	uint32_t seq;

	if (tv_ip_parse_quoted(&ip, p, n) != TV_V_OK) return;
	check_ip(&ip, p, n);
	if (tv_segment_parse_quoted(&ip, &sport, &dport, &seq)) MUST(ip.len >= 8);
}

/* The same packet with a right IPv4 header checksum, if it has such a header. */
static void repair(uint8_t *p, size_t n)
{
	size_t header = (p[0] & 15u) * 4;

	if (p[0] >> 4 != 4 || header < 20 || header > n) return;
	p[10] = p[11] = 0;
	tv_csum_store(p + 10, tv_csum_add(0, p, header));
}

static void check_packet(const uint8_t *p, size_t n, unsigned choice, uint16_t seg_size)
{
	struct tv_ip ip;
	struct tv_segment s;
	uint16_t flags = choice & 2 ? TV_PKT_CSUM_OK : 0;

	bool plain = tv_segment_parse_plain(&s, p, n, flags, seg_size, TV_ARCH_PORTABLE);
	struct tv_segment slow;

	check_quoted(p, n);
	if (tv_ip_parse(&ip, p, n) != TV_V_OK) {
		MUST(!plain);
		return;
	}
	check_ip(&ip, p, n);
	if (tv_segment_parse(&slow, &ip, flags, seg_size, TV_ARCH_PORTABLE) != TV_V_OK) {
		MUST(!plain);
		return;
	}
	/* The short way is for IPv4 without options and IPv6 without extension headers, and tells the same. */
	MUST(plain == (ip.header_len == (ip.v6 ? 40 : 20) && ip.protocol == TV_PROTO_TCP));
	if (plain) {
		MUST(s.key.v6 == ip.v6 && slow.key.v6 == ip.v6 && memcmp(s.key.b, slow.key.b, ip.v6 ? 36 : 12) == 0);
		MUST(s.seq == slow.seq && s.ack == slow.ack && s.text == slow.text && s.len == slow.len);
		MUST(s.flags == slow.flags && s.wnd == slow.wnd);
		MUST(s.urg == slow.urg && s.seg_size == slow.seg_size);
		MUST(s.opt.has == slow.opt.has && s.opt.kinds == slow.opt.kinds);
	}
	s = slow;
	MUST(s.text >= ip.payload + 20 && s.text <= ip.payload + 60);
	MUST(s.text + s.len == ip.payload + ip.len);
	MUST(s.seg_size == 0 || s.seg_size < s.len);
	MUST(s.flags < 0x200);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	uint8_t *copy;

	if (n < 4 || n > 70000) return 0;
	copy = malloc(n - 3); /* of its own size, so that a read behind it is noticed */
	MUST(copy != NULL);
	memcpy(copy, p + 3, n - 3);
	if (p[0] & 1) repair(copy, n - 3);
	check_packet(copy, n - 3, p[0], tv_load16(p + 1));
	free(copy);
	return 0;
}
