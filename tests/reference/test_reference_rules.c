/* Properties of the reference that golden cases and gradient checks do not cover: ranks, ties, kinks,
 * missing labels, single values. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include "reference.h"
#include "util.h"

static rncl_reference_loss loss_of(int label, int classes, const double *logits)
{
    const rncl_softmax_shape shape = {.n = 1, .k = classes};
    double dlogits[16];
    rncl_reference_loss loss;
    assert_in_range(classes, 1, COUNT(dlogits));
    const rncl_reference_targets targets = {.labels = &(int32_t){label}};
    rncl_reference_softmax(&shape, logits, &targets, 1.0, &loss, dlogits);
    return loss;
}

static void a_label_counts_as_top5_up_to_rank_four(void **state)
{
    (void)state;
    const double logits[] = {0.0, 6.0, 5.0, 4.0, 3.0, 2.0, 1.0};
    const struct {
        int label, top1, top5;
    } expected[] = {{1, 1, 1}, {2, 0, 1}, {5, 0, 1}, {6, 0, 0}, {0, 0, 0}};
    for (size_t i = 0; i < COUNT(expected); i++) {
        rncl_reference_loss loss = loss_of(expected[i].label, COUNT(logits), logits);
        assert_int_equal(loss.top1, expected[i].top1);
        assert_int_equal(loss.top5, expected[i].top5);
    }
}

static void of_equal_logits_the_first_ranks_first(void **state)
{
    (void)state;
    const double logits[] = {2.0, 2.0, 2.0, 2.0, 2.0, 2.0};
    assert_int_equal(loss_of(0, COUNT(logits), logits).top1, 1);
    assert_int_equal(loss_of(1, COUNT(logits), logits).top1, 0);
    assert_int_equal(loss_of(4, COUNT(logits), logits).top5, 1);
    assert_int_equal(loss_of(5, COUNT(logits), logits).top5, 0);
}

static void a_row_without_label_counts_nowhere(void **state)
{
    (void)state;
    const rncl_softmax_shape shape = {.n = 3, .k = 2};
    const double logits[] = {1.0, 0.0, 3.0, 2.0, 0.0, 1.0};
    const int32_t labels[] = {0, RNCL_NO_LABEL, 0};
    double dlogits[] = {NAN, NAN, NAN, NAN, NAN, NAN};
    rncl_reference_loss loss;
    const rncl_reference_targets targets = {.labels = labels, .label_smoothing = 0.1};
    rncl_reference_softmax(&shape, logits, &targets, 1.0, &loss, dlogits);
    assert_int_equal(loss.counted, 2);
    assert_int_equal(loss.top1, 1);
    assert_int_equal(loss.top5, 2);
    assert_true(dlogits[2] == 0.0 && dlogits[3] == 0.0);
    assert_true(dlogits[0] < 0.0 && dlogits[4] < 0.0);
}

static void large_logits_do_not_overflow(void **state)
{
    (void)state;
    assert_true(loss_of(1, 2, (const double[]){1000.0, 0.0}).loss == 1000.0);
    assert_true(loss_of(0, 2, (const double[]){-1000.0, -2000.0}).loss == 0.0);
}

/* Comparisons with NaN are false, and would rank every label first. */
static void a_row_that_is_not_finite_is_wrong(void **state)
{
    (void)state;
    static const double rows[][3] = {{NAN, NAN, NAN}, {0, NAN, 1}, {INFINITY, 0, 0}, {9, 0, -INFINITY}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        const rncl_reference_loss loss = loss_of(0, 3, rows[i]);
        assert_int_equal(loss.counted, 1);
        assert_int_equal(loss.top1, 0);
        assert_int_equal(loss.top5, 0);
        assert_true(isnan(loss.loss));
        assert_int_equal(rncl_reference_rank(rows[i], 3, 0), RNCL_RANK_NOT_FINITE);
    }
}

static void the_gradient_of_relu_at_zero_is_zero(void **state)
{
    (void)state;
    const rncl_batchnorm_shape shape = {
        .n = 2, .h = 1, .w = 1, .c = 1, .relu = 1, .residual = RNCL_RESIDUAL_ADD};
    const double x[] = {3.0, 3.0}, residual[] = {0.0, 1.0}, one = 1.0, zero = 0.0, dy[] = {5.0, 7.0};
    double y[2], dx[2], dresidual[2], dweight, dbias;
    const rncl_reference_batchnorm t = {.x = x,
                                        .residual = residual,
                                        .weight = &one,
                                        .bias = &zero,
                                        .y = y,
                                        .dy = dy,
                                        .dx = dx,
                                        .dresidual = dresidual,
                                        .dweight = &dweight,
                                        .dbias = &dbias};
    rncl_reference_batchnorm_backward(&shape, &t, 1);
    assert_true(dresidual[0] == 0.0);
    assert_true(dresidual[1] == 7.0);
    assert_true(dbias == 7.0);
}

