/* Streams on pages: compared with plain arrays of bytes; cursors, odd sums, exhaustion, the reserve. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/check.h"
#include "base/siphash.h"

#define STREAMS 4
#define LONGEST 60000u

static uint64_t rng_state;

static uint32_t rng(uint32_t below)
{
	const struct tv_sipkey key = {.k0 = 5, .k1 = 6};

	rng_state++;
	return (uint32_t)(tv_siphash(&key, &rng_state, sizeof rng_state) % below);
}

struct model {
	struct tv_pages pages;
	uint8_t *region;
	struct tv_stream s[STREAMS];
	struct tv_cursor cursor[STREAMS];
	uint8_t *bytes[STREAMS];
	uint32_t len[STREAMS];
	uint8_t *scratch;
};

static void model_start(struct model *m, uint32_t big, uint32_t small, uint32_t reserve, uint64_t seed)
{
	uint64_t end = 0;

	rng_state = seed << 32;
	memset(m, 0, sizeof *m);
	memset(&m->pages, 0xee, sizeof m->pages);
	tv_pages_plan(&m->pages, big, small, reserve, &end);
	m->region = calloc(1, end);
	m->scratch = malloc(LONGEST);
	assert_non_null(m->region);
	for (unsigned i = 0; i < STREAMS; i++)
		m->bytes[i] = malloc(LONGEST);
}

static void model_end(struct model *m)
{
	for (unsigned i = 0; i < STREAMS; i++)
		free(m->bytes[i]);
	free(m->scratch);
	free(m->region);
}

/* The folded sum of bytes that begin at an even place, word by word as the RFC defines it. */
static uint16_t naive_sum(const uint8_t *p, uint32_t n)
{
	uint32_t sum = 0;

	for (uint32_t i = 0; i < n; i += 2) {
		uint8_t pair[2] = {p[i], i + 1 < n ? p[i + 1] : 0};
		uint16_t word;

		memcpy(&word, pair, 2);
		sum += word;
		sum = (sum & 0xffff) + (sum >> 16);
	}
	return (uint16_t)sum;
}

