/*
 * serve.c - trivet serve: a listener behind a TUN device.
 *
 * One loop (posix/run.h), one stack, one listener. A connection is a struct client from accept to
 * close; its address is the `user` word of the connection, so that an event finds it without a table.
 * The service is called on every event and does what goes; what does not go now goes at the next
 * event. A connection on which nothing has moved for IDLE is closed: clients are kept in the order
 * of their last activity, and an alarm looks at the oldest.
 *
 * SIGINT and SIGTERM end the loop; connections that are open then are reset, so that no peer is
 * left to find out by time-out.
 */
#include "cli/serve.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "cli/fastopen.h"
#include "cli/signals.h"
#include "cli/verb.h"
#include "posix/clock.h"

#define IDLE (300 * TV_S)
#define LOOK (5 * TV_S)

/* ------------------------------------------------------------------------------------------ */
/* Clients                                                                                     */

static void unlink_client(struct client *c)
{
	struct server *s = c->server;

	*(c->older ? &c->older->newer : &s->oldest) = c->newer;
	*(c->newer ? &c->newer->older : &s->newest) = c->older;
	c->older = c->newer = NULL;
}

static void append_client(struct client *c)
{
	struct server *s = c->server;

	c->active = run_now(s->run);
	c->older = s->newest;
	*(s->newest ? &s->newest->newer : &s->oldest) = c;
	s->newest = c;
}

static void moved(struct client *c)
{
	unlink_client(c);
	append_client(c);
}

int64_t client_recv(struct client *c, void *data, size_t len, unsigned flags)
{
	int64_t n = tv_recv(c->server->stack, run_now(c->server->run), c->handle, data, len, flags);

	if (n > 0 && !(flags & TV_RECV_PEEK)) {
		c->received += (uint64_t)n;
		moved(c);
	}
	return n;
}

void client_consume(struct client *c, size_t len)
{
	if (tv_consume(c->server->stack, run_now(c->server->run), c->handle, len) >= 0)
		c->received += len;
}

int64_t client_send(struct client *c, const void *data, size_t len)
{
	int64_t n = tv_send(c->server->stack, run_now(c->server->run), c->handle, data, len, 0);

	if (n > 0) {
		c->sent += (uint64_t)n;
		moved(c);
	}
	return n;
}

void client_shutdown(struct client *c)
{
	tv_shutdown(c->server->stack, run_now(c->server->run), c->handle);
}

void client_close(struct client *c)
{
	if (!c->over)
		tv_close(c->server->stack, run_now(c->server->run), c->handle);
	c->over = c->over ? c->over : "closed";
}

void client_abort(struct client *c)
{
	if (!c->over)
		tv_abort(c->server->stack, run_now(c->server->run), c->handle);
	c->over = c->over ? c->over : "reset";
}

void client_log(const struct client *c, const char *what, const char *detail)
{
	const struct common *common = &c->server->common;
	char peer[ENDPOINT_TEXT];

	endpoint_text(&c->peer, peer);
	if (common->quiet)
		return;
	if (!common->json) {
		printf("%s %s%s%s\n", peer, what, *detail ? " " : "", detail);
		return;
	}
	json_t *o = json_pack("{s:s,s:s,s:s,s:I,s:I,s:b,s:b}", "peer", peer, "what", what, "detail", detail,
		"received", (json_int_t)c->received, "sent", (json_int_t)c->sent, "cookie", c->cookie, "fastopen",
		c->fastopen);
	if (json_dumpf(o, stdout, JSON_COMPACT | JSON_ENSURE_ASCII) == 0)
		putchar('\n');
	json_decref(o);
}

