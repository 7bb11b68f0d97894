/*
 * isn.c - numbers that nobody must guess: initial sequence numbers and timestamp offsets.
 *
 * ISN = M + F(tuple, secret): M is a clock that ticks every 4 us [MUST-8], F a keyed pseudo-random
 * function (SipHash with a subkey of its own) [MUST-9] [SHLD-1] (RFC 6528 3, RFC 9293 3.4.1). For one
 * tuple and one secret the numbers go up with time, which is what keeps old duplicates out after a
 * restart that kept the secret [EV-55]; with a new secret they are unrelated.
 *
 * An ISN also remembers when it was made, to 4 us: whoever has the key takes F away again. The clock comes
 * round after 4.8 hours; which round it was says a byte of the connection, its era: 2.4 hours, 255 of
 * them, 25 days. So a connection's age costs no memory of its own.
 *
 * The timestamp clock is 1 ms plus an offset that is keyed by the two addresses (RFC 7323 5.4), so that
 * it goes up across the connections of one pair of hosts (RFC 6191 needs that) and tells nobody else
 * how long this stack has been up.
 */
#include "tcp/open/open.h"

#define ISN_TICK_NS 4000u
#define ERA_LOG 31                 /* ticks: half of a round */
#define ERAS 255u

static uint32_t keyed(const struct tv_core *c, const struct tv_key *k)
{
	return (uint32_t)tv_siphash(&c->key_isn, k->b, k->v6 ? TV_KEY_HEAD + TV_KEY_REST : TV_KEY_HEAD);
}

uint32_t tv_isn(const struct tv_core *c, const struct tv_key *k)
{
	return (uint32_t)(c->now / ISN_TICK_NS) + keyed(c, k);
}

uint8_t tv_isn_era(tv_time at)
{
	return (uint8_t)(at / ((uint64_t)ISN_TICK_NS << ERA_LOG) % ERAS + 1);
}

tv_time tv_isn_time(const struct tv_core *c, const struct tv_tcb *t, const struct tv_key *k)
{
	uint64_t now = c->now / ISN_TICK_NS, era = now >> ERA_LOG, base, at;

	if (t->rtt.era == 0)
		return 0;
	era -= tv_min64(era, (era + ERAS - (t->rtt.era - 1u)) % ERAS);
	/* It is in this era, or, told to a millisecond, in the end of the one before: one round in all. */
	base = (era - (era != 0)) << ERA_LOG;
	at = base + (uint32_t)(t->snd.iss - keyed(c, k) - (uint32_t)base);
	/* A new secret has another F: what may be older than it cannot be read any more. */
	if (at > now || (c->reseeded != 0 && base * ISN_TICK_NS <= c->reseeded))
		return 0;
	return at * ISN_TICK_NS;
}

/* How many words two addresses have. */
static inline uint32_t words_of(const struct tv_key *k)
{
	return k->v6 ? 4 : 1;
}

static TV_APART uint32_t offset_anew(struct tv_core *c, const struct tv_key *k)
{
	uint32_t words = words_of(k);
	struct tv_sip s;

	tv_sip_start(&s, &c->key_stamp);
	for (uint32_t i = 0; i < words; i++) {
		c->stamp.pair[i] = tv_native64(k->b + 8 * i);
		tv_sip_word(&s, c->stamp.pair[i]);
	}
	c->stamp.words = words;
	return c->stamp.offset = (uint32_t)tv_sip_end(&s, (uint64_t)(8 * words) << 56);
}

uint32_t tv_ts_offset(struct tv_core *c, const struct tv_key *k)
{
	uint64_t other = tv_native64(k->b) ^ c->stamp.pair[0];

	other |= c->stamp.words ^ words_of(k);
	if (TV_UNLIKELY(k->v6))
		for (unsigned i = 1; i < 4; i++)
			other |= tv_native64(k->b + 8 * i) ^ c->stamp.pair[i];
	return TV_LIKELY(other == 0) ? c->stamp.offset : offset_anew(c, k);
}
