/* Presets, on invented devices: each must be a valid combination for the tuner, since a stored setting
 * that equals it could otherwise not be used. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "context.h"
#include "op.h"
#include "util.h"

static rncl_context device_of(rncl_device_type type, unsigned vector_width, unsigned compute_units,
                              uint64_t local_memory)
{
    rncl_context context = {
        .info =
            {
                .name = "imagined",
                .type = type,
                .vector_width = vector_width,
                .compute_units = compute_units,
                .local_memory = local_memory,
                .max_work_group_size = 256,
                .max_work_items = {256, 256, 64},
                .address_alignment = 128,
                .global_memory = (uint64_t)1 << 32,
                .max_allocation = (uint64_t)1 << 30,
            },
    };
    context.device_class = rncl_device_class_of(&context.info);
    context.traits = rncl_device_traits_of(&context.info);
    return context;
}

static const rncl_conv_shape shapes[] = {
    {.h = 224, .w = 224, .c = 3, .k = 64, .r = 7, .s = 7, .stride = 2, .pad = 3},
    {.h = 56, .w = 56, .c = 64, .k = 256, .r = 1, .s = 1, .stride = 1},
    {.h = 56, .w = 56, .c = 256, .k = 512, .r = 1, .s = 1, .stride = 2},
    {.h = 32, .w = 32, .c = 16, .k = 16, .r = 3, .s = 3, .stride = 1, .pad = 1},
    {.h = 28, .w = 28, .c = 128, .k = 256, .r = 3, .s = 3, .stride = 2, .pad = 1},
    {.h = 14, .w = 14, .c = 256, .k = 256, .r = 3, .s = 3, .stride = 1, .pad = 1},
    {.h = 7, .w = 7, .c = 512, .k = 512, .r = 3, .s = 3, .stride = 1, .pad = 1},
    {.h = 4, .w = 4, .c = 256, .k = 512, .r = 3, .s = 3, .stride = 2, .pad = 1},
    {.h = 2, .w = 2, .c = 512, .k = 512, .r = 3, .s = 3, .stride = 1, .pad = 1},
    {.h = 7, .w = 7, .c = 2048, .k = 512, .r = 1, .s = 1, .stride = 1},
    {.h = 1, .w = 1, .c = 2048, .k = 1000, .r = 1, .s = 1, .stride = 1}, /* the last layer */
    {.h = 9, .w = 5, .c = 6, .k = 10, .r = 3, .s = 3, .stride = 1, .pad = 1},
};

/* Checks the presets of every algorithm and pass of a convolution. */
static void look_at_presets(const rncl_context *context, const rncl_conv_shape *shape)
{
    for (int index = 0; index < RNCL_OP_PASSES; index++) {
        rncl_pass pass = {.context = (rncl_context *)context,
                          .desc = {.kind = RNCL_OP_conv, .conv = *shape},
                          .index = index};
        for (size_t row = 0; row < rncl_pass_rows(&pass); row++)
            if (rncl_pass_take_row(&pass, row) && !rncl_pass_allows(&pass))
                fail_msg("%s of pass %d, n%d h%d c%d k%d r%d stride%d, vectors of %u, %u units, %zu KiB",
                         pass.row->name, index, shape->n, shape->h, shape->c, shape->k, shape->r,
                         shape->stride, context->info.vector_width, context->info.compute_units,
                         (size_t)context->info.local_memory >> 10);
    }
}

/* Batch normalisation and softmax of the sizes that follow the convolutions. */
static void look_at_other_presets(const rncl_context *context, const rncl_conv_shape *shape)
{
    const rncl_op_desc descs[] = {
        {.kind = RNCL_OP_batchnorm, .batchnorm = {shape->n, shape->p, shape->q, shape->k, .relu = 1}},
        {.kind = RNCL_OP_softmax, .softmax = {shape->n, shape->k}},
    };
    for (size_t i = 0; i < COUNT(descs); i++) {
        rncl_pass pass = {.context = (rncl_context *)context, .desc = descs[i]};
        if (rncl_pass_take_row(&pass, 0) && !rncl_pass_allows(&pass))
            fail_msg("%s, n%d h%d k%d, vectors of %u, %u units, groups of %zu",
                     rncl_pass_type_of(&pass)->name, shape->n, shape->p, shape->k, context->info.vector_width,
                     context->info.compute_units, context->info.max_work_group_size);
    }
}

