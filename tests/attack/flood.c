/*
 * flood.c - floods at the door: SYNs, forged cookies, ACKs, reflection.
 */
#include "attack.h"

#define LINUX_SYN (TV_OPT_HAS_MSS | TV_OPT_HAS_SACK_OK | TV_OPT_HAS_TS | TV_OPT_HAS_WSCALE)

static struct lab *door(enum tv_cookies mode, uint32_t backlog)
{
	struct tv_listen_config listen;
	struct tv_config g;
	struct lab *l;

	lab_config(&g);
	g.syn_cookies = mode;
	g.half_opens = 2048;
	l = lab_new(&g, false);
	l->syn.has = LINUX_SYN;
	l->syn.wscale = 7;
	tv_listen_default(&listen);
	listen.port_first = listen.port_last = l->port;
	listen.backlog = backlog;
	assert_int_equal(tv_listen(l->s, l->now, &listen, &l->listener), TV_OK);
	return l;
}

/* Somebody else from now on. */
static void stranger(struct lab *l, uint64_t *random)
{
	uint32_t host = lab_random(random);

	l->peer = tv_addr_v4(10, (uint8_t)(host >> 16), (uint8_t)(host >> 8), (uint8_t)(host | 1));
	l->peer_port = (uint16_t)(1024 + lab_random(random) % 60000);
	l->seq = lab_random(random) << 1;
}

/* The peer that l is now: SYN, ACK; true: there is a connection, which is then ended. */
static bool handshake(struct lab *l)
{
	struct tv_tcp_options o = {.has = TV_OPT_HAS_TS, .ts_val = l->tsval};
	struct tv_segment answer;
	bool open;

	if (SAY(l, .flags = TV_SYN) != TV_V_OK || l->count == 0)
		return false;
	answer = *lab_last(l);
	l->ack = answer.seq + 1;
	o.ts_ecr = answer.opt.ts_val;
	SAY(l, .flags = TV_ACK, .opt = &o);
	if (tv_accept(l->s, l->now, l->listener, &l->conn) != TV_OK)
		return false;
	open = lab_info(l).state == TV_ESTABLISHED;
	tv_abort(l->s, l->now, l->conn);
	tv_release(l->s, l->now, l->conn);
	lab_hear(l);
	return open;
}

/* Pages of the stack's memory that hold something. */
static uint64_t pages_in_use(const struct lab *l)
{
	static const uint8_t nothing[4096];
	uint64_t n = 0;

	for (size_t i = 0; i < l->bytes; i += 4096)
		n += memcmp((uint8_t *)l->region + i, nothing, 4096) != 0;
	return n;
}

static void fl_01(struct attack *a)
{
	uint64_t random = 1, syns = a->quick ? 1000000 : 10000000, honest = 0, served = 0, before = 0, drawn = 7;
	struct lab *l = door(TV_COOKIES_AUTO, 1024);
	struct tv_counters c;
	struct said s = {0};

	for (uint64_t i = 0; i < syns; i++) {
		stranger(l, &random);
		l->now += 10 * TV_US;
		TOSS(l, .flags = TV_SYN, .stay = true);
		if (i % 16 == 15)
			hear(l, &s);
		if (i % 10000 != 9999)
			continue;
		stranger(l, &drawn);
		l->peer.b[12] = 198;
		honest++;
		served += handshake(l);
		if (i == 19999)
			before = pages_in_use(l);
	}
	hear(l, &s);
	c = lab_counters(l);
	measured(a, pages_in_use(l) == before, "memory grew by %lld bytes",
		(long long)(pages_in_use(l) - before) * 4096);
	measured(a, c.half_opens <= 1024, "%u half-open records of 1024", c.half_opens);
	measured(a, served == honest, "%llu of %llu honest peers served", (unsigned long long)served,
		(unsigned long long)honest);
	measured(a, s.syn_acks - c.syn_retransmissions <= syns,
		"%.4f SYN-ACKs for each SYN, but for the records' timers",
		(double)(s.syn_acks - c.syn_retransmissions) / (double)syns);
}

