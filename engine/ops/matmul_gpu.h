// SPDX-License-Identifier: Apache-2.0
// Private to the matrix product: what its GPU variants share. Each is a row of kernels and tiles; how
// c is cut into tiles and k into slices, and what follows the product, is the same for all.
#ifndef LW_OPS_MATMUL_GPU_H
#define LW_OPS_MATMUL_GPU_H

#include "engine/ops/matmul_private.h"

// The plans of a shape over these tiles, best reuse first: every tile with every number of slices
// that makes sense. The first plan is the one to take without measurements: tiles become smaller
// until the device has enough to do, then k is cut.
uint32_t lw_matmul_make_plans(const struct lw_matmul_shape *shape,
    const struct lw_matmul_tile *tiles, uint32_t tile_count,
    struct lw_matmul_plan plans[LW_MATMUL_PLANS]);

// Whether the tensor moves in pieces of `elements` whole and aligned ones.
bool lw_matmul_in_pieces(const struct lw_tensor *tensor, uint32_t elements);

// Bytes of scratch for the sums of the slices.
uint64_t lw_matmul_parts_size(
    const struct lw_matmul_plan *plan, const struct lw_matmul_shape *shape);

// A kernel with the arguments of shaders/matmul_gpu.h.
struct lw_matmul_kernel {
    enum lw_kernel_id kernel;
    uint32_t piece;     // elements of one load of an operand
    uint32_t threads;   // of a workgroup
    uint32_t matrix[3]; // sizes m, n, k of a hardware matrix; 0: none
    uint64_t scales;    // see shaders/matmul_gpu.h
    uint64_t parts;     // scratch for the sums of slices
};

// Records the product and, where k is cut, the sum of its slices.
void lw_matmul_record_gpu(struct lw_stream *stream, const struct lw_matmul *matmul,
    const struct lw_matmul_plan *plan, const struct lw_matmul_kernel *kernel);

// The same for a variant on matrix cores: with its kernel for c's type, room for sums after the scales
// in the scratch memory and, for fp16 matrices, the scales of the operands found first.
void lw_matmul_record_matrix(const struct lw_matmul_variant *variant, struct lw_stream *stream,
    const struct lw_matmul *matmul, const struct lw_matmul_plan *plan,
    const struct lw_matmul_kernel *kernel);

#endif
