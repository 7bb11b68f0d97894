/*
 * fastopen.c - attacks on Fast Open: floods with a cookie, cookies that belong to somebody else, cookies of every form.
 */
#include "attack.h"

#define TEXT 100u

static const uint8_t old_key[16] = {1}, new_key[16] = {2}, newer_key[16] = {3};

/* A server with Fast Open, and nobody who has been there. */
static struct lab *server(uint32_t pending)
{
	struct tv_listen_config listen;
	struct tv_config g;
	struct lab *l;

	lab_config(&g);
	g.connections = 4096;
	g.half_opens = 4096;
	g.syn_cookies = TV_COOKIES_NEVER;
	l = lab_new(&g, false);
	tv_listen_default(&listen);
	listen.port_first = listen.port_last = l->port;
	listen.backlog = 2048;
	listen.fastopen = pending;
	assert_int_equal(tv_listen(l->s, l->now, &listen, &l->listener), TV_OK);
	return l;
}

/* What a SYN of the peer carries that has been given this cookie. */
static struct tv_tcp_options with_cookie(const uint8_t cookie[8])
{
	struct tv_tcp_options o = {.has = TV_OPT_HAS_MSS | TV_OPT_HAS_FASTOPEN, .mss = 1460, .cookie_len = 8};

	memcpy(o.cookie, cookie, 8);
	return o;
}

/* An ordinary visit of the peer that l is now, which is over afterwards. */
static void ask(struct lab *l, uint8_t cookie[8])
{
	struct tv_tcp_options o = {.has = TV_OPT_HAS_MSS | TV_OPT_HAS_FASTOPEN, .mss = 1460};
	const struct tv_segment *answer;

	SAY(l, .flags = TV_SYN, .opt = &o);
	answer = lab_only(l, TV_SYN | TV_ACK);
	assert_int_equal(answer->opt.cookie_len, 8);
	memcpy(cookie, answer->opt.cookie, 8);
	l->ack = answer->seq + 1;
	SAY(l, .flags = TV_RST);
	l->seq += 100000;
	l->peer_port++;
}

/* All that can be accepted now: connections, and the octets that can be read from them. */
static unsigned accept_all(struct lab *l, uint64_t *text)
{
	uint8_t room[4096];
	unsigned n = 0;
	tv_handle h;

	while (tv_accept(l->s, l->now, l->listener, &h) == TV_OK) {
		int64_t got = tv_recv(l->s, l->now, h, room, sizeof room, 0);

		*text += got > 0 ? (uint64_t)got : 0;
		n++;
	}
	return n;
}

/* SYNs with text and a good cookie, each from another port. Each that opened a connection is reset if asked. */
static unsigned flood(struct lab *l, const uint8_t cookie[8], unsigned syns, bool reset, uint64_t *text)
{
	struct tv_tcp_options o = with_cookie(cookie);
	unsigned opened = 0, before;
	struct said s = {0};

	for (unsigned i = 0; i < syns; i++) {
		l->peer_port++;
		l->now += 100 * TV_US;
		TOSS(l, .flags = TV_SYN, .opt = &o, .len = TEXT);
		hear(l, &s);
		before = opened;
		opened += accept_all(l, text);
		if (reset && opened > before)
			TOSS(l, .flags = TV_RST, .off = 1 + (int32_t)TEXT, .stay = true);
	}
	return opened;
}

static void fl_28(struct attack *a)
{
	unsigned syns = a->quick ? 2000 : 20000, opened, later;
	struct lab *l = server(TV_FASTOPEN_PENDING);
	uint64_t text = 0, more = 0, none = 0;
	uint8_t cookie[8];

	ask(l, cookie);
	opened = flood(l, cookie, syns, false, &text);
	measured(a, opened <= TV_FASTOPEN_PENDING && text == (uint64_t)opened * TEXT,
		"%u pending of %u SYNs, %llu octets delivered before an ACK", opened, syns, (unsigned long long)text);
	must(a, opened == TV_FASTOPEN_PENDING, "the limit is used");
	lab_free(l);

	l = server(TV_FASTOPEN_PENDING);
	ask(l, cookie);
	opened = flood(l, cookie, syns, true, &more);
	measured(a, opened <= TV_FASTOPEN_PENDING, "%u when each is reset at once", opened);
	lab_wait(l, 50 * TV_S);
	later = flood(l, cookie, 100, false, &none);
	measured(a, later == 0, "%u in the minute after it", later);
	lab_wait(l, 120 * TV_S);
	later = flood(l, cookie, 100, false, &none);
	must(a, later == 100, "two minutes later there is room again");
	lab_free(l);
}

/* A cookie that was given to one address, shown by others. */
static void stolen(struct attack *a)
{
	unsigned tries = a->quick ? 1u << 17 : 1u << 20;
	struct lab *l = server(TV_FASTOPEN_PENDING);
	struct tv_tcp_options o;
	uint64_t text = 0;
	struct said s = {0};
	uint8_t cookie[8];

	ask(l, cookie);
	o = with_cookie(cookie);
	for (unsigned i = 0; i < tries; i++) {
		l->peer = tv_addr_v4(11, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i);
		l->now += 100 * TV_US;
		TOSS(l, .flags = TV_SYN, .opt = &o, .len = TEXT);
		if (i % 16 == 15)
			hear(l, &s);
	}
	measured(a, lab_counters(l).fastopen_passive == 0 && accept_all(l, &text) == 0,
		"of another address %llu of %u accepted", (unsigned long long)lab_counters(l).fastopen_passive, tries);
	lab_free(l);
}

