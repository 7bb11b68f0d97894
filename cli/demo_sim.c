/*
 * demo_sim.c - the same plays between two Trivet stacks, on a simulated wire and virtual time.
 *
 * Everything comes from the seed: the same flags print the same ladder. Under loss either end simply
 * waits, as programs do, until the stack has repaired it; a play that has not ended after ten
 * virtual minutes has failed.
 */
#include <string.h>

#include "cli/address.h"
#include "cli/demo.h"
#include "sim/network.h"

#define PATIENCE (600 * TV_S)
/* When virtual time begins: any moment but zero. */
#define DAWN (3600 * TV_S)

enum { ROOM = 4096 };

struct stage {
	struct demo *demo;
	struct network *net;
	struct scene *scene;
	unsigned wire, opener; /* which side of the wire is the scene's left end */
	struct tv_endpoint at[2]; /* of either side of the wire */
	size_t numbers[ROOM];  /* where in the ladder the n-th packet of the wire is */
	tv_handle listener, handle[2];
	size_t got, want;
	bool ended;
	unsigned who;          /* whose reading is awaited */
	enum tv_reason reason; /* of a connection that has ended, at either end */
	bool (*done)(void *user);
	bool is_done;
};

static struct tv_stack *stack_of(const struct stage *st, unsigned side)
{
	return network_stack(st->net, side);
}

static enum tv_state state_of(const struct stage *st, unsigned side)
{
	return stack_state(stack_of(st, side), &st->at[side], &st->at[!side]);
}

/* ------------------------------------------------------------------------------------------ */
/* Seeing                                                                                      */

static enum ladder_fate fate_of(const struct network_sight *s)
{
	switch (s->fate) {
	case NETWORK_CARRIED: return LADDER_UNDER_WAY;
	case NETWORK_LOST:
	case NETWORK_DROPPED:
	case NETWORK_QUEUE_FULL:
	case NETWORK_TOO_BIG: return LADDER_LOST;
	}
	return LADDER_LOST;
}

static void leaves(struct stage *st, const struct network_sight *s)
{
	struct ladder_event *e;
	size_t number;

	number = scene_packet(st->scene, s->time - DAWN, s->side ^ st->opener, s->packet->data,
		s->packet->len, state_of(st, s->side));
	if (s->number < ROOM)
		st->numbers[s->number] = number;
	e = ladder_at(st->scene->ladder, number);
	if (!e)
		return;
	e->fate = fate_of(s);
	/* What never arrives changes nothing at the other end. */
	if (e->fate == LADDER_LOST)
		e->state[!e->from] = state_of(st, !s->side);
}

/* The capture file is what the first stack sees. */
static void sees(void *user, const struct network_sight *s)
{
	struct stage *st = user;

	if (s->side == 0 && st->demo->tap)
		tap_write(st->demo->tap, s->time - DAWN, s->arrived ? TAP_IN : TAP_OUT, s->packet);
	if (!st->scene)
		return;
	if (!s->arrived)
		leaves(st, s);
	else if (s->number < ROOM)
		scene_arrived(st->scene, st->numbers[s->number], state_of(st, s->side),
			s->corrupted ? LADDER_DAMAGED : LADDER_CARRIED);
}

/* ------------------------------------------------------------------------------------------ */
/* What is waited for                                                                          */

static tv_time now(const struct stage *st)
{
	return network_now(st->net);
}

static void note(struct stage *st, unsigned side, const char *text)
{
	scene_note(st->scene, now(st) - DAWN, side ^ st->opener, text);
}

static void pull_events(struct stage *st)
{
	struct tv_event event;

	for (unsigned side = 0; side < 2; side++)
		while (tv_event(stack_of(st, side), &event))
			if (event.flags & TV_EV_CLOSED && event.reason != TV_R_NORMAL)
				st->reason = event.reason;
}

static bool is_decided(void *user)
{
	struct stage *st = user;

	st->is_done = st->done(st);
	return st->is_done || st->reason != TV_R_NONE;
}

