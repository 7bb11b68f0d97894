/*
 * mtu.c - a narrow link on the way: the router says so, or it does not.
 */
#include <string.h>

#include "cli/experiments/lab.h"

enum { NARROW = 1300, ANSWER = 4000 };

static void narrow(struct lab *lab, bool black_hole)
{
	struct network_way way = {.delay = lab->rtt - lab->rtt / 2, .mtu = NARROW, .black_hole = black_hole};

	network_way(lab->net, lab->wire, 1, &way);
}

static void ask(struct lab *lab, const char *note)
{
	lab_note(lab, 2, "On the way from server to client is a link that carries %d bytes.", NARROW);
	lab_say(lab, 0, "GET /\n");
	lab_until_read(lab, 1, 6);
	lab_say(lab, 1, "200 OK\n");
	lab_until_read(lab, 0, 7);
	lab_wait(lab, lab->rtt);
	lab_note(lab, 1, "%s", note);
}

static void it_works(struct show *show)
{
	const struct lab_setup setup = {.title = "1. Path MTU discovery at work", .port = 8501, .seen_from = 1};
	char answer[ANSWER];
	struct tv_info info;
	struct lab lab;

	memset(answer, 'x', sizeof answer);
	if (!lab_begin(&lab, show, &setup))
		return;
	if (lab_open(&lab, 0)) {
		narrow(&lab, false);
		ask(&lab, "Small packets pass. Now the server sends 4000 bytes.");
		lab_send(&lab, 1, answer, sizeof answer);
		lab_until_read(&lab, 0, 7 + sizeof answer);
		info = lab_info(&lab, 1);
		lab_claim(&lab, info.pmtu == NARROW && info.mss_snd <= NARROW - 40,
			"The router drops what is too big and says how much fits; the server believes it, because the message quotes a "
			"segment that is in flight, and goes on with a path MTU of %u: %u bytes of text in a packet.", info.pmtu,
			info.mss_snd);
		lab_claim(&lab, lab.got_len[0] == 7 + sizeof answer, "All %u bytes arrive.", (unsigned)sizeof answer);
	}
	lab_wait(&lab, lab.rtt);
	lab_end(&lab);
}

/* How many packets were too long for the path, and how many were not. */
static void count(const struct lab *lab, unsigned *lost, unsigned *passed)
{
	struct ladder_reader reader;
	struct ladder_row row;

	*lost = *passed = 0;
	ladder_read(&reader, lab->ladder);
	while (ladder_next(&reader, &row))
		if (!row.event->is_note && row.event->from == 1) {
			*lost += row.event->fate == LADDER_LOST;
			*passed += row.event->fate == LADDER_CARRIED;
		}
}

static void black_hole(struct show *show)
{
	const struct lab_setup setup = {.title = "2. The same, and a filter swallows the router's message: a black hole",
		.port = 8502, .seen_from = 1};
	char answer[ANSWER];
	unsigned lost, passed;
	struct lab lab;

	memset(answer, 'x', sizeof answer);
	if (!lab_begin(&lab, show, &setup))
		return;
	if (lab_open(&lab, 0)) {
		narrow(&lab, true);
		ask(&lab, "Now 4000 bytes, as before.");
		lab_send(&lab, 1, answer, sizeof answer);
		lab_wait(&lab, 8 * TV_S);
		count(&lab, &lost, &passed);
		lab_claim(&lab, lab.got_len[0] == 7 && lost > 3 && passed >= 2,
			"The handshake works, small packets work, and %u packets that were too big have vanished without a word: the "
			"connection hangs, and nothing but the size tells why.", lost);
		lab_tell(&lab, "trivet explain calls it mtu-blackhole. The cure is to let ICMP \"fragmentation needed\" through, or "
			"to clamp the MSS at the narrow link.");
	}
	lab_end(&lab);
}

void show_mtu(struct show *show)
{
	it_works(show);
	black_hole(show);
}
