/*
 * common.c - stacks in memory and packets between them.
 */
#define _GNU_SOURCE
#include "bench.h"

#include "posix/cpu.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#define FLIP_AT 5000 /* packets */

void bench_die(const char *what)
{
	fprintf(stderr, "trivet-bench: %s\n", what);
	exit(1);
}

double cpu_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

struct tv_addr bench_addr(uint8_t host)
{
	struct tv_addr a = {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, host}};

	return a;
}

void bench_config(struct tv_config *config, uint8_t host)
{
	tv_config_default(config);
	memset(config->secret, host, sizeof config->secret);
	config->arch = cpu_arch();
	config->replies_per_second = 0;
	config->rst_per_second = 0;
}

struct side bench_stack(const struct tv_config *config, uint8_t host, uint32_t mtu)
{
	struct tv_link_config link = {.size = sizeof link, .kind = TV_LINK_IP, .mtu = mtu};
	struct tv_addr addr = bench_addr(host);
	struct side s;

	s.bytes = tv_stack_size(config);
	s.region = mmap(NULL, s.bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (s.bytes == 0 || s.region == MAP_FAILED ||
		tv_stack_init(s.region, s.bytes, config, TV_S, &s.stack) != TV_OK ||
		tv_link_add(s.stack, TV_S, &link) != 0 || tv_address_add(s.stack, TV_S, 0, &addr, 96 + 24) != TV_OK)
		bench_die("no stack");
	return s;
}

void bench_huge_pages(const struct side *s)
{
	(void)madvise(s->region, s->bytes, MADV_HUGEPAGE);
}

void bench_stack_free(struct side *s)
{
	munmap(s->region, s->bytes);
}

void wire_init(struct wire *w, bool flip)
{
	memset(w, 0, sizeof *w);
	w->memory = malloc((size_t)BENCH_BATCH * BENCH_BUF);
	if (w->memory == NULL)
		bench_die("no memory");
	wire_flip(w, flip);
	for (unsigned i = 0; i < BENCH_BATCH; i++) {
		w->packets[i].data = w->memory + (size_t)i * BENCH_BUF;
		w->packets[i].cap = BENCH_BUF;
	}
}

void wire_flip(struct wire *w, bool flip)
{
	w->flip_at = flip ? FLIP_AT : -1;
}

void wire_free(struct wire *w)
{
	free(w->memory);
}

unsigned wire_carry(struct wire *w, struct side *from, struct side *to, tv_time now)
{
	unsigned n = tv_output(from->stack, now, TV_ANY_LINK, w->packets, BENCH_BATCH);

	if (n == 0)
		return 0;
	if (w->flip_at >= 0 && w->flip_at < n) {
		struct tv_packet *p = &w->packets[w->flip_at];

		p->data[p->len - 1] ^= 1;
	}
	w->flip_at -= w->flip_at >= 0 ? n : 0;
	w->carried += n;
	tv_input(to->stack, now, w->packets, n, NULL);
	return n;
}
