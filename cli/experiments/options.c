/*
 * options.c - a box on the way takes the window scale out of the SYN,ACK: the ends now disagree about
 * what every later window means, and neither can notice.
 */
#include <string.h>

#include "cli/experiments/lab.h"
#include "sim/octets.h"

enum { TEXT = 40000, BUFFER = 40000 };

/* Replaces the option by NOPs in what comes from the server. */
static void strip(void *user, unsigned side, uint8_t *ip, uint32_t len)
{
	uint32_t end, at = 40;

	(void)user;
	if (side != 1 || len < 40 || ip[0] != 0x45 || ip[9] != 6 || !(ip[33] & 2))
		return;
	end = 20 + (ip[32] >> 4) * 4u;
	while (at + 1 < end && end <= len && ip[at] != 0) {
		uint32_t size = ip[at] == 1 ? 1 : ip[at + 1];

		if (ip[at] == 3 && size == 3 && at + 3 <= end)
			memset(ip + at, 1, 3);
		at += size ? size : 1;
	}
	octets_tcp_checksum(ip, len);
}

/* Sends the text and returns how long it took. */
static tv_time transfer(struct lab *lab)
{
	char text[TEXT];
	tv_time start;

	memset(text, 'x', sizeof text);
	/* As programs do that want to bound what lies unread. */
	lab_set(lab, 1, TV_OPT_RCV_BUF, BUFFER);
	lab_wait(lab, lab->rtt);
	lab_say(lab, 0, "PUT\n");
	lab_until_read(lab, 1, 4);
	lab_wait(lab, lab->rtt + 100 * TV_MS);
	start = lab_now(lab);
	lab->blind = true;
	lab_send(lab, 0, text, sizeof text);
	lab_until_read(lab, 1, 4 + sizeof text);
	return lab_now(lab) - start;
}

static void play(struct show *show, bool stripped, tv_time *took)
{
	const struct lab_setup setup = {
		.title = stripped ? "2. A middlebox takes the window scale out of the SYN,ACK" : "1. Nobody interferes",
		.port = stripped ? 8602 : 8601};
	struct tv_info client, server;
	char time[24], before[24];
	struct lab lab;
	tv_time now;

	if (!lab_begin(&lab, show, &setup))
		return;
	if (stripped)
		network_box(lab.net, lab.wire, strip, NULL);
	if (lab_open(&lab, 0)) {
		now = transfer(&lab);
		client = lab_info(&lab, 0);
		server = lab_info(&lab, 1);
		lab_note(&lab, 0, "Not drawn: the client sends 40,000 bytes, which takes %s.", duration_text(now, time));
		if (!stripped)
			lab_claim(&lab,
				client.window_scale && server.window_scale && client.snd_scale == server.rcv_scale,
				"Both know that the server counts its window in units of %u bytes: 40,000 bytes in %s.",
				1u << client.snd_scale, duration_text(now, time));
		else
			lab_claim(&lab,
				!client.window_scale && client.snd_scale == 0 && server.rcv_scale && server.snd_scale &&
					server.snd_wnd == client.rcv_wnd << server.snd_scale,
				"The client believes that there is no scaling, the server that there is: where the server means %u bytes, "
				"the client reads %u; where the client means %u, the server reads %u.", client.snd_wnd << server.rcv_scale,
				client.snd_wnd, client.rcv_wnd, server.snd_wnd);
		if (stripped)
			lab_claim(&lab, now > *took * 3,
				"The same 40,000 bytes take %s instead of %s. Nothing is lost, nothing is reset: it is only slow.",
				duration_text(now, time), duration_text(*took, before));
		*took = now;
	}
	lab_end(&lab);
}

void show_options(struct show *show)
{
	tv_time took = 0;

	play(show, false, &took);
	play(show, true, &took);
}
