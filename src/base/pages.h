/*
 * pages.h - pages of two sizes for the bytes of all connections, under one budget. A page number is
 * slot + 1, small pages have the top bit set, 0 is none. Beside the bytes of a page stand its link,
 * where its bytes begin and how many there are.
 *
 * A reserve of big pages is kept back for the left edge: `urgent` allocation may use it.
 */
#ifndef TV_BASE_PAGES_H
#define TV_BASE_PAGES_H

#include "base/pool.h"
#include <trivet/trivet.h>

#define TV_PAGE_SMALL 0x80000000u

struct tv_page {
	uint32_t next;
	uint16_t off, len;
};

struct tv_pages {
	struct tv_pool big, small;
	uint64_t big_meta, small_meta; /* offsets of struct tv_page arrays */
	uint32_t reserve;              /* big pages kept back */
	uint32_t failures;             /* allocations refused, modulo 2^32 */
};

void tv_pages_plan(struct tv_pages *p, uint32_t big, uint32_t small, uint32_t reserve, uint64_t *end);
/* A page with room for `bytes` more or less: small when bytes <= TV_SMALL_BYTES and one is free, else
 * big; off = len = 0, next = 0. 0 when none is left. */
static inline uint32_t tv_page_take(struct tv_pages *p, uint8_t *region, uint32_t bytes, bool urgent);
uint32_t tv_page_take_big(struct tv_pages *p, uint8_t *region, bool urgent);

static inline void tv_page_give(struct tv_pages *p, uint8_t *region, uint32_t page)
{
	tv_pool_give(page & TV_PAGE_SMALL ? &p->small : &p->big, region, (page & ~TV_PAGE_SMALL) - 1);
}

/* Bytes that could still be allocated in big pages without the reserve. */
static inline uint64_t tv_pages_free_bytes(const struct tv_pages *p)
{
	uint32_t unused = p->big.count - p->big.used;

	return unused <= p->reserve ? 0 : (uint64_t)(unused - p->reserve) * TV_PAGE_BYTES;
}

static inline uint32_t tv_page_cap(uint32_t page)
{
	return page & TV_PAGE_SMALL ? TV_SMALL_BYTES : TV_PAGE_BYTES;
}

/* Of small pages, for whoever knows that it has one. */
static inline uint32_t tv_page_slot_small(uint32_t page)
{
	return page - (TV_PAGE_SMALL + 1);
}

static inline struct tv_page *tv_page_meta_small(const struct tv_pages *p, uint8_t *region, uint32_t page)
{
	return (struct tv_page *)(void *)(region + p->small_meta) + tv_page_slot_small(page);
}

static inline uint8_t *tv_page_bytes_small(const struct tv_pages *p, uint8_t *region, uint32_t page)
{
	return region + p->small.records + (uint64_t)tv_page_slot_small(page) * TV_SMALL_BYTES;
}

static inline void tv_page_give_small(struct tv_pages *p, uint8_t *region, uint32_t page)
{
	tv_pool_give(&p->small, region, tv_page_slot_small(page));
}

/* One whose link and fill level the caller writes; 0: none is free. */
static inline uint32_t tv_page_take_small(struct tv_pages *p, uint8_t *region)
{
	uint32_t slot = tv_pool_take(&p->small, region);

	return slot == TV_NONE ? 0 : slot + (TV_PAGE_SMALL + 1);
}

static inline struct tv_page *tv_page_meta(const struct tv_pages *p, uint8_t *region, uint32_t page)
{
	uint64_t meta = page & TV_PAGE_SMALL ? p->small_meta : p->big_meta;
	uint32_t slot = (page & ~TV_PAGE_SMALL) - 1;

	return (struct tv_page *)(void *)(region + meta) + slot;
}

static inline uint32_t tv_page_take(struct tv_pages *p, uint8_t *region, uint32_t bytes, bool urgent)
{
	uint32_t page = bytes <= TV_SMALL_BYTES ? tv_page_take_small(p, region) : 0;

	if (page == 0)
		return tv_page_take_big(p, region, urgent);
	*tv_page_meta_small(p, region, page) = (struct tv_page){0};
	return page;
}

static inline uint8_t *tv_page_bytes(const struct tv_pages *p, uint8_t *region, uint32_t page)
{
	uint64_t slot = (page & ~TV_PAGE_SMALL) - 1;

	if ((page & TV_PAGE_SMALL) != 0)
		return region + p->small.records + slot * TV_SMALL_BYTES;
	return region + p->big.records + slot * TV_PAGE_BYTES;
}

#endif
