/* Buckets of gradients. Two queues: backward goes on in the context's, copies are made in the other. A bucket
 * is a sub-buffer, since OpenCL leaves undefined what a copy of a buffer reads while a kernel writes to a
 * sub-buffer of it. */
#include "gradient_buckets.h"

#include <stdlib.h>

#include "cl_error.h"
#include "host_memory.h"
#include "util.h"

/* ---- cutting ---- */

/* The node of each parameter. */
static void find_owners(const rncl_graph *graph, size_t *owners)
{
    for (size_t i = 0; i < graph->node_count; i++) {
        const rncl_node *node = &graph->nodes[i];
        if (node->weight >= 0)
            owners[node->weight] = i;
        if (node->bias >= 0)
            owners[node->bias] = i;
    }
}

/* Adds what lies in front of the last bucket to it, or begins another. */
static void add(rncl_gradient_buckets *b, rncl_parameter_range range, size_t node, size_t most_floats)
{
    rncl_gradient_bucket *last = b->count ? &b->buckets[b->count - 1] : NULL;
    if (last && range.first + range.count == last->range.first &&
        range.count + last->range.count <= most_floats) {
        last->range.first = range.first;
        last->range.count += range.count;
        last->node = MIN(last->node, node);
        return;
    }
    b->buckets[b->count++] = (rncl_gradient_bucket){.range = range, .node = node};
}

/* Those that backward completes first come first. */
static int compare(const void *a, const void *b)
{
    const rncl_gradient_bucket *one = a, *other = b;
    if (one->node != other->node)
        return one->node > other->node ? -1 : 1;
    return one->range.first > other->range.first ? -1 : 1;
}

rncl_status rncl_gradient_buckets_cut(const rncl_graph *graph, size_t most_floats, rncl_gradient_buckets *out)
{
    size_t end = graph->param_floats;
    size_t *owners = calloc(graph->param_count, sizeof *owners);
    out->buckets = calloc(graph->param_count, sizeof *out->buckets);
    if (!out->buckets || !owners) {
        free(owners);
        return RNCL_FAIL(RNCL_ERR_MEMORY, "%zu gradients", graph->param_floats);
    }
    find_owners(graph, owners);
    for (size_t i = graph->param_count; i-- > 0;) {
        const size_t first = graph->params[i].offset;
        if (!graph->nodes[owners[i]].frozen)
            add(out, (rncl_parameter_range){first, end - first}, owners[i], most_floats);
        end = first;
    }
    free(owners);
    qsort(out->buckets, out->count, sizeof *out->buckets, compare);
    return RNCL_OK;
}

rncl_status rncl_gradient_buckets_init(const rncl_parameters *p, cl_command_queue queue, size_t most_floats,
                                       rncl_gradient_buckets *out)
{
    const rncl_graph *graph = p->graph;
    *out = (rncl_gradient_buckets){.context = p->context, .queue = queue};
    out->host = rncl_host_memory_create_results(p->context, graph->param_floats * sizeof *out->host);
    if (!out->host)
        return RNCL_FAIL(RNCL_ERR_MEMORY, "%zu gradients", graph->param_floats);
    RNCL_TRY(rncl_gradient_buckets_cut(graph, most_floats, out));
    for (size_t i = 0; i < out->count; i++) {
        rncl_gradient_bucket *bucket = &out->buckets[i];
        RNCL_TRY(rncl_buffer_slice(p->gradients, bucket->range.first * sizeof(float),
                                   bucket->range.count * sizeof(float), &bucket->slice));
    }
    return RNCL_OK;
}

void rncl_gradient_buckets_fini(rncl_gradient_buckets *b)
{
    for (size_t i = 0; b->buckets && i < b->count; i++) {
        if (b->buckets[i].read)
            clReleaseEvent(b->buckets[i].read);
        rncl_buffer_release(b->buckets[i].slice);
    }
    free(b->buckets);
    if (b->host)
        rncl_host_memory_destroy(b->context, b->host);
}

/* ---- a step ---- */

static rncl_status read_bucket(rncl_gradient_buckets *b, rncl_gradient_bucket *bucket)
{
    cl_event computed;
    cl_int error = clEnqueueMarkerWithWaitList(b->context->queue, 0, NULL, &computed);
    RNCL_TRY(rncl_cl_status(error, "clEnqueueMarkerWithWaitList", "gradients"));
    clFlush(
        b->context->queue); /* a queue may wait only for what another has been made to send to the device */
    error = clEnqueueReadBuffer(b->queue, bucket->slice, CL_FALSE, 0, bucket->range.count * sizeof(float),
                                b->host + bucket->range.first, 1, &computed, &bucket->read);
    clReleaseEvent(computed);
    RNCL_TRY(rncl_cl_status(error, "clEnqueueReadBuffer", "gradients"));
    return rncl_cl_status(clFlush(b->queue), "clFlush", "the copies of gradients");
}

rncl_status rncl_gradient_buckets_read(rncl_gradient_buckets *b, size_t node)
{
    for (; b->reading < b->count && b->buckets[b->reading].node >= node; b->reading++)
        RNCL_TRY(read_bucket(b, &b->buckets[b->reading]));
    return RNCL_OK;
}

static rncl_status wait_for(rncl_gradient_bucket *bucket)
{
    const cl_int error = clWaitForEvents(1, &bucket->read);
    clReleaseEvent(bucket->read);
    bucket->read = NULL;
    return rncl_cl_status(error, "clWaitForEvents", "gradients");
}

static rncl_status write_bucket(rncl_gradient_buckets *b, const rncl_gradient_bucket *bucket)
{
    const cl_int error =
        clEnqueueWriteBuffer(b->queue, bucket->slice, CL_FALSE, 0, bucket->range.count * sizeof(float),
                             b->host + bucket->range.first, 0, NULL, NULL);
    RNCL_TRY(rncl_cl_status(error, "clEnqueueWriteBuffer", "sums of gradients"));
    return rncl_cl_status(clFlush(b->queue), "clFlush", "the copies of gradients");
}

/* The context's queue goes on when all copies have been made. */
static rncl_status wait_for_copies(const rncl_gradient_buckets *b)
{
    cl_event copied;
    cl_int error = clEnqueueMarkerWithWaitList(b->queue, 0, NULL, &copied);
    RNCL_TRY(rncl_cl_status(error, "clEnqueueMarkerWithWaitList", "sums of gradients"));
    clFlush(b->queue);
    error = clEnqueueBarrierWithWaitList(b->context->queue, 1, &copied, NULL);
    clReleaseEvent(copied);
    return rncl_cl_status(error, "clEnqueueBarrierWithWaitList", "sums of gradients");
}

/* So that what is summed, and what rounding leaves of it for later steps, does not depend on the scale. */
static void unscale(const rncl_gradient_buckets *b, const rncl_parameter_range *range, float factor)
{
    for (size_t i = 0; factor != 1 && i < range->count; i++)
        b->host[range->first + i] *= factor;
}

rncl_status rncl_gradient_buckets_sum(rncl_gradient_buckets *b, const rncl_network_others *others,
                                      float factor)
{
    b->reading = 0;
    for (size_t i = 0; i < b->count; i++) {
        rncl_gradient_bucket *bucket = &b->buckets[i];
        const rncl_parameter_range *range = &bucket->range;
        RNCL_TRY(wait_for(bucket));
        unscale(b, range, factor);
        RNCL_TRY(others->sum(others->user, range->first, range->count, b->host + range->first));
        RNCL_TRY(write_bucket(b, bucket));
    }
    return wait_for_copies(b);
}
