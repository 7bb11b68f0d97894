/*
 * sysctl settings by name, as far as they mean something to this stack.
 */
#ifndef RUNNER_SYSCTL_H
#define RUNNER_SYSCTL_H

#include "setup.h"

/*
 * Applies `name` (with dots, without "net.ipv4.") = `value` to what the script asks for.  True if that is
 * what will happen; false if the setting has no counterpart or its value asks for something else
 * than what the stack does.
 */
bool sysctl_apply(struct setup *setup, const char *name, const char *value);

#endif
