/* Convolution in tiles, with settings that its presets do not have on the device at hand: shares of the
 * depth, tiles of every kind, and the tiles of each family of GPUs. RNCL_TEST_DEVICE as in test_check.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "binaries.h"
#include "check_trial.h"
#include "depth_shares.h"
#include "tile_presets.h"
#include "util.h"

#define ALGORITHM "tiled"

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

/* Batch, height, width, channels, filter rows and columns, outputs, stride, padding. */
#define SHAPE(N, H, W, C, R, S, K, STRIDE, PAD)                                                              \
    {                                                                                                        \
        N, H, W, C, K, R, S, STRIDE, PAD, ((H) + 2 * (PAD) - (R)) / (STRIDE) + 1,                            \
            ((W) + 2 * (PAD) - (S)) / (STRIDE) + 1                                                           \
    }

static void expect_right(void *user, const rncl_check_result *result)
{
    int *results = user;
    ++*results;
    if (!result->ok)
        fail_msg("%s: error %.3g, tolerance %.3g", result->name, result->error, result->tolerance);
}

static const rncl_setting *look_up(void *state, const rncl_op_desc *desc, int pass)
{
    (void)desc, (void)pass;
    return state;
}

/* Each pass by itself takes the setting, or with none its presets. Exact integers, and sums into what is
 * there.
 */
static void assert_right(const rncl_setting *setting, const rncl_conv_shape *shape)
{
    static const check_variant variants[] = {
        {.name = "integers", .integers = true},
        {.name = "normal, accumulated", .flags = RNCL_OP_ACCUMULATE_DX | RNCL_OP_ACCUMULATE_PARAMS},
    };
    const rncl_tuned tuned = {.lookup = setting ? look_up : NULL, .state = (void *)(uintptr_t)setting};
    for (int index = 0; index < RNCL_OP_PASSES; index++) {
        rncl_pass pass = {.context = context,
                          .desc = {.kind = RNCL_OP_conv, .conv = *shape},
                          .index = index,
                          .choice = {.algorithm = ALGORITHM, .tuned = tuned}};
        assert_int_equal(rncl_pass_plan(&pass), RNCL_OK);
        assert_string_equal(pass.row->name, ALGORITHM);
        assert_true(pass.tuned == (setting != NULL));
        rncl_pass_fini(&pass);
    }
    for (size_t i = 0; i < COUNT(variants); i++) {
        int results = 0;
        check_trial trial = {
            .context = context,
            .c.desc = {.kind = RNCL_OP_conv, .conv = *shape},
            .variant = &variants[i],
            .algorithm = ALGORITHM,
            .tuned = tuned,
            .random = rncl_random_stream(1, RNCL_RANDOM_TEST, 0, (uint32_t)i),
        };
        if (check_trial_run(&trial, expect_right, &results))
            fail_msg("%s", rncl_status_message());
        assert_true(results >= RNCL_OP_PASSES); /* and statistics, where they are written */
    }
}

static void all_filters_strides_and_paddings_are_right(void **state)
{
    (void)state;
    static const rncl_conv_shape shapes[] = {
        SHAPE(2, 7, 6, 4, 1, 1, 8, 1, 0),   SHAPE(2, 7, 6, 4, 1, 1, 8, 3, 1),
        SHAPE(1, 8, 9, 4, 2, 2, 8, 2, 0),   SHAPE(2, 6, 9, 4, 3, 3, 36, 1, 1),
        SHAPE(3, 9, 7, 12, 3, 3, 8, 2, 1),  SHAPE(1, 9, 9, 4, 5, 3, 8, 3, 2),
        SHAPE(1, 9, 8, 3, 7, 7, 5, 2, 3),   SHAPE(1, 5, 5, 1, 3, 3, 1, 1, 1),
        SHAPE(5, 1, 1, 40, 1, 1, 10, 1, 0),
    };
    for (size_t i = 0; i < COUNT(shapes); i++)
        assert_right(NULL, &shapes[i]);
}

static const rncl_setting settings[] = {
    {.algorithm = ALGORITHM, .count = 1, .knobs = {{"split", 4}}},
    {.algorithm = ALGORITHM,
     .count = 4,
     .knobs = {{"split", 16}, {"left", 1}, {"right", 1}, {"unroll", 1}}}, /* more shares than depth */
    {.algorithm = ALGORITHM, .count = 4, .knobs = {{"tm", 16}, {"tn", 64}, {"tk", 16}, {"unroll", 16}}},
    {.algorithm = ALGORITHM,
     .count = 6,
     .knobs = {{"tm", 64}, {"tn", 16}, {"rm", 8}, {"tk", 4}, {"unroll", 4}, {"split", 2}}},
    {.algorithm = ALGORITHM, .count = 3, .knobs = {{"tm", 32}, {"rn", 8}, {"tk", 32}}},
};

static void tiles_of_other_sizes_are_right(void **state)
{
    static const rncl_conv_shape shape = SHAPE(2, 7, 9, 8, 3, 3, 20, 2, 1);
    assert_right(*state, &shape);
}

/* As a GPU of the family has them. */
static void presets_of_a_family_are_right(void **state)
{
    static const rncl_conv_shape shapes[] = {SHAPE(2, 10, 9, 8, 3, 3, 68, 2, 1),
                                             SHAPE(2, 6, 5, 3, 3, 3, 7, 1, 1)};
    const rncl_gpu_family *family = *state;
    const rncl_device_class own_class = context->device_class;
    const rncl_gpu own = context->gpu;
    context->device_class = RNCL_CLASS_GPU;
    context->gpu = (rncl_gpu){.family = *family};
    for (size_t i = 0; i < COUNT(shapes); i++)
        assert_right(NULL, &shapes[i]);
    context->device_class = own_class;
    context->gpu = own;
}

