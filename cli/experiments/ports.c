/*
 * ports.c - a client that opens and closes faster than TIME-WAIT ends runs out of ports.
 *
 * The client has few ports (--ports), and makes two connections more than that to one server. Only the
 * last of them is drawn packet by packet.
 */
#include "cli/experiments/lab.h"

enum { MORE = 2, FIRST_PORT = 40000 };

#define PAUSE TV_S              /* between two visits */
#define SOON_ENOUGH (30 * TV_S) /* half a TIME-WAIT: explain tells no later of ports that are used up */

/*
 * A client that takes its ports from the lowest up looks like one that counts, and whether it ran out nobody
 * can see in a capture. Then an attempt is given up before anything was sent, and the next takes the port after.
 */
static int connect_not_from_the_lowest(struct lab *lab)
{
	int error = lab_connect(lab, 0);

	if (error < 0 || lab->at[0].port != FIRST_PORT)
		return error;
	lab_abort(lab, 0);
	tv_release(lab_stack(lab, 0), lab_now(lab), lab->handle[0]);
	return lab_connect(lab, 0);
}

/* Opens, closes, waits until the server has forgotten. False: there was no port. */
static bool one_visit(struct lab *lab, unsigned number)
{
	char time[24];

	int error;

	if (number == 1)
		lab_listen(lab);
	error = number == 1 ? connect_not_from_the_lowest(lab) : lab_connect(lab, 0);
	if (error < 0) {
		lab_note(lab, 0, "Connection %u: no port. %u of them are in TIME-WAIT, and the first is free in %s.", number,
			lab->full.time_waits, duration_text(lab->full.first_free - lab_now(lab), time));
		return false;
	}
	lab_until(lab, 0, TV_ESTABLISHED);
	lab_until(lab, 1, TV_ESTABLISHED);
	lab_wait(lab, 0);
	lab->closes[1] = true;
	lab_close(lab, 0);
	lab_until(lab, 1, TV_LISTEN);
	tv_release(lab_stack(lab, 0), lab_now(lab), lab->handle[0]);
	tv_release(lab_stack(lab, 1), lab_now(lab), lab->handle[1]);
	if (lab->blind)
		lab_note(lab, 0, "Connection %u, from port %u: opened and closed.", number, lab->at[0].port);
	return true;
}

static void play(struct show *show, bool reuse)
{
	struct tv_config few;
	const struct lab_setup setup = {
		.title = reuse ? "2. The same client, allowed to use a port in TIME-WAIT again (RFC 6191)" :
			"1. More connections than ports, each closed by the client",
		.port = reuse ? 8402 : 8401, .config = {&few}};
	unsigned ports = (unsigned)show->demo->ports, made = 0, refused = 0;
	unsigned most = (unsigned)(SOON_ENOUGH / (PAUSE + 3 * show->demo->rtt)) + 1;
	struct tv_counters n = {.size = sizeof n};
	struct lab lab;

	if (ports > most && !show->demo->all)
		usage_error("demo", "--ports %u: with this --rtt the last is used too late to be seen run out: at most %u", ports,
			most);
	ports = ports > most ? most : ports;
	lab_config(&few);
	few.port_first = FIRST_PORT;
	few.port_last = (uint16_t)(FIRST_PORT + ports - 1);
	few.time_wait_reuse = reuse ? TV_REUSE_ALL : TV_REUSE_OFF;
	if (!lab_begin(&lab, show, &setup))
		return;
	lab.blind = true;
	for (unsigned i = 1; i <= ports + MORE && !lab.trouble; i++) {
		/* A moment later: RFC 6191 wants a timestamp that is newer. */
		lab_wait(&lab, PAUSE);
		lab.blind = !reuse || i < ports + MORE;
		if (one_visit(&lab, i))
			made++;
		else
			refused++;
	}
	tv_counters(lab_stack(&lab, 0), &n);
	if (!reuse) {
		lab_claim(&lab, made == ports && refused == MORE && n.time_waits == ports,
			"%u connections use up %u ports for 60 s, for each waits in TIME-WAIT at the end that closed first. With the "
			"28,232 ports of Linux that is 470 connections a second to one address and port.", made, ports);
	} else {
		lab_claim(&lab, made == ports + MORE && refused == 0,
			"All %u connections are made: a SYN with a newer timestamp cannot be mistaken for an old one, so the client "
			"may end its own TIME-WAIT early. Better: let the server close first, or keep the connection.", made);
	}
	lab_end(&lab);
}

void show_ports(struct show *show)
{
	play(show, false);
	play(show, true);
}
