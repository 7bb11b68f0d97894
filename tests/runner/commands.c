/*
 * Shell commands of a script.  Nothing is executed: a command is cut into words as a shell would
 * (quotes, backslash at the end of a line, comments, redirections dropped), and its first word says
 * who understands it.
 *
 *     sysctl -q net.ipv4.tcp_sack=0      ../common/set_sysctls.py /proc/sys/net/ipv4/tcp_sack=0
 *     ip link set dev tun0 mtu 1400      ./defaults.sh
 *
 * The scripts defaults.sh that accompany the language's public tests bring a machine into a known
 * state.  Their settings are listed here as if they stood in the script.
 */
#include "commands.h"

#include "sysctl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORDS_MAX 64
#define WORD_BYTES 160

struct words {
	char text[WORDS_MAX][WORD_BYTES];
	int count;
	bool overflow;
};

/* What defaults.sh sets, as far as it is not what every stack does.  Linux doubles and halves. */
static const char *const defaults_sh[] = {
	"tcp_rmem=4096 540000 15728640", "tcp_wmem=4096 262144 4194304", "tcp_timestamps=1",
	"tcp_syn_retries=5", "tcp_synack_retries=5", "tcp_sack=1", "tcp_dsack=1", "tcp_fack=0",
	"tcp_reordering=3", "tcp_ecn=0", "tcp_notsent_lowat=4294967295",
	"tcp_fastopen=0x70403", "tcp_fastopen_key=a1a1a1a1-b2b2b2b2-c3c3c3c3-d4d4d4d4", NULL};

#define DEFAULTS_NOT_HONOURED                                                                      \
	"tcp_congestion_control=cubic tcp_early_retrans=4 tcp_recovery=1 tcp_frto=2 "              \
	"tcp_slow_start_after_idle=0 (of defaults.sh)"

static void note_words(struct command_sink *sink, const struct words *w)
{
	char text[600];
	size_t used = 0;

	for (int i = 0; i < w->count; i++) {
		int n = snprintf(text + used, sizeof(text) - used, "%s%s", i > 0 ? " " : "",
		                 w->text[i]);
		used += (size_t)n;
		if (used >= sizeof(text) - 1)
			break;
	}
	sink->note(sink->setup, sink->line, text);
}

/* net.ipv4.tcp_sack=0, /proc/sys/net/ipv4/tcp_sack=0, net/ipv4/tcp_sack = 0 */
static void take_setting(struct command_sink *sink, const char *setting)
{
	static const char *const prefixes[] = {"/proc/sys/", "net/ipv4/", "net.ipv4.", NULL};
	const char *name = setting;
	char copy[WORD_BYTES];

	for (int i = 0; prefixes[i] != NULL; i++)
		if (strncmp(name, prefixes[i], strlen(prefixes[i])) == 0)
			name += strlen(prefixes[i]);
	snprintf(copy, sizeof(copy), "%s", name);
	char *value = strchr(copy, '=');
	if (value != NULL) {
		*value++ = '\0';
		if (!sink->running && sysctl_apply(sink->setup, copy, value))
			return;
	}
	sink->note(sink->setup, sink->line, setting);
}

static void take_settings(struct command_sink *sink, const struct words *w)
{
	for (int i = 1; i < w->count; i++)
		if (w->text[i][0] != '-')
			take_setting(sink, w->text[i]);
}

static void take_defaults(struct command_sink *sink)
{
	for (int i = 0; defaults_sh[i] != NULL; i++)
		take_setting(sink, defaults_sh[i]);
	sink->note(sink->setup, sink->line, DEFAULTS_NOT_HONOURED);
}

static bool word_is(const struct words *w, int i, const char *text)
{
	return i < w->count && strcmp(w->text[i], text) == 0;
}

/* ip link set [dev] NAME mtu N */
static bool take_ip_link(struct command_sink *sink, const struct words *w)
{
	if (!word_is(w, 1, "link") || !word_is(w, 2, "set"))
		return false;
	int i = word_is(w, 3, "dev") ? 5 : 4;
	if (!word_is(w, i, "mtu") || i + 2 != w->count)
		return false;
	unsigned long mtu = strtoul(w->text[i + 1], NULL, 10);
	if (mtu < 576 || mtu > 65535)
		return false;
	sink->setup->mtu = (uint32_t)mtu;
	return true;
}

