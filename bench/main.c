/*
 * main.c - trivet-bench [--self-test] [--quick] [NAME...]: runs benchmarks, each five times on one core,
 * and prints one JSON line for each with the median.
 */
#define _GNU_SOURCE
#include "bench.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct bench *const benches[] = {
	&life_bench,       &bulk_bench,       &segment_1k_bench,      &segment_100k_bench,
	&segment_1m_bench, &million_seconds_bench, &million_bytes_bench,
};

#define COUNT (sizeof benches / sizeof benches[0])

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static bool print(const struct bench *b, const struct result *r, double *values, unsigned runs)
{
	qsort(values, runs, sizeof values[0], compare);
	printf("{\"bench\": \"%s\", \"value\": %.6g, \"unit\": \"%s\", \"runs\": %u, \"min\": %.6g, \"max\": %.6g%s%s, "
	       "\"verified\": %s, \"compiler\": \"%s\", \"flags\": \"%s\"}\n",
	       b->name, values[runs / 2], b->unit, runs, values[0], values[runs - 1], r->detail[0] ? ", " : "", r->detail,
	       r->ok ? "true" : "false", __VERSION__, "-O2");
	fflush(stdout);
	return r->ok;
}

static bool run(const struct bench *b, const struct options *o)
{
	unsigned runs = o->count || o->self_test ? 1 : RUNS;
	double values[RUNS];
	struct result r = {0};
	bool ok = true;

	for (unsigned i = 0; i < runs; i++) {
		r = b->run(o);
		values[i] = r.value;
		ok = ok && r.ok;
	}
	r.ok = ok;
	if (!o->self_test)
		return print(b, &r, values, runs);
	printf("%s %s: one turned bit was %s\n", ok ? "FAIL" : "ok", b->name, ok ? "not noticed" : "noticed");
	return !ok;
}

static void pin(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(0, &set);
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
		if (!wanted(benches[i], argv, argc) || (o.self_test && !benches[i]->moves_bytes))
			continue;
		ok = run(benches[i], &o) && ok;
		ran++;
	}
	if (ran == 0)
		bench_die("no benchmark of that name");
	return ok ? 0 : 1;
}
