/*
 * open.c - see open.h. The names are those of the rows in READINGS.md. A line taken out of the list
 * closes its difference; what finds its cases can then go too.
 */
#include "open.h"

#include <stdio.h>

enum { L_RST_OVERLAP, L_RST_ZERO, L_BELOW_OPEN, L_BELOW_ZERO, L_FIN_ZERO, L_SYN_FIN, L_WL1, L_SAME_SYN,
	L_TW_TEXT, L_TW_RANGE, L_TW_SYN, L_TW_TS, L_FIN_TWICE, L_COUNT };

static struct {
	const char *name;
	unsigned long seen;
} open_list[L_COUNT] = {
	[L_RST_OVERLAP] = {"L-1: a RST whose text overlaps the left edge is challenged", 0},
	[L_RST_ZERO] = {"L-2: with a window of zero no RST is believed", 0},
	[L_BELOW_OPEN] = {"L-3: with an open window ACK and URG of a segment at RCV.NXT-1 count", 0},
	[L_BELOW_ZERO] = {"L-4: with a window of zero ACK and URG at RCV.NXT-1 count only up to 1 octet", 0},
	[L_FIN_ZERO] = {"L-5: with a window of zero a bare FIN is taken", 0},
	[L_SYN_FIN] = {"L-6: in SYN-SENT a SYN with FIN is dropped", 0},
	[L_WL1] = {"L-7: behind SYN-SENT SND.WL1 is SEG.SEQ+1", 0},
	[L_SAME_SYN] = {"L-8: SYN-RECEIVED from SYN-SENT answers the same SYN with a SYN-ACK", 0},
	[L_TW_TEXT] = {"L-9: text in TIME-WAIT is not acknowledged", 0},
	[L_TW_RANGE] = {"L-10: TIME-WAIT has forgotten MAX.SND.WND", 0},
	[L_TW_SYN] = {"L-11: TIME-WAIT does not give way to a SYN at RCV.NXT", 0},
	[L_TW_TS] = {"L-12: TIME-WAIT answers a FIN without the timestamp", 0},
	[L_FIN_TWICE] = {"L-13: two FINs at two places, or text held behind a FIN", 0},
};

static bool has_fin(const struct grid_case *c)
{
	return c->text == TEXT_FIN || c->text == TEXT_1_FIN || c->text == TEXT_10_FIN;
}

static int if_open(int number) { return number >= 0 && open_list[number].name ? number : -1; }

static int in_time_wait(const struct grid_case *c)
{
	if (c->flags & M_SYN)
		return c->seq == SEQ_NXT && c->ack == ACK_NONE && !has_fin(c) ? L_TW_SYN : -1;
	if (c->ack == ACK_NONE)
		return -1;
	if (c->text == TEXT_0)
		return c->ack < ACK_NXT && c->ack != ACK_TOO_OLD ? L_TW_RANGE : -1;
	return L_TW_TEXT;
}

static int with_zero_window(const struct grid_case *c)
{
	if (c->flags & M_SYN || c->ack == ACK_NONE)
		return -1;
	if (c->seq == SEQ_BELOW && c->text >= TEXT_FIN)
		return L_BELOW_ZERO;
	return c->seq == SEQ_NXT && c->text == TEXT_FIN ? L_FIN_ZERO : -1;
}

static int in_state(enum case_start start, bool zero, const struct grid_case *c)
{
	if (start == START_SYN_SENT && c->flags & M_SYN && !(c->flags & M_RST)) {
		if (has_fin(c))
			return L_SYN_FIN;
		return c->ack == ACK_NXT ? L_WL1 : -1;
	}
	if (start < START_SYN_RECEIVED)
		return -1;
	if (c->flags & M_RST) {
		if (zero)
			return c->seq == SEQ_NXT && start != START_TIME_WAIT ? L_RST_ZERO : -1;
		return (c->seq == SEQ_OVER || c->seq == SEQ_BELOW) && start != START_TIME_WAIT
			? L_RST_OVERLAP : -1;
	}
	if (start == START_TIME_WAIT)
		return in_time_wait(c);
	if (start == START_SYN_RECEIVED_ACTIVE && c->flags & M_SYN && c->seq == SEQ_BELOW
		&& c->ack == ACK_NONE)
		return L_SAME_SYN;
	if (zero)
		return with_zero_window(c);
	if (start >= START_ESTABLISHED && c->seq == SEQ_BELOW && !(c->flags & M_SYN) && c->ack != ACK_NONE
		&& c->text <= TEXT_1)
		return L_BELOW_OPEN;
	return -1;
}

int open_case(const struct driver_setup *setup, const struct grid_case *c, bool has_ts)
{
	if (setup->start == START_TIME_WAIT && setup->timestamps && !has_ts && c->text == TEXT_FIN
		&& c->seq == SEQ_BELOW)
		return if_open(L_TW_TS);
	return if_open(in_state(setup->start, setup->wnd == WND_ZERO, c));
}

static enum case_start start_of(const struct model *m)
{
	static const enum case_start starts[M_STATES] = {START_CLOSED, START_LISTEN, START_SYN_SENT,
		START_SYN_RECEIVED, START_ESTABLISHED, START_FIN_WAIT_1, START_FIN_WAIT_2, START_CLOSE_WAIT,
		START_CLOSING, START_LAST_ACK, START_TIME_WAIT};

	if (m->state == M_SYN_RECEIVED && !m->passive)
		return START_SYN_RECEIVED_ACTIVE;
	return starts[m->state];
}

int open_step(const struct model *m, const struct grid_case *c, const struct model_segment *s)
{
	uint32_t end = s->seq + s->text;

	if (m->fin_held && (model_lt(m->fin_at, end) || (s->flags & M_FIN && end != m->fin_at)))
		return if_open(L_FIN_TWICE);
	for (unsigned i = 0; i < m->held_count; i++) {
		if (s->flags & M_FIN && model_lt(end, m->held[i].to))
			return if_open(L_FIN_TWICE);
	}
	return if_open(in_state(start_of(m), m->rcv_wnd == 0, c));
}

void open_count(int number) { open_list[number].seen++; }

unsigned open_report(void)
{
	unsigned unseen = 0;

	for (unsigned i = 0; i < L_COUNT; i++) {
		if (!open_list[i].name)
			continue;
		printf("  open: %6lu times %s%s\n", open_list[i].seen, open_list[i].name,
			open_list[i].seen ? "" : " - mended: take its line out of tests/grid/open.c");
		unseen += open_list[i].seen == 0;
	}
	return unseen;
}
