/*
 * html.h - pages that stand alone: ladders as drawings, what they mean, and the packets one a line.
 *
 *   html_begin(&page, "Title", "What it is about.");
 *   html_scene(&page, "First", ladder, "What happened.");
 *   html_end(&page);
 *
 * Without script everything is there; with it each drawing has a slider over time. A page asks nothing
 * of any server, and holds no text of a capture that was not escaped.
 */
#ifndef TRIVET_DIAGNOSE_HTML_H
#define TRIVET_DIAGNOSE_HTML_H

#include <stdio.h>

#include "diagnose/ladder.h"

struct html {
	FILE *out;
	unsigned scene;        /* the number of the last one, from 1 */
	bool short_of_memory;
};

/* What stands on the arrows; NULL: words, and sequence numbers. */
struct svg_style;

void html_begin(struct html *page, const char *title, const char *about);
/* A heading, a drawing with its slider, a paragraph, the packets. Its arrows are #s1e0, #s1e1 ... by the
 * number of the scene and of the event. */
void html_scene(struct html *page, const char *title, const struct ladder *l, const struct svg_style *style,
	const char *text);
/* An element with text in it: "p", "h2". */
void html_element(struct html *page, const char *tag, const char *text);
/* Escaped text alone. */
void html_text(struct html *page, const char *text);
void html_raw(struct html *page, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* False: not all of it could be written. */
bool html_end(struct html *page);

#endif