static uint16_t fold(uint64_t sum)
{
	while (sum >> 16 != 0)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

static void model_append(struct model *m, unsigned i, uint32_t n, bool urgent)
{
	uint32_t unused = m->pages.big.count - m->pages.big.used, took;

	n = tv_min32(n, LONGEST - m->len[i]);
	for (uint32_t b = 0; b < n; b++)
		m->scratch[b] = (uint8_t)rng(256);
	took = tv_stream_append(&m->s[i], &m->pages, m->region, m->scratch, n, urgent);
	assert_true(took <= n);
	/* Less than asked for only when no page was left to this caller. */
	if (took < n) {
		uint32_t left = m->pages.big.count - m->pages.big.used;

		assert_true(urgent ? left == 0 : left <= m->pages.reserve);
	}
	if (!urgent && unused > m->pages.reserve)
		assert_true(m->pages.big.count - m->pages.big.used >= m->pages.reserve);
	memcpy(m->bytes[i] + m->len[i], m->scratch, took);
	m->len[i] += took;
}

static void model_consume(struct model *m, unsigned i, uint32_t n)
{
	n = tv_min32(n, m->len[i]);
	tv_stream_consume(&m->s[i], &m->pages, m->region, n, &m->cursor[i]);
	memmove(m->bytes[i], m->bytes[i] + n, m->len[i] - n);
	m->len[i] -= n;
}

static void model_cut(struct model *m, unsigned i, uint32_t len)
{
	tv_stream_cut(&m->s[i], &m->pages, m->region, len);
	m->cursor[i] = (struct tv_cursor){0};
	m->len[i] = len;
}

static void model_join(struct model *m, unsigned i, unsigned j)
{
	if (i == j || m->len[i] + m->len[j] > LONGEST)
		return;
	tv_stream_join(&m->s[i], &m->s[j], &m->pages, m->region);
	memcpy(m->bytes[i] + m->len[i], m->bytes[j], m->len[j]);
	m->len[i] += m->len[j];
	m->len[j] = 0;
	m->cursor[j] = (struct tv_cursor){0};
	assert_int_equal(m->s[j].len, 0);
	assert_int_equal(m->s[j].head, 0);
}

static void model_read(struct model *m, unsigned i)
{
	uint32_t off = rng(m->len[i] + 1), n = rng(m->len[i] - off + 1), covered, at = off;
	struct tv_cursor *cursor = rng(8) != 0 ? &m->cursor[i] : NULL;
	struct tv_piece pieces[5];
	unsigned count, cap = 1 + rng(5);
	uint64_t start = rng(70000), sum;

	if (rng(2) != 0)
		n = tv_min32(n, 1460);
	memset(m->scratch, 0xee, n);
	tv_stream_copy(&m->s[i], &m->pages, m->region, off, n, cursor, m->scratch);
	assert_memory_equal(m->scratch, m->bytes[i] + off, n);
	memset(m->scratch, 0xdd, n);
	sum = tv_stream_copy_sum(&m->s[i], &m->pages, m->region, off, n, cursor, m->scratch,
	                         TV_ARCH_PORTABLE, start);
	assert_memory_equal(m->scratch, m->bytes[i] + off, n);
	assert_int_equal(fold(sum) % 0xffff, (naive_sum(m->bytes[i] + off, n) + start) % 0xffff);
	count = tv_stream_pieces(&m->s[i], &m->pages, m->region, off, n, cursor, pieces, cap, &covered);
	assert_true(count <= cap);
	assert_true(covered == n || count == cap);
	for (unsigned p = 0; p < count; p++) {
		assert_true(pieces[p].len > 0);
		assert_memory_equal(pieces[p].data, m->bytes[i] + at, pieces[p].len);
		at += pieces[p].len;
	}
	assert_int_equal(at - off, covered);
}

static void model_check(const struct model *m)
{
	uint64_t held = 0;

	assert_int_equal(tv_pages_check(&m->pages, m->region), 0);
	for (unsigned i = 0; i < STREAMS; i++) {
		assert_int_equal(m->s[i].len, m->len[i]);
		assert_int_equal(tv_stream_check(&m->s[i], &m->pages, m->region), 0);
		assert_int_equal(tv_cursor_check(&m->cursor[i], &m->s[i], &m->pages, m->region), 0);
		held += tv_stream_held(&m->s[i], &m->pages, m->region);
	}
	/* No page is lost, none is in two streams. */
	assert_int_equal(held, (uint64_t)m->pages.big.used * TV_PAGE_BYTES +
	                       (uint64_t)m->pages.small.used * TV_SMALL_BYTES);
}

static uint32_t some_length(void)
{
	static const uint32_t bounds[] = {2, 300, 1461, 9000};

	return rng(bounds[rng(4)]);
}

static void run_against_model(uint32_t big, uint32_t small, uint32_t reserve, uint32_t ops,
                              uint64_t seed)
{
	struct model m;

	model_start(&m, big, small, reserve, seed);
	for (uint32_t op = 0; op < ops; op++) {
		unsigned i = rng(STREAMS), j = rng(STREAMS);

		switch (rng(12)) {
		case 0:
		case 1:
		case 2:
		case 3:
			model_append(&m, i, some_length(), rng(4) == 0);
			break;
		case 4:
		case 5:
			model_consume(&m, i, some_length() * 2);
			break;
		case 6:
			model_join(&m, i, j);
			break;
		case 7:
			model_cut(&m, i, m.len[i] - rng(tv_min32(m.len[i], 2000) + 1));
			break;
		case 8:
			if (rng(20) == 0)
				model_cut(&m, i, 0);
			break;
		default:
			model_read(&m, i);
			break;
		}
		model_check(&m);
	}
	for (unsigned i = 0; i < STREAMS; i++)
		tv_stream_clear(&m.s[i], &m.pages, m.region);
	assert_int_equal(m.pages.big.used + m.pages.small.used, 0);
	model_end(&m);
}

static void test_stream_random_use_agrees_with_model(void **state)
{
	(void)state;
	run_against_model(200, 100, 2, 60000, 1);
}

static void test_stream_exhausted_pages_agree_with_model(void **state)
{
	(void)state;
	run_against_model(6, 5, 2, 60000, 2);
	run_against_model(3, 0, 0, 20000, 3);
	run_against_model(2, 40, 2, 20000, 4);
}

static void test_page_reserve_serves_only_the_urgent(void **state)
{
	struct model m;
	uint32_t page;

	(void)state;
	model_start(&m, 5, 2, 3, 1);
	assert_int_equal(tv_pages_free_bytes(&m.pages), 2 * TV_PAGE_BYTES);
	for (unsigned i = 0; i < 2; i++) {
		page = tv_page_take(&m.pages, m.region, 4000, false);
		assert_int_equal(tv_page_cap(page), TV_PAGE_BYTES);
	}
	assert_int_equal(tv_pages_free_bytes(&m.pages), 0);
	assert_int_equal(tv_page_take(&m.pages, m.region, 4000, false), 0);
	assert_int_equal(m.pages.failures, 1);
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(
			tv_page_cap(tv_page_take(&m.pages, m.region, TV_SMALL_BYTES, false)),
			TV_SMALL_BYTES);
	/* No small page left: a big one, but not from the reserve. */
	assert_int_equal(tv_page_take(&m.pages, m.region, 1, false), 0);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(tv_page_cap(tv_page_take(&m.pages, m.region, 1, true)), TV_PAGE_BYTES);
	assert_int_equal(tv_page_take(&m.pages, m.region, 1, true), 0);
	assert_int_equal(tv_pages_free_bytes(&m.pages), 0);
	tv_page_give(&m.pages, m.region, page);
	assert_int_equal(tv_page_take(&m.pages, m.region, 4000, false), 0);
	assert_int_equal(tv_page_take(&m.pages, m.region, 4000, true), page);
	model_end(&m);
}

static void test_stream_short_ones_hold_small_pages_only(void **state)
{
	struct model m;

	(void)state;
	model_start(&m, 10, 10, 0, 1);
	model_append(&m, 0, 1, false);
	assert_int_equal(tv_stream_held(&m.s[0], &m.pages, m.region), TV_SMALL_BYTES);
	for (unsigned i = 0; i < 1023; i++)
		model_append(&m, 0, 1, false);
	assert_int_equal(tv_stream_held(&m.s[0], &m.pages, m.region), 4 * TV_SMALL_BYTES);
	model_append(&m, 0, 1, false);
	assert_int_equal(tv_stream_held(&m.s[0], &m.pages, m.region),
	                 4 * TV_SMALL_BYTES + TV_PAGE_BYTES);
	model_append(&m, 1, TV_SMALL_BYTES + 1, false);
	assert_int_equal(tv_stream_held(&m.s[1], &m.pages, m.region), TV_PAGE_BYTES);
	/* The last bytes of a long write: the room in the last page first. */
	model_append(&m, 2, TV_PAGE_BYTES - 10, false);
	model_append(&m, 2, 20, false);
	assert_int_equal(tv_stream_held(&m.s[2], &m.pages, m.region), 2 * TV_PAGE_BYTES);
	model_check(&m);
	model_end(&m);
}

/* Where a short stream lies: on one small page, or it is not told. */
static void test_stream_short_is_where_all_of_it_lies(void **state)
{
	struct model m;
	const uint8_t *at;

	(void)state;
	model_start(&m, 10, 2, 0, 1);
	model_append(&m, 0, 64, false);
	model_append(&m, 1, 65, false);
	model_append(&m, 2, 10, false); /* the small pages are used up: a big one */
	at = tv_stream_short(&m.s[0], &m.pages, m.region);
	assert_non_null(at);
	assert_memory_equal(at, m.bytes[0], 64);
	assert_null(tv_stream_short(&m.s[1], &m.pages, m.region));
	assert_null(tv_stream_short(&m.s[2], &m.pages, m.region));
	model_consume(&m, 1, 5);
	at = tv_stream_short(&m.s[1], &m.pages, m.region);
	assert_non_null(at);
	assert_memory_equal(at, m.bytes[1], 60);
	model_append(&m, 1, 250, false);
	model_consume(&m, 1, 250); /* 60 bytes on two pages */
	assert_null(tv_stream_short(&m.s[1], &m.pages, m.region));
	model_end(&m);
}

/* A piece of one byte does not keep a page of its own when it is joined. */
static void test_stream_joined_tiny_pieces_share_a_page(void **state)
{
	struct model m;

	(void)state;
	model_start(&m, 10, 10, 0, 1);
	model_append(&m, 0, 1, false);
	for (unsigned i = 0; i < 200; i++) {
		model_append(&m, 1, 1, false);
		model_join(&m, 0, 1);
	}
	assert_int_equal(tv_stream_held(&m.s[0], &m.pages, m.region), TV_SMALL_BYTES);
	model_check(&m);
	model_end(&m);
}

/* What just fits is copied; one byte more is linked, and so is a piece that is not tiny. */
static void test_stream_join_copies_what_is_tiny_and_fits(void **state)
{
	static const struct {
		uint32_t first, second, held;
	} cases[] = {
		{100, TV_SMALL_BYTES - 100, TV_SMALL_BYTES},
		{100, TV_SMALL_BYTES - 99, 2 * TV_SMALL_BYTES},
		{2000, TV_SMALL_BYTES, TV_PAGE_BYTES},
		{2000, TV_SMALL_BYTES + 1, 2 * TV_PAGE_BYTES},
	};

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		struct model m;

		model_start(&m, 10, 10, 0, 1);
		model_append(&m, 0, cases[i].first, false);
		model_append(&m, 1, cases[i].second, false);
		model_join(&m, 0, 1);
		assert_int_equal(tv_stream_held(&m.s[0], &m.pages, m.region), cases[i].held);
		model_check(&m);
		model_end(&m);
	}
}

