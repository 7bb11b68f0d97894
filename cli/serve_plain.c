/*
 * serve_plain.c - the services that have no protocol.
 *
 * echo     sends back what it receives (RFC 862), and closes when the peer has
 * discard  reads and forgets (RFC 863)
 * abort    resets the connection as soon as something arrives: to see what a client does then
 */
#include "cli/serve.h"

/* Nothing is kept here: what cannot be sent yet stays in the receive buffer, so that the peer's
 * window closes, as it should. */
static void echo_ready(struct client *c)
{
	for (;;) {
		int64_t n = client_recv(c, c->server->chunk, sizeof c->server->chunk, TV_RECV_PEEK), sent;

		if (n == 0)
			client_close(c);
		if (n <= 0)
			return;
		sent = client_send(c, c->server->chunk, (size_t)n);
		if (sent <= 0)
			return;
		client_consume(c, (size_t)sent);
	}
}

static void discard_ready(struct client *c)
{
	int64_t n;

	do
		n = client_recv(c, c->server->chunk, sizeof c->server->chunk, 0);
	while (n > 0);
	if (n == 0)
		client_close(c);
}

static void abort_ready(struct client *c)
{
	if (client_recv(c, c->server->chunk, sizeof c->server->chunk, 0) >= 0)
		client_abort(c);
}

const struct service service_echo = {"echo", "sends back what it receives", echo_ready, NULL};
const struct service service_discard = {"discard", "reads and forgets", discard_ready, NULL};
const struct service service_abort = {"abort", "resets who sends something", abort_ready, NULL};
