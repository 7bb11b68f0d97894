/*
 * fastopen.h - files of Fast Open: the keys of `trivet serve`, the cookies of `trivet connect`.
 */
#ifndef TRIVET_CLI_FASTOPEN_H
#define TRIVET_CLI_FASTOPEN_H

#include "cli/common.h"

/* Reads the keys that a file holds and gives them to the stack. 0; else what is wrong was said: EXIT_USAGE (it holds no
 * key), EXIT_RIGHTS (it cannot be read). Warns when others may read the file. */
int fastopen_read_keys(const struct common *common, const char *path, struct tv_stack *stack, tv_time now);

/* The cookies that a client keeps between runs. */
struct fastopen_cache {
	const char *path;      /* NULL: none are kept */
	bool whole;            /* was understood, or not there: may be written */
};

/* Reads the file into the stack. A file that is not understood is named, and left as it is by both calls. */
void fastopen_load(const struct common *common, struct fastopen_cache *cache, struct tv_stack *stack, tv_time now);
/* Writes what the stack remembers now, in one step. False: it could not, which was said. */
bool fastopen_save(const struct common *common, const struct fastopen_cache *cache, const struct tv_stack *stack);

#endif
