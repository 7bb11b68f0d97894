/*
 * ranges.h - an ordered set of disjoint ranges of sequence numbers: what is in flight, and what
 * arrived out of order. A treap: the priority of a node is a keyed hash of its number, so that no peer
 * can make it deep; parent links make it walkable without recursion. All sequence numbers of one set
 * lie within 2^31 of each other. Node numbers are slot + 1; 0 is none.
 */
#ifndef TV_BASE_RANGES_H
#define TV_BASE_RANGES_H

#include "base/pool.h"
#include "base/seq.h"
#include "base/stream.h"

struct tv_range {                          /* one cache line */
	_Alignas(64) uint32_t seq, len;                 /* [seq, seq + len) */
	uint32_t left, right, parent;
	uint16_t flags;                    /* the owner's */
	uint8_t sent;                      /* times sent, stops at 255 */
	uint8_t unused;
	union {
		struct {
			uint64_t first, last;      /* first and last time sent, ns */
		} time;
		struct {
			struct tv_stream bytes;    /* out of order: the bytes of this range */
			uint32_t stamp;            /* when it last grew (order of arrival) */
		} data;
	} u;
};

struct tv_ranges {
	uint32_t root, first, last, count;
};

struct tv_range_pool {
	struct tv_pool pool;
	uint64_t seed;                     /* of the priorities */
	uint64_t steps;                    /* comparisons made: what tests count */
};

static inline struct tv_range *tv_range_at(const struct tv_range_pool *p, uint8_t *region, uint32_t i)
{
	return (struct tv_range *)(void *)(region + p->pool.records + (uint64_t)(i - 1) * sizeof(struct tv_range));
}

/* Where a node stands in the heap: a keyed hash of its number. */
static inline uint32_t tv_range_priority(const struct tv_range_pool *p, uint32_t i)
{
	uint64_t x = (i + p->seed) * 0x9e3779b97f4a7c15u;

	x ^= x >> 32;
	x *= (p->seed >> 7) | 1;
	return (uint32_t)(x >> 32);
}

/* The node that contains seq, else the first one behind it, else 0. */
uint32_t tv_ranges_find(const struct tv_ranges *r, struct tv_range_pool *p, uint8_t *region,
                        uint32_t seq);
uint32_t tv_ranges_next(const struct tv_range_pool *p, uint8_t *region, uint32_t i);
uint32_t tv_ranges_prev(const struct tv_range_pool *p, uint8_t *region, uint32_t i);
/* Adds [seq, seq + len), which overlaps nothing; the new node (zeroed but for seq, len), 0: none free.
 * Appending behind the last takes constant time on average. */
uint32_t tv_ranges_insert(struct tv_ranges *r, struct tv_range_pool *p, uint8_t *region,
                          uint32_t seq, uint32_t len);
void tv_ranges_remove(struct tv_ranges *r, struct tv_range_pool *p, uint8_t *region, uint32_t i);
void tv_ranges_clear(struct tv_ranges *r, struct tv_range_pool *p, uint8_t *region);
/* Cuts node i at seq (inside it): the new right part is a copy of the owner's fields; 0: none free. */
uint32_t tv_ranges_split(struct tv_ranges *r, struct tv_range_pool *p, uint8_t *region, uint32_t i,
                         uint32_t seq);

#endif
