/* Register blocks and tiles, shared by the plans of the direct convolution's kernels
 * (kernels/conv/direct.clh). */
#ifndef RNCL_OPS_DIRECT_BLOCK_H
#define RNCL_OPS_DIRECT_BLOCK_H

#include "conv.h"

/* Parameters of a kernel, as in conv/direct.clh. */
typedef struct direct_parameters {
    int vw, kv, bh, bw;
    int stage; /* floats of local memory; 0: x is read in place */
} direct_parameters;

/* Whether kernels with vectors of `vw` floats multiply pairs of bfloat16 (kernels/conv/pairs.clh): where the
 * tensors are of these and the CPU has the instruction. */
bool direct_has_pairs(const rncl_pass *pass, int vw);

/* Appends the options for that to a kernel's options. */
void direct_add_pairs_option(const rncl_pass *pass, char options[RNCL_OPTIONS_SIZE]);

/* Floats a vector: the widest that suits the device and divides the channels. */
int direct_vector(const rncl_context *context, int channels);

/* Adds knobs for the vector width (preset: direct_vector) and for the vectors in a register block. */
void direct_add_vector_knobs(const rncl_context *context, const rncl_knob_name names[2], int channels, int kv,
                             rncl_knobs *knobs);

/* Preset number of vectors, of vw channels each, in a register block of a filter gradient. */
int direct_vectors(int channels, int vw);

/* Adds a knob for the rows of a tile, with values up to `most`. */
void direct_add_rows_knob(rncl_knob_name name, int preset, int most, rncl_knobs *knobs);

/* The shape of the forward pass, whose y is dense. */
rncl_direct_shape direct_dense_shape(const rncl_conv_shape *c);

/* In a 1x1 convolution without stride or padding the arrangement of pixels does not matter: arranges them
 * in rows that make whole blocks. Leaves other shapes unchanged. */
void direct_flatten(rncl_direct_shape *s);

/* Floats that a tile of so many rows occupies in local memory. */
size_t direct_staged_floats(const rncl_direct_shape *s, int bw, int tile_rows);

/* Most floats of local memory for a tile: it should stay in a core's second-level cache, together with the
 * filters. */
size_t direct_stage_limit(const rncl_context *context);

/* Floats of local memory to declare for `floats`: rounded up to a power of two where that fits, so that
 * one program serves many shapes. */
int direct_stage_size(const rncl_context *context, size_t floats);

/* Number of tiles in the whole batch. */
int direct_tile_count(const rncl_direct_shape *s);

/* Into how many shares the output channels are split, so that all cores have work when there are few
 * tiles. */
int direct_channel_shares(const rncl_context *context, const rncl_direct_shape *s,
                          const direct_parameters *p);

#endif
