/*
 * common.c - what several verbs need, on any system; what asks this machine is in machine.c.
 */
#include "cli/common.h"

#include <stdarg.h>
#include <string.h>

/* ------------------------------------------------------------------------------------------ */
/* Messages                                                                                    */

void complain(const struct common *common, const char *format, ...)
{
	va_list args;

	fflush(stdout);
	fprintf(stderr, "trivet %s: ", common->verb);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
}

void print_wrapped(FILE *out, const char *text)
{
	size_t column = 0;

	while (*text) {
		size_t n = strcspn(text, " ");

		if (column && column + 1 + n > 80) {
			fputc('\n', out);
			column = 0;
		}
		if (column)
			fputc(' ', out);
		column += n + (column > 0);
		fwrite(text, 1, n, out);
		text += n + (text[n] == ' ');
	}
	fputc('\n', out);
}

/* ------------------------------------------------------------------------------------------ */
/* Text                                                                                        */

const char *escaped(const char *text, size_t len, char *out, size_t room)
{
	static const char hex[] = "0123456789abcdef";
	size_t at = 0;

	for (size_t i = 0; i < len && at + 5 < room; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c >= 32 && c < 127 && c != '\\' && c != '"') {
			out[at++] = (char)c;
			continue;
		}
		out[at++] = '\\';
		if (c == '\\' || c == '"' || c == '\n' || c == '\r' || c == '\t') {
			out[at++] = c == '\n' ? 'n' : c == '\r' ? 'r' : c == '\t' ? 't' : (char)c;
			continue;
		}
		out[at++] = 'x';
		out[at++] = hex[c >> 4];
		out[at++] = hex[c & 15];
	}
	out[at] = 0;
	return out;
}

const char *duration_text(tv_time time, char out[24])
{
	if (time >= 10 * TV_S)
		snprintf(out, 24, "%.0f s", (double)time / (double)TV_S);
	else if (time >= TV_S)
		snprintf(out, 24, "%.1f s", (double)time / (double)TV_S);
	else if (time >= 10 * TV_MS)
		snprintf(out, 24, "%.1f ms", (double)time / (double)TV_MS);
	else
		snprintf(out, 24, "%.3f ms", (double)time / (double)TV_MS);
	return out;
}

const char *counted(uint64_t n, const char *noun, char *out, size_t room)
{
	snprintf(out, room, "%llu %s%s", (unsigned long long)n, noun, n == 1 ? "" : "s");
	return out;
}

const char *bytes_text(uint64_t bytes, char out[24])
{
	static const char *const units[] = {"kB", "MB", "GB", "TB"};
	double n = (double)bytes / 1000;
	unsigned unit = 0;

	if (bytes < 1000)
		return counted(bytes, "byte", out, 24);
	for (; n >= 1000 && unit < 3; unit++)
		n /= 1000;
	snprintf(out, 24, "%.1f %s", n, units[unit]);
	return out;
}

/* ------------------------------------------------------------------------------------------ */
/* Stacks                                                                                      */

static bool same(const struct tv_endpoint *a, const struct tv_endpoint *b)
{
	return a->port == b->port && memcmp(&a->addr, &b->addr, sizeof a->addr) == 0;
}

enum tv_state stack_state(const struct tv_stack *stack, const struct tv_endpoint *local,
	const struct tv_endpoint *remote)
{
	struct tv_info info = {.size = sizeof info};
	enum tv_state state = TV_CLOSED;
	uint64_t cursor = 0;
	tv_handle handle;

	while (tv_next(stack, &cursor, &handle, &info)) {
		if (same(&info.local, local) && same(&info.remote, remote) && info.state != TV_CLOSED)
			return info.state;
		if (info.state == TV_LISTEN && info.local.port == local->port)
			state = TV_LISTEN;
	}
	return state;
}

/* ------------------------------------------------------------------------------------------ */
/* Capture files                                                                               */

bool dump_open(const struct common *common, enum tv_link_kind kind, unsigned flags, struct tap **tap)
{
	struct link_fault fault;

	*tap = NULL;
	if (!common->capture)
		return true;
	*tap = tap_open(common->capture, kind, flags, &fault);
	if (!*tap)
		complain(common, "%s", fault.text);
	return *tap;
}

bool dump_close(const struct common *common, struct tap *tap)
{
	struct link_fault fault;

	if (tap_close(tap, &fault))
		return true;
	complain(common, "%s", fault.text);
	return false;
}
