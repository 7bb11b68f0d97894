/*
 * test_links_link.c - what is common to all links, on a link that says "not now" when told to; and
 * capture files, written by the tap and read back as a link.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "links/links.h"

/* ------------------------------------------------------------------------------------------ */
/* A link that notes what it is given                                                          */

#define NOTES 256

struct fake {
	struct link link;
	int room;              /* sends that succeed before -EAGAIN */
	int err;               /* instead of success; 0: none */
	char notes[NOTES][16];
	unsigned sent;
	bool closed;
};

static int fake_rx(struct link *l, struct tv_packet *packets, unsigned n)
{
	(void)l;
	(void)packets;
	(void)n;
	return 0;
}

static int fake_send(struct link *l, const struct tv_packet *p)
{
	struct fake *f = (struct fake *)l;
	size_t at = p->len;

	if (f->room == 0)
		return -EAGAIN;
	f->room--;
	if (f->err)
		return f->err;
	assert_true(f->sent < NOTES);
	memcpy(f->notes[f->sent], p->data, p->len);
	for (unsigned i = 0; i < p->piece_count; i++) {
		memcpy(f->notes[f->sent] + at, p->pieces[i].data, p->pieces[i].len);
		at += p->pieces[i].len;
	}
	f->sent++;
	return 0;
}

static void fake_close(struct link *l)
{
	((struct fake *)l)->closed = true;
}

static const struct link_ops FAKE_OPS = { .rx = fake_rx, .send = fake_send, .close = fake_close };

/* n packets "a000", "a001", ... whose last three letters are a piece. The memory is overwritten before
 * it is used again, as a stack does. */
static int send_numbers(struct fake *f, unsigned from, unsigned n)
{
	static uint8_t heads[32][4], tails[32][4];
	static struct tv_piece pieces[32];
	static struct tv_packet packets[32];
	int err;

	for (unsigned i = 0; i < n; i++) {
		heads[i][0] = 'a';
		for (unsigned k = 0, v = from + i; k < 3; k++, v /= 10)
			tails[i][2 - k] = (uint8_t)('0' + v % 10);
		pieces[i] = (struct tv_piece){ tails[i], 3 };
		packets[i] = (struct tv_packet){ .data = heads[i], .len = 1, .pieces = &pieces[i], .piece_count = 1 };
	}
	err = link_tx(&f->link, packets, n);
	memset(heads, 'x', sizeof heads);
	memset(tails, 'x', sizeof tails);
	return err;
}

static void check_numbers(const struct fake *f, unsigned n)
{
	assert_int_equal(f->sent, n);
	for (unsigned i = 0; i < n; i++) {
		char want[16];

		snprintf(want, sizeof want, "a%03u", i);
		assert_string_equal(f->notes[i], want);
	}
}

static void test_link_tx_without_room_keeps_order_and_bytes(void **state)
{
	struct fake f = { .link = { .ops = &FAKE_OPS }, .room = 5 };

	(void)state;
	assert_int_equal(send_numbers(&f, 0, 8), 0);
	assert_true(f.link.waiting);
	check_numbers(&f, 5);
	/* What comes now must not pass what is kept. */
	f.room = 1;
	assert_int_equal(send_numbers(&f, 8, 4), 0);
	check_numbers(&f, 5);
	assert_int_equal(link_flush(&f.link), 0);
	assert_true(f.link.waiting);
	check_numbers(&f, 6);
	f.room = 100;
	assert_int_equal(link_flush(&f.link), 0);
	assert_false(f.link.waiting);
	check_numbers(&f, 12);
	assert_int_equal(send_numbers(&f, 12, 3), 0);
	assert_false(f.link.waiting);
	check_numbers(&f, 15);
	assert_int_equal(f.link.counts.tx_kept, 7);
	assert_int_equal(f.link.counts.tx_packets, 15);
	assert_int_equal(f.link.counts.tx_bytes, 15 * 4);
	assert_int_equal(f.link.counts.tx_lost, 0);
	link_close(&f.link);
	assert_true(f.closed);
}

