/* Problems of every operation that is tuned: their keys, presets and trials. A trial must notice a single
 * wrong value. On any device ($RNCL_TEST_DEVICE). */

#include "random.h"
#include "trial.h"
#include "tune_device.h"
#include "tune_test.h"

#define CONV(h_, c_, k_, r_, stride_)                                                                        \
    {                                                                                                        \
        .kind = RNCL_OP_conv, .conv = {                                                                      \
            .n = 2,                                                                                          \
            .h = (h_),                                                                                       \
            .w = (h_),                                                                                       \
            .c = (c_),                                                                                       \
            .k = (k_),                                                                                       \
            .r = (r_),                                                                                       \
            .s = (r_),                                                                                       \
            .stride = (stride_),                                                                             \
            .pad = (r_) / 2,                                                                                 \
            .p = ((h_)-1) / (stride_) + 1,                                                                   \
            .q = ((h_)-1) / (stride_) + 1,                                                                   \
        }                                                                                                    \
    }

/* Small ones, which are run. */
static const rncl_op_desc operations[] = {
    CONV(9, 16, 32, 3, 1),
    CONV(9, 16, 32, 3, 2),
    {.kind = RNCL_OP_batchnorm, .batchnorm = {.n = 3, .h = 6, .w = 5, .c = 24, .relu = 1}},
    {.kind = RNCL_OP_batchnorm,
     .batchnorm = {.n = 2, .h = 7, .w = 7, .c = 16, .relu = 1, .residual = RNCL_RESIDUAL_ADD}},
    {.kind = RNCL_OP_batchnorm,
     .batchnorm = {.n = 2,
                   .h = 4,
                   .w = 4,
                   .c = 32,
                   .relu = 1,
                   .residual = RNCL_RESIDUAL_PAD,
                   .residual_h = 8,
                   .residual_w = 7,
                   .residual_c = 16,
                   .residual_stride = 2}},
    {.kind = RNCL_OP_maxpool,
     .maxpool = {.n = 2, .h = 12, .w = 12, .c = 16, .size = 3, .stride = 2, .pad = 1, .p = 6, .q = 6}},
    {.kind = RNCL_OP_softmax, .softmax = {.n = 13, .k = 10}},
    {.kind = RNCL_OP_sgd, .sgd = {.n = 5000}},
    {.kind = RNCL_OP_avgpool, .avgpool = {.n = 3, .h = 7, .w = 7, .c = 48}},
};

/* Large ones, at the limits of local memory and registers. */
static const rncl_op_desc large[] = {
    CONV(224, 3, 64, 7, 2),   CONV(56, 64, 256, 1, 1),  CONV(56, 128, 128, 3, 2), CONV(28, 256, 256, 3, 2),
    CONV(14, 512, 512, 3, 2), CONV(32, 512, 512, 3, 1), CONV(112, 64, 64, 3, 1),  CONV(128, 512, 512, 3, 1),
};

static bool has_pass(const rncl_op_desc *desc, int pass)
{
    return rncl_op_type_of(desc->kind)->passes[pass].name;
}

static void keys_name_problems(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(operations); i++)
        for (int pass = 0; pass < RNCL_OP_PASSES; pass++) {
            const rncl_problem problem = {.desc = operations[i], .pass = pass};
            rncl_problem parsed;
            char key[RNCL_PROBLEM_KEY];
            if (!has_pass(&operations[i], pass))
                continue;
            rncl_problem_key(&problem, key);
            assert_true(rncl_problem_parse(key, &parsed));
            assert_true(rncl_problem_equal(&problem, &parsed));
            key[strlen(key) - 1] = 'x';
            assert_false(rncl_problem_parse(key, &parsed));
        }
}

/* The presets must be a valid setting, since the tuner starts from them. */
static void expect_presets_to_be_settings(const rncl_op_desc *desc)
{
    for (int pass = 0; pass < RNCL_OP_PASSES; pass++) {
        rncl_pass t = {.context = context, .desc = *desc, .index = pass};
        if (!has_pass(desc, pass))
            continue;
        for (size_t row = 0; row < rncl_pass_rows(&t); row++) {
            if (!rncl_pass_take_row(&t, row))
                continue;
            const rncl_setting setting = rncl_pass_setting(&t);
            if (!rncl_pass_take(&t, &setting))
                fail_msg("pass %d by %s", pass, setting.algorithm);
            assert_ptr_equal(t.row, rncl_pass_type_of(&t)->rows[row]);
        }
    }
}

static void presets_are_settings(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(operations); i++)
        expect_presets_to_be_settings(&operations[i]);
    for (size_t i = 0; i < COUNT(large); i++)
        expect_presets_to_be_settings(&large[i]);
}

/* Spoils the last value, which a wrong check would miss most easily. */
static void spoil(void *user, const rncl_setting *setting, float *values, size_t count)
{
    const bool *spoils = user;
    (void)setting;
    if (*spoils)
        values[count - 1] += 1.0f;
}

static void expect_trials_to_tell_right_from_wrong(const rncl_problem *problem)
{
    bool spoils = false;
    const rncl_trial_hook hook = {.result = spoil, .user = &spoils};
    rncl_trial *trial;
    uint64_t time_ns;
    rncl_random random = rncl_random_stream(1, RNCL_RANDOM_TEST, 0, 0);
    rncl_pass t = rncl_problem_pass(context, problem);
    if (rncl_trial_create(context, problem, &hook, &trial))
        fail_msg("%s", rncl_status_message());
    assert_true(rncl_pass_take_default(&t));
    for (int draw = 0; draw < 3; draw++) {
        assert_true(rncl_pass_draw(&t, &random));
        const rncl_setting setting = rncl_pass_setting(&t);
        spoils = false;
        assert_int_equal(rncl_trial_run(trial, &setting, 1, &time_ns), RNCL_OK);
        spoils = true;
        assert_int_equal(rncl_trial_run(trial, &setting, 1, &time_ns), RNCL_ERR_WRONG_RESULT);
    }
    rncl_trial_destroy(trial);
}

static void trials_tell_right_from_wrong(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(operations); i++)
        for (int pass = 0; pass < RNCL_OP_PASSES; pass++)
            if (has_pass(&operations[i], pass))
                expect_trials_to_tell_right_from_wrong(&(rncl_problem){.desc = operations[i], .pass = pass});
}

static void trials_of_bfloat16_tell_right_from_wrong(void **state)
{
    const rncl_precision before = context->precision;
    rncl_precision_request(context, RNCL_PRECISION_BF16_TENSORS);
    if (context->precision != RNCL_PRECISION_BF16_TENSORS) {
        rncl_precision_request(context, before);
        skip();
    }
    trials_tell_right_from_wrong(state);
    rncl_precision_request(context, before);
}

static int set_up(void **state)
{
    return make_folder(state) || open_context() != RNCL_OK;
}

static int tear_down(void **state)
{
    rncl_context_destroy(context);
    return remove_folder(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_name_problems),
        cmocka_unit_test(presets_are_settings),
        cmocka_unit_test(trials_tell_right_from_wrong),
        cmocka_unit_test(trials_of_bfloat16_tell_right_from_wrong),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
