/*
 * icmp_in.c - ICMP and ICMPv6 in, and UDP, which nobody serves here.
 *
 * An error counts only if the segment that it quotes is one of ours and in flight: the tuple is that of
 * a connection, and the quoted sequence number lies in [SND.UNA, SND.NXT) (RFC 5927 4.1). Then: too big
 * lowers the path MTU; a hard error ends an attempt (SYN-SENT, and SYN-RECEIVED of an active open); in
 * every other state it is soft, as RFC 5927 5.2 advises, which RFC 9293 3.9.2.2 permits [SHLD-26]; a soft
 * one is told and nothing else [MUST-56] [SHLD-25]. Source quench is ignored [MUST-55].
 */
#include "stack/stack.h"

#define MIN_IPV4_MTU 68u

static struct tv_tcb *quoted_connection(struct tv_stack *s, const struct tv_icmp *m, unsigned link, bool *half)
{
	struct tv_core *c = &s->core;
	struct tv_endpoint local = {.addr = m->quoted.src, .port = m->sport};
	struct tv_endpoint remote = {.addr = m->quoted.dst, .port = m->dport};
	bool v6 = m->quoted.v6;
	struct tv_key k;
	uint32_t ref;
	uint8_t zone = tv_addr_is_link_local(&remote.addr) && v6 ? tv_link_at(s, link)->zone : 0;

	tv_key_make(&k, v6, zone, &local, &remote);
	ref = tv_index_find(s, &k, tv_key_hash(&k, &s->seed));
	*half = ref >> TV_REF_SLOT_BITS == TV_KIND_HALF;
	if (ref >> TV_REF_SLOT_BITS != TV_KIND_CONN)
		return NULL;
	return tv_conn(c, ref & ((1u << TV_REF_SLOT_BITS) - 1));
}

/* RFC 1191 5: an old router did not say; the next lower of the usual sizes. */
static uint32_t plateau(uint32_t length)
{
	static const uint16_t sizes[] = {32000, 17914, 8166, 4352, 2002, 1492, 1006, 508, 296, 68};

	for (unsigned i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
		if (sizes[i] < length)
			return sizes[i];
	return MIN_IPV4_MTU;
}

static void too_big(struct tv_stack *s, struct tv_tcb *t, const struct tv_icmp *m)
{
	uint32_t mtu = m->mtu != 0 ? m->mtu : plateau(m->quoted_length);

	tv_pmtu_reduce(&s->core, t, mtu, m->seq);
}

static enum tv_verdict error_in(struct tv_stack *s, unsigned link, const struct tv_icmp *m)
{
	struct tv_core *c = &s->core;
	/* Passive by Fast Open: until the user has it (as Linux). */
	const uint32_t opening = TV_F_ACTIVE | TV_F_QUEUED;
	bool half;
	struct tv_tcb *t = m->tcp ? quoted_connection(s, m, link, &half) : NULL;

	if (t == NULL)
		return TV_V_ICMP_NO_CONNECTION; /* half-open and TIME-WAIT records have nothing to learn */
	if (!tv_rtx_in_flight(t, m->seq) || t->state == TV_CLOSED || t->state == TV_TIME_WAIT)
		return TV_V_ICMP_UNVALIDATED; /* [MUST-54] */
	if (m->kind == TV_ICMP_TOO_BIG) {
		too_big(s, t, m);
		tv_settle(s, t);
		return TV_V_OK;
	}
	if (m->hard && (t->state == TV_SYN_SENT || (t->state == TV_SYN_RECEIVED && (t->flags & opening) != 0))) {
		c->cnt.icmp_hard++;
		t->soft_reason = (uint8_t)tv_icmp_reason(m->kind);
		tv_end(c, t, tv_icmp_reason(m->kind)); /* [SHLD-26] */
		tv_settle(s, t);
		return TV_V_OK;
	}
	c->cnt.icmp_soft++;
	t->soft_reason = (uint8_t)tv_icmp_reason(m->kind); /* [MUST-47] */
	if (tv_opts(c, t)->soft_errors)
		tv_tell(c, t, TV_EV_SOFT_ERROR); /* [SHLD-20] */
	return TV_V_OK;
}

static enum tv_verdict echo_in(struct tv_stack *s, unsigned link, const struct tv_ip *ip)
{
	struct tv_core *c = &s->core;
	uint8_t packet[2048];
	uint32_t len;

	if (!tv_is_ours(s, &ip->dst))
		return TV_V_NOT_UNICAST; /* RFC 1122 3.2.2.6 allows silence to broadcast */
	len = tv_icmp_build_echo(packet, sizeof packet, ip, c->cfg.defaults.ttl);
	if (len != 0 && tv_reply_packet(s, link, &ip->src, packet, len))
		c->cnt.echo_replies++;
	return TV_V_DONE;
}

enum tv_verdict tv_icmp_in(struct tv_stack *s, unsigned link, const struct tv_ip *ip)
{
	struct tv_icmp m;
	enum tv_verdict v = tv_icmp_parse(&m, ip);

	s->core.cnt.icmp_in++;
	if (v != TV_V_OK)
		return v;
	switch (m.kind) {
	case TV_ICMP_NEIGHBOUR:
		return tv_nd_in(s, link, ip);
	case TV_ICMP_ECHO_REQUEST:
		return echo_in(s, link, ip);
	case TV_ICMP_ECHO_ANSWER:
	case TV_ICMP_IGNORED:
		return TV_V_ICMP_IGNORED;
	case TV_ICMP_NET:
	case TV_ICMP_HOST:
	case TV_ICMP_PROTOCOL:
	case TV_ICMP_PORT:
	case TV_ICMP_ADMIN:
	case TV_ICMP_TOO_BIG:
	case TV_ICMP_TIME_EXCEEDED:
	case TV_ICMP_PARAMETER:
	case TV_ICMP_OTHER:
		return error_in(s, link, &m);
	}
	return TV_V_ICMP_IGNORED;
}

enum tv_verdict tv_udp_in(struct tv_stack *s, unsigned link, const struct tv_ip *ip, const uint8_t *packet,
                          uint32_t len)
{
	struct tv_icmp_error e = {.src = ip->dst, .dst = ip->src, .ttl = s->core.cfg.defaults.ttl, .quoted = packet,
	                          .quoted_len = len};

	e.type = ip->v6 ? TV_ICMP6_UNREACHABLE : TV_ICMP4_UNREACHABLE;
	e.code = ip->v6 ? 4 : 3; /* port unreachable (RFC 1122 3.2.2.1, RFC 4443 3.1) */
	if (tv_is_ours(s, &ip->dst) && tv_icmp_may_report(ip))
		tv_icmp_report(s, link, &e);
	return TV_V_UDP;
}
