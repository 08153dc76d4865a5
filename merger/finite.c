// SPDX-License-Identifier: Apache-2.0
// See finite.h. An element is no finite number exactly when all bits of its exponent are set, so
// integer compares do, which compilers turn into vectors; only a block with a find is looked at
// one by one.
#include "merger/finite.h"

#include <stdbool.h>
#include <stdint.h>

enum { block_elements = 4096 };

// Whether one of `count` 16-bit elements has all bits of `exponent`.
static bool any_of_16(const uint16_t *elements, size_t count, uint16_t exponent)
{
    uint16_t found = 0;
    for (size_t i = 0; i < count; i++) {
        found |= (elements[i] & exponent) == exponent;
    }
    return found;
}

static bool any_of_32(const uint32_t *elements, size_t count, uint32_t exponent)
{
    uint32_t found = 0;
    for (size_t i = 0; i < count; i++) {
        found |= (elements[i] & exponent) == exponent;
    }
    return found;
}

static bool any(const void *elements, enum lw_type type, size_t first, size_t count)
{
    switch (type) {
    case LW_BF16:
        return any_of_16((const uint16_t *)elements + first, count, 0x7f80);
    case LW_F16:
        return any_of_16((const uint16_t *)elements + first, count, 0x7c00);
    default:
        return any_of_32((const uint32_t *)elements + first, count, 0x7f800000);
    }
}

size_t lw_first_nonfinite(const void *elements, enum lw_type type, size_t count)
{
    for (size_t first = 0; first < count; first += block_elements) {
        size_t block = count - first < block_elements ? count - first : block_elements;
        if (!any(elements, type, first, block)) {
            continue;
        }
        while (!any(elements, type, first, 1)) {
            first++;
        }
        return first;
    }
    return count;
}
