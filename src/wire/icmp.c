/*
 * icmp.c - ICMP (RFC 792, RFC 1122 3.2.2) and ICMPv6 (RFC 4443), read and written.
 *
 * Reading says three things: what kind of news it is, by one table for both versions; which packet
 * of ours it quotes, read with the tolerance that quotes need; and whether it would end an attempt
 * to connect. Whether the quoted packet was ever sent, and what follows for a connection, is for
 * stack/icmp_in.c and the connection to say (RFC 5927): an ICMP error is a rumour until then.
 *
 * The checksum is verified here in every case: links vouch for TCP only.
 *
 * Writing makes whole packets from the IP header on. The limits on what may be reported, and on how
 * much is quoted, stand here; the limit on how often stands with the stateless replies.
 */
#include "wire/icmp.h"
#include "wire/csum.h"
#include "wire/put.h"
#include "wire/segment.h"

#define QUOTE_MAX_V4 576
#define QUOTE_MAX_V6 1280
/* RFC 1812 4.3.2.5: errors go out with the precedence of network control */
#define ERROR_TOS 0xc0

/* ------------------------------------------------------------------------------------------ */
/* The table                                                                                   */

static enum tv_icmp_kind unreachable_v4(uint8_t code)
{
	static const uint8_t kinds[16] = {TV_ICMP_NET, TV_ICMP_HOST, TV_ICMP_PROTOCOL, TV_ICMP_PORT,
		TV_ICMP_TOO_BIG, TV_ICMP_NET, TV_ICMP_NET, TV_ICMP_HOST, TV_ICMP_HOST,
		TV_ICMP_ADMIN, TV_ICMP_ADMIN, TV_ICMP_NET, TV_ICMP_HOST, TV_ICMP_ADMIN,
		TV_ICMP_ADMIN, TV_ICMP_ADMIN};

	return code < sizeof kinds ? (enum tv_icmp_kind)kinds[code] : TV_ICMP_OTHER;
}

static enum tv_icmp_kind unreachable_v6(uint8_t code)
{
	static const uint8_t kinds[8] = {TV_ICMP_NET, TV_ICMP_ADMIN, TV_ICMP_NET, TV_ICMP_HOST,
		TV_ICMP_PORT, TV_ICMP_ADMIN, TV_ICMP_ADMIN, TV_ICMP_NET};

	return code < sizeof kinds ? (enum tv_icmp_kind)kinds[code] : TV_ICMP_OTHER;
}

static enum tv_icmp_kind kind_v4(uint8_t type, uint8_t code)
{
	switch (type) {
	case TV_ICMP4_ECHO_REPLY: return TV_ICMP_ECHO_ANSWER;
	case TV_ICMP4_ECHO: return TV_ICMP_ECHO_REQUEST;
	case TV_ICMP4_UNREACHABLE: return unreachable_v4(code);
	case TV_ICMP4_TIME_EXCEEDED: return code == 0 ? TV_ICMP_TIME_EXCEEDED : TV_ICMP_OTHER;
	case TV_ICMP4_PARAMETER: return TV_ICMP_PARAMETER;
	case TV_ICMP4_SOURCE_QUENCH:
		return TV_ICMP_IGNORED; /* RFC 9293 3.9.2.2, RFC 6633 [MUST-55] */
	default: return TV_ICMP_IGNORED; /* RFC 1122 3.2.2: an unknown type is silently discarded */
	}
}

static enum tv_icmp_kind kind_v6(uint8_t type, uint8_t code)
{
	switch (type) {
	case TV_ICMP6_UNREACHABLE: return unreachable_v6(code);
	case TV_ICMP6_TOO_BIG: return TV_ICMP_TOO_BIG; /* RFC 4443 3.2: whatever the code is */
	case TV_ICMP6_TIME_EXCEEDED: return code == 0 ? TV_ICMP_TIME_EXCEEDED : TV_ICMP_OTHER;
	case TV_ICMP6_PARAMETER: return code == 1 ? TV_ICMP_PROTOCOL : TV_ICMP_PARAMETER;
	case TV_ICMP6_ECHO: return TV_ICMP_ECHO_REQUEST;
	case TV_ICMP6_ECHO_REPLY: return TV_ICMP_ECHO_ANSWER;
	case TV_ICMP6_SOLICIT:
	case TV_ICMP6_ADVERT: return TV_ICMP_NEIGHBOUR;
	default: return type < 128 ? TV_ICMP_OTHER : TV_ICMP_IGNORED; /* RFC 4443 2.4 (a), (b) */
	}
}

