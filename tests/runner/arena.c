/*
 * Memory that lives as long as one script: see arena.h.  A request larger than a block gets a
 * block of its own.
 */
#include "arena.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_BYTES 65536u
#define ALIGNMENT 16u

struct arena_block {
	struct arena_block *next;
	size_t used;
	size_t size;
	/* The bytes follow, after the header is rounded up to ALIGNMENT. */
};

static size_t round_up(size_t n)
{
	return (n + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

static struct arena_block *block_new(size_t size)
{
	struct arena_block *block = calloc(1, round_up(sizeof(*block)) + size);

	if (block == NULL) {
		fprintf(stderr, "trivet-script: out of memory\n");
		exit(3);
	}
	block->size = size;
	return block;
}

void *arena_take(struct arena *arena, size_t size)
{
	struct arena_block *block = arena->blocks;
	size_t need = round_up(size == 0 ? 1 : size);

	if (block == NULL || block->size - block->used < need) {
		block = block_new(need > BLOCK_BYTES ? need : BLOCK_BYTES);
		block->next = arena->blocks;
		arena->blocks = block;
	}
	void *bytes = (char *)block + round_up(sizeof(*block)) + block->used;
	block->used += need;
	return bytes;
}

char *arena_text(struct arena *arena, const char *text, size_t length)
{
	char *copy = arena_take(arena, length + 1);

	memcpy(copy, text, length);
	return copy;
}

void arena_free(struct arena *arena)
{
	while (arena->blocks != NULL) {
		struct arena_block *next = arena->blocks->next;

		free(arena->blocks);
		arena->blocks = next;
	}
}
