/*
 * siphash.h - SipHash-2-4 with a 128-bit key: the keyed function behind everything that must not be
 * guessed (ISN, ports, timestamp offsets, cookies, rate-limit jitter).
 */
#ifndef TV_BASE_SIPHASH_H
#define TV_BASE_SIPHASH_H

#include "base/bytes.h"

struct tv_sipkey {
	uint64_t k0, k1;
};

uint64_t tv_siphash(const struct tv_sipkey *key, const void *data, size_t len);

/* Subkey number `tag` of a 32-byte secret: each use of the secret has its own tag. */
void tv_subkey(struct tv_sipkey *out, const uint8_t secret[32], uint64_t tag);

#endif
