/*
 * connect.c - trivet connect: open a connection from Trivet's own stack, through a TUN device, and
 * copy the standard input to it and what comes back to the standard output, as nc does.
 *
 * The end of the input is a half-close: what the peer still says is printed. The end of the peer's
 * stream ends the verb once everything was written. Neither side is read faster than the other takes:
 * the input is not watched while the send buffer is full, and what the output has no room for stays
 * in the receive buffer, where it closes the peer's window.
 *
 * A TUN device leads to this machine's kernel; where that cannot carry packets (way.c), this says so at once instead
 * of waiting for a time-out.
 *
 * With --count the same input goes to several connections, one after the other. With --fastopen the input is read
 * before each SYN is made, which carries as much of it as fits if there is a cookie (RFC 7413).
 */
#include <errno.h>
#include <jansson.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/address.h"
#include "cli/fastopen.h"
#include "cli/signals.h"
#include "cli/verb.h"
#include "cli/way.h"
#include "posix/clock.h"

/* What a pipe takes at once when poll() says that it takes something. */
enum { OUT_BYTES = 4096, IN_BYTES = 65536 };

/* How one of several connections went. */
struct visit {
	uint64_t number;       /* from 1 */
	tv_time first_byte;    /* of the answer, after the SYN; 0: none came */
	enum tv_fastopen fastopen;
};

struct caller {
	struct common common;
	struct tunnel tunnel;
	struct run *run;
	struct tv_stack *stack;
	struct tap *tap;
	struct control *control; /* NULL: trivet ls does not see this one */
	tv_handle handle;
	struct tv_endpoint remote;
	tv_time limit;         /* how long the handshake may take */
	tv_time begun;
	bool fastopen;         /* --fastopen */
	struct fastopen_cache cache;
	uint64_t count;        /* of connections */
	struct visit visit, first;
	bool open, ended, input_over;
	enum tv_reason reason;
	int status;
	uint8_t in[IN_BYTES];  /* read, and not yet taken by the stack */
	size_t in_len, in_at;
	uint64_t sent, received;
};

/* ------------------------------------------------------------------------------------------ */
/* Copying                                                                                     */

static void on_input(void *user, int fd, short ready);
static void on_output(void *user, int fd, short ready);
static void visit_again(struct caller *c);

static void fail(struct caller *c, const char *why)
{
	complain(&c->common, "%s", why);
	c->status = EXIT_FAILED;
	run_stop(c->run);
}

/* Gives what was read to the stack; reads on when all was taken and the connection is open. */
static void push(struct caller *c)
{
	while (c->in_at < c->in_len) {
		int64_t n = tv_send(c->stack, run_now(c->run), c->handle, c->in + c->in_at,
			c->in_len - c->in_at, 0);

		if (n <= 0) {
			run_unwatch(c->run, 0);
			return;
		}
		c->in_at += (size_t)n;
		c->sent += (uint64_t)n;
	}
	if (!c->open)
		return;
	if (c->input_over)
		tv_shutdown(c->stack, run_now(c->run), c->handle);
	else if (!run_watch(c->run, 0, POLLIN, on_input, c))
		fail(c, "out of memory");
}

static void on_input(void *user, int fd, short ready)
{
	struct caller *c = user;
	ssize_t n = read(fd, c->in, sizeof c->in);

	(void)ready;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	c->in_at = 0;
	c->in_len = n > 0 ? (size_t)n : 0;
	if (n <= 0) {
		c->input_over = true;
		run_unwatch(c->run, fd);
	}
	push(c);
}

/* All that came was printed. */
static void peer_is_done(struct caller *c)
{
	c->ended = true;
	tv_close(c->stack, run_now(c->run), c->handle);
	if (c->visit.number == c->count)
		run_stop(c->run);
	else
		visit_again(c);
}

/* Prints what has arrived, as far as the output takes it. */
static void pull(struct caller *c)
{
	struct pollfd out = {.fd = 1, .events = POLLOUT};
	char text[OUT_BYTES];

	while (!c->ended) {
		int64_t n;

		if (poll(&out, 1, 0) != 1) {
			if (!run_watch(c->run, 1, POLLOUT, on_output, c))
				fail(c, "out of memory");
			return;
		}
		n = tv_recv(c->stack, run_now(c->run), c->handle, text, sizeof text, 0);
		if (n == TV_AGAIN)
			break;
		if (n <= 0) {
			peer_is_done(c);
			break;
		}
		if (c->received == 0)
			c->visit.first_byte = run_now(c->run) - c->begun;
		c->received += (uint64_t)n;
		for (int64_t at = 0, w = 0; at < n; at += w) {
			w = write(1, text + at, (size_t)(n - at));
			if (w < 0 && errno != EINTR && errno != EAGAIN) {
				fail(c, "the standard output is gone");
				return;
			}
			w = w < 0 ? 0 : w;
		}
	}
	run_unwatch(c->run, 1);
}

