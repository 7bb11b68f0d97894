/*
 * text.h - a line of text made piece by piece, without allocation and without libc.
 */
#ifndef TV_WIRE_TEXT_H
#define TV_WIRE_TEXT_H

#include <trivet/trivet.h>

/*
 * A line in the caller's memory. What does not fit is left out, but counted in len; there is always
 * a NUL behind what is there (unless cap is 0). Nothing but printable ASCII is ever written.
 */
struct tv_text {
	char *p;
	size_t cap, len;
};

/* An empty line in the cap bytes at p. */
struct tv_text tv_text_start(char *p, size_t cap);
void tv_text_char(struct tv_text *t, char c);
void tv_text_str(struct tv_text *t, const char *s);
void tv_text_uint(struct tv_text *t, uint64_t v);
/* Hexadecimal, at least `digits` (1..16) digits. */
void tv_text_hex(struct tv_text *t, uint64_t v, unsigned digits);
/* 192.0.2.1, or RFC 5952: 2001:db8::1 */
void tv_text_addr(struct tv_text *t, const struct tv_addr *a);
/* 02:00:5e:10:00:01 */
void tv_text_mac(struct tv_text *t, const uint8_t mac[6]);

#endif
