/* Convolution as a matrix product by CLBlast (Chellapilla et al. 2006): columns [pixels][r s c] times the
 * filter as a matrix [r s c][k]. Images go through in groups, so that the columns stay small. A 1x1
 * convolution with stride 1 is that product as it stands. */
#include <stdlib.h>

#include "conv.h"
#include "gemm.h"
#include "gemm_knobs.h"
#include "launch.h"
#include "util.h"

enum { COLUMNS_BYTES = 64 << 20 };

typedef struct gemm_data {
    int parameters[RNCL_GEMM_PARAMETERS];
    bool in_place;                      /* x is its own matrix of columns */
    int group;                          /* images a product */
    size_t columns_bytes;               /* workspace before that of CLBlast */
    rncl_kernel copy;                   /* im2col or col2im */
    cl_mem columns, scratch, workspace; /* the two parts of `workspace`, cut when it is first seen */
} gemm_data;

static size_t row_length(const rncl_conv_shape *c)
{
    return (size_t)c->r * (size_t)c->s * (size_t)c->c;
}

/* The product of `images` images, without buffers. */
static rncl_gemm product(const rncl_conv_plan *plan, int images)
{
    const rncl_conv_shape *c = &plan->shape;
    size_t pixels = (size_t)images * (size_t)c->p * (size_t)c->q, taps = row_length(c), k = (size_t)c->k;
    switch (plan->pass) {
    case RNCL_CONV_FORWARD: /* y [pixels][k] = columns [pixels][taps] filter [taps][k] */
        return (rncl_gemm){.m = pixels, .n = k, .k = taps, .a_stride = taps, .b_stride = k, .c_stride = k};
    case RNCL_CONV_BACKWARD_DATA: /* dcolumns [pixels][taps] = dy [pixels][k] filter^T [k][taps] */
        return (rncl_gemm){.m = pixels,
                           .n = taps,
                           .k = k,
                           .transpose_b = true,
                           .a_stride = k,
                           .b_stride = k,
                           .c_stride = taps};
    default: /* dfilter [taps][k] = columns^T [taps][pixels] dy [pixels][k] */
        return (rncl_gemm){.m = taps,
                           .n = k,
                           .k = pixels,
                           .transpose_a = true,
                           .a_stride = taps,
                           .b_stride = k,
                           .c_stride = k};
    }
}

static bool im2col_supports(const rncl_conv_plan *plan)
{
    return rncl_gemm_supports(plan->context);
}

static bool is_in_place(const rncl_conv_shape *c)
{
    return c->r == 1 && c->s == 1 && c->stride == 1 && c->pad == 0;
}

static size_t image_bytes(const rncl_conv_shape *c)
{
    return sizeof(float) * (size_t)c->p * (size_t)c->q * row_length(c);
}

static int images_a_product(const rncl_conv_shape *c)
{
    return is_in_place(c) ? c->n : (int)MIN((size_t)c->n, MAX(COLUMNS_BYTES / image_bytes(c), 1));
}

static void im2col_knobs(const rncl_conv_plan *plan, rncl_knobs *knobs)
{
    rncl_gemm_add_knobs(plan->context, knobs);
}

static bool im2col_allows(const rncl_conv_plan *plan)
{
    const rncl_gemm sizes = product(plan, images_a_product(&plan->shape));
    return rncl_gemm_allows(plan->context, &sizes, plan->values);
}

static rncl_status im2col_plan(rncl_conv_plan *plan)
{
    gemm_data *data = plan->data = calloc(1, sizeof *data);
    if (!data)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "plan of im2col_gemm");
    const rncl_conv_shape *c = &plan->shape;
    rncl_gemm_parameters(plan->values, data->parameters);
    data->in_place = is_in_place(c);
    data->group = images_a_product(c);
    if (!data->in_place)
        data->columns_bytes =
            rncl_round_up(image_bytes(c) * (size_t)data->group, plan->context->info.address_alignment);
    /* A matrix that does not begin with its buffer, as those of later groups, may need a copy that the first
     * does not. */
    rncl_gemm later = product(plan, data->group);
    later.a_offset = later.b_offset = later.c_offset = 1;
    rncl_gemm products[] = {product(plan, data->group), later, product(plan, MAX(c->n % data->group, 1))};
    size_t scratch_bytes = sizeof(float);
    for (size_t i = 0; i < COUNT(products); i++) {
        size_t bytes;
        products[i].parameters = data->parameters;
        RNCL_TRY(rncl_gemm_workspace(plan->context, &products[i], &bytes));
        scratch_bytes = MAX(scratch_bytes, bytes);
    }
    plan->workspace_bytes = data->columns_bytes + scratch_bytes;
    return RNCL_OK;
}

static rncl_status im2col_build(rncl_conv_plan *plan)
{
    gemm_data *data = plan->data;
    if (data->in_place)
        return RNCL_OK;
    const char *name = plan->pass == RNCL_CONV_BACKWARD_DATA ? "conv_col2im" : "conv_im2col";
    return rncl_kernel_create(plan->context, "conv/im2col", "", name, &data->copy);
}