/* Virtual time passes until done(st); false: it did not come to that. */
static bool until(struct stage *st, bool (*done)(void *user), const char *trouble)
{
	st->got = 0;
	st->ended = false;
	st->done = done;
	network_run(st->net, now(st) + PATIENCE, is_decided, st);
	if (!st->is_done)
		st->scene->trouble = st->reason != TV_R_NONE ? tv_reason_text(st->reason) : trouble;
	return st->is_done;
}

static bool is_open(void *user)
{
	struct stage *st = user;

	pull_events(st);
	if (!st->handle[!st->opener])
		tv_accept(stack_of(st, !st->opener), now(st), st->listener, &st->handle[!st->opener]);
	return st->handle[!st->opener] && state_of(st, st->opener) == TV_ESTABLISHED;
}

static bool has_read(void *user)
{
	struct stage *st = user;
	char text[256];
	int64_t n;

	pull_events(st);
	n = tv_recv(stack_of(st, st->who), now(st), st->handle[st->who], text, sizeof text, 0);
	if (n > 0)
		st->got += (size_t)n;
	return st->got >= st->want;
}

static bool is_idle(const struct stage *st, unsigned side)
{
	struct tv_info info = {.size = sizeof info};

	return tv_info(stack_of(st, side), st->handle[side], &info) == 0 && info.bytes_in_flight == 0 &&
		info.bytes_queued == 0;
}

static bool has_read_and_acknowledged(void *user)
{
	struct stage *st = user;

	return has_read(st) && is_idle(st, !st->who);
}

/* The end of the stream was read, and either side is in the state that follows from that. */
static bool is_half_closed(void *user)
{
	struct stage *st = user;
	char byte;

	pull_events(st);
	st->ended |= tv_recv(stack_of(st, st->who), now(st), st->handle[st->who], &byte, 1, 0) == 0;
	return st->ended && state_of(st, st->who) == TV_CLOSE_WAIT &&
		state_of(st, !st->who) == TV_FIN_WAIT_2;
}

static bool is_closed(void *user)
{
	struct stage *st = user;
	char byte;

	pull_events(st);
	st->ended |= tv_recv(stack_of(st, st->who), now(st), st->handle[st->who], &byte, 1, 0) == 0;
	return st->ended && state_of(st, st->who) == TV_TIME_WAIT && state_of(st, !st->who) <= TV_LISTEN;
}

static bool is_refused(void *user)
{
	struct stage *st = user;

	pull_events(st);
	return st->reason != TV_R_NONE;
}

/* ------------------------------------------------------------------------------------------ */
/* The plays                                                                                   */

static const char *const names[2] = {"Trivet A", "Trivet B"};

static bool begin(struct stage *st, struct scene *scene, const char *title, uint16_t port)
{
	struct tv_connect_config config;
	struct tv_info info = {.size = sizeof info};
	unsigned side = st->opener;

	if (!scene_begin(scene, st->demo, title))
		return false;
	scene->trouble = "the connection could not be begun";
	st->scene = scene;
	st->reason = TV_R_NONE;
	st->handle[0] = st->handle[1] = 0;
	st->at[!side].port = port;
	tv_connect_default(&config);
	config.remote = st->at[!side];
	if (tv_connect(stack_of(st, side), now(st), &config, &st->handle[side], NULL) < 0 ||
		tv_info(stack_of(st, side), st->handle[side], &info) < 0)
		return false;
	st->at[side].port = info.local.port;
	scene->end[0] = st->at[side];
	scene->end[1] = st->at[!side];
	scene_ends(scene, names[side], names[!side]);
	return true;
}

static void end(struct stage *st, struct scene *scene)
{
	if (scene->ladder) {
		scene_last(scene, 0, state_of(st, st->opener));
		scene_last(scene, 1, state_of(st, !st->opener));
		scene_end(scene);
	}
	st->scene = NULL;
	for (unsigned side = 0; side < 2; side++)
		if (st->handle[side])
			tv_release(stack_of(st, side), now(st), st->handle[side]);
}

static bool send_all(struct stage *st, unsigned from, const char *text)
{
	st->who = !from;
	st->want = strlen(text);
	return tv_send(stack_of(st, from), now(st), st->handle[from], text, st->want, 0) ==
		(int64_t)st->want;
}

