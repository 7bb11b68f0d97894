/*
 * close.c - four ways to end a connection in order: four arrows, three arrows, at once, and one
 * direction long before the other.
 */
#include <string.h>

#include "cli/experiments/lab.h"

/* How many packets with a FIN, and how many in all, from packet `from` of the ladder on. */
static void count_end(const struct lab *lab, size_t from, unsigned *fins, unsigned *packets)
{
	struct ladder_reader reader;
	struct ladder_row row;

	*fins = *packets = 0;
	ladder_read(&reader, lab->ladder);
	for (size_t n = 0; ladder_next(&reader, &row); n++)
		if (n >= from && !row.event->is_note) {
			*packets += 1;
			*fins += row.fin;
		}
}

static void four_arrows(struct show *show)
{
	const struct lab_setup setup = {.title = "1. Four arrows: each direction is closed for itself", .port = 8001};
	unsigned fins, packets;
	struct lab lab;
	size_t from;

	if (!lab_begin(&lab, show, &setup))
		return;
	if (lab_open(&lab, 0)) {
		from = ladder_count(lab.ladder);
		lab_note(&lab, 0, "The client has said all. Its FIN takes a sequence number of its own, as a SYN does.");
		lab_close(&lab, 0);
		lab_until(&lab, 0, TV_FIN_WAIT_2);
		lab_note(&lab, 1, "The server is in CLOSE-WAIT for as long as its program likes; now it closes too.");
		lab_close(&lab, 1);
		lab_until(&lab, 1, TV_LISTEN);
		count_end(&lab, from, &fins, &packets);
		lab_claim(&lab, fins == 2 && packets == 4, "%u packets end it: two FINs, and an acknowledgment for each.",
			packets);
		lab_claim(&lab, lab_state(&lab, 0) == TV_TIME_WAIT,
			"Who closed first, here the client, waits in TIME-WAIT; the server has forgotten all.");
	}
	lab_end(&lab);
}

static void three_arrows(struct show *show)
{
	const struct lab_setup setup = {.title = "2. Three arrows: the answer to FIN carries a FIN", .port = 8002};
	unsigned fins, packets;
	struct lab lab;
	size_t from;

	if (!lab_begin(&lab, show, &setup))
		return;
	if (lab_open(&lab, 0)) {
		from = ladder_count(lab.ladder);
		lab_note(&lab, 0, "The client closes; the server's program closes as soon as it reads the end.");
		lab.closes[1] = true;
		lab_close(&lab, 0);
		lab_until(&lab, 1, TV_LISTEN);
		count_end(&lab, from, &fins, &packets);
		lab_claim(&lab, fins == 2 && packets == 3,
			"%u packets: acknowledgment and FIN of the server fit into one. Nothing in TCP asks for four.", packets);
		lab_claim(&lab, lab_state(&lab, 0) == TV_TIME_WAIT, "TIME-WAIT is where it was.");
	}
	lab_end(&lab);
}

static void simultaneous(struct show *show)
{
	const struct lab_setup setup = {.title = "3. Both close in the same moment: the FINs cross", .port = 8003};
	struct lab lab;
	bool closing[2];

	if (!lab_begin(&lab, show, &setup))
		return;
	if (lab_open(&lab, 0)) {
		lab_wait(&lab, lab.rtt);
		lab_note(&lab, 2, "Both programs close, and neither has heard of the other's FIN.");
		lab_close(&lab, 0);
		lab_close(&lab, 1);
		lab_wait(&lab, lab.rtt / 2 + TV_US);
		closing[0] = lab_state(&lab, 0) == TV_CLOSING;
		closing[1] = lab_state(&lab, 1) == TV_CLOSING;
		lab_until(&lab, 0, TV_TIME_WAIT);
		lab_until(&lab, 1, TV_TIME_WAIT);
		lab_claim(&lab, closing[0] && closing[1],
			"The state CLOSING is for this: a FIN came, and it does not acknowledge ours.");
		lab_claim(&lab, lab_state(&lab, 0) == TV_TIME_WAIT && lab_state(&lab, 1) == TV_TIME_WAIT,
			"Nobody was first, so both wait in TIME-WAIT.");
	}
	lab_end(&lab);
}

static void half_close(struct show *show)
{
	static const char names[] = "pear\napple\nfig\n", sorted[] = "apple\nfig\npear\n";
	const struct lab_setup setup = {.title = "4. Half-close, used for real: sort needs to see the end first",
		.name = {NULL, "sort"}, .port = 8004};
	bool half[2];
	struct lab lab;

	if (!lab_begin(&lab, show, &setup))
		return;
	if (lab_open(&lab, 0)) {
		lab_note(&lab, 0, "The client sends lines, and closes its direction: the FIN says that this was all.");
		lab_say(&lab, 0, names);
		lab_shut(&lab, 0);
		lab_until(&lab, 1, TV_CLOSE_WAIT);
		lab_until(&lab, 0, TV_FIN_WAIT_2);
		half[0] = lab.ended[1] && strcmp(lab.got[1], names) == 0;
		lab_wait(&lab, 100 * TV_MS);
		lab_note(&lab, 1, "Only now can the lines be sorted. The server's direction is still open.");
		lab_say(&lab, 1, sorted);
		lab_close(&lab, 1);
		lab_until(&lab, 1, TV_LISTEN);
		half[1] = strcmp(lab.got[0], sorted) == 0 && lab.ended[0];
		lab_claim(&lab, half[0] && half[1],
			"The answer of %u bytes came after the client's FIN: to close is to say \"I have sent all\", not "
			"\"I am gone\".", (unsigned)strlen(sorted));
	}
	lab_end(&lab);
}

void show_close(struct show *show)
{
	four_arrows(show);
	three_arrows(show);
	simultaneous(show);
	half_close(show);
}
