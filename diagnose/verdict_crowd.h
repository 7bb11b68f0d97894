/*
 * verdict_crowd.h - connections in groups, for the rules that look at all of them.
 */
#ifndef TRIVET_DIAGNOSE_VERDICT_CROWD_H
#define TRIVET_DIAGNOSE_VERDICT_CROWD_H

#include "diagnose/verdict.h"

enum crowd_key { BY_SERVER_PORT, BY_CLIENT_AND_SERVER };

/* Places [from, to) of w->order. */
struct group {
	size_t from, to;
};

/* Orders w->order so that groups stand together, and within a group by time. */
void crowd_sort(struct crowd *w, enum crowd_key key);
/* The next group; begin with {0, 0}. */
bool crowd_group(const struct crowd *w, enum crowd_key key, struct group *g);

static inline struct conn *crowd_at(const struct crowd *w, size_t place)
{
	return w->conns[w->order[place].conn];
}

static inline enum word crowd_word(const struct crowd *w, size_t place)
{
	return (enum word)w->words[w->order[place].conn];
}

static inline bool crowd_taken(const struct crowd *w, size_t place)
{
	return w->taken[w->order[place].conn];
}

static inline void crowd_take(struct crowd *w, size_t place)
{
	w->taken[w->order[place].conn] = true;
}

#endif
