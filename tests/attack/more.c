/*
 * more.c - cases that need many connections, many timers or many runs.
 */
#include "attack.h"

static struct lab *established(bool scale)
{
	struct lab *l = lab_new(NULL, false);

	l->syn.has = TV_OPT_HAS_MSS | TV_OPT_HAS_SACK_OK | (scale ? TV_OPT_HAS_WSCALE : 0);
	lab_passive(l);
	return l;
}

static void pa_10(struct attack *a)
{
	struct lab *used = lab_new(NULL, false), *fresh = lab_new(NULL, false);
	struct tv_tcb x, y;

	lab_passive(used);
	SAY(used, .flags = TV_ACK | TV_URG, .urg = 1000, .len = 10);
	SAY(used, .flags = TV_RST);
	must(a, lab_info(used).state == TV_CLOSED, "the RST ended it");
	tv_release(used->s, used->now, used->conn);
	lab_listen(fresh);
	used->now += TV_S;
	fresh->now = used->now;
	fresh->seq = used->seq = 5000;
	lab_passive(used);
	lab_passive(fresh);
	x = *tv_conn_at(&used->s->core, (uint32_t)used->conn);
	y = *tv_conn_at(&fresh->s->core, (uint32_t)fresh->conn);
	x.gen = y.gen = 0;
	memset(&x.timer.node, 0, sizeof x.timer.node);
	memset(&y.timer.node, 0, sizeof y.timer.node);
	measured(a, memcmp(&x, &y, sizeof x) == 0, "%zu bytes equal, but for generation and wheel node", sizeof x);
	SAY(used, .flags = TV_ACK | TV_URG, .urg = 0, .len = 1);
	must(a, lab_info(used).urgent_left == 0, "no urgent octet");
}

static void pa_23(struct attack *a)
{
	struct lab *l = established(false);
	uint8_t quoted[64] = {0}, packet[200];
	struct tv_icmp_error e = {.src = tv_addr_v4(192, 0, 2, 254), .dst = l->us, .type = 3, .code = 3, .ttl = 64};
	struct tv_tcp_header h = {.sport = l->port, .dport = l->peer_port, .seq = l->ack, .header_len = 20};
	unsigned changed = 0, n = 0;
	uint8_t *copy;

	lab_send(l, 1000, 0);
	copy = memory_copy(l);
	e.quoted = quoted;
	for (unsigned kind = 0; kind < 3; kind++)
		for (uint32_t len = 0; len <= 40; len++) {
			tv_ip_build(quoted, &l->us, &l->peer, TV_PROTO_TCP, 20, 64, 0);
			tv_tcp_header_build(quoted + 20, &h);
			quoted[0] = kind == 1 ? 0x4f : 0x45; /* a header of 60 bytes, of which 40 are there */
			quoted[9] = kind == 2 ? 17 : 6;
			if (kind == 0 && len >= 28)
				continue; /* a good one */
			e.quoted_len = len;
			give(l, packet, tv_icmp_build_error(packet, sizeof packet, &e));
			n++;
			changed += !memory_same(l, copy);
		}
	measured(a, changed == 0, "%u of %u changed the state", changed, n);
}

static void pa_29(struct attack *a)
{
	struct lab *l = established(true);
	uint32_t from = l->seq, got;
	static uint8_t p[66000];
	uint32_t n = lab_build(l, &(struct say){.flags = TV_ACK | TV_PSH, .len = 65535 - 40}, p);

	give(l, p, n);
	got = lab_read(l, &from);
	for (uint32_t more; (more = lab_read(l, &from)) != 0;)
		got += more;
	measured(a, n == 65535 && got == 65495, "%u bytes of 65495 from a packet of %u", got, n);
}

