/* half on the host: IEEE 754's binary16. */
#ifndef RNCL_BASE_HALF_H
#define RNCL_BASE_HALF_H

#include <math.h>
#include <stdint.h>
#include <string.h>

/* Exact: every half is a float. */
static inline float rncl_half_to_float(uint16_t value)
{
    enum { NOT_FINITE = 31, BIAS_DIFFERENCE = 127 - 15 };
    const uint32_t sign = (uint32_t)(value & 0x8000) << 16, exponent = value >> 10 & 31,
                   fraction = value & 1023;
    float result;
    if (exponent == 0) /* zero and denormal numbers */
        return (sign ? -1.0f : 1.0f) * (float)fraction * 0x1p-24f;
    const uint32_t wide = exponent == NOT_FINITE ? 255 : exponent + BIAS_DIFFERENCE;
    const uint32_t bits = sign | wide << 23 | fraction << 13;
    memcpy(&result, &bits, sizeof result);
    return result;
}

/* Rounds to the nearest, to even between two, as vstore_half_rte does. A NaN stays one. */
static inline uint16_t rncl_half_of(float value)
{
    const float size = fabsf(value);
    uint32_t bits;
    memcpy(&bits, &size, sizeof bits);
    const uint16_t sign = signbit(value) ? 0x8000 : 0;
    if (isnan(value))
        return (uint16_t)(sign | 0x7e00 | (bits >> 13 & 0x3ff));
    if (size >= 65520) /* rounds to more than the largest one */
        return (uint16_t)(sign | 0x7c00);
    if (size < 0x1p-14f)
        return (uint16_t)(sign | lrintf(size * 0x1p24f));
    return (uint16_t)(sign | ((bits + 0xfff + (bits >> 13 & 1) - (UINT32_C(112) << 23)) >> 13));
}

#endif