static void the_running_variance_of_a_single_value_moves_towards_zero(void **state)
{
    (void)state;
    const rncl_batchnorm_shape shape = {.n = 1, .h = 1, .w = 1, .c = 1};
    const double x = 3.0, weight = 2.0, bias = 0.5;
    double running_mean = 1.0, running_variance = 4.0, y = NAN;
    const rncl_reference_batchnorm t = {.x = &x,
                                        .weight = &weight,
                                        .bias = &bias,
                                        .running_mean = &running_mean,
                                        .running_variance = &running_variance,
                                        .y = &y};
    rncl_reference_batchnorm_forward(&shape, &t, 1);
    assert_true(y == 0.5);
    assert_true(fabs(running_mean - 1.2) < 1e-7);
    assert_true(fabs(running_variance - 3.6) < 1e-7);
}

static void batchnorm_training_does_without_running_statistics_and_dresidual(void **state)
{
    (void)state;
    const rncl_batchnorm_shape shape = {.n = 2, .h = 1, .w = 1, .c = 1, .residual = RNCL_RESIDUAL_ADD};
    const double x[] = {-1.0, 1.0}, residual[] = {10.0, 20.0}, one = 1.0, zero = 0.0, dy[] = {1.0, 2.0};
    double y[2], dx[2], dweight, dbias;
    const rncl_reference_batchnorm t = {.x = x,
                                        .residual = residual,
                                        .weight = &one,
                                        .bias = &zero,
                                        .y = y,
                                        .dy = dy,
                                        .dx = dx,
                                        .dweight = &dweight,
                                        .dbias = &dbias};
    rncl_reference_batchnorm_forward(&shape, &t, 1);
    rncl_reference_batchnorm_backward(&shape, &t, 1);
    assert_true(fabs(y[0] - 9.0) < 1e-4 && fabs(y[1] - 21.0) < 1e-4);
    assert_true(dbias == 3.0);
}

static void padding_never_wins_and_not_a_number_always(void **state)
{
    (void)state;
    const rncl_maxpool_shape shape = {
        .n = 1, .h = 2, .w = 4, .c = 1, .size = 2, .stride = 2, .pad = 1, .p = 2, .q = 3};
    const double x[] = {-1.0, 5.0, NAN, -2.0, -3.0, -4.0, -6.0, -5.0};
    double y[6];
    rncl_reference_maxpool_forward(&shape, x, y);
    assert_true(y[0] == -1.0 && isnan(y[1]) && y[2] == -2.0);
    assert_true(y[3] == -3.0 && y[4] == -4.0 && y[5] == -5.0);
}

static void outputs_of_the_linear_backward_may_be_left_out(void **state)
{
    (void)state;
    const rncl_linear_shape shape = {.n = 2, .c = 1, .k = 1};
    const double x[] = {1.0, 2.0}, weight[] = {3.0}, dy[] = {5.0, 7.0};
    double dx[2] = {NAN, NAN}, dweight = NAN, dbias = NAN;
    rncl_reference_linear_backward(&shape, x, weight, dy, dx, NULL, NULL);
    assert_true(dx[0] == 15.0 && dx[1] == 21.0);
    rncl_reference_linear_backward(&shape, x, weight, dy, NULL, &dweight, NULL);
    assert_true(dweight == 19.0);
    rncl_reference_linear_backward(&shape, x, weight, dy, NULL, NULL, &dbias);
    assert_true(dbias == 12.0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_label_counts_as_top5_up_to_rank_four),
        cmocka_unit_test(of_equal_logits_the_first_ranks_first),
        cmocka_unit_test(a_row_without_label_counts_nowhere),
        cmocka_unit_test(large_logits_do_not_overflow),
        cmocka_unit_test(a_row_that_is_not_finite_is_wrong),
        cmocka_unit_test(the_gradient_of_relu_at_zero_is_zero),
        cmocka_unit_test(the_running_variance_of_a_single_value_moves_towards_zero),
        cmocka_unit_test(batchnorm_training_does_without_running_statistics_and_dresidual),
        cmocka_unit_test(padding_never_wins_and_not_a_number_always),
        cmocka_unit_test(outputs_of_the_linear_backward_may_be_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
