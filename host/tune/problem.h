/* A tuning problem: one pass of an operation at one shape. */
#ifndef RNCL_TUNE_PROBLEM_H
#define RNCL_TUNE_PROBLEM_H

#include "spec.h"

enum { RNCL_PROBLEM_KEY = RNCL_SPEC_TEXT + 64 };

typedef struct rncl_problem {
    rncl_op_desc desc; /* not of linear, whose passes are tuned as convolutions */
    int pass;
} rncl_problem;

/* "batchnorm forward n16 h56 w56 c64 relu1 residual_add"; a convolution's begins with its pass:
 * "backward_filter n16 h56 w56 c64 k64 r3 s3 stride1 pad1" */
void rncl_problem_key(const rncl_problem *problem, char key[RNCL_PROBLEM_KEY]);

/* False if the text is not a key. */
bool rncl_problem_parse(const char *key, rncl_problem *out);

bool rncl_problem_equal(const rncl_problem *a, const rncl_problem *b);

/* Whether they differ at most in the batch. */
bool rncl_problem_alike(const rncl_problem *a, const rncl_problem *b);

/* Whether they are the same pass and differ only in sizes, so that a good setting for one may be good for
 * the other. */
bool rncl_problem_related(const rncl_problem *a, const rncl_problem *b);

/* Floating-point operations of the direct method; 0 for operations that have no multiply-adds. */
double rncl_problem_flops(const rncl_problem *problem);

/* The problem's pass, before a row is selected. */
rncl_pass rncl_problem_pass(rncl_context *context, const rncl_problem *problem);

#endif
