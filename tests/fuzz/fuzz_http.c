/*
 * fuzz_http.c - what a client says to trivet serve --http: requests, one behind the other, read as the
 * server does; no path leaves the text, or holds a zero byte that was not there.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cli/http_request.h"

#define MUST(condition) ((condition) ? (void)0 : abort())

enum { INPUT_MAX = 8192 };

static void read_one(const uint8_t *p, size_t n)
{
	char *text = malloc(n + 1);
	struct http_request r;
	size_t before;

	MUST(text != NULL);
	memcpy(text, p, n);
	text[n] = 0;
	if (http_request_read(&r, text)) {
		MUST(r.method >= text && r.path > r.method && r.path + strlen(r.path) <= text + n && r.minor <= 9);
		MUST(!strpbrk(r.method, " \r\n") && !strpbrk(r.path, " \r\n"));
		before = strlen(r.path);
		if (http_path_decode(r.path))
			MUST(strlen(r.path) <= before);
	}
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	size_t end;

	if (n > INPUT_MAX)
		return 0;
	while ((end = http_request_end((const char *)p, n)) > 0) {
		MUST(end <= n);
		read_one(p, end);
		p += end;
		n -= end;
	}
	return 0;
}
