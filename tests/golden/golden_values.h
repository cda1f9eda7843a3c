/* Weights and pictures of the golden networks, generated as in make_network_golden.py: the same hash, the
 * same float operations. */
#ifndef TESTS_GOLDEN_VALUES_H
#define TESTS_GOLDEN_VALUES_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { GOLDEN_BATCH = 4, GOLDEN_CLASSES = 10, GOLDEN_STEPS = 10, GOLDEN_SUMS = 16 };

/* A tensor's norm, and signed sums of its elements in PyTorch's order; golden_add gives the signs. */
typedef struct golden_tensor {
    const char *name;
    double norm, sums[GOLDEN_SUMS];
} golden_tensor;

/* Rows of tensors: one for each parameter; `running`: a mean and a variance for each batch normalisation. */
typedef struct golden_network {
    const char *name;
    float lr;
    double loss; /* of the first step */
    double inference[GOLDEN_BATCH * GOLDEN_CLASSES], training[GOLDEN_BATCH * GOLDEN_CLASSES]; /* logits */
    const golden_tensor *gradient, *running; /* of the first step */
    const golden_tensor *update;             /* of all steps */
} golden_network;

/* lowbias32 (Wellons). */
static inline uint32_t golden_mix(uint32_t x)
{
    x = (x ^ x >> 16) * UINT32_C(0x7feb352d);
    x = (x ^ x >> 15) * UINT32_C(0x846ca68b);
    return x ^ x >> 16;
}

/* FNV-1a hash of `name`. */
static inline uint32_t golden_stream(const char *name)
{
    uint32_t stream = UINT32_C(2166136261);
    for (; *name; name++)
        stream = (stream ^ (unsigned char)*name) * UINT32_C(16777619);
    return stream;
}

static inline uint32_t golden_hash(uint32_t stream, size_t index)
{
    return golden_mix(golden_mix((uint32_t)index) + stream);
}

/* How the elements of one tensor are drawn: middle +- spread. */
typedef struct golden_source {
    uint32_t stream;
    float middle[2]; /* by the hash's lowest bit */
    float spread;
} golden_source;

static inline bool golden_ends(const char *name, const char *end)
{
    const size_t length = strlen(name), end_length = strlen(end);
    return length >= end_length && strcmp(name + length - end_length, end) == 0;
}

/* The source of a parameter or running statistic. fan_in: inputs of one output, 1 for vectors. */
static inline golden_source golden_source_of(const char *name, size_t fan_in)
{
    const uint32_t stream = golden_stream(name);
    if (fan_in > 1)
        return (golden_source){stream, {0, 0}, (float)sqrt(6.0 / (double)fan_in)};
    if (golden_ends(name, ".weight"))
        return (golden_source){stream, {0.25f, 0.25f}, 0.05f};
    if (golden_ends(name, ".running_var"))
        return (golden_source){stream, {1, 1}, 0.5f};
    if (golden_ends(name, ".bias") && strcmp(name, "fc.bias") != 0)
        return (golden_source){stream, {-0.45f, 0.55f}, 0.05f};
    return (golden_source){stream, {0, 0}, 0.25f};
}

/* Element `index` in PyTorch's order. */
static inline float golden_value(const golden_source *source, size_t index)
{
    const uint32_t hash = golden_hash(source->stream, index);
    const float unit = (float)(hash >> 8) * 0x1p-23f - 1.0f;
    return source->middle[hash & 1] + source->spread * unit;
}

/* Adds element `index`, in PyTorch's order, to the sums: the signs are the bits of its hash. */
static inline void golden_add(double sums[GOLDEN_SUMS], uint32_t signs_stream, size_t index, double value)
{
    const uint32_t bits = golden_hash(signs_stream, index);
    for (int i = 0; i < GOLDEN_SUMS; i++)
        sums[i] += bits >> i & 1 ? -value : value;
}

#endif
