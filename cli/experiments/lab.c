/*
 * lab.c - hosts, users and time of an experiment.
 *
 * Each scene has a network of its own; virtual time goes on from one scene to the next, so that a capture
 * of several scenes reads like one afternoon. The seed of a scene comes from the seed of the run and the
 * number of the scene.
 */
#include "cli/experiments/lab.h"

#include <string.h>

#include "cli/address.h"

#define PATIENCE (600 * TV_S)

/* ------------------------------------------------------------------------------------------ */
/* Setting up                                                                                  */

void lab_config(struct tv_config *config)
{
	tv_config_default(config);
	config->connections = 32;
	config->half_opens = 16;
	config->time_waits = 32;
}

static bool add_address(struct lab *lab, unsigned side)
{
	struct tv_addr any = {.b = {0}}, none = {.b = {0}};
	unsigned link = network_link(lab->net, lab->wire, side);

	if (!lab_stack(lab, side))
		return true;
	any.b[10] = any.b[11] = 0xff;
	return tv_address_add(lab_stack(lab, side), lab_now(lab), link, &lab->at[side].addr, 96 + 24) == 0 &&
		tv_route_add(lab_stack(lab, side), lab_now(lab), &any, 96, &none, link, 1) == 0;
}

static bool add_host(struct lab *lab, unsigned side)
{
	struct tv_config own;
	struct network_puppet puppet;

	address_read(side ? "192.0.2.2" : "192.0.2.1", &lab->at[side].addr);
	if (side && lab->two_step) {
		puppet = two_step_puppet(lab->two_step);
		lab->two_step->net = lab->net;
		lab->two_step->side = side;
		lab->two_step->port = lab->setup->port;
		memcpy(lab->two_step->addr, lab->at[side].addr.b + 12, 4);
		return network_puppet(lab->net, &puppet) >= 0;
	}
	lab_config(&own);
	return network_host(lab->net, lab->setup->config[side] ? lab->setup->config[side] : &own) >= 0;
}

static bool build(struct lab *lab)
{
	struct network_wire wire = {.kind = TV_LINK_IP, .link_mtu = 1500};
	int number;

	wire.way[0].delay = lab->rtt / 2;
	wire.way[1].delay = lab->rtt - lab->rtt / 2;
	if (!add_host(lab, 0) || !add_host(lab, 1))
		return false;
	number = network_wire(lab->net, 0, 1, &wire);
	if (number < 0)
		return false;
	lab->wire = (unsigned)number;
	if (lab->two_step)
		lab->two_step->wire = lab->wire;
	return add_address(lab, 0) && add_address(lab, 1);
}

/* ------------------------------------------------------------------------------------------ */
/* Seeing                                                                                      */

enum tv_state lab_shown(struct lab *lab, unsigned side)
{
	enum tv_state state = lab_state(lab, side);

	if (lab->nobody && side == 0)
		return LADDER_UNKNOWN;
	if (state != TV_LISTEN && state != TV_CLOSED)
		lab->lived[side] = true;
	if (state == TV_LISTEN && lab->lived[side])
		state = TV_CLOSED;
	lab->last[side] = state;
	return state;
}

static void leaves(struct lab *lab, const struct network_sight *s)
{
	struct ladder_event e = {.time = s->time, .from = s->side, .ip = s->packet->data, .len = s->packet->len};
	size_t number;

	e.fate = s->fate == NETWORK_CARRIED ? LADDER_UNDER_WAY : LADDER_LOST;
	e.state[s->side] = lab_shown(lab, s->side);
	e.state[!s->side] = e.fate == LADDER_LOST ? lab_shown(lab, !s->side) : LADDER_UNKNOWN;
	e.remark = lab->remark;
	lab->remark = NULL;
	if (s->fate == NETWORK_TOO_BIG && !e.remark)
		e.remark = "too long for the path";
	number = ladder_packet(lab->ladder, &e);
	if (lab->drawn_count < LAB_DRAWN && number != LADDER_NONE)
		lab->drawn[lab->drawn_count++] = (struct lab_drawn){s->number, number};
}

