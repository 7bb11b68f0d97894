/*
 * ICMP and ICMPv6 by name: see icmp.h.  RFC 792, 1122, 1812, 4443.
 */
#include "icmp.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

struct entry {
	const char *type;
	const char *code; /* NULL: the type alone */
	struct icmp_name value;
};

static const struct entry v4_names[] = {
	{"echo_reply", NULL, {0, 0}},
	{"unreachable", NULL, {3, 0}},
	{"unreachable", "net_unreachable", {3, 0}},
	{"unreachable", "host_unreachable", {3, 1}},
	{"unreachable", "protocol_unreachable", {3, 2}},
	{"unreachable", "port_unreachable", {3, 3}},
	{"unreachable", "frag_needed", {3, 4}},
	{"unreachable", "source_route_failed", {3, 5}},
	{"unreachable", "net_unknown", {3, 6}},
	{"unreachable", "host_unknown", {3, 7}},
	{"unreachable", "source_host_isolated", {3, 8}},
	{"unreachable", "net_prohibited", {3, 9}},
	{"unreachable", "host_prohibited", {3, 10}},
	{"unreachable", "net_unreachable_for_tos", {3, 11}},
	{"unreachable", "host_unreachable_for_tos", {3, 12}},
	{"unreachable", "packet_filtered", {3, 13}},
	{"unreachable", "precedence_violation", {3, 14}},
	{"unreachable", "precedence_cutoff", {3, 15}},
	{"source_quench", NULL, {4, 0}},
	{"redirect", NULL, {5, 0}},
	{"echo_request", NULL, {8, 0}},
	{"time_exceeded", NULL, {11, 0}},
	{"time_exceeded", "exceeded_ttl", {11, 0}},
	{"time_exceeded", "exceeded_frag_time", {11, 1}},
	{"parameter_problem", NULL, {12, 0}},
	{"timestamp_request", NULL, {13, 0}},
	{"timestamp_reply", NULL, {14, 0}},
	{"information_request", NULL, {15, 0}},
	{"information_reply", NULL, {16, 0}},
	{"address_mask_request", NULL, {17, 0}},
	{"address_mask_reply", NULL, {18, 0}},
	{NULL, NULL, {0, 0}},
};

static const struct entry v6_names[] = {
	{"unreachable", NULL, {1, 0}},
	{"unreachable", "no_route", {1, 0}},
	{"unreachable", "admin_prohibited", {1, 1}},
	{"unreachable", "not_neighbour", {1, 2}},
	{"unreachable", "address_unreachable", {1, 3}},
	{"unreachable", "port_unreachable", {1, 4}},
	{"packet_too_big", NULL, {2, 0}},
	{"time_exceeded", NULL, {3, 0}},
	{"time_exceeded", "exceeded_hop_limit", {3, 0}},
	{"time_exceeded", "exceeded_frag_time", {3, 1}},
	{"parameter_problem", NULL, {4, 0}},
	{"parameter_problem", "header_field", {4, 0}},
	{"parameter_problem", "unknown_next_header", {4, 1}},
	{"parameter_problem", "unknown_option", {4, 2}},
	{"echo_request", NULL, {128, 0}},
	{"echo_reply", NULL, {129, 0}},
	/* IPv4's names for what ICMPv6 says in other words */
	{"unreachable", "net_unreachable", {1, 0}},
	{"unreachable", "host_unreachable", {1, 3}},
	{"unreachable", "protocol_unreachable", {4, 1}},
	{"unreachable", "frag_needed", {2, 0}},
	{"unreachable", "net_prohibited", {1, 1}},
	{"unreachable", "host_prohibited", {1, 1}},
	{"unreachable", "packet_filtered", {1, 1}},
	{"time_exceeded", "exceeded_ttl", {3, 0}},
	{NULL, NULL, {0, 0}},
};

static bool numeric(const char *text, const char *prefix, uint8_t *out)
{
	size_t n = strlen(prefix);
	unsigned value;
	char rest;

	if (strncmp(text, prefix, n) != 0 || sscanf(text + n, "%u%c", &value, &rest) != 1 ||
	    value > 255)
		return false;
	*out = (uint8_t)value;
	return true;
}

bool icmp_by_name(const char *type, const char *code, bool v6, struct icmp_name *out,
                  struct fail *f)
{
	uint8_t code_number = 0;
	bool by_number = code != NULL && numeric(code, "code_", &code_number);

	if (numeric(type, "type_", &out->type) && (code == NULL || by_number)) {
		out->code = code_number;
		return true;
	}
	for (const struct entry *e = v6 ? v6_names : v4_names; e->type != NULL; e++) {
		if (strcmp(e->type, type) != 0)
			continue;
		bool same = code == NULL || by_number
			? e->code == NULL : e->code != NULL && strcmp(e->code, code) == 0;
		if (!same)
			continue;
		*out = e->value;
		if (by_number)
			out->code = code_number;
		return true;
	}
	return fail_with(f, "ICMP%s has no message %s %s", v6 ? "v6" : "", type,
	            code != NULL ? code : "");
}

const char *icmp_type_name(uint8_t type, bool v6)
{
	for (const struct entry *e = v6 ? v6_names : v4_names; e->type != NULL; e++)
		if (e->value.type == type)
			return e->type;
	return "type_unknown";
}
