/*
 * machine.c - what several verbs need of this machine: cures for missing rights, memory and a secret for a
 * stack, a socket for trivet ls.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "cli/common.h"
#include "posix/clock.h"
#include "posix/cpu.h"

/* ------------------------------------------------------------------------------------------ */
/* Cures                                                                                       */

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
