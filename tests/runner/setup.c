/*
 * Options and set-up of a script: see setup.h.  The shell commands are in commands.c.
 */
#include "setup.h"

#include "commands.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_PORT 8080
#define V6_EXTRA 20 /* the IPv6 header is so much longer: with it the MSS is the same */

static void note(struct setup *setup, int line, const char *text)
{
	struct setup_note *n = arena_take(setup->arena, sizeof(*n));

	n->line = line;
	n->text = arena_text(setup->arena, text, strlen(text));
	*setup->notes_tail = n;
	setup->notes_tail = &n->next;
}

static bool parse_address(const char *text, struct tv_addr *out)
{
	struct in_addr v4;
	struct in6_addr v6;
	char copy[64];

	/* Some options carry a prefix length, which has no meaning here. */
	snprintf(copy, sizeof(copy), "%.*s", (int)strcspn(text, "/"), text);
	memset(out, 0, sizeof(*out));
	if (inet_pton(AF_INET, copy, &v4) == 1) {
		out->b[10] = out->b[11] = 0xff;
		memcpy(out->b + 12, &v4, 4);
		return true;
	}
	if (inet_pton(AF_INET6, copy, &v6) != 1)
		return false;
	memcpy(out->b, &v6, 16);
	return true;
}

static bool is_v6(const char *text)
{
	return strchr(text, ':') != NULL;
}

static const char *last_option(const struct script *script, const char *name)
{
	const char *value = NULL;

	for (const struct script_option *o = script->options; o != NULL; o = o->next)
		if (strcmp(o->name, name) == 0)
			value = o->value != NULL ? o->value : "";
	return value;
}

unsigned setup_versions(const struct script *script, struct fail *f)
{
	const char *text = last_option(script, "ip_version");
	const char *local = last_option(script, "local_ip");
	const char *remote = last_option(script, "remote_ip");

	if (text == NULL) {
		/* Addresses of one family speak for that family. */
		const char *address = local != NULL ? local : remote;
		if (address != NULL)
			return 1u << (is_v6(address) ? VERSION_IPV6 : VERSION_IPV4);
		return 1u << VERSION_IPV4 | 1u << VERSION_IPV6;
	}
	if (strcmp(text, "ipv4") == 0)
		return 1u << VERSION_IPV4;
	if (strcmp(text, "ipv6") == 0)
		return 1u << VERSION_IPV6;
	if (strcmp(text, "ipv4-mapped-ipv6") == 0)
		return 1u << VERSION_MAPPED;
	fail_with(f, "--ip_version is `%s', not ipv4, ipv6 or ipv4-mapped-ipv6", text);
	return 0;
}

static bool number(const struct script_option *o, unsigned long low, unsigned long high,
                   unsigned long *out, struct fail *f)
{
	char *end = NULL;

	*out = o->value == NULL ? 0 : strtoul(o->value, &end, 10);
	if (end == NULL || end == o->value || *end != '\0' || *out < low || *out > high)
		return fail_with(f, "--%s needs a number in %lu to %lu", o->name, low, high);
	return true;
}

static bool address_option(const struct script_option *o, struct tv_addr *out, struct fail *f)
{
	if (o->value == NULL || !parse_address(o->value, out))
		return fail_with(f, "--%s needs an address", o->name);
	return true;
}

/* Options about how the language's own tool reaches a kernel, and tcp_ts_ecr_scaled, which here always
 * holds: an echoed timestamp need not be one that was seen. */
