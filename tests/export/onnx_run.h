/* Runs an ONNX graph as its specification says, in double precision, for one picture: the operators that rncl
 * writes, with the attributes that it gives them. Fails the test for anything else, for a tensor that is read
 * before it is written, and for a name that is written twice. */
#ifndef TESTS_EXPORT_ONNX_RUN_H
#define TESTS_EXPORT_ONNX_RUN_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "onnx.pb-c.h"

enum { MOST_VALUES = 1024 };

typedef struct onnx_value {
    const char *name;
    int rank;
    int64_t dims[4];
    double *data;
} onnx_value;

typedef struct onnx_run {
    const Onnx__GraphProto *graph;
    onnx_value values[MOST_VALUES];
    size_t count;
} onnx_run;

static inline size_t value_size(const onnx_value *value)
{
    size_t size = 1;
    for (int i = 0; i < value->rank; i++)
        size *= (size_t)value->dims[i];
    return size;
}

static inline const onnx_value *find_value(const onnx_run *run, const char *name)
{
    for (size_t i = 0; i < run->count; i++)
        if (!strcmp(run->values[i].name, name))
            return &run->values[i];
    fail_msg("%s is read before it is written", name);
    return NULL;
}

static inline onnx_value *new_value(onnx_run *run, const char *name, int rank, const int64_t *dims)
{
    for (size_t i = 0; i < run->count; i++)
        assert_string_not_equal(run->values[i].name, name);
    assert_true(run->count < MOST_VALUES);
    onnx_value *value = &run->values[run->count++];
    *value = (onnx_value){.name = name, .rank = rank};
    memcpy(value->dims, dims, (size_t)rank * sizeof *dims);
    value->data = calloc(value_size(value), sizeof *value->data);
    assert_non_null(value->data);
    return value;
}

static inline const Onnx__AttributeProto *attribute_of(const Onnx__NodeProto *node, const char *name,
                                                       Onnx__AttributeProto__AttributeType type)
{
    for (size_t i = 0; i < node->n_attribute; i++)
        if (!strcmp(node->attribute[i]->name, name)) {
            assert_int_equal(node->attribute[i]->type, type);
            return node->attribute[i];
        }
    fail_msg("%s has no %s", node->name, name);
    return NULL;
}

static inline const int64_t *ints_of(const Onnx__NodeProto *node, const char *name, size_t count)
{
    const Onnx__AttributeProto *attribute =
        attribute_of(node, name, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS);
    assert_int_equal(attribute->n_ints, count);
    return attribute->ints;
}

/* The window of Conv and MaxPool at one output pixel. */
typedef struct window {
    const int64_t *kernel, *strides, *pads;
} window;

static inline window window_of(const Onnx__NodeProto *node)
{
    return (window){ints_of(node, "kernel_shape", 2), ints_of(node, "strides", 2), ints_of(node, "pads", 4)};
}

static inline int64_t window_output(const window *w, const onnx_value *x, int axis)
{
    return (x->dims[2 + axis] + w->pads[axis] + w->pads[2 + axis] - w->kernel[axis]) / w->strides[axis] + 1;
}

/* Where tap (r, s) of output (p, q) reads in channel c; -1 in the padding. */
static inline int64_t window_index(const window *w, const onnx_value *x, int64_t c, const int64_t at[4])
{
    const int64_t row = at[0] * w->strides[0] - w->pads[0] + at[2];
    const int64_t column = at[1] * w->strides[1] - w->pads[1] + at[3];
    if (row < 0 || row >= x->dims[2] || column < 0 || column >= x->dims[3])
        return -1;
    return (c * x->dims[2] + row) * x->dims[3] + column;
}

static inline double conv_sum(const window *w, const onnx_value *x, const double *filter, int64_t p,
                              int64_t q)
{
    double sum = 0;
    for (int64_t c = 0; c < x->dims[1]; c++)
        for (int64_t r = 0; r < w->kernel[0]; r++)
            for (int64_t s = 0; s < w->kernel[1]; s++) {
                const int64_t index = window_index(w, x, c, (const int64_t[]){p, q, r, s});
                if (index >= 0)
                    sum += x->data[index] * filter[(c * w->kernel[0] + r) * w->kernel[1] + s];
            }
    return sum;
}

static inline void run_conv(onnx_run *run, const Onnx__NodeProto *node, const onnx_value *const *in)
{
    const window w = window_of(node);
    const onnx_value *x = in[0], *filter = in[1];
    assert_int_equal(filter->dims[1], x->dims[1]);
    const int64_t dims[] = {1, filter->dims[0], window_output(&w, x, 0), window_output(&w, x, 1)};
    onnx_value *y = new_value(run, node->output[0], 4, dims);
    double *out = y->data;
    for (int64_t k = 0; k < dims[1]; k++)
        for (int64_t p = 0; p < dims[2]; p++)
            for (int64_t q = 0; q < dims[3]; q++)
                *out++ = (node->n_input > 2 ? in[2]->data[k] : 0) +
                         conv_sum(&w, x, filter->data + k * (int64_t)value_size(filter) / dims[1], p, q);
}

