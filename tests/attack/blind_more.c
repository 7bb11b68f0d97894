/*
 * blind_more.c - more of the same: timestamps, TIME-WAIT, odd handshakes, addresses that nobody has.
 */
#include "attack.h"

static struct lab *established(bool ts)
{
	struct lab *l = lab_new(NULL, false);

	l->syn.has = TV_OPT_HAS_MSS | (ts ? TV_OPT_HAS_TS : 0);
	lab_passive(l);
	return l;
}

static void bl_10(struct attack *a)
{
	uint64_t random = 1, n = a->quick ? 100000 : 1000000;
	struct lab *l = established(true);
	uint32_t from, max = lab_info(l).snd_max_wnd;

	for (uint64_t i = 0; i < n; i++) {
		struct tv_tcp_options o = {.has = TV_OPT_HAS_TS, .ts_val = l->tsval + 0x7fffff00};
		uint32_t ack = lab_random(&random) ^ lab_random(&random) << 16;

		/* Above SND.NXT, or older than any window that we were offered. */
		if (ack - (l->ack - max) <= max)
			ack = l->ack + 1;
		TOSS(l, .flags = TV_ACK, .len = 10, .opt = &o, .ack_off = (int32_t)(ack - l->ack), .stay = true);
		if (i % 100 == 0)
			hear(l, &(struct said){0});
	}
	l->tsval++;
	from = l->seq;
	SAY(l, .flags = TV_ACK | TV_PSH, .len = 500);
	measured(a, lab_read(l, &from) == 500, "honest text is taken after %llu forged segments",
		(unsigned long long)n);
}

static void bl_11(struct attack *a)
{
	struct lab *l = established(true);
	uint32_t from = l->seq;

	for (unsigned day = 0; day < 25; day++)
		lab_wait(l, 24 * 3600 * TV_S);
	l->tsval += (uint32_t)(25ull * 24 * 3600 * 1000) + 0x40000000; /* its clock ticks faster, and has wrapped */
	SAY(l, .flags = TV_ACK | TV_PSH, .len = 100);
	measured(a, l->verdict == TV_V_OK && lab_read(l, &from) == 100, "text after 25 days: %s",
		tv_verdict_name((enum tv_verdict)l->verdict));
}

static void bl_12(struct attack *a)
{
	struct lab *l = lab_new(NULL, false);
	tv_time start, end;

	lab_state(l, TV_TIME_WAIT);
	start = l->now;
	for (unsigned i = 0; i < 59; i++) {
		SAY(l, .flags = TV_ACK, .off = -500, .len = 100); /* an old duplicate, which draws an ACK */
		SAY(l, .flags = TV_RST);                          /* which the peer, that knows nothing, resets */
		lab_wait(l, TV_S);
	}
	end = l->now;
	must(a, lab_info(l).state == TV_TIME_WAIT, "TIME-WAIT goes on");
	lab_wait(l, 61 * TV_S);
	measured(a, lab_info(l).state == TV_CLOSED, "TIME-WAIT went on for %.0f s over 59 RSTs",
		(double)(end - start) / 1e9);
}

static void bl_14(struct attack *a)
{
	unsigned verdicts = 0;
	struct said s = {0};

	for (unsigned v6 = 0; v6 < 2; v6++) {
		struct lab *l = lab_new(NULL, v6 != 0);
		uint8_t *copy;

		lab_listen(l);
		l->peer = l->us;
		l->peer_port = l->port;
		copy = memory_copy(l);
		verdicts += TOSS(l, .flags = TV_SYN) == TV_V_MARTIAN;
		verdicts += TOSS(l, .flags = TV_SYN | TV_ACK) == TV_V_MARTIAN;
		must(a, memory_same(l, copy), "no state");
		hear(l, &s);
	}
	measured(a, s.packets == 0 && verdicts == 4, "%llu packets out", (unsigned long long)s.packets);
}

