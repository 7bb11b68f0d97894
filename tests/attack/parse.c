/*
 * parse.c - malformed packets, part one: options and headers. Each packet ends where a page begins that
 * nobody may touch.
 */
#include "attack.h"

#include "wire/csum.h"

struct bad_option {
	const char *what;
	uint8_t n; /* bytes, a multiple of 4 */
	uint8_t b[40];
};

/* To a listener as SYN, and into an established connection: dropped, nothing said, nothing kept. */
static void dropped(struct attack *a, const struct bad_option *list, size_t n)
{
	unsigned changed = 0, packets = 0, dead = 0, tried = 0;

	for (unsigned v6 = 0; v6 < 2; v6++)
		for (size_t i = 0; i < n; i++) {
			struct lab *l = lab_new(NULL, v6 != 0);
			static uint8_t p[200];
			struct said s = {0};
			uint8_t *copy;

			lab_listen(l);
			copy = memory_copy(l);
			give(l, p, build_raw(l, TV_SYN, 0, list[i].b, list[i].n, p));
			changed += !memory_same(l, copy);
			free(copy);
			lab_passive(l);
			copy = memory_copy(l);
			give(l, p, build_raw(l, TV_ACK | TV_PSH, 0, list[i].b, list[i].n, p));
			give(l, p, build_raw(l, TV_RST, 0, list[i].b, list[i].n, p));
			changed += !memory_same(l, copy);
			free(copy);
			hear(l, &s);
			packets += (unsigned)s.packets;
			dead += lab_info(l).state != TV_ESTABLISHED;
			tried += 3;
			lab_free(l);
		}
	measured(a, changed == 0 && dead == 0, "%u of %u changed a byte of the stack", changed, tried);
	measured(a, packets == 0, "%u packets out", packets);
}

static void pa_01(struct attack *a)
{
	struct bad_option list[36];

	memset(list, 1, sizeof list); /* NOPs */
	for (unsigned at = 0; at < COUNT(list); at++) {
		list[at].n = 40;
		list[at].b[at] = 253;
		list[at].b[at + 1] = 0;
	}
	dropped(a, list, COUNT(list));
}

static void pa_02(struct attack *a)
{
	static const struct bad_option list[] = {
		{"", 4, {253, 1, 1, 1}}, {"", 4, {2, 1, 5, 180}}, {"", 8, {1, 1, 8, 1}}, {"", 4, {1, 1, 253, 1}}};

	dropped(a, list, COUNT(list));
}

static void pa_03(struct attack *a)
{
	static const struct bad_option list[] = {{"", 4, {8, 10, 1, 1}}, {"", 4, {2, 255, 5, 180}},
		{"", 4, {1, 1, 3, 3}}, {"", 8, {1, 1, 1, 1, 5, 34, 1, 1}}, {"", 4, {34, 18, 1, 1}}};

	dropped(a, list, COUNT(list));
}

static void pa_04(struct attack *a)
{
	static struct bad_option list[4];

	for (unsigned i = 0; i < COUNT(list); i++) {
		list[i].n = (uint8_t)(40 - 4 * i);
		memset(list[i].b, 1, 40);
		list[i].b[list[i].n - 1] = i % 2 == 0 ? 2 : 8;
	}
	dropped(a, list, COUNT(list));
}

static void pa_05(struct attack *a)
{
	unsigned right = 0;
	struct said s = {0};

	for (unsigned doff = 0; doff < 16; doff++) {
		struct lab *l = lab_new(NULL, false);
		static uint8_t p[200];
		uint32_t n;

		if (doff == 5)
			continue;
		lab_listen(l);
		n = lab_build(l, &(struct say){.flags = TV_SYN, .opt = &(struct tv_tcp_options){0}}, p);
		p[20 + 12] = (uint8_t)(doff << 4);
		mend(p, n);
		right += give(l, p, n) == TV_V_BAD_TCP_HEADER;
		hear(l, &s);
	}
	measured(a, right == 15 && s.packets == 0, "%llu packets out for 15 data offsets",
		(unsigned long long)s.packets);
}

static void pa_06(struct attack *a)
{
	struct lab *l = lab_new(NULL, false);
	unsigned taken = 0, tried = 0;
	static uint8_t p[200], q[200];
	struct said s = {0};
	uint32_t n;

	lab_listen(l);
	n = lab_build(l, &(struct say){.flags = TV_SYN}, p);
	for (uint32_t total = 0; total < 70; total++)
		for (unsigned ihl = 0; ihl < 16; ihl++) {
			if (total >= n && ihl == 5)
				continue;
			memcpy(q, p, n);
			q[0] = (uint8_t)(0x40 | ihl);
			tv_store16(q + 2, (uint16_t)total);
			memset(q + 10, 0, 2);
			tv_csum_store(q + 10, tv_csum_add(0, q, ihl * 4 <= n ? ihl * 4 : n));
			tried++;
			taken += give(l, q, n) == TV_V_OK;
		}
	for (uint32_t cut = 1; cut < n; cut++, tried++)
		taken += give(l, p, cut) == TV_V_OK;
	hear(l, &s);
	measured(a, taken == 0 && s.packets == 0, "%llu packets out for %u", (unsigned long long)s.packets, tried);
}