/* The end of a client, with a line that says how. */
static void forget(struct client *c, const char *how)
{
	struct server *s = c->server;
	char in[24], out[24], detail[80];

	if (s->service != &service_http) {
		snprintf(detail, sizeof detail, "(%s in, %s out%s)", bytes_text(c->received, in), bytes_text(c->sent, out),
			c->cookie ? ", from a cookie" : c->fastopen ? ", Fast Open" : "");
		client_log(c, how, detail);
	}
	if (s->service->gone)
		s->service->gone(c);
	unlink_client(c);
	tv_set(s->stack, run_now(s->run), c->handle, TV_OPT_USER, 0);
	tv_release(s->stack, run_now(s->run), c->handle);
	s->received += c->received;
	s->sent += c->sent;
	s->open--;
	free(c);
}

static void attend(struct client *c)
{
	c->server->service->ready(c);
	if (c->over)
		forget(c, c->over);
}

static void take_client(struct server *s, tv_handle handle)
{
	struct tv_info info = {.size = sizeof info};
	struct client *c = calloc(1, sizeof *c);

	if (!c || tv_info(s->stack, handle, &info) < 0) {
		tv_abort(s->stack, run_now(s->run), handle);
		tv_release(s->stack, run_now(s->run), handle);
		free(c);
		return;
	}
	c->server = s;
	c->handle = handle;
	c->peer = info.remote;
	c->cookie = info.from_cookie;
	c->fastopen = info.fastopen == TV_FO_ACCEPTED;
	append_client(c);
	s->accepted++;
	s->open++;
	tv_set(s->stack, run_now(s->run), handle, TV_OPT_USER, (uintptr_t)c);
	attend(c); /* what arrived before it was accepted is not told again */
}

/* ------------------------------------------------------------------------------------------ */
/* The loop's calls                                                                            */

/* A line when a flood of SYNs begins, and one with its numbers when it is over. */
static void tell_flood(const struct server *s, bool over)
{
	struct tv_info info = {.size = sizeof info};
	const struct tv_flood *f = &info.flood;
	char duration[24];

	if (s->common.quiet || tv_info(s->stack, s->listener, &info) < 0)
		return;
	if (s->common.json) {
		json_t *o = json_pack("{s:s,s:I,s:I,s:I,s:I,s:I,s:I}", "what", over ? "flood over" : "flood begins", "port",
			(json_int_t)s->port, "ns", (json_int_t)(f->last - f->began), "syns", (json_int_t)f->syns, "cookies",
			(json_int_t)f->cookies, "accepted", (json_int_t)f->accepted, "dropped", (json_int_t)f->dropped);

		if (json_dumpf(o, stdout, JSON_COMPACT) == 0)
			putchar('\n');
		json_decref(o);
	} else if (over) {
		printf("The flood of SYNs to port %u is over: %s, %llu SYNs, %llu answered with a cookie, %llu dropped; "
			"%llu connections came from cookies.\n", s->port, duration_text(f->last - f->began, duration),
			(unsigned long long)f->syns, (unsigned long long)f->cookies, (unsigned long long)f->dropped,
			(unsigned long long)f->accepted);
	} else {
		printf("A flood of SYNs to port %u begins: %s.\n", s->port,
			s->cookies == TV_COOKIES_NEVER ? "more are dropped" : "more are answered with cookies");
	}
}

static void on_event(void *user, const struct tv_event *event)
{
	struct server *s = user;
	struct client *c = (struct client *)(uintptr_t)event->user;
	tv_handle handle;

	if (event->flags & (TV_EV_FLOOD | TV_EV_FLOOD_OVER))
		tell_flood(s, (event->flags & TV_EV_FLOOD_OVER) != 0);
	if (event->flags & TV_EV_ACCEPT)
		while (tv_accept(s->stack, run_now(s->run), s->listener, &handle) == 0)
			take_client(s, handle);
	if (!c)
		return;
	if (event->flags & TV_EV_CLOSED) {
		/* What had arrived can still be read. */
		s->service->ready(c);
		forget(c, c->over ? c->over : tv_reason_text(event->reason));
		return;
	}
	attend(c);
}

