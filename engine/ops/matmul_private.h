// SPDX-License-Identifier: Apache-2.0
// Private to the matrix product: its sizes and the variants behind it. A new variant is a row in
// matmul.c and a file of its own.
#ifndef LW_OPS_MATMUL_PRIVATE_H
#define LW_OPS_MATMUL_PRIVATE_H

#include "engine/ops/matmul.h"

// c [m, n], summed over k.
struct lw_matmul_shape {
    uint32_t m, n, k;
    bool a_transposed; // a is [k, m]
    bool b_transposed; // b is [k, n]
};

struct lw_matmul_shape lw_matmul_shape_of(const struct lw_matmul *matmul);

// Whether quads of elements of this tensor's lines lie at multiples of `bytes`.
bool lw_matmul_aligned(const struct lw_tensor *tensor, uint32_t bytes);

// The kernel for these types of operands and c.
enum lw_kernel_id lw_matmul_kernel(const struct lw_matmul *matmul, enum lw_kernel_id f32,
    enum lw_kernel_id bf16, enum lw_kernel_id bf16_to_f32);

// Invocations of a CPU driver's workgroup: one vector.
uint32_t lw_matmul_lanes(const struct lw_device *device);

// A few rows: see shaders/matmul_few_cpu.comp and matmul_few_gpu.comp.
bool lw_matmul_few_cpu_suits(const struct lw_matmul *matmul);
void lw_matmul_few_cpu(struct lw_stream *stream, const struct lw_matmul *matmul);
bool lw_matmul_few_gpu_suits(const struct lw_matmul *matmul);
void lw_matmul_few_gpu(struct lw_stream *stream, const struct lw_matmul *matmul);

// The CPU drivers' variant: packed operands, see shaders/matmul_panels.comp.
uint64_t lw_matmul_cpu_scratch(const struct lw_device *device, const struct lw_matmul *matmul);
void lw_matmul_cpu(struct lw_stream *stream, const struct lw_matmul *matmul);

// Matrix cores, bf16 operands: see matmul_matrix.c.
bool lw_matmul_matrix_bf16_runs(const struct lw_caps *caps);
bool lw_matmul_matrix_fp16_runs(const struct lw_caps *caps);
bool lw_matmul_matrix_suits(const struct lw_matmul *matmul);
uint64_t lw_matmul_matrix_bf16_scratch(
    const struct lw_device *device, const struct lw_matmul *matmul);
uint64_t lw_matmul_matrix_fp16_scratch(
    const struct lw_device *device, const struct lw_matmul *matmul);
void lw_matmul_matrix_bf16(struct lw_stream *stream, const struct lw_matmul *matmul);
void lw_matmul_matrix_fp16(struct lw_stream *stream, const struct lw_matmul *matmul);

// Any GPU: shared memory and registers, see shaders/matmul_simt.comp.
uint64_t lw_matmul_simt_scratch(const struct lw_device *device, const struct lw_matmul *matmul);
void lw_matmul_simt(struct lw_stream *stream, const struct lw_matmul *matmul);

#endif