static void fl_02(struct attack *a)
{
	struct lab *l = door(TV_COOKIES_NEVER, 16);
	uint64_t random = 1, most = 0;
	struct said s = {0};
	tv_time end;

	for (unsigned i = 0; i < 100000; i++) {
		stranger(l, &random);
		l->now += TV_MS;
		TOSS(l, .flags = TV_SYN, .stay = true);
		hear(l, &s);
		most = lab_counters(l).half_opens > most ? lab_counters(l).half_opens : most;
	}
	end = l->now;
	do {
		lab_wait(l, TV_S);
		stranger(l, &random);
	} while (!handshake(l) && l->now < end + 100 * TV_S);
	measured(a, most <= 16, "%llu half-open records of 16", (unsigned long long)most);
	measured(a, l->now - end <= 63 * TV_S, "service back after %.0f s", (double)(l->now - end) / 1e9);
}

/* How many of the SYN-ACKs that a tuple can get, one for each profile and period, are accepted; how many random
 * numbers are. */
static void fl_03(struct attack *a)
{
	static const struct tv_tcp_options syns[8] = {{.has = TV_OPT_HAS_MSS, .mss = 48},
		{.has = TV_OPT_HAS_MSS, .mss = 536}, {.has = TV_OPT_HAS_MSS, .mss = 1460},
		{.has = 7, .mss = 1220, .wscale = 2}, {.has = 7, .mss = 1360, .wscale = 7},
		{.has = 7, .mss = 1440, .wscale = 8}, {.has = 7, .mss = 1460, .wscale = 8},
		{.has = 7, .mss = 8960, .wscale = 8}};
	uint64_t random = 5, tries = a->quick ? 1u << 20 : 1u << 24, hits = 0;
	struct lab *l = door(TV_COOKIES_ALWAYS, 64);
	uint32_t valid[16], distinct = 0, accepted = 0;
	struct tv_tcp_options none = {0};
	struct said s = {0};

	l->now += 64 * TV_S - l->now % (64 * TV_S) + 10 * TV_S;
	for (unsigned i = 0; i < 16; i++, l->now += i == 8 ? 64 * TV_S : 0) {
		l->syn = syns[i % 8];
		SAY(l, .flags = TV_SYN, .stay = true);
		valid[i] = lab_last(l)->seq;
		distinct++;
		for (unsigned k = 0; k < i; k++)
			distinct -= valid[k] == valid[i];
	}
	l->seq++;
	for (uint64_t i = 0; i < tries; i++) {
		l->ack = lab_random(&random) ^ lab_random(&random) << 16;
		hits += TOSS(l, .flags = TV_ACK, .opt = &none, .stay = true) == TV_V_OK;
		if (i % 16 == 0)
			hear(l, &s);
	}
	for (unsigned i = 0; i < 16; i++) {
		l->ack = valid[i] + 1;
		accepted += SAY(l, .flags = TV_ACK, .opt = &none, .stay = true) == TV_V_OK;
		if (tv_accept(l->s, l->now, l->listener, &l->conn) == TV_OK) {
			tv_abort(l->s, l->now, l->conn);
			tv_release(l->s, l->now, l->conn);
			lab_hear(l);
		}
	}
	measured(a, distinct <= 16 && accepted == distinct, "%u of 2^32 numbers are good for a tuple: odds 2^-28",
		accepted);
	measured(a, hits <= 1, "%llu of %llu random ones accepted", (unsigned long long)hits,
		(unsigned long long)tries);
	l = door(TV_COOKIES_AUTO, 1024);
	l->ack = valid[15] + 1;
	measured(a, TOSS(l, .flags = TV_ACK, .opt = &none) == TV_V_LISTEN_ACK && lab_counters(l).cookies_refused == 0,
		"not looked at without an overflow");
}

/* A cookie, then the ACK after `wait` with something changed; is it taken? */
static bool late_ack(tv_time wait, unsigned change)
{
	struct lab *l = door(TV_COOKIES_ALWAYS, 64);
	struct tv_tcp_options o = {.has = TV_OPT_HAS_TS};
	struct tv_listen_config listen;
	tv_handle second;

	tv_listen_default(&listen);
	listen.port_first = listen.port_last = 81;
	assert_int_equal(tv_listen(l->s, l->now, &listen, &second), TV_OK);
	SAY(l, .flags = TV_SYN);
	l->ack = lab_last(l)->seq + 1;
	o.ts_ecr = lab_last(l)->opt.ts_val;
	lab_sleep(l, wait);
	l->port = 81;
	SAY(l, .flags = TV_SYN, .stay = true); /* so that both listeners look at cookies */
	l->port = 80;
	l->peer_port++;
	SAY(l, .flags = TV_SYN, .stay = true);
	l->peer_port--;
	l->peer_port ^= change == 1;
	l->port ^= change == 2;
	l->peer.b[15] ^= change == 3;
	l->seq += change == 4;
	if (change == 5) {
		uint8_t secret[32] = {1};

		assert_int_equal(tv_reseed(l->s, l->now, secret), TV_OK);
	}
	return SAY(l, .flags = TV_ACK, .opt = &o) == TV_V_OK;
}

