/*
 * blind.c - packets of somebody who sees nothing of the connection: resets, SYNs, text, ICMP.
 */
#include "attack.h"

static struct lab *established(bool ts)
{
	struct lab *l = lab_new(NULL, false);

	l->syn.has = TV_OPT_HAS_MSS | (ts ? TV_OPT_HAS_TS : 0);
	lab_passive(l);
	return l;
}

static bool alive(struct lab *l) { return lab_info(l).state == TV_ESTABLISHED; }

/* The peer, who knows its numbers, sends a line and gets it. */
static bool works(struct lab *l)
{
	uint32_t from = l->seq;
	struct said s = {0};

	hear(l, &s);
	l->now += TV_S;
	if (!alive(l) || SAY(l, .flags = TV_ACK | TV_PSH, .len = 100) != TV_V_OK)
		return false;
	return lab_read(l, &from) == 100;
}

static void bl_01(struct attack *a)
{
	uint64_t random = 1, n = a->quick ? 100000 : 1000000, inside = 0;
	struct lab *l = established(false);
	uint32_t window = lab_info(l).rcv_wnd;
	struct said s = {0};

	for (uint32_t off = 1; off < UINT32_MAX - window; off += window) { /* one in each window, not at RCV.NXT */
		TOSS(l, .flags = TV_RST, .off = (int32_t)off);
		inside += l->verdict == TV_V_RST_INEXACT;
	}
	for (uint64_t i = 0; i < n; i++) {
		uint32_t off = lab_random(&random) ^ lab_random(&random) << 16;

		TOSS(l, .flags = TV_RST, .off = (int32_t)(off + (off == 0)));
		hear(l, &s);
	}
	measured(a, works(l), "alive after a RST in every window and %llu random ones", (unsigned long long)n);
	must(a, inside >= 1 && s.resets == 0, "one of them was in the window, and none was answered with RST");
	TOSS(l, .flags = TV_RST);
	measured(a,
		tv_info(l->s, l->conn, &(struct tv_info){.size = sizeof(struct tv_info)}) == TV_OK &&
			lab_info(l).state == TV_CLOSED,
		"only RCV.NXT of 2^32 resets");
}

static void bl_02(struct attack *a)
{
	static const enum tv_state states[] = {
		TV_ESTABLISHED, TV_FIN_WAIT_1, TV_FIN_WAIT_2, TV_CLOSE_WAIT, TV_CLOSING, TV_LAST_ACK};
	uint64_t random = 1, changes = 0, n = 0;
	struct said s = {0};

	for (unsigned i = 0; i < COUNT(states); i++) {
		struct lab *l = lab_new(NULL, false);
		tv_time start;

		lab_state(l, states[i]);
		start = l->now;
		for (unsigned k = 0; k < 10000; k++, n++) {
			uint32_t off = k < 100 ? k - 50 : lab_random(&random) << 1;

			l->now += 10 * TV_US;
			TOSS(l, .flags = k % 2 != 0 ? TV_SYN : TV_SYN | TV_ACK, .off = (int32_t)off);
			hear(l, &s);
		}
		changes += lab_info(l).state != states[i];
		must(a, s.acks <= (l->now - start) / (500 * TV_MS) + 1, "challenges keep their distance of 500 ms");
		s.acks = 0;
		lab_free(l);
	}
	measured(a, changes == 0, "%llu state changes by %llu SYNs", (unsigned long long)changes,
		(unsigned long long)n);
	measured(a, s.resets == 0, "%llu RSTs", (unsigned long long)s.resets);
}

/* Text with a random ACK number is taken when that lies in (SND.UNA - MAX.SND.WND .. SND.NXT). */
static void bl_03(struct attack *a)
{
	uint64_t random = 1, taken = 0, n = a->quick ? 100000 : 1000000;
	struct lab *l = established(false);
	uint32_t max = lab_info(l).snd_max_wnd, edges = 0;
	double theory = (double)(max + 1) / 4294967296.0 * (double)n;
	static const struct {
		int32_t off;
		bool good;
	} cases[] = {{0, true}, {1, false}, {-1, true}};

	for (uint64_t i = 0; i < n; i++)
		taken += TOSS(l, .flags = TV_ACK, .off = 100, .len = 1,
				 .ack_off = (int32_t)(lab_random(&random) ^ lab_random(&random) << 16)) == TV_V_OK;
	for (unsigned i = 0; i < COUNT(cases); i++)
		edges += (TOSS(l, .flags = TV_ACK, .off = 100, .len = 1, .ack_off = cases[i].off) == TV_V_OK) ==
			cases[i].good;
	edges += TOSS(l, .flags = TV_ACK, .off = 100, .len = 1, .ack_off = -(int32_t)max) == TV_V_OK;
	edges += TOSS(l, .flags = TV_ACK, .off = 100, .len = 1, .ack_off = -(int32_t)max - 1) != TV_V_OK;
	measured(a, (double)taken <= theory + 4 * (1 + theory), "%llu of %llu accepted, expected %.1f",
		(unsigned long long)taken, (unsigned long long)n, theory);
	measured(a, edges == 5, "%u of 5 edges exact", edges);
}

