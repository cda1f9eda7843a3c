/* Phases of a strided input gradient. */
#include "conv_phase.h"

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

conv_phase conv_phase_of(const rncl_conv_shape *shape, int row, int column)
{
    const phase_taps v = taps_of_phase(row, shape->stride, shape->r, shape->pad, shape->h),
                     h = taps_of_phase(column, shape->stride, shape->s, shape->pad, shape->w);
    if (!v.count || !h.count)
        return (conv_phase){.p = v.outputs, .q = h.outputs};
    return (conv_phase){
        .r = v.count,
        .s = h.count,
        .row_first = v.first,
        .column_first = h.first,
        .pad_top = v.pad,
        .pad_left = h.pad,
        .p = v.outputs,
        .q = h.outputs,
    };
}