static void on_alarm(void *user)
{
	struct server *s = user;
	tv_time now = run_now(s->run);

	for (struct client *c = s->oldest, *next; c && now - c->active >= IDLE; c = next) {
		next = c->newer;
		client_abort(c);
		forget(c, "idle: reset");
	}
	run_alarm(s->run, now + LOOK, on_alarm, s);
}

/* ------------------------------------------------------------------------------------------ */
/* Beginning and end                                                                           */

static struct tv_stack *big_stack(const struct server *s)
{
	struct tv_config config;

	tv_config_default(&config);
	config.connections = 16384;
	config.half_opens = s->backlog > 8192 ? s->backlog : 8192;
	config.time_waits = 65536;
	config.pages = 131072;
	config.small_pages = 65536;
	config.ranges = 262144;
	config.listeners = 4;
	config.addresses = TUNNEL_ADDRESSES + 1;
	config.routes = 2 * TUNNEL_ADDRESSES + 2;
	config.defaults.snd_buf = 1u << 20;
	config.defaults.rcv_buf = 1u << 20;
	config.defaults.keepalive = true;
	config.syn_cookies = s->cookies;
	config.syn_per_second = s->syn_rate;
	config.syn_prefix_v4 = s->syn_prefix_v4;
	config.syn_prefix_v6 = s->syn_prefix_v6;
	return stack_make(&s->common, &config, clock_now());
}

static int begin(struct server *s)
{
	struct tv_listen_config config;
	int status, error;

	s->stack = big_stack(s);
	s->run = s->stack ? run_new(s->stack) : NULL;
	if (!s->run)
		return EXIT_FAILED;
	status = tunnel_open(&s->tunnel, &s->common);
	if (status)
		return status;
	if (s->tunnel.count == 0)
		usage_error("serve", "%s has no address yet: give one with --addr", s->tunnel.device);
	status = tunnel_join(&s->tunnel, &s->common, s->run, s->stack);
	if (status)
		return status;
	if (!dump_open(&s->common, TV_LINK_IP, TAP_CUT | TAP_FLUSH, &s->tap))
		return EXIT_RIGHTS;
	s->tunnel.link->tap = s->tap;
	tv_listen_default(&config);
	config.port_first = config.port_last = s->port;
	config.backlog = s->backlog;
	if (s->key_file) {
		status = fastopen_read_keys(&s->common, s->key_file, s->stack, run_now(s->run));
		if (status)
			return status;
		config.fastopen = TV_FASTOPEN_PENDING;
	}
	error = tv_listen(s->stack, run_now(s->run), &config, &s->listener);
	if (error) {
		complain(&s->common, "cannot listen on port %u: %s", s->port, tv_error_text(error));
		return EXIT_FAILED;
	}
	s->control = control_offer(&s->common, s->run, s->stack);
	run_events(s->run, on_event, s);
	run_alarm(s->run, run_now(s->run) + LOOK, on_alarm, s);
	return 0;
}

static void announce_json(const struct server *s)
{
	json_t *o = json_pack("{s:s,s:s,s:s,s:I}", "what", "listening", "service", s->service->name,
		"device", s->tunnel.link->name, "port", (json_int_t)s->port);
	json_t *list = json_array();
	char text[ADDRESS_TEXT];

	for (unsigned i = 0; i < s->tunnel.count; i++)
		json_array_append_new(list, json_string(address_text(&s->tunnel.at[i].self, text)));
	json_object_set_new(o, "addresses", list);
	json_dumpf(o, stdout, JSON_COMPACT | JSON_ENSURE_ASCII);
	putchar('\n');
	json_decref(o);
}

static void announce(const struct server *s)
{
	bool http = s->service == &service_http;
	char text[ENDPOINT_TEXT], addr[ADDRESS_TEXT];

	if (s->common.json) {
		announce_json(s);
		return;
	}
	if (s->common.quiet)
		return;
	printf("Trivet listens behind %s and %s. Ctrl-C ends it. Try:\n", s->tunnel.link->name,
		s->service->what);
	for (unsigned i = 0; i < s->tunnel.count; i++) {
		struct tv_endpoint at = {.addr = s->tunnel.at[i].self, .port = s->port};

		if (http)
			printf("  curl %shttp://%s/\n", s->key_file ? "--tcp-fastopen " : "", endpoint_text(&at, text));
		else
			printf("  nc -N %s %u\n", address_text(&at.addr, addr), s->port);
	}
}

