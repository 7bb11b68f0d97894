/*
 * http_request.h - reads a request that a client has sent.
 */
#ifndef TRIVET_CLI_HTTP_REQUEST_H
#define TRIVET_CLI_HTTP_REQUEST_H

#include <stdbool.h>
#include <stddef.h>

struct http_request {
	char *method, *path;
	unsigned minor;        /* HTTP/1.minor */
	bool host, close, keep, body;
};

/* Where the first complete request in the buffer ends; 0: it is not complete. */
size_t http_request_end(const char *in, size_t len);
/* Takes a complete request apart, in place; method and path point into the text. False: it is none. */
bool http_request_read(struct http_request *r, char *text);
/* Undoes %XX in place and cuts the query; false: malformed, or a zero byte or slash was encoded. */
bool http_path_decode(char *path);

#endif
