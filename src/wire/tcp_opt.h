/*
 * tcp_opt.h - TCP options: bytes <-> values.
 */
#ifndef TV_WIRE_TCP_OPT_H
#define TV_WIRE_TCP_OPT_H

#include "wire/csum.h"
#include <trivet/trivet.h>

#define TV_OPT_HAS_MSS 1u
#define TV_OPT_HAS_WSCALE 2u
#define TV_OPT_HAS_SACK_OK 4u
#define TV_OPT_HAS_TS 8u
#define TV_OPT_HAS_SACK 16u
#define TV_OPT_HAS_FASTOPEN 32u
#define TV_OPT_OF_SYN (TV_OPT_HAS_MSS | TV_OPT_HAS_WSCALE | TV_OPT_HAS_SACK_OK | TV_OPT_HAS_TS)

#define TV_SACK_MAX 4
#define TV_OPT_ONLY_TS 0x0101080au /* NOP, NOP, timestamps of 10 bytes: what most segments carry */

struct tv_tcp_options {
	uint32_t has;              /* TV_OPT_HAS_* */
	uint32_t kinds;            /* bit n: an option of kind n < 32 was there */
	uint32_t ts_val, ts_ecr;
	uint16_t mss;
	uint8_t wscale;            /* as on the wire; negotiation clamps to 14 (RFC 7323 2.3) */
	uint8_t sack_count;
	uint8_t cookie_len;        /* Fast Open: 0 is a request */
	bool cookie_exp;           /* option kind 254 with magic 0xF989 */
	uint8_t cookie[16];
	struct {
		uint32_t left, right;
	} sack[TV_SACK_MAX];
};

/* NOP, NOP, timestamps: 12 bytes. */
static inline bool tv_opt_is_only_ts(const uint8_t *p)
{
	return tv_load32(p) == TV_OPT_ONLY_TS;
}

static inline void tv_opt_read_only_ts(struct tv_tcp_options *o, const uint8_t *p)
{
	o->has = TV_OPT_HAS_TS;
	o->kinds = 1u << 1 | 1u << 8;
	o->ts_val = tv_load32(p + 4);
	o->ts_ecr = tv_load32(p + 8);
}

/* MSS, SACK-permitted, timestamps, NOP, window scale: 20 bytes that Linux and many others send. */
static inline bool tv_opt_is_linux_syn(const uint8_t *p)
{
	return tv_word_is(p + 4, UINT32_MAX, 0x0402080a) && tv_word_is(p, 0xffff0000, 0x02040000) &&
	       tv_word_is(p + 16, 0xffffff00, 0x01030300);
}

TV_INLINE void tv_opt_read_linux_syn(struct tv_tcp_options *o, const uint8_t *p)
{
	o->has = TV_OPT_OF_SYN;
	o->kinds = 1u << 1 | 1u << 2 | 1u << 3 | 1u << 4 | 1u << 8;
	o->mss = tv_load16(p + 2);
	o->ts_val = tv_load32(p + 8);
	o->ts_ecr = tv_load32(p + 12);
	o->wscale = p[19];
}

/*
 * Reads n (0..40) bytes of options. TV_V_OK or TV_V_BAD_OPTION (a length below 2 or beyond the
 * header [MUST-7]). Known options with a wrong length, and unknown ones, are skipped [MUST-6]; of a
 * repeated one the last well-formed counts; MSS, window scale, SACK-permitted and Fast Open are only
 * noted when `syn` [MUST-5]. At most 40 steps.
 */
enum tv_verdict tv_tcp_opt_parse_any(struct tv_tcp_options *o, const uint8_t *p, size_t n, bool syn);
static inline enum tv_verdict tv_tcp_opt_parse(struct tv_tcp_options *o, const uint8_t *p, size_t n, bool syn)
{
	if (TV_UNLIKELY(n != 12 || !tv_opt_is_only_ts(p))) return tv_tcp_opt_parse_any(o, p, n, syn);
	tv_opt_read_only_ts(o, p);
	return TV_V_OK;
}

/*
 * Writes the options named by o->has in the order and with the padding that Linux uses; returns the
 * length, a multiple of 4, at most 40. SYN order: MSS, SACK-permitted, timestamps, NOP, window
 * scale (without timestamps: MSS, NOP NOP SACK-permitted, NOP window scale); other segments: NOP NOP
 * timestamps, NOP NOP SACK blocks (as many as fit). p has room for 40 bytes.
 */
uint32_t tv_tcp_opt_build_any(uint8_t *p, const struct tv_tcp_options *o);
/* Timestamps alone, 12 bytes; returns their sum, to be added with its carry (tv_csum_around). */
static inline uint64_t tv_tcp_opt_put_ts(uint8_t *p, uint32_t val, uint32_t ecr)
{
	tv_put32(p, TV_OPT_ONLY_TS);
	return tv_csum_around(tv_put_pair(p + 4, val, ecr), tv_wire32(TV_OPT_ONLY_TS));
}

/* What a SYN carries but for Fast Open, those of `has`; returns their length, and adds their sum to *sum. */
static inline uint32_t tv_tcp_opt_put_syn(uint8_t *p, const struct tv_tcp_options *o, uint64_t *sum)
{
	uint32_t sack_ok = o->has & TV_OPT_HAS_SACK_OK, len = 0, word;

	if (o->has & TV_OPT_HAS_MSS) {
		word = 0x02040000u | o->mss;
		tv_put32(p, word);
		*sum += tv_wire32(word);
		len = 4;
	}
	if (o->has & TV_OPT_HAS_TS) { /* SACK-permitted takes the place of the two NOPs */
		word = sack_ok ? 0x0402080au : TV_OPT_ONLY_TS;
		tv_put32(p + len, word);
		tv_put32(p + len + 4, o->ts_val);
		tv_put32(p + len + 8, o->ts_ecr);
		*sum += (uint64_t)tv_wire32(word) + tv_wire32(o->ts_val) + tv_wire32(o->ts_ecr);
		len += 12;
	} else if (sack_ok) {
		tv_put32(p + len, 0x01010402);
		*sum += tv_wire32(0x01010402);
		len += 4;
	}
	if (o->has & TV_OPT_HAS_WSCALE) {
		word = 0x01030300u | o->wscale;
		tv_put32(p + len, word);
		*sum += tv_wire32(word);
		len += 4;
	}
	return len;
}

static inline uint32_t tv_tcp_opt_build(uint8_t *p, const struct tv_tcp_options *o)
{
	if (o->has != TV_OPT_HAS_TS) return o->has == 0 ? 0 : tv_tcp_opt_build_any(p, o);
	tv_tcp_opt_put_ts(p, o->ts_val, o->ts_ecr);
	return 12;
}

#endif
