// SPDX-License-Identifier: Apache-2.0
#ifndef LW_SHADERS_MATMUL_SIMT_H
#define LW_SHADERS_MATMUL_SIMT_H

#include "shaders/include/args.h"

// Bits of the constant FLAGS.
#define LW_MATMUL_A_TRANSPOSED 1 // a is [k, m]
#define LW_MATMUL_B_TRANSPOSED 2 // b is [k, n]
#define LW_MATMUL_A_VECTOR 4     // a's lines are whole quads, each aligned for one load
#define LW_MATMUL_B_VECTOR 8
#define LW_MATMUL_C_VECTOR 16 // so are c's and add's
#define LW_MATMUL_BIAS 32
#define LW_MATMUL_ADD 64

struct lw_matmul_simt_args {
    uint64_t a, b, c, bias, add;
    uint32_t m, n, k;
    uint32_t a_stride, b_stride, c_stride, add_stride; // elements
    uint32_t tiles_m, tiles_n;
    uint32_t reserved; // keeps the size a multiple of 8 on both sides
};
LW_ARGS_SIZE(lw_matmul_simt_args, 80)

#endif
