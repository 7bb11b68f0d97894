/*
 * check.h - the invariants of the containers: each function returns 0, or the number of the line in
 * check.c whose condition does not hold. Slow: for tests, simulation and fuzzing.
 */
#ifndef TV_BASE_CHECK_H
#define TV_BASE_CHECK_H

#include "base/pages.h"
#include "base/pool.h"
#include "base/ranges.h"
#include "base/stream.h"
#include "base/table.h"
#include "base/wheel.h"

int tv_pool_check(const struct tv_pool *p, const uint8_t *region);
int tv_table_check(const struct tv_table *t, const uint8_t *region);
int tv_wheel_check(const struct tv_wheel *w, const uint8_t *region);
int tv_pages_check(const struct tv_pages *p, const uint8_t *region);
/* The chain, its pages and its length; that no two streams share a page is seen by summing up. */
int tv_stream_check(const struct tv_stream *s, const struct tv_pages *p, const uint8_t *region);
int tv_cursor_check(const struct tv_cursor *c, const struct tv_stream *s, const struct tv_pages *p,
                    const uint8_t *region);
int tv_ranges_check(const struct tv_ranges *r, const struct tv_range_pool *p, const uint8_t *region);

#endif
