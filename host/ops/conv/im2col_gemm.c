/* Convolution as a matrix product by CLBlast (Chellapilla et al. 2006): columns [pixels][r s c] times the
 * filter as a matrix [r s c][k]. Images are processed in groups, so that the columns stay small. A 1x1
 * convolution with stride 1 is that product without columns. */
#include <stdlib.h>

#include "conv.h"
#include "elementwise.h"
#include "gemm.h"
#include "gemm_knobs.h"
#include "util.h"

enum { COLUMNS_BYTES = 64 << 20 };

typedef struct gemm_data {
    int parameters[RNCL_GEMM_PARAMETERS];
    bool in_place;           /* x is its own matrix of columns */
    int group;               /* images a product */
    size_t columns_bytes;    /* the columns' part of the workspace; CLBlast's follows */
    rncl_kernel copy;        /* im2col or col2im */
    cl_mem columns, scratch; /* the two parts of the workspace */
} gemm_data;

static size_t row_length(const rncl_conv_shape *c)
{
    return (size_t)c->r * (size_t)c->s * (size_t)c->c;
}

/* The product of `images` images, without buffers. */
static rncl_gemm product(const rncl_pass *pass, int images)
{
    const rncl_conv_shape *c = &pass->desc.conv;
    size_t pixels = (size_t)images * (size_t)c->p * (size_t)c->q, taps = row_length(c), k = (size_t)c->k;
    switch (pass->index) {
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

static bool im2col_supports(const rncl_pass *pass)
{
    return rncl_gemm_supports(pass->context);
}

static size_t image_bytes(const rncl_conv_shape *c)
{
    return sizeof(float) * (size_t)c->p * (size_t)c->q * row_length(c);
}

static int images_a_product(const rncl_conv_shape *c)
{
    return conv_is_product(c) ? c->n : (int)MIN((size_t)c->n, MAX(COLUMNS_BYTES / image_bytes(c), 1));
}

static void im2col_knobs(const rncl_pass *pass, rncl_knobs *knobs)
{
    rncl_gemm_add_knobs(pass->context, knobs);
}

static bool im2col_allows(const rncl_pass *pass)
{
    const rncl_gemm sizes = product(pass, images_a_product(&pass->desc.conv));
    return rncl_gemm_allows(pass->context, &sizes, pass->values);
}

static rncl_status im2col_plan(rncl_pass *pass)
{
    gemm_data *data = pass->data = calloc(1, sizeof *data);
    if (!data)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "plan of im2col_gemm");
    const rncl_conv_shape *c = &pass->desc.conv;
    rncl_gemm_parameters(pass->values, data->parameters);
    data->in_place = conv_is_product(c);
    data->group = images_a_product(c);
    if (!data->in_place)
        data->columns_bytes =
            rncl_round_up(image_bytes(c) * (size_t)data->group, pass->context->info.address_alignment);
    /* Matrices of later groups have an offset into their buffer, and CLBlast may then need a copy that the
     * first group does not need. */
    rncl_gemm later = product(pass, data->group);
    later.a_offset = later.b_offset = later.c_offset = 1;
    rncl_gemm products[] = {product(pass, data->group), later, product(pass, MAX(c->n % data->group, 1))};
    size_t scratch_bytes = sizeof(float);
    for (size_t i = 0; i < COUNT(products); i++) {
        size_t bytes;
        products[i].parameters = data->parameters;
        RNCL_TRY(rncl_gemm_workspace(pass->context, &products[i], &bytes));
        scratch_bytes = MAX(scratch_bytes, bytes);
    }
    pass->workspace_bytes = data->columns_bytes + scratch_bytes;
    return RNCL_OK;
}

static rncl_status im2col_build(rncl_pass *pass)
{
    gemm_data *data = pass->data;
    if (data->in_place)
        return RNCL_OK;
    const char *name = pass->index == RNCL_CONV_BACKWARD_DATA ? "conv_col2im" : "conv_im2col";
    RNCL_TRY(rncl_pass_kernel(pass, "conv/im2col", "", name, &data->copy));
    return rncl_kernel_require(pass->context, &data->copy, (size_t)rncl_elementwise_local(pass->context));
}

static void release_parts(gemm_data *data)
{
    rncl_buffer_release(data->columns);
    rncl_buffer_release(data->scratch);
    data->columns = data->scratch = NULL;
}

static rncl_status im2col_bind(rncl_pass *pass, cl_mem workspace)
{
    gemm_data *data = pass->data;
    release_parts(data);
    if (data->columns_bytes)
        RNCL_TRY(rncl_buffer_slice(workspace, 0, data->columns_bytes, &data->columns));
    return rncl_buffer_slice(workspace, data->columns_bytes, pass->workspace_bytes - data->columns_bytes,
                             &data->scratch);
}

/* Images `first` to first + images - 1: x to columns, or columns to dx. */
typedef struct image_group {
    int first, images;
} image_group;

static rncl_status enqueue_copy(rncl_pass *pass, const rncl_op_buffers *b, image_group group, bool accumulate)
{
    const gemm_data *data = pass->data;
    const rncl_conv_shape *c = &pass->desc.conv;
    const size_t images = (size_t)group.images;
    if (pass->index == RNCL_CONV_BACKWARD_DATA) {
        const size_t values = images * (size_t)c->h * (size_t)c->w * (size_t)c->c;
        return rncl_launch(pass->context, &data->copy, rncl_elementwise_range(pass->context, values, 1),
                           RNCL_STRUCT(*c), RNCL_INT(group.first), RNCL_INT(group.images),
                           RNCL_BUFFER(data->columns), RNCL_BUFFER(b->dx), RNCL_INT(accumulate));
    }
    const size_t values = images * (size_t)c->p * (size_t)c->q * row_length(c);
    return rncl_launch(pass->context, &data->copy, rncl_elementwise_range(pass->context, values, 1),
                       RNCL_STRUCT(*c), RNCL_INT(group.first), RNCL_INT(group.images), RNCL_BUFFER(b->x),
                       RNCL_BUFFER(data->columns));
}

/* The group's product with its buffers. */
static rncl_gemm bound_product(const rncl_pass *pass, const rncl_op_buffers *b, image_group group,
                               bool accumulate)
{
    const gemm_data *data = pass->data;
    const rncl_conv_shape *c = &pass->desc.conv;
    const size_t pixels = (size_t)group.first * (size_t)c->p * (size_t)c->q;
    const size_t y_offset = pixels * (size_t)c->k, x_offset = data->in_place ? pixels * row_length(c) : 0;
    const bool backward_data = pass->index == RNCL_CONV_BACKWARD_DATA;
    const cl_mem columns = !data->in_place ? data->columns : backward_data ? b->dx : b->x;
    rncl_gemm gemm = product(pass, group.images);
    gemm.parameters = data->parameters;
    gemm.workspace = data->scratch;
    if (backward_data) {
        gemm.a = b->dy, gemm.a_offset = y_offset;
        gemm.b = b->weight;
        gemm.c = columns, gemm.c_offset = x_offset;
        gemm.beta = data->in_place && accumulate ? 1.0f : 0.0f;
        return gemm;
    }
    gemm.a = columns, gemm.a_offset = x_offset;
    if (conv_is_dfilter(pass)) {
        gemm.b = b->dy, gemm.b_offset = y_offset;
        gemm.c = b->dweight;
        gemm.beta = group.first > 0 || accumulate ? 1.0f : 0.0f;
    } else {
        gemm.b = b->weight;
        gemm.c = b->y, gemm.c_offset = y_offset;
    }
    return gemm;
}

static rncl_status im2col_enqueue(rncl_pass *pass, const rncl_op_buffers *b, const rncl_op_scalars *scalars)
{
    const gemm_data *data = pass->data;
    const bool back = pass->index == RNCL_CONV_BACKWARD_DATA,
               accumulate = rncl_pass_accumulates(pass, scalars);
    for (int first = 0; first < pass->desc.conv.n; first += data->group) {
        const image_group group = {first, MIN(data->group, pass->desc.conv.n - first)};
        const rncl_gemm gemm = bound_product(pass, b, group, accumulate);
        if (!data->in_place && !back)
            RNCL_TRY(enqueue_copy(pass, b, group, accumulate));
        RNCL_TRY(rncl_gemm_enqueue(pass->context, &gemm));
        if (!data->in_place && back)
            RNCL_TRY(enqueue_copy(pass, b, group, accumulate));
    }
    return RNCL_OK;
}

static void im2col_destroy(rncl_pass *pass)
{
    gemm_data *data = pass->data;
    rncl_kernel_fini(&data->copy);
    release_parts(data);
    free(data);
}

const rncl_row rncl_conv_im2col_gemm = {
    .name = "im2col_gemm",
    .programs = {"conv/im2col"},
    .exact = true,
    .supports = im2col_supports,
    .knobs = im2col_knobs,
    .allows = im2col_allows,
    .plan = im2col_plan,
    .build = im2col_build,
    .bind = im2col_bind,
    .enqueue = im2col_enqueue,
    .destroy = im2col_destroy,
};
