/* Compares the reference with PyTorch's results from tests/golden/make_reference_golden.py. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "golden/reference_golden.h"
#include "reference.h"
#include "util.h"

/* Both sum in double precision, but in different orders. */
#define TOLERANCE 1e-12

/* Longest tensor of the golden cases. */
enum { LONGEST = 256 };

static void expect(const char *what, size_t golden, const double *actual, const double *expected,
                   size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!(fabs(actual[i] - expected[i]) <= TOLERANCE * (1.0 + fabs(expected[i]))))
            fail_msg("case %zu: %s[%zu] is %.17g, PyTorch has %.17g", golden, what, i, actual[i],
                     expected[i]);
}

static size_t size4(int a, int b, int c, int d)
{
    const size_t size = (size_t)a * (size_t)b * (size_t)c * (size_t)d;
    assert_in_range(size, 1, LONGEST);
    return size;
}

/* Fills the memory for a result with NaN, so that values that are not written are noticed. */
static double *unwritten(double room[LONGEST])
{
    for (size_t i = 0; i < LONGEST; i++)
        room[i] = NAN;
    return room;
}

static void convolution_forward_is_that_of_pytorch(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(golden_convs); i++) {
        const golden_conv *g = &golden_convs[i];
        const rncl_conv_shape *s = &g->shape;
        double y[LONGEST];
        rncl_reference_conv_forward(s, g->x, g->filter, unwritten(y));
        expect("y", i, y, g->y, size4(s->n, s->p, s->q, s->k));
    }
}

static void convolution_backward_is_that_of_pytorch(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(golden_convs); i++) {
        const golden_conv *g = &golden_convs[i];
        const rncl_conv_shape *s = &g->shape;
        double dx[LONGEST], dfilter[LONGEST];
        rncl_reference_conv_backward_data(s, g->filter, g->dy, unwritten(dx));
        rncl_reference_conv_backward_filter(s, g->x, g->dy, unwritten(dfilter));
        expect("dx", i, dx, g->dx, size4(s->n, s->h, s->w, s->c));
        expect("dfilter", i, dfilter, g->dfilter, size4(s->r, s->s, s->c, s->k));
    }
}

/* What a case of batch normalisation writes. */
typedef struct batchnorm_results {
    double running_mean[LONGEST], running_variance[LONGEST], y[LONGEST];
    double dx[LONGEST], dresidual[LONGEST], dweight[LONGEST], dbias[LONGEST];
} batchnorm_results;

static rncl_reference_batchnorm bind(const golden_batchnorm *g, batchnorm_results *r)
{
    const size_t bytes = (size_t)g->shape.c * sizeof(double);
    memcpy(r->running_mean, g->running_mean, bytes);
    memcpy(r->running_variance, g->running_variance, bytes);
    return (rncl_reference_batchnorm){
        .x = g->x,
        .residual = g->residual,
        .weight = g->weight,
        .bias = g->bias,
        .running_mean = r->running_mean,
        .running_variance = r->running_variance,
        .y = unwritten(r->y),
        .dy = g->dy,
        .dx = unwritten(r->dx),
        .dresidual = g->residual ? unwritten(r->dresidual) : NULL,
        .dweight = unwritten(r->dweight),
        .dbias = unwritten(r->dbias),
    };
}

static void expect_forward(int training)
{
    size_t compared = 0;
    for (size_t i = 0; i < COUNT(golden_batchnorms); i++) {
        const golden_batchnorm *g = &golden_batchnorms[i];
        const rncl_batchnorm_shape *s = &g->shape;
        if (g->training != training)
            continue;
        batchnorm_results r;
        const rncl_reference_batchnorm t = bind(g, &r);
        rncl_reference_batchnorm_forward(s, &t, training);
        const size_t channels = (size_t)s->c;
        expect("y", i, r.y, g->y, size4(s->n, s->h, s->w, s->c));
        expect("running_mean", i, r.running_mean, training ? g->new_mean : g->running_mean, channels);
        expect("running_variance", i, r.running_variance, training ? g->new_variance : g->running_variance,
               channels);
        compared++;
    }
    assert_true(compared > 0);
}

static void batchnorm_training_is_that_of_pytorch_with_its_running_statistics(void **state)
{
    (void)state;
    expect_forward(1);
}

static void batchnorm_inference_is_that_of_pytorch_and_keeps_the_running_statistics(void **state)
{
    (void)state;
    expect_forward(0);
}

static void batchnorm_backward_is_that_of_pytorch(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(golden_batchnorms); i++) {
        const golden_batchnorm *g = &golden_batchnorms[i];
        const rncl_batchnorm_shape *s = &g->shape;
        if (!g->training)
            continue;
        batchnorm_results r;
        const rncl_reference_batchnorm t = bind(g, &r);
        rncl_reference_batchnorm_backward(s, &t, 1);
        const size_t count = size4(s->n, s->h, s->w, s->c), channels = (size_t)s->c;
        expect("dx", i, r.dx, g->dx, count);
        expect("dweight", i, r.dweight, g->dweight, channels);
        expect("dbias", i, r.dbias, g->dbias, channels);
        if (s->residual == RNCL_RESIDUAL_ADD)
            expect("dresidual", i, r.dresidual, g->dresidual, count);
        if (s->residual == RNCL_RESIDUAL_PAD)
            expect("dresidual", i, r.dresidual, g->dresidual,
                   size4(s->n, s->residual_h, s->residual_w, s->residual_c));
    }
}

