/*
 * fuzz_wire_icmp.c - an ICMP or ICMPv6 message from the input (its first byte says which), behind a
 * good IP header and with its checksum made right. What it quotes lies within it, an echo comes back
 * unchanged, and an error about it reads back as one that quotes it.
 */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "wire/csum.h"
#include "wire/icmp.h"

#define MUST(condition) ((condition) ? (void)0 : abort())

static const struct tv_addr v6_a = {{0x20, 1, 0x0d, 0xb8, 1}}, v6_b = {{0x20, 1, 0x0d, 0xb8, 2}};

static void check_echo(const struct tv_ip *request)
{
	static uint8_t out[70000];
	uint32_t built = tv_icmp_build_echo(out, sizeof out, request, 64);
	struct tv_ip ip;
	struct tv_icmp m;

	MUST(built == tv_ip_header_len(request->v6) + request->len);
	MUST(tv_ip_parse(&ip, out, built) == TV_V_OK);
	MUST(tv_icmp_parse(&m, &ip) == TV_V_OK && m.kind == TV_ICMP_ECHO_ANSWER);
	MUST(memcmp(ip.payload + 4, request->payload + 4, ip.len - 4) == 0);
}

static void check_error(const struct tv_ip *about, const uint8_t *packet, uint32_t n)
{
	uint8_t out[1500];
	struct tv_icmp_error e = {.src = about->dst, .dst = about->src, .type = about->v6 ? 1 : 3,
		.code = 1, .ttl = 64, .value = 0, .quoted = packet, .quoted_len = n};
	uint32_t built = tv_icmp_build_error(out, sizeof out, &e);
	struct tv_ip ip;
	struct tv_icmp m;

	MUST(built > 0 && built <= (about->v6 ? 1280u : 576u));
	MUST(tv_ip_parse(&ip, out, built) == TV_V_OK);
	MUST(tv_icmp_parse(&m, &ip) == TV_V_OK);
	MUST(tv_addr_equal(&m.quoted.src, &about->src));
	MUST(tv_addr_equal(&m.quoted.dst, &about->dst));
}

static void check_message(const uint8_t *packet, uint32_t n)
{
	struct tv_ip ip;
	struct tv_icmp m;

	MUST(tv_ip_parse(&ip, packet, n) == TV_V_OK);
	if (tv_icmp_may_report(&ip)) check_error(&ip, packet, n);
	if (tv_icmp_parse(&m, &ip) != TV_V_OK) return;
	MUST(m.kind != TV_ICMP_IGNORED);
	if (m.kind == TV_ICMP_ECHO_REQUEST) check_echo(&ip);
	if (m.kind < TV_ICMP_NET) return;
	MUST(m.quoted.payload >= ip.payload + 8);
	MUST(m.quoted.payload + m.quoted.len <= ip.payload + ip.len);
	MUST(m.quoted.v6 == ip.v6);
	if (m.tcp) MUST(m.quoted.len >= 8);
	if (m.hard) MUST(tv_icmp_reason(m.kind) != TV_R_NONE);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct tv_addr a = tv_addr_v4(10, 0, 0, 1), b = tv_addr_v4(10, 0, 0, 2);
	bool v6;
	uint8_t *packet, *message;
	uint32_t head, length;
	uint64_t sum = 0;

	if (n < 5 || n > 60000) return 0;
	v6 = p[0] & 1;
	head = tv_ip_header_len(v6);
	length = (uint32_t)n - 1;
	packet = malloc(head + length);
	MUST(packet != NULL);
	message = packet + head;
	if (v6) a = v6_a, b = v6_b;
	tv_ip_build(packet, &a, &b, v6 ? TV_PROTO_ICMP6 : TV_PROTO_ICMP, length, 255, 0);
	memcpy(message, p + 1, length);
	message[2] = message[3] = 0;
	if (v6) sum = tv_csum_pseudo(&a, &b, true, TV_PROTO_ICMP6, length);
	tv_csum_store(message + 2, tv_csum_add(sum, message, length));
	check_message(packet, head + length);
	free(packet);
	return 0;
}