/* Where in the ladder a packet of the wire is, or NULL. */
static struct ladder_event *drawn(const struct lab *lab, uint64_t number)
{
	for (unsigned i = lab->drawn_count; number && i-- > 0;)
		if (lab->drawn[i].number == number)
			return ladder_at(lab->ladder, lab->drawn[i].row);
	return NULL;
}

static void arrives(struct lab *lab, const struct network_sight *s)
{
	struct ladder_event *e = drawn(lab, s->number);
	struct ladder_event made = {.time = s->time, .from = !s->side, .ip = s->packet->data, .len = s->packet->len};

	if (e) {
		e->fate = s->corrupted ? LADDER_DAMAGED : LADDER_CARRIED;
		e->arrived = s->time;
		e->state[s->side] = lab_shown(lab, s->side);
	} else if (s->number == 0) {
		/* A message of the wire itself: nobody saw it leave. */
		made.state[s->side] = lab_shown(lab, s->side);
		made.state[!s->side] = LADDER_UNKNOWN;
		made.midway = true;
		made.remark = "from a router on the way";
		(void)ladder_packet(lab->ladder, &made);
	}
}

/* Does nobody but the two ends have to do with it? */
static bool is_between(const struct lab *lab, const struct tv_packet *p)
{
	const uint8_t *a = lab->at[0].addr.b + 12, *b = lab->at[1].addr.b + 12;

	return (memcmp(p->data + 12, a, 4) == 0 && memcmp(p->data + 16, b, 4) == 0) ||
		(memcmp(p->data + 12, b, 4) == 0 && memcmp(p->data + 16, a, 4) == 0);
}

static void sees(void *user, const struct network_sight *s)
{
	struct lab *lab = user;

	if (s->side == lab->setup->seen_from && lab->show->tap && !lab->hidden)
		tap_write(lab->show->tap, s->time, s->arrived ? TAP_IN : TAP_OUT, s->packet);
	if (s->arrived)
		lab->verdict[s->side] = s->verdict;
	else
		lab->packets[s->side]++;
	if (!s->arrived)
		lab->entered = s->number;
	if (lab->crowded && !is_between(lab, s->packet))
		return;
	if (!lab->blind || (s->arrived && drawn(lab, s->number))) {
		if (s->arrived)
			arrives(lab, s);
		else
			leaves(lab, s);
	}
	if (lab->watch)
		lab->watch(lab, s);
}

bool lab_begin(struct lab *lab, struct show *show, const struct lab_setup *setup)
{
	memset(lab, 0, sizeof *lab);
	lab->show = show;
	lab->setup = setup;
	lab->rtt = setup->rtt ? setup->rtt : show->demo->rtt;
	lab->two_step = setup->two_step;
	lab->at[1].port = setup->port;
	lab->claims = json_array();
	lab->ladder = ladder_new();
	lab->net = network_new(show->demo->seed * 64 + show->scenes, show->start);
	if (!lab->ladder || !lab->net || !lab->claims || !build(lab)) {
		complain(&show->demo->common, "the simulated network could not be built: out of memory");
		show->demo->failed = true;
		network_free(lab->net);
		ladder_free(lab->ladder);
		json_decref(lab->claims);
		return false;
	}
	show->scenes++;
	lab->hidden = show->demo->scene && show->demo->scene != show->scenes;
	network_tap(lab->net, sees, lab);
	ladder_start(lab->ladder, 0, TV_CLOSED);
	ladder_start(lab->ladder, 1, TV_CLOSED);
	if (lab->two_step)
		ladder_start(lab->ladder, 1, TV_LISTEN);
	return true;
}

struct tv_stack *lab_stack(const struct lab *lab, unsigned side)
{
	return network_stack(lab->net, side);
}

tv_time lab_now(const struct lab *lab)
{
	return network_now(lab->net);
}

enum tv_state lab_state(const struct lab *lab, unsigned side)
{
	if (!lab_stack(lab, side))
		return two_step_state(lab->two_step, &lab->at[!side]);
	return stack_state(lab_stack(lab, side), &lab->at[side], &lab->at[!side]);
}

struct tv_info lab_info(const struct lab *lab, unsigned side)
{
	struct tv_info info = {.size = sizeof info};

