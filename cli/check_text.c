/*
 * check_text.c - the report of trivet check, for people.
 *
 * Each attempt: what became of it and the latency budget of what worked; then what is to be said about it,
 * with the packets that prove it as tcpdump prints them. Nothing of a payload is printed.
 */
#include <stdio.h>
#include <string.h>

#include "cli/check.h"
#include "cli/check_phases.h"
#include "cli/findings.h"
#include "diagnose/budget.h"

static const char *ms(tv_time time, char out[24])
{
	if (time < 10 * TV_MS)
		snprintf(out, 24, "%.2f ms", (double)time / 1e6);
	else
		snprintf(out, 24, "%.1f ms", (double)time / 1e6);
	return out;
}

/* ------------------------------------------------------------------------------------------ */
/* Latency                                                                                     */

static void print_row(const char *name, tv_time took, const char *what)
{
	char text[24];

	printf("  %-14s %12s   %s\n", name, ms(took, text), what);
}

/* "1 round trip + 2.10 ms": what is left over is not the path's. */
static void print_phase(const struct check_phase *p, tv_time rtt)
{
	char what[96] = "", rest[24];
	tv_time path = p->rounds * rtt;

	if (p->rounds)
		snprintf(what, sizeof what, "%u round trip%s", p->rounds, p->rounds == 1 ? "" : "s");
	if (p->rounds && p->took > path + path / 100)
		snprintf(what + strlen(what), sizeof what - strlen(what), " + %s", ms(p->took - path, rest));
	if (p->why)
		snprintf(what + strlen(what), sizeof what - strlen(what), "%s%s", what[0] ? ", " : "", p->why);
	print_row(p->name, p->took, what);
}

static void print_phases(const struct check *c, const struct try *t)
{
	struct check_phase phases[CHECK_PHASES];
	unsigned n = check_phases(c, t, phases), rounds = 0;
	char sum[64] = "";
	tv_time total = 0;

	for (unsigned i = 0; i < n; i++) {
		print_phase(&phases[i], try_rtt(t));
		total += phases[i].took;
		rounds += phases[i].rounds;
	}
	snprintf(sum, sizeof sum, "%u round trip%s", rounds, rounds == 1 ? "" : "s");
	if (n > 1)
		print_row("in all", total, sum);
}

static void print_answer(const struct check *c, const struct try *t)
{
	char text[24];

	if (!t->opened)
		return;
	if (t->received)
		printf("  %s came%s%s.\n", bytes_text(t->received, text), c->asks ? "" : ", unasked",
			t->ended ? ", and the server closed" : t->cut ? ", and more would have" : "");
	else if (!c->asks && !t->at.err)
		printf("  The server said nothing, and was asked nothing (--ask http would).\n");
	if (!c->tls && (c->port == 443 || c->port == 8443))
		printf("  This port usually speaks TLS: --tls does so too, and judges the certificate.\n");
}

static void print_budget(const struct try *t)
{
	tv_time rtt = try_rtt(t);
	unsigned further = budget_further(t->received, t->info.snd_mss, 0);
	char text[24], size[24];

	printf("\n  What each way needs on this path. This is arithmetic, not measured: round\n"
	       "  trips of %s each, no loss, a server that answers at once, an answer\n"
	       "  of %s.\n\n"
	       "  %-36s %-18s %s\n", ms(rtt, text), bytes_text(t->received, size), "", "first byte", "last byte");
	for (unsigned i = 0; i < BUDGET_WAYS; i++) {
		const struct budget_row *row = budget_row((enum budget_way)i);
		unsigned first = budget_first((enum budget_way)i);
		char a[24], b[24], left[32];

		snprintf(left, sizeof left, "%u: %s", first, ms(first * rtt, a));
		printf("  %-34s%s  %-18s %u: %s\n", row->name, row->again ? " *" : "  ", left, first + further,
			ms((first + further) * rtt, b));
	}
	printf("  * only for who was there before, and kept a cookie or a ticket\n");
}

/* ------------------------------------------------------------------------------------------ */
/* Attempts                                                                                    */

