/*
 * paths.c - what a client that uses Fast Open remembers of its destinations (RFC 7413 4.1.3): cookie, MSS,
 * and how often in a row it failed.
 *
 * The destinations lie in sets of eight that a keyed hash of the address chooses; in a full set the one that
 * was not used for longest goes. With at most eight there is one set, and the limit is exact.
 *
 * What failed is left alone for a minute, and for twice as long each time in a row, whatever the port. A
 * destination that answers a request of kind 34 without a cookie is asked once in the old kind 254 (as Linux
 * does), and counts as failed when it does not understand that either.
 */
#include "tcp/open/open.h"

#define WAYS 8u

void tv_paths_plan(struct tv_core *c, uint32_t paths, uint64_t *end)
{
	c->fastopen.path_ways = tv_min32(paths, WAYS);
	c->fastopen.path_sets = (paths + WAYS - 1) / WAYS;
	*end = (*end + 63) & ~(uint64_t)63;
	c->fastopen.paths = *end;
	*end += (uint64_t)c->fastopen.path_sets * c->fastopen.path_ways * sizeof(struct tv_path);
}

uint32_t tv_paths_count(const struct tv_core *c)
{
	return c->fastopen.path_sets * c->fastopen.path_ways;
}

struct tv_path *tv_path_at(const struct tv_core *c, uint32_t i)
{
	return (struct tv_path *)(void *)(tv_region(c) + c->fastopen.paths) + i;
}

/* The first place of the set that this address belongs to. */
static uint32_t set_of(const struct tv_core *c, const struct tv_addr *addr, uint8_t zone)
{
	uint64_t in[3] = {tv_native64(addr->b), tv_native64(addr->b + 8), zone};
	uint32_t hash = (uint32_t)tv_siphash(&c->fastopen.path_key, in, sizeof in);

	return (uint32_t)((uint64_t)hash * c->fastopen.path_sets >> 32) * c->fastopen.path_ways;
}

struct tv_path *tv_path_find(const struct tv_core *c, const struct tv_addr *addr, uint8_t zone)
{
	struct tv_path *first = tv_path_at(c, set_of(c, addr, zone));

	for (struct tv_path *p = first; p != first + c->fastopen.path_ways; p++)
		if (p->used != 0 && p->zone == zone && tv_addr_equal(&p->addr, addr))
			return p;
	return NULL;
}

struct tv_path *tv_path_take(struct tv_core *c, const struct tv_addr *addr, uint8_t zone)
{
	struct tv_path *p = tv_path_find(c, addr, zone);
	uint32_t first = set_of(c, addr, zone);

	if (p != NULL) {
		p->used = ++c->fastopen.path_used;
		return p;
	}
	p = tv_path_at(c, first);
	for (uint32_t i = 1; i < c->fastopen.path_ways; i++)
		if (tv_path_at(c, first + i)->used < p->used) /* 0: free */
			p = tv_path_at(c, first + i);
	memset(p, 0, sizeof *p);
	p->addr = *addr;
	p->zone = zone;
	p->used = ++c->fastopen.path_used;
	return p;
}

static void remote_of(const struct tv_core *c, const struct tv_tcb *t, struct tv_endpoint *remote)
{
	struct tv_key k;

	tv_tcb_key(c, t, &k);
	tv_key_remote(&k, remote);
}

struct tv_path *tv_path_of(struct tv_core *c, const struct tv_tcb *t)
{
	struct tv_endpoint remote;
	struct tv_path *p;

	remote_of(c, t, &remote);
	p = tv_path_find(c, &remote.addr, remote.zone);
	if (p != NULL)
		p->used = ++c->fastopen.path_used;
	return p;
}

static struct tv_path *path_for(struct tv_core *c, const struct tv_tcb *t)
{
	struct tv_endpoint remote;

	remote_of(c, t, &remote);
	return tv_path_take(c, &remote.addr, remote.zone);
}

static void worked(struct tv_path *p, const struct tv_tcp_options *o)
{
	if ((o->has & TV_OPT_HAS_MSS) != 0)
		p->mss = o->mss;
	p->failures = 0;
	p->until = 0;
}

/* Of attempts that were under way together the first one counts. */
static void failed(struct tv_core *c, struct tv_path *p)
{
	if (p->until > c->now)
		return;
	p->until = c->now + (TV_PATH_BACKOFF << tv_min32(p->failures, TV_PATH_DOUBLINGS));
	tv_count8(&p->failures);
	c->cnt.fastopen_losses++;
}

void tv_path_granted(struct tv_core *c, const struct tv_tcb *t, const struct tv_tcp_options *o)
{
	struct tv_path *p = path_for(c, t);

	p->exp = o->cookie_exp;
	p->cookie_len = o->cookie_len;
	memcpy(p->cookie, o->cookie, o->cookie_len);
	worked(p, o);
}

void tv_path_worked(struct tv_core *c, const struct tv_tcb *t, const struct tv_tcp_options *o)
{
	worked(path_for(c, t), o);
}

void tv_path_refused(struct tv_core *c, const struct tv_tcb *t)
{
	path_for(c, t)->cookie_len = 0; /* the next SYN asks for another (RFC 7413 4.2.1, 3) */
}

void tv_path_ignored(struct tv_core *c, const struct tv_tcb *t)
{
	struct tv_path *p = path_for(c, t);

	p->exp = !p->exp;
	p->cookie_len = 0;
	if (!p->exp)
		failed(c, p); /* neither kind */
}

void tv_path_failed(struct tv_core *c, const struct tv_tcb *t)
{
	failed(c, path_for(c, t));
}