	if (!lab->handle[side] || tv_info(lab_stack(lab, side), lab->handle[side], &info) < 0)
		memset(&info, 0, sizeof info);
	return info;
}

/* ------------------------------------------------------------------------------------------ */
/* Users                                                                                       */

static void trouble(struct lab *lab, const char *what)
{
	if (!lab->trouble)
		lab->trouble = what;
}

void lab_listen(struct lab *lab)
{
	struct tv_listen_config config;

	ladder_start(lab->ladder, 1, TV_LISTEN);
	if (!lab_stack(lab, 1))
		return;
	tv_listen_default(&config);
	config.port_first = config.port_last = lab->setup->port;
	config.fastopen = lab->fastopen ? TV_FASTOPEN_PENDING : 0;
	if (tv_listen(lab_stack(lab, 1), lab_now(lab), &config, &lab->listener) < 0)
		trouble(lab, "the server could not listen");
}

int lab_connect(struct lab *lab, uint16_t port)
{
	struct tv_connect_config config;
	struct tv_info info = {.size = sizeof info};
	int error;

	tv_connect_default(&config);
	config.remote = lab->at[1];
	config.local.port = port;
	config.fastopen = lab->fastopen;
	if (port)
		config.local.addr = lab->at[0].addr;
	error = tv_connect(lab_stack(lab, 0), lab_now(lab), &config, &lab->handle[0], &lab->full);
	if (error < 0)
		return error;
	tv_info(lab_stack(lab, 0), lab->handle[0], &info);
	lab->at[0].port = info.local.port;
	lab->reason[0] = lab->reason[1] = TV_R_NONE;
	lab->lived[0] = lab->lived[1] = false;
	lab->ended[0] = lab->ended[1] = false;
	lab->handle[1] = 0;
	return 0;
}

void lab_send(struct lab *lab, unsigned side, const void *data, size_t len)
{
	if (tv_send(lab_stack(lab, side), lab_now(lab), lab->handle[side], data, len, 0) != (int64_t)len)
		trouble(lab, "the text could not be sent");
}

void lab_say(struct lab *lab, unsigned side, const char *text)
{
	lab_send(lab, side, text, strlen(text));
}

void lab_shut(struct lab *lab, unsigned side)
{
	if (tv_shutdown(lab_stack(lab, side), lab_now(lab), lab->handle[side]) < 0)
		trouble(lab, "the connection could not be closed");
}

void lab_close(struct lab *lab, unsigned side)
{
	if (tv_close(lab_stack(lab, side), lab_now(lab), lab->handle[side]) < 0)
		trouble(lab, "the connection could not be closed");
}

void lab_set(struct lab *lab, unsigned side, enum tv_option option, uint64_t value)
{
	if (tv_set(lab_stack(lab, side), lab_now(lab), lab->handle[side], option, value) < 0)
		trouble(lab, "an option could not be set");
}

void lab_abort(struct lab *lab, unsigned side)
{
	if (tv_abort(lab_stack(lab, side), lab_now(lab), lab->handle[side]) < 0)
		trouble(lab, "the connection could not be aborted");
}

void lab_restart(struct lab *lab, unsigned side)
{
	if (network_restart(lab->net, side) < 0 || !add_address(lab, side))
		trouble(lab, "the host could not start again");
	lab->handle[side] = 0;
	lab->lived[side] = false;
	if (side)
		lab_listen(lab);
}

static void read_all(struct lab *lab, unsigned side)
{
	char text[1024];
	int64_t n;

	while ((n = tv_recv(lab_stack(lab, side), lab_now(lab), lab->handle[side], text, sizeof text, 0)) > 0) {
		uint64_t at = lab->got_len[side], keep = at < LAB_TEXT - 1 ? LAB_TEXT - 1 - at : 0;

		if (keep)
			memcpy(lab->got[side] + at, text, (size_t)((uint64_t)n < keep ? (uint64_t)n : keep));
		lab->got_len[side] += (uint64_t)n;
	}
	if (n != 0 || lab->ended[side])
		return;
	lab->ended[side] = true;
	if (lab->closes[side])
		lab_close(lab, side);
}

