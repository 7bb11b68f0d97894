/*
 * sip_avx2.c - SipHash-2-4 (base/siphash.h) of eight inputs at once: four vectors of four lanes are the
 * state of four of them. Each step of a round waits for the one before it, so that two such states, whose
 * rounds are done side by side, take little longer than one. Rotations by 16 and 32 bits are shuffles, the
 * others two shifts.
 *
 * Written in the compilers' vector types instead of intrinsics, whose header would bring in libc's.
 * Compiled with -mavx2: nothing here may be called before the configuration said TV_ARCH_AVX2.
 */
#include "arch/kernels.h"

typedef uint64_t vector __attribute__((vector_size(32)));
typedef uint32_t halves __attribute__((vector_size(32)));
typedef uint8_t octets __attribute__((vector_size(32)));

#define LANES 4u                   /* of a vector */

_Static_assert(TV_SIP_LANES % (2 * LANES) == 0, "whole pairs of vectors");

struct lanes {
	vector v0, v1, v2, v3;
};

static inline vector all(uint64_t w)
{
	return (vector){w, w, w, w};
}

static inline vector rotate(vector v, int bits)
{
	return v << bits | v >> (64 - bits);
}

static inline vector rotate_16(vector v)
{
	octets o = (octets)v;

	return (vector)__builtin_shufflevector(o, o, 6, 7, 0, 1, 2, 3, 4, 5, 14, 15, 8, 9, 10, 11, 12, 13, 22, 23,
		16, 17, 18, 19, 20, 21, 30, 31, 24, 25, 26, 27, 28, 29);
}

static inline vector rotate_32(vector v)
{
	halves h = (halves)v;

	return (vector)__builtin_shufflevector(h, h, 1, 0, 3, 2, 5, 4, 7, 6);
}

static inline void half_round(vector *a, vector *b, vector *c, vector *d)
{
	*a += *b;
	*c += *d;
	*b = rotate(*b, 13) ^ *a;
	*d = rotate_16(*d) ^ *c;
	*a = rotate_32(*a);
}

static inline void other_half(vector *a, vector *b, vector *c, vector *d)
{
	*c += *b;
	*a += *d;
	*b = rotate(*b, 17) ^ *c;
	*d = rotate(*d, 21) ^ *a;
	*c = rotate_32(*c);
}

static inline void rounds_of(struct lanes *s, struct lanes *t, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		half_round(&s->v0, &s->v1, &s->v2, &s->v3);
		half_round(&t->v0, &t->v1, &t->v2, &t->v3);
		other_half(&s->v0, &s->v1, &s->v2, &s->v3);
		other_half(&t->v0, &t->v1, &t->v2, &t->v3);
	}
}

static inline vector load(const uint64_t *p)
{
	vector v;

	memcpy(&v, p, sizeof v);
	return v;
}

static inline void store_end(uint64_t *p, const struct lanes *s)
{
	vector v = s->v0 ^ s->v1 ^ s->v2 ^ s->v3;

	memcpy(p, &v, sizeof v);
}

void tv_sip_avx2(const struct tv_sipkey *key, const uint64_t (*words)[TV_SIP_LANES], unsigned n,
	unsigned count, uint64_t out[TV_SIP_LANES])
{
	struct tv_sip one;

	tv_sip_start(&one, key);
	for (unsigned at = 0; at < count; at += 2 * LANES) {
		struct lanes s = {all(one.v0), all(one.v1), all(one.v2), all(one.v3)}, t = s;

		for (unsigned i = 0; i < n; i++) {
			s.v3 ^= load(words[i] + at);
			t.v3 ^= load(words[i] + at + LANES);
			rounds_of(&s, &t, 2);
			s.v0 ^= load(words[i] + at);
			t.v0 ^= load(words[i] + at + LANES);
		}
		s.v2 ^= all(0xff);
		t.v2 ^= all(0xff);
		rounds_of(&s, &t, 4);
		store_end(out + at, &s);
		store_end(out + at + LANES, &t);
	}
}
