/*
 * pool.h - fixed-size slots in the region. A slot is taken from the lowest free number, so that what
 * lies high stays untouched and can be given back. A tree of bitmaps (64 to a word; a set bit means
 * taken, in an upper level: full) finds it in at most five steps; zeroed memory is an empty pool.
 */
#ifndef TV_BASE_POOL_H
#define TV_BASE_POOL_H

#include "base/bytes.h"

#define TV_POOL_LEVELS 5
#define TV_NONE UINT32_MAX

struct tv_pool {
	uint64_t records;                  /* offset in the region, aligned to 64 */
	uint64_t bits[TV_POOL_LEVELS];     /* offsets of the bitmaps, leaves first */
	uint32_t stride, count;            /* bytes of a slot, slots; count < 2^30 */
	uint32_t used, levels;
	uint32_t high;                     /* no slot >= high was ever taken */
	uint32_t low;                      /* every leaf word before this one is full */
};

/* Reserves room behind *end (an offset into the region) and moves it. Touches no memory. */
void tv_pool_plan(struct tv_pool *p, uint32_t count, uint32_t stride, uint64_t *end);
/* The rare parts of taking and giving: the leaf word with the lowest free slot; leaf word `word` has
 * become full, or has stopped being so. */
uint32_t tv_pool_lowest(const struct tv_pool *p, uint8_t *region);
void tv_pool_mark_full(const struct tv_pool *p, uint8_t *region, uint32_t word);
void tv_pool_mark_not_full(const struct tv_pool *p, uint8_t *region, uint32_t word);

/* The lowest free slot, or TV_NONE. The slot's bytes are as the last user left them (or zero). */
static inline uint32_t tv_pool_take(struct tv_pool *p, uint8_t *region)
{
	uint64_t *leaves = (uint64_t *)(void *)(region + p->bits[0]), taken;
	uint32_t word = p->low, slot;

	if (p->used == p->count)
		return TV_NONE;
	taken = leaves[word];
	if (TV_UNLIKELY(~taken == 0)) {
		p->low = word = tv_pool_lowest(p, region);
		taken = leaves[word];
	}
	slot = word * 64 + (uint32_t)__builtin_ctzll(~taken);
	taken |= taken + 1;
	leaves[word] = taken;
	if (TV_UNLIKELY(~taken == 0))
		tv_pool_mark_full(p, region, word);
	p->used++;
	if (slot >= p->high)
		p->high = slot + 1;
	return slot;
}

static inline void tv_pool_give(struct tv_pool *p, uint8_t *region, uint32_t slot)
{
	uint32_t word = slot / 64;
	uint64_t *leaf = (uint64_t *)(void *)(region + p->bits[0]) + word, before;

	TV_ASSERT(slot < p->high);
	before = *leaf;
	TV_ASSERT((before >> slot % 64 & 1) != 0);
	*leaf = before & ~(1ull << slot % 64);
	if (TV_UNLIKELY(~before == 0))
		tv_pool_mark_not_full(p, region, word);
	if (word < p->low)
		p->low = word;
	p->used--;
}

bool tv_pool_taken(const struct tv_pool *p, const uint8_t *region, uint32_t slot);
/* The first taken slot >= from, or TV_NONE. */
uint32_t tv_pool_next(const struct tv_pool *p, const uint8_t *region, uint32_t from);
/* The i-th run of whole `grain`-byte blocks, ever touched and now without a taken slot. */
bool tv_pool_free_run(const struct tv_pool *p, const uint8_t *region, unsigned i, uint32_t grain,
                      uint64_t *offset, uint64_t *bytes);

static inline void *tv_pool_at(const struct tv_pool *p, uint8_t *region, uint32_t slot)
{
	return region + p->records + (uint64_t)slot * p->stride;
}

#endif
