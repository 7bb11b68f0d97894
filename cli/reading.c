/*
 * reading.c - from capture records (links/records) to packets (diagnose/packet).
 */
#include "cli/reading.h"

#include <stdlib.h>
#include <string.h>

void reading_packet(const struct records_packet *record, struct packet *p)
{
	struct packet_record r = {.number = record->number, .time = record->time, .link_type = record->link_type,
		.len = record->len, .wire_len = record->wire_len, .data = record->data};

	(void)packet_read(p, &r);
}

bool reading_next(struct records *capture, struct packet *p, uint16_t *link_type)
{
	struct records_packet record;

	if (!records_next(capture, &record))
		return false;
	*link_type = record.link_type;
	reading_packet(&record, p);
	return true;
}

char *reading_filter(int count, char **words)
{
	size_t room = 1;
	char *filter;

	for (int i = 0; i < count; i++)
		room += strlen(words[i]) + 1;
	filter = calloc(1, room);
	for (int i = 0; filter && i < count; i++) {
		if (i)
			strcat(filter, " ");
		strcat(filter, words[i]);
	}
	return filter;
}

/* How much of a packet is its headers. */
static uint32_t headers_of(const struct packet *p)
{
	uint32_t at;

	if (p->kind != PACKET_TCP)
		return p->ip_have;
	for (at = 20; at + 20 <= p->ip_have; at += 4)
		if ((uint32_t)p->ip[at] << 8 == (p->sport & 0xff00u) && p->ip[at + 1] == (p->sport & 0xff) &&
			(uint32_t)p->ip[at + 2] << 8 == (p->dport & 0xff00u) && p->ip[at + 3] == (p->dport & 0xff))
			break;
	if (at + 20 > p->ip_have)
		return p->ip_have;
	at += (p->ip[at + 12] >> 4) * 4u;
	return at < p->ip_have ? at : p->ip_have;
}

struct ladder_event reading_event(const struct conn *c, const struct packet *p, bool payload)
{
	struct ladder_event event = {.time = p->time, .ip = p->ip, .fate = LADDER_CARRIED, .remark = ""};

	event.from = !tv_addr_equal(&p->src, &c->addr[0]) || (p->kind == PACKET_TCP && p->sport != c->port[0]);
	if (p->kind == PACKET_ICMP)
		event.from = !c->icmp_about;
	event.len = payload ? p->ip_have : headers_of(p);
	event.state[0] = (enum tv_state)c->side[0].state;
	event.state[1] = (enum tv_state)c->side[1].state;
	return event;
}
