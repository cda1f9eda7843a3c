/* bfloat16 on the host: the upper half of a float. */
#ifndef RNCL_BASE_BFLOAT16_H
#define RNCL_BASE_BFLOAT16_H

#include <math.h>
#include <stdint.h>
#include <string.h>

static inline float rncl_bfloat16_to_float(uint16_t value)
{
    const uint32_t bits = (uint32_t)value << 16;
    float result;
    memcpy(&result, &bits, sizeof result);
    return result;
}

/* Rounds to the nearest, to even between two, as kernels/common.clh does. A NaN stays one. */
static inline uint16_t rncl_bfloat16_of(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    if (isnan(value))
        return (uint16_t)((bits | UINT32_C(0x400000)) >> 16);
    return (uint16_t)((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

#endif