static void test_link_tx_one_refused_packet_is_lost_alone(void **state)
{
	struct fake f = { .link = { .ops = &FAKE_OPS }, .room = 3, .err = -EMSGSIZE };

	(void)state;
	assert_int_equal(send_numbers(&f, 0, 3), 0);
	assert_int_equal(f.link.counts.tx_lost, 3);
	assert_false(f.link.waiting);
	f.err = 0;
	f.room = 2;
	assert_int_equal(send_numbers(&f, 0, 2), 0);
	check_numbers(&f, 2);
	link_close(&f.link);
}

static void test_link_tx_device_gone_is_told(void **state)
{
	static const int gone[] = { -EBADFD, -ENODEV, -ENXIO, -EBADF };

	(void)state;
	for (size_t i = 0; i < sizeof gone / sizeof *gone; i++) {
		struct fake f = { .link = { .ops = &FAKE_OPS }, .room = 1, .err = gone[i] };

		assert_int_equal(send_numbers(&f, 0, 2), gone[i]);
		f.room = 0;
		assert_int_equal(send_numbers(&f, 0, 2), 0);
		f.room = 1;
		assert_int_equal(link_flush(&f.link), gone[i]);
		link_close(&f.link); /* frees what is kept: a leak is found by the sanitizer */
	}
	link_close(NULL);
}

/* ------------------------------------------------------------------------------------------ */
/* Capture files                                                                               */

static char path[] = "/tmp/trivet-test-links-XXXXXX";

/* IPv4, 10.9.0.2:80 > 10.9.0.1:4660, sequence 0x01020304, PSH ACK; its checksum field holds only the
 * sum of the pseudo header. */
static const uint8_t HEADERS[40] = {
	0x45, 0x00, 0x00, 0x2e, 0x00, 0x07, 0x40, 0x00, 0x40, 0x06, 0x26, 0xae, 10, 9, 0, 2, 10, 9, 0, 1,
	0x00, 0x50, 0x12, 0x34, 0x01, 0x02, 0x03, 0x04, 0x0a, 0x0b, 0x0c, 0x0d, 0x50, 0x18, 0x02, 0x00, 0x14, 0x2e, 0,
		0,
};

static struct tv_packet partial(uint8_t *head, struct tv_piece pieces[2])
{
	memcpy(head, HEADERS, sizeof HEADERS);
	pieces[0] = (struct tv_piece){ (const uint8_t *)"hel", 3 };
	pieces[1] = (struct tv_piece){ (const uint8_t *)"lo\n", 3 };
	return (struct tv_packet){ .data = head, .len = 40, .flags = TV_PKT_CSUM_PARTIAL, .csum_start = 20,
		.csum_offset = 16,
		.head_len = 40, .pieces = pieces, .piece_count = 2 };
}

static uint32_t naive_sum(const uint8_t *p, uint32_t n)
{
	uint32_t sum = 0;

	for (uint32_t i = 0; i < n; i++)
		sum += i % 2 ? p[i] : (uint32_t)p[i] << 8;
	return sum % 0xffff;
}

/* The TCP checksum of an IPv4 packet without options is right. */
static bool tcp_sum_is_right(const uint8_t *ip, uint32_t len)
{
	return (naive_sum(ip + 12, 8) + 6 + len - 20 + naive_sum(ip + 20, len - 20)) % 0xffff == 0;
}

