/*
 * sip_avx2.c - SipHash-2-4 (base/siphash.h) of four inputs at once: four vectors of four lanes are the
 * state. Rotations by 16 and 32 bits are shuffles, the others two shifts.
 *
 * Written in the compilers' vector types instead of intrinsics, whose header would bring in libc's.
 * Compiled with -mavx2: nothing here may be called before the configuration said TV_ARCH_AVX2.
 */
#include "arch/kernels.h"

typedef uint64_t vector __attribute__((vector_size(32)));
typedef uint32_t halves __attribute__((vector_size(32)));
typedef uint8_t octets __attribute__((vector_size(32)));

_Static_assert(sizeof(vector) == TV_SIP_LANES * sizeof(uint64_t), "a vector holds a word of each lane");

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

static inline void round_of(struct lanes *s)
{
	s->v0 += s->v1;
	s->v2 += s->v3;
	s->v1 = rotate(s->v1, 13) ^ s->v0;
	s->v3 = rotate_16(s->v3) ^ s->v2;
	s->v0 = rotate_32(s->v0);
	s->v2 += s->v1;
	s->v0 += s->v3;
	s->v1 = rotate(s->v1, 17) ^ s->v2;
	s->v3 = rotate(s->v3, 21) ^ s->v0;
	s->v2 = rotate_32(s->v2);
}

void tv_sip_avx2(const struct tv_sipkey *key, const uint64_t (*words)[TV_SIP_LANES], unsigned n,
	uint64_t out[TV_SIP_LANES])
{
	struct tv_sip one;
	struct lanes s;

	tv_sip_start(&one, key);
	s = (struct lanes){all(one.v0), all(one.v1), all(one.v2), all(one.v3)};
	for (unsigned i = 0; i < n; i++) {
		vector word;

		memcpy(&word, words[i], sizeof word);
		s.v3 ^= word;
		round_of(&s);
		round_of(&s);
		s.v0 ^= word;
	}
	s.v2 ^= all(0xff);
	for (unsigned i = 0; i < 4; i++) round_of(&s);
	s.v0 ^= s.v1 ^ s.v2 ^ s.v3;
	memcpy(out, &s.v0, sizeof s.v0);
}
