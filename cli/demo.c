/*
 * demo.c - trivet demo: flags, and the choice of the stage.
 */
#include "cli/demo.h"

#include <string.h>

#include "cli/experiments/experiments.h"
#include "cli/verb.h"

static const char about[] =
	"In a private network namespace, without root, this machine's own TCP connects to\n"
	"Trivet and talks to it; then Trivet connects to this machine's TCP, and to a port\n"
	"where nobody listens. Each conversation is drawn as a ladder: time, packet, and the\n"
	"state of both ends after it. Where namespaces are forbidden, two Trivet stacks talk\n"
	"over a simulated wire instead; --sim asks for that.\n\n"
	"An experiment (--list) shows one thing about TCP on that wire. Each sentence that it\n"
	"prints was checked in the same run; exit status 1 says that one did not hold.";

static const char examples[] =
	"  trivet demo\n"
	"  trivet demo -w demo.pcap\n"
	"  trivet demo --sim --rtt 40ms --drop 2\n"
	"  trivet demo --sim --loss 20% --seed 7 --lines\n"
	"  trivet demo --whiteboard --isn x,y\n"
	"  trivet demo --close --html close.html -w close.pcap\n";

void demo_finish(struct demo *demo)
{
	if (!demo->scenes)
		return;
	json_dumpf(demo->scenes, stdout, JSON_INDENT(2) | JSON_ENSURE_ASCII);
	putchar('\n');
	json_decref(demo->scenes);
	demo->scenes = NULL;
}

/* The next command to type; only where somebody reads it. */
static void suggest(const struct demo *demo)
{
	const struct common *c = &demo->common;

	if (c->json || c->quiet || demo->lines)
		return;
	if (demo->loss)
		printf("Try another seed: trivet demo --sim --loss 10%% --seed %llu\n",
			(unsigned long long)demo->seed + 1);
	else if (demo->drops.count)
		printf("Next, lose some at random: trivet demo --sim --loss 10%%\n");
	else if (demo->sim)
		printf("Next, lose the second packet: trivet demo --sim --drop 2\n");
	else
		printf("Next, with 40 ms of delay and a lost packet: trivet demo --sim --drop 2\n");
}

enum { OWN_FLAGS = 15 };

static void check_flags(const struct demo *demo)
{
	if (demo->rtt > 60 * TV_S)
		usage_error("demo", "--rtt: at most 60s");
	if (demo->tls && strcmp(demo->tls, "1.2") != 0 && strcmp(demo->tls, "1.3") != 0 && strcmp(demo->tls, "0rtt") != 0)
		usage_error("demo", "--tls: 1.2, 1.3 or 0rtt, not '%s'", demo->tls);
}

/* A flag of one kind of run that was given to another would be passed over in silence. */
static void check_meaning(const struct demo *demo, int which)
{
	void (*run)(struct show *) = which >= 0 ? experiments[which].run : NULL;
	const struct {
		const char *name;
		bool given, means;
		const char *where;
	} flags[] = {
		{"html", demo->html, run || demo->all, "an experiment"},
		{"scene", demo->scene, run, "one experiment"},
		{"isn", demo->isn, run == show_whiteboard || demo->all, "--whiteboard"},
		{"svg", demo->svg, run == show_whiteboard || demo->all, "--whiteboard"},
		{"bytes", demo->bytes, run == show_budget || demo->all, "--budget"},
		{"tls", demo->tls, run == show_budget || demo->all, "--budget"},
		{"loss", demo->loss, !run || run == show_budget, "--sim and --budget"},
		{"drop", demo->drops.count, !run && !demo->all, "--sim"},
	};

	for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
		if (flags[i].given && !flags[i].means)
			usage_error("demo", "--%s is for %s: leave one of the two away", flags[i].name, flags[i].where);
	if (demo->fastopen && demo->tls && strcmp(demo->tls, "1.2") == 0)
		usage_error("demo", "--tls 1.2 with --fastopen: no such row; take --tls 1.3 or 0rtt");
	if (run && run != show_ports && demo->all)
		usage_error("demo", "--all runs --%s too: leave one of the two away", experiments[which].name);
	if ((run || demo->all) && (demo->rtt > TV_S || (demo->rtt < 2 * TV_MS && run != show_budget)))
		usage_error("demo", "--rtt: 2ms to 1s with an experiment; with more, a SYN is repeated before its answer can be "
			"there, as trivet demo --sim --rtt 2s shows");
}

/* The experiment that was asked for; -1: none. */
static int chosen(const bool *wanted)
{
	int which = -1;

	for (int i = 0; i < EXPERIMENTS; i++)
		if (wanted[i] && which >= 0)
			usage_error("demo", "--%s and --%s: one experiment at a time, or --all", experiments[which].name,
				experiments[i].name);
		else if (wanted[i])
			which = i;
	return which;
}