static void sum_up(const struct server *s)
{
	char connections[40], in[24], out[24];

	if (s->common.quiet || s->common.json)
		return;
	printf("Served %s: %s in, %s out.\n", counted(s->accepted, "connection", connections, 40),
		bytes_text(s->received, in), bytes_text(s->sent, out));
}

static int finish(struct server *s, int status)
{
	for (struct client *c = s->oldest, *next; c; c = next) {
		next = c->newer;
		client_abort(c);
		forget(c, "reset: the server ends");
	}
	if (s->listener) {
		tv_close(s->stack, run_now(s->run), s->listener);
		run_once(s->run, run_now(s->run));
		sum_up(s);
	}
	control_close(s->control);
	tunnel_close(&s->tunnel);
	if (!dump_close(&s->common, s->tap) && status == 0)
		status = EXIT_FAILED;
	if (s->run)
		run_free(s->run);
	return status;
}

static int serve(struct server *s)
{
	int status = begin(s);
	struct signals signals;

	if (status)
		return finish(s, status);
	if (!signals_watch(&signals, s->run)) {
		complain(&s->common, "signals cannot be watched: %s", strerror(errno));
		return finish(s, EXIT_FAILED);
	}
	announce(s);
	if (run_loop(s->run, TV_NEVER) < 0) {
		complain(&s->common, "%s", run_error(s->run));
		status = EXIT_FAILED;
	}
	signals_end(&signals);
	return finish(s, status);
}

/* ------------------------------------------------------------------------------------------ */
/* The verb                                                                                    */

static const char about[] =
	"Makes the TUN device NAME, or attaches to it if it is there, and listens on PORT\n"
	"behind it. The kernel's end of the device gets the address A; Trivet is the next\n"
	"address of that subnet. Every program of this machine can then connect to Trivet.\n"
	"SERVICE is --echo (if none is named), --discard, --abort or --http DIR. LIMITS are\n"
	"--syn-cookies, --backlog and --syn-rate: what a flood of SYNs meets. With a key\n"
	"for Fast Open clients that come again send data on the SYN (RFC 7413), which may\n"
	"then arrive twice: only for a service to which a repeated request does no harm.";

static const char examples[] =
	"  sudo trivet serve --echo --tun tv0 --addr 10.9.0.1/24 7\n"
	"  sudo trivet serve --http . --tun tv0 --addr 10.9.0.1/24 --addr fd00:9::1/64 80\n"
	"  curl http://10.9.0.2/\n";

static void choose_service(struct server *s, bool echo, bool discard, bool reset, const char *dir)
{
	if (echo + discard + reset + (dir != NULL) > 1)
		usage_error("serve", "--echo, --discard, --abort and --http are one choice");
	s->service = discard ? &service_discard : reset ? &service_abort : &service_echo;
	if (!dir)
		return;
	s->service = &service_http;
	s->root = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->root < 0) {
		complain(&s->common, "--http %s: %s", dir, strerror(errno));
		exit(EXIT_RIGHTS);
	}
}

/* auto, always, never, farm */
static void read_cookies(struct server *s, const char *text)
{
	static const char *const names[] = {"never", "auto", "always", "farm"};

	for (unsigned i = 0; i < sizeof names / sizeof *names; i++)
		if (strcmp(text, names[i]) == 0) {
			s->cookies = (enum tv_cookies)i;
			return;
		}
	usage_error("serve", "--syn-cookies '%s': auto, always, never or farm", text);
}

