/*
 * table.c - the one table of experiments, and what is common to running them: files, JSON, exit status.
 */
#include <errno.h>
#include <string.h>

#include "cli/experiments/experiments.h"

/* When virtual time begins: any moment but zero. */
#define DAWN (3600 * TV_S)

const struct experiment experiments[EXPERIMENTS] = {
	{"whiteboard", "two lines, three arrows, the states: the handshake as it is drawn", {"ok"}, show_whiteboard},
	{"why", "why three messages: four things that go wrong with two",
		{"ok", "ok-no-window-scaling", "ok-syn-lost", "ok-time-wait-port-reuse"}, show_why},
	{"step", "one conversation, a packet at a time, with the sentences of RFC 9293", {"ok"}, show_step},
	{"budget", "round trips and milliseconds until the first and the last byte", {"ok"}, show_budget},
	{"close", "four arrows, three arrows, both at once, and half-close used for real", {"ok"}, show_close},
	{"reset", "a closed port, a program that is killed, a host that has forgotten",
		{"refused", "reset-mid-transfer", "reset-stale-connection"}, show_reset},
	{"time-wait", "the last ACK lost, an old segment late: with TIME-WAIT and without",
		{"ok", "ok-time-wait-port-reuse"}, show_time_wait},
	{"half-open", "one end crashes, or its cable is cut: how the other finds out",
		{"ok", "reset-stale-connection", "ok-half-open-recovered", "keepalive-peer-gone"}, show_half_open},
	{"ports", "more connections than N ports, and what TIME-WAIT has to do with it",
		{"ok", "time-wait-port-exhaustion", "ok-time-wait-port-reuse"}, show_ports},
	{"mtu", "a narrow link on the way: path MTU discovery at work, and a black hole",
		{"ok-pmtu-lowered", "mtu-blackhole"}, show_mtu},
	{"options", "a middlebox strips window scale: what each end believes", {"ok", "window-scale-stripped"}, show_options},
	{"flood", "100,000 forged SYNs beside a client, without SYN cookies and with them",
		{"ok", "syn-flood-denied", "syn-flood-survived"}, show_flood},
	{"fastopen", "the first and the second visit side by side; a lost SYN; a changed key",
		{"ok", "ok-tfo", "tfo-syn-data-dropped"}, show_fastopen},
};

void experiment_list(const struct demo *demo)
{
	json_t *list;

	if (!demo->common.json) {
		for (unsigned i = 0; i < EXPERIMENTS; i++)
			printf("  --%-11s %s\n", experiments[i].name, experiments[i].line);
		return;
	}
	list = json_array();
	for (unsigned i = 0; i < EXPERIMENTS; i++) {
		json_t *words = json_array();

		for (unsigned k = 0; k < EXPERIMENT_WORDS && experiments[i].words[k]; k++)
			json_array_append_new(words, json_string(experiments[i].words[k]));
		json_array_append_new(list, json_pack("{s:s,s:s,s:o}", "name", experiments[i].name, "line", experiments[i].line,
			"words", words));
	}
	json_dumpf(list, stdout, JSON_INDENT(2) | JSON_ENSURE_ASCII);
	putchar('\n');
	json_decref(list);
}

/* "all.pcap" and "close": "all-close.pcap". */
static void name_file(char *out, size_t room, const char *path, const char *name)
{
	const char *slash = strrchr(path, '/'), *dot = strrchr(path, '.');
	int stem = dot && dot > (slash ? slash : path) ? (int)(dot - path) : (int)strlen(path);

	snprintf(out, room, "%.*s-%s%s", stem, path, name, path + stem);
}

static bool page_open(struct show *show, struct html *page, const char *path)
{
	char title[80];

	page->out = fopen(path, "w");
	if (!page->out) {
		complain(&show->demo->common, "%s: %s: choose another place with --html", path, strerror(errno));
		return false;
	}
	snprintf(title, sizeof title, "trivet demo --%s", show->experiment->name);
	html_begin(page, title, show->experiment->line);
	show->page = page;
	return true;
}

static void page_close(struct show *show, const char *path)
{
	bool whole;

	if (!show->page)
		return;
	whole = html_end(show->page);
	if (fclose(show->page->out) == 0 && whole)
		return;
	complain(&show->demo->common, "%s could not be written to its end", path);
	show->demo->failed = true;
}

static int run_one(struct demo *demo, unsigned n, const char *capture, const char *page_path)
{
	struct show show = {.demo = demo, .experiment = &experiments[n], .start = DAWN};
	struct common common = demo->common;
	struct html page = {0};

	common.capture = capture;
	if (!dump_open(&common, TV_LINK_IP, 0, &show.tap))
		return EXIT_RIGHTS;
	if (page_path && !page_open(&show, &page, page_path)) {
		(void)dump_close(&common, show.tap);
		return EXIT_RIGHTS;
	}
	experiments[n].run(&show);
	page_close(&show, page_path);
	if (demo->scene > show.scenes) {
		complain(&common, "--scene %llu: --%s has %u", (unsigned long long)demo->scene, experiments[n].name, show.scenes);
		(void)dump_close(&common, show.tap);
		return EXIT_USAGE;
	}
	if (!dump_close(&common, show.tap))
		demo->failed = true;
	return demo->failed ? EXIT_FAILED : EXIT_FINE;
}

int experiment_run(struct demo *demo, unsigned n)
{
	int status = run_one(demo, n, demo->common.capture, demo->html);

	demo_finish(demo);
	return status;
}

int experiment_run_all(struct demo *demo)
{
	const struct common *c = &demo->common;
	char capture[4096], page[4096];
	int status = EXIT_FINE;

	for (unsigned i = 0; i < EXPERIMENTS && status != EXIT_RIGHTS; i++) {
		if (c->capture)
			name_file(capture, sizeof capture, c->capture, experiments[i].name);
		if (demo->html)
			name_file(page, sizeof page, demo->html, experiments[i].name);
		if (!c->json && !c->quiet && !demo->lines)
			printf("%s--- trivet demo --%s%s\n\n", i ? "\n" : "", experiments[i].name,
				c->color ? "\033[m" : "");
		status = run_one(demo, i, c->capture ? capture : NULL, demo->html ? page : NULL);
	}
	demo_finish(demo);
	return status;
}