/* With --budget, --fastopen is no experiment, but chooses rows of it. */
static bool take_fastopen(bool *wanted)
{
	int budget = -1, fastopen = -1;

	for (int i = 0; i < EXPERIMENTS; i++) {
		budget = wanted[i] && experiments[i].run == show_budget ? i : budget;
		fastopen = wanted[i] && experiments[i].run == show_fastopen ? i : fastopen;
	}
	if (budget < 0 || fastopen < 0)
		return false;
	wanted[fastopen] = false;
	return true;
}

static int run_stage(struct demo *demo)
{
	/* What is simulated is only seen there. */
	bool live = !demo->sim && !demo->loss && !demo->drops.count;
	int status = live ? demo_live(demo) : -1;

	if (status < 0)
		status = demo_sim(demo);
	if (status == EXIT_FINE)
		suggest(demo);
	return status;
}

int verb_demo(int argc, char **argv)
{
	struct demo demo = {.rtt = 40 * TV_MS, .seed = 1};
	bool wanted[EXPERIMENTS] = {false}, list = false;
	const struct option own[OWN_FLAGS] = {
		{"list", 0, OPTION_FLAG, NULL, "name the experiments, with one line each", &list, 0, 0},
		{"all", 0, OPTION_FLAG, NULL, "run all of them; -w and --html write a file for each", &demo.all, 0, 0},
		{"html", 0, OPTION_TEXT, "FILE", "write a page: the ladders drawn, with a slider", &demo.html, 0, 0},
		{"scene", 0, OPTION_NUMBER, "N", "show only the N-th scene of an experiment", &demo.scene, 1, 8},
		{"isn", 0, OPTION_TEXT, "X,Y", "whiteboard: first numbers, or letters (1000,2000)", &demo.isn, 0, 0},
		{"svg", 0, OPTION_TEXT, "FILE", "whiteboard: write the picture, for a slide", &demo.svg, 0, 0},
		{"bytes", 0, OPTION_SIZE, "N", "budget: how much is fetched (40k)", &demo.bytes, 1, 10000000},
		{"tls", 0, OPTION_TEXT, "HOW", "budget: 1.2, 1.3 or 0rtt alone", &demo.tls, 0, 0},
		{"sim", 0, OPTION_FLAG, NULL, "two Trivet stacks on a simulated wire", &demo.sim, 0, 0},
		{"rtt", 0, OPTION_DURATION, "TIME", "simulated round trip (40ms)", &demo.rtt, 0, 0},
		{"loss", 0, OPTION_PERCENT, "PERCENT", "simulated loss, each way", &demo.loss, 0, 0},
		{"drop", 0, OPTION_NUMBERS, "N", "simulated: lose the N-th packet (again: another)",
			&demo.drops, 1, 1000000},
		{"seed", 0, OPTION_NUMBER, "N", "simulated luck: the same seed, the same packets (1)",
			&demo.seed, 0, UINT64_MAX},
		{"lines", 0, OPTION_FLAG, NULL, "print packets as tcpdump -n does", &demo.lines, 0, 0},
		{0},
	};
	struct option options[OWN_FLAGS + EXPERIMENTS] = {{0}};
	const struct usage usage = {"demo", "[FLAGS]\n  trivet demo --EXPERIMENT [FLAGS]", about, options, examples};
	int operands, which;

	for (unsigned i = 0; i < EXPERIMENTS; i++) {
		const struct experiment *e = &experiments[i];

		options[i] = (struct option){.name = e->name, .kind = OPTION_FLAG, .help = e->line, .to = &wanted[i]};
		if (e->run == show_ports)
			options[i] = (struct option){"ports", 0, OPTION_NUMBER, "N", e->line, &demo.ports, 6, 24};
	}
	memcpy(options + EXPERIMENTS, own, sizeof own);
	operands = options_read(&usage, &demo.common, argc, argv);
	if (operands)
		usage_error("demo", "'%s' is too much: this verb has no operands", argv[1]);
	check_flags(&demo);
	if (list) {
		experiment_list(&demo);
		return EXIT_FINE;
	}
	for (unsigned i = 0; i < EXPERIMENTS; i++)
		wanted[i] |= experiments[i].run == show_ports && demo.ports;
	demo.ports = demo.ports ? demo.ports : 10;
	demo.fastopen = take_fastopen(wanted);
	which = chosen(wanted);
	check_meaning(&demo, which);
	demo.bytes = demo.bytes ? demo.bytes : 40000;
	if (demo.common.json)
		demo.scenes = json_array();
	if (demo.all)
		return experiment_run_all(&demo);
	return which >= 0 ? experiment_run(&demo, (unsigned)which) : run_stage(&demo);
}
