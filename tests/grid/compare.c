/*
 * compare.c - see compare.h.
 *
 * A difference is a short text ("reply: ACK, got nothing"); cases of one start and window with the
 * same text make one group, which remembers the places that occur in it and its first case.
 */
#include "compare.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { GROUPS = 500, WHY = 400 };

struct group {
	struct driver_setup setup;
	enum case_ts ts;
	char why[WHY];
	char verdict[40];
	unsigned long cases;
	struct grid_case first;
	unsigned flags, seqs, acks, texts; /* sets */
};

static struct group groups[GROUPS];
static unsigned group_count;

static void say(char *text, size_t size, const char *format, ...)
{
	size_t n = strlen(text);
	va_list args;

	if (n) {
		snprintf(text + n, size - n, "; ");
		n = strlen(text);
	}
	va_start(args, format);
	vsnprintf(text + n, size - n, format, args);
	va_end(args);
}

static void flags_in_words(unsigned flags, char *text, size_t size)
{
	static const char *const names[6] = {"FIN", "SYN", "RST", "PSH", "ACK", "URG"};

	text[0] = 0;
	for (unsigned i = 0; i < 6; i++) {
		if (flags & 1u << i)
			snprintf(text + strlen(text), size - strlen(text), "%s%s", text[0] ? "," : "",
				names[i]);
	}
	if (!text[0])
		snprintf(text, size, "none");
}

/* --- one case ---------------------------------------------------------------------------------- */

static void one_packet(const struct model *before, const struct model *m, const struct model_result *r,
	const struct seen_packet *got, char *why, size_t size)
{
	char want[40], have[40];
	unsigned flags = got->p.flags & ~(unsigned)M_PSH;
	bool opened = r->packet.flags == (M_SYN | M_ACK) && before->state != M_SYN_SENT
		&& before->state != M_SYN_RECEIVED;

	flags_in_words(r->packet.flags, want, sizeof want);
	flags_in_words(flags, have, sizeof have);
	if (flags != r->packet.flags) {
		say(why, size, "reply: %s, got %s", want, have);
		return;
	}
	if (got->text_len)
		say(why, size, "reply carries %u octets", got->text_len);
	/* an ISS that was chosen just now: above what the last connection used (RFC 9293 3.6.1, 1) */
	if (opened && before->state == M_TIME_WAIT && !model_lt(before->nxt - 1, got->p.seq))
		say(why, size, "ISS not above the old SND.NXT");
	if (!opened && got->p.seq != r->packet.seq)
		say(why, size, "%s SEQ %+d", want, (int)(got->p.seq - r->packet.seq));
	if (r->packet.flags & M_ACK && got->p.ack != r->packet.ack)
		say(why, size, "%s ACK %+d", want, (int)(got->p.ack - r->packet.ack));
	if (r->packet.flags == M_ACK && model_lt(got->p.ack + got->p.wnd, m->rcv_nxt + m->rcv_wnd))
		say(why, size, "right edge moves left");
}

static void packets(const struct model *before, const struct model *m, const struct model_result *r,
	const struct seen *seen, char *why, size_t size)
{
	char want[40];

	flags_in_words(r->packet.flags, want, sizeof want);
	if (seen->bad_packet)
		say(why, size, "a packet that cannot be read, or too many");
	if (seen->packets > (r->reply != M_REPLY_NONE)) {
		char have[40];

		flags_in_words(seen->packet[seen->packets - 1].p.flags, have, sizeof have);
		say(why, size, "reply: %s, got %u packets, last %s", r->reply ? want : "nothing",
			seen->packets, have);
		return;
	}
	if (seen->packets == 0) {
		if (r->reply > M_REPLY_MAY)
			say(why, size, "reply: %s, got nothing", want);
		return;
	}
	if (r->reply == M_REPLY_NOW && seen->packet[0].late)
		say(why, size, "reply: %s at once, got it late", want);
	one_packet(before, m, r, &seen->packet[0], why, size);
}

static void number(const char *name, uint32_t want, uint32_t have, char *why, size_t size)
{
	if (want != have)
		say(why, size, "%s %+d", name, (int)(have - want));
}

static void numbers(const struct model *m, const struct seen *seen, char *why, size_t size)
{
	if (!seen->has_numbers || m->state == M_CLOSED || m->state == M_LISTEN || seen->state != m->state)
		return;
	number("SND.UNA", m->una, seen->una, why, size);
	number("SND.NXT", m->nxt, seen->nxt, why, size);
	if (m->state == M_SYN_SENT)
		return;
	number("RCV.NXT", m->rcv_nxt, seen->rcv_nxt, why, size);
	number("IRS", m->irs, seen->irs, why, size);
	if (model_lt(seen->rcv_nxt + seen->rcv_wnd, m->rcv_nxt + m->rcv_wnd))
		say(why, size, "RCV.WND %u, got %u", m->rcv_wnd, seen->rcv_wnd);
	if (m->state == M_SYN_RECEIVED || m->state == M_TIME_WAIT)
		return; /* nothing more will be sent: the send window has no meaning */
	number("SND.WND", m->wnd, seen->wnd, why, size);
	number("SND.WL1", m->wl1, seen->wl1, why, size);
	number("SND.WL2", m->wl2, seen->wl2, why, size);
	number("MAX.SND.WND", m->max_wnd, seen->max_wnd, why, size);
}

