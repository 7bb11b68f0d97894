/*
 * fastopen.c - files of Fast Open: the keys of a server, and the cookies that a client keeps between runs.
 *
 * The file of cookies is text, for people to look at and delete lines from:
 *
 *     # Fast Open cookies of trivet, version 1: address, option, cookie, MSS, failures, not before
 *     10.9.0.1 34 0123456789abcdef 1460 0 0
 *     fe80::1%2 254 - 0 1 1791900000
 *
 * Times are seconds since 1970, because the clock of the stack ends with this machine's uptime. Whoever may write
 * the file decides to whom which cookie is shown, so every line is checked, and there may be only as many as the
 * stack remembers. A file with one bad line is not used, and not written either: it may be somebody's work. What
 * is written goes to a new file beside, which then takes the old one's name.
 */
#include "cli/fastopen.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cli/address.h"
#include "posix/sockets.h"

enum {
	KEY_FILE_BYTES = 256,
	CACHE_BYTES = 32768,   /* 128 lines of at most 160 fit */
	CACHE_LINES = 128,     /* the stack's default fastopen_paths */
	COOKIE_MAX = 16
};
#define CACHE_TITLE "# Fast Open cookies of trivet, version 1: address, option, cookie, MSS, failures, not before"
#define BACKOFF_MAX 30720u /* seconds: the longest that the stack leaves a destination alone */

/* ------------------------------------------------------------------------------------------ */
/* Reading a small file                                                                        */

/* The whole file as text. Bytes read, or a negative errno; -EFBIG: it is larger than room - 1. */
static ssize_t read_small(const char *path, char *text, size_t room, mode_t *mode)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	size_t len = 0;
	ssize_t n = 1;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		close(fd);
		return -EINVAL;
	}
	*mode = st.st_mode;
	while (n > 0 && len < room) {
		n = read(fd, text + len, room - len);
		len += n > 0 ? (size_t)n : 0;
	}
	ssize_t result = n < 0 ? -errno : len == room ? -EFBIG : (ssize_t)len;
	close(fd);
	text[len < room ? len : room - 1] = 0;
	return result;
}

static const char *file_error(ssize_t error)
{
	return error == -EINVAL ? "not a regular file" : error == -EFBIG ? "far too large" : strerror((int)-error);
}

/* ------------------------------------------------------------------------------------------ */
/* Keys                                                                                        */

/* "net.ipv4.tcp_fastopen_key = KEY" as sysctl prints it, or KEY alone; spaces around it do not count. */
static char *key_text(char *text)
{
	static const char name[] = "net.ipv4.tcp_fastopen_key";

	text += strspn(text, " \t\r\n");
	if (strncmp(text, name, sizeof name - 1) == 0) {
		text += sizeof name - 1;
		text += strspn(text, " \t");
		text += *text == '=';
		text += strspn(text, " \t");
	}
	for (size_t len = strlen(text); len > 0 && strchr(" \t\r\n", text[len - 1]); len--)
		text[len - 1] = 0;
	return text;
}

static bool all_zero(const uint8_t *key)
{
	static const uint8_t zero[SOCKETS_FASTOPEN_KEY];

	return memcmp(key, zero, sizeof zero) == 0;
}

int fastopen_read_keys(const struct common *common, const char *path, struct tv_stack *stack, tv_time now)
{
	uint8_t keys[2 * SOCKETS_FASTOPEN_KEY];
	char text[KEY_FILE_BYTES];
	mode_t mode = 0;
	ssize_t len = read_small(path, text, sizeof text, &mode);

	if (len < 0 && len != -EFBIG) {
		complain(common, "--fastopen-key-file %s: %s", path, file_error(len));
		return EXIT_RIGHTS;
	}
	unsigned count = len < 0 || memchr(text, 0, (size_t)len) ? 0 : sockets_fastopen_keys(key_text(text), keys);
	if (count == 0) {
		complain(common, "--fastopen-key-file %s: there is no key in it: 32 hexadecimal digits, with or without "
			"dashes, and perhaps a comma and an older key", path);
		return EXIT_USAGE;
	}
	if (all_zero(keys) || (count == 2 && all_zero(keys + SOCKETS_FASTOPEN_KEY))) {
		complain(common, "--fastopen-key-file %s: a key of zeros, which everybody can guess; Linux shows it as long "
			"as it has none: set one with sysctl -w net.ipv4.tcp_fastopen_key=...", path);
		return EXIT_USAGE;
	}
	if ((mode & (S_IRGRP | S_IROTH)) != 0)
		complain(common, "warning: others may read the key in %s, and make cookies with it: chmod 600 %s", path, path);
	tv_fastopen_keys(stack, now, keys, count == 2 ? keys + SOCKETS_FASTOPEN_KEY : NULL);
	explicit_bzero(keys, sizeof keys);
	explicit_bzero(text, sizeof text);
	return 0;
}

/* ------------------------------------------------------------------------------------------ */
/* Cookies: reading                                                                            */

static bool read_cookie(const char *text, struct tv_fastopen_path *path)
{
	size_t len = strlen(text);

	if (strcmp(text, "-") == 0)
		return true;
	if (len % 4 != 0 || len < 8 || len > 2 * COOKIE_MAX || strspn(text, "0123456789abcdef") != len)
		return false;
	path->cookie_len = (uint8_t)(len / 2);
	for (size_t i = 0; i < path->cookie_len; i++) {
		char digits[3] = {text[2 * i], text[2 * i + 1], 0};
		path->cookie[i] = (uint8_t)strtoul(digits, NULL, 16);
	}
	return true;
}

