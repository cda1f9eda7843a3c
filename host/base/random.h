/* Random numbers as a function of where they are used: Philox4x32-10 (Salmon et al. 2011, Random123) with
 * the user's seed as key and (block, sample, epoch, purpose) as counter. There is no generator state to save.
 */
#ifndef RNCL_BASE_RANDOM_H
#define RNCL_BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

typedef enum rncl_random_purpose {
    RNCL_RANDOM_INIT = 1, /* sample: index of the parameter */
    RNCL_RANDOM_SHUFFLE,
    RNCL_RANDOM_AUGMENT, /* sample: index of the image */
    RNCL_RANDOM_SHAPES,  /* sample: index of the image */
    RNCL_RANDOM_TEST,
    RNCL_RANDOM_COLOUR, /* sample: index of the image */
    RNCL_RANDOM_MIXUP,  /* epoch and sample: high and low half of the step */
    RNCL_RANDOM_SLICE,  /* epoch and sample: high and low half of the step */
} rncl_random_purpose;

/* A stream of numbers; plain data, cheap to make, lives on the caller's stack. */
typedef struct rncl_random {
    uint64_t seed;
    uint32_t sample, epoch, purpose;
    uint32_t block;    /* the next counter block */
    uint32_t words[4]; /* the current block */
    unsigned used;     /* words taken from it */
} rncl_random;

rncl_random rncl_random_stream(uint64_t seed, rncl_random_purpose purpose, uint32_t epoch, uint32_t sample);

uint32_t rncl_random_u32(rncl_random *random);

/* Uniform in [0, 1), 24 bits. */
float rncl_random_uniform(rncl_random *random);

/* Uniform in {0 … bound-1}, without bias; bound > 0. */
uint32_t rncl_random_below(rncl_random *random, uint32_t bound);

/* Standard normal (Box-Muller). */
float rncl_random_normal(rncl_random *random);

/* Beta(alpha, alpha) in [0, 1]; alpha > 0. */
float rncl_random_beta(rncl_random *random, float alpha);

/* A uniformly random order of 0 … count-1 (Fisher-Yates). */
void rncl_random_permutation(rncl_random *random, uint32_t *order, uint32_t count);

#endif
