/*
 * check.c - the invariants of the containers, each as one condition.
 *
 * The functions only read; where an accessor wants a region that may be written, the constness is
 * dropped for it (`writable`) and nothing is stored through it. Walks are bounded by the number of
 * slots that exist, so that a broken link ends in a line number and not in an endless loop. Pages and
 * ranges that a link names are looked up in their pool before the link is followed.
 */
#include "base/check.h"

#define CHECK(condition)                                                                           \
	do {                                                                                       \
		if (!(condition))                                                                  \
			return __LINE__;                                                           \
	} while (0)

static uint8_t *writable(const uint8_t *region)
{
	union {
		const uint8_t *in;
		uint8_t *out;
	} u = {.in = region};

	return u.out;
}

static const uint64_t *words_at(const uint8_t *region, uint64_t offset)
{
	return (const uint64_t *)(const void *)(region + offset);
}

/* Not the compiler's own: without a processor's instruction for it that calls its run-time library. */
static uint32_t bits_set(uint64_t w)
{
	uint32_t n = 0;

	for (; w != 0; w &= w - 1)
		n++;
	return n;
}

int tv_pool_check(const struct tv_pool *p, const uint8_t *region)
{
	uint64_t words = ((uint64_t)p->count + 63) / 64;
	uint32_t taken = 0;

	CHECK(p->used <= p->high);
	CHECK(p->high <= p->count);
	CHECK(p->low < words || p->low == 0);
	for (uint64_t i = 0; i < words; i++) {
		uint64_t w = words_at(region, p->bits[0])[i];

		taken += bits_set(w);
		CHECK(i >= p->low || ~w == 0);
		CHECK(w == 0 || i * 64 + 63 - (uint64_t)__builtin_clzll(w) < p->high);
	}
	CHECK(taken == p->used);
	for (uint32_t level = 1; level < p->levels; level++) {
		for (uint64_t i = 0; i < words; i++) {
			bool full = ~words_at(region, p->bits[level - 1])[i] == 0;

			CHECK((words_at(region, p->bits[level])[i / 64] >> i % 64 & 1) == full);
		}
		words = (words + 63) / 64;
	}
	CHECK(words <= 1);
	return 0;
}

static uint32_t home_distance(uint64_t slot, uint32_t at, uint32_t slots)
{
	return tv_table_far(at, tv_table_home(slot, slots), slots);
}

/* Entries stand at home or right behind one that is at most one step nearer to its own home. */
static int check_area(const struct tv_table *t, const uint8_t *region, uint32_t area)
{
	const uint64_t *slots = words_at(region, t->area[area]);
	uint32_t all = t->slots[area], count = 0;

	CHECK(all <= t->slots_max);
	CHECK(t->count[area] < all);
	for (uint32_t i = 0; i < all; i++) {
		uint32_t far, before = tv_table_far(i, 1, all);
		bool emptied = area != t->live && t->start != TV_TABLE_UNSET &&
		               tv_table_far(i, t->start, all) < t->cursor;

		if (slots[i] == 0)
			continue;
		count++;
		CHECK(!emptied);
		CHECK((slots[i] & TV_TABLE_REF_MASK) != 0);
		far = home_distance(slots[i], i, all);
		/* Right behind the emptied part stands what is at home there, or in that part. */
		if (area != t->live && t->start != TV_TABLE_UNSET &&
		    tv_table_far(i, t->start, all) == t->cursor) {
			CHECK(far <= t->cursor);
			continue;
		}
		CHECK(far == 0 || slots[before] != 0);
		CHECK(far == 0 || slots[before] >> TV_TABLE_REF_BITS <= slots[i] >> TV_TABLE_REF_BITS ||
		      tv_table_home(slots[before], all) > before || i == 0);
		CHECK(far == 0 || home_distance(slots[before], before, all) + 1 >= far);
	}
	CHECK(count == t->count[area]);
	return 0;
}

