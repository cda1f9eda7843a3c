/* Backward passes of the reference against central differences of its forward passes; batch normalisation has
 * a file of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "gradient.h"
#include "reference.h"
#include "util.h"

typedef struct conv_case {
    rncl_conv_shape shape;
    double *x, *filter, *y, *dy;
} conv_case;

static double conv_value(const void *test_case)
{
    const conv_case *t = test_case;
    rncl_reference_conv_forward(&t->shape, t->x, t->filter, t->y);
    return dot(t->y, t->dy, size4(t->shape.n, t->shape.p, t->shape.q, t->shape.k));
}

static void expect_conv_gradients(rncl_random *random, rncl_conv_shape s)
{
    s.p = (s.h + 2 * s.pad - s.r) / s.stride + 1;
    s.q = (s.w + 2 * s.pad - s.s) / s.stride + 1;
    const size_t x_count = size4(s.n, s.h, s.w, s.c), filter_count = size4(s.r, s.s, s.c, s.k);
    const size_t y_count = size4(s.n, s.p, s.q, s.k);
    const conv_case t = {
        .shape = s,
        .x = input(random, x_count),
        .filter = input(random, filter_count),
        .y = output(y_count),
        .dy = input(random, y_count),
    };
    double *dx = output(x_count), *dfilter = output(filter_count);
    rncl_reference_conv_backward_data(&s, t.filter, t.dy, dx);
    rncl_reference_conv_backward_filter(&s, t.x, t.dy, dfilter);
    const objective f = {conv_value, &t, random->sample};
    expect_gradient(&f, "dx", t.x, dx, x_count);
    expect_gradient(&f, "dfilter", t.filter, dfilter, filter_count);
    release_tensors();
}

static rncl_conv_shape draw_conv(rncl_random *random)
{
    rncl_conv_shape s = {
        .n = between(random, 1, 3),
        .c = between(random, 1, 4),
        .k = between(random, 1, 4),
        .r = between(random, 1, 4),
        .s = between(random, 1, 4),
        .stride = between(random, 1, 3),
        .pad = between(random, 0, 2),
    };
    s.h = MAX(1, s.r - 2 * s.pad) + between(random, 0, 5);
    s.w = MAX(1, s.s - 2 * s.pad) + between(random, 0, 5);
    return s;
}

static void convolution_gradients_are_difference_quotients(void **state)
{
    (void)state;
    const rncl_conv_shape of_resnets[] = {
        {.n = 1, .h = 9, .w = 8, .c = 3, .k = 2, .r = 7, .s = 7, .stride = 2, .pad = 3},
        {.n = 2, .h = 5, .w = 5, .c = 2, .k = 3, .r = 3, .s = 3, .stride = 1, .pad = 1},
        {.n = 2, .h = 6, .w = 5, .c = 2, .k = 3, .r = 3, .s = 3, .stride = 2, .pad = 1},
        {.n = 2, .h = 5, .w = 4, .c = 3, .k = 2, .r = 1, .s = 1, .stride = 2, .pad = 0},
        {.n = 1, .h = 1, .w = 1, .c = 1, .k = 1, .r = 3, .s = 3, .stride = 1, .pad = 1},
    };
    rncl_random random = stream(SHAPES);
    for (size_t i = 0; i < COUNT(of_resnets); i++)
        expect_conv_gradients(&random, of_resnets[i]);
    for (int i = 0; i < SHAPES; i++) {
        random = stream(i);
        expect_conv_gradients(&random, draw_conv(&random));
    }
}

typedef struct maxpool_case {
    rncl_maxpool_shape shape;
    double *x, *y, *dy;
} maxpool_case;

static double maxpool_value(const void *test_case)
{
    const maxpool_case *t = test_case;
    rncl_reference_maxpool_forward(&t->shape, t->x, t->y);
    return dot(t->y, t->dy, size4(t->shape.n, t->shape.p, t->shape.q, t->shape.c));
}

/* Distinct values, far enough apart that a step of EPSILON changes no maximum. */
static double *shuffled_steps(rncl_random *random, size_t count)
{
    double *tensor = output(count);
    uint32_t *order = malloc(count * sizeof *order);
    assert_non_null(order);
    rncl_random_permutation(random, order, (uint32_t)count);
    for (size_t i = 0; i < count; i++)
        tensor[i] = 0.01 * order[i] - 1.0;
    free(order);
    return tensor;
}

static rncl_maxpool_shape draw_maxpool(rncl_random *random)
{
    rncl_maxpool_shape s = {
        .n = between(random, 1, 3),
        .c = between(random, 1, 4),
        .size = between(random, 1, 4),
        .stride = between(random, 1, 3),
    };
    s.pad = between(random, 0, s.size / 2);
    s.h = MAX(1, s.size - 2 * s.pad) + between(random, 0, 6);
    s.w = MAX(1, s.size - 2 * s.pad) + between(random, 0, 6);
    s.p = (s.h + 2 * s.pad - s.size) / s.stride + 1;
    s.q = (s.w + 2 * s.pad - s.size) / s.stride + 1;
    return s;
}

static void max_pooling_gradients_are_difference_quotients(void **state)
{
    (void)state;
    for (int i = 0; i < SHAPES; i++) {
        rncl_random random = stream(i);
        const rncl_maxpool_shape s = draw_maxpool(&random);
        const size_t x_count = size4(s.n, s.h, s.w, s.c), y_count = size4(s.n, s.p, s.q, s.c);
        const maxpool_case t = {
            .shape = s,
            .x = shuffled_steps(&random, x_count),
            .y = output(y_count),
            .dy = input(&random, y_count),
        };
        double *dx = output(x_count);
        rncl_reference_maxpool_backward(&s, t.x, t.dy, dx);
        expect_gradient(&(objective){maxpool_value, &t, random.sample}, "dx", t.x, dx, x_count);
        release_tensors();
    }
}

