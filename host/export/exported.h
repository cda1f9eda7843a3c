/* A trained network, as the writers of other programs' formats take it. */
#ifndef RNCL_EXPORT_EXPORTED_H
#define RNCL_EXPORT_EXPORTED_H

#include "model.h"

typedef struct rncl_exported {
    const rncl_graph *graph;     /* one that runs */
    const rncl_model_meta *meta; /* mean and std are those that pictures are normalised with */
    const float *params, *state; /* the graph's vectors */
} rncl_exported;

#endif
