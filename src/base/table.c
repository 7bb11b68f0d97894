/*
 * table.c - the index: how entries are placed, removed and moved.
 *
 * Entries of one cluster stand in the order of their tags (Robin Hood: whoever is farther from home
 * goes first). A first-come order has probes of several hundred slots among a million entries at a
 * load of 0.75; this order has about 30, so that passing 64 is a sign of chosen hashes and not of bad
 * luck. It also makes removal simple: what follows moves back until one is at home.
 *
 * Moving. The old area is emptied from `start`, a slot that nobody behind it was pushed across, once
 * around. Emptied slots are cleared, so that a drained area is zero again and needs no cleaning. An
 * entry whose home lies in the emptied part can only stand right behind it, so that a look-up in the
 * old area begins there. Nothing is ever added to the old area.
 *
 * Sizes are powers of two, and the largest may be one and a half: a home is a product, not a mask.
 * With powers of two alone an entry can cost 21 bytes.
 *
 * Room. Growth begins at 0.75 and takes slots / TV_TABLE_MOVES calls, in which the new area reaches
 * at most 0.44 when it is twice as large, 0.59 when it is 1.5 times as large. Re-keying keeps the size
 * up to a load of 0.5 or at the maximal size and grows otherwise; while it goes on, the caller moves
 * (tv_table_move) at least TV_TABLE_MOVES slots for each insertion.
 */
#include "base/table.h"

#define FIRST_SLOTS 1024
#define LEAST_SLOTS 16
#define TAG_BITS (64 - TV_TABLE_REF_BITS)

static uint64_t *area_slots(const struct tv_table *t, uint8_t *region, uint32_t area)
{
	return (uint64_t *)(void *)(region + t->area[area]);
}

/* How far the entry in slot `at` is from home. */
static uint32_t displacement(uint64_t slot, uint32_t at, uint32_t count)
{
	return tv_table_far(at, tv_table_home(slot, count), count);
}

/* How many entries are the most for so many slots. */
static uint32_t full(uint32_t count)
{
	return count / 4 * 3;
}

void tv_table_plan(struct tv_table *t, uint32_t entries, uint64_t *end)
{
	uint32_t count = LEAST_SLOTS;

	TV_ASSERT(entries <= TV_TABLE_REF_MASK);
	while (full(count) < entries)
		count *= 2;
	if (count > LEAST_SLOTS && full(count / 4 * 3) >= entries)
		count = count / 4 * 3;
	memset(t, 0, sizeof *t);
	t->slots_max = count;
	t->slots[0] = tv_min32(count, FIRST_SLOTS);
	t->calm = full(t->slots[0]);
	*end = (*end + 63) & ~(uint64_t)63;
	for (unsigned i = 0; i < 2; i++) {
		t->area[i] = *end;
		*end += 8ull * count;
	}
}

/* The farthest from home of the entries in so many slots from `at` on. */
static TV_APART uint32_t farthest(const uint64_t *slots, uint32_t at, uint32_t many, uint32_t count)
{
	uint32_t far = 0;

	for (uint32_t i = 0; i < many; i++, at = tv_table_at(at, 1, count))
		far = tv_max32(far, displacement(slots[at], at, count));
	return far;
}

/* From slot `at` on entries move on by one, to make place for this one. */
static void push(struct tv_table *t, uint64_t *slots, uint32_t at, uint64_t slot)
{
	uint32_t count = t->slots[t->live], home = tv_table_home(slot, count), first = at;
	uint64_t here;

	while ((here = slots[at]) != 0) {
		slots[at] = slot;
		slot = here;
		at = at + 1 == count ? 0 : at + 1;
	}
	slots[at] = slot;
	if (TV_UNLIKELY(tv_table_far(at, home, count) >= TV_TABLE_PROBE_MAX) &&
	    farthest(slots, first, tv_table_far(at, first, count) + 1, count) >= TV_TABLE_PROBE_MAX)
		tv_table_want_rekey(t);
}

