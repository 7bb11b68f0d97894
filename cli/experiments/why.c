/*
 * why.c - why three messages: four things that go wrong with two.
 *
 * Each is shown twice: with a responder that takes a connection for open as soon as it has answered the
 * SYN (sim/two_step), and with the stack.
 */
#include <string.h>

#include "cli/experiments/lab.h"
#include "sim/octets.h"

static const char pay[] = "pay 100\n";

/* ------------------------------------------------------------------------------------------ */
/* (a) An old duplicate                                                                        */

static void old_duplicate(struct show *show, struct two_step *two)
{
	const struct lab_setup setup = {
		.title = two ? "a. An old duplicate SYN, two messages: the ghost of a connection" :
			"a. The same with three messages",
		.name = {NULL, two ? "Two-step" : "Server"}, .port = two ? 8701 : 8702, .two_step = two};
	struct lab lab;
	size_t syn, text;

	if (!lab_begin(&lab, show, &setup))
		return;
	lab_listen(&lab);
	lab_connect(&lab, 0);
	lab_until(&lab, 0, TV_ESTABLISHED);
	lab_say(&lab, 0, pay);
	lab_wait(&lab, lab.rtt);
	lab.closes[1] = true;
	lab_close(&lab, 0);
	lab_wait(&lab, 62 * TV_S);
	syn = lab_find(&lab, 0, 0, "S");
	text = lab_find(&lab, 0, 0, "P.");
	lab_note(&lab, 2, "A minute later TIME-WAIT is over. A broken router lets go copies of two old packets.");
	lab_replay(&lab, syn, "an old copy");
	lab_wait(&lab, TV_MS);
	lab_replay(&lab, text, "an old copy");
	lab_wait(&lab, 3 * lab.rtt);
	if (two)
		lab_claim(&lab, two->opened == 2 && strcmp(two->got, "pay 100\npay 100\n") == 0,
			"The responder took the old SYN for a new connection, and its program paid twice. The client's RST says that "
			"there is no such connection, one round trip too late.");
	else
		lab_claim(&lab, strcmp(lab.got[1], pay) == 0 && lab_state(&lab, 1) == TV_LISTEN,
			"The old SYN is answered with a new number, which the old segment cannot acknowledge: it is not delivered, and "
			"the client's RST takes the half-open connection away. It was paid once.");
	lab_end(&lab);
}

/* ------------------------------------------------------------------------------------------ */
/* (b) A forged SYN                                                                            */

static void forge(struct lab *lab, unsigned flags, uint32_t seq, uint32_t ack, const char *text)
{
	uint32_t len = 40 + (uint32_t)strlen(text);
	uint8_t ip[128] = {0x45, [6] = 0x40, [8] = 64, [9] = 6, [32] = 0x50};

	store16(ip + 2, len);
	memcpy(ip + 12, lab->at[0].addr.b + 12, 4);
	memcpy(ip + 16, lab->at[1].addr.b + 12, 4);
	store16(ip + 10, octets_fold(octets_sum(ip, 20, 0)));
	store16(ip + 20, lab->at[0].port);
	store16(ip + 22, lab->at[1].port);
	store32(ip + 24, seq);
	store32(ip + 28, ack);
	ip[33] = (uint8_t)flags;
	store16(ip + 34, 65535);
	memcpy(ip + 40, text, len - 40);
	octets_tcp_checksum(ip, len);
	lab->remark = "forged";
	network_inject(lab->net, lab->wire, 0, ip, len);
}

static void forged(struct show *show, struct two_step *two)
{
	const struct lab_setup setup = {
		.title = two ? "b. A SYN with a forged address, two messages: a command in another's name" :
			"b. The same with three messages",
		.name = {"(forged)", two ? "Two-step" : "Server"}, .port = two ? 8703 : 8704, .two_step = two, .seen_from = 1};
	struct lab lab;
	bool half_open;

	if (!lab_begin(&lab, show, &setup))
		return;
	ladder_start(lab.ladder, 0, LADDER_UNKNOWN);
	lab.nobody = true;
	memcpy(lab.at[0].addr.b + 12, (const uint8_t[]){198, 51, 100, 9}, 4);
	lab.at[0].port = 4444;
	lab_listen(&lab);
	lab_note(&lab, 0, "Somebody sends a SYN as if 198.51.100.9 had. No answer will ever reach the sender.");
	forge(&lab, 2, 5000, 0, "");
	lab_wait(&lab, lab.rtt / 2 + TV_US);
	half_open = lab_state(&lab, 1) == TV_SYN_RECEIVED;
	forge(&lab, 24, 5001, 12345, pay);
	lab_wait(&lab, 10 * TV_S);
	lab_until(&lab, 1, two ? TV_ESTABLISHED : TV_LISTEN);
	lab_note(&lab, 1, two ? "Ten seconds later the server still believes in the connection." :
		"The server has had no answer, and forgets the half-open record.");
	if (two)
		lab_claim(&lab, strcmp(two->got, pay) == 0 && two_step_state(two, &lab.at[0]) == TV_ESTABLISHED,
			"The command was obeyed in the name of a host that has said nothing, and the ghost stays for ever: nobody is "
			"there to end it.");
	else
		lab_claim(&lab, half_open && lab.got_len[1] == 0 && lab_state(&lab, 1) == TV_LISTEN,
			"Who cannot read the SYN,ACK cannot repeat its number: the command is refused. The SYN,ACK is repeated some "
			"times into the void, and then the half-open record is forgotten.");
	lab_end(&lab);
}

