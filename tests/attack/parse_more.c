/*
 * parse_more.c - malformed packets, part two: MSS and window scale, checksums, IPv6 headers, tunnels, and
 * what can be said twice.
 */
#include "attack.h"

#define WRITTEN 1000000u          /* by the user, in segments as small as the peer asks for */

#include "wire/csum.h"

/* A connection whose peer announces this MSS; the text of the segments in which 100,000 bytes leave. */
static uint32_t smallest_text(uint16_t mss, bool ts, uint64_t *segments)
{
	struct lab *l = lab_new(NULL, false);
	uint32_t least = UINT32_MAX, first;

	l->syn.mss = mss;
	l->syn.has |= ts ? TV_OPT_HAS_TS | TV_OPT_HAS_SACK_OK : 0;
	lab_passive(l);
	first = l->ack;
	lab_set(l, TV_OPT_SND_BUF, 1u << 20);
	lab_send(l, WRITTEN, 0);
	*segments = 0;
	while (l->ack - first < WRITTEN) {
		must(&(struct attack){0}, l->count != 0, "it goes on");
		for (unsigned i = 0; i < l->count; i++) {
			const struct tv_segment *s = &l->heard[i].seg;

			if (s->len == 0)
				continue;
			++*segments;
			if (s->seq + s->len - first < WRITTEN && s->len < least)
				least = s->len;
			l->ack = s->seq + s->len;
		}
		SAY(l, .flags = TV_ACK);
		if (l->count == 0)
			lab_wait(l, TV_S);
	}
	lab_free(l);
	return least;
}

static void pa_14(struct attack *a)
{
	uint64_t segments;
	uint32_t least = smallest_text(0, false, &segments);

	measured(a, least >= 48, "segments of %u bytes", least);
}

static void pa_15(struct attack *a)
{
	static const uint16_t sizes[] = {1, 8, 47};

	for (unsigned i = 0; i < COUNT(sizes); i++) {
		uint64_t segments;
		uint32_t least = smallest_text(sizes[i], false, &segments);

		measured(a, least >= 48 && segments <= WRITTEN / 48 * 101 / 100,
			"MSS %u: %llu segments of %u for 1 MB", sizes[i], (unsigned long long)segments, least);
	}
}

/* The smallest MSS, and timestamps that take 12 of its bytes. */
static void fl_23(struct attack *a)
{
	uint64_t segments;
	uint32_t least = smallest_text(48, true, &segments);

	measured(a, least >= 36 && segments <= WRITTEN / 36 * 101 / 100, "%llu segments of %u for 1 MB",
		(unsigned long long)segments, least);
}

static void pa_16(struct attack *a)
{
	struct lab *l = lab_new(NULL, false);
	uint32_t longest = 0;

	l->syn.mss = 65535;
	lab_passive(l);
	lab_send(l, WRITTEN, 0);
	for (unsigned i = 0; i < l->count; i++)
		longest = l->heard[i].len > longest ? l->heard[i].len : longest;
	measured(a, longest <= 1500 && longest > 1000, "longest packet %u of an MTU of 1500", longest);
}

/* Of a repeated option the last well-formed one counts, wherever the others stand. */
static void pa_17(struct attack *a)
{
	static const uint8_t parts[6][4] = {
		{2, 4, 2, 24}, {1, 3, 3, 2}, {4, 3, 1, 1}, {1, 1, 4, 2}, {1, 3, 3, 7}, {2, 4, 4, 0}};
	unsigned right = 0, runs = 1000;
	uint64_t random = 1;

	for (unsigned r = 0; r < runs; r++) {
		struct lab *l = lab_new(NULL, false);
		uint8_t order[6] = {0, 1, 2, 3, 4, 5}, options[24];
		static uint8_t p[200];
		uint32_t mss = 0, scale = 0;
		struct tv_info info;

		for (unsigned i = 5; i > 0; i--) {
			unsigned k = lab_random(&random) % (i + 1);
			uint8_t t = order[i];

			order[i] = order[k];
			order[k] = t;
		}
		for (unsigned i = 0; i < 6; i++) {
			const uint8_t *b = parts[order[i]];

			memcpy(options + 4 * i, b, 4);
			mss = b[0] == 2 ? (uint32_t)b[2] << 8 | b[3] : mss;
			scale = b[1] == 3 && b[2] == 3 ? b[3] : scale;
		}
		lab_listen(l);
		give(l, p, build_raw(l, TV_SYN, 0, options, 24, p));
		lab_hear(l);
		l->seq++;
		l->ack = lab_last(l)->seq + 1;
		SAY(l, .flags = TV_ACK);
		assert_int_equal(tv_accept(l->s, l->now, l->listener, &l->conn), TV_OK);
		info = lab_info(l);
		right += info.mss_peer == mss && info.snd_scale == scale && info.sack;
		lab_free(l);
	}
	measured(a, right == runs, "%u of %u permutations: the last well-formed one", right, runs);
}

