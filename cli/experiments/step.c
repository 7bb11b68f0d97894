/*
 * step.c - one conversation, a packet at a time: Enter goes on. At each packet, what both ends know, and
 * the sentence of RFC 9293 by which the receiver is where it is now.
 *
 * Numbers are counted from each side's initial sequence number. At the end of its input it goes on
 * without waiting.
 */
#include <string.h>
#include <unistd.h>

#include "cli/experiments/lab.h"

static const struct rule {
	enum tv_state before, after; /* of the receiver */
	bool text;                 /* the segment carries some */
	const char *section, *sentence;
} rules[] = {
	{TV_LISTEN, TV_SYN_RECEIVED, false, "3.10.7.2", "The connection state should be changed to SYN-RECEIVED."},
	{TV_SYN_SENT, TV_ESTABLISHED, false, "3.10.7.3",
		"If SND.UNA > ISS (our SYN has been ACKed), change the connection state to ESTABLISHED, form an ACK segment "
		"[...] and send it."},
	{TV_SYN_RECEIVED, TV_ESTABLISHED, false, "3.10.7.4, fifth",
		"If SND.UNA < SEG.ACK =< SND.NXT, then enter ESTABLISHED state [...]"},
	{TV_ESTABLISHED, TV_ESTABLISHED, true, "3.10.7.4, seventh",
		"Once in the ESTABLISHED state, it is possible to deliver segment data to user RECEIVE buffers."},
	{TV_ESTABLISHED, TV_ESTABLISHED, false, "3.10.7.4, fifth",
		"If SND.UNA < SEG.ACK =< SND.NXT, then set SND.UNA <- SEG.ACK."},
	{TV_ESTABLISHED, TV_CLOSE_WAIT, false, "3.10.7.4, eighth", "Enter the CLOSE-WAIT state."},
	{TV_FIN_WAIT_1, TV_FIN_WAIT_2, false, "3.10.7.4, fifth",
		"[...] if the FIN segment is now acknowledged, then enter FIN-WAIT-2 and continue processing in that state."},
	{TV_FIN_WAIT_2, TV_TIME_WAIT, false, "3.10.7.4, eighth",
		"Enter the TIME-WAIT state. Start the time-wait timer, turn off the other timers."},
	{TV_LAST_ACK, TV_CLOSED, false, "3.10.7.4, fifth",
		"If our FIN is now acknowledged, delete the TCB, enter the CLOSED state, and return."},
};

struct stepper {
	enum tv_state state[2];    /* when the packet was sent */
	unsigned count, told;      /* packets, and those for which a sentence was found */
	bool waits, ended;         /* for Enter; the input is at its end */
	bool quiet;                /* JSON, or lines: nothing is printed here */
};

/* What an end knows, half-open and TIME-WAIT records included. */
static bool find_info(const struct lab *lab, unsigned side, struct tv_info *info)
{
	uint64_t cursor = 0;
	tv_handle handle;

	info->size = sizeof *info;
	while (tv_next(lab_stack(lab, side), &cursor, &handle, info))
		if (info->remote.port == lab->at[!side].port && info->state != TV_LISTEN)
			return true;
	return false;
}

static void number(const char *name, const bool *there, const uint32_t *value)
{
	char text[2][24];

	for (unsigned i = 0; i < 2; i++)
		snprintf(text[i], sizeof text[i], there[i] ? "%u" : "-", value[i]);
	printf("  %-12s %14s %14s\n", name, text[0], text[1]);
}

static void print_ends(struct lab *lab)
{
	struct tv_info info[2] = {{.size = sizeof info[0]}, {.size = sizeof info[0]}};
	bool there[2] = {find_info(lab, 0, &info[0]), find_info(lab, 1, &info[1])};
	char timer[2][24];

	for (unsigned i = 0; i < 2; i++)
		if (there[i] && info[i].timer != TV_NEVER && info[i].timer > lab_now(lab))
			duration_text(info[i].timer - lab_now(lab), timer[i]);
		else
			strcpy(timer[i], "-");
	printf("  %-12s %14s %14s\n", "", "Client", "Server");
	printf("  %-12s %14s %14s\n", "state", tv_state_name(lab_shown(lab, 0)), tv_state_name(lab_shown(lab, 1)));
#define ROW(name, field, base)                                                                      \
	number(name, there, (const uint32_t[]){info[0].field - info[0].base, info[1].field - info[1].base})
	ROW("SND.UNA", snd_una, iss);
	ROW("SND.NXT", snd_nxt, iss);
	ROW("RCV.NXT", rcv_nxt, irs);
#undef ROW
	number("SND.WND", there, (const uint32_t[]){info[0].snd_wnd, info[1].snd_wnd});
	number("RCV.WND", there, (const uint32_t[]){info[0].rcv_wnd, info[1].rcv_wnd});
	printf("  %-12s %14s %14s\n", "next timer", timer[0], timer[1]);
}