/* ------------------------------------------------------------------------------------------ */
/* (c) A lost SYN,ACK                                                                          */

static void lost_answer(struct show *show, struct two_step *two)
{
	const struct lab_setup setup = {
		.title = two ? "c. The SYN,ACK is lost, two messages: one end is sure, the other is not" :
			"c. The same with three messages",
		.name = {NULL, two ? "Two-step" : "Server"}, .port = two ? 8705 : 8706, .two_step = two};
	struct lab lab;
	bool waits;

	if (!lab_begin(&lab, show, &setup))
		return;
	lab_listen(&lab);
	lab_connect(&lab, 0);
	network_drop(lab.net, lab.wire, 2);
	lab_wait(&lab, lab.rtt);
	waits = lab_state(&lab, 1) == TV_SYN_RECEIVED;
	lab_wait(&lab, 2500 * TV_MS);
	if (two)
		lab_claim(&lab, two->opened == 1 && two_step_state(two, &lab.at[0]) == TV_ESTABLISHED &&
				lab_state(&lab, 0) == TV_SYN_SENT,
			"The responder is ESTABLISHED and has nothing to repeat; the client knows nothing and repeats its SYN in vain. "
			"They will never agree.");
	else
		lab_claim(&lab, waits && lab_state(&lab, 0) == TV_ESTABLISHED && lab_state(&lab, 1) == TV_ESTABLISHED,
			"SYN-RECEIVED means: I have answered, and wait to hear that it arrived. Here something is left to repeat, and "
			"a second later both ends are sure.");
	lab_end(&lab);
}

/* ------------------------------------------------------------------------------------------ */
/* (d) Numbers that begin at 0                                                                 */

/* One question, one answer, the server closes, and the client after it. */
static void one_question(struct lab *lab, uint16_t port)
{
	lab_connect(lab, port);
	lab_until(lab, 0, TV_ESTABLISHED);
	lab_say(lab, 0, "price?\n");
	if (!lab->two_step) {
		lab_until_read(lab, 1, 7);
		lab_say(lab, 1, "100 euro\n");
		lab_close(lab, 1);
	}
	lab->closes[0] = true;
	lab_until_ended(lab, 0);
}

static void old_segment(struct show *show, struct two_step *two)
{
	struct tv_config plain;
	const struct lab_setup setup = {
		.title = two ? "d. Every connection begins with number 0: a late segment fits the next one" :
			"d. The same with numbers that nobody can foresee",
		.name = {NULL, two ? "Two-step" : "Server"}, .port = two ? 8707 : 8708, .two_step = two,
		.config = {&plain, &plain}, .rtt = 20 * TV_MS};
	enum tv_verdict verdict;
	struct lab lab;
	size_t answer;

	/* Timestamps would help too (RFC 7323), and are not what this is about. */
	lab_config(&plain);
	plain.timestamps = false;
	if (!lab_begin(&lab, show, &setup))
		return;
	lab_listen(&lab);
	one_question(&lab, 0);
	lab_note(&lab, 0, "The client connects again, from the same port, and has asked nothing yet.");
	tv_release(lab_stack(&lab, 0), lab_now(&lab), lab.handle[0]);
	lab.closes[0] = false;
	lab_connect(&lab, lab.at[0].port);
	lab_until(&lab, 0, TV_ESTABLISHED);
	answer = lab_find(&lab, 0, 1, "FP.");
	lab_note(&lab, 2, "A late copy of the old answer arrives.");
	lab_replay(&lab, answer, "an old copy");
	lab_wait(&lab, lab.rtt / 2 + TV_US);
	verdict = lab.verdict[0];
	lab_wait(&lab, lab.rtt);
	lab_close(&lab, 0);
	lab_wait(&lab, 2 * lab.rtt);
	if (!two) {
		lab_close(&lab, 1);
		lab_wait(&lab, 2 * lab.rtt);
	}
	if (two)
		lab_claim(&lab, strcmp(lab.got[0], "100 euro\n100 euro\n") == 0,
			"It was read as the answer to a question that was not asked: its number is the one that the new connection "
			"waits for.");
	else
		lab_claim(&lab, strcmp(lab.got[0], "100 euro\n") == 0 && verdict == TV_V_OUT_OF_WINDOW,
			"It is dropped: %s. The initial number climbs with the clock and from a keyed start (RFC 6528), so that old "
			"segments lie outside.", tv_verdict_text(verdict));
	lab_end(&lab);
}

void show_why(struct show *show)
{
	old_duplicate(show, &(struct two_step){.isn = 7000});
	old_duplicate(show, NULL);
	forged(show, &(struct two_step){.isn = 7000});
	forged(show, NULL);
	lost_answer(show, &(struct two_step){.isn = 7000, .greeting = "ready\n"});
	lost_answer(show, NULL);
	old_segment(show, &(struct two_step){.isn = 0, .answer = "100 euro\n"});
	old_segment(show, NULL);
}
