/*
 * bench.h - what the benchmarks share: stacks in memory, packets between them, CPU time, one JSON line.
 *
 * Every benchmark verifies what it moved before it prints. trivet-bench --self-test turns one bit of one
 * packet; a benchmark that does not notice is broken.
 */
#ifndef TV_BENCH_H
#define TV_BENCH_H

#include <trivet/trivet.h>

#define RUNS 5

struct options {
	bool self_test; /* one bit of one packet is turned: each benchmark must fail */
	bool quick;     /* a tenth of the work, for trying things out */
	bool count;     /* one short run under callgrind, see count.c */
};

/* What one run says. ok: everything that it moved and counted was right. */
struct result {
	double value;
	bool ok;
	char detail[256];  /* more members of the JSON object, or "" */
	char not_run[256]; /* why it cannot be run on this machine; "" when it was */
};

struct bench {
	const char *name, *unit;
	bool once;      /* always the same value: one run says it */
	bool self_test; /* moves packets itself: must notice a turned bit */
	struct result (*run)(const struct options *o);
};

extern const struct bench life_bench, bulk_bench, segment_1k_bench, segment_100k_bench, segment_1m_bench;
extern const struct bench million_seconds_bench, million_bytes_bench;
extern const struct bench tun_in_bench, tun_out_bench, instructions_bench, explain_1g_bench;
extern const struct bench syn_cookie_4_bench, syn_cookie_6_bench, cookie_ack_bench;
extern const struct bench flood_honest_bench, flood_bytes_bench, syn_cookie_tun_bench;

/* count.c runs the program again with --count life-64 under callgrind, which counts inside this function. */
#define COUNT_FUNCTION "life_measured"
#define COUNT_WARM 70000 /* cycles: the TIME-WAIT table is full, and each cycle evicts */
#define COUNT_CYCLES 10000

#define BENCH_BATCH 32
#define BENCH_BUF 66560 /* one packet, super-segments included */

/* A stack in memory of its own, with one IP link of the given MTU and address 10.0.0.`host`. */
struct side {
	struct tv_stack *stack;
	void *region;
	size_t bytes;
};
void bench_config(struct tv_config *config, uint8_t host);
struct side bench_stack(const struct tv_config *config, uint8_t host, uint32_t mtu);
/* What the stack touches from now on lies in huge pages, if this machine gives them. */
void bench_huge_pages(const struct side *s);
void bench_stack_free(struct side *s);
struct tv_addr bench_addr(uint8_t host);

/* Carries packets one way: at most one batch. Turns a bit of packet number flip_at (counted down). */
struct wire {
	struct tv_packet packets[BENCH_BATCH];
	uint8_t *memory;
	uint64_t carried; /* packets */
	int64_t flip_at;  /* < 0: never */
};
void wire_init(struct wire *w, bool flip);
void wire_flip(struct wire *w, bool flip); /* from now on; wire_init() does it too */
void wire_free(struct wire *w);
unsigned wire_carry(struct wire *w, struct side *from, struct side *to, tv_time now);

double cpu_seconds(void);
_Noreturn void bench_die(const char *what);

#endif
