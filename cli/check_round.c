/*
 * check_round.c - one round of trivet check.
 *
 * Addresses are tried in the order of RFC 8305: the next one begins CHECK_DELAY after the one before,
 * or as soon as that has failed. A program would stop at the first that connects; here every address
 * gets its turn, and every attempt its end.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "cli/check.h"
#include "posix/clock.h"

/* What the last packets of connections that were closed may take. */
#define SETTLE (60 * TV_MS)

tv_time try_rtt(const struct try *t)
{
	if (!t->opened)
		return 0;
	if (t->info.min_rtt_us)
		return t->info.min_rtt_us * TV_US;
	if (t->info.rtt_us)
		return t->info.rtt_us * TV_US;
	return t->syn_repeats ? 0 : t->opened - t->begun;
}

bool try_is_fine(const struct try *t)
{
	for (unsigned i = 0; i < t->finding_count; i++)
		if (finding_severity(&t->findings[i]) == SEVERITY_PROBLEM)
			return false;
	return t->opened != 0;
}

static bool is_over(const struct check *c)
{
	for (unsigned i = 0; i < c->count; i++)
		if (c->tries[i].phase != PHASE_OVER)
			return false;
	return true;
}

/* Begins the attempts whose turn it is; returns when the next one's is, 0: out of memory. */
static tv_time begin_next(struct check *c, tv_time now)
{
	for (unsigned i = 0; i < c->count; i++) {
		struct try *t = &c->tries[i], *before = i ? t - 1 : NULL;

		if (t->phase != PHASE_WAITING)
			continue;
		if (before && !(before->phase == PHASE_OVER && !before->opened) && now < before->begun + CHECK_DELAY)
			return before->begun + CHECK_DELAY;
		t->begun_late = before && !(before->phase == PHASE_OVER && !before->opened);
		if (!try_begin(c, t))
			return 0;
	}
	return TV_NEVER;
}

static int wait_ms(tv_time now, tv_time until)
{
	if (until <= now)
		return 0;
	return until - now > TV_S ? 1000 : (int)((until - now + TV_MS - 1) / TV_MS);
}

/* Waits until something happens or the time has come, and takes what did. */
static void turn(struct check *c, tv_time until)
{
	struct pollfd fds[HOST_ADDRESSES_MAX + 1];
	tv_time now = clock_now();

	for (unsigned i = 0; i < c->count; i++)
		fds[i] = (struct pollfd){.fd = c->tries[i].at.fd, .events = c->tries[i].wants};
	fds[c->count] = (struct pollfd){.fd = c->capture.live ? live_fd(c->capture.live) : -1, .events = POLLIN};
	if (poll(fds, c->count + 1, wait_ms(now, until)) < 0)
		return;
	for (unsigned i = 0; i < c->count; i++)
		if (fds[i].fd >= 0 && fds[i].revents)
			try_ready(c, &c->tries[i]);
	capture_take(c);
}

static void find_winner(struct check *c)
{
	c->winner = -1;
	for (unsigned i = 0; i < c->count; i++)
		if (c->tries[i].opened && (c->winner < 0 || c->tries[i].opened < c->tries[c->winner].opened))
			c->winner = (int)i;
}

static bool is_v6(const struct try *t)
{
	return !tv_addr_is_v4(&t->at.remote.addr);
}

/* One family has no connection at all, and the other one has. */
static void judge_families(struct check *c)
{
	const struct try *won = &c->tries[c->winner], *lost = NULL;

	for (unsigned i = 0; i < c->count; i++) {
		if (is_v6(&c->tries[i]) == is_v6(won))
			continue;
		/* What this machine has no route for costs nobody any time. */
		if (c->tries[i].opened || c->tries[i].at.at_once)
			return;
		lost = lost ? lost : &c->tries[i];
	}
	/* Who begins with the family that works never tries the other one. */
	if (!lost || lost->begun > won->begun)
		return;
	c->finding = (struct finding){.word = WORD_OK_FAMILY_FALLBACK, .certainty = CERTAIN, .client = won->at.local,
		.server = won->at.remote, .v6 = is_v6(won), .count = 1, .connection = 1};
	finding_say(&c->finding, "%s failed: %s.", is_v6(lost) ? "IPv6" : "IPv4",
		lost->finding_count ? word_info(lost->findings[0].word)->name : "no connection");
}

static void judge_lookup(struct check *c)
{
	char safe[300];

	c->finding = (struct finding){.word = c->lookup.result == HOST_LOOKUP_NOT_FOUND ? WORD_NAME_NOT_FOUND :
		WORD_NAME_UNANSWERED, .certainty = CERTAIN, .count = 1, .connection = 1};
	finding_say(&c->finding, "%s: %s.", escaped(c->host, strlen(c->host), safe, sizeof safe), c->lookup.why);
}

static bool out_of_memory(const struct check *c)
{
	complain(&c->common, "out of memory");
	return false;
}

bool check_round(struct check *c)
{
	tv_time now = clock_now(), end;

	memset(c->tries, 0, sizeof c->tries);
	memset(&c->finding, 0, sizeof c->finding);
	c->winner = -1;
	host_lookup(c->host, c->family, c->timeout, &c->lookup);
	c->count = c->lookup.count;
	if (c->lookup.result != HOST_LOOKUP_FOUND) {
		judge_lookup(c);
		return true;
	}
	for (unsigned i = 0; i < c->count; i++) {
		c->tries[i].at.fd = -1;
		c->tries[i].at.remote = (struct tv_endpoint){.addr = c->lookup.list[i], .port = c->port};
		c->tries[i].scope = c->lookup.scope[i];
		c->tries[i].tracker = c->capture.live ? tracker_new(16, NULL, NULL) : NULL;
		if (c->capture.live && !c->tries[i].tracker)
			return out_of_memory(c);
	}
	while (!is_over(c)) {
		tv_time until;

		now = clock_now();
		until = begin_next(c, now);
		if (!until)
			return out_of_memory(c);
		for (unsigned i = 0; i < c->count; i++) {
			tv_time t = try_tick(c, &c->tries[i], now);

			until = t < until ? t : until;
		}
		if (!is_over(c))
			turn(c, until);
	}
	for (end = clock_now() + SETTLE; c->capture.live && now < end; now = clock_now())
		turn(c, end);
	find_winner(c);
	capture_judge(c);
	if (c->winner >= 0)
		judge_families(c);
	return true;
}
