/*
 * flood.c - makes the packets of floods, and two benchmarks of SYN cookies in memory.
 *
 * syn-cookie, syn-cookie-v6: every SYN is answered with a cookie: checksums verified and made, options
 * parsed. Each answer is counted, and all that one round of packets gets is read and compared.
 * cookie-ack: final ACKs that carry a cookie make connections. The time is that of tv_input() alone.
 */
#include "flood.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wire/csum.h"
#include "wire/segment.h"

#define PORT 80

struct tv_addr flood_target(bool v6)
{
	struct tv_addr six = {{0x20, 1, 0xd, 0xb8, [15] = 2}};

	return v6 ? six : bench_addr(2);
}

static uint64_t random_next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	return *state ^= *state << 17;
}

/* Headers and options behind each other, with both checksums; returns the length. */
static uint32_t build(uint8_t *p, const struct tv_endpoint *from, const struct tv_endpoint *to,
	struct tv_tcp_header *h, const struct tv_tcp_options *o)
{
	bool v6 = !tv_addr_is_v4(&to->addr);
	uint32_t head = tv_ip_header_len(v6);
	uint8_t *tcp = p + head;
	uint64_t sum;

	h->sport = from->port;
	h->dport = to->port;
	h->header_len = (uint16_t)(20 + tv_tcp_opt_build(tcp + 20, o));
	tv_tcp_header_build(tcp, h);
	tv_ip_build(p, &from->addr, &to->addr, TV_PROTO_TCP, h->header_len, 64, 0);
	sum = tv_csum_pseudo(&from->addr, &to->addr, v6, TV_PROTO_TCP, h->header_len);
	tv_csum_store(tcp + 16, tv_csum_add(sum, tcp, h->header_len));
	return head + h->header_len;
}

static void fill(struct flood *f)
{
	struct tv_tcp_options o = {.has = TV_OPT_HAS_MSS | TV_OPT_HAS_SACK_OK | TV_OPT_HAS_TS | TV_OPT_HAS_WSCALE};
	struct tv_endpoint to = {.addr = flood_target(f->v6), .port = f->port};

	o.mss = f->v6 ? 1440 : 1460;
	o.wscale = 7;
	for (uint32_t i = 0; i < FLOOD_SYNS; i++) {
		struct tv_tcp_header h = {.seq = (uint32_t)random_next(&f->random), .flags = TV_SYN, .wnd = 64240};
		struct tv_endpoint from = {.addr = to.addr, .port = (uint16_t)(1024 + random_next(&f->random) % 60000)};
		uint64_t host = random_next(&f->random);

		memcpy(from.addr.b + (f->v6 ? 8 : 13), &host, f->v6 ? 8 : 3); /* 10.a.b.c, 2001:db8::x */
		from.addr.b[f->v6 ? 8 : 13] |= 1;
		o.ts_val = (uint32_t)random_next(&f->random);
		f->packets[i].data = f->bytes[i];
		f->packets[i].len = build(f->bytes[i], &from, &to, &h, &o);
	}
}

void flood_init(struct flood *f, bool v6, uint16_t port, bool flip)
{
	memset(f, 0, sizeof *f);
	f->v6 = v6;
	f->port = port;
	f->random = 88172645463325252ull;
	f->flip_at = flip ? 1000 : UINT64_MAX;
	fill(f);
}

const struct tv_packet *flood_next(struct flood *f, unsigned n)
{
	struct tv_packet *first;

	if (f->at + n > FLOOD_SYNS) {
		f->at = 0;
		if (f->fresh)
			fill(f);
	}
	first = &f->packets[f->at];
	if (f->sent >= f->flip_at) {
		first->data[first->len - 1] ^= 1;
		f->flip_at = UINT64_MAX;
	}
	f->at += n;
	f->sent += n;
	return first;
}

uint32_t flood_answer(const struct tv_packet *syn_ack, uint8_t *p)
{
	struct tv_endpoint from, to;
	struct tv_tcp_options o = {.has = TV_OPT_HAS_TS};
	struct tv_tcp_header h = {.flags = TV_ACK, .wnd = 502};
	struct tv_segment s;
	struct tv_ip ip;

	if (tv_ip_parse(&ip, syn_ack->data, syn_ack->len) != TV_V_OK ||
		tv_segment_parse(&s, &ip, 0, 0, TV_ARCH_PORTABLE) != TV_V_OK || s.flags != (TV_SYN | TV_ACK) ||
		s.len != 0 || (s.opt.has & 15) != 15 || s.opt.mss != (ip.v6 ? 1440 : 1460))
		return 0;
	tv_key_remote(&s.key, &to);
	tv_key_local(&s.key, &from);
	h.seq = s.ack;
	h.ack = s.seq + 1;
	o.ts_val = s.opt.ts_ecr;
	o.ts_ecr = s.opt.ts_val;
	return build(p, &from, &to, &h, &o);
}

/* ---- syn-cookie ---- */
static struct side begin(bool v6, uint32_t connections, tv_time now, tv_handle *listener)
{
	struct tv_addr ours = flood_target(v6);
	struct tv_listen_config listen;
	struct tv_config config;
	struct side s;

	bench_config(&config, 2);
	config.syn_cookies = TV_COOKIES_ALWAYS;
	config.connections = connections;
	s = bench_stack(&config, 2, 1500);
	if (v6 && tv_address_add(s.stack, now, 0, &ours, 64) != TV_OK)
		bench_die("no address");
	tv_listen_default(&listen);
	listen.port_first = listen.port_last = PORT;
	listen.backlog = 4096;
	if (tv_listen(s.stack, now, &listen, listener) != TV_OK)
		bench_die("cannot listen");
	return s;
}