static void test_tap_packet_in_pieces_is_read_back_whole(void **state)
{
	uint64_t wall = 1795200000ull * TV_S + 123456789;
	struct link_fault fault;
	struct tv_piece pieces[2];
	struct tv_packet p, got[4];
	uint8_t head[40];
	struct tap *t = tap_open(path, TV_LINK_IP, 0, &fault);
	struct link *l;

	(void)state;
	assert_non_null(t);
	p = partial(head, pieces);
	tap_write(t, wall, TAP_OUT, &p);
	/* The packet itself is not touched. */
	assert_memory_equal(head, HEADERS, sizeof HEADERS);
	tap_write(t, wall + 1, TAP_IN, &(struct tv_packet){ .data = (uint8_t *)"E", .len = 1 });
	assert_int_equal(tap_count(t), 2);
	assert_true(tap_close(t, &fault));
	l = link_pcap_open(path, &fault);
	assert_non_null(l);
	assert_int_equal(l->config.kind, TV_LINK_IP);
	memset(got, 0xff, sizeof got); /* what the caller's structures held does not matter */
	assert_int_equal(link_rx(l, got, 4), 1);
	assert_int_equal(got[0].piece_count, 0);
	assert_int_equal(got[0].len, 46);
	assert_true(got[0].time == wall);
	assert_memory_equal(got[0].data + 40, "hello\n", 6);
	assert_true(tcp_sum_is_right(got[0].data, got[0].len));
	assert_memory_equal(got[0].data, HEADERS, 36);
	assert_int_equal(link_rx(l, got, 4), 1);
	assert_int_equal(got[0].len, 1);
	assert_true(got[0].time == wall + 1);
	assert_int_equal(link_rx(l, got, 4), 0);
	assert_true(l->ended);
	assert_int_equal(link_tx(l, &p, 1), 0);
	assert_int_equal(l->counts.tx_lost, 1);
	link_close(l);
}

static void test_tap_cut_super_segment_is_written_as_its_segments(void **state)
{
	struct link_fault fault;
	struct tv_piece pieces[2];
	struct tv_packet p, got[1];
	uint8_t head[40];
	struct tap *t = tap_open(path, TV_LINK_IP, TAP_CUT | TAP_FLUSH, &fault);
	struct link *l;
	char text[8] = "";

	(void)state;
	assert_non_null(t);
	p = partial(head, pieces);
	p.seg_size = 4;
	tap_write(t, TV_S, TAP_OUT, &p);
	/* It is in the file at once. */
	l = link_pcap_open(path, &fault);
	assert_non_null(l);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(link_rx(l, got, 1), 1);
		assert_int_equal(got[0].len, i ? 42 : 44);
		assert_true(tcp_sum_is_right(got[0].data, got[0].len));
		assert_int_equal(got[0].data[33], i ? 0x18 : 0x10); /* PSH with the last */
		assert_int_equal(got[0].data[27], i ? 8 : 4);
		strncat(text, (char *)got[0].data + 40, got[0].len - 40);
	}
	assert_string_equal(text, "hello\n");
	assert_int_equal(link_rx(l, got, 1), 0);
	link_close(l);
	assert_int_equal(tap_count(t), 2);
	assert_true(tap_close(t, &fault));
}

static void test_tap_largest_and_too_large_packets_are_bounded(void **state)
{
	static uint8_t big[65549], more[4096];
	struct tv_piece piece = { more, sizeof more };
	struct tv_packet p = { .data = big, .len = sizeof big, .pieces = &piece, .piece_count = 1 }, got[1];
	struct link_fault fault;
	struct tap *t = tap_open(path, TV_LINK_ETHERNET, 0, &fault);
	struct link *l;

	(void)state;
	assert_non_null(t);
	tap_write(t, 1, TAP_IN, &p);
	assert_true(tap_close(t, &fault));
	l = link_pcap_open(path, &fault);
	assert_non_null(l);
	assert_int_equal(l->config.kind, TV_LINK_ETHERNET);
	assert_int_equal(link_rx(l, got, 1), 1);
	assert_int_equal(got[0].len, sizeof big);
	link_close(l);
}