typedef struct avgpool_case {
    rncl_avgpool_shape shape;
    double *x, *y, *dy;
} avgpool_case;

static double avgpool_value(const void *test_case)
{
    const avgpool_case *t = test_case;
    rncl_reference_avgpool_forward(&t->shape, t->x, t->y);
    return dot(t->y, t->dy, size4(t->shape.n, 1, 1, t->shape.c));
}

static void average_pooling_gradients_are_difference_quotients(void **state)
{
    (void)state;
    for (int i = 0; i < SHAPES; i++) {
        rncl_random random = stream(i);
        const rncl_avgpool_shape s = {
            .n = between(&random, 1, 3),
            .h = between(&random, 1, 7),
            .w = between(&random, 1, 7),
            .c = between(&random, 1, 4),
        };
        const size_t x_count = size4(s.n, s.h, s.w, s.c), y_count = size4(s.n, 1, 1, s.c);
        const avgpool_case t = {
            .shape = s,
            .x = input(&random, x_count),
            .y = output(y_count),
            .dy = input(&random, y_count),
        };
        double *dx = output(x_count);
        rncl_reference_avgpool_backward(&s, t.dy, dx);
        expect_gradient(&(objective){avgpool_value, &t, random.sample}, "dx", t.x, dx, x_count);
        release_tensors();
    }
}

typedef struct linear_case {
    rncl_linear_shape shape;
    double *x, *weight, *bias, *y, *dy;
} linear_case;

static double linear_value(const void *test_case)
{
    const linear_case *t = test_case;
    rncl_reference_linear_forward(&t->shape, t->x, t->weight, t->bias, t->y);
    return dot(t->y, t->dy, size4(t->shape.n, 1, 1, t->shape.k));
}

static void linear_gradients_are_difference_quotients(void **state)
{
    (void)state;
    for (int i = 0; i < SHAPES; i++) {
        rncl_random random = stream(i);
        const rncl_linear_shape s = {
            .n = between(&random, 1, 5), .c = between(&random, 1, 9), .k = between(&random, 1, 7)};
        const size_t x_count = size4(s.n, 1, 1, s.c), weight_count = size4(s.c, 1, 1, s.k);
        const size_t bias_count = (size_t)s.k, y_count = size4(s.n, 1, 1, s.k);
        const linear_case t = {
            .shape = s,
            .x = input(&random, x_count),
            .weight = input(&random, weight_count),
            .bias = input(&random, bias_count),
            .y = output(y_count),
            .dy = input(&random, y_count),
        };
        double *dx = output(x_count), *dweight = output(weight_count), *dbias = output(bias_count);
        rncl_reference_linear_backward(&s, t.x, t.weight, t.dy, dx, dweight, dbias);
        const objective f = {linear_value, &t, random.sample};
        expect_gradient(&f, "dx", t.x, dx, x_count);
        expect_gradient(&f, "dweight", t.weight, dweight, weight_count);
        expect_gradient(&f, "dbias", t.bias, dbias, bias_count);
        release_tensors();
    }
}

enum { MAX_ROWS = 5 };

typedef struct softmax_case {
    rncl_softmax_shape shape;
    rncl_reference_targets targets;
    double scale;
    int32_t labels[MAX_ROWS], partners[MAX_ROWS];
    double *logits, *scratch;
} softmax_case;

static double softmax_value(const void *test_case)
{
    const softmax_case *t = test_case;
    rncl_reference_loss loss;
    rncl_reference_softmax(&t->shape, t->logits, &t->targets, t->scale, &loss, t->scratch);
    return t->scale * loss.loss;
}

static void softmax_gradients_are_difference_quotients(void **state)
{
    (void)state;
    for (int i = 0; i < SHAPES; i++) {
        rncl_random random = stream(i);
        const rncl_softmax_shape s = {.n = between(&random, 1, MAX_ROWS), .k = between(&random, 1, 12)};
        const size_t count = size4(s.n, 1, 1, s.k);
        softmax_case t = {
            .shape = s,
            .scale = 1.0 / between(&random, 1, 8),
            .logits = input(&random, count),
            .scratch = output(count),
        };
        const int mixed = between(&random, 0, 1);
        for (int row = 0; row < s.n; row++) {
            t.labels[row] = between(&random, mixed ? 0 : RNCL_NO_LABEL, s.k - 1);
            t.partners[row] = between(&random, 0, s.k - 1);
        }
        t.targets = (rncl_reference_targets){
            .labels = t.labels,
            .partners = t.partners,
            .mix = mixed * (double)rncl_random_uniform(&random),
            .weights = between(&random, 0, 1) ? input(&random, (size_t)s.k) : NULL,
            .label_smoothing = between(&random, 0, 1) * 0.5 * (double)rncl_random_uniform(&random),
        };
        double *dlogits = output(count);
        rncl_reference_loss loss;
        rncl_reference_softmax(&s, t.logits, &t.targets, t.scale, &loss, dlogits);
        expect_gradient(&(objective){softmax_value, &t, random.sample}, "dlogits", t.logits, dlogits, count);
        release_tensors();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(convolution_gradients_are_difference_quotients),
        cmocka_unit_test(max_pooling_gradients_are_difference_quotients),
        cmocka_unit_test(average_pooling_gradients_are_difference_quotients),
        cmocka_unit_test(linear_gradients_are_difference_quotients),
        cmocka_unit_test(softmax_gradients_are_difference_quotients),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