/* Behind those that are farther from home, and those that are as far and have a smaller tag. */
static TV_APART void place_around(struct tv_table *t, uint64_t *slots, uint64_t slot)
{
	uint32_t count = t->slots[t->live], home = tv_table_home(slot, count), at = home;
	uint64_t here;

	while ((here = slots[at]) != 0) {
		uint32_t theirs = displacement(here, at, count), ours = tv_table_far(at, home, count);

		if (theirs < ours || (theirs == ours && here >= slot))
			break;
		at = tv_table_at(at, 1, count);
	}
	push(t, slots, at, slot);
}

/* Puts an entry into the live area; at least one slot of it is empty. */
static void place(struct tv_table *t, uint8_t *region, uint64_t slot)
{
	uint64_t *slots = area_slots(t, region, t->live);
	uint32_t count = t->slots[t->live], at = tv_table_home(slot, count);

	TV_ASSERT(t->count[t->live] < count - 1);
	t->count[t->live]++;
	/* Smaller tags stand before it, unless some were pushed across the end of the area. */
	if (tv_table_home(slots[at], count) <= at) {
		while (slots[at] - 1 < slot - 1 && at + 1 < count)
			at++;
		if (TV_LIKELY(at + 1 < count)) {
			push(t, slots, at, slot);
			return;
		}
	}
	place_around(t, slots, slot);
}

/* Makes the other area the live one, of the same size or larger. */
static void begin_move(struct tv_table *t, bool larger)
{
	uint32_t count = t->slots[t->live];

	t->live = !t->live;
	t->slots[t->live] = larger ? tv_min32(2 * count, t->slots_max) : count;
	t->count[t->live] = 0;
	t->cursor = 0;
	t->start = TV_TABLE_UNSET;
	t->calm = 0;
}

/* The first slot of the old area that is empty or whose entry is at home: nobody behind it was pushed
 * across it. */
static uint32_t find_start(const uint64_t *slots, uint32_t count)
{
	uint32_t at = 0;

	while (slots[at] != 0 && displacement(slots[at], at, count) != 0)
		at++;
	return at;
}

bool tv_table_move(struct tv_table *t, uint8_t *region, unsigned n, tv_table_rehash rehash, void *user)
{
	uint32_t old = !t->live, count = t->slots[old];
	uint64_t *slots = area_slots(t, region, old);
	bool rekeying = t->rekeying != 0;

	if (count == 0)
		return false;
	TV_ASSERT(!rekeying || rehash != NULL);
	if (t->start == TV_TABLE_UNSET)
		t->start = find_start(slots, count);
	while (n-- > 0 && t->count[old] != 0) {
		uint32_t at = tv_table_at(t->start, t->cursor, count);
		uint64_t slot = slots[at];

		t->cursor++;
		if (slot == 0)
			continue;
		slots[at] = 0;
		t->count[old]--;
		t->moves++;
		if (rekeying) {
			uint32_t ref = (uint32_t)slot & TV_TABLE_REF_MASK;

			slot = rehash(user, ref) >> TV_TABLE_REF_BITS << TV_TABLE_REF_BITS | ref;
		}
		place(t, region, slot);
	}
	if (t->count[old] != 0)
		return true;
	t->slots[old] = 0;
	t->cursor = 0;
	t->rekeying = 0;
	t->calm = t->rekey_wanted != 0 ? 0 : full(t->slots[t->live]);
	return false;
}

static TV_APART void step(struct tv_table *t, uint8_t *region)
{
	if (tv_table_moving(t) && !t->rekeying)
		tv_table_move(t, region, TV_TABLE_MOVES, NULL, NULL);
}

void tv_table_insert_among(struct tv_table *t, uint8_t *region, uint64_t slot)
{
	if (TV_UNLIKELY(t->count[t->live] >= t->calm)) {
		step(t, region);
		if (!tv_table_moving(t) && t->slots[t->live] < t->slots_max &&
		    t->count[t->live] >= full(t->slots[t->live]))
			begin_move(t, true);
	}
	place(t, region, slot);
}

/* Empties a slot and moves those behind it back, until one is at home. */
TV_INLINE void close_gap(uint64_t *slots, uint32_t count, uint64_t *gap)
{
	for (;;) {
		uint64_t *behind = gap + 1 == slots + count ? slots : gap + 1, slot = *behind;

		if (slot == 0 || slots + tv_table_home(slot, count) == behind)
			break;
		*gap = slot;
		gap = behind;
	}
	*gap = 0;
}