/* Tuples in rows: they would meet in one place under sums, exclusive ors or plain multiplications. */
static void fl_25(struct attack *a)
{
	uint32_t n = a->quick ? 100000 : 1000000, longest = 0;
	struct tv_listen_config listen;
	struct tv_config g;
	struct lab *l;
	uint64_t most = 0, moves = 0;

	lab_config(&g);
	g.half_opens = n;
	g.syn_cookies = TV_COOKIES_NEVER;
	l = lab_new(&g, false);
	tv_listen_default(&listen);
	listen.port_first = listen.port_last = l->port;
	listen.backlog = n;
	assert_int_equal(tv_listen(l->s, l->now, &listen, &l->listener), TV_OK);
	for (uint32_t i = 0; i < n; i++) {
		uint32_t host = i >> 10;
		uint64_t before = l->s->index.moves;

		/* Address up, port down: their sum, and with low bits alike much else, stays the same. */
		l->peer = tv_addr_v4(10, (uint8_t)(host >> 8), (uint8_t)host, (uint8_t)(1 + (i & 127)));
		l->peer_port = (uint16_t)(60000 - (i & 1023) - (host & 63) * 512);
		TOSS(l, .flags = TV_SYN, .stay = true);
		moves = l->s->index.moves - before;
		most = moves > most ? moves : most;
		if (i % 16 == 0)
			hear(l, &(struct said){0});
	}
	for (uint32_t i = tv_pool_next(&l->s->core.halves, l->region, 0); i != TV_NONE;
		i = tv_pool_next(&l->s->core.halves, l->region, i + 1)) {
		const struct tv_half *h = tv_half_at(&l->s->core, i);
		struct tv_probe p;
		struct tv_key k;
		uint32_t steps = 0, ref;

		tv_key_load(&k, h->key, h->key, false, 0);
		tv_probe_start(&p, &l->s->index, l->region, l->s->index.live, tv_key_hash(&k, &l->s->seed));
		while ((ref = tv_probe_next(&p)) != 0 && ref != ((uint32_t)TV_KIND_HALF << TV_REF_SLOT_BITS | i))
			steps++;
		longest = steps > longest ? steps : longest;
	}
	measured(a, longest <= 64, "longest probe %u among %u records", longest, l->s->core.halves.used);
	measured(a, most <= 64, "at most %llu slots moved by one SYN", (unsigned long long)most);
}

static void fl_26(struct attack *a)
{
	uint32_t n = a->quick ? 100000 : 1000000;
	struct tv_listen_config listen;
	struct tv_config g;
	uint64_t most = 0, runs = 0;
	struct lab *l;

	lab_config(&g);
	g.half_opens = n;
	g.syn_cookies = TV_COOKIES_NEVER;
	l = lab_new(&g, false);
	tv_listen_default(&listen);
	listen.port_first = listen.port_last = l->port;
	listen.backlog = n;
	assert_int_equal(tv_listen(l->s, l->now, &listen, &l->listener), TV_OK);
	for (uint32_t i = 0; i < n; i++) { /* all in one moment */
		l->peer = tv_addr_v4(10, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)(i | 1));
		l->peer_port = (uint16_t)(1024 + (i & 1));
		TOSS(l, .flags = TV_SYN, .stay = true);
	}
	n = l->s->core.halves.used;
	hear(l, &(struct said){0});
	l->now += TV_S + TV_MS; /* every SYN-ACK is due again */
	for (uint64_t done = 0; done < n && runs < 10 * n; runs++) {
		static uint8_t room[2048];
		struct tv_packet p = {.data = room, .cap = sizeof room};
		uint64_t before = lab_counters(l).timers_run, now;

		tv_output(l->s, l->now, TV_ANY_LINK, &p, 1);
		now = lab_counters(l).timers_run - before;
		done += now;
		most = now > most ? now : most;
	}
	measured(a, most <= 1024, "at most %llu timers a call, of %u that were due at once", (unsigned long long)most,
		n);
}

static void fl_27(struct attack *a)
{
	uint32_t opened = 0, twice = 0, calls = 0;
	static uint8_t used[65536];
	struct tv_connect_config c;
	struct tv_config g;
	struct lab *l;
	tv_handle h;
	int error;

	lab_config(&g);
	g.connections = 30000;
	l = lab_new(&g, false);
	tv_connect_default(&c);
	c.remote.addr = l->peer;
	c.remote.port = 80;
	for (;;) {
		struct tv_info info = {.size = sizeof info};

		error = tv_connect(l->s, l->now, &c, &h, NULL);
		calls++;
		if (error == TV_AGAIN)
			continue;
		if (error != TV_OK)
			break;
		tv_info(l->s, h, &info);
		twice += used[info.local.port];
		used[info.local.port] = 1;
		opened++;
		if (opened % 16 == 0)
			hear(l, &(struct said){0});
	}
	measured(a, error == TV_EPORTS && opened == 28232, "%u connections, then: %s", opened, tv_error_text(error));
	measured(a, twice == 0, "%u with a tuple that was in use, in %u calls", twice, calls);
}

