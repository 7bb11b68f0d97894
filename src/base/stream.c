/*
 * stream.c - a queue of bytes on a chain of pages.
 *
 * Every page of a chain holds at least one byte. In a stream that was only appended to and consumed,
 * the first page alone can begin behind its start and the last one alone has room; joined pieces bring
 * such pages into the middle, where their room stays unused.
 *
 * Which page comes next: first the room in the last one is filled; then a small page is taken when
 * the rest fits in one and the stream is short (less than four small pages' worth), so that thousands
 * of connections with little to say do not hold a big page each; else a big one.
 *
 * A cursor remembers one page and the stream offset of its first byte. Appending changes neither,
 * consuming moves the offset or unsets the cursor, cutting (tv_stream_cut, tv_stream_clear) obliges
 * the owner to unset it. Reading behind the cursor starts at the head and leaves the cursor there: who
 * goes back for a moment only (a single retransmission) gives no cursor or one of its own.
 */
#include "base/stream.h"

static uint32_t room_in(const struct tv_page *m, uint32_t page)
{
	return tv_page_cap(page) - m->off - m->len;
}

uint32_t tv_stream_room(const struct tv_stream *s, const struct tv_pages *p, uint8_t *region)
{
	return s->tail == 0 ? 0 : room_in(tv_page_meta(p, region, s->tail), s->tail);
}

static void link_page(struct tv_stream *s, struct tv_pages *p, uint8_t *region, uint32_t page)
{
	if (s->head == 0)
		s->head = page;
	else
		tv_page_meta(p, region, s->tail)->next = page;
	s->tail = page;
}

/* Behind what the page holds, which has room for it. */
static inline void fill(struct tv_stream *s, struct tv_pages *p, uint8_t *region, uint32_t page, const uint8_t *data,
                        uint32_t n)
{
	struct tv_page *m = tv_page_meta(p, region, page);

	tv_copy_long(tv_page_bytes(p, region, page) + m->off + m->len, data, n);
	m->len = (uint16_t)(m->len + n);
	s->len += n;
}

/* The same wherever the bytes find room. */
static TV_APART uint32_t append_any(struct tv_stream *s, struct tv_pages *p, uint8_t *region, const uint8_t *data,
                           uint32_t n, bool urgent)
{
	uint32_t left = n;
	uint32_t page = s->tail, room = tv_stream_room(s, p, region);

	while (left > 0) {
		uint32_t now = tv_min32(room, left);

		if (now == 0) {
			page = tv_page_take(p, region, s->len < 4 * TV_SMALL_BYTES ? left : TV_PAGE_BYTES,
			                    urgent);
			if (page == 0)
				break;
			link_page(s, p, region, page);
			room = tv_page_cap(page);
			now = tv_min32(room, left);
		}
		fill(s, p, region, page, data, now);
		data += now;
		left -= now;
		room -= now;
	}
	return n - left;
}

uint32_t tv_stream_append(struct tv_stream *s, struct tv_pages *p, uint8_t *region, const uint8_t *data,
                          uint32_t n, bool urgent)
{
	if (tv_stream_begin(s, p, region, data, n))
		return n;
	if (n > tv_stream_room(s, p, region))
		return append_any(s, p, region, data, n, urgent);
	if (n != 0)
		fill(s, p, region, s->tail, data, n);
	return n;
}

void tv_stream_join(struct tv_stream *s, struct tv_stream *from, struct tv_pages *p, uint8_t *region)
{
	if (from->len == 0)
		return;
	if (s->len == 0) {
		*s = *from;
		*from = (struct tv_stream){0};
		return;
	}
	if (from->len <= TV_SMALL_BYTES &&
	    from->len <= room_in(tv_page_meta(p, region, s->tail), s->tail)) {
		struct tv_page *m = tv_page_meta(p, region, s->tail);

		tv_stream_copy(from, p, region, 0, from->len, NULL,
		               tv_page_bytes(p, region, s->tail) + m->off + m->len);
		m->len = (uint16_t)(m->len + from->len);
		s->len += from->len;
		tv_stream_clear(from, p, region);
		return;
	}
	tv_page_meta(p, region, s->tail)->next = from->head;
	s->tail = from->tail;
	s->len += from->len;
	*from = (struct tv_stream){0};
}