enum tv_icmp_kind tv_icmp_kind(bool v6, uint8_t type, uint8_t code)
{
	return v6 ? kind_v6(type, code) : kind_v4(type, code);
}

bool tv_icmp_is_hard(bool v6, uint8_t type, uint8_t code)
{
	/* RFC 9293 3.9.2.2 [SHLD-26]; time exceeded, parameter problem and the rest never [MUST-56] */
	switch (tv_icmp_kind(v6, type, code)) {
	case TV_ICMP_PROTOCOL:
		return !v6; /* in ICMPv6 this is a parameter problem, which is soft */
	case TV_ICMP_PORT:
	case TV_ICMP_ADMIN: return true;
	case TV_ICMP_IGNORED:
	case TV_ICMP_ECHO_REQUEST:
	case TV_ICMP_ECHO_ANSWER:
	case TV_ICMP_NEIGHBOUR:
	case TV_ICMP_NET:
	case TV_ICMP_HOST:
	case TV_ICMP_TOO_BIG:
	case TV_ICMP_TIME_EXCEEDED:
	case TV_ICMP_PARAMETER:
	case TV_ICMP_OTHER: break;
	}
	return false;
}

enum tv_reason tv_icmp_reason(enum tv_icmp_kind kind)
{
	switch (kind) {
	case TV_ICMP_NET: return TV_R_NET_UNREACHABLE;
	case TV_ICMP_HOST: return TV_R_HOST_UNREACHABLE;
	case TV_ICMP_PROTOCOL: return TV_R_PROTOCOL_UNREACHABLE;
	case TV_ICMP_PORT: return TV_R_PORT_UNREACHABLE;
	case TV_ICMP_ADMIN: return TV_R_ADMIN_PROHIBITED;
	case TV_ICMP_TOO_BIG:
	case TV_ICMP_TIME_EXCEEDED:
	case TV_ICMP_PARAMETER:
	case TV_ICMP_OTHER: return TV_R_ICMP_OTHER;
	case TV_ICMP_IGNORED:
	case TV_ICMP_ECHO_REQUEST:
	case TV_ICMP_ECHO_ANSWER:
	case TV_ICMP_NEIGHBOUR: break;
	}
	return TV_R_NONE;
}

/* ------------------------------------------------------------------------------------------ */
/* Reading                                                                                     */

bool tv_icmp_sum_is_right(const struct tv_ip *ip)
{
	uint64_t sum = 0;

	if (ip->v6) sum = tv_csum_pseudo(&ip->src, &ip->dst, true, TV_PROTO_ICMP6, ip->len);
	return tv_csum_is_right(tv_csum_add(sum, ip->payload, ip->len));
}

/* The packet behind the first 8 bytes. */
static enum tv_verdict read_quote(struct tv_icmp *m, const struct tv_ip *ip)
{
	const uint8_t *p = ip->payload + 8;

	if (tv_ip_parse_quoted(&m->quoted, p, ip->len - 8) != TV_V_OK) return TV_V_ICMP_MALFORMED;
	if (m->quoted.v6 != ip->v6) return TV_V_ICMP_MALFORMED;
	m->quoted_length = ip->v6 ? tv_load16(p + 4) + 40u : tv_load16(p + 2);
	m->tcp = m->quoted.protocol == TV_PROTO_TCP;
	if (m->tcp && !tv_segment_parse_quoted(&m->quoted, &m->sport, &m->dport, &m->seq))
		return TV_V_ICMP_MALFORMED; /* RFC 9293 3.9.2.2 [MUST-54]: no ports, no connection */
	if (m->kind == TV_ICMP_TOO_BIG)
		m->mtu = ip->v6 ? tv_load32(ip->payload + 4) : tv_load16(ip->payload + 6);
	m->hard = tv_icmp_is_hard(ip->v6, m->type, m->code);
	return TV_V_OK;
}

enum tv_verdict tv_icmp_parse(struct tv_icmp *m, const struct tv_ip *ip)
{
	const uint8_t *p = ip->payload;

