/* What is tuned: one pass of an operation at a shape. */
#ifndef RNCL_TUNE_PROBLEM_H
#define RNCL_TUNE_PROBLEM_H

#include "spec.h"

enum { RNCL_PROBLEM_KEY = RNCL_SPEC_TEXT + 64 };

typedef struct rncl_problem {
    rncl_op_desc desc; /* of an operation that is tuned by itself: not linear */
    int pass;
} rncl_problem;

/* "batchnorm forward n16 h56 w56 c64 relu1 residual_add"; a convolution's begins with its pass:
 * "backward_filter n16 h56 w56 c64 k64 r3 s3 stride1 pad1" */
void rncl_problem_key(const rncl_problem *problem, char key[RNCL_PROBLEM_KEY]);

/* False if the text is no problem's key. */
bool rncl_problem_parse(const char *key, rncl_problem *out);

bool rncl_problem_equal(const rncl_problem *a, const rncl_problem *b);

/* Whether they differ in nothing but the batch. */
bool rncl_problem_alike(const rncl_problem *a, const rncl_problem *b);

/* Whether they are of one kind and differ in sizes only, so that what is best for one may be good for the
 * other. */
bool rncl_problem_related(const rncl_problem *a, const rncl_problem *b);

/* Floating-point operations of the direct method; 0 for what is not counted in them. */
double rncl_problem_flops(const rncl_problem *problem);

/* The pass with nothing chosen yet. */
rncl_pass rncl_problem_pass(rncl_context *context, const rncl_problem *problem);

#endif
