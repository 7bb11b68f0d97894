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

const struct attack_case attack_stream[] = {
	{"DI-01", di_01},
	{"DI-02", di_02},
	{"DI-03", di_03},
	{"DI-05", di_05},
	{"DI-07", di_07},
	{NULL, NULL},
};
