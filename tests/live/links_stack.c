/*
 * links_stack.c - a stack on a link, in the event loop, against this machine's kernel.
 *
 *     links_stack tun|veth
 *
 * In a private namespace: the kernel has 10.9.0.1 and fd09::1, the stack 10.9.0.2 and fd09::2 with an
 * echo server on port 7. Clients of the kernel connect over both families, CLIENTS at a time, send BYTES
 * each and check what comes back; half of them half-close first. On veth the stack resolves addresses
 * by itself (ARP, neighbour discovery). The loop must not turn when there is nothing to do.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/host.h"
#include "links/links.h"
#include "posix/clock.h"
#include "posix/cpu.h"
#include "posix/run.h"

#define CLIENTS 8
#define BYTES (4u << 20)
#define PORT 7
#define LIMIT (40 * TV_S)

static const struct tv_addr KERNEL4 = { { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 9, 0, 1 } };
static const struct tv_addr STACK4 = { { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 9, 0, 2 } };
static const struct tv_addr KERNEL6 = { { 0xfd, 0x09, [15] = 1 } };
static const struct tv_addr STACK6 = { { 0xfd, 0x09, [15] = 2 } };

struct server {
	struct tv_stack *stack;
	struct run *run;
	struct link *link;
	int pipe;              /* its end says that the clients have ended */
	unsigned accepted, closed;
	const char *wrong;
};

static uint8_t pattern(unsigned who, uint32_t i)
{
	return (uint8_t)(i * 7 + (i >> 8) * 13 + (i >> 16) + who);
}

/* ------------------------------------------------------------------------------------------ */
/* The kernel's side                                                                           */

static int open_client(unsigned who)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(PORT),
		.sin_addr.s_addr = htonl(0x0a090002) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons(PORT) };
	int fd = socket(who % 2 ? AF_INET6 : AF_INET, SOCK_STREAM, 0);

	memcpy(&v6.sin6_addr, &STACK6, 16);
	if (fd < 0 || (who % 2 ? connect(fd, (struct sockaddr *)&v6, sizeof v6) :
		connect(fd, (struct sockaddr *)&v4, sizeof v4)) < 0)
		return -1;
	return fd;
}

/* Sends and reads at once: an echo server stops reading when nobody takes what it says. */
static int be_client(unsigned who)
{
	static uint8_t out[65536], in[65536];
	uint32_t sent = 0, got = 0;
	int fd = open_client(who);
	ssize_t n = 1;

	if (fd < 0)
		return 1;
	while (got < BYTES) {
		struct pollfd p = { fd, (short)(sent < BYTES ? POLLIN | POLLOUT : POLLIN), 0 };
		uint32_t want = BYTES - sent < sizeof out ? BYTES - sent : (uint32_t)sizeof out;

		if (poll(&p, 1, 20000) <= 0)
			return 2;
		if (p.revents & POLLOUT) {
			for (uint32_t i = 0; i < want; i++)
				out[i] = pattern(who, sent + i);
			n = send(fd, out, want, MSG_DONTWAIT);
			sent += n > 0 ? (uint32_t)n : 0;
			if (sent == BYTES && who % 4 < 2)
				shutdown(fd, SHUT_WR);
		}
		if (!(p.revents & POLLIN))
			continue;
		n = recv(fd, in, sizeof in, 0);
		for (ssize_t i = 0; i < n; i++)
			if (in[i] != pattern(who, got + (uint32_t)i))
				return 3;
		if (n <= 0)
			return 4;
		got += (uint32_t)n;
	}
	/* Whoever half-closed is told the end at once. */
	if (who % 4 < 2 && recv(fd, in, 1, 0) != 0)
		return 5;
	close(fd);
	return 0;
}

static const char *const CLIENT_WORDS[] = { "fine", "a client could not connect", "a client waited too long",
	"a byte came back wrong", "the stream ended early", "the server did not close", "the client died" };

/* In a child: all clients at once; the exit status is the worst of theirs. */
static int be_clients(void)
{
	int worst = 0, status;

	for (unsigned who = 0; who < CLIENTS; who++)
		if (fork() == 0)
			_exit(be_client(who));
	while (wait(&status) > 0) {
		int result = WIFEXITED(status) ? WEXITSTATUS(status) : 6;

		worst = result > worst ? result : worst;
	}
	return worst;
}

/* ------------------------------------------------------------------------------------------ */
/* Our side                                                                                    */

/* Takes what came and gives it back, as far as the send buffer has room. */
static void echo(struct server *s, tv_handle c)
{
	struct tv_piece piece;

	/* One at a time: a call on the stack ends the life of the others. */
	while (tv_peek(s->stack, c, &piece, 1) > 0) {
		int64_t given = tv_send(s->stack, run_now(s->run), c, piece.data, piece.len, 0);

		if (given <= 0)
			return;
		tv_consume(s->stack, run_now(s->run), c, (size_t)given);
	}
}