static void on_output(void *user, int fd, short ready)
{
	(void)fd;
	(void)ready;
	pull(user);
}

/* ------------------------------------------------------------------------------------------ */
/* Events                                                                                      */

/* With --json what is told stands on the standard error, an object a line: the output is the peer's. */
static void tell_json(json_t *o)
{
	if (json_dumpf(o, stderr, JSON_COMPACT | JSON_ENSURE_ASCII) == 0)
		fputc('\n', stderr);
	json_decref(o);
}

static void on_open(struct caller *c)
{
	struct tv_info info = {.size = sizeof info};
	char time[24], from[ENDPOINT_TEXT], to[ENDPOINT_TEXT];
	tv_time took = run_now(c->run) - c->begun;

	c->open = true;
	run_alarm(c->run, TV_NEVER, NULL, NULL);
	if (tv_info(c->stack, c->handle, &info) < 0)
		return;
	c->visit.fastopen = info.fastopen;
	endpoint_text(&info.local, from);
	endpoint_text(&info.remote, to);
	if (c->common.json)
		tell_json(json_pack("{s:s,s:s,s:s,s:I,s:I,s:s}", "what", "connected", "local", from, "remote", to,
			"handshake_ns", (json_int_t)took, "visit", (json_int_t)c->visit.number, "fastopen",
			tv_fastopen_name(info.fastopen)));
	else if (!c->common.quiet)
		fprintf(stderr, "Connected %s to %s in %s.\n", from, to, duration_text(took, time));
	push(c);
}

/* How a connection went, after its end. */
static void tell_end(const struct caller *c)
{
	const struct visit *v = &c->visit;
	char time[24];

	if (c->common.json) {
		tell_json(json_pack("{s:s,s:s,s:I,s:I,s:I,s:I,s:s}", "what", "ended", "reason", tv_reason_name(c->reason),
			"received", (json_int_t)c->received, "sent", (json_int_t)c->sent, "visit", (json_int_t)v->number,
			"first_byte_ns", (json_int_t)v->first_byte, "fastopen", tv_fastopen_name(v->fastopen)));
		return;
	}
	if (c->common.quiet || !c->open || !(c->fastopen || c->count > 1))
		return;
	if (v->first_byte)
		fprintf(stderr, "First byte after %s.", duration_text(v->first_byte, time));
	else
		fprintf(stderr, "Nothing came back.");
	if (c->fastopen)
		fprintf(stderr, " Fast Open: %s.", tv_fastopen_text(v->fastopen));
	fputc('\n', stderr);
}

/* What the visits to a server that gives cookies gain: their request travels with the SYN. */
static void tell_saved(const struct caller *c)
{
	char first[24], last[24];

	if (c->common.json || c->common.quiet || !c->fastopen || !c->open || !c->visit.first_byte)
		return;
	if (c->visit.fastopen != TV_FO_ACCEPTED)
		fprintf(stderr, "No round trip was saved%s.\n", c->visit.fastopen == TV_FO_GRANTED && !c->cache.path ?
			": a second visit would, try --count 2" : "");
	else if (c->first.first_byte && c->first.fastopen != TV_FO_ACCEPTED)
		fprintf(stderr, "Data on the SYN saved one round trip: the answer began after %s on the first visit, "
			"after %s on the %s.\n", duration_text(c->first.first_byte, first),
			duration_text(c->visit.first_byte, last), c->count == 2 ? "second" : "last");
	else
		fprintf(stderr, "Data on the SYN saved one round trip.\n");
}

/* The connection is no more; after an orderly end there may still be something to print. */
static void on_closed(struct caller *c, enum tv_reason reason)
{
	char to[ENDPOINT_TEXT];

	c->reason = reason;
	if (reason == TV_R_NORMAL)
		return;
	c->ended = true;
	run_stop(c->run);
	complain(&c->common, "%s: %s", endpoint_text(&c->remote, to), tv_reason_text(reason));
	c->status = EXIT_FAILED;
	if (!c->open && reason != TV_R_REFUSED)
		tell_purpose(&c->common, &c->remote);
}

static void on_event(void *user, const struct tv_event *event)
{
	struct caller *c = user;

	if (event->handle != c->handle)
		return; /* an earlier visit, which ends by itself */
	if (event->flags & TV_EV_CONNECTED)
		on_open(c);
	if (event->flags & TV_EV_WRITABLE)
		push(c);
	if (event->flags & TV_EV_CLOSED)
		on_closed(c, event->reason);
	if (event->flags & (TV_EV_READABLE | TV_EV_PEER_CLOSED | TV_EV_CLOSED) && c->open && !c->ended)
		pull(c);
}