static void look_at_shapes(const rncl_context *context)
{
    for (size_t i = 0; i < COUNT(shapes); i++)
        for (int n = 1; n <= 33; n++) {
            rncl_conv_shape shape = shapes[i];
            shape.n = n;
            shape.p = rncl_window_output(shape.h, shape.r, shape.stride, shape.pad);
            shape.q = rncl_window_output(shape.w, shape.s, shape.stride, shape.pad);
            look_at_presets(context, &shape);
            look_at_other_presets(context, &shape);
        }
}

static void presets_of_cpus_are_allowed(void **state)
{
    (void)state;
    static const unsigned widths[] = {4, 8, 16}, units[] = {1, 2, 17, 64};
    static const uint64_t memories[] = {32 << 10, 64 << 10, 1 << 20};
    for (size_t w = 0; w < COUNT(widths); w++)
        for (size_t u = 0; u < COUNT(units); u++)
            for (size_t m = 0; m < COUNT(memories); m++) {
                const rncl_context context = device_of(RNCL_DEVICE_CPU, widths[w], units[u], memories[m]);
                look_at_shapes(&context);
            }
}

static void presets_of_gpus_are_allowed(void **state)
{
    (void)state;
    static const unsigned units[] = {1, 40, 512};
    static const uint64_t memories[] = {16 << 10, 32 << 10, 64 << 10};
    for (rncl_gpu_family family = 0; family < RNCL_GPU_FAMILIES; family++)
        for (size_t i = 0; i < COUNT(units); i++)
            for (size_t m = 0; m < COUNT(memories); m++) {
                rncl_context context = device_of(RNCL_DEVICE_GPU, 1, units[i], memories[m]);
                context.gpu.family = family;
                context.matrix.known = true;
                look_at_shapes(&context);
            }
}

static void presets_of_small_work_groups_are_allowed(void **state)
{
    (void)state;
    for (rncl_gpu_family family = 0; family < RNCL_GPU_FAMILIES; family++) {
        rncl_context context = device_of(RNCL_DEVICE_GPU, 1, 4, 16 << 10);
        context.info.max_work_group_size = 64;
        context.gpu = (rncl_gpu){.family = family, .sub_group = 8, .sub_group_sizes = 8 | 16 | 32};
        context.matrix.known = true;
        look_at_shapes(&context);
    }
}

/* The least that OpenCL's embedded profile asks for: no tile fits. */
static void presets_of_little_local_memory_are_allowed(void **state)
{
    (void)state;
    for (rncl_gpu_family family = 0; family < RNCL_GPU_FAMILIES; family++) {
        rncl_context context = device_of(RNCL_DEVICE_GPU, 1, 4, 1 << 10);
        context.gpu.family = family;
        context.matrix.known = true;
        look_at_shapes(&context);
    }
}

static void presets_without_vectors_are_allowed(void **state)
{
    (void)state;
    const rncl_context context = device_of(RNCL_DEVICE_CPU, 1, 8, 32 << 10);
    look_at_shapes(&context);
}

/* A GPU on which the unit works, as the probe would have found. */
static bool is_of_cpus(const rncl_matrix_unit *unit)
{
    return unit->rounds_to == RNCL_PRECISION_BF16_TENSORS;
}

static rncl_context gpu_with_unit(const rncl_matrix_unit *unit, uint64_t local_memory)
{
    rncl_context context = device_of(RNCL_DEVICE_GPU, 1, 40, local_memory);
    context.precision = unit->rounds_to;
    context.matrix = (rncl_matrix_state){.known = true, .unit = unit};
    return context;
}

static void presets_of_matrix_units_are_allowed(void **state)
{
    (void)state;
    const rncl_matrix_unit *unit;
    for (int i = 0; (unit = rncl_matrix_unit_at(i)); i++) {
        if (is_of_cpus(unit))
            continue;
        rncl_context small = gpu_with_unit(unit, 16 << 10), large = gpu_with_unit(unit, 64 << 10);
        look_at_shapes(&small);
        look_at_shapes(&large);
        if (!rncl_matrix_unit_serves(unit, RNCL_PRECISION_BF16_TENSORS))
            continue;
        small.precision = large.precision = RNCL_PRECISION_BF16_TENSORS;
        look_at_shapes(&small);
        look_at_shapes(&large);
    }
}

static rncl_pass default_of(const rncl_context *context, const rncl_conv_shape *shape, int n, int index)
{
    rncl_pass pass = {
        .context = (rncl_context *)context, .desc = {.kind = RNCL_OP_conv, .conv = *shape}, .index = index};
    rncl_conv_shape *c = &pass.desc.conv;
    c->n = n;
    c->p = rncl_window_output(c->h, c->r, c->stride, c->pad);
    c->q = rncl_window_output(c->w, c->s, c->stride, c->pad);
    assert_true(rncl_pass_take_default(&pass));
    return pass;
}