int tv_table_check(const struct tv_table *t, const uint8_t *region)
{
	int line;

	CHECK(t->live <= 1);
	CHECK(t->slots[t->live] != 0);
	if ((line = check_area(t, region, t->live)) != 0)
		return line;
	CHECK(t->calm == (tv_table_moving(t) || t->rekey_wanted != 0 ? 0 : t->slots[t->live] / 4 * 3));
	if (tv_table_moving(t))
		return check_area(t, region, !t->live);
	CHECK(t->rekeying == 0);
	CHECK(t->count[!t->live] == 0);
	for (uint64_t i = 0; i < t->slots[t->live]; i++)
		CHECK(words_at(region, t->area[!t->live])[i] == 0);
	return 0;
}

static const struct tv_wheel_node *node_of(const struct tv_wheel *w, const uint8_t *region,
                                           uint32_t number)
{
	uint64_t offset = w->records + w->node + (uint64_t)(number - 1) * w->stride;

	return (const struct tv_wheel_node *)(const void *)(region + offset);
}

/* One ring: its links, and that each node belongs just there. */
static int check_ring(const struct tv_wheel *w, const uint8_t *region, uint32_t place, uint32_t lane, uint32_t *nodes)
{
	uint32_t first = w->slot[place].first[lane], i = first, level = place / 64, slot = place % 64;

	while (i != 0) {
		const struct tv_wheel_node *n = node_of(w, region, i);
		const struct tv_wheel_node *next = node_of(w, region, n->next);
		uint32_t ahead = n->at - (uint32_t)w->now;
		uint64_t tick = w->now + ahead;

		CHECK(n->where == place * TV_WHEEL_LANES + lane + 1);
		CHECK(n->next != 0);
		CHECK(next->prev == i);
		CHECK(ahead <= 1u << 31);
		CHECK((tick >> 6 * level & 63) == slot);
		CHECK(level == 0 || w->falling || (w->now >> 6 * level & 63) != slot);
		CHECK(level == TV_WHEEL_LEVELS - 1 ||
		      tick >> 6 * (level + 1) == w->now >> 6 * (level + 1));
		CHECK(++*nodes <= w->armed);
		i = n->next != first ? n->next : 0;
	}
	return 0;
}

/* Those that wait in a queue: in the order of their deadlines, and the first of all still waits. */
static int check_queue(const struct tv_wheel *w, const uint8_t *region, unsigned which, uint32_t *nodes)
{
	const struct tv_wheel_queue *q = &w->queue[which];
	const struct tv_wheel_entry *all = (const struct tv_wheel_entry *)(const void *)(region + q->entries);
	uint32_t before = (uint32_t)w->now;

	CHECK(q->tail - q->head <= q->places);
	for (uint32_t i = q->head; i != q->tail; i++) {
		const struct tv_wheel_entry *e = &all[i & (q->places - 1)];

		CHECK((int32_t)(e->at - before) >= 0);
		before = e->at;
		CHECK(e->number != 0 || i != q->head);
		if (e->number == 0)
			continue;
		CHECK(node_of(w, region, e->number)->where == TV_WHEEL_QUEUED + which);
		CHECK(node_of(w, region, e->number)->next == i);
		CHECK(node_of(w, region, e->number)->at == e->at);
		CHECK(++*nodes <= w->armed);
	}
	CHECK(q->tail == q->head || q->latest == before);
	return 0;
}

int tv_wheel_check(const struct tv_wheel *w, const uint8_t *region)
{
	uint32_t nodes = 0;
	int line;

	for (uint32_t place = 0; place < TV_WHEEL_SLOTS; place++) {
		uint32_t any = 0;

		for (uint32_t lane = 0; lane < TV_WHEEL_LANES; lane++)
			any |= w->slot[place].first[lane];
		CHECK((w->map[place / 64] >> place % 64 & 1) == (any != 0));
		for (uint32_t lane = 0; any != 0 && lane < TV_WHEEL_LANES; lane++)
			if ((line = check_ring(w, region, place, lane, &nodes)) != 0)
				return line;
	}
	for (unsigned q = 0; q < TV_WHEEL_QUEUES; q++)
		if ((line = check_queue(w, region, q, &nodes)) != 0)
			return line;
	CHECK(nodes == w->armed);
	return 0;
}

