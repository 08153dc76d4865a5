// SPDX-License-Identifier: Apache-2.0
// Random numbers made on the device, for weights and operands that are only measured. What a model
// begins with comes from engine/model/init.h.
#ifndef LW_OPS_FILL_RANDOM_H
#define LW_OPS_FILL_RANDOM_H

#include "engine/ops/tensor.h"

struct lw_fill_random {
    struct lw_buffer y; // [count] of type
    enum lw_type type;  // F32 or BF16
    uint64_t count;
    uint32_t seed;
    float deviation; // the numbers are uniform with this standard deviation and mean 0
};

// The same parameters give the same numbers on every device.
void lw_fill_random(struct lw_stream *stream, const struct lw_fill_random *fill);

#endif
