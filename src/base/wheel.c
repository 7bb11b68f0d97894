/*
 * wheel.c - how timers wait and come down.
 *
 * A deadline is written in digits of 6 bits. A node waits at the level of the highest digit in which
 * its deadline differs from now, in the slot of that digit's value. Hence every slot in use lies
 * ahead of now's own digit at its level, all that is at a lower level is due earlier than all that is
 * at a higher one, and the next event of a level is found with one bit scan. Level 5 is a ring: its
 * slots are 2^30 ticks wide and deadlines at most 2^31 ahead, so that digits above it do not matter.
 *
 * When now reaches the beginning of a slot of level 1 to 5, its nodes come down: each to a lower
 * level, or, if due, to the slot of now at level 0. A slot at level 0 that equals now's digit holds
 * what is due. A node comes down at most five times in its life; each time costs one step of the
 * budget. When the budget runs out in the middle, the slot keeps its rest, and the next call goes on
 * there: that is why the slots of now's digits are looked at first.
 *
 * The nodes of a slot form eight rings (the first one's `prev` is the last one) that are filled and emptied
 * in turn, so that they come out in the order of their arming unless some were cancelled, and timers left
 * over by one call are the first of the next. Among a million connections each step along a ring waits for
 * memory: with eight rings the next node of each is fetched while those of the others are moved.
 *
 * Most deadlines are those of delayed ACKs and of the least retransmission time-out: all equally far ahead, and seldom
 * waited for to the end. For such there are queues beside the wheel: arrays of record numbers in order of their
 * deadlines. There nobody has neighbours: who leaves touches his own entry alone, and the records of those who stay
 * can be fetched before it is their turn.
 */
#include "base/wheel.h"

#define DIGIT_BITS 6
#define DIGIT_MASK 63u
#define TOP (TV_WHEEL_LEVELS - 1)
/*
 * Entries of the queue whose nodes are being fetched. Fetched as if to be read, here and elsewhere: for writing a
 * processor may wait until it owns the line (measured: 600 cycles each, among a million).
 */
#define AHEAD 16u

static struct tv_wheel_node *node_at(const struct tv_wheel *w, uint8_t *region, uint32_t number)
{
	return (struct tv_wheel_node *)(void *)(region + w->records + w->node +
	                                        (uint64_t)(number - 1) * w->stride);
}

static inline uint32_t digit(uint64_t tick, unsigned level)
{
	return (uint32_t)(tick >> DIGIT_BITS * level) & DIGIT_MASK;
}

void tv_wheel_init(struct tv_wheel *w, const struct tv_pool *records, uint32_t node_offset,
                   uint64_t now_tick)
{
	memset(w, 0, sizeof *w);
	w->records = records->records;
	w->stride = records->stride;
	w->node = node_offset;
	w->now = now_tick;
}

/* Level and slot of a deadline that is not before now, as one number. */
static inline uint32_t place_of(uint64_t now, uint64_t tick)
{
	uint64_t differ = (now ^ tick) | 1;
	unsigned level = (63u - (unsigned)__builtin_clzll(differ)) / DIGIT_BITS;

	if (level > TOP)
		level = TOP;
	return level << DIGIT_BITS | digit(tick, level);
}

static void link_node(struct tv_wheel *w, uint8_t *region, uint32_t number, uint32_t place)
{
	struct tv_wheel_node *n = node_at(w, region, number), *first, *last;
	struct tv_wheel_slot *slot = &w->slot[place];
	uint32_t lane = slot->put++ % TV_WHEEL_LANES, *ring = &slot->first[lane];

	n->where = (uint16_t)(place * TV_WHEEL_LANES + lane + 1);
	if (*ring == 0) {
		n->next = n->prev = number;
		*ring = number;
		w->map[place >> DIGIT_BITS] |= 1ull << (place & DIGIT_MASK);
		return;
	}
	first = node_at(w, region, *ring);
	last = node_at(w, region, first->prev);
	n->next = *ring;
	n->prev = first->prev;
	last->next = number;
	first->prev = number;
}

static void mark_empty(struct tv_wheel *w, uint32_t place)
{
	w->slot[place] = (struct tv_wheel_slot){0};
	w->map[place >> DIGIT_BITS] &= ~(1ull << (place & DIGIT_MASK));
}

static bool is_empty(const struct tv_wheel_slot *slot)
{
	uint32_t any = 0;

	for (unsigned lane = 0; lane < TV_WHEEL_LANES; lane++)
		any |= slot->first[lane];
	return any == 0;
}

static void unlink_node(struct tv_wheel *w, uint8_t *region, uint32_t number)
{
	struct tv_wheel_node *n = node_at(w, region, number);
	uint32_t place = (n->where - 1u) / TV_WHEEL_LANES, lane = (n->where - 1u) % TV_WHEEL_LANES;
	uint32_t *ring = &w->slot[place].first[lane];

	n->where = 0;
	if (n->next == number) {
		*ring = 0;
		if (is_empty(&w->slot[place]))
			mark_empty(w, place);
		return;
	}
	node_at(w, region, n->next)->prev = n->prev;
	node_at(w, region, n->prev)->next = n->next;
	if (*ring == number)
		*ring = n->next;
}

