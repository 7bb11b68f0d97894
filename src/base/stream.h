/*
 * stream.h - a queue of bytes on a chain of pages: what the user wrote and the peer has not
 * acknowledged, what arrived and the user has not read, or one out-of-order piece. Bytes go in at
 * the tail and out at the head; the middle can be read at any offset, with a cursor that remembers
 * where the last read ended so that a sequential reader does not walk from the head.
 */
#ifndef TV_BASE_STREAM_H
#define TV_BASE_STREAM_H

#include "arch/kernel.h"
#include "arch/kernels.h"
#include "base/pages.h"

struct tv_stream {
	uint32_t head, tail;       /* page numbers; 0: empty */
	uint32_t len;              /* bytes */
};

/* A page and the stream offset (from the head at this moment) of its first byte; page 0: unset. */
struct tv_cursor {
	uint32_t page;
	uint32_t off;
};

/* Appends up to n bytes; returns how many found room (pages may run out). urgent: may use the reserve. */
uint32_t tv_stream_append(struct tv_stream *s, struct tv_pages *p, uint8_t *region, const uint8_t *data,
                          uint32_t n, bool urgent);
/* Puts `from` behind `s`, by linking its pages (a tiny one that fits in the room behind s is copied);
 * `from` is empty afterwards. */
void tv_stream_join(struct tv_stream *s, struct tv_stream *from, struct tv_pages *p, uint8_t *region);
/* Drops n <= len bytes at the head; a cursor (may be NULL) is moved along or unset. */
static inline void tv_stream_consume(struct tv_stream *s, struct tv_pages *p, uint8_t *region, uint32_t n,
                                     struct tv_cursor *cursor);
/* The same when it is not all that there is. */
void tv_stream_consume_part(struct tv_stream *s, struct tv_pages *p, uint8_t *region, uint32_t n,
                            struct tv_cursor *cursor);
/* Drops bytes at the tail until len are left; the owner unsets its cursors. The same for clearing. */
void tv_stream_cut(struct tv_stream *s, struct tv_pages *p, uint8_t *region, uint32_t len);
/* The same when there is something. */
void tv_stream_clear_pages(struct tv_stream *s, struct tv_pages *p, uint8_t *region);
static inline void tv_stream_clear(struct tv_stream *s, struct tv_pages *p, uint8_t *region)
{
	if (s->len != 0)
		tv_stream_clear_pages(s, p, region);
}
/* Copies n bytes from offset off (off + n <= len) to dst. cursor may be NULL; it is used when it does
 * not lie behind off, and left at the page where the copy ended. */
void tv_stream_copy(const struct tv_stream *s, const struct tv_pages *p, uint8_t *region,
                    uint32_t off, uint32_t n, struct tv_cursor *cursor, uint8_t *dst);
/* The same, returning the sum of the bytes (arch/kernel.h) added to `sum`. */
uint64_t tv_stream_copy_sum(const struct tv_stream *s, const struct tv_pages *p, uint8_t *region,
                            uint32_t off, uint32_t n, struct tv_cursor *cursor, uint8_t *dst,
                            enum tv_arch arch, uint64_t sum);
/* Is it one small page, no more and no less? */
static inline bool tv_stream_is_single(const struct tv_stream *s)
{
	return s->head == s->tail && (s->head & TV_PAGE_SMALL) != 0;
}
/* All of it where it lies, if that is one small page; NULL: it is not, or there is nothing. */
static inline const uint8_t *tv_stream_single(const struct tv_stream *s, const struct tv_pages *p, uint8_t *region)
{
	if (!tv_stream_is_single(s))
		return NULL;
	return tv_page_bytes_small(p, region, s->head) + tv_page_meta_small(p, region, s->head)->off;
}
/* The same if it is no more than TV_KERNEL_SMALL bytes (arch/kernels.h). */
static inline const uint8_t *tv_stream_short(const struct tv_stream *s, const struct tv_pages *p, uint8_t *region)
{
	return s->len > TV_KERNEL_SMALL ? NULL : tv_stream_single(s, p, region);
}
/* Drops all of it, which is single. */
static inline void tv_stream_drop_single(struct tv_stream *s, struct tv_pages *p, uint8_t *region)
{
	tv_page_give_small(p, region, s->head);
	*s = (struct tv_stream){0};
}
static inline void tv_stream_consume(struct tv_stream *s, struct tv_pages *p, uint8_t *region, uint32_t n,
                                     struct tv_cursor *cursor)
{
	if (n != s->len) {
		tv_stream_consume_part(s, p, region, n, cursor);
		return;
	}
	if (tv_stream_is_single(s))
		tv_stream_drop_single(s, p, region);
	else
		tv_stream_clear(s, p, region);
	if (cursor != NULL)
		*cursor = (struct tv_cursor){0};
}
/* A short text into an empty stream has a small page to itself. False: it is long, or there is text before it, or
 * there is no small page. */
static inline bool tv_stream_begin(struct tv_stream *s, struct tv_pages *p, uint8_t *region, const uint8_t *data,
                                   size_t n)
{
	uint32_t page;

	if (s->len != 0 || n - 1 >= TV_SMALL_BYTES || (page = tv_page_take_small(p, region)) == 0)
		return false;
	*tv_page_meta_small(p, region, page) = (struct tv_page){.len = (uint16_t)n};
	tv_copy_few(tv_page_bytes_small(p, region, page), data, n);
	*s = (struct tv_stream){.head = page, .tail = page, .len = (uint32_t)n};
	return true;
}
/* These n bytes to dst; returns their sum. */
static inline uint64_t tv_stream_copy_sum_short(const uint8_t *at, uint32_t n, uint8_t *dst)
{
	return tv_copy_sum_small(dst, at, n, 0);
}
/* The n bytes from off as at most `cap` pieces; returns how many pieces, and *covered the bytes in them. */
unsigned tv_stream_pieces(const struct tv_stream *s, const struct tv_pages *p, uint8_t *region,
                          uint32_t off, uint32_t n, struct tv_cursor *cursor,
                          struct tv_piece *pieces, unsigned cap, uint32_t *covered);
/* How many bytes can be appended without another page. */
uint32_t tv_stream_room(const struct tv_stream *s, const struct tv_pages *p, uint8_t *region);
/* Bytes of pages that the stream holds (for the limit on true memory). */
uint32_t tv_stream_held(const struct tv_stream *s, const struct tv_pages *p, uint8_t *region);

#endif