static inline void run_maxpool(onnx_run *run, const Onnx__NodeProto *node, const onnx_value *const *in)
{
    const window w = window_of(node);
    const int64_t dims[] = {1, in[0]->dims[1], window_output(&w, in[0], 0), window_output(&w, in[0], 1)};
    onnx_value *y = new_value(run, node->output[0], 4, dims);
    for (int64_t i = 0; i < (int64_t)value_size(y); i++) {
        const int64_t c = i / dims[2] / dims[3], p = i / dims[3] % dims[2], q = i % dims[3];
        y->data[i] = -INFINITY;
        for (int64_t tap = 0; tap < w.kernel[0] * w.kernel[1]; tap++) {
            const int64_t index =
                window_index(&w, in[0], c, (const int64_t[]){p, q, tap / w.kernel[1], tap % w.kernel[1]});
            if (index >= 0)
                y->data[i] = fmax(y->data[i], in[0]->data[index]);
        }
    }
}

static inline void run_batchnorm(onnx_run *run, const Onnx__NodeProto *node, const onnx_value *const *in)
{
    const double epsilon =
        (double)attribute_of(node, "epsilon", ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT)->f;
    onnx_value *y = new_value(run, node->output[0], 4, in[0]->dims);
    const size_t pixels = (size_t)(y->dims[2] * y->dims[3]);
    for (size_t i = 0; i < value_size(y); i++) {
        const size_t c = i / pixels;
        y->data[i] = in[1]->data[c] * (in[0]->data[i] - in[3]->data[c]) / sqrt(in[4]->data[c] + epsilon) +
                     in[2]->data[c];
    }
}

/* Add, Sub, Div of equal shapes, or of a second one with a number for each channel; Relu. */
static inline void run_elementwise(onnx_run *run, const Onnx__NodeProto *node, const onnx_value *const *in)
{
    onnx_value *y = new_value(run, node->output[0], 4, in[0]->dims);
    const size_t size = value_size(y), pixels = (size_t)(y->dims[2] * y->dims[3]);
    const bool each = node->n_input > 1 && value_size(in[1]) != size;
    if (node->n_input > 1)
        assert_true(in[1]->dims[1] == y->dims[1] && (!each || (in[1]->dims[2] == 1 && in[1]->dims[3] == 1)));
    for (size_t i = 0; i < size; i++) {
        const double a = in[0]->data[i], b = node->n_input > 1 ? in[1]->data[each ? i / pixels : i] : 0;
        switch (node->op_type[0]) {
        case 'A':
            y->data[i] = a + b;
            break;
        case 'S':
            y->data[i] = a - b;
            break;
        case 'D':
            y->data[i] = a / b;
            break;
        default:
            y->data[i] = fmax(a, 0);
        }
    }
}

/* From 0 to the end of the two axes of pixels. */
static inline void run_slice(onnx_run *run, const Onnx__NodeProto *node, const onnx_value *const *in)
{
    const onnx_value *x = in[0];
    int64_t steps[2], dims[] = {1, x->dims[1], 0, 0};
    for (int i = 0; i < 2; i++) {
        assert_true(in[1]->data[i] == 0 && in[2]->data[i] == (double)x->dims[2 + i] &&
                    in[3]->data[i] == 2 + i);
        steps[i] = (int64_t)in[4]->data[i];
        dims[2 + i] = (x->dims[2 + i] + steps[i] - 1) / steps[i];
    }
    onnx_value *y = new_value(run, node->output[0], 4, dims);
    for (int64_t i = 0; i < (int64_t)value_size(y); i++) {
        const int64_t c = i / dims[2] / dims[3], p = i / dims[3] % dims[2], q = i % dims[3];
        y->data[i] = x->data[(c * x->dims[2] + p * steps[0]) * x->dims[3] + q * steps[1]];
    }
}

/* Zeros behind the last channel. */
static inline void run_pad(onnx_run *run, const Onnx__NodeProto *node, const onnx_value *const *in)
{
    assert_int_equal(value_size(in[1]), 8);
    for (int i = 0; i < 8; i++)
        assert_true(i == 5 || in[1]->data[i] == 0);
    const onnx_value *x = in[0];
    const int64_t dims[] = {1, x->dims[1] + (int64_t)in[1]->data[5], x->dims[2], x->dims[3]};
    memcpy(new_value(run, node->output[0], 4, dims)->data, x->data, value_size(x) * sizeof *x->data);
}

