/*
 * ls_age.c - how long each connection has been in its state, seen from round to round.
 *
 * The library says when a connection was opened, the kernel not even that, and neither when it entered its
 * state. Who looks again and
 * again knows: what was not there in the round before is new (exact to the pause between two rounds),
 * what was there in the first round is at least as old as the watch. Memory is bounded by what is
 * there: the list of a round replaces that of the round before.
 */
#include <stdlib.h>
#include <string.h>

#include "cli/ls.h"

struct entry {
	struct tv_endpoint local, remote;
	enum tv_state state;
	pid_t pid;
	bool exact;
	tv_time since;
};

struct ls_ages {
	struct entry *list;
	size_t count;
	bool begun;
};

struct ls_ages *ls_ages_new(void)
{
	return calloc(1, sizeof(struct ls_ages));
}

void ls_ages_free(struct ls_ages *a)
{
	if (a)
		free(a->list);
	free(a);
}

static int compare_end(const struct tv_endpoint *a, const struct tv_endpoint *b)
{
	int order = memcmp(&a->addr, &b->addr, sizeof a->addr);

	if (order == 0)
		order = (int)a->zone - (int)b->zone;
	return order ? order : (int)a->port - (int)b->port;
}

static int compare(const void *x, const void *y)
{
	const struct entry *a = x, *b = y;
	int order = compare_end(&a->local, &b->local);

	if (order == 0)
		order = compare_end(&a->remote, &b->remote);
	if (order == 0 && a->pid != b->pid)
		order = a->pid < b->pid ? -1 : 1;
	return order ? order : (int)a->state - (int)b->state;
}

void ls_ages_take(struct ls_ages *a, struct ls *l, tv_time now)
{
	struct entry *list = malloc((l->count + 1) * sizeof *list);

	if (!list) {
		l->short_of_memory = true;
		return;
	}
	for (size_t i = 0; i < l->count; i++) {
		struct ls_row *r = &l->rows[i];
		struct entry e = {.local = r->local, .remote = r->remote, .state = r->state, .pid = r->pid};
		const struct entry *before =
			a->count ? bsearch(&e, a->list, a->count, sizeof e, compare) : NULL;

		e.since = before ? before->since : now;
		e.exact = before ? before->exact : a->begun;
		list[i] = e;
		r->age_known = true;
		r->age_exact = e.exact;
		r->age = now - e.since;
	}
	if (l->count)
		qsort(list, l->count, sizeof *list, compare);
	free(a->list);
	a->list = list;
	a->count = l->count;
	a->begun = true;
}
