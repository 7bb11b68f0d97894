/*
 * What a script asks for before it begins: options and shell commands, and what we make of them.
 *
 * A script of the language prepares a Linux machine with sysctl, ip, tc and friends.  Nothing of
 * that is run here.  A setting that has a counterpart in struct tv_config, or that asks for what
 * the stack does anyway, is honoured; every other one is written down, and the runner prints it:
 * "not honoured: net.ipv4.tcp_recovery=1".  Nothing is ignored in silence.
 */
#ifndef RUNNER_SETUP_H
#define RUNNER_SETUP_H

#include "fail.h"
#include "script.h"

#include "posix/sockets.h"

enum ip_version { VERSION_IPV4, VERSION_IPV6, VERSION_MAPPED };

/* A setting that could not be honoured. */
struct setup_note {
	struct setup_note *next;
	int line;
	const char *text;
};

struct setup {
	enum ip_version version;
	struct arena *arena;
	struct tv_config config;
	struct tv_addr local;
	struct tv_addr remote;
	uint16_t bind_port;
	uint16_t connect_port;
	uint32_t mtu;
	bool flush_paths;            /* by the last command: what is remembered of destinations, Fast Open cookies */
	int64_t tolerance_ns;
	unsigned tolerance_permille; /* of the time since the previous event; 0 unless asked for */
	bool strict_segments;        /* a packet of the script is exactly one packet */
	unsigned fastopen;           /* net.ipv4.tcp_fastopen: SOCKETS_FASTOPEN_ */
	uint8_t fastopen_keys[2 * SOCKETS_FASTOPEN_KEY];
	unsigned fastopen_key_count; /* 0: made of the secret */
	uint32_t ts_tick_us;         /* check outbound timestamps in ticks of so long; 0: do not */
	struct setup_note *notes;
	struct setup_note **notes_tail;
};

/* Which versions a script runs for: bit n is enum ip_version n. */
unsigned setup_versions(const struct script *script, struct fail *f);

/* Fills in what the options and the set-up command of the script say, for one version, starting from
 * a configuration with the stack's own defaults. */
bool setup_start(struct setup *setup, struct script *script, enum ip_version version,
                 const struct tv_config *defaults, struct fail *f);

/* Commands of the shell. True if one that is met while the script runs means something to the stack: mtu has changed,
 * or flush_paths is set. */
bool setup_command(struct setup *setup, const char *text, int line, bool running);

#endif