int tv_pages_check(const struct tv_pages *p, const uint8_t *region)
{
	int line;

	CHECK(p->reserve <= p->big.count);
	if ((line = tv_pool_check(&p->small, region)) != 0)
		return line;
	return tv_pool_check(&p->big, region);
}

static bool page_taken(const struct tv_pages *p, const uint8_t *region, uint32_t page)
{
	return tv_pool_taken(page & TV_PAGE_SMALL ? &p->small : &p->big, region,
	                     (page & ~TV_PAGE_SMALL) - 1);
}

int tv_stream_check(const struct tv_stream *s, const struct tv_pages *p, const uint8_t *region)
{
	uint64_t bytes = 0;
	uint32_t last = 0, pages = 0;

	CHECK((s->head == 0) == (s->len == 0));
	for (uint32_t page = s->head; page != 0;) {
		const struct tv_page *m;

		CHECK(page_taken(p, region, page));
		CHECK(++pages <= p->big.used + p->small.used);
		m = tv_page_meta(p, writable(region), page);
		CHECK(m->len != 0);
		CHECK((uint32_t)m->off + m->len <= tv_page_cap(page));
		bytes += m->len;
		last = page;
		page = m->next;
	}
	CHECK(last == s->tail);
	CHECK(bytes == s->len);
	return 0;
}

int tv_cursor_check(const struct tv_cursor *c, const struct tv_stream *s, const struct tv_pages *p,
                    const uint8_t *region)
{
	uint32_t off = 0;

	if (c->page == 0)
		return 0;
	for (uint32_t page = s->head; page != 0;) {
		const struct tv_page *m = tv_page_meta(p, writable(region), page);

		if (page == c->page) {
			CHECK(off == c->off);
			return 0;
		}
		off += m->len;
		page = m->next;
	}
	return __LINE__;
}

/* One node: linked both ways with its children. */
static int check_node(const struct tv_range_pool *p, uint8_t *region, uint32_t i,
                      const struct tv_ranges *r)
{
	const struct tv_range *n = tv_range_at(p, region, i);
	uint32_t children[2] = {n->left, n->right};

	CHECK(n->len != 0);
	CHECK((n->parent == 0) == (r->root == i));
	for (unsigned c = 0; c < 2; c++) {
		if (children[c] == 0)
			continue;
		CHECK(tv_pool_taken(&p->pool, region, children[c] - 1));
		CHECK(tv_range_at(p, region, children[c])->parent == i);
		CHECK(tv_range_priority(p, children[c]) <= tv_range_priority(p, i));
	}
	return 0;
}

int tv_ranges_check(const struct tv_ranges *r, const struct tv_range_pool *p, const uint8_t *region)
{
	uint8_t *writable_region = writable(region);
	uint32_t count = 0, i = r->first, before = 0;
	int line;

	CHECK((r->root == 0) == (r->count == 0));
	CHECK((r->first == 0) == (r->count == 0));
	while (i != 0) {
		const struct tv_range *n;

		CHECK(tv_pool_taken(&p->pool, region, i - 1));
		CHECK(++count <= r->count);
		if ((line = check_node(p, writable_region, i, r)) != 0)
			return line;
		n = tv_range_at(p, writable_region, i);
		if (before != 0) {
			const struct tv_range *b = tv_range_at(p, writable_region, before);

			CHECK(seq_leq(b->seq + b->len, n->seq));
		}
		CHECK(tv_ranges_prev(p, writable_region, i) == before);
		before = i;
		i = tv_ranges_next(p, writable_region, i);
	}
	CHECK(count == r->count);
	CHECK(before == r->last);
	return 0;
}
