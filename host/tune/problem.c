/* Problems and their names. */
#include "problem.h"

#include <stdio.h>
#include <string.h>

void rncl_problem_key(const rncl_problem *problem, char key[RNCL_PROBLEM_KEY])
{
    const rncl_conv_shape *s = &problem->shape;
    snprintf(key, RNCL_PROBLEM_KEY, "%s n%d h%d w%d c%d k%d r%d s%d stride%d pad%d",
             rncl_conv_pass_name(problem->pass), s->n, s->h, s->w, s->c, s->k, s->r, s->s, s->stride, s->pad);
}

static bool parse_pass(const char *name, rncl_conv_pass *out)
{
    for (rncl_conv_pass pass = 0; pass < RNCL_CONV_PASSES; pass++)
        if (!strcmp(name, rncl_conv_pass_name(pass))) {
            *out = pass;
            return true;
        }
    return false;
}

bool rncl_problem_parse(const char *key, rncl_problem *out)
{
    char pass[32];
    rncl_conv_shape *s = &out->shape;
    *out = (rncl_problem){0};
    if (sscanf(key, "%31s n%d h%d w%d c%d k%d r%d s%d stride%d pad%d", pass, &s->n, &s->h, &s->w, &s->c,
               &s->k, &s->r, &s->s, &s->stride, &s->pad) != 10 ||
        !parse_pass(pass, &out->pass) || s->stride <= 0)
        return false;
    s->p = rncl_window_output(s->h, s->r, s->stride, s->pad);
    s->q = rncl_window_output(s->w, s->s, s->stride, s->pad);
    return s->n > 0 && s->c > 0 && s->k > 0 && s->p > 0 && s->q > 0;
}

bool rncl_problem_equal(const rncl_problem *a, const rncl_problem *b)
{
    return a->pass == b->pass && !memcmp(&a->shape, &b->shape, sizeof a->shape);
}

bool rncl_problem_alike(const rncl_problem *a, const rncl_problem *b)
{
    rncl_problem same = *a;
    same.shape.n = b->shape.n;
    return rncl_problem_equal(&same, b);
}

double rncl_problem_flops(const rncl_problem *problem)
{
    const rncl_conv_shape *s = &problem->shape;
    return 2.0 * s->n * s->p * s->q * s->k * s->r * s->s * s->c;
}
