/*
 * tcp_opt.c - TCP options (RFC 9293 3.2, RFC 7323, RFC 2018, RFC 7413): bytes <-> values.
 *
 * Reading is one walk of at most 40 steps: each step moves at least one byte on, and the header has
 * at most 40. Two kinds are a single byte, every other one carries its length [MUST-4]; they may
 * stand at any offset [MUST-64] and in any segment [MUST-5]. A length that cannot be (below 2, or
 * beyond the header) makes the whole segment unbelievable; a known kind with a length of another
 * kind's, and an unknown kind, are skipped. What comes behind the end-of-list octet is not looked
 * at.
 *
 * Two layouts make up nearly all traffic: NOP NOP timestamps, and the SYN that Linux sends. They are
 * recognised by their fixed bytes and read without a walk; a test compares both ways.
 *
 * Only what `has` names is set in the result, so that reading a bare ACK costs two stores.
 *
 * Writing puts the options where Linux puts them, each in whole words of 32 bits, with NOPs as
 * padding: no end-of-list octet is ever written [MUST-68, MUST-69].
 */
#include "wire/tcp_opt.h"
#include "wire/put.h"

enum {
	KIND_END = 0,
	KIND_NOP = 1,
	KIND_MSS = 2,
	KIND_WSCALE = 3,
	KIND_SACK_OK = 4,
	KIND_SACK = 5,
	KIND_TS = 8,
	KIND_FASTOPEN = 34,
	KIND_EXPERIMENT = 254
};

#define FASTOPEN_MAGIC 0xF989

/* ------------------------------------------------------------------------------------------ */
/* Reading                                                                                     */

static void read_sack(struct tv_tcp_options *o, const uint8_t *p, unsigned length)
{
	if (length < 10 || length > 34 || length % 8 != 2) return;
	o->sack_count = (uint8_t)(length / 8);
	for (unsigned i = 0; i < o->sack_count; i++) {
		o->sack[i].left = tv_load32(p + 2 + i * 8);
		o->sack[i].right = tv_load32(p + 6 + i * 8);
	}
	o->has |= TV_OPT_HAS_SACK;
}

/* RFC 7413 4.1.1: no cookie (a request), or 4 to 16 bytes, an even number. */
static void read_cookie(struct tv_tcp_options *o, const uint8_t *p, unsigned length, bool exp)
{
	if (length % 2 != 0 || length > 16 || length == 2) return;
	memcpy(o->cookie, p, length);
	o->cookie_len = (uint8_t)length;
	o->cookie_exp = exp;
	o->has |= TV_OPT_HAS_FASTOPEN;
}

/* Those that mean something in a SYN only. */
static void read_syn_option(struct tv_tcp_options *o, const uint8_t *p, unsigned length)
{
	switch (p[0]) {
	case KIND_MSS:
		if (length != 4) return;
		o->mss = tv_load16(p + 2);
		o->has |= TV_OPT_HAS_MSS;
		return;
	case KIND_WSCALE:
		if (length != 3) return;
		o->wscale = p[2];
		o->has |= TV_OPT_HAS_WSCALE;
		return;
	case KIND_SACK_OK:
		if (length == 2) o->has |= TV_OPT_HAS_SACK_OK;
		return;
	case KIND_FASTOPEN: read_cookie(o, p + 2, length - 2, false); return;
	case KIND_EXPERIMENT:
		if (length >= 4 && tv_load16(p + 2) == FASTOPEN_MAGIC)
			read_cookie(o, p + 4, length - 4, true);
		return;
	default: return; /* RFC 9293 3.1 [MUST-6] */
	}
}

static void read_option(struct tv_tcp_options *o, const uint8_t *p, unsigned length, bool syn)
{
	if (p[0] == KIND_TS) {
		if (length != 10) return;
		o->ts_val = tv_load32(p + 2);
		o->ts_ecr = tv_load32(p + 6);
		o->has |= TV_OPT_HAS_TS;
	} else if (p[0] == KIND_SACK) {
		read_sack(o, p, length);
	} else if (syn) {
		read_syn_option(o, p, length); /* RFC 9293 3.1 [MUST-5] */
	}
}