static void events(const struct model *m, unsigned want, unsigned have, char *why, size_t size)
{
	static const char *const names[] = {"established", "refused", "reset", "end of stream", "urgent",
		"gone"};

	/* both ends have closed, and the user may be told so when 2 MSL begin */
	if (m->state == M_TIME_WAIT)
		have &= ~(unsigned)M_EV_GONE;
	/* in CLOSING and LAST-ACK any reason will do */
	if (want & M_EV_GONE && have & (M_EV_RESET | M_EV_GONE))
		have = (have & ~(unsigned)M_EV_RESET) | M_EV_GONE;
	for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++) {
		if ((want ^ have) & 1u << i)
			say(why, size, "user: \"%s\" %s", names[i],
				want & 1u << i ? "is missing" : "is too much");
	}
}

/* DESIGN.md, rule 5: every dropped segment has a verdict; and what counted has none. */
static void verdict(const struct model *before, const struct model *m, const struct model_result *r,
	const struct seen *seen, char *why, size_t size)
{
	bool ok = strcmp(seen->verdict, "OK") == 0;
	bool effect = m->state != before->state || m->una != before->una || m->wnd != before->wnd
		|| r->restart_2msl || r->events || r->packet.flags & M_SYN;

	if (before->state == M_TIME_WAIT || (before->state >= M_SYN_RECEIVED && before->rcv_wnd == 0))
		return; /* half of the segment may count */
	if (!r->dropped && !ok)
		say(why, size, "dropped without reason");
	if (r->dropped && !effect && ok)
		say(why, size, "dropped without a verdict");
}

static uint32_t held_in_all(const struct model *m)
{
	uint32_t n = 0;

	for (unsigned i = 0; i < m->held_count; i++)
		n += m->held[i].to - m->held[i].from;
	return n;
}

bool compare_one(struct driver *d, struct model *m, const struct model_segment *s, char *why, size_t size)
{
	const struct model before = *m;
	struct model_result r;
	struct seen seen;

	why[0] = 0;
	model_arrives(m, s, &r);
	driver_feed(d, s, &seen);
	if (seen.check)
		say(why, size, "tv_stack_check %d", seen.check);
	if (seen.state != m->state)
		say(why, size, "state: %s, got %s", model_state_name(m->state), model_state_name(seen.state));
	packets(&before, m, &r, &seen, why, size);
	events(m, r.events, seen.events, why, size);
	if (m->state != M_CLOSED && seen.delivered != r.delivered)
		say(why, size, "takes %u, got %u", r.delivered, seen.delivered);
	if (seen.has_numbers && seen.state == m->state && m->state != M_CLOSED && seen.held != held_in_all(m))
		say(why, size, "holds %u, got %u", held_in_all(m), seen.held);
	if (seen.packets && seen.packet[0].p.flags == (M_SYN | M_ACK) && before.state != M_SYN_RECEIVED) {
		m->iss = m->una = m->wl2 = seen.packet[0].p.seq; /* not known before */
		m->nxt = m->iss + 1;
	}
	if (seen.packets && m->irs != before.irs) /* */
		driver_edge_begins(d, seen.packet[0].p.ack + seen.packet[0].p.wnd);
	numbers(m, &seen, why, size);
	verdict(&before, m, &r, &seen, why, size);
	m->rcv_wnd = driver_right_edge(d) - m->rcv_nxt;
	if (why[0])
		say(why, size, "verdict %s", seen.verdict);
	return !why[0];
}

/* --- all cases --------------------------------------------------------------------------------- */

/* Which of RST, SYN and URG: PSH never mattered. */
static unsigned flags_number(unsigned flags)
{
	return (flags & M_RST ? 1u : 0) + (flags & M_SYN ? 2u : 0) + (flags & M_URG ? 4u : 0);
}

static void remember(const struct compare_run *run, const struct grid_case *c, const char *why)
{
	struct group *g;

	for (g = groups; g < groups + group_count; g++) {
		if (g->setup.start == c->start && g->setup.wnd == c->wnd && g->ts == run->ts
			&& strcmp(g->why, why) == 0)
			break;
	}
	if (g == groups + group_count) {
		if (group_count == GROUPS)
			return;
		group_count++;
		memset(g, 0, sizeof *g);
		g->setup = run->setup;
		g->ts = run->ts;
		g->first = *c;
		snprintf(g->why, sizeof g->why, "%s", why);
	}
	g->cases++;
	g->flags |= 1u << flags_number(c->flags);
	g->seqs |= 1u << c->seq;
	g->acks |= 1u << c->ack;
	g->texts |= 1u << c->text;
}