static int value_of(const rncl_pass *pass, const char *knob)
{
    int i = 0;
    while (strcmp(pass->knobs.knobs[i].is.name, knob) != 0)
        assert_true(++i < pass->knobs.count);
    return pass->values[i];
}

/* The smallest tile, which anything can run, has two fragments. */
static void matrix_units_are_the_default_with_large_tiles(void **state)
{
    (void)state;
    const rncl_matrix_unit *unit;
    for (int i = 0; (unit = rncl_matrix_unit_at(i)); i++)
        for (size_t s = 0; !is_of_cpus(unit) && s < COUNT(shapes); s++)
            for (int index = 0; index < RNCL_OP_PASSES; index++) {
                const rncl_context context = gpu_with_unit(unit, 64 << 10);
                const rncl_pass pass = default_of(&context, &shapes[s], 32, index);
                const int fragments = value_of(&pass, "sr") * value_of(&pass, "sc") * value_of(&pass, "fr") *
                                      value_of(&pass, "fc");
                if (fragments < 16)
                    fail_msg("%s, pass %d, c%d k%d: a tile of %d fragments", unit->name, index, shapes[s].c,
                             shapes[s].k, fragments);
            }
}

/* Where fewer multiplications outweigh the transforms: not where products are quick, since operands are
 * rounded once. */
static void matrix_units_take_winograd_s_method_for_many_channels(void **state)
{
    (void)state;
    static const struct {
        rncl_conv_shape shape;
        bool pays;
    } cases[] = {
        {{.h = 56, .w = 56, .c = 64, .k = 64, .r = 3, .s = 3, .stride = 1, .pad = 1}, false},
        {{.h = 28, .w = 28, .c = 128, .k = 128, .r = 3, .s = 3, .stride = 1, .pad = 1}, true},
        {{.h = 14, .w = 14, .c = 256, .k = 256, .r = 3, .s = 3, .stride = 1, .pad = 1}, true},
        {{.h = 7, .w = 7, .c = 512, .k = 512, .r = 3, .s = 3, .stride = 1, .pad = 1}, true},
        {{.h = 14, .w = 14, .c = 512, .k = 512, .r = 3, .s = 3, .stride = 2, .pad = 1}, false},
    };
    const rncl_matrix_unit *unit;
    for (int i = 0; (unit = rncl_matrix_unit_at(i)); i++)
        for (size_t s = 0; !is_of_cpus(unit) && s < COUNT(cases); s++)
            for (int index = 0; index < RNCL_OP_PASSES; index++)
                for (rncl_precision precision = RNCL_PRECISION_FP32; precision <= RNCL_PRECISION_BF16;
                     precision++) {
                    rncl_context context = gpu_with_unit(unit, 64 << 10);
                    context.precision = precision;
                    const bool pays =
                        cases[s].pays && unit->rounds_to != RNCL_PRECISION_BF16 &&
                        (unit->rounds_to == RNCL_PRECISION_FP32 || precision == RNCL_PRECISION_FP32);
                    const rncl_pass pass = default_of(&context, &cases[s].shape, 64, index);
                    assert_string_equal(pass.row->name, pays ? "mma_winograd" : "mma");
                }
}

/* What CPUs with AVX-512 do by default with square images, one algorithm for each pass. */
typedef struct cpu_default {
    rncl_conv_shape shape; /* p and q follow */
    const char *algorithms[RNCL_OP_PASSES];
} cpu_default;

#define SQUARE(N, SIZE, C, K, R, STRIDE)                                                                     \
    {                                                                                                        \
        .n = (N), .h = (SIZE), .w = (SIZE), .c = (C), .k = (K), .r = (R), .s = (R), .stride = (STRIDE),      \
        .pad = (R) / 2                                                                                       \
    }