static void fl_04(struct attack *a)
{
	static const tv_time ages[] = {128, 129, 200, 300, 3600};
	unsigned old = 0, other = 0;

	for (unsigned i = 0; i < COUNT(ages); i++)
		old += late_ack(ages[i] * TV_S, 0);
	for (unsigned change = 1; change <= 5; change++)
		other += late_ack(0, change);
	must(a, late_ack(0, 0) && late_ack(62 * TV_S, 0), "a cookie counts when it is new");
	measured(a, old == 0, "%u of %zu accepted at 128 s and more", old, COUNT(ages));
	measured(a, other == 0, "%u of 5 with one field changed", other);
}

static void fl_05(struct attack *a)
{
	unsigned exact = 0, all = 0, up = 0, rounded = 0;
	uint64_t random = 3;

	for (unsigned i = 0; i < 64 + 2000; i++) {
		struct lab *l = door(TV_COOKIES_ALWAYS, 64);
		struct tv_tcp_options o = {0};
		bool ts = i < 64;

		l->syn.has = TV_OPT_HAS_MSS | (ts ? TV_OPT_HAS_TS : 0);
		l->syn.wscale = (uint8_t)(ts ? i % 16 : lab_random(&random) % 15);
		l->syn.has |= ts ? (l->syn.wscale < 15 ? TV_OPT_HAS_WSCALE : 0) : (lab_random(&random) & 1) << 1;
		l->syn.has |= (ts ? i >> 4 & 1 : lab_random(&random) & 1) != 0 ? TV_OPT_HAS_SACK_OK : 0;
		l->syn.mss = ts ? (i >> 5 != 0 ? 1460 : 1440) : (uint16_t)(48 + lab_random(&random) % 2000);
		SAY(l, .flags = TV_SYN);
		l->ack = lab_last(l)->seq + 1;
		o.has = ts ? TV_OPT_HAS_TS : 0;
		o.ts_ecr = lab_last(l)->opt.ts_val;
		SAY(l, .flags = TV_ACK, .opt = &o);
		if (tv_accept(l->s, l->now, l->listener, &l->conn) == TV_OK) {
			struct tv_info info = lab_info(l);
			bool scale = (l->syn.has & TV_OPT_HAS_WSCALE) != 0,
			     sack = (l->syn.has & TV_OPT_HAS_SACK_OK) != 0;

			all += ts;
			rounded += !ts;
			exact += ts && info.window_scale == scale && info.sack == sack &&
				info.mss_peer == l->syn.mss && info.snd_scale == (scale ? l->syn.wscale : 0);
			up += info.mss_peer > l->syn.mss || info.sack > sack || info.window_scale > scale ||
				info.snd_scale > (scale ? l->syn.wscale : 0);
		}
		lab_free(l);
	}
	measured(a, exact == 64 && all == 64, "with timestamps %u of 64 exact", exact);
	measured(a, up == 0 && rounded == 2000, "%u of %u rounded upward", up, rounded);
}

static void fl_06(struct attack *a)
{
	uint64_t random = 1, n = a->quick ? 1000000 : 10000000;
	struct lab *l = door(TV_COOKIES_AUTO, 1024);
	struct said s = {0};
	double seconds;
	tv_time start = l->now;

	for (uint64_t i = 0; i < n; i++) {
		l->peer_port = (uint16_t)(1024 + lab_random(&random) % 60000);
		l->ack = lab_random(&random);
		l->now += TV_US;
		TOSS(l, .flags = TV_ACK, .stay = true);
		if (i % 16 == 0)
			hear(l, &s);
	}
	seconds = (double)(l->now - start) / 1e9;
	measured(a, (double)s.resets <= 100 * (seconds + 1), "%llu RSTs to one prefix in %.0f s",
		(unsigned long long)s.resets, seconds);
	measured(a, lab_counters(l).cookies_refused == 0, "0 hashes for %llu ACKs", (unsigned long long)n);
}