static void print_proof(const struct check *c, const struct finding *f)
{
	for (uint32_t i = 0; i < f->frame_count; i++)
		for (uint32_t n = f->frames[i].first; n <= f->frames[i].last; n++) {
			const char *line = capture_line(&c->capture, n);

			if (line)
				printf("  #%-3u %s\n", n, line);
		}
}

static void print_findings(const struct check *c, const struct try *t)
{
	for (unsigned i = 0; i < t->finding_count; i++) {
		const struct finding *f = &t->findings[i];

		switch (finding_severity(f)) {
		case SEVERITY_PROBLEM:
		case SEVERITY_UNKNOWN:
			print_finding(&c->common, f);
			print_proof(c, f);
			break;
		case SEVERITY_NOTE: print_note(&c->common, f); break;
		case SEVERITY_OK: break;
		}
	}
}

static void print_begin(const struct check *c, const struct try *t)
{
	const struct try *first = &c->tries[0];
	char text[24];

	if (t == first)
		return;
	printf(", begun %s later%s", ms(t->begun - first->begun, text), t->begun_late ? "" : ", as the one before failed");
}

static void print_try(const struct check *c, const struct try *t)
{
	bool alone = c->count == 1;
	char to[80], text[24];

	if (c->common.quiet) {
		if (!t->at.at_once || c->winner < 0)
			print_findings(c, t);
		return;
	}
	end_text(&t->at.remote, to, sizeof to);
	printf("\n%s %s", tv_addr_is_v4(&t->at.remote.addr) ? "IPv4" : "IPv6", to);
	if (t->at.at_once && c->winner >= 0) {
		printf(": not tried, %s\n", word_info(t->findings[0].word)->name);
		return;
	}
	print_begin(c, t);
	if (!t->opened)
		printf(": no connection after %s\n", ms(t->over - t->begun, text));
	else if (alone)
		printf(": connected\n");
	else
		printf(": connected, %s\n", t - c->tries == c->winner ? "first: a program would use this one" :
			"but not first: a program would have dropped it");
	if (t->opened)
		print_phases(c, t);
	print_answer(c, t);
	print_findings(c, t);
}

void check_print(const struct check *c)
{
	const struct host_lookup *l = &c->lookup;
	char safe[300], text[24];

	escaped(c->host, strlen(c->host), safe, sizeof safe);
	if (!c->common.quiet) {
		printf("%s%s port %u", c->round > 1 ? "\n" : "", safe, c->port);
		if (!l->literal)
			printf(": %u address%s, looked up in %s", l->count + l->left_out, l->count == 1 ? "" : "es", ms(l->took, text));
		printf("\n");
	}
	if (l->result != HOST_LOOKUP_FOUND) {
		print_finding(&c->common, &c->finding);
		return;
	}
	if (l->left_out && !c->common.quiet)
		printf("Only the first %u addresses are tried.\n", l->count);
	for (unsigned i = 0; i < c->count; i++)
		print_try(c, &c->tries[i]);
	if (c->finding.word != WORD_NONE) {
		if (!c->common.quiet)
			printf("\n");
		print_note(&c->common, &c->finding);
	}
	if (c->budget && !c->common.quiet && c->winner >= 0 && try_rtt(&c->tries[c->winner]))
		print_budget(&c->tries[c->winner]);
}

void check_print_rights(const struct check *c)
{
	struct host_obstacle obstacle = {.step = HOST_STEP_PACKET, .err = c->capture.fault.err};
	struct host_facts facts;
	struct host_cure cure;
	char text[1024];

	if (c->capture.dropped)
		printf("\nMind: %llu packets were lost while capturing.\n", (unsigned long long)c->capture.dropped);
	if (c->capture.live || c->common.quiet)
		return;
	host_facts(&facts);
	host_rights(&obstacle, &facts, NULL, &cure);
	snprintf(text, sizeof text, "This is what the kernel tells; no packet was seen, because %s. Packets would show who "
		"sent an RST (by its TTL), which packet was lost, and whether the server repeated its SYN,ACK.", cure.why);
	printf("\n");
	print_wrapped(stdout, text);
	if (cure.try_root)
		printf("With packets: sudo trivet check ..., or once: sudo setcap cap_net_raw+ep \"$(command -v trivet)\"\n");
}
