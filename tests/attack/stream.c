/*
 * stream.c - the same bytes twice, and not the same: overlaps, changed repeats, text where none may be.
 */
#include "attack.h"

static struct lab *established(void)
{
	struct lab *l = lab_new(NULL, false);

	lab_passive(l);
	return l;
}

static uint32_t read_raw(struct lab *l, uint8_t *b, uint32_t room)
{
	int64_t n = tv_recv(l->s, l->now, l->conn, b, room, 0);

	return n > 0 ? (uint32_t)n : 0;
}

/* Two pieces of out-of-order text in each of Allen's thirteen relations, in both orders; what came first wins. */
static void di_01(struct attack *a)
{
	static const uint8_t pieces[13][4] = {{10, 20, 30, 40}, {10, 20, 20, 30}, {10, 20, 15, 25}, {10, 20, 10, 30},
		{15, 20, 10, 30}, {20, 30, 10, 30}, {10, 20, 10, 20}, {10, 30, 20, 30}, {10, 30, 15, 20},
		{10, 30, 10, 20}, {15, 25, 10, 20}, {20, 30, 10, 20}, {30, 40, 10, 20}};
	unsigned right = 0;

	for (unsigned i = 0; i < 26; i++) {
		const uint8_t *p = pieces[i / 2];
		uint8_t want[50], got[50], text[3][50];
		struct lab *l = established();

		memset(text[0], 'A', 50);
		memset(text[1], 'B', 50);
		memset(text[2], 'C', 50);
		memset(want, 'C', 50); /* what fills the rest comes last */
		for (unsigned k = 0; k < 2; k++) {
			unsigned which = i % 2 == 0 ? k : 1 - k, from = p[2 * which], to = p[2 * which + 1];

			TOSS(l, .flags = TV_ACK, .off = (int32_t)from, .text = text[k], .len = to - from);
			for (unsigned at = from; at < to; at++)
				want[at] = want[at] == 'C' ? text[k][0] : want[at];
		}
		TOSS(l, .flags = TV_ACK, .text = text[2], .len = 50);
		right += read_raw(l, got, 50) == 50 && memcmp(got, want, 50) == 0;
		lab_free(l);
	}
	measured(a, right == 26, "%u of 26 streams: what came first wins", right);
}

static void di_02(struct attack *a)
{
	struct lab *l = established();
	uint32_t from = l->seq;
	uint8_t other[300];

	memset(other, 0x55, sizeof other);
	SAY(l, .flags = TV_ACK, .len = 200);
	TOSS(l, .flags = TV_ACK, .off = -200, .text = other, .len = 200);
	TOSS(l, .flags = TV_ACK, .off = -100, .text = other, .len = 100);
	measured(a, lab_read(l, &from) == 200, "200 unread bytes unchanged");
}

static void di_03(struct attack *a)
{
	struct lab *l = established();
	uint32_t from = l->seq;
	uint8_t b[100];
	unsigned after;

	SAY(l, .flags = TV_ACK | TV_FIN, .len = 50);
	TOSS(l, .flags = TV_ACK, .len = 20);
	TOSS(l, .flags = TV_ACK | TV_FIN, .len = 20);
	TOSS(l, .flags = TV_ACK | TV_FIN, .off = 10);
	must(a, lab_read(l, &from) == 50, "50 bytes before the end");
	after = tv_recv(l->s, l->now, l->conn, b, sizeof b, 0) != 0;
	measured(a, after == 0 && lab_info(l).state == TV_CLOSE_WAIT, "%u bytes after the end", after);
	l = established();
	TOSS(l, .flags = TV_ACK | TV_FIN, .off = 50); /* the end comes early, at 50 */
	TOSS(l, .flags = TV_ACK, .off = 50, .len = 30);
	TOSS(l, .flags = TV_ACK | TV_FIN, .off = 70);
	from = l->seq;
	SAY(l, .flags = TV_ACK, .len = 50);
	must(a, lab_read(l, &from) == 50, "50 bytes before an early end");
	measured(a, tv_recv(l->s, l->now, l->conn, b, sizeof b, 0) == 0, "the first FIN fixes the end");
}

static void di_05(struct attack *a)
{
	struct lab *l = lab_new(NULL, false);
	uint32_t start = l->seq, from = start + 1;
	tv_handle h;

	lab_listen(l);
	SAY(l, .flags = TV_SYN, .len = 100, .stay = true);
	must(a, lab_only(l, TV_SYN | TV_ACK)->ack == start + 1, "the text is not acknowledged");
	measured(a, tv_accept(l->s, l->now, l->listener, &h) == TV_AGAIN, "0 bytes before the handshake is complete");
	l->ack = lab_last(l)->seq + 1;
	l->seq = start + 1;
	SAY(l, .flags = TV_ACK, .len = 100);
	assert_int_equal(tv_accept(l->s, l->now, l->listener, &l->conn), TV_OK);
	measured(a, lab_read(l, &from) == 100, "100 after it");
}

