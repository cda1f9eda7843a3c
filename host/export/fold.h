/* Batch normalisation as part of the convolution before it. */
#ifndef RNCL_EXPORT_FOLD_H
#define RNCL_EXPORT_FOLD_H

#include "exported.h"

/* Whether nodes[conv] is a convolution whose result only the batch normalisation behind it reads. */
bool rncl_fold_possible(const rncl_graph *graph, size_t conv);

/* In inference bn(conv(x)) = conv'(x) + bias with
 *
 *   factor = weight / sqrt(running variance + epsilon),   filter' = factor filter,   bias = beta - factor
 * mean
 *
 * for each output channel (Ioffe and Szegedy 2015, algorithm 2). nodes[conv] and the node behind it are such
 * a pair. Computed in double precision; filter [out][in][h][w], bias [out]. */
void rncl_fold(const rncl_exported *model, size_t conv, float *filter, float *bias);

#endif
