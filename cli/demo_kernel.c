/*
 * demo_kernel.c - three plays between this machine's TCP and Trivet: the kernel opens, Trivet opens,
 * and Trivet meets a closed port.
 *
 * Each play is a list of steps: do something at one end, then move packets until the other end has
 * noticed. The kernel's end is an ordinary socket that never blocks. In the closing, either end
 * waits until its FIN was acknowledged before the other closes too, so that four arrows can be seen
 * where a hurried program would show three.
 */
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cli/address.h"
#include "cli/demo_stage.h"
#include "posix/clock.h"

struct play {
	struct stage *stage;
	int listener, fd;      /* the kernel's sockets; -1: none */
	tv_handle asked, handle; /* Trivet's listener and connection */
	size_t got;            /* bytes of the text that is awaited */
	size_t want;
	bool ended;            /* the awaited end of stream was read */
};

/* ------------------------------------------------------------------------------------------ */
/* Sockets                                                                                     */

static void to_sockaddr(const struct tv_endpoint *e, struct sockaddr_in *a)
{
	memset(a, 0, sizeof *a);
	a->sin_family = AF_INET;
	a->sin_port = htons(e->port);
	memcpy(&a->sin_addr, e->addr.b + 12, 4);
}

static int make_socket(void)
{
	return socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

/* Starts to connect; learns the port that the kernel chose. */
static bool kernel_connect(struct play *p)
{
	struct stage *st = p->stage;
	struct sockaddr_in from, to;
	socklen_t len = sizeof from;

	st->kernel.port = 0;
	to_sockaddr(&st->kernel, &from);
	to_sockaddr(&st->trivet, &to);
	p->fd = make_socket();
	if (p->fd < 0 || bind(p->fd, (struct sockaddr *)&from, sizeof from) != 0 ||
		getsockname(p->fd, (struct sockaddr *)&from, &len) != 0)
		return false;
	st->kernel.port = ntohs(from.sin_port);
	return connect(p->fd, (struct sockaddr *)&to, sizeof to) == 0 || errno == EINPROGRESS;
}

static bool kernel_listen(struct play *p)
{
	struct sockaddr_in at;
	int on = 1;

	to_sockaddr(&p->stage->kernel, &at);
	p->listener = make_socket();
	return p->listener >= 0 &&
		setsockopt(p->listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
		bind(p->listener, (struct sockaddr *)&at, sizeof at) == 0 && listen(p->listener, 8) == 0;
}

/* ------------------------------------------------------------------------------------------ */
/* What is waited for                                                                          */

static bool trivet_idle(const struct play *p)
{
	struct tv_info info = {.size = sizeof info};

	return tv_info(p->stage->stack, p->handle, &info) == 0 && info.bytes_in_flight == 0 &&
		info.bytes_queued == 0;
}

static bool is_open(void *user)
{
	struct play *p = user;
	struct pollfd out = {.fd = p->fd, .events = POLLOUT};

	if (p->asked && !p->handle)
		tv_accept(p->stage->stack, clock_now(), p->asked, &p->handle);
	if (p->listener >= 0 && p->fd < 0)
		p->fd = accept4(p->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (!p->handle || p->fd < 0)
		return false;
	return stage_trivet_state(p->stage) == TV_ESTABLISHED && poll(&out, 1, 0) == 1;
}

static bool trivet_has_read(void *user)
{
	struct play *p = user;
	char text[256];
	int64_t n = tv_recv(p->stage->stack, clock_now(), p->handle, text, sizeof text, 0);

	if (n > 0)
		p->got += (size_t)n;
	return p->got >= p->want;
}

static bool kernel_has_read(void *user)
{
	struct play *p = user;
	char text[256];
	ssize_t n = recv(p->fd, text, sizeof text, 0);

	if (n > 0)
		p->got += (size_t)n;
	return p->got >= p->want;
}

/* ... and its acknowledgment is back. */
static bool kernel_has_acknowledged(void *user)
{
	return kernel_has_read(user) && trivet_idle(user);
}

/* Where a listener has the port, LISTEN is what is left of a connection that is CLOSED. */
static bool is_in(enum tv_state now, enum tv_state want)
{
	return now == want || (want == TV_CLOSED && now == TV_LISTEN);
}

static bool states_are(struct play *p, enum tv_state kernel, enum tv_state trivet)
{
	enum tv_state now = stage_kernel_state(p->stage);

	return (now == LADDER_UNKNOWN || is_in(now, kernel)) && is_in(stage_trivet_state(p->stage), trivet);
}

static bool kernel_half_closed(void *user)
{
	struct play *p = user;
	char byte;

	p->ended |= tv_recv(p->stage->stack, clock_now(), p->handle, &byte, 1, 0) == 0;
	return p->ended && states_are(p, TV_FIN_WAIT_2, TV_CLOSE_WAIT);
}

static bool kernel_waits(void *user)
{
	struct play *p = user;
	char byte;

	p->ended |= recv(p->fd, &byte, 1, 0) == 0;
	return p->ended && states_are(p, TV_TIME_WAIT, TV_CLOSED);
}

static bool trivet_half_closed(void *user)
{
	struct play *p = user;
	char byte;

	p->ended |= recv(p->fd, &byte, 1, 0) == 0;
	return p->ended && states_are(p, TV_CLOSE_WAIT, TV_FIN_WAIT_2);
}

static bool trivet_waits(void *user)
{
	struct play *p = user;
	char byte;

	p->ended |= tv_recv(p->stage->stack, clock_now(), p->handle, &byte, 1, 0) == 0;
	return p->ended && states_are(p, TV_CLOSED, TV_TIME_WAIT);
}

static bool is_refused(void *user)
{
	struct play *p = user;

	return p->stage->reason != TV_R_NONE;
}

/* ------------------------------------------------------------------------------------------ */
/* The plays                                                                                   */

static void note(struct play *p, bool trivet, const char *text)
{
	unsigned about = trivet ? p->stage->trivet_end : !p->stage->trivet_end;

	scene_note(&p->stage->own, clock_now(), about, text);
}

/* Waits; what it waited for is the trouble if it does not come. */
static bool until(struct play *p, bool (*done)(void *user), const char *trouble)
{
	p->got = 0;
	p->ended = false;
	if (stage_until(p->stage, done, p))
		return true;
	p->stage->own.trouble = trouble;
	if (p->stage->reason != TV_R_NONE && p->stage->reason != TV_R_NORMAL)
		p->stage->own.trouble = tv_reason_text(p->stage->reason);
	return false;
}

static bool begin(struct play *p, struct stage *stage, const char *title, unsigned trivet_end)
{
	memset(p, 0, sizeof *p);
	p->stage = stage;
	p->fd = p->listener = -1;
	stage->trivet_end = trivet_end;
	stage->reason = TV_R_NONE;
	if (!scene_begin(&p->stage->own, stage->demo, title)) {
		stage->demo->failed = true;
		return false;
	}
	stage->scene = &stage->own;
	return true;
}

/* Both ports are known now. */
static void know_ends(struct play *p)
{
	struct stage *st = p->stage;

	p->stage->own.end[st->trivet_end] = st->trivet;
	p->stage->own.end[!st->trivet_end] = st->kernel;
	scene_ends(&p->stage->own, st->trivet_end ? "Linux" : "Trivet", st->trivet_end ? "Trivet" : "Linux");
}

static void end(struct play *p)
{
	struct stage *st = p->stage;

	scene_last(&st->own, st->trivet_end, stage_trivet_state(st));
	scene_last(&st->own, !st->trivet_end, stage_kernel_state(st));
	st->scene = NULL;
	scene_end(&p->stage->own);
	if (p->fd >= 0)
		close(p->fd);
	if (p->listener >= 0)
		close(p->listener);
	if (p->asked)
		tv_release(st->stack, clock_now(), p->asked);
	if (p->handle)
		tv_release(st->stack, clock_now(), p->handle);
}

/* The kernel has opened: request, answer, closing from its side. */
static bool kernel_talks(struct play *p)
{
	struct stage *st = p->stage;

	note(p, false, "Linux writes a request.");
	p->want = strlen(DEMO_REQUEST);
	if (send(p->fd, DEMO_REQUEST, p->want, MSG_NOSIGNAL) < 0 ||
		!until(p, trivet_has_read, "the request did not reach Trivet"))
		return false;
	note(p, true, "Trivet answers; the acknowledgment of the request travels with the answer.");
	p->want = strlen(DEMO_ANSWER);
	if (tv_send(st->stack, clock_now(), p->handle, DEMO_ANSWER, p->want, 0) < 0 ||
		!until(p, kernel_has_acknowledged, "the answer did not reach Linux"))
		return false;
	note(p, false, "Linux calls shutdown(): it has said all, and would still listen (half-close).");
	if (shutdown(p->fd, SHUT_WR) != 0 ||
		!until(p, kernel_half_closed, "the half-close was not acknowledged"))
		return false;
	note(p, true, "Trivet closes too. Had it closed at once, its FIN and the ACK above would have been "
		      "one packet: three arrows instead of four.");
	tv_close(st->stack, clock_now(), p->handle);
	return until(p, kernel_waits, "the close did not end");
}

void demo_kernel_opens(struct stage *stage)
{
	struct tv_listen_config config;
	struct play p;

	if (!begin(&p, stage, "1. Linux connects to Trivet", 1))
		return;
	tv_listen_default(&config);
	config.port_first = config.port_last = stage->trivet.port = DEMO_PORT;
	stage->own.trouble = "the sockets could not be made";
	if (tv_listen(stage->stack, clock_now(), &config, &p.asked) == 0 && kernel_connect(&p)) {
		know_ends(&p);
		note(&p, false, "Trivet listens; Linux calls connect().");
		stage->own.done = until(&p, is_open, "the handshake did not end") && kernel_talks(&p);
	}
	end(&p);
}

static bool trivet_connect(struct play *p, uint16_t port)
{
	struct tv_connect_config config;
	struct tv_info info = {.size = sizeof info};
	struct stage *st = p->stage;

	tv_connect_default(&config);
	st->kernel.port = port;
	config.remote = st->kernel;
	if (tv_connect(st->stack, clock_now(), &config, &p->handle, NULL) < 0 ||
		tv_info(st->stack, p->handle, &info) < 0)
		return false;
	st->trivet = info.local;
	know_ends(p);
	return true;
}

static bool trivet_talks(struct play *p)
{
	struct stage *st = p->stage;

	note(p, true, "Trivet sends a request.");
	p->want = strlen(DEMO_REQUEST);
	if (tv_send(st->stack, clock_now(), p->handle, DEMO_REQUEST, p->want, 0) < 0 ||
		!until(p, kernel_has_read, "the request did not reach Linux"))
		return false;
	note(p, false, "Linux answers.");
	p->want = strlen(DEMO_ANSWER);
	if (send(p->fd, DEMO_ANSWER, p->want, MSG_NOSIGNAL) < 0 ||
		!until(p, trivet_has_read, "the answer did not reach Trivet"))
		return false;
	note(p, true, "Trivet has said all: half-close.");
	if (tv_shutdown(st->stack, clock_now(), p->handle) < 0 ||
		!until(p, trivet_half_closed, "the half-close was not acknowledged"))
		return false;
	note(p, false, "Linux calls close().");
	close(p->fd);
	p->fd = -1;
	return until(p, trivet_waits, "the close did not end");
}

void demo_trivet_opens(struct stage *stage)
{
	struct play p;

	if (!begin(&p, stage, "2. Trivet connects to Linux", 0))
		return;
	stage->own.trouble = "the sockets could not be made";
	stage->kernel.port = DEMO_PORT;
	if (kernel_listen(&p) && trivet_connect(&p, DEMO_PORT)) {
		note(&p, true, "Linux listens; Trivet connects.");
		stage->own.done = until(&p, is_open, "the handshake did not end") && trivet_talks(&p);
	}
	end(&p);
}

void demo_closed_port(struct stage *stage)
{
	struct play p;

	if (!begin(&p, stage, "3. Trivet connects to a port where nobody listens", 0))
		return;
	stage->own.closed_port = true;
	stage->own.trouble = "the connection could not be begun";
	if (trivet_connect(&p, DEMO_CLOSED_PORT)) {
		note(&p, true, "Trivet connects.");
		stage->own.done = until(&p, is_refused, "nothing came back") && stage->reason == TV_R_REFUSED;
	}
	end(&p);
}
