/* Winograd's convolution in separate stages, with settings that its presets do not use for small images:
 * groups of images, other tiles, wide vectors, shares of the filter gradient. Also tests when it is the
 * default on GPUs. RNCL_TEST_DEVICE as in test_check.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "binaries.h"
#include "check_trial.h"
#include "util.h"

#define ALGORITHM "staged_winograd"

static rncl_device_list *devices;
static rncl_context *context;

static int open_device(void **state)
{
    (void)state;
    const rncl_device *device;
    keep_no_binaries();
    if (rncl_device_list_create(NULL, &devices) ||
        rncl_device_choose(devices, getenv("RNCL_TEST_DEVICE"), &device) ||
        rncl_context_create(device, NULL, &context)) {
        print_error("%s\n", rncl_status_message());
        return -1;
    }
    return 0;
}

static int close_device(void **state)
{
    (void)state;
    rncl_context_destroy(context);
    rncl_device_list_destroy(devices);
    return 0;
}

static rncl_conv_shape convolution(int n, int size, int c, int k)
{
    return (rncl_conv_shape){.n = n,
                             .h = size,
                             .w = size,
                             .c = c,
                             .k = k,
                             .r = 3,
                             .s = 3,
                             .stride = 1,
                             .pad = 1,
                             .p = size,
                             .q = size};
}

/* The settings of forward pass and input gradient, and those of the filter gradient. */
typedef struct settings {
    rncl_setting images, filter;
    rncl_conv_shape shape;
    int asked;
} settings;

static const rncl_setting *look_up(void *state, const rncl_op_desc *desc, int pass)
{
    (void)desc;
    settings *s = state;
    s->asked++;
    return pass == RNCL_CONV_BACKWARD_FILTER ? &s->filter : &s->images;
}

static void assert_possible(settings *s)
{
    const rncl_op_choice choice = {.tuned = {.lookup = look_up, .state = s}};
    for (int index = 0; index < RNCL_OP_PASSES; index++) {
        rncl_pass pass = {.context = context,
                          .desc = {.kind = RNCL_OP_conv, .conv = s->shape},
                          .index = index,
                          .choice = choice};
        assert_int_equal(rncl_pass_plan(&pass), RNCL_OK);
        assert_true(pass.tuned);
        rncl_pass_fini(&pass);
    }
}

static void expect_right(void *user, const rncl_check_result *result)
{
    int *results = user;
    ++*results;
    if (!result->ok)
        fail_msg("%s: error %.3g, tolerance %.3g", result->name, result->error, result->tolerance);
}

static void results_match_the_reference(void **state)
{
    settings *s = *state;
    int results = 0;
    assert_possible(s);
    s->asked = 0;
    const check_variant *variants[CHECK_VARIANTS];
    const size_t variant_count = check_variants_of(RNCL_OP_conv, variants);
    for (size_t i = 0; i < variant_count; i++) {
        check_trial trial = {
            .context = context,
            .c.desc = {.kind = RNCL_OP_conv, .conv = s->shape},
            .variant = variants[i],
            .algorithm = ALGORITHM,
            .tuned = {.lookup = look_up, .state = s},
            .random = rncl_random_stream(1, RNCL_RANDOM_TEST, 0, (uint32_t)i),
        };
        if (check_trial_run(&trial, expect_right, &results))
            fail_msg("%s", rncl_status_message());
    }
    assert_true(s->asked > 0 && results > 0);
}

static const char *default_for_gpus(rncl_conv_shape shape, bool exact_only)
{
    const rncl_device_class own = context->device_class;
    rncl_pass pass = {.context = context,
                      .desc = {.kind = RNCL_OP_conv, .conv = shape},
                      .choice = {.exact_only = exact_only}};
    context->device_class = RNCL_CLASS_GPU;
    const char *name = rncl_pass_plan(&pass) ? rncl_status_message() : pass.row->name;
    rncl_pass_fini(&pass);
    context->device_class = own;
    return name;
}

static void gpus_take_it_from_64_channels_on(void **state)
{
    (void)state;
    assert_string_equal(default_for_gpus(convolution(16, 56, 64, 64), false), ALGORITHM);
    assert_string_equal(default_for_gpus(convolution(16, 14, 256, 256), false), ALGORITHM);
}

static void gpus_do_not_take_it_where_the_stages_cost_more_than_they_save(void **state)
{
    (void)state;
    assert_string_equal(default_for_gpus(convolution(128, 32, 16, 16), false), "tiled");
    assert_string_equal(default_for_gpus(convolution(1, 7, 512, 512), false), "tiled");
}

static void gpus_do_not_take_it_if_only_exact_algorithms_are_wanted(void **state)
{
    (void)state;
    assert_string_equal(default_for_gpus(convolution(16, 56, 64, 64), true), "tiled");
}

static void an_image_whose_stages_are_too_large_is_left_to_others(void **state)
{
    (void)state;
    assert_string_equal(default_for_gpus(convolution(1, 512, 64, 64), false), "tiled");
}

#define RESULTS(what, settings)                                                                              \
    {                                                                                                        \
        .name = what, .test_func = results_match_the_reference, .initial_state = &(settings)                 \
    }

int main(void)
{
    settings groups = {.images = {ALGORITHM, 1, {{"images", 2}}}, .filter = {ALGORITHM, 1, {{"images", 1}}}};
    settings small_tiles = {.images = {ALGORITHM, 1, {{"m", 2}}}, .filter = {ALGORITHM, 1, {{"m", 2}}}};
    settings wide_vectors = {.images = {ALGORITHM, 2, {{"vw", 4}, {"left", 4}}},
                             .filter = {ALGORITHM, 2, {{"vw", 2}, {"right", 4}}}};
    settings large_tiles = {
        .images = {ALGORITHM, 5, {{"tm", 128}, {"tn", 64}, {"tk", 16}, {"rm", 8}, {"rn", 4}}},
        .filter = {ALGORITHM, 3, {{"split", 2}, {"tk", 8}, {"items", 128}}}};
    groups.shape = convolution(3, 9, 5, 7);
    small_tiles.shape = convolution(2, 7, 9, 3);
    wide_vectors.shape = convolution(2, 6, 20, 12);
    large_tiles.shape = convolution(3, 10, 21, 70);
    const struct CMUnitTest tests[] = {
        RESULTS("groups_of_images_match_the_reference", groups),
        RESULTS("tiles_of_two_by_two_match_the_reference", small_tiles),
        RESULTS("wide_vectors_match_the_reference", wide_vectors),
        RESULTS("large_tiles_and_shared_depth_match_the_reference", large_tiles),
        cmocka_unit_test(gpus_take_it_from_64_channels_on),
        cmocka_unit_test(gpus_do_not_take_it_where_the_stages_cost_more_than_they_save),
        cmocka_unit_test(gpus_do_not_take_it_if_only_exact_algorithms_are_wanted),
        cmocka_unit_test(an_image_whose_stages_are_too_large_is_left_to_others),
    };
    return cmocka_run_group_tests(tests, open_device, close_device);
}