/* What users do between two packets. */
static void work(struct lab *lab)
{
	struct tv_event event;

	for (unsigned side = 0; side < 2; side++) {
		if (!lab_stack(lab, side))
			continue;
		while (tv_event(lab_stack(lab, side), &event))
			if (event.flags & TV_EV_CLOSED && event.handle == lab->handle[side])
				lab->reason[side] = event.reason;
		if (side && lab->listener && !lab->handle[1])
			tv_accept(lab_stack(lab, 1), lab_now(lab), lab->listener, &lab->handle[1]);
		if (lab->handle[side] && !lab->keeps[side])
			read_all(lab, side);
	}
}

/* ------------------------------------------------------------------------------------------ */
/* Time                                                                                        */

struct goal {
	struct lab *lab;
	unsigned side;
	enum { NOTHING, STATE, BYTES, END } kind;
	enum tv_state state;
	uint64_t bytes;
};

static bool is_reached(void *user)
{
	struct goal *g = user;

	work(g->lab);
	switch (g->kind) {
	case NOTHING: return false;
	case STATE: return lab_state(g->lab, g->side) == g->state;
	case BYTES: return g->lab->got_len[g->side] >= g->bytes;
	case END: return g->lab->reason[g->side] != TV_R_NONE;
	}
	return false;
}

void lab_wait(struct lab *lab, tv_time span)
{
	struct goal goal = {.lab = lab, .kind = NOTHING};

	network_run(lab->net, lab_now(lab) + span, is_reached, &goal);
	work(lab);
}

static bool reach(struct goal *goal, const char *what)
{
	if (!goal->lab->trouble && !network_run(goal->lab->net, lab_now(goal->lab) + PATIENCE, is_reached, goal))
		trouble(goal->lab, what);
	return !goal->lab->trouble;
}

bool lab_until(struct lab *lab, unsigned side, enum tv_state state)
{
	struct goal goal = {.lab = lab, .side = side, .kind = STATE, .state = state};

	return reach(&goal, "an end did not come to the state that was expected");
}

bool lab_until_read(struct lab *lab, unsigned side, uint64_t bytes)
{
	struct goal goal = {.lab = lab, .side = side, .kind = BYTES, .bytes = bytes};

	return reach(&goal, "what was sent did not arrive");
}

bool lab_until_ended(struct lab *lab, unsigned side)
{
	struct goal goal = {.lab = lab, .side = side, .kind = END};

	return reach(&goal, "the connection did not end");
}

bool lab_open(struct lab *lab, uint16_t port)
{
	if (!lab->listener)
		lab_listen(lab);
	if (lab_connect(lab, port) < 0)
		trouble(lab, "the connection could not be begun");
	if (!lab_until(lab, 0, TV_ESTABLISHED) || !lab_until(lab, 1, TV_ESTABLISHED))
		return false;
	/* The server's program takes it. */
	lab_wait(lab, 0);
	return true;
}

/* ------------------------------------------------------------------------------------------ */
/* The wire                                                                                    */

void lab_lose_next(struct lab *lab)
{
	if (!network_drop(lab->net, lab->wire, lab->entered + 1))
		trouble(lab, "out of memory");
}

void lab_cut(struct lab *lab, bool cut)
{
	struct network_way way = {.loss = cut ? 1000000 : 0};

	for (unsigned side = 0; side < 2; side++) {
		way.delay = side ? lab->rtt - lab->rtt / 2 : lab->rtt / 2;
		network_way(lab->net, lab->wire, side, &way);
	}
}

void lab_replay(struct lab *lab, size_t number, const char *remark)
{
	const struct ladder_event *e = ladder_at(lab->ladder, number);

	if (!e || e->is_note) {
		trouble(lab, "there is no such packet");
		return;
	}
	lab->remark = remark;
	network_inject(lab->net, lab->wire, e->from, e->ip, e->len);
}

size_t lab_find(const struct lab *lab, size_t from, unsigned side, const char *flags)
{
	struct ladder_reader reader;
	struct ladder_row row;

	ladder_read(&reader, lab->ladder);
	for (size_t n = 0; ladder_next(&reader, &row); n++)
		if (n >= from && !row.event->is_note && row.event->from == side && strcmp(row.flags, flags) == 0)
			return n;
	return LADDER_NONE;
}
