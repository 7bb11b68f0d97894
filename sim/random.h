/*
 * random.h - the simulation's own numbers: xoshiro256** (Blackman and Vigna), seeded by splitmix64.
 * The same seed gives the same numbers on every machine. Not for secrets.
 */
#ifndef TRIVET_SIM_RANDOM_H
#define TRIVET_SIM_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

struct random {
	uint64_t s[4];
};

static inline void random_seed(struct random *r, uint64_t seed)
{
	for (int i = 0; i < 4; i++) {
		uint64_t z = seed += 0x9e3779b97f4a7c15u;

		z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
		z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
		r->s[i] = z ^ (z >> 31);
	}
}

static inline uint64_t random_next(struct random *r)
{
	uint64_t x = r->s[1] * 5, t = r->s[1] << 17;

	x = ((x << 7) | (x >> 57)) * 9;
	r->s[2] ^= r->s[0];
	r->s[3] ^= r->s[1];
	r->s[1] ^= r->s[2];
	r->s[0] ^= r->s[3];
	r->s[2] ^= t;
	r->s[3] = (r->s[3] << 45) | (r->s[3] >> 19);
	return x;
}

/* 0..n-1; 0 when n is 0. The bias of the remainder is below 2^-32 for the n that are used here. */
static inline uint64_t random_below(struct random *r, uint64_t n)
{
	return n ? random_next(r) % n : 0;
}

static inline uint64_t random_between(struct random *r, uint64_t low, uint64_t high)
{
	return low + random_below(r, high - low + 1);
}

/* True `ppm` times in a million. Draws a number only when the answer is open. */
static inline bool random_chance(struct random *r, uint32_t ppm)
{
	return ppm != 0 && (ppm >= 1000000 || random_below(r, 1000000) < ppm);
}

#endif
