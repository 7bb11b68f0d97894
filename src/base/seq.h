/*
 * seq.h - sequence numbers: all arithmetic on them is modulo 2^32, and they are compared only here.
 * `a < b` means that b is reached from a by going forward less than 2^31 (RFC 9293 3.4) [EV-45].
 */
#ifndef TV_BASE_SEQ_H
#define TV_BASE_SEQ_H

#include <stdbool.h>
#include <stdint.h>

static inline bool seq_lt(uint32_t a, uint32_t b) { return (int32_t)(a - b) < 0; }
static inline bool seq_leq(uint32_t a, uint32_t b) { return (int32_t)(a - b) <= 0; }
static inline bool seq_gt(uint32_t a, uint32_t b) { return (int32_t)(a - b) > 0; }
static inline bool seq_geq(uint32_t a, uint32_t b) { return (int32_t)(a - b) >= 0; }
/* low <= x < high */
static inline bool seq_in(uint32_t x, uint32_t low, uint32_t high) { return x - low < high - low; }
static inline uint32_t seq_max(uint32_t a, uint32_t b) { return seq_gt(a, b) ? a : b; }
static inline uint32_t seq_min(uint32_t a, uint32_t b) { return seq_lt(a, b) ? a : b; }

#endif
