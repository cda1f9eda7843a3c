/* What fault_walk tries: one fault in one scenario each. */
#ifndef RNCL_TESTS_FAULTS_CASES_H
#define RNCL_TESTS_FAULTS_CASES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "scenario.h"

enum { CASE_LONGEST_RULE = 192 };

typedef struct test_case {
    const scenario *scenario;
    char rule[CASE_LONGEST_RULE]; /* "": a signal, or damage */
    const char *damaged;
    uint64_t seed; /* of the damage */
    int signals[PROGRAM_RUN_SIGNALS], signal_ms;
    uint64_t order; /* its place in the walk */
} test_case;

/* A place in the program that calls a function, and how often it does. */
typedef struct call_site {
    char function[64], site[64];
    unsigned long calls;
} call_site;

typedef struct case_list {
    test_case *cases; /* the caller frees it */
    size_t count, room;
    uint64_t seed, random;
    call_site *known; /* left out; the caller frees it */
    size_t known_count;
} case_list;

/* Leaves the call sites of this scenario out of what is added from now on, where they are reached as often.
 */
void case_list_leave_out(case_list *all, const place *p, const scenario *s);

/* Adds the cases of a scenario for `calls`, `kills` or `damage`, given by the first letter; the results
 * without a fault are stored first. */
void case_list_add(case_list *all, const place *p, const scenario *s, char what);

/* Puts the cases into a random order that the seed and the cases decide: the order in which call sites were
 * found does not matter, and a case more or less leaves the order of the others. */
void case_list_shuffle(case_list *all);

bool case_calls_opencl(const char *function);

#endif