static void pa_18(struct attack *a)
{
	static const uint8_t scales[] = {15, 31, 255};

	for (unsigned i = 0; i < COUNT(scales); i++) {
		struct lab *l = lab_new(NULL, false);

		l->syn.has |= TV_OPT_HAS_WSCALE;
		l->syn.wscale = scales[i];
		lab_passive(l);
		SAY(l, .flags = TV_ACK, .len = 1);
		measured(a, lab_info(l).snd_scale == 14 && lab_info(l).snd_wnd <= 1u << 30, "%u: scale %u, window %u",
			scales[i], lab_info(l).snd_scale, lab_info(l).snd_wnd);
	}
}

static void pa_19(struct attack *a)
{
	static const uint8_t scale[] = {1, 3, 3, 9};
	struct lab *l = lab_new(NULL, false);
	static uint8_t p[200];
	struct tv_info before;

	l->syn.has |= TV_OPT_HAS_WSCALE;
	l->syn.wscale = 2;
	lab_passive(l);
	before = lab_info(l);
	give(l, p, build_raw(l, TV_ACK, 0, scale, 4, p));
	SAY(l, .flags = TV_ACK, .len = 1);
	measured(a, lab_info(l).snd_scale == before.snd_scale && lab_info(l).snd_wnd == before.snd_wnd,
		"window %u before, %u after", before.snd_wnd, lab_info(l).snd_wnd);
}

static void pa_20(struct attack *a)
{
	static const uint8_t tree[] = {2, 4, 5, 180, 29, 4, 1, 1, 19, 4, 0, 0, 34, 2, 30, 4, 0, 0, 172, 3, 0, 254, 4,
		0, 0, 253, 2, 4, 2, 3, 3, 7, 69, 4, 1, 1, 28, 4, 0, 0};
	struct lab *l = lab_new(NULL, false);
	static uint8_t p[200];

	lab_listen(l);
	give(l, p, build_raw(l, TV_SYN, 0, tree, sizeof tree, p));
	lab_hear(l);
	l->seq++;
	l->ack = lab_last(l)->seq + 1;
	SAY(l, .flags = TV_ACK);
	must(a, tv_accept(l->s, l->now, l->listener, &l->conn) == TV_OK, "the handshake completes");
	measured(a, lab_info(l).mss_peer == 1460 && lab_info(l).sack && lab_info(l).snd_scale == 7,
		"40 bytes of 13 kinds: MSS, SACK and scale are taken, the rest is skipped, at most a step for each "
		"byte");
}

static void pa_22(struct attack *a)
{
	unsigned accepted = 0, v6;

	for (v6 = 0; v6 < 2; v6++) {
		struct lab *l = lab_new(NULL, v6 != 0);
		uint32_t head = v6 != 0 ? 40 : 20, n;
		static uint8_t p[200];
		uint16_t good;

		lab_listen(l);
		n = lab_build(l, &(struct say){.flags = TV_SYN}, p);
		good = tv_load16(p + head + 16);
		for (uint32_t sum = 0; sum < 65536; sum++) {
			tv_store16(p + head + 16, (uint16_t)sum);
			if (sum != good)
				accepted += give(l, p, n) != TV_V_BAD_TCP_CHECKSUM;
		}
	}
	measured(a, accepted == 0, "%u of 2 * 65535 wrong sums accepted", accepted);
}

/* IPv6: chains of extension headers in front of a good SYN. */
static void pa_24(struct attack *a)
{
	struct lab *l = lab_new(NULL, true);
	unsigned taken = 0, tried = 0;
	static uint8_t p[4000], q[4000];
	struct said s = {0};
	uint32_t n;

	lab_listen(l);
	n = lab_build(l, &(struct say){.flags = TV_SYN}, p);
	for (unsigned count = 1; count <= 100; count += count < 10 ? 1 : 30)
		for (unsigned kind = 0; kind < 4; kind++) {
			static const uint8_t kinds[] = {
				0, 60, 43, 44}; /* hop-by-hop, destination, routing type 0, fragment */
			uint32_t at = 40;

			memcpy(q, p, 40);
			for (unsigned i = 0; i < count; i++, at += 8) {
				q[i == 0 ? 6 : at - 8] = kinds[kind];
				memset(q + at, 0, 8);
				q[at + 2] = kind < 2; /* PadN; the routing header has an address left */
				q[at + 3] = kind < 2 ? 4 : kind == 2;
			}
			q[at - 8] = 6;
			memcpy(q + at, p + 40, n - 40);
			tv_store16(q + 4, (uint16_t)(at - 40 + n - 40));
			tried++;
			/* A few of them are legal, also atomic fragments, which are whole packets (RFC 6946); routing
			 * type 0 is not (RFC 5095). */
			taken += give(l, q, at + n - 40) == TV_V_OK && (count > 8 || kind == 2);
			for (uint32_t length = 1; length < 256 && kind < 3; length += 127) {
				q[41] = (uint8_t)length; /* longer than what is there */
				taken += give(l, q, at + n - 40) == TV_V_OK && 40 + 8 * (length + 1) > at + n - 40;
				tried++;
			}
			hear(l, &s);
		}
	measured(a, taken == 0, "%u of %u taken that may not be", taken, tried);
}