static const cpu_default cpu_defaults[] = {
    {SQUARE(8, 2, 512, 512, 3, 1), {"batched", "batched", "batched"}},
    {SQUARE(64, 2, 512, 512, 3, 1), {"batched", "batched", "batched"}},
    {SQUARE(8, 4, 256, 512, 3, 2), {"batched", "batched", "batched"}},
    {SQUARE(8, 4, 256, 256, 3, 1), {"batched", "batched", "batched"}},
    {SQUARE(16, 4, 256, 256, 3, 1), {"winograd", "winograd", "winograd"}},
    {SQUARE(8, 4, 256, 512, 1, 2), {"batched", "batched", "batched"}},
    {SQUARE(16, 2, 2048, 512, 1, 1), {"batched", "batched", "direct"}},
    {SQUARE(2, 2, 512, 512, 3, 1), {"direct", "direct", "direct"}},
    {SQUARE(8, 7, 2048, 512, 1, 1), {"direct", "direct", "direct"}},
    {SQUARE(8, 7, 512, 512, 3, 1), {"winograd", "winograd", "winograd"}},
    {SQUARE(1, 14, 256, 256, 3, 1), {"direct", "direct", "winograd"}},
    {SQUARE(1, 7, 512, 512, 3, 1), {"direct", "direct", "winograd"}},
};

static void cpus_convolve_small_images_by_the_batch(void **state)
{
    (void)state;
    rncl_context context = device_of(RNCL_DEVICE_CPU, 16, 2, 512 << 10);
    for (size_t i = 0; i < COUNT(cpu_defaults); i++)
        for (int index = 0; index < RNCL_OP_PASSES; index++) {
            rncl_pass pass = {.context = &context,
                              .desc = {.kind = RNCL_OP_conv, .conv = cpu_defaults[i].shape},
                              .index = index};
            rncl_conv_shape *c = &pass.desc.conv;
            c->p = rncl_window_output(c->h, c->r, c->stride, c->pad);
            c->q = rncl_window_output(c->w, c->s, c->stride, c->pad);
            assert_true(rncl_pass_take_default(&pass));
            if (strcmp(pass.row->name, cpu_defaults[i].algorithms[index]) != 0)
                fail_msg("pass %d, n%d h%d c%d k%d r%d stride%d: %s, not %s", index, c->n, c->h, c->c, c->k,
                         c->r, c->stride, pass.row->name, cpu_defaults[i].algorithms[index]);
        }
}

static void an_evaluation_transforms_filters_once(void **state)
{
    (void)state;
    rncl_context context = device_of(RNCL_DEVICE_CPU, 16, 2, 512 << 10);
    const rncl_conv_shape shape = SQUARE(1, 14, 256, 256, 3, 1);
    rncl_pass pass = default_of(&context, &shape, shape.n, RNCL_CONV_FORWARD);
    assert_string_equal(pass.row->name, "direct");
    pass.choice.left_out = ~RNCL_PASS_BIT(RNCL_CONV_FORWARD);
    assert_true(rncl_pass_take_default(&pass));
    assert_string_equal(pass.row->name, "winograd");
}

/* Two cores that take 8 blocks of 24 tiles each would take 3 of 64. */
static void a_setting_of_another_batch_does_not_divide_this_one(void **state)
{
    (void)state;
    rncl_context context = device_of(RNCL_DEVICE_CPU, 16, 2, 512 << 10);
    const rncl_conv_shape shape = SQUARE(12, 14, 256, 256, 3, 1);
    rncl_pass pass = default_of(&context, &shape, shape.n, RNCL_CONV_FORWARD);
    const int tiles = value_of(&pass, "tiles"), packed = value_of(&pass, "packed");
    rncl_setting setting = {
        .algorithm = "winograd", .count = 3, .knobs = {{"kv", 1}, {"tiles", 64}, {"packed", !packed}}};
    assert_int_not_equal(tiles, 64);
    assert_true(rncl_pass_take(&pass, &setting));
    assert_int_equal(value_of(&pass, "tiles"), 64);
    setting.other_batch = true;
    assert_true(rncl_pass_take(&pass, &setting));
    assert_int_equal(value_of(&pass, "kv"), 1);
    assert_int_equal(value_of(&pass, "tiles"), tiles);
    assert_int_equal(value_of(&pass, "packed"), packed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(presets_of_cpus_are_allowed),
        cmocka_unit_test(presets_of_gpus_are_allowed),
        cmocka_unit_test(presets_of_small_work_groups_are_allowed),
        cmocka_unit_test(presets_of_little_local_memory_are_allowed),
        cmocka_unit_test(presets_without_vectors_are_allowed),
        cmocka_unit_test(presets_of_matrix_units_are_allowed),
        cmocka_unit_test(matrix_units_are_the_default_with_large_tiles),
        cmocka_unit_test(matrix_units_take_winograd_s_method_for_many_channels),
        cmocka_unit_test(cpus_convolve_small_images_by_the_batch),
        cmocka_unit_test(an_evaluation_transforms_filters_once),
        cmocka_unit_test(a_setting_of_another_batch_does_not_divide_this_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
