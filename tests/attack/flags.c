/*
 * flags.c - every combination of flags in every state, inside the window and behind it, against a table that is read
 * out of RFC 9293 3.10.7.
 *
 * The segment has no text, the number RCV.NXT or one far beyond the window, and the ACK field, where the bit is set,
 * acknowledges all that was sent. PSH, URG with a pointer of 0, ECE, CWR and the bit that is reserved change nothing.
 */
#include "attack.h"

enum { F = TV_FIN, S = TV_SYN, R = TV_RST, A = TV_ACK };
enum place { IN = 1, OUT = 2, ANY = 3 };

/* The first row that fits counts. same: the state stays. */
#define SAME TV_STATE_COUNT
#define NOTHING 0
#define OR_NOTHING 0x8000u

struct row {
	uint16_t states;           /* bit n: state n */
	uint16_t set, clear;
	enum place place;
	uint16_t answer;           /* flags of the one packet that is said; OR_NOTHING: it may be left out */
	enum tv_state to;
};

#define AT(state) (uint16_t)(1u << (state))
#define SYNCHRONISED                                                                                     \
	(uint16_t)(AT(TV_ESTABLISHED) | AT(TV_FIN_WAIT_1) | AT(TV_FIN_WAIT_2) | AT(TV_CLOSE_WAIT) | AT(TV_CLOSING) | \
		AT(TV_LAST_ACK))

static const struct row rows[] = {
	/* 3.10.7.1: no connection */
	{AT(TV_CLOSED), R, 0, ANY, NOTHING, SAME},
	{AT(TV_CLOSED), A, 0, ANY, R, SAME},
	{AT(TV_CLOSED), 0, 0, ANY, R | A, SAME},
	/* 3.10.7.2; a SYN with FIN opens nothing (tests/grid/READINGS.md R-3) */
	{AT(TV_LISTEN), R, 0, ANY, NOTHING, SAME},
	{AT(TV_LISTEN), A, 0, ANY, R, SAME},
	{AT(TV_LISTEN), S, F, ANY, S | A, TV_SYN_RECEIVED},
	{AT(TV_LISTEN), 0, 0, ANY, NOTHING, SAME},
	/* 3.10.7.3 */
	{AT(TV_SYN_SENT), R | A, 0, ANY, NOTHING, TV_CLOSED},
	{AT(TV_SYN_SENT), R, 0, ANY, NOTHING, SAME},
	{AT(TV_SYN_SENT), S | A | F, 0, ANY, A, TV_CLOSE_WAIT},
	{AT(TV_SYN_SENT), S | A, 0, ANY, A, TV_ESTABLISHED},
	{AT(TV_SYN_SENT), S, 0, ANY, S | A, TV_SYN_RECEIVED},
	{AT(TV_SYN_SENT), 0, 0, ANY, NOTHING, SAME},
	/* 3.10.7.4, SYN-RECEIVED out of SYN-SENT; a SYN-ACK for our SYN: R-28 */
	{AT(TV_SYN_RECEIVED), S | A | F, R, ANY, A, TV_CLOSE_WAIT},
	{AT(TV_SYN_RECEIVED), S | A, R, ANY, A, TV_ESTABLISHED},
	/* first: the sequence number; TIME-WAIT ignores every RST (RFC 1337) */
	{AT(TV_TIME_WAIT), R, 0, ANY, NOTHING, SAME},
	{AT(TV_SYN_RECEIVED) | SYNCHRONISED | AT(TV_TIME_WAIT), R, 0, OUT, NOTHING, SAME},
	{AT(TV_SYN_RECEIVED) | SYNCHRONISED | AT(TV_TIME_WAIT), 0, 0, OUT, A, SAME},
	/* second, fourth, and fifth without an ACK */
	{AT(TV_SYN_RECEIVED) | SYNCHRONISED, R, 0, IN, NOTHING, TV_CLOSED},
	{AT(TV_SYN_RECEIVED) | SYNCHRONISED | AT(TV_TIME_WAIT), S, 0, IN, A, SAME},
	{AT(TV_SYN_RECEIVED) | SYNCHRONISED | AT(TV_TIME_WAIT), 0, A, IN, NOTHING, SAME},
	/* fifth with one that acknowledges our SYN or FIN, and eighth */
	{AT(TV_SYN_RECEIVED) | AT(TV_ESTABLISHED), F, 0, IN, A, TV_CLOSE_WAIT},
	{AT(TV_SYN_RECEIVED) | AT(TV_ESTABLISHED), 0, 0, IN, NOTHING, TV_ESTABLISHED},
	{AT(TV_FIN_WAIT_1) | AT(TV_FIN_WAIT_2), F, 0, IN, A, TV_TIME_WAIT},
	{AT(TV_FIN_WAIT_1) | AT(TV_FIN_WAIT_2), 0, 0, IN, NOTHING, TV_FIN_WAIT_2},
	{AT(TV_CLOSE_WAIT), F, 0, IN, A, SAME}, /* where the stream has ended: R-11 */
	{AT(TV_CLOSE_WAIT), 0, 0, IN, NOTHING, SAME},
	{AT(TV_CLOSING), F, 0, IN, A | OR_NOTHING, TV_TIME_WAIT}, /* */
	{AT(TV_CLOSING), 0, 0, IN, NOTHING, TV_TIME_WAIT},
	{AT(TV_LAST_ACK), 0, 0, IN, NOTHING, TV_CLOSED},
	{AT(TV_TIME_WAIT), F, 0, IN, A, SAME}, /* "Acknowledge it, and restart the 2 MSL timeout" */
	{AT(TV_TIME_WAIT), 0, 0, IN, NOTHING, SAME},
};

