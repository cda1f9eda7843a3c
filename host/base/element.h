/* Elements of tensors, 2 bytes each, on the host. */
#ifndef RNCL_BASE_ELEMENT_H
#define RNCL_BASE_ELEMENT_H

#include "bfloat16.h"
#include "half.h"

typedef enum rncl_element { RNCL_ELEMENT_BFLOAT16, RNCL_ELEMENT_HALF } rncl_element;

static inline float rncl_element_to_float(rncl_element type, uint16_t value)
{
    return type == RNCL_ELEMENT_HALF ? rncl_half_to_float(value) : rncl_bfloat16_to_float(value);
}

static inline uint16_t rncl_element_of(rncl_element type, float value)
{
    return type == RNCL_ELEMENT_HALF ? rncl_half_of(value) : rncl_bfloat16_of(value);
}

#endif