	if (ip->protocol != (ip->v6 ? TV_PROTO_ICMP6 : TV_PROTO_ICMP)) return TV_V_ICMP_MALFORMED;
	if (ip->len < 8 || !tv_icmp_sum_is_right(ip)) return TV_V_ICMP_MALFORMED;
	m->type = p[0];
	m->code = p[1];
	m->kind = tv_icmp_kind(ip->v6, m->type, m->code);
	m->hard = false;
	m->tcp = false;
	m->mtu = 0;
	switch (m->kind) {
	case TV_ICMP_IGNORED: return TV_V_ICMP_IGNORED;
	case TV_ICMP_NEIGHBOUR: return TV_V_OK;
	case TV_ICMP_ECHO_REQUEST:
	case TV_ICMP_ECHO_ANSWER:
		m->id = tv_load16(p + 4);
		m->sequence = tv_load16(p + 6);
		return TV_V_OK;
	case TV_ICMP_NET:
	case TV_ICMP_HOST:
	case TV_ICMP_PROTOCOL:
	case TV_ICMP_PORT:
	case TV_ICMP_ADMIN:
	case TV_ICMP_TOO_BIG:
	case TV_ICMP_TIME_EXCEEDED:
	case TV_ICMP_PARAMETER:
	case TV_ICMP_OTHER: break;
	}
	return read_quote(m, ip);
}

/* ------------------------------------------------------------------------------------------ */
/* Writing                                                                                     */

bool tv_icmp_may_report(const struct tv_ip *ip)
{
	if (!tv_addr_is_valid_source(&ip->src)) return false;
	if (tv_addr_is_multicast(&ip->dst) || tv_addr_is_any(&ip->dst)) return false;
	if (!ip->v6 && (ip->dst.b[12] >= 240 || ip->dst.b[12] == 0)) return false; /* broadcast */
	if (ip->v6 && ip->protocol == TV_PROTO_ICMP6)
		return ip->len > 0 && ip->payload[0] >= 128 && ip->payload[0] != 137; /* redirect */
	if (!ip->v6 && ip->protocol == TV_PROTO_ICMP)
		return ip->len > 0 &&
			(ip->payload[0] == TV_ICMP4_ECHO || ip->payload[0] == TV_ICMP4_ECHO_REPLY);
	return true;
}

/* Stores the checksum of the n bytes at p, an ICMP message with its checksum field zero. */
static void finish(uint8_t *p, uint32_t n, const struct tv_addr *src, const struct tv_addr *dst)
{
	uint64_t sum = 0;

	if (!tv_addr_is_v4(dst)) sum = tv_csum_pseudo(src, dst, true, TV_PROTO_ICMP6, n);
	tv_csum_store(p + 2, tv_csum_add(sum, p, n));
}

uint32_t tv_icmp_build_error(uint8_t *p, uint32_t cap, const struct tv_icmp_error *e)
{
	bool v6 = !tv_addr_is_v4(&e->dst);
	uint32_t head = tv_ip_header_len(v6) + 8;
	uint32_t most = tv_min32(cap, v6 ? QUOTE_MAX_V6 : QUOTE_MAX_V4);
	uint32_t quoted;
	uint8_t *icmp = p + head - 8;

	if (cap < head + 8) return 0;
	quoted = tv_min32(e->quoted_len, most - head);
	tv_ip_build(p, &e->src, &e->dst, v6 ? TV_PROTO_ICMP6 : TV_PROTO_ICMP, 8 + quoted, e->ttl,
		v6 ? 0 : ERROR_TOS);
	tv_put32(icmp, (uint32_t)e->type << 24 | (uint32_t)e->code << 16);
	tv_put32(icmp + 4, e->value);
	memcpy(icmp + 8, e->quoted, quoted);
	finish(icmp, 8 + quoted, &e->src, &e->dst);
	return head + quoted;
}

uint32_t tv_icmp_build_echo(uint8_t *p, uint32_t cap, const struct tv_ip *request, uint8_t ttl)
{
	uint32_t head = tv_ip_header_len(request->v6);
	uint8_t *icmp = p + head;
	uint8_t type = request->v6 ? TV_ICMP6_ECHO_REPLY : TV_ICMP4_ECHO_REPLY;

	TV_ASSERT(request->len >= 8);
	if (cap < head || cap - head < request->len) return 0;
	tv_ip_build(p, &request->dst, &request->src, request->protocol, request->len, ttl,
		request->tos); /* RFC 1122 3.2.2.6, RFC 1349 5.1 */
	memcpy(icmp, request->payload, request->len);
	tv_put32(icmp, (uint32_t)type << 24);
	finish(icmp, request->len, &request->dst, &request->src);
	return head + request->len;
}
