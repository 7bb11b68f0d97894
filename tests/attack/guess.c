/*
 * guess.c - numbers that nobody may guess: ISNs, ports, timestamps, IP identification.
 */
#include "attack.h"

#define SAMPLES 65536u
/* The chi-square distribution with 255 degrees of freedom exceeds this once in a thousand times. */
#define CHI_SQUARE_255 330.5

static struct lab *with_secret(uint8_t first)
{
	struct tv_config g;

	lab_config(&g);
	g.secret[0] = first;
	g.half_opens = 16;
	g.syn_cookies = TV_COOKIES_NEVER;
	return lab_new(&g, false);
}

/* The ISN that this tuple gets; the half-open record is reset, so that any number can be asked. */
static uint32_t isn_of(struct lab *l, struct tv_addr peer, uint16_t port)
{
	uint32_t isn;

	l->peer = peer;
	l->peer_port = port;
	SAY(l, .flags = TV_SYN, .stay = true);
	isn = lab_only(l, TV_SYN | TV_ACK)->seq;
	l->ack = isn + 1;
	SAY(l, .flags = TV_RST, .off = 1);
	return isn;
}

static double chi_square(const uint32_t *n, unsigned shift, unsigned samples)
{
	uint32_t bins[256] = {0};
	double expected = samples / 256.0, sum = 0;

	for (unsigned i = 0; i < samples; i++)
		bins[n[i] >> shift & 255]++;
	for (unsigned i = 0; i < 256; i++)
		sum += (bins[i] - expected) * (bins[i] - expected) / expected;
	return sum;
}

