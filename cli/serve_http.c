/*
 * serve_http.c - the files of one directory over HTTP/1.0 and 1.1: GET and HEAD.
 *
 * A connection is either reading a request (into a buffer of REQUEST_MAX bytes) or sending an answer
 * (a header, then the file, read piece by piece straight into the send buffer). Requests that follow
 * at once wait in the buffer. The rules are those of RFC 9112: a request line, header fields up to an
 * empty line, Host in 1.1; the connection stays open unless the client or an error says otherwise.
 *
 * The path is the client's, so it is not trusted: it is decoded once, cut into segments, and each is
 * opened below the one before (openat) without following symbolic links. "..", an encoded slash or
 * zero byte, and anything that is not a regular file are refused; there is no way out of the
 * directory. A directory is answered with its index.html.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/http_request.h"
#include "cli/serve.h"

enum { REQUEST_MAX = 8192, HEAD_MAX = 512 };

struct http {
	char in[REQUEST_MAX];
	size_t in_len;
	bool answering, close_after;
	bool draining;         /* our side is closed; what still comes is read and forgotten */
	char head[HEAD_MAX];
	size_t head_len, head_sent;
	int fd;                /* the file that is being sent, or -1 */
	uint64_t at, size;
};

/* ------------------------------------------------------------------------------------------ */
/* Files                                                                                       */

static const char *type_of(const char *path)
{
	static const struct {
		const char *ending, *type;
	} types[] = {{".html", "text/html; charset=utf-8"}, {".txt", "text/plain; charset=utf-8"},
		{".css", "text/css"}, {".js", "text/javascript"}, {".json", "application/json"},
		{".svg", "image/svg+xml"}, {".png", "image/png"}, {".jpg", "image/jpeg"},
		{".wasm", "application/wasm"}, {".md", "text/plain; charset=utf-8"}};
	size_t len = strlen(path);

	for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
		size_t n = strlen(types[i].ending);

		if (len > n && strcmp(path + len - n, types[i].ending) == 0)
			return types[i].type;
	}
	return "application/octet-stream";
}

