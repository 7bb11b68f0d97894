/*
 * text.c - numbers and addresses as text. IPv6 follows RFC 5952: lower case, no leading zeros, the
 * longest run of two or more zero groups (the first of equals) shortened; the old IPv4-compatible
 * form ::a.b.c.d is written as the C libraries write it.
 */
#include "wire/text.h"
#include "wire/ip.h"
#include "base/bytes.h"

struct tv_text tv_text_start(char *p, size_t cap)
{
	struct tv_text t = {p, cap, 0};

	if (cap > 0) p[0] = '\0';
	return t;
}

void tv_text_char(struct tv_text *t, char c)
{
	if (t->len + 1 < t->cap) {
		t->p[t->len] = c;
		t->p[t->len + 1] = '\0';
	}
	t->len++;
}

void tv_text_str(struct tv_text *t, const char *s)
{
	while (*s != '\0') tv_text_char(t, *s++);
}

void tv_text_uint(struct tv_text *t, uint64_t v)
{
	char digits[20];
	unsigned n = 0;

	do {
		digits[n++] = (char)('0' + v % 10);
		v /= 10;
	} while (v != 0);
	while (n > 0) tv_text_char(t, digits[--n]);
}

void tv_text_hex(struct tv_text *t, uint64_t v, unsigned digits)
{
	TV_ASSERT(digits >= 1 && digits <= 16);
	while (digits < 16 && v >> (digits * 4) != 0) digits++;
	while (digits > 0) tv_text_char(t, "0123456789abcdef"[v >> (--digits * 4) & 15]);
}

void tv_text_mac(struct tv_text *t, const uint8_t mac[6])
{
	for (unsigned i = 0; i < 6; i++) {
		if (i > 0) tv_text_char(t, ':');
		tv_text_hex(t, mac[i], 2);
	}
}

static void text_v4(struct tv_text *t, const uint8_t *p)
{
	for (unsigned i = 0; i < 4; i++) {
		if (i > 0) tv_text_char(t, '.');
		tv_text_uint(t, p[i]);
	}
}

/* The run of zero groups that is shortened: its first group, and how many; 0 when there is none. */
static unsigned zero_run(const uint8_t *p, unsigned *first)
{
	unsigned best = 1, run = 0;

	*first = 8;
	for (unsigned i = 0; i < 8; i++) {
		run = tv_load16(p + i * 2) == 0 ? run + 1 : 0;
		if (run > best) {
			best = run;
			*first = i + 1 - run;
		}
	}
	return best > 1 ? best : 0;
}

void tv_text_addr(struct tv_text *t, const struct tv_addr *a)
{
	unsigned first, zeros;

	if (tv_addr_is_v4(a)) {
		text_v4(t, a->b + 12);
		return;
	}
	zeros = zero_run(a->b, &first);
	for (unsigned i = 0; i < 8; i++) {
		if (i == first) {
			tv_text_str(t, "::");
			i += zeros - 1;
			continue;
		}
		if (i > 0 && i != first + zeros) tv_text_char(t, ':');
		if (i == 6 && first == 0 && zeros == 6) {
			text_v4(t, a->b + 12);
			return;
		}
		tv_text_hex(t, tv_load16(a->b + i * 2), 1);
	}
}
