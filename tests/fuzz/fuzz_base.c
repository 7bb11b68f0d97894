/*
 * fuzz_base.c - sequences of operations on the containers of the core, read from the input, compared
 * with arrays. Each operation is one byte that chooses and three that say how much. One input drives
 * a set of ranges and two streams beside it (a small pool and few pages, so that they run out), and a
 * table whose hashes the input chooses: the fuzzer looks for the clusters that a random test misses.
 */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"

#define REFS 220u
#define ENTRIES 200u
#define RANGES 24u
#define SPAN 1000u
#define LONGEST 20000u

#define MUST(condition) ((condition) ? (void)0 : abort())

struct input {
	const uint8_t *p;
	size_t left;
};

static uint32_t take(struct input *in, uint32_t below)
{
	uint32_t v = 0;

	for (unsigned i = 0; i < 2 && in->left > 0; i++, in->left--)
		v = v << 8 | *in->p++;
	return v % below;
}

/* The table: hashes of few bits, so that most entries collide, under one of two keys. */

struct table_model {
	struct tv_table t;
	uint8_t *region;
	uint16_t hash[REFS + 1];
	uint8_t present[REFS + 1];
	uint16_t key, old_key;
	uint32_t used;
};

static uint64_t hash_of(const struct table_model *m, uint16_t key, uint32_t ref)
{
	return (uint64_t)(uint16_t)(m->hash[ref] ^ key) << 48 | m->hash[ref];
}

static uint64_t rehash(void *user, uint32_t ref)
{
	const struct table_model *m = user;

	return hash_of(m, m->key, ref);
}

static unsigned times_found(const struct table_model *m, uint32_t ref)
{
	unsigned found = 0;

	for (unsigned area = 0; area < 2; area++) {
		bool old = area != m->t.live;
		struct tv_probe probe;
		uint32_t got;

		if (m->t.slots[area] == 0)
			continue;
		tv_probe_start(&probe, &m->t, m->region, area,
		               hash_of(m, old && m->t.rekeying ? m->old_key : m->key, ref));
		while ((got = tv_probe_next(&probe)) != 0)
			found += got == ref;
	}
	return found;
}

static void table_step(struct table_model *m, struct input *in)
{
	uint32_t what = take(in, 16), ref = 1 + take(in, REFS);
	uint64_t moves = m->t.moves;

	if (what == 0 && !tv_table_moving(&m->t)) {
		m->old_key = m->key;
		m->key = (uint16_t)take(in, 65536);
		MUST(tv_table_rekey(&m->t));
	} else if (m->present[ref] && what < 8) {
		tv_table_remove(&m->t, m->region, hash_of(m, m->key, ref),
		                hash_of(m, m->old_key, ref), ref);
		m->present[ref] = 0;
		m->used--;
	} else if (!m->present[ref] && m->used < ENTRIES) {
		m->hash[ref] = (uint16_t)take(in, 65536);
		tv_table_insert(&m->t, m->region, hash_of(m, m->key, ref), ref);
		m->present[ref] = 1;
		m->used++;
	}
	MUST(m->t.moves - moves <= TV_TABLE_MOVES);
	if (m->t.rekeying)
		tv_table_move(&m->t, m->region, TV_TABLE_MOVES, rehash, m);
	MUST(tv_table_check(&m->t, m->region) == 0);
	MUST(m->t.count[0] + m->t.count[1] == m->used);
	ref = 1 + take(in, REFS);
	MUST(times_found(m, ref) == m->present[ref]);
}

/* The ranges: owner[i] is the node that covers offset i, or 0. */

struct ranges_model {
	struct tv_ranges r;
	struct tv_range_pool pool;
	uint8_t *region;
	uint32_t base;
	uint16_t owner[SPAN];
};

static void set_owner(struct ranges_model *m, uint32_t off, uint32_t len, uint32_t node)
{
	for (uint32_t i = 0; i < len; i++)
		m->owner[off + i] = (uint16_t)node;
}

static uint32_t owner_from(const struct ranges_model *m, uint32_t off)
{
	while (off < SPAN && m->owner[off] == 0)
		off++;
	return off < SPAN ? m->owner[off] : 0;
}

static void ranges_insert(struct ranges_model *m, uint32_t off, uint32_t want)
{
	uint32_t len = 0, node, count = m->r.count;

	while (len < want && off + len < SPAN && m->owner[off + len] == 0)
		len++;
	if (len == 0)
		return;
	node = tv_ranges_insert(&m->r, &m->pool, m->region, m->base + off, len);
	MUST((node == 0) == (count == RANGES)); /* the last free one is still to be had */
	if (node != 0)
		set_owner(m, off, len, node);
}

static void ranges_split(struct ranges_model *m, uint32_t off)
{
	uint32_t node = m->owner[off], right, count = m->r.count;
	const struct tv_range *n;

	if (node == 0 || tv_range_at(&m->pool, m->region, node)->seq == m->base + off)
		return;
	right = tv_ranges_split(&m->r, &m->pool, m->region, node, m->base + off);
	MUST((right == 0) == (count == RANGES));
	if (right == 0)
		return;
	n = tv_range_at(&m->pool, m->region, right);
	set_owner(m, off, n->len, right);
}

