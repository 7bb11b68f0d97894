/*
 * Comparison: see match.h.
 *
 * What the script does not say is not compared: the window, the TOS byte, the TTL, the ports and,
 * with <...>, the options.  Options are compared in their order, as bytes; of a timestamp only the
 * echo is, and the value if the script asks for ticks.
 */
#include "match.h"

#include "icmp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KIND_TIMESTAMP 8

static const char *match_ip(struct conn *c, const struct packet_spec *want,
                            const struct wire_ip *ip)
{
	uint8_t ecn = ip->tos & 3;

	if (want->tos_check == TOS_ECN && ecn != want->tos)
		return "ECN bits of the IP header";
	if (want->tos_check == TOS_ECT01 && ecn != 1 && ecn != 2)
		return "ECN bits of the IP header";
	if (want->tos_check == TOS_BYTE && ip->tos != want->tos)
		return "TOS byte";
	if (want->ttl != 0 && ip->ttl != want->ttl)
		return "TTL";
	if (want->flow_label == 0 || !ip->v6 || c == NULL)
		return NULL;
	/* A label is a name: equal ones stay equal, different ones differ, and none is zero. */
	bool same = want->flow_label == c->flow_script;
	if (ip->flow_label == 0 || (c->flow_script != 0 && same != (ip->flow_label == c->flow_live)))
		return "flow label";
	c->flow_script = want->flow_label;
	c->flow_live = ip->flow_label;
	return NULL;
}

static const char *match_timestamp(const struct wire_option *want, const struct wire_option *got,
                                   const struct setup *setup)
{
	uint32_t apart = wire_load32(got->data) - wire_load32(want->data);
	int64_t ticks = apart > INT32_MAX ? (int64_t)UINT32_MAX + 1 - apart : apart;

	if (wire_load32(got->data + 4) != wire_load32(want->data + 4))
		return "echoed timestamp";
	if (setup->ts_tick_us != 0 && ticks * setup->ts_tick_us * 1000 > setup->tolerance_ns)
		return "timestamp value";
	return NULL;
}

static const char *match_options(const struct packet_spec *want, const struct packet_spec *got,
                                 const struct setup *setup)
{
	struct wire_option a;
	struct wire_option b;
	unsigned at_want = 0;
	unsigned at_got = 0;

	for (;;) {
		bool more = wire_option_next(want->options, want->options_length, &at_want, &a);
		if (more != wire_option_next(got->options, got->options_length, &at_got, &b))
			return "TCP options";
		if (!more)
			break;
		if (a.kind != b.kind || a.length != b.length)
			return "TCP options";
		if (a.kind == KIND_TIMESTAMP && a.length == 10) {
			const char *wrong = match_timestamp(&a, &b, setup);
			if (wrong != NULL)
				return wrong;
		} else if (a.length > 2 && memcmp(a.data, b.data, a.length - 2u) != 0) {
			return "value of a TCP option";
		}
	}
	/* What could not be read as options must be the same bytes. */
	if (want->options_length != got->options_length ||
	    memcmp(want->options + at_want, got->options + at_got,
	           want->options_length - at_want) != 0)
		return "TCP options";
	return NULL;
}

/* Shows of a real packet what the script speaks of. */
static void as_asked(const struct packet_spec *want, const struct wire_packet *wire,
                     struct packet_spec *got)
{
	got->tos_check = want->tos_check == TOS_ECT01 ? TOS_ECN : want->tos_check;
	got->tos = want->tos_check == TOS_BYTE ? wire->ip.tos : wire->ip.tos & 3;
	got->ttl = want->ttl != 0 ? wire->ip.ttl : 0;
	got->flow_label = want->flow_label != 0 ? wire->ip.flow_label : 0;
	got->ace = want->ace;
	if (want->window < 0)
		got->window = -1;
	if (want->src_port != 0 || want->dst_port != 0) {
		got->src_port = wire->src_port;
		got->dst_port = wire->dst_port;
	}
}

static const char *match_header(const struct packet_spec *want, const struct packet_spec *got)
{
	if (want->src_port != 0 && got->src_port != want->src_port)
		return "source port";
	if (want->dst_port != 0 && got->dst_port != want->dst_port)
		return "destination port";
	if (got->flags != want->flags)
		return "flags";
	if (got->seq != want->seq)
		return "sequence number";
	if (got->length != want->length)
		return "length";
	if (got->ack != want->ack)
		return "acknowledgment";
	if (want->window >= 0 && got->window != want->window)
		return "window";
	if (got->urgent != want->urgent)
		return "urgent pointer";
	return NULL;
}

const char *match_tcp(struct conn *c, const struct packet_spec *want,
                      const struct wire_packet *wire, const struct setup *setup,
                      struct packet_spec *got)
{
	const char *wrong;

	conn_to_script(c, wire, got);
	as_asked(want, wire, got);
	if (wire->reserved != 0)
		return "reserved bits of the TCP header";
	wrong = match_header(want, got);
	if (wrong == NULL && !want->options_any)
		wrong = match_options(want, got, setup);
	return wrong != NULL ? wrong : match_ip(c, want, &wire->ip);
}

static const char *icmp_code_text(uint8_t code, struct arena *arena)
{
	char text[16];

	snprintf(text, sizeof(text), "code_%u", code);
	return arena_text(arena, text, strlen(text));
}

const char *match_other(const struct packet_spec *want, const struct wire_packet *wire,
                        struct packet_spec *got, struct arena *arena)
{
	struct icmp_name name;
	struct fail ignored = {0};
	bool icmp = wire->protocol == WIRE_ICMP || wire->protocol == WIRE_ICMP6;

	memset(got, 0, sizeof(*got));
	got->icmp_mtu = -1;
	got->window = -1;
	got->kind = icmp ? PACKET_ICMP : PACKET_UDP;
	got->length = wire->length;
	if (icmp) {
		got->icmp_type = icmp_type_name(wire->icmp_type, wire->ip.v6);
		got->icmp_code = icmp_code_text(wire->icmp_code, arena);
	}
	if (want->kind != got->kind)
		return "protocol";
	as_asked(want, wire, got);
	if (!icmp)
		return want->length == wire->length ? match_ip(NULL, want, &wire->ip) : "length";
	if (!icmp_by_name(want->icmp_type, want->icmp_code, wire->ip.v6, &name, &ignored))
		return "ICMP type";
	if (name.type != wire->icmp_type)
		return "ICMP type";
	if (name.code != wire->icmp_code)
		return "ICMP code";
	if (want->icmp_id != 0 && wire->icmp_rest >> 16 != want->icmp_id)
		return "ICMP identifier";
	return match_ip(NULL, want, &wire->ip);
}
