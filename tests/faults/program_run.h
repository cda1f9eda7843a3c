/* Runs a shell command in a folder, with a time limit and signals at will. */
#ifndef RNCL_TESTS_FAULTS_PROGRAM_RUN_H
#define RNCL_TESTS_FAULTS_PROGRAM_RUN_H

#include <stdbool.h>

enum { PROGRAM_RUN_SIGNALS = 2 };

typedef struct program_run {
    /* What is wanted. */
    const char *folder, *command;
    int limit_ms;                                /* then the process group is killed */
    int signals[PROGRAM_RUN_SIGNALS], signal_ms; /* sent together so long after the start; 0: none */
    /* What came of it. Standard output and error are the files `output` and `errors` in the folder. */
    int exit_status; /* -1: died of `died_of` */
    int died_of;
    bool hung;
    int took_ms;
} program_run;

void program_run_do(program_run *run);

/* A text file of the folder, new; "" if it is not there. Caller frees. */
char *program_run_text(const char *folder, const char *name);

#endif
