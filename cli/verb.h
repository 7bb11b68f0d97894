/*
 * verb.h - what main.c calls: each verb has a file, and a row in the table of main.c.
 */
#ifndef TRIVET_CLI_VERB_H
#define TRIVET_CLI_VERB_H

/* argv[0] is the verb. Each returns the exit status. */
int verb_demo(int argc, char **argv);
int verb_serve(int argc, char **argv);
int verb_connect(int argc, char **argv);
int verb_explain(int argc, char **argv);
int verb_check(int argc, char **argv);
int verb_scan(int argc, char **argv);
int verb_ladder(int argc, char **argv);
int verb_watch(int argc, char **argv);
int verb_ls(int argc, char **argv);

#endif
