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
