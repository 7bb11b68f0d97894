/*
 * fuzz_wire_options.c - TCP options from the input (its first byte says whether in a SYN). What was
 * read is within its bounds, the short way of what most segments carry reads what the walk reads, and
 * written again it reads the same.
 */
#include <stdlib.h>
#include <string.h>

#include "wire/tcp_opt.h"

#define MUST(condition) ((condition) ? (void)0 : abort())

static void check_same(const struct tv_tcp_options *a, const struct tv_tcp_options *b)
{
	MUST(a->has == b->has);
	if (a->has & TV_OPT_HAS_MSS) MUST(a->mss == b->mss);
	if (a->has & TV_OPT_HAS_WSCALE) MUST(a->wscale == b->wscale);
	if (a->has & TV_OPT_HAS_TS) MUST(a->ts_val == b->ts_val && a->ts_ecr == b->ts_ecr);
	if (a->has & TV_OPT_HAS_SACK) {
		MUST(a->sack_count == b->sack_count);
		MUST(memcmp(a->sack, b->sack, a->sack_count * sizeof a->sack[0]) == 0);
	}
	if (a->has & TV_OPT_HAS_FASTOPEN) {
		MUST(a->cookie_len == b->cookie_len && a->cookie_exp == b->cookie_exp);
		MUST(memcmp(a->cookie, b->cookie, a->cookie_len) == 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct tv_tcp_options o, walked, back;
	uint8_t out[40];
	uint32_t built;
	bool syn, good;

	if (n < 1 || n > 41) return 0;
	syn = p[0] & 1;
	good = tv_tcp_opt_parse(&o, p + 1, n - 1, syn) == TV_V_OK;
	MUST(good == (tv_tcp_opt_parse_any(&walked, p + 1, n - 1, syn) == TV_V_OK));
	if (!good) return 0;
	MUST(o.kinds == walked.kinds);
	check_same(&o, &walked);
	MUST(o.has < 64);
	if (!syn) MUST((o.has & ~(TV_OPT_HAS_TS | TV_OPT_HAS_SACK)) == 0);
	if (o.has & TV_OPT_HAS_SACK) MUST(o.sack_count >= 1 && o.sack_count <= TV_SACK_MAX);
	if (o.has & TV_OPT_HAS_FASTOPEN) MUST(o.cookie_len <= sizeof o.cookie);
	if (syn) o.has &= ~TV_OPT_HAS_SACK; /* never written into a SYN */
	built = tv_tcp_opt_build(out, &o);
	MUST(built % 4 == 0 && built <= 40);
	MUST(tv_tcp_opt_parse(&back, out, built, syn) == TV_V_OK);
	if (!syn && back.has & TV_OPT_HAS_SACK && back.sack_count < o.sack_count)
		o.sack_count = back.sack_count; /* the last does not fit beside timestamps */
	check_same(&o, &back);
	return 0;
}
