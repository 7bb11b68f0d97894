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
 *
 * SipHash takes its input word by word, addresses first: what it has made of the two that were asked for last,
 * with each key, is remembered, and only the ports go in anew; and of the hashes for ephemeral ports, in which our
 * port has no part, one for each of the remote ports that were asked for last. The numbers are the same. Each use
 * keeps its key: a port is seen by everybody, and the hash that it comes from must say nothing about the ISN (RFC
 * 6528 3, RFC 6056 3.3.4).
 */
#include "tcp/open/open.h"

static uint32_t keyed(const struct tv_core *c, const struct tv_key *k)
{
	return (uint32_t)tv_siphash(&c->key_isn, k->b, k->v6 ? TV_KEY_HEAD + TV_KEY_REST : TV_KEY_HEAD);
}

/* How many words two addresses have. */
static inline uint32_t words_of(const struct tv_key *k)
{
	return k->v6 ? 4 : 1;
}

static void absorb(struct tv_sip *s, const struct tv_sipkey *key, const struct tv_key *k)
{
	tv_sip_start(s, key);
	for (uint32_t i = 0; i < words_of(k); i++)
		tv_sip_word(s, tv_sip_load(k->b + 8 * i));
}

TV_APART void tv_pair_anew(struct tv_core *c, const struct tv_key *k)
{
	uint32_t words = words_of(k);
	struct tv_sip s;

	tv_sip_start(&s, &c->key_stamp);
	for (uint32_t i = 0; i < words; i++) {
		c->pair.addrs[i] = tv_native64(k->b + 8 * i);
		tv_sip_word(&s, c->pair.addrs[i]);
	}
	c->pair.words = words;
	c->pair.isn_known = c->pair.port_known = false;
	c->pair.offset = (uint32_t)tv_sip_end(&s, (uint64_t)(8 * words) << 56);
}

/* Of the pair that is known, and that has gone in. */
TV_INLINE uint32_t isn(const struct tv_core *c, const struct tv_key *k)
{
	struct tv_sip s = c->pair.isn;
	uint64_t ports = TV_UNLIKELY(k->v6) ? tv_sip_last4(k->b + 32, 36) : tv_sip_last4(k->b + 8, 12);

	return (uint32_t)(c->now_us / (TV_ISN_TICK_NS / TV_US)) + (uint32_t)tv_sip_end(&s, ports);
}

static TV_APART uint32_t isn_anew(struct tv_core *c, const struct tv_key *k)
{
	absorb(&tv_pair(c, k)->isn, &c->key_isn, k);
	c->pair.isn_known = true;
	return isn(c, k);
}

uint32_t tv_isn_of_pair(struct tv_core *c, const struct tv_key *k)
{
	return TV_LIKELY(c->pair.isn_known) ? isn(c, k) : isn_anew(c, k);
}

uint32_t tv_isn(struct tv_core *c, const struct tv_key *k)
{
	tv_pair(c, k);
	return tv_isn_of_pair(c, k);
}

void tv_isn_port_anew(struct tv_core *c, const struct tv_key *k, uint32_t i)
{
	struct tv_pair *p = tv_pair(c, k);
	uint32_t at = 8 * words_of(k);
	struct tv_sip s;

	if (!p->port_known) {
		absorb(&p->port, &c->key_port, k);
		memset(p->ports, 0, sizeof p->ports);
	}
	p->port_known = true;
	s = p->port;
	p->ports[i].remote = tv_key_remote_port(k) + 1u;
	p->ports[i].hash = tv_sip_end(&s, tv_sip_last4(k->b + at, at + 4) & ~(uint64_t)0xffff); /* ours comes first */
}

void tv_isn_era_anew(struct tv_core *c, tv_time at)
{
	c->era = (uint8_t)(at / TV_ISN_ERA_NS % TV_ISN_ERAS);
	c->era_began = at / TV_ISN_ERA_NS * TV_ISN_ERA_NS;
}

tv_time tv_isn_time(const struct tv_core *c, const struct tv_tcb *t, const struct tv_key *k)
{
	uint64_t now = c->now / TV_ISN_TICK_NS, era = now >> TV_ISN_ERA_LOG, base, at;

	if (t->rtt.era == 0)
		return 0;
	era -= tv_min64(era, (era + TV_ISN_ERAS - (t->rtt.era - 1u)) % TV_ISN_ERAS);
	/* It is in this era, or, told to a millisecond, in the end of the one before: one round in all. */
	base = (era - (era != 0)) << TV_ISN_ERA_LOG;
	at = base + (uint32_t)(t->snd.iss - keyed(c, k) - (uint32_t)base);
	/* A new secret has another F: what may be older than it cannot be read any more. */
	if (at > now || (c->reseeded != 0 && base * TV_ISN_TICK_NS <= c->reseeded))
		return 0;
	return at * TV_ISN_TICK_NS;
}

uint32_t tv_ts_offset(struct tv_core *c, const struct tv_key *k)
{
	return tv_pair(c, k)->offset;
}
