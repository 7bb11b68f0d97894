/*
 * hold.c - peers that hold on to what they got: connections, queues, windows, TIME-WAIT.
 */
#include "attack.h"

static struct lab *established(void)
{
	struct lab *l = lab_new(NULL, false);

	l->syn.has = TV_OPT_HAS_MSS | TV_OPT_HAS_SACK_OK;
	lab_passive(l);
	return l;
}

/* 1 kB to a peer that never takes more than 4 octets, and says that it has got them one by one. by_timer: of the
 * segments those that left 200 ms or more after the one before: the override timer, a probe, a repeat. */
static void drip(struct lab *l, unsigned *at_once, unsigned *by_timer)
{
	uint32_t acked = 0, got = 0, first;
	tv_time last = 0;

	l->wnd = 4;
	SAY(l, .flags = TV_ACK, .len = 1);
	first = l->ack;
	lab_send(l, 1000, 0);
	*at_once = *by_timer = 0;
	for (unsigned i = 0; acked < 1000 && i < 200000; i++) {
		for (unsigned k = 0; k < l->count; k++) {
			const struct tv_segment *s = &l->heard[k].seg;

			if (s->len == 0)
				continue;
			*(l->heard[k].at - last >= 200 * TV_MS ? by_timer : at_once) += 1;
			last = l->heard[k].at;
			got = s->seq + s->len - first > got ? s->seq + s->len - first : got;
		}
		if (got == acked) {
			lab_wait(l, 10 * TV_MS);
			continue;
		}
		l->ack = first + ++acked;
		SAY(l, .flags = TV_ACK);
	}
	*at_once += acked < 1000 ? 1000000 : 0;
}

static void fl_11(struct attack *a)
{
	struct lab *l = established();
	unsigned at_once, by_timer;

	drip(l, &at_once, &by_timer); /* it once offered 65535: less than a full segment is silly */
	measured(a, at_once <= 1, "after a large window %u segments at once, %u by timers", at_once, by_timer);
	l = lab_new(NULL, false);
	l->wnd = 4;
	lab_passive(l);
	drip(l, &at_once, &by_timer); /* it never offered more than 4: half of that is worth a segment */
	measured(a, at_once <= 1000 / 2, "never with a large one %u at once, %u by timers", at_once, by_timer);
}

static void fl_13(struct attack *a)
{
	struct lab *l = established();
	tv_time start;

	tv_close(l->s, l->now, l->conn);
	tv_release(l->s, l->now, l->conn);
	lab_hear(l);
	l->ack++;
	start = l->now;
	SAY(l, .flags = TV_ACK);
	lab_wait(l, 60 * TV_S - TV_MS);
	must(a, lab_counters(l).connections == 1, "it is there after 59.999 s");
	while (lab_counters(l).connections != 0 && l->now - start < 100 * TV_S)
		lab_wait(l, 1u << 12);
	measured(a, l->now - start >= 60 * TV_S && l->now - start <= 60 * TV_S + 2 * 65536,
		"an orphan in FIN-WAIT-2 gone after %.5f s", (double)(l->now - start) / 1e9);
	l = established();
	tv_shutdown(l->s, l->now, l->conn);
	lab_hear(l);
	l->ack++;
	SAY(l, .flags = TV_ACK);
	for (unsigned hour = 0; hour < 24; hour++)
		lab_wait(l, 3600 * TV_S);
	measured(a, lab_info(l).state == TV_FIN_WAIT_2, "with an owner %s after 24 h",
		tv_state_name(lab_info(l).state));
}