/* What a forged SYN with a good cookie makes us send to the victim, who never answers. */
static void reflection(struct attack *a)
{
	struct lab *l = server(TV_FASTOPEN_PENDING);
	struct tv_tcp_options o;
	struct said s = {0};
	uint8_t cookie[8];
	uint32_t before;

	ask(l, cookie);
	o = with_cookie(cookie);
	SAY(l, .flags = TV_SYN, .opt = &o, .len = TEXT);
	assert_int_equal(tv_accept(l->s, l->now, l->listener, &l->conn), TV_OK);
	before = lab_info(l).bytes_queued;
	lab_send(l, 50000, 0);
	for (unsigned i = 0; i < l->count; i++)
		s.text += l->heard[i].seg.len;
	must(a, before == 0 && s.text > 0, "an answer goes out before the ACK");
	uint64_t first = s.text;
	for (unsigned second = 0; second < 600; second++) {
		lab_wait(l, TV_S);
		for (unsigned i = 0; i < l->count; i++)
			s.text += l->heard[i].tcp ? l->heard[i].seg.len : 0;
	}
	measured(a, first <= 10 * 1460, "%llu bytes before the ACK", (unsigned long long)first);
	measured(a, s.text - first <= 1460, "%llu of them repeated in ten minutes", (unsigned long long)(s.text - first));
	lab_free(l);
}

/* The same SYN again, as long as its connection is known, and a cookie when its key is the backup, and gone. */
static void replay_and_keys(struct attack *a)
{
	struct lab *l = server(TV_FASTOPEN_PENDING);
	struct tv_tcp_options o;
	unsigned opened = 0, held[3];
	uint64_t text = 0;
	uint8_t cookie[8];

	tv_fastopen_keys(l->s, l->now, old_key, NULL);
	ask(l, cookie);
	o = with_cookie(cookie);
	for (unsigned i = 0; i < 1000; i++) {
		SAY(l, .flags = TV_SYN, .opt = &o, .len = TEXT, .stay = true);
		opened += accept_all(l, &text);
	}
	measured(a, opened == 1 && text == TEXT, "%u connection of 1000 copies of a SYN", opened);
	for (unsigned i = 0; i < 3; i++) {
		if (i == 1)
			tv_fastopen_keys(l->s, l->now, new_key, old_key);
		if (i == 2)
			tv_fastopen_keys(l->s, l->now, newer_key, new_key);
		held[i] = flood(l, cookie, 10, false, &text);
	}
	measured(a, held[0] == 10 && held[1] == 10 && held[2] == 0,
		"of 10 with a cookie of the key, of the one before it, of an older one: %u, %u, %u accepted", held[0], held[1],
		held[2]);
	lab_free(l);
}

static void fl_29(struct attack *a)
{
	stolen(a);
	reflection(a);
	replay_and_keys(a);
}

/* The option as bytes: of this kind, so long, with the right cookie as far as it goes. */
static uint32_t form(uint8_t *options, bool exp, unsigned length, const uint8_t cookie[8])
{
	unsigned head = exp ? 4 : 2;

	memset(options, 1, 40);
	options[0] = exp ? 254 : 34;
	options[1] = (uint8_t)(head + length);
	if (exp)
		memcpy(options + 2, "\xf9\x89", 2);
	for (unsigned i = 0; i < length && head + i < 40; i++)
		options[head + i] = cookie[i % 8];
	return head + length > 36 ? 40 : (head + length + 3) & ~3u;
}

/* Forms of the option with a declared length of 0 to 60 in headers that end where it does, and cut short. */
static void fl_30(struct attack *a)
{
	struct lab *l = server(4096);
	unsigned forms = 0, opened = 0, right = 0;
	static uint8_t p[400];
	uint8_t cookie[8], options[64];
	uint64_t text = 0;

	ask(l, cookie);
	for (unsigned exp = 0; exp < 2; exp++)
		for (unsigned length = 0; length <= 60; length++)
			for (uint32_t n = 4; n <= form(options, exp, length, cookie); n += 4) {
				l->peer_port++;
				form(options, exp, length, cookie);
				give(l, p, build_raw(l, TV_SYN, 0, options, n, p));
				unsigned got = accept_all(l, &text);
				bool good = length == 8 && n >= (exp ? 12u : 10u);
				forms++;
				right += good && got == 1;
				opened += !good && got != 0;
				lab_hear(l);
			}
	measured(a, opened == 0, "%u of %u wrong forms opened a connection before the ACK", opened, forms - right);
	must(a, right != 0 && text == 0, "the right ones did");
	lab_free(l);
}

const struct attack_case attack_fastopen[] = {
	{"FL-28", fl_28},
	{"FL-29", fl_29},
	{"FL-30", fl_30},
	{NULL, NULL},
};
