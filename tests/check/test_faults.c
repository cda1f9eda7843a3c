/* Tests the harness: it must find faults that are planted in kernels. Not run under Oclgrind, which would
 * report the faults too. */
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "binaries.h"
#include "check_trial.h"
#include "file.h"
#include "kernel_sources.h"
#include "util.h"

static rncl_device_list *devices;
static const rncl_device *device;

static int choose_device(void **state)
{
    (void)state;
    keep_no_binaries();
    if (rncl_device_list_create(NULL, &devices) ||
        rncl_device_choose(devices, getenv("RNCL_TEST_DEVICE"), &device)) {
        print_error("%s\n", rncl_status_message());
        return -1;
    }
    print_message("on %s (%s)\n", device->info.name, device->info.platform);
    return 0;
}

static int release_devices(void **state)
{
    (void)state;
    rncl_device_list_destroy(devices);
    return 0;
}

/* Runs the check in a new context, with the presets of GPUs if `as_gpu`. */
static rncl_status check(const rncl_check_options *options, bool as_gpu, rncl_check_summary *summary)
{
    rncl_context *context;
    *summary = (rncl_check_summary){0};
    RNCL_TRY(rncl_context_create(device, NULL, &context));
    if (as_gpu)
        context->device_class = RNCL_CLASS_GPU;
    rncl_status st = rncl_check_run(context, options, summary);
    rncl_context_destroy(context);
    return st;
}

/* A mistake in a kernel, and the words with which the harness should report it. */
typedef struct planted_fault {
    const char *operation, *file, *from, *to, *message;
} planted_fault;

static const planted_fault wrong_constant = {
    "batchnorm", "batchnorm.clh", "RNCL_BATCHNORM_MOMENTUM * (*mean", "0.11f * (*mean", "running_mean",
};
static const planted_fault write_past_the_end = {
    "avgpool",
    "avgpool.cl",
    "if (i >= shape.n * shape.c)",
    "if (i > shape.n * shape.c)",
    "y: memory outside it was written",
};
static const planted_fault write_before_the_start = {
    "avgpool",
    "avgpool.cl",
    "VSTORE(total / (float)pixels, y + i)",
    "VSTORE(total / (float)pixels, y + i); if (i == 0) y[-1] = 0.0f",
    "y: memory outside it was written",
};
static const planted_fault value_left_unwritten = {
    "maxpool",
    "maxpool.cl",
    "ESTORE(sum, dx + i)",
    "if (i) ESTORE(sum, dx + i)",
    "dx: holds values that are not numbers",
};
static const planted_fault ignored_accumulation = {
    "avgpool", "avgpool.cl", "accumulate ? ELOAD(dx + i) + value : value", "value", "dx",
};
static const planted_fault overwritten_input = {
    "sgd",
    "sgd.cl",
    "VSTORE(v, velocity + i);",
    "VSTORE(v, velocity + i); VSTORE(v, (__global float *)gradient + i);",
    "dweight: was changed by a pass that only reads it",
};
static const planted_fault overlooked_nan = {
    "unscale", "unscale.cl", "overflown += !isfinite(value);", "overflown += isinf(value);", "overflows",
};
static const planted_fault late_read_of_y = {
    "batchnorm",
    "batchnorm.clh",
    "RESIDUAL == RNCL_RESIDUAL_NONE ? FMA(*centred, *scale, VLOAD(bias)) : ELOAD(y + at)",
    "ELOAD(y + at)",
    ": d",
};
static const planted_fault last_maximum_instead_of_first = {
    "maxpool", "maxpool.cl", "isgreater(value, best)", "isgreaterequal(value, best)", "integers",
};

static const planted_fault partner_in_another_micro_batch = {
    "softmax", "softmax.cl", "labels[first + shape.n - 1 - n]", "labels[shape.n - 1 - n]", ": dx",
};

static const planted_fault tree_without_its_root = {
    "batchnorm", "batchnorm_tiled.cl", "apart > 0", "apart > 1", "batchnorm",
};
static const planted_fault rank_of_one_work_item = {
    "softmax", "softmax.cl", "facts[at].rank += facts[at + apart].rank;", "", "ranks",
};

/* No fault, but what GPUs need: vectors are loaded from whole multiples of their size. CPUs that are told so
 * have instructions that stop the program at other addresses. */
