/*
 * demo_live.c - sets the live stage, and moves packets on it.
 *
 * A child process enters a private network namespace (with a user namespace around it, if we are not
 * root), makes a TUN device there, or where that may not be opened a veth pair with AF_PACKET on one
 * end, and gives the kernel's end an address. Nothing outside the namespace changes, and nothing is
 * left when the child has ended.
 *
 * What stands in the way is found by doing it. It is said with its cure, and demo_live() returns -1
 * so that the simulation can take over.
 *
 * The loop here is not posix/run.h: it moves one packet at a time and asks both ends for their state
 * after each, which is what a ladder shows and what nobody else wants.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>

#include "cli/address.h"
#include "cli/demo_stage.h"
#include "posix/clock.h"

enum { FALL_BACK = 100 };

#define DEVICE "trivet0"
#define PEER "trivet1"
#define PREFIX 24
#define PATIENCE (5 * TV_S)

/* ------------------------------------------------------------------------------------------ */
/* Packets                                                                                     */

enum tv_state stage_trivet_state(const struct stage *stage)
{
	return stack_state(stage->stack, &stage->trivet, &stage->kernel);
}

enum tv_state stage_kernel_state(const struct stage *stage)
{
	struct host_socket_filter filter = {.local = stage->kernel, .remote = stage->trivet};
	struct host_socket found;
	int n = host_sockets(&filter, &found, 1);

	if (n > 0)
		return found.state;
	if (n < 0)
		return LADDER_UNKNOWN;
	memset(&filter.remote, 0, sizeof filter.remote);
	filter.states = 1u << TV_LISTEN;
	return host_sockets(&filter, &found, 1) > 0 ? TV_LISTEN : TV_CLOSED;
}

static uint32_t ip_offset(const struct stage *stage)
{
	return stage->link->config.kind == TV_LINK_ETHERNET ? 14 : 0;
}

static size_t record(struct stage *stage, const struct tv_packet *p, tv_time time, unsigned from,
	enum tv_state state)
{
	uint32_t offset = ip_offset(stage);

	if (!stage->scene || p->len <= offset)
		return LADDER_NONE;
	return scene_packet(stage->scene, time, from, p->data + offset, p->len - offset, state);
}

static void arrived(struct stage *stage, size_t number, enum tv_state state)
{
	if (number != LADDER_NONE)
		scene_arrived(stage->scene, number, state, LADDER_CARRIED);
}

/* Fetches a packet from the kernel, if there is one, and notes when it came. */
static void fetch(struct stage *stage)
{
	int n;

	memset(&stage->next, 0, sizeof stage->next);
	n = link_rx(stage->link, &stage->next, 1);
	stage->has_next = n > 0;
	stage->next_at = clock_now();
	if (n < 0)
		stage->error = n;
}

static bool is_readable(const struct stage *stage)
{
	struct pollfd fd = {.fd = stage->link->fd, .events = POLLIN};

	return poll(&fd, 1, 0) == 1;
}

/*
 * One packet from the kernel; false: there is none. To ask for the kernel's sockets takes longer than
 * to answer a packet: it is done while the packet still waits, so that the times are the packets'.
 */
static bool take_in(struct stage *stage)
{
	size_t number;

	if (!stage->has_next && is_readable(stage)) {
		stage->kernel_state = stage_kernel_state(stage);
		fetch(stage);
	}
	if (!stage->has_next)
		return false;
	stage->has_next = false;
	stage->next.link = (uint16_t)stage->number;
	number = record(stage, &stage->next, stage->next_at, !stage->trivet_end, stage->kernel_state);
	tv_input(stage->stack, clock_now(), &stage->next, 1, NULL);
	arrived(stage, number, stage_trivet_state(stage));
	return true;
}

/*
 * One packet to the kernel; false: the stack has nothing to say. The kernel answers before link_tx()
 * returns: its answer is fetched first, and its state is the one after both.
 */
static bool take_out(struct stage *stage)
{
	uint8_t bytes[2048];
	struct tv_packet p = {.data = bytes, .cap = sizeof bytes};
	size_t number;

	if (tv_output(stage->stack, clock_now(), TV_ANY_LINK, &p, 1) == 0)
		return false;
	number = record(stage, &p, clock_now(), stage->trivet_end, stage_trivet_state(stage));
	stage->error = link_tx(stage->link, &p, 1);
	if (!stage->has_next)
		fetch(stage);
	stage->kernel_state = stage_kernel_state(stage);
	arrived(stage, number, stage->kernel_state);
	return true;
}

void stage_turn(struct stage *stage, tv_time limit)
{
	struct pollfd fd = {.fd = stage->link->fd, .events = POLLIN};
	tv_time now, next;
	struct tv_event event;

	while (tv_event(stage->stack, &event))
		if (event.flags & TV_EV_CLOSED)
			stage->reason = event.reason;
	if (take_in(stage) || stage->error || take_out(stage))
		return;
	now = clock_now();
	next = tv_deadline(stage->stack);
	next = next < limit ? next : limit;
	if (next > now)
		poll(&fd, 1, (int)((next - now + TV_MS - 1) / TV_MS));
}

