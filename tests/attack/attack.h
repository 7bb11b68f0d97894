/*
 * attack.h - the cases of tests/attack/cases.tsv: each is a function that attacks a stack and says what it
 * measured. Each runs in a process of its own, so that one that crashes is one that failed.
 *
 * Limits that are rates or shares of work are counted in steps here; bench/ measures them in time.
 */
#ifndef TEST_ATTACK_H
#define TEST_ATTACK_H

#include "../unit/lab.h"

struct attack {
	bool quick;                /* a tenth of the work */
	bool failed;
	char measured[400];
};

struct attack_case {
	const char *id;
	void (*run)(struct attack *a);
};

/* By chapter of the list; each ends with a NULL. */
extern const struct attack_case attack_guess[], attack_parse[], attack_parse_more[], attack_flood[], attack_hold[];
extern const struct attack_case attack_fastopen[];
extern const struct attack_case attack_blind[], attack_blind_more[], attack_share[], attack_stream[];
extern const struct attack_case attack_more[], attack_two[], attack_stall[];
extern const struct attack_case attack_flags[], attack_pieces[], attack_offload[];

/* What was measured, and whether it is within the limit; more than one make a list, and all have to hold. */
void measured(struct attack *a, bool within, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* Something that has to be so besides: told only when it is not. */
void must(struct attack *a, bool holds, const char *what);

/* ---- What has been sent ---- */
struct said {
	uint64_t packets, bytes;
	uint64_t resets, syn_acks, acks, with_text, text;
	uint64_t elsewhere;        /* to an address that is not l->peer */
};
/* Takes all that the stack has to say now, without its checker; adds it up. */
void hear(struct lab *l, struct said *s);
/* Gives it a packet, without its checker, so close to the end of a page that reading on ends the test. */
enum tv_verdict give(struct lab *l, const uint8_t *p, uint32_t n);
/* Builds a segment of the peer and gives it. */
enum tv_verdict toss(struct lab *l, const struct say *say);
#define TOSS(l, ...) toss((l), &(struct say){__VA_ARGS__})

/* The whole memory of the stack, to be compared: all but counters and the tokens of rates. */
uint8_t *memory_copy(const struct lab *l);
bool memory_same(const struct lab *l, const uint8_t *copy);

/* A segment with TCP options that are bytes; returns the length. n: a multiple of 4. */
uint32_t build_raw(const struct lab *l, uint16_t flags, int32_t off, const uint8_t *options, uint32_t n, uint8_t *p);
/* Makes the checksums of a packet right that was changed. */
void mend(uint8_t *p, uint32_t n);

#endif
