/*
 * common.c - what several verbs need.
 */
#include "cli/common.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>

#include "cli/address.h"
#include "posix/clock.h"
#include "posix/cpu.h"

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

static void print_commands(char *commands)
{
	char *line, *save;

	for (line = strtok_r(commands, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		fprintf(stderr, "  %s\n", line);
}

int complain_cure(const struct common *common, const struct host_obstacle *obstacle,
	const struct host_wish *wish, const struct host_facts *facts, const char *then)
{
	struct host_obstacle device = {.step = HOST_STEP_TUN_ATTACH, .err = EPERM};
	struct host_cure cure, more;
	char text[640];

	host_rights(obstacle, facts, wish, &cure);
	snprintf(text, sizeof text, "trivet %s: %s.%s%s", common->verb, cure.why, then ? " " : "",
		then ? then : "");
	fflush(stdout);
	print_wrapped(stderr, text);
	if (cure.commands[0])
		fputs("To cure it, type:\n", stderr);
	print_commands(cure.commands);
	/* Who may not open the node may not make a device either. */
	if (wish && obstacle->step == HOST_STEP_TUN_NODE && !facts->root) {
		host_rights(&device, facts, wish, &more);
		print_commands(more.commands);
	}
	if (cure.try_root && !then)
		fprintf(stderr, "Or as root: sudo trivet %s ...\n", common->verb);
	return EXIT_RIGHTS;
}

enum host_step fault_step(const struct link_fault *fault)
{
	switch (fault->step) {
	case LINK_STEP_NODE: return HOST_STEP_TUN_NODE;
	case LINK_STEP_ATTACH: return HOST_STEP_TUN_ATTACH;
	case LINK_STEP_SOCKET: return HOST_STEP_PACKET;
	case LINK_STEP_NONE:
	case LINK_STEP_MEMORY:
	case LINK_STEP_OFFLOAD:
	case LINK_STEP_INTERFACE:
	case LINK_STEP_FILE: return HOST_STEP_NONE;
	}
	return HOST_STEP_NONE;
}

int complain_fault(const struct common *common, const struct link_fault *fault,
	const struct host_wish *wish)
{
	struct host_obstacle obstacle = {.step = fault_step(fault), .err = fault->err};
	struct host_facts facts;

	host_facts(&facts);
	if (obstacle.step != HOST_STEP_NONE && fault->err)
		return complain_cure(common, &obstacle, wish, &facts, NULL);
	complain(common, "%s", fault->text);
	return EXIT_FAILED;
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

struct tv_stack *stack_make(const struct common *common, struct tv_config *config, tv_time now)
{
	struct tv_stack *stack = NULL;
	size_t bytes;
	void *region;
	int error;

	if (!random_secret(config->secret)) {
		complain(common, "no random numbers from the kernel: no secret, no stack");
		return NULL;
	}
	config->arch = cpu_arch();
	bytes = tv_stack_size(config);
	region = bytes ? mmap(NULL, bytes, PROT_READ | PROT_WRITE,
				 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0) :
			 MAP_FAILED;
	if (region == MAP_FAILED) {
		complain(common, "no memory for a stack (%zu bytes)", bytes);
		return NULL;
	}
	error = tv_stack_init(region, bytes, config, now, &stack);
	if (error) {
		complain(common, "the stack refused to start: %s", tv_error_text(error));
		munmap(region, bytes);
		return NULL;
	}
	return stack;
}

struct control *control_offer(const struct common *common, struct run *run, struct tv_stack *stack)
{
	char why[CONTROL_WHY];
	struct control *c = control_open(stack, common->verb, why);

	if (c && control_watch(c, run))
		return c;
	if (!common->quiet)
		complain(common, "trivet ls will not show this stack: %s", c ? "out of memory" : why);
	control_close(c);
	return NULL;
}

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