/* The ring of a slot that is not empty whose turn it is. */
static uint32_t next_lane(const struct tv_wheel_slot *slot)
{
	uint32_t lane = slot->take % TV_WHEEL_LANES;

	while (slot->first[lane] == 0)
		lane = (lane + 1) % TV_WHEEL_LANES;
	return lane;
}

void tv_wheel_queue(struct tv_wheel *w, unsigned q, uint64_t entries, uint32_t places, uint32_t from, uint32_t to)
{
	TV_ASSERT((places & (places - 1)) == 0);
	w->queue[q] = (struct tv_wheel_queue){.entries = entries, .places = places, .from = from, .to = to};
}

static struct tv_wheel_entry *entry_at(const struct tv_wheel_queue *q, uint8_t *region, uint32_t place)
{
	return (struct tv_wheel_entry *)(void *)(region + q->entries) + (place & (q->places - 1));
}

/* Which queue is for this deadline? TV_WHEEL_QUEUES: none. */
static unsigned queue_for(const struct tv_wheel *w, uint64_t tick)
{
	uint64_t ahead = tick - w->now;
	unsigned i;

	for (i = 0; i < TV_WHEEL_QUEUES; i++) {
		const struct tv_wheel_queue *q = &w->queue[i];
		uint32_t used = q->tail - q->head;

		if (ahead >= q->from && ahead <= q->to && used < q->places &&
		    (used == 0 || (int32_t)((uint32_t)tick - q->latest) >= 0))
			break;
	}
	return i;
}

static void enqueue(struct tv_wheel *w, uint8_t *region, uint32_t number, unsigned i)
{
	struct tv_wheel_node *n = node_at(w, region, number);
	struct tv_wheel_queue *q = &w->queue[i];

	*entry_at(q, region, q->tail) = (struct tv_wheel_entry){number, n->at};
	n->where = (uint16_t)(TV_WHEEL_QUEUED + i);
	n->next = q->tail++;
	q->latest = n->at;
}

/* From its ring, or from its queue: if it was the head, those behind it that have left go with it. */
static void take_off(struct tv_wheel *w, uint8_t *region, uint32_t number)
{
	struct tv_wheel_node *n = node_at(w, region, number);
	struct tv_wheel_queue *q;

	if (!tv_wheel_queued(n)) {
		unlink_node(w, region, number);
		return;
	}
	q = &w->queue[n->where - TV_WHEEL_QUEUED];
	entry_at(q, region, n->next)->number = 0;
	n->where = 0;
	while (q->head != q->tail && entry_at(q, region, q->head)->number == 0) q->head++;
}

/* The first of a queue that is not empty. */
static uint32_t take_first(struct tv_wheel *w, uint8_t *region, struct tv_wheel_queue *q)
{
	uint32_t number = entry_at(q, region, q->head)->number, later;

	later = q->tail - q->head > AHEAD ? entry_at(q, region, q->head + AHEAD)->number : 0;
	if (later != 0)
		__builtin_prefetch(node_at(w, region, later));
	take_off(w, region, number);
	w->armed--;
	return number - 1;
}

/* When the first of a queue is due; UINT64_MAX: nobody waits there. */
static uint64_t queue_next(const struct tv_wheel *w, const struct tv_wheel_queue *q, const uint8_t *region)
{
	if (q->head == q->tail)
		return UINT64_MAX;
	return w->now + (uint32_t)(entry_at(q, (uint8_t *)(uintptr_t)region, q->head)->at - (uint32_t)w->now);
}

/* The queue whose first is due before that of the others. */
static unsigned first_queue(const struct tv_wheel *w, const uint8_t *region, uint64_t *next)
{
	unsigned first = 0;

	*next = UINT64_MAX;
	for (unsigned i = 0; i < TV_WHEEL_QUEUES; i++) {
		uint64_t at = queue_next(w, &w->queue[i], region);

		if (at >= *next)
			continue;
		*next = at;
		first = i;
	}
	return first;
}

void tv_wheel_arm(struct tv_wheel *w, uint8_t *region, uint32_t i, uint64_t tick)
{
	struct tv_wheel_node *n = node_at(w, region, i + 1);
	uint32_t place, queue;

	TV_ASSERT(tick <= w->now || tick - w->now <= 1ull << 31);
	if (tick < w->now)
		tick = w->now;
	queue = queue_for(w, tick);
	place = place_of(w->now, tick);
	n->at = (uint32_t)tick;
	if (queue == TV_WHEEL_QUEUES && n->where != 0 && (n->where - 1u) / TV_WHEEL_LANES == place)
		return;
	if (n->where != 0)
		take_off(w, region, i + 1);
	else
		w->armed++;
	if (queue != TV_WHEEL_QUEUES)
		enqueue(w, region, i + 1, queue);
	else
		link_node(w, region, i + 1, place);
}

void tv_wheel_cancel(struct tv_wheel *w, uint8_t *region, uint32_t i)
{
	if (node_at(w, region, i + 1)->where == 0)
		return;
	take_off(w, region, i + 1);
	w->armed--;
}

