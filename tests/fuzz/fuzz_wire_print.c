/*
 * fuzz_wire_print.c - a packet from the input as text; its first byte is the room for the line. The
 * line ends with a NUL inside its room, has the same length whatever the room, and holds printable
 * ASCII only.
 */
#include <stdlib.h>
#include <string.h>

#include "wire/print.h"

#define MUST(condition) ((condition) ? (void)0 : abort())

static void check_line(const struct tv_text *t)
{
	size_t shown = t->len < t->cap ? t->len : t->cap - 1;

	if (t->cap == 0) return;
	MUST(t->p[shown] == '\0');
	for (size_t i = 0; i < shown; i++) MUST(t->p[i] >= ' ' && t->p[i] <= '~');
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	const struct tv_print_base base = {1, 2, 3};
	char *room;
	char line[1000];
	struct tv_text small, whole = tv_text_start(line, sizeof line);

	if (n < 1 || n > 2000) return 0;
	room = malloc(p[0] + 1u);
	MUST(room != NULL);
	small = tv_text_start(room, p[0]);
	tv_print_packet(&whole, p + 1, n - 1, &base);
	tv_print_packet(&small, p + 1, n - 1, &base);
	check_line(&whole);
	check_line(&small);
	MUST(whole.len == small.len);
	whole = tv_text_start(line, sizeof line);
	tv_print_arp(&whole, p + 1, n - 1);
	check_line(&whole);
	free(room);
	return 0;
}
