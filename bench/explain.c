/*
 * explain.c - trivet explain on a capture of 1 GB, and beside it tshark and tcptrace, if they are there.
 *
 * The capture is made here, on disk, and removed at the end: CONNECTIONS_AT_ONCE conversations at a time, each
 * of 26 packets (a handshake, a request, an answer of twelve full segments with delayed ACKs, an orderly close),
 * one packet of each in turn. trivet reads it once to warm the cache, and then five times, measured by the
 * kernel's account of its CPU time and of its memory; the value is the median. The counters that trivet prints
 * are compared with what was written.
 */
#define _GNU_SOURCE
#include "bench.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define BYTES (1000u * 1000 * 1000)
#define CONNECTIONS_AT_ONCE 512
#define PACKETS_EACH 26
#define TEXT 1448
#define REQUEST 200
#define HEADERS 66 /* Ethernet, IPv4, TCP with timestamps */

struct writer {
	FILE *file;
	uint64_t packets, connections, now, bytes;
	bool turn;     /* one bit, once */
};

static void put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v & 0xffff);
}

static void write_packet(struct writer *w, uint64_t connection, bool back, uint8_t flags, uint32_t seq, uint32_t ack,
	uint32_t text)
{
	static uint8_t frame[16 + HEADERS + 8 + TEXT];
	uint32_t options = flags & 2 ? 20 : 12, len = 54 + options + text, record[4];
	uint8_t *ip = frame + 16 + 14, *tcp = ip + 20;
	uint32_t client = 0x0a000000u + (uint32_t)(connection / 20000), port = 30000 + (uint32_t)(connection % 20000);
	uint32_t sum = 0;

	memset(frame, 0, sizeof frame - TEXT);
	record[0] = (uint32_t)(w->now / 1000000);
	record[1] = (uint32_t)(w->now % 1000000);
	record[2] = record[3] = len;
	memcpy(frame, record, sizeof record);
	put16(frame + 16 + 12, 0x0800);
	ip[0] = 0x45;
	put16(ip + 2, len - 14);
	put16(ip + 4, (uint32_t)w->packets & 0xffff);
	ip[8] = back ? 57 : 64;
	ip[9] = 6;
	if (w->turn && w->packets == 4321)
		ip[9] ^= 1;
	put32(ip + (back ? 16 : 12), client);
	put32(ip + (back ? 12 : 16), 0xc6336401u);
	for (unsigned i = 0; i < 20; i += 2)
		sum += (uint32_t)ip[i] << 8 | ip[i + 1];
	sum = (sum & 0xffff) + (sum >> 16);
	put16(ip + 10, ~(sum + (sum >> 16)) & 0xffff);
	put16(tcp, back ? 443 : port);
	put16(tcp + 2, back ? port : 443);
	put32(tcp + 4, seq);
	put32(tcp + 8, ack);
	tcp[12] = (uint8_t)((20 + options) / 4 << 4);
	tcp[13] = flags;
	put16(tcp + 14, 501);
	/* Maximum segment size, SACK permitted, timestamps, window scale; later timestamps alone. */
	memcpy(tcp + 20, flags & 2 ? "\2\4\5\264\4\2\10\12\0\0\0\0\0\0\0\0\1\3\3\7" : "\1\1\10\12\0\0\0\0\0\0\0\0", options);
	put32(tcp + (flags & 2 ? 28 : 24), (uint32_t)(w->now / 1000));
	fwrite(frame, 1, 16 + len, w->file);
	w->packets++;
	w->bytes += 16 + len;
	w->now += 3;
}

/* Packet `step` of a conversation. */
static void write_step(struct writer *w, uint64_t connection, unsigned step)
{
	uint32_t c = (uint32_t)(connection * 2654435761u), s = ~c;

	if (step == 0)
		write_packet(w, connection, false, 2, c, 0, 0);
	else if (step == 1)
		write_packet(w, connection, true, 0x12, s, c + 1, 0);
	else if (step == 2)
		write_packet(w, connection, false, 0x10, c + 1, s + 1, 0);
	else if (step == 3)
		write_packet(w, connection, false, 0x18, c + 1, s + 1, REQUEST);
	else if (step == 4)
		write_packet(w, connection, true, 0x10, s + 1, c + 1 + REQUEST, 0);
	else if (step < 23 && (step - 5) % 3 < 2)
		write_packet(w, connection, true, 0x18, s + 1 + ((step - 5) / 3 * 2 + (step - 5) % 3) * TEXT,
			c + 1 + REQUEST, TEXT);
	else if (step < 23)
		write_packet(w, connection, false, 0x10, c + 1 + REQUEST, s + 1 + (step - 4) / 3 * 2 * TEXT, 0);
	else if (step == 23)
		write_packet(w, connection, false, 0x11, c + 1 + REQUEST, s + 1 + 12 * TEXT, 0);
	else if (step == 24)
		write_packet(w, connection, true, 0x11, s + 1 + 12 * TEXT, c + 2 + REQUEST, 0);
	else
		write_packet(w, connection, false, 0x10, c + 2 + REQUEST, s + 2 + 12 * TEXT, 0);
}

