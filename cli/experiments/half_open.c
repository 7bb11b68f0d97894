/*
 * half_open.c - one end has lost the connection, and the other does not know: how each case is found out.
 */
#include "cli/experiments/lab.h"

static void greet(struct lab *lab)
{
	lab_say(lab, 0, "hello\n");
	lab_until_read(lab, 1, 6);
	lab_say(lab, 1, "hello\n");
	lab_until_read(lab, 0, 6);
	lab_wait(lab, TV_S);
}

static void server_crashes(struct show *show)
{
	const struct lab_setup setup = {.title = "1. The server crashes and comes back; the client speaks next", .port = 8301};
	struct lab lab;
	bool alone;

	if (!lab_begin(&lab, show, &setup))
		return;
	if (lab_open(&lab, 0)) {
		greet(&lab);
		lab_note(&lab, 1, "The server starts again, and has forgotten everything.");
		lab_restart(&lab, 1);
		lab_wait(&lab, 60 * TV_S);
		alone = lab_state(&lab, 0) == TV_ESTABLISHED && lab_state(&lab, 1) == TV_LISTEN;
		lab_claim(&lab, alone, "For a minute the connection is half-open: ESTABLISHED here, unknown there, and no packet "
			"says so.");
		lab_say(&lab, 0, "one more thing\n");
		lab_until_ended(&lab, 0);
		lab_claim(&lab, lab.reason[0] == TV_R_RESET, "The first word that is said finds it out: RST.");
	}
	lab_end(&lab);
}

static void client_crashes(struct show *show)
{
	const struct lab_setup setup = {.title = "2. The client crashes, comes back, and happens to take the same port",
		.port = 8302};
	enum tv_verdict verdict;
	struct lab lab;
	size_t from, ack, rst;
	uint16_t port;

	if (!lab_begin(&lab, show, &setup))
		return;
	if (lab_open(&lab, 0)) {
		greet(&lab);
		port = lab.at[0].port;
		lab_note(&lab, 0, "The client starts again and connects from port %u; the server still has the old connection.",
			port);
		lab_restart(&lab, 0);
		lab_wait(&lab, 5 * TV_S);
		from = ladder_count(lab.ladder);
		lab_connect(&lab, port);
		lab_wait(&lab, lab.rtt / 2 + TV_US);
		verdict = lab.verdict[1];
		lab_until(&lab, 0, TV_ESTABLISHED);
		lab_until(&lab, 1, TV_ESTABLISHED);
		ack = lab_find(&lab, from, 1, ".");
		rst = lab_find(&lab, from, 0, "R");
		lab_claim(&lab, (verdict == TV_V_SYN_CHALLENGED || verdict == TV_V_PAWS) && ack != LADDER_NONE,
			"A SYN in the middle of a connection is not believed, but challenged: the ACK says what the server expects "
			"(RFC 5961).");
		lab_claim(&lab, rst != LADDER_NONE && rst > ack && lab_state(&lab, 0) == TV_ESTABLISHED,
			"Who really has begun anew answers with a RST that fits exactly; its SYN, repeated after a second, opens the "
			"new connection.");
	}
	lab_end(&lab);
}

static void peer_is_silent(struct show *show)
{
	const struct lab_setup setup = {.title = "3. The cable is cut: only keepalive can find out", .port = 8303};
	struct lab lab;
	tv_time cut;

	if (!lab_begin(&lab, show, &setup))
		return;
	if (lab_open(&lab, 0)) {
		greet(&lab);
		lab_note(&lab, 0, "Keepalive is switched on: a probe after 10 s of silence, then every 5 s, 4 in vain are enough. "
			"(Linux begins after two hours, unless told otherwise.)");
		lab_set(&lab, 0, TV_OPT_KEEPALIVE_IDLE, 10 * TV_S);
		lab_set(&lab, 0, TV_OPT_KEEPALIVE_INTERVAL, 5 * TV_S);
		lab_set(&lab, 0, TV_OPT_KEEPALIVE_COUNT, 4);
		lab_set(&lab, 0, TV_OPT_KEEPALIVE, 1);
		lab_wait(&lab, 12 * TV_S);
		lab_note(&lab, 2, "The cable is cut.");
		cut = lab_now(&lab);
		lab_cut(&lab, true);
		lab_until_ended(&lab, 0);
		lab_claim(&lab, lab.reason[0] == TV_R_KEEPALIVE_TIMEOUT && lab_state(&lab, 1) == TV_ESTABLISHED,
			"%u s after the cut the client knows that nobody is there. The server, which does not probe, would wait for "
			"ever.", (unsigned)((lab_now(&lab) - cut) / TV_S));
	}
	lab_end(&lab);
}

void show_half_open(struct show *show)
{
	server_crashes(show);
	client_crashes(show);
	peer_is_silent(show);
}
