/* Compares gradients with central differences. The function is the sum of y * dy for a random dy; its
 * gradient is what the backward pass computes from dy. Not thread-safe. */
#ifndef RNCL_TESTS_GRADIENT_H
#define RNCL_TESTS_GRADIENT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>

#include "random.h"
#include "util.h"

#define EPSILON 1e-6
#define ABSOLUTE_TOLERANCE 1e-5
#define RELATIVE_TOLERANCE 1e-3

enum {
    SHAPES = 60, /* random shapes for each operation */
    MAX_TENSORS = 16,
};

/* The tensors of one shape. */
static double *tensors[MAX_TENSORS];
static size_t tensor_count;

static inline void release_tensors(void)
{
    while (tensor_count > 0)
        free(tensors[--tensor_count]);
}

static inline size_t size4(int a, int b, int c, int d)
{
    return (size_t)a * (size_t)b * (size_t)c * (size_t)d;
}

/* Filled with NaN, so that values that backward does not write are noticed. */
static inline double *output(size_t count)
{
    assert_true(tensor_count < MAX_TENSORS);
    double *tensor = malloc(count * sizeof *tensor);
    assert_non_null(tensor);
    tensors[tensor_count++] = tensor;
    for (size_t i = 0; i < count; i++)
        tensor[i] = NAN;
    return tensor;
}

static inline double *input(rncl_random *random, size_t count)
{
    double *tensor = output(count);
    for (size_t i = 0; i < count; i++)
        tensor[i] = (double)rncl_random_normal(random);
    return tensor;
}

static inline int between(rncl_random *random, int low, int high)
{
    return low + (int)rncl_random_below(random, (uint32_t)(high - low + 1));
}

static inline rncl_random stream(int shape)
{
    return rncl_random_stream(1, RNCL_RANDOM_TEST, 0, (uint32_t)shape);
}

static inline double dot(const double *a, const double *b, size_t count)
{
    double sum = 0.0;
    for (size_t i = 0; i < count; i++)
        sum += a[i] * b[i];
    return sum;
}

/* A function of the tensors of its case. */
typedef struct objective {
    double (*value)(const void *test_case);
    const void *test_case;
    uint32_t shape; /* its number, for messages */
} objective;

static inline double slope(const objective *f, double *variable)
{
    const double at = *variable;
    *variable = at + EPSILON;
    const double above = f->value(f->test_case);
    *variable = at - EPSILON;
    const double below = f->value(f->test_case);
    *variable = at;
    return (above - below) / (2.0 * EPSILON);
}

/* `variable` is an input of the function, `gradient` the result of backward for it. */
static inline void expect_gradient(const objective *f, const char *name, double *variable,
                                   const double *gradient, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const double numeric = slope(f, &variable[i]);
        if (!(fabs(gradient[i] - numeric) <= ABSOLUTE_TOLERANCE + RELATIVE_TOLERANCE * fabs(numeric)))
            fail_msg("shape %u: %s[%zu] is %.9g, the difference quotient %.9g", f->shape, name, i,
                     gradient[i], numeric);
    }
}

#endif