static void on_event(void *user, const struct tv_event *event)
{
	struct server *s = user;
	struct tv_info info = { .size = sizeof info };
	tv_handle c;

	if (event->flags & TV_EV_ACCEPT) {
		while (tv_accept(s->stack, run_now(s->run), event->handle, &c) == 0) {
			s->accepted++;
			echo(s, c);
		}
		return;
	}
	if (event->flags & TV_EV_CLOSED) {
		s->closed++;
		if (event->reason != TV_R_NORMAL && !s->wrong)
			s->wrong = tv_reason_text(event->reason);
		tv_release(s->stack, run_now(s->run), event->handle);
		return;
	}
	echo(s, event->handle);
	/* The peer has said all, and all of it went back. */
	if (tv_info(s->stack, event->handle, &info) == 0 && info.state == TV_CLOSE_WAIT && info.bytes_unread == 0)
		tv_close(s->stack, run_now(s->run), event->handle);
}

static void on_clients(void *user, int fd, short ready)
{
	struct server *s = user;

	(void)ready;
	run_unwatch(s->run, fd);
	run_stop(s->run);
}

static bool make_stack(struct server *s)
{
	struct tv_config c;
	void *region;
	size_t bytes;

	tv_config_default(&c);
	c.arch = cpu_arch();
	if (!random_secret(c.secret))
		return false;
	bytes = tv_stack_size(&c);
	region = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	return bytes && region != MAP_FAILED && tv_stack_init(region, bytes, &c, clock_now(), &s->stack) == 0;
}

static bool make_link(struct server *s, bool veth)
{
	struct link_fault fault;

	if (veth) {
		if (host_veth_add("kern0", "ours0", 0) < 0 || host_link_quiet("ours0") < 0 || host_link_up("ours0",
			true) < 0)
			return false;
		s->link = link_packet_open("ours0", 0, &fault);
	} else {
		s->link = link_tun_open("kern0", 0, &fault);
	}
	if (!s->link) {
		printf("%s; ", fault.text);
		return false;
	}
	return host_link_quiet("kern0") == 0 && host_address_add("kern0", &KERNEL4, 24) == 0 &&
	       host_link_up("kern0", true) == 0 && host_address_add("kern0", &KERNEL6, 64) == 0;
}

static bool make_server(struct server *s, bool veth)
{
	struct tv_listen_config listen;
	tv_handle listener;
	int number;

	if (!make_link(s, veth) || !make_stack(s))
		return false;
	s->run = run_new(s->stack);
	number = s->run ? run_link(s->run, s->link) : -1;
	if (number < 0 || tv_address_add(s->stack, clock_now(), (unsigned)number, &STACK4, 96 + 24) < 0 ||
	    tv_address_add(s->stack, clock_now(), (unsigned)number, &STACK6, 64) < 0)
		return false;
	tv_listen_default(&listen);
	listen.port_first = listen.port_last = PORT;
	run_events(s->run, on_event, s);
	return tv_listen(s->stack, clock_now(), &listen, &listener) == 0;
}

static const char *verdict(struct server *s, int status)
{
	struct tv_counters c = { .size = sizeof c };

	tv_counters(s->stack, &c);
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		return CLIENT_WORDS[WIFEXITED(status) && WEXITSTATUS(status) < 7 ? WEXITSTATUS(status) : 6];
	if (s->wrong)
		return s->wrong;
	if (s->accepted != CLIENTS || s->closed != CLIENTS || c.connections)
		return "not every connection came and went";
	if (s->link->counts.rx_bad || s->link->counts.tx_lost)
		return "the link dropped packets";
	if (c.verdicts[TV_V_BAD_TCP_CHECKSUM] || c.verdicts[TV_V_BAD_METADATA] || c.verdicts[TV_V_BAD_IP_HEADER])
		return "the stack calls what the link gave it malformed";
	if (tv_stack_check(s->stack))
		return "an invariant of the stack is broken";
	return NULL;
}

static int play(void *user)
{
	struct server s = { .stack = NULL };
	struct run_counts before, after;
	const char *wrong;
	int fds[2], status = 0;
	pid_t pid;

	if (!make_server(&s, *(bool *)user)) {
		printf("the server could not be set up\n");
		return 1;
	}
	if (pipe(fds) < 0)
		return 1;
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		close(fds[0]);
		_exit(be_clients());
	}
	close(fds[1]);
	run_watch(s.run, fds[0], POLLIN, on_clients, &s);
	if (run_loop(s.run, clock_now() + LIMIT) < 0)
		s.wrong = run_error(s.run);
	/* The rest of the closing; then nothing happens, and the loop does not turn for it. */
	for (tv_time limit = clock_now() + 2 * TV_S; s.closed < CLIENTS && clock_now() < limit;)
		run_once(s.run, limit);
	run_counts(s.run, &before);
	run_loop(s.run, clock_now() + TV_S / 4);
	run_counts(s.run, &after);
	if (waitpid(pid, &status, WNOHANG) == 0) {
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
	}
	wrong = verdict(&s, status);
	if (!wrong && after.turns - before.turns > 20)
		wrong = "the loop turns without work";
	if (wrong)
		printf("%s (accepted %u, closed %u, idle turns %lu)\n", wrong, s.accepted, s.closed,
			(unsigned long)(after.turns - before.turns));
	run_free(s.run);
	link_close(s.link);
	return wrong != NULL;
}

int main(int argc, char **argv)
{
	bool veth = argc > 1 && strcmp(argv[1], "veth") == 0;
	struct host_obstacle at;
	struct host_facts facts;
	struct host_cure cure;
	int r = host_netns_run(0, play, &veth, &at);

	if (r >= 0)
		return r;
	host_facts(&facts);
	host_rights(&at, &facts, NULL, &cure);
	printf("%s: %s\n", cure.why, cure.commands);
	return 3;
}
