/*
 * bytes.h - the only four functions that the core needs from outside, assertions, and loads and
 * stores at any alignment in network byte order.
 */
#ifndef TV_BASE_BYTES_H
#define TV_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void *memcpy(void *restrict dst, const void *restrict src, size_t n);
void *memmove(void *dst, const void *src, size_t n);
void *memset(void *dst, int byte, size_t n);
int memcmp(const void *a, const void *b, size_t n);

/* Our own bugs end here; never on bytes from the wire. Stays on in every build. */
#define TV_ASSERT(condition) ((condition) ? (void)0 : __builtin_trap())

/* What two callers need as a part of themselves; what shall not burden its caller with its registers; the
 * same where it is also seldom needed. */
#define TV_INLINE static inline __attribute__((always_inline))
#define TV_APART __attribute__((noinline))
#define TV_RARE __attribute__((noinline, cold))

#define TV_LIKELY(x) __builtin_expect(!!(x), 1)
#define TV_UNLIKELY(x) __builtin_expect(!!(x), 0)

static inline uint16_t tv_load16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t tv_load32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static inline void tv_store16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static inline void tv_store32(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 24);
	p[1] = (uint8_t)(v >> 16);
	p[2] = (uint8_t)(v >> 8);
	p[3] = (uint8_t)v;
}

/* Zeroes or copies a record or two: for a size that compilers know, or know to be small, they write one slow
 * string instruction, so they are not told. */
static inline void tv_zero(void *p, size_t n)
{
	__asm__("" : "+r"(n));
	memset(p, 0, n);
}

static inline void tv_copy(void *restrict dst, const void *restrict src, size_t n)
{
	__asm__("" : "+r"(n));
	memcpy(dst, src, n);
}

/* The same of a few bytes, most often 16 to 64: two runs, which may overlap, cost less than a call. */
static inline void tv_copy_few(uint8_t *restrict dst, const uint8_t *restrict src, size_t n)
{
	if (n - 32 <= 32) {
		memcpy(dst, src, 32);
		memcpy(dst + n - 32, src + n - 32, 32);
	} else if (n - 16 <= 16) {
		memcpy(dst, src, 16);
		memcpy(dst + n - 16, src + n - 16, 16);
	} else {
		tv_copy(dst, src, n);
	}
}

/* The same of any length: from 2 KB on C libraries turn to a string instruction too, which takes half as long again
 * as their vectors where the two do not lie alike in their pages. */
static inline void tv_copy_long(uint8_t *restrict dst, const uint8_t *restrict src, size_t n)
{
	for (; n > 2000; n -= 1024, dst += 1024, src += 1024)
		tv_copy(dst, src, 1024);
	tv_copy(dst, src, n);
}

/* Native-order loads at any alignment. */
static inline uint32_t tv_native32(const void *p)
{
	uint32_t v;
	memcpy(&v, p, sizeof v);
	return v;
}

static inline uint64_t tv_native64(const void *p)
{
	uint64_t v;
	memcpy(&v, p, sizeof v);
	return v;
}

/* One more, as far as it goes. */
static inline void tv_count8(uint8_t *n)
{
	*n = (uint8_t)(*n + (*n != UINT8_MAX));
}

static inline uint32_t tv_min32(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

static inline uint32_t tv_max32(uint32_t a, uint32_t b)
{
	return a > b ? a : b;
}

static inline uint64_t tv_min64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static inline uint64_t tv_max64(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

#endif