static inline void run_average(onnx_run *run, const Onnx__NodeProto *node, const onnx_value *const *in)
{
    onnx_value *y = new_value(run, node->output[0], 4, (const int64_t[]){1, in[0]->dims[1], 1, 1});
    const size_t pixels = (size_t)(in[0]->dims[2] * in[0]->dims[3]);
    for (size_t i = 0; i < value_size(in[0]); i++)
        y->data[i / pixels] += in[0]->data[i] / (double)pixels;
}

static inline void run_flatten(onnx_run *run, const Onnx__NodeProto *node, const onnx_value *const *in)
{
    onnx_value *y = new_value(run, node->output[0], 2, (const int64_t[]){1, (int64_t)value_size(in[0])});
    memcpy(y->data, in[0]->data, value_size(y) * sizeof *y->data);
}

static inline void run_gemm(onnx_run *run, const Onnx__NodeProto *node, const onnx_value *const *in)
{
    assert_int_equal(attribute_of(node, "transB", ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT)->i, 1);
    const int64_t outputs = in[1]->dims[0], inputs = in[1]->dims[1];
    assert_int_equal(in[0]->dims[1], inputs);
    onnx_value *y = new_value(run, node->output[0], 2, (const int64_t[]){1, outputs});
    for (int64_t k = 0; k < outputs; k++) {
        y->data[k] = in[2]->data[k];
        for (int64_t c = 0; c < inputs; c++)
            y->data[k] += in[0]->data[c] * in[1]->data[k * inputs + c];
    }
}

static const struct {
    const char *type;
    size_t inputs_least, inputs_most, attributes;
    void (*run)(onnx_run *run, const Onnx__NodeProto *node, const onnx_value *const *in);
} operators[] = {
    {"Conv", 2, 3, 3, run_conv},       {"MaxPool", 1, 1, 3, run_maxpool},
    {"Add", 2, 2, 0, run_elementwise}, {"BatchNormalization", 5, 5, 1, run_batchnorm},
    {"Sub", 2, 2, 0, run_elementwise}, {"GlobalAveragePool", 1, 1, 0, run_average},
    {"Div", 2, 2, 0, run_elementwise}, {"Relu", 1, 1, 0, run_elementwise},
    {"Slice", 5, 5, 0, run_slice},     {"Pad", 2, 2, 0, run_pad},
    {"Gemm", 3, 3, 1, run_gemm},       {"Flatten", 1, 1, 0, run_flatten},
};

static inline void run_node(onnx_run *run, const Onnx__NodeProto *node)
{
    const onnx_value *in[5];
    for (size_t i = 0; i < sizeof operators / sizeof *operators; i++) {
        if (strcmp(operators[i].type, node->op_type) != 0)
            continue;
        assert_in_range(node->n_input, operators[i].inputs_least, operators[i].inputs_most);
        assert_int_equal(node->n_attribute, operators[i].attributes);
        assert_int_equal(node->n_output, 1);
        for (size_t k = 0; k < node->n_input; k++)
            in[k] = find_value(run, node->input[k]);
        operators[i].run(run, node, in);
        return;
    }
    fail_msg("operator %s", node->op_type);
}

static inline void add_constant(onnx_run *run, const Onnx__TensorProto *tensor)
{
    onnx_value *value = new_value(run, tensor->name, (int)tensor->n_dims, tensor->dims);
    const bool is_float = tensor->data_type == ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT;
    assert_true(is_float || tensor->data_type == ONNX__TENSOR_PROTO__DATA_TYPE__INT64);
    assert_int_equal(tensor->raw_data.len, value_size(value) * (is_float ? 4 : 8));
    for (size_t i = 0; i < value_size(value); i++) {
        float number;
        int64_t integer;
        if (is_float)
            memcpy(&number, tensor->raw_data.data + 4 * i, sizeof number);
        else
            memcpy(&integer, tensor->raw_data.data + 8 * i, sizeof integer);
        value->data[i] = is_float ? (double)number : (double)integer;
    }
}

/* Runs the graph on one picture [c][h][w]; finish_run frees its values. */
static inline void run_graph(onnx_run *run, const Onnx__GraphProto *graph, const float *picture)
{
    *run = (onnx_run){.graph = graph};
    const Onnx__TensorShapeProto *shape = graph->input[0]->type->tensor_type->shape;
    int64_t dims[4] = {1};
    for (int i = 1; i < 4; i++)
        dims[i] = shape->dim[i]->dim_value;
    onnx_value *input = new_value(run, graph->input[0]->name, 4, dims);
    for (size_t i = 0; i < value_size(input); i++)
        input->data[i] = (double)picture[i];
    for (size_t i = 0; i < graph->n_initializer; i++)
        add_constant(run, graph->initializer[i]);
    for (size_t i = 0; i < graph->n_node; i++)
        run_node(run, graph->node[i]);
}

static inline void finish_run(onnx_run *run)
{
    for (size_t i = 0; i < run->count; i++)
        free(run->values[i].data);
    run->count = 0;
}

#endif
