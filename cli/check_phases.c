/*
 * check_phases.c - where the time of an attempt went.
 *
 * Times are measured. Round trips are what the protocol needed: one for the handshake (a path of 100 ms
 * costs 100 ms to connect, not three times that), those that TLS waited for, one for the first byte, and
 * for the rest of the answer those of slow start (diagnose/budget), but no more than fit into its time.
 */
#include "cli/check_phases.h"

#include "diagnose/budget.h"

/* A server whose window was large already needs fewer than slow start from its beginning. */
static unsigned further_rounds(const struct try *t)
{
	unsigned rounds = budget_further(t->received, t->info.snd_mss, 0);
	tv_time rtt = try_rtt(t), fit = rtt ? (t->last - t->first + rtt / 4) / rtt : rounds;

	return fit < rounds ? (unsigned)fit : rounds;
}

unsigned check_phases(const struct check *c, const struct try *t, struct check_phase phases[CHECK_PHASES])
{
	tv_time ready = t->secured ? t->secured : t->opened;
	unsigned n = 0;

	if (!c->lookup.literal)
		phases[n++] = (struct check_phase){"name look-up", "lookup", c->lookup.took, 0, NULL};
	if (!t->opened)
		return n;
	phases[n++] = (struct check_phase){"handshake", "handshake", t->opened - t->begun, 1,
		t->syn_repeats ? "a SYN was repeated" : NULL};
	if (t->secured)
		phases[n++] = (struct check_phase){"TLS", "tls", t->secured - t->opened, t->tls_rounds, t->tls_version};
	if (t->first)
		phases[n++] = (struct check_phase){"first byte", "first_byte", t->first - ready, 1, NULL};
	if (t->last && t->first)
		phases[n++] = (struct check_phase){"last byte", "last_byte", t->last - t->first,
			further_rounds(t), t->ended ? NULL : "the server did not close"};
	return n;
}
