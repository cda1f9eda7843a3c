/* Tiles and knobs, shared by the plans of Winograd's convolution (kernels/conv/winograd.clh). */
#ifndef RNCL_OPS_WINOGRAD_TILES_H
#define RNCL_OPS_WINOGRAD_TILES_H

#include "conv.h"

/* Images less than SMALL_IMAGE wide, of at least 4, pay from FEWEST_SMALL_TILES tiles of 4x4 pixels on: the
 * direct method multiplies much padding there. */
enum { SMALL_IMAGE = 7, FEWEST_SMALL_TILES = 16 };

/* What a value of the knob "m" means for a pass: tiles of `tile` x `tile` pixels of the tensor that is
 * written (of y for the filter gradient), `positions` products for each, with `filters` transformed values
 * of the 3x3 filter. */
typedef struct winograd_tiling {
    int tile, positions, filters;
} winograd_tiling;

winograd_tiling winograd_tiling_of(const rncl_pass *pass, int m);

/* The preset of m: 2 or 4, whichever takes fewer multiplications. */
int winograd_preset_m(const rncl_pass *pass);

/* Adds the knob m. Returns its preset. */
int winograd_add_m_knob(const rncl_pass *pass, rncl_knob_name name, rncl_knobs *knobs);

/* Adds a knob for the vectors, of vw output channels, in a register block. The preset is 2 if that divides
 * the channels and winograd_taps_fit. */
void winograd_add_kv_knob(const rncl_pass *pass, rncl_knob_name name, rncl_knobs *knobs);

/* Whether local memory has room for the taps of kv vectors, which are copied there to be transformed. */
bool winograd_taps_fit(const rncl_pass *pass, int kv);

/* Whether it multiplies pairs of integers (kernels/conv/fixed.clh), for tensors of bfloat16 on x86: where
 * errors are then about the direct method's or smaller. Those of F(4x4, 3x3) with stride 2 would be larger.
 */
bool winograd_is_fixed(const rncl_pass *pass, int m);

/* Appends what says so to the kernels. */
void winograd_add_fixed_option(const rncl_pass *pass, int m, char options[RNCL_OPTIONS_SIZE]);

/* See rncl_row. */
double winograd_rounding(const rncl_pass *pass, int m);

/* Floats a vector: the widest that suits the device and divides both kinds of channels. */
int winograd_vector(const rncl_pass *pass, const rncl_winograd_shape *s);

/* Distance, in floats, between the parts of two positions of transformed data, `floats` each: with a gap
 * for the cache. */
size_t winograd_step(int floats);

/* Number of tiles of `tile` x `tile` pixels in the whole batch. */
int winograd_tile_count(const rncl_winograd_shape *s, int tile);

/* Sizes of the tensors that the pass reads (h, w, c) and writes (p, q, k). For the filter gradient they
 * are those of the forward pass. */
rncl_winograd_shape winograd_shape_of(const rncl_pass *pass);

/* Whether the method with separate stages is possible: 3x3 with stride 1. */
bool winograd_is_possible(const rncl_pass *pass);

/* Whether the fused method is possible: 3x3 with stride 1 or 2, on a device of class CPU_VECTOR. */
bool winograd_fits(const rncl_pass *pass);

/* Whether the pass is the input gradient of a convolution with stride 2. */
bool winograd_is_strided_dx(const rncl_pass *pass);

/* Whether channels make whole vectors and tiles are mostly inside the image, and more is saved than by
 * products of pairs, which halve the instructions: with stride 2 it is not. */
bool winograd_is_worthwhile(const rncl_pass *pass);

#endif