/* Reads n bytes in one of the three ways. */
static void read_sequentially(struct model *m, unsigned way, uint32_t off, uint32_t n)
{
	struct tv_piece pieces[40];
	uint32_t covered;

	memset(m->scratch, 0xcc, n);
	if (way == 0) {
		tv_stream_copy(&m->s[0], &m->pages, m->region, off, n, &m->cursor[0], m->scratch);
	} else if (way == 1) {
		tv_stream_copy_sum(&m->s[0], &m->pages, m->region, off, n, &m->cursor[0],
		                   m->scratch, TV_ARCH_PORTABLE, 0);
	} else {
		tv_stream_pieces(&m->s[0], &m->pages, m->region, off, n, &m->cursor[0], pieces, 40,
		                 &covered);
		assert_int_equal(covered, n);
		return;
	}
	assert_memory_equal(m->scratch, m->bytes[0] + off, n);
}

/* Reading on where the last read ended, across appends and consumption, starts in the cursor's page. */
static void test_stream_cursor_follows_a_sequential_reader(void **state)
{
	struct model m;
	uint32_t off = 0;

	(void)state;
	model_start(&m, 20, 0, 0, 1);
	for (unsigned round = 0; round < 2000; round++) {
		struct tv_cursor before = m.cursor[0];
		uint32_t n = tv_min32(1460, m.len[0] - off), drop;

		model_append(&m, 0, 1 + rng(2500), false);
		assert_memory_equal(&before, &m.cursor[0], sizeof before);
		read_sequentially(&m, round / 500 % 3, off, n);
		off += n;
		if (n > 0)
			assert_true(off - m.cursor[0].off <= TV_PAGE_BYTES);
		drop = rng(off / 2 + 1) + (m.len[0] > 50000 ? off / 2 : 0);
		model_consume(&m, 0, drop);
		off -= drop;
		model_check(&m);
	}
	model_end(&m);
}

