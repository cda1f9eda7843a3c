/* The rounding of Winograd's methods: the relative L2 error of each pass against double precision, where the
 * sums are long (512 channels; for the filter gradient, all pixels of the batch). Bounded by 1e-5; the direct
 * method's is about 1e-6. RNCL_TEST_DEVICE as in test_check.c. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "op.h"
#include "random.h"
#include "reference.h"
#include "util.h"

#define MOST_ERROR 1e-5

/* 14x14 pixels. LONG channels where the pass sums over channels, else SHORT. */
enum { PIXELS = 14, LONG = 512, SHORT = 32 };

static rncl_device_list *devices;
static rncl_context *context;

static int open_device(void **state)
{
    (void)state;
    const rncl_device *device;
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
    double *values;
    cl_mem buffer;
} tensor;

static tensor draw(size_t count, uint32_t stream)
{
    tensor t = {.count = count, .values = malloc(count * sizeof(double))};
    float *rounded = malloc(count * sizeof *rounded);
    assert_non_null(t.values);
    assert_non_null(rounded);
    rncl_random random = rncl_random_stream(0, RNCL_RANDOM_TEST, 0, stream);
    for (size_t i = 0; i < count; i++)
        t.values[i] = rounded[i] = rncl_random_normal(&random);
    must(rncl_buffer_create(context, count * sizeof *rounded, &t.buffer));
    must(rncl_buffer_write(context, t.buffer, 0, count * sizeof *rounded, rounded));
    free(rounded);
    return t;
}

static void release(tensor *t)
{
    rncl_buffer_release(t->buffer);
    free(t->values);
}

/* || device - reference || / || reference || */
static double relative_error(const tensor *result)
{
    float *values = malloc(result->count * sizeof *values);
    double difference = 0, size = 0;
    assert_non_null(values);
    must(rncl_buffer_read(context, result->buffer, 0, result->count * sizeof *values, values));
    for (size_t i = 0; i < result->count; i++) {
        difference += pow(values[i] - result->values[i], 2);
        size += pow(result->values[i], 2);
    }
    free(values);
    return sqrt(difference / size);
}

static const rncl_setting *answer(void *state, const rncl_op_desc *desc, int pass)
{
    (void)desc, (void)pass;
    return state;
}

/* Runs the pass on the device with tiles of m x m pixels. */
static void convolve(const rncl_conv_shape *shape, int pass, int m, const tensor tensors[3])
{
    rncl_setting setting = {.algorithm = "winograd", .count = 1, .knobs = {{.name = "m", .value = m}}};
    const rncl_op_desc desc = {.kind = RNCL_OP_conv, .conv = *shape};
    const rncl_op_choice choice = {.tuned = {.lookup = answer, .state = &setting},
                                   .left_out = ~RNCL_PASS_BIT(pass)};
    rncl_op *op;
    must(rncl_op_create(context, &desc, &choice, &op));
    assert_true(op->passes[pass].tuned);
    must(rncl_op_build(op));
    rncl_op_buffers b = {.x = tensors[0].buffer,
                         .dx = tensors[0].buffer,
                         .weight = tensors[1].buffer,
                         .dweight = tensors[1].buffer,
                         .y = tensors[2].buffer,
                         .dy = tensors[2].buffer};
    if (op->needs.packed_bytes)
        must(rncl_buffer_create(context, op->needs.packed_bytes, &b.packed));
    must(rncl_buffer_create(context, op->needs.workspace_bytes, &b.workspace));
    must(rncl_op_bind(op, b.workspace));
    must(rncl_op_prepare(op, &b));
    must(rncl_op_enqueue(op, pass, &b, &(rncl_op_scalars){0}));
    must(rncl_context_finish(context));
    rncl_op_destroy(op);
    rncl_buffer_release(b.packed);
    rncl_buffer_release(b.workspace);
}

static double error_of(int pass, int stride, int m, int c, int k)
{
    const int outputs = PIXELS / stride;
    const rncl_conv_shape s = {1, PIXELS, PIXELS, c, k, 3, 3, stride, 1, outputs, outputs};
    tensor tensors[] = {
        draw((size_t)(PIXELS * PIXELS * c), 1),
        draw((size_t)(9 * c * k), 2),
        draw((size_t)(outputs * outputs * k), 3),
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
    const double error = relative_error(result);
    for (size_t i = 0; i < COUNT(tensors); i++)
        release(&tensors[i]);
    return error;
}

static void rounding_is_bounded_in_every_pass(void **state)
{
    (void)state;
    static const struct {
        int pass;
        int c, k;
    } passes[] = {
        {RNCL_CONV_FORWARD, LONG, SHORT},
        {RNCL_CONV_BACKWARD_DATA, SHORT, LONG},
        {RNCL_CONV_BACKWARD_FILTER, LONG, SHORT},
    };
    for (size_t i = 0; i < COUNT(passes); i++)
        for (int stride = 1; stride <= 2; stride++)
            for (int m = 2; m <= 4; m += 2) {
                const double error = error_of(passes[i].pass, stride, m, passes[i].c, passes[i].k);
                if (!(error > 0 && error < MOST_ERROR))
                    fail_msg("%s with stride %d, tiles of %dx%d: relative error %g",
                             rncl_op_type_of(RNCL_OP_conv)->passes[passes[i].pass].name, stride, m, m, error);
            }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(rounding_is_bounded_in_every_pass)};
    return cmocka_run_group_tests(tests, open_device, close_device);
}
