/*
 * Packets of a script: TCP, UDP and ICMP.
 *
 *     < [ect0] 5000>80 P. 1:1001(1000) ack 1 win 257 urg 5 <nop,nop,TS val 1 ecr 2>
 *     > udp (100)
 *     < icmp unreachable frag_needed mtu 1200 [1:1461(1460)]
 *
 * The order of the parts is fixed.  A packet may be preceded by outer headers (`ipv4 A > B:`,
 * `gre:`, `mpls ...:`, `encap psp`); these are recognised and named, because a TCP endpoint has
 * no tunnels, and the event fails when it runs.
 */
#include "reader.h"

#include <stdio.h>
#include <string.h>

#define FLAG_LETTERS "FSRP.UEWA-"

static uint32_t read_u32(struct cursor *c, const char *what)
{
	return (uint32_t)cursor_integer(c, 0, UINT32_MAX, what);
}

static uint16_t read_u16(struct cursor *c, const char *what)
{
	return (uint16_t)cursor_integer(c, 0, UINT16_MAX, what);
}

/* `first:last(length)`, whose three numbers must agree. */
static void read_sequence(struct cursor *c, uint32_t *seq, uint32_t *length)
{
	*seq = read_u32(c, "a sequence number");
	cursor_expect(c, ":");
	uint32_t last = read_u32(c, "a sequence number");
	cursor_expect(c, "(");
	*length = (uint32_t)cursor_integer(c, 0, 0xffffff, "a payload length");
	cursor_expect(c, ")");
	if (!c->failed && last != (uint32_t)(*seq + *length))
		cursor_fail(c, "sequence %u:%u does not agree with %u bytes of payload", *seq,
		            last, *length);
}

static uint16_t flag_of(char letter)
{
	switch (letter) {
	case 'F': return FLAG_FIN;
	case 'S': return FLAG_SYN;
	case 'R': return FLAG_RST;
	case 'P': return FLAG_PSH;
	case '.': return FLAG_ACK;
	case 'U': return FLAG_URG;
	case 'E': return FLAG_ECE;
	case 'W': return FLAG_CWR;
	case 'A': return FLAG_AE;
	default: return 0;
	}
}

/* `-`, or letters, then perhaps the three AccECN bits as one digit. */
static void read_flags(struct cursor *c, struct packet_spec *p)
{
	const char *text = cursor_run(c, FLAG_LETTERS "01234567");

	if (text[0] == '\0') {
		cursor_fail(c, "expected TCP flags, a combination of [FSRP.UEWA], or `-'");
		return;
	}
	if (strcmp(text, "-") == 0)
		return;
	for (; *text != '\0'; text++) {
		uint16_t flag = flag_of(*text);
		if (*text >= '0' && *text <= '7' && text[1] == '\0') {
			unsigned ace = (unsigned)(*text - '0');
			p->ace = true;
			p->flags |= (uint16_t)((ace & 1u ? FLAG_ECE : 0) |
			                       (ace & 2u ? FLAG_CWR : 0) |
			                       (ace & 4u ? FLAG_AE : 0));
		} else if (flag == 0 || (p->flags & flag) != 0) {
			cursor_fail(c, "TCP flags: `%c' is not understood here", *text);
			return;
		} else {
			p->flags |= flag;
		}
	}
}

static bool read_ecn(struct cursor *c, struct packet_spec *p)
{
	static const char *const names[4] = {"noecn", "ect1", "ect0", "ce"};

	for (uint8_t i = 0; i < 4; i++) {
		if (cursor_accept_word(c, names[i])) {
			p->tos_check = TOS_ECN;
			p->tos = i;
			return true;
		}
	}
	if (!cursor_accept_word(c, "ect01"))
		return false;
	p->tos_check = TOS_ECT01;
	if (p->inbound)
		cursor_fail(c, "[ect01] is only for packets that we send");
	return true;
}

/* One item in brackets behind the direction. */
static void read_ip_item(struct cursor *c, struct packet_spec *p)
{
	if (cursor_accept_word(c, "tos")) {
		p->tos_check = TOS_BYTE;
		p->tos = (uint8_t)cursor_integer(c, 0, 255, "a TOS byte");
	} else if (cursor_accept_word(c, "ttl")) {
		p->ttl = (uint8_t)cursor_integer(c, 1, 255, "a TTL");
	} else if (cursor_accept_word(c, "flowlabel")) {
		p->flow_label = (uint32_t)cursor_integer(c, 0, 0xfffff, "a flow label");
	} else if (!read_ecn(c, p)) {
		cursor_fail(c, "expected ect0, ect1, ce, noecn, ect01, tos, ttl or flowlabel");
	}
}

static void read_ip_info(struct cursor *c, struct packet_spec *p)
{
	const char *close = cursor_peek(c) == '(' ? ")" : "]";

	if (!cursor_accept(c, "[") && !cursor_accept(c, "("))
		return;
	do
		read_ip_item(c, p);
	while (cursor_accept(c, ","));
	cursor_expect(c, close);
}