/* Every way to cut a text into pages, odd lengths among them, gives the sum of the whole. */
static void test_stream_sum_over_odd_pieces_is_the_sum_of_the_whole(void **state)
{
	struct model m;

	(void)state;
	model_start(&m, 20, 60, 0, 1);
	for (unsigned round = 0; round < 3000; round++) {
		uint64_t sum;

		for (unsigned piece = 0; piece < 6; piece++) {
			model_append(&m, 1, 1 + rng(600), false);
			model_consume(&m, 1, rng(tv_min32(m.len[1], 300)));
			model_join(&m, 0, 1);
		}
		sum = tv_stream_copy_sum(&m.s[0], &m.pages, m.region, 0, m.len[0], NULL, m.scratch,
		                         TV_ARCH_PORTABLE, 0);
		assert_memory_equal(m.scratch, m.bytes[0], m.len[0]);
		assert_int_equal(fold(sum) % 0xffff, naive_sum(m.bytes[0], m.len[0]) % 0xffff);
		model_check(&m);
		model_cut(&m, 0, 0);
	}
	model_end(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stream_random_use_agrees_with_model),
		cmocka_unit_test(test_stream_exhausted_pages_agree_with_model),
		cmocka_unit_test(test_page_reserve_serves_only_the_urgent),
		cmocka_unit_test(test_stream_short_ones_hold_small_pages_only),
		cmocka_unit_test(test_stream_short_is_where_all_of_it_lies),
		cmocka_unit_test(test_stream_joined_tiny_pieces_share_a_page),
		cmocka_unit_test(test_stream_join_copies_what_is_tiny_and_fits),
		cmocka_unit_test(test_stream_cursor_follows_a_sequential_reader),
		cmocka_unit_test(test_stream_sum_over_odd_pieces_is_the_sum_of_the_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
