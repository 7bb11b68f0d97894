/*
 * pages.c - the pages that hold the bytes of all connections.
 *
 * Two pools, one of big and one of small pages, each with an array beside it that holds the links and
 * fill levels: a page's own memory is touched only by the bytes that lie in it, and walking a chain
 * reads eight bytes for each page.
 *
 * The reserve: the last `reserve` big pages go only to callers that say `urgent`. These are the ones
 * that fill the left edge of a receive window, where the peer's retransmission would otherwise be
 * refused for ever by a stack whose pages are all held by data behind that hole. A small page that is
 * asked for and not there is replaced by a big one; the reverse is left to the caller, who knows how
 * to split its bytes.
 */
#include "base/pages.h"

static void plan_meta(uint64_t *offset, uint32_t count, uint64_t *end)
{
	*end = (*end + 63) & ~(uint64_t)63;
	*offset = *end;
	*end += (uint64_t)count * sizeof(struct tv_page);
}

void tv_pages_plan(struct tv_pages *p, uint32_t big, uint32_t small, uint32_t reserve, uint64_t *end)
{
	TV_ASSERT(reserve <= big);
	memset(p, 0, sizeof *p);
	plan_meta(&p->small_meta, small, end);
	plan_meta(&p->big_meta, big, end);
	tv_pool_plan(&p->small, small, TV_SMALL_BYTES, end);
	tv_pool_plan(&p->big, big, TV_PAGE_BYTES, end);
	p->reserve = reserve;
}

uint32_t tv_page_take_big(struct tv_pages *p, uint8_t *region, bool urgent)
{
	uint32_t slot = TV_NONE, page;

	if (urgent || p->big.count - p->big.used > p->reserve)
		slot = tv_pool_take(&p->big, region);
	if (slot == TV_NONE) {
		p->failures++;
		return 0;
	}
	page = slot + 1;
	*tv_page_meta(p, region, page) = (struct tv_page){0};
	return page;
}
