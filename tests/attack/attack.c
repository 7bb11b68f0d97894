/*
 * attack.c - what the attacks share: packets against a guard page, sums of what was sent, memory compared.
 */
#define _GNU_SOURCE
#include "attack.h"

#include <sys/mman.h>

#include "wire/csum.h"

#define ROOM 65536u

void measured(struct attack *a, bool within, const char *format, ...)
{
	size_t at = strlen(a->measured);
	va_list args;

	if (at != 0 && at + 2 < sizeof a->measured)
		at += (size_t)snprintf(a->measured + at, sizeof a->measured - at, "; ");
	va_start(args, format);
	vsnprintf(a->measured + at, sizeof a->measured - at, format, args);
	va_end(args);
	a->failed = a->failed || !within;
}

void must(struct attack *a, bool holds, const char *what)
{
	if (!holds)
		measured(a, false, "not so: %s", what);
}

static void add_up(const struct lab *l, struct said *s, const struct tv_packet *p)
{
	struct tv_segment seg;
	struct tv_ip ip;

	s->packets++;
	s->bytes += p->len;
	assert_int_equal(tv_ip_parse(&ip, p->data, p->len), TV_V_OK);
	s->elsewhere += !tv_addr_equal(&ip.dst, &l->peer);
	if (ip.protocol != TV_PROTO_TCP)
		return;
	assert_int_equal(tv_segment_parse(&seg, &ip, p->flags, 0, TV_ARCH_PORTABLE), TV_V_OK);
	s->resets += (seg.flags & TV_RST) != 0;
	s->syn_acks += (seg.flags & (TV_SYN | TV_ACK)) == (TV_SYN | TV_ACK);
	s->acks += (seg.flags & (TV_SYN | TV_RST | TV_FIN | TV_ACK)) == TV_ACK && seg.len == 0;
	s->with_text += seg.len != 0;
	s->text += seg.len;
}

void hear(struct lab *l, struct said *s)
{
	static uint8_t room[32][2048];
	struct tv_packet p[32];
	unsigned n;

	do {
		memset(p, 0, sizeof p);
		for (unsigned i = 0; i < COUNT(p); i++) {
			p[i].data = room[i];
			p[i].cap = sizeof room[i];
		}
		n = tv_output(l->s, l->now, TV_ANY_LINK, p, COUNT(p));
		for (unsigned i = 0; i < n; i++)
			add_up(l, s, &p[i]);
	} while (n == COUNT(p));
}

enum tv_verdict give(struct lab *l, const uint8_t *p, uint32_t n)
{
	static uint8_t *end;
	struct tv_packet packet = {.len = n};

	if (end == NULL) {
		uint8_t *map = mmap(NULL, ROOM + 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		assert_true(map != MAP_FAILED);
		assert_int_equal(mprotect(map + ROOM, 4096, PROT_NONE), 0);
		end = map + ROOM;
	}
	packet.data = end - n;
	memcpy(packet.data, p, n);
	tv_input(l->s, l->now, &packet, 1, &l->verdict);
	return (enum tv_verdict)l->verdict;
}

enum tv_verdict toss(struct lab *l, const struct say *say)
{
	static uint8_t p[ROOM];

	return give(l, p, lab_build(l, say, p));
}

/* What is no state: counters, tokens. */
static void forget(uint8_t *copy)
{
	struct tv_stack *s = (struct tv_stack *)(void *)copy;

	memset(&s->core.cnt, 0, sizeof s->core.cnt);
	memset(&s->rate_all, 0, sizeof s->rate_all);
	memset(&s->rate_icmp, 0, sizeof s->rate_icmp);
	memset(s->rate_rst, 0, sizeof s->rate_rst);
}

uint8_t *memory_copy(const struct lab *l)
{
	uint8_t *copy = aligned_alloc(4096, l->bytes);

	assert_non_null(copy);
	memcpy(copy, l->region, l->bytes);
	forget(copy);
	return copy;
}

bool memory_same(const struct lab *l, const uint8_t *copy)
{
	uint8_t *now = memory_copy(l);
	bool same = memcmp(now, copy, l->bytes) == 0;

	free(now);
	return same;
}

void mend(uint8_t *p, uint32_t n)
{
	bool v6 = p[0] >> 4 == 6;
	uint32_t head = v6 ? 40 : 4u * (p[0] & 15);
	struct tv_addr src = {{[10] = 0xff, [11] = 0xff}}, dst = src;
	uint64_t sum;

	memcpy(v6 ? src.b : src.b + 12, v6 ? p + 8 : p + 12, v6 ? 16 : 4);
	memcpy(v6 ? dst.b : dst.b + 12, v6 ? p + 24 : p + 16, v6 ? 16 : 4);
	if (!v6) {
		memset(p + 10, 0, 2);
		tv_csum_store(p + 10, tv_csum_add(0, p, head));
	}
	memset(p + head + 16, 0, 2);
	sum = tv_csum_pseudo(&src, &dst, v6, TV_PROTO_TCP, n - head);
	tv_csum_store(p + head + 16, tv_csum_add(sum, p + head, n - head));
}

uint32_t build_raw(const struct lab *l, uint16_t flags, int32_t off, const uint8_t *options, uint32_t n, uint8_t *p)
{
	struct tv_tcp_options none = {0};
	struct say say = {.flags = flags, .off = off, .opt = &none};
	uint32_t head = l->v6 ? 40 : 20, len = lab_build(l, &say, p);

	memcpy(p + len, options, n);
	len += n;
	p[head + 12] = (uint8_t)((20 + n) / 4 << 4 | (p[head + 12] & 15));
	if (l->v6)
		tv_store16(p + 4, (uint16_t)(len - 40));
	else
		tv_store16(p + 2, (uint16_t)len);
	mend(p, len);
	return len;
}
