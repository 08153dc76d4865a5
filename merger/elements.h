// SPDX-License-Identifier: Apache-2.0
// Elements of arrays in mapped memory, for what the host computes of them.
#ifndef LW_MERGER_ELEMENTS_H
#define LW_MERGER_ELEMENTS_H

#include "engine/base/numeric.h"
#include "engine/ops/array.h"

static inline float lw_element_of(const void *elements, enum lw_type type, uint64_t i)
{
    switch (type) {
    case LW_BF16:
        return lw_bf16_to_float(((const uint16_t *)elements)[i]);
    case LW_F16:
        return lw_f16_to_float(((const uint16_t *)elements)[i]);
    default:
        return ((const float *)elements)[i];
    }
}

static inline float lw_element(const struct lw_array *array, uint64_t i)
{
    return lw_element_of(array->buffer.mapped, array->type, i);
}

// The bits of |x - base|, as the device computes it.
static inline uint32_t lw_difference_bits(
    const struct lw_array *x, const struct lw_array *base, uint64_t i)
{
    return lw_float_bits(lw_element(x, i) - lw_element(base, i)) & 0x7fffffffu;
}

#endif
