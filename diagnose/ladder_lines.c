/*
 * ladder_lines.c - the packets of a ladder, one a line, as tcpdump writes them.
 */
#include <stdio.h>
#include <string.h>

#include "diagnose/ladder.h"
#include "wire/print.h"

static const char *ending(enum ladder_fate fate)
{
	switch (fate) {
	case LADDER_CARRIED: return "\n";
	case LADDER_LOST: return " (lost)\n";
	case LADDER_DAMAGED: return " (damaged)\n";
	case LADDER_UNDER_WAY: return " (under way)\n";
	}
	return "\n";
}

/* tcpdump counts from the number before the SYN's answer, and shows that itself as it is. */
static struct tv_print_base base_of(struct tv_print_talk *talk, const struct ladder_row *row)
{
	uint16_t flags = (uint16_t)(row->has_ack << 4 | row->syn << 1);

	return tv_print_follow(talk, row->event->from == 1, flags, row->seq, row->ack);
}

void ladder_lines(const struct ladder *l, ladder_sink_fn sink, void *user)
{
	struct tv_print_talk talk = {false, 0, 0};
	struct ladder_reader reader;
	struct ladder_row row;
	tv_time start = TV_NEVER;

	ladder_read(&reader, l);
	while (ladder_next(&reader, &row)) {
		struct tv_print_base base = {0, 0, 0};
		char line[1024];
		unsigned long long us;
		struct tv_text text;
		int n;

		if (start == TV_NEVER)
			start = row.event->time;
		if (row.event->is_note)
			continue;
		us = (row.event->time - start) / TV_US;
		n = snprintf(line, sizeof line, "%02llu:%02llu:%02llu.%06llu ", us / 3600000000,
			us / 60000000 % 60, us / 1000000 % 60, us % 1000000);
		text = tv_text_start(line + n, sizeof line - (size_t)n);
		if (row.tcp)
			base = base_of(&talk, &row);
		tv_print_packet(&text, row.event->ip, row.event->len, &base);
		sink(user, line, strlen(line));
		sink(user, ending(row.event->fate), strlen(ending(row.event->fate)));
	}
}
