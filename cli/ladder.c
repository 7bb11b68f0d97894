/*
 * ladder.c - trivet ladder FILE [-n N | FILTER]: one connection of a capture file, drawn as a ladder.
 *
 * The tracker tells which packets belong to the connection, and what state both ends are in; the one
 * renderer (diagnose/ladder) draws. States are conclusions from packets, so they hold as far as the
 * packets arrived. Text is left out unless --payload asks for it.
 *
 * --lines prints every packet of the file as `tcpdump -n` does.
 */
#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#include "cli/common.h"
#include "cli/reading.h"
#include "cli/verb.h"
#include "diagnose/ladder.h"
#include "diagnose/lines.h"
#include "diagnose/report.h"

enum { EVENTS_MAX = 5000 };

struct look {
	struct common common;
	uint64_t number;
	bool absolute, lines, payload;
	struct ladder *ladder;
	bool full;
};

static void sink(void *user, const char *text, size_t len)
{
	fwrite(text, 1, len, user);
}

/* ------------------------------------------------------------------------------------------ */
/* Lines                                                                                       */

_Static_assert(LINES_NAME >= IF_NAMESIZE, "a name of an interface fits");

static bool name_of(uint32_t index, char name[LINES_NAME])
{
	return if_indextoname(index, name) != NULL;
}

static int print_lines(struct records *records)
{
	struct lines *lines = lines_new();
	char line[2048];
	struct packet p;
	uint16_t type;

	if (lines)
		lines_names(lines, name_of);
	while (lines && reading_next(records, &p, &type))
		if (lines_packet(lines, &p, line, sizeof line))
			puts(line);
	lines_free(lines);
	return lines ? EXIT_FINE : EXIT_FAILED;
}

/* ------------------------------------------------------------------------------------------ */
/* The ladder                                                                                  */

static void add(struct look *look, const struct conn *c, const struct packet *p)
{
	struct ladder_event event;
	char remark[40];

	if (ladder_count(look->ladder) == EVENTS_MAX) {
		look->full = true;
		return;
	}
	event = reading_event(c, p, look->payload);
	snprintf(remark, sizeof remark, "packet %llu", (unsigned long long)p->number);
	event.remark = remark;
	(void)ladder_packet(look->ladder, &event);
}

static int print_ladder(struct look *look, struct records *records)
{
	struct ladder_style style = {.ascii = look->common.ascii, .color = look->common.color,
		.absolute = look->absolute, .width = 80};
	struct tracker *tracker = tracker_new(0, NULL, NULL);
	struct tv_endpoint a, b;
	struct packet p;
	uint16_t type;
	char text[80];

	look->ladder = ladder_new();
	while (tracker && look->ladder && reading_next(records, &p, &type)) {
		struct conn *c = tracker_take(tracker, &p);

		if (!c || c->number != look->number)
			continue;
		if (ladder_count(look->ladder) == 0) {
			a = (struct tv_endpoint){.addr = c->addr[0], .port = c->port[0]};
			b = (struct tv_endpoint){.addr = c->addr[1], .port = c->port[1]};
			end_text(&a, text, sizeof text);
			ladder_end(look->ladder, 0, "client", text);
			end_text(&b, text, sizeof text);
			ladder_end(look->ladder, 1, "server", text);
		}
		add(look, c, &p);
	}
	if (!tracker || !look->ladder) {
		complain(&look->common, "out of memory");
		tracker_free(tracker);
		ladder_free(look->ladder);
		return EXIT_FAILED;
	}
	if (ladder_count(look->ladder)) {
		ladder_print(look->ladder, &style, sink, stdout);
		if (look->full)
			printf("(only the first %d packets)\n", EVENTS_MAX);
	} else {
		complain(&look->common, "there is no connection %llu in the file", (unsigned long long)look->number);
	}
	type = ladder_count(look->ladder) != 0;
	tracker_free(tracker);
	ladder_free(look->ladder);
	return type ? EXIT_FINE : EXIT_NOTHING;
}

int verb_ladder(int argc, char **argv)
{
	struct look look = {.number = 1};
	const struct option table[] = {
		{"number", 'n', OPTION_NUMBER, "N", "the connection, counted from 1 (default 1)", &look.number, 1, UINT32_MAX},
		{"abs", 0, OPTION_FLAG, NULL, "sequence numbers as on the wire", &look.absolute, 0, 0},
		{"lines", 0, OPTION_FLAG, NULL, "print all packets as tcpdump -n does", &look.lines, 0, 0},
		{"payload", 0, OPTION_FLAG, NULL, "show the first bytes of text, escaped", &look.payload, 0, 0},
		{0},
	};
	const struct usage usage = {
		.verb = "ladder",
		.synopsis = "FILE [FILTER]",
		.about = "Draws a connection of a capture file as a ladder, with the states of both ends as far as the\n"
			"packets tell them. FILE may be -; FILTER is a pcap filter.",
		.options = table,
		.examples = "  trivet ladder try.pcap -n 2\n  trivet ladder try.pcap port 443\n  trivet ladder --lines try.pcap",
	};
	int n = options_read(&usage, &look.common, argc, argv), status;
	struct link_fault fault;
	struct records *records;
	char *filter;

	if (n < 1)
		usage_error("ladder", "which file?");
	filter = reading_filter(n - 1, argv + 2);
	records = filter ? records_open(argv[1], filter, &fault) : NULL;
	if (!records) {
		complain(&look.common, "%s", filter ? fault.text : "out of memory");
		status = !filter ? EXIT_FAILED : fault.err == EINVAL && *filter ? EXIT_USAGE : EXIT_RIGHTS;
		free(filter);
		return status;
	}
	status = look.lines ? print_lines(records) : print_ladder(&look, records);
	records_close(records);
	free(filter);
	return status;
}
