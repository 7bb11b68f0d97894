/*
 * reading.c - from capture records (links/records) to packets (diagnose/packet).
 */
#include "cli/reading.h"

#include <stdlib.h>
#include <string.h>

bool reading_next(struct records *capture, struct packet *p, uint16_t *link_type)
{
	struct records_packet record;
	struct packet_record r;

	if (!records_next(capture, &record))
		return false;
	r = (struct packet_record){.number = record.number, .time = record.time, .link_type = record.link_type,
		.len = record.len, .wire_len = record.wire_len, .data = record.data};
	*link_type = record.link_type;
	(void)packet_read(p, &r);
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