/* One line, which is cut up. False: it is none of ours. */
static bool read_line(char *line, uint64_t now_s, struct tv_fastopen_path *path)
{
	char *save = NULL, *words[6];
	uint64_t kind, mss, failures, until, zone = 0;

	memset(path, 0, sizeof *path);
	path->size = sizeof *path;
	for (unsigned i = 0; i < 6; i++)
		if (!(words[i] = strtok_r(i ? NULL : line, " ", &save)))
			return false;
	if (strtok_r(NULL, " ", &save))
		return false;
	char *percent = strchr(words[0], '%');
	if (percent)
		*percent = 0;
	if (!address_read(words[0], &path->addr) || address_is_zero(&path->addr) ||
		(percent && !number_read(percent + 1, 1, UINT8_MAX, &zone)) || !number_read(words[1], 34, 254, &kind) ||
		(kind != 34 && kind != 254) || !read_cookie(words[2], path) ||
		!number_read(words[3], 0, UINT16_MAX, &mss) || !number_read(words[4], 0, UINT8_MAX, &failures) ||
		!number_read(words[5], 0, UINT32_MAX, &until))
		return false;
	path->zone = (uint8_t)zone;
	path->experimental = kind == 254;
	path->mss = (uint16_t)mss;
	path->failures = (uint8_t)failures;
	uint64_t left = until > now_s ? until - now_s : 0;
	path->backoff = (left < BACKOFF_MAX ? left : BACKOFF_MAX) * TV_S;
	return path->cookie_len != 0 || path->failures != 0;
}

/* All lines, first to look, then to take: a file is used as a whole or not at all. 0, or the number of a bad line. */
static unsigned read_lines(const char *text, struct tv_stack *stack, tv_time now)
{
	uint64_t now_s = (uint64_t)time(NULL);
	struct tv_fastopen_path path;
	unsigned number = 0;

	while (*text) {
		size_t len = strcspn(text, "\n");
		char line[160];

		number++;
		if (len >= sizeof line || text[len] == 0 || number > CACHE_LINES + 1)
			return number;
		memcpy(line, text, len);
		line[len] = 0;
		text += len + 1;
		if (number == 1 ? strcmp(line, CACHE_TITLE) != 0 : !read_line(line, now_s, &path))
			return number;
		if (number > 1 && stack && tv_fastopen_put(stack, now, &path) < 0)
			return number;
	}
	return number == 0 ? 1 : 0;
}

void fastopen_load(const struct common *common, struct fastopen_cache *cache, struct tv_stack *stack, tv_time now)
{
	mode_t mode;
	char *text;

	cache->whole = false;
	if (!cache->path || !(text = calloc(1, CACHE_BYTES)))
		return;
	ssize_t len = read_small(cache->path, text, CACHE_BYTES, &mode);
	unsigned bad = len < 0 ? 0 : memchr(text, 0, (size_t)len) ? 1 : read_lines(text, NULL, now);
	if (len == -ENOENT || len == 0) {
		cache->whole = true;
	} else if (len < 0) {
		complain(common, "--fastopen-cache %s: %s; going on without it", cache->path, file_error(len));
	} else if (bad != 0) {
		complain(common, "--fastopen-cache %s: line %u is not one of a file of cookies; going on without it, and "
			"leaving it as it is", cache->path, bad);
	} else {
		cache->whole = true;
		read_lines(text, stack, now);
	}
	free(text);
}

/* ------------------------------------------------------------------------------------------ */
/* Cookies: writing                                                                            */

static void print_path(FILE *out, const struct tv_fastopen_path *path, uint64_t now_s)
{
	char text[ADDRESS_TEXT];

	fputs(address_text(&path->addr, text), out);
	if (path->zone)
		fprintf(out, "%%%u", path->zone);
	fprintf(out, " %d ", path->experimental ? 254 : 34);
	for (unsigned i = 0; i < path->cookie_len; i++)
		fprintf(out, "%02x", path->cookie[i]);
	if (path->cookie_len == 0)
		fputc('-', out);
	uint64_t left = (path->backoff + TV_S - 1) / TV_S;
	fprintf(out, " %u %u %llu\n", path->mss, path->failures, (unsigned long long)(left ? now_s + left : 0));
}

static bool print_all(int fd, const struct tv_stack *stack)
{
	uint64_t now_s = (uint64_t)time(NULL), cursor = 0;
	struct tv_fastopen_path path = {.size = sizeof path};
	FILE *out = fdopen(fd, "w");

	if (!out) {
		close(fd);
		return false;
	}
	fputs(CACHE_TITLE "\n", out);
	while (tv_fastopen_next(stack, &cursor, &path)) {
		if (path.cookie_len != 0 || path.failures != 0)
			print_path(out, &path, now_s);
		path.size = sizeof path;
	}
	bool fine = !ferror(out) && fflush(out) == 0 && fsync(fileno(out)) == 0;
	return fclose(out) == 0 && fine;
}

bool fastopen_save(const struct common *common, const struct fastopen_cache *cache, const struct tv_stack *stack)
{
	char *fresh = NULL;
	int fd;

	if (!cache->path || !cache->whole)
		return true;
	if (asprintf(&fresh, "%s.XXXXXX", cache->path) < 0)
		return false;
	fd = mkostemp(fresh, O_CLOEXEC); /* 0600 */
	bool fine = fd >= 0 && print_all(fd, stack) && rename(fresh, cache->path) == 0;
	if (!fine) {
		complain(common, "--fastopen-cache %s: %s; the cookies are lost", cache->path, strerror(errno));
		if (fd >= 0)
			unlink(fresh);
	}
	free(fresh);
	return fine;
}