static void bl_15(struct attack *a)
{
	struct lab *l = lab_new(NULL, false);
	struct tv_connect_config g;
	struct tv_info info;
	uint64_t before;
	int error;

	tv_connect_default(&g);
	g.remote.addr = g.local.addr = l->us;
	g.remote.port = g.local.port = 5000;
	before = lab_counters(l).looped;
	error = tv_connect(l->s, l->now, &g, &l->conn, NULL);
	if (error != TV_OK) {
		measured(a, true, "refused: %s", tv_error_text(error));
		return;
	}
	lab_wait(l, TV_S);
	info = lab_info(l);
	measured(a, lab_counters(l).looped - before <= 6 && info.state == TV_ESTABLISHED, "%llu packets, %s",
		(unsigned long long)(lab_counters(l).looped - before), tv_state_name(info.state));
}

/* A server that answers our SYN with a bare ACK, then with a SYN of its own, then with ACK and SYN-ACK. */
static void bl_16(struct attack *a)
{
	struct lab *l = lab_new(NULL, false);

	lab_syn_sent(l);
	SAY(l, .flags = TV_ACK); /* acceptable, no RST, no SYN: dropped (RFC 9293 3.10.7.3, fifth) */
	must(a, l->count == 0 && lab_info(l).state == TV_SYN_SENT, "the bare ACK is dropped");
	SAY(l, .flags = TV_SYN);
	must(a, lab_info(l).state == TV_SYN_RECEIVED, "a SYN alone makes it simultaneous");
	lab_only(l, TV_SYN | TV_ACK);
	must(a, lab_info(l).active_open, "it is told as opened here");
	SAY(l, .flags = TV_ACK);
	measured(a, lab_info(l).state == TV_ESTABLISHED && lab_info(l).active_open, "%s, opened by us",
		tv_state_name(lab_info(l).state));
	l = lab_new(NULL, false);
	lab_syn_sent(l);
	SAY(l, .flags = TV_ACK, .ack_off = 1);
	measured(a, lab_only(l, TV_RST)->seq == l->ack + 1 && lab_info(l).state == TV_SYN_SENT,
		"a bare ACK of something else draws a RST");
}

static void bl_18(struct attack *a)
{
	uint64_t random = 1, n = a->quick ? 100000 : 1000000;
	struct lab *l = lab_new(NULL, false);
	struct said s = {0};
	tv_time start;

	lab_syn_sent(l);
	start = l->now;
	for (uint64_t i = 0; i < n; i++) {
		uint32_t off = lab_random(&random) ^ lab_random(&random) << 16;
		static const uint16_t flags[] = {TV_RST, TV_RST | TV_ACK, TV_SYN | TV_ACK};

		l->now += TV_US;
		TOSS(l, .flags = flags[i % 3], .ack_off = (int32_t)(off + (off == 0)));
		if (i % 16 == 0)
			hear(l, &s);
	}
	measured(a, lab_info(l).state == TV_SYN_SENT, "%s after %llu", tv_state_name(lab_info(l).state),
		(unsigned long long)n);
	measured(a, s.resets <= 100 * ((l->now - start) / TV_S + 1), "%llu RSTs in %.1f s",
		(unsigned long long)s.resets, (double)(l->now - start) / 1e9);
}

static void bl_19(struct attack *a)
{
	uint64_t random = 1, n = a->quick ? 100000 : 1000000;
	struct lab *l = established(false);
	uint32_t max = lab_info(l).snd_max_wnd, seen;

	for (uint64_t i = 0; i < n; i++) {
		uint32_t ack = lab_random(&random) ^ lab_random(&random) << 16;

		if (ack - (l->ack - max) <= max)
			ack = l->ack + 1;
		TOSS(l, .flags = TV_FIN | TV_ACK, .off = (int32_t)(i % 1000), .ack_off = (int32_t)(ack - l->ack));
		if (i % 100 == 0)
			hear(l, &(struct said){0});
	}
	seen = lab_events(l, l->conn) & (TV_EV_PEER_CLOSED | TV_EV_CLOSED);
	measured(a, seen == 0 && lab_info(l).state == TV_ESTABLISHED, "%s after %llu",
		tv_state_name(lab_info(l).state), (unsigned long long)n);
}

