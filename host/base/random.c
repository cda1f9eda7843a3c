/* Philox streams. */
#include "random.h"

#include <Random123/philox.h>
#include <math.h>
#include <string.h>

rncl_random rncl_random_stream(uint64_t seed, rncl_random_purpose purpose, uint32_t epoch, uint32_t sample)
{
    return (rncl_random){.seed = seed, .sample = sample, .epoch = epoch, .purpose = purpose, .used = 4};
}

uint32_t rncl_random_u32(rncl_random *random)
{
    if (random->used == 4) {
        philox4x32_ctr_t counter = {{random->block++, random->sample, random->epoch, random->purpose}};
        philox4x32_key_t key = {{(uint32_t)random->seed, (uint32_t)(random->seed >> 32)}};
        philox4x32_ctr_t block = philox4x32(counter, key);
        memcpy(random->words, block.v, sizeof random->words);
        random->used = 0;
    }
    return random->words[random->used++];
}

float rncl_random_uniform(rncl_random *random)
{
    return (float)(rncl_random_u32(random) >> 8) * 0x1p-24f;
}

uint32_t rncl_random_below(rncl_random *random, uint32_t bound)
{
    /* Lemire's method: the product's high word is uniform once the short low words are rejected. */
    uint32_t threshold = -bound % bound;
    uint64_t product;
    do
        product = (uint64_t)rncl_random_u32(random) * bound;
    while ((uint32_t)product < threshold);
    return (uint32_t)(product >> 32);
}

float rncl_random_normal(rncl_random *random)
{
    const double two_pi = 6.283185307179586;
    double radius = sqrt(-2.0 * log1p(-(double)rncl_random_uniform(random)));
    return (float)(radius * cos(two_pi * (double)rncl_random_uniform(random)));
}

/* The logarithm of a Gamma(shape, 1) number (Marsaglia and Tsang 2000): those of small shapes are too small
 * for floats. */
static double log_gamma(rncl_random *random, double shape)
{
    if (shape < 1) {
        const double uniform = 1 - (double)rncl_random_uniform(random); /* above 0 */
        return log_gamma(random, shape + 1) + log(uniform) / shape;
    }
    const double d = shape - 1.0 / 3, c = 1 / sqrt(9 * d);
    for (;;) {
        const double x = (double)rncl_random_normal(random), v = pow(1 + c * x, 3);
        const double uniform = 1 - (double)rncl_random_uniform(random);
        if (v > 0 && log(uniform) < 0.5 * x * x + d - d * v + d * log(v))
            return log(d * v);
    }
}

float rncl_random_beta(rncl_random *random, float alpha)
{
    const double a = log_gamma(random, (double)alpha), b = log_gamma(random, (double)alpha);
    return (float)(1 / (1 + exp(b - a)));
}

void rncl_random_permutation(rncl_random *random, uint32_t *order, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        uint32_t j = rncl_random_below(random, i + 1);
        order[i] = order[j];
        order[j] = i;
    }
}
