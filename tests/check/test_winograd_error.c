/* The rounding of Winograd's methods: the relative L2 error of each pass against double precision, where the
 * sums are long (512 channels; for the filter gradient, all pixels of the batch). Bounded by 1e-5; the direct
 * method's is about 1e-6. The same holds on matrix units (emulated here) that make float32 of three products
 * of TF32. For tensors of bfloat16, where pairs of integers are multiplied (emulated here), it
 * is compared with that of the direct method, which multiplies pairs of bfloat16, or of a result that is
 * stored as bfloat16. RNCL_TEST_DEVICE as in test_check.c.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "bfloat16.h"
#include "binaries.h"
#include "op.h"
#include "random.h"
#include "reference.h"
#include "util.h"

#define MOST_ERROR 1e-5

/* 14x14 pixels. LONG channels where the pass sums over channels, else SHORT. */
enum { PIXELS = 14, LONG = 512, SHORT = 32 };

static const char unit_name[] = "x86-bf16";

static rncl_device_list *devices;
static const rncl_device *device;
static rncl_context *context;

/* What values are like: normal numbers, or with sizes that are as far apart as e^-5 and e^5. */
typedef enum value_sizes { ALIKE, SPREAD } value_sizes;

static int open_device(void **state)
{
    (void)state;
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

static void must(rncl_status st)
{
    if (st)
        fail_msg("%s", rncl_status_message());
}

/* A tensor on the device, and the same in double precision. */
typedef struct tensor {
    size_t count;
    bool elements; /* bfloat16 on the device */
    double *values;
    cl_mem buffer;
} tensor;

static void upload(const tensor *t)
{
    const size_t bytes = t->count * (t->elements ? sizeof(uint16_t) : sizeof(float));
    float *floats = malloc(t->count * sizeof *floats);
    uint16_t *elements = malloc(t->count * sizeof *elements);
    assert_non_null(floats);
    assert_non_null(elements);
    for (size_t i = 0; i < t->count; i++) {
        floats[i] = (float)t->values[i];
        elements[i] = rncl_bfloat16_of(floats[i]);
    }
    must(rncl_buffer_write(context, t->buffer, 0, bytes, t->elements ? (void *)elements : (void *)floats));
    free(floats);
    free(elements);
}

static tensor draw(size_t count, uint32_t stream, bool elements, value_sizes sizes)
{
    tensor t = {.count = count, .elements = elements, .values = malloc(count * sizeof(double))};
    assert_non_null(t.values);
    rncl_random random = rncl_random_stream(0, RNCL_RANDOM_TEST, 0, stream);
    for (size_t i = 0; i < count; i++) {
        float value = rncl_random_normal(&random);
        if (sizes == SPREAD)
            value *= expf(1.5f * rncl_random_normal(&random));
        t.values[i] = elements ? rncl_bfloat16_to_float(rncl_bfloat16_of(value)) : value;
    }
    must(rncl_buffer_create(context, count * (elements ? sizeof(uint16_t) : sizeof(float)), &t.buffer));
    upload(&t);
    return t;
}

static void release(tensor *t)
{
    rncl_buffer_release(t->buffer);
    free(t->values);
}

/* What the device has. */
static double *download(const tensor *t)
{
    const size_t bytes = t->count * (t->elements ? sizeof(uint16_t) : sizeof(float));
    double *values = malloc(t->count * sizeof *values);
    void *raw = malloc(bytes);
    assert_non_null(values);
    assert_non_null(raw);
    must(rncl_buffer_read(context, t->buffer, 0, bytes, raw));
    for (size_t i = 0; i < t->count; i++)
        values[i] = t->elements ? rncl_bfloat16_to_float(((uint16_t *)raw)[i]) : ((float *)raw)[i];
    free(raw);
    return values;
}

/* || result - reference || / || reference ||, of what the device has, and of the reference itself if it is
 * stored as bfloat16. */
typedef struct rounding {
    double device, stored;
} rounding;

static rounding rounding_of(const tensor *result)
{
    double *values = download(result);
    double of_device = 0, of_stored = 0, size = 0;
    for (size_t i = 0; i < result->count; i++) {
        const double reference = result->values[i];
        of_device += pow(values[i] - reference, 2);
        of_stored += pow(rncl_bfloat16_to_float(rncl_bfloat16_of((float)reference)) - reference, 2);
        size += pow(reference, 2);
    }
    free(values);
    return (rounding){sqrt(of_device / size), sqrt(of_stored / size)};
}

static const rncl_setting *answer(void *state, const rncl_op_desc *desc, int pass)
{
    (void)desc, (void)pass;
    return state;
}

/* The context's matrix unit is one of GPUs. */
static bool is_on_unit(void)
{
    return context->matrix.unit && context->matrix.unit->lanes > 1;
}

/* Runs the pass on the device: by Winograd's method with tiles of m x m pixels; m = 0: by the direct one. */
static void convolve(const rncl_conv_shape *shape, int pass, int m, const tensor tensors[3])
{
    rncl_setting setting = {.algorithm = "direct"},
                 tiles = {.algorithm = "winograd", .count = 1, .knobs = {{.name = "m", .value = m}}},
                 on_unit = {.algorithm = "mma_winograd", .count = 1, .knobs = {{.name = "m", .value = m}}};
    if (m)
        setting = is_on_unit() ? on_unit : tiles;
    const rncl_op_desc desc = {.kind = RNCL_OP_conv, .conv = *shape};
    const rncl_op_choice choice = {.tuned = {.lookup = answer, .state = &setting},
                                   .left_out = ~RNCL_PASS_BIT(pass)};
    rncl_op *op;
    must(rncl_op_create(context, &desc, &choice, &op));
    assert_true(op->passes[pass].tuned);
    const bool elements = rncl_pass_elements(&op->passes[pass]) != 0;
    assert_int_equal(elements, tensors[0].elements);
    assert_int_equal(rncl_pass_rounding(&op->passes[pass]) > 0,
                     elements && (m < 4 || shape->stride == 1) && (m || pass != RNCL_CONV_BACKWARD_FILTER));
    must(rncl_op_build(op));
    rncl_op_buffers b = {.x = tensors[0].buffer,
                         .dx = tensors[0].buffer,
                         .weight = tensors[1].buffer,
                         .dweight = tensors[1].buffer,
                         .y = tensors[2].buffer,
                         .dy = tensors[2].buffer};
    if (op->needs.packed_bytes)
        must(rncl_buffer_create(context, op->needs.packed_bytes, &b.packed));
    if (op->needs.workspace_bytes)
        must(rncl_buffer_create(context, op->needs.workspace_bytes, &b.workspace));
    must(rncl_op_bind(op, b.workspace));
    must(rncl_op_prepare(op, &b));
    must(rncl_op_enqueue(op, pass, &b, &(rncl_op_scalars){0}));
    must(rncl_context_finish(context));
    rncl_op_destroy(op);
    rncl_buffer_release(b.packed);
    rncl_buffer_release(b.workspace);
}

static rounding convolution_rounding(int pass, int stride, int m, int c, int k, value_sizes sizes)
{
    const int outputs = PIXELS / stride;
    const bool elements = context->precision == RNCL_PRECISION_BF16_TENSORS;
    const rncl_conv_shape s = {1, PIXELS, PIXELS, c, k, 3, 3, stride, 1, outputs, outputs};
    tensor tensors[] = {
        draw((size_t)(PIXELS * PIXELS * c), 1, elements, sizes),
        draw((size_t)(9 * c * k), 2, false, ALIKE),
        draw((size_t)(outputs * outputs * k), 3, elements, sizes),
    };
    double *x = tensors[0].values, *filter = tensors[1].values, *y = tensors[2].values;
    convolve(&s, pass, m, tensors);
    tensor *result = &tensors[2];
    if (pass == RNCL_CONV_FORWARD) {
        rncl_reference_conv_forward(&s, x, filter, y);
    } else if (pass == RNCL_CONV_BACKWARD_DATA) {
        rncl_reference_conv_backward_data(&s, filter, y, x);
        result = &tensors[0];
    } else {
        rncl_reference_conv_backward_filter(&s, x, y, filter);
        result = &tensors[1];
    }
    const rounding of_result = rounding_of(result);
    for (size_t i = 0; i < COUNT(tensors); i++)
        release(&tensors[i]);
    return of_result;
}

static double error_of(int pass, int stride, int m, int c, int k, value_sizes sizes)
{
    return convolution_rounding(pass, stride, m, c, k, sizes).device;
}

static void expect_bounded_rounding(int most_stride)
{
    static const struct {
        int pass;
        int c, k;
    } passes[] = {
        {RNCL_CONV_FORWARD, LONG, SHORT},
        {RNCL_CONV_BACKWARD_DATA, SHORT, LONG},
        {RNCL_CONV_BACKWARD_FILTER, LONG, SHORT},
    };
    for (size_t i = 0; i < COUNT(passes); i++)
        for (int stride = 1; stride <= most_stride; stride++)
            for (int m = 2; m <= 4; m += 2) {
                const double error = error_of(passes[i].pass, stride, m, passes[i].c, passes[i].k, ALIKE);
                if (!(error > 0 && error < MOST_ERROR))
                    fail_msg("%s with stride %d, tiles of %dx%d: relative error %g",
                             rncl_op_type_of(RNCL_OP_conv)->passes[passes[i].pass].name, stride, m, m, error);
            }
}

static void rounding_is_bounded_in_every_pass(void **state)
{
    (void)state;
    expect_bounded_rounding(2);
}

/* Opens another context in place of the group's. */
static void begin(rncl_context **before, rncl_precision precision)
{
    *before = context;
    must(rncl_context_create(device, NULL, &context));
    rncl_precision_request(context, precision);
}

static void end(rncl_context *before)
{
    rncl_context_destroy(context);
    context = before;
}

static void rounding_is_bounded_with_three_products_of_tf32(void **state)
{
    (void)state;
    rncl_context *before;
    begin(&before, RNCL_PRECISION_FP32);
    assert_true(rncl_matrix_unit_emulate(context, "nvidia-tf32"));
    expect_bounded_rounding(1);
    end(before);
}

static bool emulates_pairs(void)
{
    return context->precision == RNCL_PRECISION_BF16_TENSORS && context->traits.vector_floats == 16 &&
           rncl_matrix_unit_emulate(context, unit_name);
}

/* F(4x4, 3x3) has other transforms with stride 2, which round more: no integers there. */
static int largest_tile(int stride)
{
    return stride == 1 ? 4 : 2;
}

/* Where sizes are far apart, the small values of a row round more. */
static void integers_round_about_as_pairs_of_bfloat16(void **state)
{
    (void)state;
    static const double most[] = {[ALIKE] = 1.0, [SPREAD] = 1.5};
    rncl_context *before;
    begin(&before, RNCL_PRECISION_BF16_TENSORS);
    const bool emulated = emulates_pairs();
    for (int dx = 0; dx < 2 && emulated; dx++)
        for (int stride = 1; stride <= 2; stride++)
            for (value_sizes sizes = ALIKE; sizes <= SPREAD; sizes++) {
                const int pass = dx ? RNCL_CONV_BACKWARD_DATA : RNCL_CONV_FORWARD, c = dx ? SHORT : LONG,
                          k = dx ? LONG : SHORT;
                const double direct = error_of(pass, stride, 0, c, k, sizes);
                for (int m = 2; m <= largest_tile(stride); m += 2) {
                    const double integers = error_of(pass, stride, m, c, k, sizes);
                    if (!(integers > 0 && integers < most[sizes] * direct))
                        fail_msg("%s with stride %d, tiles of %dx%d: relative error %g, directly %g",
                                 rncl_op_type_of(RNCL_OP_conv)->passes[pass].name, stride, m, m, integers,
                                 direct);
                }
            }
    end(before);
    if (!emulated)
        skip();
}

/* Both operands of the filter gradient are bfloat16 already, so that the direct method rounds sums only.
 * Integers must round less than a result that is stored as bfloat16, as PyTorch's autocast stores it. */
static void integers_round_a_filter_gradient_no_more_than_bfloat16(void **state)
{
    (void)state;
    rncl_context *before;
    begin(&before, RNCL_PRECISION_BF16_TENSORS);
    const bool emulated = emulates_pairs();
    for (int stride = 1; stride <= 2 && emulated; stride++)
        for (value_sizes sizes = ALIKE; sizes <= SPREAD; sizes++)
            for (int m = 2; m <= largest_tile(stride); m += 2) {
                const rounding r =
                    convolution_rounding(RNCL_CONV_BACKWARD_FILTER, stride, m, LONG, SHORT, sizes);
                if (!(r.device > 0 && r.device < r.stored))
                    fail_msg("stride %d, tiles of %dx%d: relative error %g, stored as bfloat16 %g", stride, m,
                             m, r.device, r.stored);
            }
    end(before);
    if (!emulated)
        skip();
}

enum { ROW = 4, COLUMN = 9, CHANNEL = 21 };

/* The pass's result where x has this value at one place. */
static double *convolve_with(double value, int pass, int m)
{
    const rncl_conv_shape s = {1, PIXELS, PIXELS, SHORT, SHORT, 3, 3, 1, 1, PIXELS, PIXELS};
    tensor tensors[] = {
        draw(PIXELS * PIXELS * SHORT, 1, true, ALIKE),
        draw(9 * SHORT * SHORT, 2, false, ALIKE),
        draw(PIXELS * PIXELS * SHORT, 3, true, ALIKE),
    };
    tensors[0].values[(ROW * PIXELS + COLUMN) * SHORT + CHANNEL] = value;
    upload(&tensors[0]);
    convolve(&s, pass, m, tensors);
    double *result = download(&tensors[pass == RNCL_CONV_FORWARD ? 2 : 1]);
    for (size_t t = 0; t < COUNT(tensors); t++)
        release(&tensors[t]);
    return result;
}

/* A value that is not finite spreads to its tile, of m x m pixels, never to zero; other tiles are not
 * concerned. In the filter gradient it spreads to all taps of its channel. */
static void check_spreading(double value, int m)
{
    double *y = convolve_with(value, RNCL_CONV_FORWARD, m);
    for (int at = 0; at < PIXELS * PIXELS * SHORT; at++) {
        const int row = at / SHORT / PIXELS, column = at / SHORT % PIXELS;
        const bool reads = abs(row - ROW) <= 1 && abs(column - COLUMN) <= 1;
        const bool near = abs(row / m - ROW / m) <= 1 && abs(column / m - COLUMN / m) <= 1;
        assert_false(reads && isfinite(y[at]));
        assert_true(near || isfinite(y[at]));
    }
    free(y);
    double *dfilter = convolve_with(value, RNCL_CONV_BACKWARD_FILTER, m);
    for (int at = 0; at < 9 * SHORT * SHORT; at++)
        assert_int_equal(isfinite(dfilter[at]) != 0, at / SHORT % SHORT != CHANNEL);
    free(dfilter);
}

static void integers_keep_what_is_no_number(void **state)
{
    (void)state;
    rncl_context *before;
    begin(&before, RNCL_PRECISION_BF16_TENSORS);
    const bool emulated = emulates_pairs();
    static const double values[] = {NAN, INFINITY, -INFINITY};
    for (size_t i = 0; i < COUNT(values) && emulated; i++)
        for (int m = 2; m <= largest_tile(1); m += 2)
            check_spreading(values[i], m);
    end(before);
    if (!emulated)
        skip();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rounding_is_bounded_in_every_pass),
        cmocka_unit_test(rounding_is_bounded_with_three_products_of_tf32),
        cmocka_unit_test(integers_round_about_as_pairs_of_bfloat16),
        cmocka_unit_test(integers_round_a_filter_gradient_no_more_than_bfloat16),
        cmocka_unit_test(integers_keep_what_is_no_number),
    };
    return cmocka_run_group_tests(tests, open_device, close_device);
}