/* What the attacker counts on his own connection while he probes another one, whose guess is right or wrong. */
static void bl_04(struct attack *a)
{
	unsigned runs = a->quick ? 100 : 1000, differ = 0;

	for (unsigned r = 0; r < runs; r++) {
		uint64_t counts[2];

		for (unsigned right = 0; right < 2; right++) {
			struct lab *l = established(false);
			uint16_t victim = l->peer_port;
			struct said s = {0};
			uint32_t seq = l->seq, ack = l->ack;

			l->peer_port = (uint16_t)(victim + 1);
			l->seq = 77;
			lab_passive(l); /* the attacker's own */
			for (unsigned i = 0; i < 500; i++) {
				uint32_t own_seq = l->seq, own_ack = l->ack;
				uint16_t own = l->peer_port;

				l->peer_port = victim;
				l->seq = right != 0 ? seq : seq + 0x40000000 + r;
				l->ack = ack;
				TOSS(l, .flags = TV_RST, .off = 5);
				l->peer_port = own;
				l->seq = own_seq;
				l->ack = own_ack;
				if (i % 5 == 4) {
					struct said mine = {0};

					hear(l, &(struct said){0}); /* to the victim's peer */
					TOSS(l, .flags = TV_RST, .off = 5);
					hear(l, &mine);
					s.acks += mine.acks;
				}
				l->now += TV_MS;
			}
			counts[right] = s.acks;
			lab_free(l);
		}
		differ += counts[0] != counts[1];
	}
	measured(a, differ == 0, "%u of %u paired runs differ", differ, runs);
}

static void bl_05(struct attack *a)
{
	uint64_t random = 1, n = a->quick ? 10000 : 100000;
	struct lab *l = established(false);
	struct said s = {0};

	for (uint64_t i = 0; i < n; i++) {
		TOSS(l, .flags = (uint16_t)(lab_random(&random) & 0x3f),
			.off = (int32_t)(lab_random(&random) << 1 | 1), .ack_off = (int32_t)lab_random(&random),
			.len = lab_random(&random) % 10);
		l->now += TV_MS;
		hear(l, &s);
	}
	measured(a, s.elsewhere == 0, "%llu packets to third addresses", (unsigned long long)s.elsewhere);
}

/* An ICMP error that quotes the segment of ours that begins at seq. */
static void icmp(struct lab *l, uint8_t type, uint8_t code, uint32_t mtu, uint32_t seq)
{
	uint8_t p[64] = {0}, packet[200];
	struct tv_tcp_header h = {
		.sport = l->port, .dport = l->peer_port, .seq = seq, .flags = TV_ACK, .header_len = 20};
	struct tv_icmp_error e = {.src = tv_addr_v4(192, 0, 2, 254),
		.dst = l->us,
		.type = type,
		.code = code,
		.ttl = 64,
		.value = mtu,
		.quoted = p};

	tv_ip_build(p, &l->us, &l->peer, TV_PROTO_TCP, 20, 64, 0);
	tv_tcp_header_build(p + 20, &h);
	e.quoted_len = 40;
	give(l, packet, tv_icmp_build_error(packet, sizeof packet, &e));
}

static void bl_06(struct attack *a)
{
	uint64_t random = 1, n = a->quick ? 100000 : 1000000, killed = 0;
	struct lab *l = established(false);
	struct lab *m;

	lab_send(l, 1000, 0);
	for (uint64_t i = 0; i < n; i++)
		icmp(l, 3, (uint8_t)(2 + i % 2), 0,
			i % 4 == 0 ? l->ack : l->ack + (uint32_t)(lab_random(&random) << 1));
	measured(a, alive(l), "ESTABLISHED after %llu", (unsigned long long)n);
	m = lab_new(NULL, false);
	lab_syn_sent(m);
	for (uint64_t i = 0; i < n; i++) {
		uint32_t off = lab_random(&random) ^ lab_random(&random) << 16;

		icmp(m, 3, 3, 0, m->ack - 1 + off + (off == 0));
		killed += lab_info(m).state == TV_CLOSED;
	}
	measured(a, killed == 0, "SYN-SENT: %llu of %llu with another number", (unsigned long long)killed,
		(unsigned long long)n);
	icmp(m, 3, 3, 0, m->ack - 1);
	must(a, lab_info(m).state == TV_CLOSED, "the exact ISS ends SYN-SENT");
}

static void bl_07(struct attack *a)
{
	struct lab *l = established(false);
	struct tv_info before, after;

	lab_send(l, 1000, 0);
	before = lab_info(l);
	for (unsigned i = 0; i < 1000; i++)
		icmp(l, 4, 0, 0, l->ack);
	after = lab_info(l);
	measured(a, before.cwnd == after.cwnd && before.ssthresh == after.ssthresh, "cwnd %u before, %u after",
		before.cwnd, after.cwnd);
}

static void bl_09(struct attack *a)
{
	static const uint8_t kinds[][2] = {{3, 0}, {3, 1}, {3, 2}, {3, 3}, {3, 4}, {3, 13}, {11, 0}, {12, 0}};
	struct lab *l = established(false);
	uint32_t changed = 0, n = 0;
	uint8_t *copy;

	lab_send(l, 1000, 0);
	copy = memory_copy(l);
	for (unsigned i = 0; i < COUNT(kinds); i++)
		for (int32_t off = -1000; off < 3000; off += 250) {
			if (off >= 0 && off < 1000)
				continue;
			icmp(l, kinds[i][0], kinds[i][1], 600, l->ack + (uint32_t)off);
			n++;
			changed += !memory_same(l, copy);
		}
	measured(a, changed == 0, "%u of %u ICMP errors changed the state", changed, n);
}

const struct attack_case attack_blind[] = {
	{"BL-01", bl_01},
	{"BL-02", bl_02},
	{"BL-03", bl_03},
	{"BL-04", bl_04},
	{"BL-05", bl_05},
	{"BL-06", bl_06},
	{"BL-07", bl_07},
	{"BL-09", bl_09},
	{NULL, NULL},
};
