// SPDX-License-Identifier: Apache-2.0
// Matrix products: checks the shapes and picks the variant. See matmul.h.
#include "engine/ops/matmul.h"

#include <inttypes.h>
#include <stdio.h>

#include "engine/gpu/choices.h"
#include "engine/ops/matmul_private.h"

// As VK_MAKE_API_VERSION packs it.
#define VERSION(major, minor, patch) ((major) << 22 | (minor) << 12 | (patch))

#define FLEXIBLE LW_FEATURE_COOPERATIVE_MATRIX_2
#define WORKGROUP (FLEXIBLE | LW_FEATURE_WORKGROUP_MATRIX)

// Of bf16 operands on matrix cores: kernels LW_KERNEL_MATMUL_`kernel`_`operand`, functions lw_matmul_`way`.
#define MATRIX_ROW(title, needs, kernel, operand, way)                                             \
    {                                                                                              \
        .name = (title), .features = (needs),                                                      \
        .kernels = {LW_KERNEL_MATMUL_##kernel##_##operand##_BF16,                                  \
            LW_KERNEL_MATMUL_##kernel##_##operand##_BF16_F32},                                     \
        .matrix = LW_MATRIX_##operand, .runs = lw_matmul_##way##_runs,                             \
        .suits = lw_matmul_matrix_suits, .plans = lw_matmul_##way##_plans,                         \
        .scratch = lw_matmul_matrix_scratch, .record = lw_matmul_##way, .tested = true             \
    }

// Best first; a product takes the first row that the device runs, that suits it, and whose test on
// the device found nothing against it.
static const struct lw_matmul_variant variants[] = {
    // Only from Mesa 26.1 on (which reports 1.4.354) does lavapipe load what all lanes share once;
    // before, the CPU kernel is 10 times slower than the SIMT one there.
    {.name = "cpu",
        .features = LW_FEATURE_CPU,
        .vulkan_version = VERSION(1, 4, 350),
        .scratch = lw_matmul_cpu_scratch,
        .record = lw_matmul_cpu},
    // The driver cuts a workgroup's matrices up as suits the device, so these come first.
    MATRIX_ROW("workgroup matrix, bf16", WORKGROUP | LW_FEATURE_BFLOAT16, WORKGROUP_MATRIX, BF16,
        flexible),
    MATRIX_ROW(
        "workgroup matrix, fp16", WORKGROUP | LW_FEATURE_FLOAT16, WORKGROUP_MATRIX, FP16, flexible),
    MATRIX_ROW("cooperative matrix, bf16", LW_FEATURE_COOPERATIVE_MATRIX | LW_FEATURE_BFLOAT16,
        MATRIX, BF16, matrix),
    MATRIX_ROW("cooperative matrix, fp16", LW_FEATURE_COOPERATIVE_MATRIX | LW_FEATURE_FLOAT16,
        MATRIX, FP16, matrix),
    // Element by element from memory.
    MATRIX_ROW(
        "flexible matrix, bf16", FLEXIBLE | LW_FEATURE_BFLOAT16, FLEXIBLE_MATRIX, BF16, flexible),
    MATRIX_ROW(
        "flexible matrix, fp16", FLEXIBLE | LW_FEATURE_FLOAT16, FLEXIBLE_MATRIX, FP16, flexible),
    {.name = "simt",
        .plans = lw_matmul_simt_plans,
        .scratch = lw_matmul_simt_scratch,
        .record = lw_matmul_simt},
};

// For products of a special kind, before the others; they need no scratch memory.
static const struct lw_matmul_variant special_variants[] = {
    {.name = "few rows, cpu",
        .features = LW_FEATURE_CPU,
        .suits = lw_matmul_few_cpu_suits,
        .record = lw_matmul_few_cpu},
    {.name = "few rows, simt", .suits = lw_matmul_few_gpu_suits, .record = lw_matmul_few_gpu},
};

enum {
    variant_count = sizeof variants / sizeof *variants,
    special_count = sizeof special_variants / sizeof *special_variants
};

const struct lw_matmul_variant *lw_matmul_variant_at(size_t index)
{
    return index < variant_count ? &variants[index] : NULL;
}

bool lw_matmul_variant_fits(const struct lw_matmul_variant *variant, const struct lw_caps *caps)
{
    return (caps->features & variant->features) == variant->features &&
           caps->vulkan_version >= variant->vulkan_version &&
           (!variant->runs || variant->runs(variant, caps));
}

void lw_matmul_test_name(const struct lw_matmul_variant *variant, char name[LW_MATMUL_NAME_SIZE])
{
    snprintf(name, LW_MATMUL_NAME_SIZE, "test of products, %s", variant->name);
}

enum lw_matmul_verdict lw_matmul_verdict_of(
    const struct lw_device *device, const struct lw_matmul_variant *variant)
{
    char name[LW_MATMUL_NAME_SIZE];
    uint32_t verdict = LW_MATMUL_UNTESTED;
    lw_matmul_test_name(variant, name);
    bool known = variant->tested && lw_choice_get(device, name, &verdict);
    return known && verdict <= LW_MATMUL_GOOD ? (enum lw_matmul_verdict)verdict
                                              : LW_MATMUL_UNTESTED;
}

bool lw_matmul_variant_usable(
    const struct lw_device *device, const struct lw_matmul_variant *variant)
{
    enum lw_matmul_verdict verdict = lw_matmul_verdict_of(device, variant);
    return lw_matmul_variant_fits(variant, lw_device_caps(device)) &&
           (verdict == LW_MATMUL_GOOD || verdict == LW_MATMUL_UNTESTED);
}

bool lw_matmul_matrix_usable(const struct lw_device *device, enum lw_matrix_operand operand)
{
    for (int i = 0; i < variant_count; i++) {
        if (variants[i].record == lw_matmul_matrix && variants[i].matrix == operand) {
            return lw_matmul_variant_usable(device, &variants[i]);
        }
    }
    return false;
}

const struct lw_matmul_variant *lw_matmul_variant_for(
    const struct lw_device *device, const struct lw_matmul *matmul)
{
    const struct lw_matmul_variant *variant = variants;
    while (
        !lw_matmul_variant_usable(device, variant) || (variant->suits && !variant->suits(matmul))) {
        variant++; // the last row needs nothing
    }
    return variant;
}

static const struct lw_matmul_variant *special_variant_for(
    const struct lw_device *device, const struct lw_matmul *matmul)
{
    for (int i = 0; i < special_count; i++) {
        if (lw_matmul_variant_usable(device, &special_variants[i]) &&
            special_variants[i].suits(matmul)) {
            return &special_variants[i];
        }
    }
    return NULL;
}

void lw_matmul_choice_name(const struct lw_matmul_variant *variant, const struct lw_matmul *matmul,
    char name[LW_MATMUL_NAME_SIZE])
{
    static const char *const layouts[] = {"NT", "NN", "TN"}, *const types[] = {"fp32", "bf16"};
    struct lw_matmul_shape shape = lw_matmul_shape_of(matmul);
    snprintf(name, LW_MATMUL_NAME_SIZE, "product, %s: %s %" PRIu32 " %" PRIu32 " %" PRIu32 " %s %s",
        variant->name, layouts[matmul->layout], shape.m, shape.n, shape.k, types[matmul->a.type],
        types[matmul->c.type]);
}

const char *lw_matmul_variant_name(size_t index)
{
    return index < variant_count ? variants[index].name : NULL;
}

const char *lw_matmul_variant_refusal(size_t index, const struct lw_device *device)
{
    if (!lw_matmul_variant_fits(&variants[index], lw_device_caps(device))) {
        return "";
    }
    switch (lw_matmul_verdict_of(device, &variants[index])) {
    case LW_MATMUL_BEGUN:
        return "the driver crashed while they were tested";
    case LW_MATMUL_WRONG:
        return "their results are wrong with this driver";
    case LW_MATMUL_SLOW:
        return "slower than others with this driver";
    case LW_MATMUL_UNTESTED:
    case LW_MATMUL_GOOD:
        break;
    }
    return NULL;
}

// The plan that was measured to be the best, else the first; false where the variant has one way.
static bool pick_plan(const struct lw_device *device, const struct lw_matmul_variant *variant,
    const struct lw_matmul *matmul, struct lw_matmul_plan *plan)
{
    struct lw_matmul_plan plans[LW_MATMUL_PLANS];
    char name[LW_MATMUL_NAME_SIZE];
    uint32_t best = 0;
    if (!variant->plans) {
        return false;
    }
    uint32_t count = variant->plans(variant, device, matmul, plans);
    lw_matmul_choice_name(variant, matmul, name);
    *plan = plans[lw_choice_get(device, name, &best) && best < count ? best : 0];
    return true;
}

struct lw_matmul_shape lw_matmul_shape_of(const struct lw_matmul *matmul)
{
    bool a_transposed = matmul->layout == LW_MATMUL_TN;
    return (struct lw_matmul_shape){.m = a_transposed ? matmul->a.columns : matmul->a.rows,
        .n = matmul->layout == LW_MATMUL_NT ? matmul->b.rows : matmul->b.columns,
        .k = a_transposed ? matmul->a.rows : matmul->a.columns,
        .a_transposed = a_transposed,
        .b_transposed = matmul->layout != LW_MATMUL_NT};
}

bool lw_matmul_aligned(const struct lw_tensor *tensor, uint32_t bytes)
{
    return tensor->address % bytes == 0 && tensor->stride * lw_type_size(tensor->type) % bytes == 0;
}

static bool has_size(
    const struct lw_tensor *tensor, uint32_t rows, uint32_t columns, enum lw_type type)
{
    return tensor->address && tensor->rows == rows && tensor->columns == columns &&
           tensor->stride >= columns && tensor->type == type;
}

static bool fits(const struct lw_matmul *matmul)
{
    struct lw_matmul_shape shape = lw_matmul_shape_of(matmul);
    enum lw_type type = matmul->a.type, c_type = matmul->c.type;
    bool b_fits = shape.b_transposed ? has_size(&matmul->b, shape.k, shape.n, type)
                                     : has_size(&matmul->b, shape.n, shape.k, type);
    return shape.m && shape.n && shape.k && (type == LW_F32 || type == LW_BF16) &&
           (c_type == type || c_type == LW_F32) && matmul->a.address &&
           matmul->a.stride >= matmul->a.columns && b_fits &&
           has_size(&matmul->c, shape.m, shape.n, c_type) &&
           (!matmul->bias.address || has_size(&matmul->bias, 1, shape.n, type)) &&
           (!matmul->add.address || has_size(&matmul->add, shape.m, shape.n, c_type));
}

enum lw_kernel_id lw_matmul_kernel(const struct lw_matmul *matmul, enum lw_kernel_id f32,
    enum lw_kernel_id bf16, enum lw_kernel_id bf16_to_f32)
{
    return matmul->a.type == LW_F32 ? f32 : matmul->c.type == LW_F32 ? bf16_to_f32 : bf16;
}

// The most that any plan needs, so that measuring plans later changes nothing. Whether a special
// variant suits turns on addresses, which are not looked at here.
uint64_t lw_matmul_scratch(const struct lw_device *device, const struct lw_matmul *matmul)
{
    const struct lw_matmul_variant *variant = lw_matmul_variant_for(device, matmul);
    struct lw_matmul_plan plans[LW_MATMUL_PLANS];
    uint32_t count = variant->plans ? variant->plans(variant, device, matmul, plans) : 0;
    uint64_t most = 0;
    for (uint32_t i = 0; variant->scratch && (i == 0 || i < count); i++) {
        uint64_t size = variant->scratch(device, matmul, count ? &plans[i] : NULL);
        most = size > most ? size : most;
    }
    return most;
}

void lw_matmul(struct lw_stream *stream, const struct lw_matmul *matmul)
{
    const struct lw_device *device = lw_stream_device(stream);
    if (!fits(matmul)) {
        struct lw_matmul_shape shape = lw_matmul_shape_of(matmul);
        lw_stream_fail(stream, LW_FAILED,
            "a matrix product of m %" PRIu32 ", n %" PRIu32 ", k %" PRIu32
            " has operands of other shapes or types",
            shape.m, shape.n, shape.k);
        return;
    }
    const struct lw_matmul_variant *variant = special_variant_for(device, matmul);
    variant = variant ? variant : lw_matmul_variant_for(device, matmul);
    struct lw_matmul_plan picked;
    const struct lw_matmul_plan *plan =
        pick_plan(device, variant, matmul, &picked) ? &picked : NULL;
    uint64_t scratch = variant->scratch ? variant->scratch(device, matmul, plan) : 0;
    if (matmul->scratch.size < scratch) {
        lw_stream_fail(stream, LW_FAILED,
            "a matrix product needs %" PRIu64 " bytes of scratch memory and has %" PRIu64, scratch,
            matmul->scratch.size);
        return;
    }
    variant->record(variant, stream, matmul, plan);
}
