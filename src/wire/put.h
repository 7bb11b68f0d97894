/*
 * put.h - a header written word by word, so that each word is one store whatever is known of it when
 * compiling. Checksums read the words back at once: from one store of the same width the processor
 * hands the value over, for several smaller ones it has to wait.
 */
#ifndef TV_WIRE_PUT_H
#define TV_WIRE_PUT_H

#include "base/bytes.h"

/* v in network order, as a number in native order: what it looks like in memory. */
static inline uint32_t tv_wire32(uint32_t v)
{
	return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? __builtin_bswap32(v) : v;
}

/* One octet at place 0 to 3 of such a word. */
static inline uint32_t tv_wire_octet(uint8_t octet, unsigned place)
{
	return (uint32_t)octet << 8 * (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? place : 3 - place);
}

/* Are the bits of mask those of value in the word at p? */
static inline bool tv_word_is(const uint8_t *p, uint32_t mask, uint32_t value)
{
	return (tv_native32(p) & tv_wire32(mask)) == tv_wire32(value);
}

/* Two words one behind the other, in one store; returns what is in memory now. */
static inline uint64_t tv_put_pair(uint8_t *p, uint32_t first, uint32_t second)
{
	uint64_t v = (uint64_t)first << 32 | second;

	v = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? __builtin_bswap64(v) : v;
	memcpy(p, &v, 8);
	return v;
}

/* The same of words that are in network order already. */
static inline void tv_put_words(uint8_t *p, uint32_t first, uint32_t second)
{
	bool little = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__;
	uint64_t v = (uint64_t)(little ? second : first) << 32 | (little ? first : second);

	memcpy(p, &v, 8);
}

static inline void tv_put32(uint8_t *p, uint32_t v)
{
	v = tv_wire32(v);
	memcpy(p, &v, 4);
}

#endif
