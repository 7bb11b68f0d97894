/*
 * sysctl settings by name, as far as they mean something to this stack.
 */
#ifndef RUNNER_SYSCTL_H
#define RUNNER_SYSCTL_H

#include <trivet/trivet.h>

/*
 * Applies `name` (with dots, without "net.ipv4.") = `value` to a configuration.  True if that is
 * what will happen; false if the setting has no counterpart or its value asks for something else
 * than what the stack does.
 */
bool sysctl_apply(struct tv_config *config, const char *name, const char *value);

#endif
