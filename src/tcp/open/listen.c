/*
 * listen.c - which listener answers for an address and a port.
 *
 * A listener is for one port, a range or any port, on one address or any. A range is cut into blocks
 * whose size is a power of two (at most 30 of them), and each block is an entry of a hash table, keyed by
 * address, zone, block length and first port. A look-up asks, for the exact address and then for any,
 * each block length that is in use, the longest first: 34 probes at most, 2 in the usual case, whatever
 * the number of listeners. So an exact address wins over any, and a port over a range over any port.
 *
 * Connections are in another table: neither disturbs the other, whatever the ports [MUST-41] [MUST-42].
 *
 * When an entry goes, those behind it that it had pushed aside move up, so that no gap stays behind and
 * listeners may come and go for ever.
 */
#include "tcp/core.h"

struct entry {
	struct tv_addr addr;
	uint16_t port;
	uint8_t bits;              /* length of the block: 16 is one port, 0 all */
	uint8_t zone;
	uint16_t listener;         /* number + 1; 0: free */
	uint16_t unused;
};

static struct entry *slot_at(const struct tv_core *c, uint32_t i)
{
	return (struct entry *)(void *)(tv_region(c) + c->listen_table) + i;
}

void tv_listen_plan(struct tv_core *c, uint32_t listeners, uint64_t *end)
{
	uint32_t slots = 64;

	while (slots < listeners * 4)
		slots *= 2;
	c->listen_slots = slots;
	*end = (*end + 63) & ~(uint64_t)63;
	c->listen_table = *end;
	*end += (uint64_t)slots * sizeof(struct entry);
}

static uint32_t home(const struct tv_core *c, const struct tv_addr *addr, uint16_t port, unsigned bits, uint8_t zone)
{
	uint64_t h = (tv_native64(addr->b) ^ c->listen_seed) * 0x9e3779b97f4a7c15u;

	h = (h ^ h >> 32 ^ tv_native64(addr->b + 8)) * 0xbf58476d1ce4e5b9u;
	h = (h ^ h >> 29 ^ ((uint64_t)port << 16 | (uint64_t)bits << 8 | zone)) * 0x94d049bb133111ebu;
	return (uint32_t)(h >> 32) & (c->listen_slots - 1);
}

static bool entry_is(const struct entry *e, const struct tv_addr *addr, uint16_t port, unsigned bits, uint8_t zone)
{
	return e->port == port && e->bits == bits && e->zone == zone && tv_addr_equal(&e->addr, addr);
}

static struct entry *look(const struct tv_core *c, const struct tv_addr *addr, uint16_t port, unsigned bits,
                          uint8_t zone)
{
	for (uint32_t i = home(c, addr, port, bits, zone);; i = (i + 1) & (c->listen_slots - 1)) {
		struct entry *e = slot_at(c, i);

		if (e->listener == 0)
			return NULL;
		if (entry_is(e, addr, port, bits, zone))
			return e;
	}
}

static uint16_t block_mask(unsigned bits)
{
	return (uint16_t)(bits == 0 ? 0 : 0xffffu << (16 - bits));
}

/* mask: the lengths of blocks that are in use. */
static uint32_t find_on(const struct tv_core *c, const struct tv_addr *addr, uint16_t port, uint8_t zone,
                        uint32_t mask)
{
	for (; mask != 0; mask &= ~(1u << (31 - __builtin_clz(mask)))) {
		unsigned bits = 31 - (unsigned)__builtin_clz(mask);
		const struct entry *e = look(c, addr, port & block_mask(bits), bits, zone);

		if (e != NULL)
			return e->listener;
	}
	return 0;
}

uint32_t tv_listen_find(const struct tv_core *c, const struct tv_addr *addr, uint16_t port, uint8_t zone)
{
	struct tv_addr any = {{0}};
	uint32_t found = find_on(c, addr, port, zone, c->listen_masks[0]);

	if (found != 0)
		return found;
	if (tv_addr_is_v4(addr))
		any.b[10] = any.b[11] = 0xff;
	return find_on(c, &any, port, 0, c->listen_masks[1]);
}

/* One block more or less of this length, on an address or on any. */
static void count(struct tv_core *c, const struct tv_addr *addr, unsigned bits, uint32_t change)
{
	unsigned any = tv_addr_is_any(addr) || (tv_addr_is_v4(addr) && tv_native32(addr->b + 12) == 0);

	c->listen_blocks[any][bits] += change;
	c->listen_masks[any] &= ~(1u << bits);
	c->listen_masks[any] |= (c->listen_blocks[any][bits] != 0 ? 1u : 0) << bits;
}

