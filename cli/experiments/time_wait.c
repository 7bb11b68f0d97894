/*
 * time_wait.c - what TIME-WAIT is for: the last ACK may be lost, and old segments may still come.
 *
 * "Without" is a host that keeps the state for a millisecond only, and is otherwise the same.
 */
#include <string.h>

#include "cli/experiments/lab.h"

/* A whole conversation whose client closes first; then its ACK of the FIN is about to be sent. */
static bool until_last_ack(struct lab *lab)
{
	if (!lab_open(lab, 0))
		return false;
	lab->closes[1] = true;
	lab_wait(lab, lab->rtt);
	lab_close(lab, 0);
	return lab_until(lab, 0, TV_TIME_WAIT);
}

static void lost_with(struct show *show)
{
	const struct lab_setup setup = {.title = "1. The last ACK is lost, and the client is in TIME-WAIT",
		.port = 8201};
	struct lab lab;
	size_t again;

	if (!lab_begin(&lab, show, &setup))
		return;
	if (until_last_ack(&lab)) {
		lab_lose_next(&lab);
		lab_wait(&lab, 1);
		lab_note(&lab, 1, "The server is in LAST-ACK: it knows nothing, and repeats its FIN.");
		lab_until(&lab, 1, TV_LISTEN);
		again = lab_find(&lab, lab_find(&lab, 0, 1, "F.") + 1, 1, "F.");
		lab_claim(&lab,
			again != LADDER_NONE && lab.reason[1] == TV_R_NORMAL && lab_state(&lab, 0) == TV_TIME_WAIT,
			"TIME-WAIT is there to give the last ACK again. The server ends in order.");
	}
	lab_end(&lab);
}

static void lost_without(struct show *show)
{
	struct tv_config forgetful;
	const struct lab_setup setup = {.title = "2. The same without TIME-WAIT", .port = 8202, .config = {&forgetful}};
	struct lab lab;

	lab_config(&forgetful);
	forgetful.two_msl = TV_MS;
	if (!lab_begin(&lab, show, &setup))
		return;
	if (until_last_ack(&lab)) {
		lab_lose_next(&lab);
		lab_wait(&lab, 100 * TV_MS);
		lab_note(&lab, 0, "This client has forgotten the connection already. The server repeats its FIN.");
		lab_until(&lab, 1, TV_LISTEN);
		lab_claim(&lab, lab_find(&lab, 0, 0, "R") != LADDER_NONE && lab.reason[1] == TV_R_RESET,
			"The repeated FIN meets nobody and is answered with a RST: the server's program is told that a connection "
			"failed in which every byte had arrived.");
	}
	lab_end(&lab);
}

/* The server says its price, and both close, the client first. */
static void tell_and_close(struct lab *lab)
{
	lab_say(lab, 1, "price: 100\n");
	lab_until_read(lab, 0, 11);
	lab->closes[1] = true;
	lab_close(lab, 0);
	lab_until(lab, 1, TV_LISTEN);
}

static void late_with(struct show *show)
{
	const struct lab_setup setup = {.title = "3. An old segment comes late, and meets TIME-WAIT", .port = 8203};
	enum tv_verdict verdict;
	struct lab lab;
	size_t text;

	if (!lab_begin(&lab, show, &setup))
		return;
	if (lab_open(&lab, 0)) {
		tell_and_close(&lab);
		lab_wait(&lab, 5 * TV_S);
		text = lab_find(&lab, 0, 1, "P.");
		lab_note(&lab, 2, "Five seconds later a router lets go a copy of the server's segment.");
		lab_replay(&lab, text, "an old copy");
		lab_wait(&lab, lab.rtt / 2 + TV_US);
		verdict = lab.verdict[0];
		lab_claim(&lab, verdict != TV_V_OK && lab.got_len[0] == 11,
			"It is dropped: %s. As long as the state lives, nobody else can have these ports and be given the text.",
			tv_verdict_text(verdict));
		lab_wait(&lab, 2 * lab.rtt);
		lab_claim(&lab, lab.verdict[0] == TV_V_RST_TIME_WAIT && lab_state(&lab, 0) == TV_TIME_WAIT,
			"The RST with which the server answers the ACK of a stranger is ignored (RFC 1337): else one old segment would "
			"end TIME-WAIT.");
	}
	lab_end(&lab);
}

static void late_without(struct show *show)
{
	struct tv_config forgetful;
	const struct lab_setup setup = {.title = "4. The same without TIME-WAIT: a new connection has the ports", .port = 8204,
		.config = {&forgetful}};
	enum tv_verdict verdict;
	struct lab lab;
	size_t text;

	lab_config(&forgetful);
	forgetful.two_msl = TV_MS;
	if (!lab_begin(&lab, show, &setup))
		return;
	if (lab_open(&lab, 0)) {
		tell_and_close(&lab);
		lab_wait(&lab, 100 * TV_MS);
		lab_note(&lab, 0, "The client connects again, from the same port.");
		lab_open(&lab, lab.at[0].port);
		text = lab_find(&lab, 0, 1, "P.");
		lab_note(&lab, 2, "Now the old copy comes, and it fits ports and addresses.");
		lab_replay(&lab, text, "an old copy");
		lab_wait(&lab, lab.rtt / 2 + TV_US);
		verdict = lab.verdict[0];
		lab_wait(&lab, lab.rtt);
		lab_claim(&lab, verdict != TV_V_OK && lab.got_len[0] == 11,
			"What keeps it out now are its numbers alone: %s. TIME-WAIT is the guard that needs no luck.",
			tv_verdict_text(verdict));
	}
	lab_end(&lab);
}

void show_time_wait(struct show *show)
{
	lost_with(show);
	lost_without(show);
	late_with(show);
	late_without(show);
}
