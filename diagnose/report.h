/*
 * report.h - findings: what was concluded, of whom, and by which packets.
 */
#ifndef TRIVET_DIAGNOSE_REPORT_H
#define TRIVET_DIAGNOSE_REPORT_H

#include "diagnose/tracker.h"
#include "diagnose/words.h"

enum { FRAMES_MAX = 12, DETAIL_MAX = 320 };

struct frame_range {
	uint32_t first, last;
};

struct finding {
	enum word word;
	enum certainty certainty;
	struct tv_endpoint client, server;
	bool v6, several_ports, several_clients;
	bool too_soon;                 /* the capture ended before an answer could be missed */
	uint32_t count;                /* connections that it is about */
	uint32_t connection;           /* number of the first one */
	uint32_t frame_count;
	struct frame_range frames[FRAMES_MAX];
	uint64_t lead;                 /* the first packet of the first connection: the order of the report */
	const char *lost;              /* "syn", "synack", "ack", or NULL */
	char detail[DETAIL_MAX];       /* sentences with the numbers of this case */
};

struct report {
	struct finding *list;
	size_t count, room;
	bool short_of_memory;
	bool keep_healthy;             /* list plain `ok` too; else it is only counted */
	uint32_t places[1024];         /* where the last finding with this hash stands, from 1 */
	uint64_t healthy;              /* connections without any other word */
	struct floods *floods;         /* verdict_flood.c: what may turn out to be floods; NULL: nothing */
};

void finding_start(struct finding *f, const struct conn *c, enum word word, enum certainty certainty);
/* Cites a packet; what does not fit any more is left out. */
void finding_cite(struct finding *f, const struct mark *m);
void finding_cite_range(struct finding *f, uint32_t first, uint32_t last);
/* Adds to the detail. */
void finding_say(struct finding *f, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Adds it, or joins it with the same word about the same server. */
void report_add(struct report *r, const struct finding *f);
void report_sort(struct report *r);
void report_free(struct report *r);
/* verdict_flood.c; NULL is allowed */
void floods_free(struct floods *floods);

/* Exit status: 1 a problem, 4 nothing but unknown, 0. */
int report_status(const struct report *r);
/* That of its word, or unknown when the capture ended too soon. */
enum severity finding_severity(const struct finding *f);
/* The whole text of a finding: its word's sentence and the detail. */
void finding_text(const struct finding *f, char *out, size_t room);
/* "192.0.2.1:80", "[2001:db8::1]:80"; port 0 is left out. */
void end_text(const struct tv_endpoint *e, char *out, size_t room);
/* "12 ms", "1.03 s" */
const char *time_text(tv_time time, char out[24]);

/* json.c */
struct summary {
	const char *file;
	const struct tracker_counts *counts;
	const char *damage, *unknown_link;
	uint64_t records;
};
/* The report as one document, or one finding a line. The caller frees. NULL: out of memory. */
char *report_json(const struct report *r, const struct summary *s, bool all);
char *finding_json(const struct finding *f);

#endif