static void pa_25(struct attack *a)
{
	static const uint8_t bad[][8] = {{131, 7, 200, 1, 2, 3, 4, 0}, {137, 7, 4, 1, 2, 3, 4, 0}, {131, 0}, {7, 0},
		{7, 255}, {137, 3, 4, 0}, {68, 1}, {1, 1, 1, 1, 1, 1, 1, 131}};
	struct lab *l = lab_new(NULL, false);
	static uint8_t p[200], q[200];
	struct said s = {0};
	uint32_t n;

	lab_listen(l);
	n = lab_build(l, &(struct say){.flags = TV_SYN}, p);
	for (unsigned i = 0; i < COUNT(bad); i++) {
		memcpy(q, p, 20);
		memcpy(q + 20, bad[i], 8);
		memcpy(q + 28, p + 20, n - 20);
		q[0] = 0x47;
		tv_store16(q + 2, (uint16_t)(n + 8));
		mend(q, n + 8);
		give(l, q, n + 8);
		hear(l, &s);
	}
	measured(a, s.packets == 0, "%llu packets out for %zu", (unsigned long long)s.packets, COUNT(bad));
}

static void pa_26(struct attack *a)
{
	unsigned taken = 0;
	struct said s = {0};

	for (unsigned v6 = 0; v6 < 2; v6++) {
		struct lab *l = lab_new(NULL, v6 != 0);
		uint32_t head = v6 != 0 ? 40 : 20, n;
		static uint8_t p[200], q[300];
		uint8_t *copy;

		lab_listen(l);
		n = lab_build(l, &(struct say){.flags = TV_SYN}, p);
		memcpy(q, p, head);
		memcpy(q + head, p, n);
		q[v6 != 0 ? 6 : 9] = v6 != 0 ? 41 : 4;
		tv_store16(q + (v6 != 0 ? 4 : 2), (uint16_t)(v6 != 0 ? n : head + n));
		if (v6 == 0) {
			memset(q + 10, 0, 2);
			tv_csum_store(q + 10, tv_csum_add(0, q, 20));
		}
		copy = memory_copy(l);
		taken += give(l, q, head + n) != TV_V_UNKNOWN_PROTOCOL;
		must(a, memory_same(l, copy), "nothing is kept");
		hear(l, &s);
	}
	measured(a, taken == 0 && s.packets == 0, "%llu packets out", (unsigned long long)s.packets);
}

static void pa_28(struct attack *a)
{
	struct lab *l = lab_new(NULL, false);
	unsigned zero = 0, bytes = 0;
	uint8_t b[8];

	lab_passive(l);
	SAY(l, .flags = TV_ACK | TV_URG, .urg = 1, .len = 3);
	for (unsigned i = 0; i < 100; i++) {
		int64_t n = tv_recv(l->s, l->now, l->conn, b, 1, 0);

		bytes += n > 0;
		zero += n == 0;
	}
	measured(a, zero == 0 && bytes == 3, "%u returns of 0 without an end, %u of 3 bytes", zero, bytes);
}

static void pa_30(struct attack *a)
{
	struct lab *l = lab_new(NULL, false);
	static uint8_t p[200], q[200];
	unsigned changed = 0;
	struct said s = {0};
	uint8_t *copy;
	uint32_t n;

	lab_passive(l);
	n = lab_build(l, &(struct say){.flags = TV_ACK | TV_PSH, .len = 10}, p);
	copy = memory_copy(l);
	for (unsigned which = 1; which < 4; which++) { /* source, destination, both */
		memset(q, 0, 40);
		q[0] = 0x60;
		tv_store16(q + 4, (uint16_t)(n - 20));
		q[6] = 6;
		q[7] = 64;
		memcpy(q + 8, (which & 1) != 0 ? l->peer.b : lab_v6(2).b, 16);
		memcpy(q + 24, (which & 2) != 0 ? l->us.b : lab_v6(1).b, 16);
		memcpy(q + 40, p + 20, n - 20);
		mend(q, n + 20);
		give(l, q, n + 20);
		changed += !memory_same(l, copy);
		hear(l, &s);
	}
	measured(a, changed == 0 && s.packets == 0, "%u of 3 changed the state, %llu packets out", changed,
		(unsigned long long)s.packets);
}

const struct attack_case attack_parse_more[] = {
	{"PA-14", pa_14},
	{"PA-15", pa_15},
	{"FL-23", fl_23}, {"PA-16", pa_16},
	{"PA-17", pa_17},
	{"PA-18", pa_18},
	{"PA-19", pa_19},
	{"PA-20", pa_20},
	{"PA-22", pa_22},
	{"PA-24", pa_24},
	{"PA-25", pa_25},
	{"PA-26", pa_26},
	{"PA-28", pa_28},
	{"PA-30", pa_30},
	{NULL, NULL},
};
