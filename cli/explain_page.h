/*
 * explain_page.h - the report of `trivet explain` as one page.
 */
#ifndef TRIVET_CLI_EXPLAIN_PAGE_H
#define TRIVET_CLI_EXPLAIN_PAGE_H

#include "cli/options.h"
#include "diagnose/report.h"

/* What a page is made from. */
struct explain_page {
	const struct common *common;
	const char *path;              /* of the capture, which is read once more; "-" cannot be */
	const char *filter;
	const struct report *report;
	const struct summary *summary;
	bool all;                      /* healthy connections too */
};

/* Writes it; 0, or the exit status of what went wrong, which was said. */
int explain_page(const struct explain_page *from, const char *out);
/* Copies the standard input into a file without a name and gives its path, so that it can be read twice;
 * false: it could not, which was said. */
bool explain_spool(const struct common *common, char *path, size_t room);

#endif