static bool talk(struct stage *st)
{
	unsigned a = st->opener, b = !a;

	note(st, a, "A sends a request.");
	if (!send_all(st, a, DEMO_REQUEST) || !until(st, has_read, "the request did not arrive"))
		return false;
	note(st, b, "B answers; the acknowledgment of the request travels with the answer.");
	if (!send_all(st, b, DEMO_ANSWER) ||
		!until(st, has_read_and_acknowledged, "the answer did not arrive"))
		return false;
	note(st, a, "A has said all, and would still listen (half-close).");
	st->who = b;
	if (tv_shutdown(stack_of(st, a), now(st), st->handle[a]) < 0 ||
		!until(st, is_half_closed, "the half-close was not acknowledged"))
		return false;
	note(st, b, "B closes too. Had it closed at once, its FIN and the ACK above would have been one "
		    "packet: three arrows instead of four.");
	st->who = a;
	if (tv_close(stack_of(st, b), now(st), st->handle[b]) < 0)
		return false;
	return until(st, is_closed, "the close did not end");
}

static void play_conversation(struct stage *st)
{
	struct tv_listen_config config;
	struct scene scene = {0};

	tv_listen_default(&config);
	config.port_first = config.port_last = DEMO_PORT;
	if (tv_listen(stack_of(st, !st->opener), now(st), &config, &st->listener) == 0 &&
		begin(st, &scene, "1. Trivet connects to Trivet, on a simulated wire", DEMO_PORT)) {
		note(st, st->opener, "B listens; A connects.");
		scene.done = until(st, is_open, "the handshake did not end") && talk(st);
	}
	end(st, &scene);
}

static void play_closed_port(struct stage *st)
{
	struct scene scene = {0};

	if (begin(st, &scene, "2. Trivet connects to a port where nobody listens", DEMO_CLOSED_PORT)) {
		scene.closed_port = true;
		note(st, st->opener, "A connects.");
		scene.done = until(st, is_refused, "nothing came back") && st->reason == TV_R_REFUSED;
		scene.trouble = tv_reason_text(st->reason);
	}
	end(st, &scene);
}

/* ------------------------------------------------------------------------------------------ */
/* The stage                                                                                   */

static int add_host(struct stage *st, unsigned side)
{
	struct tv_config config;

	tv_config_default(&config);
	config.connections = 16;
	config.half_opens = 16;
	config.time_waits = 16;
	return network_host(st->net, &config) < 0 ? -1 :
		address_read(side ? "192.0.2.2" : "192.0.2.1", &st->at[side].addr) ? 0 : -1;
}

static bool build(struct stage *st)
{
	const struct demo *d = st->demo;
	struct network_wire wire = {.kind = TV_LINK_IP, .link_mtu = 1500};
	int number;

	for (unsigned way = 0; way < 2; way++) {
		wire.way[way].delay = way ? d->rtt - d->rtt / 2 : d->rtt / 2;
		wire.way[way].loss = d->loss;
	}
	if (add_host(st, 0) < 0 || add_host(st, 1) < 0)
		return false;
	number = network_wire(st->net, 0, 1, &wire);
	if (number < 0)
		return false;
	st->wire = (unsigned)number;
	for (unsigned side = 0; side < 2; side++)
		if (tv_address_add(stack_of(st, side), now(st), network_link(st->net, st->wire, side),
			    &st->at[side].addr, 96 + 24) < 0)
			return false;
	for (unsigned i = 0; i < d->drops.count; i++)
		if (!network_drop(st->net, st->wire, d->drops.list[i]))
			return false;
	return true;
}

int demo_sim(struct demo *demo)
{
	struct stage st = {.demo = demo};

	demo->sim = true;
	st.net = network_new(demo->seed, DAWN);
	if (!st.net || !build(&st)) {
		complain(&demo->common, "the simulated network could not be built: out of memory");
		network_free(st.net);
		return EXIT_FAILED;
	}
	if (!dump_open(&demo->common, TV_LINK_IP, 0, &demo->tap))
		return EXIT_RIGHTS;
	network_tap(st.net, sees, &st);
	play_conversation(&st);
	play_closed_port(&st);
	demo_finish(demo);
	if (!dump_close(&demo->common, demo->tap))
		demo->failed = true;
	network_free(st.net);
	return demo->failed ? EXIT_FAILED : EXIT_FINE;
}