static bool concerns_the_tool(const char *name)
{
	static const char *const names[] = {
		"ip_version", "define", "verbose", "debug", "dry_run", "gateway_ip", "netmask_ip",
		"speed", "code_command", "code_format", "init_scripts", "non_fatal",
		"send_omit_free", "tcp_ts_ecr_scaled", NULL};

	for (int i = 0; names[i] != NULL; i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

static bool take_number(struct setup *setup, const struct script_option *o, struct fail *f,
                        bool *taken)
{
	unsigned long n = 0;

	*taken = true;
	if (strcmp(o->name, "bind_port") == 0 || strcmp(o->name, "connect_port") == 0) {
		if (!number(o, 1, 65535, &n, f))
			return false;
		if (o->name[0] == 'b')
			setup->bind_port = (uint16_t)n;
		else
			setup->connect_port = (uint16_t)n;
	} else if (strcmp(o->name, "mtu") == 0) {
		if (!number(o, 576, 65535 - V6_EXTRA, &n, f))
			return false;
		setup->mtu = (uint32_t)n;
	} else if (strcmp(o->name, "tolerance_usecs") == 0) {
		if (!number(o, 0, 3600000000ul, &n, f))
			return false;
		setup->tolerance_ns = (int64_t)n * 1000;
	} else if (strcmp(o->name, "tolerance_percent") == 0) {
		if (!number(o, 0, 100, &n, f))
			return false;
		setup->tolerance_permille = (unsigned)n * 10;
	} else if (strcmp(o->name, "tcp_ts_tick_usecs") == 0) {
		if (!number(o, 0, 1000000, &n, f))
			return false;
		setup->ts_tick_us = (uint32_t)n;
	} else {
		*taken = false;
	}
	return true;
}

static bool take_option(struct setup *setup, const struct script_option *o, struct fail *f)
{
	bool taken;

	if (!take_number(setup, o, f, &taken))
		return false;
	if (taken || concerns_the_tool(o->name))
		return true;
	if (strcmp(o->name, "local_ip") == 0)
		return address_option(o, &setup->local, f);
	if (strcmp(o->name, "remote_ip") == 0)
		return address_option(o, &setup->remote, f);
	if (strcmp(o->name, "strict_segments") == 0) {
		setup->strict_segments = true;
		return true;
	}
	char text[200];
	snprintf(text, sizeof(text), "--%s%s%s", o->name, o->value != NULL ? "=" : "",
	         o->value != NULL ? o->value : "");
	note(setup, o->line, text);
	return true;
}

static void set_defaults(struct setup *setup)
{
	bool v6 = setup->version == VERSION_IPV6;

	parse_address(v6 ? "fd3d:a0b:17d6::1" : "192.168.0.1", &setup->local);
	parse_address(v6 ? "fd3d:fa7b:d17d::1" : "192.0.2.1", &setup->remote);
	setup->bind_port = DEFAULT_PORT;
	setup->connect_port = DEFAULT_PORT;
	setup->mtu = 1500;
	setup->tolerance_ns = 4000000;
	for (unsigned i = 0; i < sizeof(setup->config.secret); i++)
		setup->config.secret[i] = (uint8_t)(i + 1);
	/* Small limits: a script has a handful of connections. */
	setup->config.connections = 64;
	setup->config.half_opens = 256;
	setup->config.time_waits = 64;
	setup->config.side_records = 64;
	setup->config.listeners = 16;
}

static bool same_family(const struct setup *setup)
{
	static const uint8_t prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
	bool local_v4 = memcmp(setup->local.b, prefix, 12) == 0;
	bool remote_v4 = memcmp(setup->remote.b, prefix, 12) == 0;

	return local_v4 == remote_v4 && local_v4 == (setup->version != VERSION_IPV6);
}

bool setup_start(struct setup *setup, struct script *script, enum ip_version version,
                 const struct tv_config *defaults, struct fail *f)
{
	memset(setup, 0, sizeof(*setup));
	setup->version = version;
	setup->arena = &script->arena;
	setup->notes_tail = &setup->notes;
	setup->config = *defaults;
	set_defaults(setup);
	for (const struct script_option *o = script->options; o != NULL; o = o->next)
		if (!take_option(setup, o, f))
			return false;
	if (!same_family(setup))
		return fail_with(f, "local and remote address are not of the IP version of this run");
	if (version == VERSION_IPV6 && last_option(script, "ip_version") == NULL)
		setup->mtu += V6_EXTRA;
	if (script->init_command != NULL)
		setup_command(setup, script->init_command, script->init_line, false);
	return true;
}

bool setup_command(struct setup *setup, const char *text, int line, bool running)
{
	struct command_sink sink = {.setup = setup, .line = line, .running = running, .note = note};
	uint32_t mtu = setup->mtu;

	setup->flush_paths = false;
	commands_take(&sink, text);
	return setup->mtu != mtu || setup->flush_paths;
}