static void ranges_step(struct ranges_model *m, struct input *in)
{
	uint32_t what = take(in, 8), off = take(in, SPAN), node = owner_from(m, off);

	MUST(tv_ranges_find(&m->r, &m->pool, m->region, m->base + off) == node);
	switch (what) {
	case 0:
		if (node != 0) {
			const struct tv_range *n = tv_range_at(&m->pool, m->region, node);

			set_owner(m, n->seq - m->base, n->len, 0);
			tv_ranges_remove(&m->r, &m->pool, m->region, node);
		}
		break;
	case 1:
	case 2:
		ranges_split(m, off);
		break;
	case 3:
		if (off < 20) {
			tv_ranges_clear(&m->r, &m->pool, m->region);
			memset(m->owner, 0, sizeof m->owner);
		}
		break;
	default:
		ranges_insert(m, off, 1 + take(in, 80));
		break;
	}
	MUST(tv_ranges_check(&m->r, &m->pool, m->region) == 0);
	node = m->r.first;
	for (off = 0; off < SPAN; off++)
		if (m->owner[off] != 0 && (off == 0 || m->owner[off - 1] != m->owner[off])) {
			MUST(node == m->owner[off]);
			MUST(tv_range_at(&m->pool, m->region, node)->seq == m->base + off);
			node = tv_ranges_next(&m->pool, m->region, node);
		}
	MUST(node == 0);
}

/* Two streams on a few pages. */

struct stream_model {
	struct tv_pages pages;
	uint8_t *region;
	struct tv_stream s[2];
	struct tv_cursor cursor[2];
	uint8_t bytes[2][LONGEST];
	uint32_t len[2];
	uint8_t fresh[6000], copy[LONGEST];
};

static void stream_append(struct stream_model *m, unsigned i, uint32_t n, bool urgent)
{
	uint32_t took;

	n = tv_min32(n, LONGEST - m->len[i]);
	took = tv_stream_append(&m->s[i], &m->pages, m->region, m->fresh + n % 7, n, urgent);
	MUST(took <= n);
	memcpy(m->bytes[i] + m->len[i], m->fresh + n % 7, took);
	m->len[i] += took;
}

static void stream_join(struct stream_model *m, unsigned i)
{
	if (m->len[0] + m->len[1] > LONGEST)
		return;
	tv_stream_join(&m->s[i], &m->s[!i], &m->pages, m->region);
	memcpy(m->bytes[i] + m->len[i], m->bytes[!i], m->len[!i]);
	m->len[i] += m->len[!i];
	m->len[!i] = 0;
	m->cursor[!i] = (struct tv_cursor){0};
}

static void stream_step(struct stream_model *m, struct input *in)
{
	uint32_t what = take(in, 16), n = take(in, 5000), off;
	unsigned i = what & 1;

	switch (what >> 1) {
	case 0:
	case 1:
	case 2:
		stream_append(m, i, n, what >> 1 == 2);
		break;
	case 3:
		n = tv_min32(n, m->len[i]);
		tv_stream_consume(&m->s[i], &m->pages, m->region, n, &m->cursor[i]);
		m->len[i] -= n;
		memmove(m->bytes[i], m->bytes[i] + n, m->len[i]);
		break;
	case 4:
		stream_join(m, i);
		break;
	case 5:
		m->len[i] -= tv_min32(n, m->len[i]);
		tv_stream_cut(&m->s[i], &m->pages, m->region, m->len[i]);
		m->cursor[i] = (struct tv_cursor){0};
		break;
	default:
		off = take(in, m->len[i] + 1);
		n = tv_min32(n, m->len[i] - off);
		tv_stream_copy(&m->s[i], &m->pages, m->region, off, n, &m->cursor[i], m->copy);
		MUST(memcmp(m->copy, m->bytes[i] + off, n) == 0);
		break;
	}
	for (i = 0; i < 2; i++) {
		MUST(m->s[i].len == m->len[i]);
		MUST(tv_stream_check(&m->s[i], &m->pages, m->region) == 0);
		MUST(tv_cursor_check(&m->cursor[i], &m->s[i], &m->pages, m->region) == 0);
	}
	MUST(tv_stream_held(&m->s[0], &m->pages, m->region) +
	             tv_stream_held(&m->s[1], &m->pages, m->region) ==
	     m->pages.big.used * TV_PAGE_BYTES + m->pages.small.used * TV_SMALL_BYTES);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = {.p = data, .left = size < 4096 ? size : 4096};
	struct table_model *t = calloc(1, sizeof *t);
	struct ranges_model *r = calloc(1, sizeof *r);
	struct stream_model *s = calloc(1, sizeof *s);
	uint64_t end = 0;

	MUST(t != NULL && r != NULL && s != NULL);
	tv_table_plan(&t->t, ENTRIES, &end);
	t->t.slots[0] = 16; /* small, so that growing is part of it */
	t->t.calm = 16 / 4 * 3;
	t->region = calloc(1, end);
	end = 0;
	tv_pool_plan(&r->pool.pool, RANGES, sizeof(struct tv_range), &end);
	r->region = calloc(1, end);
	r->pool.seed = take(&in, 65536);
	r->base = take(&in, 65536) << 16;
	end = 0;
	tv_pages_plan(&s->pages, 5, 7, 1, &end);
	s->region = calloc(1, end);
	for (uint32_t i = 0; i < sizeof s->fresh; i++)
		s->fresh[i] = (uint8_t)(i * i >> 3);
	while (in.left > 0) {
		uint32_t which = *in.p % 3;

		if (which == 0)
			table_step(t, &in);
		else if (which == 1)
			ranges_step(r, &in);
		else
			stream_step(s, &in);
	}
	free(t->region);
	free(r->region);
	free(s->region);
	free(t);
	free(r);
	free(s);
	return 0;
}
