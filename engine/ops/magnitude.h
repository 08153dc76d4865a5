// SPDX-License-Identifier: Apache-2.0
// Private to engine/ops: the largest magnitudes of bf16 tensors, from which kernels on fp16 matrix
// cores take the scales of their operands.
#ifndef LW_OPS_MAGNITUDE_H
#define LW_OPS_MAGNITUDE_H

#include "engine/ops/tensor.h"

#define LW_MAGNITUDES_SIZE 256u // bytes of scratch, for up to 64 operands

// Records: word i of `scratch` becomes the bits of the largest |element| of tensors[i], as a float.
void lw_magnitudes(struct lw_stream *stream, const struct lw_tensor *const *tensors, uint32_t count,
    const struct lw_buffer *scratch);

#endif