static int step_into(int at, const char *name)
{
	int fd = openat(at, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	int error = errno;

	close(at);
	errno = error;
	return fd;
}

/*
 * Opens a regular file below root; for a directory its index.html, with *type changed to that. -1:
 * errno says why; EPERM for a path that leaves the directory.
 */
static int open_below(int root, char *path, uint64_t *size, const char **type)
{
	char *save, *name;
	struct stat st;
	int at = dup(root);

	for (name = strtok_r(path, "/", &save); name && at >= 0; name = strtok_r(NULL, "/", &save)) {
		if (strcmp(name, ".") == 0)
			continue;
		if (strcmp(name, "..") == 0) {
			close(at);
			errno = EPERM;
			return -1;
		}
		at = step_into(at, name);
	}
	if (at >= 0 && fstat(at, &st) == 0 && S_ISDIR(st.st_mode)) {
		at = step_into(at, "index.html");
		*type = type_of("index.html");
	}
	if (at < 0)
		return -1;
	if (fstat(at, &st) != 0 || !S_ISREG(st.st_mode)) {
		close(at);
		errno = EACCES;
		return -1;
	}
	*size = (uint64_t)st.st_size;
	return at;
}

/* ------------------------------------------------------------------------------------------ */
/* Answers                                                                                     */

static const char *status_text(int status)
{
	static const struct {
		int status;
		const char *text;
	} texts[] = {{200, "OK"}, {400, "Bad Request"}, {403, "Forbidden"}, {404, "Not Found"},
		{405, "Method Not Allowed"}, {431, "Request Header Fields Too Large"},
		{500, "Internal Server Error"}};

	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		if (texts[i].status == status)
			return texts[i].text;
	return "Error";
}

static void log_answer(const struct client *c, int status, const char *method, const char *path)
{
	char what[16], detail[320];

	snprintf(what, sizeof what, "%d", status);
	snprintf(detail, sizeof detail, "\"%s %s\"", method, path);
	client_log(c, what, detail);
}

static void start_answer(struct client *c, int status, const char *type, uint64_t size)
{
	struct http *h = c->http;
	int n = snprintf(h->head, sizeof h->head,
		"HTTP/1.1 %d %s\r\nServer: trivet\r\nContent-Type: %s\r\nContent-Length: %llu\r\n%s"
		"Connection: %s\r\n\r\n",
		status, status_text(status), type, (unsigned long long)size,
		status == 405 ? "Allow: GET, HEAD\r\n" : "", h->close_after ? "close" : "keep-alive");

	h->head_len = (size_t)n;
	h->head_sent = 0;
	h->answering = true;
}

/* A short page; the connection goes on, unless the request could not be understood. */
static void answer_error(struct client *c, int status, bool head_only)
{
	struct http *h = c->http;
	char page[96];
	int n = snprintf(page, sizeof page, "%d %s\n", status, status_text(status));

	start_answer(c, status, "text/plain", (uint64_t)n);
	if (!head_only) {
		memcpy(h->head + h->head_len, page, (size_t)n);
		h->head_len += (size_t)n;
	}
}

static int status_of(int error)
{
	if (error == ENOENT || error == ENOTDIR || error == ENAMETOOLONG)
		return 404;
	if (error == EACCES || error == EPERM || error == ELOOP || error == ENXIO)
		return 403;
	return 500;
}

/* Decides on a request that could be read; 200: h->fd is open and the answer has begun. */
static int try_answer(struct client *c, const struct http_request *r, bool head_only)
{
	struct http *h = c->http;
	const char *type;

	if (!head_only && strcmp(r->method, "GET") != 0) {
		h->close_after = true;
		return 405;
	}
	if ((r->minor > 0 && !r->host) || r->path[0] != '/' || !http_path_decode(r->path)) {
		h->close_after = true;
		return 400;
	}
	type = type_of(r->path);
	h->fd = open_below(c->server->root, r->path, &h->size, &type);
	if (h->fd < 0)
		return status_of(errno);
	h->at = head_only ? h->size : 0;
	start_answer(c, 200, type, h->size);
	return 200;
}

static void answer(struct client *c, char *text)
{
	char method[16] = "?", path[256] = "";
	bool head_only = false;
	struct http_request r;
	int status = 400;

	c->http->close_after = true;
	if (http_request_read(&r, text)) {
		escaped(r.method, strlen(r.method), method, sizeof method);
		escaped(r.path, strlen(r.path), path, sizeof path);
		head_only = strcmp(r.method, "HEAD") == 0;
		/* A body would have to be read; nobody who asks for files sends one. */
		c->http->close_after = r.close || (r.minor == 0 && !r.keep) || r.body;
		status = try_answer(c, &r, head_only);
	}
	if (status != 200)
		answer_error(c, status, head_only);
	log_answer(c, status, method, path);
}

/* Sends what goes; true: the answer is complete. */
static bool send_answer(struct client *c)
{
	struct http *h = c->http;

	while (h->head_sent < h->head_len) {
		int64_t n = client_send(c, h->head + h->head_sent, h->head_len - h->head_sent);

		if (n <= 0)
			return false;
		h->head_sent += (size_t)n;
	}
	while (h->fd >= 0 && h->at < h->size) {
		ssize_t have = pread(h->fd, c->server->chunk, sizeof c->server->chunk, (off_t)h->at);
		int64_t n;

		if (have <= 0 || (uint64_t)have > h->size - h->at) {
			client_abort(c); /* the file has changed: what was promised cannot be kept */
			return false;
		}
		n = client_send(c, c->server->chunk, (size_t)have);
		if (n <= 0)
			return false;
		h->at += (uint64_t)n;
	}
	if (h->fd >= 0)
		close(h->fd);
	h->fd = -1;
	h->answering = false;
	return true;
}

/* ------------------------------------------------------------------------------------------ */
/* The service                                                                                 */

static struct http *state_of(struct client *c)
{
	if (!c->http) {
		c->http = calloc(1, sizeof *c->http);
		if (c->http)
			c->http->fd = -1;
	}
	return c->http;
}

/* Reads until a request is complete; false: there is none now. */
static bool take_request(struct client *c)
{
	struct http *h = c->http;
	char text[REQUEST_MAX + 1];
	size_t end = http_request_end(h->in, h->in_len);
	int64_t n = 1;

	while (end == 0 && h->in_len < REQUEST_MAX && n > 0) {
		n = client_recv(c, h->in + h->in_len, REQUEST_MAX - h->in_len, 0);
		if (n > 0)
			h->in_len += (size_t)n;
		end = http_request_end(h->in, h->in_len);
	}
	if (end == 0 && h->in_len == REQUEST_MAX) {
		h->close_after = true;
		answer_error(c, 431, false);
		return true;
	}
	if (end == 0) {
		if (n == 0)
			client_close(c);
		return false;
	}
	memcpy(text, h->in, end);
	text[end] = 0;
	memmove(h->in, h->in + end, h->in_len - end);
	h->in_len -= end;
	answer(c, text);
	return true;
}

/*
 * RFC 9112 9.6: closing with unread data would be a reset, which may overtake the answer; so our side
 * is shut down first, and the connection closed when the client has closed too.
 */
static void drain(struct client *c)
{
	int64_t n;

	client_shutdown(c);
	do
		n = client_recv(c, c->server->chunk, sizeof c->server->chunk, 0);
	while (n > 0);
	if (n == 0)
		client_close(c);
}

static void http_ready(struct client *c)
{
	struct http *h = state_of(c);

	if (!h) {
		client_abort(c);
		return;
	}
	while (!c->over && !h->draining) {
		if (!h->answering && !take_request(c))
			return;
		if (!send_answer(c))
			return;
		h->draining = h->close_after;
	}
	if (h->draining)
		drain(c);
}

static void http_gone(struct client *c)
{
	if (c->http && c->http->fd >= 0)
		close(c->http->fd);
	free(c->http);
	c->http = NULL;
}

const struct service service_http = {"http", "serves files", http_ready, http_gone};
