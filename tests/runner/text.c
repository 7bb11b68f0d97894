/*
 * Packets as text: see text.h.
 */
#include "text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct sink {
	char *out;
	size_t room;
	size_t used;
};

__attribute__((format(printf, 2, 3))) static void put(struct sink *s, const char *format, ...)
{
	va_list arguments;

	if (s->used >= s->room)
		return;
	va_start(arguments, format);
	int n = vsnprintf(s->out + s->used, s->room - s->used, format, arguments);
	va_end(arguments);
	s->used += n > 0 ? (size_t)n : 0;
}

static void put_hex(struct sink *s, const uint8_t *bytes, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		put(s, "%02x", bytes[i]);
}

static uint32_t load24(const uint8_t *p)
{
	return (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
}

static void put_sack(struct sink *s, const struct wire_option *o)
{
	put(s, "sack");
	for (unsigned i = 0; i + 8 <= o->length - 2u; i += 8)
		put(s, " %u:%u", wire_load32(o->data + i), wire_load32(o->data + i + 4));
}

static void put_accecn(struct sink *s, const struct wire_option *o)
{
	const char *const names[2][3] = {{"e0b", "ceb", "e1b"}, {"e1b", "ceb", "e0b"}};

	put(s, "ECN");
	for (unsigned i = 0; i < 3 && 2 + 3 * (i + 1) <= o->length; i++)
		put(s, " %s %u", names[o->kind == 174][i], load24(o->data + 3 * i));
}

static void put_generic(struct sink *s, const struct wire_option *o)
{
	bool experiment = o->kind == 254 && o->length >= 4 && o->data[0] == 0xf9 &&
		o->data[1] == 0x89;

	if (o->kind == 34)
		put(s, o->length > 2 ? "FO " : "FO");
	else if (o->kind == 19)
		put(s, "md5 ");
	else if (experiment)
		put(s, o->length > 4 ? "FOEXP " : "FOEXP");
	else
		put(s, "opt %u ", o->kind);
	put_hex(s, o->data + (experiment ? 2 : 0), o->length - 2u - (experiment ? 2u : 0u));
}

static void put_option(struct sink *s, const struct wire_option *o)
{
	if (o->kind == 0)
		put(s, "eol");
	else if (o->kind == 1)
		put(s, "nop");
	else if (o->kind == 2 && o->length == 4)
		put(s, "mss %u", (unsigned)(o->data[0] << 8 | o->data[1]));
	else if (o->kind == 3 && o->length == 3)
		put(s, "wscale %u", o->data[0]);
	else if (o->kind == 4 && o->length == 2)
		put(s, "sackOK");
	else if (o->kind == 5)
		put_sack(s, o);
	else if (o->kind == 8 && o->length == 10)
		put(s, "TS val %u ecr %u", wire_load32(o->data), wire_load32(o->data + 4));
	else if (o->kind == 172 || o->kind == 174)
		put_accecn(s, o);
	else
		put_generic(s, o);
}

static void put_options(struct sink *s, const uint8_t *options, unsigned size)
{
	struct wire_option o;
	unsigned at = 0;

	while (wire_option_next(options, size, &at, &o)) {
		put_option(s, &o);
		if (at < size)
			put(s, ",");
	}
	if (at < size) {
		put(s, "raw ");
		put_hex(s, options + at, size - at);
	}
}

void text_options(const uint8_t *options, unsigned size, char *out, size_t room)
{
	struct sink s = {.out = out, .room = room};

	out[0] = '\0';
	put_options(&s, options, size);
}

static void put_ip(struct sink *s, const struct packet_spec *p)
{
	static const char *const ecn[4] = {"noecn", "ect1", "ect0", "ce"};

	if (p->tos_check == TOS_ECN)
		put(s, "[%s] ", ecn[p->tos & 3]);
	else if (p->tos_check == TOS_ECT01)
		put(s, "[ect01] ");
	else if (p->tos_check == TOS_BYTE)
		put(s, "[tos 0x%02x] ", p->tos);
	if (p->ttl != 0)
		put(s, "[ttl %u] ", p->ttl);
	if (p->flow_label != 0)
		put(s, "[flowlabel 0x%x] ", p->flow_label);
	if (p->src_port != 0 || p->dst_port != 0)
		put(s, "%u>%u ", p->src_port, p->dst_port);
}

static void put_flags(struct sink *s, const struct packet_spec *p)
{
	static const struct {
		uint16_t flag;
		char letter;
	} letters[] = {{FLAG_FIN, 'F'}, {FLAG_SYN, 'S'}, {FLAG_RST, 'R'}, {FLAG_PSH, 'P'},
	               {FLAG_ACK, '.'}, {FLAG_URG, 'U'}, {FLAG_ECE, 'E'}, {FLAG_CWR, 'W'},
	               {FLAG_AE, 'A'}};
	uint16_t ace = FLAG_ECE | FLAG_CWR | FLAG_AE;
	uint16_t flags = p->ace ? (uint16_t)(p->flags & ~ace) : p->flags;

	for (size_t i = 0; i < sizeof(letters) / sizeof(letters[0]); i++)
		if ((flags & letters[i].flag) != 0)
			put(s, "%c", letters[i].letter);
	if (p->ace)
		put(s, "%u", (unsigned)((p->flags & FLAG_ECE ? 1 : 0) |
		                        (p->flags & FLAG_CWR ? 2 : 0) |
		                        (p->flags & FLAG_AE ? 4 : 0)));
	else if (p->flags == 0)
		put(s, "-");
}

static void put_tcp(struct sink *s, const struct packet_spec *p)
{
	put_flags(s, p);
	put(s, " %u:%u(%u)", p->seq, p->seq + p->length, p->length);
	if ((p->flags & FLAG_ACK) != 0 || p->ack != 0)
		put(s, " ack %u", p->ack);
	if (p->window >= 0)
		put(s, " win %d", p->window);
	if ((p->flags & FLAG_URG) != 0 || p->urgent != 0)
		put(s, " urg %u", p->urgent);
	if (p->options_any) {
		put(s, " <...>");
	} else if (p->options_length > 0) {
		put(s, " <");
		put_options(s, p->options, p->options_length);
		put(s, ">");
	}
}

static void put_icmp(struct sink *s, const struct packet_spec *p)
{
	put(s, "icmp %s", p->icmp_type);
	if (p->icmp_code != NULL)
		put(s, " %s", p->icmp_code);
	if (p->icmp_mtu >= 0)
		put(s, " mtu %lld", (long long)p->icmp_mtu);
	if (p->icmp_id != 0)
		put(s, " id %u", p->icmp_id);
	if (p->quote == QUOTE_TCP)
		put(s, " [%u:%u(%u)]", p->quote_seq, p->quote_seq + p->quote_length,
		    p->quote_length);
	else if (p->quote != QUOTE_NONE)
		put(s, " [%s (%u)]", p->quote == QUOTE_UDP ? "udp" : "raw", p->quote_length);
}

void text_spec(const struct packet_spec *p, char out[TEXT_MAX])
{
	struct sink s = {.out = out, .room = TEXT_MAX};

	out[0] = '\0';
	put(&s, "%c ", p->inbound ? '<' : '>');
	put_ip(&s, p);
	switch (p->kind) {
	case PACKET_TCP: put_tcp(&s, p); break;
	case PACKET_UDP: put(&s, "udp (%u)", p->length); break;
	case PACKET_ICMP: put_icmp(&s, p); break;
	}
}
