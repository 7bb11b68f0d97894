/*
 * stall.c - peers that do nothing any more: sockstress and netkill, held to what a stack gives them.
 */
#include "attack.h"

#define LINUX_SYN (TV_OPT_HAS_MSS | TV_OPT_HAS_SACK_OK | TV_OPT_HAS_WSCALE)
#define SEND_PAGES 1024u

static struct lab *victim(uint32_t connections, uint32_t orphans)
{
	struct tv_listen_config listen;
	struct tv_config g;
	struct lab *l;

	lab_config(&g);
	g.connections = connections;
	g.orphans = orphans;
	g.half_opens = 1024;
	g.pages = 2 * SEND_PAGES;
	g.small_pages = 64;
	g.send_pages = SEND_PAGES;
	g.ranges = 65536;
	l = lab_new(&g, false);
	l->syn.has = LINUX_SYN;
	l->syn.wscale = 7;
	tv_listen_default(&listen);
	listen.port_first = listen.port_last = l->port;
	assert_int_equal(tv_listen(l->s, l->now, &listen, &l->listener), TV_OK);
	return l;
}

/* A peer opens a connection that the server accepts. */
static bool open_as(struct lab *l, struct tv_addr peer, uint16_t port)
{
	static uint8_t room[2048];
	struct tv_packet p = {.data = room, .cap = sizeof room};
	bool answered = false;

	l->peer = peer;
	l->peer_port = port;
	l->seq = 1000;
	l->wnd = 1000;
	TOSS(l, .flags = TV_SYN);
	while (tv_output(l->s, l->now, TV_ANY_LINK, &p, 1) == 1) {
		if ((room[33] & (TV_SYN | TV_ACK)) == (TV_SYN | TV_ACK) && tv_load16(room + 22) == port) {
			l->ack = tv_load32(room + 24) + 1;
			answered = true;
		}
		p = (struct tv_packet){.data = room, .cap = sizeof room};
	}
	l->seq = 1001;
	return answered && TOSS(l, .flags = TV_ACK) == TV_V_OK &&
	       tv_accept(l->s, l->now, l->listener, &l->conn) == TV_OK;
}

static struct tv_addr attacker(uint32_t i)
{
	return tv_addr_v4(10, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)(i | 1));
}

/* Gives up the handles of what has ended; says what the stack has to say, and answers probes with the window closed. */
static void turn(struct lab *l)
{
	static uint8_t room[2048];
	struct tv_packet p = {.data = room, .cap = sizeof room};
	struct lab as = *l;
	struct tv_event e;

	while (tv_output(l->s, l->now, TV_ANY_LINK, &p, 1) == 1) {
		uint8_t flags = room[33];

		if (room[16] == 10 && (flags & (TV_SYN | TV_RST)) == 0) { /* to an attacker */
			as.peer = tv_addr_v4(room[16], room[17], room[18], room[19]);
			as.peer_port = tv_load16(room + 22);
			as.seq = tv_load32(room + 28);
			as.ack = tv_load32(room + 24) + (p.len > 40 ? 0 : 1); /* a probe stands one octet back */
			as.wnd = 0;
			TOSS(&as, .flags = TV_ACK);
		}
		p = (struct tv_packet){.data = room, .cap = sizeof room};
	}
	while (tv_event(l->s, &e))
		if ((e.flags & TV_EV_CLOSED) != 0)
			tv_release(l->s, l->now, e.handle);
}

/* How long until an honest peer has a connection, and the server's answer to it is taken by the stack? */
static tv_time honest(struct lab *l, uint16_t port, uint32_t answer)
{
	static const uint8_t text[16384];
	tv_time start = l->now;
	bool open = false;
	uint32_t done = 0;

	while (done < answer && l->now - start < 60 * TV_S) {
		int64_t took;

		if (!open)
			open = open_as(l, tv_addr_v4(198, 51, 100, 7), port);
		took = open ? tv_send(l->s, l->now, l->conn, text, answer - done, 0) : 0;
		done += took > 0 ? (uint32_t)took : 0;
		if (done == answer)
			break;
		l->now += 50 * TV_MS;
		turn(l);
	}
	if (open) {
		tv_abort(l->s, l->now, l->conn);
		tv_release(l->s, l->now, l->conn);
	}
	return l->now - start;
}

