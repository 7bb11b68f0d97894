/*
 * backlog.c - who may have a half-open record (backlog.h asks), and what a flood of SYNs is.
 *
 * A SYN passes three limits. Its rate: cfg.syn_per_second for each prefix, or for all together. The
 * backlog of its listener. And the share of its prefix (/24, /56): a prefix that has four times as many
 * records as the backlog has free places gets no more, so that one prefix alone has at most four fifths
 * of it, two have four ninths each, and somebody who is new finds a place. What has no place is answered
 * with a cookie, or dropped where cookies are off. Prefixes are counted in buckets that a keyed hash
 * chooses; two that share a bucket share a share.
 *
 * A flood begins at a listener with the first SYN that is too many, and is over when there was none for
 * cfg.flood_quiet; both are told as events. Nothing of it costs memory.
 */
#include "tcp/open/backlog.h"

bool tv_bucket_has(struct tv_bucket *b, uint32_t rate, uint32_t now_ms)
{
	uint32_t waited = b->at_ms == 0 ? 1000 : tv_min32(now_ms - b->at_ms, 1000); /* a second fills it */
	uint64_t most = (uint64_t)rate * 1000;

	b->tokens_milli = (uint32_t)tv_min64(most, b->tokens_milli + (uint64_t)waited * rate);
	b->at_ms = now_ms + (now_ms == 0);
	return b->tokens_milli >= 1000;
}

void tv_bucket_take(struct tv_bucket *b)
{
	b->tokens_milli -= 1000;
}

void tv_listener_ready(struct tv_core *c, uint32_t index)
{
	tv_listener_at(c, index)->in_ready_list = true;
	tv_ready_push(c, TV_KIND_LISTENER, index);
}

static void too_many(struct tv_core *c, uint32_t index)
{
	struct tv_listener *l = tv_listener_at(c, index);

	if (TV_UNLIKELY(!l->flood.on)) {
		l->flood = (struct tv_flood){.on = true, .began = c->now, .syns = 1};
		c->cnt.floods++;
		if (c->floods++ == 0)
			c->flood_at = c->now + c->cfg.flood_quiet;
		tv_listener_tell(c, l, index, TV_EV_FLOOD);
	}
	l->flood.last = c->now;
}

int tv_backlog_dropped(struct tv_core *c, struct tv_listener *l, enum tv_verdict v)
{
	l->flood.dropped += l->flood.on;
	c->cnt.backlog_drops++;
	return (int)v;
}

/* Of the prefix of this SYN, which has a limit. */
static bool over_rate(struct tv_core *c, const struct tv_segment *s)
{
	const struct tv_key *k = &s->key;
	unsigned bits = k->v6 ? c->cfg.syn_prefix_v6 : c->cfg.syn_prefix_v4;
	struct tv_bucket *b;

	b = &c->syn_rate[tv_prefix_bucket(c, tv_key_remote_top(k->b, k->b + TV_KEY_HEAD, k->v6), bits, 0)];
	if (!tv_bucket_has(b, c->cfg.syn_per_second, c->now_ms))
		return true;
	tv_bucket_take(b);
	return false;
}

int tv_backlog_full(struct tv_core *c, uint32_t index, const struct tv_segment *s, enum tv_verdict v, bool cookies)
{
	struct tv_listener *l = tv_listener_at(c, index);

	too_many(c, index);
	c->cnt.record_failures += v == TV_V_NO_RECORD;
	return cookies ? tv_cookie_answer(c, l, s) : tv_backlog_dropped(c, l, v);
}

bool tv_backlog_over_rate(struct tv_core *c, uint32_t index, const struct tv_segment *s)
{
	if (!over_rate(c, s))
		return false;
	too_many(c, index);
	tv_listener_at(c, index)->flood.dropped++;
	c->cnt.syn_rate_drops++;
	return true;
}

void tv_flood_due(struct tv_core *c)
{
	tv_time next = TV_NEVER;

	if (TV_LIKELY(c->floods == 0) || c->now < c->flood_at)
		return;
	for (uint32_t i = tv_pool_next(&c->listeners, tv_region(c), 0); i != TV_NONE;
	     i = tv_pool_next(&c->listeners, tv_region(c), i + 1)) {
		struct tv_listener *l = tv_listener_at(c, i);

		if (!l->flood.on)
			continue;
		if (c->now < l->flood.last + c->cfg.flood_quiet) {
			next = tv_min64(next, l->flood.last + c->cfg.flood_quiet);
			continue;
		}
		l->flood.on = false;
		c->floods--;
		tv_listener_tell(c, l, i, TV_EV_FLOOD_OVER);
	}
	c->flood_at = next;
}