static void fl_14(struct attack *a)
{
	struct lab *l = established();
	struct tv_config g;
	tv_time start;

	SAY(l, .flags = TV_FIN | TV_ACK, .wnd_set = true, .wnd = 0);
	tv_close(l->s, l->now, l->conn);
	tv_release(l->s, l->now, l->conn);
	start = l->now;
	lab_hear(l);
	while (lab_counters(l).connections != 0 && l->now - start < 3600 * TV_S)
		lab_wait(l, TV_S);
	measured(a, l->now - start <= 926 * TV_S, "LAST-ACK gone after %.0f s", (double)(l->now - start) / 1e9);
	lab_free(l);
	lab_config(&g);
	g.orphans = 1; /* one is many */
	l = lab_new(&g, false);
	lab_passive(l);
	SAY(l, .flags = TV_FIN | TV_ACK, .wnd_set = true, .wnd = 0);
	tv_release(l->s, l->now, l->conn);
	start = l->now;
	while (lab_counters(l).connections != 0 && l->now - start < 3600 * TV_S)
		lab_wait(l, TV_S);
	measured(a, l->now - start <= 61 * TV_S, "after %.0f s when there are many", (double)(l->now - start) / 1e9);
}

static void fl_15(struct attack *a)
{
	uint64_t cycles = a->quick ? 20000 : 1000000, random = 1;
	struct tv_config g;
	uint32_t most = 0;
	struct lab *l;

	lab_config(&g);
	g.time_waits = 1000;
	l = lab_new(&g, false);
	lab_listen(l);
	for (uint64_t i = 0; i < cycles; i++) {
		struct tv_counters c = {.size = sizeof c};
		uint8_t p[64];
		struct tv_packet out = {.data = p, .cap = sizeof p};
		static uint8_t room[2048];
		struct tv_event e;

		(void)out;
		l->peer = tv_addr_v4(192, 0, 2, (uint8_t)(2 + i % 200));
		l->peer_port = (uint16_t)(1024 + i / 200);
		l->seq = lab_random(&random) << 1;
		l->now += 20 * TV_US;
		TOSS(l, .flags = TV_SYN);
		out = (struct tv_packet){.data = room, .cap = sizeof room};
		if (tv_output(l->s, l->now, TV_ANY_LINK, &out, 1) != 1)
			break;
		l->ack = tv_load32(room + 24) + 1;
		l->seq++;
		TOSS(l, .flags = TV_ACK);
		if (tv_accept(l->s, l->now, l->listener, &l->conn) != TV_OK)
			break;
		tv_close(l->s, l->now, l->conn);
		tv_release(l->s, l->now, l->conn);
		hear(l, &(struct said){0});
		l->ack++;
		TOSS(l, .flags = TV_FIN | TV_ACK);
		hear(l, &(struct said){0});
		while (tv_event(l->s, &e))
			;
		tv_counters(l->s, &c);
		most = c.time_waits > most ? c.time_waits : most;
		if (i + 1 == cycles)
			measured(a, most <= 1000 && c.connections == 0,
				"%u TIME-WAITs of 1000 after %llu connections", most, (unsigned long long)cycles);
	}
	must(a, a->measured[0] != 0, "every connection was opened and closed");
	measured(a, sizeof(struct tv_wait) <= 64, "%zu bytes each, 24 more for IPv6", sizeof(struct tv_wait));
	l->peer = tv_addr_v4(
		192, 0, 2, 2); /* the oldest are long gone, the youngest may be taken over by a newer SYN */
	l->peer_port = (uint16_t)(1024 + (cycles - 200) / 200);
	l->seq = lab_random(&random) << 1;
	must(a, lab_counters(l).time_wait_evicted >= cycles - 1000, "the oldest were evicted");
}

static void fl_16(struct attack *a)
{
	struct tv_config g;
	struct lab *l;
	uint32_t from;
	tv_handle first;

	lab_config(&g);
	g.connections = 20;
	l = lab_new(&g, false);
	lab_passive(l);
	first = l->conn;
	for (unsigned i = 0; i < 19; i++) {
		l->peer_port++;
		lab_passive(l);
	}
	l->peer_port++;
	SAY(l, .flags = TV_SYN);
	l->ack = lab_last(l)->seq + 1;
	SAY(l, .flags = TV_ACK, .len = 100);
	must(a, l->verdict == TV_V_NO_RECORD && l->count == 0, "one more than there can be is ignored");
	l->peer_port = 40000;
	l->conn = first;
	l->seq = lab_info(l).rcv_nxt;
	l->ack = lab_info(l).snd_nxt;
	from = l->seq;
	SAY(l, .flags = TV_ACK | TV_PSH, .len = 100);
	measured(a, lab_read(l, &from) == 100, "20 of 20 go on; the next one hears nothing");
	measured(a, sizeof(struct tv_tcb) <= 256, "%zu bytes idle", sizeof(struct tv_tcb));
}

