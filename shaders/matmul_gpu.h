// SPDX-License-Identifier: Apache-2.0
#ifndef LW_SHADERS_MATMUL_GPU_H
#define LW_SHADERS_MATMUL_GPU_H

#include "shaders/include/args.h"

// Bits of the constant FLAGS.
#define LW_MATMUL_A_TRANSPOSED 1 // a is [k, m]
#define LW_MATMUL_B_TRANSPOSED 2 // b is [k, n]
#define LW_MATMUL_A_VECTOR 4     // a's lines are whole pieces (of one load), each aligned for it
#define LW_MATMUL_B_VECTOR 8
#define LW_MATMUL_C_VECTOR 16 // c's and add's lines are whole quads, each aligned for one load
#define LW_MATMUL_BIAS 32
#define LW_MATMUL_ADD 64

struct lw_matmul_gpu_args {
    uint64_t a, b, c, bias, add;
    uint64_t scales; // fp16 operands: bits of the largest |element| of a and of b, uint[2]
    uint32_t m, n, k;
    uint32_t a_stride, b_stride, c_stride, add_stride; // elements
    uint32_t tiles_m, tiles_n;
    // Depths of one slice of k; slice i writes its sums to row i m of c. k where there is one slice.
    uint32_t depth;
};
LW_ARGS_SIZE(lw_matmul_gpu_args, 88)

#endif