static TV_APART void give_chain(struct tv_pages *p, uint8_t *region, uint32_t page)
{
	while (page != 0) {
		uint32_t next = tv_page_meta(p, region, page)->next;

		tv_page_give(p, region, page);
		page = next;
	}
}

/* A cursor's page lost bytes at its front, or all of them, or its offset shrank. */
static void move_cursor(struct tv_cursor *cursor, const struct tv_pages *p, uint8_t *region, uint32_t n)
{
	if (cursor->page == 0)
		return;
	if (cursor->off >= n)
		cursor->off -= n;
	else if (cursor->off + tv_page_meta(p, region, cursor->page)->len > n)
		cursor->off = 0;
	else
		*cursor = (struct tv_cursor){0};
}

void tv_stream_clear_pages(struct tv_stream *s, struct tv_pages *p, uint8_t *region)
{
	uint32_t page = s->head;

	if (page == s->tail)
		tv_page_give(p, region, page);
	else
		give_chain(p, region, page);
	*s = (struct tv_stream){0};
}

void tv_stream_consume_part(struct tv_stream *s, struct tv_pages *p, uint8_t *region, uint32_t n,
                            struct tv_cursor *cursor)
{
	TV_ASSERT(n <= s->len);
	if (n == 0)
		return;
	if (cursor != NULL)
		move_cursor(cursor, p, region, n);
	s->len -= n;
	while (n > 0) {
		struct tv_page *m = tv_page_meta(p, region, s->head);
		uint32_t next = m->next;

		if (n < m->len) {
			m->off = (uint16_t)(m->off + n);
			m->len = (uint16_t)(m->len - n);
			return;
		}
		n -= m->len;
		tv_page_give(p, region, s->head);
		s->head = next;
	}
	if (s->head == 0)
		s->tail = 0;
}

void tv_stream_cut(struct tv_stream *s, struct tv_pages *p, uint8_t *region, uint32_t len)
{
	struct tv_page *m;
	uint32_t left = len;

	TV_ASSERT(len <= s->len);
	if (len == s->len)
		return;
	if (len == 0) {
		tv_stream_clear(s, p, region);
		return;
	}
	s->len = len;
	s->tail = s->head;
	m = tv_page_meta(p, region, s->tail);
	while (left > m->len) {
		left -= m->len;
		s->tail = m->next;
		m = tv_page_meta(p, region, s->tail);
	}
	m->len = (uint16_t)left;
	give_chain(p, region, m->next);
	m->next = 0;
}

/* The page that holds offset off < len, and the offset of its first byte. */
static inline struct tv_cursor seek(const struct tv_stream *s, const struct tv_pages *p, uint8_t *region,
                             uint32_t off, const struct tv_cursor *cursor)
{
	struct tv_cursor at = {.page = s->head, .off = 0};
	const struct tv_page *m;

	if (cursor != NULL && cursor->page != 0 && cursor->off <= off)
		at = *cursor;
	m = tv_page_meta(p, region, at.page);
	while (off - at.off >= m->len) {
		at.off += m->len;
		at.page = m->next;
		m = tv_page_meta(p, region, at.page);
	}
	return at;
}

/* The bytes from off on in the page under `at`, at most n; moves on when the page is used up and
 * more are wanted. */
static inline struct tv_piece next_piece(const struct tv_pages *p, uint8_t *region, struct tv_cursor *at,
                                  uint32_t off, uint32_t n)
{
	const struct tv_page *m = tv_page_meta(p, region, at->page);
	uint32_t skip = off - at->off, have = m->len - skip;
	struct tv_piece piece = {.data = tv_page_bytes(p, region, at->page) + m->off + skip,
	                         .len = tv_min32(have, n)};

	if (n > have) {
		at->off += m->len;
		at->page = m->next;
	}
	return piece;
}

