/*
 * driver_trivet.c - driver.h by means of <trivet/trivet.h> alone.
 *
 * Times: every step of the way to a start takes 1 ms; a segment of a case is looked at when it
 * arrives and for 45 ms more, which is longer than a delayed ACK (40 ms); nothing is retransmitted
 * within 10 s.
 *
 * Window: the stack's options are off (no scaling), its receive buffer is small, and the test fills
 * it with text that nobody reads when a case wants the window small or closed.
 */
#include "driver.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <trivet/trivet.h>

enum { RCV_BUF = 4096, LOCAL_PORT = 80, PEER_PORT = 40000, PEER_WINDOW = 1000, MSS = 1000 };

struct driver {
	struct driver_setup setup;
	struct model m;
	struct tv_stack *stack;
	void *region, *copy;
	size_t bytes;
	ptrdiff_t offset;      /* of the stack in the region */
	tv_time now, copy_now;
	tv_handle listener, connection, copy_connection;
	uint16_t local_port, peer_port;
	struct tv_addr local, peer;
	uint32_t right_edge;   /* the highest RCV.NXT + RCV.WND that was ever offered */
	bool edge_guessed;     /* SYN-SENT: it will stand where the peer's SYN puts it */
	bool failed;
};

static void fail(struct driver *d, const char *what)
{
	if (!d->failed)
		fprintf(stderr, "grid: %s, %s: on the way there: %s\n", case_start_name(d->setup.start),
			case_wnd_name(d->setup.wnd), what);
	d->failed = true;
}

/* The octet of the peer's stream that has this number. */
static uint8_t octet_at(uint32_t seq) { return (uint8_t)(seq * 7 + (seq >> 8)); }

/* --- packets ----------------------------------------------------------------------------------- */

static void put_packet(struct driver *d, const struct model_segment *s, uint8_t *verdict)
{
	uint8_t bytes[PACKET_MAX], text[MSS];
	struct packet p = {.v6 = d->setup.v6, .sport = d->peer_port, .dport = d->local_port, .seq = s->seq,
		.ack = s->ack, .flags = s->flags, .wnd = (uint16_t)s->wnd, .up = s->up, .has_ts = s->has_ts,
		.tsval = s->tsval, .text = text, .text_len = s->text};
	struct tv_packet in = {.data = bytes};
	uint32_t first = s->seq + (s->flags & M_SYN ? 1 : 0);

	memcpy(p.src, d->peer.b, 16);
	memcpy(p.dst, d->local.b, 16);
	if (s->flags & M_SYN)
		p.mss = MSS;
	for (uint32_t i = 0; i < s->text; i++)
		text[i] = octet_at(first + i);
	in.len = packet_build(bytes, &p);
	tv_input(d->stack, d->now, &in, 1, verdict);
}

static void get_packets(struct driver *d, struct seen *seen, bool late)
{
	uint8_t bytes[PACKET_MAX];

	for (;;) {
		struct tv_packet out = {.data = bytes, .cap = sizeof bytes};
		struct seen_packet *got;

		if (tv_output(d->stack, d->now, TV_ANY_LINK, &out, 1) == 0)
			return;
		if (seen->packets == SEEN_PACKETS) {
			seen->bad_packet = true;
			return;
		}
		got = &seen->packet[seen->packets++];
		got->late = late;
		if (!packet_parse(bytes, out.len, &got->p) || got->p.sport != d->local_port
			|| got->p.dport != d->peer_port || memcmp(got->p.dst, d->peer.b, 16) != 0)
			seen->bad_packet = true;
		got->text_len = got->p.text_len;
		if (got->p.flags & M_RST || !(got->p.flags & M_ACK))
			continue;
		if (got->p.flags & M_SYN || d->edge_guessed || model_lt(d->right_edge, got->p.ack + got->p.wnd))
			d->right_edge = got->p.ack + got->p.wnd;
		d->edge_guessed = false;
	}
}

/* --- questions --------------------------------------------------------------------------------- */

static bool same_tuple(const struct driver *d, const struct tv_info *info)
{
	return info->local.port == d->local_port && info->remote.port == d->peer_port
		&& memcmp(&info->remote.addr, &d->peer, sizeof d->peer) == 0;
}

