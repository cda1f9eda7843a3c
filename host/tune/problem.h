/* What is tuned: one pass of one convolution. */
#ifndef RNCL_TUNE_PROBLEM_H
#define RNCL_TUNE_PROBLEM_H

#include "conv.h"

enum { RNCL_PROBLEM_KEY = 128 };

typedef struct rncl_problem {
    rncl_conv_shape shape;
    rncl_conv_pass pass;
} rncl_problem;

/* "backward_filter n16 h56 w56 c64 k64 r3 s3 stride1 pad1" */
void rncl_problem_key(const rncl_problem *problem, char key[RNCL_PROBLEM_KEY]);

/* False if the text is no problem's key. */
bool rncl_problem_parse(const char *key, rncl_problem *out);

bool rncl_problem_equal(const rncl_problem *a, const rncl_problem *b);

/* Whether they differ in nothing but the batch. */
bool rncl_problem_alike(const rncl_problem *a, const rncl_problem *b);

/* Floating-point operations of the direct method. */
double rncl_problem_flops(const rncl_problem *problem);

#endif
