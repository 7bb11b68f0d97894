/*
 * reset.c - three reasons for a RST: nobody listens, a program is gone, a host has forgotten.
 */
#include <string.h>

#include "cli/experiments/lab.h"

static void closed_port(struct show *show)
{
	const struct lab_setup setup = {.title = "1. Nobody listens on this port", .port = 8101};
	struct lab lab;
	size_t rst;

	if (!lab_begin(&lab, show, &setup))
		return;
	if (lab_connect(&lab, 0) < 0)
		lab.trouble = "the connection could not be begun";
	lab_until_ended(&lab, 0);
	rst = lab_find(&lab, 0, 1, "R.");
	lab_claim(&lab, rst == 1 && lab.reason[0] == TV_R_REFUSED,
		"The host is there, the port is not: a RST answers the SYN, and connect() fails at once with \"refused\".");
	lab_tell(&lab, "Silence instead would mean that something swallows the SYN, or that no host is there.");
	lab_end(&lab);
}

static void in_the_middle(struct show *show)
{
	static const char answer[] = "The first part of a long answer, and then";
	const struct lab_setup setup = {.title = "2. A program ends without reading all: the connection is cut", .port = 8102};
	struct lab lab;

	if (!lab_begin(&lab, show, &setup))
		return;
	if (lab_open(&lab, 0)) {
		lab_say(&lab, 0, "GET /long\n");
		lab_until_read(&lab, 1, 10);
		lab_say(&lab, 1, answer);
		lab_until_read(&lab, 0, strlen(answer));
		lab_note(&lab, 1, "The server's program is killed in the middle of its answer.");
		lab_say(&lab, 1, " this never arrives");
		lab_abort(&lab, 1);
		lab_until_ended(&lab, 0);
		lab_claim(&lab, lab.reason[0] == TV_R_RESET && lab.got_len[0] == strlen(answer),
			"The client has %u bytes and an error: \"reset by the peer\" is how it learns that these are not all. A FIN "
			"would have said that they are.", (unsigned)lab.got_len[0]);
		lab_claim(&lab, lab_shown(&lab, 0) == TV_CLOSED && lab_shown(&lab, 1) == TV_CLOSED,
			"Nobody waits in TIME-WAIT after a RST.");
	}
	lab_end(&lab);
}

static void stale(struct show *show)
{
	const struct lab_setup setup = {.title = "3. The server restarts, and does not know the connection any more",
		.port = 8103};
	struct lab lab;
	size_t rst;

	if (!lab_begin(&lab, show, &setup))
		return;
	if (lab_open(&lab, 0)) {
		lab_say(&lab, 0, "hello\n");
		lab_until_read(&lab, 1, 6);
		lab_say(&lab, 1, "hello\n");
		lab_until_read(&lab, 0, 6);
		lab_wait(&lab, TV_S);
		lab_note(&lab, 1, "The server crashes and starts again. The client, idle, cannot notice.");
		lab_restart(&lab, 1);
		lab_wait(&lab, 10 * TV_S);
		lab_say(&lab, 0, "are you there?\n");
		lab_until_ended(&lab, 0);
		rst = lab_find(&lab, 0, 1, "R");
		lab_claim(&lab, rst != LADDER_NONE && lab.reason[0] == TV_R_RESET,
			"The answer to a segment of an unknown connection is a RST without ACK, whose number is the one that the "
			"segment acknowledged: so the client knows that it is meant.");
	}
	lab_end(&lab);
}

void show_reset(struct show *show)
{
	closed_port(show);
	in_the_middle(show);
	stale(show);
}
