/* The backward pass of batch normalisation against central differences of its forward pass. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include "gradient.h"
#include "reference.h"

/* Distance from the ReLU's kink within which dy is 0: a step of EPSILON in x could cross it. */
#define KINK_MARGIN 1e-2

typedef struct batchnorm_case {
    rncl_batchnorm_shape shape;
    int training;
    double *x, *residual, *weight, *bias, *y, *dy;
    double *running_mean, *running_variance; /* NULL in training */
} batchnorm_case;

static rncl_reference_batchnorm batchnorm_inputs(const batchnorm_case *t)
{
    return (rncl_reference_batchnorm){.x = t->x,
                                      .residual = t->residual,
                                      .weight = t->weight,
                                      .bias = t->bias,
                                      .running_mean = t->running_mean,
                                      .running_variance = t->running_variance,
                                      .y = t->y,
                                      .dy = t->dy};
}

static size_t batchnorm_count(const rncl_batchnorm_shape *s)
{
    return size4(s->n, s->h, s->w, s->c);
}

static size_t residual_count_of(const rncl_batchnorm_shape *s)
{
    if (s->residual == RNCL_RESIDUAL_ADD)
        return batchnorm_count(s);
    return size4(s->n, s->residual_h, s->residual_w, s->residual_c);
}

static double batchnorm_value(const void *test_case)
{
    const batchnorm_case *t = test_case;
    const rncl_reference_batchnorm tensors_of_case = batchnorm_inputs(t);
    rncl_reference_batchnorm_forward(&t->shape, &tensors_of_case, t->training);
    return dot(t->y, t->dy, batchnorm_count(&t->shape));
}

/* Sets dy to 0 near the ReLU's kink. */
static void avoid_kinks(const batchnorm_case *t)
{
    rncl_batchnorm_shape without_relu = t->shape;
    without_relu.relu = 0;
    const rncl_reference_batchnorm tensors_of_case = batchnorm_inputs(t);
    rncl_reference_batchnorm_forward(&without_relu, &tensors_of_case, t->training);
    for (size_t i = 0; i < batchnorm_count(&t->shape); i++)
        if (fabs(t->y[i]) < KINK_MARGIN)
            t->dy[i] = 0.0;
}

static void expect_batchnorm_gradients(rncl_random *random, rncl_batchnorm_shape s, int training)
{
    const size_t count = batchnorm_count(&s), channels = (size_t)s.c;
    const size_t residual_count = residual_count_of(&s);
    batchnorm_case t = {
        .shape = s,
        .training = training,
        .x = input(random, count),
        .residual = input(random, residual_count),
        .weight = input(random, channels),
        .bias = input(random, channels),
        .y = output(count),
        .dy = input(random, count),
    };
    if (!training) {
        t.running_mean = input(random, channels);
        t.running_variance = input(random, channels);
        for (size_t c = 0; c < channels; c++)
            t.running_variance[c] = 0.1 + fabs(t.running_variance[c]);
    }
    if (s.relu)
        avoid_kinks(&t);
    rncl_reference_batchnorm results = batchnorm_inputs(&t);
    results.dx = output(count);
    results.dresidual = output(residual_count);
    results.dweight = output(channels);
    results.dbias = output(channels);
    rncl_reference_batchnorm_backward(&s, &results, training);
    const objective f = {batchnorm_value, &t, random->sample};
    expect_gradient(&f, "dx", t.x, results.dx, count);
    expect_gradient(&f, "dresidual", t.residual, results.dresidual, residual_count);
    expect_gradient(&f, "dweight", t.weight, results.dweight, channels);
    expect_gradient(&f, "dbias", t.bias, results.dbias, channels);
    release_tensors();
}

static rncl_batchnorm_shape draw_batchnorm(rncl_random *random, int residual)
{
    rncl_batchnorm_shape s = {
        .n = between(random, 1, 4),
        .h = between(random, 1, 4),
        .w = between(random, 1, 4),
        .c = between(random, 1, 5),
        .relu = between(random, 0, 1),
        .residual = residual,
    };
    if (residual != RNCL_RESIDUAL_PAD)
        return s;
    s.residual_stride = between(random, 1, 3);
    s.residual_h = (s.h - 1) * s.residual_stride + between(random, 1, s.residual_stride);
    s.residual_w = (s.w - 1) * s.residual_stride + between(random, 1, s.residual_stride);
    s.residual_c = between(random, 1, s.c);
    return s;
}

static void expect_batchnorm_gradients_with(int residual, int training)
{
    for (int i = 0; i < SHAPES; i++) {
        rncl_random random = stream(i);
        expect_batchnorm_gradients(&random, draw_batchnorm(&random, residual), training);
    }
}

static void batchnorm_gradients_are_difference_quotients(void **state)
{
    (void)state;
    expect_batchnorm_gradients_with(RNCL_RESIDUAL_NONE, 1);
}

static void batchnorm_gradients_with_a_residual_are_difference_quotients(void **state)
{
    (void)state;
    expect_batchnorm_gradients_with(RNCL_RESIDUAL_ADD, 1);
}

static void batchnorm_gradients_with_a_padded_residual_are_difference_quotients(void **state)
{
    (void)state;
    expect_batchnorm_gradients_with(RNCL_RESIDUAL_PAD, 1);
}

static void batchnorm_gradients_with_running_statistics_are_difference_quotients(void **state)
{
    (void)state;
    expect_batchnorm_gradients_with(RNCL_RESIDUAL_NONE, 0);
    expect_batchnorm_gradients_with(RNCL_RESIDUAL_ADD, 0);
    expect_batchnorm_gradients_with(RNCL_RESIDUAL_PAD, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(batchnorm_gradients_are_difference_quotients),
        cmocka_unit_test(batchnorm_gradients_with_a_residual_are_difference_quotients),
        cmocka_unit_test(batchnorm_gradients_with_a_padded_residual_are_difference_quotients),
        cmocka_unit_test(batchnorm_gradients_with_running_statistics_are_difference_quotients),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