/* Requests, a window of zero, every probe answered: as many as there are records, and more. */
static void fl_10(struct attack *a)
{
	static const uint8_t text[65536];
	uint32_t n = a->quick ? 2000 : 10000, served = 0, calls = 0, most = 0;
	struct lab *l = victim(n, 0);
	tv_time longest = 0, start;

	for (uint32_t i = 0; i < n + n / 4; i++) {
		uint32_t pages;

		l->now += 2 * TV_MS;
		if (open_as(l, attacker(i), (uint16_t)(1024 + i % 60000))) {
			TOSS(l, .flags = TV_ACK, .wnd_set = true, .wnd = 0);
			tv_send(l->s, l->now, l->conn, text, sizeof text, 0);
			pages = lab_counters(l).pages_used;
			most = pages > most ? pages : most;
		}
		turn(l);
		if (i % (n / 50) == n / 50 - 1) {
			tv_time took = honest(l, (uint16_t)(2000 + i), 16384);

			calls++;
			served += took < 60 * TV_S;
			longest = took > longest ? took : longest;
		}
	}
	start = l->now;
	measured(a, most <= SEND_PAGES, "%u pages of %u", most, SEND_PAGES);
	measured(a, served == calls && longest <= TV_S, "%u of %u honest peers served, within %.2f s", served, calls,
		(double)longest / 1e9);
	measured(a, lab_counters(l).evicted != 0 && lab_counters(l).evicted == lab_counters(l).reasons[TV_R_EVICTED],
		"%llu given up", (unsigned long long)lab_counters(l).evicted);
	while (lab_counters(l).pages_used != 0 && l->now - start < 3600 * TV_S) { /* they fall silent */
		l->now += TV_S;
		hear(l, &(struct said){0});
		for (struct tv_event e; tv_event(l->s, &e);)
			if ((e.flags & TV_EV_CLOSED) != 0)
				tv_release(l->s, l->now, e.handle);
	}
	measured(a, l->now - start <= 926 * TV_S, "no page held %.0f s after they fall silent",
		(double)(l->now - start) / 1e9);
}

/* Requests, then silence; the server has written its answer, closed and let go. */
static void fl_12(struct attack *a)
{
	static const uint8_t text[16384];
	uint32_t n = a->quick ? 2000 : 10000, max = n / 8, most = 0;
	struct lab *l = victim(n, max);
	tv_time start;

	for (uint32_t i = 0; i < n; i++) {
		uint32_t orphans;

		l->now += TV_MS;
		if (!open_as(l, attacker(i), (uint16_t)(1024 + i % 60000)))
			continue;
		tv_send(l->s, l->now, l->conn, text, sizeof text, 0);
		tv_release(l->s, l->now, l->conn);
		hear(l, &(struct said){0});
		orphans = lab_counters(l).orphans;
		most = orphans > most ? orphans : most;
	}
	start = l->now;
	measured(a, most == max, "%u orphans of %u", most, max);
	while (4 * lab_counters(l).orphans >= 3 * max && l->now - start < 1000 * TV_S) {
		l->now += TV_S / 4;
		hear(l, &(struct said){0});
	}
	measured(a, l->now - start <= 61 * TV_S, "no longer many %.0f s later", (double)(l->now - start) / 1e9);
	while (lab_counters(l).connections != 0 && l->now - start < 1000 * TV_S) {
		l->now += TV_S / 4;
		hear(l, &(struct said){0});
	}
	must(a, lab_counters(l).small_pages_used == 0, "no small page held");
	measured(a, lab_counters(l).pages_used == 0 && l->now - start <= 61 * TV_S,
		"all gone, and 0 pages held, after %.0f s", (double)(l->now - start) / 1e9);
}

const struct attack_case attack_stall[] = {
	{"FL-10", fl_10},
	{"FL-12", fl_12},
	{NULL, NULL},
};
