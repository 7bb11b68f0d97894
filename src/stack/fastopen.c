/*
 * fastopen.c - the calls of trivet.h that are about Fast Open: the keys of the server's cookies, and what
 * the client remembers (tcp/open/fastopen.c, tcp/open/paths.c).
 */
#include "stack/handles.h"
#include "tcp/open/open.h"

int tv_fastopen_keys(struct tv_stack *s, tv_time now, const uint8_t primary[16], const uint8_t backup[16])
{
	struct tv_core *c = &s->core;

	tv_stack_now(s, now);
	c->fastopen.given = primary != NULL;
	c->fastopen.backup = backup != NULL;
	if (primary != NULL)
		tv_fastopen_key(c, 0, primary);
	else
		c->fastopen.key[0] = c->fastopen.derived;
	if (backup != NULL)
		tv_fastopen_key(c, 1, backup);
	return TV_OK;
}

bool tv_fastopen_next(const struct tv_stack *s, uint64_t *cursor, struct tv_fastopen_path *path)
{
	const struct tv_core *c = &s->core;
	struct tv_fastopen_path full = {0};
	uint64_t i = *cursor;
	const struct tv_path *p;

	while (i < tv_paths_count(c) && tv_path_at(c, (uint32_t)i)->used == 0)
		i++;
	if (i >= tv_paths_count(c) || path->size < sizeof path->size)
		return false;
	*cursor = i + 1;
	p = tv_path_at(c, (uint32_t)i);
	full.addr = p->addr;
	full.zone = p->zone;
	full.cookie_len = p->cookie_len;
	full.experimental = p->exp;
	full.failures = p->failures;
	full.mss = p->mss;
	memcpy(full.cookie, p->cookie, p->cookie_len);
	full.backoff = p->until > c->now ? p->until - c->now : 0;
	tv_give(path, path->size, &full, sizeof full);
	return true;
}

int tv_fastopen_put(struct tv_stack *s, tv_time now, const struct tv_fastopen_path *path)
{
	struct tv_core *c = &s->core;
	struct tv_path *p;

	tv_stack_now(s, now);
	if (path->size != sizeof *path || path->cookie_len % 2 != 0 || path->cookie_len == 2 ||
	    path->cookie_len > sizeof path->cookie || path->backoff > TV_PATH_BACKOFF << TV_PATH_DOUBLINGS ||
	    tv_addr_is_any(&path->addr))
		return TV_EINVAL;
	if (tv_paths_count(c) == 0)
		return TV_EFULL;
	if (path->cookie_len == 0 && path->failures == 0) {
		p = tv_path_find(c, &path->addr, path->zone);
		if (p != NULL)
			p->used = 0;
		return TV_OK;
	}
	p = tv_path_take(c, &path->addr, path->zone);
	p->cookie_len = path->cookie_len;
	p->exp = path->experimental;
	p->failures = path->failures;
	p->mss = path->mss;
	memcpy(p->cookie, path->cookie, path->cookie_len);
	p->until = c->now + path->backoff;
	return TV_OK;
}