static enum model_state from_tv(enum tv_state state)
{
	static const enum model_state states[TV_STATE_COUNT] = {[TV_CLOSED] = M_CLOSED,
		[TV_LISTEN] = M_LISTEN, [TV_SYN_SENT] = M_SYN_SENT, [TV_SYN_RECEIVED] = M_SYN_RECEIVED,
		[TV_ESTABLISHED] = M_ESTABLISHED, [TV_FIN_WAIT_1] = M_FIN_WAIT_1,
		[TV_FIN_WAIT_2] = M_FIN_WAIT_2, [TV_CLOSE_WAIT] = M_CLOSE_WAIT, [TV_CLOSING] = M_CLOSING,
		[TV_LAST_ACK] = M_LAST_ACK, [TV_TIME_WAIT] = M_TIME_WAIT};

	return states[state];
}

/* The connection's record, by its handle or by its tuple; a new half-open one before a TIME-WAIT. */
static bool find(struct driver *d, struct tv_info *info)
{
	struct tv_info here = {.size = sizeof here};
	uint64_t cursor = 0;
	tv_handle handle;
	bool found = false;

	while (tv_next(d->stack, &cursor, &handle, &here)) {
		if (same_tuple(d, &here) && here.state != TV_LISTEN
			&& (!found || here.state == TV_SYN_RECEIVED)) {
			*info = here;
			found = true;
		}
		here.size = sizeof here;
	}
	if (found)
		return true;
	info->size = sizeof *info;
	return d->connection && tv_info(d->stack, d->connection, info) == TV_OK;
}

enum model_state driver_state(struct driver *d)
{
	struct tv_info info = {.size = sizeof info};

	if (find(d, &info))
		return from_tv(info.state);
	return d->listener ? M_LISTEN : M_CLOSED;
}

static unsigned events_of(struct driver *d)
{
	struct tv_event e;
	unsigned events = 0;

	while (tv_event(d->stack, &e)) {
		if (e.flags & (TV_EV_ACCEPT | TV_EV_CONNECTED))
			events |= M_EV_ESTABLISHED;
		if (e.flags & TV_EV_PEER_CLOSED)
			events |= M_EV_END;
		if (e.flags & TV_EV_URGENT)
			events |= M_EV_URGENT;
		if (!(e.flags & TV_EV_CLOSED))
			continue;
		if (e.reason == TV_R_REFUSED || e.reason == TV_R_SIMULTANEOUS_RESET)
			events |= M_EV_REFUSED;
		else
			events |= e.reason == TV_R_RESET ? M_EV_RESET : M_EV_GONE;
	}
	return events;
}

static void numbers_of(struct driver *d, struct seen *seen)
{
	struct tv_info info = {.size = sizeof info};

	seen->state = driver_state(d);
	if (!d->connection || !find(d, &info))
		return;
	seen->has_numbers = true;
	seen->iss = info.iss;
	seen->irs = info.irs;
	seen->una = info.snd_una;
	seen->nxt = info.snd_nxt;
	seen->wnd = info.snd_wnd;
	seen->wl1 = info.snd_wl1;
	seen->wl2 = info.snd_wl2;
	seen->max_wnd = info.snd_max_wnd;
	seen->rcv_nxt = info.rcv_nxt;
	seen->rcv_wnd = info.rcv_wnd;
	seen->held = info.bytes_out_of_order;
}

static uint32_t unread(struct driver *d)
{
	struct tv_info info = {.size = sizeof info};

	return d->connection && tv_info(d->stack, d->connection, &info) == TV_OK ? info.bytes_unread : 0;
}

bool driver_text_is_right(struct driver *d, uint32_t at)
{
	uint8_t bytes[512];
	bool right = true;
	int64_t n;

	if (!d->connection)
		return true;
	while ((n = tv_recv(d->stack, d->now, d->connection, bytes, sizeof bytes, 0)) > 0) {
		for (uint32_t i = 0; i < (uint32_t)n; i++)
			right = right && bytes[i] == octet_at(at++);
	}
	return right;
}

/* A connection that a listener has made is ours to ask about when it is accepted. */
static void accept_if_there(struct driver *d)
{
	tv_handle handle;

	if (!d->connection && d->listener && tv_accept(d->stack, d->now, d->listener, &handle) == TV_OK)
		d->connection = handle;
}