static void di_07(struct attack *a)
{
	struct lab *l = established();
	uint8_t b[100];
	int64_t n;

	SAY(l, .flags = TV_RST | TV_ACK, .text = "why it was reset", .len = 16);
	n = tv_recv(l->s, l->now, l->conn, b, sizeof b, 0);
	measured(a, n <= 0 && lab_info(l).state == TV_CLOSED, "%lld bytes delivered", (long long)(n > 0 ? n : 0));
}

/* How far this output has brought the stream: behind its last octet, `from` being the first one. */
static uint32_t furthest(struct lab *l, uint32_t from, uint32_t sent)
{
	static uint8_t room[2048];
	struct tv_packet p = {.data = room, .cap = sizeof room};

	while (tv_output(l->s, l->now, TV_ANY_LINK, &p, 1) == 1) {
		uint32_t head = 20u + 4u * (room[32] >> 4), end = tv_load32(room + 24) + p.len - head - from;

		if ((room[33] & TV_RST) == 0 && p.len > head && end > sent && end < 1u << 30)
			sent = end;
		p = (struct tv_packet){.data = room, .cap = sizeof room};
	}
	return sent;
}

/* The end, in one of the ways that there are; how far the stream got until then. */
static uint32_t break_off(struct lab *l, unsigned how, uint32_t from, uint32_t sent)
{
	if (how == 0) {
		TOSS(l, .flags = TV_RST);
	} else if (how == 1) {
		tv_abort(l->s, l->now, l->conn);
	} else if (how == 2) {
		TOSS(l, .flags = TV_RST | TV_ACK, .ack_off = 1000); /* what it acknowledges is not believed */
	} else {
		tv_set(l->s, l->now, l->conn, TV_OPT_USER_TIMEOUT, TV_MS);
		for (unsigned i = 0; i < 100 && lab_info(l).state != TV_CLOSED; i++) {
			l->now += 10 * TV_S;
			sent = furthest(l, from, sent);
		}
		tv_abort(l->s, l->now, l->conn); /* nothing was in flight */
	}
	return sent;
}

/* One connection: writes, segments, acknowledgments, then its end; is each octet told of once, as what it is? */
static bool accounted(struct lab *l, uint64_t *random, uint32_t most)
{
	static uint8_t text[1u << 20];
	uint32_t written = 0, acked = 0, sent = 0, from, want = 1 + lab_random(random) % most;
	struct tv_info info;
	bool right;

	l->peer_port = (uint16_t)(1024 + lab_random(random) % 60000);
	l->seq = lab_random(random) << 1;
	l->wnd = (uint16_t)(lab_random(random) % 65536);
	TOSS(l, .flags = TV_SYN);
	furthest(l, 0, 0);
	info = (struct tv_info){.size = sizeof info};
	l->seq++;
	for (uint64_t cursor = 0; tv_next(l->s, &cursor, &l->conn, &info) && info.state != TV_SYN_RECEIVED;)
		;
	from = l->ack = info.iss + 1;
	TOSS(l, .flags = TV_ACK);
	if (tv_accept(l->s, l->now, l->listener, &l->conn) != TV_OK)
		return false;
	for (unsigned steps = lab_random(random) % 8; steps != 0; steps--) {
		uint32_t n = want / 4 + 1;
		int64_t took = tv_send(l->s, l->now, l->conn, text, n, steps == 1 ? TV_SEND_FIN : 0);

		written += took > 0 ? (uint32_t)took : 0;
		sent = furthest(l, from, sent);
		acked += lab_random(random) % (sent - acked + 1);
		l->ack = from + acked;
		l->wnd = (uint16_t)(lab_random(random) % 65536);
		l->now += lab_random(random) % 1000 * TV_MS;
		TOSS(l, .flags = TV_ACK);
		sent = furthest(l, from, sent);
	}
	sent = break_off(l, lab_random(random) % 4, from, sent);
	info = lab_info(l);
	right = info.state == TV_CLOSED && info.bytes_unacked == sent - acked && info.bytes_unsent == written - sent;
	tv_release(l->s, l->now, l->conn);
	furthest(l, 0, 0);
	return right;
}

static void di_08(struct attack *a)
{
	unsigned n = a->quick ? 20000 : 1000000, right = 0, big = a->quick ? 10 : 1000;
	uint64_t random = 1;
	struct tv_event e;
	struct tv_config g;
	struct lab *l;

	lab_config(&g);
	g.pages = 1024;
	l = lab_new(&g, false);
	l->syn.has |= TV_OPT_HAS_WSCALE | TV_OPT_HAS_SACK_OK;
	l->syn.wscale = 4;
	lab_listen(l);
	for (unsigned i = 0; i < n; i++) {
		right += accounted(l, &random, i % (n / big) == 0 ? 1u << 20 : 20000);
		while (tv_event(l->s, &e))
			;
	}
	measured(a, right == n, "in %u of %u ends each octet is acknowledged, unacknowledged or unsent", right, n);
	must(a, lab_counters(l).connections == 0 && lab_counters(l).pages_used == 0, "all is given back");
}

const struct attack_case attack_stream[] = {
	{"DI-01", di_01},
	{"DI-02", di_02},
	{"DI-03", di_03},
	{"DI-05", di_05},
	{"DI-07", di_07},
	{"DI-08", di_08},
	{NULL, NULL},
};
