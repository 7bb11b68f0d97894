/*
 * http_request.c - reads a request that a client has sent: RFC 9112 as far as a server of files needs it.
 *
 * All of it comes from a stranger. A request is read in place, from text that ends in a zero byte; a zero
 * byte of the client's ends it sooner. What is not understood is passed over in a field, and refused in
 * the first line and in the path.
 */
#include "cli/http_request.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

static bool has_token(const char *list, const char *token)
{
	size_t n = strlen(token);

	while (*list) {
		list += strspn(list, ", \t");
		if (strncasecmp(list, token, n) == 0 && strchr(", \t", list[n]))
			return true;
		list += strcspn(list, ",");
	}
	return false;
}

static void read_field(struct http_request *r, char *line)
{
	char *colon = strchr(line, ':'), *value;

	if (!colon)
		return;
	*colon = 0;
	value = colon + 1 + strspn(colon + 1, " \t");
	if (strcasecmp(line, "host") == 0)
		r->host = true;
	else if (strcasecmp(line, "connection") == 0) {
		r->close |= has_token(value, "close");
		r->keep |= has_token(value, "keep-alive");
	} else if (strcasecmp(line, "transfer-encoding") == 0)
		r->body = true;
	else if (strcasecmp(line, "content-length") == 0)
		r->body |= strcmp(value, "0") != 0;
}

bool http_request_read(struct http_request *r, char *text)
{
	char *save, *line = strtok_r(text, "\r\n", &save), *version;

	memset(r, 0, sizeof *r);
	if (!line)
		return false;
	r->method = line;
	r->path = strchr(line, ' ');
	version = r->path ? strchr(r->path + 1, ' ') : NULL;
	if (!version || strncmp(version, " HTTP/1.", 8) != 0 || !isdigit((unsigned char)version[8]) ||
		version[9])
		return false;
	*r->path++ = 0;
	*version = 0;
	r->minor = (unsigned)(version[8] - '0');
	while ((line = strtok_r(NULL, "\r\n", &save)))
		read_field(r, line);
	return true;
}

size_t http_request_end(const char *in, size_t len)
{
	for (size_t i = 1; i < len; i++) {
		if (in[i] != '\n')
			continue;
		if (in[i - 1] == '\n' || (i >= 3 && memcmp(in + i - 3, "\r\n\r\n", 4) == 0))
			return i + 1;
	}
	return 0;
}

static int hex(char c)
{
	return isdigit((unsigned char)c) ? c - '0' : isxdigit((unsigned char)c) ? (c | 32) - 'a' + 10 : -1;
}

bool http_path_decode(char *path)
{
	char *to = path;

	for (; *path && *path != '?' && *path != '#'; path++) {
		int high, low;

		if (*path != '%') {
			*to++ = *path;
			continue;
		}
		high = hex(path[1]);
		low = high < 0 ? -1 : hex(path[2]);
		if (low < 0 || high * 16 + low == 0 || high * 16 + low == '/')
			return false;
		*to++ = (char)(high * 16 + low);
		path += 2;
	}
	*to = 0;
	return true;
}
