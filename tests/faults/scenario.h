/* Short runs of rncl in which faults are caused, and their verdicts. */
#ifndef RNCL_TESTS_FAULTS_SCENARIO_H
#define RNCL_TESTS_FAULTS_SCENARIO_H

#include <stdbool.h>
#include <stdint.h>

#include "place.h"
#include "program_run.h"

#define VERDICT_LIST(X)                                                                                      \
    X(SAME, "done, same result")                                                                             \
    X(REFUSED, "refused in one line")                                                                        \
    X(RESUMED, "ended, resumed to the same result")                                                          \
    X(SAID, "went on otherwise, and said so")                                                                \
    X(OTHER, "went by the text as it is now")                                                                \
    X(UNREACHED, "fault not reached")                                                                        \
    X(CRASH, "CRASHED")                                                                                      \
    X(HANG, "HUNG")                                                                                          \
    X(LEAK, "LEAKED")                                                                                        \
    X(STATUS, "UNDOCUMENTED STATUS")                                                                         \
    X(UNSAID, "NOT SAID IN ONE LINE")                                                                        \
    X(DIFFERENT, "SILENTLY DIFFERENT")                                                                       \
    X(LOST, "CANNOT BE RESUMED, or more than an interval is lost")

typedef enum verdict {
#define X(code, text) VERDICT_##code,
    VERDICT_LIST(X)
#undef X
        VERDICT_COUNT
} verdict;

extern const char *const verdict_texts[VERDICT_COUNT];

static inline int verdict_is_bad(verdict v)
{
    return v >= VERDICT_CRASH;
}

typedef struct scenario {
    const char *name;
    const char *prepare;     /* shell, in the folder of the run; NULL: nothing */
    const char *arguments;   /* of rncl */
    const char *environment; /* NAME=VALUE ... for rncl; NULL: nothing */
    const char *results[3];  /* files that must equal those of a run without a fault */
    const char *resume;      /* arguments that resume an interrupted run; NULL: it cannot be resumed */
    const char *files[4];    /* files to damage */
    bool output_says_why; /* standard output names the call that failed, standard error that there was one */
} scenario;

enum { MOST_SCENARIOS = 32 };
extern const scenario scenarios[];
extern const unsigned scenario_count;

/* A fault of one run. */
typedef struct trial {
    const scenario *scenario;
    const char *environment;                     /* "NAME=VALUE ..." for the fault layer */
    int signals[PROGRAM_RUN_SIGNALS], signal_ms; /* as in program_run */
    const char *call;                            /* that a message must name; NULL: it need not */
    const char *damaged; /* a file of the folder that is damaged before the run; NULL: none */
    uint64_t *random;    /* for the damage */
} trial;

/* Runs the trial; `errors` gets the last line of standard error. A run without a fault stores the results
 * that others are compared with. */
verdict scenario_try(const place *p, const trial *t, char errors[512]);
int scenario_reference(const place *p, const scenario *s); /* returns milliseconds */

#endif