/* `60001 > 8080`.  TCP flags never begin with a digit, so a digit here is a port. */
static void read_ports(struct cursor *c, struct packet_spec *p)
{
	char next = cursor_peek(c);

	if (next < '0' || next > '9')
		return;
	p->src_port = read_u16(c, "a source port");
	cursor_expect(c, ">");
	p->dst_port = read_u16(c, "a destination port");
}

static void read_tcp(struct cursor *c, struct packet_spec *p)
{
	p->kind = PACKET_TCP;
	read_ports(c, p);
	read_flags(c, p);
	read_sequence(c, &p->seq, &p->length);
	if (cursor_accept_word(c, "ack"))
		p->ack = read_u32(c, "an acknowledgment number");
	if (cursor_accept_word(c, "win"))
		p->window = read_u16(c, "a window");
	if (cursor_accept_word(c, "urg"))
		p->urgent = read_u16(c, "an urgent pointer");
	if (cursor_peek(c) == '<')
		read_tcp_options(c, p);
	if (p->options_any && p->inbound)
		cursor_fail(c, "<...> for TCP options is only for packets that we send");
	/* A window of 0 by omission would stop the stack for a reason that nobody sees. */
	if (p->inbound && p->window < 0 && (p->flags & FLAG_RST) == 0)
		cursor_fail(c, "a packet that we receive needs a window");
}

static void read_udp(struct cursor *c, struct packet_spec *p)
{
	p->kind = PACKET_UDP;
	read_ports(c, p);
	cursor_expect(c, "(");
	p->length = read_u16(c, "a payload length");
	cursor_expect(c, ")");
}

static void read_quote(struct cursor *c, struct packet_spec *p)
{
	if (!cursor_accept(c, "["))
		return;
	if (cursor_peek(c) >= '0' && cursor_peek(c) <= '9') {
		p->quote = QUOTE_TCP;
		read_sequence(c, &p->quote_seq, &p->quote_length);
	} else {
		p->quote = cursor_accept_word(c, "udp") ? QUOTE_UDP : QUOTE_RAW;
		if (p->quote == QUOTE_RAW && !cursor_accept_word(c, "raw"))
			cursor_fail(c, "expected a sequence range, udp or raw in the quotation");
		cursor_expect(c, "(");
		p->quote_length = read_u16(c, "a payload length");
		cursor_expect(c, ")");
	}
	cursor_expect(c, "]");
}

static void read_icmp(struct cursor *c, struct packet_spec *p)
{
	p->kind = PACKET_ICMP;
	p->icmp_type = cursor_word(c);
	/* The next event may begin with a digit, so only a letter starts a code. */
	char next = cursor_peek(c);
	bool letter = (next >= 'a' && next <= 'z') || (next >= 'A' && next <= 'Z');
	if (letter && !cursor_accept_word(c, "mtu")) {
		if (!cursor_accept_word(c, "id"))
			p->icmp_code = cursor_word(c);
		else
			p->icmp_id = read_u16(c, "an identifier");
		if (cursor_accept_word(c, "mtu"))
			p->icmp_mtu = cursor_integer(c, 0, UINT32_MAX, "an MTU");
	} else if (letter) {
		p->icmp_mtu = cursor_integer(c, 0, UINT32_MAX, "an MTU");
	}
	if (cursor_accept_word(c, "id"))
		p->icmp_id = read_u16(c, "an identifier");
	p->quote = QUOTE_NONE;
	read_quote(c, p);
}

/* Outer headers.  What follows the last of them is the packet proper. */
static void read_encapsulation(struct cursor *c, struct packet_spec *p)
{
	for (;;) {
		const char *name = NULL;
		if (cursor_accept_word(c, "ipv4"))
			name = "ipv4";
		else if (cursor_accept_word(c, "ipv6"))
			name = "ipv6";
		else if (cursor_accept_word(c, "gre") || cursor_accept_word(c, "GREv0"))
			name = "gre";
		else if (cursor_accept_word(c, "mpls"))
			name = "mpls";
		if (name == NULL)
			return;
		p->encapsulation = name;
		/* An IPv6 address holds colons; the header's own colon is followed by a blank. */
		bool ended = false;
		while (!c->failed && !ended) {
			const char *part = cursor_until(c, " \t");
			size_t n = strlen(part);
			ended = n > 0 && part[n - 1] == ':';
			if (n == 0)
				cursor_fail(c, "the outer header `%s' has no end", name);
		}
	}
}

struct packet_spec *read_packet(struct cursor *c)
{
	struct packet_spec *p = arena_take(c->arena, sizeof(*p));

	p->window = -1;
	p->icmp_mtu = -1;
	p->inbound = cursor_accept(c, "<");
	if (!p->inbound && !cursor_expect(c, ">"))
		return p;
	read_encapsulation(c, p);
	read_ip_info(c, p);
	if (cursor_accept_word(c, "encap")) {
		/* encap psp spi N */
		p->encapsulation = cursor_word(c);
		cursor_accept_word(c, "spi");
		cursor_integer(c, 0, UINT32_MAX, "a security parameter index");
	}
	if (cursor_accept_word(c, "udp"))
		read_udp(c, p);
	else if (cursor_accept_word(c, "icmp"))
		read_icmp(c, p);
	else
		read_tcp(c, p);
	return p;
}
