/* What the plans of Winograd's convolution share (kernels/conv_winograd.clh): the tiles, and the knobs of the
 * method. */
#ifndef RNCL_OPS_WINOGRAD_TILES_H
#define RNCL_OPS_WINOGRAD_TILES_H

#include "conv.h"

/* Outputs of a tile a side: the knob "m", the first of every plan, whose preset is 4. */
void winograd_add_m_knob(rncl_knobs *knobs);

/* The knob "kv", vectors of vw output channels in a register block; the preset is `wanted` if the channels
 * divide. */
void winograd_add_kv_knob(int channels, int vw, int wanted, rncl_knobs *knobs);

/* Floats a vector: the widest that the device likes and that divides both kinds of channels. */
int winograd_vector(const rncl_context *context, const rncl_winograd_shape *s);

/* Positions of a tile in the transformed domain. */
int winograd_positions(int m);

/* Floats from one position's part of transformed values to the next, where each has `floats`. */
size_t winograd_step(int floats);

/* Tiles of the whole batch. */
int winograd_tile_count(const rncl_winograd_shape *s, int m);

/* What is read (h, w, c) and written (p, q, k) by the forward pass and the input gradient; the filter
 * gradient reads what the forward pass reads and writes. */
rncl_winograd_shape winograd_shape_of(const rncl_conv_plan *plan);

/* 3x3 with stride 1. */
bool winograd_is_possible(const rncl_conv_plan *plan);

/* Besides, on a device that works in whole vectors and work-groups of one work-item: all stages in one. */
bool winograd_fits(const rncl_conv_plan *plan);

/* Whole vectors of channels, and tiles that are mostly inside the image. */
bool winograd_is_worthwhile(const rncl_context *context, const rncl_winograd_shape *s);

#endif
