/*
 * lines.c - captured packets, one a line, as `tcpdump -n` writes them.
 *
 * Sequence numbers are relative to what was seen of the same conversation before. A fixed number of
 * conversations is remembered; one that takes another's place makes that one's numbers absolute again.
 *
 * A capture on all interfaces holds the number of each packet's interface, and no name: whoever prints may know
 * one. tcpdump takes the one that this machine has for the number now.
 */
#include "diagnose/lines.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "wire/print.h"

enum { TALKS = 4096 };

struct talk {
	struct tv_endpoint low, high;
	struct tv_print_talk talk;
};

struct lines {
	struct talk talks[TALKS];
	lines_name_fn name;
};

struct lines *lines_new(void)
{
	return calloc(1, sizeof(struct lines));
}

void lines_free(struct lines *l)
{
	free(l);
}

void lines_names(struct lines *l, lines_name_fn name)
{
	l->name = name;
}

static bool same_end(const struct tv_endpoint *a, const struct tv_endpoint *b)
{
	return a->port == b->port && memcmp(a->addr.b, b->addr.b, sizeof a->addr.b) == 0;
}

/* What is remembered of this conversation; another one may have had its place. */
static struct talk *talk_of(struct talk *talks, const struct packet *p, bool *reverse)
{
	struct tv_endpoint src = {.addr = p->src, .port = p->sport}, dst = {.addr = p->dst, .port = p->dport};
	const struct tv_endpoint *low, *high;
	struct talk *t;
	uint32_t h = 0;

	*reverse = tv_print_is_reverse(&src, &dst);
	low = *reverse ? &dst : &src;
	high = *reverse ? &src : &dst;
	for (unsigned i = 0; i < 16; i++)
		h = h * 31 + low->addr.b[i] + 7u * high->addr.b[i];
	h = (h * 31 + low->port) * 31 + high->port;
	t = &talks[h % TALKS];
	if (!same_end(&t->low, low) || !same_end(&t->high, high))
		*t = (struct talk){.low = *low, .high = *high};
	return t;
}

/* "eth0  In  ": 6 columns or more, and 4. */
static int cooked_text(const struct lines *l, const struct packet *p, char *line, size_t room)
{
	static const char *const directions[] = {"In", "B", "M", "P", "Out"};
	char name[LINES_NAME] = "?";

	if (!p->cooked2)
		return 0;
	if (!l->name || !l->name(p->cooked_index, name))
		memcpy(name, "?", 2);
	return snprintf(line, room, "%-5s %-3s ", name, p->cooked_type < 5 ? directions[p->cooked_type] : "?");
}

bool lines_packet(struct lines *l, const struct packet *p, char *line, size_t room)
{
	struct tv_print_base base = {0, 0, 0};
	char clock[16];
	time_t seconds = (time_t)(p->time / TV_S);
	struct tv_text text;
	struct tm tm;
	bool reverse;
	int n;

	if (!p->ip || !localtime_r(&seconds, &tm))
		return false;
	strftime(clock, sizeof clock, "%H:%M:%S", &tm);
	n = snprintf(line, room, "%s.%06llu ", clock, (unsigned long long)(p->time % TV_S / 1000));
	if (n >= 0 && (size_t)n < room)
		n += cooked_text(l, p, line + n, room - (size_t)n);
	if (n < 0 || (size_t)n >= room)
		return false;
	text = tv_text_start(line + n, room - (size_t)n);
	if (p->kind == PACKET_TCP) {
		struct talk *t = talk_of(l->talks, p, &reverse);

		base = tv_print_follow(&t->talk, reverse, p->flags, p->seq, p->ack);
	}
	tv_print_packet(&text, p->ip, p->ip_have, &base);
	return true;
}
