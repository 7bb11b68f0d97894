/*
 * capture.c - a capture from the input of a fuzz target: records, or a file.
 */
#include "capture.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "links/records.h"

struct taker {
	capture_fn fn;
	void *user;
};

static uint16_t link_type(uint8_t how)
{
	static const uint16_t types[] = {1, 101, 113, 276, 0, 51, 9};

	return types[how % (sizeof types / sizeof *types)];
}

static void give(const struct taker *to, const struct packet_record *r)
{
	uint8_t *copy = malloc(r->len ? r->len : 1);
	struct packet_record exact = *r;

	MUST(copy != NULL);
	memcpy(copy, r->data, r->len);
	exact.data = copy;
	to->fn(to->user, &exact);
	free(copy);
}

/* Records of: time since the last (1), length (1), bytes. */
static void each(uint8_t how, const uint8_t *p, size_t n, const struct taker *to)
{
	struct packet_record r = {.link_type = link_type(how), .time = 1700000000 * TV_S};

	while (n >= 2) {
		r.number++;
		r.time += (uint64_t)p[0] * p[0] * TV_MS;
		r.len = p[1] < n - 2 ? p[1] : (uint32_t)(n - 2);
		r.wire_len = p[1];
		r.data = p + 2;
		give(to, &r);
		p += 2 + r.len;
		n -= 2 + r.len;
	}
}

static int anonymous(char path[64])
{
	int fd = memfd_create("capture", 0);

	MUST(fd >= 0);
	snprintf(path, 64, "/proc/self/fd/%d", fd);
	return fd;
}

void capture_records(const uint8_t *p, size_t n, capture_fn fn, void *user)
{
	const struct taker to = {fn, user};
	struct link_fault fault;
	struct records_packet r;
	struct records *records;
	char path[64];
	int fd;

	if (p[0] != 0) {
		each(p[0], p + 1, n - 1, &to);
		return;
	}
	fd = capture_file(p, n, path);
	records = records_open(path, NULL, &fault);
	while (records && records_next(records, &r))
		give(&to, &(struct packet_record){.number = r.number, .time = r.time, .link_type = r.link_type,
			.len = r.len, .wire_len = r.wire_len, .data = r.data});
	records_close(records);
	close(fd);
}

static void write_record(void *user, const struct packet_record *r)
{
	const uint32_t head[4] = {(uint32_t)(r->time / TV_S), (uint32_t)(r->time % TV_S / 1000), r->len, r->wire_len};
	FILE *out = user;

	fwrite(head, 1, sizeof head, out);
	fwrite(r->data, 1, r->len, out);
}

int capture_file(const uint8_t *p, size_t n, char path[64])
{
	const uint32_t head[6] = {0xa1b2c3d4, 0x00040002, 0, 0, 65535, link_type(p[0])};
	char bytes[2 * CAPTURE_MAX + sizeof head + 16 * CAPTURE_MAX];
	const struct taker to = {write_record, fmemopen(bytes, sizeof bytes, "w")};
	int fd = anonymous(path);
	long len;

	if (p[0] == 0) {
		fclose(to.user);
		MUST(write(fd, p + 1, n - 1) == (ssize_t)(n - 1));
		return fd;
	}
	fwrite(head, 1, sizeof head, to.user);
	each(p[0], p + 1, n - 1, &to);
	len = ftell(to.user);
	MUST(len > 0 && fclose(to.user) == 0 && write(fd, bytes, (size_t)len) == len);
	return fd;
}