static void pa_07(struct attack *a)
{
	struct lab *l = lab_new(NULL, false);
	static uint8_t p[2000];
	uint32_t n, from, got;

	lab_passive(l);
	from = l->seq;
	n = lab_build(l, &(struct say){.flags = TV_ACK | TV_PSH, .len = 6}, p);
	memset(p + n, 0x55, 14);
	give(l, p, n + 14);
	got = lab_read(l, &from);
	measured(a, got == 6, "%u bytes of 6, with 14 behind them", got);
}

static void pa_08(struct attack *a)
{
	struct lab *l = lab_new(NULL, false);
	uint32_t from;

	lab_passive(l);
	from = l->seq;
	SAY(l, .flags = TV_ACK | TV_URG, .urg = 0);
	SAY(l, .flags = TV_ACK | TV_URG, .urg = 0, .len = 100);
	SAY(l, .flags = TV_ACK | TV_URG, .urg = 0, .len = 1);
	must(a, lab_info(l).urgent_left == 0, "no urgent octet");
	measured(a, lab_read(l, &from) == 101, "101 bytes intact");
}

static void pa_09(struct attack *a)
{
	struct lab *l = lab_new(NULL, false);
	uint32_t from, got;

	lab_passive(l);
	from = l->seq;
	SAY(l, .flags = TV_ACK | TV_URG, .urg = 65535, .len = 1);
	got = lab_read(l, &from);
	SAY(l, .flags = TV_ACK, .len = 1000);
	got += lab_read(l, &from);
	measured(a, got == 1001, "%u of 1001 bytes readable at once", got);
}

static void pa_11(struct attack *a)
{
	uint64_t n = a->quick ? 100000 : 1000000, random = 1;
	static const uint8_t bad[] = {253, 0, 2, 255, 8, 10, 1, 1, 1, 1, 1, 1};
	struct lab *l = lab_new(NULL, false);
	static uint8_t p[200];
	struct said s = {0};

	lab_passive(l);
	for (uint64_t i = 0; i < n; i++) {
		static const uint16_t flags[] = {TV_ACK, TV_RST, TV_SYN, TV_FIN | TV_ACK};

		l->now += TV_US;
		give(l, p, build_raw(l, flags[i % 4], (int32_t)(lab_random(&random) << 1), bad, 12, p));
		if (i % 16 == 0)
			hear(l, &s);
	}
	measured(a, lab_info(l).state == TV_ESTABLISHED, "alive after %llu", (unsigned long long)n);
	measured(a, s.packets <= 2 * (n / 1000000 + 1), "%llu packets out", (unsigned long long)s.packets);
}

static void pa_12(struct attack *a)
{
	static const struct {
		uint8_t n, b[40];
	} list[] = {{4, {5, 3, 1, 1}}, {12, {5, 9, 0, 0, 0, 1, 0, 0, 0, 1, 1, 1}},
		{12, {5, 11, 0, 0, 0, 1, 0, 0, 0, 1, 0, 1}}, {4, {5, 2, 1, 1}},
		{12, {8, 9, 0, 0, 0, 1, 0, 0, 0, 1, 1, 1}}, {12, {8, 11, 0, 0, 0, 1, 0, 0, 0, 1, 0, 1}},
		{36, {5, 36}}};
	struct lab *l = lab_new(NULL, false);
	struct tv_info before, after;

	l->syn.has |= TV_OPT_HAS_SACK_OK;
	lab_passive(l);
	lab_send(l, 5000, 0);
	before = lab_info(l);
	for (unsigned i = 0; i < COUNT(list); i++) {
		static uint8_t p[200];

		give(l, p, build_raw(l, TV_ACK, 0, list[i].b, list[i].n, p));
	}
	after = lab_info(l);
	measured(a,
		before.bytes_sacked == after.bytes_sacked && before.bytes_lost == after.bytes_lost &&
			after.state == TV_ESTABLISHED,
		"%u bytes thought SACKed after %zu", after.bytes_sacked, COUNT(list));
}

const struct attack_case attack_parse[] = {
	{"PA-01", pa_01},
	{"PA-02", pa_02},
	{"PA-03", pa_03},
	{"PA-04", pa_04},
	{"PA-05", pa_05},
	{"PA-06", pa_06},
	{"PA-07", pa_07},
	{"PA-08", pa_08},
	{"PA-09", pa_09},
	{"PA-11", pa_11},
	{"PA-12", pa_12},
	{NULL, NULL},
};
