/*
 * verbs.c - the verbs that need Linux, where there is none: each says so. `make portable` links this instead of
 * their files.
 */
#include <stdio.h>

#include "cli/demo.h"
#include "cli/verb.h"

static int needs_linux(const char *verb)
{
	fprintf(stderr,
		"trivet %s: this verb needs Linux; here are explain, ladder and demo --sim, which read what was captured "
		"elsewhere\n", verb);
	return EXIT_RIGHTS;
}

#define NEEDS_LINUX(verb)                                                                           \
	int verb_##verb(int argc, char **argv);                                                     \
	int verb_##verb(int argc, char **argv)                                                      \
	{                                                                                           \
		(void)argc;                                                                         \
		return needs_linux(argv[0]);                                                        \
	}
NEEDS_LINUX(serve)
NEEDS_LINUX(connect)
NEEDS_LINUX(ls)
NEEDS_LINUX(check)
NEEDS_LINUX(scan)
NEEDS_LINUX(watch)

/* There is no kernel to talk to: the simulation is shown. */
int demo_live(struct demo *demo)
{
	(void)demo;
	return -1;
}
