// SPDX-License-Identifier: Apache-2.0
#ifndef LW_SHADERS_ATTENTION_DECODE_H
#define LW_SHADERS_ATTENTION_DECODE_H

#include "shaders/include/args.h"

// One query token against the rows [0, position] of a cache; see engine/ops/attention.h.
struct lw_attention_decode_args {
    uint64_t q, k, v, result; // storage type
    uint64_t position;        // one uint32
    uint32_t k_stride, v_stride;
    uint32_t heads;
    uint32_t group;  // query heads of one key head
    uint32_t window; // keys the query sees at most; 0: no limit
    float scale;
};
LW_ARGS_SIZE(lw_attention_decode_args, 64)

#endif