static void fl_07(struct attack *a)
{
	struct lab *l = door(TV_COOKIES_NEVER, 64);
	static uint8_t p[200];
	uint32_t in = lab_build(l, &(struct say){.flags = TV_SYN}, p);
	struct said normal = {0}, flood = {0}, after = {0};

	give(l, p, in);
	for (unsigned i = 0; i < 700; i++, l->now += TV_S / 10)
		hear(l, &normal);
	lab_free(l);
	l = door(TV_COOKIES_ALWAYS, 64);
	give(l, p, in);
	for (unsigned i = 0; i < 700; i++, l->now += TV_S / 10)
		hear(l, &flood);
	lab_free(l);
	l = door(TV_COOKIES_NEVER, 64);
	SAY(l, .flags = TV_SYN);
	l->ack = lab_last(l)->seq + 1;
	SAY(l, .flags = TV_RST);
	for (unsigned i = 0; i < 700; i++, l->now += TV_S / 10)
		hear(l, &after);
	measured(a, (double)normal.bytes / in <= 6, "%.2f bytes out for one in", (double)normal.bytes / in);
	measured(a, (double)flood.bytes / in <= 1.2, "%.2f with cookies", (double)flood.bytes / in);
	measured(a, after.packets == 0, "%llu packets after a RST", (unsigned long long)after.packets);
}

static void fl_08(struct attack *a)
{
	uint64_t random = 1, n = a->quick ? 100000 : 1000000, worse = 0, text = 0;
	struct tv_config g;
	struct lab *l;

	lab_config(&g);
	g.rst_per_second = g.replies_per_second = 0; /* each one is answered that ever would be */
	l = lab_new(&g, false);
	lab_listen(l);
	for (uint64_t i = 0; i < n; i++) {
		static uint8_t p[2000];
		struct say say = {.len = lab_random(&random) % 400};
		struct said s = {0};
		uint32_t in;

		stranger(l, &random);
		l->port = i % 3 == 0 ? 80 : (uint16_t)lab_random(&random);
		l->ack = lab_random(&random);
		say.flags = lab_random(&random) & 0x1ff;
		/* A SYN to a listener gets a SYN-ACK with its options; FL-07 is about that. Here it carries text. */
		if ((say.flags & (TV_SYN | TV_ACK | TV_RST)) == TV_SYN)
			say.len |= 4;
		in = lab_build(l, &say, p);
		l->now += TV_MS;
		give(l, p, in);
		hear(l, &s);
		worse += s.bytes > in && lab_counters(l).syn_retransmissions == 0;
		text += s.text;
		if (lab_counters(l).half_opens != 0) { /* what its timer says later is not about this packet */
			l->ack = 0;
			tv_close(l->s, l->now, l->listener);
			lab_listen(l);
			hear(l, &s);
		}
	}
	measured(a, worse == 0, "%llu of %llu answers longer than what they answer", (unsigned long long)worse,
		(unsigned long long)n);
	measured(a, text == 0, "%llu bytes of text", (unsigned long long)text);
}

static void fl_09(struct attack *a)
{
	uint64_t random = 1, n = a->quick ? 100000 : 1000000;
	struct lab *l = lab_new(NULL, false);
	struct said s = {0};
	tv_time start = l->now;

	for (uint64_t i = 0; i < n; i++) {
		stranger(l, &random);
		l->port = (uint16_t)lab_random(&random);
		l->now += 10 * TV_S / n;
		TOSS(l, .flags = TV_SYN, .stay = true);
		if (i % 16 == 0)
			hear(l, &s);
	}
	hear(l, &s);
	measured(a, s.resets <= 1000 * ((l->now - start) / TV_S + 1), "%llu RSTs in %.0f s",
		(unsigned long long)s.resets, (double)(l->now - start) / 1e9);
	measured(a, s.bytes <= 40 * s.packets, "%.0f bytes each", (double)s.bytes / (double)s.packets);
}

const struct attack_case attack_flood[] = {
	{"FL-01", fl_01},
	{"FL-02", fl_02},
	{"FL-03", fl_03},
	{"FL-04", fl_04},
	{"FL-05", fl_05},
	{"FL-06", fl_06},
	{"FL-07", fl_07},
	{"FL-08", fl_08},
	{"FL-09", fl_09},
	{NULL, NULL},
};