static void bl_20(struct attack *a)
{
	struct lab *l = established(false);
	uint32_t before;

	SAY(l, .flags = TV_ACK, .len = 1000); /* its window update is the last */
	before = lab_info(l).snd_wnd;
	for (uint32_t i = 1; i < 1000; i++) {
		TOSS(l, .flags = TV_ACK, .off = -(int32_t)i, .len = i, .wnd_set = true, .wnd = i % 2 == 0 ? 0 : 1);
		TOSS(l, .flags = TV_ACK, .off = -(int32_t)i, .wnd_set = true, .wnd = 0);
		TOSS(l, .flags = TV_ACK, .ack_off = 1, .wnd_set = true, .wnd = 0);
	}
	measured(a, lab_info(l).snd_wnd == before, "send window %u before, %u after", before, lab_info(l).snd_wnd);
}

static void bl_21(struct attack *a)
{
	static const struct tv_addr bad[] = {V4(224, 0, 0, 1), V4(239, 1, 2, 3), V4(255, 255, 255, 255),
		V4(192, 0, 2, 255), V4(0, 0, 0, 0), V4(127, 0, 0, 1), V4(240, 0, 0, 1)};
	struct lab *l = lab_new(NULL, false);
	struct tv_addr us = l->us, peer = l->peer;
	struct said s = {0};
	unsigned taken = 0;

	lab_listen(l);
	for (unsigned i = 0; i < 2 * COUNT(bad); i++) {
		l->us = i % 2 == 0 ? us : bad[i / 2];
		l->peer = i % 2 == 0 ? bad[i / 2] : peer;
		taken += TOSS(l, .flags = TV_SYN) == TV_V_OK;
		taken += TOSS(l, .flags = TV_ACK) == TV_V_OK;
		hear(l, &s);
	}
	measured(a, s.packets == 0 && taken == 0, "%llu packets out", (unsigned long long)s.packets);
}

static void bl_22(struct attack *a)
{
	static const enum tv_state states[] = {TV_SYN_SENT, TV_SYN_RECEIVED, TV_ESTABLISHED, TV_FIN_WAIT_1,
		TV_FIN_WAIT_2, TV_CLOSE_WAIT, TV_CLOSING, TV_LAST_ACK, TV_TIME_WAIT};
	struct said s = {0};
	uint64_t n = 0;

	for (unsigned i = 0; i < COUNT(states); i++)
		for (int32_t off = -2; off < 3; off++)
			for (unsigned ack = 0; ack < 2; ack++, n++) {
				struct lab *l = lab_new(NULL, false);

				lab_state(l, states[i]);
				TOSS(l, .flags = TV_RST | (ack != 0 ? TV_ACK : 0), .off = off);
				hear(l, &s);
				lab_free(l);
			}
	for (unsigned i = 0; i < 2; i++) {
		struct lab *l = lab_new(NULL, false);

		if (i != 0)
			lab_listen(l);
		TOSS(l, .flags = TV_RST);
		TOSS(l, .flags = TV_RST | TV_ACK);
		n += 2;
		hear(l, &s);
		lab_free(l);
	}
	measured(a, s.resets == 0, "%llu RSTs for %llu", (unsigned long long)s.resets, (unsigned long long)n);
}

const struct attack_case attack_blind_more[] = {
	{"BL-10", bl_10},
	{"BL-11", bl_11},
	{"BL-12", bl_12},
	{"BL-14", bl_14},
	{"BL-15", bl_15},
	{"BL-16", bl_16},
	{"BL-18", bl_18},
	{"BL-19", bl_19},
	{"BL-20", bl_20},
	{"BL-21", bl_21},
	{"BL-22", bl_22},
	{NULL, NULL},
};
