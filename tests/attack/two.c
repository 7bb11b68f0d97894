/*
 * two.c - what somebody puts on the way between two stacks of our own: SYNs for an attempt, ACKs of what nobody
 * has sent.
 */
#include "pair.h"

/* SYNs with the server's address while the client's SYN and the server's answer are under way, in any order and
 * number; what both then say to each other, RSTs too, is on the way as well. */
static bool opens(uint64_t *random)
{
	struct pair *p = pair_new(10 * TV_MS, true);
	const struct tv_tcp_options some = {.has = TV_OPT_HAS_MSS | TV_OPT_HAS_WSCALE, .mss = 256, .wscale = 1};
	unsigned n = 1 + lab_random(random) % 5;
	struct tv_info info;
	tv_time start;
	bool open;

	pair_connect(p);
	pair_run(p, p->now); /* the SYN leaves */
	start = p->now;
	info = pair_info(p, 0);
	for (unsigned i = 0; i < n; i++)
		pair_forge(p, 0,
			&(struct tv_tcp_header){.sport = 80, .dport = info.local.port, .flags = TV_SYN,
				.seq = lab_random(random) << 1, .wnd = (uint16_t)lab_random(random)},
			lab_random(random) % 2 == 0 ? &some : NULL, 0, start + lab_random(random) % 20000 * TV_US);
	pair_run(p, start + 5 * TV_S);
	info = pair_info(p, 0);
	open = info.state == TV_ESTABLISHED && info.timestamps && info.sack && info.snd_scale != 0 &&
	       tv_accept(p->s[1], p->now, p->listener, &p->conn[1]) == TV_OK &&
	       pair_info(p, 1).state == TV_ESTABLISHED && pair_info(p, 1).snd_nxt == info.rcv_nxt;
	pair_free(p);
	return open;
}

static void bl_17(struct attack *a)
{
	unsigned n = a->quick ? 200 : 10000, open = 0;
	uint64_t random = 1;
	tv_time start;
	struct lab *l;

	for (unsigned i = 0; i < n; i++)
		open += opens(&random);
	measured(a, open >= n - n / 100, "%u of %u attempts open", open, n);
	l = lab_new(NULL, false);
	lab_syn_sent(l);
	start = l->now;
	while (lab_counters(l).reasons[TV_R_SYN_TIMEOUT] + lab_counters(l).reasons[TV_R_SYN_ACK_TIMEOUT] == 0 &&
		l->now < start + 1000 * TV_S) {
		SAY(l, .flags = TV_SYN, .off = (int32_t)(lab_random(&random) % 100000), .stay = true);
		lab_wait(l, TV_S / 4);
	}
	measured(a, l->now - start <= 132 * TV_S, "with SYNs alone it ends after %.0f s",
		(double)(l->now - start) / 1e9);
}

/* Unacceptable segments without text, of all kinds, one each 100 us; the most that any second heard. */
static uint64_t answers_each_second(uint64_t *in_all)
{
	struct lab *l = lab_new(NULL, false);
	uint64_t most = 0;

	lab_passive(l);
	for (unsigned second = 0; second < 10; second++) {
		struct said s = {0};

		for (unsigned i = 0; i < 10000; i++) {
			TOSS(l, .flags = TV_ACK, .ack_off = i % 3 == 0 ? 1000 : i % 3 == 1 ? -100000000 : 0,
				.off = i % 3 == 2 ? -1000 : 0);
			hear(l, &s);
			l->now += 100 * TV_US;
		}
		most = s.packets > most ? s.packets : most;
		*in_all += s.packets;
	}
	lab_free(l);
	return most;
}

/* One segment to each of two stacks, and all that they then say to each other; text: an octet that the other has
 * not sent, so that each acknowledges to the other what that never said. */
static uint64_t after_one_to_each(struct attack *a, uint32_t text)
{
	struct pair *p = pair_new(5 * TV_MS, false);
	uint64_t before;

	pair_connect(p);
	pair_run(p, p->now + TV_S);
	assert_int_equal(tv_accept(p->s[1], p->now, p->listener, &p->conn[1]), TV_OK);
	before = p->delivered;
	for (unsigned to = 0; to < 2; to++) {
		struct tv_info info = pair_info(p, to);

		pair_forge(p, to,
			&(struct tv_tcp_header){.sport = info.remote.port, .dport = info.local.port, .flags = TV_ACK,
				.seq = info.rcv_nxt, .ack = info.snd_nxt + (text == 0 ? 1000 : 0), .wnd = 1000},
			NULL, text, p->now);
	}
	pair_run(p, p->now + 1000 * TV_S);
	must(a, pair_info(p, 0).state == TV_ESTABLISHED && pair_info(p, 1).state == TV_ESTABLISHED, "both are open");
	before = p->delivered - before - 2;
	pair_free(p);
	return before;
}

static void fl_31(struct attack *a)
{
	uint64_t in_all = 0, most = answers_each_second(&in_all), first, second;

	measured(a, most <= 2 && in_all >= 10, "at most %llu ACKs in a second, %llu in 10 s", (unsigned long long)most,
		(unsigned long long)in_all);
	first = after_one_to_each(a, 0);
	second = after_one_to_each(a, 1);
	measured(a, first >= 2 && first <= 10 && second >= 4 && second <= 10,
		"two stacks: %llu packets after an ACK to each, %llu after an octet to each", (unsigned long long)first,
		(unsigned long long)second);
}

const struct attack_case attack_two[] = {
	{"BL-17", bl_17},
	{"FL-31", fl_31},
	{NULL, NULL},
};
