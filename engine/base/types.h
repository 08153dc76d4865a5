// SPDX-License-Identifier: Apache-2.0
// The element types that computations use.
#ifndef LW_BASE_TYPES_H
#define LW_BASE_TYPES_H

#include <stddef.h>

enum lw_type { LW_F32, LW_BF16, LW_F16, LW_TYPE_COUNT };

// Bytes of one element.
static inline size_t lw_type_size(enum lw_type type)
{
    return type == LW_F32 ? 4 : 2;
}

#endif