static const planted_fault aligned_vectors = {
    NULL,
    "common.clh",
    "typedef vfloat vfloat_in_memory __attribute__((aligned(4)));",
    "typedef vfloat vfloat_in_memory;",
    NULL,
};

/* `text` with the first `from` replaced; NULL if there is none. Caller frees. */
static char *replace(const char *text, const char *from, const char *to)
{
    const char *at = strstr(text, from);
    return at ? rncl_text_format("%.*s%s%s", (int)(at - text), text, to, at + strlen(from)) : NULL;
}

/* Writes a file and the folder that it is in. */
static void write_file(const char *path, const char *text)
{
    char *folder = strdup(path);
    assert_non_null(folder);
    *strrchr(folder, '/') = '\0';
    assert_int_equal(rncl_directory_create(folder), RNCL_OK);
    assert_int_equal(rncl_file_write(path, text, strlen(text)), RNCL_OK);
    free(folder);
}

/* Writes the kernels, with the fault, into `folder`. */
static void write_kernels(const char *folder, const planted_fault *fault)
{
    for (size_t i = 0; i < rncl_kernel_source_count; i++) {
        const rncl_kernel_source *source = &rncl_kernel_sources[i];
        bool faulty = !strcmp(source->name, fault->file);
        char *text = faulty ? replace(source->text, fault->from, fault->to) : strdup(source->text);
        char *path = rncl_path_join(folder, source->name);
        if (!text)
            fail_msg("%s no longer says \"%s\": plant another fault", fault->file, fault->from);
        assert_non_null(path);
        write_file(path, text);
        free(text);
        free(path);
    }
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *level)
{
    (void)status, (void)type, (void)level;
    return remove(path);
}

/* Broken kernels are built from a separate folder. */
typedef struct broken_kernels {
    char folder[32];
} broken_kernels;

static void use_broken_kernels(const planted_fault *fault, broken_kernels *broken)
{
    *broken = (broken_kernels){.folder = "/tmp/rncl-check-XXXXXX"};
    assert_non_null(mkdtemp(broken->folder));
    write_kernels(broken->folder, fault);
    setenv("RNCL_KERNELS", broken->folder, 1);
}

