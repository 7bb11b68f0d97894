/*
 * svg.h - a ladder as a drawing: two lines, a bar of states along each, and an arrow for each packet from
 * when it left to when it arrived.
 */
#ifndef TRIVET_DIAGNOSE_SVG_H
#define TRIVET_DIAGNOSE_SVG_H

#include "diagnose/ladder.h"

/* What stands on the arrow of a packet. */
typedef void (*svg_label_fn)(void *user, const struct ladder_row *row, char *out, size_t room);

struct svg_style {
	bool alone;            /* a file of its own, with its colours; else part of a page that has svg_css() */
	bool absolute;         /* sequence numbers as on the wire */
	bool bare;             /* nothing below the arrows, no times: for a slide */
	unsigned scene;        /* names begin with s1: its arrows are #s1e0, #s1e1 ... by number of the event */
	svg_label_fn label;    /* NULL: words, and sequence numbers */
	void *label_user;
};

/* False: out of memory; nothing was written. */
bool svg_ladder(const struct ladder *l, const struct svg_style *style, ladder_sink_fn sink, void *user);
/* The rules for the colours of drawings, for light and dark. */
const char *svg_css(void);
/* Text of an attribute or element: what XML or a terminal would take for more is replaced. */
void svg_escape(const char *text, ladder_sink_fn sink, void *user);

#endif
