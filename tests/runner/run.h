/*
 * Running a script.
 */
#ifndef RUNNER_RUN_H
#define RUNNER_RUN_H

#include "fail.h"
#include "setup.h"

enum outcome { RUN_PASSED, RUN_FAILED, RUN_UNSUPPORTED };

struct run_result {
	enum outcome outcome;
	int line;                  /* of the event that failed; 0: before the first */
	struct fail fail;
	struct setup_note *notes;  /* what was not honoured; in the script's arena */
};

/* Runs the script once. */
void run_script(struct script *script, enum ip_version version, bool verbose,
                struct run_result *result);

#endif