/* Takes what there is to say; was a SYN-ACK for the peer among it? Its number is then the peer's. */
static bool answered(struct lab *l)
{
	static uint8_t room[2048];
	struct tv_packet p = {.data = room, .cap = sizeof room};
	bool yes = false;

	while (tv_output(l->s, l->now, TV_ANY_LINK, &p, 1) == 1) {
		if ((room[33] & (TV_SYN | TV_ACK)) == (TV_SYN | TV_ACK) && tv_load16(room + 22) == l->peer_port) {
			l->ack = tv_load32(room + 24) + 1;
			yes = true;
		}
		p = (struct tv_packet){.data = room, .cap = sizeof room};
	}
	return yes;
}

/* Handles of what was released are refused, whatever happens in between. */
static void fl_36(struct attack *a)
{
	uint64_t random = 1, n = a->quick ? 20000 : 10000000, stale = 0, wrong = 0;
	struct lab *l = lab_new(NULL, false);
	tv_handle old[64] = {0};

	lab_listen(l);
	for (uint64_t i = 0; i < n; i++) {
		uint32_t what = lab_random(&random);
		struct tv_event e;
		uint8_t b[4];

		l->peer_port = (uint16_t)(1024 + what % 16);
		l->now += TV_MS;
		if (what / 16 % 3 == 0) {
			l->seq = lab_random(&random) << 1;
			TOSS(l, .flags = TV_SYN);
			l->seq++;
			if (answered(l))
				TOSS(l, .flags = TV_ACK, .len = what / 64 % 5);
		} else if (what / 16 % 3 == 1) {
			TOSS(l, .flags = what & 64 ? TV_RST : TV_FIN | TV_ACK);
		}
		must(a, i % 1000 != 0 || tv_stack_check(l->s) == 0, "every invariant of the stack");
		if (tv_accept(l->s, l->now, l->listener, &l->conn) == TV_OK) {
			if ((what & 128) != 0)
				tv_abort(l->s, l->now, l->conn);
			if ((what & 256) != 0)
				tv_send(l->s, l->now, l->conn, "abc", 3, 0);
			tv_release(l->s, l->now, l->conn);
			old[i % 64] = l->conn;
		}
		while (tv_event(l->s, &e))
			;
		if (old[what % 64] == 0)
			continue;
		stale++;
		wrong += tv_recv(l->s, l->now, old[what % 64], b, 4, 0) != TV_ESTALE;
		wrong += tv_abort(l->s, l->now, old[what % 64]) != TV_ESTALE;
		wrong += tv_close(l->s, l->now, old[what % 64]) != TV_ESTALE;
	}
	measured(a, wrong == 0 && stale > 100, "%llu uses of stale handles, %llu not refused",
		(unsigned long long)stale, (unsigned long long)wrong);
}

/* The numbers that incarnations had begun with, and when: those of the last MSL are remembered. */
struct past {
	tv_time at;
	uint32_t seq, ack;
};

/* The tuple is used again and again; segments of incarnations before come late, by an MSL (30 s) at most. */
static void bl_13(struct attack *a)
{
	unsigned cycles = a->quick ? 500 : 100000, foreign = 0, delivered = 0, late = 0;
	struct lab *l = lab_new(NULL, false);
	static struct past past[100];
	uint64_t random = 1;

	lab_listen(l);
	for (unsigned i = 0; i < cycles; i++) {
		uint32_t from, ack;

		lab_passive(l);
		from = l->seq;
		ack = l->ack;
		for (unsigned k = 0; k < 4 && i != 0; k++) { /* old text, with the ACKs of its time */
			const struct past *old = &past[lab_random(&random) % (i < COUNT(past) ? i : COUNT(past))];
			uint8_t bad[100];

			if (l->now - old->at > 30 * TV_S)
				continue;
			late++;
			memset(bad, 0xee, sizeof bad);
			TOSS(l, .flags = TV_ACK, .off = (int32_t)(old->seq - l->seq + 100 * k),
				.ack_off = (int32_t)(old->ack - l->ack), .text = bad, .len = 100);
			hear(l, &(struct said){0});
			l->now += lab_random(&random) % 1000 * TV_MS / 100;
		}
		SAY(l, .flags = TV_ACK | TV_PSH, .len = 400);
		{
			uint8_t b[1000];
			int64_t n = tv_recv(l->s, l->now, l->conn, b, sizeof b, 0);

			delivered += n == 400;
			for (int64_t k = 0; k < n; k++)
				foreign += b[k] != lab_octet(from + (uint32_t)k);
		}
		SAY(l, .flags = TV_FIN | TV_ACK);
		tv_close(l->s, l->now, l->conn);
		lab_hear(l);
		l->ack = ack + 1;
		SAY(l, .flags = TV_ACK);
		tv_release(l->s, l->now, l->conn);
		lab_hear(l);
		past[i % COUNT(past)] = (struct past){.at = l->now, .seq = from, .ack = ack};
		l->seq += 70000; /* as its clock of 4 us has gone on by 280 ms */
		l->now += 280 * TV_MS;
	}
	measured(a, foreign == 0 && delivered == cycles && late > 2 * cycles,
		"%u old bytes delivered in %u incarnations, to which %u old segments came", foreign, cycles, late);
}

