// SPDX-License-Identifier: Apache-2.0
// Looks for NaNs and infinities in arrays as they lie in safetensors files.
#ifndef LW_MERGER_FINITE_H
#define LW_MERGER_FINITE_H

#include <stddef.h>

#include "engine/base/types.h"

// The index of the first NaN or infinity among `count` elements of `type`, `count` when all are
// finite.
size_t lw_first_nonfinite(const void *elements, enum lw_type type, size_t count);

#endif
