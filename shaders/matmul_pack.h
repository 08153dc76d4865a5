// SPDX-License-Identifier: Apache-2.0
#ifndef LW_SHADERS_MATMUL_PACK_H
#define LW_SHADERS_MATMUL_PACK_H

#include "shaders/include/args.h"

#define LW_PACK_CHUNKS 4 // depths of an invocation in a plain source
#define LW_PACK_RUN 16   // depths of a workgroup in a transposed one; divides padded_depth

// One operand, seen as [rows, depth] with `depth` the dimension that the product sums over.
// Packed operands have padded_depth >= depth of it, zero from `depth` on.
struct lw_matmul_pack_args {
    uint64_t source, target;
    uint32_t rows, depth, padded_depth;
    uint32_t stride; // elements between the source's rows (or between depths, when transposed)
};
LW_ARGS_SIZE(lw_matmul_pack_args, 32)

#endif
