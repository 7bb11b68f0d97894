/*
 * ls.c - trivet ls: the connections of this user's running Trivet stacks, or of this machine's TCP.
 */
#include "cli/ls.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/signals.h"
#include "cli/verb.h"
#include "posix/clock.h"

static int show(const struct ls *l, const struct ls_odd *odd, unsigned odd_count)
{
	json_t *o;

	if (l->ss) {
		ls_print_ss(l, stdout);
	} else if (l->common.json) {
		o = ls_json(l, odd, odd_count);
		if (!o || json_dumpf(o, stdout, JSON_COMPACT | JSON_ENSURE_ASCII) < 0) {
			complain(&l->common, "out of memory");
			return EXIT_FAILED;
		}
		putchar('\n');
		json_decref(o);
	} else {
		ls_print(l, odd, odd_count, stdout);
	}
	return 0;
}

static void tell_nothing(const struct ls *l)
{
	if (l->common.quiet || l->common.json)
		return;
	if (l->list.stale)
		printf("%u stale socket%s removed.\n", l->list.stale, l->list.stale == 1 ? " was" : "s were");
	printf("No Trivet stack of this user is running here.%s This machine's own TCP: trivet ls --kernel.\n",
		geteuid() ? " Those of root: sudo trivet ls." : "");
}

/* One list. The exit status. */
static int round_of(struct ls *l, struct ls_ages *ages)
{
	static struct ls_odd odd[LS_ODD_MAX];
	int status = ls_gather(l);
	unsigned n;

	if (status)
		return status;
	if (!l->kernel && !l->list.stacks && !l->common.json) {
		tell_nothing(l);
		return EXIT_NOTHING;
	}
	if (ages)
		ls_ages_take(ages, l, clock_now());
	n = ls_odd(l, odd);
	status = show(l, odd, n);
	if (status)
		return status;
	return n ? EXIT_FAILED : l->count ? EXIT_FINE : EXIT_NOTHING;
}

/* Waits for the next round; false: a signal came first. */
static bool pause_until(int signals, tv_time when)
{
	struct pollfd p = {.fd = signals, .events = POLLIN};

	for (;;) {
		tv_time now = clock_now(), left = when > now ? when - now : 0;

		if (poll(&p, 1, left > 1000 * TV_S ? 1000000 : (int)((left + TV_MS - 1) / TV_MS)) > 0)
			return false;
		if (clock_now() >= when)
			return true;
	}
}

static int watch_rounds(struct ls *l)
{
	struct ls_ages *ages = ls_ages_new();
	tv_time next = clock_now();
	int status = EXIT_FAILED, signals = signals_open();

	if (!ages || signals < 0) {
		complain(&l->common, "cannot watch: %s", strerror(errno));
	} else {
		for (uint64_t i = 1;; i++) {
			status = round_of(l, ages);
			if (fflush(stdout) || status == EXIT_RIGHTS || (l->rounds && i >= l->rounds))
				break;
			/* One that took longer than the pause is followed by the next at once, but by one. */
			next = next + l->every > clock_now() ? next + l->every : clock_now();
			if (!pause_until(signals, next))
				break;
			if (!l->common.json)
				putchar('\n');
		}
	}
	if (signals >= 0)
		close(signals);
	ls_ages_free(ages);
	return status;
}

static const char about[] =
	"Lists the connections of the Trivet stacks that this user runs (trivet serve, trivet connect,\n"
	"programs that open a control socket), half-open and TIME-WAIT records too; with --kernel those of\n"
	"this machine's own TCP. Behind each stand its queues, its timer, round trip, congestion window,\n"
	"retransmissions and ages; below, in plain words, what is odd. A Trivet stack tells exactly when a\n"
	"connection was opened and last received something; of the kernel it is known for how long nothing\n"
	"was received.\n"
	"The exit status is 1 if something is odd, 4 if there is nothing to list.";

static const char examples[] =
	"  trivet ls\n"
	"  trivet ls --kernel\n"
	"  trivet ls --kernel --watch 1s\n"
	"  trivet ls --kernel --ss | grep CLOSE-WAIT\n";

int verb_ls(int argc, char **argv)
{
	struct ls l = {.kernel = false};
	const struct option table[] = {
		{"kernel", 0, OPTION_FLAG, NULL, "the connections of this machine's own TCP", &l.kernel, 0, 0},
		{"all", 0, OPTION_FLAG, NULL, "list TIME-WAIT and half-open ones even if they are many", &l.all, 0, 0},
		{"ss", 0, OPTION_FLAG, NULL, "print as 'ss -tan' does", &l.ss, 0, 0},
		{"watch", 0, OPTION_DURATION, "TIME", "look again and again, and tell real ages", &l.every, 0, 0},
		{"count", 0, OPTION_NUMBER, "N", "with --watch: end after so many rounds", &l.rounds, 1, UINT32_MAX},
		{0},
	};
	const struct usage usage = {"ls", "[--kernel] [--all] [--ss | --json] [--watch TIME [--count N]]", about, table,
		examples};
	int operands = options_read(&usage, &l.common, argc, argv), status;

	if (operands)
		usage_error("ls", "no operands: '%s'", argv[1]);
	if (l.common.capture)
		usage_error("ls", "there are no packets to write: -w does not go with ls");
	if (l.ss && l.common.json)
		usage_error("ls", "--ss and --json are one choice");
	if (l.rounds && !l.every)
		usage_error("ls", "--count goes with --watch");
	if (l.every && l.every < 10 * TV_MS)
		usage_error("ls", "--watch: at least 10ms");
	status = l.every ? watch_rounds(&l) : round_of(&l, NULL);
	free(l.rows);
	return status;
}
