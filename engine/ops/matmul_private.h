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

struct lw_matmul_tile {
    uint32_t m, n, k;        // of one workgroup
    uint32_t part_m, part_n; // of c, by one invocation (simt) or one subgroup (matrix)
};

// How a GPU does one product.
struct lw_matmul_plan {
    struct lw_matmul_tile tile;
    uint32_t slices;      // of k
    uint32_t depth;       // of a slice, a multiple of tile.k
    uint32_t part_stride; // of the slices' sums, elements; 0 where there is one slice
    uint32_t subgroup;    // invocations; 0: the driver's choice
};

#define LW_MATMUL_PLANS 64 // at most, of one product

// A way of doing products: a row in matmul.c.
struct lw_matmul_variant {
    const char *name;
    uint32_t features;             // enum lw_feature bits
    uint32_t vulkan_version;       // at least
    enum lw_kernel_id kernels[2];  // on matrix cores, of bf16 operands: c in bf16, in fp32
    enum lw_matrix_operand matrix; // what these make of the operands
    // Whether the device runs it; NULL: features and version say it all.
    bool (*runs)(const struct lw_matmul_variant *variant, const struct lw_caps *caps);
    bool (*suits)(const struct lw_matmul *matmul); // whether it does this product; NULL: any
    // The plans that can be measured, the one to take without measurements first; NULL: one way.
    uint32_t (*plans)(const struct lw_matmul_variant *variant, const struct lw_device *device,
        const struct lw_matmul *matmul, struct lw_matmul_plan plans[LW_MATMUL_PLANS]);
    // Bytes for the plan, which is NULL where there is one way; NULL: none.
    uint64_t (*scratch)(const struct lw_device *device, const struct lw_matmul *matmul,
        const struct lw_matmul_plan *plan);
    void (*record)(const struct lw_matmul_variant *variant, struct lw_stream *stream,
        const struct lw_matmul *matmul, const struct lw_matmul_plan *plan);
    bool tested; // on each device before it is used (matmul_test.c)
};

// What the start-up test of a variant found, kept as a choice of the device.
enum lw_matmul_verdict {
    LW_MATMUL_UNTESTED,
    LW_MATMUL_BEGUN, // and never ended: the driver took the program down with it
    LW_MATMUL_WRONG, // results
    LW_MATMUL_SLOW,  // slower than a later variant
    LW_MATMUL_GOOD
};
#define LW_MATMUL_NAME_SIZE 128
void lw_matmul_test_name(const struct lw_matmul_variant *variant, char name[LW_MATMUL_NAME_SIZE]);
enum lw_matmul_verdict lw_matmul_verdict_of(
    const struct lw_device *device, const struct lw_matmul_variant *variant);

// Row `index` of the table, best first; NULL past its end.
const struct lw_matmul_variant *lw_matmul_variant_at(size_t index);
// Whether the device has what the variant needs, whatever its test said.
bool lw_matmul_variant_fits(const struct lw_matmul_variant *variant, const struct lw_caps *caps);
// Whether it does and its test, if it was made, found nothing against it.
bool lw_matmul_variant_usable(
    const struct lw_device *device, const struct lw_matmul_variant *variant);
// The variant that lw_matmul takes.
const struct lw_matmul_variant *lw_matmul_variant_for(
    const struct lw_device *device, const struct lw_matmul *matmul);

// The name of a product of this shape and kind among the device's choices.
void lw_matmul_choice_name(const struct lw_matmul_variant *variant, const struct lw_matmul *matmul,
    char name[LW_MATMUL_NAME_SIZE]);

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
void lw_matmul_few_cpu(const struct lw_matmul_variant *variant, struct lw_stream *stream,
    const struct lw_matmul *matmul, const struct lw_matmul_plan *plan);
bool lw_matmul_few_gpu_suits(const struct lw_matmul *matmul);
void lw_matmul_few_gpu(const struct lw_matmul_variant *variant, struct lw_stream *stream,
    const struct lw_matmul *matmul, const struct lw_matmul_plan *plan);

// The CPU drivers' variant: packed operands, see shaders/matmul_panels.comp.
uint64_t lw_matmul_cpu_scratch(const struct lw_device *device, const struct lw_matmul *matmul,
    const struct lw_matmul_plan *plan);
void lw_matmul_cpu(const struct lw_matmul_variant *variant, struct lw_stream *stream,
    const struct lw_matmul *matmul, const struct lw_matmul_plan *plan);

// Matrix cores, bf16 operands: see matmul_matrix.c, and matmul_flexible.c.
bool lw_matmul_matrix_runs(const struct lw_matmul_variant *variant, const struct lw_caps *caps);
// Whether the device has the matrices and nothing was found against them.
bool lw_matmul_matrix_usable(const struct lw_device *device, enum lw_matrix_operand operand);
// Invocations of the subgroups that do products of matrices, and how many registers of 32 bits an
// invocation has.
uint32_t lw_matrix_subgroup(const struct lw_caps *caps);
uint32_t lw_matmul_registers(const struct lw_caps *caps);
bool lw_matmul_matrix_suits(const struct lw_matmul *matmul);
uint32_t lw_matmul_matrix_plans(const struct lw_matmul_variant *variant,
    const struct lw_device *device, const struct lw_matmul *matmul,
    struct lw_matmul_plan plans[LW_MATMUL_PLANS]);
uint64_t lw_matmul_matrix_scratch(const struct lw_device *device, const struct lw_matmul *matmul,
    const struct lw_matmul_plan *plan);
void lw_matmul_matrix(const struct lw_matmul_variant *variant, struct lw_stream *stream,
    const struct lw_matmul *matmul, const struct lw_matmul_plan *plan);
bool lw_matmul_flexible_runs(const struct lw_matmul_variant *variant, const struct lw_caps *caps);
uint32_t lw_matmul_flexible_plans(const struct lw_matmul_variant *variant,
    const struct lw_device *device, const struct lw_matmul *matmul,
    struct lw_matmul_plan plans[LW_MATMUL_PLANS]);
void lw_matmul_flexible(const struct lw_matmul_variant *variant, struct lw_stream *stream,
    const struct lw_matmul *matmul, const struct lw_matmul_plan *plan);

// Any GPU: shared memory and registers, see shaders/matmul_simt.comp.
uint32_t lw_matmul_simt_plans(const struct lw_matmul_variant *variant,
    const struct lw_device *device, const struct lw_matmul *matmul,
    struct lw_matmul_plan plans[LW_MATMUL_PLANS]);
uint64_t lw_matmul_simt_scratch(const struct lw_device *device, const struct lw_matmul *matmul,
    const struct lw_matmul_plan *plan);
void lw_matmul_simt(const struct lw_matmul_variant *variant, struct lw_stream *stream,
    const struct lw_matmul *matmul, const struct lw_matmul_plan *plan);

#endif
