/*
 * Shell commands of a script, taken apart into words and understood one by one (see setup.h).
 */
#ifndef RUNNER_COMMANDS_H
#define RUNNER_COMMANDS_H

#include "setup.h"

struct command_sink {
	struct setup *setup;
	int line;
	bool running; /* the stack exists: what is fixed when it is made can no longer change */
	void (*note)(struct setup *setup, int line, const char *text);
};

/* Takes every command of `text`; what cannot be honoured is given to `note`. */
void commands_take(struct command_sink *sink, const char *text);

#endif