static void on_timeout(void *user)
{
	struct caller *c = user;
	char to[ENDPOINT_TEXT], time[24];

	complain(&c->common, "%s: no answer within %s", endpoint_text(&c->remote, to),
		duration_text(c->limit, time));
	tell_purpose(&c->common, &c->remote);
	c->status = EXIT_FAILED;
	run_stop(c->run);
}

/* ------------------------------------------------------------------------------------------ */
/* Beginning and end                                                                           */

static struct tv_stack *small_stack(const struct common *common)
{
	struct tv_config config;

	tv_config_default(&config);
	config.connections = 16;
	config.half_opens = 16;
	config.time_waits = 16;
	config.addresses = TUNNEL_ADDRESSES + 1;
	config.routes = 2 * TUNNEL_ADDRESSES + 2;
	config.defaults.snd_buf = 1u << 20;
	config.defaults.rcv_buf = 1u << 20;
	return stack_make(common, &config, clock_now());
}

/* What the SYN shall carry must be there before it: the first piece of the input, or all of it for several visits. */
static int read_input(struct caller *c)
{
	while (!c->input_over && c->in_len < sizeof c->in) {
		ssize_t n = read(0, c->in + c->in_len, sizeof c->in - c->in_len);

		if (n < 0 && errno == EINTR)
			continue;
		c->input_over = n <= 0;
		c->in_len += n > 0 ? (size_t)n : 0;
		if (c->count == 1)
			return 0;
	}
	if (c->input_over)
		return 0;
	complain(&c->common, "--count: an input that goes to several connections has less than %d bytes", IN_BYTES);
	return EXIT_USAGE;
}

static int start(struct caller *c)
{
	struct tv_connect_config config;
	int error;

	tv_connect_default(&config);
	config.remote = c->remote;
	config.fastopen = c->fastopen;
	c->visit = (struct visit){.number = c->visit.number + 1};
	c->sent = c->received = 0;
	c->begun = run_now(c->run);
	do
		error = tv_connect(c->stack, run_now(c->run), &config, &c->handle, NULL);
	while (error == TV_AGAIN);
	if (error < 0) {
		complain(&c->common, "cannot connect: %s", tv_error_text(error));
		return EXIT_FAILED;
	}
	if (c->limit)
		run_alarm(c->run, c->begun + c->limit, on_timeout, c);
	if (c->fastopen)
		push(c);
	return 0;
}

/* The next of several connections. */
static void visit_again(struct caller *c)
{
	tell_end(c);
	tv_release(c->stack, run_now(c->run), c->handle);
	if (c->visit.number == 1)
		c->first = c->visit;
	c->handle = 0;
	c->open = c->ended = false;
	c->in_at = 0;
	c->status = start(c);
	if (c->status)
		run_stop(c->run);
}

static int begin(struct caller *c)
{
	int status;

	c->stack = small_stack(&c->common);
	c->run = c->stack ? run_new(c->stack) : NULL;
	if (!c->run)
		return EXIT_FAILED;
	status = tunnel_open(&c->tunnel, &c->common);
	if (status) {
		tell_purpose(&c->common, &c->remote);
		return status;
	}
	if (c->tunnel.count == 0) {
		complain(&c->common, "%s has no address: give the kernel's end one with --addr",
			c->tunnel.device);
		tell_purpose(&c->common, &c->remote);
		return EXIT_USAGE;
	}
	if (!check_way(&c->common, &c->tunnel, &c->remote))
		return EXIT_FAILED;
	status = tunnel_join(&c->tunnel, &c->common, c->run, c->stack);
	if (status)
		return status;
	if (!dump_open(&c->common, TV_LINK_IP, TAP_CUT | TAP_FLUSH, &c->tap))
		return EXIT_RIGHTS;
	c->tunnel.link->tap = c->tap;
	c->control = control_offer(&c->common, c->run, c->stack);
	run_events(c->run, on_event, c);
	if (c->cache.path)
		fastopen_load(&c->common, &c->cache, c->stack, run_now(c->run));
	status = c->fastopen || c->count > 1 ? read_input(c) : 0;
	return status ? status : start(c);
}

/* Lets the last packets leave: our FIN and the acknowledgment of it, or a second has passed. */
static void linger(struct caller *c)
{
	tv_time limit = run_now(c->run) + TV_S;
	struct tv_info info = {.size = sizeof info};

	run_events(c->run, NULL, NULL);
	while (run_now(c->run) < limit && run_once(c->run, limit) == 0)
		if (tv_info(c->stack, c->handle, &info) < 0 || info.state == TV_TIME_WAIT ||
			info.state == TV_CLOSED || info.state == TV_FIN_WAIT_2)
			break;
}