static bool write_capture(struct writer *w, const char *path, uint64_t bytes)
{
	static const uint32_t head[6] = {0xa1b2c3d4u, 4u << 16 | 2, 0, 0, 262144, 1};

	w->file = fopen(path, "wb");
	if (!w->file)
		return false;
	w->now = 1700000000ull * 1000000;
	fwrite(head, 1, sizeof head, w->file);
	while (w->bytes < bytes) {
		for (unsigned step = 0; step < PACKETS_EACH; step++)
			for (unsigned i = 0; i < CONNECTIONS_AT_ONCE; i++)
				write_step(w, w->connections + i, step);
		w->connections += CONNECTIONS_AT_ONCE;
	}
	return fclose(w->file) == 0;
}

struct cost {
	double cpu, wall;
	long kilobytes;
	int status;
};

/* Runs a program with its output to a file; status 127: it is not there. */
static struct cost measure(char *const command[], const char *output)
{
	struct timespec a, b;
	struct rusage used;
	struct cost cost = {.status = 127};
	int status = 0;
	pid_t pid;

	clock_gettime(CLOCK_MONOTONIC, &a);
	pid = fork();
	if (pid == 0) {
		int fd = open(output, O_WRONLY | O_CREAT | O_TRUNC, 0600), null = open("/dev/null", O_WRONLY);

		dup2(fd, 1);
		dup2(null, 2);
		execvp(command[0], command);
		_exit(127);
	}
	if (pid < 0 || wait4(pid, &status, 0, &used) != pid)
		return cost;
	clock_gettime(CLOCK_MONOTONIC, &b);
	cost.status = WIFEXITED(status) ? WEXITSTATUS(status) : 126;
	cost.kilobytes = used.ru_maxrss;
	cost.cpu = (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
		(double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
	cost.wall = (double)(b.tv_sec - a.tv_sec) + (double)(b.tv_nsec - a.tv_nsec) / 1e9;
	return cost;
}

static int compare_costs(const void *a, const void *b)
{
	const struct cost *x = a, *y = b;

	return (x->cpu > y->cpu) - (x->cpu < y->cpu);
}

/* The first line that explain prints, against what was written. */
static bool is_right(const struct writer *w, const char *output)
{
	unsigned long long packets = 0, tcp = 0, errors = 1, connections = 0, well = 0;
	char text[256] = "", *end;
	FILE *f = fopen(output, "r");

	if (!f || !fgets(text, sizeof text, f))
		text[0] = 0;
	if (f)
		fclose(f);
	end = strstr(text, "; ");
	return sscanf(text, "%llu packets, %llu TCP, %llu ICMP errors, %llu connections", &packets, &tcp, &errors,
		&connections) == 4 && end && sscanf(end, "; %llu went well", &well) == 1 && packets == w->packets &&
		tcp == w->packets && errors == 0 && connections == w->connections && well == w->connections;
}

/* What another program needs for the same file, as more of the JSON. */
static void beside(struct result *r, const char *name, char *const command[], const char *output, uint64_t packets)
{
	struct cost c = measure(command, output);
	size_t at = strlen(r->detail);

	if (c.status == 0)
		snprintf(r->detail + at, sizeof r->detail - at, ", \"%s\": %.0f, \"%s_mb\": %ld", name, (double)packets / c.cpu, name,
			c.kilobytes / 1024);
}

static struct result run_explain(const struct options *o)
{
	char path[] = "/tmp/trivet-bench-XXXXXX.pcap", output[sizeof path + 8], self[400] = "", *slash;
	struct writer w = {.turn = o->self_test};
	struct result r = {0};
	struct cost c, runs[RUNS];
	unsigned done = 0;
	int fd = mkstemps(path, 5);

	if (fd < 0 || readlink("/proc/self/exe", self, sizeof self - 16) < 0 || !(slash = strrchr(self, '/')))
		bench_die("explain-1g: there is no place for the capture in /tmp");
	close(fd);
	strcpy(slash, "/trivet");
	snprintf(output, sizeof output, "%s.out", path);
	if (access(self, X_OK) != 0)
		snprintf(r.not_run, sizeof r.not_run, "there is no %s: make it", self);
	else if (!write_capture(&w, path, o->quick ? BYTES / 50 : BYTES))
		snprintf(r.not_run, sizeof r.not_run, "there is no room for 1 GB in /tmp");
	r.ok = true;
	for (unsigned i = 0; i < RUNS + 1 && !r.not_run[0]; i++) {
		c = measure((char *const[]){self, "explain", path, NULL}, output);
		r.ok = r.ok && c.status == 0 && is_right(&w, output);
		if (i > 0)
			runs[done++] = c;
	}
	if (done) {
		qsort(runs, done, sizeof *runs, compare_costs);
		c = runs[done / 2];
		r.value = (double)w.packets / c.cpu;
		snprintf(r.detail, sizeof r.detail, "\"packets\": %llu, \"bytes\": %llu, \"mb\": %ld, \"best\": %.0f, "
			"\"by the clock\": %.0f", (unsigned long long)w.packets, (unsigned long long)w.bytes, c.kilobytes / 1024,
			(double)w.packets / runs[0].cpu, (double)w.packets / c.wall);
	}
	if (!o->quick && !r.not_run[0]) {
		beside(&r, "tshark", (char *const[]){"tshark", "-n", "-q", "-r", path, "-z", "conv,tcp", NULL}, output, w.packets);
		beside(&r, "tcptrace", (char *const[]){"tcptrace", "-n", path, NULL}, output, w.packets);
	}
	unlink(path);
	unlink(output);
	return r;
}

const struct bench explain_1g_bench = {"explain-1g", "packets/s", true, true, run_explain};