static void max_pooling_with_ties_is_that_of_pytorch(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(golden_maxpools); i++) {
        const golden_maxpool *g = &golden_maxpools[i];
        const rncl_maxpool_shape *s = &g->shape;
        double y[LONGEST], dx[LONGEST];
        rncl_reference_maxpool_forward(s, g->x, unwritten(y));
        rncl_reference_maxpool_backward(s, g->x, g->dy, unwritten(dx));
        expect("y", i, y, g->y, size4(s->n, s->p, s->q, s->c));
        expect("dx", i, dx, g->dx, size4(s->n, s->h, s->w, s->c));
    }
}

static void average_pooling_is_that_of_pytorch(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(golden_avgpools); i++) {
        const golden_avgpool *g = &golden_avgpools[i];
        const rncl_avgpool_shape *s = &g->shape;
        double y[LONGEST], dx[LONGEST];
        rncl_reference_avgpool_forward(s, g->x, unwritten(y));
        rncl_reference_avgpool_backward(s, g->dy, unwritten(dx));
        expect("y", i, y, g->y, size4(s->n, 1, 1, s->c));
        expect("dx", i, dx, g->dx, size4(s->n, s->h, s->w, s->c));
    }
}

static void the_linear_layer_is_that_of_pytorch(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(golden_linears); i++) {
        const golden_linear *g = &golden_linears[i];
        const rncl_linear_shape *s = &g->shape;
        double y[LONGEST], dx[LONGEST], dweight[LONGEST], dbias[LONGEST];
        rncl_reference_linear_forward(s, g->x, g->weight, g->bias, unwritten(y));
        rncl_reference_linear_backward(s, g->x, g->weight, g->dy, unwritten(dx), unwritten(dweight),
                                       unwritten(dbias));
        expect("y", i, y, g->y, size4(s->n, 1, 1, s->k));
        expect("dx", i, dx, g->dx, size4(s->n, 1, 1, s->c));
        expect("dweight", i, dweight, g->dweight, size4(s->c, 1, 1, s->k));
        expect("dbias", i, dbias, g->dbias, size4(s->k, 1, 1, 1));
    }
}

static void smoothed_cross_entropy_is_that_of_pytorch(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(golden_softmaxs); i++) {
        const golden_softmax *g = &golden_softmaxs[i];
        double dlogits[LONGEST];
        rncl_reference_loss loss;
        const rncl_reference_targets targets = {.labels = g->labels, .label_smoothing = g->smoothing};
        rncl_reference_softmax(&g->shape, g->logits, &targets, g->scale, &loss, unwritten(dlogits));
        expect("loss", i, &loss.loss, &g->loss, 1);
        expect("dlogits", i, dlogits, g->dlogits, size4(g->shape.n, 1, 1, g->shape.k));
    }
}

static void weighted_and_mixed_cross_entropy_is_that_of_pytorch(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(golden_mixed_softmaxs); i++) {
        const golden_mixed_softmax *g = &golden_mixed_softmaxs[i];
        const rncl_reference_targets targets = {g->labels, g->partners, g->mix, g->weights, g->smoothing};
        double dlogits[LONGEST];
        rncl_reference_loss loss;
        rncl_reference_softmax(&g->shape, g->logits, &targets, g->scale, &loss, unwritten(dlogits));
        expect("loss", i, &loss.loss, &g->loss, 1);
        expect("dlogits", i, dlogits, g->dlogits, size4(g->shape.n, 1, 1, g->shape.k));
    }
}

static void sgd_takes_the_steps_of_pytorch(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(golden_sgds); i++) {
        const golden_sgd *g = &golden_sgds[i];
        double velocity[LONGEST] = {0}, weight[LONGEST];
        memcpy(weight, g->weight, g->count * sizeof *weight);
        for (size_t step = 0; step < g->steps; step++) {
            rncl_reference_sgd(g->count, g->lr, g->momentum, g->weight_decay, g->gradients + step * g->count,
                               velocity, weight);
            expect("weight", i, weight, g->weights + step * g->count, g->count);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(convolution_forward_is_that_of_pytorch),
        cmocka_unit_test(convolution_backward_is_that_of_pytorch),
        cmocka_unit_test(batchnorm_training_is_that_of_pytorch_with_its_running_statistics),
        cmocka_unit_test(batchnorm_inference_is_that_of_pytorch_and_keeps_the_running_statistics),
        cmocka_unit_test(batchnorm_backward_is_that_of_pytorch),
        cmocka_unit_test(max_pooling_with_ties_is_that_of_pytorch),
        cmocka_unit_test(average_pooling_is_that_of_pytorch),
        cmocka_unit_test(the_linear_layer_is_that_of_pytorch),
        cmocka_unit_test(smoothed_cross_entropy_is_that_of_pytorch),
        cmocka_unit_test(weighted_and_mixed_cross_entropy_is_that_of_pytorch),
        cmocka_unit_test(sgd_takes_the_steps_of_pytorch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
