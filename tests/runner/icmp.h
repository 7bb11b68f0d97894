/*
 * ICMP and ICMPv6 by the names that scripts use.
 */
#ifndef RUNNER_ICMP_H
#define RUNNER_ICMP_H

#include "fail.h"

#include <stdint.h>

struct icmp_name {
	uint8_t type;
	uint8_t code;
};

/*
 * The type and code of `type` and `code` (may be NULL) for one IP version; type_N and code_N stand
 * for themselves.  A name of IPv4 is translated for IPv6 to the message that says the same
 * (frag_needed: packet_too_big), so that one script serves both.
 */
bool icmp_by_name(const char *type, const char *code, bool v6, struct icmp_name *out,
                  struct fail *f);

/* The names of a type and a code, for messages; never NULL. */
const char *icmp_type_name(uint8_t type, bool v6);

#endif
