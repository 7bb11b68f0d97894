/*
 * check_capture.c - the packets beside the attempts, and the judgment of each attempt.
 *
 * Where rights allow, everything that belongs to an attempt is followed by a tracker of its own: its
 * segments, ICMP errors that quote them, SYN,ACKs that come to its port from somewhere else, and the RSTs
 * that this machine answers those. Its verdict is the one that trivet explain would give on these packets.
 * What the kernel tells is judged as well; it counts where no packet was seen, and where packets found
 * nothing wrong and the kernel did.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/check.h"
#include "cli/reading.h"
#include "diagnose/attempt.h"
#include "diagnose/lines.h"
#include "posix/clock.h"

/* Headers are enough to judge; so many packets at once, so that the attempts have their turn. */
enum { SNAP = 256, TAKE_MOST = 1000 };

int capture_open(struct check *c)
{
	struct capture *p = &c->capture;
	struct host_obstacle obstacle = {.step = HOST_STEP_PACKET};
	struct host_facts facts;
	char filter[256];

	/* SYN,ACKs of any port, and what this machine answers them: one from the wrong port or address is among what
	 * may be wrong. */
	snprintf(filter, sizeof filter, "tcp port %u or icmp or icmp6 or (ip and (tcp[13] & 0x12 == 0x12 or "
		"tcp[13] & 4 != 0)) or (ip6[6] == 6 and (ip6[53] & 0x12 == 0x12 or ip6[53] & 4 != 0))", c->port);
	p->live = live_open("any", filter, c->common.capture ? 0 : SNAP, &p->fault);
	if (p->live) {
		p->printer = lines_new();
		return dump_open(&c->common, TV_LINK_IP, 0, &p->tap) ? 0 : EXIT_RIGHTS;
	}
	if (!c->common.capture)
		return 0;
	if (p->fault.step != LINK_STEP_SOCKET) {
		complain(&c->common, "%s", p->fault.text);
		return EXIT_RIGHTS;
	}
	obstacle.err = p->fault.err;
	host_facts(&facts);
	return complain_cure(&c->common, &obstacle, NULL, &facts, NULL);
}

/* ------------------------------------------------------------------------------------------ */
/* Packets                                                                                     */

static bool is_end(const struct tv_endpoint *e, const struct tv_addr *addr, uint16_t port)
{
	return e->port == port && tv_addr_equal(&e->addr, addr);
}

static bool belongs(const struct try *t, const struct packet *p)
{
	const struct tv_endpoint *l = &t->at.local, *r = &t->at.remote;

	if (t->phase == PHASE_WAITING || !l->port)
		return false;
	if (p->kind == PACKET_ICMP)
		return is_end(l, &p->quoted_src, p->sport) && is_end(r, &p->quoted_dst, p->dport);
	if (is_end(l, &p->src, p->sport))
		return is_end(r, &p->dst, p->dport) || p->flags & TV_RST;
	if (!is_end(l, &p->dst, p->dport))
		return false;
	return is_end(r, &p->src, p->sport) || (p->flags & (TV_SYN | TV_ACK)) == (TV_SYN | TV_ACK);
}

static void keep_line(struct capture *c, const struct packet *p)
{
	struct check_line *line = &c->lines[c->line_count];

	if (c->line_count == CHECK_LINES || !c->printer)
		return;
	if (!lines_packet(c->printer, p, line->text, sizeof line->text))
		return;
	line->number = (uint32_t)p->number;
	c->line_count++;
}

static void take(struct check *c, struct try *t, struct packet *p)
{
	struct capture *to = &c->capture;
	uint8_t bytes[65536];
	struct tv_packet packet = {.data = bytes, .len = p->ip_have};

	p->number = ++to->kept;
	if (!t->left || p->time <= t->left) {
		tracker_count(t->tracker, p, 0);
		(void)tracker_take(t->tracker, p);
	}
	keep_line(to, p);
	if (!to->tap || p->ip_have > sizeof bytes)
		return;
	memcpy(bytes, p->ip, p->ip_have);
	tap_write(to->tap, p->time, TAP_IN, &packet);
}

void capture_take(struct check *c)
{
	struct records_packet record;
	struct packet p;

	for (unsigned n = 0; n < TAKE_MOST && c->capture.live && live_next(c->capture.live, &record) > 0; n++) {
		reading_packet(&record, &p);
		if (p.kind != PACKET_TCP && p.kind != PACKET_ICMP)
			continue;
		for (unsigned i = 0; i < c->count; i++)
			if (belongs(&c->tries[i], &p)) {
				take(c, &c->tries[i], &p);
				break;
			}
	}
}

const char *capture_line(const struct capture *c, uint32_t number)
{
	for (unsigned i = 0; i < c->line_count; i++)
		if (c->lines[i].number == number)
			return c->lines[i].text;
	return NULL;
}

void capture_forget(struct check *c)
{
	for (unsigned i = 0; i < c->count; i++) {
		tracker_free(c->tries[i].tracker);
		tls_free(c->tries[i].tls);
	}
	c->count = 0;
	c->capture.line_count = 0;
}