/* What is left of a copy whose first `done` bytes of n were on the page before `at`. */
static TV_APART void copy_rest(const struct tv_pages *p, uint8_t *region, struct tv_cursor *at, uint32_t off,
                               uint32_t n, uint32_t done, uint8_t *dst)
{
	while (done < n) {
		struct tv_piece piece = next_piece(p, region, at, off + done, n - done);

		tv_copy_long(dst + done, piece.data, piece.len);
		done += piece.len;
	}
}

void tv_stream_copy(const struct tv_stream *s, const struct tv_pages *p, uint8_t *region,
                    uint32_t off, uint32_t n, struct tv_cursor *cursor, uint8_t *dst)
{
	struct tv_cursor at;
	struct tv_piece piece;

	TV_ASSERT(off <= s->len);
	TV_ASSERT(n <= s->len - off);
	if (n == 0)
		return;
	at = seek(s, p, region, off, cursor);
	piece = next_piece(p, region, &at, off, n); /* most often all of it */
	tv_copy_long(dst, piece.data, piece.len);
	if (piece.len != n)
		copy_rest(p, region, &at, off, n, piece.len, dst);
	if (cursor != NULL)
		*cursor = at;
}

/* A sum whose bytes stand at odd places: folded to 16 bits and its bytes swapped (RFC 1071 2 (B)). */
static uint64_t swapped(uint64_t sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16 & 0xffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (sum & 0xff) << 8 | sum >> 8;
}

static TV_APART uint64_t copy_sum_rest(const struct tv_pages *p, uint8_t *region, struct tv_cursor *at, uint32_t off,
                                       uint32_t n, uint32_t done, uint8_t *dst, enum tv_arch arch, uint64_t sum)
{
	while (done < n) {
		struct tv_piece piece = next_piece(p, region, at, off + done, n - done);

		if ((done & 1) == 0)
			sum = tv_kernel_copy_sum(arch, dst + done, piece.data, piece.len, sum);
		else
			sum += swapped(tv_kernel_copy_sum(arch, dst + done, piece.data, piece.len, 0));
		done += piece.len;
	}
	return sum;
}

uint64_t tv_stream_copy_sum(const struct tv_stream *s, const struct tv_pages *p, uint8_t *region,
                            uint32_t off, uint32_t n, struct tv_cursor *cursor, uint8_t *dst,
                            enum tv_arch arch, uint64_t sum)
{
	struct tv_cursor at;
	struct tv_piece piece;

	TV_ASSERT(off <= s->len);
	TV_ASSERT(n <= s->len - off);
	if (n == 0)
		return sum;
	at = seek(s, p, region, off, cursor);
	piece = next_piece(p, region, &at, off, n); /* most often all of it */
	sum = tv_kernel_copy_sum(arch, dst, piece.data, piece.len, sum);
	if (piece.len != n)
		sum = copy_sum_rest(p, region, &at, off, n, piece.len, dst, arch, sum);
	if (cursor != NULL)
		*cursor = at;
	return sum;
}

unsigned tv_stream_pieces(const struct tv_stream *s, const struct tv_pages *p, uint8_t *region,
                          uint32_t off, uint32_t n, struct tv_cursor *cursor,
                          struct tv_piece *pieces, unsigned cap, uint32_t *covered)
{
	struct tv_cursor at;
	unsigned count = 0;

	TV_ASSERT(off <= s->len);
	TV_ASSERT(n <= s->len - off);
	*covered = 0;
	if (n == 0 || cap == 0)
		return 0;
	at = seek(s, p, region, off, cursor);
	while (*covered < n && count < cap) {
		pieces[count] = next_piece(p, region, &at, off + *covered, n - *covered);
		*covered += pieces[count++].len;
	}
	if (cursor != NULL)
		*cursor = at;
	return count;
}

uint32_t tv_stream_held(const struct tv_stream *s, const struct tv_pages *p, uint8_t *region)
{
	uint32_t bytes = 0;

	for (uint32_t page = s->head; page != 0; page = tv_page_meta(p, region, page)->next)
		bytes += tv_page_cap(page);
	return bytes;
}