/* Where this entry stands in an area that is in use, from `at` on; NULL: it does not. */
TV_INLINE uint64_t *find_from(uint64_t *slots, uint32_t count, uint32_t at, uint64_t want)
{
	uint64_t *slot = slots + at, *end = slots + count;

	while (*slot != want) {
		if (*slot == 0)
			return NULL;
		slot++;
		if (TV_UNLIKELY(slot == end))
			slot = slots;
	}
	return slot;
}

/* In the live area; NULL: not there. */
TV_INLINE uint64_t *find_live(const struct tv_table *t, uint8_t *region, uint64_t hash, uint32_t ref)
{
	uint32_t count = t->slots[t->live];

	return find_from(area_slots(t, region, t->live), count, tv_table_home(hash, count),
	                 hash >> TV_TABLE_REF_BITS << TV_TABLE_REF_BITS | ref);
}

/* In the area that is being emptied, where it must be. */
static uint64_t *find_old(const struct tv_table *t, uint8_t *region, uint64_t hash, uint32_t ref)
{
	struct tv_probe probe;
	uint64_t *slot;

	TV_ASSERT(tv_table_moving(t));
	tv_probe_start(&probe, t, region, !t->live, hash);
	slot = find_from(area_slots(t, region, !t->live), t->slots[!t->live], probe.at,
	                 hash >> TV_TABLE_REF_BITS << TV_TABLE_REF_BITS | ref);
	TV_ASSERT(slot != NULL);
	return slot;
}

TV_INLINE void remove_at(struct tv_table *t, uint8_t *region, uint32_t area, uint64_t *slot)
{
	close_gap(area_slots(t, region, area), t->slots[area], slot);
	t->count[area]--;
	if (TV_UNLIKELY(!tv_table_calm(t)))
		step(t, region);
}

TV_INLINE void replace_at(uint64_t *slot, uint32_t new_ref)
{
	TV_ASSERT(new_ref - 1 < TV_TABLE_REF_MASK);
	*slot = *slot >> TV_TABLE_REF_BITS << TV_TABLE_REF_BITS | new_ref;
}

static TV_APART void remove_old(struct tv_table *t, uint8_t *region, uint64_t hash, uint32_t ref)
{
	remove_at(t, region, !t->live, find_old(t, region, hash, ref));
}

static TV_APART void replace_old(struct tv_table *t, uint8_t *region, uint64_t hash, uint32_t ref, uint32_t new_ref)
{
	replace_at(find_old(t, region, hash, ref), new_ref);
}

void tv_table_remove(struct tv_table *t, uint8_t *region, uint64_t hash, uint64_t old_hash,
                     uint32_t ref)
{
	uint64_t *slot = find_live(t, region, hash, ref);

	if (TV_LIKELY(slot != NULL))
		remove_at(t, region, t->live, slot);
	else
		remove_old(t, region, t->rekeying ? old_hash : hash, ref);
}

void tv_table_replace(struct tv_table *t, uint8_t *region, uint64_t hash, uint64_t old_hash,
                      uint32_t ref, uint32_t new_ref)
{
	uint64_t *slot = find_live(t, region, hash, ref);

	if (TV_LIKELY(slot != NULL))
		replace_at(slot, new_ref);
	else
		replace_old(t, region, t->rekeying ? old_hash : hash, ref, new_ref);
}

bool tv_table_rekey(struct tv_table *t)
{
	uint32_t count = t->slots[t->live];

	if (tv_table_moving(t))
		return false;
	begin_move(t, count < t->slots_max && t->count[t->live] > count / 2);
	t->rekeying = 1;
	t->rekey_wanted = 0;
	t->rekeys++;
	return true;
}

bool tv_table_free_run(const struct tv_table *t, uint64_t *offset, uint64_t *bytes)
{
	if (tv_table_moving(t))
		return false;
	if (t->moves == 0)
		return false;
	*offset = t->area[!t->live];
	*bytes = 8ull * t->slots[t->live];
	return true;
}