static unsigned hash(unsigned x)
{
	x = (x ^ x >> 15) * 0x2c1b3c6du;
	x = (x ^ x >> 12) * 0x297a2d39u;
	return x ^ x >> 15;
}

static void add_ts(struct model_segment *s, const struct compare_run *run)
{
	if (run->ts == TS_NONE)
		return;
	s->has_ts = true;
	s->tsval = PEER_TSVAL + (uint32_t)run->ts - TS_SAME;
}

static bool one_case(struct driver *d, const struct compare_run *run, const struct grid_case *c)
{
	struct model m = *driver_model(d);
	struct model_segment s = case_segment(&m, c);
	char why[WHY];

	s.flags |= run->high_flags;
	add_ts(&s, run);
	driver_rewind(d);
	compare_one(d, &m, &s, why, sizeof why);
	if (!driver_text_is_right(d, m.irs + 1))
		say(why, sizeof why, "wrong octets");
	if (!why[0])
		return true;
	remember(run, c, why);
	return false;
}

long compare_run(const struct compare_run *run, unsigned long *cases)
{
	static const unsigned bits[4] = {M_RST, M_SYN, M_URG, M_PSH};
	struct driver *d = driver_new(&run->setup);
	unsigned total = 16 * SEQS * ACKS * TEXTS;
	long differ = 0;

	if (!d)
		return -1;
	for (unsigned i = 0; i < total; i++) {
		struct grid_case c = {.start = run->setup.start, .wnd = run->setup.wnd};
		unsigned n = i;

		if (run->every > 1 && hash(i) % run->every != 0)
			continue;
		for (unsigned b = 0; b < 4; b++, n /= 2)
			c.flags |= n & 1 ? bits[b] : 0;
		c.text = (enum case_text)(n % TEXTS);
		c.ack = (enum case_ack)(n / TEXTS % ACKS);
		c.seq = (enum case_seq)(n / TEXTS / ACKS);
		if (!case_seq_exists(c.start, c.wnd, c.seq) || !case_ack_exists(c.start, c.ack))
			continue;
		++*cases;
		differ += !one_case(d, run, &c);
	}
	driver_free(d);
	return differ;
}

/* --- the report -------------------------------------------------------------------------------- */

static void print_set(FILE *to, const char *name, unsigned set, const char *(*word)(unsigned))
{
	fprintf(to, "  %s", name);
	for (unsigned i = 0; i < 32; i++) {
		if (set >> i & 1)
			fprintf(to, " %s", word(i));
	}
}

static const char *flags_word(unsigned i)
{
	static const char *const names[8] = {"-", "RST", "SYN", "RST+SYN", "URG", "RST+URG", "SYN+URG",
		"RST+SYN+URG"};

	return names[i];
}
static const char *seq_word(unsigned i) { return case_seq_name((enum case_seq)i); }
static const char *ack_word(unsigned i) { return case_ack_name((enum case_ack)i); }
static const char *text_word(unsigned i) { return case_text_name((enum case_text)i); }

static int by_start(const void *a, const void *b)
{
	const struct group *x = a, *y = b;

	if (x->setup.start != y->setup.start)
		return (int)x->setup.start - (int)y->setup.start;
	if (x->setup.wnd != y->setup.wnd)
		return (int)x->setup.wnd - (int)y->setup.wnd;
	return x->cases < y->cases ? 1 : x->cases > y->cases ? -1 : 0;
}

void compare_report(FILE *to, unsigned most)
{
	static const char *const ts[TSES] = {"", ", older timestamp", ", same timestamp",
		", newer timestamp"};

	qsort(groups, group_count, sizeof groups[0], by_start);
	for (unsigned i = 0; i < group_count && i < most; i++) {
		const struct group *g = &groups[i];

		fprintf(to, "%s, %s%s%s: %lu cases: %s\n ", case_start_name(g->setup.start),
			case_wnd_name(g->setup.wnd), g->setup.timestamps ? ", timestamps" : "", ts[g->ts],
			g->cases, g->why);
		print_set(to, "flags", g->flags, flags_word);
		print_set(to, "SEQ", g->seqs, seq_word);
		print_set(to, "ACK", g->acks, ack_word);
		print_set(to, "text", g->texts, text_word);
		fprintf(to, "\n    first: flags %s SEQ %s ACK %s text %s\n",
			flags_word(flags_number(g->first.flags)), case_seq_name(g->first.seq),
			case_ack_name(g->first.ack), case_text_name(g->first.text));
	}
	if (group_count > most)
		fprintf(to, "... and %u groups more\n", group_count - most);
	group_count = 0;
}
