/* What the plans of the direct convolution's kernels share (kernels/conv/direct.clh): register blocks, and
 * tiles of rows in local memory. */
#ifndef RNCL_OPS_DIRECT_BLOCK_H
#define RNCL_OPS_DIRECT_BLOCK_H

#include "conv.h"

/* Parameters of a kernel, as in conv/direct.clh. */
typedef struct direct_parameters {
    int vw, kv, bh, bw;
    int stage; /* floats of local memory; 0: x is read in place */
} direct_parameters;

/* Floats a vector: the widest that the device likes and that divides the channels. */
int direct_vector(const rncl_context *context, int channels);

/* Knobs of vector width, whose preset is that vector, and of vectors in a register block. */
void direct_add_vector_knobs(const rncl_context *context, const rncl_knob_name names[2], int channels, int kv,
                             rncl_knobs *knobs);

/* Vectors of vw channels in a register block of a filter gradient, untuned. */
int direct_vectors(int channels, int vw);

/* A knob of the rows of a tile: values up to `most`. */
void direct_add_rows_knob(rncl_knob_name name, int preset, int most, rncl_knobs *knobs);

/* The shape of the forward pass, whose y is dense. */
rncl_direct_shape direct_dense_shape(const rncl_conv_shape *c);

/* A 1x1 convolution without stride or padding has no rows: its pixels are laid out in whichever rows make
 * whole blocks. Does nothing to others. */
void direct_flatten(rncl_direct_shape *s);

/* Floats that a tile of so many rows occupies in local memory. */
size_t direct_staged_floats(const rncl_direct_shape *s, int bw, int tile_rows);

/* Floats of local memory that a tile may fill: it should stay in a core's second-level cache, beside the
 * filters. */
size_t direct_stage_limit(const rncl_context *context);

/* Local memory to declare for so many: a power of two where that fits, so that one program serves many
 * shapes. */
int direct_stage_size(const rncl_context *context, size_t floats);

/* Tiles of the whole batch. */
int direct_tile_count(const rncl_direct_shape *s);

/* Shares of the output channels that make work for all cores of few tiles. */
int direct_channel_shares(const rncl_context *context, const rncl_direct_shape *s,
                          const direct_parameters *p);

#endif