static bool take_ip(struct command_sink *sink, const struct words *w)
{
	if (word_is(w, 1, "tcp_metrics") && word_is(w, 2, "flush")) {
		sink->setup->flush_paths = true;
		return true;
	}
	return take_ip_link(sink, w);
}

/* No pacing and no segmentation by the device is what the runner's link does anyway. */
static bool asks_for_nothing(const struct words *w)
{
	const char *last = w->text[w->count - 1];

	if (word_is(w, 0, "tc") && word_is(w, 1, "qdisc") && strcmp(last, "pfifo") == 0)
		return true;
	if (word_is(w, 0, "ethtool") && word_is(w, 1, "-K") && strstr(last, "off") != NULL)
		return true;
	return strstr(w->text[0], "/sysctl_restore_") != NULL || word_is(w, 0, "true") ||
	       word_is(w, 0, ":");
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash == NULL ? path : slash + 1;
}

static void take_command(struct command_sink *sink, const struct words *w)
{
	const char *name = base_name(w->text[0]);

	if (w->overflow)
		note_words(sink, w);
	else if (strcmp(name, "sysctl") == 0 || strcmp(name, "set_sysctls.py") == 0)
		take_settings(sink, w);
	else if (strcmp(name, "defaults.sh") == 0 && w->count == 1)
		take_defaults(sink);
	else if (strcmp(name, "ip") == 0 && take_ip(sink, w))
		return;
	else if (!asks_for_nothing(w))
		note_words(sink, w);
}

/* ------------------------------------------------------------------------- words -------- */

static void add_byte(struct words *w, size_t *used, char b)
{
	if (w->count >= WORDS_MAX || *used >= WORD_BYTES - 1)
		w->overflow = true;
	else
		w->text[w->count][(*used)++] = b;
}

static bool ends_command(const char *at)
{
	return *at == '\0' || *at == '\n' || *at == ';' || strncmp(at, "&&", 2) == 0 ||
	       strncmp(at, "||", 2) == 0;
}

/* >/dev/null, 2>&1, &>file: how long it is, 0 if none stands here. */
static size_t redirection(const char *at)
{
	size_t n = strspn(at, "0123456789&");

	if (at[n] != '>' || (n > 1))
		return 0;
	n += strspn(at + n, ">");
	n += strspn(at + n, " \t");
	return n + strcspn(at + n, " \t\n;");
}

/* Reads one word at *at into the list; quotes may stand in its middle. */
static const char *take_word(struct words *w, const char *at)
{
	size_t used = 0;
	char quote = '\0';

	for (; *at != '\0'; at++) {
		if (quote == '\0' && (ends_command(at) || *at == ' ' || *at == '\t'))
			break;
		if (*at == '\\' && at[1] == '\n') {
			at++;
			if (quote == '\0')
				break;
		} else if (*at == quote) {
			quote = '\0';
		} else if (quote == '\0' && (*at == '"' || *at == '\'')) {
			quote = *at;
		} else {
			add_byte(w, &used, *at);
		}
	}
	if (w->count < WORDS_MAX)
		w->text[w->count++][used] = '\0';
	return *at == '\n' && at[-1] == '\\' ? at + 1 : at;
}

void commands_take(struct command_sink *sink, const char *text)
{
	struct words *w = arena_take(sink->setup->arena, sizeof(*w));
	const char *at = text;

	while (*at != '\0') {
		memset(w, 0, sizeof(*w));
		while (!ends_command(at)) {
			if (*at == ' ' || *at == '\t' || *at == '\r')
				at++;
			else if (*at == '\\' && at[1] == '\n')
				at += 2;
			else if (*at == '#')
				at += strcspn(at, "\n");
			else if (redirection(at) > 0)
				at += redirection(at);
			else
				at = take_word(w, at);
		}
		if (w->count > 0)
			take_command(sink, w);
		while (*at != '\0' && strchr("\n;&|", *at) != NULL)
			at++;
	}
}
