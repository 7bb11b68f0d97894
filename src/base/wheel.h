/*
 * wheel.h - one hierarchical timing wheel. A tick is 2^16 ns (65.5 us). A timer is never early and
 * late by at most a tick. Nodes live in records (at `node` of each); links are record numbers.
 * Deadlines are ticks modulo 2^32, at most 2^31 ahead (39 hours): who waits longer arms again.
 *
 * Six levels of 64 slots, one bitmap word for each level; a node goes to the level of the highest
 * 6-bit digit in which its deadline differs from now, and comes down when that digit comes round.
 * Deadlines as far ahead as most are, and none earlier than the one before, wait in queues instead, if there are any.
 */
#ifndef TV_BASE_WHEEL_H
#define TV_BASE_WHEEL_H

#include "base/pool.h"

#define TV_TICK_SHIFT 16
#define TV_WHEEL_LEVELS 6
#define TV_WHEEL_SLOTS (TV_WHEEL_LEVELS * 64)
#define TV_WHEEL_LANES 8           /* rings of a slot */

#define TV_WHEEL_QUEUES 2
#define TV_WHEEL_QUEUED (0x10000u - TV_WHEEL_QUEUES)

struct tv_wheel_node {
	uint32_t next, prev;       /* record numbers + 1; next of a queued one: its place, counted up */
	uint32_t at;               /* deadline tick modulo 2^32 */
	uint16_t where;            /* (level * 64 + slot) * lanes + lane + 1; TV_WHEEL_QUEUED + queue; 0: not armed */
	uint16_t unused;
};

struct tv_wheel_slot {
	uint32_t first[TV_WHEEL_LANES]; /* of each ring: record number + 1; 0: empty */
	uint8_t put, take;         /* modulo lanes: where the next one comes to, which one is handed out next */
};

/* Who waits in a queue, and until when. */
struct tv_wheel_entry {
	uint32_t number, at;       /* of the record, + 1, or 0: he left; tick modulo 2^32 */
};

struct tv_wheel_queue {
	uint64_t entries;          /* offset in the region */
	uint32_t places;           /* so many of them: a power of two; 0: there is no queue */
	uint32_t from, to;         /* for deadlines so many ticks ahead */
	uint32_t head, tail;       /* counted up, taken modulo places; who stands at the head still waits */
	uint32_t latest;           /* deadline of the last entry */
};

struct tv_wheel {
	uint64_t records;          /* offset of record 0 in the region */
	uint32_t stride, node;     /* bytes of a record; offset of the node in it */
	uint64_t now;              /* tick up to which everything is done */
	uint64_t map[TV_WHEEL_LEVELS];
	struct tv_wheel_slot slot[TV_WHEEL_SLOTS];
	uint32_t armed;
	uint32_t falling;          /* slots of now above level 0 may hold nodes that must come down */
	struct tv_wheel_queue queue[TV_WHEEL_QUEUES];
};

/* The first tick not before `ns`. */
static inline uint64_t tv_tick_up(uint64_t ns)
{
	return (ns >> TV_TICK_SHIFT) + ((ns & ((1u << TV_TICK_SHIFT) - 1)) != 0);
}

void tv_wheel_init(struct tv_wheel *w, const struct tv_pool *records, uint32_t node_offset,
                   uint64_t now_tick);
/* Gives it queue q, of 2^n entries in zeroed memory at this offset, for deadlines from..to (below 2^31) ticks ahead. */
void tv_wheel_queue(struct tv_wheel *w, unsigned q, uint64_t entries, uint32_t places, uint32_t from, uint32_t to);
/* Arms or re-arms record i for `tick` (a past one: due at once). Constant time. */
void tv_wheel_arm(struct tv_wheel *w, uint8_t *region, uint32_t i, uint64_t tick);
void tv_wheel_cancel(struct tv_wheel *w, uint8_t *region, uint32_t i);
/* Does this one wait in a queue, which it may leave without its neighbours being touched? */
static inline bool tv_wheel_queued(const struct tv_wheel_node *n)
{
	return n->where >= TV_WHEEL_QUEUED;
}
/*
 * The next record whose deadline is <= now_tick, disarmed; TV_NONE when there is none or when *budget
 * (steps: a node moved down or handed out) is used up. Call it until it says TV_NONE.
 */
uint32_t tv_wheel_pop(struct tv_wheel *w, uint8_t *region, uint64_t now_tick, uint32_t *budget);
/* A tick not after the earliest deadline, and equal to it when both lie in the same run of 64 ticks:
 * who sleeps until then wakes at most once for each level before the deadline itself. UINT64_MAX when
 * nothing is armed. */
uint64_t tv_wheel_next(const struct tv_wheel *w, const uint8_t *region);

#endif
