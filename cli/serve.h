/*
 * serve.h - the parts of `trivet serve`: the server and its connections (serve.c), and what is done
 * with each connection (serve_plain.c: echo, discard, abort; serve_http.c: files).
 */
#ifndef TRIVET_CLI_SERVE_H
#define TRIVET_CLI_SERVE_H

#include "cli/address.h"
#include "cli/tunnel.h"

struct client;
struct http;

struct service {
	const char *name;      /* "echo" */
	const char *what;      /* "sends back what it receives" */
	/* Something may be read or written, or the peer has closed; called until nothing more goes. */
	void (*ready)(struct client *c);
	/* Frees what the service keeps with the connection; may be NULL. */
	void (*gone)(struct client *c);
};

struct server {
	struct common common;
	struct tunnel tunnel;
	struct run *run;
	struct tv_stack *stack;
	struct tap *tap;
	struct control *control; /* NULL: trivet ls does not see this one */
	const struct service *service;
	tv_handle listener;
	int root;              /* the directory that is served, or -1 */
	const char *key_file;  /* of Fast Open; NULL: off */
	uint16_t port;
	uint32_t backlog, syn_rate;
	enum tv_cookies cookies;
	uint8_t syn_prefix_v4, syn_prefix_v6;
	struct client *oldest, *newest; /* by the time of last activity */
	uint64_t accepted, open, received, sent;
	uint8_t chunk[65536];
};

struct client {
	struct server *server;
	tv_handle handle;
	struct tv_endpoint peer;
	struct client *older, *newer;
	tv_time active;        /* when something last moved */
	uint64_t received, sent;
	bool cookie;           /* opened by a SYN cookie */
	bool fastopen;         /* opened by a SYN with a Fast Open cookie */
	const char *over;      /* how, once client_close() or client_abort() was called */
	struct http *http;
};

extern const struct service service_echo, service_discard, service_abort, service_http;

/* tv_recv() and tv_send() that count, and remember activity. */
int64_t client_recv(struct client *c, void *data, size_t len, unsigned flags);
int64_t client_send(struct client *c, const void *data, size_t len);
void client_consume(struct client *c, size_t len);
/* Half-close: nothing more is sent. May be called again. */
void client_shutdown(struct client *c);
/* Ends the connection orderly or with a reset; the client is freed after the service returns. */
void client_close(struct client *c);
void client_abort(struct client *c);
/* One line of log: text for people, or the pairs of an object with --json; not with -q. */
void client_log(const struct client *c, const char *what, const char *detail);

#endif