static TV_APART enum tv_verdict parse_walk(struct tv_tcp_options *o, const uint8_t *p, size_t n, bool syn)
{
	size_t length;

	o->has = 0;
	o->kinds = 0;
	for (size_t at = 0; at < n; at += length) {
		uint8_t kind = p[at];

		length = 1;
		if (kind < 32) o->kinds |= 1u << kind;
		if (kind == KIND_END) break; /* RFC 9293 3.1 [MUST-69]: what follows is padding */
		if (kind == KIND_NOP) continue;
		if (n - at < 2) return TV_V_BAD_OPTION; /* RFC 9293 3.1 [MUST-7], [MUST-68] */
		length = p[at + 1];
		if (length < 2 || length > n - at)
			return TV_V_BAD_OPTION; /* RFC 9293 3.1 [MUST-7] */
		read_option(o, p + at, (unsigned)length, syn);
	}
	return TV_V_OK;
}

enum tv_verdict tv_tcp_opt_parse_any(struct tv_tcp_options *o, const uint8_t *p, size_t n, bool syn)
{
	if (n != 20 || !syn || !tv_opt_is_linux_syn(p)) return parse_walk(o, p, n, syn);
	tv_opt_read_linux_syn(o, p);
	return TV_V_OK;
}

/* ------------------------------------------------------------------------------------------ */
/* Writing                                                                                     */

static uint32_t word(unsigned a, unsigned b, unsigned c, unsigned d)
{
	return (uint32_t)a << 24 | (uint32_t)b << 16 | (uint32_t)c << 8 | d;
}

/* As many of the blocks as `room` bytes hold; the first are the most recent (RFC 2018 4). */
static uint8_t *build_sack(uint8_t *p, const struct tv_tcp_options *o, uint32_t room)
{
	uint32_t count = tv_min32(o->sack_count, TV_SACK_MAX);

	if (room < 12 || count == 0) return p;
	count = tv_min32(count, (room - 4) / 8);
	tv_put32(p, word(KIND_NOP, KIND_NOP, KIND_SACK, 2 + count * 8));
	p += 4;
	for (uint32_t i = 0; i < count; i++, p += 8) {
		tv_put32(p, o->sack[i].left);
		tv_put32(p + 4, o->sack[i].right);
	}
	return p;
}

static uint8_t *build_cookie(uint8_t *p, const struct tv_tcp_options *o, uint32_t room)
{
	uint32_t head = o->cookie_exp ? 4 : 2;
	uint32_t length = head + o->cookie_len;

	TV_ASSERT(o->cookie_len <= sizeof o->cookie);
	if ((length + 3) / 4 * 4 > room) return p;
	p[0] = o->cookie_exp ? KIND_EXPERIMENT : KIND_FASTOPEN;
	p[1] = (uint8_t)length;
	if (o->cookie_exp) tv_store16(p + 2, FASTOPEN_MAGIC);
	memcpy(p + head, o->cookie, o->cookie_len);
	for (p += length; length % 4 != 0; length++) *p++ = KIND_NOP;
	return p;
}

uint32_t tv_tcp_opt_build_any(uint8_t *p, const struct tv_tcp_options *o)
{
	uint8_t *start = p;
	uint64_t unused = 0;

	/* RFC 9293 3.2 [MUST-65]: what belongs to a SYN never goes with what belongs to data */
	TV_ASSERT(!(o->has & TV_OPT_HAS_SACK) ||
		!(o->has & (TV_OPT_HAS_MSS | TV_OPT_HAS_WSCALE | TV_OPT_HAS_SACK_OK)));
	p += tv_tcp_opt_put_syn(p, o, &unused);
	if (o->has & TV_OPT_HAS_SACK) p = build_sack(p, o, 40 - (uint32_t)(p - start));
	if (o->has & TV_OPT_HAS_FASTOPEN) p = build_cookie(p, o, 40 - (uint32_t)(p - start));
	return (uint32_t)(p - start);
}
