/*
 * pool.c - slots of one size, taken from the lowest free number.
 *
 * The leaves of a tree of bitmaps say which slots are taken; a bit of an upper level says that the
 * whole word below it is full. Bits behind the last slot are never set: as long as fewer than `count`
 * slots are in use a free one lies below them, so that the search cannot reach them.
 *
 * Two shortcuts carry nearly every call: `low` is a leaf word before which all words are full, so that
 * the lowest free slot is usually found with one load; and an upper level is written only when a word
 * becomes full or stops being so.
 *
 * Lazily backed memory: planning writes nothing, all-zero bitmaps are an empty pool, and slots are
 * neither linked nor cleared, so that a slot never taken costs no page. The bitmaps of all levels lie
 * together before the records: a small pool touches one page of them.
 */
#include "base/pool.h"

static uint64_t *level_words(const struct tv_pool *p, uint8_t *region, uint32_t level)
{
	return (uint64_t *)(void *)(region + p->bits[level]);
}

static const uint64_t *leaf_words(const struct tv_pool *p, const uint8_t *region)
{
	return (const uint64_t *)(const void *)(region + p->bits[0]);
}

void tv_pool_plan(struct tv_pool *p, uint32_t count, uint32_t stride, uint64_t *end)
{
	uint64_t words[TV_POOL_LEVELS];
	uint64_t n = count;

	TV_ASSERT(count < 1u << 30);
	TV_ASSERT(stride != 0);
	memset(p, 0, sizeof *p);
	p->count = count;
	p->stride = stride;
	do {
		n = (n + 63) / 64;
		words[p->levels++] = n;
	} while (n > 1);
	*end = (*end + 63) & ~(uint64_t)63;
	for (uint32_t level = p->levels; level-- > 0;) {
		p->bits[level] = *end;
		*end += words[level] * 8;
	}
	*end = (*end + 63) & ~(uint64_t)63;
	p->records = *end;
	*end += (uint64_t)count * stride;
}

/* At least one slot is free. */
uint32_t tv_pool_lowest(const struct tv_pool *p, uint8_t *region)
{
	uint32_t word = 0;

	for (uint32_t level = p->levels; level-- > 1;)
		word = word * 64 + (uint32_t)__builtin_ctzll(~level_words(p, region, level)[word]);
	return word;
}

/* Those above it may have become full too. */
void tv_pool_mark_full(const struct tv_pool *p, uint8_t *region, uint32_t word)
{
	for (uint32_t level = 1; level < p->levels; level++) {
		uint64_t *w = level_words(p, region, level) + word / 64;

		*w |= 1ull << word % 64;
		if (~*w != 0)
			return;
		word /= 64;
	}
}

void tv_pool_mark_not_full(const struct tv_pool *p, uint8_t *region, uint32_t word)
{
	for (uint32_t level = 1; level < p->levels; level++) {
		uint64_t *w = level_words(p, region, level) + word / 64;
		bool was_full = ~*w == 0;

		*w &= ~(1ull << word % 64);
		if (!was_full)
			return;
		word /= 64;
	}
}

bool tv_pool_taken(const struct tv_pool *p, const uint8_t *region, uint32_t slot)
{
	return slot < p->high && (leaf_words(p, region)[slot / 64] >> slot % 64 & 1) != 0;
}

/* The first slot >= from and < high whose bit differs from those of `flip`, or high. */
static uint32_t scan(const struct tv_pool *p, const uint8_t *region, uint32_t from, uint64_t flip)
{
	const uint64_t *leaves = leaf_words(p, region);
	uint32_t word = from / 64;
	uint64_t w;

	if (from >= p->high)
		return p->high;
	w = (leaves[word] ^ flip) & ~0ull << from % 64;
	while (w == 0) {
		word++;
		if (word * 64 >= p->high)
			return p->high;
		w = leaves[word] ^ flip;
	}
	return tv_min32(word * 64 + (uint32_t)__builtin_ctzll(w), p->high);
}

uint32_t tv_pool_next(const struct tv_pool *p, const uint8_t *region, uint32_t from)
{
	uint32_t slot = scan(p, region, from, 0);

	return slot < p->high ? slot : TV_NONE;
}

bool tv_pool_free_run(const struct tv_pool *p, const uint8_t *region, unsigned i, uint32_t grain,
                      uint64_t *offset, uint64_t *bytes)
{
	uint32_t first = scan(p, region, 0, ~0ull);

	while (first < p->high) {
		uint32_t behind = scan(p, region, first, 0);
		uint64_t start = p->records + (uint64_t)first * p->stride;
		uint64_t end = p->records + (uint64_t)behind * p->stride;

		start = (start + grain - 1) / grain * grain;
		end = end / grain * grain;
		if (start < end && i-- == 0) {
			*offset = start;
			*bytes = end - start;
			return true;
		}
		first = scan(p, region, behind, ~0ull);
	}
	return false;
}
