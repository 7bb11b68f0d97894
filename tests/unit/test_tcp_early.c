/*
 * test_tcp_early.c - text out of order in little pieces: what it costs in pages is bounded, whatever its sizes, and
 * what was refused is taken when it comes again in order.
 */
#include "lab.h"

/* True bytes of all pages. */
static uint32_t held(const struct lab *l)
{
	return lab_counters(l).pages_used * TV_PAGE_BYTES + lab_counters(l).small_pages_used * TV_SMALL_BYTES;
}

static struct lab *receiver(uint32_t rcv_buf, uint32_t small_pages)
{
	struct tv_config g;
	struct lab *l;

	lab_config(&g);
	g.small_pages = small_pages;
	g.pages = 2048;
	l = lab_new(&g, false);
	l->opts.rcv_buf = rcv_buf;
	l->syn.has |= TV_OPT_HAS_SACK_OK;
	lab_passive(l);
	return l;
}

/* Pieces of `size` octets with gaps of one octet before each, all over the window; the most that they cost. */
static uint32_t most_held(struct lab *l, uint32_t size, bool backward)
{
	uint32_t window = lab_info(l).rcv_wnd, n = (window - 1) / (size + 1), most = 0;

	for (uint32_t i = 0; i < n; i++) {
		uint32_t at = 1 + (backward ? n - 1 - i : i) * (size + 1);

		SAY(l, .flags = TV_ACK, .off = (int32_t)at, .len = size, .stay = true);
		most = held(l) > most ? held(l) : most;
	}
	return most;
}

static void test_early_pages_are_at_most_twice_the_window(void **state)
{
	static const uint32_t sizes[] = {1, 2, 200, 256, 257, 300, 536, 1000, 1460};

	(void)state;
	for (unsigned i = 0; i < COUNT(sizes); i++)
		for (unsigned k = 0; k < 8; k++) {
			uint32_t buffer = (k & 1) != 0 ? 8192 : 65535, from, got = 0;
			struct lab *l = receiver(buffer, (k & 2) != 0 ? 512 : 0);
			uint32_t window = lab_info(l).rcv_wnd, most = most_held(l, sizes[i], (k & 4) != 0);

			assert_true(most <= 2 * window);
			assert_true(most > 0 && lab_info(l).bytes_out_of_order > 0);
			/* All of it in order: nothing is lost, and nothing of it is held twice. */
			from = l->seq;
			while (got < window - 1460) {
				SAY(l, .flags = TV_ACK, .off = (int32_t)(lab_info(l).rcv_nxt - l->seq), .len = 1460,
					.stay = true);
				got += lab_read(l, &from);
			}
			while (lab_read(l, &from) != 0)
				;
			SAY(l, .flags = TV_RST, .off = (int32_t)(lab_info(l).rcv_nxt - l->seq));
			assert_int_equal(lab_info(l).state, TV_CLOSED);
			assert_int_equal(held(l), 0);
			lab_free(l);
		}
}

/* A piece that touches one that is there takes what room its page has: no new page, so it is never refused. */
static void test_early_room_in_a_page_is_used_at_the_limit(void **state)
{
	struct lab *l = receiver(8192, 0);
	uint32_t before;

	(void)state;
	for (uint32_t at = 1; at < 4000; at += 400)
		SAY(l, .flags = TV_ACK, .off = (int32_t)at, .len = 100, .stay = true);
	assert_int_equal(held(l), 16384);
	before = lab_info(l).bytes_out_of_order;
	assert_int_equal(before, 400); /* four pages */
	assert_int_equal(SAY(l, .flags = TV_ACK, .off = 2500, .len = 100, .stay = true), TV_V_NO_RANGE);
	assert_int_equal(SAY(l, .flags = TV_ACK, .off = 101, .len = 100, .stay = true), TV_V_OK);
	assert_int_equal(lab_info(l).bytes_out_of_order, before + 100);
	assert_int_equal(held(l), 16384);
	lab_free(l);
}

/* The same with small pages, all of which together are the limit. */
static void test_early_room_in_a_small_page_is_used_at_the_limit(void **state)
{
	struct lab *l = receiver(8192, 512);

	(void)state;
	for (uint32_t i = 0; i < 64; i++)
		SAY(l, .flags = TV_ACK, .off = (int32_t)(1 + i * 120), .len = 50, .stay = true);
	assert_int_equal(lab_info(l).bytes_out_of_order, 64 * 50);
	assert_int_equal(held(l), 16384);
	assert_int_equal(SAY(l, .flags = TV_ACK, .off = 8000, .len = 50, .stay = true), TV_V_NO_RANGE);
	assert_int_equal(SAY(l, .flags = TV_ACK, .off = 51, .len = 50, .stay = true), TV_V_OK);
	assert_int_equal(lab_info(l).bytes_out_of_order, 65 * 50);
	assert_int_equal(held(l), 16384);
	lab_free(l);
}

/* What a loss in the middle of full segments leaves: all that follows is kept. */
static void test_early_what_follows_a_lost_segment_is_kept(void **state)
{
	struct lab *l = receiver(65535, 0);
	uint32_t n = 0;

	(void)state;
	for (uint32_t at = 1460; at + 1460 <= lab_info(l).rcv_wnd; at += 1460, n++)
		assert_int_equal(SAY(l, .flags = TV_ACK, .off = (int32_t)at, .len = 1460, .stay = true), TV_V_OK);
	assert_int_equal(lab_info(l).bytes_out_of_order, n * 1460);
	assert_true(n >= 43);
	lab_free(l);
	l = receiver(65535, 0); /* and when every second one is lost */
	for (uint32_t at = 1460; at + 1460 <= lab_info(l).rcv_wnd; at += 2920)
		assert_int_equal(SAY(l, .flags = TV_ACK, .off = (int32_t)at, .len = 1460, .stay = true), TV_V_OK);
	lab_free(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_early_pages_are_at_most_twice_the_window),
		cmocka_unit_test(test_early_room_in_a_page_is_used_at_the_limit),
		cmocka_unit_test(test_early_room_in_a_small_page_is_used_at_the_limit),
		cmocka_unit_test(test_early_what_follows_a_lost_segment_is_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
