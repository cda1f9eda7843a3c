/* The pictures of an evaluation that a network gets most wrong. */
#ifndef RNCL_TRAIN_WORST_H
#define RNCL_TRAIN_WORST_H

#include "inference.h"
#include "options.h"
#include "raster.h"
#include "verdict.h"

enum { RNCL_WORST_MOST = 24 };

typedef struct rncl_worst {
    struct {
        rncl_verdict verdict;
        rncl_raster picture;    /* as the network saw it, made smaller */
    } entries[RNCL_WORST_MOST]; /* the least share of the right class first */
    int count;
} rncl_worst;

void rncl_worst_fini(rncl_worst *worst); /* harmless on a zeroed one */

/* Looks at a batch of one entry a picture, with logits; `options` are complete. RNCL_ERR_MEMORY. */
rncl_status rncl_worst_add(rncl_worst *worst, const rncl_options *options, const rncl_batch *batch,
                           const rncl_batch_result *result);

#endif
