/*
 * pieces.c - text out of order in the smallest pieces, which costs its sender little (SegmentSmack).
 */
#include "attack.h"

static struct lab *receiver(uint32_t rcv_buf, uint32_t small_pages, bool scale)
{
	struct tv_config g;
	struct lab *l;

	lab_config(&g);
	g.pages = 4096;
	g.small_pages = small_pages;
	g.ranges = g.ranges_each = 16384;
	l = lab_new(&g, false);
	l->opts.rcv_buf = rcv_buf;
	if (scale)
		l->syn.has |= TV_OPT_HAS_WSCALE;
	l->syn.has |= TV_OPT_HAS_SACK_OK;
	lab_passive(l);
	SAY(l, .flags = TV_ACK, .len = 2); /* its ACK offers the whole window */
	lab_read(l, &(uint32_t){l->seq - 2});
	lab_wait(l, TV_S);
	return l;
}

/* True bytes of all pages. */
static uint64_t held(const struct lab *l)
{
	struct tv_counters c = lab_counters(l);

	return (uint64_t)c.pages_used * TV_PAGE_BYTES + (uint64_t)c.small_pages_used * TV_SMALL_BYTES;
}

static double log_2(double n)
{
	double x = 0;

	for (; n > 1; n /= 2)
		x++;
	return x;
}

/* Which place is next: at random, upward, downward. */
static uint32_t place_of(unsigned order, uint32_t i, uint32_t places, uint64_t *random)
{
	if (order == 0)
		return (lab_random(random) << 1 ^ lab_random(random)) % places;
	return order == 1 ? i % places : places - 1 - i % places;
}

/* One octet at every other place of a window of 6 MiB, in random order, in order and backward, again and again. */
static void fl_18(struct attack *a)
{
	uint32_t n = a->quick ? 90000 : 1000000, window = 0, pieces = 0;
	uint64_t random = 1, bytes = 0, steps, most = 0, all = 0;
	struct lab *l = NULL;
	unsigned order = 0;

	for (uint32_t i = 0; i < n; i++) {
		uint64_t before;

		if (i % (n / 3) == 0) { /* another connection, in another order */
			l = receiver(6u << 20, 16384, true);
			window = lab_info(l).rcv_wnd;
			order = i / (n / 3) % 3;
		}
		before = l->s->core.ranges.steps;
		TOSS(l, .flags = TV_ACK, .len = 1,
			.off = (int32_t)(2 * place_of(order, i, window / 2, &random) + 1));
		steps = l->s->core.ranges.steps - before;
		most = steps > most ? steps : most;
		all += steps;
		if (i % 64 != 0)
			continue;
		hear(l, &(struct said){0});
		bytes = held(l) > bytes ? held(l) : bytes;
		pieces = lab_counters(l).ranges_used > pieces ? lab_counters(l).ranges_used : pieces;
	}
	/* A treap of n nodes is searched in 1.4 log2(n) steps on average, and hardly ever in 4 times that. */
	measured(a, pieces > 1000 && (double)all / n <= 2 * log_2(pieces) && (double)most <= 6 * log_2(pieces),
		"%.1f comparisons a segment, at most %llu, among %u pieces", (double)all / n, (unsigned long long)most,
		pieces);
	measured(a, pieces <= window / 128, "at most %u pieces allowed", window / 128);
	measured(a, bytes <= 2ull * (6u << 20), "%llu bytes of pages for a buffer of %u", (unsigned long long)bytes,
		6u << 20);
}

/* Pieces of this size over the whole window, in random order, again and again: the most that they cost. */
static uint64_t most_held(struct lab *l, uint32_t size, uint32_t n)
{
	uint32_t window = lab_info(l).rcv_wnd, places = (window - 1) / (size + 1);
	uint64_t random = size, most = 0;

	for (uint32_t i = 0; i < n; i++) {
		TOSS(l, .flags = TV_ACK, .len = size,
			.off = (int32_t)(1 + (lab_random(&random) % places) * (size + 1)));
		if (i % 64 != 0)
			continue;
		hear(l, &(struct said){0});
		most = held(l) > most ? held(l) : most;
	}
	return most;
}

static void fl_19(struct attack *a)
{
	static const uint32_t sizes[] = {1, 2, 100, 256, 257, 300, 536, 1000};
	uint32_t n = a->quick ? 2000 : 100000;
	double worst = 0;

	for (unsigned i = 0; i < COUNT(sizes); i++)
		for (unsigned k = 0; k < 4; k++) { /* a small window and a large one; small pages, or all used up */
			bool large = (k & 1) != 0;
			struct lab *l = receiver(large ? 1u << 20 : 32768, (k & 2) != 0 ? 4096 : 0, large);
			uint32_t window = lab_info(l).rcv_wnd;
			double share = (double)most_held(l, sizes[i], n) / window;

			must(a, window >= 16384, "a window");
			worst = share > worst ? share : worst;
			lab_free(l);
		}
	measured(a, worst <= 2 && worst > 0.1,
		"at most %.2f bytes of pages for each byte of window, in pieces of 1 to 1000", worst);
}

const struct attack_case attack_pieces[] = {
	{"FL-18", fl_18},
	{"FL-19", fl_19},
	{NULL, NULL},
};
