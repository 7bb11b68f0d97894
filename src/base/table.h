/*
 * table.h - the index: from a hash to a record number. Open addressing, linear probing, 8-byte slots
 * of 36 bits tag and 28 bits reference; a slot of 0 is empty. The tag is the top of the hash, and a
 * slot's home follows from the top 32 bits of the tag, in their order, so that growing and deleting never
 * look at a record.
 *
 * Load at most 0.75; at most 16 bytes for each entry that was planned, if eight or more were. Growing (to
 * twice the size, the last time perhaps to 1.5 times) and re-keying (when a probe passes 64) go on in the
 * background: there are two areas of maximal size, each call moves a bounded number of slots from the
 * old to the new one, and a look-up asks both meanwhile. For re-keying the caller computes the new
 * hash of each moved reference.
 */
#ifndef TV_BASE_TABLE_H
#define TV_BASE_TABLE_H

#include "base/bytes.h"

#define TV_TABLE_REF_BITS 28
#define TV_TABLE_REF_MASK ((1u << TV_TABLE_REF_BITS) - 1)
#define TV_TABLE_PROBE_MAX 64
#define TV_TABLE_UNSET UINT32_MAX
#define TV_TABLE_MOVES 8        /* slots examined for each insert or remove while moving */

struct tv_table {
	uint64_t area[2];          /* offsets of the two areas, each for slots_max slots */
	uint32_t slots_max;        /* 2^n or 3 * 2^n */
	uint32_t slots[2];         /* in use in each area; 0: that area is not in use */
	uint32_t count[2];
	uint32_t live;             /* the area that takes new entries */
	uint32_t cursor;           /* slots of the old area already emptied, counted from start */
	uint32_t start;            /* where emptying began; TV_TABLE_UNSET: not yet */
	uint32_t rekey_wanted;     /* a probe passed TV_TABLE_PROBE_MAX */
	uint32_t rekeying;         /* moving needs new hashes */
	uint32_t calm;             /* with fewer entries nothing is to be done but what is asked for: how many the
	                            * live area may have; 0 while entries are moved, or rekey_wanted */
	uint64_t moves, rekeys;    /* counters */
};

/* New hash of a reference, asked only while re-keying. */
typedef uint64_t (*tv_table_rehash)(void *user, uint32_t ref);

/* For at most `entries` entries at load 0.75. Touches no memory. */
void tv_table_plan(struct tv_table *t, uint32_t entries, uint64_t *end);
/* The rest of adding an entry: others stand where it is at home, or the table is not calm. */
void tv_table_insert_among(struct tv_table *t, uint8_t *region, uint64_t slot);
/* Removes the entry with this hash and ref, which must exist. While re-keying pass both hashes. */
void tv_table_remove(struct tv_table *t, uint8_t *region, uint64_t hash, uint64_t old_hash,
                     uint32_t ref);
/* Changes the reference of an entry in place. */
void tv_table_replace(struct tv_table *t, uint8_t *region, uint64_t hash, uint64_t old_hash,
                      uint32_t ref, uint32_t new_ref);
/* Begins to re-key; false if a move is already under way. Until moving ends both hashes are needed. */
bool tv_table_rekey(struct tv_table *t);
/* Moves at most n slots; true while there is more. rehash may be NULL when not re-keying. */
bool tv_table_move(struct tv_table *t, uint8_t *region, unsigned n, tv_table_rehash rehash, void *user);
static inline bool tv_table_moving(const struct tv_table *t)
{
	return t->slots[!t->live] != 0;
}
/* The offset and bytes of what the drained area leaves behind, and zeroed memory may replace. */
bool tv_table_free_run(const struct tv_table *t, uint64_t *offset, uint64_t *bytes);

/* Nothing but what was asked for has to be done. */
static inline bool tv_table_calm(const struct tv_table *t)
{
	return t->calm != 0;
}
/* Sooner or later it shall be re-keyed. */
static inline void tv_table_want_rekey(struct tv_table *t)
{
	t->rekey_wanted = 1;
	t->calm = 0;
}

/* The slot, of so many, where a hash is at home. Only its top 32 bits count, and those a slot has too. */
static inline uint32_t tv_table_home(uint64_t hash, uint32_t slots)
{
	return (uint32_t)((hash >> 32) * slots >> 32);
}

/* The slot so many (at most all) behind `from`. */
static inline uint32_t tv_table_at(uint32_t from, uint32_t far, uint32_t slots)
{
	return from + far >= slots ? from + far - slots : from + far;
}