static void use_own_kernels(broken_kernels *broken)
{
    unsetenv("RNCL_KERNELS");
    nftw(broken->folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

static void find_fault(const planted_fault *fault, bool as_gpu)
{
    if (device->info.emulator)
        skip(); /* Oclgrind reports the fault itself */
    broken_kernels broken;
    use_broken_kernels(fault, &broken);
    rncl_check_summary summary;
    const rncl_check_options options = {
        .seed = 1, .shapes = 20, .work = 1000, .filter = fault->operation, .stop_at_first = true};
    rncl_status st = check(&options, as_gpu, &summary);
    use_own_kernels(&broken);
    assert_int_equal(st, RNCL_ERR_WRONG_RESULT);
    assert_true(summary.failed > 0);
    if (!strstr(rncl_status_message(), fault->message))
        fail_msg("\"%s\" does not speak of \"%s\"", rncl_status_message(), fault->message);
}

static void a_planted_fault_is_found(void **state)
{
    find_fault(*state, false);
}

static void a_planted_fault_of_gpus_is_found(void **state)
{
    find_fault(*state, true);
}

static void vectors_are_where_gpus_can_load_them(void **state)
{
    (void)state;
    static const char *const operations[] = {"batchnorm", "maxpool", "avgpool", "sgd", "ema", "mixup"};
    broken_kernels broken;
    use_broken_kernels(&aligned_vectors, &broken);
    for (size_t i = 0; i < COUNT(operations); i++) {
        rncl_check_summary summary;
        const rncl_check_options options = {.seed = 1, .shapes = 10, .work = 1000, .filter = operations[i]};
        assert_int_equal(check(&options, true, &summary), RNCL_OK);
        assert_true(summary.passed > 0);
    }
    use_own_kernels(&broken);
}

/* One fault for each algorithm and pass of convolution. Since convolution programs take long to build,
 * only that algorithm and pass are tried, at one small shape. */
typedef struct conv_fault {
    const char *algorithm;
    int pass;
    planted_fault fault; /* its message: the tensor that is wrong */
    rncl_conv_shape shape;
    /* Begins with "pairs" or "pairs of ARM" where tensors are of bfloat16 and are multiplied in pairs. */
    const char *name;
} conv_fault;

/* Height, width, channels, filter side, outputs, stride, padding; of n images, or of two. */
#define SHAPE(H, W, C, R, K, STRIDE, PAD) SHAPE_OF(2, H, W, C, R, K, STRIDE, PAD)
#define SHAPE_OF(N, H, W, C, R, K, STRIDE, PAD)                                                              \
    {                                                                                                        \
        N, H, W, C, K, R, R, STRIDE, PAD, ((H) + 2 * (PAD) - (R)) / (STRIDE) + 1,                            \
            ((W) + 2 * (PAD) - (R)) / (STRIDE) + 1                                                           \
    }
#define SINGLE(pass, tensor, from, to)                                                                       \
    pass,                                                                                                    \
    {                                                                                                        \
        "conv", "single/conv.clh", from, to, tensor                                                          \
    }
#define FORWARD(file, from, to)                                                                              \
    RNCL_CONV_FORWARD,                                                                                       \
    {                                                                                                        \
        "conv", "conv/" file, from, to, ": y"                                                                \
    }
#define DX(file, from, to)                                                                                   \
    RNCL_CONV_BACKWARD_DATA,                                                                                 \
    {                                                                                                        \
        "conv", "conv/" file, from, to, ": dx"                                                               \
    }
#define DFILTER(file, from, to)                                                                              \
    RNCL_CONV_BACKWARD_FILTER,                                                                               \
    {                                                                                                        \
        "conv", "conv/" file, from, to, ": dweight"                                                          \
    }
/* Those that forward leaves in training, which an evaluation does not: the variant is the filter gradient's.
 */
#define SUMS(file, from, to)                                                                                 \
    RNCL_CONV_BACKWARD_DATA,                                                                                 \
    {                                                                                                        \
        "conv", "conv/" file, from, to, ": gradient_sums"                                                    \
    }
#define STATISTICS(file, from, to)                                                                           \
    RNCL_CONV_BACKWARD_FILTER,                                                                               \
    {                                                                                                        \
        "conv", "conv/" file, from, to, ": statistics"                                                       \
    }

static const conv_fault conv_faults[] = {
    {"direct",
     FORWARD("direct_forward.cl", "row * shape.stride - shape.pad_top + t", "row * shape.stride + t"),
     SHAPE(8, 8, 16, 3, 16, 1, 1), "direct forward: padding above"},
    {"direct", FORWARD("direct_pack.cl", "* shape.in_stride + out + v", "* shape.in_stride + out"),
     SHAPE(8, 8, 16, 3, 64, 1, 1), "direct forward: vectors of a packed block"},
    {"direct", DX("direct_pack.cl", "NONTEMPORAL(square[i]", "NONTEMPORAL(square[0]"),
     SHAPE(8, 8, 16, 3, 16, 1, 1), "direct dx: channels of a transposed filter"},
    {"direct", DX("direct_pack.cl", "shape.out_stride + in,", "shape.out_stride + next,"),
     SHAPE(8, 8, 16, 3, 24, 1, 1), "direct dx: channels beside the last square"},
    {"direct", DX("direct_forward.cl", "p * shape.out_stride + shape.out_row", "p * shape.out_stride"),
     SHAPE(8, 8, 16, 3, 16, 2, 1), "direct dx: phases of a stride"},
    {"direct", SUMS("direct_forward.cl", "first_part + get_global_id(0)", "get_global_id(0)"),
     SHAPE(8, 8, 16, 3, 16, 2, 1), "direct dx: parts of a gradient's sums"},
    {"direct",
     DX("direct_forward.cl", "ELOAD(gradient.relu_y + at) > (vfloat)(0.0f)",
        "ELOAD(gradient.before_x + at) > (vfloat)(0.0f)"),
     SHAPE(8, 8, 16, 3, 16, 1, 1), "direct dx: what passes the ReLU"},
    {"direct", DFILTER("direct_dfilter.cl", "const int x = i - shape.pad_left;", "const int x = i;"),
     SHAPE(8, 8, 16, 3, 16, 1, 1), "direct dfilter: padding on the left"},
    {"direct",
     DFILTER("direct_dfilter.cl", "const int x = i - shape.pad_left;",
             "const int x = i - 2 * shape.pad_left;"),
     SHAPE(8, 8, 16, 3, 16, 2, 1), "direct dfilter: padding with a stride"},
    {"direct", DFILTER("reduce.cl", "part < parts", "part + 1 < parts"), SHAPE(8, 8, 16, 3, 16, 1, 1),
     "direct dfilter: the last partial sum"},
    {"direct", DFILTER("pointwise_dfilter.cl", "/ CB * PANEL + i / DEPTH * CB", "/ CB * PANEL + i / DEPTH"),
     SHAPE(7, 7, 64, 1, 64, 1, 0), "direct dfilter: layout of a panel"},
    {"direct", DFILTER("pointwise_dfilter.cl", "at->q * shape.stride) * shape.c", "at->q) * shape.c"),
     SHAPE(8, 8, 32, 1, 64, 2, 0), "direct dfilter: pixels with a stride"},
    {"winograd", FORWARD("winograd.cl", "* PRODUCT_STEP(shape) + t * KB)", "* PRODUCT_STEP(shape))"),
     SHAPE(8, 8, 16, 3, 16, 1, 1), "winograd forward: tiles of a block"},
    {"winograd", FORWARD("winograd.clh", "row_mask_[i_] & mask_", "row_mask_[i_]"),
     SHAPE(8, 8, 16, 3, 16, 1, 1), "winograd forward: columns outside the image"},
    {"winograd", DFILTER("winograd.clh", "row_mask_[i_] & mask_", "mask_"), SHAPE(7, 7, 16, 3, 16, 1, 1),
     "winograd dfilter: rows outside the image"},
    {"winograd", FORWARD("winograd_columns.clh", "2.0f * far_skew + m[5 * step]", "2.0f * far_skew"),
     SHAPE(8, 8, 16, 3, 16, 1, 1), "winograd forward: the point at infinity"},
    {"winograd", FORWARD("winograd_pack.cl", "block * FILTERS * FILTER_STEP(pack.in)", "0 * block"),
     SHAPE(8, 8, 16, 3, 64, 1, 1), "winograd forward: blocks of the packed filter"},
    {"winograd", DX("winograd_filters.clh", "VSTORE(square[i], taps", "VSTORE(square[0], taps"),
     SHAPE(8, 8, 16, 3, 16, 1, 1), "winograd dx: channels of a transposed filter"},
    {"winograd",
     DFILTER("winograd_columns.clh", "out[4 * step] = far_even - far_odd",
             "out[4 * step] = far_even + far_odd"),
     SHAPE(8, 8, 16, 3, 16, 1, 1), "winograd dfilter: transformed dy"},
    {"winograd", FORWARD("winograd_strided.clh", "out[i * step] += m", "out[i * step] = m"),
     SHAPE(8, 8, 16, 3, 16, 2, 1), "winograd forward: the pair of taps of stride 2"},
    {"winograd",
     DX("winograd_strided.clh", "out[2 * i * step] = m[(M + 1 + i) * step]",
        "out[2 * i * step] = m[(M + i) * step]"),
     SHAPE(8, 8, 16, 3, 16, 2, 1), "winograd dx: the single tap of stride 2"},
    {"winograd", DFILTER("winograd_dfilter.cl", "(position) / SIDE >= FILTER_SIDE ||", ""),
     SHAPE(8, 8, 16, 3, 16, 2, 1), "winograd dfilter: positions that share a filter value"},
    {"batched", FORWARD("batched.clh", "at * shape.stride - shape.pad + tap", "at * shape.stride + tap"),
     SHAPE(4, 4, 16, 3, 16, 1, 1), "batched forward: padding"},
    {"batched", FORWARD("batched.cl", "int is_copied = 0;", "int is_copied = tap > 0;"),
     SHAPE(4, 4, 16, 3, 16, 1, 1), "batched forward: values of the first tap"},
    {"batched", STATISTICS("batched.cl", "before += rows;", ""), SHAPE(4, 4, 16, 3, 16, 1, 1),
     "batched forward: weights of statistics"},
    {"batched", DX("batched.cl", "scaled >= 0 && scaled % shape.stride == 0", "scaled >= 0"),
     SHAPE(4, 4, 16, 3, 16, 2, 1), "batched dx: pixels between those of a stride"},
    {"batched", DX("batched.cl", "mixed[i].odd = quads[i + 1].even", "mixed[i].odd = quads[i].even"),
     SHAPE(4, 4, 16, 3, 16, 1, 1), "batched dx: channels of a transposed filter"},
    {"batched", DFILTER("batched_dfilter.cl", "(row * shape.w + column) * group", "(row * shape.w) * group"),
     SHAPE(4, 4, 16, 3, 16, 1, 1), "batched dfilter: pixels of x"},
    {"batched", DFILTER("batched_dfilter.cl", "pixel * group + image", "pixel * group"),
     SHAPE(4, 4, 16, 3, 16, 1, 1), "batched dfilter: images of dy"},
    {"staged_winograd",
     FORWARD("staged_winograd.cl", "place_of(shape, i / shape.c)", "place_of(shape, i / shape.c / 2)"),
     SHAPE(7, 7, 8, 3, 16, 1, 1), "staged_winograd forward: inputs"},
    {"staged_winograd", FORWARD("staged_winograd.cl", "row < rows && column", "column"),
     SHAPE(7, 7, 8, 3, 16, 1, 1), "staged_winograd forward: outputs at the edge"},
    {"staged_winograd", DX("staged_winograd.cl", "(size_t)(8 - tap) * out", "(size_t)tap * out"),
     SHAPE(7, 7, 8, 3, 16, 1, 1), "staged_winograd dx: rotated filters"},
    {"staged_winograd",
     DFILTER("staged_winograd.cl", "TRANSFORM_PIXELS(dy_column,", "TRANSFORM_PIXELS(input_column,"),
     SHAPE(7, 7, 8, 3, 16, 1, 1), "staged_winograd dfilter: transformed dy"},
    {"staged_winograd",
     DFILTER("staged_winograd.cl", "const vfloat value = tile[tap / 3 * SIDE + tap % 3]",
             "const vfloat value = tile[tap % 3 * SIDE + tap / 3]"),
     SHAPE(7, 7, 8, 3, 16, 1, 1), "staged_winograd dfilter: order of the taps"},
    {"staged_winograd",
     STATISTICS("staged_winograd.cl", "gather_statistics(block, tile, rows,",
                "gather_statistics(block, tile, M,"),
     SHAPE(7, 7, 8, 3, 16, 1, 1), "staged_winograd forward: statistics of what is outside"},
    {"tiled", FORWARD("tiled.cl", "at.column * shape.stride - shape.pad_left", "at.column * shape.stride"),
     SHAPE(8, 8, 8, 3, 16, 1, 1), "tiled forward: padding on the left"},
    {"tiled", FORWARD("tiled.cl", "place->row += next_row;", ""), SHAPE(8, 8, 3, 3, 16, 1, 1),
     "tiled forward: rows of taps"},
    {"tiled",
     DX("tiled.cl", "at.column * shape.out_stride + shape.out_column", "at.column * shape.out_stride"),
     SHAPE(8, 8, 8, 3, 16, 2, 1), "tiled dx: phases of a stride"},
    {"tiled", DX("turn_filter.cl", "block[x * (SIDE + 1) + y]", "block[y * (SIDE + 1) + x]"),
     SHAPE(8, 8, 8, 3, 16, 1, 1), "tiled dx: channels of a turned filter"},
    {"tiled", DFILTER("tiled.cl", "tap % shape.s - shape.pad_left", "tap / shape.s - shape.pad_left"),
     SHAPE(6, 9, 8, 3, 16, 1, 1), "tiled dfilter: rows and columns exchanged"},
    {"direct", FORWARD("direct_pack.cl", "VLOAD(at + shape.in_stride)", "VLOAD(at)"),
     SHAPE(8, 8, 16, 3, 16, 1, 1), "pairs forward: the second channel of the filter"},
    {"direct", DX("direct_pack.cl", "i, &first, &second", "i, &first, &first"), SHAPE(8, 8, 16, 3, 16, 2, 1),
     "pairs dx: the second channel of the filter"},
    {"winograd", FORWARD("winograd_filters.clh", "int has_steps = TRANSPOSED", "int has_steps = 1"),
     SHAPE(8, 8, 16, 3, 16, 1, 1), "pairs winograd forward: steps of a filter"},
    {"direct", DFILTER("direct_dfilter.cl", "shape.h * shape.w : shape.stride)", "shape.h * shape.w : 1)"),
     SHAPE_OF(1, 8, 8, 16, 3, 16, 2, 1), "pairs dfilter: the second pixel of x"},
    {"direct", DFILTER("direct_dfilter.cl", "q + 1 < shape.q", "1"), SHAPE_OF(1, 7, 7, 16, 3, 16, 1, 1),
     "pairs dfilter: the half pair of an odd row"},
    {"direct", DFILTER("direct_dfilter.cl", "shape.h * shape.w : shape.stride)", "shape.w : shape.stride)"),
     SHAPE(8, 8, 16, 3, 16, 2, 1), "pairs dfilter: the second image of x"},
    {"direct", DFILTER("direct_dfilter.cl", "images > 1 : q", "1 : q"), SHAPE_OF(3, 3, 3, 16, 3, 16, 1, 1),
     "pairs dfilter: the missing image of an odd batch"},
    {"direct", DFILTER("pointwise_dfilter.cl", "has_second = i + 1 < pixels", "has_second = 1"),
     SHAPE(7, 7, 64, 1, 64, 1, 0), "pairs dfilter: the half pair of odd pixels"},
    {"direct", DFILTER("pointwise_dfilter.cl", "from, 1, from + k", "from, 1, from"),
     SHAPE(8, 8, 64, 1, 64, 1, 0), "pairs dfilter: the second pixel of dy"},
    {"direct", FORWARD("direct_pack.cl", "VLOAD(at + shape.in_stride)", "VLOAD(at)"),
     SHAPE(8, 8, 16, 3, 16, 1, 1), "pairs of ARM forward: the second channel of the filter"},
    {"direct", DX("direct_pack.cl", "i, &first, &second", "i, &first, &first"), SHAPE(8, 8, 16, 3, 16, 2, 1),
     "pairs of ARM dx: the second channel of the filter"},
    {"direct", DFILTER("direct_dfilter.cl", "shape.h * shape.w : shape.stride)", "shape.h * shape.w : 1)"),
     SHAPE_OF(1, 8, 8, 16, 3, 16, 2, 1), "pairs of ARM dfilter: the second pixel of x"},
    {"direct", DFILTER("pointwise_dfilter.cl", "from, 1, from + k", "from, 1, from"),
     SHAPE(8, 8, 64, 1, 64, 1, 0), "pairs of ARM dfilter: the second pixel of dy"},
    {"mma", FORWARD("mma_tile.clh", "shape.stride - shape.pad_left", "shape.stride"),
     SHAPE(5, 6, 4, 3, 8, 1, 1), "mma forward: padding on the left"},
    {"mma", FORWARD("mma_nvidia.clh", "(lane) % 4 + (i) / 2 * 4", "(lane) % 4 + (i) % 2 * 4"),
     SHAPE(5, 6, 4, 3, 8, 1, 1), "mma forward: a map of the left fragment"},
    {"mma", STATISTICS("mma.cl", "+= sums[i][j][v]", "+= sums[i][j][0]"), SHAPE(5, 6, 4, 3, 8, 1, 1),
     "mma forward: statistics of other values"},
    {"mma", DX("mma_tile.clh", "shape.filter_first + y", "y"), SHAPE(5, 6, 4, 3, 8, 2, 1),
     "mma dx: the first tap of a phase"},
    {"mma", SUMS("mma.cl", "fma(centred, scale[e], bias[e]) > 0.0f", "1"), SHAPE(5, 6, 4, 3, 8, 1, 1),
     "mma dx: sums of what is behind a closed ReLU"},
    {"mma", DFILTER("mma_tile.clh", "(uint)(row.z + depth.z) < (uint)shape.w", "1"),
     SHAPE(5, 6, 4, 3, 8, 1, 1), "mma dfilter: columns outside the image"},
    {"mma_winograd", FORWARD("mma.cl", "product * left_floats(shape)", "0"), SHAPE(7, 7, 8, 3, 16, 1, 1),
     "mma_winograd forward: images of the other products"},
    {"mma_winograd", DX("mma.cl", "shape.right_at + product * right_floats(shape)", "shape.right_at"),
     SHAPE(7, 7, 8, 3, 16, 1, 1), "mma_winograd dx: filters of the other products"},
    {"mma_winograd", DFILTER("mma_tile.clh", "(size_t)depth_count(shape) * shape.k", "0"),
     SHAPE(7, 7, 8, 3, 16, 1, 1), "mma_winograd dfilter: gradients of the other products"},
    {"tiled", FORWARD("tiled.cl", "pairs.y << 16, pairs.y & 0xffff0000u", "pairs.y << 16, pairs.y << 16"),
     SHAPE(8, 8, 8, 3, 16, 1, 1), "elements, tiled forward: the second of two"},
    {"tiled", DX("tiled.cl", "low >> 16 | (high & 0xffff0000u)", "(low & 0xffffu) | (high & 0xffff0000u)"),
     SHAPE(8, 8, 8, 3, 16, 1, 1), "elements, tiled dx: the first of two"},
    {"mma",
     FORWARD("mma.cl", "(lane) % 16, word + (lane) / 16 * 4", "(lane) % 16, word + (lane) / 8 % 2 * 4"),
     SHAPE(5, 6, 16, 3, 8, 1, 1), "elements, mma forward: words of the rows that ldmatrix reads"},
    {"mma", DX("round_filter.cl", "if (i < count)", "if (i < count / 2)"), SHAPE(5, 6, 8, 3, 16, 1, 1),
     "elements, mma dx: a half of the rounded filter"},
    {"mma", DFILTER("mma.cl", "(lane) / 8 % 2 * 8, 2 * word", "(lane) / 16 * 8, 2 * word"),
     SHAPE(5, 6, 16, 3, 8, 1, 1), "elements, mma dfilter: rows that ldmatrix turns"},
    {"im2col_gemm", FORWARD("im2col.cl", "p * shape.stride - shape.pad + r", "p * shape.stride + r"),
     SHAPE(8, 8, 8, 3, 16, 1, 1), "im2col_gemm forward: padding above"},
    {"im2col_gemm", DX("im2col.cl", "below % shape.stride || ", ""), SHAPE(8, 8, 8, 3, 16, 2, 1),
     "im2col_gemm dx: pixels between those of a stride"},
    {"single", SINGLE(RNCL_CONV_FORWARD, ": y", "at * stride - pad + tap", "at * stride + tap"),
     SHAPE(8, 8, 8, 3, 16, 1, 1), "single forward: padding above and on the left"},
    {"single", SINGLE(RNCL_CONV_BACKWARD_DATA, ": dx", "below % stride == 0", "true"),
     SHAPE(8, 8, 8, 3, 16, 2, 1), "single dx: pixels between those of a stride"},
    {"single", SINGLE(RNCL_CONV_BACKWARD_FILTER, ": dweight", "pixel < pixels && ", ""),
     SHAPE(9, 9, 8, 3, 16, 2, 1), "single dfilter: pixels behind the last one"},
};

/* On whatever device, before the probe could meet the fault. */
static void emulate_unit(rncl_context *context, const conv_fault *fault)
{
    const bool pairs = !strncmp(fault->name, "pairs", strlen("pairs")),
               arm = !strncmp(fault->name, "pairs of ARM", strlen("pairs of ARM")),
               elements = !strncmp(fault->name, "elements", strlen("elements"));
    context->precision = pairs || elements ? RNCL_PRECISION_BF16_TENSORS : RNCL_PRECISION_FP32;
    if (arm)
        context->traits.vector_floats = 4;
    if (pairs)
        assert_true(rncl_matrix_unit_emulate(context, arm ? "arm-bf16" : "x86-bf16"));
    else if (!strncmp(fault->algorithm, "mma", strlen("mma")))
        assert_true(rncl_matrix_unit_emulate(context, elements ? "nvidia-bf16" : "nvidia-tf32"));
}

/* Whether the device supports the algorithm for this pass; otherwise another algorithm would run. */
static bool is_supported(rncl_context *context, const conv_fault *fault)
{
    const rncl_pass pass = {
        .context = context, .desc = {.kind = RNCL_OP_conv, .conv = fault->shape}, .index = fault->pass};
    bool exact;
    return rncl_pass_supports(&pass, fault->algorithm, &exact);
}

/* The tensor that should be wrong, and how many of its results were. */
typedef struct verdict {
    const char *tensor;
    int results, wrong;
} verdict;

static void judge(void *user, const rncl_check_result *result)
{
    verdict *v = user;
    if (!strstr(result->name, v->tensor))
        return;
    v->results++;
    v->wrong += !result->ok;
}

/* Runs the forward pass and, if that is another one, the fault's pass. */
static rncl_status try_convolution(rncl_context *context, const conv_fault *fault, verdict *v)
{
    /* A direct input gradient leaves sums where x is kept, for the filter gradient. */
    const bool keeps_x = !strcmp(fault->algorithm, "direct");
    const check_variant variants[] = {
        [RNCL_CONV_FORWARD] = {.name = "forward", .inference = true},
        [RNCL_CONV_BACKWARD_DATA] = {.name = "gradient sums", .frozen = !keeps_x, .sums = true},
        [RNCL_CONV_BACKWARD_FILTER] = {.name = "without dx", .no_dx = true},
    };
    check_trial trial = {
        .context = context,
        .c.desc = {.kind = RNCL_OP_conv, .conv = fault->shape},
        .variant = &variants[fault->pass],
        .algorithm = fault->algorithm,
        .random = rncl_random_stream(1, RNCL_RANDOM_TEST, 0, 0),
    };
    *v = (verdict){.tensor = fault->fault.message};
    return check_trial_run(&trial, judge, v);
}

static void a_planted_convolution_fault_is_found(void **state)
{
    const conv_fault *fault = *state;
    if (device->info.emulator)
        skip();
    rncl_context *context;
    assert_int_equal(rncl_context_create(device, NULL, &context), RNCL_OK);
    emulate_unit(context, fault);
    if (!is_supported(context, fault)) {
        rncl_context_destroy(context);
        skip();
    }
    broken_kernels broken;
    use_broken_kernels(&fault->fault, &broken);
    verdict v;
    rncl_status st = try_convolution(context, fault, &v);
    use_own_kernels(&broken);
    rncl_context_destroy(context);
    assert_int_equal(st, RNCL_OK);
    assert_true(v.wrong > 0);
}

static void the_same_convolutions_are_right_without_faults(void **state)
{
    (void)state;
    rncl_context *context;
    assert_int_equal(rncl_context_create(device, NULL, &context), RNCL_OK);
    for (size_t i = 0; i < COUNT(conv_faults); i++) {
        verdict v;
        emulate_unit(context, &conv_faults[i]);
        if (!is_supported(context, &conv_faults[i]))
            continue;
        assert_int_equal(try_convolution(context, &conv_faults[i], &v), RNCL_OK);
        if (v.results != 1 || v.wrong)
            fail_msg("%s: %d of %d results are wrong", conv_faults[i].name, v.wrong, v.results);
    }
    rncl_context_destroy(context);
}

#define FAULT(row)                                                                                           \
    {                                                                                                        \
        "a planted fault is found: " #row, a_planted_fault_is_found, NULL, NULL, (void *)&(row)              \
    }

#define GPU_FAULT(row)                                                                                       \
    {                                                                                                        \
        "a planted fault of GPUs is found: " #row, a_planted_fault_of_gpus_is_found, NULL, NULL,             \
            (void *)&(row)                                                                                   \
    }

int main(void)
{
    enum { OTHERS = 13 };
    static struct CMUnitTest tests[OTHERS + COUNT(conv_faults)] = {
        FAULT(wrong_constant),
        FAULT(write_past_the_end),
        FAULT(write_before_the_start),
        FAULT(value_left_unwritten),
        FAULT(ignored_accumulation),
        FAULT(overwritten_input),
        FAULT(overlooked_nan),
        FAULT(late_read_of_y),
        FAULT(last_maximum_instead_of_first),
        FAULT(partner_in_another_micro_batch),
        GPU_FAULT(tree_without_its_root),
        GPU_FAULT(rank_of_one_work_item),
        cmocka_unit_test(vectors_are_where_gpus_can_load_them),
        cmocka_unit_test(the_same_convolutions_are_right_without_faults),
    };
    for (size_t i = 0; i < COUNT(conv_faults); i++)
        tests[OTHERS + i] = (struct CMUnitTest){.name = conv_faults[i].name,
                                                .test_func = a_planted_convolution_fault_is_found,
                                                .initial_state = (void *)&conv_faults[i]};
    return cmocka_run_group_tests(tests, choose_device, release_devices);
}
