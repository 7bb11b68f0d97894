/*
 * experiments.h - what `trivet demo --NAME` can show, one experiment a file.
 *
 * An experiment is a few scenes on the simulated wire, each a ladder and a few sentences. Every sentence
 * that claims something is printed together with whether it held in this very run (lab_claim()); one that
 * did not makes the experiment fail.
 */
#ifndef TRIVET_CLI_EXPERIMENTS_EXPERIMENTS_H
#define TRIVET_CLI_EXPERIMENTS_EXPERIMENTS_H

#include "cli/demo.h"
#include "diagnose/html.h"

enum { EXPERIMENT_WORDS = 6 };

/* One run of one experiment. */
struct show {
	struct demo *demo;         /* the flags */
	const struct experiment *experiment;
	struct tap *tap;           /* -w, or NULL */
	struct html *page;         /* --html, or NULL */
	tv_time start;             /* virtual time of the next scene: a capture goes on from one to the next */
	unsigned scenes;           /* so far */
};

struct experiment {
	const char *name;          /* of the flag: "close" */
	const char *line;          /* what it shows, for --list */
	const char *words[EXPERIMENT_WORDS]; /* what `trivet explain --all` says of its capture: all of it */
	void (*run)(struct show *show);
};

enum { EXPERIMENTS = 13 };
extern const struct experiment experiments[EXPERIMENTS];

/* Runs experiment number n, or all of them. Returns the exit status. */
int experiment_run(struct demo *demo, unsigned n);
int experiment_run_all(struct demo *demo);
void experiment_list(const struct demo *demo);

void show_whiteboard(struct show *show);
void show_why(struct show *show);
void show_step(struct show *show);
void show_budget(struct show *show);
void show_close(struct show *show);
void show_reset(struct show *show);
void show_time_wait(struct show *show);
void show_half_open(struct show *show);
void show_ports(struct show *show);
void show_mtu(struct show *show);
void show_options(struct show *show);
void show_flood(struct show *show);
void show_fastopen(struct show *show);

#endif