/* Cuts the workspace into columns and scratch; once, since a plan is given the same workspace at every step.
 */
static rncl_status cut_workspace(rncl_conv_plan *plan, cl_mem workspace)
{
    gemm_data *data = plan->data;
    if (data->workspace == workspace)
        return RNCL_OK;
    rncl_buffer_release(data->columns);
    rncl_buffer_release(data->scratch);
    data->columns = data->scratch = NULL;
    if (data->columns_bytes)
        RNCL_TRY(rncl_buffer_slice(workspace, 0, data->columns_bytes, &data->columns));
    RNCL_TRY(rncl_buffer_slice(workspace, data->columns_bytes, plan->workspace_bytes - data->columns_bytes,
                               &data->scratch));
    data->workspace = workspace;
    return RNCL_OK;
}

static rncl_status enqueue_copy(rncl_conv_plan *plan, const rncl_conv_buffers *buffers, int first, int images)
{
    const gemm_data *data = plan->data;
    const rncl_conv_shape *c = &plan->shape;
    bool back = plan->pass == RNCL_CONV_BACKWARD_DATA;
    size_t values = back ? (size_t)images * (size_t)c->h * (size_t)c->w * (size_t)c->c
                         : (size_t)images * (size_t)c->p * (size_t)c->q * row_length(c);
    rncl_range range = {.global = {rncl_round_up(values, 64)}, .local = {64, 1, 1}};
    if (back)
        return rncl_launch(plan->context, &data->copy, range, RNCL_STRUCT(*c), RNCL_INT(first),
                           RNCL_INT(images), RNCL_BUFFER(data->columns), RNCL_BUFFER(buffers->x),
                           RNCL_INT(buffers->accumulate));
    return rncl_launch(plan->context, &data->copy, range, RNCL_STRUCT(*c), RNCL_INT(first), RNCL_INT(images),
                       RNCL_BUFFER(buffers->x), RNCL_BUFFER(data->columns));
}

/* The product of images first … first + images - 1 with its buffers. */
static rncl_gemm bound_product(const rncl_conv_plan *plan, const rncl_conv_buffers *buffers, int first,
                               int images)
{
    const gemm_data *data = plan->data;
    const rncl_conv_shape *c = &plan->shape;
    rncl_gemm gemm = product(plan, images);
    size_t y_offset = (size_t)first * (size_t)c->p * (size_t)c->q * (size_t)c->k;
    size_t x_offset = data->in_place ? (size_t)first * (size_t)c->p * (size_t)c->q * row_length(c) : 0;
    cl_mem columns = data->in_place ? buffers->x : data->columns;
    gemm.parameters = data->parameters;
    gemm.workspace = data->scratch;
    switch (plan->pass) {
    case RNCL_CONV_FORWARD:
        gemm.a = columns, gemm.a_offset = x_offset;
        gemm.b = buffers->filter;
        gemm.c = buffers->y, gemm.c_offset = y_offset;
        break;
    case RNCL_CONV_BACKWARD_DATA:
        gemm.a = buffers->y, gemm.a_offset = y_offset;
        gemm.b = buffers->filter;
        gemm.c = columns, gemm.c_offset = x_offset;
        gemm.beta = data->in_place && buffers->accumulate ? 1.0f : 0.0f;
        break;
    default:
        gemm.a = columns, gemm.a_offset = x_offset;
        gemm.b = buffers->y, gemm.b_offset = y_offset;
        gemm.c = buffers->filter;
        gemm.beta = first > 0 || buffers->accumulate ? 1.0f : 0.0f;
        break;
    }
    return gemm;
}

static rncl_status im2col_enqueue(rncl_conv_plan *plan, const rncl_conv_buffers *buffers)
{
    gemm_data *data = plan->data;
    bool back = plan->pass == RNCL_CONV_BACKWARD_DATA;
    RNCL_TRY(cut_workspace(plan, buffers->workspace));
    for (int first = 0; first < plan->shape.n; first += data->group) {
        int images = MIN(data->group, plan->shape.n - first);
        rncl_gemm gemm = bound_product(plan, buffers, first, images);
        if (!data->in_place && !back)
            RNCL_TRY(enqueue_copy(plan, buffers, first, images));
        RNCL_TRY(rncl_gemm_enqueue(plan->context, &gemm));
        if (!data->in_place && back)
            RNCL_TRY(enqueue_copy(plan, buffers, first, images));
    }
    return RNCL_OK;
}

static void im2col_destroy(rncl_conv_plan *plan)
{
    gemm_data *data = plan->data;
    if (!data)
        return;
    rncl_kernel_fini(&data->copy);
    rncl_buffer_release(data->columns);
    rncl_buffer_release(data->scratch);
    free(data);
}

const rncl_conv_algorithm rncl_conv_im2col_gemm = {
    .name = "im2col_gemm",
    .kernels = "conv/im2col",
    .exact = true,
    .supports = im2col_supports,
    .knobs = im2col_knobs,
    .allows = im2col_allows,
    .plan = im2col_plan,
    .build = im2col_build,
    .prepare = NULL,
    .enqueue = im2col_enqueue,
    .destroy = im2col_destroy,
};
