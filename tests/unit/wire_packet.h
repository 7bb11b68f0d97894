/*
 * wire_packet.h - for the tests of src/wire: packets written byte by byte, with checksums made the
 * slow way of RFC 1071 so that they judge the fast ones, and a page behind which reading faults.
 */
#ifndef TEST_WIRE_PACKET_H
#define TEST_WIRE_PACKET_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

#include "wire/ip.h"

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

/* Fails with the names of the two verdicts and the text `what`. */
#define assert_verdict(got, wanted, what)                                                          \
	do {                                                                                       \
		enum tv_verdict got_ = (got), wanted_ = (wanted);                                  \
		if (got_ != wanted_)                                                               \
			fail_msg("%s: %s, not %s", (what), tv_verdict_name(got_),                  \
				tv_verdict_name(wanted_));                                         \
	} while (0)

static inline void put16(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static inline void put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v & 0xffff);
}

static inline unsigned get16(const uint8_t *p)
{
	return (unsigned)p[0] << 8 | p[1];
}

/* Adds n bytes to a folded sum, in network order. */
static inline uint32_t naive_add(uint32_t sum, const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		sum += i % 2 == 0 ? (uint32_t)p[i] << 8 : p[i];
		sum = (sum & 0xffff) + (sum >> 16);
	}
	return sum;
}

/* The folded sum of a pseudo-header, taken from the packet at ip. */
static inline uint32_t naive_pseudo(const uint8_t *ip, unsigned protocol, size_t n)
{
	uint8_t tail[8] = {0, 0, (uint8_t)(n >> 8), (uint8_t)n, 0, 0, 0, (uint8_t)protocol};
	uint32_t sum = naive_add(0, tail, 8);

	return ip[0] >> 4 == 4 ? naive_add(sum, ip + 12, 8) : naive_add(sum, ip + 8, 32);
}

static inline void seal_v4(uint8_t *p)
{
	put16(p + 10, 0);
	put16(p + 10, ~naive_add(0, p, (p[0] & 15u) * 4) & 0xffff);
}

/* An IPv4 header without options for n bytes of payload: 192.0.2.1 > 198.51.100.2. */
static inline void write_v4(uint8_t *p, unsigned protocol, size_t n)
{
	memset(p, 0, 20);
	p[0] = 0x45;
	put16(p + 2, (unsigned)(20 + n));
	p[6] = 0x40;
	p[8] = 64;
	p[9] = (uint8_t)protocol;
	put32(p + 12, 0xc0000201);
	put32(p + 16, 0xc6336402);
	seal_v4(p);
}

/* An IPv6 header for n bytes of payload: 2001:db8::1 > 2001:db8::2. */
static inline void write_v6(uint8_t *p, unsigned next, size_t n)
{
	memset(p, 0, 40);
	p[0] = 0x60;
	put16(p + 4, (unsigned)n);
	p[6] = (uint8_t)next;
	p[7] = 64;
	put32(p + 8, 0x20010db8);
	put32(p + 24, 0x20010db8);
	p[23] = 1;
	p[39] = 2;
}

/* Stores the checksum of the n bytes at p behind the header at ip; `at` is its place in them. */
static inline void seal(const uint8_t *ip, unsigned protocol, uint8_t *p, size_t n, size_t at)
{
	uint32_t sum = protocol == TV_PROTO_ICMP ? 0 : naive_pseudo(ip, protocol, n);

	put16(p + at, 0);
	put16(p + at, ~naive_add(sum, p, n) & 0xffff);
}

/* Copies n (at most a page of) bytes so that the byte behind the last one faults. */
static inline const uint8_t *at_edge(const uint8_t *p, size_t n)
{
	static uint8_t *edge;

	if (edge == NULL) {
		size_t page = (size_t)sysconf(_SC_PAGESIZE);
		uint8_t *two = mmap(NULL, page * 2, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		assert_true(two != MAP_FAILED);
		assert_int_equal(mprotect(two + page, page, PROT_NONE), 0);
		edge = two + page;
	}
	memcpy(edge - n, p, n);
	return edge - n;
}

static uint64_t random_state = 20261120;

/* The same numbers in every run. */
static inline uint32_t next_random(void)
{
	random_state = random_state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(random_state >> 32);
}

#endif