static void wait_for_enter(struct lab *lab, struct stepper *st)
{
	int c = 0;

	if (st->ended || !st->waits)
		return;
	/* Asked only where somebody reads it. */
	if (isatty(STDIN_FILENO) && !lab->show->demo->common.quiet)
		fprintf(stderr, "[Enter] ");
	fflush(stdout);
	while (c != '\n' && c != EOF)
		c = getchar();
	st->ended = c == EOF;
}

static const struct rule *find_rule(enum tv_state before, enum tv_state after, bool text)
{
	for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
		if (rules[i].before == before && rules[i].after == after && rules[i].text == text)
			return &rules[i];
	return NULL;
}

static void print_arrival(struct lab *lab, struct stepper *st, unsigned side)
{
	struct ladder_reader reader;
	struct ladder_row row;
	char text[512];
	const struct rule *rule;

	ladder_read(&reader, lab->ladder);
	for (unsigned n = 0; ladder_next(&reader, &row);)
		if (!row.event->is_note && ++n == st->count)
			break;
	rule = find_rule(st->state[side], lab_shown(lab, side), row.len != 0);
	st->told += rule != NULL;
	if (st->quiet)
		return;
	printf("%u. %s sends %s: seq %u", st->count, side ? "Client" : "Server", row.words, row.rel_seq);
	if (row.has_ack)
		printf(", ack %u", row.rel_ack);
	if (row.len)
		printf(", %u bytes", row.len);
	printf("\n");
	print_ends(lab);
	if (rule) {
		snprintf(text, sizeof text, "The %s follows RFC 9293 %s: \"%s\"", side ? "server" : "client", rule->section,
			rule->sentence);
		print_wrapped(stdout, text);
	}
	printf("\n");
}

static void watch(struct lab *lab, const struct network_sight *s)
{
	struct stepper *st = lab->user;

	if (!s->arrived) {
		st->count++;
		st->state[0] = s->side ? lab_state(lab, 0) : st->state[0];
		st->state[1] = s->side ? st->state[1] : lab_state(lab, 1);
		wait_for_enter(lab, st);
	} else {
		print_arrival(lab, st, s->side);
	}
}

static void print_nothing(struct lab *lab)
{
	(void)lab;
}

void show_step(struct show *show)
{
	const struct lab_setup setup = {.title = "A conversation, step by step", .port = 8900};
	const struct common *c = &show->demo->common;
	struct stepper st = {.waits = true, .quiet = c->json || show->demo->lines};
	struct lab lab;

	st.waits = !st.quiet && !show->demo->all;
	if (!lab_begin(&lab, show, &setup))
		return;
	lab.user = &st;
	lab.watch = watch;
	lab.print = print_nothing;
	st.quiet |= lab.hidden;
	if (!st.quiet) {
		print_wrapped(stdout,
			"Each step is a packet; the table shows what both ends know when it has arrived, numbers counted from their "
			"own beginning. The client has called connect: \"A SYN segment of the form <SEQ=ISS><CTL=SYN> is sent.\" "
			"(RFC 9293 3.10.1)");
		printf("\n");
	}
	if (lab_open(&lab, 0)) {
		lab_say(&lab, 0, DEMO_REQUEST);
		lab_until_read(&lab, 1, strlen(DEMO_REQUEST));
		lab_say(&lab, 1, DEMO_ANSWER);
		lab_until_read(&lab, 0, strlen(DEMO_ANSWER));
		lab_wait(&lab, lab.rtt + 100 * TV_MS);
		lab_close(&lab, 0);
		lab_until(&lab, 0, TV_FIN_WAIT_2);
		lab_close(&lab, 1);
		lab_until(&lab, 1, TV_LISTEN);
		lab_claim(&lab, st.told == st.count, "%u packets: three to open, three to talk, four to close; every step is one "
			"sentence of RFC 9293.", st.count);
	}
	lab_end(&lab);
}