/* --- the way to a start ------------------------------------------------------------------------ */

/* One segment to the stack and to the model; both must agree. */
static void step(struct driver *d, unsigned flags, uint32_t seq, uint32_t ack, uint32_t text)
{
	struct model_segment s = {.flags = flags, .seq = seq, .ack = ack, .text = text, .wnd = PEER_WINDOW,
		.has_ts = d->setup.timestamps, .tsval = PEER_TSVAL};
	struct model_result r;
	struct seen seen = {0};

	if (d->failed)
		return;
	d->now += TV_MS;
	put_packet(d, &s, NULL);
	get_packets(d, &seen, false);
	d->now += 45 * TV_MS;
	get_packets(d, &seen, true);
	if (seen.packets && seen.packet[0].p.flags & M_SYN)
		d->m.next_iss = seen.packet[0].p.seq; /* it could not be known before */
	model_arrives(&d->m, &s, &r);
	accept_if_there(d);
	events_of(d);
	if (seen.bad_packet)
		fail(d, "a packet that cannot be read");
	if (driver_state(d) != d->m.state) {
		fprintf(stderr, "grid: the stack is in %s, the model in %s\n",
			model_state_name(driver_state(d)), model_state_name(d->m.state));
		fail(d, "the states differ");
	}
	if (seen.packets != (r.reply != M_REPLY_NONE))
		fail(d, "not the packets that the model sends");
	d->m.rcv_wnd = d->right_edge - d->m.rcv_nxt;
}

static void open_listener(struct driver *d)
{
	struct tv_listen_config config;

	tv_listen_default(&config);
	config.port_first = config.port_last = LOCAL_PORT;
	if (tv_listen(d->stack, d->now, &config, &d->listener) != TV_OK)
		fail(d, "tv_listen");
	d->m.state = M_LISTEN;
	d->m.listener = true;
	d->m.rcv_nxt = d->setup.irs;
	d->m.rcv_wnd = RCV_BUF;
}

static void open_active(struct driver *d)
{
	struct tv_connect_config config;
	struct seen seen = {0};
	struct tv_info info = {.size = sizeof info};

	tv_connect_default(&config);
	config.remote.addr = d->peer;
	config.remote.port = d->peer_port;
	if (tv_connect(d->stack, d->now, &config, &d->connection, NULL) != TV_OK
		|| tv_info(d->stack, d->connection, &info) != TV_OK) {
		fail(d, "tv_connect");
		return;
	}
	d->local_port = info.local.port;
	get_packets(d, &seen, false);
	if (seen.packets != 1 || seen.bad_packet || seen.packet[0].p.flags != M_SYN) {
		fail(d, "no SYN");
		return;
	}
	d->m.state = M_SYN_SENT;
	d->m.rcv_nxt = d->setup.irs; /* where a case puts its SYN */
	d->m.iss = d->m.una = seen.packet[0].p.seq;
	d->m.nxt = d->m.iss + 1;
	d->m.rcv_wnd = seen.packet[0].p.wnd;
	d->right_edge = d->setup.irs + 1 + seen.packet[0].p.wnd;
	d->edge_guessed = true;
}

static void send_octets(struct driver *d, uint32_t n)
{
	uint8_t bytes[IN_FLIGHT] = {0};
	struct seen seen = {0};

	if (d->failed)
		return;
	if (tv_send(d->stack, d->now, d->connection, bytes, n, 0) != n)
		fail(d, "tv_send");
	get_packets(d, &seen, false);
	if (seen.packets != 1 || seen.packet[0].text_len != n || seen.packet[0].p.seq != d->m.nxt)
		fail(d, "the octets in flight");
	d->m.nxt += n;
}

static void send_fin(struct driver *d)
{
	struct seen seen = {0};

	if (d->failed)
		return;
	if (tv_shutdown(d->stack, d->now, d->connection) != TV_OK)
		fail(d, "tv_shutdown");
	get_packets(d, &seen, false);
	if (seen.packets != 1 || !(seen.packet[0].p.flags & M_FIN) || seen.packet[0].p.seq != d->m.nxt)
		fail(d, "the FIN");
	d->m.nxt++;
	d->m.state = d->m.state == M_CLOSE_WAIT ? M_LAST_ACK : M_FIN_WAIT_1;
	if (driver_state(d) != d->m.state)
		fail(d, "the state behind the FIN");
}