static void bl_23(struct attack *a)
{
	unsigned n = a->quick ? 4000 : 20000;
	static uint32_t times[65536];
	struct tv_connect_config c;
	struct lab *l = lab_new(NULL, false);
	uint64_t pairs = 0;

	tv_connect_default(&c);
	c.remote.addr = l->peer;
	for (unsigned i = 0; i < n; i++) {
		struct tv_info info = {.size = sizeof info};
		tv_handle h;
		int error;

		c.remote.port = (uint16_t)(1 + i); /* other destinations: nothing is in use there */
		do
			error = tv_connect(l->s, l->now, &c, &h, NULL);
		while (error == TV_AGAIN);
		assert_int_equal(error, TV_OK);
		tv_info(l->s, h, &info);
		pairs += times[info.local.port]++;
		tv_abort(l->s, l->now, h);
		tv_release(l->s, l->now, h);
		l->now += TV_MS;
		hear(l, &(struct said){0});
	}
	/* Two connections agree with odds of 1 in so many. */
	measured(a, (double)n * (n - 1) / 2 / (double)(pairs + 1) >= 16384, "two ports agree with odds of 1 in %.0f",
		(double)n * (n - 1) / 2 / (double)(pairs + 1));
}

/* What one conversation says, with numbers counted from both ISNs. */
static uint32_t trace_of(uint32_t iss, uint32_t irs, uint32_t *trace, uint32_t room)
{
	struct lab *l = lab_new(NULL, false);
	uint32_t n = 0, got;
	struct lab *ask = lab_new(NULL, false);

	lab_listen(ask);
	ask->seq = irs;
	SAY(ask, .flags = TV_SYN);
	l->now += (uint64_t)(iss - lab_last(ask)->seq) * 4000; /* ISN: a clock of 4 us and a function of the tuple */
	l->seq = irs;
	lab_passive(l);
	got = l->seq;
	assert_int_equal(l->ack - 1, iss);
	for (unsigned step = 0; step < 40; step++) {
		switch (step % 5) {
		case 0: lab_send(l, 3000, 0); break;
		case 1: SAY(l, .flags = TV_ACK, .off = 500, .len = 300); break;
		case 2: SAY(l, .flags = TV_ACK, .len = 800); break;
		case 3: lab_wait(l, 300 * TV_MS); break;
		default:
			l->ack = lab_info(l).snd_nxt;
			SAY(l, .flags = TV_ACK);
			lab_read(l, &got);
		}
		for (unsigned i = 0; i < l->count && n + 4 <= room; i++) {
			trace[n++] = l->heard[i].seg.seq - iss;
			trace[n++] = l->heard[i].seg.ack - irs;
			trace[n++] = l->heard[i].seg.len;
			trace[n++] = (uint32_t)l->heard[i].seg.flags << 16 | l->heard[i].seg.wnd;
		}
	}
	lab_free(l);
	lab_free(ask);
	return n;
}

static void di_04(struct attack *a)
{
	static const uint32_t edges[] = {
		0, 1, 0x7fffffff, 0x80000000, 0x80000001, 0xfffffffe, 0xffffffff, 0xffff0000};
	static uint32_t first[4000], other[4000];
	uint32_t n = trace_of(1000, 1000, first, COUNT(first)), equal = 0, all = 0;

	for (unsigned i = 0; i < COUNT(edges); i++)
		for (unsigned k = 0; k < COUNT(edges); k++, all++) {
			uint32_t m = trace_of(edges[i], edges[k], other, COUNT(other));

			equal += m == n && memcmp(first, other, n * sizeof first[0]) == 0;
		}
	measured(a, equal == all && n > 100, "%u of %u traces of %u packets equal", equal, all, n / 4);
}

const struct attack_case attack_more[] = {
	{"PA-10", pa_10},
	{"PA-23", pa_23},
	{"PA-29", pa_29},
	{"FL-25", fl_25},
	{"FL-26", fl_26},
	{"FL-27", fl_27},
	{"FL-36", fl_36},
	{"BL-13", bl_13},
	{"BL-23", bl_23},
	{"DI-04", di_04},
	{NULL, NULL},
};
