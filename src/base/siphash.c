/*
 * siphash.c - SipHash-2-4 (Aumasson and Bernstein, 2012): a keyed pseudo-random function for short
 * inputs, with 128-bit keys and 64-bit outputs.
 *
 * Words are read in little-endian order, so that the same secret gives the same numbers on every
 * processor. Nothing branches on the data or the key, only on the length.
 *
 * Subkeys: the 32-byte secret is a key (its first half) and an input (its second half). Subkey `tag`
 * consists of two outputs for the second half, the tag and a 0 or 1. Two uses of the secret differ
 * in their tags, and therefore share nothing that an observer of the one could use against the other.
 */
#include "base/siphash.h"
#include "arch/kernel.h"

static inline void store_little(uint8_t *p, uint64_t v)
{
	for (unsigned i = 0; i < 8; i++)
		p[i] = (uint8_t)(v >> 8 * i);
}

/* The last word of an input: what is left of it below, its length modulo 256 on top. */
static inline uint64_t last_word(const uint8_t *p, size_t len)
{
	uint64_t word = (uint64_t)len << 56;

	unsigned at = 0;

	if ((len & 4) != 0) {
		word |= (uint64_t)p[0] | (uint64_t)p[1] << 8 | (uint64_t)p[2] << 16 | (uint64_t)p[3] << 24;
		at = 4;
	}
	for (; at < (len & 7); at++)
		word |= (uint64_t)p[at] << 8 * at;
	return word;
}

TV_INLINE uint64_t hash(const struct tv_sipkey *key, const uint8_t *p, size_t len)
{
	struct tv_sip s;

	tv_sip_start(&s, key);
	for (size_t left = len; left >= 8; left -= 8, p += 8)
		tv_sip_word(&s, tv_sip_load(p));
	return tv_sip_end(&s, last_word(p, len));
}

uint64_t tv_siphash(const struct tv_sipkey *key, const void *data, size_t len)
{
	/* An IPv4 key: each connection hashes one or two, so that their loops are unrolled. */
	return len == 12 ? hash(key, data, 12) : hash(key, data, len);
}

void tv_sipkey_load(struct tv_sipkey *key, const uint8_t bytes[16])
{
	key->k0 = tv_sip_load(bytes);
	key->k1 = tv_sip_load(bytes + 8);
}

void tv_sip_lanes(enum tv_arch arch, const struct tv_sipkey *key, const uint64_t (*words)[TV_SIP_LANES], unsigned n,
                  unsigned count, uint64_t out[TV_SIP_LANES])
{
	/* Vectors take as long for one input as for eight of them, which is as long as two in turn. */
	if (count > 2 && tv_kernel_sip(arch, key, words, n, count, out))
		return;
	for (unsigned lane = 0; lane < count; lane++) {
		struct tv_sip s;

		tv_sip_start(&s, key);
		for (unsigned i = 0; i + 1 < n; i++)
			tv_sip_word(&s, words[i][lane]);
		out[lane] = tv_sip_end(&s, words[n - 1][lane]);
	}
}

void tv_subkey(struct tv_sipkey *out, const uint8_t secret[32], uint64_t tag)
{
	struct tv_sipkey root;
	uint8_t input[25];

	tv_sipkey_load(&root, secret);
	memcpy(input, secret + 16, 16);
	store_little(input + 16, tag);
	input[24] = 0;
	out->k0 = tv_siphash(&root, input, sizeof input);
	input[24] = 1;
	out->k1 = tv_siphash(&root, input, sizeof input);
}
