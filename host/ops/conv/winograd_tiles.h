/* What the plans of Winograd's convolution share (kernels/conv/winograd.clh): the tiles, and the knobs of the
 * method. */
#ifndef RNCL_OPS_WINOGRAD_TILES_H
#define RNCL_OPS_WINOGRAD_TILES_H

#include "conv.h"

/* What a knob "m" means for a pass: of tiles of `tile` x `tile` pixels of what is written (of y for the
 * filter gradient), `positions` products with `filters` transformed values of the 3x3 filter. */
typedef struct winograd_tiling {
    int tile, positions, filters;
} winograd_tiling;

winograd_tiling winograd_tiling_of(const rncl_pass *pass, int m);

/* What takes fewer multiplications, 2 or 4. */
int winograd_preset_m(const rncl_pass *pass);

/* The knob m, of tiles. Returns its preset. */
int winograd_add_m_knob(const rncl_pass *pass, rncl_knob_name name, rncl_knobs *knobs);

/* A knob of the vectors of vw output channels in a register block: preset to 2 if the channels divide. */
void winograd_add_kv_knob(rncl_knob_name name, int channels, int vw, rncl_knobs *knobs);

/* Floats a vector: the widest that the device likes and that divides both kinds of channels. */
int winograd_vector(const rncl_context *context, const rncl_winograd_shape *s);

/* Floats from one position's part of transformed values to the next, where each has `floats`. */
size_t winograd_step(int floats);

/* Tiles of the whole batch, of `tile` x `tile` pixels. */
int winograd_tile_count(const rncl_winograd_shape *s, int tile);

/* What is read (h, w, c) and written (p, q, k) by the forward pass and the input gradient; the filter
 * gradient reads what the forward pass reads and writes. */
rncl_winograd_shape winograd_shape_of(const rncl_pass *pass);

/* 3x3 with stride 1: the stages one by one. */
bool winograd_is_possible(const rncl_pass *pass);

/* 3x3 with stride 1 or 2 on a device that works in whole vectors and work-groups of one work-item: all stages
 * in one. */
bool winograd_fits(const rncl_pass *pass);

/* Whether outputs are spread over twice as many rows and columns: the input gradient of stride 2. */
bool winograd_is_strided_dx(const rncl_pass *pass);

/* Whole vectors of channels, and tiles that are mostly inside the image. */
bool winograd_is_worthwhile(const rncl_pass *pass);

#endif
