/* Gradients on their way to other networks, in buckets: contiguous parts of the parameter vector, in the
 * order in which backward completes them. Each is copied to the host while backward goes on, summed there and
 * copied back. */
#ifndef RNCL_NN_GRADIENT_BUCKETS_H
#define RNCL_NN_GRADIENT_BUCKETS_H

#include "parameters.h"

/* What trainings put into a bucket at most: 4 MiB. */
enum { RNCL_GRADIENT_BUCKET_FLOATS = 1 << 20 };

typedef struct rncl_gradient_bucket {
    rncl_parameter_range range;
    size_t node;   /* the last one in backward whose gradients are in the bucket */
    cl_mem slice;  /* of the vector of gradients */
    cl_event read; /* its copy to the host; NULL: none is under way */
} rncl_gradient_bucket;

typedef struct rncl_gradient_buckets {
    rncl_context *context;
    cl_command_queue queue; /* of the copies; borrowed */
    float *host;            /* [param_floats] */
    rncl_gradient_bucket *buckets;
    size_t count;
    size_t reading; /* buckets of this step whose copies to the host have been enqueued */
} rncl_gradient_buckets;

/* Fills in only the buckets' ranges and nodes, as rncl_gradient_buckets_init cuts them. *out is zero before;
 * on failure the caller still calls rncl_gradient_buckets_fini. */
rncl_status rncl_gradient_buckets_cut(const rncl_graph *graph, size_t most_floats,
                                      rncl_gradient_buckets *out);

/* Of the parameters that are not frozen, at most `most_floats` a bucket unless a single parameter has more.
 * `queue` is in order, and another than the context's. On failure the caller still calls
 * rncl_gradient_buckets_fini. */
rncl_status rncl_gradient_buckets_init(const rncl_parameters *parameters, cl_command_queue queue,
                                       size_t most_floats, rncl_gradient_buckets *out);
void rncl_gradient_buckets_fini(rncl_gradient_buckets *buckets); /* takes half-built and zeroed ones */

/* To be called when the gradients of `node` have been enqueued for the last time in a step: enqueues the
 * copies of the buckets that are complete with it. */
rncl_status rncl_gradient_buckets_read(rncl_gradient_buckets *buckets, size_t node);

/* To be called behind backward: waits for one bucket after the other, multiplies it by `factor`, 1 / the
 * loss's scale, and hands it to others->sum. What is enqueued afterwards on the context's queue sees the
 * sums. */
rncl_status rncl_gradient_buckets_sum(rncl_gradient_buckets *buckets, const rncl_network_others *others,
                                      float factor);

#endif