static bool insert(struct tv_core *c, const struct tv_addr *addr, uint16_t port, unsigned bits, uint8_t zone,
                   uint16_t listener)
{
	uint32_t i = home(c, addr, port, bits, zone);
	struct entry *e;

	if (c->listen_used >= c->listen_slots / 4 * 3)
		return false;
	for (e = slot_at(c, i); e->listener != 0; e = slot_at(c, i))
		i = (i + 1) & (c->listen_slots - 1);
	c->listen_used++;
	e->addr = *addr;
	e->port = port;
	e->bits = (uint8_t)bits;
	e->zone = zone;
	e->listener = listener;
	count(c, addr, bits, 1);
	return true;
}

/* Entry i is free now: what stands behind it moves up, as far as its home allows. */
static void close_up(struct tv_core *c, uint32_t i)
{
	uint32_t mask = c->listen_slots - 1;

	for (uint32_t k = (i + 1) & mask; slot_at(c, k)->listener != 0; k = (k + 1) & mask) {
		const struct entry *e = slot_at(c, k);
		uint32_t from = home(c, &e->addr, e->port, e->bits, e->zone);

		if (((k - from) & mask) < ((k - i) & mask))
			continue;
		*slot_at(c, i) = *e;
		i = k;
	}
	slot_at(c, i)->listener = 0;
	c->listen_used--;
}

static void drop(struct tv_core *c, const struct tv_addr *addr, uint16_t port, unsigned bits, uint8_t zone,
                 uint16_t listener)
{
	struct entry *e = look(c, addr, port, bits, zone);

	if (e == NULL || e->listener != listener)
		return;
	count(c, addr, bits, (uint32_t)-1);
	close_up(c, (uint32_t)(e - slot_at(c, 0)));
}

/* The largest block that begins at `first` and ends not after `last`. */
static unsigned block_bits(uint32_t first, uint32_t last)
{
	for (unsigned bits = 16;; bits--) {
		uint32_t twice = 1u << (17 - bits); /* with bits 0 more than there are ports */

		if ((first & (twice - 1)) != 0 || first + twice - 1 > last)
			return bits;
	}
}

enum step { TAKEN, ADD, DROP };

/* Walks the blocks of a range on one address. TAKEN: is one of them another's already? */
static bool walk(struct tv_core *c, const struct tv_addr *addr, uint8_t zone, uint32_t first, uint32_t last,
                 uint16_t listener, enum step step)
{
	while (first <= last) {
		unsigned bits = block_bits(first, last);

		if (step == TAKEN && look(c, addr, (uint16_t)first, bits, zone) != NULL)
			return true;
		if (step == ADD && !insert(c, addr, (uint16_t)first, bits, zone, listener))
			return false;
		if (step == DROP)
			drop(c, addr, (uint16_t)first, bits, zone, listener);
		first += 1u << (16 - bits);
	}
	return step == ADD;
}

/* The addresses under which a listener is found: its own, or "any" of each of its families. */
static unsigned names(const struct tv_listener *l, struct tv_addr out[2])
{
	unsigned n = 0;

	if (!tv_addr_is_any(&l->addr)) {
		out[n++] = l->addr;
		return n;
	}
	memset(out, 0, 2 * sizeof out[0]);
	if ((l->families & 1) != 0) {
		out[n].b[10] = out[n].b[11] = 0xff;
		n++;
	}
	if ((l->families & 2) != 0)
		n++;
	return n;
}

int tv_listen_add(struct tv_core *c, uint32_t index)
{
	struct tv_listener *l = tv_listener_at(c, index);
	uint16_t me = (uint16_t)(index + 1);
	struct tv_addr addr[2];
	unsigned n = names(l, addr);

	for (unsigned i = 0; i < n; i++)
		if (walk(c, &addr[i], l->zone, l->port_first, l->port_last, me, TAKEN))
			return TV_EADDRINUSE;
	for (unsigned i = 0; i < n; i++) {
		if (walk(c, &addr[i], l->zone, l->port_first, l->port_last, me, ADD))
			continue;
		tv_listen_drop(c, index);
		return TV_EFULL;
	}
	return TV_OK;
}

void tv_listen_drop(struct tv_core *c, uint32_t index)
{
	struct tv_listener *l = tv_listener_at(c, index);
	struct tv_addr addr[2];

	for (unsigned n = names(l, addr); n > 0; n--)
		walk(c, &addr[n - 1], l->zone, l->port_first, l->port_last, (uint16_t)(index + 1), DROP);
}