/* The highest level whose slot of now's digit has nodes that must come down; 0: none. Arming never
 * puts one there: only when now has moved can there be any. */
static unsigned level_to_empty(const struct tv_wheel *w)
{
	if (!w->falling)
		return 0;
	for (unsigned level = TOP; level > 0; level--)
		if (w->map[level] >> digit(w->now, level) & 1)
			return level;
	return 0;
}

/* What is left of a ring whose head went without telling its neighbours. */
static void close_ring(const struct tv_wheel *w, uint8_t *region, uint32_t first, uint32_t last)
{
	if (first == 0)
		return;
	node_at(w, region, first)->prev = last;
	node_at(w, region, last)->next = first;
}

/* Moves the nodes of now's slot at `level` down; false when the budget ended first. The rings are out of the
 * slot meanwhile, so that a node that goes needs not be told to its neighbours. */
static bool bring_down(struct tv_wheel *w, uint8_t *region, unsigned level, uint32_t *budget)
{
	uint32_t place = level << DIGIT_BITS | digit(w->now, level), last[TV_WHEEL_LANES] = {0};
	struct tv_wheel_slot *slot = &w->slot[place];

	for (unsigned lane = 0; lane < TV_WHEEL_LANES; lane++)
		if (slot->first[lane] != 0)
			last[lane] = node_at(w, region, slot->first[lane])->prev;
	while (*budget != 0 && !is_empty(slot)) {
		uint32_t lane = next_lane(slot), number = slot->first[lane];
		struct tv_wheel_node *n = node_at(w, region, number);
		int32_t ahead = (int32_t)(n->at - (uint32_t)w->now);

		--*budget;
		TV_ASSERT(ahead >= 0);
		slot->take = (uint8_t)(lane + 1);
		slot->first[lane] = number == last[lane] ? 0 : n->next;
		__builtin_prefetch(node_at(w, region, n->next));
		link_node(w, region, number, place_of(w->now, w->now + (uint64_t)ahead));
	}
	if (is_empty(slot)) {
		mark_empty(w, place);
		return true;
	}
	for (unsigned lane = 0; lane < TV_WHEEL_LANES; lane++)
		close_ring(w, region, slot->first[lane], last[lane]);
	return false;
}

/* When the next slot ahead of now begins; only while nothing is left in the slots of now. */
static uint64_t next_slot(const struct tv_wheel *w)
{
	for (unsigned level = 0; level < TOP; level++) {
		uint64_t ahead = w->map[level] & ~0ull << digit(w->now, level);

		if (ahead != 0) {
			uint64_t above = w->now >> DIGIT_BITS * (level + 1) << DIGIT_BITS;

			return (above | (uint32_t)__builtin_ctzll(ahead)) << DIGIT_BITS * level;
		}
	}
	if (w->map[TOP] != 0) {
		uint32_t here = digit(w->now, TOP);
		uint64_t turned = w->map[TOP] >> here | w->map[TOP] << (-here & DIGIT_MASK);

		return ((w->now >> DIGIT_BITS * TOP) + (uint32_t)__builtin_ctzll(turned))
		       << DIGIT_BITS * TOP;
	}
	return UINT64_MAX;
}

/* Of a slot at level 0 that is not empty. */
static uint32_t take_due(struct tv_wheel *w, uint8_t *region, struct tv_wheel_slot *slot)
{
	uint32_t lane = next_lane(slot), number = slot->first[lane];

	slot->take = (uint8_t)(lane + 1);
	unlink_node(w, region, number);
	if (slot->first[lane] != 0)
		__builtin_prefetch(node_at(w, region, node_at(w, region, slot->first[lane])->next));
	w->armed--;
	return number - 1;
}

uint32_t tv_wheel_pop(struct tv_wheel *w, uint8_t *region, uint64_t now_tick, uint32_t *budget)
{
	for (;;) {
		unsigned level, queue;
		uint64_t next;

		while ((level = level_to_empty(w)) != 0)
			if (!bring_down(w, region, level, budget))
				return TV_NONE;
		w->falling = 0;
		if ((w->map[0] >> digit(w->now, 0) & 1) != 0) {
			if (*budget == 0)
				return TV_NONE;
			--*budget;
			return take_due(w, region, &w->slot[digit(w->now, 0)]);
		}
		queue = first_queue(w, region, &next);
		if (next == w->now) {
			if (*budget == 0)
				return TV_NONE;
			--*budget;
			return take_first(w, region, &w->queue[queue]);
		}
		next = tv_min64(next, next_slot(w));
		if (next > now_tick) {
			if (now_tick > w->now)
				w->now = now_tick;
			return TV_NONE;
		}
		w->now = next;
		w->falling = 1;
	}
}

uint64_t tv_wheel_next(const struct tv_wheel *w, const uint8_t *region)
{
	uint64_t next;

	if (w->armed == 0)
		return UINT64_MAX;
	if (level_to_empty(w) != 0)
		return w->now;
	first_queue(w, region, &next);
	return tv_min64(next_slot(w), next);
}