static void devices_that_emulate_local_memory_do_without(void **state)
{
    (void)state;
    static const tile_sizes sizes = {
        .rows = 64, .columns = 64, .depth = 64, .left_along = 4, .right_along = 4};
    const rncl_gpu own = context->gpu;
    int split;
    context->gpu = (rncl_gpu){.family = RNCL_GPU_OTHER};
    assert_int_equal(tile_preset(context, &sizes, 1, false, &split).local, 1);
    context->gpu.emulates_local_memory = true;
    assert_int_equal(tile_preset(context, &sizes, 1, false, &split).local, 0);
    context->gpu.family = RNCL_GPU_NVIDIA;
    assert_int_equal(tile_preset(context, &sizes, 1, false, &split).local, 1);
    context->gpu = own;
}

static void tensors_of_more_than_two_billion_floats_are_left_to_others(void **state)
{
    (void)state;
    rncl_pass pass = {.context = context,
                      .desc = {.kind = RNCL_OP_conv, .conv = SHAPE(1000, 112, 112, 64, 1, 1, 64, 1, 0)}};
    bool exact;
    assert_true(rncl_pass_supports(&pass, ALGORITHM, &exact));
    pass.desc.conv.n = 2700;
    assert_false(rncl_pass_supports(&pass, ALGORITHM, &exact));
}

/* The preset of a large GPU for [rows][depth] * [depth][columns], and its shares of the depth. */
static tile_parameters preset_of(int rows, int columns, int depth, bool whole, int *split)
{
    const rncl_context large = {.gpu = {.family = RNCL_GPU_NVIDIA},
                                .info = {.compute_units = 132,
                                         .max_work_group_size = 1024,
                                         .max_work_items = {1024, 1024, 64},
                                         .local_memory = 48 << 10},
                                .traits.long_loops = true};
    const tile_sizes sizes = {
        .rows = rows, .columns = columns, .depth = depth, .left_along = 4, .right_along = 4};
    return tile_preset(&large, &sizes, 1, whole, split);
}

static void the_depth_is_split_where_work_groups_are_few(void **state)
{
    (void)state;
    int split;
    preset_of(128, 128, 1 << 16, false, &split);
    assert_true(split > 64);
    preset_of(1 << 16, 512, 1 << 12, false, &split);
    assert_int_equal(split, 1);
    preset_of(128, 128, 64, false, &split);
    assert_int_equal(split, 1);
    preset_of(128, 128, 1 << 16, true, &split);
    assert_int_equal(split, 1);
}

/* 400 work-groups of 128 rows would take four turns, the last one of 4. */
static void tiles_have_fewer_rows_where_whole_ones_leave_a_turn_nearly_empty(void **state)
{
    (void)state;
    int split;
    assert_int_equal(preset_of(25 * 128, 16 * 128, 512, false, &split).tm, 64);
    assert_int_equal(split, 1);
    assert_int_equal(preset_of(33 * 128, 16 * 128, 512, false, &split).tm, 128);
    assert_int_equal(split, 1);
}

/* 9 work-groups: 43 shares make 387, three turns of 132. 48 would take four, and 29 fill two turns, in which
 * compute units wait more. */
static void shares_fill_turns(void **state)
{
    (void)state;
    const rncl_context large = {.info.compute_units = 132, .traits.long_loops = true};
    const depth_problem problem = {
        .groups = 9, .depth = 50176, .least_depth = 64, .most = 128, .operations_a_byte = 20};
    assert_int_equal(depth_shares_best(&large, &problem), 43);
    assert_true(depth_shares_time(&large, &problem, 43) < depth_shares_time(&large, &problem, 48));
    assert_true(depth_shares_time(&large, &problem, 43) < depth_shares_time(&large, &problem, 29));
}

/* A device that stops long launches gets shares however little they save. */
static void long_loops_are_split(void **state)
{
    (void)state;
    const rncl_context device = {.info.compute_units = 1};
    const depth_problem problem = {
        .groups = 100, .depth = 1 << 18, .least_depth = 64, .most = 128, .operations_a_byte = 20};
    assert_int_equal(depth_shares_best(&device, &problem), 8);
}

#define SETTING(what, index)                                                                                 \
    {                                                                                                        \
        "tiles of other sizes are right: " what, tiles_of_other_sizes_are_right, NULL, NULL,                 \
            (void *)(uintptr_t)&settings[index]                                                              \
    }
#define FAMILY(what, family)                                                                                 \
    {                                                                                                        \
        "presets are right: " what, presets_of_a_family_are_right, NULL, NULL, &(family)                     \
    }

int main(void)
{
    rncl_gpu_family large = RNCL_GPU_NVIDIA, medium = RNCL_GPU_XE_LP, no_local_memory = RNCL_GPU_MALI;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_filters_strides_and_paddings_are_right),
        SETTING("shares", 0),
        SETTING("empty shares", 1),
        SETTING("wide", 2),
        SETTING("tall", 3),
        SETTING("deep", 4),
        FAMILY("NVIDIA, AMD and Intel's Arc", large),
        FAMILY("Intel's graphics and Apple", medium),
        FAMILY("Mali and Adreno", no_local_memory),
        cmocka_unit_test(devices_that_emulate_local_memory_do_without),
        cmocka_unit_test(tensors_of_more_than_two_billion_floats_are_left_to_others),
        cmocka_unit_test(the_depth_is_split_where_work_groups_are_few),
        cmocka_unit_test(tiles_have_fewer_rows_where_whole_ones_leave_a_turn_nearly_empty),
        cmocka_unit_test(shares_fill_turns),
        cmocka_unit_test(long_loops_are_split),
    };
    return cmocka_run_group_tests(tests, open_device, close_device);
}