static void test_tap_full_disk_is_told_at_the_end(void **state)
{
	struct link_fault fault;
	struct tv_piece pieces[2];
	uint8_t head[40];
	struct tv_packet p = partial(head, pieces);
	struct tap *t;

	(void)state;
	if (access("/dev/full", W_OK) != 0)
		skip();
	/* The header is flushed at once: nothing can be written, and that is told at once. */
	assert_null(tap_open("/dev/full", TV_LINK_IP, 0, &fault));
	assert_int_equal(fault.err, ENOSPC);
	assert_non_null(strstr(fault.text, "make room"));
	/* A disk that fills later. */
	t = tap_open(path, TV_LINK_IP, TAP_FLUSH, &fault);
	assert_non_null(t);
	for (int fd = 3; fd < 64; fd++) {
		struct stat a, b;

		if (fstat(fd, &a) == 0 && stat(path, &b) == 0 && a.st_ino == b.st_ino && a.st_dev == b.st_dev) {
			FILE *full = fopen("/dev/full", "w");

			assert_non_null(full);
			assert_true(dup2(fileno(full), fd) == fd);
			fclose(full);
			break;
		}
	}
	for (int i = 0; i < 3; i++)
		tap_write(t, TV_S, TAP_OUT, &p);
	assert_int_equal(tap_count(t), 3);
	assert_false(tap_close(t, &fault));
	assert_int_equal(fault.step, LINK_STEP_FILE);
	assert_int_equal(fault.err, ENOSPC);
	assert_non_null(strstr(fault.text, path));
}

static void write_file(const void *data, size_t len)
{
	FILE *f = fopen(path, "wb");

	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
}

static void test_pcap_files_that_cannot_be_read_are_named(void **state)
{
	/* Magic, 2.4, zone, accuracy, snapshot length, link type (of USB), and then nothing. */
	static const uint32_t usb[6] = { 0xa1b2c3d4, 2 | 4 << 16, 0, 0, 65535, 220 };
	/* The same of raw IP, and a packet that says more than is there. */
	static const uint32_t cut[11] = { 0xa1b2c3d4, 2 | 4 << 16, 0, 0, 65535, 101, 1, 2, 100, 100, 0x45 };
	struct link_fault fault;
	struct tv_packet got[1];
	struct link *l;

	(void)state;
	assert_null(link_pcap_open("/nonexistent/file.pcap", &fault));
	assert_int_equal(fault.err, ENOENT);
	assert_non_null(strstr(fault.text, "/nonexistent/file.pcap"));
	assert_null(tap_open("/nonexistent/file.pcap", TV_LINK_IP, 0, &fault));
	assert_int_equal(fault.err, ENOENT);
	assert_non_null(strstr(fault.text, "make the directory"));
	write_file("this is no capture, it is a text", 32);
	assert_null(link_pcap_open(path, &fault));
	assert_non_null(strstr(fault.text, "no capture file"));
	write_file(usb, sizeof usb);
	assert_null(link_pcap_open(path, &fault));
	assert_non_null(strstr(fault.text, "link type"));
	write_file(cut, sizeof cut);
	l = link_pcap_open(path, &fault);
	assert_non_null(l);
	assert_int_equal(link_rx(l, got, 1), -EBADMSG);
	assert_true(l->ended);
	link_close(l);
	/* Microseconds, read as nanoseconds; a header of the loopback kind before each packet. */
	write_file((uint32_t[]){ 0xa1b2c3d4, 2 | 4 << 16, 0, 0, 65535, 0, 7, 9, 8, 8, 2, 0x45 }, 48);
	l = link_pcap_open(path, &fault);
	assert_non_null(l);
	assert_int_equal(link_rx(l, got, 1), 1);
	assert_true(got[0].time == 7 * TV_S + 9 * TV_US);
	assert_int_equal(got[0].len, 4);
	assert_int_equal(got[0].data[0], 0x45);
	link_close(l);
}

static int make_file(void **state)
{
	int fd = mkstemp(path);

	(void)state;
	return fd < 0 ? -1 : close(fd);
}

static int remove_file(void **state)
{
	(void)state;
	return unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_link_tx_without_room_keeps_order_and_bytes),
		cmocka_unit_test(test_link_tx_one_refused_packet_is_lost_alone),
		cmocka_unit_test(test_link_tx_device_gone_is_told),
		cmocka_unit_test(test_tap_packet_in_pieces_is_read_back_whole),
		cmocka_unit_test(test_tap_cut_super_segment_is_written_as_its_segments),
		cmocka_unit_test(test_tap_largest_and_too_large_packets_are_bounded),
		cmocka_unit_test(test_tap_full_disk_is_told_at_the_end),
		cmocka_unit_test(test_pcap_files_that_cannot_be_read_are_named),
	};

	return cmocka_run_group_tests(tests, make_file, remove_file);
}
