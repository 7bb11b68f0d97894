/*
 * demo.c - trivet demo: flags, and the choice of the stage.
 */
#include "cli/demo.h"

#include "cli/verb.h"

static const char about[] =
	"In a private network namespace, without root, this machine's own TCP connects to\n"
	"Trivet and talks to it; then Trivet connects to this machine's TCP, and to a port\n"
	"where nobody listens. Each conversation is drawn as a ladder: time, packet, and the\n"
	"state of both ends after it. Where namespaces are forbidden, two Trivet stacks talk\n"
	"over a simulated wire instead; --sim asks for that.";

static const char examples[] =
	"  trivet demo\n"
	"  trivet demo -w demo.pcap\n"
	"  trivet demo --sim --rtt 40ms --drop 2\n"
	"  trivet demo --sim --loss 20% --seed 7 --lines\n";

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

int verb_demo(int argc, char **argv)
{
	struct demo demo = {.rtt = 40 * TV_MS, .seed = 1};
	bool live = false;
	const struct option options[] = {
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
	const struct usage usage = {"demo", "[FLAGS]", about, options, examples};
	int operands = options_read(&usage, &demo.common, argc, argv), status = -1;

	if (operands)
		usage_error("demo", "'%s' is too much: this verb has no operands", argv[1]);
	if (demo.rtt > 60 * TV_S)
		usage_error("demo", "--rtt: at most 60s");
	if (demo.common.json)
		demo.scenes = json_array();
	/* What is simulated is only seen there. */
	live = !demo.sim && !demo.loss && !demo.drops.count;
	if (live)
		status = demo_live(&demo);
	if (status < 0)
		status = demo_sim(&demo);
	if (status == EXIT_FINE)
		suggest(&demo);
	return status;
}