/* N/s for all together, N/s/BITS for each IPv4 prefix of so many bits and each /56 of IPv6, N/s/BITS/BITS. */
static void read_rate(struct server *s, const char *text)
{
	unsigned long rate, v4 = 0, v6 = 56;
	char *end;

	rate = strtoul(text, &end, 10);
	if (end != text && rate >= 1 && rate <= 4000000 && strncmp(end, "/s", 2) == 0) {
		end += 2;
		if (*end == 0)
			v6 = 0;
		else if (*end == '/' && end[1] >= '0' && end[1] <= '9')
			v4 = strtoul(end + 1, &end, 10);
		if (*end == '/' && end[1] >= '0' && end[1] <= '9')
			v6 = strtoul(end + 1, &end, 10);
		if (*end == 0 && v4 <= 32 && v6 <= 64) {
			s->syn_rate = (uint32_t)rate;
			s->syn_prefix_v4 = (uint8_t)v4;
			s->syn_prefix_v6 = (uint8_t)v6;
			return;
		}
	}
	usage_error("serve", "--syn-rate '%s': for instance 1000/s, or 10/s/24 for each /24", text);
}

int verb_serve(int argc, char **argv)
{
	bool echo = false, discard = false, reset = false, self = false;
	struct texts addrs = {.count = 0};
	const char *dir = NULL, *device = "tv0", *cookies = "auto", *rate = NULL;
	struct server *s = calloc(1, sizeof *s);
	uint64_t port, backlog = 8192;
	int status;

	if (!s)
		return EXIT_FAILED;
	const struct option options[] = {
		{"echo", 0, OPTION_FLAG, NULL, "send back what is received", &echo, 0, 0},
		{"discard", 0, OPTION_FLAG, NULL, "read and forget", &discard, 0, 0},
		{"abort", 0, OPTION_FLAG, NULL, "reset who sends something", &reset, 0, 0},
		{"http", 0, OPTION_TEXT, "DIR", "serve the files of a directory", &dir, 0, 0},
		{"tun", 0, OPTION_TEXT, "NAME", "the TUN device (tv0)", &device, 0, 0},
		{"addr", 0, OPTION_TEXTS, "A/LEN", "the kernel's end; again: another (IPv4, IPv6)", &addrs,
			0, 0},
		{"self", 0, OPTION_FLAG, NULL, "--addr is Trivet's end, the kernel's is the next", &self, 0,
			0},
		{"syn-cookies", 0, OPTION_TEXT, "MODE", "auto, always, never or farm (auto)", &cookies, 0, 0},
		{"backlog", 0, OPTION_NUMBER, "N", "connections half open, and not accepted yet (8192)", &backlog, 1, 1000000},
		{"syn-rate", 0, OPTION_TEXT, "N/s[/BITS]", "SYNs taken, in all or from each prefix", &rate, 0, 0},
		{"fastopen-key-file", 0, OPTION_TEXT, "FILE", "Fast Open, with the key of net.ipv4.tcp_fastopen_key",
			&s->key_file, 0, 0},
		{0},
	};
	const struct usage usage = {"serve", "[SERVICE] [--tun NAME] --addr A/LEN [--self] [LIMITS] PORT", about, options,
		examples};
	int operands = options_read(&usage, &s->common, argc, argv);

	s->root = -1;
	if (operands != 1)
		usage_error("serve", "%s", operands ? "one PORT is enough" : "the PORT is missing");
	if (!number_read(argv[1], 1, 65535, &port))
		usage_error("serve", "'%s' is not a port: a number from 1 to 65535", argv[1]);
	s->port = (uint16_t)port;
	s->backlog = (uint32_t)backlog;
	read_cookies(s, cookies);
	if (rate)
		read_rate(s, rate);
	tunnel_addresses(&s->tunnel, &s->common, &addrs, self);
	s->tunnel.device = device;
	choose_service(s, echo, discard, reset, dir);
	setvbuf(stdout, NULL, _IOLBF, 0);
	status = serve(s);
	free(s);
	return status;
}
