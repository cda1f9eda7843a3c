/* Shared by the tests of tuning: cmocka, a folder of tuning results that is removed when the program ends,
 * a problem. */
#ifndef RNCL_TESTS_TUNE_TUNE_TEST_H
#define RNCL_TESTS_TUNE_TUNE_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "conv.h"
#include "store.h"
#include "util.h"

static char folder[] = "/tmp/rncl-tune-XXXXXX";

/* The user's results are those in the folder; there are no shipped ones. */
static inline int make_folder(void **state)
{
    (void)state;
    return !mkdtemp(folder) || setenv("XDG_DATA_HOME", folder, 1) ||
           setenv("RNCL_TUNING_DIR", "/nonexistent", 1);
}

static inline int in_folder(const char *what)
{
    char command[512];
    snprintf(command, sizeof command, "cd %s && %s", folder, what);
    return system(command);
}

static inline int forget_results(void **state)
{
    (void)state;
    return in_folder("rm -rf *");
}

static inline int remove_folder(void **state)
{
    return forget_results(state) || rmdir(folder);
}

static inline rncl_problem make_problem(int pass, int n)
{
    return (rncl_problem){
        .desc = {.kind = RNCL_OP_conv,
                 .conv = {.n = n,
                          .h = 12,
                          .w = 12,
                          .c = 16,
                          .k = 32,
                          .r = 3,
                          .s = 3,
                          .stride = 1,
                          .pad = 1,
                          .p = 12,
                          .q = 12}},
        .pass = pass,
    };
}

#endif
