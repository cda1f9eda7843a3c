/* Runs a shell command in a folder, with a time limit and optional signals. */
#ifndef RNCL_TESTS_FAULTS_PROGRAM_RUN_H
#define RNCL_TESTS_FAULTS_PROGRAM_RUN_H

#include <stdbool.h>

enum { PROGRAM_RUN_SIGNALS = 2 };

typedef struct program_run {
    /* Filled in by the caller. */
    const char *folder, *command;
    int limit_ms; /* of processor time, or ten times as much on the clock: then the process group is killed */
    int signals[PROGRAM_RUN_SIGNALS], signal_ms; /* sent together so long after the start; 0: none */
    /* The outcome. Standard output and error are the files `output` and `errors` in the folder. */
    int exit_status; /* -1: died of `died_of` */
    int died_of;
    bool hung;
    int took_ms;
} program_run;

void program_run_do(program_run *run);

/* Contents of a text file of the folder; "" if it does not exist. Caller frees. */
char *program_run_text(const char *folder, const char *name);

#endif