static void fill_window(struct driver *d, uint32_t leave)
{
	while (!d->failed && d->m.rcv_wnd > leave) {
		uint32_t n = d->m.rcv_wnd - leave < MSS ? d->m.rcv_wnd - leave : MSS;

		step(d, M_ACK, d->m.rcv_nxt, d->m.una, n);
	}
	if (d->m.rcv_wnd != leave)
		fail(d, "the window cannot be filled");
}

static void to_time_wait(struct driver *d)
{
	struct seen seen = {0};

	step(d, M_ACK, d->m.rcv_nxt, d->m.nxt, 0);
	step(d, M_ACK | M_FIN, d->m.rcv_nxt, d->m.nxt, 0);
	if (d->failed || d->setup.full_record)
		return;
	if (!driver_text_is_right(d, d->m.irs + 1))
		fail(d, "wrong octets");
	if (tv_close(d->stack, d->now, d->connection) != TV_OK
		|| tv_release(d->stack, d->now, d->connection) != TV_OK)
		fail(d, "tv_close, tv_release");
	d->connection = 0;
	get_packets(d, &seen, false);
	if (seen.packets)
		fail(d, "closing in TIME-WAIT sent something");
	if (driver_state(d) != M_TIME_WAIT)
		fail(d, "TIME-WAIT did not outlive the handle");
}

static void reach(struct driver *d)
{
	enum case_start start = d->setup.start;
	uint32_t leave = d->setup.wnd == WND_SMALL ? SMALL_WINDOW : 0;

	if (start == START_CLOSED)
		return;
	if (start == START_SYN_SENT || start == START_SYN_RECEIVED_ACTIVE)
		open_active(d);
	else
		open_listener(d);
	if (start == START_LISTEN || start == START_SYN_SENT)
		return;
	step(d, M_SYN, d->setup.irs, 0, 0);
	if (start <= START_SYN_RECEIVED_ACTIVE)
		return;
	step(d, M_ACK, d->m.rcv_nxt, d->m.nxt, 0);
	if (!d->connection)
		fail(d, "nothing to accept");
	if (d->setup.wnd != WND_OPEN)
		fill_window(d, leave);
	if (start != START_FIN_WAIT_2 && start != START_TIME_WAIT)
		send_octets(d, IN_FLIGHT);
	if (start == START_FIN_WAIT_1 || start == START_FIN_WAIT_2 || start == START_CLOSING
		|| start == START_TIME_WAIT)
		send_fin(d);
	if (start == START_FIN_WAIT_2)
		step(d, M_ACK, d->m.rcv_nxt, d->m.nxt, 0);
	if (start == START_CLOSE_WAIT || start == START_CLOSING || start == START_LAST_ACK)
		step(d, M_ACK | M_FIN, d->m.rcv_nxt, d->m.una, 0);
	if (start == START_LAST_ACK)
		send_fin(d);
	if (start == START_TIME_WAIT)
		to_time_wait(d);
}

/* --- making one -------------------------------------------------------------------------------- */

static void set_addresses(struct driver *d)
{
	static const uint8_t v4[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, 0};
	static const uint8_t v6[16] = {0x20, 0x01, 0x0d, 0xb8};

	memcpy(d->local.b, d->setup.v6 ? v6 : v4, 16);
	memcpy(d->peer.b, d->local.b, 16);
	d->local.b[15] = 1;
	d->peer.b[15] = 2;
	d->local_port = LOCAL_PORT;
	d->peer_port = PEER_PORT;
}

static void set_config(const struct driver *d, struct tv_config *config)
{
	tv_config_default(config);
	memset(config->secret, 0x5a, sizeof config->secret);
	config->connections = config->half_opens = config->time_waits = config->listeners = 4;
	config->busy = 4;
	config->links = config->addresses = config->routes = config->neighbours = 4;
	config->pages = 8;
	config->small_pages = 32;
	config->ranges = 32;
	config->replies = 8;
	config->defaults.rcv_buf = RCV_BUF;
	config->defaults.snd_buf = RCV_BUF;
	config->defaults.nodelay = true;
	config->timestamps = d->setup.timestamps;
	config->sack = config->window_scale = false;
	config->rto_first = config->rto_min = 10 * TV_S;
	config->rst_per_second = 1000000;
	config->replies_per_second = 0;
}

