/*
 * Memory that lives as long as one script.
 *
 * A script is read once, run once or twice, and forgotten: nothing in its event list is freed
 * alone.  So everything the reader makes is taken from an arena, which is a list of blocks that
 * are given back together.  Memory is handed out zeroed and aligned for any object.  When the
 * machine has no memory left, the runner ends: there is nothing sensible it could report.
 */
#ifndef RUNNER_ARENA_H
#define RUNNER_ARENA_H

#include <stddef.h>

struct arena_block;

struct arena {
	struct arena_block *blocks;
};

/* Returns `size` zeroed bytes that stay valid until arena_free. */
void *arena_take(struct arena *arena, size_t size);

/* Returns a copy of `length` bytes at `text`, with a terminating zero. */
char *arena_text(struct arena *arena, const char *text, size_t length);

/* Gives everything back; the arena is empty and usable again. */
void arena_free(struct arena *arena);

#endif
