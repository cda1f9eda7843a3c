/* Phases of an input gradient. */
#include "phases.h"

#include "util.h"

/* The taps, of `taps` along one side, that reach the input positions phase, phase + stride, …: first - i *
 * stride for i < count. `pad` is the padding of their convolution over dy. */
typedef struct phase_taps {
    int count, first, pad, outputs;
} phase_taps;

static phase_taps taps_of_phase(int phase, int stride, int taps, int pad, int input_size)
{
    int least = (phase + pad) % stride;
    int count = taps > least ? rncl_ceil_div(taps - least, stride) : 0;
    return (phase_taps){
        .count = count,
        .first = least + stride * (count - 1),
        .pad = count - 1 - (phase + pad - least) / stride,
        .outputs = input_size > phase ? rncl_ceil_div(input_size - phase, stride) : 0,
    };
}

bool conv_phase_of(const rncl_conv_shape *c, int row, int column, conv_phase *out)
{
    const phase_taps vertical = taps_of_phase(row, c->stride, c->r, c->pad, c->h);
    const phase_taps horizontal = taps_of_phase(column, c->stride, c->s, c->pad, c->w);
    const bool reached = vertical.count && horizontal.count;
    if (!vertical.outputs || !horizontal.outputs)
        return false;
    out->shape = (rncl_direct_shape){
        .n = c->n,
        .h = c->p,
        .w = c->q,
        .c = c->k,
        .r = reached ? vertical.count : 0,
        .s = reached ? horizontal.count : 0,
        .stride = 1,
        .pad_top = reached ? vertical.pad : 0,
        .pad_left = reached ? horizontal.pad : 0,
        .p = vertical.outputs,
        .q = horizontal.outputs,
        .k = c->c,
        .out_h = c->h,
        .out_w = c->w,
        .out_stride = c->stride,
        .out_row = row,
        .out_column = column,
    };
    out->pack = (rncl_pack_shape){
        .out = c->c,
        .in = c->k,
        .r = out->shape.r,
        .s = out->shape.s,
        .row_first = vertical.first,
        .row_step = -c->stride,
        .column_first = horizontal.first,
        .column_step = -c->stride,
        .row_stride = c->s * c->c * c->k,
        .column_stride = c->c * c->k,
        .in_stride = 1,
        .out_stride = c->k,
    };
    return true;
}

size_t conv_packed_floats(const rncl_pack_shape *p)
{
    return (size_t)p->r * (size_t)p->s * (size_t)p->in * (size_t)p->out;
}