static void fl_17(struct attack *a)
{
	struct tv_listen_config listen;
	struct lab *l = lab_new(NULL, false);
	uint32_t waiting = 0, acked = 0;
	tv_handle h;

	tv_listen_default(&listen);
	listen.port_first = listen.port_last = l->port;
	listen.backlog = 5;
	assert_int_equal(tv_listen(l->s, l->now, &listen, &l->listener), TV_OK);
	for (unsigned i = 0; i < 50; i++) {
		l->peer_port++;
		l->seq = 1000;
		SAY(l, .flags = TV_SYN);
		if (l->count == 0)
			continue;
		l->ack = lab_last(l)->seq + 1;
		SAY(l, .flags = TV_ACK | TV_PSH, .len = 100);
		if (l->verdict == TV_V_ACCEPT_FULL)
			for (unsigned k = 0; k < l->count; k++)
				acked += l->heard[k].seg.ack != 1001;
	}
	while (tv_accept(l->s, l->now, l->listener, &h) == TV_OK)
		waiting++;
	measured(a, waiting <= 5, "%u connections of 5 waited", waiting);
	measured(a, acked == 0, "%u bytes acknowledged that nobody may read", acked);
}

static void fl_20(struct attack *a)
{
	uint64_t n = a->quick ? 10000 : 100000, random = 1, taken = 0;
	struct lab *l = lab_new(NULL, false);
	static uint8_t p[100];
	struct said s = {0};
	uint8_t *copy;
	uint32_t len;

	lab_listen(l);
	copy = memory_copy(l);
	len = lab_build(l, &(struct say){.flags = TV_SYN}, p);
	for (uint64_t i = 0; i < n; i++) {
		uint16_t fragment = (uint16_t)(lab_random(&random) & 0x3fff);

		tv_store16(p + 4, (uint16_t)lab_random(&random));
		tv_store16(p + 6, (uint16_t)(fragment | (fragment == 0 ? 0x2000 : 0)));
		mend(p, len);
		taken += give(l, p, len) != TV_V_FRAGMENT;
	}
	hear(l, &s);
	measured(a, taken == 0 && s.packets == 0 && memory_same(l, copy),
		"0 bytes held after %llu fragments: no reassembly", (unsigned long long)n);
}

static void fl_24(struct attack *a)
{
	uint64_t n = a->quick ? 100000 : 1000000;
	struct lab *l = established();
	uint32_t from = l->seq, most = 0;
	struct said s = {0};

	for (uint64_t i = 0; i < n; i++) {
		TOSS(l, .flags = TV_ACK, .len = 1);
		l->seq++;
		l->now += 10 * TV_US;
		if (i % 16 == 0)
			hear(l, &s);
		if (i % 1000 == 999) {
			uint32_t pages = lab_counters(l).pages_used * 16 + lab_counters(l).small_pages_used;

			most = pages > most ? pages : most;
			while (lab_read(l, &from) != 0)
				;
		}
	}
	measured(a, s.acks <= n / 2, "%llu ACKs for %llu octets", (unsigned long long)s.acks, (unsigned long long)n);
	measured(a, most * TV_SMALL_BYTES <= 3 * 4096, "%u bytes of pages for 1000 octets", most * TV_SMALL_BYTES);
}