static int by_value(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static void uniform(struct attack *a, const uint32_t *n, unsigned samples, const char *what)
{
	double worst = 0;

	for (unsigned shift = 0; shift < 32; shift += 8) {
		double x = chi_square(n, shift, samples);

		worst = x > worst ? x : worst;
	}
	measured(a, worst < CHI_SQUARE_255, "%s: worst chi-square of 4 bytes %.0f", what, worst);
}

static void id_01(struct attack *a)
{
	unsigned samples = a->quick ? 8192 : SAMPLES, linear = 0, delta = 0, twice = 0;
	static uint32_t n[SAMPLES], sorted[SAMPLES];
	struct lab *l = with_secret(1);
	uint32_t before, first;
	uint64_t late = 0;

	lab_listen(l);
	for (unsigned i = 0; i < samples; i++)
		n[i] = isn_of(l, tv_addr_v4(10, 1, (uint8_t)(i >> 8), 7), (uint16_t)(1024 + (i & 255)));
	uniform(a, n, samples, "frozen clock");
	for (unsigned i = 2; i < samples; i++) {
		linear += n[i] - (2 * n[i - 1] - n[i - 2]) + 65536 < 131072;
		delta += n[i] - n[i - 1] + 65536 < 131072;
	}
	memcpy(sorted, n, sizeof n);
	qsort(sorted, samples, sizeof n[0], by_value);
	for (unsigned i = 1; i < samples; i++)
		twice += sorted[i] == sorted[i - 1];
	measured(a, linear <= 4 && delta <= 4, "predictors hit %u (linear) and %u (delta)", linear, delta);
	/* Of n numbers n^2 / 2^33 pairs agree; three more would happen once in a thousand times. */
	measured(a, twice <= 4, "%u equal, by birthday %.2f", twice, (double)samples * samples / 8589934592.0);
	before = first = isn_of(l, tv_addr_v4(10, 2, 0, 1), 1024);
	for (unsigned i = 1; i <= samples; i++) { /* the clock of 4 us, asked at each of them */
		uint32_t after;

		l->now += TV_US;
		after = isn_of(l, tv_addr_v4(10, 2, 0, 1), 1024);
		late += after - before > 1;
		before = after;
	}
	measured(a, late == 0 && before - first == samples / 4, "on one tuple %u steps in %u us", before - first, samples);
}

static void id_02(struct attack *a)
{
	unsigned n = a->quick ? 2000 : 100000, equal = 0;
	struct lab *l = with_secret(1), *m = with_secret(2);
	struct tv_config g;
	struct tv_stack *s;

	lab_listen(l);
	lab_listen(m);
	for (unsigned i = 0; i < n; i++) {
		struct tv_addr peer = tv_addr_v4(10, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i);

		equal += isn_of(l, peer, 5000) == isn_of(m, peer, 5000);
	}
	measured(a, equal == 0, "%u of %u ISNs equal", equal, n);
	g = l->cfg;
	memset(g.secret, 0, sizeof g.secret);
	memset(l->region, 0, l->bytes);
	measured(a, tv_stack_init(l->region, l->bytes, &g, 0, &s) == TV_ESECRET, "no secret: refused");
}

static uint16_t connect_port(struct lab *l, struct tv_addr to)
{
	struct tv_connect_config g;
	struct tv_info info = {.size = sizeof info};
	tv_handle h;
	int error;

	tv_connect_default(&g);
	g.remote.addr = to;
	g.remote.port = 443;
	do
		error = tv_connect(l->s, l->now, &g, &h, NULL);
	while (error == TV_AGAIN);
	assert_int_equal(error, TV_OK);
	assert_int_equal(tv_info(l->s, h, &info), TV_OK);
	tv_abort(l->s, l->now, h);
	tv_release(l->s, l->now, h);
	return info.local.port;
}

/* The attacker sees the ports towards himself, and guesses the hidden destination's next one from them. */
static void id_03(struct attack *a)
{
	unsigned n = a->quick ? 2000 : 10000, hits = 0, tries = 0;
	struct lab *l = lab_new(NULL, false);
	static uint8_t used[65536];
	unsigned distinct = 0;
	uint16_t last = 0;

	for (unsigned i = 0; i < n; i++) {
		uint16_t seen = connect_port(l, tv_addr_v4(192, 0, 2, 9)),
			 hidden = connect_port(l, tv_addr_v4(192, 0, 2, 10));

		l->now += TV_MS;
		for (int off = -1; off <= 1; off++, tries++)
			hits += hidden == (uint16_t)(seen + off);
		distinct += used[seen] == 0;
		used[seen] = 1;
		last = hidden;
	}
	(void)last;
	measured(a, (double)hits <= 0.001 * tries + 3, "%u of %u guesses right", hits, tries);
	must(a, distinct > n / 4, "many ports are used");
}

static uint32_t tsval_to(struct lab *l, struct tv_addr peer, uint16_t port)
{
	uint32_t ts;

	l->syn.has |= TV_OPT_HAS_TS;
	l->peer = peer;
	l->peer_port = port;
	SAY(l, .flags = TV_SYN, .stay = true);
	ts = lab_only(l, TV_SYN | TV_ACK)->opt.ts_val;
	SAY(l, .flags = TV_RST, .off = 1, .opt = &(struct tv_tcp_options){0});
	return ts;
}

static void id_04(struct attack *a)
{
	unsigned samples = a->quick ? 8192 : SAMPLES, back = 0, wrong = 0;
	uint64_t random = 1;
	static uint32_t n[SAMPLES];
	struct lab *l = with_secret(1);
	uint32_t before;

	lab_listen(l);
	for (unsigned i = 0; i < samples; i++)
		n[i] = tsval_to(l, tv_addr_v4(10, 1, (uint8_t)(i >> 8), (uint8_t)i), 5000);
	uniform(a, n, samples, "TSval to different addresses");
	for (unsigned i = samples - 1; i > 0; i--)
		n[i] -= n[i - 1];
	uniform(a, n + 1, samples - 1, "its differences");
	before = tsval_to(l, tv_addr_v4(10, 3, 0, 1), 5000);
	for (unsigned i = 0; i < 1000; i++) {
		uint32_t now;

		l->now += TV_MS / 2;
		now = tsval_to(l, tv_addr_v4(10, 3, 0, 1), (uint16_t)(5000 + i % 2));
		back += now - before >= 2;
		before = now;
	}
	measured(a, back == 0, "to one address %u of 1000 went back", back);
	before = tsval_to(l, tv_addr_v4(10, 3, 0, 2), 5000);
	for (unsigned i = 0; i < 1000; i++) { /* one connection after the other, minutes apart */
		tv_time gap = 1 + lab_random(&random) % 600000;
		uint32_t now;

		l->now += gap * TV_MS;
		hear(l, &(struct said){0});
		now = tsval_to(l, tv_addr_v4(10, 3, 0, 2), 5000);
		wrong += now - before != (uint32_t)gap;
		before = now;
	}
	measured(a, wrong == 0, "on one tuple %u of 1000 differ from the time between", wrong);
}

static void id_05(struct attack *a)
{
	struct lab *l = lab_new(NULL, false);
	unsigned bad = 0, n = 0;

	lab_passive(l);
	lab_send(l, 60000, 0);
	for (unsigned round = 0; round < 5; round++) {
		for (unsigned i = 0; i < l->count; i++, n++) {
			const uint8_t *p = l->heard[i].bytes;

			bad += (p[6] & 0xe0) != 0x40 || tv_load16(p + 4) != 0; /* DF alone, ID 0 (RFC 6864) */
		}
		l->ack = lab_info(l).snd_nxt;
		SAY(l, .flags = TV_ACK);
	}
	measured(a, bad == 0 && n > 20, "%u of %u packets with another ID than 0 or without DF", bad, n);
}

static void id_06(struct attack *a)
{
	uint8_t echo[28] = {0x45, 0, 0, 28, 0, 0, 0x40, 0, 64, 1}, packet[200];
	struct lab *l = lab_new(NULL, false);
	struct tv_icmp_error e = {.src = tv_addr_v4(192, 0, 2, 254),
		.dst = l->us,
		.type = 3,
		.code = 4,
		.ttl = 64,
		.value = 552,
		.quoted = echo,
		.quoted_len = sizeof echo};
	unsigned bad = 0;
	uint8_t *copy;

	lab_passive(l);
	lab_send(l, 5000, 0);
	copy = memory_copy(l);
	memcpy(echo + 12, l->us.b + 12, 4);
	memcpy(echo + 16, l->peer.b + 12, 4);
	for (unsigned i = 0; i < 1000; i++)
		give(l, packet, tv_icmp_build_error(packet, sizeof packet, &e));
	measured(a, memory_same(l, copy), "1000 forged ICMP errors changed nothing");
	lab_send(l, 20000, 0);
	for (unsigned i = 0; i < l->count; i++)
		bad += (l->heard[i].bytes[6] & 0x40) == 0;
	measured(a, bad == 0, "%u segments without DF", bad);
}

/* Each use of the secret has a key of its own. */
static void id_07(struct attack *a)
{
	struct lab *l = lab_new(NULL, false);
	const struct tv_core *c = &l->s->core;
	const struct tv_sipkey *keys[] = {&c->key_isn, &c->key_port, &c->key_stamp, &c->key_rate, &c->key_cookie};
	unsigned equal = 0;

	for (unsigned i = 0; i < COUNT(keys); i++)
		for (unsigned k = 0; k < i; k++)
			equal += tv_siphash(keys[i], "the same input", 14) ==
				tv_siphash(keys[k], "the same input", 14);
	measured(a, equal == 0, "%u of 10 pairs of outputs equal, for ISN, port, timestamp, rates, cookie", equal);
}

const struct attack_case attack_guess[] = {
	{"ID-01", id_01},
	{"ID-02", id_02},
	{"ID-03", id_03},
	{"ID-04", id_04},
	{"ID-05", id_05},
	{"ID-06", id_06},
	{"ID-07", id_07},
	{NULL, NULL},
};
