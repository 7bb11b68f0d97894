/*
 * siphash.h - SipHash-2-4 with a 128-bit key: the keyed function behind everything that must not be
 * guessed (ISN, ports, timestamp offsets, cookies, rate-limit jitter).
 */
#ifndef TV_BASE_SIPHASH_H
#define TV_BASE_SIPHASH_H

#include "base/bytes.h"
#include <trivet/trivet.h>

#define TV_SIP_LANES 32    /* inputs that are hashed at once, at most */

struct tv_sipkey {
	uint64_t k0, k1;
};

/*
 * The function in steps, for inputs that are words already: start, every full word, the last one, which
 * holds the bytes that are left and on top the length of the whole modulo 256.
 */
struct tv_sip {
	uint64_t v0, v1, v2, v3;
};

static inline uint64_t tv_rotate(uint64_t x, unsigned bits)
{
	return x << bits | x >> (64 - bits);
}

static inline void tv_sip_round(struct tv_sip *s)
{
	s->v0 += s->v1;
	s->v2 += s->v3;
	s->v1 = tv_rotate(s->v1, 13) ^ s->v0;
	s->v3 = tv_rotate(s->v3, 16) ^ s->v2;
	s->v0 = tv_rotate(s->v0, 32);
	s->v2 += s->v1;
	s->v0 += s->v3;
	s->v1 = tv_rotate(s->v1, 17) ^ s->v2;
	s->v3 = tv_rotate(s->v3, 21) ^ s->v0;
	s->v2 = tv_rotate(s->v2, 32);
}

static inline void tv_sip_start(struct tv_sip *s, const struct tv_sipkey *key)
{
	s->v0 = key->k0 ^ 0x736f6d6570736575u;
	s->v1 = key->k1 ^ 0x646f72616e646f6du;
	s->v2 = key->k0 ^ 0x6c7967656e657261u;
	s->v3 = key->k1 ^ 0x7465646279746573u;
}

static inline void tv_sip_word(struct tv_sip *s, uint64_t word)
{
	s->v3 ^= word;
	tv_sip_round(s);
	tv_sip_round(s);
	s->v0 ^= word;
}

static inline uint64_t tv_sip_end(struct tv_sip *s, uint64_t last)
{
	tv_sip_word(s, last);
	s->v2 ^= 0xff;
	tv_sip_round(s);
	tv_sip_round(s);
	tv_sip_round(s);
	tv_sip_round(s);
	return s->v0 ^ s->v1 ^ s->v2 ^ s->v3;
}

/* Words of an input, little-endian; compilers make one load of this where they can. */
static inline uint64_t tv_sip_load(const uint8_t *p)
{
	return (uint64_t)p[0] | (uint64_t)p[1] << 8 | (uint64_t)p[2] << 16 | (uint64_t)p[3] << 24 |
	       (uint64_t)p[4] << 32 | (uint64_t)p[5] << 40 | (uint64_t)p[6] << 48 |
	       (uint64_t)p[7] << 56;
}

/* The last word of an input of len bytes of which four are left. */
static inline uint64_t tv_sip_last4(const uint8_t *p, size_t len)
{
	uint32_t word = p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;

	return word | (uint64_t)len << 56;
}

/* A key as 16 bytes. */
void tv_sipkey_load(struct tv_sipkey *key, const uint8_t bytes[16]);
/* In one go, any bytes. */
uint64_t tv_siphash(const struct tv_sipkey *key, const void *data, size_t len);

/*
 * Of several inputs at once: out[i], for i below count (1..TV_SIP_LANES), is the hash of words[0][i],
 * words[1][i] ... words[n - 1][i]; n is at least 1, and the last word as tv_sip_end() wants it. What is beyond
 * count in `words` counts for nothing, and in `out` means nothing.
 */
void tv_sip_lanes(enum tv_arch arch, const struct tv_sipkey *key, const uint64_t (*words)[TV_SIP_LANES], unsigned n,
                  unsigned count, uint64_t out[TV_SIP_LANES]);

/* Subkey number `tag` of a 32-byte secret: each use of the secret has its own tag. */
void tv_subkey(struct tv_sipkey *out, const uint8_t secret[32], uint64_t tag);

#endif