/* Copies until the connection or the user ends it. Returns the exit status. */
static int copy(struct caller *c)
{
	struct signals signals;

	if (!signals_watch(&signals, c->run)) {
		complain(&c->common, "signals cannot be watched: %s", strerror(errno));
		return EXIT_FAILED;
	}
	if (run_loop(c->run, TV_NEVER) < 0) {
		complain(&c->common, "%s", run_error(c->run));
		c->status = EXIT_FAILED;
	}
	signals_end(&signals);
	return signals.came ? EXIT_FAILED : c->status;
}

static int call(struct caller *c)
{
	int status = begin(c);

	if (status == 0)
		status = copy(c);
	if (c->handle) {
		tell_end(c);
		tell_saved(c);
		if (!c->ended)
			tv_abort(c->stack, run_now(c->run), c->handle);
		run_unwatch(c->run, 0);
		run_unwatch(c->run, 1);
		linger(c);
	}
	if (c->cache.path && c->handle && !fastopen_save(&c->common, &c->cache, c->stack) && status == 0)
		status = EXIT_FAILED;
	control_close(c->control);
	tunnel_close(&c->tunnel);
	if (!dump_close(&c->common, c->tap) && status == 0)
		status = EXIT_FAILED;
	if (c->run)
		run_free(c->run);
	return status;
}

static const char about[] =
	"Connects to ADDR PORT from Trivet's own TCP, through the TUN device NAME, and copies\n"
	"the terminal to the connection and back, as nc does. The kernel's end of the device\n"
	"gets the address A; Trivet is the next address of that subnet. --addr may be left\n"
	"out if the device has an address. Without a device, this verb reaches nothing: to\n"
	"learn why an ordinary connection does not come up, there is 'trivet check'.\n"
	"VISITS are --count and --fastopen: several connections, one after the other, which\n"
	"send what is typed with the SYN once the server has given a cookie (RFC 7413). Such\n"
	"data may arrive twice: only for requests that do no harm when they are repeated.";

static const char examples[] =
	"  nc -l 10.9.0.1 7777 &\n"
	"  sudo trivet connect --tun tv0 --addr 10.9.0.1/24 10.9.0.1 7777\n"
	"  echo hello | sudo trivet connect --fastopen --count 2 10.9.0.1 7777\n";

int verb_connect(int argc, char **argv)
{
	struct caller *c = calloc(1, sizeof *c);
	struct texts addrs = {.count = 0};
	const char *device = "tv0";
	bool self = false;
	uint64_t port;
	int status;

	if (!c)
		return EXIT_FAILED;
	c->count = 1;
	const struct option options[] = {
		{"tun", 0, OPTION_TEXT, "NAME", "the TUN device (tv0)", &device, 0, 0},
		{"addr", 0, OPTION_TEXTS, "A/LEN", "the kernel's end; again: another (IPv4, IPv6)", &addrs,
			0, 0},
		{"self", 0, OPTION_FLAG, NULL, "--addr is Trivet's end, the kernel's is the next", &self, 0,
			0},
		{"timeout", 0, OPTION_DURATION, "TIME", "give up if it is not open by then", &c->limit, 0, 0},
		{"count", 0, OPTION_NUMBER, "N", "connections, one after the other, with the same input", &c->count, 1, 1000},
		{"fastopen", 0, OPTION_FLAG, NULL, "data on the SYN once the server gave a cookie", &c->fastopen, 0, 0},
		{"fastopen-cache", 0, OPTION_TEXT, "FILE", "keep the cookies there", &c->cache.path, 0, 0},
		{0},
	};
	const struct usage usage = {"connect", "[--tun NAME] [--addr A/LEN] [--self] [VISITS] ADDR PORT", about,
		options, examples};
	int operands = options_read(&usage, &c->common, argc, argv);

	if (c->cache.path && !c->fastopen)
		usage_error("connect", "--fastopen-cache is for --fastopen");
	if (operands != 2)
		usage_error("connect", "%s", operands < 2 ? "ADDR and PORT are needed" :
							   "ADDR and PORT are enough");
	if (!address_read(argv[1], &c->remote.addr))
		usage_error("connect", "'%s' is not an IPv4 or IPv6 address (names are not looked up)",
			argv[1]);
	if (!number_read(argv[2], 1, 65535, &port))
		usage_error("connect", "'%s' is not a port: a number from 1 to 65535", argv[2]);
	c->remote.port = (uint16_t)port;
	tunnel_addresses(&c->tunnel, &c->common, &addrs, self);
	c->tunnel.device = device;
	status = call(c);
	free(c);
	return status;
}