bool capture_close(struct check *c)
{
	live_close(c->capture.live);
	lines_free(c->capture.printer);
	return dump_close(&c->common, c->capture.tap);
}

/* ------------------------------------------------------------------------------------------ */
/* Judging                                                                                     */

static bool is_own(const struct tv_addr *addr)
{
	struct host_address list[256];
	int n = host_addresses(list, 256);

	for (int i = 0; i < n && i < 256; i++)
		if (tv_addr_equal(&list[i].addr, addr))
			return true;
	return false;
}

/* Was its SYN captured? */
static bool has_left(const struct try *t)
{
	const struct conn *n;
	uint32_t cursor = 0;

	while ((n = tracker_next(t->tracker, &cursor)) != NULL)
		for (unsigned i = 0; i < 2; i++)
			if (n->side[i].syn_seen && !n->side[i].syn_is_answer)
				return true;
	return false;
}

static void judge_facts(const struct check *c, const struct try *t, struct finding *f)
{
	const struct host_attempt *a = &t->at;
	tv_time from = t->last ? t->last : t->asked_at ? t->asked_at : t->opened ? t->opened : t->begun;
	struct attempt_facts facts = {
		.client = a->local, .server = a->remote, .err = a->err, .at_once = a->at_once, .gave_up = t->gave_up,
		.open = t->opened != 0, .reported = a->reported, .icmp_type = a->icmp_type, .icmp_code = a->icmp_code,
		.icmp_from = a->icmp_from, .syn_repeats = t->syn_repeats, .waited = t->over - from, .rtt = try_rtt(t),
		.unseen = t->tracker && c->capture.dropped == 0 && !has_left(t),
		.asked = t->spoke, .heard = t->heard, .received = t->received,
		.repeats = t->info.total_repeats - (t->info.total_repeats < t->syn_repeats ? 0 : t->syn_repeats),
		.from_here = a->reported && !tv_addr_equal(&a->icmp_from, &a->remote.addr) && is_own(&a->icmp_from),
	};

	attempt_judge(&facts, f);
}

static void add(struct try *t, const struct finding *f)
{
	if (t->finding_count < CHECK_FINDINGS)
		t->findings[t->finding_count++] = *f;
}

static bool is_problem(const struct finding *f)
{
	return finding_severity(f) == SEVERITY_PROBLEM;
}

/* What the packets say; true: a problem among it. */
static bool judge_packets(struct try *t, const struct finding *kernel)
{
	struct report report = {.keep_healthy = true};
	bool problem = false;

	if (tracker_counts(t->tracker)->connections == 0)
		return false;
	tracker_silence(t->tracker, clock_wall());
	verdict_all(t->tracker, &report);
	for (size_t i = 0; i < report.count; i++) {
		const struct finding *f = &report.list[i];

		/* Packets on only one side of it are a fault of the capture. */
		if (finding_severity(f) == SEVERITY_UNKNOWN)
			continue;
		if (f->word == WORD_OK && is_problem(kernel))
			continue;
		problem |= is_problem(f);
		add(t, f);
	}
	report_free(&report);
	return problem;
}

/* Who was reset before a byte came knows nothing of the other end's TLS. */
static bool is_cut_off(const struct try *t)
{
	return t->finding_count && (t->findings[0].word == WORD_RESET_AFTER_ACCEPT ||
		t->findings[0].word == WORD_ACCEPT_QUEUE_OVERFLOW_RESET);
}

static void judge_tls(struct try *t)
{
	struct finding f = {.certainty = CERTAIN, .client = t->at.local, .server = t->at.remote, .count = 1,
		.connection = 1, .v6 = !tv_addr_is_v4(&t->at.remote.addr)};
	char why[DETAIL_MAX];

	f.word = t->tls ? tls_judge(t->tls, why, sizeof why) : WORD_NONE;
	if (f.word == WORD_NONE || (f.word == WORD_TLS_REFUSED && is_cut_off(t)))
		return;
	finding_say(&f, "%s", why);
	add(t, &f);
}

static void judge(const struct check *c, struct try *t)
{
	struct finding kernel;
	bool problem = false;

	judge_facts(c, t, &kernel);
	if (t->tracker)
		problem = judge_packets(t, &kernel);
	if (!problem && (is_problem(&kernel) || t->finding_count == 0))
		add(t, &kernel);
	judge_tls(t);
	/* "ok" beside anything else says nothing. */
	if (t->finding_count > 1 && t->findings[0].word == WORD_OK)
		memmove(t->findings, t->findings + 1, --t->finding_count * sizeof *t->findings);
}

void capture_judge(struct check *c)
{
	struct live_counts counts;

	if (c->capture.live) {
		live_counts(c->capture.live, &counts);
		c->capture.dropped = counts.dropped;
	}
	for (unsigned i = 0; i < c->count; i++)
		judge(c, &c->tries[i]);
}