/* A batch of SYNs in, the answers out. */
static unsigned answer(struct side *s, struct flood *f, struct wire *w, tv_time now)
{
	tv_input(s->stack, now, flood_next(f, BENCH_BATCH), BENCH_BATCH, NULL);
	return tv_output(s->stack, now, TV_ANY_LINK, w->packets, BENCH_BATCH);
}

static struct result syn_cookie(const struct options *o, bool v6)
{
	uint64_t want = o->quick ? 2000000 : 20000000, answers = 0, right = 0;
	static struct flood f;
	struct result r = {0};
	struct tv_counters c = {.size = sizeof c};
	tv_time now = TV_S;
	tv_handle listener;
	struct wire w;
	uint8_t ack[FLOOD_ROOM];
	double start;
	struct side s = begin(v6, 16, now, &listener);

	flood_init(&f, v6, PORT, o->self_test);
	wire_init(&w, false);
	for (uint32_t i = 0; i < FLOOD_SYNS; i += BENCH_BATCH)
		for (unsigned n = answer(&s, &f, &w, now); n > 0; n--)
			right += flood_answer(&w.packets[n - 1], ack) != 0;
	start = cpu_seconds();
	for (uint64_t i = 0; i < want; i += BENCH_BATCH, now += TV_US)
		answers += answer(&s, &f, &w, now);
	r.value = (double)answers / (cpu_seconds() - start) / 1e6;
	tv_counters(s.stack, &c);
	r.ok = right == FLOOD_SYNS && answers == want && c.cookies_sent == f.sent && c.half_opens + c.connections == 0;
	snprintf(r.detail, sizeof r.detail, "\"answers\": %llu, \"read\": %llu", (unsigned long long)answers,
		(unsigned long long)right);
	wire_free(&w);
	bench_stack_free(&s);
	return r;
}

static struct result syn_cookie_4(const struct options *o)
{
	return syn_cookie(o, false);
}

static struct result syn_cookie_6(const struct options *o)
{
	return syn_cookie(o, true);
}

/* ---- cookie-ack ---- */
#define AMONG 1000u
#define ROUND 2048u

/* The final ACKs of ROUND handshakes that have come so far. */
static unsigned make_acks(struct side *s, struct flood *f, struct wire *w, struct flood *acks, tv_time now)
{
	unsigned made = 0;

	for (uint32_t i = 0; i < ROUND; i += BENCH_BATCH)
		for (unsigned n = answer(s, f, w, now), k = 0; k < n; k++) {
			acks->packets[made].data = acks->bytes[made];
			acks->packets[made].len = flood_answer(&w->packets[k], acks->bytes[made]);
			made += acks->packets[made].len != 0;
		}
	return made;
}

/* Accepts what waits, and ends it unless it is one of the first AMONG; returns how many there were. */
static unsigned accept_all(struct side *s, tv_handle listener, tv_time now, unsigned keep)
{
	struct tv_info info = {.size = sizeof info};
	unsigned n = 0;
	tv_handle h;

	for (; tv_accept(s->stack, now, listener, &h) == TV_OK; n++) {
		if (tv_info(s->stack, h, &info) != TV_OK || !info.from_cookie || info.state != TV_ESTABLISHED)
			bench_die("not a connection from a cookie");
		if (n < keep)
			continue;
		tv_abort(s->stack, now, h);
		tv_release(s->stack, now, h);
	}
	return n;
}

static void drain(struct side *s, struct wire *w, tv_time now)
{
	struct tv_event e;

	while (tv_output(s->stack, now, TV_ANY_LINK, w->packets, BENCH_BATCH) != 0)
		;
	while (tv_event(s->stack, &e))
		;
}

static struct result cookie_ack(const struct options *o)
{
	uint64_t rounds = o->quick ? 200 : 2000, made = 0, taken = 0;
	static struct flood f, acks;
	struct result r = {0};
	struct tv_counters c = {.size = sizeof c};
	tv_time now = TV_S;
	double seconds = 0;
	tv_handle listener;
	struct wire w;
	struct side s = begin(false, AMONG + ROUND, now, &listener);

	flood_init(&f, false, PORT, false);
	wire_init(&w, false);
	for (uint64_t i = 0; i <= rounds; i++, now += TV_MS) {
		unsigned n = make_acks(&s, &f, &w, &acks, now);
		double start = cpu_seconds();

		if (o->self_test && i == 1)
			acks.bytes[7][30] ^= 1;
		for (unsigned k = 0; k < n; k += BENCH_BATCH)
			tv_input(s.stack, now, &acks.packets[k], BENCH_BATCH, NULL);
		seconds += i == 0 ? 0 : cpu_seconds() - start;
		made += n;
		n = accept_all(&s, listener, now, i == 0 ? AMONG : 0);
		taken += n;
		drain(&s, &w, now);
		f.at = ROUND; /* those that stay have the tuples before it */
	}
	r.value = (double)(taken - ROUND) / seconds / 1e6;
	tv_counters(s.stack, &c);
	r.ok = made == (rounds + 1) * ROUND && taken == made && c.cookies_accepted == made && c.cookies_refused == 0 &&
		c.connections == AMONG;
	snprintf(r.detail, sizeof r.detail, "\"connections\": %u, \"accepted\": %llu", c.connections,
		(unsigned long long)taken);
	wire_free(&w);
	bench_stack_free(&s);
	return r;
}

const struct bench syn_cookie_4_bench = {"syn-cookie", "M/s", false, true, syn_cookie_4};
const struct bench syn_cookie_6_bench = {"syn-cookie-v6", "M/s", false, true, syn_cookie_6};
const struct bench cookie_ack_bench = {"cookie-ack", "M/s", false, true, cookie_ack};
