/*
 * main.c - trivet-bench [--self-test] [--quick] [NAME...]: runs benchmarks, each five times on one core,
 * and prints one JSON line for each with the median. The flags are those that the library was built with;
 * `kernels` says which of its ways to copy and sum bytes this processor got.
 */
#define _GNU_SOURCE
#include "bench.h"

#include "posix/cpu.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef TV_BENCH_FLAGS
#define TV_BENCH_FLAGS "unknown"
#endif
#ifdef __clang__
#define COMPILER __VERSION__
#else
#define COMPILER "gcc " __VERSION__
#endif

static const struct bench *const benches[] = {
	&life_bench,
	&instructions_bench,
	&bulk_bench,
	&segment_1k_bench,
	&segment_100k_bench,
	&segment_1m_bench,
	&million_seconds_bench,
	&million_bytes_bench,
	&tun_in_bench,
	&tun_out_bench,
	&explain_1g_bench,
	&syn_cookie_4_bench,
	&syn_cookie_6_bench,
	&cookie_ack_bench,
	&flood_honest_bench,
	&flood_bytes_bench,
	&syn_cookie_tun_bench,
};

#define COUNT (sizeof benches / sizeof benches[0])

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static const char *kernels(void)
{
	switch (cpu_arch()) {
	case TV_ARCH_PORTABLE: return "portable";
	case TV_ARCH_AVX2: return "avx2";
	case TV_ARCH_AVX512: return "avx512";
	}
	return "";
}

static bool print(const struct bench *b, const struct result *r, double *values, unsigned runs)
{
	if (r->not_run[0]) {
		printf("{\"bench\": \"%s\", \"value\": null, \"unit\": \"%s\", \"not run\": \"%s\"}\n", b->name, b->unit,
			r->not_run);
		return true;
	}
	qsort(values, runs, sizeof values[0], compare);
	printf("{\"bench\": \"%s\", \"value\": %.6g, \"unit\": \"%s\", \"runs\": %u, ", b->name, values[runs / 2], b->unit, runs);
	printf("\"min\": %.6g, \"max\": %.6g%s%s, ", values[0], values[runs - 1], r->detail[0] ? ", " : "", r->detail);
	printf("\"verified\": %s, \"compiler\": \"%s\", \"flags\": \"%s\", \"kernels\": \"%s\"}\n", r->ok ? "true" : "false",
		COMPILER, TV_BENCH_FLAGS, kernels());
	return r->ok;
}

static bool print_self_test(const struct bench *b, const struct result *r)
{
	if (r->not_run[0])
		printf("not run %s: %s\n", b->name, r->not_run);
	else
		printf("%s %s: one turned bit was %s\n", r->ok ? "FAIL" : "ok", b->name, r->ok ? "not noticed" : "noticed");
	return !r->ok;
}

static bool run(const struct bench *b, const struct options *o)
{
	unsigned runs = b->once || o->count || o->self_test ? 1 : RUNS;
	double values[RUNS];
	struct result r = {0};
	bool ok = true;

	for (unsigned i = 0; i < runs && !r.not_run[0]; i++) {
		r = b->run(o);
		values[i] = r.value;
		ok = ok && r.ok;
	}
	r.ok = ok;
	ok = o->self_test ? print_self_test(b, &r) : print(b, &r, values, runs);
	fflush(stdout);
	return ok;
}

static void pin(void)
{
	cpu_set_t set;
	size_t cpu = CPU_SETSIZE - 1;

	if (sched_getaffinity(0, sizeof set, &set) < 0)
		return;
	/* The last one that we may use: the first has more interrupts to serve. */
	while (cpu > 0 && !CPU_ISSET(cpu, &set))
		cpu--;
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	sched_setaffinity(0, sizeof set, &set); /* where it is refused, the numbers are merely noisier */
}

static bool wanted(const struct bench *b, char **names, int n)
{
	for (int i = 0; i < n; i++)
		if (strcmp(names[i], b->name) == 0)
			return true;
	return n == 0;
}

int main(int argc, char **argv)
{
	struct options o = {0};
	unsigned ran = 0;
	bool ok = true;

	argc--;
	argv++;
	for (; argc > 0 && argv[0][0] == '-'; argc--, argv++) {
		if (strcmp(argv[0], "--self-test") == 0)
			o.self_test = o.quick = true;
		else if (strcmp(argv[0], "--quick") == 0)
			o.quick = true;
		else if (strcmp(argv[0], "--count") == 0)
			o.count = true;
		else
			bench_die("usage: trivet-bench [--self-test] [--quick] [--count] [NAME...]");
	}
	pin();
	for (unsigned i = 0; i < COUNT; i++) {
		if (!wanted(benches[i], argv, argc) || (o.self_test && !benches[i]->self_test))
			continue;
		ok = run(benches[i], &o) && ok;
		ran++;
	}
	if (ran == 0)
		bench_die("no benchmark of that name");
	return ok ? 0 : 1;
}