static bool make_stack(struct driver *d)
{
	struct tv_link_config link = {.size = sizeof link, .kind = TV_LINK_IP, .mtu = 1500};
	struct tv_config config;
	unsigned bits = d->setup.v6 ? 64 : 120;
	int number;

	set_config(d, &config);
	d->bytes = tv_stack_size(&config);
	if (d->bytes == 0)
		return false;
	d->bytes = (d->bytes + 63) & ~(size_t)63;
	d->region = aligned_alloc(64, d->bytes);
	d->copy = aligned_alloc(64, d->bytes);
	if (!d->region || !d->copy)
		return false;
	memset(d->region, 0, d->bytes);
	if (tv_stack_init(d->region, d->bytes, &config, d->now, &d->stack) != TV_OK)
		return false;
	number = tv_link_add(d->stack, d->now, &link);
	return number >= 0
		&& tv_address_add(d->stack, d->now, (unsigned)number, &d->local, bits) == TV_OK;
}

static struct driver *driver_at(const struct driver_setup *setup, tv_time now)
{
	struct driver *d = calloc(1, sizeof *d);

	if (!d)
		return NULL;
	d->setup = *setup;
	d->now = now;
	d->m.ts_on = setup->timestamps;
	set_addresses(d);
	if (make_stack(d))
		reach(d);
	else
		fail(d, "the stack cannot be made");
	if (d->failed) {
		driver_free(d);
		return NULL;
	}
	/* what has been read before the case begins does not count */
	events_of(d);
	memcpy(d->copy, d->region, d->bytes);
	d->copy_now = d->now;
	d->copy_connection = d->connection;
	return d;
}

struct driver *driver_new(const struct driver_setup *setup)
{
	const tv_time begin = 1000 * TV_S;
	struct driver *d = driver_at(setup, begin);
	uint64_t ticks;

	if (!d || setup->iss == 0 || setup->start <= START_LISTEN)
		return d;
	/* ISN = a clock of 4 us + something that stays the same [MUST-8]: wait for the right moment */
	ticks = setup->iss - d->m.iss;
	driver_free(d);
	d = driver_at(setup, begin + ticks * 4 * TV_US);
	if (d && d->m.iss != setup->iss) {
		fail(d, "the ISN does not follow a clock of 4 us");
		driver_free(d);
		return NULL;
	}
	return d;
}

void driver_free(struct driver *d)
{
	if (!d)
		return;
	free(d->region);
	free(d->copy);
	free(d);
}

uint32_t driver_right_edge(const struct driver *d) { return d->right_edge; }

void driver_edge_begins(struct driver *d, uint32_t edge) { d->right_edge = edge; }

const struct model *driver_model(const struct driver *d) { return &d->m; }

void driver_rewind(struct driver *d)
{
	memcpy(d->region, d->copy, d->bytes);
	d->now = d->copy_now;
	d->connection = d->copy_connection;
	d->right_edge = d->m.rcv_nxt + d->m.rcv_wnd;
	d->edge_guessed = d->m.state == M_SYN_SENT;
}

void driver_wait(struct driver *d, uint64_t ns)
{
	struct seen seen = {0};

	d->now += ns;
	get_packets(d, &seen, true);
}

void driver_feed(struct driver *d, const struct model_segment *s, struct seen *seen)
{
	uint8_t verdict = 0;
	uint32_t before = unread(d);

	memset(seen, 0, sizeof *seen);
	d->now += TV_MS;
	put_packet(d, s, &verdict);
	seen->verdict = tv_verdict_name((enum tv_verdict)verdict);
	seen->check = tv_stack_check(d->stack);
	get_packets(d, seen, false);
	seen->events = events_of(d);
	accept_if_there(d);
	seen->events |= events_of(d);
	d->now += 45 * TV_MS;
	get_packets(d, seen, true);
	numbers_of(d, seen);
	if (seen->state != M_CLOSED)
		seen->delivered = unread(d) - before;
	if (!seen->check)
		seen->check = tv_stack_check(d->stack);
}
