/*
 * findings.h - findings for people: the words of a diagnosis, printed.
 */
#ifndef TRIVET_CLI_FINDINGS_H
#define TRIVET_CLI_FINDINGS_H

#include "cli/options.h"
#include "diagnose/report.h"

/* A blank line, severity and word, the two ends, the sentences, the proof, the next step. */
void print_finding(const struct common *common, const struct finding *f);
/* One line: what worked, and is worth a word. */
void print_note(const struct common *common, const struct finding *f);
/* A paragraph, indented by two columns, in lines of at most 80. */
void print_indented(const char *text);

#endif