/* Adds an entry; ref is 1..TV_TABLE_REF_MASK. The caller keeps the number of entries in its limit. */
static inline void tv_table_insert(struct tv_table *t, uint8_t *region, uint64_t hash, uint32_t ref)
{
	uint64_t slot = hash >> TV_TABLE_REF_BITS << TV_TABLE_REF_BITS | ref;
	uint32_t area = t->live;
	uint64_t *home = (uint64_t *)(void *)(region + t->area[area]) + tv_table_home(hash, t->slots[area]);

	TV_ASSERT(ref - 1 < TV_TABLE_REF_MASK);
	if (*home != 0 || t->count[area] >= t->calm) {
		tv_table_insert_among(t, region, slot);
		return;
	}
	*home = slot;
	t->count[area]++;
}

/* How many slots `at` is behind `from`. */
static inline uint32_t tv_table_far(uint32_t at, uint32_t from, uint32_t slots)
{
	return at >= from ? at - from : at - from + slots;
}

/* Where a look-up stands. */
struct tv_probe {
	const uint64_t *slots;
	uint64_t tag;
	uint32_t at, count, steps;
};

/* All look-ups in one area have this in common. */
static inline void tv_probe_area(struct tv_probe *p, const struct tv_table *t, const uint8_t *region,
                                 unsigned area)
{
	p->slots = (const uint64_t *)(const void *)(region + t->area[area]);
	p->count = t->slots[area];
}

/* The first reference whose tag agrees, or 0, in the area that takes new entries. */
static inline uint32_t tv_probe_first(const struct tv_probe *area, uint64_t hash)
{
	uint64_t tag = hash >> TV_TABLE_REF_BITS, slot;
	uint32_t at = tv_table_home(hash, area->count);

	while ((slot = area->slots[at]) >> TV_TABLE_REF_BITS != tag && slot != 0)
		if (TV_UNLIKELY(++at == area->count))
			at = 0;
	return (uint32_t)slot & TV_TABLE_REF_MASK;
}

/* Has certainly no entry this tag? In the order of their tags the next one would follow here, but for those that were
 * pushed across the end. */
static inline bool tv_table_lacks(const struct tv_table *t, const uint8_t *region, uint64_t hash)
{
	const uint64_t *slots = (const uint64_t *)(const void *)(region + t->area[t->live]);
	uint64_t first = hash >> TV_TABLE_REF_BITS << TV_TABLE_REF_BITS;
	uint32_t count = t->slots[t->live], at = tv_table_home(hash, count);

	while (slots[at] - 1 < first - 1) /* 0 is none */
		at = at + 1 == count ? 0 : at + 1;
	if (slots[at] == 0)
		return tv_table_calm(t);
	return slots[at] >> TV_TABLE_REF_BITS != hash >> TV_TABLE_REF_BITS && tv_table_home(slots[at], count) <= at &&
	       tv_table_calm(t);
}

/* Where that will look first. Whoever fetches it ahead says so himself: a function that does nothing else is one
 * without effect to compilers, and they leave it out. */
static inline const uint64_t *tv_probe_home(const struct tv_probe *p, uint64_t hash)
{
	return p->slots + tv_table_home(hash, p->count);
}

static inline void tv_probe_start(struct tv_probe *p, const struct tv_table *t,
                                  const uint8_t *region, unsigned area, uint64_t hash)
{
	tv_probe_area(p, t, region, area);
	p->tag = hash >> TV_TABLE_REF_BITS;
	p->at = tv_table_home(hash, p->count);
	p->steps = 0;
	/* What is being emptied begins where the emptied part ends. */
	if (area != t->live && t->start != TV_TABLE_UNSET &&
	    tv_table_far(p->at, t->start, p->count) < t->cursor)
		p->at = tv_table_at(t->start, t->cursor, p->count);
}

/* The next reference whose tag agrees, or 0. Only for an area in use (slots != 0). */
static inline uint32_t tv_probe_next(struct tv_probe *p)
{
	for (;;) {
		uint64_t slot = p->slots[p->at];

		if (slot == 0)
			return 0;
		p->at = tv_table_at(p->at, 1, p->count);
		p->steps++;
		if (slot >> TV_TABLE_REF_BITS == p->tag)
			return (uint32_t)slot & TV_TABLE_REF_MASK;
	}
}

#endif