bool stage_until(struct stage *stage, bool (*done)(void *user), void *user)
{
	tv_time limit = clock_now() + PATIENCE;

	while (!done(user)) {
		if (stage->error || clock_now() >= limit)
			return false;
		/* The kernel's side is asked after a millisecond at most: no packet tells when a user
		 * of it becomes ready. */
		stage_turn(stage, clock_now() + TV_MS);
	}
	/* What has come already belongs before what is done next. */
	if (stage->has_next)
		take_in(stage);
	return true;
}

/* ------------------------------------------------------------------------------------------ */
/* The stage                                                                                   */

static int obstacle(const struct stage *stage, enum host_step step, int err)
{
	struct host_obstacle what = {.step = step, .err = err < 0 ? -err : err};

	complain_cure(&stage->demo->common, &what, NULL, &stage->facts,
		"Going on with two Trivet stacks on a simulated wire (trivet demo --sim).");
	fputc('\n', stderr);
	return FALL_BACK;
}

static int give_address(const struct stage *stage)
{
	int error = host_address_add(DEVICE, &stage->kernel.addr, PREFIX);

	host_link_quiet(DEVICE);
	if (error == 0)
		error = host_link_up(DEVICE, true);
	return error ? obstacle(stage, HOST_STEP_ADDRESS, error) : 0;
}

static int open_veth(struct stage *stage)
{
	struct link_fault fault;
	int error = host_veth_add(DEVICE, PEER, 0);

	if (error)
		return obstacle(stage, HOST_STEP_VETH, error);
	/* Both ends are in one namespace: what arrives at the stack's end must not be routed back. */
	host_sysctl_write("net/ipv4/ip_forward", "0");
	host_link_quiet(PEER);
	error = host_link_up(PEER, true);
	if (error)
		return obstacle(stage, HOST_STEP_VETH, error);
	error = give_address(stage);
	if (error)
		return error;
	stage->link = link_packet_open(PEER, 0, &fault);
	return stage->link ? 0 : obstacle(stage, HOST_STEP_PACKET, fault.err);
}

/* TUN, or where only its node is in the way, a veth pair. */
static int open_link(struct stage *stage)
{
	struct host_cure cure;
	struct host_obstacle what;
	struct link_fault fault;

	stage->link = link_tun_open(DEVICE, 0, &fault);
	if (stage->link)
		return give_address(stage);
	what.step = fault_step(&fault);
	what.err = fault.err;
	if (what.step == HOST_STEP_NONE) {
		complain(&stage->demo->common, "%s", fault.text);
		return FALL_BACK;
	}
	host_rights(&what, &stage->facts, NULL, &cure);
	if (!cure.try_veth)
		return obstacle(stage, what.step, what.err);
	if (!stage->demo->common.quiet) {
		complain_cure(&stage->demo->common, &what, NULL, &stage->facts,
			"Going on with a veth pair and AF_PACKET, which do not need it.");
		fputc('\n', stderr);
	}
	return open_veth(stage);
}

static bool make_stack(struct stage *stage)
{
	struct tv_config config;
	int error;

	tv_config_default(&config);
	config.connections = 16;
	config.half_opens = 16;
	config.time_waits = 16;
	stage->stack = stack_make(&stage->demo->common, &config, clock_now());
	if (!stage->stack)
		return false;
	error = tv_link_add(stage->stack, clock_now(), &stage->link->config);
	stage->number = (unsigned)error;
	if (error >= 0)
		error = tv_address_add(stage->stack, clock_now(), stage->number, &stage->trivet.addr,
			PREFIX + 96);
	if (error < 0)
		complain(&stage->demo->common, "the stack refused the link: %s", tv_error_text(error));
	return error >= 0;
}

/* In the child: everything. */
static int perform(void *user)
{
	struct stage *stage = user;
	struct demo *demo = stage->demo;
	int status;

	address_read("10.9.0.1", &stage->kernel.addr);
	address_read("10.9.0.2", &stage->trivet.addr);
	status = open_link(stage);
	if (status)
		return status;
	/* Payload in the packet itself, so that the ladder can show it. */
	stage->link->config.gather = false;
	if (!make_stack(stage))
		return EXIT_FAILED;
	if (!dump_open(&demo->common, stage->link->config.kind, 0, &demo->tap))
		return EXIT_RIGHTS;
	stage->link->tap = demo->tap;
	demo_kernel_opens(stage);
	demo_trivet_opens(stage);
	demo_closed_port(stage);
	demo_finish(demo);
	link_close(stage->link);
	if (!dump_close(&demo->common, demo->tap))
		demo->failed = true;
	fflush(stdout);
	return demo->failed ? EXIT_FAILED : EXIT_FINE;
}

int demo_live(struct demo *demo)
{
	struct stage stage = {.demo = demo};
	struct host_obstacle at;
	int status;

	host_facts(&stage.facts);
	fflush(stdout);
	status = host_netns_run(0, perform, &stage, &at);
	if (status == -ECHILD) {
		complain(&demo->common, "the child process in the namespace died");
		return EXIT_FAILED;
	}
	if (status < 0)
		status = obstacle(&stage, at.step, at.err);
	return status == FALL_BACK ? -1 : status;
}