static const struct row *oracle(enum tv_state state, uint16_t flags, enum place place)
{
	for (unsigned i = 0; i < COUNT(rows); i++) {
		const struct row *r = &rows[i];

		if ((r->states & AT(state)) != 0 && (flags & r->set) == r->set && (flags & r->clear) == 0 &&
			(r->place & place) != 0)
			return r;
	}
	return NULL;
}

/* What there is now: a record that is half-open, a connection, a listener, nothing. */
static enum tv_state state_now(const struct lab *l, enum tv_state before)
{
	if (lab_counters(l).half_opens != 0)
		return TV_SYN_RECEIVED;
	return before == TV_CLOSED || before == TV_LISTEN ? before : lab_info(l).state;
}

struct tally {
	unsigned cases, right, answered, made;
	char first[100];           /* that was wrong */
};

static void one(struct tally *n, const struct tv_config *g, enum tv_state state, uint16_t flags, enum place place)
{
	const struct row *want = oracle(state, flags, place);
	struct lab *l = lab_new(g, false);
	uint16_t said;
	enum tv_state after;
	bool right;

	if (state == TV_LISTEN)
		lab_listen(l);
	else if (state != TV_CLOSED)
		lab_state(l, state);
	SAY(l, .flags = flags, .off = place == OUT ? 100000 : 0, .stay = true);
	said = l->count == 0 ? NOTHING : l->heard[0].seg.flags;
	after = state_now(l, state);
	right = want != NULL && l->count <= 1 && after == (want->to == SAME ? state : want->to) &&
	        (said == (want->answer & 0x1ff) || (said == NOTHING && (want->answer & OR_NOTHING) != 0));
	n->cases++;
	n->right += right;
	n->answered += (flags & TV_RST) != 0 && (said & TV_RST) != 0;
	n->made += state == TV_LISTEN && (flags & S) != 0 && (flags & (F | R)) != 0 && after != TV_LISTEN;
	if (!right && n->first[0] == 0)
		snprintf(n->first, sizeof n->first, "%s, flags %03x, %s: said %03x, %s", tv_state_name(state), flags,
			place == IN ? "in" : "out", said, tv_state_name(after));
	lab_free(l);
}

static void pa_21(struct attack *a)
{
	unsigned step = a->quick ? 7 : 1; /* no power of two: every flag comes and goes */
	struct tally n = {0};
	struct tv_config g;

	lab_config(&g); /* little is said, but many are made */
	g.pages = g.small_pages = g.ranges = 16;
	g.connections = g.half_opens = g.time_waits = g.listeners = 4;
	for (unsigned state = TV_CLOSED; state < TV_STATE_COUNT; state++)
		for (unsigned flags = 0; flags < 512; flags += step)
			for (unsigned place = IN; place <= OUT; place++)
				one(&n, &g, (enum tv_state)state, (uint16_t)flags, (enum place)place);
	measured(a, n.right == n.cases && (a->quick || n.cases == 11264), "%u of %u cases as the table says", n.right,
		n.cases);
	measured(a, n.answered == 0 && n.made == 0, "%u RSTs answered by RST, %u states made by SYN with FIN or RST",
		n.answered, n.made);
	must(a, n.first[0] == 0, n.first);
}

const struct attack_case attack_flags[] = {
	{"PA-21", pa_21},
	{NULL, NULL},
};