static void fl_32(struct attack *a)
{
	uint64_t n = a->quick ? 100000 : 1000000;
	struct lab *l = established();
	struct said s = {0};
	tv_time start = l->now;

	for (uint64_t i = 0; i < n; i++) {
		l->now += 10 * TV_S / n;
		TOSS(l, .flags = TV_SYN, .off = (int32_t)(i % 10000));
		if (i % 64 == 0)
			hear(l, &s);
	}
	measured(a, s.packets <= 10 * ((l->now - start) / (5 * TV_S) + 1), "%llu challenge ACKs in %.0f s",
		(unsigned long long)s.packets, (double)(l->now - start) / 1e9);
}

static void fl_33(struct attack *a)
{
	uint32_t n = a->quick ? 100000 : 1000000, pieces = 0, written = 0;
	struct lab *l = established();

	lab_set(l, TV_OPT_NODELAY, 1);
	lab_set(l, TV_OPT_SND_BUF, 1u << 20);
	for (uint32_t i = 0; i < n; i++) {
		uint8_t b = lab_octet(i);
		uint32_t now;

		written += tv_send(l->s, l->now, l->conn, &b, 1, 0) == 1;
		hear(l, &(struct said){0});
		now = lab_counters(l).ranges_used;
		pieces = now > pieces ? now : pieces;
	}
	measured(a, pieces * sizeof(struct tv_range) <= written / 10 + 1024 * sizeof(struct tv_range),
		"%u records for what %u writes of one byte put in flight", pieces, written);
}

static void fl_34(struct attack *a)
{
	uint64_t n = a->quick ? 10000 : 1000000;
	struct lab *l = lab_new(NULL, false);
	struct tv_counters c;
	uint8_t room[100], packet[300];

	lab_listen(l);
	for (uint64_t i = 0; i < n; i++) {
		struct tv_packet out = {.data = room, .cap = sizeof room};
		struct tv_icmp_error e = {
			.src = l->peer, .dst = l->us, .type = 3, .code = 3, .ttl = 64, .quoted = room};
		static uint8_t big[200];

		out = (struct tv_packet){.data = big, .cap = sizeof big};
		l->peer_port = (uint16_t)(1024 + i % 60000);
		TOSS(l, .flags = TV_SYN);
		if (tv_output(l->s, l->now, TV_ANY_LINK, &out, 1) != 1)
			break;
		l->seq++;
		if (i % 2 == 1) {
			e.quoted = big;
			e.quoted_len = 28;
			give(l, packet, tv_icmp_build_error(packet, sizeof packet, &e));
		}
		l->ack = tv_load32(big + 24) + 1;
		TOSS(l, .flags = TV_RST);
	}
	c = lab_counters(l);
	measured(a, c.half_opens == 0 && c.connections == 0, "%u records in use after %llu", c.half_opens,
		(unsigned long long)n);
	lab_hear(l);
}

static void fl_35(struct attack *a)
{
	struct lab *l = lab_new(NULL, false);
	tv_time start;

	lab_listen(l);
	SAY(l, .flags = TV_SYN);
	l->ack = lab_last(l)->seq; /* not what acknowledges it */
	start = l->now;
	while (lab_counters(l).half_opens != 0 && l->now - start < 200 * TV_S) {
		SAY(l, .flags = TV_ACK, .len = 10, .stay = true);
		SAY(l, .flags = TV_PSH, .len = 10, .stay = true);
		SAY(l, .flags = TV_SYN, .off = -1, .stay = true);
		lab_wait(l, TV_S / 2);
	}
	measured(a, l->now - start <= 64 * TV_S, "gone after %.1f s", (double)(l->now - start) / 1e9);
}

const struct attack_case attack_hold[] = {
	{"FL-11", fl_11},
	{"FL-13", fl_13},
	{"FL-14", fl_14},
	{"FL-15", fl_15},
	{"FL-16", fl_16},
	{"FL-17", fl_17},
	{"FL-20", fl_20},
	{"FL-24", fl_24},
	{"FL-32", fl_32},
	{"FL-33", fl_33},
	{"FL-34", fl_34},
	{"FL-35", fl_35},
	{NULL, NULL},
};
